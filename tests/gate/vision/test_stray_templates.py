"""Which enrolled templates no plain face gave."""

import time

import cv2
import numpy as np
import pytest

from gate.store.people import residents, templates
from gate.store.people.consents import NO_PERSON
from gate.vision.stray_templates import near_many, near_nothing, nothing, stray_residents
from models.align import align
from tests.changed import turned
from tests.enrolling import enrol_photos


@pytest.fixture
def enrol_as_found(store, models):
    """Enrols whatever face the detector finds in a picture, as was done before it had to be upright."""

    def enrol(name, image):
        face = align(image, models.detector.detect(image)[0], models.spec)
        vector = models.embedder.embed(face[None])[0].astype("<f4").tobytes()
        residents.enrol(store, name, None, [templates.Template(models.model_id, "s", {}, vector)], NO_PERSON)

    return enrol


def test_a_resident_enrolled_from_a_turned_photo_is_named_and_the_others_are_not(store, models, photos, enrol_as_found):
    assert stray_residents(store, models) == ()
    for name in ("obama.jpg", "biden.jpg", "obama3.jpg"):
        enrol_photos(store, models, name, [photos / name], consent=NO_PERSON)
    enrol_as_found("Upside down", turned(cv2.imread(str(photos / "obama.jpg")), 180))
    enrol_as_found("On a side", turned(cv2.imread(str(photos / "obama2.jpg")), 60))
    assert set(stray_residents(store, models)) == {"Upside down", "On a side"}


def test_a_picture_of_nothing_is_near_nothing(models):
    empty = nothing(models)
    cohort = models.calibration.faces_of_nobody(models.spec.dimension).templates
    assert near_nothing(np.stack([empty, cohort[0]]), empty, cohort).tolist() == [True, False]


def test_a_heap_is_people_who_are_near_to_many_others_and_one_persons_photos_are_none():
    rng = np.random.default_rng(0)
    apart = rng.normal(size=(200, 64))
    heap = rng.normal(size=64) * 3 + rng.normal(size=(6, 64))
    own = np.repeat(rng.normal(size=(1, 64)), 8, axis=0)
    vectors = np.concatenate([apart, heap, own]).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    people = [*range(206), *[206] * 8]
    assert np.flatnonzero(near_many(vectors, people, 0.56)).tolist() == list(range(200, 206))


def test_ten_thousand_are_looked_through_in_seconds():
    vectors = np.random.default_rng(0).normal(size=(10_000, 192)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    began = time.process_time()
    assert not near_many(vectors, range(10_000), 0.56).any()
    assert time.process_time() - began < 20
