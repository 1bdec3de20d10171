"""The settings page, and the API behind it: hours, groups, users, tokens."""

import re
from dataclasses import replace
from datetime import datetime

import pytest

from api.app import create_app
from gate.clock import zone_of
from gate.schedule import parse
from gate.store.people import residents
from gate.store.record import audit
from gate.store.site import accounts, holidays, schedules
from tests.console import PASSWORD, Browser, context_on, made_from, problem_of


def test_hours_are_a_managers_and_users_an_owners(browser, store, staff):
    manager = browser("manager")
    assert "Tokens for machines" not in manager.get("/settings").text
    saved = manager.send("/settings/schedules", data={"name": "day", "windows": "Mon-Fri 07:00-19:00"})
    assert "Saved." in saved.text
    assert "Saved." in manager.send("/settings/groups", data={"name": "cleaners", "schedule": "day"}).text
    assert [(one.name, one.windows) for one in schedules.groups(store)] == [("cleaners", "Mon-Fri 07:00-19:00")]
    assert (
        manager.send("/settings/users", data={"name": "Eve", "role": "owner", "password": PASSWORD}).status_code == 403
    )
    assert "Tokens for machines" in browser("owner").get("/settings").text
    by = f"user {staff['manager'].id}"
    assert [(line.kind, line.details["by"]) for line in audit.lines(store) if "changed" in line.kind] == [
        ("schedule_changed", by), ("group_changed", by)
    ]  # fmt: skip


def test_new_hours_are_given_to_groups_with_them(browser, store):
    manager = browser("manager")
    schedules.put_group(store, "guards", None, "test")
    hours = {"name": "cleaners", "windows": "Mon-Fri 7:00-19:00", "group": ["guards"], "new_group": "1"}
    wrong = manager.send("/settings/schedules", data=hours | {"windows": "whenever"})
    assert (wrong.status_code, [one.name for one in schedules.groups(store)]) == (422, ["guards"])
    for kept in ('name="group" value="guards" checked', 'name="new_group" value="1" checked'):
        assert kept in wrong.text
    assert "Saved." in manager.send("/settings/schedules", data=hours).text
    given = [(one.name, one.schedule) for one in schedules.groups(store)]
    assert given == [("cleaners", "cleaners"), ("guards", "cleaners")]
    # Whoever has them is not asked about again.
    assert 'name="group"' not in manager.get("/settings/hours?change=cleaners").text


def test_new_hours_and_groups_change_none_that_there_are(browser, store):
    schedules.put(store, "cleaners", "Mon-Fri 07:00-12:00", "test")
    schedules.put_group(store, "cleaners", "cleaners", "test")
    manager = browser("manager")
    hours = {"name": "cleaners", "windows": "daily 00:00-24:00", "changed": ""}
    wrong = manager.send("/settings/schedules", data=hours)
    assert problem_of(wrong) == "There is cleaners already. Choose another name, or change that one."
    assert 'value="daily 00:00-24:00"' in wrong.text
    assert problem_of(manager.send("/settings/groups", data={"name": "cleaners"})) == problem_of(wrong)
    beside = hours | {"name": "cleaners ", "new_group": "1"}
    assert problem_of(manager.send("/settings/schedules", data=beside)) == problem_of(wrong)
    schedules.put_group(store, "guards", None, "test")
    taken = manager.send("/settings/schedules", data=hours | {"name": "guards", "new_group": "1"})
    assert "There is a group guards already" in problem_of(taken)
    found = [(one.name, one.windows) for one in schedules.groups(store)]
    assert found == [("cleaners", "Mon-Fri 07:00-12:00"), ("guards", None)]
    # Sent twice, it is done once.
    for _ in range(2):
        new = {"name": "day", "windows": "Mon-Fri 8-18", "new_group": "1"}
        assert "Saved." in manager.send("/settings/schedules", data=new).text
        assert "Saved." in manager.send("/settings/groups", data={"name": "night"}).text


def test_of_two_managers_who_change_hours_or_a_group_the_slower_one_is_told_and_loses_nothing(browser, store):
    for name in ("day", "night"):
        schedules.put(store, name, "Mon-Fri 07:00-19:00", "test")
    schedules.put_group(store, "cleaners", "day", "test")
    first, second = browser("manager"), browser("owner")
    change = "/settings/hours?change=day"
    typed = {"changed": "day", "name": "day", "known_as": made_from(second.get(change).text)}
    given = {"name": "cleaners", "known_as": made_from(second.get(change).text, 'value="cleaners"')}
    ours = {"windows": "Mon-Fri 09:00-17:00", "known_as": made_from(first.get(change).text)}
    assert "Saved." in first.send("/settings/schedules", data=typed | ours).text
    late = second.send("/settings/schedules", data=typed | {"windows": "Sat 09:00-17:00"})
    assert "Somebody else changed day in the meantime" in problem_of(late)
    assert {one.name: one.windows for one in schedules.every(store)}["day"] == "Mon-Fri 09:00-17:00"
    assert 'name="windows" maxlength="500" required value="Sat 09:00-17:00"' in late.text
    # Whoever has looked again may.
    again = typed | {"windows": "Sat 09:00-17:00", "known_as": made_from(late.text)}
    assert "Saved." in second.send("/settings/schedules", data=again).text
    assert "Saved." in first.send("/settings/groups", data=given | {"schedule": ""}).text
    late = second.send("/settings/groups", data=given | {"schedule": "night"})
    assert "Somebody else changed cleaners" in problem_of(late)
    assert [one.schedule for one in schedules.groups(store)] == [None]
    assert late.text.count("<option selected>night") == 1
    again = given | {"schedule": "night", "known_as": made_from(late.text, 'value="cleaners"')}
    assert "Saved." in second.send("/settings/groups", data=again).text
    schedules.remove(store, "day", "test")
    gone = second.send("/settings/schedules", data=typed | {"windows": "Sat 09:00-17:00"})
    assert problem_of(gone) == "day is gone: somebody else removed it in the meantime."
    assert made_from(gone.text) == ""
    assert [one.name for one in schedules.every(store)] == ["night"]


def test_what_is_no_schedule_is_told_in_the_readers_language_and_changes_nothing(browser, store):
    manager = browser("manager")
    chinese = {"accept-language": "zh-CN"}
    wrong = manager.send("/settings/schedules", data={"name": "白班", "windows": "周一 上班时间"}, headers=chinese)
    assert (wrong.status_code, problem_of(wrong)) == (
        422,
        "“周一 上班时间”不是有效时段，请写成“周一至周五7:00-19:00”。",
    )
    # What was typed is still in the form.
    assert 'value="白班"' in wrong.text
    assert 'value="周一 上班时间"' in wrong.text
    wrong = manager.ask("PUT", "/api/v1/schedules/day", json={"windows": "Mon 09:00-09:00"})
    assert (wrong.status_code, wrong.json()["detail"].split(":")[0]) == (409, "The window 'Mon 09")
    wrong = manager.send("/settings/groups", data={"name": "cleaners", "schedule": "none such"})
    assert problem_of(wrong).startswith("There is no schedule none such.")
    assert (schedules.every(store), schedules.groups(store)) == ([], [])


def test_hours_typed_in_chinese_are_kept_as_the_door_reads_them_and_shown_in_the_readers_language(browser, store):
    manager = browser("manager")
    manager.send("/settings/schedules", data={"name": "day", "windows": "周一至周五 ７：００-19:00；周六 8点到12点"})
    assert [one.windows for one in schedules.every(store)] == ["Mon-Fri 07:00-19:00; Sat 08:00-12:00"]
    assert "Mon to Fri 07:00–19:00; Sat 08:00–12:00" in manager.get("/settings/hours").text
    chinese = manager.get("/settings/hours?change=day", headers={"accept-language": "zh-CN"}).text
    assert 'value="周一至周五 07:00–19:00；周六 08:00–12:00"' in chinese
    said = manager.get("/settings/hours/reading", params={"words": "weekdays 9-17"}).json()
    assert said == {"words": "Mon to Fri 09:00–17:00", "windows": [[day, 540, 1020] for day in range(5)]}
    assert "is no window" in manager.get("/settings/hours/reading", params={"words": "weekdays"}).json()["problem"]


def test_a_holiday_that_is_over_when_it_is_added_is_called_so_everywhere(browser, store, facegate):
    manager, said = browser("manager"), "Its last day is over already: look whether the year is right."
    form = {"name": "春节", "first_day": "2016-02-06", "last_day": "2016-02-12"}
    assert f"Saved. {said}" in manager.send("/settings/holidays", data=form).text
    assert (
        manager.post(
            "/api/v1/holidays",
            json=form | {"name": "x", "schedule": None, "first_day": "2016-03-01", "last_day": "2016-03-01"},
        ).json()["over"]
        is True
    )
    assert said in facegate("holidays", "add", "y", "2016-04-01").out
    today = datetime.now(zone_of(None)).date().isoformat()
    assert said not in manager.send("/settings/holidays", data=form | {"last_day": "", "first_day": today}).text
    assert [one["over"] for one in manager.get("/api/v1/holidays").json()] == [True, True, True, False]


def test_holidays_are_added_and_removed_on_the_page_and_by_the_api(browser, store, staff):
    manager = browser("manager")
    form = {"name": "春节", "first_day": "2027-02-06", "last_day": "2027-02-12", "hours": "some"}
    wrong = manager.send("/settings/holidays", data=form)
    assert 'value="春节"' in wrong.text
    # What is advised is taken.
    for none in ("some", "25-26", "closed", "daily", "12"):
        refused = problem_of(manager.send("/settings/holidays", data=form | {"hours": none}))
        assert f"&#39;{none}&#39; are no hours; write them as 09:00-12:00" in refused
        assert "Mon" not in refused
    # Days that are named beside the hours are not let be: the hours would hold on all the others too.
    named = form | {"hours": "Mon 8:00-12:00"}
    assert "names days;" in problem_of(manager.send("/settings/holidays", data=named))
    assert "names days;" in manager.post("/api/v1/holidays", json=named).json()["detail"]
    assert holidays.every(store) == []
    assert "Feb 6, 2027" in manager.send("/settings/holidays", data=form | {"hours": ""}).text
    (one,) = manager.get("/api/v1/holidays").json()
    assert (one["name"], one["hours"], one["schedule"]) == ("春节", None, None)
    more = {"name": "调休", "first_day": "2027-02-14", "hours": "9点到18点"}
    made = manager.post("/api/v1/holidays", json=more)
    assert (made.status_code, made.json()["last_day"], made.json()["hours"]) == (201, "2027-02-14", "daily 09:00-18:00")
    # A page that is loaded again sends its form again: nothing is done twice, or told as done.
    assert "is there already" in problem_of(manager.send("/settings/holidays", data=form | {"hours": ""}))
    assert manager.post("/api/v1/holidays", json=more).status_code == 409
    assert len(holidays.every(store)) == 2
    assert "Removed." in manager.send(f"/settings/holidays/{one['id']}/removal").text
    again = manager.send(f"/settings/holidays/{one['id']}/removal")
    assert ("There is no such holiday." in problem_of(again), "Removed." in again.text) == (True, False)
    assert manager.ask("DELETE", f"/api/v1/holidays/{made.json()['id']}").status_code == 204
    assert manager.ask("DELETE", f"/api/v1/holidays/{made.json()['id']}").status_code == 404
    by = f"user {staff['manager'].id}"
    said = [(line.kind, line.details["by"]) for line in audit.lines(store) if "holiday" in line.kind]
    assert said == [("holiday_added", by), ("holiday_added", by), ("holiday_removed", by), ("holiday_removed", by)]


def test_one_day_has_one_holiday_for_the_same_hours_and_the_page_says_which_holds_where_it_has_two(browser, store):
    manager = browser("manager")
    schedules.put(store, "day", "daily 07:00-19:00", "test")
    spring = {"name": "春节", "first_day": "2027-02-06", "last_day": "2027-02-12"}
    ours = {"name": "Half a day", "first_day": "2027-02-12", "schedule": "day", "hours": "9:00-12:00"}
    manager.send("/settings/holidays", data=spring)
    again = {"name": "New year", "first_day": "2027-02-12", "last_day": "2027-02-14"}
    refused = manager.send("/settings/holidays", data=again)
    said = "春节 (2027-02-06 to 2027-02-12) has some of these days already, for the same hours. Remove it first"
    assert said in problem_of(refused)
    assert 'value="New year"' in refused.text
    detail = manager.post("/api/v1/holidays", json=again).json()["detail"]
    assert said in detail
    # A schedule's own goes before that of all, and says so on each.
    made = manager.post("/api/v1/holidays", json=ours).json()
    (first, second) = manager.get("/api/v1/holidays").json()
    assert (first["yields_to"], second["yields_to"], made["yields_to"]) == ([made["id"]], [], [])
    shown = re.sub("<[^>]*>", "", manager.get("/settings/holidays").text)
    assert "Feb 12, 2027: for day, Half a day goes before it" in shown
    assert shown.count("goes before it") == 1


def test_two_holidays_of_before_for_the_same_hours_go_on_and_the_page_says_that_the_newer_holds(browser, store):
    manager = browser("manager")
    for name, first, last in (("Old", "2027-01-01", "2027-01-05"), ("Later", "2028-01-01", "2028-01-02")):
        holidays.add(store, holidays.New(name, first, last, hours="" if name == "Old" else "9:00-12:00"), "test")
    # As it was before one day had one.
    store.execute("UPDATE holidays SET first_day = '2027-01-04', last_day = '2027-01-08' WHERE name = 'Later'")
    old, later = manager.get("/api/v1/holidays").json()
    assert (old["yields_to"], later["yields_to"]) == ([later["id"]], [])
    shown = re.sub(r"\s+", " ", re.sub("<[^>]*>", "", manager.get("/settings/holidays").text))
    assert "Jan 4, 2027 – Jan 5, 2027: Later goes before it" in shown
    # What is told is what the door does.
    schedule = replace(parse("daily 00:00-24:00"), holidays=holidays.of_resident(store, "anybody"))
    hours = {day: schedule.allows(datetime(2027, 1, day, 10)) for day in range(3, 10)}
    assert hours == {3: False, 4: True, 5: True, 6: True, 7: True, 8: True, 9: True}
    assert schedule.allows(datetime(2027, 1, 4, 13)) is False


def test_a_token_that_is_not_there_is_not_told_as_revoked(browser, store, staff):
    owner = browser("owner")
    token = accounts.add_token(store, "lift", "0" * 64, ("door",), staff["owner"], "test")
    first, again = (owner.send(f"/settings/tokens/{token.id}/removal") for _ in range(2))
    assert "Revoked." in first.text
    assert ("There is no such token." in problem_of(again), "Revoked." in again.text) == (True, False)


def test_a_schedule_is_not_removed_while_it_has_holidays_of_its_own(browser, store):
    manager = browser("manager")
    schedules.put(store, "day", "daily 07:00-19:00", "test")
    for name, day, schedule in (
        ("of all", "2027-01-01", None), ("of one", "2027-01-01", "day"), ("of one too", "2027-01-02", "day"),
    ):  # fmt: skip
        holidays.add(store, holidays.New(name, day, schedule=schedule), "test")
    shown = manager.get("/settings/hours").text
    assert ("2 holidays of its own" in shown, "/settings/schedules/removal" in shown) == (True, False)
    refused = manager.send("/settings/schedules/removal", data={"name": "day"})
    assert "has holidays of its own: 2. Remove those first." in problem_of(refused)
    assert manager.ask("DELETE", "/api/v1/schedules/day").status_code == 409
    assert len(holidays.every(store)) == 3
    for one in holidays.every(store):
        if one.schedule:
            manager.send(f"/settings/holidays/{one.id}/removal")
    assert "/settings/schedules/removal" in manager.get("/settings/hours").text
    assert "Removed." in manager.send("/settings/schedules/removal", data={"name": "day"}).text
    assert [one.name for one in holidays.every(store)] == ["of all"]


@pytest.fixture
def holding(state, models_dir, staff):
    """A manager's browser at a gate with a relay that keeps it open."""
    one = Browser(create_app(context_on(state, models_dir, settings={"door": {"hold_pin": 27}})))
    assert one.sign_in("manager").status_code == 303
    return one


def test_free_access_is_by_hours(holding, store):
    schedules.put(store, "day", "daily 07:00-19:00", "test")
    assert "Saved." in holding.send("/settings/free-access", data={"schedule": "day"}).text
    assert schedules.free_schedule(store) == "day"
    assert "Saved." in holding.send("/settings/free-access", data={"schedule": ""}).text
    assert holding.ask("PUT", "/api/v1/free-access", json={"schedule": "day"}).status_code == 204
    assert schedules.free_schedule(store) == "day"
    # Without a door nothing is held.
    assert holding.send("/settings/free-access/hold").status_code == 422


def test_a_gate_that_nothing_keeps_open_has_no_free_access(browser, store):
    manager = browser("manager")
    schedules.put(store, "day", "daily 07:00-19:00", "test")
    refused = manager.send("/settings/free-access", data={"schedule": "day"})
    assert "no relay that keeps it open" in problem_of(refused)
    told = manager.ask("PUT", "/api/v1/free-access", json={"schedule": "day"})
    assert (told.status_code, "no relay that keeps it open" in told.json()["detail"]) == (409, True)
    assert schedules.free_schedule(store) is None
    assert manager.ask("PUT", "/api/v1/free-access", json={}).status_code == 204


def test_a_schedule_goes_when_nobody_has_it(holding, store):
    manager = holding
    assert manager.ask("PUT", "/api/v1/schedules/day", json={"windows": "daily 07:00-19:00"}).status_code == 204
    assert manager.ask("PUT", "/api/v1/free-access", json={"schedule": "day"}).status_code == 204
    used = manager.send("/settings/schedules/removal", data={"name": "day"})
    assert "in use: 1. Give those another first." in problem_of(used)
    assert manager.ask("PUT", "/api/v1/free-access", json={}).status_code == 204
    assert "Removed." in manager.send("/settings/schedules/removal", data={"name": "day"}).text
    assert schedules.every(store) == []


def test_no_error_empties_a_form(browser, store):
    owner, person = browser("owner"), residents.enrol(store, "Li Na", "1-101", [])
    for path, form, kept in (
        (
            "/settings/users",
            {"name": "Eve", "role": "guard", "password": "short"},
            ['value="Eve"', 'value="guard" checked'],
        ),
        ("/settings/tokens", {"name": "the lift"}, ['value="the lift"']),
        ("/settings/webhooks", {"url": "https://h/"}, ['value="https://h/"']),
        ("/settings/webhooks", {"url": "ftp://h/", "what": "alarms"}, ['value="ftp://h/"', 'value="alarms" checked']),
        ("/settings/groups", {"name": "cleaners", "schedule": "none such"}, ['value="cleaners"']),
        (
            f"/residents/{person.id}",
            {"known_as": "*", "name": "Li Nana", "unit": "1-102", "valid_from": "2027-02-01", "valid_until": "2027-01"},
            ['value="Li Nana"', 'value="1-102"', 'value="2027-02-01"'],
        ),
    ):  # fmt: skip
        wrong = owner.post(path, data=form)
        assert wrong.status_code == 422, path
        assert [one for one in kept if one not in wrong.text] == [], path


def test_a_name_that_is_too_long_is_refused_and_not_cut(browser, store):
    owner = browser("owner")
    form = {"name": "A" * 61, "role": "guard", "password": PASSWORD}
    assert "between 1 and 60" in problem_of(owner.send("/settings/users", data=form))
    assert "between 1 and 60" in problem_of(
        owner.send("/settings/tokens", data={"name": "A" * 61, "permissions": "live"})
    )
    assert len(accounts.users(store)) == 4
    assert accounts.tokens(store) == []
