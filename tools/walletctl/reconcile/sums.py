"""What the rows of a report make, for the totals that it has between and below them."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Context, Decimal

from tools.shared.amounts import amount as written
from tools.walletctl.reconcile.decimals import Amount

_EXACT = Context(prec=80)  # an amount has 32 digits before its point and 32 after it, and there may be many rows
_NOTHING = Decimal(0)
_CENTS = 2  # decimals


def _by_currency() -> defaultdict[str, list[Decimal]]:
    return defaultdict(lambda: [_NOTHING, _NOTHING])


@dataclass(slots=True)
class Sums:
    """By currency, what is credited and what is staked: of all rows, and of those since the last total."""

    whole: defaultdict[str, list[Decimal]] = field(default_factory=_by_currency)
    part: defaultdict[str, list[Decimal]] = field(default_factory=_by_currency)
    is_unknown: bool = False

    def add(self, amount: Amount | None, currency: str, *, is_bet: bool) -> None:
        if amount is None:
            self.is_unknown = True
            return
        value = Decimal(amount.value)
        for sums in (self.whole, self.part):
            of = sums[currency]
            of[is_bet] = _EXACT.add(of[is_bet], value)

    def differs(self, total: Amount, currency: str, words: Iterable[str]) -> str | None:
        """What the rows so far make instead; "" if they make the total. None if one of them could not be read.

        A total may be of what is credited and staked together, of what is credited, or of their difference, by whatever
        side's account; of what is staked alone, if its words say so. It may be rounded to its own decimals, to cents at
        least. It is of its currency, if it has one, or of those that are among its words, or else of all.
        """
        currencies = {currency} if currency else {*words} & self.whole.keys()
        of_bets = not _OF_BETS.isdisjoint(word.upper() for word in words)
        ways = [_ways(sums, currencies, of_bets) for sums in (self.whole, self.part) if sums or sums is self.whole]
        self.part = _by_currency()
        if self.is_unknown:
            return None
        said = Decimal(total.value) * (-1 if total.is_negative else 1)
        rounded = Decimal(1).scaleb(-max(_CENTS, len(total.value.partition(".")[2]))) / 2
        off = min((_EXACT.subtract(value, said) for way in ways for value in way), key=abs)
        if abs(off) <= rounded:
            return ""
        make = _EXACT.add(said, off)
        sign = "-" if make < 0 else ""
        return f"{sign}{written(abs(make))}, which is {written(abs(off))} {'more' if off > 0 else 'less'}"


_OF_BETS = frozenset({"BET", "BETS", "STAKE", "STAKES", "STAKED", "WAGERS", "WAGERED", "EINSATZ", "EINSÄTZE", "MISES"})


def _ways(sums: Mapping[str, list[Decimal]], currencies: set[str], of_bets: bool) -> list[Decimal]:
    """A stake may be written below zero; what is credited is not."""
    known = [of for currency, of in sums.items() if not currencies or not currency or currency in currencies]
    credited, staked = (sum((of[place] for of in known), _NOTHING) for place in (0, 1))
    left = _EXACT.subtract(credited, staked)
    of_all = [_EXACT.add(credited, staked), left, credited, *([-left] if staked else [])]
    return [*of_all, *([staked, -staked] if of_bets or not credited else [])]
