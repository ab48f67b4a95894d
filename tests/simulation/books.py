"""What is right: every wallet, transaction and free round count as it must be, by tests/contract.py.

They are kept up with each write, and hold items as DynamoDB does, so that comparing is quick.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

from contract import Contract, Count, Credit, Due, Record, Refused, Wallet, digest_of, sha256, written

from .script import ByHand, Delivery

Item = dict[str, Any]
HARDLY_MORE = 10**19  # with eighteen decimals, a balance of this has nearly as many digits as it can have
CONTENT = ("gameId", "roundId", "bonusCode", "jackpotId", "campaignId")
Balances = tuple[str, str]  # cash and bonus, as they are answered
NOTHING: Balances = ("0", "0")  # what who has no wallet has


@dataclass
class Books:
    """`history` is each wallet's balances so far, from before it was there."""

    contract: Contract = field(default_factory=Contract)
    items: dict[str, Item] = field(default_factory=dict)  # transactions by id
    history: dict[str, list[Balances]] = field(default_factory=dict)
    digests: dict[str, str] = field(default_factory=dict)  # of each wallet's last movement
    spoiled: set[tuple[str, ...]] = field(default_factory=set)  # the keys of items that nothing can be added to
    _recorded_at: dict[str, int] = field(default_factory=dict)  # where in the player's history a transaction was

    def set_wallet(self, player: str, wallet: Wallet) -> None:
        self.contract.wallets[player] = wallet
        self.history.setdefault(player, [NOTHING]).append((written(wallet.cash), written(wallet.bonus)))

    def verdict(self, delivery: Delivery, *, arrives: bool = False) -> int:
        """What it must be answered with the books as they are; 998 may be the answer to anything, with an excuse.

        When it `arrives` it must have a hash or a uuid, where one is asked for; what is kept has no hash any more.
        """
        if refusal := self.refusal(delivery, arrives=arrives):
            return 0 if self._is_recalled(delivery) else refusal
        return self._verdict(delivery.credit)

    @staticmethod
    def refusal(delivery: Delivery, *, arrives: bool = False) -> int | None:
        """What is wrong with it, whatever is on record."""
        lacks_hash = arrives and delivery.lacks_uuid and not delivery.is_signed
        return 64 if lacks_hash else delivery.refusal

    def _is_recalled(self, delivery: Delivery) -> bool:
        """Whether a person has settled what cannot be read in full: then it is a replay, if anything can be read."""
        known = delivery.by_hand and self.contract.recorded(delivery.by_hand)
        if delivery.by_hand and known and self._is_unreadable(delivery.by_hand, known):
            return False
        return self._is_settled_by_hand(delivery)

    def _is_settled_by_hand(self, delivery: Delivery) -> bool:
        if delivery.by_hand is None or (known := self.contract.recorded(delivery.by_hand)) is None:
            return False
        return known.credit.actor is not None and self._is_on_record(delivery.by_hand)

    def _verdict(self, credit: Credit) -> int:
        try:
            known = self.contract.decide(credit).known
        except Refused as refused:
            is_unreadable = refused.error == 52 and ("Players", credit.player) in self.spoiled
            return 998 if is_unreadable else refused.error
        if self._is_unreadable(credit, known):
            return 998
        if known:
            return 15 if known.outcome == "not enough" else 0
        return self._tried(credit)

    def _is_unreadable(self, credit: Credit, known: Record | None) -> bool:
        """Whether nothing can be answered but that it is not possible: what must be read of it is spoilt."""
        if not self.spoiled:
            return False
        if known:
            has_balances = known.outcome is None and ("Transactions", credit.id) not in self.spoiled
            return ("Players", credit.player) in self.spoiled and not has_balances
        counts = credit.bonus_code and not credit.booked_elsewhere
        free_rounds = ("FreeRounds", credit.player, credit.bonus_code)
        return ("Players", credit.player) in self.spoiled or bool(counts and free_rounds in self.spoiled)

    def is_rich(self, player: str) -> bool:
        """Whether nearly nothing can be added to what the player has."""
        wallet = self.contract.wallets.get(player)
        return wallet is not None and wallet.cash > HARDLY_MORE

    def _tried(self, credit: Credit) -> int:
        """Whether there is enough to take, and a balance has not more digits than there can be."""
        if credit.amount >= 0 and not self.is_rich(credit.player):
            return 0
        wallet = self.contract.wallets.get(credit.player)
        trial = Contract(wallets={credit.player: wallet} if wallet else {})
        try:
            record, _ = trial.write(trial.decide(credit))
        except Refused as refused:
            return refused.error
        return 15 if record.outcome == "not enough" else 0

    def dispute(self, delivery: Delivery) -> int | None:
        """Why its prize is left for a person, if it is. It never holds back the win."""
        asked = delivery.asked
        if asked is None or asked.prize is None:
            return None
        try:
            return self.contract.decide(asked).left
        except Refused:
            return self.contract.why_left(asked, self.contract.recorded(asked))

    def must_leave_prize(self, delivery: Delivery) -> bool:
        """Whether a prize is left for a person with it, and was not left before by another delivery."""
        if self.dispute(delivery) is None or (asked := delivery.asked) is None:
            return False
        recorded, prize = self.contract.recorded(asked), asked.prize
        is_noted = recorded is not None and recorded.credit.prize == prize
        is_on_record = prize and prize.credit and self.contract.recorded(prize.credit)
        return not is_noted or bool(is_on_record)

    def is_settled(self, delivery: Delivery) -> bool:
        """Whether what it asks for is on record, and nothing of it remains to be done."""
        return self._is_settled_by_hand(delivery) if delivery.refusal else self._is_on_record(delivery.credit)

    def is_lost(self, delivery: Delivery) -> bool:
        """Whether nothing is on record of what it asks for, however it is answered."""
        return delivery.asked is None or not self._is_on_record(delivery.asked)

    def _is_on_record(self, asked: Credit) -> bool:
        try:
            return not self.contract.decide(asked).changes
        except Refused:
            return False

    def balances_since(self, delivery: Delivery, moment: int) -> Sequence[Balances]:
        """What the player had from that moment of their history on, no sooner than it was settled."""
        asked = delivery.asked
        assert asked
        paid = [asked.id]
        if asked.prize and asked.prize.credit and not self.dispute(delivery):
            paid.append(asked.prize.credit.id)
        since = max(moment, *(self._recorded_at.get(id, 0) for id in paid))
        return self.history.get(asked.player, [NOTHING])[since:]

    def moment(self, player: str) -> int:
        return max(0, len(self.history.get(player, ())) - 1)

    def due(self, delivery: Delivery) -> Due | None:
        """What the delivery must be settled with; None if it must change nothing.

        What a person books elsewhere has read the wallet and does not write it: that may be spoilt meanwhile.
        """
        if delivery.refusal:
            return None
        needs_no_wallet = delivery.credit.booked_elsewhere and ("Players", delivery.credit.player) in self.spoiled
        if not needs_no_wallet and self.verdict(delivery) not in (0, 15):
            return None
        due = self.contract.decide(delivery.credit)
        return due if due.changes else None

    def write(
        self, due: Due, delivery: Delivery, found: Callable[[tuple[str, ...]], Item]
    ) -> dict[tuple[str, ...], Item]:
        """Settles it. Returns every item that must have been written, as it must be now, by its key.

        A transaction's name and time are as they are `found`: nobody can know them.
        """
        player, wallets = due.win.player, self.contract.wallets
        before = wallets.get(player)
        self.contract.write(due)
        must_be: dict[tuple[str, ...], Item] = {}
        for position, credit in enumerate(due.fresh):
            if (record := self.contract.recorded(credit)) is None:
                continue  # a prize that cannot be added exactly
            item = _transaction(record, delivery, with_request=not position)
            made = found(("Transactions", credit.id))
            item |= {name: made[name] for name in ("transactionId", "recordedAt") if name in made}
            if record.outcome is None:
                digest = digest_of(self.digests.get(player, ""), _plain(item))
                item["digest"] = {"S": digest}
                self.digests[player] = digest
            self.items[credit.id] = must_be["Transactions", credit.id] = item
            if record.outcome == "not enough":  # which is true of that wallet alone
                must_be["Players", player] = self.wallet_item(player)
            if record.count:
                assert credit.bonus_code
                must_be["FreeRounds", player, credit.bonus_code] = self.count_item(player, credit.bonus_code)
        if due.notes_prize:
            noted = {**self.items[due.win.id], **_encoded(_noted(due.win, "laterPrize"))}
            self.items[due.win.id] = must_be["Transactions", due.win.id] = noted
        if wallets.get(player) is not before:
            self.set_wallet(player, wallets[player])
            must_be["Players", player] = self.wallet_item(player)
        moment = self.moment(player)
        for key in must_be:
            if key[0] == "Transactions" and not due.win.booked_elsewhere:  # which waits for no wallet
                self._recorded_at.setdefault(key[1], moment)
        return must_be

    # --- As they must stand in the tables -----------------------------------------------------------

    def wallet_item(self, player: str) -> Item:
        wallet = self.contract.wallets[player]
        balances = {"cash": wallet.cash, "bonus": wallet.bonus, "version": wallet.version}
        digest = self.digests.get(player)
        return _encoded({"userId": player, "currency": wallet.currency, **balances, "digest": digest})

    def count_item(self, player: str, code: str) -> Item:
        return _encoded({"userId": player, "bonusCode": code, **_counted(self.contract.counts[player, code])})

    def tables(self) -> dict[str, dict[tuple[str, ...], Item]]:
        return {
            "Players": {("Players", player): self.wallet_item(player) for player in self.contract.wallets},
            "Transactions": {("Transactions", id): item for id, item in self.items.items()},
            "FreeRounds": {("FreeRounds", *key): self.count_item(*key) for key in self.contract.counts},
        }


def differing(delivery: Delivery, contract: Contract) -> list[list[str]]:
    """The fields in which a win, its prize's description or its prize contradicts what is on record, for each of them.

    Another one of them may be on record since the operator was told.
    """
    asked = delivery.asked
    prize = asked and asked.prize
    found: list[list[str]] = []
    for credit in (asked, prize and prize.credit):
        if credit and (recorded := contract.recorded(credit)):
            before = recorded.credit
            named = dict(zip(CONTENT, zip(credit.content, before.content, strict=True), strict=True))
            currencies = credit.currency, contract.currency_of(recorded)
            money = {"amount": (credit.amount, before.amount), "currency": currencies}
            pairs = {"userId": (credit.player, before.player), **money, **named}
            found.append([name for name, each in pairs.items() if None not in each and each[0] != each[1]])
            if prize and before.prize:
                pairs = {"promoWinReference": (before.prize.reference, prize.reference)}
                pairs["promoWinAmount"] = before.prize.amount, prize.amount
                found.append([name for name, each in pairs.items() if each[0] != each[1]])
    return found


def _transaction(record: Record, delivery: Delivery, *, with_request: bool) -> Item:
    """A record as it must be in the table, but for its name and time. Source: docs/ledger.md."""
    credit, wallet, moved = record.credit, record.wallet, record.outcome is None
    own = credit.currency_as_sent if record.outcome == "booked elsewhere" else None
    request = delivery.kept if with_request else None
    return _encoded(
        {
            "id": credit.id,
            "userId": credit.player,
            "seq": wallet.version if moved else None,
            "outcome": record.outcome,
            "amount": record.paid,
            "amountAsked": credit.amount,
            "bonusAmount": credit.bonus or None,
            "currency": own or wallet.currency or None,
            "cashAfter": wallet.cash if moved else None,
            "bonusAfter": wallet.bonus if moved else None,
            "uncoveredAfter": record.count and record.count.uncovered,
            "advanceAfter": record.count and record.count.advance,
            "actor": credit.actor,
            "reason": credit.reason,
            "request": request,
            "requestDigest": request and sha256(request),
            **({} if delivery.win.callback == "cashier" else _of_win(credit, delivery)),
            **_noted(credit),
        }
    )


def _of_win(credit: Credit, delivery: Delivery) -> Item:
    """What the record of the provider's win says of it."""
    win = delivery.win
    is_prize = credit.kind != win.callback
    return {
        "gameId": win.game,
        "roundId": win.round,
        "bonusCode": win.bonus_code,
        "jackpotId": win.jackpot,
        "campaignId": win.campaign,
        "campaignType": win.campaign and "tournament",
        "providerId": None if win.wrong == "absent" else "luckymonaco",
        "timestamp": (delivery.of if isinstance(delivery, ByHand) else delivery).timestamp,
        "autoClosed": (win.callback == "result" and not win.in_session and not is_prize) or None,
        "arrivedWith": f"{win.callback}#{win.reference}" if is_prize else None,
    }


def _noted(win: Credit, name: str = "prize") -> Item:
    """What a win's record says of the prize that it came with."""
    return {f"{name}Reference": win.prize.reference, f"{name}Amount": win.prize.amount} if win.prize else {}


def _plain(item: Item) -> dict[str, str | bool]:
    """An item's attributes, numbers as texts."""
    return {name: value for name, each in item.items() for value in each.values()}


def _counted(count: Count) -> Item:
    rounds = [f"{len(str(game))}:{game}{round}" for game, round in count.last_rounds]
    until = count.until if count.until >= 0 else None
    return {"uncovered": count.uncovered, "advance": count.advance, "until": until, "lastRounds": rounds}


def _encoded(values: Mapping[str, Any]) -> Item:
    return {name: _attribute(value) for name, value in values.items() if value is not None}


def _attribute(value: Any) -> Item:
    if isinstance(value, str):
        return {"S": value}
    if isinstance(value, bool):
        return {"BOOL": value}
    if isinstance(value, int | Fraction):
        return {"N": written(Fraction(value))}
    return {"L": [{"S": each} for each in value]}
