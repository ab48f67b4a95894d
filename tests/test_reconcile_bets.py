"""A report with bets and cancels against the ledger: both sides agree on each stake, or it is a difference."""

import csv
import io
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from conftest import Operator
from tools.provider.columns import COLUMNS
from walletctl import CANCEL, PORT, REFUND, Walletctl, parked, stake, undo, won

Row = dict[str, str]


def row(callback: str, reference: str, amount: str = "5", **changes: str) -> Row:
    """A row of the report, as simulate writes it."""
    same = {"userId": "421", "currency": "USD", "roundId": "r", "gameId": "g", "timestamp": "1782429190374"}
    return {"callback": callback, "reference": reference, "amount": amount, "answer": "0", **same, **changes}


def lost(reference: str, answer: str = "") -> list[Row]:
    """A bet whose answers were lost, and that was cancelled."""
    return [row("bet", reference, answer=answer), row("cancel", reference)]


class Desk:
    """Compares reports with what the account has on record."""

    def __init__(self, walletctl: Walletctl, operator: Operator, folder: Path) -> None:
        self.walletctl, self.operator, self.folder = walletctl, operator, folder

    def bet(self, reference: str, amount: str = "5", *, error: int = 0, **changes: Any) -> None:
        assert self.operator.send("bet", stake(reference, amount, **changes)).json["error"] == error

    def cancel(self, reference: str, path: str = CANCEL, *, error: int = 0, **changes: Any) -> None:
        assert self.operator.send("cancel", undo(reference, **changes), path=path).json["error"] == error

    def file(self, rows: list[Row]) -> str:
        text = io.StringIO()
        writer: csv.DictWriter[str] = csv.DictWriter(text, COLUMNS, restval="")
        writer.writeheader()
        writer.writerows(rows)
        return self.written(text.getvalue())

    def written(self, text: str) -> str:
        path = self.folder / "report.csv"
        path.write_text(text)
        return str(path)

    def compared(self, rows: list[Row], *options: str) -> tuple[list[tuple[str, str, str]], dict[str, Any]]:
        """Each difference's kind, callback and reference; and the whole answer."""
        return self.of_file(self.file(rows), *options)

    def of_file(self, path: str, *options: str) -> tuple[list[tuple[str, str, str]], dict[str, Any]]:
        result = self.walletctl("reconcile", path, "--json", *options)
        import json

        said = json.loads(result.stdout)
        found = [(each["kind"], each["callback"], each["reference"]) for each in said["shownDifferences"]]
        assert result.exit_code == (1 if found else 0)
        return found, said


@pytest.fixture
def desk(walletctl: Walletctl, operator: Operator, tmp_path: Path) -> Desk:
    return Desk(walletctl, operator, tmp_path)


# --- Both sides agree -------------------------------------------------------------------------------


def taken_and_paid_back(desk: Desk) -> None:
    desk.bet("b")
    desk.cancel("b")


def refused(desk: Desk) -> None:
    desk.bet("b", "1000000", error=15)
    desk.cancel("b")


def remembered(desk: Desk) -> None:
    desk.cancel("b")


def absent(desk: Desk) -> None:
    """Nothing of it ever came."""


def booked_elsewhere(desk: Desk) -> None:
    desk.bet("b")
    letter = parked("cancel", undo("b"), call="cancel", code=998)
    order = {"message": letter, "actor": "ana", "reason": "ticket 9", "bookedElsewhere": True}
    assert desk.operator.invoke("cancel", {"settle": order})["error"] == 0


@pytest.mark.parametrize("answer", ["", "53", "998"])
@pytest.mark.parametrize("happened", [taken_and_paid_back, refused, remembered, absent, booked_elsewhere])
def test_a_cancelled_bet_agrees_with_whatever_became_of_it_here(
    desk: Desk, happened: Callable[[Desk], None], answer: str
) -> None:
    happened(desk)

    found, said = desk.compared(lost("b", answer))

    assert (found, said["matched"]) == ([], 2)
    assert said["paidThoughAnsweredOtherwise"] == 0
    assert said["cancelledAndNeverTaken"] == (0 if happened in (taken_and_paid_back, booked_elsewhere) else 1)
    assert all(total["difference"] == "+0" for total in said["totals"])


def test_whole_rounds_are_matched_with_their_sums(desk: Desk) -> None:
    desk.bet("b1", "5")
    desk.bet("b2", "2.5")
    desk.bet("free", "7", bonusCode="gift", roundId="f")
    desk.cancel("b2")
    desk.cancel("free", roundId="f")
    desk.bet("c1", "3", roundId="q")
    desk.bet("c2", "4", roundId="q")
    desk.cancel("own", REFUND, roundId="q")
    assert desk.operator.send("result", won("w", "9")).json["error"] == 0
    rows = [
        row("bet", "b1"), row("bet", "b2", "2.5"), row("cancel", "b2", "2.5"), row("result", "w", "9"),
        row("bet", "free", "7.00"), row("cancel", "free", "0"), row("bet", "c1", "3"), row("bet", "c2", "4"),
        row("cancel", "c1", "3"), row("cancel", "c2", "4"),
    ]  # fmt: skip

    found, said = desk.compared(rows)

    assert (found, said["matched"], said["transactions"]) == ([], 10, 10)
    totals = {total["callback"]: (total["amount"], total["asked"], total["paid"]) for total in said["totals"]}
    assert totals == {"bet": ("21.5", "21.5", "14.5"), "cancel": ("9.5", "9.5", "9.5"), "result": ("9", "9", "9")}


@pytest.mark.parametrize("happened", [taken_and_paid_back, refused, remembered])
def test_what_ended_without_a_stake_needs_no_row(desk: Desk, happened: Callable[[Desk], None]) -> None:
    happened(desk)
    desk.bet("other")

    found, said = desk.compared([row("bet", "other")])

    assert (found, said["matched"]) == ([], 1)
    assert [total["transactions"] for total in said["totals"]] == [1]


# --- They differ ------------------------------------------------------------------------------------


def test_a_bet_that_the_report_does_not_have_is_held_here(desk: Desk) -> None:
    desk.bet("b")
    desk.bet("gone")

    found, _ = desk.compared([row("bet", "b")])
    told = " ".join(desk.walletctl("reconcile", desk.file([row("bet", "b")])).stdout.split())

    assert found == [("held", "bet", "gone")]
    assert "1 transaction: held: a stake is held for a bet that the report does not have" in told
    assert "If the round has a result, a refund would pay back its other bets too" in told
    assert f"Those that wait for a result: walletctl rounds --open --port {PORT}" in told


@pytest.mark.parametrize(("happened", "note"), [(refused, "not enough"), (remembered, "cancelled"), (absent, None)])
def test_a_bet_that_took_nothing_here_is_told_with_why(
    desk: Desk, happened: Callable[[Desk], None], note: str | None
) -> None:
    happened(desk)

    found, said = desk.compared([row("bet", "b")])

    assert found == [("not taken", "bet", "b")]
    assert said["shownDifferences"][0]["note"] == note
    assert (said["matched"], said["totals"][0]["difference"]) == (0, "-5")


def test_a_cancel_whose_stake_is_still_held_is_missing(desk: Desk) -> None:
    desk.bet("b")

    found, said = desk.compared(lost("b"))

    assert found == [("missing here", "cancel", "b")]
    assert said["matched"] == 1


def test_a_cancel_that_is_kept_is_said_to_be(desk: Desk) -> None:
    desk.bet("b")
    desk.walletctl.leave("CancelDeadLetters", parked("cancel", undo("b"), call="cancel", code=59, reason="no amount"))

    found, said = desk.compared(lost("b"))

    assert found == [("dead letter", "cancel", "b")]
    assert said["shownDifferences"][0]["note"] == "59: no amount"


def test_a_cancel_that_may_wait_for_another_try_is_said_to(desk: Desk) -> None:
    desk.bet("b")
    desk.walletctl.leave("CancelRetryQueue", parked("cancel", undo("b"), call="cancel", code=998))

    found, _ = desk.compared([row("bet", "b"), row("cancel", "b", answer="998")])

    assert found == [("perhaps parked", "cancel", "b")]


def test_the_bets_of_a_refund_that_is_kept_are_said_to_be(desk: Desk) -> None:
    desk.bet("b1")
    desk.bet("b2")
    assert desk.operator.send("result", won("w", "9")).json["error"] == 0
    desk.cancel("own", REFUND, error=61)
    rows = [*lost("b1", "0"), *lost("b2", "0"), row("result", "w", "9")]

    found, said = desk.compared(rows)

    assert found == [("dead letter", "cancel", "b1"), ("dead letter", "cancel", "b2")]
    assert said["shownDifferences"][0]["note"] == "61: The round has winnings: roundId (the refund of its round)"


def test_a_stake_that_was_paid_back_and_that_the_report_still_has_is_told(desk: Desk) -> None:
    taken_and_paid_back(desk)

    found, said = desk.compared([row("bet", "b")])

    assert (found, said["matched"]) == ([("paid back", "cancel", "b")], 1)


@pytest.mark.parametrize(
    ("change", "kind"),
    [
        ({"amount": "6"}, "different amount"),
        ({"userId": "422"}, "different player"),
        ({"currency": "EUR"}, "different currency"),
    ],
)
@pytest.mark.parametrize("callback", ["bet", "cancel"])
def test_a_bet_and_a_cancel_are_compared_like_any_row(
    desk: Desk, callback: str, change: dict[str, str], kind: str
) -> None:
    taken_and_paid_back(desk)
    rows = [each | change if each["callback"] == callback else each for each in lost("b")]

    found, _ = desk.compared(rows)

    assert found == [(kind, callback, "b")]


def test_a_cancel_of_a_day_is_not_excused_by_the_bet_of_another(desk: Desk) -> None:
    taken_and_paid_back(desk)
    yesterday = (datetime.now(UTC) - timedelta(days=1)).isoformat(timespec="milliseconds")
    table = desk.operator.database.Table("Transactions")
    table.put_item(Item=table.get_item(Key={"id": "bet#b"})["Item"] | {"recordedAt": yesterday})
    desk.bet("other")

    found, _ = desk.compared([row("bet", "other")], "--since", "1h")

    assert found == [("paid back", "cancel", "b")]
    assert desk.compared([row("bet", "other"), row("cancel", "b")], "--since", "1h")[0] == []


# --- The feed ---------------------------------------------------------------------------------------


def test_the_provider_s_feed_of_transactions_is_read_with_its_types(desk: Desk) -> None:
    desk.bet("b1")
    desk.bet("b2")
    desk.cancel("b2")
    assert desk.operator.send("result", won("w", "9")).json["error"] == 0
    lines = [
        "#timepoint = 1782429190374",
        "reference,type,amount,timestamp,sessionId,gameId,userId,bonusCode,roundDetails",
        "b1,Bet,5,1782429190374,s,g,421,,spin",
        "b2,Bet,5.00,1782429190374,s,g,421,,spin",
        "b2,Cancel,5,1782429190374,s,g,421,,",
        "w,Result,9,1782429190374,s,g,421,,spin",
    ]

    found, said = desk.of_file(desk.written("\n".join(lines)))

    assert (found, said["matched"], said["nextTimepoint"]) == ([], 4, 1782429190374)
    lines[-1] = "w,JackPotWin,9,1782429190374,s,g,421,,spin"
    found, _ = desk.of_file(desk.written("\n".join(lines)))
    assert found == [("missing here", "jackpot", "w"), ("unknown there", "result", "w")]
