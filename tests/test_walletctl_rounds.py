"""A round is told in order, with what was staked and won; open rounds are listed; stakes have signs and rounds."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from botocore.exceptions import ClientError

from conftest import Operator
from walletctl import CANCEL, PORT, REFUND, Walletctl, of_a_stack, parked, stake, undo, won


def told(walletctl: Walletctl, *arguments: str, status: int = 0) -> str:
    """What a person reads, on one line, without the port in its hints."""
    result = walletctl(*arguments)
    assert result.exit_code == status, result.output
    return " ".join(result.stdout.split()).replace(f" --port {PORT}", "")


def bet(operator: Operator, reference: str, amount: str = "5", *, error: int = 0, **changes: Any) -> None:
    assert operator.send("bet", stake(reference, amount, **changes)).json["error"] == error


def cancel(operator: Operator, reference: str, *, path: str = CANCEL, error: int = 0, **changes: Any) -> None:
    assert operator.send("cancel", undo(reference, **changes), path=path).json["error"] == error


def result(operator: Operator, reference: str, amount: str = "5", *, error: int = 0, **changes: Any) -> None:
    assert operator.send("result", won(reference, amount, **changes)).json["error"] == error


def end(operator: Operator) -> None:
    assert operator.send("endround", undo(None)).json["error"] == 0


def test_the_calls_that_end_no_round_are_of_one_round(operator: Operator) -> None:
    bet(operator, "b")
    result(operator, "w")

    (of,) = operator.items("Rounds")
    assert (of["gameId"], of["roundId"], of["hasResult"]) == ("g", "r", True)


# --- find ROUND -------------------------------------------------------------------------------------


def test_a_round_is_told_in_order_with_staked_won_and_net(walletctl: Walletctl, operator: Operator) -> None:
    cancel(operator, "lost")
    bet(operator, "first", "5")
    bet(operator, "second", "2.5")
    bet(operator, "huge", "1000000", error=15)
    cancel(operator, "second", roundId=None)
    result(operator, "w", "12")
    end(operator)

    found = told(walletctl, "find", "r")
    (of,) = walletctl.json("find", "r")["rounds"]

    assert "staked 7.5 USD paid back 2.5 USD won 12 USD net +7 USD for the player" in found
    steps = (
        "bet cancelled before it came lost", "bet of 5 first -5", "bet of 2.5 second -2.5",
        "bet of 1000000 refused: not enough money huge", "bet cancelled and paid back second +2.5", "result w +12",
        "round ended",
    )  # fmt: skip
    places = [found.index(step) for step in steps]
    assert places == sorted(places)
    assert "Played: its result came, with 1 live bet. Ended: the provider said that it is over." in found
    assert (of["staked"], of["paidBack"], of["won"], of["net"]) == ("7.5", "2.5", "12", "7")
    assert of["liveBets"] == [{"reference": "first", "taken": "5", "bonusCode": None}]
    assert (of["ended"], of["hasResult"], of["refunded"], of["openSince"]) == (True, True, False, None)
    assert of["transactions"] == ["bet#lost", "bet#first", "bet#second", "bet#huge", "cancel#second", "result#w"]


def test_a_player_s_round_is_told_without_reading_the_ledger_of_all(walletctl: Walletctl, operator: Operator) -> None:
    bet(operator, "b")
    bet(operator, "huge", "1000000", error=15)
    operator.open_wallet("422")
    bet(operator, "other", userId="422")
    walletctl.watch()

    found = told(walletctl, "find", "r", "--player", "421")

    assert not walletctl.asked("Scan")
    assert "bet of 5 b -5" in found
    assert "other" not in found
    assert "Open: 1 live bet waits for a result since" in found
    assert "A bet was refused for lack of money. A player's list does not have it: leave out --player" in found


def test_the_same_round_id_in_two_games_is_two_rounds(walletctl: Walletctl, operator: Operator) -> None:
    bet(operator, "b1", "1")
    bet(operator, "b2", "2", gameId="h")

    rounds = walletctl.json("find", "r")["rounds"]

    assert [(of["gameId"], of["staked"], of["transactions"]) for of in rounds] == [
        ("g", "1", ["bet#b1"]),
        ("h", "2", ["bet#b2"]),
    ]
    assert "421, h: Open: 1 live bet waits" in told(walletctl, "find", "r")


def test_a_round_that_only_ended_is_found(walletctl: Walletctl, operator: Operator) -> None:
    end(operator)

    for arguments in (("r",), ("r", "--player", "421")):
        assert walletctl.json("find", *arguments)["outcome"] == "round"
        assert "Ended: the provider said that it is over." in told(walletctl, "find", *arguments)
    assert walletctl("find", "r", "--player", "422").exit_code == 1
    assert walletctl("find", "r", "--no-scan").exit_code == 1


def test_a_refunded_round_says_what_is_refused_from_then_on(walletctl: Walletctl, operator: Operator) -> None:
    bet(operator, "b1")
    bet(operator, "b2")
    cancel(operator, "own", path=REFUND)

    found = told(walletctl, "find", "r")

    assert "staked 10 USD paid back 10 USD won 0 USD net 0 USD" in found
    assert "round refunded" in found
    assert "Refunded: a later bet is refused with error 53, and a win with 61." in found


def test_a_round_without_a_table_of_rounds_is_told_from_its_wins(
    walletctl: Walletctl, operator: Operator, monkeypatch: pytest.MonkeyPatch
) -> None:
    result(operator, "w1", "1")
    result(operator, "w2", "2")
    for item in operator.items("Rounds"):
        operator.database.Table("Rounds").delete_item(Key={name: item[name] for name in ("userId", "round")})

    found = told(walletctl, "find", "r")

    assert "won 3 USD net +3 USD" in found
    assert "The round itself is not on record" in found


def test_a_total_is_not_taken_for_what_its_last_round_won(walletctl: Walletctl, operator: Operator) -> None:
    bet(operator, "b", bonusCode="gift")
    result(operator, "w", "3", bonusCode="gift")
    total = won("t", "7", bonusCode="gift")
    assert operator.send("bonus", total).json["error"] == 0

    found = told(walletctl, "find", "r")

    assert "bet of 5, a free round b 0" in found
    assert "staked 0 USD paid back 0 USD won 3 USD" in found
    assert "total of its free rounds t +4" in found
    assert "The total is not counted as won" in found


def test_what_is_kept_of_a_round_is_shown_with_it(walletctl: Walletctl, operator: Operator) -> None:
    bet(operator, "b")
    bet(operator, "c")
    result(operator, "w", "9")
    cancel(operator, "own", path=REFUND, error=61)
    cancel(operator, "c", amount="4", roundId=None, gameId=None, error=59)
    walletctl.leave("CancelDeadLetters", parked("cancel", undo("strange", roundId="another"), call="cancel"))

    letters = walletctl.json("find", "r")["deadLetters"]

    assert {(each["call"], each["reference"], each["code"]) for each in letters} == {
        ("refund", "own", 61),
        ("cancel", "c", 59),
    }
    assert "There is a dead letter of that name as well, which is not paid back:" in told(walletctl, "find", "r")


def test_a_cancel_that_is_due_another_try_is_shown_with_its_round(walletctl: Walletctl, operator: Operator) -> None:
    bet(operator, "b")
    waits = {"call": "cancel", "code": 998, "reason": "throttled"}
    walletctl.leave(
        "CancelRetryQueue",
        parked("cancel", undo("b", roundId=None), **waits),
        parked("cancel", undo("other", roundId=None), **waits),
    )

    assert [each["reference"] for each in walletctl.json("find", "r", "--retries")["due"]] == ["b"]


def refused_in(code: int, service: str = "bet", reference: str = "b9", **said: Any) -> dict[str, Any]:
    return {
        "service": service, "message": "refused", "code": code, "correlation_id": reference, "userId": "421",
        "roundId": "r", "amount": "5", "currency": "USD", "reason": "The round was refunded",
        "timestamp": "2026-11-30 10:00:00,000+0000", **said,
    }  # fmt: skip


@pytest.mark.parametrize("by_player", [False, True])
def test_a_round_shows_what_the_log_says_was_refused(walletctl: Walletctl, operator: Operator, by_player: bool) -> None:
    bet(operator, "b")
    bet(operator, "huge", "1000000", error=15)
    walletctl.log(
        refused_in(53),
        refused_in(15, reference="huge"),
        refused_in(61, "result", "w9"),
        refused_in(998, reference="b"),
        {"service": "bet", "message": "staked", "correlation_id": "b"},
    )

    found = told(walletctl, "find", "r", *(("--player", "421") if by_player else ()))

    assert "bet b9, 5 USD, player 421, round r: refused on 2026-11-30 10:00:00Z, with error 53 (The round" in found
    assert "result w9, 5 USD, player 421, round r: left for a person on" in found
    assert "bet huge, 5 USD" not in found
    assert "bet b, " not in found


def test_a_player_s_refused_bets_are_not_said_to_be_missing(walletctl: Walletctl) -> None:
    walletctl.log(*(refused_in(15, reference=f"b{number}") for number in range(60)), refused_in(61, "result", "w9"))

    assert [each["reference"] for each in walletctl.json("find", "421")["refused"]] == ["w9"]


# --- find, by the reference of a bet or a cancel ------------------------------------------------------


def test_a_bet_is_found_by_its_reference_with_the_state_of_its_round(walletctl: Walletctl, operator: Operator) -> None:
    bet(operator, "b")

    assert walletctl.json("find", "b")["outcome"] == "staked"
    found = told(walletctl, "find", "b")
    assert "staked -5 USD" in found
    assert "Staked: 5 USD was taken from the wallet. Open: 1 live bet waits for a result" in found
    assert "Its round: walletctl find r --player=421" in found
    assert "bet of 5 b -5" in told(walletctl, "find", "r", "--player=421")


def test_a_cancelled_bet_shows_both_and_what_they_mean(walletctl: Walletctl, operator: Operator) -> None:
    bet(operator, "b")
    cancel(operator, "b")

    assert walletctl.json("find", "b")["outcome"] == "paid back"
    found = told(walletctl, "find", "b")
    assert "bet#b: Staked: 5 USD was taken from the wallet." in found
    assert "cancel#b: Paid back: the stake of 5 USD is in the wallet again." in found
    assert "All its bets were cancelled. A win is refused with error 61." in found


@pytest.mark.parametrize(
    ("refuse", "outcome", "meaning"),
    [
        (
            lambda operator: bet(operator, "b", "1000000", error=15),
            "not enough",
            "Refused: the wallet had less than 1000000 USD. Nothing was taken. The same bet is refused again.",
        ),
        (
            lambda operator: cancel(operator, "b", roundId=None),
            "cancelled",
            "Cancelled before it came: this bet was not on record when its cancel or refund came.",
        ),
        (
            lambda operator: bet(operator, "b", bonusCode="gift"),
            "staked",
            "Staked: it was a free round, so nothing was taken.",
        ),
    ],
)
def test_a_bet_that_took_nothing_says_why(
    walletctl: Walletctl, operator: Operator, refuse: Any, outcome: str, meaning: str
) -> None:
    refuse(operator)

    assert walletctl.json("find", "b")["outcome"] == outcome
    assert meaning in told(walletctl, "find", "b")


def test_a_refused_bet_is_told_by_the_log_and_not_said_to_wait(walletctl: Walletctl) -> None:
    for code in (53, 62, 998):
        walletctl.log(refused_in(code, reference=f"b{code}"))

        assert walletctl.json("find", f"b{code}")["outcome"] == "refused"
        assert f"with error {code} (The round was refunded). Nothing was moved, and nothing is kept." in told(
            walletctl, "find", f"b{code}"
        )


def test_a_cancel_that_waits_for_another_try_is_not_paid_back_yet(walletctl: Walletctl) -> None:
    walletctl.log(refused_in(998, "cancel", "b"))

    assert walletctl.json("find", "b")["outcome"] == "waiting"
    assert "Not paid back yet: it waits for another try" in told(walletctl, "find", "b")


# --- ledger -----------------------------------------------------------------------------------------


def test_a_ledger_shows_stakes_with_their_sign_and_their_round(walletctl: Walletctl, operator: Operator) -> None:
    bet(operator, "b")
    cancel(operator, "b", roundId=None)
    bet(operator, "huge", "1000000", error=15)
    result(operator, "lost", "0")

    lines = [line.split() for line in walletctl("ledger", "421").stdout.splitlines()]

    assert lines[0] == ["seq", "recorded", "kind", "reference", "round", "moved", "cash", "after", "bonus", "after"]
    assert [line[3:7] for line in lines[1:5]] == [
        ["result", "lost", "r", "0"],
        ["cancel", "b", "r", "+5"],
        ["bet", "b", "r", "-5"],
        ["opening", "421", "+99889.99", "99889.99"],
    ]
    assert [(row["kind"], row["amount"], row["roundId"]) for row in walletctl.csv("ledger", "421", "--round", "r")] == [
        ("result", "0", "r"),
        ("cancel", "5", "r"),
        ("bet", "-5", "r"),
    ]
    assert [row["kind"] for row in walletctl.json("ledger", "421", "--kind", "bet", "--kind", "cancel")] == [
        "cancel",
        "bet",
    ]


# --- rounds -----------------------------------------------------------------------------------------


def age_of(operator: Operator, round_id: str, hours: float) -> None:
    """Has a round be open for so long."""
    since = (datetime.now(UTC) - timedelta(hours=hours)).isoformat(timespec="milliseconds")
    for item in operator.items("Rounds"):
        if item["roundId"] == round_id:
            operator.database.Table("Rounds").put_item(Item={**item, "openSince": since})


@pytest.fixture
def three(operator: Operator) -> Operator:
    """Rounds that are open for 30, 27 and 1 hours, one with a result, and one that was cancelled."""
    operator.open_wallet("422", currency="EUR")
    bet(operator, "b1", "1", roundId="new")
    bet(operator, "b2", "2", roundId="old")
    bet(operator, "b3", "3", roundId="old")
    bet(operator, "b4", "4", roundId="older", userId="422", currency="EUR")
    bet(operator, "b5", "5", roundId="played")
    result(operator, "w", "0", roundId="played")
    bet(operator, "b6", "6", roundId="undone")
    cancel(operator, "b6", roundId=None)
    for round_id, hours in (("new", 1), ("old", 27), ("older", 30)):
        age_of(operator, round_id, hours)
    return operator


def test_open_rounds_are_listed_the_longest_open_first(walletctl: Walletctl, three: Operator) -> None:
    rows = walletctl.json("rounds", "--open", status=1)

    assert [(row["roundId"], row["userId"], row["bets"], row["staked"], row["currency"]) for row in rows] == [
        ("older", "422", 1, "4", "EUR"),
        ("old", "421", 2, "5", "USD"),
        ("new", "421", 1, "1", "USD"),
    ]
    assert rows[1]["references"] == "b2 b3"
    assert 27 * 3600 <= rows[1]["ageSeconds"] < 28 * 3600
    found = told(walletctl, "rounds", "--open", status=1)
    assert "older g 422 1 4 EUR" in found
    assert "3 open rounds" in found
    assert "To see the first: walletctl find older --player 422" in found


@pytest.mark.parametrize(
    ("options", "found"),
    [
        (["--older-than", "26h"], ["older", "old"]),
        (["--older-than", "26h", "--player", "421"], ["old"]),
        (["--player", "421"], ["old", "new"]),
        (["--limit", "1"], ["older"]),
        (["--older-than", "2d"], []),
        (["--player", "nobody"], []),
    ],
)
def test_open_rounds_are_filtered_and_the_status_says_whether_there_are_any(
    walletctl: Walletctl, three: Operator, options: list[str], found: list[str]
) -> None:
    status = 1 if found else 0

    assert [row["roundId"] for row in walletctl.csv("rounds", "--open", *options, status=status)] == found
    assert ("No open rounds" in walletctl("rounds", "--open", *options).stdout) is not found


def test_a_machine_reads_a_round_id_first_on_every_line(walletctl: Walletctl, three: Operator) -> None:
    lines = walletctl("rounds", "--open", "--csv").stdout.splitlines()

    assert [line.partition(",")[0] for line in lines] == ["roundId", "older", "old", "new"]


def test_more_open_rounds_than_one_call_reads_are_all_listed(walletctl: Walletctl, operator: Operator) -> None:
    for number in range(120):
        operator.database.Table("Rounds").put_item(
            Item={
                "userId": "421", "round": f"1:g{number}", "gameId": "g", "roundId": f"{number}",
                "bets": [{"reference": f"b{number}", "taken": Decimal(1)}], "winnings": Decimal(0), "hadBet": True,
                "openSince": f"2026-11-01T00:{number // 60:02}:{number % 60:02}.000+00:00",
            }
        )  # fmt: skip

    rows = walletctl.json("rounds", "--open", status=1)

    assert [row["roundId"] for row in rows] == [f"{number}" for number in range(120)]


def test_a_round_that_closed_since_the_index_was_read_is_not_listed(walletctl: Walletctl, operator: Operator) -> None:
    bet(operator, "b")

    def closed_meanwhile(operation: str, parameters: Any, call: Any) -> Any:
        answer = call()
        if operation == "Scan":
            operator.database.Table("Rounds").update_item(
                Key={"userId": "421", "round": "1:gr"}, UpdateExpression="REMOVE openSince"
            )
        return answer

    walletctl.watch(closed_meanwhile)

    assert walletctl.json("rounds", "--open") == []


@pytest.mark.parametrize(
    "odd",
    [
        {"bets": Decimal(3)},
        {"bets": ["b", {"reference": Decimal(1), "taken": "5", "bonusCode": {"a": Decimal(2)}}]},
        {"bets": None, "winnings": "7", "refunded": "yes", "ended": Decimal(0)},
        {"openSince": "long ago"},
    ],
)
def test_a_round_that_another_program_wrote_stops_no_tool(
    walletctl: Walletctl, operator: Operator, odd: dict[str, Any]
) -> None:
    bet(operator, "b")
    (item,) = operator.items("Rounds")
    operator.database.Table("Rounds").put_item(Item={**item, **odd})

    assert walletctl.json("find", "r")["rounds"][0]["staked"] == "5"
    assert "bet of 5 b -5" in told(walletctl, "find", "r")
    assert [row["roundId"] for row in walletctl.json("rounds", "--open", status=1)] == ["r"]
    assert "1 open round" in told(walletctl, "rounds", "--open", status=1)


def test_hostile_text_in_a_round_does_nothing_to_a_terminal(walletctl: Walletctl, operator: Operator) -> None:
    hostile = "r\u202e[red]=1"
    bet(operator, "b\u200b", roundId=hostile)

    for arguments, status in ((("find", hostile), 0), (("find", "b\u200b"), 0), (("rounds", "--open"), 1)):
        shown = told(walletctl, *arguments, status=status)
        assert "r\\u202e[red]=1" in shown
        assert "\u202e" not in shown


def test_rounds_without_open_say_what_can_be_listed(walletctl: Walletctl) -> None:
    assert walletctl.refused("rounds").startswith("say --open: only open rounds can be listed.")
    assert "yesterday is not a moment" in walletctl.refused("rounds", "--open", "--older-than", "yesterday")


# --- A stack that takes no bets ---------------------------------------------------------------------


def without_bets(operation: str, parameters: Any, call: Any) -> Any:
    """A stack with `Calls=Wins`, as CloudFormation answers of it."""
    if operation == "DescribeStackResource" and parameters["LogicalResourceId"].startswith(("Rounds", "Cancel")):
        name = parameters["LogicalResourceId"]
        message = f"Resource {name} does not exist for stack {parameters['StackName']}"
        raise ClientError({"Error": {"Code": "ValidationError", "Message": message}}, operation)
    return of_a_stack(operation, parameters, call)


def test_a_stack_that_takes_no_bets_has_no_rounds_and_keeps_no_cancels(
    walletctl: Walletctl, operator: Operator
) -> None:
    result(operator, "w")
    walletctl.watch(without_bets)
    stack = ("--stack", "prod")

    assert walletctl.json("find", "r", *stack)["outcome"] == "credited"
    assert [pile["callback"] for pile in walletctl.json("parked", "list", *stack)] == [
        "result",
        "jackpot",
        "bonus",
        "promo",
    ]
    assert "the stack prod takes no bets" in walletctl.refused("rounds", "--open", *stack)
    walletctl.json("find", "nothing", *stack, status=1)
    (query,) = [asked for asked in walletctl.asked("StartQuery") if "correlation_id =" in asked["queryString"]][-1:]
    assert query["logGroupNames"] == [f"/prod/{name}" for name in ("result", "jackpot", "bonus", "promo", "cashier")]


def test_a_stack_that_is_not_there_is_not_taken_for_one_without_bets(
    walletctl: Walletctl, monkeypatch: pytest.MonkeyPatch
) -> None:
    def nowhere(operation: str, parameters: Any, call: Any) -> Any:
        message = f"Stack '{parameters['StackName']}' does not exist"
        raise ClientError({"Error": {"Code": "ValidationError", "Message": message}}, operation)

    walletctl.watch(nowhere)

    assert "the stack prod cannot be asked for its tables" in walletctl.refused("parked", "list", "--stack", "prod")
