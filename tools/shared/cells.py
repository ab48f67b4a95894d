"""Files of CSV, read strictly: what is not CSV is refused with its line, and nothing is guessed.

Python's csv module alone does not do it. Also with `strict` it accepts a quote inside a cell that is not quoted, and an
open quote takes every row up to the next quote into its cell.
"""

import csv
import gzip
import io
import re
import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from tools.shared.outside import fault, plain
from tools.shared.trouble import Trouble

DELIMITERS = ",;\t|"

_MOST_OF_A_ROW = 1 << 20  # characters: a callback's body has at most 64 KiB, and an open quote must not fill the memory
_SEPARATOR = re.compile(rf'"?sep=([{DELIMITERS}])"?', re.IGNORECASE)
_GZIP = b"\x1f\x8b"
_UTF_16 = (b"\xff\xfe", b"\xfe\xff")

csv.field_size_limit(_MOST_OF_A_ROW)


def texts(path: Path, *, name: str | None = None, foreign: list[int] | None = None) -> Iterator[tuple[int, str]]:
    """The text of each row that is not blank, and the line that it begins on. Raises Trouble.

    gzip is unpacked, `-` is standard input. The file is read once and in order, so it may be a pipe. A file
    that is not UTF-8 is refused. With `foreign` it is not: each such byte is half a surrogate pair (`legacy_text`), and
    the first line with one is put there.
    """
    name = name or plain(str(path))
    lines = _lines(path, name, foreign)
    for begins, text in lines:
        if text.isspace():
            continue
        if '"' in text and text.count('"') % 2:
            text = _to_the_quotes_end(begins, text, lines, name)
        yield begins, text.rstrip("\r\n")


def opened(path: Path) -> Path:
    """The file that is read: `-` is standard input."""
    return Path("/dev/stdin") if str(path) == "-" else path


def is_unicode(text: str) -> bool:
    """Whether no byte of it was something else than UTF-8."""
    if text.isascii():
        return True
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def legacy_text(text: str) -> str:
    """A text that is not UTF-8, as Windows-1252 has it: for signs and words, and not for what names a thing."""
    return text if is_unicode(text) else text.encode(errors="surrogateescape").decode("cp1252", errors="replace")


@dataclass(slots=True)
class Spanning:
    """How many rows go on over several lines, and the first and last line of the first of them."""

    rows: int = 0
    first: tuple[int, int] = (0, 0)


def rows(
    of: Iterable[tuple[int, str]], name: str, delimiter: str, spanning: Spanning | None = None
) -> Iterator[tuple[int, list[str]]]:
    """The cells of each row, and the line that it begins on. Counts in `spanning`. Raises Trouble."""
    for line, text in of:
        if '"' not in text:
            yield line, text.split(delimiter)
            continue
        cells = split(text, delimiter)
        if cells is None:
            raise Trouble(
                f"{name} is not CSV in line {line}: a quote is in the middle of a cell. A cell with a quote in it is "
                "written in quotes, and its own quotes twice"
            )
        if "\n" in text or "\r" in text:
            if any(_may_hold_rows(cell, len(cells)) for cell in cells):
                raise Trouble(
                    f"{name} is not CSV in line {line}: a quoted cell goes on over several lines, with as many "
                    "delimiters as if rows were in it. A quote is missing, or there is one too many"
                )
            if spanning:
                spanning.first = spanning.first if spanning.rows else (line, line + _ends(text))
                spanning.rows += 1
        yield line, cells


def separator(text: str) -> str | None:
    """What a first line such as `sep=;` says, which spreadsheets read and write; None if it is another line."""
    found = _SEPARATOR.fullmatch(text)
    return found and found[1]


def parting(text: str, read: Callable[[Sequence[str]], int]) -> str:
    """The delimiter of a line of headings: the one that parts it into the most that `read` counts, or into the most."""
    return max(DELIMITERS, key=lambda delimiter: (read(split(text, delimiter) or []), text.count(delimiter)))


def split(text: str, delimiter: str) -> list[str] | None:
    """The cells of a row; None if a quote is where none may be."""
    if '"' not in text:
        return text.split(delimiter)
    if not _row(delimiter).fullmatch(text):
        return None
    return next(csv.reader((text,), delimiter=delimiter, strict=True))


def _lines(path: Path, name: str, foreign: list[int] | None) -> Iterator[tuple[int, str]]:
    """The lines of the file with their ends, from 1 on. Raises Trouble."""
    line = 0
    try:
        with opened(path).open("rb") as raw, _unpacked(raw) as file:
            while text := file.readline(_MOST_OF_A_ROW + 1):
                line += 1
                if len(text) > _MOST_OF_A_ROW:
                    raise Trouble(f"{name} is not CSV in line {line}: it has more than {_MOST_OF_A_ROW:,} characters")
                if "\0" in text:
                    raise not_utf_8(name, line)
                if not foreign and not is_unicode(text):
                    if foreign is None:
                        raise not_utf_8(name, line)
                    foreign.append(line)
                yield line, text
    except UnicodeDecodeError:
        raise Trouble(f"{name} is not UTF-16, though it begins as if it were: see line {line + 1}") from None
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise Trouble(f"{name} cannot be read: the archive is damaged ({fault(error)})") from None
    except OSError as error:
        raise Trouble(f"{name} cannot be read: {error.strerror or fault(error)}") from None


def not_utf_8(name: str, line: int) -> Trouble:
    return Trouble(f"{name} is not UTF-8: save it as CSV UTF-8, or unpack it. See line {line}")


def _unpacked(raw: io.BufferedReader) -> io.TextIOWrapper:
    """The file as text. Bytes that are not UTF-8 become half surrogate pairs, so that their line can be named.

    UTF-16 is known by its byte order mark alone.
    """
    first = raw.read(len(_GZIP))
    whole = io.BufferedReader(_Rewound(first, raw))
    binary = gzip.GzipFile(fileobj=whole) if first == _GZIP else whole
    if binary.peek(2)[:2] in _UTF_16:
        return io.TextIOWrapper(binary, encoding="utf-16", newline="")  # pyright: ignore[reportArgumentType] - a GzipFile will do
    return io.TextIOWrapper(binary, encoding="utf-8-sig", errors="surrogateescape", newline="")  # pyright: ignore[reportArgumentType] - likewise


class _Rewound(io.RawIOBase):
    """A stream from its beginning, though its first bytes were read: a pipe cannot be rewound."""

    def __init__(self, first: bytes, rest: io.BufferedReader) -> None:
        self._first, self._rest = first, rest

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # pyright: ignore[reportIncompatibleMethodOverride]
        if not self._first:
            return self._rest.readinto1(buffer)
        size = min(len(buffer), len(self._first))
        buffer[:size], self._first = self._first[:size], self._first[size:]
        return size


def _to_the_quotes_end(begins: int, text: str, lines: Iterator[tuple[int, str]], name: str) -> str:
    parts, size = [text], len(text)
    for _, more in lines:
        parts.append(more)
        size += len(more)
        if size > _MOST_OF_A_ROW:
            break
        if more.count('"') % 2:
            return "".join(parts)
    raise Trouble(
        f"{name} is not CSV in line {begins}: a quote is opened and not closed, so no row from here on can be read"
    )


@cache
def _row(delimiter: str) -> re.Pattern[str]:
    """A row with quotes as RFC 4180 writes it. `+` after a repeat: what was read once is not read in another way."""
    cell = rf'(?:"[^"]*+(?:""[^"]*+)*+"|[^"{re.escape(delimiter)}\r\n]*+)'
    return re.compile(rf"{cell}(?:{re.escape(delimiter)}{cell})*+")


def _may_hold_rows(cell: str, cells: int) -> bool:
    """Whether a missing quote may have brought rows into the cell, though the cells add up.

    Two whole rows in one have the delimiters of one in that cell. Half of them are enough: one may be cut off. Rows of
    another file may have other delimiters.
    """
    return ("\n" in cell or "\r" in cell) and 2 * sum(map(cell.count, DELIMITERS)) >= cells - 1


def _ends(text: str) -> int:
    """How many lines end in the text."""
    return text.count("\n") + text.count("\r") - text.count("\r\n")
