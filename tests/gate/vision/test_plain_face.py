"""Turned, negative and grey pictures of real faces: which of them are faces to judge by."""

import cv2
import numpy as np
import pytest

from enroll.upright import find_faces, main_face
from gate.vision.plain_face import doubt, doubt_and_lean
from gate.vocabulary import Reason
from tests.changed import turned


@pytest.fixture(scope="module", params=["obama.jpg", "obama2.jpg", "biden.jpg"])
def image(request, photos):
    return cv2.imread(str(photos / request.param))


def doubted(image, models):
    return doubt(image, main_face(find_faces(image, models), image), models.detector)


@pytest.mark.parametrize("degrees", [0, 10, -10])
def test_an_upright_face_is_not_doubted_in_colour_or_grey(image, models, degrees):
    shown = turned(image, degrees)
    assert doubted(shown, models) is None
    grey = cv2.cvtColor(cv2.cvtColor(shown, cv2.COLOR_BGR2GRAY), cv2.COLOR_GRAY2BGR)
    assert doubted(grey, models) is None


@pytest.mark.parametrize("degrees", [40, -45, 60, -90, 135, 180])
def test_a_turned_face_is(image, models, degrees):
    shown = turned(image, degrees)
    if find_faces(shown, models):
        assert doubted(shown, models) is Reason.NOT_UPRIGHT


def test_and_a_negative(image, models):
    assert doubted(image, models) is None
    negative = 255 - image
    if find_faces(negative, models):
        assert doubted(negative, models) is Reason.NOT_PLAIN


@pytest.mark.parametrize("degrees", [0, 20, -30, 45, -60, 180])
def test_how_far_a_face_leans_is_told(image, models, degrees):
    shown = turned(image, degrees)
    _, leans = doubt_and_lean(shown, main_face(find_faces(shown, models), shown), models.detector)
    assert abs((leans - degrees + 180) % 360 - 180) < 15


@pytest.mark.parametrize("person", ["Mohammed_Baqir_al-Hakim", "Cristina_Saralegui"])
def test_a_face_that_is_nearly_one_upside_down_is_seen_to_lean(shared, models, person):
    shown = turned(cv2.imread(str(shared / "faces" / "lfw" / person / f"{person}_0001.jpg")), 180)
    reason, leans = doubt_and_lean(shown, main_face(find_faces(shown, models), shown), models.detector)
    assert reason is None
    assert abs(leans) > 165


def test_a_face_of_which_nothing_is_seen_is_doubted_and_does_not_lean(image, models):
    face = main_face(find_faces(image, models), image)
    nothing = np.zeros_like(image)
    assert doubt_and_lean(nothing, face, models.detector) == (Reason.COVERED, 0)
