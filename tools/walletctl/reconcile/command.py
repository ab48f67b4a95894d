"""`walletctl reconcile`: the provider's report against the ledger."""

import json
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from tools.shared import listing
from tools.shared.identifiers import in_capitals
from tools.shared.moments import HELP, span
from tools.shared.outside import plain
from tools.shared.trouble import Trouble
from tools.walletctl.place import HERE, Asked, Place, asks_where
from tools.walletctl.reconcile import show
from tools.walletctl.reconcile.comparison import Comparison
from tools.walletctl.reconcile.ledger import copy_ledger, recorded_at
from tools.walletctl.reconcile.letters import kept
from tools.walletctl.reconcile.reading import Reading
from tools.walletctl.reconcile.report import Read, copy_report

NOT_THE_SAME = 1

_ALWAYS, _NEVER = "", "9999"  # before and after every recordedAt
_MORE_ROOM = "TMPDIR names a place with more room"


@asks_where
def reconcile(
    report: Annotated[
        Path,
        typer.Argument(metavar="REPORT.csv", help="The provider's report; - for standard input.", show_default=False),
    ],
    columns: Annotated[
        str | None,
        typer.Option(metavar="OURS=THEIRS,…", help="What the report calls its columns: reference=Ref,amount=Win."),
    ] = None,
    callback: Annotated[
        str | None, typer.Option(metavar="NAME", help="What its rows are of, if no column says it: result, …")
    ] = None,
    decimal_comma: Annotated[
        bool | None,
        typer.Option(
            "--decimal-comma/--decimal-point",
            help="What separates decimals, if the report does not show it.",
            show_default=False,
        ),
    ] = None,
    dates: Annotated[
        str | None,
        typer.Option(metavar="DD/MM/YYYY", help="The order in its dates, if the report does not show it."),
    ] = None,
    time_zone: Annotated[
        str | None,
        typer.Option(metavar="ZONE", help="The zone of times that name none: Europe/Berlin. Otherwise UTC."),
    ] = None,
    since: Annotated[
        str | None,
        typer.Option(
            metavar="MOMENT",
            help="Ignore transactions of the ledger recorded before this moment, and not those outside of the report's "
            f"own period: {HELP}.",
        ),
    ] = None,
    until: Annotated[
        str | None, typer.Option(metavar="MOMENT", help="Ignore those recorded from this moment on.")
    ] = None,
    currency: Annotated[
        list[str] | None,
        typer.Option(metavar="CODE", help="The report is about this currency alone: EUR. Repeatable."),
    ] = None,
    csv_file: Annotated[
        Path | None, typer.Option("--csv", metavar="FILE", help="Write every difference to this file.")
    ] = None,
    as_json: listing.AsJson = False,
    asked: Asked = HERE,
) -> None:
    """Compares the provider's report with the ledger: by reference, amount, currency and player. Changes nothing.

    It takes the provider's feed of transactions too. A bet that the report cancels agrees with one that was paid back
    here, refused, or never came.

    How the report is written is found from the whole file: delimiter, decimal comma, dates, titles and totals. If it
    can be read in two ways, you are asked for the option.

    Only what the ledger has in the report's own period is called unknown there. --since and --until name another, by
    when each was recorded (in UTC). What is in the report is found in the ledger whenever it was recorded.

    Ends with 0 if all is matched, 1 if there are differences, 2 if either could not be read. A row that cannot be read
    is a difference. A report that cannot be believed as a whole is not compared: an open quote, a damaged archive, two
    columns of one name.
    """
    reading = Reading.of(columns, callback, decimal_comma=decimal_comma, dates=dates, time_zone=time_zone)
    if csv_file:
        show.check_place(csv_file, report)
    from_, to = span(since, until, datetime.now(UTC))
    codes = [in_capitals(code.strip()) for code in currency or ()]
    where = asked.place()
    with _folder() as folder:
        read, ledger = _copy(report, reading, where, folder)
        with listing.progress("comparing"):
            begins, ends = recorded_at(from_) if from_ else _ALWAYS, recorded_at(to) if to else _NEVER
            own = None if from_ or to else read.period(reading.zone)
            comparison = Comparison(
                folder, folder / "report.json", ledger, since=begins, until=ends, own=own, currencies=codes
            )
        with closing(comparison):
            asked_for = show.AskedFor(from_, to, until or "", comparison.outside(begins, ends), codes)
            asked_for.check(plain(str(report)), comparison, read)
            if missing := comparison.missing():
                _explain(comparison, where, missing)
            _tell(comparison, read, asked_for, where.options, as_json, csv_file)
            if comparison.counts():
                raise typer.Exit(NOT_THE_SAME)


def _copy(report: Path, reading: Reading, where: Place, folder: Path) -> tuple[Read, Sequence[Path]]:
    """Puts both on disk, the report first: what it lacks may be recorded meanwhile, what it has is not missed."""
    try:
        with listing.progress("rows of the report") as advance:
            read = copy_report(report, folder / "report.json", reading, advance)
        if not read.rows and not read.is_feed:
            raise Trouble(f"{plain(str(report))} has no rows below its headings")
        with listing.progress("transactions of the ledger") as advance:
            return read, copy_ledger(where.tables(), folder, advance, reading.zone)
    except OSError as error:
        raise Trouble(f"{folder} cannot be written: {error.strerror}; {_MORE_ROOM}") from None


def _explain(comparison: Comparison, where: Place, missing: Sequence[str]) -> None:
    """Tells what of the missing is kept. Who may read the tables need not be allowed to see the queues."""
    try:
        found = kept(where, missing)
    except Trouble as trouble:
        listing.say(f"walletctl: what is missing here may be parked, but could not be looked for: {trouble}")
    else:
        comparison.explain(found.dead, found.rounds, found.waiting)


def _tell(
    comparison: Comparison,
    read: Read,
    asked_for: show.AskedFor,
    options: Sequence[str],
    as_json: bool,
    csv_file: Path | None,
) -> None:
    """The summary first: it fits a screen. Examples, sums by day and advice follow."""
    if csv_file:
        show.write(csv_file, comparison.differences())
    if as_json:
        print(json.dumps(show.for_machines(comparison, read, asked_for), indent=2))
        return
    examples = comparison.examples(show.MOST_SHOWN)
    for line in show.summary(comparison, read, asked_for, csv_file, examples=len(examples)):
        listing.tell(line)
    if examples:
        print()
        listing.out(show.table(examples))
    print()
    listing.out(show.totals(comparison.totals()))
    if advice := [*show.advice(comparison, options)]:
        print()
        for line in advice:
            listing.tell(line)


@contextmanager
def _folder() -> Iterator[Path]:
    """A temporary folder for both, gone in the end. Raises Trouble if there is no place for it."""
    try:
        folder = tempfile.TemporaryDirectory(prefix="walletctl-reconcile-")
    except OSError as error:
        raise Trouble(f"no temporary folder can be made: {error.strerror}; {_MORE_ROOM}") from None
    with folder as name:
        yield Path(name)
