"""Bonus: what is its alone, free rounds first. What holds for every callback is in test_contract.py."""

from decimal import Decimal
from typing import Any

import pytest

from conftest import Operator, published
from expectations import credited, metrics, output, refused, replayed

CASH, BONUS = Decimal("99889.99"), Decimal("99.99")  # of the wallet the tests begin with


def win_rounds(operator: Operator, *amounts: str, code: str = "FR-1", user_id: str = "421") -> None:
    """Pays rounds one by one, as results with a bonus code."""
    for amount in amounts:
        reference = f"round {len(operator.transactions())}"
        body = published("result", amount=amount, bonusCode=code, userId=user_id, reference=reference)
        credited(operator, "result", body)


def total(amount: str, code: str | None = "FR-1", **changes: Any) -> dict[str, Any]:
    """The total of all rounds played on a free round bonus."""
    return published("bonus", amount=amount, bonusCode=code, **changes)


def gained(operator: Operator, user_id: str = "421") -> Decimal:
    """What a player has won, the same in cash and in bonus."""
    wallet = operator.wallet(user_id)
    assert wallet["cash"] - CASH == wallet["bonus"] - BONUS
    return wallet["cash"] - CASH


# --- The arithmetic of free rounds --------------------------------------------------------------------


def test_an_operator_that_receives_only_results_pays_each(operator: Operator) -> None:
    win_rounds(operator, "10", "0", "5.5")

    assert gained(operator) == Decimal("15.5")
    assert operator.uncovered("FR-1") == Decimal("15.5")


def test_an_operator_that_receives_only_the_total_pays_it(operator: Operator) -> None:
    reply = credited(operator, "bonus", total("15.5"))

    assert gained(operator) == Decimal("15.5")
    assert (reply.json["cash"], reply.json["bonus"]) == ("99905.49", "115.49")


@pytest.mark.parametrize(
    ("rounds", "sum_of_all"),
    [
        (["10", "5.5"], "15.5"),
        (["10", "5.5"], "20"),
        (["0", "0"], "3"),
        (["10"], "10.000000000000000001"),
        (["12345678901234.123456789012345678"], "12345678901234.123456789012345679"),
    ],
    ids=["all rounds", "some rounds", "lost rounds", "the last digit", "every digit"],
)
def test_an_operator_that_receives_both_pays_the_total_once(
    operator: Operator, rounds: list[str], sum_of_all: str
) -> None:
    operator.open_wallet(cash="0", bonus="0")
    win_rounds(operator, *rounds)

    with output() as printed:
        credited(operator, "bonus", total(sum_of_all))

    assert operator.wallet()["cash"] == operator.wallet()["bonus"] == Decimal(sum_of_all)
    assert operator.uncovered("FR-1") == 0
    assert metrics(printed, "FreeRoundUncovered") == []


@pytest.mark.parametrize("sum_of_all", ["0", "9.99", "15.499999999999999999"])
def test_a_total_below_its_rounds_credits_nothing_and_leaves_the_rest_uncovered(
    operator: Operator, sum_of_all: str
) -> None:
    win_rounds(operator, "10", "5.5")

    with output() as printed:
        credited(operator, "bonus", total(sum_of_all))

    assert gained(operator) == Decimal("15.5")
    assert operator.uncovered("FR-1") == Decimal("15.5") - Decimal(sum_of_all)
    assert len(metrics(printed, "FreeRoundUncovered")) == 1


def test_totals_of_two_grants_under_one_code_cover_the_rounds_of_both(operator: Operator) -> None:
    win_rounds(operator, "10", "4")
    credited(operator, "bonus", total("10", reference="first total"))
    win_rounds(operator, "3")
    credited(operator, "bonus", total("7", reference="second total"))

    assert gained(operator) == 10 + 4 + 3
    assert operator.uncovered("FR-1") == 0


def test_a_round_after_its_total_is_not_paid_again(operator: Operator) -> None:
    win_rounds(operator, "2", "3")
    credited(operator, "bonus", total("10", timestamp="1482429190375"))

    late = credited(operator, "result", published("result", amount="5", bonusCode="FR-1", reference="late"))

    assert gained(operator) == 10
    assert late.json["cash"] == "99899.99"
    transaction = operator.transactions()[-1]
    assert (transaction["amountAsked"], transaction["amount"]) == (5, 0)
    assert (transaction["uncoveredAfter"], transaction["advanceAfter"]) == (0, 0)


def test_a_round_that_its_total_named_is_not_paid_again_whatever_its_timestamp(operator: Operator) -> None:
    named = {"gameId": "slot", "roundId": "last"}
    credited(operator, "bonus", total("5", **named))

    late = published("result", amount="5", bonusCode="FR-1", timestamp="9999999999999", **named)
    credited(operator, "result", late)

    assert gained(operator) == 5


def test_a_round_of_the_next_grant_is_paid_although_the_last_total_was_paid_alone(operator: Operator) -> None:
    credited(operator, "bonus", total("10", timestamp="1482429190374"))

    next_grant = published("result", amount="4", bonusCode="FR-1", timestamp="1482429190375")
    credited(operator, "result", next_grant)

    assert gained(operator) == 14


@pytest.mark.parametrize("amount", ["10", "0"])
def test_a_total_without_a_code_raises_a_metric(operator: Operator, amount: str) -> None:
    with output() as printed:
        credited(operator, "bonus", total(amount, code=None))
        replayed(operator, "bonus", total(amount, code=None))
        credited(operator, "bonus", total(amount, reference="with a code"))
        credited(operator, "result", published("result"))

    assert len(metrics(printed, "FreeRoundTotalWithoutCode")) == 1


@pytest.mark.parametrize("timestamp", ["yesterday", "2026-05-11T14:35:00Z", 1482429190374.5, ["1"], "1" * 21], ids=str)
def test_a_round_and_a_total_without_a_known_timestamp_are_paid_and_counted(
    operator: Operator, timestamp: object
) -> None:
    with output() as printed:
        credited(operator, "result", published("result", amount="3", bonusCode="FR-1", timestamp=timestamp))
        credited(operator, "bonus", total("10", timestamp=timestamp))
        credited(operator, "bonus", total("1", timestamp=timestamp, code=None, reference="no code"))
        credited(operator, "promo", published("promo", timestamp=timestamp))

    assert [each["service"] for each in metrics(printed, "FreeRoundTimestampUnknown")] == ["result", "bonus"]
    assert operator.wallet()["bonus"] - BONUS == 11


def test_a_second_total_of_one_code_is_another_credit(operator: Operator) -> None:
    credited(operator, "bonus", total("4", reference="first total"))
    credited(operator, "bonus", total("5", reference="second total"))

    assert gained(operator) == 9


def test_a_total_covers_the_rounds_of_its_own_code_only(operator: Operator) -> None:
    win_rounds(operator, "10", code="FR-1")
    win_rounds(operator, "7", code="FR-2")

    credited(operator, "bonus", total("10", code="FR-1"))

    assert gained(operator) == 17
    assert (operator.uncovered("FR-1"), operator.uncovered("FR-2")) == (0, 7)


def test_a_total_covers_the_rounds_of_its_own_player_only(operator: Operator) -> None:
    operator.open_wallet(user_id="422")
    win_rounds(operator, "10", user_id="422")

    credited(operator, "bonus", total("10"))

    assert (gained(operator), gained(operator, "422")) == (10, 10)
    assert operator.uncovered("FR-1", "422") == 10


def test_a_total_without_a_code_is_credited_in_full(operator: Operator) -> None:
    win_rounds(operator, "10")

    credited(operator, "bonus", total("10", code=None))

    assert gained(operator) == 20
    assert operator.uncovered("FR-1") == 10


def test_other_wins_of_the_round_do_not_count_towards_the_total(operator: Operator) -> None:
    credited(operator, "jackpot", published("jackpot", bonusCode="FR-1"))
    credited(operator, "result", published("result"))

    credited(operator, "bonus", total("10"))

    assert operator.wallet()["cash"] == CASH + 55 + 10 + 10
    assert operator.wallet()["bonus"] == BONUS + 10


def test_the_record_tells_what_was_asked_and_what_was_paid(operator: Operator) -> None:
    win_rounds(operator, "10", "5.5")
    credited(operator, "bonus", total("20"))

    transaction = operator.transactions()[-1]
    assert (transaction["amountAsked"], transaction["amount"]) == (20, Decimal("4.5"))
    assert transaction["bonusCode"] == "FR-1"


# --- Idempotency --------------------------------------------------------------------------------------


def test_a_repeated_total_is_compared_with_what_was_asked(operator: Operator) -> None:
    win_rounds(operator, "10", "5.5")
    first = credited(operator, "bonus", total("20"))

    assert replayed(operator, "bonus", total("20.00")).json == first.json
    refused(operator, "bonus", total("4.5"), 61)


def test_a_repeated_total_covers_no_later_rounds(operator: Operator) -> None:
    win_rounds(operator, "10")
    credited(operator, "bonus", total("10"))
    win_rounds(operator, "3")

    replayed(operator, "bonus", total("10"))

    assert operator.uncovered("FR-1") == 3


def test_a_repeated_total_raises_no_second_metric(operator: Operator) -> None:
    win_rounds(operator, "10")
    credited(operator, "bonus", total("4"))

    with output() as printed:
        replayed(operator, "bonus", total("4"))

    assert metrics(printed, "FreeRoundUncovered") == []


def test_a_refused_total_covers_nothing(operator: Operator) -> None:
    win_rounds(operator, "10")
    credited(operator, "bonus", total("1", code=None))

    refused(operator, "bonus", total("10"), 61)

    assert operator.uncovered("FR-1") == 10


# --- Fields -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("round_id", [None, "", "5103188801"], ids=["null", "empty", "given"])
def test_a_round_is_optional(operator: Operator, round_id: str | None) -> None:
    credited(operator, "bonus", published("bonus") | {"roundId": round_id})

    assert operator.transactions()[0].get("roundId", round_id) == round_id
