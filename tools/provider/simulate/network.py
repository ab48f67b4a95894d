"""The way to the operator: kept connections, and hanging up."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

import aiohttp
from yarl import URL

ANSWER_SECONDS = 10.0  # what is not answered by then is sent again
# A connection that the other side closes for being idle must not meet a request.
_IDLE_SECONDS = 2.0
_HEADERS = {"content-type": "application/json", "user-agent": "luckymonaco-simulation"}


@dataclass(frozen=True, slots=True)
class Reply:
    """An HTTP answer: its status and its text; what is not UTF-8 in it is replaced."""

    status: int
    text: str


class Unanswered(Exception):
    """No answer: the connection failed, or it took too long. Its text is the failure's name."""


# Sends a body to a URL. Raises Unanswered. Whoever cancels it hangs up.
Post = Callable[[str, str], Awaitable[Reply]]


@asynccontextmanager
async def network() -> AsyncIterator[Post]:
    async with aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=0, keepalive_timeout=_IDLE_SECONDS),
        timeout=aiohttp.ClientTimeout(total=ANSWER_SECONDS),
        cookie_jar=aiohttp.DummyCookieJar(),
        headers=_HEADERS,
        trust_env=True,  # an operator's network may be behind a proxy
    ) as session:

        async def post(url: str, body: str) -> Reply:
            try:
                sent = session.post(URL(url, encoded=True), data=body.encode(), allow_redirects=False)
                async with sent as answer:
                    return Reply(answer.status, (await answer.read()).decode(errors="replace"))
            except (aiohttp.ClientError, TimeoutError) as error:
                raise Unanswered(type(error).__name__) from error

        yield post
