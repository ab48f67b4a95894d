"""An account as a person reads it, and as a machine does."""

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from tools.shared.amounts import amount
from tools.shared.listing import Cell, Column, Row, counted, table
from tools.shared.outside import cut
from tools.walletctl.verify.account import MOST_SHOWN, Account, by_currency
from tools.walletctl.verify.entries import Fault
from tools.walletctl.verify.proof import Gap

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
    Column(name="credited", title="credited", right=True),
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
    """A row for each currency and kind, and what was credited."""
    return table(
        _MONEY,
        (
            {"currency": currency, "kind": kind, "credited": credited}
            for currency, kinds in by_currency(made.credited).items()
            for kind, credited in kinds.items()
        ),
    )


def conclusions(made: Account) -> Iterator[str]:
    """What the figures mean, a line each; the last is the verdict."""
    if made.found > len(made.faults):
        yield f"Of {made.found} faults the first {MOST_SHOWN} are shown"
    yield f"{counted(made.players, 'player')}, {counted(made.transactions, 'transaction')}"
    if made.versions_of_others:
        yield (
            f"{counted(made.versions_of_others, 'version')} of {counted(made.players_of_others, 'wallet')} left no "
            "transaction, as the deposits and bets of other programs do; ahead of the last transaction: "
            f"{counted(made.players_ahead, 'wallet')}{'; --strict names each' if made.gaps else ''}"
        )
    if made.moved:
        yield f"{counted(made.moved, 'player')} moved while they were read: proved as far as they were read"
    if not made.compares_free_rounds:
        yield "The counts of free rounds were not compared: no table was named for them"
    if beyond := made.counts["beyond the wallet"]:
        yield (
            f"{counted(beyond, 'transaction')} beyond the wallet: torn. The tables are not of one moment, as after a "
            "restore, or a wallet was set back"
        )
    yield f"{counted(made.found, 'fault')}" if made.found else "No fault"


def machine_readable(made: Account) -> str:
    """The account as JSON text in ASCII; amounts are text, with every digit."""
    return json.dumps(
        {
            "players": made.players,
            "transactions": made.transactions,
            "credited": {
                currency: {kind: amount(credited) for kind, credited in kinds.items()}
                for currency, kinds in by_currency(made.credited).items()
            },
            "faults": made.found,
            "faultsByKind": dict(sorted(made.counts.items())),
            "shownFaults": [_fault(fault) for fault in made.faults],
            "otherWriters": {
                "versions": made.versions_of_others,
                "players": made.players_of_others,
                "playersAheadOfTheirLastTransaction": made.players_ahead,
                "shown": [_gap(gap) for gap in made.gaps],
            },
            "movedWhileRead": made.moved,
            "freeRoundsCompared": made.compares_free_rounds,
        },
        indent=2,
    )


def _fault(fault: Fault) -> dict[str, Cell]:
    return {"userId": fault.user_id, "seq": fault.seq, "id": fault.id, "fault": fault.what, "text": fault.text}


def _gap(gap: Gap) -> dict[str, Any]:
    facts = asdict(gap)
    return {
        "userId": gap.user_id,
        "first": gap.first,
        "last": gap.last,
        "isLast": gap.is_last,
        "currency": gap.currency,
        **{name: None if facts[name] is None else amount(facts[name]) for name in ("cash", "bonus")},
    }
