"""Days as people write them."""

from contextlib import suppress
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from enroll.tables.days import day_of
from gate.errors import UsageError


@pytest.mark.parametrize(
    "text",
    [
        "2026-12-31", "2026/12/31", "2026.12.31", "2026年12月31日", "2026 年 12 月 31 日", "20261231", "31.12.2026",
        "31. 12. 2026", "31/12/2026", "12/31/2026", "31-12-2026", "２０２６／１２／３１", "2026-12-31T00:00:00",
        "2026-12-31 00:00", "2026-12-31T00:00:00.000Z", "2026-12-31T00:00:00+08:00", "31.12.2026 0:00", " 2026-12-31 ",
    ],
)  # fmt: skip
def test_one_day_in_the_forms_people_write(text):
    assert day_of(text) == "2026-12-31"


@pytest.mark.parametrize("text", ["2026-1-5", "5.1.2026", "2026年1月5日", "05.01.2026"])
def test_days_and_months_need_no_noughts(text):
    assert day_of(text) == "2026-01-05"


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("03/04/2026", "03/04/2026 may be 2026-04-03 or 2026-03-04; write which one, with the year first."),
        ("3-4-2026", "3-4-2026 may be 2026-04-03 or 2026-03-04; write which one, with the year first."),
        ("2026-02-29", "There is no 2026-02-29 in the calendar; check it."),
        ("31.11.2026", "There is no 31.11.2026 in the calendar; check it."),
        ("13/13/2026", "There is no 13/13/2026 in the calendar; check it."),
        ("0000-01-01", "There is no 0000-01-01 in the calendar; check it."),
        ("31.12.26", "31.12.26 is not a date; write it as 2027-01-31."),
        ("46387", "46387 is not a date; write it as 2027-01-31."),
        ("31/12.2026", "31/12.2026 is not a date; write it as 2027-01-31."),
        ("2026-12-31T18:00:00", "2026-12-31T18:00:00 is not a date; write it as 2027-01-31."),
        ("2026-12-31 00:00:01", "2026-12-31 00:00:01 is not a date; write it as 2027-01-31."),
        ("soon", "soon is not a date; write it as 2027-01-31."),
    ],
)
def test_what_is_none_or_may_be_two_is_refused_in_one_sentence(text, why):
    with pytest.raises(UsageError) as refused:
        day_of(text)
    assert str(refused.value) == why


@given(st.dates())
def test_every_day_is_read_in_every_certain_form(day):
    for form in ("{0}-{1:02}-{2:02}", "{0}/{1}/{2}", "{2}.{1}.{0}", "{0}年{1}月{2}日", "{0}{1:02}{2:02}"):
        assert day_of(form.format(f"{day.year:04}", day.month, day.day)) == day.isoformat()


@given(st.text(alphabet="0123456789-/.年月日T: ", max_size=24))
def test_whatever_is_typed_is_a_day_or_one_sentence(text):
    with suppress(UsageError):
        assert date.fromisoformat(day_of(text))
