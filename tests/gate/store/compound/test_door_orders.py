"""Orders to the doors of several gates: what holds for how long, what takes whose place, and that each is done once."""

from contextlib import closing
from dataclasses import replace

import pytest

from gate.store.compound import centre_orders, door_orders, gates, recovery, role
from gate.store.compound.door_orders import Answered, Came, DoorOrder
from gate.store.compound.gates import Gate
from gate.store.database import transaction
from gate.store.record import audit
from gate.vocabulary import AuditEvent, Kind
from tests.stores import new_store

WHO = "user 01999999-0000-7000-8000-000000000000"


@pytest.fixture
def centre():
    """The store of a centre that two gates follow."""
    with closing(new_store()) as made:
        for number, name in enumerate(("north", "south")):
            box = bytes([number]) * 32
            gates.add(made, Gate(name, name.title(), f"U{number}", box, box, "2026-05-01T00:00:00+00:00"))
        yield made


@pytest.fixture
def gate():
    """The store of a gate that follows."""
    with closing(new_store()) as made:
        role.follow(made, bytes(16), "centre", by="test")
        yield made


def give(centre, what, *only):
    whom = [one for one in gates.every(centre) if not only or one.id in only]
    return door_orders.give(centre, what, whom, by=WHO, name="Li", here=None)


def later(centre, seconds):
    """As if all orders had been given so much earlier."""
    with transaction(centre):
        centre.execute("UPDATE door_orders SET given_mono = given_mono - ?", (seconds,))
        centre.execute(
            "UPDATE door_orders SET given_at = strftime('%Y-%m-%dT%H:%M:%S+00:00', given_at, ?)",
            (f"-{seconds} seconds",),
        )


def offered(centre, name):
    return [(one.what, one.waited) for one in door_orders.due(centre, name)]


def test_to_open_once_holds_for_seconds_a_lockdown_until_it_is_ended_and_the_end_for_a_day(centre):
    give(centre, DoorOrder.OPEN, "north")
    give(centre, DoorOrder.LOCKDOWN)
    assert offered(centre, "north") == [(DoorOrder.OPEN, False), (DoorOrder.LOCKDOWN, False)]
    later(centre, door_orders.AT_ONCE_S + 1)
    assert offered(centre, "north") == [(DoorOrder.LOCKDOWN, True)]
    later(centre, 30 * 24 * 3600)
    assert offered(centre, "north") == [(DoorOrder.LOCKDOWN, True)]
    give(centre, DoorOrder.RELEASE, "north")
    assert offered(centre, "north") == [(DoorOrder.RELEASE, False)]
    assert offered(centre, "south") == [(DoorOrder.LOCKDOWN, True)]
    later(centre, 23 * 3600)
    assert offered(centre, "north") == [(DoorOrder.RELEASE, True)]
    later(centre, 2 * 3600)
    assert offered(centre, "north") == []


def test_what_a_gate_answered_is_not_offered_again_and_is_shown_with_the_others(centre):
    number = give(centre, DoorOrder.LOCKDOWN)
    (one,) = door_orders.due(centre, "north")
    door_orders.keep(centre, "north", [Answered(one.id, Came.DONE), Answered("another", "done")])
    assert (offered(centre, "north"), len(offered(centre, "south"))) == ([], 1)
    (given,) = door_orders.lately(centre, 5)
    assert (given.number, given.outcomes, given.holds) == (number, {"north": "done", "south": None}, True)
    assert door_orders.newest(centre) == number
    (line,) = (line for line in audit.lines(centre) if line.kind == Kind.GATES_ORDERED)
    assert line.details == {"order": "lockdown", "gates": "North, South", "by": WHO}


def test_a_gate_does_each_once_while_the_centre_has_just_said_that_it_holds(centre, gate):
    give(centre, DoorOrder.OPEN, "north")
    orders = door_orders.due(centre, "north")
    centre_orders.take(gate, orders, 100.0)
    assert centre_orders.due(gate, 99.0) == []
    (due,) = centre_orders.due(gate, 100.0 + centre_orders.HOLDS_S)
    assert (due.what, due.by) == (DoorOrder.OPEN, f"{WHO} at the centre")
    assert centre_orders.due(gate, 100.1 + centre_orders.HOLDS_S) == []
    # It is asked for anew, and holds again.
    centre_orders.take(gate, orders, 110.0)
    assert [one.id for one in centre_orders.due(gate, 110.0)] == [due.id]
    centre_orders.answer(gate, due.id, Came.DONE)
    centre_orders.take(gate, orders, 111.0)
    assert centre_orders.due(gate, 111.0) == []
    assert centre_orders.untold(gate) == (Answered(due.id, "done"),)
    centre_orders.told(gate, centre_orders.untold(gate))
    assert centre_orders.untold(gate) == ()


def test_what_the_centre_offers_no_more_is_void_and_said_to_be(centre, gate):
    give(centre, DoorOrder.LOCKDOWN)
    (first,) = orders = door_orders.due(centre, "north")
    centre_orders.take(gate, orders, 100.0)
    give(centre, DoorOrder.RELEASE)
    centre_orders.take(gate, door_orders.due(centre, "north"), 101.0)
    assert [one.what for one in centre_orders.due(gate, 101.0)] == [DoorOrder.RELEASE]
    assert centre_orders.untold(gate) == (Answered(first.id, "void"),)
    # Whoever follows another centre, or none, owes this one nothing.
    role.leave(gate, by="test")
    assert not centre_orders.wait(gate)


def test_whose_lockdown_it_is_tells_the_record(gate):
    def ordered(what, by, reason=None):
        audit.append(gate, AuditEvent(Kind.ORDERED, {"order": what, "by": by, "reason": reason}))

    assert not centre_orders.is_the_centres(gate)
    ordered("lockdown", f"{WHO} at the centre through uid 7")
    ordered("lockdown_over", "uid 0")
    assert centre_orders.is_the_centres(gate)
    ordered("lockdown", "uid 0", "stale")
    assert centre_orders.is_the_centres(gate)
    ordered("lockdown", f"{WHO} through uid 7")
    assert not centre_orders.is_the_centres(gate)


def test_a_gate_that_is_away_is_to_lock_down_however_many_orders_came_since(centre):
    give(centre, DoorOrder.LOCKDOWN, "north")
    for _ in range(210):
        give(centre, DoorOrder.OPEN, "south")
    assert offered(centre, "north")[0] == (DoorOrder.LOCKDOWN, False)
    give(centre, DoorOrder.RELEASE, "north")
    give(centre, DoorOrder.OPEN, "south")
    assert [one.what for one in door_orders.lately(centre, 1000)].count(DoorOrder.LOCKDOWN) == 0


def test_a_gate_that_was_taken_away_is_not_locked_down_by_an_order_of_before_when_it_joins_again(centre):
    (north,) = [one for one in gates.every(centre) if one.id == "north"]
    give(centre, DoorOrder.LOCKDOWN)
    gates.remove(centre, north, by="test")
    give(centre, DoorOrder.RELEASE)
    gates.add(centre, replace(north, nkey="U9"))
    assert offered(centre, "north") == []


def test_a_centre_that_came_back_from_a_backup_gives_no_order_of_before(centre):
    role.become_centre(centre)
    give(centre, DoorOrder.RELEASE)
    give(centre, DoorOrder.LOCKDOWN, "south")
    with closing(new_store()) as backup:
        centre.backup(backup)
        assert recovery.begin(backup, centre)
        assert (offered(backup, "north"), offered(backup, "south")) == ([], [])
