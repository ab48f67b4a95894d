"""A dead letter whose win no function can pay under its own id, paid by an adjustment of the wallet.

The adjustment's reference comes from the win's own, so it is made once, whoever orders it and however often.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from tools.shared.amounts import amount as text_of
from tools.shared.identifiers import in_capitals
from tools.shared.items import Item
from tools.shared.outside import plain
from tools.shared.trouble import Trouble
from tools.walletctl.kinds import BET
from tools.walletctl.ordering import Declined, Order, check_reason, ordered
from tools.walletctl.parked.advice import is_of_another, left_to_adjust, may_be_adjusted
from tools.walletctl.parked.letters import DeadLetter
from tools.walletctl.place import Place

_CONFLICT = 61


@dataclass(frozen=True, slots=True, kw_only=True)
class ByHand:
    """What to pay: the adjustments by their references, with their amounts, in the wallet's `currency`."""

    player: str
    before: str  # the wallet, in a clause
    currency: str
    amounts: Sequence[tuple[str, str]]

    def effects(self) -> Iterator[str]:
        """What it does, in clauses that follow on "It"; they are true before and afterwards."""
        for reference, amount in self.amounts:
            yield f"pays {plain(amount)} {plain(self.currency)} as adjustment#{plain(reference)}"

    def pay(self, place: Place, reason: str) -> str:
        """The wallet afterwards, in a clause. Raises Trouble, which says how far it got."""
        check_reason(reason, "nothing was paid")
        after, actor, paid = "", place.caller(), list[str]()
        for reference, amount in self.amounts:
            order: Order = {
                "movement": "adjustment",
                "reference": reference,
                "userId": self.player,
                "amount": amount,
                "currency": self.currency,
                "reason": reason,
                "actor": actor,
            }
            answer = ordered(place, order)
            if answer["error"] != 0:
                why = Declined(order=order, answer=answer, record=None, place=place, currency=None)
                done = f". {' and '.join(paid)} was done before that, and is not done again" if paid else ""
                raise Trouble(". ".join(why.sentences()) + done)
            paid.append(f"adjustment#{plain(reference)}")
            after = f"{answer['cash']} {plain(str(answer['currency']))}, bonus {answer['bonus']}"
        return after


def by_hand(letter: DeadLetter, on_record: Mapping[str, Item], wallet: Item | None) -> ByHand | None:
    """What pays it by hand. None if its function can settle it, or if what is owed is not known for certain."""
    if letter.parked is None or not wallet or not may_be_adjusted(letter):
        return None
    asked, currency = letter.asked, str(wallet.get("currency", ""))
    player = asked["userId"]
    if letter.is_cancel:
        if f"{BET}#{letter.parked.reference}" not in on_record or is_of_another(letter, on_record):
            return None
    elif in_capitals(asked.get("currency", currency)) != in_capitals(currency):
        return None
    amounts: list[tuple[str, str]] = []
    for debt, amount in left_to_adjust(letter, on_record):
        with_a_win = debt.what == "prize" and not letter.is_prize_only
        if with_a_win and letter.prize and f"promo#{letter.prize[0]}" in on_record:
            continue  # it came with the other win of that reference
        if amount is None or (with_a_win and not _is_prize_looked_for(letter)):
            return None
        amounts.append((debt.by_hand, amount))
    before = f"{player}: {_shown(wallet.get('cash'))} {currency}, bonus {_shown(wallet.get('bonus'))}"
    return ByHand(player=player, before=before, currency=currency, amounts=amounts) if amounts else None


def _shown(balance: object) -> str:
    return text_of(balance) if isinstance(balance, Decimal) else str(balance)


def _is_prize_looked_for(letter: DeadLetter) -> bool:
    """Whether what is on record about it would have its prize: what has no reference cannot be looked for."""
    return letter.parked is not None and letter.parked.code == _CONFLICT and bool(letter.prize and letter.prize[0])
