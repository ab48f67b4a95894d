"""The naive one: look whether the transaction is there, write it, add the money.

What it does not promise: two copies at the same moment both find nothing and both pay; a crash between the two
writes leaves a transaction that was never paid, and every retransmission is told that it was.
"""

import json
import os
import uuid
from decimal import Decimal
from typing import Any

import boto3

TRANSACTIONS = uuid.UUID("2a3a4e5c-8d0f-5b7e-9c55-6c1f7a2b9d10")

dynamodb: Any = boto3.resource("dynamodb")
transactions = dynamodb.Table(os.environ["NAIVE_TABLE"])
players = dynamodb.Table(os.environ["PLAYERS_TABLE"])


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    request = json.loads(event["body"])
    key = {"id": "result#" + request["reference"]}
    if "Item" in transactions.get_item(Key=key, ConsistentRead=True):
        wallet = players.get_item(Key={"userId": request["userId"]}, ConsistentRead=True)["Item"]
    else:
        transactions.put_item(Item={**key, **request})
        wallet = players.update_item(
            Key={"userId": request["userId"]},
            UpdateExpression="ADD cash :amount",
            ExpressionAttributeValues={":amount": Decimal(request["amount"])},
            ReturnValues="ALL_NEW",
        )["Attributes"]
    print("credited", request["reference"])
    answer = {
        "transactionId": str(uuid.uuid5(TRANSACTIONS, key["id"])),
        "currency": wallet["currency"],
        "cash": str(wallet["cash"]),
        "bonus": str(wallet["bonus"]),
        "error": 0,
        "description": "Success",
    }
    return {
        "statusCode": 200,
        "headers": {"Content-Type": "application/json"},
        "body": json.dumps(answer),
        "isBase64Encoded": False,
    }
