"""Dead letters as a person reads them, and as a machine does."""

from collections.abc import Collection, Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from itertools import count
from typing import TYPE_CHECKING

from tools.shared import listing
from tools.shared.hints import command, opening
from tools.shared.listing import Column, Row
from tools.shared.outside import cut, plain
from tools.walletctl.parked.letters import Group, Letter
from tools.walletctl.parked.mailbox import HIDDEN_SECONDS

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
            Text(", ".join(cut(str(code), 5) for code in dict.fromkeys(code for code, _ in group.faults))),
            Text(f"{group.first_received_at:%Y-%m-%d %H:%M}Z"),
            Text(age(now - group.first_received_at)),
        )
    return rows


def name(group: Group) -> str:
    return cut(listing.visible(group.name), _MOST_OF_A_NAME)


def _reasons(group: Group) -> Iterator[str]:
    for part, what in ((group.wins, ""), (group.prizes, "its prize alone: ")):
        for _, reason in part.faults if part else ():
            yield f"{what}{cut(plain(reason), _MOST_OF_A_REASON)}"
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


def letter(callback: str, group: Group, one: Letter, copies: int, now: datetime) -> "Table":
    """One letter, a fact a line, and its request as received; of so many `copies` the first."""
    parked = one.parked
    facts = {
        "callback": callback,
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


def what_to_do(
    callback: str,
    group: Group,
    options: Sequence[str],
    found: str | None = None,
    on_record: Collection[str] = frozenset(),
) -> Iterator[str]:
    """What a person does next, by why it was left to them.

    `options` lead a command to the place. `found` is the name that `find` was called with, if it was. `on_record` are
    ids of which that is known.
    """
    name = group.handle
    again = command(options, "parked", "redrive", callback, names=[name])
    if group.refused:
        yield f"It cannot be sent back: {group.refused}."
        yield f"If it is nobody's money, discard it. How: {command((), 'help', 'parked', 'discard')}"
        return
    for one, _ in group.prizes.entries if group.prizes and not group.refused else ():
        yield from _about_a_prize(callback, one, on_record)
    if not group.wins:
        return
    codes = {code for code, _ in group.wins.faults}
    if codes & REFUSED_BODIES:
        yield (
            "What was sent is not valid, and is refused again as it is. Ask the provider to correct it and to send it "
            "again with its reference. Once that is paid, discard this dead letter."
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


def _about_a_prize(callback: str, one: Letter, on_record: Collection[str]) -> Iterator[str]:
    parked, (reference, amount) = one.parked, one.prize or (None, "")
    if parked is None:
        return
    prize = " ".join(
        ["The prize", *([plain(reference)] if reference else []), *([f"of {plain(amount)}"] if amount else [])]
    )
    win = f"{callback} {cut(plain(parked.reference or 'without a reference'), _MOST_OF_A_NAME)}"
    is_paid = f"{callback}#{parked.reference}" in on_record
    yield (
        f"{cut(prize, _MOST_OF_A_REASON)}, which came with {win}, is not paid: "
        f"{why_not_the_prize(parked.code, parked.reason)}. "
        f"The win itself {'is paid' if is_paid else 'does not wait for it: it is paid, or is tried again by itself'}."
    )
    yield (
        "Ask the provider which is right. If the prize is owed, it must come under a reference that is free. Once that "
        "is settled, discard this dead letter."
    )


def why_not_the_prize(code: int, reason: str) -> str:
    """Why a result's prize was left for a person, in a clause. It is escaped."""
    fields = [field for field in reason.partition(": ")[2].split(", ") if field]
    match code:
        case 61 if any(field.startswith("promoWin") for field in fields):
            return "the result came with another prize before"
        case 61:
            return (
                f"its reference is on record with other content{f' ({plain(chr(32).join(fields))})' if fields else ''}"
            )
        case 57:
            return "its reference is not valid"
        case 59:
            return "its amount is not valid"
        case 64:
            return "it has no reference"
    return plain(reason)


REFUSED_BODIES = frozenset({57, 59, 64})  # what was sent was not valid


def hidden(letters: int) -> str:
    return (
        f"About {letters} more are hidden: somebody is reading them, or was broken off as they did; they come back "
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
    )
]
