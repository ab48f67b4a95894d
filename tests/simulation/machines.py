"""The functions as AWS runs them: each machine has one function, its own clocks, and one event at a time.

The wallet's modules are as they are deployed. Only what they know of the outside is replaced, where they name it: the
SDK's clients, time, chance, and where they write what they say.
"""

import copy
import io
import os
import random
import sys
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass, field, replace
from datetime import datetime, tzinfo
from functools import partial
from typing import Any

from greenlet import getcurrent

from memory import Message
from tools.local.template import Function, Template

from .script import Delivery
from .script import Function as Name
from .timeline import START

Item = dict[str, Any]

SECRET = "the-provider"
WATCHED = ("aws", "callback", "parking", "report", "snapshot", "store", "trust")  # the modules that know the outside


@dataclass(slots=True, eq=False)
class Machine:
    """`skew` is how wrong its wall clock is. `known` is the provider's secret as it last heard it, at `heard_at`."""

    handler: Callable[[Item, Any], Item]
    started_at: float
    skew: float = 0.0
    known: Item | None = None
    heard_at: float = float("-inf")
    failed_at: float = float("-inf")


@dataclass(slots=True, eq=False)
class Watch:
    """A delivery in a function's hands; `verdicts` are what it could be answered meanwhile."""

    delivery: Delivery
    verdicts: set[int]
    is_disputed: bool
    moment: int  # of its player's history, when it came
    arrives: bool  # from the provider, not from a queue
    was_spoilt: bool = False  # whether its wallet could not be read meanwhile: then a replay says what its record does


@dataclass(slots=True, eq=False)
class Invocation:
    """A function at work on what it has in hand. `asks` makes its calls, and knows the time."""

    asks: Any
    machine: Machine
    in_hand: Sequence[Watch]
    began: float
    time: int  # which time it is that a function has this delivery
    chance: random.Random
    calls: int = 0
    store_left: float = 0.0  # when it last heard of the tables, or ceased to wait
    queue_seconds: float = 0.0  # how long it waited for SQS
    waited_before: float = 0.0  # and how long of it before it last heard of the tables
    failed: set[str] = field(default_factory=set)  # the services that did not serve it
    sent: list[Message] = field(default_factory=list)  # what it kept of a request, but for prizes
    prizes: int = 0  # how often it left the prize of what arrived
    read_at: float = 0.0  # when it last began to read the tables
    refused: int = 0  # how often the condition of a write failed since then
    wrote: bool = False
    made: bool = False  # a record
    was_beaten: bool = False
    was_held_up: bool = False  # by a failure of the tables, by another writer, or by a read that others wrote into
    is_over: bool = False
    said: list[str] = field(default_factory=list)

    @property
    def now(self) -> float:
        return self.asks.timeline.now

    def says(self, text: str) -> bool:
        return any(text in line for line in self.said)


def at_work() -> Invocation | None:
    return getattr(getcurrent(), "at_work", None)


# --- What the wallet's modules are given ----------------------------------------------------------------


class Client:
    """The SDK's client of a service: a call goes to whatever world its caller is in. Its times are of all attempts."""

    def __init__(self, service: str, *, connect_seconds: float, read_seconds: float, attempts: int) -> None:
        self.service = service
        self.connect_seconds = connect_seconds * attempts
        self.read_seconds = read_seconds * attempts

    def __getattr__(self, operation: str) -> Callable[..., Item]:
        if operation.startswith("_"):
            raise AttributeError(operation)
        call = vars(self)[operation] = partial(_ask, self, operation)
        return call

    def close(self) -> None:
        pass


def _ask(client: Client, operation: str, **asked: Any) -> Item:
    invocation = at_work()
    return invocation.asks.call(invocation, client, operation, asked) if invocation else {}  # none while it warms up


class Clock:
    """As the module `time`: of the machine whose function asks."""

    @staticmethod
    def monotonic() -> float:
        invocation = at_work()
        return invocation.now - invocation.machine.started_at if invocation else 0.0

    @staticmethod
    def sleep(seconds: float) -> None:
        if invocation := at_work():
            invocation.asks.sleep(invocation, seconds)


class Moment(datetime):
    """As the class `datetime`: by the wall clock of the machine whose function asks."""

    @classmethod
    def now(cls, tz: tzinfo | None = None) -> "Moment":
        invocation = at_work()
        return cls.fromtimestamp(invocation.now + invocation.machine.skew if invocation else START, tz)


class Chance:
    """As the module `random`: the jitter of a pause."""

    seed = staticmethod(random.seed)

    @staticmethod
    def uniform(least: float, most: float) -> float:
        invocation = at_work()
        return invocation.chance.uniform(least, most) if invocation else least


class Tokens:
    """As the module `uuid`."""

    @staticmethod
    def uuid4() -> uuid.UUID:
        invocation = at_work()
        return uuid.UUID(int=(invocation.chance if invocation else random).getrandbits(128), version=4)


class Ear(io.TextIOBase):
    """Where the functions write what they say."""

    def write(self, text: str) -> int:
        if (invocation := at_work()) and text != "\n":
            invocation.said.append(text)
        return len(text)


def _print(*texts: str, file: Any = None) -> None:
    if invocation := at_work():
        invocation.said += texts


# --- The functions ----------------------------------------------------------------------------------------


class Fleet:
    """Every function's machines. A new one starts from the snapshot that was taken when its version was published."""

    def __init__(self) -> None:
        self._snapshots: dict[str, Any] = {
            function.name: _snapshot(function) for function in Template.load().functions()
        }
        self._idle: dict[str, list[Machine]] = {name: [] for name in self._snapshots}
        self.skew = 0.0
        self.started = 0

    def forget(self) -> None:
        """Has every machine be gone, and the clocks be right."""
        self.replace_idle()
        self.skew = 0.0
        self.started = 0

    def replace_idle(self) -> None:
        for machines in self._idle.values():
            machines.clear()

    def set_clocks(self, seconds: float) -> None:
        """Also those of machines that are at work."""
        self.skew = seconds
        for machines in self._idle.values():
            for machine in machines:
                machine.skew = seconds

    def take(self, callback: Name, now: float, retry_seconds: int, *, wins_only: bool = False) -> Machine:
        if idle := self._idle[callback]:
            return idle.pop()
        self.started += 1
        # What a machine comes to know is its own. All that does not change is the same in each.
        snapshot = self._snapshots[callback]
        if callback == "cashier":
            return Machine(snapshot, now - 1000 * (self.started % 7), self.skew)
        parking = snapshot.parking and replace(snapshot.parking, retry_seconds=retry_seconds)
        store = replace(snapshot.store, rounds="" if wins_only else snapshot.store.rounds)
        handler = replace(snapshot, keyring=copy.copy(snapshot.keyring), parking=parking, store=store)
        # A machine's own clock counts from anywhere, and after a snapshot from somewhere else.
        return Machine(handler, now - 1000 * (self.started % 7), self.skew)

    def give_back(self, callback: Name, machine: Machine) -> None:
        self._idle[callback].append(machine)


def _snapshot(function: Function) -> Callable[[Item, Any], Item]:
    """A function, initialised, as its snapshot has it."""
    aws = {"AWS_ACCESS_KEY_ID": "none", "AWS_SECRET_ACCESS_KEY": "none", "AWS_DEFAULT_REGION": "eu-west-1"}
    with redirect_stdout(io.StringIO()), outside_replaced():
        os.environ |= {**aws, **function.environment, "PROVIDER_SECRET": SECRET}
        return function.load().handler


@contextmanager
def outside_replaced() -> Iterator[None]:
    """Has the wallet's modules know nothing but the simulation inside."""
    import wallet.callback  # noqa: F401 - not before a planted fault is in it

    replaced: list[tuple[Any, str, Any]] = []

    def replace(module: Any, name: str, value: Any) -> None:
        if hasattr(module, name) or name == "print":
            replaced.append((module, name, vars(module).get(name)))
            setattr(module, name, value)

    for name in WATCHED:
        module = sys.modules[f"wallet.{name}"]
        for known, instead in (("time", Clock), ("datetime", Moment), ("random", Chance), ("uuid", Tokens)):
            replace(module, known, instead)
    replace(sys.modules["wallet.report"], "print", _print)
    replace(sys.modules["wallet.aws"], "client", Client)
    logger = sys.modules["wallet.report"].logger
    stream = logger.registered_handler.setStream(Ear())
    propagates, logger._logger.propagate = logger._logger.propagate, False
    environment, said = {**os.environ}, ("POWERTOOLS_SERVICE_NAME", "POWERTOOLS_METRICS_NAMESPACE")
    os.environ |= dict.fromkeys(said, "simulation")  # what every figure is counted under
    try:
        yield
    finally:
        os.environ.clear()
        os.environ |= environment
        logger.registered_handler.setStream(stream)
        logger._logger.propagate = propagates
        for module, name, value in reversed(replaced):
            delattr(module, name) if value is None else setattr(module, name, value)
