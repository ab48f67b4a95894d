"""Jackpot: what is its alone. What holds for every callback is in test_contract.py."""

import json
from decimal import Decimal

from conftest import Operator, published
from expectations import credited, refused, written


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


def test_a_constant_as_another_callbacks_amount_is_no_json(operator: Operator) -> None:
    refused(operator, "jackpot", written("jackpot", promoWinAmount="NaN"), 99)
    refused(operator, "jackpot", written("jackpot", promoWinAmount="[NaN]"), 99)
    refused(operator, "jackpot", written("jackpot", promoWinAmount='{"a": -Infinity}'), 99)
