"""The provider's own report: a row of CSV for each credit that it considers owed, each bet and each cancel.

What the columns mean: docs/tools/simulate.md, The provider's report.
"""

import csv
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tools.provider.answers import NOT_AGAIN, NOT_ENOUGH
from tools.provider.columns import COLUMNS, FEED_COLUMNS
from tools.provider.simulate.provider import Settled
from tools.provider.simulate.story import CallbackName, OwedCredit, PageName
from tools.shared.outside import plain
from tools.shared.replaced import replaced
from tools.shared.trouble import Trouble

_MOVE_NOTHING: frozenset[PageName] = frozenset({"balance", "check", "end-round"})
_NOT_PLAYED = (NOT_ENOUGH, NOT_AGAIN)  # the provider neither plays such a bet nor cancels it
_TYPES: Mapping[CallbackName, str] = {
    "result": "Result",
    "jackpot": "JackPotWin",
    "bonus": "BonusWin",
    "promo": "PromoWin",
    "bet": "Bet",
    "cancel": "Cancel",
}
_Row = Callable[[Settled, OwedCredit], None]


@dataclass(slots=True)
class Report:
    """Rows in the order in which their callbacks were settled."""

    _rows: list[_Row]
    rows: int = 0
    _open: dict[str, Settled] = field(default_factory=dict)  # rounds whose answer was lost, by reference

    def add(self, settled: Settled) -> None:
        callback = settled.callback
        if callback.page in _MOVE_NOTHING or (callback.page == "bet" and settled.code in _NOT_PLAYED):
            return
        reference = callback.credits[0].reference
        if callback.is_given_up and callback.page != "bet":
            self._open[reference] = settled  # its row is written when it is closed, with that answer
        elif first := self._open.pop(reference, None):
            first.take(settled.code, settled.transaction_id)
            self._write(first)
        elif not callback.is_told:
            self._write(settled)

    def close(self) -> None:
        """Writes what was never closed: it is owed all the same."""
        for settled in self._open.values():
            self._write(settled)
        self._open.clear()

    def _write(self, settled: Settled) -> None:
        for credit in settled.callback.credits:
            for row in self._rows:
                row(settled, credit)
            self.rows += 1


@contextmanager
def report(path: Path, feed_path: Path | None = None) -> Iterator[Report]:
    """Writes beside the file and takes its place at the end, also of what was broken off. Raises Trouble if it cannot.

    After Trouble there is nothing to report, and a file that was there stays. `feed_path` gets the same rows as the
    provider's feed of transactions has them.
    """
    if feed_path is None:
        with _report(path) as row:
            yield from _made([row])
    else:
        with _report(path) as row, _feed(feed_path) as as_feed:
            yield from _made([row, as_feed])


def _made(rows: list[_Row]) -> Iterator[Report]:
    made = Report(rows)
    try:
        yield made
    finally:
        made.close()


@contextmanager
def _report(path: Path) -> Iterator[_Row]:
    _check(path, "report")
    with replaced(path, "the report ", unless=Trouble) as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(COLUMNS)
        yield lambda settled, credit: writer.writerow(_cells(settled, credit))


@contextmanager
def _feed(path: Path) -> Iterator[_Row]:
    """Its first line says where the next portion begins, which is known at the end."""
    _check(path, "feed")
    with (
        replaced(path, "the feed ", unless=Trouble) as file,
        tempfile.TemporaryFile("w+", newline="", encoding="utf-8") as rows,
    ):
        writer = csv.writer(rows, lineterminator="\n")
        try:
            yield lambda settled, credit: writer.writerow(_feed_cells(settled, credit))
        finally:
            file.write(f"#timepoint = {int(time.time() * 1000)}\n{','.join(FEED_COLUMNS)}\n")
            rows.seek(0)
            shutil.copyfileobj(rows, file)


def _check(path: Path, what: str) -> None:
    if path.is_dir():
        raise Trouble(f"the {what} {plain(str(path))} cannot be written: it is a folder, name a file in it")


def _cells(settled: Settled, credit: OwedCredit) -> tuple[object, ...]:
    named = settled.callback.facts.get("reference", settled.callback.credits[0].reference)
    return (
        credit.reference,
        credit.callback,
        settled.transaction_id if credit.reference == named else "",  # the answer names the one that was sent
        credit.user_id,
        credit.currency,
        f"{credit.amount:f}",
        credit.round_id,
        credit.game_id,
        credit.bonus_code,
        settled.timestamp,
        "" if settled.code is None else settled.code,
    )


def _feed_cells(settled: Settled, credit: OwedCredit) -> tuple[object, ...]:
    facts = settled.callback.facts
    return (
        credit.reference,
        _TYPES[credit.callback],
        f"{credit.amount:f}",
        settled.timestamp,
        facts.get("sessionId", ""),
        credit.game_id,
        credit.user_id,
        credit.bonus_code,
        facts.get("details", "spin") if credit.callback in ("result", "bet") else "",
    )
