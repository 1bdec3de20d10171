"""`facegate door`, from the door's own machine."""

import pytest

from gate.door.pins import JOURNAL_NAME, read_journal
from tests.door import FIRE, HOLD, door_process, until
from tests.said import answering

pytestmark = pytest.mark.whole


def test_relay_off_needs_no_running_door(facegate, state):
    (state / "run" / "door").mkdir(parents=True)
    (state / "run" / "door" / JOURNAL_NAME).write_text('{"mono": 1.0, "pin": "GPIO17", "level": true, "pid": 1}\n')
    done = facegate("door", "relay-off", "--json")
    assert (done.code, done.answer["by"]) == (0, "claiming its pin")
    assert read_journal(state / "run" / "door" / JOURNAL_NAME)[1]["level"] is False


def test_the_door_from_its_own_machine(facegate, state):
    with door_process(state, pulse_s=0.5, min_interval_s=60):
        assert "mode: normal" in facegate("door", "status").out
        assert facegate("door", "open").out == "The door opens.\n"
        again = facegate("door", "open", "--json")
        assert (again.code, again.err.strip()) == (1, "The door did not open: the gate was busy.")
        told = {"opened": False, "reason": "busy", "error": again.err.strip()}
        assert (again.answer, len(again.out.splitlines())) == (told, 1)
        assert facegate("door", "relay-off").out == "The relay is off, by the running door.\n"


def test_a_door_that_refuses_or_is_not_understood_is_never_taken_for_done(facegate, state):
    refusal = {"granted": False, "reason": "wrong_peer"}
    with answering(state, "door", refusal):
        for command in (("door", "open"), ("door", "lockdown"), ("door", "relay-off")):
            done = facegate(*command)
            assert (done.code, "sent by a program without permission." in done.err) == (1, True), command
        status = facegate("door", "status")
        assert (status.code, "not what was asked for (wrong_peer)" in status.err) == (2, True)
        assert "The gate is running" in facegate("restore", state / "some.tar.gz", "--yes").err
    with answering(state, "door", {"released": "of another version"}):
        assert "not what was asked for" in facegate("door", "open").err
        assert "not what was asked for" in facegate("door", "relay-off").err


def test_a_door_from_before_an_upgrade_that_lets_its_relay_go_is_understood(facegate, state):
    with answering(state, "door", {"released": True}):
        assert facegate("door", "relay-off").out == "The relay is off, by the running door.\n"


def test_closing_from_the_command_line_ends_a_hold_alone(facegate, state):
    with door_process(state, hold_pin=HOLD):
        for order in ("hold", "lockdown", "close"):
            assert facegate("door", order).code == 0
        assert facegate("door", "open").err.strip() == "The door did not open: lockdown."
        assert facegate("door", "status", "--json").answer["standing"] == ["lockdown"]


def test_what_is_ordered_in_a_fire_is_told_by_the_command_as_what_comes_after_it(facegate, state):
    with door_process(state, hold_pin=HOLD, fire_pin=FIRE) as (_, door):
        until(door, mode="fire")
        for order, told in (("lockdown", "It is locked down when"), ("hold", "It is held open when")):
            assert facegate("door", order).out.startswith(f"It is a fire: the gate stays open. {told} the fire is over")
        assert facegate("door", "release").out == "Released.\n"


def test_lockdown_hold_and_release_from_the_command_line(facegate, state):
    with door_process(state):
        assert facegate("door", "lockdown").code == 0
        refused = facegate("door", "open")
        assert (refused.code, refused.err.strip()) == (1, "The door did not open: lockdown.")
        assert facegate("door", "release").code == 0
        held, why = facegate("door", "hold", "--json"), "The door refused: there is no hold relay."
        assert (held.code, held.err.strip(), len(held.out.splitlines())) == (1, why, 1)
        assert held.answer == {"done": False, "reason": "no_hold_relay", "error": why}
        assert facegate("door", "open").code == 0
