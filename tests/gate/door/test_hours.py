from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gate.door import hours
from gate.door.hours import Entry, LocalTime, Visit, entry_of, known_of
from gate.door.rules import Known
from gate.errors import Refusal
from gate.schedule import Holiday, parse
from gate.store.people.residents import Resident
from tests.door import known_well
from tests.gate.door.test_rules import VISIT

SHANGHAI = ZoneInfo("Asia/Shanghai")


def moment(*time_of_day):
    return LocalTime(datetime(2026, 11, 23, *time_of_day, tzinfo=SHANGHAI).timestamp(), SHANGHAI, trusted=True)


NOON, NIGHT = moment(12), moment(23)
# In UTC it is still the day before.
EARLY = moment(0, 1)
RESIDENT = Resident(1, "r1", "Wang Fang", None, "2026-01-01", 2)
DAY, NIGHTLY = parse("Mon-Fri 07:00-19:00"), parse("daily 22:00-06:00")


def untrusted(now):
    return replace(now, trusted=False)


def test_hours_let_in_within_them_and_need_a_clock():
    assert hours.within(None, untrusted(NIGHT)) is True
    assert hours.within(DAY, NOON) is True
    assert hours.within(DAY, NIGHT) is False
    assert hours.within(DAY, untrusted(NOON)) is None


@pytest.mark.parametrize(
    ("first", "last", "valid"),
    [
        (None, None, True), ("2026-11-23", None, True), ("2026-11-24", None, False), (None, "2026-11-23", True),
        (None, "2026-11-22", False), ("2026-11-23", "2026-11-23", True),
    ],
)  # fmt: skip
def test_days_count_whole_and_in_the_gate_s_zone(first, last, valid):
    entry = entry_of(replace(RESIDENT, valid_from=first, valid_until=last))
    for now in (NIGHT, EARLY):
        assert hours.valid(entry, now) is valid
    assert hours.valid(entry, untrusted(NOON)) is (None if first or last else True)


@given(st.none() | st.lists(st.sampled_from("abc"), unique=True).map(tuple), st.sampled_from("abc"), st.booleans())
def test_whoever_an_area_limits_is_let_in_at_its_gates_alone_whatever_the_clock_says(gates, gate, trusted):
    entry = entry_of(replace(RESIDENT, gates=gates), gate=gate)
    now = NOON if trusted else untrusted(NOON)
    assert known_of(entry, now, None, from_its_user=True).at_this_gate is (gates is None or gate in gates)
    host = hours.visit_of(replace(VISIT, host_gates=gates), gate=gate)
    assert hours.known_of_pass(host, now, None).at_this_gate is (gates is None or gate in gates)


def visit(**changes):
    known = {"begins": NOON.at, "ends": NIGHT.at, "hours": None} | changes
    return Visit(VISIT, **known)


@pytest.mark.parametrize(("now", "begun", "valid"), [(EARLY, False, True), (NOON, True, True), (NIGHT, True, False)])
def test_a_pass_begins_with_its_first_moment_and_is_over_with_its_last(now, begun, valid):
    known = hours.known_of_pass(visit(), now, None)
    assert (known.begun, known.valid, known.within_hours, known.one_suffices) == (begun, valid, True, True)
    assert (known.visit, known.from_its_user, known.spent) == (VISIT, True, False)
    blind = hours.known_of_pass(visit(hours=DAY), untrusted(now), NIGHTLY)
    assert (blind.begun, blind.valid, blind.within_hours, blind.one_suffices) == (None,) * 4


def test_a_pass_has_hours_and_holidays_and_ends_sooner_once_it_was_used():
    used = replace(VISIT, windows="Mon-Fri 07:00-19:00", first_used_at="2026-11-23T05:00:00.000+00:00", lasts_s=3600)
    made = hours.visit_of(used, (Holiday(NOON.at.date(), NOON.at.date()),))
    assert made.ends == datetime(2026, 11, 23, 6, tzinfo=UTC)
    assert hours.known_of_pass(made, NOON, NIGHTLY).within_hours is False
    assert hours.known_of_pass(hours.visit_of(used), NOON, NIGHTLY).within_hours is True
    assert hours.known_of_pass(visit(), NIGHT, NIGHTLY).one_suffices is False


def test_a_pass_is_over_with_the_last_day_of_whom_they_visit_whenever_that_was_set():
    made = hours.visit_of(replace(VISIT, valid_until="2026-12-23T00:00:00.000+00:00", host_until="2026-11-23"))
    days = [LocalTime(NOON.wall + day * 86_400, SHANGHAI, trusted=True) for day in (0, 1)]
    assert [hours.known_of_pass(made, now, None).valid for now in days] == [True, False]
    moved = hours.visit_of(replace(made.visit, host_until=None))
    assert hours.known_of_pass(moved, days[1], None).valid is True


def test_at_night_a_face_alone_is_not_enough_where_the_settings_say_so():
    assert hours.one_suffices(None, untrusted(NIGHT)) is True
    assert hours.one_suffices(NIGHTLY, NOON) is True
    assert hours.one_suffices(NIGHTLY, NIGHT) is False
    assert hours.one_suffices(NIGHTLY, untrusted(NOON)) is None


def test_the_gate_stands_open_by_a_schedule_and_a_clock_alone():
    assert hours.stands_free(DAY, NOON) is True
    assert hours.stands_free(DAY, NIGHT) is False
    assert hours.stands_free(DAY, untrusted(NOON)) is False
    assert hours.stands_free(None, NOON) is False


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"windows": "at any time"}, Refusal), ({"windows": b"\0\xff"}, TypeError),
        ({"valid_from": "today"}, ValueError), ({"valid_until": 20261123}, TypeError),
    ],
)  # fmt: skip
def test_what_makes_no_sense_is_no_entry(changes, error):
    with pytest.raises(error):
        entry_of(replace(RESIDENT, **changes))


SCHEDULES = st.sampled_from([None, DAY, NIGHTLY])
MOMENTS = st.builds(LocalTime, st.floats(0, 4e9), st.just(SHANGHAI), st.booleans())
DAYS = st.none() | st.dates(date(1970, 1, 2), date(2090, 1, 1))


@given(st.builds(Entry, st.just(RESIDENT), SCHEDULES, DAYS, DAYS), MOMENTS, SCHEDULES)
def test_nobody_is_let_in_by_hours_on_a_clock_that_is_not_trusted(entry, now, face_and_pin):
    known = known_of(entry, now, face_and_pin, from_its_user=True)
    assert (known.resident, known.from_its_user, known.readable) == (RESIDENT, True, True)
    bound = (entry.first_day or entry.last_day, entry.hours, face_and_pin)
    if not now.trusted:
        assert (known.valid, known.within_hours, known.one_suffices) == tuple(
            None if one is not None else True for one in bound
        )
    elif known == known_well(RESIDENT):
        today = now.at.date()
        assert entry.first_day is None or today >= entry.first_day
        assert entry.last_day is None or today <= entry.last_day
        assert entry.hours is None or entry.hours.allows(now.at)
        assert face_and_pin is None or not face_and_pin.allows(now.at)


@given(MOMENTS, SCHEDULES)
def test_nobody_of_that_id_is_known_to_be_nobody(now, face_and_pin):
    assert known_of(None, now, face_and_pin, from_its_user=True) == Known(from_its_user=True)


@given(st.builds(Entry, st.just(RESIDENT), SCHEDULES, DAYS, DAYS), MOMENTS)
def test_the_day_after_the_last_one_is_no_day_of_theirs(entry, now):
    if entry.last_day is not None and now.trusted and hours.valid(entry, now):
        later = datetime.combine(entry.last_day, now.at.time(), SHANGHAI) + timedelta(days=1)
        assert hours.valid(entry, replace(now, wall=later.timestamp())) is False
