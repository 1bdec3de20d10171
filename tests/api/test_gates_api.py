"""The gates of a compound over the API of its centre: how each is, and orders to their doors."""

from contextlib import closing
from datetime import UTC, datetime, timedelta

import pytest

from api.app import create_app
from gate.fleet.centre_status import CentreStatus, GateStatus, write_status
from gate.fleet.state import GateState
from gate.store.compound import door_orders, gates, role, succession
from gate.store.compound.door_orders import Answered
from gate.store.compound.gates import Gate
from gate.store.database import open_database
from gate.store.site import accounts
from gate.store.site.accounts import Role
from tests.console import PASSWORD, context_on, signed_in
from tests.door import events

CENTRE = {"gate": "Office", "centre": {"enabled": True}, "camera": {"source": ""}}


@pytest.fixture
def store(store):
    role.become_centre(store)
    for identity, name in (("n", "North"), ("e", "East")):
        box = identity.encode() * 32
        gates.add(store, Gate(identity, name, f"U{identity}", box, box, "2026-11-27T08:00:00+00:00"))
    return store


@pytest.fixture
def console(state, store):
    """A function that gives somebody of the staff, signed in at the centre."""
    app = create_app(context_on(state, settings=CENTRE))
    hashed = app.state.context.passwords.hashed(PASSWORD)
    accounts.add_owner(store, "owner", hashed)
    for one in (Role.MANAGER, Role.AUDITOR, Role.GUARD):
        accounts.add_user(store, one.value, hashed, one, "test")
    return lambda name: signed_in(app, name)


def at(ago_s):
    return (datetime.now(UTC) - timedelta(seconds=ago_s)).isoformat(timespec="seconds")


def test_each_gate_is_told_as_it_said_that_it_is(console, state):
    north = GateState(version="0.9", mode="lockdown", leaf="closed", standing=("lockdown",), troubles=("disk",))
    heard = {
        "n": GateStatus(at(2), False, 3, 0, state=north, state_at=at(2)),
        "e": GateStatus(at(300), True, 2, 0),
    }
    write_status(state, CentreStatus(at(0), 1, 3, True, 0, heard))
    here, *others = console("guard").get("/api/v1/gates").json()
    assert (here["name"], here["here"], here["reached"], here["door"]) == ("Office", True, False, None)
    told = {one["name"]: one for one in others}
    assert list(told) == ["East", "North"]
    assert (told["North"]["reached"], told["North"]["up_to_date"], told["North"]["version"]) == (True, True, "0.9")
    assert told["North"]["door"] == {"mode": "lockdown", "leaf": "closed", "standing": ["lockdown"], "faults": []}
    assert told["North"]["troubles"] == ["disk"]
    assert (told["East"]["reached"], told["East"]["up_to_date"], told["East"]["door"]) == (False, False, None)


def test_an_order_is_for_the_gates_that_are_named_and_says_what_each_answered(console, store):
    guard = console("guard")
    made = guard.post("/api/v1/gates/orders", json={"what": "lockdown", "gates": ["n"]})
    assert made.status_code == 201
    order = made.json()
    assert (order["what"], order["gates"], order["holds"]) == ("lockdown", {"n": None}, True)
    assert order["by"].startswith("user ")
    door_orders.keep(store, "n", [Answered(door_orders.due(store, "n")[0].id, "done")])
    assert guard.get(f"/api/v1/gates/orders/{order['number']}").json()["gates"] == {"n": "done"}
    assert [one["number"] for one in guard.get("/api/v1/gates/orders").json()] == [order["number"]]
    assert guard.get("/api/v1/gates/orders/99").status_code == 404


def test_without_names_it_is_for_all_and_the_centres_own_door_that_is_not_there_says_so(console, state):
    guard = console("guard")
    (own,) = (one["id"] for one in guard.get("/api/v1/gates").json() if one["here"])
    order = guard.post("/api/v1/gates/orders", json={"what": "release"}).json()
    assert order["gates"] == {own: "silent", "n": None, "e": None}
    (line,) = (line for line in events(state) if line.kind == "gates_ordered")
    assert line.details["order"] == "lockdown_over"


@pytest.mark.parametrize(
    ("asked", "status"),
    [
        ({"what": "lockdown", "gates": []}, 422),
        ({"what": "lockdown", "gates": ["n", "west"]}, 404),
        ({"what": "hold", "gates": ["n"]}, 422),
        ({"what": "lockdown", "gates": ["n"] * 1001}, 422),
        ({"what": "lockdown", "gate": "n"}, 422),
    ],
)
def test_what_cannot_be_meant_orders_nothing(console, store, asked, status):
    assert console("guard").post("/api/v1/gates/orders", json=asked).status_code == status
    assert door_orders.newest(store) == 0


def test_who_may_not_open_gates_orders_nothing_and_reads_nothing(console, store):
    auditor = console("auditor")
    assert auditor.get("/api/v1/gates").status_code == 403
    assert auditor.post("/api/v1/gates/orders", json={"what": "lockdown"}).status_code == 403
    assert door_orders.newest(store) == 0


def test_one_that_is_sent_twice_is_given_once_and_one_that_is_late_not_at_all(console, store):
    guard, key = console("guard"), {"idempotency-key": "k"}
    first = guard.post("/api/v1/gates/orders", json={"what": "lockdown", "gates": ["n"]}, headers=key)
    again = guard.post("/api/v1/gates/orders", json={"what": "lockdown", "gates": ["n"]}, headers=key)
    assert again.json() == first.json()
    assert guard.post("/api/v1/gates/orders", json={"what": "release"}, headers=key).status_code == 409
    late = guard.post("/api/v1/gates/orders", json={"what": "release"}, params={"given": 0})
    assert (late.status_code, "too late" in late.json()["detail"]) == (409, True)
    assert door_orders.newest(store) == first.json()["number"]


def test_where_another_centre_leads_nothing_is_ordered(console, store):
    succession.stand_down(store, 10)
    answer = console("guard").post("/api/v1/gates/orders", json={"what": "lockdown"})
    assert (answer.status_code, "order it there" in answer.json()["detail"]) == (409, True)
    assert door_orders.newest(store) == 0


def test_a_gate_that_is_no_centre_says_so(state, tmp_path):
    alone = create_app(context_on(tmp_path / "alone", settings={"camera": {"source": ""}}))
    with closing(open_database(tmp_path / "alone")) as store:
        accounts.add_owner(store, "owner", alone.state.context.passwords.hashed(PASSWORD))
    owner = signed_in(alone, "owner")
    answer = owner.get("/api/v1/gates")
    assert (answer.status_code, answer.json()["detail"]) == (404, "This machine is not the centre of a compound.")
    assert owner.post("/api/v1/gates/orders", json={"what": "lockdown"}).status_code == 404
