"""The console: pages for whoever sits at this machine, in front of a local service's callbacks or of a stack."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Mount
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Receive, Scope, Send

from tools.console.desk import Desk
from tools.console.feed import Feed
from tools.console.finding import Finding
from tools.console.journal import Journal
from tools.console.live import Counts, Live
from tools.console.pages import FOLDER, Pages
from tools.console.parked import Parked
from tools.console.safety import Guarded, new_token
from tools.console.trying import Trying
from tools.shared.trouble import Trouble


@dataclass(slots=True)
class Console:
    """The application, to be served on that port of 127.0.0.1, and what must run beside it.

    `source` says to a reader where Live has its callbacks from; `is_stopping`, once it is true, ends its streams.
    `trying` makes what only a local service has; `missed` says what of the callbacks is not seen.
    """

    desk: Desk
    feed: Feed
    port: int
    source: str
    counting_seconds: float
    trying: Callable[[Pages, str], Trying] | None = None
    missed: Callable[[], str] = field(default=lambda: "")
    is_stopping: Callable[[], bool] = field(default=lambda: False)
    counts: Counts = field(default_factory=Counts)

    async def run(self) -> None:
        """Until it is cancelled: reads what the feed was given, and counts what is parked while somebody looks."""
        await asyncio.gather(self.feed.run(), self.counts.keep(self.desk, self.feed, self.counting_seconds))

    def application(self) -> ASGIApp:
        return _application(self)


def _application(of: Console) -> ASGIApp:
    desk, token = of.desk, new_token()
    pages = Pages(place=desk.name, is_local=desk.is_local, token=token)
    routes = [
        *Live(desk, of.feed, of.counts, pages, of.source, lambda: of.missed(), lambda: of.is_stopping()).routes(),
        *Finding(desk, pages).routes(),
        *Parked(desk, of.feed, pages, Journal(desk.folder / "console.jsonl"), token).routes(),
        *(of.trying(pages, token).routes() if of.trying else []),
        Mount("/assets", _Assets(directory=FOLDER / "assets")),
    ]
    handlers = {Trouble: _troubled(pages), 404: _absent(pages), 405: _unasked(pages), 500: _defect(pages)}
    application = Starlette(routes=routes, exception_handlers=handlers)
    return Guarded(application, of.port)


def in_front(console: ASGIApp, others: ASGIApp) -> ASGIApp:
    """One application of the two: the console's own paths go to it, and whatever else to the `others`."""

    async def either(scope: Scope, receive: Receive, send: Send) -> None:
        is_ours = scope["type"] == "http" and _is_ours(scope["method"], scope["path"])
        await (console if is_ours else others)(scope, receive, send)

    return either


PATHS = frozenset({"live", "find", "player", "transaction", "parked", "try", "assets"})


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


def _troubled(pages: Pages) -> Callable[[Request, Exception], Awaitable[Response]]:
    async def page(request: Request, trouble: Exception) -> Response:
        return pages.part(request, "_trouble.html", title="This did not work", status=503, sentence=str(trouble))

    return page


def _absent(pages: Pages) -> Callable[[Request, Exception], Awaitable[Response]]:
    async def page(request: Request, _error: Exception) -> Response:
        sentence = "There is no such page. Live, Find, Parked and Try are what there is."
        return pages.part(request, "_trouble.html", title="No such page", status=404, sentence=sentence)

    return page


def _unasked(pages: Pages) -> Callable[[Request, Exception], Awaitable[Response]]:
    """As after a reload of what a form led to, or a bookmark of it."""

    async def page(request: Request, _error: Exception) -> Response:
        sentence = "This is where a form leads. Go to the page that has it, and send it from there."
        return pages.part(request, "_trouble.html", title="Nothing was done", status=405, sentence=sentence)

    return page


def _defect(pages: Pages) -> Callable[[Request, Exception], Awaitable[Response]]:
    async def page(request: Request, error: Exception) -> Response:
        sentence = f"The console has a defect ({type(error).__name__}): its terminal says more."
        return pages.part(request, "_trouble.html", title="This did not work", status=500, sentence=sentence)

    return page
