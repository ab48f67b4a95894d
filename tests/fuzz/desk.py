"""The four functions on a desk: their own code, with AWS in memory and everything they write at hand.

There is one caller at a time. What others do to a wallet meanwhile does not change what a request says.
"""

import io
import json
import os
import sys
from collections.abc import Mapping
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import replace
from decimal import Decimal
from fractions import Fraction
from typing import Any
from unittest.mock import patch

from contract import Contract, written
from memory import Queues, Tables
from tools.local.template import Template

_AWS = {"AWS_ACCESS_KEY_ID": "none", "AWS_SECRET_ACCESS_KEY": "none", "AWS_DEFAULT_REGION": "eu-west-1"}


class Desk:
    """The functions, their tables and queues, and what they print. Importing them takes a second."""

    def __init__(self) -> None:
        self._handlers: dict[str, Any] = {}
        for name in ("POWERTOOLS_SERVICE_NAME", "POWERTOOLS_METRICS_NAMESPACE"):
            os.environ.setdefault(name, "desk")  # what is counted while a function runs
        with redirect_stdout(io.StringIO()):  # they say that nothing is checked
            for function in Template.load().functions():
                with patch.dict(os.environ, {**_AWS, **function.environment}):
                    self._handlers[function.name] = function.load().handler
        # Only now: the functions have just imported these, and no other copy of them.
        self._logger, self._trust = sys.modules["wallet.report"].logger, sys.modules["wallet.trust"]
        self.tables, self.queues = Tables(), Queues()

    def open(self, contract: Contract, secret: Mapping[str, Any] | None = None) -> None:
        """The contract's wallets in tables that hold nothing else; `secret` is what Secrets Manager holds."""
        self.tables, self.queues = Tables(), Queues()
        locks = self._trust.locks_in(json.dumps(secret)) if secret else self._trust.Locks()
        for name, handler in self._handlers.items():
            vars(handler.keyring)["locks"] = lambda: locks
            vars(handler.parking)["_client"] = self.queues
            self._handlers[name] = replace(handler, store=replace(handler.store, client=self.tables))
        for user_id, wallet in contract.wallets.items():
            balances = {"cash": Decimal(written(wallet.cash)), "bonus": Decimal(written(wallet.bonus))}
            self.tables.put("Players", {"userId": user_id, **vars(wallet), **balances})

    def check(self, contract: Contract) -> None:
        """Raises AssertionError unless the wallets and the transactions are the contract's, and there are no others."""
        credits = {record.credit.id: record for record in contract.records.values()}
        prizes = {id: record.credit.prize for id, record in credits.items() if record.credit.prize}
        due = {
            "Players": {id: (each.cash, each.bonus, each.version) for id, each in contract.wallets.items()},
            "Transactions": {
                id: (record.credit.player, record.credit.amount, record.paid) for id, record in credits.items()
            },
            "prizes": {id: (prize.reference, prize.amount) for id, prize in prizes.items()},
            "FreeRounds": {code: (each.uncovered, each.advance) for code, each in contract.counts.items()},
        }
        transactions = self.tables.all("Transactions")
        found = {
            "Players": {
                item["userId"]: (Fraction(item["cash"]), Fraction(item["bonus"]), item["version"])
                for item in self.tables.all("Players")
            },
            "Transactions": {
                item["id"]: (item["userId"], Fraction(item["amountAsked"]), Fraction(item["amount"]))
                for item in transactions
            },
            "prizes": {
                item["id"]: (item.get("prizeReference"), item["prizeAmount"])
                for item in transactions
                if "prizeAmount" in item
            },
            "FreeRounds": {
                (item["userId"], item["bonusCode"]): (Fraction(item["uncovered"]), Fraction(item["advance"]))
                for item in self.tables.all("FreeRounds")
            },
        }
        for what, must_be in due.items():
            assert found[what] == must_be, f"{what} are {found[what]}, and must be {must_be}"

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
