"""What must be true of a player's ledger, and what another program may have done to it. Pure sums.

Source: docs/ledger.md. A player's transactions are numbered by the wallet's version, which grows by one with each;
`cashAfter` is the one before plus `amount`, and `bonusAfter` too where the money was won in free rounds. Deposits and
bets raise the version as well and leave no transaction: a number that is missing is theirs, whatever the balances do
over it. A number that is not missing must explain its balances to the last digit.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Context, Decimal, Inexact
from typing import Literal

from tools.walletctl.amounts import amount, signed

What = Literal[
    "unreadable",
    "no wallet",
    "beyond the wallet",
    "seq twice",
    "chain broken",
    "balance differs",
    "amount",
    "currency",
    "free rounds",
    "other writer",
]

# DynamoDB's numbers reach from 1e-130 to 1e126: whatever stands in a table can be added without losing a digit.
EXACT = Context(prec=600, traps=[Inexact])
_NOTHING = Decimal(0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Wallet:
    user_id: str
    currency: str
    cash: Decimal
    bonus: Decimal
    version: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Transaction:
    id: str
    user_id: str
    seq: int
    amount: Decimal
    asked: Decimal
    currency: str
    cash_after: Decimal
    bonus_after: Decimal
    bonus_code: str | None

    @property
    def kind(self) -> str:
        return self.id.partition("#")[0]

    @property
    def counts(self) -> Literal["cash", "round", "total"]:
        """Free rounds move bonus as well as cash: a result with a bonus code, and every total."""
        if self.kind == "bonus":
            return "total"
        return "round" if self.kind == "result" and self.bonus_code else "cash"


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """Something that must not be. `text` has the figures, and references as they came: show it through `plain`."""

    user_id: str
    what: What
    text: str
    seq: int | None = None
    id: str | None = None


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


@dataclass(slots=True)
class Proof:
    faults: list[Fault] = field(default_factory=list)
    gaps: list[Gap] = field(default_factory=list)


def prove(
    user_id: str,
    wallet: Wallet | None,
    transactions: Sequence[Transaction],
    uncovered: Mapping[str, Decimal] | None,
) -> Proof:
    """What is wrong with a player's `transactions`, in the order of `seq`, and what others did in between.

    Without a `wallet` its balances are compared with nothing. `uncovered` is the free round count by bonus code;
    None if it is not to be compared.
    """
    proof = Proof()
    _prove_chain(user_id, wallet, transactions, proof)
    _prove_amounts(user_id, transactions, uncovered, proof)
    if wallet:
        _prove_wallet(wallet, transactions, proof)
    return proof


def _prove_chain(user_id: str, wallet: Wallet | None, transactions: Iterable[Transaction], proof: Proof) -> None:
    before: list[Transaction] = []  # those with the number before; more than one only if it was given twice
    for transaction in transactions:
        seq, last = transaction.seq, before[0].seq if before else 0
        if seq == last:
            proof.faults.append(_fault(transaction, "seq twice", f"the number of {before[-1].id} too"))
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
            proof.faults.append(_fault(transaction, "currency", text))
        before = [transaction]


def _before(transaction: Transaction) -> tuple[Decimal, Decimal]:
    """Cash and bonus as they must have been before it."""
    to_bonus = _NOTHING if transaction.counts == "cash" else transaction.amount
    return (
        EXACT.subtract(transaction.cash_after, transaction.amount),
        EXACT.subtract(transaction.bonus_after, to_bonus),
    )


def _chain_faults(before: Transaction, transaction: Transaction) -> Iterable[Fault]:
    to_bonus = _NOTHING if transaction.counts == "cash" else transaction.amount
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
            yield _fault(transaction, "chain broken", text)


def _prove_amounts(
    user_id: str, transactions: Iterable[Transaction], uncovered: Mapping[str, Decimal] | None, proof: Proof
) -> None:
    """What each was paid must be what it was owed after those before it; and the count what they leave."""
    counted: dict[str, Decimal] = defaultdict(Decimal)
    for transaction in transactions:
        owed, code = transaction.asked, transaction.bonus_code
        if transaction.counts == "round" and code:
            counted[code] = EXACT.add(counted[code], transaction.asked)
        elif transaction.counts == "total" and code:
            owed = EXACT.subtract(transaction.asked, min(transaction.asked, counted[code]))
            counted[code] = _NOTHING
        if transaction.amount != owed:
            text = (
                f"{amount(transaction.amount)} was credited, where {amount(owed)} of {amount(transaction.asked)} "
                "was owed"
            )
            proof.faults.append(_fault(transaction, "amount", text))
    if uncovered is None:
        return
    for code in sorted(counted.keys() | uncovered.keys()):
        has, must = uncovered.get(code, _NOTHING), counted.get(code, _NOTHING)
        if has != must:
            text = f"{amount(has)} of code {code} is counted as uncovered, where its rounds leave {amount(must)}"
            proof.faults.append(Fault(user_id=user_id, what="free rounds", text=text))


def _prove_wallet(wallet: Wallet, transactions: Sequence[Transaction], proof: Proof) -> None:
    for transaction in transactions:
        if transaction.seq > wallet.version:
            text = (
                f"the wallet is at version {wallet.version} with {amount(wallet.cash)}; this credited "
                f"{amount(transaction.amount)} and left {amount(transaction.cash_after)}"
            )
            proof.faults.append(_fault(transaction, "beyond the wallet", text))
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
                    proof.faults.append(_fault(last, "balance differs", text))
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


def _fault(transaction: Transaction, what: What, text: str) -> Fault:
    return Fault(user_id=transaction.user_id, what=what, seq=transaction.seq, id=transaction.id, text=text)
