"""The provider at work: sends each callback, waits, loses the connection, sends again, and gives up after ten times."""

import asyncio
import random
import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import Literal, TypeAlias

from tools.provider.answers import NOT_AGAIN, NOT_ENOUGH, SUCCESS, Answer
from tools.provider.sending import RETRANSMISSIONS, Pauses, Send, Unanswered
from tools.provider.simulate.pages import Secrets, Words, words
from tools.provider.simulate.story import Callback, PageName
from tools.provider.simulate.tally import Tally
from tools.shared.trouble import Trouble

PAUSES = Pauses(first_seconds=0.5, growth=1.7, longest_seconds=15)  # the ten take a minute and a half
# How often a call is sent again: a bet three times, then it is cancelled; its cancel is sent three times in all. Of the
# others but the wins the pages say nothing. Source: the provider's pages Bet and Error Code.
SENT_AGAIN: Mapping[PageName, int] = {"bet": 3, "balance": 3, "check": 3, "end-round": 3, "cancel": 2, "refund": 2}
_FINAL_OF_A_BET = (SUCCESS, NOT_ENOUGH, NOT_AGAIN)  # any other answer is sent again, and cancelled
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
    is_noted: bool = False

    def take(self, code: int | None, transaction_id: str) -> None:
        """An answer of 0 is final, whatever copies of it are told; no answer changes nothing."""
        if code is not None and self.code != SUCCESS:
            self.code, self.transaction_id = code, transaction_id


Why: TypeAlias = Literal["first", "copy", "retransmission"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """One sending of a callback, and what was answered; `is_cut` says that the provider hung up.

    Times are of `time.monotonic`.
    """

    why: Why
    started: float
    ended: float
    answer: Answer
    is_cut: bool = False

    @property
    def code(self) -> int | None:
        return self.answer.error

    @property
    def seconds(self) -> float:
        return self.ended - self.started


@dataclass
class Provider:
    """`when_settled` is told of each callback once, when nothing more of it is sent; `when_delivered` of each delivery.

    `say` puts a callback into words. `gives_up` is asked after the first delivery and its copies whether the provider
    leaves it at that. `epoch` is when the run begins, if not now.
    Raises Trouble if the first answers all say that it is at the wrong place, or has the wrong secret.
    """

    url: str
    secrets: Secrets
    tally: Tally
    when_settled: Callable[[Settled], None]
    is_stopping: asyncio.Event = field(default_factory=asyncio.Event)
    say: Callable[..., Words] = words
    when_delivered: Callable[[Callback, Delivery], None] = lambda _callback, _delivery: None
    gives_up: Callable[[Callback], bool] = lambda callback: callback.is_given_up and callback.page != "bet"
    epoch: float | None = None
    connections: int = CONNECTIONS

    def __post_init__(self) -> None:
        self._connections = asyncio.Semaphore(self.connections)
        self._under_way: dict[int, asyncio.Task[None]] = {}
        self._taken: set[int] = set()  # the numbers of bets
        self._epoch = self.epoch or time.time()
        self._refusals = 0
        self._wrong: Trouble | None = None

    async def send_all(self, callbacks: Iterable[Callback], send: Send) -> None:
        """Begins each at its time, and returns when all are settled, or what is on its way when it is stopping."""
        began, self._send = time.monotonic(), send
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
            if not self.is_stopping.is_set() and self._is_called_for(settled):
                await self._until_settled(settled)
                await self._undo(settled)
        finally:
            self._note(settled)

    def _is_called_for(self, settled: Settled) -> bool:
        """Whether one of the bets that it needs was taken. A refund is of those that were."""
        callback = settled.callback
        if callback.page == "refund":
            taken = [credit for credit, bet in zip(callback.credits, callback.needs, strict=True) if bet in self._taken]
            settled.callback = replace(callback, credits=tuple(taken))
        return not callback.needs or not self._taken.isdisjoint(callback.needs)

    async def _undo(self, bet: Settled) -> None:
        """After a bet that failed: its cancel, also when it is stopping, since the bet may have been taken."""
        self._note(bet)
        if bet.callback.page != "bet" or bet.code in _FINAL_OF_A_BET:
            return
        for callback in bet.callback.if_failed:
            settled = Settled(callback, timestamp=bet.timestamp)
            try:
                await self._until_settled(settled)
            finally:
                self._note(settled)

    def _note(self, settled: Settled) -> None:
        """Once."""
        if settled.deliveries and not settled.is_noted:
            settled.is_noted = True
            if settled.callback.page == "bet" and settled.code == SUCCESS:
                self._taken.add(settled.callback.number)
            self.tally.settle(settled.callback, settled.code, settled.deliveries)
            self.when_settled(settled)

    async def _until_settled(self, settled: Settled) -> None:
        self.tally.begin(settled.callback)
        await self._until_answered(settled)

    async def _until_answered(self, settled: Settled) -> None:
        callback = settled.callback
        chance = random.Random(f"pauses {callback.credits[0].reference}")  # noqa: S311 - it must be repeatable
        first = self._deliver(settled, "first", cut_after=callback.cut_after)
        copies = [self._deliver(settled, "copy") for _ in range(callback.copies - 1)]
        deliveries = await asyncio.gather(first, *copies)
        if self.gives_up(callback):
            return
        for pause in islice(PAUSES, SENT_AGAIN.get(callback.page, RETRANSMISSIONS)):
            if not all(_must_be_sent_again(callback, delivery.answer) for delivery in deliveries):
                return
            self.tally.waiting += 1
            await self._wait(pause * chance.uniform(0.8, 1.2))
            self.tally.waiting -= 1
            if self.is_stopping.is_set():
                return
            self.tally.retransmissions += 1
            cut_after = callback.cut_after if callback.is_given_up else None
            deliveries = [await self._deliver(settled, "retransmission", cut_after)]

    async def _deliver(self, settled: Settled, why: Why, cut_after: float | None = None) -> Delivery:
        async with self._connections:
            settled.deliveries += 1
            nth = settled.deliveries
            said = self.say(settled.callback, nth=nth, timestamp=settled.timestamp, secrets=self.secrets)
            self.tally.in_flight += 1
            started, is_cut = time.monotonic(), False
            try:
                # Hanging up cancels the request, which closes its connection.
                sending = self._send(f"{self.url}{said.path}", said.body, method=said.method)
                answer = await asyncio.wait_for(sending, cut_after)
            except TimeoutError:
                self.tally.hung_up += 1
                answer, is_cut = Answer(failure="the provider hung up"), True
            except Unanswered as unanswered:
                self.tally.fail(str(unanswered))
                answer = Answer(failure=unanswered.said)
            finally:
                self.tally.in_flight -= 1
        ended = time.monotonic()
        delivery = Delivery(why=why, started=started, ended=ended, answer=answer, is_cut=is_cut)
        if answer.status is not None:
            self.tally.answer(answer.error, delivery.seconds)
            self._notice(answer, said.path)
            settled.take(answer.error, answer.transaction_id)
        self.when_delivered(settled.callback, delivery)
        return delivery

    def _notice(self, answer: Answer, path: str) -> None:
        """Stops if the first answers are all the same refusal of whatever we would say."""
        if self._refusals < 0:
            return
        is_a_wallets = answer.error is not None or (answer.status or 0) >= 500
        if answer.status not in (401, 403, 404) and is_a_wallets:
            self._refusals = -1  # it is the right place: what is refused from now on is an outcome like others
            return
        self._refusals += 1
        if self._refusals >= FIRST_ANSWERS:
            self._wrong = Trouble(_wrong(answer, f"{self.url}{path}"))
            self.is_stopping.set()

    async def _wait(self, seconds: float) -> None:
        """Waits, or until it is stopping."""
        if seconds > 0:
            with suppress(TimeoutError):
                await asyncio.wait_for(self.is_stopping.wait(), seconds)


def _must_be_sent_again(callback: Callback, answer: Answer) -> bool:
    if callback.page != "bet" or callback.is_told:
        return answer.must_be_sent_again()
    return answer.error not in _FINAL_OF_A_BET


def _wrong(answer: Answer, url: str) -> str:
    if answer.status in (401, 403):
        return (
            f"every callback is refused with {answer.status}. Give the secret with --secret-file, and check that your "
            "address is allowed"
        )
    if answer.status == 404:
        where = url.partition("?")[0]
        return (
            f"there is no call at {where}: give the URL before /v4/Result, its stage included, and --wins-only for an "
            "operator that takes no bets by this API"
        )
    return f"what answers is not a wallet: HTTP {answer.status} without an error code"
