"""What a case is: a promise in a sentence, who demands it, and how it is tried."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol, TypeAlias, get_args

from tools.provider.certify.trial import Trial
from tools.shared.outside import plain
from tools.shared.trouble import Trouble

Group: TypeAlias = Literal[
    "credit",
    "idempotency",
    "conflicts",
    "money",
    "dialects",
    "free rounds",
    "promotions",
    "jackpots",
    "auto closing",
    "trust",
    "malformed",
    "concurrency",
    "balance",
    "bets",
    "cancels",
    "rounds",
]
GROUPS: tuple[Group, ...] = get_args(Group)
BEYOND_WINS: frozenset[Group] = frozenset({"balance", "bets", "cancels", "rounds"})
Origin: TypeAlias = Literal["page", "contract"]
Attempt: TypeAlias = Callable[[Trial], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Source:
    """Who demands it: one of the provider's pages, or the contract that settles what they leave open."""

    origin: Origin
    place: str

    def __str__(self) -> str:
        return f"{self.origin}: {self.place}"


RESULT, AUTO_CLOSING = Source("page", "Result"), Source("page", "Auto Closing")
JACKPOT, BONUS, PROMO = Source("page", "Jackpot Win"), Source("page", "Bonus Win"), Source("page", "Promo Win")
BALANCE, CHECK, BET = Source("page", "Balance"), Source("page", "Check"), Source("page", "Bet")
CANCEL, REFUND, END_ROUND = Source("page", "Cancel"), Source("page", "Refund"), Source("page", "End Round")
# By the headings of docs/callbacks.md, and of its page on bets.
CALLBACKS, FIELDS = Source("contract", "The provider's calls"), Source("contract", "Fields")
EFFECTS, REPLAYS = Source("contract", "What each win does"), Source("contract", "Replays and conflicts")
ROUNDS = Source("contract", "Bets, cancels and rounds")
ANSWERS, TRUST = Source("contract", "Answers"), Source("contract", "Trust")


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """`name` is the promise; `number` stands in the references of its wins."""

    number: int
    group: Group
    name: str
    source: Source
    attempt: Attempt


class CaseRow(Protocol):
    """A case that is a row of a table: tools/provider/certify/forms.py."""

    @property
    def name(self) -> str: ...

    async def attempt(self, the: Trial) -> None: ...


class Promises:
    """The cases of a group, in order: rows of tables, and functions that are named after their promise."""

    def __init__(self, group: Group) -> None:
        self.group: Group = group
        self.kept: list[tuple[str, Source, Attempt]] = []

    def __call__(self, source: Source) -> Callable[[Attempt], Attempt]:
        def keep(attempt: Attempt) -> Attempt:
            self.kept.append((_sentence(attempt.__name__), source, attempt))
            return attempt

        return keep

    def rows(self, source: Source, *rows: CaseRow) -> None:
        self.kept += [(row.name, source, row.attempt) for row in rows]


def numbered(groups: Sequence[Promises]) -> tuple[Case, ...]:
    cases: list[Case] = []
    for promises in groups:
        for name, source, attempt in promises.kept:
            number = len(cases) + 1
            cases.append(Case(number=number, group=promises.group, name=name, source=source, attempt=attempt))
    return tuple(cases)


def chosen(
    cases: Sequence[Case],
    groups: Sequence[str],
    names: Sequence[str],
    origin: Origin | None,
    *,
    wins_only: bool = False,
) -> tuple[Case, ...]:
    """Those of the groups and of the names, or pieces of names; all if neither is given. Raises Trouble."""
    wanted = [_alike(group) for group in groups]
    for group in wanted:
        if group not in GROUPS:
            raise Trouble(f"{plain(group)} is not a group: the groups are {', '.join(GROUPS)}")
    found = [case for case in cases if case.group in wanted or not (wanted or names)]
    for name in names:
        meant = [case for case in cases if _alike(case.name) == _alike(name)]
        meant = meant or [case for case in cases if _alike(name) in _alike(case.name)]
        if not meant:
            raise Trouble(f"{plain(name)} is not a case, nor a part of one's name: --list shows them")
        found += [case for case in meant if case not in found]
    found = [case for case in found if origin is None or case.source.origin == origin]
    found = [case for case in found if not (wins_only and case.group in BEYOND_WINS)]
    if not found:
        raise Trouble("no case is left by this choice: --list shows which there are")
    return tuple(sorted(found, key=lambda case: case.number))


def _alike(name: str) -> str:
    """A name as a person may write it: `Free-Rounds`, `free_rounds`."""
    return " ".join(name.lower().replace("-", " ").replace("_", " ").split())


def _sentence(identifier: str) -> str:
    return identifier.replace("_", " ")
