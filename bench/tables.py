"""The tables of all contenders in an engine, the wallets in them, and whole histories to grow with."""

import time
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from itertools import islice
from typing import Any

import boto3
from botocore.config import Config

from tools.local.template import Template
from tools.shared.items import encoded
from tools.shared.trouble import Trouble

Item = dict[str, dict[str, Any]]

# The rivals' own, beside the template's.
VARIABLES = {"IDEMPOTENCY_TABLE": "Idempotency", "NAIVE_TABLE": "NaiveTransactions"}
NAMES = ["Players", "Transactions", "FreeRounds", "Rounds", *VARIABLES.values()]

_CASH, _BONUS = Decimal("99889.99"), Decimal("99.99")
_IMPORT_PART = 100_000  # items in one object: 15 MB
_IMPORT_SECONDS = 600


class Tables:
    """The tables in the engine at `endpoint`."""

    def __init__(self, endpoint: str) -> None:
        place = {
            "endpoint_url": endpoint,
            "region_name": "eu-west-1",
            "aws_access_key_id": "local",
            "aws_secret_access_key": "local",
            "config": Config(max_pool_connections=4, read_timeout=_IMPORT_SECONDS),
        }
        self._dynamodb: Any = boto3.client("dynamodb", **place)
        self._s3: Any = boto3.client("s3", **place)

    def create(self, *, imported: int = 0) -> None:
        """Makes them, with so many transactions of strangers in *Transactions*."""
        for table in Template.load().tables():
            if imported and table["TableName"] == "Transactions":
                self._import(table, imported)
            else:
                self._dynamodb.create_table(**table)
        for name in VARIABLES.values():
            self._dynamodb.create_table(
                TableName=name,
                AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
                KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
                BillingMode="PAY_PER_REQUEST",
            )

    def open_wallets(self, players: Iterable[str], *, version: int = 0) -> None:
        self._put(
            "Players",
            (
                encoded({"userId": player, "currency": "USD", "cash": _CASH, "bonus": _BONUS, "version": version})
                for player in players
            ),
        )

    def remember(self, player: str, transactions: int) -> None:
        """A wallet that so many transactions were credited to."""
        self.open_wallets([player], version=transactions)
        self._put("Transactions", (_transaction(player, seq) for seq in range(1, transactions + 1)))

    def count_free_rounds(self, player: str, codes: int) -> None:
        """A wallet with so many bonus codes, `code-0` and so on, each with rounds that no total has covered."""
        self.open_wallets([player])
        self._put(
            "FreeRounds",
            (
                {
                    "userId": {"S": player},
                    "bonusCode": {"S": f"code-{code}"},
                    "uncovered": {"N": "5"},
                    "advance": {"N": "0"},
                    "lastRounds": {"L": []},
                }
                for code in range(codes)
            ),
        )

    def _put(self, table: str, items: Iterable[Item]) -> None:
        def write(batch: list[Item]) -> None:
            answer = self._dynamodb.batch_write_item(
                RequestItems={table: [{"PutRequest": {"Item": item}} for item in batch]}
            )
            if answer["UnprocessedItems"]:
                raise Trouble(f"the engine left items of {table} unwritten")

        with ThreadPoolExecutor(2) as pool:
            for _ in pool.map(write, _batches(items, 25)):
                pass

    def _import(self, table: dict[str, Any], how_many: int) -> None:
        """By `ImportTable`, from S3. The items carry what keys and index need; a whole record each would be 6 GB."""
        self._s3.create_bucket(Bucket="history", CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
        for start in range(0, how_many, _IMPORT_PART):
            numbers = range(start, min(start + _IMPORT_PART, how_many))
            lines = "\n".join(
                f'{{"Item":{{"id":{{"S":"result#history-{n}"}},"userId":{{"S":"stranger-{n % 10_000}"}},'
                f'"seq":{{"N":"{n // 10_000 + 1}"}},"amount":{{"N":"10"}},"cashAfter":{{"N":"{n}"}}}}}}'
                for n in numbers
            )
            self._s3.put_object(Bucket="history", Key=f"{start:08d}.json", Body=lines.encode())
        begun = self._dynamodb.import_table(
            S3BucketSource={"S3Bucket": "history"}, InputFormat="DYNAMODB_JSON", TableCreationParameters=table
        )["ImportTableDescription"]
        arn, deadline = begun["ImportArn"], time.monotonic() + _IMPORT_SECONDS
        while (state := self._dynamodb.describe_import(ImportArn=arn)["ImportTableDescription"])[
            "ImportStatus"
        ] == "IN_PROGRESS":
            if time.monotonic() > deadline:
                raise Trouble(f"the engine did not import {how_many} transactions in {_IMPORT_SECONDS} s")
            time.sleep(0.2)
        if state["ImportStatus"] != "COMPLETED" or state["ImportedItemCount"] != how_many:
            raise Trouble(f"the engine imported {state['ImportedItemCount']} of {how_many} transactions")


def _transaction(player: str, seq: int) -> Item:
    return {
        "id": {"S": f"result#{player}-{seq}"},
        "userId": {"S": player},
        "seq": {"N": str(seq)},
        "amount": {"N": "10"},
        "cashAfter": {"N": str(seq * 10)},
    }


def _batches(items: Iterable[Item], size: int) -> Iterator[list[Item]]:
    rest = iter(items)
    while batch := list(islice(rest, size)):
        yield batch
