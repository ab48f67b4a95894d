"""What is right: every wallet, transaction and free round count as it must be, by tests/contract.py.

They are kept up with each write, and hold items as DynamoDB does, so that comparing is quick.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

from contract import (
    Asked,
    Cancel,
    Contract,
    Count,
    Credit,
    Due,
    Record,
    Refused,
    Round,
    RoundKey,
    Undoing,
    Visit,
    Wallet,
    digest_of,
    sha256,
    written,
)

from .script import ByHand, Delivery, Freeze, Win

Item = dict[str, Any]
HARDLY_MORE = 10**19  # with eighteen decimals, a balance of this has nearly as many digits as it can have
CONTENT = ("gameId", "roundId", "bonusCode", "jackpotId", "campaignId")
Balances = tuple[str, str]  # cash and bonus, as they are answered
NOTHING: Balances = ("0", "0")  # what who has no wallet has
Key = tuple[str, ...]  # of an item: its table, and its attributes
Found = Callable[[Key], Item]
Change = Due | Undoing | Visit | Freeze  # what is to be written
MOST_BYTES = 1024  # of a sort key


@dataclass
class Books:
    """`history` is each wallet's balances so far, from before it was there."""

    contract: Contract = field(default_factory=Contract)
    items: dict[str, Item] = field(default_factory=dict)  # transactions by id
    history: dict[str, list[Balances]] = field(default_factory=dict)
    digests: dict[str, str] = field(default_factory=dict)  # of each wallet's last movement
    spoiled: set[tuple[str, ...]] = field(default_factory=set)  # the keys of items that nothing can be added to
    names: dict[str, str] = field(default_factory=dict)  # transactionIds by the ids of cancels
    _recorded_at: dict[str, int] = field(default_factory=dict)  # where in the player's history a transaction was
    _times: dict[RoundKey, Item] = field(default_factory=dict)  # since when a round is open, or when it expires
    _frozen_at: dict[str, str] = field(default_factory=dict)

    def set_wallet(self, player: str, wallet: Wallet) -> None:
        self.contract.wallets[player] = wallet
        self.history.setdefault(player, [NOTHING]).append((written(wallet.cash), written(wallet.bonus)))

    def verdict(self, delivery: Delivery, *, arrives: bool = False) -> int:
        """What it must be answered with the books as they are; 998 may be the answer to anything, with an excuse.

        When it `arrives` it must have a hash or a uuid, where one is asked for; what is kept has no hash any more.
        """
        if refusal := self.refusal(delivery, arrives=arrives):
            return 0 if self._is_recalled(delivery) else refusal
        if isinstance(delivery.win, Freeze):
            return 0 if delivery.win.player in self.contract.wallets else 62
        return self._verdict(delivery.credit)

    @staticmethod
    def refusal(delivery: Delivery, *, arrives: bool = False) -> int | None:
        """What is wrong with it, whatever is on record."""
        lacks_hash = arrives and delivery.lacks_uuid and not delivery.is_signed
        return 64 if lacks_hash else delivery.refusal

    def _is_recalled(self, delivery: Delivery) -> bool:
        """Whether a person has settled what cannot be read in full: then it is a replay, if anything can be read."""
        asked = delivery.by_hand
        known = self.contract.recorded(asked) if isinstance(asked, Credit) else None
        if isinstance(asked, Credit) and known and self._is_unreadable(asked, known):
            return False
        return self._is_settled_by_hand(delivery)

    def _is_settled_by_hand(self, delivery: Delivery) -> bool:
        asked = delivery.by_hand
        if isinstance(asked, Cancel):
            if ("Players", asked.player) in self.spoiled or asked.player not in self.contract.wallets:
                return False  # there are no balances to answer with
            records = (self.contract.records.get((kind, asked.reference)) for kind in ("bet", "cancel"))
            return any(each and each.credit.actor for each in records) and self._is_done(asked)
        if not isinstance(asked, Credit) or (known := self.contract.recorded(asked)) is None:
            return False
        return known.credit.actor is not None and self._is_on_record(asked)

    def _verdict(self, asked: Asked) -> int:
        is_spoilt = ("Players", asked.player) in self.spoiled
        match asked:
            case Cancel():
                code = self._verdict_of_cancel(asked)
                return 998 if is_spoilt and code in (0, 62) else code
            case Visit():
                code = self._verdict_of_visit(asked)
                return 998 if is_spoilt else code
            case Credit():
                return self._verdict_of_credit(asked)

    def _verdict_of_cancel(self, cancel: Cancel) -> int:
        try:
            undoing = self.contract.decide_cancel(cancel)
            if self.is_rich(cancel.player) and undoing.back:
                self.contract.copy().write_cancel(undoing)
        except Refused as refused:
            return refused.error
        return 0 if cancel.player in self.contract.wallets or cancel.actor else 62

    def _verdict_of_visit(self, visit: Visit) -> int:
        try:
            self.contract.check_visit(visit)
        except Refused as refused:
            return refused.error
        return 0

    def _verdict_of_credit(self, credit: Credit) -> int:
        try:
            known = self.contract.decide(credit).known
        except Refused as refused:
            is_of_round = credit.round is not None and self.contract.recorded(credit) is None and refused.error != 62
            is_unreadable = (refused.error == 52 or is_of_round) and ("Players", credit.player) in self.spoiled
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
        if not isinstance(asked, Credit) or asked.prize is None:
            return None
        try:
            return self.contract.decide(asked).left
        except Refused:
            return self.contract.why_left(asked, self.contract.recorded(asked))

    def must_leave(self, delivery: Delivery) -> bool:
        """Whether its prize is left for a person with it, and was not left before by another delivery.

        So is a refund of what nobody knows.
        """
        asked = delivery.asked
        if isinstance(asked, Cancel):
            return not delivery.refusal and self.is_unknown(asked)
        if self.dispute(delivery) is None or not isinstance(asked, Credit):
            return False
        recorded, prize = self.contract.recorded(asked), asked.prize
        is_noted = recorded is not None and recorded.credit.prize == prize
        is_on_record = prize and prize.credit and self.contract.recorded(prize.credit)
        return not is_noted or bool(is_on_record)

    def is_unknown(self, cancel: Cancel) -> bool:
        """Whether a person must look at it, because nobody knows what it means."""
        try:
            return self.contract.decide_cancel(cancel).is_unknown
        except Refused:
            return False

    def is_settled(self, delivery: Delivery) -> bool:
        """Whether what it asks for is on record, and nothing of it remains to be done."""
        return self._is_settled_by_hand(delivery) if delivery.refusal else self._is_done(delivery.credit)

    def is_lost(self, delivery: Delivery) -> bool:
        """Whether nothing is on record of what it asks for, however it is answered."""
        return delivery.asked is None or not self._is_done(delivery.asked)

    def _is_done(self, asked: Asked) -> bool:
        match asked:
            case Credit():
                return self._is_on_record(asked)
            case Visit():
                return asked.round is None or self.contract.round_of(asked).ended
            case Cancel():
                try:
                    return not self.contract.decide_cancel(asked).changes
                except Refused:
                    return False

    def _is_on_record(self, asked: Credit) -> bool:
        if asked.kind == "bet":  # which may have been paid back since
            known = self.contract.recorded(asked)
            return known is not None and known.outcome != "cancelled" and self.contract.is_replay(asked, known)
        try:
            return not self.contract.decide(asked).changes
        except Refused:
            return False

    def balances_since(self, delivery: Delivery, moment: int) -> Sequence[Balances]:
        """What the player had from that moment of their history on, no sooner than it was settled."""
        asked = delivery.asked
        assert asked
        paid: list[str] = []
        if isinstance(asked, Credit):
            paid.append(asked.id)
            if asked.prize and asked.prize.credit and not self.dispute(delivery):
                paid.append(asked.prize.credit.id)
        if isinstance(asked, Cancel):
            bet = self.contract.bet(asked.reference)
            paid += [asked.id] if bet and bet.credit.player == asked.player else []
        since = max(moment, *(self._recorded_at.get(id, 0) for id in paid), 0)
        return self.history.get(asked.player, [NOTHING])[since:]

    def moment(self, player: str) -> int:
        return max(0, len(self.history.get(player, ())) - 1)

    def due(self, delivery: Delivery) -> Change | None:
        """What the delivery must be settled with; None if it must change nothing.

        What a person books elsewhere has read the wallet and does not write it: that may be spoilt meanwhile.
        """
        if delivery.refusal:
            return None
        if isinstance(delivery.win, Freeze):
            is_news = (delivery.win.player in self.contract.frozen) != delivery.win.freezes
            return delivery.win if is_news and self.verdict(delivery) == 0 else None
        asked = delivery.credit
        match asked:
            case Cancel():
                is_spoilt = (
                    "Players",
                    asked.player,
                ) in self.spoiled  # then what moves no money is written all the same
                is_done = self.verdict(delivery) in (0, 62) or (is_spoilt and self._verdict_of_cancel(asked) in (0, 62))
                undoing = self.contract.decide_cancel(asked) if is_done else None
                if undoing and undoing.back and is_spoilt and not asked.booked_elsewhere:
                    return None
                return undoing if undoing and undoing.changes else None
            case Visit():
                return None if self._is_done(asked) or self.verdict(delivery) else asked
            case Credit():
                needs_no_wallet = asked.booked_elsewhere and ("Players", asked.player) in self.spoiled
                if not needs_no_wallet and self.verdict(delivery) not in (0, 15):
                    return None
                due = self.contract.decide(asked)
                return due if due.changes else None

    def write(self, change: Change, delivery: Delivery, found: Found) -> dict[Key, Item]:
        """Settles it. Returns every item that must have been written, as it must be now, by its key.

        A transaction's name and time are as they are `found`: nobody can know them. Nor can they know a round's times.
        """
        rounds, player = {**self.contract.rounds}, delivery.win.player
        match change:
            case Due():
                must_be = self._write_due(change, delivery, found)
            case Undoing():
                must_be = self._write_undoing(change, delivery, found)
            case Visit():
                self.contract.visit(change)
                must_be = {}
            case Freeze():
                self.contract.ordered(change.content)
                frozen_at = found(("Players", player)).get("frozenAt", {}).get("S", "")
                self._frozen_at[player] = frozen_at
                return {("Players", player): self.wallet_item(player)}
        # A result of nothing may change nothing of its round, which is kept for longer all the same. So may a second
        # bet that is refused.
        played = {each.round for each in change.fresh if each.round} if isinstance(change, Due) else set()
        for key, round in self.contract.rounds.items():
            if rounds.get(key) != round or key in played:
                must_be[round_key(key)] = self._timed(key, rounds.get(key, Round()), found(round_key(key)))
        return must_be

    def _write_due(self, due: Due, delivery: Delivery, found: Found) -> dict[Key, Item]:
        player, before = due.win.player, self.contract.wallets.get(due.win.player)
        self.contract.write(due)
        must_be = self._recorded(due.fresh, delivery, found)
        if due.notes_prize:
            noted = {**self.items[due.win.id], **_encoded(_noted(due.win, "laterPrize"))}
            self.items[due.win.id] = must_be["Transactions", due.win.id] = noted
        must_be |= self._moved(player, before)
        for key in must_be:
            if key[0] == "Transactions" and not due.win.booked_elsewhere:  # which waits for no wallet
                self._recorded_at.setdefault(key[1], self.moment(player))
        return must_be

    def _write_undoing(self, undoing: Undoing, delivery: Delivery, found: Found) -> dict[Key, Item]:
        cancel, before = undoing.cancel, self.contract.wallets.get(undoing.cancel.player)
        self.contract.write_cancel(undoing)
        fresh = (*undoing.back, undoing.memory) if undoing.memory else undoing.back
        must_be = self._recorded(fresh, delivery, found) | self._moved(cancel.player, before)
        for credit in undoing.back:
            self.names.setdefault(credit.id, self.items[credit.id].get("transactionId", {}).get("S", ""))
        if undoing.back and not cancel.booked_elsewhere:  # else it waits for no wallet
            for credit in undoing.back:
                self._recorded_at.setdefault(credit.id, self.moment(cancel.player))
        return must_be

    def _recorded(self, fresh: Sequence[Credit], delivery: Delivery, found: Found) -> dict[Key, Item]:
        """The records of what is fresh, and what goes with each."""
        must_be: dict[Key, Item] = {}
        for credit in fresh:
            if (record := self.contract.recorded(credit)) is None:
                continue  # a prize that cannot be added exactly
            item = _transaction(record, delivery, arrived_with=None if credit is fresh[0] else fresh[0].id)
            made = found(("Transactions", credit.id))
            item |= {name: made[name] for name in ("transactionId", "recordedAt") if name in made}
            is_of_no_wallet = credit.remembers or (record.outcome == "booked elsewhere" and not credit.currency_as_sent)
            if is_of_no_wallet and "currency" not in made:  # its wallet may have been opened since it was read
                item.pop("currency", None)
            if record.outcome is None:
                digest = digest_of(self.digests.get(credit.player, ""), _plain(item))
                item["digest"] = {"S": digest}
                self.digests[credit.player] = digest
            self.items[credit.id] = must_be["Transactions", credit.id] = item
            if record.outcome == "not enough":  # which is true of that wallet alone
                must_be["Players", credit.player] = self.wallet_item(credit.player)
            if record.count and (code := record.credit.bonus_code):
                must_be["FreeRounds", credit.player, code] = self.count_item(credit.player, code)
        return must_be

    def _moved(self, player: str, before: Wallet | None) -> dict[Key, Item]:
        """The wallet, if it is another one than before."""
        if (wallet := self.contract.wallets.get(player)) is before or wallet is None:
            return {}
        self.set_wallet(player, wallet)
        return {("Players", player): self.wallet_item(player)}

    def _timed(self, key: RoundKey, before: Round, found: Item) -> Item:
        """The item of a round that was changed, with its times as they are found, but for one that was open before."""
        round, times = self.contract.rounds[key], self._times.get(key, {})
        if not (round.is_open and before.is_open):
            name = "openSince" if round.is_open else "expiresAt"
            times = {name: found[name]} if name in found else {}
        self._times[key] = times
        return self.round_item(key)

    def expired(self, now: float) -> Sequence[Key]:
        """Forgets the rounds whose time has come. Returns their keys."""
        gone = [
            key for key, times in self._times.items() if "expiresAt" in times and float(times["expiresAt"]["N"]) <= now
        ]
        for key in gone:
            del self.contract.rounds[key], self._times[key]
        return [*map(round_key, gone)]

    # --- As they must stand in the tables -----------------------------------------------------------

    def wallet_item(self, player: str) -> Item:
        wallet = self.contract.wallets[player]
        balances = {"cash": wallet.cash, "bonus": wallet.bonus, "version": wallet.version}
        digest = self.digests.get(player)
        frozen: Item = {}
        if player in self.contract.frozen:
            actor, reason = self.contract.frozen[player]
            at = self._frozen_at[player]
            frozen = {"frozen": True, "frozenBy": actor, "frozenReason": reason, "frozenAt": at}
        return _encoded({"userId": player, "currency": wallet.currency, **balances, "digest": digest, **frozen})

    def count_item(self, player: str, code: str) -> Item:
        return _encoded({"userId": player, "bonusCode": code, **_counted(self.contract.counts[player, code])})

    def round_item(self, key: RoundKey) -> Item:
        player, game, id = key
        round = self.contract.rounds[key]
        bets = [{"reference": bet.reference, "taken": bet.taken, "bonusCode": bet.bonus_code} for bet in round.bets]
        flags = {
            "hadBet": round.had_bet,
            "hadRefusedBet": round.had_refused_bet,
            "hasResult": round.has_result,
            "refunded": round.refunded,
            "refundedElsewhere": round.refunded_elsewhere,
            "ended": round.ended,
        }
        said = {"userId": player, "round": round_key(key)[2], "gameId": game, "roundId": id, "winnings": round.winnings}
        item = _encoded({**said, **{name: True for name, flag in flags.items() if flag}})
        return {**item, "bets": {"L": [{"M": _encoded(bet)} for bet in bets]}, **self._times[key]}

    def tables(self) -> dict[str, dict[Key, Item]]:
        return {
            "Players": {("Players", player): self.wallet_item(player) for player in self.contract.wallets},
            "Transactions": {("Transactions", id): item for id, item in self.items.items()},
            "FreeRounds": {("FreeRounds", *key): self.count_item(*key) for key in self.contract.counts},
            "Rounds": {round_key(key): self.round_item(key) for key in self.contract.rounds},
        }


def round_key(key: RoundKey) -> Key:
    """The key of a round's item."""
    player, game, id = key
    text = f"{len(game)}:{game}{id}"
    return "Rounds", player, text if len(text.encode()) <= MOST_BYTES else sha256(text)


def differing(delivery: Delivery, contract: Contract) -> list[list[str]]:
    """The fields in which a win, its prize's description or its prize contradicts what is on record, for each of them.

    Another one of them may be on record since the operator was told.
    """
    asked = delivery.asked
    if isinstance(asked, Cancel):
        bet = contract.bet(asked.reference)
        names, said = ("userId", "gameId", "roundId"), (asked.player, asked.game, asked.round_id)
        known = (bet.credit.player, *bet.credit.content[:2]) if bet else said
        pairs = dict(zip(names, zip(said, known, strict=True), strict=True))
        return [[name for name, each in pairs.items() if None not in each and each[0] != each[1]]]
    if not isinstance(asked, Credit):
        return []
    prize = asked.prize
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


def _transaction(record: Record, delivery: Delivery, *, arrived_with: str | None) -> Item:
    """A record as it must be in the table, but for its name and time. Source: docs/ledger.md."""
    credit, wallet, moved = record.credit, record.wallet, record.outcome is None
    own = credit.currency_as_sent if record.outcome == "booked elsewhere" else None
    request = None if arrived_with else delivery.kept
    is_prize = isinstance(delivery.win, Win) and credit.kind != delivery.win.callback
    return _encoded(
        {
            "id": credit.id,
            "userId": credit.player,
            "seq": wallet.version if moved else None,
            "outcome": record.outcome,
            "amount": record.paid,
            "amountAsked": None if credit.remembers else credit.amount,
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
            **_of_call(credit, delivery),
            **_noted(credit),
            "arrivedWith": f"{delivery.win.callback}#{delivery.win.reference}" if is_prize else arrived_with,
        }
    )


def _of_call(credit: Credit, delivery: Delivery) -> Item:
    """What the record says of the provider's call."""
    win = delivery.win
    if win.callback == "cashier":
        return {}
    game, round, code, *_ = credit.content
    of_round = {"gameId": game, "roundId": round, "bonusCode": code}
    provider = None if win.wrong == "absent" else "luckymonaco"
    if win.callback == "cancel":
        return {**of_round, "providerId": provider}
    is_prize = credit.kind != win.callback
    return {
        **of_round,
        "jackpotId": win.jackpot,
        "campaignId": win.campaign,
        "campaignType": win.campaign and "tournament",
        "providerId": provider,
        "timestamp": (delivery.of if isinstance(delivery, ByHand) else delivery).timestamp,
        "autoClosed": (win.callback == "result" and not win.in_session and not is_prize) or None,
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
