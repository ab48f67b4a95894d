"""What a player says of a movement: how much, what kind, when."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, tzinfo
from decimal import Decimal
from typing import Self

from tools.shared.amounts import amount
from tools.shared.items import Item
from tools.shared.outside import plain
from tools.shared.spoken import Period
from tools.shared.trouble import Trouble
from tools.walletctl import records
from tools.walletctl.kinds import BET, CANCEL, OPERATORS, function_of
from tools.walletctl.log import LogLine

AMOUNT_HELP = "500 (also 500.00), or a range: 100-200, 100.. or ..200"

_NUMBER = r"[0-9]{1,32}(?:\.[0-9]{1,18})?"
_RANGE = re.compile(rf"({_NUMBER})?(?: ?(?:-|\.\.|to) ?)({_NUMBER})?", re.IGNORECASE)
_BOUND = re.compile(rf"(>=|<=|>|<) ?({_NUMBER})")


@dataclass(frozen=True, slots=True, kw_only=True)
class Amounts:
    """From `least` to `most`, both included unless `is_open`; None if there is no such end."""

    least: Decimal | None
    most: Decimal | None
    is_open: bool = False

    @classmethod
    def read(cls, text: str) -> Self:
        """From `500`, `100-200`, `100..200`, `100..`, `..200`, `>=100`, `<200`. Raises Trouble."""
        said = text.strip()
        if re.fullmatch(_NUMBER, said):
            return cls(least=Decimal(said), most=Decimal(said))
        if bound := _BOUND.fullmatch(said):
            end = Decimal(bound[2])
            from_, to = (end, None) if bound[1][0] == ">" else (None, end)
            return cls(least=from_, most=to, is_open="=" not in bound[1])
        if (range_ := _RANGE.fullmatch(said)) and (range_[1] or range_[2]) and not said.startswith("-"):
            from_, to = (Decimal(end) if end else None for end in range_.groups())
            if from_ is not None and to is not None and from_ > to:
                raise Trouble(f"the amount {plain(said)} is upside down: write {amount(to)}-{amount(from_)}")
            if ".." in said or None not in (from_, to):
                return cls(least=from_, most=to)
        raise Trouble(f"the amount {plain(text)} cannot be read: {_advice(said)}")

    def has(self, value: Decimal | None) -> bool:
        """Whether it is one of them, whatever its sign: a stake is on record below zero."""
        return value is not None and self.distance(value) == 0

    def distance(self, value: Decimal) -> Decimal:
        """How far it is from the nearest of them; 0 for one of them."""
        size = value.copy_abs()
        if self.least is not None and (size < self.least or (self.is_open and size == self.least)):
            return max(self.least - size, Decimal("1E-18"))
        if self.most is not None and (size > self.most or (self.is_open and size == self.most)):
            return max(size - self.most, Decimal("1E-18"))
        return Decimal(0)

    def is_near(self, value: Decimal) -> bool:
        """Whether it differs by no more than half."""
        end = self.least if self.least is not None and value.copy_abs() < self.least else self.most
        return self.distance(value) <= (end or Decimal(0)) / 2

    def __str__(self) -> str:
        match self.least, self.most:
            case Decimal() as least, Decimal() as most:
                return amount(least) if least == most else f"{amount(least)} to {amount(most)}"
            case Decimal() as least, None:
                return f"more than {amount(least)}" if self.is_open else f"{amount(least)} or more"
            case _, most:
                assert most is not None  # noqa: S101 - there is one end at least
                return f"less than {amount(most)}" if self.is_open else f"{amount(most)} or less"


def _advice(said: str) -> str:
    if re.fullmatch(rf"-\s*{_NUMBER}", said):
        return f"leave out the sign ({said[1:].strip()} finds bets and withdrawals too)"
    if said.startswith("+"):
        return "leave out the plus sign"
    if re.fullmatch(r"\.[0-9]+", said):
        return "write a digit before the point, such as 0.5"
    if re.fullmatch(r"[0-9]+\.", said):
        return "leave out the point at its end, or write digits after it"
    if re.fullmatch(r"[0-9]+(?:['\u2019_ \u00a0\u202f][0-9]+)+(?:\.[0-9]+)?", said):
        return "write its digits without marks or spaces between them"
    if "," in said:
        return "write it with a point and without other marks, such as 1234.50"
    if with_currency := re.fullmatch(
        rf"(?:[^\w.+' -]|[A-Za-z]{{3}}) ?({_NUMBER})|({_NUMBER}) ?(?:[^\w.+' -]|[A-Za-z]{{3}})", said
    ):
        return f"leave out the currency, and write {with_currency[1] or with_currency[2]}"
    return f"write {AMOUNT_HELP}"


def wins() -> list[str]:
    """The kinds of movements that are wins."""
    return [kind for kind in records.kinds() if kind not in (BET, CANCEL, *OPERATORS)]


def kinds_named(said: Iterable[str], *, only_wins: bool = False) -> list[str]:
    """From `jackpot`, `bet,cancel` or `win`, which is each kind of win. None are all. Raises Trouble."""
    known = records.kinds()
    named: dict[str, None] = {}
    for each in (part.strip().lower() for text in said for part in text.split(",")):
        if each in ("win", "wins"):
            named |= dict.fromkeys(wins())
        elif each in known:
            named[each] = None
        else:
            raise Trouble(
                f"no kind is called {plain(each) or 'nothing'}: there are {', '.join(known)}, and win for all of "
                f"{_and(wins())}"
            )
    if only_wins and named and (others := [kind for kind in named if kind not in wins()]):
        raise Trouble(f"--wins leaves out {_and(others)}: leave out --wins, or --kind {','.join(others)}")
    return [*named] or (wins() if only_wins else [])


def _and(words: Sequence[str]) -> str:
    return " and ".join(filter(None, [", ".join(words[:-1]), words[-1]]))


@dataclass(frozen=True, slots=True, kw_only=True)
class Sought:
    """`player` is None for anybody's, `amounts` for any, and no `kinds` are all. `zone` None is the machine's."""

    player: str | None
    amounts: Amounts | None
    kinds: Sequence[str]
    period: Period
    zone: tzinfo | None
    now: datetime

    @property
    def is_of_wins(self) -> bool:
        return bool(self.kinds) and set(self.kinds) <= set(wins())

    @property
    def may_have_moved_nothing(self) -> bool:
        """Whether one of that kind may have been refused for lack of money without being looked for in the log."""
        return not self.kinds or not {"withdrawal", "adjustment"}.isdisjoint(self.kinds)

    def has_kind(self, kind: str) -> bool:
        return not self.kinds or kind in self.kinds

    def has_amount(self, *values: Decimal | None) -> bool:
        return self.amounts is None or any(self.amounts.has(value) for value in values)

    def is_amount_of(self, item: Item) -> bool:
        """Whether a record moved so much, in cash or bonus, or if it moved nothing was asked for so much."""
        moved = [records.number(item.get(name)) for name in ("amount", "bonusAmount")]
        return self.has_amount(*moved, records.number(item.get("amountAsked")))

    def is_kind_of_line(self, line: LogLine) -> bool:
        """Whether it may tell of such a movement. A refused bet is one only if bets are asked for: nothing is owed."""
        if not self.kinds:
            return line.callback != BET
        return line.callback in {function_of(kind) for kind in self.kinds}

    def is_amount_of_line(self, line: LogLine) -> bool:
        return self.has_amount(_decimal(line.amount))


def _decimal(text: str | None) -> Decimal | None:
    return Decimal(text) if text and re.fullmatch(rf"-?{_NUMBER}", text) else None
