"""A win is found wherever it is, and what became of it is said; a ledger is read with its balances."""

import json
import logging
import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any, get_args

import boto3
import pytest
from botocore.exceptions import ClientError

from conftest import Operator, published
from tools.shared.trouble import Trouble
from tools.walletctl.kinds import OPERATORS, OUTCOMES
from tools.walletctl.log import not_kept_of_stack, of_stack, refused_of_stack
from tools.walletctl.parked import mailbox
from tools.walletctl.place import LocalService
from wallet.ledger import Outcome
from walletctl import PORT, Walletctl, parked

REFERENCE = published("result")["reference"]
DENIED = ClientError({"Error": {"Code": "AccessDenied", "Message": "not you"}}, "any")


def said(walletctl: Walletctl, *arguments: str) -> str:
    """What a person is told, on one line, without the port in its hints."""
    return " ".join(walletctl("find", *arguments).stdout.split()).replace(f" --port {PORT}", "")


# --- On record --------------------------------------------------------------------------------------


@pytest.mark.parametrize("callback", ["result", "jackpot", "bonus", "promo"])
def test_a_credited_win_is_found_by_its_reference_with_the_wallet_before_and_after(
    walletctl: Walletctl, operator: Operator, callback: str
) -> None:
    body = published(callback, amount="10.10", hash=None, uuid="u-1")
    transaction_id = operator.send(callback, body).json["transactionId"]

    (transaction,) = walletctl.json("find", body["reference"])["transactions"]

    assert (transaction["kind"], transaction["transactionId"]) == (callback, transaction_id)
    assert (transaction["cashBefore"], transaction["cashAfter"]) == ("99889.99", "99900.09")
    assert json.loads(transaction["request"])["amount"] == "10.10"
    assert "Credited: the money is in the wallet." in said(walletctl, body["reference"])


def test_a_reference_of_two_kinds_is_found_twice(walletctl: Walletctl, operator: Operator) -> None:
    for callback in ("result", "promo"):
        operator.send(callback, published(callback, reference="same"))

    found = walletctl.json("find", "same")

    assert [each["id"] for each in walletctl.json("find", "result#same")["transactions"]] == ["result#same"]
    assert [each["kind"] for each in found["transactions"]] == ["result", "promo"]


def test_a_prize_and_the_result_it_came_in_are_found_by_either(walletctl: Walletctl, operator: Operator) -> None:
    operator.send("result", published("result", reference="r", promoWinAmount="4", promoWinReference="p"))

    for name in ("r", "p"):
        assert [each["id"] for each in walletctl.json("find", name)["transactions"]] == ["result#r", "promo#p"]


def test_a_total_says_what_its_rounds_had_been_paid(walletctl: Walletctl, operator: Operator) -> None:
    operator.send("result", published("result", reference="r", amount="2.5", bonusCode="gift"))
    operator.send("bonus", published("bonus", reference="b", amount="7", bonusCode="gift", hash=None, uuid="u"))

    told = said(walletctl, "b")

    assert "4.5 USD. Paid 4.5 of 7: its rounds had been paid 2.5 already" in told
    assert "bonus 102.49 before, 106.99 after" in told


def test_what_won_nothing_is_not_said_to_have_brought_money(walletctl: Walletctl, operator: Operator) -> None:
    operator.send("result", published("result", reference="lost", amount="0.0"))
    operator.send("result", published("result", reference="r", amount="7", bonusCode="gift"))
    operator.send("bonus", published("bonus", reference="b", amount="7", bonusCode="gift", hash=None, uuid="u"))

    assert "On record: it won nothing" in said(walletctl, "lost")
    assert "On record, and no money came with it. Paid 0 of 7: its rounds had been paid already." in said(
        walletctl, "b"
    )
    assert "Credited: the money is in the wallet." in said(walletctl, "r")


def test_a_reference_is_found_without_reading_the_ledger(walletctl: Walletctl, operator: Operator) -> None:
    operator.send("result", published("result"))
    walletctl.watch()

    walletctl("find", REFERENCE)

    assert not walletctl.asked("Scan")
    assert not walletctl.asked("Query")


# --- What the operator's own side moved, and what settled a reference without money ------------------


def ordered(operator: Operator, movement: str, reference: str, amount: str, **changes: Any) -> dict[str, Any]:
    """Has the cashier move money, and gives its answer."""
    order = {"movement": movement, "reference": reference, "userId": "421", "amount": amount, "currency": "USD"}
    return operator.invoke("cashier", {**order, "actor": "anna", "reason": "ticket 7", **changes})


def settled(operator: Operator, message: str, callback: str = "result", **decision: Any) -> dict[str, Any]:
    """Has a person settle a dead letter by the callback's function."""
    return operator.invoke(callback, {"settle": {"message": message, "actor": "bob", "reason": "ticket 8", **decision}})


MOVED = {
    "opening": (
        "12",
        {"userId": "new"},
        "The wallet was opened with 12 USD. Ordered by anna",
        "opened with",
    ),
    "deposit": ("20.5", {}, "Deposited: 20.5 USD was paid into the wallet. Ordered by anna: ticket 7.", "deposited"),
    "withdrawal": ("3", {}, "Withdrawn: 3 USD was taken from the wallet. Ordered by anna: ticket 7.", "withdrawn"),
    "adjustment": ("-4", {}, "Adjusted: 4 USD was taken from the wallet. Ordered by anna: ticket 7.", "adjusted by"),
}


@pytest.mark.parametrize("movement", MOVED)
def test_an_own_movement_is_found_by_reference_and_transaction_id_and_says_who_and_why(
    walletctl: Walletctl, operator: Operator, movement: str
) -> None:
    amount, changes, sentence, title = MOVED[movement]
    answer = ordered(operator, movement, "own-1", amount, **changes)
    assert answer["error"] == 0

    for name in ("own-1", f"{movement}#own-1", answer["transactionId"]):
        found = walletctl.json("find", name)
        assert (found["outcome"], [each["id"] for each in found["transactions"]]) == ("moved", [f"{movement}#own-1"])

    assert sentence in said(walletctl, "own-1")
    assert title in said(walletctl, "own-1")
    assert found["transactions"][0]["actor"] == "anna"
    assert len(found["transactions"][0]["digest"]) == 64


def test_a_withdrawal_is_shown_with_the_wallet_before_and_after_it(walletctl: Walletctl, operator: Operator) -> None:
    ordered(operator, "withdrawal", "w-1", "89.99")

    assert "withdrawn -89.99 USD cash 99889.99 before, 99800 after bonus 99.99 before, 99.99 after" in said(
        walletctl, "w-1"
    )


def test_an_adjustment_of_the_bonus_is_shown_as_it_moved(walletctl: Walletctl, operator: Operator) -> None:
    ordered(operator, "adjustment", "a-1", "0", bonus="-9.99")
    ordered(operator, "adjustment", "a-2", "3", bonus="1")

    assert "bonus 99.99 before, 90 after" in said(walletctl, "a-1")
    assert "adjusted by 0 USD, bonus -9.99 cash" in said(walletctl, "a-1")
    assert "Adjusted: 9.99 USD was taken from the bonus. Ordered by" in said(walletctl, "a-1")
    assert "Adjusted: 3 USD was added to the wallet, and 1 USD was added to the bonus." in said(walletctl, "a-2")


def test_a_win_that_came_corrected_after_it_was_adjusted_is_said_to_be_paid_twice(
    walletctl: Walletctl, operator: Operator, tmp_path: Path
) -> None:
    twice = "That is as much as the record under its own reference: if only one was owed, it is paid twice."
    operator.send("result", published("result", reference="r", amount="1,5"))
    ordered(operator, "adjustment", "result#r", "1.5")
    kept = str(tmp_path / "kept.json")
    assert walletctl("parked", "discard", "result", "r", "--reason", "paid", "--yes", "--file", kept).exit_code == 0
    assert twice not in said(walletctl, "r")

    for reference, amount in (("r", "1.5"), ("other", "2")):
        operator.send("result", published("result", reference=reference, amount=amount))
    ordered(operator, "adjustment", "result#other", "1")

    assert twice in said(walletctl, "r")
    assert "By hand, it was adjusted by 1 USD" in said(walletctl, "other")
    assert twice not in said(walletctl, "other")


def test_an_opening_is_part_of_its_player_unless_it_is_named(walletctl: Walletctl, operator: Operator) -> None:
    found = walletctl.json("find", "421")
    assert (found["outcome"], found["transactions"], found["opening"]["id"]) == ("player", [], "opening#421")
    told = said(walletctl, "421")
    assert "opened with 99889.99 USD, bonus 99.99 opened by a test: a player" in told
    assert "opening#421" not in told

    assert walletctl.json("find", "opening#421")["outcome"] == "moved"
    assert "The wallet was opened with 99889.99 USD and a bonus of 99.99 USD." in said(walletctl, "opening#421")
    assert walletctl.json("find", "421", "--player", "422", status=1)["outcome"] == "unknown"

    operator.database.Table("Players").delete_item(Key={"userId": "421"})
    assert walletctl.json("find", "421")["outcome"] == "moved"  # only the record is left


def test_an_opening_under_another_reference_is_found_as_any_record(walletctl: Walletctl, operator: Operator) -> None:
    ordered(operator, "opening", "421", "12", userId="new")  # a reference that is the name of another player
    operator.database.Table("Transactions").delete_item(Key={"id": "opening#421"})
    operator.open_wallet("422")
    ordered(operator, "opening", "421", "12", userId="newer")

    found = walletctl.json("find", "421")

    assert (found["outcome"], found["opening"]) == ("moved", None)
    assert [each["userId"] for each in found["transactions"]] == ["newer"]
    assert walletctl.json("find", "newer")["outcome"] == "player"


def test_a_movement_under_a_player_s_name_is_found_beside_the_player(walletctl: Walletctl, operator: Operator) -> None:
    ordered(operator, "deposit", "421", "5")

    found = walletctl.json("find", "421")

    assert (found["outcome"], [each["id"] for each in found["transactions"]]) == ("moved", ["deposit#421"])
    assert found["opening"]["id"] == "opening#421"


@pytest.mark.parametrize("by_id", [False, True])
def test_a_withdrawal_refused_for_lack_of_money_is_found_and_explained(
    walletctl: Walletctl, operator: Operator, by_id: bool
) -> None:
    assert ordered(operator, "withdrawal", "w-1", "100000")["error"] == 15
    (record,) = operator.transactions()
    name = record["transactionId"] if by_id else "w-1"

    assert walletctl.json("find", name)["outcome"] == "not enough"
    told = said(walletctl, name)
    assert "Refused: the wallet had less than 100000 USD. Nothing was moved" in told
    assert "use a new reference. Ordered by anna: ticket 7." in told
    assert "before" not in told
    assert [row["kind"] for row in walletctl.json("ledger", "421")] == ["opening"]


def test_a_list_without_refused_orders_says_so_where_one_may_be_looked_for(
    walletctl: Walletctl, operator: Operator
) -> None:
    ordered(operator, "withdrawal", "w-1", "100000")
    (record,) = operator.transactions()

    told = walletctl("find", record["transactionId"], "--player", "421")

    assert told.exit_code == 1
    assert "no orders that were refused for lack of money" in " ".join(told.stdout.split())


def test_an_order_that_the_cashier_refused_is_explained_by_the_log(walletctl: Walletctl, operator: Operator) -> None:
    walletctl.log(
        {
            "message": "declined",
            "service": "cashier",
            "correlation_id": "d-1",
            "timestamp": "2026-01-02 03:04:05,678+0000",
            "code": 62,
            "reason": "No such player: 999",
        }
    )

    for name in ("d-1", "deposit#d-1"):
        assert walletctl.json("find", name)["outcome"] == "declined"
    told = said(walletctl, "d-1")
    assert "Nothing was moved: the cashier refused this order on 2026-01-02" in told
    assert "with error 62 (No such player: 999)" in told
    assert "the corrected order under the same reference" in told


def test_an_order_that_was_refused_and_then_moved_is_told_by_its_record(
    walletctl: Walletctl, operator: Operator
) -> None:
    line = {"service": "cashier", "correlation_id": "d-1", "timestamp": "2026-01-02 03:04:05,678+0000"}
    walletctl.log({**line, "message": "declined", "code": 62, "reason": "No such player"}, {**line, "message": "moved"})
    assert walletctl.json("find", "d-1")["outcome"] == "gone"  # the log knows a record that the table lacks

    ordered(operator, "deposit", "d-1", "5")

    assert walletctl.json("find", "d-1")["outcome"] == "moved"
    assert walletctl.json("find", "d-1")["refused"] == []


def test_a_win_settled_by_a_person_says_who_and_why(walletctl: Walletctl, operator: Operator) -> None:
    body = published("result", reference="r-1", amount="7", currency="USD")
    assert settled(operator, parked("result", body))["error"] == 0

    assert walletctl.json("find", "r-1")["outcome"] == "credited"
    assert "Credited: the money is in the wallet. Settled by bob: ticket 8." in said(walletctl, "r-1")


def test_what_was_booked_elsewhere_is_not_said_to_be_credited(walletctl: Walletctl, operator: Operator) -> None:
    body = published("result", reference="r-1", amount="7", currency="USD")
    assert settled(operator, parked("result", body), bookedElsewhere=True)["error"] == 0
    operator.send("result", body)

    found = walletctl.json("find", "r-1")
    assert (found["outcome"], found["transactions"][0]["outcome"]) == ("booked elsewhere", "booked elsewhere")
    told = said(walletctl, "r-1")
    assert "Booked elsewhere: this wallet was not paid. The same request again is a replay." in told
    assert "Decided by bob: ticket 8." in told
    assert "Credited" not in told


@pytest.mark.parametrize("decided", ["booked elsewhere", "credited"])
@pytest.mark.parametrize("command", [["find"], ["parked", "show"]], ids=" ".join)
def test_a_conflict_with_what_was_booked_elsewhere_is_not_said_to_be_with_a_credit(
    walletctl: Walletctl, operator: Operator, decided: str, command: list[str]
) -> None:
    body = published("result", reference="r-1", amount="7", currency="USD")
    settled(operator, parked("result", body), bookedElsewhere=decided == "booked elsewhere")
    operator.send("result", body | {"amount": "8"})

    told = " ".join(walletctl(*command, "r-1").stdout.split())

    assert "credited before" not in told
    if decided == "booked elsewhere":
        assert "The reference is on record as booked elsewhere, with other content." in told
    else:
        assert "The reference is on record with other content." in told


def test_a_persons_refused_try_does_not_change_what_became_of_a_win(walletctl: Walletctl) -> None:
    line = {"service": "result", "correlation_id": "r-9", "timestamp": "2026-01-02 03:04:05,678+0000"}
    walletctl.log(
        {**line, "message": "refused", "code": 62, "reason": "No such player: 999"},
        {**line, "message": "declined", "code": 62, "reason": "No such player: 999"},
    )

    assert walletctl.json("find", "r-9")["outcome"] == "waiting"


def test_a_prize_that_a_later_delivery_named_is_shown_and_leads_to_its_result(
    walletctl: Walletctl, operator: Operator
) -> None:
    operator.send("result", published("result", reference="r-1"))
    operator.send("result", published("result", reference="r-1", promoWinAmount="4", promoWinReference="p-1"))

    (result, prize) = walletctl.json("find", "r-1")["transactions"]

    assert (result["laterPrizeReference"], prize["id"]) == ("p-1", "promo#p-1")
    assert "4 under p-1, which a later delivery named" in said(walletctl, "r-1")


def test_a_ledger_lists_every_kind_and_says_who_corrected_it(walletctl: Walletctl, operator: Operator) -> None:
    ordered(operator, "deposit", "d-1", "20")
    ordered(operator, "withdrawal", "w-1", "5")
    ordered(operator, "adjustment", "a-1", "-1.5")
    operator.send("result", published("result", reference="r-1", amount="1"))

    rows = walletctl.json("ledger", "421", "--oldest-first")
    assert [(row["kind"], row["amount"], row["cashBefore"], row["cashAfter"]) for row in rows] == [
        ("opening", "99889.99", "0", "99889.99"),
        ("deposit", "20", "99889.99", "99909.99"),
        ("withdrawal", "-5", "99909.99", "99904.99"),
        ("adjustment", "-1.5", "99904.99", "99903.49"),
        ("result", "1", "99903.49", "99904.49"),
    ]
    shown = walletctl("ledger", "421").stdout
    assert "a-1: by anna: ticket 7" in shown
    assert "no record" not in shown
    assert [row["kind"] for row in walletctl.json("ledger", "421", "--kind", "withdrawal")] == ["withdrawal"]
    assert "withdrawal" in walletctl("players", "show", "421").stdout


def test_the_operators_kinds_are_the_cashiers(operator: Operator) -> None:
    assert operator.load("cashier").MOVEMENTS == OPERATORS
    assert get_args(Outcome) == OUTCOMES


@pytest.mark.parametrize("by_player", [True, False])
def test_a_round_and_a_transaction_id_are_found(walletctl: Walletctl, operator: Operator, by_player: bool) -> None:
    *_, transaction_id = (
        operator.send("result", published("result", reference=f"r-{number}", roundId=f"round-{number // 2}")).json[
            "transactionId"
        ]
        for number in range(3)
    )
    walletctl.watch()
    narrow = ("--player", "421") if by_player else ()

    of_round = walletctl.json("find", "round-0", *narrow)
    of_id = walletctl.json("find", transaction_id, *narrow)

    assert [each["reference"] for each in of_round["transactions"]] == ["r-0", "r-1"]
    assert [each["reference"] for each in of_id["transactions"]] == ["r-2"]
    assert bool(walletctl.asked("Scan")) is not by_player


@pytest.mark.parametrize(("name", "shown"), [(" ", "' '"), ("  x ", "'  x '"), ("a b", "a b")])
def test_a_name_with_spaces_at_its_ends_is_in_quotes(walletctl: Walletctl, name: str, shown: str) -> None:
    assert f"Nothing is known of {shown} in" in walletctl("find", name).stdout
    if name.strip():
        assert f"no player {shown}:" in walletctl("ledger", name).stderr
        assert walletctl("players", "show", name).stderr.startswith(f"walletctl: {shown} has no wallet")
        assert walletctl("players", "add", name, "--currency", "EUR").stdout.startswith(f"{shown} has a wallet now")


def test_a_ledger_of_no_time_at_all_is_refused(walletctl: Walletctl) -> None:
    told = walletctl("ledger", "421", "--since", "2026-01-02", "--until", "2025-01-01")

    assert told.exit_code == 2
    assert told.stderr == (
        "walletctl: 2025-01-01 is not after 2026-01-02: the end is 2025-01-01 00:00 UTC, and the beginning is "
        "2026-01-02 00:00 UTC. A date is the beginning of its day\n"
    )


def test_a_round_of_another_player_is_not_taken_for_this_ones(walletctl: Walletctl, operator: Operator) -> None:
    operator.open_wallet("422")
    operator.send("result", published("result", userId="422", roundId="round-9"))

    assert walletctl.json("find", "round-9", "--player", "421", status=1)["outcome"] == "unknown"


def test_a_win_of_another_player_is_not_taken_for_this_ones(walletctl: Walletctl, operator: Operator) -> None:
    operator.send("result", published("result"))

    for name in (REFERENCE, "421"):
        assert walletctl.json("find", name, "--player", "421")["outcome"] in ("credited", "player")
        assert walletctl.json("find", name, "--player", "nobody", status=1)["outcome"] == "unknown", name


@pytest.mark.parametrize("is_due", [False, True], ids=["a dead letter", "a win that waits"])
def test_what_is_parked_of_another_player_is_not_taken_for_this_ones(walletctl: Walletctl, is_due: bool) -> None:
    body = published("result")
    queue, retries = ("ResultRetryQueue", ["--retries"]) if is_due else ("ResultDeadLetters", [])
    walletctl.leave(queue, parked("result", body, code=62))

    for name in (body["roundId"], REFERENCE):
        theirs = walletctl.json("find", name, "--player", "421", *retries)
        assert theirs["outcome"] == ("waiting" if is_due else "dead letter")
        assert walletctl.json("find", name, "--player", "nobody", *retries, status=1)["outcome"] == "unknown"


@pytest.mark.parametrize(
    "changes", [{}, {"request": "no request"}], ids=["a request without a player", "no request that can be read"]
)
def test_what_is_parked_and_names_nobody_may_be_anyones(walletctl: Walletctl, changes: dict[str, str]) -> None:
    message = json.loads(parked("result", published("result", userId=None), code=57)) | changes
    walletctl.leave("ResultDeadLetters", json.dumps(message))

    assert walletctl.json("find", REFERENCE, "--player", "421")["outcome"] == "dead letter"


def test_a_logged_win_of_another_player_is_not_taken_for_this_ones(walletctl: Walletctl) -> None:
    walletctl.log(refused("r", userId="421", roundId="round-9"), line("left for a person", correlation_id="r"))

    for name in ("r", "round-9"):
        assert walletctl.json("find", name, "--player", "421")["outcome"] == "gone"
        assert walletctl.json("find", name, "--player", "nobody", status=1)["outcome"] == "unknown"


def test_a_player_is_found_with_the_wallet_and_what_is_parked(walletctl: Walletctl) -> None:
    assert walletctl.json("find", "421")["outcome"] == "player"
    assert "This player has no dead letters. Next: walletctl ledger 421" in said(walletctl, "421")

    walletctl.leave("ResultDeadLetters", parked("result", published("result", currency="EUR"), code=52))

    found = walletctl.json("find", "421")
    assert (found["outcome"], found["wallet"]["cash"]) == ("dead letter", "99889.99")
    assert [each["reference"] for each in found["deadLetters"]] == [REFERENCE]
    told = said(walletctl, "421")
    assert "This player has 1 dead letter. It will not be retried automatically. The win is in another currency" in told
    assert told.endswith("What was credited: walletctl ledger 421")

    walletctl.leave("PromoDeadLetters", parked("promo", published("promo"), code=61))

    assert "This player has 2 dead letters. They will not be retried automatically." in said(walletctl, "421")


# --- Parked -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("callback", ["result", "jackpot", "bonus", "promo"])
def test_a_dead_letter_is_found_with_its_reason_and_request_and_is_still_there(
    walletctl: Walletctl, operator: Operator, callback: str
) -> None:
    message = parked(callback, published(callback, userId="999", hash=None), reason="No such player: 999")
    queue = f"{callback.title()}DeadLetters"
    (message_id,) = walletctl.leave(queue, message)

    for name in (published(callback)["reference"], message_id, "999"):
        found = walletctl.json("find", name)
        (letter,) = found["deadLetters"]
        assert (found["outcome"], letter["callback"], letter["code"]) == ("dead letter", callback, 62)
        assert (letter["reason"], json.loads(letter["request"])["userId"]) == ("No such player: 999", "999")
    assert walletctl.all_in(queue) == [message]
    (received,) = boto3.client("sqs").receive_message(QueueUrl=_url(queue))["Messages"]
    assert received["Body"] == message, "it was put back at once"


def test_a_dead_letter_is_found_by_its_round_and_by_its_prize(walletctl: Walletctl) -> None:
    body = published("result", roundId="round-7", promoWinAmount="4", promoWinReference="p-7")
    walletctl.leave("ResultDeadLetters", parked("result", body))

    for name in ("round-7", "p-7"):
        (found,) = walletctl.json("find", name)["deadLetters"]
        assert (found["reference"], found["promoWinReference"], found["promoWinAmount"]) == (REFERENCE, "p-7", "4")


NEXT = {
    52: "If the wallet is corrected: walletctl parked redrive result r-52",
    61: "it must come under a separate reference. Then discard this dead letter.",
    62: "To open one: walletctl players add 421 --currency USD Then send it back: walletctl parked redrive result r-62",
    998: "Once the cause in its reason is gone, send it back: walletctl parked redrive result r-998",
}


def test_a_transactions_name_finds_what_is_parked_under_its_reference_and_kind(
    walletctl: Walletctl, operator: Operator
) -> None:
    operator.send("result", published("result"))
    operator.send("result", published("result", amount="99"))
    walletctl.leave("PromoDeadLetters", parked("promo", published("promo", reference=REFERENCE)))

    found = walletctl.json("find", f"result#{REFERENCE}")

    assert [each["id"] for each in found["transactions"]] == [f"result#{REFERENCE}"]
    assert [(each["callback"], each["code"]) for each in found["deadLetters"]] == [("result", 61)]


def test_a_transactions_name_is_found_in_the_log_by_its_reference_and_kind(walletctl: Walletctl) -> None:
    walletctl.log(*(line("refused", correlation_id="lost", service=kind, code=59) for kind in ("result", "promo")))

    assert walletctl.json("find", "result#lost")["outcome"] == "gone"
    assert [each["callback"] for each in walletctl.json("find", "promo#lost")["log"]] == ["promo"]
    assert walletctl.json("find", "jackpot#lost", status=1)["log"] == []


def test_a_dead_letter_says_what_to_do_next(walletctl: Walletctl) -> None:
    for code, then in NEXT.items():
        walletctl.leave("ResultDeadLetters", parked("result", published("result", reference=f"r-{code}"), code=code))

        told = said(walletctl, f"r-{code}")

        assert "Not credited: this win is a dead letter. It will not be retried automatically." in told
        assert then in told


def test_a_conflict_is_shown_beside_what_was_credited(walletctl: Walletctl, operator: Operator) -> None:
    operator.send("result", published("result"))
    operator.send("result", published("result", amount="777"))

    found = walletctl.json("find", REFERENCE)

    assert found["outcome"] == "credited"
    assert [json.loads(letter["request"])["amount"] for letter in found["deadLetters"]] == ["777"]
    assert "There is a dead letter of that name as well, which is not credited" in said(walletctl, REFERENCE)


def line(message: str, **more: Any) -> dict[str, Any]:
    """A line of the functions' log."""
    return {
        "level": "ERROR",
        "message": message,
        "timestamp": "2026-01-02 03:04:05,678+0000",
        "service": "result",
        "correlation_id": REFERENCE,
        **more,
    }


NO_PLAYER = {"code": 62, "reason": "No such player: 999"}


LOGGED: list[tuple[list[dict[str, Any]], str, str]] = [
    ([line("refused", **NO_PLAYER)], "waiting", "it waits for another try, for error 62 (No such player: 999)."),
    (
        [line("refused", **NO_PLAYER), line("refused", **NO_PLAYER, tries=3)],
        "waiting",
        "it waits for another try after 3 of ten tries, for error 62",
    ),
    (
        [line("refused", code=998, reason="ReadTimeoutError", tries=1)],
        "waiting",
        "It is tried again by itself, with doubling waits",
    ),
    (
        [line("refused", code=59, reason="Not a valid amount: amount")],
        "gone",
        "left for a person on 2026-01-02 03:04:05Z, with error 59 (Not a valid amount: amount), but it is not among "
        "the dead letters: somebody is reading them, or has discarded it, or fourteen days have passed. Look again in "
        "five minutes. Then ask who settled it: sent again as it was, it is refused again.",
    ),
    (
        [line("refused", **NO_PLAYER), line("refused", code=59, reason="Not a valid amount: amount")],
        "waiting",
        "it waits for another try, for error 62 (No such player: 999).",
    ),
    (
        [line("refused", **NO_PLAYER, tries=1), line("parking failed", reason="x"), line("refused", **NO_PLAYER)],
        "waiting",
        "it waits for another try after 1 of ten tries, for error 62",
    ),
    ([line("refused", **NO_PLAYER, tries=10)], "gone", "left for a person on 2026-01-02 03:04:05Z, with error 62"),
    ([line("left for a person", reason="x")], "gone", "but it is not among the dead letters"),
    (
        [line("refused", code=61, reason="used")],
        "gone",
        "Then ask who settled it: sent again as it was, it is refused again",
    ),
    ([line("parking failed", reason="x")], "not kept", "could not even be kept on 2026-01-02 03:04:05Z"),
    ([line("credited", userId="421")], "gone", "the ledger has no such transaction"),
    (
        [line("prize left for a person", code=61), line("refused", code=998, reason="ReadTimeoutError")],
        "waiting",
        "it waits for another try, for error 998",
    ),
    (
        [line("prize left for a person", code=61), line("parking failed"), line("refused", code=998, reason="x")],
        "waiting",
        "it waits for another try, for error 998",
    ),
    (
        [line("parking failed", reason="x"), line("refused", code=57, reason="x")],
        "not kept",
        "it could not even be kept on 2026-01-02 03:04:05Z. Have the provider send it again.",
    ),
    ([line("refused", **NO_PLAYER) | {"correlation_id": "another"}], "unknown", "Nothing is known of"),
]


def test_what_is_in_no_table_and_no_dead_letter_the_log_explains(walletctl: Walletctl) -> None:
    for number, (lines, outcome, told) in enumerate(LOGGED):
        name = f"{REFERENCE}-{number}"
        walletctl.log(*(each | {"correlation_id": each["correlation_id"].replace(REFERENCE, name)} for each in lines))

        assert walletctl.json("find", name, status=1 if outcome == "unknown" else 0)["outcome"] == outcome, lines
        assert told in said(walletctl, name), lines


def test_lines_of_the_log_that_look_the_same_are_shown_once(walletctl: Walletctl) -> None:
    again = line("refused", **NO_PLAYER)
    walletctl.log(again, again, again, line("refused", tries=1, **NO_PLAYER))

    rows = [row for row in walletctl("find", REFERENCE).stdout.splitlines() if " refused" in row]

    assert ["refused, 3 times" in row for row in rows] == [True, False]
    assert len(walletctl.json("find", REFERENCE)["log"]) == 4


def test_each_kind_of_a_reference_has_a_state_of_its_own(walletctl: Walletctl) -> None:
    walletctl.log(refused("both", service="jackpot"), refused("both", code=59, reason="Not a valid amount: amount"))

    found = walletctl.json("find", "both")
    told = said(walletctl, "both")

    assert found["outcome"] == "waiting"
    assert [(win["callback"], win["outcome"]) for win in found["refused"]] == [
        ("jackpot", "waiting"),
        ("result", "gone"),
    ]
    assert "Not credited, under that reference: jackpot both, 75.10 USD" in told
    assert "waits for another try, for error 62 (No such player: 999). Next: walletctl find 'jackpot#both'" in told
    assert "Next: walletctl find 'result#both'" in told


def test_what_waits_for_another_try_is_counted_and_not_touched(walletctl: Walletctl) -> None:
    message = parked("result", published("result"))
    walletctl.leave("ResultRetryQueue", message)
    walletctl.watch()

    found = walletctl.json("find", REFERENCE, status=1)

    assert (found["outcome"], found["waiting"]) == ("unknown", 1)
    assert "1 request waits for another try and cannot be listed. This win may be among them." in said(
        walletctl, REFERENCE
    )
    assert _url("ResultRetryQueue") not in {each["QueueUrl"] for each in walletctl.asked("ReceiveMessage")}


def test_what_is_due_in_a_retry_queue_is_found_where_it_is_asked_for(walletctl: Walletctl) -> None:
    message = parked("result", published("result"))
    walletctl.leave("ResultRetryQueue", message)

    found = walletctl.json("find", REFERENCE, "--retries")

    assert (found["outcome"], found["due"][0]["reason"]) == ("waiting", "No such player: 999")
    assert walletctl.all_in("ResultRetryQueue") == [message]
    (received,) = boto3.client("sqs").receive_message(QueueUrl=_url("ResultRetryQueue"))["Messages"]
    assert received["Body"] == message, "it was put back at once"


def test_a_win_of_another_kind_is_not_hidden_by_the_one_on_record(walletctl: Walletctl, operator: Operator) -> None:
    operator.send("result", published("result", reference="two-kinds"))
    walletctl.log(
        line("credited", correlation_id="two-kinds", userId="421"),
        refused("two-kinds", service="jackpot", userId="nobody9"),
        refused("two-kinds", service="promo", code=59, reason="Not a valid amount: amount"),
    )

    found = walletctl.json("find", "two-kinds")
    told = said(walletctl, "two-kinds")

    assert (found["outcome"], [each["kind"] for each in found["transactions"]]) == ("credited", ["result"])
    assert [(win["callback"], win["outcome"]) for win in found["refused"]] == [
        ("jackpot", "waiting"),
        ("promo", "gone"),
    ]
    assert [each["callback"] for each in found["log"]] == ["jackpot", "promo"]
    assert "Under that name something else is NOT credited: jackpot two-kinds, 75.10 USD, player nobody9" in told
    assert "Next: walletctl find 'jackpot#two-kinds'" in told
    assert walletctl.json("find", "jackpot#two-kinds")["outcome"] == "waiting"


def test_what_else_came_of_a_kind_that_is_on_record_is_no_missing_win(walletctl: Walletctl, operator: Operator) -> None:
    operator.send("result", published("result", reference="r", promoWinAmount="4", promoWinReference="p"))
    walletctl.log(
        refused("r"),
        line("credited", correlation_id="r"),
        line("replayed", correlation_id="r"),
        refused("r", code=61, reason="used"),
        refused("p", service="promo", code=61, reason="used"),
    )

    for name in ("r", "p", "result#r", "promo#p"):
        found = walletctl.json("find", name)
        assert (found["outcome"], found["refused"], found["log"]) == ("credited", [], []), name
        assert "NOT credited" not in said(walletctl, name)


def test_of_a_stack_it_is_said_that_no_other_kind_was_looked_for(
    walletctl: Walletctl, operator: Operator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(LocalService, "log_is_free", False)
    operator.send("result", published("result", reference="two-kinds"))
    walletctl.log(refused("two-kinds", service="jackpot"))

    others = ["jackpot#two-kinds", "bonus#two-kinds", "promo#two-kinds", "cancel#two-kinds"]
    found = walletctl.json("find", "two-kinds")

    assert (found["refused"], sorted(found["notLookedFor"])) == ([], sorted(others))
    told = said(walletctl, "two-kinds")
    assert "The log was not searched for other kinds of win under this reference. To search it:" in told
    assert "walletctl find 'jackpot#two-kinds'" in told
    assert walletctl.json("find", "result#two-kinds")["notLookedFor"] == []


# --- By player or round -----------------------------------------------------------------------------


def refused(reference: str, **more: Any) -> dict[str, Any]:
    """A refusal's line of the log, as the functions write it."""
    told = {"userId": "40021", "roundId": "r-1", "amount": "75.10", "currency": "USD", **NO_PLAYER}
    return line("refused", correlation_id=reference, **told | more)


def test_a_win_that_waits_is_found_by_its_player(walletctl: Walletctl) -> None:
    walletctl.log(refused("early"), refused("early", tries=3), refused("another", userId="1"))

    found = walletctl.json("find", "40021")

    assert found["outcome"] == "waiting"
    (win,) = found["refused"]
    assert (win["reference"], win["amount"], win["currency"], win["tries"]) == ("early", "75.10", "USD", 3)
    assert (
        "result early, 75.10 USD, player 40021, round r-1: waits for another try, after 3 of ten, for error 62 "
        "(No such player: 999). Next: walletctl find 'result#early'" in said(walletctl, "40021")
    )


@pytest.mark.parametrize(
    ("lines", "outcome", "told"),
    [
        ([refused("w", code=59, reason="Not a valid amount: amount")], "gone", "with error 59 (Not a valid amount"),
        ([line("parking failed", correlation_id="w"), refused("w")], "not kept", "could not even be kept"),
        ([refused("w", tries=10)], "gone", "left for a person on 2026-01-02 03:04:05Z"),
        ([refused("w", tries=2), line("parking failed", correlation_id="w")], "waiting", "after 2 of ten"),
    ],
)
def test_a_win_that_is_not_credited_is_found_by_its_round(
    walletctl: Walletctl, lines: list[dict[str, Any]], outcome: str, told: str
) -> None:
    walletctl.log(*lines)

    assert walletctl.json("find", "r-1")["outcome"] == outcome
    assert told in said(walletctl, "r-1")


def test_a_win_that_was_paid_after_all_is_not_missing(walletctl: Walletctl) -> None:
    walletctl.log(refused("late"), line("credited", correlation_id="late", userId="40021"))

    assert walletctl.json("find", "40021", status=1)["refused"] == []


@pytest.mark.parametrize("code", [57, 59, 62, 998])
def test_a_win_that_was_paid_and_sent_again_in_vain_is_not_missing(walletctl: Walletctl, code: int) -> None:
    walletctl.log(line("credited", correlation_id="paid", userId="40021"), refused("paid", code=code))

    assert walletctl.json("find", "40021", status=1)["refused"] == []


def test_a_second_win_under_a_paid_reference_is_missing(walletctl: Walletctl) -> None:
    walletctl.log(line("credited", correlation_id="paid", userId="40021"), refused("paid", code=61, reason="x"))

    assert [win["reference"] for win in walletctl.json("find", "40021")["refused"]] == ["paid"]


def test_a_player_s_missing_wins_stand_beside_what_is_known_of_the_player(
    walletctl: Walletctl, operator: Operator
) -> None:
    operator.send("result", published("result", currency="EUR", reference="dead"))
    walletctl.log(
        *(refused(reference, userId="421", code=52, reason="x") for reference in ("dead", "gone")),
        refused("malformed", userId="421", code=57, reason="x"),
    )

    found = walletctl.json("find", "421")

    assert found["outcome"] == "dead letter"
    assert [letter["reference"] for letter in found["deadLetters"]] == ["dead"]
    assert [(win["reference"], win["outcome"]) for win in found["refused"]] == [
        ("gone", "gone"),
        ("malformed", "gone"),
    ]


@pytest.mark.parametrize("decided", ["booked elsewhere", "credited"])
def test_a_win_that_a_person_settled_is_not_missing(walletctl: Walletctl, decided: str) -> None:
    walletctl.log(
        refused("settled", code=52, reason="x"),
        line("left for a person", correlation_id="settled"),
        line("declined", correlation_id="settled", userId="40021"),
        line(decided, correlation_id="settled", userId="40021"),
    )

    assert walletctl.json("find", "40021", status=1)["refused"] == []
    told = said(walletctl, "settled")
    assert f"The log says that it was {decided} on 2026-01-02 03:04:05Z, and the ledger has no such" in told


def test_a_win_that_waited_and_was_booked_elsewhere_does_not_wait(walletctl: Walletctl) -> None:
    walletctl.log(refused("settled"), line("booked elsewhere", correlation_id="settled", userId="40021"))

    assert walletctl.json("find", "settled")["outcome"] == "gone"
    assert walletctl.json("find", "40021", status=1)["refused"] == []


def test_a_player_with_many_missing_wins_is_told_of_the_last(walletctl: Walletctl) -> None:
    walletctl.log(*(refused(f"w-{number}") for number in range(60)))

    told = said(walletctl, "40021")

    assert "w-59" in told
    assert "w-49" not in told
    assert "... and 40 more that were refused before" in told


def test_a_reference_of_any_script_is_found_in_the_log(walletctl: Walletctl) -> None:
    with (walletctl.folder / "functions-3996.log").open("a") as log:
        log.write(json.dumps(refused("Жар-птица"), ensure_ascii=False) + "\n")

    assert walletctl.json("find", "Жар-птица")["outcome"] == "waiting"


# --- A body that was refused ------------------------------------------------------------------------


def with_raw(body: dict[str, Any], **raw: str) -> str:
    """The body's text, with more fields whose values are written just so."""
    more = "".join(f', "{name}": {value}' for name, value in raw.items())
    return f"{json.dumps(body)[:-1]}{more}}}"


# A reference as it is sent, and by what a person looks for it.
REFERENCES = {
    "an integer": ("1602530", "1602530"),
    "a float": ("16025.30", "16025.30"),
    "an exponent": ("1e5", "1e5"),
    "a negative number": ("-5", "-5"),
    "a truth": ("true", "true"),
    "a list": ('["a",  1.50]', '["a",  1.50]'),
    "an object": ('{"id": 7}', '{"id": 7}'),
    "129 characters": (f'"{"x" * 129}"', "x" * 129),
    "thousands of characters": (f'"{"x" * 9000}"', "x" * 9000),
    "a control character": ('"a\\u001bb"', "a\x1bb"),
    "a control character as it is shown": ('"a\\u001bb"', "a\\x1bb"),
    "a NUL as it is shown": ('"a\\u0000b"', "a\\x00b"),
    "half a character": ('"a\\ud800b"', '"a\\ud800b"'),
    "spaces": ('"   "', "   "),
    "an emoji of a new Unicode": ('"\\ud83e\\udee8"', "\U0001fae8"),
}
FAULTS = {57: {"gameId": "[]", "roundId": "[1]"}, 59: {"amount": '"1,5"'}, 64: {"userId": "null"}}


@pytest.mark.parametrize("form", REFERENCES)
def test_a_refused_body_is_found_whatever_form_its_reference_had(
    walletctl: Walletctl, operator: Operator, form: str
) -> None:
    sent, name = REFERENCES[form]
    body = published("result", reference=None, amount=None)
    for number in range(10):
        text = with_raw(body | {"uuid": f"delivery-{number}"}, reference=sent, amount='"1,5"')
        assert operator.send("result", text).json["error"] in (57, 59)

    found = walletctl.json("find", name)

    assert found["outcome"] == "dead letter"
    (entry,) = found["deadLetters"]
    assert (entry["copies"], entry["code"], json.loads(entry["request"])["uuid"]) == (10, 59, "delivery-0")
    told = said(walletctl, name)
    assert told.count("copies 10 ") == told.count(" request {") == 1
    assert "Ask the provider to correct it and to send it again" in told


@pytest.mark.parametrize("typed", ['["a","b"]', '["a", "b"]', ' [ "a" , "\\u0062" ]'.strip()])
def test_a_reference_that_is_a_list_is_found_in_whatever_white_space_it_is_typed(
    walletctl: Walletctl, operator: Operator, typed: str
) -> None:
    body = published("result", reference=None)
    assert operator.send("result", with_raw(body, reference='["a",  "b"]')).json["error"] == 57

    assert walletctl.json("find", typed)["outcome"] == "dead letter"
    assert walletctl.json("find", '["a", "c"]', status=1)["outcome"] == "unknown"


def test_a_prize_that_was_discarded_is_found_by_the_result_that_it_came_with(
    walletctl: Walletctl, operator: Operator, tmp_path: Path
) -> None:
    win = published("result", reference="w", promoWinReference="prize-7", promoWinAmount="-5", hash=None)
    assert operator.send("result", win).json["error"] == 0
    kept = str(tmp_path / "discarded.json")
    discarded = walletctl("parked", "discard", "result", "w", "--reason", "settled", "--yes", "--file", kept)
    assert discarded.exit_code == 0

    told = said(walletctl, "prize-7")

    assert "result#w is on record and came with the prize prize-7 of -5. This prize was not paid" in told
    assert "Most likely" not in told
    assert walletctl.json("find", "prize-7", status=1)["cameWith"] == ["result#w"]


@pytest.mark.parametrize("code", FAULTS)
def test_every_refusal_of_an_admitted_body_is_found(walletctl: Walletctl, operator: Operator, code: int) -> None:
    body = {name: value for name, value in published("result").items() if name not in FAULTS[code]}
    assert operator.send("result", with_raw(body, **FAULTS[code])).json["error"] == (64 if code == 57 else code)

    assert walletctl.json("find", REFERENCE)["outcome"] == "dead letter"


@pytest.mark.parametrize("reference", [None, "null", '""', "[]", "{}"])
@pytest.mark.parametrize("raw", [("421", "5103188801"), ('"421"', '"5103188801"')], ids=["integers", "texts"])
def test_a_refused_body_without_a_reference_is_found_by_its_player_and_by_its_round(
    walletctl: Walletctl, operator: Operator, reference: str | None, raw: tuple[str, str]
) -> None:
    body = published("result", reference=None, userId=None, roundId=None)
    text = with_raw(body, userId=raw[0], roundId=raw[1], **({} if reference is None else {"reference": reference}))
    for _ in range(10):
        assert operator.send("result", text).json["error"] == 64
    other = with_raw(body | {"amount": "77"}, userId=raw[0], roundId=raw[1])
    assert operator.send("result", other).json["error"] == 64

    for name in ("421", "5103188801"):
        entries = walletctl.json("find", name)["deadLetters"]
        assert sorted((entry["amount"], entry["copies"]) for entry in entries) == [("10.0", 10), ("77", 1)]
    for entry in entries:
        (same,) = walletctl.json("find", entry["messageId"])["deadLetters"]
        assert same == entry | {"ageSeconds": same["ageSeconds"]}, "the first message's id names all copies"


def test_a_field_that_was_spelled_twice_is_found_by_either_value(walletctl: Walletctl, operator: Operator) -> None:
    text = with_raw(published("result", reference="one"), REFERENCE='"two"', USERID='"500"', roundid="9")
    assert operator.send("result", text).json["error"] == 57

    for name in ("one", "two", "421", "500", "9", "5103188801"):
        assert [each["code"] for each in walletctl.json("find", name)["deadLetters"]] == [57], name


def test_a_name_that_no_table_can_hold_is_asked_of_no_table(walletctl: Walletctl) -> None:
    walletctl.watch()

    assert walletctl.json("find", "x" * 9000, status=1)["outcome"] == "unknown"
    assert not walletctl.asked("BatchGetItem")
    assert not walletctl.asked("Scan")


def test_a_refused_body_beside_the_corrected_one_says_when_to_discard_it(
    walletctl: Walletctl, operator: Operator
) -> None:
    operator.send("result", published("result", amount="1,5"))
    operator.send("result", published("result", amount="1.5"))

    assert "Once that is paid, discard this dead letter." in said(walletctl, REFERENCE)
    assert walletctl.json("find", REFERENCE)["outcome"] == "credited"


# --- A prize that was left for a person -------------------------------------------------------------


PRIZES: dict[str, tuple[dict[str, Any], int, str]] = {
    "on record with another amount": (
        {"promoWinReference": "prize", "promoWinAmount": "8"},
        61,
        "The prize prize of 8, which came with result round, is not paid: its reference is on record with other "
        "content (amount).",
    ),
    "without a reference": ({"promoWinAmount": "8"}, 64, "is not paid: it has no reference."),
    "with a malformed reference": (
        {"promoWinReference": ["p"], "promoWinAmount": "8"},
        57,
        "is not paid: its reference is not valid.",
    ),
    "of no valid amount": (
        {"promoWinReference": "p", "promoWinAmount": "-8"},
        59,
        "is not paid: its amount is not valid.",
    ),
}


@pytest.mark.parametrize("what", PRIZES)
def test_a_win_whose_prize_is_left_is_credited_and_its_prize_is_told_beside_it(
    walletctl: Walletctl, operator: Operator, what: str
) -> None:
    prize, code, why = PRIZES[what]
    operator.send("promo", published("promo", reference="prize", amount="9"))
    win = published("result", reference="round", amount="500") | prize
    for _ in range(10):
        assert operator.send("result", win).json["error"] == 0

    found = walletctl.json("find", "round")
    told = said(walletctl, "round")

    assert found["outcome"] == "credited"
    assert "result#round" in [each["id"] for each in found["transactions"]]
    assert [(each["code"], each["prizeOnly"], each["copies"]) for each in found["deadLetters"]] == [(code, True, 10)]
    assert why in told
    assert "The win itself is paid." in told
    assert "which is not credited" not in told


def test_another_prize_of_a_known_win_is_found_by_its_own_reference(walletctl: Walletctl, operator: Operator) -> None:
    win = published("result", reference="round", promoWinAmount="5")
    operator.send("result", win | {"promoWinReference": "first"})
    operator.send("result", win | {"promoWinReference": "second"})

    for name in ("second", "promo#second"):
        found = walletctl.json("find", name)
        assert (found["outcome"], found["transactions"]) == ("dead letter", [])
        told = said(walletctl, name)
        assert "Not credited: this prize is a dead letter. It will not be retried automatically." in told
        assert "The prize second of 5, which came with result round, is not paid: the result came with another" in told
        assert "The win itself is paid." in told
    assert "second" not in said(walletctl, "first")


def test_a_prize_does_not_hide_that_its_win_still_waits(walletctl: Walletctl, operator: Operator) -> None:
    body = published("result", reference="round", promoWinAmount="-5", promoWinReference="p")
    message = parked("result", body, code=59, reason="Not a valid amount: promoWinAmount", prize_only=True)
    walletctl.leave("ResultDeadLetters", message)
    walletctl.log(line("refused", correlation_id="round", code=998, reason="ReadTimeoutError"))

    assert walletctl.json("find", "round")["outcome"] == "waiting"
    told = said(walletctl, "round")
    assert "Not credited yet: it waits for another try" in told
    assert "The prize p of -5, which came with result round, is not paid: its amount is not valid." in told
    assert "The win itself does not wait for it" in told


def test_a_prize_that_was_paid_by_itself_is_shown_with_the_result_that_brings_it(
    walletctl: Walletctl, operator: Operator
) -> None:
    campaign = published("promo", reference="prize", amount="5", roundId=None)
    assert operator.send("promo", campaign).json["error"] == 0
    result = published("result", reference="round", promoWinAmount="5", promoWinReference="prize")
    assert operator.send("result", result).json["error"] == 0

    found = walletctl.json("find", "round")

    assert [each["id"] for each in found["transactions"]] == ["promo#prize", "result#round"]
    assert found["transactions"][1]["prizeReference"] == "prize"
    assert found["transactions"][1]["prizeAmount"] == "5"


# --- Free rounds ------------------------------------------------------------------------------------


def test_a_free_round_that_was_paid_less_than_it_won_says_why(walletctl: Walletctl, operator: Operator) -> None:
    def round_(reference: str, amount: str, timestamp: str) -> None:
        body = published("result", reference=reference, amount=amount, bonusCode="gift", timestamp=timestamp)
        assert operator.send("result", body).json["error"] == 0

    round_("r-1", "2", "1000")
    total = published("bonus", reference="t", amount="9", bonusCode="gift", hash=None, uuid="u", timestamp="3000")
    assert operator.send("bonus", total).json["error"] == 0
    round_("r-2", "5", "2000")
    round_("r-3", "6", "2500")

    assert (
        "t: Paid 7 of 9: its rounds had been paid 2 already"
        in walletctl("ledger", published("result")["userId"]).stdout
    )
    assert "Paid 7 of 9: its rounds had been paid 2 already" in said(walletctl, "t")
    assert "On record, and no money came with it. Paid 0 of 5: a total had paid this round already." in said(
        walletctl, "r-2"
    )
    assert "Credited: the money is in the wallet. Paid 4 of 6: a total had paid 2 of this round already." in said(
        walletctl, "r-3"
    )
    assert "after it 0 not covered by a total, 2 paid ahead by totals" in said(walletctl, "r-2")
    left = [(row["reference"], row["uncoveredAfter"], row["advanceAfter"]) for row in walletctl.csv("ledger", "421")]
    assert left == [("r-3", "4", "0"), ("r-2", "0", "2"), ("t", "0", "7"), ("r-1", "2", "0"), ("421", "", "")]
    (count,) = walletctl.json("players", "show", "421")["freeRounds"]
    assert count == {"bonusCode": "gift", "uncovered": "4", "advance": "0", "until": "3000"}


# --- Nowhere ----------------------------------------------------------------------------------------


def test_what_is_nowhere_is_said_to_be_with_what_it_means_and_what_to_ask(walletctl: Walletctl) -> None:
    told = said(walletctl, "no\x1bthing")

    assert "Nothing is known of no\\x1bthing in the local service on port" in told
    assert "by reference and player, round and transaction id; the dead letters; the log." in told
    assert "Most likely it never came here: no request was refused with 99 or 401 since " in told
    assert "Ask the provider for its reference, callback, time and the answer it got" in told
    assert walletctl("find", "nothing").exit_code == 1


# What was refused since, and what is said of it.
NOT_KEPT: list[tuple[list[dict[str, Any]], str]] = [
    (
        [{"code": 401, "reason": "Unauthorized"}] * 2 + [{"code": 99, "reason": "The body is not a JSON object"}],
        "3 requests were refused since {}, and their references are not in the log: 2 with 401, not authentic, kept "
        "nowhere; 1 with 99, not readable, kept nowhere. This win may be among them, or it never came here.",
    ),
    ([{"code": 57, "reason": "Field is malformed: reference"}], "1 with 57, a malformed field"),
    ([{"code": 64, "reason": "Mandatory field is absent or empty: reference"}], "1 with 64, a mandatory field absent"),
    ([{"code": 59, "correlation_id": "another"}], "Most likely it never came here"),
    ([{"code": 998, "reason": "no secret"}], "1 with 998, the secrets could not be read"),
    ([{"message": "parking failed"}], "1 that could not be put into a queue"),
    ([{"code": 405, "reason": "Only POST is accepted"}], "Most likely it never came here"),
    ([{"code": 401, "timestamp": "2026-01-02 03:04:05,678+0000"}], "Most likely it never came here"),
    ([{"code": 998, "correlation_id": "another"}], "Most likely it never came here"),
]


@pytest.mark.parametrize(("lines", "told"), NOT_KEPT)
def test_what_was_refused_and_kept_nowhere_is_counted_where_nothing_is_known(
    walletctl: Walletctl, lines: list[dict[str, Any]], told: str
) -> None:
    now = f"{datetime.now(UTC):%Y-%m-%d %H:%M:%S},678+0000"
    without = {"level": "WARNING", "message": "refused", "service": "result", "timestamp": now}
    walletctl.log(*({**without, **each} for each in lines))

    since = datetime.now(UTC) - timedelta(hours=2)
    said_of_it = said(walletctl, "lost", "--since", since.isoformat())

    assert told.format(f"{since:%Y-%m-%d %H:%M:%S}Z") in said_of_it
    assert ("Most likely" in said_of_it) is ("Most likely" in told)


@pytest.fixture
def written() -> Iterator[list[dict[str, Any]]]:
    """What the functions write to their log, as they write it."""
    from wallet.report import logger as its_logger

    lines: list[dict[str, Any]] = []

    class Reader(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            lines.append(json.loads(its_logger.registered_formatter.format(record)))

    reader, logger = Reader(), logging.getLogger(its_logger.name)
    logger.addHandler(reader)
    yield lines
    logger.removeHandler(reader)


def test_what_the_functions_refuse_and_keep_nowhere_is_counted(
    walletctl: Walletctl, operator: Operator, written: list[dict[str, Any]]
) -> None:
    kept_nowhere = operator.send("result", "[]"), operator.send("jackpot", "{" * 70_000)
    assert [each.json["error"] for each in kept_nowhere] == [99, 99]
    assert operator.send("result", published("result", amount="x")).json["error"] == 59
    walletctl.log(*written)

    assert walletctl.json("find", "lost", status=1)["notKept"] == {"99": 2}
    told = said(walletctl, "lost")
    assert "1 dead letter had a body that is not valid, and may be of this win under another name." in told
    assert "To see them: walletctl parked list" in told


def test_a_log_that_cannot_be_read_leaves_open_what_was_refused(
    walletctl: Walletctl, monkeypatch: pytest.MonkeyPatch
) -> None:
    def denied(*_: Any) -> Any:
        raise Trouble("the log cannot be asked: denied")

    for question in ("log", "refused", "not_kept"):
        monkeypatch.setattr(LocalService, question, denied)

    told = said(walletctl, "lost")

    assert "The log was not read: the log cannot be asked: denied." in told
    assert "What is refused with 99 or 401 is kept nowhere, and the log could not be asked how many" in told
    assert "Most likely" not in told
    assert walletctl.json("find", "lost", status=1)["notKept"] is None


def test_a_stack_s_log_counts_what_was_refused_and_kept_nowhere(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tools.walletctl.log._POLL_SECONDS", 0)
    logs = Logs(
        {"message": "refused", "code": "401", "requests": "12"},
        {"message": "refused", "code": "99", "requests": "3"},
        {"message": "parking failed", "requests": "1"},
    )
    now = datetime.now(UTC)

    assert not_kept_of_stack(logs, ["/prod/result"], now, now) == {"401": 12, "99": 3, "parking failed": 1}
    assert "not ispresent(correlation_id)" in logs.query["queryString"]
    assert "stats count(*) as requests by message, code" in logs.query["queryString"]


def test_what_is_no_name_is_told_in_one_line(walletctl: Walletctl) -> None:
    for name, told in {"": "the name is empty", " ": "is all spaces", "x" * 2000: "has 2,000"}.items():
        for command in (("ledger",), ("verify",), ("players", "show")):
            assert told in walletctl.refused(*command, name)
    assert "the name is empty" in walletctl.refused("find", "")
    assert "has 65,537" in walletctl.refused("find", "x" * 65_537)


def test_without_a_scan_it_says_that_it_did_not_look_everywhere(walletctl: Walletctl, operator: Operator) -> None:
    operator.send("result", published("result", roundId="round-7"))
    walletctl.watch()

    assert "(not by round or transaction id)" in said(walletctl, "round-7", "--no-scan")
    assert not walletctl.asked("Scan")


def test_what_the_log_knows_is_not_looked_for_in_the_whole_ledger(walletctl: Walletctl) -> None:
    walletctl.log(line("refused", **NO_PLAYER))
    walletctl.watch()

    assert walletctl.json("find", REFERENCE)["outcome"] == "waiting"
    assert not walletctl.asked("Scan")


def test_who_may_not_see_the_queues_is_told_so_and_given_the_ledger(walletctl: Walletctl, operator: Operator) -> None:
    operator.send("result", published("result"))

    def denied(operation: str, _parameters: Any, call: Callable[[], Any]) -> Any:
        if operation in ("GetQueueAttributes", "GetQueueUrl"):
            raise DENIED
        return call()

    walletctl.watch(denied)

    assert walletctl.json("find", REFERENCE)["outcome"] == "credited"
    assert "The dead letters were not looked at: " in said(walletctl, REFERENCE)
    nowhere = walletctl("find", "nothing")
    assert nowhere.exit_code == 1
    assert "The dead letters were not looked at: " in nowhere.stdout


def test_a_broken_off_search_puts_every_letter_back(walletctl: Walletctl) -> None:
    messages = [parked("result", published("result", reference=str(number))) for number in range(15)]
    walletctl.leave("ResultDeadLetters", *messages)

    def fails(operation: str, parameters: Any, call: Callable[[], Any]) -> Any:
        if operation == "ReceiveMessage" and "Promo" in parameters["QueueUrl"]:
            raise DENIED
        return call()

    walletctl.watch(fails)
    walletctl("find", "nothing")

    client: Any = boto3.client("sqs")
    assert client.get_queue_attributes(
        QueueUrl=_url("ResultDeadLetters"), AttributeNames=["ApproximateNumberOfMessages"]
    )["Attributes"] == {"ApproximateNumberOfMessages": "15"}


def test_hostile_text_in_what_is_found_does_nothing_to_a_terminal(walletctl: Walletctl, operator: Operator) -> None:
    operator.send("result", published("result", gameName="\x1b[2J[bold]x", roundId="[red]round[/]"))
    walletctl.leave("PromoDeadLetters", parked("promo", published("promo", reference=REFERENCE), reason="\x1b[31mx"))
    walletctl.log(line("refused", code=62, reason="\x1b[2J"))

    for arguments in (("find", REFERENCE), ("ledger", "421"), ("parked", "show", REFERENCE)):
        shown = walletctl(*arguments).output
        assert all(character.isprintable() or character == "\n" for character in shown), ascii(shown)
    assert "[red]round[/]" in walletctl("find", REFERENCE).stdout


def _url(queue: str) -> str:
    return boto3.client("sqs").get_queue_url(QueueName=queue)["QueueUrl"]


# --- A stack's log ----------------------------------------------------------------------------------


class Logs:
    """What CloudWatch Logs Insights does with a query: nothing at first, then it has the lines."""

    def __init__(self, *lines: dict[str, str], status: str = "Complete") -> None:
        self.lines = lines
        self.status = status
        self.queries: list[dict[str, Any]] = []
        self.polls = 0

    def start_query(self, **query: Any) -> dict[str, str]:
        self.queries.append(query)
        return {"queryId": "q"}

    @property
    def query(self) -> dict[str, Any]:
        (query,) = self.queries
        return query

    def get_query_results(self, **_: str) -> dict[str, Any]:
        self.polls += 1
        results = [[{"field": name, "value": value} for name, value in each.items()] for each in self.lines]
        return {"status": "Running" if self.polls == 1 else self.status, "results": results}


def test_a_stack_s_log_is_asked_for_the_reference_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tools.walletctl.log._POLL_SECONDS", 0)
    logs = Logs(
        {"@timestamp": "2026-01-02 03:04:05.678", "service": "result", "message": "refused", "code": "62", "tries": "3"}
    )
    until = datetime(2026, 1, 3, tzinfo=UTC)

    (found,) = of_stack(logs, ["/prod/result"], "585c", until - timedelta(days=1), until)

    assert (found.message, found.code, found.tries) == ("refused", 62, 3)
    assert found.at == datetime(2026, 1, 2, 3, 4, 5, 678000, UTC)
    assert 'filter correlation_id = "585c" |' in logs.query["queryString"]
    assert logs.query["endTime"] - logs.query["startTime"] == 24 * 3600 + 1


def test_a_stack_s_log_is_asked_for_a_player_s_refused_wins_and_what_became_of_them(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("tools.walletctl.log._POLL_SECONDS", 0)
    written = {"service": "result", "message": "refused", "code": "62", "userId": "40021"}
    logs = Logs(*({**written, "@timestamp": f"2026-01-02 03:04:0{n}.000", "correlation_id": f"r{n}"} for n in (2, 1)))
    now = datetime.now(UTC)

    found = refused_of_stack(logs, ["/prod/result"], "40021", now, now)

    first, second = logs.queries
    by = 'roundId = "40021" or userId = "40021" and service != "bet"'
    assert f'filter message = "refused" and ({by})' in first["queryString"]
    assert 'filter correlation_id in ["r1", "r2"]' in second["queryString"]
    assert [each.reference for each in found] == ["r1", "r2"]


def test_a_refused_win_whose_reference_cannot_be_asked_for_is_told_all_the_same(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("tools.walletctl.log._POLL_SECONDS", 0)
    odd = {"service": "result", "message": "refused", "code": "62", "userId": "40021", "correlation_id": 'a"b'}
    now = datetime.now(UTC)

    (found,) = refused_of_stack(Logs(odd), ["/prod/result"], "40021", now, now)

    assert found.reference == 'a"b'


@pytest.mark.parametrize("reference", ['x" or 1 = 1 #', "a\\", "`a`", "a\nb", "a\x9bb", "x" * 129])
def test_a_reference_that_the_log_s_language_might_misread_is_not_asked_for(reference: str) -> None:
    now = datetime.now(UTC)

    with pytest.raises(Exception, match="cannot be used in a Logs Insights query"):
        of_stack(Logs(), ["/prod/result"], reference, now, now)


def test_a_log_that_fails_is_not_taken_for_an_empty_one() -> None:
    now = datetime.now(UTC)
    logs = Logs(status="Failed")
    logs.polls = 1

    with pytest.raises(Exception, match="the log's answer is Failed"):
        of_stack(logs, ["/prod/result"], "r", now, now)


# --- A ledger ---------------------------------------------------------------------------------------


@pytest.fixture
def ledger(walletctl: Walletctl, operator: Operator) -> Walletctl:
    """Twelve wins of 421 under `r-0` … `r-11`, one a day from 1 January 2026 on. The opening is a day older."""

    def recorded(id: str, at: str) -> None:
        operator.database.Table("Transactions").update_item(
            Key={"id": id}, UpdateExpression="SET recordedAt = :at", ExpressionAttributeValues={":at": at}
        )

    recorded("opening#421", "2025-12-31T12:00:00.000+00:00")
    for number in range(12):
        callback = "promo" if number % 4 == 3 else "result"
        operator.send(
            callback,
            published(callback, reference=f"r-{number}", amount=f"{number}.10", roundId=f"round-{number // 3}"),
        )
        recorded(f"{callback}#r-{number}", f"2026-01-{number + 1:02}T12:00:00.000+00:00")
    return walletctl


def references(rows: list[dict[str, Any]]) -> list[int]:
    return [int(row["reference"].removeprefix("r-")) for row in rows]


def test_a_ledger_is_read_newest_first_with_running_balances(ledger: Walletctl) -> None:
    rows = ledger.json("ledger", "421")

    assert references(rows) == [*range(11, -1, -1), 421]
    assert references(ledger.json("ledger", "421", "--oldest-first")) == [421, *range(12)]
    for row in rows:
        assert Decimal(row["cashAfter"]) - Decimal(row["cashBefore"]) == Decimal(row["amount"])
    assert rows[-1]["cashBefore"] == "0"
    assert [later["cashBefore"] for later in rows[:-1]] == [earlier["cashAfter"] for earlier in rows[1:]]


FILTERED = {
    ("--since", "2026-01-10"): [11, 10, 9],
    ("--since", "2026-01-10T12:00:00Z", "--until", "2026-01-11"): [9],
    ("--until", "2026-01-02T13:00:00+01:00"): [0, 421],
    ("--kind", "opening"): [421],
    ("--kind", "promo"): [11, 7, 3],
    ("--kind", "promo", "--kind", "result", "--limit", "2"): [11, 10],
    ("--round", "round-1"): [5, 4],  # 3 is a promo, which carries no round
    ("--round", "round-1", "--oldest-first", "--limit", "1"): [4],
    ("--until", "999999min"): [],
}
NO_FILTERS = {
    ("--since", "someday"): "someday is not a moment: say yesterday",
    (
        "--kind",
        "spin",
    ): "no kind is called spin: there are result, jackpot, bonus, promo, bet, cancel, opening, deposit",
    ("--until", "999999d"): "999999d is not a moment",
}


def test_a_ledger_is_filtered(ledger: Walletctl) -> None:
    for arguments, expected in FILTERED.items():
        assert references(ledger.json("ledger", "421", *arguments)) == expected, arguments
    for arguments, told in NO_FILTERS.items():
        assert told in ledger.refused("ledger", "421", *arguments)


def test_a_person_is_told_that_there_is_more(ledger: Walletctl) -> None:
    shown = ledger("ledger", "421", "--limit", "5").stdout

    assert "5 transactions, and there are more: walletctl ledger 421 --limit=5 --before=9" in shown
    assert "The wallet now: cash 99957.19 USD, bonus 99.99, version 13" in shown
    assert "13 transactions\n" in ledger("ledger", "421").stdout


def test_a_change_without_a_record_is_a_separate_line(walletctl: Walletctl, operator: Operator) -> None:
    operator.send("result", published("result", reference="r-1", amount="1"))
    wallet = operator.wallet()
    operator.database.Table("Players").put_item(
        Item=wallet | {"cash": wallet["cash"] - 20, "version": wallet["version"] + 2}
    )
    operator.send("result", published("result", reference="r-2", amount="1"))

    lines = [" ".join(line.split()) for line in walletctl("ledger", "421").stdout.splitlines()]

    assert any(re.fullmatch(r"3-4 \(no record of this change\) -20 99870.99", line) for line in lines), lines
    assert "no record" not in walletctl("ledger", "421", "--kind", "result").stdout


@pytest.mark.parametrize("order", [[], ["--oldest-first"], ["--limit", "2"]], ids=["newest", "oldest", "limited"])
def test_a_missing_opening_is_a_separate_line(walletctl: Walletctl, operator: Operator, order: list[str]) -> None:
    for number in (1, 2):
        operator.send("result", published("result", reference=f"r-{number}", amount="1"))
    operator.database.Table("Transactions").delete_item(Key={"id": "opening#421"})

    lines = [" ".join(line.split()) for line in walletctl("ledger", "421", *order).stdout.splitlines()]

    assert "1 (no record of this change) +99889.99 99889.99" in lines
    assert "no record" not in walletctl("ledger", "421", "--limit", "1").stdout


def test_a_ledger_longer_than_one_call_is_read_whole(ledger: Walletctl, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tools.walletctl.tables._MOST_KEYS", 2)
    ledger.watch()

    rows = ledger.csv("ledger", "421", "--oldest-first")

    assert [row["seq"] for row in rows] == [str(number) for number in range(1, 14)]
    assert len(ledger.asked("BatchGetItem")) == 7


def test_what_a_busy_table_leaves_over_is_asked_for_again(ledger: Walletctl, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("time.sleep", lambda _seconds: None)

    def busy(operation: str, parameters: Any, call: Callable[[], Any]) -> Any:
        if operation != "BatchGetItem":
            return call()
        ((table, wanted),) = parameters["RequestItems"].items()
        left, wanted["Keys"] = wanted["Keys"][1:], wanted["Keys"][:1]
        return call() | {"UnprocessedKeys": {table: {**wanted, "Keys": left}} if left else {}}

    ledger.watch(busy)
    assert len(ledger.json("ledger", "421", "--limit", "10")) == 10

    def busier(operation: str, parameters: Any, call: Callable[[], Any]) -> Any:
        if operation != "BatchGetItem":
            return call()
        return {"Responses": {}, "UnprocessedKeys": parameters["RequestItems"]}

    ledger.watch(busier)
    assert "is throttled: try again" in ledger.refused("players", "show", "421")


def test_a_player_of_whom_there_is_nothing_is_told_where_to_look(walletctl: Walletctl) -> None:
    assert "To look for wins that are parked: walletctl find nobody" in walletctl.refused("ledger", "nobody")


def test_a_record_that_was_tampered_with_is_shown_as_it_stands(ledger: Walletctl, operator: Operator) -> None:
    operator.database.Table("Transactions").put_item(
        Item={"id": "result#torn", "userId": "421", "seq": 13, "amount": "ten", "recordedAt": "once"}
    )

    assert "torn" in ledger("ledger", "421").stdout
    assert ledger.json("find", "torn")["transactions"][0]["amount"] == "ten"
    assert "ten None" in said(ledger, "torn")


def test_letters_are_hidden_from_others_no_longer_than_it_takes(walletctl: Walletctl) -> None:
    assert mailbox.HIDDEN_SECONDS <= 300
    walletctl.leave("ResultDeadLetters", parked("result", published("result")))
    walletctl("find", REFERENCE)

    assert "1 dead letter" in walletctl("parked", "redrive", "result").stdout
