"""What the operator's own systems order: money in and out of a wallet, once, as the provider's wins are paid."""

from typing import Any

import pytest

from conftest import Operator


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


def balances(operator: Operator) -> tuple[str, str]:
    wallet = operator.wallet()
    return str(wallet["cash"]), str(wallet["bonus"])


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
