"""The simulation as a person watches it: a display that lives on a terminal, a line every few seconds elsewhere."""

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from tools.provider.simulate.story import PAGES, WIN_PAGES
from tools.provider.simulate.tally import Line, Tally, percentile
from tools.shared.listing import amount, counted

REFRESH_SECONDS = 0.25
LINE_SECONDS = 5.0


@dataclass(slots=True)
class Display:
    title: str
    seconds: float
    tally: Tally
    console: Console
    is_stopping: asyncio.Event
    _began: float = field(default_factory=time.monotonic)

    @asynccontextmanager
    async def shown(self) -> AsyncIterator[None]:
        """Shows it while what is within runs."""
        watching = self._live() if self.console.is_terminal else self._lines()
        task = asyncio.create_task(watching)
        try:
            yield
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    async def _live(self) -> None:
        with Live(self._picture(), console=self.console, auto_refresh=False, transient=True) as live:
            while True:
                await asyncio.sleep(REFRESH_SECONDS)
                live.update(self._picture(), refresh=True)

    async def _lines(self) -> None:
        print(self.title, flush=True)
        while True:
            await asyncio.sleep(LINE_SECONDS)
            print(f"{self._elapsed:6.0f} s  {self._line()}", flush=True)

    @property
    def _elapsed(self) -> float:
        return time.monotonic() - self._began

    def _line(self) -> str:
        tally = self.tally
        rate, seconds = tally.now()
        left = tally.begun - tally.settled
        told = f"{counted(tally.begun, 'callback')}: {tally.answered(0):,} done, {_refused(tally):,} refused, "
        told += f"{left:,} under way; {rate:.1f} answers/s, {_latency(seconds)}"
        return f"{told}; {self._phase()}" if self._phase() else told

    def _phase(self) -> str:
        if self.is_stopping.is_set():
            return "stopping: what is on its way is waited for"
        if self._elapsed > self.seconds:
            return "time is up: waiting for retransmissions and for rounds to be closed"
        return ""

    def _picture(self) -> RenderableType:
        rate, seconds = self.tally.now()
        done = min(self._elapsed, self.seconds)
        clock = Table.grid(padding=(0, 1))
        clock.add_row(
            ProgressBar(total=self.seconds, completed=done, width=min(40, self.console.width // 2)),
            Text(f"{_minutes(self._elapsed)} of {_minutes(self.seconds)}"),
        )
        return Group(
            Text(self.title, style="bold"),
            clock,
            Text(),
            outcomes(self.tally),
            Text(),
            Text(f"now        {rate:.1f} answers/s, {_latency(seconds)}, {self.tally.in_flight} in flight"),
            *(Text(line) for line in _troubles(self.tally)),
            Text(self._phase() or "Ctrl-C stops it and writes the report", style="dim"),
        )


def outcomes(tally: Tally) -> Table:
    """A row for each of the pages that are played."""
    rows = Table(box=None, padding=(0, 1, 0, 0))
    for name in ("page", "callbacks", "done", "refused", "no answer", "given up", "under way"):
        rows.add_column(name, justify="left" if name == "page" else "right")
    for page in PAGES if tally.has_bets else WIN_PAGES:
        rows.add_row(page, *_cells(tally.lines[page]))
    return rows


def conclusions(tally: Tally, seconds: float) -> Iterator[str]:
    """The account at the end, a line each."""
    ordered = tally.all_seconds()
    rate = len(ordered) / seconds if seconds else 0.0
    yield (
        f"{counted(len(ordered), 'answer')} in {seconds:.1f} s, {rate:.1f}/s: {_latency(ordered)}, "
        f"slowest {_milliseconds(ordered[-1] if ordered else 0.0)}"
    )
    yield from _troubles(tally)
    owed = ", ".join(f"{amount(total)} {currency}" for currency, total in sorted(tally.owed.items()) if currency)
    if owed:
        stakes = ", and stakes are taken off" if tally.has_bets else ""
        yield f"owed       {owed}; free rounds and their total count once{stakes}"
    if tally.has_bets:
        yield f"open       {counted(tally.open_rounds, 'round')} with a live bet and no result"
    if tally.in_doubt:
        yield f"in doubt   {counted(tally.in_doubt, 'bet')}: neither they nor their cancels were answered"


def _cells(line: Line) -> Iterator[Text]:
    refused = ", ".join(f"{times:,} × {code}" for code, times in sorted(line.refused.items()))  # noqa: RUF001 - it is a product
    under_way = line.begun - line.settled
    yield Text(f"{line.begun:,}")
    yield Text(f"{line.codes[0]:,}", style="green" if line.codes[0] else "")
    yield Text(refused or "0", style="red" if line.wrong - line.codes[None] > 0 else "")
    yield Text(f"{line.codes[None]:,}", style="red" if line.codes[None] else "")
    yield Text(f"{line.left_open:,}")
    yield Text(f"{under_way:,}")


def _troubles(tally: Tally) -> Iterator[str]:
    yield (
        f"on the way {counted(tally.hung_up, 'lost connection')}, {counted(tally.retransmissions, 'retransmission')}, "
        f"{counted(tally.duplicates, 'duplicate')}, {tally.unavailable:,} × 998"  # noqa: RUF001 - it is a product
    )
    if tally.errors:
        yield "errors     " + ", ".join(f"{times:,} {what}" for what, times in sorted(tally.errors.items()))


def _refused(tally: Tally) -> int:
    return sum(sum(line.refused.values()) for line in tally.lines.values())


def _latency(ordered: list[float]) -> str:
    if not ordered:
        return "no answer yet"
    return f"p50 {_milliseconds(percentile(ordered, 0.5))}, p99 {_milliseconds(percentile(ordered, 0.99))}"


def _milliseconds(seconds: float) -> str:
    return f"{1000 * seconds:,.0f} ms"


def _minutes(seconds: float) -> str:
    return f"{int(seconds) // 60}:{int(seconds) % 60:02}"
