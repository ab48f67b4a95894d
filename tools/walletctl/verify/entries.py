"""The proof's words: wallets, transactions, free rounds, a player's page, and faults."""

from collections.abc import Callable, Mapping, Sequence, Set
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Context, Decimal, Inexact
from typing import Any, Literal

What = Literal[
    "unreadable",
    "no wallet",
    "opening",
    "missing",
    "beyond the wallet",
    "seq twice",
    "chain broken",
    "digest",
    "balance differs",
    "below zero",
    "amount",
    "currency",
    "free rounds",
    "paid back",
    "round",
    "request",
    "outcome",
    "transaction id",
    "prize",
    "time",
    "before the anchor",
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
    digest: str = ""  # its last movement's


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordedFreeRounds:
    """What is kept of the free rounds under one bonus code. Source: docs/ledger.md."""

    uncovered: Decimal = NOTHING
    advance: Decimal = NOTHING
    until: Decimal | None = None
    last_rounds: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordedBet:
    """A live bet, as its round has it."""

    reference: str
    taken: Decimal
    bonus_code: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordedRound:
    """What is kept of a round. Source: docs/rounds.md."""

    game_id: str
    round_id: str
    bets: tuple[RecordedBet, ...] = ()
    had_bet: bool = False
    had_refused_bet: bool = False
    has_result: bool = False
    winnings: Decimal = NOTHING
    refunded: bool = False
    refunded_elsewhere: bool = False
    ended: bool = False
    open_since: str | None = None
    expires_at: Decimal | None = None  # seconds since the epoch


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordedTransaction:
    """A movement; or, with an `outcome`, what settled a reference without money, and has no `seq`, balances or digest.

    `covered` is what its digest covers, as canonical JSON. `record` has its other attributes that are compared with
    other records, by the ledger's own names.
    """

    id: str
    user_id: str
    seq: int = 0
    amount: Decimal
    asked: Decimal
    bonus_amount: Decimal = NOTHING
    currency: str
    cash_after: Decimal = NOTHING
    bonus_after: Decimal = NOTHING
    bonus_code: str | None = None
    outcome: str | None = None
    covered: str = ""
    digest: str = ""  # as stated
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

    @property
    def to_bonus(self) -> Decimal:
        return self.bonus_amount if self.counts == "cash" else self.amount

    @property
    def place(self) -> tuple[str, str] | None:
        """The round's game and its id, if it names both."""
        game_id, round_id = self.record.get("gameId"), self.record.get("roundId")
        return None if game_id is None or round_id is None else (game_id, round_id)

    @property
    def later_prize(self) -> tuple[str | None, str] | None:
        """The prize's reference and amount that were noted on a result on record, if one was."""
        of = self.record.get("laterPrizeAmount")
        return None if of is None else (self.record.get("laterPrizeReference"), of)

    def fault(self, what: "What", text: str) -> "Fault":
        return Fault(user_id=self.user_id, what=what, seq=self.seq or None, id=self.id, text=text)


@dataclass(frozen=True, slots=True, kw_only=True)
class Anchored:
    """What an anchor holds of a player: the `version` and `digest` at its `moment`, which is ISO 8601.

    `later_prizes` are the reference and amount of each by the result's id. `outcomes` are digests of what is covered of
    each record without money, by its id.
    """

    moment: str
    version: int
    digest: str
    later_prizes: Mapping[str, tuple[str | None, str]] = field(default_factory=dict)
    outcomes: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """What was read of one player; `wallet` is None if there is none, or none that can be read.

    `faults` are those of single records. `transactions` are the movements in the order of `seq`, and `outcomes` what
    settled a reference without money. `free_rounds` is None if none are to be compared, and has None for those that
    cannot be read. So are `rounds`, by game and round. Those that `moved` while they were read are not compared, and
    what came before `rounds_since` need not be in them. `moment` is when they were read. Unless the page
    `knows_outcomes`, some of these may be missing. `anchored` is what each anchor holds of the player. `owner_of` tells
    whose the transaction under an id is, if there is one.
    """

    user_id: str
    faults: Sequence["Fault"]
    has_wallet: bool
    wallet: RecordedWallet | None
    transactions: Sequence[RecordedTransaction]
    outcomes: Sequence[RecordedTransaction] = ()
    free_rounds: Mapping[str, RecordedFreeRounds | None] | None
    rounds: Mapping[tuple[str, str], RecordedRound | None] | None = None
    moved: Set[tuple[str, str]] = frozenset()
    rounds_since: Callable[[], datetime | None] = lambda: None
    moment: datetime = field(default_factory=lambda: datetime.now(UTC))
    knows_outcomes: bool = True
    anchored: Sequence[Anchored] = ()
    owner_of: Callable[[str], str | None]

    @property
    def is_empty(self) -> bool:
        """Whether only an anchor knows the player."""
        there = self.transactions or self.outcomes or self.free_rounds or self.rounds or self.faults
        return not (self.has_wallet or there)


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """Something that must not be. `text` has the figures, and references as they came: show it through `plain`.

    `place` is the game and the id of the round that it is about, if it is about one.
    """

    user_id: str
    what: What
    text: str
    seq: int | None = None
    id: str | None = None
    place: tuple[str, str] | None = None
