"""What the api of a gate does for the centre that it follows: how the gate is, in few words, and orders to its door."""

import time
from dataclasses import replace

import pytest

from api.for_centre import carry_out_what_is_due, state_of
from gate.care.health import LOW_DISK, Health, Machine
from gate.processes.status import DoorStatus
from gate.store.compound import centre_orders
from gate.store.compound.door_orders import Answered, DoorOrder, Offered
from tests.console import context_on
from tests.door import door_process, drive, events, until
from tests.running import wait_for

WELL = Machine(40.0, None, 10 * LOW_DISK, None, True)
DOOR = DoorStatus(
    mode="manual_hold", leaf="held_open", standing=("manual_hold",), faults=("tamper",), signal=None, relay=False,
    hold_relay=True, inputs={}, exit_pressed=False, lock="momentary", pid=1, clock_trusted=True, unwritten_events=0,
    lost_events=0, last_write_age_s=None, store_fault=None,
)  # fmt: skip
WHO = "user 01999999-0000-7000-8000-000000000000"


def test_how_a_gate_is_is_said_in_words_and_what_is_wrong_with_it_without_a_name():
    well = state_of("2", Health(DOOR, None, WELL, by_face=False), DOOR, 0.0)
    assert (well.version, well.mode, well.leaf, well.standing) == ("2", "manual_hold", "held_open", ("manual_hold",))
    assert (well.faults, well.troubles) == (("tamper",), ())
    worn = Machine(90.0, True, LOW_DISK - 1, None, False)
    door = replace(DOOR, code_fault="/etc/secret is gone", store_fault="no room", residents=("r1",))
    ill = state_of("2", Health(door, None, worn, by_face=True), door, 0.0)
    assert ill.troubles == ("codes", "record", "vision", "clock", "disk", "heat", "power")
    silent = state_of("2", Health(None, None, WELL, by_face=False), None, 0.0)
    assert (silent.mode, silent.troubles) == (None, ("door",))


@pytest.fixture
def context(state):
    return context_on(state, settings={"camera": {"source": ""}})


def take(store, *what, waited=False):
    """The centre has just said that these hold."""
    orders = [Offered(f"o{number}", one, WHO, "Li", "2026-05-04", waited) for number, one in enumerate(what)]
    centre_orders.take(store, orders, time.monotonic())


def test_a_silent_door_is_said_of_what_is_over_at_once_and_tried_again_for_what_stands(store, state, context):
    take(store, DoorOrder.OPEN, DoorOrder.LOCKDOWN)
    carry_out_what_is_due(context)
    assert centre_orders.untold(store) == (Answered("o0", "silent"),)
    assert [one.id for one in centre_orders.due(store, time.monotonic())] == ["o1"]
    with door_process(state) as (_, door):
        take(store, DoorOrder.OPEN, DoorOrder.LOCKDOWN)
        carry_out_what_is_due(context)
        assert centre_orders.untold(store) == (Answered("o0", "silent"), Answered("o1", "done"))
        ordered = [(line.kind, line.details["by"].split(" through ")[0]) for line in _ordered(state)]
        assert ordered == [("ordered", f"{WHO} at the centre")]
        assert door.ask({"do": "status"})["mode"] == "lockdown"


def test_a_late_end_lifts_the_centres_lockdown_and_no_other(store, state, context):
    with door_process(state) as (_, door):
        take(store, DoorOrder.RELEASE, waited=True)
        carry_out_what_is_due(context)
        assert centre_orders.untold(store) == (Answered("o0", "void"),)
        store.execute("DELETE FROM centre_orders")
        take(store, DoorOrder.LOCKDOWN)
        carry_out_what_is_due(context)
        _ordered(state)
        store.execute("DELETE FROM centre_orders")
        take(store, DoorOrder.RELEASE, waited=True)
        carry_out_what_is_due(context)
        assert centre_orders.untold(store) == (Answered("o0", "done"),)
        assert door.ask({"do": "status"})["mode"] == "normal"


@pytest.mark.parametrize("waited", [False, True])
def test_a_late_end_of_the_centres_lockdown_ends_no_tamper_block_that_came_meanwhile(store, state, context, waited):
    with door_process(state, tamper_pin=22) as (_, door):
        drive(state, "GPIO22", 0)
        take(store, DoorOrder.LOCKDOWN)
        carry_out_what_is_due(context)
        _ordered(state)
        drive(state, "GPIO22", 1)
        until(door, standing=["lockdown", "tamper_block"])
        drive(state, "GPIO22", 0)
        store.execute("DELETE FROM centre_orders")
        take(store, DoorOrder.RELEASE, waited=waited)
        carry_out_what_is_due(context)
        assert centre_orders.untold(store) == (Answered("o0", "done"),)
        assert door.ask({"do": "status"})["standing"] == (["tamper_block"] if waited else [])


def test_an_order_that_was_begun_is_not_begun_again(store, context):
    take(store, DoorOrder.OPEN)
    centre_orders.answer(store, "o0", "unknown")
    carry_out_what_is_due(context)
    assert centre_orders.untold(store) == (Answered("o0", "unknown"),)


def _ordered(state):
    return wait_for(lambda: [line for line in events(state) if line.kind == "ordered"], 10)
