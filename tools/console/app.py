"""The console: pages for people at this machine, in front of a local service's callbacks or of a stack."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Mount
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Receive, Scope, Send

from tools.console.backoffice import BackOffice
from tools.console.feed import Feed
from tools.console.finding import FindPages
from tools.console.journal import Journal
from tools.console.live import Counts, LivePages
from tools.console.pages import FOLDER, Pages
from tools.console.parked import ParkedPages
from tools.console.players import PlayerPages
from tools.console.safety import Guarded, new_token
from tools.console.trying import TryPages
from tools.shared.trouble import Trouble

Handler = Callable[[Request, Exception], Awaitable[Response]]


@dataclass(slots=True)
class Console:
    """The application, to be served on that port of 127.0.0.1, and what must run beside it.

    `source` says to a reader where LivePages has its callbacks from; `is_stopping`, once it is true, ends its streams.
    `trying` makes what only a local service has; `missed` says what of the callbacks is not seen.
    `retry_seconds` is the first wait before another try, where that is known.
    """

    office: BackOffice
    feed: Feed
    port: int
    source: str
    counting_seconds: float
    retry_seconds: int | None = None
    trying: Callable[[Pages, str], TryPages] | None = None
    missed: Callable[[], str] = field(default=lambda: "")
    is_stopping: Callable[[], bool] = field(default=lambda: False)
    counts: Counts = field(default_factory=Counts)

    async def run(self) -> None:
        """Until it is cancelled: reads what the feed was given, and counts what is parked while somebody looks."""
        await asyncio.gather(self.feed.run(), self.counts.keep(self.office, self.feed, self.counting_seconds))

    def application(self) -> ASGIApp:
        return _application(self)


def _application(of: Console) -> ASGIApp:
    office, token = of.office, new_token()
    pages = Pages(place=office.name, is_local=office.is_local, token=token, options=office.place.options)
    routes = [
        *LivePages(
            office, of.feed, of.counts, pages, of.source, lambda: of.missed(), lambda: of.is_stopping()
        ).routes(),
        *FindPages(office, pages).routes(),
        *PlayerPages(office, pages).routes(),
        *ParkedPages(
            office, of.feed, pages, Journal(office.folder / "console.jsonl"), token, of.retry_seconds
        ).routes(),
        *(of.trying(pages, token).routes() if of.trying else []),
        Mount("/assets", _Assets(directory=FOLDER / "assets")),
    ]
    handlers = {
        Trouble: _answer(pages, 503, "This did not work", str),
        404: _answer(pages, 404, "No such page", lambda _: _NO_PAGE),
        405: _answer(pages, 405, "Nothing was done", lambda _: _A_FORMS_TARGET),  # as after a reload, or a bookmark
        500: _answer(pages, 500, "This did not work", _defect),
    }
    application = Starlette(routes=routes, exception_handlers=handlers)
    return Guarded(application, of.port)


def in_front(console: ASGIApp, others: ASGIApp) -> ASGIApp:
    """One application of the two: the console's own paths go to it, and whatever else to the `others`."""

    async def either(scope: Scope, receive: Receive, send: Send) -> None:
        is_ours = scope["type"] == "http" and _is_ours(scope["method"], scope["path"])
        await (console if is_ours else others)(scope, receive, send)

    return either


PATHS = frozenset({"live", "find", "player", "players", "transaction", "rounds", "parked", "try", "assets"})


def _is_ours(method: str, path: str) -> bool:
    if path == "/":
        return method in ("GET", "HEAD")
    return path.split("/", 2)[1] in PATHS


class _Assets(StaticFiles):
    """The console's own files: a browser asks each time whether they have changed."""

    def file_response(self, *args: object, **more: object) -> Response:
        answer = super().file_response(*args, **more)  # type: ignore[arg-type]
        answer.headers["cache-control"] = "no-cache"
        return answer


_NO_PAGE = "There is no such page. The pages are Live, Find, Players, Rounds, Parked and Try."
_A_FORMS_TARGET = "This is where a form leads. Go to the page that has it, and send it from there."


def _answer(pages: Pages, status: int, title: str, sentence: Callable[[Exception], str]) -> Handler:
    """What a page says in place of what was asked for, because of an error."""

    async def page(request: Request, error: Exception) -> Response:
        return pages.part(request, "_trouble.html", title=title, status=status, sentence=sentence(error))

    return page


def _defect(error: Exception) -> str:
    return f"The console has a defect ({type(error).__name__}): its terminal says more."
