"""Moments as a person writes them: `2026-01-02`, `2026-01-02T03:04:05Z`, `90min`, `2h`, `3d` ago."""

import re
from datetime import UTC, datetime, timedelta, tzinfo

from tools.shared.outside import plain
from tools.shared.trouble import Trouble

HELP = "2026-01-02, 2026-01-02T03:04:05Z (UTC if it says none), or 90min, 2h, 3d ago"
_UNITS = {"min": timedelta(minutes=1), "h": timedelta(hours=1), "d": timedelta(days=1)}


def moment(text: str, now: datetime) -> datetime:
    """In UTC. Raises Trouble if it is not a moment."""
    try:
        return moment_in(text, now, UTC)
    except (ValueError, OverflowError):
        raise Trouble(f"{plain(text)} is not a moment: say {HELP}") from None


def moment_in(text: str, now: datetime, zone: tzinfo | None) -> datetime:
    """In UTC, read in a zone if it says none; None is the machine's. Raises ValueError or OverflowError."""
    if ago := re.fullmatch(r"([0-9]{1,6})\s*(min|h|d)", text.strip()):
        return now - int(ago[1]) * _UNITS[ago[2]]
    said = datetime.fromisoformat(text.strip())
    return (said if said.tzinfo or zone is None else said.replace(tzinfo=zone)).astimezone(UTC)


def span(since: str | None, until: str | None, now: datetime) -> tuple[datetime | None, datetime | None]:
    """From when and until when. Raises Trouble if one is not a moment, or nothing is between them."""
    from_, to = (moment(text, now) if text else None for text in (since, until))
    if from_ and to and from_ >= to:
        raise Trouble("--since is not before --until: nothing is between them")
    return from_, to


def shown(moment: datetime) -> str:
    """To the second, as a person reads it."""
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M:%S}Z"


def recorded(text: object) -> datetime | None:
    """What a record says of when it was written; None if it does not."""
    try:
        said = datetime.fromisoformat(str(text))
        return said.astimezone(UTC) if said.tzinfo else None
    except (ValueError, OverflowError):
        return None
