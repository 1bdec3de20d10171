"""Everyone taken out of a gate again, as a table or with their templates."""

import base64
import json

import numpy as np
import pytest

from gate.store.people import credentials, erasure, residents
from gate.store.people.changes import Changes, change
from gate.store.record import audit
from gate.store.site import schedules
from tests.api.importing import until


@pytest.fixture
def manager(browser):
    return browser("manager")


def test_everyone_goes_out_as_a_table_that_comes_in_again(manager, browser, store, models, photos):
    someone = residents.enrol(store, "=Wang, Fang", "3-1204", [])
    schedules.put(store, "cleaners", "Mon-Fri 08:00-12:00", "test")
    theirs = Changes(valid_until="2027-01-31", schedule="cleaners", extended=True)
    change(store, someone, theirs, by="test")
    credentials.add_card(store, someone, None, b"c" * 32, by="test")
    table = manager.get("/api/v1/exports/residents")
    heading, row = table.text.splitlines()
    assert (heading.split(",")[-1], row.split(",")[-1]) == ('"ways_in"', '"card"')
    assert table.headers["content-type"].startswith("text/csv")
    erasure.remove(store, residents.find(store, "=Wang, Fang"), by="test")
    manager.post("/api/v1/imports", files=[("files", ("again.csv", table.content))])
    until(manager, "rehearsed")
    manager.post("/api/v1/imports/current/run")
    until(manager, "done")
    (back,) = residents.every(store)
    assert (back.name, back.unit, back.valid_until) == ("=Wang, Fang", "3-1204", "2027-01-31")
    assert (back.schedule, back.windows, back.extended) == ("cleaners", "Mon-Fri 08:00-12:00", True)
    # Without those hours they would be let in at any time.
    erasure.remove(store, back, by="test")
    schedules.remove(store, "cleaners", "test")
    manager.post("/api/v1/imports", files=[("files", ("again.csv", table.content))])
    (line,) = until(manager, "rehearsed")["lines"]
    assert (line["action"], "There is no schedule cleaners" in line["why"]) == ("refused", True)


def test_templates_go_out_to_owners_alone_and_on_record(manager, browser, store, photos):
    form = {"name": "Barack Obama", "way": "told"}
    upload = [("photos", ("obama.jpg", (photos / "obama.jpg").read_bytes()))]
    manager.post("/api/v1/enrolments", data=form, files=upload)
    assert manager.get("/api/v1/exports/residents?templates=1").status_code == 403
    lines = browser("owner").get("/api/v1/exports/residents?templates=1").text.splitlines()
    assert len(lines) == 1
    vector = np.frombuffer(base64.b64decode(json.loads(lines[0])["templates"][0]["vector"]), "<f4")
    assert abs(float(np.linalg.norm(vector)) - 1) < 1e-3
    exported = [line.details for line in audit.lines(store) if line.kind == "people_exported"]
    assert [one["templates"] for one in exported] == [True]
