"""`facegate schedules`, `groups` and `holidays`, and who has them."""

import pytest

from gate.store.people import residents
from gate.store.record import audit
from gate.store.site import areas, schedules
from tests.enroll.test_calendar_file import EACH_DAY, WORK, calendar

pytestmark = pytest.mark.whole


def test_schedules_and_groups_from_the_command_line(facegate, store):
    residents.enrol(store, "Wang Fang", None, [])
    assert facegate("schedules", "put", "day", "Mon-Fri 07:00-19:00", "Sat 09:00-12:00").code == 0
    # What is kept is told, not what was typed.
    assert facegate("schedules", "put", "late", "周五晚上8点到12点").out == "late: Fri 20:00-24:00.\n"
    assert facegate("schedules", "remove", "late").code == 0
    assert facegate("groups", "put", "cleaners", "--schedule", "day").code == 0
    changed = facegate("residents", "change", "Wang Fang", "--group", "cleaners", "--more-time")
    assert changed.out.strip() == "Wang Fang: Mon-Fri 07:00-19:00; Sat 09:00-12:00, with more time."
    assert residents.find(store, "Wang Fang").extended
    listed = facegate("schedules", "list", "--json").answer
    assert listed["schedules"] == [{"name": "day", "windows": "Mon-Fri 07:00-19:00; Sat 09:00-12:00", "used_by": 1}]
    assert facegate("groups", "list", "--json").answer["groups"][0]["residents"] == 1
    assert "in use: 1. Give those another first." in facegate("schedules", "remove", "day").err
    assert facegate("schedules", "put", "night", "daily 22:00-02:00").code == 0
    night = facegate("holidays", "add", "New year", "2027-01-01", "--schedule", "night", "--json").answer["added"]
    assert "has holidays of its own: 1. Remove those first." in facegate("schedules", "remove", "night").err
    assert facegate("holidays", "remove", night).code == facegate("schedules", "remove", "night").code == 0
    added = facegate(
        "holidays", "add", "New year", "2027-01-01", "2027-01-03", "--hours", "9:00-12:00", "--json"
    ).answer
    (one,) = facegate("holidays", "list", "--json").answer["holidays"]
    assert (one["id"], one["last_day"], one["windows"]) == (added["added"], "2027-01-03", "daily 09:00-12:00")
    twice = facegate("holidays", "add", "New year", "2027-01-01", "2027-01-03", "--hours", "9点到12点")
    assert (twice.code, "is there already" in twice.err) == (1, True)
    other = facegate("holidays", "add", "A day off", "2027-01-03", "2027-01-04")
    assert (other.code, "New year (2027-01-01 to 2027-01-03) has some of these days already" in other.err) == (1, True)
    own = facegate("holidays", "add", "Guards", "2027-01-03", "--schedule", "day")
    assert own.out.splitlines() == ["Guards: closed.", "On the days that both have it goes before New year."]
    first, guards = facegate("holidays", "list", "--json").answer["holidays"]
    assert (first["yields_to"], guards["yields_to"]) == ([guards["id"]], [])
    assert facegate("holidays", "remove", guards["id"]).code == 0
    assert facegate("holidays", "remove", one["id"]).code == 0
    for wrong, sentence in (
        (["schedules", "put", "x", "Mon 09:00-09:00"], "never opens: it ends when it begins"),
        # What the door would take for a night is asked about where somebody typed it.
        (["schedules", "put", "x", "Mon-Fri 9:00-5:00"], "what is before noon and what is after it"),
        (["schedules", "put", "x", "Mon 8:00-12:00", "Mon 2:00-6:00"], "what is before noon and what is after it"),
        (["schedules", "put", "x", "Mon 08:00-12:00", "Mon 11:00-13:00"], "overlaps itself on Mon at 11:00"),
        (["schedules", "remove", "x"], "There is no schedule x"),
        (["schedules", "free-access", "day"], "no relay that keeps it open"),
        (["groups", "put", "y", "--schedule", "x"], "There is no schedule x"),
        (["holidays", "add", "New year", "2027-01-01", "--schedule", "x"], "There is no schedule x"),
        (["holidays", "add", "New year", "2027-01-01", "--hours", "Mon 8:00-12:00"], "names days;"),
        (["holidays", "remove", "x"], "There is no such holiday"),
        (["residents", "change", "Wang Fang", "--schedule", "x"], "There is no schedule x"),
    ):
        done = facegate(*wrong)
        assert (done.code, sentence in done.err, len(done.err.splitlines())) == (1, True, 1), done.err
    assert facegate("residents", "change", "Wang Fang").code == 2
    assert facegate("residents", "change", "Wang Fang", "--group", "", "--usual-time").out.strip() == (
        "Wang Fang: at any time."
    )
    assert audit.verify(store) is None


def test_a_calendar_file_is_shown_and_added_where_it_is_said(facegate, tmp_path):
    file = tmp_path / "holidays.ics"
    file.write_bytes(calendar(*EACH_DAY, WORK).replace("2026", "2999").encode("gbk"))
    shown = facegate("holidays", "import", str(file))
    assert shown.code == 0
    assert "Nothing is changed. Add them with: --add" in shown.out
    assert "a day on which people work" in shown.out
    assert facegate("holidays", "list", "--json").answer["holidays"] == []
    added = facegate("holidays", "import", str(file), "--add", "--json").answer
    assert [(one["name"], one["first_day"], one["last_day"]) for one in added["added"]] == [
        ("国庆节", "2999-10-01", "2999-10-03")
    ]
    again = facegate("holidays", "import", str(file), "--add")
    assert "has days of a holiday that is there" in again.out
    assert len(facegate("holidays", "list", "--json").answer["holidays"]) == 1
    file.write_bytes(b"no calendar")
    refused = facegate("holidays", "import", str(file), "--add")
    assert (refused.code, refused.err.count("\n")) == (1, 1)
    assert "no calendar file" in refused.err


def test_a_group_that_is_given_an_area_alone_keeps_its_hours(facegate, store):
    areas.put(store, "Tower A", {"n": "North"}, "test")
    facegate("schedules", "put", "day", "Mon-Fri 07:00-19:00")
    facegate("groups", "put", "cleaners", "--schedule", "day")
    assert facegate("groups", "put", "cleaners", "--area", "Tower A").out.strip() == "cleaners: day."
    has = [(one.schedule, one.area) for one in schedules.groups(store)]
    assert facegate("groups", "put", "cleaners", "--schedule", "", "--area", "").out.strip() == "cleaners: at any time."
    has += [(one.schedule, one.area) for one in schedules.groups(store)]
    assert has == [("day", "Tower A"), (None, None)]
