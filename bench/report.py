"""What a run found: the same tables on the terminal and in docs/benchmarks.md, and its pictures."""

import os
import platform
import subprocess
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

from rich.console import Console
from rich.table import Table

from bench.book import Figure
from bench.contenders import CONTENDERS, FLOOR, NAIVE, OURS, PEER, PEER_MADE
from bench.measure import PLAYERS, WORKERS, Stand, growths
from bench.picture import Bar, Panel, draw
from bench.targets import Target
from tools.shared.paths import ROOT

# USD a million request units, eu-west-1, as docs/capacity.md has them.
WRITE_PRICE, READ_PRICE = 0.705, 0.1415

QUIET = 0.05  # a twentieth of the processors: what a machine does by itself

_ALL = tuple(contender.name for contender in CONTENDERS)


@dataclass(frozen=True, slots=True, kw_only=True)
class Grid:
    """A table. `note` says what its figures are."""

    title: str
    note: str
    head: Sequence[str]
    rows: Sequence[Sequence[str]]


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


def grids(stand: Stand, all_targets: Iterable[Target]) -> list[Grid]:
    return [_targets(all_targets), _start(stand), *_callback(stand), _counts(stand), _throughput(stand),
            _growth(stand), _service(stand), _layers(stand)]  # fmt: skip


def show(console: Console, all_grids: Sequence[Grid]) -> None:
    """On a terminal the end is read first: the targets come last."""
    for grid in [*all_grids[1:], all_grids[0]]:
        table = Table(title=grid.title, caption=grid.note, title_justify="left", caption_justify="left")
        for number, name in enumerate(grid.head):
            table.add_column(name, justify="right" if number else "left")
        for row in grid.rows:
            table.add_row(*(f"[red]{cell}[/]" if cell == "MISSED" else cell for cell in row))
        console.print(table)


# --- Tables -----------------------------------------------------------------------------------------


def _targets(all_targets: Iterable[Target]) -> Grid:
    return Grid(
        title="Targets",
        note="Ratios are ours to the peer's: the median of the ratios of each round.",
        head=["", "must", "aim", "measured", ""],
        rows=[
            [each.what, each.text(each.must), each.text(each.aim), each.written(each.measured), each.verdict]
            for each in all_targets
        ],
    )


def _start(stand: Stand) -> Grid:
    who = (*_ALL, PEER_MADE.name)
    return Grid(
        title="A fresh environment",
        note="Importing the handler's module: packages, clients, models. *As deployed* has the bytecode that the layer "
        "carries: ours all of it, the rivals' none, as `sam build` leaves wheels, and Lambda, which mounts a layer "
        "read-only, compiles at every start. With *all bytecode at hand* nobody compiles: what the code alone makes.",
        head=["", *who, "ours to peer"],
        rows=[
            _row(stand, "init as deployed, ms", "init as deployed", who, 0),
            _row(stand, "peak memory as deployed, MB", "peak memory as deployed", who, 1),
            _row(stand, "init, all bytecode at hand, ms", "init", who, 0),
            _row(stand, "of it CPU, ms", "init cpu", who, 0),
            _row(stand, "memory after that init, MB", "init memory", who, 1),
            _row(stand, "its peak after calls, MB", "peak memory", who, 1),
            _row(stand, "modules imported", "init modules", who, 0),
            _row(stand, "first call on the engine, ms", "first call", who, 1),
        ],
    )


def _callback(stand: Stand) -> Iterable[Grid]:
    calls = stand.extent.calls
    for where, note in (
        ("engine", f"Against ministack in a process of its own: medians of {calls} calls, 99th percentiles, mean CPU."),
        ("stub", "Against a stub that answers at once what the engine answered: the client's cost alone."),
    ):
        rows = []
        for kind in ("fresh", "replay"):
            rows += [
                _row(stand, f"{kind}, ms", f"{where} {kind}", _ALL, 2),
                _row(stand, f"{kind}, p99, ms", f"{where} {kind} p99", _ALL, 2),
                _row(stand, f"{kind}, CPU, ms", f"{where} {kind} cpu", _ALL, 2),
            ]
            if where == "stub":
                rows.append(_row(stand, f"{kind}, CPU outside the SDK's calls, ms", f"own {kind}", _ALL, 3))
        yield Grid(title=f"A warm callback, on the {where}", note=note, head=["", *_ALL, "ours to peer"], rows=rows)


def _counts(stand: Stand) -> Grid:
    rows = []
    for kind in ("first", "fresh", "replay"):
        for contender in CONTENDERS:
            counts = stand.counts.get((contender.name, kind))
            if kind == "first" and counts == stand.counts[contender.name, "fresh"]:
                continue  # a player's first win in a process costs what the next one does
            if counts is None:
                rows.append([f"{kind}, {contender.name}", *["-"] * 6])
                continue
            cost = counts.writes * WRITE_PRICE + counts.reads * READ_PRICE
            rows.append(
                [
                    f"{kind}, {contender.name}",
                    str(counts.round_trips),
                    f"{counts.reads:g}",
                    f"{counts.writes - counts.index:g}",
                    f"{counts.index:g}",
                    f"{counts.request_bytes:,}",
                    f"{cost:.2f}",
                ]
            )
    return Grid(
        title="Round trips, units, and what a million costs",
        note="Counted on the wire, by the engine's ReturnConsumedCapacity; reads in a batch and failed conditions by "
        f"DynamoDB's rules. USD for the tables' requests alone, at {WRITE_PRICE} a million writes and {READ_PRICE} a "
        "million reads.",
        head=["", "round trips", "read units", "write units", "of the index", "bytes sent", "USD a million"],
        rows=rows,
    )


def _throughput(stand: Stand) -> Grid:
    return Grid(
        title="Throughput, callbacks a second",
        note=f"{WORKERS} processes at once, fresh wins, on this machine's cores, which the engine shares. "
        "Refused are callbacks answered 998: kept, and paid by a retry.",
        head=["", *_ALL, "ours to peer"],
        rows=[
            _row(stand, f"{PLAYERS} players, engine", "engine throughput", _ALL, 0),
            _row(stand, "one player, engine", "hot throughput", _ALL, 0),
            _row(stand, "one player, refused, %", "hot refused", _ALL, 1, lambda share: 100 * share),
            _row(stand, f"{PLAYERS} players, stub", "stub throughput", _ALL, 0),
        ],
    )


def _growth(stand: Stand) -> Grid:
    rows = []
    for growth in growths(stand.extent):
        figures = [stand.book.figure(growth.measurement, which) for which in ("small", "large")]
        ratio = stand.book.ratio(growth.measurement, "large", "small")
        rows.append(
            [growth.what, growth.small, growth.large, *(_text(figure, 2) for figure in figures), _text(ratio, 2)]
        )
    return Grid(
        title="Growth",
        note="Ours, a warm callback in ms with little and with much, in turns.",
        head=["", "little", "much", "ms with little", "ms with much", "ratio"],
        rows=rows,
    )


def _service(stand: Stand) -> Grid:
    return Grid(
        title="`make run` over HTTP",
        note="The local service as it comes: its own engine, two processes for each function; callers, service and "
        "engine share this machine.",
        head=["in flight", "callbacks a second", "p50, ms", "p99, ms"],
        rows=[
            [
                str(level),
                _text(stand.book.figure("service", str(level)), 0),
                _text(stand.book.figure("service p50", str(level)), 1),
                _text(stand.book.figure("service p99", str(level)), 1),
            ]
            for level in stand.extent.in_flight
        ],
    )


def _layers(stand: Stand) -> Grid:
    return Grid(
        title="The layer",
        note="The rivals' is the same packages as their wheels bring them.",
        head=["", "MB mounted", "MB zipped"],
        rows=[
            [who, f"{stand.layers[name][0]:.1f}", f"{stand.layers[name][1]:.1f}"]
            for who, name in (("ours", OURS.name), ("the rivals'", PEER.name))
        ],
    )


def _row(
    stand: Stand,
    title: str,
    measurement: str,
    who: Sequence[str],
    digits: int,
    of: Callable[[float], float] = lambda value: value,
) -> list[str]:
    figures = [stand.book.figure(measurement, each) for each in who]
    ratio = stand.book.ratio(measurement, OURS.name, PEER.name)
    return [title, *(_text(figure, digits, of) for figure in figures), _text(ratio, 2)]


def _text(figure: Figure | None, digits: int, of: Callable[[float], float] = lambda value: value) -> str:
    """The median, and from the least to the most where there were several rounds."""
    if figure is None:
        return "-"
    middle, least, most = (f"{of(value):.{digits}f}" for value in (figure.median, figure.least, figure.most))
    return middle if least == most else f"{middle} ({least} to {most})"


# --- The page ---------------------------------------------------------------------------------------


def page(stand: Stand, circumstances: Circumstances, all_grids: Iterable[Grid]) -> str:
    sections = "\n\n".join(f"## {grid.title}\n\n{grid.note}\n\n{_markdown(grid)}" for grid in all_grids)
    rounds = ", ".join(f"{number} of {section}" for section, number in stand.rounds_made.items())
    rivals = "\n".join(f"- **{contender.name}**: {contender.what}" for contender in (OURS, PEER, NAIVE, FLOOR))
    machine = "\n".join(f"| {name} | {value} |" for name, value in machine_of().items())
    warning = f"**{circumstances.warning}**\n\n" if circumstances.warning else ""
    return f"""# Benchmarks

{warning}A callback, measured beside what one would write instead, all in one run.
`{circumstances.command}` writes this page and ends with an error if one of the targets that must be met is missed.

![Ours beside the rivals](benchmarks.svg)

![What growth costs](benchmarks-growth.svg)

## Who is compared

{rivals}

All get the same API Gateway events and give the same answer to the same win; the run checks it. The rivals' packages
are the pinned versions of our layer, and boto3, as their wheels bring them. The peer shares one client with its
idempotency records; none of the rivals checks tokens, hashes or currencies, keeps a ledger, or parks what could not be
credited. *{PEER_MADE.name}* is {PEER_MADE.what}: it shows
what is left of the difference at a start if the peer's author does all of that, too.

{sections}

## How it was measured

| | |
|---|---|
{machine}
| commit | {_commit()} |
| when | {circumstances.day}, in {circumstances.minutes:.1f} minutes |
| taken by other programs | {circumstances.others:.1%} of the processors |
| rounds | {rounds} |

- Contenders take turns in each round, and each round begins with another. A figure is the median over the rounds, with
  the least and the most in brackets; a ratio is taken within each round, and then the median of the ratios.
- Each start is a new process that sees the contender's own packages alone, with the variables of template.yaml. Memory
  is the kernel's `VmHWM`. What a handler prints goes nowhere.
- Time is taken around the handler, in its process: `perf_counter` and `process_time`. *Outside the SDK's calls* is
  the CPU time of a call less that of botocore's `_make_api_call`, both on the stub.
- The stub's answers are recorded from the engine, for each contender, before the first round.
- The inputs are the same in every run: `events/result.json` with numbered references.
- The {stand.extent.history:,} transactions are brought in by `ImportTable`, with what keys and index need of each.

## What was tried for what is missed

*Own CPU* is the only target in milliseconds and not a ratio, so it moves with the machine; 0.30 is met or missed by a
hundredth. It was 0.36 on the machine named here before metrics became lines of our own, a transaction's id was
computed once a callback, and the marks of JSON were found with the space around them. Of what is left, measured
alone, an eighth is parsing the body, a sixth reckoning and encoding the write, and a quarter telling of it: one log
line through Powertools' Logger and two metrics. The Logger is the greatest part. A line printed without it would
probably meet the target, and give up its levels, its sampling and its correlation; a hundredth of a millisecond is
not worth that. What else was tried for speed, and why it was left, stands in [decisions](decisions.md).

## What this does not show

- **Lambda's own start**: fetching the layer, starting a sandbox, restoring a snapshot. With SnapStart an init is paid
  for when a version is published, not by a player.
- **DynamoDB's latency.** The engine answers on the same machine, in Python, and its work is part of what is measured on
  it; a transaction costs it more than a single write, as it does DynamoDB. The stub shows the other end: no latency.
- **Growth of DynamoDB itself.** The engine keeps its tables in memory. That a million transactions make no difference
  shows that no call of ours looks at more than its own items.
- **Lambda's processor.** At 1,024 MB a function has about six tenths of one core; the times here have a whole one.
- Tokens and hashes are not checked in these runs (no secret is configured), and the log goes nowhere.
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


def _markdown(grid: Grid) -> str:
    rule = ["---", *["---:"] * (len(grid.head) - 1)]
    rows = [[f"**{cell}**" if cell == "MISSED" else cell for cell in row] for row in grid.rows]
    return "\n".join(f"| {' | '.join(row)} |" for row in [grid.head, rule, *rows])


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


# --- Pictures ---------------------------------------------------------------------------------------


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


def growth_picture(stand: Stand) -> str:
    panels = []
    for growth in growths(stand.extent):
        bars = []
        for which, size in (("small", growth.small), ("large", growth.large)):
            if figure := stand.book.figure(growth.measurement, which):
                bars.append(_bar(size, figure, 1, is_ours=True))
        if bars:
            panels.append(Panel(growth.what[0].upper() + growth.what[1:], bars))
    return draw("What growth costs", "A warm callback of ours, in ms; the lines are the ranges of all rounds.", panels)


def _panel(stand: Stand, title: str, measurement: str, digits: int) -> Panel:
    figures = {who: figure for who in _ALL if (figure := stand.book.figure(measurement, who))}
    return Panel(title, [_bar(who, figure, digits, is_ours=who == OURS.name) for who, figure in figures.items()])


def _bar(name: str, figure: Figure, digits: int, *, is_ours: bool) -> Bar:
    return Bar(
        name=name, value=figure.median, least=figure.least, most=figure.most,
        text=f"{figure.median:.{digits}f}", is_ours=is_ours,
    )  # fmt: skip
