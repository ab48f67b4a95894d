"""The provider's own report: a row of CSV for each credit that it considers owed.

What the columns mean: docs/tools/simulate.md, The provider's report.
"""

import csv
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tools.provider.columns import COLUMNS
from tools.provider.simulate.provider import Settled
from tools.shared.outside import plain
from tools.shared.replaced import replaced
from tools.shared.trouble import Trouble


@dataclass(slots=True)
class Report:
    """Rows in the order in which their callbacks were settled."""

    _writer: Any
    rows: int = 0
    _open: dict[str, Settled] = field(default_factory=dict)  # rounds whose answer was lost, by reference

    def add(self, settled: Settled) -> None:
        callback = settled.callback
        reference = callback.credits[0].reference
        if callback.is_given_up:
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
        for nth, credit in enumerate(settled.callback.credits):
            self._writer.writerow(
                (
                    credit.reference,
                    credit.callback,
                    settled.transaction_id if nth == 0 else "",  # the answer names the first one's alone
                    credit.user_id,
                    credit.currency,
                    f"{credit.amount:f}",
                    credit.round_id,
                    credit.game_id,
                    credit.bonus_code,
                    settled.timestamp,
                    "" if settled.code is None else settled.code,
                )
            )
            self.rows += 1


@contextmanager
def report(path: Path) -> Iterator[Report]:
    """Writes beside the file and takes its place at the end, also of what was broken off. Raises Trouble if it cannot.

    After Trouble there is nothing to report, and a file that was there stays.
    """
    if path.is_dir():
        raise Trouble(f"the report {plain(str(path))} cannot be written: it is a folder, name a file in it")
    with replaced(path, "the report ", unless=Trouble) as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(COLUMNS)
        made = Report(writer)
        try:
            yield made
        finally:
            made.close()
