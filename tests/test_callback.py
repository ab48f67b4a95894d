"""What stands around the credits: the event, the answer, the log line, the metrics, and our own defects."""

import base64
import json
import logging
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from decimal import Decimal
from typing import Any

import boto3
import pytest

from conftest import EVENTS, Operator, gateway_event, published

REFERENCE = "585c1306f89c56f5ecfc2f5d"
TRANSACTION_ID = "d0ff46bd-04b1-5e2d-a003-611271f6b669"


class Environment:
    """A callback as a fresh Lambda environment has it, and what it prints, line by line."""

    def __init__(
        self, operator: Operator, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], callback: str
    ) -> None:
        self._capsys = capsys
        # What is printed carries the function's name, which is read when the layer is imported.
        loggers = logging.Logger.manager.loggerDict
        others = {name: logger for name, logger in loggers.items() if name.partition(".")[0] != callback}
        monkeypatch.setattr(logging.Logger.manager, "loggerDict", others)
        for name in modules_of_the_layer():
            monkeypatch.delitem(sys.modules, name)
        monkeypatch.setenv("POWERTOOLS_SERVICE_NAME", callback)
        monkeypatch.delenv("PROVIDER_SECRET", raising=False)
        from wallet import callback as module

        handler = module.report.logger.registered_handler
        assert isinstance(handler, logging.StreamHandler)
        handler.setStream(_Stdout())
        self.module = module
        self.app = operator.load(callback)
        self.handler: Callable[[Any, Any], dict[str, Any]] = self.app.handler
        self.operator = operator

    def send(self, body: Any, **event: Any) -> dict[str, Any]:
        return self.handler(gateway_event(body, **event), _Context())

    def locked_by(self, secret: dict[str, Any] | None, monkeypatch: pytest.MonkeyPatch) -> None:
        """The same environment with a provider secret configured, which may not exist."""
        if secret is not None:
            boto3.client("secretsmanager").create_secret(Name="provider", SecretString=json.dumps(secret))
        monkeypatch.setenv("PROVIDER_SECRET", "provider")
        self.printed()
        self.handler = self.module.serve(request_model(self.app), self.app.movements_for)

    def printed(self) -> str:
        """All that was printed since it was last asked for."""
        return self._capsys.readouterr().out

    def lines(self) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
        """The log lines and the metrics that were printed; everything printed is one or the other."""
        entries = [json.loads(line) for line in self.printed().splitlines()]
        return [each for each in entries if "_aws" not in each], [each for each in entries if "_aws" in each]

    def log_line(self) -> dict[str, Any]:
        (line,) = self.lines()[0]
        return line

    def metrics(self) -> list[dict[str, Any]]:
        """Each metric as its name, its value and its dimensions."""
        return [metric_of(entry) for entry in self.lines()[1]]


class _Stdout:
    """Whatever is `sys.stdout` now: to capture it, pytest puts another one there for each phase of a test."""

    def write(self, text: str) -> int:
        return sys.stdout.write(text)

    def flush(self) -> None:
        sys.stdout.flush()


class _Context:
    aws_request_id = "c6af9ac6-7b61-11e6-9a41-93e8deadbeef"


def request_model(app: Any) -> Any:
    (name,) = (name for name in vars(app) if name.endswith("Request"))
    return getattr(app, name)


def metric_of(entry: dict[str, Any]) -> dict[str, Any]:
    (directive,) = entry["_aws"]["CloudWatchMetrics"]
    (metric,) = directive["Metrics"]
    dimensions, for_all_functions = directive["Dimensions"]
    assert for_all_functions == [name for name in dimensions if name != "service"]
    assert directive["Namespace"] == "local"
    named = {"name": metric["Name"], **{name: entry[name] for name in dimensions}}
    if metric["Name"] == "CreditedAmount":
        assert metric["Unit"] == "None"
        return named | {"value": sum(entry["CreditedAmount"])}
    assert metric["Unit"] == "Count"
    assert sum(entry[metric["Name"]]) == 1
    return named


def credited(callback: str, amount: float) -> list[dict[str, Any]]:
    """The metrics of one transaction."""
    return [
        {"name": "Credited", "service": callback},
        {"name": "CreditedAmount", "service": callback, "currency": "USD", "value": amount},
    ]


def modules_of_the_layer() -> list[str]:
    # But for the one that holds the SDK's session, and in it what the SDK parsed: half of what a test would cost.
    return [name for name in sys.modules if name.partition(".")[0] == "wallet" and name != "wallet.aws"]


@pytest.fixture
def start(
    operator: Operator, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Iterator[Callable[[str], Environment]]:
    """Starts a callback's environment."""
    yield lambda callback: Environment(operator, monkeypatch, capsys, callback)
    for name in modules_of_the_layer():  # none of them may meet those that the other tests have imported
        del sys.modules[name]


@pytest.fixture
def result(start: Callable[[str], Environment]) -> Environment:
    environment = start("result")
    environment.printed()
    return environment


@pytest.fixture
def bonus(start: Callable[[str], Environment]) -> Environment:
    environment = start("bonus")
    environment.printed()
    return environment


def assert_untouched(operator: Operator) -> None:
    wallet = operator.wallet()
    assert (wallet["cash"], wallet["bonus"], wallet["version"]) == (Decimal("99889.99"), Decimal("99.99"), 1)
    assert operator.transactions() == []


# --- The event and the answer -----------------------------------------------------------------------


@pytest.mark.parametrize("method", ["GET", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS", "post", None])
def test_what_is_not_a_post_is_refused_and_told_what_is_allowed(result: Environment, method: str | None) -> None:
    answer = result.send(published("result"), httpMethod=method)

    assert answer["statusCode"] == 405
    assert answer["headers"]["Allow"] == "POST"
    assert json.loads(answer["body"]) == {"error": 405, "description": "Only POST is accepted"}
    assert_untouched(result.operator)


def test_what_is_not_a_post_is_refused_before_anything_else(
    result: Environment, monkeypatch: pytest.MonkeyPatch
) -> None:
    result.locked_by(None, monkeypatch)  # no secret can be had, so nothing is possible

    assert result.send("not JSON", httpMethod="GET", token="wrong")["statusCode"] == 405
    assert result.send(published("result"))["statusCode"] == 503
    assert_untouched(result.operator)


def test_an_event_of_another_sort_is_refused_and_no_defect(result: Environment) -> None:
    answer = result.handler({}, None)

    assert answer["statusCode"] == 405


def test_an_answer_is_json_for_api_gateway(result: Environment) -> None:
    answer = result.send(published("result"))

    assert answer.keys() == {"statusCode", "headers", "body", "isBase64Encoded"}
    assert answer["statusCode"] == 200
    assert answer["headers"] == {"Content-Type": "application/json"}
    assert answer["isBase64Encoded"] is False
    assert json.loads(answer["body"]) == {
        "transactionId": TRANSACTION_ID,
        "currency": "USD",
        "cash": "99899.99",
        "bonus": "99.99",
        "error": 0,
        "description": "Success",
    }


def test_a_canonical_event_is_answered(result: Environment) -> None:
    answer = result.handler(json.loads((EVENTS / "result.json").read_text()), _Context())

    assert answer["statusCode"] == 200
    assert result.operator.wallet()["cash"] == Decimal("99899.99")


def test_a_body_that_travels_as_base64_is_read(result: Environment) -> None:
    body = base64.b64encode(json.dumps(published("result", gameName="Übermut")).encode()).decode()

    answer = result.send(body, isBase64Encoded=True)

    assert answer["statusCode"] == 200
    assert result.operator.wallet()["cash"] == Decimal("99899.99")


@pytest.mark.parametrize(
    "body",
    ["no base64!", base64.b64encode(b'{"userId": "\xff"}').decode(), base64.b64encode(b"\xff\xfe{}").decode(), ""],
    ids=["no base64", "no UTF-8", "UTF-16's mark", "empty"],
)
def test_bytes_that_are_no_text_are_unreadable(result: Environment, body: str) -> None:
    answer = result.send(body, isBase64Encoded=True)

    assert (answer["statusCode"], json.loads(answer["body"])["error"]) == (400, 99)
    assert_untouched(result.operator)


@pytest.mark.parametrize("body", [None, "", "null", "[]", "{"])
def test_no_body_is_unreadable(result: Environment, body: str | None) -> None:
    answer = result.send(body)

    assert (answer["statusCode"], json.loads(answer["body"])["error"]) == (400, 99)


def test_base64_with_anything_else_in_it_is_unreadable(result: Environment) -> None:
    body = base64.b64encode(json.dumps(published("result")).encode()).decode()

    answer = result.send(f"{body[:8]}!{body[8:]}", isBase64Encoded=True)

    assert (answer["statusCode"], json.loads(answer["body"])["error"]) == (400, 99)
    assert_untouched(result.operator)


def test_a_query_string_that_is_absent_is_no_defect(result: Environment) -> None:
    answer = result.send(published("result"), queryStringParameters=None, headers=None)

    assert answer["statusCode"] == 200


# --- Defects of ours --------------------------------------------------------------------------------


def serve_with(environment: Environment, movements_for: Callable[[Any], list[Any]]) -> None:
    environment.handler = environment.module.serve(request_model(environment.app), movements_for)
    environment.printed()


@pytest.mark.parametrize("defect", [ValueError, KeyError, AssertionError, RecursionError, MemoryError, TypeError])
def test_a_defect_makes_the_provider_send_again(result: Environment, defect: type[Exception]) -> None:
    def movements_for(_request: Any) -> list[Any]:
        raise defect("hush-hush")

    serve_with(result, movements_for)

    answer = result.send(published("result"))

    assert answer["statusCode"] == 503
    assert json.loads(answer["body"]) == {"error": 998, "description": "Not possible at the moment, send again"}
    assert_untouched(result.operator)


def test_a_defect_is_logged_with_its_place_and_without_its_message(result: Environment) -> None:
    def movements_for(request: Any) -> list[Any]:
        cause = KeyError(f"token is {request.token}")
        raise ValueError(f"cannot work with hash {request.hash}") from cause

    serve_with(result, movements_for)

    result.send(published("result", token="hush-hush", hash="psst"))

    printed = result.printed()
    assert "hush-hush" not in printed
    assert "psst" not in printed
    (line,) = (json.loads(each) for each in printed.splitlines() if "_aws" not in each)
    assert line["level"] == "ERROR"
    assert line["reason"].startswith("a defect: ValueError at ")
    assert line["code"] == 998
    assert line["correlation_id"] == REFERENCE
    assert "test_callback.py:" in line["reason"].rpartition("; ")[2]


def test_a_defect_spoils_nothing_for_the_next_request(result: Environment) -> None:
    defects = iter([True, False])
    movements_for = result.app.movements_for

    def at_first_defective(request: Any) -> list[Any]:
        if next(defects):
            raise ValueError
        return movements_for(request)

    serve_with(result, at_first_defective)

    assert result.send(published("result"))["statusCode"] == 503
    assert result.send(published("result"))["statusCode"] == 200
    assert result.operator.wallet()["cash"] == Decimal("99899.99")


def test_what_goes_wrong_in_telling_does_not_change_an_answer(
    result: Environment, monkeypatch: pytest.MonkeyPatch
) -> None:
    # A 503 would say that no money moved.
    def broken(*_arguments: Any, **_facts: Any) -> None:
        raise OSError("no space left on the device")

    for level in ("info", "warning", "error"):
        monkeypatch.setattr(result.module.report.logger, level, broken)
    monkeypatch.setattr(result.module.report, "_around", broken)

    bodies = [published("result"), published("result"), published("result", amount="11"), "not JSON"]
    errors = [json.loads(result.send(body)["body"])["error"] for body in bodies]

    assert errors == [0, 0, 61, 99]
    assert result.operator.wallet()["cash"] == Decimal("99899.99")
    assert len(result.operator.messages("ResultDeadLetters")) == 1


def test_a_store_has_three_seconds_from_the_arrival(result: Environment, monkeypatch: pytest.MonkeyPatch) -> None:
    deadlines: list[float] = []

    class Time:
        now = 1000.0

        def monotonic(self) -> float:
            return self.now

    class NoStore:
        def settle(self, _credits: Any, *, deadline: float, **_: Any) -> Any:
            deadlines.append(deadline)
            raise result.module.Unavailable("it is not there")

    class SlowKeyring:
        def locks(self) -> Any:
            time.now += 2  # the secret is had at last: what it took is gone
            return keyring.locks()

    time, keyring = Time(), result.handler.keyring  # type: ignore[attr-defined]
    monkeypatch.setattr(result.module, "time", time)
    result.handler = replace(result.handler, store=NoStore(), keyring=SlowKeyring())  # type: ignore[type-var]

    assert result.send(published("result"))["statusCode"] == 503
    assert deadlines == [1003.0]


# --- The log ----------------------------------------------------------------------------------------


def test_a_credit_is_one_line_of_log(result: Environment) -> None:
    result.send(published("result"))

    line = result.log_line()
    assert line["level"] == "INFO"
    assert line["message"] == "credited"
    assert line["service"] == "result"
    assert line["correlation_id"] == REFERENCE
    assert line["function_request_id"] == _Context.aws_request_id
    assert line["userId"] == "421"
    assert line["transactionId"] == TRANSACTION_ID
    assert line["transactions"] == [{"id": f"result#{REFERENCE}", "seq": 2, "amount": "10", "cashAfter": "99899.99"}]
    assert 0 <= line["milliseconds"] < 60_000


def test_a_replay_is_one_line_of_log(result: Environment) -> None:
    result.send(published("result"))
    result.printed()

    result.send(published("result"))

    line = result.log_line()
    assert (line["level"], line["message"]) == ("INFO", "replayed")
    assert line["transactions"] == []
    assert line["transactionId"] == TRANSACTION_ID
    assert line["correlation_id"] == REFERENCE


REFUSALS: list[tuple[dict[str, Any], int, str]] = [
    ({"userId": ""}, 64, "ERROR"),
    ({"amount": "-1"}, 59, "ERROR"),
    ({"roundId": 5.0}, 57, "ERROR"),
    ({"userId": "nobody"}, 62, "ERROR"),
    ({"currency": "EUR"}, 52, "ERROR"),
]


@pytest.mark.parametrize(("changes", "code", "level"), REFUSALS, ids=str)
def test_a_refusal_is_one_line_of_log_with_the_reference(
    result: Environment, changes: dict[str, Any], code: int, level: str
) -> None:
    result.send(published("result", **changes))

    line = result.log_line()
    assert (line["level"], line["message"], line["code"]) == (level, "refused", code)
    assert line["correlation_id"] == REFERENCE
    assert line["reason"]


@pytest.mark.parametrize(
    ("changes", "code"),
    [({"currency": "EUR"}, 52), ({"userId": "nobody"}, 62), ({"amount": "1,50"}, 59), ({"providerId": None}, 64)],
    ids=str,
)
def test_a_refused_win_is_found_by_its_player_and_round(
    result: Environment, changes: dict[str, Any], code: int
) -> None:
    sent = {"userId": "421", "roundId": "5103188801", "amount": "10.0", "currency": "USD"} | changes

    result.send(published("result", **sent))

    line = result.log_line()
    assert line["code"] == code
    assert {name: line[name] for name in ("userId", "roundId", "amount", "currency")} == {
        name: sent[name] for name in ("userId", "roundId", "amount", "currency")
    }


def test_what_nothing_identifies_is_found_by_its_player(bonus: Environment) -> None:
    bonus.send(published("bonus", uuid=None, hash=None))

    line = bonus.log_line()
    assert (line["code"], line["userId"]) == (64, published("bonus")["userId"])


def test_what_is_not_fit_for_a_log_is_not_named_in_it(result: Environment) -> None:
    result.send(published("result", userId="4" * 129, roundId="a\u001b[31m", amount=[1], currency=""))

    line = result.log_line()
    assert line["code"] == 64
    assert not {"userId", "roundId", "amount", "currency"} & line.keys()


def test_a_secret_in_a_wrong_field_is_not_named(result: Environment) -> None:
    secret = "hush-hush"
    result.send(published("result", token=secret, userId=secret, roundId=secret, amount="psst", currency="a secret"))

    printed = result.printed()
    assert '"code":59' in printed
    assert not any(each in printed for each in (secret, "psst", "a secret"))


def test_a_line_of_the_log_names_the_function_that_decided(result: Environment) -> None:
    result.send(published("result"))
    credited = result.log_line()
    result.send(published("result", amount="11"))
    refused = result.log_line()
    result.handler(json.loads((EVENTS / "sqs.json").read_text()), _Context())
    retried = result.log_line()

    names = [line["location"].partition(":")[0] for line in (credited, refused, retried)]
    assert names == ["_answer", "_answer", "_try_again"]


def test_a_conflict_is_logged_as_an_error_with_what_differs(result: Environment) -> None:
    result.send(published("result"))
    result.printed()

    result.send(published("result", amount="11", roundId="1"))

    line = result.log_line()
    assert (line["level"], line["code"]) == ("ERROR", 61)
    assert line["differences"] == ["amount", "roundId"]
    assert line["correlation_id"] == REFERENCE


def test_an_outage_is_logged_as_an_error_with_its_reason(result: Environment) -> None:
    result.operator.database.Table("Transactions").delete()

    answer = result.send(published("result"))

    line = result.log_line()
    assert answer["statusCode"] == 503
    assert (line["level"], line["code"], line["correlation_id"]) == ("ERROR", 998, REFERENCE)
    assert "ResourceNotFound" in line["reason"]
    assert "ResourceNotFound" not in answer["body"]


@pytest.mark.parametrize("body", ["not JSON", None, '{"reference": null}', r'{"reference": "a\u001b[31m"}'])
def test_a_line_never_carries_the_reference_of_the_request_before(result: Environment, body: str | None) -> None:
    result.send(published("result"))
    result.printed()

    result.send(body)

    assert result.log_line().get("correlation_id") is None


def test_a_number_in_the_log_has_all_its_digits(result: Environment) -> None:
    result.send(published("result", amount="12345678901234.123456789012345678"))

    (transaction,) = result.log_line()["transactions"]
    assert transaction["amount"] == "12345678901234.123456789012345678"
    assert transaction["cashAfter"] == "12345679001124.113456789012345678"


def test_no_secret_is_one_warning_at_the_start_and_none_later(start: Callable[[str], Environment]) -> None:
    environment = start("jackpot")

    line = environment.log_line()
    assert line["level"] == "WARNING"
    assert "not checked" in line["message"]

    environment.send(published("jackpot"))
    assert environment.log_line()["level"] == "INFO"


def test_neither_token_nor_hash_nor_secret_is_printed(result: Environment, monkeypatch: pytest.MonkeyPatch) -> None:
    secret = {"current": {"hashSecret": "hush-hush", "authToken": "psst-psst"}}
    result.locked_by(secret, monkeypatch)
    body = published("result", token="shh-shh")

    result.send(body, token="psst-psst")
    result.send(body, token="psst-wrong")
    result.send(body | {"hash": "wrong-hash"}, token="psst-psst")
    result.send(body | {"amount": "x", "token": ["shh-shh"]}, token="psst-psst")

    printed = result.printed()
    assert '"credited"' in printed
    for confidential in ("hush-hush", "psst-psst", "psst-wrong", "shh-shh", "wrong-hash"):
        assert confidential not in printed


# --- The metrics ------------------------------------------------------------------------------------


def test_a_credit_a_replay_and_a_refusal_are_each_counted_once(result: Environment) -> None:
    result.send(published("result"))
    assert result.metrics() == credited("result", 10.0)

    result.send(published("result"))
    assert result.metrics() == [{"name": "Replayed", "service": "result"}]

    result.send(published("result", userId="nobody", reference="r-2"))
    assert result.metrics() == [
        {"name": "Parked", "service": "result"},
        {"name": "Refused", "code": "62", "service": "result"},
    ]

    result.send(published("result", reference="r-3"))
    assert result.metrics() == credited("result", 10.0)


@pytest.mark.parametrize(("changes", "code", "level"), REFUSALS, ids=str)
def test_a_refusal_is_counted_by_its_code(result: Environment, changes: dict[str, Any], code: int, level: str) -> None:
    result.send(published("result", **changes))

    refused = [each for each in result.metrics() if each["name"] == "Refused"]
    assert refused == [{"name": "Refused", "code": str(code), "service": "result"}]


def test_a_conflict_is_counted_by_itself_as_well(result: Environment) -> None:
    result.send(published("result"))
    result.printed()

    result.send(published("result", amount="11"))

    assert result.metrics() == [
        {"name": "DeadLettered", "service": "result"},
        {"name": "Refused", "code": "61", "service": "result"},
        {"name": "Conflict", "service": "result"},
    ]


@pytest.mark.parametrize("times", [1, 2])
def test_a_prize_that_is_left_for_a_person_is_logged_and_counted_as_a_conflict(result: Environment, times: int) -> None:
    for _ in range(times):
        result.printed()
        result.send(published("result", promoWinAmount="5"))

    logged, counted = result.lines()
    left, paid = logged
    assert (left["level"], left["message"], left["code"]) == ("ERROR", "prize left for a person", 64)
    assert left["reason"] == "Mandatory field is absent or empty: promoWinReference"
    assert left["correlation_id"] == paid["correlation_id"] == REFERENCE
    assert paid["message"] == ("credited" if times == 1 else "replayed")
    assert [metric_of(entry) for entry in counted] == [
        {"name": "Conflict", "service": "result"},
        {"name": "DeadLettered", "service": "result"},
        *(credited("result", 10.0) if times == 1 else [{"name": "Replayed", "service": "result"}]),
    ]


def test_a_win_with_its_prize_counts_as_two_credits(result: Environment) -> None:
    result.send(published("result", promoWinAmount="5", promoWinReference="p-1"))

    assert result.metrics() == [*credited("result", 10.0), *credited("result", 5.0)]


def test_a_refused_method_and_an_unreadable_body_are_counted(result: Environment) -> None:
    result.send(None, httpMethod="GET")
    result.send("not JSON")

    assert result.metrics() == [
        {"name": "Refused", "code": "405", "service": "result"},
        {"name": "Refused", "code": "99", "service": "result"},
        {"name": "NotKept", "service": "result"},
    ]


@pytest.mark.parametrize(
    ("changes", "is_kept"),
    [
        ({"note": float("nan")}, False),
        ({"userId": ""}, True),
        ({"amount": "-1"}, True),
        ({"roundId": 5.0}, True),
        ({"userId": "nobody"}, True),
        ({"currency": "EUR"}, True),
    ],
    ids=str,
)
def test_what_is_refused_and_kept_nowhere_is_counted(
    result: Environment, changes: dict[str, Any], *, is_kept: bool
) -> None:
    result.send(published("result", **changes))

    assert ({"name": "NotKept", "service": "result"} in result.metrics()) is not is_kept


def test_what_is_refused_before_it_is_admitted_is_kept_nowhere_and_counted(
    result: Environment, monkeypatch: pytest.MonkeyPatch
) -> None:
    result.locked_by({"curent": {"authToken": "misspelt"}}, monkeypatch)

    assert result.send(published("result"))["statusCode"] == 503

    assert result.metrics() == [
        {"name": "Refused", "code": "998", "service": "result"},
        {"name": "NotKept", "service": "result"},
    ]


def test_a_defect_is_counted_as_a_refusal(result: Environment) -> None:
    serve_with(result, lambda _request: [][0])

    result.send(published("result"))

    assert result.metrics() == [
        {"name": "Parked", "service": "result"},
        {"name": "Refused", "code": "998", "service": "result"},
    ]


def test_the_key_that_matched_is_counted_by_lock_and_key(bonus: Environment, monkeypatch: pytest.MonkeyPatch) -> None:
    secret = {
        "current": {"hashSecret": "of-today", "authToken": "token-of-today"},
        "previous": {"hashSecret": "of-yesterday", "authToken": "token-of-yesterday"},
    }
    bonus.locked_by(secret, monkeypatch)
    from wallet import trust, wire  # as the environment imported them

    body = published("bonus", hash=None)
    body["hash"] = trust.hash_of(wire.parse(json.dumps(body)).parameters, "of-yesterday")

    answer = bonus.send(body, token="token-of-today")

    assert answer["statusCode"] == 200
    assert bonus.metrics() == [
        {"name": "KeyMatched", "lock": "authToken", "key": "current", "service": "bonus"},
        {"name": "KeyMatched", "lock": "hash", "key": "previous", "service": "bonus"},
        *credited("bonus", 1.0),
        {"name": "FreeRoundTotalWithoutCode", "service": "bonus"},
    ]


def test_a_wrong_key_is_counted_as_a_refusal_alone(bonus: Environment, monkeypatch: pytest.MonkeyPatch) -> None:
    bonus.locked_by({"current": {"hashSecret": "of-today", "authToken": "token-of-today"}}, monkeypatch)

    assert bonus.send(published("bonus"), token="token-of-today")["statusCode"] == 401
    assert bonus.send(published("bonus"), token="wrong")["statusCode"] == 401

    refused = [{"name": "Refused", "code": "401", "service": "bonus"}, {"name": "NotKept", "service": "bonus"}]
    assert bonus.metrics() == refused * 2
    assert_untouched(bonus.operator)


def test_rounds_that_a_total_leaves_uncovered_are_counted_and_logged(bonus: Environment) -> None:
    body = published("bonus", amount="30", bonusCode="SPINS", timestamp="yesterday")
    numbers = {"uncovered": Decimal("31.5"), "advance": 0, "lastRounds": []}
    bonus.operator.database.Table("FreeRounds").put_item(
        Item={"userId": body["userId"], "bonusCode": "SPINS", **numbers}
    )

    answer = bonus.send(body)

    logged, counted_metrics = bonus.lines()
    assert json.loads(answer["body"])["cash"] == "99889.99"
    assert [metric_of(entry) for entry in counted_metrics] == [
        *credited("bonus", 0.0),
        {"name": "FreeRoundTimestampUnknown", "service": "bonus"},
        {"name": "FreeRoundUncovered", "service": "bonus"},
    ]
    assert logged[0]["freeRoundsUncovered"] == "1.5"
    assert bonus.operator.uncovered("SPINS") == Decimal("1.5")

    assert json.loads(bonus.send(body)["body"])["cash"] == "99889.99"
    assert bonus.metrics() == [{"name": "Replayed", "service": "bonus"}]
