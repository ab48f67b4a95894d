"""`walletctl find`: a win by its reference, round or transaction id, or a player's, and what became of it."""

import json
from datetime import UTC, datetime
from typing import Annotated

import typer

from tools.shared import listing, moments
from tools.walletctl import records
from tools.walletctl.find import show
from tools.walletctl.find.finding import found_in
from tools.walletctl.find.found import sentences
from tools.walletctl.names import any_name
from tools.walletctl.place import HERE, Asked, asks_where

NOWHERE = 1


@asks_where
def find(
    name: Annotated[
        str,
        typer.Argument(
            metavar="NAME",
            help="A reference, round, transaction id or player, to the last character.",
            show_default=False,
            callback=any_name,
        ),
    ],
    player: Annotated[
        str | None,
        typer.Option(metavar="PLAYER", help="Only this player's. A round or a transaction id is then found quickly."),
    ] = None,
    no_scan: Annotated[
        bool, typer.Option("--no-scan", help="Never read the whole ledger, as a round or a transaction id needs.")
    ] = False,
    retries: Annotated[
        bool,
        typer.Option("--retries", help="Look into the retry queues too. Each message it reads loses one of ten tries."),
    ] = False,
    since: Annotated[
        str, typer.Option(metavar="MOMENT", help=f"Read a stack's log from then on: {moments.HELP}.")
    ] = "3d",
    asked: Asked = HERE,
    as_json: listing.AsJson = False,
    as_csv: listing.AsCsv = False,
) -> None:
    """Finds a win, a bet, a round or another movement, and says what became of it.

    It may be credited, staked, paid back, moved, refused, booked elsewhere, parked (and why), a dead letter, or it was
    never received. A round is shown in order.

    A reference and a player are found by key, immediately. For a round or a transaction id the whole ledger is read,
    unless --player says whose it is. Ends with 1 if nothing is known of it. --csv has the transactions alone.
    """
    form = listing.form(as_json, as_csv)
    begin = moments.moment(since, datetime.now(UTC))
    where = asked.place()
    found = found_in(where, name, player, begin, scan=not no_scan, retries=retries)
    if form == "json":
        print(json.dumps(show.for_machines(found), indent=2))
    elif form == "csv":
        listing.show(records.COLUMNS, map(records.row, found.transactions), form)
    else:
        for part in show.parts(found):
            listing.out(part)
        for sentence in sentences(found):
            listing.tell(sentence)
    if found.outcome == "unknown":
        raise typer.Exit(NOWHERE)
