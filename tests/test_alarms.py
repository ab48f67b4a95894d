"""Who is told, and of what: every alarm and every figure of the dashboard is about something that is counted."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import pytest

from conftest import ROOT
from rehearsal import rehearsal
from stack import CALLBACKS, CONTENT, RESOURCES, filled, is_intrinsic, of_type
from tools.local.template import Template

ALARMS = of_type("AWS::CloudWatch::Alarm")
DASHBOARD = json.loads(filled(of_type("AWS::CloudWatch::Dashboard")["Dashboard"]["DashboardBody"]))
WIDGETS: list[dict[str, Any]] = DASHBOARD["widgets"]

every_alarm = pytest.mark.parametrize("alarm", ALARMS)


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
            "ApproximateAgeOfOldestMessage",
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
# What is counted in the gateway's log, by what is looked for.
OF_THE_API_LOG = {
    transformation["MetricName"]: " ".join(each["FilterPattern"].split())
    for each in of_type("AWS::Logs::MetricFilter").values()
    for transformation in each["MetricTransformations"]
}


def assert_exists(metric: Metric) -> None:
    if metric.namespace == OUR_OWN and not metric.dimensions:
        assert metric.name in OF_THE_API_LOG
        return
    if metric.namespace == OUR_OWN:
        callback = metric.dimensions["service"]
        printed = {(each.name, each.dimensions) for each in rehearsal(callback).metrics}
        assert (metric.name, frozenset(metric.dimensions.items())) in printed, f"{metric} is never counted"
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


def metrics_of(alarm: Mapping[str, Any]) -> list[Metric]:
    """What an alarm looks at, one by one."""
    looked_at = [each["MetricStat"]["Metric"] for each in alarm.get("Metrics", []) if "MetricStat" in each]
    return [
        Metric(
            text(each["Namespace"]),
            each["MetricName"],
            {dimension["Name"]: text(dimension["Value"]) for dimension in each.get("Dimensions", [])},
        )
        for each in looked_at or [alarm]
    ]


def test_a_metric_that_is_not_counted_would_be_noticed() -> None:
    for wrong in (
        Metric(OUR_OWN, "Credits", {"service": "result"}),
        Metric(OUR_OWN, "FreeRoundOverpaid", {"service": "jackpot"}),
        Metric(OUR_OWN, "Refused", {"service": "result"}),
        Metric("AWS/SQS", "ApproximateNumberOfMessagesVisible", {"QueueName": "<Players.QueueName>"}),
        Metric("AWS/Lambda", "Errors", {"FunctionName": "<ResultFunction.Arn>"}),
        Metric("AWS/ApiGateway", "Latency", {"ApiName": "<Api>", "Stage": "<StageName>"}),
    ):
        with pytest.raises((AssertionError, KeyError)):
            assert_exists(wrong)


# --- Alarms -----------------------------------------------------------------------------------------


def queues(metric: str, ending: str, callbacks: Sequence[str] = CALLBACKS) -> list[Metric]:
    return [
        Metric("AWS/SQS", metric, {"QueueName": f"<{callback.title()}{ending}.QueueName>"}) for callback in callbacks
    ]


def functions(metric: str) -> list[Metric]:
    return [Metric("AWS/Lambda", metric, {"FunctionName": f"<{callback.title()}Function>"}) for callback in CALLBACKS]


def counted(metric: str, callbacks: Sequence[str] = CALLBACKS, **dimensions: str) -> list[Metric]:
    return [Metric(OUR_OWN, metric, {"service": callback, **dimensions}) for callback in callbacks]


def answers(metric: str) -> list[Metric]:
    return [Metric("AWS/ApiGateway", metric, {"ApiName": "<AWS::StackName>", "Stage": "<StageName>"})]


def tables() -> list[Metric]:
    index = {"TableName": "<Transactions>", "GlobalSecondaryIndexName": "byPlayer"}  # which is only written
    return [
        *(
            Metric("AWS/DynamoDB", f"{what}ThrottleEvents", {"TableName": f"<{table}>"})
            for table in of_type("AWS::DynamoDB::Table")
            for what in ("Read", "Write")
        ),
        Metric("AWS/DynamoDB", "WriteThrottleEvents", index),
    ]


# By name: the limit, for how many seconds out of how many it must be passed, and what is looked at.
EXPECTED = {
    **{
        f"dead-letters-{callback}": (
            "Maximum > 0", (60, 60), queues("ApproximateNumberOfMessagesVisible", "DeadLetters", [callback])
        )
        for callback in CALLBACKS
    },
    "dead-letter-arrived": ("Sum > 0", (300, 300), counted("DeadLettered")),
    # Seven days before SQS forgets them, at the least.
    "dead-letters-expire": (
        "Minimum > 0", (7 * 86400, 7 * 86400), queues("ApproximateNumberOfMessagesVisible", "DeadLetters")
    ),
    "parked-long": (
        "Maximum > 0", (1800, 1800),
        queues("ApproximateNumberOfMessagesVisible", "RetryQueue")
        + queues("ApproximateNumberOfMessagesNotVisible", "RetryQueue"),
    ),
    "not-possible": ("Sum > 0.01", (120, 300), [Metric(OUR_OWN, "NotPossibleAnswers", {}), *answers("Count")]),
    "not-kept": ("Sum > 0", (60, 300), counted("NotKept")),
    "other-address": ("Sum > 0", (300, 300), [Metric(OUR_OWN, "OtherAddressAnswers", {})]),
    "unauthenticated": ("Sum >= 20", (300, 300), counted("Refused", code="401")),
    "slow-answers": ("Sum p99 > 300", (300, 300), answers("Latency") + answers("Count")),
    "function-failed": ("Sum > 0", (60, 60), functions("Errors")),
    "function-throttled": ("Sum > 0", (60, 60), functions("Throttles")),
    "tables-throttled": ("Sum > 0", (120, 300), tables()),
    "parking-failed": ("Sum > 0", (60, 60), counted("ParkingFailed")),
    "conflicts": ("Sum > 0", (300, 300), counted("Conflict")),
    "free-round-overpaid": ("Sum > 0", (300, 300), counted("FreeRoundOverpaid", ["bonus"])),  # only a total finds it
}  # fmt: skip
# Of the metrics by their ids. What is not listed is their sum, and what was not counted in it is none.
EXPRESSIONS = {
    "dead-letters-expire": "MAX([{}])",
    "not-possible": "FILL(refused, 0) / every",
    "slow-answers": "IF(every >= 20, slowest, 0)",  # of fewer, the slowest of a hundred cannot be told
}
_OPERATORS = {"GreaterThanThreshold": ">", "GreaterThanOrEqualToThreshold": ">="}


def name_of(alarm: str) -> str:
    return text(ALARMS[alarm]["AlarmName"]).removeprefix("<AWS::StackName>-")


def rule_of(alarm: Mapping[str, Any]) -> tuple[str, tuple[int, int]]:
    statistics = [each["MetricStat"] for each in alarm.get("Metrics", []) if "MetricStat" in each] or [
        {"Stat": alarm.get("Statistic") or alarm["ExtendedStatistic"], "Period": alarm["Period"]}
    ]
    (seconds,) = {each["Period"] for each in statistics}
    return (
        f"{' '.join(sorted({each['Stat'] for each in statistics}))} "
        f"{_OPERATORS[alarm['ComparisonOperator']]} {alarm['Threshold']}",
        (seconds * alarm["DatapointsToAlarm"], seconds * alarm["EvaluationPeriods"]),
    )


def test_whatever_endangers_a_win_has_an_alarm() -> None:
    assert sorted(map(name_of, ALARMS)) == sorted(EXPECTED)


@every_alarm
def test_an_alarm_goes_off_at_its_limit_for_every_callback_queue_and_table(alarm: str) -> None:
    limit, seconds, metrics = EXPECTED[name_of(alarm)]

    assert rule_of(ALARMS[alarm]) == (limit, seconds)
    assert sorted(metrics_of(ALARMS[alarm]), key=str) == sorted(metrics, key=str)


@every_alarm
def test_an_alarm_is_about_something_that_is_counted(alarm: str) -> None:
    assert metrics_of(ALARMS[alarm])

    for metric in metrics_of(ALARMS[alarm]):
        assert_exists(metric)


@every_alarm
def test_an_alarm_s_sum_counts_each_of_its_metrics_once(alarm: str) -> None:
    queries = ALARMS[alarm].get("Metrics", [])
    if not queries:
        return
    (shown,) = (query for query in queries if query.get("ReturnData", True))
    others = [query["Id"] for query in queries if query is not shown]

    # CloudWatch takes ten metrics an alarm, and evaluates one expression of them.
    assert 1 < len(others) <= 10
    each_filled = ", ".join(f"FILL({name}, 0)" for name in others)
    assert shown["Expression"] == EXPRESSIONS.get(name_of(alarm), "SUM([{}])").format(each_filled)


def test_what_the_gateway_answers_by_itself_is_counted_in_its_log() -> None:
    api = RESOURCES["Api"]["Properties"]
    fields = json.loads(" ".join(api["AccessLogSetting"]["Format"].split()))
    strangers = {"ACCESS_DENIED", "WAF_FILTERED"}

    for pattern in OF_THE_API_LOG.values():
        assert set(re.findall(r"\$\.(\w+)", pattern)) <= fields.keys()
        assert set(re.findall(r'gatewayAnswer !?= "(\w+)"', pattern)) == strangers <= api["GatewayResponses"].keys()
    # Its answers to strangers are 998 as well; a scanner must not roll a version back.
    assert OF_THE_API_LOG["NotPossibleAnswers"] == (
        '{ $.status = "5*" && $.gatewayAnswer != "ACCESS_DENIED" && $.gatewayAnswer != "WAF_FILTERED" }'
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
    assert properties["TreatMissingData"] == "notBreaching", "what is not counted did not happen"
    assert properties["AlarmDescription"].endswith(".")
    assert RESOURCES[alarm]["Condition"] == "HasAlarms"


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


@pytest.mark.parametrize(
    "name", sorted({re.sub("^dead-letters-(?!expire).*", "dead-letters", name) for name in EXPECTED})
)
def test_what_to_do_about_an_alarm_stands_under_its_name(name: str) -> None:
    page = (ROOT / "docs" / "operating.md").read_text()

    assert re.search(f"^### {name}$", page, re.MULTILINE)


# --- The dashboard ----------------------------------------------------------------------------------


def rows(widget: dict[str, Any]) -> Iterator[Metric]:
    """The metrics that a widget names, one by one."""
    for row in widget["properties"]["metrics"]:
        if isinstance(row[0], str):
            namespace, name, *dimensions = [each for each in row if isinstance(each, str)]
            yield Metric(namespace, name, dict(zip(dimensions[::2], dimensions[1::2], strict=True)))


def searches(widget: dict[str, Any]) -> Iterator[tuple[str, str, frozenset[str]]]:
    """The namespace, the metric and the dimensions' names that a widget searches for."""
    for row in widget["properties"]["metrics"]:
        if isinstance(row[0], dict):
            found = re.fullmatch(
                r"""SEARCH\('\{"([^"]+)",([a-z,]+)\} MetricName="(\w+)"', 'Sum', 300\)""", row[0]["expression"]
            )
            assert found, row[0]["expression"]
            yield found[1], found[3], frozenset(found[2].split(","))


OF_METRICS = [widget for widget in WIDGETS if widget["type"] == "metric"]
every_widget = pytest.mark.parametrize("widget", OF_METRICS, ids=lambda widget: widget["properties"]["title"])


@every_widget
def test_a_figure_of_the_dashboard_is_about_something_that_is_counted(widget: dict[str, Any]) -> None:
    assert len(list(rows(widget))) + len(list(searches(widget))) == len(widget["properties"]["metrics"]) > 0

    for metric in rows(widget):
        assert_exists(metric)
    for namespace, name, dimensions in searches(widget):
        assert namespace == OUR_OWN
        for callback in CALLBACKS:
            printed = {(each.name, frozenset(dict(each.dimensions))) for each in rehearsal(callback).metrics}
            assert (name, dimensions) in printed


@every_widget
def test_a_figure_shows_each_line_once_and_says_which(widget: dict[str, Any]) -> None:
    lines = [json.dumps(row) for row in widget["properties"]["metrics"]]
    labels = [row[-1]["label"] for row in widget["properties"]["metrics"]]

    assert len(set(lines)) == len(set(labels)) == len(lines)
    assert widget["properties"]["region"] == "<AWS::Region>"
    services = [metric.dimensions["service"] for metric in rows(widget) if "service" in metric.dimensions]
    assert {services.count(callback) for callback in CALLBACKS} in ({0}, {len(services) // len(CALLBACKS)})


@every_widget
def test_a_label_names_what_its_line_shows(widget: dict[str, Any]) -> None:
    for metric, row in zip(rows(widget), widget["properties"]["metrics"], strict=False):
        values = " ".join(metric.dimensions.values()).lower()
        for callback in CALLBACKS:
            assert (callback in row[-1]["label"].partition(":")[0]) == (callback in values), row


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
