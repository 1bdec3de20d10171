"""The guided first hour: what is done is seen by the things themselves; it is left, taken up and ended."""

import re

from api.app import create_app
from gate.store.people import residents
from gate.store.people.consents import Consent, Way
from gate.store.people.templates import Template
from gate.store.record import audit
from gate.store.site import first_hour
from gate.vocabulary import AuditEvent, Kind
from tests.console import Browser, context_on

AGREED = Consent("1", "en", "0" * 64, Way.PAPER, "test")


def done_on(page):
    """The titles of the steps that are done."""
    return re.findall(r"✓ (.*?)</span>", page.text)


def test_each_step_is_done_when_the_thing_is_and_it_ends_when_an_owner_says_so(browser, store, state, models_dir):
    owner = browser("owner")
    assert 'href="/first-hour"' in owner.get("/").text
    assert done_on(owner.get("/first-hour")) == ["An owner"]
    residents.enrol(store, "Li Na", None, [])
    assert done_on(owner.get("/first-hour")) == ["An owner"]
    residents.enrol(store, "Li Wei", None, [Template("m", "s", {}, b"")], AGREED)
    audit.append(store, AuditEvent(Kind.DRILLED, {"failed": 0}))
    assert owner.post("/first-hour/liveness").headers["location"] == "/first-hour"
    assert done_on(owner.get("/first-hour")) == [
        "An owner", "Liveness: a person, not a picture of one", "The first resident", "The acceptance test"
    ]  # fmt: skip
    # Who is content with one level is asked again where another is set.
    stricter = Browser(create_app(context_on(state, models_dir, settings={"vision": {"liveness": "strict"}})))
    stricter.sign_in("owner")
    assert "Liveness" not in str(done_on(stricter.get("/first-hour")))
    # Looked through is not enough while the camera does not work.
    audit.append(store, AuditEvent(Kind.LOOKED_AT, {"what": "the camera", "by": "test"}))
    assert first_hour.how_far(store).looked
    assert "camera" not in str(done_on(owner.get("/first-hour")))
    # Put aside, and taken up again.
    assert owner.post("/first-hour/end").headers["location"] == "/"
    assert 'href="/first-hour"' not in owner.get("/").text
    assert "Continue" in owner.get("/first-hour").text
    owner.post("/first-hour/taken-up")
    assert 'href="/first-hour"' in owner.get("/").text
    assert "first-hour" not in browser("manager").get("/").text


def test_a_gate_that_has_residents_has_had_its_first_hour(tmp_path):
    from gate.store.database import migrated_up_to, open_copy

    for name, people in (("lived_in", 1), ("new", 0)):
        path = tmp_path / f"{name}.db"
        old = migrated_up_to(path, 18)
        old.execute("INSERT INTO gate (only_row, id) VALUES (1, 'g')")
        for _ in range(people):
            old.execute("INSERT INTO residents (id, name, created_at) VALUES ('r', 'Li Na', '2026-01-01')")
        old.close()
        now = open_copy(path)
        assert first_hour.is_over(now) is bool(people)
        now.close()
