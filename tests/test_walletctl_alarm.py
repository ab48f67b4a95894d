"""`walletctl alarm`: what a person on call sees first is what the functions and the API wrote about that alarm."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

import boto3
import pytest

from conftest import Operator
from rehearsal import rehearsal
from stack import CALLBACKS, FUNCTIONS, RESOURCES
from tools.walletctl.alarm.lines import LINES
from walletctl import Walletctl, of_a_stack

STACK = "lucky-monaco-wallet"
NOW = datetime.now(UTC)


@cache
def written() -> list[str]:
    """All that the functions write when they meet everything that they can meet."""
    return [line for callback in CALLBACKS for line in rehearsal(callback).lines]


def of_the_api(**changes: str) -> str:
    """A line of the API's log."""
    fields = json.loads(" ".join(RESOURCES["Api"]["Properties"]["AccessLogSetting"]["Format"].split()))
    answered = {"status": "200", "gatewayAnswer": "-", "functionStatus": "200", "path": "/v4/Result"}
    return json.dumps(dict.fromkeys(fields, "-") | answered | changes)


def nowhere(*, path: str, method: str = "POST") -> str:
    """A call to a path that the API does not have."""
    return of_the_api(status="404", gatewayAnswer="MISSING_AUTHENTICATION_TOKEN", path=path, method=method)


# --- Which lines ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("alarm", "found"),
    [
        ("parking-failed", {("parking failed", None)}),
        ("not-kept", {("refused", 401)}),
        ("unauthenticated", {("refused", 401)}),
        ("not-possible", {("refused", 998)}),
        ("parked-long", {("refused", 998), ("refused", 62)}),
        (
            "dead-letter-arrived",
            {
                ("left for a person", None), ("prize left for a person", 61), ("refund left for a person", 0),
                ("refused", 998), ("refused", 52), ("refused", 59), ("refused", 61),
            },
        ),
        ("conflicts", {("refused", 61), ("refused", 53), ("prize left for a person", 61)}),
        ("closed-with-winnings", {("credited", None)}),
        ("total-without-code", {("credited", None)}),
    ],
)  # fmt: skip
def test_an_alarm_has_the_lines_that_the_functions_write_about_it_and_no_others(
    alarm: str, found: set[tuple[str, int | None]]
) -> None:
    said = [json.loads(line) for line in written() if LINES[alarm].holds(line)]

    assert {(each["message"], each.get("code")) for each in said} == found
    others = [json.loads(line) for line in written() if not LINES[alarm].holds(line)]
    assert [each for each in others if each.get("message") == "credited"]


@pytest.mark.parametrize(
    ("alarm", "line", "is_meant"),
    [
        ("gateway-refused", of_the_api(status="503", gatewayAnswer="THROTTLED"), True),
        ("gateway-refused", of_the_api(status="503", functionStatus="200"), False),  # the function's own 998
        ("gateway-refused", of_the_api(status="503", gatewayAnswer="ACCESS_DENIED"), False),
        ("gateway-refused", nowhere(path="/v4/JackpotWin"), True),  # by one letter
        ("gateway-refused", nowhere(path="/v5/Bet"), True),
        ("gateway-refused", of_the_api(method="POST", status="400", gatewayAnswer="REQUEST_TOO_LARGE"), True),
        ("gateway-refused", nowhere(path="/v4/Result", method="GET"), False),
        ("gateway-refused", nowhere(path="/.env"), False),
        ("other-address", of_the_api(status="503", gatewayAnswer="ACCESS_DENIED"), True),
        ("other-address", of_the_api(status="503", gatewayAnswer="WAF_FILTERED"), True),
        ("other-address", of_the_api(status="404", gatewayAnswer="MISSING_AUTHENTICATION_TOKEN"), False),
        ("function-throttled", of_the_api(status="503", functionStatus="429"), True),
        ("function-throttled", of_the_api(), False),
        ("no-callbacks", of_the_api(), True),
        ("no-callbacks", of_the_api(status="404", gatewayAnswer="MISSING_AUTHENTICATION_TOKEN"), True),
        ("function-failed", "2026-11-30T09:00:00Z 5f1c Task timed out after 20.00 seconds\n", True),
        ("function-failed", '{"errorType": "Runtime.ImportModuleError", "errorMessage": "No module"}', True),
        ("function-failed", '{"message": "credited"}', False),
        ("conflicts", '{"message": "refused", "code": 53, "differences": ["amount"]}', True),  # a bet
        ("conflicts", '{"message": "refused", "code": 53}', False),
        ("tables-throttled", '{"message": "refused", "code": 998, "reason": "the tables are throttled"}', True),
        ("tables-throttled", '{"message": "refused", "code": 998, "reason": "ThrottlingError"}', True),
        ("tables-throttled", '{"message": "refused", "code": 998, "reason": "ReadTimeoutError"}', False),
        ("slow-answers", '{"message": "credited", "milliseconds": 200.5}', True),
        ("slow-answers", '{"message": "credited", "milliseconds": 199.9}', False),
        ("slow-answers", '{"message": "credited", "milliseconds": null}', False),
    ],
)  # fmt: skip
def test_an_alarm_about_the_api_or_the_runtime_has_its_lines(alarm: str, line: str, is_meant: bool) -> None:
    assert LINES[alarm].holds(line) is is_meant


@pytest.mark.parametrize(
    ("alarm", "pattern"),
    [
        ("unauthenticated", '{ (($.message = "refused") && ($.code = 401)) }'),
        (
            "not-kept",
            '{ (($.message = "refused") && ($.code = 99 || $.code = 401 || $.code = 998) '
            "&& ($.correlation_id NOT EXISTS)) }",
        ),
        ("parked-long", '{ (($.message = "refused") && ($.tries >= 1)) }'),
        (
            "gateway-refused",
            '{ (($.status = "5*") && ($.gatewayAnswer != "-" && $.gatewayAnswer != "ACCESS_DENIED" '
            '&& $.gatewayAnswer != "WAF_FILTERED")) || (($.method = "POST") && ($.path = "*Result" || $.path = "*Win" '
            '|| $.path = "*bonuswin" || $.path = "*Bet" || $.path = "*Cancel" || $.path = "*Refund" '
            '|| $.path = "*EndRound" || $.path = "*Balance" || $.path = "*Check") && ($.gatewayAnswer != "-" '
            '&& $.gatewayAnswer != "ACCESS_DENIED" && $.gatewayAnswer != "WAF_FILTERED")) }',
        ),
        ("function-failed", '?"Task timed out" ?"Runtime exited" ?"Runtime." ?"errorType" ?"Traceback"'),
    ],
)
def test_cloudwatch_is_asked_by_the_same_rule(alarm: str, pattern: str) -> None:
    assert LINES[alarm].pattern() == pattern


def test_no_pattern_is_longer_than_cloudwatch_takes() -> None:
    assert max(len(lines.pattern()) for lines in LINES.values()) <= 1024


# --- On a stack -------------------------------------------------------------------------------------


Answer = Callable[[str, Any, Callable[[], Any]], Any]


def with_lines(*lines: tuple[str, int, str]) -> Answer:
    """An account whose logs have these: a log's name, how many minutes ago, and the text."""

    def answered(operation: str, parameters: Any, call: Callable[[], Any]) -> Any:
        if operation != "FilterLogEvents":
            return of_a_stack(operation, parameters, call)
        name = parameters["logGroupName"].removeprefix(f"/{STACK}/")
        return {
            "events": [
                {"timestamp": int(1000 * (NOW - timedelta(minutes=ago)).timestamp()), "message": text}
                for log, ago, text in lines
                if log == name
            ]
        }

    return answered


def refused(code: int, reference: str | None = None, **more: Any) -> str:
    named = {"correlation_id": reference} if reference else {}
    return json.dumps({"message": "refused", "code": code, "service": "result", **named, **more})


def test_the_newest_lines_come_first_with_the_next_step(walletctl: Walletctl, operator: Operator) -> None:
    walletctl.watch(with_lines(
        ("result", 30, refused(998, "first", reason="ReadTimeoutError")),
        ("promo", 5, refused(998, "second", reason="ReadTimeoutError", service="promo")),
        ("promo", 4, refused(62, "another")),  # an engine that does not filter
    ))  # fmt: skip

    told = walletctl("alarm", "not-possible", "--stack", STACK, "--region", "eu-west-1").stdout
    asked = walletctl.asked("FilterLogEvents")

    assert told.splitlines()[0].startswith("2 since ")
    assert told.index("second") < told.index("first")
    assert "another" not in told
    assert f"To see one: walletctl find second --stack {STACK} --region eu-west-1\n" in told
    assert told.endswith("What to do: docs/operating/alarms.md#not-possible\n")
    assert [each["logGroupName"] for each in asked] == [f"/{STACK}/{each}" for each in FUNCTIONS]
    assert {each["filterPattern"] for each in asked} == {LINES["not-possible"].pattern()}


def test_an_alarm_is_called_as_in_its_message(walletctl: Walletctl, operator: Operator) -> None:
    walletctl.watch(with_lines(("result", 9, refused(62, "one", tries=3)), ("promo", 9, refused(62, "two", tries=3))))

    for name in (f"{STACK}-parked-long-promo", "parked-long-promo"):
        assert [row["reference"] for row in walletctl.json("alarm", name, "--stack", STACK)] == ["two"]
    assert len(walletctl.csv("alarm", "parked-long", "--stack", STACK)) == 2


def test_lines_of_the_api_say_who_called_and_what_refused_it(walletctl: Walletctl, operator: Operator) -> None:
    walletctl.watch(with_lines(
        ("api", 3, of_the_api(status="503", gatewayAnswer="ACCESS_DENIED", sourceIp="198.51.100.7"))
    ))  # fmt: skip

    (row,) = walletctl.json("alarm", "other-address", "--stack", STACK)

    assert (row["sourceIp"], row["path"], row["gatewayAnswer"]) == ("198.51.100.7", "/v4/Result", "ACCESS_DENIED")
    assert [each["logGroupName"] for each in walletctl.asked("FilterLogEvents")] == [f"/{STACK}/api"]


def test_a_log_without_such_a_line_says_how_to_look_further_back(walletctl: Walletctl, operator: Operator) -> None:
    walletctl.watch(with_lines())

    told = walletctl("alarm", "not-kept", "--stack", STACK, "--since", "2h")

    assert told.exit_code == 0
    assert told.stdout.startswith("The log has none since ")
    (asked, *_) = walletctl.asked("FilterLogEvents")
    assert abs(asked["startTime"] / 1000 - (datetime.now(UTC) - timedelta(hours=2)).timestamp()) < 60


def test_more_lines_than_a_person_reads_are_counted_and_left_to_csv(walletctl: Walletctl, operator: Operator) -> None:
    walletctl.watch(with_lines(*(("result", number, refused(998, f"r-{number}")) for number in range(40))))

    told = walletctl("alarm", "not-possible", "--stack", STACK).stdout

    assert "These are the newest 30; --csv has all" in told
    assert "r-29" in told
    assert "r-30" not in told
    assert len(walletctl.csv("alarm", "not-possible", "--stack", STACK)) == 40


def test_a_log_that_is_too_long_is_said_to_be_cut(walletctl: Walletctl, operator: Operator) -> None:
    def endless(operation: str, parameters: Any, call: Callable[[], Any]) -> Any:
        answer = with_lines(("result", 1, refused(401)))(operation, parameters, call)
        return answer | {"nextToken": "more"} if operation == "FilterLogEvents" else answer

    walletctl.watch(endless)

    assert "The log is too long to be read whole" in walletctl("alarm", "not-kept", "--stack", STACK).stdout


def test_what_is_no_alarm_of_the_log_says_what_to_run_instead(walletctl: Walletctl, operator: Operator) -> None:
    walletctl.watch(of_a_stack)

    assert walletctl.refused("alarm", "dead-letters-promo", "--stack", STACK) == (
        f"what this alarm counts is listed by: walletctl parked list promo --stack {STACK}"
    )
    assert walletctl.refused("alarm", "dead-letters-expire-cancel", "--stack", STACK).endswith(
        f"walletctl parked list cancel --stack {STACK}"
    )
    assert "bet keeps nothing" in walletctl.refused("alarm", "parked-long-bet", "--stack", STACK)
    assert "is in the future" in walletctl.refused("alarm", "not-kept", "--stack", STACK, "--since", "2999-01-01")
    assert walletctl.refused("alarm", "another-not-kept", "--stack", STACK).startswith("no alarm is called")
    for name in ("credited-unusual", "credited-unusual-"):
        assert walletctl.refused("alarm", name, "--stack", STACK).endswith("credited-unusual-EUR")
    assert walletctl.refused("alarm", "on-fire", "--stack", STACK).startswith(
        "no alarm is called 'on-fire': there are "
    )


def test_an_unusual_hour_is_shown_by_callback_with_its_largest_credit(walletctl: Walletctl, operator: Operator) -> None:
    for callback, amounts in (("result", (1.5, 20.25)), ("jackpot", (5000,))):
        for amount in amounts:
            boto3.client("cloudwatch").put_metric_data(
                Namespace=STACK,
                MetricData=[{
                    "MetricName": "CreditedAmount",
                    "Dimensions": [{"Name": "service", "Value": callback}, {"Name": "currency", "Value": "EUR"}],
                    "Timestamp": datetime.now(UTC) - timedelta(minutes=1),
                    "Value": amount,
                }],
            )  # fmt: skip
    walletctl.watch(of_a_stack)

    rows = walletctl.csv("alarm", f"{STACK}-credited-unusual-EUR", "--stack", STACK)

    assert {(row["function"], float(row["credited"]), float(row["largest"])) for row in rows} == {
        ("result", 21.75, 20.25),
        ("jackpot", 5000.0, 5000.0),
    }
    assert walletctl.csv("alarm", "credited-unusual-USD", "--stack", STACK) == []


# --- On the local service -----------------------------------------------------------------------------


def test_the_local_service_has_the_lines_of_its_functions(walletctl: Walletctl, operator: Operator) -> None:
    moment = f"{datetime.now(UTC):%Y-%m-%d %H:%M:%S},000+0000"
    walletctl.log(
        {"timestamp": "2020-01-01 00:00:00,000+0000", **json.loads(refused(998, "old"))},
        {"timestamp": moment, **json.loads(refused(998, "new"))},
        {"timestamp": moment, "message": "credited", "correlation_id": "another", "service": "result"},
    )

    assert [row["reference"] for row in walletctl.json("alarm", "not-possible")] == ["new"]
    assert walletctl("alarm", "function-failed").stdout.startswith("The log has none since ")
    named = walletctl("alarm", f"{STACK}-not-possible", "--csv")
    assert "new" in named.stdout
    assert "For a stack, add: --stack NAME" in named.stderr


def test_the_local_service_says_what_only_a_stack_has(walletctl: Walletctl, operator: Operator) -> None:
    assert "has no log of API Gateway" in walletctl.refused("alarm", "no-callbacks")
    assert "has no metrics" in walletctl.refused("alarm", "credited-unusual-EUR")
