"""`walletctl players import`: opens the wallets of a file, and names every line that it did not open.

The whole file is read first. If one line is not a wallet, nothing is written. Then the cashier opens each wallet where
there is none. If it is interrupted, the same file can be imported again: a wallet that such an opening has made is
counted as there already, whatever has moved since.
"""

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Annotated, Literal

import typer

from tools.local.opening import Opening
from tools.shared import listing
from tools.shared.cells import parting, rows, separator, texts
from tools.shared.identifiers import in_capitals
from tools.shared.items import Item
from tools.shared.listing import Column, Row
from tools.shared.outside import plain
from tools.shared.trouble import Trouble
from tools.walletctl.place import HERE, Asked, Place, asks_where
from tools.walletctl.players.ids import looks_like
from tools.walletctl.players.opening import Unfit, described, open_wallet, opening_of

NOT_ALL = 1
_HEADER = ("userId", "currency", "cash", "bonus")
_MAY_BE_LEFT_OUT = {"cash": "0", "bonus": "0"}  # the column, not a cell of it
_AS_WRITTEN = "--ids-as-written"
_AT_ONCE = 8  # orders on the way together
_MOST_OF_A_REASON = 1000  # characters, as the cashier has it
_BATCH = 400  # wallets between two looks at the bar, and at Ctrl-C
_COLUMNS = [
    Column(name="line", title="line", right=True, unbroken=True),
    Column(name="userId", title="player"),
    Column(name="outcome", title="outcome", unbroken=True),
    Column(name="why", title="why"),
]
Outcome = Literal["opened", "would be opened", "there already", "refused"]


@dataclass(frozen=True, slots=True, kw_only=True)
class FileLine:
    """A line of the file, by its number in it, and what became of it."""

    number: int
    user_id: str
    outcome: Outcome
    why: str = ""

    def row(self) -> Row:
        return {"line": self.number, "userId": self.user_id, "outcome": self.outcome, "why": self.why}


@asks_where
def import_(
    file: Annotated[
        Path,
        typer.Argument(
            metavar="FILE.csv",
            help=f"Its first line names the columns: {','.join(_HEADER)}; - for standard input.",
            show_default=False,
        ),
    ],
    ids_as_written: Annotated[
        bool, typer.Option(_AS_WRITTEN, help="Open ids that look as if a spreadsheet had changed them, too.")
    ] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be done, and change nothing.")] = False,
    asked: Asked = HERE,
    as_json: listing.AsJson = False,
    as_csv: listing.AsCsv = False,
) -> None:
    """Opens the wallets of a CSV file; without the columns cash and bonus, they begin with nothing.

    A line that is not a wallet stops it before anything is written. So does an id that a spreadsheet may have changed,
    such as 1.23457E+11 or 421.0. A wallet that exists is left as it is, and its line is refused unless it says the
    same. Importing the same file again is safe. Ends with 1 if a line was refused, 2 if the file could not be read.
    """
    form = listing.form(as_json, as_csv)
    openings, unfit = read(file, as_written=ids_as_written)
    if unfit:
        _tell(unfit, form, all_of_them=False)
        listing.say(
            f"walletctl: {listing.counted(len(unfit), 'line')} of {plain(str(file))} cannot be a wallet: nothing was "
            "changed; correct them and import it again"
        )
        raise typer.Exit(NOT_ALL)
    if not openings:
        raise Trouble(f"{plain(str(file))} has no line but the first: nothing was changed")
    where, reason = asked.place(), f"walletctl players import {plain(file.name)}"[:_MOST_OF_A_REASON]
    done: list[FileLine] = []
    try:
        with listing.progress("wallets", len(openings)) as advance:
            for lines in _imported(where, openings, reason, dry_run=dry_run):
                done += lines
                advance(len(lines))
    except Trouble as trouble:
        raise Trouble(f"{trouble}; {_summary(done, len(openings))}: import the same file again") from None
    except KeyboardInterrupt:
        listing.say(f"walletctl: interrupted: {_summary(done, len(openings))}: import the same file again")
        raise
    _tell(done, form, all_of_them=form != "table")
    listing.say(_summary(done, len(openings)))
    if any(line.outcome == "refused" for line in done):
        raise typer.Exit(NOT_ALL)


def read(file: Path, *, as_written: bool = False) -> tuple[list[tuple[int, Opening]], list[FileLine]]:
    """The wallets of a file with their lines' numbers, and the lines that are not wallets. Raises Trouble.

    `as_written` takes also ids that a spreadsheet may have changed.
    """
    name = plain(str(file))
    openings: list[tuple[int, Opening]] = []
    unfit: list[FileLine] = []
    first: dict[str, int] = {}
    of_file = texts(file)
    line, text = next(of_file, (0, ""))
    if said := separator(text):
        line, text = next(of_file, (0, ""))
    delimiter = said or parting(text, lambda headings: sum(heading.strip() in _HEADER for heading in headings))
    lines = rows(chain([(line, text)], of_file), name, delimiter)
    _, headings = next(lines)
    header = [heading.strip() for heading in headings]
    if not {"userId", "currency"} <= set(header) <= set(_HEADER) or len(set(header)) < len(header):
        told = plain(",".join(header))[:100] or "nothing"
        raise Trouble(
            f"the first line of {name} must be {','.join(_HEADER)} (cash and bonus may be left out), not {told}"
        )
    for number, cells in lines:
        if not any(cells):
            continue  # a last empty line, most likely
        try:
            opening = _opening(header, cells, as_written)
        except Unfit as wrong:
            unfit.append(FileLine(number=number, user_id=_named(header, cells), outcome="refused", why=str(wrong)))
            continue
        if before := first.get(opening.user_id):
            why = f"the same player is in line {before}"
            unfit.append(FileLine(number=number, user_id=opening.user_id, outcome="refused", why=why))
            continue
        first[opening.user_id] = number
        openings.append((number, opening))
    return openings, unfit


def _opening(header: Sequence[str], cells: Sequence[str], as_written: bool) -> Opening:
    if len(cells) != len(header):
        raise Unfit(f"it has {listing.counted(len(cells), 'cell')}, where the first line has {len(header)}")
    said = dict(zip(header, cells, strict=True))
    for name in _MAY_BE_LEFT_OUT:
        if name in said and not said[name].strip():
            raise Unfit(f"{name} is empty: write 0 if the wallet begins with none")
    opening = opening_of(
        user_id=said.pop("userId"), **_MAY_BE_LEFT_OUT | {name: cell.strip() for name, cell in said.items()}
    )
    if not as_written and (form := looks_like(opening.user_id)):
        raise Unfit(f"userId '{opening.user_id}' is {form}: correct it, or import with {_AS_WRITTEN} if this is the id")
    return opening


def _named(header: Sequence[str], cells: Sequence[str]) -> str:
    return dict(zip(header, cells, strict=False)).get("userId", "")


def _imported(
    where: Place, openings: Sequence[tuple[int, Opening]], reason: str, *, dry_run: bool
) -> Iterator[list[FileLine]]:
    """What became of each line, some at a time, in order. Raises Trouble."""
    tables, actor = where.tables(), "" if dry_run else where.caller()
    with ThreadPoolExecutor(_AT_ONCE) as callers:
        for start in range(0, len(openings), _BATCH):
            batch = openings[start : start + _BATCH]
            players = [opening.user_id for _, opening in batch]
            there = {item["userId"]: item for item in tables.wallets(players)}
            if not dry_run:
                new = [opening for _, opening in batch if opening.user_id not in there]
                quicker = callers.map(lambda each: open_wallet(each, where, actor=actor, reason=reason), new)
                there |= {item["userId"]: item for item in quicker if item}
            records = {item["userId"]: item for item in tables.with_ids(f"opening#{each}" for each in there)}
            yield [
                _line(number, opening, there.get(opening.user_id), records.get(opening.user_id), dry_run=dry_run)
                for number, opening in batch
            ]


def _line(number: int, opening: Opening, there: Item | None, record: Item | None, *, dry_run: bool) -> FileLine:
    """`there` is the wallet that was there before, and `record` its opening."""
    if there is None:
        outcome: Outcome = "would be opened" if dry_run else "opened"
        return FileLine(number=number, user_id=opening.user_id, outcome=outcome)
    if record and _is_of(opening, record):
        return FileLine(number=number, user_id=opening.user_id, outcome="there already")
    why = f"there is another wallet ({described(there)}), and it is left as it is"
    return FileLine(number=number, user_id=opening.user_id, outcome="refused", why=why)


def _is_of(opening: Opening, record: Item) -> bool:
    """Whether a record is that of such an opening, which the cashier would answer as a replay."""
    begun = (record.get("amountAsked"), record.get("bonusAmount", 0))
    return begun == (opening.cash, opening.bonus) and (
        in_capitals(str(record.get("currency"))) == in_capitals(opening.currency)
    )


def _tell(lines: Sequence[FileLine], form: listing.Form, *, all_of_them: bool) -> None:
    shown = [line.row() for line in lines if all_of_them or line.outcome == "refused"]
    if shown or form != "table":
        listing.show(_COLUMNS, shown, form)


def _summary(done: Sequence[FileLine], lines: int) -> str:
    """How many of each, so that they add up to the file."""
    counts = {
        outcome: sum(line.outcome == outcome for line in done)
        for outcome in ("opened", "would be opened", "there already", "refused")
    }
    told = [f"{number:,} {outcome}" for outcome, number in counts.items() if number or outcome == "opened"]
    if left := lines - len(done):
        told.append(f"{left:,} unknown, some of which may be open")
    return f"of {listing.counted(lines, 'wallet')}: {', '.join(told)}"
