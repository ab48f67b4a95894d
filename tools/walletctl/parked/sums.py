"""How much money dead letters ask for, by currency."""

from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from decimal import Decimal

from tools.shared.amounts import amount
from tools.shared.identifiers import in_capitals
from tools.shared.outside import cut, plain
from tools.shared.trouble import Trouble
from tools.walletctl.parked.letters import DeadLetter, Group
from tools.walletctl.tables import Tables
from tools.walletctl.verify.proof import EXACT

_MOST_OF_A_CURRENCY = 20  # characters


@dataclass(frozen=True, slots=True, kw_only=True)
class Sum:
    """Money by currency; "" is a currency that nobody names. `unknown` counts amounts that cannot be read."""

    by_currency: Mapping[str, Decimal]
    unknown: int

    def __str__(self) -> str:
        """A clause for a person. It is escaped."""
        parts = [
            f"{amount(total)} {cut(plain(currency), _MOST_OF_A_CURRENCY) or 'without a currency'}"
            for currency, total in self.by_currency.items()
        ]
        if self.unknown:
            parts.append(f"{self.unknown} {'amount' if self.unknown == 1 else 'amounts'} that cannot be read")
        return " and ".join(parts) or "no money"


def asked_for(groups: Iterable[Group], currencies: Mapping[str, str]) -> Sum:
    """What the letters ask for, each win, prize and stake once, however many copies there are.

    A request that names no currency is in its wallet's: `currencies` has those, by player.
    """
    debts = {
        (each.content, debt.by_hand): (each, debt) for group in groups for each in group.letters for debt in each.owed()
    }
    total: dict[str, Decimal] = {}
    unknown = 0
    for letter, debt in debts.values():
        if debt.amount is None:
            unknown += 1
            continue
        currency = currency_of(letter, currencies)
        total[currency] = EXACT.add(total.get(currency, Decimal(0)), Decimal(debt.amount))
    return Sum(by_currency=dict(sorted(total.items())), unknown=unknown)


def currency_of(letter: DeadLetter, currencies: Mapping[str, str]) -> str:
    """In capitals; "" if it is not known."""
    asked = letter.asked
    return in_capitals(asked.get("currency") or currencies.get(asked.get("userId", ""), ""))


def currencies_of(tables: Tables, groups: Iterable[Group]) -> dict[str, str]:
    """Of the wallets that say in what currency a letter is, or should be, by player; none if they cannot be read."""
    with suppress(Trouble):
        wallets = tables.wallets(_players_in(groups), ("userId", "currency"))
        return {str(item["userId"]): str(item.get("currency", "")) for item in wallets}
    return {}


def _players_in(groups: Iterable[Group]) -> list[str]:
    letters = (each for group in groups for each in group.letters)
    return sorted({each.asked.get("userId", "") for each in letters if _is_wallet_asked(each)} - {""})


def _is_wallet_asked(letter: DeadLetter) -> bool:
    return "currency" not in letter.asked or (letter.parked is not None and letter.parked.code == _OTHER_CURRENCY)


_OTHER_CURRENCY = 52
