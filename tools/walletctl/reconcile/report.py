"""A provider's report, read row by row: what is not of its form is named by its line, and the rest is compared.

It is read twice: once to see how it is written, once to read it so.
What the columns mean: docs/tools/simulate.md, The provider's report.
"""

import json
import re
import shutil
import stat
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta, tzinfo
from pathlib import Path

from tools.shared.cells import Spanning, is_unicode, legacy_text, opened
from tools.shared.identifiers import in_capitals
from tools.shared.listing import counted
from tools.shared.outside import cut, plain
from tools.walletctl.reconcile import dates, decimals
from tools.walletctl.reconcile.layout import Headings, Layout, time_point, total_of
from tools.walletctl.reconcile.reading import CALLBACK_OF_FEED, NEEDED, Reading, callback_of
from tools.walletctl.reconcile.sums import Sums

COMPARED_IF_THERE = {"currency": "currency", "transactionId": "transaction"}  # and what their fields are in a row

_IDENTITIES = ("reference", "transactionId", "userId")  # compared to the last character: the wallet does not trim
_MOST_OF_A_CELL, _MOST_OF_AN_EXAMPLE = 100, 40  # characters, in a message
_STEP = 1000  # rows between two signs of life
_ABOUT_A_DAY = 20 * 3_600_000  # milliseconds: the rows of a day, in a casino where nobody plays before dawn
_LAST_HOUR = 23
_PARTED_BY = {";": "semicolons", "\t": "tabs", "|": "bars"}

Item = dict[str, str | int]


@dataclass(slots=True)
class Read:
    """How much was read: `rows` of credits, bets and cancels, and among them `faulty` ones.

    `read_as` says in a line how the report was read; "" if it is as the provider's own is.
    `absent` are the columns that would be compared, if the report had them; `unread` are the headings of other columns.
    `timepoint` is the moment, in milliseconds since the epoch, from which the provider's feed (`is_feed`) has the next
    portion. It is None if two portions are in one file: which of them is the later is not known.
    `agreed` are the lines of the totals that are the sums of their rows.
    `undated` is the line and the timestamp of the first row whose timestamp could not be read.
    `first` and `last` are the report's own period, in milliseconds since the epoch: from its earliest moment up to the
    end of its latest. Both are None if it has no moment.
    """

    rows: int = 0
    faulty: int = 0
    read_as: str = ""
    absent: Sequence[str] = ()
    unread: Sequence[str] = ()
    is_feed: bool = False
    timepoint: int | None = None
    spanning: Spanning = field(default_factory=Spanning)
    agreed: list[int] = field(default_factory=list[int])
    undated_rows: int = 0
    undated: tuple[int, str] | None = None
    first: int | None = None
    last: int | None = None

    def period(self, zone: tzinfo) -> tuple[int, int] | None:
        """The report's own period, widened: what the provider left out may be before its first row, or after its last.

        To whole minutes; to hours, if it is about a day or more; to days, if it also begins or ends with one.
        """
        if self.first is None or self.last is None:
            return None
        first, last = (datetime.fromtimestamp(at / 1000, zone) for at in (self.first, self.last - 1))
        unit = timedelta(minutes=1)
        if self.last - self.first >= _ABOUT_A_DAY:
            unit = timedelta(days=1) if first.hour == 0 or last.hour == _LAST_HOUR else timedelta(hours=1)
        begins, ends = _begin(first, unit), _begin(last, unit) + unit
        return int(begins.timestamp() * 1000), int(ends.timestamp() * 1000)

    def see_moment(self, moment: dates.Moment) -> None:
        self.first = moment.at if self.first is None else min(self.first, moment.at)
        self.last = max(self.last or 0, moment.at + moment.lasts)


def _begin(moment: datetime, of: timedelta) -> datetime:
    """The beginning of its minute, hour or day, by the clocks of its zone."""
    minute = moment.replace(second=0, microsecond=0)
    return minute - timedelta(hours=minute.hour, minutes=minute.minute) % of


def copy_report(path: Path, to: Path, reading: Reading, advance: Callable[[int], None]) -> Read:
    """Writes a JSON object for each row, a line each, with the line it came from. Raises Trouble.

    A row with a fault has it under `fault`; what of it can be read is there all the same.
    """
    name = plain(str(path))
    with _kept(path, to.with_name(f"{to.name}-as-it-came")) as source:
        form = _form_of(source, name, reading)
        layout = Layout.of(source, name, reading)
        headings = layout.headings
        read = Read(
            read_as=form.described(layout, reading),
            absent=[column for column in COMPARED_IF_THERE if column not in headings.places],
            unread=headings.unread,
            is_feed=layout.timepoint is not None,
            timepoint=layout.timepoint,
        )
        sums = Sums() if form.totals else None
        wrong: list[_Total] = []
        with to.open("w") as written:
            for line, row, kind in layout.rows(read.spanning):
                if kind == "row":
                    item = _item(line, row, headings, reading, form, read, sums)
                    read.rows += 1
                    if "fault" in item:
                        read.faulty += 1
                        read.timepoint = None if time_point(row[0]) else read.timepoint
                    if read.rows % _STEP == 0:
                        advance(_STEP)
                    written.write(json.dumps(item))
                    written.write("\n")
                elif kind == "total" and (total := _Total.of(line, row, headings, form)):
                    if make := total.differs(sums):
                        wrong.append(total)
                    elif make is not None:
                        read.agreed.append(line)
                elif kind == "total" and (unread := _unread_total(line, row, headings)):
                    written.write(f"{json.dumps(unread)}\n")
            for total in wrong:
                # One above its rows is of all of them.
                if make := total.differs(sums):
                    written.write(f"{json.dumps(total.item(make))}\n")
                elif make is not None:
                    read.agreed.append(total.line)
    return read


@contextmanager
def _kept(path: Path, to: Path) -> Iterator[Path]:
    """The report as a file that can be read twice: a pipe is copied."""
    source = opened(path)
    try:
        is_file = stat.S_ISREG(source.stat().st_mode) or source.is_dir()
    except OSError:
        is_file = True  # whoever reads it is told what is wrong
    if is_file:
        yield path
        return
    with source.open("rb") as pipe, to.open("wb") as file:
        shutil.copyfileobj(pipe, file)
    yield to
    to.unlink()


@dataclass(frozen=True, slots=True)
class _Form:
    """How a report is written, as its whole file shows."""

    decimals: decimals.Decimals
    dates: dates.Dates
    grouped: str
    totals: Sequence[int]
    others: int
    foreign: int | None

    def described(self, layout: Layout, reading: Reading) -> str:
        """What is not as in the provider's own report, in a line; "" if nothing is."""
        parts: list[str] = []
        if self.foreign:
            parts.append(f"not UTF-8 (line {self.foreign})")
        if layout.above:
            parts.append(f"headings in line {layout.headings.line}")
        if delimiter := _PARTED_BY.get(layout.headings.delimiter):
            parts.append(delimiter)
        if self.decimals.mark == ",":
            parts.append("decimal comma")
        elif self.grouped:
            parts.append("decimal point")
        if self.grouped:
            parts.append(f"amounts such as {cut(plain(' '.join(self.grouped.split())), _MOST_OF_AN_EXAMPLE)}")
        if self.decimals.bets_are_negative:
            parts.append("bets below zero")
        if self.dates.form or reading.zone_name:
            parts.append(f"dates {self.dates.form or '2026-11-28'} ({reading.zone_name or 'UTC'})")
        if self.totals:
            parts.append(f"a total in line {self.totals[0]}" if len(self.totals) == 1 else f"{len(self.totals)} totals")
        if self.others:
            parts.append(f"{counted(self.others, 'line')} of headings or footers left out")
        return ", ".join(parts)


def _form_of(source: Path, name: str, reading: Reading) -> _Form:
    """Reads the whole report for how it is written. Raises Trouble if it can be read in two ways."""
    foreign: list[int] = []
    layout = Layout.of(source, name, reading, foreign)
    places, width = layout.headings.places, layout.headings.width
    reference, player, amount = (places[column] for column in ("reference", "userId", "amount"))
    callback, timestamp = places.get("callback"), places.get("timestamp")
    of_amounts, of_dates = decimals.AmountEvidence(), dates.DateEvidence()
    totals, others = list[int](), 0
    for line, row, kind in layout.rows():
        if kind in ("headings", "footer"):
            others += 1
            continue
        if kind == "total":
            totals.append(line)
        # What names no credit shows nothing of how the credits are written.
        if len(row) == width and (kind == "total" or (row[reference].strip() and row[player].strip())):
            said = (row[callback] if callback is not None else "") or reading.callback or ""
            is_bet = kind == "row" and callback_of(said) == "bet"
            of_amounts.see(line, legacy_text(row[amount].strip()), is_bet=is_bet)
            if timestamp is not None:
                of_dates.see(line, legacy_text(row[timestamp].strip()))
    usual = "." if layout.timepoint is not None else None
    return _Form(
        of_amounts.decided(reading.mark, name, usual),
        of_dates.decided(reading.order, reading.zone, name),
        of_amounts.grouped,
        totals,
        others,
        foreign[0] if foreign else None,
    )


def _item(
    line: int, row: Sequence[str], headings: Headings, reading: Reading, form: _Form, read: Read, sums: Sums | None
) -> Item:
    if len(row) != headings.width:
        return _shifted(line, row, headings)
    fields = {
        column: row[place] if column in _IDENTITIES else row[place].strip() for column, place in headings.places.items()
    }
    foreign: list[str] = []
    if form.foreign:
        foreign = [column for column in _IDENTITIES if not is_unicode(fields.get(column, ""))]
        fields = {column: legacy_text(cell) for column, cell in fields.items()}
    said = fields.get("callback") or reading.callback or ""
    callback = callback_of(said)
    amount = form.decimals.read(fields["amount"])
    feeds = callback_of(fields[CALLBACK_OF_FEED]) if CALLBACK_OF_FEED in fields else None
    is_of_another = bool(feeds and feeds != callback)
    timestamp = fields.get("timestamp", "")
    moment = form.dates.read(timestamp) if timestamp else None
    if moment:
        read.see_moment(moment)
    elif timestamp:
        read.undated = read.undated or (line, timestamp)
        read.undated_rows += 1
    currency = _currency(fields.get("currency", ""))
    beside = amount.currency if amount else ""
    item: Item = {
        "line": line,
        "callback": callback or "",
        "reference": fields["reference"],
        "player": fields["userId"],
        "currency": currency or beside,
        "amount": amount.value if amount else "",
        "transaction": fields.get("transactionId", ""),
        "day": moment.day if moment else "",
        "answer": fields.get("answer", ""),
    }
    if moment:
        item |= {"moment": moment.at, "lasts": moment.lasts}
    if "|" in (currency or beside):
        item |= {"currency": "", "sign": currency or beside}
    if callback and fields["reference"] and not is_of_another and not foreign:
        item["id"] = f"{callback}#{fields['reference']}"
    if sums:
        sums.add(amount, str(item["currency"]), is_bet=callback == "bet")
    if fault := (
        _missing(fields, said)
        or ("" if callback else f"{_told(said)} is not a callback")
        or (f"type is {_told(fields[CALLBACK_OF_FEED])}, and --callback says {callback}" if is_of_another else "")
        or (f"the {' and the '.join(foreign)} has characters that are not UTF-8" if foreign else "")
        or (_amounts_fault(fields["amount"], amount, callback, form.decimals))
        or (_currencies_fault(fields["amount"], beside, currency))
    ):
        item["fault"] = fault
    return item


def _amounts_fault(text: str, amount: decimals.Amount | None, callback: str | None, form: decimals.Decimals) -> str:
    if amount is None:
        return form.why_not(text)
    if amount.is_negative and not (callback == "bet" and form.bets_are_negative):
        return f"{_told(text)} is not an amount: it is below zero"
    return ""


def _currency(text: str) -> str:
    """The code of what the column says; `USD|CAD` for a sign of several currencies."""
    return decimals.currencies(text) if text in decimals.SIGNS else in_capitals(text)


def _currencies_fault(text: str, beside: str, column: str) -> str:
    if not beside or not column or {*beside.split("|")} & {*column.split("|")}:
        return ""
    return f"{_told(text)} is in another currency than its column says: {column}"


@dataclass(frozen=True, slots=True)
class _Total:
    """What a row of a total says is the sum, and the words beside it: its currency may be one of them."""

    line: int
    amount: decimals.Amount
    currency: str
    words: frozenset[str]

    @classmethod
    def of(cls, line: int, row: Sequence[str], headings: Headings, form: _Form) -> "_Total | None":
        """None if it has no amount: it may be a number of rows."""
        cells = [legacy_text(cell) for cell in row]
        if any(_COUNT.fullmatch(cell.strip()) for cell in cells):
            return None
        said = total_of(cells, headings)
        amount = form.decimals.read(said)
        if amount is None:
            return None
        words = {in_capitals(word.strip(":()")) for cell in cells for word in cell.split()}
        place = headings.places.get("currency", len(cells))
        beside = cells[place].strip() if place < len(cells) == headings.width else ""
        currency = "" if beside == said else _currency(beside)
        return cls(
            line, amount, "" if "|" in currency else currency, frozenset(words | {*amount.currency.split("|")} - {""})
        )

    def differs(self, sums: Sums | None) -> str | None:
        return sums.differs(self.amount, self.currency, self.words) if sums else None

    def item(self, make: str) -> Item:
        """As a row with that fault."""
        nothing = dict.fromkeys(("reference", "player", "currency", "transaction", "day", "answer"), "")
        fault = f"the rows of the report make {make}"
        return {**nothing, "line": self.line, "callback": "total", "amount": self.amount.value, "fault": fault}


_COUNT = re.compile(
    r"(?:anzahl|anz\.|count|number of|no\. of|rows|zeilen|nombre|aantal|antal|liczba).{0,40}", re.IGNORECASE
)


def _unread_total(line: int, row: Sequence[str], headings: Headings) -> Item | None:
    """A total that says a sum which cannot be read, as a row with that fault."""
    cells = [legacy_text(cell).strip() for cell in row]
    said = total_of(cells, headings)
    if not said or not re.search(r"[0-9#]", said) or any(map(_COUNT.fullmatch, cells)):
        return None
    nothing = dict.fromkeys(("reference", "player", "currency", "amount", "transaction", "day", "answer"), "")
    return {**nothing, "line": line, "callback": "total", "fault": f"{_told(said)} cannot be read"}


def _shifted(line: int, row: Sequence[str], headings: Headings) -> Item:
    """A row of which nothing can be believed. Its reference is shown as far as there is one, to find it by."""
    place = headings.places["reference"]
    nothing = dict.fromkeys(("callback", "player", "currency", "amount", "transaction", "day", "answer"), "")
    return {
        **nothing,
        "line": line,
        "reference": legacy_text(row[place]) if place < len(row) else "",
        "fault": f"{counted(len(row), 'cell')} where the headings have {headings.width}",
    }


def _missing(fields: Mapping[str, str], callback: str) -> str:
    known = {**fields, "callback": callback}
    return ", ".join(f"no {column}" for column in NEEDED if not known[column].strip())


def _told(cell: str) -> str:
    """The cell in a message, which is escaped where it is printed."""
    return f"'{cut(cell, _MOST_OF_A_CELL)}'"
