"""What a consumer of the Transactions table's stream reads, by a real engine's stream and by the published schema."""

import copy
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import boto3
import pytest
import snapshot_restore_py
from cfnlint.api import lint
from jsonschema import Draft202012Validator

from conftest import ROOT, gateway_event, path_of, published
from stack import OUTPUTS, PARAMETERS, RESOURCES, is_intrinsic
from tools.local.engine import engine, free_port
from tools.local.template import Template
from tools.local.wallets import create_queues
from tools.walletctl.kinds import OPERATORS
from walletctl import parked

SCHEMA = json.loads((ROOT / "docs/events/movement-1.schema.json").read_text())
PIPE = ROOT / "docs/events/pipe.yaml"
Record = dict[str, Any]


def faults_of(record: Mapping[str, Any]) -> list[str]:
    return [fault.message for fault in Draft202012Validator(SCHEMA).iter_errors(record)]


def image_of(record: Record) -> dict[str, Any]:
    return record["dynamodb"]["NewImage"]


def stream_specification() -> dict[str, Any]:
    """What template.yaml gives the table where the parameter asks for a stream."""
    choice = RESOURCES["Transactions"]["Properties"]["StreamSpecification"]
    assert is_intrinsic(choice, "If")
    condition, on, off = choice.argument
    assert condition == "HasStream"
    assert off.argument == "AWS::NoValue"
    return on


class Stand:
    """The functions on an engine whose Transactions table has the stream."""

    def __init__(self, endpoint: str, monkeypatch: pytest.MonkeyPatch) -> None:
        for name in ("AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_DYNAMODB", "AWS_ENDPOINT_URL_SQS"):
            monkeypatch.setenv(name, endpoint)
        self._session = boto3.Session()
        self._endpoint = endpoint
        self.dynamodb: Any = self._client("dynamodb")
        for table in Template.load().tables():
            stream = {"StreamEnabled": True, **stream_specification()} if table["TableName"] == "Transactions" else None
            self.dynamodb.create_table(**table, **({"StreamSpecification": stream} if stream else {}))
        urls = create_queues(self._client("sqs"))
        self._handlers: dict[str, Any] = {}
        for function in Template.load().functions():
            for name, value in function.environment.items():
                if name != "AWS_ENDPOINT_URL":
                    monkeypatch.setenv(name, urls.get(value, value))
            monkeypatch.setenv("PROVIDER_SECRET", "")
            self._handlers[function.name] = function.load().handler

    def _client(self, service: str) -> Any:
        return self._session.client(service, endpoint_url=self._endpoint)  # type: ignore[call-overload]

    def order(self, movement: str, reference: str, amount: str, **changes: Any) -> int:
        order = {"movement": movement, "reference": reference, "userId": "421", "amount": amount, "currency": "USD"}
        return self._handlers["cashier"]({**order, "actor": "anna", "reason": "ticket 7", **changes}, None)["error"]

    def send(self, callback: str, body: dict[str, Any], *, path: str | None = None) -> int:
        answer = self._handlers[callback](gateway_event(body, path=path or path_of(callback)), None)
        return json.loads(answer["body"])["error"]

    def settle(self, callback: str, body: dict[str, Any], **decision: Any) -> int:
        order = {"message": parked(callback, body), "actor": "bob", "reason": "ticket 8", **decision}
        return self._handlers[callback]({"settle": order}, None)["error"]

    def records(self) -> list[Record]:
        """All that the stream has, the oldest first."""
        streams = self._client("dynamodbstreams")
        arn = self.dynamodb.describe_table(TableName="Transactions")["Table"]["LatestStreamArn"]
        found: list[Record] = []
        for shard in streams.describe_stream(StreamArn=arn)["StreamDescription"]["Shards"]:
            iterator = streams.get_shard_iterator(
                StreamArn=arn, ShardId=shard["ShardId"], ShardIteratorType="TRIM_HORIZON"
            )["ShardIterator"]
            while iterator and (answer := streams.get_records(ShardIterator=iterator))["Records"]:
                found += answer["Records"]
                iterator = answer.get("NextShardIterator")
        return found


def play(stand: Stand) -> None:
    """Every kind of movement, and everything that is recorded without one."""
    free_round = {"bonusCode": "gift", "hash": None, "uuid": "u-1"}
    assert stand.order("opening", "421", "100", bonus="2.5") == 0
    assert stand.order("deposit", "d-1", "20.10", details={"bank": "x"}) == 0
    assert stand.order("withdrawal", "w-1", "5") == 0
    assert stand.order("withdrawal", "w-2", "100000") == 15
    assert stand.order("adjustment", "a-1", "-200", belowZero=True) == 0
    assert stand.send("result", published("result", reference="r-1", promoWinAmount="4", promoWinReference="p-1")) == 0
    assert stand.send("result", published("result", reference="r-2")) == 0
    later = published("result", reference="r-2", promoWinAmount="4", promoWinReference="p-2")
    assert stand.send("result", later) == 0
    assert stand.send("result", published("auto_closing", reference="r-3")) == 0
    assert stand.send("result", published("result", reference="r-4", bonusCode="gift")) == 0
    for callback in ("jackpot", "promo"):
        assert stand.send(callback, published(callback, hash=None, uuid="u")) == 0
    assert stand.send("bonus", published("bonus", **free_round)) == 0
    for reference in ("bet-1", "bet-2"):
        assert stand.send("bet", published("bet", reference=reference, roundId="bets")) == 0
    assert stand.send("bet", published("bet", reference="free", bonusCode="gift")) == 0
    assert stand.send("bet", published("bet", reference="too much", amount="100000")) == 15
    assert stand.send("cancel", published("cancel", reference="bet-1", roundId="bets")) == 0
    assert stand.send("cancel", published("cancel", reference="not yet", roundId="bets")) == 0
    assert stand.send("cancel", published("refund", reference="refund-1", roundId="bets"), path="/v4/Refund") == 0
    assert stand.settle("result", published("result", reference="r-5")) == 0
    assert stand.settle("jackpot", published("jackpot", reference="j-2"), bookedElsewhere=True) == 0


@pytest.fixture(scope="module")
def stand(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stand]:
    with pytest.MonkeyPatch.context() as monkeypatch, engine(free_port()) as running:
        for registry in ("_before_snapshot_registry", "_after_restore_registry"):
            monkeypatch.setattr(snapshot_restore_py, registry, [])
        stand = Stand(running.endpoint, monkeypatch)
        play(stand)
        yield stand


@pytest.fixture(scope="module")
def records(stand: Stand) -> list[Record]:
    return stand.records()


def test_every_stream_record_is_as_the_schema_says(records: list[Record]) -> None:
    kinds = {image_of(record)["id"]["S"].partition("#")[0] for record in records}
    callbacks = {function.name for function in Template.load().callbacks()}

    assert kinds == {*callbacks, *OPERATORS} - {"endround", "balance"}, "which move no money"
    for record in records:
        assert faults_of(record) == [], record


def test_one_movement_is_one_event_that_has_all_of_its_record(stand: Stand, records: list[Record]) -> None:
    inserted = [image_of(record) for record in records if record["eventName"] == "INSERT"]
    on_record = {item["id"]["S"]: item for item in stand.dynamodb.scan(TableName="Transactions")["Items"]}
    last = {image_of(record)["id"]["S"]: image_of(record) for record in records}

    assert sorted(image["id"]["S"] for image in inserted) == sorted(on_record)
    assert last == on_record


def test_the_numbers_put_a_players_movements_in_order_without_a_gap(records: list[Record]) -> None:
    numbered = {int(image["seq"]["N"]): image for record in records if "seq" in (image := image_of(record))}

    assert [*sorted(numbered)] == [*range(1, len(numbered) + 1)]
    assert numbered[1]["id"]["S"] == "opening#421"


def test_what_moved_nothing_has_no_number_and_says_why(records: list[Record]) -> None:
    without = {(image["id"]["S"], image["outcome"]["S"]) for each in records if "seq" not in (image := image_of(each))}

    assert without == {
        ("withdrawal#w-2", "not enough"),
        ("bet#too much", "not enough"),
        ("bet#not yet", "cancelled"),
        ("bet#refund-1", "cancelled"),
        ("jackpot#j-2", "booked elsewhere"),
    }


def test_a_prize_that_is_named_later_modifies_the_record_and_is_an_event_itself(records: list[Record]) -> None:
    (modified,) = [record for record in records if record["eventName"] == "MODIFY"]

    assert image_of(modified)["id"]["S"] == "result#r-2"
    assert image_of(modified)["laterPrizeReference"] == {"S": "p-2"}
    assert "promo#p-2" in [image_of(record)["id"]["S"] for record in records if record["eventName"] == "INSERT"]


WRONG: dict[str, dict[str, Any]] = {
    "no player": {"userId": None},
    "a number that is no decimal": {"amount": {"N": "1e3"}},
    "an amount as a text": {"amount": {"S": "1"}},
    "a movement without its number": {"seq": None},
    "a movement without a balance": {"cashAfter": None},
    "a movement without a digest": {"digest": None},
    "an unknown kind": {"id": {"S": "gift#1"}},
    "an unknown outcome": {"outcome": {"S": "lost"}},
    "an outcome beside a number": {"outcome": {"S": "not enough"}},
    "a number from zero on": {"seq": {"N": "0"}},
    "a moment without its zone": {"recordedAt": {"S": "2026-11-30T04:53:25.123"}},
}


@pytest.mark.parametrize("what", WRONG)
def test_the_schema_refuses(what: str, records: list[Record]) -> None:
    record = copy.deepcopy(next(each for each in records if image_of(each)["id"]["S"] == "deposit#d-1"))
    assert faults_of(record) == []

    for name, value in WRONG[what].items():
        if value is None:
            del image_of(record)[name]
        else:
            image_of(record)[name] = value

    assert faults_of(record)


def test_the_schema_names_every_attribute_of_a_record(records: list[Record]) -> None:
    written = {name for record in records for name in image_of(record)}
    described = SCHEMA["$defs"]["movement"]["properties"]

    assert written <= described.keys()
    assert all("description" in each for each in described.values())
    Draft202012Validator.check_schema(SCHEMA)


# --- The stack --------------------------------------------------------------------------------------


def test_the_stream_is_off_unless_it_is_asked_for() -> None:
    assert PARAMETERS["Stream"]["Default"] == "false"
    assert stream_specification() == {"StreamViewType": "NEW_IMAGE"}
    assert OUTPUTS["TransactionsStream"]["Condition"] == "HasStream"


def test_the_example_is_a_template_without_a_mistake(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")

    assert [f"{match.rule.id} {match.message}" for match in lint(PIPE.read_text())] == []


def test_the_example_names_the_versions_that_there_are() -> None:
    version = SCHEMA["$id"].rpartition(":")[2]

    assert f"DetailType: movement/{version}" in PIPE.read_text()
    assert Path(ROOT / f"docs/events/movement-{version}.schema.json").exists()
