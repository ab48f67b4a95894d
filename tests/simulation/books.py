"""What is right: every wallet, transaction and free round count as it must be, by tests/contract.py.

They are kept up with each write, and hold items as DynamoDB does, so that comparing is quick.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

from contract import Contract, Count, Credit, Due, Record, Refused, Wallet, written

from .script import Delivery, Win

Item = dict[str, Any]
HARDLY_MORE = 10**19  # with eighteen decimals, a balance of this has nearly as many digits as it can have
CONTENT = ("gameId", "roundId", "bonusCode", "jackpotId", "campaignId")
Balances = tuple[str, str]  # cash and bonus, as they are answered


@dataclass
class Books:
    """`history` is each wallet's balances so far."""

    contract: Contract = field(default_factory=Contract)
    items: dict[str, Item] = field(default_factory=dict)  # transactions by id, less their names and times
    history: dict[str, list[Balances]] = field(default_factory=dict)
    spoiled: set[tuple[str, ...]] = field(default_factory=set)  # the keys of items that nothing can be added to
    _recorded_at: dict[str, int] = field(default_factory=dict)  # where in the player's history a transaction was

    def set_wallet(self, player: str, wallet: Wallet) -> None:
        self.contract.wallets[player] = wallet
        self.history.setdefault(player, []).append((written(wallet.cash), written(wallet.bonus)))

    def verdict(self, delivery: Delivery, *, arrives: bool = False) -> int:
        """What it must be answered with the books as they are; 998 may be the answer to anything, with an excuse.

        When it `arrives` it must have a hash or a uuid, where one is asked for; what is kept has no hash any more.
        """
        if arrives and delivery.lacks_uuid and not delivery.is_signed and delivery.refusal != 64:
            return 64
        return delivery.refusal or self._verdict(delivery.win)

    def _verdict(self, win: Win) -> int:
        credit = win.credit
        try:
            known = self.contract.decide(credit).known
        except Refused as refused:
            is_unreadable = refused.error == 52 and ("Players", win.player) in self.spoiled
            return 998 if is_unreadable else refused.error
        return 998 if self._is_unreadable(credit, known) or self._is_too_much(credit, known) else 0

    def _is_unreadable(self, credit: Credit, known: Record | None) -> bool:
        """Whether nothing can be answered but that it is not possible: what must be read of it is spoilt."""
        if not self.spoiled:
            return False
        if known:
            return {("Players", credit.player), ("Transactions", credit.id)} <= self.spoiled
        return bool(self.spoiled & {("Players", credit.player), ("FreeRounds", credit.player, credit.bonus_code)})

    def is_rich(self, player: str) -> bool:
        """Whether nearly nothing can be added to what the player has."""
        wallet = self.contract.wallets.get(player)
        return wallet is not None and wallet.cash > HARDLY_MORE

    def _is_too_much(self, credit: Credit, known: Record | None) -> bool:
        """Whether a balance would have more digits than there can be."""
        if known or not self.is_rich(credit.player):
            return False
        trial = Contract(wallets={credit.player: self.contract.wallets[credit.player]})
        try:
            trial.write(trial.decide(credit))
        except Refused:
            return True
        return False

    def dispute(self, win: Win) -> int | None:
        """Why the win's prize is left for a person, if it is. It never holds back the win."""
        if win.refusal or win.credit.prize is None:
            return None
        return self.contract.why_left(win.credit, self.contract.recorded(win.credit))

    def must_leave_prize(self, win: Win) -> bool:
        """Whether a prize is left for a person with it, and was not left before by another delivery."""
        if self.dispute(win) is None:
            return False
        recorded, prize = self.contract.recorded(win.credit), win.credit.prize
        is_noted = recorded is not None and recorded.credit.prize == prize
        is_on_record = prize and prize.credit and self.contract.recorded(prize.credit)
        return not is_noted or bool(is_on_record)

    def is_credited(self, win: Win) -> bool:
        if win.refusal or win.credit.id not in self.items:
            return False
        try:
            return not self.contract.decide(win.credit).changes
        except Refused:
            return False

    def balances_since(self, win: Win, moment: int) -> Sequence[Balances]:
        """What the player had from that moment of their history on, no sooner than the win was credited."""
        paid = [win.credit.id]
        if win.credit.prize and win.credit.prize.credit and not self.dispute(win):
            paid.append(win.credit.prize.credit.id)
        return self.history[win.player][max(moment, *(self._recorded_at[id] for id in paid)) :]

    def moment(self, player: str) -> int:
        return max(0, len(self.history.get(player, ())) - 1)

    def due(self, delivery: Delivery) -> Due | None:
        """What the delivery must be settled with; None if it must change nothing."""
        if self.verdict(delivery):
            return None
        due = self.contract.decide(delivery.credit)
        return due if due.changes else None

    def write(self, due: Due, delivery: Delivery) -> dict[tuple[str, ...], Item]:
        """Settles it. Returns every item that must have been written, as it must be now, by its key."""
        player, wallets = due.win.player, self.contract.wallets
        before = wallets[player]
        self.contract.write(due)
        must_be: dict[tuple[str, ...], Item] = {}
        for position, credit in enumerate(due.fresh):
            if (record := self.contract.recorded(credit)) is None:
                continue  # a prize that cannot be added exactly
            self.items[credit.id] = must_be["Transactions", credit.id] = _transaction(
                record, delivery, with_request=not position
            )
            if record.count:
                assert credit.bonus_code
                must_be["FreeRounds", player, credit.bonus_code] = self.count_item(player, credit.bonus_code)
        if due.notes_prize:
            noted = {**self.items[due.win.id], **_encoded(_noted(due.win))}
            self.items[due.win.id] = must_be["Transactions", due.win.id] = noted
        if wallets[player] is not before:
            self.set_wallet(player, wallets[player])
            must_be["Players", player] = self.wallet_item(player)
        moment = self.moment(player)
        for key in must_be:
            if key[0] == "Transactions":
                self._recorded_at.setdefault(key[1], moment)
        return must_be

    # --- As they must stand in the tables -----------------------------------------------------------

    def wallet_item(self, player: str) -> Item:
        wallet = self.contract.wallets[player]
        balances = {"cash": wallet.cash, "bonus": wallet.bonus, "version": wallet.version}
        return _encoded({"userId": player, "currency": wallet.currency, **balances})

    def count_item(self, player: str, code: str) -> Item:
        return _encoded({"userId": player, "bonusCode": code, **_counted(self.contract.counts[player, code])})

    def tables(self) -> dict[str, dict[tuple[str, ...], Item]]:
        return {
            "Players": {("Players", player): self.wallet_item(player) for player in self.contract.wallets},
            "Transactions": {("Transactions", id): item for id, item in self.items.items()},
            "FreeRounds": {("FreeRounds", *key): self.count_item(*key) for key in self.contract.counts},
        }


def differing(win: Win, contract: Contract) -> list[list[str]]:
    """The fields in which a win, its prize's description or its prize contradicts what is on record, for each of them.

    Another one of them may be on record since the operator was told.
    """
    prize = win.credit.prize
    found: list[list[str]] = []
    for credit in (win.credit, prize and prize.credit):
        if credit and (recorded := contract.recorded(credit)):
            before = recorded.credit
            named = dict(zip(CONTENT, zip(credit.content, before.content, strict=True), strict=True))
            currencies = credit.currency, contract.currency(recorded.wallet.currency)
            money = {"amount": (credit.amount, before.amount), "currency": currencies}
            pairs = {"userId": (credit.player, before.player), **money, **named}
            found.append([name for name, each in pairs.items() if None not in each and each[0] != each[1]])
            if prize and before.prize:
                pairs = {"promoWinReference": (before.prize.reference, prize.reference)}
                pairs["promoWinAmount"] = before.prize.amount, prize.amount
                found.append([name for name, each in pairs.items() if each[0] != each[1]])
    return found


def _transaction(record: Record, delivery: Delivery, *, with_request: bool) -> Item:
    """A record as it must be in the table. Source: docs/ledger.md."""
    win, credit, wallet = delivery.win, record.credit, record.wallet
    is_prize = credit.kind != win.callback
    return _encoded(
        {
            "id": credit.id,
            "userId": credit.player,
            "seq": wallet.version,
            "amount": record.paid,
            "amountAsked": credit.amount,
            "currency": wallet.currency,
            "cashAfter": wallet.cash,
            "bonusAfter": wallet.bonus,
            "gameId": win.game,
            "roundId": win.round,
            "bonusCode": win.bonus_code,
            "uncoveredAfter": record.count and record.count.uncovered,
            "advanceAfter": record.count and record.count.advance,
            "jackpotId": win.jackpot,
            "campaignId": win.campaign,
            "campaignType": win.campaign and "tournament",
            "providerId": "luckymonaco",
            "timestamp": delivery.timestamp,
            "autoClosed": (win.callback == "result" and not win.in_session and not is_prize) or None,
            "request": delivery.kept if with_request else None,
            "arrivedWith": win.credit.id if is_prize else None,
            **_noted(credit),
        }
    )


def _noted(win: Credit) -> Item:
    """What a win's record says of the prize that it came with."""
    return {"prizeReference": win.prize.reference, "prizeAmount": win.prize.amount} if win.prize else {}


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
