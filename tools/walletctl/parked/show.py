"""Dead letters as a person reads them, and as a machine does."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from itertools import count
from typing import TYPE_CHECKING

from tools.shared import listing
from tools.shared.listing import Column, Row
from tools.shared.outside import cut, plain
from tools.walletctl.parked.letters import DeadLetter, Group
from tools.walletctl.parked.mailbox import HIDDEN_SECONDS
from tools.walletctl.parked.sums import asked_for

if TYPE_CHECKING:
    from rich.table import Table

_MOST_OF_A_NAME = 128  # characters: a reference that can be on record has no more
_MOST_OF_A_REASON = 200
_UNITS = {
    "d": timedelta(days=1),
    "h": timedelta(hours=1),
    "min": timedelta(minutes=1),
    "s": timedelta(seconds=1),
}


def table(groups: Sequence[Group], now: datetime, currencies: Mapping[str, str] | None = None) -> "Table":
    """A row for each group, and below its name whose it is, how much, and what is wrong.

    Those worth sending back are numbered from 1. `currencies` are wallets', by player, for what names none.
    """
    from rich.console import Group as Lines
    from rich.padding import Padding
    from rich.table import Table
    from rich.text import Text

    rows = Table(box=None, padding=(0, 1, 0, 0))
    rows.add_column("", justify="right", no_wrap=True)
    rows.add_column("reference", overflow="fold")  # what is left of 80 columns takes a message's id unbroken
    rows.add_column("copies", justify="right", no_wrap=True)
    rows.add_column("error", justify="right", no_wrap=True)
    rows.add_column("first received", no_wrap=True)
    rows.add_column("age", justify="right", no_wrap=True)
    numbers = count(1)
    for group in groups:
        # All as Text: a str would be read as markup.
        rows.add_row(
            Text(str(next(numbers)) if group.worth_sending_back else ""),
            Lines(Text(name(group)), *(Padding(Text(line), (0, 0, 0, 2)) for line in _lines(group, currencies or {}))),
            Text(str(len(group.letters))),
            Text(", ".join(cut(str(code), 5) for code in dict.fromkeys(code for code, _ in group.faults))),
            Text(f"{group.first_received_at:%Y-%m-%d %H:%M}Z"),
            Text(age(now - group.first_received_at)),
        )
    return rows


def name(group: Group) -> str:
    return cut(listing.visible(group.name), _MOST_OF_A_NAME)


def _lines(group: Group, currencies: Mapping[str, str]) -> Iterator[str]:
    players = sorted({each.asked["userId"] for each in group.letters if "userId" in each.asked})
    asked = asked_for([group], currencies)
    whose = f"of {cut(plain(', '.join(players)), _MOST_OF_A_NAME)}" if players else ""
    money = str(asked) if asked.by_currency and not group.differ else ""  # of copies that differ, one alone is owed
    if whose or money:
        yield ", ".join(filter(None, (whose, money)))
    yield from _reasons(group)


def _reasons(group: Group) -> Iterator[str]:
    for part, what in ((group.wins, ""), (group.prizes, "its prize alone: ")):
        for _, reason in part.faults if part else ():
            yield f"{what}{cut(plain(reason), _MOST_OF_A_REASON)}"
    if group.refused:
        yield f"cannot be sent back: {group.refused}"
    elif not group.worth_sending_back:
        yield futile(group)
    elif group.differ:
        yield "its copies ask for different things; each can be chosen by its message id, which `parked show` has"


def futile(group: Group) -> str:
    """Why a retry of none of its letters does anything."""
    return NOTHING_TO_RETRY if group.is_answered else REFUSED_AGAIN


def age(span: timedelta) -> str:
    """A span of time in its greatest whole unit."""
    for unit, size in _UNITS.items():
        if span >= size:
            return f"{span // size} {unit}"
    return "0 s"


def letter(callback: str, group: Group, one: DeadLetter, copies: int, now: datetime) -> "Table":
    """One letter, a fact a line, and its request as received; of so many `copies` the first."""
    parked = one.parked
    facts = {
        "callback": callback,
        "call": parked.call if parked else None,
        "reference": parked.reference if parked else None,
        **one.asked,
        "error": str(parked.code) if parked else None,
        "why": parked.reason if parked else group.refused,
        "left": "its prize alone" if one.is_prize_only else None,
        "copies": str(copies) if copies > 1 else None,
        "received": f"{one.first_received_at:%Y-%m-%d %H:%M:%S}Z, {age(now - one.first_received_at)} ago",
        "message id": one.message_id,
        "request": parked.request if parked else None,
        "message": None if parked else one.body,
    }
    return listing.facts({name: text for name, text in facts.items() if text})


NOTHING_TO_RETRY = "the provider has its answer, so a retry would only delete it"
REFUSED_AGAIN = "what was sent is not valid, and is refused again as it is"


def hidden(letters: int) -> str:
    return (
        f"About {letters} more are hidden: somebody else is reading them, or stopped in the middle. They come back "
        f"within {HIDDEN_SECONDS} s"
    )


def for_machines(callback: str, groups: Iterable[Group], now: datetime) -> Iterator[Row]:
    """A row for each letter, with all that it says; letters that say the same are one."""
    for group in groups:
        for one, copies in group.entries:
            parked = one.parked
            asked = one.asked
            yield {
                "callback": callback,
                "call": (parked.call if parked else None) or None,
                "reference": parked.reference if parked else None,
                "messageId": one.message_id,
                "copies": copies,
                "code": parked.code if parked else None,
                "reason": parked.reason if parked else None,
                "prizeOnly": one.is_prize_only,
                "firstReceivedAt": one.first_received_at,
                "ageSeconds": max(0, int((now - one.first_received_at).total_seconds())),
                **{name: asked.get(name) for name in ASKED},
                "refused": group.refused,
                "request": parked.request if parked else None,
                "body": None if parked else one.body,
            }


ASKED = ("userId", "amount", "currency", "gameId", "roundId", "promoWinReference", "promoWinAmount")
COLUMNS = [
    Column(name=name, title="")
    for name in (
        "callback",
        "reference",
        "messageId",
        "copies",
        "code",
        "reason",
        "prizeOnly",
        "firstReceivedAt",
        "ageSeconds",
        *ASKED,
        "refused",
        "request",
        "body",
        "call",
    )
]
