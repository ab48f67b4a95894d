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

from memory import Queues, Tables
from tools.local.template import Template

from .contract import Book, written

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

    def open(self, book: Book, secret: Mapping[str, Any] | None = None) -> None:
        """The book's wallets in tables that hold nothing else; `secret` is what Secrets Manager holds."""
        self.tables, self.queues = Tables(), Queues()
        locks = self._trust.locks_in(json.dumps(secret)) if secret else self._trust.Locks()
        for name, handler in self._handlers.items():
            vars(handler.keyring)["locks"] = lambda: locks
            vars(handler.parking)["_client"] = self.queues
            self._handlers[name] = replace(handler, store=replace(handler.store, client=self.tables))
        for user_id, balance in book.balances.items():
            wallet = {
                "userId": user_id,
                "currency": balance.currency,
                "cash": Decimal(written(balance.cash)),
                "bonus": Decimal(written(balance.bonus)),
                "version": balance.version,
            }
            self.tables.put("Players", wallet)

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
        prizes = {
            item["id"]: (item.get("prizeReference"), item["prizeAmount"])
            for item in self.tables.all("Transactions")
            if "prizeAmount" in item
        }
        due = {
            win_id: (win.prize.reference, win.prize.amount) for win_id, (win, _) in book.credited.items() if win.prize
        }
        assert prizes == due, f"the prizes noted are {prizes}, and must be {due}"
        counts = {
            (item["userId"], item["bonusCode"]): (Fraction(item["uncovered"]), Fraction(item["advance"]))
            for item in self.tables.all("FreeRounds")
        }
        due = {code: (each.uncovered, each.advance) for code, each in book.free_rounds.items()}
        assert counts == due, f"free rounds are {counts}, and must be {due}"

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
