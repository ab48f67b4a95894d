"""Try: a callback sent, sent again, sent twice at once; the store taken away; the provider played. Local only."""

import asyncio
import json
import math
import re
import secrets
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from tools.console.backoffice import BackOffice
from tools.console.feed import Feed
from tools.console.pages import Pages
from tools.console.safety import Form, change, text
from tools.console.simulator import Simulator
from tools.console.words import FINAL, counted
from tools.local.deploy.examples import OUTPUTS, OUTPUTS_OF_BETS, Example, example
from tools.provider.answers import Answer
from tools.provider.paths import query_of
from tools.provider.secret import Secret
from tools.provider.sending import RETRANSMISSIONS, Send, Unanswered, network
from tools.provider.signing import fields_in, replaced, signed_again
from tools.shared.items import Item
from tools.shared.trouble import Trouble

OUTAGE_SECONDS = 10
EXAMPLES = {name: name.replace("_", " ") for name in (*OUTPUTS, *OUTPUTS_OF_BETS)} | {"endround": "end of round"}
_MOVE_NOTHING = ("endround", "balance", "check")
_REVERSALS = ("cancel", "refund")
_WAYS = ("once", "ten", "twice")
_MOST_RATE, _MOST_MINUTES = 500, 60
_ANSWER_SECONDS = 15


@dataclass(slots=True)
class Outage:
    """The file whose existence takes the tables from the functions, until `_ends`."""

    file: Path
    _ends: float = 0.0
    _mending: set[asyncio.Task[None]] = field(default_factory=set)

    @property
    def seconds_left(self) -> int:
        return max(0, math.ceil(self._ends - time.monotonic()))

    def begin(self) -> None:
        if self._mending:
            raise Trouble("The tables are away already")
        try:
            self.file.parent.mkdir(parents=True, exist_ok=True)
            self.file.touch()
        except OSError as error:
            raise Trouble(f"{self.file} cannot be written: {error.strerror}") from None
        self._ends = time.monotonic() + OUTAGE_SECONDS
        task = asyncio.create_task(self._mend())
        self._mending.add(task)
        task.add_done_callback(self._mending.discard)

    async def _mend(self) -> None:
        try:
            await asyncio.sleep(OUTAGE_SECONDS)
        finally:
            self.end()

    def end(self) -> None:
        self._ends = 0.0
        with suppress(OSError):
            self.file.unlink(missing_ok=True)


class TryPages:
    def __init__(
        self,
        office: BackOffice,
        feed: Feed,
        pages: Pages,
        secret: Secret,
        outage: Outage,
        simulator: Simulator,
        token: str,
    ) -> None:
        self._office = office
        self._feed = feed
        self._pages = pages
        self._secret = secret
        self._outage = outage
        self._simulator = simulator
        self._token = token
        self._was_broken = False
        self._broken_at = 0  # the last callback before the tables were taken away

    def routes(self) -> list[BaseRoute]:
        return [
            Route("/try", self.page),
            Route("/try/outage", self.outage),
            Route("/try/simulator", self.simulator),
            change("/try/send", self.send, self._token),
            change("/try/fresh", self.fresh, self._token),
            change("/try/break", self.take_away, self._token),
            change("/try/simulate", self.simulate, self._token),
            change("/try/simulate/stop", self.stop, self._token),
        ]

    async def page(self, request: Request) -> Response:
        name = request.query_params.get("example", "result")
        chosen = example(name if name in EXAMPLES else "result")
        is_fresh = request.query_params.get("fresh") == "1"
        return self._page(chosen, _under_a_new_reference(chosen.body) if is_fresh else chosen.body)

    async def fresh(self, _request: Request, form: Form) -> Response:
        """The body as it was edited, under a new reference."""
        name = text(form, "example")
        return self._page(example(name if name in EXAMPLES else "result"), _under_a_new_reference(text(form, "body")))

    def _page(self, chosen: Example, body: str) -> Response:
        return self._pages.page(
            "try.html",
            examples=EXAMPLES,
            example=chosen,
            body=body,
            retransmissions=RETRANSMISSIONS,
            seconds=OUTAGE_SECONDS,
            **self._outage_now(),
            simulator=self._simulator,
            trouble="",
            is_part=False,
        )

    async def send(self, request: Request, form: Form) -> Response:
        name, body, way = text(form, "example"), text(form, "body"), text(form, "way")
        if name not in EXAMPLES or way not in _WAYS:
            raise Trouble("Choose one of the examples, and how often to send it")
        user_id = _user_id(body)
        before = await self._wallet(user_id)
        started = time.monotonic()
        deliveries = await self._deliveries(example(name).path, body, way)
        answers = [answer for answer, _ in deliveries]
        after = await self._wallet(user_id)
        transactions = int(after["version"] - before["version"]) if before and after else 0
        return self._pages.part(
            request,
            "_tried.html",
            title="Sent",
            way=way,
            answers=answers,
            milliseconds=[1000 * seconds for _, seconds in deliveries],
            seconds=time.monotonic() - started,
            user_id=user_id,
            wallet=after,
            moved=_moved(before, after),
            heading=_heading(name, answers, user_id, _moved(before, after), transactions),
            reference=_field(body, "reference"),
        )

    async def outage(self, request: Request) -> Response:
        return self._pages.part(request, "_outage.html", title="The store", **self._outage_now())

    async def take_away(self, request: Request, _form: Form) -> Response:
        if not self._outage.seconds_left:  # or it is away already, as another page had it: that is shown
            self._outage.begin()
            self._was_broken, self._broken_at = True, self._feed.last
        return await self.outage(request)

    async def simulator(self, request: Request, trouble: str = "") -> Response:
        return self._pages.part(
            request, "_simulator.html", title="The simulator", simulator=self._simulator, trouble=trouble
        )

    async def simulate(self, request: Request, form: Form) -> Response:
        try:
            rate = _whole(text(form, "rate"), "Callbacks a second", _MOST_RATE)
            minutes = _whole(text(form, "minutes"), "Minutes", _MOST_MINUTES)
            self._simulator.start(rate=rate, minutes=minutes)
        except Trouble as trouble:  # said beside the button that stops the one that runs
            return await self.simulator(request, str(trouble))
        return await self.simulator(request)

    async def stop(self, request: Request, _form: Form) -> Response:
        self._simulator.stop()
        return await self.simulator(request)

    async def _deliveries(self, path: str, body: str, way: str) -> list[tuple[Answer, float]]:
        """Each answer, and the seconds until it came."""
        url = f"{self._office.place.url()}{path}{query_of(self._secret.auth_token)}"
        content = _signed(body, self._secret.hash_secret)
        async with network(url, answer_seconds=_ANSWER_SECONDS) as send:
            if way == "ten":
                return [await _delivered(send, url, content) for _ in range(RETRANSMISSIONS)]
            times = 2 if way == "twice" else 1
            return list(await asyncio.gather(*(_delivered(send, url, content) for _ in range(times))))

    async def _wallet(self, user_id: str | None) -> Item | None:
        if user_id is None:
            return None
        return await run_in_threadpool(self._office.place.tables().wallet, user_id)

    def _outage_now(self) -> dict[str, Any]:
        delayed = self._feed.delayed(self._broken_at) if self._was_broken else {}
        return {
            "left": self._outage.seconds_left,
            "was_broken": self._was_broken,
            "parked": len(delayed),
            "recovered": sum(delayed.values()),
            "open": len(delayed.keys() & self._feed.open.keys()),
        }


async def _delivered(send: Send, url: str, content: bytes) -> tuple[Answer, float]:
    started = time.monotonic()
    try:
        answer = await send(url, content)
    except Unanswered as failure:
        raise Trouble(f"The service did not answer: {failure}") from None
    return answer, time.monotonic() - started


def _heading(
    name: str, answers: Sequence[Answer], user_id: str | None, moved: Mapping[str, Decimal], transactions: int
) -> str:
    """What the wallet did, by what it moved and by the errors it answered."""
    if moved:
        word = "was paid back" if name in _REVERSALS else "staked" if name == "bet" else "was credited"
        often = "once" if transactions == 1 else f"in {counted(transactions, 'transaction')}"
        by = f", by {len(answers)} deliveries" if len(answers) > 1 else ""
        return f"{user_id} {word} {often}{by}"
    errors = {answer.error for answer in answers}
    if 0 in errors:
        if name in _MOVE_NOTHING:
            return "Answered: nothing was asked to move"
        if name in _REVERSALS and not transactions:
            return "Nothing moved: there is nothing to pay back"
        return "On record, and nothing was moved" if transactions else "Nothing moved: it was on record before"
    if name == "bet" or name in _MOVE_NOTHING:
        return (
            "Refused, and kept nowhere"
            if errors != {15}
            else "Not enough money: refused, and refused again if it comes"
        )
    undone = "Not paid back" if name in _REVERSALS else "Not credited"
    if 998 in errors or (62 in errors and name not in _REVERSALS):
        return f"{undone} yet: it waits for another try"
    return (
        f"{undone}: it waits for a person (dead letter)" if errors & FINAL else f"{undone}: refused, and kept nowhere"
    )


def _under_a_new_reference(body: str) -> str:
    """The same body as another win: nothing of its text but its reference is touched, if it has one as a text."""
    with suppress(ValueError, RecursionError):
        for field in fields_in(body):
            if field.name.lower() == "reference" and field.text.startswith('"'):
                return replaced(body, field, f'"{secrets.token_hex(12)}"')
    return body


def _signed(body: str, secret: str | None) -> bytes:
    """The body as it was written; its hash, if it has one and there is a secret to sign with, made right."""
    if secret:
        with suppress(ValueError, RecursionError):  # what cannot be read cannot be signed
            body = signed_again(body, secret)
    return body.encode(errors="surrogatepass")


def _moved(before: Item | None, after: Item | None) -> dict[str, Decimal]:
    """What of the wallet moved, by name."""
    if before is None or after is None:
        return {}
    return {name: after[name] - before[name] for name in ("cash", "bonus") if after[name] != before[name]}


def _user_id(body: str) -> str | None:
    return _field(body, "userid")


def _field(body: str, name: str) -> str | None:
    """A field of the body, if it is an object that has it as a text or a whole number."""
    with suppress(ValueError, RecursionError):
        said = json.loads(body, parse_int=str)
        for key, value in said.items() if isinstance(said, dict) else ():
            if key.lower() == name.lower() and isinstance(value, str) and value:
                return value
    return None


def _whole(said: str, what: str, most: int) -> int:
    if not re.fullmatch("[0-9]{1,4}", said) or not 1 <= int(said) <= most:
        raise Trouble(f"{what} must be a whole number from 1 to {most}")
    return int(said)
