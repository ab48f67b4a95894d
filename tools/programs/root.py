"""What `walletctl` says of itself: its commands, its help, its version. It needs no package, so it is said at once."""

import shutil
import textwrap
from dataclasses import dataclass
from importlib import metadata

ABOUT = "Asks a wallet, repairs it, and tries it out: the local service, or a deployed stack with your own credentials."
MORE = (
    "`walletctl help COMMAND` says more of each, with examples. Without --stack (or WALLETCTL_STACK in the "
    "environment) they ask the local service that `make run` started on port 3000 (--port, or PORT)."
)

_WIDEST = 80  # columns, as the other pages of help


@dataclass(frozen=True, slots=True)
class Command:
    """`about` is the first sentence of the command's own help: a test compares them."""

    panel: str
    name: str
    about: str


_MONEY, _PROVIDER, _SHELL = "The money", "The provider", "The shell"
COMMANDS = (
    Command(
        _MONEY,
        "find",
        "Finds a win, a bet, a round or another movement, and says what became of it.",
    ),
    Command(_MONEY, "ledger", "Lists a player's transactions with the balances they left behind, the newest first."),
    Command(
        _MONEY,
        "rounds",
        "Lists the rounds in which a bet waits for a result, the longest open first. Changes nothing.",
    ),
    Command(_MONEY, "settle", "Does by hand a cancel or a round's result that the provider never sent."),
    Command(
        _MONEY,
        "verify",
        "Proves that every player's movements explain the wallet, to the last digit. Changes nothing.",
    ),
    Command(
        _MONEY,
        "console",
        "Serves the console of a deployed stack on this machine, with your own credentials. Ctrl-C stops it.",
    ),
    Command(
        _MONEY,
        "reconcile",
        "Compares the provider's report with the ledger: by reference, amount, currency and player. Changes nothing.",
    ),
    Command(_MONEY, "deposit", "Adds money to a wallet, once per reference, with your name and reason on record."),
    Command(_MONEY, "withdraw", "Takes money from a wallet, once per reference, if there is enough."),
    Command(_MONEY, "adjust", "Corrects a wallet, up or down, once per reference. It shows the wallet, and asks."),
    Command(
        _MONEY,
        "players",
        "Opens wallets, shows them, and freezes players. Nothing here moves money of a wallet that exists.",
    ),
    Command(_MONEY, "parked", "Lists, shows, sends back, settles or discards what could not be credited or paid back."),
    Command(_MONEY, "alarm", "Shows the lines of the log that are about an alarm, the newest first. Changes nothing."),
    Command(_PROVIDER, "certify", "Tests an operator, one promise per case, over HTTP, as the provider would."),
    Command(
        _PROVIDER,
        "simulate",
        "Plays the provider: players in sessions, whole rounds with their bets, jackpots, prizes and free rounds.",
    ),
    Command(_SHELL, "completion", "Prints what lets your shell complete commands and options: bash, zsh or fish."),
)


PACKAGE = "lucky-monaco-wallet"


def version() -> str:
    return metadata.version(PACKAGE)


def requires() -> list[str]:
    """What the package needs, as its metadata says it."""
    return metadata.requires(PACKAGE) or []


def page() -> str:
    """The help of the root."""
    width = max(40, min(shutil.get_terminal_size().columns, _WIDEST)) - 2
    names = max(len(command.name) for command in COMMANDS)
    lines = ["Usage: walletctl [OPTIONS] COMMAND [ARGS]...", "", *_filled(ABOUT, "  ", width)]
    panel = ""
    for command in COMMANDS:
        if command.panel != panel:
            panel = command.panel
            lines += ["", f"{panel}:"]
        lines += _filled(command.about, " " * (names + 4), width, first=f"  {command.name:<{names}}  ")
    lines += ["", "Options:", "  --version  Show the version and exit.", "  --help     Show this message and exit."]
    return "\n".join([*lines, "", *_filled(MORE, "  ", width)])


def _filled(text: str, indent: str, width: int, first: str | None = None) -> list[str]:
    return textwrap.wrap(
        text, width, initial_indent=indent if first is None else first, subsequent_indent=indent, break_on_hyphens=False
    )
