"""The faults: the seed decides which, when and how long; `Faults` injects them into the running service."""

import asyncio
import os
import random
import signal
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

from tools.proofs.soak.stand import ProxiedEngine, Stand
from tools.provider.simulate.provider import Delivery

Rule = dict[str, Any]

READ, WRITE = "BatchGetItem", "TransactWriteItems"
# The functions wait a second for an answer: what comes after 1.4 s comes too late, but is done.
SILENCE_MILLISECONDS = 1400
BEFORE_SECONDS = 3.0  # of quiet, before the first
AFTERMATH_SECONDS = 3.0  # connections that broke are noticed by those who use them next


def _canceled(*reasons: str) -> Rule:
    fields = {"CancellationReasons": [{"Code": reason} for reason in reasons]}
    return {"error": {"code": "TransactionCanceledException", "status": 400, "fields": fields}}


THROTTLED: Rule = {"error": {"code": "ThrottlingException", "status": 400}}
BROKEN: Rule = {"error": {"code": "InternalServerError", "status": 500}}
CONFLICT = _canceled("None", "TransactionConflict")
THROTTLED_IN_PART = _canceled("ThrottlingError", "None")
RESET: Rule = {"reset": True}
SILENT: Rule = {"timeout_ms": SILENCE_MILLISECONDS}  # nothing is passed on
LATE: Rule = {"latency": SILENCE_MILLISECONDS}  # passed on when the client has given up already
ANSWER_LOST: Rule = {"response": {"abort_frac": 0.0}}
QUEUE_BROKEN: Rule = {"error": {"code": "InternalError", "status": 500}}
QUEUE_THROTTLED: Rule = {"error": {"code": "RequestThrottled", "status": 403}}


def _at(operation: str, probability: float, *effects: Rule) -> list[Rule]:
    # The first rule that fires wins; each next one gets its share of what is left.
    rules, left = [], 1.0
    for effect in effects:
        share = probability / len(effects)
        rules.append({"operation": operation, "probability": share / left, **effect})
        left -= share
    return rules


_EVERY_TABLE_FAULT = _at(READ, 0.2, THROTTLED, BROKEN, RESET, ANSWER_LOST) + _at(
    WRITE, 0.5, THROTTLED, THROTTLED_IN_PART, BROKEN, CONFLICT, RESET, LATE, ANSWER_LOST
)
_EVERY_QUEUE_FAULT = [
    rule
    for operation in ("SendMessage", "ReceiveMessage", "DeleteMessage", "ChangeMessageVisibility")
    for rule in _at(operation, 0.5, QUEUE_BROKEN, QUEUE_THROTTLED, RESET, SILENT, ANSWER_LOST)
]
_WRITES_FAIL = _at(WRITE, 0.97, BROKEN, RESET)  # of some ten tries in three seconds, mostly all

# What the proxies do: to the tables' engine, and to the queues'.
INJECTED: dict[str, tuple[list[Rule], list[Rule]]] = {
    "throttling": (_at(READ, 0.4, THROTTLED) + _at(WRITE, 0.6, THROTTLED, THROTTLED_IN_PART), []),
    "errors of the tables": (_at(READ, 0.4, BROKEN) + _at(WRITE, 0.5, BROKEN), []),
    "transaction conflicts": (_at(WRITE, 0.6, CONFLICT), []),
    "connections reset": (_at(READ, 0.3, RESET) + _at(WRITE, 0.5, RESET), []),
    "no answers": (_at(READ, 0.2, SILENT) + _at(WRITE, 0.5, SILENT), []),
    "writes applied late": (_at(WRITE, 0.6, LATE), []),
    "answers lost": (_at(READ, 0.2, ANSWER_LOST) + _at(WRITE, 0.5, ANSWER_LOST), []),
    "writes fail": (_WRITES_FAIL, []),
    "writes fail, and the queues": (_WRITES_FAIL, _EVERY_QUEUE_FAULT),
    "everything at once": (_EVERY_TABLE_FAULT, _EVERY_QUEUE_FAULT),
}
# What happens to processes.
KILLED = "workers killed"
TABLES_STOPPED, QUEUES_STOPPED, BOTH_STOPPED = "tables stopped", "queues stopped", "both stopped"
TABLES_FROZEN, QUEUES_FROZEN = "tables frozen", "queues frozen"
STOPS = {TABLES_STOPPED: "t", QUEUES_STOPPED: "q", BOTH_STOPPED: "tq"}
FREEZES = {TABLES_FROZEN: "t", QUEUES_FROZEN: "q"}
KINDS = (*INJECTED, KILLED, *STOPS, *FREEZES)

# How long each may last, in seconds. An outage holds every worker, and callbacks that wait for one must still be
# answered within the function's 20 s. What is queued meanwhile must be paid before the soak ends.
_LENGTHS = {TABLES_STOPPED: (5, 12), BOTH_STOPPED: (5, 12), QUEUES_STOPPED: (5, 20), TABLES_FROZEN: (3, 8)}
_LENGTH = (4, 10)
_QUIET = (4, 8)


@dataclass(frozen=True, slots=True)
class PlannedFault:
    kind: str
    at: float
    seconds: float


def schedule(*, seed: int, seconds: float) -> list[PlannedFault]:
    """One fault after the other with quiet between, every kind before any comes again.

    A run too short for all kinds has them at half the length, and as many as there is time for.
    """
    chance = random.Random(f"faults {seed}")  # noqa: S311 - it must be repeatable
    faults: list[PlannedFault] = []
    at = BEFORE_SECONDS
    while True:
        kinds = chance.sample(KINDS, len(KINDS))
        drawn = [(kind, chance.uniform(*_LENGTHS.get(kind, _LENGTH)), chance.uniform(*_QUIET)) for kind in kinds]
        lap = sum(length + quiet for _, length, quiet in drawn)
        shrink = 1.0 if lap < seconds - BEFORE_SECONDS else 0.5
        for kind, length, quiet in drawn:
            if at + length * shrink > seconds:
                return faults
            faults.append(PlannedFault(kind, at, length * shrink))
            at += (length + quiet) * shrink


@dataclass
class Faults:
    """Injects what is scheduled, and counts it."""

    stand: Stand
    clock: Callable[[], float]  # seconds of the run
    engines: Executor  # of one thread that outlives the engines it starts
    seed: int
    times: Counter[str] = field(default_factory=Counter)  # by kind
    kills: Counter[str] = field(default_factory=Counter)  # by function
    now: str | None = None
    _parking_troubles: int = 0
    _parking_is_good_since: float = 0.0

    async def run(self, faults: Sequence[PlannedFault]) -> None:
        """Returns when the last is over. If it is broken off, call `end`."""
        chance = random.Random(f"kills {self.seed}")  # noqa: S311 - it must be repeatable
        async with asyncio.TaskGroup() as aftermath:
            for fault in faults:
                await asyncio.sleep(max(0.0, fault.at - self.clock()))
                self.now = fault.kind
                self.times[fault.kind] += 1
                await self._do(fault, chance, aftermath)
                self.now = None

    async def end(self) -> None:
        """Ends every fault, so that everything runs again."""
        for place in self.stand.places:
            place.thaw()
            place.set_rules([])
            if not place.is_running:
                await self._on_engines(place.start)

    def could_park(self, delivery: Delivery) -> bool:
        """Whether nothing kept the functions from queueing it: no fault of a queue, no dead worker."""
        return not self._parking_troubles and delivery.started > self._parking_is_good_since

    async def _do(self, fault: PlannedFault, chance: random.Random, aftermath: asyncio.TaskGroup) -> None:
        if fault.kind in INJECTED:
            await self._inject(fault)
        elif fault.kind in STOPS:
            await self._stop(fault)
        elif fault.kind in FREEZES:
            await self._freeze(fault)
        else:
            await self._kill(fault, chance, aftermath)

    async def _inject(self, fault: PlannedFault) -> None:
        rules = INJECTED[fault.kind]
        with self._in_the_way(of_parking=bool(rules[1])):
            try:
                for place, its_rules in zip(self.stand.places, rules, strict=True):
                    await asyncio.to_thread(place.set_rules, its_rules)
                await asyncio.sleep(fault.seconds)
            finally:
                for place in self.stand.places:
                    place.set_rules([])

    async def _stop(self, fault: PlannedFault) -> None:
        places = self._places(STOPS[fault.kind])
        with self._in_the_way(of_parking=self.stand.queues in places):
            for place in places:
                await self._on_engines(place.stop)
            await asyncio.sleep(fault.seconds)
            for place in places:
                await self._on_engines(place.start)

    async def _freeze(self, fault: PlannedFault) -> None:
        places = self._places(FREEZES[fault.kind])
        with self._in_the_way(of_parking=self.stand.queues in places):
            try:
                for place in places:
                    place.freeze()
                await asyncio.sleep(fault.seconds)
            finally:
                for place in places:
                    place.thaw()

    async def _kill(self, fault: PlannedFault, chance: random.Random, aftermath: asyncio.TaskGroup) -> None:
        """Kills a worker about every second."""
        aftermath.create_task(self._until_replaced(until_at_least=self.clock() + fault.seconds))
        until = self.clock() + fault.seconds
        while self.clock() < until:
            workers = [(name, pid) for name, pids in self.stand.workers_of().items() for pid in pids]
            if workers:
                name, pid = chance.choice(workers)
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
                    self.kills[name] += 1
            await asyncio.sleep(chance.uniform(0.5, 1.5))

    async def _until_replaced(self, *, until_at_least: float) -> None:
        """Counts parking as in trouble until each function has all of its workers again.

        The service notices a dead worker by the next callback it gives to it. It answers that one 503 itself, and no
        function can queue it.
        """
        with self._in_the_way(of_parking=True):
            while self.clock() < until_at_least + AFTERMATH_SECONDS or not self._all_workers_are_there():
                await asyncio.sleep(0.2)

    def _all_workers_are_there(self) -> bool:
        return all(len(pids) >= self.stand.workers for pids in self.stand.workers_of().values())

    def _places(self, which: str) -> list[ProxiedEngine]:
        return [place for letter, place in zip("tq", self.stand.places, strict=True) if letter in which]

    async def _on_engines(self, act: Callable[[], None]) -> None:
        # Shielded: a half stopped engine could be neither used nor stopped.
        await asyncio.shield(asyncio.get_running_loop().run_in_executor(self.engines, act))

    @contextmanager
    def _in_the_way(self, *, of_parking: bool) -> Iterator[None]:
        self._parking_troubles += of_parking
        try:
            yield
        finally:
            if of_parking:
                self._parking_troubles -= 1
                self._parking_is_good_since = self.clock() + AFTERMATH_SECONDS
