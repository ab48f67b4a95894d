"""The command: reads a ledger's tables, and says whether it is one."""

import io
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn

from tools.local.trouble import Trouble
from tools.verify import places, show
from tools.verify.account import account
from tools.verify.books import Advance, Books
from tools.verify.places import Tables

NO_LEDGER = 1
NOT_READ = 2

_FILE_COLUMNS = 1000  # what is no terminal has no width, and its lines are not to be broken

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@app.command()
def verify(
    stack: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="A deployed stack, in your own AWS account. Else the local service on PORT."),
    ] = None,
    players_table: Annotated[str | None, typer.Option(metavar="NAME", help="Another table of wallets.")] = None,
    transactions_table: Annotated[
        str | None, typer.Option(metavar="NAME", help="Another table of transactions.")
    ] = None,
    free_rounds_table: Annotated[
        str | None, typer.Option(metavar="NAME", help="Another table of free round counts.")
    ] = None,
    strict: Annotated[
        bool, typer.Option("--strict", help="What other programs wrote is a fault: only callbacks move these wallets.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the account for a machine.")] = False,
) -> None:
    """Proves a ledger: that every player's transactions explain the wallet to the last digit. Changes nothing.

    Ends with 0 if they do, 1 if there are faults, 2 if the tables could not be read.
    """
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # a reference may have what the terminal's encoding has not
    try:
        with closing(Books(_tables(stack, players_table, transactions_table, free_rounds_table))) as books:
            with _progress() as advance:
                books.read(advance)
            made = account(books, strict=strict)
    except Trouble as trouble:
        print(f"verify: {trouble}", file=sys.stderr)
        raise typer.Exit(NOT_READ) from None
    if as_json:
        print(show.machine_readable(made))
    else:
        console = Console(width=None if sys.stdout.isatty() else _FILE_COLUMNS, highlight=False)
        if made.faults:
            console.print(show.faults(made.faults))
        if made.credited:
            console.print(show.money(made))
        for line in show.conclusions(made):
            print(line)
    if made.found:
        raise typer.Exit(NO_LEDGER)


def _tables(stack: str | None, players: str | None, transactions: str | None, free_rounds: str | None) -> Tables:
    if stack:
        return places.deployed(stack, players, transactions, free_rounds)
    if players or transactions or free_rounds:
        return places.named(players, transactions, free_rounds)
    return places.local()


@contextmanager
def _progress() -> Iterator[Advance]:
    """How many items were read so far, on standard error, if that is a terminal."""
    columns = (SpinnerColumn(), TextColumn("{task.completed:.0f} items read"))
    with Progress(*columns, console=Console(stderr=True), transient=True, disable=not sys.stderr.isatty()) as bar:
        task = bar.add_task("reading", total=None)
        yield lambda items: bar.advance(task, items)
