"""The root of `walletctl`: it has the commands, and what a person can mend becomes one line and status 2.

A command's module is imported when the command is called: what one of them needs (AWS's SDK, DuckDB, a web server)
no other waits for.
"""

import io
import sys
from collections.abc import Callable
from typing import Any

import typer
from rich.markup import escape
from typer.core import TyperCommand, TyperGroup

from tools.local.trouble import Trouble

REFUSED = 2  # the status of what could not be done; 1 is a command's own "no"


class _Root(TyperGroup):
    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.commands = {command.name: command for command in _commands()}

    def invoke(self, ctx: Any) -> Any:
        if isinstance(sys.stdout, io.TextIOWrapper):
            # A reference may have what the terminal's encoding has not.
            sys.stdout.reconfigure(errors="backslashreplace")
        try:
            return super().invoke(ctx)
        except Trouble as trouble:
            print(f"walletctl: {trouble}", file=sys.stderr)
            raise typer.Exit(REFUSED) from None


class Later(TyperCommand):
    """A command, or a family of them, of which only the name and a sentence are here until it is called.

    The sentence is the first of the command's own help: the tests compare them.
    """

    def __init__(self, panel: str, name: str, about: str, load: Callable[[], typer.Typer]) -> None:
        super().__init__(name, help=about, rich_help_panel=panel)
        self._load = load

    def loaded(self) -> Any:
        command: Any = typer.main.get_command(self._load())
        command.name = self.name
        return command

    def make_context(self, info_name: str | None, args: list[str], parent: Any = None, **extra: Any) -> Any:
        return self.loaded().make_context(info_name, args, parent, **extra)


app = typer.Typer(
    cls=_Root,
    name="walletctl",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
)


@app.callback(
    epilog="Every command says more under --help, with examples. Without --stack, what is meant is the local service "
    "that `make run` started on port 3000 (--port, or PORT in the environment)."
)
def walletctl() -> None:
    """Asks a wallet, mends it, and tries it out: the local service, or a deployed stack with your own credentials."""


# --- The commands -----------------------------------------------------------------------------------


def _commands() -> list[Later]:
    money, provider = "The money", "The provider"
    return [
        Later(
            money,
            "find",
            "Finds a win, and says what became of it: credited, parked and why, a dead letter, refused, or never "
            "received.",
            _find,
        ),
        Later(
            money,
            "ledger",
            "Lists a player's transactions with the balances they left behind, the newest first.",
            _ledger,
        ),
        Later(
            money,
            "verify",
            "Proves that every player's transactions explain the wallet, to the last digit. Changes nothing.",
            _verify,
        ),
        Later(
            money,
            "console",
            "Serves the console of a deployed stack on this machine, with your own credentials. Ctrl-C stops it.",
            _console,
        ),
        Later(
            money,
            "reconcile",
            "Compares the provider's report with the ledger: by reference, amount, currency and player. Changes "
            "nothing.",
            _reconcile,
        ),
        Later(money, "players", _PLAYERS, _players),
        Later(money, "parked", _PARKED, _parked),
        Later(
            provider,
            "certify",
            "Certifies an operator: tries a promise a case, over HTTP, as the provider would.",
            _certify,
        ),
        Later(
            provider,
            "simulate",
            "Plays the provider: players in sessions, their rounds, jackpots, prizes and free rounds.",
            _simulate,
        ),
    ]


_PLAYERS = "Opens wallets, and shows them. Nothing here changes a wallet that exists."
_PARKED = "Lists, shows, sends back or discards what could not be credited."


def _alone(command: Callable[..., None], *examples: str) -> typer.Typer:
    alone = typer.Typer(rich_markup_mode="rich", add_completion=False)
    _mount(alone, command, *examples)
    return alone


def _mount(to: typer.Typer, command: Callable[..., None], *examples: str, name: str | None = None) -> None:
    lines = "\n".join(("\b", "[bold]Examples[/bold]", *(f"  {escape(line)}" for line in examples)))
    to.command(name, epilog=lines)(command)


def _family(about: str) -> typer.Typer:
    return typer.Typer(no_args_is_help=True, help=about, rich_markup_mode="rich", add_completion=False)


def _find() -> typer.Typer:
    from tools.walletctl.find.command import find

    return _alone(
        find,
        "walletctl find 585c1306f89c56f5ecfc2f5d",
        "walletctl find 5103188801 --player 421",
        "walletctl find 421 --stack lucky-monaco-wallet --region eu-west-1",
    )


def _ledger() -> typer.Typer:
    from tools.walletctl.ledger import ledger

    return _alone(
        ledger,
        "walletctl ledger 421",
        "walletctl ledger 421 --since 2d --kind result --kind promo",
        "walletctl ledger 421 --oldest-first --csv > ledger-421.csv",
    )


def _verify() -> typer.Typer:
    from tools.walletctl.verify.command import verify

    return _alone(
        verify,
        "walletctl verify 421",
        "walletctl verify --all --strict",
        "walletctl verify --all --stack lucky-monaco-wallet --profile finance --json > account.json",
        "walletctl verify --export s3://my-exports/november --profile finance",
    )


def _console() -> typer.Typer:
    from tools.console.command import console

    return _alone(console, "walletctl console --stack lucky-monaco-wallet --profile support --region eu-west-1")


def _reconcile() -> typer.Typer:
    from tools.reconcile.command import reconcile

    return _alone(
        reconcile,
        "walletctl reconcile report.csv",
        "walletctl reconcile november-21.csv --since 2026-11-21 --until 2026-11-22",
        "walletctl reconcile report.csv --columns reference=Ref,amount=Win --csv differences.csv",
        "walletctl reconcile report.csv --stack lucky-monaco-wallet --profile finance --json",
    )


def _players() -> typer.Typer:
    from tools.walletctl.players import command as players
    from tools.walletctl.players import importing

    family = _family(_PLAYERS)
    _mount(
        family,
        players.add,
        "walletctl players add 424 --currency EUR",
        "walletctl players add 425 --currency USDT --cash 0.000000000000000001 --bonus 0",
    )
    _mount(family, players.show, "walletctl players show 421", "walletctl players show 421 --stack lucky-monaco-wallet")
    _mount(
        family,
        players.list_,
        "walletctl players list --currency EUR",
        "walletctl players list --csv > players.csv",
        name="list",
    )
    _mount(
        family,
        importing.import_,
        "walletctl players import players.csv --dry-run",
        "walletctl players import players.csv --stack lucky-monaco-wallet",
        name="import",
    )
    return family


def _parked() -> typer.Typer:
    from tools.walletctl.parked import command as parked
    from tools.walletctl.parked.discard import discard
    from tools.walletctl.parked.redrive import redrive

    family = _family(_PARKED)
    _mount(
        family,
        parked.list_,
        "walletctl parked list",
        "walletctl parked list result --stack lucky-monaco-wallet --csv > letters.csv",
        name="list",
    )
    _mount(family, parked.show, "walletctl parked show 585c1306f89c56f5ecfc2f5d")
    _mount(
        family,
        redrive,
        "walletctl parked redrive result                             lists, and asks",
        "walletctl parked redrive result 585c1306f89c56f5ecfc2f5d    sends that one back",
        "walletctl parked redrive jackpot --all --dry-run            says what --all would send",
    )
    _mount(
        family,
        discard,
        'walletctl parked discard result 585c1306f89c56f5ecfc2f5d --reason "booked by hand, ticket 1234"',
    )
    return family


def _certify() -> typer.Typer:
    from tools.certify.command import EXAMPLES, certify

    return _alone(certify, *EXAMPLES)


def _simulate() -> typer.Typer:
    from tools.simulate.command import simulate

    return _alone(
        simulate,
        "walletctl simulate --minutes 1 --report report.csv",
        "walletctl simulate --rate 100 --players 200 --seed 7",
        "walletctl simulate --secret-file events/secrets.json",
        "walletctl simulate --url https://wallet.example.com/prod --player 421=USD",
    )
