"""A ledger is proved, and each way it can be wrong is found and named."""

import csv
import json
import os
import subprocess
import sys
import uuid
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from copy import deepcopy
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.client import BaseClient
from botocore.exceptions import NoCredentialsError
from typer.testing import Result

from conftest import ROOT, Operator, published
from local_service import HANG_SECONDS, Service, running
from tamperings import LISTED, NAMESPACE, Books, Tampering, play
from tools.shared.folders import announcement
from tools.walletctl import proving as _command  # noqa: F401 - else it is imported amid an SDK mocked in parts
from tools.walletctl.verify import account as account_module
from wallet.chain import digest_of, link
from walletctl import ACCOUNT, PORT, Walletctl

_PLACE = ("gameId", "roundId")
LAST = "result#r-5"
SEQ = 9  # its number: an opening and eight wins


class Ledger(Walletctl):
    """A ledger in the tables, and what a person or a program may do to it."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch, operator: Operator) -> None:
        super().__init__(folder, monkeypatch)
        self.operator = operator
        self.players = operator.database.Table("Players")
        self.transactions = operator.database.Table("Transactions")
        self.free_rounds = operator.database.Table("FreeRounds")
        self.rounds = operator.database.Table("Rounds")

    def fill(self) -> None:
        """Has it be a good ledger of player 421 and a few others."""
        self.empty()
        self.open("421", "99889.99", bonus="99.99")
        self.open("422", "0.000000000000000001", currency="USDT")
        self.open("423", "0", currency="EUR")
        self.credit("result", reference="r-1", amount="10.10")
        self.credit("result", reference="r-2", amount="2.5", bonusCode="gift")
        self.credit("bonus", reference="b-1", amount=7, bonusCode="gift")
        self.credit("jackpot", reference="j-1", amount=1000000)
        self.credit("result", reference="r-3", amount="1", promoWinAmount="4", promoWinReference="p-1")
        self.credit("result", reference="r-4", amount="3", bonusCode="gift", timestamp="1482429190375")
        self.credit("result", reference="r-5", amount="0")
        self.credit(
            "result", reference="x-1", userId="422", currency="USDT", amount="99999999999999.999999999999999999"
        )

    def fill_by_hand(self) -> None:
        """Has it have every kind of movement that the operator's own side makes, and every outcome."""
        self.order("deposit", "d-1", "20.50")
        self.order("withdrawal", "w-1", "30", details={"bank": ["a", 1.50]})
        self.order("withdrawal", "w-2", "1e12", error=15)
        self.order("adjustment", "a-1", "-0.010", bonus="-1.5", belowZero=False)
        self.order("adjustment", "a-2", "0", bonus="2")
        self.order("adjustment", "a-3", "-5", userId="423", currency="EUR", belowZero=True)
        self.order("adjustment", "a-4", "-5", userId="423", currency="EUR", error=15)
        whole = published("result", reference="h-1", amount="7", promoWinAmount="2", promoWinReference="h-2")
        self.settle("result", whole)
        unclear = {"currency": "USD", "CURRENCY": "EUR", "SESSIONID": "another", "gameId": ["?"]}
        self.settle("result", published("result", userId=421, reference=77, amount=5, **unclear))
        self.settle("jackpot", published("jackpot", reference="h-3", jackpotId="\x00", roundId="", roundid=None))
        self.settle("promo", published("promo", reference="h-4", timestamp=1, TimeStamp=2, currency="usd"))
        self.settle("bonus", published("bonus", reference="h-5", userId="nobody"), booked_elsewhere=True)
        elsewhere = published("result", reference="h-6", promoWinAmount="3", promoWinReference="h-7")
        self.settle("result", elsewhere, booked_elsewhere=True)
        self.credit("result", reference="r-6", amount="1", promoWinReference="p-6")
        another = published("result", reference="r-3", amount="1", promoWinAmount="9", promoWinReference="p-9")
        self.settle("result", another, prize_only=True)

    def open(self, user_id: str, amount: str, *, bonus: str = "0", currency: str = "USD") -> None:
        self.order("opening", user_id, amount, userId=user_id, bonus=bonus, currency=currency)

    def order(self, movement: str, reference: str, amount: str, *, error: int = 0, **changes: Any) -> None:
        """A movement by the cashier."""
        order = {"movement": movement, "reference": reference, "amount": amount, "actor": "ann", "reason": "why not"}
        answer = self.operator.invoke("cashier", order | {"userId": "421", "currency": "USD"} | changes)
        assert answer["error"] == error, answer

    def settle(
        self, callback: str, body: Any, *, booked_elsewhere: bool = False, prize_only: bool = False, error: int = 0
    ) -> None:
        """A dead letter that a person settles."""
        letter = {"callback": callback, "reference": None, "code": 52, "reason": "why", "prize_only": prize_only}
        letter |= {"first_received_at": "2026-11-30T00:00:00+00:00", "request": json.dumps(body)}
        order = {"message": json.dumps(letter), "actor": "jo", "reason": "the provider asked"}
        order |= {"bookedElsewhere": True} if booked_elsewhere else {}
        answer = self.operator.invoke(callback, {"settle": order})
        assert answer["error"] == error, answer

    def credit(self, callback: str, **changes: Any) -> None:
        changes = {"hash": None, "uuid": "u-1"} | changes
        assert self.operator.send(callback, published(callback, **changes)).json["error"] == 0

    def by_others(self, amount: str, versions: int = 1) -> None:
        """A deposit or a bet by another program, which leaves no record."""
        wallet = self.operator.wallet()
        self.set_wallet(cash=wallet["cash"] + Decimal(amount), version=wallet["version"] + versions)

    def set_wallet(self, user_id: str = "421", **changes: Any) -> None:
        self.players.put_item(Item=_without_none(self.operator.wallet(user_id) | changes))

    def records(self) -> list[dict[str, Any]]:
        """Every transaction's item, the openings too, in order."""
        return sorted(self.operator.items("Transactions"), key=lambda item: (item["userId"], item.get("seq", 0)))

    def get(self, id: str) -> dict[str, Any]:
        return self.transactions.get_item(Key={"id": id})["Item"]

    def set(self, id: str, **changes: Any) -> None:
        """A transaction with other attributes; None takes one out."""
        self.transactions.put_item(Item=_without_none(self.get(id) | changes))

    def said(self, id: str, **changes: Any) -> None:
        """A transaction whose request says something else, with its digest; None takes a field out."""
        request = json.dumps(_without_none(json.loads(self.get(id)["request"]) | changes))
        self.set(id, request=request, requestDigest=digest_of(request))

    def compute_again(self, user_id: str = "421") -> None:
        """Has every digest fit what is on record now, as somebody who writes the tables could."""
        digest = ""
        for item in self.records():
            if item["userId"] == user_id and "seq" in item:
                digest = link(digest, item)
                self.set(item["id"], digest=digest)
        self.set_wallet(user_id, digest=digest)

    def forge(self, id: str, **changes: Any) -> None:
        """A transaction with other attributes, and every digest to match."""
        self.set(id, **changes)
        self.compute_again(self.get(id)["userId"])

    def play_again(self, user_id: str) -> None:
        """Has a player's rounds say what the results on record say: there are no bets."""
        for item in self.rounds.scan()["Items"]:
            results = [each for each in self.records() if each["id"].startswith("result#")]
            of_round = [each for each in results if all(each.get(name) == item[name] for name in ("userId", *_PLACE))]
            if item["userId"] == user_id:
                item["winnings"] = sum((each["amountAsked"] for each in of_round), Decimal(0))
                self.rounds.put_item(Item=item)

    def delete(self, id: str) -> None:
        self.transactions.delete_item(Key={"id": id})

    def empty(self) -> None:
        for table in (self.transactions, self.players, self.free_rounds, self.rounds):
            keys = [each["AttributeName"] for each in table.key_schema]
            for item in table.scan()["Items"]:
                table.delete_item(Key={key: item[key] for key in keys})

    def keep(self, user_id: str, code: str, **changes: Any) -> None:
        """What is kept of free rounds with other attributes; of a code that nobody played, all of them."""
        key = {"userId": user_id, "bonusCode": code}
        nothing = key | {"uncovered": Decimal(0), "advance": Decimal(0), "lastRounds": []}
        self.free_rounds.put_item(Item=self.free_rounds.get_item(Key=key).get("Item", nothing) | changes)

    def verify(self, *arguments: str, whose: str | None = "--all") -> Result:
        return self("verify", *([whose] if whose else []), *arguments)

    def account(self, *arguments: str, whose: str = "--all") -> dict[str, Any]:
        result = self.verify("--json", *arguments, whose=whose)
        assert "{\n" in result.stdout, result.output
        made = json.loads(result.stdout[result.stdout.index("{\n") :])  # a function's own log may stand before it
        assert result.exit_code == (1 if made["faults"] else 0)
        return made

    def faults(self, *arguments: str, whose: str = "--all") -> list[tuple[str, int | None, str]]:
        found = self.account(*arguments, whose=whose)["shownFaults"]
        return [(fault["userId"], fault["seq"], fault["fault"]) for fault in found]

    def texts(self, *arguments: str) -> str:
        return "\n".join(fault["text"] for fault in self.account(*arguments)["shownFaults"])


def _without_none(item: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in item.items() if value is not None}


@pytest.fixture
def tables(walletctl: Walletctl, operator: Operator, monkeypatch: pytest.MonkeyPatch) -> Ledger:
    for function in ("cashier", "result"):  # as for the others: a command leaves the environment without an account
        operator.handler(function)
    monkeypatch.setattr("tools.walletctl.verify.books.PAUSE_SECONDS", 0)
    return Ledger(walletctl.folder, monkeypatch, operator)


_filled: dict[str, Books] = {}  # by the functions, once: what each test reads and tampers with is a copy


def _once(name: str, operator: Operator, fill: Callable[[], object]) -> Books:
    if name not in _filled:
        fill()
        _filled[name] = Books.read(operator)
    return deepcopy(_filled[name])


@pytest.fixture
def ledger(tables: Ledger) -> Ledger:
    _once("ledger", tables.operator, tables.fill).put()
    return tables


@pytest.fixture
def by_hand(ledger: Ledger) -> Ledger:
    _once("by hand", ledger.operator, ledger.fill_by_hand).put()
    return ledger


@pytest.fixture
def books(operator: Operator) -> Books:
    """The items of a ledger in which everything was played, and nothing else was done."""
    return _once("books", operator, lambda: play(operator))


# --- What is right ----------------------------------------------------------------------------------


def test_a_good_ledger_is_proved_to_the_last_digit(ledger: Ledger) -> None:
    made = ledger.account()

    assert made["faults"] == 0
    assert (made["players"], made["transactions"], made["settledWithoutMoney"]) == (3, 12, 0)
    assert made["moved"] == {
        "EUR": {"opening": "0"},
        "USD": {"bonus": "4.5", "jackpot": "1000000", "opening": "99889.99", "promo": "4", "result": "16.6"},
        "USDT": {"opening": "0.000000000000000001", "result": "99999999999999.999999999999999999"},
    }
    assert made["freeRoundsCompared"] is True


def test_orders_of_the_most_digits_are_proved_and_told_to_the_last_one(tables: Ledger) -> None:
    most, less = "99999999999999.999999999999999999", "99999999999999.999999999999999998"
    tables.operator.open_wallet("rich", cash="0", bonus="0")
    for movement, reference, amount in (
        ("deposit", "in", most),
        ("withdrawal", "out", less),
        ("withdrawal", "no", less),
    ):
        said = {"movement": movement, "reference": reference, "amount": amount, "userId": "rich", "currency": "USD"}
        tables.operator.invoke("cashier", {**said, "actor": "a test", "reason": "x"})

    made = tables.account()

    assert made["shownFaults"] == []
    assert (made["moved"]["USD"]["deposit"], made["moved"]["USD"]["withdrawal"]) == (most, f"-{less}")
    assert f"{less} USD was taken from the wallet" in " ".join(tables("find", "out").stdout.split())
    assert f"less than {less} USD" in " ".join(tables("find", "no").stdout.split())
    assert f"-{less}" in tables("ledger", "rich").stdout


def test_what_the_operators_own_side_moved_and_refused_is_proved(by_hand: Ledger) -> None:
    made = by_hand.account()

    assert made["shownFaults"] == []
    assert (made["players"], made["transactions"], made["settledWithoutMoney"]) == (4, 24, 5)
    assert made["moved"]["USD"] == {
        "adjustment": "-0.01",
        "bonus": "4.5",
        "deposit": "20.5",
        "jackpot": "1000055",
        "opening": "99889.99",
        "promo": "515",
        "result": "29.6",
        "withdrawal": "-30",
    }


def test_a_person_sees_the_sums_and_the_verdict(by_hand: Ledger) -> None:
    result = by_hand.verify()

    assert result.exit_code == 0
    assert result.stdout.splitlines()[-3:] == [
        "4 players, 24 transactions",
        "5 references settled without money: refused, cancelled before they came, or booked elsewhere",
        "No fault",
    ]
    assert "99999999999999.999999999999999999" in result.stdout


def test_nothing_is_changed(ledger: Ledger) -> None:
    ledger.set(LAST, cashAfter=Decimal(1))
    ledger.watch()
    ledger.verify()

    assert {operation for operation, _ in ledger.calls} == {"Scan", "BatchGetItem"}


def test_an_empty_ledger_has_no_fault(ledger: Ledger) -> None:
    ledger.empty()

    assert ledger.account()["players"] == 0


def test_many_pages_are_read_whole(ledger: Ledger) -> None:
    def by_twos(operation: str, parameters: Any, call: Callable[[], Any]) -> Any:
        parameters |= {"Limit": 2} if operation == "Scan" else {}
        return call()

    ledger.watch(by_twos)

    assert ledger.account()["transactions"] == 12


def test_an_erased_request_is_no_fault_and_its_record_is_still_proved(by_hand: Ledger) -> None:
    for item in by_hand.operator.items("Transactions"):
        by_hand.set(item["id"], request=None)
    assert by_hand.account()["shownFaults"] == []

    by_hand.forge("result#r-1", amount=Decimal(11))
    assert ("421", 2, "amount") in by_hand.faults()
    by_hand.fill()
    by_hand.set("result#r-1", request=None, roundId="another")
    assert by_hand.faults() == [("421", 2, "digest"), ("421", None, "round")]


# --- What is wrong ----------------------------------------------------------------------------------


# What is done to the ledger of `fill`, every fault that is named for it, and a part of the words.
WRONG: dict[str, tuple[Callable[[Ledger], object], list[tuple[int | None, str]], str]] = {
    "a number as a text, which its digest does not tell": (
        lambda ledger: ledger.set("bonus#b-1", uncoveredAfter="0"),
        [(4, "free rounds")],
        "uncoveredAfter is none, where the free rounds before it and this leave 0",
    ),
    "a number twice": (
        lambda ledger: ledger.set(LAST, seq=8),
        [(8, "seq twice"), (9, "missing")],
        "the number of result#r-4 too",
    ),
    "a balance": (
        lambda ledger: ledger.set("jackpot#j-1", cashAfter=Decimal(1)),
        [(5, "chain broken"), (5, "digest"), (6, "chain broken")],
        "cashAfter is 1 where 99907.09 and 1000000 make 1099907.09: -1099906.09",
    ),
    "a balance, and every digest": (
        lambda ledger: ledger.forge("jackpot#j-1", cashAfter=Decimal(1)),
        [(5, "chain broken"), (6, "chain broken")],
        "cashAfter is 1 where",
    ),
    "a bonus": (
        lambda ledger: ledger.forge("jackpot#j-1", bonusAfter=Decimal(200)),
        [(5, "chain broken"), (6, "chain broken")],
        "bonusAfter is 200 where",
    ),
    "the balance of an opening": (
        lambda ledger: ledger.forge("opening#421", cashAfter=Decimal(200)),
        [(1, "chain broken"), (2, "chain broken")],
        "cashAfter is 200 where 0 and 99889.99 make 99889.99",
    ),
    "an amount": (
        lambda ledger: ledger.forge(LAST, amount=Decimal("0.01")),
        [(9, "amount"), (9, "chain broken")],
        "0.01 was moved, where 0 of 0 was owed",
    ),
    "the amount of a total": (
        lambda ledger: ledger.forge("bonus#b-1", amount=Decimal(7)),
        [(4, "amount"), (4, "chain broken"), (4, "chain broken")],
        "4.5 of 7",
    ),
    "an amount below zero": (
        lambda ledger: ledger.forge(LAST, amount=Decimal(-1), amountAsked=Decimal(-1)),
        [(9, "amount"), (9, "chain broken"), (9, "request"), (None, "round")],
        "amountAsked is -1, which a result cannot ask",
    ),
    "a bonus that a win moves": (
        lambda ledger: ledger.forge(LAST, bonusAmount=Decimal(1)),
        [(9, "amount"), (9, "chain broken")],
        "bonusAmount is 1, which a result cannot have",
    ),
    "a currency": (
        lambda ledger: ledger.forge("result#r-1", currency="EUR"),
        [(2, "currency"), (2, "request")],
        "it is in EUR, the wallet's is USD",
    ),
    "a bonus code that is made up": (
        lambda ledger: ledger.forge("result#r-1", bonusCode="gift"),
        [(2, "chain broken"), (2, "free rounds"), (2, "free rounds"), (2, "request"), (3, "free rounds")],
        "uncoveredAfter is 2.5, where the free rounds before it and this leave 12.6",
    ),
    "a bonus code taken": (
        lambda ledger: ledger.forge("result#r-4", bonusCode=None),
        [(None, "free rounds"), (8, "chain broken"), (8, "free rounds"), (8, "free rounds"), (8, "request")],
        "uncovered of code gift is kept as 3, where its rounds and totals leave 0",
    ),
    "a record without a balance": (
        lambda ledger: ledger.set(LAST, cashAfter=None),
        [(None, "unreadable"), (9, "missing")],
        "lacks cashAfter",
    ),
    "half a number": (
        lambda ledger: ledger.set(LAST, seq=Decimal("8.5")),
        [(None, "unreadable"), (9, "missing")],
        "lacks seq",
    ),
    "an amount that is a text": (
        lambda ledger: ledger.set(LAST, amount="0"),
        [(None, "unreadable"), (9, "missing")],
        "lacks amount",
    ),
    "a hole": (
        lambda ledger: ledger.delete("jackpot#j-1"),
        [(5, "missing")],
        "number 5 is missing: cash moved by +1000000, bonus by +0",
    ),
    "the last movement deleted": (
        lambda ledger: ledger.delete(LAST),
        [(9, "missing")],
        "number 9 is missing: cash moved by +0, bonus by +0; the wallet is ahead of its last movement",
    ),
    "the opening deleted": (
        lambda ledger: ledger.delete("opening#421"),
        [(1, "missing")],
        "number 1 is missing: cash moved by +99889.99, bonus by +99.99",
    ),
    "every movement deleted": (
        lambda ledger: ledger.delete("opening#423"),
        [(1, "missing")],
        "number 1 is missing: cash moved by +0, bonus by +0; the wallet has no movement on record",
    ),
    "a wallet that nothing opened": (
        lambda ledger: ledger.players.put_item(
            Item=ledger.operator.wallet("423") | {"userId": "424", "version": Decimal(0), "cash": Decimal(7)}
        ),
        [(None, "opening")],
        "the wallet has no movement on record, where an opening is the first; its cash is 7",
    ),
    "a win in place of an opening": (
        lambda ledger: (
            ledger.delete("opening#423"),
            ledger.transactions.put_item(Item=_jackpot_of(ledger, "423")),
            ledger.compute_again("423"),
        ),
        [(1, "opening")],
        "the first movement, and not an opening",
    ),
    "a second opening": (
        lambda ledger: (
            ledger.transactions.put_item(
                Item=ledger.get("opening#423")
                | {"id": "opening#again", "seq": Decimal(2), "transactionId": transaction_id("opening#again")}
            ),
            ledger.said("opening#again", reference="again"),
            ledger.set_wallet("423", version=Decimal(2)),
            ledger.compute_again("423"),
        ),
        [(2, "opening")],
        "an opening, where the wallet had movements already",
    ),
    "a digest": (
        lambda ledger: ledger.set("result#r-2", digest="0" * 64),
        [(3, "digest"), (4, "digest")],
        "its digest is 000000000000…, where the one before and its content make ",
    ),
    "a digest taken": (
        lambda ledger: ledger.set("result#r-2", digest=None),
        [(3, "digest")],
        "its digest is missing, where the one before",
    ),
    "the digest of the last": (
        lambda ledger: ledger.set(LAST, digest="0" * 64),
        [(9, "digest"), (9, "digest")],
        "this movement's 000000000000…",
    ),
    "an attribute that nothing compares": (
        lambda ledger: ledger.set("result#r-2", recordedAt="2030-01-01T00:00:00.000+00:00"),
        [(3, "digest"), (4, "time")],
        "its digest is",
    ),
    "an attribute that the ledger does not know": (
        lambda ledger: ledger.set("result#r-2", note={"a": [None, {b"\x00"}, {Decimal(1)}, False]}),
        [(3, "digest")],
        "its digest is",
    ),
    "two neighbours' places": (
        lambda ledger: (ledger.set("result#r-4", seq=Decimal(9)), ledger.set(LAST, seq=Decimal(8))),
        [(8, "digest"), *[(8, "chain broken")] * 2, *[(9, "chain broken")] * 2, *[(9, "digest")] * 2],
        "where the one before and its content make",
    ),
    "the digest of a request": (
        lambda ledger: ledger.forge("result#r-1", requestDigest="0" * 64),
        [(2, "request")],
        "requestDigest is 0000",
    ),
    "the digest of a request taken": (
        lambda ledger: ledger.forge("result#r-1", requestDigest=None),
        [(2, "request")],
        "requestDigest is none, its request makes ",
    ),
    "a request that says something else": (
        lambda ledger: ledger.set("result#r-1", request=ledger.get("result#r-1")["request"].replace("10.10", "10.1")),
        [(2, "request")],
        "requestDigest is ",
    ),
    "a request and its digest taken": (
        lambda ledger: ledger.forge("result#r-1", request=None, requestDigest=None),
        [(2, "request")],
        "it has neither a request nor its digest",
    ),
    "a reason for a win that nobody ordered": (
        lambda ledger: ledger.forge("jackpot#j-1", reason="why not"),
        [(5, "request")],
        "actor is none and reason why not, where each must say something",
    ),
    "a later prize that is made up": (
        lambda ledger: ledger.set("result#r-3", laterPrizeReference="p-1", laterPrizeAmount="4"),
        [(6, "prize")],
        "the prize p-1 of 4 was noted on it later, which it cannot have",
    ),
    "a prize that is made up": (
        lambda ledger: ledger.forge("result#r-1", prizeReference="p-1", prizeAmount="4"),
        [(2, "prize")],
        "it names the prize p-1 of 4, which it cannot have",
    ),
    "a wallet's cash": (
        lambda ledger: ledger.set_wallet(cash=Decimal(5)),
        [(9, "balance differs")],
        "the wallet's cash is 5, this left 1099915.09: -1099910.09",
    ),
    "a wallet's bonus": (
        lambda ledger: ledger.set_wallet(bonus=Decimal(5)),
        [(9, "balance differs")],
        "the wallet's bonus is 5, this left 109.99: -104.99",
    ),
    "a wallet's currency": (
        lambda ledger: ledger.set_wallet("423", currency="USD"),
        [(1, "currency")],
        "it is in EUR, the wallet's is USD",
    ),
    "a wallet's digest": (
        lambda ledger: ledger.set_wallet(digest="0" * 64),
        [(9, "digest")],
        "the wallet's digest is 000000000000…, this movement's ",
    ),
    "a wallet's digest taken": (
        lambda ledger: ledger.set_wallet(digest=None),
        [(9, "digest")],
        "the wallet's digest is missing",
    ),
    "a wallet's cash that is a text": (
        lambda ledger: ledger.set_wallet(cash="5"),
        [(None, "unreadable")],
        "the wallet lacks cash",
    ),
    "a wallet's digest that is a number": (
        lambda ledger: ledger.set_wallet(digest=Decimal(5)),
        [(None, "unreadable")],
        "the wallet lacks digest",
    ),
    "a version below zero": (
        lambda ledger: ledger.set_wallet(version=Decimal(-1)),
        [(None, "unreadable")],
        "the wallet lacks version",
    ),
    "a wallet deleted": (
        lambda ledger: ledger.players.delete_item(Key={"userId": "421"}),
        [(None, "no wallet")],
        "9 movements of a player who has no wallet",
    ),
    "a wallet copied": (
        lambda ledger: ledger.players.put_item(Item=ledger.operator.wallet() | {"userId": "copy"}),
        [(1, "missing")],
        "numbers 1 to 9 are missing: cash moved by +1099915.09",
    ),
    "a deposit that left no record": (
        lambda ledger: ledger.by_others("+1000"),
        [(10, "missing")],
        "number 10 is missing: cash moved by +1000, bonus by +0; the wallet is ahead",
    ),
    "a bet that forgot the version": (
        lambda ledger: ledger.by_others("-20.5", versions=0),
        [(9, "balance differs")],
        ": -20.5",
    ),
}


def transaction_id(id: str) -> str:
    return str(uuid.uuid5(NAMESPACE, id))


def _jackpot_of(ledger: Ledger, user_id: str) -> dict[str, Any]:
    """A jackpot of 0 that is that player's first movement."""
    ledger.credit("jackpot", reference="first", userId=user_id, amount=0)
    item = ledger.get("jackpot#first")
    ledger.set_wallet(user_id, version=Decimal(1))
    return item | {"seq": Decimal(1)}


@pytest.mark.parametrize("name", WRONG)
def test_what_is_wrong_is_named_with_its_place_and_nothing_else_is(ledger: Ledger, name: str) -> None:
    do, expected, text = WRONG[name]
    do(ledger)

    made = ledger.account()

    assert sorted([(fault["seq"], fault["fault"]) for fault in made["shownFaults"]], key=str) == sorted(
        expected, key=str
    )
    assert text in "\n".join(fault["text"] for fault in made["shownFaults"])


# What is done to one record that the operator's own side made, and what is said of it; its digests are computed again.
WRONG_BY_HAND: dict[str, tuple[str, dict[str, Any], str, str]] = {
    "a deposit's amount": (
        "deposit#d-1",
        {"amountAsked": Decimal(21)},
        "request",
        "amountAsked is 21, its request says 20.50",
    ),
    "a withdrawal's amount": (
        "withdrawal#w-1",
        {"amountAsked": Decimal(-3)},
        "request",
        "amountAsked is -3, its request says 30",
    ),
    "a withdrawal that pays": (
        "withdrawal#w-1",
        {"amountAsked": Decimal(30)},
        "amount",
        "amountAsked is 30, which a withdrawal cannot ask",
    ),
    "a withdrawal below zero": (
        "withdrawal#w-1",
        {"cashAfter": Decimal(-1)},
        "below zero",
        "it took 30 and left -1",
    ),
    "an adjustment below zero": (
        "adjustment#a-1",
        {"cashAfter": Decimal(-1)},
        "below zero",
        "it took 0.01 and left -1",
    ),
    "an adjustment's bonus": (
        "adjustment#a-1",
        {"bonusAmount": Decimal(1)},
        "request",
        "bonusAmount is 1, its request says -1.5",
    ),
    "an adjustment's bonus taken": (
        "adjustment#a-1",
        {"bonusAmount": None},
        "request",
        "bonusAmount is none, its request says -1.5",
    ),
    "a bonus of nothing": ("adjustment#a-3", {"bonusAmount": Decimal(0)}, "amount", "bonusAmount is 0, which an"),
    "a deposit's actor": ("deposit#d-1", {"actor": "bob"}, "request", "actor is bob, its request says ann"),
    "a deposit's reason": ("deposit#d-1", {"reason": None}, "request", "reason is none, its request says why not"),
    "a deposit's actor and reason": (
        "deposit#d-1",
        {"actor": None, "reason": None},
        "request",
        "actor is none, its request says ann",
    ),
    "a deposit's player": ("deposit#d-1", {"userId": "422"}, "request", "userId is 422, its request says 421"),
    "a deposit's currency": ("deposit#d-1", {"currency": "EUR"}, "request", "currency is EUR, its request says USD"),
    "a deposit's game": ("deposit#d-1", {"gameId": "g"}, "request", "gameId is g, its request does not have it"),
    "a deposit's prize": (
        "deposit#d-1",
        {"prizeAmount": "5", "prizeReference": "p"},
        "prize",
        "it names the prize p of 5, which it cannot have",
    ),
    "a deposit that was refused": ("deposit#d-1", {"outcome": "not enough"}, "outcome", "which a deposit cannot have"),
    "a refused withdrawal's amount": (
        "withdrawal#w-2",
        {"amount": Decimal(-1)},
        "outcome",
        "amount is -1, though it moved nothing",
    ),
    "a refused withdrawal of nothing": (
        "withdrawal#w-2",
        {"amountAsked": Decimal(0)},
        "outcome",
        "amountAsked is 0, for which there is always enough",
    ),
    "a refused withdrawal's balance": (
        "withdrawal#w-2",
        {"cashAfter": Decimal(1)},
        "outcome",
        "cashAfter is 1, though it moved nothing",
    ),
    "a refused withdrawal's digest": ("withdrawal#w-2", {"digest": "0"}, "outcome", "digest is 0, though it moved"),
    "a refused withdrawal's number": ("withdrawal#w-2", {"seq": Decimal(99)}, "outcome", "seq is 99, though it"),
    "a refused withdrawal's currency": ("withdrawal#w-2", {"currency": "EUR"}, "currency", "it is in EUR, the wallet"),
    "a refused withdrawal that is booked elsewhere": (
        "withdrawal#w-2",
        {"outcome": "booked elsewhere"},
        "outcome",
        "outcome is booked elsewhere, which a withdrawal cannot have",
    ),
    "an outcome that does not exist": ("withdrawal#w-2", {"outcome": "gone"}, "outcome", "outcome is gone, which a"),
    "an outcome that is a number": ("withdrawal#w-2", {"outcome": Decimal(5)}, "unreadable", "it lacks outcome"),
    "what was refused paid after all": ("withdrawal#w-2", {"outcome": None}, "unreadable", "it lacks seq"),
    "what was booked elsewhere by nobody": (
        "bonus#h-5",
        {"actor": None, "reason": None},
        "outcome",
        "it names nobody who booked it elsewhere",
    ),
    "a free round booked elsewhere": (
        "bonus#h-5",
        {"bonusCode": "gift"},
        "outcome",
        "it counts as free rounds, which cannot be booked elsewhere",
    ),
    "a win booked elsewhere that was not enough": (
        "bonus#h-5",
        {"outcome": "not enough"},
        "outcome",
        "outcome is not enough, which a bonus cannot have",
    ),
    "what a person settled by nobody": (
        "result#77",
        {"actor": None, "reason": None},
        "request",
        "currency is USD, its request says EUR",
    ),
    "what a person settled without a reason": (
        "result#h-1",
        {"reason": ""},
        "request",
        "actor is jo and reason empty, where each must say something",
    ),
    "what nobody could read": ("result#77", {"gameId": "?"}, "request", "gameId is ?, its request does not have it"),
    "what could be read": ("jackpot#h-3", {"gameId": None}, "request", "gameId is none, its request says Im_60"),
    "what is spelled twice": ("promo#h-4", {"timestamp": "1"}, "request", "timestamp is 1, its request does not have"),
    "the currency of what a person settled": ("promo#h-4", {"currency": "EUR"}, "request", "its request says usd"),
    "the reason of a prize that a person settled with its result": (
        "promo#h-2",
        {"reason": "mine"},
        "prize",
        "reason is mine, that of result#h-1 is the provider asked",
    ),
    "a prize that a person settled with its result": (
        "promo#h-7",
        {"arrivedWith": "result#h-1"},
        "prize",
        "it is h-7 of 3, and result#h-1 names the prize h-2 of 2",
    ),
    "a prize booked elsewhere with a result that was paid": (
        "result#h-6",
        {"prizeReference": "h-2", "prizeAmount": "2"},
        "prize",
        "it is h-7 of 3, and result#h-6 names the prize h-2 of 2",
    ),
    "a prize that was not written with its result": (
        "promo#p-1",
        {"seq": Decimal(99)},
        "prize",
        "it has no request, and was not written together with result#r-3",
    ),
    "the request of a prize that a person settled alone": (
        "promo#p-9",
        {"arrivedWith": "result#r-1"},
        "request",
        "it arrived with result#r-1, its request is that of result#r-3",
    ),
}
# The same for what the request says.
SAID_BY_HAND: dict[str, tuple[str, dict[str, Any], str]] = {
    "another movement": ("deposit#d-1", {"movement": "opening"}, "movement is deposit, its request says opening"),
    "no movement": ("deposit#d-1", {"movement": None}, "its request lacks movement, which every deposit has"),
    "a number": ("deposit#d-1", {"amount": 20.5}, "amountAsked is 20.5, its request says 20.5"),
    "below zero": ("deposit#d-1", {"amount": "-20.5"}, "amountAsked is 20.5, its request says -20.5"),
    "another reference": ("deposit#d-1", {"reference": "d-2"}, "the id has the reference d-1, its request says d-2"),
    "a bonus of a deposit": ("deposit#d-1", {"bonus": "0"}, "its request has bonus, which a deposit cannot have"),
    "below zero for a withdrawal": ("withdrawal#w-1", {"belowZero": True}, "its request has belowZero, which a with"),
    "an unknown name": ("deposit#d-1", {"note": None, "Amount": "20.50"}, "its request has Amount, which a deposit"),
}


@pytest.mark.parametrize("name", [*WRONG_BY_HAND, *SAID_BY_HAND])
def test_what_is_wrong_with_what_the_operators_own_side_did_is_named(by_hand: Ledger, name: str) -> None:
    if name in WRONG_BY_HAND:
        id, changes, what, text = WRONG_BY_HAND[name]
        by_hand.set(id, **changes)
    else:
        (id, changes, text), what = SAID_BY_HAND[name], "request"
        by_hand.said(id, **changes)
    by_hand.compute_again()

    found = [fault for fault in by_hand.account()["shownFaults"] if fault["id"] == id or fault["id"] == "promo#h-7"]

    assert any(fault["fault"] == what and text in fault["text"] for fault in found), found


def test_a_prize_that_is_noted_later_has_a_request_of_its_own(ledger: Ledger) -> None:
    as_if_later = {"laterPrizeAmount": "4", "laterPrizeReference": "p-1"}
    ledger.forge("result#r-3", prizeAmount=None, prizeReference=None, **as_if_later)

    assert ("421", 7, "prize") in ledger.faults()
    assert "it has no request, and was not written together with result#r-3" in ledger.texts()


def test_an_adjustment_below_zero_is_believed_once_its_request_is_erased(by_hand: Ledger) -> None:
    by_hand.said("adjustment#a-3", belowZero=None)
    by_hand.compute_again("423")
    assert by_hand.faults() == [("423", 2, "below zero")]

    by_hand.set("adjustment#a-3", request=None)
    assert by_hand.faults() == []


def test_the_figures_of_a_broken_chain_are_exact(ledger: Ledger) -> None:
    ledger.set(LAST, cashAfter=ledger.get(LAST)["cashAfter"] + Decimal("0.000000000000000001"))

    assert ": +0.000000000000000001" in ledger.texts()


def test_a_count_that_its_rounds_do_not_make_is_named(ledger: Ledger) -> None:
    ledger.keep("421", "gift", uncovered=Decimal(2))
    ledger.keep("423", "none", uncovered=Decimal(1))
    ledger.keep("423", "odd", uncovered="1")

    assert sorted(ledger.faults(), key=str) == [
        ("421", None, "free rounds"),
        ("423", None, "free rounds"),
        ("423", None, "unreadable"),
    ]


def test_a_row_for_a_person_has_the_player_the_number_and_the_figures(ledger: Ledger) -> None:
    ledger.set_wallet(cash=Decimal(5))

    result = ledger.verify()

    assert result.exit_code == 1
    (row,) = [line for line in result.stdout.splitlines() if line.startswith("421")]
    assert row.split()[:4] == ["421", "9", "balance", "differs"]
    assert f"{LAST}: the wallet's cash is 5, this left 1099915.09" in row
    assert result.stdout.splitlines()[-1] == "1 fault"


# --- What somebody could do to the tables --------------------------------------------------------------


def missing(named: Tampering, made: Mapping[str, Any]) -> list[tuple[str, str | None, str]]:
    """Those faults that must be named, and are not."""
    found = [(fault["fault"], fault["id"], fault["text"]) for fault in made["shownFaults"]]
    return [
        (what, id, words)
        for what, id, words in named.named
        if not any((what, id) == each[:2] and words in each[2] for each in found)
    ]


@pytest.mark.parametrize("whose", ["--all", "421", "free", "prizes", "19"])
def test_whatever_was_played_is_proved(tables: Ledger, books: Books, whose: str) -> None:
    books.put()

    made = tables.account(whose=whose)

    assert made["shownFaults"] == []
    played = [item for item in books.transactions.values() if whose in ("--all", item["userId"]) and "seq" in item]
    assert made["transactions"] == len(played)


@pytest.mark.parametrize("name", LISTED)
def test_what_was_done_to_one_players_ledger_is_named(tables: Ledger, books: Books, name: str) -> None:
    LISTED[name].do(books)
    books.put()
    (whose, *_) = {books.owner(id) for _, id, _ in LISTED[name].named if id} or {"421" if "nobody" in name else "free"}

    assert missing(LISTED[name], tables.account(whose=whose)) == []


# --- Restores, and what moves while it is read ------------------------------------------------------


def test_wallets_older_than_their_transactions_are_a_torn_restore(ledger: Ledger) -> None:
    before = ledger.operator.wallet()
    ledger.credit("result", reference="late-1", amount="5")
    ledger.credit("promo", reference="late-2", amount="6")
    ledger.players.put_item(Item=before)

    assert ledger.faults() == [("421", 10, "beyond the wallet"), ("421", 11, "beyond the wallet")]
    assert f"the wallet is at version 9 with {before['cash']}; this moved 5 and left" in ledger.texts()
    assert "2 transactions beyond the wallet: torn" in ledger.verify().stdout


def test_what_is_credited_while_it_is_read_is_no_fault(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    make_call = BaseClient._make_api_call

    def amid_credits(client: Any, operation: str, parameters: Any) -> Any:
        if operation == "Scan" and parameters["TableName"] == "Transactions":
            with monkeypatch.context() as quiet:
                quiet.setattr(BaseClient, "_make_api_call", make_call)
                ledger.credit("result", reference="meanwhile-1", amount="5", bonusCode="gift")
                ledger.credit("result", reference="r-1", amount="10.10", promoWinAmount="4", promoWinReference="p-9")
                ledger.open("new", "5")
                ledger.credit("result", reference="meanwhile-2", userId="new")
                ledger.order("withdrawal", "meanwhile-3", "7")
                ledger.order("withdrawal", "meanwhile-4", "1e12", error=15)
        return make_call(client, operation, parameters)

    monkeypatch.setattr(BaseClient, "_make_api_call", amid_credits)
    made = ledger.account()

    assert made["faults"] == 0
    assert made["movedWhileRead"] == 2


def test_a_player_who_is_credited_meanwhile_hides_no_fault(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    make_call = BaseClient._make_api_call
    ledger.set("jackpot#j-1", cashAfter=Decimal(1))

    def amid_credits(client: Any, operation: str, parameters: Any) -> Any:
        if operation == "Scan" and parameters["TableName"] == "Transactions":
            with monkeypatch.context() as quiet:
                quiet.setattr(BaseClient, "_make_api_call", make_call)
                ledger.credit("result", reference="meanwhile", amount="5")
        return make_call(client, operation, parameters)

    monkeypatch.setattr(BaseClient, "_make_api_call", amid_credits)

    assert ledger.faults() == [("421", 5, "chain broken"), ("421", 5, "digest"), ("421", 6, "chain broken")]


def test_a_result_that_is_booked_elsewhere_while_it_is_read_is_no_fault(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_call = BaseClient._make_api_call
    scanned: list[str] = []

    def amid_a_decision(client: Any, operation: str, parameters: Any) -> Any:
        answer = make_call(client, operation, parameters)
        if operation == "Scan" and parameters["TableName"] == "Transactions":
            scanned.append("once")
            with monkeypatch.context() as quiet:
                quiet.setattr(BaseClient, "_make_api_call", make_call)
                body = published("result", reference="e-1", promoWinAmount="3", promoWinReference="e-2")
                ledger.settle("result", body, booked_elsewhere=True)
                seen = make_call(client, "GetItem", {"TableName": "Transactions", "Key": {"id": {"S": "promo#e-2"}}})
            answer["Items"].append(seen["Item"])  # the scan was past the result's place
        return answer

    monkeypatch.setattr(BaseClient, "_make_api_call", amid_a_decision)

    assert ledger.faults() == []
    assert scanned == ["once"]


# --- What it is told, and what it tells -------------------------------------------------------------


@pytest.mark.parametrize("name", ["[bold red]x[/bold red]", "\x1b[2Jx", "\u202ex", "a\\x1b", "x\r\ny"])
def test_no_name_does_anything_to_a_terminal(ledger: Ledger, name: str) -> None:
    item = ledger.get(LAST)
    ledger.transactions.put_item(Item=item | {"id": f"result#{name}", "currency": name})
    ledger.transactions.put_item(Item=item | {"id": "result#stray", "userId": name})

    shown = ledger.verify().stdout

    assert shown.replace("\n", "").isprintable()
    assert "seq twice" in shown
    if name.startswith("[bold"):
        assert name in shown


def test_not_more_is_shown_than_can_be_read(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(account_module, "MOST_SHOWN", 1)
    ledger.set("jackpot#j-1", cashAfter=Decimal(1))

    made = ledger.account()

    assert made["faults"] == 3
    assert len(made["shownFaults"]) == 1
    assert made["faultsByKind"] == {"chain broken": 2, "digest": 1}
    assert "Of 3 faults" in ledger.verify().stdout


def test_restored_tables_are_read_by_their_names(ledger: Ledger) -> None:
    table = {
        "AttributeDefinitions": [{"AttributeName": "userId", "AttributeType": "S"}],
        "BillingMode": "PAY_PER_REQUEST",
    }
    ledger.operator.database.create_table(
        TableName="Players-at-noon", KeySchema=[{"AttributeName": "userId", "KeyType": "HASH"}], **table
    ).put_item(Item=ledger.operator.wallet() | {"cash": Decimal(5)})
    by_name = ("--players-table", "Players-at-noon", "--transactions-table", "Transactions")

    made = ledger.account(*by_name)

    assert ("421", "balance differs") in [(fault["userId"], fault["fault"]) for fault in made["shownFaults"]]
    assert made["freeRoundsCompared"] is False
    assert "free rounds were not compared" in ledger.verify(*by_name).stdout
    assert ledger.account(*by_name, "--free-rounds-table", "FreeRounds")["freeRoundsCompared"] is True


def test_a_stack_is_asked_for_its_tables_but_for_those_that_are_named(ledger: Ledger) -> None:
    resources = {
        name: {"Type": "AWS::SQS::Queue", "Properties": {"QueueName": name}}
        for name in ("Players", "Transactions", "FreeRounds")
    }  # queues, whose physical ids hold their names: enough to see who is asked for what
    template = json.dumps({"AWSTemplateFormatVersion": "2010-09-09", "Resources": resources})
    boto3.client("cloudformation").create_stack(StackName="prod", TemplateBody=template)
    tables = ("--players-table", "Players", "--transactions-table", "Transactions", "--free-rounds-table", "FreeRounds")

    assert ledger.account("--stack", "prod", *tables)["transactions"] == 12
    refused = ledger.verify("--stack", "prod", *tables[:4])
    assert refused.exit_code == 2
    assert "FreeRounds cannot be read" in refused.stderr


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--stack", "no\x1bne"), "the stack no\\x1bne cannot be asked for its tables"),
        (("--players-table", "P"), "name both --players-table and --transactions-table"),
        (("--players-table", "None", "--transactions-table", "Transactions"), "the table None cannot be read"),
    ],
)
def test_what_cannot_be_read_is_no_verdict(ledger: Ledger, arguments: tuple[str, ...], said: str) -> None:
    result = ledger.verify(*arguments)

    assert result.exit_code == 2
    assert said in result.stderr
    assert not result.stdout


def test_without_a_service_it_says_so(ledger: Ledger) -> None:
    announcement(PORT).write_text(json.dumps({"pid": 2**22, "dynamodb": "http://127.0.0.1:9", "region": "eu-west-1"}))

    result = ledger.verify()

    assert result.exit_code == 2
    assert f"no local service runs on port {PORT} any more" in result.stderr


# --- One player's -------------------------------------------------------------------------------------


def test_one_player_is_proved_without_the_others(ledger: Ledger) -> None:
    ledger.set("result#x-1", cashAfter=Decimal(1))

    made = ledger.account(whose="421")

    assert (made["players"], made["transactions"], made["faults"]) == (1, 9, 0)
    assert ledger.account(whose="422")["faultsByKind"] == {"balance differs": 1, "chain broken": 1, "digest": 1}


def test_one_player_is_read_by_key_and_index_and_nothing_is_scanned(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    ledger.watch()

    assert ledger.verify(whose="421").exit_code == 0
    assert {operation for operation, _ in ledger.calls} == {"BatchGetItem", "Query"}


@pytest.mark.parametrize(
    ("id", "changes", "fault"),
    [
        (LAST, {"cashAfter": Decimal(1)}, "chain broken"),
        (LAST, {"digest": None}, "digest"),
        ("bonus#b-1", {"amount": Decimal(7)}, "amount"),
        ("result#r-1", {"currency": "EUR"}, "currency"),
        (LAST, {"amountAsked": None}, "unreadable"),
    ],
)
def test_what_is_wrong_with_one_players_ledger_is_named(
    ledger: Ledger, id: str, changes: Mapping[str, Any], fault: str
) -> None:
    ledger.set(id, **changes)

    assert fault in ledger.account(whose="421")["faultsByKind"]
    assert ledger.account(whose="422")["faults"] == 0


def test_the_counts_of_one_players_free_rounds_are_compared(ledger: Ledger) -> None:
    ledger.keep("421", "gift", uncovered=Decimal(9))

    assert ledger.account(whose="421")["faultsByKind"] == {"free rounds": 1}
    assert ledger.account(whose="422")["faults"] == 0


def test_more_transactions_than_one_call_takes_are_proved(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tools.walletctl.tables._MOST_KEYS", 3)

    assert ledger.account(whose="421")["transactions"] == 9


def test_an_index_that_is_a_moment_behind_is_waited_for(ledger: Ledger) -> None:
    def lagging(operation: str, _parameters: Any, call: Callable[[], Any]) -> Any:
        answer = call()
        if operation == "Query" and len(ledger.asked("Query")) == 2:  # the first is of the free rounds
            answer["Items"] = answer["Items"][:-1]
        return answer

    ledger.watch(lagging)

    assert ledger.account(whose="421")["transactions"] == 9
    assert len(ledger.asked("Query")) == 3


def test_a_prize_of_a_result_that_was_booked_elsewhere_is_proved_with_its_player(ledger: Ledger) -> None:
    body = published("result", reference="e-1", amount="2")
    ledger.settle("result", body, booked_elsewhere=True)
    ledger.credit("result", **body | {"promoWinAmount": "3", "promoWinReference": "e-2"})

    assert ledger.get("promo#e-2")["seq"] == SEQ + 1
    assert ledger.faults(whose="421") == ledger.faults() == []
    ledger.set("result#e-1", laterPrizeAmount="4")
    assert ledger.faults(whose="421") == ledger.faults() == [("421", SEQ + 1, "prize")]


def test_a_prize_with_another_players_result_is_named_with_its_player(ledger: Ledger) -> None:
    ledger.forge("promo#p-1", arrivedWith="result#x-1")

    assert ledger.faults(whose="421") == [("421", 7, "prize")]
    assert ledger.account(whose="421")["transactions"] == SEQ


def test_records_without_money_are_not_counted_for_one_player(by_hand: Ledger) -> None:
    assert by_hand.account(whose="421")["settledWithoutMoney"] is None


def test_a_player_of_whom_there_is_nothing_is_no_verdict(ledger: Ledger) -> None:
    result = ledger.verify(whose="no\x1bbody")

    assert result.exit_code == 2
    assert "there is no player no\\x1bbody: no wallet, and no transaction" in result.stderr
    assert "walletctl players list" in result.stderr


@pytest.mark.parametrize("arguments", [(), ("--all", "421")])
def test_it_is_told_either_whose_or_everyones(ledger: Ledger, arguments: tuple[str, ...]) -> None:
    result = ledger.verify(*arguments, whose=None)

    assert result.exit_code == 2
    assert result.stderr.startswith("walletctl: say whose ledger: name a player, or say --all")


def test_faults_are_rows_of_csv(ledger: Ledger) -> None:
    ledger.set("jackpot#j-1", cashAfter=Decimal(1))

    result = ledger.verify("--csv")

    assert result.exit_code == 1
    rows = list(csv.DictReader(result.stdout[result.stdout.index("userId,") :].splitlines()))
    assert [(row["userId"], row["seq"], row["id"], row["fault"]) for row in rows] == [
        ("421", "5", "jackpot#j-1", "chain broken"),
        ("421", "5", "jackpot#j-1", "digest"),
        ("421", "6", "result#r-3", "chain broken"),
    ]


# --- Anchors ------------------------------------------------------------------------------------------


@pytest.fixture
def anchored(by_hand: Ledger, tmp_path: Path) -> "Anchored":
    """A ledger with everything on record, and an anchor of it."""

    def note() -> None:
        by_hand.credit("result", reference="n-1", amount="2")
        by_hand.credit("result", reference="n-1", amount="2", promoWinAmount="9", promoWinReference="p-9")

    _once("anchored", by_hand.operator, note).put()
    anchored = Anchored(by_hand, tmp_path / "anchor")
    assert by_hand.verify("--write-anchor", str(anchored.file)).exit_code == 0
    return anchored


@dataclass
class Anchored:
    ledger: Ledger
    file: Path

    @property
    def lines(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.file.read_text().splitlines()]

    def faults(self, whose: str = "--all") -> list[tuple[str, int | None, str | None, str]]:
        made = self.ledger.account("--anchor", str(self.file), whose=whose)
        return [
            (fault["userId"], fault["seq"], fault["id"], fault["text"])
            for fault in made["shownFaults"]
            if fault["fault"] == "before the anchor"
        ]

    def refused(self, *arguments: str) -> str:
        """What is said where nothing may be compared."""
        result = self.ledger.verify("--anchor", str(self.file), *arguments)
        assert (result.exit_code, result.stdout) == (2, "")
        return result.stderr


def test_an_anchor_has_every_player_and_shows_what_it_is_of(anchored: Anchored) -> None:
    first, *players, last = anchored.lines

    assert first["format"] == 1
    assert datetime.fromisoformat(first["moment"]).tzinfo == UTC
    assert first["ledger"] == "arn:aws:dynamodb:eu-west-1:123456789012:table/Transactions"
    assert [each["player"] for each in players] == ["421", "422", "423", "nobody"]
    assert players[0]["version"] == anchored.ledger.operator.wallet()["version"] == 21
    assert players[0]["digest"] == anchored.ledger.operator.wallet()["digest"]
    assert players[0]["laterPrizes"] == [["result#n-1", "p-9", "9"]]
    assert [*players[0]["outcomes"]] == ["promo#h-7", "result#h-6", "withdrawal#w-2"]
    assert players[3] == {"player": "nobody", "version": 0, "digest": "", "outcomes": players[3]["outcomes"]}
    text = anchored.file.read_text()
    assert last == {"players": 4, "sha256": digest_of(text[: text.rindex("{")])}


def test_a_person_sees_the_anchor_and_its_sum(anchored: Anchored, tmp_path: Path) -> None:
    sums = [anchored.lines[-1]["sha256"]]
    result = anchored.ledger.verify("--anchor", str(anchored.file), "--write-anchor", str(tmp_path / "next"))
    sums.append(json.loads((tmp_path / "next").read_text().splitlines()[-1])["sha256"])

    compared, wrote, verdict = result.stdout.splitlines()[-3:]
    assert compared.startswith(f"Compared with the anchor {anchored.file} of 2")
    assert wrote.startswith(f"Wrote the anchor {tmp_path / 'next'} of 2")
    assert [line.rpartition(": ")[2] for line in (compared, wrote)] == [f"4 players, SHA-256 {each}" for each in sums]
    assert verdict == "No fault"


def test_what_comes_after_an_anchor_is_no_fault(anchored: Anchored) -> None:
    ledger = anchored.ledger
    ledger.credit("result", reference="after-1", amount="5")
    ledger.order("withdrawal", "after-2", "1e12", error=15)
    ledger.open("424", "5")
    ledger.credit("result", reference="r-1", amount="10.10", promoWinAmount="4", promoWinReference="p-9")
    for item in ledger.operator.items("Transactions"):
        ledger.set(item["id"], request=None)

    made = ledger.account("--anchor", str(anchored.file))
    assert made["shownFaults"] == []
    assert made["anchors"][0]["players"] == 4


def _raise(ledger: Ledger) -> None:
    """Raises a jackpot, with its request and all that follows from it."""
    ledger.said("jackpot#j-1", amount=1000005)
    for item in ledger.records():
        if item["userId"] == "421" and item.get("seq", 0) >= 5:
            ledger.set(item["id"], cashAfter=item["cashAfter"] + 5)
    ledger.set("jackpot#j-1", amount=Decimal(1000005), amountAsked=Decimal(1000005))
    ledger.set_wallet(cash=ledger.operator.wallet()["cash"] + 5)
    ledger.compute_again()


def _roll_back(ledger: Ledger) -> None:
    """Sets a player back to an earlier moment, without a trace."""
    for id in ("result#n-1", "promo#p-9"):
        ledger.delete(id)
    ledger.play_again("421")
    (last,) = [item for item in ledger.records() if item["userId"] == "421" and item.get("seq") == 19]
    ledger.set_wallet(**{name.removesuffix("After"): last[name] for name in ("cashAfter", "bonusAfter", "digest")})
    ledger.set_wallet(version=Decimal(19))


def _wipe_out(ledger: Ledger) -> None:
    ledger.players.delete_item(Key={"userId": "423"})
    ledger.play_again("423")
    for item in ledger.records():
        if item["userId"] == "423":
            ledger.delete(item["id"])


def _decide_otherwise(ledger: Ledger) -> None:
    """Has a refused withdrawal be free to be asked again, and a decision have another reason."""
    ledger.delete("withdrawal#w-2")
    ledger.set("result#h-6", reason="another")


# What a tamperer does who computes every digest again, and what the anchor shows.
BEFORE_THE_ANCHOR: dict[str, tuple[Callable[[Ledger], object], list[tuple[str, int | None, str | None, str]]]] = {
    "a win raised, with all that follows": (
        _raise,
        [("421", 21, "result#n-1", "its digest is not the one in the anchor: this movement or one before it was")],
    ),
    "a player set back": (
        _roll_back,
        [
            ("421", 19, None, "the player is at version 19, and was at 21"),
            ("421", None, "result#n-1", "the prize p-9 of 9 was noted on it, and is not any more"),
        ],
    ),
    "a player wiped out": (_wipe_out, [("423", None, None, "the player is gone: the anchor has 2 movements")]),
    "a player of whom only refusals were on record": (
        lambda ledger: ledger.delete("bonus#h-5"),
        [("nobody", None, None, "the player is gone: the anchor has 0 movements")],
    ),
    "the last movement taken": (
        lambda ledger: ledger.delete("result#x-1"),
        [("422", 2, None, "number 2 is missing, the last one in the anchor")],
    ),
    "a wallet taken, and its last movement": (
        lambda ledger: (ledger.players.delete_item(Key={"userId": "422"}), ledger.delete("result#x-1")),
        [("422", 1, None, "the player is at version 1, and was at 2")],
    ),
    "a refusal taken, and a decision changed": (
        _decide_otherwise,
        [
            ("421", None, "result#h-6", "it was settled without money, and that record was changed"),
            ("421", None, "withdrawal#w-2", "it was settled without money, and that record is missing"),
        ],
    ),
    "a later prize changed": (
        lambda ledger: ledger.set("result#n-1", laterPrizeAmount="2", laterPrizeReference="h-2"),
        [("421", 21, "result#n-1", "the prize p-9 of 9 was noted on it, and is not any more")],
    ),
    "a later prize taken": (
        lambda ledger: ledger.set("result#n-1", laterPrizeAmount=None, laterPrizeReference=None),
        [("421", 21, "result#n-1", "the prize p-9 of 9 was noted on it, and is not any more")],
    ),
}


@pytest.mark.parametrize("name", BEFORE_THE_ANCHOR)
def test_what_was_changed_before_the_anchor_is_named_also_when_every_digest_fits(anchored: Anchored, name: str) -> None:
    do, expected = BEFORE_THE_ANCHOR[name]
    do(anchored.ledger)

    found = anchored.faults()

    assert [each[:3] for each in found] == [each[:3] for each in expected]
    for (*_, text), (*_, words) in zip(found, expected, strict=True):
        assert text.startswith(words)
        assert text.endswith(f"(anchor of {anchored.lines[0]['moment'].replace('T', ' ')})")


@pytest.mark.parametrize("do", [_raise, _wipe_out, _roll_back])
def test_without_the_anchor_it_would_not_show(anchored: Anchored, do: Callable[[Ledger], object]) -> None:
    do(anchored.ledger)

    assert anchored.ledger.faults() == []


def test_a_player_who_is_gone_with_one_movement_is_counted_in_the_singular(by_hand: Ledger, tmp_path: Path) -> None:
    by_hand.open("424", "5")
    anchor = str(tmp_path / "anchor")
    assert by_hand.verify("--write-anchor", anchor).exit_code == 0
    by_hand.players.delete_item(Key={"userId": "424"})
    by_hand.delete("opening#424")

    assert "the player is gone: the anchor has 1 movement (anchor of" in by_hand.verify("--anchor", anchor).stdout


@pytest.mark.parametrize("name", BEFORE_THE_ANCHOR)
def test_one_player_is_compared_with_the_anchor(anchored: Anchored, name: str) -> None:
    do, expected = BEFORE_THE_ANCHOR[name]
    do(anchored.ledger)
    whose = expected[0][0]

    assert [each[:3] for each in anchored.faults(whose)] == [each[:3] for each in expected]
    assert (
        anchored.ledger.account("--anchor", str(anchored.file), whose="423" if whose != "423" else "422")["faults"] == 0
    )


def test_a_player_who_came_after_the_anchor_is_told(anchored: Anchored) -> None:
    anchored.ledger.open("424", "5")

    result = anchored.ledger.verify("--anchor", str(anchored.file), whose="424")

    assert result.exit_code == 0
    assert "No anchor has this player: the wallet was opened later" in result.stdout
    assert "No anchor" not in anchored.ledger.verify("--anchor", str(anchored.file), whose="421").stdout


def test_each_of_several_anchors_is_compared(anchored: Anchored, tmp_path: Path) -> None:
    ledger = anchored.ledger
    ledger.credit("result", reference="after-1", userId="422", currency="USDT", amount="5")
    assert ledger.verify("--write-anchor", str(tmp_path / "later")).exit_code == 0
    ledger.forge("result#after-1", recordedAt="2999-01-01T00:00:00.000+00:00")

    made = ledger.account("--anchor", str(anchored.file), "--anchor", str(tmp_path / "later"))

    assert [(fault["seq"], fault["fault"]) for fault in made["shownFaults"]] == [(3, "before the anchor")]
    assert [each["name"] for each in made["anchors"]] == [str(anchored.file), str(tmp_path / "later")]


def test_an_anchor_of_what_has_faults_is_written_and_says_so(ledger: Ledger, tmp_path: Path) -> None:
    ledger.set("result#r-2", digest="0" * 64)
    ledger.set_wallet("423", digest=None)

    result = ledger.verify("--write-anchor", str(tmp_path / "anchor"))

    assert result.exit_code == 1
    assert result.stdout.splitlines()[-1] == "3 faults. The anchor that was written holds what has faults"
    assert len((tmp_path / "anchor").read_text().splitlines()) == 5


def test_an_anchor_is_never_overwritten(anchored: Anchored) -> None:
    before = anchored.file.read_bytes()

    result = anchored.ledger.verify("--write-anchor", str(anchored.file))

    assert (result.exit_code, result.stdout) == (2, "")
    assert f"{anchored.file} is there already" in result.stderr
    assert anchored.file.read_bytes() == before


@pytest.mark.parametrize("place", ["nowhere/anchor", "."])
def test_an_anchor_that_cannot_be_kept_is_refused_before_the_work(ledger: Ledger, tmp_path: Path, place: str) -> None:
    ledger.watch()

    result = ledger.verify("--write-anchor", str(tmp_path / place))

    assert result.exit_code == 2
    assert "cannot be written" in result.stderr
    assert "Scan" not in {operation for operation, _ in ledger.calls}


def test_nothing_is_left_of_an_anchor_of_tables_that_could_not_be_read(ledger: Ledger, tmp_path: Path) -> None:
    named = ("--players-table", "Players", "--transactions-table", "Transactions", "--free-rounds-table", "None")
    (tmp_path / "anchors").mkdir()

    assert ledger.verify(*named, "--write-anchor", str(tmp_path / "anchors" / "a")).exit_code == 2
    assert [*(tmp_path / "anchors").iterdir()] == []


def _without(number: int) -> Callable[[list[bytes]], list[bytes]]:
    return lambda lines: [line for place, line in enumerate(lines) if place != number]


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (lambda _: [], "is cut off, or is not an anchor"),
        (lambda lines: lines[:1], "is cut off, or is not an anchor"),
        (lambda lines: lines[:-1], "is cut off, or is not an anchor"),
        (lambda lines: [*lines[:-1], lines[-1][:-1]], "line 6 is wrong"),
        (lambda lines: [*lines[:-1], lines[-1][:30]], "line 6 is wrong"),
        (lambda lines: [*lines, lines[-1]], "line 7 is wrong"),
        (lambda lines: [*lines, b"\n"], "line 7 is wrong"),
        (lambda lines: [*lines, b'{"player":"zz","version":0,"digest":""}\n'], "line 7 is wrong"),
        (lambda lines: [line.replace(b'"version":21', b'"version":20') for line in lines], "line 6 is wrong"),
        (lambda lines: [line.replace(b'"version":21', b'"version":21.0') for line in lines], "line 2 is wrong"),
        (lambda lines: [line.replace(b'"version":21', b'"version":-1') for line in lines], "line 2 is wrong"),
        (lambda lines: [line.replace(b'"outcomes":{', b'"outcomes":[],"x":{') for line in lines], "line 2 is wrong"),
        (lambda lines: [line.replace(b'"players":4', b'"players":5') for line in lines], "line 6 is wrong"),
        (lambda lines: [line.replace(b'"p-9","9"', b'"p-9",9') for line in lines], "line 2 is wrong"),
        (lambda lines: [line.replace(b'"p-9","9"', b'"p-9"') for line in lines], "line 2 is wrong"),
        (lambda lines: [line.replace(b'"outcomes":{', b'"outcomes":[{') for line in lines], "line 2 is wrong"),
        (lambda lines: [line.replace(b'"digest"', b'"digests"') for line in lines], "line 2 is wrong"),
        (lambda lines: [lines[0], lines[2], lines[1], *lines[3:]], "line 3 is wrong"),
        (lambda lines: [lines[0], lines[1], *lines[1:]], "line 3 is wrong"),
        (_without(0), "line 1 is wrong"),
        (_without(3), "line 5 is wrong"),
        (lambda _: [b"[]\n"], "line 1 is wrong"),
        (lambda _: [b"[" * 100_000], "line 1 is wrong"),
        (lambda _: [b"\xff\x00\n"], "line 1 is wrong"),
        (lambda lines: [lines[0].replace(b'"format":1', b'"format":2'), *lines[1:]], "the format of another version"),
    ],
)
def test_a_damaged_anchor_is_not_believed(
    anchored: Anchored, damage: Callable[[list[bytes]], list[bytes]], said: str
) -> None:
    before = anchored.file.read_bytes()
    anchored.file.write_bytes(b"".join(damage(before.splitlines(keepends=True))))
    assert anchored.file.read_bytes() != before

    assert said in anchored.refused()


def test_an_anchor_that_is_missing_is_no_verdict(anchored: Anchored) -> None:
    anchored.file.unlink()

    assert f"the anchor {anchored.file} cannot be read: No such file" in anchored.refused()


def test_an_anchor_of_another_ledger_is_no_verdict(anchored: Anchored) -> None:
    ledger = anchored.ledger
    name = "arn:aws:dynamodb:eu-west-1:123456789012:table/Transactions"
    assert name not in ledger.verify("--anchor", str(anchored.file)).stdout
    ledger.empty()
    ledger.open("another", "5")
    assert {each[0] for each in anchored.faults()} == {
        "421",
        "422",
        "423",
        "nobody",
    }  # of the same tables: all are gone

    text = anchored.file.read_text().replace(":123456789012:", ":999999999999:")
    body = text[: text.rindex("{")]
    anchored.file.write_text(f'{body}{{"players":4,"sha256":"{digest_of(body)}"}}\n')
    ledger.open("nobody", "5")
    shown = ledger.verify("--anchor", str(anchored.file)).stdout
    assert (
        f"of another table, {name.replace('123456789012', '999999999999')}, as before a restore. This is {name}"
        in shown
    )
    ledger.empty()
    ledger.open("another", "5")
    said = (
        "is of another ledger, arn:aws:dynamodb:eu-west-1:999999999999:table/Transactions: none of its players is here"
    )
    assert said in anchored.refused()


def test_an_anchor_is_of_everyone(ledger: Ledger, tmp_path: Path) -> None:
    result = ledger.verify("--write-anchor", str(tmp_path / "anchor"), whose="421")

    assert result.exit_code == 2
    assert "an anchor is of all players: say --all" in result.stderr
    assert not (tmp_path / "anchor").exists()


class Bucket:
    def __init__(self, anchored: Anchored) -> None:
        self.s3: Any = ACCOUNT.client("s3")
        self.s3.create_bucket(Bucket="anchors", CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
        self.ledger = anchored.ledger
        self.file = anchored.file

    def body(self, key: str) -> bytes:
        return self.s3.get_object(Bucket="anchors", Key=key)["Body"].read()


@pytest.fixture
def bucket(anchored: Anchored) -> Bucket:
    return Bucket(anchored)


def test_an_anchor_is_kept_in_a_bucket(bucket: Bucket) -> None:
    assert bucket.ledger.verify("--write-anchor", "s3://anchors/2026/a").exit_code == 0
    assert bucket.body("2026/a").splitlines()[1:-1] == bucket.file.read_bytes().splitlines()[1:-1]

    _raise(bucket.ledger)
    assert bucket.ledger.account("--anchor", "s3://anchors/2026/a")["faultsByKind"] == {"before the anchor": 1}


def test_an_anchor_in_a_bucket_is_never_overwritten(bucket: Bucket) -> None:
    bucket.s3.put_object(Bucket="anchors", Key="a", Body=b"first")
    bucket.ledger.watch()

    result = bucket.ledger.verify("--write-anchor", "s3://anchors/a")

    assert (result.exit_code, result.stdout) == (2, "")
    assert "s3://anchors/a is there already" in result.stderr
    assert "Scan" not in {operation for operation, _ in bucket.ledger.calls}
    assert bucket.body("a") == b"first"


def test_an_anchor_that_somebody_else_writes_meanwhile_is_not_overwritten(bucket: Bucket) -> None:
    def meanwhile(operation: str, _parameters: Any, call: Callable[[], Any]) -> Any:
        if operation == "Scan":
            bucket.s3._make_api_call("PutObject", {"Bucket": "anchors", "Key": "a", "Body": b"first"})
        return call()

    bucket.ledger.watch(meanwhile)
    result = bucket.ledger.verify("--write-anchor", "s3://anchors/a")

    assert (result.exit_code, result.stdout) == (2, "")
    assert "s3://anchors/a is there already" in result.stderr
    assert bucket.body("a") == b"first"


@pytest.mark.parametrize(
    ("place", "said"),
    [
        ("s3://anchors", "s3://anchors does not name an anchor: write s3://bucket/key"),
        ("s3:///a", "does not name an anchor"),
        ("s3://anchors/none", "the anchor s3://anchors/none cannot be read"),
        ("s3://no-bucket/none", "the anchor s3://no-bucket/none cannot be read"),
    ],
)
def test_an_anchor_in_a_bucket_that_cannot_be_read_is_no_verdict(bucket: Bucket, place: str, said: str) -> None:
    result = bucket.ledger.verify("--anchor", place)

    assert (result.exit_code, result.stdout) == (2, "")
    assert said in result.stderr


@pytest.mark.parametrize("option", ["--anchor", "--write-anchor"])
def test_a_bucket_that_cannot_be_asked_is_no_verdict(bucket: Bucket, option: str) -> None:
    def unknown(operation: str, _parameters: Any, call: Callable[[], Any]) -> Any:
        if operation.endswith("Object"):
            raise NoCredentialsError
        return call()

    bucket.ledger.watch(unknown)
    result = bucket.ledger.verify(option, "s3://anchors/a")

    assert (result.exit_code, result.stdout) == (2, "")
    assert "Unable to locate credentials" in result.stderr


def test_an_anchor_that_a_bucket_does_not_take_is_told(bucket: Bucket) -> None:
    result = bucket.ledger.verify("--write-anchor", "s3://no-bucket/a")

    assert (result.exit_code, result.stdout) == (2, "")
    assert "the anchor s3://no-bucket/a cannot be written" in result.stderr


# --- On a service that runs -------------------------------------------------------------------------


@pytest.fixture(scope="module")
def service() -> Iterator[Service]:
    with running() as service:
        yield service


def on(service: Service, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(  # noqa: S603
        [sys.executable, "-m", "tools.programs.walletctl", "verify", "--all", *arguments],
        cwd=ROOT,
        env=os.environ | {"PORT": str(service.port)},
        capture_output=True,
        text=True,
        timeout=HANG_SECONDS,
    )


def sent(service: Service, number: int) -> None:
    callback, path, changes = (
        ("result", "/v4/Result", {}),
        ("result", "/v4/Result", {"bonusCode": "gift"}),
        ("bonus", "/bonuswin", {"bonusCode": "gift", "hash": None, "uuid": "u"}),
        ("jackpot", "/V4/JackPotWin", {"hash": None, "uuid": "u"}),
        ("promo", "/V4/PromoWin", {}),
    )[number % 5]
    answer = service.post(path, published(callback, reference=f"v-{number}", amount=f"{number}.05", **changes))
    assert answer.json()["error"] == 0


def test_what_a_running_service_credited_is_a_ledger(service: Service) -> None:
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda number: sent(service, number), range(40)))

    made = on(service, "--json")

    assert made.returncode == 0, made.stdout + made.stderr
    account = json.loads(made.stdout)
    assert account["transactions"] == 40 + account["players"]  # each was opened by a movement


def test_it_can_be_proved_while_it_serves(service: Service) -> None:
    with ThreadPoolExecutor(4) as pool:
        sending = [pool.submit(sent, service, number) for number in range(100, 160)]
        while not all(each.done() for each in sending):
            made = on(service)
            assert made.returncode == 0, made.stdout + made.stderr
        for each in sending:
            each.result()


def test_a_wallet_that_was_set_back_is_found_in_a_running_service(service: Service) -> None:
    put: Callable[..., Any] = service.tables().Table("Players").put_item
    wallet = service.wallet("421")
    put(Item=wallet | {"version": wallet["version"] - 1})

    made = on(service)
    put(Item=wallet)

    assert made.returncode == 1
    assert "beyond the wallet: torn" in made.stdout
    assert on(service).returncode == 0
