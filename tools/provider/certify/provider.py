"""The provider's end of the wire: sends a request, and writes down what went over."""

import asyncio
import re
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from urllib.parse import quote, urlsplit

import httpx

from tools.provider.certify.answers import Answer, Exchange
from tools.provider.certify.requests import Callback, Raw, Request, hash_of
from tools.provider.secret import REDACTED, Secret
from tools.shared.outside import fault, plain
from tools.shared.trouble import Trouble

PATHS: Mapping[Callback, str] = {  # as each page's example has it
    "result": "/v4/Result",
    "auto closing": "/V4/Result",
    "jackpot": "/V4/JackPotWin",
    "bonus": "/bonuswin",
    "promo": "/V4/PromoWin",
}
RETRANSMISSIONS = 10  # the Result page
_FIRST_PAUSE_SECONDS = 0.05  # and twice as long each time: half a minute in all
_LONGEST_PAUSE_SECONDS = 8.0
_IDLE_SECONDS = 2.0  # servers close idle connections after five or more; no request may meet that moment
_MOST_BYTES = 1_000_000  # an answer has two hundred
_HASH = re.compile("[0-9a-f]{32}")
_PRIVATE_HEADERS = frozenset({"authorization", "cookie", "proxy-authorization", "set-cookie"})


@dataclass(kw_only=True)
class Provider:
    """`paths` are the callbacks' own at this operator; `timeout_seconds` is how long it may take to answer."""

    url: str
    secret: Secret
    http: httpx.AsyncClient
    timeout_seconds: float = 10.0
    paths: Mapping[Callback, str] = field(default_factory=lambda: dict(PATHS))
    hashes: set[str] = field(default_factory=set)  # that were made with the secret
    near_misses: list[Secret] = field(default_factory=list)  # so like the secret that they tell it

    def prepare(self, request: Request, filler: str) -> httpx.Request:
        """What goes over the wire: with its hash, and the operator's URL and token."""
        signed = self.signed(request, filler)
        return self.http.build_request(
            request.method,
            self._url(signed),
            content=signed.content if request.method != "GET" else None,
            headers={"Content-Type": request.content_type},
        )

    async def deliver(self, prepared: httpx.Request, why: str) -> Answer:
        """Sends it once."""
        started, failure, reply, body = time.monotonic(), "", None, b""
        try:
            async with asyncio.timeout(self.timeout_seconds):  # in all: httpx counts anew with every piece
                reply = await self.http.send(prepared, stream=True)
                body = await _body_of(reply)
        except (httpx.TimeoutException, TimeoutError):
            reply, failure = None, f"none within {self.timeout_seconds:g} s"
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            reply, failure = None, fault(error) or type(error).__name__
        seconds = time.monotonic() - started
        return Answer(
            Exchange(
                why=why,
                method=prepared.method,
                url=str(prepared.url),
                request_headers=tuple(prepared.headers.multi_items()),
                request_body=prepared.content.decode(errors="replace"),
                status=reply.status_code if reply else None,
                answer_headers=tuple(reply.headers.multi_items()) if reply else (),
                answer_body=body.decode(errors="replace") if reply else "",
                failure=failure,
                seconds=seconds,
            )
        )

    async def tell(self, prepared: httpx.Request, why: str) -> list[Answer]:
        """Sends it until it is not put off any more (998): each answer, the last one last."""
        answers = [await self.deliver(prepared, why)]
        pause = _FIRST_PAUSE_SECONDS
        while answers[-1].must_be_sent_again and len(answers) <= RETRANSMISSIONS:
            await asyncio.sleep(pause)
            pause = min(pause * 2, _LONGEST_PAUSE_SECONDS)
            answers.append(await self.deliver(prepared, f"{why}, retransmission {len(answers)}"))
        return answers

    def signed(self, request: Request, filler: str) -> Request:
        """The request with the hash that it needs; `filler` is sent as one where no secret is known."""
        signed = request.signed(self.secret.hash_secret, filler)
        if self.secret.hash_secret and signed is not request:
            self.hashes.add(signed["hash"])
        return signed

    def hash_of(self, request: Request) -> str:
        """The request's right hash, made with the secret that must be there."""
        made = hash_of(request.fields, self.secret.hash_secret or "")
        self.hashes.add(made)
        return made

    def is_elsewhere(self, callback: Callback) -> bool:
        """Whether this operator has the callback at another path than the page."""
        return self.paths[callback] != PATHS[callback]

    def _url(self, request: Request) -> str:
        token = self.secret.auth_token if request.token == "right" else None  # noqa: S105 - a choice, not a token
        if isinstance(request.token, Raw):
            token = request.token.text
        query = f"?authToken={quote(token, safe='')}" if token else ""
        return f"{self.url}{request.path or self.paths[request.callback]}{query}"

    def redacted(self, exchange: Exchange) -> Exchange:
        """The same without what the two sides share, to be shown to anybody."""
        return Exchange(
            why=exchange.why,
            method=exchange.method,
            url=self.redact(exchange.url),
            request_headers=self._headers(exchange.request_headers),
            request_body=self.redact(exchange.request_body),
            status=exchange.status,
            answer_headers=self._headers(exchange.answer_headers),
            answer_body=self.redact(exchange.answer_body),
            failure=self.redact(exchange.failure),
            seconds=exchange.seconds,
        )

    def _headers(self, headers: Iterable[tuple[str, str]]) -> tuple[tuple[str, str], ...]:
        return tuple(
            (name, REDACTED if name.lower() in _PRIVATE_HEADERS else self.redact(value)) for name, value in headers
        )

    def redact(self, text: str) -> str:
        """The text without what the two sides share."""
        # A hash tells whoever guesses the secret that the guess was right.
        text = _HASH.sub(lambda found: REDACTED if found[0] in self.hashes else found[0], text)
        for secret in (self.secret, *self.near_misses):
            text = secret.redact(text)
        return text


async def _body_of(reply: httpx.Response) -> bytes:
    """What the answer says. Raises httpx.HTTPError for one that is too long for any callback's."""
    body = bytearray()
    try:
        async for piece in reply.aiter_bytes():
            body += piece
            if len(body) > _MOST_BYTES:
                raise httpx.DecodingError(f"it is longer than {_MOST_BYTES:,} bytes")
    finally:
        await reply.aclose()
    return bytes(body)


def client(url: str, timeout_seconds: float, transport: httpx.AsyncBaseTransport | None = None) -> httpx.AsyncClient:
    """`transport` is for an application in this process; else it is the network."""
    return httpx.AsyncClient(
        timeout=timeout_seconds,
        transport=transport,
        limits=httpx.Limits(max_connections=None, max_keepalive_connections=None, keepalive_expiry=_IDLE_SECONDS),
        trust_env=not _is_here(url),  # a proxy of the environment is not asked for this machine's own addresses
        headers={"User-Agent": "walletctl-certify"},
        follow_redirects=False,
    )


def checked_url(url: str) -> str:
    """The base URL without its last slash. Raises Trouble for what is none, or would show a secret in `ps`."""
    no_url = Trouble(f"{plain(url)} is not the URL of an operator: give one such as http://127.0.0.1:3000")
    try:
        parts = urlsplit(url)
        is_one = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
        httpx.URL(url)
    except (ValueError, httpx.InvalidURL):  # a port that is none, characters that cannot be sent
        raise no_url from None
    if not is_one or not url.isprintable() or " " in url:
        raise no_url
    if parts.username or parts.password:
        raise Trouble("the URL must not carry a name or password, which every process could read: leave it out")
    if parts.query or parts.fragment:
        raise Trouble("the URL must carry no query: the authToken belongs into --secret-file, where `ps` does not see")
    return url.rstrip("/")


def _is_here(url: str) -> bool:
    host = urlsplit(url).hostname or ""
    return host == "localhost" or host == "::1" or host.startswith("127.")
