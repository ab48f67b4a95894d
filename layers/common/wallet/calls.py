"""What a call can ask for besides movements: the reversal of bets, the end of a round, or only the balances.

Only arithmetic, as in ledger.py. A reversal has no replays and no conflicts: what it does follows from the bet and the
round as they are now, whatever came before under the same reference.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from fractions import Fraction

from wallet import ledger
from wallet.errors import Conflict, Frozen, InvalidAmount, NoSuchPlayer, Refusal, Unavailable, UnknownRound
from wallet.ledger import Movement, Receipt, Scope, Settlement, Snapshot, Transaction, Wallet
from wallet.rounds import Bet, Round


@dataclass(frozen=True, slots=True, kw_only=True)
class Reversal:
    """Pays back the bet that its `reference` names, or with `whole_round` all live bets of a round.

    `kind` is that of the movement that pays a bet back, `undoes` the bet's. `amount` is what the provider expects, if
    it says so. `actor`: a person has decided, whatever the round has won and whatever amount is named.
    """

    kind: str
    undoes: str
    reference: str
    user_id: str
    whole_round: bool = False
    amount: Decimal | None = None
    game_id: str | None = None
    round_id: str | None = None
    provider_id: str | None = None
    actor: str | None = None
    reason: str | None = None
    booked_elsewhere: bool = False

    @property
    def id(self) -> str:
        return f"{self.kind}#{self.reference}"

    @property
    def bet_id(self) -> str:
        return f"{self.undoes}#{self.reference}"

    @property
    def place(self) -> tuple[str, str] | None:
        return ledger.place(self.game_id, self.round_id)

    def scope(self, snapshot: Snapshot | None = None) -> Scope:
        """What must be read. A bet that was read says which its round is, whatever its cancel says."""
        bet = self._taken_bet(snapshot) if snapshot else None
        place = self.place if bet is None or self.whole_round else bet.movement.place
        decided = self._paid_back_with(snapshot) if snapshot and self.actor else None
        ids = dict.fromkeys(id for id in (self.bet_id, self.id, decided) if id)
        return Scope(user_id=self.user_id, ids=(*ids,), place=place)

    def is_torn(self, snapshot: Snapshot) -> bool:
        """Whether the bet was read at another moment than its round: one that was taken is either live or paid back."""
        is_live = snapshot.round is not None and snapshot.round.bet(self.reference) is not None
        bet = self._taken_bet(snapshot)
        if bet is None:
            return is_live
        if snapshot.unreadable_round or (self.whole_round and bet.movement.place != self.place):
            return False
        return is_live == self._is_paid_back(snapshot) or (self.whole_round and snapshot.round is None)

    def settle(self, snapshot: Snapshot) -> Settlement:
        """What it does, given what is on record.

        Raises Conflict or InvalidAmount, and what `ledger.move` raises. Without a wallet, the settlement has a
        `refusal`: what is to be remembered is written all the same.
        """
        return self._refund(snapshot) if self.whole_round else self._cancel(snapshot)

    def _cancel(self, snapshot: Snapshot) -> Settlement:
        bet = snapshot.transactions.get(self.bet_id)
        if bet is None:  # it may still come, and must not be taken then
            before = self._round(snapshot)
            return self._settlement(snapshot, [self._memory()], before and replace(before, had_bet=True))
        if bet.outcome or self._is_paid_back(snapshot):
            self._check_decision(snapshot)
            return self._settlement(snapshot, [])
        self._check(bet)
        before = self._round(snapshot)
        live = before and before.bet(self.reference)
        if before is None or live is None:
            raise Conflict(("roundId",), _EXPIRED)
        if before.winnings > 0 and len(before.bets) == 1 and not self.actor:
            raise Conflict(("roundId",), _HAS_WINNINGS)
        paid_back, wallet = self._pay_back([live], before, snapshot)
        return self._settlement(snapshot, paid_back, before.without(self.reference), wallet)

    def _refund(self, snapshot: Snapshot) -> Settlement:
        named = snapshot.transactions.get(self.bet_id)
        if named:
            self._check(named)
        before = self._round(snapshot)
        if before is None or (self._taken_bet(snapshot) and self.is_torn(snapshot)):
            raise Conflict(("roundId",), _EXPIRED)
        if before.refunded:
            self._check_decision(snapshot, before)
        elif before.winnings > 0 and not self.actor:
            raise Conflict(("roundId",), _HAS_WINNINGS)
        transactions, wallet = self._pay_back(before.bets, before, snapshot)
        if named is None:
            transactions.append(self._memory(transactions))
        had_bets = before.bets or before.had_bet or before.had_refused_bet
        is_unknown = named is None and not before.refunded and not had_bets and not self.actor
        is_elsewhere = self.booked_elsewhere or before.refunded_elsewhere
        after = replace(before, bets=(), refunded=True, refunded_elsewhere=is_elsewhere)
        return self._settlement(snapshot, transactions, after, wallet, left=UnknownRound() if is_unknown else None)

    def _taken_bet(self, snapshot: Snapshot) -> Transaction | None:
        bet = snapshot.transactions.get(self.bet_id)
        return bet if bet and not bet.outcome else None

    def _is_paid_back(self, snapshot: Snapshot) -> bool:
        return self.id in snapshot.transactions

    def _check(self, bet: Transaction) -> None:
        """Raises Conflict if it contradicts the bet that it names. A person who cancels one knows which they mean."""
        its = bet.movement
        compared = {"userId": (self.user_id, its.user_id)}
        if not self.actor or self.whole_round:
            compared |= {"gameId": (self.game_id, its.game_id), "roundId": (self.round_id, its.round_id)}
        if differences := ledger.contradictions(compared):
            raise Conflict(differences, "This bet is on record with other content")

    def _check_decision(self, snapshot: Snapshot, refunded: Round | None = None) -> None:
        """Raises Conflict for a person who decides the opposite of what is on record."""
        if self.actor and refunded and refunded.refunded_elsewhere:
            ledger.check_decision(self.booked_elsewhere, is_elsewhere=True)
            return
        if refunded and not self.booked_elsewhere:
            return  # what was booked elsewhere before is one bet's cancel
        for id in (self.id, self._paid_back_with(snapshot)):
            if self.actor and id and (recorded := snapshot.transactions.get(id)):
                ledger.check_decision(self.booked_elsewhere, is_elsewhere=recorded.outcome == "booked elsewhere")

    def _paid_back_with(self, snapshot: Snapshot) -> str | None:
        """What a refund by a reference of its own paid back first: the memory of that reference says it."""
        memory = snapshot.transactions.get(self.bet_id)
        return memory and memory.movement.arrived_with

    def _round(self, snapshot: Snapshot) -> Round | None:
        """The round as it was read, or a new one if it names one. Raises Unavailable."""
        if self.place is None:
            return ledger.round_as_read(snapshot)
        return ledger.round_as_read(snapshot) or Round.at(self.place)

    def _pay_back(self, bets: Sequence[Bet], of: Round, snapshot: Snapshot) -> tuple[list[Transaction], Wallet | None]:
        taken = sum(Fraction(bet.taken) for bet in bets)  # it may need more digits than any balance has
        if taken and self.amount is not None and taken != Fraction(self.amount) and not self.actor:
            raise InvalidAmount("amount")
        transactions: list[Transaction] = []
        wallet = snapshot.wallet
        for bet in bets:
            movement = Movement(
                kind=self.kind,
                reference=bet.reference,
                user_id=self.user_id,
                amount=bet.taken,
                part="reversal",
                game_id=of.game_id,
                round_id=of.round_id,
                bonus_code=bet.bonus_code,
                provider_id=self.provider_id,
                actor=self.actor,
                reason=self.reason,
                booked_elsewhere=self.booked_elsewhere,
                arrived_with=transactions[0].movement.id if transactions else None,
            )
            transaction, wallet = ledger.move(movement, wallet or _no_wallet(self.user_id), snapshot)
            transactions.append(transaction)
        return transactions, wallet

    def _memory(self, after: Sequence[Transaction] = ()) -> Transaction:
        """What refuses the bet if it comes later. `after` are the transactions that are written before it."""
        bet = Movement(
            kind=self.undoes,
            reference=self.reference,
            user_id=self.user_id,
            amount=_NOTHING,
            part="bet",
            game_id=self.game_id,
            round_id=self.round_id,
            provider_id=self.provider_id,
            actor=self.actor,
            reason=self.reason,
            arrived_with=after[0].movement.id if after else None,
        )
        return ledger.unmoved(bet, _no_wallet(self.user_id), "cancelled")

    def _settlement(
        self,
        snapshot: Snapshot,
        transactions: Sequence[Transaction],
        after: Round | None = None,
        wallet: Wallet | None = None,
        left: Refusal | None = None,
    ) -> Settlement:
        before = snapshot.wallet or _no_wallet(self.user_id)
        wallet = wallet or before
        round_ = after if after != snapshot.round else None
        refusal: Refusal | None = None
        if snapshot.unreadable_wallet:
            refusal = Unavailable(snapshot.unreadable_wallet)
        elif snapshot.wallet is None and not self.actor:
            refusal = NoSuchPlayer(self.user_id, is_remembered=True)
        return Settlement(
            receipt=_receipt(wallet, ledger.transaction_id(self.id), replayed=not transactions and round_ is None),
            before=before,
            after=wallet,
            transactions=tuple(transactions),
            disputed=left,
            round=round_,
            refusal=refusal,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Ending:
    """The end of a round, which moves no money. A round that nothing is known of is recorded as ended."""

    user_id: str
    game_id: str
    round_id: str
    currency: str | None = None

    def scope(self, snapshot: Snapshot | None = None) -> Scope:
        return Scope(user_id=self.user_id, place=(self.game_id, self.round_id))

    def is_torn(self, snapshot: Snapshot) -> bool:
        return False

    def settle(self, snapshot: Snapshot) -> Settlement:
        """Raises NoSuchPlayer, WrongCurrency, Unavailable."""
        wallet = ledger.wallet_of(self.user_id, self.currency, snapshot)
        before = ledger.round_as_read(snapshot) or Round.at((self.game_id, self.round_id))
        return Settlement(
            receipt=_receipt(wallet, replayed=before.ended),
            before=wallet,
            after=wallet,
            transactions=(),
            round=None if before.ended else replace(before, ended=True),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Inquiry:
    """Asks for the balances; with `may_bet`, only whether the player may bet."""

    user_id: str
    currency: str | None = None
    may_bet: bool = False

    def scope(self, snapshot: Snapshot | None = None) -> Scope:
        return Scope(user_id=self.user_id)

    def is_torn(self, snapshot: Snapshot) -> bool:
        return False

    def settle(self, snapshot: Snapshot) -> Settlement:
        """Raises NoSuchPlayer, WrongCurrency, Frozen, Unavailable."""
        wallet = ledger.wallet_of(self.user_id, self.currency, snapshot)
        if self.may_bet and wallet.frozen:
            raise Frozen
        receipt = replace(_receipt(wallet, replayed=False), has_balances=not self.may_bet)
        return Settlement(receipt=receipt, before=wallet, after=wallet, transactions=())


Asked = list[Movement] | Reversal | Ending | Inquiry


def scope(asked: Asked, snapshot: Snapshot | None = None) -> Scope:
    """What must be read, given what was read."""
    return ledger.scope(asked, snapshot) if isinstance(asked, list) else asked.scope(snapshot)


def player(asked: Asked) -> str:
    """Whose wallet it is about."""
    return asked[0].user_id if isinstance(asked, list) else asked.user_id


def is_torn(asked: Asked, snapshot: Snapshot) -> bool:
    """Whether a bet and its round were read at two moments."""
    return ledger.is_torn(asked, snapshot) if isinstance(asked, list) else asked.is_torn(snapshot)


def settle(asked: Asked, snapshot: Snapshot) -> Settlement:
    """What it does, given what is on record. Raises what the kind of thing that is asked for raises."""
    return ledger.settle(asked, snapshot) if isinstance(asked, list) else asked.settle(snapshot)


def was_decided(asked: Asked, snapshot: Snapshot) -> bool:
    """Whether a person has settled it."""
    ids = (asked[0].id,) if isinstance(asked, list) else asked.scope().ids
    return any(snapshot.transactions[id].movement.actor for id in ids if id in snapshot.transactions)


def opens(asked: Asked) -> bool:
    """Whether it makes a wallet."""
    return isinstance(asked, list) and asked[0].opens


def _no_wallet(user_id: str) -> Wallet:
    return Wallet(user_id=user_id, currency="", cash=_NOTHING, bonus=_NOTHING, version=0)


def _receipt(wallet: Wallet, transaction_id: str | None = None, *, replayed: bool) -> Receipt:
    return Receipt(
        transaction_id=transaction_id,
        currency=wallet.currency,
        cash=wallet.cash,
        bonus=wallet.bonus,
        replayed=replayed,
    )


_NOTHING = Decimal(0)
_EXPIRED = "The round of this bet is not on record any more"
_HAS_WINNINGS = "The round has winnings"
