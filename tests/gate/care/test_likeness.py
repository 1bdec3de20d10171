"""The doctor says when those who are enrolled look more alike than the calibration knew, and of nobody else."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

from evaluate.folder import Listing, look, photos_in
from gate.care.doctor.finding import Grade
from gate.care.doctor.recognition import told_of_likeness
from gate.care.likeness import alike, chance_of
from gate.store.people import residents, templates
from gate.store.people.consents import NO_PERSON
from gate.vision.settings import VisionSettings

PEOPLE = 40


@pytest.fixture
def told(store, models, models_dir):
    """What the doctor says of people with these templates (N, D) of the first look, and of the second where given;
    `homes` names where each lives."""

    def told(first, second=None, homes=None, **vision):
        for number, vector in enumerate(first):
            made = templates.Template(models.model_id, "test", {}, vector.astype("<f4").tobytes())
            if second is not None:
                numbers = second[number].astype("<f4").tobytes()
                made = replace(made, second_model=models.second.model_id, second_vector=numbers)
            home = homes[number] if homes else None
            residents.enrol(store, f"Person {number}", home, [made], NO_PERSON, by="test")
        return told_of_likeness(alike(store, models_dir, "open", VisionSettings(**vision)))

    return told


def people(dimension, alike=0.0, count=PEOPLE):
    """(count, dimension): faces that have so much in common, as a cosine."""
    rng = np.random.default_rng(3)
    own, common = rng.normal(size=(count, dimension)), rng.normal(size=dimension)
    vectors = np.sqrt(1 - alike) * own / np.linalg.norm(own, axis=1, keepdims=True)
    vectors += np.sqrt(alike) * common / np.linalg.norm(common)
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)


def test_people_of_everywhere_are_nothing_to_be_told_of(told):
    seen = told(people(192))
    assert seen.grade is Grade.OK
    assert "0 of 780 pairs of 40 people, where 8 were to be expected" in seen.seen


def test_people_who_look_alike_to_the_first_look_are_told_to_enrol_again(told):
    seen = told(people(192, alike=0.5))
    assert (seen.grade, seen.do.startswith("Enrol again")) == (Grade.LOOK, True)
    assert "about 100 times as often as the promise counts on (780 of 780 pairs" in seen.seen


def test_where_the_second_look_decides_its_own_faces_are_compared(told):
    assert told(people(192, alike=0.5), people(128)).grade is Grade.OK


def test_people_who_look_alike_to_the_second_look_are_told_to_calibrate_it(told):
    seen = told(people(192), people(128, alike=0.6))
    assert (seen.grade, "calibrate FOLDER --pack opencv-zoo" in seen.do) == (Grade.LOOK, True)


def test_where_no_second_look_is_wanted_everybody_s_first_one_counts(told):
    seen = told(people(192, alike=0.5), people(128), second_look=False)
    assert (seen.grade, seen.do.startswith("Let the gate look a second time")) == (Grade.LOOK, True)


def test_families_may_look_alike_however_their_home_is_written(told):
    faces = np.concatenate([people(192, alike=0.9, count=4) @ turn for turn in turns(10)])
    homes = [f"3-{100 + number // 4}" if number % 2 else f"3栋{100 + number // 4}室" for number in range(PEOPLE)]
    assert told(faces, homes=homes).grade is Grade.OK


def test_the_same_families_without_a_home_are_told_of(told):
    assert told(np.concatenate([people(192, alike=0.9, count=4) @ turn for turn in turns(10)])).grade is Grade.LOOK


def turns(count):
    """Rotations of the space of templates, each of a family's faces."""
    rng = np.random.default_rng(5)
    return [np.linalg.qr(rng.normal(size=(192, 192)))[0] for _ in range(count)]


def test_a_few_people_tell_nothing(told):
    seen = told(people(192, alike=0.5, count=29))
    assert (seen.grade, seen.seen.startswith("Too few")) == (Grade.OK, True)


def test_damaged_templates_are_left_out(told, store):
    told(people(192))
    store.execute("UPDATE templates SET vector = x'00' WHERE rowid % 20 = 0")
    store.execute("UPDATE templates SET vector = zeroblob(768) WHERE rowid % 20 = 1")
    assert "pairs of 36 people" in told([]).seen


def test_more_than_expected_is_the_less_likely_by_chance_the_more_it_is():
    chances = [chance_of(found, 5.0) for found in (5, 8, 12, 20, 200)]
    assert all(one > other for one, other in pairwise(chances))
    # Of tables of Poisson's distribution.
    assert chance_of(10, 5.0) == pytest.approx(0.0318, abs=1e-4)
    assert chance_of(120, 100.0) == pytest.approx(0.0282, abs=1e-4)
    assert chance_of(0, 5.0) == 1.0


@pytest.mark.parametrize("group", ["East Asian names", "everybody"])
def test_real_faces_of_one_region_are_told_and_of_everywhere_are_not(told, shared, models, group):
    named = shared / "faces" / "lfw_east_asian.txt"
    if not named.is_file():
        pytest.skip("the list of East Asian names in ../shared/faces is not here")
    chosen = sorted(named.read_text("utf-8").split())
    if group == "everybody":
        chosen = sorted(one.name for one in (shared / "faces" / "lfw").iterdir())[:: 1500 // len(chosen)][: len(chosen)]
    photos = tuple((name, next(photos_in(shared / "faces" / "lfw" / name))) for name in chosen)
    faces = look(Listing(photos, (), {}), replace(models, second=None), None, lambda: None)
    seen = told(faces.templates)
    print(f"\n{group}: {seen.seen}")
    assert (seen.grade is Grade.LOOK) is (group == "East Asian names")
