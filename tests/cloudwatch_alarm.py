"""An alarm as CloudWatch evaluates it, minute by minute, from points that arrive when they arrive.

Source: AWS's pages on alarms and missing data, and on metric math. What they leave open is taken as it is worst for an
alarm that must not be silent: it sees no more than its `EvaluationPeriods`, the newest of which has only just ended.
"""

import ast
import operator
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

MINUTE = 60
USUAL = 100.0  # the upper end of the band that CloudWatch has learned; AWS does not say how it comes to one


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
    keeps_its_state: bool  # while there is no point at all
    misses: bool  # a point that is missing passes the limit

    @classmethod
    def read(cls, properties: Mapping[str, Any]) -> "Alarm":
        queries = [each for each in properties.get("Metrics", []) if "MetricStat" in each]
        statistics = {each["Id"]: each["MetricStat"]["Stat"] for each in queries}
        seconds = {each["MetricStat"]["Period"] for each in queries}
        (expression,) = [each["Expression"] for each in properties.get("Metrics", []) if "Expression" in each] or [
            properties["MetricName"]
        ]
        compare = {
            "GreaterThanThreshold": operator.gt,
            "GreaterThanOrEqualToThreshold": operator.ge,
            "LessThanThreshold": operator.lt,
            "GreaterThanUpperThreshold": operator.gt,
        }[properties["ComparisonOperator"]]
        limit = USUAL if "ThresholdMetricId" in properties else properties["Threshold"]
        assert properties["TreatMissingData"] in ("notBreaching", "ignore", "breaching")
        return cls(
            periods=properties["EvaluationPeriods"],
            to_alarm=properties["DatapointsToAlarm"],
            seconds=(seconds or {properties["Period"]}).pop(),
            statistics=statistics or {properties["MetricName"]: properties["Statistic"]},
            expression=expression,
            breaches=lambda value: compare(value, limit),
            keeps_its_state=properties["TreatMissingData"] == "ignore",
            misses=properties["TreatMissingData"] == "breaching",
        )

    def sounds(self, points: Iterable[Point], now: int, *, before: bool = False) -> bool:
        """Whether it is in ALARM at that second; `before`: whether it was at the evaluation before."""
        samples: dict[tuple[str, int], list[float]] = defaultdict(list)
        for point in points:
            if point.arrived <= now:
                samples[point.id, point.taken // self.seconds].append(point.value)
        ended = now // self.seconds  # the newest period that is looked at has just ended
        periods = range(ended - self.periods, ended)
        metrics = {
            id: [_statistic(name, samples.get((id, period), ())) for period in periods]
            for id, name in self.statistics.items()
        }
        values = _computed(_parsed(self.expression), metrics)
        if self.keeps_its_state and values == [None] * self.periods:
            return before
        breaching = (self.misses if value is None else self.breaches(value) for value in values)
        return sum(breaching) >= self.to_alarm


@cache
def _parsed(expression: str) -> ast.expr:
    return ast.parse(expression, mode="eval").body


def _statistic(name: str, values: Sequence[float]) -> float | None:
    if not values:
        return None
    return sum(values) if name == "Sum" else max(values)  # of a few values, the 99th of a hundred is the greatest


Series = list[float | None]  # a value a period; None where it has none

_OPERATORS: dict[type, Callable[[Any, Any], Any]] = {
    ast.Add: operator.add,
    ast.Div: lambda one, other: one / other if other else None,
    ast.GtE: operator.ge,
}


def _computed(node: ast.AST, metrics: Mapping[str, Series]) -> Any:
    """A formula's series. A missing value counts as 0 beside one that is there, as AWS says of arithmetic."""
    match node:
        case ast.Name("REPEAT"):
            return "REPEAT"
        case ast.Name(id):
            return metrics[id]
        case ast.Constant(value):
            return value
        case ast.List(elements):
            return [_computed(each, metrics) for each in elements]
        case ast.BinOp(left, sign, right) | ast.Compare(left, [sign], [right]):
            return _together(_OPERATORS[type(sign)], _computed(left, metrics), _computed(right, metrics))
        case ast.Call(ast.Name("METRICS"), []):
            return [*metrics.values()]
        case ast.Call(ast.Name("ANOMALY_DETECTION_BAND"), [metric, ast.Constant()]):
            return _computed(metric, metrics)  # it is held against USUAL
        case ast.Call(ast.Name("FILL"), [ast.Call(ast.Name("METRICS"), []), filling]):
            return [_filled(series, _computed(filling, metrics)) for series in metrics.values()]
        case ast.Call(ast.Name("FILL"), [series, filling]):
            return _filled(_computed(series, metrics), _computed(filling, metrics))
        case ast.Call(ast.Name("SUM"), [several]):
            return [
                None if set(values) == {None} else sum(filter(None, values))
                for values in zip(*_computed(several, metrics), strict=True)
            ]
        case ast.Call(ast.Name("IF"), [condition, then, otherwise]):
            chosen, other = _computed(then, metrics), _computed(otherwise, metrics)
            holding = _computed(condition, metrics)
            return [
                None if holds is None else (value or 0) if holds else other
                for holds, value in zip(holding, chosen, strict=True)
            ]
        case _:
            raise AssertionError(f"more of metric math than is known here: {ast.unparse(node)}")


def _together(compute: Callable[[Any, Any], Any], one: Any, other: Any) -> Series:
    length = len(one if isinstance(one, list) else other)
    pairs = zip(*(each if isinstance(each, list) else [each] * length for each in (one, other)), strict=True)
    return [
        None if left is None and (right is None or not isinstance(other, list)) else compute(left or 0, right or 0)
        for left, right in pairs
    ]


def _filled(series: Series, filling: Any) -> Series:
    filled: Series = []
    for value in series:
        before = filled[-1] if filled else None
        filled.append(value if value is not None else before if filling == "REPEAT" else filling)
    return filled
