"""Runs the soak.

Settings come from the environment:

    MINUTES  how long callbacks are sent; what is under way then is waited for, three minutes at the most (1)
    RATE     new callbacks a second; retransmissions come on top (20)
    SEED     what makes traffic and faults: the same seed, the same of both (1)
    FAULTS   on, or off for traffic alone (on)
    WORKERS  the service's processes for each function (4)
    REPORT   a file to write the account to, as JSON

The last of the time (an eighth of it, a minute at the most) is without faults. The status is 0 only if nothing is
lost, nothing is credited twice, free rounds are paid exactly, every ledger sums up, every answer is right and in
time, and `walletctl parked list` shows what was refused and kept.
"""

import asyncio
import json
import os
import sys
import time
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from tools.local.lifetime import cancelled_by_signals
from tools.local.settings import whole_number
from tools.proofs.soak.account import Account, account
from tools.proofs.soak.faults import Faults, schedule
from tools.proofs.soak.provider import Provider
from tools.proofs.soak.report import Run, figures_of, lines_of, metrics_of
from tools.proofs.soak.stand import NOT_NOW, Stand, stand
from tools.proofs.soak.story import Player
from tools.proofs.soak.traffic import Traffic, traffic
from tools.shared.trouble import Trouble

PROGRESS_SECONDS = 10
DRAIN_SECONDS = 180
LATE_WRITE_SECONDS = 3  # what a proxy still holds back arrives within this


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    minutes: int
    rate: int
    seed: int
    with_faults: bool
    workers: int
    report: Path | None

    @classmethod
    def from_environment(cls) -> "Settings":
        """Raises Trouble for a value that is none."""
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
    except SystemExit:  # a signal before there was anything to account for, or amid the account
        print("soak: broken off without an account", file=sys.stderr)
        return 1


def _main() -> int:
    try:
        settings = Settings.from_environment()
        made = traffic(seed=settings.seed, seconds=settings.seconds, rate=settings.rate)
        print(f"The soak starts its engines, proxies and service; then {settings.minutes} min of traffic", flush=True)
        # One thread starts and stops the engines: they end with the thread that started them, and it outlives them.
        with ThreadPoolExecutor(1) as engines, stand(made.players, made.secrets, workers=settings.workers) as place:
            soak = Soak(settings, made, place, engines)
            asyncio.run(soak.run())
            run = soak.account()
    except Trouble as trouble:
        print(f"soak: {trouble}", file=sys.stderr)
        return 1
    run.figures = figures_of(run)
    print("\n".join(lines_of(run)), flush=True)
    if settings.report:
        findings = [
            {"what": each.what, "claim": each.claim, "player": each.player, "text": each.text}
            for each in run.account.findings
        ]
        settings.report.write_text(json.dumps(run.figures | {"findings": findings}, indent=2) + "\n")
    return 0 if run.is_good else 1


@dataclass
class Soak:
    settings: Settings
    traffic: Traffic
    stand: Stand
    engines: ThreadPoolExecutor
    opened_at: dict[str, float] = field(default_factory=dict)
    sent_seconds: float = 0.0
    seconds: float = 0.0
    is_broken_off: bool = False
    crash: str | None = None

    def __post_init__(self) -> None:
        began = time.monotonic()
        self.clock: Callable[[], float] = lambda: time.monotonic() - began
        self.faults = Faults(self.stand, self.clock, self.engines, self.settings.seed)
        self.provider = Provider(self.stand.url, self.faults, self.clock, self.settings.seed)

    async def run(self) -> None:
        """Returns when all is sent, mended and settled, or at a signal; everything runs then."""
        with cancelled_by_signals():
            try:
                await self._run()
            except asyncio.CancelledError:  # a signal
                self.is_broken_off = True
                print("The soak is broken off: what was sent so far is accounted for", flush=True)
            except ExceptionGroup as group:
                self.crash = "; ".join(f"{type(each).__name__}: {each}" for each in group.exceptions)
                self.is_broken_off = True
            self.seconds = self.clock()
        await self.provider.break_off()
        await self.faults.mend()

    async def _run(self) -> None:
        planned = schedule(seed=self.settings.seed, seconds=self.settings.seconds_with_faults)
        async with asyncio.TaskGroup() as tasks:  # if one fails, all end
            endless = [tasks.create_task(self._tell_progress()), tasks.create_task(self._watch_service())]
            for player in self.traffic.players:
                if player.opens_at is not None:
                    tasks.create_task(self._open(player, player.opens_at))
            faults = tasks.create_task(self.faults.run(planned))
            await self.provider.send_all(self.traffic.callbacks)
            self.sent_seconds = self.clock()
            await faults
            await self._drain()
            for task in endless:
                task.cancel()

    async def _drain(self) -> None:
        """Waits until the provider has nothing under way and the retry queues are empty, or no longer."""
        until = self.clock() + DRAIN_SECONDS
        with suppress(TimeoutError):
            await asyncio.wait_for(self.provider.finish(), DRAIN_SECONDS)
        while self.clock() < until and await asyncio.to_thread(self.stand.waiting):
            await asyncio.sleep(1)

    async def _open(self, player: Player, opens_at: float) -> None:
        """Opens a late player's wallet in its time, or as soon after it as there is an engine."""
        await asyncio.sleep(max(0.0, opens_at - self.clock()))
        while True:
            with suppress(*NOT_NOW):
                await asyncio.to_thread(self.stand.open_wallet, player)
                self.opened_at[player.user_id] = self.clock()
                return
            await asyncio.sleep(0.5)

    async def _tell_progress(self) -> None:
        while True:
            await asyncio.sleep(PROGRESS_SECONDS)
            told = self.provider.told.values()
            codes = Counter(code for each in told for code in each.codes)
            print(
                f"{self.clock():6.0f} s  {len(told)} callbacks, {codes.total()} deliveries: "
                f"{codes[0]} paid, {codes[998]} times 503, {len(self.provider.under_way)} under way"
                f"{'; ' + self.faults.now if self.faults.now else ''}",
                flush=True,
            )

    async def _watch_service(self) -> None:
        while self.stand.service.poll() is None:
            await asyncio.sleep(1)
        raise RuntimeError(f"the service ended with status {self.stand.service.poll()}")

    def account(self) -> Run:
        """Asks for what is parked, stops the service, so that nothing moves any more, and reads what it left."""
        injected = self._injected()
        listed = set[tuple[str, str]]() if self.crash else self.stand.listed()
        self.stand.stop_service()
        asyncio.run(asyncio.sleep(LATE_WRITE_SECONDS))
        books = self.stand.read_books(listed)
        told = list(self.provider.told.values())
        players = self._opened(self.traffic.players)
        made: Account = account(told, players, self.opened_at, books)
        return Run(
            settings={
                "minutes": self.settings.minutes,
                "rate": self.settings.rate,
                "seed": self.settings.seed,
                "faults": "on" if self.settings.with_faults else "off",
                "workers": self.settings.workers,
            },
            seconds=self.sent_seconds or self.seconds,
            drained_seconds=self.seconds,
            is_broken_off=self.is_broken_off,
            told=told,
            players=players,
            books=books,
            account=made,
            windows=Counter(kind for _, _, kind in self.faults.spans),
            injected=injected,
            kills=self.faults.kills,
            metrics=metrics_of(self.stand.functions_log),
            longest_wait_seconds=self.provider.longest_wait_seconds,
            crash=self.crash,
        )

    def _opened(self, players: Sequence[Player]) -> list[Player]:
        return [player for player in players if player.opens_at is None or player.user_id in self.opened_at]

    def _injected(self) -> Counter[str]:
        counted: Counter[str] = Counter()
        for place in self.stand.places:
            for (operation, action), times in place.injected().items():
                counted[f"{operation}: {action}"] += times
        return counted
