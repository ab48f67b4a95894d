"""`walletctl players add`, `show` and `list`."""

import json
from collections.abc import Iterable
from itertools import islice
from typing import Annotated, Any

import typer

from tools.shared import listing
from tools.shared.amounts import amount
from tools.shared.hints import command
from tools.shared.identifiers import in_capitals
from tools.shared.items import Item
from tools.shared.listing import Column
from tools.shared.outside import legible, plain
from tools.shared.trouble import Trouble
from tools.walletctl import records
from tools.walletctl.names import named
from tools.walletctl.place import HERE, Asked, asks_where
from tools.walletctl.players.opening import Unfit, described, open_wallet, opening_of

_LAST = 5  # transactions, beside the wallet
_SHOWN = 200  # wallets, to a person: more are for a machine
_OF_A_COUNT = ("bonusCode", "uncovered", "advance", "until")
COLUMNS = [
    Column(name="userId", title="player"),
    Column(name="currency", title="currency", unbroken=True),
    Column(name="cash", title="cash", right=True),
    Column(name="bonus", title="bonus", right=True),
    Column(name="version", title="version", right=True),
    *(Column(name=name, title="") for name in records.OF_A_WALLET[5:]),
]
PlayerId = Annotated[str, typer.Argument(metavar="PLAYER", help="By userId.", show_default=False, callback=named)]


@asks_where
def add(
    player: Annotated[str, typer.Argument(metavar="PLAYER", help="The userId.", show_default=False)],
    currency: Annotated[str, typer.Option(metavar="CODE", help="The wallet's one currency.")],
    cash: Annotated[str, typer.Option(metavar="AMOUNT", help="What it begins with.")] = "0",
    bonus: Annotated[str, typer.Option(metavar="AMOUNT", help="What its bonus begins with.")] = "0",
    asked: Asked = HERE,
) -> None:
    """Opens a wallet by the cashier, with its first movement. One that exists is refused, and left as it is."""
    try:
        opening = opening_of(user_id=player, currency=currency, cash=cash, bonus=bonus)
    except Unfit as unfit:
        raise Trouble(f"{plain(str(unfit))}: nothing was changed") from None
    where = asked.place()
    if there := open_wallet(opening, where, actor=where.caller(), reason="walletctl players add"):
        raise Trouble(
            f"{legible(player)} has a wallet already ({plain(described(there))}): nothing was changed. "
            f"To see it: {command(where.options, 'players', 'show', names=[player])}"
        )
    begins = f"{amount(opening.cash)} {opening.currency}, bonus {amount(opening.bonus)}"
    print(f"{legible(player)} has a wallet now: {plain(begins)}. Its first movement is opening#{plain(player)}")


@asks_where
def show(
    player: PlayerId,
    asked: Asked = HERE,
    as_json: listing.AsJson = False,
    as_csv: listing.AsCsv = False,
) -> None:
    """Shows a wallet, its free rounds, and its last transactions."""
    form = listing.form(as_json, as_csv)
    where = asked.place()
    tables = where.tables()
    wallet = tables.wallet(player)
    if wallet is None:
        raise Trouble(
            f"{legible(player)} has no wallet. `{command((), 'help', 'players', 'add')}` says how to open one. To look "
            f"for wins that wait for it: {command(where.options, 'find', names=[player])}"
        )
    if form == "csv":
        listing.show(COLUMNS, [records.of_wallet(wallet)], form)
        return
    counts = tables.free_rounds_of(player)
    last = list(tables.whole(islice(tables.ledger(player, newest_first=True), _LAST)))
    if form == "json":
        print(json.dumps(_for_machines(wallet, counts, last), indent=2))
        return
    facts = {name: cell for name, cell in records.of_wallet(wallet).items() if not name.startswith("frozen")}
    listing.out(listing.facts(facts | ({"frozen": frozen} if (frozen := records.frozen(wallet)) else {})))
    for count in counts:
        for sentence in records.free_rounds(count):
            listing.tell(f"Free rounds of {plain(str(count.get('bonusCode')))}: {plain(sentence)}")
    if not last:
        print("No transactions yet")
        return
    print()
    listing.out(listing.table(records.columns_for(last), map(records.for_a_person, last)))
    print(f"The last {len(last)}. All of them: {command(where.options, 'ledger', names=[player])}")
    print(f"To prove them: {command(where.options, 'verify', names=[player])}")


@asks_where
def list_(
    currency: Annotated[str | None, typer.Option(metavar="CODE", help="Only wallets in this currency.")] = None,
    limit: Annotated[
        int | None, typer.Option(metavar="N", min=1, help=f"No more than that many; else {_SHOWN}, all for a machine.")
    ] = None,
    asked: Asked = HERE,
    as_json: listing.AsJson = False,
    as_csv: listing.AsCsv = False,
) -> None:
    """Lists the wallets, in no order: the table is read from end to end, or until there are enough."""
    form = listing.form(as_json, as_csv)
    where = asked.place()
    tables = where.tables()
    with listing.progress("wallets read") as advance:
        found = (
            records.of_wallet(item)
            for item in tables.scanned(tables.players, advance, records.OF_A_WALLET)
            if currency is None or in_capitals(str(item.get("currency"))) == in_capitals(currency)
        )
        if form != "table":
            listing.show(COLUMNS, islice(found, limit), form)
            return
        most = limit or _SHOWN
        rows = list(islice(found, most + 1))
    shown = sorted(rows[:most], key=lambda row: str(row["userId"]))
    if not shown:
        print("No wallets" + (f" in {plain(currency)}" if currency else ""))
        print(f"How to open one: {command((), 'help', 'players', 'add')}")
        return
    frozen = [(str(row["userId"]), why) for row in shown if (why := records.frozen(row))]
    listing.out(listing.table(COLUMNS, shown))
    for player, why in frozen:
        listing.tell(f"{legible(player)} is frozen {plain(why)}")
    more = ", and there are more: --limit N, or --csv for all" if len(rows) > most else ""
    print(f"{listing.counted(len(shown), 'wallet')}{more}")


def _for_machines(wallet: Item, counts: Iterable[Item], last: Iterable[Item]) -> dict[str, Any]:
    return {
        **listing.for_machines(records.of_wallet(wallet)),
        "freeRounds": [
            listing.for_machines({name: records.cell(count[name]) for name in _OF_A_COUNT if name in count})
            for count in counts
        ],
        "lastTransactions": [listing.for_machines(records.row(item)) for item in last],
    }
