"""The wire contract where all four callbacks are alike. What is one callback's own stands in its own file."""

import base64
import hashlib
import json
import random
import re
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError, ReadTimeoutError

from conftest import EVENTS, Operator, published
from contract import STATUS, hash_of
from expectations import (
    calls,
    credited,
    holdings,
    metrics,
    output,
    refusal,
    refused,
    replayed,
    request,
    unchanged,
    written,
)
from tools.local.template import Template
from wallet import callback as callback_module
from wallet import errors

CALLBACKS = ("result", "jackpot", "bonus", "promo")
REFERENCE = "585c1306f89c56f5ecfc2f5d"
SECRETS = json.loads((EVENTS / "secrets.json").read_text())
TOKEN, HASH_SECRET = SECRETS["current"]["authToken"], SECRETS["current"]["hashSecret"]

every_callback = pytest.mark.parametrize("callback", CALLBACKS)
callbacks_with_a_currency = pytest.mark.parametrize("callback", ["result", "promo"])
callbacks_always_signed = pytest.mark.parametrize("callback", ["jackpot", "bonus"])
callbacks_signed_at_will = pytest.mark.parametrize("callback", ["result", "promo"])


# --- Calls ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("callback", "cash", "bonus", "answered_cash", "answered_bonus"),
    [
        ("result", "99889.99", "99.99", '"99899.99"', '"99.99"'),
        ("auto_closing", "99889.99", "99.99", "99899.99", "99.99"),
        ("jackpot", "99844.99", "99.99", "99899.99", "99.99"),
        ("bonus", "99898.99", "98.99", "99899.99", "99.99"),
        ("promo", "99399.99", "99.99", '"99899.99"', '"99.99"'),
    ],
)
def test_a_published_example_is_answered_as_published(
    operator: Operator, callback: str, cash: str, bonus: str, answered_cash: str, answered_bonus: str
) -> None:
    operator.open_wallet(cash=cash, bonus=bonus)
    event = json.loads((EVENTS / f"{callback}.json").read_text())

    reply = operator.send_event("result" if callback == "auto_closing" else callback, event)

    assert (reply.status, reply.headers["Content-Type"]) == (200, "application/json")
    assert reply.text == (
        f'{{"transactionId": "{reply.json["transactionId"]}", "currency": "USD", '
        f'"cash": {answered_cash}, "bonus": {answered_bonus}, "error": 0, "description": "Success"}}'
    )


# --- Fields -----------------------------------------------------------------------------------------

OF_ALL = ("userId", "amount", "reference", "providerId", "timestamp")
REQUIRED = {
    "result": (*OF_ALL, "uuid", "gameId", "gameName", "roundId", "currency", "roundDetails"),
    "jackpot": (*OF_ALL, "gameId", "roundId", "jackpotId"),
    "bonus": (*OF_ALL, "gameId"),
    "promo": (*OF_ALL, "uuid", "promoCampaignId", "promoCampaignType", "currency"),
}
IDENTIFIERS = {  # what decides about money
    "result": ("userId", "reference", "roundId", "gameId", "bonusCode", "promoCampaignId"),
    "jackpot": ("userId", "reference", "roundId", "gameId", "bonusCode", "jackpotId"),
    "bonus": ("userId", "reference", "roundId", "gameId", "bonusCode"),
    "promo": ("userId", "reference", "bonusCode", "promoCampaignId"),
}
RECORDED_OF_ALL = ("providerId", "timestamp", "uuid", "hash", "sessionId", "platform", "token", "unknown")
RECORDED = {  # what is kept as it was sent, and decides nothing
    "result": (*RECORDED_OF_ALL, "gameName", "roundDetails", "promoCampaignType", "promoWinReference"),
    "jackpot": (*RECORDED_OF_ALL, "jackpotDetails"),
    "bonus": RECORDED_OF_ALL,
    "promo": (*RECORDED_OF_ALL, "promoCampaignType", "gameId", "roundId"),
}


@every_callback
def test_a_mandatory_field_absent_null_or_empty_is_refused_and_named(
    operator: Operator, subtests: pytest.Subtests, callback: str
) -> None:
    with unchanged(operator):
        for field in REQUIRED[callback]:
            without = {name: value for name, value in request(callback).items() if name != field}
            with subtests.test("absent", field=field):
                refusal(operator, callback, without, 64, naming=field)
            with subtests.test("null", field=field):
                refusal(operator, callback, without | {field: None}, 64, naming=field)
            with subtests.test("empty", field=field):
                refusal(operator, callback, without | {field: ""}, 64, naming=field)
            for empty in ([], {}) if field != "roundDetails" else ():
                with subtests.test("empty", field=field, value=empty):
                    refusal(operator, callback, without | {field: empty}, 64, naming=field)


@every_callback
def test_an_optional_field_that_is_empty_is_absent(
    operator: Operator, subtests: pytest.Subtests, callback: str
) -> None:
    first = credited(operator, callback, request(callback))
    for field in (
        {*IDENTIFIERS[callback], "hash", "currency", "sessionId", "token"}
        - {*REQUIRED[callback]}
        - {*request(callback)}
    ):
        for empty in (None, "", [], {}):
            with subtests.test(field=field, value=empty):
                assert replayed(operator, callback, request(callback) | {field: empty}).json == first.json


@every_callback
def test_an_identifier_of_the_wrong_type_is_refused_named_and_kept_for_a_person(
    operator: Operator, subtests: pytest.Subtests, callback: str
) -> None:
    with unchanged(operator):
        for field in IDENTIFIERS[callback]:
            for literal in ("true", "421.0", "-421", "4e2", '["421"]', '{"id": "421"}'):
                with subtests.test(field=field, literal=literal):
                    refusal(operator, callback, written(callback, **{field: literal}), 57, naming=field)


@every_callback
def test_an_integer_is_the_same_identifier_as_its_digits(
    operator: Operator, subtests: pytest.Subtests, callback: str
) -> None:
    for field in IDENTIFIERS[callback]:
        with subtests.test(field=field):
            other = {} if field == "reference" else {"reference": json.dumps(field)}
            first = credited(operator, callback, written(callback, **other, **{field: "421"}))
            again = replayed(operator, callback, written(callback, **other, **{field: '"421"'}))
            in_both_forms = written(callback, **other, **{field: '"421"', field.upper(): "421"})
            assert first.json == again.json == replayed(operator, callback, in_both_forms).json
            operator.database.Table("Transactions").delete_item(Key={"id": f"{callback}#421"})


ODD = (
    "2026-05-11T14:35:00Z",
    1482429190374.0,
    1.5,
    -1,
    True,
    False,
    ["x"],
    {"x": 1},
    " ",
    "T\u00a0",
    "\u3000",
    "\n",
    "\ud800",
)


@every_callback
def test_a_field_that_is_only_recorded_never_decides(
    operator: Operator, subtests: pytest.Subtests, callback: str
) -> None:
    first = credited(operator, callback, request(callback))
    for field in RECORDED[callback]:
        for value in (*ODD, "\U0001fae8", "x" * 1000):
            with subtests.test(field=field, value=ascii(value)[:20]):
                assert replayed(operator, callback, request(callback, **{field: value})).json == first.json
    for number, value in enumerate(ODD):
        with subtests.test("all at once", value=ascii(value)):
            credited(
                operator, callback, request(callback, reference=f"{number}", **dict.fromkeys(RECORDED[callback], value))
            )


@every_callback
def test_a_byte_order_mark_is_passed_over(operator: Operator, callback: str) -> None:
    text = json.dumps(request(callback))
    encoded = base64.b64encode(b"\xef\xbb\xbf" + text.encode()).decode()

    first = credited(operator, callback, encoded, isBase64Encoded=True)

    assert replayed(operator, callback, "\ufeff" + text).json == first.json


@every_callback
def test_a_field_of_128_characters_is_accepted_and_of_129_refused(
    operator: Operator, subtests: pytest.Subtests, callback: str
) -> None:
    operator.open_wallet(user_id="é" * 128)
    for field in IDENTIFIERS[callback]:
        with subtests.test(field=field):
            refused(operator, callback, request(callback, **{field: "é" * 129}), 57, naming=field)
            reply = credited(operator, callback, request(callback, **{"reference": field, field: "é" * 128}))
            assert len(reply.json["transactionId"]) <= 36


@every_callback
def test_a_control_character_or_half_a_character_is_refused_and_any_other_is_an_identity(
    operator: Operator, subtests: pytest.Subtests, callback: str
) -> None:
    for field in IDENTIFIERS[callback]:
        with unchanged(operator):
            for character in ("\0", "\n", "\x1f", "\x7f", "\x85", "\x9f", "\ud800", "\udfff"):
                with subtests.test(field=field, character=ascii(character)):
                    refusal(operator, callback, request(callback, **{field: f"421{character}"}), 57, naming=field)
            for blank in (" ", "\u00a0", "\u2003\u3000"):
                with subtests.test(field=field, blank=ascii(blank)):
                    refusal(operator, callback, request(callback, **{field: blank}), 57, naming=field)
        for character in (" ", "\u00a0", "\u200b", "\u200d", "\u202e", "\u3000", "\U0001fae8", "\U0010fffe"):
            with subtests.test(field=field, character=ascii(character)):
                name = f"421{character}"
                operator.open_wallet(user_id=name)
                reference = {"reference": f"{field}{name}"} if field != "reference" else {}
                credited(operator, callback, request(callback, **reference, **{field: name}))


@every_callback
def test_field_names_are_matched_without_regard_to_case(
    operator: Operator, subtests: pytest.Subtests, callback: str
) -> None:
    first = credited(operator, callback, request(callback))
    for spelling in (str.lower, str.upper, str.title):
        with subtests.test(spelling.__name__):
            body = {spelling(name): value for name, value in request(callback).items()}
            assert replayed(operator, callback, body).json == first.json


@every_callback
def test_two_spellings_with_different_values_are_refused(operator: Operator, callback: str) -> None:
    refused(operator, callback, request(callback, userid="422"), 57, naming="userId")
    refused(operator, callback, request(callback, AMOUNT="10000"), 57, naming="amount")
    refused(operator, callback, request(callback, REFERENCE="another"), 57, naming="reference")


@every_callback
def test_two_spellings_with_one_value_are_one_field(operator: Operator, callback: str) -> None:
    body = request(callback)

    credited(operator, callback, body | {"userid": body["userId"], "AMOUNT": body["amount"], "timeStamp": None})


@every_callback
def test_a_key_given_twice_is_refused(operator: Operator, subtests: pytest.Subtests, callback: str) -> None:
    body = json.dumps(request(callback))
    with unchanged(operator):
        for again in (
            '"userId": "421"',
            '"userId": "422"',
            '"amount": 1',
            '"user\\u0049d": "421"',
            '"note": 1, "note": 1',
            '"note": {"a": 1, "a": 1}',
            '"note": [{"b": {"a": 1, "a": 2}}]',
        ):
            with subtests.test(again):
                refusal(operator, callback, f"{body[:-1]}, {again}}}", 99)


@every_callback
@pytest.mark.parametrize("timestamp", ['"1482429190374"', "1482429190374"], ids=["string", "number"])
def test_a_timestamp_is_a_string_or_a_number_and_kept_as_sent(
    operator: Operator, callback: str, timestamp: str
) -> None:
    credited(operator, callback, written(callback, timeStamp=timestamp, timestamp="null"))

    (transaction,) = operator.transactions()
    assert transaction["timestamp"] == "1482429190374"
    assert f'"timeStamp":{timestamp}' in transaction["request"]


@callbacks_with_a_currency
@pytest.mark.parametrize(
    ("sent", "held"),
    [
        *[("usd", "USD"), ("USD", "usd"), ("uSdT", "USDT"), ("1inch", "1INCH")],
        *[("usdt-trc20", "USDT-TRC20"), ("u d", "U D"), ("€€€", "€€€"), ("abcdefghijklmnop", "ABCDEFGHIJKLMNOP")],
    ],
    ids=ascii,
)
def test_a_currency_is_compared_without_regard_to_case_and_answered_as_the_wallet_has_it(
    operator: Operator, callback: str, sent: str, held: str
) -> None:
    operator.open_wallet(currency=held)

    assert credited(operator, callback, request(callback, currency=sent)).json["currency"] == held


@every_callback
def test_a_currency_that_is_not_the_wallets_is_kept_for_a_person_however_odd(
    operator: Operator, subtests: pytest.Subtests, callback: str
) -> None:
    odd = ("EUR", "US", "ABCDEFGHIJK", "USDT-TRC20", "U D", " USD", "€€€", "USD\n", "ＵＳＤ", "U\u017fD", "\ud800")  # noqa: RUF001
    for currency in (*odd, 840, True, ["USD"], {"code": "USD"}):
        with subtests.test(ascii(currency)):
            refused(operator, callback, request(callback, currency=currency), 52)


@every_callback
def test_unknown_fields_are_accepted_and_kept_with_the_record(operator: Operator, callback: str) -> None:
    unknown = {"jackpotDetails": [{"level": "grand", "share": 0.5}], "новое": None, "\ud800": "\ud800", "": ""}

    credited(operator, callback, request(callback, platform="WEB", **unknown))

    kept = json.loads(operator.transactions()[0]["request"])
    assert kept.items() >= (unknown | {"platform": "WEB"}).items()


@every_callback
def test_a_request_is_kept_as_it_was_written(operator: Operator, callback: str) -> None:
    credited(operator, callback, written(callback, amount="10.500", note="[1.50,  1E+2]"))

    (transaction,) = operator.transactions()
    assert '"amount":10.500' in transaction["request"]
    assert '"note":[1.50,  1E+2]' in transaction["request"]


@every_callback
def test_hash_and_token_are_not_kept_with_the_record(operator: Operator, callback: str) -> None:
    secrets = {"hash": "hash-of-request", "Token": "token-of-player", "TOKEN": "token-of-player"}

    credited(operator, callback, request(callback, **secrets))

    kept = str(holdings(operator))
    assert REFERENCE in kept
    assert "hash-of-request" not in kept
    assert "token-of-player" not in kept


@callbacks_always_signed
@pytest.mark.parametrize("hash", [{}, {"hash": None}, {"hash": ""}], ids=str)
def test_a_uuid_identifies_a_request_without_a_hash(operator: Operator, callback: str, hash: dict[str, Any]) -> None:
    body = {name: value for name, value in request(callback).items() if name != "hash"} | hash

    refused(operator, callback, body, 64, naming="hash")
    refused(operator, callback, body | {"uuid": ""}, 64, naming="hash")
    credited(operator, callback, body | {"uuid": "4a5d375ac1311b04fba2ea66d067b8e5"})


@callbacks_always_signed
def test_a_request_resent_with_a_uuid_instead_of_its_hash_is_a_replay(operator: Operator, callback: str) -> None:
    first = credited(operator, callback, request(callback))

    assert replayed(operator, callback, request(callback, uuid="any") | {"hash": None}).json == first.json


# --- Money ------------------------------------------------------------------------------------------

VALID_AMOUNTS = {
    "12": "12",
    '"12"': "12",
    "12.5": "12.5",
    '"12.5"': "12.5",
    "500.00": "500",
    "0.000000000000000001": "0.000000000000000001",
    '"0.000000000000000001"': "0.000000000000000001",
    "12345678901234.123456789012345678": "12345678901234.123456789012345678",
    '"12345678901234.123456789012345678"': "12345678901234.123456789012345678",
    "12345678901234567890.123456789": "12345678901234567890.123456789",
    "99999999999999999999999999999999": "99999999999999999999999999999999",
    "0": "0",
    "0.00": "0",
    '"0"': "0",
    "1e-7": "0.0000001",
    "1.0E7": "10000000",
    '"1.5e2"': "150",
    "1e+21": "1000000000000000000000",
    "0e5": "0",
    "-0.0": "0",
    '"-0"': "0",
    "0.30000000000000004": "0.30000000000000004",
    "1.0000000000000000000": "1",
    '"12.50000000000000000000"': "12.5",
    "1e31": "1" + "0" * 31,
    "1000e-21": "0.000000000000000001",
}
INVALID_AMOUNTS = (
    *("-1", "-0.5", "-1e-18", "1e999999999", "1e-999999999", "1e-19", "1e32", "NaN", "Infinity", "-Infinity"),
    *("true", "false", '["10"]', '{"value": 10}'),
    *('"-1"', '"+1"', '" 1"', '"1 "', '"1 000"', '"1\\n"', '"1_000"', '"1,000"', '"1,5"', '"007"', '"00.5"'),
    *('"1e"', '"e3"', '"1e3.5"', '"NaN"', '"nan"', '"sNaN"', '"Infinity"', '"-Infinity"', '"inf"'),
    *('".5"', '"5."', '"."', '"1.2.3"', '"0x10"', '"ten"', '"$10"', '"true"', '"\\ud800"'),
    *('"١٢"', '"１２"', '"²"', '"1٫5"'),  # noqa: RUF001
    *("9" * 33, f'"{"9" * 33}"', f'"{"9" * 15}.{"9" * 18}"', "1." + "0" * 18 + "1", "9" * 4000),
    "67.2000000000000028421709430404007434844970703125",
)


@every_callback
def test_a_valid_amount_is_credited_to_the_last_digit(
    operator: Operator, subtests: pytest.Subtests, callback: str
) -> None:
    for position, (literal, amount) in enumerate(VALID_AMOUNTS.items()):
        with subtests.test(literal):
            operator.open_wallet(cash="0")
            reply = credited(operator, callback, written(callback, amount=literal, reference=f'"{position}"'))
            assert operator.wallet()["cash"] == Decimal(amount)
            assert format(Decimal(reply.json["cash"]), "f") == amount


@every_callback
def test_what_is_no_valid_amount_is_refused(operator: Operator, subtests: pytest.Subtests, callback: str) -> None:
    with unchanged(operator):
        for literal in INVALID_AMOUNTS:
            with subtests.test(literal[:40]):
                refusal(operator, callback, written(callback, amount=literal), 59, naming="amount")


@every_callback
def test_no_digit_is_lost_when_a_number_meets_a_balance(operator: Operator, callback: str) -> None:
    reply = credited(operator, callback, written(callback, amount="12345678901234.123456789012345678"))

    assert '"cash": 12345679001124.113456789012345678, ' in reply.text
    assert operator.wallet()["cash"] == Decimal("12345679001124.113456789012345678")


@every_callback
def test_a_balance_that_cannot_be_exact_is_not_rounded(operator: Operator, callback: str) -> None:
    operator.open_wallet(cash="9" * 38)

    refused(operator, callback, request(callback, amount="0.1"), 998)


@every_callback
def test_a_lost_round_is_recorded_and_the_balance_stays(operator: Operator, callback: str) -> None:
    reply = credited(operator, callback, request(callback, amount="0"))

    assert (reply.json["cash"], reply.json["bonus"]) == ("99889.99", "99.99")
    (transaction,) = operator.transactions()
    assert (transaction["amount"], transaction["cashAfter"]) == (0, Decimal("99889.99"))


BALANCES = {
    "100.50": "100.5",
    "100": "100",
    "0": "0",
    "1E+30": "1000000000000000000000000000000",
    "0.000000000000000001": "0.000000000000000001",
    "12345678901234567890.123456789012345678": "12345678901234567890.123456789012345678",
}


@every_callback
def test_answers_speak_the_notation_of_the_requests_amount(
    operator: Operator, subtests: pytest.Subtests, callback: str
) -> None:
    for balance, text in BALANCES.items():
        with subtests.test(balance):
            operator.open_wallet(cash=balance, bonus=balance)
            number = credited(operator, callback, written(callback, amount="0", reference=f'"{balance} number"'))
            string = credited(operator, callback, written(callback, amount='"0"', reference=f'"{balance} string"'))
            assert f'"cash": {text}, "bonus": {text}, ' in number.text
            assert f'"cash": "{text}", "bonus": "{text}", ' in string.text


@every_callback
@pytest.mark.parametrize("empty", ["null", '""'])
def test_an_empty_second_spelling_of_the_amount_does_not_change_the_notation(
    operator: Operator, callback: str, empty: str
) -> None:
    reply = credited(operator, callback, written(callback, amount="0", AMOUNT=empty))

    assert '"cash": 99889.99, "bonus": 99.99, ' in reply.text


# --- Idempotency ------------------------------------------------------------------------------------

PLAYED = {"userId": "422", "gameId": "another", "roundId": "another", "bonusCode": "another"}
COMPARED = {
    "result": {**PLAYED, "amount": "10.01", "currency": "EUR", "promoCampaignId": "another"},
    "jackpot": {**PLAYED, "amount": "55.01", "jackpotId": "another"},
    "bonus": {**PLAYED, "amount": "1.01", "currency": "EUR"},
    "promo": {"userId": "422", "amount": "500.01", "currency": "EUR", "promoCampaignId": "another"},
}


@every_callback
def test_a_repeated_reference_is_credited_once(operator: Operator, callback: str) -> None:
    first = credited(operator, callback, request(callback))

    assert [replayed(operator, callback, request(callback)).text for _ in range(3)] == [first.text] * 3


@every_callback
def test_a_replay_is_answered_with_the_balances_as_they_are_now(operator: Operator, callback: str) -> None:
    first = credited(operator, callback, request(callback, amount="1"))
    later = credited(operator, callback, request(callback, amount="2", reference="later"))

    again = replayed(operator, callback, request(callback, amount="1"))

    assert again.json["transactionId"] == first.json["transactionId"] != later.json["transactionId"]
    assert again.json["cash"] == later.json["cash"] == "99892.99"


@every_callback
def test_a_replayed_amount_is_compared_as_a_number(
    operator: Operator, subtests: pytest.Subtests, callback: str
) -> None:
    credited(operator, callback, written(callback, amount="10"))
    for literal in ('"10"', '"10.00"', "10.0", "10.000000000000000000000000", "1e1", '"0.1E+2"'):
        with subtests.test(literal):
            replayed(operator, callback, written(callback, amount=literal))


@every_callback
def test_a_reference_with_other_content_is_a_conflict(
    operator: Operator, subtests: pytest.Subtests, callback: str
) -> None:
    operator.open_wallet(user_id="422")
    first = request(callback, **{field: request(callback).get(field, "one") for field in COMPARED[callback]})
    credited(operator, callback, first | {"currency": "USD"})
    for field, value in COMPARED[callback].items():
        with subtests.test(field), output() as printed:
            refused(operator, callback, first | {"currency": "USD", field: value}, 61)
            assert len(metrics(printed, "Conflict")) == 1


OPTIONAL = {
    "result": {"bonusCode": "FR-1", "promoCampaignId": "summer"},
    "jackpot": {"bonusCode": "FR-1", "currency": "USD"},
    "bonus": {"roundId": "5", "bonusCode": "FR-1", "currency": "USD"},
    "promo": {"bonusCode": "FR-1"},
}


@every_callback
def test_an_optional_field_that_only_one_delivery_carries_contradicts_nothing(
    operator: Operator, subtests: pytest.Subtests, callback: str
) -> None:
    for field, value in OPTIONAL[callback].items():
        without = {name: sent for name, sent in request(callback, reference=field).items() if name != field}
        with subtests.test("dropped", field=field):
            first = credited(operator, callback, without | {field: value})
            assert replayed(operator, callback, without).json == first.json
        with subtests.test("added", field=field):
            reference = {"reference": f"{field} later"}
            first = credited(operator, callback, without | reference)
            assert replayed(operator, callback, without | reference | {field: value}).json == first.json


@every_callback
def test_a_conflict_does_not_spoil_the_reference(operator: Operator, callback: str) -> None:
    first = credited(operator, callback, request(callback, amount="1"))
    refused(operator, callback, request(callback, amount="2"), 61)

    assert replayed(operator, callback, request(callback, amount="1")).json == first.json


@every_callback
def test_a_refused_request_does_not_use_up_its_reference(operator: Operator, callback: str) -> None:
    refused(operator, callback, request(callback, amount="-1"), 59)
    refused(operator, callback, request(callback, userId="nobody"), 62)

    credited(operator, callback, request(callback))


def test_the_same_reference_under_another_kind_is_another_transaction(operator: Operator) -> None:
    replies = [credited(operator, callback, published(callback)) for callback in CALLBACKS]

    assert len({reply.json["transactionId"] for reply in replies}) == 4
    assert operator.wallet()["cash"] == Decimal("99889.99") + 10 + 55 + 1 + 500


@every_callback
def test_references_differ_by_every_character(operator: Operator, subtests: pytest.Subtests, callback: str) -> None:
    for reference in (REFERENCE, REFERENCE.upper(), f"{REFERENCE} ", f"{callback}#{REFERENCE}", "é", "e\u0301"):
        with subtests.test(reference):
            credited(operator, callback, request(callback, reference=reference))


def test_a_transaction_is_never_forgotten() -> None:
    assert "TimeToLiveSpecification" not in Template.load().resources["Transactions"]["Properties"]


@every_callback
def test_a_credit_is_one_read_and_one_write_and_a_replay_one_read(
    operator: Operator, monkeypatch: pytest.MonkeyPatch, callback: str
) -> None:
    operator.handler(callback)
    operations = calls(monkeypatch)

    operator.send(callback, request(callback, bonusCode="FR-1"))
    assert operations == ["BatchGetItem", "TransactWriteItems"]

    operations.clear()
    operator.send(callback, request(callback, bonusCode="FR-1"))
    assert operations == ["BatchGetItem"]


# --- Answers ----------------------------------------------------------------------------------------


@every_callback
def test_an_answer_has_exactly_the_contracts_keys_in_its_order(operator: Operator, callback: str) -> None:
    reply = credited(operator, callback, request(callback))

    assert list(reply.json) == ["transactionId", "currency", "cash", "bonus", "error", "description"]
    assert isinstance(reply.json["transactionId"], str)
    assert 0 < len(reply.json["transactionId"]) <= 36
    assert isinstance(reply.json["error"], int)
    assert reply.json["description"] == "Success"


@every_callback
def test_the_answers_transaction_is_the_one_on_record(operator: Operator, callback: str) -> None:
    reply = credited(operator, callback, request(callback))

    (transaction,) = operator.transactions()
    assert transaction["transactionId"] == reply.json["transactionId"]
    assert (transaction["userId"], transaction["id"]) == ("421", f"{callback}#{REFERENCE}")
    assert (transaction["seq"], operator.wallet()["version"]) == (2, 2)


@callbacks_always_signed
def test_without_a_currency_the_amount_is_in_the_players_own(operator: Operator, callback: str) -> None:
    operator.open_wallet(currency="EUR")

    assert credited(operator, callback, request(callback)).json["currency"] == "EUR"


@every_callback
def test_a_win_for_an_unknown_player_is_credited_once_there_is_one(operator: Operator, callback: str) -> None:
    refused(operator, callback, request(callback, userId="422"), 62)
    operator.open_wallet(user_id="422")

    credited(operator, callback, request(callback, userId="422"))


@every_callback
@pytest.mark.parametrize("operation", ["BatchGetItem", "TransactWriteItems"])
def test_a_store_that_does_not_serve_is_answered_not_possible_at_the_moment(
    operator: Operator, monkeypatch: pytest.MonkeyPatch, callback: str, operation: str
) -> None:
    def out_of_order(asked: str, call: Callable[[], Any]) -> Any:
        if asked == operation:
            fault: Any = {"Error": {"Code": "AccessDenied"}, "ResponseMetadata": {"HTTPStatusCode": 400}}
            raise ClientError(fault, asked)
        return call()

    calls(monkeypatch, instead=out_of_order)

    refused(operator, callback, request(callback), 998)


@every_callback
def test_a_wallet_that_makes_no_sense_is_answered_not_possible_at_the_moment(operator: Operator, callback: str) -> None:
    operator.database.Table("Players").put_item(Item={"userId": "421", "currency": "USD", "cash": "10"})

    refused(operator, callback, request(callback), 998)


@every_callback
def test_a_win_that_was_written_without_an_answer_is_answered_as_paid(
    operator: Operator, monkeypatch: pytest.MonkeyPatch, callback: str
) -> None:
    operator.handler(callback)
    lost = iter([True])

    def lose_the_first_answer(operation: str, call: Callable[[], Any]) -> Any:
        answer = call()
        if operation == "TransactWriteItems" and next(lost, False):
            raise ReadTimeoutError(endpoint_url="dynamodb")
        return answer

    calls(monkeypatch, instead=lose_the_first_answer)

    reply = credited(operator, callback, request(callback, amount="1"))

    assert next(lost, None) is None
    assert reply.json["cash"] == "99890.99"


@every_callback
def test_a_defect_is_answered_not_possible_at_the_moment_and_its_message_not_logged(
    operator: Operator, monkeypatch: pytest.MonkeyPatch, callback: str
) -> None:
    def fail(*_: Any, **__: Any) -> None:
        raise LookupError(TOKEN)

    monkeypatch.setattr(callback_module.Store, "settle", fail)

    with output() as printed:
        refused(operator, callback, request(callback), 998)

    assert "LookupError" in printed.getvalue()
    assert TOKEN not in printed.getvalue()


def test_999_is_never_answered() -> None:
    codes = {error.code for error in errors.Refusal.__subclasses__()}
    by_the_gateway = {json.loads(response.body)["error"] for response in Template.load().gateway_responses().values()}

    assert codes == STATUS.keys() - {404}  # the gateway answers 404
    assert by_the_gateway <= {99, 404, 998}


def test_what_the_gateway_answers_by_itself_has_the_contracts_shape() -> None:
    answers = Template.load().gateway_responses()

    for answer in answers.values():
        assert list(json.loads(answer.body)) == ["error", "description"]
    no_such_path = answers["MISSING_AUTHENTICATION_TOKEN"]
    assert (no_such_path.status, json.loads(no_such_path.body)["error"]) == (404, 404)
    for name in ("THROTTLED", "DEFAULT_5XX"):
        assert (answers[name].status, json.loads(answers[name].body)["error"]) == (503, 998)


@every_callback
def test_a_win_is_owed_to_a_frozen_player_and_leaves_the_rest_of_the_wallet_alone(
    operator: Operator, callback: str
) -> None:
    operator.database.Table("Players").put_item(Item=operator.wallet() | {"status": "frozen", "name": "Ann"})

    credited(operator, callback, request(callback))

    assert operator.wallet().items() >= {"status": "frozen", "name": "Ann"}.items()


# --- Bodies -----------------------------------------------------------------------------------------

UNREADABLE_TEXTS = {
    "empty": "",
    "spaces": " \n",
    "null": "null",
    "string": '"userId"',
    "number": "5",
    "array": "[]",
    "array of objects": '[{"userId": "421"}]',
    "unfinished": '{"userId": "421"',
    "comma missing": '{"userId": "421" "amount": 1}',
    "comma too many": '{"userId": "421",}',
    "comma first": '{,"userId": "421"}',
    "colon missing": '{"userId" "421"}',
    "value missing": '{"userId": }',
    "name not a string": '{421: "userId"}',
    "single quotes": "{'userId': '421'}",
    "two objects": "{}{}",
    "text after the object": "{} x",
    "two byte order marks": "\ufeff\ufeff{}",
    "a comment": "{} // nothing",
    "not a JSON space": "\u00a0{}",
    "line break in a string": '{"userId": "4\n21"}',
    "unknown escape": '{"userId": "\\x34"}',
    "lone surrogate": '{"userId": "\ud800"}',
    "nested without end": "[" * 60_000,
    "objects nested without end": '{"a":' * 12_000,
    "nested deeply": '{"note": ' + "[" * 30_000 + "]" * 30_000 + "}",
    "a form": "userId=421&amount=10",
    "XML": "<userId>421</userId>",
    **{f"amount {text}": f'{{"amount": {text}}}' for text in ("012", ".5", "5.", "+5", "0x10", "1_000", "1,5")},
}
UNREADABLE_BYTES = {
    "random": random.Random(421).randbytes(512),
    "every byte": bytes(range(256)),
    "overlong UTF-8": b'{"userId": "\xc0\xb4"}',
    "a surrogate in UTF-8": b'{"userId": "\xed\xa0\x80"}',
    "Latin-1": b'{"userId": "\xe9"}',
    "UTF-16": '{"userId": "421"}'.encode("utf-16"),
}


@every_callback
def test_a_body_that_is_no_json_object_is_refused(operator: Operator, subtests: pytest.Subtests, callback: str) -> None:
    with unchanged(operator):
        for name, text in UNREADABLE_TEXTS.items():
            with subtests.test(name):
                refusal(operator, callback, text, 99)
        with subtests.test("absent"):
            refusal(operator, callback, None, 99)


@every_callback
def test_bytes_that_are_no_text_are_refused(operator: Operator, subtests: pytest.Subtests, callback: str) -> None:
    with unchanged(operator):
        for name, content in UNREADABLE_BYTES.items():
            with subtests.test(name):
                refusal(operator, callback, base64.b64encode(content).decode(), 99, isBase64Encoded=True)
        for text in ("!!!!", "e30", "{}", "é"):
            with subtests.test(f"base64 {text}"):
                refusal(operator, callback, text, 99, isBase64Encoded=True)


@every_callback
def test_a_body_of_64_kib_is_read_and_a_larger_one_refused(operator: Operator, callback: str) -> None:
    room = 64 * 1024 - len(json.dumps(request(callback, note="")))
    in_two_bytes_each = json.dumps(request(callback, note=""))[:-2] + "é" * (room // 2 + 1) + '"}'

    refused(operator, callback, request(callback, note="x" * (room + 1)), 99)
    refused(operator, callback, request(callback, note="x" * 1_000_000), 99)
    refused(operator, callback, in_two_bytes_each, 99)
    credited(operator, callback, request(callback, note="x" * room))


@every_callback
def test_a_constant_that_is_not_json_makes_the_body_unreadable(
    operator: Operator, subtests: pytest.Subtests, callback: str
) -> None:
    with unchanged(operator):
        for constant in ("NaN", "Infinity", "-Infinity"):
            for field in ("userId", "timestamp", "platform", "unknown"):
                with subtests.test(constant, field=field):
                    refusal(operator, callback, written(callback, **{field: constant}), 99)
            with subtests.test(f"[{constant}]", field="unknown"):
                refusal(operator, callback, written(callback, unknown=f"[{constant}]"), 99)


@every_callback
def test_numbers_of_any_length_are_read_where_a_number_may_stand(operator: Operator, callback: str) -> None:
    huge = {"long": "9" * 20_000, "exponent": "1e999999999999", "nested": "[-1E+999999999, 0.1e-99999]"}

    credited(operator, callback, written(callback, **huge))

    for literal in huge.values():
        assert literal in operator.transactions()[0]["request"]


# --- Trust ------------------------------------------------------------------------------------------

PREVIOUS_TOKEN, PREVIOUS_HASH_SECRET = SECRETS["previous"]["authToken"], SECRETS["previous"]["hashSecret"]
SIGNED_EXAMPLES = {
    "result": (
        "amount=10.0&currency=USD&gameId=Im_60_tumblefortune&gameName=tumblefortune&providerId=luckymonaco"
        "&reference=585c1306f89c56f5ecfc2f5d&roundDetails=spin&roundId=5103188801&sessionId=<sessionId>"
        "&timestamp=1482429190374&userId=421&uuid=4a5d375ac1311b04fba2ea66d067b8e5"
    ),
    "jackpot": (
        "amount=55.0&gameId=Im_60_tumblefortune&jackpotId=568&providerId=luckymonaco"
        "&reference=585c1306f89c56f5ecfc2f5d&roundid=5103188801&timestamp=1482429190374&userId=421"
    ),
    "bonus": (
        "amount=1.0&gameId=Im_60_tumblefortune&providerId=luckymonaco"
        "&reference=585c1306f89c56f5ecfc2f5d&timestamp=1482429190374&userId=421"
    ),
    "promo": (
        "amount=500.0&campaignId=5103188801&currency=USD&promoCampaignType=T&providerId=Luckymonaco"
        "&reference=585c1306f89c56f5ecfc2f5d&timestamp=1482429190374&userId=421"
        "&uuid=4a5d375ac1311b04fba2ea66d067b8e5"
    ),
}


def lock(operator: Operator, callback: str, secrets: Any = SECRETS) -> None:
    """Starts the callback's function afresh, with what the provider knows."""
    vault = boto3.client("secretsmanager")
    name = f"provider-{len(vault.list_secrets()['SecretList'])}"
    secret = vault.create_secret(Name=name, SecretString=json.dumps(secrets))
    operator.start(callback, PROVIDER_SECRET=secret["ARN"])


def md5(text: str) -> str:
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()


def signed(callback: str, secret: str = HASH_SECRET, **changes: Any) -> dict[str, Any]:
    """A request with its hash."""
    body = {name: value for name, value in request(callback, **changes).items() if name != "hash"}
    return body | {"hash": hash_of(json.dumps(body), secret)}


def unsigned(callback: str) -> dict[str, Any]:
    return {name: value for name, value in request(callback).items() if name != "hash"} | {"uuid": "a-uuid"}


@every_callback
def test_the_right_token_and_the_right_hash_are_let_in(operator: Operator, callback: str) -> None:
    lock(operator, callback)

    credited(operator, callback, signed(callback), token=TOKEN)


@every_callback
def test_a_wrong_or_absent_token_is_refused(operator: Operator, subtests: pytest.Subtests, callback: str) -> None:
    lock(operator, callback)
    with unchanged(operator):
        for token in (None, "", "wrong", TOKEN.upper(), TOKEN[:-1], f"{TOKEN} ", "é", "\ud800", HASH_SECRET):
            with subtests.test(ascii(token)):
                refusal(operator, callback, signed(callback), 401, token=token)
        with subtests.test("in the body"):
            refusal(operator, callback, signed(callback, authToken=TOKEN, token=TOKEN), 401)


@every_callback
def test_a_wrong_hash_is_refused(operator: Operator, subtests: pytest.Subtests, callback: str) -> None:
    lock(operator, callback)
    right = signed(callback)["hash"]
    wrong_hashes = ("wrong", md5("another"), right[::-1], right[:-1], f"{right} ", "é", "\ud800", 5, True, [right])
    with unchanged(operator):
        for wrong in wrong_hashes:
            with subtests.test(ascii(wrong)):
                refusal(operator, callback, signed(callback) | {"hash": wrong}, 401, token=TOKEN)
        with subtests.test("made with another secret"):
            refusal(operator, callback, signed(callback, secret="another"), 401, token=TOKEN)
        with subtests.test("a second spelling of it"):
            refusal(operator, callback, signed(callback) | {"HASH": md5("another")}, 401, token=TOKEN)


@pytest.mark.parametrize("empty", [None, "", [], {}])
@callbacks_always_signed
def test_an_empty_hash_is_none_and_refused_where_one_must_be(operator: Operator, callback: str, empty: Any) -> None:
    lock(operator, callback)

    refused(operator, callback, request(callback) | {"hash": empty, "uuid": "u"}, 401, token=TOKEN)


@pytest.mark.parametrize("empty", [None, "", [], {}])
@callbacks_signed_at_will
def test_an_empty_hash_is_none_and_no_fault_where_none_need_be(operator: Operator, callback: str, empty: Any) -> None:
    lock(operator, callback)

    credited(operator, callback, request(callback) | {"hash": empty}, token=TOKEN)


@every_callback
def test_a_hash_in_capitals_is_the_same(operator: Operator, callback: str) -> None:
    lock(operator, callback)
    body = signed(callback)

    credited(operator, callback, body | {"hash": body["hash"].upper()}, token=TOKEN)


def test_a_hash_of_one_cut_opens_no_other(operator: Operator) -> None:
    lock(operator, "bonus")
    body = signed("bonus", reference="R", roundId="r9")
    credited(operator, "bonus", body, token=TOKEN)
    recut = {name: value for name, value in body.items() if name != "roundId"} | {"reference": "R&roundId=r9"}
    assert signed("bonus", reference="R&roundId=r9")["hash"] == body["hash"], "the same text, cut elsewhere"

    with unchanged(operator):
        refusal(operator, "bonus", recut, 57, token=TOKEN)


@every_callback
def test_an_ampersand_is_refused_only_in_an_identifier_of_a_signed_request(
    operator: Operator, subtests: pytest.Subtests, callback: str
) -> None:
    lock(operator, callback)
    for field in ("userId", "reference", "gameId", "roundId", "bonusCode"):
        with subtests.test(field), unchanged(operator):
            refusal(operator, callback, signed(callback, **{field: "a&b"}), 57, token=TOKEN)
    with subtests.test("elsewhere"):
        credited(operator, callback, signed(callback, note="spin & win", providerId="lucky&co"), token=TOKEN)
    lock(operator, callback, {"current": {"authToken": TOKEN}})
    with subtests.test("not signed"):
        credited(operator, callback, request(callback, reference="R&D"), token=TOKEN)


@every_callback
def test_a_signed_request_cannot_be_changed(operator: Operator, subtests: pytest.Subtests, callback: str) -> None:
    lock(operator, callback)
    with unchanged(operator):
        for change in (
            {"amount": "1000000"},
            {"userId": "422"},
            {"reference": "another"},
            {"note": ""},
            {"uuid": "other"},
        ):
            with subtests.test(json.dumps(change)):
                refusal(operator, callback, signed(callback) | change, 401, token=TOKEN)


@every_callback
def test_the_hash_is_md5_of_the_sorted_parameters_and_the_secret(operator: Operator, callback: str) -> None:
    lock(operator, callback)

    body = published(callback) | {"hash": md5(f"{SIGNED_EXAMPLES[callback]}local-hash-secret")}

    credited(operator, callback, body, token=TOKEN)


@every_callback
def test_the_hash_covers_values_as_they_were_received(operator: Operator, callback: str) -> None:
    lock(operator, callback)
    literals = {"amount": "55.000", "zz": '[ "spin",  {"b":1.50, "a" : null} ]', "zzz": "true", "zzzz": "null"}
    examples_amount, _, others = SIGNED_EXAMPLES[callback].partition("&")
    assert examples_amount.startswith("amount=")
    right = md5(f'amount=55.000&{others}&zz=[ "spin",  {{"b":1.50, "a" : null}} ]&zzz=true&zzzz=nulllocal-hash-secret')

    text = {name: json.dumps(value) for name, value in published(callback).items()} | literals | {"hash": f'"{right}"'}

    pairs = ",".join(f'"{name}": {value}' for name, value in text.items())
    credited(operator, callback, f"{{{pairs}}}", token=TOKEN)


@callbacks_always_signed
def test_a_hash_is_always_needed(operator: Operator, callback: str) -> None:
    lock(operator, callback)

    refused(operator, callback, unsigned(callback), 401, token=TOKEN)


@callbacks_signed_at_will
def test_a_hash_is_needed_only_where_one_is_sent(operator: Operator, callback: str) -> None:
    lock(operator, callback)

    credited(operator, callback, unsigned(callback), token=TOKEN)
    refused(operator, callback, unsigned(callback) | {"hash": "wrong", "reference": "another"}, 401, token=TOKEN)


@every_callback
@pytest.mark.parametrize(
    ("token_key", "hash_key"), [("current", "current"), ("previous", "current"), ("current", "previous")]
)
def test_two_secrets_are_valid_at_once_and_a_metric_tells_which_one_matched(
    operator: Operator, callback: str, token_key: str, hash_key: str
) -> None:
    lock(operator, callback)
    body = signed(callback, secret=SECRETS[hash_key]["hashSecret"])

    with output() as printed:
        credited(operator, callback, body, token=SECRETS[token_key]["authToken"])

    matched = {metric["lock"]: metric["key"] for metric in metrics(printed, "KeyMatched")}
    assert matched == {"authToken": token_key, "hash": hash_key}


@every_callback
def test_a_secret_is_refused_once_the_change_is_over(operator: Operator, callback: str) -> None:
    lock(operator, callback, {"current": SECRETS["current"]})

    refused(operator, callback, signed(callback), 401, token=PREVIOUS_TOKEN)
    refused(operator, callback, signed(callback, secret=PREVIOUS_HASH_SECRET), 401, token=TOKEN)
    credited(operator, callback, signed(callback), token=TOKEN)


@every_callback
def test_a_refusal_of_trust_gives_no_hint_why(operator: Operator, callback: str) -> None:
    lock(operator, callback)
    replies = [
        refused(operator, callback, signed(callback), 401, token="wrong"),
        refused(operator, callback, signed(callback), 401),
        refused(operator, callback, signed(callback) | {"hash": "wrong"}, 401, token=TOKEN),
        refused(operator, callback, signed(callback, userId="nobody") | {"hash": "wrong"}, 401, token=TOKEN),
    ]

    assert len({reply.text for reply in replies}) == 1
    assert not re.search("hash|token|secret", replies[0].text, re.IGNORECASE)


@every_callback
def test_trust_comes_before_the_fields(operator: Operator, callback: str) -> None:
    lock(operator, callback)

    refused(operator, callback, {"hash": "wrong"}, 401, token=TOKEN)
    refused(operator, callback, signed(callback, amount="-1"), 401, token="wrong")
    refused(operator, callback, signed(callback, amount="-1") | {"hash": "wrong"}, 401, token=TOKEN)
    refused(operator, callback, signed(callback, amount="-1"), 59, token=TOKEN)


@every_callback
def test_a_wrong_token_comes_before_an_unreadable_body(operator: Operator, callback: str) -> None:
    lock(operator, callback)

    for body in ("not JSON", None, "x" * 100_000):
        refused(operator, callback, body, 401, token="wrong")
        refused(operator, callback, body, 99, token=TOKEN)


@every_callback
def test_each_lock_is_used_only_when_configured(operator: Operator, callback: str) -> None:
    lock(operator, callback, {"current": {"authToken": TOKEN}})
    credited(operator, callback, request(callback, hash="any", reference="by token"), token=TOKEN)
    refused(operator, callback, request(callback, hash="any", reference="by token, wrong"), 401, token="wrong")

    lock(operator, callback, {"current": {"hashSecret": HASH_SECRET}})
    credited(operator, callback, signed(callback, reference="by hash"))
    refused(operator, callback, signed(callback, reference="by hash, wrong") | {"hash": "wrong"}, 401)


@every_callback
def test_with_nothing_configured_the_check_is_off_and_the_log_says_so(operator: Operator, callback: str) -> None:
    with output() as printed:
        operator.start(callback)
        credited(operator, callback, request(callback, hash="any"), token="any")

    assert "No provider secret is configured: tokens and hashes are not checked" in printed.getvalue()


@every_callback
def test_neither_secret_token_nor_hash_is_ever_logged_or_echoed(operator: Operator, callback: str) -> None:
    body = signed(callback, token="players-token")
    nobody = signed(callback, token="players-token", userId="nobody", reference="unknown player")
    no_amount = signed(callback, token="players-token", amount="players-token")
    conflict = signed(callback, token="players-token", amount="7")
    wrong_hash = md5("wrong")

    with output() as printed:
        lock(operator, callback)
        replies = [
            credited(operator, callback, body, token=TOKEN),
            replayed(operator, callback, body, token=TOKEN),
            refused(operator, callback, body, 401, token="wrong-token"),
            refused(operator, callback, body | {"hash": wrong_hash}, 401, token=TOKEN),
            refused(operator, callback, conflict, 61, token=TOKEN),
            refused(operator, callback, nobody, 62, token=TOKEN),
            refused(operator, callback, no_amount, 59, token=TOKEN),
            refused(operator, callback, json.dumps(body)[:-1], 99, token=TOKEN),
            refused(operator, callback, body, 405, token=TOKEN, httpMethod="GET"),
        ]

    said = printed.getvalue() + "".join(reply.text for reply in replies)
    assert said.count('"message":"credited"') == said.count('"message":"replayed"') == 1
    assert said.count('"message":"refused"') == 7
    hashes = [sent["hash"] for sent in (body, nobody, no_amount, conflict)]
    secrets = [TOKEN, HASH_SECRET, PREVIOUS_TOKEN, PREVIOUS_HASH_SECRET, "players-token", "wrong-token", wrong_hash]
    assert [secret for secret in hashes + secrets if secret in said] == []
