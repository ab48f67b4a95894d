"""Moments as a person says them (`yesterday`, `last night`, `monday 14:30`, `2 hours ago`), in a time zone.

A zone is None for the machine's own, which TZ names.
"""

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from zoneinfo import ZoneInfo, available_timezones

from tools.shared import moments
from tools.shared.outside import plain
from tools.shared.trouble import Trouble

HELP = "yesterday, 'last night', 'monday 14:30', 14:30, '2 hours ago', 2026-11-28 or 2026-11-28T22:00Z"

_DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_MONTHS = (
    "january", "february", "march", "april", "may", "june",
    "july", "august", "september", "october", "november", "december",
)  # fmt: skip
# The earliest that is meant: a search that begins too early misses nothing.
_PARTS = {"morning": time(), "afternoon": time(12), "evening": time(18), "night": time(18)}
_UNITS = {"min": 1, "minute": 1, "h": 60, "hr": 60, "hour": 60, "d": 1440, "day": 1440, "w": 10080, "week": 10080}
_COUNTS = {"a": 1.0, "an": 1.0, "one": 1.0, "two": 2.0, "three": 3.0, "half an": 0.5}


@dataclass(frozen=True, slots=True, kw_only=True)
class Period:
    """From `since` on and before `until`, in UTC; None if it has no end."""

    since: datetime
    until: datetime | None

    def has(self, moment: datetime | None) -> bool:
        return moment is not None and moment >= self.since and (self.until is None or moment < self.until)


def zone_named(name: str) -> tzinfo:
    """From `Europe/Berlin`, `UTC` or `+01:00`. Raises Trouble."""
    try:
        if re.fullmatch(r"[+-][0-9]{2}:?[0-9]{2}", name):
            return datetime.strptime(name, "%z").tzinfo or UTC
        if name.upper() in ("UTC", "Z"):
            return UTC
        return ZoneInfo(name)
    except (ValueError, OSError, KeyError):  # ZoneInfo raises each of them for some name
        city = name.strip().replace(" ", "_").casefold()
        alike = sorted(each for each in available_timezones() if city and each.casefold().endswith(f"/{city}"))[:3]
        if alike:
            meant = f"do you mean {' or '.join(alike)}?"
        elif available_timezones():
            meant = "write it like Europe/Berlin, UTC or +01:00"
        else:
            meant = "this machine knows none but UTC. Install the package tzdata"
        raise Trouble(f"no time zone is called {plain(name)}: {meant}") from None


def span(since: str | None, until: str | None, now: datetime) -> tuple[datetime | None, datetime | None]:
    """From when and until when, in UTC, either or both. Raises Trouble."""
    if since is None:
        return None, None if until is None else moment(until, now, UTC)
    found = period(since, until, now, UTC)
    return found.since, found.until


def period(since: str, until: str | None, now: datetime, zone: tzinfo | None) -> Period:
    """Raises Trouble for what is not a moment, for a beginning in the future, and if nothing is between them."""
    from_ = moment(since, now, zone)
    if from_ > now:
        raise Trouble(f"{plain(since)} is in the future: it is {shown(from_, zone)}, and now it is {shown(now, zone)}")
    to = None
    if until is not None:
        to = moment(until, now, zone)
        if to <= from_ and _time_alone(until):  # the first 15:00 after 13:00, even if today's is still to come
            to = moment(until, from_ + timedelta(days=1), zone)
        if to <= from_:
            raise Trouble(
                f"{plain(until)} is not after {plain(since)}: the end is {shown(to, zone)}, and the beginning is "
                f"{shown(from_, zone)}. A date is the beginning of its day"
            )
    return Period(since=from_, until=to)


def moment(text: str, now: datetime, zone: tzinfo | None) -> datetime:
    """In UTC. A time without a day is the last such time. Raises Trouble."""
    said = " ".join(text.casefold().replace(",", " ").split())
    try:
        found = _ago(said, now)
        found = found or (_local(said, now.astimezone(zone), zone) or moments.moment_in(text, now, zone))
    except (ValueError, OverflowError):
        found = None
    if found is None:
        raise Trouble(f"{plain(text)} is not a moment: say {HELP}")
    return found


def shown(moment: datetime, zone: tzinfo | None) -> str:
    """`2026-11-28 23:14 Europe/Berlin (22:14 UTC)`."""
    local, utc = moment.astimezone(zone), moment.astimezone(UTC)
    if _is_utc(local, zone):
        return f"{utc:%Y-%m-%d %H:%M} UTC"
    day = "" if local.date() == utc.date() else f"{utc:%Y-%m-%d} "
    return f"{local:%Y-%m-%d %H:%M} {name_of(zone, local)} ({day}{utc:%H:%M} UTC)"


def told(moment: datetime, now: datetime, zone: tzinfo | None) -> str:
    """For a sentence: `yesterday at 23:14 (22:14 UTC)`, `on 2026-11-27 at 00:14 (2026-11-26 23:14 UTC)`."""
    local, utc, today = moment.astimezone(zone), moment.astimezone(UTC), now.astimezone(zone).date()
    day = {0: "today", 1: "yesterday"}.get((today - local.date()).days, f"on {local:%Y-%m-%d}")
    if _is_utc(local, zone):
        return f"{day} at {utc:%H:%M} UTC"
    other = "" if local.date() == utc.date() else f"{utc:%Y-%m-%d} "
    return f"{day} at {local:%H:%M} ({other}{utc:%H:%M} UTC)"


def name_of(zone: tzinfo | None, local: datetime) -> str:
    return str(zone) if isinstance(zone, ZoneInfo) else str(local.tzname())


def _is_utc(local: datetime, zone: tzinfo | None) -> bool:
    return not local.utcoffset() and name_of(zone, local).upper() in ("UTC", "ETC/UTC", "GMT", "UCT", "ETC/UCT")


def _ago(said: str, now: datetime) -> datetime | None:
    if said == "now":
        return now
    units = "|".join(sorted(_UNITS, key=len, reverse=True))
    if not (ago := re.fullmatch(rf"([0-9]{{1,6}}|{'|'.join(_COUNTS)}) ?({units})s?(?: ago)?", said)):
        return None
    count = _COUNTS.get(ago[1]) or float(ago[1])
    return now - timedelta(minutes=count * _UNITS[ago[2]])


def _local(said: str, now: datetime, zone: tzinfo | None) -> datetime | None:
    """A day, or a time of it, by the calendar of a zone."""
    today = now.date()
    if said in ("this week", "last week"):
        weeks = ("this week", "last week").index(said)
        return _in_utc(today - timedelta(days=today.weekday() + 7 * weeks), time(), zone)
    said = {
        "last night": "yesterday night",
        "tonight": "today night",
        "day before yesterday": "2 days",
        "the day before yesterday": "2 days",
    }.get(said, said)
    said = re.sub(r"^this (morning|afternoon|evening)$", r"today \1", said)
    if at := _time_alone(said):
        day = today if at <= now.time() else today - timedelta(days=1)
        return _in_utc(day, at, zone)
    words = said.split()
    for number in range(len(words), 0, -1):
        day, rest = _day(" ".join(words[:number]), today), " ".join(words[number:])
        if day is not None:
            at = time() if not rest else _PARTS.get(rest) or _time_alone(rest)
            return None if at is None else _in_utc(day, at, zone)
    return None


def _in_utc(day: date, at: time, zone: tzinfo | None) -> datetime:
    local = datetime.combine(day, at)
    return (local.replace(tzinfo=zone) if zone else local.astimezone()).astimezone(UTC)


def _day(said: str, today: date) -> date | None:
    """The last day of that name. A weekday is never today: for that there is a word."""
    if said in (days := ("tomorrow", "today", "yesterday", "2 days")):
        return today - timedelta(days=days.index(said) - 1)
    name = said.removeprefix("on ").removeprefix("last ")
    if weekday := _named(name, _DAYS):
        return today - timedelta(days=(today.weekday() - weekday) % 7 + 1)
    if written := re.fullmatch(r"([0-9]{1,2})\.? ([a-z]+)(?: ([0-9]{4}))?", name):
        number, month, year = written[1], written[2], written[3]
    elif written := re.fullmatch(r"([a-z]+) ([0-9]{1,2})(?: ([0-9]{4}))?", name):
        month, number, year = written[1], written[2], written[3]
    else:
        return date.fromisoformat(name) if re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", name) else None
    if not (position := _named(month, _MONTHS)):
        return None
    day = date(int(year or today.year), position, int(number))
    return day if year or day <= today else day.replace(year=today.year - 1)


def _named(said: str, names: tuple[str, ...]) -> int | None:
    """Which of the names it is, from 1 on: whole, or its first three letters."""
    return next((number for number, name in enumerate(names, 1) if said in (name, name[:3])), None)


def _time_alone(said: str) -> time | None:
    """`14:30`, `at 14:30:05`, `11pm`, `11:30 pm`, `noon`, `midnight`."""
    said = said.casefold().strip().removeprefix("at ")
    if said in ("noon", "midnight"):
        return time(12 if said == "noon" else 0)
    written = re.fullmatch(r"([0-9]{1,2})(?::([0-9]{2}))?(?::([0-9]{2}))? ?(am|pm)?", said)
    if not written or not (written[2] or written[4]):
        return None
    hour = int(written[1])
    if written[4]:
        if not 1 <= hour <= 12:
            return None
        hour = hour % 12 + (12 if written[4] == "pm" else 0)
    return time(hour, int(written[2] or 0), int(written[3] or 0))
