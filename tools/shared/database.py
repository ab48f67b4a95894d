"""A database of DuckDB's on disk, for what is larger than memory, and its failures as troubles."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb

from tools.shared.outside import fault
from tools.shared.trouble import Trouble

THREADS = 2


def opened(file: Path, *, memory: str) -> duckdb.DuckDBPyConnection:
    """A new database in that file; what does not fit into `memory` (`512MB`) spills to the folder beside it."""
    return duckdb.connect(
        str(file),
        config={
            "memory_limit": memory,
            "threads": THREADS,
            "temp_directory": str(file.parent / "spilled"),
            "preserve_insertion_order": False,
            "autoinstall_known_extensions": False,
        },
    )


@contextmanager
def trouble_if(it_cannot: str) -> Iterator[None]:
    """Raises Trouble with those words for what a database raises: no room on the disk, or a file it cannot read."""
    try:
        yield
    except duckdb.Error as error:
        raise Trouble(f"{it_cannot}: {fault(error)}") from error
    except RuntimeError:  # so DuckDB says Ctrl-C
        raise KeyboardInterrupt from None
