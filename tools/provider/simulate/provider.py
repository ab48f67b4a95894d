"""The provider at work: sends each callback, waits, loses the connection, sends again, and gives up after ten times."""

import asyncio
import json
import random
import time
from collections.abc import Callable, Iterable
from contextlib import AbstractAsyncContextManager, suppress
from dataclasses import dataclass, field

from tools.provider.simulate.network import Post, Reply, Unanswered, network
from tools.provider.simulate.pages import Secrets, words
from tools.provider.simulate.story import Callback
from tools.provider.simulate.tally import PAID, UNAVAILABLE, Tally
from tools.shared.trouble import Trouble

RETRANSMISSIONS = 10  # result.md
FIRST_PAUSE_SECONDS = 0.5
PAUSE_GROWTH = 1.7
LONGEST_PAUSE_SECONDS = 15.0  # so that the ten take a minute and a half
CONNECTIONS = 200  # at the same time: whoever is answered slowly is sent less
FIRST_ANSWERS = 10  # if all of these say that we are wrong here, we are


@dataclass(slots=True)
class Settled:
    """What became of a callback: the last answer's error code, None without one, and the transaction's id."""

    callback: Callback
    timestamp: int  # when it was played, in milliseconds: each delivery says the same
    deliveries: int = 0
    code: int | None = None
    transaction_id: str = ""

    def take(self, code: int | None, transaction_id: str) -> None:
        """An answer of 0 is final, whatever copies of it are told; no answer changes nothing."""
        if code is not None and self.code != PAID:
            self.code, self.transaction_id = code, transaction_id


@dataclass(frozen=True, slots=True)
class _Answer:
    code: int | None = None
    transaction_id: str = ""

    @property
    def is_to_be_sent_again(self) -> bool:
        return self.code is None or self.code == UNAVAILABLE


@dataclass
class Provider:
    """`when_settled` is told of each callback once, when nothing more of it is sent.

    Raises Trouble if the first answers all say that it is at the wrong place, or has the wrong secret.
    """

    url: str
    secrets: Secrets
    tally: Tally
    when_settled: Callable[[Settled], None]
    is_stopping: asyncio.Event = field(default_factory=asyncio.Event)
    reach: Callable[[], AbstractAsyncContextManager[Post]] = network

    def __post_init__(self) -> None:
        self._connections = asyncio.Semaphore(CONNECTIONS)
        self._under_way: dict[int, asyncio.Task[None]] = {}
        self._epoch = 0.0  # when the run began
        self._refusals = 0
        self._wrong: Trouble | None = None

    async def send_all(self, callbacks: Iterable[Callback]) -> None:
        """Begins each at its time, and returns when all are settled, or what is on its way when it is stopping."""
        began, self._epoch = time.monotonic(), time.time()
        async with self.reach() as self._post:
            try:
                for callback in callbacks:
                    await self._wait(callback.at - (time.monotonic() - began))
                    if self.is_stopping.is_set():
                        break
                    self._begin(callback)
                while self._under_way:
                    await asyncio.gather(*self._under_way.values())
            finally:
                await self._break_off()
        if self._wrong:
            raise self._wrong

    def _begin(self, callback: Callback) -> None:
        before = [self._under_way[number] for number in callback.after if number in self._under_way]
        task = asyncio.create_task(self._settle(callback, before))
        self._under_way[callback.number] = task
        task.add_done_callback(lambda _: self._under_way.pop(callback.number, None))

    async def _break_off(self) -> None:
        tasks = [*self._under_way.values()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _settle(self, callback: Callback, before: Iterable[asyncio.Task[None]]) -> None:
        settled = Settled(callback, timestamp=int((self._epoch + callback.played_at) * 1000))
        try:
            await asyncio.gather(*before)
            if not self.is_stopping.is_set():
                self.tally.begin(callback)
                await self._until_answered(settled)
        finally:
            if settled.deliveries:
                self.tally.settle(callback, settled.code, settled.deliveries)
                self.when_settled(settled)

    async def _until_answered(self, settled: Settled) -> None:
        callback = settled.callback
        chance = random.Random(f"pauses {callback.credits[0].reference}")  # noqa: S311 - it must be repeatable
        first = self._deliver(settled, cut_after=callback.cut_after)
        copies = [self._deliver(settled) for _ in range(callback.copies - 1)]
        answers = await asyncio.gather(first, *copies)
        if callback.is_given_up:
            return
        for nth in range(RETRANSMISSIONS):
            if not all(answer.is_to_be_sent_again for answer in answers):
                return
            pause = min(FIRST_PAUSE_SECONDS * PAUSE_GROWTH**nth, LONGEST_PAUSE_SECONDS) * chance.uniform(0.8, 1.2)
            self.tally.waiting += 1
            await self._wait(pause)
            self.tally.waiting -= 1
            if self.is_stopping.is_set():
                return
            self.tally.retransmissions += 1
            answers = [await self._deliver(settled)]

    async def _deliver(self, settled: Settled, cut_after: float | None = None) -> _Answer:
        async with self._connections:
            settled.deliveries += 1
            nth = settled.deliveries
            said = words(settled.callback, nth=nth, timestamp=settled.timestamp, secrets=self.secrets)
            self.tally.in_flight += 1
            started = time.monotonic()
            try:
                # Hanging up cancels the request, which closes its connection.
                reply = await asyncio.wait_for(self._post(f"{self.url}{said.path}", said.body), cut_after)
            except TimeoutError:
                self.tally.hung_up += 1
                return _Answer()
            except Unanswered as failure:
                self.tally.fail(str(failure))
                return _Answer()
            finally:
                self.tally.in_flight -= 1
        code, transaction_id = _read(reply)
        self.tally.answer(code, time.monotonic() - started)
        self._notice(reply, code, said.path)
        settled.take(code, transaction_id)
        return _Answer(code, transaction_id)

    def _notice(self, reply: Reply, code: int | None, path: str) -> None:
        """Stops if the first answers are all the same refusal of whatever we would say."""
        if self._refusals < 0:
            return
        if reply.status not in (401, 403, 404) and (code is not None or reply.status >= 500):
            self._refusals = -1  # it is the right place: what is refused from now on is an outcome like others
            return
        self._refusals += 1
        if self._refusals >= FIRST_ANSWERS:
            self._wrong = Trouble(_wrong(reply, f"{self.url}{path}"))
            self.is_stopping.set()

    async def _wait(self, seconds: float) -> None:
        """Waits, or until it is stopping."""
        if seconds > 0:
            with suppress(TimeoutError):
                await asyncio.wait_for(self.is_stopping.wait(), seconds)


def _wrong(reply: Reply, url: str) -> str:
    if reply.status in (401, 403):
        return (
            f"every callback is refused with {reply.status}: hand over the operator's secret with --secret-file, "
            "and see that this address may call"
        )
    if reply.status == 404:
        where = url.partition("?")[0]
        return f"there is no callback at {where}: give the URL before /v4/Result, its stage included"
    return f"what answers is no wallet: HTTP {reply.status} without an error code"


def _read(reply: Reply) -> tuple[int | None, str]:
    """The answer's error code and transaction id. An answer that is none of a wallet's counts as none."""
    try:
        answer = json.loads(reply.text)
        code, transaction_id = answer["error"], answer.get("transactionId", "")
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None, ""
    # The pages call it a string, their examples a number.
    if isinstance(code, str) and code.isascii() and code.isdigit():
        code = int(code)
    if not isinstance(code, int) or isinstance(code, bool):
        return None, ""
    return code, transaction_id if isinstance(transaction_id, str) else str(transaction_id)
