"""What a callback may cost, in counts: round trips, units, clients made and modules loaded by an init.

Times stand in `make bench`, the layer's size in deployed/test_layer.py.
"""

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest
from botocore.client import BaseClient, ClientCreator

from bench import units
from conftest import ROOT, Operator, gateway_event, published
from tools.local.template import Template
from tools.shared.items import encoded

Item = dict[str, dict[str, Any]]

# Each costs a cold start, and does what no callback needs, or what only a few do.
NOT_AT_INIT = {
    "aws_lambda_powertools.event_handler",
    "aws_lambda_powertools.utilities.batch",
    "aws_lambda_powertools.utilities.idempotency",
    "aws_lambda_powertools.utilities.parameters",
    "aws_lambda_powertools.utilities.parser",
    "aws_lambda_powertools.utilities.validation",
    "aws_xray_sdk",
    "requests",
}
PACKAGES = {
    "annotated_types",
    "app",
    "aws_lambda_powertools",
    "botocore",
    "certifi",  # not in the layer: botocore takes it where it is, and here the tests brought it
    "dateutil",
    "jmespath",
    "pydantic",
    "pydantic_core",
    "six",
    "snapshot_restore_py",
    "typing_extensions",
    "typing_inspection",
    "urllib3",
    "wallet",
}
MAX_MODULES = 235  # of these packages; it is 228


@dataclass
class Wire:
    """What the SDK was asked to do since it was last taken."""

    calls: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    clients: list[str] = field(default_factory=list)

    def take(self) -> list[tuple[str, dict[str, Any]]]:
        taken, self.calls = self.calls, []
        return taken


@pytest.fixture
def wire(operator: Operator, monkeypatch: pytest.MonkeyPatch) -> Wire:
    seen, call, create = Wire(), BaseClient._make_api_call, ClientCreator.create_client

    def calling(client: Any, operation_name: str, api_params: dict[str, Any]) -> Any:
        seen.calls.append((operation_name, api_params))
        return call(client, operation_name, api_params)

    def creating(creator: Any, service_name: str, *args: Any, **kwargs: Any) -> Any:
        seen.clients.append(service_name)
        return create(creator, service_name, *args, **kwargs)

    monkeypatch.setattr(BaseClient, "_make_api_call", calling)
    monkeypatch.setattr(ClientCreator, "create_client", creating)
    operator.start("result")
    return seen


def send(operator: Operator, **changes: Any) -> None:
    reply = operator.send("result", published("result", **changes))
    assert reply.json["error"] == 0


def test_a_fresh_win_takes_one_read_and_one_write(operator: Operator, wire: Wire) -> None:
    send(operator)

    assert [operation for operation, _ in wire.take()] == ["BatchGetItem", "TransactWriteItems"]


def test_a_win_after_another_takes_no_more(operator: Operator, wire: Wire) -> None:
    send(operator)
    wire.take()

    send(operator, reference="another")

    assert len(wire.take()) <= 2


def test_a_replay_takes_one_read(operator: Operator, wire: Wire) -> None:
    send(operator)
    wire.take()

    send(operator)

    assert [operation for operation, _ in wire.take()] == ["BatchGetItem"]


def test_what_cannot_be_read_takes_one_message_and_nothing_of_the_tables(operator: Operator, wire: Wire) -> None:
    operator.send_event("result", gateway_event(published("result", amount="ten")))

    assert [operation for operation, _ in wire.take()] == ["SendMessage"]


def test_what_is_not_json_takes_nothing(operator: Operator, wire: Wire) -> None:
    operator.send_event("result", gateway_event("ten"))

    assert wire.take() == []


def test_a_fresh_win_costs_four_write_units_and_one_of_the_index(operator: Operator, wire: Wire) -> None:
    send(operator)

    writes = [parameters for operation, parameters in wire.take() if operation == "TransactWriteItems"]
    items = [item_of(action, operator) for write in writes for action in write["TransactItems"]]
    assert sum(units.write_units(units.item_bytes(item), transactional=True) for item in items) == 4
    transactions = [item for item in items if "transactionId" in item]
    assert [units.write_units(units.item_bytes(entry)) for entry in index_entries(transactions)] == [1]


def test_a_replay_costs_two_read_units(operator: Operator, wire: Wire) -> None:
    send(operator)
    wire.take()

    send(operator)

    ((_, parameters),) = wire.take()
    made = [each for each in items_in(operator, "Transactions") if "actor" not in each]
    stored = [*made, *items_in(operator, "Players")]
    assert sum(len(asked["Keys"]) for asked in parameters["RequestItems"].values()) == len(stored)
    assert sum(units.read_units(units.item_bytes(item)) for item in stored) == 2


@pytest.mark.parametrize("event", ["result", "auto_closing", "jackpot", "bonus", "promo"])
def test_a_usual_transaction_stays_under_a_kilobyte(operator: Operator, event: str) -> None:
    callback = "result" if event == "auto_closing" else event
    assert operator.send(callback, published(event)).json["error"] == 0

    (transaction,) = [each for each in items_in(operator, "Transactions") if "actor" not in each]

    assert json.loads(transaction["request"]["S"])["userId"] == "421"
    assert units.item_bytes(transaction) <= 1024


def test_the_page_on_capacity_says_how_long_a_rounds_details_may_be(operator: Operator) -> None:
    page = (ROOT / "docs/capacity.md").read_text()
    limits = re.search(r"beyond \*\*([0-9,]+) bytes of it the transaction passes 1 KB, beyond ([0-9,]+) it", page)
    assert limits

    for kilobytes, said in enumerate(limits.groups(), 1):
        most = int(said.replace(",", ""))
        for length, units_due in ((most, kilobytes), (most + 10, kilobytes + 1)):
            reference = f"585c1306f89c56f5e{kilobytes}{units_due}d{length % 10000:04}"
            send(operator, reference=reference, roundDetails="x" * length)
            (item,) = [each for each in items_in(operator, "Transactions") if each["id"]["S"].endswith(reference)]
            assert units.write_units(units.item_bytes(item)) == units_due


def test_an_init_makes_a_client_of_the_tables_and_no_other(wire: Wire) -> None:
    assert wire.clients == ["dynamodb"]


def test_a_callback_makes_no_client(operator: Operator, wire: Wire) -> None:
    wire.clients.clear()

    send(operator)
    send(operator)

    assert wire.clients == []


@pytest.mark.parametrize("callback", ["result", "jackpot", "bonus", "promo"])
def test_an_init_loads_what_it_needs_and_no_more(callback: str) -> None:
    loaded = set(loaded_by_init(callback))

    assert {"wallet.callback", "botocore.client"} <= loaded, "nothing was looked at"
    assert loaded & NOT_AT_INIT == set()
    assert {name.partition(".")[0] for name in loaded} <= PACKAGES
    assert len(loaded) <= MAX_MODULES


def loaded_by_init(callback: str) -> Iterator[str]:
    """The modules, without the standard library's, that importing a callback's function adds to a fresh process."""
    (function,) = (each for each in Template.load().functions() if each.name == callback)
    code = "import sys; known = set(sys.modules); import app; print(*sorted(set(sys.modules) - known))"
    process = subprocess.run(  # noqa: S603 - our own interpreter
        [sys.executable, "-c", code],
        env={
            **{name: value for name, value in os.environ.items() if not name.startswith("COV")},
            **function.environment,
            "PYTHONPATH": os.pathsep.join(map(str, (function.folder, ROOT / "layers" / "common"))),
        },
        capture_output=True,
        text=True,
        check=True,
    )
    modules = process.stdout.splitlines()[-1].split()
    # A C extension of the standard library may be missing in its list of names.
    return (name for name in modules if name.partition(".")[0] not in sys.stdlib_module_names and name[0] != "_")


def item_of(action: Mapping[str, Any], operator: Operator) -> Item:
    """The item that an action of a transaction leaves behind."""
    ((kind, what),) = action.items()
    if kind == "Put":
        return what["Item"]
    (item,) = (each for each in items_in(operator, what["TableName"]) if what["Key"].items() <= each.items())
    return item


def items_in(operator: Operator, table: str) -> list[Item]:
    """A table's items as they are on the wire, which is where sizes are counted."""
    return [*map(encoded, operator.database.Table(table).scan()["Items"])]


def index_entries(transactions: list[Item]) -> Iterator[Item]:
    """What the indexes of *Transactions* keep of each."""
    (table,) = (each for each in Template.load().tables() if each["TableName"] == "Transactions")
    for index in table["GlobalSecondaryIndexes"]:
        keys = [key["AttributeName"] for key in (*table["KeySchema"], *index["KeySchema"])]
        projected = {*keys, *index["Projection"]["NonKeyAttributes"]}
        for item in transactions:
            yield {name: value for name, value in item.items() if name in projected}
