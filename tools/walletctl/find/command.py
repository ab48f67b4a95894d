"""`walletctl find`: a movement by one of its names, or by what a player says of it; and what became of it."""

import json
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Annotated

import typer

from tools.shared import listing, spoken
from tools.shared.hints import command
from tools.shared.items import Item
from tools.shared.outside import legible
from tools.shared.trouble import Trouble
from tools.walletctl import records
from tools.walletctl.find import show
from tools.walletctl.find.finding import found_in
from tools.walletctl.find.found import sentences
from tools.walletctl.find.searched import MOST, Searched, count, of_moved, of_the_rest
from tools.walletctl.find.searching import cost_of_all, moved_in, not_moved_in, with_records
from tools.walletctl.find.sought import AMOUNT_HELP, Amounts, Sought, kinds_named
from tools.walletctl.names import any_name
from tools.walletctl.ordering import agreed
from tools.walletctl.place import HERE, Asked, Place, asks_where

NOWHERE = 1
_SEARCH = "Search by what a player says"
_THREE_DAYS = "3d"


def _name_if_any(text: str | None) -> str | None:
    return None if text is None else any_name(text)


@asks_where
def find(
    name: Annotated[
        str | None,
        typer.Argument(
            metavar="NAME",
            help="A reference, round, transaction id or player, to the last character. In a search, the player.",
            show_default=False,
            callback=_name_if_any,
        ),
    ] = None,
    amount: Annotated[
        str | None,
        typer.Option(metavar="AMOUNT", help=f"Search this amount: {AMOUNT_HELP}.", rich_help_panel=_SEARCH),
    ] = None,
    kind: Annotated[
        list[str] | None,
        typer.Option(
            metavar="KIND", help="Search win, jackpot, bet or another kind. Repeatable.", rich_help_panel=_SEARCH
        ),
    ] = None,
    wins: Annotated[bool, typer.Option("--wins", help="Search wins only.", rich_help_panel=_SEARCH)] = False,
    since: Annotated[
        str, typer.Option(metavar="MOMENT", help=f"From then on, in the search and in a stack's log: {spoken.HELP}.")
    ] = _THREE_DAYS,
    until: Annotated[
        str | None, typer.Option(metavar="MOMENT", help="Search what came before then.", rich_help_panel=_SEARCH)
    ] = None,
    time_zone: Annotated[
        str | None,
        typer.Option(
            metavar="ZONE",
            help="Whose days and hours are meant: Europe/Berlin. The default is this machine's.",
            rich_help_panel=_SEARCH,
        ),
    ] = None,
    requests: Annotated[
        bool,
        typer.Option("--requests", help="Show each movement in full, with its request.", rich_help_panel=_SEARCH),
    ] = False,
    yes: Annotated[
        bool,
        typer.Option("--yes", help="Search all players of a stack without a question.", rich_help_panel=_SEARCH),
    ] = False,
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
    asked: Asked = HERE,
    as_json: listing.AsJson = False,
    as_csv: listing.AsCsv = False,
) -> None:
    """Finds a win, a bet, a round or another movement, and says what became of it.

    By one of its names, or by what a player says: find 421 --amount 500 --since yesterday. The first line answers.

    It may be credited, staked, paid back, moved, refused, booked elsewhere, parked (and why), a dead letter, or it was
    never received. A round is shown in order.

    A reference and a player are found by key, immediately. For a round or a transaction id the whole ledger is read,
    unless --player says whose it is. Ends with 1 if nothing is known of it. --csv has the transactions alone.
    """
    form = listing.form(as_json, as_csv)
    now, zone = datetime.now(UTC), None if time_zone is None else spoken.zone_named(time_zone)
    is_search = bool(amount is not None or kind or wins or until is not None or name is None)
    if not is_search:
        if requests or yes:
            raise Trouble("--requests and --yes are for a search: add --amount, --kind, --wins or --until")
        begin = spoken.period(since, None, now, zone).since
        _find(asked.place(), str(name), player, begin, scan=not no_scan, retries=retries, form=form, said=since)
        return
    if name is None and not (amount is not None or kind or wins):
        raise Trouble("say what to find: a NAME, or --amount, --kind or --wins")
    if name is not None and player not in (None, name):
        raise Trouble(f"in a search NAME is the player, and --player names another: leave out {legible(name)}")
    sought = Sought(
        player=name if player is None else player,
        amounts=None if amount is None else Amounts.read(amount),
        kinds=kinds_named(kind or (), only_wins=wins),
        period=spoken.period(since, until, now, zone),
        zone=zone,
        now=now,
    )
    asks = not (yes or form != "table")
    _search(asked.place(), sought, retries=retries, may_scan=_may_scan(yes, no_scan, asks), form=form, full=requests)


def _find(
    where: Place,
    name: str,
    player: str | None,
    begin: datetime,
    *,
    scan: bool,
    retries: bool,
    form: listing.Form,
    said: str,
) -> None:
    found = found_in(where, name, player, begin, scan=scan, retries=retries)
    if form == "json":
        print(json.dumps(show.for_machines(found), indent=2))
    elif form == "csv":
        listing.show(records.COLUMNS, map(records.row, found.transactions), form)
    else:
        for part in show.parts(found):
            listing.out(part)
        for sentence in sentences(found):
            listing.tell(sentence)
        if found.is_player and said != _THREE_DAYS:
            listing.tell(f"What moved since then: {command([*where.options, '--since', said], 'ledger', names=[name])}")
    if found.outcome == "unknown":
        raise typer.Exit(NOWHERE)


def _may_scan(yes: bool, no_scan: bool, asks: bool) -> Callable[[Place], bool]:
    """Whether all players' movements may be read: immediately on the local service, on a stack after a question."""

    def may(where: Place) -> bool:
        undone = "nothing was searched"
        if no_scan:
            raise Trouble(f"without a player all movements are read, and --no-scan forbids it: {undone}")
        if where.log_is_free or yes:
            return True
        cost = f"To search all players of {where.name}, this reads {cost_of_all(where.tables())}"
        listing.say(f"{cost}. With a player it costs next to nothing.")
        return agreed("Read it?", undone, asks=asks)

    return may


def _search(
    where: Place,
    sought: Sought,
    *,
    retries: bool,
    may_scan: Callable[[Place], bool],
    form: listing.Form,
    full: bool,
) -> None:
    if sought.player is None and not may_scan(where):
        print("Nothing was searched")
        raise typer.Exit(NOWHERE)
    tables = where.tables()
    moved = moved_in(tables, sought)
    moved = with_records(tables, moved, most=MOST if form == "table" else None)
    if form == "csv":
        listing.show(records.COLUMNS, map(records.row, moved.matching), form)
        raise typer.Exit(0 if moved.matching else NOWHERE)
    rest = not_moved_in(where, sought, moved, retries=retries)
    searched = Searched(sought=sought, where=where.name, options=where.options, moved=moved, rest=rest)
    if form == "json":
        print(json.dumps(show.searched_for_machines(searched), indent=2))
    else:
        for sentence in (*count(searched), *of_moved(sought, moved.matching)):
            listing.tell(sentence)
        _fold(searched, moved.matching[:MOST], full=full)
        for sentence in of_the_rest(searched):
            listing.tell(sentence)
    if searched.outcome == "unknown":
        raise typer.Exit(NOWHERE)


def _fold(searched: Searched, shown: Sequence[Item], *, full: bool) -> None:
    """The requests: in full, or the command that has them."""
    if full:
        for part in map(show.transaction, shown):
            listing.out("")
            listing.out(part)
        listing.out("")
    elif len(shown) == 1:
        line = searched.command("find", names=[str(shown[0]["id"])])
        listing.tell(f"To see the request, and each time that it was sent: {line}")
    elif shown:
        listing.tell("To see the requests, add --requests.")
