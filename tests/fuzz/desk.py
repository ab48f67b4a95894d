"""The four functions on a desk: their own code, with AWS in memory and everything they write at hand.

The tables answer the two calls that the store makes, for one caller at a time: what others do to a
wallet meanwhile is no matter of what a request says.
"""

import io
import json
import os
import sys
from collections.abc import Mapping
from contextlib import redirect_stderr, redirect_stdout
from copy import deepcopy
from decimal import Decimal
from fractions import Fraction
from typing import Any
from unittest.mock import patch

from boto3.dynamodb.types import TypeDeserializer, TypeSerializer

from tools.local.template import Template

from .contract import Book, written

Item = dict[str, Any]

_AWS = {"AWS_ACCESS_KEY_ID": "none", "AWS_SECRET_ACCESS_KEY": "none", "AWS_DEFAULT_REGION": "eu-west-1"}
_KEYS = {"Players": ("userId",), "Transactions": ("id",), "FreeRounds": ("userId", "bonusCode")}


class Tables:
    """What the store asks DynamoDB for."""

    def __init__(self) -> None:
        self.items: dict[str, dict[str, Item]] = {table: {} for table in _KEYS}

    def put(self, table: str, item: Item) -> None:
        self.items[table][_key(table, item)] = item

    def all(self, table: str) -> list[Item]:
        """The items of a table, decoded."""
        return [{name: _deserialize(value) for name, value in item.items()} for item in self.items[table].values()]

    def batch_get_item(self, *, RequestItems: Mapping[str, Any]) -> dict[str, Any]:  # noqa: N803 - boto3's name
        return {
            "Responses": {
                table: [
                    deepcopy(self.items[table][_key(table, key)])
                    for key in request["Keys"]
                    if _key(table, key) in self.items[table]
                ]
                for table, request in RequestItems.items()
            }
        }

    def transact_write_items(self, *, TransactItems: list[Item], ClientRequestToken: str) -> None:  # noqa: N803 - as above
        assert ClientRequestToken
        for action in TransactItems:
            if put := action.get("Put"):
                held = self.items[put["TableName"]].get(_key(put["TableName"], put["Item"]), {})
                read = put.get("ExpressionAttributeValues", {}).get(":read")  # a free round count's, if it had one
                assert held.get("uncovered") == read if read else not held, "a record was overwritten"
                self.put(put["TableName"], put["Item"])
            else:
                update = action["Update"]
                values = update["ExpressionAttributeValues"]
                wallet = self.items[update["TableName"]][_key(update["TableName"], update["Key"])]
                assert update["UpdateExpression"] == "SET cash = :cash, bonus = :bonus, version = :version"
                for name in ("cash", "bonus", "version"):
                    assert wallet[name] == values[f":{name}_read"], "a wallet was written that was not read"
                    wallet[name] = values[f":{name}"]


class Queues:
    """What parking asks SQS for: messages by the queue's name, oldest first."""

    def __init__(self) -> None:
        self.messages: dict[str, list[str]] = {}
        self.hidden: list[str] = []

    def send_message(self, *, QueueUrl: str, MessageBody: str, DelaySeconds: int = 0) -> Item:  # noqa: N803 - as above
        assert 0 <= DelaySeconds <= 900
        self.messages.setdefault(QueueUrl, []).append(MessageBody)
        return {"MessageId": str(len(self.messages[QueueUrl]))}

    def change_message_visibility(self, *, QueueUrl: str, ReceiptHandle: str, VisibilityTimeout: int) -> None:  # noqa: N803
        assert 0 <= VisibilityTimeout <= 43200 - 120  # it may have been received two minutes ago
        self.hidden.append(ReceiptHandle)

    def all(self) -> list[tuple[str, str]]:
        """Every message with its queue's name."""
        return [(queue, message) for queue, messages in self.messages.items() for message in messages]


class Desk:
    """The functions, their tables and queues, and what they print. Importing them takes a second."""

    def __init__(self) -> None:
        self._handlers: dict[str, Any] = {}
        with redirect_stdout(io.StringIO()):  # they say that nothing is checked
            for function in Template.load().functions():
                with patch.dict(os.environ, {**_AWS, **function.environment}):
                    self._handlers[function.name] = function.load().handler
        # Only now: the functions have just imported these, and no other copy of them.
        self._logger, self._trust = sys.modules["wallet.callback"]._logger, sys.modules["wallet.trust"]
        self.tables, self.queues = Tables(), Queues()

    def open(self, book: Book, secret: Mapping[str, Any] | None = None) -> None:
        """The book's wallets in tables that hold nothing else; `secret` is what Secrets Manager holds."""
        self.tables, self.queues = Tables(), Queues()
        locks = self._trust.locks_in(json.dumps(secret)) if secret else self._trust.Locks()
        for handler in self._handlers.values():
            handler._store._client = self.tables
            vars(handler._parking)["_client"] = self.queues
            vars(handler._keyring)["locks"] = lambda: locks
        for user_id, balance in book.balances.items():
            wallet = {
                "userId": user_id,
                "currency": balance.currency,
                "cash": Decimal(written(balance.cash)),
                "bonus": Decimal(written(balance.bonus)),
                "version": balance.version,
            }
            self.tables.put("Players", {name: _serialize(value) for name, value in wallet.items()})

    def check(self, book: Book) -> None:
        """Raises AssertionError unless the wallets and the transactions are the book's, and there are no others."""
        wallets = {
            item["userId"]: (Fraction(item["cash"]), Fraction(item["bonus"]), item["version"])
            for item in self.tables.all("Players")
        }
        due = {user_id: (each.cash, each.bonus, each.version) for user_id, each in book.balances.items()}
        assert wallets == due, f"wallets are {wallets}, and must be {due}"
        recorded = {
            item["id"]: (item["userId"], Fraction(item["amountAsked"]), Fraction(item["amount"]))
            for item in self.tables.all("Transactions")
        }
        due = {win_id: (win.user_id, win.amount, paid) for win_id, (win, paid) in book.credited.items()}
        assert recorded == due, f"transactions are {recorded}, and must be {due}"

    def handle(self, callback: str, event: dict[str, Any]) -> tuple[Any, str]:
        """The function's answer to an event, and what it printed."""
        printed = io.StringIO()
        handler = self._logger.registered_handler
        before = handler.setStream(printed)
        try:
            with (
                redirect_stdout(printed),
                redirect_stderr(printed),
                patch.object(self._logger._logger, "propagate", False),  # a test's report has room for one request
            ):
                return self._handlers[callback](event, None), printed.getvalue()
        finally:
            handler.setStream(before)


_serialize = TypeSerializer().serialize
_deserialize = TypeDeserializer().deserialize


def _key(table: str, item: Item) -> str:
    return json.dumps([item[name] for name in _KEYS[table]])
