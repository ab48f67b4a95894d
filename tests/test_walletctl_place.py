"""Where the operator's command line looks: a local service, or a stack by its resources and outputs."""

import json
import os
from datetime import UTC, datetime
from typing import Any
from unittest.mock import patch

import boto3
import pytest

from conftest import Operator
from tools.shared import listing
from tools.shared.moments import moment
from tools.shared.trouble import Trouble
from tools.walletctl import place
from walletctl import ACCOUNT, PORT, Walletctl

RESOURCES = {
    name: {"Type": "AWS::SQS::Queue", "Properties": {"QueueName": f"prod-{name}"}}
    for name in ("Players", "Transactions", "FreeRounds", "PromoRetryQueue", "PromoDeadLetters")
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
    assert asked == ["Players", "Transactions", "FreeRounds"]


def test_a_local_service_says_where_it_is(walletctl: Walletctl) -> None:
    here = place.Asked(port=PORT).place()

    assert (here.url(), here.name) == (f"http://127.0.0.1:{PORT}", f"the local service on port {PORT}")
    with patch.dict(os.environ):  # it leaves the caller's account, and this is its process
        assert here.queues("jackpot").dead_letters.endswith("JackpotDeadLetters")
        assert here.tables().transactions == "Transactions"


def test_a_service_on_another_port_is_told_of(walletctl: Walletctl) -> None:
    assert walletctl("players", "list", port=PORT + 1).stderr == (
        f"walletctl: no local service runs on port {PORT + 1}: start one with `make run`, or name a stack "
        f"(one runs on port {PORT})\n"
    )


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
