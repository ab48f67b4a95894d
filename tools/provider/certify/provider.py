"""The provider's end of the wire: sends a request, and writes down what went over."""

import asyncio
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from urllib.parse import urlsplit

from tools.provider.answers import Answer, Headers
from tools.provider.certify.requests import Draft, Raw
from tools.provider.paths import PATHS, Callback, query_of
from tools.provider.secret import REDACTED, Secret
from tools.provider.sending import Pauses, Send, Unanswered
from tools.provider.signing import hash_over
from tools.shared.outside import plain
from tools.shared.trouble import Trouble

OWN_PATHS: Mapping[Callback, str] = {callback: paths[0] for callback, paths in PATHS.items()}  # as the pages' examples
_PAUSES = Pauses(first_seconds=0.05, growth=2, longest_seconds=8)  # half a minute in all
_HASH = re.compile("[0-9a-f]{32}")
_PRIVATE_HEADERS = frozenset({"authorization", "cookie", "proxy-authorization", "set-cookie"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """A request with all that goes over the wire: its hash, and the operator's URL and token."""

    method: str
    url: str
    body: bytes
    content_type: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Exchange:
    """A request and its answer, as they went over the wire."""

    why: str
    method: str
    url: str
    request_body: str
    answer: Answer
    seconds: float


@dataclass(kw_only=True)
class Examiner:
    """`paths` are the callbacks' own at this operator."""

    url: str
    secret: Secret
    send: Send
    paths: Mapping[Callback, str] = field(default_factory=lambda: dict(OWN_PATHS))
    hashes: set[str] = field(default_factory=set)  # that were made with the secret
    near_misses: list[Secret] = field(default_factory=list)  # so like the secret that they tell it

    def prepare(self, request: Draft, filler: str) -> Prepared:
        signed = self.signed(request, filler)
        token = self.secret.auth_token if request.token == "right" else None  # noqa: S105 - a choice, not a token
        if isinstance(request.token, Raw):
            token = request.token.text
        return Prepared(
            method=request.method,
            url=f"{self.url}{request.path or self.paths[request.callback]}{query_of(token)}",
            body=signed.content if request.method != "GET" else b"",
            content_type=request.content_type,
        )

    async def deliver(self, prepared: Prepared, why: str) -> Exchange:
        """Sends it once."""
        method, url, content_type = prepared.method, prepared.url, prepared.content_type
        started = time.monotonic()
        try:
            answer = await self.send(url, prepared.body, method=method, content_type=content_type)
        except Unanswered as failure:
            headers = (("content-type", content_type),)
            answer = Answer(failure=failure.said, is_late=failure.is_late, request_headers=headers)
        return Exchange(
            why=why,
            method=method,
            url=url,
            request_body=prepared.body.decode(errors="replace"),
            answer=answer,
            seconds=time.monotonic() - started,
        )

    async def tell(self, prepared: Prepared, why: str) -> list[Exchange]:
        """Sends it until it is not put off any more (998): each exchange, the last one last."""
        exchanges = [await self.deliver(prepared, why)]
        for nth, pause in enumerate(_PAUSES, 1):
            if not exchanges[-1].answer.must_be_sent_again(only_if_told=True):
                break
            await asyncio.sleep(pause)
            exchanges.append(await self.deliver(prepared, f"{why}, retransmission {nth}"))
        return exchanges

    def signed(self, request: Draft, filler: str) -> Draft:
        """The request with the hash that it needs; `filler` is sent as one where no secret is known."""
        signed = request.signed(self.secret.hash_secret, filler)
        if self.secret.hash_secret and signed is not request:
            self.hashes.add(signed["hash"])
        return signed

    def hash_of(self, request: Draft) -> str:
        """The request's right hash, made with the secret that must be there."""
        made = hash_over(request.fields, self.secret.hash_secret or "")
        self.hashes.add(made)
        return made

    def is_elsewhere(self, callback: Callback) -> bool:
        """Whether this operator has the callback at another path than the page."""
        return self.paths[callback] != OWN_PATHS[callback]

    def redacted(self, exchange: Exchange) -> Exchange:
        """The same without what the two sides share, to be shown to anybody."""
        answer = exchange.answer
        return replace(
            exchange,
            url=self.redact(exchange.url),
            request_body=self.redact(exchange.request_body),
            answer=replace(
                answer,
                text=self.redact(answer.text),
                headers=self._headers(answer.headers),
                request_headers=self._headers(answer.request_headers),
                failure=self.redact(answer.failure),
            ),
        )

    def _headers(self, headers: Headers) -> Headers:
        return tuple((name, REDACTED if name in _PRIVATE_HEADERS else self.redact(value)) for name, value in headers)

    def redact(self, text: str) -> str:
        """The text without what the two sides share."""
        # A hash tells whoever guesses the secret that the guess was right.
        text = _HASH.sub(lambda found: REDACTED if found[0] in self.hashes else found[0], text)
        for secret in (self.secret, *self.near_misses):
            text = secret.redact(text)
        return text


def checked_url(url: str) -> str:
    """The base URL without its last slash. Raises Trouble for what is none, or would show a secret in `ps`."""
    no_url = Trouble(f"{plain(url)} is not the URL of an operator: give one such as http://127.0.0.1:3000")
    try:
        parts = urlsplit(url)
        is_one = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:  # a port that is not valid, half an address
        raise no_url from None
    if not is_one or not url.isprintable() or " " in url:
        raise no_url
    if parts.username or parts.password:
        raise Trouble("the URL must not carry a name or password, which every process could read: leave it out")
    if parts.query or parts.fragment:
        raise Trouble("the URL must carry no query: the authToken belongs into --secret-file, where `ps` does not see")
    return url.rstrip("/")
