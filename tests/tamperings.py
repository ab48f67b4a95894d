"""What somebody with write access to the tables could do, and a ledger to do it to.

The ledger is made through the callbacks: all four kinds of wins, free rounds in and out of order, prizes of every sort.
"""

import json
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from moto.core.models import DEFAULT_ACCOUNT_ID as ACCOUNT
from moto.dynamodb.models import dynamodb_backends

from conftest import Operator, published
from tools.shared.items import encoded

Item = dict[str, Any]
NAMESPACE = uuid.UUID("2a3a4e5c-8d0f-5b7e-9c55-6c1f7a2b9d10")
NAMES = ("Players", "Transactions", "FreeRounds")


@dataclass
class Books:
    """The three tables' items, to be tampered with."""

    wallets: dict[str, Item]
    transactions: dict[str, Item]
    free_rounds: dict[tuple[str, str], Item]

    @classmethod
    def read(cls, operator: Operator) -> "Books":
        return cls(
            wallets={item["userId"]: item for item in operator.items("Players")},
            transactions={item["id"]: item for item in operator.items("Transactions")},
            free_rounds={(item["userId"], item["bonusCode"]): item for item in operator.items("FreeRounds")},
        )

    def of(self, table: str) -> list[Item]:
        """A table's items as DynamoDB has them."""
        items = {"Players": self.wallets, "Transactions": self.transactions, "FreeRounds": self.free_rounds}[table]
        return [*map(encoded, items.values())]

    def put(self) -> None:
        """Has the account's tables hold these items and no others. Quicker than by the SDK: there are many."""
        for name in NAMES:
            table = dynamodb_backends[ACCOUNT]["eu-west-1"].tables[name]
            table.items.clear()
            for item in self.of(name):
                table.put_item(item)

    def owner(self, id: str) -> str:
        return self.transactions[id]["userId"]

    def set(self, id: str, **changes: Any) -> None:
        """A transaction with other attributes; None takes one out."""
        item = self.transactions[id] | changes
        self.transactions[id] = {name: value for name, value in item.items() if value is not None}

    def said(self, id: str, **changes: Any) -> None:
        """A transaction whose request says something else; None takes a field out."""
        request = json.loads(self.transactions[id]["request"]) | changes
        self.set(id, request=json.dumps({name: value for name, value in request.items() if value is not None}))

    def renamed(self, id: str, to: str) -> None:
        """A transaction under another id, with the transactionId of that."""
        item = self.transactions.pop(id)
        self.transactions[to] = item | {"id": to, "transactionId": str(uuid.uuid5(NAMESPACE, to))}

    def later(self, id: str) -> list[str]:
        """The ids of what the transaction's player was credited after it."""
        of = self.transactions[id]
        return [
            other
            for other, item in self.transactions.items()
            if item["userId"] == of["userId"] and item["seq"] > of["seq"]
        ]

    def shift(self, id: str, by: int) -> None:
        """Has all that came after a transaction follow from a balance that is larger by so much."""
        for other in self.later(id):
            self.set(other, cashAfter=self.transactions[other]["cashAfter"] + by)
        wallet = self.wallets[self.transactions[id]["userId"]]
        wallet["cash"] += by


def play(operator: Operator) -> None:
    """What is all in order, however odd."""

    def send(callback: str, **changes: Any) -> None:
        example = {"hash": None, "uuid": "u-1"} | ({"roundid": None} if "roundId" in changes else {})
        body = published(callback, **(example | changes))
        assert operator.send(callback, body).json["error"] == 0, changes

    operator.open_wallet()
    # Every kind of win, a prize within its result, and a round that was closed automatically.
    send("result", reference="r-1", amount="10.10", roundId="round-1")
    send("jackpot", reference="j-1", amount=1000, roundId="round-1")
    send("promo", reference="pr-1", amount="7")
    send("result", reference="r-2", amount="1", promoWinAmount="4.50", promoWinReference="p-1", bonusCode="inside")
    send("result", reference="a-1", sessionId=None, amount="2", roundId="round-2")
    send("bonus", reference="b-1", amount=3)
    send("result", reference="r-3", amount="0.5", promoCampaignId="c-1", promoCampaignType="T")
    send("result", reference="r-4", amount="2.5")
    # Free rounds: late ones, a total that names its last round, two grants under one code, a total without rounds.
    operator.open_wallet("free", cash="0", bonus="0")

    def free(callback: str, reference: str, amount: str, at: int | str, code: str, **changes: Any) -> None:
        changes = {"roundId": f"of-{reference}", "timestamp": at} | changes
        send(callback, reference=reference, userId="free", amount=amount, bonusCode=code, **changes)

    free("result", "f-2", "2", "10", "late")
    free("result", "f-3", "3", "20", "late")
    free("bonus", "t-10", "10", "40", "late", roundId="of-f-5")
    free("result", "f-5", "5", "30", "late")
    free("result", "f-6", "6", "50", "late")
    free("bonus", "named-t", "5", "40", "named", roundId="of-named-5")
    free("result", "named-5", "5", "60", "named")
    for number, amount in enumerate(("2", "3", "5", "4")):
        free("result", f"two-{number}", amount, str(number), "two")
    free("bonus", "two-t10", "10", "8", "two")
    free("bonus", "two-t4", "4", "9", "two")
    free("result", "short-1", "5", "1", "short")
    free("bonus", "short-t", "4", "2", "short")
    free("bonus", "alone", "10", "2026-01-01", "alone", roundId=None)
    for number in range(12):
        free("bonus", f"many-{number}", "1", str(number), "many")
    free("result", "many-old", "1", "99", "many", roundId="of-many-0")
    free("result", "many-new", "1", "99", "many", roundId="of-many-11")
    # Prizes that are late, in dispute, another player's or malformed.
    operator.open_wallet("prizes", cash="0", bonus="0")

    def won(reference: str, **changes: Any) -> None:
        send("result", reference=reference, userId="prizes", **changes)

    won("late", amount="1")
    won("late", amount="1", promoWinAmount="4", promoWinReference="late-p", timestamp="77", providerId="other")
    won("late-odd", amount="1")
    won("late-odd", amount="1", promoWinAmount="4", promoWinReference=1.5)
    won("late-known", amount="1")
    won("late-known", amount="1", promoWinAmount="7", promoWinReference="pr-1")
    send("promo", reference="own", userId="prizes", amount="5.00")
    won("of-own", amount="9", promoWinAmount="5", promoWinReference="own")
    won("disputed", amount="1000", promoWinAmount="5.01", promoWinReference="own")
    won("of-another", amount="2", promoWinAmount="7", promoWinReference="pr-1")
    won("another-prize", amount="2", promoWinAmount="5", promoWinReference="first-p")
    won("another-prize", amount="2", promoWinAmount="5", promoWinReference="second-p")
    won("of-nothing", amount="2", promoWinAmount=0, promoWinReference="nothing-p")
    won("without", amount="2", promoWinAmount="5")
    won("negative", amount="2", promoWinAmount=-5, promoWinReference="negative-p")
    won("not-a-number", amount="2", promoWinAmount="much", promoWinReference=["x"])
    won("a-number", amount="2", promoWinAmount="5", promoWinReference=1.5)
    won("too-long", amount="2", promoWinAmount="5", promoWinReference="x" * 129)
    won("twice", amount="2", promoWinAmount="5", promoWinReference="twice-p", promowinreference="twice-q")
    won("integer", amount="2", promoWinAmount=5.50, promoWinReference=123)
    # Forms that are odd, and right.
    operator.open_wallet("19", cash="0.000000000000000001", bonus="0")
    send("result", reference=7001, userId=19, amount=1.0e7, roundId=1602530, gameId=5, bonusCode=8)
    send(
        "bonus",
        reference=7002,
        userId=19,
        amount="1.5e2",
        roundid=1602530,
        gameId=None,
        gameid=5,
        bonuscode="8",
        currency="usd",
    )
    send("jackpot", reference="j-19", userId="19", amount="1e-7", jackpotId=568, bonusCode="8")
    send("promo", reference="p-19", userId="19", amount="1e+18", promoCampaignType=True, currency="uSd")
    send("promo", reference="q-19", userId="19", amount="99999999999999.999999999999999999", campaignId="5103188801")
    send("result", reference="r-19", userId="19", amount="-0.0", timestamp="2026-05-11T14:35:00Z", providerId=7)
    send("result", reference="s-19", userId="19", timestamp=1482429190374.0, roundDetails=[], gameName=5)
    send("result", reference="t-19", userId="19", timestamp={"a": [1.50]}, providerId="\ud83e", roundDetails=False)
    send(
        "result",
        reference="\u00a0 né \U0001fae8",
        userId="19",
        bonusCode=[],
        promoCampaignId={},
        promoCampaignType="T\u00a0",
    )
    send("result", reference="spelled", userId="19", USERID=19, gameID="slot\u200d1", gameId="slot\u200d1")


# --- The tamperings ---------------------------------------------------------------------------------


@dataclass(frozen=True)
class Tampering:
    """`named`: the faults that must be named, each with its id (or player), and a part of its words."""

    do: Callable[[Books], object]
    named: tuple[tuple[str, str | None, str], ...]


def _of(do: Callable[[Books], object], *named: tuple[str, str | None, str]) -> Tampering:
    return Tampering(do, named)


def change(id: str, **changes: Any) -> Callable[[Books], object]:
    return lambda books: books.set(id, **changes)


def say(id: str, **changes: Any) -> Callable[[Books], object]:
    return lambda books: books.said(id, **changes)


def wallet(user_id: str, **changes: Any) -> Callable[[Books], object]:
    return lambda books: books.wallets[user_id].update(changes)


def kept(user_id: str, code: str, **changes: Any) -> Callable[[Books], object]:
    return lambda books: books.free_rounds.setdefault((user_id, code), {"userId": user_id, "bonusCode": code}).update(
        changes
    )


def raise_and_shift(books: Books) -> None:
    of = books.transactions["jackpot#j-1"]
    books.set("jackpot#j-1", amount=of["amount"] + 5, amountAsked=of["amountAsked"] + 5, cashAfter=of["cashAfter"] + 5)
    books.shift("jackpot#j-1", 5)


def copy_under_another_reference(books: Books) -> None:
    books.renamed("jackpot#j-1", "jackpot#j-2")


def swap_amounts(books: Books) -> None:
    one, other = books.transactions["result#r-3"], books.transactions["result#r-4"]
    before = one["cashAfter"] - one["amount"]
    books.set("result#r-3", amount=other["amount"], amountAsked=other["amount"], cashAfter=before + other["amount"])
    books.set("result#r-4", amount=one["amount"], amountAsked=one["amount"])


def set_back(books: Books) -> None:
    of = books.transactions["result#r-3"]
    books.wallets["421"].update(cash=of["cashAfter"], bonus=of["bonusAfter"], version=of["seq"])


def other_currency(books: Books) -> None:
    books.wallets["421"]["currency"] = "EUR"
    for id, item in books.transactions.items():
        if item["userId"] == "421":
            books.set(id, currency="EUR")


def shared_with(id: str) -> Callable[[Books], object]:
    """A transaction copied, with its number, to a kind that does not exist."""
    return lambda books: books.transactions.update({"gift#1": books.transactions[id] | {"id": "gift#1"}})


# By the number of the list, "named without --strict".
LISTED: dict[str, Tampering] = {
    "1 cash + 1": _of(
        lambda books: books.wallets["421"].update(cash=books.wallets["421"]["cash"] + 1),
        ("balance differs", "result#r-4", "+1"),
    ),
    "6 amounts + 5, and all that follows": _of(
        raise_and_shift, ("request", "jackpot#j-1", "amountAsked is 1005, its request says 1000")
    ),
    "7 the first amounts raised": _of(
        change("result#r-1", amount=Decimal(15), amountAsked=Decimal(15)),
        ("request", "result#r-1", "amountAsked is 15, its request says 10.10"),
    ),
    "8 the first amounts set to 0": _of(
        change("result#r-1", amount=Decimal(0), amountAsked=Decimal(0)),
        ("request", "result#r-1", "amountAsked is 0, its request says 10.10"),
    ),
    "8 the first amount alone set to 0": _of(
        change("result#r-1", amount=Decimal(0)), ("amount", "result#r-1", "0 was moved, where 10.1 of 10.1 was owed")
    ),
    "9 the last moved to another player": _of(
        change("result#r-4", userId="19"), ("request", "result#r-4", "userId is 19, its request says 421")
    ),
    "10 a transactionId": _of(
        change("promo#pr-1", transactionId="6f0a93b6-4c43-5d0f-9b7e-000000000000"),
        ("transaction id", "promo#pr-1", "transactionId is 6f0a93b6-4c43-5d0f-9b7e-000000000000, this id makes "),
    ),
    "11 an empty request": _of(
        change("promo#pr-1", request="{}"), ("request", "promo#pr-1", "its request lacks userId, amount, reference")
    ),
    "12 round and game": _of(
        change("jackpot#j-1", gameId="g", roundId="r"),
        ("request", "jackpot#j-1", "gameId is g, its request says Im_60_tumblefortune"),
        ("request", "jackpot#j-1", "roundId is r, its request says round-1"),
    ),
    "13 the times": _of(
        change("result#r-1", timestamp="1", recordedAt="2020-01-01T00:00:00.000+00:00"),
        ("request", "result#r-1", "timestamp is 1, its request says 1482429190374"),
    ),
    "14 copied under another reference": _of(
        copy_under_another_reference, ("request", "jackpot#j-2", "the id has the reference j-2, its request says j-1")
    ),
    "15 the kind, jackpot to result": _of(
        lambda books: books.renamed("jackpot#j-1", "result#j-1"),
        ("request", "result#j-1", "its request lacks gameName, currency, roundDetails, which every result has"),
    ),
    "15 the kind, result to promo": _of(
        lambda books: books.renamed("result#r-1", "promo#r-1"),
        ("request", "promo#r-1", "its request lacks promoCampaignId, promoCampaignType"),
    ),
    "15 the kind, jackpot to bonus": _of(
        lambda books: books.renamed("jackpot#j-1", "bonus#j-1"),
        ("request", "bonus#j-1", "jackpotId is 568, its request does not have it"),
        ("chain broken", "bonus#j-1", "bonusAfter"),
    ),
    "16 a count": _of(
        kept("free", "late", uncovered=Decimal(2)),
        ("free rounds", None, "uncovered of code late is kept as 2, where its rounds and totals leave 6"),
    ),
    "17 a count of 0 taken": _of(
        lambda books: books.free_rounds.pop(("free", "two")),
        ("free rounds", None, "nothing is kept of the free rounds of code two, where they leave 0 uncovered and 0 in"),
    ),
    "18 a count of nobody": _of(
        kept("421", "none", uncovered=Decimal(1), advance=Decimal(0), lastRounds=[]),
        ("free rounds", None, "free rounds of code none are kept, and no transaction played any"),
    ),
    "19 a bonus code": _of(
        change("result#f-3", bonusCode=None),
        ("request", "result#f-3", "bonusCode is none, its request says late"),
        ("amount", "bonus#t-10", "5 was moved, where 8 of 10 was owed"),
    ),
    "20 the wallet's currency": _of(
        wallet("421", currency="EUR"), ("currency", "jackpot#j-1", "it is in USD, the wallet's is EUR")
    ),
    "21 the wallet's and its transactions' currency": _of(
        other_currency,
        ("request", "result#r-1", "currency is EUR, its request says USD"),
        ("request", "promo#pr-1", "currency is EUR, its request says USD"),
    ),
    "24 a wallet set back": _of(set_back, ("beyond the wallet", "result#r-4", "this moved 2.5")),
    "26 a prize arrived with nothing": _of(
        change("promo#p-1", arrivedWith="result#r-9"),
        ("prize", "promo#p-1", "it arrived with result#r-9, which is not a result of this player"),
    ),
    "27 autoClosed": _of(
        change("result#r-1", autoClosed=True),
        ("request", "result#r-1", "autoClosed is set, its request has a sessionId"),
    ),
    "28 two neighbours' amounts": _of(
        swap_amounts,
        ("request", "result#r-3", "amountAsked is 2.5, its request says 0.5"),
        ("request", "result#r-4", "amountAsked is 0.5, its request says 2.5"),
    ),
    "31 bonus + 5": _of(
        lambda books: books.wallets["421"].update(bonus=books.wallets["421"]["bonus"] + 5),
        ("balance differs", "result#r-4", "+5"),
    ),
    "32 a total asked only what was paid": _of(
        change("bonus#t-10", amountAsked=Decimal(5)),
        ("amount", "bonus#t-10", "5 was moved, where 0 of 5 was owed"),
        ("request", "bonus#t-10", "amountAsked is 5, its request says 10"),
    ),
    "33 an unknown kind": _of(shared_with("result#r-4"), ("unreadable", "gift#1", "a kind in its id")),
}

NEIGHBOURS: dict[str, Tampering] = {
    "a game": _of(change("bonus#t-10", gameId="g"), ("request", "bonus#t-10", "gameId is g")),
    "a game taken": _of(change("result#r-1", gameId=None), ("request", "result#r-1", "gameId is none, its request")),
    "a game that is a number": _of(change("result#r-1", gameId=Decimal(5)), ("request", "result#r-1", "gameId is 5")),
    "a provider": _of(change("promo#pr-1", providerId="x"), ("request", "promo#pr-1", "says Luckymonaco")),
    "a provider taken": _of(change("promo#pr-1", providerId=None), ("request", "promo#pr-1", "providerId is none")),
    "a provider that was a number": _of(change("result#r-19", providerId="8"), ("request", "result#r-19", "says 7")),
    "a timestamp that was an object": _of(
        change("result#t-19", timestamp='{"a": [2]}'), ("request", "result#t-19", 'timestamp is {"a": [2]}')
    ),
    "a timestamp taken": _of(change("jackpot#j-1", timestamp=None), ("request", "jackpot#j-1", "timestamp is none")),
    "a jackpot": _of(change("jackpot#j-1", jackpotId="569"), ("request", "jackpot#j-1", "jackpotId is 569")),
    "a jackpot of a result": _of(change("result#r-1", jackpotId="5"), ("request", "result#r-1", "jackpotId is 5")),
    "a campaign": _of(change("promo#pr-1", campaignId="c"), ("request", "promo#pr-1", "campaignId is c")),
    "a campaign's type": _of(
        change("result#r-3", campaignType="U"), ("request", "result#r-3", "campaignType is U, its request says T")
    ),
    "a reference that is a number": _of(
        lambda books: books.renamed("result#7001", "result#7003"), ("request", "result#7003", "its request says 7001")
    ),
    "a transactionId taken": _of(
        change("result#r-1", transactionId=None), ("transaction id", "result#r-1", "transactionId is none")
    ),
    "autoClosed taken": _of(
        change("result#a-1", autoClosed=None), ("request", "result#a-1", "its request has no sessionId")
    ),
    "autoClosed of a prize": _of(change("promo#late-p", autoClosed=True), ("request", "promo#late-p", "autoClosed")),
    "a prize's amount": _of(
        change("result#r-2", prizeAmount="4.6"),
        ("request", "result#r-2", "prizeAmount is 4.6, its request says 4.5"),
        ("prize", "promo#p-1", "names the prize p-1 of 4.6"),
    ),
    "a prize's reference": _of(
        change("result#r-2", prizeReference="p-2"),
        ("request", "result#r-2", "prizeReference is p-2, its request says p-1"),
        ("prize", "promo#p-1", "result#r-2 names the prize p-2 of 4.5"),
    ),
    "a prize's reference that cannot be": _of(
        change("result#without", prizeReference="x"), ("request", "result#without", "prizeReference is x")
    ),
    "a prize that a result had none of": _of(
        change("result#r-1", prizeReference="p-9", prizeAmount="5"),
        ("prize", "result#r-1", "its prize p-9 of 5 was not paid: promo#p-9 is missing"),
    ),
    "a prize of a jackpot": _of(
        change("jackpot#j-1", prizeReference="p-1", prizeAmount="5"), ("prize", "jackpot#j-1", "which it cannot have")
    ),
    "a prize without an amount": _of(
        change("result#r-1", prizeReference="p-1"), ("prize", "result#r-1", "names the prize p-1 of none")
    ),
    "a prize taken": _of(
        lambda books: books.transactions.pop("promo#p-1"),
        ("prize", "result#r-2", "its prize p-1 of 4.5 was not paid"),
    ),
    "a later prize taken": _of(
        lambda books: books.transactions.pop("promo#late-p"), ("prize", "result#late", "promo#late-p is missing")
    ),
    "a prize under another reference": _of(
        lambda books: books.renamed("promo#p-1", "promo#p-3"),
        ("prize", "promo#p-3", "it is p-3 of 4.5, and result#r-2 names the prize p-1 of 4.5"),
    ),
    "a prize with another result": _of(
        change("promo#p-1", arrivedWith="result#r-1"), ("prize", "promo#p-1", "result#r-1 names no prize")
    ),
    "a prize with another player's result": _of(
        change("promo#p-1", arrivedWith="result#f-2"), ("prize", "promo#p-1", "not a result of this player")
    ),
    "a prize's game": _of(
        change("promo#p-1", gameId="g"), ("prize", "promo#p-1", "gameId is g, that of result#r-2 is Im_60")
    ),
    "a prize's bonus code": _of(
        change("promo#p-1", bonusCode=None), ("prize", "promo#p-1", "bonusCode is none, that of result#r-2 is inside")
    ),
    "a prize's amounts": _of(
        change("promo#p-1", amount=Decimal(9), amountAsked=Decimal(9)), ("prize", "promo#p-1", "it is p-1 of 9, and")
    ),
    "a prize's arrival taken": _of(
        change("promo#p-1", arrivedWith=None), ("request", "promo#p-1", "it has no request")
    ),
    "a later prize's arrival taken": _of(
        change("promo#late-p", arrivedWith=None), ("request", "promo#late-p", "its request says late")
    ),
    "a later prize's request taken": _of(
        change("promo#late-p", request=None), ("prize", "promo#late-p", "was not written together with result#late")
    ),
    "a later prize's amounts": _of(
        change("promo#late-p", amount=Decimal(9), amountAsked=Decimal(9)),
        ("request", "promo#late-p", "amountAsked is 9, its request says 4"),
    ),
    "an arrival of a result": _of(
        change("result#r-1", arrivedWith="result#r-2"), ("prize", "result#r-1", "which only a prize has")
    ),
    "an arrival of a promo that came alone": _of(
        change("promo#pr-1", arrivedWith="result#r-2"), ("request", "promo#pr-1", "has no prize that can be paid")
    ),
    "the request of another win": _of(
        lambda books: books.set("result#r-1", request=books.transactions["result#r-3"]["request"]),
        ("request", "result#r-1", "the id has the reference r-1, its request says r-3"),
    ),
    "a request that is not JSON": _of(
        change("result#r-1", request="{'a': 1}"), ("request", "result#r-1", "not a JSON object")
    ),
    "a request that is a list": _of(change("result#r-1", request="[]"), ("request", "result#r-1", "not a JSON object")),
    "a request that never ends": _of(
        change("result#r-1", request="[" * 100_000), ("request", "result#r-1", "not a JSON object")
    ),
    "a request with a key twice": _of(
        change("result#r-1", request='{"amount": 1, "amount": 2}'), ("request", "result#r-1", "not a JSON object")
    ),
    "a request that is a number": _of(
        change("result#r-1", request=Decimal(5)), ("request", "result#r-1", "not a JSON object")
    ),
    "a request taken": _of(change("result#r-1", request=None), ("request", "result#r-1", "it has no request")),
    "a request of too large an amount": _of(
        say("result#r-1", amount="1e999999999"), ("request", "result#r-1", "its request says 1e999999999")
    ),
    "a request of an amount that is no text": _of(
        say("result#r-1", amount=True), ("request", "result#r-1", "amountAsked is 10.1, its request says True")
    ),
    "a request with a second spelling": _of(
        say("result#r-1", AMOUNT="11"), ("request", "result#r-1", "amountAsked is 10.1, its request says 11")
    ),
    "a request with half a character": _of(
        say("result#r-1", gameId="\ud83e"), ("request", "result#r-1", "its request says \N{REPLACEMENT CHARACTER}")
    ),
    "a field of a request taken": _of(
        say("jackpot#j-1", jackpotId=None), ("request", "jackpot#j-1", "its request lacks jackpotId")
    ),
    "the time of the record taken": _of(
        change("result#r-1", recordedAt=None), ("time", "result#r-1", "recordedAt is none")
    ),
    "the time of the record is not one": _of(
        change("result#r-1", recordedAt="2026-02-30T00:00:00.000+00:00"), ("time", "result#r-1", "is not a moment")
    ),
    "recorded before the one before": _of(
        change("result#r-4", recordedAt="2020-01-01T00:00:00.000+00:00"), ("time", "result#r-4", "before result#r-3")
    ),
    "recorded after the one after": _of(
        change("result#r-3", recordedAt="2999-01-01T00:00:00.000+00:00"), ("time", "result#r-4", "before result#r-3")
    ),
    "what a round left uncovered": _of(
        change("result#f-3", uncoveredAfter=Decimal(4)),
        ("free rounds", "result#f-3", "uncoveredAfter is 4, where the free rounds before it and this leave 5"),
    ),
    "what a total left in advance": _of(
        change("bonus#t-10", advanceAfter=Decimal("5.000000000000000001")),
        ("free rounds", "bonus#t-10", "advanceAfter is 5.000000000000000001"),
    ),
    "what a round left taken": _of(
        change("result#f-3", uncoveredAfter=None, advanceAfter=None),
        ("free rounds", "result#f-3", "uncoveredAfter is none"),
        ("free rounds", "result#f-3", "advanceAfter is none"),
    ),
    "what a round left is a text": _of(
        change("result#f-3", uncoveredAfter="5"), ("free rounds", "result#f-3", "uncoveredAfter is none")
    ),
    "free rounds in the record of an ordinary win": _of(
        change("result#r-1", advanceAfter=Decimal(1)), ("free rounds", "result#r-1", "advanceAfter is 1")
    ),
    "a late round paid in full": _of(
        lambda books: books.set("result#f-5", amount=Decimal(5)), ("amount", "result#f-5", "where 0 of 5 was owed")
    ),
    "an advance": _of(
        kept("free", "alone", advance=Decimal(0)), ("free rounds", None, "advance of code alone is kept as 0")
    ),
    "an advance below zero": _of(
        kept("free", "alone", advance=Decimal(-5)), ("free rounds", None, "advance of code alone is kept as -5")
    ),
    "until": _of(kept("free", "late", until=Decimal(41)), ("free rounds", None, "until of code late is kept as 41")),
    "until where there is none": _of(
        kept("free", "alone", until=Decimal(41)),
        ("free rounds", None, "kept as 41, where its rounds and totals leave none"),
    ),
    "until taken": _of(
        lambda books: books.free_rounds["free", "late"].pop("until"), ("free rounds", None, "late is kept as none")
    ),
    "the last rounds": _of(
        kept("free", "late", lastRounds=["1:gr"]), ("free rounds", None, "lastRounds of code late is kept as 1:gr")
    ),
    "the last rounds taken": _of(
        lambda books: books.free_rounds["free", "late"].pop("lastRounds"), ("unreadable", None, "lacks lastRounds")
    ),
    "a count that is a text": _of(kept("free", "late", uncovered="6"), ("unreadable", None, "lacks uncovered")),
    "balances whose sum no database holds": _of(
        change("result#r-4", amount=Decimal("9" * 20 + ".9"), cashAfter=Decimal("9" * 20 + ".9")),
        ("amount", "result#r-4", "99999999999999999999.9 was moved, where 2.5 of 2.5 was owed"),
    ),
    "forty digits": _of(
        change("result#r-4", cashAfter=Decimal("9" * 37 + "e2")), ("chain broken", "result#r-4", "cashAfter is 9999999")
    ),
    "the smallest number there is": _of(
        change("result#f-3", uncoveredAfter=Decimal("1e-130")), ("free rounds", "result#f-3", "uncoveredAfter is 0.000")
    ),
    "the largest number there is": _of(
        change("result#f-3", uncoveredAfter=Decimal("9e125")), ("free rounds", "result#f-3", "uncoveredAfter is 9000")
    ),
    "everything taken but the id": _of(
        lambda books: books.transactions.update({"result#bare": {"id": "result#bare"}}),
        ("unreadable", "result#bare", "it lacks userId"),
        ("request", "result#bare", "it has no request"),
    ),
}

# Named with --strict alone, or with `--strict` today: they need a chain of digests.
STRICT: Mapping[str, Callable[[Books], object]] = {
    "2 a deposit": lambda books: books.wallets["421"].update(
        cash=books.wallets["421"]["cash"] + 1000, version=books.wallets["421"]["version"] + 1
    ),
    "3 one in the middle deleted": lambda books: books.transactions.pop("result#r-3"),
    "4 the last deleted": lambda books: books.transactions.pop("result#r-4"),
    "5 the first deleted": lambda books: books.transactions.pop("result#r-1"),
    "29 a wallet copied": lambda books: books.wallets.update(copied=books.wallets["421"] | {"userId": "copied"}),
}
