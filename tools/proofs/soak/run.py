"""Runs the soak.

Its settings come from the environment:

    MINUTES  how long callbacks are sent; then the soak waits until they are settled, three minutes at most (1)
    RATE     new callbacks a second; retransmissions come on top (20)
    SEED     the same seed makes the same traffic and the same faults (1)
    FAULTS   on, or off for traffic alone (on)
    WORKERS  the service's processes for each function, at most (4)
    REPORT   a file to write the account to, as JSON

The last eighth of the time (a minute at most) is without faults. The status is 0 only if `walletctl verify` finds no
fault, `walletctl reconcile` finds nothing else than the provider's report, `walletctl parked list` shows what was
refused, nothing is lost, and every answer is right and in time.
"""

import asyncio
import os
import sys
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from tools.local.lifetime import cancelled_by_signals
from tools.local.settings import whole_number
from tools.proofs.soak.account import account
from tools.proofs.soak.faults import Faults, schedule
from tools.proofs.soak.notes import Sent
from tools.proofs.soak.report import Run, tell
from tools.proofs.soak.stand import NOT_NOW, Stand, stand
from tools.proofs.soak.traffic import EPOCH, Traffic, traffic
from tools.provider.answers import UNAVAILABLE
from tools.provider.sending import network
from tools.provider.simulate.pages import Words
from tools.provider.simulate.provider import Delivery, Provider, Settled
from tools.provider.simulate.report import Report, report
from tools.provider.simulate.story import Callback, Player
from tools.provider.simulate.tally import Tally
from tools.shared.trouble import Trouble

CONNECTIONS = 60  # at the same time: a service that answers slowly gets less
HANG_SECONDS = 60.0  # an answer that has not come by now never will
NO_WORKER_SECONDS = 4.5  # after five, the local service itself refuses a callback for which no worker is free
PROGRESS_SECONDS = 10
DRAIN_SECONDS = 180
LATE_WRITE_SECONDS = 3  # a proxy that holds a call back passes it on within this time


@dataclass(frozen=True, slots=True, kw_only=True)
class SoakSettings:
    minutes: int
    rate: int
    seed: int
    with_faults: bool
    workers: int
    report: Path | None

    @classmethod
    def from_environment(cls) -> "SoakSettings":
        """Raises Trouble for a value that is not valid."""
        if (faults := os.environ.get("FAULTS") or "on") not in ("on", "off"):
            raise Trouble(f"FAULTS must be on or off, not {faults!r}")
        report = os.environ.get("REPORT")
        return cls(
            minutes=whole_number(os.environ, "MINUTES", 1, 10_000),
            rate=whole_number(os.environ, "RATE", 20, 1000),
            seed=whole_number(os.environ, "SEED", 1, 10**9),
            with_faults=faults == "on",
            workers=whole_number(os.environ, "WORKERS", 4, 64),
            report=Path(report) if report else None,
        )

    @property
    def seconds(self) -> float:
        return 60.0 * self.minutes

    @property
    def seconds_with_faults(self) -> float:
        return self.seconds - min(60.0, self.seconds / 8) if self.with_faults else 0.0


def main() -> int:
    """The status to end with."""
    try:
        return _main()
    except SystemExit:  # a signal before there was anything to account for, or during the account
        print("soak: broken off without an account", file=sys.stderr)
        return 1


def _main() -> int:
    try:
        settings = SoakSettings.from_environment()
        made = traffic(seed=settings.seed, seconds=settings.seconds, rate=settings.rate)
        print(f"The soak starts its engines, proxies and service; then {settings.minutes} min of traffic", flush=True)
        # One thread starts and stops the engines: they end with the thread that started them.
        with ThreadPoolExecutor(1) as engines, stand(made, workers=settings.workers) as place:
            with report(place.report) as rows:
                soak = Soak(settings, made, place, engines, rows)
                asyncio.run(soak.run())
            run = soak.account()
    except Trouble as trouble:
        print(f"soak: {trouble}", file=sys.stderr)
        return 1
    return tell(run, settings.report)


@dataclass
class Soak:
    settings: SoakSettings
    traffic: Traffic
    stand: Stand
    engines: ThreadPoolExecutor
    rows: Report
    sent: dict[int, Sent] = field(default_factory=dict)
    seconds: float = 0.0
    is_broken_off: bool = False
    crash: str | None = None

    def __post_init__(self) -> None:
        self.began = time.monotonic()
        self.clock: Callable[[], float] = lambda: time.monotonic() - self.began
        self.faults = Faults(self.stand, self.clock, self.engines, self.settings.seed)
        self.tally = Tally()
        self.provider = Provider(
            self.stand.url,
            self.traffic.secrets,
            self.tally,
            when_settled=self._report,
            say=self._words,
            when_delivered=self._remember,
            gives_up=self._gives_up,
            epoch=EPOCH,
            connections=CONNECTIONS,
        )

    async def run(self) -> None:
        """Returns when all is sent and settled, or at a signal. No fault is left then."""
        with cancelled_by_signals():
            try:
                await self._run()
            except asyncio.CancelledError:  # a signal
                self.is_broken_off = True
                print("The soak is broken off. The account of what was sent so far follows", flush=True)
            except ExceptionGroup as group:
                self.crash = "; ".join(f"{type(each).__name__}: {each}" for each in group.exceptions)
                self.is_broken_off = True
            self.seconds = self.clock()
        await self.faults.end()
        await asyncio.sleep(LATE_WRITE_SECONDS)

    async def _run(self) -> None:
        planned = schedule(seed=self.settings.seed, seconds=self.settings.seconds_with_faults)
        async with asyncio.TaskGroup() as tasks:  # if one fails, all end
            endless = [tasks.create_task(self._tell_progress()), tasks.create_task(self._watch_service())]
            for player in self.traffic.players:
                if opens_at := self.traffic.opens_at.get(player.user_id):
                    tasks.create_task(self._open(player, opens_at))
            faults = tasks.create_task(self.faults.run(planned))
            until = self.settings.seconds + DRAIN_SECONDS
            callbacks = [plan.callback for plan in self.traffic.plans.values() if not plan.follows_a_failure]
            async with network(self.stand.url, answer_seconds=HANG_SECONDS) as send:
                with suppress(TimeoutError):
                    await asyncio.wait_for(self.provider.send_all(callbacks, send), until)
            await faults
            while self.clock() < until and await asyncio.to_thread(self.stand.waiting):
                await asyncio.sleep(1)
            for task in endless:
                task.cancel()

    def _words(self, callback: Callback, **facts: Any) -> Words:
        self.sent.setdefault(callback.number, Sent(self.traffic.plans[callback.number]))
        return self.traffic.words(callback, **facts)

    def _remember(self, callback: Callback, delivery: Delivery) -> None:
        started, ended = delivery.started - self.began, delivery.ended - self.began
        sent = self.sent[callback.number]
        sent.deliveries.append(replace(delivery, started=started, ended=ended))
        sent.is_surely_kept |= self._was_kept(sent.deliveries[-1])

    def _was_kept(self, delivery: Delivery) -> bool:
        return (
            delivery.code == UNAVAILABLE and self.faults.could_park(delivery) and delivery.seconds < NO_WORKER_SECONDS
        )

    def _report(self, settled: Settled) -> None:
        if self.traffic.plans[settled.callback.number].is_owed:
            self.rows.add(settled)

    def _gives_up(self, callback: Callback) -> bool:
        """Whether the provider leaves it to the queue that surely has it, or to the round's automatic closing."""
        sent = self.sent[callback.number]
        sent.gave_up = sent.plan.may_give_up and self._was_kept(sent.deliveries[-1])
        return sent.gave_up or (callback.is_given_up and callback.page != "bet")

    async def _open(self, player: Player, opens_at: float) -> None:
        """Opens a late player's wallet in its time, or as soon after it as there is an engine."""
        await asyncio.sleep(opens_at - self.clock())
        while True:
            with suppress(*NOT_NOW):
                await asyncio.to_thread(self.stand.open_wallet, player)
                return
            await asyncio.sleep(0.5)

    async def _tell_progress(self) -> None:
        while True:
            await asyncio.sleep(PROGRESS_SECONDS)
            codes = Counter(code for each in self.sent.values() for code in each.codes)
            print(
                f"{self.clock():6.0f} s  {self.tally.begun} callbacks, {codes.total()} deliveries: "
                f"{codes[0]} paid, {codes[998]} times 503, {self.tally.begun - self.tally.settled} under way"
                f"{'; ' + self.faults.now if self.faults.now else ''}",
                flush=True,
            )

    async def _watch_service(self) -> None:
        while self.stand.service.poll() is None:
            await asyncio.sleep(1)
        raise RuntimeError(f"the service ended with status {self.stand.service.poll()}")

    def account(self) -> Run:
        sent = [*self.sent.values()]
        return Run(
            settings={
                "minutes": self.settings.minutes,
                "rate": self.settings.rate,
                "seed": self.settings.seed,
                "faults": "on" if self.settings.with_faults else "off",
                "workers": self.settings.workers,
            },
            seconds=self.seconds,
            sent=sent,
            account=account(sent, self.stand.report, self.stand.waiting(), self.stand.walletctl),
            fault_times=self.faults.times,
            injected=self._injected(),
            kills=self.faults.kills,
            is_broken_off=self.is_broken_off,
            crash=self.crash,
        )

    def _injected(self) -> Counter[str]:
        counted: Counter[str] = Counter()
        for place in self.stand.places:
            for (operation, action), times in place.injected().items():
                counted[f"{operation}: {action}"] += times
        return counted
