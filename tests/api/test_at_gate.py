"""Enrolling at the gate's own camera, led from the console: who is taken, who is not, and what the screen says."""

import base64
import re
from contextlib import contextmanager

import numpy as np
import pytest

import api.at_gate
from gate.store.people import residents
from gate.store.record import audit
from tests.api.test_residents import enrol as enrol_by_api
from tests.door import door_process
from tests.running import wait_for
from tests.sitting import Leader, camera_of, standing


@pytest.fixture
def camera(state):
    """A function that puts a picture ((H, W, 3) uint8 BGR) before the gate's camera; None: it gives none."""
    with camera_of(state) as show:
        yield show


@pytest.fixture
def leader(browser):
    return Leader(browser("manager"))


@contextmanager
def screen_at(browser, state):
    with door_process(state) as (_, door):
        yield browser(address="127.0.0.1"), door


def test_a_resident_in_the_childs_place_is_named_as_soon_as_she_is_taken(leader, camera, photos, store, browser, state):
    enrol_by_api(leader.browser, photos, "obama.jpg", name="Li Na", unit="3-1204")
    camera(standing(photos, "obama2.jpg"))
    with screen_at(browser, state) as (screen, _):
        assert "problem" not in leader.begin()
        said = screen.get("/gate/now").json()
        assert (said["signal"], said["words"], said["look"]) == ("enrol", "Your enrolment", "enrol")
        assert 0 < said["left_s"] <= 3
        assert "It begins in" in leader.look()["words"]
        assert leader.photos == []
        leader.until("hold still")
        assert screen.get("/gate/now").json()["words"] == "Please hold still"
        wait_for(lambda: leader.look() and leader.photos, 20)
        assert leader.photos[0]["warning"] == "This is the face of Li Na, 3-1204."
        assert leader.photos[0]["portrait"]
    assert len(residents.every(store)) == 1
    looked = [line.details["what"] for line in audit.lines(store) if line.kind == "looked_at"]
    assert looked == ["the camera", "whose face it is"]


def test_of_whoever_does_not_turn_is_said_what_is_missing_and_whose_face_it_is_first(
    leader, camera, photos, monkeypatch
):
    monkeypatch.setattr("enroll.sitting._PATIENCE_S", 1.0)
    camera(standing(photos, "obama2.jpg"))
    leader.begin()
    said = leader.until("It has ended, and photos are missing (2 of 3)")
    assert (said["over"], said["good"], "look whose face it is" in said["words"]) == (True, False, False)
    enrol_by_api(leader.browser, photos, "obama.jpg", name="Li Na", unit="3-1204")
    again = Leader(leader.browser)
    again.begin()
    assert "look whose face it is" in again.until("photos are missing")["words"]
    assert again.photos[0]["warning"] == "This is the face of Li Na, 3-1204."


def test_that_somebody_taken_at_the_gate_is_another_than_she_is_on_record(
    leader, camera, photos, store, browser, state
):
    enrol_by_api(leader.browser, photos, "obama.jpg", name="Li Na", unit="3-1204")
    camera(standing(photos, "obama2.jpg"))
    with screen_at(browser, state):
        leader.begin()
        wait_for(lambda: leader.look() and leader.photos, 30)
    taken = [("photos", ("gate camera 1.jpg", base64.b64decode(leader.photos[0]["jpeg"])))]
    form = {"name": "Li Ni", "way": "told", "agreed": "1", "seen": "1"}
    asked = leader.browser.post("/enrol", data=form, files=taken).text
    (key,) = set(re.findall('name="key" value="([^"]+)"', asked))
    others = re.findall('name="another_than" value="([^"]+)"', asked)
    assert [one.id for one in residents.every(store)] == others
    answer = leader.browser.send("/enrol/seen", data={"key": key, "photo": "0", "another_than": others})
    assert "Li Ni is enrolled." in answer.text
    enrolled = [line for line in audit.lines(store) if line.kind == "enrolled"]
    assert [line.details.get("overruled") for line in enrolled] == [None, 1]


def test_of_two_in_view_of_a_passer_by_and_of_another_person_nothing_is_taken(leader, camera, photos):
    camera(standing(photos, "obama.jpg", "biden.jpg"))
    leader.begin()
    leader.until("Several people are in view")
    assert leader.photos == []
    camera(standing(photos, "obama.jpg"))
    leader.until("turn slightly")
    assert len(leader.photos) == 1
    camera(standing(photos, "biden.jpg"))
    leader.until("another person than on the photos before")
    camera(np.zeros((480, 640, 3), np.uint8))
    leader.until("Nobody stands before")
    assert len(leader.photos) == 1


def test_a_camera_that_is_lost_is_said_and_it_goes_on_when_it_is_back(leader, camera, photos):
    camera(standing(photos, "obama.jpg"))
    leader.begin()
    leader.until("hold still")
    camera(None)
    said = leader.look()
    assert (said["words"], said["jpeg"]) == ("The gate's camera gives no picture now: nothing is taken.", None)
    assert leader.photos == []
    camera(standing(photos, "obama.jpg"))
    leader.until("turn slightly")
    assert len(leader.photos) == 1


def test_a_second_manager_is_told_who_leads_and_nobody_looks_in_anothers(leader, camera, browser, context):
    leader.begin()
    second = Leader(browser("owner"))
    assert second.begin() == {"problem": "manager is enrolling somebody at the gate; wait until they are done."}
    second.key = leader.key
    assert second.look() == {"problem": "This is over: begin again."}
    second.browser.post("/enrol/gate/cancelled", data={"key": leader.key})
    assert "words" in leader.look()
    assert browser("guard").post("/enrol/gate").status_code == 403
    leader.browser.post("/enrol/gate/cancelled", data={"key": leader.key})
    assert leader.look() == {"problem": "This is over: begin again."}
    assert "key" in second.begin()


def test_a_page_that_is_gone_ends_it(leader, camera, context, monkeypatch, browser):
    leader.begin()
    monkeypatch.setattr(api.at_gate, "_LEFT_ALONE_S", 0.0)
    assert context.at_gate.now().prompt == "cancelled"
    assert leader.look() == {"problem": "This is over: begin again."}


def not_turning(leader, camera, photos, monkeypatch):
    monkeypatch.setattr("enroll.sitting._PATIENCE_S", 0.5)
    camera(standing(photos, "obama.jpg"))
    leader.begin()
    leader.until("photos are missing (2 of 3). Begin again, or press Enrol")


def nobody_comes(leader, camera, photos, monkeypatch):
    monkeypatch.setattr("enroll.sitting._LONGEST_S", 0.5)
    camera(np.zeros((480, 640, 3), np.uint8))
    leader.begin()
    leader.until("No good photo came about")


def camera_lost(leader, camera, photos, monkeypatch):
    camera(standing(photos, "obama.jpg"))
    leader.begin()
    leader.until("turn slightly")
    monkeypatch.setattr("enroll.sitting._PATIENCE_S", 0.5)
    camera(None)
    leader.until("It has ended: the gate's camera gives no picture, and photos are missing (2 of 3).")


def cancelled(leader, camera, photos, monkeypatch):
    leader.begin()
    leader.browser.post("/enrol/gate/cancelled", data={"key": leader.key})


def page_gone(leader, camera, photos, monkeypatch):
    leader.begin()
    monkeypatch.setattr(api.at_gate, "_LEFT_ALONE_S", 0.0)


def enrolled_with_what_there_is(leader, camera, photos, monkeypatch):
    leader.begin()
    leader.browser.post("/enrol/gate/cancelled", data={"key": leader.key, "sent": "1"})


@pytest.mark.parametrize(
    ("ends", "words", "advice"),
    [
        (not_turning, "Photos are missing", "Please ask the office"),
        (nobody_comes, "No photo was taken", "Please ask the office"),
        (camera_lost, "No picture just now", "Please ask the office"),
        (cancelled, "Enrolment cancelled", "Please ask the office"),
        (page_gone, "Enrolment cancelled", "Please ask the office"),
        (enrolled_with_what_there_is, "Thank you, done", "The office does the rest"),
    ],
)
def test_the_screen_says_how_it_ended_and_what_to_do(
    leader, camera, photos, browser, state, monkeypatch, ends, words, advice
):
    with screen_at(browser, state) as (screen, _):
        ends(leader, camera, photos, monkeypatch)
        said = screen.get("/gate/now").json()
        assert (said["signal"], said["words"], said["advice"]) == ("enrol", words, advice)
        monkeypatch.setattr(api.at_gate, "_TOLD_S", -1.0)
        assert screen.get("/gate/now").json()["signal"] != "enrol"


def test_the_residents_still_get_in_and_are_greeted(leader, camera, photos, store, browser, state):
    from tests.api.test_screen import claim_for

    enrol_by_api(leader.browser, photos, "obama.jpg", name="Li Na", unit="3-1204")
    (resident,) = residents.every(store)
    with screen_at(browser, state) as (screen, door):
        leader.begin()
        claim_for(door, None, "unknown")
        assert screen.get("/gate/now").json()["signal"] == "enrol"
        assert claim_for(door, resident.id)["granted"]
        assert screen.get("/gate/now").json()["signal"] == "grant"
        door.ask({"do": "lockdown"})
        wait_for(lambda: screen.get("/gate/now").json()["signal"] == "locked")
