"""An export's records, each compared with its own request, in processes beside the database.

Requests are not loaded into the database: they are most of an export, and a name in them may be written in any case.
So each file is read once more, line by line, by the comparison that `verify` uses on the tables. Faults go to a file,
since there may be many.
"""

import gzip
import json
import multiprocessing
import os
import signal
import zlib
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor, Future, ProcessPoolExecutor
from dataclasses import asdict
from pathlib import Path
from typing import Any

from tools.shared.outside import fault, plain
from tools.shared.trouble import Trouble
from tools.walletctl.verify.books import number
from tools.walletctl.verify.record import faults_of

_WORTH_A_PROCESS = 4 << 20  # packed bytes; a process takes half a second to start

_LINES_BETWEEN_LOOKS = 1000  # some thirty milliseconds

# The queries compare these. They are not read here: a number takes longer than a text.
_COMPARED_LATER = frozenset({"amount", "cashAfter", "bonusAfter", "uncoveredAfter", "advanceAfter"})
_decode = json.JSONDecoder().raw_decode  # quicker than loads, which guesses an encoding


class Records:
    """Proves the records of files: by processes, or here if the files are small."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._stop = folder / "stop"
        self._pool: Executor | None = None
        self._files = 0

    def close(self) -> None:
        """Stops the processes: nothing writes into the folder after this."""
        if self._pool:
            self._stop.touch()
            self._pool.shutdown(cancel_futures=True)

    def begin(self, paths: Sequence[Path]) -> Callable[[], list[Path]]:
        """Starts to prove files. The function it returns waits for the files of faults. Both may raise Trouble."""
        jobs: list[tuple[Path, Path, Path]] = []
        for path in paths:
            self._files += 1
            jobs.append((path, self._folder / f"faults-{self._files}.json", self._stop))
        if sum(path.stat().st_size for path in paths) < _WORTH_A_PROCESS:
            return lambda: [_prove(*job) for job in jobs]
        if self._pool is None:
            # A fork would copy the database's threads in a state of their own.
            context = multiprocessing.get_context("spawn")
            self._pool = ProcessPoolExecutor(os.cpu_count(), mp_context=context, initializer=_leave_ctrl_c)
        running = [self._pool.submit(_prove, *job) for job in jobs]
        return lambda: [*map(Future.result, running)]


def _leave_ctrl_c() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the command ends its processes by itself


def _prove(path: Path, to: Path, stop: Path) -> Path:
    """Writes the faults of a file's records, one a line. Raises Trouble if the file cannot be read."""
    opened: Any = gzip.open if path.suffix == ".gz" else open
    try:
        with opened(path, "rb") as lines, to.open("w") as faults:
            for count, line in enumerate(filter(bytes.strip, lines)):
                if count % _LINES_BETWEEN_LOOKS == 0 and stop.exists():
                    break
                for wrong in faults_of(_item(line)):
                    faults.write(f"{json.dumps(asdict(wrong))}\n")
    except (OSError, EOFError, zlib.error, ValueError, LookupError, TypeError, AttributeError, RecursionError) as error:
        raise Trouble(f"{plain(str(path))} cannot be read: {fault(error)}") from None
    return to


def _item(line: bytes) -> dict[str, Any]:
    """An item of DynamoDB's JSON in Python's types; what is in a list or a map stays as it is."""
    return dict(_attributes(_decode(line.decode().lstrip())[0]["Item"]))


def _attributes(item: dict[str, dict[str, Any]]) -> Iterator[tuple[str, Any]]:
    for name, attribute in item.items():
        ((type_, value),) = attribute.items()
        if type_ != "NULL" and name not in _COMPARED_LATER:
            yield name, number(value) if type_ == "N" else value
