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
from plays import FUNCTIONS, play
from tools.local.template import Template
from tools.shared.items import encoded

Item = dict[str, dict[str, Any]]

READ, WRITE = "BatchGetItem", "TransactWriteItems"

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


# What one call costs, with all calls and with wins alone: its round trips, and units read, written and of the indexes.
ALL_CALLS: list[tuple[str, dict[str, Any], list[str], tuple[int, int, int]]] = [
    ("Balance", {}, [READ], (1, 0, 0)),
    ("Check", {}, [READ], (1, 0, 0)),
    ("Bet", {}, [READ, WRITE], (4, 6, 2)),
    ("Bet", {}, [READ], (4, 0, 0)),
    ("Bet", {"reference": "Bet-2", "amount": "1e9"}, [READ, WRITE], (4, 6, 0)),
    ("Bet", {"reference": "Bet-3", "bonusCode": "FREE"}, [READ, WRITE], (4, 6, 1)),
    ("Cancel", {"reference": "Bet-3", "gameId": "slot", "roundId": "r-1"}, [READ, WRITE], (4, 6, 1)),
    ("Cancel", {"reference": "Bet-3"}, [READ, READ], (7, 0, 0)),
    ("Result", {}, [READ, WRITE], (3, 6, 2)),
    ("Result", {}, [READ], (3, 0, 0)),
    ("EndRound", {}, [READ, WRITE], (2, 2, 0)),
    ("EndRound", {}, [READ], (2, 0, 0)),
    ("Cancel", {"reference": "late"}, [READ, WRITE], (3, 2, 0)),
    ("Cancel", {"reference": "late"}, [READ], (3, 0, 0)),
]


def test_each_call_of_a_round_takes_no_more_round_trips_and_units_than_it_must(operator: Operator, wire: Wire) -> None:
    for function in {*FUNCTIONS.values()}:
        operator.start(function)
    for call, changes, round_trips, due in ALL_CALLS:
        before = index_items(operator)
        wire.take()

        play(operator, call, **changes)

        taken = wire.take()
        assert [operation for operation, _ in taken] == round_trips, (call, changes)
        assert (*units_of(taken, operator), index_writes(before, operator)) == due, (call, changes)


@pytest.mark.parametrize(("again", "due"), [(False, (2, 4, 1)), (True, (2, 0, 0))])
def test_a_win_costs_what_it_did_where_wins_are_all_that_is_served(
    operator: Operator, wire: Wire, again: bool, due: tuple[int, int, int]
) -> None:
    operator.start("result", ROUNDS_TABLE="")
    if again:
        send(operator)
    before = index_items(operator)
    wire.take()

    send(operator)

    taken = wire.take()
    assert [operation for operation, _ in taken] == [READ, *([] if again else [WRITE])]
    assert (*units_of(taken, operator), index_writes(before, operator)) == due
    assert not items_in(operator, "Rounds")


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


def units_of(taken: list[tuple[str, dict[str, Any]]], operator: Operator) -> tuple[int, int]:
    """The units that calls have read and written. What is not there costs one to read."""
    read = written = 0
    for operation, parameters in taken:
        if operation == WRITE:
            items = [item_of(action, operator) for action in parameters["TransactItems"]]
            written += sum(units.write_units(units.item_bytes(item), transactional=True) for item in items)
        if operation == READ:
            read += sum(len(asked["Keys"]) for asked in parameters["RequestItems"].values())
    sizes = [
        units.item_bytes(item) for table in ("Players", "Transactions", "Rounds") for item in items_in(operator, table)
    ]
    assert {units.read_units(size) for size in sizes} == {1}
    return read, written


def index_items(operator: Operator) -> dict[tuple[str, str], Item]:
    """What the indexes keep, by index and key of the item."""
    kept: dict[tuple[str, str], Item] = {}
    for table in Template.load().tables():
        for index in table.get("GlobalSecondaryIndexes", ()):
            own, others = ([key["AttributeName"] for key in keys["KeySchema"]] for keys in (table, index))
            for item in items_in(operator, table["TableName"]):
                if {*others} <= item.keys():
                    names = {*own, *others, *index["Projection"].get("NonKeyAttributes", ())}
                    key = json.dumps([item[name] for name in own])
                    kept[index["IndexName"], key] = {name: item[name] for name in names if name in item}
    return kept


def index_writes(before: Mapping[tuple[str, str], Item], operator: Operator) -> int:
    """The units that the indexes have cost since: one for each entry that came, went or changed."""
    now = index_items(operator)
    return sum(before.get(key) != now.get(key) for key in {*before, *now})
