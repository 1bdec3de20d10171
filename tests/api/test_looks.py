import sqlite3
from contextlib import closing

import pytest

from api.looks import Looks
from gate.store.database import database_of
from gate.store.people import residents
from gate.store.record import audit
from tests.running import wait_for


@pytest.fixture
def manager(browser):
    return browser("manager")


def test_a_look_begins_with_the_first_picture_and_again_after_a_pause():
    looks, written = Looks(), []

    def look(what, by, now, **given):
        before = len(written)
        looks.note(what, by, now, lambda: written.append(what), **given)
        return len(written) > before

    told = [look("the camera", "ann", now) for now in (0.0, 0.2, 30.0, 59.9, 90.0)]
    assert told == [True, False, False, False, True]
    assert look("the camera", "bob", 90.1)
    assert look("today", "ann", 90.1)
    assert look("today", "ann", 90.2, begins=True)


def test_a_look_that_could_not_be_written_has_not_begun(manager, store, state, monkeypatch):
    monkeypatch.setattr("api.pages.camera.picture_of", lambda context: b"JPEG")
    with closing(sqlite3.connect(database_of(state), isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        assert manager.get("/camera.jpg").status_code == 503
        other.execute("ROLLBACK")
    for _ in range(2):
        assert manager.get("/camera.jpg").content == b"JPEG"
    assert [line.details["what"] for line in audit.lines(store) if line.kind == "looked_at"] == ["the camera"]


def test_a_picture_that_is_asked_for_without_a_word_is_a_look_on_record_too(browser, store):
    guard = browser("guard")
    for path in ("/camera.jpg", "/camera.jpg?first=0", "/camera.jpg?first=1"):
        assert guard.get(path).status_code == 503
    looked = [line.details["what"] for line in audit.lines(store) if line.kind == "looked_at"]
    # The second picture goes on with the first one's look; a page that begins one says so.
    assert looked == ["the camera"] * 2


def test_every_page_with_a_look_through_the_camera_has_what_the_look_tells(browser):
    owner = browser("owner")
    for path in ("/first-hour", "/guard", "/door"):
        text = owner.get(path).text
        assert "/static/view.js" in text, path
        for needed in ('id="look"', "data-again=", 'id="view"', 'id="blind"', "data-words="):
            assert needed in text, (path, needed)


@pytest.mark.parametrize("shown_at", ["/api/v1/imports/current", "/import?part=live"])
def test_each_import_is_a_look_of_its_own_however_quickly_one_follows_another(manager, store, shown_at):
    def looks():
        return [line.details["what"] for line in audit.lines(store) if line.kind == "looked_at"]

    for number in (1, 2, 3):
        manager.post("/import", files=[("files", ("t.csv", b"name,unit\nLi Na,3-1204\n"))])
        wait_for(lambda: "Li Na" in manager.get(shown_at).text, 60, "the table is not read")
        assert looks() == ["an import"] * number
        manager.ask("DELETE", "/api/v1/imports/current")


def test_whoever_asks_for_a_name_and_learns_that_it_is_known_has_looked(manager, store):
    residents.enrol(store, "Li Na", "3-201", [])
    residents.enrol(store, "Li Na", "3-202", [])
    junk = {"files": [("photos", ("x.jpg", b"junk", "image/jpeg"))]}
    asked = {
        "/api/v1/enrolments": {"data": {"name": "li na", "unit": "3-201", "way": "paper"}, **junk},
        "/api/v1/residents": {"json": {"name": "Li Na", "unit": "3栋201"}},
    }
    for path, given in asked.items():
        before = audit.anchor(store).sequence
        answer = manager.post(path, **given)
        assert (answer.status_code, "is already enrolled, in 3-201" in answer.json()["detail"]) in ((409, True),), path
        lines = [line for line in audit.lines(store) if line.sequence > before]
        assert [(line.kind, line.details["what"]) for line in lines] == [("looked_at", "a resident")], path
