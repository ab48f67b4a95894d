"""A comparison as a person reads it, and as machines do."""

import csv
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

from rich.table import Table

from tools.shared.amounts import amount, signed
from tools.shared.cells import opened
from tools.shared.hints import command
from tools.shared.listing import Column, Row, counted, for_csv, visible
from tools.shared.listing import table as table_of
from tools.shared.outside import cut, plain
from tools.shared.replaced import check_place as check_file
from tools.shared.replaced import replaced
from tools.shared.trouble import Trouble
from tools.walletctl.reconcile.comparison import Comparison, Difference, Total
from tools.walletctl.reconcile.report import COMPARED_IF_THERE, Read, moment_of

MOST_SHOWN = 100  # differences in a table, and more in JSON: --csv FILE has them all
MOST_IN_JSON = 1000
_MOST_HEADINGS, _MOST_OF_A_HEADING = 10, 40  # in the verdict
# Where none has more characters, none is broken at the end of a line: what a person copies, or compares.
_WHOLE = {"reference": 36, "there": 12, "here": 12}

_COLUMNS = tuple(field.name for field in fields(Difference))  # of --csv
_SHOWN = (
    Column(name="line", title="line", right=True, unbroken=True),
    Column(name="what", title="difference"),
    Column(name="callback", title="callback", unbroken=True),
    Column(name="reference", title="reference"),
    Column(name="player", title="player"),
    Column(name="there", title="report", right=True),
    Column(name="here", title="ledger", right=True),
)
_TOTALS = (
    Column(name="day", title="day", unbroken=True),
    Column(name="currency", title="currency", unbroken=True),
    Column(name="callback", title="callback", unbroken=True),
    Column(name="rows", title="rows", right=True, unbroken=True),
    Column(name="amount", title="report", right=True),
    Column(name="transactions", title="here", right=True, unbroken=True),
    Column(name="asked", title="ledger", right=True),
    Column(name="difference", title="off by", right=True),
    Column(name="paid", title="paid", right=True),
)
# What a kind of difference means, and what to do about it.
_MEANINGS = {
    "missing here": "owed by the report, and not paid",
    "not taken": "a bet of the report that took nothing here: its spin may have been played without a stake. Ask the "
    "provider",
    "held": "a stake is held for a bet that the report does not have. If the provider has given it up and its round "
    "has no result, have it cancel the round (CancelRound): the refund pays the stake back. If the round has a result, "
    "a refund would pay back its other bets too: settle this bet's cancel by hand, as docs/operating/rounds.md says",
    "paid back": "a stake was paid back, and the report has the bet without its cancel. Ask the provider",
    "dead letter": "owed, and left for a person",
    "perhaps parked": "owed, and the last answer means that we may have kept it: compare again when the retry queues "
    "are empty",
    "unknown there": "on record, and not in the report: ask the provider, or narrow --since and --until",
    "different amount": "credited with another amount than the report has",
    "different currency": "credited in another currency than the report has",
    "different player": "credited to another player than the report has",
    "different transaction": "the provider was answered another transaction than the ledger has",
    "doubled": "the same credit twice in the report: it was credited once",
    "unreadable": "not compared: correct these lines of the report, and compare again",
}

_TO_FIND = {
    "missing here": "To see what became of the first",
    "dead letter": "To see the first dead letter",
    "perhaps parked": "To see what became of the first",
    "not taken": "To see what became of the first",
    "paid back": "To see the first",
}


def table(found: Sequence[Difference]) -> Table:
    """A row for each difference: its line in the report, what it is, and what each side has."""
    rows = [_shown(each) for each in found]
    made = table_of(_SHOWN, rows)
    for place, column in enumerate(_SHOWN):
        if most := _WHOLE.get(column.name):
            made.columns[place].no_wrap = all(len(visible(row[column.name])) <= most for row in rows)
    return made


def totals(found: Sequence[Total]) -> Table:
    """A row for each day, currency and callback: the report's sum, the ledger's, and what was paid."""
    return table_of(_TOTALS, map(_total, found))


def conclusions(comparison: Comparison, read: Read, csv_file: Path | None, options: Sequence[str]) -> Iterator[str]:
    """What the figures mean, a line each; the last is the verdict."""
    counts = comparison.counts()
    found = sum(counts.values())
    for kind, times in counts.items():
        yield f"{times:>9,} {kind}: {_MEANINGS[kind]}{_next(comparison, kind, options)}"
    if found > MOST_SHOWN and not csv_file:
        yield f"Of {found:,} differences the first {MOST_SHOWN} are shown: --csv FILE writes them all"
    if csv_file:
        yield f"All {counted(found, 'difference')} in {plain(str(csv_file))}"
    matched, untold = comparison.matched()
    yield (
        f"{counted(read.rows, 'row')} of the report, "
        f"{counted(comparison.transactions(), 'transaction')} in the ledger, {matched:,} matched"
    )
    if elsewhere := comparison.elsewhere():
        yield f"{counted(elsewhere, 'row')} of the report on record as booked elsewhere: not paid by this wallet"
    if undone := comparison.never_taken():
        were = "was" if undone == 1 else "were"
        yield f"{counted(undone, 'bet')} of the report {were} cancelled, and never taken here: nothing had to be paid"
    if untold:
        yield f"{untold:,} of them are paid though the provider was last answered otherwise, as after an outage"
    if read.commas:
        yield f"{counted(read.commas, 'amount')} with a decimal comma: --decimal-comma reads them"
    if read.undated:
        line, timestamp = read.undated
        yield (
            f"{counted(read.undated_rows, 'row')} with a timestamp that is not a moment, the first in line {line}: "
            f"'{cut(plain(timestamp), _MOST_OF_A_HEADING)}'. They are compared, and counted under the ledger's day"
        )
    if read.timepoint is not None:
        yield f"The feed goes on at time point {read.timepoint}{_moment(read.timepoint)}: its next portion begins there"
    yield _verdict(found, _not_compared(comparison, read), read)


def _next(comparison: Comparison, kind: str, options: Sequence[str]) -> str:
    """The command that says more of the first difference of a kind."""
    if kind == "held":
        return f". Those that wait for a result: {command(options, 'rounds', '--open')}"
    if not (first := _TO_FIND.get(kind)):
        return ""
    return f". {first}: {command(options, 'find', names=[comparison.first(kind)])}"


def _verdict(found: int, not_compared: Mapping[str, str], read: Read) -> str:
    """What was found, and what nothing can be said of: that there was no difference would not be true of it."""
    verdict = counted(found, "difference") if found else "All matched"
    if read.spanning.rows:
        first, last = read.spanning.first
        others = "" if read.spanning.rows == 1 else f" and {counted(read.spanning.rows - 1, 'other row')} several"
        verdict += f"; 1 row spans lines {first}-{last}{others}"
    if not_compared:
        verdict += f"; not compared: {', '.join(f'{column} ({why})' for column, why in not_compared.items())}"
    if read.unread:
        names = [cut(plain(heading), _MOST_OF_A_HEADING) for heading in read.unread[:_MOST_HEADINGS]]
        more = [f"{len(read.unread) - _MOST_HEADINGS:,} more"] if len(read.unread) > _MOST_HEADINGS else []
        verdict += f". Not read: {', '.join([*names, *more])}"
    return verdict


def _not_compared(comparison: Comparison, read: Read) -> dict[str, str]:
    """The columns that were not compared in any row, and why."""
    if not read.rows:
        return {}
    empty = comparison.empty()
    return {
        column: "no such column" if column in read.absent else "empty in every row"
        for column, field in COMPARED_IF_THERE.items()
        if field in empty
    }


def for_machines(comparison: Comparison, read: Read) -> dict[str, Any]:
    """The comparison as JSON has it; amounts are texts, with every digit."""
    counts = comparison.counts()
    matched, untold = comparison.matched()
    return {
        "rows": read.rows,
        "nextTimepoint": read.timepoint,
        "rowsWithoutMoment": read.undated_rows,
        "rowsOfSeveralLines": read.spanning.rows,
        "transactions": comparison.transactions(),
        "matched": matched,
        "notCompared": [*_not_compared(comparison, read)],
        "notRead": [*read.unread],
        "paidThoughAnsweredOtherwise": untold,
        "bookedElsewhere": comparison.elsewhere(),
        "cancelledAndNeverTaken": comparison.never_taken(),
        "differences": sum(counts.values()),
        "differencesByKind": counts,
        "totals": [{**_total(total), **_amounts(total)} for total in comparison.totals()],
        "shownDifferences": [asdict(difference) for difference in comparison.differences(most=MOST_IN_JSON)],
    }


def check_place(path: Path, report: Path) -> None:
    """Raises Trouble for what cannot become a file: before a ledger is read, rather than after it."""
    check_file(path)
    report = opened(report)
    try:
        if path.is_file() and report.exists() and path.samefile(report):
            raise Trouble("--csv names the report itself, which would be lost")
    except OSError as error:
        raise Trouble(f"{plain(str(path))} cannot be written: {error.strerror}") from None


def write(path: Path, found: Iterable[Difference]) -> None:
    """Every difference as CSV, in the file's place once it is whole. Raises Trouble."""
    with replaced(path) as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(_COLUMNS)
        for each in found:
            row = _row(each)
            writer.writerow(for_csv(row[name]) for name in _COLUMNS)


def _moment(milliseconds: int) -> str:
    moment = moment_of(str(milliseconds))
    return f" ({moment:%Y-%m-%d %H:%M:%S}Z)" if moment else ""


def _shown(difference: Difference) -> Row:
    note = f": {difference.note}" if difference.note else ""
    return {**_row(difference), "what": f"{difference.kind}{note}"}


def _row(difference: Difference) -> Row:
    return asdict(difference)


def _total(total: Total) -> Row:
    return {
        "day": total.day,
        "currency": total.currency,
        "callback": total.callback,
        "rows": total.rows,
        "amount": total.amount,
        "transactions": total.transactions,
        "asked": total.asked,
        "difference": "" if total.asked == total.amount else signed(total.asked - total.amount),
        "paid": "" if total.paid == total.asked else total.paid,
    }


def _amounts(total: Total) -> dict[str, str]:
    return {name: amount(getattr(total, name)) for name in ("amount", "asked", "paid")} | {
        "difference": signed(total.asked - total.amount)
    }
