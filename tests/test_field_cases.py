"""Inputs that went wrong in systems of this kind, each with the right answer, through the functions' handlers."""

import base64
import json
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import boto3
import pytest

from conftest import Operator, Reply, published
from expectations import kept, metrics, output, request, written

USD_100 = {"cash": "100", "bonus": "0"}


@pytest.fixture(autouse=True)
def player_with_100_usd(operator: Operator) -> None:
    operator.open_wallet(**USD_100)


def gained(operator: Operator) -> Decimal:
    return operator.wallet()["cash"] - 100


def dead_letters(operator: Operator, callback: str) -> list[dict[str, Any]]:
    return operator.messages(f"{callback.title()}DeadLetters")


def ok(reply: Reply) -> str:
    """The transactionId of a credit or replay."""
    assert (reply.status, reply.json["error"]) == (200, 0), reply.text
    return reply.json["transactionId"]


# --- Callbacks --------------------------------------------------------------------------------------


@pytest.mark.parametrize("forms", [("1602530", '"1602530"'), ('"1602530"', "1602530")], ids=str)
def test_a_round_id_as_an_integer_and_as_its_digits_is_one_round(operator: Operator, forms: tuple[str, str]) -> None:
    first, again = (ok(operator.send("result", written("result", roundId=form))) for form in forms)

    assert first == again
    assert gained(operator) == 10


@pytest.mark.parametrize(
    ("callback", "field"),
    [
        ("result", "userId"),
        ("result", "gameId"),
        ("result", "bonusCode"),
        ("jackpot", "jackpotId"),
        ("promo", "promoCampaignId"),
        ("bonus", "reference"),
    ],
)
def test_any_identifier_may_be_an_integer(operator: Operator, callback: str, field: str) -> None:
    ok(operator.send(callback, written(callback, **{field: "421"})))


@pytest.mark.parametrize(
    "field",
    [
        {"timestamp": '"2026-05-11T14:35:00Z"'},
        {"timestamp": "1482429190374.0"},
        {"roundDetails": "[]"},
        {"roundDetails": "{}"},
        {"roundDetails": "1"},
        {"roundDetails": "false"},
        {"gameName": "5"},
        {"providerId": "7"},
    ],
    ids=str,
)
def test_what_is_only_recorded_does_not_decide(operator: Operator, field: dict[str, str]) -> None:
    ok(operator.send("result", written("result", **field)))

    assert gained(operator) == 10


@pytest.mark.parametrize(
    ("callback", "field"),
    [
        ("promo", {"promoCampaignType": "T\u00a0"}),
        ("promo", {"promoCampaignType": "\u3000"}),
        ("promo", {"promoCampaignType": "\U0001fae8"}),
        ("result", {"gameId": "slot\u200d1"}),
        ("result", {"promoWinReference": "x" * 200}),
    ],
    ids=ascii,
)
def test_invisible_characters_new_emoji_and_what_names_no_prize_are_fine(
    operator: Operator, callback: str, field: dict[str, str]
) -> None:
    ok(operator.send(callback, request(callback, **field)))


def test_an_odd_currency_is_a_dead_letter(operator: Operator) -> None:
    reply = operator.send("result", published("result", currency="USDT-TRC20"))

    assert (reply.status, reply.json["error"]) == (200, 52)
    assert [letter["code"] for letter in dead_letters(operator, "result")] == [52]
    assert gained(operator) == 0


@pytest.mark.parametrize(
    ("literal", "added"),
    [
        ("1e-7", "0.0000001"),
        ("1.0E7", "10000000"),
        ('"1.5e2"', "150"),
        ("1e+21", "1e21"),
        ("0e5", "0"),
        ("-0.0", "0"),
        ("0.30000000000000004", "0.30000000000000004"),
    ],
)
def test_an_exact_amount_is_paid_to_the_last_digit(operator: Operator, literal: str, added: str) -> None:
    ok(operator.send("result", written("result", amount=literal)))

    assert gained(operator) == Decimal(added)


@pytest.mark.parametrize(
    "literal", ["1e999999999", "1e-19", "67.2000000000000028421709430404007434844970703125"], ids=str
)
def test_an_amount_that_does_not_fit_is_a_dead_letter_with_the_reason(operator: Operator, literal: str) -> None:
    reply = operator.send("result", written("result", amount=literal))

    assert (reply.status, reply.json["error"]) == (400, 59)
    (letter,) = dead_letters(operator, "result")
    assert (letter["code"], letter["reason"]) == (59, "Not a valid amount: amount")
    assert f'"amount":{literal}' in letter["request"]


def test_a_byte_order_mark_is_passed_over(operator: Operator) -> None:
    body = base64.b64encode(b"\xef\xbb\xbf" + json.dumps(published("result")).encode()).decode()

    ok(operator.send("result", body, isBase64Encoded=True))


@pytest.mark.parametrize(("secret", "status"), [('{"current": {"hashSecret": "a"}}', 200), ("doubled", 503)])
def test_an_empty_hash_is_no_hash_and_a_secret_with_a_doubled_key_locks_everybody_out(
    operator: Operator, secret: str, status: int
) -> None:
    doubled = '{"current": {"hashSecret": "a"}, "current": {"authToken": "b"}}'
    name = boto3.client("secretsmanager").create_secret(
        Name="provider", SecretString=doubled if secret == "doubled" else secret
    )["ARN"]
    operator.start("result", PROVIDER_SECRET=name)

    for empty in ([], {}, None, ""):
        reply = operator.send("result", published("result") | {"hash": empty})
        assert reply.status == status
        assert reply.json["error"] == (0 if status == 200 else 998)


def test_an_auto_closing_that_drops_the_bonus_code_is_a_replay(operator: Operator) -> None:
    first = ok(operator.send("result", published("result", bonusCode="FR-1")))

    assert ok(operator.send("result", published("auto_closing"))) == first
    assert gained(operator) == 10


def test_a_prize_in_dispute_does_not_hold_back_its_win(operator: Operator) -> None:
    ok(operator.send("promo", request("promo", reference="PZ1", amount="5.00", currency="USD")))

    ok(operator.send("result", published("result", amount="1000", promoWinReference="PZ1", promoWinAmount="5.01")))

    assert gained(operator) == 1005
    assert [(letter["code"], letter["prize_only"]) for letter in dead_letters(operator, "result")] == [(61, True)]


def test_another_prize_for_a_known_result_is_left_for_a_person(operator: Operator) -> None:
    ok(operator.send("result", published("result", promoWinReference="P1", promoWinAmount="5")))

    ok(operator.send("result", published("result", promoWinReference="P2", promoWinAmount="5")))

    assert gained(operator) == 15
    (letter,) = dead_letters(operator, "result")
    assert json.loads(letter["request"])["promoWinReference"] == "P2"


@pytest.mark.parametrize(
    "prize", [{"promoWinAmount": "5"}, {"promoWinAmount": "-5", "promoWinReference": "P"}], ids=str
)
def test_a_prize_that_cannot_be_paid_is_left_for_a_person(operator: Operator, prize: dict[str, str]) -> None:
    ok(operator.send("result", published("result", **prize)))

    assert gained(operator) == 10
    assert [letter["prize_only"] for letter in dead_letters(operator, "result")] == [True]


def test_empty_lists_and_objects_are_absent(operator: Operator) -> None:
    first = ok(operator.send("result", published("result", bonusCode=[], promoCampaignId={})))

    assert ok(operator.send("result", published("result"))) == first
    assert operator.wallet()["bonus"] == 0
    assert kept(operator, "result") == (0, 0)


# --- Free rounds ------------------------------------------------------------------------------------


def played(*steps: str) -> list[tuple[str, dict[str, Any]]]:
    """Deliveries from `r2@1` (a round that won 2 at moment 1) and `t10@4` (a total), each with a reference."""
    deliveries: list[tuple[str, dict[str, Any]]] = []
    for number, step in enumerate(steps):
        won, _, moment = step[1:].partition("@")
        callback = {"r": "result", "t": "bonus"}[step[0]]
        fields = {"amount": won, "timestamp": moment, "bonusCode": "FR-1", "reference": f"{number}"}
        deliveries.append((callback, request(callback, **fields, gameId="slot", roundId=f"{number}")))
    return deliveries


def added_after_each(operator: Operator, deliveries: Sequence[tuple[str, dict[str, Any]]]) -> list[int]:
    added: list[int] = []
    for callback, body in deliveries:
        ok(operator.send(callback, body))
        added.append(int(gained(operator)))
    return added


@pytest.mark.parametrize(
    ("delivered", "added"),
    [
        ("r2@1 r3@2 t10@4 r5@3", [2, 5, 10, 10]),
        ("r2@1 t5@3 r3@2", [2, 5, 5]),
        ("r2@1 r3@2 r5@3 r4@4 t10@5 t4@6", [2, 5, 10, 14, 14, 14]),
        ("r2@1 r3@2 t4@3", [2, 5, 5]),
        ("t10@1 r4@2", [10, 14]),
    ],
)
def test_rounds_and_totals_are_paid_once_in_any_order(operator: Operator, delivered: str, added: list[int]) -> None:
    assert added_after_each(operator, played(*delivered.split())) == added


def test_a_round_that_its_total_names_is_known_although_its_stamp_is_new(operator: Operator) -> None:
    total, late = played("t5@1", "r5@99")
    late[1]["roundId"] = total[1]["roundId"]

    assert added_after_each(operator, [total, late]) == [5, 5]


def test_a_total_without_a_code_is_paid_in_full_and_raises_the_metric(operator: Operator) -> None:
    *rounds, total = played("r2@1", "r3@2", "r5@3", "t10@4")
    del total[1]["bonusCode"]

    with output() as printed:
        assert added_after_each(operator, [*rounds, total]) == [2, 5, 10, 20]

    assert len(metrics(printed, "FreeRoundTotalWithoutCode")) == 1
