"""The console: pages for whoever sits at this machine, in front of a local service's callbacks or of a stack."""

from collections.abc import Awaitable, Callable

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Mount
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Receive, Scope, Send

from tools.console.desk import Desk
from tools.console.finding import Finding
from tools.console.pages import FOLDER, Pages
from tools.console.safety import Guarded, new_token
from tools.local.trouble import Trouble


def console(desk: Desk, *, port: int) -> ASGIApp:
    """The application, served on that port of 127.0.0.1."""
    token = new_token()
    pages = Pages(place=desk.name, is_local=desk.is_local, token=token)
    routes = [
        *Finding(desk, pages).routes(),
        Mount("/assets", _Assets(directory=FOLDER / "assets")),
    ]
    application = Starlette(routes=routes, exception_handlers={Trouble: _troubled(pages), 404: _absent(pages)})
    return Guarded(application, port)


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
