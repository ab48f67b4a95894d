"""The account of a whole ledger: every player proved, and what came of it in sum."""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal

from tools.walletctl.verify.books import Page
from tools.walletctl.verify.entries import EXACT, Fault, RecordedWallet
from tools.walletctl.verify.proof import Gap, beyond_the_wallet, prove

MOST_SHOWN = 1000  # faults, and gaps: the rest is only counted


@dataclass(slots=True)
class Account:
    players: int = 0
    transactions: int = 0
    credited: dict[tuple[str, str], Decimal] = field(default_factory=lambda: defaultdict(Decimal))  # currency, kind
    faults: list[Fault] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)  # of all faults, by what they are
    gaps: list[Gap] = field(default_factory=list)
    versions_of_others: int = 0
    players_of_others: int = 0
    players_ahead: int = 0  # of their last transaction
    moved: int = 0  # players who were credited while they were read: proved as far as the wallet that was read
    compares_free_rounds: bool = True

    @property
    def found(self) -> int:
        return sum(self.counts.values())


def account(
    pages: Iterable[Page],
    *,
    strict: bool,
    compares_free_rounds: bool,
    wallet_now: Callable[[str], RecordedWallet | None] | None = None,
) -> Account:
    """Proves every player of whom there is a page. `strict` takes what other programs wrote for faults.

    `wallet_now` reads a wallet as it is at this moment, where callbacks may move it while the pages are read.
    """
    made = Account(compares_free_rounds=compares_free_rounds)
    for page in pages:
        _take(made, page, strict, wallet_now)
    return made


def _take(made: Account, page: Page, strict: bool, wallet_now: Callable[[str], RecordedWallet | None] | None) -> None:
    made.players += 1
    made.transactions += len(page.transactions)
    for transaction in page.transactions:
        key = (transaction.currency, transaction.kind)
        made.credited[key] = EXACT.add(made.credited[key], transaction.amount)
    proof = prove(page.user_id, page.wallet, page.transactions, page.free_rounds, page.is_on_record)
    if not page.has_wallet:
        text = f"{len(page.transactions)} transactions of a player who has no wallet"
        proof.faults.insert(0, Fault(user_id=page.user_id, what="no wallet", text=text))
    if proof.faults and wallet_now and (now := wallet_now(page.user_id)) and now != page.wallet:
        # It was credited while it was read. What is beyond the first reading may lack its neighbours.
        made.moved += 1
        reached = page.wallet.version if page.wallet else 0
        known = [transaction for transaction in page.transactions if transaction.seq <= reached]
        proof = prove(page.user_id, page.wallet, known, None, page.is_on_record)
        beyond = [transaction for transaction in page.transactions if transaction.seq > now.version]
        proof.faults += beyond_the_wallet(now, beyond)
    for fault in (*page.faults, *proof.faults):
        _add(made, fault)
    for gap in proof.gaps:
        made.versions_of_others += gap.versions
        made.players_ahead += gap.is_last
        if strict:
            _add(made, gap.as_fault())
        elif len(made.gaps) < MOST_SHOWN:
            made.gaps.append(gap)
    made.players_of_others += bool(proof.gaps)


def _add(made: Account, fault: Fault) -> None:
    made.counts[fault.what] += 1
    if len(made.faults) < MOST_SHOWN:
        made.faults.append(fault)


def by_currency(credited: Mapping[tuple[str, str], Decimal]) -> dict[str, dict[str, Decimal]]:
    """What was credited, by currency and then by kind, in order."""
    ordered: dict[str, dict[str, Decimal]] = {}
    for (currency, kind), amount in sorted(credited.items()):
        ordered.setdefault(currency, {})[kind] = amount
    return ordered
