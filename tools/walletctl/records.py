"""Transactions as rows: what each paid, and the wallet before and after it.

What a person or a program has tampered with is shown as it is, and nothing is made up for what is missing.
"""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

from tools.shared import moments
from tools.shared.amounts import amount, signed
from tools.shared.identifiers import can_be_key
from tools.shared.items import Item
from tools.shared.listing import Cell, Column, Row, text
from tools.shared.outside import plain
from tools.shared.trouble import Trouble
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
            "uncoveredAfter",
            "advanceAfter",
            "jackpotId",
            "campaignId",
            "campaignType",
            "prizeReference",
            "prizeAmount",
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


def with_gaps(items: Sequence[Item], oldest_first: bool) -> list[Row]:
    """The rows, and one between two whose numbers do not follow each other, for what others moved."""
    rows: list[Row] = []
    before: Item | None = None
    for item in items:
        if before is not None:
            gap = _gap(before, item) if oldest_first else _gap(item, before)
            rows += [gap] if gap else []
        rows.append(for_a_person(item))
        before = item
    return rows


def _gap(earlier: Item, later: Item) -> Row | None:
    from_, to = number(earlier.get("seq")), number(later.get("seq"))
    if from_ is None or to is None or from_ + 1 > to - 1:
        return None
    first, last = from_ + 1, to - 1
    left, found = earlier.get("cashAfter"), row(later)["cashBefore"]
    moved = signed(EXACT.subtract(found, left)) if isinstance(left, Decimal) and isinstance(found, Decimal) else None
    return {
        "seq": amount(last) if first == last else f"{amount(first)}-{amount(last)}",
        "reference": "(no transaction: a deposit or a bet)",
        "amount": moved,
        "cashAfter": found,
    }


def counts_as_bonus(item: Item) -> bool:
    """Whether it moved `bonus` as well: a free round's result, and every total."""
    kind = kind_of(item)
    return kind == "bonus" or (kind == "result" and bool(item.get("bonusCode")))


def kind_of(item: Item) -> str:
    return str(item.get("id", "")).partition("#")[0]


def ids_named(name: str) -> list[str]:
    """The ids that a reference may have: one of each kind, or the one that is named with its kind."""
    kinds = callbacks()
    named = [name] if "#" in name and name.partition("#")[0] in kinds else []
    return [*named, *(f"{kind}#{name}" for kind in kinds)]


def ids_with(item: Item) -> Iterator[str]:
    """The ids of a result's prize and of a prize's result. The prize may have been paid by another request."""
    for id in (item.get("arrivedWith"), _prize_id(item)):
        if isinstance(id, str) and can_be_key(id):
            yield id


def came_with(one: Item, other: Item) -> bool:
    """Whether one of the two is the prize that the other, a result, brought."""
    return one.get("arrivedWith") == other.get("id") or other.get("arrivedWith") == one.get("id")


def _prize_id(item: Item) -> str | None:
    reference = item.get("prizeReference")
    return f"promo#{reference}" if isinstance(reference, str) else None


def in_order(items: Iterable[Item]) -> list[Item]:
    """By player, then by number; what has no number comes first."""
    return sorted(items, key=lambda item: (str(item.get("userId")), number(item.get("seq")) or Decimal(0)))


def why_less(item: Item) -> str | None:
    """Why a transaction was paid less than it asked, as a sentence without its full stop; None if it was not."""
    paid, asked = number(item.get("amount")), number(item.get("amountAsked"))
    if paid is None or asked is None or paid == asked:
        return None
    told = f"Paid {amount(paid)} of {amount(asked)}"
    already = "" if paid == 0 else f" {amount(EXACT.subtract(asked, paid))} of"
    if paid < asked and counts_as_bonus(item):
        if kind_of(item) == "result":
            return f"{told}: a total had paid{already} this round already"
        return f"{told}: its rounds had been paid{already.removesuffix(' of')} already"
    return f"{told}: the wallet would have paid what was asked, so another program wrote this"


def free_rounds(count: Item) -> Iterator[str]:
    """What the rounds and totals of a bonus code were paid that does not cover each other, a sentence each."""
    for name, sentence in (
        ("uncovered", "{} was paid round by round, and no total has covered it yet"),
        ("advance", "{} was paid by totals ahead of their rounds"),
    ):
        value = number(count.get(name))
        if value is None or value < 0:
            yield f"{name} is {text(cell(count.get(name))) or 'absent'}, which no callback writes"
        elif value:
            yield sentence.format(amount(value))


def number(value: object) -> Decimal | None:
    """A number of the table's; None for what another program has put in its place."""
    return value if isinstance(value, Decimal) else None


def those_of(
    items: Iterable[Item],
    *,
    kinds: Sequence[str] = (),
    since: datetime | None = None,
    until: datetime | None = None,
) -> Iterator[Item]:
    """Those of some kinds, recorded from `since` on and before `until`. Raises Trouble for an unknown kind."""
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
