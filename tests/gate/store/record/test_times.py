"""Counts by hours, days and weeks of any zone, also where the clock is put forward or back."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gate.store.record import audit, times
from gate.store.record.audit import Moment
from gate.store.record.times import Count
from gate.vocabulary import AuditEvent

ZONES = ("Asia/Shanghai", "Europe/Berlin", "Asia/Kathmandu", "America/St_Johns", "Australia/Lord_Howe", "UTC")


@pytest.mark.parametrize("zone", ZONES)
def test_each_line_is_counted_in_its_hour_of_the_zone(store, zone):
    moments = [datetime(2026, 3, 28, 0, 7, tzinfo=UTC) + timedelta(minutes=37) * number for number in range(120)]
    for number, moment in enumerate(moments):
        kind = ("granted", "came_along", "denied")[number % 3]
        audit.append(store, AuditEvent(kind), Moment(0.0, moment.timestamp(), True))
    counts = times.quarters(store, moments[0], moments[-1])
    asked, local = moments[:-1], ZoneInfo(zone)
    by_hour = times.by_hour(counts, local)
    assert [one.all for one in by_hour] == [
        sum(one.astimezone(local).hour == hour for one in asked) for hour in range(24)
    ]
    days = times.by_day(counts, local, date(2026, 3, 27), date(2026, 4, 2))
    assert {day: one.all for day, one in days.items() if one.all} == {
        day: sum(one.astimezone(local).date() == day for one in asked)
        for day in {one.astimezone(local).date() for one in asked}
    }
    assert sum((one.refused for one in by_hour), 0) == sum(number % 3 == 2 for number in range(119))


@given(st.dates(date(2020, 1, 1), date(2030, 1, 1)), st.integers(0, 60))
def test_the_present_week_is_compared_with_as_many_days_of_the_one_before(last, days):
    counted = {last - timedelta(number): Count(1, 2) for number in range(days + 1)}
    weeks = times.by_week(counted)
    for number, week in enumerate(weeks):
        there = last.weekday() + 1 if number == 0 and week.monday + timedelta(6) > last else 7
        assert week.monday.weekday() == 0
        assert week.count == Count(there, 2 * there)
        assert week.before in (week.count, None)
    assert [one.monday for one in weeks] == sorted((one.monday for one in weeks), reverse=True)
