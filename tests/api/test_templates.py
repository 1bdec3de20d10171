"""A resident's templates in the console and over the API: what each comes from, and how one is erased."""

import pytest

from enroll.consent import agreed
from gate.store.database import transaction
from gate.store.people import learned, residents, templates
from gate.store.people.consents import Way
from gate.store.people.templates import Template
from gate.store.record.audit import Moment
from gate.vocabulary import Lesson


@pytest.fixture
def resident(store):
    one = residents.enrol(
        store, "Wang Fang", None, [Template("m", "photo a.jpg", {}, b"1234")], agreed(Way.TOLD).recorded("t")
    )
    with transaction(store):
        assert learned.learn(store, Lesson("c1", one.id, "m", b"1234", 0.7), Moment(1.0, 1_780_000_000.0, True))
    return one


def learned_template(store, resident):
    return next(one.id for one in templates.of(store, resident.id) if one.learned_from)


def test_the_page_tells_a_learned_one_and_erases_it(browser, store, resident):
    manager, page = browser("manager"), f"/residents/{resident.id}"
    shown = manager.get(page).text
    assert "from the photo a.jpg" in shown
    assert "learned from a passage, " in shown
    said = manager.send(f"{page}/templates/erasure", data={"template": learned_template(store, resident)}).text
    assert "Template erased." in said
    assert "learned from a passage, " not in said
    assert "from the photo a.jpg" in said


def test_over_the_api(browser, store, resident):
    manager, path = browser("manager"), f"/api/v1/residents/{resident.id}/templates"
    assert [one["learned_from"] for one in manager.get(path).json()] == [None, "c1"]
    one = f"{path}/{learned_template(store, resident)}"
    assert manager.ask("DELETE", one).status_code == 204
    assert manager.ask("DELETE", one).status_code == 409
    assert [one["learned_from"] for one in manager.get(path).json()] == [None]


@pytest.mark.parametrize("role", ["auditor", "guard"])
def test_whoever_may_only_look_erases_nothing(browser, store, resident, role):
    path = f"/api/v1/residents/{resident.id}/templates/{learned_template(store, resident)}"
    assert browser(role).ask("DELETE", path).status_code == 403
    assert len(templates.of(store, resident.id)) == 2
