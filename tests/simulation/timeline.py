"""Time that passes only by what happens. Tasks are greenlets: each runs until it sleeps, and the first that is due
goes on. What is due at the same moment goes on in the order in which it was planned.
"""

import heapq
import itertools
from collections.abc import Callable
from typing import Any

from greenlet import getcurrent, greenlet

START = 1_790_000_000.0  # seconds since the epoch


class Task(greenlet):
    """Something that runs beside others; `at_work` is what it does."""

    at_work: Any = None


class Timeline:
    """Seconds since the epoch."""

    def __init__(self) -> None:
        self.now = START
        self._due: list[tuple[float, int, Callable[[], object]]] = []
        self._order = itertools.count()
        self._hub = getcurrent()

    def at(self, moment: float, act: Callable[[], object]) -> None:
        heapq.heappush(self._due, (moment, next(self._order), act))

    def start(self, run: Callable[[], object], at_work: Any = None) -> None:
        """Has a task of its own begin now."""
        task = Task(run, self._hub)
        task.at_work = at_work
        self.at(self.now, task.switch)

    def sleep(self, seconds: float) -> None:
        """Has everything else go on that is due before."""
        heapq.heappush(self._due, (self.now + seconds, next(self._order), getcurrent().switch))
        self._hub.switch()

    def wait(self) -> None:
        """Has everything else go on, until something that was planned comes back here."""
        self._hub.switch()

    def run(self, until: float = float("inf")) -> None:
        """Has everything happen that is due by then; what a task raises ends it, and comes out here."""
        self._hub = getcurrent()
        while self._due and self._due[0][0] <= until:
            moment, _, act = heapq.heappop(self._due)
            self.now = max(self.now, moment)
            act()
        if until != float("inf"):
            self.now = max(self.now, until)

    @property
    def is_over(self) -> bool:
        return not self._due
