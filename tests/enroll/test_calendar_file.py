"""Holidays out of calendar files as there are: with ends of all kinds, in old letters, and with other days in them."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from enroll.calendar_child import MOST_EVENTS
from enroll.calendar_file import (
    CANCELLED,
    HAS_HOURS,
    MOST_BYTES,
    NAMELESS,
    REPEATS,
    WORKED_ON,
    Event,
    read_calendar,
    sorted_out,
)
from gate.errors import Refusal

TODAY = date(2026, 1, 1)
# As services write them: the zone told though no time is, an alarm within, a long line folded.
HEAD = """BEGIN:VCALENDAR
PRODID:-//example.org//Public Holidays//CN
VERSION:2.0
CALSCALE:GREGORIAN
METHOD:PUBLISH
X-WR-CALNAME:节假日
X-WR-TIMEZONE:Asia/Shanghai
BEGIN:VTIMEZONE
TZID:Asia/Shanghai
X-LIC-LOCATION:Asia/Shanghai
BEGIN:STANDARD
TZOFFSETFROM:+0800
TZOFFSETTO:+0800
TZNAME:CST
DTSTART:19700101T000000
END:STANDARD
END:VTIMEZONE
"""
LONG = "DESCRIPTION:七、国庆节：10月1日（周四）至7日放假调休\n 共7天。10月10日（周六）上班。\\n\\n放假通知\n"


def event(summary, *lines):
    return "\n".join(["BEGIN:VEVENT", f"SUMMARY:{summary}", *lines, "END:VEVENT\n"])


def whole(first, after=None):
    return f"DTSTART;VALUE=DATE:{first}" + (f"\nDTEND;VALUE=DATE:{after}" if after else "")


def calendar(*events, head=HEAD):
    return (head + "".join(events) + "END:VCALENDAR\n").replace("\n", "\r\n")


def days(found):
    return [(one.name, one.first.isoformat(), one.last.isoformat()) for one in found]


def read(text, encoding="utf-8", today=TODAY):
    return read_calendar(text.encode(encoding), today)


NATIONAL = ("国庆节", "2026-10-01", "2026-10-03")
EACH_DAY = [
    event(
        f"国庆节 假期 第{n}天/共3天", whole(f"2026100{n}", f"2026100{n + 1}"), "DTSTAMP:20251104T000000Z", LONG.rstrip()
    )
    for n in (1, 2, 3)
]
WORK = event(
    "国庆节 补班 第1天/共1天", "DTSTART:20261010T090000", "DTEND:20261010T180000", "STATUS:TENTATIVE", "BEGIN:VALARM",
    "TRIGGER:-PT60M", "ACTION:DISPLAY", "DESCRIPTION:补班", "END:VALARM",
)  # fmt: skip


def test_days_that_follow_one_another_are_one_holiday_and_worked_days_are_none():
    found = read(calendar(*EACH_DAY, WORK))
    assert days(found.found) == [NATIONAL]
    assert [(one.first, one.why) for one in found.left_out] == [(date(2026, 10, 10), WORKED_ON)]
    # Some write the same day as its end.
    same = [event(f"国庆节 假期 第{n}天/共3天", whole(f"2026100{n}", f"2026100{n}")) for n in (1, 2, 3)]
    assert days(read(calendar(*same)).found) == [NATIONAL]


def test_marks_of_an_operating_systems_calendar_are_understood():
    found = read(calendar(
        event("国庆节（休）", whole("20261001", "20261004"), "X-APPLE-SPECIAL-DAY:WORK-HOLIDAY"),
        event("国庆节（班）", whole("20261010"), "X-APPLE-SPECIAL-DAY:ALTERNATE-WORKDAY"),
        event("七夕", whole("20260819")),
    ))  # fmt: skip
    assert days(found.found) == [("七夕", "2026-08-19", "2026-08-19"), NATIONAL]
    assert [one.marked for one in found.found] == [False, True]
    assert [one.why for one in found.left_out] == [WORKED_ON]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "gb18030", "gbk"])
def test_in_whatever_letters(encoding):
    assert days(read(calendar(*EACH_DAY), encoding).found) == [NATIONAL]


def test_what_comes_each_year_comes_this_year_and_the_next():
    text = calendar(
        event("元旦", whole("20200101", "20200102"), "RRULE:FREQ=YEARLY"),
        event("国庆节", whole("20191001", "20191004"), "RRULE:FREQ=YEARLY;BYMONTH=10;BYMONTHDAY=1;UNTIL=20261231"),
        event("闰日", whole("20240229"), "RRULE:FREQ=YEARLY"),
        event("母亲节", whole("20200510"), "RRULE:FREQ=YEARLY;BYMONTH=5;BYDAY=2SU"),
        event("每秒", whole("20200510"), "RRULE:FREQ=SECONDLY;BYMONTH=2;BYMONTHDAY=30"),
        event("五次", whole("20200601"), "RRULE:FREQ=YEARLY;COUNT=7"),
    )
    found = read(text, today=date(2026, 2, 1))
    assert days(found.found) == [
        ("五次", "2026-06-01", "2026-06-01"), NATIONAL, ("元旦", "2027-01-01", "2027-01-01"),
    ]  # fmt: skip
    assert found.over == 1
    for today in (date(2020, 1, 1), date(2026, 2, 1)):
        told = read(text, today=today).left_out
        assert {(one.name, one.why) for one in told} == {("母亲节", REPEATS), ("每秒", REPEATS)}


@pytest.mark.parametrize(
    ("first", "until", "comes"),
    [
        ("VALUE=DATE:20191001", "20260930", False),
        ("VALUE=DATE:20191001", "20261001", True),
        # The midnight in China with which it ends, in UTC.
        ("TZID=Asia/Shanghai:20191001T000000", "20260930T160000Z", True),
        ("TZID=Asia/Shanghai:20191001T000000", "20250930T160000Z", False),
        ("TZID=Asia/Shanghai:20191001T000000", "99991231T235959Z", True),
    ],
)
def test_what_comes_each_year_comes_no_more_after_its_last_day(first, until, comes):
    found = read(calendar(event("国庆节", f"DTSTART;{first}", "DURATION:P1D", f"RRULE:FREQ=YEARLY;UNTIL={until}")))
    assert (("国庆节", "2026-10-01", "2026-10-01") in days(found.found), found.damaged) == (comes, 0)


def test_what_repeats_does_not_come_where_the_file_says_so_and_comes_when_it_was_moved_to():
    yearly = (whole("20191001", "20191002"), "RRULE:FREQ=YEARLY", "UID:one")
    moved = event("国庆节", whole("20261005", "20261006"), "RECURRENCE-ID;VALUE=DATE:20261001", "UID:one")
    cancelled = event("国庆节", whole("20271001"), "RECURRENCE-ID;VALUE=DATE:20271001", "UID:one", "STATUS:CANCELLED")
    found = read(calendar(event("国庆节", *yearly), moved, cancelled))
    assert days(found.found) == [("国庆节", "2026-10-05", "2026-10-05")]
    excepted = ("EXDATE;VALUE=DATE:20261001", "EXDATE;TZID=Asia/Shanghai:20271001T000000,20250101T000000")
    assert read(calendar(event("国庆节", *yearly, *excepted))).found == ()
    assert read(calendar(event("国庆节", *yearly, "EXDATE:never"), WORK)).damaged == 1


def test_what_began_in_the_old_year_is_not_over_in_the_new_one():
    feast = event("New Year", whole("20201230", "20210104"), "RRULE:FREQ=YEARLY;COUNT=7")
    assert days(read(calendar(feast), today=date(2026, 1, 2)).found) == [
        ("New Year", "2025-12-30", "2026-01-03"), ("New Year", "2026-12-30", "2027-01-03"),
    ]  # fmt: skip


def test_what_is_no_day_off_is_left_out_with_the_reason():
    found = read(calendar(
        event("Meeting", "DTSTART;TZID=Asia/Shanghai:20260301T090000", "DURATION:PT1H"),
        event("Off", whole("20260302"), "STATUS:CANCELLED"),
        event("", whole("20260303")),
        event("Whole by its hours", 'DTSTART;TZID="China Standard Time":20260304T000000', "DTEND:20260306T000000"),
        event("Three days", whole("20260310"), "DURATION:P3D"),
        event("No day", "DTSTART;VALUE=DATE:20261399"),
        event("Backwards", whole("20260401", "20260301")),
    ))  # fmt: skip
    assert days(found.found) == [
        ("Whole by its hours", "2026-03-04", "2026-03-05"), ("Three days", "2026-03-10", "2026-03-12"),
        ("Backwards", "2026-04-01", "2026-04-01"),
    ]  # fmt: skip
    assert [one.why for one in found.left_out] == [HAS_HOURS, CANCELLED, NAMELESS]
    assert found.damaged == 1


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"", "no calendar file"),
        (b"name,unit\r\nWang,1\r\n", "no calendar file"),
        (b"\x89PNG\r\n\x1a\n" + bytes(1000), "no calendar file"),
        (b"BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\nDTSTART;VALUE=DATE:20260101\r\n", "no calendar file"),
        (b"BEGIN:VCARD\r\nFN:x\r\nEND:VCARD\r\n", "no calendar file"),
        (b"BEGIN:VCALENDAR\r\n" * 20_000, "no calendar file"),
        (bytes(MOST_BYTES + 1), "larger than 1 MB"),
        (calendar(*[event("x", "DTSTART:20260101")] * (MOST_EVENTS + 1)).encode(), "more than 2000 appointments"),
        (calendar(*[event("x", "D:1")] * 10_000).encode(), "more than 2000 appointments"),
    ],
)
def test_what_is_none_is_said_in_one_sentence(content, why):
    with pytest.raises(Refusal, match=why):
        read_calendar(content, TODAY)


def test_as_many_events_as_are_taken_are_read():
    many = [event(f"Day {n}", whole(f"{TODAY + timedelta(2 * n):%Y%m%d}")) for n in range(MOST_EVENTS)]
    assert len(read(calendar(*many)).found) == MOST_EVENTS


names = st.sampled_from(["国庆节", "国庆节 假期 第2天/共3天", "春节（休）", "x" * 300, " ", "假期"])
events = st.builds(
    lambda name, first, length, flags, until: Event(name, first, first + timedelta(length), *flags, until),
    names, st.dates(date(2020, 1, 1), date(2028, 1, 1)), st.integers(0, 500),
    st.tuples(*[st.booleans()] * 6), st.none() | st.dates(date(2020, 1, 1), date(2030, 1, 1)),
)  # fmt: skip


@given(st.lists(events, max_size=12), st.dates(date(2020, 1, 1), date(2028, 1, 1)))
def test_what_is_found_can_be_added_as_it_is(given_events, today):
    found = sorted_out(given_events, today).found
    assert list(found) == sorted(found, key=lambda one: (one.first, one.last))
    for one in found:
        assert 0 < len(one.name) <= 60
        assert one.name == one.name.strip()
        assert one.last >= max(one.first, today)
        assert (one.last - one.first).days < 366
    for name in {one.name for one in found}:
        same = [one for one in found if one.name == name]
        joined = [(a, b) for a in same for b in same if a is not b and a.first <= b.first <= a.last + timedelta(1)]
        assert all((max(a.last, b.last) - a.first).days >= 366 for a, b in joined)


def test_days_at_the_end_of_all_calendars_end_nothing():
    far = whole("99991231")
    found = read(calendar(event("x", far), event("x", far)))
    assert found.damaged + len(found.found) + len(found.left_out) > 0
    endless = read(calendar(event("x", "DTSTART;VALUE=DATE:20261001", "DURATION:P3650000D")))
    assert (endless.found, endless.damaged) == ((), 1)
