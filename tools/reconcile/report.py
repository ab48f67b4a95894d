"""A provider's report, read line by line: what is not of its form is named by its line, and the rest goes on.

What the columns mean: docs/tools.md, The provider's report.
"""

import csv
import gzip
import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import IO

from tools.local.trouble import Trouble
from tools.outside import plain

COLUMNS = (
    "reference",
    "callback",
    "transactionId",
    "userId",
    "currency",
    "amount",
    "roundId",
    "gameId",
    "bonusCode",
    "timestamp",
    "answer",
)
NEEDED = ("reference", "callback", "userId", "amount")

_CALLBACKS = {"result": "result", "jackpot": "jackpot", "bonus": "bonus", "promo": "promo", "autoclosing": "result"}
_AMOUNT = re.compile(r"0*([0-9]{1,32}?)(?:\.([0-9]{1,32}?)0*)?")
_MOST_OF_A_FIELD = 1 << 20  # characters: a file without a quote's end is not read whole into one field
_DELIMITERS = ",;\t|"
_STEP = 1000  # rows between two signs of life


@dataclass(frozen=True, slots=True)
class Reading:
    """How a report is read: the provider's heading of each column, and what callback all rows are of, if none says."""

    headings: Mapping[str, str]
    callback: str | None

    @classmethod
    def of(cls, mapping: str | None, callback: str | None) -> "Reading":
        """From `reference=Ref,amount=Win` and a callback's name. Raises Trouble."""
        headings: dict[str, str] = {column: column for column in COLUMNS}
        for pair in (mapping or "").split(","):
            if not pair:
                continue
            ours, _, theirs = pair.partition("=")
            column = next((each for each in COLUMNS if each.lower() == ours.strip().lower()), None)
            if column is None or not theirs:
                known = ", ".join(COLUMNS)
                raise Trouble(f"--columns has no use for {plain(pair)}: write {COLUMNS[0]}=Ref, and of {known}")
            headings[column] = theirs
        if callback is not None and _callback(callback) is None:
            raise Trouble(f"no callback is called {plain(callback)}: result, jackpot, bonus or promo")
        return cls(headings, callback)


@dataclass(slots=True)
class Read:
    """How much was read: `rows` of credits, and among them `faulty` ones."""

    rows: int = 0
    faulty: int = 0


def copy_report(path: Path, to: Path, reading: Reading, advance: Callable[[int], None]) -> Read:
    """Writes a JSON object for each row, a line each, with the line it came from. Raises Trouble.

    A row with a fault has it under `fault`; what of it can be read is there all the same.
    """
    read = Read()
    with _opened(path) as file, to.open("w") as written:
        rows, where = _rows(file, path, reading)
        for line, row in rows:
            if not any(row):
                continue
            item = _item(line, row, where, reading)
            read.rows += 1
            read.faulty += "fault" in item
            written.write(json.dumps(item))
            written.write("\n")
            if read.rows % _STEP == 0:
                advance(_STEP)
    return read


def canonical(amount: str) -> str | None:
    """An amount in the one way it is written here: no leading zeros, none at its end. None if it is no amount."""
    if not (found := _AMOUNT.fullmatch(amount)):
        return None
    whole, part = found[1] or "0", found[2]
    return f"{whole}.{part}" if part and part != "0" else whole


def _item(line: int, row: Sequence[str], where: Mapping[str, int], reading: Reading) -> dict[str, str | int]:
    fields = {column: row[place].strip() if place < len(row) else "" for column, place in where.items()}
    said = fields.get("callback") or reading.callback or ""
    callback, amount = _callback(said), canonical(fields["amount"])
    day, moment_fault = _day(fields.get("timestamp", ""))
    item: dict[str, str | int] = {
        "line": line,
        "callback": callback or "",
        "reference": fields["reference"],
        "player": fields["userId"],
        "currency": fields.get("currency", "").upper(),
        "amount": amount or "",
        "transaction": fields.get("transactionId", ""),
        "day": day,
        "answer": fields.get("answer", ""),
    }
    if callback and fields["reference"]:
        item["id"] = f"{callback}#{fields['reference']}"
    if fault := (
        _missing(fields, said)
        or ("" if callback else f"{said!r} is no callback")
        or ("" if amount else f"{fields['amount']!r} is no amount")
        or moment_fault
    ):
        item["fault"] = fault
    return item


def _missing(fields: Mapping[str, str], callback: str) -> str:
    known = {**fields, "callback": callback}
    return ", ".join(f"no {column}" for column in NEEDED if not known[column])


def _callback(text: str) -> str | None:
    """In the provider's words: `result`, `Result`, `JackPotWin`, `promo win`, `auto-closing`."""
    letters = "".join(character for character in text.lower() if character.isalpha())
    return _CALLBACKS.get(letters) or _CALLBACKS.get(letters.removesuffix("win"))


def _day(timestamp: str) -> tuple[str, str]:
    """The UTC day of milliseconds since the epoch or of an ISO moment ("" without one), and what is wrong with it."""
    if not timestamp:
        return "", ""
    try:
        if timestamp.isascii() and timestamp.isdigit():
            return datetime.fromtimestamp(int(timestamp) / 1000, UTC).strftime("%Y-%m-%d"), ""
        moment = datetime.fromisoformat(timestamp)
    except (ValueError, OverflowError, OSError):
        return "", f"{timestamp!r} is no moment"
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return moment.astimezone(UTC).strftime("%Y-%m-%d"), ""


def _rows(file: IO[str], path: Path, reading: Reading) -> tuple[Iterator[tuple[int, list[str]]], Mapping[str, int]]:
    """The rows below the heading, each with its line, and at which place each column stands."""
    name = plain(str(path))
    first = file.readline(_MOST_OF_A_FIELD)
    headings = {
        delimiter: [each.strip().strip('"') for each in next(csv.reader([first], delimiter=delimiter), [])]
        for delimiter in _DELIMITERS
    }
    if not first.strip():
        raise Trouble(f"{name} is empty: a report begins with a line of headings")

    def places(delimiter: str) -> dict[str, int]:
        there = [heading.lower() for heading in headings[delimiter]]
        return {
            column: there.index(theirs.lower())
            for column, theirs in reading.headings.items()
            if theirs.lower() in there
        }

    delimiter = max(_DELIMITERS, key=lambda each: len(places(each)))
    where = places(delimiter)
    absent = [reading.headings[column] for column in NEEDED if column not in where]
    if reading.callback is not None and reading.headings["callback"] in absent:
        absent.remove(reading.headings["callback"])
    if absent:
        there = ", ".join(heading for heading in headings[delimiter] if heading)
        hint = " (or say with --callback what all rows are of)" if reading.headings["callback"] in absent else ""
        raise Trouble(
            f"{name} has no column {plain(' and no '.join(absent))}: its headings are {plain(there)[:300]}; "
            f"say which is which with --columns reference=Ref,amount=Win{hint}"
        )
    return _numbered(csv.reader(file, delimiter=delimiter), name), where


def _numbered(reader: Iterator[list[str]], name: str) -> Iterator[tuple[int, list[str]]]:
    """Each row with the line it begins on: the heading is line 1."""
    lines = 0
    while True:
        begins = lines + 2
        try:
            row = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            raise Trouble(f"{name}, line {begins}: {error}") from None
        lines = reader.line_num  # pyright: ignore[reportAttributeAccessIssue] - a csv.reader has it
        yield begins, row


@contextmanager
def _opened(path: Path) -> Iterator[IO[str]]:
    """The file as text, unpacked if it is gzip. Raises Trouble."""
    name = plain(str(path))
    csv.field_size_limit(_MOST_OF_A_FIELD)
    try:
        with path.open("rb") as raw:
            is_packed = raw.read(2) == b"\x1f\x8b"
        opened = gzip.open(path, "rt", encoding="utf-8-sig", newline="") if is_packed else None  # noqa: SIM115 - it is closed below
        with opened or path.open(encoding="utf-8-sig", newline="") as file:
            yield file
    except UnicodeDecodeError as error:
        raise Trouble(f"{name} is not UTF-8 text ({error.reason}): save it as CSV in UTF-8") from None
    except (OSError, EOFError) as error:
        raise Trouble(f"the report {name} cannot be read: {getattr(error, 'strerror', None) or error}") from None
