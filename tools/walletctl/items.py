"""Items of DynamoDB, read whole or by key, in Python's types. Nothing here writes."""

import random
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from decimal import Decimal
from functools import cache
from typing import Any

from tools.shared.outside import plain, trouble_if
from tools.shared.trouble import Trouble

Item = Mapping[str, Any]

_MOST_CHARACTERS = 128 + len("jackpot#")  # of what a callback accepts, and a transaction's id has its kind before it
_MOST_OF_A_BODY = 64 * 1024  # what a refused body called its reference is no longer than the body
_MOST_KEYS = 100  # in one BatchGetItem, as DynamoDB has it
_MOST_IN_VAIN = 10  # calls in a row that bring nothing, with growing pauses: about five seconds in all


def said(text: str) -> str:
    """Whatever a request may have said, as a command's argument: a refused one may say anything. Raises Trouble."""
    if not text:
        raise Trouble("the name is empty: give a userId, a reference, a round or a transaction id")
    if len(text) > _MOST_OF_A_BODY:
        raise Trouble(f"no name has more than 65,536 characters, and this one has {len(text):,}: was too much pasted?")
    return text


def named(text: str) -> str:
    """A userId or the like, as a command's argument. Raises Trouble for what cannot be one."""
    said(text)
    if text.isspace():
        raise Trouble("the name is all spaces: give a userId, a reference, a round or a transaction id")
    if len(text) > _MOST_CHARACTERS:
        raise Trouble(f"no name has more than 128 characters, and this one has {len(text):,}: was too much pasted?")
    return text


def decoded(item: Item) -> dict[str, Any]:
    """Numbers are Decimals, with every digit."""
    deserialize = _deserializer().deserialize
    return {name: deserialize(value) for name, value in item.items()}


def encoded(values: Item) -> dict[str, Any]:
    serialize = _serializer().serialize
    return {name: serialize(value) for name, value in values.items()}


@cache
def _deserializer() -> Any:
    from boto3.dynamodb.types import TypeDeserializer  # no page of help waits for the SDK

    class Exact(TypeDeserializer):
        """Takes a number of any length, where the SDK's own raises for more than 38 digits; and bytes as Python's."""

        def _deserialize_n(self, value: str) -> Decimal:
            return Decimal(value)

        def _deserialize_b(self, value: bytes) -> bytes:  # pyright: ignore[reportIncompatibleMethodOverride]
            return value

    return Exact()


@cache
def _serializer() -> Any:
    from boto3.dynamodb.types import TypeSerializer

    return TypeSerializer()


def scanned(
    dynamodb: Any,
    table: str,
    advance: Callable[[int], None],
    attributes: Sequence[str] | None = None,
    having: Mapping[str, str] | None = None,
) -> Iterator[Item]:
    """Every item of a table, strongly consistent, in no order; only those `attributes` of it, if any are named.

    `having` leaves only those with at least one of these attributes and values. `advance` is told of all that are read.
    Raises Trouble.
    """
    request: dict[str, Any] = {"TableName": table, "ConsistentRead": True, **_projection(attributes), **_filter(having)}
    while True:
        with trouble_if(f"the table {plain(table)} cannot be read"):
            answer = dynamodb.scan(**request)
        yield from map(decoded, answer["Items"])
        advance(answer["ScannedCount"])
        if not (after := answer.get("LastEvaluatedKey")):
            return
        request["ExclusiveStartKey"] = after


def with_keys(
    dynamodb: Any, table: str, keys: Sequence[Item], attributes: Sequence[str] | None = None
) -> Iterator[Item]:
    """Those items of the keys that are there, strongly consistent, in no order. Raises Trouble."""
    for start in range(0, len(keys), _MOST_KEYS):
        left = [encoded(key) for key in keys[start : start + _MOST_KEYS]]
        in_vain = 0
        while left:
            request = {table: {"Keys": left, "ConsistentRead": True, **_projection(attributes)}}
            with trouble_if(f"the table {plain(table)} cannot be read"):
                answer = dynamodb.batch_get_item(RequestItems=request)
            found = answer["Responses"].get(table, [])
            yield from map(decoded, found)
            left = (answer.get("UnprocessedKeys") or {}).get(table, {}).get("Keys", [])
            in_vain = 0 if found else in_vain + 1
            if left and in_vain == _MOST_IN_VAIN:
                raise Trouble(f"the table {plain(table)} is throttled: try again when fewer read it")
            if left:
                time.sleep(random.uniform(0, min(2.0, 0.05 * 2**in_vain)))  # noqa: S311 - jitter, no secret


def of_player(
    dynamodb: Any,
    table: str,
    user_id: str,
    *,
    index: str | None = None,
    newest_first: bool = False,
    before: int | None = None,
    at_once: int | None = None,
    attributes: Sequence[str] | None = None,
) -> Iterator[Item]:
    """The items under one `userId`, in order of the second key. Raises Trouble.

    `before` leaves out, unread, those of that `seq` and higher; `at_once` reads as many in a call, where no more are
    wanted. By an `index` it may lack what was written within the last moments: DynamoDB has no consistent one.
    """
    request: dict[str, Any] = {
        "TableName": table,
        "KeyConditionExpression": "userId = :whose" + ("" if before is None else " AND seq < :before"),
        "ExpressionAttributeValues": encoded({":whose": user_id} | ({} if before is None else {":before": before})),
        "ScanIndexForward": not newest_first,
        **({"IndexName": index} if index else {"ConsistentRead": True}),
        **({"Limit": at_once} if at_once else {}),
        **_projection(attributes),
    }
    while True:
        with trouble_if(f"the table {plain(table)} cannot be read"):
            answer = dynamodb.query(**request)
        yield from map(decoded, answer["Items"])
        if not (after := answer.get("LastEvaluatedKey")):
            return
        request["ExclusiveStartKey"] = after


def approximate_number(dynamodb: Any, table: str) -> int:
    """How many items DynamoDB counted within the last six hours; 0 where it does not say. Raises Trouble."""
    with trouble_if(f"the table {plain(table)} cannot be read"):
        return int(dynamodb.describe_table(TableName=table)["Table"].get("ItemCount", 0))


def _projection(attributes: Sequence[str] | None) -> dict[str, Any]:
    if not attributes:
        return {}
    return {
        "ProjectionExpression": ", ".join(f"#{name}" for name in attributes),  # some are words of DynamoDB's own
        "ExpressionAttributeNames": {f"#{name}": name for name in attributes},
    }


def _filter(having: Mapping[str, str] | None) -> dict[str, Any]:
    if not having:
        return {}
    return {
        "FilterExpression": " OR ".join(f"#{name} = :{name}" for name in having),
        "ExpressionAttributeNames": {f"#{name}": name for name in having},
        "ExpressionAttributeValues": {f":{name}": {"S": value} for name, value in having.items()},
    }
