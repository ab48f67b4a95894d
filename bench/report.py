"""What a run found: one table, on the terminal and in docs/benchmarks.md, and one picture."""

import os
import platform
import subprocess
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

from rich.console import Console
from rich.table import Table

from bench.book import Figure
from bench.contenders import CONTENDERS, FLOOR, NAIVE, OURS, PEER, PEER_MADE
from bench.kinds import BETS, FRESH, REPLAY, Kind
from bench.measure import PLAYERS, WORKERS, Stand, growths
from bench.picture import Bar, Panel, draw
from bench.service import IN_FLIGHT
from bench.target import Target
from tools.shared.folders import ROOT

# USD a million request units, eu-west-1, as docs/capacity.md has them.
WRITE_PRICE, READ_PRICE = 0.705, 0.1415

QUIET = 0.05  # a twentieth of the processors: what a machine does by itself

_ALL = tuple(contender.name for contender in CONTENDERS)


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A measurement: each contender's figure, ours to the peer's, and what must hold."""

    what: str
    cells: Mapping[str, str]
    ratio: str = "-"
    target: Target | None = None

    @property
    def texts(self) -> list[str]:
        bounds, verdict = (self.target.bounds, self.target.verdict) if self.target else ("", "")
        return [self.what, *(self.cells.get(name, "-") for name in _ALL), self.ratio, bounds, verdict]


_HEAD = ["", *_ALL, "ratio", "must", ""]


@dataclass(frozen=True, slots=True, kw_only=True)
class Circumstances:
    """When it was measured; `others` is the share of the processors that programs of others took meanwhile."""

    command: str
    day: str
    minutes: float
    others: float

    @property
    def warning(self) -> str:
        """What a reader must know first, if anything."""
        if self.others <= QUIET:
            return ""
        return f"Other programs took {self.others:.0%} of the processors meanwhile: measure again on a quiet machine."


def is_missed(rows: Iterable[Row]) -> bool:
    return any(row.target is not None and row.target.is_missed for row in rows)


def show(console: Console, rows: Iterable[Row]) -> None:
    table = Table(title="Medians (least to most); ratios are ours to the peer's", title_justify="left")
    for number, name in enumerate(_HEAD):
        table.add_column(name, justify="right" if number else "left")
    for row in rows:
        table.add_row(*(f"[red]{cell}[/]" if cell == "MISSED" else cell for cell in row.texts))
    console.print(table)


# --- The table --------------------------------------------------------------------------------------


def rows(stand: Stand) -> list[Row]:
    """In the order of a callback's life: a start, a call, many calls, what it costs, what growth costs."""
    measured = _Measured(stand)
    return [
        measured.ratio("import as deployed, ms", "init as deployed", 0, must=0.55, aim=0.40),
        measured.row("import, the peer's layer made as ours, ms", "init as deployed", 0, peer=PEER_MADE.name),
        measured.row("import with all bytecode at hand, ms", "init", 0),
        measured.ratio("peak memory as deployed, MB", "peak memory as deployed", 1, must=0.70, aim=0.55),
        measured.row("first call, ms", "first call", 1),
        measured.ratio("fresh, ms", "engine fresh", 2, must=0.70, aim=0.50),
        measured.row("fresh, 99th percentile, ms", "engine fresh p99", 2),
        measured.ratio("replay, ms", "engine replay", 2, must=0.85, aim=0.60),
        measured.row("replay, 99th percentile, ms", "engine replay p99", 2),
        measured.ratio("fresh on the stub, ms", "stub fresh", 2, must=0.70, aim=0.50),
        measured.ratio("replay on the stub, ms", "stub replay", 2, must=0.85, aim=0.60),
        measured.ours("fresh, CPU outside the SDK's calls, ms", "own fresh", 3, must=0.30, aim=0.10),
        measured.ratio(
            f"callbacks a second, {PLAYERS} players", "engine throughput", 0, must=1.3, aim=2.0, at_least=True
        ),
        measured.row("callbacks a second, one player", "hot throughput", 0),
        measured.row(f"callbacks a second by `make run`, {IN_FLIGHT} in flight", "service", 0),
        *_counted(stand, FRESH, (2, 4, 1)),
        *_counted(stand, REPLAY, (1, 0, 0)),
        *measured.bets(),
        *measured.growth(),
        _layers(stand),
    ]


@dataclass(frozen=True, slots=True)
class _Measured:
    stand: Stand

    def row(
        self, what: str, measurement: str, digits: int, *, peer: str = PEER.name, target: Target | None = None
    ) -> Row:
        who = {name: peer if name == PEER.name else name for name in _ALL}
        figures = {name: self.stand.book.figure(measurement, each) for name, each in who.items()}
        ratio = self.stand.book.ratio(measurement, OURS.name, peer)
        cells = {name: _text(figure, digits) for name, figure in figures.items()}
        return Row(what=what, cells=cells, ratio=_text(ratio, 2), target=target)

    def ratio(
        self, what: str, measurement: str, digits: int, *, must: float, aim: float, at_least: bool = False
    ) -> Row:
        """A row whose ratio must hold, round by round."""
        figure = self.stand.book.ratio(measurement, OURS.name, PEER.name)
        target = Target(measured=_median(figure), must=must, aim=aim, at_least=at_least)
        return self.row(what, measurement, digits, target=target)

    def ours(self, what: str, measurement: str, digits: int, *, must: float, aim: float) -> Row:
        """A row of which our own figure must hold."""
        figure = self.stand.book.figure(measurement, OURS.name)
        return self.row(what, measurement, digits, target=Target(measured=_median(figure), must=must, aim=aim))

    def bets(self) -> Iterator[Row]:
        """The calls of a round: how long they take, then what they ask of the tables.

        Only cancels must be as much quicker as wins: a bet reads and writes its round, which the peer's does not know.
        """
        for kind in BETS:
            for what, measurement in ((f"{kind.name}, ms", "engine"), (f"{kind.name} on the stub, ms", "stub")):
                if kind.call == "cancel":
                    must, aim = (0.85, 0.60) if kind.again else (0.70, 0.50)
                    yield self.ratio(what, f"{measurement} {kind.name}", 2, must=must, aim=aim)
                else:
                    yield self.row(what, f"{measurement} {kind.name}", 2)
            if not kind.again:
                yield self.row(f"{kind.name}, CPU outside the SDK's calls, ms", f"own {kind.name}", 3)
        for kind in BETS:
            yield from _counted(self.stand, kind, (1 if kind.again else 2, None, None))

    def growth(self) -> Iterator[Row]:
        """Ours with much; the ratio is to ours with little."""
        for growth in growths(self.stand.extent):
            ratio = self.stand.book.ratio(growth.measurement, "large", "small")
            yield Row(
                what=f"{growth.what}: {growth.large} to {growth.small}, ms",
                cells={OURS.name: _text(self.stand.book.figure(growth.measurement, "large"), 2)},
                ratio=_text(ratio, 2),
                target=Target(measured=_median(ratio), must=1.1, aim=1.02) if growth.must_not_matter else None,
            )


def _counted(stand: Stand, kind: Kind, most: tuple[int, int | None, int | None]) -> Iterator[Row]:
    """One callback on the wire. `most` are its round trips, and write units of the tables and of the indexes."""
    counts = {name: counts for name in _ALL if (counts := stand.counts.get((name, kind.name)))}
    tables = {name: each.writes - each.index for name, each in counts.items()}
    costs = {name: each.writes * WRITE_PRICE + each.reads * READ_PRICE for name, each in counts.items()}
    for what, values, must in (
        ("round trips", {name: each.round_trips for name, each in counts.items()}, most[0]),
        ("read units", {name: each.reads for name, each in counts.items()}, None),
        ("write units of the tables", tables, most[1]),
        ("write units of the index", {name: each.index for name, each in counts.items()}, most[2]),
    ):
        yield Row(
            what=f"{kind.name}: {what}",
            cells={name: f"{value:g}" for name, value in values.items()},
            target=None if must is None else Target(measured=values[OURS.name], must=must, digits=0),
        )
    yield Row(what=f"{kind.name}: USD a million", cells={name: f"{cost:.2f}" for name, cost in costs.items()})


def _layers(stand: Stand) -> Row:
    zipped = {OURS.name: OURS.name, **{each.name: PEER.name for each in (PEER, NAIVE, FLOOR)}}
    return Row(what="layer, MB zipped", cells={who: f"{stand.layers[of][1]:.1f}" for who, of in zipped.items()})


def _median(figure: Figure | None) -> float | None:
    return figure.median if figure else None


def _text(figure: Figure | None, digits: int) -> str:
    """The median, and from the least to the most where there were several rounds."""
    if figure is None:
        return "-"
    middle, least, most = (f"{value:.{digits}f}" for value in (figure.median, figure.least, figure.most))
    return middle if least == most else f"{middle} ({least} to {most})"


# --- The page ---------------------------------------------------------------------------------------


def page(stand: Stand, circumstances: Circumstances, all_rows: Iterable[Row]) -> str:
    rounds = ", ".join(f"{number} of {section}" for section, number in stand.rounds_made.items())
    rivals = "\n".join(f"- **{contender.name}**: {contender.what}" for contender in (OURS, PEER, NAIVE, FLOOR))
    machine = "\n".join(f"| {name} | {value} |" for name, value in machine_of().items())
    warning = f"**{circumstances.warning}**\n\n" if circumstances.warning else ""
    return f"""# Benchmarks

{warning}A callback, measured beside what one would write instead, all in one run.
`{circumstances.command}` writes this page. It ends with an error if a target is missed.

![Ours beside the rivals](benchmarks.svg)

{_markdown(all_rows)}

Figures are medians over the rounds, with the least and the most in brackets. A ratio is ours to the peer's, taken
within each round. In the rows of growth it is ours with much to ours with little.

## Who is compared

{rivals}

All get the same API Gateway events and give the same answer to the same win. Only ours and the peer take bets
(`bench/apps/peer_bets.py`). They give the same answers to bets and cancels too: replayed, refused for lack of money,
cancelled, and cancelled before the bet comes. The run checks it. The rivals' packages are the pinned versions of our
layer, and boto3, as their wheels bring them. The peer shares one client with its idempotency records. None of the
rivals checks tokens, hashes or currencies, knows rounds or frozen players, keeps a ledger, or keeps what could not be
credited. *The peer's layer made as ours* is {PEER_MADE.what}.

## What each row is

- **Import**: the handler's module: packages, clients, models, in a new process that sees the contender's own packages
  alone. *As deployed*: our layer carries its bytecode. The rivals' does not, as `sam build` leaves wheels, and Lambda
  mounts a layer read-only, so it compiles at every start. Memory is the kernel's `VmHWM`.
- **First call, fresh, replay**: a warm callback against ministack in a separate process: {stand.extent.calls} calls a
  round, timed around the handler (`perf_counter`, `process_time`). *On the stub*: the same calls, against a stub that
  answers immediately what the engine answered: the client's cost alone. *CPU outside the SDK's calls* is the
  processor time of a call less that of botocore's `_make_api_call`.
- **Callbacks a second**: {WORKERS} processes, fresh wins, on this machine's cores, which the engine shares.
  *By `make run`*: over HTTP, two processes for each function; caller, service and engine share the machine.
- **Round trips, units**: counted on the wire, by the engine's `ReturnConsumedCapacity`; reads in a batch and failed
  conditions by DynamoDB's rules. **USD**: the tables' requests alone, at {WRITE_PRICE} a million writes and
  {READ_PRICE} a million reads.
- **Bet, cancel, win after its bet**: the calls of one round of a game, where all calls are served (`Calls=All`), with
  a process for each function. All other rows are wins where only wins are served (`Calls=Wins`); `make run` serves all
  calls. A *fresh bet* takes the stake, and its *fresh cancel* pays it back. *Replayed* is the same call again. A
  *fresh win after its bet* is what a win costs where bets are served. Ours reads and writes the round with each call,
  which the peer does not know, so the times of bets and wins have no target. The peer's fresh cancel takes five round
  trips: it reads the bet, marks it as cancelled, and pays back in three, as it pays a win. On the stub, the cancel or
  the win is one call, repeated: the stub knows only its bet.
- **Growth**: the {stand.extent.history:,} transactions are brought in by `ImportTable`, with what keys and index need.

## How it was measured

| | |
|---|---|
{machine}
| commit | {_commit()} |
| when | {circumstances.day}, in {circumstances.minutes:.1f} minutes |
| taken by other programs | {circumstances.others:.1%} of the processors |
| rounds | {rounds} |

Contenders take turns in each round, and each round begins with another. The inputs are the same in every run:
the examples in `events/` with numbered references. What a handler prints goes nowhere.

## What was tried for what is missed

*CPU outside the SDK's calls* is the only target in milliseconds, and it moves with the machine. An eighth of that time
parses the body. A sixth computes and encodes the write. A quarter goes into one log line through Powertools' Logger and
two metrics. Printing the line without the Logger would save most of that quarter, and lose its levels, its sampling and
its correlation. That is not worth some hundredths of a millisecond. [Decisions](decisions.md) has what else was tried.

## What this does not show

- **Lambda's own start**: fetching the layer, starting a sandbox, restoring a snapshot. With SnapStart an import is paid
  for when a version is published, not by a player.
- **DynamoDB's latency.** The engine answers on the same machine, in Python, and its work is part of what is measured on
  it. A transaction costs it more than a single write, as it does DynamoDB. The stub shows the other end: no latency.
- **Growth of DynamoDB itself.** The engine keeps its tables in memory. That a million transactions make no difference
  shows that no call of ours looks at more than its own items.
- **Lambda's processor.** At 1,024 MB a function has about six tenths of one core; the times here have a whole one.
- Tokens and hashes are not checked in these runs (no secret is configured).
"""


def machine_of() -> Mapping[str, str]:
    packages = ("boto3", "botocore", "aws-lambda-powertools", "pydantic")
    return {
        "machine": f"{_processor()}, {os.cpu_count()} cores, {_memory_gb():.0f} GB, {platform.system()} "
        f"{platform.machine()}",
        "Python": platform.python_version(),
        "packages": ", ".join(f"{name} {version(name)}" for name in packages),
        "engine": f"ministack {_engine_version()}",
    }


def _markdown(all_rows: Iterable[Row]) -> str:
    rule = ["---", *["---:"] * (len(_HEAD) - 1)]
    rows = [[f"**{cell}**" if cell == "MISSED" else cell for cell in row.texts] for row in all_rows]
    return "\n".join(f"| {' | '.join(row)} |" for row in [_HEAD, rule, *rows])


def _processor() -> str:
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    return next((line.partition(": ")[2] for line in lines if line.startswith("model name")), platform.machine())


def _memory_gb() -> float:
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9


def _engine_version() -> str:
    (found,) = ROOT.glob(".venv-engine/lib/python3*/site-packages/ministack-*.dist-info")
    return found.name.removesuffix(".dist-info").partition("-")[2]


def _commit() -> str:
    def git(*words: str) -> str:
        return subprocess.run(["git", *words], cwd=ROOT, capture_output=True, text=True, check=False).stdout.strip()  # noqa: S603, S607

    changed = git(
        "status", "--porcelain", "--untracked-files=no", "--", "layers", "functions", "bench", "template.yaml"
    )
    return (git("rev-parse", "--short=12", "HEAD") or "none") + (", with changes" if changed else "")


# --- The picture ------------------------------------------------------------------------------------


def picture(stand: Stand) -> str:
    panels = [
        _panel(stand, "Init as deployed, ms", "init as deployed", 0),
        _panel(stand, "Init with all bytecode at hand, ms", "init", 0),
        _panel(stand, "Peak memory as deployed, MB", "peak memory as deployed", 0),
        _panel(stand, "Fresh callback on the engine, ms", "engine fresh", 1),
        _panel(stand, "Replay on the engine, ms", "engine replay", 1),
        _panel(stand, f"Throughput, {PLAYERS} players, callbacks a second (more is better)", "engine throughput", 0),
    ]
    return draw("Ours beside what one would write instead", "Medians; the lines are the ranges of all rounds.", panels)


def _panel(stand: Stand, title: str, measurement: str, digits: int) -> Panel:
    figures = {who: figure for who in _ALL if (figure := stand.book.figure(measurement, who))}
    return Panel(
        title,
        [
            Bar(
                name=who,
                value=figure.median,
                least=figure.least,
                most=figure.most,
                text=f"{figure.median:.{digits}f}",
                is_ours=who == OURS.name,
            )
            for who, figure in figures.items()
        ],
    )
