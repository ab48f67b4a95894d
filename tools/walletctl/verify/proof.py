"""What must be true of a player's ledger. Pure sums.

Source: docs/ledger.md. Every change of a wallet is a movement on record, from the opening on. Movements are numbered by
the wallet's version, without a gap. Each left the balances before it plus what it moved, and its digest is that of the
one before it and of its own content. The wallet is what the last one left.
"""

from collections.abc import Iterable, Iterator, Sequence
from datetime import timedelta
from decimal import Decimal

from tools.shared.amounts import amount, signed
from tools.shared.moments import recorded
from tools.walletctl.verify.anchors import changed_since
from tools.walletctl.verify.digests import link
from tools.walletctl.verify.entries import EXACT, NOTHING, Fault, Page, RecordedTransaction, RecordedWallet
from tools.walletctl.verify.free_rounds import wrong_amounts
from tools.walletctl.verify.paid_back import wrong_reversals
from tools.walletctl.verify.prizes import wrong_prizes
from tools.walletctl.verify.rounds import wrong_rounds

# Functions write by clocks of their own, and each may try for three seconds: so a smaller difference is not a fault.
_CLOCKS_DIFFER = timedelta(minutes=1)
_MOST_OF_A_DIGEST = 12  # characters: enough to tell two apart


def prove(page: Page) -> list[Fault]:
    """What is wrong with a player's ledger, beside the faults of single records.

    Without a wallet, balances are compared with nothing. Free rounds and rounds are compared unless they are None.
    """
    wallet, transactions = page.wallet, page.transactions
    return [
        *_wrong_chain(page.user_id, wallet, transactions),
        *wrong_amounts(page.user_id, transactions, page.free_rounds),
        *wrong_prizes([*transactions, *page.outcomes], page.owner_of),
        *wrong_reversals([*transactions, *page.outcomes], page.owner_of),
        *wrong_rounds(page),
        *_wrong_times(transactions),
        *(_wrong_wallet(wallet, page) if wallet else ()),
        *changed_since(page),
    ]


def _wrong_chain(
    user_id: str, wallet: RecordedWallet | None, transactions: Sequence[RecordedTransaction]
) -> Iterator[Fault]:
    before: list[RecordedTransaction] = []  # those with the number before; more than one only if it was given twice
    digests = [""]  # theirs
    for transaction in transactions:
        if before and transaction.seq == before[0].seq:
            yield transaction.fault("seq twice", f"the number of {before[-1].id} too")
            before.append(transaction)
            digests.append(transaction.digest)
            continue
        last = before[0].seq if before else 0
        if transaction.seq > last + 1:
            left = _left(before[-1]) if before else (NOTHING, NOTHING)
            yield _hole(user_id, last + 1, transaction.seq - 1, left, _found(transaction))
        else:
            if not any(_found(transaction) == left for left in (map(_left, before) if before else _OPENED)):
                yield from _wrong_balances(before[-1] if before else None, transaction)
            yield from _wrong_digest(digests, transaction)
        if (transaction.kind == "opening") is not (transaction.seq == 1):
            text = (
                "an opening, where the wallet had movements already"
                if transaction.kind == "opening"
                else "the first movement, and not an opening"
            )
            yield transaction.fault("opening", text)
        yield from _wrong_currency(wallet, transaction)
        before = [transaction]
        # A wrong digest is named once: the next one must follow from it.
        digests = [transaction.digest or link(digests[-1], transaction.covered)]


_OPENED = ((NOTHING, NOTHING),)


def _left(transaction: RecordedTransaction) -> tuple[Decimal, Decimal]:
    """Cash and bonus after it."""
    return transaction.cash_after, transaction.bonus_after


def _found(transaction: RecordedTransaction) -> tuple[Decimal, Decimal]:
    """Cash and bonus as they must have been before it."""
    return (
        EXACT.subtract(transaction.cash_after, transaction.amount),
        EXACT.subtract(transaction.bonus_after, transaction.to_bonus),
    )


def _hole(
    user_id: str, first: int, last: int, left: tuple[Decimal, Decimal], found: tuple[Decimal, Decimal], where: str = ""
) -> Fault:
    cash, bonus = (signed(EXACT.subtract(after, before)) for before, after in zip(left, found, strict=True))
    numbers = f"number {first} is missing" if first == last else f"numbers {first} to {last} are missing"
    return Fault(
        user_id=user_id, what="missing", seq=first, text=f"{numbers}: cash moved by {cash}, bonus by {bonus}{where}"
    )


def _wrong_balances(before: RecordedTransaction | None, transaction: RecordedTransaction) -> Iterator[Fault]:
    cash, bonus = _left(before) if before else (NOTHING, NOTHING)
    for name, left, moved, after in (
        ("cash", cash, transaction.amount, transaction.cash_after),
        ("bonus", bonus, transaction.to_bonus, transaction.bonus_after),
    ):
        expected = EXACT.add(left, moved)
        if after != expected:
            text = (
                f"{name}After is {amount(after)} where {amount(left)} and {amount(moved)} make {amount(expected)}: "
                f"{signed(EXACT.subtract(after, expected))}"
            )
            yield transaction.fault("chain broken", text)


def _wrong_digest(before: Sequence[str], transaction: RecordedTransaction) -> Iterator[Fault]:
    """`before` are the digests that it may follow."""
    made = [link(each, transaction.covered) for each in before]
    if transaction.digest not in made:
        text = (
            f"its digest is {_short(transaction.digest)}, where the one before and its content make {_short(made[-1])}"
        )
        yield transaction.fault("digest", text)


def _short(digest: str) -> str:
    return f"{digest[:_MOST_OF_A_DIGEST]}…" if digest else "missing"


def _wrong_currency(wallet: RecordedWallet | None, transaction: RecordedTransaction) -> Iterator[Fault]:
    if wallet and transaction.currency != wallet.currency:
        text = f"it is in {transaction.currency or 'no currency'}, the wallet's is {wallet.currency}"
        yield transaction.fault("currency", text)


def _wrong_times(transactions: Sequence[RecordedTransaction]) -> Iterator[Fault]:
    """A transaction that was recorded long before the one it continues."""
    moments = [recorded(transaction.record.get("recordedAt")) for transaction in transactions]
    for before, transaction, left, follows in zip(transactions, transactions[1:], moments, moments[1:], strict=False):
        if left and follows and follows < left - _CLOCKS_DIFFER:
            early = left - follows
            shown = f"{early.days:,} days" if early.days else f"{early.seconds:,} s"
            text = f"recorded {shown} before {before.id}, the transaction before it"
            yield transaction.fault("time", text)


def _wrong_wallet(wallet: RecordedWallet, page: Page) -> Iterator[Fault]:
    yield from beyond_the_wallet(wallet, page.transactions)
    for outcome in page.outcomes:
        if outcome.outcome == "not enough":
            yield from _wrong_currency(wallet, outcome)
    reached = [transaction for transaction in page.transactions if transaction.seq <= wallet.version]
    last = reached[-1] if reached else None
    if last and last.seq == wallet.version:
        yield from _differing(wallet, [each for each in reached if each.seq == last.seq])
    elif wallet.version:
        left = _left(last) if last else (NOTHING, NOTHING)
        where = "; the wallet is ahead of its last movement" if last else "; the wallet has no movement on record"
        first = last.seq + 1 if last else 1
        yield _hole(page.user_id, first, wallet.version, left, (wallet.cash, wallet.bonus), where)
    else:
        text = f"the wallet has no movement on record, where an opening is the first; its cash is {amount(wallet.cash)}"
        yield Fault(user_id=page.user_id, what="opening", text=text)


def _differing(wallet: RecordedWallet, last: Sequence[RecordedTransaction]) -> Iterator[Fault]:
    """Where the wallet is not what its last movement left; `last` is more than one if a number was given twice."""
    if not any((wallet.cash, wallet.bonus) == _left(one) for one in last):
        for name, has, left in (
            ("cash", wallet.cash, last[-1].cash_after),
            ("bonus", wallet.bonus, last[-1].bonus_after),
        ):
            if has != left:
                difference = signed(EXACT.subtract(has, left))
                text = f"the wallet's {name} is {amount(has)}, this left {amount(left)}: {difference}"
                yield last[-1].fault("balance differs", text)
    if not any(wallet.digest == one.digest for one in last):
        text = f"the wallet's digest is {_short(wallet.digest)}, this movement's {_short(last[-1].digest)}"
        yield last[-1].fault("digest", text)


def beyond_the_wallet(wallet: RecordedWallet, transactions: Iterable[RecordedTransaction]) -> Iterator[Fault]:
    """The transactions whose money the wallet lacks."""
    for transaction in transactions:
        if transaction.seq > wallet.version:
            text = (
                f"the wallet is at version {wallet.version} with {amount(wallet.cash)}; this moved "
                f"{amount(transaction.amount)} and left {amount(transaction.cash_after)}"
            )
            yield transaction.fault("beyond the wallet", text)
