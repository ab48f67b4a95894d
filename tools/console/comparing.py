"""What a dead letter asks for beside the transaction that is on record under its reference."""

from collections.abc import Sequence
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
_ALWAYS_COMPARED = ("amount", "currency", "userId")  # a prize comes by two callbacks, which describe it differently
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
    """A request under the reference that is not the one on record, and in how many copies it is there."""

    cells: Sequence[Cell]
    code: int
    reason: str
    first_received_at: datetime
    copies: int


def compared(item: Item, pile: Pile, reference: str) -> tuple[list[Other], int]:
    """The requests under that reference which ask for something else, the first first; how many ask for the same."""
    others: dict[str, Other] = {}
    same = 0
    letters = [
        letter
        for group in pile.groups
        if group.name == reference and not group.refused
        for letter in sorted(group.letters, key=lambda letter: letter.first_received_at)
    ]
    for letter in letters:
        if letter.parked is None:
            continue
        is_prize = pile.callback == "promo"
        cells = [_cell(field, item, letter, is_prize) for field in _FIELDS]
        cells += [cell for field in _SHOWN_IF_THEY_DIFFER if (cell := _cell(field, item, letter, is_prize)).differs]
        request = letter.parked.request
        if letter.parked.code != _CONFLICT and not any(cell.differs for cell in cells):
            same += 1
        elif request in others:
            others[request] = replace(others[request], copies=others[request].copies + 1)
        else:
            others[request] = Other(
                cells=cells,
                code=letter.parked.code,
                reason=letter.parked.reason,
                first_received_at=letter.first_received_at,
                copies=1,
            )
    return list(others.values()), same


def _cell(field: str, item: Item, letter: Letter, is_prize: bool) -> Cell:
    asked = letter.asked.get(field)
    recorded = item.get("amountAsked", item.get("amount")) if field == "amount" else item.get(field)
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
            try:
                return Decimal(asked or "") == recorded
            except InvalidOperation:
                return False
        case "currency":
            return asked is None or asked.upper() == str(recorded).upper()
    return (asked or "") == str(recorded or "")
