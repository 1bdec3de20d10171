"""What whoever gives the door an order is told of it: what is so then, whatever else the gate does."""

from gate.store.record import audit
from tests.door import CONTACT, FIRE, HOLD, REX, door_process, drive, until

JSON = {"accept": "application/json"}


def said(who, order):
    return who.post(f"/door/{order}", headers=JSON).json()


def test_closing_ends_a_hold_and_nothing_that_another_ordered_since(browser, state, store):
    guard, manager = browser("guard"), browser("manager")
    with door_process(state, hold_pin=HOLD) as (_, door):
        guard.post("/door/hold")
        assert 'action="/door/close"' in guard.get("/guard").text
        assert 'action="/settings/free-access/close"' in manager.get("/settings/free-access").text
        door.ask({"do": "lockdown"})
        assert said(guard, "close") == {
            "said": "Holding open is ended.", "good": True,
            "modes": [
                "normal", "pulse", "extended_pulse", "egress", "free_access", "lockdown", "tamper_block", "fire",
                "fire_pause",
            ],
        }  # fmt: skip
        until(door, mode="lockdown", standing=["lockdown"])
        # Nor by the API or the page of free access, which asks before it ends more.
        assert manager.post("/api/v1/door/close").json() == {"mode": "lockdown"}
        assert "Holding open is ended." in manager.send("/settings/free-access/close").text
        assert "Yes, end it" in manager.get("/settings/free-access").text
        until(door, mode="lockdown", standing=["lockdown"])
        # What ended all of it ends it as ever.
        assert manager.post("/api/v1/door/release").json() == {"mode": "normal"}
    ordered = [line.details["order"] for line in audit.lines(store) if line.kind == "ordered"]
    assert ordered == ["hold", "lockdown", *["hold_over"] * 3, "lockdown_over", "hold_over", "tamper_block_over"]


def test_what_is_ordered_in_a_fire_is_told_as_what_comes_after_it(browser, state):
    guard = browser("guard")
    with door_process(state, hold_pin=HOLD, fire_pin=FIRE) as (_, door):
        drive(state, FIRE, 1)
        until(door, mode="fire")
        words = {order: said(guard, order) for order in ("open", "lockdown", "hold", "release")}
        assert {order: one["said"] for order, one in words.items()} == {
            "open": "The gate stands open already.",
            "lockdown": "It is a fire: the gate stays open. It is locked down when the fire is over.",
            "hold": "It is a fire: the gate stays open. It is held open when the fire is over, unless there is a"
            " lockdown or a tamper block then.",
            "release": "It is ended.",
        }  # fmt: skip
        assert words["lockdown"]["modes"] == words["hold"]["modes"] == ["fire", "fire_pause"]


def test_a_lockdown_while_somebody_leaves_is_told_as_what_comes_after_it(browser, state):
    guard = browser("guard")
    with door_process(state, rex_pin=REX, pulse_s=5.0, max_pulse_s=8.0) as (_, door):
        drive(state, REX, 0)
        until(door, mode="egress")
        assert said(guard, "lockdown")["said"].startswith("Somebody is leaving by the exit button.")


def test_a_hold_that_comes_while_somebody_leaves_a_barred_gate_is_refused_and_held_by_nobody(browser, state, store):
    guard, manager = browser("guard"), browser("manager")
    with door_process(state, rex_pin=REX, hold_pin=HOLD, pulse_s=5.0, max_pulse_s=8.0) as (_, door):
        guard.post("/door/lockdown")
        drive(state, REX, 0)
        until(door, mode="egress")
        refused = manager.post("/api/v1/door/hold")
        assert (refused.status_code, refused.json()["reason"]) == (409, "lockdown")
        told = said(guard, "hold")
        assert told["said"] == "The gate is not held open: there is a lockdown. End it first."
        assert (told["good"], told["modes"]) == (False, ["lockdown", "egress"])
        until(door, standing=["lockdown"])
    ordered = [line.details for line in audit.lines(store) if line.kind == "ordered"]
    assert [(one["order"], one["reason"]) for one in ordered[1:]] == [("hold", "lockdown")] * 2


def test_what_is_ended_is_told_without_a_word_of_what_else_the_gate_is(browser, state):
    guard = browser("guard")
    with door_process(state, contact_pin=CONTACT) as (_, door):
        drive(state, CONTACT, 0)
        until(door, leaf="shut")
        guard.post("/door/lockdown")
        drive(state, CONTACT, 1)
        until(door, leaf="forced")
        assert said(guard, "release")["said"] == "It is ended."
        assert "The gate was forced open" in guard.get("/guard").text
