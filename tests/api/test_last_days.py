"""A last day that is over when it is set, most likely with a wrong year: told in every way in, and counted for many."""

import re
from datetime import UTC, datetime, timedelta

import pytest

from gate.store.people import residents
from gate.store.people.changes import Changes, change
from tests.api.importing import until
from tests.api.test_together import hidden

GONE, COMING = "2025-01-31", "2099-01-31"
TOLD = "Their last day is over already: look whether the year is right."


@pytest.fixture
def wang(store):
    return residents.enrol(store, "Wang Min", "1-101", [])


def by_page(browser, facegate, one, day):
    form = {"known_as": "*", "name": one.name, "unit": one.unit, "valid_until": day}
    return browser.send(f"/residents/{one.id}", data=form).text


def by_page_for_many(browser, facegate, one, day):
    looked = browser.post("/residents/together", data={"deed": "last_day", "last_day": day, "resident": [one.id]})
    assert browser.post("/residents/together/done", data=hidden(looked)).status_code == 303
    return looked.text


def by_command(browser, facegate, one, day):
    return facegate("residents", "change", one.id, "--until", day).out


def by_command_for_many(browser, facegate, one, day):
    return facegate("residents", "together", "last_day", one.id, "--value", day, "--yes", "--count", "1").out


def by_import(browser, facegate, one, day):
    table = f"name,unit,until\n{one.name},{one.unit},{day}\n".encode()
    assert browser.post("/api/v1/imports", files={"files": ("t.csv", table, "text/csv")}).status_code == 202
    rehearsed = until(browser, "rehearsed")
    assert browser.post("/api/v1/imports/current/run", data={"key": rehearsed["key"]}).status_code == 202
    assert until(browser, "done")["lines"] == rehearsed["lines"]
    return rehearsed["lines"][0]["why"] or ""


@pytest.mark.parametrize("way", [by_page, by_page_for_many, by_command, by_command_for_many, by_import])
def test_it_is_told_in_every_way_in(browser, facegate, store, wang, way):
    manager = browser("manager")
    assert TOLD not in way(manager, facegate, wang, COMING)
    assert TOLD in way(manager, facegate, wang, GONE)
    assert residents.get(store, wang.id).valid_until == GONE


def test_a_program_is_told_so_too_and_what_was_there_before_is_no_slip(browser, store, wang):
    manager, where = browser("manager"), f"/api/v1/residents/{wang.id}"
    for day, over in ((COMING, False), (GONE, True), ("", False)):
        assert manager.ask("PATCH", where, json={"valid_until": day}).json()["over"] is over
        asked = {"deed": "last_day", "residents": [wang.id], "value": day}
        assert manager.post("/api/v1/residents/together", json=asked).json()["over"] is over
    change(store, wang, Changes(valid_until=GONE), by="test")
    form = {"known_as": "*", "name": "Wang Min", "unit": "1-102", "valid_until": GONE}
    assert TOLD not in manager.send(f"/residents/{wang.id}", data=form).text


def test_of_more_than_ten_nobody_is_shut_out_without_their_number(browser, store, facegate):
    everyone = [residents.enrol(store, f"Person {number}", "9-557", []).id for number in range(11)]
    manager = browser("manager")
    asked = {"deed": "last_day", "residents": everyone, "value": GONE}
    refused = manager.post("/api/v1/residents/together", json=asked)
    assert (refused.status_code, "their number is 11" in refused.json()["detail"]) == (409, True)
    looked = manager.post("/residents/together", data={"deed": "last_day", "last_day": GONE, "everyone": "1"})
    assert 'name="count"' in looked.text
    unsaid = manager.post("/residents/together/done", data=hidden(looked))
    assert "say so in “Type how many they are”. Nobody was changed." in unsaid.text
    command = ("residents", "together", "last_day", "--unit", "9-557", "--value", GONE)
    assert "Do it with --yes --count 11." in facegate(*command).out
    assert "say so in “--count”" in facegate(*command, "--yes").err
    assert not any(one.valid_until for one in residents.every(store))
    assert manager.post("/api/v1/residents/together", json=asked | {"value": COMING}).status_code == 200
    assert manager.post("/api/v1/residents/together", json=asked | {"count": 11}).status_code == 200


def test_the_pages_say_of_whom_no_hours_hold_any_more_or_yet(browser, store, wang):
    manager, where = browser("manager"), f"/residents/{wang.id}"
    assert "Let in now: at any time" in manager.get(where).text
    change(store, wang, Changes(valid_from=COMING), by="test")
    assert "Let in now: not before Jan 31, 2099, at any time" in manager.get(where).text
    change(store, wang, Changes(valid_from="", valid_until=GONE), by="test")
    store.execute("UPDATE residents SET valid_until_set_on = NULL")
    for page in (where, "/residents", "/homes/1-101"):
        shown = manager.get(page).text
        assert "no longer: the last day was Jan 31, 2025" in shown, page
        assert not re.search(r"at any time\s*<", shown.replace("as their group, else at any time", "")), page
    for page in (where, "/residents"):
        assert "They will be erased in the coming night, since their last day is over." in manager.get(page).text
        assert f"erased on {GONE}" not in manager.get(page).text


def test_a_last_day_of_today_is_named_at_once_on_the_page_of_whoever_leaves(browser, app, wang):
    manager, today = browser("manager"), app.state.context.today
    by_page(manager, None, wang, today.isoformat())
    shown = manager.get(f"/residents/{wang.id}").text
    # As long as the last day and the day on which it was set say: 31 nights from the later one.
    gone = max(today, datetime.now(UTC).date()) + timedelta(days=31)
    assert f"They will be erased on {gone:%b %-d, %Y}, since their last day is over" in shown
    assert "1 is to be erased soon" in manager.get("/residents").text
