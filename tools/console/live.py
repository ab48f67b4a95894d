"""Live: the callbacks as they arrive, by server-sent events, and what is parked and dead."""

import asyncio
import re
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import BaseRoute, Route
from starlette.types import Receive, Scope, Send

from tools.console.backoffice import BackOffice, Count
from tools.console.feed import KEPT, Feed, Minute
from tools.console.pages import Pages
from tools.shared.trouble import Trouble

SHOWN = 100  # rows when the page opens
BATCH_SECONDS = 0.5  # between two batches of rows: nobody reads faster
MOST_IN_A_BATCH = 60  # rows; of more, the newest, and how many are left out
FIGURES_SECONDS = 2
TURN_SECONDS = 0.5
_SILENCE_SECONDS = 15  # then a line that says nothing, so that a lost connection is noticed
_MOST_STREAMS = 20  # a tab each
_MOST_CURRENCIES = 4  # in the picture, by what was credited; the others are named


@dataclass(slots=True)
class Counts:
    """What is parked and dead, counted while somebody looks; `trouble` says why it is not known."""

    counts: Sequence[Count] = ()
    trouble: str | None = None

    async def keep(self, office: BackOffice, feed: Feed, every_seconds: float) -> None:
        """Counts again and again while the feed is watched, until it is cancelled."""
        counted = 0.0
        while True:
            if feed.watchers and time.monotonic() - counted > every_seconds:
                await self.count(office)
                counted = time.monotonic()
            await asyncio.sleep(TURN_SECONDS)

    async def count(self, office: BackOffice) -> None:
        try:
            self.counts, self.trouble = await asyncio.to_thread(office.counts), None
        except Trouble as trouble:
            self.counts, self.trouble = (), str(trouble)


class LivePages:
    def __init__(
        self,
        office: BackOffice,
        feed: Feed,
        counts: Counts,
        pages: Pages,
        source: str,
        missed: Callable[[], str],
        is_stopping: Callable[[], bool],
    ) -> None:
        self._office = office
        self._feed = feed
        self._counts = counts
        self._pages = pages
        self._source = source
        self._missed = missed
        self._is_stopping = is_stopping
        self._figures = (0.0, "")

    def routes(self) -> list[BaseRoute]:
        return [Route("/", self.page), Route("/live/events", self.events)]

    async def page(self, request: Request) -> Response:
        only_owed = _only_owed(request)
        if self._office.is_local:
            await self._counts.count(self._office)
        callbacks = self._feed.newest(SHOWN, only_owed=only_owed)
        return self._pages.page(
            "live.html",
            callbacks=list(reversed(callbacks)),
            after=f"{self._feed.epoch}-{self._feed.last}",
            only_owed=only_owed,
            kept=KEPT,
            source=self._source,
            **self._values(),
        )

    async def events(self, request: Request) -> Response:
        """Rows from where the page, or the stream that broke off, ended; then whatever comes."""
        if self._feed.watchers >= _MOST_STREAMS:
            return Response(_event("full", ""), media_type="text/event-stream")
        said = request.headers.get("last-event-id") or request.query_params.get("after", "")
        return _Watched(self._feed, self._stream(said, only_owed=_only_owed(request)))

    async def _stream(self, said: str, *, only_owed: bool) -> AsyncIterator[str]:
        feed = self._feed
        known = re.fullmatch(f"{feed.epoch}-([0-9]{{1,15}})", said)
        if known:
            number = min(int(known[1]), feed.last)
        else:  # another start, of whose callbacks nothing is known here
            number = max(0, feed.last - (KEPT if only_owed else SHOWN))
            yield _event("begin", "", id=f"{feed.epoch}-{number}")
        figured = spoke = 0.0
        while not self._is_stopping():
            now = time.monotonic()
            if now - figured >= FIGURES_SECONDS:
                yield _event("figures", self._figures_now(now))
                figured = spoke = now
            if feed.last > number:
                rows = self._rows(number, only_owed=only_owed)
                number = feed.last
                yield _event("rows", rows, id=f"{feed.epoch}-{number}")
                spoke = now
            elif now - spoke > _SILENCE_SECONDS:
                yield ": still here\n\n"
                spoke = now
            await asyncio.sleep(BATCH_SECONDS)

    def _rows(self, number: int, *, only_owed: bool) -> str:
        kept = self._feed.after(number)
        callbacks = [each for each in kept if each.is_owed or not only_owed]
        lost = self._feed.last - number - len(kept)
        left_out = lost + max(0, len(callbacks) - MOST_IN_A_BATCH)
        shown = callbacks[-MOST_IN_A_BATCH:]
        return self._pages.text("_rows.html", {"callbacks": list(reversed(shown)), "left_out": left_out})

    def _figures_now(self, now: float) -> str:
        """Drawn once for all who watch."""
        drawn, text = self._figures
        if now - drawn > FIGURES_SECONDS / 2:
            text = self._pages.text("_figures.html", self._values())
            self._figures = (now, text)
        return text

    def _values(self) -> dict[str, Any]:
        minutes = self._feed.minutes()
        money = _money(minutes)
        counts = self._counts.counts
        return {
            "kinds": [(kind, [minute.callbacks[kind] for minute in minutes]) for kind in self._office.callbacks],
            "money": money[:_MOST_CURRENCIES],
            "other_money": money[_MOST_CURRENCIES:],
            "tally": self._counts,
            "waiting": sum(count.waiting for count in counts),
            "dead": sum(count.dead for count in counts),
            "open": list(reversed(self._feed.open.values()))[:5],
            "missed": self._missed(),
        }


class _Watched(StreamingResponse):
    """Counts among those who watch from when it was asked for, and not only once it is read, until it has ended."""

    def __init__(self, feed: Feed, stream: AsyncIterator[str]) -> None:
        super().__init__(stream, media_type="text/event-stream")
        self._place = ExitStack()
        self._place.enter_context(feed.watched())

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        with self._place:
            await super().__call__(scope, receive, send)


def _money(minutes: Sequence[Minute]) -> list[tuple[str, str, list[Decimal]]]:
    """What of each currency was credited and staked by the minute, the busiest currency first."""
    busy = Counter(currency for minute in minutes for currency in {*minute.credited, *minute.staked})
    sums = [
        (currency, what, [getattr(minute, what).get(currency, Decimal(0)) for minute in minutes])
        for currency in sorted(busy, key=lambda currency: (-busy[currency], currency))
        for what in ("credited", "staked")
    ]
    return [each for each in sums if any(each[2])]


def _event(name: str, content: str, *, id: str | None = None) -> str:
    lines = [line for line in content.splitlines() if line.strip()]
    return "".join(
        (
            f"id: {id}\n" if id else "",
            f"event: {name}\n",
            *(f"data: {line}\n" for line in lines or [""]),
            "\n",
        )
    )


def _only_owed(request: Request) -> bool:
    return request.query_params.get("only") == "owed"
