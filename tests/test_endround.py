"""EndRound: a round is marked as ended, once, and no money moves."""

import pytest

from conftest import Operator
from expectations import output, unchanged
from plays import answered, before, body, play, rounds


def test_the_end_of_a_round_is_recorded_once_and_answered_with_the_balances(
    operator: Operator, monkeypatch: pytest.MonkeyPatch
) -> None:
    answered(operator, "Bet")
    with before(monkeypatch, "BatchGetItem", lambda: None) as asked:
        first = play(operator, "EndRound")
    with unchanged(operator), before(monkeypatch, "BatchGetItem", lambda: None) as asked_again:
        again = play(operator, "EndRound", uuid="u-2", win="5")

    described = '"cash": "99879.99", "bonus": "99.99", "error": 0, "description": "Success"'
    assert first.text == again.text == '{"currency": "USD", ' + described + "}"
    assert (asked, asked_again) == (["BatchGetItem", "TransactWriteItems"], ["BatchGetItem"])
    (item,) = rounds(operator)
    assert item["ended"] is True
    assert [bet["reference"] for bet in item["bets"]] == ["Bet-1"]


def test_the_end_of_an_unknown_round_is_recorded(operator: Operator) -> None:
    with output() as printed:
        answered(operator, "EndRound")

    assert rounds(operator)[0]["ended"] is True
    assert '"message":"round ended"' in printed.getvalue()
    assert not operator.transactions()


def test_a_win_after_the_end_is_credited(operator: Operator) -> None:
    before_it = answered(operator, "EndRound")

    assert before_it is not None
    assert answered(operator, "Result") == before_it + 10


def test_an_end_that_meets_a_bet_loses_neither(operator: Operator, monkeypatch: pytest.MonkeyPatch) -> None:
    with before(monkeypatch, "TransactWriteItems", lambda: answered(operator, "Bet")):
        answered(operator, "EndRound")

    (item,) = rounds(operator)
    assert (item["ended"], len(item["bets"])) == (True, 1)


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"userId": "nobody"}, 62),
        ({"currency": "EUR"}, 52),
        ({"gameId": None}, 64),
        ({"roundId": None}, 64),
        ({"providerId": None}, 64),
        ({"uuid": None}, 64),
        ({"roundId": " "}, 57),
    ],
)
def test_a_refused_end_records_nothing_and_is_kept_nowhere(
    operator: Operator, change: dict[str, str | None], error: int
) -> None:
    with unchanged(operator):
        assert play(operator, "EndRound", **change).json.keys() == {"error", "description"}
        answered(operator, "EndRound", error, **change)


def test_the_end_of_a_round_that_cannot_be_read_is_asked_for_again(operator: Operator) -> None:
    answered(operator, "EndRound")
    operator.database.Table("Rounds").put_item(Item=rounds(operator)[0] | {"bets": "none"})

    assert operator.send("endround", body("EndRound")).json["error"] == 998


def test_a_frozen_players_round_ends(operator: Operator) -> None:
    operator.invoke("cashier", {"freeze": {"userId": "421", "actor": "ann", "reason": "a report"}})

    answered(operator, "EndRound")
