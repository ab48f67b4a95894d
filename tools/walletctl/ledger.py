"""`walletctl ledger`: a player's transactions, with the balances each left behind."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from itertools import islice
from typing import Annotated

import typer

from tools.shared import listing
from tools.shared.amounts import amount, signed
from tools.shared.hints import command, opening
from tools.shared.moments import HELP, moment
from tools.shared.outside import plain
from tools.shared.trouble import Trouble
from tools.walletctl import records
from tools.walletctl.items import Item, named, of_player, with_keys
from tools.walletctl.place import HERE, Asked, Tables, asks_where
from tools.walletctl.verify.proof import EXACT

_SHOWN = 20  # to a person who asks for no number: a screen
_AT_ONCE = 100  # items by key in one call


@asks_where
def ledger(
    player: Annotated[
        str, typer.Argument(metavar="PLAYER", help="Whose, by userId.", show_default=False, callback=named)
    ],
    since: Annotated[str | None, typer.Option(metavar="MOMENT", help=f"Recorded from then on: {HELP}.")] = None,
    until: Annotated[str | None, typer.Option(metavar="MOMENT", help="Recorded before then.")] = None,
    kind: Annotated[
        list[str] | None, typer.Option(metavar="KIND", help="Only result, jackpot, bonus or promo. Repeatable.")
    ] = None,
    round_id: Annotated[str | None, typer.Option("--round", metavar="ROUND", help="Only of this round.")] = None,
    limit: Annotated[
        int | None,
        typer.Option(metavar="N", min=1, help=f"No more than that many; else {_SHOWN}, and all for a machine."),
    ] = None,
    oldest_first: Annotated[
        bool, typer.Option("--oldest-first", help="From the first on; else the newest first.")
    ] = False,
    asked: Asked = HERE,
    as_json: listing.AsJson = False,
    as_csv: listing.AsCsv = False,
) -> None:
    """Lists a player's transactions with the balances they left behind, the newest first.

    What deposits and bets of other programs moved in between is shown as well, where nothing is filtered out.
    """
    form = listing.form(as_json, as_csv)
    now = datetime.now(UTC)
    from_, to = (moment(text, now) if text else None for text in (since, until))
    where = asked.place()
    tables = where.tables()
    found = records.those_of(
        of_player(tables.dynamodb, tables.transactions, player, index="byPlayer", newest_first=not oldest_first),
        kinds=kind or [],
        since=from_,
        until=to,
    )
    matching = (item for item in whole(tables, found) if round_id is None or item.get("roundId") == round_id)
    if form != "table":
        listing.show(records.COLUMNS, map(records.row, islice(matching, limit)), form)
        return
    shown = list(islice(matching, (limit or _SHOWN) + 1))
    more, shown = len(shown) > (limit or _SHOWN), shown[: limit or _SHOWN]
    is_filtered = bool(since or until or kind or round_id)
    (wallet,) = list(with_keys(tables.dynamodb, tables.players, [{"userId": player}])) or [None]
    if not shown and not wallet and not is_filtered:
        raise Trouble(
            f"there is no player {plain(player)}: no wallet, and no transaction. To look for wins that are parked: "
            f"{command(where.options, 'find', names=[player])}"
        )
    rows = [records.for_a_person(item) for item in shown] if is_filtered else with_gaps(shown, oldest_first)
    if shown:
        listing.out(listing.table(records.COLUMNS, rows))
    for item in shown:
        if reason := records.why_less(item):
            listing.tell(f"{records.row(item)['reference'] or ''}: {reason}")
    _sum_up(player, wallet, shown, where.options, more=more, is_filtered=is_filtered)


def whole(tables: Tables, found: Iterator[Item]) -> Iterator[Item]:
    """The items of an index with all that stands in the table, in the same order. Raises Trouble."""
    while some := list(islice(found, _AT_ONCE)):
        by_id = {
            item["id"]: item
            for item in with_keys(tables.dynamodb, tables.transactions, [{"id": item["id"]} for item in some])
        }
        yield from (by_id[item["id"]] for item in some if item["id"] in by_id)


def with_gaps(items: Sequence[Item], oldest_first: bool) -> list[listing.Row]:
    """The rows, and one between two whose numbers do not follow each other, for what others moved."""
    rows: list[listing.Row] = []
    before: Item | None = None
    for item in items:
        if before is not None:
            gap = _gap(before, item) if oldest_first else _gap(item, before)
            rows += [gap] if gap else []
        rows.append(records.for_a_person(item))
        before = item
    return rows


def _gap(earlier: Item, later: Item) -> listing.Row | None:
    from_, to = records.number(earlier.get("seq")), records.number(later.get("seq"))
    if from_ is None or to is None or from_ + 1 > to - 1:
        return None
    first, last = from_ + 1, to - 1
    left, found = earlier.get("cashAfter"), records.row(later)["cashBefore"]
    moved = signed(EXACT.subtract(found, left)) if isinstance(left, Decimal) and isinstance(found, Decimal) else None
    return {
        "seq": amount(last) if first == last else f"{amount(first)}-{amount(last)}",
        "reference": "(no transaction: a deposit or a bet)",
        "amount": moved,
        "cashAfter": found,
    }


def _sum_up(
    player: str, wallet: Item | None, shown: Sequence[Item], options: Sequence[str], *, more: bool, is_filtered: bool
) -> None:
    number = listing.counted(len(shown), "matching transaction" if is_filtered else "transaction")
    if not shown:
        listing.tell(f"No {'matching ' if is_filtered else ''}transactions of {plain(player)}")
    else:
        listing.tell(f"{number}, and there are more: --limit N, or --csv for all" if more else number)
    if wallet:
        cash, bonus, currency, version = (
            listing.text(wallet.get(name)) for name in ("cash", "bonus", "currency", "version")
        )
        listing.tell(f"The wallet now: cash {cash} {plain(currency)}, bonus {bonus}, version {version}")
    else:
        currency = str(shown[0].get("currency") or "") if shown else None
        listing.tell(f"{plain(player)} has no wallet. To open one: {opening(options, player, currency)}")
