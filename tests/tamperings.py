"""What somebody with write access to the tables could do, and a ledger to do it to.

The functions make the ledger: all four kinds of wins, free rounds in and out of order, prizes of every sort, the
cashier's movements and refusals, and what a person settled. test_tamperings.py has the same for one who computes
everything again.
"""

import json
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from moto.core.models import DEFAULT_ACCOUNT_ID as ACCOUNT
from moto.dynamodb.models import dynamodb_backends

from conftest import Operator, published
from tools.shared.items import encoded
from wallet import chain, ledger, money
from wallet.parking import Parked

Item = dict[str, Any]
NAMESPACE = uuid.UUID("2a3a4e5c-8d0f-5b7e-9c55-6c1f7a2b9d10")
NAMES = ("Players", "Transactions", "FreeRounds", "Rounds")


@dataclass
class Books:
    """The tables' items, to be tampered with.

    `mark` ends every name in a copy, so that many copies fit into the same tables. A test names an item without it.
    """

    wallets: dict[str, Item]
    transactions: dict[str, Item]
    free_rounds: dict[tuple[str, str], Item]
    rounds: dict[tuple[str, str], Item] = field(default_factory=dict)
    mark: str = ""

    @classmethod
    def read(cls, operator: Operator) -> "Books":
        return cls(
            wallets={item["userId"]: item for item in operator.items("Players")},
            transactions={item["id"]: item for item in operator.items("Transactions")},
            free_rounds={(item["userId"], item["bonusCode"]): item for item in operator.items("FreeRounds")},
            rounds={(item["userId"], item["round"]): item for item in operator.items("Rounds")},
        )

    def of(self, table: str) -> list[Item]:
        """A table's items as DynamoDB has them."""
        return [*map(encoded, self.items()[table])]

    def items(self) -> dict[str, list[Item]]:
        """Each table's items."""
        held = (self.wallets, self.transactions, self.free_rounds, self.rounds)
        return {name: [*items.values()] for name, items in zip(NAMES, held, strict=True)}

    def put(self) -> None:
        """Has the account's tables hold these items and no others. Quicker than by the SDK: there are many."""
        empty()
        for name in NAMES:
            table = _table(name)
            for item in self.of(name):
                table.put_item(item)

    def copy(self, mark: str, *players: str) -> "Books":
        """The ledgers of those players under other names, as the functions would have written them."""
        copied = Books(
            wallets={each: {**self.wallets[each], "userId": f"{each}{mark}"} for each in players},
            transactions={
                id: _marked(item, mark) for id, item in self.transactions.items() if item["userId"] in players
            },
            free_rounds={
                key: {**item, "userId": f"{key[0]}{mark}"}
                for key, item in self.free_rounds.items()
                if key[0] in players
            },
            rounds={
                key: {**item, "userId": f"{key[0]}{mark}"} for key, item in self.rounds.items() if key[0] in players
            },
            mark=mark,
        )
        for player in players:
            copied.link_again(player)
            copied.play_again(player)
        return copied

    def owner(self, id: str) -> str:
        return self.transactions[id]["userId"].removesuffix(self.mark)

    def set(self, id: str, **changes: Any) -> None:
        """A transaction with other attributes; None takes one out."""
        changes |= {name: f"{changes[name]}{self.mark}" for name in _NAMES if changes.get(name)}
        item = self.transactions[id] | changes
        self.transactions[id] = {name: value for name, value in item.items() if value is not None}

    def said(self, id: str, **changes: Any) -> None:
        """A transaction whose request says something else; None takes a field out."""
        request = json.loads(self.transactions[id]["request"]) | changes
        self.set(id, request=json.dumps({name: value for name, value in request.items() if value is not None}))

    def renamed(self, id: str, to: str) -> None:
        """A transaction under another id, with the transactionId of that."""
        self.transactions[to] = _under(f"{to}{self.mark}", self.transactions.pop(id))

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
        wallet = self.wallets[self.owner(id)]
        wallet["cash"] += by

    # --- Computed again, by the documented rules ---------------------------------------------------

    def compute_again(self, player: str) -> None:
        """Has everything of a player follow from the amounts asked, in the order of `seq`."""
        cash = bonus = Decimal(0)
        counts: dict[str, ledger.FreeRounds] = {}
        for seq, item in enumerate(self.movements(player), 1):
            _rewrite_request(item)
            paid, to_bonus = item["amountAsked"], item.get("bonusAmount", 0)
            kind, code = item["id"].partition("#")[0], item.get("bonusCode")
            paid = Decimal(0) if kind == "bet" and code else paid
            for name in ("uncoveredAfter", "advanceAfter"):
                item.pop(name, None)
            if kind == "bonus" or (kind == "result" and code):
                if code:
                    paid, counts[code] = ledger._count_free_round(
                        _free_round(item), counts.get(code, ledger.FreeRounds())
                    )
                    item.update(uncoveredAfter=counts[code].uncovered, advanceAfter=counts[code].advance)
                to_bonus = paid
            cash, bonus = cash + paid, bonus + to_bonus
            item.update(_under(item["id"], item), seq=Decimal(seq), amount=paid, cashAfter=cash, bonusAfter=bonus)
        for item in self.outcomes(player):
            _rewrite_request(item)
        self.free_rounds = {key: item for key, item in self.free_rounds.items() if key[0] != player}
        for code, count in counts.items():
            kept = {"uncovered": count.uncovered, "advance": count.advance, "lastRounds": [*count.last_rounds]}
            until = {} if count.until is None else {"until": Decimal(count.until)}
            self.free_rounds[player, code] = {"userId": f"{player}{self.mark}", "bonusCode": code, **kept, **until}
        self.link_again(player)
        self.play_again(player)

    def play_again(self, player: str) -> None:
        """Has a player's rounds follow from what the records say, but for what only a round says."""
        records = [*self.movements(player), *self.outcomes(player)]
        before = {key: item for key, item in self.rounds.items() if key[0] == player}
        self.rounds = {key: item for key, item in self.rounds.items() if key[0] != player}
        places = {(each["gameId"], each["roundId"]) for each in records if _is_played(each)}
        places |= {(each["gameId"], each["roundId"]) for each in before.values()}
        for place in places:
            key = player, ledger.round_key(place)
            made = _played(place, records, before.get(key, {}))
            self.rounds[key] = {"userId": f"{player}{self.mark}", "round": key[1], **made}

    def link_again(self, player: str) -> None:
        """Has the digests of a player and the wallet follow from what the records say."""
        digest = ""
        movements = self.movements(player)
        for item in movements:
            item["digest"] = digest = chain.link(digest, item)
        if movements and player in self.wallets:
            left = {"cash": "cashAfter", "bonus": "bonusAfter", "version": "seq", "digest": "digest"}
            self.wallets[player].update({of: movements[-1][name] for of, name in left.items() if name in movements[-1]})

    def movements(self, player: str) -> list[Item]:
        """What the player's chain is of, in its order."""
        return sorted((item for item in self._of(player) if "seq" in item), key=lambda item: Decimal(item["seq"]))

    def outcomes(self, player: str) -> list[Item]:
        return [item for item in self._of(player) if "seq" not in item]

    def _of(self, player: str) -> list[Item]:
        return [item for item in self.transactions.values() if item.get("userId") == f"{player}{self.mark}"]


def _is_played(item: Item) -> bool:
    return item["id"].partition("#")[0] in ("bet", "result") and {"gameId", "roundId"} <= item.keys()


def _played(place: tuple[str, str], records: Sequence[Item], before: Item) -> Item:
    """What the records of one player leave of a round. Whether it was refunded or ended, it says itself."""
    of_round = [each for each in records if _is_played(each) and (each["gameId"], each["roundId"]) == place]
    bets = [each for each in of_round if each["id"].startswith("bet#")]
    results = [each for each in of_round if each["id"].startswith("result#")]
    taken = [each for each in bets if "outcome" not in each]
    back = {each["id"].removeprefix("cancel#") for each in records if each["id"].startswith("cancel#")}
    live = [each for each in taken if each["id"].removeprefix("bet#") not in back]
    is_remembered = any(each.get("outcome") == "cancelled" and "arrivedWith" not in each for each in bets)
    newest = max([each["recordedAt"] for each in records], default="2026-11-30T00:00:00.000+00:00")
    until = datetime.fromisoformat(newest) + timedelta(400)
    times = (
        {"openSince": live[0]["recordedAt"]} if live and not results else {"expiresAt": Decimal(int(until.timestamp()))}
    )
    flags = {
        "hadBet": bool(taken) or (is_remembered and not before.get("refunded")),
        "hadRefusedBet": any(each.get("outcome") == "not enough" for each in bets),
        "hasResult": bool(results),
        **{name: name in before for name in ("refunded", "ended")},
    }
    return {
        "gameId": place[0],
        "roundId": place[1],
        "bets": [
            {"reference": each["id"].removeprefix("bet#"), "taken": -each["amount"]}
            | ({"bonusCode": each["bonusCode"]} if "bonusCode" in each else {})
            for each in live
        ],
        "winnings": sum((each["amountAsked"] for each in results), Decimal(0)),
        **times,
        **{name: True for name, is_so in flags.items() if is_so},
    }


_NAMES = ("userId", "id", "arrivedWith", "prizeReference", "laterPrizeReference")  # attributes that name something
_NAMED = ("userid", "reference", "promowinreference")  # and fields of a request
INHERITING = "p-free"  # the round whose result has the code of its bet, and does not say it
_CASHIERS = ("opening", "deposit", "withdrawal", "adjustment")
_MOVE_BONUS = ("opening", "adjustment")
_FIELDS = {
    "userId": "userId",
    "currency": "currency",
    "gameId": "gameId",
    "roundId": "roundId",
    "bonusCode": "bonusCode",
    "jackpotId": "jackpotId",
    "campaignId": "promoCampaignId",
    "campaignType": "promoCampaignType",
    "prizeReference": "promoWinReference",
    "providerId": "providerId",
    "timestamp": "timestamp",
}


def _marked(item: Item, mark: str) -> Item:
    marked = {name: f"{value}{mark}" if name in _NAMES else value for name, value in item.items()}
    if mark and "request" in item:
        fields = json.loads(item["request"].removeprefix("\ufeff"))
        named = {name: f"{value}{mark}" for name, value in fields.items() if name.lower() in _NAMED}
        marked["request"] = json.dumps(fields | named, ensure_ascii=False)
        marked["requestDigest"] = chain.digest_of(marked["request"])
    return _under(marked["id"], marked)


def _under(id: str, item: Item) -> Item:
    return item | {"id": id, "transactionId": str(uuid.uuid5(NAMESPACE, id))}


def _free_round(item: Item) -> ledger.Movement:
    kind, _, reference = item["id"].partition("#")
    return ledger.Movement(
        kind=kind,
        reference=reference,
        user_id=item["userId"],
        amount=item["amountAsked"],
        game_id=item.get("gameId"),
        round_id=item.get("roundId"),
        bonus_code=item["bonusCode"],
        timestamp=item.get("timestamp"),
        free_round="total" if kind == "bonus" else "round",
    )


def _rewrite_request(item: Item) -> None:
    """Has a record's own request say what the record says. That of a prize is the result's, and is left alone."""
    if "request" not in item:
        return
    if "arrivedWith" not in item and item["request"] not in ("{}", "[]"):
        item["request"] = _agreeing(item)
    item["requestDigest"] = chain.digest_of(item["request"])


def _agreeing(item: Item) -> str:
    """A request that says what its record says, in the same words where it did before."""
    before = json.loads(item["request"].removeprefix("\ufeff"))
    kind, _, reference = item["id"].partition("#")
    if kind == "cancel" or item.get("outcome") == "cancelled":
        said = {name: item[name] for name in ("userId", "providerId", "gameId", "roundId") if name in before}
        return item["request"] if before == before | said else json.dumps(before | said)
    said = {field: item.get(name) for name, field in _FIELDS.items()}
    said["promoWinAmount"] = Decimal(item["prizeAmount"]) if "prizeAmount" in item else None
    said |= {
        "reference": reference,
        "amount": abs(item["amountAsked"]) if kind in ("withdrawal", "bet") else item["amountAsked"],
    }
    if kind in _CASHIERS:
        said |= {"movement": kind, "bonus": item.get("bonusAmount", before.get("bonus") and Decimal(0))}
        said |= {name: item.get(name) for name in ("actor", "reason")}
    elif kind == "result":
        said["sessionId"] = None if item.get("autoClosed") else before.get("sessionId", "session")
    if "currency" not in before or before["currency"].upper() == f"{said['currency']}".upper():
        del said["currency"]
    if kind == "result" and item.get("roundId") == INHERITING and "bonusCode" not in before:
        del said["bonusCode"]
    if kind not in _MOVE_BONUS:
        said.pop("bonus", None)
        before.pop("bonus", None)
    names, fields = {_plain(name): name for name in before}, {**before}
    for said_as, value in said.items():
        name = names.get(_plain(said_as), said_as)
        if value is None:
            fields.pop(name, None)
        elif not _says(before.get(name), value):
            fields[name] = money.text(value) if isinstance(value, Decimal) else value
    return item["request"] if fields == json.loads(item["request"].removeprefix("\ufeff")) else json.dumps(fields)


def _plain(name: str) -> str:
    """A field's name as every spelling of it has it."""
    return name.lower().replace("promocampaign", "campaign")


def _says(field: object, value: object) -> bool:
    return Decimal(f"{field}") == value if isinstance(value, Decimal) and field is not None else f"{field}" == value


def _table(name: str) -> Any:
    return dynamodb_backends[ACCOUNT]["eu-west-1"].tables[name]


def empty() -> None:
    """Leaves nothing in the account's tables."""
    for name in NAMES:
        _table(name).items.clear()


def play(operator: Operator) -> None:
    """What is all in order, however odd."""
    empty()

    def send(callback: str, **changes: Any) -> None:
        example = {"hash": None, "uuid": "u-1"} | ({"roundid": None} if "roundId" in changes else {})
        body = published(callback, **(example | changes))
        assert operator.send(callback, body).json["error"] == 0, changes

    def order(movement: str, user_id: str, amount: str, *, error: int = 0, **changes: Any) -> None:
        said = {"movement": movement, "userId": user_id, "amount": amount, "currency": "USD"}
        said |= {"reference": f"{user_id}-{movement}", "actor": "bank", "reason": "as agreed"} | changes
        assert operator.invoke("cashier", said)["error"] == error, said

    def open_wallet(user_id: str, cash: str, bonus: str, **changes: Any) -> None:
        order("opening", user_id, cash, bonus=bonus, reference=user_id, **changes)

    open_wallet("421", "99889.99", "99.99")
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
    open_wallet("free", "0", "0")

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
    open_wallet("prizes", "0", "0")

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
    open_wallet("19", "0.000000000000000001", "0")
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
    # The cashier's movements, two refusals, and a balance below zero.
    open_wallet("bank", "100", "5", currency="EUR")

    def move(movement: str, reference: str, amount: str, **changes: Any) -> None:
        said: dict[str, Any] = {"currency": "EUR"} | changes
        order(movement, "bank", amount, reference=reference, **said)

    move("deposit", "d-1", "50.25", details={"iban": "MT00", "fee": 0.10})
    move("withdrawal", "w-1", "30")
    move("withdrawal", "w-refused", "1000", error=15)
    move("adjustment", "a-1", "-0.5", bonus="2")
    move("deposit", "d-erased", "10.00", currency="eur")
    send("result", reference="bank-r", userId="bank", currency="EUR", amount="3", roundId="bank-1")
    move("withdrawal", "w-2", "20")
    move("adjustment", "a-below", "-500", belowZero=True)
    move("deposit", "d-2", "600")
    move("adjustment", "a-refused", "-7000", bonus="-1", error=15)
    move("withdrawal", "w-3", "12")
    # What a person settled, prizes that were noted later, and one of them left for a person.
    open_wallet("hand", "10", "0")

    def settle(callback: str, *, elsewhere: bool = False, **changes: Any) -> None:
        request = json.dumps(published(callback, **({"hash": None, "userId": "hand"} | changes)))
        parked = Parked(
            callback=callback, reference="x", first_received_at="2026-11-30T08:00:00.000+00:00", request=request
        )
        said: dict[str, Any] = {"message": json.dumps(asdict(parked)), "actor": "anna", "reason": "ticket 7"}
        said |= {"bookedElsewhere": True} if elsewhere else {}
        assert operator.invoke(callback, {"settle": said})["error"] == 0, changes

    settle("result", reference="h-1", amount="4", roundDetails=None, roundId="hand-1")
    settle("jackpot", reference="h-elsewhere", amount="7", elsewhere=True)
    settle("promo", reference="h-2", amount="2.5", currency="usd")
    send("result", reference="h-3", userId="hand", amount="1", roundId="hand-3")
    send(
        "result",
        reference="h-3",
        userId="hand",
        amount="1",
        roundId="hand-3",
        promoWinAmount="4",
        promoWinReference="h-prize",
    )
    send("result", reference="h-4", userId="hand", amount="2", roundId="hand-4")
    send(
        "result",
        reference="h-4",
        userId="hand",
        amount="2",
        roundId="hand-4",
        promoWinAmount="9",
        promoWinReference="h-prize",
    )
    send("jackpot", reference="h-5", userId="hand", amount="3", roundId="hand-5")
    _play_rounds(operator, send, order)
    _table("Transactions").put_item(
        encoded({name: value for name, value in _item("deposit#d-erased").items() if name != "request"})
    )


def _play_rounds(operator: Operator, win: Callable[..., None], order: Callable[..., None]) -> None:
    """Bets, cancels and refunds of every sort, in rounds of their own."""
    order("opening", "plays", "100", bonus="0", reference="plays")

    def said(**changes: Any) -> dict[str, Any]:
        return {"userId": "plays", "providerId": "lm", "uuid": "u"} | changes

    def bet(reference: str, amount: str, round_id: str, *, error: int = 0, **changes: Any) -> None:
        body = said(reference=reference, amount=amount, gameId="slot", roundId=round_id, currency="USD", timestamp="1")
        assert operator.send("bet", body | changes, path="/v4/Bet").json["error"] == error, reference

    def undo(call: str, reference: str, *, error: int = 0, **changes: Any) -> None:
        answer = operator.send("cancel", said(reference=reference, **changes), path=f"/v4/{call}")
        assert answer.json["error"] == error, reference

    def result(reference: str, amount: str, round_id: str) -> None:
        win("result", reference=reference, userId="plays", amount=amount, gameId="slot", roundId=round_id)

    def decide(reference: str, *, elsewhere: bool = False) -> None:
        parked = Parked(
            callback="cancel",
            call="cancel",
            reference=reference,
            first_received_at="2026-11-30T08:00:00.000+00:00",
            request=json.dumps(said(reference=reference)),
        )
        settle: dict[str, Any] = {"message": json.dumps(asdict(parked)), "actor": "anna", "reason": "ticket 8"}
        settle |= {"bookedElsewhere": True} if elsewhere else {}
        assert operator.invoke("cancel", {"settle": settle})["error"] == 0, reference

    bet("lost", "5", "p-lost")
    result("of-lost", "0", "p-lost")
    bet("open", "3", "p-open")
    bet("undone", "4", "p-undone")
    undo("Cancel", "undone")
    bet("first", "2", "p-two")
    bet("second", "1.5", "p-two")
    undo("Refund", "first", gameId="slot", roundId="p-two", amount="3.5")
    bet("alone", "1", "p-alone")
    undo("Refund", "refund-1", gameId="slot", roundId="p-alone")
    undo("Cancel", "never-came", gameId="slot", roundId="p-never")
    undo("Cancel", "never-said", amount=7)
    bet("too-much", "1000", "p-poor", error=15)
    bet("free", "2", "p-free", bonusCode="spins")
    result("of-free", "6", "p-free")
    bet("one-of", "1", "p-won")
    bet("other-of", "2", "p-won")
    result("of-won", "4", "p-won")
    undo("Cancel", "one-of")
    end = said(gameId="slot", roundId="p-ended")
    assert operator.send("endround", end, path="/v4/EndRound").json["error"] == 0
    bet("by-hand", "1", "p-hand")
    result("of-hand", "9", "p-hand")
    undo("Cancel", "by-hand", error=61)
    decide("by-hand")
    bet("elsewhere", "1", "p-elsewhere")
    decide("elsewhere", elsewhere=True)
    undo("Refund", "refund-2", gameId="slot", roundId="p-unknown")
    frozen = {"freeze": {"userId": "plays", "actor": "anna", "reason": "asked for it"}}
    assert operator.invoke("cashier", frozen)["error"] == 0


def _item(id: str) -> Item:
    (item,) = (item.to_regular_json() for item in _table("Transactions").all_items() if item.attrs["id"].value == id)
    return item


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


def round_of(round_id: str, user_id: str = "plays", **changes: Any) -> Callable[[Books], object]:
    """A round's item with other attributes; None takes one out."""

    def do(books: Books) -> None:
        key = user_id, ledger.round_key(("slot", round_id))
        item = books.rounds[key] | changes
        books.rounds[key] = {name: value for name, value in item.items() if value is not None}

    return do


def without_round(round_id: str) -> Callable[[Books], object]:
    return lambda books: books.rounds.pop(("plays", ledger.round_key(("slot", round_id))))


def live(reference: str, taken: str, **more: Any) -> Callable[[Books], Any]:
    return lambda books: {"reference": f"{reference}{books.mark}", "taken": Decimal(taken), **more}


def with_bets(round_id: str, *bets: Callable[[Books], Any]) -> Callable[[Books], object]:
    """A round that has these live bets."""
    return lambda books: round_of(round_id, bets=[bet(books) for bet in bets])(books)


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


# By its number in the list of 33, and more of each sort.
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
    "until that is not whole where there is none": _of(
        kept("free", "alone", until=Decimal("7.5")), ("free rounds", None, "until of code alone is kept as 7.5")
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

# These leave a hole in the numbers, or a wallet without movements.
HOLES: Mapping[str, Callable[[Books], object]] = {
    "2 a deposit": lambda books: books.wallets["421"].update(
        cash=books.wallets["421"]["cash"] + 1000, version=books.wallets["421"]["version"] + 1
    ),
    "3 one in the middle deleted": lambda books: books.transactions.pop("result#r-3"),
    "4 the last deleted": lambda books: books.transactions.pop("result#r-4"),
    "5 the first deleted": lambda books: books.transactions.pop("result#r-1"),
    "29 a wallet copied": lambda books: books.wallets.update(copied=books.wallets["421"] | {"userId": "copied"}),
}


# --- The same, by somebody who computes everything again --------------------------------------------


@dataclass(frozen=True)
class Forgery:
    """Something done to the ledgers of `players`, and where it must be named: by an id or a `seq` of that player.

    `place` is None where only the player can be named. The tamperer does it as in `do`, and as in `again` if everything
    is computed again. If it `stays`, only the digests are: anything more would undo it. It is named without an anchor
    then, and so is what `shows`. `hidden`: it needs an anchor as it is, too. `unnamed` says why nothing names it.
    `undone`: to compute everything again leaves the ledger as it was.
    """

    do: Callable[[Books], object]
    place: str | int | None = None
    players: tuple[str, ...] = ("421",)
    again: Callable[[Books], object] | None = None
    stays: bool = False
    shows: bool = False
    hidden: bool = False
    undone: bool = False
    unnamed: str = ""

    @property
    def needs_anchor(self) -> bool:
        return not (self.stays or self.shows)

    def compute(self, books: Books) -> None:
        (self.again or self.do)(books)
        for player in {*self.players, *books.wallets}:
            (books.link_again if self.stays else books.compute_again)(player)


def listed(name: str) -> Callable[[Books], object]:
    return LISTED[name].do


def asked(id: str, amount: str, **changes: Any) -> Callable[[Books], object]:
    """Another amount, asked and paid."""
    return change(id, amount=Decimal(amount), amountAsked=Decimal(amount), **changes)


def deleted(*ids: str) -> Callable[[Books], object]:
    return lambda books: [books.transactions.pop(id) for id in ids]


def each(*does: Callable[[Books], object]) -> Callable[[Books], object]:
    return lambda books: [do(books) for do in does]


def copied(id: str, to: str, **changes: Any) -> Callable[[Books], object]:
    """A record again, under another id."""

    def do(books: Books) -> None:
        books.transactions[to] = _under(f"{to}{books.mark}", books.transactions[id])
        books.set(to, **changes)

    return do


def at(id: str, seq: str) -> Callable[[Books], object]:
    """A record with another number: a half comes before the next whole one."""
    return change(id, seq=Decimal(seq))


def spelled(id: str, **fields: Any) -> Callable[[Books], object]:
    """A request with other fields, and its digest to match."""

    def do(books: Books) -> None:
        books.said(id, **fields)
        books.set(id, requestDigest=chain.digest_of(books.transactions[id]["request"]))

    return do


def paid_after_all(id: str, **changes: Any) -> Callable[[Books], object]:
    """What was settled without money, as a movement at the end."""
    return lambda books: books.set(
        id, outcome=None, seq=Decimal(99), amount=books.transactions[id]["amountAsked"], cashAfter=Decimal(0),
        bonusAfter=Decimal(0), **changes,
    )  # fmt: skip


def unpaid(id: str, outcome: str) -> Callable[[Books], object]:
    """A movement, as what was settled without money."""
    return change(id, outcome=outcome, seq=None, amount=Decimal(0), cashAfter=None, bonusAfter=None, digest=None)


def rolled_back(books: Books) -> None:
    for id in ("result#r-3", "result#r-4"):
        books.transactions.pop(id)
    of = books.transactions["bonus#b-1"]
    books.wallets["421"].update(cash=of["cashAfter"], bonus=of["bonusAfter"], version=of["seq"])


def copied_wallet(books: Books) -> None:
    books.wallets["copied"] = books.wallets["421"] | {"userId": f"copied{books.mark}"}


def wiped_out(books: Books) -> None:
    del books.wallets["421"]
    books.transactions.clear()
    books.free_rounds.clear()
    books.rounds.clear()


def poor_wallet(books: Books) -> None:
    books.wallets["rich"] = books.wallets["421"] | {"userId": f"rich{books.mark}", "version": Decimal(0)}
    del books.wallets["rich"]["digest"]


def other_owner(id: str, to: str) -> Callable[[Books], object]:
    return lambda books: books.set(id, userId=to)


def renamed(id: str, to: str, **fields: Any) -> Callable[[Books], object]:
    def do(books: Books) -> None:
        if id in books.transactions:
            books.renamed(id, to)
        if fields:
            books.said(to, **fields)

    return do


def another_player(books: Books) -> None:
    books.wallets["renamed"] = books.wallets.pop("421") | {"userId": f"renamed{books.mark}"}
    for id in books.transactions:
        books.set(id, userId="renamed")


def swapped(one: str, other: str) -> Callable[[Books], object]:
    def do(books: Books) -> None:
        first, second = books.transactions[one]["seq"], books.transactions[other]["seq"]
        books.set(one, seq=second)
        books.set(other, seq=first)

    return do


def in_capitals(id: str, name: str) -> Callable[[Books], object]:
    return lambda books: books.set(id, **{name: books.transactions[id][name].upper()})


def of_a_result(books: Books) -> None:
    books.renamed("jackpot#j-1", "result#j-1")
    books.set("result#j-1", jackpotId=None)
    details = {"gameName": "game", "currency": "USD", "roundDetails": "spin", "uuid": "u-1", "sessionId": "s"}
    books.said("result#j-1", jackpotId=None, **details)


def lowered_total(books: Books) -> None:
    books.set("bonus#t-10", amountAsked=books.transactions["bonus#t-10"]["amount"])


def made_up(id: str, seq: str = "99", of: str = "result#r-4") -> Callable[[Books], object]:
    """A win that nobody sent. With a half, it comes before the anchor."""

    def do(books: Books) -> None:
        copied(of, id, seq=Decimal(seq))(books)
        last = books.transactions[of]
        if seq == "99":
            books.set(id, seq=last["seq"] + 1, cashAfter=last["cashAfter"] + last["amount"])
            wallet = books.wallets[last["userId"].removesuffix(books.mark)]
            wallet.update(cash=wallet["cash"] + last["amount"], version=wallet["version"] + 1)

    return do


AFTER = "made up after the anchor: only the provider's report or the operator's own books show it"

HUGE = "99999999999999999999.9"
NO_MONEY = "it moves no money, and only the round says so"
AND_ITS_ROUND = each(deleted("bet#refund-2"), without_round("p-unknown"))

BETS: dict[str, Forgery] = {
    name: replace(forgery, players=("plays", *forgery.players[1:]))
    for name, forgery in {
        "a stake removed": Forgery(deleted("bet#lost"), 2),
        "a stake removed, with what was paid back": Forgery(deleted("bet#undone", "cancel#undone"), 5),
        "a stake lowered": Forgery(asked("bet#open", "-1"), "bet#open"),
        "a stake that was given": Forgery(asked("bet#open", "3"), "bet#open", stays=True),
        "a stake of a free round": Forgery(change("bet#free", amount=Decimal(-2)), "bet#free", undone=True),
        "a stake moved to another round": Forgery(change("bet#open", roundId="p-lost"), "bet#open"),
        "a stake under another reference": Forgery(renamed("bet#undone", "bet#other"), "cancel#undone", shows=True),
        "a stake of another player": Forgery(
            other_owner("bet#undone", "421"), "cancel#undone", ("plays", "421"), shows=True
        ),
        "what was paid back removed": Forgery(deleted("cancel#undone"), 6),
        "what was paid back raised": Forgery(asked("cancel#undone", "9"), "cancel#undone", shows=True),
        "what was paid back, twice under another reference": Forgery(
            copied("cancel#undone", "cancel#again", seq=Decimal("6.5")), "cancel#again", shows=True
        ),
        "what was paid back to another player": Forgery(
            other_owner("cancel#undone", "421"), "cancel#undone", ("plays", "421"), shows=True
        ),
        "what was paid back of another round": Forgery(
            change("cancel#undone", roundId="p-lost"), "cancel#undone", shows=True
        ),
        "what was paid back with a code": Forgery(
            change("cancel#undone", bonusCode="spins"), "cancel#undone", shows=True
        ),
        "what was paid back before its bet": Forgery(
            swapped("bet#undone", "cancel#undone"), "cancel#undone", shows=True
        ),
        "what was paid back of a refused bet": Forgery(
            copied("cancel#undone", "cancel#too-much", seq=Decimal("6.5")), "cancel#too-much", shows=True
        ),
        "what was paid back of a bet that never came": Forgery(
            copied("cancel#undone", "cancel#never-came", seq=Decimal("6.5")), "cancel#never-came", shows=True
        ),
        "what was paid back had other company": Forgery(
            change("cancel#second", arrivedWith="cancel#undone"), "cancel#second", shows=True
        ),
        "what was paid back by nobody": Forgery(change("cancel#second", arrivedWith=None), "cancel#second", stays=True),
        "what was paid back, less than its refund says": Forgery(
            deleted("bet#second", "cancel#second"), "cancel#first", shows=True
        ),
        "what was paid back, as booked elsewhere": Forgery(
            each(unpaid("cancel#undone", "booked elsewhere"), change("cancel#undone", actor="a", reason="b")), 6
        ),
        "what was booked elsewhere, paid back after all": Forgery(
            paid_after_all("cancel#elsewhere"), "cancel#elsewhere"
        ),
        "a memory removed": Forgery(deleted("bet#never-came")),
        "a memory that names no round removed": Forgery(deleted("bet#never-said"), "bet#never-said", hidden=True),
        "a memory of a refund removed": Forgery(deleted("bet#refund-1"), "cancel#alone", shows=True),
        "a memory of an unknown round's refund removed": Forgery(
            deleted("bet#refund-2"), hidden=True, again=AND_ITS_ROUND
        ),
        "a memory that is a bet after all": Forgery(
            change("bet#never-came", outcome="not enough", amountAsked=Decimal(-5)), "bet#never-came", stays=True
        ),
        "a refusal removed": Forgery(deleted("bet#too-much")),
        "a refusal of a free round": Forgery(change("bet#too-much", bonusCode="spins"), "bet#too-much", stays=True),
        "a code that is not its bet's": Forgery(
            change("result#of-lost", bonusCode="spins"), "result#of-lost", stays=True
        ),
        "a code that was its bet's, taken": Forgery(change("result#of-free", bonusCode=None), "result#of-free"),
        "a paid back bet live again": Forgery(with_bets("p-undone", live("undone", "4")), "bet#undone", undone=True),
        "a bet after the refund of its round": Forgery(
            each(change("bet#lost", roundId="p-two"), swapped("bet#lost", "bet#elsewhere")), "bet#lost", shows=True
        ),
        "a win after every bet was cancelled": Forgery(
            change("result#of-won", roundId="p-undone"), "result#of-won", shows=True
        ),
        "wins of a round whose sum no database holds": Forgery(
            each(asked("result#of-won", HUGE), asked("result#of-lost", HUGE, roundId="p-won")), "result#of-won"
        ),
        "a stake that no database holds": Forgery(
            each(asked("bet#undone", f"-{HUGE}"), asked("cancel#undone", HUGE)), "bet#undone", shows=True
        ),
        "a live bet forgotten": Forgery(with_bets("p-open"), "bet#open", undone=True),
        "a live bet that took more": Forgery(with_bets("p-open", live("open", "9")), "bet#open", undone=True),
        "a live bet that took nothing that can be read": Forgery(with_bets("p-open", live("open", "-3")), undone=True),
        "a live bet with a code": Forgery(
            with_bets("p-open", live("open", "3", bonusCode="spins")), "bet#open", undone=True
        ),
        "a live bet of another round": Forgery(
            with_bets("p-open", live("open", "3"), live("lost", "5")), "bet#lost", undone=True
        ),
        "winnings raised": Forgery(round_of("p-won", winnings=Decimal(5)), "result#of-won", undone=True),
        "winnings lowered": Forgery(round_of("p-won", winnings=Decimal(0)), "result#of-won", undone=True),
        "winnings of nothing": Forgery(round_of("p-open", winnings=Decimal(1)), undone=True),
        "winnings as a text": Forgery(round_of("p-won", winnings="4"), undone=True),
        "an open round removed": Forgery(without_round("p-open"), "bet#open", undone=True),
        "a round removed": Forgery(without_round("p-lost"), undone=True),
        "a round of a refusal removed": Forgery(without_round("p-poor"), undone=True),
        "a round of a memory removed": Forgery(without_round("p-never"), undone=True),
        "a bet that it did not have": Forgery(round_of("p-ended", hadBet=True), undone=True),
        "a bet that it says it had not": Forgery(round_of("p-lost", hadBet=None), "bet#lost", undone=True),
        "a refusal that it did not have": Forgery(round_of("p-lost", hadRefusedBet=True), undone=True),
        "a refusal that it says it had not": Forgery(
            round_of("p-poor", hadRefusedBet=None), "bet#too-much", undone=True
        ),
        "a result that it did not have": Forgery(round_of("p-open", hasResult=True), undone=True),
        "a result that it says it had not": Forgery(round_of("p-won", hasResult=None), "result#of-won", undone=True),
        "a refund that was not": Forgery(round_of("p-ended", refunded=True), hidden=True, unnamed=NO_MONEY),
        "a refund of a live bet": Forgery(round_of("p-open", refunded=True), "bet#open", shows=True),
        "a refund forgotten": Forgery(round_of("p-two", refunded=None), "cancel#second", shows=True),
        "a refund of one bet forgotten": Forgery(round_of("p-alone", refunded=None), "cancel#alone", shows=True),
        "an end that was not": Forgery(round_of("p-lost", ended=True), hidden=True, unnamed=NO_MONEY),
        "a flag that is a text": Forgery(round_of("p-lost", hadBet="true"), undone=True),
        "since when it is open, taken": Forgery(round_of("p-open", openSince=None), undone=True),
        "since when it is open, another day": Forgery(
            round_of("p-open", openSince="2026-11-29T00:00:00.000+00:00"), undone=True
        ),
        "since when it is open, where it is not": Forgery(
            round_of("p-lost", openSince="2026-11-30T00:00:00.000+00:00"), undone=True
        ),
        "an end of an open round's days": Forgery(round_of("p-open", expiresAt=Decimal(1)), undone=True),
        "an end of its days too early": Forgery(round_of("p-lost", expiresAt=Decimal(1)), undone=True),
        "an end of its days taken": Forgery(round_of("p-lost", expiresAt=None), undone=True),
        "a round under another key": Forgery(round_of("p-open", round="4:slotp-other"), undone=True),
    }.items()
}

# By the number of the list.
FORGERIES: dict[str, Forgery] = {
    "1 cash + 1": Forgery(listed("1 cash + 1"), "result#r-4", again=asked("result#r-4", "3.5")),
    "2 a deposit": Forgery(
        HOLES["2 a deposit"], 11, again=copied("opening#421", "deposit#d", seq=Decimal("4.5"), bonusAmount=None)
    ),
    "3 one in the middle deleted": Forgery(deleted("result#r-3"), 9),
    "4 the last deleted": Forgery(deleted("result#r-4"), 10),
    "5 the first deleted": Forgery(deleted("opening#421"), 1, shows=True),
    "6 amounts + 5, and all that follows": Forgery(listed("6 amounts + 5, and all that follows"), "jackpot#j-1"),
    "7 the first amounts raised": Forgery(asked("opening#421", "99999.99"), "opening#421"),
    "8 the first amounts set to 0": Forgery(asked("opening#421", "0"), "opening#421"),
    "9 the last moved to another player": Forgery(
        other_owner("result#r-4", "hand"), "result#r-4", players=("421", "hand")
    ),
    "10 a transactionId": Forgery(listed("10 a transactionId"), "promo#pr-1", stays=True),
    "11 an empty request": Forgery(listed("11 an empty request"), "promo#pr-1", shows=True),
    "12 round and game": Forgery(listed("12 round and game"), "jackpot#j-1"),
    "13 the times": Forgery(
        lambda books: books.set(
            "result#r-1", timestamp="1", recordedAt=books.transactions["jackpot#j-1"]["recordedAt"]
        ),
        "result#r-1",
    ),
    "14 copied under another reference": Forgery(listed("14 copied under another reference"), "jackpot#j-2"),
    "15 the kind": Forgery(listed("15 the kind, jackpot to result"), "result#j-1", again=of_a_result),
    "16 a count": Forgery(listed("16 a count"), players=("free",), stays=True),
    "17 a count of 0 deleted": Forgery(listed("17 a count of 0 taken"), players=("free",), stays=True),
    "18 a count of nobody": Forgery(
        lambda books: books.free_rounds.update(
            {
                ("421", "none"): {
                    "userId": f"421{books.mark}",
                    "bonusCode": "none",
                    "uncovered": Decimal(1),
                    "advance": Decimal(0),
                    "lastRounds": [],
                }
            }
        ),
        stays=True,
    ),
    "19 a bonus code": Forgery(listed("19 a bonus code"), "result#f-3", players=("free",)),
    "20 the wallet's currency": Forgery(listed("20 the wallet's currency"), stays=True),
    "21 the wallet's and its transactions' currency": Forgery(
        lambda books: [
            books.wallets["421"].update(currency="EUR"),
            *(books.set(id, currency="EUR") for id in books.transactions),
        ],
        "result#r-1",
    ),
    "22 a made-up win": Forgery(made_up("result#new"), "result#new", again=made_up("result#new", "9.5")),
    "22 a made-up win at the end": Forgery(made_up("result#new"), "result#new", unnamed=AFTER),
    "23 a player wiped out": Forgery(wiped_out, hidden=True),
    "24 a wallet set back": Forgery(listed("24 a wallet set back"), 10, again=rolled_back),
    "25 a rollback": Forgery(rolled_back, "bonus#b-1"),
    "26 a prize arrived with nothing": Forgery(listed("26 a prize arrived with nothing"), "promo#p-1", stays=True),
    "27 autoClosed": Forgery(listed("27 autoClosed"), "result#r-1"),
    "28 two neighbours' amounts": Forgery(listed("28 two neighbours' amounts"), "result#r-3"),
    "29 a wallet copied": Forgery(copied_wallet, players=("421",), stays=True),
    "30 a wallet without a movement": Forgery(poor_wallet, stays=True),
    "31 bonus + 5": Forgery(
        listed("31 bonus + 5"), "result#r-4", again=change("opening#421", bonusAmount=Decimal("104.99"))
    ),
    "32 a total asked only what was paid": Forgery(lowered_total, "bonus#t-10", players=("free",)),
    "33 an unknown kind": Forgery(copied("result#r-4", "gift#1"), "gift#1", shows=True),
}

BANK, HAND = ("bank",), ("hand",)
SOMEBODY_ELSES = "0123456789abcdef" * 4

# Beyond the list.
FORGERIES |= {
    # What was settled without money.
    "a refusal deleted": Forgery(deleted("withdrawal#w-refused"), "withdrawal#w-refused", hidden=True, players=BANK),
    "a booked reference made free again": Forgery(
        deleted("jackpot#h-elsewhere"), "jackpot#h-elsewhere", hidden=True, players=HAND
    ),
    "a refusal paid": Forgery(
        paid_after_all("withdrawal#w-refused"),
        "withdrawal#w-refused",
        again=each(
            copied("deposit#d-2", "deposit#big", seq=Decimal("9.5"), amountAsked=Decimal(2000)),
            paid_after_all("withdrawal#w-refused"),
        ),
        players=BANK,
    ),
    "a booked win paid": Forgery(paid_after_all("jackpot#h-elsewhere"), "jackpot#h-elsewhere", players=HAND),
    "a withdrawal made a refusal": Forgery(unpaid("withdrawal#w-3", "not enough"), 10, players=BANK),
    "a win made one booked elsewhere": Forgery(
        unpaid("jackpot#h-5", "booked elsewhere"),
        7,
        again=each(unpaid("jackpot#h-5", "booked elsewhere"), change("jackpot#h-5", actor="anna", reason="ticket 8")),
        players=HAND,
    ),
    "what was refused": Forgery(
        change("withdrawal#w-refused", amountAsked=Decimal(-999)), "withdrawal#w-refused", players=BANK
    ),
    "a refusal made one booked elsewhere": Forgery(
        change("withdrawal#w-refused", outcome="booked elsewhere"), "withdrawal#w-refused", shows=True, players=BANK
    ),
    "an unknown outcome": Forgery(
        change("withdrawal#w-refused", outcome="lost"), "withdrawal#w-refused", players=BANK, stays=True
    ),
    "a refusal of another player": Forgery(
        other_owner("withdrawal#w-refused", "hand"), "withdrawal#w-refused", players=("bank", "hand"), shows=True
    ),
    "who booked elsewhere": Forgery(
        change("jackpot#h-elsewhere", actor="otto"), "jackpot#h-elsewhere", hidden=True, players=HAND
    ),
    "why it was booked elsewhere": Forgery(
        change("jackpot#h-elsewhere", reason="ticket 9"), "jackpot#h-elsewhere", hidden=True, players=HAND
    ),
    "a refusal that moved money": Forgery(
        change("withdrawal#w-refused", amount=Decimal(-1)), "withdrawal#w-refused", players=BANK, stays=True
    ),
    "a refusal with a number": Forgery(
        change("withdrawal#w-refused", seq=Decimal(11)), "withdrawal#w-refused", players=BANK, stays=True
    ),
    "a refusal with a digest": Forgery(
        change("withdrawal#w-refused", digest=SOMEBODY_ELSES), "withdrawal#w-refused", players=BANK, stays=True
    ),
    "a movement with an outcome": Forgery(
        change("withdrawal#w-1", outcome="not enough"), "withdrawal#w-1", players=BANK, stays=True
    ),
    "when it was refused": Forgery(
        lambda books: books.set("withdrawal#w-refused", recordedAt=books.transactions["deposit#d-1"]["recordedAt"]),
        "withdrawal#w-refused",
        hidden=True,
        players=BANK,
    ),
    "a win made up as booked elsewhere": Forgery(
        copied("jackpot#h-elsewhere", "jackpot#x"), "jackpot#x", players=HAND, unnamed=AFTER
    ),
    "a made-up refusal": Forgery(
        copied("withdrawal#w-refused", "withdrawal#x"), "withdrawal#x", unnamed=AFTER, players=BANK
    ),
    # Prizes that came later.
    "a later prize taken": Forgery(
        change("result#h-3", laterPrizeReference=None, laterPrizeAmount=None), "promo#h-prize", players=HAND, stays=True
    ),
    "a later prize in dispute taken": Forgery(
        change("result#h-4", laterPrizeReference=None, laterPrizeAmount=None), "result#h-4", hidden=True, players=HAND
    ),
    "a later prize's amount": Forgery(
        change("result#h-3", laterPrizeAmount="5"), "promo#h-prize", players=HAND, stays=True
    ),
    "the amount of a later prize in dispute": Forgery(
        change("result#h-4", laterPrizeAmount="8"), "result#h-4", hidden=True, players=HAND
    ),
    "the reference of a later prize in dispute": Forgery(
        change("result#h-4", laterPrizeReference="h-2"), "result#h-4", hidden=True, players=HAND
    ),
    "a later prize of nothing": Forgery(
        change("result#r-1", laterPrizeReference="x", laterPrizeAmount="5"), "result#r-1", stays=True
    ),
    "a later prize made up": Forgery(
        change("result#r-1", laterPrizeReference="pr-1", laterPrizeAmount="8"),
        "result#r-1",
        hidden=True,
        unnamed="it is as if a prize in dispute had come after the anchor: a person decides about the next one",
    ),
    "a later prize beside the first": Forgery(
        change("result#r-2", laterPrizeReference="p-1", laterPrizeAmount="4.5"), "result#r-2", stays=True
    ),
    "a prize taken, and its amount made no number": Forgery(
        each(change("result#r-2", prizeAmount="much"), deleted("promo#p-1")), "result#r-2", stays=True
    ),
    "a later prize of a jackpot": Forgery(
        change("jackpot#j-1", laterPrizeReference="pr-1", laterPrizeAmount="8"), "jackpot#j-1", stays=True
    ),
    "a later prize as a number": Forgery(
        change("result#h-4", laterPrizeAmount=Decimal(9)), "result#h-4", players=HAND, stays=True
    ),
    # Who, why, and what was said.
    "an actor": Forgery(change("deposit#d-1", actor="otto"), "deposit#d-1", players=BANK),
    "a reason": Forgery(change("withdrawal#w-1", reason="x"), "withdrawal#w-1", players=BANK),
    "who settled": Forgery(change("result#h-1", actor="otto"), "result#h-1", players=HAND),
    "who settled, taken": Forgery(
        change("result#h-1", actor=None, reason=None), "result#h-1", shows=True, players=HAND
    ),
    "details of a deposit": Forgery(say("deposit#d-1", details={"iban": "MT99"}), "deposit#d-1", players=BANK),
    "a request erased with its digest": Forgery(
        change("deposit#d-1", request=None, requestDigest=None), "deposit#d-1", players=BANK, stays=True
    ),
    "the digest of an erased request": Forgery(
        change("deposit#d-erased", requestDigest=SOMEBODY_ELSES), "deposit#d-erased", players=BANK
    ),
    "another request for an erased one": Forgery(
        lambda books: books.set("deposit#d-erased", request=books.transactions["deposit#d-2"]["request"]),
        "deposit#d-erased",
        players=BANK,
    ),
    "a request's digest taken": Forgery(
        change("deposit#d-1", requestDigest=None),
        "deposit#d-1",
        shows=True,
        again=each(change("deposit#d-1", request="[]"), change("deposit#d-1", requestDigest=None)),
        players=BANK,
    ),
    "a request written otherwise": Forgery(
        lambda books: books.set("deposit#d-1", request=books.transactions["deposit#d-1"]["request"] + " "),
        "deposit#d-1",
        players=BANK,
    ),
    "a mark before a request": Forgery(
        lambda books: books.set("deposit#d-1", request="\ufeff" + books.transactions["deposit#d-1"]["request"]),
        "deposit#d-1",
        players=BANK,
    ),
    "an unknown field of a deposit": Forgery(
        say("deposit#d-2", note="x"), "deposit#d-2", again=spelled("deposit#d-2", note="x"), players=BANK, stays=True
    ),
    # Digests.
    "a digest taken": Forgery(change("result#r-1", digest=None), "result#r-1", undone=True),
    "a digest in capitals": Forgery(in_capitals("result#r-1", "digest"), "result#r-1", undone=True),
    "a digest of another type": Forgery(change("result#r-1", digest=True), "result#r-1", undone=True),
    "a request's digest in capitals": Forgery(in_capitals("result#r-1", "requestDigest"), "result#r-1", undone=True),
    "somebody else's digest": Forgery(change("result#r-4", digest=SOMEBODY_ELSES), "result#r-4", undone=True),
    "the wallet's digest": Forgery(wallet("421", digest=SOMEBODY_ELSES), "result#r-4", undone=True),
    "the wallet's digest taken": Forgery(lambda books: books.wallets["421"].pop("digest"), "result#r-4", undone=True),
    # Amounts, and what they leave.,
    "an opening raised": Forgery(asked("opening#bank", "1000100"), "opening#bank", players=BANK),
    "an opening's bonus": Forgery(change("opening#bank", bonusAmount=Decimal(6)), "opening#bank", players=BANK),
    "an opening's bonus taken": Forgery(change("opening#bank", bonusAmount=None), "opening#bank", players=BANK),
    "a withdrawal made smaller": Forgery(asked("withdrawal#w-1", "-29"), "withdrawal#w-1", players=BANK),
    "a withdrawal below zero": Forgery(asked("withdrawal#w-2", "-200"), "withdrawal#w-2", shows=True, players=BANK),
    "a withdrawal that pays": Forgery(asked("withdrawal#w-2", "20"), "withdrawal#w-2", shows=True, players=BANK),
    "a deposit that takes": Forgery(asked("deposit#d-2", "-20"), "deposit#d-2", shows=True, players=BANK),
    "a win that takes": Forgery(asked("result#r-1", "-20"), "result#r-1", shows=True),
    "an adjustment below zero": Forgery(
        say("adjustment#a-below", belowZero=None), "adjustment#a-below", shows=True, players=BANK
    ),
    "an adjustment's bonus": Forgery(change("adjustment#a-1", bonusAmount=Decimal(3)), "adjustment#a-1", players=BANK),
    "a bonus of a deposit": Forgery(
        change("deposit#d-1", bonusAmount=Decimal(3)), "deposit#d-1", shows=True, players=BANK
    ),
    "less paid than was asked": Forgery(change("jackpot#j-1", amount=Decimal(999)), "jackpot#j-1", stays=True),
    # Numbers and order.
    "a second opening": Forgery(
        copied("opening#421", "opening#again", seq=Decimal("4.5")), "opening#again", shows=True
    ),
    "an opening that is not the first": Forgery(at("opening#421", "2.5"), "opening#421", shows=True),
    "a first movement that opens nothing": Forgery(
        renamed("opening#421", "deposit#421"),
        "deposit#421",
        shows=True,
        again=each(renamed("opening#421", "deposit#421"), change("deposit#421", bonusAmount=None)),
    ),
    "a movement of another player in the middle": Forgery(
        other_owner("jackpot#j-1", "hand"), "jackpot#j-1", players=("421", "hand")
    ),
    "two movements in the other order": Forgery(swapped("result#r-3", "result#r-4"), "result#r-3"),
    "the deposit and the withdrawal after it in the other order": Forgery(
        swapped("deposit#d-1", "withdrawal#w-1"), "deposit#d-1", players=BANK
    ),
    "a number of nothing": Forgery(at("result#r-4", "12"), 10, stays=True),
    "the last two numbers exchanged for later ones": Forgery(
        each(at("result#r-3", "19"), at("result#r-4", "20")), 9, stays=True
    ),
    "numbers from 0 on": Forgery(at("opening#421", "0"), "opening#421", stays=True),
    "a copy under another case": Forgery(
        copied("result#r-4", "result#R-4"), "result#R-4", again=copied("result#r-4", "result#R-4", seq=Decimal("9.5"))
    ),
    "a kind in capitals": Forgery(renamed("result#r-4", "Result#r-4"), "Result#r-4", shows=True),
    "a reference with a space": Forgery(renamed("jackpot#j-1", "jackpot# j-1"), "jackpot# j-1"),
    "another player's name for all of it": Forgery(another_player, "opening#421"),
    "a wallet deleted": Forgery(lambda books: books.wallets.pop("421", None), None, stays=True),
    "a version back": Forgery(wallet("421", version=Decimal(9)), 10, undone=True),
    # Types and attributes.
    "an unknown attribute": Forgery(change("result#r-1", note="x"), "result#r-1"),
    "an unknown attribute of another type": Forgery(change("result#r-1", note=True), "result#r-1"),
    "an amount as a text": Forgery(change("result#r-1", amount="10.1"), "result#r-1", stays=True),
    "an amount asked as a text": Forgery(change("result#r-1", amountAsked="10.1"), "result#r-1", stays=True),
    "a number as a text": Forgery(change("result#r-1", seq="2"), "result#r-1", stays=True),
    "a balance as a text": Forgery(
        lambda books: books.set("result#r-1", cashAfter=f"{books.transactions['result#r-1']['cashAfter']}"),
        "result#r-1",
        stays=True,
    ),
    "a bonus as a text": Forgery(change("opening#421", bonusAmount="99.99"), "opening#421", stays=True),
    "a jackpot as a number": Forgery(change("jackpot#j-1", jackpotId=Decimal(568)), "jackpot#j-1", stays=True),
    "a jackpot as a number, without its request": Forgery(
        change("jackpot#j-1", jackpotId=Decimal(568), request=None), "jackpot#j-1", stays=True
    ),
    "a campaign as a number": Forgery(change("promo#pr-1", campaignId=Decimal(5103188801)), "promo#pr-1", stays=True),
    "a timestamp as a number": Forgery(
        change("result#r-1", timestamp=Decimal(1482429190374)), "result#r-1", stays=True
    ),
    "autoClosed as a text": Forgery(change("result#a-1", autoClosed="True"), "result#a-1", stays=True),
    "autoClosed that is false": Forgery(change("result#r-1", autoClosed=False), "result#r-1", stays=True),
    "the wallet's balance as a text": Forgery(
        lambda books: books.wallets["421"].update(cash=f"{books.wallets['421']['cash']}"), undone=True
    ),
    "the currency of one": Forgery(change("result#r-1", currency="EUR"), "result#r-1", shows=True),
    "the currency of one in small letters": Forgery(change("jackpot#j-1", currency="usd"), "jackpot#j-1", stays=True),
    "the currency of one taken": Forgery(change("jackpot#j-1", currency=None), "jackpot#j-1", stays=True),
    "a moment in another form": Forgery(
        change("result#r-1", recordedAt="2026-11-30T08:00:00Z"), "result#r-1", shows=True
    ),
    "a moment": Forgery(
        lambda books: books.set("result#r-3", recordedAt=books.transactions["result#r-4"]["recordedAt"]), "result#r-3"
    ),
    "an owner taken": Forgery(change("result#r-4", userId=None), "result#r-4", again=deleted("result#r-4")),
    **BETS,
}
