"""The command: plays the provider for a while, and writes its report."""

import asyncio
import random
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

import typer
from rich.console import Console

from tools.provider.secret import Secret
from tools.provider.sending import network
from tools.provider.simulate.display import Display, conclusions, outcomes
from tools.provider.simulate.pages import Secrets
from tools.provider.simulate.players import Named, Wallets, unseen
from tools.provider.simulate.provider import Provider
from tools.provider.simulate.report import Report, report
from tools.provider.simulate.story import ORDINARY, WHOLE_ROUNDS, Callback, story
from tools.provider.simulate.tally import Tally
from tools.shared.listing import counted, out, tell
from tools.shared.outside import plain
from tools.shared.trouble import Trouble

NOT_ALL_RIGHT = 1
INTERRUPTED = 128 + signal.SIGINT
AGENT = "luckymonaco-simulation"

_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def simulate(
    minutes: Annotated[
        float, typer.Option(metavar="N", help="How long rounds are played.", min=0.01, max=100_000)
    ] = 1.0,
    rate: Annotated[
        float, typer.Option(metavar="N", help="About how many callbacks a second.", min=0.1, max=5_000)
    ] = 20.0,
    players: Annotated[
        int, typer.Option(metavar="N", help="How many players of its own play; local only.", min=1, max=10_000)
    ] = 20,
    player: Annotated[
        list[str] | None,
        typer.Option(metavar="ID[=CURRENCY]", help="Let this player play instead. Repeatable."),
    ] = None,
    seed: Annotated[
        int | None,
        typer.Option(metavar="N", help="What makes the story: the same seed, the same. Else a new one.", min=0),
    ] = None,
    wins_only: Annotated[
        bool, typer.Option("--wins-only", help="Play the wins alone, for an operator that takes no bets by this API.")
    ] = False,
    day: Annotated[
        float, typer.Option("--day", metavar="SECONDS", help="How long the 24 hours of an open round last.", min=0.1)
    ] = 20.0,
    report_file: Annotated[
        Path | None,
        typer.Option("--report", metavar="FILE.csv", help="The provider's report. Else provider-report-SEED.csv."),
    ] = None,
    feed_file: Annotated[
        Path | None,
        typer.Option("--feed", metavar="FILE.csv", help="The same as the provider's feed of transactions has it."),
    ] = None,
    secret_file: Annotated[
        Path | None,
        typer.Option(metavar="FILE.json", help="The secrets: as events/secrets.json. Signs and sends the token."),
    ] = None,
    url: Annotated[
        str | None,
        typer.Option(metavar="URL", help="Any operator's URL, before /v4/Result.", rich_help_panel="Where"),
    ] = None,
    asked: Wallets | None = None,
) -> None:
    """Plays the provider: players in sessions, whole rounds with their bets, jackpots, prizes and free rounds.

    With the dialects of its pages, lost connections, retransmissions, cancels, duplicates, bets over the balance,
    refunds, and rounds that are left open. Then it writes its own report, for `walletctl reconcile`.

    Ends with 0 if every call was answered as it must be, 1 if one was not, 2 if it could not begin. Ctrl-C stops it;
    the report is written all the same, and the status is 130.
    """
    seed = random.randint(1, 999_999) if seed is None else seed  # noqa: S311 - no secret
    path = report_file or Path(f"provider-report-{seed}.csv")
    secrets = _secrets(secret_file)
    names = [Named.read(text) for text in player or []]
    if len({name.user_id for name in names}) < len(names):
        raise Trouble("one player is named twice")
    if url is not None or asked is None:
        if asked and asked.is_named:
            raise Trouble("--url is a place of its own: leave out --local, --stack, --profile and --region")
        base, playing = _checked(url or ""), unseen(names)
        if not names:
            raise Trouble("name the players who play at that URL, and their currencies: --player 421=USD")
    else:
        playing = asked.of(names) if names else asked.own(players)
        base = asked.url()
    told = f"simulate: seed {seed}, {counted(len(playing), 'player')}, {rate:g}/s for {minutes:g} min, {plain(base)}"
    odds = ORDINARY if wins_only else WHOLE_ROUNDS
    callbacks = story(seed=seed, players=playing, seconds=60 * minutes, rate=rate, day_seconds=day, odds=odds)
    with report(path, feed_file) as rows:
        run = _Run(base, secrets, rows, told, 60 * minutes)
        asyncio.run(run.play(callbacks))
    out(outcomes(run.tally))
    for line in conclusions(run.tally, run.seconds):
        tell(line)
    tell(f"report     {counted(rows.rows, 'row')} in {plain(str(path))}; the same story again: --seed {seed}")
    if run.provider.is_stopping.is_set():
        raise typer.Exit(INTERRUPTED)
    if not run.tally.is_all_right:
        raise typer.Exit(NOT_ALL_RIGHT)


class _Run:
    def __init__(self, url: str, secrets: Secrets, rows: Report, told: str, seconds: float) -> None:
        self.tally = Tally()
        self.provider = Provider(url, secrets, self.tally, rows.add)
        self.seconds = 0.0
        self._display = Display(told, seconds, self.tally, Console(highlight=False), self.provider.is_stopping)

    async def play(self, callbacks: Iterator[Callback]) -> None:
        began = time.monotonic()
        with _stopping_at_signals(self.provider.is_stopping):
            async with self._display.shown(), network(self.provider.url, agent=AGENT) as send:
                await self.provider.send_all(callbacks, send)
        self.seconds = time.monotonic() - began


@contextmanager
def _stopping_at_signals(stop: asyncio.Event) -> Iterator[None]:
    """The first signal stops it in good order; one more breaks off what is on its way."""
    loop, task = asyncio.get_running_loop(), asyncio.current_task()

    def hear() -> None:
        if stop.is_set() and task:
            task.cancel()
        stop.set()

    for number in _SIGNALS:
        loop.add_signal_handler(number, hear)
    try:
        yield
    except asyncio.CancelledError:
        if not stop.is_set():
            raise
    finally:
        for number in _SIGNALS:
            loop.remove_signal_handler(number)


def _secrets(file: Path | None) -> Secrets:
    """What a file says that the two sides share, in either form that a certification takes. Raises Trouble."""
    found = Secret.found(file, {})
    return Secrets(hash_secret=found.hash_secret, auth_token=found.auth_token)


def _checked(url: str) -> str:
    try:
        parts = urlsplit(url)
        is_one = parts.scheme in ("http", "https") and bool(parts.hostname) and not parts.query and not parts.fragment
        _ = parts.port
    except ValueError:
        is_one = False
    if not is_one:
        raise Trouble(f"{plain(url)} is not a URL of an API: write --url https://wallet.example.com/prod")
    return url.rstrip("/")
