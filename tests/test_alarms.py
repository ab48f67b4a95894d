"""Who is told, and of what: every alarm and every figure of the dashboard is about something that is counted."""

import json
import re
import shlex
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import pytest

from cloudwatch_alarm import MINUTE, Alarm, Point
from conftest import ROOT, Operator
from rehearsal import rehearsal
from stack import BETS, CALLBACKS, CONTENT, FUNCTIONS, KEEPING, RESOURCES, WINS, filled, is_intrinsic, of_type
from tools.local.template import Template
from walletctl import Walletctl, of_a_stack

QUIET = 60  # minutes: what QuietMinutes says in these tests
ALARMS: dict[str, dict[str, Any]] = {
    name: {
        key: QUIET if is_intrinsic(value, "Ref") and value.argument == "QuietMinutes" else value
        for key, value in each.items()
    }
    for name, each in of_type("AWS::CloudWatch::Alarm").items()
}
DASHBOARD = json.loads(filled(of_type("AWS::CloudWatch::Dashboard")["Dashboard"]["DashboardBody"]))
WIDGETS: list[dict[str, Any]] = DASHBOARD["widgets"]

HOUR, DAY = 3600, 86400  # seconds

every_alarm = pytest.mark.parametrize("alarm", ALARMS)
# All but the one that fires on what is missing.
every_counting_alarm = pytest.mark.parametrize("alarm", [each for each in ALARMS if each != "NoCallbacksAlarm"])


@dataclass(frozen=True, slots=True)
class Metric:
    """A metric that is looked at; a dimension's value is written as in `filled`: `<Players>`, or a plain text."""

    namespace: str
    name: str
    dimensions: Mapping[str, str]


# --- What exists ------------------------------------------------------------------------------------

# AWS's own, from each service's page of its metrics, with the dimensions that it counts them under.
OF_AWS = {
    "AWS/SQS": (
        {
            "ApproximateNumberOfMessagesVisible",
            "ApproximateNumberOfMessagesNotVisible",
            "ApproximateNumberOfMessagesDelayed",
        },
        [{"QueueName"}],
    ),
    "AWS/ApiGateway": ({"Count", "4XXError", "5XXError", "Latency"}, [{"ApiName", "Stage"}]),
    "AWS/Lambda": ({"Errors", "Throttles", "Duration", "ConcurrentExecutions"}, [{"FunctionName"}]),
    "AWS/DynamoDB": (
        {"ReadThrottleEvents", "WriteThrottleEvents"},
        [{"TableName"}, {"TableName", "GlobalSecondaryIndexName"}],
    ),
}
# What a dimension's value must refer to.
REFERENCES = {
    "QueueName": (".QueueName", "AWS::SQS::Queue"),
    "FunctionName": ("", "AWS::Serverless::Function"),
    "TableName": ("", "AWS::DynamoDB::Table"),
}
OUR_OWN = "<AWS::StackName>"
CALLED = ("Result", "Win", "bonuswin", "Bet", "Cancel", "Refund", "EndRound", "Balance", "Check")
# What is counted in the gateway's log, by what is looked for.
OF_THE_API_LOG = {
    transformation["MetricName"]: " ".join(each["FilterPattern"].split())
    for each in of_type("AWS::Logs::MetricFilter").values()
    for transformation in each["MetricTransformations"]
}


def assert_exists(metric: Metric) -> None:
    if metric.namespace == OUR_OWN and metric.name in OF_THE_API_LOG:
        assert not metric.dimensions
        return
    if metric.namespace == OUR_OWN:
        callbacks = [metric.dimensions["service"]] if "service" in metric.dimensions else CALLBACKS
        printed = {(each.name, each.dimensions) for callback in callbacks for each in rehearsal(callback).metrics}
        dimensions = frozenset(
            (name, "USD" if value.startswith("<UsualCreditsIn") else value) for name, value in metric.dimensions.items()
        )
        assert (metric.name, dimensions) in printed, f"{metric} is never counted"
        return
    names, dimensions = OF_AWS[metric.namespace]
    assert metric.name in names
    assert metric.dimensions.keys() in dimensions
    for name, value in metric.dimensions.items():
        if name in REFERENCES:
            attribute, resource_type = REFERENCES[name]
            resource = value.removeprefix("<").removesuffix(f"{attribute}>")
            assert value == f"<{resource}{attribute}>"
            assert RESOURCES[resource]["Type"] == resource_type
    if metric.namespace == "AWS/ApiGateway":
        api = RESOURCES["Api"]["Properties"]
        assert metric.dimensions == {"ApiName": text(api["Name"]), "Stage": text(api["StageName"])}
    if "GlobalSecondaryIndexName" in metric.dimensions:
        table = RESOURCES[metric.dimensions["TableName"].strip("<>")]["Properties"]
        indexes = {index["IndexName"] for index in table["GlobalSecondaryIndexes"]}
        assert metric.dimensions["GlobalSecondaryIndexName"] in indexes


def text(value: Any) -> str:
    """A value as `filled` writes it."""
    if is_intrinsic(value, "Sub"):
        return filled(value)
    return f"<{value.argument}>" if is_intrinsic(value, "Ref") or is_intrinsic(value, "GetAtt") else value


def watched_by(alarm: Mapping[str, Any]) -> dict[str, tuple[str, Metric]]:
    """What an alarm looks at: by id (its own name where there is but one), the statistic and the metric."""
    looked_at = [(each["Id"], each["MetricStat"]) for each in alarm.get("Metrics", []) if "MetricStat" in each] or [
        (alarm["MetricName"], {"Stat": alarm["Statistic"], "Metric": alarm})
    ]
    return {id: (each["Stat"], _metric(each["Metric"])) for id, each in looked_at}


def _metric(metric: Mapping[str, Any]) -> Metric:
    dimensions = {dimension["Name"]: text(dimension["Value"]) for dimension in metric.get("Dimensions", [])}
    return Metric(text(metric["Namespace"]), metric["MetricName"], dimensions)


def test_a_metric_that_is_not_counted_would_be_noticed() -> None:
    for wrong in (
        Metric(OUR_OWN, "Credits", {"service": "result"}),
        Metric(OUR_OWN, "FreeRoundTotalWithoutCode", {"service": "jackpot"}),
        Metric(OUR_OWN, "Refused", {"service": "result"}),
        Metric("AWS/SQS", "ApproximateNumberOfMessagesVisible", {"QueueName": "<Players.QueueName>"}),
        Metric("AWS/Lambda", "Errors", {"FunctionName": "<ResultFunction.Arn>"}),
        Metric("AWS/ApiGateway", "Latency", {"ApiName": "<Api>", "Stage": "<StageName>"}),
    ):
        with pytest.raises((AssertionError, KeyError)):
            assert_exists(wrong)


# --- Alarms -----------------------------------------------------------------------------------------


Watched = dict[str, tuple[str, Metric]]  # by a metric's id in the alarm: its statistic, and which metric it is


def queue(callback: str, ending: str, **states: str) -> Watched:
    """How many messages of one queue are in these states, at the most."""
    name = {"QueueName": f"<{callback.title()}{ending}.QueueName>"}
    return {
        id: ("Maximum", Metric("AWS/SQS", f"ApproximateNumberOfMessages{state}", name)) for id, state in states.items()
    }


def functions(metric: str) -> Watched:
    return {
        callback: ("Sum", Metric("AWS/Lambda", metric, {"FunctionName": f"<{callback.title()}Function>"}))
        for callback in FUNCTIONS
    }


def counted(metric: str, id: str | None = None, **dimensions: str) -> Watched:
    """One of our own, of all callbacks together."""
    return {id or metric: ("Sum", Metric(OUR_OWN, metric, dimensions))}


def answers(id: str, statistic: str, metric: str) -> Watched:
    of_the_api = {"ApiName": "<AWS::StackName>", "Stage": "<StageName>"}
    return {id: (statistic, Metric("AWS/ApiGateway", metric, of_the_api))}


def tables() -> Watched:
    indexes = {"byPlayer": "Transactions", "openRounds": "Rounds"}  # which are only written
    return {
        **{
            f"{table[0].lower()}{table[1:]}{what}s": (
                "Sum",
                Metric("AWS/DynamoDB", f"{what}ThrottleEvents", {"TableName": f"<{table}>"}),
            )
            for table in of_type("AWS::DynamoDB::Table")
            for what in ("Read", "Write")
        },
        **{
            index: (
                "Sum",
                Metric(
                    "AWS/DynamoDB",
                    "WriteThrottleEvents",
                    {"TableName": f"<{table}>", "GlobalSecondaryIndexName": index},
                ),
            )
            for index, table in indexes.items()
        },
    }


OF_DEAD_LETTERS = {"visible": "Visible", "hidden": "NotVisible"}
OF_WAITING = {**OF_DEAD_LETTERS, "delayed": "Delayed"}

# By name: the limit, how many points of how many must pass it, the seconds of each, and what is looked at.
EXPECTED: dict[str, tuple[str, tuple[int, int, int], Watched]] = {
    **{
        f"dead-letters-{callback}": ("> 0", (1, 20, 60), queue(callback, "DeadLetters", **OF_DEAD_LETTERS))
        for callback in KEEPING
    },
    "dead-letter-arrived": ("> 0", (1, 4, 300), counted("DeadLettered")),
    **{
        f"dead-letters-expire-{callback}": ("> 0", (164, 168, 3600), queue(callback, "DeadLetters", **OF_DEAD_LETTERS))
        for callback in KEEPING
    },
    **{
        f"parked-long-{callback}": ("> 0", (30, 45, 60), queue(callback, "RetryQueue", **OF_WAITING))
        for callback in KEEPING
    },
    "not-possible": (
        "> 0.01", (2, 7, 300), counted("NotPossibleAnswers", "refused") | counted("ProviderAnswers", "every")
    ),
    "not-kept": ("> 0", (1, 20, 60), counted("NotKept")),
    "gateway-refused": ("> 0", (1, 20, 60), counted("GatewayRefusedAnswers")),
    "other-address": ("> 0", (1, 4, 300), counted("OtherAddressAnswers")),
    "unauthenticated": (">= 20", (1, 4, 300), counted("Refused", code="401")),
    "slow-answers": ("> 300", (2, 7, 300), answers("slowest", "p99", "Latency") | answers("every", "Sum", "Count")),
    "function-failed": ("> 0", (1, 20, 60), functions("Errors")),
    "function-throttled": ("> 0", (1, 20, 60), functions("Throttles")),
    "tables-throttled": ("> 0", (2, 30, 60), tables()),
    "parking-failed": ("> 0", (1, 20, 60), counted("ParkingFailed")),
    "conflicts": ("> 0", (1, 4, 300), counted("Conflict")),
    "total-without-code": ("> 0", (1, 4, 300), counted("FreeRoundTotalWithoutCode")),
    "closed-with-winnings": ("> 0", (1, 4, 300), counted("ClosedWithWinnings")),
    "no-callbacks": ("< 1", (QUIET, QUIET, 60), counted("ProviderAnswers")),
    **{
        f"credited-unusual-<UsualCreditsIn{n}>": (
            "> the usual", (1, 2, 3600), counted("CreditedAmount", "credited", currency=f"<UsualCreditsIn{n}>")
        )
        for n in ("", "2", "3")
    },
}  # fmt: skip
SUMS = ("function-failed", "function-throttled", "tables-throttled")
# By kind; of all others, what is looked at by itself.
EXPRESSIONS = {
    "dead-letters": "visible + hidden",
    "dead-letters-expire": "FILL(visible, REPEAT) + FILL(hidden, REPEAT)",
    "parked-long": "visible + hidden + delayed",
    "not-possible": "IF(refused >= 3, refused / every, 0)",
    "slow-answers": "IF(every >= 20, slowest, 0)",
    **dict.fromkeys(SUMS, "SUM(FILL(METRICS(), 0))"),
    "credited-unusual": "ANOMALY_DETECTION_BAND(credited, 3)",
}
_OPERATORS = {
    "GreaterThanThreshold": ">",
    "GreaterThanOrEqualToThreshold": ">=",
    "LessThanThreshold": "<",
    "GreaterThanUpperThreshold": ">",
}


def name_of(alarm: str) -> str:
    return text(ALARMS[alarm]["AlarmName"]).removeprefix("<AWS::StackName>-")


def kind_of(name: str) -> str:
    """An alarm's name without its queue's callback, or its currency: its page has it once for all of them."""
    return re.sub(f"-({'|'.join(CALLBACKS)}|<UsualCreditsIn.?>)$", "", name)


def rule_of(alarm: Mapping[str, Any]) -> tuple[str, tuple[int, int, int]]:
    periods = {each["MetricStat"]["Period"] for each in alarm.get("Metrics", []) if "MetricStat" in each}
    (seconds,) = periods or {alarm["Period"]}
    return (
        f"{_OPERATORS[alarm['ComparisonOperator']]} {alarm.get('Threshold', 'the usual')}",
        (alarm["DatapointsToAlarm"], alarm["EvaluationPeriods"], seconds),
    )


def test_whatever_endangers_a_win_has_an_alarm() -> None:
    assert sorted(map(name_of, ALARMS)) == sorted(EXPECTED)


@every_alarm
def test_an_alarm_goes_off_at_its_limit_for_every_callback_queue_and_table(alarm: str) -> None:
    limit, points, watched = EXPECTED[name_of(alarm)]

    assert rule_of(ALARMS[alarm]) == (limit, points)
    assert watched_by(ALARMS[alarm]) == watched


@every_alarm
def test_an_alarm_is_about_something_that_is_counted(alarm: str) -> None:
    for _, metric in watched_by(ALARMS[alarm]).values():
        assert_exists(metric)


@every_alarm
def test_an_alarm_with_a_formula_goes_by_it_and_by_nothing_beside_it(alarm: str) -> None:
    queries = ALARMS[alarm].get("Metrics", [])
    formulas = [each for each in queries if "Expression" in each]

    assert [each["Expression"] for each in formulas] == [
        expression for kind, expression in EXPRESSIONS.items() if kind == kind_of(name_of(alarm))
    ]
    assert ALARMS[alarm].get("ThresholdMetricId", "usual") == "usual"
    both = "ThresholdMetricId" in ALARMS[alarm]  # CloudWatch holds the figure against the band
    assert [each.get("ReturnData", True) for each in queries] == [both or each in formulas for each in queries]
    for each in [ALARMS[alarm], *(each["MetricStat"] for each in queries if "MetricStat" in each)]:
        assert "Unit" not in each, "CloudWatch would find only points of that unit, and there might be none"


@every_alarm
def test_an_alarm_watches_no_more_metrics_and_no_more_time_than_cloudwatch_allows(alarm: str) -> None:
    _, (_, periods, seconds), metrics = EXPECTED[name_of(alarm)]

    assert len(metrics) <= 10
    assert periods * seconds <= (7 * 86400 if seconds >= 3600 else 86400)


@every_counting_alarm
def test_no_alarm_waits_for_all_of_its_points(alarm: str) -> None:
    # The newest is late, and counts as 0 until it comes: all of N points are then never there.
    properties = ALARMS[alarm]

    assert properties["DatapointsToAlarm"] < properties["EvaluationPeriods"]


def test_the_reason_why_an_alarm_cannot_be_silent_is_beside_it() -> None:
    text = (ROOT / "template.yaml").read_text()

    # Of each alarm that is written out, and of each loop that writes some out.
    alarms = r"^((?:  # .*\n)*)  (\w+|Fn::ForEach::\w+):\n(?:    - .*\n){0,3} +Type: AWS::CloudWatch::Alarm$"
    reasons = re.findall(alarms, text, re.MULTILINE)
    assert len(reasons) == text.count(" Type: AWS::CloudWatch::Alarm\n")
    for reason, alarm in reasons:
        assert "Never silent" in reason, alarm


# --- Each alarm, from points that are late, missing or few --------------------------------------------

LATEST = 15 * MINUTE  # no point takes longer: SQS says so of a queue that was idle
BEGIN = 9 * DAY  # of what is wrong, after a quiet week

Sample = tuple[str, float, int]  # a metric's id, its value, and how many seconds after BEGIN it is taken


def every(seconds: int, until: int, *metrics: str) -> list[Sample]:
    """One message in a queue, each time in the next of its states: read, tried again, delayed."""
    moments = range(0, until, seconds)
    return [
        (id, float(number % len(metrics) == state), moment)
        for number, moment in enumerate(moments)
        for state, id in enumerate(metrics)
    ]


# The fewest samples at which an alarm must sound. What is not here has no sample at all.
FEWEST: dict[str, list[Sample]] = {
    "dead-letters": every(MINUTE, MINUTE, "hidden", "visible"),
    "dead-letter-arrived": [("DeadLettered", 1, 0)],
    "dead-letters-expire": every(HOUR, 168 * HOUR, "hidden", "visible"),
    "parked-long": every(MINUTE, 30 * MINUTE, "delayed", "hidden", "visible"),
    "not-possible": [(id, 3, moment) for moment in (0, 15 * MINUTE) for id in ("refused", "every")],
    "gateway-refused": [("GatewayRefusedAnswers", 1, 0)],
    "not-kept": [("NotKept", 1, 0)],
    "other-address": [("OtherAddressAnswers", 1, 0)],
    "unauthenticated": [("Refused", 1, 10 * number) for number in range(20)],
    "slow-answers": [
        (id, value, number * 5 * MINUTE) for number in range(2) for id, value in (("slowest", 301), ("every", 20))
    ],
    "function-failed": [("bonus", 1, 0)],
    "function-throttled": [("promo", 1, 0)],
    "tables-throttled": [("openRounds", 1, 0), ("openRounds", 1, 10 * MINUTE)],
    "parking-failed": [("ParkingFailed", 1, 0)],
    "conflicts": [("Conflict", 1, 0)],
    "total-without-code": [("FreeRoundTotalWithoutCode", 1, 0)],
    "closed-with-winnings": [("ClosedWithWinnings", 1, 0)],
    "credited-unusual": [("credited", 60, 0), ("credited", 60, 50 * MINUTE)],
}
# How many samples in a row may be missing.
MAY_BE_MISSING = {"dead-letters": 15, "dead-letters-expire": 4, "parked-long": 15, "slow-answers": 3}


def points(samples: Iterable[Sample], late: Callable[[int], int]) -> list[Point]:
    """These samples, the n-th moment's `late(n)` seconds late."""
    moments = sorted({moment for _, _, moment in samples})
    return [
        Point(id, value, BEGIN + moment, BEGIN + moment + late(moments.index(moment))) for id, value, moment in samples
    ]


def when_it_sounds(alarm: Alarm, known: Sequence[Point]) -> list[int]:
    """When it is in ALARM, in seconds after BEGIN: from its first sample until it has passed over the last."""
    # CloudWatch looks at alarms of several days once an hour.
    step = HOUR if alarm.periods * alarm.seconds > DAY else MINUTE
    last = max(point.arrived for point in known)
    sounding, before = [], False
    for now in range(BEGIN, last + (alarm.periods + 5) * alarm.seconds, step):
        before = alarm.sounds(known, now, before=before)
        if before:
            sounding.append(now - BEGIN)
    return sounding


@every_counting_alarm
@pytest.mark.parametrize(
    "late",
    [lambda _: 0, lambda _: MINUTE, lambda _: 5 * MINUTE, lambda _: LATEST, lambda number: number % 2 * LATEST],
    ids=["in time", "a minute late", "five minutes late", "a quarter of an hour late", "every other one late"],
)
def test_an_alarm_sounds_from_few_points_however_late_they_are(alarm: str, late: Callable[[int], int]) -> None:
    watched = Alarm.read(ALARMS[alarm])
    samples = FEWEST[kind_of(name_of(alarm))]

    sounding = when_it_sounds(watched, points(samples, late))

    assert sounding, "silent"
    last = max(moment for _, _, moment in samples)
    # A full period after the last sample has come; of the hours, the four that may be missing need not be waited for.
    earliest = last - MAY_BE_MISSING["dead-letters-expire"] * HOUR if watched.periods * watched.seconds > DAY else last
    assert earliest <= sounding[0] <= last + LATEST + 2 * watched.seconds
    if not watched.keeps_its_state:
        assert sounding[-1] <= last + LATEST + (watched.periods + 1) * watched.seconds + MINUTE, "it ends"


@pytest.mark.parametrize("alarm", [each for each in ALARMS if kind_of(name_of(each)) in MAY_BE_MISSING])
def test_an_alarm_about_what_lasts_sounds_though_points_are_missing(alarm: str) -> None:
    watched, missing = Alarm.read(ALARMS[alarm]), MAY_BE_MISSING[kind_of(name_of(alarm))]
    lasting = {"every": 20.0, "slowest": 301.0, "refused": 3.0}
    samples = [
        (id, lasting.get(id, 1.0), number * watched.seconds)
        for number in range(watched.to_alarm + missing)
        if not 1 <= number <= missing
        for id in watched.statistics
    ]

    assert when_it_sounds(watched, points(samples, lambda _: 0))


@every_counting_alarm
@pytest.mark.parametrize("late", [0, LATEST])
def test_an_alarm_is_silent_while_nothing_is_wrong(alarm: str, late: int) -> None:
    watched = Alarm.read(ALARMS[alarm])
    calm = {"every": 100.0, "slowest": 300.0, "credited": 100.0}

    for ids in (watched.statistics, [*watched.statistics][:1]):  # a function that is not called has no points
        samples = [(id, calm.get(id, 0.0), number * watched.seconds) for number in range(watched.periods) for id in ids]
        assert not when_it_sounds(watched, points(samples, lambda _: late))
    assert not watched.sounds([], BEGIN)


def test_an_alarm_that_fills_in_late_points_is_the_fault_that_this_model_shows() -> None:
    faulty = Alarm.read(
        {
            "Metrics": [
                {"Id": "all", "Expression": "SUM([FILL(visible, 0), FILL(hidden, 0)])"},
                *({"Id": id, "MetricStat": {"Stat": "Maximum", "Period": 60}} for id in ("visible", "hidden")),
            ],
            "EvaluationPeriods": 30,
            "DatapointsToAlarm": 30,
            "ComparisonOperator": "GreaterThanThreshold",
            "Threshold": 0,
            "TreatMissingData": "notBreaching",
        }
    )
    for_hours = every(MINUTE, 3 * HOUR, "visible", "hidden")

    assert when_it_sounds(faulty, points(for_hours, lambda _: 0))
    assert not [
        moment for moment in when_it_sounds(faulty, points(for_hours, lambda _: 2 * MINUTE)) if moment < 3 * HOUR
    ]


def test_a_dead_letter_that_is_read_restarts_no_week_and_one_that_is_settled_does() -> None:
    (expiring,) = (Alarm.read(ALARMS[each]) for each in ALARMS if name_of(each) == "dead-letters-expire-result")
    a_week = every(HOUR, 168 * HOUR, "hidden", "visible")
    settled = [(id, 0.0 if 70 * HOUR <= moment < 80 * HOUR else value, moment) for id, value, moment in a_week]

    assert when_it_sounds(expiring, points(a_week, lambda _: 0))[0] <= 168 * HOUR
    assert when_it_sounds(expiring, points(settled, lambda _: 0))[0] >= (80 + 164) * HOUR


@pytest.mark.parametrize("callback", KEEPING)
def test_dead_letters_sound_until_the_queue_is_empty_even_if_sqs_publishes_nothing_for_hours(callback: str) -> None:
    (watched,) = (Alarm.read(ALARMS[each]) for each in ALARMS if name_of(each) == f"dead-letters-{callback}")
    there = every(MINUTE, 10 * MINUTE, "visible", "hidden")
    settled = [(id, 0.0, 5 * HOUR + number * MINUTE) for number in range(30) for id in ("visible", "hidden")]

    sounding = when_it_sounds(watched, points([*there, *settled], lambda _: 0))

    assert 4 * HOUR in sounding
    assert sounding[-1] < 6 * HOUR


@pytest.mark.parametrize(
    ("name", "samples"),
    [
        ("not-possible", [("refused", 3, 0), ("every", 300, 0), ("refused", 3, 600), ("every", 300, 600)]),
        ("not-possible", [("refused", 3, 0), ("every", 3, 0)]),
        # A quiet night: two of two, twice.
        ("not-possible", [("refused", 2, 0), ("every", 2, 0), ("refused", 2, 600), ("every", 2, 600)]),
        # 50 callbacks a minute, one 998 in a quarter of an hour: one in 750.
        (
            "not-possible",
            [
                (id, value, number * MINUTE)
                for number in range(240)
                for id, value in (("refused", float(number % 15 == 7)), ("every", 50.0))
            ],
        ),
        ("unauthenticated", [("Refused", 1, 10 * number) for number in range(19)]),
        ("slow-answers", [(id, n, 300 * m) for m in range(9) for id, n in (("every", 19), ("slowest", 900))]),
        ("tables-throttled", [("playersReads", 5, 0)]),
        ("parked-long-promo", every(MINUTE, 29 * MINUTE, "visible", "hidden", "delayed")),
    ],
)  # fmt: skip
def test_less_than_an_alarm_s_limit_does_not_sound(name: str, samples: list[Sample]) -> None:
    (watched,) = (Alarm.read(ALARMS[each]) for each in ALARMS if name_of(each) == name)

    assert not when_it_sounds(watched, points(samples, lambda _: 0))


def test_what_the_gateway_answers_by_itself_is_counted_in_its_log() -> None:
    api = RESOURCES["Api"]["Properties"]
    fields = json.loads(" ".join(api["AccessLogSetting"]["Format"].split()))
    others = {"ACCESS_DENIED", "WAF_FILTERED"}

    for pattern in OF_THE_API_LOG.values():
        assert set(re.findall(r"\$\.(\w+)", pattern)) <= fields.keys()
        named = set(re.findall(r'gatewayAnswer !?= "(\w+)"', pattern))
        assert others <= named <= api["GatewayResponses"].keys()
    from_the_provider = '$.gatewayAnswer != "ACCESS_DENIED" && $.gatewayAnswer != "WAF_FILTERED"'
    called = " || ".join(f'$.path = "*{end}"' for end in CALLED)
    assert not [path for path in Template.load().routes() if not path.endswith(CALLED)]
    expected = {
        # Other addresses are answered 998 as well. A scanner must neither roll a version back nor dilute the share of
        # 998s; what it tries is unknown paths, of which the gateway says 404 before it looks at an address.
        "NotPossibleAnswers": (f'{{ $.status = "5*" && {from_the_provider} }}', {"DefaultValue": 0}),
        "ProviderAnswers": (f'{{ {from_the_provider} && $.gatewayAnswer != "MISSING_AUTHENTICATION_TOKEN" }}', {}),
        # A callback that is answered 404 or 400 is lost: one of a scanner's own paths is none.
        "GatewayRefusedAnswers": (
            f'{{ $.gatewayAnswer != "-" && {from_the_provider} '
            f'&& ($.status = "5*" || ($.method = "POST" && ({called}))) }}', {}
        ),
        "OtherAddressAnswers": (
            f'{{ ($.gatewayAnswer = "ACCESS_DENIED" || $.gatewayAnswer = "WAF_FILTERED") && ({called}) }}', {}
        ),
    }  # fmt: skip
    for name, (pattern, more) in expected.items():
        assert OF_THE_API_LOG[name] == pattern
        (transformation,) = of_type("AWS::Logs::MetricFilter")[name]["MetricTransformations"]
        assert {key: text(value) for key, value in transformation.items()} == {
            "MetricNamespace": "<AWS::StackName>",
            "MetricName": name,
            "MetricValue": "1",
            **more,
        }
        assert text(of_type("AWS::Logs::MetricFilter")[name]["LogGroupName"]) == "<ApiLog>"
    assert OF_THE_API_LOG.keys() == expected.keys()
    assert (fields["status"], fields["gatewayAnswer"], fields["path"]) == (
        "$context.status",
        "$context.error.responseType",
        "$context.path",
    )
    endings = re.findall(r'\$\.path = "\*(\w+)"', OF_THE_API_LOG["OtherAddressAnswers"])
    for path in Template.load().routes():
        assert path.endswith(tuple(endings)), path


@every_alarm
def test_an_alarm_is_sent_to_the_topic_when_it_begins_and_when_it_ends(alarm: str) -> None:
    properties = ALARMS[alarm]

    assert [text(action) for action in properties["AlarmActions"]] == ["<AlarmTopic>"]
    assert [text(action) for action in properties["OKActions"]] == ["<AlarmTopic>"]
    assert properties.get("ActionsEnabled", True)
    # What is not counted did not happen; but SQS may publish nothing about a queue that nobody touched for hours.
    expected = {"dead-letters": "ignore", "no-callbacks": "breaching"}.get(kind_of(name_of(alarm)), "notBreaching")
    assert properties["TreatMissingData"] == expected
    of_bets = name_of(alarm) == "closed-with-winnings" or name_of(alarm).endswith("-cancel")
    asked_for = {"NoCallbacksAlarm": "HasQuietAlarm"} | {
        f"CreditedUnusual{n}Alarm": f"HasUsualCredits{n}" for n in ("", "2", "3")
    }
    assert RESOURCES[alarm]["Condition"] == asked_for.get(alarm, "HasBetAlarms" if of_bets else "HasAlarms")


# --- Silence, and too much money ----------------------------------------------------------------------


def calls(*minutes: float) -> list[Sample]:
    return [("ProviderAnswers", 1, int(each * MINUTE)) for each in minutes]


@pytest.mark.parametrize("late", [0, 5 * MINUTE, LATEST])
def test_silence_sounds_after_its_minutes_without_any_point_and_ends_with_the_next_callback(late: int) -> None:
    watched = Alarm.read(ALARMS["NoCallbacksAlarm"])
    known = points(calls(*range(90), 200), lambda _: late)

    sounding = [now for now in range(QUIET, 280) if watched.sounds(known, BEGIN + now * MINUTE)]

    assert sounding[0] == 89 + QUIET + 1
    assert sounding == [*range(89 + QUIET + 1, max(201, 200 + late // MINUTE)), *range(200 + QUIET + 1, 280)]


def test_silence_sounds_where_no_callback_ever_came() -> None:
    assert Alarm.read(ALARMS["NoCallbacksAlarm"]).sounds([], BEGIN)


def test_few_callbacks_are_no_silence_though_every_other_figure_is_late() -> None:
    watched = Alarm.read(ALARMS["NoCallbacksAlarm"])
    apart = QUIET - LATEST // MINUTE - 1
    known = points(calls(*range(0, 20 * apart, apart)), lambda number: number % 2 * LATEST)

    assert not [now for now in range(QUIET, 19 * apart) if watched.sounds(known, BEGIN + now * MINUTE)]


def test_the_minutes_of_silence_are_never_more_than_an_alarm_looks_back() -> None:
    pattern = CONTENT["Parameters"]["QuietMinutes"]["AllowedPattern"]
    taken = [minutes for minutes in range(3000) if re.fullmatch(pattern, str(minutes))]

    assert taken == [0, *range(2 * LATEST // MINUTE, DAY // MINUTE + 1)]
    assert CONTENT["Parameters"]["QuietMinutes"]["Default"] == "0", "who has no traffic yet would be woken"


@pytest.mark.parametrize("number", ["", "2", "3"])
def test_each_currency_that_is_named_has_its_alarm_and_what_it_learns_from(number: str) -> None:
    alarm, learning = f"CreditedUnusual{number}Alarm", f"CreditedUsual{number}"

    for resource in (alarm, learning):
        assert not Template.load().has(resource)
        assert Template.load(**{f"UsualCreditsIn{number}": "EUR"}).has(resource)
        assert not Template.load(**{f"UsualCreditsIn{number}": "EUR"}, Alarms="false").has(resource)
    learned = of_type("AWS::CloudWatch::AnomalyDetector")[learning]
    assert watched_by(ALARMS[alarm]) == {"credited": (learned["Stat"], _metric(learned))}


def test_the_usual_and_an_hour_without_credits_are_not_too_much() -> None:
    watched = Alarm.read(ALARMS["CreditedUnusualAlarm"])
    usual = [("credited", 10.0, number * 6 * MINUTE) for number in range(100)]

    assert not when_it_sounds(watched, points(usual, lambda _: LATEST))
    assert not watched.sounds([], BEGIN)


def test_the_topic_is_written_to_by_the_account_s_alarms_alone_and_read_by_whom_was_named() -> None:
    policy = RESOURCES["AlarmTopicOnlyByTls"]["Properties"]
    assert [text(topic) for topic in policy["Topics"]] == ["<AlarmTopic>"]
    allowed, denied = policy["PolicyDocument"]["Statement"]
    assert (allowed["Effect"], allowed["Principal"]) == ("Allow", {"Service": "cloudwatch.amazonaws.com"})
    assert (allowed["Action"], text(allowed["Resource"])) == ("sns:Publish", "<AlarmTopic>")
    assert text(allowed["Condition"]["StringEquals"]["aws:SourceAccount"]) == "<AWS::AccountId>"
    assert (denied["Effect"], denied["Principal"]) == ("Deny", "*")
    assert denied["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}

    subscription = RESOURCES["AlarmSubscription"]
    assert subscription["Condition"] == "HasAlarmEmail"
    assert {name: text(value) for name, value in subscription["Properties"].items()} == {
        "TopicArn": "<AlarmTopic>",
        "Protocol": "email",
        "Endpoint": "<AlarmEmail>",
    }


def test_there_are_alarms_unless_they_are_declined() -> None:
    assert CONTENT["Parameters"]["Alarms"]["Default"] == "true"
    condition = CONTENT["Conditions"]["HasAlarms"]
    assert is_intrinsic(condition, "Equals")
    assert [text(side) for side in condition.argument] == ["<Alarms>", "true"]
    of_bets = CONTENT["Conditions"]["HasBetAlarms"]
    assert is_intrinsic(of_bets, "And")
    assert [(each.name, each.argument) for each in of_bets.argument] == [
        ("Condition", "HasAlarms"),
        ("Condition", "TakesBets"),
    ]


def test_a_stack_with_wins_alone_has_no_alarm_and_no_metric_of_bets() -> None:
    alarms = of_type("AWS::CloudWatch::Alarm", "Wins")

    assert alarms.keys() == ALARMS.keys() - {
        "CancelDeadLettersAlarm", "CancelDeadLettersExpireAlarm", "CancelParkedLongAlarm", "ClosedWithWinningsAlarm"
    }  # fmt: skip
    for name, alarm in alarms.items():
        watched = watched_by(alarm)
        assert watched, name
        expected = {id: each for id, each in EXPECTED[name_of(name)][2].items() if not _is_of_bets(each[1])}
        assert watched == expected


def _is_of_bets(metric: Metric) -> bool:
    of = {"<Rounds>", *(f"<{each.title()}Function>" for each in BETS)}
    return not of.isdisjoint(metric.dimensions.values())


# --- What a person reads ------------------------------------------------------------------------------

PAGE = (ROOT / "docs" / "operating" / "alarms.md").read_text()
DESCRIBED = re.compile(
    r"Severity: (?P<severity>now|today|this week)\. Money at risk: (?P<money>yes|perhaps|no)\.\n\n"
    r"(?P<says>[A-Z][^\n]+\.)\n\n"
    r"First command:\n\n    (?P<command>walletctl [^\n]+) --stack <AWS::StackName> --region <AWS::Region>\n\n"
    r"What to do: <RunbookUrl>#(?P<anchor>[a-z-]+)"
)


def described(alarm: str) -> dict[str, str]:
    found = DESCRIBED.fullmatch(filled(ALARMS[alarm]["AlarmDescription"]))
    assert found, alarm
    return found.groupdict()


def table() -> dict[str, list[str]]:
    """The page's rows: severity, risk and first command, by alarm."""
    rows = [re.split(r"(?<!\\)\|", line)[1:-1] for line in PAGE.splitlines() if line.startswith("| [")]
    return {cells[0].strip(): [each.strip() for each in cells[1:]] for cells in rows}


@every_alarm
def test_a_message_says_how_urgent_it_is_what_is_at_risk_what_to_run_and_where_to_read(alarm: str) -> None:
    kind, said = kind_of(name_of(alarm)), described(alarm)

    severity, risk, command = table()[f"[{kind}](#{kind})"]

    assert said["severity"] == severity
    assert said["money"] == re.match(r"\**(\w+)", risk)[1]  # pyright: ignore[reportOptionalSubscript]
    assert said["command"] in (command.strip("`"), f"walletctl alarm {name_of(alarm)}")
    assert command in (f"`walletctl alarm {kind}`", f"`walletctl alarm {kind}-EUR`", "`walletctl parked list`")
    assert said["anchor"] == kind
    assert re.search(f"^### {kind}$", PAGE, re.MULTILINE)


@every_alarm
def test_the_longest_message_is_one_that_cloudwatch_takes(alarm: str) -> None:
    longest = {
        "AWS::StackName": "s" * 128,
        "AWS::Region": "ap-southeast-1",
        "RunbookUrl": f"https://{'x' * 200}",
        "QuietMinutes": "1440",
    }
    message = re.sub(
        "<([^>]+)>", lambda found: longest.get(found[1], "C" * 10), filled(ALARMS[alarm]["AlarmDescription"])
    )

    assert len(message) <= 1024


@pytest.mark.parametrize(
    "command", sorted({re.sub("<UsualCreditsIn.?>", "EUR", described(alarm)["command"]) for alarm in ALARMS})
)
def test_the_first_command_of_a_message_runs_as_it_is_printed(
    command: str, operator: Operator, walletctl: Walletctl
) -> None:
    walletctl.watch(of_a_stack)
    program, *words = shlex.split(command)

    result = walletctl(*words, "--stack", "lucky-monaco-wallet", "--region", "eu-west-1")

    assert (program, result.exit_code, result.stderr) == ("walletctl", 0, ""), result.output


def test_the_page_of_alarms_has_each_and_says_what_a_severity_means() -> None:
    assert sorted(table()) == sorted(f"[{name}](#{name})" for name in {kind_of(name) for name in EXPECTED})
    meant = re.findall(r"^\| \*\*([a-z ]+)\*\* \|", PAGE, re.MULTILINE)
    assert meant == ["now", "today", "this week"]
    order = [severity for severity, *_ in table().values()]
    assert order == sorted(order, key=meant.index), "most urgent first"


def test_the_drill_fires_every_alarm_and_says_what_one_must_see_and_how_to_undo_it() -> None:
    drill = (ROOT / "docs" / "operating" / "alarm-drill.md").read_text()
    rows = [line.split("|")[1:-1] for line in drill.splitlines() if line.startswith("| [")]

    fired = [name for cells in rows for name in re.findall(r"\[([a-z-]+)\]\(alarms\.md#\1\)", cells[0])]
    assert sorted(fired) == sorted({kind_of(name) for name in EXPECTED})
    assert all(len(cells) == 5 and all(each.strip() for each in cells) for cells in rows)


# --- The dashboard ----------------------------------------------------------------------------------


def rows(widget: dict[str, Any]) -> Iterator[Metric]:
    """The metrics that a widget names, one by one."""
    for row in widget["properties"]["metrics"]:
        if isinstance(row[0], str):
            namespace, name, *dimensions = [each for each in row if isinstance(each, str)]
            yield Metric(namespace, name, dict(zip(dimensions[::2], dimensions[1::2], strict=True)))


@dataclass(frozen=True, slots=True)
class Search:
    """What a row of a widget searches for; `found` are the resources that a dimension is searched for."""

    namespace: str
    metric: str
    dimensions: frozenset[str]
    found: Mapping[str, frozenset[str]]


def searches(widget: dict[str, Any]) -> Iterator[Search]:
    for row in widget["properties"]["metrics"]:
        if isinstance(row[0], dict):
            expression = row[0]["expression"]
            assert len(expression) + 40 * expression.count("<") < 1024, "CloudWatch takes no more, names filled in"
            found = re.fullmatch(
                r"""SEARCH\('\{"?([^",]+)"?,([A-Za-z,]+)\} (?:(\w+)=\(("[^)]+")\) )?"""
                r"""MetricName="(\w+)"', '\w+', \d+\)""",
                expression,
            )
            assert found, expression
            of = {found[3]: frozenset(each.strip('"') for each in found[4].split(" OR "))} if found[3] else {}
            yield Search(found[1], found[5], frozenset(found[2].split(",")), of)


OF_METRICS = [widget for widget in WIDGETS if widget["type"] == "metric"]
every_widget = pytest.mark.parametrize("widget", OF_METRICS, ids=lambda widget: widget["properties"]["title"])


@every_widget
def test_a_figure_of_the_dashboard_is_about_something_that_is_counted(widget: dict[str, Any]) -> None:
    assert len(list(rows(widget))) + len(list(searches(widget))) == len(widget["properties"]["metrics"]) > 0

    for metric in rows(widget):
        assert_exists(metric)
    for search in searches(widget):
        if search.namespace != OUR_OWN:
            assert search.found.keys() == search.dimensions - {"GlobalSecondaryIndexName"}
            for dimension, values in search.found.items():
                for value in values:
                    assert_exists(Metric(search.namespace, search.metric, {dimension: value}))
            continue
        for function in COUNTED_BY[search.metric]:
            printed = {(each.name, frozenset(dict(each.dimensions))) for each in rehearsal(function).metrics}
            assert (search.metric, search.dimensions) in printed, f"{function} never counts {search.metric}"


# By which functions.
COUNTED_BY = {
    **dict.fromkeys(("Credited", "CreditedAmount"), WINS),
    **dict.fromkeys(("Replayed",), (*WINS, "bet", "cancel")),
    **dict.fromkeys(("Refused", "NotKept", "KeyMatched"), CALLBACKS),
    **dict.fromkeys(("Parked", "SettledFromParking", "DeadLettered", "ParkingFailed", "ParkedAge"), KEEPING),
    **dict.fromkeys(("MovedAmount", "Declined"), ("cashier",)),
    **dict.fromkeys(("StakedAmount", "BetAfterEnd"), ("bet",)),
    **dict.fromkeys(("PaidBackAmount", "CancelRemembered"), ("cancel",)),
    "Conflict": (*WINS, "bet", "cancel"),
    "ClosedWithWinnings": ("result",),
}


def test_a_search_finds_every_function_queue_and_table() -> None:
    found = [values for widget in OF_METRICS for search in searches(widget) for values in search.found.values()]

    assert set(found) == {
        frozenset(f"<{each.title()}Function>" for each in FUNCTIONS),
        frozenset(f"<{each.title()}RetryQueue.QueueName>" for each in KEEPING),
        frozenset(f"<{each.title()}DeadLetters.QueueName>" for each in KEEPING),
        frozenset(f"<{each}>" for each in of_type("AWS::DynamoDB::Table")),
    }


@every_widget
def test_a_figure_shows_each_line_once_and_says_which(widget: dict[str, Any]) -> None:
    lines = [json.dumps(row) for row in widget["properties"]["metrics"]]
    labels = [row[-1]["label"] for row in widget["properties"]["metrics"]]

    assert len(set(lines)) == len(set(labels)) == len(lines)
    assert widget["properties"]["region"] == "<AWS::Region>"


def test_the_dashboard_shows_every_alarm() -> None:
    (widget,) = (each for each in WIDGETS if each["type"] == "alarm")

    assert sorted(widget["properties"]["alarms"]) == sorted(f"<{alarm}.Arn>" for alarm in ALARMS)


def test_no_figure_of_the_dashboard_covers_another() -> None:
    for widget in WIDGETS:
        assert widget["x"] >= 0
        assert widget["x"] + widget["width"] <= 24, "CloudWatch has no more columns"

    for one, other in combinations(WIDGETS, 2):
        beside = one["x"] + one["width"] <= other["x"] or other["x"] + other["width"] <= one["x"]
        above = one["y"] + one["height"] <= other["y"] or other["y"] + other["height"] <= one["y"]
        assert beside or above, (one["properties"]["title"], other["properties"]["title"])


def test_the_dashboard_names_only_what_is_in_the_template() -> None:
    names = set(re.findall(r"<([A-Za-z]+)(?:\.\w+)?>", json.dumps(DASHBOARD)))

    assert names <= RESOURCES.keys() | CONTENT["Parameters"].keys()
