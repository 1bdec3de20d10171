from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gate.errors import Refusal
from gate.schedule import DAYS, parse

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
