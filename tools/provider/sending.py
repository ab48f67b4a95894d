"""The way to the operator: kept connections, hanging up, and when to send again."""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Protocol
from urllib.parse import urlsplit

import aiohttp
from yarl import URL

from tools.provider.answers import Answer
from tools.shared.outside import fault

RETRANSMISSIONS = 10  # the Result page
ANSWER_SECONDS = 10.0  # the provider sends again what is not answered by then
# Servers close connections that are idle for five seconds or more. No request may meet that moment.
_IDLE_SECONDS = 2.0
_MOST_BYTES = 1_000_000  # an answer has two hundred


@dataclass(frozen=True, slots=True, kw_only=True)
class Pauses:
    """The waits before the retransmissions of a callback: each is `growth` times the one before."""

    first_seconds: float
    growth: float
    longest_seconds: float

    def __iter__(self) -> Iterator[float]:
        for nth in range(RETRANSMISSIONS):
            yield min(self.first_seconds * self.growth**nth, self.longest_seconds)


class Unanswered(Exception):
    """No answer: the connection failed, or it took too long. Its text is the failure's name; `said` says more."""

    def __init__(self, name: str, said: str = "", *, is_late: bool = False) -> None:
        super().__init__(name)
        self.said = said or name
        self.is_late = is_late


class Send(Protocol):
    """Sends a body to a URL, once. Raises Unanswered. Who cancels it hangs up."""

    async def __call__(
        self, url: str, body: str | bytes, *, method: str = "POST", content_type: str = "application/json"
    ) -> Answer: ...


@asynccontextmanager
async def network(
    operator: str, *, answer_seconds: float = ANSWER_SECONDS, agent: str = "luckymonaco"
) -> AsyncIterator[Send]:
    """A way to the operator at that URL. It follows no redirect, and keeps no cookie."""
    async with aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=0, keepalive_timeout=_IDLE_SECONDS),
        timeout=aiohttp.ClientTimeout(total=answer_seconds),
        cookie_jar=aiohttp.DummyCookieJar(),
        headers={"user-agent": agent},
        trust_env=not _is_here(operator),  # a proxy of the environment is not asked for this machine's own addresses
    ) as session:

        async def send(
            url: str, body: str | bytes, *, method: str = "POST", content_type: str = "application/json"
        ) -> Answer:
            try:
                async with session.request(
                    method,
                    URL(url, encoded=url.isascii()),
                    data=None if method == "GET" else body.encode() if isinstance(body, str) else body,
                    headers={"content-type": content_type},
                    allow_redirects=False,
                ) as reply:
                    text = (await _body_of(reply)).decode(errors="replace")
                    sent, received = (
                        tuple((name.lower(), value) for name, value in headers.items())
                        for headers in (reply.request_info.headers, reply.headers)
                    )
                    return Answer(status=reply.status, text=text, headers=received, request_headers=sent)
            except TimeoutError as error:
                raise Unanswered("TimeoutError", f"none within {answer_seconds:g} s", is_late=True) from error
            except aiohttp.ClientError as error:
                raise Unanswered(type(error).__name__, fault(error)) from error

        yield send


async def _body_of(reply: aiohttp.ClientResponse) -> bytes:
    """What the answer says. Raises Unanswered for one that is too long for any callback's."""
    body = bytearray()
    async for piece in reply.content.iter_any():
        body += piece
        if len(body) > _MOST_BYTES:
            raise Unanswered("TooLong", f"it is longer than {_MOST_BYTES:,} bytes")
    return bytes(body)


def _is_here(url: str) -> bool:
    host = urlsplit(url).hostname or ""
    return host == "localhost" or host == "::1" or host.startswith("127.")
