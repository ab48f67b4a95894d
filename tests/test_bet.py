"""Bet: a stake is taken once, if there is enough, and is never taken later."""

import json
from decimal import Decimal
from typing import Any

import pytest

from conftest import Operator
from expectations import metrics, output, unchanged
from plays import answered, before, body, cash, live, play, record, rounds
from wallet.ledger import round_key


@pytest.fixture(autouse=True)
def _wallet(operator: Operator) -> None:
    operator.open_wallet(cash="25", bonus="5")


# --- The stake --------------------------------------------------------------------------------------


def test_a_bet_takes_its_stake_once(operator: Operator) -> None:
    first, again = play(operator, "Bet"), play(operator, "Bet", uuid="u-2", timestamp="5")

    assert first.text == again.text
    assert [*first.json] == ["transactionId", "currency", "cash", "bonus", "error", "description"]
    assert (first.json["cash"], first.json["bonus"]) == ("15", "5")
    assert cash(operator) == 15


def test_a_bet_is_on_record_with_its_round_and_its_request(operator: Operator) -> None:
    answered(operator, "Bet", jackpotContribution="0.5")

    bet = record(operator, "bet#Bet-1")
    assert (bet["amount"], bet["amountAsked"], bet["seq"], bet["cashAfter"]) == (-10, -10, 2, 15)
    assert (bet["gameId"], bet["roundId"]) == ("slot", "r-1")
    assert json.loads(bet["request"])["jackpotContribution"] == "0.5"
    (item,) = rounds(operator)
    assert item["round"] == "4:slotr-1"
    assert item["bets"] == [{"reference": "Bet-1", "taken": Decimal(10)}]
    assert item["hadBet"] is True


def test_a_number_is_answered_in_numbers(operator: Operator) -> None:
    assert '"cash": 15, "bonus": 5' in play(operator, "Bet", amount=10).text


def test_a_bet_may_take_all_there_is_and_no_more(operator: Operator) -> None:
    assert answered(operator, "Bet", amount="25") == 0
    assert answered(operator, "Bet", 15, amount="0.01", reference="Bet-2") == 0


def test_a_bet_of_nothing_is_taken_without_money(operator: Operator) -> None:
    answered(operator, "Bet", amount="25")

    assert answered(operator, "Bet", amount="0", reference="Bet-2") == 0
    assert live(operator) == ["Bet-1", "Bet-2"]


def test_a_free_round_takes_nothing_and_is_never_refused_for_money(operator: Operator) -> None:
    assert answered(operator, "Bet", amount="1000", bonusCode="FREE") == 25

    bet = record(operator, "bet#Bet-1")
    assert (bet["amount"], bet["amountAsked"], bet["seq"]) == (0, -1000, 2)
    assert rounds(operator)[0]["bets"] == [{"reference": "Bet-1", "taken": Decimal(0), "bonusCode": "FREE"}]
    assert not operator.items("FreeRounds")


def test_a_second_bet_of_the_round_is_taken_as_well(operator: Operator) -> None:
    answered(operator, "Bet")

    assert answered(operator, "Bet", reference="Bet-2", amount="5") == 10
    assert live(operator) == ["Bet-1", "Bet-2"]


# --- Not enough -------------------------------------------------------------------------------------


def test_a_bet_over_the_balance_is_refused_with_the_balances(operator: Operator) -> None:
    reply = play(operator, "Bet", amount="25.01")

    assert reply.status == 200
    described = '"error": 15, "description": "Not enough money"'
    assert reply.text == '{"currency": "USD", "cash": "25", "bonus": "5", ' + described + "}"
    assert play(operator, "Bet", amount=26, reference="Bet-2").text == (
        '{"currency": "USD", "cash": 25, "bonus": 5, ' + described + "}"
    )
    assert cash(operator) == 25


def test_a_bet_over_the_balance_is_refused_whatever_digits_their_sum_would_need(operator: Operator) -> None:
    operator.put_wallet(cash=Decimal("0.123456789012345678"))

    answered(operator, "Bet", 15, amount="99999999999999999999999")
    assert record(operator, "bet#Bet-1")["outcome"] == "not enough"


def test_a_refusal_for_lack_of_money_is_final(operator: Operator) -> None:
    answered(operator, "Bet", 15, amount="26")
    operator.open_wallet(cash="100")

    assert answered(operator, "Bet", 15, amount="26") == 100
    refused = record(operator, "bet#Bet-1")
    assert (refused["outcome"], refused["amount"], refused["amountAsked"]) == ("not enough", 0, -26)
    assert not refused.keys() & {"seq", "digest", "cashAfter"}


def test_a_bet_whose_outcome_is_not_known_is_no_success(operator: Operator) -> None:
    answered(operator, "Bet", 15, amount="26")
    operator.database.Table("Transactions").put_item(Item=record(operator, "bet#Bet-1") | {"outcome": "refused"})

    with unchanged(operator):
        answered(operator, "Bet", 53, amount="26")


def test_a_refused_bet_is_known_to_its_round_and_is_not_live(operator: Operator) -> None:
    answered(operator, "Bet", 15, amount="26")
    answered(operator, "Bet", 15, amount="27", reference="Bet-2")

    (item,) = rounds(operator)
    assert (item["bets"], item["hadRefusedBet"], "hadBet" in item) == ([], True, False)


def test_two_bets_at_once_over_the_balance_are_never_both_taken(
    operator: Operator, monkeypatch: pytest.MonkeyPatch
) -> None:
    with before(monkeypatch, "TransactWriteItems", lambda: answered(operator, "Bet", amount="20")):
        answered(operator, "Bet", 15, reference="Bet-2", amount="20", roundId="r-2")

    assert cash(operator) == 5


def test_a_refusal_that_meets_a_deposit_is_decided_by_the_money_there_is(
    operator: Operator, monkeypatch: pytest.MonkeyPatch
) -> None:
    def deposit() -> None:
        order = {"movement": "deposit", "reference": "d", "userId": "421", "amount": "10", "currency": "USD"}
        assert operator.invoke("cashier", order | {"actor": "a", "reason": "b"})["error"] == 0

    with before(monkeypatch, "TransactWriteItems", deposit):
        assert answered(operator, "Bet", amount="30") == 5


# --- What is never taken ----------------------------------------------------------------------------


def test_a_bet_with_other_content_is_refused_counted_and_not_kept(operator: Operator) -> None:
    answered(operator, "Bet")

    for change in ({"amount": "11"}, {"userId": "7"}, {"roundId": "r-2"}, {"gameId": "dice"}, {"currency": "EUR"}):
        with unchanged(operator), output() as printed:
            answered(operator, "Bet", 53, **change)
        assert metrics(printed, "Conflict")


def test_a_bet_that_was_cancelled_before_it_came_is_never_taken(operator: Operator) -> None:
    answered(operator, "Cancel")

    with unchanged(operator), output() as printed:
        answered(operator, "Bet", 53)
    assert not metrics(printed, "Conflict")


def test_a_bet_that_was_paid_back_is_never_taken_again(operator: Operator) -> None:
    answered(operator, "Bet")
    answered(operator, "Cancel")

    with unchanged(operator):
        answered(operator, "Bet", 53)


def test_a_bet_in_a_refunded_round_is_never_taken(operator: Operator) -> None:
    answered(operator, "Refund", reference="refund-1", gameId="slot", roundId="r-1")

    with unchanged(operator):
        answered(operator, "Bet", 53)
    assert answered(operator, "Bet", roundId="r-2", reference="Bet-2") == 15


def test_forty_bets_of_a_round_are_taken_and_the_next_is_not(operator: Operator) -> None:
    for number in range(40):
        answered(operator, "Bet", amount="0.1", reference=f"b-{number}")

    with unchanged(operator):
        answered(operator, "Bet", 53, amount="0.1", reference="b-40")
    answered(operator, "Cancel", reference="b-7")
    assert answered(operator, "Bet", amount="0.1", reference="b-41") == 21


def test_a_frozen_player_places_no_bet_and_replays_one(operator: Operator) -> None:
    answered(operator, "Bet")
    operator.invoke("cashier", {"freeze": {"userId": "421", "actor": "ann", "reason": "a report"}})

    answered(operator, "Bet")
    with unchanged(operator):
        answered(operator, "Bet", 56, reference="Bet-2")
    operator.invoke("cashier", {"unfreeze": {"userId": "421", "actor": "ann", "reason": "cleared"}})
    assert answered(operator, "Bet", reference="Bet-2") == 5


@pytest.mark.parametrize("amount", ["5", "1000"])
def test_a_player_who_is_frozen_between_read_and_write_places_no_bet_and_has_no_refusal_on_record(
    operator: Operator, monkeypatch: pytest.MonkeyPatch, amount: str
) -> None:
    operator.handler("cashier")

    def freeze() -> None:
        operator.database.Table("Players").update_item(
            Key={"userId": "421"}, UpdateExpression="SET frozen = :yes", ExpressionAttributeValues={":yes": True}
        )

    with before(monkeypatch, "TransactWriteItems", freeze):
        answered(operator, "Bet", 56, amount=amount)
    assert operator.transactions() == []


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"userId": "nobody"}, 62),
        ({"currency": "EUR"}, 52),
        ({"amount": "-1"}, 59),
        ({"amount": None}, 64),
        ({"gameId": None}, 64),
        ({"roundId": None}, 64),
        ({"currency": None}, 64),
        ({"uuid": None}, 64),
        ({"roundId": "\n"}, 57),
        ({"bonusCode": "\n"}, 57),
    ],
)
def test_a_refused_bet_is_kept_nowhere_and_writes_nothing(
    operator: Operator, change: dict[str, str | None], error: int
) -> None:
    with unchanged(operator), output() as printed:
        reply = play(operator, "Bet", **change)

    assert reply.json["error"] == error
    assert [*reply.json] == ["error", "description"]
    assert '"level":"ERROR"' not in printed.getvalue()
    assert not metrics(printed, "NotKept")


def test_a_hash_is_as_good_as_a_uuid(operator: Operator) -> None:
    assert answered(operator, "Bet", uuid=None, hash="0123") == 15


def test_a_bet_by_hand_is_refused(operator: Operator) -> None:
    message = {
        "callback": "bet",
        "reference": "Bet-1",
        "code": 0,
        "reason": "",
        "first_received_at": "2026-01-01T00:00:00+00:00",
        "request": json.dumps(body("Bet")),
    }
    order = {"settle": {"message": json.dumps(message), "actor": "ann", "reason": "a complaint"}}

    with unchanged(operator):
        assert operator.invoke("bet", order)["error"] == 57


# --- The round's end --------------------------------------------------------------------------------


def test_a_bet_after_the_end_of_its_round_is_taken_and_counted(operator: Operator) -> None:
    answered(operator, "EndRound")

    with output() as printed:
        assert answered(operator, "Bet") == 15
    assert metrics(printed, "BetAfterEnd")
    assert metrics(printed, "Staked")
    assert not metrics(printed, "Credited")


def test_the_same_round_id_in_two_games_is_two_rounds(operator: Operator) -> None:
    answered(operator, "Bet")
    answered(operator, "Bet", gameId="dice", reference="Bet-2", amount="5")
    answered(operator, "Refund", reference="refund-1", gameId="slot", roundId="r-1")

    assert cash(operator) == 20
    assert {item["gameId"]: len(item["bets"]) for item in rounds(operator)} == {"slot": 0, "dice": 1}


def test_a_round_is_kept_under_a_key_that_fits_however_long_its_names(operator: Operator) -> None:
    long = {"gameId": "\U0001f3b0" * 128, "roundId": "\U0001f3b2" * 128}  # 1,024 bytes, and the length before them
    answered(operator, "Bet", **long)
    answered(operator, "Bet", **long | {"roundId": "\U0001f3b2" * 127 + "x"}, reference="Bet-2")

    first, second = (item["round"] for item in rounds(operator))
    assert first != second
    assert {len(first), len(second)} == {64}
    assert answered(operator, "Cancel") == 15


def test_a_round_s_key_of_just_as_many_bytes_as_fit_is_kept_as_it_is(operator: Operator) -> None:
    place = "\U0001f3b0" * 128, "\U0001f3b2" * 127
    answered(operator, "Bet", gameId=place[0], roundId=place[1])

    (item,) = rounds(operator)
    assert len(item["round"].encode()) == 1024
    assert item["round"] == round_key(place)


ODD_ROUNDS: dict[str, dict[str, Any]] = {
    "no bets": {"bets": None},
    "bets that are no list": {"bets": "Bet-1"},
    "a bet that is a text": {"bets": ["Bet-1"]},
    "a bet without a reference": {"bets": [{"taken": 1}]},
    "a bet without a stake": {"bets": [{"reference": "Bet-1"}]},
    "a stake below zero": {"bets": [{"reference": "Bet-1", "taken": -1}]},
    "a bonus code that is a number": {"bets": [{"reference": "Bet-1", "taken": 0, "bonusCode": 5}]},
    "no winnings": {"winnings": None},
    "winnings that are a text": {"winnings": "5"},
    "no game": {"gameId": None},
    "a round that is a number": {"roundId": 1},
    "a flag that is false": {"hadBet": False},
}


@pytest.mark.parametrize("odd", ODD_ROUNDS.values(), ids=ODD_ROUNDS)
def test_a_round_that_another_program_has_spoiled_moves_nothing_and_says_why(
    operator: Operator, odd: dict[str, Any]
) -> None:
    answered(operator, "Bet")
    (item,) = rounds(operator)
    spoiled = {name: value for name, value in (item | odd).items() if value is not None}
    operator.database.Table("Rounds").put_item(Item=spoiled)

    with unchanged(operator), output() as printed:
        answered(operator, "Bet", 998, reference="Bet-2")
    assert '"reason":"what is known of the round is not of its form"' in printed.getvalue()


# --- An open round ----------------------------------------------------------------------------------


def test_a_round_is_open_from_its_first_bet_to_its_result(operator: Operator) -> None:
    answered(operator, "Bet")
    since = rounds(operator)[0]["openSince"]
    answered(operator, "Bet", reference="Bet-2")
    (item,) = rounds(operator)
    assert item["openSince"] == since
    assert "expiresAt" not in item

    answered(operator, "Result", amount="0")
    answered(operator, "Bet", reference="Bet-3", amount="5")

    (item,) = rounds(operator)
    assert "openSince" not in item
    assert item["expiresAt"] > 0


def test_a_round_whose_bets_are_all_cancelled_is_not_open(operator: Operator) -> None:
    answered(operator, "Bet")
    answered(operator, "Cancel")

    assert "openSince" not in rounds(operator)[0]


def test_a_round_that_cannot_be_read_takes_no_bet(operator: Operator) -> None:
    answered(operator, "Bet")
    (item,) = rounds(operator)
    of_bets = [
        {"bets": "none"},
        *({"bets": [bet]} for bet in ({"reference": "Bet-1"}, item["bets"][0] | {"bonusCode": None})),
    ]
    for wrong in (*of_bets, {"winnings": "much"}, {"gameId": 5}, {"hadBet": None}, {"refunded": False}):
        operator.database.Table("Rounds").put_item(Item=item | wrong)
        with unchanged(operator):
            answered(operator, "Bet", 998, reference="Bet-2")
    assert operator.clock.slept == 0


def test_a_bet_that_is_read_before_its_round_is_read_again(operator: Operator, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(40):
        answered(operator, "Bet", amount="0.1", reference=f"b-{number}")
    bet = record(operator, "bet#b-39")
    table = operator.database.Table("Transactions")
    table.delete_item(Key={"id": bet["id"]})
    monkeypatch.setattr(operator.clock, "sleep", lambda _: table.put_item(Item=bet))

    assert answered(operator, "Bet", amount="0.1", reference="b-39") == 21
