"""Areas in the console and the API: made at a centre, chosen for people and groups, and nothing of them at a gate
alone."""

import pytest

from api.app import create_app
from gate.fleet.centre_status import CentreStatus, GateStatus, write_status
from gate.store.compound import gates, role
from gate.store.people import changes, residents
from gate.store.record import audit
from gate.store.site import areas, schedules
from gate.vocabulary import AuditEvent, Kind
from tests.api.test_ways_in_told import text_of
from tests.console import context_on, made_from, problem_of, signed_in

CENTRE = {"gate": "Office", "centre": {"enabled": True}, "camera": {"source": ""}}


@pytest.fixture
def app(state, store, enroller):
    """The console of a centre that North follows."""
    role.become_centre(store)
    gates.add(store, gates.Gate("n", "North", "U1", b"b" * 32, b"s" * 32, "2026-01-01"))
    return create_app(context_on(state, enroller=enroller, settings=CENTRE))


@pytest.fixture
def manager(browser):
    return browser("manager")


def own_id(store):
    return store.execute("SELECT id FROM gate").fetchone()[0]


def test_an_area_is_made_changed_and_removed_and_the_centre_s_own_door_is_one_of_the_gates(manager, store):
    page = manager.get("/settings/areas").text
    assert all(f'value="{gate}"' in page for gate in ("n", own_id(store)))
    assert "Office" in page
    said = manager.send("/settings/areas", data={"name": "Tower A", "gate": ["n", own_id(store), "gone"]})
    assert "Saved." in said.text
    (one,) = areas.every(store)
    assert (one.name, one.gates) == ("Tower A", {"n": "North", own_id(store): "Office"})
    form = manager.get("/settings/areas?change=Tower A").text
    assert form.count(" checked") == 2
    assert "at least one gate" in problem_of(manager.send("/settings/areas", data={"name": "Tower A", "gate": "gone"}))
    change = {"name": "Tower A", "changed": "Tower A", "gate": "n", "known_as": made_from(form)}
    # A new one of that name takes no gate from one that there is; a page of before changes no other one.
    new = manager.send("/settings/areas", data={"name": "Tower A", "gate": "n"})
    assert problem_of(new) == "There is Tower A already. Choose another name, or change that one."
    stale = manager.send("/settings/areas", data=change | {"known_as": "0" * 32})
    assert "Somebody else changed Tower A" in problem_of(stale)
    assert len(areas.every(store)[0].gates) == 2
    manager.send("/settings/areas", data=change | {"known_as": made_from(stale.text)})
    assert [one.gates for one in areas.every(store)] == [{"n": "North"}]
    assert "Removed." in manager.send("/settings/areas/removal", data={"name": "Tower A"}).text
    assert areas.every(store) == []
    told = text_of(manager.get("/events?what=everything"))
    assert "Area changed" in told
    assert "area Tower A" in told


def test_it_is_chosen_where_somebody_is_enrolled_on_their_page_and_for_a_group(manager, store):
    assert "Area" not in text_of(manager.get("/enrol"))
    areas.put(store, "Tower A", {"n": "North"}, "test")
    manager.send("/enrol", data={"name": "Wang Fang", "unit": "1-1", "area": "Tower A"})
    (fang,) = residents.every(store)
    assert (fang.area, fang.gates) == ("Tower A", ("n",))
    page = manager.get(f"/residents/{fang.id}").text
    assert '<option value="Tower A" selected>' in page
    assert "at any time, at North" in text_of(manager.get("/residents"))
    assert "at North" in text_of(manager.get(f"/residents/{fang.id}"))
    # A form that knows of no area changes none.
    form = {"known_as": "*", "name": "Wang Fang", "unit": "1-2"}
    manager.send(f"/residents/{fang.id}", data=form)
    assert residents.get(store, fang.id).area == "Tower A"
    manager.send(f"/residents/{fang.id}", data=form | {"area": "-"})
    assert residents.get(store, fang.id).gates is None
    manager.send("/settings/groups", data={"name": "Cleaners", "area": "Tower A"})
    manager.send("/settings/groups", data={"name": "Cleaners", "known_as": "*"})
    assert [one.area for one in schedules.groups(store)] == ["Tower A"]
    manager.send(f"/residents/{fang.id}", data=form | {"group": "Cleaners"})
    assert residents.get(store, fang.id).gates == ("n",)
    assert "in use: 1" in problem_of(manager.send("/settings/areas/removal", data={"name": "Tower A"}))
    manager.send("/settings/groups", data={"name": "Cleaners", "area": "-", "known_as": "*"})
    assert residents.get(store, fang.id).gates is None
    assert "no area Tower B" in problem_of(manager.send("/enrol", data={"name": "Li Na", "area": "Tower B"}))
    assert [one.name for one in residents.every(store)] == ["Wang Fang"]


def test_programs_make_areas_and_choose_them_and_an_earlier_one_takes_none_away(manager, store):
    assert manager.ask("PUT", "/api/v1/areas/Tower A", json={"gates": ["n"]}).status_code == 204
    assert manager.get("/api/v1/areas").json() == [{"name": "Tower A", "gates": {"n": "North"}, "used_by": 0}]
    for gate in ("North", "../n", "n\0", "x" * 65):
        assert manager.ask("PUT", "/api/v1/areas/Tower B", json={"gates": [gate]}).status_code == 422
    assert manager.ask("PUT", "/api/v1/areas/Tower B", json={"gates": []}).status_code == 422
    made = manager.post("/api/v1/residents", json={"name": "Wang Fang", "area": "Tower A"}).json()
    assert (made["area"], made["gates"]) == ("Tower A", ["n"])
    at = f"/api/v1/residents/{made['id']}"
    assert manager.ask("PATCH", at, json={"unit": "1-1"}).json()["area"] == "Tower A"
    assert manager.ask("DELETE", "/api/v1/areas/Tower A").status_code == 409
    assert manager.ask("PATCH", at, json={"area": ""}).json()["gates"] is None
    manager.ask("PUT", "/api/v1/groups/Cleaners", json={"schedule": None, "area": "Tower A"})
    manager.ask("PUT", "/api/v1/groups/Cleaners", json={"schedule": None})
    assert [one["area"] for one in manager.get("/api/v1/groups").json()] == ["Tower A"]
    # Given an area alone a group keeps its hours.
    manager.ask("PUT", "/api/v1/schedules/day", json={"windows": "Mon-Fri 7:00-19:00"})
    manager.ask("PUT", "/api/v1/groups/Cleaners", json={"schedule": "day"})
    manager.ask("PUT", "/api/v1/groups/Cleaners", json={"area": ""})
    assert [one["windows"] for one in manager.get("/api/v1/groups").json()] == ["Mon-Fri 7:00-19:00"]
    assert manager.ask("DELETE", "/api/v1/areas/Tower A").status_code == 204


def test_a_table_of_everyone_has_the_area_of_each_where_there_are_areas(manager, store):
    residents.enrol(store, "Wang Fang", None, ())
    assert "area" not in manager.get("/api/v1/exports/residents").text
    areas.put(store, "Tower A", {"n": "North"}, "test")
    changes.change(store, residents.every(store)[0], changes.Changes(area="Tower A"), by="test")
    heading, row = manager.get("/api/v1/exports/residents").text.splitlines()
    assert dict(zip(heading.split(","), row.split(","), strict=True))['"area"'] == '"Tower A"'


def test_the_page_names_gates_of_an_earlier_version(manager, state, store):
    heard = {"n": GateStatus("2026-01-01T00:00:00+00:00", False, 0, 0)}
    write_status(state, CentreStatus("2026-01-01T00:00:00+00:00", 1, 0, True, 0, heard))
    assert "knows no areas, runs at: North." in text_of(manager.get("/settings/areas"))


def test_a_refusal_is_told_with_its_reason_on_the_page_of_events(manager, store):
    areas.put(store, "Tower A", {"n": "North"}, "test")
    fang = residents.enrol(store, "Wang Fang", None, ())
    changes.change(store, fang, changes.Changes(area="Tower A"), by="test")
    who = {"resident": fang.id, "name": fang.name}
    audit.append(store, AuditEvent(Kind.DENIED, {"method": "pin", "reason": "not_this_gate"}, who, fang.id))
    told = text_of(manager.get("/events?what=refusals"))
    assert "not let in at this gate" in told


def test_a_gate_alone_shows_nothing_of_areas_and_one_that_follows_makes_none(state, store, staff, enroller):
    alone = create_app(context_on(state, enroller=enroller))
    manager = signed_in(alone, "manager")
    fang = residents.enrol(store, "Wang Fang", None, ())
    for path in ("/settings", "/settings/hours", "/enrol", "/residents", f"/residents/{fang.id}"):
        assert "area" not in text_of(manager.get(path)).lower().replace("areas of", ""), path
    assert manager.get("/settings/areas").status_code == 404
    assert manager.send("/settings/areas", data={"name": "A", "gate": own_id(store)}).status_code == 404
    assert manager.send("/settings/areas/removal", data={"name": "A"}).status_code == 404
    assert manager.ask("PUT", "/api/v1/areas/A", json={"gates": [own_id(store)]}).status_code == 404
    assert manager.ask("DELETE", "/api/v1/areas/A").status_code == 404
