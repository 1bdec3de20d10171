"""An import that is stopped: what became of its rows stays to be seen, and the record tells how far it was."""

import html
import re
import time

import pytest

from api.imported import Phase
from gate.store.people import residents
from gate.store.record import audit
from tests.api.importing import actions, looked_at, until
from tests.running import wait_for

pytestmark = pytest.mark.whole

ROWS = 40
TABLE = "name,unit,from\n" + "".join(f"P{n},{n},{'never' if n % 2 else ''}\n" for n in range(ROWS))


@pytest.fixture
def manager(browser):
    return browser("manager")


@pytest.fixture
def at_work(manager, store, monkeypatch):
    """An import that has added some, and has many to come; every second line is no row."""
    monkeypatch.setattr("api.pages.imports.still_may", lambda *_: time.sleep(0.1) or True)
    manager.post("/import", files=[("files", ("people.csv", TABLE.encode()))])
    until(manager, "rehearsed")
    manager.post("/import/run", data=looked_at(manager))
    wait_for(lambda: len(residents.every(store)) >= 2, 60, "nobody is added")
    return looked_at(manager)


def plain(text):
    return " ".join(html.unescape(re.sub("<[^>]*>", " ", text)).split())


def stopped(store):
    return [line for line in audit.lines(store) if line.kind == "import_stopped"]


@pytest.mark.parametrize("way", ["page", "api"])
def test_what_became_of_the_rows_stays_to_be_seen_when_it_is_stopped(manager, browser, store, state, at_work, way):
    if way == "page":
        # However often it is pressed.
        for _ in range(2):
            assert manager.post("/import/stop", data=at_work).headers["location"] == "/import"
    else:
        assert manager.ask("DELETE", "/api/v1/imports/current").status_code == 204
    had = len(residents.every(store))
    untouched = ROWS // 2 - had
    assert 2 <= had < ROWS // 2
    for tag, said in (
        ("en", ("Stopped", f"{had} added without a face", f"{ROWS // 2} not imported",
                f"{untouched} rows are untouched. Upload the table again to go on")),
        ("zh-CN", ("已停止", f"还有{untouched}行未处理，请重新上传该表格")),
    ):  # fmt: skip
        page = plain(manager.get("/import", headers={"accept-language": tag}).text)
        assert [words for words in said if words not in page] == []
    now = until(manager, "stopped")
    assert sorted(actions(now)).count("added") == had
    assert not (state / "import").exists()
    # The record tells it, in a sentence too.
    (line,) = stopped(store)
    told = {name: line.details[name] for name in ("phase", "rows", "done", "refused", "untouched")}
    assert told == {
        "phase": "working", "rows": ROWS // 2, "done": had, "refused": ROWS // 2, "untouched": untouched,
    }  # fmt: skip
    events = plain(browser("owner").get("/events?what=operations").text)
    assert f"An import was stopped rows: {had} done, {ROWS // 2} not imported, {untouched} untouched" in events
    # Finished, it is gone without a further line.
    manager.post("/import/discard", data=at_work)
    assert "Rehearse" in manager.get("/import").text
    assert len(stopped(store)) == 1


def test_a_rehearsal_that_is_cancelled_is_told_as_one_on_the_page_and_on_record(manager, browser, store):
    manager.post("/import", files=[("files", ("people.csv", b"name\nAnn\n"))])
    until(manager, "rehearsed")
    manager.post("/import/discard", data=looked_at(manager))
    page = plain(manager.get("/import").text)
    assert "Cancelled. Nothing was changed." in page
    assert "Cancelled" not in manager.get("/import").text
    (line,) = stopped(store)
    assert (line.details["phase"], "done" in line.details) == ("rehearsed", False)
    events = plain(browser("owner").get("/events?what=operations").text)
    assert "An import was stopped only rehearsed, nothing was changed" in events


def test_what_has_come_to_its_end_is_shown_when_it_is_stopped_too_late(manager, store, context):
    manager.post("/import", files=[("files", ("people.csv", b"name\nAnn\n"))])
    until(manager, "rehearsed")
    manager.post("/import/run", data=looked_at(manager))
    until(manager, "done")
    manager.post("/import/stop", data=looked_at(manager))
    assert context.importer.now.phase is Phase.DONE
    assert stopped(store) == []
