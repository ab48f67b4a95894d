"""The figures of a run: for each contender and measurement one a round, so that ratios are of the same minute."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from statistics import median, quantiles


@dataclass(frozen=True, slots=True)
class Figure:
    """A measurement's value of each round."""

    rounds: tuple[float, ...]

    @property
    def median(self) -> float:
        return median(self.rounds)

    @property
    def least(self) -> float:
        return min(self.rounds)

    @property
    def most(self) -> float:
        return max(self.rounds)


@dataclass(slots=True)
class Book:
    _values: dict[tuple[str, str], list[float]] = field(default_factory=lambda: defaultdict(list))

    def note(self, measurement: str, who: str, value: float) -> None:
        self._values[measurement, who].append(value)

    def figure(self, measurement: str, who: str) -> Figure | None:
        """None if it was not measured."""
        values = self._values.get((measurement, who))
        return Figure(tuple(values)) if values else None

    def ratio(self, measurement: str, who: str, to: str) -> Figure | None:
        """Round by round: what disturbed the machine in one round disturbed both."""
        ours, theirs = self.figure(measurement, who), self.figure(measurement, to)
        if ours is None or theirs is None or not all(theirs.rounds):
            return None
        return Figure(tuple(one / other for one, other in zip(ours.rounds, theirs.rounds, strict=True)))


def p50(values: Sequence[float]) -> float:
    return median(values)


def p99(values: Sequence[float]) -> float:
    """The value that one in a hundred exceeds; of fewer than a hundred, the greatest."""
    return quantiles(values, n=100)[98] if len(values) >= 100 else max(values)
