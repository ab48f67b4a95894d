"""The amounts of a report as finance departments write them: `1.234,50`, `1'234.50`, `€ 12.50`, `(5.00)`.

Which mark is the decimal one is decided once for the whole report, by amounts that can be read in one way only.
`1.234` can be read in two. Without other evidence the person is asked.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Literal, NamedTuple

from tools.shared.amounts import amount
from tools.shared.outside import cut, quoted
from tools.shared.trouble import Trouble

Mark = Literal[".", ","]
Example = tuple[int, str]  # a line, and what it has

_OPTIONS = ("--decimal-point", "--decimal-comma")
_MOST_BY_ONE = 20  # amounts such as 1.234 are of thousands if one such as 12,50 says so: of 1,000 it may be a slip
_NAMES: Mapping[str, str] = {".": "a decimal point", ",": "a decimal comma"}
_OTHER: Mapping[Mark, Mark] = {".": ",", ",": "."}
_MOST_OF_AN_AMOUNT = 200  # characters

_AMOUNT = re.compile(r"(-?)0*([0-9]{1,32}?)(?:\.([0-9]{1,32}?)0*)?")
_WITH_EXPONENT = re.compile(r"-?[0-9]{1,64}(?:\.[0-9]{1,64})?[eE][+-]?0*[0-9]{1,2}")  # of more, none is an amount
_ONE_WAY = re.compile(r"[0-9]{1,64}\.(?:[0-9]{1,2}|[0-9]{4,64})")  # most amounts: a point, and no thousands

_SPACES = " \u00a0\u2007\u2009\u202f"  # a thousands mark may be a space that does not break, or is narrow
_APOSTROPHES = "'\u2019"
_PART = "[0-9]{1,64}"
_EXPONENT = "(?:[eE][+-]?[0-9]{1,3})?"


def _number(mark: Mark) -> re.Pattern[str]:
    """A number with this decimal mark. Thousands have one mark throughout, and no number with them begins with 0."""
    others = re.escape(_OTHER[mark]) + _SPACES + _APOSTROPHES
    decimals = f"(?:{re.escape(mark)}{_PART})?"
    grouped = rf"[1-9][0-9]{{0,2}}([{others}])[0-9]{{3}}(?:\1[0-9]{{3}})*{decimals}"
    indian = rf"|[1-9][0-9]?(?:,[0-9]{{2}})+,[0-9]{{3}}{decimals}" if mark == "." else ""
    return re.compile(f"{_PART}{decimals}{_EXPONENT}|{grouped}{indian}")


_MARKS: tuple[Mark, ...] = (".", ",")
_NUMBERS: Mapping[Mark, re.Pattern[str]] = {".": _number("."), ",": _number(",")}

# What a sign beside an amount says: one currency, or one of several.
SIGNS = {
    "€": "EUR", "£": "GBP|EGP|FKP|GIP|SHP", "¥": "JPY|CNY", "₹": "INR", "₺": "TRY", "₽": "RUB", "₴": "UAH", "₩": "KRW",
    "₪": "ILS", "₫": "VND", "฿": "THB", "₱": "PHP", "₦": "NGN", "₸": "KZT", "₾": "GEL", "₿": "BTC", "₮": "MNT|USDT",
    "$": "USD|AUD|CAD|NZD|SGD|HKD|TWD|MXN|ARS|CLP|COP|UYU|NAD|JMD|TTD|BBD|BZD|BSD|FJD|BMD|KYD|XCD|USDT|USDC",
    "US$": "USD", "CA$": "CAD", "C$": "CAD|NIO", "A$": "AUD", "AU$": "AUD", "NZ$": "NZD", "R$": "BRL", "HK$": "HKD",
    "S$": "SGD", "NT$": "TWD", "MX$": "MXN", "zł": "PLN", "Kč": "CZK", "Ft": "HUF", "lei": "RON|MDL", "лв": "BGN",
    "лв.": "BGN", "kr": "SEK|NOK|DKK|ISK", "kr.": "SEK|NOK|DKK|ISK", "Fr.": "CHF", "SFr.": "CHF", "TL": "TRY",
    "Rs": "INR|PKR|LKR|NPR|MUR|SCR", "Rs.": "INR|PKR|LKR|NPR|MUR|SCR", "S/": "PEN", "RM": "MYR",
    "Rp": "IDR", "R": "ZAR",
}  # fmt: skip
_SIGN = "|".join([*map(re.escape, sorted(SIGNS, key=len, reverse=True)), "[A-Z]{3,5}"])
_GAP = f"[{_SPACES}]*+"  # what was read once is not read in another way
_DRESSED = re.compile(
    rf"(?P<open>\()?{_GAP}(?P<first>[-+\u2212])?{_GAP}(?P<before>{_SIGN})?{_GAP}(?P<second>[-\u2212])?{_GAP}"
    rf"(?P<number>[0-9](?:[0-9.,{_SPACES}{_APOSTROPHES}]*[0-9])?{_EXPONENT}){_GAP}(?P<after>{_SIGN})?{_GAP}"
    rf"(?P<last>[-\u2212])?{_GAP}(?P<close>\))?"
)


def canonical(text: str) -> str | None:
    """An amount in the one way it is written here: no leading zeros, none at its end. None if it is not an amount."""
    if _WITH_EXPONENT.fullmatch(text):
        text = amount(Decimal(text))
    if not (found := _AMOUNT.fullmatch(text)):
        return None
    whole, part = found[2] or "0", found[3]
    value = f"{whole}.{part}" if part and part != "0" else whole
    return None if found[1] and value != "0" else value


def currencies(sign: str) -> str:
    """What a sign or a code says, `USD|CAD` if it may be several; "" if it says nothing."""
    return SIGNS.get(sign, sign)


class Amount(NamedTuple):
    """`value` is canonical and never below zero; `currency` is what was beside it, `USD|CAD` if it may be several."""

    value: str
    is_negative: bool = False
    currency: str = ""


class _Parts(NamedTuple):
    number: str
    is_negative: bool
    sign: str


def _parts(text: str) -> _Parts | None:
    if len(text) > _MOST_OF_AN_AMOUNT or not (found := _DRESSED.fullmatch(text)):
        return None
    in_brackets = bool(found["open"])
    minus = [sign for sign in (found["first"], found["second"], found["last"]) if sign]
    if in_brackets != bool(found["close"]) or len(minus) + in_brackets > 1 or (found["before"] and found["after"]):
        return None
    is_negative = in_brackets or (bool(minus) and minus[0] != "+")
    return _Parts(found["number"], is_negative, found["before"] or found["after"] or "")


@dataclass(frozen=True, slots=True)
class Decimals:
    """How the amounts of a report are read. With `is_mixed`, others in it have the other decimal mark."""

    mark: Mark = "."
    is_mixed: bool = False
    bets_are_negative: bool = False
    odd: Example | None = None  # the first with the mark that few of a mixed report have

    def read(self, text: str) -> Amount | None:
        """None if it is not an amount in this report."""
        if self.mark == "." and not self.is_mixed and (value := canonical(text)) is not None:
            return Amount(value)
        if not (parts := _parts(text)) or not _NUMBERS[self.mark].fullmatch(parts.number):
            return None
        if self.is_mixed and _is_doubtful(parts.number):
            return None
        bare = "".join(character for character in parts.number if character in "0123456789eE+-" + self.mark)
        value = canonical(bare.replace(",", "."))
        return None if value is None else Amount(value, parts.is_negative and value != "0", currencies(parts.sign))

    def why_not(self, text: str) -> str:
        """What is wrong with an amount that cannot be read."""
        told = f"'{cut(text, 100)}'"
        parts = _parts(text)
        if parts and self.is_mixed and _is_doubtful(parts.number):
            other = f": line {self.odd[0]:,} has {quoted(self.odd[1])}" if self.odd else ""
            return f"{told} can be either, as the report has decimal points and decimal commas{other}"
        if parts and _NUMBERS[_OTHER[self.mark]].fullmatch(parts.number):
            return f"{told} is not an amount with {_NAMES[self.mark]}, as the report has elsewhere"
        return f"{told} is not an amount"


def _is_doubtful(number: str) -> bool:
    """Whether it has a mark that may be of decimals or of thousands."""
    if "." not in number and "," not in number:
        return False
    return all(pattern.fullmatch(number) for pattern in _NUMBERS.values())


@dataclass(slots=True)
class AmountEvidence:
    """What the amounts of a report show: for each decimal mark how many can have no other, and the first of them."""

    counts: dict[Mark, int] = field(default_factory=lambda: {".": 0, ",": 0})
    firsts: dict[Mark, Example] = field(default_factory=dict[Mark, Example])
    doubtful: dict[Mark, int] = field(default_factory=lambda: {".": 0, ",": 0})  # by the mark that they have
    first_doubtful: Example | None = None
    grouped: str = ""
    positive_bets: bool = False
    negative_bets: bool = False

    def see(self, line: int, text: str, *, is_bet: bool) -> None:
        if is_bet:
            self._see_bet(text)
        if _ONE_WAY.fullmatch(text):
            self._count(".", line, text)
            return
        if text.isdigit() or not (parts := _parts(text)):
            return
        number = parts.number
        fits: list[Mark] = [mark for mark in _MARKS if _NUMBERS[mark].fullmatch(number)]
        if len(fits) == 1:
            self._count(fits[0], line, text)
            if any(mark in number for mark in _OTHER[fits[0]] + _SPACES + _APOSTROPHES):
                self.grouped = self.grouped or text
        elif fits and ("." in number or "," in number):
            if "e" in number.lower():
                self._count(fits[0] if fits[0] in number else fits[1], line, text)
            else:
                self.doubtful[fits[0] if fits[0] in number else fits[1]] += 1
                self.first_doubtful = self.first_doubtful or (line, text)
        elif fits and not number.isdigit():
            self.grouped = self.grouped or text

    def decided(self, said: Mark | None, name: str, usual: Mark | None = None) -> Decimals:
        """Raises Trouble if the amounts can be read in two ways, and neither a person nor `usual` says which."""
        bets_are_negative = self.negative_bets and not self.positive_bets
        points, commas = self.counts["."], self.counts[","]
        if said:
            return Decimals(said, bets_are_negative=bets_are_negative)
        if points and points == commas:
            told = [f"line {line} has {_NAMES[mark]} ({quoted(text)})" for mark, (line, text) in self.firsts.items()]
            raise Trouble(f"{name} contradicts itself: {' and '.join(told)}. Say {' or '.join(_OPTIONS)}")
        mark: Mark = "," if commas > points else "."
        is_shown = bool(points or commas) and self.doubtful[_OTHER[mark]] <= _MOST_BY_ONE * self.counts[mark]
        if self.first_doubtful and not is_shown and not (usual and not points and not commas):
            line, text = self.first_doubtful
            ways = [f"{option} ({_read(text, mark)})" for mark, option in zip(_MARKS, _OPTIONS, strict=True)]
            few = "" if not points and not commas else f", and almost no amount is like {quoted(self.firsts[mark][1])}"
            raise Trouble(
                f"{name} can be read in two ways: {quoted(text)} in line {line}{few}. Say {' or '.join(ways)}"
            )
        return Decimals(mark, bool(points and commas), bets_are_negative, self.firsts.get(_OTHER[mark]))

    def _count(self, mark: Mark, line: int, text: str) -> None:
        self.counts[mark] += 1
        if mark not in self.firsts:
            self.firsts[mark] = (line, text)

    def _see_bet(self, text: str) -> None:
        if any(sign in text for sign in "-(\u2212"):
            self.negative_bets = True
        elif any(digit in text for digit in "123456789"):
            self.positive_bets = True


def _read(text: str, mark: Mark) -> str:
    found = Decimals(mark).read(text)
    return f"it is {found.value}" if found else "it is not an amount"
