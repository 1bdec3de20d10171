"""Holidays out of a calendar file, on the page of holidays: shown first, ticked, and added all or not at all."""

from datetime import date

import pytest

from gate.store.site import holidays
from tests.console import problem_of
from tests.enroll.test_calendar_file import EACH_DAY, WORK, calendar, event, whole

YEAR = date.today().year + 1


def text_of(*events):
    return calendar(*events).replace("2026", str(YEAR))


def sent(who, content):
    return who.post("/settings/holidays/file", files={"file": ("holidays.ics", content, "text/calendar")})


def test_what_would_be_added_is_shown_and_added_once_it_is_ticked(browser, store):
    manager = browser("manager")
    shown = sent(manager, text_of(*EACH_DAY, WORK).encode())
    assert shown.status_code == 200
    value = f"{YEAR}-10-01 {YEAR}-10-03 国庆节"
    assert f'value="{value}" checked' in shown.text
    assert "a day on which people work" in shown.text
    assert holidays.every(store) == [], "looking changes nothing"
    added = manager.post("/settings/holidays/file/added", data={"chosen": [value], "hours": "9:00-12:00"})
    assert (added.status_code, added.headers["location"]) == (303, "/settings/holidays")
    assert "Added: 1." in manager.get("/settings/holidays").text
    (one,) = holidays.every(store)
    assert (one.name, one.first_day, one.last_day) == ("国庆节", f"{YEAR}-10-01", f"{YEAR}-10-03")
    assert one.windows == "daily 09:00-12:00"
    again = sent(manager, text_of(*EACH_DAY).encode()).text
    assert "国庆节 has some of these days already" in again
    assert "checked" not in again


def test_of_two_on_one_day_the_first_is_ticked_and_of_marked_ones_those(browser):
    two = [event("国庆节", whole("20261001", "20261008")), event("中秋节", whole("20261006", "20261009"))]
    shown = sent(browser("manager"), text_of(*two).encode()).text
    assert (shown.count(" checked"), shown.count('name="chosen"')) == (1, 2)
    marked = event("元旦", whole("20260101"), "X-APPLE-SPECIAL-DAY:WORK-HOLIDAY")
    shown = sent(browser("manager"), text_of(marked, event("腊八节", whole("20260126"))).encode()).text
    assert f'value="{YEAR}-01-01 {YEAR}-01-01 元旦" checked' in shown
    assert (shown.count(" checked"), shown.count('name="chosen"')) == (1, 2)


def test_one_that_cannot_be_added_leaves_all_out(browser, store):
    manager = browser("manager")
    holidays.add(store, holidays.New("Ours", f"{YEAR}-10-02"), "test")
    chosen = [f"{YEAR}-01-01 {YEAR}-01-01 元旦", f"{YEAR}-10-01 {YEAR}-10-03 国庆节"]
    for data in ({"chosen": chosen}, {"chosen": [*chosen[:1], "nonsense"]}, {"chosen": []}):
        answer = manager.post("/settings/holidays/file/added", data=data)
        assert answer.status_code == 422, data
        assert problem_of(answer)
    assert [one.name for one in holidays.every(store)] == ["Ours"]


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"no calendar", "no calendar file"),
        (calendar(*[event("x", "D:1")] * 10_000).encode(), "more than 2000 appointments"),
        (text_of(event("x", whole("20010101"))).encode(), "no holiday that is not over"),
    ],
)
def test_a_file_that_is_none_is_said_in_one_sentence(browser, store, content, why):
    answer = sent(browser("manager"), content)
    assert answer.status_code == 422
    assert why in problem_of(answer)
    assert holidays.every(store) == []


def test_a_file_of_50_mb_is_refused_before_it_is_looked_at(browser, store):
    answer = sent(browser("manager"), bytes(50 << 20))
    assert answer.status_code == 413
    assert "too large to be sent at once" in answer.text
    assert holidays.every(store) == []


def test_a_guard_adds_none(browser):
    assert sent(browser("guard"), b"").status_code == 403
    assert browser("guard").post("/settings/holidays/file/added", data={"chosen": ["x"]}).status_code == 403
