"""The proof's words: wallets, transactions, free rounds, and faults."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Context, Decimal, Inexact
from typing import Any, Literal

What = Literal[
    "unreadable",
    "no wallet",
    "beyond the wallet",
    "seq twice",
    "chain broken",
    "balance differs",
    "amount",
    "currency",
    "free rounds",
    "request",
    "transaction id",
    "prize",
    "time",
    "other writer",
]

# DynamoDB's numbers reach from 1e-130 to 1e126: whatever is in a table can be added without losing a digit.
EXACT = Context(prec=600, traps=[Inexact])
NOTHING = Decimal(0)


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordedWallet:
    user_id: str
    currency: str
    cash: Decimal
    bonus: Decimal
    version: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordedFreeRounds:
    """What is kept of the free rounds under one bonus code. Source: docs/ledger.md."""

    uncovered: Decimal = NOTHING
    advance: Decimal = NOTHING
    until: Decimal | None = None
    last_rounds: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordedTransaction:
    """`record` has its other attributes that are compared with other records, by the ledger's own names."""

    id: str
    user_id: str
    seq: int
    amount: Decimal
    asked: Decimal
    currency: str
    cash_after: Decimal
    bonus_after: Decimal
    bonus_code: str | None
    record: Mapping[str, Any] = field(default_factory=dict)

    @property
    def kind(self) -> str:
        return self.id.partition("#")[0]

    @property
    def reference(self) -> str:
        return self.id.partition("#")[2]

    @property
    def counts(self) -> Literal["cash", "round", "total"]:
        """Free rounds move bonus as well as cash: a result with a bonus code, and every total."""
        if self.kind == "bonus":
            return "total"
        return "round" if self.kind == "result" and self.bonus_code else "cash"

    def fault(self, what: What, text: str) -> "Fault":
        return Fault(user_id=self.user_id, what=what, seq=self.seq, id=self.id, text=text)


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """Something that must not be. `text` has the figures, and references as they came: show it through `plain`."""

    user_id: str
    what: What
    text: str
    seq: int | None = None
    id: str | None = None
