"""The command: lists a callback's dead letters, and sends chosen ones back."""

import io
import os
import re
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from tools.local.settings import whole_number
from tools.local.trouble import Trouble
from tools.outside import plain
from tools.redrive import places, show
from tools.redrive.interruptions import Interrupted, Interruptions
from tools.redrive.letters import Group, grouped
from tools.redrive.mailbox import HIDDEN_SECONDS, Advance, Mailbox, Tally

_FILE_COLUMNS = 1000  # what is no terminal has no width, and its lines are not to be broken

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@app.command()
def redrive(
    callback: Annotated[str, typer.Argument(help="result, jackpot, bonus or promo", show_default=False)],
    references: Annotated[
        list[str] | None,
        typer.Option(
            "--reference", metavar="R", help="Send back what stands under this reference, or message id. Repeatable."
        ),
    ] = None,
    everything: Annotated[bool, typer.Option("--all", help="Send back all that can be.")] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what would be sent back, and change nothing.")
    ] = False,
    stack: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="A deployed stack, in your own AWS account. Else the local service on PORT."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Only list, for a machine.")] = False,
) -> None:
    """Lists the dead letters of a callback by reference, and sends chosen ones back to its retry queue.

    Without a choice it asks for one on a terminal, and only lists elsewhere.
    """
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # a reference may have what the terminal's encoding has not
    tally = Tally()
    try:
        _check_options(references, everything, as_json)
        place = places.deployed(callback, stack) if stack else places.local(callback, _port())
        with Interruptions() as interruptions:
            mailbox = Mailbox(place, interruptions)
            try:
                with mailbox:
                    errand = _Errand(callback, mailbox, interruptions, dry_run, tally)
                    errand.run(references or [], everything, as_json)
            finally:
                if mailbox.not_put_back:
                    _say(f"{mailbox.not_put_back} could not be put back, and come back within {HIDDEN_SECONDS} s")
    except Interrupted:
        _say(f"interrupted: {tally}")
        raise
    except Trouble as trouble:
        _say(f"{trouble}; {tally}" if tally.chosen else str(trouble))
        raise typer.Exit(1) from None


def _check_options(references: Sequence[str] | None, everything: bool, as_json: bool) -> None:
    if as_json and (references or everything):
        raise Trouble("--json only lists: it goes with neither --reference nor --all")
    if references and everything:
        raise Trouble("--reference and --all are two choices: make one of them")


def _port() -> int:
    return whole_number(os.environ, "PORT", 3000, 65535)


def _say(line: str) -> None:
    print(f"redrive: {line}", file=sys.stderr)


@dataclass(frozen=True, slots=True)
class _Errand:
    callback: str
    mailbox: Mailbox
    interruptions: Interruptions
    dry_run: bool
    tally: Tally

    def run(self, references: Sequence[str], everything: bool, as_json: bool) -> None:
        there, hidden = self.mailbox.approximate_numbers()
        with _progress("reading", there) as advance:
            self.mailbox.read(advance)
        groups = grouped(self.mailbox.letters, self.callback)
        if references or everything:
            chosen = _named(groups, references) if references else _all_of(groups)
            self.mailbox.keep(frozenset() if self.dry_run else chosen)
        else:
            # Nothing is held while a person thinks: what is chosen is read again.
            self.mailbox.keep(frozenset())
            if as_json:
                print(show.machine_readable(self.callback, groups, hidden, datetime.now(UTC)))
                return
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
            _console().print(show.table(groups, datetime.now(UTC)))
            letters = sum(len(group.letters) for group in groups)
            sendable = sum(len(group.letters) for group in groups if not group.refused)
            print(f"{self.callback}: {letters} dead letter{'' if letters == 1 else 's'}, {sendable} can be sent back")
        else:
            print(f"{self.callback} has no dead letters")
        if hidden:
            print(
                f"About {hidden} more are hidden: somebody is reading them, or was broken off as they did; they come "
                f"back within {HIDDEN_SECONDS} s"
            )

    def _asked(self, groups: Sequence[Group]) -> frozenset[str]:
        """What a person at the terminal chooses."""
        sendable = [group for group in groups if not group.refused]
        if not sendable:
            return frozenset()
        if not _at_a_terminal():
            print(
                'Nothing was sent back: choose with --reference R, repeatable, or --all (make: REFERENCES="R", ALL=1)'
            )
            return frozenset()
        while True:
            try:
                answer = input(f"Send back which? Numbers from 1 to {len(sendable)}, all, or nothing: ")
            except EOFError:
                answer = ""
            words = re.split(r"[\s,]+", answer.strip())
            if words == ["all"]:
                return _ids(sendable)
            if words == [""]:
                print("Nothing was sent back")
                return frozenset()
            numbers = [int(word) for word in words if re.fullmatch("[0-9]{1,9}", word)]
            if len(numbers) == len(words) and all(1 <= number <= len(sendable) for number in numbers):
                return _ids([sendable[number - 1] for number in numbers])
            print("That is not one of them")

    def _read_again(self, chosen: frozenset[str]) -> None:
        with _progress("fetching", len(chosen)) as advance:
            self.mailbox.read(advance, wanted=chosen)
        self.mailbox.keep(chosen)
        if missing := len(chosen) - len(self.mailbox.letters):
            raise Trouble(f"{missing} of these letters are not there any more: nothing was sent back")

    def _say_what_would_be_sent(self, groups: Sequence[Group], chosen: frozenset[str]) -> None:
        parts = [
            replace(group, letters=tuple(letter for letter in group.letters if letter.message_id in chosen))
            for group in groups
        ]
        _console().print(show.table([part for part in parts if part.letters], datetime.now(UTC)))
        print(f"A dry run: {len(chosen)} would be sent back to {self.callback}; nothing was changed")

    def _send(self) -> None:
        with _progress("sending", len(self.mailbox.letters)) as advance:
            self.mailbox.send_back(self.tally, advance)
        print(f"{self.callback}: {self.tally}")


def _named(groups: Sequence[Group], references: Sequence[str]) -> frozenset[str]:
    """The message ids that a person means. Raises Trouble for what is not there, or cannot be sent back."""
    chosen: set[str] = set()
    for reference in references:
        meant = [(group, letters) for group in groups if (letters := group.called(reference))]
        sendable = [letters for group, letters in meant if not group.refused]
        if not meant:
            raise Trouble(f"{plain(reference)} is not among the dead letters: nothing was sent back")
        if not sendable:
            raise Trouble(f"{plain(reference)} cannot be sent back: {meant[0][0].refused}; nothing was sent back")
        if len(sendable) > 1:
            raise Trouble(f"{plain(reference)} may mean more than one: choose by message id (--json shows them)")
        chosen |= {letter.message_id for letter in sendable[0]}
    return frozenset(chosen)


def _all_of(groups: Sequence[Group]) -> frozenset[str]:
    """The message ids of all that can be sent back; what cannot is said."""
    for group in groups:
        if group.refused:
            print(f"{show.name(group)} is left: {group.refused}")
    return _ids([group for group in groups if not group.refused])


def _ids(groups: Sequence[Group]) -> frozenset[str]:
    return frozenset(letter.message_id for group in groups for letter in group.letters)


def _console() -> Console:
    return Console(width=None if sys.stdout.isatty() else _FILE_COLUMNS, highlight=False)


def _at_a_terminal() -> bool:
    return sys.stdin.isatty() and sys.stdout.isatty()


@contextmanager
def _progress(doing: str, total: int) -> Iterator[Advance]:
    """A bar on standard error, if that is a terminal; yields what to tell of every step."""
    columns = (TextColumn(doing), BarColumn(), MofNCompleteColumn())
    console = Console(stderr=True)
    with Progress(*columns, console=console, transient=True, disable=not sys.stderr.isatty()) as bar:
        task = bar.add_task(doing, total=total or None)
        yield lambda steps: bar.advance(task, steps)
