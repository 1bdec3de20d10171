from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gate.errors import Refusal
from gate.schedule import DAYS, Holiday, parse

MONDAY = datetime(2026, 11, 23)


def at(day, hour, minute=0):
    return MONDAY + timedelta(days=DAYS.index(day), hours=hour, minutes=minute)


@pytest.mark.parametrize(
    ("words", "moment", "open_"),
    [
        ("Mon-Fri 07:00-19:00", at("Mon", 7), True),
        ("Mon-Fri 07:00-19:00", at("Fri", 18, 59), True),
        ("Mon-Fri 07:00-19:00", at("Fri", 19), False),
        ("Mon-Fri 07:00-19:00", at("Sat", 12), False),
        ("sat,sun 9:00-12:00", at("Sun", 9), True),
        ("Fri-Mon 22:00-23:00", at("Mon", 22), True),
        ("Fri-Mon 22:00-23:00", at("Tue", 22), False),
        ("Sat 22:00-02:00", at("Sun", 1, 59), True),
        ("Sun 22:00-02:00", at("Mon", 1, 59), True),
        ("Sun 22:00-02:00", at("Mon", 2), False),
        ("daily 00:00-24:00", at("Wed", 0), True),
        ("Mon 07:00-09:00; Mon 17:00-19:00", at("Mon", 12), False),
        ("Mon－Fri 07：00～19：00；Sat，Sun 08：00—12：00", at("Sun", 8), True),
        ("Mon–Fri\u300007:00–19:00", at("Fri", 18), True),
    ],
)
def test_a_window_opens_from_its_start_until_before_its_end(words, moment, open_):
    assert parse(words).allows(moment) is open_


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ("", "never opens; give at least one window"),
        ("Mon 09:00-09:00", "never opens: it ends when it begins"),
        ("Mon-Fri 07:00-19:00; Wed 12:00-13:00", "overlaps itself on Wed at 12:00"),
        ("Sat 22:00-10:00; Sun 09:00-11:00", "overlaps itself on Sun at 09:00"),
        ("Sun 22:00-10:00; Mon 09:00-11:00", "overlaps itself on Mon at 09:00"),
        ("Montag 07:00-19:00", "is no window; write it as"),
        ("Mox 07:00-19:00", "is no day; the days are Mon"),
        ("Mon 25:00-26:00", "25:00 is no time of day"),
    ],
)
def test_words_that_are_no_schedule_are_one_sentence(words, sentence):
    with pytest.raises(Refusal, match=sentence):
        parse(words)


@given(st.integers(0, 6), st.integers(0, 1439), st.integers(1, 1440), st.integers(0, 10079))
def test_one_window_is_open_for_exactly_its_length(day, start, length, minute):
    end = (start + length) % 1440
    words = f"{DAYS[day]} {start // 60:02d}:{start % 60:02d}-{end // 60:02d}:{end % 60:02d}"
    if end == start:
        return
    since = (minute - day * 1440 - start) % 10080
    assert parse(words).allows(MONDAY + timedelta(minutes=minute)) is (since < length)


def test_the_day_the_clock_changes_is_kept_in_wall_time():
    berlin, schedule = ZoneInfo("Europe/Berlin"), parse("Sun 02:00-03:00; Sun 07:00-08:00")

    def open_minutes(day):
        return sum(schedule.allows((day + timedelta(minutes=m)).astimezone(berlin)) for m in range(1440))

    # 2026-03-29 02:00 does not exist; 2026-10-25 02:00 comes twice; a common Sunday has two hours.
    assert open_minutes(datetime(2026, 3, 28, 23, tzinfo=UTC)) == 60
    assert open_minutes(datetime(2026, 10, 24, 22, tzinfo=UTC)) == 180
    assert open_minutes(datetime(2026, 6, 6, 22, tzinfo=UTC)) == 120


WEDNESDAY, THURSDAY = date(2026, 11, 25), date(2026, 11, 26)


@pytest.mark.parametrize(
    ("words", "holiday", "moment", "open_"),
    [
        ("daily 07:00-19:00", Holiday(WEDNESDAY, WEDNESDAY), at("Wed", 12), False),
        ("daily 07:00-19:00", Holiday(WEDNESDAY, WEDNESDAY), at("Tue", 12), True),
        ("daily 07:00-19:00", Holiday(WEDNESDAY, WEDNESDAY), at("Thu", 12), True),
        ("daily 07:00-19:00", Holiday(WEDNESDAY, THURSDAY), at("Thu", 12), False),
        ("daily 07:00-19:00", Holiday(WEDNESDAY, WEDNESDAY, parse("daily 09:00-10:00")), at("Wed", 9), True),
        ("daily 07:00-19:00", Holiday(WEDNESDAY, WEDNESDAY, parse("daily 09:00-10:00")), at("Wed", 8), False),
        # Work on a day that is free in other weeks.
        ("Mon 07:00-19:00", Holiday(WEDNESDAY, WEDNESDAY, parse("daily 09:00-10:00")), at("Wed", 9), True),
        # A window belongs to the day on which it begins.
        ("daily 22:00-02:00", Holiday(WEDNESDAY, WEDNESDAY), at("Wed", 1), True),
        ("daily 22:00-02:00", Holiday(WEDNESDAY, WEDNESDAY), at("Wed", 23), False),
        ("daily 22:00-02:00", Holiday(WEDNESDAY, WEDNESDAY), at("Thu", 1), False),
        ("daily 08:00-09:00", Holiday(WEDNESDAY, WEDNESDAY, parse("daily 22:00-02:00")), at("Thu", 1), True),
        # The next year's day of the same name is none.
        ("daily 07:00-19:00", Holiday(WEDNESDAY, WEDNESDAY), at("Wed", 12) + timedelta(days=364), True),
    ],
)
def test_on_a_holiday_other_hours_hold(words, holiday, moment, open_):
    assert replace(parse(words), holidays=(holiday,)).allows(moment) is open_


def test_of_several_holidays_on_a_day_the_first_holds():
    own, shared = Holiday(WEDNESDAY, WEDNESDAY, parse("daily 09:00-10:00")), Holiday(WEDNESDAY, THURSDAY)
    schedule = replace(parse("daily 07:00-19:00"), holidays=(own, shared))
    assert [schedule.allows(at(*moment)) for moment in (("Wed", 9), ("Wed", 11), ("Thu", 9))] == [True, False, False]


@given(st.integers(0, 6), st.integers(0, 1439), st.integers(1, 1440), st.integers(0, 10079))
def test_a_holiday_of_another_week_changes_nothing(day, start, length, minute):
    end = (start + length) % 1440
    if end == start:
        return
    words = f"{DAYS[day]} {start // 60:02d}:{start % 60:02d}-{end // 60:02d}:{end % 60:02d}"
    moment, past = MONDAY + timedelta(minutes=minute), Holiday(date(2026, 11, 1), date(2026, 11, 21))
    assert replace(parse(words), holidays=(past,)).allows(moment) is parse(words).allows(moment)
