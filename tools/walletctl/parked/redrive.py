"""`walletctl parked redrive`: sends chosen dead letters of a callback back to its retry queue."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated

import typer

from tools.shared import listing
from tools.shared.hints import command
from tools.shared.trouble import Trouble
from tools.walletctl.parked import show
from tools.walletctl.parked.choosing import (
    CallbackName,
    Choosing,
    Error,
    Exceptions,
    References,
    at_a_terminal,
    check_choice,
    choosing,
    either_order,
)
from tools.walletctl.parked.interruptions import Interrupted
from tools.walletctl.parked.letters import Group, ids
from tools.walletctl.parked.mailbox import Sending
from tools.walletctl.place import HERE, Asked, asks_where


@asks_where
def redrive(
    callback: CallbackName,
    references: References = None,
    everything: Annotated[
        bool, typer.Option("--all", help="Send back all but those that would be refused again for certain.")
    ] = False,
    error: Error = None,
    exceptions: Exceptions = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what would be sent back, and change nothing.")
    ] = False,
    asked: Asked = HERE,
) -> None:
    """Sends dead letters back to the callback's retry queue, once their cause is gone.

    Without a choice it lists them and asks for one on a terminal, and only lists elsewhere. What was paid meanwhile
    ends as a replay: sending back too much does no harm. What was not valid (57, 59, 64) is refused again as it is, and
    a refund of an unknown round was answered already, so each is sent back only by its name.
    """
    tally = Sending()
    callback, references = either_order(callback, references or [])
    check_choice(references, everything, error, exceptions)
    where = asked.place()
    queues = where.queues(callback)
    try:
        with choosing(callback, queues, "nothing was sent back") as dead:
            run = _Redrive(callback, dead, tally, where.options, dry_run)
            run(references or [], exceptions or [], error, everything=everything)
    except Interrupted:
        listing.say(f"walletctl: interrupted: {tally}")
        raise
    except Trouble as trouble:
        raise Trouble(f"{trouble}; {tally}" if tally.chosen else str(trouble)) from None


@dataclass(frozen=True, slots=True)
class _Redrive:
    callback: str
    dead: Choosing
    tally: Sending
    options: Sequence[str]
    dry_run: bool

    def __call__(
        self, references: Sequence[str], exceptions: Sequence[str], error: int | None, *, everything: bool
    ) -> None:
        if references or everything or error is not None:
            if references:
                chosen = self.dead.named(references, only_sendable=True)
            else:
                if everything:
                    self._say_what_is_left()
                chosen = self.dead.of_cause(error, exceptions, only_sendable=True)
            self.dead.mailbox.keep(frozenset() if self.dry_run else chosen)
        else:
            chosen = self.dead.asked(self._listed_and_asked, holds=not self.dry_run)
        if chosen:
            self._send(chosen)
        elif everything or error is not None:
            of = "" if error is None else f" of error {error}"
            print(f"{self.callback} has no dead letters{of} to send back")

    def _say_what_is_left(self) -> None:
        """Of all of them, what is not worth sending back."""
        for group in self.dead.groups:
            if group.refused:
                print(f"{show.name(group)} is left: {group.refused}")
        left: dict[str, list[Group]] = {}
        for group in self.dead.groups:
            if not group.refused and not group.worth_sending_back:
                left.setdefault(show.futile(group), []).append(group)
        for why, groups in left.items():
            one = command(self.options, "parked", "redrive", self.callback, names=[groups[0].handle])
            print(f"{listing.counted(len(groups), 'reference')} left: {why}. To send one back: {one}")

    def _listed_and_asked(self) -> frozenset[str]:
        """What a person at the terminal chooses."""
        groups, offered = self.dead.groups, _worth_it(self.dead.groups)
        if groups:
            listing.out(show.table(groups, datetime.now(UTC)))
            print(
                f"{self.callback}: {listing.counted(len(ids(groups)), 'dead letter')}, "
                f"{len(ids(offered))} can be sent back"
            )
        else:
            print(f"{self.callback} has no dead letters")
        if self.dead.hidden:
            print(show.hidden(self.dead.hidden))
        if not offered:
            return frozenset()
        if not at_a_terminal():
            print("Nothing was sent back: name references, or say --all")
            one = command(self.options, "parked", "redrive", self.callback, names=[offered[0].handle])
            print(f"One of them: {one}")
            return frozenset()
        while True:
            try:
                answer = input(f"Send back which? Numbers from 1 to {len(offered)}, all, or nothing: ")
            except EOFError:
                answer = ""
            words = re.split(r"[\s,]+", answer.strip())
            if words == ["all"]:
                return ids(offered)
            if words == [""]:
                print("Nothing was sent back")
                return frozenset()
            numbers = [int(word) for word in words if re.fullmatch("[0-9]{1,9}", word)]
            if len(numbers) == len(words) and all(1 <= number <= len(offered) for number in numbers):
                return ids([offered[number - 1] for number in numbers])
            print("That is not one of them")

    def _send(self, chosen: frozenset[str]) -> None:
        parts = self.dead.parts(chosen)
        if self.dry_run:
            listing.out(show.table(parts, datetime.now(UTC)))
            print(f"A dry run: {len(chosen)} would be sent back to {self.callback}; nothing was changed")
        else:
            with listing.progress("sending", len(chosen)) as advance:
                self.dead.mailbox.send_back(self.tally, advance)
            print(f"{self.callback}: {self.tally}")
        if invalid := sum(letter.is_invalid for part in parts for letter in part.letters):
            print(f"{invalid} of them: {show.REFUSED_AGAIN}")


def _worth_it(groups: Sequence[Group]) -> list[Group]:
    return [part for group in groups if (part := group.worth_sending_back)]
