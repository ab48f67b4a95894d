"""Where the operator's command line looks: a local service, or a stack by its resources and outputs."""

import json
import os
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from unittest.mock import patch

import boto3
import pytest

from conftest import Operator
from tools.shared import listing
from tools.shared.moments import moment
from tools.shared.trouble import Trouble
from tools.walletctl import place
from walletctl import ACCOUNT, COMMANDS, PAGES, PORT, Walletctl

RESOURCES = {
    name: {"Type": "AWS::SQS::Queue", "Properties": {"QueueName": f"prod-{name}"}}
    for name in ("Players", "Transactions", "FreeRounds", "Rounds", "PromoRetryQueue", "PromoDeadLetters")
}  # queues, whose physical ids hold their names: enough to see who is asked for what
URL = "https://abc.execute-api.eu-west-1.amazonaws.com/live"


@pytest.fixture
def stack(operator: Operator, monkeypatch: pytest.MonkeyPatch) -> place.Place:
    monkeypatch.setattr(boto3, "Session", lambda **_: ACCOUNT)
    for name, outputs in {"prod": {"ResultUrl": {"Value": f"{URL}/v4/Result"}}, "other": {}}.items():
        resources = {each: {"Type": "AWS::SQS::Queue"} for each in RESOURCES} if name == "other" else RESOURCES
        template = {"Resources": resources, "Outputs": outputs}
        boto3.client("cloudformation").create_stack(StackName=name, TemplateBody=json.dumps(template))
    return place.Asked(stack="prod").place()


def test_a_stack_is_found_by_its_resources_and_its_api_by_its_outputs(stack: place.Place) -> None:
    tables, queues = stack.tables(), stack.queues("promo")

    assert tables.players.endswith("prod-Players")
    assert tables.transactions.endswith("prod-Transactions")
    assert str(tables.free_rounds).endswith("prod-FreeRounds")
    assert queues.retry_queue.endswith("prod-PromoRetryQueue")
    assert queues.dead_letters.endswith("prod-PromoDeadLetters")
    assert stack.url() == URL
    assert stack.name == "the stack prod"
    with pytest.raises(Trouble, match="has no output ResultUrl"):
        place.Asked(stack="other").place().url()


def test_what_may_read_the_tables_is_not_asked_for_the_queues(stack: place.Place, walletctl: Walletctl) -> None:
    walletctl.watch()

    stack.tables()

    asked = [parameters["LogicalResourceId"] for parameters in walletctl.asked("DescribeStackResource")]
    assert asked == ["Players", "Transactions", "FreeRounds", "Rounds"]


def test_a_local_service_says_where_it_is(walletctl: Walletctl) -> None:
    here = place.Asked(port=PORT).place()

    assert (here.url(), here.name) == (f"http://127.0.0.1:{PORT}", f"the local service on port {PORT}")
    with patch.dict(os.environ):  # it leaves the caller's account, and this is its process
        assert here.queues("jackpot").dead_letters.endswith("JackpotDeadLetters")
        assert here.tables().transactions == "Transactions"


def test_a_service_on_another_port_is_told_of(walletctl: Walletctl) -> None:
    assert walletctl("players", "list", port=PORT + 1).stderr == (
        f"walletctl: no local service runs on port {PORT + 1}: start one with `make run PORT={PORT + 1}`, or name a "
        f"stack (one runs on port {PORT})\n"
    )


# --- WALLETCTL_STACK --------------------------------------------------------------------------------


@pytest.fixture
def of_the_environment(stack: place.Place, walletctl: Walletctl, monkeypatch: pytest.MonkeyPatch) -> Walletctl:
    monkeypatch.setenv("WALLETCTL_STACK", "prod")
    return walletctl


def takes_a_stack(page: str) -> bool:
    family, *name = page.split()
    command = COMMANDS[family].commands[name[0]] if name else COMMANDS[family]
    return "stack" in {parameter.name for parameter in command.params}


@pytest.mark.parametrize("page", [page for page in PAGES if takes_a_stack(page)])
def test_every_command_for_a_stack_finds_it_in_the_environment(page: str, of_the_environment: Walletctl) -> None:
    shown = of_the_environment(*page.split(), "--help").stdout

    assert "env var: WALLETCTL_STACK" in " ".join(shown.split())


def asked_of(walletctl: Walletctl, *options: str) -> str:
    """The place that a command asks, by its complaint about it."""
    walletctl.watch()
    result = walletctl("players", "show", "no one", *options)
    names = {parameters["StackName"] for parameters in walletctl.asked("DescribeStackResource")}
    return names.pop() if names else result.stderr.strip().rpartition(" ")[2]


@pytest.mark.parametrize(
    ("options", "expected"),
    [((), "prod"), (("--stack", "other"), "other"), (("--profile", "finance"), "prod")],
)
def test_the_environment_names_a_stack_unless_an_option_does(
    of_the_environment: Walletctl, options: Sequence[str], expected: str
) -> None:
    assert asked_of(of_the_environment, *options) == expected


@pytest.mark.parametrize("options", [("--local",), ("--port", str(PORT))])
def test_an_option_that_names_a_local_service_wins_over_the_environment(
    of_the_environment: Walletctl, options: Sequence[str]
) -> None:
    of_the_environment.watch()

    result = of_the_environment("players", "show", "no one", *options)

    assert of_the_environment.asked("DescribeStackResource") == []
    assert result.stderr.startswith("walletctl: no one has no wallet")


def test_a_url_and_an_export_win_over_the_environment(of_the_environment: Walletctl, tmp_path: Path) -> None:
    assert (
        "--url is a place of its own"
        not in of_the_environment("simulate", "--url", "http://x.test", "--minutes", "0").stderr
    )
    assert "leave out the player and the place" not in of_the_environment("verify", "--export", str(tmp_path)).stderr


def test_the_console_of_the_stack_in_the_environment_is_served_on_its_port(
    of_the_environment: Walletctl, monkeypatch: pytest.MonkeyPatch
) -> None:
    served: list[Any] = []
    monkeypatch.setattr("tools.console.served.serve", lambda *what: served.append(what))

    of_the_environment("console", "--port", "3005")

    assert [(name, port) for name, _, port in served] == [("prod", 3005)]


@pytest.mark.parametrize("value", ["", "   "])
def test_an_empty_variable_names_no_stack(
    of_the_environment: Walletctl, monkeypatch: pytest.MonkeyPatch, value: str
) -> None:
    monkeypatch.setenv("WALLETCTL_STACK", value)

    told = of_the_environment("players", "show", "no one").stderr
    assert told.startswith("walletctl: no one has no wallet")
    assert "--local" not in told
    assert "name a stack with --stack NAME" in of_the_environment("console").stderr


@pytest.mark.parametrize("options", [("--port", "3000", "--stack", "prod"), ("--stack", "prod", "--port", "3000")])
def test_a_port_and_a_stack_are_two_places(walletctl: Walletctl, options: Sequence[str]) -> None:
    told = walletctl("players", "list", *options)

    assert (told.exit_code, told.stderr) == (2, "walletctl: --port and --stack are two places: name one of them\n")


def test_a_stack_that_cannot_be_asked_is_said_with_what_to_check(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_DEFAULT_REGION", "AWS_REGION"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", os.devnull)

    with pytest.raises(Trouble) as told:
        place.Asked(stack="prod").place().tables()

    assert str(told.value) == (
        "the stack prod cannot be asked for its tables: You must specify a region. "
        "Check its name, --profile and --region"
    )


def test_a_hint_about_a_local_service_does_not_lead_to_the_stack_of_the_environment(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("WALLETCTL_STACK", "prod")
    monkeypatch.delenv("PORT", raising=False)

    assert place.Asked(local=True).place().options == ("--local",)
    assert place.Asked(port=3001).place().options == ("--port", "3001")


@pytest.mark.parametrize(
    ("cell", "expected"),
    [
        ("=1+1", "'=1+1"),
        ("+1", "'+1"),
        ("-1", "'-1"),
        ("@SUM(1)", "'@SUM(1)"),
        ("'=1", "''=1"),  # so that no two texts are written alike
        ("\t=1", "\\t=1"),
        ("a\r\nb", "a\\r\\nb"),
        ("plain, text", "plain, text"),
        (-5, "-5"),
        (None, ""),
        (True, "yes"),
    ],
)
def test_no_spreadsheet_computes_with_a_cell(cell: Any, expected: str) -> None:
    assert listing.for_csv(cell) == expected


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ("2026-01-02", "2026-01-02T00:00:00+00:00"),
        ("2026-01-02T03:04:05+02:00", "2026-01-02T01:04:05+00:00"),
        ("90min", "2026-06-01T10:30:00+00:00"),
        ("2h", "2026-06-01T10:00:00+00:00"),
        ("3d", "2026-05-29T12:00:00+00:00"),
    ],
)
def test_a_moment_is_read_as_a_person_writes_it(said: str, expected: str) -> None:
    assert moment(said, datetime(2026, 6, 1, 12, tzinfo=UTC)).isoformat() == expected
