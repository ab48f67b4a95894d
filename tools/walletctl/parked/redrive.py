"""`walletctl parked redrive`: sends chosen dead letters of a callback back to its retry queue."""

import re
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated

import typer

from tools.shared import listing
from tools.shared.hints import command
from tools.shared.outside import plain
from tools.shared.trouble import Trouble
from tools.walletctl.parked import show
from tools.walletctl.parked.interruptions import Interrupted, Interruptions
from tools.walletctl.parked.letters import Group, grouped
from tools.walletctl.parked.mailbox import Mailbox, Tally
from tools.walletctl.parked.reading import say_what_was_not_put_back
from tools.walletctl.place import HERE, Asked, asks_where

CallbackName = Annotated[
    str, typer.Argument(metavar="CALLBACK", help="result, jackpot, bonus or promo", show_default=False)
]
References = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="REFERENCE",
        help="Those under these references, or message ids. After --, if one begins with two dashes.",
        show_default=False,
    ),
]


@asks_where
def redrive(
    callback: CallbackName,
    references: References = None,
    everything: Annotated[bool, typer.Option("--all", help="Send back all that can be.")] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what would be sent back, and change nothing.")
    ] = False,
    asked: Asked = HERE,
) -> None:
    """Sends dead letters back to the callback's retry queue, once their cause is mended.

    Without a choice it lists them and asks for one on a terminal, and only lists elsewhere. What was paid meanwhile
    ends as a replay: sending back too much does no harm.
    """
    tally = Tally()
    check_choice(references, everything)
    where = asked.place()
    queues = where.queues(callback)
    try:
        with Interruptions() as interruptions:
            mailbox = Mailbox(queues, interruptions)
            try:
                with mailbox:
                    _Errand(callback, mailbox, interruptions, dry_run, tally, where.options).run(
                        references or [], everything
                    )
            finally:
                say_what_was_not_put_back(mailbox)
    except Interrupted:
        listing.say(f"walletctl: interrupted: {tally}")
        raise
    except Trouble as trouble:
        raise Trouble(f"{trouble}; {tally}" if tally.chosen else str(trouble)) from None


def check_choice(references: Sequence[str] | None, everything: bool) -> None:
    if references and everything:
        raise Trouble("references and --all are two choices: make one of them")


@dataclass(frozen=True, slots=True)
class _Errand:
    callback: str
    mailbox: Mailbox
    interruptions: Interruptions
    dry_run: bool
    tally: Tally
    options: Sequence[str]

    def run(self, references: Sequence[str], everything: bool) -> None:
        there, hidden = self.mailbox.approximate_numbers()
        with listing.progress("reading", there) as advance:
            self.mailbox.read(advance)
        groups = grouped(self.mailbox.letters, self.callback)
        if references or everything:
            chosen = named(groups, references) if references else _all_of(groups)
            self.mailbox.keep(frozenset() if self.dry_run else chosen)
        else:
            # Nothing is held while a person thinks: what is chosen is read again.
            self.mailbox.keep(frozenset())
            with self.interruptions.at_once():
                self._list(groups, hidden)
                chosen = self._asked(groups)
            if chosen and not self.dry_run:
                self._read_again(chosen)
        if self.dry_run and chosen:
            self._say_what_would_be_sent(groups, chosen)
        elif chosen:
            self._send()
        elif references or everything:
            print(f"{self.callback} has no dead letters that can be sent back")

    def _list(self, groups: Sequence[Group], hidden: int) -> None:
        if groups:
            listing.out(show.table(groups, datetime.now(UTC)))
            letters = sum(len(group.letters) for group in groups)
            sendable = sum(len(group.letters) for group in groups if not group.refused)
            print(f"{self.callback}: {letters} dead letter{'' if letters == 1 else 's'}, {sendable} can be sent back")
        else:
            print(f"{self.callback} has no dead letters")
        if hidden:
            print(show.hidden(hidden))

    def _asked(self, groups: Sequence[Group]) -> frozenset[str]:
        """What a person at the terminal chooses."""
        sendable = [group for group in groups if not group.refused]
        if not sendable:
            return frozenset()
        if not at_a_terminal():
            print("Nothing was sent back: name references, or say --all")
            one = sendable[0].handle
            print(f"One of them: {command(self.options, 'parked', 'redrive', self.callback, names=[one])}")
            return frozenset()
        while True:
            try:
                answer = input(f"Send back which? Numbers from 1 to {len(sendable)}, all, or nothing: ")
            except EOFError:
                answer = ""
            words = re.split(r"[\s,]+", answer.strip())
            if words == ["all"]:
                return ids(sendable)
            if words == [""]:
                print("Nothing was sent back")
                return frozenset()
            numbers = [int(word) for word in words if re.fullmatch("[0-9]{1,9}", word)]
            if len(numbers) == len(words) and all(1 <= number <= len(sendable) for number in numbers):
                return ids([sendable[number - 1] for number in numbers])
            print("That is not one of them")

    def _read_again(self, chosen: frozenset[str]) -> None:
        with listing.progress("fetching", len(chosen)) as advance:
            self.mailbox.read(advance, wanted=chosen)
        self.mailbox.keep(chosen)
        if missing := len(chosen) - len(self.mailbox.letters):
            raise Trouble(f"{missing} of these letters are not there any more: nothing was sent back")

    def _say_what_would_be_sent(self, groups: Sequence[Group], chosen: frozenset[str]) -> None:
        parts = [part for group in groups if (part := group.among(chosen))]
        listing.out(show.table(parts, datetime.now(UTC)))
        print(f"A dry run: {len(chosen)} would be sent back to {self.callback}; nothing was changed")

    def _send(self) -> None:
        with listing.progress("sending", len(self.mailbox.letters)) as advance:
            self.mailbox.send_back(self.tally, advance)
        print(f"{self.callback}: {self.tally}")


def named(
    groups: Sequence[Group],
    references: Sequence[str],
    *,
    only_sendable: bool = True,
    undone: str = "nothing was sent back",
) -> frozenset[str]:
    """The message ids that a person means. Raises Trouble for what is not there, or cannot be sent back."""
    chosen: set[str] = set()
    for reference in references:
        meant = [(group, letters) for group in groups if (letters := group.called(reference))]
        possible = [letters for group, letters in meant if not only_sendable or not group.refused]
        if not meant:
            raise Trouble(f"{plain(reference)} is not among the dead letters: {undone}")
        if not possible:
            raise Trouble(f"{plain(reference)} cannot be sent back: {meant[0][0].refused}; {undone}")
        if len(possible) > 1:
            raise Trouble(f"{plain(reference)} may mean more than one: choose by message id, which `parked show` has")
        chosen |= {letter.message_id for letter in possible[0]}
    return frozenset(chosen)


def _all_of(groups: Sequence[Group]) -> frozenset[str]:
    """The message ids of all that can be sent back; what cannot is said."""
    for group in groups:
        if group.refused:
            print(f"{show.name(group)} is left: {group.refused}")
    return ids([group for group in groups if not group.refused])


def ids(groups: Sequence[Group]) -> frozenset[str]:
    return frozenset(letter.message_id for group in groups for letter in group.letters)


def at_a_terminal() -> bool:
    return sys.stdin.isatty() and sys.stdout.isatty()
