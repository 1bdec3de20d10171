"""The console, the API and the screen of a gate without a camera: nothing speaks of a face or waits for one."""

import re
from datetime import UTC, datetime

import pytest

from api.app import create_app
from api.pages.screen_words import everything
from gate.processes.fields import written
from gate.store.people import photo_links, residents
from gate.store.people.consents import NO_PERSON
from gate.store.people.templates import Template
from tests.console import Browser, context_on, problem_of
from tests.said import answering, door_says

PAGES = ("/", "/guard", "/door", "/enrol", "/residents", "/services", "/first-hour", "/import")
PHOTO = {"photos": ("wang.jpg", b"no picture is looked at", "image/jpeg")}


@pytest.fixture
def context(state):
    return context_on(state, settings={"camera": {"source": ""}})


@pytest.fixture
def wang(store):
    return residents.enrol(store, "Wang Fang", "3-2-502", [], NO_PERSON)


def text_of(answer):
    """What somebody reads on a page."""
    return re.sub(r"<(script|style).*?</\1>|<[^>]+>", " ", answer.text, flags=re.DOTALL)


@pytest.mark.parametrize("page", PAGES)
def test_no_page_offers_or_misses_a_camera(browser, wang, page):
    answer = browser("owner").get(page)
    assert answer.status_code == 200
    assert "view.js" not in answer.text
    told = text_of(answer)
    assert "Face recognition does not answer" not in told
    for word in ("Look through the camera", "See who stands there", "Photos", "Liveness", "without a face"):
        assert word not in told, word


def test_somebody_is_added_by_name_and_home_and_photos_are_refused(browser, store):
    owner = browser("owner")
    added = owner.send("/enrol", data={"name": "Li Wei", "unit": "3-2-503"})
    assert "Li Wei is added. Draw a PIN or add a card on their page." in added.text
    refused = owner.post("/enrol", data={"name": "Zhao Min", "agreed": "1"}, files=PHOTO)
    assert problem_of(refused).startswith("This gate has no camera: no face is kept.")
    by_program = owner.post("/api/v1/enrolments", data={"name": "Zhao Min", "way": "told"}, files=PHOTO)
    assert by_program.status_code in (409, 422)
    assert [one.name for one in residents.every(store)] == ["Li Wei"]


def test_a_resident_has_pin_and_cards_and_a_face_of_before_can_be_seen_and_erased(browser, store, wang):
    owner = browser("owner")
    page = text_of(owner.get(f"/residents/{wang.id}"))
    assert "Wang Fang has no way in yet: draw a PIN or add a card." in page
    assert "Add photos" not in page
    known = residents.enrol(store, "Li Wei", None, [Template("m", "s", {}, b"\0" * 4)], NO_PERSON)
    page = text_of(owner.get(f"/residents/{known.id}"))
    assert "This gate has no camera: it lets nobody in by face." in page
    assert "Erase template" in page
    assert owner.get(f"/enrol?resident={wang.id}").headers["location"] == f"/residents/{wang.id}"


def test_health_and_metrics_miss_no_vision_and_there_is_nothing_to_look_at(browser, state):
    with answering(state, "door", written(door_says())):
        owner = browser("owner")
        health = owner.get("/api/v1/health").json()
        assert health["vision"] is None
        assert [one for one in health["problems"] if "clock" not in one] == []
        metrics = owner.get("/metrics").text
    assert "facegate_vision" not in metrics
    assert "facegate_door_alive 1.0" in metrics
    assert owner.get("/camera.jpg").status_code == 404


def test_the_screen_asks_for_pin_or_card(context, state, staff):
    screen = Browser(create_app(context), "127.0.0.1")
    with answering(state, "door", written(door_says())):
        now = screen.get("/gate/now").json()
    assert (now["symbol"], now["words"], now["advice"]) == ("keypad", "Welcome", "Use your PIN or card")
    assert screen.get("/gate/silhouette").json() == {"face": None}
    assert "Your face" not in screen.get("/gate/gone").text


def test_whatever_it_says_without_a_camera_sends_nobody_to_one():
    told = [said for name, said in everything() if name.endswith("without camera")]
    assert told
    for said in told:
        assert "face" not in said.advice
        assert "camera" not in said.advice
        assert not said.by_face


def test_the_first_hour_ends_with_a_pin_or_card_and_the_drill(browser):
    told = text_of(browser("owner").get("/first-hour"))
    assert "Three things, and the gate is ready." in told
    assert "What the camera sees" not in told


def test_a_table_needs_no_photos_and_no_consent(browser):
    told = text_of(browser("owner").get("/import"))
    assert "Columns: name, unit, group, hours" in told
    assert "Only the name is needed." in told
    assert "photos" not in told
    assert "consent" not in told


def test_no_link_for_a_photo_is_drawn_on_the_page_by_program_or_by_command(browser, store, state, wang, facegate):
    manager = browser("manager")
    refused = manager.post(f"/residents/{wang.id}/photo-link", data={"key": "k"})
    assert (refused.status_code, problem_of(refused).startswith("This gate has no camera")) == (409, True)
    by_program = manager.post("/api/v1/photo-links", json={"residents": [wang.id]})
    assert (by_program.status_code, by_program.json()["detail"][:23]) == (409, "This gate has no camera")
    said = facegate(
        "links", "draw", "Wang Fang", "--address", "https://192.168.1.20:8443", FACEGATE_CAMERA__SOURCE="",
    )  # fmt: skip
    assert (said.code, "This gate has no camera" in said.err) == (1, True)
    assert photo_links.having(store, datetime.now(UTC)) == set()
