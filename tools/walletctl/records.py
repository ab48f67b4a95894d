"""Transactions as rows: what each moved, and the wallet before and after it.

What a person or a program has tampered with is shown as it is, and nothing is made up for what is missing.
"""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from tools.shared import moments
from tools.shared.amounts import amount, signed
from tools.shared.identifiers import can_be_key
from tools.shared.items import Item
from tools.shared.listing import Cell, Column, Row, text
from tools.shared.outside import plain
from tools.shared.trouble import Trouble
from tools.walletctl.kinds import BET, CANCEL, MOVE_NOTHING, OPERATORS, OUTCOMES
from tools.walletctl.place import callbacks
from tools.walletctl.verify.proof import EXACT

COLUMNS = [
    Column(name="seq", title="seq", right=True, unbroken=True),
    Column(name="recordedAt", title="recorded", unbroken=True),
    Column(name="kind", title="kind", unbroken=True),
    Column(name="reference", title="reference"),
    Column(name="amount", title="moved", right=True),
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
            "outcome",
            "bonusAmount",
            "actor",
            "reason",
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
            "laterPrizeReference",
            "laterPrizeAmount",
            "providerId",
            "timestamp",
            "autoClosed",
            "arrivedWith",
            "request",
            "requestDigest",
            "digest",
        )
    ),
]
OF_A_WALLET = ("userId", "currency", "cash", "bonus", "version", "frozen", "frozenAt", "frozenBy", "frozenReason")
_ROUND = Column(name="roundId", title="round")
_AS_THEY_STAND = {column.name for column in COLUMNS} - {"kind", "reference", "cashBefore", "bonusBefore"}


def row(item: Item) -> dict[str, Cell]:
    """A transaction for a machine: by the ledger's own names, with `kind`, `reference` and the balances before it."""
    kind, _, reference = str(item.get("id", "")).partition("#")
    return {
        "kind": kind,
        "reference": reference,
        **{name: cell(item[name]) for name in _AS_THEY_STAND if name in item},
        "cashBefore": _less(item.get("cashAfter"), item.get("amount")),
        "bonusBefore": _less(item.get("bonusAfter"), moved_bonus(item)),
    }


def columns_for(items: Iterable[Item]) -> Sequence[Column]:
    """The columns for a person; the round's as well where there are stakes."""
    if not any(kind_of(item) in (BET, CANCEL) for item in items):
        return COLUMNS
    place = next(number for number, column in enumerate(COLUMNS) if column.name == "amount")
    return [*COLUMNS[:place], _ROUND, *(column for column in COLUMNS[place:] if column.name != _ROUND.name)]


def for_a_person(item: Item) -> Row:
    """A transaction for a table: when it was recorded to the second, and what it moved with its sign."""
    written, moved = moments.recorded(item.get("recordedAt")), cell(item.get("amount"))
    return row(item) | {
        "recordedAt": moments.shown(written) if written else cell(item.get("recordedAt")),
        "amount": signed(moved) if isinstance(moved, Decimal) and moved else moved,
    }


def with_gaps(items: Iterable[Item], *, from_first: bool) -> list[Row]:
    """The rows of a ledger, oldest first, with a row where a number is missing: there, a record is missing.

    `from_first`: the ledger's first record must be among them. It has the number 1, and the wallet was empty before.
    """
    rows: list[Row] = []
    before: Item | None = {"seq": Decimal(0), "cashAfter": Decimal(0)} if from_first else None
    for item in items:
        gap = _gap(before, item) if before is not None else None
        rows += [gap, for_a_person(item)] if gap else [for_a_person(item)]
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
        "reference": "(no record of this change)",
        "amount": moved,
        "cashAfter": found,
    }


def counts_as_bonus(item: Item) -> bool:
    """Whether it moved `bonus` as well: a free round's result, and every total."""
    kind = kind_of(item)
    return kind == "bonus" or (kind == "result" and bool(item.get("bonusCode")))


def moved_bonus(item: Item) -> Any:
    """What `bonus` moved by; an opening and an adjustment say it themselves."""
    return item.get("amount") if counts_as_bonus(item) else item.get("bonusAmount", Decimal(0))


def outcome_of(item: Item) -> str | None:
    """Why a record moved nothing, where it settles its reference without money."""
    outcome = item.get("outcome")
    return str(outcome) if outcome in OUTCOMES else None


def by_hand(item: Item) -> str | None:
    """Who ordered a movement and why, as the record says it; None for what the provider asked for alone."""
    if "actor" not in item:
        return None
    return f"{item['actor']}: {item.get('reason') or 'no reason given'}"


def meaning(item: Item) -> str:
    """What a record means for the wallet, in plain words: a sentence or more."""
    paid, currency = number(item.get("amount")), str(item.get("currency") or "")
    money = f"{amount(paid.copy_abs())} {currency}".rstrip() if paid is not None else "an unreadable amount"
    ordered = f" Ordered by {who}." if (who := by_hand(item)) else ""
    match outcome_of(item), kind_of(item):
        case "not enough", "bet":
            return (
                f"Refused: the wallet had less than {_stake(item)}. Nothing was taken. The same bet is refused again."
            )
        case "cancelled", _:
            settled = f" Settled by {who}." if who else ""
            return (
                "Cancelled before it came: this bet was not on record when its cancel or refund came. Nothing was "
                f"taken. If the bet comes, it is refused with error 53.{settled}"
            )
        case "booked elsewhere", "cancel":
            decided = f" Decided by {who}." if who else ""
            return f"Booked elsewhere: the stake was paid back by other means, not into this wallet.{decided}"
        case None, "bet" if paid == 0:
            free = "it was a free round, so nothing was taken" if item.get("bonusCode") else "nothing was staked"
            return f"Staked: {free}."
        case None, "bet":
            return f"Staked: {money} was taken from the wallet."
        case None, "cancel":
            settled = f" Settled by {who}." if who else ""
            back = (
                "nothing, because the bet took nothing" if paid == 0 else f"the stake of {money} is in the wallet again"
            )
            return f"Paid back: {back}.{settled}"
        case "not enough", _:
            asked = number(item.get("amountAsked"))
            wanted = f"{amount(asked.copy_abs())} {currency}".rstrip() if asked is not None else "what was asked"
            return (
                f"Refused: the wallet had less than {wanted}. Nothing was moved, and the same reference is refused "
                f"again. To take the money later, use a new reference.{ordered}"
            )
        case "booked elsewhere", _:
            decided = f" Decided by {who}." if who else ""
            return f"Booked elsewhere: this wallet was not paid. The same request again is a replay.{decided}"
        case None, "opening":
            bonus = number(moved_bonus(item))
            more = f" and a bonus of {amount(bonus)} {currency}".rstrip() if bonus else ""
            return f"The wallet was opened with {money}{more}.{ordered}"
        case None, "deposit":
            return f"Deposited: {money} was paid into the wallet.{ordered}"
        case None, "withdrawal":
            return f"Withdrawn: {money} was taken from the wallet.{ordered}"
        case None, "adjustment":
            bonus = number(moved_bonus(item))
            moved = [_adjusted(money, paid, "wallet")] if paid != 0 or not bonus else []
            moved += [_adjusted(f"{amount(bonus.copy_abs())} {currency}".rstrip(), bonus, "bonus")] if bonus else []
            return f"Adjusted: {', and '.join(moved)}.{ordered}"
        case _:
            pass
    less = f" {why}." if (why := why_less(item)) else ""
    settled = f" Settled by {who}." if who else ""
    if paid == 0 and number(item.get("amountAsked")) == 0:
        return f"On record: it won nothing, so there is no money to look for.{settled}"
    if paid == 0:
        return f"On record, and no money came with it.{less}{settled}"
    return f"Credited: the money is in the wallet.{less}{settled}"


def _stake(item: Item) -> str:
    """What a bet was to take."""
    asked = number(item.get("amountAsked"))
    return "was asked" if asked is None else f"{amount(asked.copy_abs())} {item.get('currency') or ''}".rstrip()


def _adjusted(money: str, by: Decimal | None, what: str) -> str:
    return f"{money} was {'taken from' if by is not None and by < 0 else 'added to'} the {what}"


def kind_of(item: Item) -> str:
    return str(item.get("id", "")).partition("#")[0]


def kinds() -> list[str]:
    """Every kind of movement: the callbacks', then the operator's own."""
    return [*(name for name in callbacks() if name not in MOVE_NOTHING), *OPERATORS]


def ids_named(name: str) -> list[str]:
    """The ids that a reference may have: one of each kind, or the one that is named with its kind."""
    all_kinds = kinds()
    named = [name] if "#" in name and name.partition("#")[0] in all_kinds else []
    return [*named, *(f"{kind}#{name}" for kind in all_kinds)]


def ids_with(item: Item) -> Iterator[str]:
    """The ids of a result's prize and of a prize's result. The prize may have been paid by another request."""
    for id in (item.get("arrivedWith"), *_prize_ids(item)):
        if isinstance(id, str) and can_be_key(id):
            yield id


def came_with(one: Item, other: Item) -> bool:
    """Whether one of the two is the prize that the other, a result, brought."""
    return one.get("arrivedWith") == other.get("id") or other.get("arrivedWith") == one.get("id")


def _prize_ids(item: Item) -> Iterator[str]:
    for reference in (item.get("prizeReference"), item.get("laterPrizeReference")):
        if isinstance(reference, str):
            yield f"promo#{reference}"


def in_order(items: Iterable[Item]) -> list[Item]:
    """By player, then by number; what has no number comes first."""
    return sorted(items, key=lambda item: (str(item.get("userId")), number(item.get("seq")) or Decimal(0)))


def why_less(item: Item) -> str | None:
    """Why a transaction was paid less than it asked, as a sentence without its full stop; None if it was not."""
    paid, asked = number(item.get("amount")), number(item.get("amountAsked"))
    if paid is None or asked is None or paid == asked or outcome_of(item):
        return None
    if kind_of(item) == BET and paid == 0 and item.get("bonusCode"):
        return f"Took nothing of {amount(asked.copy_abs())}: it was a free round"
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


def of_wallet(wallet: Item) -> dict[str, Cell]:
    """A wallet for a machine."""
    return {name: cell(wallet.get(name)) for name in OF_A_WALLET} | {"frozen": frozen(wallet) is not None}


def frozen(wallet: Item) -> str | None:
    """Since when a player is frozen, by whom and why, in a clause; None if they may bet. It is not escaped yet."""
    if (value := wallet.get("frozen")) is None or value is False:  # the wallet's own rule: any other value freezes
        return None
    since = moments.recorded(wallet.get("frozenAt"))
    when = moments.shown(since) if since else text(cell(wallet.get("frozenAt"))) or "a time that is not on record"
    who, why = (text(cell(wallet.get(name))) for name in ("frozenBy", "frozenReason"))
    return f"since {when}, by {who or 'nobody who is named'}: {why or 'no reason given'}"


def number(value: object) -> Decimal | None:
    """A number of the table's; None for what another program has put in its place."""
    return value if isinstance(value, Decimal) else None


def those_of(
    items: Iterable[Item],
    *,
    wanted: Sequence[str] = (),
    since: datetime | None = None,
    until: datetime | None = None,
) -> Iterator[Item]:
    """Those of some kinds, recorded from `since` on and before `until`. Raises Trouble for an unknown kind."""
    for kind in wanted:
        if kind not in kinds():
            raise Trouble(f"no kind is called {plain(kind)}: there are {', '.join(kinds())}")
    for item in items:
        written = moments.recorded(item.get("recordedAt"))
        if wanted and kind_of(item) not in wanted:
            continue
        if since and (written is None or written < since):
            continue
        if until and (written is None or written >= until):
            continue
        yield item


def back_to(since: datetime, newest_first: Iterable[Item]) -> Iterator[Item]:
    """Those of a ledger before which only older ones come.

    The order of a ledger is that of its numbers. Clocks differ a little, and one record may have a wrong time: reading
    ends after a hundred in a row that are older by an hour or more.
    """
    older = 0
    for item in newest_first:
        at = moments.recorded(item.get("recordedAt"))
        older = older + 1 if at is not None and at < since - _SLACK else 0
        if older > _MOST_OLDER:
            return
        yield item


_SLACK, _MOST_OLDER = timedelta(hours=1), 100


def cell(value: Any) -> Cell:
    return value if isinstance(value, Decimal | str | bool) or value is None else str(value)


def _less(after: Any, paid: Any) -> Decimal | None:
    return EXACT.subtract(after, paid) if isinstance(after, Decimal) and isinstance(paid, Decimal) else None
