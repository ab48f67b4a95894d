"""The root of `walletctl`: it mounts the commands, and what a person can mend becomes one line and status 2."""

import io
import sys
from collections.abc import Callable
from typing import Any

import typer
from rich.markup import escape
from typer.core import TyperGroup

from tools.certify import command as certify
from tools.console.command import console
from tools.local.trouble import Trouble
from tools.reconcile.command import reconcile
from tools.simulate.command import simulate
from tools.walletctl.find.command import find
from tools.walletctl.ledger import ledger
from tools.walletctl.parked import command as parked
from tools.walletctl.parked.discard import discard
from tools.walletctl.parked.redrive import redrive
from tools.walletctl.players import command as players
from tools.walletctl.players import importing
from tools.walletctl.verify import command as verify

REFUSED = 2  # the status of what could not be done; 1 is a command's own "no"


class _Root(TyperGroup):
    def invoke(self, ctx: Any) -> Any:
        if isinstance(sys.stdout, io.TextIOWrapper):
            # A reference may have what the terminal's encoding has not.
            sys.stdout.reconfigure(errors="backslashreplace")
        try:
            return super().invoke(ctx)
        except Trouble as trouble:
            print(f"walletctl: {trouble}", file=sys.stderr)
            raise typer.Exit(REFUSED) from None


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


def _mount(to: typer.Typer, command: Callable[..., None], *examples: str, name: str | None = None, **more: Any) -> None:
    lines = "\n".join(("\b", "[bold]Examples[/bold]", *(f"  {escape(line)}" for line in examples)))
    to.command(name, epilog=lines, **more)(command)


def _family(name: str, about: str) -> typer.Typer:
    family = typer.Typer(no_args_is_help=True, help=about, rich_markup_mode="rich")
    app.add_typer(family, name=name, rich_help_panel=_MONEY)
    return family


_MONEY, _OUTSIDE = "The money", "The provider"

_players = _family("players", "Opens wallets, and shows them. Nothing here changes a wallet that exists.")
_mount(
    _players,
    players.add,
    "walletctl players add 424 --currency EUR",
    "walletctl players add 425 --currency USDT --cash 0.000000000000000001 --bonus 0",
)
_mount(_players, players.show, "walletctl players show 421", "walletctl players show 421 --stack lucky-monaco-wallet")
_mount(
    _players,
    players.list_,
    "walletctl players list --currency EUR",
    "walletctl players list --csv > players.csv",
    name="list",
)
_mount(
    _players,
    importing.import_,
    "walletctl players import players.csv --dry-run",
    "walletctl players import players.csv --stack lucky-monaco-wallet",
    name="import",
)
_mount(
    app,
    find,
    "walletctl find 585c1306f89c56f5ecfc2f5d",
    "walletctl find 5103188801 --player 421",
    "walletctl find 421 --stack lucky-monaco-wallet --region eu-west-1",
    rich_help_panel=_MONEY,
)
_mount(
    app,
    ledger,
    "walletctl ledger 421",
    "walletctl ledger 421 --since 2d --kind result --kind promo",
    "walletctl ledger 421 --oldest-first --csv > ledger-421.csv",
    rich_help_panel=_MONEY,
)
_mount(
    app,
    verify.verify,
    "walletctl verify 421",
    "walletctl verify --all --strict",
    "walletctl verify --all --stack lucky-monaco-wallet --profile finance --json > account.json",
    "walletctl verify --export s3://my-exports/november --profile finance",
    rich_help_panel=_MONEY,
)

_parked = _family("parked", "Lists, shows, sends back or discards what could not be credited.")
_mount(
    _parked,
    parked.list_,
    "walletctl parked list",
    "walletctl parked list result --stack lucky-monaco-wallet --csv > letters.csv",
    name="list",
)
_mount(_parked, parked.show, "walletctl parked show 585c1306f89c56f5ecfc2f5d")
_mount(
    _parked,
    redrive,
    "walletctl parked redrive result                             lists, and asks",
    "walletctl parked redrive result 585c1306f89c56f5ecfc2f5d    sends that one back",
    "walletctl parked redrive jackpot --all --dry-run            says what --all would send",
)
_mount(
    _parked,
    discard,
    'walletctl parked discard result 585c1306f89c56f5ecfc2f5d --reason "booked by hand, ticket 1234"',
)
_mount(
    app,
    console,
    "walletctl console --stack lucky-monaco-wallet --profile support --region eu-west-1",
    rich_help_panel=_MONEY,
)
_mount(
    app,
    reconcile,
    "walletctl reconcile report.csv",
    "walletctl reconcile november-21.csv --since 2026-11-21 --until 2026-11-22",
    "walletctl reconcile report.csv --columns reference=Ref,amount=Win --csv differences.csv",
    "walletctl reconcile report.csv --stack lucky-monaco-wallet --profile finance --json",
    rich_help_panel=_MONEY,
)
_mount(app, certify.certify, *certify.EXAMPLES, rich_help_panel=_OUTSIDE)
_mount(
    app,
    simulate,
    "walletctl simulate --minutes 1 --report report.csv",
    "walletctl simulate --rate 100 --players 200 --seed 7",
    "walletctl simulate --secret-file events/secrets.json",
    "walletctl simulate --url https://wallet.example.com/prod --player 421=USD",
    rich_help_panel=_OUTSIDE,
)
