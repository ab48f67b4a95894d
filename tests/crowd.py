"""Many functions that credit one player at the same moment, in virtual time: nobody waits, and runs are alike."""

import heapq
import itertools
import random
import threading
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import pytest

from memory import Tables, cancelled
from wallet import store as store_module
from wallet.ledger import Credit, Settlement
from wallet.store import Store

READ_SECONDS, WRITE_SECONDS = 0.004, 0.008
ANSWER_SECONDS = 3.0  # as a callback has them


class Crowd:
    """Functions on one wallet, each on a thread, of which one moves at a time: the one whose moment comes first.

    Of two writes that overlap, one wins; the other is told `told` when it ends: that a condition failed, with the
    wallet as it is then, or that there was a conflict.
    """

    def __init__(self, told: str, chance: random.Random) -> None:
        self.now = 0.0
        self.writes = 0
        self._tables = Tables()
        self._tables.put("Players", {"userId": "421", "currency": "USD", "cash": 0, "bonus": 0, "version": 0})
        self._told = told
        self._chance = chance
        self._is_written = False
        self._waiting: list[tuple[float, int, threading.Semaphore]] = []
        self._numbers = itertools.count()

    @property
    def wallet(self) -> Mapping[str, Any]:
        (wallet,) = self._tables.all("Players")
        return wallet

    @contextmanager
    def clock_of(self, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
        """Makes this crowd's time and chance the store's."""
        with monkeypatch.context() as patched:
            patched.setattr(store_module, "time", self)
            patched.setattr(store_module, "random", self._chance)
            yield

    def settle(self, credits: Sequence[Credit]) -> list[Settlement]:
        """Settles each credit in a function of its own, all from the same moment on."""
        store = Store(self, players="Players", transactions="Transactions", free_rounds="FreeRounds")
        for _ in credits:
            self._queue_up(0)
        turns = [turn for _, _, turn in self._waiting]

        def settled(credit: Credit, turn: threading.Semaphore) -> Settlement:
            turn.acquire()
            try:
                return store.settle([credit], request="{}", deadline=ANSWER_SECONDS, leave_prize=lambda *_: None)
            finally:
                self._let_the_next_move()

        with ThreadPoolExecutor(len(credits)) as functions:
            settling = [functions.submit(settled, *each) for each in zip(credits, turns, strict=True)]
            self._let_the_next_move()
            return [each.result() for each in settling]

    def _queue_up(self, seconds: float) -> threading.Semaphore:
        turn = threading.Semaphore(0)
        heapq.heappush(self._waiting, (self.now + seconds, next(self._numbers), turn))
        return turn

    def _let_the_next_move(self) -> None:
        if self._waiting:
            self.now, _, turn = heapq.heappop(self._waiting)
            turn.release()

    # --- As the store's clock -----------------------------------------------------------------------

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        """Lets all others move whose moment comes before."""
        turn = self._queue_up(seconds)
        self._let_the_next_move()
        turn.acquire()

    # --- As the store's client ------------------------------------------------------------------------

    def batch_get_item(self, **asked: Any) -> Any:
        self.sleep(READ_SECONDS)
        return self._tables.batch_get_item(**asked)

    def transact_write_items(self, **asked: Any) -> Any:
        self.writes += 1
        meets_another = self._is_written
        self._is_written = True
        self.sleep(WRITE_SECONDS)
        self._is_written = meets_another and self._is_written
        if meets_another and self._told == "TransactionConflict":
            raise cancelled([{"Code": "None"}, {"Code": self._told}])
        return self._tables.transact_write_items(**asked)
