"""Dead letters as a person reads them, and as a machine does."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from itertools import count
from typing import TYPE_CHECKING

from tools.outside import cut, plain
from tools.walletctl import listing
from tools.walletctl.hints import can_be_passed, command, opening
from tools.walletctl.listing import Column, Row
from tools.walletctl.parked.letters import Group, Letter
from tools.walletctl.parked.mailbox import HIDDEN_SECONDS

if TYPE_CHECKING:
    from rich.table import Table

_MOST_OF_A_NAME = 128  # characters: the provider's references have no more
_MOST_OF_A_REASON = 200
_UNITS = {
    "d": timedelta(days=1),
    "h": timedelta(hours=1),
    "min": timedelta(minutes=1),
    "s": timedelta(seconds=1),
}


def table(groups: Sequence[Group], now: datetime) -> "Table":
    """A row for each group, and below its name what is wrong. What can be sent back is numbered from 1, in order."""
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
            Text("" if group.refused else str(next(numbers))),
            Lines(Text(name(group)), *(Padding(Text(reason), (0, 0, 0, 2)) for reason in _reasons(group))),
            Text(str(len(group.letters))),
            Text("\n".join(cut(str(code), 5) for code in dict.fromkeys(code for code, _ in group.faults))),
            Text(f"{group.first_received_at:%Y-%m-%d %H:%M}Z"),
            Text(age(now - group.first_received_at)),
        )
    return rows


def name(group: Group) -> str:
    return cut(plain(group.name), _MOST_OF_A_NAME)


def _reasons(group: Group) -> Iterator[str]:
    for _, reason in group.faults:
        yield cut(plain(reason), _MOST_OF_A_REASON)
    if group.refused:
        yield f"cannot be sent back: {group.refused}"
    elif group.differ:
        yield "its copies ask for different things; each can be chosen by its message id, which `parked show` has"


def age(span: timedelta) -> str:
    """A span of time in its greatest whole unit."""
    for unit, size in _UNITS.items():
        if span >= size:
            return f"{span // size} {unit}"
    return "0 s"


def letter(callback: str, group: Group, one: Letter, now: datetime) -> "Table":
    """One letter, a fact a line, and its request as received."""
    parked = one.parked
    facts = {
        "callback": callback,
        "reference": parked.reference if parked else None,
        **one.asked,
        "error": str(parked.code) if parked else None,
        "why": parked.reason if parked else group.refused,
        "received": f"{one.first_received_at:%Y-%m-%d %H:%M:%S}Z, {age(now - one.first_received_at)} ago",
        "message id": one.message_id,
        "request": parked.request if parked else None,
        "message": None if parked else one.body,
    }
    return listing.facts({name: text for name, text in facts.items() if text})


def what_to_do(callback: str, group: Group, options: Sequence[str], found: str | None = None) -> Iterator[str]:
    """What a person does next, by why it was left to them.

    `options` lead a command to the place. `found` is the name that `find` was called with, if it was.
    """
    name = name_in_a_command(group)
    again = command(options, "parked", "redrive", callback, names=[name])
    if group.refused:
        yield f"It cannot be sent back: {group.refused}."
        yield f"If it is nobody's money, discard it. How: {command((), 'help', 'parked', 'discard')}"
        return
    codes = {code for code, _ in group.faults}
    if group.stopped_by_prize:
        yield (
            "The reference of its prize was credited before with other content, so this request moved nothing. If its "
            "own reference is not on record, the win is still owed: ask the provider to send it without the prize, "
            "under the same reference, and discard this only once that is paid."
        )
    elif 61 in codes:
        yield (
            "The reference was credited before with other content. Ask the provider which is right; what is owed as "
            "well must come under a separate reference."
        )
        if found not in (name, f"{callback}#{name}"):
            yield f"To see both: {command(options, 'find', names=[name])}"
    elif 52 in codes:
        yield "The win is in another currency than the wallet. Ask the provider."
        yield f"If the wallet is corrected: {again}"
    elif 62 in codes:
        asked = group.letters[0].asked
        yield f"The player has no wallet. To open one: {opening(options, asked.get('userId'), asked.get('currency'))}"
        yield f"Then send it back: {again}"
    else:
        yield f"Once the cause in its reason is gone, send it back: {again}"


def name_in_a_command(group: Group) -> str:
    """What a person calls it in a command: what no program can be given has its message's id."""
    return group.name if can_be_passed(group.name) else group.letters[0].message_id


def hidden(letters: int) -> str:
    return (
        f"About {letters} more are hidden: somebody is reading them, or was broken off as they did; they come back "
        f"within {HIDDEN_SECONDS} s"
    )


def for_machines(callback: str, groups: Iterable[Group], now: datetime) -> Iterator[Row]:
    """A row for each letter, with all that it says."""
    for group in groups:
        for one in group.letters:
            parked = one.parked
            asked = one.asked
            yield {
                "callback": callback,
                "reference": parked.reference if parked else None,
                "messageId": one.message_id,
                "code": parked.code if parked else None,
                "reason": parked.reason if parked else None,
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
        "code",
        "reason",
        "firstReceivedAt",
        "ageSeconds",
        *ASKED,
        "refused",
        "request",
        "body",
    )
]
