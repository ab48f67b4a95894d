"""The timestamps of a report: a closed set of forms, and the moments that they name.

`05/11/2026` is a day of November or of May. Other rows of the report show which, or the person is asked.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from typing import Literal, NamedTuple

from tools.shared.outside import plain, quoted
from tools.shared.trouble import Trouble

Order = Literal["DMY", "MDY", "YMD"]  # of day, month and year in a date of numbers
Example = tuple[int, str]

_FIRST_YEAR, _LAST_YEAR = 2000, 2999  # others, such as 1970 and 9999, were written for something else
_SECOND, _MINUTE, _DAY = 1000, 60_000, 86_400_000  # milliseconds
_UNITS = {10: 1000, 12: 1, 13: 1, 16: 1 / 1000}  # milliseconds in one, by how many digits the number has
_MOST_OF_A_STAMP = 100  # characters
_CENTURY = 2000
ORDERS: dict[str, Order] = {
    "DD/MM/YYYY": "DMY", "MM/DD/YYYY": "MDY", "YYYY/MM/DD": "YMD", "DD/MM/YY": "DMY", "MM/DD/YY": "MDY",
    "YY/MM/DD": "YMD",
}  # fmt: skip

_SHAPES = {"DMY": ("28", "11", "2026"), "MDY": ("11", "28", "2026"), "YMD": ("26", "11", "28")}

_MONTHS = (
    ("jan", "januar", "january", "januari", "janvier", "janv", "enero", "ene"),
    ("feb", "februar", "february", "februari", "febrero", "f\u00e9vrier", "f\u00e9vr", "fevr"),
    ("mar", "march", "m\u00e4r", "m\u00e4rz", "mrz", "mars", "marzo", "maart", "mrt"),
    ("apr", "april", "avril", "avr", "abril", "abr"),
    ("may", "mai", "mayo", "maj", "mei"),
    ("jun", "june", "juni", "juin", "junio"),
    ("jul", "july", "juli", "juillet", "juil", "julio"),
    ("aug", "august", "augusti", "augustus", "ao\u00fbt", "aout", "agosto", "ago"),
    ("sep", "sept", "september", "septembre", "septiembre"),
    ("oct", "october", "okt", "oktober", "octobre", "octubre"),
    ("nov", "november", "novembre", "noviembre"),
    ("dec", "december", "dez", "dezember", "d\u00e9c", "d\u00e9cembre", "dic", "diciembre"),
)
_MONTH = {name: number for number, names in enumerate(_MONTHS, 1) for name in names}
_ZONES = {"Z": 0, "UTC": 0, "GMT": 0, "CET": 60, "CEST": 120}  # minutes; others, such as IST, are of several zones

_TIME = (
    r"(?P<hour>[0-9]{1,2})[:.](?P<minute>[0-9]{2})(?:[:.](?P<second>[0-9]{2})(?:[.,](?P<part>[0-9]{1,9}))?)?"
    r"(?:\s*(?P<half>[AaPp])\.?\s?[Mm]\.?)?"
)
_ZONE = r"(?:\s*(?P<zone>Z|UTC|GMT|CET|CEST)|\s*(?:UTC|GMT)?(?P<offset>[+-][0-9]{2}:?(?:[0-9]{2})?))?"
_NAME = r"[^\W\d_]{3,10}"
_STAMP = re.compile(
    r"(?:(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)[a-z]*,?\s+)?"
    r"(?:(?P<a>[0-9]{1,2})(?P<mark>[/.-])(?P<b>[0-9]{1,2})(?P=mark)(?P<c>[0-9]{4}|[0-9]{2})"
    r"|(?P<year>[0-9]{4})(?P<between>[/.-])(?P<month>[0-9]{1,2})(?P=between)(?P<day>[0-9]{1,2})"
    rf"|(?P<day_1>[0-9]{{1,2}})(?:st|nd|rd|th|\.)?[\s/-]?(?P<name_1>{_NAME})\.?,?[\s/-]?(?P<year_1>[0-9]{{4}}|[0-9]{{2}})"
    rf"|(?P<name_2>{_NAME})\.?\s(?P<day_2>[0-9]{{1,2}})(?:st|nd|rd|th)?,?\s(?P<year_2>[0-9]{{4}}))"
    rf"(?:(?:T|,?\s+|\s+at\s+){_TIME}{_ZONE})?"
)
_DATE = re.compile(r"([0-9]{1,2})([/.-])([0-9]{1,2})\2([0-9]{4}|[0-9]{2})(?![0-9])")


class Moment(NamedTuple):
    """`at` is in milliseconds since the epoch, UTC, and lasts as long as its form says; `day` is the zone's."""

    at: int
    lasts: int
    day: str


def of_number(text: str, zone: tzinfo = UTC) -> Moment | None:
    """The moment of seconds, milliseconds or microseconds since the epoch; None for another text, or before 2000."""
    unit = _UNITS.get(len(text))
    if unit is None or not (text.isascii() and text.isdigit()):
        return None
    at = int(int(text) * unit)
    moment = datetime.fromtimestamp(at / 1000, zone)
    return Moment(at, max(1, int(unit)), moment.isoformat()[:10]) if moment.year >= _FIRST_YEAR else None


def order_of(said: str | None) -> Order | None:
    """From what the option says, with any marks between its parts. Raises Trouble."""
    if said is None:
        return None
    if order := ORDERS.get(re.sub(r"[^A-Z]+", "/", said.strip().upper())):
        return order
    raise Trouble(f"--dates cannot be {plain(said)}: say DD/MM/YYYY, MM/DD/YYYY or YYYY/MM/DD")


@dataclass(frozen=True, slots=True)
class Dates:
    """How the timestamps of a report are read. Local ones are in `zone`.

    `order` is of dates such as 28/11/2026, `points` of those with points.
    """

    order: Order = "DMY"
    points: Order = "DMY"
    zone: tzinfo = UTC
    form: str = ""  # the form of the report's dates with the 28th of November, if they are neither ISO nor numbers

    def read(self, text: str) -> Moment | None:
        """None if it is not a moment in this report."""
        try:
            if text.isascii() and text.isdigit():
                return of_number(text, self.zone) or self._of_digits(text)
            if text[4:5] == "-" and (found := self._of_iso(text)):
                return found
            return self._of_words(text)
        except (ValueError, KeyError, OverflowError, OSError):
            return None

    def _of_digits(self, text: str) -> Moment | None:
        is_day = len(text) == len("20261128") and text.startswith("20")
        return self._local(datetime.strptime(text, "%Y%m%d"), _DAY) if is_day else None  # noqa: DTZ007 - it gets its zone there

    def _of_iso(self, text: str) -> Moment | None:
        try:
            said = datetime.fromisoformat(text)
        except ValueError:
            return None
        length = len(text)
        return self._local(said, _DAY if length == 10 else _MINUTE if length <= 16 else 1 if "." in text else _SECOND)

    def _of_words(self, text: str) -> Moment | None:
        found = _stamp(text)
        if not found:
            return None
        day = self._day(found)
        if day is None:
            return None
        if not found["hour"]:
            return self._local(datetime(*day), _DAY)  # noqa: DTZ001 - it gets its zone there
        hour = int(found["hour"])
        if half := found["half"]:
            if not 1 <= hour <= 12:
                return None
            hour = hour % 12 + (12 if half in "pP" else 0)
        second, part = found["second"], (found["part"] or "").ljust(6, "0")[:6]
        said = datetime(*day, hour, int(found["minute"]), int(second or 0), int(part))  # noqa: DTZ001 - see below
        return self._local(_in_its_zone(said, found), 1 if found["part"] else _SECOND if second else _MINUTE)

    def _day(self, found: re.Match[str]) -> tuple[int, int, int] | None:
        if found["year"]:
            return int(found["year"]), int(found["month"]), int(found["day"])
        if name := found["name_1"] or found["name_2"]:
            month = _MONTH[name.casefold()]
            return _year(found["year_1"] or found["year_2"]), month, int(found["day_1"] or found["day_2"])
        first, second, third = found["a"], found["b"], found["c"]
        match self.points if found["mark"] == "." else self.order:
            case "DMY":
                return _year(third), int(second), int(first)
            case "MDY":
                return _year(third), int(first), int(second)
            case _:
                return (_year(first), int(second), int(third)) if len(first) == len(third) == 2 else None

    def _local(self, said: datetime, lasts: int) -> Moment | None:
        """An hour that the zone has twice is the first of the two; one that it skips is later by what is skipped."""
        moment = said if said.tzinfo else said.replace(tzinfo=self.zone)
        # No millisecond is lost, as it would be by way of a float.
        at = (moment - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(milliseconds=1)
        if not _FIRST_YEAR <= moment.year <= _LAST_YEAR:
            return None
        return Moment(at, lasts, moment.astimezone(self.zone).isoformat()[:10])


def _stamp(text: str) -> re.Match[str] | None:
    return _STAMP.fullmatch(" ".join(text.split())) if len(text) <= _MOST_OF_A_STAMP else None


def _year(text: str) -> int:
    return int(text) + (_CENTURY if len(text) == 2 else 0)


def _in_its_zone(said: datetime, found: re.Match[str]) -> datetime:
    if zone := found["zone"]:
        return said.replace(tzinfo=timezone(timedelta(minutes=_ZONES[zone])))
    if offset := found["offset"]:
        digits = offset[1:].replace(":", "").ljust(4, "0")
        minutes = int(digits[:2]) * 60 + int(digits[2:])
        return said.replace(tzinfo=timezone(timedelta(minutes=-minutes if offset[0] == "-" else minutes)))
    return said


@dataclass(slots=True)
class DateEvidence:
    """What the dates of a report show: the first that only one order can read, and the first that several can."""

    today: datetime = field(default_factory=lambda: datetime.now(UTC))
    only: dict[Order, Example] = field(default_factory=dict[Order, Example])
    only_points: dict[Order, Example] = field(default_factory=dict[Order, Example])
    doubtful: Example | None = None
    short: Example | None = None
    may_begin_with_year: bool = True
    form: str = ""
    mark: str = ""
    last: str = ""

    def see(self, line: int, text: str) -> None:
        if text[:4].isdigit():
            return  # a number, or its year is first
        day, _, _ = text.partition(" ")
        if day == self.last:
            return  # most rows are of the same day as the one before
        self.last = day
        if found := _DATE.match(text):
            self._see_numbers(line, found)
        elif not self.form and (words := _stamp(text)):
            self.form = "Nov 28, 2026" if words["name_2"] else "28 Nov 2026" if words["name_1"] else ""

    def _see_numbers(self, line: int, found: re.Match[str]) -> None:
        first, second, mark = int(found[1]), int(found[3]), found[2]
        self.mark = self.mark or mark
        only = self.only_points if mark == "." else self.only
        if len(found[4]) == 2 and mark != ".":
            self.short = self.short or (line, found[0])
            day = int(found[4])
            fits = len(found[1]) == 2 and 1 <= second <= 12 and 1 <= day <= 31
            self.may_begin_with_year &= fits and _CENTURY + first <= self.today.year
        if first > 12 >= second:
            only.setdefault("DMY", (line, found[0]))
        elif second > 12 >= first:
            only.setdefault("MDY", (line, found[0]))
        elif first != second and first <= 12 and mark != ".":
            self.doubtful = self.doubtful or (line, found[0])

    def decided(self, said: Order | None, zone: tzinfo, name: str) -> Dates:
        """Raises Trouble if the dates can be read in two ways, and nobody has said which."""
        order, points = (said, said) if said else (self._order(name), _agreed(self.only_points, name))
        form = self.form
        if self.mark:
            form = self.mark.join(_SHAPES[points if self.mark == "." else order])
        return Dates(order, points, zone, form)

    def _order(self, name: str) -> Order:
        order = _agreed(self.only, name)
        if self.short and self.may_begin_with_year:
            line, text = self.short
            raise Trouble(
                f"{name} can be read in two ways: {quoted(text)} in line {line} begins with its day or with its year. "
                "Say --dates DD/MM/YY or --dates YY/MM/DD"
            )
        if not self.only and self.doubtful:
            line, text = self.doubtful
            raise Trouble(
                f"{name} can be read in two ways: {quoted(text)} in line {line} begins with its day or with its month, "
                "and no other date shows which. Say --dates DD/MM/YYYY or --dates MM/DD/YYYY"
            )
        return order


def _agreed(only: Mapping[Order, Example], name: str) -> Order:
    """The order that the dates show; the day first if none shows one. Raises Trouble if they contradict each other."""
    if len(only) > 1:
        told = [
            f"line {line} has {'the day' if order == 'DMY' else 'the month'} first ({quoted(text)})"
            for order, (line, text) in only.items()
        ]
        raise Trouble(f"{name} contradicts itself: {' and '.join(told)}. Say --dates DD/MM/YYYY or MM/DD/YYYY")
    return next(iter(only)) if only else "DMY"
