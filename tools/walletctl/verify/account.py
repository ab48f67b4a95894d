"""The account of a whole ledger: every player proved, and what came of it in sum."""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal

from tools.shared.outside import plain
from tools.shared.trouble import Trouble
from tools.walletctl.verify.anchors import Anchor
from tools.walletctl.verify.entries import EXACT, Fault, Page, RecordedRound, RecordedWallet
from tools.walletctl.verify.proof import beyond_the_wallet, prove
from tools.walletctl.verify.rounds import moved_meanwhile

MOST_SHOWN = 1000  # faults: the rest is only counted


@dataclass(slots=True)
class Account:
    """`anchored` is how many players an anchor knows, and `anchored_here` how many of these there are.

    `outcomes` is None if only one player was read: not all of them are seen then.
    """

    players: int = 0
    transactions: int = 0
    outcomes: int | None = 0  # references that were settled without money
    moved: dict[tuple[str, str], Decimal] = field(default_factory=lambda: defaultdict(Decimal))  # by currency and kind
    faults: list[Fault] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)  # of all faults, by what they are
    moved_meanwhile: int = 0  # players whose wallet or round moved while they were read: proved as far as it was read
    anchors: list[Anchor] = field(default_factory=list)  # that it was compared with
    anchored: int = 0
    anchored_here: int = 0
    ledger: str = ""  # this one's name, if there are anchors
    written: Anchor | None = None  # what this account holds, kept for later
    compares_free_rounds: bool = True
    compares_rounds: bool = True

    @property
    def found(self) -> int:
        return sum(self.counts.values())


def account(
    pages: Iterable[Page],
    *,
    compares_free_rounds: bool,
    compares_rounds: bool = True,
    reads_all: bool = True,
    wallet_now: Callable[[str], RecordedWallet | None] | None = None,
    round_now: Callable[[str, tuple[str, str]], RecordedRound | None] | None = None,
    then: Callable[[Page], object] = lambda _: None,
) -> Account:
    """Proves every player of whom there is a page. `then` is called with each page that was proved.

    `reads_all` is False if records without money may be missing.

    `wallet_now` and `round_now` read a wallet and a round as they are at this moment, where callbacks may move them
    while the pages are read.
    """
    made = Account(
        compares_free_rounds=compares_free_rounds,
        compares_rounds=compares_rounds,
        outcomes=0 if reads_all else None,
    )
    for page in pages:
        _take(made, page, wallet_now, round_now)
        then(page)
    return made


def check_ledger(made: Account, name_of_ledger: Callable[[], str]) -> None:
    """Notes which ledger this is, if there are anchors. Raises Trouble if they are of another and know nobody here."""
    if not made.anchors:
        return
    made.ledger = name_of_ledger()
    for anchor in made.anchors:
        if made.anchored and not made.anchored_here and anchor.ledger != made.ledger:
            raise Trouble(f"{anchor.name} is of another ledger, {plain(anchor.ledger)}: none of its players is here")


def _take(
    made: Account,
    page: Page,
    wallet_now: Callable[[str], RecordedWallet | None] | None,
    round_now: Callable[[str, tuple[str, str]], RecordedRound | None] | None,
) -> None:
    made.players += not page.is_empty
    made.anchored += bool(page.anchored)
    made.anchored_here += bool(page.anchored) and not page.is_empty
    made.transactions += len(page.transactions)
    made.outcomes = None if made.outcomes is None else made.outcomes + len(page.outcomes)
    for transaction in page.transactions:
        key = (transaction.currency, transaction.kind)
        made.moved[key] = EXACT.add(made.moved[key], transaction.amount)
    found = [*_without_wallet(page), *prove(page)]
    if found and wallet_now and (now := wallet_now(page.user_id)) and now != page.wallet:
        # It moved while it was read. What is beyond the first reading may lack its neighbours.
        made.moved_meanwhile += 1
        reached = page.wallet.version if page.wallet else 0
        known = [transaction for transaction in page.transactions if transaction.seq <= reached]
        beyond = [transaction for transaction in page.transactions if transaction.seq > now.version]
        found = prove(replace(page, transactions=known, free_rounds=None, rounds=None))
        found += beyond_the_wallet(now, beyond)
    elif found and round_now and (moved := moved_meanwhile(page, lambda place: round_now(page.user_id, place))):
        # A refusal, a memory or what is booked elsewhere changes a round, and not the wallet.
        made.moved_meanwhile += 1
        found = [*_without_wallet(page), *prove(replace(page, moved=moved))]
    for fault in (*page.faults, *found):
        made.counts[fault.what] += 1
        if len(made.faults) < MOST_SHOWN:
            made.faults.append(fault)


def _without_wallet(page: Page) -> Iterator[Fault]:
    if page.transactions and not page.has_wallet:
        text = f"{len(page.transactions)} movements of a player who has no wallet"
        yield Fault(user_id=page.user_id, what="no wallet", text=text)


def by_currency(moved: Mapping[tuple[str, str], Decimal]) -> dict[str, dict[str, Decimal]]:
    """What was moved, by currency and then by kind, in order."""
    ordered: dict[str, dict[str, Decimal]] = {}
    for (currency, kind), amount in sorted(moved.items()):
        ordered.setdefault(currency, {})[kind] = amount
    return ordered
