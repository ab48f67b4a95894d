"""`walletctl parked discard`: deletes dead letters for good, once they stand in a file."""

import getpass
import json
import os
import re
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from tools.shared import listing
from tools.shared.outside import plain
from tools.shared.trouble import Trouble
from tools.walletctl.parked import show
from tools.walletctl.parked.interruptions import Interrupted, Interruptions
from tools.walletctl.parked.letters import Group, Letter, grouped
from tools.walletctl.parked.mailbox import Mailbox
from tools.walletctl.parked.reading import say_what_was_not_put_back
from tools.walletctl.parked.redrive import CallbackName, References, at_a_terminal, check_choice, ids, named
from tools.walletctl.place import HERE, Asked, asks_where


@asks_where
def discard(
    callback: CallbackName,
    references: References = None,
    everything: Annotated[bool, typer.Option("--all", help="Every dead letter of the callback.")] = False,
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

    Mostly a dead letter is money that a player is owed: discard what was settled otherwise, or is nobody's.
    """
    check_choice(references, everything)
    if not references and not everything:
        raise Trouble("name what to discard: references, or --all")
    if not reason.strip():
        raise Trouble('say why nobody is owed it: --reason "credited by hand, ticket 1234"')
    if not yes and not at_a_terminal():
        raise Trouble("discard asks before it deletes, and this is no terminal: say --yes to be asked nothing")
    where = asked.place()
    queues = where.queues(callback)
    keep = file or Path(f"discarded-{callback}-{datetime.now(UTC):%Y%m%dT%H%M%S}Z.json")
    if keep.exists():
        raise Trouble(f"{plain(str(keep))} is there already: name another --file")
    try:
        with Interruptions() as interruptions:
            mailbox = Mailbox(queues, interruptions)
            try:
                with mailbox:
                    chosen = _chosen(callback, mailbox, interruptions, references or [], yes)
                    if chosen:
                        about = {
                            "callback": callback,
                            "reason": reason,
                            "from": where.name,
                            "queue": queues.dead_letters,
                        }
                        keep_in_file(keep, about, mailbox.letters)
                        _delete(callback, mailbox, keep)
            finally:
                say_what_was_not_put_back(mailbox)
    except Interrupted:
        listing.say("walletctl: interrupted: what had been discarded stands in the file" if keep.exists() else _NOTHING)
        raise


_NOTHING = "walletctl: interrupted: nothing was discarded"


def _chosen(
    callback: str, mailbox: Mailbox, interruptions: Interruptions, references: Sequence[str], yes: bool
) -> frozenset[str]:
    """The message ids that a person means and has agreed to, which the mailbox then holds, and no others."""
    there, _ = mailbox.approximate_numbers()
    with listing.progress("reading", there) as advance:
        mailbox.read(advance)
    groups = grouped(mailbox.letters, callback)
    chosen = (
        named(groups, references, only_sendable=False, undone="nothing was discarded") if references else ids(groups)
    )
    if not chosen:
        mailbox.keep(frozenset())
        print(f"{callback} has no dead letters")
        return chosen
    if yes:
        mailbox.keep(chosen)
        return chosen
    # Nothing is held while a person thinks: what is chosen is read again.
    mailbox.keep(frozenset())
    with interruptions.at_once():
        if not _agreed([part for group in groups if (part := group.among(chosen))], len(chosen)):
            print("Nothing was discarded")
            return frozenset()
    with listing.progress("fetching", len(chosen)) as advance:
        mailbox.read(advance, wanted=chosen)
    mailbox.keep(chosen)
    if missing := len(chosen) - len(mailbox.letters):
        raise Trouble(f"{missing} of these letters are not there any more: nothing was discarded")
    return chosen


def _agreed(groups: Sequence[Group], letters: int) -> bool:
    listing.out(show.table(groups, datetime.now(UTC)))
    what = "this letter" if letters == 1 else f"these {letters} letters"
    while True:
        try:
            answer = input(f"Discard {what} for good? yes or no: ").strip().lower()
        except EOFError:
            answer = ""
        if re.fullmatch("yes|no|n|", answer):
            return answer == "yes"


def keep_in_file(file: Path, about: dict[str, str], letters: Sequence[Letter]) -> None:
    """Keeps the letters, body for body, so that a loss of power leaves them on disk. Raises Trouble; then none is."""
    kept: dict[str, Any] = {
        "discardedAt": datetime.now(UTC).isoformat(timespec="milliseconds"),
        "discardedBy": _whoever(),
        **about,
        "letters": [{"messageId": letter.message_id, "body": letter.body} for letter in letters],
    }
    try:
        descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w") as opened:
            opened.write(json.dumps(kept, indent=2) + "\n")
            opened.flush()
            os.fsync(opened.fileno())
        folder = os.open(file.absolute().parent, os.O_RDONLY)
        try:
            os.fsync(folder)  # else the file may be without its name after a loss of power
        finally:
            os.close(folder)
    except OSError as error:
        raise Trouble(f"{plain(str(file))} cannot be written ({error.strerror}): nothing was discarded") from None


def _whoever() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container's number without a name
        return f"uid {os.getuid()}"


def _delete(callback: str, mailbox: Mailbox, file: Path) -> None:
    letters = len(mailbox.letters)
    try:
        with listing.progress("discarding", letters) as advance:
            done = mailbox.discard(advance)
    except Trouble as trouble:
        raise Trouble(f"{trouble}; all {letters} stand in {plain(str(file))}") from None
    print(f"{callback}: {listing.counted(done, 'dead letter')} discarded, kept in {plain(str(file))}")
