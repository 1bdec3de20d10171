"""An opening that was somebody else is told so, in the console and over the API, by whoever may register people."""

import re

import pytest

from gate.store.people import corrections, residents
from gate.store.record import audit
from gate.vocabulary import AuditEvent


@pytest.fixture
def resident(store):
    return residents.enrol(store, "Wang Fang", None, [])


@pytest.fixture
def event(store, resident):
    details = {"method": "face", "claim": "c", "similarity": 0.61}
    return audit.append(
        store, AuditEvent("granted", details, {"resident": resident.id, "name": "Wang Fang"}, resident.id)
    )


@pytest.fixture
def manager(browser):
    return browser("manager")


def test_from_the_residents_page_and_back(manager, store, resident, event):
    page = f"/residents/{resident.id}"
    assert "That was not them" in manager.get(page).text
    said = manager.send(f"{page}/corrections", data={"event": event}).text
    assert "asks for a closer match" in said
    assert "This was somebody else." in said
    # Of a time, seconds stand before the point.
    assert not re.search(r"(?<!\d)0\.6", said), "the score is no manager's"
    assert list(corrections.at_least(store).values()) == [pytest.approx(0.66)]
    assert "The correction is taken back." in manager.send(f"{page}/corrections/taken-back", data={"event": event}).text
    assert corrections.at_least(store) == {}


def test_over_the_api(manager, store, resident, event):
    path = f"/api/v1/residents/{resident.id}/corrections/{event}"
    made = manager.post(path)
    assert (made.status_code, set(made.json())) == (201, {"event", "at"})
    assert manager.post(path).status_code == 409
    assert manager.ask("DELETE", path).status_code == 204
    assert corrections.at_least(store) == {}


@pytest.mark.parametrize("role", ["auditor", "guard"])
def test_whoever_may_only_look_corrects_nothing(browser, store, resident, event, role):
    assert browser(role).post(f"/api/v1/residents/{resident.id}/corrections/{event}").status_code == 403
    assert corrections.at_least(store) == {}
