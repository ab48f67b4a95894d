"""The functions on a desk: their own code, with AWS in memory and everything they write at hand.

There is one caller at a time. What others do to a wallet meanwhile does not change what a request says.
"""

import io
import json
import os
import sys
from collections.abc import Mapping
from contextlib import ExitStack, redirect_stderr, redirect_stdout
from dataclasses import replace
from decimal import Decimal
from typing import Any
from unittest.mock import patch

from clock import Clock
from contract import Contract, written
from memory import KEYS, Queues, Tables
from on_record import assert_on_record
from tools.local.template import Template
from tools.walletctl.verify.record import faults_of

_AWS = {"AWS_ACCESS_KEY_ID": "none", "AWS_SECRET_ACCESS_KEY": "none", "AWS_DEFAULT_REGION": "eu-west-1"}


class Desk:
    """The functions, their tables and queues, and what they print. Importing them takes a second."""

    def __init__(self) -> None:
        self._handlers: dict[str, Any] = {}
        for name in ("POWERTOOLS_SERVICE_NAME", "POWERTOOLS_METRICS_NAMESPACE"):
            os.environ.setdefault(name, "desk")  # what is counted while a function runs
        with redirect_stdout(io.StringIO()):  # they say that nothing is checked
            for function in Template.load().callbacks():
                with patch.dict(os.environ, {**_AWS, **function.environment}):
                    self._handlers[function.name] = function.load().handler
        # Only now: the functions have just imported these, and no other copy of them.
        self._logger, self._trust = sys.modules["wallet.report"].logger, sys.modules["wallet.trust"]
        self._timed = [sys.modules[f"wallet.{room}"] for room in ("callback", "report", "store")]
        self._clock = Clock()
        self.tables, self.queues = Tables(), Queues()

    def open(self, contract: Contract, secret: Mapping[str, Any] | None = None) -> None:
        """The contract's wallets in tables that hold nothing else; `secret` is what Secrets Manager holds."""
        self.tables, self.queues = Tables(), Queues()
        locks = self._trust.locks_in(json.dumps(secret)) if secret else self._trust.Locks()
        for name, handler in self._handlers.items():
            vars(handler.keyring)["locks"] = lambda: locks
            if handler.parking:
                vars(handler.parking)["_client"] = self.queues
            self._handlers[name] = replace(handler, store=replace(handler.store, client=self.tables))
        for user_id, wallet in contract.wallets.items():
            balances = {"cash": Decimal(written(wallet.cash)), "bonus": Decimal(written(wallet.bonus))}
            self.tables.put("Players", {"userId": user_id, **vars(wallet), **balances})

    def check(self, contract: Contract) -> None:
        """Raises AssertionError unless the tables hold what the contract does, and each record its request."""
        items = {table: self.tables.all(table) for table in KEYS}
        assert_on_record(contract, **items)
        assert not [fault for item in items["Transactions"] for fault in faults_of(item)]

    def handle(self, callback: str, event: dict[str, Any]) -> tuple[Any, str]:
        """The function's answer to an event, and what it printed."""
        printed = io.StringIO()
        handler = self._logger.registered_handler
        before = handler.setStream(printed)
        try:
            with ExitStack() as stack:
                stack.enter_context(redirect_stdout(printed))
                stack.enter_context(redirect_stderr(printed))
                # A test's report has room for one request.
                stack.enter_context(patch.object(self._logger._logger, "propagate", False))
                for room in self._timed:
                    stack.enter_context(patch.object(room, "time", self._clock))
                return self._handlers[callback](event, None), printed.getvalue()
        finally:
            handler.setStream(before)
