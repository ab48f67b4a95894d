"""`walletctl parked`: what could not be credited, listed, shown, sent back, settled or discarded."""

import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Annotated, Any

import typer

from tools.shared import listing
from tools.shared.hints import command
from tools.shared.outside import cut, legible
from tools.shared.trouble import Trouble
from tools.walletctl.parked import show as showing
from tools.walletctl.parked.adjusted import recorded_about
from tools.walletctl.parked.advice import advice
from tools.walletctl.parked.choosing import either_order
from tools.walletctl.parked.letters import ids
from tools.walletctl.parked.reading import Pile, piles
from tools.walletctl.parked.remedies import by_error, leading
from tools.walletctl.parked.sums import asked_for, currencies_of
from tools.walletctl.place import HERE, Asked, asks_where

_COUNTS = [
    listing.Column(name="callback", title="callback"),
    listing.Column(name="waiting", title="wait for a try", right=True),
    listing.Column(name="dead", title="dead letters", right=True),
    listing.Column(name="sendable", title="can be sent back", right=True),
]
OneCallback = Annotated[
    str | None,
    typer.Argument(
        metavar="CALLBACK", help="Only this one: result, jackpot, bonus, promo or cancel.", show_default=False
    ),
]


@asks_where
def list_(
    callback: OneCallback = None,
    asked: Asked = HERE,
    as_json: listing.AsJson = False,
    as_csv: listing.AsCsv = False,
) -> None:
    """Lists the dead letters by reference, the longest owed first, and counts what waits for another try.

    The retry queues can only be counted: SQS hides what waits. --csv has the dead letters alone.
    """
    form = listing.form(as_json, as_csv)
    where = asked.place()
    found = piles(where, [callback] if callback else where.keeping())
    now = datetime.now(UTC)
    if form == "json":
        print(json.dumps([_pile(pile, now) for pile in found], indent=2))
    elif form == "csv":
        listing.show(showing.COLUMNS, _rows(found, now), form)
    else:
        groups = [group for pile in found for group in pile.groups]
        currencies = currencies_of(where.tables(), groups) if groups else {}
        for pile in found:
            if pile.groups:
                print(f"{pile.callback}:")
                listing.out(showing.table(pile.groups, now, currencies))
        _sum_up(found, where.options, currencies)


@asks_where
def show(
    reference: Annotated[str, typer.Argument(metavar="REFERENCE", help="Or a message id.", show_default=False)],
    callback: OneCallback = None,
    asked: Asked = HERE,
    as_json: listing.AsJson = False,
    as_csv: listing.AsCsv = False,
) -> None:
    """Shows the dead letters under a reference: why each was not done, and the request as received."""
    form = listing.form(as_json, as_csv)
    if callback:
        callback, (reference,) = either_order(callback, [reference])
    where = asked.place()
    found = piles(where, [callback] if callback else where.keeping())
    meant = [(pile.callback, part) for pile in found for group in pile.groups if (part := group.only(reference))]
    if not meant:
        waiting = sum(pile.waiting.all for pile in found)
        maybe = f"; it may be one of {waiting} that wait for another try" if waiting else ""
        raise Trouble(
            f"{cut(legible(reference), 128)} is not among the dead letters{maybe}. To look everywhere: "
            f"{command(where.options, 'find', names=[reference])}"
        )
    now = datetime.now(UTC)
    if form != "table":
        rows = (row for callback, group in meant for row in showing.for_machines(callback, [group], now))
        listing.show(showing.COLUMNS, rows, form)
        return
    on_record = recorded_about(where.tables(), (letter for _, group in meant for letter in group.letters))
    for callback, group in meant:
        for letter, copies in group.entries:
            listing.out(showing.letter(callback, group, letter, copies, now))
            print()
        for each in advice(callback, group, where.options, on_record=on_record):
            listing.tell(str(each))


def _rows(found: Sequence[Pile], now: datetime) -> Iterator[listing.Row]:
    for pile in found:
        yield from showing.for_machines(pile.callback, pile.groups, now)


def _pile(pile: Pile, now: datetime) -> dict[str, Any]:
    return {
        "callback": pile.callback,
        "waiting": {"due": pile.waiting.due, "new": pile.waiting.new, "betweenTries": pile.waiting.hidden},
        "hidden": pile.hidden,
        "deadLetters": [*map(listing.for_machines, showing.for_machines(pile.callback, pile.groups, now))],
    }


def _sum_up(found: Sequence[Pile], options: Sequence[str], currencies: Mapping[str, str]) -> None:
    sendable = {pile.callback: ids(filter(None, (group.worth_sending_back for group in pile.groups))) for pile in found}
    rows = (
        {
            "callback": pile.callback,
            "waiting": pile.waiting.all,
            "dead": len(ids(pile.groups)),
            "sendable": len(sendable[pile.callback]),
        }
        for pile in found
    )
    listing.out(listing.table(_COUNTS, rows))
    if hidden := sum(pile.hidden for pile in found):
        listing.tell(showing.hidden(hidden))
    if first := next((pile for pile in found if pile.groups), None):
        one = first.groups[0].handle
        listing.tell(f"One of them: {command(options, 'parked', 'show', names=[one, first.callback])}")
        for (callback, error), groups in by_error(found).items():
            cause = f"{callback}, {'not a parked request' if error is None else f'error {error}'}"
            listing.tell(f"{cause}: {listing.counted(len(groups), 'reference')}, {asked_for(groups, currencies)}")
            for each in leading(callback, groups, options):
                listing.tell(f"  {each}")
    elif any(pile.waiting.all for pile in found):
        listing.tell(
            "No dead letters. What waits is retried automatically: `find` with its reference says why it waits"
        )
    else:
        print("Nothing is parked")
