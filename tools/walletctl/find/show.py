"""What was found, as a person reads it and as a machine does."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from itertools import groupby
from typing import TYPE_CHECKING, Any

from tools.shared import listing
from tools.shared.amounts import amount
from tools.shared.items import Item
from tools.shared.listing import Cell, Column
from tools.shared.moments import recorded, shown
from tools.walletctl import records
from tools.walletctl.find.found import Found
from tools.walletctl.find.missed import Missed
from tools.walletctl.find.searched import Searched
from tools.walletctl.find.searched import sentences as answer
from tools.walletctl.find.searching import Parked
from tools.walletctl.kinds import CANCELLED
from tools.walletctl.log import LogLine
from tools.walletctl.parked import show as parked
from tools.walletctl.rounds import played as rounds

if TYPE_CHECKING:
    from rich.console import RenderableType

_MOST_TRANSACTIONS = 10  # each takes a screen's half
_MOST_LINES = 12  # of the log, the last: more than one win is tried
_LOG = [
    Column(name="at", title="log", unbroken=True),
    Column(name="callback", title="callback", unbroken=True),
    Column(name="message", title="says", unbroken=True),
    Column(name="code", title="error", right=True, unbroken=True),
    Column(name="tries", title="try", right=True, unbroken=True),
    Column(name="reason", title="reason"),
]


def parts(found: Found) -> Iterator["RenderableType"]:
    """From the ledger, then from the queues, then from the log."""
    now = datetime.now(UTC)
    told = [of for of in found.rounds if of.is_named]
    for of in told:
        yield listing.facts(rounds.facts(of))
        yield ""
        if shown := rounds.steps(of):
            yield listing.table(rounds.STEPS, shown)
            yield ""
    for item in () if told else found.transactions[:_MOST_TRANSACTIONS]:
        yield listing.facts(_transaction(item))
        yield ""
    if (number := len(found.transactions)) > _MOST_TRANSACTIONS and not told:
        yield f"... and {number - _MOST_TRANSACTIONS} more: --csv has them all\n"
    for item in found.adjusted:
        yield listing.facts(_transaction(item))
        yield ""
    if found.wallet:
        yield listing.facts(_wallet(found.wallet) | (_opened(found.opening) if found.opening else {}))
        yield ""
    for where, letters in (("dead letter", found.letters), ("waits for a try", found.due)):
        for callback, group in letters:
            for letter, copies in group.entries:
                yield where
                yield parked.letter(callback, group, letter, copies, now)
                yield ""
    if found.log:
        yield listing.table(_LOG, _lines(found.log)[-_MOST_LINES:])
        yield ""


def for_machines(found: Found) -> dict[str, Any]:
    return {
        "name": found.name,
        "outcome": found.outcome,
        "transactions": [listing.for_machines(records.row(item)) for item in found.transactions],
        "rounds": [rounds.for_machines(of) for of in found.rounds],
        "adjusted": [listing.for_machines(records.row(item)) for item in found.adjusted],
        "wallet": listing.for_machines(records.of_wallet(found.wallet)) if found.wallet else None,
        "opening": listing.for_machines(records.row(found.opening)) if found.opening else None,
        "deadLetters": _letters(found.letters),
        "due": _letters(found.due),
        "waiting": found.waiting,
        "hidden": found.hidden,
        "refused": [_missed(each) for each in found.missed],
        "log": [listing.for_machines(_line(line)) for line in found.log],
        "notKept": None if found.not_kept is None else dict(found.not_kept),
        "cameWith": [str(item.get("id")) for item in found.came_with],
        "notLookedFor": list(found.not_looked_for),
        "notLookedAt": list(found.not_looked),
    }


def searched_for_machines(searched: Searched) -> dict[str, Any]:
    sought, moved, rest = searched.sought, searched.moved, searched.rest

    def rows(items: Iterable[Item]) -> list[dict[str, Any]]:
        return [listing.for_machines(records.row(item)) for item in items]

    return {
        "player": sought.player,
        "amount": None if sought.amounts is None else str(sought.amounts),
        "kinds": list(sought.kinds),
        "since": listing.for_json(sought.period.since),
        "until": listing.for_json(sought.period.until),
        "outcome": searched.outcome,
        "answer": [*answer(searched)],
        "transactions": rows(moved.matching),
        "settled": rows(rest.settled),
        "deadLetters": _letters(rest.letters),
        "due": _letters(rest.due),
        "refused": [_missed(each) for each in rest.missed],
        "nearest": rows(moved.nearest),
        "otherKinds": rows(moved.other_kinds),
        "earlier": rows([moved.earlier] if moved.earlier else []),
        "otherDeadLetters": _letters(rest.others),
        "otherRefused": [_missed(each) for each in rest.other_missed],
        "wallet": listing.for_machines(records.of_wallet(moved.wallet)) if moved.wallet else None,
        "waiting": rest.waiting,
        "hidden": rest.hidden,
        "notKept": None if rest.not_kept is None else dict(rest.not_kept),
        "notLookedAt": list(rest.not_looked),
    }


def transaction(item: Item) -> "RenderableType":
    """One movement in full."""
    return listing.facts(_transaction(item))


def _letters(parked_: Parked) -> list[dict[str, Any]]:
    now = datetime.now(UTC)
    return [
        listing.for_machines(row) for callback, group in parked_ for row in parked.for_machines(callback, [group], now)
    ]


def _transaction(item: Item) -> dict[str, Cell]:
    """A fact a line; what is not there is left out."""
    row = records.row(item)
    kind, outcome = records.kind_of(item), records.outcome_of(item)
    written, sent = recorded(item.get("recordedAt")), _milliseconds(item.get("timestamp"))
    facts: dict[str, Cell] = {
        "transaction": str(item.get("id")),
        "transaction id": row.get("transactionId"),
        "player": row.get("userId"),
        _TITLES.get(kind, "credited") if outcome is None else outcome: _amount(item, outcome),
        "cash": _moved(row.get("cashBefore"), row.get("cashAfter")) if outcome is None else None,
        "bonus": _moved(row.get("bonusBefore"), row.get("bonusAfter")) if outcome is None else None,
        "number": _text(item.get("seq")) if outcome is None else None,
        "by": row.get("actor"),
        "reason": row.get("reason"),
        "recorded": shown(written) if written else row.get("recordedAt"),
        "sent": shown(sent) if sent else row.get("timestamp"),
        "round": row.get("roundId"),
        "game": row.get("gameId"),
        "bonus code": row.get("bonusCode"),
        "free rounds": _free_rounds(item),
        "jackpot": row.get("jackpotId"),
        "campaign": " ".join(str(row[name]) for name in ("campaignId", "campaignType") if row.get(name)) or None,
        "prize": _prize(item),
        "closed": "automatically" if row.get("autoClosed") else None,
        "arrived with": row.get("arrivedWith"),
        "request": row.get("request"),
    }
    return {name: cell for name, cell in facts.items() if cell is not None}


_TITLES = {
    "bet": "staked",
    "cancel": "paid back",
    "opening": "opened with",
    "deposit": "deposited",
    "withdrawal": "withdrawn",
    "adjustment": "adjusted by",
}


def _amount(item: Item, outcome: str | None) -> str:
    if outcome == CANCELLED:
        return "before it came"
    told = f"{_text(item.get('amountAsked' if outcome else 'amount'))} {item.get('currency')}"
    if bonus := item.get("bonusAmount"):
        told += f", bonus {_text(bonus)}"
    return f"{told}. {reason}" if (reason := records.why_less(item)) else told


def _free_rounds(item: Item) -> str | None:
    left = [
        f"{_text(item[name])} {what}"
        for name, what in (("uncoveredAfter", "not covered by a total"), ("advanceAfter", "paid ahead by totals"))
        if name in item
    ]
    return f"after it {', '.join(left)}" if left else None


def _prize(item: Item) -> str | None:
    for amount_, reference, when in (
        ("prizeAmount", "prizeReference", ""),
        ("laterPrizeAmount", "laterPrizeReference", ", which a later delivery named"),
    ):
        if amount_ in item:
            return f"{_text(item[amount_])} under {_text(item.get(reference, 'no reference'))}{when}"
    return None


def _moved(before: Cell, after: Cell) -> str:
    return f"{_text(before)} before, {_text(after)} after"


def _wallet(item: Item) -> dict[str, Cell]:
    return {
        "wallet now": str(item.get("userId")),
        "cash": f"{_text(item.get('cash'))} {item.get('currency')}",
        "bonus": _text(item.get("bonus")),
        "version": _text(item.get("version")),
        **({"frozen": frozen} if (frozen := records.frozen(item)) else {}),
    }


def _opened(opening: Item) -> dict[str, Cell]:
    cash, bonus = _text(opening.get("amount")), _text(records.moved_bonus(opening))
    return {
        "opened": records.for_a_person(opening).get("recordedAt"),
        "opened with": f"{cash} {opening.get('currency')}, bonus {bonus}",
        "opened by": records.by_hand(opening),
    }


def _lines(lines: Sequence[LogLine]) -> list[dict[str, Cell]]:
    """A row for each line; for those in a row that look the same, one that says how many they are."""
    rows: list[dict[str, Cell]] = []
    for row, alike in groupby(map(_line, lines)):
        number = len([*alike])
        rows.append(row if number == 1 else row | {"message": f"{row['message']}, {number} times"})
    return rows


def _line(line: LogLine) -> dict[str, Cell]:
    return {
        "at": shown(line.at) if line.at else None,
        "callback": line.callback,
        "message": line.message,
        "code": line.code,
        "tries": line.tries,
        "reason": line.reason,
    }


def _missed(missed: Missed) -> dict[str, Any]:
    said = missed.refusal
    return {
        "callback": missed.callback,
        "reference": missed.reference,
        "userId": said.player,
        "roundId": said.round,
        "amount": said.amount,
        "currency": said.currency,
        "outcome": missed.state,
        **{name: listing.for_json(cell) for name, cell in _line(said).items() if name not in ("callback", "message")},
    }


def _text(value: object) -> str:
    return amount(value) if isinstance(value, Decimal) else str(value)


def _milliseconds(text: object) -> datetime | None:
    """A moment in milliseconds since the epoch, as the provider sends it; None if it is none."""
    try:
        return datetime.fromtimestamp(int(str(text)) / 1000, UTC)
    except (ValueError, OverflowError, OSError):
        return None
