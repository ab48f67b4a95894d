"""Where the rows of a report are: below its headings, and between lines that are not rows.

A line is left out only if it is known for what it is: a title above the headings, a total, the headings once more, a
page's number. The output names what was left out. Anything else is a row, and a bad row is named by its line.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from tools.provider.columns import COLUMNS
from tools.shared.cells import (
    DELIMITERS,
    Spanning,
    is_unicode,
    legacy_text,
    not_utf_8,
    parting,
    rows,
    separator,
    split,
    texts,
)
from tools.shared.hints import word
from tools.shared.outside import plain
from tools.shared.trouble import Trouble
from tools.walletctl.reconcile.reading import CALLBACK_OF_FEED, NEEDED, Reading, callback_of

Kind = Literal["row", "total", "headings", "footer"]

_MOST_ABOVE = 60  # rows above the headings: a title, who printed it, the filters that were set
_TIMEPOINT = re.compile(r"#?\s*timepoint\s*[=:]\s*([0-9]{1,20})", re.IGNORECASE)
_LIKE_A_TIMEPOINT = re.compile(r"#?\s*timepoint", re.IGNORECASE)
_BETWEEN_WORDS = re.compile(r"[\s_.-]+")
_TYPO = 2  # letters in which a heading may differ from one of ours, and is taken for a misspelling of it
_MAY_BE_MISSPELT = ("callback", "currency", "transactionId", "timestamp", "answer")  # the report may lack them
_AMOUNT_LIKE = re.compile(r"[0-9][0-9.,' ]*")
_TOTAL = re.compile(
    r"(?:(?:grand|sub|report|overall|page)?[ -]?totals?|sum|summary|summe|gesamt(?:summe|betrag)?|(?:zwischen|end)summe"
    r"|insgesamt|total g\S+ral|totale|totaal|totalt|summa|somme|suma|soma|razem|ogółem|toplam|genel toplam|итого|всего"
    r"|celkem|összesen|yhteensä|i alt|sammanlagt)(?P<tail>[\s:(*].{0,40})?",
    re.IGNORECASE,
)
_FOOTER = re.compile(
    r"(?:(?:page|seite|página|pagina|strona|sida|sayfa)\s+[0-9]+(?:\s*(?:of|/|von|de|di|z|av)\s*[0-9]+)?"
    r"|[-*\s]*(?:end of (?:the )?(?:report|file|list|data)|ende des berichts|fin du rapport|fin del informe)[-*\s.]*"
    r"|(?:report )?(?:generated|printed|exported|created|erstellt|gedruckt|erzeugt)\s+(?:on|at|by|am|um|von)?.{0,80}"
    r"|[-=_*\s]+)",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Headings:
    """How many columns a report has, what parts them, where each of ours is, and what the others are called."""

    line: int
    delimiter: str
    cells: Sequence[str]
    places: Mapping[str, int]
    unread: Sequence[str]

    @property
    def width(self) -> int:
        return len(self.cells)

    @classmethod
    def of(cls, line: int, text: str, name: str, reading: Reading, said: str | None) -> "Headings":
        """From the line of headings, and the delimiter that the file says. Raises Trouble."""
        text = legacy_text(text)
        delimiter = said or parting(text, lambda headings: len(_places(headings, reading)))
        _, headings = next(rows([(line, text)], name, delimiter))
        where = _places(headings, reading)
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
        return cls(line, delimiter, headings, places_read, unread)


@dataclass(slots=True)
class Layout:
    """A report from its first row on. `above` are the lines above its headings that are no part of it."""

    headings: Headings
    timepoint: int | None
    above: Sequence[str]
    _rows: Iterator[tuple[int, str]]
    _name: str

    @classmethod
    def of(cls, path: Path, name: str, reading: Reading, foreign: list[int] | None = None) -> "Layout":
        """Puts the first line that is not UTF-8 into `foreign`. Raises Trouble if the report has no headings."""
        report = texts(path, name=name, foreign=[] if foreign is None else foreign)
        line, text = next(report, (0, ""))
        if said := separator(text):
            line, text = next(report, (0, ""))
        timepoint = None
        if found := time_point(text):
            timepoint = int(found[1])
            line, text = next(report, (0, ""))
        if not line:
            raise Trouble(f"{name} is empty: a report begins with a line of headings")
        first, above = (line, text), list[tuple[int, str]]()
        while line and len(above) < _MOST_ABOVE and not _begins(text, reading, said):
            above.append((line, text))
            line, text = next(report, (0, ""))
        if not line or len(above) == _MOST_ABOVE:
            line, text = _likely([first, *above], name, said)  # of which it is said what is missing
        headings = Headings.of(line, text, name, reading, said)
        for number, other in above:
            _check_above(number, other, headings, name)
        return cls(headings, timepoint, [text for _, text in above], report, name)

    def rows(self, spanning: Spanning | None = None) -> Iterator[tuple[int, list[str], Kind]]:
        """Each row with its line, and what it is. Raises Trouble."""
        headings = self.headings
        player, reference, amount = (headings.places[column] for column in ("userId", "reference", "amount"))
        width = headings.width
        titles = {_filled(split(text, headings.delimiter) or []) for text in self.above}
        for line, row in rows(self._rows, self._name, headings.delimiter, spanning):
            # Most rows are known by this; the headings once more have no digit at the end of their amount.
            if len(row) == width and row[amount][-1:].isdigit() and row[player].strip() and row[reference].strip():
                yield line, row, "row"
            elif filled := _filled(row):
                yield line, row, "footer" if filled in titles else self._kind(line, row, filled)

    def _kind(self, line: int, row: Sequence[str], filled: Sequence[str]) -> Kind:
        headings = self.headings
        keys = [_key(legacy_text(cell)) for cell in row]
        if keys == [_key(cell) for cell in headings.cells]:
            return "headings"
        needed = {_key(headings.cells[headings.places[column]]) for column in NEEDED if column in headings.places}
        if len(needed.intersection(keys)) == len(needed):
            raise Trouble(
                f"{self._name} has other headings in line {line} than in line {headings.line}: compare the two parts "
                "one by one"
            )
        if (len(filled) == 1 and _FOOTER.fullmatch(filled[0])) or all(_RULE.fullmatch(cell) for cell in filled):
            return "footer"
        if len(row) != headings.width:
            return "total" if len(filled) <= 3 and _TOTAL.fullmatch(filled[0]) else "row"
        return "total" if self._is_total(row) else "row"

    def _is_total(self, row: Sequence[str]) -> bool:
        """Whether it names no credit, and says that it is a sum: by a word, or by its amount alone."""
        places = self.headings.places
        reference, player = row[places["reference"]].strip(), row[places["userId"]].strip()
        callback = row[places["callback"]].strip() if "callback" in places else ""
        amount = row[places["amount"]].strip()
        words = [cell.strip() for cell in row if _TOTAL.fullmatch(cell.strip())]
        if callback_of(callback):
            return False
        return {reference, player} <= {*words, ""} and bool(words or (amount and not callback))


_RULE = re.compile(r"[-=_*]{2,}")


def _filled(row: Sequence[str]) -> tuple[str, ...]:
    return tuple(cell.strip() for cell in map(legacy_text, row) if cell.strip())


def time_point(text: str) -> re.Match[str] | None:
    """The first line of the provider's feed."""
    return _TIMEPOINT.fullmatch(text.strip(f'{DELIMITERS} "'))


def total_of(row: Sequence[str], headings: Headings) -> str:
    """What a row of a total says is the sum; "" if it says none.

    It may stand one column beside the amounts, or in one cell with its word.
    """
    is_whole = len(row) == headings.width
    if is_whole and (amount := row[headings.places["amount"]].strip()):
        return amount
    numbers = [number for cell in row if (number := _number_in(cell.strip(), is_whole=is_whole))]
    return numbers[-1] if len(numbers) == 1 or not is_whole else ""


def _number_in(cell: str, *, is_whole: bool) -> str:
    """The number of a cell, or the one after the word for a total.

    With `is_whole` only one with decimals: another may be a count, as a date may be.
    """
    if worded := _TOTAL.fullmatch(cell):
        cell = (worded["tail"] or "").strip(" :*")
    if not is_whole:
        return cell if any(digit in cell for digit in "0123456789") else ""
    return cell if _SUM.fullmatch(cell) and not _LIKE_A_DATE.search(cell) else ""


_SUM = re.compile(r"[^0-9]{0,5}[0-9][0-9.,'\u2019\s]*[.,][0-9]+(?:\s?(?:[A-Z]{3}|[^\w\s]))?")
_LIKE_A_DATE = re.compile(r"[0-9]{1,4}[./-][0-9]{1,2}[./-][0-9]{1,4}")


def _likely(report: Sequence[tuple[int, str]], name: str, said: str | None) -> tuple[int, str]:
    """Which of these lines may be the headings: the first that has as many cells as any. Raises Trouble."""
    cells = [max(_cells(text, delimiter) for delimiter in said or DELIMITERS) for _, text in report]
    if max(cells) < len(NEEDED):
        for number, text in report:
            if not is_unicode(text):
                raise not_utf_8(name, number)
    return report[cells.index(max(cells))]


def _cells(text: str, delimiter: str) -> int:
    """How many cells of a line have something in them; of one with a wrong quote, how many there are."""
    row = split(text, delimiter)
    return text.count(delimiter) + 1 if row is None else len(_filled(row))


def _begins(text: str, reading: Reading, said: str | None) -> bool:
    """Whether a line is that of the headings, or is meant to be: two of those that are needed are in it."""
    text = legacy_text(text)
    if _LIKE_A_TIMEPOINT.match(text.strip(f'{DELIMITERS} "')):
        return True  # a damaged one is not passed over: it would be missed
    for delimiter in said or DELIMITERS:
        if len(_places(split(text, delimiter) or [], reading).keys() & {*NEEDED}) >= _ENOUGH:
            return True
    return False


_MOST_OF_A_ROW = 0.6  # of its cells: a line with fewer is a title, or says who printed the report
_ENOUGH = 2  # needed columns in a line: it is one of headings, perhaps misspelt


def _check_above(line: int, text: str, headings: Headings, name: str) -> None:
    """Raises Trouble for a row above the headings: what is above them is not compared."""
    places = headings.places
    for delimiter in DELIMITERS:
        row = split(text, delimiter) or []
        cells = [cell.strip() for cell in row if cell.strip()]
        if len(row) == headings.width:
            is_row = all(row[places[column]].strip() for column in ("reference", "userId", "amount"))
        else:
            is_row = len(cells) >= max(len(NEEDED) - 1, _MOST_OF_A_ROW * headings.width)
        if is_row and any(map(_AMOUNT_LIKE.fullmatch, cells)):
            raise Trouble(
                f"{name} has its headings in line {headings.line}, and line {line} above them looks like a row: "
                "remove that line, or put it below the headings"
            )


def _places(headings: Sequence[str], reading: Reading) -> dict[str, list[int]]:
    """The places of each of our columns."""
    there = [_key(heading) for heading in headings]
    wanted = {column: _key(theirs) for column, theirs in reading.headings.items()}
    is_open = "callback" not in reading.named and reading.callback is None
    if is_open and wanted["callback"] not in there:
        wanted["callback"] = CALLBACK_OF_FEED
    elif reading.callback is not None and wanted["callback"] not in there:
        wanted[CALLBACK_OF_FEED] = CALLBACK_OF_FEED
    return {
        column: [place for place, heading in enumerate(there) if heading == key]
        for column, key in wanted.items()
        if key in there
    }


def _check_all_there(name: str, headings: Sequence[str], where: Mapping[str, object], reading: Reading) -> None:
    must = {*NEEDED, *reading.named}
    if reading.callback is not None:
        must.discard("callback")
    absent = [reading.headings[column] for column in COLUMNS if column in must and column not in where]
    if absent:
        there = ", ".join(heading for heading in headings if heading)
        hint = " (or say with --callback what all rows are of)" if reading.headings["callback"] in absent else ""
        which = ",".join(f"{column}=HEADING" for column in COLUMNS if column in must and column not in where)
        raise Trouble(
            f"{name} has no column {plain(' and no '.join(absent))}: its headings are {plain(there)[:300]}; "
            f"say which is which with --columns {which}{hint}"
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
