"""What a credit does to a wallet: replay or conflict, what is owed, and the balances it leaves.

Only arithmetic: `settle` takes what the store read and says what must be written, or why not.
Nothing here knows DynamoDB, JSON, or which callbacks exist.
"""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal, Inexact
from functools import lru_cache
from typing import Literal

from wallet import money
from wallet.errors import Conflict, NoSuchPlayer, Unavailable, WrongCurrency

FreeRound = Literal["none", "round", "total"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Credit:
    """Money owed once: the same `kind` and `reference` again is the same credit.

    `free_round` says how the amount counts: a `round` of a free round bonus is paid to cash and to
    bonus; a `total` of all its rounds is paid likewise, less what its rounds have been paid already.
    `two_ways` marks a credit that may arrive by two callbacks, which describe it differently.
    """

    kind: str
    reference: str
    user_id: str
    amount: Decimal
    currency: str | None = None  # None: the wallet's own
    game_id: str | None = None
    round_id: str | None = None
    bonus_code: str | None = None
    jackpot_id: str | None = None
    campaign_id: str | None = None
    campaign_type: str | None = None
    provider_id: str
    timestamp: str  # milliseconds since the epoch, as the provider sent it
    free_round: FreeRound = "none"
    auto_closed: bool = False
    two_ways: bool = False

    @property
    def id(self) -> str:
        return f"{self.kind}#{self.reference}"

    @property
    def transaction_id(self) -> str:
        """A UUIDv5 of the id: the same wherever and however often the credit is settled."""
        return _transaction_id(self.id)

    @property
    def free_round_code(self) -> str | None:
        """The bonus code whose count this credit reads and moves."""
        return None if self.free_round == "none" else self.bonus_code

    def differences(self, recorded: "Credit") -> tuple[str, ...]:
        """The fields in which this credit is not the one recorded under its id; none for a replay."""
        compared = {
            "userId": self.user_id == recorded.user_id,
            "amount": self.amount == recorded.amount,
            "currency": self.currency is None or _same_currency(self.currency, recorded.currency),
        }
        if self.two_ways:
            campaign_known_twice = self.campaign_id is not None and recorded.campaign_id is not None
            compared["campaignId"] = not campaign_known_twice or self.campaign_id == recorded.campaign_id
        else:
            compared |= {
                "gameId": self.game_id == recorded.game_id,
                "roundId": self.round_id == recorded.round_id,
                "bonusCode": self.bonus_code == recorded.bonus_code,
                "jackpotId": self.jackpot_id == recorded.jackpot_id,
                "campaignId": self.campaign_id == recorded.campaign_id,
            }
        return tuple(field for field, same in compared.items() if not same)


@dataclass(frozen=True, slots=True, kw_only=True)
class Wallet:
    """A player's balances; `version` grows by one with every transaction."""

    user_id: str
    currency: str
    cash: Decimal
    bonus: Decimal
    version: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Transaction:
    """A credit on record: what was paid for it and the balances it left behind.

    `seq` is the wallet's version after it, so a player's transactions are numbered without a gap.
    """

    credit: Credit
    paid: Decimal
    seq: int
    cash_after: Decimal
    bonus_after: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """What the store holds of a request's credits: `transactions` by id, only those on record.

    `uncovered` is what rounds under the request's bonus code were paid and no total has covered;
    None if nothing was counted under that code yet.
    """

    wallet: Wallet | None
    transactions: Mapping[str, Transaction]
    uncovered: Decimal | None

    @property
    def is_torn(self) -> bool:
        """Whether the wallet was read before a transaction that was read with it.

        A read of several items is not one instant: the wallet may lack the money of a transaction
        that is already visible, and must be read again.
        """
        return self.wallet is not None and any(
            transaction.credit.user_id == self.wallet.user_id and transaction.seq > self.wallet.version
            for transaction in self.transactions.values()
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class FreeRoundCount:
    """How the count of a bonus code moves; `before` is None if there was none."""

    bonus_code: str
    before: Decimal | None
    after: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """What the provider is told: balances as they are now; `replayed` if no money moved."""

    transaction_id: str
    currency: str
    cash: Decimal
    bonus: Decimal
    replayed: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Settlement:
    """What must be written, all of it or nothing; nothing at all when `transactions` is empty.

    `overpaid` is what rounds were paid beyond their total, which cannot be taken back.
    """

    receipt: Receipt
    before: Wallet
    after: Wallet
    transactions: tuple[Transaction, ...]
    free_round: FreeRoundCount | None
    overpaid: Decimal


def settle(credits: Sequence[Credit], snapshot: Snapshot) -> Settlement:
    """What one request's credits do, given what is on record.

    The first credit gives the receipt its transactionId. Each credit stands for itself: one that is
    on record is not paid again, whatever came with it. One conflict refuses the whole request.

    Raises Conflict, then NoSuchPlayer, then WrongCurrency; Unavailable if a balance would need more
    digits than the store can hold.
    """
    for credit in credits:
        recorded = snapshot.transactions.get(credit.id)
        if recorded and (differences := credit.differences(recorded.credit)):
            raise Conflict(credit.reference, differences, is_prize=credit is not credits[0])

    before = snapshot.wallet
    if before is None:
        raise NoSuchPlayer(credits[0].user_id)

    fresh = [credit for credit in credits if credit.id not in snapshot.transactions]
    if any(credit.currency and not _same_currency(credit.currency, before.currency) for credit in fresh):
        raise WrongCurrency(before.currency)

    after, transactions, free_round, overpaid = before, [], None, _NOTHING
    try:
        for credit in fresh:
            paid = credit.amount
            if credit.free_round_code:
                paid, overpaid, count = _count_free_round(credit, snapshot.uncovered or _NOTHING)
                free_round = FreeRoundCount(bonus_code=credit.free_round_code, before=snapshot.uncovered, after=count)
            after = _pay(after, credit, paid)
            transactions.append(
                Transaction(credit=credit, paid=paid, seq=after.version, cash_after=after.cash, bonus_after=after.bonus)
            )
    except Inexact:
        # Not the provider's fault, and no reason to round: the win is kept for a person to book.
        raise Unavailable("a balance would need more than 38 digits") from None

    receipt = Receipt(
        transaction_id=credits[0].transaction_id,
        currency=after.currency,
        cash=after.cash,
        bonus=after.bonus,
        replayed=not transactions,
    )
    return Settlement(
        receipt=receipt,
        before=before,
        after=after,
        transactions=tuple(transactions),
        free_round=free_round,
        overpaid=overpaid,
    )


def _count_free_round(credit: Credit, uncovered: Decimal) -> tuple[Decimal, Decimal, Decimal]:
    """What a free round's credit is paid, what was overpaid before it, and the count it leaves."""
    if credit.free_round == "round":
        return credit.amount, _NOTHING, money.add(uncovered, credit.amount)
    # A total covers its rounds: those already paid one by one are not paid again.
    covered = min(credit.amount, uncovered)
    return money.subtract(credit.amount, covered), money.subtract(uncovered, covered), _NOTHING


def _pay(wallet: Wallet, credit: Credit, paid: Decimal) -> Wallet:
    # The provider defines `bonus` as the money won in free rounds, kept for statistics beside the cash.
    to_bonus = _NOTHING if credit.free_round == "none" else paid
    return Wallet(
        user_id=wallet.user_id,
        currency=wallet.currency,
        cash=money.add(wallet.cash, paid),
        bonus=money.add(wallet.bonus, to_bonus),
        version=wallet.version + 1,
    )


def _same_currency(one: str | None, other: str | None) -> bool:
    return one is not None and other is not None and one.upper() == other.upper()


_NOTHING = Decimal(0)
_TRANSACTIONS = uuid.UUID("2a3a4e5c-8d0f-5b7e-9c55-6c1f7a2b9d10")  # never to change: it names every transaction


@lru_cache(maxsize=16)  # asked for by the record, the answer and the log of one callback
def _transaction_id(credit_id: str) -> str:
    return str(uuid.uuid5(_TRANSACTIONS, credit_id))
