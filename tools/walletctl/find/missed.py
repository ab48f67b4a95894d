"""What the log knows of wins that were refused: what became of each."""

import re
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Literal

from tools.shared.amounts import amount
from tools.shared.items import Item
from tools.walletctl.kinds import BET, CANCEL, CASHIER
from tools.walletctl.log import DONE, LogLine
from tools.walletctl.parked.adjusted import ids_paying, pays, reference_for
from tools.walletctl.tables import Tables

State = Literal["waiting", "not kept", "gone", "declined", "refused", "credited", "paid by hand"]

_NOT_ENOUGH = 15
_CONFLICT = 61  # the same reference with other content: a win of its own, perhaps
_TRIES = 10  # template.yaml's maxReceiveCount


@dataclass(frozen=True, slots=True, kw_only=True)
class Missed:
    """A win that was refused and not paid since: its lines of the log, the oldest first.

    `by_hand` is the adjustment that paid it, if one did.
    """

    callback: str
    reference: str
    lines: Sequence[LogLine]
    by_hand: Item | None = None

    @property
    def refusal(self) -> LogLine:
        return waits(self.lines) or next(line for line in reversed(self.lines) if line.message == "refused")

    @property
    def state(self) -> State:
        return "paid by hand" if self.by_hand else state_of(self.lines)


def with_those_paid(
    tables: Tables, found: Sequence[Missed], are_meant: Callable[[LogLine], bool] = lambda _: True
) -> list[Missed]:
    """The same wins, those with their adjustment that were paid by hand: each amount that is meant of them."""
    left = [each for each in found if each.state in ("gone", "not kept")]
    asked = {
        (each.callback, each.reference): [
            line for line in each.lines if line.message == "refused" and are_meant(line) and line.amount is not None
        ]
        for each in left
    }
    ids = {id for win, lines in asked.items() for line in lines for id in _ids_paying(win, line)}
    on_record = {str(item["id"]): item for item in tables.with_ids(sorted(ids))} if ids else {}

    def paying(win: tuple[str, str], line: LogLine) -> Item | None:
        items = (on_record.get(id) for id in _ids_paying(win, line))
        return next((each for each in items if each and pays(each, _size(line), line.currency, line.player)), None)

    def told(each: Missed) -> Missed:
        win = (each.callback, each.reference)
        paid = [paying(win, line) for line in asked.get(win, ())]
        return replace(each, by_hand=paid[-1]) if paid and all(paid) else each

    return [told(each) for each in found]


def _ids_paying(win: tuple[str, str], line: LogLine) -> list[str]:
    return ids_paying(reference_for("#".join(win)), _size(line))


def _size(line: LogLine) -> str | None:
    """An amount as a dead letter's is known by; None if it cannot be read."""
    is_number = re.fullmatch(r"[0-9]{1,32}(\.[0-9]{1,18})?", line.amount or "")
    return amount(Decimal(line.amount)) if is_number and line.amount else None


def missed(lines: Sequence[LogLine], name: str, known: Collection[tuple[str, str]]) -> list[Missed]:
    """The wins of a player or a round that were refused and not paid since, as `unpaid` has them."""
    return [each for each in unpaid(lines, known) if any(line.is_refusal_of(name) for line in each.lines)]


def unpaid(lines: Sequence[LogLine], known: Collection[tuple[str, str]]) -> list[Missed]:
    """The wins that were refused and not paid since, the one refused last being last.

    `known` are callbacks and references of which more is known than the log says.
    """
    by_win: dict[tuple[str, str], list[LogLine]] = {}
    for line in of_the_win(lines):
        if line.reference is not None:
            by_win.setdefault((line.callback, line.reference), []).append(line)
    found = [
        Missed(callback=callback, reference=reference, lines=said)
        for (callback, reference), said in by_win.items()
        if (callback, reference) not in known
        and any(line.message == "refused" for line in said)
        and not _is_paid(said)
        and not _is_on_record(said[-1])
    ]
    return sorted(found, key=lambda each: lines.index(each.lines[-1]))


def _is_on_record(last: LogLine) -> bool:
    """Whether it says that there was not enough money for a bet."""
    return last.callback == BET and last.code == _NOT_ENOUGH


def of_the_win(lines: Sequence[LogLine]) -> list[LogLine]:
    """The lines without those that say nothing of the win.

    They are of a prize, or a refund of an unknown round, that was left for a person beside its answer, and of a
    person's try to settle a dead letter that was refused.
    """
    before = [None, *lines]
    return [
        line
        for line, last in zip(lines, before, strict=False)
        if line.message not in (_PRIZE, _REFUND)
        and not (line.message == "declined" and line.callback != CASHIER)
        and not (line.message == "parking failed" and last and last.message in (_PRIZE, _REFUND))
    ]


_PRIZE, _REFUND = "prize left for a person", "refund left for a person"


def _is_paid(lines: Sequence[LogLine]) -> bool:
    """Whether the log says that the win was paid, whatever else was said of it since, unless that is another win."""
    if state_of(lines) == "credited":
        return True
    was_paid = any(line.message in DONE for line in lines)
    return was_paid and not any(line.message == "refused" and line.code == _CONFLICT for line in lines)


def waits(lines: Sequence[LogLine]) -> LogLine | None:
    """The refusal after which a callback's win waits for another try, if it does.

    Only the retry queue's own tries and a credit end the wait: what is delivered meanwhile, and refused, does not.
    """
    waiting: LogLine | None = None
    before: LogLine | None = None
    for line in lines:
        match line:
            case LogLine(message="refused") if not _is_kept(line):
                waiting = None if line.tries else waiting
            case LogLine(message="refused", code=62 | 998, tries=None):
                waiting = waiting if before and before.message == "parking failed" else line
            case LogLine(message="refused", code=62 | 998, tries=int(tries)) if tries < _TRIES:
                waiting = line
            case LogLine(message="left for a person") | LogLine(message="refused", tries=int()):
                waiting = None
            case LogLine(message=message) if message in DONE:
                waiting = None
        before = line
    return waiting


def _is_kept(refusal: LogLine) -> bool:
    """Whether what was refused is kept: no bet is, nor a cancel without a wallet, which is on record."""
    return refusal.callback != BET and not (refusal.callback == CANCEL and refusal.code == 62)


def state_of(lines: Sequence[LogLine]) -> State:
    """What became of a callback's win by the lines of its reference, of which there is one at least."""
    if waits(lines):
        return "waiting"
    refusal = next((line for line in reversed(lines) if line.message == "refused"), None)
    if refusal and not _is_kept(refusal) and lines[-1].message not in DONE:
        return "refused"
    # Whatever was to be kept and could not be is told beside its refusal: before it at first, after it by a retry.
    if refusal and any(line.message == "parking failed" for line in lines[-2:]):
        return "waiting" if refusal.tries else "not kept"  # what a retry cannot give up comes back by itself
    match lines[-1]:
        case LogLine(message=message) if message in DONE:
            return "credited"
        case LogLine(message="declined"):
            return "credited" if any(line.message in DONE for line in lines) else "declined"
        case LogLine(message="parking failed"):
            return "not kept"
    return "gone"  # left for a person, and it is not there any more
