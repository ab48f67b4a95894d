"""The mocked AWS is quicker than moto by itself (quick_moto.py), and answers as it did."""

from copy import deepcopy
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from moto.dynamodb.models import dynamodb_backends
from moto.dynamodb.models.dynamo_type import DynamoType, Item

from conftest import REGION, Operator, published
from quick_moto import motos_projection

KEYS = {"Players": {"userId": {"S": "7"}}, "FreeRounds": {"userId": {"S": "7"}, "bonusCode": {"S": "gift"}}}
ATTRIBUTES: dict[str, dict[str, Any]] = {
    "words": {"S": "a"},
    "none": {"S": ""},
    "much": {"N": "12.50"},
    "small": {"N": "1E-130"},
    "long": {"N": "1234567890123456789012345678901234567.8"},
    "raw": {"B": b"\xff\x00"},
    "truth": {"BOOL": True},
    "nothing": {"NULL": True},
    "bag": {"SS": ["a"]},
    "several": {"L": [{"S": "a"}, {"L": [{"N": "1"}]}]},
    "tree": {"M": {"a": {"M": {"b": {"N": "1"}}}}},
}
CHANGES: dict[str, tuple[str, dict[str, Any]]] = {
    "a text": ("SET words = :new", {":new": {"S": "b"}}),
    "an attribute more": ("SET another = :new", {":new": {"S": "b"}}),
    "an attribute less": ("REMOVE words", {}),
    "a part of a list": ("SET several[0] = :new", {":new": {"S": "b"}}),
    "a part of a map": ("SET tree.a = :new", {":new": {"S": "b"}}),
    "a set": ("ADD bag :new", {":new": {"SS": ["c"]}}),
    "a number": ("ADD much :new", {":new": {"N": "1.5"}}),
}


@pytest.fixture
def dynamodb(operator: Operator) -> Any:
    """Each of two tables, of which one has a key of two parts, has an item of every sort of attribute."""
    client = boto3.client("dynamodb")
    for table, key in KEYS.items():
        client.put_item(TableName=table, Item=key | ATTRIBUTES)
    return client


def found(dynamodb: Any, table: str) -> dict[str, Any]:
    return dynamodb.get_item(TableName=table, Key=KEYS[table])["Item"]


def update(table: str, change: str) -> dict[str, Any]:
    expression, values = CHANGES[change]
    asked = {"TableName": table, "Key": KEYS[table], "UpdateExpression": expression}
    return asked | ({"ExpressionAttributeValues": values} if values else {})


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("table", KEYS)
def test_a_transaction_that_fails_leaves_everything_as_it_was(dynamodb: Any, table: str, change: str) -> None:
    (other,) = KEYS.keys() - {table}
    before = found(dynamodb, table)
    never = {"TableName": other, "Key": KEYS[other], "ConditionExpression": "attribute_not_exists(userId)"}
    new = {"TableName": table, "Item": {name: {"S": "new"} for name in KEYS[table]}}

    with pytest.raises(ClientError) as refused:
        dynamodb.transact_write_items(
            TransactItems=[{"Update": update(table, change)}, {"Put": new}, {"ConditionCheck": never}]
        )

    reasons = refused.value.response["CancellationReasons"]
    assert [reason["Code"] for reason in reasons] == ["None", "None", "ConditionalCheckFailed"]
    assert found(dynamodb, table) == before
    assert "Item" not in dynamodb.get_item(TableName=table, Key=new["Item"])
    dynamodb.transact_write_items(TransactItems=[{"Update": update(table, change)}, {"Put": new}])
    assert found(dynamodb, table) != before
    assert "Item" in dynamodb.get_item(TableName=table, Key=new["Item"])


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("table", KEYS)
def test_a_copy_of_a_table_keeps_what_was_in_it(dynamodb: Any, table: str, change: str) -> None:
    tables = dynamodb_backends["123456789012"][REGION].tables
    kept = tables[table]
    copied, due = deepcopy(kept), found(dynamodb, table)

    dynamodb.update_item(**update(table, change))
    dynamodb.put_item(TableName=table, Item={name: {"S": "new"} for name in KEYS[table]})
    kept.ttl["TimeToLiveStatus"] = "ENABLED"

    assert found(dynamodb, table) != due
    tables[table] = copied
    assert found(dynamodb, table) == due
    assert copied.ttl["TimeToLiveStatus"] == "DISABLED"
    assert len(copied.all_items()) == len(kept.all_items()) - 1


@pytest.mark.parametrize(
    "path",
    [[name] for name in ATTRIBUTES] + [["absent"], ["several[1]"], ["several[9]"], ["tree", "a"], ["tree", "a", "b"]],
)
def test_a_part_of_an_item_is_what_moto_by_itself_makes_of_it(path: list[str]) -> None:
    item: Any = Item(DynamoType({"S": "7"}), None, ATTRIBUTES)
    for paths in ([path], [["words"], path], [path, ["much"]]):
        ours, motos = item.project(paths), motos_projection(item, paths)
        assert ours.to_json() == motos.to_json()
        assert list(ours.attrs) == list(motos.attrs)


def test_the_same_expressions_do_their_work_each_time(operator: Operator) -> None:
    for number in range(3):
        operator.send("result", published("result", reference=f"r{number}", amount="1"))
    assert operator.wallet()["version"] == 4
    assert [item["seq"] for item in operator.transactions()] == [2, 3, 4]
