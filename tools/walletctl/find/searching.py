"""Looks for a movement by what a player says of it: in the ledger, among the dead letters, in the log."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from heapq import nsmallest
from operator import itemgetter

from tools.shared import listing
from tools.shared.identifiers import can_be_key
from tools.shared.items import Item
from tools.shared.moments import recorded
from tools.shared.trouble import Trouble
from tools.walletctl import records
from tools.walletctl.find.finding import about, references_of
from tools.walletctl.find.missed import Missed, of_the_win, unpaid, with_those_paid
from tools.walletctl.find.sought import Sought
from tools.walletctl.kinds import BET, CANCEL
from tools.walletctl.log import LogLine, Refusals
from tools.walletctl.parked.letters import INVALID, DeadLetter, Debt, Group
from tools.walletctl.parked.reading import Pile, piles
from tools.walletctl.place import Place
from tools.walletctl.tables import Tables

_MOST_OLDER = 100  # movements before the period, after which none of it is looked for: clocks differ a little
_MOST_NEAR = 3
_NO_LOG = "The log was not read"
_MOST_EARLIER = 2000  # movements before the period, among which the same amount is looked for
_MOST_ASKED = 500  # wins of the period, among which one is looked for that was paid less than it asked

Parked = Sequence[tuple[str, Group]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Moved:
    """What a ledger has: `matching` movements, the newest first, as the index or the table has them.

    If there are none: the `nearest` of other amounts in that time, those of `other_kinds`, the last one of that amount
    `earlier`. `wallet` is the player's.
    """

    matching: Sequence[Item]
    nearest: Sequence[Item] = ()
    other_kinds: Sequence[Item] = ()
    earlier: Item | None = None
    wallet: Item | None = None

    @property
    def is_empty(self) -> bool:
        return not (self.matching or self.nearest or self.other_kinds or self.earlier)


@dataclass(frozen=True, slots=True, kw_only=True)
class NotMoved:
    """What did not move: `letters` and `due` of that amount, `others` of the player's.

    `log` says whether the log was read. By it, `missed` were refused and not paid since, and `settled` were refused,
    and are on record now. `waiting`, `hidden`, `not_kept`, `refused_bodies`, `on_record` and `not_looked`
    are as `Found` has them.
    """

    letters: Parked
    due: Parked
    others: Parked
    missed: Sequence[Missed]
    other_missed: Sequence[Missed]
    settled: Sequence[Item]
    waiting: int
    hidden: int
    refused_bodies: int
    not_kept: Mapping[str, int] | None
    on_record: Mapping[str, Item]
    not_looked: Sequence[str]
    log: bool


def moved_in(tables: Tables, sought: Sought) -> Moved:
    """The movements on record. Without a player the whole index is read: `cost_of_all` says what that is."""
    if sought.player is None:
        return Moved(matching=_of_anybody(tables, sought))
    matching: list[Item] = []
    others: list[Item] = []
    earlier: Item | None = None
    number = 0
    for item in tables.ledger(sought.player, newest_first=True):
        at = recorded(item.get("recordedAt"))
        is_sought = sought.has_kind(records.kind_of(item)) and sought.is_amount_of(item)
        if sought.period.has(at):
            (matching if is_sought else others).append(item)
        elif at is not None and at < sought.period.since:
            number += 1
            if is_sought and sought.amounts and earlier is None:
                earlier = item
            if number > (_MOST_OLDER if matching or earlier else _MOST_EARLIER):
                break
    of_kind = [item for item in others if sought.has_kind(records.kind_of(item))]
    matching = matching or _paid_less(tables, sought, of_kind)
    wallet = tables.wallet(sought.player)
    if matching:
        return Moved(matching=matching, wallet=wallet)
    return Moved(
        matching=(),
        nearest=_nearest(sought, of_kind),
        other_kinds=[item for item in others if item not in of_kind and sought.is_amount_of(item)][:_MOST_NEAR],
        earlier=earlier,
        wallet=wallet,
    )


def with_records(tables: Tables, moved: Moved, most: int | None = None) -> Moved:
    """What is shown of it with all that the table has: the newest so many, and what comes near."""
    parts = (moved.matching[:most], moved.nearest, moved.other_kinds, [moved.earlier] if moved.earlier else [])
    items = [item for part in parts for item in part]
    there = {item["id"]: item for item in tables.whole(iter(items))}
    matching, nearest, other_kinds, earlier = ([there.get(item["id"], item) for item in part] for part in parts)
    rest = [] if most is None else moved.matching[most:]
    return replace(
        moved,
        matching=[*matching, *rest],
        nearest=nearest,
        other_kinds=other_kinds,
        earlier=earlier[0] if earlier else None,
    )


def _paid_less(tables: Tables, sought: Sought, others: Sequence[Item]) -> list[Item]:
    """The free rounds and totals of that amount of which less was paid: the index has only what was paid."""
    if not sought.amounts:
        return []
    may_be = [item for item in others if records.kind_of(item) in ("result", "bonus")][:_MOST_ASKED]
    return [item for item in tables.whole(iter(may_be)) if sought.is_amount_of(item)]


def _nearest(sought: Sought, others: Sequence[Item]) -> list[Item]:
    """Those of other amounts that come nearest, and are not far off; without an amount there are none."""
    if (amounts := sought.amounts) is None:
        return []
    sized = ((item, moved) for item in others if (moved := records.number(item.get("amount"))))
    near = [(amounts.distance(moved), item) for item, moved in sized if amounts.is_near(moved)]
    return [item for _, item in nsmallest(_MOST_NEAR, near, key=itemgetter(0))]


def _of_anybody(tables: Tables, sought: Sought) -> list[Item]:
    since, until = (
        each and each.isoformat(timespec="milliseconds") for each in (sought.period.since, sought.period.until)
    )
    assert since is not None  # noqa: S101 - a period has a beginning
    with listing.progress("movements read", tables.size_of_index()[0] or None) as advance:
        found = [
            item
            for item in tables.moved(since, until, advance)
            if sought.has_kind(records.kind_of(item))
            and sought.is_amount_of(item)
            and sought.period.has(recorded(item.get("recordedAt")))
        ]
    return sorted(found, key=lambda item: str(item.get("recordedAt")), reverse=True)


def not_moved_in(where: Place, sought: Sought, moved: Moved, *, retries: bool = False, log: bool = True) -> NotMoved:
    """What is parked or was refused; the `log` says nothing where it is not to be read."""
    tables = where.tables()
    not_looked: list[str] = []
    parked: list[Pile] = []
    try:
        parked = piles(where, where.keeping(), retries=retries, trusting_counts=where.log_is_free)
    except Trouble as trouble:
        not_looked.append(f"The dead letters were not looked at: {trouble}.")
    dead = [(pile.callback, group) for pile in parked for group in pile.groups]
    due_of_all = [(pile.callback, group) for pile in parked for group in pile.due]
    theirs = [*_those(dead, lambda callback, each: _is_theirs(sought, callback, each))]
    on_record = about(tables, theirs, ())
    bets = {id: item for id, item in on_record.items() if id.startswith(f"{BET}#")}
    letters = [*_those(theirs, lambda callback, each: _is_meant(sought, callback, each, bets))]
    due = [*_those(due_of_all, lambda callback, each: _is_meant(sought, callback, each, {}))]
    shown = {letter.message_id for _, group in letters for letter in group.letters}
    others = [] if sought.player is None else [*_those(theirs, lambda _, each: each.message_id not in shown)]
    lines: Sequence[LogLine] = ()
    if log:
        try:
            lines = of_the_win(where.refused_among(_refusals(sought), sought.period.since))
        except Trouble as trouble:
            not_looked.append(f"{_NO_LOG}: {trouble}.")
    known = references_of([*dead, *due_of_all])
    settled = _settled(tables, sought, lines, moved)
    is_settled = {str(item["id"]) for item in (*settled, *moved.matching)}
    missed = [each for each in unpaid(lines, known) if f"{each.callback}#{each.reference}" not in is_settled]
    missed = with_those_paid(tables, missed, sought.is_amount_of_line)
    of_amount = [each for each in missed if any(map(sought.is_amount_of_line, each.lines))]
    not_kept: Mapping[str, int] | None = None
    if log and not (moved.matching or letters or due or of_amount or settled or not_looked):
        try:
            not_kept = where.not_kept(sought.period.since)
        except Trouble as trouble:
            not_looked.append(f"{_NO_LOG}: {trouble}.")
    return NotMoved(
        letters=letters,
        due=due,
        others=others,
        missed=of_amount,
        other_missed=[each for each in missed if each not in of_amount],
        settled=settled,
        waiting=sum(pile.waiting.all for pile in parked),
        hidden=sum(pile.hidden for pile in parked),
        refused_bodies=sum(
            not {code for code, _ in group.faults}.isdisjoint(INVALID) for pile in parked for group in pile.groups
        ),
        not_kept=not_kept,
        on_record=on_record,
        not_looked=not_looked,
        log=log and not any(each.startswith(_NO_LOG) for each in not_looked),
    )


def _refusals(sought: Sought) -> Refusals:
    """A player's of any amount, since another may be meant; of all players only those of that amount."""
    is_of_amount = sought.is_amount_of_line

    def are_meant(line: LogLine) -> bool:
        is_in_time = line.at is None or sought.period.has(line.at)
        return is_in_time and sought.is_kind_of_line(line) and (sought.player is not None or is_of_amount(line))

    return Refusals(
        player=sought.player,
        are_meant=are_meant,
        first=is_of_amount,
        without_bets=not sought.kinds or BET not in sought.kinds,
        until=sought.period.until,
    )


def _settled(tables: Tables, sought: Sought, lines: Sequence[LogLine], moved: Moved) -> list[Item]:
    """What was refused in that time and is on record now: paid later, booked elsewhere, or refused for good."""
    known = {str(item["id"]) for item in moved.matching}
    ids = {
        f"{line.callback}#{line.reference}"
        for line in lines
        if line.message == "refused" and line.reference and sought.is_amount_of_line(line)
    }
    found = tables.with_ids(sorted(id for id in ids - known if can_be_key(id)))
    return sorted(filter(sought.is_amount_of, found), key=lambda item: records.outcome_of(item) is not None)


def _is_theirs(sought: Sought, callback: str, letter: DeadLetter) -> bool:
    """Whether a dead letter may be of that player and kind, of whatever amount, and came in that time or before."""
    if sought.player is not None and not letter.may_be_of(sought.player):
        return False
    until = sought.period.until
    if until is not None and letter.first_received_at >= until:
        return False
    return any(sought.has_kind(kind) for kind in _kinds(callback, letter))


def _kinds(callback: str, letter: DeadLetter) -> list[str]:
    """Of what it is kept for."""
    return [_kind(callback, each) for each in letter.owed()] or [callback]


def _kind(callback: str, debt: Debt) -> str:
    return "promo" if debt.what == "prize" else callback


def _is_meant(sought: Sought, callback: str, letter: DeadLetter, bets: Mapping[str, Item]) -> bool:
    """Whether one of theirs is of that time and amount. A cancel has no amount: its bet's is taken."""
    if not _is_theirs(sought, callback, letter) or not sought.period.has(letter.first_received_at):
        return False
    debts = [each for each in letter.owed() if sought.has_kind(_kind(callback, each))]
    if callback == CANCEL and letter.parked and (bet := bets.get(f"{BET}#{letter.parked.reference}")):
        return sought.is_amount_of(bet)
    return sought.has_amount(*(Decimal(each.amount) for each in debts if each.amount is not None))


def _those(parked: Parked, is_meant: Callable[[str, DeadLetter], bool]) -> Iterator[tuple[str, Group]]:
    for callback, group in parked:
        meant = {each.message_id for each in group.letters if is_meant(callback, each)}
        if part := group.among(meant):
            yield callback, part


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """What reading the ledger's whole index costs, by the last count of DynamoDB."""

    movements: int
    size: int

    @property
    def units(self) -> int:
        """Read request units: half a one for each 4 KB, since the index is read as it is at some moment."""
        return -(-self.size // 8192)

    def __str__(self) -> str:
        minutes = self.size / _BYTES_A_MINUTE
        time = "less than a minute" if minutes < 1 else f"about {minutes:,.0f} minutes"
        return (
            f"{self.movements:,} movements ({self.size / 1_000_000:,.1f} MB): about {self.units:,} read request units "
            f"({max(0.01, self.units * _USD_A_UNIT):,.2f} USD or less at the list price) and {time}"
        )


_BYTES_A_MINUTE = 300_000_000  # a page of a scan is a megabyte, and takes about a fifth of a second
_USD_A_UNIT = 0.1415 / 1_000_000  # eu-west-1: docs/capacity.md


def cost_of_all(tables: Tables) -> Cost:
    movements, size = tables.size_of_index()
    return Cost(movements=movements, size=size)
