"""Measures everything, in one run.

Settings come from the environment:

    MINUTES  how long the rounds may take in all (10); what stands around them takes about three more
    QUICK    1 for a look: a round of each, a smaller table; writes into .local/bench instead of docs
"""

import os
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from rich.console import Console

from bench import measure, report, service
from bench.contenders import PLACE, lay_out
from bench.measure import FULL, QUICK, Extent, Stand
from tools.shared.folders import ROOT
from tools.shared.trouble import Trouble

# How the time for rounds is spent; `make run` and the import have a fixed extent of their own.
_CALLBACK, _BETS, _THROUGHPUT, _GROWTH = 0.45, 0.15, 0.3, 0.1


def main() -> int:
    try:
        extent = _extent()
        stand, began, machine = Stand(extent=extent), time.monotonic(), Machine.now()
        console = Console()
        console = console if console.is_terminal else Console(width=160)
        lay_out()
        with measure.prepared(stand):
            for what, section in _sections(stand):
                console.print(f"{time.monotonic() - began:5.0f} s  {what}", highlight=False)
                section()
        rows = report.rows(stand)
        report.show(console, rows)
        circumstances = report.Circumstances(
            command="make bench",
            day=datetime.now(UTC).strftime("%Y-%m-%d"),
            minutes=(time.monotonic() - began) / 60,
            others=machine.share_of_others(),
        )
        folder = PLACE if extent.is_quick else ROOT / "docs"
        (folder / "benchmarks.md").write_text(report.page(stand, circumstances, rows))
        (folder / "benchmarks.svg").write_text(report.picture(stand))
        console.print(f"Written to {folder.relative_to(ROOT)}/benchmarks.md", highlight=False)
        if warning := circumstances.warning:
            console.print(f"[yellow]{warning}[/]")
    except Trouble as trouble:
        print(f"wallet: {trouble}", file=sys.stderr)
        return 2
    return 1 if report.is_missed(rows) else 0


def _sections(stand: Stand) -> list[tuple[str, Callable[[], None]]]:
    return [
        ("counting round trips and units", lambda: measure.count(stand)),
        ("starts and callbacks", lambda: measure.start_and_call(stand, _CALLBACK)),
        ("bets and cancels", lambda: measure.bet_and_cancel(stand, _BETS)),
        ("throughput", lambda: measure.throughput(stand, _THROUGHPUT)),
        (f"growth to {stand.extent.history:,} transactions", lambda: measure.growth(stand, _GROWTH)),
        ("`make run` over HTTP", lambda: service.serve(stand)),
    ]


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    """The processors' time so far, in seconds: of everybody, and of this run and what it started and has ended."""

    moment: float
    busy: float
    ours: float

    @classmethod
    def now(cls) -> "Machine":
        user, nice, system, _idle, _waiting, *interrupts = Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:9]
        ticks = sum(map(int, (user, nice, system, *interrupts)))
        return cls(moment=time.monotonic(), busy=ticks / os.sysconf("SC_CLK_TCK"), ours=sum(os.times()[:4]))

    def share_of_others(self) -> float:
        """The share of the processors' time since then that went to programs of others."""
        now = Machine.now()
        others = (now.busy - self.busy) - (now.ours - self.ours)
        return max(0.0, others / (now.moment - self.moment) / (os.cpu_count() or 1))


def _extent() -> Extent:
    """Raises Trouble if MINUTES is no number."""
    extent = QUICK if os.environ.get("QUICK") not in (None, "", "0") else FULL
    minutes = os.environ.get("MINUTES")
    if not minutes:
        return extent
    try:
        return replace(extent, minutes=float(minutes))
    except ValueError:
        raise Trouble(f"MINUTES must be a number, not {minutes!r}") from None
