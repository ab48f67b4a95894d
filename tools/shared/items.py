"""Items of DynamoDB in Python's types, and back: numbers are Decimals with every digit."""

from collections.abc import Mapping
from decimal import Decimal
from functools import cache
from typing import Any

Item = Mapping[str, Any]


def decoded(item: Item) -> dict[str, Any]:
    read = _deserializer().deserialize
    return {name: read(value) for name, value in item.items()}


def encoded(values: Item) -> dict[str, Any]:
    write = _serializer().serialize
    return {name: write(value) for name, value in values.items()}


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
