"""A comparison as a person reads it, and as machines do."""

import csv
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from datetime import UTC, datetime
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from rich.table import Table

from tools.shared.amounts import amount, signed
from tools.shared.cells import opened
from tools.shared.hints import command, word
from tools.shared.listing import Column, Row, counted, for_csv, visible
from tools.shared.listing import table as table_of
from tools.shared.moments import shown
from tools.shared.outside import cut, plain, quoted
from tools.shared.replaced import check_place as check_file
from tools.shared.replaced import replaced
from tools.shared.trouble import Trouble
from tools.walletctl.reconcile import decimals
from tools.walletctl.reconcile.comparison import Comparison, Difference, Total
from tools.walletctl.reconcile.folding import Folded
from tools.walletctl.reconcile.report import COMPARED_IF_THERE, Read

MOST_SHOWN = 10  # differences in a table, and more in JSON: --csv FILE has them all
MOST_IN_JSON = 1000
_MOST_CAUSES = 12  # in the summary, which fits a screen
_MOST_OF_A_LINE = 100
_MOST_HEADINGS, _MOST_OF_A_HEADING = 10, 40  # in the verdict
# Where none has more characters, none is broken at the end of a line: what a person copies, or compares.
_WHOLE = {"reference": 36, "there": 12, "here": 12}

_MISREAD = (1_000.0, 1_000_000.0, 0.001)  # of amounts whose thousands were taken for decimals, or the other way
_MOST_CURRENCIES = 5  # of more, a report is about none in particular
_MOST_OF_A_ZONE = 26 * 3_600_000  # milliseconds: from UTC-12 to UTC+14
_FIRST_MOMENT = 946_684_800_000  # 2000, in milliseconds: a lower number was meant as something else

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
# What a kind of difference means, in a line.
_MEANINGS = {
    "missing here": "owed by the report, and not paid",
    "not taken": "a bet of the report that took nothing here",
    "held": "a stake is held for a bet that the report does not have",
    "paid back": "a stake was paid back, and the report has no cancel of its bet",
    "dead letter": "owed, and left for a person",
    "perhaps parked": "owed, and perhaps kept for another try",
    "unknown there": "on record, and not in the report",
    "different amount": "credited with another amount",
    "different currency": "credited in another currency",
    "different player": "credited to another player",
    "different transaction": "the provider was answered another transaction",
    "doubled": "the same credit twice in the report: it was credited once",
    "unreadable": "not compared",
    "wrong total": "not the sum of its rows",
}
# What to do about it, if that is more than to look.
_ADVICE = {
    "not taken": "the spin may have been played without a stake. Ask the provider",
    "held": "if the provider has given the bet up and its round has no result, have it cancel the round (CancelRound): "
    "the refund pays the stake back. If the round has a result, a refund would pay back its other bets too: settle "
    "this bet's cancel by hand (walletctl settle cancel)",
    "paid back": "ask the provider",
    "perhaps parked": "compare again when the retry queues are empty",
    "unknown there": "ask the provider, or name another period with --since and --until",
    "unreadable": "correct these lines of the report, and compare again",
    "wrong total": "if the rows make less, rows may be missing from the report; if more, one may be doubled",
}

_TO_FIND = {
    "missing here": "To see what became of the first",
    "dead letter": "To see the first dead letter",
    "perhaps parked": "To see what became of the first",
    "not taken": "To see what became of the first",
    "paid back": "To see the first",
}


@dataclass(frozen=True, slots=True)
class AskedFor:
    """The period and the currencies that a person named, and how many rows of the report are not in that period."""

    since: datetime | None
    until: datetime | None
    until_as_said: str
    outside: int
    currencies: Sequence[str]

    def check(self, name: str, comparison: Comparison, read: Read) -> None:
        """Raises Trouble if no row of the report is in the period, or in the currencies."""
        if read.rows and self.outside >= read.rows:
            raise Trouble(
                f"no row of {name} is in the period of --since and --until: {self._how_many(read)}. {self._day()}"
                "Without both, the report's own period is compared"
            )
        known = comparison.currencies()
        if not self.currencies or not (known or comparison.unasked()) or {*known} & {*self.currencies}:
            return
        asked = decimals.currencies(self.currencies[0])
        near = [asked] if asked in known else get_close_matches(asked, known, 1)
        told = f"it has {', '.join(map(plain, known[:_MOST_HEADINGS]))}" if known else "it has no currency"
        raise Trouble(
            f"no row of {name} is in {plain(' or '.join(self.currencies))}, as --currency says: {told}"
            + (f". Do you mean {plain(near[0])}?" if near else "")
        )

    def verdict(self, read: Read) -> str:
        return f"; {self._how_many(read)}" if self.outside else ""

    def period(self, comparison: Comparison) -> str:
        if self.since or self.until:
            parts = [f"from {self.since:%Y-%m-%d %H:%M}"] if self.since else []
            parts += [f"until {self.until:%Y-%m-%d %H:%M}"] if self.until else []
            return f"Period: {' '.join(parts)} UTC, as --since and --until say, by when the ledger recorded"
        if comparison.period:
            return f"Period: {_period(comparison.period)}, the report's own (--since and --until change it)"
        return "Period: the whole ledger, as no row has a timestamp that can be read (--since and --until name one)"

    def remarks(self, comparison: Comparison) -> Iterator[str]:
        if self.outside and (day := self._day()):
            yield day.strip()
        if not self.currencies:
            return
        unasked = comparison.unasked()
        names = ", ".join(plain(currency) for currency, _ in unasked[:_MOST_CURRENCIES])
        more = ", …" if len(unasked) > _MOST_CURRENCIES else ""
        count = counted(sum(count for _, count in unasked), "transaction")
        yield f"{count} of other currencies in the period not asked for" + (f": {names}{more}" if names else "")
        if others := comparison.rows_of_others(self.currencies):
            yield f"Attention: {counted(others, 'row')} of the report in other currencies than --currency says"

    def _how_many(self, read: Read) -> str:
        are = "is" if self.outside == 1 else "are"
        return f"{self.outside:,} of {counted(read.rows, 'row')} {are} outside of --since and --until"

    def _day(self) -> str:
        is_a_day = self.until and len(self.until_as_said.strip()) == len("2026-11-30")
        return f"--until {plain(self.until_as_said.strip())} does not include that day itself. " if is_a_day else ""


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


def summary(
    comparison: Comparison, read: Read, asked_for: AskedFor, csv_file: Path | None, *, examples: int
) -> Iterator[str]:
    """How the report was read, the verdict, and what differs, a line each: no more than a screen."""
    if read.read_as:
        yield f"read as: {read.read_as}"
    found = sum(comparison.counts().values())
    yield _verdict(found, asked_for.verdict(read), _not_compared(comparison, read), read)
    matched, untold = comparison.matched()
    yield (
        f"{counted(read.rows, 'row')} of the report, "
        f"{counted(comparison.transactions(), 'transaction')} in the ledger, {matched:,} matched"
    )
    yield asked_for.period(comparison)
    causes = comparison.causes()
    for cause in causes[:_MOST_CAUSES]:
        yield cut(_cause(cause), _MOST_OF_A_LINE)
    if len(causes) > _MOST_CAUSES:
        others = causes[_MOST_CAUSES:]
        yield f"{sum(cause.count for cause in others):>9,} more, of {len(others):,} other causes"
    if found > examples and not csv_file:
        yield f"Of {found:,} differences {examples} are shown: --csv FILE writes them all"
    if csv_file:
        yield f"All {counted(found, 'difference')} in {plain(str(csv_file))}"
    yield from asked_for.remarks(comparison)
    yield from _remarks(comparison, read, untold)


def _remarks(comparison: Comparison, read: Read, untold: int) -> Iterator[str]:
    if elsewhere := comparison.elsewhere():
        yield f"{counted(elsewhere, 'row')} of the report on record as booked elsewhere: not paid by this wallet"
    if undone := comparison.never_taken():
        were = "was" if undone == 1 else "were"
        yield f"{counted(undone, 'bet')} of the report {were} cancelled, and never taken here: nothing had to be paid"
    if untold:
        yield f"{untold:,} of the matched are paid though the provider was last answered otherwise, as after an outage"
    if read.undated:
        line, timestamp = read.undated
        yield (
            f"{counted(read.undated_rows, 'row')} with a timestamp that is not a moment, the first in line {line}: "
            f"{quoted(timestamp)}. They are compared, and counted under the ledger's day"
        )
    if read.agreed:
        one = f"The total in line {read.agreed[0]:,} is the sum of its rows"
        yield one if len(read.agreed) == 1 else f"{len(read.agreed):,} totals are the sums of their rows"
    if factor := comparison.factor():
        yield f"Each different amount is {factor:,g} times the ledger's: is the report in other units, such as cents?"
        if factor in _MISREAD:
            yield "Or its decimal mark is the other one: --decimal-comma or --decimal-point says which"
    if other := comparison.misdated():
        are = "is" if other.rows == 1 else "are"
        there, here = (f"{moment:%Y-%m-%d %H:%M}" for moment in (other.there, other.here))
        swapped = ": day and month look swapped" if other.is_swapped else ""
        yield (
            f"Attention: {counted(other.rows, 'matched row')} {are} of another day than in the ledger. Line "
            f"{other.line:,} has {there} UTC, the ledger {here}{swapped}"
        )
    if comparison.shift:
        ahead = "ahead of" if comparison.shift > 0 else "behind"
        told = f"The report's times are {_hours(abs(comparison.shift))} {ahead} the ledger's"
        yield f"{told}: say their --time-zone" if abs(comparison.shift) <= _MOST_OF_A_ZONE else told
    only, of_all = comparison.only_currencies()
    if 0 < len(only) <= _MOST_CURRENCIES:
        options = " ".join(f"--currency {word(each)}" for each in only)
        about = " and ".join(map(plain, only))
        share = "All that the report lacks is" if of_all else "Most of what the report lacks is"
        yield f"{share} in other currencies. If it is about {about} alone: {options}"
    if read.timepoint is not None:
        yield f"The feed goes on at time point {read.timepoint}{_moment(read.timepoint)}: its next portion begins there"


def _cause(cause: Folded) -> str:
    """`30 rows, lines 2 to 31: different amount: credited with …`."""
    lines = [f"{first:,}" if first == last else f"{first:,} to {last:,}" for first, last in cause.lines]
    more = f" and {cause.ranges - len(lines):,} more places" if cause.ranges > len(lines) else ""
    where = f", {'line' if cause.count == 1 else 'lines'} {', '.join(lines)}{more}" if lines else ""
    what = counted(cause.count, "row" if lines else "transaction")
    note = f": {plain(cause.note)}" if cause.note else ""
    return f"{what:>9}{where}: {cause.kind}{note or f': {_MEANINGS[cause.kind]}'}"


def advice(comparison: Comparison, options: Sequence[str]) -> Iterator[str]:
    """What to do about each kind, and the command that says more of its first."""
    for kind in comparison.counts():
        told = [f"{_ADVICE[kind]}"] if kind in _ADVICE else []
        if kind == "held":
            told.append(f"Those that wait for a result: {command(options, 'rounds', '--open')}")
        if first := _TO_FIND.get(kind):
            told.append(f"{first}: {command(options, 'find', names=[comparison.first(kind)])}")
        if told:
            yield f"{kind}: {'. '.join(told)}"


def _period(period: tuple[int, int]) -> str:
    first, last = (datetime.fromtimestamp(at / 1000, UTC) for at in period)
    return f"{first:%Y-%m-%d %H:%M} to {last:%Y-%m-%d %H:%M} UTC"


def _hours(milliseconds: int) -> str:
    hours, minutes = divmod(milliseconds // 60_000, 60)
    return f"{hours:,} h {minutes} min" if minutes else f"{hours:,} h"


def _verdict(found: int, outside: str, not_compared: Mapping[str, str], read: Read) -> str:
    """What was found, and what nothing can be said of: that there was no difference would not be true of it."""
    verdict = counted(found, "difference") if found else "All matched"
    verdict += outside
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


def for_machines(comparison: Comparison, read: Read, asked_for: AskedFor) -> dict[str, Any]:
    """The comparison as JSON has it; amounts are texts, with every digit."""
    counts = comparison.counts()
    matched, untold = comparison.matched()
    return {
        "rows": read.rows,
        "readAs": read.read_as,
        "periodMilliseconds": [*comparison.period] if comparison.period else None,
        "rowsOutsideOfPeriod": asked_for.outside,
        "transactionsOfOtherCurrencies": sum(count for _, count in comparison.unasked()),
        "nextTimepoint": read.timepoint,
        "rowsWithoutMoment": read.undated_rows,
        "rowsOfSeveralLines": read.spanning.rows,
        "transactions": comparison.transactions(),
        "matched": matched,
        "notCompared": [*_not_compared(comparison, read)],
        "notRead": [*read.unread],
        "totalsThatAgree": [*read.agreed],
        "paidThoughAnsweredOtherwise": untold,
        "bookedElsewhere": comparison.elsewhere(),
        "cancelledAndNeverTaken": comparison.never_taken(),
        "differences": sum(counts.values()),
        "differencesByKind": counts,
        "causes": [asdict(cause) for cause in comparison.causes()[:MOST_IN_JSON]],
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
    is_one = milliseconds >= _FIRST_MOMENT
    try:
        return f" ({shown(datetime.fromtimestamp(milliseconds / 1000, UTC))})" if is_one else ""
    except (ValueError, OverflowError, OSError):
        return ""


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
