"""What the operator's own systems order: money in and out of a wallet, once, as the provider's wins are paid."""

import json
import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from decimal import Decimal
from functools import cache
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError, EndpointConnectionError

from conftest import EVENTS, ROOT, Operator
from expectations import calls, output
from local_service import Service, running, until_it_hangs
from wallet import chain

MOST = "99999999999999.999999999999999999"


def order(movement: str = "deposit", **changes: Any) -> dict[str, Any]:
    """An order to the cashier, with `changes`; None takes a field out."""
    said = {
        "movement": movement,
        "reference": "r-1",
        "userId": "421",
        "amount": "10.50",
        "currency": "USD",
        "actor": "bank-gateway",
        "reason": "bank transfer 77",
        **changes,
    }
    return {name: value for name, value in said.items() if value is not None}


@pytest.fixture(autouse=True)
def _wallet(operator: Operator) -> None:
    operator.open_wallet(cash="100", bonus="5")


def balances(operator: Operator, user_id: str = "421") -> tuple[str, str]:
    wallet = operator.wallet(user_id)
    return str(wallet["cash"]), str(wallet["bonus"])


def refused(operator: Operator, asked: Any, error: int, says: str = "") -> None:
    """Asserts that it is refused in this way, and that nothing at all is written."""
    before = operator.items("Players"), operator.items("Transactions")
    answer = operator.invoke("cashier", asked)
    assert [*answer] == ["error", "description"], answer
    assert (answer["error"], says in answer["description"]) == (error, True), answer
    assert (operator.items("Players"), operator.items("Transactions")) == before


# --- Players who may not bet ------------------------------------------------------------------------


@pytest.mark.parametrize("written", [None, False])
def test_a_player_is_frozen_once_whatever_another_program_has_written(operator: Operator, written: bool | None) -> None:
    if written is not None:
        operator.database.Table("Players").put_item(Item={**operator.wallet("421"), "frozen": written})
    said = {"userId": "421", "actor": "ann", "reason": "a dispute"}

    answers = [operator.invoke("cashier", {"freeze": {**said, "actor": actor}}) for actor in ("ann", "bob")]

    for answer in answers:
        assert [*answer] == ["currency", "cash", "bonus", "frozen", "error", "description"]
        assert (answer["frozen"], answer["error"]) == (True, 0)
    assert (operator.wallet("421")["frozen"], operator.wallet("421")["frozenBy"]) == (True, "ann")


# --- Each movement, once ----------------------------------------------------------------------------


def test_a_deposit_is_paid_once(operator: Operator) -> None:
    first, second = operator.invoke("cashier", order()), operator.invoke("cashier", order(reason="again"))
    assert first == second
    assert [*first] == ["transactionId", "currency", "cash", "bonus", "error", "description"]
    assert first["cash"] == "110.5"
    assert balances(operator) == ("110.5", "5")


def test_a_withdrawal_takes_what_there_is_and_no_more(operator: Operator) -> None:
    assert operator.invoke("cashier", order("withdrawal", amount="100"))["cash"] == "0"
    refused = operator.invoke("cashier", order("withdrawal", reference="r-2", amount="0.01"))
    assert refused == {"currency": "USD", "cash": "0", "bonus": "5", "error": 15, "description": "Not enough money"}
    assert balances(operator) == ("0", "5")


def test_a_refused_withdrawal_stays_refused(operator: Operator) -> None:
    assert operator.invoke("cashier", order("withdrawal", amount="100.01"))["error"] == 15
    assert operator.invoke("cashier", order(reference="r-2"))["error"] == 0
    again = operator.invoke("cashier", order("withdrawal", amount="100.01"))
    assert (again["error"], again["cash"]) == (15, "110.5")


def test_a_refused_withdrawal_is_on_record_without_a_number_and_moves_nothing(operator: Operator) -> None:
    before = operator.wallet()

    operator.invoke("cashier", order("withdrawal", amount="100.01"))

    (record,) = operator.transactions()
    assert (record["outcome"], record["amount"], record["amountAsked"]) == ("not enough", 0, Decimal("-100.01"))
    assert not record.keys() & {"seq", "digest", "cashAfter", "bonusAfter"}
    assert operator.wallet() == before


def test_an_adjustment_corrects_cash_and_bonus_up_and_down(operator: Operator) -> None:
    assert operator.invoke("cashier", order("adjustment", amount="-40", bonus="-2"))["error"] == 0
    assert operator.invoke("cashier", order("adjustment", reference="r-2", amount="0", bonus="7"))["error"] == 0
    assert balances(operator) == ("60", "10")
    first, second = operator.transactions()
    assert (first["amount"], first["bonusAmount"], second["amount"], second["bonusAmount"]) == (-40, -2, 0, 7)


def test_an_adjustment_goes_below_zero_only_if_it_says_so(operator: Operator) -> None:
    for below_zero, reference in ((None, "r-1"), (False, "r-2")):
        asked = order("adjustment", amount="-100.01", reference=reference, belowZero=below_zero)
        assert operator.invoke("cashier", asked)["error"] == 15
    assert balances(operator) == ("100", "5")

    below = order("adjustment", amount="-100.01", reference="r-3", belowZero=True)

    assert operator.invoke("cashier", below)["cash"] == "-0.01"
    assert operator.invoke("cashier", order(reference="r-4", amount="0.01"))["cash"] == "0"
    assert operator.invoke("cashier", order("withdrawal", reference="r-5", amount="0.01"))["error"] == 15


def test_what_is_ordered_is_on_record_with_who_and_why_and_its_details(operator: Operator) -> None:
    details = {"method": "sepa", "batch": 12, "tags": ["a", None]}
    operator.invoke("cashier", order(details=details))

    (record,) = operator.transactions()
    assert (record["actor"], record["reason"]) == ("bank-gateway", "bank transfer 77")
    assert json.loads(record["request"])["details"] == details
    assert record["requestDigest"] == chain.digest_of(record["request"])


def test_a_movement_follows_the_one_before_it_without_a_gap(operator: Operator) -> None:
    for number, movement in enumerate(("deposit", "withdrawal", "adjustment")):
        operator.invoke("cashier", order(movement, reference=f"r-{number}", amount="1"))

    records = sorted(operator.items("Transactions"), key=lambda record: record["seq"])
    assert [record["seq"] for record in records] == [1, 2, 3, 4]
    assert sum(record["amount"] for record in records) == operator.wallet()["cash"]
    digest = ""
    for record in records:
        digest = chain.link(digest, {name: value for name, value in record.items() if name != "digest"})
        assert record["digest"] == digest
    assert operator.wallet()["digest"] == digest


def test_amounts_are_exact_to_the_last_digit(operator: Operator) -> None:
    operator.invoke("cashier", order("opening", userId="exact", reference="exact", amount=MOST))

    answer = operator.invoke("cashier", order(userId="exact", amount="0.000000000000000001"))

    assert answer["cash"] == "100000000000000"


@pytest.mark.parametrize("amount", ["0", "-0", "0.00", "1e1", "1.50E2", "10.10"])
def test_an_amount_may_be_written_as_json_writes_numbers(operator: Operator, amount: str) -> None:
    assert operator.invoke("cashier", order(amount=amount))["error"] == 0
    assert operator.wallet()["cash"] == 100 + Decimal(amount)


# --- Openings ---------------------------------------------------------------------------------------


def test_an_opening_makes_a_wallet_with_its_first_movement(operator: Operator) -> None:
    opened = operator.invoke("cashier", order("opening", userId="new", reference="new", bonus="2"))
    assert (opened["cash"], opened["bonus"]) == ("10.5", "2")
    wallet = operator.wallet("new")
    assert wallet["version"] == 1
    assert len(wallet["digest"]) == 64
    (record,) = [each for each in operator.items("Transactions") if each["userId"] == "new"]
    assert record["digest"] == wallet["digest"]
    again = operator.invoke("cashier", order("opening", userId="new", reference="other"))
    assert (again["error"], again["description"]) == (61, "The player has a wallet already")


def test_an_opening_is_a_replay_also_when_the_wallet_has_moved_since(operator: Operator) -> None:
    opening = order("opening", userId="new", reference="new", amount="0")
    first = operator.invoke("cashier", opening)
    operator.invoke("cashier", order(userId="new", amount="5"))

    again = operator.invoke("cashier", opening)

    assert again == {**first, "cash": "5"}


def test_an_opening_of_a_wallet_that_exists_is_refused(operator: Operator) -> None:
    refused(operator, order("opening", reference="other"), 61, "The player has a wallet already")


def test_a_wallet_that_another_program_left_is_not_opened_over(operator: Operator) -> None:
    operator.put_wallet("odd", cash="not a number")

    refused(operator, order("opening", userId="odd", reference="odd"), 61, "The player has a wallet already")


@pytest.mark.parametrize("currency", [" USD", "USD ", "x" * 129])
def test_a_wallet_is_not_opened_in_a_currency_that_nobody_could_see_or_name(operator: Operator, currency: str) -> None:
    refused(operator, order("opening", userId="new", reference="new", currency=currency), 57, ": currency")


# --- The same reference with other content ----------------------------------------------------------


@pytest.mark.parametrize(
    ("movement", "changes"),
    [
        ("deposit", {"amount": "10.51"}),
        ("deposit", {"userId": "422"}),
        ("deposit", {"currency": "EUR"}),
        ("withdrawal", {"amount": "10.49"}),
        ("adjustment", {"amount": "-10.50"}),
        ("adjustment", {"bonus": "1"}),
    ],
)
def test_other_content_under_a_reference_is_a_conflict(operator: Operator, movement: str, changes: Any) -> None:
    operator.open_wallet("422")
    assert operator.invoke("cashier", order(movement))["error"] == 0

    refused(operator, order(movement, **changes), 61, "already used with other content")


def test_another_opening_under_a_reference_is_a_conflict(operator: Operator) -> None:
    opening = order("opening", userId="new", reference="new", bonus="1")
    operator.invoke("cashier", opening)

    for changes in ({"amount": "1"}, {"bonus": "2"}, {"bonus": "0"}, {"currency": "EUR"}, {"userId": "newer"}):
        refused(operator, {**opening, **changes}, 61)
    refused(operator, {name: value for name, value in opening.items() if name != "bonus"}, 61)


@pytest.mark.parametrize(
    "changes", [{"amount": "10.5"}, {"currency": "usd"}, {"actor": "x"}, {"reason": "y"}, {"details": [1]}]
)
def test_what_says_the_same_in_other_words_is_a_replay(operator: Operator, changes: dict[str, Any]) -> None:
    first = operator.invoke("cashier", order())

    assert operator.invoke("cashier", order(**changes)) == first


def test_one_reference_of_two_movements_is_two_movements(operator: Operator) -> None:
    answers = [operator.invoke("cashier", order(movement)) for movement in ("deposit", "withdrawal", "adjustment")]

    assert [answer["error"] for answer in answers] == [0, 0, 0]
    assert len({answer["transactionId"] for answer in answers}) == 3


def test_a_refused_withdrawal_is_a_conflict_with_another_amount(operator: Operator) -> None:
    operator.invoke("cashier", order("withdrawal", amount="101"))

    refused(operator, order("withdrawal", amount="1"), 61)


# --- Forms: whatever is wrong with a field -----------------------------------------------------------

MANDATORY = ("movement", "reference", "userId", "amount", "currency", "actor", "reason")


@pytest.mark.parametrize("absent", [None, "", [], {}])
@pytest.mark.parametrize("field", MANDATORY)
def test_a_mandatory_field_that_is_absent_or_empty_is_named(operator: Operator, field: str, absent: Any) -> None:
    asked = order()
    if absent is None:
        refused(operator, {name: value for name, value in asked.items() if name != field}, 64, f": {field}")
    refused(operator, {**asked, field: absent}, 64, f": {field}")


@pytest.mark.parametrize(
    "amount",
    [
        1, 10.5, 0.1, 1e300, True, ["1"], {"a": 1}, "NaN", "Infinity", "+1", " 1", "1 ", "1_000", "10,0", "\u0661",
        "0x10", "01", ".5", "5.", "1" * 33, "0.0000000000000000001", "1e33", "ten",
    ],
)  # fmt: skip
def test_what_is_no_amount_is_refused(operator: Operator, amount: Any) -> None:
    for movement in ("deposit", "withdrawal", "adjustment"):
        refused(operator, order(movement, amount=amount), 59, ": amount")
    refused(operator, order("adjustment", bonus=amount), 59, ": bonus")
    refused(operator, order("opening", userId="new", amount=amount), 59, ": amount")
    refused(operator, order("opening", userId="new", bonus=amount), 59, ": bonus")


@pytest.mark.parametrize("movement", ["opening", "deposit", "withdrawal"])
def test_only_an_adjustment_may_be_below_zero(operator: Operator, movement: str) -> None:
    refused(operator, order(movement, userId="new", amount="-0.01"), 59, ": amount")
    refused(operator, order("opening", userId="new", bonus="-0.01"), 59, ": bonus")


@pytest.mark.parametrize("value", [True, 1.5, -1, ["r"], {"r": 1}, "x" * 129, "a\x00b", "a\nb", "\x85", "  ", "\ud800"])
def test_an_identifier_of_another_form_is_refused(operator: Operator, value: Any) -> None:
    error = 99 if value == "\ud800" else 57  # half a character is not UTF-8
    for field in ("userId", "reference"):
        refused(operator, order(**{field: value}), error, "" if error == 99 else f": {field}")


def test_a_whole_number_is_an_identifier_by_its_digits(operator: Operator) -> None:
    first = operator.invoke("cashier", order(userId=421, reference=77))

    assert first["error"] == 0
    assert operator.invoke("cashier", order(reference="77")) == first


@pytest.mark.parametrize("value", [1, True, ["x"], {"x": 1}, "x" * 1001, "two\nlines", "a\x1b[2J", "   "])
def test_a_text_of_another_form_is_refused(operator: Operator, value: Any) -> None:
    for field in ("movement", "actor", "reason", "currency"):
        refused(operator, order(**{field: value}), 57, f": {field}")


@pytest.mark.parametrize("movement", ["Deposit", "bet", "result", "promo", "deposits", "deposit ", "deposit#1"])
def test_another_movement_is_refused(operator: Operator, movement: str) -> None:
    refused(operator, order(movement), 57, ": movement")


@pytest.mark.parametrize("value", ["true", 1, 0, "yes", [True]])
def test_below_zero_is_true_or_false(operator: Operator, value: Any) -> None:
    refused(operator, order("adjustment", belowZero=value), 57, ": belowZero")


def test_a_field_of_another_movement_is_refused(operator: Operator) -> None:
    for movement in ("deposit", "withdrawal"):
        refused(operator, order(movement, bonus="1"), 57, ": bonus")
    for movement in ("opening", "deposit", "withdrawal"):
        refused(operator, order(movement, userId="new", belowZero=True), 57, ": belowZero")
    assert operator.invoke("cashier", order(belowZero=False))["error"] == 0


@pytest.mark.parametrize("name", ["comment", "Amount", "userid", "hash", "token", "uuid", "settle", "seq", ""])
def test_an_unknown_field_is_refused_and_so_is_a_known_one_spelled_otherwise(operator: Operator, name: str) -> None:
    refused(operator, {**order(), name: "10.50"}, 57)


@pytest.mark.parametrize("event", [None, [], [order()], "deposit", 1, 1.5, True, float("nan")])
def test_an_event_that_is_no_object_is_refused(operator: Operator, event: Any) -> None:
    refused(operator, event, 99, "The body is not a JSON object")


def test_an_empty_object_is_refused_for_what_it_lacks(operator: Operator) -> None:
    refused(operator, {}, 64, "Mandatory field is absent or empty")


def test_an_order_beyond_64_kib_is_refused(operator: Operator) -> None:
    room = 64 * 1024 - len(json.dumps(order(details="")))

    refused(operator, order(details="x" * (room + 1)), 99, "larger than 64 KiB")
    assert operator.invoke("cashier", order(details="x" * room))["error"] == 0


def test_a_record_of_the_largest_order_fits_its_table(operator: Operator) -> None:
    room = 64 * 1024 - len(json.dumps(order(details="")))
    operator.invoke("cashier", order(details="x" * room))

    (record,) = operator.transactions()
    assert len(record["request"]) < 400 * 1024


# --- Which comes first ------------------------------------------------------------------------------

# One fault each, in order of precedence.
FAULTS: list[tuple[int, dict[str, Any]]] = [
    (64, {"actor": ""}),
    (59, {"amount": "ten"}),
    (57, {"reason": "two\nlines"}),
    (59, {"amount": "-1"}),
    (57, {"belowZero": True}),
    (61, {"reference": "taken", "amount": "1"}),
    (62, {"userId": "nobody"}),
    (52, {"currency": "EUR"}),
]


@pytest.mark.parametrize("number", range(len(FAULTS)))
def test_of_several_faults_the_first_is_answered(operator: Operator, number: int) -> None:
    operator.invoke("cashier", order(reference="taken"))
    error, changes = FAULTS[number]

    refused(operator, order(**changes), error)
    for _, later in FAULTS[number + 1 :]:
        together = {**later, **changes}
        if error == 61:
            together["reference"] = "taken"
        refused(operator, order(**together), error)


def test_a_withdrawal_of_more_than_there_is_in_another_currency_is_52(operator: Operator) -> None:
    refused(operator, order("withdrawal", amount="1000", currency="EUR"), 52)


def test_a_missing_wallet_leaves_the_reference_free(operator: Operator) -> None:
    refused(operator, order(userId="late"), 62)
    operator.open_wallet("late", cash="0")

    assert operator.invoke("cashier", order(userId="late"))["cash"] == "10.5"


def test_what_no_balance_can_hold_is_refused_for_its_amount_and_leaves_the_reference_free(operator: Operator) -> None:
    operator.open_wallet("rich", cash="12345678901234567890123456789012", currency="USD")
    dust = order(userId="rich", amount="0.000000000000000001")

    refused(operator, dust, 59, "amount (a balance would need more than 38 digits)")
    assert operator.invoke("cashier", {**dust, "amount": "0.000001"})["error"] == 0


def test_an_unknown_name_of_any_length_is_told_in_a_short_line(operator: Operator) -> None:
    answer = operator.invoke("cashier", {**order(), "x" * 50_000: 1})

    assert answer == {"error": 57, "description": f"Field is malformed: {'x' * 128}"}


# --- The limit --------------------------------------------------------------------------------------


def test_an_adjustment_has_a_limit_up_and_down_for_cash_and_bonus(operator: Operator) -> None:
    for amount in ("10000", "-100"):
        assert operator.invoke("cashier", order("adjustment", reference=amount, amount=amount))["error"] == 0
    for amount in ("10000.000000000000000001", "-10000.01"):
        refused(operator, order("adjustment", reference="x", amount=amount, belowZero=True), 59, ": amount")
        refused(operator, order("adjustment", reference="x", amount="0", bonus=amount), 59, ": bonus")


def test_the_limit_is_of_no_other_movement(operator: Operator) -> None:
    assert operator.invoke("cashier", order(amount=MOST))["error"] == 0
    assert operator.invoke("cashier", order("withdrawal", amount=MOST))["error"] == 0


def test_the_limit_is_a_parameter_and_empty_for_none(operator: Operator) -> None:
    operator.start("cashier", ADJUSTMENT_LIMIT="5")
    refused(operator, order("adjustment", amount="5.01"), 59, ": amount")
    operator.start("cashier", ADJUSTMENT_LIMIT="0")
    refused(operator, order("adjustment", amount="0.01"), 59, ": amount")
    operator.start("cashier", ADJUSTMENT_LIMIT="")

    assert operator.invoke("cashier", order("adjustment", amount=MOST))["error"] == 0


# --- When things fail -------------------------------------------------------------------------------


@contextmanager
def failing(monkeypatch: pytest.MonkeyPatch, name: str, error: Exception, *, done: bool) -> Iterator[None]:
    """A call of DynamoDB's that fails, once it is `done` or without."""
    from botocore.client import BaseClient

    make_call = BaseClient._make_api_call

    def call(client: Any, operation: str, parameters: Any) -> Any:
        if operation != name:
            return make_call(client, operation, parameters)
        if done:
            make_call(client, operation, parameters)
        raise error

    with monkeypatch.context() as failing:
        failing.setattr(BaseClient, "_make_api_call", call)
        yield


UNREACHABLE = EndpointConnectionError(endpoint_url="https://tables")
DENIED = ClientError({"Error": {"Code": "AccessDeniedException"}, "ResponseMetadata": {"HTTPStatusCode": 400}}, "-")  # type: ignore[arg-type]


@pytest.mark.parametrize("error", [UNREACHABLE, DENIED], ids=["unreachable", "denied"])
@pytest.mark.parametrize("operation", ["BatchGetItem", "TransactWriteItems"])
def test_what_cannot_be_done_now_is_998_and_done_once_when_it_is_sent_again(
    operator: Operator, monkeypatch: pytest.MonkeyPatch, operation: str, error: Exception
) -> None:
    operator.handler("cashier")
    with failing(monkeypatch, operation, error, done=False):
        refused(operator, order(), 998, "Not possible at the moment, send again")

    assert operator.invoke("cashier", order())["cash"] == "110.5"


def test_an_answer_that_was_lost_is_998_and_a_replay_when_it_is_sent_again(
    operator: Operator, monkeypatch: pytest.MonkeyPatch
) -> None:
    operator.handler("cashier")
    with failing(monkeypatch, "TransactWriteItems", DENIED, done=True):
        assert operator.invoke("cashier", order())["error"] == 998

    assert operator.invoke("cashier", order())["cash"] == "110.5"
    assert len(operator.transactions()) == 1


def test_nothing_is_kept_of_what_is_refused(operator: Operator) -> None:
    for changes in ({"userId": "nobody"}, {"currency": "EUR"}, {"amount": "ten"}):
        operator.invoke("cashier", order(**changes))

    assert all(
        operator.messages(f"{callback}{queue}") == []
        for callback in ("Result", "Jackpot", "Bonus", "Promo")
        for queue in ("RetryQueue", "DeadLetters")
    )


def test_the_log_says_who_moved_what_and_why_something_was_refused(operator: Operator) -> None:
    with output() as printed:
        operator.start("cashier")
        operator.invoke("cashier", order())
        operator.invoke("cashier", order(amount="11"))
    lines = [json.loads(line) for line in printed.getvalue().splitlines()]
    moved, declined = (line for line in lines if line.get("message") in ("moved", "declined"))

    assert (moved["correlation_id"], moved["actor"], moved["userId"]) == ("r-1", "bank-gateway", "421")
    assert moved["transactions"] == [{"id": "deposit#r-1", "seq": 2, "amount": "10.5", "cashAfter": "110.5"}]
    said = {name: declined[name] for name in ("code", "movement", "userId", "actor")}
    assert said == {"code": 61, "movement": "deposit", "userId": "421", "actor": "bank-gateway"}
    assert declined["reason"] == "This reference was already used with other content: amount"
    metrics = {name: line[name] for line in lines for name in ("Moved", "MovedAmount", "Declined") if name in line}
    assert metrics == {"Moved": [1.0], "MovedAmount": [10.5], "Declined": [1.0]}


# --- On real processes, by Lambda's own API -----------------------------------------------------------


@pytest.fixture(scope="module")
def service() -> Iterator[Service]:
    with running(WORKERS="2") as service:
        yield service
        lambda_of(service).close()


@cache
def lambda_of(service: Service) -> Any:
    return boto3.client(
        "lambda", endpoint_url=f"http://127.0.0.1:{service.port}", region_name="eu-west-1",
        aws_access_key_id="any", aws_secret_access_key="any", config=Config(max_pool_connections=50),
    )  # fmt: skip


def invoked(service: Service, payload: Any, name: str = "CashierFunction", **options: Any) -> Any:
    """What a function answers; 998 is sent again, as callers do."""
    body = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
    for _ in until_it_hangs():
        answer = lambda_of(service).invoke(FunctionName=name, Payload=body, **options)
        said = json.load(answer["Payload"])
        if said.get("error") != 998:
            return said
    raise AssertionError(f"only ever answered 998: {payload}")


NAMES = [
    "CashierFunction",
    "CashierFunction:live",
    "CashierFunction:$LATEST",
    "123456789012:function:CashierFunction",
    "arn:aws:lambda:eu-west-1:123456789012:function:CashierFunction",
    "arn:aws:lambda:eu-west-1:123456789012:function:CashierFunction:live",
]


def test_the_local_service_answers_lambda_s_own_api(service: Service) -> None:
    said = [invoked(service, order(reference="by name"), name) for name in NAMES]
    said.append(invoked(service, order(reference="by name"), Qualifier="live"))

    assert {answer["error"] for answer in said} == {0}
    assert len({answer["cash"] for answer in said}) == 1, "once, however it is called"
    record = next(item for item in service.ledger("421") if item["id"] == "deposit#by name")
    assert record["amount"] == Decimal("10.5")


def test_the_players_of_the_local_service_begin_with_a_movement(service: Service) -> None:
    for player in json.loads((EVENTS / "players.json").read_text()):
        opening = service.ledger(player["userId"])[0]
        assert (opening["id"], opening["seq"]) == (f"opening#{player['userId']}", 1)
        assert opening["amount"] == Decimal(player["cash"])


def test_what_is_no_function_or_no_version_is_answered_as_lambda_does(service: Service) -> None:
    for name, options in (
        ("Cashier", {}),
        ("cashier", {}),
        ("CashierFunction:draft", {}),
        ("CashierFunction", {"Qualifier": "7"}),
    ):
        with pytest.raises(ClientError) as raised:
            lambda_of(service).invoke(FunctionName=name, Payload=b"{}", **options)
        assert raised.value.response["Error"]["Code"] == "ResourceNotFoundException"
        assert raised.value.response["Error"]["Message"].startswith("Function not found: arn:aws:lambda:")
        assert raised.value.response["ResponseMetadata"]["HTTPStatusCode"] == 404


@pytest.mark.parametrize("payload", [b"no JSON", b"{", b'{"a": NaN}', b"\xff", b"[" * 100_000, b"{} {}"])
def test_a_payload_that_is_no_json_is_answered_as_lambda_does(service: Service, payload: bytes) -> None:
    with pytest.raises(ClientError) as raised:
        lambda_of(service).invoke(FunctionName="CashierFunction", Payload=payload)

    assert raised.value.response["Error"]["Code"] == "InvalidRequestContentException"
    assert raised.value.response["ResponseMetadata"]["HTTPStatusCode"] == 400


def test_without_a_payload_a_function_gets_an_empty_object(service: Service) -> None:
    answer = lambda_of(service).invoke(FunctionName="CashierFunction")

    assert json.load(answer["Payload"])["error"] == 64
    assert (answer["StatusCode"], answer["ExecutedVersion"], answer.get("FunctionError")) == (200, "$LATEST", None)


def test_a_payload_beyond_lambda_s_limit_is_answered_as_lambda_does(service: Service) -> None:
    with pytest.raises(ClientError) as raised:
        lambda_of(service).invoke(FunctionName="CashierFunction", Payload=b'"' + b"x" * 6 * 2**20 + b'"')

    assert raised.value.response["Error"]["Code"] == "RequestTooLargeException"


def test_a_dry_run_calls_nothing_and_an_event_is_refused(service: Service) -> None:
    asked = json.dumps(order(reference="never")).encode()
    dry = lambda_of(service).invoke(FunctionName="CashierFunction", InvocationType="DryRun", Payload=asked)
    with pytest.raises(ClientError) as raised:
        lambda_of(service).invoke(FunctionName="CashierFunction", InvocationType="Event", Payload=asked)

    assert (dry["StatusCode"], dry["Payload"].read()) == (204, b"")
    assert raised.value.response["Error"]["Code"] == "InvalidParameterValueException"
    assert all(item["id"] != "deposit#never" for item in service.ledger("421"))


def test_a_function_that_fails_is_said_to(service: Service) -> None:
    answer = lambda_of(service).invoke(FunctionName="ResultFunction", Payload=b'{"httpMethod": 1}')
    crashed = lambda_of(service).invoke(FunctionName="ResultFunction", Payload=b'{"Records": [1]}')

    assert (json.load(answer["Payload"])["statusCode"], answer.get("FunctionError")) == (405, None)
    assert crashed["FunctionError"] == "Unhandled"
    assert json.load(crashed["Payload"])["errorType"] == "Runtime.ExitError"


def test_the_functions_of_the_callbacks_are_invoked_as_well(service: Service) -> None:
    for callback in ("Result", "Jackpot", "Bonus", "Promo"):
        assert invoked(service, {"settle": {}}, f"{callback}Function")["error"] == 64


def test_no_page_in_a_browser_may_invoke_a_function(service: Service) -> None:
    path = "/2015-03-31/functions/CashierFunction/invocations"
    for headers in ({"origin": "https://example.com"}, {"sec-fetch-site": "cross-site"}):
        answer = service.http.post(path, content=json.dumps(order(reference="evil")), headers=headers)
        assert (answer.status_code, answer.headers["x-amzn-errortype"]) == (403, "AccessDeniedException")
    assert all(item["id"] != "deposit#evil" for item in service.ledger("421"))


@pytest.mark.parametrize("path", ["/v4/Cashier", "/cashier", "/v4/CashierFunction", "/v4/Deposit"])
def test_no_path_of_the_provider_s_leads_to_the_cashier(service: Service, path: str) -> None:
    answer = service.post(path, order())

    assert (answer.status_code, answer.json()["error"]) == (404, 404)


def test_the_five_lines_of_the_page_move_money(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    page = (ROOT / "docs" / "cashier.md").read_text()
    (code,) = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    said: list[Any] = []
    assert len(code.strip().splitlines()) == 5
    code = code.replace("http://127.0.0.1:3000", f"http://127.0.0.1:{service.port}")
    there: dict[str, Any] = {"print": said.append}
    exec(code, there)  # noqa: S102 - our own page
    there["cashier"].close()

    (answer,) = said
    assert answer["error"] in (0, 998)


@pytest.mark.parametrize("event", ["deposit", "withdrawal"])
def test_an_example_is_what_the_cashier_takes(operator: Operator, event: str) -> None:
    answer = operator.invoke("cashier", json.loads((EVENTS / f"{event}.json").read_text()))

    assert (answer["error"], answer["cash"]) == (0, {"deposit": "125", "withdrawal": "60"}[event])


def test_two_hundred_withdrawals_at_once_take_what_there_is_and_refuse_none_that_fits(service: Service) -> None:
    invoked(service, order("opening", userId="rush", reference="rush", amount="100"))

    def withdraw(number: int) -> dict[str, Any]:
        return invoked(service, order("withdrawal", userId="rush", reference=f"w-{number}", amount="1"))

    with ThreadPoolExecutor(16) as pool:
        errors = [answer["error"] for answer in pool.map(withdraw, range(200))]

    assert (errors.count(0), errors.count(15)) == (100, 100)
    assert service.wallet("rush")["cash"] == 0
    ledger = service.ledger("rush")
    assert [item["seq"] for item in ledger] == list(range(1, 102))
    assert sum(item["amount"] for item in ledger) == 0


def test_of_many_openings_at_once_one_is_made(service: Service) -> None:
    def open_wallet(number: int) -> dict[str, Any]:
        return invoked(service, order("opening", userId="race", reference=f"o-{number}", amount=str(number)))

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(open_wallet, range(1, 21)))

    (opened,) = [answer for answer in answers if answer["error"] == 0]
    assert {answer["error"] for answer in answers} == {0, 61}
    (record,) = service.ledger("race")
    assert str(record["amount"]) == opened["cash"] == str(service.wallet("race")["cash"])


def test_one_opening_sent_many_times_at_once_is_answered_0_each_time(service: Service) -> None:
    opening = order("opening", userId="same", reference="same", amount="3")

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: invoked(service, opening), range(20)))

    assert {answer["error"] for answer in answers} == {0}
    assert len(service.ledger("same")) == 1


# --- Who may bet ------------------------------------------------------------------------------------


def freezing(name: str = "freeze", **changes: Any) -> dict[str, Any]:
    said = {"userId": "421", "actor": "ann", "reason": "a report", **changes}
    return {name: {field: value for field, value in said.items() if value is not None}}


def test_a_player_is_frozen_with_who_and_why_and_unfrozen_without_a_trace_on_the_wallet(operator: Operator) -> None:
    before = operator.wallet()

    with output() as printed:
        frozen = operator.invoke("cashier", freezing())

    balances = {"currency": "USD", "cash": "100", "bonus": "5", "error": 0, "description": "Success"}
    assert frozen == {"frozen": True, **balances}
    wallet = operator.wallet()
    assert (wallet["frozen"], wallet["frozenBy"], wallet["frozenReason"]) == (True, "ann", "a report")
    assert re.fullmatch(r"[0-9-]{10}T[0-9:.]{12}\+00:00", wallet["frozenAt"])
    (line,) = (json.loads(each) for each in printed.getvalue().splitlines())
    assert {name: line[name] for name in ("message", "userId", "actor", "reason")} == {
        "message": "frozen",
        "userId": "421",
        "actor": "ann",
        "reason": "a report",
    }
    assert operator.invoke("cashier", freezing("unfreeze", actor="bob")) == {"frozen": False, **balances}
    assert operator.wallet() == before
    assert operator.invoke("cashier", freezing("unfreeze"))["error"] == 0


def test_who_froze_a_player_first_stays(operator: Operator) -> None:
    operator.invoke("cashier", freezing())
    first = operator.wallet()

    assert operator.invoke("cashier", freezing(actor="bob", reason="another"))["frozen"] is True
    assert operator.wallet() == first


def test_a_frozen_player_can_be_paid_and_can_withdraw(operator: Operator) -> None:
    operator.invoke("cashier", freezing())

    assert operator.invoke("cashier", order())["cash"] == "110.5"
    assert operator.invoke("cashier", order("withdrawal", amount="10"))["cash"] == "100.5"
    assert operator.wallet()["frozen"] is True


@pytest.mark.parametrize(
    ("asked", "error", "says"),
    [
        (freezing(userId="nobody"), 62, ""),
        (freezing("unfreeze", userId="nobody"), 62, ""),
        (freezing(reason=None), 64, "reason"),
        (freezing(actor=" "), 57, "actor"),
        (freezing(userId=None), 64, "userId"),
        (freezing(until="tomorrow"), 57, "until"),
        (freezing() | freezing("unfreeze"), 57, "freeze"),
        (freezing() | {"reason": "x"}, 57, "freeze"),
        ({"freeze": "421"}, 57, "freeze"),
        ({"unfreeze": None}, 57, "unfreeze"),
    ],
)
def test_an_order_to_freeze_that_is_not_clear_changes_nothing(
    operator: Operator, asked: Any, error: int, says: str
) -> None:
    refused(operator, asked, error, says)


def test_a_player_cannot_be_frozen_while_the_tables_are_away(
    operator: Operator, monkeypatch: pytest.MonkeyPatch
) -> None:
    operator.handler("cashier")

    def fails(operation: str, call: Any) -> Any:
        raise EndpointConnectionError(endpoint_url="here")

    calls(monkeypatch, fails)
    assert operator.invoke("cashier", freezing())["error"] == 998


def test_a_player_whose_wallet_cannot_be_read_is_frozen_all_the_same(operator: Operator) -> None:
    operator.put_wallet("8", cash="much")

    assert operator.invoke("cashier", freezing(userId="8"))["error"] == 998
    assert operator.wallet("8")["frozen"] is True
