"""Jackpot: what is its alone. What holds for every callback is in test_contract.py."""

import json
from decimal import Decimal
from typing import Any

import pytest

from conftest import Operator, published
from expectations import credited, refused, replayed, written


def test_a_jackpot_is_credited_to_cash(operator: Operator) -> None:
    reply = credited(operator, "jackpot", published("jackpot"))

    assert (reply.json["cash"], reply.json["bonus"]) == (Decimal("99944.99"), Decimal("99.99"))


def test_a_jackpot_with_a_bonus_code_is_still_no_bonus_and_not_counted(operator: Operator) -> None:
    reply = credited(operator, "jackpot", published("jackpot", bonusCode="FR-1"))

    assert reply.json["bonus"] == Decimal("99.99")
    assert operator.uncovered("FR-1") is None


def test_a_jackpot_is_recorded_with_its_round(operator: Operator) -> None:
    credited(operator, "jackpot", published("jackpot"))

    (transaction,) = operator.transactions()
    assert (transaction["jackpotId"], transaction["roundId"]) == ("568", "5103188801")
    assert transaction["currency"] == "USD"


def test_jackpot_details_are_kept_with_the_record(operator: Operator) -> None:
    details = [{"level": "grand", "amount": 50.5}, {"level": "mini", "amount": 4.5}]

    credited(operator, "jackpot", published("jackpot", jackpotDetails=details))

    assert json.loads(operator.transactions()[0]["request"])["jackpotDetails"] == details


def test_a_round_may_win_its_result_and_a_jackpot(operator: Operator) -> None:
    credited(operator, "result", published("result"))
    credited(operator, "jackpot", published("jackpot"))

    assert operator.wallet()["cash"] == Decimal("99954.99")


@pytest.mark.parametrize("hash", [{}, {"hash": None}, {"hash": ""}], ids=str)
def test_a_uuid_identifies_a_request_without_a_hash(operator: Operator, hash: dict[str, Any]) -> None:
    body = {name: value for name, value in published("jackpot").items() if name != "hash"} | hash

    refused(operator, "jackpot", body, 64, naming="hash")
    refused(operator, "jackpot", body | {"uuid": ""}, 64, naming="hash")
    credited(operator, "jackpot", body | {"uuid": "4a5d375ac1311b04fba2ea66d067b8e5"})


def test_a_request_resent_with_a_uuid_instead_of_its_hash_is_a_replay(operator: Operator) -> None:
    first = credited(operator, "jackpot", published("jackpot"))

    assert replayed(operator, "jackpot", published("jackpot", uuid="any") | {"hash": None}).json == first.json


def test_the_published_example_without_its_commas_is_refused(operator: Operator) -> None:
    body = """{
    "reference": "585c1306f89c56f5ecfc2f5d",
    "gameId": "Im_60_tumblefortune",
    "amount": 55.0,
    "jackpotId": "568",
    "providerId": "luckymonaco",
    "userId": "421",
    "roundid" : "5103188801"
    "hash": "4a5d375ac1311b04fba2ea66d067b8e5"
    "timestamp": "1482429190374"
}"""

    refused(operator, "jackpot", body, 99)


def test_a_constant_as_another_callbacks_amount_is_no_json(operator: Operator) -> None:
    refused(operator, "jackpot", written("jackpot", promoWinAmount="NaN"), 99)
    refused(operator, "jackpot", written("jackpot", promoWinAmount="[NaN]"), 99)
    refused(operator, "jackpot", written("jackpot", promoWinAmount='{"a": -Infinity}'), 99)
