"""Hours as people type them in both languages."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.languages import Languages
from api.languages.hours import hours_in
from gate.errors import Refusal
from gate.schedule import parse, schedule_of, window_of, written
from gate.schedule_words import read, read_hours

OFFICE = "Mon-Fri 07:00-19:00; Sat 08:00-12:00"


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        (OFFICE, OFFICE),
        ("周一至周五 7:00-19:00；周六 8点到12点", OFFICE),
        ("每周一到周五 7:00-19:00；每逢周六 8点到12点", OFFICE),
        ("周一到周五7点至19点，周六8点—12点", OFFICE),
        ("工作日 07：00～19：00；周六 ０８：００－１２：００", OFFICE),
        ("平日早上7点到晚上7点，星期六上午8点到中午12点", OFFICE),
        ("周1-5 7:00-19:00 周6 8:00-12:00", OFFICE),
        ("Monday to Friday 7am-7pm, Saturdays 8 to noon", OFFICE),
        ("weekdays from 7 to 19 and Sat 8:00 - 12:00", OFFICE),
        ("每天 全天", "daily 00:00-24:00"),
        ("每日24小时", "daily 00:00-24:00"),
        ("星期天 9点半到11点一刻", "Sun 09:30-11:15"),
        ("周末 八点到二十二点", "Sat,Sun 08:00-22:00"),
        ("周一、三、五 下午2点到6点", "Mon 14:00-18:00; Wed 14:00-18:00; Fri 14:00-18:00"),
        ("周五至周日 22:00-次日6:00", "Fri-Sun 22:00-06:00"),
        ("礼拜五晚上10点到凌晨2点", "Fri 22:00-02:00"),
        ("Fri 10 pm-2 am", "Fri 22:00-02:00"),
        ("Mon-Fri 8:00-12:00, 13:00-17:00", "Mon-Fri 08:00-12:00; Mon-Fri 13:00-17:00"),
        ("周一至周五 8:00–12:00、13:30–17:30", "Mon-Fri 08:00-12:00; Mon-Fri 13:30-17:30"),
        ("周日 18:00-24:00", "Sun 18:00-24:00"),
        ("Sat 12am-12pm", "Sat 00:00-12:00"),
        ("周六 晚上8点到晚上12点", "Sat 20:00-24:00"),
        ("周一到周五 晚上8点到12点", "Mon-Fri 20:00-24:00"),
        ("周一到周五 晚上八点到十二点半", "Mon-Fri 20:00-00:30"),
        ("Mon-Fri 8pm-12", "Mon-Fri 20:00-24:00"),
        ("Mon-Fri noon to 6", "Mon-Fri 12:00-18:00"),
        ("周日 下午2点到12点", "Sun 14:00-24:00"),
        ("每天 夜里1点到5点", "daily 01:00-05:00"),
        ("每天 半夜1点到4点", "daily 01:00-04:00"),
        ("每天 晚上12点半到2点", "daily 00:30-02:00"),
        ("Mon-Fri 2-6pm", "Mon-Fri 14:00-18:00"),
        ("Mon-Fri 8-10pm", "Mon-Fri 20:00-22:00"),
        ("Mon-Fri 11-2pm", "Mon-Fri 11:00-14:00"),
        ("Mon-Fri 8-12 and 2-6pm", "Mon-Fri 08:00-12:00; Mon-Fri 14:00-18:00"),
        ("weekdays 8 until 6pm", "Mon-Fri 08:00-18:00"),
        ("周一 08:00到晚上10点", "Mon 08:00-22:00"),
        ("周日 晚上8点到次日10点", "Sun 20:00-10:00"),
        ("周一 09:00-05:00", "Mon 09:00-05:00"),
        ("Mon 8:00-0:00", "Mon 08:00-24:00"),
        ("Mon 8:00-0:30", "Mon 08:00-00:30"),
        ("每天 24小时", "daily 00:00-24:00"),
        ("daily 24小时", "daily 00:00-24:00"),
        ("Mon-Fri 24 hours", "Mon-Fri 00:00-24:00"),
        ("周三十点到十二点", "Wed 10:00-12:00"),
        ("周一 二十二点到二十三点五十九分", "Mon 22:00-23:59"),
    ],
)
def test_what_is_typed_is_understood(typed, meant):
    assert read(typed) == parse(meant)


@pytest.mark.parametrize(
    ("typed", "sentence"),
    [
        ("", "never opens"),
        ("7:00-19:00", "Say on which days"),
        ("Montag 07:00-19:00", "'Montag 07:00-19:00' is no window"),
        ("Mon 7:00-19:00; Sat morning", "'Sat morning' is no window"),
        ("周一至周五", "is no window"),
        ("周一 7:00", "is no window"),
        ("周一 7:00 9:00", "is no window"),
        ("Mon 25:00-26:00", "is no window"),
        ("Mon 9:75-10:00", "is no window"),
        ("Mon 9-9", "ends when it begins"),
        ("Mon 7am-6", "before or after noon"),
        ("周一至周五 7:00-19:00；周三 12:00-13:00", "overlaps itself on Wed at 12:00"),
        ("Mon - - Fri 7:00-9:00", "is no window"),
        ("Mon 7:00-Fri 9:00", "is no window"),
        ("周一 晚上4点到9点", "before noon"),
        ("周一 半夜6点到9点", "before noon"),
        ("周一 上午14点到16点", "before noon"),
        ("Mon-Fri 9-5", "before noon"),
        ("Mon-Fri 12-6am", "before noon"),
        ("Mon-Fri 10-2am", "before noon"),
        ("Mon-Fri 08:00-10:00pm", "before noon"),
        ("Mon-Fri 8-12 and 2-6", "before noon"),
        ("周一 8点到晚上10点", "before noon"),
        ("周一 8点到次日6点", "before noon"),
        ("周一 10:00到晚上11点", "before noon"),
        ("周一 中午0点到下午6点", "before noon"),
        ("周一 8点到下午0点", "before noon"),
        ("周一 晚上10点到18点", "before or after noon"),
        ("周一 晚上8点到次日12点", "before or after noon"),
        ("周一到周五 夜里1点到5点", "Of which day the night"),
        ("周五 晚上12点半到2点", "Of which day the night"),
        ("周日 8点到次日10点", "on the next day"),
        ("周日 8点到次日8点", "never opens"),
        ("周日 晚上8点到次日晚上9点", "on the next day"),
        ("周一 8:00-12:00 第二天", "on the next day"),
        ("次日 周一 8:00-12:00", "on the next day"),
        ("周一 一二点到四点", "is no window"),
        ("周一二三点到四点", "is no window"),
        ("周一 二零点到二二点", "is no window"),
        ("周一 八点到九点一二分", "is no window"),
    ],
)
def test_what_cannot_be_meant_is_refused_with_the_part_that_is_wrong(typed, sentence):
    with pytest.raises(Refusal, match=sentence):
        read(typed)


@pytest.mark.parametrize(
    "typed", ["Mon 8:00-12:00", "8:00-12:00; Sat 9:00-10:00", "工作日 9点到18点", "周1-5 9:00-18:00"]
)
def test_hours_of_every_day_name_none(typed):
    with pytest.raises(Refusal, match="names days;"):
        read_hours(typed)


@pytest.mark.parametrize("typed", ["9:00-12:00, 14:00-18:00", "每天 9点到12点，下午2点到6点", "daily 9-12 and 2-6pm"])
def test_hours_of_every_day_are_typed_without_days(typed):
    assert read_hours(typed) == parse("daily 09:00-12:00; daily 14:00-18:00")


WINDOWS = st.lists(st.tuples(st.integers(0, 6), st.integers(0, 1439), st.integers(1, 1439)), min_size=1, max_size=6)


def schedule_of_some(windows):
    """None where some of them overlap."""
    try:
        return schedule_of(window_of(day, start, (start + length) % 1440 or 1440, "") for day, start, length in windows)
    except Refusal:
        return None


@given(WINDOWS)
def test_a_schedule_is_written_so_that_it_is_read_again(windows):
    schedule = schedule_of_some(windows)
    if schedule is not None:
        assert parse(written(schedule)) == schedule
        assert read(written(schedule)) == schedule


@given(st.text("周一至五8点到:0-；,am pm半 Mon", max_size=40))
def test_whatever_is_typed_is_hours_or_one_sentence(typed):
    with suppress(Refusal):
        assert parse(written(read(typed))).windows


TIMES = st.tuples(
    st.sampled_from(["", "早上", "上午", "凌晨", "中午", "下午", "晚上", "夜里", "半夜", "次日", "次日早上"]),
    st.sampled_from(["{}点", "{}:00", "{}点半", "{:02}:30", "{}", "{}am", "{}pm", "{}:30 pm"]),
    st.integers(0, 24),
).map(lambda time: time[0] + time[1].format(time[2]))


@given(st.sampled_from(["每天 ", "周五", "Mon-Fri "]), st.lists(TIMES, min_size=2, max_size=4), st.sampled_from("到-"))
def test_what_is_read_lasts_a_day_at_most_and_is_read_again(days, times, to):
    with suppress(Refusal):
        found = read(days + to.join(times[:2]) + " " + to.join(times[2:]))
        assert all(0 < one.end - one.start <= 24 * 60 for one in found.windows)
        assert read(written(found)) == parse(written(found)) == found


# What somebody may mean by an hour from 1 to 12 on a clock of 24, by the word that stands with it.
HALVES = {
    "": lambda hour: {hour, hour + 12}, "上午": lambda hour: {hour}, "凌晨": lambda hour: {hour % 12},
    "中午": lambda hour: {hour, hour + 12} & set(range(10, 16)), "下午": lambda hour: {hour % 12 + 12},
    "晚上": lambda hour: {hour} if hour < 3 else {hour + 12} if hour > 4 else {hour, hour + 12},
    "夜里": lambda hour: {hour} if hour < 5 else {hour + 12} if hour > 6 else {hour, hour + 12},
    "am": lambda hour: {hour % 12}, "pm": lambda hour: {hour % 12 + 12},
}  # fmt: skip
SHOWN = st.tuples(st.sampled_from(list(HALVES)), st.integers(0, 24), st.sampled_from(["{}点", "{}:00", "{:02}:00"]))


def typed_as(half, hour, form):
    return form.format(hour) + half if half in ("am", "pm") else half + form.format(hour)


def meant_by(half, hour, form, *, exact):
    """The hours of the day, 0 to 23; `exact`: its window is of a clock of 24 hours."""
    if not 0 < hour < 13 or exact or (form.format(hour)[0] == "0" and not half):
        return {hour % 24}
    return {one % 24 for one in HALVES[half](hour)}


@given(SHOWN, SHOWN, st.sampled_from(["", "次日"]))
def test_no_window_is_read_longer_than_somebody_may_have_meant_it(start, end, next_day):
    with suppress(Refusal):
        one, *_ = read(f"每天 {typed_as(*start)}-{next_day}{typed_as(*end)}").windows
        shown_in_full = all(len(typed_as(*one)) == len("09:00") for one in (start, end))
        of_24 = shown_in_full or any(not 0 < one[1] < 13 for one in (start, end))
        exact = start[0] == end[0] == "" and of_24
        meant = {
            (last - first) % 24 or 24
            for first in meant_by(*start, exact=exact)
            for last in meant_by(*end, exact=exact)
            if not next_day or last <= first
        }
        assert (one.end - one.start) // 60 <= min(meant)


@pytest.mark.parametrize("language", Languages().all, ids=lambda language: language.tag)
@given(windows=WINDOWS)
def test_what_is_shown_in_a_language_is_understood_when_it_is_typed(language, windows):
    schedule = schedule_of_some(windows)
    if schedule is not None:
        shown = hours_in(language, written(schedule))
        assert read(shown) == schedule


def test_hours_are_told_in_the_readers_language():
    english, chinese = (Languages().chosen(tag, "") for tag in ("en", "zh-CN"))
    assert hours_in(english, OFFICE) == "Mon to Fri 07:00–19:00; Sat 08:00–12:00"
    assert hours_in(chinese, OFFICE) == "周一至周五 07:00–19:00；周六 08:00–12:00"
    night = "Fri,Sat 22:00-02:00; Sun 02:00-24:00"
    assert hours_in(english, night) == "Fri, Sat 22:00–02:00 the next day; Sun 02:00–24:00"
    assert hours_in(chinese, night) == "周五，周六 22:00–次日02:00；周日 02:00–24:00"
    assert hours_in(chinese, "daily 07:00-09:00; daily 12:00-13:00") == "每天 07:00–09:00，12:00–13:00"
    assert hours_in(english, "no hours") == "no hours"
