"""What a gate answers its centre of its camera: real faces, and pictures in the place of the camera."""

import re
from html import unescape

import numpy as np
import pytest

import api.at_gate
from api.camera_for_centre import answer
from gate.fleet.cameras import Alike, Asks, Not, Question
from gate.store.people import residents, templates
from gate.store.record import audit
from tests.api.test_residents import enrol as enrol_by_api
from tests.console import context_on
from tests.running import wait_for
from tests.sitting import Leader, camera_of, standing

WHO = "user 01999999-0000-7000-8000-000000000000"


@pytest.fixture
def camera(state):
    with camera_of(state) as show:
        yield show


class Centre:
    """Whoever leads it at the centre."""

    def __init__(self, context, who=WHO):
        self.context, self.who, self.key, self.have, self.photos = context, who, "", 0, []

    def ask(self, asks, **given):
        return answer(self.context, Question(asks, self.who, "Li", **{"key": self.key} | given))

    def begin(self):
        said = self.ask(Asks.BEGIN)
        self.key = said.key
        return said

    def look(self, **given):
        said = self.ask(Asks.LOOK, number=self.have, **given)
        for one in said.photos:
            self.photos.append(one)
            self.have = one.number
        return said

    def until(self, prompt, **given):
        return wait_for(lambda: said if (said := self.look(**given)).prompt == prompt else None, 30, prompt)


@pytest.fixture
def centre(context):
    return Centre(context)


def test_a_photo_is_taken_as_at_the_console_here_and_what_is_made_of_it_is_handed_over(
    centre, camera, photos, browser, store, models, monkeypatch
):
    monkeypatch.setattr("enroll.sitting._PATIENCE_S", 2.0)
    monkeypatch.setattr("enroll.sitting._BEGINS_S", 60.0)
    camera(standing(photos, "obama2.jpg"))
    assert centre.begin().key
    first = centre.look()
    assert (first.prompt, first.jpeg[:3], first.photos) == ("begins", b"\xff\xd8\xff", ())
    assert 0 < first.left_s <= 60
    monkeypatch.setattr("enroll.sitting._BEGINS_S", 0.0)
    # Seen a moment ago, and it says how long.
    assert 0 <= first.age_s < 60
    ended = centre.until("gave_up")
    assert (ended.over, ended.missing, len(centre.photos)) == (True, 2, 1)
    # Once the screen at the gate says that it is over, nobody looks on.
    assert (ended.jpeg, centre.look().jpeg) == (None, None)
    made = centre.ask(Asks.TAKE)
    ((one,), alike) = made.photos, made.photos[0].alike
    assert (one.number, one.template.model, alike) == (1, models.model_id, ())
    assert templates.is_whole(one.template.vector)
    assert one.portrait.startswith(b"\xff\xd8\xff")
    # Nothing of it is at this gate but that somebody looked, and who.
    assert residents.every(store) == []
    looks = [line.details for line in audit.lines(store) if line.kind == "looked_at"]
    assert looks == [{"what": "the camera", "by": f"{WHO} at the centre"}]
    page = unescape(re.sub(r"\s+", " ", browser("owner").get("/events?what=operations").text))
    assert "Li, from the centre" in page


def test_it_is_said_whose_face_it_is_and_that_it_is_not_that_of_another(centre, camera, photos, browser, store):
    manager = browser("manager")
    enrol_by_api(manager, photos, "obama.jpg", name="Li Na", unit="3-1204")
    enrol_by_api(manager, photos, "biden.jpg", name="Wang Fang", unit="3-1205")
    people = {one.name: one.id for one in residents.every(store)}
    camera(standing(photos, "obama2.jpg"))
    centre.begin()
    wait_for(lambda: centre.look() and centre.photos, 30)
    assert centre.photos[0].alike == (Alike(people["Li Na"], "same"),)
    assert centre.ask(Asks.TAKE, resident=people["Wang Fang"]).why_not is Not.NOT_THEIRS
    (made,) = centre.ask(Asks.TAKE, resident=people["Li Na"]).photos
    assert made.alike == ()
    looks = [line.details["what"] for line in audit.lines(store) if line.kind == "looked_at"]
    assert looks.count("whose face it is") == 1
    # Taken before its end, it is over: whoever stands there is told so.
    assert centre.look().why_not is Not.OVER
    assert centre.context.at_gate.now().prompt == "enough"


def test_of_two_who_enrol_at_one_gate_the_second_is_told_who_the_first_is(centre, camera, browser, context):
    here = Leader(browser("manager"))
    assert "key" in here.begin()
    assert (centre.begin().why_not, centre.ask(Asks.BEGIN).who) == (Not.TAKEN, "manager")
    here.ask("/cancelled")
    centre.begin()
    assert here.begin() == {
        "problem": "Li, from the centre is enrolling somebody at the gate; wait until they are done."
    }
    # Nobody looks in another's, here or there, nor ends it.
    here.key = centre.key
    assert here.look() == {"problem": "This is over: begin again."}
    other = Centre(context, "user 02")
    other.key = centre.key
    for asks in (Asks.LOOK, Asks.REMOVE, Asks.TAKE):
        assert other.ask(asks).why_not is Not.OVER
    other.ask(Asks.END)
    assert centre.look().why_not is None
    centre.ask(Asks.END)
    assert centre.look().why_not is Not.OVER


def test_it_ends_by_itself_when_nobody_at_the_centre_asks_any_more(centre, camera, monkeypatch):
    centre.begin()
    monkeypatch.setattr(api.at_gate, "_LEFT_ALONE_S", 0.0)
    assert centre.context.at_gate.now().prompt == "cancelled"
    assert centre.look().why_not is Not.OVER


def test_without_a_picture_or_a_face_nothing_is_taken(centre, camera, photos, monkeypatch):
    monkeypatch.setattr("enroll.sitting._BEGINS_S", 0.0)
    centre.begin()
    seen = centre.look()
    assert (seen.prompt, seen.jpeg) == ("no_picture", None)
    camera(np.zeros((480, 640, 3), np.uint8))
    assert centre.look().prompt == "nobody"
    camera(standing(photos, "obama.jpg", "biden.jpg"))
    assert centre.look().prompt == "alone"
    assert centre.ask(Asks.TAKE).why_not is Not.UNFIT


def test_a_gate_without_a_camera_says_so(state):
    without = Centre(context_on(state, settings={"camera": {"source": ""}}))
    assert without.begin().why_not is Not.NO_CAMERA
