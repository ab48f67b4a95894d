"""What the console costs a local service: `make bench-console`.

Settings come from the environment:

    MINUTES  how long a page is watched while the simulator plays (10)
    ROUNDS   how often the rates are compared (40)
    RATE     callbacks a second that the simulator plays (200)

Prints what was measured; docs/console.md has it by hand. Ends with 1 if the rate is lowered by more than a tenth, or
if the service or the page have grown by more than a tenth since the first two minutes.
"""

import asyncio
import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import IO, Any

from rich.console import Console
from rich.table import Table

from bench.contenders import PLACE
from bench.measure import PLAYERS
from bench.service import drive, serving
from bench.wins import Wins
from tools.local.lifetime import die_with_parent, leave_on_signals
from tools.local.template import ROOT
from tools.local.trouble import Trouble

IN_FLIGHT = 8
SECONDS = 2.0  # of a race: short, since the machine is not as fast in one minute as in the next
PAUSE_SECONDS = 0.7  # a page that was opened settles
LOOK_SECONDS = 20.0
SETTLED_SECONDS = 120.0  # caches are full, and the page has its rows
MOST_LOST, MOST_GROWN = 0.10, 0.10
WHO = ("without a console", "unwatched", "watched")

_players = [f"player-{number:02d}" for number in range(PLAYERS)]


def main() -> int:
    try:
        PLACE.mkdir(parents=True, exist_ok=True)
        console = Console()
        lost = _rates(console, int(os.environ.get("ROUNDS") or 40))
        grown = _watch(console, float(os.environ.get("MINUTES") or 10), os.environ.get("RATE") or "200")
    except Trouble as trouble:
        print(f"wallet: {trouble}", file=sys.stderr)
        return 2
    return 1 if lost > MOST_LOST or grown > MOST_GROWN else 0


def _rates(console: Console, rounds: int) -> float:
    """The share of the rate that a watched console takes: the median of what it took in each round."""
    rates: dict[str, list[float]] = {who: [] for who in WHO}
    with serving(_players, "bench.deaf") as deaf, serving(_players) as heard, _browser(heard) as browser:
        wins = Wins()
        for port in (deaf, heard):
            asyncio.run(drive(port, wins, IN_FLIGHT, _players, PAUSE_SECONDS))
        for nth in range(rounds):
            for who in WHO[nth % 3 :] + WHO[: nth % 3]:  # none is always the last
                if who == "watched":
                    browser.ask("open")
                time.sleep(PAUSE_SECONDS)
                took, seconds = asyncio.run(drive(deaf if who == WHO[0] else heard, wins, IN_FLIGHT, _players, SECONDS))
                rates[who].append(len(took) / seconds)
                if who == "watched":
                    browser.ask("close")
    table = Table(title=f"Callbacks a second, {IN_FLIGHT} in flight, {rounds} rounds of {SECONDS:g} s")
    for column in ("", "median", "least", "most", "ratio to the first, median of rounds"):
        table.add_column(column, justify="left" if not column else "right")
    ratios = {who: median(rate / base for rate, base in zip(rates[who], rates[WHO[0]], strict=True)) for who in WHO}
    for who, measured in rates.items():
        table.add_row(
            who, f"{median(measured):.0f}", f"{min(measured):.0f}", f"{max(measured):.0f}", f"{ratios[who]:.3f}"
        )
    console.print(table)
    return 1 - ratios["watched"]


def _watch(console: Console, minutes: float, rate: str) -> float:
    """How much the service, or the page, has grown from what it held when it had settled: the greater share."""
    with serving(_players) as port, _browser(port) as browser:
        browser.ask("open")
        began = time.monotonic()
        looks: list[dict[str, float]] = []
        table = Table(title=f"Watched while the simulator plays {rate} callbacks a second")
        for column in (
            "s",
            "service MB",
            "page's scripts MB",
            "page's nodes",
            "rows",
            "longest frame ms",
            "to Find ms",
        ):
            table.add_column(column, justify="right")
        with _simulator(port, minutes, rate) as simulator:
            while simulator.poll() is None:
                look, click = browser.ask("look"), browser.ask("click")
                if look["state"] != "live":
                    raise Trouble(f"the page says {look['state']!r} under load")
                seconds, service = time.monotonic() - began, _resident_megabytes(port)
                looks.append({**look, **click, "seconds": seconds, "service": service})
                table.add_row(
                    f"{seconds:.0f}", f"{service:.1f}", f"{look['heap_bytes'] / 1e6:.2f}", str(look["nodes"]),
                    str(look["rows"]), f"{look['frame_milliseconds']:.0f}", f"{click['click_milliseconds']:.0f}",
                )  # fmt: skip
                time.sleep(LOOK_SECONDS)
        console.print(table)
        console.print(_last_lines(PLACE / "simulate.log"), highlight=False)
    frames, clicks = (sorted(look[f"{what}_milliseconds"] for look in looks) for what in ("frame", "click"))
    console.print(
        f"longest frame within two seconds: median {median(frames):.0f}, most {frames[-1]:.0f} ms; "
        f"to another page: median {median(clicks):.0f}, most {clicks[-1]:.0f} ms"
    )
    return max(_growth(looks, "service"), _growth(looks, "heap_bytes"))


def _growth(looks: Sequence[Mapping[str, float]], what: str) -> float:
    settled = [look[what] for look in looks if look["seconds"] > SETTLED_SECONDS]
    if len(settled) < 6:
        return 0.0  # a run that was too short to say
    third = len(settled) // 3
    return median(settled[-third:]) / median(settled[:third]) - 1


def _resident_megabytes(port: int) -> float:
    """What the service's own process holds: not its engine's, nor its functions'."""
    for status in Path("/proc").glob("[0-9]*/environ"):
        try:
            environment = status.read_bytes().split(b"\0")
            if f"PORT={port}".encode() not in environment:
                continue
            command = (status.parent / "cmdline").read_bytes().split(b"\0")
            if command[1:3] == [b"-m", b"tools.local"]:
                found = re.search(r"VmRSS:\s+(\d+)", (status.parent / "status").read_text())
                return int(found[1]) / 1024 if found else 0.0
        except OSError:
            continue
    raise Trouble("the service is gone")


@contextmanager
def _simulator(port: int, minutes: float, rate: str) -> Iterator[subprocess.Popen[bytes]]:
    with (PLACE / "simulate.log").open("wb") as log:
        simulator = subprocess.Popen(  # noqa: S603 - our own program
            [sys.executable, "-m", "tools.walletctl", "simulate", "--rate", rate, "--minutes", str(minutes),
             "--players", "200", "--report", str(PLACE / "report.csv")],
            cwd=ROOT,
            env={**os.environ, "PORT": str(port)},
            stdout=log,
            stderr=subprocess.STDOUT,
            preexec_fn=die_with_parent,
        )  # fmt: skip
        try:
            yield simulator
        finally:
            simulator.terminate()
            simulator.wait()


def _last_lines(file: Path) -> str:
    return "\n".join(file.read_text().splitlines()[-14:])


class _Browser:
    def __init__(self, commands: IO[str], answers: IO[str]) -> None:
        self._commands = commands
        self._answers = answers
        self._answer()

    def ask(self, command: str) -> dict[str, Any]:
        self._commands.write(f"{command}\n")
        self._commands.flush()
        return self._answer()

    def _answer(self) -> dict[str, Any]:
        if not (line := self._answers.readline()):
            raise Trouble("the browser is gone: `make test-browser` installs what it needs")
        return json.loads(line)


@contextmanager
def _browser(port: int) -> Iterator[_Browser]:
    process = subprocess.Popen(  # noqa: S603 - our own program
        [ROOT / ".venv-browser/bin/python", ROOT / "bench/watcher.py", f"http://127.0.0.1:{port}"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        preexec_fn=die_with_parent,
    )
    with process:
        if process.stdin is None or process.stdout is None:
            raise Trouble("the browser cannot be told anything")
        try:
            yield _Browser(process.stdin, process.stdout)
        finally:
            process.terminate()


if __name__ == "__main__":
    leave_on_signals()
    sys.exit(main())
