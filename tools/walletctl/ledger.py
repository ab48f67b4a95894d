"""`walletctl ledger`: a player's transactions, with the balances each left behind."""

from collections.abc import Sequence
from datetime import UTC, datetime
from itertools import islice
from typing import Annotated

import typer

from tools.shared import listing, spoken
from tools.shared.amounts import amount
from tools.shared.hints import command, opening
from tools.shared.items import Item
from tools.shared.listing import Row
from tools.shared.outside import legible, plain
from tools.shared.trouble import Trouble
from tools.walletctl import records
from tools.walletctl.names import named
from tools.walletctl.place import HERE, Asked, asks_where

_ROUTINE = ("opening", "deposit", "withdrawal")  # who ordered these is in --csv; a correction's is said
_SHOWN = 20  # to a person who asks for no number: a screen


@asks_where
def ledger(
    player: Annotated[
        str, typer.Argument(metavar="PLAYER", help="Whose, by userId.", show_default=False, callback=named)
    ],
    since: Annotated[
        str | None, typer.Option(metavar="MOMENT", help=f"Recorded from then on, by UTC: {spoken.HELP}.")
    ] = None,
    until: Annotated[str | None, typer.Option(metavar="MOMENT", help="Recorded before then.")] = None,
    kind: Annotated[
        list[str] | None, typer.Option(metavar="KIND", help="Only result, bet, deposit or another kind. Repeatable.")
    ] = None,
    round_id: Annotated[str | None, typer.Option("--round", metavar="ROUND", help="Only of this round.")] = None,
    before: Annotated[
        int | None,
        typer.Option(metavar="SEQ", min=1, max=10**18, help="Only what has a lower seq: the next page."),
    ] = None,
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

    A change of the wallet without a record is shown too, where nothing is filtered out: `verify` says more about it.
    What settled a reference without moving money is not listed here: `find` shows it by its reference.
    """
    form = listing.form(as_json, as_csv)
    from_, to = spoken.span(since, until, datetime.now(UTC))
    where = asked.place()
    tables = where.tables()
    is_filtered = bool(since or until or kind or round_id)
    most = limit if form != "table" else (limit or _SHOWN)
    at_once = most + 1 if most and not is_filtered else None  # the end of a long ledger is one small read
    read = tables.ledger(player, newest_first=not oldest_first, before=before, at_once=at_once)
    if from_ and not oldest_first:
        read = records.back_to(from_, read)
    found = records.those_of(read, wanted=kind or [], since=from_, until=to)
    matching = (
        item for item in tables.whole(islice(found, at_once)) if round_id is None or item.get("roundId") == round_id
    )
    if form != "table" or most is None:
        listing.show(records.COLUMNS, map(records.row, islice(matching, limit)), form)
        return
    shown = list(islice(matching, most + 1))
    over, shown = shown[most:], shown[:most]
    wallet = tables.wallet(player)
    if not shown and not wallet and not is_filtered and before is None:
        raise Trouble(
            f"there is no player {legible(player)}: no wallet, and no transaction. To look for wins that are parked: "
            f"{command(where.options, 'find', names=[player])}"
        )
    rows = _rows(shown, over, is_filtered=is_filtered, oldest_first=oldest_first)
    if shown:
        listing.out(listing.table(records.columns_for(shown), rows))
    for item in shown:
        reference = records.row(item)["reference"] or ""
        if reason := records.why_less(item):
            listing.tell(f"{reference}: {reason}")
        if (who := records.by_hand(item)) and records.kind_of(item) not in _ROUTINE:
            listing.tell(f"{reference}: by {plain(who)}")
    more = "--limit N, or --csv for all" if over else ""
    if over and not oldest_first and (last := records.number(shown[-1].get("seq"))) is not None:
        again: Sequence[tuple[str, object]] = [
            ("since", from_ and f"{from_:%Y-%m-%dT%H:%M:%SZ}"),
            ("until", to and f"{to:%Y-%m-%dT%H:%M:%SZ}"),
            *(("kind", each) for each in kind or ()),
            ("round", round_id),
            ("limit", limit),
            ("before", amount(last)),
        ]
        page = [f"--{name}={value}" for name, value in again if value is not None]
        more = command([*page, *where.options], "ledger", names=[player])
    _sum_up(player, wallet, shown, where.options, more=more, is_filtered=is_filtered)


def _rows(shown: Sequence[Item], over: Sequence[Item], *, is_filtered: bool, oldest_first: bool) -> Sequence[Row]:
    """The page's rows. `over` is the next page's first: what is missing before it is on this page."""
    if is_filtered:
        return [records.for_a_person(item) for item in shown]
    if oldest_first:
        return records.with_gaps(shown, from_first=True)
    rows = records.with_gaps([*over, *shown[::-1]], from_first=not over)
    return rows[len(over) :][::-1]


def _sum_up(
    player: str, wallet: Item | None, shown: Sequence[Item], options: Sequence[str], *, more: str, is_filtered: bool
) -> None:
    number = listing.counted(len(shown), "matching transaction" if is_filtered else "transaction")
    if not shown:
        listing.tell(f"No {'matching ' if is_filtered else ''}transactions of {legible(player)}")
    else:
        listing.tell(f"{number}, and there are more: {more}" if more else number)
    if wallet:
        cash, bonus, currency, version = (
            listing.text(wallet.get(name)) for name in ("cash", "bonus", "currency", "version")
        )
        listing.tell(f"The wallet now: cash {cash} {plain(currency)}, bonus {bonus}, version {version}")
        if frozen := records.frozen(wallet):
            listing.tell(f"Frozen {plain(frozen)}")
    else:
        currency = str(shown[0].get("currency") or "") if shown else None
        listing.tell(f"{legible(player)} has no wallet. To open one: {opening(options, player, currency)}")
