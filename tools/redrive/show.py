"""Dead letters as a person reads them, and as a machine does."""

import json
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

from rich.console import Group as Lines
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from tools.outside import cut, plain
from tools.redrive.letters import Group, Letter

_MOST_OF_A_NAME = 128  # characters: the provider's references have no more
_MOST_OF_A_REASON = 200
_UNITS = {
    "d": timedelta(days=1),
    "h": timedelta(hours=1),
    "min": timedelta(minutes=1),
    "s": timedelta(seconds=1),
}


def table(groups: Sequence[Group], now: datetime) -> Table:
    """A row for each group, and below its name what is wrong. What can be sent back is numbered from 1, in order."""
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
        yield "its copies ask for different things; each can be chosen by its message id, which --json shows"


def age(span: timedelta) -> str:
    """A span of time in its greatest whole unit."""
    for unit, size in _UNITS.items():
        if span >= size:
            return f"{span // size} {unit}"
    return "0 s"


def machine_readable(callback: str, groups: Sequence[Group], hidden: int, now: datetime) -> str:
    """The list as JSON text in ASCII, with the letters themselves."""
    listed = [
        {
            "reference": group.letters[0].parked.reference if group.letters[0].parked else None,
            "refused": group.refused,
            "firstReceivedAt": _iso(group.first_received_at),
            "ageSeconds": max(0, int((now - group.first_received_at).total_seconds())),
            "letters": [_letter(letter) for letter in group.letters],
        }
        for group in groups
    ]
    return json.dumps({"callback": callback, "hidden": hidden, "deadLetters": listed}, indent=2)


def _letter(letter: Letter) -> dict[str, Any]:
    facts: dict[str, Any] = {"messageId": letter.message_id, "firstReceivedAt": _iso(letter.first_received_at)}
    if not letter.parked:
        return facts | {"body": letter.body}
    parked = letter.parked
    return facts | {
        "callback": parked.callback,
        "code": parked.code,
        "reason": parked.reason,
        "request": parked.request,
    }


def _iso(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="milliseconds")
