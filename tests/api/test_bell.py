"""Somebody rings at a real door: what the console shows, what answers it, and what is said at the gate."""

import time

from gate.processes.asking import present
from gate.store.ids import new_id
from gate.store.record import audit
from gate.vocabulary import Method, Presented
from tests.door import claim, door_process, drive, until
from tests.running import wait_for

BELL = 7
RINGS = "Somebody rings at the gate"


def rung(door):
    return door.ask({"do": "status"})["bell"]


def ring(door):
    """`#` alone, as somebody without a PIN presses it."""
    assert present(door, Presented(new_id(), Method.PIN, "keypad", time.monotonic(), "#")).taken
    wait_for(lambda: rung(door) is not None)


def test_a_key_alone_rings_and_open_on_the_banner_answers_on_record(browser, state, store):
    guard, manager, auditor = (browser(role) for role in ("guard", "manager", "auditor"))
    with door_process(state, bell=True, freshness_s=5) as (_, door):
        assert RINGS not in guard.get("/guard").text
        ring(door)
        for page in (guard.get("/guard").text, manager.get("/").text, manager.get("/guard").text):
            assert RINGS in page
            assert "with the # key of the keypad" in page
        assert RINGS not in auditor.get("/events").text
        screen = browser(address="127.0.0.1")
        wait_for(lambda: screen.get("/gate/now").json()["words"] == "Somebody was called")
        call = rung(door)["id"]
        assert guard.post("/door/open", data={"to": "/guard"}).status_code == 303
        wait_for(lambda: rung(door) is None)
        assert RINGS not in guard.get("/guard").text
    told = [line for line in audit.lines(store) if line.kind in ("bell", "granted")]
    assert [line.kind for line in told] == ["bell", "granted"]
    assert (told[0].details["call"], told[1].details["answers"]) == (call, call)
    assert told[1].details["by"].startswith("user ")
    assert "answered the bell" in manager.get("/events?view=everything").text


def test_the_button_rings_and_so_does_who_is_unknown_three_times(state):
    with door_process(state, bell=True, bell_pin=BELL) as (_, door):
        drive(state, BELL, 0)
        wait_for(lambda: (rung(door) or {}).get("by") == "button")
    with door_process(state, bell=True) as (_, door):
        for number in range(3):
            assert rung(door) is None
            door.ask(claim(None, number) | {"reason": "unknown"})
        assert rung(door)["by"] == "face"


def test_without_the_setting_nothing_rings(state):
    with door_process(state, freshness_s=5) as (_, door):
        for number in range(4):
            door.ask(claim(None, number) | {"reason": "unknown"})
        assert present(door, Presented(new_id(), Method.PIN, "keypad", time.monotonic(), "#")).taken
        until(door, bell=None)
