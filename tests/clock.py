"""The money path's own clock, for tests."""

from dataclasses import dataclass


@dataclass
class Clock:
    """Only its pauses take time, so that no answer is late because the machine is busy."""

    now: float = 1000.0
    slept: float = 0.0

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds
        self.slept += seconds
