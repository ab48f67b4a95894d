"""Result and auto closing: what is theirs alone. What holds for every callback is in test_contract.py."""

import json
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from botocore.exceptions import EndpointConnectionError

from conftest import Operator, published
from expectations import (
    calls,
    credited,
    holdings,
    kept,
    paid_without_its_prize,
    refused,
    replayed,
    request,
    unchanged,
    written,
)
from test_contract import INVALID_AMOUNTS

CASH, BONUS = Decimal("99889.99"), Decimal("99.99")  # of the wallet the tests begin with
PRIZE = {"promoWinAmount": "5.5", "promoWinReference": "prize-1"}


def gained(operator: Operator) -> tuple[Decimal, Decimal]:
    """What the tests' player has won in cash and in bonus."""
    wallet = operator.wallet()
    return wallet["cash"] - CASH, wallet["bonus"] - BONUS


# --- A round's result ---------------------------------------------------------------------------------


def test_a_win_is_credited_to_cash_and_answered_with_the_balance(operator: Operator) -> None:
    reply = credited(operator, "result", published("result"))

    assert (reply.json["cash"], reply.json["bonus"]) == ("99899.99", "99.99")
    assert gained(operator) == (10, 0)


def test_the_round_is_recorded(operator: Operator) -> None:
    credited(operator, "result", published("result"))

    (transaction,) = operator.transactions()
    assert (transaction["gameId"], transaction["roundId"]) == ("Im_60_tumblefortune", "5103188801")
    assert (transaction["amount"], transaction["amountAsked"], transaction["currency"]) == (10, 10, "USD")
    assert (transaction["cashAfter"], transaction["bonusAfter"]) == (Decimal("99899.99"), BONUS)


def test_two_wins_of_one_round_are_both_credited(operator: Operator) -> None:
    credited(operator, "result", published("result", reference="first"))
    credited(operator, "result", published("result", reference="second"))

    assert gained(operator) == (20, 0)
    assert [transaction["seq"] for transaction in operator.transactions()] == [2, 3]


@pytest.mark.parametrize(
    "details",
    ["spin", ["spin", "freespin"], [{"step": 1}], {"type": "minigame", "wins": [1.5]}, [], {}, 1, 0, False, " "],
    ids=repr,
)
def test_round_details_are_any_value(operator: Operator, details: Any) -> None:
    credited(operator, "result", published("result", roundDetails=details))

    (transaction,) = operator.transactions()
    assert json.loads(transaction["request"])["roundDetails"] == details


@pytest.mark.parametrize("details", [None, ""], ids=repr)
def test_round_details_that_are_null_or_no_text_are_absent(operator: Operator, details: Any) -> None:
    refused(operator, "result", published("result") | {"roundDetails": details}, 64, naming="roundDetails")


@pytest.mark.parametrize("details", ['{"spin": 1, "spin": 2}', '[{"spin": 1, "spin": 1}]'], ids=["object", "array"])
def test_a_key_twice_in_round_details_is_refused(operator: Operator, details: str) -> None:
    refused(operator, "result", written("result", roundDetails=details), 99)


@pytest.mark.parametrize("name", ["campaignId", "promoCampaignId", "promoCampaignID"])
def test_a_campaign_is_recorded_under_any_of_its_names(operator: Operator, name: str) -> None:
    credited(operator, "result", published("result", **{name: "summer"}))

    assert operator.transactions()[0]["campaignId"] == "summer"


# --- A free round's result ----------------------------------------------------------------------------


def test_a_free_rounds_result_is_credited_to_cash_and_bonus_and_counted(operator: Operator) -> None:
    reply = credited(operator, "result", published("result", bonusCode="FR-1"))

    assert (reply.json["cash"], reply.json["bonus"]) == ("99899.99", "109.99")
    assert gained(operator) == (10, 10)
    assert operator.uncovered("FR-1") == 10


def test_free_rounds_count_up_by_player_and_bonus_code(operator: Operator) -> None:
    operator.open_wallet(user_id="422")
    for reference, player, code in (("1", "421", "A"), ("2", "421", "A"), ("3", "421", "B"), ("4", "422", "A")):
        credited(operator, "result", published("result", reference=reference, userId=player, bonusCode=code))

    assert (operator.uncovered("A"), operator.uncovered("B"), operator.uncovered("A", "422")) == (20, 10, 10)


def test_a_replayed_free_round_is_counted_once(operator: Operator) -> None:
    credited(operator, "result", published("result", bonusCode="FR-1"))
    replayed(operator, "result", published("result", bonusCode="FR-1"))

    assert operator.uncovered("FR-1") == 10


@pytest.mark.parametrize("code", [None, ""], ids=["null", "empty"])
def test_an_empty_bonus_code_is_no_free_round(operator: Operator, code: str | None) -> None:
    credited(operator, "result", published("result") | {"bonusCode": code})

    assert gained(operator) == (10, 0)


def test_a_lost_free_round_is_recorded(operator: Operator) -> None:
    credited(operator, "result", published("result", amount="0", bonusCode="FR-1"))

    assert gained(operator) == (0, 0)
    assert operator.uncovered("FR-1") == 0


# --- A promotion's prize in a result ------------------------------------------------------------------


def test_a_prize_is_a_second_transaction_written_with_the_first(operator: Operator) -> None:
    reply = operator.send("result", published("result", **PRIZE, promoCampaignID="summer", promoCampaignType="T"))

    assert reply.json["cash"] == "99905.49"
    assert gained(operator) == (Decimal("15.5"), 0)
    win, prize = operator.transactions()
    assert (win["id"], win["seq"], win["amount"]) == ("result#585c1306f89c56f5ecfc2f5d", 2, 10)
    assert (prize["id"], prize["seq"], prize["amount"]) == ("promo#prize-1", 3, Decimal("5.5"))
    assert (win["cashAfter"], prize["cashAfter"]) == (Decimal("99899.99"), Decimal("99905.49"))
    assert (prize["campaignId"], prize["campaignType"]) == ("summer", "T")
    assert reply.json["transactionId"] == win["transactionId"] != prize["transactionId"]
    assert operator.wallet()["version"] == 3


def test_a_result_and_its_prize_are_one_read_and_one_write(operator: Operator, monkeypatch: pytest.MonkeyPatch) -> None:
    operator.handler("result")
    operations = calls(monkeypatch)

    operator.send("result", published("result", **PRIZE))
    operator.send("result", published("result", **PRIZE))

    assert operations == ["BatchGetItem", "TransactWriteItems", "BatchGetItem"]


def test_a_repeated_result_pays_its_prize_once(operator: Operator) -> None:
    first = operator.send("result", published("result", **PRIZE))

    assert replayed(operator, "result", published("result", **PRIZE)).json == first.json


def test_a_prize_sent_only_in_the_retransmission_is_paid_once(operator: Operator) -> None:
    first = credited(operator, "result", published("result"))

    second = credited(operator, "result", published("result", **PRIZE))
    replayed(operator, "result", published("result", **PRIZE))

    assert second.json["transactionId"] == first.json["transactionId"]
    assert gained(operator) == (Decimal("15.5"), 0)


def test_a_prize_missing_from_the_retransmission_stays_paid(operator: Operator) -> None:
    operator.send("result", published("result", **PRIZE))

    assert replayed(operator, "result", published("result")).json["cash"] == "99905.49"


def test_one_prize_sent_with_two_results_is_paid_once(operator: Operator) -> None:
    operator.send("result", published("result", **PRIZE))

    paid_without_its_prize(operator, published("result", **PRIZE, reference="next", roundId="next"), 61, "roundId")

    assert gained(operator) == (Decimal("25.5"), 0)


def test_a_prize_under_the_results_own_reference_is_paid_besides_it(operator: Operator) -> None:
    body = published("result", promoWinAmount="5.5", promoWinReference=published("result")["reference"])

    operator.send("result", body)

    assert gained(operator) == (Decimal("15.5"), 0)
    replayed(operator, "result", body)


def test_a_prize_of_a_free_round_is_no_bonus_and_not_counted(operator: Operator) -> None:
    operator.send("result", published("result", **PRIZE, bonusCode="FR-1"))

    assert gained(operator) == (Decimal("15.5"), 10)
    assert operator.uncovered("FR-1") == 10


@pytest.mark.parametrize("literal", ["5.5", '"5.5"'], ids=["number", "string"])
def test_the_answers_notation_is_the_wins_and_not_the_prizes(operator: Operator, literal: str) -> None:
    text = written("result", amount="10.0", promoWinAmount=literal, promoWinReference='"prize-1"')

    assert '"cash": 99905.49, ' in operator.send("result", text).text


@pytest.mark.parametrize("reference", [{}, {"promoWinReference": None}, {"promoWinReference": ""}], ids=str)
def test_a_prize_without_its_reference_is_left_for_a_person_and_its_win_is_paid(
    operator: Operator, reference: dict[str, Any]
) -> None:
    body = published("result", promoWinAmount="5.5") | reference

    reply = paid_without_its_prize(operator, body, 64, "promoWinReference")

    assert reply.json["cash"] == "99899.99"
    assert operator.transactions()[0]["prizeAmount"] == "5.5"
    paid_without_its_prize(operator, body, 64, is_known=True)
    assert gained(operator) == (10, 0)


@pytest.mark.parametrize("reference", [True, 5.5, ["p"], {"p": 1}, " ", "x" * 129, "p\n", "\ud800"], ids=ascii)
def test_a_prize_whose_reference_is_malformed_is_left_for_a_person_and_its_win_is_paid(
    operator: Operator, reference: object
) -> None:
    body = published("result", promoWinAmount="5.5", promoWinReference=reference)

    paid_without_its_prize(operator, body, 57, "promoWinReference")

    assert gained(operator) == (10, 0)


@pytest.mark.parametrize("again", [{"PromoWinAmount": "6"}, {"promowinreference": "prize-2"}], ids=str)
def test_a_prize_that_is_described_twice_differently_is_left_for_a_person_and_its_win_is_paid(
    operator: Operator, again: dict[str, str]
) -> None:
    paid_without_its_prize(operator, published("result", **PRIZE, **again), 59 if "PromoWinAmount" in again else 57)

    assert gained(operator) == (10, 0)


@pytest.mark.parametrize("reference", [True, ["p"], " ", "x" * 500, "\ud800"], ids=ascii)
def test_a_reference_of_no_prize_decides_nothing(operator: Operator, reference: object) -> None:
    credited(operator, "result", published("result", promoWinReference=reference))

    assert kept(operator, "result") == (0, 0)


@pytest.mark.parametrize("amount", ["0", "0.00"])
def test_a_prize_of_nothing_needs_no_reference(operator: Operator, amount: str) -> None:
    credited(operator, "result", published("result", promoWinAmount=amount))

    assert gained(operator) == (10, 0)


@pytest.mark.parametrize(
    "amount",
    [{}, {"promoWinAmount": None}, {"promoWinAmount": ""}, {"promoWinAmount": "0.0"}, {"promoWinAmount": 0}],
    ids=str,
)
def test_a_prizes_reference_without_an_amount_is_the_base_win_only(operator: Operator, amount: dict[str, Any]) -> None:
    credited(operator, "result", published("result", promoWinReference="prize-1") | amount)

    assert gained(operator) == (10, 0)


def test_a_prize_that_is_no_valid_amount_is_left_for_a_person_and_its_win_is_paid(
    operator: Operator, subtests: pytest.Subtests
) -> None:
    for number, literal in enumerate(INVALID_AMOUNTS):
        with subtests.test(literal[:40]):
            reference = json.dumps(f"r-{number}")
            text = written("result", reference=reference, promoWinAmount=literal, promoWinReference='"prize-1"')
            paid_without_its_prize(operator, text, 59, "promoWinAmount")
    assert gained(operator) == (10 * len(INVALID_AMOUNTS), 0)


@pytest.mark.parametrize(
    "difference",
    [{"promoWinAmount": "5.51"}, {"userId": "422"}, {"promoCampaignId": "winter"}],
    ids=["amount", "player", "campaign"],
)
def test_a_prize_that_contradicts_its_record_is_left_for_a_person_and_its_win_is_paid(
    operator: Operator, difference: dict[str, str]
) -> None:
    operator.open_wallet(user_id="422")
    operator.send("result", published("result", **PRIZE, promoCampaignId="summer"))
    body = published("result", **PRIZE, promoCampaignId="summer", reference="next") | difference

    paid_without_its_prize(operator, body, 61)

    replayed(operator, "result", {name: value for name, value in body.items() if name not in PRIZE})
    paid_without_its_prize(operator, body, 61, is_known=True)


@pytest.mark.parametrize("difference", [{"promoWinReference": "prize-2"}, {"promoWinAmount": "6"}], ids=str)
def test_a_known_win_that_comes_with_another_prize_is_a_replay_and_the_prize_is_left_for_a_person(
    operator: Operator, difference: dict[str, str]
) -> None:
    first = operator.send("result", published("result", **PRIZE))
    (name,) = difference

    again = paid_without_its_prize(operator, published("result", **PRIZE | difference), 61, name, is_known=True)

    assert again.json == first.json


def test_the_first_prize_that_a_win_came_with_counts_even_if_it_was_left_for_a_person(operator: Operator) -> None:
    credited(operator, "promo", request("promo", reference="prize-1", amount="5.00", currency="USD"))
    paid_without_its_prize(operator, published("result", **PRIZE | {"promoWinAmount": "5.01"}), 61, "amount")

    paid_without_its_prize(
        operator,
        published("result", **PRIZE | {"promoWinReference": "prize-2"}),
        61,
        "promoWinReference",
        is_known=True,
    )

    assert gained(operator) == (15, 0)


def test_a_win_is_not_paid_before_its_prize_is_kept(operator: Operator, monkeypatch: pytest.MonkeyPatch) -> None:
    """Money that has moved must not be answered with an error, and what is not paid must be kept."""
    body = published("result", promoWinAmount="5.5")

    def unreachable(operation: str, call: Callable[[], Any]) -> Any:
        if operation == "SendMessage":
            raise EndpointConnectionError(endpoint_url="-")
        return call()

    with monkeypatch.context() as patched:
        calls(patched, unreachable)
        with unchanged(operator):
            reply = operator.send("result", body)

    assert (reply.status, reply.json["error"]) == (503, 998)
    assert kept(operator, "result") == (0, 0)
    paid_without_its_prize(operator, body, 64)


def test_a_conflict_in_the_win_does_not_pay_the_prize(operator: Operator) -> None:
    credited(operator, "result", published("result"))

    refused(operator, "result", published("result", amount="11", **PRIZE), 61)


def test_a_win_and_its_prize_are_refused_together(operator: Operator) -> None:
    refused(operator, "result", published("result", **PRIZE, currency="EUR"), 52)
    refused(operator, "result", published("result", **PRIZE, userId="nobody"), 62)


# --- Auto closing -------------------------------------------------------------------------------------


def test_auto_closing_is_credited_and_recorded_as_such(operator: Operator) -> None:
    credited(operator, "result", published("auto_closing"))

    (transaction,) = operator.transactions()
    assert transaction["autoClosed"] is True
    assert gained(operator) == (10, 0)


def test_a_result_with_a_session_is_not_auto_closed(operator: Operator) -> None:
    credited(operator, "result", published("result"))

    assert "autoClosed" not in operator.transactions()[0]


def test_auto_closing_is_never_inferred_from_time(operator: Operator) -> None:
    credited(operator, "result", published("result", timestamp="0"))

    assert "autoClosed" not in operator.transactions()[0]


def test_auto_closing_is_a_replay_of_the_rounds_own_result(operator: Operator) -> None:
    first = credited(operator, "result", published("result"))

    closing = replayed(operator, "result", published("auto_closing"))

    assert closing.json["transactionId"] == first.json["transactionId"]
    assert '"cash": 99899.99, "bonus": 99.99, ' in closing.text


def test_a_result_after_its_auto_closing_is_a_replay(operator: Operator) -> None:
    closing = credited(operator, "result", published("auto_closing"))

    assert replayed(operator, "result", published("result")).json["transactionId"] == closing.json["transactionId"]
    assert operator.transactions()[0]["autoClosed"] is True


def test_auto_closing_with_another_amount_is_a_conflict(operator: Operator) -> None:
    credited(operator, "result", published("result"))

    refused(operator, "result", published("auto_closing", amount="10.01"), 61)


def test_auto_closing_of_a_free_round_with_a_prize_pays_all_of_it_once(operator: Operator) -> None:
    body = published("auto_closing", **PRIZE, bonusCode="FR-1")

    operator.send("result", body)
    before = holdings(operator)
    operator.send("result", body | {"sessionId": "session"})

    assert gained(operator) == (Decimal("15.5"), 10)
    assert holdings(operator) == before
