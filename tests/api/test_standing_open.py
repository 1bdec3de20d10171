"""What a permission must not reach by a detour: who may not open the gate does not have its hours open it either."""

import pytest

from gate.store.people import residents
from gate.store.record import audit
from gate.store.site import holidays, schedules
from gate.vocabulary import AuditEvent
from tests.console import PASSWORD, Browser, context_on

ALWAYS = "Mon-Sun 00:00-24:00"


@pytest.fixture
def context(state, models_dir):
    return context_on(state, models_dir, settings={"door": {"hold_pin": 27}})


@pytest.fixture
def machine(app, browser):
    """A function that gives a program with a token that may do these things."""
    owner = browser("owner")
    assert owner.post("/confirm", data={"password": PASSWORD}).status_code == 303

    def with_token(*permissions):
        made = owner.post("/api/v1/tokens", json={"name": " ".join(permissions), "permissions": list(permissions)})
        one = Browser(app)
        one.headers = {"authorization": f"Bearer {made.json()['secret']}", "sec-fetch-site": "same-origin"}
        return one

    return with_token


def ways(store):
    """Each way to change when the gate stands open, by API and by page; `Day` is what free access goes by."""
    day = {"name": "Feast", "first_day": "2030-01-01"}
    of_all = holidays.add(store, holidays.New("For all", "2031-01-01"), "test")
    of_day = holidays.add(store, holidays.New("Of the day", "2031-01-01", schedule="Day"), "test")
    return (
        ("PUT", "/api/v1/free-access", {"json": {"schedule": "Night"}}),
        ("PUT", "/api/v1/free-access", {"json": {"schedule": None}}),
        ("PUT", "/api/v1/schedules/Day", {"json": {"windows": ALWAYS}}),
        ("DELETE", "/api/v1/schedules/Day", {}),
        ("POST", "/api/v1/holidays", {"json": day | {"schedule": "Day", "hours": "0:00-24:00"}}),
        ("POST", "/api/v1/holidays", {"json": day | {"hours": "0:00-24:00"}}),
        ("DELETE", f"/api/v1/holidays/{of_all}", {}),
        ("DELETE", f"/api/v1/holidays/{of_day}", {}),
        ("POST", "/settings/free-access", {"data": {"schedule": "Night"}}),
        ("POST", "/settings/schedules", {"data": {"name": " Day", "windows": ALWAYS}}),
        ("POST", "/settings/schedules/removal", {"data": {"name": "Day"}}),
        ("POST", "/settings/holidays", {"data": day | {"hours": "0:00-24:00"}}),
        ("POST", f"/settings/holidays/{of_all}/removal", {}),
        ("POST", f"/settings/holidays/{of_day}/removal", {}),
    )


def test_who_may_not_open_the_gate_changes_no_hours_by_which_it_stands_open(store, machine):
    for name in ("Day", "Night"):
        schedules.put(store, name, "Mon-Fri 07:00-19:00", "test")
    schedules.set_free_access(store, "Day", "test", can_hold=True)
    program, tried = machine("people"), ways(store)
    before = (schedules.every(store), schedules.free_schedule(store), holidays.every(store))
    for method, path, given in tried:
        answer = program.ask(method, path, **given)
        assert answer.status_code == 403 or (answer.status_code == 422 and path.startswith("/settings")), path
        assert "You may not do this" in answer.text, path
    assert (schedules.every(store), schedules.free_schedule(store), holidays.every(store)) == before


def test_residents_hours_are_changed_as_before_and_with_the_door_all_of_them(store, machine):
    for name in ("Day", "Night"):
        schedules.put(store, name, "Mon-Fri 07:00-19:00", "test")
    program = machine("people")
    feast = {"name": "Feast", "first_day": "2030-01-01"}
    assert program.ask("POST", "/api/v1/holidays", json=feast).status_code == 201
    schedules.set_free_access(store, "Day", "test", can_hold=True)
    assert program.ask("PUT", "/api/v1/schedules/Night", json={"windows": ALWAYS}).status_code == 204
    added = program.ask("POST", "/api/v1/holidays", json=feast | {"schedule": "Night"})
    assert added.status_code == 201
    assert program.ask("DELETE", f"/api/v1/holidays/{added.json()['id']}").status_code == 204
    assert program.ask("DELETE", "/api/v1/schedules/Night").status_code == 204
    both = machine("people", "door")
    assert both.ask("PUT", "/api/v1/schedules/Day", json={"windows": ALWAYS}).status_code == 204
    assert both.ask("PUT", "/api/v1/free-access", json={"schedule": None}).status_code == 204


def test_a_residents_page_shows_no_line_of_the_record_to_who_may_not_read_it(store, machine):
    li = residents.enrol(store, "Li Na", "3-1204", [])
    details = {"method": "face", "reason": "out_of_hours"}
    audit.append(store, AuditEvent("denied", details, {"resident": li.id, "name": "Li Na"}, li.id))
    assert "outside their hours" in machine("people", "record").get(f"/residents/{li.id}").text
    shown = machine("people").get(f"/residents/{li.id}")
    assert shown.status_code == 200
    assert "outside their hours" not in shown.text
