"""A moment is understood as a person says it, in their time zone, and said back in it beside UTC."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from tools.shared.spoken import moment, period, shown, told, zone_named
from tools.shared.trouble import Trouble

BERLIN = ZoneInfo("Europe/Berlin")
NOW = datetime(2026, 11, 30, 9, 15, tzinfo=UTC)  # a Monday, 10:15 in Berlin
SAID = {
    "now": "2026-11-30 10:15",
    "today": "2026-11-30 00:00",
    "tomorrow": "2026-12-01 00:00",
    "Yesterday": "2026-11-29 00:00",
    "yesterday 23:14": "2026-11-29 23:14",
    "yesterday at 11 pm": "2026-11-29 23:00",
    "the day before yesterday": "2026-11-28 00:00",
    "last night": "2026-11-29 18:00",
    "this morning": "2026-11-30 00:00",
    "yesterday evening": "2026-11-29 18:00",
    "saturday afternoon": "2026-11-28 12:00",
    "monday": "2026-11-23 00:00",
    "on Sunday": "2026-11-29 00:00",
    "last fri": "2026-11-27 00:00",
    "this week": "2026-11-30 00:00",
    "last week": "2026-11-23 00:00",
    "14:30": "2026-11-29 14:30",
    "09:30": "2026-11-30 09:30",
    "9am": "2026-11-30 09:00",
    "12am": "2026-11-30 00:00",
    "noon": "2026-11-29 12:00",
    "2 hours ago": "2026-11-30 08:15",
    "half an hour ago": "2026-11-30 09:45",
    "an hour ago": "2026-11-30 09:15",
    "90min": "2026-11-30 08:45",
    "3d": "2026-11-27 10:15",
    "2 weeks": "2026-11-16 10:15",
    "2026-11-28": "2026-11-28 00:00",
    "2026-11-28 14:30": "2026-11-28 14:30",
    "2026-11-28T22:00Z": "2026-11-28 23:00",
    "28 November": "2026-11-28 00:00",
    "Nov 28, 14:30": "2026-11-28 14:30",
    "24 dec": "2025-12-24 00:00",
    "1 March 2024": "2024-03-01 00:00",
}
NO_MOMENTS = [
    "",
    "soon",
    "28/11/2026",
    "1.2.2026",
    "25:00",
    "13pm",
    "31 february",
    "2026-13-01",
    "nov",
    "ago",
    "5",
    "x",
]


def test_what_a_person_says_is_read_in_their_time_zone() -> None:
    for said, meant in SAID.items():
        assert f"{moment(said, NOW, BERLIN).astimezone(BERLIN):%Y-%m-%d %H:%M}" == meant, said


def test_what_could_be_read_in_two_ways_or_is_no_moment_is_refused() -> None:
    for said in NO_MOMENTS:
        with pytest.raises(Trouble, match="is not a moment: say yesterday"):
            moment(said, NOW, BERLIN)


def test_a_period_ends_at_the_first_such_time_after_its_beginning() -> None:
    found = period("yesterday 22:00", "09:00", NOW, BERLIN)

    assert (found.since, found.until) == (datetime(2026, 11, 29, 21, tzinfo=UTC), datetime(2026, 11, 30, 8, tzinfo=UTC))
    assert found.has(found.since)
    assert not found.has(found.until)
    assert period("monday 22:00", "06:00", NOW, UTC).until == datetime(2026, 11, 30, 6, tzinfo=UTC)


def test_a_period_of_no_time_or_of_the_future_is_refused() -> None:
    for since, until, why in (("tomorrow", None, "in the future"), ("today", "yesterday", "is not after today")):
        with pytest.raises(Trouble, match=why):
            period(since, until, NOW, BERLIN)


def test_a_moment_is_told_by_the_day_with_utc_beside_it() -> None:
    at = datetime(2026, 11, 28, 23, 30, tzinfo=UTC)

    assert told(at, NOW, BERLIN) == "yesterday at 00:30 (2026-11-28 23:30 UTC)"
    assert told(at, NOW, UTC) == "on 2026-11-28 at 23:30 UTC"
    assert told(NOW, NOW, BERLIN) == "today at 10:15 (09:15 UTC)"
    assert shown(at, BERLIN) == "2026-11-29 00:30 Europe/Berlin (2026-11-28 23:30 UTC)"


def test_the_machine_s_own_zone_is_taken_where_none_is_named() -> None:
    assert moment("2026-11-28 14:30", NOW, None) == datetime(2026, 11, 28, 14, 30).astimezone()


def test_a_time_zone_that_does_not_exist_is_refused_with_what_may_be_meant() -> None:
    assert str(zone_named("+01:00")) == "UTC+01:00"
    for name, why in (("Berlin", "do you mean Europe/Berlin?"), ("CEST", "write it like"), ("../etc", "write it like")):
        with pytest.raises(Trouble, match=why):
            zone_named(name)
