"""What a program may put in front of the callbacks of a local service: its pages, and a watcher of all that arrives."""

import time
from collections.abc import Callable, Sequence
from typing import Protocol

from starlette.types import ASGIApp


class Watcher(Protocol):
    """It hears of each callback, and must return immediately: `log` is what the function said meanwhile."""

    def answered(self, kind: str, body: bytes, log: Sequence[str], answer: str, seconds: float) -> None: ...

    def failed(self, kind: str, body: bytes, failure: str, seconds: float) -> None:
        """No answer: the worker crashed, or took too long."""
        ...

    def tried_again(self, kind: str, messages: Sequence[str], log: Sequence[str]) -> None:
        """The function took these messages from its retry queue."""
        ...


class Front(Protocol):
    @property
    def watcher(self) -> Watcher: ...

    def before(self, callbacks: ASGIApp) -> ASGIApp:
        """The application to serve: its own pages, and the callbacks for every other path."""
        ...

    async def run(self, is_stopping: Callable[[], bool]) -> None:
        """Until it is cancelled: what must go on beside the pages. Once `is_stopping` is true, no answer may last."""
        ...

    def end(self) -> None:
        """Ends what was begun from its pages."""
        ...


THROTTLED_SECONDS = 5  # Lambda refuses at once what it has no environment for; here a worker may be free in a moment


def say(function: str, started: float, outcome: str) -> None:
    """Prints what became of a call, for the person who started the service."""
    print(f"{function:<8} {1000 * (time.monotonic() - started):6.1f} ms  {outcome}", flush=True)
