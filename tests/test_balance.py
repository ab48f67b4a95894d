"""Balance and Check: what a player has, and whether they may play. Nothing is written."""

import pytest

from conftest import Operator
from expectations import unchanged
from plays import answered, before, play


@pytest.mark.parametrize("currency", ["USD", "usd", None])
def test_a_balance_is_answered_in_texts(operator: Operator, currency: str | None) -> None:
    with unchanged(operator):
        reply = play(operator, "Balance", currency=currency)

    described = '"cash": "99889.99", "bonus": "99.99", "error": 0, "description": "Success"'
    assert reply.text == '{"currency": "USD", ' + described + "}"


def test_a_check_is_answered_without_balances(operator: Operator) -> None:
    with unchanged(operator):
        assert play(operator, "Check").text == '{"error": 0, "description": "Success"}'


@pytest.mark.parametrize("call", ["Balance", "Check"])
def test_each_takes_one_read(operator: Operator, monkeypatch: pytest.MonkeyPatch, call: str) -> None:
    with before(monkeypatch, "BatchGetItem", lambda: None) as asked:
        answered(operator, call)
    assert asked == ["BatchGetItem"]


def test_a_frozen_player_may_not_play_and_still_has_a_balance(operator: Operator) -> None:
    operator.invoke("cashier", {"freeze": {"userId": "421", "actor": "ann", "reason": "a report"}})

    assert play(operator, "Check").text == '{"error": 56, "description": "The player is frozen"}'
    answered(operator, "Balance")
    operator.invoke("cashier", {"unfreeze": {"userId": "421", "actor": "bob", "reason": "cleared"}})
    answered(operator, "Check")


@pytest.mark.parametrize(
    ("mark", "error"), [(True, 56), ("yes", 56), (1, 56), ([], 56), (False, 0), (None, 0)], ids=repr
)
def test_whatever_another_program_writes_as_frozen_freezes(operator: Operator, mark: object, error: int) -> None:
    operator.put_wallet(frozen=mark)

    answered(operator, "Check", error)


@pytest.mark.parametrize("call", ["Balance", "Check"])
@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"userId": "nobody"}, 62),
        ({"currency": "EUR"}, 52),
        ({"providerId": None}, 64),
        ({"uuid": None}, 64),
        ({"userId": {}}, 64),
        ({"userId": "\n"}, 57),
    ],
)
def test_what_is_refused_is_kept_nowhere(operator: Operator, call: str, change: dict[str, object], error: int) -> None:
    with unchanged(operator):
        assert play(operator, call, **change).json.keys() == {"error", "description"}
        answered(operator, call, error, **change)


def test_a_wallet_that_cannot_be_read_is_asked_for_again(operator: Operator) -> None:
    operator.put_wallet(cash="much")

    for call in ("Balance", "Check"):
        answered(operator, call, 998)
