"""The measurements: who is sent what, in which order, and which figures of it are kept.

Contenders take turns within each round, and each round begins with another one, so that whatever else the machine
does meets all of them alike.
"""

import json
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import Any, TypeVar

from bench.book import Book, p50, p99
from bench.contenders import CONTENDERS, OURS, PEER_MADE, Calls, Contender, Environment, environments, layer_megabytes
from bench.kinds import FRESH, ROUNDS, WINS, Entry, Kind
from bench.tables import NAMES, Tables
from bench.wins import Event, Wins, changed
from bench.witness import Call, Witness, witness
from tools.local.engine import engine, free_port
from tools.local.lifetime import die_with_parent
from tools.shared.folders import ROOT
from tools.shared.trouble import Trouble

T = TypeVar("T")

PLAYERS = 40
WORKERS = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Extent:
    """How much is measured. `minutes` bound all of it; the rest is what a round holds."""

    minutes: float
    least_rounds: int
    calls: int
    seconds: float
    history: int
    is_quick: bool = False


FULL = Extent(minutes=10, least_rounds=3, calls=200, seconds=2.0, history=1_000_000)
QUICK = Extent(minutes=0.2, least_rounds=1, calls=40, seconds=0.5, history=20_000, is_quick=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """What one callback of a contender asks of the tables. Index units are among the write units."""

    round_trips: int
    reads: float
    writes: float
    index: float
    request_bytes: int

    @classmethod
    def of(cls, calls: Sequence[Call]) -> "Counts":
        return cls(
            round_trips=len(calls),
            reads=sum(call.units for call in calls if call.is_read),
            writes=sum(call.units for call in calls if not call.is_read),
            index=sum(call.index_units for call in calls),
            request_bytes=sum(len(call.request.encode()) for call in calls),
        )


@dataclass(slots=True, kw_only=True)
class Stand:
    """What a run measures against, and where it writes down what it finds."""

    extent: Extent
    book: Book = field(default_factory=Book)
    wins: Wins = field(default_factory=Wins)
    counts: dict[tuple[str, str], Counts] = field(default_factory=dict)
    layers: dict[str, tuple[float, float]] = field(default_factory=dict)
    rounds_made: dict[str, int] = field(default_factory=dict)
    engine: str = ""
    stub: Mapping[str, str] = field(default_factory=dict)
    known: dict[str, Event] = field(default_factory=dict)  # the call that each endpoint of the stub was asked

    def rounds(self, section: str, share: float) -> Iterator[int]:
        """Rounds until the section has had its share of the time, and the least number of them."""
        until, number = time.monotonic() + 60 * self.extent.minutes * share, 0
        while number < self.extent.least_rounds or time.monotonic() < until:
            yield number
            number += 1
            self.rounds_made[section] = number


def players_of(contender: Contender) -> list[str]:
    """A contender's own players: their wallets begin alike, and nobody else moves them."""
    return [f"{contender.module}-{number:02d}" for number in range(PLAYERS)]


@contextmanager
def prepared(stand: Stand) -> Iterator[None]:
    """An engine with everybody's wallets, and a stub that answers as the engine did."""
    with engine(free_port()) as running, ExitStack() as stack:
        stand.engine = running.endpoint
        tables = Tables(running.endpoint)
        tables.create()
        tables.open_wallets(player for contender in CONTENDERS for player in players_of(contender))
        recorded = stack.enter_context(witness(running.endpoint, NAMES, counting=False))
        answers = {}
        for entry in (*WINS, *ROUNDS):
            answers |= _record(stand, entry, recorded)
        stand.stub = stack.enter_context(_stub(answers))
        yield


def _record(stand: Stand, entry: Entry, seen: Witness) -> dict[str, list[Call]]:
    players, answers = players_of(entry.contender)[:1], {}
    with _started(entry, seen.endpoint) as started:
        started["result"].run(stand.wins.fresh(2, players))  # the wallet in the stub's answers has moved
        for kind in entry.kinds:
            name = _name(entry, kind)
            events = _prepare(stand, kind, started, 1, players)
            seen.take()
            started[kind.call].run(events)
            answers[name] = seen.take()
            (stand.known[name],) = events
    return answers


def _name(entry: Entry, kind: Kind) -> str:
    return f"{entry.contender.name} {kind.name}"


@contextmanager
def _started(entry: Entry, endpoint: str) -> Iterator[Mapping[str, Environment]]:
    """An environment of each of the entry's functions, by their calls."""
    with ExitStack() as stack:
        yield {call: stack.enter_context(Environment(each, endpoint)) for call, each in entry.functions.items()}


def _prepare(
    stand: Stand, kind: Kind, started: Mapping[str, Environment], how_many: int, players: Sequence[str]
) -> list[Event]:
    """So many events of that kind, for which all that comes before them is done."""
    rounds = stand.wins.rounds(1 if kind.again else how_many, players)
    for call in (*kind.after, *([kind.call] if kind.again else [])):
        started[call].run([each[call] for each in rounds])
    events = [each[kind.call] for each in rounds]
    return events * how_many if kind.again else events


@contextmanager
def _stub(answers: Mapping[str, Sequence[Call]]) -> Iterator[Mapping[str, str]]:
    """A stub's endpoints by what was recorded under each name."""
    process = subprocess.Popen(
        [sys.executable, "-m", "bench.stub"],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        preexec_fn=die_with_parent,
    )
    try:
        assert process.stdin  # noqa: S101 - a pipe
        assert process.stdout  # noqa: S101 - a pipe
        known = {
            name: [
                {"operation": call.operation, "tables": call.tables, "status": call.status, "body": call.body}
                for call in calls
            ]
            for name, calls in answers.items()
        }
        process.stdin.write(json.dumps(known) + "\n")
        process.stdin.flush()
        ports = json.loads(process.stdout.readline())
        yield {name: f"http://127.0.0.1:{port}" for name, port in ports.items()}
    finally:
        process.terminate()
        process.wait()
        for pipe in (process.stdin, process.stdout):
            if pipe:
                pipe.close()


# --- Counts and sizes -------------------------------------------------------------------------------


def count(stand: Stand) -> None:
    """Round trips and units, on the wire; and that all answer the same to the same."""
    with witness(stand.engine, NAMES, counting=True) as seen:
        for entries in (WINS, ROUNDS):
            calls = _usual_calls(stand.wins, with_bets=entries is ROUNDS)
            answers = {entry.contender.name: _count(stand, entry, seen, calls) for entry in entries}
            if any(answer != answers[OURS.name] for answer in answers.values()):
                raise Trouble(f"the contenders disagree: {answers}")
    for contender in (OURS, *(each for each in CONTENDERS if each != OURS)):
        stand.layers[contender.name] = layer_megabytes(contender.layer)


def _usual_calls(wins: Wins, *, with_bets: bool) -> list[tuple[str, Event]]:
    """What all are asked, in this order. A bet is replayed, refused, cancelled, and cancelled before it comes."""
    first, second, third = wins.rounds(3, ["nobody"])
    if not with_bets:
        return [("result", first["result"])]
    too_much = changed(second["bet"], amount="1000000.0")
    return [
        *[("bet", first["bet"])] * 2,
        *[("bet", too_much)] * 2,
        ("bet", changed(first["bet"], amount="20.0")),
        ("cancel", second["cancel"]),
        ("bet", too_much),
        *[("cancel", first["cancel"])] * 2,
        ("bet", first["bet"]),
        ("cancel", third["cancel"]),
        ("bet", third["bet"]),
    ]


def _count(stand: Stand, entry: Entry, seen: Witness, calls: Sequence[tuple[str, Event]]) -> list[dict[str, Any]]:
    """Counts what each kind of call asks of the tables, and returns the answers to these calls."""
    (player,) = players = players_of(entry.contender)[1:2]
    with _started(entry, seen.endpoint) as started:
        answers = [started[call].answer(changed(event, userId=player)) for call, event in calls]
        for kind in entry.kinds:
            events = _prepare(stand, kind, started, 1, players)
            seen.take()
            started[kind.call].run(events)
            stand.counts[entry.contender.name, kind.name] = Counts.of(seen.take())
    return answers


# --- Start and callback -----------------------------------------------------------------------------


def start_and_call(stand: Stand, share: float) -> None:
    for contender in (*CONTENDERS, PEER_MADE):  # so that nobody's first round writes bytecode
        Environment(contender, stand.engine).stop()
    for number in stand.rounds("start and callback", share):
        for entry in _turned(WINS, number):
            _on_the_stub(stand, entry)
            _on_the_engine(stand, entry)
            _as_deployed(stand, entry.contender)
        with Environment(PEER_MADE, stand.engine) as environment:
            stand.book.note("init", PEER_MADE.name, environment.import_ms)
        _as_deployed(stand, PEER_MADE)


def bet_and_cancel(stand: Stand, share: float) -> None:
    for number in stand.rounds("bet and cancel", share):
        for entry in _turned(ROUNDS, number):
            _on_the_stub(stand, entry)
            _on_the_engine(stand, entry)


def _as_deployed(stand: Stand, contender: Contender) -> None:
    note, who = stand.book.note, contender.name
    with Environment(contender, stand.engine, as_deployed=True) as environment:
        note("init as deployed", who, environment.import_ms)
        calls = environment.run(stand.wins.fresh(20, players_of(contender)))
        note("peak memory as deployed", who, calls.peak_mb)


def _on_the_stub(stand: Stand, entry: Entry) -> None:
    note, who, calls = stand.book.note, entry.contender, stand.extent.calls
    for kind in entry.kinds:
        name = _name(entry, kind)
        with Environment(entry.functions[kind.call], stand.stub[name]) as environment:
            if kind == FRESH:
                note("init", who.name, environment.import_ms)
            # Where there was a call before, only the one that was recorded is of the bet in the stub's answers.
            known = [stand.known[name]] * calls if kind.again or kind.after else []
            players = players_of(who)[:1]
            environment.run(known[:5] or _sent(stand, kind, 5, players))
            _note_calls(stand, f"stub {kind.name}", who, environment.run(known or _sent(stand, kind, calls, players)))
            if not kind.again:
                apart = environment.run(known or _sent(stand, kind, calls, players), apart=True)
                note(f"own {kind.name}", who.name, p50(apart.own_ms))


def _sent(stand: Stand, kind: Kind, how_many: int, players: Sequence[str]) -> list[Event]:
    return [each[kind.call] for each in stand.wins.rounds(how_many, players)]


def _on_the_engine(stand: Stand, entry: Entry) -> None:
    who, players = entry.contender, players_of(entry.contender)
    with _started(entry, stand.engine) as started:
        for kind in entry.kinds:
            first = started[kind.call].run(_prepare(stand, kind, started, 1, players))
            if kind == FRESH:
                stand.book.note("first call", who.name, first.wall_ms[0])
            events = _prepare(stand, kind, started, stand.extent.calls, players)
            _note_calls(stand, f"engine {kind.name}", who, started[kind.call].run(events))


def _note_calls(stand: Stand, measurement: str, contender: Contender, calls: Calls) -> None:
    note, who = stand.book.note, contender.name
    note(measurement, who, p50(calls.wall_ms))
    note(f"{measurement} p99", who, p99(calls.wall_ms))


# --- Throughput -------------------------------------------------------------------------------------


def throughput(stand: Stand, share: float) -> None:
    for where in ("engine", "stub"):
        with ExitStack() as stack:
            crews = {
                contender: stack.enter_context(
                    environments(
                        contender, stand.engine if where == "engine" else stand.stub[f"{contender.name} fresh"], WORKERS
                    )
                )
                for contender in CONTENDERS
            }
            for contender, crew in crews.items():
                _race(stand, crew, players_of(contender), 0.2)
            for number in stand.rounds(f"throughput on the {where}", share / 2):
                for contender in _turned(CONTENDERS, number):
                    crew, players = crews[contender], players_of(contender)
                    done, _ = _race(stand, crew, players, stand.extent.seconds)
                    stand.book.note(f"{where} throughput", contender.name, done)
                    if where == "engine":
                        done, refused = _race(stand, crew, players[:1], stand.extent.seconds)
                        stand.book.note("hot throughput", contender.name, done)
                        stand.book.note("hot refused", contender.name, refused)


def _race(stand: Stand, crew: Sequence[Environment], players: Sequence[str], seconds: float) -> tuple[float, float]:
    """Callbacks a second that were answered with success, and the share of those that were not."""
    plenty = int(1000 * seconds) + 20  # more than a process can do
    loads = [stand.wins.fresh(plenty, [*players[n * 10 :], *players[: n * 10]]) for n in range(len(crew))]
    for environment, events in zip(crew, loads, strict=True):
        environment.begin(events, seconds=seconds)
    runs = [environment.finish() for environment in crew]
    called, failed = sum(len(run.wall_ms) for run in runs), sum(run.failed for run in runs)
    return sum((len(run.wall_ms) - run.failed) / run.seconds for run in runs), failed / called


# --- Growth -----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Growth:
    """What may grow, and how its figures are called in the book."""

    what: str
    small: str
    large: str
    measurement: str
    must_not_matter: bool = False


def growths(extent: Extent) -> list[Growth]:
    many = f"{extent.history:,}"
    return [
        Growth(
            what="transactions in the table, fresh",
            small="10",
            large=many,
            measurement="table fresh",
            must_not_matter=True,
        ),
        Growth(
            what="transactions in the table, replay",
            small="10",
            large=many,
            measurement="table replay",
            must_not_matter=True,
        ),
        Growth(what="transactions of one player", small="1", large="10,000", measurement="player"),
        Growth(what="bonus codes of one player", small="1", large="1,000", measurement="codes"),
        Growth(what="KiB in a body, on the engine", small="1", large="60", measurement="body engine"),
        Growth(what="KiB in a body, on the stub", small="1", large="60", measurement="body stub"),
    ]


def growth(stand: Stand, share: float) -> None:
    """Ours alone, with little and with much, in turns."""
    calls = max(20, stand.extent.calls // 4)
    with engine(free_port()) as few, engine(free_port()) as many:
        for running, history in ((few, 10), (many, stand.extent.history)):
            tables = Tables(running.endpoint)
            tables.create(imported=history)
            tables.open_wallets(["grower"])
        old = 500
        tables = Tables(stand.engine)
        tables.remember("veteran", 10_000)
        for number in range(old):
            tables.remember(f"novice-{number}", 1)
        tables.count_free_rounds("collector", 1_000)
        tables.count_free_rounds("beginner", 1)
        codes = [f"code-{number}" for number in range(1_000)]
        novices = [f"novice-{number}" for number in range(old)]
        with (
            Environment(OURS, few.endpoint) as small,
            Environment(OURS, many.endpoint) as large,
            Environment(OURS, stand.engine) as usual,
            Environment(OURS, stand.stub[f"{OURS.name} fresh"]) as free,
        ):
            fresh = stand.wins.fresh
            for environment in (small, large, usual, free):
                environment.run(fresh(20, ["grower" if environment in (small, large) else "veteran"]))
            for number in stand.rounds("growth", share):
                again = stand.wins.again(calls, "grower")
                for environment in (small, large):
                    environment.run(again[:1])
                _compare(stand, "table fresh", number, small, large, *(fresh(calls, ["grower"]) for _ in "ab"))
                _compare(stand, "table replay", number, small, large, again, again)
                # One who has one transaction has two after the next: each call is another one's.
                ones = [novices[(number * calls + n) % old] for n in range(calls)]
                _compare(stand, "player", number, usual, usual, fresh(calls, ones), fresh(calls, ["veteran"]))
                _compare(
                    stand,
                    "codes",
                    number,
                    usual,
                    usual,
                    fresh(calls, ["beginner"], bonus_code="code-0"),
                    [fresh(1, ["collector"], bonus_code=codes[(number * calls + n) % 1_000])[0] for n in range(calls)],
                )
                for where, environment in (("engine", usual), ("stub", free)):
                    bodies = (fresh(calls, ["veteran"], kibibytes=size) for size in (1, 60))
                    _compare(stand, f"body {where}", number, environment, environment, *bodies)


def _compare(
    stand: Stand,
    measurement: str,
    number: int,
    small: Environment,
    large: Environment,
    small_events: Sequence[Event],
    large_events: Sequence[Event],
) -> None:
    pairs = [("small", small, small_events), ("large", large, large_events)]
    taken: dict[str, list[float]] = {"small": [], "large": []}
    # In four slices, in turns: a disturbance of a tenth of a second meets both.
    size = max(1, len(small_events) // 4)
    for start in range(0, len(small_events), size):
        for which, environment, events in pairs if (number + start // size) % 2 else pairs[::-1]:
            taken[which] += environment.run(events[start : start + size]).wall_ms
    for which, walls in taken.items():
        stand.book.note(measurement, which, p50(walls))


def _turned(all: Sequence[T], number: int) -> Sequence[T]:
    start = number % len(all)
    return [*all[start:], *all[:start]]
