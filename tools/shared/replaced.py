"""Files that a command writes: whole or not at all."""

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import IO

from tools.shared.outside import plain
from tools.shared.trouble import Trouble

_DEVICES = Path("/dev")  # also /dev/stdout, and the /dev/fd/63 of a shell's >(gzip)
_MOST_OF_A_NAME = 50  # characters: the name beside it is no longer than a name may be


@dataclass(frozen=True, slots=True)
class Written:
    """A file while it is written. `write` raises Trouble."""

    _file: IO[str]
    _named: str

    def write(self, text: str) -> int:
        with _trouble_if_unwritten(self._named):
            return self._file.write(text)


@contextmanager
def replaced(path: Path, what: str = "", *, unless: type[BaseException] = BaseException) -> Iterator[Written]:
    """Writes beside the file, and takes its place at the end. After an error of type `unless` nothing is replaced.

    The file keeps its mode. A link is followed. A device or a pipe is written to, not replaced. `what` stands before
    the path in a message. Raises Trouble for what cannot be opened, written or closed, and replaces nothing then.
    """
    named = f"{what}{plain(str(path))}"
    if _is_written_to(path):
        with _trouble_if_unwritten(named):
            there = path.open("w", newline="", encoding="utf-8")
        try:
            yield Written(there, named)
        finally:
            with _trouble_if_unwritten(named):
                there.close()
        return
    with _trouble_if_unwritten(named):
        path = path.resolve()
        mode = stat.S_IMODE(path.stat().st_mode) if path.exists() else 0o666 & ~_umask()
        file = NamedTemporaryFile(  # noqa: SIM115 - it is closed below, before it is moved
            "w", dir=path.parent, prefix=f".{path.name[:_MOST_OF_A_NAME]}.", delete=False, newline="", encoding="utf-8"
        )
    beside = Path(file.name)
    try:
        try:
            yield Written(file, named)
        finally:
            with _trouble_if_unwritten(named):
                file.close()
    except (unless, OSError, Trouble):
        beside.unlink()
        raise
    finally:
        if beside.exists():
            with _trouble_if_unwritten(named):
                beside.chmod(mode)
                beside.replace(path)


def check_place(path: Path, what: str = "") -> None:
    """Raises Trouble for what cannot become a file: before the work, rather than after it."""
    named = f"{what}{plain(str(path))}"
    with _trouble_if_unwritten(named):
        folder = path.resolve().parent
        if path.is_dir() or not (_is_written_to(path) or (folder.is_dir() and os.access(folder, os.W_OK))):
            raise Trouble(f"{named} cannot be written: name a file in a folder that is there")


@contextmanager
def _trouble_if_unwritten(named: str) -> Iterator[None]:
    try:
        yield
    except (OSError, RuntimeError) as error:  # the latter: links that lead to each other
        raise Trouble(f"{named} cannot be written: {getattr(error, 'strerror', None) or error}") from None


def _is_written_to(path: Path) -> bool:
    return path.absolute().is_relative_to(_DEVICES) or (path.exists() and not path.is_file())


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
