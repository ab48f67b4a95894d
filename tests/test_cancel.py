"""Cancel and Refund: what a bet took is paid back once, and a cancelled bet is never taken."""

import json
from decimal import Decimal
from typing import Any

import pytest

from conftest import Operator
from expectations import metrics, output, unchanged
from plays import answered, before, body, cash, live, play, record, rounds

REFUND: dict[str, Any] = {"reference": "refund-1", "gameId": "slot", "roundId": "r-1"}


@pytest.fixture(autouse=True)
def _wallets(operator: Operator) -> None:
    operator.open_wallet(cash="100", bonus="5")
    operator.open_wallet("7", cash="50")


def kept(operator: Operator) -> list[dict[str, Any]]:
    """What is left for a person."""
    assert not operator.messages("CancelRetryQueue")
    return operator.messages("CancelDeadLetters")


def decide(operator: Operator, **decision: Any) -> dict[str, Any]:
    """What a person makes of the newest dead letter."""
    function = "cancel" if kept(operator) else "result"
    message = json.dumps(operator.messages(f"{function.title()}DeadLetters")[-1])
    return operator.invoke(function, {"settle": {"message": message, "actor": "ann", "reason": "asked"} | decision})


# --- One bet ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("call", ["Cancel", "Refund"])
def test_a_cancelled_bet_is_paid_back_once_by_whatever_path(operator: Operator, call: str) -> None:
    answered(operator, "Bet")

    first, again, other = play(operator, call), play(operator, "Cancel", uuid="2"), play(operator, "Refund")

    assert first.text == again.text == other.text
    assert [*first.json] == ["transactionId", "currency", "cash", "bonus", "error", "description"]
    assert cash(operator) == 100
    paid_back = record(operator, "cancel#Bet-1")
    assert (paid_back["amount"], paid_back["amountAsked"], paid_back["seq"]) == (10, 10, 3)
    assert (paid_back["gameId"], paid_back["roundId"]) == ("slot", "r-1")
    assert paid_back["transactionId"] == first.json["transactionId"] != record(operator, "bet#Bet-1")["transactionId"]
    assert live(operator) == []


def test_a_cancel_needs_no_more_than_its_bets_reference(operator: Operator) -> None:
    answered(operator, "Bet")

    assert answered(operator, "Cancel", currency=None) == 100
    assert json.loads(record(operator, "cancel#Bet-1")["request"])["reference"] == "Bet-1"


def test_a_cancel_that_names_no_round_takes_a_second_read(operator: Operator, monkeypatch: pytest.MonkeyPatch) -> None:
    answered(operator, "Bet")

    with before(monkeypatch, "BatchGetItem", lambda: None) as asked:
        answered(operator, "Cancel")
    assert asked == ["BatchGetItem", "BatchGetItem", "TransactWriteItems"]


def test_a_cancel_that_names_its_round_takes_one_read_and_one_write(
    operator: Operator, monkeypatch: pytest.MonkeyPatch
) -> None:
    answered(operator, "Bet")

    with before(monkeypatch, "BatchGetItem", lambda: None) as asked:
        answered(operator, "Cancel", gameId="slot", roundId="r-1")
    assert asked == ["BatchGetItem", "TransactWriteItems"]


def test_a_cancelled_free_round_pays_nothing_back_and_is_not_live(operator: Operator) -> None:
    answered(operator, "Bet", bonusCode="FREE")

    assert answered(operator, "Cancel", amount="3") == 100
    paid_back = record(operator, "cancel#Bet-1")
    assert (paid_back["amount"], paid_back["bonusCode"], paid_back["seq"]) == (0, "FREE", 3)
    assert live(operator) == []


def test_a_cancelled_bet_leaves_the_rounds_other_bet_alone(operator: Operator) -> None:
    answered(operator, "Bet")
    answered(operator, "Bet", reference="Bet-2", amount="20")

    assert answered(operator, "Cancel") == 80
    assert live(operator) == ["Bet-2"]


def test_the_cancel_of_a_refused_bet_has_nothing_to_do(operator: Operator) -> None:
    answered(operator, "Bet", 15, amount="101")

    with unchanged(operator):
        assert answered(operator, "Cancel", amount="101") == 100
    assert not kept(operator)


@pytest.mark.parametrize(("sent", "error"), [("10.0", 0), (10, 0), ("9.99", 59), ("0", 59), ("ten", 59)])
def test_an_amount_must_be_what_was_taken(operator: Operator, sent: Any, error: int) -> None:
    answered(operator, "Bet")

    answered(operator, "Cancel", error, amount=sent)

    assert cash(operator) == (90 if error else 100)
    assert [letter["code"] for letter in kept(operator)] == ([59] if error else [])


def test_the_currency_is_only_recorded(operator: Operator) -> None:
    answered(operator, "Bet")

    assert answered(operator, "Cancel", currency="EUR") == 100


@pytest.mark.parametrize("change", [{"userId": "7"}, {"roundId": "r-2"}, {"gameId": "dice"}])
@pytest.mark.parametrize("call", ["Cancel", "Refund"])
def test_a_cancel_that_contradicts_its_bet_is_left_for_a_person(
    operator: Operator, call: str, change: dict[str, str]
) -> None:
    answered(operator, "Bet")
    changed = change if call == "Cancel" else {"gameId": "slot", "roundId": "r-1"} | change

    with unchanged(operator), output() as printed:
        answered(operator, call, 61, **changed)
    assert [letter["code"] for letter in kept(operator)] == [61]
    assert kept(operator)[0]["call"] == call.lower()
    assert metrics(printed, "Conflict")


# --- A bet that is not known ------------------------------------------------------------------------


def test_an_unknown_bet_is_remembered_and_nothing_is_kept(operator: Operator) -> None:
    with output() as printed:
        assert answered(operator, "Cancel", gameId="slot", roundId="r-1", amount="3") == 100

    memory = record(operator, "bet#Bet-1")
    assert (memory["outcome"], memory["amount"], memory["userId"]) == ("cancelled", 0, "421")
    assert not memory.keys() & {"seq", "digest", "amountAsked", "cashAfter"}
    assert not kept(operator)
    assert metrics(printed, "CancelRemembered")
    assert not metrics(printed, "PaidBack")
    with unchanged(operator):
        answered(operator, "Cancel")


def test_the_cancel_of_an_unknown_bet_never_touches_a_live_one(operator: Operator) -> None:
    answered(operator, "Bet", reference="Bet-2", amount="20")

    assert answered(operator, "Cancel", gameId="slot", roundId="r-1", amount="20") == 80
    assert live(operator) == ["Bet-2"]
    assert answered(operator, "Result", amount="30") == 110


def test_an_unknown_bet_of_an_unknown_player_is_remembered_and_answered_62(operator: Operator) -> None:
    with output() as printed:
        answered(operator, "Cancel", 62, userId="new")

    assert record(operator, "bet#Bet-1")["outcome"] == "cancelled"
    assert not kept(operator)
    assert '"level":"ERROR"' not in printed.getvalue()
    operator.open_wallet("new", cash="50")
    answered(operator, "Bet", 53, userId="new")


def test_a_bet_whose_answer_was_lost_is_paid_back_by_the_cancel_that_overtakes_it(
    operator: Operator, monkeypatch: pytest.MonkeyPatch
) -> None:
    with before(monkeypatch, "TransactWriteItems", lambda: answered(operator, "Bet")):
        assert answered(operator, "Cancel") == 100

    assert record(operator, "cancel#Bet-1")["amount"] == 10
    assert live(operator) == []


def test_a_bet_that_is_being_written_when_its_cancel_is_done_is_not_taken(
    operator: Operator, monkeypatch: pytest.MonkeyPatch
) -> None:
    with before(monkeypatch, "TransactWriteItems", lambda: answered(operator, "Cancel")):
        answered(operator, "Bet", 53)

    assert cash(operator) == 100


def test_a_cancel_before_between_and_after_its_bets_deliveries_leaves_no_stake(operator: Operator) -> None:
    for call, error in (("Cancel", 0), ("Bet", 53), ("Cancel", 0), ("Bet", 53), ("Cancel", 0)):
        answered(operator, call, error)
    for call, error in (("Bet", 0), ("Cancel", 0), ("Bet", 53), ("Cancel", 0), ("Bet", 53)):
        answered(operator, call, error, reference="Bet-2")

    assert cash(operator) == 100


def test_two_cancels_at_once_pay_back_once(operator: Operator, monkeypatch: pytest.MonkeyPatch) -> None:
    answered(operator, "Bet")

    with before(monkeypatch, "TransactWriteItems", lambda: answered(operator, "Refund", reference="Bet-1")):
        assert answered(operator, "Cancel") == 100

    assert operator.wallet()["version"] == 3


# --- The round's winnings ---------------------------------------------------------------------------


def test_the_only_live_bet_of_a_round_that_has_won_is_not_paid_back(operator: Operator) -> None:
    answered(operator, "Bet")
    answered(operator, "Result", amount="5")

    with unchanged(operator):
        answered(operator, "Cancel", 61)
    assert [letter["code"] for letter in kept(operator)] == [61]


def test_a_lost_round_may_be_cancelled(operator: Operator) -> None:
    answered(operator, "Bet")
    answered(operator, "Result", amount="0")

    assert answered(operator, "Cancel") == 100


def test_a_win_then_a_second_bet_then_its_cancel_pays_the_second_back(operator: Operator) -> None:
    answered(operator, "Bet")
    answered(operator, "Result", amount="5")
    answered(operator, "Bet", reference="Bet-2", amount="20")

    assert answered(operator, "Cancel", reference="Bet-2") == 95
    answered(operator, "Cancel", 61)


def test_a_cancelled_round_wins_nothing_and_its_result_is_left_for_a_person(operator: Operator) -> None:
    answered(operator, "Bet")
    answered(operator, "Cancel")

    with unchanged(operator):
        answered(operator, "Result", 61)
    assert [letter["code"] for letter in operator.messages("ResultDeadLetters")] == [61]
    assert answered(operator, "Result", reference="Result-2", amount="0") == 100


def test_a_cancel_that_names_its_round_before_the_bet_comes_forbids_its_result(operator: Operator) -> None:
    answered(operator, "Cancel", gameId="slot", roundId="r-1")

    answered(operator, "Result", 61)


@pytest.mark.parametrize("named", [{}, {"roundId": "r-1"}, {"gameId": "slot"}])
def test_a_cancel_that_does_not_name_its_round_forbids_no_result(operator: Operator, named: dict[str, str]) -> None:
    answered(operator, "Cancel", **named)

    assert answered(operator, "Result") == 110


def test_a_round_without_any_bet_on_record_is_paid(operator: Operator) -> None:
    assert answered(operator, "Result") == 110


def test_bets_refused_for_lack_of_money_forbid_no_result(operator: Operator) -> None:
    answered(operator, "Bet", 15, amount="101")
    answered(operator, "Cancel")

    assert answered(operator, "Result") == 110


def test_a_result_that_meets_the_cancel_of_its_bet_is_not_paid(
    operator: Operator, monkeypatch: pytest.MonkeyPatch
) -> None:
    answered(operator, "Bet")

    with before(monkeypatch, "TransactWriteItems", lambda: answered(operator, "Cancel")):
        answered(operator, "Result", 61)
    assert cash(operator) == 100


# --- A whole round ----------------------------------------------------------------------------------


@pytest.mark.parametrize("reference", ["refund-1", "Bet-1", "Bet-2"])
def test_a_refund_pays_back_all_live_bets_of_its_round_whatever_it_names(operator: Operator, reference: str) -> None:
    answered(operator, "Bet")
    answered(operator, "Bet", reference="Bet-2", amount="20")
    answered(operator, "Bet", reference="Bet-3", roundId="r-2", amount="30")

    for _ in range(2):
        assert answered(operator, "Refund", **REFUND | {"reference": reference}) == 70
    assert [record(operator, f"cancel#Bet-{number}")["amount"] for number in (1, 2)] == [10, 20]
    assert live(operator) == []
    assert live(operator, "r-2") == ["Bet-3"]
    answered(operator, "Bet", 53, reference="Bet-4")
    answered(operator, "Result", 61)
    assert answered(operator, "Result", reference="Result-2", amount="0") == 70


def test_a_refund_is_one_transaction_whose_request_is_kept_once(operator: Operator) -> None:
    answered(operator, "Bet")
    answered(operator, "Bet", reference="Bet-2", amount="20")
    answered(operator, "Refund", **REFUND)

    first, second, memory = (record(operator, id) for id in ("cancel#Bet-1", "cancel#Bet-2", "bet#refund-1"))
    assert (first["seq"], second["seq"], memory["outcome"]) == (4, 5, "cancelled")
    assert json.loads(first["request"])["reference"] == "refund-1"
    assert second["arrivedWith"] == memory["arrivedWith"] == "cancel#Bet-1"
    assert not {"request", "arrivedWith"} & (second.keys() - {"arrivedWith"})


def test_forty_bets_are_refunded_at_once(operator: Operator) -> None:
    for number in range(40):
        answered(operator, "Bet", amount="1", reference=f"b-{number}")

    assert answered(operator, "Refund", **REFUND, amount="40") == 100


def test_a_refund_by_its_own_reference_sent_again_after_a_later_bet_changes_nothing(operator: Operator) -> None:
    answered(operator, "Bet")
    answered(operator, "Refund", **REFUND)
    answered(operator, "Bet", 53, reference="Bet-2")

    with unchanged(operator):
        assert answered(operator, "Refund", **REFUND) == 100


def test_a_cancel_of_one_bet_then_a_refund_of_its_round_under_the_same_reference_pays_back_the_other(
    operator: Operator,
) -> None:
    answered(operator, "Bet")
    answered(operator, "Bet", reference="Bet-2", amount="20")
    assert answered(operator, "Cancel") == 80

    assert answered(operator, "Refund", **REFUND | {"reference": "Bet-1"}) == 100
    assert record(operator, "cancel#Bet-2")["amount"] == 20


def test_a_refund_that_pays_nothing_back_and_marks_its_round_says_so(operator: Operator) -> None:
    answered(operator, "Bet")
    answered(operator, "Cancel")
    with output() as first:
        answered(operator, "Refund", **REFUND | {"reference": "Bet-1"})
    with output() as again:
        answered(operator, "Refund", **REFUND | {"reference": "Bet-1"})

    assert '"message":"round refunded"' in first.getvalue()
    assert not metrics(first, "Replayed")
    assert '"message":"replayed"' in again.getvalue()
    answered(operator, "Result", 61)


def test_a_refund_of_a_cancel_that_came_first_asks_nobody_though_its_round_has_expired(operator: Operator) -> None:
    answered(operator, "Cancel", gameId="slot", roundId="r-1")
    (item,) = operator.items("Rounds")
    operator.database.Table("Rounds").delete_item(Key={name: item[name] for name in ("userId", "round")})

    answered(operator, "Refund", **REFUND | {"reference": "Bet-1"})

    assert not kept(operator)


def test_a_round_that_has_won_is_not_refunded_and_nothing_is_marked(operator: Operator) -> None:
    answered(operator, "Bet")
    answered(operator, "Result", amount="5")
    answered(operator, "Bet", reference="Bet-2", amount="20")

    with unchanged(operator):
        answered(operator, "Refund", 61, **REFUND)
    assert [letter["code"] for letter in kept(operator)] == [61]


@pytest.mark.parametrize(("sent", "error"), [("30", 0), ("10", 59), ("0", 59)])
def test_a_refunds_amount_must_be_the_sum_of_what_is_paid_back(operator: Operator, sent: str, error: int) -> None:
    answered(operator, "Bet")
    answered(operator, "Bet", reference="Bet-2", amount="20")

    answered(operator, "Refund", error, **REFUND, amount=sent)

    assert cash(operator) == (70 if error else 100)
    assert [letter["code"] for letter in kept(operator)] == ([59] if error else [])
    assert ("refunded" in rounds(operator)[0]) == (not error)


def test_the_refund_of_a_round_nobody_knows_is_left_for_a_person_once(operator: Operator) -> None:
    with output() as printed:
        assert answered(operator, "Refund", **REFUND) == 100
    assert metrics(printed, "RefundUnknown")
    with unchanged(operator):
        answered(operator, "Refund", **REFUND)
    answered(operator, "Refund", **REFUND | {"reference": "refund-2"})

    (letter,) = kept(operator)
    assert (letter["code"], letter["call"], letter["prize_only"]) == (0, "refund", False)
    assert rounds(operator)[0]["refunded"] is True
    answered(operator, "Bet", 53)
    answered(operator, "Bet", 53, reference="refund-1", roundId="r-2")


def test_the_refund_of_a_round_that_is_known_by_a_refused_bet_is_not_left_for_a_person(operator: Operator) -> None:
    answered(operator, "Bet", 15, amount="101")

    assert answered(operator, "Refund", **REFUND) == 100
    assert not kept(operator)


def test_a_refund_that_cannot_be_left_for_a_person_is_not_done(
    operator: Operator, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails() -> None:
        raise ConnectionError

    with unchanged(operator), before(monkeypatch, "SendMessage", fails):
        answered(operator, "Refund", 998, **REFUND)


def test_the_refund_of_an_unknown_round_of_an_unknown_player_is_left_for_a_person(operator: Operator) -> None:
    answered(operator, "Refund", 62, **REFUND, userId="new")
    answered(operator, "Refund", 62, **REFUND, userId="new")

    assert [letter["code"] for letter in kept(operator)] == [0]


@pytest.mark.parametrize("change", [{"roundId": "r-2"}, {"gameId": "dice"}, {"userId": "7"}])
def test_a_refund_that_names_another_rounds_bet_is_left_for_a_person(
    operator: Operator, change: dict[str, str]
) -> None:
    answered(operator, "Bet")
    answered(operator, "Bet", reference="Bet-2", **change)

    with unchanged(operator):
        answered(operator, "Refund", 61, **REFUND | {"reference": "Bet-2"})
    assert [letter["code"] for letter in kept(operator)] == [61]


def test_a_refund_of_a_round_needs_its_game(operator: Operator) -> None:
    with unchanged(operator):
        reply = play(operator, "Refund", roundId="r-1", amount="ten")

    assert (reply.json["error"], "gameId" in reply.json["description"]) == (64, True)
    assert [letter["code"] for letter in kept(operator)] == [64]


# --- A free round's result --------------------------------------------------------------------------


def test_a_free_bets_result_without_a_code_counts_as_its_free_round_and_the_total_pays_the_rest(
    operator: Operator,
) -> None:
    answered(operator, "Bet", bonusCode="FREE")
    assert answered(operator, "Result", amount="7", sessionId=None) == 107
    assert record(operator, "result#Result-1")["bonusCode"] == "FREE"

    total = {"userId": "421", "amount": "9", "reference": "t-1", "providerId": "p", "timestamp": "1", "gameId": "slot"}
    reply = operator.send("bonus", total | {"hash": "0", "bonusCode": "FREE"})

    assert Decimal(reply.json["cash"]) == 109
    with unchanged(operator):
        assert answered(operator, "Result", amount="7") == 109


def test_a_result_that_meets_the_free_bet_of_its_round_reads_what_is_known_of_its_code(
    operator: Operator, monkeypatch: pytest.MonkeyPatch
) -> None:
    answered(operator, "Result", reference="Result-0", roundId="r-0", bonusCode="FREE")
    operator.handler("bet")
    with before(monkeypatch, "TransactWriteItems", lambda: answered(operator, "Bet", bonusCode="FREE")) as asked:
        answered(operator, "Result", amount="5")

    assert operator.uncovered("FREE") == 15
    assert asked.count("TransactWriteItems") == 3, "the bet's, and two of the result"


@pytest.mark.parametrize("codes", [("FREE", None), ("FREE", "MORE"), (None, None)])
def test_a_result_in_a_round_of_several_codes_counts_towards_none(
    operator: Operator, codes: tuple[str | None, ...]
) -> None:
    for number, code in enumerate(codes):
        answered(operator, "Bet", reference=f"b-{number}", bonusCode=code, amount="1")
    answered(operator, "Result")

    assert "bonusCode" not in record(operator, "result#Result-1")
    assert not operator.items("FreeRounds")


def test_a_results_own_code_decides(operator: Operator) -> None:
    answered(operator, "Bet", bonusCode="FREE")
    answered(operator, "Result", bonusCode="MORE")

    assert [item["bonusCode"] for item in operator.items("FreeRounds")] == ["MORE"]


def test_a_round_that_is_closed_after_it_has_won_is_counted(operator: Operator) -> None:
    answered(operator, "Bet")
    with output() as printed:
        answered(operator, "Result", sessionId=None)
    assert not metrics(printed, "ClosedWithWinnings")
    with output() as printed:
        assert answered(operator, "Result", sessionId=None, reference="Result-2") == 110
    assert metrics(printed, "ClosedWithWinnings")


# --- What is not of one moment ----------------------------------------------------------------------


def test_a_bet_whose_round_has_expired_is_left_for_a_person(operator: Operator) -> None:
    answered(operator, "Bet")
    (item,) = rounds(operator)
    operator.database.Table("Rounds").delete_item(Key={"userId": "421", "round": item["round"]})

    with unchanged(operator):
        answered(operator, "Cancel", 61)
        answered(operator, "Refund", 61, **REFUND | {"reference": "Bet-1"})
    assert [letter["code"] for letter in kept(operator)] == [61, 61]


def test_a_round_that_expires_between_read_and_write_begins_again(
    operator: Operator, monkeypatch: pytest.MonkeyPatch
) -> None:
    answered(operator, "Bet")
    answered(operator, "Cancel")
    (item,) = rounds(operator)
    table = operator.database.Table("Rounds")

    def expires() -> None:
        table.delete_item(Key={"userId": "421", "round": item["round"]})

    with before(monkeypatch, "TransactWriteItems", expires) as asked:
        assert answered(operator, "Bet", reference="Bet-2") == 90
    assert asked.count("TransactWriteItems") == 2
    assert live(operator) == ["Bet-2"]


def test_a_bet_that_is_read_before_its_round_is_read_again(operator: Operator, monkeypatch: pytest.MonkeyPatch) -> None:
    answered(operator, "Bet")
    (item,) = rounds(operator)
    table = operator.database.Table("Rounds")
    table.delete_item(Key={"userId": "421", "round": item["round"]})
    operator.handler("cancel")

    def passes(seconds: float) -> None:
        operator.clock.now += seconds
        if operator.clock.now > 1000.1:
            table.put_item(Item=item)

    monkeypatch.setattr(operator.clock, "sleep", passes)
    assert answered(operator, "Cancel", gameId="slot", roundId="r-1") == 100


# --- What a person decides --------------------------------------------------------------------------


def test_a_person_pays_back_a_bet_whose_round_has_won(operator: Operator) -> None:
    answered(operator, "Bet")
    answered(operator, "Result", amount="5")
    answered(operator, "Cancel", 61, amount="10")

    assert decide(operator, dryRun=True)["movements"] == [{"id": "cancel#Bet-1", "amount": "10"}]
    answer = decide(operator)

    assert (answer["error"], answer["cash"]) == (0, "105")
    assert record(operator, "cancel#Bet-1")["actor"] == "ann"
    assert live(operator) == []
    with unchanged(operator):
        assert answered(operator, "Cancel", amount="10") == 105
        assert decide(operator)["error"] == 0
        assert decide(operator, bookedElsewhere=True)["error"] == 61


def test_a_stake_that_was_booked_elsewhere_is_not_paid_back_and_not_live(operator: Operator) -> None:
    answered(operator, "Bet")
    answered(operator, "Cancel", 59, amount="9")

    assert decide(operator, bookedElsewhere=True)["error"] == 0
    assert record(operator, "cancel#Bet-1")["outcome"] == "booked elsewhere"
    assert live(operator) == []
    with unchanged(operator):
        assert answered(operator, "Cancel", amount="9") == 90
        assert answered(operator, "Bet", 53) is None


def test_a_person_pays_back_a_bet_of_another_round_but_not_of_another_player(operator: Operator) -> None:
    answered(operator, "Bet")
    answered(operator, "Cancel", 61, roundId="r-2")
    assert decide(operator)["cash"] == "100"

    answered(operator, "Bet", reference="Bet-2")
    answered(operator, "Cancel", 61, reference="Bet-2", userId="7")
    with unchanged(operator):
        assert decide(operator)["error"] == 61


def test_a_person_refunds_a_round_that_has_won(operator: Operator) -> None:
    answered(operator, "Bet")
    answered(operator, "Result", amount="5")
    answered(operator, "Bet", reference="Bet-2", amount="20")
    answered(operator, "Refund", 61, **REFUND)

    assert decide(operator)["cash"] == "105"
    assert rounds(operator)[0]["refunded"] is True
    with unchanged(operator):
        assert answered(operator, "Refund", **REFUND) == 105


@pytest.mark.parametrize("is_booked_elsewhere", [False, True])
def test_a_refund_by_a_reference_of_its_own_is_not_decided_the_other_way(
    operator: Operator, *, is_booked_elsewhere: bool
) -> None:
    answered(operator, "Bet")
    answered(operator, "Result", amount="5")
    answered(operator, "Refund", 61, **REFUND)
    assert decide(operator, bookedElsewhere=is_booked_elsewhere)["error"] == 0

    with unchanged(operator):
        assert decide(operator, bookedElsewhere=not is_booked_elsewhere)["error"] == 61
        assert decide(operator, bookedElsewhere=is_booked_elsewhere)["movements"] == []


@pytest.mark.parametrize("is_booked_elsewhere", [False, True])
def test_what_was_decided_of_one_bet_does_not_decide_the_refund_of_its_round(
    operator: Operator, *, is_booked_elsewhere: bool
) -> None:
    answered(operator, "Bet")
    answered(operator, "Result", amount="5")
    answered(operator, "Cancel", 61)
    assert decide(operator, bookedElsewhere=is_booked_elsewhere)["error"] == 0
    answered(operator, "Bet", reference="Bet-2", amount="20")
    answered(operator, "Refund", 61, **REFUND | {"reference": "Bet-1"})

    assert decide(operator, bookedElsewhere=not is_booked_elsewhere)["movements"][0]["id"] == "cancel#Bet-2"

    with unchanged(operator):  # the answer was lost, and it is decided again
        assert decide(operator, bookedElsewhere=not is_booked_elsewhere)["error"] == 0


def test_a_refund_whose_round_cannot_be_read_is_not_settled_as_the_cancel_of_a_bet(operator: Operator) -> None:
    answered(operator, "Bet")
    answered(operator, "Refund", 57, reference="Bet-1", gameId="slot", roundId="\n")

    with unchanged(operator):
        assert decide(operator)["error"] == 57


def test_a_person_pays_a_result_whatever_its_round_says(operator: Operator) -> None:
    answered(operator, "Bet")
    answered(operator, "Cancel")
    answered(operator, "Result", 61)

    assert decide(operator)["cash"] == "110"
    assert rounds(operator)[0]["winnings"] == 10


def test_a_result_that_was_booked_elsewhere_counts_as_its_rounds_winnings(operator: Operator) -> None:
    answered(operator, "Bet")
    answered(operator, "Cancel")
    answered(operator, "Result", 61)

    assert decide(operator, bookedElsewhere=True)["cash"] == "100"
    assert (rounds(operator)[0]["winnings"], rounds(operator)[0]["hasResult"]) == (10, True)


def test_a_free_rounds_result_without_a_code_cannot_be_booked_elsewhere(operator: Operator) -> None:
    answered(operator, "Bet", bonusCode="FREE")
    answered(operator, "Result", 57, campaignId="\n")

    with unchanged(operator):
        assert decide(operator, bookedElsewhere=True)["error"] == 57


# --- From the retry queue ---------------------------------------------------------------------------


@pytest.mark.parametrize(("call", "paid"), [("Cancel", 80), ("Refund", 100)])
def test_a_kept_cancel_is_tried_again_by_the_call_that_it_came_by(
    operator: Operator, monkeypatch: pytest.MonkeyPatch, call: str, paid: int
) -> None:
    answered(operator, "Bet")
    answered(operator, "Bet", reference="Bet-2", amount="20")

    def fails() -> None:
        raise ConnectionError

    named = body(call, gameId="slot", roundId="r-1")
    with before(monkeypatch, "TransactWriteItems", fails):
        answered(operator, call, 998, **named)
    retry(operator)
    assert cash(operator) == paid


def test_a_kept_cancel_of_an_unknown_player_is_remembered_and_done_with(
    operator: Operator, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails() -> None:
        raise ConnectionError

    with before(monkeypatch, "TransactWriteItems", fails):
        answered(operator, "Cancel", 998, userId="new")
    retry(operator)

    assert record(operator, "bet#Bet-1")["outcome"] == "cancelled"
    assert not operator.messages("CancelDeadLetters")


def retry(operator: Operator) -> None:
    """Tries the message that waits again, and asserts that it is done with."""
    (message,) = operator.messages("CancelRetryQueue")
    record = {"messageId": "1", "receiptHandle": "h", "body": json.dumps(message)}
    record |= {"attributes": {"ApproximateReceiveCount": "1"}}
    assert operator.handler("cancel")({"Records": [record]}, None) == {"batchItemFailures": []}


def test_a_path_of_no_call_of_its_own_is_refused(operator: Operator) -> None:
    reply = operator.send("cancel", body("Cancel"), path="/v4/Undo")

    assert reply.json == {"error": 57, "description": "Field is malformed: path"}


def test_the_path_is_matched_without_regard_to_case(operator: Operator) -> None:
    assert operator.send("cancel", body("Cancel"), path="/v1/CANCEL/").json["error"] == 0


@pytest.mark.parametrize("call", ["Cancel", "Refund"])
def test_what_would_need_more_digits_than_a_balance_has_is_kept(operator: Operator, call: str) -> None:
    for amount, reference in (("1e31", "Bet-1"), ("1e-18", "Bet-2")):
        operator.put_wallet(cash=Decimal(amount))
        answered(operator, "Bet", amount=amount, reference=reference)
    operator.put_wallet(cash=Decimal("1e31"))

    with unchanged(operator):
        answered(operator, call, 998, reference="Bet-2", gameId="slot", roundId="r-1")
    assert operator.messages("CancelRetryQueue")


def test_a_refund_that_no_wallet_can_hold_may_be_booked_elsewhere(operator: Operator) -> None:
    for amount, reference in (("1e31", "Bet-1"), ("1e-18", "Bet-2")):
        operator.put_wallet(cash=Decimal(amount))
        answered(operator, "Bet", amount=amount, reference=reference)
    answered(operator, "Refund", 59, **REFUND, amount="1e31")

    assert decide(operator)["error"] == 59
    assert decide(operator, bookedElsewhere=True)["error"] == 0
    assert live(operator) == []


def test_a_person_is_answered_998_while_the_wallet_cannot_be_read(operator: Operator) -> None:
    answered(operator, "Cancel", 59, amount="ten")
    wallet = operator.wallet()
    operator.put_wallet(cash="much")

    assert decide(operator)["error"] == 998
    operator.database.Table("Players").put_item(Item=wallet)
    assert decide(operator)["cash"] == "100"


def test_a_cancel_that_a_person_decided_is_no_success_without_a_readable_wallet(operator: Operator) -> None:
    answered(operator, "Cancel", 59, amount="ten")
    assert decide(operator)["error"] == 0
    operator.put_wallet(cash="much")

    assert decide(operator, dryRun=True)["error"] == 998
    answered(operator, "Cancel", 59, amount="ten")
