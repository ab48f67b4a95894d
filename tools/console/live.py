"""Live: the callbacks as they arrive, by server-sent events, and what is parked and dead."""

import asyncio
import re
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import BaseRoute, Route
from starlette.types import Receive, Scope, Send

from tools.console.backoffice import BackOffice, Count
from tools.console.feed import KEPT, MOVED, Deliveries, Feed, Minute, Outcome
from tools.console.pages import MOST_OF_A_NAME, Pages
from tools.shared.trouble import Trouble
from tools.walletctl.kinds import OPERATORS

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
        return [
            Route("/", self.page),
            Route("/live/events", self.events),
            Route("/live/opened", self.opened),
        ]

    async def page(self, request: Request) -> Response:
        wanted = self._wanted(request)
        if self._office.is_local:
            await self._counts.count(self._office)
        rows = [each for each in self._feed.deliveries(self._feed.after(0)) if wanted.takes(each)][-SHOWN:]
        return self._pages.page(
            "live.html",
            rows=list(reversed(rows)),
            after=f"{self._feed.epoch}-{self._feed.last}",
            wanted=wanted,
            kinds_known=self._kinds,
            outcomes=OUTCOMES,
            opened=self._opened(request.query_params.get("open", "")),
            kept=KEPT,
            source=self._source,
            **self._values(),
        )

    async def events(self, request: Request) -> Response:
        """Rows from where the page, or the stream that broke off, ended; then whatever comes."""
        if self._feed.watchers >= _MOST_STREAMS:
            return Response(_event("full", ""), media_type="text/event-stream")
        said = request.headers.get("last-event-id") or request.query_params.get("after", "")
        return _Watched(self._feed, self._stream(said, self._wanted(request)))

    def opened(self, request: Request) -> Response:
        """Every delivery of one reference, to be shown beside the list."""
        opened = self._opened(request.query_params.get("of", ""))
        if opened is None:
            raise Trouble("That reference is not among the newest callbacks any more: look for it in Find")
        return self._pages.part(request, "_opened.html", title="Deliveries", opened=opened, closes="/")

    def _opened(self, key: str) -> Deliveries | None:
        return self._feed.deliveries_of(key[:MOST_OF_A_NAME]) if key else None

    @property
    def _kinds(self) -> list[str]:
        return [*self._office.callbacks, *OPERATORS]

    def _wanted(self, request: Request) -> "Wanted":
        """Raises Trouble for a kind or an outcome that there is not: nobody should believe that nothing came."""
        asked = request.query_params
        kind, outcome = asked.get("kind", ""), asked.get("outcome", "")
        if kind and kind not in self._kinds:
            raise Trouble(f"No callback is called {kind[:40]!r}: there are {', '.join(self._kinds)}")
        if outcome and outcome not in OUTCOMES:
            raise Trouble(f"No outcome is called {outcome[:40]!r}: there are {', '.join(OUTCOMES)}")
        return Wanted(
            kind=kind, outcome=outcome, player=asked.get("player", "")[:128], only_owed=asked.get("only") == "owed"
        )

    async def _stream(self, said: str, wanted: "Wanted") -> AsyncIterator[str]:
        feed = self._feed
        known = re.fullmatch(f"{feed.epoch}-([0-9]{{1,15}})", said)
        if known:
            number = min(int(known[1]), feed.last)
        else:  # another start, of whose callbacks nothing is known here
            number = max(0, feed.last - (KEPT if wanted.query else SHOWN))
            yield _event("begin", "", id=f"{feed.epoch}-{number}")
        figured = spoke = 0.0
        while not self._is_stopping():
            now = time.monotonic()
            if now - figured >= FIGURES_SECONDS:
                yield _event("figures", self._figures_now(now))
                figured = spoke = now
            if feed.last > number:
                rows = self._rows(number, wanted)
                number = feed.last
                yield _event("rows", rows, id=f"{feed.epoch}-{number}")
                spoke = now
            elif now - spoke > _SILENCE_SECONDS:
                yield ": still here\n\n"
                spoke = now
            await asyncio.sleep(BATCH_SECONDS)

    def _rows(self, number: int, wanted: "Wanted") -> str:
        """A row for each reference of which something came: it takes the place of the one that is there."""
        kept = self._feed.after(number)
        changed = self._feed.deliveries(kept)
        rows = [each for each in changed if wanted.takes(each)]
        lost = self._feed.last - number - len(kept)
        values = {
            "rows": list(reversed(rows[-MOST_IN_A_BATCH:])),
            "gone": [each for each in changed if not wanted.takes(each)],
            "left_out": lost + max(0, len(rows) - MOST_IN_A_BATCH),
            "wanted": wanted,
        }
        return self._pages.text("_rows.html", values)

    def _figures_now(self, now: float) -> str:
        """Drawn once for all who watch."""
        drawn, text = self._figures
        if now - drawn > FIGURES_SECONDS / 2:
            text = self._pages.text("_figures.html", self._values())
            self._figures = (now, text)
        return text

    def _values(self) -> dict[str, Any]:
        *minutes, running = self._feed.minutes()
        money = _money([*minutes, running])
        counts = self._counts.counts
        return {
            "kinds": [_pace(kind, minutes, running) for kind in self._office.callbacks],
            "minute": _clock(minutes[-1].start),
            "since": _clock(min(minutes[-1].start, max(minutes[0].start, int(self._feed.began // 60)))),
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What a page shows of what arrives; all if nothing is said."""

    kind: str = ""
    player: str = ""
    outcome: str = ""
    only_owed: bool = False

    def takes(self, deliveries: Deliveries) -> bool:
        shown = deliveries.shown
        return (
            (not self.kind or shown.kind == self.kind)
            and (not self.player or any(each.player == self.player for each in deliveries.arrivals))
            and (not self.outcome or shown.outcome in OUTCOMES[self.outcome])
            and (not self.only_owed or shown.is_owed)
        )

    @property
    def query(self) -> str:
        """As a page's address has it; "" if all is wanted."""
        said = {"kind": self.kind, "player": self.player, "outcome": self.outcome, "only": "owed" * self.only_owed}
        return urlencode({name: value for name, value in said.items() if value}, errors="replace")

    def opening(self, key: str) -> str:
        """Where the same page is with one reference opened."""
        return f"/?{'&'.join(filter(None, (self.query, urlencode({'open': key}, errors='replace'))))}"


OUTCOMES: Mapping[str, Sequence[Outcome]] = {
    "done": (*MOVED, "booked elsewhere", "cancel remembered", "round ended", "round refunded", "answered"),
    "only replays": ("replayed",),
    "waits for another try": ("parked",),
    "waits for a person": ("left for a person",),
    "refused": ("refused", "declined"),
    "failed or not kept": ("failed", "not kept"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """A callback by whole minutes, the newest last; what of the last one was not done, and how long it took.

    `since` is how many have come in the minute that is not whole yet.
    """

    kind: str
    counts: Sequence[int]
    since: int
    failed: str
    took: str


def _pace(kind: str, minutes: Sequence[Minute], running: Minute) -> Pace:
    last = minutes[-1]
    count, failed = last.callbacks[kind], last.owed[kind]
    middle, slowest = last.percentile(kind, 50), last.percentile(kind, 99)
    return Pace(
        kind=kind,
        counts=[minute.callbacks[kind] for minute in minutes],
        since=running.callbacks[kind],
        failed=f"{100 * failed / count:.3g} % failed" if count else "",
        took="" if middle is None else f"p50 {middle}, p99 {slowest} ms",
    )


def _clock(minute: int) -> str:
    return f"{datetime.fromtimestamp(60 * minute, UTC):%H:%M}"


def _money(minutes: Sequence[Minute]) -> list[tuple[str, str, list[Decimal]]]:
    """What of each currency was credited and staked by the minute, the busiest currency first.

    The last value is of the minute that is not whole yet.
    """
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
