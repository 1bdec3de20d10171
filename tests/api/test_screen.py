"""The screen at the gate, and looking through its camera."""

import time

import pytest

from api.app import create_app
from api.wording import SCREEN, SCREEN_REASONS
from gate.door.signals import Signal, signal_of_reason
from gate.store.ids import new_id
from gate.store.people import residents
from gate.store.people.consents import NO_PERSON
from gate.store.people.templates import Template
from gate.vocabulary import Reason
from tests.api.test_health import wait_for
from tests.console import Browser, context_on
from tests.door import door_process


def test_it_is_for_the_gates_own_machine_or_a_token(browser):
    assert browser(address="127.0.0.1").get("/gate").status_code == 200
    assert browser(address="::1").get("/gate/now").status_code == 200
    proxied = browser(address="127.0.0.1")
    proxied.headers |= {"x-forwarded-for": "203.0.113.7"}
    assert proxied.get("/gate").headers["location"] == "/sign-in"
    for path in ("/gate", "/gate/now", "/gate/live"):
        assert browser().get(path).headers["location"] == "/sign-in"
    assert browser("guard").get("/gate/now").status_code == 200
    assert browser("auditor").get("/gate/now").status_code == 403


def test_every_signal_and_every_refusal_has_words():
    assert set(SCREEN) == {signal.value for signal in Signal}
    for reason in Reason:
        assert reason in SCREEN_REASONS or signal_of_reason(reason).value in SCREEN


def test_a_dead_door_is_told_to_whoever_stands_there(browser):
    screen = browser(address="127.0.0.1")
    said = screen.get("/gate/now").json()
    assert (said["signal"], said["words"]) == ("fault", "The gate cannot see you")
    assert screen.get("/gate/now", headers={"accept-language": "zh-CN"}).json()["advice"] == "请走其他通道"


@pytest.mark.parametrize(
    ("reason", "words"),
    [("unknown", "Not known here"), ("too_far", "Please come closer"), ("turned_away", "Please look at the camera")],
)
def test_a_refusal_says_what_helps_and_is_over_after_a_while(browser, state, reason, words):
    screen = browser(address="127.0.0.1")
    with door_process(state) as (_, door):
        assert screen.get("/gate/now").json()["words"] == "Welcome"
        claim = {"do": "claim", "id": "c", "track": 1, "taken_mono": time.monotonic(), "resident": None,
                 "reason": reason, "frames": 3, "similarity": None}  # fmt: skip
        assert door.ask(claim)["reason"] == reason
        assert screen.get("/gate/now").json()["words"] == words
        wait_for(lambda: screen.get("/gate/now").json()["words"] == "Welcome")


def test_without_a_camera_nobody_is_shown_anything_and_the_look_is_on_record(browser, store):
    from gate.store.record import audit

    for who, path in (("guard", "/camera.jpg?first=1"), ("manager", "/camera/checks?first=1")):
        answer = browser(who).get(path)
        assert answer.status_code == 503
        assert "Vision does not answer" in answer.text
    assert [line.details["what"] for line in audit.lines(store) if line.kind == "looked_at"] == ["the camera"] * 2


def claim_for(door, resident, reason=None):
    return door.ask(
        {"do": "claim", "id": new_id(), "track": 1, "taken_mono": time.monotonic(), "resident": resident,
         "reason": reason, "frames": 3, "similarity": 0.9}
    )  # fmt: skip


@pytest.mark.parametrize("allowed", [False, True])
def test_it_greets_by_name_only_where_the_settings_say_so(state, store, models_dir, allowed):
    someone, another = (
        residents.enrol(store, name, None, [Template("m", "s", {}, b"")], NO_PERSON) for name in ("Wang Fang", "Li Na")
    )
    context = context_on(state, models_dir, settings={"screen": {"name": allowed}})
    screen = Browser(create_app(context), address="127.0.0.1")
    with door_process(state, pulse_s=2.0, max_pulse_s=3.0) as (_, door):
        assert claim_for(door, someone.id)["granted"]
        assert screen.get("/gate/now").json()["words"] == ("Welcome home, Wang Fang" if allowed else "Welcome home")
        assert claim_for(door, another.id)["granted"]
        assert not claim_for(door, None, "unknown")["granted"]
        said = screen.get("/gate/now", headers={"accept-language": "zh-CN"}).json()
        assert said["signal"] == "grant"
        assert said["words"].endswith("Wang Fang、Li Na") is allowed
        wait_for(lambda: screen.get("/gate/now").json()["signal"] == "ready")
        # Somebody opens by the console: nobody is greeted by the name of whoever came before.
        wait_for(lambda: door.ask({"do": "open"})["granted"])
        assert "Wang" not in screen.get("/gate/now").text


def test_the_words_for_somebody_unknown_can_be_the_sites_own(state, store, models_dir):
    words = {"screen": {"name": False, "unknown": "Visitors, please ring 8001", "unknown_advice": "The guard opens"}}
    screen = Browser(create_app(context_on(state, models_dir, settings=words)), address="127.0.0.1")
    with door_process(state) as (_, door):
        claim_for(door, None, "unknown")
        said = screen.get("/gate/now").json()
        assert (said["words"], said["advice"]) == ("Visitors, please ring 8001", "The guard opens")
        claim_for(door, None, "out_of_hours")
        assert screen.get("/gate/now").json()["words"] == "Outside your hours"


def test_without_vision_there_is_no_silhouette(browser):
    assert browser(address="127.0.0.1").get("/gate/silhouette").json() == {"face": None}
    assert browser().get("/gate/silhouette").headers["location"] == "/sign-in"
