"""What could not be credited: kept, tried again, and left for a person, through the functions' handlers."""

import json
from collections.abc import Callable
from dataclasses import asdict, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
import pytest
from botocore.client import BaseClient
from botocore.exceptions import ClientError, EndpointConnectionError
from botocore.parsers import ResponseParserError

from conftest import EVENTS, Operator, published
from expectations import calls, metrics, output, request, unchanged
from stack import of_type
from wallet import callback as callback_module
from wallet import money, wire
from wallet.parking import Parked, Parking
from wallet.trust import hash_of

CALLBACKS = ("result", "jackpot", "bonus", "promo")
every_callback = pytest.mark.parametrize("callback", CALLBACKS)

THROTTLED = ClientError(
    {"Error": {"Code": "ThrottlingException"}, "ResponseMetadata": {"HTTPStatusCode": 400}},  # pyright: ignore[reportArgumentType]
    "any",
)
UNREACHABLE = EndpointConnectionError(endpoint_url="https://queue")


class Outage:
    """Which of AWS's services are down just now, and what they were asked for."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.down: dict[str, Exception] = {}
        self.asked: list[tuple[str, dict[str, Any]]] = []
        make_call = BaseClient._make_api_call

        def call(client: Any, operation: str, parameters: dict[str, Any]) -> Any:
            self.asked.append((operation, parameters))
            service = client.meta.service_model.service_name
            if service in self.down:
                raise self.down[service]
            return make_call(client, operation, parameters)

        monkeypatch.setattr(BaseClient, "_make_api_call", call)
        monkeypatch.setattr("wallet.store.time.sleep", lambda _seconds: None)

    def parameters(self, operation: str) -> list[dict[str, Any]]:
        return [parameters for asked, parameters in self.asked if asked == operation]


@pytest.fixture
def outage(operator: Operator, monkeypatch: pytest.MonkeyPatch) -> Outage:
    for callback in CALLBACKS:
        operator.handler(callback)
    return Outage(monkeypatch)


def retry(
    operator: Operator, callback: str, *, tries: int = 1, messages: list[str] | None = None
) -> tuple[dict[str, Any], list[str]]:
    """Hands what waits in the retry queue to the function as SQS does; its answer, and the ids of the messages."""
    if messages is None:
        messages = [json.dumps(message) for message in operator.messages(f"{callback.title()}RetryQueue")]
    records = [
        {
            "messageId": f"message-{number}",
            "receiptHandle": f"receipt-{number}",
            "body": message,
            "attributes": {"ApproximateReceiveCount": str(tries)},
            "eventSource": "aws:sqs",
        }
        for number, message in enumerate(messages)
    ]
    return operator.handler(callback)({"Records": records}, None), [record["messageId"] for record in records]


def failures(answer: dict[str, Any]) -> list[str]:
    return [failure["itemIdentifier"] for failure in answer["batchItemFailures"]]


def test_a_warm_up_makes_the_client_that_keeping_needs(operator: Operator) -> None:
    operator.load("result")
    parking = Parking(retry_queue="r", dead_letters="d", retry_seconds=1)

    parking.warm_up()

    assert "_client" in vars(parking)


@every_callback
def test_what_another_version_kept_with_more_to_say_is_credited(operator: Operator, callback: str) -> None:
    # While a new version takes over, and after one is rolled back, two read the same queue.
    operator.send(callback, published(callback, userId="late"))
    (kept,) = operator.messages(f"{callback.title()}RetryQueue")
    operator.open_wallet("late", cash="0")

    answer, _ = retry(operator, callback, messages=[json.dumps(kept | {"traceId": "of a later version"})])

    assert failures(answer) == []
    assert operator.wallet("late")["cash"] > 0
    assert operator.messages(f"{callback.title()}DeadLetters") == []


# --- What is kept -----------------------------------------------------------------------------------


@every_callback
def test_a_win_the_store_could_not_take_is_kept_for_another_try(
    operator: Operator, outage: Outage, callback: str
) -> None:
    outage.down["dynamodb"] = THROTTLED

    with output() as printed:
        reply = operator.send(callback, published(callback, token="hush-hush", hash="psst", uuid="u"))

    assert (reply.status, reply.json["error"]) == (503, 998)
    (kept,) = operator.messages(f"{callback.title()}RetryQueue")
    assert kept["code"] == 998
    assert "ThrottlingException" in kept["reason"]
    assert kept["reference"] == published(callback)["reference"]
    age = datetime.now(UTC) - datetime.fromisoformat(kept["first_received_at"])
    assert timedelta(0) <= age < timedelta(minutes=1)
    assert json.loads(kept["request"]) == published(callback, hash=None) | {"uuid": "u"}
    assert "hush-hush" not in json.dumps(kept)
    assert "psst" not in json.dumps(kept)
    assert metrics(printed, "Parked")
    assert outage.parameters("SendMessage")[0]["DelaySeconds"] == 30


@every_callback
def test_a_win_of_a_player_who_is_not_known_yet_is_kept_for_another_try(operator: Operator, callback: str) -> None:
    reply = operator.send(callback, published(callback, userId="new"))

    assert (reply.status, reply.json["error"]) == (200, 62)
    (kept,) = operator.messages(f"{callback.title()}RetryQueue")
    assert (kept["code"], kept["reason"]) == (62, "No such player: new")


@pytest.mark.parametrize("callback", ["result", "promo"])
def test_a_win_in_another_currency_is_left_for_a_person(operator: Operator, callback: str) -> None:
    with output() as printed, unchanged(operator):
        operator.send(callback, published(callback, currency="EUR"))

    (kept,) = operator.messages(f"{callback.title()}DeadLetters")
    assert kept["code"] == 52
    assert operator.messages(f"{callback.title()}RetryQueue") == []
    assert metrics(printed, "DeadLettered")


@every_callback
def test_a_conflict_is_left_for_a_person_with_what_differs(operator: Operator, callback: str) -> None:
    operator.send(callback, published(callback))

    operator.send(callback, published(callback, amount="777"))

    (kept,) = operator.messages(f"{callback.title()}DeadLetters")
    assert kept["code"] == 61
    assert kept["reason"].endswith(": amount")


@every_callback
@pytest.mark.parametrize(
    ("body", "error", "reference"),
    [
        ({"userId": None}, 64, published("result")["reference"]),
        ({"reference": None}, 64, None),
        ({"amount": "-1"}, 59, published("result")["reference"]),
        ({"userId": 4.21}, 57, published("result")["reference"]),
        ({"reference": 5.0}, 57, "5.0"),
        ({"reference": ["r"]}, 57, '["r"]'),
        ({"reference": "r" * 200}, 57, "r" * 200),
        ({"reference": "r\n"}, 57, "r\n"),
        ({"reference": "\ud800"}, 57, r'"\ud800"'),
    ],
    ids=ascii,
)
def test_what_was_admitted_and_cannot_be_read_is_kept_for_a_person_with_its_reference_as_sent(
    operator: Operator, callback: str, body: dict[str, Any], error: int, reference: str | None
) -> None:
    sent = {**published(callback), **body}

    reply = operator.send(callback, sent)

    assert reply.json["error"] == error
    assert operator.messages(f"{callback.title()}RetryQueue") == []
    (kept,) = operator.messages(f"{callback.title()}DeadLetters")
    assert (kept["callback"], kept["reference"], kept["code"]) == (callback, reference, error)
    assert kept["reason"] == reply.json["description"]
    assert json.loads(kept["request"]) == {name: value for name, value in sent.items() if name != "hash"}


@every_callback
def test_what_is_not_json_is_kept_nowhere(operator: Operator, callback: str) -> None:
    assert operator.send(callback, "not JSON").json["error"] == 99

    assert operator.messages(f"{callback.title()}RetryQueue") == []
    assert operator.messages(f"{callback.title()}DeadLetters") == []


def test_what_is_not_admitted_is_kept_nowhere(operator: Operator, outage: Outage) -> None:
    secret = boto3.client("secretsmanager").create_secret(
        Name="provider", SecretString=json.dumps({"current": {"authToken": "hush-hush"}})
    )
    outage.down["dynamodb"] = THROTTLED
    handler = operator.load("result", PROVIDER_SECRET=secret["ARN"]).handler
    stranger = {"httpMethod": "POST", "body": json.dumps(published("result"))}

    assert handler(stranger, None)["statusCode"] == 401

    assert operator.messages("ResultRetryQueue") == []


def test_a_defect_of_ours_keeps_the_win(operator: Operator, monkeypatch: pytest.MonkeyPatch) -> None:
    app = operator.load("result")
    handler = callback_module.serve(app.ResultRequest, lambda _request: 1 / 0)  # pyright: ignore[reportArgumentType]

    handler({"httpMethod": "POST", "body": json.dumps(published("result"))}, None)

    (kept,) = operator.messages("ResultRetryQueue")
    assert kept["reason"].startswith("a defect: ZeroDivisionError")


@every_callback
@pytest.mark.parametrize("fault", [THROTTLED, UNREACHABLE], ids=["throttled", "unreachable"])
def test_a_queue_that_is_down_hides_no_answer(
    operator: Operator, outage: Outage, callback: str, fault: Exception
) -> None:
    outage.down = {"dynamodb": THROTTLED, "sqs": fault}

    with output() as printed:
        reply = operator.send(callback, published(callback))

    assert (reply.status, reply.json["error"]) == (503, 998)
    assert metrics(printed, "ParkingFailed")
    (line,) = [line for line in printed.getvalue().splitlines() if '"message":"parking failed"' in line]
    assert f"send_message: {type(fault).__name__}" in line
    assert operator.messages(f"{callback.title()}RetryQueue") == []


@pytest.mark.parametrize(
    ("changes", "code"), [({"userId": "new"}, 62), ({"currency": "EUR"}, 52), ({"amount": "777"}, 61)]
)
def test_what_cannot_be_kept_is_to_be_sent_again_whatever_it_was_refused_for(
    operator: Operator, outage: Outage, changes: dict[str, Any], code: int
) -> None:
    operator.send("result", published("result"))
    request = published("result", **{"reference": "other"} | changes) if code != 61 else published("result", **changes)
    outage.down = {"sqs": UNREACHABLE}

    with output() as printed, unchanged(operator):
        reply = operator.send("result", request)

    assert (reply.status, reply.json["error"]) == (503, 998)  # else nobody would have it any more
    assert metrics(printed, "ParkingFailed")
    assert metrics(printed, "Refused")[0]["code"] == str(code)
    outage.down.clear()
    assert operator.send("result", request).json["error"] == code
    queue = "ResultRetryQueue" if code == 62 else "ResultDeadLetters"
    assert [kept["code"] for kept in operator.messages(queue)] == [code]


@pytest.mark.parametrize("trouble", [ResponseParserError("<html>"), OSError(5, "Input/output error")])
def test_whatever_keeps_the_sdk_from_keeping_is_told_and_to_be_sent_again(
    operator: Operator, outage: Outage, trouble: Exception
) -> None:
    outage.down = {"dynamodb": THROTTLED, "sqs": trouble}

    with output() as printed:
        reply = operator.send("result", published("result"))

    assert (reply.status, reply.json["error"]) == (503, 998)
    assert metrics(printed, "ParkingFailed")


def test_what_the_queue_did_not_acknowledge_is_not_kept(operator: Operator, monkeypatch: pytest.MonkeyPatch) -> None:
    operator.handler("result")
    calls(monkeypatch, lambda operation, call: {} if operation == "SendMessage" else call())

    with output() as printed:
        reply = operator.send("result", published("result", userId="new"))

    assert (reply.status, reply.json["error"]) == (503, 998)
    assert metrics(printed, "ParkingFailed")
    assert "not acknowledged" in printed.getvalue()


@every_callback
@pytest.mark.parametrize("name", ["Größe", "é" * 15_000, r"\u00e9\ud83c\udfb0"])
def test_whatever_was_admitted_can_be_read_again(operator: Operator, outage: Outage, callback: str, name: str) -> None:
    body = json.dumps(published(callback, uuid="u"))[:-1] + f', "{name}": "'
    body += "x" * (64 * 1024 - len(body.encode()) - 2) + '"}'  # not a byte more is accepted
    outage.down["dynamodb"] = THROTTLED
    assert operator.send(callback, body).json["error"] == 998
    (kept,) = operator.messages(f"{callback.title()}RetryQueue")
    outage.down.clear()

    answer, _ = retry(operator, callback)

    assert failures(answer) == []
    assert len(operator.transactions()) == 1
    assert f'"{name}":"xxx' in kept["request"]


def test_what_is_to_wait_longer_than_sqs_can_delay_it_is_kept_all_the_same(operator: Operator, outage: Outage) -> None:
    app = operator.load("result", RETRY_SECONDS="901")

    app.handler({"httpMethod": "POST", "body": json.dumps(published("result", userId="new"))}, None)

    assert len(operator.messages("ResultRetryQueue")) == 1
    assert outage.parameters("SendMessage")[0]["DelaySeconds"] == 900  # the most that SQS takes


def test_an_answer_in_a_double_outage_comes_before_the_provider_gives_up(monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in ("RETRY_QUEUE", "DEAD_LETTERS", "RETRY_SECONDS"):
        monkeypatch.setenv(variable, "30")
    config = Parking.from_environment()._client.meta.config

    parking_seconds = config.retries["total_max_attempts"] * (config.connect_timeout + config.read_timeout)

    assert callback_module.ANSWER_SECONDS + parking_seconds < 10


def test_a_request_of_any_characters_and_the_greatest_size_can_be_kept(operator: Operator, outage: Outage) -> None:
    outage.down["dynamodb"] = THROTTLED
    odd = '\ufffe\uffff\x7f"\\' * 4000

    operator.send("result", json.dumps(published("result", roundDetails=odd), ensure_ascii=False))

    (kept,) = operator.messages("ResultRetryQueue")
    assert json.loads(kept["request"])["roundDetails"] == odd
    (sent,) = outage.parameters("SendMessage")
    assert sent["MessageBody"].isascii()
    assert len(sent["MessageBody"]) < 256 * 1024


# --- Trying again -----------------------------------------------------------------------------------


@every_callback
def test_what_was_kept_is_credited_once_the_store_is_back(operator: Operator, outage: Outage, callback: str) -> None:
    outage.down["dynamodb"] = THROTTLED
    operator.send(callback, published(callback))
    outage.down.clear()

    with output() as printed:
        answer, _ = retry(operator, callback)

    assert failures(answer) == []
    (transaction,) = operator.transactions()
    assert transaction["cashAfter"] == operator.wallet()["cash"]
    assert metrics(printed, "SettledFromParking")
    assert metrics(printed, "Credited")
    assert 0 <= metrics(printed, "ParkedAge")[0]["ParkedAge"][0] < 60


def test_what_the_provider_sent_again_meanwhile_ends_as_a_replay(operator: Operator, outage: Outage) -> None:
    outage.down["dynamodb"] = THROTTLED
    operator.send("result", published("result"))
    outage.down.clear()
    assert operator.send("result", published("result")).json["error"] == 0

    with unchanged(operator), output() as printed:
        answer, _ = retry(operator, "result")

    assert failures(answer) == []
    assert metrics(printed, "Replayed")


def test_a_signed_request_needs_no_hash_the_second_time(operator: Operator, outage: Outage) -> None:
    outage.down["dynamodb"] = THROTTLED
    operator.send("jackpot", published("jackpot"))  # identified by nothing but its hash, which is not kept
    outage.down.clear()

    answer, _ = retry(operator, "jackpot")

    assert failures(answer) == []
    assert len(operator.transactions()) == 1


@pytest.mark.parametrize("trouble", [OSError(28, "No space left on device"), ValueError("a defect")])
def test_trouble_in_telling_of_a_retry_holds_up_nothing(
    operator: Operator, monkeypatch: pytest.MonkeyPatch, trouble: Exception
) -> None:
    messages = [
        json.dumps(asdict(_parked("promo")) | {"request": json.dumps(published("promo", reference=reference))})
        for reference in ("one", "two")
    ]
    operator.handler("promo")

    def fail(*_: Any, **__: Any) -> None:
        raise trouble

    monkeypatch.setattr("wallet.report._around", fail)
    answer, _ = retry(operator, "promo", messages=messages)

    assert failures(answer) == []
    assert len(operator.transactions()) == 2


def test_a_message_that_cannot_be_worked_on_comes_back_and_holds_up_nothing(operator: Operator) -> None:
    records = [
        {"messageId": "odd", "receiptHandle": "r", "body": _parked("promo").message(), "attributes": {}},
        {
            "messageId": "good",
            "receiptHandle": "r",
            "body": _parked("promo").message(),
            "attributes": {"ApproximateReceiveCount": "1"},
        },
    ]

    answer = operator.handler("promo")({"Records": records}, None)

    assert failures(answer) == ["odd"]
    assert len(operator.transactions()) == 1


def test_one_message_that_fails_does_not_hold_up_the_others(operator: Operator) -> None:
    for user_id in ("new", "421"):
        parked = Parked(
            callback="promo",
            reference=user_id,
            code=998,
            reason="",
            first_received_at="2026-01-01T00:00:00.000+00:00",
            request=json.dumps(published("promo", userId=user_id, reference=user_id)),
        )
        boto3.client("sqs").send_message(
            QueueUrl=boto3.client("sqs").get_queue_url(QueueName="PromoRetryQueue")["QueueUrl"],
            MessageBody=parked.message(),
        )

    answer, (first, _) = retry(operator, "promo")

    assert failures(answer) == [first]
    assert [item["reference"] if "reference" in item else item["id"] for item in operator.transactions()] == [
        "promo#421"
    ]


@pytest.mark.parametrize(("tries", "wait"), [(1, 60), (2, 120), (5, 960), (9, 15360)])
def test_the_wait_doubles_with_each_try(operator: Operator, outage: Outage, tries: int, wait: int) -> None:
    operator.send("result", published("result", userId="new"))

    answer, (message,) = retry(operator, "result", tries=tries)

    assert failures(answer) == [message]
    (hidden,) = outage.parameters("ChangeMessageVisibility")
    assert (hidden["ReceiptHandle"], hidden["VisibilityTimeout"]) == ("receipt-0", wait)
    assert hidden["QueueUrl"].endswith("/ResultRetryQueue")


@pytest.mark.parametrize("tries", range(1, 10))
@pytest.mark.parametrize("retry_seconds", [84, 85, 900])  # 85 * 2**9 s are more than twelve hours
def test_no_wait_ends_later_than_twelve_hours_after_the_message_was_received(
    operator: Operator, outage: Outage, tries: int, retry_seconds: int
) -> None:
    operator.start("result", RETRY_SECONDS=str(retry_seconds))
    operator.send("result", published("result", userId="new"))

    retry(operator, "result", tries=tries)

    wait = outage.parameters("ChangeMessageVisibility")[0]["VisibilityTimeout"]
    visible_again = {
        queue["VisibilityTimeout"] for name, queue in of_type("AWS::SQS::Queue").items() if name.endswith("RetryQueue")
    }
    latest = 12 * 60 * 60 - max(visible_again)  # the message may have been received that long ago
    assert wait == min(retry_seconds * 2**tries, latest)


def test_the_tenth_try_is_the_last_and_is_counted(operator: Operator, outage: Outage) -> None:
    operator.send("result", published("result", userId="new"))

    with output() as printed:
        answer, (message,) = retry(operator, "result", tries=10)

    assert failures(answer) == [message]
    assert outage.parameters("ChangeMessageVisibility")[0]["VisibilityTimeout"] == 0  # SQS moves it on at once
    assert metrics(printed, "AttemptsExhausted")
    assert metrics(printed, "DeadLettered")


def test_a_try_that_fails_names_the_player_who_waits(operator: Operator) -> None:
    operator.send("result", published("result", userId="new"))

    with output() as printed:
        retry(operator, "result", tries=2)

    (line,) = [said for said in map(json.loads, printed.getvalue().splitlines()) if said.get("message") == "refused"]
    assert (line["tries"], line["userId"], line["roundId"]) == (2, "new", published("result")["roundId"])


def test_each_line_of_a_batch_names_the_reference_of_its_own_request(operator: Operator) -> None:
    operator.send("result", published("result", userId="new", reference="one"))
    messages = [json.dumps(message) for message in operator.messages("ResultRetryQueue")]

    with output() as printed:
        retry(operator, "result", messages=[*messages, "none of ours", *messages])

    lines = [json.loads(line) for line in printed.getvalue().splitlines()]
    outcomes = [line for line in lines if line.get("message") in ("refused", "left for a person")]
    assert [(line["message"], line.get("correlation_id")) for line in outcomes] == [
        ("refused", "one"),
        ("left for a person", None),
        ("refused", "one"),
    ]


def test_a_wait_that_cannot_be_set_loses_nothing(operator: Operator, outage: Outage) -> None:
    operator.send("result", published("result", userId="new"))
    messages = [json.dumps(message) for message in operator.messages("ResultRetryQueue")]
    outage.down["sqs"] = UNREACHABLE

    answer, (message,) = retry(operator, "result", messages=messages)

    assert failures(answer) == [message]


def test_what_turns_out_a_conflict_is_left_for_a_person(operator: Operator) -> None:
    operator.send("result", published("result", userId="new"))
    operator.open_wallet("new")
    operator.send("result", published("result", userId="new", amount="777"))

    with unchanged(operator):
        answer, _ = retry(operator, "result")

    assert failures(answer) == []
    (letter,) = operator.messages("ResultDeadLetters")
    assert letter["code"] == 61
    assert json.loads(letter["request"])["amount"] == "10.0"


def test_what_turns_out_malformed_is_left_for_a_person(operator: Operator) -> None:
    # As after a release that is stricter: what was admitted once is not dropped.
    message = _parked("result", amount="-1").message()

    answer, _ = retry(operator, "result", messages=[message])

    assert failures(answer) == []
    (letter,) = operator.messages("ResultDeadLetters")
    assert letter["code"] == 59


def test_a_prize_that_turns_out_to_be_in_dispute_is_left_for_a_person_and_its_win_is_credited(
    operator: Operator, outage: Outage
) -> None:
    operator.send("promo", published("promo", reference="p-1", currency="USD", amount="5.00"))
    outage.down["dynamodb"] = THROTTLED
    disputed = published("result", promoWinReference="p-1", promoWinAmount="5.01")
    operator.send("result", disputed)
    outage.down.clear()
    (kept,) = operator.messages("ResultRetryQueue")

    answer, _ = retry(operator, "result")

    assert failures(answer) == []
    assert [item["id"] for item in operator.transactions()][1:] == [f"result#{disputed['reference']}"]
    (letter,) = operator.messages("ResultDeadLetters")
    assert (letter["code"], letter["prize_only"], letter["reason"]) == (
        61,
        True,
        "This reference was already used with other content: amount",
    )
    assert letter["first_received_at"] == kept["first_received_at"]
    assert json.loads(letter["request"]) == disputed


def test_a_prize_that_was_left_alone_stays_alone_when_it_is_sent_back_and_cannot_be_read(operator: Operator) -> None:
    operator.send("result", request("result", promoWinReference="p-1", promoWinAmount="5"))
    cut = request("result", gameId=None, promoWinReference="p-2", promoWinAmount="6")
    settle(operator, "result", dead_letter(operator, "result", cut))
    alone = operator.messages("ResultDeadLetters")[-1]
    assert alone["prize_only"]

    retry(operator, "result", messages=[json.dumps(alone)])

    again = operator.messages("ResultDeadLetters")[-1]
    assert (again["code"], again["prize_only"]) == (64, True)
    assert settle(operator, "result", json.dumps(again))["movements"] == [{"id": "promo#p-2", "amount": "6"}]


def test_what_was_refused_because_its_hash_fits_another_cut_is_refused_again_when_it_is_sent_back(
    operator: Operator,
) -> None:
    secret = boto3.client("secretsmanager").create_secret(
        Name="provider", SecretString=json.dumps({"current": {"hashSecret": "hush-hush"}})
    )
    operator.start("bonus", PROVIDER_SECRET=secret["ARN"])
    body = published("bonus", reference="R&roundId=r9", hash=None)
    body["hash"] = hash_of(wire.parse(json.dumps(body)).parameters, "hush-hush")
    assert operator.send("bonus", body).json["error"] == 57
    (letter,) = operator.messages("BonusDeadLetters")

    with unchanged(operator):
        answer, _ = retry(operator, "bonus", messages=[json.dumps(letter)])

    assert failures(answer) == []
    assert [each["code"] for each in operator.messages("BonusDeadLetters")] == [57, 57]


@pytest.mark.parametrize("reference", ["a\u009b31m", "a\x7f", "r" * 300], ids=ascii)
def test_a_retry_logs_no_reference_that_is_unfit_for_a_log(operator: Operator, reference: str) -> None:
    operator.send("promo", published("promo", reference=reference))
    (letter,) = operator.messages("PromoDeadLetters")

    with output() as printed:
        retry(operator, "promo", messages=[json.dumps(letter)])

    assert "refused" in printed.getvalue()
    assert reference not in printed.getvalue()


def test_a_replay_is_answered_although_its_prize_cannot_be_left_once_more(operator: Operator, outage: Outage) -> None:
    body = published("result", promoWinAmount="5")
    first = operator.send("result", body)
    outage.down["sqs"] = UNREACHABLE

    with unchanged(operator):
        again = operator.send("result", body)

    assert (again.status, again.json) == (200, first.json)


def test_a_paid_prize_that_comes_again_with_more_said_is_not_taken_for_one_that_was_left(
    operator: Operator, outage: Outage
) -> None:
    operator.send("promo", published("promo", reference="p-1", currency="USD", amount="5", bonusCode="free-2"))
    body = published("result", promoWinReference="p-1", promoWinAmount="5", bonusCode=None)
    assert operator.send("result", body).json["error"] == 0
    outage.down["sqs"] = UNREACHABLE

    with unchanged(operator):
        again = operator.send("result", body | {"bonusCode": "free-1"})

    assert (again.status, again.json["error"]) == (503, 998), "nobody hears of the conflict"


def test_a_prize_that_cannot_be_left_keeps_its_win_in_the_queue(operator: Operator, outage: Outage) -> None:
    message = _parked("result", promoWinAmount="5").message()
    outage.down["sqs"] = UNREACHABLE

    with unchanged(operator):
        answer, messages = retry(operator, "result", messages=[message])

    assert len(failures(answer)) == len(messages) == 1


def _parked(callback: str, **changes: Any) -> Parked:
    return Parked(
        callback=callback,
        reference=published(callback)["reference"],
        code=998,
        reason="",
        first_received_at="2026-01-01T00:00:00.000+00:00",
        request=json.dumps(published(callback, **changes)),
    )


def test_a_prize_that_was_sent_back_stays_in_the_queue_while_it_cannot_be_left_again(
    operator: Operator, outage: Outage
) -> None:
    operator.send("result", published("result", promoWinReference="p-1", promoWinAmount="-1"))
    (letter,) = operator.messages("ResultDeadLetters")
    assert letter["prize_only"]
    outage.down["sqs"] = THROTTLED

    answer, _ = retry(operator, "result", messages=[json.dumps(letter)])

    assert failures(answer) == ["message-0"], "deleted, and it was the only one that tells of the prize"


def test_a_retry_counts_how_long_ago_its_request_was_first_received(operator: Operator) -> None:
    message = replace(_parked("promo"), first_received_at=(datetime.now(UTC) - timedelta(hours=3)).isoformat())

    with output() as printed:
        retry(operator, "promo", messages=[message.message()])

    assert 3 * 3600 <= metrics(printed, "ParkedAge")[0]["ParkedAge"][0] < 4 * 3600


def test_a_kept_request_without_a_reference_to_name_it_by_is_tried_like_any_other(operator: Operator) -> None:
    message = json.dumps(asdict(_parked("promo")) | {"reference": None})

    answer, _ = retry(operator, "promo", messages=[message])

    assert failures(answer) == []
    assert len(operator.transactions()) == 1


NOT_OURS = {
    "a text": '"hello"',
    "nothing": "{}",
    "half of it": '{"request": "{}"}',
    "a list": "[1]",
    "nested without end": "[" * 40_000,
    "no moment": json.dumps(asdict(_parked("promo")) | {"first_received_at": "yesterday"}),
    "a moment in no time zone": json.dumps(asdict(_parked("promo")) | {"first_received_at": "2026-01-01T00:00:00"}),
    "another callback's": json.dumps(asdict(_parked("jackpot"))),
    "a request that is no text": json.dumps(asdict(_parked("promo")) | {"request": {}}),
}


@pytest.mark.parametrize("message", [pytest.param(message, id=name) for name, message in NOT_OURS.items()])
def test_a_message_that_is_none_of_ours_is_left_for_a_person_as_it_is_and_holds_nothing_up(
    operator: Operator, outage: Outage, message: str
) -> None:
    answer, _ = retry(operator, "promo", messages=[message, _parked("promo").message()])

    assert failures(answer) == []
    assert outage.parameters("SendMessage")[0]["MessageBody"] == message
    assert [item["id"] for item in operator.transactions()] == [f"promo#{published('promo')['reference']}"]


def test_a_dead_letter_that_cannot_be_left_stays_in_the_queue(operator: Operator, outage: Outage) -> None:
    outage.down["sqs"] = UNREACHABLE

    with output() as printed:
        answer, (message,) = retry(operator, "result", messages=["{}"])

    assert failures(answer) == [message]
    assert metrics(printed, "ParkingFailed")


def test_the_canonical_event_of_sqs_is_credited(operator: Operator) -> None:
    answer = operator.handler("result")(json.loads((EVENTS / "sqs.json").read_text()), None)

    assert failures(answer) == []
    assert [item["id"] for item in operator.transactions()] == ["result#585c1306f89c56f5ecfc2f5d"]


# --- Settled by a person ----------------------------------------------------------------------------


BY_JO = {"actor": "arn:aws:iam::123456789012:user/jo", "reason": "ticket 1234"}
REFERENCE = published("result")["reference"]


def settle(operator: Operator, callback: str, message: str, /, **changes: Any) -> dict[str, Any]:
    """The function's answer to a person who settles a dead letter."""
    return operator.invoke(callback, {"settle": {"message": message, **BY_JO, **changes}})


def book_elsewhere(operator: Operator, callback: str, message: str) -> dict[str, Any]:
    return settle(operator, callback, message, bookedElsewhere=True)


def dead_letter(operator: Operator, callback: str, sent: Any = None) -> str:
    """The one dead letter that a callback has, once that was sent."""
    if sent:
        operator.send(callback, sent)
    (message,) = operator.messages(f"{callback.title()}DeadLetters")
    return json.dumps(message)


def record(operator: Operator, id: str) -> dict[str, Any]:
    (item,) = (item for item in operator.transactions() if item["id"] == id)
    return item


def assert_settled_for_good(operator: Operator, callback: str, message: str, sent: Any, **by_hand: Any) -> None:
    """Sent again, tried again and settled again, it moves nothing and leaves nothing for a person."""
    left = operator.messages(f"{callback.title()}DeadLetters")
    with unchanged(operator):
        again = operator.send(callback, sent)
        tried, _ = retry(operator, callback, messages=[message, message])
        repeated = settle(operator, callback, message, **by_hand)
    assert (again.status, again.json["error"]) == (200, 0), again.text
    assert failures(tried) == []
    assert (repeated["error"], repeated["movements"]) == (0, [])
    assert operator.messages(f"{callback.title()}DeadLetters") == left
    assert operator.messages(f"{callback.title()}RetryQueue") == []


LEFT_OUT = {
    "result": ("providerId", "timestamp", "uuid", "gameId", "gameName", "roundId", "currency", "roundDetails"),
    "jackpot": ("providerId", "timestamp", "hash", "gameId", "roundId", "jackpotId"),
    "bonus": ("providerId", "timestamp", "hash", "gameId"),
    "promo": ("providerId", "timestamp", "uuid", "promoCampaignId", "promoCampaignType", "currency"),
}
MALFORMED = {
    "result": ("gameId", "roundId", "bonusCode", "promoCampaignId"),
    "jackpot": ("gameId", "roundId", "jackpotId", "bonusCode"),
    "bonus": ("gameId", "roundId", "bonusCode"),
    "promo": ("promoCampaignId", "bonusCode"),
}
FAULTY = [
    *((callback, {field: None}, 64) for callback, names in LEFT_OUT.items() for field in names),
    *((callback, {field: {"no": "text"}}, 57) for callback, names in MALFORMED.items() for field in names),
    ("result", {"gameId": "a", "GameID": "b"}, 57),
    ("result", {"currency": "USD", "Currency": "EUR"}, 57),
    ("promo", {"promoCampaignId": "a", "campaignId": "b"}, 57),
]


@pytest.mark.parametrize(("callback", "changes", "code"), FAULTY, ids=str)
def test_a_person_pays_what_can_be_read_of_a_faulty_request_under_its_own_id_once(
    operator: Operator, callback: str, changes: dict[str, Any], code: int
) -> None:
    sent = request(callback, **changes)
    message = dead_letter(operator, callback, sent)
    assert json.loads(message)["code"] == code

    with output() as printed:
        answer = settle(operator, callback, message)

    paid = record(operator, f"{callback}#{REFERENCE}")
    assert answer["error"] == 0
    assert answer["movements"] == [{"id": paid["id"], "amount": money.text(paid["amount"])}]
    assert paid["amount"] == paid["amountAsked"] > 0
    assert {name: paid[name] for name in BY_JO} == BY_JO
    assert operator.wallet()["cash"] == paid["cashAfter"]
    assert metrics(printed, "SettledByHand")
    assert BY_JO["actor"] in printed.getvalue()
    assert_settled_for_good(operator, callback, message, sent)


@every_callback
@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"userId": None}, 64),
        ({"userId": 4.21}, 57),
        ({"userId": "421", "UserID": "422"}, 57),
        ({"amount": None}, 64),
        ({"amount": "1,5"}, 59),
        ({"amount": "1", "Amount": "2"}, 57),
        ({"reference": None}, 64),
        ({"reference": ["r"]}, 57),
    ],
    ids=str,
)
@pytest.mark.parametrize("elsewhere", [False, True], ids=["pay", "booked elsewhere"])
def test_what_has_no_readable_player_amount_or_reference_is_refused_to_a_person(
    operator: Operator, callback: str, changes: dict[str, Any], code: int, elsewhere: bool
) -> None:
    message = dead_letter(operator, callback, request(callback, **changes))

    with unchanged(operator):
        answer = settle(operator, callback, message, bookedElsewhere=elsewhere)

    (field, *_) = changes
    assert answer["error"] == code
    assert answer["description"].endswith(f": {field}")


def test_what_was_refused_because_its_hash_fits_another_cut_is_paid_by_a_person_once(operator: Operator) -> None:
    secret = boto3.client("secretsmanager").create_secret(
        Name="provider", SecretString=json.dumps({"current": {"hashSecret": "hush-hush"}})
    )
    operator.start("bonus", PROVIDER_SECRET=secret["ARN"])
    body = published("bonus", reference="R&roundId=r9", hash=None)
    body["hash"] = hash_of(wire.parse(json.dumps(body)).parameters, "hush-hush")
    message = dead_letter(operator, "bonus", body)

    assert settle(operator, "bonus", message)["error"] == 0

    assert record(operator, "bonus#R&roundId=r9")["amount"] > 0
    assert_settled_for_good(operator, "bonus", message, body)


@pytest.mark.parametrize("callback", ["result", "promo"])
def test_a_win_in_another_currency_is_not_paid_and_can_be_booked_elsewhere(operator: Operator, callback: str) -> None:
    sent = request(callback, currency="EUR")
    message = dead_letter(operator, callback, sent)

    with unchanged(operator):
        refused = settle(operator, callback, message)
    with output() as printed:
        booked = book_elsewhere(operator, callback, message)

    assert refused == {"error": 52, "description": "The currency is not the player's"}
    id = f"{callback}#{REFERENCE}"
    assert booked["movements"] == [{"id": id, "amount": "0", "outcome": "booked elsewhere"}]
    assert (booked["currency"], booked["cash"]) == ("USD", "99889.99")
    kept = record(operator, id)
    assert (kept["outcome"], kept["currency"], kept["amount"]) == ("booked elsewhere", "EUR", 0)
    assert {name: kept[name] for name in BY_JO} == BY_JO
    assert not {"seq", "cashAfter", "digest"} & kept.keys()
    assert operator.wallet()["version"] == 1  # only its opening moved it
    assert not metrics(printed, "Credited")
    assert '"message":"credited"' not in printed.getvalue()
    assert_settled_for_good(operator, callback, message, sent, bookedElsewhere=True)


@every_callback
def test_what_is_booked_elsewhere_needs_no_wallet_and_stays_so_when_there_is_one(
    operator: Operator, callback: str
) -> None:
    sent = request(callback, userId="new", bonusCode=None)
    operator.send(callback, sent)
    (kept,) = operator.messages(f"{callback.title()}RetryQueue")
    message = json.dumps(kept)
    with unchanged(operator):
        assert settle(operator, callback, message)["error"] == 62

    booked = book_elsewhere(operator, callback, message)

    assert (booked["error"], booked["cash"]) == (0, "0")
    assert failures(retry(operator, callback)[0]) == []
    operator.open_wallet("new", cash="7")
    with unchanged(operator):
        assert operator.send(callback, sent).json["error"] == 0
    assert operator.wallet("new")["cash"] == 7


def test_what_is_booked_elsewhere_without_a_currency_is_in_the_wallets(operator: Operator) -> None:
    sent = request("bonus", currency=None, reference=None)
    assert operator.send("bonus", sent).json["error"] == 64
    message = json.loads(dead_letter(operator, "bonus"))
    body = json.loads(message["request"]) | {"reference": "given"}
    message |= {"reference": "given", "request": json.dumps(body)}

    assert book_elsewhere(operator, "bonus", json.dumps(message))["error"] == 0
    assert record(operator, "bonus#given")["currency"] == "USD"


@every_callback
def test_what_ten_tries_could_not_pay_is_paid_by_a_person_once_there_is_a_wallet(
    operator: Operator, callback: str
) -> None:
    sent = request(callback, userId="new")
    operator.send(callback, sent)
    (kept,) = operator.messages(f"{callback.title()}RetryQueue")
    operator.open_wallet("new", cash="0")

    assert settle(operator, callback, json.dumps(kept))["error"] == 0

    assert operator.wallet("new")["cash"] > 0
    assert failures(retry(operator, callback)[0]) == []
    assert len(operator.transactions()) == 1


@every_callback
def test_a_person_is_answered_998_while_the_store_is_down_and_nothing_is_decided(
    operator: Operator, outage: Outage, callback: str
) -> None:
    sent = request(callback)
    outage.down["dynamodb"] = THROTTLED
    operator.send(callback, sent)
    (kept,) = operator.messages(f"{callback.title()}RetryQueue")
    message = json.dumps(kept)
    for dry_run in (False, True):
        assert settle(operator, callback, message, dryRun=dry_run)["error"] == 998
    outage.down.clear()
    assert operator.transactions() == []

    assert settle(operator, callback, message)["error"] == 0

    assert len(operator.transactions()) == 1
    assert failures(retry(operator, callback)[0]) == []


@every_callback
@pytest.mark.parametrize("elsewhere", [False, True], ids=["pay", "booked elsewhere"])
def test_a_person_cannot_settle_a_reference_that_is_on_record_with_other_content(
    operator: Operator, callback: str, elsewhere: bool
) -> None:
    operator.send(callback, request(callback))
    message = dead_letter(operator, callback, request(callback, amount="777"))

    with unchanged(operator):
        answer = settle(operator, callback, message, bookedElsewhere=elsewhere)

    assert answer == {"error": 61, "description": "This reference was already used with other content"}


def test_what_is_on_record_is_not_decided_the_other_way(operator: Operator) -> None:
    sent = request("result", gameId=None)
    message = dead_letter(operator, "result", sent)
    book_elsewhere(operator, "result", message)
    with unchanged(operator):
        refused = settle(operator, "result", message)
    assert (refused["error"], refused["description"]) == (61, "This reference is on record as booked elsewhere")

    other = json.dumps(json.loads(message) | {"request": json.dumps(sent | {"reference": "r-2"}), "reference": "r-2"})
    settle(operator, "result", other)
    with unchanged(operator):
        refused = book_elsewhere(operator, "result", other)
    assert (refused["error"], refused["description"]) == (61, "This reference is on record as paid here")


def test_what_the_provider_paid_meanwhile_is_not_booked_elsewhere(operator: Operator, outage: Outage) -> None:
    outage.down["dynamodb"] = THROTTLED
    operator.send("result", request("result"))
    outage.down.clear()
    (kept,) = operator.messages("ResultRetryQueue")
    operator.send("result", request("result"))

    with unchanged(operator):
        assert book_elsewhere(operator, "result", json.dumps(kept))["error"] == 61
        assert settle(operator, "result", json.dumps(kept))["movements"] == []


# A prize alone: its win is paid.


def test_a_person_pays_a_prize_under_the_prizes_own_id_and_no_delivery_leaves_it_again(operator: Operator) -> None:
    operator.send("result", request("result", promoWinReference="p-1", promoWinAmount="5"))
    sent = request("result", promoWinReference="p-2", promoWinAmount="6")
    message = dead_letter(operator, "result", sent)
    assert json.loads(message)["prize_only"]

    answer = settle(operator, "result", message)

    assert answer["movements"] == [{"id": "promo#p-2", "amount": "6"}]
    assert len(operator.transactions()) == 3
    assert record(operator, "promo#p-2")["actor"] == BY_JO["actor"]
    assert_settled_for_good(operator, "result", message, sent)
    with unchanged(operator):
        alone = published("promo", reference="p-2", amount="6", currency="USD")
        assert operator.send("promo", alone).json["error"] == 0


def test_a_prize_that_was_booked_elsewhere_is_left_by_no_delivery_again(operator: Operator) -> None:
    operator.send("result", request("result", promoWinReference="p-1", promoWinAmount="5"))
    sent = request("result", promoWinReference="p-2", promoWinAmount="6")
    message = dead_letter(operator, "result", sent)

    assert book_elsewhere(operator, "result", message)["error"] == 0

    assert record(operator, "promo#p-2")["outcome"] == "booked elsewhere"
    assert_settled_for_good(operator, "result", message, sent, bookedElsewhere=True)


@pytest.mark.parametrize(
    ("prize", "code"),
    [
        ({"promoWinAmount": "6"}, 64),
        ({"promoWinAmount": "6", "promoWinReference": ["p"]}, 57),
        ({"promoWinAmount": "-6", "promoWinReference": "p"}, 59),
        ({"promoWinAmount": "6", "promoWinReference": "p-1"}, 61),
    ],
    ids=str,
)
@pytest.mark.parametrize("elsewhere", [False, True], ids=["pay", "booked elsewhere"])
def test_a_prize_that_cannot_be_read_or_whose_reference_is_used_is_refused_to_a_person(
    operator: Operator, prize: dict[str, Any], code: int, elsewhere: bool
) -> None:
    operator.send("promo", published("promo", reference="p-1", currency="USD", amount="5"))
    message = dead_letter(operator, "result", request("result", **prize))

    with unchanged(operator):
        answer = settle(operator, "result", message, bookedElsewhere=elsewhere)

    assert (json.loads(message)["code"], answer["error"]) == (code, code)


def test_a_message_for_a_prize_alone_that_has_none_is_refused(operator: Operator) -> None:
    message = dead_letter(operator, "result", request("result", gameId=None))
    alone = json.dumps(json.loads(message) | {"prize_only": True})

    with unchanged(operator):
        answer = settle(operator, "result", alone)

    assert (answer["error"], answer["description"]) == (64, "Mandatory field is absent or empty: promoWinAmount")


# A win and its prize in one dead letter.


def test_a_person_pays_a_win_and_its_prize_each_under_its_own_id(operator: Operator) -> None:
    sent = request("result", gameId=None, promoWinReference="p-1", promoWinAmount="5")
    message = dead_letter(operator, "result", sent)

    answer = settle(operator, "result", message)

    assert [each["id"] for each in answer["movements"]] == [f"result#{REFERENCE}", "promo#p-1"]
    assert record(operator, "promo#p-1")["actor"] == BY_JO["actor"]
    assert_settled_for_good(operator, "result", message, sent)


def test_a_win_that_is_booked_elsewhere_takes_its_prize_along(operator: Operator) -> None:
    sent = request("result", currency="EUR", promoWinReference="p-1", promoWinAmount="5")
    message = dead_letter(operator, "result", sent)

    answer = book_elsewhere(operator, "result", message)

    assert [each["outcome"] for each in answer["movements"]] == ["booked elsewhere"] * 2
    assert_settled_for_good(operator, "result", message, sent, bookedElsewhere=True)


def test_a_prize_that_cannot_be_paid_with_its_win_is_left_for_a_person_alone(operator: Operator) -> None:
    sent = request("result", gameId=None, promoWinReference="p-1", promoWinAmount="-5")
    message = dead_letter(operator, "result", sent)

    answer = settle(operator, "result", message)

    assert answer["prizeLeft"] == "Not a valid amount: promoWinAmount"
    assert [each["id"] for each in answer["movements"]] == [f"result#{REFERENCE}"]
    (_, alone) = operator.messages("ResultDeadLetters")
    assert (alone["prize_only"], alone["code"]) == (True, 59)
    assert settle(operator, "result", json.dumps(alone))["error"] == 59


def test_a_delivery_of_a_settled_win_with_another_prize_is_a_replay_and_leaves_that_prize(operator: Operator) -> None:
    sent = request("result", gameId=None, promoWinReference="p-1", promoWinAmount="5")
    settle(operator, "result", dead_letter(operator, "result", sent))

    with unchanged(operator):
        answer = operator.send("result", sent | {"promoWinReference": "p-2"})

    assert answer.json["error"] == 0
    (_, alone) = operator.messages("ResultDeadLetters")
    assert (alone["prize_only"], alone["code"]) == (True, 61)
    assert settle(operator, "result", json.dumps(alone))["movements"] == [{"id": "promo#p-2", "amount": "5"}]


def test_a_prize_that_comes_with_a_settled_win_later_is_left_for_a_person_with_it(operator: Operator) -> None:
    sent = request("result", gameId=None)
    settle(operator, "result", dead_letter(operator, "result", sent))

    with unchanged(operator):
        answer = operator.send("result", sent | {"promoWinReference": "p-1", "promoWinAmount": "5"})

    assert answer.json["error"] == 64, "a machine pays nothing out of a request that is not valid"
    (_, again) = operator.messages("ResultDeadLetters")
    assert settle(operator, "result", json.dumps(again))["movements"] == [{"id": "promo#p-1", "amount": "5"}]
    assert_settled_for_good(
        operator, "result", json.dumps(again), sent | {"promoWinReference": "p-1", "promoWinAmount": "5"}
    )


def test_a_prize_that_comes_after_its_win_was_booked_elsewhere_waits_for_a_wallet(operator: Operator) -> None:
    sent = request("result", userId="new")
    operator.send("result", sent)
    (kept,) = operator.messages("ResultRetryQueue")
    book_elsewhere(operator, "result", json.dumps(kept))

    answer = operator.send("result", sent | {"promoWinReference": "p-1", "promoWinAmount": "5"})

    assert answer.json["error"] == 62
    operator.open_wallet("new", cash="0")
    assert failures(retry(operator, "result")[0]) == []
    assert operator.wallet("new")["cash"] == 5


def test_nothing_is_paid_while_the_prize_that_must_stay_cannot_be_left(operator: Operator, outage: Outage) -> None:
    message = dead_letter(
        operator, "result", request("result", gameId=None, promoWinReference="p-1", promoWinAmount="-5")
    )
    outage.down["sqs"] = UNREACHABLE

    with unchanged(operator):
        assert settle(operator, "result", message)["error"] == 998


# Free rounds.


def test_a_free_round_that_a_person_pays_is_counted_under_its_code(operator: Operator) -> None:
    message = dead_letter(operator, "result", request("result", gameId=None, bonusCode="SPINS", amount="4"))
    assert settle(operator, "result", message)["movements"][0]["amount"] == "4"
    assert operator.uncovered("SPINS") == 4

    total = dead_letter(operator, "bonus", request("bonus", gameId=None, bonusCode="SPINS", amount="10"))
    assert settle(operator, "bonus", total)["movements"][0]["amount"] == "6"
    assert operator.uncovered("SPINS") == 0


@pytest.mark.parametrize("callback", ["result", "bonus"])
def test_a_free_round_is_not_booked_elsewhere(operator: Operator, callback: str) -> None:
    message = dead_letter(operator, callback, request(callback, gameId=None, bonusCode="SPINS"))

    with unchanged(operator):
        answer = book_elsewhere(operator, callback, message)

    assert (answer["error"], answer["description"]) == (57, "Field is malformed: bookedElsewhere")


# Two at once, and what is said beforehand.


@pytest.mark.parametrize(("second", "error"), [(False, 0), (True, 61)], ids=["to pay", "to book elsewhere"])
def test_of_two_people_who_settle_it_at_the_same_moment_one_does(
    operator: Operator, monkeypatch: pytest.MonkeyPatch, second: bool, error: int
) -> None:
    message = dead_letter(operator, "result", request("result", gameId=None))
    answers: list[dict[str, Any]] = []

    def meanwhile(operation: str, call: Callable[[], Any]) -> Any:
        if operation == "TransactWriteItems" and not answers:
            answers.append({})
            answers[0] = settle(operator, "result", message, actor="the first")
        return call()

    calls(monkeypatch, meanwhile)
    answers.append(settle(operator, "result", message, bookedElsewhere=second))

    assert [each["error"] for each in answers] == [0, error]
    assert record(operator, f"result#{REFERENCE}")["actor"] == "the first"
    assert operator.wallet()["version"] == 2


@pytest.mark.parametrize("elsewhere", [False, True], ids=["pay", "booked elsewhere"])
def test_a_dry_run_answers_what_would_be_done_and_does_nothing(operator: Operator, elsewhere: bool) -> None:
    sent = request("result", gameId=None, promoWinReference="p-1", promoWinAmount="-5")
    message = dead_letter(operator, "result", sent)

    with unchanged(operator), output() as printed:
        foreseen = settle(operator, "result", message, bookedElsewhere=elsewhere, dryRun=True)

    assert len(operator.messages("ResultDeadLetters")) == 1
    assert not metrics(printed, "SettledByHand")
    assert foreseen["before"] == {"cash": "99889.99", "bonus": "99.99"}
    assert settle(operator, "result", message, bookedElsewhere=elsewhere) == foreseen


# What is no order.


@pytest.mark.parametrize("message", [pytest.param(message, id=name) for name, message in NOT_OURS.items()])
def test_a_person_cannot_settle_what_is_not_this_callbacks(operator: Operator, message: str) -> None:
    with unchanged(operator):
        answer = settle(operator, "promo", message)

    assert answer == {"error": 57, "description": "Field is malformed: message"}


@pytest.mark.parametrize(
    ("order", "code", "field"),
    [
        ({"actor": None}, 64, "actor"),
        ({"reason": ""}, 64, "reason"),
        ({"reason": " "}, 57, "reason"),
        ({"message": None}, 64, "message"),
        ({"bookedElsewhere": "yes"}, 57, "bookedElsewhere"),
        ({"booked_elsewhere": True}, 57, "booked_elsewhere"),
        ({"message": '{"request": 1}' * 600_000}, 99, "The body is larger than 6144 KiB"),
    ],
    ids=lambda value: str(value)[:40],
)
def test_a_decision_that_cannot_be_read_is_refused(
    operator: Operator, order: dict[str, Any], code: int, field: str
) -> None:
    message = dead_letter(operator, "result", request("result", gameId=None))

    with unchanged(operator):
        answer = settle(operator, "result", message, **order)

    assert answer["error"] == code
    assert answer["description"].endswith(field)


def test_a_dead_letter_whose_request_is_not_json_is_refused_to_a_person(operator: Operator) -> None:
    message = dead_letter(operator, "result", request("result", gameId=None))

    answer = settle(operator, "result", json.dumps(json.loads(message) | {"request": "not JSON"}))

    assert answer["error"] == 99
