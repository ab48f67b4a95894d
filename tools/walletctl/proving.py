"""`walletctl verify`: reads a ledger's tables, and says whether it is one."""

from collections.abc import Sequence
from contextlib import ExitStack, closing
from datetime import UTC, datetime
from functools import cache
from typing import Annotated

import typer

from tools.shared import listing
from tools.shared.hints import command
from tools.shared.moments import moment as moment_of
from tools.shared.outside import legible, plain, trouble_if
from tools.shared.trouble import Trouble
from tools.walletctl.names import named
from tools.walletctl.place import HERE, PANEL, Asked, asks_where, tables_client
from tools.walletctl.tables import Tables
from tools.walletctl.verify import show
from tools.walletctl.verify.account import Account, account, check_ledger
from tools.walletctl.verify.books import TableBooks
from tools.walletctl.verify.keeping import lines_of, s3_for, writing

NO_LEDGER = 1


@asks_where
def verify(
    player: Annotated[
        str | None, typer.Argument(metavar="PLAYER", help="Whose ledger, by userId.", show_default=False)
    ] = None,
    everyone: Annotated[bool, typer.Option("--all", help="Every player's: reads the tables from end to end.")] = False,
    asked: Asked = HERE,
    players_table: Annotated[
        str | None, typer.Option(metavar="NAME", help="Another table of wallets.", rich_help_panel=PANEL)
    ] = None,
    transactions_table: Annotated[
        str | None, typer.Option(metavar="NAME", help="Another table of transactions.", rich_help_panel=PANEL)
    ] = None,
    free_rounds_table: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="Another table of free round counts.", rich_help_panel=PANEL),
    ] = None,
    rounds_table: Annotated[
        str | None, typer.Option(metavar="NAME", help="Another table of rounds.", rich_help_panel=PANEL)
    ] = None,
    rounds_since: Annotated[
        str | None,
        typer.Option(
            metavar="MOMENT",
            help="Since when rounds are kept, if Calls was switched: a bet before it needs no round. Of tables: since "
            "they were made.",
            show_default=False,
        ),
    ] = None,
    anchor: Annotated[
        list[str] | None,
        typer.Option(
            metavar="FILE|s3://…",
            help="Compare with an anchor: whatever was changed before it is a fault. Repeatable.",
            show_default=False,
        ),
    ] = None,
    write_anchor: Annotated[
        str | None,
        typer.Option(
            metavar="FILE|s3://…",
            help="Write an anchor. Keep it where nobody who writes the tables can reach.",
            show_default=False,
        ),
    ] = None,
    export: Annotated[
        list[str] | None,
        typer.Option(
            metavar="FOLDER|s3://…",
            help="Exports to S3 of the wallets, the transactions, the free round counts and the rounds. Repeatable.",
            rich_help_panel=PANEL,
        ),
    ] = None,
    as_json: listing.AsJson = False,
    as_csv: listing.AsCsv = False,
) -> None:
    """Proves that every player's movements explain the wallet, to the last digit. Changes nothing.

    Ends with 0 if they do, 1 if there are faults, 2 if the tables could not be read. --csv has the faults alone.

    --export does it on DynamoDB's exports to S3 (DYNAMODB_JSON), for ledgers larger than memory: a folder or a prefix
    below which they all are, or one for each.
    """
    form = listing.form(as_json, as_csv)
    since = moment_of(rounds_since, datetime.now(UTC)) if rounds_since else None
    tables_named = players_table or transactions_table or free_rounds_table or rounds_table
    if export:
        if player is not None or asked.local or asked.stack or tables_named:
            raise Trouble("--export proves a whole ledger, and needs no tables: leave out the player and the place")
        from tools.walletctl.export.account import account_of_exports  # DuckDB

        made = account_of_exports(
            export,
            anchors=anchor or (),
            write_anchor=write_anchor,
            rounds_since=since,
            session=lambda: asked.session("S3"),
        )
        _end(made, form)
        return
    if (player is None) is not everyone:
        raise Trouble("say whose ledger: name a player, or say --all, which reads every wallet")
    if write_anchor and player is not None:
        raise Trouble("an anchor is of all players: say --all")
    # Made before a local service is looked for, which leaves the caller's account.
    s3 = s3_for([*(anchor or ()), *([write_anchor] if write_anchor else [])], lambda: asked.session("S3"))
    if tables_named:
        options: Sequence[str] = ()
        tables = _named(players_table, transactions_table, free_rounds_table, rounds_table, asked)
    else:
        where = asked.place()
        tables, options = where.tables(), where.options
    name = None if player is None else named(player)
    # A copy that was restored has all that its table had.
    kept_since = (lambda: since) if since or rounds_table else cache(tables.rounds_since)
    with closing(TableBooks(tables, rounds_since=kept_since)) as books, ExitStack() as until_written:
        anchors = [books.read_anchor(plain(each), lines_of(each, s3), name) for each in anchor or ()]
        writer = None
        if write_anchor:
            moment = f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}"
            writer = until_written.enter_context(writing(write_anchor, s3, moment, tables.name_of_ledger()))
        with listing.progress("items read") as advance:
            if name is None:
                books.read(advance)
            else:
                books.read_player(name, advance)
        made = account(
            books.pages(),
            compares_free_rounds=tables.free_rounds is not None,
            compares_rounds=tables.rounds is not None,
            reads_all=name is None,
            wallet_now=books.wallet_now,
            round_now=books.round_now,
            then=writer.add if writer else lambda _: None,
        )
        made.anchors = anchors
        check_ledger(made, tables.name_of_ledger)
        made.written = writer and writer.end()
    if player is not None and not made.players and not made.found:
        look = f". To see who there is: {command(options, 'players', 'list')}" if not players_table else ""
        raise Trouble(f"there is no player {legible(player)}: no wallet, and no transaction{look}")
    _end(made, form)


def _end(made: Account, form: listing.Form) -> None:
    _tell(made, form)
    if made.found:
        raise typer.Exit(NO_LEDGER)


def _tell(made: Account, form: listing.Form) -> None:
    if form == "json":
        print(show.machine_readable(made))
        return
    if form == "csv":
        listing.show(show.COLUMNS, show.rows(made.faults), form)
        return
    if made.faults:
        listing.out(show.faults(made.faults))
    if made.moved:
        listing.out(show.money(made))
    for line in show.conclusions(made):
        print(line)


def _named(
    players: str | None,
    transactions: str | None,
    free_rounds: str | None,
    rounds: str | None,
    asked: Asked,
) -> Tables:
    """Tables by name, in the caller's own account and region; those that are not named are the stack's."""
    if asked.stack:
        of = asked.place().tables()
        return Tables(
            dynamodb=of.dynamodb,
            players=players or of.players,
            transactions=transactions or of.transactions,
            free_rounds=free_rounds or of.free_rounds,
            rounds=rounds or of.rounds,
        )
    if not players or not transactions:
        raise Trouble("name both --players-table and --transactions-table, or the --stack that the others are of")
    with trouble_if("no tables can be reached"):
        dynamodb = tables_client(asked.session("the account"))
    return Tables(dynamodb=dynamodb, players=players, transactions=transactions, free_rounds=free_rounds, rounds=rounds)
