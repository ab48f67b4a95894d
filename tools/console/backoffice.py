"""What the pages ask of a wallet: `walletctl`'s own code finds, proves and corrects all of it."""

import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path

from tools.shared.items import Item
from tools.shared.outside import cut
from tools.shared.trouble import Trouble
from tools.walletctl import records
from tools.walletctl.find.finding import found_in, of_name, references_of
from tools.walletctl.find.found import Found
from tools.walletctl.find.missed import Missed, missed, with_those_paid
from tools.walletctl.find.searched import MOST
from tools.walletctl.find.searching import Cost, Moved, NotMoved, cost_of_all, moved_in, not_moved_in, with_records
from tools.walletctl.find.sought import Sought
from tools.walletctl.log import LogLine
from tools.walletctl.ordering import says_something
from tools.walletctl.parked.adjusted import recorded_about
from tools.walletctl.parked.advice import Advice
from tools.walletctl.parked.by_hand import ByHand, by_hand
from tools.walletctl.parked.interruptions import Interruptions
from tools.walletctl.parked.keeping import keep_in_file
from tools.walletctl.parked.letters import DeadLetter, Group, grouped, ids
from tools.walletctl.parked.mailbox import Mailbox, Sending, waiting
from tools.walletctl.parked.reading import Pile, piles
from tools.walletctl.parked.settling import Ruling, Settling, the_one
from tools.walletctl.parked.sums import Sum, asked_for, currencies_of
from tools.walletctl.place import Place
from tools.walletctl.rounds.played import Played, played
from tools.walletctl.verify.account import Account, account
from tools.walletctl.verify.books import TableBooks

ROWS = 50  # of a ledger on a page
DRAWN = 200  # transactions in a ledger's picture
OPEN_ROUNDS = 200  # on a page
_LOG_DAYS = 3  # of a stack's log, which costs by what is read; a local log is read whole


@dataclass(frozen=True, slots=True, kw_only=True)
class Ledger:
    """A player as the tables have them: `newest` transactions first, as the index has them; `more` came before."""

    user_id: str
    wallet: Item | None
    opening: Item | None
    newest: Sequence[Item]
    more: bool
    free_rounds: Sequence[Item]


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """A transaction, and those that were credited in one write with it."""

    item: Item
    others: Sequence[Item]


@dataclass(frozen=True, slots=True, kw_only=True)
class Count:
    """About how much of a callback is parked."""

    callback: str
    waiting: int
    dead: int
    hidden: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """Dead letters of a callback: those messages, or those of an error `code`, or all."""

    callback: str
    message_ids: frozenset[str] = frozenset()
    code: int | None = None

    def of(self, group: Group, only_sendable: bool) -> Group | None:
        """The chosen of a group; of those that nobody named, only what is worth sending back is sent back."""
        if self.message_ids:
            return group.among(self.message_ids)
        if self.code is not None and group.error != self.code:
            return None
        return group.worth_sending_back if only_sendable else group


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """What was done with dead letters, as a clause for a person, and under which references they were."""

    outcome: str
    references: Sequence[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Foreseen:
    """What settling a dead letter would do. `by_hand` is an adjustment that pays what cannot be settled."""

    ruling: Ruling
    group: Group
    instead: Sequence[Advice]
    by_hand: ByHand | None


class BackOffice:
    """`is_local` says that a look costs nothing; `folder` is where what is discarded, and what was done, is kept.

    Each question raises Trouble if it cannot be answered, and waits for an answer: ask in a thread.
    """

    def __init__(self, place: Place, *, is_local: bool, folder: Path) -> None:
        self.place = place
        self.is_local = is_local
        self.folder = folder
        # SQS hides what one reads from all others, so the console's own readers take turns.
        self.at_the_letters = threading.Lock()

    @property
    def name(self) -> str:
        return self.place.name

    @property
    def callbacks(self) -> list[str]:
        return self.place.callbacks()

    @property
    def keeping(self) -> list[str]:
        """The callbacks that have queues."""
        return self.place.keeping()

    def named(self, name: str) -> tuple[list[Item], Item | None]:
        """What the ledger has under that reference, and the wallet of a player of that name: at once, by key."""
        transactions, wallet, _ = of_name(self.place.tables(), name)
        return transactions, wallet

    def find(self, name: str, *, scan: bool) -> Found:
        """Looks everywhere; the whole ledger for a round or a transaction id if `scan`."""
        since = datetime.now(UTC) - timedelta(days=_LOG_DAYS)
        with self.at_the_letters:
            return found_in(self.place, name, None, since, scan=scan, retries=False)

    def moved(self, sought: Sought) -> Moved:
        """The movements that a player speaks of, and what comes near. Without a player the whole index is read."""
        tables = self.place.tables()
        return with_records(tables, moved_in(tables, sought), most=MOST)

    def not_moved(self, sought: Sought, moved: Moved, *, log: bool) -> NotMoved:
        with self.at_the_letters:
            return not_moved_in(self.place, sought, moved, log=log)

    def cost_of_all(self) -> Cost:
        return cost_of_all(self.place.tables())

    def ledger(self, user_id: str, before: int | None) -> Ledger:
        tables = self.place.tables()
        _, wallet, opening = of_name(tables, user_id)
        newest = list(islice(tables.ledger(user_id, newest_first=True, before=before, at_once=DRAWN + 1), DRAWN + 1))
        return Ledger(
            user_id=user_id,
            wallet=wallet,
            opening=opening,
            newest=newest[:DRAWN],
            more=len(newest) > ROWS,
            free_rounds=tables.free_rounds_of(user_id),
        )

    def open_rounds(self, player: str | None = None) -> tuple[list[Played], bool] | None:
        """The rounds in which a bet waits for a result, and whether there are more; None where no bets are taken."""
        tables = self.place.tables()
        if tables.rounds is None:
            return None
        tomorrow = datetime.now(UTC) + timedelta(days=1)  # clocks differ
        found = tables.open_rounds(player, tomorrow.isoformat(timespec="milliseconds"), lambda _read: None)
        items = list(islice(found, OPEN_ROUNDS + 1))
        return played(tables, (), items[:OPEN_ROUNDS]), len(items) > OPEN_ROUNDS

    def currencies(self, rounds: Iterable[Played]) -> dict[str, str]:
        """Of the players of these rounds, by userId."""
        players = sorted({of.place[0] for of in rounds})
        wallets = self.place.tables().wallets(players, ("userId", "currency"))
        return {str(item["userId"]): str(item.get("currency", "")) for item in wallets}

    def prove(self, user_id: str) -> Account:
        """What `walletctl verify` finds of one player."""
        tables = self.place.tables()
        with closing(TableBooks(tables, rounds_since=tables.rounds_since)) as books:
            books.read_player(user_id, lambda _read: None)
            return account(
                books.pages(),
                compares_free_rounds=tables.free_rounds is not None,
                compares_rounds=tables.rounds is not None,
                wallet_now=books.wallet_now,
                round_now=books.round_now,
            )

    def record(self, id: str) -> Record | None:
        """The transaction under that id, if there is one."""
        tables = self.place.tables()
        item = next(tables.with_ids([id]), None)
        if item is None:
            return None
        others = tables.with_ids(other for other in dict.fromkeys(records.ids_with(item)) if other != id)
        return Record(item=item, others=[other for other in others if records.came_with(item, other)])

    def said_of(self, reference: str) -> Sequence[LogLine]:
        """What the functions' log says of a reference."""
        return self.place.log(reference, datetime.now(UTC) - timedelta(days=_LOG_DAYS))

    def missed(self, name: str, parked: Sequence[tuple[str, Group]]) -> list[Missed]:
        """The wins of a player or a round that were refused, and are neither paid nor among what is parked."""
        since = datetime.now(UTC) - timedelta(days=_LOG_DAYS)
        found = missed(self.place.refused(name, since), name, references_of(parked))
        return with_those_paid(self.place.tables(), found)

    def parked(self, *callbacks: str) -> list[Pile]:
        """Every dead letter, or some callbacks', read and put back; where none is by SQS's count, that is believed."""
        with self.at_the_letters:
            return piles(self.place, callbacks or self.keeping, trusting_counts=self.is_local)

    def recorded_about(self, parked: Sequence[tuple[str, Group]]) -> dict[str, Item]:
        """What is on record about dead letters, by id: what was adjusted by hand, and what they contradict."""
        return recorded_about(self.place.tables(), (letter for _, group in parked for letter in group.letters))

    def letter(self, callback: str, message_id: str) -> DeadLetter:
        """One dead letter, read and put back. Raises Trouble if it is not there any more."""
        with self._holding(Choice(callback=callback, message_ids=frozenset({message_id})), only_sendable=False) as held:
            (letter,) = held.letters
            return letter

    def redrive(self, choice: Choice) -> Done:
        """Gives chosen dead letters another try. Raises Trouble, which says how far it got."""
        tally = Sending()
        try:
            with self._holding(choice, only_sendable=True) as mailbox:
                references = _references(mailbox)
                mailbox.send_back(tally, lambda _sent: None)
        except Trouble as trouble:
            raise Trouble(f"{trouble}; {_told(tally)}" if tally.chosen else str(trouble)) from None
        return Done(outcome=_told(tally), references=references)

    def foresee(self, choice: Choice, reason: str, booked_elsewhere: bool) -> Foreseen:
        """What settling a dead letter would do, all its copies, and what to do instead if it cannot be settled.

        Nothing is changed. Raises Trouble.
        """
        with self._holding(choice, only_sendable=False) as mailbox:
            settling, group = _settling(choice, mailbox, reason, booked_elsewhere)
            ruling = settling.foresee(self.place)
            is_refused = not ruling.is_done and not booked_elsewhere
            return Foreseen(
                ruling=ruling,
                group=group,
                instead=[] if ruling.is_done else [*ruling.instead(group, self.place)],
                by_hand=self._by_hand(settling.letter, ruling.on_record) if is_refused else None,
            )

    def settle(self, choice: Choice, reason: str, booked_elsewhere: bool) -> Done:
        """Settles a dead letter, and then deletes its copies. Raises Trouble, which says how far it got."""
        with self._holding(choice, only_sendable=False) as mailbox:
            settling, _ = _settling(choice, mailbox, reason, booked_elsewhere)
            references = _references(mailbox)
            try:
                ruling = settling.settle(self.place)
            except Trouble as trouble:
                raise Trouble(
                    f"Nobody knows whether it was settled. Settle it again: it is settled once. {trouble}"
                ) from None
            if not ruling.is_done:
                raise Trouble(f"It cannot be settled: {ruling.refusal}. Nothing was changed")
            try:
                mailbox.discard(lambda _done: None)
            except Trouble as trouble:
                raise Trouble(
                    "It is settled, and the dead letter is still there: settle it again, which pays nothing more and "
                    f"deletes it. {trouble}"
                ) from None
        return Done(outcome="; ".join([*ruling.effects(), f"the wallet is at {ruling.after()}"]), references=references)

    def pay_by_hand(self, choice: Choice, reason: str) -> Done:
        """Adjusts the wallet by what no function can pay, and then discards the dead letter. Raises Trouble."""
        with self._holding(choice, only_sendable=False) as mailbox:
            settling, _ = _settling(choice, mailbox, reason, booked_elsewhere=False)
            ruling = settling.foresee(self.place)
            owed = None if ruling.is_done else self._by_hand(settling.letter, ruling.on_record)
            if owed is None:
                raise Trouble("Nothing of it is left to be paid by an adjustment: load the page again")
            after = owed.pay(self.place, settling.reason)
            try:
                discarded = self._discard(mailbox, choice.callback, settling.reason)
            except Trouble as trouble:
                raise Trouble(f"It is paid, and the dead letter is still there: discard it. {trouble}") from None
        outcome = "; ".join([*owed.effects(), f"the wallet is at {after}", discarded.outcome])
        return Done(outcome=outcome, references=discarded.references)

    def _by_hand(self, letter: DeadLetter, on_record: Mapping[str, Item]) -> ByHand | None:
        return by_hand(letter, on_record, self.place.tables().wallet(letter.asked.get("userId", "")))

    def chosen(self, choice: Choice) -> list[Group]:
        """Those dead letters, as they are now. Raises Trouble if one of them is not there any more."""
        with self._holding(choice, only_sendable=False) as mailbox:
            return grouped(mailbox.letters, choice.callback)

    def discard(self, choice: Choice, reason: str) -> Done:
        """Deletes chosen dead letters for good, once a file keeps them. Raises Trouble: it says how far it got."""
        if not says_something(reason):
            raise Trouble("Say why nobody is owed it, and discard it then")
        with self._holding(choice, only_sendable=False) as mailbox:
            return self._discard(mailbox, choice.callback, reason.strip())

    def _discard(self, mailbox: Mailbox, callback: str, reason: str) -> Done:
        folder = self.folder / "discarded"
        file = folder / f"discarded-{callback}-{datetime.now(UTC):%Y%m%dT%H%M%S%f}Z.json"
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise Trouble(f"{folder} cannot be made ({error.strerror}): nothing was discarded") from None
        queue = self.place.queues(callback).dead_letters
        money, references = self.asked_for(grouped(mailbox.letters, callback)), _references(mailbox)
        keep_in_file(file, {"callback": callback, "reason": reason, "from": self.name, "queue": queue}, mailbox.letters)
        number = mailbox.discard(lambda _done: None)
        return Done(outcome=f"{number} discarded ({money}), kept in {file}", references=references)

    def currencies_of(self, groups: Iterable[Group]) -> dict[str, str]:
        return currencies_of(self.place.tables(), groups)

    def asked_for(self, groups: Sequence[Group]) -> Sum:
        return asked_for(groups, self.currencies_of(groups))

    @contextmanager
    def _holding(self, choice: Choice, *, only_sendable: bool) -> Iterator[Mailbox]:
        """A mailbox that holds what was chosen, and nothing else. Raises Trouble if it is not there any more."""
        with self.at_the_letters, Interruptions() as interruptions:
            mailbox = Mailbox(self.place.queues(choice.callback), interruptions)
            with mailbox:
                mailbox.read(lambda _new: None, wanted=choice.message_ids)
                chosen = ids(
                    [
                        part
                        for group in grouped(mailbox.letters, choice.callback)
                        if not (only_sendable and group.refused) and (part := choice.of(group, only_sendable))
                    ]
                )
                if gone := len(choice.message_ids - chosen) if len(choice.message_ids) > 1 else 0:
                    raise Trouble(
                        f"{gone} of these {len(choice.message_ids)} are not there any more, or somebody else is reading"
                        " them. Nothing was changed: load the page again"
                    )
                if not chosen or not choice.message_ids <= chosen:
                    raise Trouble("What you chose is not there any more, or cannot be tried again: load the page again")
                mailbox.keep(chosen)
                yield mailbox

    def counts(self) -> list[Count]:
        with Interruptions() as interruptions:
            return [self._count(callback, interruptions) for callback in self.keeping]

    def _count(self, callback: str, interruptions: Interruptions) -> Count:
        queues = self.place.queues(callback)
        there, hidden = Mailbox(queues, interruptions).approximate_numbers()
        return Count(callback=callback, waiting=waiting(queues).all, dead=there + hidden, hidden=hidden)


def _told(tally: Sending) -> str:
    """Where it was sent is nothing that who reads this need know: to whom it was sent back was misread."""
    told = f"{tally.sent} of {tally.chosen} given another try"
    if tally.sent < tally.chosen:
        told += f", {tally.chosen - tally.sent} still wait for a person"
    if tally.duplicates:
        told += f"; {tally.duplicates} of them could not be deleted here: harmless, what is paid is not paid again"
    return told


def _settling(choice: Choice, mailbox: Mailbox, reason: str, booked_elsewhere: bool) -> tuple[Settling, Group]:
    """What a person decides about the one dead letter that they chose, and its copies. Raises Trouble."""
    if not says_something(reason):
        raise Trouble("Say why it is settled")
    group, *others = grouped(mailbox.letters, choice.callback)
    if others:
        raise Trouble("Settle one reference at a time")
    letter = the_one(group)
    return (
        Settling(callback=choice.callback, letter=letter, reason=reason.strip(), booked_elsewhere=booked_elsewhere),
        group,
    )


def _references(mailbox: Mailbox) -> list[str]:
    """What it holds, by the references it was sent under; by its message's id what has none."""
    return sorted({cut((one.parked and one.parked.reference) or one.message_id, 200) for one in mailbox.letters})
