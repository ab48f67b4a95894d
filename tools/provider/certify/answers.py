"""What an operator answers, read as kindly as can be: how it must be written is a case of its own."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from tools.provider.certify import amounts

SUCCESS = 0
UNAVAILABLE = 998  # not possible at the moment: the provider sends again


@dataclass(frozen=True, slots=True)
class Written:
    """A JSON number as it was written: a balance must keep its digits, and Python's own would not."""

    literal: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Exchange:
    """A request and its answer, as they went over the wire. `failure` says why there is no answer."""

    why: str
    method: str
    url: str
    request_headers: tuple[tuple[str, str], ...]
    request_body: str
    status: int | None
    answer_headers: tuple[tuple[str, str], ...]
    answer_body: str
    failure: str
    seconds: float


@dataclass(frozen=True, slots=True)
class Balances:
    cash: Decimal
    bonus: Decimal | None  # None: the answer has none, as the Result page allows

    def __str__(self) -> str:
        bonus = "no bonus" if self.bonus is None else f"bonus {amounts.text(self.bonus)}"
        return f"cash {amounts.text(self.cash)} and {bonus}"


@dataclass(frozen=True, slots=True)
class Answer:
    exchange: Exchange

    @property
    def status(self) -> int | None:
        return self.exchange.status

    @property
    def fields(self) -> Mapping[str, Any]:
        """What it says, numbers as `Written`; nothing if it is no JSON object."""
        try:
            found = json.loads(
                self.exchange.answer_body, parse_float=Written, parse_int=Written, parse_constant=Written
            )
        except (ValueError, RecursionError):
            return {}
        return found if isinstance(found, dict) else {}

    def written(self, name: str) -> str:
        """A field's value as JSON, a number by its own characters; `nothing` if it is not there."""
        if name not in self.fields:
            return "nothing"
        value = self.fields[name]
        return value.literal if isinstance(value, Written) else json.dumps(value, default=str)

    @property
    def error(self) -> int | None:
        """Its code, be it a number (as in the examples) or text (as in the pages' tables)."""
        literal = _literal(self.fields.get("error"))
        return int(literal) if literal.isascii() and literal.isdigit() and len(literal) < 10 else None

    @property
    def transaction_id(self) -> str:
        """Empty if there is none."""
        return _literal(self.fields.get("transactionId"))

    @property
    def balances(self) -> Balances | None:
        cash, bonus = (amounts.read(_literal(self.fields.get(name))) for name in ("cash", "bonus"))
        return None if cash is None else Balances(cash, bonus)

    @property
    def is_success(self) -> bool:
        return self.status == 200 and self.error == SUCCESS

    @property
    def must_be_sent_again(self) -> bool:
        return self.status == 503 and self.error == UNAVAILABLE

    def __str__(self) -> str:
        """On one line, for a person."""
        if self.status is None:
            return f"no answer: {self.exchange.failure}"
        body = " ".join(self.exchange.answer_body.split())
        return f"HTTP {self.status} {body[:300] or '(nothing)'}"


def _literal(value: object) -> str:
    """The characters of a number or a text; nothing for anything else."""
    if isinstance(value, Written):
        return value.literal
    return value if isinstance(value, str) else ""
