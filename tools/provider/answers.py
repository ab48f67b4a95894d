"""What an operator answers, read as kindly as can be, and whether the provider sends again."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property
from typing import Any

from tools.shared.amounts import amount

SUCCESS = 0
NOT_ENOUGH = 15  # for a bet: final
NOT_AGAIN = 999  # not possible, and never will be
UNAVAILABLE = 998  # not possible at the moment: the provider sends again

_PLAIN = re.compile(r"-?[0-9]{1,100}(\.[0-9]{1,100})?")

Headers = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class WrittenNumber:
    """A JSON number as it was written: a balance must keep its digits, and Python's own would not."""

    literal: str


@dataclass(frozen=True, slots=True)
class Balances:
    cash: Decimal
    bonus: Decimal | None  # None: the answer has none, as the Result page allows

    def __str__(self) -> str:
        bonus = "no bonus" if self.bonus is None else f"bonus {amount(self.bonus)}"
        return f"cash {amount(self.cash)} and {bonus}"


@dataclass(frozen=True, kw_only=True)  # not slotted: it is read once, however often it is asked
class Answer:
    """One answer. Without a `status` none came: `failure` says why. Names of headers are in lower case."""

    status: int | None = None
    text: str = ""
    headers: Headers = ()
    request_headers: Headers = ()  # as they were sent
    failure: str = ""
    is_late: bool = False  # none came in time

    @cached_property
    def fields(self) -> Mapping[str, Any]:
        """What it says, numbers as `WrittenNumber`; nothing if it is not a JSON object."""
        try:
            found = json.loads(
                self.text, parse_float=WrittenNumber, parse_int=WrittenNumber, parse_constant=WrittenNumber
            )
        except (ValueError, RecursionError):
            return {}
        return found if isinstance(found, dict) else {}

    def written(self, name: str) -> str:
        """A field's value as JSON, a number by its own characters; `nothing` if it is not there."""
        if name not in self.fields:
            return "nothing"
        value = self.fields[name]
        return value.literal if isinstance(value, WrittenNumber) else json.dumps(value, default=str)

    def literal(self, name: str) -> str:
        """The characters of a number or a text; empty for anything else."""
        value = self.fields.get(name)
        if isinstance(value, WrittenNumber):
            return value.literal
        return value if isinstance(value, str) else ""

    @cached_property
    def error(self) -> int | None:
        """Its code, be it a number (as in the examples) or text (as in the pages' tables)."""
        literal = self.literal("error")
        return int(literal) if literal.isascii() and literal.isdigit() and len(literal) < 10 else None

    @property
    def transaction_id(self) -> str:
        """Empty if there is none."""
        return self.literal("transactionId")

    @property
    def balances(self) -> Balances | None:
        cash, bonus = (_read(self.literal(name)) for name in ("cash", "bonus"))
        return None if cash is None else Balances(cash, bonus)

    @property
    def is_success(self) -> bool:
        return self.status == 200 and self.error == SUCCESS

    def must_be_sent_again(self, *, only_if_told: bool = False) -> bool:
        """Whether the provider sends again: 998 is no outcome, and neither is what no wallet answers.

        `only_if_told` is for a certification: everything but 998 with its HTTP 503 is a fault that it looks for.
        """
        if only_if_told:
            return self.status == 503 and self.error == UNAVAILABLE
        return self.error in (None, UNAVAILABLE)

    def __str__(self) -> str:
        """On one line, for a person."""
        if self.status is None:
            return f"no answer: {self.failure}"
        return f"HTTP {self.status} {' '.join(self.text.split())[:300] or '(nothing)'}"


def _read(literal: str) -> Decimal | None:
    """The number that a balance writes in plain notation; None if it is none."""
    return Decimal(literal) if _PLAIN.fullmatch(literal) else None
