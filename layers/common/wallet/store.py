"""The wallet's three DynamoDB tables: one read, then one transaction that writes all or nothing.

The money path is `Store.settle`: read the credits' transactions and the wallet, let `ledger.settle`
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
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from wallet import aws, ledger
from wallet.errors import Refusal, Unavailable
from wallet.ledger import Credit, FreeRounds, Prize, Settlement, Snapshot, Transaction, Wallet

Item = dict[str, Any]

CONNECT_SECONDS = 0.5
READ_SECONDS = 1.0  # DynamoDB answers within tens of milliseconds; what takes longer does not come
MAX_ATTEMPTS = 50  # a wallet contended beyond this is not settled by more of the same

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
    """`players`, `transactions` and `free_rounds` are the tables' names."""

    client: Any
    _: KW_ONLY
    players: str
    transactions: str
    free_rounds: str

    @classmethod
    def from_environment(cls) -> "Store":
        # The SDK tries once: `_call` retries, within the callback's deadline.
        client = aws.client("dynamodb", connect_seconds=CONNECT_SECONDS, read_seconds=READ_SECONDS, attempts=1)
        return cls(
            client,
            players=os.environ["PLAYERS_TABLE"],
            transactions=os.environ["TRANSACTIONS_TABLE"],
            free_rounds=os.environ["FREE_ROUNDS_TABLE"],
        )

    def warm_up(self) -> None:
        """Reads a wallet that need not be there, and closes the connection; the next call opens one by itself."""
        try:
            self.client.batch_get_item(RequestItems={self.players: {"Keys": [_encode({"userId": "nobody"})]}})
        finally:
            self.client.close()

    def settle(
        self, credits: Sequence[Credit], *, request: str, deadline: float, leave_prize: Callable[[Refusal, bool], None]
    ) -> Settlement:
        """Pays what of `credits` is not on record yet; when it returns, all of it is, or its prize is left.

        `request` is the request's text, to be kept with the record; `deadline` is a `time.monotonic`
        after which no attempt is still under way. `leave_prize` is called before anything is written if the prize
        cannot be paid (and whether it was left before): money that has moved must not be answered with an error
        because its prize could not be left.
        Raises Conflict, NoSuchPlayer and WrongCurrency, what `leave_prize` raises,
        and Unavailable when it could not be told in time whether the credits were paid.
        """
        patience = _Patience(deadline)
        is_left = False
        snapshot = self._read(credits, patience)
        while True:
            if snapshot.is_torn:
                patience.pause("the wallet is behind its transactions")
                snapshot = self._read(credits, patience)
                continue
            settlement = ledger.settle(credits, snapshot)
            if settlement.disputed and not is_left:
                began = time.monotonic()
                leave_prize(settlement.disputed, settlement.is_left)
                patience.deadline += time.monotonic() - began  # a slow queue must not hold back the win
                is_left = True
            if not settlement.changes:
                return settlement
            actions = self._actions(credits[0], settlement, snapshot.free_rounds, request)
            try:
                self._write(actions, patience)
            except _Beaten as beaten:
                if beaten.records and patience.attempts == 1:
                    patience.count(beaten.reason)
                    snapshot = self._updated(snapshot, actions, beaten.records)
                else:
                    patience.pause(beaten.reason)
                    snapshot = self._read(credits, patience)
            else:
                return settlement

    # --- One read -----------------------------------------------------------------------------------

    def _read(self, credits: Sequence[Credit], patience: "_Patience") -> Snapshot:
        user_id = credits[0].user_id
        wanted: dict[str, list[Item]] = {
            self.transactions: [{"id": credit.id} for credit in credits],
            self.players: [{"userId": user_id}],
        }
        if code := _free_round_code(credits):
            wanted[self.free_rounds] = [{"userId": user_id, "bonusCode": code}]
        requests = {
            table: {"Keys": [_encode(key) for key in keys], "ConsistentRead": True} for table, keys in wanted.items()
        }
        while True:
            answer = _call(self.client.batch_get_item, patience, RequestItems=requests)
            if not answer.get("UnprocessedKeys"):
                break
            patience.pause("the tables are throttled")
        snapshot = Snapshot(wallet=None, transactions={}, free_rounds=None)
        for table, items in answer["Responses"].items():
            for item in items:
                snapshot = self._with(snapshot, table, _Record(item))
        return snapshot

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
            case _ if record:
                return replace(snapshot, transactions={**snapshot.transactions, record.id: _transaction(record)})
            case _:
                return snapshot

    # --- One write ----------------------------------------------------------------------------------

    def _actions(
        self, first: Credit, settlement: Settlement, free_rounds: FreeRounds | None, request: str
    ) -> list[Item]:
        """What a settlement writes, all of it or nothing; `free_rounds` is what was read of its bonus code."""
        actions = [
            self._put_transaction(
                transaction,
                settlement,
                request=None if position else request,
                arrived_with=None if transaction.credit is first else first.id,
            )
            for position, transaction in enumerate(settlement.transactions)
        ]
        if settlement.noted and settlement.noted.prize:
            actions.append(self._note_prize(settlement.noted.id, settlement.noted.prize))
        if settlement.transactions:
            actions.append(self._update_wallet(settlement))
        return actions + [
            self._put_free_rounds(transaction.credit, free_rounds, transaction.free_rounds)
            for transaction in settlement.transactions
            if transaction.free_rounds
        ]

    def _write(self, actions: Sequence[Item], patience: "_Patience") -> None:
        """Raises _Beaten if another writer was faster: then nothing is written."""
        # One token for all tries of this write: if an answer was lost, the next try is told "done".
        token = str(uuid.uuid4())
        _call(self.client.transact_write_items, patience, TransactItems=actions, ClientRequestToken=token)

    def _put_transaction(
        self, transaction: Transaction, settlement: Settlement, *, request: str | None, arrived_with: str | None
    ) -> Item:
        credit = transaction.credit
        left = transaction.free_rounds
        item = {
            "id": credit.id,
            "transactionId": credit.transaction_id,
            "userId": credit.user_id,
            "seq": transaction.seq,
            "amount": transaction.paid,
            "amountAsked": credit.amount,
            "currency": settlement.after.currency,
            "cashAfter": transaction.cash_after,
            "bonusAfter": transaction.bonus_after,
            "gameId": credit.game_id,
            "roundId": credit.round_id,
            "bonusCode": credit.bonus_code,
            "uncoveredAfter": left and left.uncovered,
            "advanceAfter": left and left.advance,
            "jackpotId": credit.jackpot_id,
            "campaignId": credit.campaign_id,
            "campaignType": credit.campaign_type,
            "prizeReference": credit.prize and credit.prize.reference,
            "prizeAmount": credit.prize and credit.prize.amount,
            "providerId": credit.provider_id,
            "timestamp": credit.timestamp,
            "autoClosed": credit.auto_closed or None,
            "recordedAt": datetime.now(UTC).isoformat(timespec="milliseconds"),
            "request": request,
            "arrivedWith": arrived_with,
        }
        return {
            "Put": {
                "TableName": self.transactions,
                "Item": _encode(item),
                "ConditionExpression": "attribute_not_exists(id)",
                "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
            }
        }

    def _update_wallet(self, settlement: Settlement) -> Item:
        before, after = settlement.before, settlement.after
        # The balances are compared too: a writer that forgot to bump the version loses no money. So is the currency:
        # an amount in one currency must not be added to a balance in another.
        return {
            "Update": {
                "TableName": self.players,
                "Key": _encode({"userId": before.user_id}),
                "UpdateExpression": "SET cash = :cash, bonus = :bonus, version = :version",
                "ConditionExpression": "version = :version_read AND cash = :cash_read AND bonus = :bonus_read"
                " AND currency = :currency_read",
                "ExpressionAttributeValues": _encode(
                    {
                        ":cash": after.cash,
                        ":bonus": after.bonus,
                        ":version": after.version,
                        ":cash_read": before.cash,
                        ":bonus_read": before.bonus,
                        ":version_read": before.version,
                        ":currency_read": before.currency,
                    }
                ),
                "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
            }
        }

    def _note_prize(self, win_id: str, prize: Prize) -> Item:
        """Has a win on record remember the first prize that it came with."""
        return {
            "Update": {
                "TableName": self.transactions,
                "Key": _encode({"id": win_id}),
                "UpdateExpression": "SET prizeAmount = :amount"
                + ("" if prize.reference is None else ", prizeReference = :reference"),
                "ConditionExpression": "attribute_exists(id) AND attribute_not_exists(prizeAmount)",
                "ExpressionAttributeValues": _encode({":amount": prize.amount, ":reference": prize.reference}),
                "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
            }
        }

    def _put_free_rounds(self, credit: Credit, before: FreeRounds | None, after: FreeRounds) -> Item:
        put = {
            "TableName": self.free_rounds,
            "Item": _encode({"userId": credit.user_id, "bonusCode": credit.free_round_code, **_counted(after)}),
            "ConditionExpression": "attribute_not_exists(userId)",
            "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
        }
        if before is not None:
            # All of it is compared: each number decides what the next round or total is paid.
            read = _counted(before)
            put["ConditionExpression"] = " AND ".join(
                f"attribute_not_exists(#{name})" if value is None else f"#{name} = :{name}"
                for name, value in read.items()
            )
            put["ExpressionAttributeNames"] = {f"#{name}": name for name in read}
            put["ExpressionAttributeValues"] = _encode({f":{name}": value for name, value in read.items()})
        return {"Put": put}


def _free_round_code(credits: Sequence[Credit]) -> str | None:
    return next((credit.free_round_code for credit in credits if credit.free_round_code), None)


# --- Items, as they are written ----------------------------------------------------------------------


Value = bool | str | int | Decimal | tuple[str, ...]


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
        case Decimal():
            return {"N": format(value, "f")}  # in plain notation: an export is read by other programs
        case _:
            return {"N": str(value)}


def _counted(free_rounds: FreeRounds) -> dict[str, Value | None]:
    """What is kept of a bonus code's free rounds, by its attributes."""
    return {
        "uncovered": free_rounds.uncovered,
        "advance": free_rounds.advance,
        "until": free_rounds.until,
        "lastRounds": free_rounds.last_rounds,
    }


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


def _with_wallet(snapshot: Snapshot, record: _Record | None) -> Snapshot:
    if record is None:
        return replace(snapshot, wallet=None)
    user_id, currency = record.text("userId"), record.text("currency")
    cash, bonus, version = record.number("cash"), record.number("bonus"), record.whole("version")
    if user_id is None or currency is None or cash is None or bonus is None or version is None:
        reason = "the wallet lacks a number cash, bonus or version, or a currency"
        return replace(snapshot, wallet=None, unreadable_wallet=reason)
    wallet = Wallet(user_id=user_id, currency=currency, cash=cash, bonus=bonus, version=version)
    return replace(snapshot, wallet=wallet)


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


def _transaction(record: _Record) -> Transaction:
    """A transaction on record. Without a player or an amount it contradicts every request under its id, so that a
    person sees it."""
    kind, _, reference = record.id.partition("#")
    prize = Prize(reference=record.text("prizeReference"), amount=record.text("prizeAmount") or "")
    return Transaction(
        credit=Credit(
            kind=kind,
            reference=reference,
            user_id=record.text("userId") or "",
            amount=record.amount("amountAsked"),
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
            prize=prize if "prizeAmount" in record.item else None,
        ),
        paid=record.amount("amount"),
        seq=record.whole("seq") or 0,
        cash_after=record.amount("cashAfter"),
        bonus_after=record.amount("bonusAfter"),
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
    if failed:
        raise _Beaten("another writer was faster", failed) from None
    if answer["ResponseMetadata"]["HTTPStatusCode"] < 500 and not _PASSING.issuperset(codes):
        raise Unavailable(f"the store answered {', '.join(codes)}") from error
    if reasons and "TransactionConflict" in codes:  # what was read is about to change: the same write would fail
        raise _Beaten(", ".join(codes), {}) from None


def _codes(error: ClientError) -> list[str]:
    """What was wrong with each action of a transaction, or with a call as a whole."""
    reasons = [reason.get("Code", "None") for reason in error.response.get("CancellationReasons", [])]
    return [code for code in reasons if code != "None"] or [error.response["Error"]["Code"]]
