"""`walletctl parked discard`: deletes dead letters for good, once a file keeps them."""

import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from tools.shared import listing
from tools.shared.outside import plain
from tools.shared.trouble import Trouble
from tools.walletctl.ordering import check_reason
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
from tools.walletctl.parked.keeping import keep_in_file
from tools.walletctl.parked.mailbox import Mailbox
from tools.walletctl.parked.sums import asked_for, currencies_of
from tools.walletctl.place import HERE, Asked, Place, asks_where

_UNDONE = "nothing was discarded"
FREE = "References that are not on record stay free: a later retransmission of one would be paid"


@asks_where
def discard(
    callback: CallbackName,
    references: References = None,
    everything: Annotated[bool, typer.Option("--all", help="Every dead letter of the callback.")] = False,
    error: Error = None,
    exceptions: Exceptions = None,
    reason: Annotated[
        str, typer.Option("--reason", metavar="TEXT", help="Why nobody is owed it: kept in the file.")
    ] = "",
    file: Annotated[
        Path | None,
        typer.Option(
            "--file",
            metavar="FILE",
            help="Where to keep them; it must not exist. Else discarded-CALLBACK-MOMENT.json, here.",
            show_default=False,
        ),
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Ask nothing.")] = False,
    asked: Asked = HERE,
) -> None:
    """Deletes dead letters for good: a file keeps all of each, with your reason, before the first is deleted.

    A dead letter is usually money that a player is owed. Discard it only if nobody is owed it, or if `parked settle`
    cannot settle it and you paid it by hand. Its reference stays free: a later retransmission would be paid.
    """
    callback, references = either_order(callback, references or [])
    check_choice(references, everything, error, exceptions)
    if not references and not everything and error is None:
        raise Trouble("name what to discard: references, --error, or --all")
    if not reason.strip():
        raise Trouble('say why nobody is owed it: --reason "credited by hand, ticket 1234"')
    check_reason(reason, _UNDONE)
    if not yes and not at_a_terminal():
        raise Trouble("discard asks before it deletes, and this is not a terminal: say --yes to be asked nothing")
    where = asked.place()
    queues = where.queues(callback)
    keep = file or Path(f"discarded-{callback}-{datetime.now(UTC):%Y%m%dT%H%M%S}Z.json")
    if keep.exists():
        raise Trouble(f"{plain(str(keep))} is there already: name another --file")
    about = {"callback": callback, "reason": reason, "from": where.name, "queue": queues.dead_letters}
    try:
        with choosing(callback, queues, _UNDONE) as dead:
            if references:
                chosen = dead.named(references, only_sendable=False)
            else:
                chosen = dead.of_cause(error, exceptions or [], only_sendable=False)
            if not chosen:
                print(f"{callback} has no dead letters{'' if error is None else f' of error {error}'} to discard")
            elif yes:
                dead.mailbox.keep(chosen)
            else:
                chosen = dead.asked(lambda: _agreed(dead, chosen, where))
            if chosen:
                keep_in_file(keep, about, dead.mailbox.letters)
                _delete(callback, dead.mailbox, keep)
    except Interrupted:
        done = "the file has what was discarded" if keep.exists() else _UNDONE
        listing.say(f"walletctl: interrupted: {done}")
        raise


def _agreed(dead: Choosing, chosen: frozenset[str], where: Place) -> frozenset[str]:
    """What was chosen, if a person agrees."""
    parts = dead.parts(chosen)
    currencies = currencies_of(where.tables(), parts)
    listing.out(show.table(parts, datetime.now(UTC), currencies))
    listing.tell(f"They ask for {asked_for(parts, currencies)}")
    listing.tell(FREE)
    what = "this dead letter" if len(chosen) == 1 else f"these {len(chosen)} dead letters"
    while True:
        try:
            answer = input(f"Discard {what} for good? yes or no: ").strip().lower()
        except EOFError:
            answer = ""
        if answer == "yes":
            return chosen
        if re.fullmatch("no|n|", answer):
            print("Nothing was discarded")
            return frozenset()


def _delete(callback: str, mailbox: Mailbox, file: Path) -> None:
    letters = len(mailbox.letters)
    try:
        with listing.progress("discarding", letters) as advance:
            done = mailbox.discard(advance)
    except Trouble as trouble:
        raise Trouble(f"{trouble}; {plain(str(file))} has all {letters}") from None
    print(f"{callback}: {listing.counted(done, 'dead letter')} discarded, kept in {plain(str(file))}")
    print(FREE)
