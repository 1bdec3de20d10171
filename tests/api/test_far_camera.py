"""The centre's page to enrol on, where other gates have cameras: where one may enrol, and what is believed of what they
send. The centre's own program says here what each test wants it to."""

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from html import unescape

import cv2
import numpy as np
import pytest

from api.app import create_app
from gate.fleet.cameras import Alike, Answer, Not, Photographed, SentTemplate
from gate.fleet.centre_status import CentreStatus, GateStatus, write_status
from gate.fleet.state import GateState
from gate.processes.fields import written
from gate.store.compound import gates
from gate.store.compound.gates import Gate
from gate.store.compound.role import become_centre
from gate.store.people import consents, erasure, residents, templates
from gate.store.record import audit
from tests.console import context_on, signed_in
from tests.said import answering
from tests.sitting import Leader

CENTRE = {"gate": "Office", "centre": {"enabled": True}, "camera": {"source": ""}}
WELL = GateState(version="2", mode="normal", camera=True)


@pytest.fixture
def context(state, models_dir):
    return context_on(state, models_dir, settings=CENTRE)


@pytest.fixture
def centre(store, state, staff):
    """A function that has these gates follow, each as it says that it is (None: it says nothing), so long ago."""
    become_centre(store)

    def follow(ago_s=0, **states):
        now = datetime.now(UTC)
        at = (now - timedelta(seconds=ago_s)).isoformat()
        heard = {}
        for name, said in states.items():
            if gates.get(store, name) is None:
                gates.add(store, Gate(name, name.title(), f"U{name}", b"b" * 32, b"s" * 32, now.isoformat()))
            heard[name] = GateStatus(at, False, 0, 0, None, said, at if said else None)
        write_status(state, CentreStatus(now.isoformat(), 1, 0, True, 0, heard))

    return follow


@pytest.fixture
def manager(browser):
    return browser("manager")


@pytest.fixture
def program(state):
    """What the centre's program answers."""
    said = {}

    def answers(**given):
        said.clear()
        said.update(written(Answer(**given)))

    answers(key="k1")
    with answering(state, "centre", said):
        yield answers


def offered(page):
    """The gates that can be chosen, and whether they can be now."""
    (choice,) = re.findall(r'<select id="place">(.*?)</select>', page)
    return re.findall(r'<option value="([^"]*)"( disabled)?>', choice)


def test_where_one_enrols_is_chosen_of_the_gates_that_have_a_camera(manager, centre):
    assert 'id="camera"' not in manager.get("/enrol").text
    centre(north=WELL)
    # One gate: there is nothing to choose.
    page = manager.get("/enrol").text
    assert '<input type="hidden" id="place" value="north">' in page
    assert "Enrol at the gate" in page
    assert "Photos from a file" not in page
    assert "At which gate" not in page
    centre(north=WELL, east=replace(WELL, camera=False), south=replace(WELL, camera=None), west=None)
    page = unescape(manager.get("/enrol").text)
    assert offered(page) == [("north", ""), ("south", " disabled"), ("west", " disabled")]
    assert "South has an earlier version: upgrade it, and you can enrol at its camera from here." in page
    assert "West is not reached now." in page
    # Its link is there, and its own console does not run.
    centre(north=WELL, south=GateState(version="", troubles=("api",)))
    assert "South is not reached now." in manager.get("/enrol").text
    centre(ago_s=60, north=WELL)
    assert ("north", " disabled") in offered(manager.get("/enrol").text)


def test_a_centre_with_a_camera_of_its_own_offers_that_first(state, models_dir, staff, centre):
    centre(north=WELL)
    app = create_app(context_on(state, models_dir, settings=CENTRE | {"camera": {"source": "film.mp4"}}))
    page = signed_in(app, "manager").get("/enrol").text
    assert offered(page) == [("", ""), ("north", "")]
    assert "Photos from a file" in page


def test_what_cannot_be_is_said_in_one_sentence(manager, centre, program, state):
    centre(north=WELL, south=replace(WELL, camera=None))
    north = Leader(manager, "north")
    assert Leader(manager, "south").begin() == {
        "problem": "South has an earlier version: upgrade it, and you can enrol at its camera from here."
    }
    assert "does not follow the centre" in Leader(manager, "nobody").begin()["problem"]
    program(why_not=Not.TAKEN, who="Wang")
    assert north.begin() == {"problem": "Wang is enrolling somebody at North; wait until they are done."}
    program(why_not=Not.NO_CAMERA)
    assert north.begin() == {"problem": "North has no camera."}
    program(why_not=Not.SILENT)
    assert north.begin()["problem"].startswith("North does not answer.")
    program(why_not=Not.OVER)
    north.key = "k1"
    assert north.look() == {"problem": "This is over: begin again."}


def test_who_may_not_enrol_may_not_look_either(browser, centre, program):
    centre(north=WELL)
    for path in ("", "/look", "/removal", "/cancelled"):
        assert Leader(browser("guard"), "north").ask(path, number="1").status_code == 403
    assert Leader(browser(), "north").ask().status_code == 303


def picture(width=320, height=240):
    return cv2.imencode(".jpg", np.full((height, width, 3), 90, np.uint8))[1].tobytes()


def test_a_look_is_on_record_and_what_was_seen_says_how_old_it_is(manager, centre, program, store):
    centre(north=WELL)
    north = Leader(manager, "north")
    assert north.begin() == {"key": "k1"}
    program(prompt="unfit", reason="too_far", pixels=12, jpeg=picture(), age_s=1.25, missing=3)
    said = north.look()
    assert (said["age"], said["over"], said["good"], bool(said["jpeg"])) == (1.25, False, False, True)
    assert said["words"].startswith("The picture shows too small a face (12 pixels between the eyes, 30 needed)")
    # Of a gate of a later version.
    program(prompt="dance", reason="no_rhythm")
    assert north.look()["words"] == "Nobody stands before the gate's camera."
    (look,) = [line for line in audit.lines(store) if line.kind == "looked_at"]
    assert (look.details["what"], look.details["gates"]) == ("the camera", "North")
    page = unescape(re.sub(r"\s+", " ", manager.get("/events?what=operations").text))
    assert "the camera's picture, at North, manager" in page


def face(number=1, **changed):
    vector = np.zeros(128, "<f4")
    vector[number % 128] = 1
    sent = SentTemplate("another-model", '{"sharpness": 0.8}', vector.tobytes())
    return Photographed(number, picture(112, 112), replace(sent, **changed))


@pytest.mark.parametrize(
    "seen",
    [
        {"jpeg": b"GIF89a" + b"x" * 50},
        {"jpeg": b"<svg onload=alert(1)>"},
        {"jpeg": b"\xff\xd8\xff"},
        {"jpeg": picture(4000, 3000)},
        {"photos": (Photographed(1, b"no picture"),)},
    ],
)
def test_what_is_no_picture_reaches_no_browser(manager, centre, program, seen):
    centre(north=WELL)
    north = Leader(manager, "north")
    north.begin()
    program(prompt="hold", **seen)
    said = north.look()
    assert said["words"] == "North does not answer. It is asked again; nothing is taken meanwhile."
    assert (said["jpeg"], said["photos"], said["over"]) == (None, [], False)


@pytest.mark.parametrize(
    "sent",
    [
        face(vector=b""),
        face(vector=b"x" * 511),
        face(vector=np.full(128, np.nan, "<f4").tobytes()),
        face(vector=np.full(1 << 16, 1 / 256, "<f4").tobytes()),
        face(second_model="n", second_vector=np.full(128, 9.0, "<f4").tobytes()),
        face(quality="[" * 5000),
        face(quality='{"sharpness": 1e999}'),
        face(quality='{"sharpness": "<b>"}'),
        face(model=""),
        face(model="m" * 1000),
        replace(face(), portrait=b"no picture"),
        replace(face(), portrait=picture(2000, 20)),
        replace(face(), template=None),
    ],
)
def test_what_is_no_template_is_kept_nowhere(manager, centre, program, store, sent):
    centre(north=WELL)
    north = Leader(manager, "north")
    north.begin()
    program(photos=(sent,))
    answer = form(manager, "k1", 1)
    assert "North does not answer." in answer.text
    assert residents.every(store) == []


def form(manager, key, *numbers, **given):
    typed = {"name": "Wang Fang", "unit": "3-1204", "agreed": "1", "way": "told", "seen": "1"}
    taken = {"gate": "north", "gate_key": key, "gate_photo": [str(one) for one in numbers]}
    return manager.send("/enrol", data=typed | taken | given)


def test_who_was_taken_at_another_gate_is_enrolled_with_what_was_kept_of_it(manager, centre, program, store):
    centre(north=WELL)
    north = Leader(manager, "north")
    north.begin()
    program(photos=(face(1), face(2), face(3)), prompt="enough", over=True)
    assert north.look()["over"]
    program(why_not=Not.SILENT)
    # The gate is gone by now, and what it took is here; one of three was removed on the page.
    assert "Without consent no face is kept" in form(manager, "k1", 1, agreed="").text
    assert "Wang Fang is enrolled." in form(manager, "k1", 1, 3).text
    (person,) = residents.every(store)
    assert [one.source for one in templates.of(store, person.id)] == ["photo gate camera 1", "photo gate camera 3"]
    assert [one.consent.text for one in consents.of(store, person.id)] == ["face-3"]
    # Sent twice, it is done once.
    assert "Wang Fang is enrolled." in form(manager, "k1", 1, 3).text
    assert len(residents.every(store)) == 1


def test_nothing_is_enrolled_from_what_another_took_or_of_another_time(manager, browser, centre, program, store):
    centre(north=WELL)
    north = Leader(manager, "north")
    north.begin()
    program(photos=(face(),), prompt="enough", over=True)
    north.look()
    program(why_not=Not.OVER)
    assert "This is over: begin again." in form(browser("owner"), "k1", 1).text
    assert "This is over: begin again." in form(manager, "k2", 1).text
    assert "does not follow the centre" in form(manager, "k1", 1, gate="nobody").text
    north.ask("/cancelled")
    assert "This is over: begin again." in form(manager, "k1", 1).text
    assert residents.every(store) == []


def test_whose_face_it_is_is_asked_as_ever(manager, centre, program, store):
    centre(north=WELL)
    known = residents.enrol(store, "Li Na", "3-1", (), None, by="test")
    north = Leader(manager, "north")
    north.begin()
    same = replace(face(), alike=(Alike(known.id, "same"), Alike("x", "kin"), Alike("unknown", "alike")))
    program(photos=(same,), prompt="enough", over=True, is_somebodys=True)
    said = north.look()
    assert said["photos"][0]["warning"] == "This is the face of Li Na, 3-1."
    assert "look whose face it is" in said["words"]
    asked = form(manager, "k1", 1).text
    assert "Is this Wang Fang?" in asked
    (key,) = set(re.findall('name="key" value="([^"]+)"', asked))
    yes = {"key": key, "photo": "0"}
    assert "This is the face of Li Na, 3-1." in manager.send("/enrol/seen", data=yes).text
    assert "Wang Fang is enrolled." in manager.send("/enrol/seen", data=yes | {"another_than": known.id}).text
    enrolled = [one for one in audit.lines(store) if one.kind == "enrolled"]
    assert [one.details.get("overruled") for one in enrolled] == [None, 1]


def test_who_is_known_at_that_gate_alone_is_not_enrolled_a_second_time(manager, centre, program, store):
    centre(north=WELL)
    north = Leader(manager, "north")
    north.begin()
    program(photos=(replace(face(), alike=(Alike("there", "same"),)),), prompt="enough", over=True)
    words = "This is the face of somebody whom North alone knows."
    assert north.look()["photos"][0]["warning"].startswith(words)
    assert words in form(manager, "k1", 1).text
    assert residents.every(store) == []
    # But one who was erased here, of whom the gate has not heard yet, is nobody any more.
    gone = residents.enrol(store, "Li Na", "3-1", (), None, by="test")
    erasure.remove(store, gone, by="test")
    other = Leader(manager, "north")
    program(key="k3")
    other.begin()
    program(photos=(replace(face(), alike=(Alike(gone.id, "same"),)),), prompt="enough", over=True)
    assert other.look()["photos"][0]["warning"] == ""
    assert "Wang Fang is enrolled." in form(manager, "k3", 1).text


def test_more_photos_of_somebody_come_from_there_too(manager, centre, program, store):
    centre(north=WELL)
    known = residents.enrol(store, "Li Na", "3-1", (), None, by="test")
    assert "More photos of Li Na" in manager.get(f"/enrol?resident={known.id}").text
    assert f"/enrol?resident={known.id}" in manager.get(f"/residents/{known.id}").text
    north = Leader(manager, "north")
    north.begin()
    program(why_not=Not.NOT_THEIRS)
    answer = form(manager, "k1", 1, resident=known.id)
    assert "The face at North is not that of the resident whose photos these should be." in answer.text
    program(photos=(face(),), prompt="enough", over=True)
    assert north.look(resident=known.id)["over"]
    # What was taken of one is of no use for another.
    assert "This is over" in form(manager, "k1", 1).text
    assert "Li Na is enrolled." in form(manager, "k1", 1, resident=known.id).text
    assert len(templates.of(store, known.id)) == 1


def test_photos_of_a_far_camera_and_others_are_not_mixed(state, models_dir, staff, centre, program, photos, store):
    centre(north=WELL)
    app = create_app(context_on(state, models_dir, settings=CENTRE | {"camera": {"source": "film.mp4"}}))
    manager = signed_in(app, "manager")
    Leader(manager, "north").begin()
    program(photos=(face(),))
    files = [("photos", ("obama.jpg", (photos / "obama.jpg").read_bytes()))]
    taken = {"gate": "north", "gate_key": "k1", "gate_photo": "1", "name": "Li Na", "agreed": "1"}
    answer = manager.send("/enrol", data=taken, files=files)
    assert "Photos of North's camera and others cannot be enrolled in one go" in unescape(answer.text)
    assert residents.every(store) == []
