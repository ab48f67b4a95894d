"""`walletctl rounds`: the rounds in which a bet waits for a result."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from itertools import islice
from typing import Annotated

import typer

from tools.shared import listing
from tools.shared.hints import command
from tools.shared.items import Item
from tools.shared.listing import Column, Row
from tools.shared.moments import moment, recorded
from tools.shared.trouble import Trouble
from tools.walletctl import records
from tools.walletctl.parked.show import age
from tools.walletctl.place import HERE, Asked, asks_where
from tools.walletctl.rounds.played import Played, played
from tools.walletctl.tables import Tables

FOUND = 1
_SHOWN = 200  # rounds, to a person: more are for a machine
_AT_ONCE = 100  # rounds whose wallets are read in one call
COLUMNS = [
    Column(name="roundId", title="round"),
    Column(name="gameId", title="game"),
    Column(name="userId", title="player"),
    Column(name="bets", title="bets", right=True, unbroken=True),
    Column(name="staked", title="staked", right=True, unbroken=True),
    Column(name="currency", title="currency", unbroken=True),
    Column(name="openSince", title="open since", unbroken=True),
    Column(name="age", title="for", right=True, unbroken=True),
    Column(name="ageSeconds", title=""),
    Column(name="references", title=""),
]


@asks_where
def rounds(
    is_open: Annotated[
        bool, typer.Option("--open", help="Those with a live bet and no result. Only these can be listed.")
    ] = False,
    older_than: Annotated[
        str | None, typer.Option("--older-than", metavar="AGE", help="Open for at least so long: 90min, 26h, 3d.")
    ] = None,
    player: Annotated[str | None, typer.Option(metavar="PLAYER", help="Only this player's, by userId.")] = None,
    limit: Annotated[
        int | None, typer.Option(metavar="N", min=1, help=f"No more than that many; else {_SHOWN}, all for a machine.")
    ] = None,
    asked: Asked = HERE,
    as_json: listing.AsJson = False,
    as_csv: listing.AsCsv = False,
) -> None:
    """Lists the rounds in which a bet waits for a result, the longest open first. Changes nothing.

    The provider closes a round automatically after 24 hours at most. So one that is open for longer needs a question:
    its status at the provider (GetRoundStatus). --csv has the round ids in its first column.

    Ends with 1 if there are any, 0 if there are none: a scheduler can raise an alarm.
    """
    form = listing.form(as_json, as_csv)
    if not is_open:
        raise Trouble("say --open: only open rounds can be listed. To see one round in any state: walletctl find ROUND")
    now = datetime.now(UTC)
    until = moment(older_than, now).isoformat(timespec="milliseconds") if older_than else None
    where = asked.place()
    tables = where.tables()
    if tables.rounds is None:
        raise Trouble(f"{where.name} takes no bets, so it has no rounds: its parameter Calls is Wins")
    most = limit or (_SHOWN if form == "table" else None)
    with listing.progress("open rounds") as advance:
        found = tables.open_rounds(player, until, advance)
        rows = [*islice(_rows(tables, found, now), most and most + 1)]
    if form != "table":
        listing.show(COLUMNS, rows[:most], form)
    else:
        _tell(rows[:most], where.options, more=most is not None and len(rows) > most)
    if rows:
        raise typer.Exit(FOUND)


def _tell(rows: Sequence[Row], options: Sequence[str], *, more: bool) -> None:
    if not rows:
        print("No open rounds")
        return
    listing.out(listing.table(COLUMNS, rows))
    number = listing.counted(len(rows), "open round")
    listing.tell(f"{number}, and there are more: --limit N, or --csv for all" if more else number)
    first = rows[0]
    line = command([*options, "--player", str(first["userId"])], "find", names=[str(first["roundId"])])
    listing.tell(f"To see the first: {line}")
    listing.tell("To settle one, ask the provider for its status (GetRoundStatus):")
    for status, what in _STATUSES:
        listing.tell(f"  {status}: {what}")


# Source: the provider's page Get Round Status.
_STATUSES = (
    ("InProgress", "the player may still finish it: wait"),
    ("CompleteInProcess, CancelInProcess", "its result or its refund is on the way: wait"),
    ("Completed", "its result did not come, or was refused: look for it with find, then ask the provider for it"),
    ("Canceled", "its cancel did not come: have the provider cancel the round (CancelRound), which sends a refund"),
    ("If neither comes", "`walletctl help settle` says how to do it by hand"),
)


def _rows(tables: Tables, found: Iterable[Item], now: datetime) -> Iterator[Row]:
    """Open rounds for a machine; the currencies are the wallets'."""
    left = iter(found)
    while some := [*islice(left, _AT_ONCE)]:
        players = sorted({str(item["userId"]) for item in some})
        wallets = {str(item["userId"]): item for item in tables.wallets(players, ("userId", "currency"))}
        for of in played(tables, (), some):
            yield _row(of, wallets.get(of.place[0], {}), now)


def _row(of: Played, wallet: Item, now: datetime) -> Row:
    player, game, round_id = of.place
    taken = (records.number(bet.get("taken")) for bet in of.live)
    since = recorded(of.item and of.item.get("openSince"))
    return {
        "roundId": round_id,
        "gameId": game,
        "userId": player,
        "bets": len(of.live),
        "staked": sum((each for each in taken if each is not None), Decimal(0)),
        "currency": records.cell(wallet.get("currency")),
        "openSince": of.open_since,
        "age": age(now - since) if since else None,
        "ageSeconds": max(0, int((now - since).total_seconds())) if since else None,
        "references": " ".join(str(bet.get("reference")) for bet in of.live),
    }
