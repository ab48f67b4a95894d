"""One way to show rows: a table for a person, JSON or CSV for a machine; and a bar for long work.

What is shown comes from outside. No terminal is moved by it, no spreadsheet computes with it, and texts that differ are
shown differently. Amounts are exact, in JSON as texts. Rich is imported by what needs it: CSV and JSON do without.
"""

import csv
import io
import json
import sys
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from itertools import takewhile
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from tools.shared import streams
from tools.shared.amounts import amount
from tools.shared.outside import cut, plain
from tools.shared.trouble import Trouble

if TYPE_CHECKING:
    from rich.console import RenderableType
    from rich.table import Table

AsJson = Annotated[bool, typer.Option("--json", help="Print it as JSON.")]
AsCsv = Annotated[bool, typer.Option("--csv", help="Print it as CSV.")]
Form = Literal["table", "json", "csv"]
Cell = str | int | Decimal | datetime | bool | None
Row = Mapping[str, Cell]
Advance = Callable[[int], None]

_FILE_COLUMNS = 1000  # what is no terminal has no width, and its lines are not to be broken
_MOST_OF_A_CELL = 200  # characters, in a table; machines are given all
_FORMULA = ("=", "+", "-", "@", "'")  # what a spreadsheet may compute with, and the sign that keeps it from that


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """`name` is a machine's, `title` a person's; "" leaves the column out of the table.

    `most` is how many characters of a cell a table shows.
    """

    name: str
    title: str
    right: bool = False
    unbroken: bool = False
    most: int = _MOST_OF_A_CELL


def form(as_json: bool, as_csv: bool) -> Form:
    """Raises Trouble for both at once."""
    if as_json and as_csv:
        raise Trouble("--json and --csv are two forms: choose one of them")
    return "json" if as_json else "csv" if as_csv else "table"


def show(columns: Sequence[Column], rows: Iterable[Row], form: Form) -> None:
    """Prints the rows. JSON and CSV are written as the rows come: there may be any number."""
    # Nobody reads on after `| head`, and rows cost what they are read from.
    rows = takewhile(lambda _: not streams.is_lost(), rows)
    if form == "json":
        _print_json(columns, rows)
    elif form == "csv":
        _print_csv(columns, rows)
    else:
        out(table(columns, rows))


def out(shown: "RenderableType") -> None:
    """Prints what Rich makes of it; where there is no terminal, without the spaces that fill its lines."""
    from rich.console import Console

    if sys.stdout.isatty():
        Console(highlight=False).print(shown)
        return
    flat = Console(width=_FILE_COLUMNS, highlight=False, color_system=None)  # no line is broken there
    with flat.capture() as captured:
        flat.print(shown)
    for line in captured.get().splitlines():
        print(line.rstrip())


def tell(sentence: str) -> None:
    """Prints a sentence, broken at a terminal's words."""
    if not sys.stdout.isatty():
        print(sentence)
        return
    from rich.text import Text

    out(Text(sentence))


def table(columns: Sequence[Column], rows: Iterable[Row]) -> "Table":
    """The rows for a person; nothing in them is markup."""
    from rich.table import Table
    from rich.text import Text

    shown = [column for column in columns if column.title]
    made = Table(box=None, padding=(0, 1, 0, 0))
    for column in shown:
        made.add_column(
            column.title, justify="right" if column.right else "left", overflow="fold", no_wrap=column.unbroken
        )
    for row in rows:
        made.add_row(*(Text(cut(visible(row.get(column.name)), column.most)) for column in shown))
    return made


def facts(named: Mapping[str, Cell]) -> "Table":
    """One thing for a person, a fact a line; nothing in it is markup, and nothing is cut."""
    from rich.table import Table
    from rich.text import Text

    made = Table(box=None, show_header=False, padding=(0, 2, 0, 0))
    made.add_column(no_wrap=True)
    made.add_column(overflow="fold")
    for name, cell in named.items():
        made.add_row(Text(name, style="dim"), Text(visible(cell)))
    return made


def text(cell: Cell) -> str:
    """Amounts in plain notation with every digit, moments in ISO 8601, nothing for None."""
    match cell:
        case None:
            return ""
        case bool():
            return "yes" if cell else "no"
        case Decimal():
            return amount(cell)
        case datetime():
            return cell.isoformat(timespec="milliseconds")
    return str(cell)


def visible(cell: Cell) -> str:
    """A cell; one with spaces at its ends is in quotes, so that they can be seen."""
    shown = plain(text(cell))
    return f"'{shown}'" if shown != shown.strip() else shown


def for_json(cell: Cell) -> str | int | bool | None:
    """Amounts are texts: a reader's floats would lose digits."""
    return cell if cell is None or isinstance(cell, bool | int | str) else text(cell)


def for_machines(row: Row) -> dict[str, str | int | bool | None]:
    return {name: for_json(cell) for name, cell in row.items()}


def for_csv(cell: Cell) -> str | int:
    """A text with nothing a spreadsheet would take for a formula; what is a number stays one."""
    if isinstance(cell, Decimal | int) and not isinstance(cell, bool):
        return text(cell)
    harmless = plain(text(cell))
    return f"'{harmless}" if harmless.startswith(_FORMULA) else harmless


@contextmanager
def progress(doing: str, total: int | None = None) -> Iterator[Advance]:
    """A bar on standard error, or a count where no `total` is known, if that is a terminal.

    Work beside the main thread, as for a page of the console, shows none. Yields what to tell of every step.
    """
    is_watched = sys.stderr.isatty() and threading.current_thread() is threading.main_thread()
    if not is_watched:
        yield lambda _: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn

    columns = (
        (TextColumn(doing), BarColumn(), MofNCompleteColumn())
        if total
        else (SpinnerColumn(), TextColumn(f"{doing}: {{task.completed:,.0f}}"))
    )
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(doing, total=total)
        yield lambda steps: bar.advance(task, steps)


def say(line: str) -> None:
    """A remark on standard error, which is in nobody's CSV."""
    print(line, file=sys.stderr)


def counted(count: int, what: str) -> str:
    return f"{count:,} {what}{'' if count == 1 else 's'}"


def _print_json(columns: Sequence[Column], rows: Iterable[Row]) -> None:
    empty = True
    for row in rows:
        item = {column.name: for_json(row.get(column.name)) for column in columns}
        print("[\n  " if empty else ",\n  ", json.dumps(item), sep="", end="")
        empty = False
    print("[]" if empty else "\n]")


def _print_csv(columns: Sequence[Column], rows: Iterable[Row]) -> None:
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")

    def write(cells: Iterable[object]) -> None:
        writer.writerow(cells)
        print(buffer.getvalue(), end="")
        buffer.seek(0)
        buffer.truncate()

    write(column.name for column in columns)
    for row in rows:
        write(for_csv(row.get(column.name)) for column in columns)
