"""Ctrl-C, SIGTERM and a closed terminal, heard only where nothing is broken off by them."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Interrupted(SystemExit):
    """`code` is the status that shells give such an end: 128 and the signal's number."""


class Interruptions:
    """Within it a signal waits for `check`, or for what may end `at_once`; what is on its way out is not disturbed.

    A receive that is broken off has taken letters of which nobody knows, and nobody could put them back. In a thread
    beside the main one there are none: Python hands signals to the main thread alone, which waits for the others.
    """

    def __init__(self) -> None:
        self._waiting: int | None = None
        self._at_once = False
        self._before: dict[int, Any] = {}

    def __enter__(self) -> "Interruptions":
        if threading.current_thread() is threading.main_thread():
            self._before = {number: signal.signal(number, self._on_signal) for number in _SIGNALS}
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def check(self) -> None:
        """Raises Interrupted if there was a signal."""
        if self._waiting is not None:
            raise Interrupted(128 + self._waiting)

    @contextmanager
    def at_once(self) -> Iterator[None]:
        self._at_once = True
        try:
            self.check()
            yield
        finally:
            self._at_once = False

    def _on_signal(self, number: int, _frame: FrameType | None) -> None:
        self._waiting = number
        if self._at_once:
            self.check()
