"""Errors in the reader's words: what is inside the machine is told to nobody who cannot mend it."""

import re
import sqlite3
from contextlib import closing

import pytest

from api.languages import Languages
from api.problems import NO_MODELS
from gate.care import health
from gate.errors import FacegateError
from gate.processes.camera_report import CameraFault, CameraReport, Trouble
from gate.processes.client import Impostor, LinkDown
from gate.processes.status import VisionStatus
from gate.store.database import database_of, open_database
from gate.store.troubles import StoreError, UnusableState, sentences
from models.errors import PackError
from tests.console import problem_of

# A path, a number of the system's, a program of ours or the machine's, and what only a shell understands.
INSIDES = re.compile(
    r"/[a-z_]+/|\.sock|\.db|errno|\[Errno|sudo|systemctl|--\w+|facegate |database|sqlite|socket|process"
)
CHINESE = {"accept-language": "zh-CN"}


def insides(text):
    """What of a page's main part, or of an answer, is said to installers."""
    main = re.search(r"<main.*</main>", text, re.DOTALL)
    said = re.sub(r"<[^>]*>", " ", main[0]) if main else text
    return INSIDES.findall(said)


@pytest.fixture
def locked(state, store, staff, monkeypatch):
    """A database that another program does not let go of."""
    monkeypatch.setattr("gate.store.database._BUSY_TIMEOUT_S", 0.05)
    with closing(sqlite3.connect(database_of(state), isolation_level=None)) as other:
        yield other
        if other.in_transaction:
            other.execute("ROLLBACK")


def test_a_database_that_is_busy_is_told_to_people_and_explained_to_owners_alone(browser, locked):
    guard, manager, owner = browser("guard"), browser("manager"), browser("owner")
    locked.execute("BEGIN IMMEDIATE")
    for one in (manager, owner):
        answer = one.get("/residents")
        assert answer.status_code == 503
        assert problem_of(answer) == "The gate is busy with its records; nothing was changed. Try again in a moment."
        assert 'aria-label="Pages"' in answer.text, "the way to the other pages stays"
        assert ("is in use by another program" in answer.text) == (one is owner)
    assert insides(manager.get("/residents").text) == []
    assert "系统正忙" in manager.get("/residents", headers=CHINESE).text
    # The door is shown and worked all the same, and nobody who came, since no look can be recorded.
    shown = guard.get("/guard")
    assert (shown.status_code, insides(shown.text)) == (200, [])
    assert "is not shown now" in shown.text
    told = {one: one.get("/api/v1/residents").json() for one in (manager, owner)}
    assert {said["detail"] for said in told.values()} == {problem_of(owner.get("/residents"))}
    assert ["hint" in said for said in told.values()] == [False, True]


def test_a_door_and_a_vision_that_are_gone_are_told_in_words(browser, state):
    guard, manager = browser("guard"), browser("manager")
    for one in (guard, manager):
        for path in ("/guard", "/door"):
            text = one.get(path).text
            assert "does not answer" in text
            assert insides(text) == [], path
    for path in ("/api/v1/door", "/camera.jpg?first=1"):
        answer = guard.get(path)
        assert (
            answer.status_code,
            insides(answer.json()["detail"] if "json" in answer.headers["content-type"] else answer.text),
        ) == (503, [])


def test_a_page_that_is_none_has_the_way_to_the_others(browser):
    text = browser("guard").get("/nowhere").text
    assert 'href="/guard"' in text
    assert 'aria-label="Pages"' not in browser().get("/nowhere").text


ERRORS = [
    LinkDown("Nobody answers on {socket} ({why}).", socket="/run/door/link.sock", why="[Errno 104]"),
    LinkDown("Nobody answers on {socket} ({why}).", socket="/run/vision/link.sock", why="[Errno 104]"),
    Impostor("Whoever answers on {socket} is not who should.", socket="/run/door/link.sock"),
    StoreError("The database {database} failed: {why}.", database="/var/lib/facegate.db", why="disk I/O error"),
    UnusableState("The state directory {state} cannot be written. Choose another with --state.", state="/var/lib"),
]


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: type(error).__name__)
@pytest.mark.parametrize("tag", ["en", "zh-CN"])
def test_each_error_with_insides_has_plain_words(error, tag):
    language = Languages().chosen(tag, "")
    said = language.error(error)
    assert INSIDES.findall(said) == []
    assert said != error.plain or tag == "en", "it is translated"
    assert isinstance(error, FacegateError)


@pytest.mark.parametrize("code", ["SQLITE_FULL", "SQLITE_BUSY", "SQLITE_CORRUPT", "SQLITE_READONLY", "SQLITE_IOERR"])
def test_whatever_the_database_suffers_from_is_told_in_plain_words_too(state, code):
    error = sqlite3.OperationalError("database or disk is full")
    error.sqlite_errorname = code
    open_database(state).close()
    with pytest.raises(StoreError) as caught, sentences(database_of(state)):
        raise error
    assert str(database_of(state).parent) in str(caught.value)
    assert INSIDES.findall(caught.value.plain) == []
    assert ("full" in caught.value.plain) == (code == "SQLITE_FULL")


@pytest.mark.parametrize("trouble", Trouble)
def test_how_a_camera_is_mended_is_for_owners(trouble):
    values = dict.fromkeys(("host", "port", "scheme", "shown", "kind", "why", "name", "transport"), "10.0.0.7")
    fault = CameraFault(trouble, values | {"seconds": 2, "width": 1, "height": 1, "most": 1})
    vision = VisionStatus(
        cameras={"camera": CameraReport(None, fault)}, camera_fault=str(fault.sentence), last_frame_mono=None,
        last_inference_mono=None, recording_ended=False, residents=0, embedded=0,
    )  # fmt: skip
    machine = health.Machine(None, None, 10**12, None, clock_trusted=True)
    said = {plain: health.problems(None, vision, machine, 0.0, plain=plain)[1] for plain in (True, False)}
    assert said[False] == fault.sentence
    assert "10.0.0.7" not in said[True]
    assert INSIDES.findall(said[True]) == []


def test_models_that_are_missing_are_told_in_words_and_with_a_command_to_owners(browser, context, monkeypatch):
    monkeypatch.setattr(
        "api.pages.guard.gather", lambda *_, **__: raised(PackError("Run: facegate models install open"))
    )
    for who in ("guard", "owner"):
        answer = browser(who).get("/guard")
        assert (answer.status_code, problem_of(answer)) == (503, NO_MODELS)
        assert ("facegate models install" in answer.text) == (who == "owner")


def raised(error):
    raise error
