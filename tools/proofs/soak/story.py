"""What the soak remembers: the callbacks it made up, each delivery of them, and what was answered."""

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Literal

Counts = Literal["cash", "round", "total"]  # as a plain win, as a free round's result, as the total of free rounds
Outcome = Literal["paid", "late", "contested", "dead letter", "refused"]
Manner = Literal["plain", "answer lost", "duplicates", "gives up"]

NO_ANSWER = None
UNAVAILABLE = 998


@dataclass(frozen=True, slots=True, kw_only=True)
class Player:
    """`opens_at` is in seconds of the run; None: the wallet is there from the beginning."""

    user_id: str
    currency: str
    cash: Decimal
    bonus: Decimal
    opens_at: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """Money that a callback asks for. `id` is kind, `#`, reference; `currency` None is the wallet's own.

    `is_exact`: all rounds and totals under its bonus code are sent, and each total is what its rounds come to.
    """

    id: str
    user_id: str
    amount: Decimal
    currency: str | None = None
    counts: Counts = "cash"
    bonus_code: str | None = None
    is_exact: bool = False

    @property
    def reference(self) -> str:
        return self.id.partition("#")[2]


@dataclass(frozen=True, slots=True, kw_only=True)
class Callback:
    """One callback, and how the provider behaves about it.

    `outcome` is what must become of it: it is `paid`; paid once its player is there (`late`); paid unless
    another content of the same reference was (`contested`); never paid, and left for a person (`dead letter`);
    or never paid and `refused`: kept for a person if its fields are wrong, nowhere if it was not admitted. `code` is
    the one it is refused with; `prize_code` the one with which its prize is left for a person, while the win is paid.
    `at` is in seconds of the run, `cut_after` when the provider hangs up, `replay_after` when a settled one is sent
    once more.
    """

    number: int
    at: float
    kind: str
    path: str
    body: str
    claims: tuple[Claim, ...]
    outcome: Outcome = "paid"
    code: int = 0
    prize_code: int | None = None
    method: str = "POST"
    token: str | None = None
    as_text: bool = True
    manner: Manner = "plain"
    copies: int = 1
    cut_after: float = 0.0
    replay_after: float | None = None
    then: "Callback | None" = None  # sent once this one is answered as paid


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """One sending of a callback: times in seconds of the run; without an answer, `status` and `code` are None.

    `why` it was sent: first, copy, retransmission, replay. `cut` tells that the provider hung up by itself.
    `could_park` tells whether nothing that the soak does was in the way of parking it, from start to end.
    """

    why: str
    started: float
    ended: float
    status: int | None
    code: int | None
    answer: str
    cut: bool = False
    could_park: bool = True
    in_faults: bool = False

    @property
    def seconds(self) -> float:
        return self.ended - self.started


@dataclass(slots=True)
class Told:
    """A callback with all its deliveries, in the order in which they ended."""

    callback: Callback
    deliveries: list[Delivery] = field(default_factory=list)
    gave_up: bool = False  # after one 503, with only the queues left to pay it
    abandoned: bool = False  # no longer sent, because the soak was broken off

    @property
    def codes(self) -> list[int | None]:
        return [delivery.code for delivery in self.deliveries]


@dataclass(frozen=True, slots=True, kw_only=True)
class Letter:
    """A message of a queue: what is kept, and why. `ids` are the claims that it stands for, by amount.

    `prize_only`: it is kept for the prize alone, and does not stand for its win.
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Books:
    """What the tables and queues hold, read past everything that the soak put in the way.

    `listed` is what `walletctl parked list` shows: callback and reference.
    """

    wallets: Mapping[str, Mapping[str, Any]]
    transactions: Sequence[Mapping[str, Any]]
    free_rounds: Mapping[tuple[str, str], Mapping[str, Any]]
    waiting: Sequence[Letter]
    dead_letters: Sequence[Letter]
    listed: Set[tuple[str, str]]
