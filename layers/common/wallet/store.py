"""The wallet's DynamoDB tables: one read, then one transaction that writes all or nothing.

The money path is `Store.settle`: read the movements' transactions, the wallet and the round, let `calls.settle`
say what they do, and write that under the condition that what was read still holds. A condition
that fails hands back what holds now, so an attempt made at once needs no read. One that fails again
pauses and reads again: what was handed back is old by then, and would only fail once more. No lock,
and no moment at which a crash leaves a mark without its money or money without its mark.
"""

import os
import random
import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import KW_ONLY, dataclass, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, get_args

from botocore.exceptions import BotoCoreError, ClientError

from wallet import aws, calls, chain, ledger
from wallet.calls import Asked
from wallet.errors import NoSuchPlayer, Refusal, Unavailable
from wallet.ledger import FreeRounds, Movement, Outcome, Prize, Scope, Settlement, Snapshot, Transaction, Wallet
from wallet.rounds import Bet, Round

Item = dict[str, Any]

CONNECT_SECONDS = 0.5
READ_SECONDS = 1.0  # DynamoDB answers within tens of milliseconds; what takes longer does not come
MAX_ATTEMPTS = 50  # a wallet contended beyond this is not settled by more of the same
# How long a bet is read again that neither its round nor a cancel knows. A write is seen in all of its items within
# milliseconds, seldom later; or the round has expired.
TORN_SECONDS = 0.2
ROUND_DAYS = 400  # how long a round is kept after its last change, unless a live bet waits for a result

# Another writer or the table's throughput was in the way; the same request may pass in a moment.
_PASSING = frozenset(
    {
        "TransactionConflict",
        "TransactionConflictException",
        "TransactionInProgressException",
        "ThrottlingError",
        "ThrottlingException",
        "ProvisionedThroughputExceeded",
        "ProvisionedThroughputExceededException",
        "RequestLimitExceeded",
    }
)


@dataclass(frozen=True, slots=True)
class Store:
    """`players`, `transactions`, `free_rounds` and `rounds` are the tables' names. Without `rounds` none are kept."""

    client: Any
    _: KW_ONLY
    players: str
    transactions: str
    free_rounds: str
    rounds: str = ""

    @classmethod
    def from_environment(cls) -> "Store":
        # The SDK tries once: `_call` retries, within the callback's deadline.
        client = aws.client("dynamodb", connect_seconds=CONNECT_SECONDS, read_seconds=READ_SECONDS, attempts=1)
        return cls(
            client,
            players=os.environ["PLAYERS_TABLE"],
            transactions=os.environ["TRANSACTIONS_TABLE"],
            free_rounds=os.environ["FREE_ROUNDS_TABLE"],
            rounds=os.environ.get("ROUNDS_TABLE", ""),
        )

    def warm_up(self) -> None:
        """Reads a wallet that need not be there, and closes the connection; the next call opens one by itself."""
        try:
            self.client.batch_get_item(RequestItems={self.players: {"Keys": [_encode({"userId": "nobody"})]}})
        finally:
            self.client.close()

    def settle(
        self,
        asked: Asked,
        *,
        request: str,
        deadline: float,
        leave: Callable[[Refusal, bool], None] | None = None,
    ) -> Settlement:
        """Does what of `asked` is not on record yet. When it returns, all of it is, or is left for a person.

        `request` is the request's text, to be kept with the record; `deadline` is a `time.monotonic`
        after which no attempt is still under way. `leave` is called before anything is written if a person must
        decide about something (with whether it was left before): money that has moved must not be answered with an
        error because its prize could not be left.
        Raises what `calls.settle` and `leave` raise, a settlement's `refusal` once that is on record, and Unavailable
        when it could not be told in time whether it was done.
        """
        patience = _Patience(deadline)
        is_left = False
        snapshot = self._read(asked, patience)
        while True:
            snapshot = self._whole(snapshot, asked, patience)
            settlement = calls.settle(asked, snapshot)
            if settlement.disputed and leave and not is_left:
                began = time.monotonic()
                leave(settlement.disputed, settlement.is_left)
                patience.deadline += time.monotonic() - began  # a slow queue must not hold back the win
                is_left = True
            if not settlement.changes:
                break
            actions = self._actions(settlement, snapshot, request)
            try:
                self._write(actions, patience)
            except _Beaten as beaten:
                if beaten.records and patience.attempts == 1:
                    patience.count(beaten.reason)
                    told = self._updated(snapshot, actions, beaten.records)
                    # It may tell of more that must be read: the bets of a round have a bonus code.
                    is_all = calls.scope(asked, told) == calls.scope(asked, snapshot)
                    snapshot = told if is_all else self._read(asked, patience)
                else:
                    patience.pause(beaten.reason)
                    snapshot = self._read(asked, patience)
            else:
                break
        return _answered(settlement)

    def freeze(self, user_id: str, *, actor: str, reason: str, deadline: float) -> Wallet:
        """Freezes a player, and returns the wallet. Who did it first, when and why stays.

        Raises NoSuchPlayer and Unavailable.
        """
        now = datetime.now(UTC).isoformat(timespec="milliseconds")
        said = {"frozen": True, "frozenBy": actor, "frozenReason": reason, "frozenAt": now}
        first = ", ".join(f"{name} = if_not_exists({name}, :{name})" for name in said if name != "frozen")
        change = f"SET frozen = :frozen, {first}"  # another program may have written that the player is not
        values = _encode({f":{name}": value for name, value in said.items()})
        return self._mark(user_id, deadline, UpdateExpression=change, ExpressionAttributeValues=values)

    def unfreeze(self, user_id: str, *, deadline: float) -> Wallet:
        """The opposite. Raises the same."""
        return self._mark(user_id, deadline, UpdateExpression="REMOVE frozen, frozenBy, frozenReason, frozenAt")

    def _mark(self, user_id: str, deadline: float, **change: Any) -> Wallet:
        try:
            answer = _call(
                self.client.update_item,
                _Patience(deadline),
                TableName=self.players,
                Key=_encode({"userId": user_id}),
                ConditionExpression="attribute_exists(userId)",
                ReturnValues="ALL_NEW",
                **change,
            )
        except _Beaten:
            raise NoSuchPlayer(user_id) from None
        snapshot = _with_wallet(Snapshot(wallet=None, transactions={}, free_rounds=None), _Record(answer["Attributes"]))
        return ledger.wallet_of(user_id, None, snapshot)

    def foresee(self, asked: Asked, *, deadline: float) -> Settlement:
        """What `settle` would do at this moment: nothing is written.

        Raises what `calls.settle` raises, a settlement's `refusal`, and Unavailable.
        """
        patience = _Patience(deadline)
        return _answered(calls.settle(asked, self._whole(self._read(asked, patience), asked, patience)))

    def recall(self, asked: Asked, *, deadline: float) -> Settlement | None:
        """What is on record of `asked`, if a person has settled it: nothing is written.

        Raises what `calls.settle` raises, a settlement's `refusal`, and Unavailable.
        """
        patience = _Patience(deadline)
        snapshot = self._whole(self._read(asked, patience), asked, patience)
        if not calls.was_decided(asked, snapshot):
            return None
        settlement = calls.settle(asked, snapshot)
        return None if settlement.changes else _answered(settlement)

    # --- One read -----------------------------------------------------------------------------------

    def _read(self, asked: Asked, patience: "_Patience") -> Snapshot:
        """What the store holds of what is asked for. A second read, if the first one says that more is needed."""
        wanted = calls.scope(asked)
        while True:
            snapshot = self._read_scope(wanted, patience)
            before, wanted = wanted, calls.scope(asked, snapshot)
            if wanted == before:
                break
        if calls.opens(asked) and (snapshot.wallet or snapshot.unreadable_wallet) and not snapshot.transactions:
            return self._read_scope(wanted, patience)  # it may be its own, and its record was read before it
        return snapshot

    def _read_scope(self, scope: Scope, patience: "_Patience") -> Snapshot:
        wanted: dict[str, list[Item]] = {}
        if scope.ids:
            wanted[self.transactions] = [{"id": id} for id in scope.ids]
        wanted[self.players] = [{"userId": scope.user_id}]
        if scope.bonus_code:
            wanted[self.free_rounds] = [{"userId": scope.user_id, "bonusCode": scope.bonus_code}]
        if scope.place and self.rounds:
            wanted[self.rounds] = [_round_key(scope.user_id, scope.place)]
        requests = {
            table: {"Keys": [_encode(key) for key in keys], "ConsistentRead": True} for table, keys in wanted.items()
        }
        while True:
            answer = _call(self.client.batch_get_item, patience, RequestItems=requests)
            if not answer.get("UnprocessedKeys"):
                break
            patience.pause("the tables are throttled")
        snapshot = Snapshot(wallet=None, transactions={}, free_rounds=None, has_rounds=bool(self.rounds))
        for table, items in answer["Responses"].items():
            for item in items:
                snapshot = self._with(snapshot, table, _Record(item))
        return snapshot

    def _whole(self, snapshot: Snapshot, asked: Asked, patience: "_Patience") -> Snapshot:
        """The snapshot, read again while it is of several moments: its wallet is behind its transactions, or a bet and
        its round contradict each other."""
        user_id, until = calls.player(asked), time.monotonic() + TORN_SECONDS
        while True:
            is_behind = snapshot.is_torn(user_id)
            if not is_behind and (time.monotonic() >= until or not calls.is_torn(asked, snapshot)):
                return snapshot
            patience.pause("the wallet is behind its transactions" if is_behind else "a bet is behind its round")
            snapshot = self._read(asked, patience)

    def _updated(self, snapshot: Snapshot, actions: Sequence[Item], failed: Mapping[int, "_Record | None"]) -> Snapshot:
        """The snapshot, corrected by the records that failed their actions' conditions."""
        for position, record in failed.items():
            (action,) = actions[position].values()
            snapshot = self._with(snapshot, action["TableName"], record)
        return snapshot

    def _with(self, snapshot: Snapshot, table: str, record: "_Record | None") -> Snapshot:
        """The snapshot, with what one of its tables holds now; None if the item is not there."""
        match table:
            case self.players:
                return _with_wallet(snapshot, record)
            case self.free_rounds:
                return _with_free_rounds(snapshot, record)
            case self.rounds:
                return _with_round(snapshot, record)
            case _ if record:
                return replace(snapshot, transactions={**snapshot.transactions, record.id: _transaction(record)})
            case _:
                return snapshot

    # --- One write ----------------------------------------------------------------------------------

    def _actions(self, settlement: Settlement, read: Snapshot, request: str) -> list[Item]:
        """What a settlement writes, all of it or nothing, if what was read still holds."""
        actions: list[Item] = []
        digest = settlement.before.digest
        for position, transaction in enumerate(settlement.transactions):
            item = _item_of(transaction, settlement, request=None if position else request)
            if transaction.outcome is None:
                item["digest"] = digest = chain.link(digest, item)
            actions.append(self._put_transaction(item))
        if settlement.noted and settlement.noted.prize:
            actions.append(self._note_prize(settlement.noted.id, settlement.noted.prize))
        if settlement.moves:
            moved = _moved(settlement.after, digest)
            actions.append(
                self._open(settlement.after, moved)
                if settlement.opens
                else self._set_wallet(settlement.before, moved, unless_frozen=settlement.stakes)
            )
        elif settlement.was_not_enough:
            actions.append(self._check_wallet(settlement.before, unless_frozen=settlement.stakes))
        for transaction in settlement.transactions:
            if left := transaction.free_rounds:
                before = read.free_rounds and _counted(read.free_rounds)
                actions.append(self._put(self.free_rounds, _count_key(transaction.movement), before, _counted(left)))
        if after := settlement.round:
            before = read.round and _played(read.round)
            key = _round_key(settlement.after.user_id, (after.game_id, after.round_id))
            actions.append(self._put(self.rounds, key, before, _kept(after)))
        return actions

    def _write(self, actions: Sequence[Item], patience: "_Patience") -> None:
        """Raises _Beaten if another writer was faster: then nothing is written."""
        # One token for all tries of this write: if an answer was lost, the next try is told "done".
        token = str(uuid.uuid4())
        _call(self.client.transact_write_items, patience, TransactItems=actions, ClientRequestToken=token)

    def _put_transaction(self, item: Mapping[str, "Value | None"]) -> Item:
        return {
            "Put": {
                "TableName": self.transactions,
                "Item": _encode(item),
                "ConditionExpression": "attribute_not_exists(id)",
                "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
            }
        }

    def _open(self, wallet: Wallet, moved: Mapping[str, "Value | None"]) -> Item:
        return {
            "Put": {
                "TableName": self.players,
                "Item": _encode({"userId": wallet.user_id, "currency": wallet.currency, **moved}),
                "ConditionExpression": "attribute_not_exists(userId)",
                "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
            }
        }

    def _set_wallet(self, before: Wallet, moved: Mapping[str, "Value | None"], *, unless_frozen: bool = False) -> Item:
        unchanged = self._unchanged(before, unless_frozen)
        return {
            "Update": {
                **unchanged,
                "UpdateExpression": "SET cash = :cash, bonus = :bonus, version = :version, digest = :digest",
                "ExpressionAttributeValues": {
                    **unchanged["ExpressionAttributeValues"],
                    **_encode({f":{name}": value for name, value in moved.items()}),
                },
            }
        }

    def _check_wallet(self, read: Wallet, *, unless_frozen: bool = False) -> Item:
        """That there was not enough is true of the wallet as it was read, and of no other."""
        return {"ConditionCheck": self._unchanged(read, unless_frozen)}

    def _unchanged(self, read: Wallet, unless_frozen: bool) -> Item:
        # The balances are compared too: a writer that forgot to bump the version loses no money. So is the currency:
        # an amount in one currency must not be added to a balance in another. A freeze changes none of them.
        not_frozen = " AND (attribute_not_exists(frozen) OR frozen = :no OR frozen = :null)" if unless_frozen else ""
        values = {
            ":cash_read": read.cash,
            ":bonus_read": read.bonus,
            ":version_read": read.version,
            ":currency_read": read.currency,
        }
        return {
            "TableName": self.players,
            "Key": _encode({"userId": read.user_id}),
            "ConditionExpression": "version = :version_read AND cash = :cash_read AND bonus = :bonus_read"
            " AND currency = :currency_read" + not_frozen,
            "ExpressionAttributeValues": _encode(values)
            | ({":no": {"BOOL": False}, ":null": _NULL} if unless_frozen else {}),
            "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
        }

    def _note_prize(self, win_id: str, prize: Prize) -> Item:
        """Has a win on record remember the first prize that it came with, beside what its digest covers."""
        return {
            "Update": {
                "TableName": self.transactions,
                "Key": _encode({"id": win_id}),
                "UpdateExpression": "SET laterPrizeAmount = :amount"
                + ("" if prize.reference is None else ", laterPrizeReference = :reference"),
                "ConditionExpression": "attribute_exists(id) AND attribute_not_exists(prizeAmount)"
                " AND attribute_not_exists(laterPrizeAmount)",
                "ExpressionAttributeValues": _encode({":amount": prize.amount, ":reference": prize.reference}),
                "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
            }
        }

    def _put(self, table: str, key: "Values", read: "Values | None", after: "Values") -> Item:
        """Puts an item, if it is still as it was read."""
        put = {
            "TableName": table,
            "Item": _encode({**key, **after}),
            "ConditionExpression": "attribute_not_exists(userId)",
            "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
        }
        if read is not None:
            # All of it is compared: each value decides about what comes next.
            put["ConditionExpression"] = " AND ".join(
                f"attribute_not_exists(#{name})" if value is None else f"#{name} = :{name}"
                for name, value in read.items()
            )
            put["ExpressionAttributeNames"] = {f"#{name}": name for name in read}
            put["ExpressionAttributeValues"] = _encode({f":{name}": value for name, value in read.items()})
        return {"Put": put}


def _answered(settlement: Settlement) -> Settlement:
    """Raises the settlement's refusal, if it has one."""
    if settlement.refusal:
        raise settlement.refusal
    return settlement


# --- Items, as they are written ----------------------------------------------------------------------


Value = bool | str | int | Decimal | tuple["Value", ...] | Mapping[str, "Value | None"]
Values = Mapping[str, Value | None]


def _item_of(transaction: Transaction, settlement: Settlement, *, request: str | None) -> dict[str, Value | None]:
    """A record's attributes, but for its digest."""
    movement, left = transaction.movement, transaction.free_rounds
    moved, currency = transaction.outcome is None, settlement.after.currency
    if movement.booked_elsewhere:  # in its own currency, which need not be the wallet's
        currency = movement.currency or currency
    return {
        "id": movement.id,
        "transactionId": movement.transaction_id,
        "userId": movement.user_id,
        "seq": transaction.seq,
        "outcome": transaction.outcome,
        "amount": transaction.paid,
        "amountAsked": None if transaction.outcome == "cancelled" else movement.amount,
        "bonusAmount": movement.bonus_amount or None,
        "currency": currency or None,
        "cashAfter": transaction.cash_after if moved else None,
        "bonusAfter": transaction.bonus_after if moved else None,
        "gameId": movement.game_id,
        "roundId": movement.round_id,
        "bonusCode": movement.bonus_code,
        "uncoveredAfter": left and left.uncovered,
        "advanceAfter": left and left.advance,
        "jackpotId": movement.jackpot_id,
        "campaignId": movement.campaign_id,
        "campaignType": movement.campaign_type,
        "prizeReference": movement.prize and movement.prize.reference,
        "prizeAmount": movement.prize and movement.prize.amount,
        "providerId": movement.provider_id,
        "timestamp": movement.timestamp,
        "autoClosed": movement.auto_closed or None,
        "actor": movement.actor,
        "reason": movement.reason,
        "recordedAt": datetime.now(UTC).isoformat(timespec="milliseconds"),
        "request": request,
        "requestDigest": request and chain.digest_of(request),
        "arrivedWith": movement.arrived_with,
    }


def _encode(values: Mapping[str, Value | None]) -> Item:
    """An item; what is None is left out."""
    return {name: _attribute(value) for name, value in values.items() if value is not None}


def _attribute(value: Value) -> Item:
    match value:
        case str():
            return {"S": value}
        case bool():
            return {"BOOL": value}
        case tuple():
            return {"L": [_attribute(each) for each in value]}
        case Mapping():
            return {"M": _encode(value)}
        case Decimal():
            return {"N": format(value, "f")}  # in plain notation: an export is read by other programs
        case _:
            return {"N": str(value)}


def _moved(wallet: Wallet, digest: str) -> dict[str, Value | None]:
    """What a movement changes of a wallet, by its attributes."""
    return {"cash": wallet.cash, "bonus": wallet.bonus, "version": wallet.version, "digest": digest}


def _count_key(movement: Movement) -> dict[str, Value | None]:
    return {"userId": movement.user_id, "bonusCode": movement.free_round_code}


def _counted(free_rounds: FreeRounds) -> dict[str, Value | None]:
    """What is kept of a bonus code's free rounds, by its attributes."""
    return {
        "uncovered": free_rounds.uncovered,
        "advance": free_rounds.advance,
        "until": free_rounds.until,
        "lastRounds": free_rounds.last_rounds,
    }


def _round_key(user_id: str, place: tuple[str, str]) -> dict[str, str]:
    """A sort key has 1,024 bytes at the most."""
    key = ledger.round_key(place)
    return {"userId": user_id, "round": key if len(key.encode()) <= 1024 else chain.digest_of(key)}


def _played(of: Round) -> dict[str, Value | None]:
    """What is kept of a round, by its attributes."""
    bets = ({"reference": bet.reference, "taken": bet.taken, "bonusCode": bet.bonus_code} for bet in of.bets)
    return {
        "gameId": of.game_id,
        "roundId": of.round_id,
        "bets": tuple(bets),
        "hadBet": of.had_bet or None,
        "hadRefusedBet": of.had_refused_bet or None,
        "hasResult": of.has_result or None,
        "winnings": of.winnings,
        "refunded": of.refunded or None,
        "refundedElsewhere": of.refunded_elsewhere or None,
        "ended": of.ended or None,
        "openSince": of.open_since,
    }


def _kept(after: Round) -> dict[str, Value | None]:
    """The round as it is written: an open one since when, and until when it is kept if it is not open."""
    now = datetime.now(UTC)
    if after.is_open:
        return _played(replace(after, open_since=after.open_since or now.isoformat(timespec="milliseconds")))
    return {**_played(replace(after, open_since=None)), "expiresAt": int((now + timedelta(ROUND_DAYS)).timestamp())}


# --- Items, as they are read -------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Record:
    """An item as DynamoDB has it. Another program may have written it: what is of another type reads as absent."""

    item: Item

    @property
    def id(self) -> str:
        return self.item["id"]["S"]

    def text(self, name: str) -> str | None:
        return self.item.get(name, {}).get("S")

    def number(self, name: str) -> Decimal | None:
        """To the last digit."""
        digits = self.item.get(name, {}).get("N")
        return None if digits is None else Decimal(digits)

    def amount(self, name: str) -> Decimal:
        """The number, or one that is unequal to every amount."""
        number = self.number(name)
        return Decimal("NaN") if number is None else number

    def whole(self, name: str) -> int | None:
        number = self.number(name)
        return int(number) if number is not None and number == number.to_integral_value() else None

    def texts(self, name: str) -> tuple[str, ...] | None:
        parts = self.item.get(name, {}).get("L")
        return None if parts is None or any("S" not in part for part in parts) else tuple(part["S"] for part in parts)

    def is_true(self, name: str) -> bool:
        return self.item.get(name, {}).get("BOOL") is True

    def parts(self, name: str) -> "tuple[_Record, ...] | None":
        """A list of objects, each as an item."""
        parts = self.item.get(name, {}).get("L")
        return (
            None
            if parts is None or any("M" not in part for part in parts)
            else tuple(_Record(part["M"]) for part in parts)
        )


def _with_wallet(snapshot: Snapshot, record: _Record | None) -> Snapshot:
    if record is None:
        return replace(snapshot, wallet=None)
    user_id, currency = record.text("userId"), record.text("currency")
    cash, bonus, version = record.number("cash"), record.number("bonus"), record.whole("version")
    if user_id is None or currency is None or cash is None or bonus is None or version is None:
        reason = "the wallet lacks a number cash, bonus or version, or a currency"
        return replace(snapshot, wallet=None, unreadable_wallet=reason)
    wallet = Wallet(
        user_id=user_id,
        currency=currency,
        cash=cash,
        bonus=bonus,
        version=version,
        digest=record.text("digest") or "",
        frozen=record.item.get("frozen", _NULL) not in (_NULL, {"BOOL": False}),  # however another program writes it
    )
    return replace(snapshot, wallet=wallet)


_NULL = {"NULL": True}


def _with_free_rounds(snapshot: Snapshot, record: _Record | None) -> Snapshot:
    if record is None:
        return replace(snapshot, free_rounds=None)
    uncovered, advance = record.number("uncovered"), record.number("advance")
    until, last_rounds = record.whole("until"), record.texts("lastRounds")
    if uncovered is None or advance is None or last_rounds is None or (until is None and "until" in record.item):
        reason = "what is known of the bonus code's free rounds is not of its form"
        return replace(snapshot, unreadable_free_rounds=reason)
    free_rounds = FreeRounds(uncovered=uncovered, advance=advance, until=until, last_rounds=last_rounds)
    return replace(snapshot, free_rounds=free_rounds)


def _with_round(snapshot: Snapshot, record: _Record | None) -> Snapshot:
    if record is None:
        return replace(snapshot, round=None)
    game_id, round_id = record.text("gameId"), record.text("roundId")
    bets, winnings = _bets(record), record.number("winnings")
    # Nothing could be written either: a flag that is false or null is not absent, and so the item not as it was read.
    has_odd_flag = any(name in record.item and not record.is_true(name) for name in _FLAGS)
    if game_id is None or round_id is None or bets is None or winnings is None or has_odd_flag:
        return replace(snapshot, unreadable_round="what is known of the round is not of its form")
    round_ = Round(
        game_id=game_id,
        round_id=round_id,
        bets=bets,
        had_bet=record.is_true("hadBet"),
        had_refused_bet=record.is_true("hadRefusedBet"),
        has_result=record.is_true("hasResult"),
        winnings=winnings,
        refunded=record.is_true("refunded"),
        refunded_elsewhere=record.is_true("refundedElsewhere"),
        ended=record.is_true("ended"),
        open_since=record.text("openSince"),
    )
    return replace(snapshot, round=round_)


_FLAGS = ("hadBet", "hadRefusedBet", "hasResult", "refunded", "refundedElsewhere", "ended")


def _bets(record: _Record) -> tuple[Bet, ...] | None:
    bets: list[Bet] = []
    for part in record.parts("bets") or ():
        reference, taken, bonus_code = part.text("reference"), part.number("taken"), part.text("bonusCode")
        if reference is None or taken is None or taken < 0 or (bonus_code is None and "bonusCode" in part.item):
            return None
        bets.append(Bet(reference=reference, taken=taken, bonus_code=bonus_code))
    return None if record.parts("bets") is None else tuple(bets)


_OUTCOMES: tuple[Outcome, ...] = get_args(Outcome)


def _transaction(record: _Record) -> Transaction:
    """A transaction on record. Without a player or an amount, or with an outcome that another version has written, it
    contradicts every request under its id, so that a person sees it."""
    kind, _, reference = record.id.partition("#")
    prizes = [
        Prize(reference=record.text(reference), amount=record.text(amount) or "")
        for reference, amount in (("prizeReference", "prizeAmount"), ("laterPrizeReference", "laterPrizeAmount"))
        if amount in record.item
    ]
    outcome: Outcome | None = next((known for known in _OUTCOMES if known == record.text("outcome")), None)
    is_known = outcome is not None or record.item.get("outcome", _NULL) == _NULL
    return Transaction(
        movement=Movement(
            kind=kind,
            reference=reference,
            user_id=record.text("userId") or "",
            amount=record.amount("amountAsked") if is_known else Decimal("NaN"),
            bonus_amount=record.number("bonusAmount") or Decimal(0),
            currency=record.text("currency"),
            game_id=record.text("gameId"),
            round_id=record.text("roundId"),
            bonus_code=record.text("bonusCode"),
            jackpot_id=record.text("jackpotId"),
            campaign_id=record.text("campaignId"),
            campaign_type=record.text("campaignType"),
            provider_id=record.text("providerId"),
            timestamp=record.text("timestamp"),
            auto_closed=record.is_true("autoClosed"),
            prize=prizes[0] if prizes else None,
            actor=record.text("actor"),
            reason=record.text("reason"),
            arrived_with=record.text("arrivedWith"),
        ),
        paid=record.amount("amount"),
        seq=record.whole("seq"),
        cash_after=record.amount("cashAfter"),
        bonus_after=record.amount("bonusAfter"),
        outcome=outcome,
    )


# --- Calls ------------------------------------------------------------------------------------------


class _Beaten(Exception):
    """Another writer was faster, and nothing was written.

    `records` are what was in the way, by their action's position; none if that writer is not done yet.
    """

    def __init__(self, reason: str, records: Mapping[int, _Record | None]) -> None:
        self.reason = reason
        self.records = records


@dataclass(slots=True)
class _Patience:
    """How long and how often one callback may try. Raises Unavailable, with the last reason to try again."""

    deadline: float
    attempts: int = 1
    reason: str = "the time was up at once"

    def check(self) -> None:
        """Before each call: it must be over by the deadline, however long it takes."""
        if self.attempts > MAX_ATTEMPTS or time.monotonic() + CONNECT_SECONDS + READ_SECONDS > self.deadline:
            raise Unavailable(f"{self.reason}, attempt {self.attempts}")

    def count(self, reason: str) -> None:
        self.attempts += 1
        self.reason = reason

    def pause(self, reason: str) -> None:
        """Waits up to 20 ms after the first attempt, then 40, 80 … 150: writers that met once must not meet again.

        So long that a hundred wins of one player, arriving together, are all paid in time. Any longer, and the last
        are not.
        """
        time.sleep(random.uniform(0, min(0.15, 0.01 * 2**self.attempts)))  # noqa: S311 - jitter, no secret
        self.count(reason)


def _call(operation: Callable[..., Any], patience: _Patience, **parameters: Any) -> Any:
    """The operation's answer, its passing failures retried.

    Raises _Beaten; Unavailable for whatever else the store answers, or does not answer.
    """
    while True:
        patience.check()
        try:
            return operation(**parameters)
        except ClientError as error:
            _raise_unless_passing(error)
            fault = ", ".join(_codes(error))
        except BotoCoreError as error:  # no connection, no answer in time, or one that is not DynamoDB's
            fault = type(error).__name__
        patience.pause(fault)


def _raise_unless_passing(error: ClientError) -> None:
    """Raises _Beaten if another writer was faster, and Unavailable if the same call would fail again."""
    answer: Mapping[str, Any] = error.response
    reasons, codes = answer.get("CancellationReasons", []), _codes(error)
    failed = {
        position: _Record(reason["Item"]) if reason.get("Item") else None
        for position, reason in enumerate(reasons)
        if reason.get("Code") == "ConditionalCheckFailed"
    }
    if failed or "ConditionalCheckFailedException" in codes:
        raise _Beaten("another writer was faster", failed) from None
    if answer["ResponseMetadata"]["HTTPStatusCode"] < 500 and not _PASSING.issuperset(codes):
        raise Unavailable(f"the store answered {', '.join(codes)}") from error
    if reasons and "TransactionConflict" in codes:  # what was read is about to change: the same write would fail
        raise _Beaten(", ".join(codes), {}) from None


def _codes(error: ClientError) -> list[str]:
    """What was wrong with each action of a transaction, or with a call as a whole."""
    reasons = [reason.get("Code", "None") for reason in error.response.get("CancellationReasons", [])]
    return [code for code in reasons if code != "None"] or [error.response["Error"]["Code"]]
