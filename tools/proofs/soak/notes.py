"""What the soak remembers: what it sends, each delivery of it, and what the tables and queues hold in the end."""

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass, field
from decimal import Decimal
from functools import cached_property
from typing import Literal

from tools.provider.sending import RETRANSMISSIONS
from tools.provider.simulate.provider import Delivery
from tools.provider.simulate.story import Callback, Player
from tools.shared.items import Item
from tools.walletctl.tables import Tables

Outcome = Literal["paid", "late", "contested", "dead letter", "refused"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened(Player):
    """A player, and what the wallet is opened with. `opens_at` is in seconds of the run; None: before it begins."""

    cash: Decimal
    bonus: Decimal
    opens_at: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """A callback, and what must become of it.

    It is `paid`; paid once its player is there (`late`); paid, unless another content of its reference was
    (`contested`); never paid, and kept for a person (`dead letter`); or never paid, and kept for a person only if it
    was admitted (`refused`).
    """

    callback: Callback
    kind: str  # what the report calls it
    outcome: Outcome = "paid"
    code: int = 0  # what it is refused with
    prize_code: int | None = None  # why its prize is left for a person, while the win is paid
    fields: Mapping[str, str] = field(default_factory=dict)  # JSON in place of its own fields
    trick: str = ""  # another thing that is done to its words
    may_give_up: bool = False  # the provider sends it no more once it is surely kept
    is_exact: bool = False  # everything under its bonus code is sent, and the totals are what the rounds won


@dataclass(slots=True)
class Sent:
    """A plan with all its deliveries, in the order in which they ended. Times are in seconds of the run."""

    plan: Plan
    deliveries: list[Delivery] = field(default_factory=list)
    gave_up: bool = False  # after one 503, with only the queues left to pay it

    @property
    def codes(self) -> list[int | None]:
        return [delivery.code for delivery in self.deliveries]

    @property
    def is_unfinished(self) -> bool:
        """Whether it would have been sent again, had the soak not ended."""
        callback = self.plan.callback
        return (
            not self.gave_up
            and not callback.is_given_up
            and all(delivery.answer.must_be_sent_again() for delivery in self.deliveries)
            and len(self.deliveries) < callback.copies + RETRANSMISSIONS
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Letter:
    """A message of a queue: what is kept, and why. `ids` are the credits that it is kept for, by amount.

    `prize_only`: it is kept for the prize alone, and not for its win.
    """

    queue: str
    reference: str | None
    code: int | None
    reason: str
    ids: Mapping[str, Decimal]
    prize_only: bool
    receives: int
    visible_in: float
    body: str


@dataclass(frozen=True, kw_only=True)  # not slotted: each table is read once
class Books:
    """What the tables and queues hold, read past everything that the soak put in the way.

    `listed` is what `walletctl parked list` shows: callback and reference.
    """

    tables: Tables
    waiting: Sequence[Letter]
    dead_letters: Sequence[Letter]
    listed: Set[tuple[str, str]]

    @cached_property
    def wallets(self) -> Mapping[str, Item]:
        return {str(item["userId"]): item for item in self.tables.scanned(self.tables.players, lambda _: None)}

    @cached_property
    def transactions(self) -> Sequence[Item]:
        return [*self.tables.scanned(self.tables.transactions, lambda _: None)]

    @cached_property
    def on_record(self) -> Mapping[str, Item]:
        """The transactions by their ids."""
        return {str(transaction["id"]): transaction for transaction in self.transactions}
