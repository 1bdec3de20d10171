"""The screen at the gate, and looking through its camera."""

import json
import socket
import time
from contextlib import contextmanager

import pytest

from api.app import create_app
from api.languages import Languages
from api.pages.screen_words import DOOR_GONE, SCREEN_GONE
from gate.processes.addresses import runtime_directory, socket_of
from gate.processes.fields import written
from gate.store.ids import new_id
from gate.store.people import residents
from gate.store.people.consents import NO_PERSON
from gate.store.people.templates import Template
from tests.console import Browser, context_on
from tests.door import TAMPER, door_process, drive, stopped, until
from tests.running import wait_for
from tests.said import answering, vision_says

CHINESE = Languages().chosen("zh-CN", "")


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


@pytest.fixture
def sighted(state):
    """Vision looks, as it does while all is well; changes to what it says of itself are made in this dict."""
    said = {}

    def sees(**changes):
        said.update(written(vision_says(last_frame_mono=time.monotonic() + 60, **changes)))

    sees()
    with answering(state, "vision", said):
        yield sees


def said_on(screen, **given):
    return screen.get("/gate/now", **given).json()


def test_a_dead_door_is_told_to_whoever_stands_there(browser, sighted):
    screen = browser(address="127.0.0.1")
    said = said_on(screen)
    assert (said["signal"], said["words"]) == ("fault", "Gate out of order")
    assert said_on(screen, headers={"accept-language": "zh-CN"})["advice"] == CHINESE(DOOR_GONE.advice)


def test_without_vision_or_its_camera_nobody_is_asked_to_look_into_it(browser, state, sighted):
    screen = browser(address="127.0.0.1")
    with door_process(state) as (_, door):
        assert said_on(screen)["words"] == "Welcome"
        sighted(camera_fault="The camera gives no pictures.")
        said = said_on(screen)
        assert (said["signal"], said["words"], said["symbol"]) == ("fault", "The gate cannot see", "no_camera")
        assert said["advice"] == "Please take another way in"
        # Who is let in by hand is told so all the same, and a lockdown is one.
        assert door.ask({"do": "open"})["granted"]
        assert said_on(screen)["words"] == "Welcome"
        door.ask({"do": "lockdown"})
        wait_for(lambda: said_on(screen)["words"] == "Locked for everyone")


def test_a_vision_that_is_gone_is_a_camera_that_is(browser, state):
    with door_process(state):
        assert said_on(browser(address="127.0.0.1"))["symbol"] == "no_camera"


@contextmanager
def hanging(state, process):
    """A process that is there and says nothing."""
    runtime_directory(state, process)
    address = socket_of(state, process)
    address.unlink(missing_ok=True)
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as silent:
        silent.bind(str(address))
        silent.listen()
        yield
    address.unlink()


# The page waits 1.3 s for an answer and asks every 0.7 s.
SAID_WITHIN_S = 1.2


def said_in_time(screen):
    began = time.monotonic()
    said = said_on(screen)
    assert time.monotonic() - began < SAID_WITHIN_S
    return said["words"]


def test_a_door_or_a_vision_that_hangs_is_told_before_the_page_loses_patience(browser, state, store):
    screen = browser(address="127.0.0.1")
    with door_process(state) as (process, _), hanging(state, "vision"):
        # Again and again: questions that were given up stand in the line of whoever hangs.
        for _ in range(4):
            assert said_in_time(screen) == "The gate cannot see"
        with stopped(process):
            for _ in range(4):
                assert said_in_time(screen) == "Gate out of order"
            assert "The door does not answer." in browser("guard").get("/guard?part=live").text
        wait_for(lambda: said_on(screen)["words"] == "The gate cannot see")


@pytest.mark.parametrize(
    ("reason", "words"),
    [("unknown", "Not known here"), ("too_far", "Please come closer"), ("turned_away", "Look at the camera")],
)
def test_a_refusal_says_what_helps_and_is_over_after_a_while(browser, state, sighted, reason, words):
    screen = browser(address="127.0.0.1")
    with door_process(state) as (_, door):
        assert said_on(screen)["words"] == "Welcome"
        assert claim_for(door, None, reason)["reason"] == reason
        assert reads(screen, door, words, None, reason)
        wait_for(lambda: said_on(screen)["words"] == "Welcome")


def resident_of(store):
    return residents.enrol(store, "Wang Fang", None, [Template("m", "s", {}, b"")], NO_PERSON).id


def reads(screen, door, words, *claim, **given):
    """Whether somebody who comes, and is refused, reads this; on a busy machine an answer may be over before a look."""
    wait_for(lambda: not claim_for(door, *claim, **given)["granted"] and said_on(screen)["words"] == words, 20, words)
    return True


def test_a_resident_in_a_lockdown_is_told_of_the_lockdown(browser, state, store, sighted):
    screen, someone = browser(address="127.0.0.1"), resident_of(store)
    with door_process(state) as (_, door):
        door.ask({"do": "lockdown"})
        for resident, reason in ((someone, None), (None, "unknown"), (None, "too_far")):
            assert not claim_for(door, resident, reason)["granted"]
            said = said_on(screen)
            assert (said["words"], said["symbol"], said["look"]) == ("Locked for everyone", "lock", "locked")


def test_a_resident_whom_the_gate_knows_reads_why_it_stays_shut(browser, state, store, sighted):
    screen, someone = browser(address="127.0.0.1"), resident_of(store)
    with door_process(state, min_interval_s=60.0) as (_, door):
        assert reads(screen, door, "No longer registered", new_id())
        assert reads(screen, door, "Once more, please", someone, taken_mono=time.monotonic() - 60)
        wait_for(lambda: claim_for(door, someone)["granted"], 20)
        until(door, mode="normal")
        assert reads(screen, door, "A moment, please", someone)


def test_a_resident_before_a_housing_that_was_opened_is_sent_to_the_guard(browser, state, store, sighted):
    screen, someone = browser(address="127.0.0.1"), resident_of(store)
    with door_process(state, tamper_pin=TAMPER) as (_, door):
        # Nothing holds its contact shut.
        until(door, mode="tamper_block")
        assert claim_for(door, someone)["reason"] == "tamper"
        assert said_on(screen)["words"] == "Please call the guard"
        drive(state, TAMPER, 0)
        wait_for(lambda: said_on(screen)["words"] == "The gate is blocked")
        assert not claim_for(door, someone)["granted"]
        assert said_on(screen)["words"] == "The gate is blocked"


def test_without_a_camera_nobody_is_shown_anything_and_the_look_is_on_record(browser, store):
    from gate.store.record import audit

    answer = browser("guard").get("/camera.jpg?first=1")
    assert answer.status_code == 503
    assert "Face recognition does not answer" in answer.text
    assert [line.details["what"] for line in audit.lines(store) if line.kind == "looked_at"] == ["the camera"]


def claim_for(door, resident, reason=None, **given):
    return door.ask(
        {"do": "claim", "id": new_id(), "track": 1, "taken_mono": time.monotonic(), "resident": resident,
         "reason": reason, "frames": 3, "similarity": 0.9, **given}
    )  # fmt: skip


@pytest.mark.parametrize("allowed", [False, True])
def test_it_greets_by_name_only_where_the_settings_say_so(state, store, models_dir, sighted, allowed):
    someone, another = (
        residents.enrol(store, name, None, [Template("m", "s", {}, b"")], NO_PERSON) for name in ("Wang Fang", "Li Na")
    )
    context = context_on(state, models_dir, settings={"screen": {"name": allowed}})
    screen = Browser(create_app(context), address="127.0.0.1")
    with door_process(state, pulse_s=3.0, max_pulse_s=4.0) as (_, door):
        # The first answer makes what all others find made: on a busy machine it outlasts a pulse.
        screen.get("/gate/now")
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
        assert reads(screen, door, "Visitors, please ring 8001", None, "unknown")
        assert said_on(screen)["advice"] == "The guard opens"
        assert reads(screen, door, "Outside your hours", None, "out_of_hours")


def test_it_speaks_the_language_of_the_settings_whatever_the_browser_asks_for(state, models_dir):
    def told(**screen):
        browser = Browser(create_app(context_on(state, models_dir, settings={"screen": screen})), address="127.0.0.1")
        return said_on(browser, headers={"accept-language": "de"}), browser.get("/gate").text

    now, page = told(language="zh-CN")
    assert (now["words"], now["second"]) == (CHINESE(DOOR_GONE.words), None)
    assert '<html lang="zh-CN">' in page
    now, page = told(language="zh-CN", second_language="en")
    assert now["second"] == {"words": "Gate out of order", "advice": "Please ask the guard"}
    assert '<div id="second" lang="en">' in page
    # What it says when nobody answers it is in the page, in both.
    assert all(words in page for words in (json.dumps(CHINESE(SCREEN_GONE.words))[1:-1], SCREEN_GONE.words))
    assert told()[0]["words"] == "Gate out of order"


def test_a_page_of_another_version_or_of_other_settings_is_known(state, models_dir):
    def version(**screen):
        context = context_on(state, models_dir, settings={"screen": screen})
        browser = Browser(create_app(context), address="127.0.0.1")
        found = said_on(browser)["version"]
        assert f'data-version="{found}"' in browser.get("/gate").text
        return found

    assert version() == version() != version(language="zh-CN")


def test_without_vision_there_is_no_silhouette(browser):
    assert browser(address="127.0.0.1").get("/gate/silhouette").json() == {"face": None}
    assert browser().get("/gate/silhouette").headers["location"] == "/sign-in"
