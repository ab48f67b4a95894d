"""`walletctl parked settle`: pays what a dead letter asks for under its own id, or records it as booked elsewhere."""

import json
import re
from dataclasses import replace
from datetime import UTC, datetime
from typing import Annotated, Any

import typer

from tools.shared import listing
from tools.shared.outside import cut, legible, plain
from tools.shared.trouble import Trouble
from tools.walletctl import records
from tools.walletctl.ordering import check_reason
from tools.walletctl.parked import show
from tools.walletctl.parked.choosing import Choosing, at_a_terminal, choosing, either_order
from tools.walletctl.parked.interruptions import Interrupted
from tools.walletctl.parked.letters import Group
from tools.walletctl.parked.reading import piles
from tools.walletctl.parked.settling import MOST_OF_A_REASON, Ruling, Settling, the_one
from tools.walletctl.place import HERE, Asked, Place, asks_where

_UNDONE = "nothing was settled"
_NO_REASON = "nobody has said why yet"  # of what is only foreseen


@asks_where
def settle(
    reference: Annotated[str, typer.Argument(metavar="REFERENCE", help="Or a message id.", show_default=False)],
    callback: Annotated[
        str | None,
        typer.Argument(
            metavar="CALLBACK", help="result, jackpot, bonus, promo or cancel, if several have it.", show_default=False
        ),
    ] = None,
    booked_elsewhere: Annotated[
        bool, typer.Option("--booked-elsewhere", help="It was paid by other means: record that, and pay nothing.")
    ] = False,
    reason: Annotated[str, typer.Option("--reason", metavar="TEXT", help="Why: it is on record for good.")] = "",
    yes: Annotated[bool, typer.Option("--yes", help="Ask nothing.")] = False,
    asked: Asked = HERE,
    as_json: listing.AsJson = False,
) -> None:
    """Pays what a dead letter asks for, once, under its own id, with your name and reason on record.

    It shows what will happen, and asks. A retransmission, another copy or a redrive is then a replay. The dead letter
    is deleted last: if anything breaks off, run the same command again. Without --reason it only shows.
    """
    if len(reason) > MOST_OF_A_REASON or re.search("[\x00-\x1f\x7f-\x9f\ud800-\udfff]", reason):
        raise Trouble(f"--reason must be one line of up to {MOST_OF_A_REASON} characters")
    if yes and not reason.strip():
        raise Trouble('say why: --reason "the provider confirmed it, ticket 1234"')
    if reason.strip():
        check_reason(reason, _UNDONE)
    if callback:
        callback, (reference,) = either_order(callback, [reference])
    where = asked.place()
    owner = callback or _owner(where, reference)
    run = _Settle(where, owner, reference, booked_elsewhere, reason.strip(), yes, as_json)
    try:
        with choosing(owner, where.queues(owner), _UNDONE) as dead:
            run(dead)
    except Interrupted:
        listing.say(f"walletctl: interrupted: {run.how_far}")
        raise


def _owner(where: Place, reference: str) -> str:
    """The callback whose dead letter a person means. Raises Trouble if there is none, or more than one."""
    found = [
        pile.callback for pile in piles(where, where.keeping()) if any(group.only(reference) for group in pile.groups)
    ]
    if not found:
        raise Trouble(f"{cut(legible(reference), 128)} is not among the dead letters: {_UNDONE}")
    if len(found) > 1:
        raise Trouble(f"{cut(legible(reference), 128)} is among those of {' and '.join(found)}: name one after it")
    return found[0]


class _Settle:
    """One run of the command; `how_far` says how far it got."""

    def __init__(
        self, where: Place, callback: str, reference: str, elsewhere: bool, reason: str, yes: bool, as_json: bool
    ) -> None:
        self.how_far = _UNDONE
        self._where, self._callback, self._reference = where, callback, reference
        self._elsewhere, self._reason, self._yes, self._as_json = elsewhere, reason, yes, as_json

    def __call__(self, dead: Choosing) -> None:
        chosen = dead.named([self._reference], only_sendable=False)
        (group,) = dead.parts(chosen)
        decision = Settling(
            callback=self._callback,
            letter=the_one(group),
            reason=self._reason or _NO_REASON,
            booked_elsewhere=self._elsewhere,
        )
        foreseen = decision.foresee(self._where)
        self._show(group, foreseen)
        if not foreseen.is_done:
            self._refuse(group, foreseen)
        if self._yes:
            dead.mailbox.keep(chosen)
        elif self._as_json or not self._reason or not at_a_terminal():
            self._report(group, foreseen, "foreseen", "Nothing was settled: say why with --reason, and --yes")
            return
        elif not dead.asked(lambda: chosen if _is_agreed() else frozenset()):
            print("Nothing was settled")
            return
        self.how_far = "nobody knows whether it was settled: run the same command again, it is settled once"
        try:
            answer = replace(decision.settle(self._where), on_record=foreseen.on_record)
        except Trouble as trouble:
            raise Trouble(f"{self.how_far}. {trouble}") from None
        if not answer.is_done:
            self.how_far = _UNDONE
            self._refuse(group, answer)
        self.how_far = "it is settled, and the dead letter is still there: run the same command again, which deletes it"
        try:
            dead.mailbox.discard(lambda _done: None)
        except Trouble as trouble:
            raise Trouble(f"{self.how_far}. {trouble}") from None
        if answer.movements != foreseen.movements:
            self._tell(answer)  # somebody else was quicker
        self._report(group, answer, "settled", f"Settled. The wallet is now at {answer.after()}")

    def _show(self, group: Group, foreseen: Ruling) -> None:
        if self._as_json:
            return
        letter = foreseen.decision.letter
        listing.out(show.letter(self._callback, group, letter, len(group.letters), datetime.now(UTC)))
        print()
        if foreseen.is_done:
            listing.tell(f"The wallet of {foreseen.before()}")
            wallet = self._where.tables().wallet(letter.asked.get("userId", ""))
            if wallet and (frozen := records.frozen(wallet)):
                listing.tell(f"The player is frozen {plain(frozen)}")
            self._tell(foreseen)
            for sentence in foreseen.already_paid():
                listing.tell(sentence)

    def _tell(self, answer: Ruling) -> None:
        for effect in () if self._as_json else answer.effects():
            listing.tell(f"Settling it {effect}")

    def _refuse(self, group: Group, answer: Ruling) -> None:
        self._report(group, answer, "refused", f"It cannot be settled: {answer.refusal}")
        if not self._as_json:
            for each in answer.instead(group, self._where):
                listing.tell(str(each))
        raise typer.Exit(1)

    def _report(self, group: Group, answer: Ruling, outcome: str, sentence: str) -> None:
        if not self._as_json:
            listing.tell(sentence)
            return
        letter = answer.decision.letter
        said: dict[str, Any] = {
            "outcome": outcome,
            "callback": self._callback,
            "reference": letter.parked and letter.parked.reference,
            "messageId": letter.message_id,
            "copies": len(group.letters),
            "bookedElsewhere": self._elsewhere,
            "adjusted": [listing.for_machines(records.row(item)) for item in answer.adjusted],
            "answer": answer.said,
        }
        print(json.dumps(said, indent=2))


def _is_agreed() -> bool:
    while True:
        try:
            answer = input("Settle it? yes or no: ").strip().lower()
        except EOFError:
            answer = ""
        if answer in ("yes", "no", "n", ""):
            return answer == "yes"
