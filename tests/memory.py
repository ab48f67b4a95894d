"""DynamoDB and SQS in memory, for one caller at a time: what a test plays thousands of callbacks on.

They know the calls that the wallet makes, with DynamoDB's own meaning, and raise AssertionError for anything else.
"""

import re
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from botocore.exceptions import ClientError

Item = dict[str, Any]

KEYS = {"Players": ("userId",), "Transactions": ("id",), "FreeRounds": ("userId", "bonusCode")}


class Tables:
    """Items by table and key, in DynamoDB's own form: `{"cash": {"N": "10"}}`."""

    def __init__(self) -> None:
        self.items: dict[str, dict[tuple[str, ...], Item]] = {table: {} for table in KEYS}

    def put(self, table: str, item: Mapping[str, Any]) -> None:
        """Writes an item as another program would; text, numbers and lists of text."""
        self._write(table, {name: _attribute(value) for name, value in item.items()})

    def all(self, table: str) -> list[Item]:
        """The items of a table, with numbers as Decimals."""
        return [{name: value_of(each) for name, each in item.items()} for item in self.items[table].values()]

    # --- What the store asks for --------------------------------------------------------------------

    def batch_get_item(self, *, RequestItems: Mapping[str, Any]) -> Item:  # noqa: N803 - boto3's name
        found = {
            table: [self.items[table].get(_key(table, key)) for key in request["Keys"]]
            for table, request in RequestItems.items()
        }
        return {"Responses": {table: [dict(item) for item in items if item] for table, items in found.items()}}

    def transact_write_items(self, *, TransactItems: Sequence[Item], ClientRequestToken: str) -> Item:  # noqa: N803
        assert ClientRequestToken
        actions = [next(iter(action.items())) for action in TransactItems]
        keys = [_key(action["TableName"], action.get("Key") or action["Item"]) for _, action in actions]
        assert len(set(keys)) == len(keys), "DynamoDB refuses two actions on one item"
        held = [self.items[action["TableName"]].get(key) for key, (_, action) in zip(keys, actions, strict=True)]
        reasons = [_reason(action, item) for item, (_, action) in zip(held, actions, strict=True)]
        if any(reason["Code"] != "None" for reason in reasons):
            raise cancelled(reasons)
        for item, (verb, action) in zip(held, actions, strict=True):
            assert verb in ("Put", "Update")
            self._write(action["TableName"], action["Item"] if verb == "Put" else _updated(item, action))
        return {}

    def _write(self, table: str, item: Item) -> None:
        self.items[table][_key(table, item)] = {name: _kept(attribute) for name, attribute in item.items()}


class Queues:
    """Each message with its queue's name, in the order of sending."""

    def __init__(self) -> None:
        self.messages: list[tuple[str, str]] = []
        self.hidden: list[str] = []

    def send_message(self, *, QueueUrl: str, MessageBody: str, DelaySeconds: int = 0) -> Item:  # noqa: N803 - as above
        assert 0 <= DelaySeconds <= 900
        self.messages.append((QueueUrl, MessageBody))
        return {"MessageId": str(len(self.messages))}

    def change_message_visibility(self, *, QueueUrl: str, ReceiptHandle: str, VisibilityTimeout: int) -> None:  # noqa: N803
        assert 0 <= VisibilityTimeout <= 43200 - 120  # it may have been received two minutes ago
        self.hidden.append(ReceiptHandle)


def value_of(attribute: Item) -> Any:
    """What an attribute says: numbers as Decimals, lists as tuples."""
    ((kind, value),) = attribute.items()
    return Decimal(value) if kind == "N" else tuple(map(value_of, value)) if kind == "L" else value


def _attribute(value: Any) -> Item:
    match value:
        case str():
            return {"S": value}
        case list() | tuple():
            return {"L": [_attribute(each) for each in value]}
        case _:
            return {"N": str(value)}


def _kept(attribute: Item) -> Item:
    """An attribute as it is read again: 38 digits of a number, and no zeros at the end of its fraction."""
    if "N" not in attribute:
        return attribute
    plain = format(Decimal(attribute["N"]), "f")
    plain = plain.rstrip("0").rstrip(".") if "." in plain else plain
    assert len(plain.replace(".", "").lstrip("-0").rstrip("0")) <= 38, f"DynamoDB does not take {plain}"
    return {"N": plain}


def _key(table: str, item: Item) -> tuple[str, ...]:
    return (table, *(item[name]["S"] for name in KEYS[table]))


def _reason(action: Item, item: Item | None) -> Item:
    if all(_holds(condition, action, item or {}) for condition in action["ConditionExpression"].split(" AND ")):
        return {"Code": "None"}
    assert action["ReturnValuesOnConditionCheckFailure"] == "ALL_OLD"
    return {"Code": "ConditionalCheckFailed"} | ({"Item": dict(item)} if item else {})


def _holds(condition: str, action: Item, item: Item) -> bool:
    """Whether one condition holds: that an attribute is there, that it is not, or that it is so much."""
    names, values = action.get("ExpressionAttributeNames", {}), action.get("ExpressionAttributeValues", {})
    if presence := re.fullmatch(r"attribute_(not_)?exists\((#?\w+)\)", condition):
        return (names.get(presence[2], presence[2]) in item) != bool(presence[1])
    compared = re.fullmatch(r"(#?\w+) = (:\w+)", condition)
    assert compared, f"what is {condition}?"
    attribute = item.get(names.get(compared[1], compared[1]))
    return attribute is not None and value_of(attribute) == value_of(values[compared[2]])


def _updated(item: Item | None, action: Item) -> Item:
    verb, _, changes = action["UpdateExpression"].partition(" ")
    assert verb == "SET"
    changed = (change.split(" = ") for change in changes.split(", "))
    return {**(item or action["Key"]), **{name: action["ExpressionAttributeValues"][value] for name, value in changed}}


def cancelled(reasons: Sequence[Item]) -> ClientError:
    return ClientError(
        {  # pyright: ignore[reportArgumentType] - what the SDK makes of DynamoDB's answer
            "Error": {"Code": "TransactionCanceledException"},
            "ResponseMetadata": {"HTTPStatusCode": 400},
            "CancellationReasons": reasons,
        },
        "TransactWriteItems",
    )
