"""The dead letters of several callbacks, read side by side and put back at once."""

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

from tools.walletctl import listing
from tools.walletctl.parked.interruptions import Interrupted, Interruptions
from tools.walletctl.parked.letters import Group, grouped
from tools.walletctl.parked.mailbox import HIDDEN_SECONDS, Mailbox, Waiting, waiting
from tools.walletctl.place import Place


@dataclass(frozen=True, slots=True, kw_only=True)
class Pile:
    """What of a callback is parked: `waiting` for another try, and its dead letters by reference.

    `hidden` are dead letters that somebody else is reading.
    """

    callback: str
    waiting: Waiting
    groups: Sequence[Group]
    hidden: int


def piles(place: Place, callbacks: Sequence[str]) -> list[Pile]:
    """Reads them all, and holds none. Raises Trouble."""
    with _interruptions() as interruptions:
        queues = {callback: place.queues(callback) for callback in callbacks}
        counted = {callback: waiting(each) for callback, each in queues.items()}
        mailboxes = {callback: Mailbox(each, interruptions) for callback, each in queues.items()}
        numbers = {callback: mailbox.approximate_numbers() for callback, mailbox in mailboxes.items()}
        try:
            with ExitStack() as held:
                for mailbox in mailboxes.values():
                    held.enter_context(mailbox)
                with (
                    listing.progress("reading dead letters", sum(there for there, _ in numbers.values())) as advance,
                    ThreadPoolExecutor(len(mailboxes)) as readers,  # a queue counts as read after three seconds in vain
                ):
                    for reading in [readers.submit(mailbox.read, advance) for mailbox in mailboxes.values()]:
                        reading.result()
                return [
                    Pile(
                        callback=callback,
                        waiting=counted[callback],
                        groups=grouped(mailbox.letters, callback),
                        hidden=numbers[callback][1],
                    )
                    for callback, mailbox in mailboxes.items()
                ]
        finally:
            say_what_was_not_put_back(*mailboxes.values())


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
