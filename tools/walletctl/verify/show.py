"""An account as a person reads it, and as a machine does."""

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING

from tools.shared.amounts import amount
from tools.shared.listing import Cell, Column, Row, counted, table
from tools.shared.outside import cut, plain
from tools.walletctl.verify.account import MOST_SHOWN, Account, by_currency
from tools.walletctl.verify.entries import Fault

if TYPE_CHECKING:
    from rich.table import Table

_MOST_OF_A_NAME = 128  # characters: the provider's references and userIds have no more
_MOST_OF_A_TEXT = 600

_FAULTS = [
    Column(name="player", title="player", most=_MOST_OF_A_NAME),
    Column(name="seq", title="seq", right=True, unbroken=True),
    Column(name="fault", title="fault"),
    Column(name="figures", title="transaction and figures", most=_MOST_OF_A_TEXT),
]
_MONEY = [
    Column(name="currency", title="currency", most=_MOST_OF_A_NAME),
    Column(name="kind", title="kind"),
    Column(name="moved", title="moved", right=True),
]
COLUMNS = [Column(name=name, title=name) for name in ("userId", "seq", "id", "fault", "text")]


def rows(found: Iterable[Fault]) -> Iterator[Row]:
    """A row for each fault, for a machine."""
    for fault in found:
        yield _fault(fault)


def faults(found: Sequence[Fault]) -> "Table":
    """A row for each fault: whose, which transaction, what it is, and its figures."""
    return table(
        _FAULTS,
        (
            {
                "player": fault.user_id,
                "seq": fault.seq,
                "fault": fault.what,
                "figures": fault.text if fault.id is None else f"{cut(fault.id, _MOST_OF_A_NAME)}: {fault.text}",
            }
            for fault in found
        ),
    )


def money(made: Account) -> "Table":
    """A row for each currency and kind, and what was moved: below zero if it was taken."""
    return table(
        _MONEY,
        (
            {"currency": currency, "kind": kind, "moved": moved}
            for currency, kinds in by_currency(made.moved).items()
            for kind, moved in kinds.items()
        ),
    )


def conclusions(made: Account) -> Iterator[str]:
    """What the figures mean, a line each; the last is the verdict."""
    if made.found > len(made.faults):
        yield f"Of {made.found} faults the first {MOST_SHOWN} are shown"
    yield f"{counted(made.players, 'player')}, {counted(made.transactions, 'transaction')}"
    if made.outcomes:
        why = "refused, cancelled before they came, or booked elsewhere"
        yield f"{counted(made.outcomes, 'reference')} settled without money: {why}"
    if made.moved_meanwhile:
        yield f"{counted(made.moved_meanwhile, 'player')} moved while they were read: proved as far as they were read"
    if not made.compares_free_rounds:
        yield "The counts of free rounds were not compared: no table was named for them"
    if not made.compares_rounds:
        yield "The rounds were not compared: there is no table of them"
    for anchor in made.anchors:
        yield f"Compared with the anchor {anchor}"
        if anchor.ledger != made.ledger:
            other, here = plain(anchor.ledger), plain(made.ledger)
            yield f"That anchor is of another table, {other}, as before a restore. This is {here}"
    if made.anchors and not made.anchored and made.outcomes is None:
        yield "No anchor has this player: the wallet was opened later"
    if made.written:
        yield f"Wrote the anchor {made.written}"
    if beyond := made.counts["beyond the wallet"]:
        yield (
            f"{counted(beyond, 'transaction')} beyond the wallet: torn. The tables are not of one moment, as after a "
            "restore, or a wallet was set back"
        )
    held = ". The anchor that was written holds what has faults" if made.written else ""
    yield f"{counted(made.found, 'fault')}{held}" if made.found else "No fault"


def machine_readable(made: Account) -> str:
    """The account as JSON text in ASCII; amounts are text, with every digit."""
    return json.dumps(
        {
            "players": made.players,
            "transactions": made.transactions,
            "settledWithoutMoney": made.outcomes,
            "moved": {
                currency: {kind: amount(moved) for kind, moved in kinds.items()}
                for currency, kinds in by_currency(made.moved).items()
            },
            "faults": made.found,
            "faultsByKind": dict(sorted(made.counts.items())),
            "shownFaults": [_fault(fault) for fault in made.faults],
            "movedWhileRead": made.moved_meanwhile,
            "freeRoundsCompared": made.compares_free_rounds,
            "roundsCompared": made.compares_rounds,
            "anchors": [asdict(anchor) for anchor in made.anchors],
            "anchoredPlayers": made.anchored,
            "writtenAnchor": asdict(made.written) if made.written else None,
        },
        indent=2,
    )


def _fault(fault: Fault) -> dict[str, Cell]:
    return {"userId": fault.user_id, "seq": fault.seq, "id": fault.id, "fault": fault.what, "text": fault.text}
