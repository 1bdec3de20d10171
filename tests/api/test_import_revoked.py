"""What a rehearsed import holds of people goes with whoever is erased or withdraws, and with the day."""

import io
import zipfile
from datetime import UTC, datetime

import pytest

import api.importer
from api.chores import forget_what_is_over
from gate.store.people import erasure, residents
from gate.store.record import audit
from gate.store.site import schedules
from tests.api.importing import actions, until
from tests.api.test_residents import enrol

pytestmark = pytest.mark.whole

TABLE = "name,unit,photos,consent\nBarack Obama,3-1,obama.jpg,told\nJoe Biden,3-2,biden.jpg,told\nAnn,,none.jpg,told\n"


@pytest.fixture
def manager(browser):
    return browser("manager")


@pytest.fixture
def rehearsed(manager, photos):
    """A function that uploads the table with its photos, and one that no line names, and has it rehearsed."""
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as out:
        out.writestr("people.csv", TABLE)
        for name in ("obama.jpg", "biden.jpg", "obama2.jpg"):
            out.write(photos / name, name)

    def rehearse():
        answer = manager.post("/api/v1/imports", files=[("files", ("family.zip", made.getvalue()))])
        assert answer.status_code == 202
        return until(manager, "rehearsed")

    return rehearse


def held(state):
    return sorted(path.name for path in (state / "import").rglob("*") if path.is_file())


def called(store, name):
    return next(one for one in residents.every(store) if one.name == name)


def minute(context):
    """What the api does by itself each minute."""
    forget_what_is_over(context, datetime.now(UTC))


def by_a_command(act):
    def gone(manager, store, context, name):
        act(store, called(store, name), by="a command")
        minute(context)

    return gone


def by_the_console(manager, store, context, name):
    assert manager.ask("DELETE", f"/api/v1/residents/{called(store, name).id}").status_code == 200


@pytest.mark.parametrize(
    ("revoke", "told", "name"),
    [
        (by_a_command(erasure.remove), "was erased in the meantime", ""),
        (by_the_console, "was erased in the meantime", ""),
        (by_a_command(erasure.withdraw), "withdrew their consent in the meantime", "Barack Obama"),
    ],
)
def test_of_whoever_is_revoked_a_rehearsal_holds_nothing_and_does_nothing(
    manager, rehearsed, photos, store, state, context, revoke, told, name
):
    enrol(manager, photos, "obama.jpg", name="Barack Obama", unit="3-1")
    assert actions(rehearsed()) == ["known", "enrolled", "refused"]
    # Nothing lies there that no line needs: no table, no other photo.
    assert held(state) == ["biden.jpg", "obama.jpg"]
    revoke(manager, store, context, "Barack Obama")
    assert held(state) == ["biden.jpg"]
    line = manager.get("/api/v1/imports/current").json()["lines"][0]
    assert (line["name"], line["action"], told in line["why"]) == (name, "refused", True)
    assert ("Obama" in manager.get("/import").text) == bool(name)
    assert manager.post("/api/v1/imports/current/run").status_code == 202
    assert actions(until(manager, "done")) == ["refused", "enrolled", "refused"]
    assert {one.name: one.templates for one in residents.every(store) if one.templates} == {"Joe Biden": 1}


@pytest.mark.parametrize("asked", ["in the next minute", "at once"])
def test_whoever_was_new_and_is_enrolled_and_erased_elsewhere_does_not_come_back(
    manager, rehearsed, photos, store, state, context, asked
):
    assert actions(rehearsed()) == ["enrolled", "enrolled", "refused"]
    enrol(manager, photos, "obama.jpg", name="Barack Obama", unit="3-1")
    erasure.remove(store, called(store, "Barack Obama"), by="a command")
    if asked == "in the next minute":
        minute(context)
        assert not (state / "import").exists()
        assert "Somebody was erased who came after this table was read" in manager.get("/import").text
    refused = manager.post("/api/v1/imports/current/run")
    assert (refused.status_code, "upload it again" in refused.json()["detail"]) == (409, True)
    assert not (state / "import").exists()
    now = manager.get("/api/v1/imports/current").json()
    assert (now["phase"], now["lines"]) == ("failed", [])
    assert residents.every(store) == []
    (line,) = [line.details for line in audit.lines(store) if line.kind == "import_stopped"]
    assert (line["by"], line["phase"]) == ("the gate itself", "rehearsed")


def test_whoever_was_refused_in_the_rehearsal_and_is_erased_does_not_come_as_somebody_new(manager, store, context):
    residents.enrol(store, "Li Na", "1-1", [])
    manager.post("/api/v1/imports", files=[("files", ("t.csv", b"name,unit,group\nLi Na,1-1,night\n"))])
    assert actions(until(manager, "rehearsed")) == ["refused"]
    schedules.put_group(store, "night", None, "test")
    by_a_command(erasure.remove)(manager, store, context, "Li Na")
    manager.post("/api/v1/imports/current/run")
    assert actions(until(manager, "done")) == ["refused"]
    assert residents.every(store) == []


def test_whom_a_line_looks_like_is_named_no_more_once_they_are_erased(manager, rehearsed, photos, store, context):
    enrol(manager, photos, "biden.jpg", name="Unmistakable Name", unit="9-9")
    line = rehearsed()["lines"][1]
    assert (line["is_like"], "Unmistakable Name" in line["why"]) == (True, True)
    by_a_command(erasure.remove)(manager, store, context, "Unmistakable Name")
    assert "Unmistakable Name" not in manager.get("/import").text
    assert "was erased in the meantime" in manager.get("/api/v1/imports/current").json()["lines"][1]["why"]


def test_what_is_done_is_told_without_whoever_was_erased_since(manager, rehearsed, store):
    rehearsed()
    manager.post("/api/v1/imports/current/run")
    until(manager, "done")
    by_the_console(manager, store, None, "Barack Obama")
    now = manager.get("/api/v1/imports/current").json()
    assert (actions(now), now["lines"][0]["name"]) == (["enrolled", "enrolled", "refused"], "")
    assert "Obama" not in manager.get("/import").text


def test_a_rehearsal_that_nobody_confirms_for_a_day_ends_and_says_so(
    manager, browser, rehearsed, state, store, context, monkeypatch
):
    rehearsed()
    minute(context)
    assert held(state)
    monkeypatch.setattr(api.importer, "_WAITS_S", -1.0)
    minute(context)
    assert not (state / "import").exists()
    assert "Nobody confirmed it within a day" in manager.get("/import").text
    assert "Nobody confirmed it within a day" in manager.post("/api/v1/imports/current/run").json()["detail"]
    events = " ".join(browser("owner").get("/events?what=operations").text.split())
    assert "by itself" in events
    assert residents.every(store) == []
    manager.post("/import/discard", data={"key": manager.get("/api/v1/imports/current").json()["key"]})
    assert manager.get("/api/v1/imports/current").status_code == 404
