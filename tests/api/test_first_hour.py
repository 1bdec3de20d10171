"""The guided first hour: what is done is seen by the things themselves; it is left, taken up and ended."""

import re
from dataclasses import replace
from pathlib import Path

import pytest

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
    audit.append(store, AuditEvent(Kind.DRILLED, {"failed": [], "simulated": False}))
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
    assert "Today leads back here" in owner.get("/first-hour").text
    assert owner.post("/first-hour/end").headers["location"] == "/"
    assert 'href="/first-hour"' not in owner.get("/").text
    assert 'href="/first-hour"' in owner.get("/settings").text
    shown = owner.get("/first-hour").text
    assert ("Continue" in shown, "Settings lead back here" in shown, "Today leads" in shown) == (True, True, False)
    owner.post("/first-hour/taken-up")
    assert 'href="/first-hour"' in owner.get("/").text
    assert "first-hour" not in browser("manager").get("/").text


@pytest.mark.parametrize(
    ("details", "said"),
    [
        ({"failed": [], "simulated": True}, "only simulated"),
        ({"failed": ["fire", "exit"], "simulated": False}, "2 checks failed"),
    ],
)
def test_an_acceptance_test_that_did_not_prove_the_gate_is_called_what_it_was(browser, store, details, said):
    audit.append(store, AuditEvent(Kind.DRILLED, details))
    owner = browser("owner")
    for path in ("/first-hour", "/services"):
        assert f'<a href="/door/drill">{said}</a>' in owner.get(path).text
    assert done_on(owner.get("/first-hour")) == ["An owner"]
    audit.append(store, AuditEvent(Kind.DRILLED, {"failed": [], "simulated": False}))
    assert "The acceptance test" in done_on(owner.get("/first-hour"))
    assert said not in owner.get("/first-hour").text + owner.get("/services").text


def test_where_liveness_is_set_and_what_is_installed_for_it_is_told(state, store, staff, models_dir, liveness_dir):
    for folder, lacks in ((state, True), (liveness_dir, False)):
        context = replace(context_on(state, folder), config=Path("/etc/facegate/gate.toml"))
        owner = Browser(create_app(context))
        owner.sign_in("owner")
        page = owner.get("/first-hour").text
        assert "whoever can write /etc/facegate/gate.toml sets vision.liveness there" in page
        assert ("<code>sudo facegate models install liveness-minifas</code>" in page) == lacks
        assert "liveness-celeba" not in page, "nobody has to have it"


def test_with_all_five_done_and_ended_nothing_is_left_to_go_on_with(browser, monkeypatch):
    steps = dict.fromkeys(("owner", "camera", "liveness", "resident", "drill"), True)
    monkeypatch.setattr("api.pages.first_hour._steps", lambda *_, **__: steps)
    owner = browser("owner")
    assert "Done" in owner.get("/first-hour").text
    owner.post("/first-hour/end")
    assert "Continue" not in owner.get("/first-hour").text


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
