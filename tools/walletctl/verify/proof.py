"""What must be true of a player's ledger, and what another program may have done to it. Pure sums.

Source: docs/ledger.md. A player's transactions are numbered by the wallet's version, which grows by one with each;
`cashAfter` is the one before plus `amount`, and `bonusAfter` too where the money was won in free rounds. Deposits and
bets raise the version as well and leave no transaction: a number that is missing is theirs, whatever the balances do
over it. A number that is not missing must explain its balances to the last digit.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal

from tools.shared.amounts import amount, signed
from tools.shared.moments import recorded
from tools.walletctl.verify.entries import (
    EXACT,
    NOTHING,
    Fault,
    RecordedFreeRounds,
    RecordedTransaction,
    RecordedWallet,
)
from tools.walletctl.verify.free_rounds import wrong_amounts
from tools.walletctl.verify.prizes import wrong_prizes


@dataclass(frozen=True, slots=True, kw_only=True)
class Gap:
    """Versions `first` to `last` of a wallet, of which no transaction tells.

    `cash` and `bonus` are what they moved, None before a player's first transaction. `is_last` says that none
    follows: the wallet is ahead of its transactions.
    """

    user_id: str
    currency: str
    first: int
    last: int
    cash: Decimal | None
    bonus: Decimal | None
    is_last: bool

    @property
    def versions(self) -> int:
        return self.last - self.first + 1

    def as_fault(self) -> Fault:
        moved = (
            "from a balance that is not known"
            if self.cash is None or self.bonus is None
            else f"cash moved by {signed(self.cash)}, bonus by {signed(self.bonus)}"
        )
        numbers = f"version {self.first}" if self.versions == 1 else f"versions {self.first} to {self.last}"
        where = "; the wallet is ahead of its last transaction" if self.is_last else ""
        text = f"{numbers} left no transaction: {moved}{where}"
        return Fault(user_id=self.user_id, what="other writer", seq=self.first, text=text)


# Functions write by clocks of their own, and each may try for three seconds: so a smaller difference is not a fault.
_CLOCKS_DIFFER = timedelta(minutes=1)


@dataclass(slots=True)
class Proof:
    faults: list[Fault] = field(default_factory=list)
    gaps: list[Gap] = field(default_factory=list)


def prove(
    user_id: str,
    wallet: RecordedWallet | None,
    transactions: Sequence[RecordedTransaction],
    free_rounds: Mapping[str, RecordedFreeRounds | None] | None,
    is_on_record: Callable[[str], bool],
) -> Proof:
    """What is wrong with a player's `transactions`, in the order of `seq`, and what others did in between.

    Without a `wallet` its balances are compared with nothing. `free_rounds` is what is kept of them by bonus code;
    None if it is not to be compared. `is_on_record` tells of a transaction of any player, by its id.
    """
    proof = Proof()
    _prove_chain(user_id, wallet, transactions, proof)
    proof.faults += wrong_amounts(user_id, transactions, free_rounds)
    proof.faults += wrong_prizes(transactions, is_on_record)
    proof.faults += _wrong_times(transactions)
    if wallet:
        _prove_wallet(wallet, transactions, proof)
    return proof


def _prove_chain(
    user_id: str, wallet: RecordedWallet | None, transactions: Iterable[RecordedTransaction], proof: Proof
) -> None:
    before: list[RecordedTransaction] = []  # those with the number before; more than one only if it was given twice
    for transaction in transactions:
        seq, last = transaction.seq, before[0].seq if before else 0
        if seq == last:
            proof.faults.append(transaction.fault("seq twice", f"the number of {before[-1].id} too"))
            before.append(transaction)
            continue
        if seq > last + 1:
            from_ = before[-1] if before else None
            proof.gaps.append(
                Gap(
                    user_id=user_id,
                    currency=transaction.currency,
                    first=last + 1,
                    last=seq - 1,
                    cash=EXACT.subtract(_before(transaction)[0], from_.cash_after) if from_ else None,
                    bonus=EXACT.subtract(_before(transaction)[1], from_.bonus_after) if from_ else None,
                    is_last=False,
                )
            )
        elif before and not any(_before(transaction) == (one.cash_after, one.bonus_after) for one in before):
            proof.faults += _chain_faults(before[-1], transaction)
        if wallet and transaction.currency != wallet.currency:
            text = f"credited in {transaction.currency}, the wallet's is {wallet.currency}"
            proof.faults.append(transaction.fault("currency", text))
        before = [transaction]


def _before(transaction: RecordedTransaction) -> tuple[Decimal, Decimal]:
    """Cash and bonus as they must have been before it."""
    to_bonus = NOTHING if transaction.counts == "cash" else transaction.amount
    return (
        EXACT.subtract(transaction.cash_after, transaction.amount),
        EXACT.subtract(transaction.bonus_after, to_bonus),
    )


def _chain_faults(before: RecordedTransaction, transaction: RecordedTransaction) -> Iterable[Fault]:
    to_bonus = NOTHING if transaction.counts == "cash" else transaction.amount
    for name, left, paid, after in (
        ("cash", before.cash_after, transaction.amount, transaction.cash_after),
        ("bonus", before.bonus_after, to_bonus, transaction.bonus_after),
    ):
        expected = EXACT.add(left, paid)
        if after != expected:
            text = (
                f"{name}After is {amount(after)} where {amount(left)} and {amount(paid)} make {amount(expected)}: "
                f"{signed(EXACT.subtract(after, expected))}"
            )
            yield transaction.fault("chain broken", text)


def _wrong_times(transactions: Sequence[RecordedTransaction]) -> Iterator[Fault]:
    """A transaction that was recorded long before the one it continues."""
    moments = [recorded(transaction.record.get("recordedAt")) for transaction in transactions]
    for before, transaction, left, follows in zip(transactions, transactions[1:], moments, moments[1:], strict=False):
        if left and follows and follows < left - _CLOCKS_DIFFER:
            early = left - follows
            shown = f"{early.days:,} days" if early.days else f"{early.seconds:,} s"
            text = f"recorded {shown} before {before.id}, the transaction before it"
            yield transaction.fault("time", text)


def _prove_wallet(wallet: RecordedWallet, transactions: Sequence[RecordedTransaction], proof: Proof) -> None:
    proof.faults += beyond_the_wallet(wallet, transactions)
    reached = [transaction for transaction in transactions if transaction.seq <= wallet.version]
    last = reached[-1] if reached else None
    if last and last.seq == wallet.version:
        last_ones = [transaction for transaction in reached if transaction.seq == last.seq]
        if not any((wallet.cash, wallet.bonus) == (one.cash_after, one.bonus_after) for one in last_ones):
            for name, has, left in (
                ("cash", wallet.cash, last.cash_after),
                ("bonus", wallet.bonus, last.bonus_after),
            ):
                if has != left:
                    difference = signed(EXACT.subtract(has, left))
                    text = f"the wallet's {name} is {amount(has)}, this left {amount(left)}: {difference}"
                    proof.faults.append(last.fault("balance differs", text))
    elif wallet.version:
        proof.gaps.append(
            Gap(
                user_id=wallet.user_id,
                currency=wallet.currency,
                first=last.seq + 1 if last else 1,
                last=wallet.version,
                cash=EXACT.subtract(wallet.cash, last.cash_after) if last else None,
                bonus=EXACT.subtract(wallet.bonus, last.bonus_after) if last else None,
                is_last=True,
            )
        )


def beyond_the_wallet(wallet: RecordedWallet, transactions: Iterable[RecordedTransaction]) -> Iterator[Fault]:
    """The transactions whose money the wallet lacks."""
    for transaction in transactions:
        if transaction.seq > wallet.version:
            text = (
                f"the wallet is at version {wallet.version} with {amount(wallet.cash)}; this credited "
                f"{amount(transaction.amount)} and left {amount(transaction.cash_after)}"
            )
            yield transaction.fault("beyond the wallet", text)
