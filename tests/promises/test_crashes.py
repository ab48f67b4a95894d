"""A worker killed with SIGKILL, at every point of the money path: paid once all the same.

Where something may be written, this is tried for every kind of win: at each such moment for one kind of each function,
and for every other one at half of them. Before that, it is tried for every function.
"""

import asyncio
import json
import os
import signal
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest

from conftest import gateway_event
from local_service import wait_until
from promises.stand import CALLBACKS, Rule, Stand, stand, worker_of
from promises.test_faults import AIMS, PARK, READ, WRITE
from promises.wins import KINDS, Win, free_rounds_total_after_its_rounds, jackpot, promo, result_with_a_prize
from tools.local.template import Template
from tools.local.workers import Worker, WorkerFailed

# Where the worker is held until it is killed: longer than it waits itself, so that it cannot answer before.
POINTS: dict[str, tuple[str, Rule]] = {
    "before the read": (READ, {"latency": 1400, "reset": True}),
    "between read and write": (WRITE, {"latency": 1400, "reset": True}),
    "with the write on its way": (WRITE, {"latency": 1400}),  # it is passed on, after the worker's death
    "with the write applied and its answer on its way": (WRITE, {"response": {"bandwidth_kbps": 0.001}}),
}


def _player(kind: Callable[[str], Win], moment: str) -> str:
    return f"{kind.__name__}-{moment}".replace(" ", "-")


def _killed_at(point: str, here: Stand, win: Win) -> None:
    assert _delivery_with_a_kill(here, win, *POINTS[point]) == 503
    here.deliver_until_paid(win.callback, win.body)


def _killed_while_it_parks(here: Stand, win: Win) -> None:
    aim = {"operation": WRITE, "body": AIMS[WRITE].format(player=win.player)}
    with here.tables.fault(aim | {"reset": True}):
        assert _delivery_with_a_kill(here, win, PARK, {"latency": 1400}) == 503
    here.deliver_until_paid(win.callback, win.body)
    here.wait_until_the_queues_are_empty(win.callback)


def _killed_while_it_tries_again(here: Stand, win: Win) -> None:
    aim = {"operation": WRITE, "body": AIMS[WRITE].format(player=win.player)}
    with here.tables.fault(aim | {"reset": True}) as unreachable:
        here.deliver_until_kept(win)  # and it waits for its retry
        assert unreachable.times_met
    with here.tables.fault(aim | {"response": {"bandwidth_kbps": 0.001}}) as fault:
        wait_until(lambda: fault.times_met)
        os.kill(worker_of(here.service, win.callback), signal.SIGKILL)
    here.wait_until_the_queues_are_empty(win.callback)


def _delivery_with_a_kill(here: Stand, win: Win, operation: str, rule: Rule) -> int:
    """Delivers a win and kills the worker that has it as soon as it meets the rule; the answer's status."""
    proxy = here.queues if operation == PARK else here.tables
    aim = {"operation": operation, "body": AIMS[operation].format(player=win.player)}
    with proxy.fault(aim | rule) as fault, ThreadPoolExecutor(1) as pool:
        delivery = pool.submit(here.deliver_until_met, win, fault)
        wait_until(lambda: fault.times_met)
        os.kill(worker_of(here.service, win.callback), signal.SIGKILL)
        return delivery.result()[0]


MOMENTS: dict[str, Callable[[Stand, Win], None]] = {
    **{point: partial(_killed_at, point) for point in POINTS},
    "while it parks": _killed_while_it_parks,
    "while it tries again": _killed_while_it_tries_again,
}
# Nothing is on its way to the tables yet: these depend on the function alone, and each has one kind.
NOTHING_IS_WRITTEN = {"before the read", "between read and write", "while it parks"}
OF_EACH_FUNCTION = {result_with_a_prize, free_rounds_total_after_its_rounds, jackpot, promo}
WINS = {
    (kind, moment): kind(_player(kind, moment))
    for row, kind in enumerate(KINDS)
    for column, moment in enumerate([*MOMENTS, "after the write"])
    if kind in OF_EACH_FUNCTION or (moment not in NOTHING_IS_WRITTEN and (row + column) % 2)
}
assert {win.callback for (kind, _), win in WINS.items() if kind in OF_EACH_FUNCTION} == {*CALLBACKS}


@pytest.fixture(scope="module")
def here() -> Iterator[Stand]:
    with stand([win.player for win in WINS.values()]) as here:
        for win in WINS.values():
            for callback, body in win.before:
                here.deliver_until_paid(callback, body)
        yield here


@pytest.fixture(scope="module")
def deaths(here: Stand) -> Iterator[dict[tuple[Callable[[str], Win], str], Future[None]]]:
    """Every case, being played: one after the other on a callback's only worker, the callbacks side by side."""
    with ExitStack() as stack:
        players = {callback: stack.enter_context(ThreadPoolExecutor(1)) for callback in CALLBACKS}
        yield {
            (kind, moment): players[win.callback].submit(MOMENTS[moment], here, win)
            for (kind, moment), win in WINS.items()
            if moment in MOMENTS
        }


@pytest.mark.parametrize(("kind", "moment"), [case for case in WINS if case[1] in MOMENTS])
def test_a_killed_worker_pays_once(
    here: Stand,
    deaths: dict[tuple[Callable[[str], Win], str], Future[None]],
    kind: Callable[[str], Win],
    moment: str,
) -> None:
    deaths[kind, moment].result()
    here.assert_paid_once(WINS[kind, moment])


# --- Killed when all is done but the answer ---------------------------------------------------------

# The function as it is deployed, in a process that ends the moment its handler has returned.
DOOMED = """
import os, signal
from wallet import callback

serve = callback.serve

def doomed(model, movements_for):
    handler = serve(model, movements_for)

    def handle(event, context):
        handler(event, context)
        os.kill(os.getpid(), signal.SIGKILL)

    return handle

callback.serve = doomed
exec(compile(open({path!r}).read(), {path!r}, "exec"))
"""


@pytest.mark.parametrize("callback", CALLBACKS)
def test_a_worker_killed_after_the_write_and_before_the_answer_pays_once(
    here: Stand, tmp_path: Path, callback: str
) -> None:
    (function,) = (function for function in Template.load().functions() if function.name == callback)
    (tmp_path / "app.py").write_text(DOOMED.format(path=str(function.folder / "app.py")))
    wins = [win for (_, moment), win in WINS.items() if moment == "after the write" and win.callback == callback]

    async def deliver(win: Win) -> None:
        environment = here.environment(callback)
        with (tmp_path / "log").open("wb") as log:
            worker = await Worker.start(replace(function, folder=tmp_path), environment, log)
            try:
                with pytest.raises(WorkerFailed):
                    await worker.run(gateway_event(json.dumps(win.body)), 20)
            finally:
                await worker.stop()

    for win in wins:
        asyncio.run(deliver(win))
        here.assert_paid_once(win)  # it is paid, and nobody was told

        here.deliver_until_paid(win.callback, win.body)
        here.assert_paid_once(win)
