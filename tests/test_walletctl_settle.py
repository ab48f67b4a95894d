"""A cancel or a result that the provider never sends is settled by a person, once, under its own id."""

from typing import Any

import pytest

from conftest import Operator
from test_walletctl_cancels import cash, sent, settled
from walletctl import CANCEL, Walletctl, refusal, stake, undo, won

WHY = ("--reason", "ticket 9", "--yes")


@pytest.fixture
def bet(operator: Operator) -> Operator:
    """A player with 100, of whom 5 are staked on the round r."""
    operator.open_wallet("421", cash="100", bonus="0")
    assert sent(operator, "bet", stake("b")) == 0
    return operator


def told(walletctl: Walletctl, *arguments: str, status: int = 0) -> str:
    result = walletctl("settle", *arguments, *WHY)
    assert result.exit_code == status, result.output
    return " ".join(result.stdout.split())


def records(operator: Operator, id: str) -> list[dict[str, Any]]:
    return [item for item in operator.items("Transactions") if item["id"] == id]


def is_open(operator: Operator) -> bool:
    return any("openSince" in item for item in operator.items("Rounds"))


def test_a_cancel_that_never_came_pays_its_bet_back_once(walletctl: Walletctl, bet: Operator) -> None:
    first = told(walletctl, "cancel", "b")
    again = told(walletctl, "cancel", "b")

    assert "Settling it pays back 5 USD as cancel#b" in first
    assert first.endswith("Settled. The wallet is now at 100 USD, bonus 0")
    assert again.endswith("A replay: nothing was moved now. The wallet is now at 100 USD, bonus 0")
    (record,) = records(bet, "cancel#b")
    assert record["actor"]
    assert record["reason"] == "ticket 9"
    assert not is_open(bet)
    assert sent(bet, "cancel", undo("b")) == 0  # a replay
    assert cash(bet) == "100"
    assert walletctl("verify", "--all").output.endswith("No fault\n")


@pytest.mark.parametrize(("amount", "after"), [("12.50", "107.5"), ("0", "95")])
def test_a_result_that_never_came_closes_its_round_once(
    walletctl: Walletctl, bet: Operator, amount: str, after: str
) -> None:
    first = told(walletctl, "result", "r", amount, "--reference", "w")

    assert "live bets b (5 USD)" in first
    assert "cannot be read" not in first
    assert first.endswith(f"Settled. The wallet is now at {after} USD, bonus 0")
    (record,) = records(bet, "result#w")
    assert (record["gameId"], record["roundId"], record["reason"]) == ("g", "r", "ticket 9")
    assert "autoClosed" not in record
    assert not is_open(bet)
    assert sent(bet, "result", won("w", amount)) == 0  # a replay
    assert cash(bet) == after
    assert walletctl("verify", "--all").output.endswith("No fault\n")


def test_a_result_by_hand_with_another_amount_than_the_provider_s_is_a_conflict(
    walletctl: Walletctl, bet: Operator
) -> None:
    told(walletctl, "result", "r", "12.50", "--reference", "w")

    assert sent(bet, "result", won("w", "13")) == 61
    assert cash(bet) == "107.5"


def test_a_round_is_named_further_if_several_players_have_it(walletctl: Walletctl, bet: Operator) -> None:
    bet.open_wallet("422", cash="100", bonus="0")
    assert sent(bet, "bet", stake("b2", userId="422")) == 0

    asked = walletctl("settle", "result", "r", "7", "--reference", "w", *WHY)
    told(walletctl, "result", "r", "7", "--reference", "w", "--player", "422")

    assert "Name one: --player 421 --game g; --player 422 --game g. Nothing was settled" in refusal(asked)
    assert (cash(bet), cash(bet, "422")) == ("95", "102")


NOT_OPEN = ("--player", "421", "--game", "g", "--not-open")


def test_one_more_result_of_a_round_is_settled_only_if_a_person_says_so(walletctl: Walletctl, bet: Operator) -> None:
    assert sent(bet, "result", won("first", "1")) == 0

    asked = walletctl("settle", "result", "r", "7", "--reference", "second", *WHY)
    named = walletctl("settle", "result", "r", "7", "--reference", "second", "--player", "421", "--game", "g", *WHY)
    nobodys = walletctl("settle", "result", "r", "7", "--reference", "second", "--not-open", *WHY)
    assert cash(bet) == "96"
    done = told(walletctl, "result", "r", "7", "--reference", "second", *NOT_OPEN)

    for refused in (asked, named):
        assert "No round called r is open: nothing was settled" in refusal(refused)
    assert "--not-open needs --player and --game" in refusal(nobodys)
    assert "won so far 1 USD" in done
    assert "Played: its result came, with 1 live bet." in done
    assert cash(bet) == "103"


def test_the_same_command_again_is_a_replay_though_the_round_is_closed(walletctl: Walletctl, bet: Operator) -> None:
    told(walletctl, "result", "r", "12.50", "--reference", "w")

    again = told(walletctl, "result", "r", "12.50", "--reference", "w")

    assert again.endswith("A replay: nothing was moved now. The wallet is now at 107.5 USD, bonus 0")


def test_a_bet_s_reference_is_not_taken_for_its_result_s_without_a_word(walletctl: Walletctl, bet: Operator) -> None:
    said = walletctl("settle", "result", "r", "0", "--reference", "b", *WHY)

    assert "b is the reference of a bet. Has the result the same one?" in said.stderr


def test_what_a_round_has_won_is_shown_before_its_bet_is_paid_back(walletctl: Walletctl, bet: Operator) -> None:
    assert sent(bet, "result", won("w", "7")) == 0

    assert "won so far 7 USD" in told(walletctl, "cancel", "b")


def test_a_bet_that_took_nothing_is_not_paid_back(walletctl: Walletctl, bet: Operator) -> None:
    assert sent(bet, "bet", stake("huge", "1000")) == 15

    refused = walletctl("settle", "cancel", "huge", *WHY)
    absent = walletctl("settle", "cancel", "nobody's", *WHY)

    assert "The bet huge was refused, so nothing can be paid back" in refusal(refused)
    assert "The bet nobody's was never taken, so nothing can be paid back" in refusal(absent)
    assert cash(bet) == "95"
    assert records(bet, "cancel#huge") == records(bet, "cancel#nobody's") == []


def test_one_bet_of_a_round_with_winnings_is_paid_back_by_hand(walletctl: Walletctl, bet: Operator) -> None:
    assert sent(bet, "bet", stake("b2", "3")) == 0
    assert sent(bet, "result", won("w", "7")) == 0

    told(walletctl, "cancel", "b2")

    assert cash(bet) == "102"
    assert sent(bet, "cancel", undo("b2"), path=CANCEL) == 0
    assert cash(bet) == "102"


def test_what_its_function_refuses_is_not_settled(walletctl: Walletctl, bet: Operator) -> None:
    assert sent(bet, "result", won("w", "7")) == 0

    text = told(walletctl, "result", "r", "8", "--reference", "w", status=1)

    assert "It cannot be settled: error 61, " in text
    assert "To see why: walletctl find" in text
    assert cash(bet) == "102"


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (["cancel", "b"], "add --yes"),
        (["result", "r", "7", "--reference", "w"], "add --yes"),
        (["result", "r", "1e3", "--reference", "w", "--yes"], "AMOUNT must be an amount"),
        (["result", "r", "-7", "--reference", "w", "--yes"], "AMOUNT must be an amount"),
        (["result", "r", "7", "--reference", "\n", "--yes"], "--reference must be"),
    ],
)
def test_without_an_agreement_or_with_a_wrong_word_nothing_is_settled(
    walletctl: Walletctl, bet: Operator, arguments: list[str], why: str
) -> None:
    result = walletctl("settle", *arguments, "--reason", "ticket 9")

    assert why in " ".join(result.output.split())
    assert result.exit_code == 2
    assert cash(bet) == "95"
    assert is_open(bet)


def test_a_machine_reads_what_was_settled(walletctl: Walletctl, bet: Operator) -> None:
    answer = walletctl.json("settle", "cancel", "b", *WHY)

    assert (answer["outcome"], answer["answer"]["movements"]) == ("settled", [{"id": "cancel#b", "amount": "5"}])


def test_a_dead_letter_of_the_same_cancel_is_then_a_replay(walletctl: Walletctl, bet: Operator) -> None:
    assert sent(bet, "result", won("w", "7")) == 0
    assert sent(bet, "cancel", undo("b")) == 61

    told(walletctl, "cancel", "b")

    assert "pays back nothing" in settled(walletctl, "b")
    assert cash(bet) == "107"
