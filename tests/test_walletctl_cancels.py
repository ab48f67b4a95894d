"""Cancels and refunds that were kept, and results that a round refuses: what a person is advised, and settles."""

from typing import Any

import pytest

from conftest import Operator
from walletctl import CANCEL, PORT, REFUND, Walletctl, stake, undo, won

WHY = ("--reason", "ticket 9", "--yes")


def advised(walletctl: Walletctl, reference: str, *arguments: str) -> str:
    result = walletctl("parked", "show", reference, *arguments)
    assert result.exit_code == 0, result.output
    return " ".join(result.stdout.split()).replace(f" --port {PORT}", "")


def settled(walletctl: Walletctl, reference: str, *more: str, status: int = 0) -> str:
    result = walletctl("parked", "settle", reference, *more, *WHY)
    assert result.exit_code == status, result.output
    return " ".join(result.stdout.split())


def cash(operator: Operator, player: str = "421") -> str:
    return str(operator.wallet(player)["cash"])


def sent(operator: Operator, callback: str, body: dict[str, Any], path: str = CANCEL) -> int:
    return operator.send(callback, body, path=path).json["error"]


def kept(operator: Operator, queue: str = "CancelDeadLetters") -> list[tuple[str, str, int]]:
    return [(each["call"], each["reference"], each["code"]) for each in operator.messages(queue)]


@pytest.fixture
def bet(operator: Operator) -> Operator:
    """A player with 100, of whom 5 are staked on the round r."""
    operator.open_wallet("421", cash="100", bonus="0")
    assert sent(operator, "bet", stake("b")) == 0
    return operator


# --- A round with winnings --------------------------------------------------------------------------


@pytest.fixture
def won_round(bet: Operator) -> Operator:
    assert sent(bet, "result", won("w", "7")) == 0
    assert sent(bet, "cancel", undo("b")) == 61
    return bet


def test_a_cancel_of_a_round_that_won_is_advised_and_paid_back_by_a_person(
    walletctl: Walletctl, won_round: Operator
) -> None:
    told = advised(walletctl, "b")

    assert kept(won_round) == [("cancel", "b", 61)]
    assert "call cancel" in told
    assert "The round has won, so nothing was paid back. A retry is refused again. Ask the provider which" in told
    assert "If the stake is to be paid back all the same, pay it back: walletctl parked settle b cancel" in told
    assert "If it is not, discard the dead letter: walletctl parked discard cancel b" in told
    assert "Settling it pays back 5 USD as cancel#b" in settled(walletctl, "b")
    assert cash(won_round) == "107"
    assert kept(won_round) == []
    assert sent(won_round, "cancel", undo("b")) == 0


def test_a_cancel_that_was_booked_elsewhere_pays_nothing_and_ends_the_bet(
    walletctl: Walletctl, won_round: Operator
) -> None:
    assert "records cancel#b as booked elsewhere" in settled(walletctl, "b", "--booked-elsewhere")

    assert cash(won_round) == "102"
    assert won_round.items("Rounds")[0]["bets"] == []
    assert walletctl.json("find", "cancel#b")["transactions"][0]["outcome"] == "booked elsewhere"
    assert "Booked elsewhere: the stake was paid back by other means" in walletctl("find", "cancel#b").stdout


def test_a_refund_of_a_round_that_won_is_paid_back_by_a_person(walletctl: Walletctl, bet: Operator) -> None:
    assert sent(bet, "bet", stake("c", "3")) == 0
    assert sent(bet, "result", won("w", "7")) == 0
    assert sent(bet, "cancel", undo("own"), REFUND) == 61

    told = settled(walletctl, "own")

    assert "pays back 5 USD as cancel#b Settling it pays back 3 USD as cancel#c" in told
    assert "records bet#own as cancelled: if that bet comes, it is refused" in told
    assert cash(bet) == "107"


def test_a_person_who_settles_is_told_that_the_player_is_frozen(walletctl: Walletctl, won_round: Operator) -> None:
    order = {"userId": "421", "actor": "ana", "reason": "a break"}
    assert won_round.invoke("cashier", {"freeze": order})["error"] == 0

    told = settled(walletctl, "b")

    assert "The player is frozen since" in told
    assert "by ana: a break" in told
    assert cash(won_round) == "107"


# --- What names something else ----------------------------------------------------------------------


def test_a_cancel_with_another_amount_is_paid_back_by_what_was_taken(walletctl: Walletctl, bet: Operator) -> None:
    assert sent(bet, "cancel", undo("b", amount="4")) == 59

    assert "It names another amount than was taken, or one that cannot be read, so nothing was" in advised(
        walletctl, "b"
    )
    assert "pays back 5 USD as cancel#b" in settled(walletctl, "b")
    assert cash(bet) == "100"


@pytest.mark.parametrize("faulty", [{"amount": "4"}, {"providerId": None}], ids=["another amount", "a missing field"])
def test_a_cancel_that_came_again_as_it_should_owes_nothing_more(
    walletctl: Walletctl, bet: Operator, faulty: dict[str, Any]
) -> None:
    assert sent(bet, "cancel", undo("b", **faulty)) != 0
    assert sent(bet, "cancel", undo("b")) == 0

    told = advised(walletctl, "b")

    assert "The bet that it names is on record as paid back, so nothing more is owed for it." in told
    assert "Discard the dead letter: walletctl parked discard cancel b" in told
    assert "settle" not in told
    found = walletctl("find", "b").stdout
    assert "There is a dead letter of that name as well:" in found
    assert "nothing more is owed for it." in found
    assert "pays back nothing: nothing is held" in settled(walletctl, "b")
    assert cash(bet) == "100"


def test_a_refund_that_came_again_as_it_should_is_not_advised_to_be_adjusted(
    walletctl: Walletctl, bet: Operator
) -> None:
    assert sent(bet, "cancel", undo("b", gameId=None), REFUND) == 64
    assert sent(bet, "cancel", undo("b"), REFUND) == 0

    assert "walletctl adjust" not in advised(walletctl, "b")
    assert cash(bet) == "100"


def test_another_player_s_cancel_of_a_bet_that_was_paid_back_is_still_another_player_s(
    walletctl: Walletctl, bet: Operator
) -> None:
    bet.open_wallet("422", cash="50", bonus="0")
    assert sent(bet, "cancel", undo("b", userId="422")) == 61
    assert sent(bet, "cancel", undo("b")) == 0

    assert "The bet is another player's." in advised(walletctl, "b")


def test_a_cancel_that_names_another_round_is_paid_back_by_a_person(walletctl: Walletctl, bet: Operator) -> None:
    assert sent(bet, "cancel", undo("b", roundId="other")) == 61

    assert "The bet is on record in another round or game, so nothing was paid back." in advised(walletctl, "b")
    settled(walletctl, "b")
    assert cash(bet) == "100"


def test_a_cancel_of_another_player_s_bet_can_only_be_discarded(walletctl: Walletctl, bet: Operator) -> None:
    bet.open_wallet("422", cash="50", bonus="0")
    assert sent(bet, "cancel", undo("b", userId="422")) == 61

    told = advised(walletctl, "b")

    assert "The bet is another player's. Nobody can pay it back by this. Ask the provider." in told
    assert "parked settle" not in told
    assert "adjust" not in told
    refused = settled(walletctl, "b", status=1)
    assert "It cannot be settled: error 61" in refused
    assert "The bet is another player's. Discard the dead letter:" in refused
    assert (cash(bet), cash(bet, "422")) == ("95", "50")


def test_a_refund_that_names_another_round_s_bet_is_not_advised_to_be_settled(
    walletctl: Walletctl, bet: Operator
) -> None:
    assert sent(bet, "bet", stake("c", "3", roundId="other")) == 0
    assert sent(bet, "cancel", undo("c"), REFUND) == 61

    told = advised(walletctl, "c")

    assert "A retry is refused again. Ask the provider whether the stake is owed." in told
    assert "parked settle" not in told
    assert settled(walletctl, "c", status=1)
    assert cash(bet) == "92"


def test_a_cancel_of_an_expired_round_is_paid_by_an_adjustment_of_the_stake(
    walletctl: Walletctl, bet: Operator
) -> None:
    bet.database.Table("Rounds").delete_item(Key={"userId": "421", "round": "1:gr"})
    assert sent(bet, "cancel", undo("b")) == 61

    told = advised(walletctl, "b")

    assert "The round of this bet is not on record any more" in told
    line = "walletctl adjust 421 5 --reference 'cancel#b' --reason '…'"
    assert f"If the stake is owed and does not come, adjust the wallet by hand: {line}" in told
    assert walletctl("adjust", "421", "5", "--reference", "cancel#b", *WHY).exit_code == 0
    assert "Do not pay it again." in advised(walletctl, "b")
    assert cash(bet) == "100"


# --- A refund of an unknown round -------------------------------------------------------------------


def test_a_refund_of_an_unknown_round_is_left_for_a_person_and_not_sent_back_by_all(
    walletctl: Walletctl, operator: Operator
) -> None:
    assert sent(operator, "cancel", undo("own"), REFUND) == 0

    told = advised(walletctl, "own")

    assert kept(operator) == [("refund", "own", 0)]
    assert "No bet of this round is on record, so nothing was paid back" in told
    assert "adjust the wallet by hand: walletctl adjust 421 AMOUNT --reference 'cancel#own'" in told
    assert "Then, or if nothing is owed, discard the dead letter:" in told
    assert "redrive" not in told
    again = walletctl("parked", "redrive", "cancel", "--all").stdout
    assert "1 reference left: the provider has its answer, so a retry would only delete it" in again
    assert len(kept(operator)) == 1
    assert "the provider has its answer" in walletctl("parked", "list").stdout
    found = " ".join(walletctl("find", "own").stdout.split())
    assert "Cancelled before it came" in found
    assert "There is a dead letter of that name as well, which is not paid back:" in found


# --- Kept, and tried again --------------------------------------------------------------------------


def test_a_refund_for_a_player_without_a_wallet_is_foreseen_without_one(
    walletctl: Walletctl, operator: Operator
) -> None:
    assert sent(operator, "cancel", undo("own", userId="nobody"), REFUND) == 62

    assert "The wallet of nobody: there is none" in walletctl("parked", "settle", "own").stdout


def test_a_cancel_and_a_refund_of_one_reference_are_two_things(walletctl: Walletctl, won_round: Operator) -> None:
    assert sent(won_round, "cancel", undo("b"), REFUND) == 61

    refused = walletctl.refused("parked", "settle", "b", *WHY)

    assert "b has dead letters that ask for different things: settle each by its message id" in refused


def test_a_cancel_without_what_its_call_needs_is_settled_as_far_as_it_can_be_read(
    walletctl: Walletctl, bet: Operator
) -> None:
    assert sent(bet, "cancel", undo("b", providerId=None)) == 64

    assert "If it is owed as it is, pay it as far as it can be read: walletctl parked settle b cancel" in advised(
        walletctl, "b"
    )
    assert "leaves out what cannot be read (Mandatory field is absent or empty: providerId)" in settled(walletctl, "b")
    assert cash(bet) == "100"


def test_a_refund_without_its_game_cannot_be_read_as_a_cancel(walletctl: Walletctl, bet: Operator) -> None:
    assert sent(bet, "cancel", undo("b", gameId=None), REFUND) == 64

    told = advised(walletctl, "b")

    assert "walletctl adjust 421 5 --reference 'cancel#b'" in told
    assert "parked settle" not in told
    assert settled(walletctl, "b", status=1)
    assert cash(bet) == "95"


def test_a_cancel_that_could_not_be_written_is_sent_back_once_its_cause_is_gone(
    walletctl: Walletctl, bet: Operator
) -> None:
    from walletctl import parked

    walletctl.leave("CancelDeadLetters", parked("cancel", undo("b"), call="cancel", code=998, reason="throttled"))

    assert "Once the cause in its reason is gone, send it back: walletctl parked redrive cancel b" in advised(
        walletctl, "b"
    )
    assert walletctl("parked", "redrive", "cancel", "b").exit_code == 0
    assert kept(bet, "CancelRetryQueue") == [("cancel", "b", 998)]


# --- A result that its round refuses ----------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "why"),
    [(CANCEL, "Every bet of the round was cancelled"), (REFUND, "The round was refunded")],
)
@pytest.mark.parametrize("is_elsewhere", [False, True])
def test_a_win_that_its_round_refuses_is_advised_and_paid_by_a_person(
    walletctl: Walletctl, bet: Operator, path: str, why: str, is_elsewhere: bool
) -> None:
    assert sent(bet, "cancel", undo("b"), path) == 0
    assert sent(bet, "result", won("w", "7")) == 61

    told = advised(walletctl, "w")

    assert f"{why}, so a win of it is refused. A retry is refused again. Ask the provider which is right." in told
    assert "If the win is owed all the same, pay it: walletctl parked settle w result" in told
    assert "If it is not owed, discard the dead letter: walletctl parked discard result w" in told
    settled(walletctl, "w", *(["--booked-elsewhere"] if is_elsewhere else []))
    assert cash(bet) == ("100" if is_elsewhere else "107")


def test_a_win_under_a_used_reference_is_still_not_settled(walletctl: Walletctl, bet: Operator) -> None:
    assert sent(bet, "result", won("w", "7")) == 0
    assert sent(bet, "result", won("w", "8")) == 61

    assert "The reference is on record with other content." in advised(walletctl, "w")
    assert settled(walletctl, "w", status=1)
