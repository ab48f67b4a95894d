"""What a person has paid by hand, by adjusting the wallet, of what dead letters ask for.

Such an adjustment's reference comes from the win's own. So each retransmission of the win leads to the same adjustment,
which is made once.
"""

from collections.abc import Iterable, Mapping, Sequence
from hashlib import sha256
from typing import TYPE_CHECKING

from tools.shared.amounts import amount
from tools.shared.identifiers import can_be_key, is_identifier
from tools.shared.items import Item
from tools.shared.moments import recorded, shown
from tools.shared.outside import plain
from tools.walletctl.kinds import BET, CANCEL
from tools.walletctl.place import keeping
from tools.walletctl.records import by_hand, moved_bonus, number, outcome_of
from tools.walletctl.tables import Tables

if TYPE_CHECKING:
    from tools.walletctl.parked.letters import DeadLetter


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
        ids |= {debt.adjustment for debt in letter.owed()}
        if letter.parked and letter.parked.code == _CONFLICT:
            ids |= {*letter.owes}
        if letter.is_cancel and letter.parked:
            ids |= {f"{BET}#{letter.parked.reference}", f"{CANCEL}#{letter.parked.reference}"}
    return ids


def recorded_about(tables: Tables, letters: Iterable["DeadLetter"]) -> dict[str, Item]:
    """Those of them that are on record, by id. Raises Trouble."""
    return {str(item["id"]): item for item in tables.with_ids(sorted(ids_about(letters)))}


def those_paid(letters: Iterable["DeadLetter"], on_record: Mapping[str, Item]) -> list[Item]:
    """The adjustments among what is on record that pay what these letters ask for, each once."""
    ids = dict.fromkeys(debt.adjustment for letter in letters for debt in letter.owed())
    return [on_record[id] for id in ids if id in on_record and outcome_of(on_record[id]) is None]


def are_paid(letters: Sequence["DeadLetter"], on_record: Mapping[str, Item]) -> bool:
    """Whether all that these letters ask for was paid by hand."""
    asked = {debt.adjustment for letter in letters for debt in letter.owed()}
    return bool(asked) and len(those_paid(letters, on_record)) == len(asked)


def told(item: Item) -> str:
    """An adjustment in a clause. It is escaped."""
    paid, bonus, written = number(item.get("amount")), number(moved_bonus(item)), recorded(item.get("recordedAt"))
    money = f"{amount(paid) if paid is not None else '?'} {item.get('currency')}"
    if bonus:
        money += f", bonus {amount(bonus)}"
    when = shown(written) if written else str(item.get("recordedAt"))
    return plain(f"adjusted by {money} on {when} by {by_hand(item) or 'nobody who is named'}")
