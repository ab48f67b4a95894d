"""Dead letters that a person chooses: held while something is done with them, and put back on every way out."""

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Annotated

import typer

from tools.shared import listing
from tools.shared.outside import legible
from tools.shared.trouble import Trouble
from tools.walletctl.parked.interruptions import Interruptions
from tools.walletctl.parked.letters import Group, grouped
from tools.walletctl.parked.mailbox import Mailbox
from tools.walletctl.parked.reading import say_what_was_not_put_back
from tools.walletctl.place import Queues, keeping

CallbackName = Annotated[
    str, typer.Argument(metavar="CALLBACK", help="result, jackpot, bonus, promo or cancel", show_default=False)
]
References = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="REFERENCE",
        help="Those under these references, or message ids. After --, if one begins with two dashes.",
        show_default=False,
    ),
]


Error = Annotated[
    int | None,
    typer.Option("--error", metavar="CODE", help="Those that were left for this error.", min=0, show_default=False),
]
Exceptions = Annotated[
    list[str] | None,
    typer.Option("--except", metavar="REFERENCE", help="But not this one. It can be repeated.", show_default=False),
]


def check_choice(
    references: Sequence[str] | None, everything: bool, error: int | None, exceptions: Sequence[str] | None
) -> None:
    """Raises Trouble for two choices that exclude each other."""
    made = [
        name
        for name, is_made in {"references": references, "--all": everything, "--error": error is not None}.items()
        if is_made
    ]
    if len(made) > 1:
        raise Trouble(f"{' and '.join(made)} are two choices: make one of them")
    if exceptions and made in ([], ["references"]):
        raise Trouble("--except leaves out some of --all or of --error: name one of these")


def either_order(callback: str, references: Sequence[str]) -> tuple[str, list[str]]:
    """The callback and the references, whichever of them was written first."""
    if callback not in keeping() and references and references[-1] in keeping():
        return references[-1], [callback, *references[:-1]]
    return callback, [*references]


def at_a_terminal() -> bool:
    return sys.stdin.isatty() and sys.stdout.isatty()


class Choosing:
    """A callback's dead letters as they were read. `undone` says that nothing has happened to them."""

    def __init__(self, callback: str, mailbox: Mailbox, interruptions: Interruptions, undone: str) -> None:
        self.mailbox = mailbox
        self._interruptions = interruptions
        self._undone = undone
        there, self.hidden = mailbox.approximate_numbers()
        with listing.progress("reading", there) as advance:
            mailbox.read(advance)
        self.groups = grouped(mailbox.letters, callback)

    def named(self, references: Sequence[str], *, only_sendable: bool) -> frozenset[str]:
        """The message ids that a person means. Raises Trouble for what is not there, or cannot be sent back."""
        chosen: set[str] = set()
        for reference in references:
            meant = [(group, letters) for group in self.groups if (letters := group.called(reference))]
            possible = [letters for group, letters in meant if not only_sendable or not group.refused]
            if not meant:
                raise Trouble(f"{legible(reference)} is not among the dead letters: {self._undone}")
            if not possible:
                raise Trouble(f"{legible(reference)} cannot be sent back: {meant[0][0].refused}; {self._undone}")
            if len(possible) > 1:
                raise Trouble(
                    f"{legible(reference)} may mean more than one: choose by message id, which `parked show` has"
                )
            chosen |= {letter.message_id for letter in possible[0]}
        return frozenset(chosen)

    def of_cause(self, error: int | None, exceptions: Sequence[str], *, only_sendable: bool) -> frozenset[str]:
        """The message ids of all that were left for an error, or of all, but for the exceptions. Raises Trouble."""
        groups = [group.worth_sending_back if only_sendable else group for group in self.groups]
        letters = (letter for group in groups if group for letter in group.letters)
        chosen = {
            letter.message_id for letter in letters if error is None or (letter.parked and letter.parked.code == error)
        }
        return frozenset(chosen - self.named(exceptions, only_sendable=False))

    def parts(self, chosen: frozenset[str]) -> list[Group]:
        return [part for group in self.groups if (part := group.among(chosen))]

    def asked(self, ask: Callable[[], frozenset[str]], *, holds: bool = True) -> frozenset[str]:
        """The message ids that a person chooses, which are then held: nothing is while they think. Raises Trouble."""
        self.mailbox.keep(frozenset())
        with self._interruptions.at_once():
            chosen = ask()
        if chosen and holds:
            with listing.progress("fetching", len(chosen)) as advance:
                self.mailbox.read(advance, wanted=chosen)
            self.mailbox.keep(chosen)
            if missing := len(chosen) - len(self.mailbox.letters):
                raise Trouble(f"{missing} of these dead letters are not there any more: {self._undone}")
        return chosen


@contextmanager
def choosing(callback: str, queues: Queues, undone: str) -> Iterator[Choosing]:
    """Reads the dead letters; says in the end which could not be put back. Raises Trouble, and Interrupted."""
    with Interruptions() as interruptions:
        mailbox = Mailbox(queues, interruptions)
        try:
            with mailbox:
                yield Choosing(callback, mailbox, interruptions, undone)
        finally:
            say_what_was_not_put_back(mailbox)
