"""A person moves money by the cashier: once per reference, in their own name, and told what to do if it is refused."""

import json
import shlex
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from botocore.exceptions import ConnectionClosedError

from conftest import Operator
from tools.shared.outside import user
from tools.walletctl import place
from walletctl import Walletctl

Run = Callable[..., Any]
ARN = "arn:aws:sts::123456789012:assumed-role/finance/ana"


@pytest.fixture
def ordering(walletctl: Walletctl, operator: Operator) -> Run:
    """Runs a command on player 421, who has 100 USD and a bonus of 5."""
    operator.open_wallet(cash="100", bonus="5")

    def run(command: str, *options: str, reference: str = "r-1", reason: str = "a reason", stdin: str = "") -> Any:
        return walletctl(*command.split(), "--reference", reference, "--reason", reason, *options, stdin=stdin)

    return run


def balances(operator: Operator) -> tuple[Decimal, Decimal]:
    wallet = operator.wallet()
    return wallet["cash"], wallet["bonus"]


def suggested(said: str) -> list[str]:
    """The words of the command that a message ends with."""
    (line,) = [line for line in said.splitlines() if ": walletctl " in line]
    return shlex.split(line.partition(": walletctl ")[2])


# --- Done, and done once ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("command", "after"),
    [
        ("deposit 421 25.00", ("125", "5")),
        ("withdraw 421 100", ("0", "5")),
        ("adjust 421 -12.50 --yes", ("87.5", "5")),
        ("adjust 421 12.50 --bonus -2 --yes", ("112.5", "3")),
        ("adjust 421 0 --bonus 3 --yes", ("100", "8")),
        ("adjust 421 -100.01 --below-zero --yes", ("-0.01", "5")),
    ],
)
def test_money_is_moved_once_and_the_wallet_is_shown_before_and_after(
    ordering: Run, operator: Operator, command: str, after: tuple[str, str]
) -> None:
    first, again = ordering(command), ordering(command, reason="sent twice")

    assert (first.exit_code, again.exit_code) == (0, 0)
    assert "wallet      100 USD, bonus 5\n" in first.stdout
    for said in (first.stdout, again.stdout):
        assert f"The wallet has {after[0]} USD, bonus {after[1]}\n" in said
    assert "Done, and on record as " in first.stdout
    assert "A replay: it was done at " in again.stdout
    assert f", ordered by {user()}. Nothing was moved now" in again.stdout
    assert balances(operator) == (Decimal(after[0]), Decimal(after[1]))
    (record,) = operator.transactions()
    assert (record["actor"], record["reason"]) == (user(), "a reason")


def test_a_machine_is_told_the_same(ordering: Run) -> None:
    moved, again, refused = (
        json.loads(ordering(command, "--json").stdout)
        for command in ("deposit 421 5", "deposit 421 5", "deposit 421 6")
    )

    assert [each["outcome"] for each in (moved, again, refused)] == ["moved", "replayed", "refused"]
    assert moved["before"] == {"currency": "USD", "cash": "100", "bonus": "5"}
    assert (moved["answer"]["cash"], again["answer"]["cash"]) == ("105", "105")
    assert refused["answer"]["error"] == 61
    assert moved["order"] == {
        "movement": "deposit", "reference": "r-1", "userId": "421", "reason": "a reason",
        "amount": "5", "currency": "USD", "actor": user(),
    }  # fmt: skip


def test_in_a_stack_the_actor_is_who_sts_says(
    ordering: Run, operator: Operator, walletctl: Walletctl, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stack(operation: str, parameters: Any, call: Callable[[], Any]) -> Any:
        match operation:
            case "DescribeStackResource":
                return {"StackResourceDetail": {"PhysicalResourceId": parameters["LogicalResourceId"]}}
            case "GetCallerIdentity":
                return {"Arn": ARN}
            case _:
                return call()

    walletctl.watch(stack)

    assert ordering("deposit 421 5", "--stack", "prod").exit_code == 0

    (record,) = operator.transactions()
    assert record["actor"] == ARN
    (invoked,) = walletctl.asked("Invoke")
    assert (invoked["FunctionName"], invoked["Qualifier"]) == ("CashierFunction", "live")


def test_walletctl_writes_no_table_itself(ordering: Run, walletctl: Walletctl) -> None:
    walletctl.watch()
    ordering("deposit 421 5")
    ordering("adjust 421 -5 --yes")
    walletctl("players", "add", "new", "--currency", "EUR")

    assert {operation for operation, _ in walletctl.calls} == {"BatchGetItem", "Invoke"}


# --- An adjustment is asked about -------------------------------------------------------------------


@pytest.mark.parametrize(
    ("answer", "moved"), [("yes\n", True), ("no\n", False), ("\n", False), ("y\n", False), ("", False)]
)
def test_an_adjustment_is_asked_about(
    ordering: Run, operator: Operator, monkeypatch: pytest.MonkeyPatch, answer: str, moved: bool
) -> None:
    monkeypatch.setattr("tools.walletctl.ordering.at_a_terminal", lambda: True)

    done = ordering("adjust 421 -5", stdin=answer)

    assert done.exit_code == (0 if moved else 1)
    assert ("Nothing was moved" in done.stdout) is not moved
    assert balances(operator) == (95 if moved else 100, 5)


@pytest.mark.parametrize("options", [[], ["--json"]])
def test_where_nobody_can_be_asked_an_adjustment_needs_yes(
    ordering: Run, operator: Operator, options: list[str]
) -> None:
    done = ordering("adjust 421 -5", *options)

    assert done.exit_code == 2
    assert "nothing was moved: to do it without a question, add --yes" in done.stderr
    assert operator.transactions() == []


def test_a_replay_of_an_adjustment_is_not_asked_about(ordering: Run) -> None:
    ordering("adjust 421 -5 --yes")

    assert "A replay" in ordering("adjust 421 -5").stdout


# --- Refused, and what to do next -------------------------------------------------------------------


def test_not_enough_says_what_there_is_and_how_to_take_it(
    ordering: Run, operator: Operator, walletctl: Walletctl
) -> None:
    refused = ordering("withdraw 421 100.01")

    assert refused.exit_code == 1
    assert "Refused: 421 has 100 USD, which is not enough. Nothing was moved" in refused.stdout
    assert "r-1 stays refused, also when there is more money" in refused.stdout
    words = [word if word != "…" else "r-2" for word in suggested(refused.stdout)]
    assert walletctl(*words).exit_code == 0
    assert balances(operator) == (0, 5)


def test_what_was_refused_before_is_said_to_stay_refused(ordering: Run, operator: Operator) -> None:
    ordering("withdraw 421 100.01")
    ordering("deposit 421 50")

    again = ordering("withdraw 421 100.01")

    assert again.exit_code == 1
    assert "for lack of money: it stays refused" in again.stdout
    assert "421 has 150 USD now" in again.stdout
    assert "100.01" in suggested(again.stdout)
    assert balances(operator) == (150, 5)


def test_an_adjustment_that_takes_too_much_is_told_of_below_zero(ordering: Run) -> None:
    refused = ordering("adjust 421 -100.01 --yes")

    assert "-100" in suggested(refused.stdout)
    assert "under a new reference with --below-zero" in refused.stdout


def test_where_there_is_nothing_no_less_is_suggested(ordering: Run) -> None:
    ordering("withdraw 421 100")

    refused = ordering("withdraw 421 1", reference="r-2")

    assert "421 has 0 USD, which is not enough" in refused.stdout
    assert ": walletctl " not in refused.stdout


def test_a_reference_with_other_content_says_what_differs_and_who_used_it(
    ordering: Run, operator: Operator, walletctl: Walletctl
) -> None:
    operator.open_wallet("422", cash="7", bonus="0")
    ordering("deposit 421 25")

    refused = ordering("deposit 422 26")

    assert refused.exit_code == 1
    assert "Refused: r-1 is the reference of another deposit. Nothing was moved" in refused.stdout
    assert "On record is userId 421, and you ordered 422" in refused.stdout
    assert "On record is amount 25, and you ordered 26" in refused.stdout
    assert f"It was ordered by {user()} at " in refused.stdout
    assert "currency" not in refused.stdout
    words = [word if word != "…" else "r-2" for word in suggested(refused.stdout)]
    assert walletctl(*words).exit_code == 0
    assert operator.wallet("422")["cash"] == 33


@pytest.mark.parametrize(
    ("command", "said", "after"),
    [
        ("adjust 421 -150 --bonus -9.5 --below-zero --yes", "another adjustment", ("-51", "-4.5")),
        ("adjust 421 4 --bonus 1.50 --currency usd --yes", "another adjustment", ("103", "6.5")),
        ("adjust 421 -100.01 --bonus -2 --currency USD --yes", "not enough", ("0", "3")),
        ("withdraw 421 100.01 --currency usd", "not enough", ("0", "5")),
        ("deposit 421 4 --currency USD", "another deposit", ("105", "5")),
        ("deposit 421 4", "another deposit", ("105", "5")),
    ],
)
def test_the_order_that_is_suggested_keeps_every_option(
    ordering: Run, operator: Operator, walletctl: Walletctl, command: str, said: str, after: tuple[str, str]
) -> None:
    if said != "not enough":  # another order has the reference
        assert ordering("deposit 421 1" if command.startswith("deposit") else "adjust 421 -1 --yes").exit_code == 0

    refused = ordering(command)

    assert said in refused.stdout
    words = suggested(refused.stdout)
    assert ("--currency" in words) is ("--currency" in command)
    again = walletctl(*(word if word != "…" else "r-2" for word in words), *(["--yes"] if "adjust" in command else []))
    assert again.exit_code == 0, again.output
    assert balances(operator) == tuple(map(Decimal, after))


def test_a_withdrawal_s_amount_is_compared_without_its_sign(ordering: Run) -> None:
    ordering("withdraw 421 25")

    assert "On record is amount 25, and you ordered 26" in ordering("withdraw 421 26").stdout


def test_a_bonus_that_differs_is_said(ordering: Run) -> None:
    ordering("adjust 421 1 --bonus 2 --yes")

    refused = ordering("adjust 421 1 --yes").stdout
    assert "On record is bonus 2, and you ordered none" in refused
    assert "amount" not in refused


def test_a_wallet_in_another_currency_is_refused(ordering: Run, operator: Operator) -> None:
    refused = ordering("deposit 421 5", "--currency", "EUR")

    assert refused.exit_code == 1
    assert "Refused: the wallet of 421 is not in EUR. Nothing was moved" in refused.stdout
    assert ordering("deposit 421 5", "--currency", "usd").exit_code == 0
    assert balances(operator) == (105, 5)


def test_more_than_one_adjustment_may_move_is_refused(ordering: Run, operator: Operator) -> None:
    refused = ordering("adjust 421 10000.01 --yes")

    assert refused.exit_code == 1
    assert "Refused: it is more than one adjustment may move. Nothing was moved" in refused.stdout
    assert "AdjustmentLimit" in refused.stdout
    assert balances(operator) == (100, 5)


def test_a_player_without_a_wallet_is_refused_before_anything_is_ordered(ordering: Run, walletctl: Walletctl) -> None:
    walletctl.watch()

    refused = ordering("deposit nobody 5")

    assert refused.exit_code == 2
    assert "nobody has no wallet: nothing was moved. How to open one: walletctl help players add" in refused.stderr
    assert walletctl.asked("Invoke") == []


@pytest.mark.parametrize(
    ("command", "says"),
    [
        ("deposit 421 -5", "AMOUNT must be an amount such as 12.50"),
        ("withdraw 421 -5", "AMOUNT must be an amount such as 12.50"),
        ("deposit 421 5,00", "AMOUNT must be an amount"),
        ("deposit 421 1e3", "AMOUNT must be an amount"),
        ("deposit 421 1.000", "AMOUNT 1.000 can be 1 or 1000: write the one that you mean: nothing was moved"),
        ("withdraw 421 12.500", "AMOUNT 12.500 can be 12.5 or 12500: write the one that you mean"),
        ("adjust 421 -1.500 --yes", "AMOUNT -1.500 can be -1.5 or -1500"),
        ("adjust 421 1 --bonus 2.000 --yes", "--bonus 2.000 can be 2 or 2000"),
        ("deposit 421 NaN", "AMOUNT must be an amount"),
        ("adjust 421 +5 --yes", "AMOUNT must be an amount such as -12.50"),
        ("adjust 421 5 --bonus five --yes", "--bonus must be an amount such as -12.50"),
    ],
)
def test_what_is_no_amount_is_refused_before_anything_is_asked(
    ordering: Run, walletctl: Walletctl, command: str, says: str
) -> None:
    walletctl.watch()

    refused = ordering(command)

    assert (refused.exit_code, walletctl.calls) == (2, [])
    assert says in refused.stderr
    assert "nothing was moved" in refused.stderr


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"reference": "  "}, "--reference must be 1 to 128 characters"),
        ({"reference": "x" * 129}, "--reference must be"),
        ({"reason": ""}, "--reason must be one line of 1 to 1000 characters"),
        ({"reason": "two\nlines"}, "--reason must be one line"),
        ({"reason": "x" * 1001}, "--reason must be one line"),
    ],
)
def test_a_reference_or_a_reason_that_the_cashier_would_refuse_is_refused_here(
    ordering: Run, walletctl: Walletctl, options: dict[str, str], says: str
) -> None:
    walletctl.watch()

    refused = ordering("deposit 421 5", **options)

    assert (refused.exit_code, walletctl.calls) == (2, [])
    assert says in refused.stderr


@pytest.mark.parametrize("missing", ["--reference", "--reason"])
def test_no_money_is_moved_without_a_reference_and_a_reason(walletctl: Walletctl, missing: str) -> None:
    given = {"--reference": "r-1", "--reason": "why"}
    options = [word for name, value in given.items() if name != missing for word in (name, value)]

    refused = walletctl("deposit", "421", "5", *options)

    assert refused.exit_code == 2
    assert f"Missing option '{missing}'" in refused.stderr


# --- When nobody knows ------------------------------------------------------------------------------


def test_after_a_lost_connection_the_same_command_moves_it_once(
    ordering: Run, operator: Operator, walletctl: Walletctl
) -> None:
    lost: list[bool] = []

    def loses_the_first_answer(operation: str, _parameters: Any, call: Callable[[], Any]) -> Any:
        answer = call()
        if operation == "Invoke" and not lost:
            lost.append(True)
            raise ConnectionClosedError(endpoint_url="https://lambda")
        return answer

    walletctl.watch(loses_the_first_answer)

    unknown, again = ordering("deposit 421 5"), ordering("deposit 421 5")

    assert unknown.exit_code == 2
    assert "Run the same command again: it is done once" in unknown.stderr
    assert (again.exit_code, balances(operator)) == (0, (105, 5))


def test_998_says_to_send_the_same_again(ordering: Run, operator: Operator, monkeypatch: pytest.MonkeyPatch) -> None:
    answer = {"error": 998, "description": "Not possible at the moment, send again"}
    with monkeypatch.context() as unavailable:
        unavailable.setattr(place.Place, "invoke", lambda *_: answer)
        unknown = ordering("deposit 421 5")

    assert unknown.exit_code == 2
    assert "Run the same command again, with the same reference: it is done once" in unknown.stderr
    assert ordering("deposit 421 5").exit_code == 0
    assert balances(operator) == (105, 5)


def test_what_comes_from_outside_moves_no_terminal(ordering: Run, operator: Operator) -> None:
    operator.put_wallet("421", currency="E\x1b[2J", cash=Decimal(5))

    shown = ordering("deposit 421 5")

    assert "\x1b" not in shown.output
