"""Everything a function can do, done once: what it asks of AWS meanwhile, and what it counts."""

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from typing import Any

import boto3
import pytest
import snapshot_restore_py
from botocore.client import BaseClient
from botocore.exceptions import EndpointConnectionError
from moto import mock_aws

from conftest import SESSION, Operator, gateway_event, path_of, published
from expectations import output
from stack import BETS, TEMPLATE
from tools.local.template import Template
from wallet import parking

PROVIDER_TOKEN = "of the provider"
PARTITION_KEYS = {table["TableName"]: table["KeySchema"][0]["AttributeName"] for table in TEMPLATE.tables()}
assert all(table["KeySchema"][0]["KeyType"] == "HASH" for table in TEMPLATE.tables())


@dataclass(frozen=True, slots=True)
class Call:
    """A call as IAM judges it: `keys` are the partition keys it names, `within` the operation it is a part of.

    `attributes` are those that an update names; of a part of a transaction they are not asked for here.
    """

    action: str  # such as dynamodb:PutItem
    resource: str  # by its name in template.yaml
    keys: frozenset[str] = frozenset()
    within: str | None = None
    attributes: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Metric:
    name: str
    dimensions: frozenset[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Rehearsal:
    calls: frozenset[Call]
    metrics: frozenset[Metric]
    lines: tuple[str, ...]  # of the log


@cache
def rehearsal(callback: str, calls: str = "All") -> Rehearsal:
    """What came of running a function through everything it can meet, in a stack with these calls."""
    with pytest.MonkeyPatch.context() as monkeypatch, mock_aws():
        monkeypatch.setattr(boto3, "DEFAULT_SESSION", SESSION)
        operator = Operator(monkeypatch, Template.load(Calls=calls))
        if callback != "cashier":
            operator.open_wallet()
        if callback in BETS:
            with output():
                _prepare_rounds(operator)
        with output() as printed:
            stage = _Stage(operator, monkeypatch, callback)
            stage.take_snapshot()
            _PERFORMANCES.get(callback, _perform)(stage)
    lines = [json.loads(line) for line in printed.getvalue().splitlines()]
    return Rehearsal(
        frozenset(stage.calls),
        frozenset(metric for line in lines if "_aws" in line for metric in _metrics(line)),
        tuple(printed.getvalue().splitlines()),
    )


def _prepare_rounds(operator: Operator) -> None:
    """Four rounds with a bet of 10 each, under the references bet-1 to bet-4; and a round that has ended."""
    bets = [published("bet", reference=f"bet-{number}", roundId=f"round-{number}") for number in range(1, 5)]
    for callback, bodies in (("bet", bets), ("endround", [published("endround", roundId="ended")])):
        handler = operator.load(callback).handler
        for body in bodies:
            assert json.loads(handler(gateway_event(body), None)["body"])["error"] == 0


def _perform(stage: "_Stage") -> None:
    assert stage.send() == 0
    assert stage.send() == 0, "a replay"
    assert stage.send(amount="777") == 61
    assert stage.send(reference="euros", currency="EUR") == 52
    assert stage.send(reference="early", userId="not yet") == 62
    assert stage.send(reference="free", bonusCode="SPINS") == 0
    stage.operator.database.Table("FreeRounds").put_item(
        Item={"userId": "421", "bonusCode": "PAID", "uncovered": Decimal(10**6), "advance": 0, "lastRounds": []}
    )
    assert stage.send(reference="uncovered", bonusCode="PAID", timestamp="not known") == 0
    assert stage.send(reference="won", promoWinAmount="1", promoWinReference="prize") == 0
    assert stage.send(promoWinAmount="1", promoWinReference="a prize for a known win") == 0
    assert stage.send(promoWinAmount="1", promoWinReference="another prize") == 0
    assert stage.send(reference="closed", sessionId=None) == 0, "a round that has winnings already"
    assert stage.send(amount="-1") == 59
    _refuse_and_keep(stage)


def _refuse_and_keep(stage: "_Stage") -> None:
    assert stage.send(token="of a stranger") == 401
    assert stage.send(method="GET") == 405
    with stage.down("dynamodb"):
        assert stage.send(reference="kept") == 998
        stage.retry()
        stage.retry(tries=parking.MAX_TRIES)
        with stage.down("sqs"):
            assert stage.send(reference="not kept") == 998
            stage.retry()
    stage.retry("not a parked request")
    with stage.down("sqs"):
        stage.retry("not a parked request")
    stage.retry()


def _perform_bets(stage: "_Stage") -> None:
    assert stage.send() == 0
    assert stage.send() == 0, "a replay"
    assert stage.send(amount="777") == 53
    assert stage.send(reference="euros", currency="EUR") == 52
    assert stage.send(reference="early", userId="not yet") == 62
    assert stage.send(reference="free", bonusCode="SPINS") == 0
    assert stage.send(reference="too much", amount="1000000") == 15
    assert stage.send(reference="too much", amount="1000000") == 15, "for good"
    assert stage.send(reference="late", roundId="ended") == 0, "after its end"
    assert stage.send(amount="-1") == 59
    _refuse(stage)


def _perform_cancels(stage: "_Stage") -> None:
    assert stage.send(reference="bet-1", roundId="round-1") == 0
    assert stage.send(reference="bet-1", roundId="round-1") == 0, "again"
    assert stage.send(reference="bet-2", roundId=None, gameId=None) == 0, "the bet says which round"
    assert stage.send(reference="not yet", roundId="round-3") == 0, "remembered"
    assert stage.send(reference="bet-3", roundId="round-3", amount="777") == 59
    assert stage.send(reference="bet-3", userId="not yet") == 61
    assert stage.send(reference="of nobody", userId="not yet") == 62
    assert stage.send(path="/v4/Refund", reference="bet-3", roundId="round-3") == 0
    assert stage.send(path="/v4/Refund", reference="refund-1", roundId="round-4") == 0
    assert stage.send(path="/v4/Refund", reference="refund-2", roundId="not known") == 0, "and left for a person"
    _refuse_and_keep(stage)


def _perform_without_queues(stage: "_Stage") -> None:
    for path in (path for path, function in TEMPLATE.routes().items() if function == stage.callback):
        for _ in range(2):
            assert stage.send(path=path) == 0
        assert stage.send(path=path, currency="EUR") == 52
        assert stage.send(path=path, userId="not yet") == 62
    _refuse(stage)


def _refuse(stage: "_Stage") -> None:
    assert stage.send(token="of a stranger") == 401
    assert stage.send(method="GET") == 405
    with stage.down("dynamodb"):
        assert stage.send(reference="not kept") == 998


def _perform_orders(stage: "_Stage") -> None:
    """What the cashier can meet: each movement, done, replayed and refused."""
    for movement, amount in (("opening", "10"), ("deposit", "5"), ("withdrawal", "5"), ("adjustment", "-5")):
        assert stage.order(movement=movement, amount=amount) == 0
        assert stage.order(movement=movement, amount=amount) == 0, "a replay"
        assert stage.order(movement=movement, amount="777" if amount != "-5" else "5") == 61
        assert stage.order(movement=movement, amount="no amount") == 59
    assert stage.order(movement="withdrawal", reference="too much", amount="777") == 15
    assert stage.order(movement="adjustment", reference="too much", amount="-777") == 15
    assert stage.order(reference="euros", currency="EUR") == 52
    assert stage.order(reference="nobody's", userId="nobody") == 62
    for order in ("freeze", "unfreeze"):
        assert stage.freeze(order, "422") == 0
        assert stage.freeze(order, "422") == 0, "again"
        assert stage.freeze(order, "nobody") == 62
    with stage.down("dynamodb"):
        assert stage.order(reference="later") == 998


_PERFORMANCES = {
    "bet": _perform_bets,
    "cancel": _perform_cancels,
    "endround": _perform_without_queues,
    "balance": _perform_without_queues,
    "cashier": _perform_orders,
}


class _Stage:
    """A function on a mocked AWS: notes what it asks for, and lets nothing through to what is down."""

    def __init__(self, operator: Operator, monkeypatch: pytest.MonkeyPatch, callback: str) -> None:
        self.operator = operator
        self.callback = callback
        self.calls: set[Call] = set()
        self._down: set[str] = set()
        self._is_performing = False
        boto3.client("secretsmanager").create_secret(
            Name="ProviderSecret", SecretString=json.dumps({"current": {"authToken": PROVIDER_TOKEN}})
        )
        self._hooks: list[Any] = []
        monkeypatch.setattr(snapshot_restore_py, "_before_snapshot_registry", self._hooks)
        self._handler = operator.load(callback, PROVIDER_SECRET="ProviderSecret").handler
        make_call = BaseClient._make_api_call

        def noted(client: Any, operation: str, parameters: Any) -> Any:
            service = client.meta.service_model.service_name
            if self._is_performing:
                self.calls.update(_as_judged(service, operation, parameters))
                if service in self._down:
                    raise EndpointConnectionError(endpoint_url="https://down")
            return make_call(client, operation, parameters)

        monkeypatch.setattr(BaseClient, "_make_api_call", noted)

    def take_snapshot(self) -> None:
        """What Lambda has a new version do, once it is initialised."""
        assert self._hooks
        with self._performing():
            for hook, arguments, named_arguments in reversed(self._hooks):
                hook(*arguments, **named_arguments)

    def send(self, *, token: str = PROVIDER_TOKEN, method: str = "POST", path: str = "", **changes: Any) -> int:
        """The code of the answer to the callback's example with these changes."""
        body = published(self.callback, **changes)
        event = gateway_event(body, token=token, httpMethod=method, path=path or path_of(self.callback))
        with self._performing():
            return json.loads(self._handler(event, None)["body"])["error"]

    def order(self, **changes: Any) -> int:
        """The code of the answer to a deposit with these changes."""
        order = {"movement": "deposit", "reference": "r-1", "userId": "422", "amount": "5", "currency": "USD"}
        with self._performing():
            return self._handler({**order, "actor": "a test", "reason": "a rehearsal", **changes}, None)["error"]

    def freeze(self, order: str, user_id: str) -> int:
        with self._performing():
            return self._handler({order: {"userId": user_id, "actor": "a test", "reason": "a rehearsal"}}, None)[
                "error"
            ]

    def retry(self, *messages: str, tries: int = 1) -> None:
        """Hands the function these messages, or what it has kept, as Lambda does."""
        kept = [json.dumps(message) for message in self.operator.messages(f"{self.callback.title()}RetryQueue")]
        assert kept
        records = [
            {
                "messageId": str(number),
                "receiptHandle": "none that the queue gave out",  # whether it is one, IAM does not ask
                "body": message,
                "attributes": {"ApproximateReceiveCount": str(tries)},
            }
            for number, message in enumerate(messages or kept)
        ]
        with self._performing():
            self._handler({"Records": records}, None)

    @contextmanager
    def down(self, service: str) -> Iterator[None]:
        self._down.add(service)
        yield
        self._down.remove(service)

    @contextmanager
    def _performing(self) -> Iterator[None]:
        self._is_performing = True
        yield
        self._is_performing = False


def _as_judged(service: str, operation: str, parameters: dict[str, Any]) -> Iterator[Call]:
    """The calls that an operation is to IAM. One that is not known here is one of nothing, which no role allows."""
    match operation:
        case "BatchGetItem":
            for table, request in parameters["RequestItems"].items():
                keys = frozenset(key[PARTITION_KEYS[table]]["S"] for key in request["Keys"])
                yield Call("dynamodb:BatchGetItem", table, keys)
        case "TransactWriteItems":
            for item in parameters["TransactItems"]:
                ((verb, action),) = item.items()
                table = action["TableName"]
                key = (action["Item"] if verb == "Put" else action["Key"])[PARTITION_KEYS[table]]["S"]
                yield Call(f"dynamodb:{verb}Item", table, frozenset({key}), operation)
        case "UpdateItem":
            table, key = parameters["TableName"], parameters["Key"]
            said = f"{parameters['UpdateExpression']} {parameters['ConditionExpression']}"
            names = {name for name in re.findall(r"(?<![:\w])[a-z]\w*", said) if not name.endswith("_exists")}
            keys = frozenset({key[PARTITION_KEYS[table]]["S"]})
            yield Call("dynamodb:UpdateItem", table, keys, attributes=frozenset(names | key.keys()))
        case "SendMessage" | "ChangeMessageVisibility":
            yield Call(f"sqs:{operation}", parameters["QueueUrl"].rpartition("/")[2])
        case "GetSecretValue":
            yield Call(f"secretsmanager:{operation}", parameters["SecretId"])
        case _:
            yield Call(f"{service}:{operation}", "unknown")


def _metrics(line: dict[str, Any]) -> Iterator[Metric]:
    """What CloudWatch counts from a line: the metric under each of its sets of dimensions."""
    (directive,) = line["_aws"]["CloudWatchMetrics"]
    (metric,) = directive["Metrics"]
    assert directive["Namespace"] == "local", "the stack's name, here"
    for dimensions in directive["Dimensions"]:
        yield Metric(metric["Name"], frozenset((name, line[name]) for name in dimensions))
