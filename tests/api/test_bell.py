"""Somebody rings at a real door: what the console shows, what answers it, and what is said at the gate."""

import re
import time

import pytest

from api.app import create_app
from gate.config import load_settings
from gate.errors import UsageError
from gate.processes.asking import present
from gate.store.ids import new_id
from gate.store.record import audit
from gate.vocabulary import Method, Presented
from tests.console import Browser, context_on, signed_in
from tests.door import claim, door_process, drive, until
from tests.running import wait_for

BELL = 7
TOUCHED = {"screen": {"bell_button": True}}
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


def test_the_button_on_the_screen_rings_once_and_is_gone_while_it_rings(staff, state, store):
    app = create_app(context_on(state, settings=TOUCHED))
    screen, guard = Browser(app, "127.0.0.1"), signed_in(app, "guard")
    with door_process(state, bell=True) as (_, door):
        page = screen.get("/gate", headers={"accept-language": "zh-CN"}).text
        assert re.search(r'<button type="button" id="ring" hidden>.*按铃', page)
        # All that there is to touch: it leads nowhere, and takes nothing.
        assert re.findall(r"<(?:a|form|input|select|textarea|button|summary|iframe)\b", page) == ["<button"]
        assert screen.get("/gate/now").json()["bell"] is True
        rung_now = screen.post("/gate/bell")
        assert (rung_now.status_code, rung_now.json()["bell"]) == (200, False)
        assert screen.get("/gate/now").json()["words"] == "Somebody was called"
        call = rung(door)
        assert call["by"] == "screen"
        assert "on the screen at the gate" in guard.get("/guard").text
        # Pressed over and over, it is one call; and opening ends it without another.
        for _ in range(3):
            screen.post("/gate/bell")
        assert rung(door) == call
        assert door.ask({"do": "open"})["granted"]
        until(door, bell=None)
        guard.post("/gate/bell")
        assert rung(door) is None
    assert [line.details for line in audit.lines(store) if line.kind == "bell"] == [
        {"call": call["id"], "rung": "screen"}
    ]


def test_whose_screen_elsewhere_rang_is_on_record(staff, state, store):
    app = create_app(context_on(state, settings=TOUCHED))
    with door_process(state, bell=True):
        signed_in(app, "guard").post("/gate/bell")
    (line,) = (line for line in audit.lines(store) if line.kind == "bell")
    assert line.details["by"].startswith("user ")


def test_a_screen_without_the_button_rings_nothing_and_no_other_site_does(staff, state, store):
    app = create_app(context_on(state))
    touched = create_app(context_on(state, settings=TOUCHED))
    with door_process(state, bell=True) as (_, door):
        plain = Browser(app, "127.0.0.1")
        assert 'id="ring"' not in plain.get("/gate").text
        assert plain.post("/gate/bell").json()["bell"] is False
        assert Browser(touched).post("/gate/bell").status_code == 303
        elsewhere = Browser(touched, "127.0.0.1").post("/gate/bell", headers={"sec-fetch-site": "cross-site"})
        assert elsewhere.status_code == 403
        assert rung(door) is None
    assert not [line for line in audit.lines(store) if line.kind == "bell"]


def test_a_button_on_the_screen_without_a_bell_is_refused(tmp_path):
    (tmp_path / "facegate.toml").write_text("[screen]\nbell_button = true\n", "utf-8")
    with pytest.raises(UsageError, match="set bell = true in the section door"):
        load_settings(tmp_path / "facegate.toml")
