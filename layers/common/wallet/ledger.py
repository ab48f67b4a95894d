"""What a movement does to a wallet: replay or conflict, what is owed or taken, and the balances it leaves.

Only arithmetic: `settle` takes what the store read and says what must be written, or why not.
Nothing here knows DynamoDB, JSON, or which functions exist.
"""

import re
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from decimal import Decimal, Inexact
from functools import lru_cache
from typing import Literal, NamedTuple

from wallet import money
from wallet.errors import (
    Conflict,
    Frozen,
    InvalidAmount,
    Malformed,
    NoSuchPlayer,
    NotAllowed,
    NotEnough,
    Refusal,
    Unavailable,
    WrongCurrency,
)
from wallet.rounds import Bet, Round, RoundPart

FreeRound = Literal["none", "round", "total"]
Outcome = Literal["not enough", "booked elsewhere", "cancelled"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Prize:
    """A promotion's prize as a win's request describes it. `fault` is why it cannot be read, if it cannot.

    The win's record keeps the first one that it came with: another one later is left for a person.
    """

    reference: str | None
    amount: str  # in its one form if it is an amount, otherwise as sent
    fault: Refusal | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Movement:
    """A change of a wallet, made once: the same `kind` and `reference` again is the same movement.

    `amount` is what cash moves by: above zero for what a player gets, below for what is taken. `bonus_amount` is what
    an opening or an adjustment moves `bonus` by.
    `free_round` says how the amount counts. A `round` of a free round bonus is paid to cash and to bonus, less what
    totals have paid ahead of it. A `total` is paid likewise, less what its rounds have been paid.
    `part` is what it is to its round. A bet with a bonus code is a free round: nothing is taken. `paid_back_as` is the
    kind of the movement that pays a bet back.
    `opens`: it makes the wallet. `below_zero`: it may take more than there is. `actor` and `reason` say who ordered it
    and why, where it was no request of the provider alone. `booked_elsewhere`: a person has paid it by other means, and
    it moves nothing here. `arrived_with` is the id of the result that a prize came in.
    """

    kind: str
    reference: str
    user_id: str
    amount: Decimal
    bonus_amount: Decimal = Decimal(0)
    currency: str | None = None  # None: the wallet's own
    game_id: str | None = None
    round_id: str | None = None
    bonus_code: str | None = None
    jackpot_id: str | None = None
    campaign_id: str | None = None
    campaign_type: str | None = None
    provider_id: str | None = None
    timestamp: str | None = None  # as the provider sent it
    free_round: FreeRound = "none"
    part: RoundPart = "none"
    paid_back_as: str | None = None
    auto_closed: bool = False
    prize: Prize | None = None
    arrived_with: str | None = None
    opens: bool = False
    below_zero: bool = False
    actor: str | None = None
    reason: str | None = None
    booked_elsewhere: bool = False

    @property
    def id(self) -> str:
        return f"{self.kind}#{self.reference}"

    @property
    def transaction_id(self) -> str:
        """A UUIDv5 of the id: the same wherever and however often the movement is settled."""
        return transaction_id(self.id)

    @property
    def is_free_bet(self) -> bool:
        """Whether it is a bet that takes nothing: it plays a free round."""
        return self.part == "bet" and self.bonus_code is not None

    @property
    def pay_back_id(self) -> str | None:
        """The id of the movement that pays a bet back; None if it is no bet."""
        return self.paid_back_as and f"{self.paid_back_as}#{self.reference}"

    @property
    def free_round_code(self) -> str | None:
        """The bonus code whose count this movement reads and moves."""
        return None if self.free_round == "none" else self.bonus_code

    @property
    def moment(self) -> int | None:
        """The timestamp in milliseconds since the epoch; None if it is of another form, and so not known."""
        return int(self.timestamp) if self.timestamp and _MILLISECONDS.fullmatch(self.timestamp) else None

    @property
    def round_key(self) -> str | None:
        """Game and round in one text, if it names both."""
        return self.place and round_key(self.place)

    @property
    def place(self) -> tuple[str, str] | None:
        return place(self.game_id, self.round_id)

    def differences(self, recorded: "Movement") -> tuple[str, ...]:
        """The fields in which this movement contradicts the one recorded under its id; none for a replay.

        A field that only one of them carries does not contradict. Auto closing leaves fields out, and a prize is
        described differently alone and inside a result.
        """
        compared = {
            "userId": (self.user_id, recorded.user_id),
            "amount": (self.amount, recorded.amount),
            "bonus": (self.bonus_amount, recorded.bonus_amount),
            "currency": (_currency(self.currency), _currency(recorded.currency)),
            "gameId": (self.game_id, recorded.game_id),
            "roundId": (self.round_id, recorded.round_id),
            "bonusCode": (self.bonus_code, recorded.bonus_code),
            "jackpotId": (self.jackpot_id, recorded.jackpot_id),
            "campaignId": (self.campaign_id, recorded.campaign_id),
        }
        return contradictions(compared)


@dataclass(frozen=True, slots=True, kw_only=True)
class Wallet:
    """A player's balances. `version` grows by one with every movement, and `digest` is the last one's.

    It is "" before the first movement, and where another program has opened the wallet. A `frozen` player may not bet.
    """

    user_id: str
    currency: str
    cash: Decimal
    bonus: Decimal
    version: int
    digest: str = ""
    frozen: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class FreeRounds:
    """What is known of the free rounds that a player plays under one bonus code."""

    uncovered: Decimal = Decimal(0)  # what rounds were paid and no total has covered
    advance: Decimal = Decimal(0)  # what totals were paid beyond the rounds seen so far
    until: int | None = None  # the newest timestamp of a total
    last_rounds: tuple[str, ...] = ()  # those that totals named as their last, the newest at the end


@dataclass(frozen=True, slots=True, kw_only=True)
class Transaction:
    """A movement on record: what it moved and the balances it left behind.

    `seq` is the wallet's version after it, so a player's movements are numbered without a gap. It is None for what
    settles a reference and moves nothing; `outcome` says why then. `free_rounds` and `round` are what it left of its
    bonus code and of its round, if it changed them.
    """

    movement: Movement
    paid: Decimal
    seq: int | None
    cash_after: Decimal
    bonus_after: Decimal
    free_rounds: FreeRounds | None = None
    round: Round | None = None
    outcome: Outcome | None = None

    @property
    def wallet_after(self) -> Wallet:
        return Wallet(
            user_id=self.movement.user_id,
            currency=self.movement.currency or "",
            cash=self.cash_after,
            bonus=self.bonus_after,
            version=self.seq or 0,
        )


class Scope(NamedTuple):
    """What must be read for a request: that player's wallet, transactions by their `ids`, one bonus code, one round.

    `place` is the round's game and its id.
    """

    user_id: str
    ids: tuple[str, ...] = ()
    bonus_code: str | None = None
    place: tuple[str, str] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """What the store holds of a request's movements: `transactions` by id, only those on record.

    `free_rounds` and `round` are what is known under the request's bonus code and of its round; None if nothing is yet.
    What another program has left in a form that nothing can be added to is unreadable, with the reason. Where
    `has_rounds` is false, rounds are not kept, and have no rules.
    """

    wallet: Wallet | None
    transactions: Mapping[str, Transaction]
    free_rounds: FreeRounds | None
    round: Round | None = None
    has_rounds: bool = False
    unreadable_wallet: str | None = None
    unreadable_free_rounds: str | None = None
    unreadable_round: str | None = None

    def is_torn(self, user_id: str) -> bool:
        """Whether that player's wallet was read before a transaction that was read with it.

        A read of several items is not one instant: the wallet may lack the money of a transaction
        that is already visible, or not be there yet, and must be read again.
        """
        version = self.wallet.version if self.wallet else 0
        return not self.unreadable_wallet and any(
            transaction.movement.user_id == user_id and (transaction.seq or 0) > version
            for transaction in self.transactions.values()
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """The provider's answer: balances as they are now; `replayed` if nothing was to be written any more.

    Without a `transaction_id` nothing was asked to move. `has_balances`: they are part of the answer.
    """

    transaction_id: str | None = None
    currency: str
    cash: Decimal
    bonus: Decimal
    replayed: bool
    has_balances: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Settlement:
    """What must be written, all of it or nothing; nothing at all unless `changes`.

    `disputed` is why something is left for a person to decide: the win's prize, or a refund of an unknown round.
    `is_left` if the record says that this prize was left for a person before. `noted` is the win on record that must
    remember the prize it came with now. `round` is what the request leaves of its round, if it changes it.
    `refusal` is what is answered all the same: a refusal for lack of money is on record, and final.
    """

    receipt: Receipt
    before: Wallet
    after: Wallet
    transactions: tuple[Transaction, ...]
    disputed: Refusal | None = None
    is_left: bool = False
    noted: Movement | None = None
    round: Round | None = None
    refusal: Refusal | None = None

    @property
    def changes(self) -> bool:
        return bool(self.transactions) or self.noted is not None or self.round is not None

    @property
    def was_not_enough(self) -> bool:
        return any(transaction.outcome == "not enough" for transaction in self.transactions)

    @property
    def stakes(self) -> bool:
        """Whether a bet is placed, which no frozen player may do, if there is enough for it or not."""
        return any(each.movement.part == "bet" and each.outcome != "cancelled" for each in self.transactions)

    @property
    def moves(self) -> bool:
        """Whether the wallet is another one afterwards."""
        return any(transaction.outcome is None for transaction in self.transactions)

    @property
    def opens(self) -> bool:
        """Whether there was no wallet before."""
        return any(transaction.movement.opens for transaction in self.transactions)


def scope(movements: Sequence[Movement], snapshot: Snapshot | None = None) -> Scope:
    """What must be read for a request's movements. A round that was read may name the bonus code of its result."""
    first, *prizes = movements
    first = _of_its_round(first, snapshot)
    return Scope(
        user_id=first.user_id,
        ids=tuple(id for id in (*(each.id for each in movements), first.pay_back_id) if id),
        bonus_code=next((each.free_round_code for each in (first, *prizes) if each.free_round_code), None),
        place=None if first.part == "none" else first.place,
    )


def is_torn(movements: Sequence[Movement], snapshot: Snapshot) -> bool:
    """Whether a bet was read before its round, which has it as live already."""
    first, round_ = movements[0], snapshot.round
    is_live = first.part == "bet" and round_ is not None and round_.bet(first.reference) is not None
    return is_live and first.id not in snapshot.transactions


def settle(movements: Sequence[Movement], snapshot: Snapshot) -> Settlement:
    """What one request's movements do, given what is on record.

    The first movement is the request's own, and gives the receipt its transactionId. Any other is a prize that came
    with it. Each is made once, whatever it came with, and what is wrong with a prize does not hold back the win.

    A person who orders the opposite of what is on record is refused: they would take it for done.

    Raises Conflict (NotAllowed for a bet), then NoSuchPlayer, WrongCurrency and Frozen, then NotAllowed or Conflict if
    the round forbids it; Unavailable if nothing can be added to what is on record, or a balance would need more digits
    than the store can hold (InvalidAmount if somebody ordered it). What is refused for lack of money is a settlement
    with a `refusal`.
    """
    win, *prizes = movements
    win = _of_its_round(win, snapshot)
    if any(each.booked_elsewhere and each.free_round_code for each in (win, *prizes)):
        # What is kept of its code would not know: its total would pay the round again, or a round the total.
        raise Malformed("bookedElsewhere")
    recorded = snapshot.transactions.get(win.id)
    if recorded:
        _check_record(win, recorded, snapshot)
    before = after = _wallet_before(win, recorded, snapshot)
    transactions: list[Transaction] = []
    if recorded is None:
        recorded, after = move(win, after, snapshot)
        transactions.append(recorded)

    disputed = _dispute(win, prizes, snapshot)
    for prize in prizes:
        if disputed is None and prize.id not in snapshot.transactions:
            try:
                paid, after = move(prize, after, snapshot)
                transactions.append(paid)
            except (WrongCurrency, InvalidAmount, Unavailable) as refusal:
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
        noted=win if win.prize and recorded.movement.prize is None else None,
        round=transactions[0].round if transactions else None,
        refusal=NotEnough(after.currency, after.cash, after.bonus) if recorded.outcome == "not enough" else None,
    )


def _of_its_round(win: Movement, snapshot: Snapshot | None) -> Movement:
    """A result without a bonus code counts as carrying the one that all live bets of its round carry.

    Auto closing leaves it out, and so do the provider's newest pages. What is on record was decided then.
    """
    code = snapshot.round.bonus_code if snapshot and snapshot.round else None
    if snapshot is None or not code or win.part != "result" or win.bonus_code or win.id in snapshot.transactions:
        return win
    return replace(win, bonus_code=code, free_round="round")


def _check_record(win: Movement, recorded: Transaction, snapshot: Snapshot) -> None:
    """Raises NotAllowed (a bet) or Conflict for what the record under its own id forbids."""
    is_cancelled, is_bet = recorded.outcome == "cancelled", win.part == "bet"
    known = replace(recorded.movement, amount=win.amount) if is_cancelled else recorded.movement  # a cancel has none
    if differences := win.differences(known):
        raise (
            NotAllowed("This reference was already used with other content", differences)
            if is_bet
            else Conflict(differences)
        )
    if is_bet and (is_cancelled or win.pay_back_id in snapshot.transactions):
        raise NotAllowed("The bet was cancelled")
    if win.actor:
        check_decision(win.booked_elsewhere, is_elsewhere=recorded.outcome == "booked elsewhere")


def check_decision(booked_elsewhere: bool, *, is_elsewhere: bool) -> None:
    """Raises Conflict for a person who decides the opposite of what is on record: they would take it for done."""
    if booked_elsewhere != is_elsewhere:
        raise Conflict(("bookedElsewhere",), _DECIDED[booked_elsewhere])


def contradictions(compared: Mapping[str, tuple[object, object]]) -> tuple[str, ...]:
    """The names of the pairs that differ. One of them may be missing: that contradicts nothing."""
    return tuple(name for name, (one, other) in compared.items() if None not in (one, other) and one != other)


def _is_left(win: Movement, prizes: Sequence[Movement], snapshot: Snapshot) -> bool:
    """Whether the record says that the win's prize was left for a person before. If that is paid, it does not say."""
    recorded = snapshot.transactions.get(win.id)
    is_noted = recorded is not None and recorded.movement.prize == win.prize
    return is_noted and not any(prize.id in snapshot.transactions for prize in prizes)


def _wallet_before(win: Movement, recorded: Transaction | None, snapshot: Snapshot) -> Wallet:
    """The wallet that the request finds. If it is unreadable, the record of a win that was paid has its balances.

    One that is not there is empty, for what opens it and for what is booked elsewhere.
    """
    opens = win.opens and recorded is None
    if opens and (snapshot.wallet or snapshot.unreadable_wallet):
        raise Conflict(("userId",), "The player has a wallet already")
    if snapshot.wallet:
        return snapshot.wallet
    if not snapshot.unreadable_wallet:
        if opens or (recorded.outcome == "booked elsewhere" if recorded else win.booked_elsewhere):
            return Wallet(user_id=win.user_id, currency=win.currency or "", cash=_NOTHING, bonus=_NOTHING, version=0)
        raise NoSuchPlayer(win.user_id)
    if recorded is None or recorded.cash_after.is_nan() or recorded.bonus_after.is_nan():
        raise Unavailable(snapshot.unreadable_wallet)
    return recorded.wallet_after


def _dispute(win: Movement, prizes: Sequence[Movement], snapshot: Snapshot) -> Refusal | None:
    """Why the prize that a win came with must not be paid, if it must not."""
    if win.prize is None:
        return None
    if win.prize.fault:
        return win.prize.fault
    on_record = [(prize, snapshot.transactions[prize.id]) for prize in prizes if prize.id in snapshot.transactions]
    if any(each.movement.actor and not prize.differences(each.movement) for prize, each in on_record):
        return None  # a person has decided about it
    recorded = snapshot.transactions.get(win.id)
    if recorded and (before := recorded.movement.prize) and before != win.prize:
        named = {
            "promoWinReference": before.reference != win.prize.reference,
            "promoWinAmount": before.amount != win.prize.amount,
        }
        return Conflict(tuple(name for name, differs in named.items() if differs))
    for prize, each in on_record:
        if differences := prize.differences(each.movement):
            return Conflict(differences)
    return None


def move(movement: Movement, wallet: Wallet, snapshot: Snapshot) -> tuple[Transaction, Wallet]:
    """The transaction of a movement that is on no record yet, and the wallet after it.

    Raises NoSuchPlayer, WrongCurrency, Frozen, NotAllowed, Conflict, Unavailable.
    """
    if movement.booked_elsewhere:
        return unmoved(movement, wallet, "booked elsewhere", _play(movement, movement.amount, snapshot)), wallet
    if not movement.opens:
        # What it came with may be booked elsewhere, without a wallet.
        wallet_of(movement.user_id, movement.currency, snapshot)
    if movement.part == "bet" and wallet.frozen:
        raise Frozen
    with within_digits(movement.actor):
        paid, free_rounds = _NOTHING if movement.is_free_bet else movement.amount, None
        round_after = _play(movement, paid, snapshot)
        if movement.free_round_code:
            if snapshot.unreadable_free_rounds:
                raise Unavailable(snapshot.unreadable_free_rounds)
            paid, free_rounds = _count_free_round(movement, snapshot.free_rounds or FreeRounds())
        if paid < 0 and wallet.cash < paid.copy_abs() and not movement.below_zero:  # whatever digits a sum would need
            return unmoved(movement, wallet, "not enough", _refuse(movement, snapshot)), wallet
        # The provider defines `bonus` as the money won in free rounds, kept for statistics beside the cash.
        to_bonus = movement.bonus_amount if movement.free_round == "none" else paid
        after = replace(
            wallet,
            cash=money.add(wallet.cash, paid),
            bonus=money.add(wallet.bonus, to_bonus),
            version=wallet.version + 1,
        )
    transaction = Transaction(
        movement=movement,
        paid=paid,
        seq=after.version,
        cash_after=after.cash,
        bonus_after=after.bonus,
        free_rounds=free_rounds,
        round=round_after,
    )
    return transaction, after


@contextmanager
def within_digits(actor: str | None) -> Iterator[None]:
    """Refuses a sum inside that needs more digits than can be stored: Unavailable, or InvalidAmount for an actor."""
    try:
        yield
    except Inexact:
        # No reason to round. A win is not the provider's fault: it is kept for a person, who may book it elsewhere.
        cause = "a balance would need more than 38 digits"
        raise (InvalidAmount(f"amount ({cause})") if actor else Unavailable(cause)) from None


def wallet_of(user_id: str, currency: str | None, snapshot: Snapshot) -> Wallet:
    """The wallet as it was read. Raises Unavailable, NoSuchPlayer; WrongCurrency if that is not its currency."""
    if snapshot.unreadable_wallet:
        raise Unavailable(snapshot.unreadable_wallet)
    if snapshot.wallet is None:
        raise NoSuchPlayer(user_id)
    if currency and _currency(currency) != _currency(snapshot.wallet.currency):
        raise WrongCurrency(snapshot.wallet.currency)
    return snapshot.wallet


def unmoved(movement: Movement, wallet: Wallet, outcome: Outcome, round_after: Round | None = None) -> Transaction:
    """The record of what settles a reference and moves nothing."""
    return Transaction(
        movement=movement,
        paid=_NOTHING,
        seq=None,
        cash_after=wallet.cash,
        bonus_after=wallet.bonus,
        round=round_after,
        outcome=outcome,
    )


def _play(movement: Movement, paid: Decimal, snapshot: Snapshot) -> Round | None:
    """What a movement leaves of its round; None if it belongs to none. Raises NotAllowed, Conflict, Unavailable."""
    before = _round_of(movement, snapshot)
    if before is None or movement.part == "result":
        return before and before.with_result(movement.amount, by_hand=movement.actor is not None)
    return before.with_bet(Bet(reference=movement.reference, taken=paid.copy_abs(), bonus_code=movement.bonus_code))


def _refuse(movement: Movement, snapshot: Snapshot) -> Round | None:
    """What a bet that is refused for lack of money leaves of its round, which must still be as it was read."""
    before = _round_of(movement, snapshot)
    return before and replace(before, had_refused_bet=True)


def _round_of(movement: Movement, snapshot: Snapshot) -> Round | None:
    if movement.part not in ("bet", "result") or not snapshot.has_rounds or movement.place is None:
        return None
    return round_as_read(snapshot) or Round.at(movement.place)


def round_as_read(snapshot: Snapshot) -> Round | None:
    """Raises Unavailable if nothing can be added to it."""
    if snapshot.unreadable_round:
        raise Unavailable(snapshot.unreadable_round)
    return snapshot.round


def _count_free_round(movement: Movement, count: FreeRounds) -> tuple[Decimal, FreeRounds]:
    """What a free round's movement is paid, and what it leaves of its code.

    The sum paid stays the sum of the rounds and the advance, and the sum of the totals and what is uncovered.
    """
    uncovered, advance = (max(amount, _NOTHING) for amount in (count.uncovered, count.advance))
    is_covered = movement.round_key in count.last_rounds or (
        movement.moment is not None and count.until is not None and movement.moment <= count.until
    )
    if movement.free_round == "round":
        # A total that was paid before this round arrived has paid it already.
        paid_ahead = min(movement.amount, advance) if is_covered else _NOTHING
        paid = money.subtract(movement.amount, paid_ahead)
        return paid, replace(count, uncovered=money.add(uncovered, paid), advance=money.subtract(advance, paid_ahead))
    # A total covers its rounds: those already paid one by one are not paid again.
    covered = min(movement.amount, uncovered)
    paid = money.subtract(movement.amount, covered)
    last_rounds = [key for key in (*count.last_rounds, movement.round_key) if key]
    return paid, FreeRounds(
        uncovered=money.subtract(uncovered, covered),
        advance=money.add(advance, paid),
        until=max((moment for moment in (count.until, movement.moment) if moment is not None), default=None),
        last_rounds=tuple(last_rounds[-_LAST_ROUNDS:]),
    )


def _currency(code: str | None) -> bytes | None:
    """A currency for comparing: only the letters A to Z are the same in capitals."""
    return code if code is None else code.encode().upper()


_NOTHING = Decimal(0)
_DECIDED = {
    True: "This reference is on record as paid here",
    False: "This reference is on record as booked elsewhere",
}
_LAST_ROUNDS = 10  # ten newer totals are days of play: a round under an older one has long been delivered
_MILLISECONDS = re.compile(r"[0-9]{1,20}")
_TRANSACTIONS = uuid.UUID("2a3a4e5c-8d0f-5b7e-9c55-6c1f7a2b9d10")  # never to change: it names every transaction


@lru_cache(maxsize=16)  # asked for by the record, the answer and the log of one callback
def transaction_id(movement_id: str) -> str:
    """A UUIDv5 of a movement's id."""
    return str(uuid.uuid5(_TRANSACTIONS, movement_id))


def place(game_id: str | None, round_id: str | None) -> tuple[str, str] | None:
    """A round's game and its id, if both are named."""
    return None if game_id is None or round_id is None else (game_id, round_id)


def round_key(place: tuple[str, str]) -> str:
    """Game and round in one text. No two pairs share one: the game's length comes first."""
    game_id, round_id = place
    return f"{len(game_id)}:{game_id}{round_id}"
