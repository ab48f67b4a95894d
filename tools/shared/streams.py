"""The program's three streams when something is wrong with them: closed, on a full disk, or read by nobody any more.

A command writes to them as ever. What cannot be written is dropped, and the command does what it was called for: money
that is half moved would be worse than a list that is cut.
"""

import io
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager

REFUSED = 2  # the status of what could not be done; 1 is a command's own "no"

_standard_output: "_Stream | None" = None


class _Stream(io.FileIO):
    """A file that remembers the first error of writing, and takes everything after it as written."""

    error: OSError | None = None

    def write(self, data: object, /) -> int:
        if self.error is None:
            try:
                return super().write(data)  # type: ignore[arg-type] - what FileIO takes
            except OSError as error:
                self.error = error
        return len(memoryview(data))  # type: ignore[arg-type]


def is_lost() -> bool:
    """Whether standard output goes nowhere: a long list may end."""
    return _standard_output is not None and _standard_output.error is not None


@contextmanager
def guarded() -> Iterator[None]:
    """Ends the program with one line and status 2 where its standard output is incomplete.

    A reader that has gone (`| head`) has all it wanted: the status is the command's own.
    """
    global _standard_output
    is_closed = sys.stdout is None  # pyright: ignore[reportUnnecessaryComparison] - so Python starts after `>&-`
    for descriptor in (0, 1, 2):
        _keep(descriptor)
    if sys.stdin is None:  # pyright: ignore[reportUnnecessaryComparison]
        sys.stdin = open(os.devnull)  # noqa: SIM115 - until the process ends
    sys.stderr = _text(_Stream(2, "w", closefd=False), is_line_buffered=True)
    if is_closed:
        print("walletctl: standard output is closed: nothing was done", file=sys.stderr)
        sys.exit(REFUSED)
    _standard_output = _Stream(1, "w", closefd=False)
    sys.stdout = _text(_standard_output, is_line_buffered=_standard_output.isatty())
    try:
        yield
    finally:
        sys.stdout.flush()
        error = _standard_output.error
        if error is not None and not isinstance(error, BrokenPipeError):
            print(f"walletctl: the output is incomplete: {error.strerror}", file=sys.stderr)
            sys.exit(REFUSED)


def _keep(descriptor: int) -> None:
    """Opens a closed standard stream to nowhere, so that no file of ours gets its number."""
    try:
        os.fstat(descriptor)
    except OSError:
        os.open(os.devnull, os.O_RDWR)  # the lowest number that is free, and those below are not


def _text(stream: _Stream, *, is_line_buffered: bool) -> io.TextIOWrapper:
    # A reference may have what the terminal's encoding has not.
    return io.TextIOWrapper(io.BufferedWriter(stream), errors="backslashreplace", line_buffering=is_line_buffered)
