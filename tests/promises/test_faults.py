"""Every fault of the store, at every point of the money path, for every kind of win: paid once, whatever happens.

Each case has a player, a win and a fault aimed at that player's requests. A fault is *brief* (the first
call meets it) or *lasting* (every call does, until the provider has been answered). After a lasting one
either the provider sends again, or it gives up and only the queue is left. What follows a fault does not depend
on which fault it was: so each kind and fault has one of these two ends, and each kind and each fault has both. Every
other kind meets a fault briefly, and every other one meets it while parking fails, so that each kind meets half of
the faults so, and each fault half of the kinds. All cases run at the same time on one service; each test then looks
at one of them.
"""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass
from itertools import count
from typing import Any, Literal

import pytest

from promises.stand import Fault, Rule, Stand, stand
from promises.wins import KINDS, Win

Course = Literal["brief", "lasting, sent again", "lasting, given up"]
COURSES: tuple[Course, ...] = ("brief", "lasting, sent again", "lasting, given up")

READ, WRITE, PARK = "BatchGetItem", "TransactWriteItems", "SendMessage"
# How a request tells whose it is: jmespath.
AIMS = {
    READ: "RequestItems.Players.Keys[0].userId.S == '{player}'",
    WRITE: "TransactItems[0].Put.Item.userId.S == '{player}'",
    PARK: "contains(MessageBody, '{player}')",
}
CONFLICT = {
    "error": {
        "code": "TransactionCanceledException",
        "status": 400,
        "fields": {"CancellationReasons": [{"Code": "None"}, {"Code": "TransactionConflict"}]},
    }
}
THROTTLED_WRITE = {
    "error": {
        "code": "TransactionCanceledException",
        "status": 400,
        "fields": {"CancellationReasons": [{"Code": "ThrottlingError"}, {"Code": "None"}]},
    }
}
THROTTLING = {"error": {"code": "ThrottlingException", "status": 400}}
BROKEN = {"error": {"code": "InternalServerError", "status": 500}}
RESET = {"reset": True}
SILENCE = {"timeout_ms": 1500}  # longer than the client waits; nothing is passed on
LATE = {"latency": 1400}  # passed on when the client has given up already
ANSWER_LOST = {"response": {"abort_frac": 0.0}}

FAULTS: dict[str, tuple[str, Rule]] = {
    "before the read: throttling": (READ, THROTTLING),
    "before the read: 500": (READ, BROKEN),
    "before the read: reset": (READ, RESET),
    "before the read: timeout": (READ, SILENCE),
    "after the read, its answer lost": (READ, ANSWER_LOST),
    "write not applied: throttling": (WRITE, THROTTLING),
    "write not applied: throttled in part": (WRITE, THROTTLED_WRITE),
    "write not applied: 500": (WRITE, BROKEN),
    "write not applied: TransactionConflict": (WRITE, CONFLICT),
    "write not applied: reset": (WRITE, RESET),
    "write not applied: timeout": (WRITE, SILENCE),
    "write applied, its answer lost": (WRITE, ANSWER_LOST),
    "write applied, but late": (WRITE, LATE),
}
# What becomes of a win that cannot be written, when it cannot be parked as it should either.
PARKING_FAULTS: dict[str, Rule] = {
    "parking: throttling": {"error": {"code": "RequestThrottled", "status": 403}},
    "parking: 500": {"error": {"code": "InternalError", "status": 500}},
    "parking: reset": RESET,
    "parking: timeout": SILENCE,
    "parked, the answer lost": ANSWER_LOST,
}


@dataclass(frozen=True)
class Outcome:
    """What was seen of one case: the status of the answer under the faults, and how often each was met at least."""

    status: int
    times_met: int


@dataclass(frozen=True)
class Case:
    win: Win
    faults: tuple[tuple[str, Rule], ...]
    course: Course


_numbers = count()


def _cases() -> dict[str, Case]:
    def case(kind: Any, faults: tuple[tuple[str, Rule], ...], course: Course) -> Case:
        return Case(kind(f"player-{next(_numbers):04}"), faults, course)

    brief, *ends = COURSES
    cases = {
        f"{kind.__name__} | {name} | {course}": case(kind, (fault,), course)
        for row, kind in enumerate(KINDS)
        for column, (name, fault) in enumerate(FAULTS.items())
        for course in COURSES
        if ((row + column // 2) % 2 if course == brief else course == ends[(row + column) % 2])
    }
    # With both down, only the provider's retransmission is left: it is not given up then.
    cases |= {
        f"{kind.__name__} | write not applied: reset, {name} | lasting, sent again": case(
            kind, _while_parking_fails(kind, rule), "lasting, sent again"
        )
        for row, kind in enumerate(KINDS)
        for column, (name, rule) in enumerate(PARKING_FAULTS.items())
        if (row + column) % 2
    }
    return cases


def _while_parking_fails(kind: Callable[[str], Win], rule: Rule) -> tuple[tuple[str, Rule], ...]:
    """A prize is left before anything is written: no write is tried while that fails."""
    return ((PARK, rule),) if kind("anybody").leaves_prize else ((WRITE, RESET), (PARK, rule))


CASES = _cases()


@pytest.fixture(scope="module")
def outcomes() -> Iterator[tuple[Stand, dict[str, Outcome], set[str]]]:
    """Every case played to its end, the service it was played on, and whose prizes were left for a person."""
    with stand([case.win.player for case in CASES.values()], WORKERS="5") as here:
        with ThreadPoolExecutor(40) as pool:
            # In an order that gives every function work at once.
            names = sorted(CASES, key=lambda name: CASES[name].win.player[::-1])
            played = {name: pool.submit(_play, here, CASES[name]) for name in names}
        here.wait_until_the_queues_are_empty()
        prizes_left = {letter["reference"] for letter in here.dead_letters("result") if letter["prize_only"]}
        yield here, {name: future.result() for name, future in played.items()}, prizes_left


def _play(here: Stand, case: Case) -> Outcome:
    win = case.win
    for callback, body in win.before:
        here.deliver_until_paid(callback, body)
    with ExitStack() as stack:
        faults = [stack.enter_context(_aimed(here, case, operation, rule)) for operation, rule in case.faults]
        answer, times_met = here.deliver_until_met(win, *faults)
        if case.course == "lasting, given up" and not here.is_kept(win):
            here.deliver_until_kept(win)
    if case.course != "lasting, given up":
        here.deliver_until_paid(win.callback, win.body)
    return Outcome(answer, times_met)


def _aimed(here: Stand, case: Case, operation: str, rule: Rule) -> AbstractContextManager[Fault]:
    """The fault in the way of the case's player alone."""
    proxy = here.queues if operation == PARK else here.tables
    aim = {"operation": operation, "body": AIMS[operation].format(player=case.win.player)}
    return proxy.fault(aim | rule | ({"times": 1} if case.course == "brief" else {}))


@pytest.mark.parametrize("name", CASES)
def test_every_win_is_paid_once(outcomes: tuple[Stand, dict[str, Outcome], set[str]], name: str) -> None:
    here, played, prizes_left = outcomes
    win = CASES[name].win
    assert played[name].times_met > 0
    if CASES[name].course != "brief":
        assert played[name].status == 503
    here.assert_paid_once(win)
    assert (win.body["reference"] in prizes_left) == win.leaves_prize
