"""What a credit does to a wallet: replay or conflict, what is owed, and the balances it leaves.

Only arithmetic: `settle` takes what the store read and says what must be written, or why not.
Nothing here knows DynamoDB, JSON, or which callbacks exist.
"""

import re
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal, Inexact
from functools import lru_cache
from typing import Literal

from wallet import money
from wallet.errors import Conflict, NoSuchPlayer, Refusal, Unavailable, WrongCurrency

FreeRound = Literal["none", "round", "total"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Prize:
    """A promotion's prize as a win's request describes it. `fault` is why it cannot be read, if it cannot.

    The win's record keeps the first one that it came with: another one later is left for a person.
    """

    reference: str | None
    amount: str  # in its one form if it is an amount, otherwise as sent
    fault: Refusal | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Credit:
    """Money owed once: the same `kind` and `reference` again is the same credit.

    `free_round` says how the amount counts. A `round` of a free round bonus is paid to cash and to bonus, less what
    totals have paid ahead of it. A `total` is paid likewise, less what its rounds have been paid.
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
    provider_id: str | None
    timestamp: str | None  # as the provider sent it
    free_round: FreeRound = "none"
    auto_closed: bool = False
    prize: Prize | None = None

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

    @property
    def moment(self) -> int | None:
        """The timestamp in milliseconds since the epoch; None if it is of another form, and so not known."""
        return int(self.timestamp) if self.timestamp and _MILLISECONDS.fullmatch(self.timestamp) else None

    @property
    def round_key(self) -> str | None:
        """Game and round in one text. No two pairs share one: the game's length comes first."""
        if self.game_id is None or self.round_id is None:
            return None
        return f"{len(self.game_id)}:{self.game_id}{self.round_id}"

    def differences(self, recorded: "Credit") -> tuple[str, ...]:
        """The fields in which this credit contradicts the one recorded under its id; none for a replay.

        A field that only one of them carries does not contradict. Auto closing leaves fields out, and a prize is
        described differently alone and inside a result.
        """
        compared = {
            "userId": (self.user_id, recorded.user_id),
            "amount": (self.amount, recorded.amount),
            "currency": (_currency(self.currency), _currency(recorded.currency)),
            "gameId": (self.game_id, recorded.game_id),
            "roundId": (self.round_id, recorded.round_id),
            "bonusCode": (self.bonus_code, recorded.bonus_code),
            "jackpotId": (self.jackpot_id, recorded.jackpot_id),
            "campaignId": (self.campaign_id, recorded.campaign_id),
        }
        return tuple(name for name, (one, other) in compared.items() if None not in (one, other) and one != other)


@dataclass(frozen=True, slots=True, kw_only=True)
class Wallet:
    """A player's balances; `version` grows by one with every transaction."""

    user_id: str
    currency: str
    cash: Decimal
    bonus: Decimal
    version: int


@dataclass(frozen=True, slots=True, kw_only=True)
class FreeRounds:
    """What is known of the free rounds that a player plays under one bonus code."""

    uncovered: Decimal = Decimal(0)  # what rounds were paid and no total has covered
    advance: Decimal = Decimal(0)  # what totals were paid beyond the rounds seen so far
    until: int | None = None  # the newest timestamp of a total
    last_rounds: tuple[str, ...] = ()  # those that totals named as their last, the newest at the end


@dataclass(frozen=True, slots=True, kw_only=True)
class Transaction:
    """A credit on record: what was paid for it and the balances it left behind.

    `seq` is the wallet's version after it, so a player's transactions are numbered without a gap.
    `free_rounds` is what it left of its bonus code, if it moved that.
    """

    credit: Credit
    paid: Decimal
    seq: int
    cash_after: Decimal
    bonus_after: Decimal
    free_rounds: FreeRounds | None = None

    @property
    def wallet_after(self) -> Wallet:
        return Wallet(
            user_id=self.credit.user_id,
            currency=self.credit.currency or "",
            cash=self.cash_after,
            bonus=self.bonus_after,
            version=self.seq,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """What the store holds of a request's credits: `transactions` by id, only those on record.

    `free_rounds` is what is known under the request's bonus code; None if nothing is yet. What another program has left
    in a form that nothing can be added to is unreadable, with the reason.
    """

    wallet: Wallet | None
    transactions: Mapping[str, Transaction]
    free_rounds: FreeRounds | None
    unreadable_wallet: str | None = None
    unreadable_free_rounds: str | None = None

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
class Receipt:
    """The provider's answer: balances as they are now; `replayed` if no money moved."""

    transaction_id: str
    currency: str
    cash: Decimal
    bonus: Decimal
    replayed: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Settlement:
    """What must be written, all of it or nothing; nothing at all unless `changes`.

    `disputed` is why the win's prize is not paid: it is for a person to decide. `is_left` if the record says that this
    prize was left for a person before. `noted` is the win on record that must remember the prize it came with now.
    """

    receipt: Receipt
    before: Wallet
    after: Wallet
    transactions: tuple[Transaction, ...]
    disputed: Refusal | None
    is_left: bool
    noted: Credit | None

    @property
    def changes(self) -> bool:
        return bool(self.transactions) or self.noted is not None


def settle(credits: Sequence[Credit], snapshot: Snapshot) -> Settlement:
    """What one request's credits do, given what is on record.

    The first credit is the request's own win, and gives the receipt its transactionId. Any other is a prize that came
    with it. Each is paid once, whatever it came with, and what is wrong with a prize does not hold back the win.

    Raises Conflict, then NoSuchPlayer, then WrongCurrency; Unavailable if nothing can be added to what is on record,
    or a balance would need more digits than the store can hold.
    """
    win, *prizes = credits
    recorded = snapshot.transactions.get(win.id)
    if recorded and (differences := win.differences(recorded.credit)):
        raise Conflict(differences)
    before = after = _wallet_before(win, recorded, snapshot)
    transactions: list[Transaction] = []
    if recorded is None:
        paid, after = _pay(win, after, snapshot)
        transactions.append(paid)

    disputed = _dispute(win, prizes, snapshot)
    for prize in prizes:
        if disputed is None and prize.id not in snapshot.transactions:
            try:
                paid, after = _pay(prize, after, snapshot)
                transactions.append(paid)
            except (WrongCurrency, Unavailable) as refusal:
                disputed = refusal

    receipt = Receipt(
        transaction_id=win.transaction_id,
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
        disputed=disputed,
        is_left=_is_left(win, prizes, snapshot),
        noted=win if recorded and win.prize and recorded.credit.prize is None else None,
    )


def _is_left(win: Credit, prizes: Sequence[Credit], snapshot: Snapshot) -> bool:
    """Whether the record says that the win's prize was left for a person before. If that is paid, it does not say."""
    recorded = snapshot.transactions.get(win.id)
    is_noted = recorded is not None and recorded.credit.prize == win.prize
    return is_noted and not any(prize.id in snapshot.transactions for prize in prizes)


def _wallet_before(win: Credit, recorded: Transaction | None, snapshot: Snapshot) -> Wallet:
    """The wallet that the request finds. If it is unreadable, the record of a win that was paid has its balances."""
    if snapshot.wallet:
        return snapshot.wallet
    if not snapshot.unreadable_wallet:
        raise NoSuchPlayer(win.user_id)
    if recorded is None or recorded.cash_after.is_nan() or recorded.bonus_after.is_nan():
        raise Unavailable(snapshot.unreadable_wallet)
    return recorded.wallet_after


def _dispute(win: Credit, prizes: Sequence[Credit], snapshot: Snapshot) -> Refusal | None:
    """Why the prize that a win came with must not be paid, if it must not."""
    if win.prize is None:
        return None
    if win.prize.fault:
        return win.prize.fault
    recorded = snapshot.transactions.get(win.id)
    if recorded and (before := recorded.credit.prize) and before != win.prize:
        named = {
            "promoWinReference": before.reference != win.prize.reference,
            "promoWinAmount": before.amount != win.prize.amount,
        }
        return Conflict(tuple(name for name, differs in named.items() if differs))
    for prize in prizes:
        recorded = snapshot.transactions.get(prize.id)
        if recorded and (differences := prize.differences(recorded.credit)):
            return Conflict(differences)
    return None


def _pay(credit: Credit, wallet: Wallet, snapshot: Snapshot) -> tuple[Transaction, Wallet]:
    """The transaction of a credit that is on no record yet, and the wallet after it.

    Raises WrongCurrency, Unavailable.
    """
    if snapshot.unreadable_wallet:
        raise Unavailable(snapshot.unreadable_wallet)
    if credit.currency and _currency(credit.currency) != _currency(wallet.currency):
        raise WrongCurrency(wallet.currency)
    try:
        paid, free_rounds = credit.amount, None
        if credit.free_round_code:
            if snapshot.unreadable_free_rounds:
                raise Unavailable(snapshot.unreadable_free_rounds)
            paid, free_rounds = _count_free_round(credit, snapshot.free_rounds or FreeRounds())
        # The provider defines `bonus` as the money won in free rounds, kept for statistics beside the cash.
        to_bonus = _NOTHING if credit.free_round == "none" else paid
        after = replace(
            wallet,
            cash=money.add(wallet.cash, paid),
            bonus=money.add(wallet.bonus, to_bonus),
            version=wallet.version + 1,
        )
    except Inexact:
        # Not the provider's fault, and no reason to round: the win is kept for a person to book.
        raise Unavailable("a balance would need more than 38 digits") from None
    transaction = Transaction(
        credit=credit,
        paid=paid,
        seq=after.version,
        cash_after=after.cash,
        bonus_after=after.bonus,
        free_rounds=free_rounds,
    )
    return transaction, after


def _count_free_round(credit: Credit, count: FreeRounds) -> tuple[Decimal, FreeRounds]:
    """What a free round's credit is paid, and what it leaves of its code.

    The sum paid stays the sum of the rounds and the advance, and the sum of the totals and what is uncovered.
    """
    uncovered, advance = (max(amount, _NOTHING) for amount in (count.uncovered, count.advance))
    is_covered = credit.round_key in count.last_rounds or (
        credit.moment is not None and count.until is not None and credit.moment <= count.until
    )
    if credit.free_round == "round":
        # A total that was paid before this round arrived has paid it already.
        paid_ahead = min(credit.amount, advance) if is_covered else _NOTHING
        paid = money.subtract(credit.amount, paid_ahead)
        return paid, replace(count, uncovered=money.add(uncovered, paid), advance=money.subtract(advance, paid_ahead))
    # A total covers its rounds: those already paid one by one are not paid again.
    covered = min(credit.amount, uncovered)
    paid = money.subtract(credit.amount, covered)
    last_rounds = [key for key in (*count.last_rounds, credit.round_key) if key]
    return paid, FreeRounds(
        uncovered=money.subtract(uncovered, covered),
        advance=money.add(advance, paid),
        until=max((moment for moment in (count.until, credit.moment) if moment is not None), default=None),
        last_rounds=tuple(last_rounds[-_LAST_ROUNDS:]),
    )


def _currency(code: str | None) -> bytes | None:
    """A currency for comparing: only the letters A to Z are the same in capitals."""
    return code if code is None else code.encode().upper()


_NOTHING = Decimal(0)
_LAST_ROUNDS = 10  # ten newer totals are days of play: a round under an older one has long been delivered
_MILLISECONDS = re.compile(r"[0-9]{1,20}")
_TRANSACTIONS = uuid.UUID("2a3a4e5c-8d0f-5b7e-9c55-6c1f7a2b9d10")  # never to change: it names every transaction


@lru_cache(maxsize=16)  # asked for by the record, the answer and the log of one callback
def _transaction_id(credit_id: str) -> str:
    return str(uuid.uuid5(_TRANSACTIONS, credit_id))
