"""A target: what must hold, what is aimed at, and whether a run met it."""

from dataclasses import dataclass
from typing import Literal

Verdict = Literal["aim met", "met", "MISSED", "not measured"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """`measured` is at most `must`, or at least where `at_least`; `aim` is None where nothing more is aimed at."""

    measured: float | None
    must: float
    aim: float | None = None
    at_least: bool = False
    digits: int = 2

    @property
    def verdict(self) -> Verdict:
        if self.measured is None:
            return "not measured"
        if not self._holds(self.measured, self.must):
            return "MISSED"
        return "met" if self.aim is None or not self._holds(self.measured, self.aim) else "aim met"

    @property
    def is_missed(self) -> bool:
        return self.verdict in ("MISSED", "not measured")

    @property
    def bounds(self) -> str:
        """As the table has them: `≤ 0.55, aim 0.40`."""
        must = f"{'≥' if self.at_least else '≤'} {self.must:.{self.digits}f}"
        return must if self.aim is None else f"{must}, aim {self.aim:.{self.digits}f}"

    def _holds(self, measured: float, bound: float) -> bool:
        # As it is written: a reader must not be told that 0.70 exceeds 0.70.
        shown, bound = round(measured, self.digits), round(bound, self.digits)
        return shown >= bound if self.at_least else shown <= bound
