"""An alarm as CloudWatch evaluates it, minute by minute, from points that arrive when they arrive.

Source: AWS's pages on alarms and missing data, and on metric math. What they leave open is taken at its worst: an
alarm sees no more than its `EvaluationPeriods`, the newest of which has only just ended.
"""

import ast
import operator
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

MINUTE = 60


@dataclass(frozen=True, slots=True)
class Point:
    """A sample of a metric: `id` as the alarm names the metric; in seconds when it was taken and when it arrived."""

    id: str
    value: float
    taken: int
    arrived: int


@dataclass(frozen=True, slots=True)
class Alarm:
    """What a template says of an alarm; an alarm without a formula has one metric, named by its `MetricName`."""

    periods: int
    to_alarm: int
    seconds: int
    statistics: Mapping[str, str]
    expression: str
    breaches: Callable[[float], bool]

    @classmethod
    def read(cls, properties: Mapping[str, Any]) -> "Alarm":
        queries = [each for each in properties.get("Metrics", []) if "MetricStat" in each]
        statistics = {each["Id"]: each["MetricStat"]["Stat"] for each in queries}
        seconds = {each["MetricStat"]["Period"] for each in queries}
        (expression,) = [each["Expression"] for each in properties.get("Metrics", []) if "Expression" in each] or [
            properties["MetricName"]
        ]
        compare = {"GreaterThanThreshold": operator.gt, "GreaterThanOrEqualToThreshold": operator.ge}[
            properties["ComparisonOperator"]
        ]
        assert properties["TreatMissingData"] == "notBreaching"
        return cls(
            periods=properties["EvaluationPeriods"],
            to_alarm=properties["DatapointsToAlarm"],
            seconds=(seconds or {properties["Period"]}).pop(),
            statistics=statistics or {properties["MetricName"]: properties["Statistic"]},
            expression=expression,
            breaches=lambda value: compare(value, properties["Threshold"]),
        )

    def sounds(self, points: Iterable[Point], now: int) -> bool:
        """Whether it is in ALARM at that second."""
        samples: dict[tuple[str, int], list[float]] = defaultdict(list)
        for point in points:
            if point.arrived <= now:
                samples[point.id, point.taken // self.seconds].append(point.value)
        ended = now // self.seconds  # the newest period that is looked at has just ended
        values = [self._value(samples, period) for period in range(ended - self.periods, ended)]
        return sum(value is not None and self.breaches(value) for value in values) >= self.to_alarm

    def _value(self, samples: Mapping[tuple[str, int], Sequence[float]], period: int) -> float | None:
        """What it compares of that period; None if there is no point."""
        metrics = {id: _statistic(name, samples.get((id, period), ())) for id, name in self.statistics.items()}
        return _computed(_parsed(self.expression), metrics)


@cache
def _parsed(expression: str) -> ast.expr:
    return ast.parse(expression, mode="eval").body


def _statistic(name: str, values: Sequence[float]) -> float | None:
    if not values:
        return None
    return sum(values) if name == "Sum" else max(values)  # of a few values, the 99th of a hundred is the greatest


_OPERATORS: dict[type, Callable[[Any, Any], Any]] = {
    ast.Add: operator.add,
    ast.Div: operator.truediv,
    ast.GtE: operator.ge,
}


def _computed(node: ast.AST, metrics: Mapping[str, float | None]) -> Any:
    """A formula's value; None where it has none: all but FILL pass on what is missing."""
    match node:
        case ast.Name(id):
            return metrics[id]
        case ast.Constant(value):
            return value
        case ast.List(elements):
            return [_computed(each, metrics) for each in elements]
        case ast.BinOp(left, sign, right) | ast.Compare(left, [sign], [right]):
            one, other = _computed(left, metrics), _computed(right, metrics)
            return None if one is None or other is None else _OPERATORS[type(sign)](one, other)
        case ast.Call(ast.Name("FILL"), [series, filling]):
            value = _computed(series, metrics)
            return _computed(filling, metrics) if value is None else value
        case ast.Call(ast.Name("SUM"), [series]):
            values = _computed(series, metrics)
            return None if None in values else sum(values)
        case ast.Call(ast.Name("IF"), [condition, then, otherwise]):
            holds, one, other = (_computed(each, metrics) for each in (condition, then, otherwise))
            return None if None in (holds, one, other) else one if holds else other
        case _:
            raise AssertionError(f"more of metric math than is known here: {ast.unparse(node)}")
