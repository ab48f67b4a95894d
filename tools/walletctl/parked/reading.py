"""The dead letters of several callbacks, read side by side and put back at once."""

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace

from tools.shared import listing
from tools.walletctl.parked.interruptions import Interrupted, Interruptions
from tools.walletctl.parked.letters import DeadLetter, Group, grouped
from tools.walletctl.parked.mailbox import HIDDEN_SECONDS, Mailbox, Waiting, waiting
from tools.walletctl.place import Place


@dataclass(frozen=True, slots=True, kw_only=True)
class Pile:
    """What of a callback is parked: `waiting` for another try, and its dead letters by reference.

    `due` are those of the retry queue that could be received, where they were asked for; `hidden` are dead letters that
    somebody else is reading.
    """

    callback: str
    waiting: Waiting
    groups: Sequence[Group]
    due: Sequence[Group]
    hidden: int


def piles(
    place: Place, callbacks: Sequence[str], *, retries: bool = False, trusting_counts: bool = False
) -> list[Pile]:
    """Reads them all, and holds none. Raises Trouble.

    With `retries` the retry queues are read as well: to SQS that is a try, of which each message has ten.
    `trusting_counts` saves the seconds for queues that are empty by SQS's count, which may be a minute behind.
    """
    with _interruptions() as interruptions:
        queues = {callback: place.queues(callback) for callback in callbacks}
        counted = {callback: waiting(each) for callback, each in queues.items()}
        dead = {callback: Mailbox(each, interruptions) for callback, each in queues.items()}
        due = {
            callback: Mailbox(replace(each, dead_letters=each.retry_queue), interruptions)
            for callback, each in queues.items()
            if retries
        }
        numbers = {callback: mailbox.approximate_numbers() for callback, mailbox in dead.items()}
        to_read = [mailbox for callback, mailbox in dead.items() if not trusting_counts or any(numbers[callback])]
        letters = _read([*to_read, *due.values()], sum(there for there, _ in numbers.values()))
        return [
            Pile(
                callback=callback,
                waiting=counted[callback],
                groups=grouped(letters.get(dead[callback], ()), callback),
                due=grouped(letters[due[callback]], callback) if retries else (),
                hidden=numbers[callback][1],
            )
            for callback in callbacks
        ]


def _read(mailboxes: Sequence[Mailbox], number: int) -> dict[Mailbox, list[DeadLetter]]:
    """Reads them side by side: a queue counts as read after three receives that bring nothing. Puts everything back."""
    try:
        with (
            ExitStack() as held,
            listing.progress("reading dead letters", number) as advance,
            ThreadPoolExecutor(max(1, len(mailboxes))) as readers,
        ):
            for mailbox in mailboxes:
                held.enter_context(mailbox)
            for reading in [readers.submit(mailbox.read, advance) for mailbox in mailboxes]:
                reading.result()
            return {mailbox: mailbox.letters for mailbox in mailboxes}
    finally:
        say_what_was_not_put_back(*mailboxes)


def say_what_was_not_put_back(*mailboxes: Mailbox) -> None:
    if number := sum(mailbox.not_put_back for mailbox in mailboxes):
        listing.say(f"walletctl: {number} could not be put back, and come back within {HIDDEN_SECONDS} s")


@contextmanager
def _interruptions() -> Iterator[Interruptions]:
    try:
        with Interruptions() as interruptions:
            yield interruptions
    except Interrupted:
        listing.say("walletctl: interrupted: nothing was changed")
        raise
