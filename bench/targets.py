"""The gates: what must hold, what is aimed at, and which of both a run has met."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Literal

from bench.contenders import OURS, PEER
from bench.measure import PLAYERS, Stand

Verdict = Literal["aim met", "must met", "MISSED", "not measured"]

_COUNT_DIGITS = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """`measured` is at most `must`, or at least where `at_least`; `aim` is None where nothing more is aimed at."""

    what: str
    measured: float | None
    must: float
    aim: float | None = None
    at_least: bool = False
    unit: str = ""
    digits: int = 2

    @property
    def verdict(self) -> Verdict:
        if self.measured is None:
            return "not measured"
        if not self._holds(self.must):
            return "MISSED"
        return "aim met" if self.aim is None or self._holds(self.aim) else "must met"

    def text(self, bound: float | None) -> str:
        """A bound as it is written in the table."""
        return "-" if bound is None else f"{'≥' if self.at_least else '≤'} {self.written(bound)}"

    def written(self, value: float | None) -> str:
        return "-" if value is None else f"{value:.{self.digits}f}{self.unit}"

    def _holds(self, bound: float) -> bool:
        assert self.measured is not None  # noqa: S101 - asked for by who has looked
        # As it is written: nobody should be told that 0.70 exceeds 0.70.
        shown, bound = round(self.measured, self.digits), round(bound, self.digits)
        return shown >= bound if self.at_least else shown <= bound


def targets(stand: Stand) -> list[Target]:
    """In the order in which they were set; ratios are ours to the peer's, round by round."""
    return [
        Target(what="init as deployed, ratio", measured=_ratio(stand, "init as deployed"), must=0.55, aim=0.40),
        Target(
            what="peak memory as deployed, ratio",
            measured=_ratio(stand, "peak memory as deployed"),
            must=0.70,
            aim=0.55,
        ),
        Target(what="fresh callback on the engine, ratio", measured=_ratio(stand, "engine fresh"), must=0.70, aim=0.50),
        Target(what="fresh callback on the stub, ratio", measured=_ratio(stand, "stub fresh"), must=0.70, aim=0.50),
        Target(what="replay on the engine, ratio", measured=_ratio(stand, "engine replay"), must=0.85, aim=0.60),
        Target(what="replay on the stub, ratio", measured=_ratio(stand, "stub replay"), must=0.85, aim=0.60),
        Target(
            what="own CPU around the SDK's calls",
            measured=_median(stand, "own fresh", OURS.name),
            must=0.30,
            aim=0.10,
            unit=" ms",
        ),
        Target(
            what=f"throughput, {PLAYERS} players, ratio",
            measured=_ratio(stand, "engine throughput"),
            must=1.3,
            aim=2.0,
            at_least=True,
        ),
        *_counted(stand),
        *(
            Target(
                what=f"{what} at {stand.extent.history:,} transactions against 10",
                measured=figure.median if (figure := stand.book.ratio(f"table {what}", "large", "small")) else None,
                must=1.1,
                aim=1.02,
            )
            for what in ("fresh", "replay")
        ),
    ]


def is_missed(all_of_them: Iterable[Target]) -> bool:
    return any(target.verdict in ("MISSED", "not measured") for target in all_of_them)


def _counted(stand: Stand) -> Iterator[Target]:
    fresh, replay = stand.counts[OURS.name, "fresh"], stand.counts[OURS.name, "replay"]
    for what, measured, must, aim in (
        ("round trips, fresh", fresh.round_trips, 2, 1),
        ("round trips, replay", replay.round_trips, 1, 1),
        ("write units of the tables, fresh", fresh.writes - fresh.index, 4, None),
        ("write units of the index, fresh", fresh.index, 1, None),
        ("write units, replay", replay.writes, 0, None),
    ):
        yield Target(what=what, measured=measured, must=must, aim=aim, digits=_COUNT_DIGITS)


def _ratio(stand: Stand, measurement: str) -> float | None:
    figure = stand.book.ratio(measurement, OURS.name, PEER.name)
    return figure.median if figure else None


def _median(stand: Stand, measurement: str, who: str) -> float | None:
    figure = stand.book.figure(measurement, who)
    return figure.median if figure else None
