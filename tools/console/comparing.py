"""What a dead letter asks for beside the transaction that is on record under its reference."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal, InvalidOperation

from tools.console.words import title_of
from tools.walletctl.amounts import amount
from tools.walletctl.items import Item
from tools.walletctl.parked.letters import Letter
from tools.walletctl.parked.reading import Pile

_FIELDS = ("amount", "currency", "roundId", "userId")
_SHOWN_IF_THEY_DIFFER = ("gameId", "bonusCode", "jackpotId")
_OF_A_PRIZE_IF_THEY_DIFFER = ("promoCampaignId",)
_RECORDED = {"promoCampaignId": "campaignId"}  # what the record calls it
_ALWAYS_COMPARED = (
    "amount",
    "currency",
    "userId",
    "promoCampaignId",
)  # a prize comes by two callbacks, which describe it differently
_CONFLICT = 61


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """A field as it is on record, and as it was asked for."""

    title: str
    recorded: str
    asked: str
    differs: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Other:
    """A request under the reference that is not the one on record, and in how many copies it is there.

    `callback` and `reference` are the request's own: a prize may be asked for by a result.
    """

    callback: str
    reference: str
    cells: Sequence[Cell]
    code: int
    reason: str
    first_received_at: datetime
    copies: int


def compared(item: Item, piles: Sequence[Pile], id: str) -> tuple[list[Other], int]:
    """The requests under that id which ask for something else, the first first; how many ask for the same.

    A prize is asked for by results as well: one that asks for the same prize may owe its own win, so it is no other.
    """
    kind, _, reference = id.partition("#")
    others: dict[tuple[str, str], Other] = {}
    same = 0
    for callback, letter in sorted(_asking(piles, kind, reference), key=lambda each: each[1].first_received_at):
        parked, asked = letter.parked, letter.asked
        if parked is None:
            continue
        if callback != kind:
            asked["amount"] = asked["promoWinAmount"]
        is_prize = kind == "promo"
        cells = [_cell(field, item, asked, is_prize) for field in _FIELDS]
        more = _OF_A_PRIZE_IF_THEY_DIFFER if is_prize else _SHOWN_IF_THEY_DIFFER
        cells += [cell for field in more if (cell := _cell(field, item, asked, is_prize)).differs]
        key = callback, parked.request
        if not any(cell.differs for cell in cells) and (callback != kind or parked.code != _CONFLICT):
            same += callback == kind
        elif key in others:
            others[key] = replace(others[key], copies=others[key].copies + 1)
        else:
            others[key] = Other(
                callback=callback,
                reference=parked.reference or "",
                cells=cells,
                code=parked.code,
                reason=parked.reason,
                first_received_at=letter.first_received_at,
                copies=1,
            )
    return list(others.values()), same


def _asking(piles: Sequence[Pile], kind: str, reference: str) -> Iterator[tuple[str, Letter]]:
    """The callbacks' letters under that reference; and the results' that bring it as their prize's."""
    for pile in piles:
        for group in pile.groups:
            is_named = pile.callback == kind and group.name == reference
            for letter in group.letters if not group.refused else ():
                if is_named or (pile.callback != kind and _has_prize(letter, reference)):
                    yield pile.callback, letter


def _has_prize(letter: Letter, reference: str) -> bool:
    """As the wallet has it: a prize of nothing is none."""
    asked = letter.asked
    return asked.get("promoWinReference") == reference and not _is_worth(asked.get("promoWinAmount") or "0", Decimal(0))


def _cell(field: str, item: Item, request: Mapping[str, str], is_prize: bool) -> Cell:
    asked = request.get(field)
    recorded = (
        item.get("amountAsked", item.get("amount")) if field == "amount" else item.get(_RECORDED.get(field, field))
    )
    return Cell(
        title=title_of(field),
        recorded=amount(recorded) if isinstance(recorded, Decimal) else str(recorded or "none"),
        asked=asked or "none",
        differs=(field in _ALWAYS_COMPARED or not is_prize) and not _is_same(field, asked, recorded),
    )


def _is_same(field: str, asked: str | None, recorded: object) -> bool:
    """As the wallet compares them: an amount by what it is worth, a currency in whatever letters if there is one."""
    match field:
        case "amount":
            return _is_worth(asked or "", recorded)
        case "currency":
            return asked is None or asked.upper() == str(recorded).upper()
        case "promoCampaignId":
            return not asked or not recorded or asked == str(recorded)
    return (asked or "") == str(recorded or "")


def _is_worth(asked: str, recorded: object) -> bool:
    try:
        return Decimal(asked) == recorded
    except InvalidOperation:
        return False
