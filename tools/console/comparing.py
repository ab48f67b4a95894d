"""What a dead letter asks for beside the transaction that is on record under its reference."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal, InvalidOperation

from tools.console.words import title_of
from tools.shared.amounts import amount
from tools.shared.identifiers import in_capitals
from tools.shared.items import Item
from tools.walletctl.kinds import BET
from tools.walletctl.parked.letters import INVALID, DeadLetter, Group
from tools.walletctl.parked.reading import Pile

_FIELDS = ("amount", "currency", "roundId", "userId")
_SHOWN_IF_THEY_DIFFER = ("gameId", "bonusCode", "jackpotId", "promoCampaignId")
_RECORDED = {"promoCampaignId": "campaignId"}  # what the record calls it
_CONFLICT, _OTHER_CURRENCY = 61, 52


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

    @property
    def is_body_refused(self) -> bool:
        """Whether it was not valid: it may be a faulty sending of the very win that is on record."""
        return self.code in INVALID


def compared(item: Item, piles: Sequence[Pile], id: str) -> tuple[list[Other], int]:
    """The requests under that id which ask for something else, the first first; how many ask for the same.

    A prize is asked for by results as well: by those whose prize alone was left for a person.
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
        cells = [_cell(field, item, asked) for field in _FIELDS]
        cells += [cell for field in _SHOWN_IF_THEY_DIFFER if (cell := _cell(field, item, asked)).differs]
        key = callback, letter.content
        if callback == kind and not any(cell.differs for cell in cells) and parked.code != _CONFLICT:
            same += 1
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Beside:
    """What a dead letter contradicts, field by field. `id` is the transaction's; None if it is the wallet."""

    what: str
    cells: Sequence[Cell]
    recorded_at: object
    id: str | None


def beside(
    callback: str, letter: DeadLetter, known: Mapping[str, Item], currencies: Mapping[str, str]
) -> Beside | None:
    """None if nothing is known to stand against it: it may be its round that does."""
    parked, asked = letter.parked, letter.asked
    if parked is None:
        return None
    if parked.code == _OTHER_CURRENCY:
        wallet: Item = {"userId": asked.get("userId"), "currency": currencies.get(asked.get("userId", ""))}
        cells = [_cell("currency", wallet, asked)]
        return Beside(what="The wallet", cells=cells, recorded_at=None, id=None) if wallet["currency"] else None
    if parked.code != _CONFLICT:
        return None
    prize = letter.prize if letter.is_prize_only else None
    if prize:
        asked["amount"] = prize[1]
    id = f"promo#{prize[0]}" if prize else f"{BET if letter.is_cancel else callback}#{parked.reference}"
    if (item := known.get(id)) is None:
        return None
    if letter.is_cancel:  # a bet is below zero on record, and its cancel is not
        item = {**item, "amount": abs(item["amount"])} if isinstance(item.get("amount"), Decimal) else item
    cells = [_cell(field, item, asked) for field in _FIELDS]
    cells += [cell for field in _SHOWN_IF_THEY_DIFFER if (cell := _cell(field, item, asked)).differs]
    what = "The bet on record" if letter.is_cancel else "On record"
    return Beside(what=what, cells=cells, recorded_at=item.get("recordedAt"), id=id)


def prizes_of(piles: Sequence[Pile], id: str) -> list[tuple[str, Group]]:
    """The dead letters of that win of which its prize alone was left for a person, with their callback."""
    return [
        (pile.callback, part)
        for pile in piles
        for group in pile.groups
        if f"{pile.callback}#{group.name}" == id and (part := group.prizes)
    ]


def _asking(piles: Sequence[Pile], kind: str, reference: str) -> Iterator[tuple[str, DeadLetter]]:
    """The callback's letters under that reference; and the results' of which that prize was left."""
    for pile in piles:
        for group in pile.groups:
            is_named = pile.callback == kind and group.name == reference
            for letter in group.letters if not group.refused else ():
                is_its_prize = kind == "promo" and letter.prize is not None and letter.prize[0] == reference
                if is_its_prize if letter.is_prize_only else is_named:
                    yield pile.callback, letter


def _cell(field: str, item: Item, request: Mapping[str, str]) -> Cell:
    """What only one of the two carries does not differ, as the wallet has it."""
    asked = request.get(field)
    recorded = (
        item.get("amountAsked", item.get("amount")) if field == "amount" else item.get(_RECORDED.get(field, field))
    )
    return Cell(
        title=title_of(field),
        recorded=amount(recorded) if isinstance(recorded, Decimal) else str(recorded or "none"),
        asked=asked or "none",
        differs=asked is not None and recorded is not None and not _is_same(field, asked, recorded),
    )


def _is_same(field: str, asked: str, recorded: object) -> bool:
    match field:
        case "amount":
            return _is_worth(asked, recorded)
        case "currency":
            return in_capitals(asked) == in_capitals(str(recorded))
    return asked == str(recorded)


def _is_worth(asked: str, recorded: object) -> bool:
    try:
        return Decimal(asked) == recorded
    except InvalidOperation:
        return False
