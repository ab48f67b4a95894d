"""What a person has paid by hand, by adjusting the wallet, of what dead letters ask for.

Such an adjustment's reference comes from the win's own. So each retransmission of the win leads to the same adjustment,
which is made once.
"""

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from hashlib import sha256
from typing import TYPE_CHECKING

from tools.shared.amounts import amount
from tools.shared.identifiers import can_be_key, in_capitals, is_identifier
from tools.shared.items import Item
from tools.shared.moments import recorded, shown
from tools.shared.outside import plain
from tools.walletctl.kinds import BET, CANCEL
from tools.walletctl.place import keeping
from tools.walletctl.records import by_hand, moved_bonus, number, outcome_of
from tools.walletctl.tables import Tables

if TYPE_CHECKING:
    from tools.walletctl.parked.letters import DeadLetter, Debt


_CONFLICT = 61


def adjustments_named(name: str) -> list[str]:
    """The ids that an adjustment may have which pays what is called that: a reference, or an id with its kind."""
    if not can_be_key(name):
        return []
    wins = [name, *(f"{callback}#{name}" for callback in keeping())]
    wins = [id for id in wins if id.partition("#")[0] in keeping()]
    references = [*wins, *(of_a_prize(id, None) for id in wins if id.startswith("result#"))]
    return list(dict.fromkeys(f"adjustment#{reference_for(each)}" for each in references))


def reference_for(id: str) -> str:
    """The reference of the adjustment that pays what is owed under an id: the id, or its hash if it cannot be one."""
    return id if is_identifier(id) else f"{id.partition('#')[0]}#{digest(id)}"


def reference_apart(by_hand: str, asked: str) -> str:
    """The reference for a request whose own was taken by an adjustment that paid another request of that name."""
    return reference_for(f"{by_hand} of {asked}")


def of_a_prize(win: str, reference: str | None) -> str:
    """What a prize is called that came with a win; without a reference, by the win."""
    return f"promo#{reference}" if reference else f"promo of {win}"


def digest(text: str) -> str:
    return sha256(text.encode(errors="surrogatepass")).hexdigest()


def ids_about(letters: Iterable["DeadLetter"]) -> set[str]:
    """The ids of what pays these letters by hand, of what they are in conflict with, and of the bets they name, with
    what paid those back.
    """
    ids: set[str] = set()
    for letter in letters:
        ids |= {id for debt in letter.owed() for id in ids_paying(debt.by_hand, debt.amount)}
        if letter.parked and letter.parked.code == _CONFLICT:
            ids |= {*letter.owes}
        if letter.is_cancel and letter.parked:
            ids |= {f"{BET}#{letter.parked.reference}", f"{CANCEL}#{letter.parked.reference}"}
    return ids


def recorded_about(tables: Tables, letters: Iterable["DeadLetter"]) -> dict[str, Item]:
    """Those of them that are on record, by id. Raises Trouble."""
    return {str(item["id"]): item for item in tables.with_ids(sorted(ids_about(letters)))}


def ids_paying(by_hand: str, asked: str | None) -> list[str]:
    """The ids that an adjustment may have which pays a request of so much."""
    return [f"adjustment#{each}" for each in (by_hand, asked and reference_apart(by_hand, asked)) if each]


def paying(letter: "DeadLetter", debt: "Debt", on_record: Mapping[str, Item]) -> Item | None:
    """The adjustment that paid what a letter asks for. One of another amount paid another request of that reference."""
    asked = None if debt.what == "stake" else debt.amount  # a bet's stake is paid back once, whatever a cancel says
    found = (on_record.get(id) for id in ids_paying(debt.by_hand, debt.amount))
    said = letter.asked
    return next((item for item in found if item and pays(item, asked, said.get("currency"), said.get("userId"))), None)


def pays(item: Item, asked: str | None, currency: str | None, player: str | None) -> bool:
    """Whether an adjustment pays a request. What cannot be compared is taken for it: an amount that cannot be read, or
    one in another currency.
    """
    if outcome_of(item) is not None or (is_identifier(player or "") and player != item.get("userId")):
        return False
    paid, bonus = number(item.get("amount")), number(moved_bonus(item)) or Decimal(0)
    if asked is None or paid is None or in_capitals(currency or "") not in ("", in_capitals(str(item.get("currency")))):
        return True
    return Decimal(asked) in (paid, paid + bonus)


def for_another(letter: "DeadLetter", debt: "Debt", on_record: Mapping[str, Item]) -> Item | None:
    """The adjustment under its reference that paid another request, if nothing has paid this one."""
    item = on_record.get(debt.adjustment)
    is_done = item is not None and outcome_of(item) is None
    return item if is_done and paying(letter, debt, on_record) is None else None


def those_paid(letters: Iterable["DeadLetter"], on_record: Mapping[str, Item]) -> list[Item]:
    """The adjustments among what is on record that pay what these letters ask for, each once."""
    found = (paying(letter, debt, on_record) for letter in letters for debt in letter.owed())
    return list({str(item["id"]): item for item in found if item}.values())


def are_paid(letters: Sequence["DeadLetter"], on_record: Mapping[str, Item]) -> bool:
    """Whether all that these letters ask for was paid by hand."""
    asked = [(letter, debt) for letter in letters for debt in letter.owed()]
    return bool(asked) and all(paying(letter, debt, on_record) for letter, debt in asked)


def told(item: Item) -> str:
    """An adjustment in a clause. It is escaped."""
    written = recorded(item.get("recordedAt"))
    when = shown(written) if written else str(item.get("recordedAt"))
    return plain(f"adjusted by {money_of(item)} on {when} by {by_hand(item) or 'nobody who is named'}")


def money_of(item: Item) -> str:
    """`50 EUR`, or `50 EUR, bonus 5`."""
    paid, bonus = number(item.get("amount")), number(moved_bonus(item))
    money = f"{amount(paid) if paid is not None else '?'} {item.get('currency')}"
    return f"{money}, bonus {amount(bonus)}" if bonus else money
