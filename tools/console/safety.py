"""Who may ask the console, and what its pages may do.

It answers people at this machine, and no page of the internet in their name: a request must name
this machine as its host (a name that is made to point here does not), a change must come from the console's own page
and carry the token that only this page knows, and no page runs or shows what the console did not make.
"""

import hmac
import secrets
from collections.abc import Awaitable, Callable, Mapping
from html import escape
from urllib.parse import parse_qs

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import ClientDisconnect, Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

MOST_BYTES = 1_000_000  # of a form: a body of 64 KiB, with every character escaped, and room to spare
TOKEN_HEADER = "x-console-token"  # noqa: S105 - its name

_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
_HEADERS = {
    "content-security-policy": _POLICY,
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "same-origin",  # with none at all, a form's Origin would be none either
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=()",
}

_MOST_FIELDS = 10_000  # a message id for each copy of a dead letter

Form = Mapping[str, list[str]]
Change = Callable[[Request, Form], Awaitable[Response]]


def new_token() -> str:
    return secrets.token_urlsafe(32)


class Guarded:
    """The application, for requests that were sent to this machine by its own pages."""

    def __init__(self, app: ASGIApp, port: int) -> None:
        self._app = app
        self._hosts = frozenset({f"127.0.0.1:{port}", f"localhost:{port}"})

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        refusal = self._refusal(scope["method"], scope["path"], Headers(scope=scope))

        async def send_guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in _HEADERS.items():
                    headers[name] = value
                headers.setdefault("cache-control", "no-store")
            await send(message)

        await (refusal or self._app)(scope, receive, send_guarded)

    def _refusal(self, method: str, path: str, headers: Headers) -> Response | None:
        host = headers.get("host", "")
        if host not in self._hosts:
            return _refused(f"The console answers at {min(self._hosts)} alone", 421, headers)
        # Browsers say where a request comes from. A link from elsewhere may open a page; nothing else may ask for one,
        # or for a page's part: to read dead letters hides them, and to read a whole ledger is paid for.
        from_elsewhere = headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none")
        is_link = (
            headers.get("sec-fetch-mode") == "navigate" and headers.get("sec-fetch-dest", "document") == "document"
        )
        if from_elsewhere and not (is_link and path.count("/") == 1):
            return _refused("Only the console's own pages may ask this", 403, headers)
        if method in ("GET", "HEAD"):
            return None
        if method != "POST":
            return _refused("Only GET and POST are known", 405, headers)
        if from_elsewhere or headers.get("origin") != f"http://{host}":
            return _refused("A change must come from the console's own page", 403, headers)
        length = headers.get("content-length", "")
        if not length.isdecimal() or int(length) > MOST_BYTES:
            return _refused("A form has a length, and no more than a megabyte", 413, headers)
        return None


def change(path: str, endpoint: Change, token: str) -> Route:
    """A route that changes something: only a form with the page's token gets there."""

    async def checked(request: Request) -> Response:
        try:
            # LogLine breaks come as \r\n whatever they were.
            written = (await request.body()).decode().replace("%0D%0A", "%0A")
            form = parse_qs(written, keep_blank_values=True, max_num_fields=_MOST_FIELDS, errors="strict")
        except (ValueError, ClientDisconnect):
            return _refused("That is not a form", 400, request.headers)
        sent = request.headers.get(TOKEN_HEADER) or text(form, "token")
        if not hmac.compare_digest(sent.encode(), token.encode()):
            return _refused(
                "This page is of an earlier start of the console. Load it again, and repeat what you did",
                403,
                request.headers,
            )
        return await endpoint(request, form)

    return Route(path, checked, methods=["POST"])


def text(form: Form, name: str) -> str:
    """The value of a form's field; "" if it has none."""
    return next(iter(form.get(name, [])), "")


def _refused(sentence: str, status: int, headers: Headers) -> Response:
    """A page for a person, with nothing of the wallet on it; its part alone where only a part was asked for."""
    said = f'<p class="notice problem" role="alert">{escape(sentence)}. Nothing was done.</p>'
    if headers.get("hx-request") == "true":
        return HTMLResponse(f"{said}\n", status)
    return HTMLResponse(_PAGE.format(said=said), status)


_PAGE = """<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>Refused · Wallet console</title><link rel="stylesheet" href="/assets/console.css"></head>
<body><main><h1>The console refused this</h1>{said}<p><a href="/">To the console</a></p></main></body>
</html>
"""
