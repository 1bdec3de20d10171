"""A template that is damaged where it lies: everybody else is let in, and it is said whose it is and what to do."""

from contextlib import nullcontext

import numpy as np
import pytest

from evaluate.demo.walkup import Scene, footage, write_video
from gate.care.doctor import examine
from gate.care.doctor.finding import Grade
from gate.care.doctor.site import site_of
from gate.config import Settings
from gate.store.people import residents
from gate.store.people.consents import NO_PERSON
from gate.store.people.templates import Template
from tests.enrolling import enrol_photos
from tests.running import ask, gate_running, until, wait_for

pytestmark = pytest.mark.whole

DAMAGED = {
    "cut short": "substr(vector, 101)",
    "empty": "x''",
    "no number": "CAST(x'0000c07f' || substr(vector, 5) AS BLOB)",
    "nought": "zeroblob(length(vector))",
}


def template(models, axis):
    vector = np.zeros(models.spec.dimension, np.float32)
    vector[axis] = 1
    return Template(models.model_id, "photo a.jpg", {}, vector.tobytes())


@pytest.fixture
def people(store, models):
    return [residents.enrol(store, name, "1-101", [template(models, n)], NO_PERSON) for n, name in enumerate("ABC")]


def damage(store, person, how):
    store.execute(f"UPDATE templates SET vector = {DAMAGED[how]} WHERE resident_id = ?", (person.id,))


def test_the_gate_starts_and_lets_everybody_else_in(models_dir, models, store, state, people, tmp_path):
    for how, person in zip(("cut short", "no number"), people, strict=False):
        damage(store, person, how)
    write_video(tmp_path / "empty.mp4", footage([Scene(None, 2.0)], 1))
    with gate_running(models_dir, state, tmp_path / "empty.mp4") as process:
        until(process, "vision ready")
        assert ask(state, "vision", do="status")["residents"] == 1
        # It follows whoever comes now.
        residents.enrol(store, "D", None, [template(models, 9)], NO_PERSON)
        wait_for(lambda: ask(state, "vision", do="status")["residents"] == 2, 5, "it does not follow the store")


@pytest.mark.parametrize("how", DAMAGED)
def test_doctor_and_console_say_whose_it_is_and_what_to_do(browser, state, store, models_dir, models, people, how):
    def finding():
        site = site_of(state, Settings(), models_dir, lambda: nullcontext(models))
        return next(one for one in examine(site) if one.name == "templates")

    assert finding().grade is Grade.OK
    damage(store, people[1], how)
    assert finding().grade is Grade.BAD
    assert finding().seen == "Damaged, and passed over: templates of B. Everybody else is let in."
    assert "enrol them again" in finding().do
    manager, path = browser("manager"), f"/residents/{people[1].id}"
    assert "damaged, so nobody is known by it: erase it and enrol again" in manager.get(path).text
    for page in ("/residents", "/homes/1-101"):
        assert manager.get(page).text.count("please enrol again") == 1, page
    (told,) = manager.get(f"/api/v1{path}/templates").json()
    assert told["damaged"] is True
    manager.send(f"{path}/templates/erasure", data={"template": told["id"]})
    assert finding().grade is Grade.OK


def test_whoever_has_a_damaged_one_is_enrolled_again_and_others_meanwhile(store, models, photos):
    one = enrol_photos(store, models, "Li Na", [photos / "obama.jpg"]).resident
    damage(store, one, "cut short")
    enrol_photos(store, models, "Wang Fang", [photos / "biden.jpg"])
    enrol_photos(store, models, "Li Na", [photos / "obama2.jpg"])
    assert residents.get(store, one.id).templates == 2
