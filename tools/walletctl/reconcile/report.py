"""A provider's report, read row by row: what is not of its form is named by its line, and the rest is compared.

What the columns mean: docs/tools/simulate.md, The provider's report.
"""

import csv
import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

from tools.provider.columns import COLUMNS
from tools.shared.amounts import amount
from tools.shared.cells import DELIMITERS, Spanning, parting, rows, separator, texts
from tools.shared.hints import word
from tools.shared.identifiers import in_capitals
from tools.shared.listing import counted
from tools.shared.outside import cut, plain
from tools.shared.trouble import Trouble

NEEDED = ("reference", "callback", "userId", "amount")
COMPARED_IF_THERE = {"currency": "currency", "transactionId": "transaction"}  # and what their fields are in a row

_CALLBACKS = {
    "result": "result", "jackpot": "jackpot", "bonus": "bonus", "promo": "promo", "autoclosing": "result",
    "bet": "bet", "cancel": "cancel", "cancelbet": "cancel", "refund": "cancel",
}  # fmt: skip
_FEEDS_CALLBACK = "type"  # what the provider's feed of transactions calls its callbacks
_IDENTITIES = ("reference", "transactionId", "userId")  # compared to the last character: the wallet does not trim
_AMOUNT = re.compile(r"(-?)0*([0-9]{1,32}?)(?:\.([0-9]{1,32}?)0*)?")
_WITH_EXPONENT = re.compile(r"-?[0-9]{1,64}(?:\.[0-9]{1,64})?[eE][+-]?0*[0-9]{1,2}")  # of more, none is an amount
_BETWEEN_WORDS = re.compile(r"[\s_.-]+")
_WITH_COMMA = re.compile(r"-?[0-9]+,[0-9]+")
_TIMEPOINT = re.compile(r"#?\s*timepoint\s*[=:]\s*([0-9]{1,20})", re.IGNORECASE)
_MOST_OF_A_CELL = 100  # characters, in a message
_FIRST_YEAR = 2000  # of what is milliseconds: seconds, or 20261129, would be a moment in 1970
_STEP = 1000  # rows between two signs of life
_TYPO = 2  # letters in which a heading may differ from one of ours, and is taken for a misspelling of it
_MAY_BE_MISSPELT = ("callback", "currency", "transactionId", "timestamp", "answer")  # the report may lack them


@dataclass(frozen=True, slots=True)
class Reading:
    """How a report is read: the provider's heading of each column, and what callback all rows are of, if none says.

    `named` are the columns whose heading was given, and which must be there. A column without a heading is not read.
    """

    headings: Mapping[str, str]
    named: frozenset[str]
    callback: str | None
    decimal_comma: bool = False

    @classmethod
    def of(cls, mapping: str | None, callback: str | None, *, decimal_comma: bool = False) -> "Reading":
        """From `reference=Ref,amount=Win`, a row of CSV, and a callback's name. Raises Trouble."""
        headings: dict[str, str] = {column: column for column in COLUMNS}
        named: set[str] = set()
        for pair in next(csv.reader((mapping or "",)), []):
            if not pair:
                continue
            ours, _, theirs = pair.partition("=")
            column = next((each for each in COLUMNS if each.lower() == ours.strip().lower()), None)
            if column is None or not (theirs or column not in NEEDED):
                known = ", ".join(COLUMNS)
                raise Trouble(f"--columns has no use for {plain(pair)}: write {COLUMNS[0]}=Ref, and of {known}")
            if column in named:
                raise Trouble(f"--columns names {column} twice: a column has one heading")
            named.add(column)
            if theirs:
                headings[column] = theirs
            else:
                del headings[column]
        if callback is not None and _callback(callback) is None:
            raise Trouble(f"no callback is called {plain(callback)}: result, jackpot, bonus, promo, bet or cancel")
        return cls(headings, frozenset(named & headings.keys()), callback, decimal_comma)


@dataclass(slots=True)
class Read:
    """How much was read: `rows` of credits, bets and cancels, and among them `faulty` ones.

    `absent` are the columns that would be compared, if the report had them; `unread` are the headings of other columns.
    `timepoint` is the moment, in milliseconds since the epoch, from which the provider's feed (`is_feed`) has the next
    portion. It is None if two portions are in one file: which of them is the later is not known.
    `commas` are the amounts that could not be read and have a decimal comma.
    `undated` is the line and the timestamp of the first row whose timestamp could not be read.
    """

    rows: int = 0
    faulty: int = 0
    absent: Sequence[str] = ()
    unread: Sequence[str] = ()
    is_feed: bool = False
    timepoint: int | None = None
    spanning: Spanning = field(default_factory=Spanning)
    commas: int = 0
    undated_rows: int = 0
    undated: tuple[int, str] | None = None


def copy_report(path: Path, to: Path, reading: Reading, advance: Callable[[int], None]) -> Read:
    """Writes a JSON object for each row, a line each, with the line it came from. Raises Trouble.

    A row with a fault has it under `fault`; what of it can be read is there all the same.
    """
    read = Read()
    name = plain(str(path))
    report = texts(path)
    with to.open("w") as written:
        line, text = next(report, (0, ""))
        if said := separator(text):
            line, text = next(report, (0, ""))
        if found := _timepoint(text):
            read.is_feed, read.timepoint = True, int(found[1])
            line, text = next(report, (0, ""))
        if not line:
            raise Trouble(f"{name} is empty: a report begins with a line of headings")
        headings = _Headings.of(line, text, name, reading, said)
        read.absent = [column for column in COMPARED_IF_THERE if column not in headings.places]
        read.unread = headings.unread
        for line, row in rows(report, name, headings.delimiter, read.spanning):
            if not any(row):
                continue
            item = _item(line, row, headings, reading, read)
            read.rows += 1
            if "fault" in item:
                read.faulty += 1
                read.timepoint = None if _timepoint(row[0]) else read.timepoint
            written.write(json.dumps(item))
            written.write("\n")
            if read.rows % _STEP == 0:
                advance(_STEP)
    return read


def _timepoint(text: str) -> re.Match[str] | None:
    return _TIMEPOINT.fullmatch(text.strip(f'{DELIMITERS} "'))


def canonical(text: str) -> str | None:
    """An amount in the one way it is written here: no leading zeros, none at its end. None if it is not an amount."""
    if _WITH_EXPONENT.fullmatch(text):
        text = amount(Decimal(text))
    if not (found := _AMOUNT.fullmatch(text)):
        return None
    whole, part = found[2] or "0", found[3]
    value = f"{whole}.{part}" if part and part != "0" else whole
    return None if found[1] and value != "0" else value


@dataclass(frozen=True, slots=True)
class _Headings:
    """How many columns a report has, what parts them, where each of ours is, and what the others are called."""

    delimiter: str
    width: int
    places: Mapping[str, int]
    unread: Sequence[str]

    @classmethod
    def of(cls, line: int, text: str, name: str, reading: Reading, said: str | None) -> "_Headings":
        """From the line of headings, and the delimiter that the file says. Raises Trouble."""

        def places(headings: Sequence[str]) -> dict[str, list[int]]:
            there = [_key(heading) for heading in headings]
            wanted = {column: _key(theirs) for column, theirs in reading.headings.items()}
            is_open = "callback" not in reading.named and reading.callback is None
            if is_open and wanted["callback"] not in there:
                wanted["callback"] = _FEEDS_CALLBACK
            elif reading.callback is not None and wanted["callback"] not in there:
                wanted[_FEEDS_CALLBACK] = _FEEDS_CALLBACK
            return {
                column: [place for place, heading in enumerate(there) if heading == key]
                for column, key in wanted.items()
                if key in there
            }

        delimiter = said or parting(text, lambda headings: len(places(headings)))
        _, headings = next(rows([(line, text)], name, delimiter))
        where = places(headings)
        for column, at in where.items():
            if len(at) > 1:
                told = " and ".join(f"'{plain(headings[place])}' (column {place + 1})" for place in at)
                raise Trouble(f"{name} has {column} more than once: {told}. Leave one of them, or rename the others")
        _check_all_there(name, headings, where, reading)
        places_read = {column: place for column, (place,) in where.items()}
        unread = [
            heading for place, heading in enumerate(headings) if heading.strip() and place not in places_read.values()
        ]
        _check_spelling(name, unread, [each for each in _MAY_BE_MISSPELT if each not in where], reading)
        return cls(delimiter, len(headings), places_read, unread)


def _check_all_there(name: str, headings: Sequence[str], where: Mapping[str, object], reading: Reading) -> None:
    must = {*NEEDED, *reading.named}
    if reading.callback is not None:
        must.discard("callback")
    absent = [reading.headings[column] for column in COLUMNS if column in must and column not in where]
    if absent:
        there = ", ".join(heading for heading in headings if heading)
        hint = " (or say with --callback what all rows are of)" if reading.headings["callback"] in absent else ""
        raise Trouble(
            f"{name} has no column {plain(' and no '.join(absent))}: its headings are {plain(there)[:300]}; "
            f"say which is which with --columns reference=Ref,amount=Win{hint}"
        )


def _check_spelling(name: str, unread: Sequence[str], absent: Sequence[str], reading: Reading) -> None:
    """Raises Trouble for a heading that is nearly one of ours: what it holds would not be compared."""
    for column in absent:
        for heading in unread:
            if column in reading.headings and _distance(_key(heading), column.casefold()) <= _TYPO:
                if_not = "rename it" if column in NEEDED else f"--columns {column}= says that there is none"
                raise Trouble(
                    f"{name} has no column {column}, but '{plain(heading)}'. If that is the {column}, say --columns "
                    f"{word(f'{column}={heading}')}. If not, {if_not}"
                )


def _distance(one: str, other: str) -> int:
    """How many letters must be put in, left out or replaced to make one of the other."""
    if abs(len(one) - len(other)) > _TYPO:
        return _TYPO + 1
    above = [*range(len(other) + 1)]
    for number, letter in enumerate(one, 1):
        row = [number]
        for place, its in enumerate(other):
            row.append(min(above[place] + (letter != its), above[place + 1] + 1, row[place] + 1))
        above = row
    return above[-1]


def _key(heading: str) -> str:
    """What a heading is compared by: `User ID` and `user_id` are `userId`."""
    return _BETWEEN_WORDS.sub("", heading).casefold()


def _item(line: int, row: Sequence[str], headings: _Headings, reading: Reading, read: Read) -> dict[str, str | int]:
    if len(row) != headings.width:
        return _shifted(line, row, headings)
    fields = {
        column: row[place] if column in _IDENTITIES else row[place].strip() for column, place in headings.places.items()
    }
    said = fields.get("callback") or reading.callback or ""
    callback = _callback(said)
    amount = canonical(_with_point(fields["amount"]) if reading.decimal_comma else fields["amount"])
    feeds = _callback(fields[_FEEDS_CALLBACK]) if _FEEDS_CALLBACK in fields else None
    is_of_another = bool(feeds and feeds != callback)
    timestamp = fields.get("timestamp", "")
    day = _day(timestamp) if timestamp else ""
    if day is None:
        read.undated = read.undated or (line, timestamp)
        read.undated_rows += 1
    item: dict[str, str | int] = {
        "line": line,
        "callback": callback or "",
        "reference": fields["reference"],
        "player": fields["userId"],
        "currency": in_capitals(fields.get("currency", "")),
        "amount": amount or "",
        "transaction": fields.get("transactionId", ""),
        "day": day or "",
        "answer": fields.get("answer", ""),
    }
    if callback and fields["reference"] and not is_of_another:
        item["id"] = f"{callback}#{fields['reference']}"
    read.commas += amount is None and bool(_WITH_COMMA.fullmatch(fields["amount"]))
    if fault := (
        _missing(fields, said)
        or ("" if callback else f"{_told(said)} is not a callback")
        or (f"type is {_told(fields[_FEEDS_CALLBACK])}, and --callback says {callback}" if is_of_another else "")
        or ("" if amount else f"{_told(fields['amount'])} is not an amount")
    ):
        item["fault"] = fault
    return item


def _shifted(line: int, row: Sequence[str], headings: _Headings) -> dict[str, str | int]:
    """A row of which nothing can be believed. Its reference is shown as far as there is one, to find it by."""
    place = headings.places["reference"]
    nothing = dict.fromkeys(("callback", "player", "currency", "amount", "transaction", "day", "answer"), "")
    return {
        **nothing,
        "line": line,
        "reference": row[place] if place < len(row) else "",
        "fault": f"{counted(len(row), 'cell')} where the headings have {headings.width}",
    }


def _with_point(amount: str) -> str:
    """An amount with a decimal comma, with a point instead; one that has a point already is not an amount."""
    return "" if "." in amount else amount.replace(",", ".")


def _missing(fields: Mapping[str, str], callback: str) -> str:
    known = {**fields, "callback": callback}
    return ", ".join(f"no {column}" for column in NEEDED if not known[column].strip())


def _told(cell: str) -> str:
    """The cell in a message, which is escaped where it is printed."""
    return f"'{cut(cell, _MOST_OF_A_CELL)}'"


def _callback(text: str) -> str | None:
    """In the provider's words: `result`, `Result`, `JackPotWin`, `promo win`, `auto-closing`."""
    letters = "".join(character for character in text.lower() if character.isalpha())
    return _CALLBACKS.get(letters) or _CALLBACKS.get(letters.removesuffix("win"))


def moment_of(milliseconds: str) -> datetime | None:
    """The moment of milliseconds since the epoch; None for one before 2000, which was written as something else."""
    try:
        moment = datetime.fromtimestamp(int(milliseconds) / 1000, UTC)
    except (ValueError, OverflowError, OSError):
        return None
    return moment if moment.year >= _FIRST_YEAR else None


def _day(timestamp: str) -> str | None:
    """The UTC day of milliseconds since the epoch, or of an ISO moment; None if it is neither."""
    if timestamp.isascii() and timestamp.isdigit():
        moment = moment_of(timestamp)
    else:
        try:
            moment = datetime.fromisoformat(timestamp)
            moment = moment.astimezone(UTC) if moment.tzinfo else moment
        except (ValueError, OverflowError):
            return None
    return moment.strftime("%Y-%m-%d") if moment else None
