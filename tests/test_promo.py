"""Promo: what is its alone. What holds for every callback is in test_contract.py."""

from decimal import Decimal
from typing import Any

import pytest

from conftest import Operator, published
from expectations import credited, paid_without_its_prize, refused, replayed

CASH, BONUS = Decimal("99889.99"), Decimal("99.99")  # of the wallet the tests begin with
REFERENCE = "585c1306f89c56f5ecfc2f5d"


def result_with_prize(**changes: Any) -> dict[str, Any]:
    """A result that brings the published promotion's prize, without saying of which campaign."""
    prize = {"reference": "a round's", "promoWinAmount": "500.0", "promoWinReference": REFERENCE}
    return published("result", **(prize | changes))


def promo_without(*names: str, **others: Any) -> dict[str, Any]:
    return {name: value for name, value in published("promo").items() if name not in names} | others


def test_a_promotions_prize_is_credited_to_cash(operator: Operator) -> None:
    reply = credited(operator, "promo", published("promo"))

    assert (reply.json["cash"], reply.json["bonus"]) == ("100389.99", "99.99")


def test_a_prize_with_a_bonus_code_is_still_no_bonus_and_not_counted(operator: Operator) -> None:
    credited(operator, "promo", published("promo", bonusCode="FR-1"))

    assert operator.wallet()["bonus"] == BONUS
    assert operator.uncovered("FR-1") is None


# --- Campaigns ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("id_name", ["campaignId", "promoCampaignId", "promoCampaignID", "CAMPAIGNID"])
@pytest.mark.parametrize("type_name", ["campaignType", "promoCampaignType", "campaigntype"])
def test_a_campaign_is_recorded_under_any_of_its_names(operator: Operator, id_name: str, type_name: str) -> None:
    credited(operator, "promo", promo_without("campaignId", "promoCampaignType", **{id_name: "S", type_name: "X"}))

    (transaction,) = operator.transactions()
    assert (transaction["campaignId"], transaction["campaignType"]) == ("S", "X")


def test_two_names_of_a_campaign_must_agree(operator: Operator) -> None:
    refused(operator, "promo", published("promo", promoCampaignID="another"), 57, naming="promoCampaignId")
    refused(operator, "promo", published("promo", campaignType="another"), 57, naming="promoCampaignType")

    credited(operator, "promo", published("promo", promoCampaignID="5103188801", campaignType="T"))


# --- One prize, two ways ------------------------------------------------------------------------------


def test_a_prize_that_came_with_a_result_is_not_paid_again(operator: Operator) -> None:
    operator.send("result", result_with_prize())
    prize = operator.transactions()[1]

    reply = replayed(operator, "promo", published("promo"))

    assert operator.wallet()["cash"] == CASH + 10 + 500
    assert (reply.json["transactionId"], reply.json["cash"]) == (prize["transactionId"], "100399.99")


def test_a_prize_that_came_by_itself_is_not_paid_again_with_a_result(operator: Operator) -> None:
    credited(operator, "promo", published("promo"))

    credited(operator, "result", result_with_prize())

    assert operator.wallet()["cash"] == CASH + 10 + 500
    replayed(operator, "result", result_with_prize())
    replayed(operator, "promo", published("promo"))


@pytest.mark.parametrize(
    "difference",
    [{"promoWinAmount": "500.01"}, {"promoCampaignID": "another"}],
    ids=["amount", "campaign"],
)
def test_a_prize_that_differs_between_its_two_ways_is_left_for_a_person_in_either_order(
    operator: Operator, difference: dict[str, str]
) -> None:
    operator.send("result", result_with_prize(**difference))
    refused(operator, "promo", published("promo"), 61)

    operator.send("promo", published("promo", reference="other way"))
    body = result_with_prize(**difference, reference="another round's") | {"promoWinReference": "other way"}
    paid_without_its_prize(operator, body, 61)


def test_a_prize_of_another_player_is_a_conflict(operator: Operator) -> None:
    operator.open_wallet(user_id="422")
    operator.send("result", result_with_prize(userId="422"))

    refused(operator, "promo", published("promo"), 61)


def test_a_campaign_is_compared_only_where_both_carried_one(operator: Operator) -> None:
    operator.send("result", result_with_prize())

    replayed(operator, "promo", published("promo"))
    replayed(operator, "promo", published("promo", campaignId="another"))


def test_a_prize_is_compared_by_player_amount_currency_and_campaign_only(
    operator: Operator, subtests: pytest.Subtests
) -> None:
    first = credited(operator, "promo", published("promo"))
    for field in ("gameId", "roundId", "bonusCode", "jackpotId", "promoCampaignType", "providerId", "gameName"):
        with subtests.test(field):
            assert replayed(operator, "promo", published("promo", **{field: "another"})).json == first.json
    with subtests.test("currency in lower case"):
        assert replayed(operator, "promo", published("promo", currency="usd")).json == first.json
