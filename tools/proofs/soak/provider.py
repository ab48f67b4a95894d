"""The provider: sends each callback, waits, hangs up, sends again, gives up; and writes down every answer."""

import asyncio
import json
import random
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

import httpx

from tools.proofs.soak.faults import Faults
from tools.proofs.soak.story import UNAVAILABLE, Callback, Delivery, Told

RETRANSMISSIONS = 10  # docs/callbacks.md
FIRST_PAUSE_SECONDS = 0.4  # then longer and longer, a minute in all: longer than any outage lasts
PAUSE_GROWTH = 1.7
LONGEST_PAUSE_SECONDS = 12.0
CONNECTIONS = 60  # at the same time: whoever is answered slowly is sent less
HANG_SECONDS = 60.0  # whoever has not answered by now never will
NO_WORKER_SECONDS = 4.5  # after five, the local service turns away what it has no worker for, and keeps nothing of it


@dataclass
class Provider:
    url: str
    faults: Faults
    clock: Callable[[], float]  # seconds of the run
    seed: int
    told: dict[int, Told] = field(default_factory=dict)
    under_way: set[asyncio.Task[None]] = field(default_factory=set)
    longest_wait_seconds: float = 0.0  # for a connection

    def __post_init__(self) -> None:
        self._connections = asyncio.Semaphore(CONNECTIONS)

    async def send_all(self, callbacks: Sequence[Callback]) -> None:
        """Begins each at its time. What is `under_way` then goes on: retransmissions and replays."""
        # The service closes a connection that is idle for five seconds; a request must not meet that moment.
        limits = httpx.Limits(max_connections=None, max_keepalive_connections=CONNECTIONS, keepalive_expiry=2.0)
        self._http = httpx.AsyncClient(base_url=self.url, timeout=HANG_SECONDS, limits=limits, trust_env=False)
        for callback in callbacks:
            await asyncio.sleep(max(0.0, callback.at - self.clock()))
            self._begin(callback)

    def _begin(self, callback: Callback) -> None:
        task = asyncio.create_task(self._tell(callback))
        self.under_way.add(task)
        task.add_done_callback(self.under_way.discard)

    async def finish(self) -> None:
        """Waits until nothing is under way any more."""
        while self.under_way:
            await asyncio.gather(*self.under_way)
        await self._http.aclose()

    async def break_off(self) -> None:
        for task in [*self.under_way]:
            task.cancel()
        await asyncio.gather(*self.under_way, return_exceptions=True)

    async def _tell(self, callback: Callback) -> None:
        told = self.told[callback.number] = Told(callback)
        try:
            if await self._until_settled(told):
                if callback.then:
                    self._begin(callback.then)
                if callback.replay_after is not None:
                    await asyncio.sleep(callback.replay_after)
                    await self._deliver(told, "replay")
        except asyncio.CancelledError:
            told.abandoned = True
            raise

    async def _until_settled(self, told: Told) -> bool:
        """Sends it until it is told what became of it; whether it was paid."""
        callback = told.callback
        chance = random.Random(f"pauses {self.seed} {callback.number}")  # noqa: S311 - it must be repeatable
        copies = [self._deliver(told, "copy") for _ in range(callback.copies - 1)]
        first = self._deliver(told, "first", cut_after=callback.cut_after or None)
        delivery, *others = await asyncio.gather(first, *copies)
        answers = [delivery, *others]
        for nth in range(RETRANSMISSIONS):
            if settled := [each for each in answers if not _is_to_be_sent_again(each)]:
                return any(each.code == 0 for each in settled)
            if nth == 0 and callback.manner == "gives up" and _was_surely_parked(delivery):
                told.gave_up = True
                return False
            pause = min(FIRST_PAUSE_SECONDS * PAUSE_GROWTH**nth, LONGEST_PAUSE_SECONDS)
            await asyncio.sleep(pause * chance.uniform(0.8, 1.2))
            delivery = await self._deliver(told, "retransmission")
            answers = [delivery]
        return delivery.code == 0

    async def _deliver(self, told: Told, why: str, cut_after: float | None = None) -> Delivery:
        wanted = self.clock()
        async with self._connections:
            self.longest_wait_seconds = max(self.longest_wait_seconds, self.clock() - wanted)
            delivery = await self._deliver_now(told.callback, why, cut_after)
        told.deliveries.append(delivery)
        return delivery

    async def _deliver_now(self, callback: Callback, why: str, cut_after: float | None) -> Delivery:
        started = self.clock()
        status, answer, cut = None, "", False
        request = self._http.request(
            callback.method,
            callback.path,
            params={"authToken": callback.token} if callback.token else None,
            content=callback.body.encode(),
        )
        try:
            # Hanging up cancels the request, which closes its connection.
            reply = await asyncio.wait_for(request, cut_after)
            status, answer = reply.status_code, reply.text
        except TimeoutError:
            cut = True
        except httpx.HTTPError as error:
            answer = f"{type(error).__name__}: {error}"
        ended = self.clock()
        return Delivery(
            why=why,
            started=started,
            ended=ended,
            status=status,
            code=_code(status, answer),
            answer=answer,
            cut=cut,
            could_park=self.faults.could_park(started, ended),
            in_faults=self.faults.was_near(started, ended),
        )


def _is_to_be_sent_again(delivery: Delivery) -> bool:
    return delivery.code in (None, UNAVAILABLE)


def _was_surely_parked(delivery: Delivery) -> bool:
    return delivery.code == UNAVAILABLE and delivery.could_park and delivery.seconds < NO_WORKER_SECONDS


def _code(status: int | None, answer: str) -> int | None:
    """The answer's error code; -1 for one that is not the contract's."""
    if status is None:
        return None
    with suppress(ValueError, KeyError, TypeError):
        code = json.loads(answer)["error"]
        return code if isinstance(code, int) else -1
    return -1
