"""Transactions as rows: what each paid, and the wallet before and after it.

What a person or a program has tampered with is shown as it stands, and nothing is made up for what is missing.
"""

import json
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

from tools.local.trouble import Trouble
from tools.outside import plain
from tools.walletctl import moments
from tools.walletctl.items import Item
from tools.walletctl.listing import Cell, Column, Row
from tools.walletctl.place import callbacks
from tools.walletctl.verify.proof import EXACT

COLUMNS = [
    Column(name="seq", title="seq", right=True, unbroken=True),
    Column(name="recordedAt", title="recorded", unbroken=True),
    Column(name="kind", title="kind", unbroken=True),
    Column(name="reference", title="reference"),
    Column(name="amount", title="paid", right=True),
    Column(name="amountAsked", title=""),
    Column(name="currency", title=""),
    Column(name="cashBefore", title=""),
    Column(name="cashAfter", title="cash after", right=True),
    Column(name="bonusBefore", title=""),
    Column(name="bonusAfter", title="bonus after", right=True),
    *(
        Column(name=name, title="")
        for name in (
            "id",
            "userId",
            "transactionId",
            "roundId",
            "gameId",
            "bonusCode",
            "jackpotId",
            "campaignId",
            "campaignType",
            "providerId",
            "timestamp",
            "autoClosed",
            "arrivedWith",
            "request",
        )
    ),
]
_AS_THEY_STAND = {column.name for column in COLUMNS} - {"kind", "reference", "cashBefore", "bonusBefore"}


def row(item: Item) -> dict[str, Cell]:
    """A transaction for a machine: by the ledger's own names, with `kind`, `reference` and the balances before it."""
    kind, _, reference = str(item.get("id", "")).partition("#")
    return {
        "kind": kind,
        "reference": reference,
        **{name: cell(item[name]) for name in _AS_THEY_STAND if name in item},
        "cashBefore": _less(item.get("cashAfter"), item.get("amount")),
        "bonusBefore": _less(item.get("bonusAfter"), item.get("amount") if counts_as_bonus(item) else Decimal(0)),
    }


def for_a_person(item: Item) -> Row:
    written = moments.recorded(item.get("recordedAt"))
    return row(item) | {"recordedAt": moments.shown(written) if written else cell(item.get("recordedAt"))}


def counts_as_bonus(item: Item) -> bool:
    """Whether it moved `bonus` as well: a free round's result, and every total."""
    kind = str(item.get("id", "")).partition("#")[0]
    return kind == "bonus" or (kind == "result" and bool(item.get("bonusCode")))


def ids_named(name: str) -> list[str]:
    """The ids under which a reference may stand: one of each kind, or the one that is named with its kind."""
    kinds = callbacks()
    named = [name] if "#" in name and name.partition("#")[0] in kinds else []
    return [*named, *(f"{kind}#{name}" for kind in kinds)]


def ids_with(item: Item) -> Iterator[str]:
    """The ids of what was credited in one write with a transaction: a result's prize, or a prize's result."""
    if arrived_with := item.get("arrivedWith"):
        yield str(arrived_with)
    try:
        request = json.loads(str(item.get("request")))
    except (ValueError, RecursionError):
        return
    for name, value in request.items() if isinstance(request, dict) else ():
        if name.lower() == "promowinreference" and isinstance(value, str) and value:
            yield f"promo#{value}"


def those_of(
    items: Iterable[Item],
    *,
    kinds: Sequence[str] = (),
    since: datetime | None = None,
    until: datetime | None = None,
) -> Iterator[Item]:
    """Those of some kinds, recorded from `since` on and before `until`. Raises Trouble for a kind that is none."""
    for kind in kinds:
        if kind not in callbacks():
            raise Trouble(f"no kind is called {plain(kind)}: there are {', '.join(callbacks())}")
    for item in items:
        written = moments.recorded(item.get("recordedAt"))
        if kinds and str(item.get("id")).partition("#")[0] not in kinds:
            continue
        if since and (written is None or written < since):
            continue
        if until and (written is None or written >= until):
            continue
        yield item


def cell(value: Any) -> Cell:
    return value if isinstance(value, Decimal | str | bool) or value is None else str(value)


def _less(after: Any, paid: Any) -> Decimal | None:
    return EXACT.subtract(after, paid) if isinstance(after, Decimal) and isinstance(paid, Decimal) else None
