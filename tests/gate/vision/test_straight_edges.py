"""Straight edges around a drawn face, wherever and however large it is in the picture."""

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evaluate.demo.walkup import Held, Scene, footage, walker_from
from gate.vision.straight_edges import edges_around, held_frame

TEMPLATE = np.array([[38.3, 51.7], [73.5, 51.5], [56.0, 71.7], [41.5, 92.4], [70.7, 92.2]])


def seen(centre, width: float, card: bool, size=(360, 640)):
    """A plain picture with a card of 2.2 face widths round the face or without one; and the landmarks."""
    picture = np.full((*size, 3), 120, np.uint8)
    landmarks = (TEMPLATE - TEMPLATE.mean(axis=0)) * (0.47 * width / 35.2) + centre
    if card:
        x, y = centre
        corner = (round(x - 1.1 * width), round(y - 1.4 * width)), (round(x + 1.1 * width), round(y + 1.3 * width))
        cv2.rectangle(picture, *corner, (240, 240, 240), -1)
    return picture, landmarks


@settings(max_examples=30, deadline=None)
@given(st.floats(200, 440), st.floats(170, 190), st.floats(60, 110))
def test_a_card_round_the_face_is_found_and_a_plain_wall_is_none(x, y, width):
    with_card = held_frame([edges_around(*seen((x, y), width, True), TEMPLATE)] * 3)
    without = held_frame([edges_around(*seen((x, y), width, False), TEMPLATE)] * 3)
    assert with_card > 20
    assert without < 1


@settings(max_examples=60, deadline=None)
@given(st.floats(-50, 700), st.floats(-50, 420), st.floats(3, 700))
def test_no_place_and_no_size_of_a_face_fails(x, y, width):
    edges = edges_around(*seen((x, y), width, False), TEMPLATE)
    assert edges.shape == (2, 2, 7, 128)
    assert np.isfinite(edges).all()


def test_landmarks_in_one_point_are_refused():
    with pytest.raises(ValueError, match="coincide"):
        edges_around(np.zeros((100, 100, 3), np.uint8), np.ones((5, 2)), TEMPLATE)


@pytest.mark.parametrize("held", [Held.SCREEN, Held.SHEET])
def test_a_photo_held_up_shows_its_frame_and_the_same_person_walking_up_shows_less(models, photos, held):
    walker = walker_from(photos / "obama2.jpg", models.detector)

    def shown(scene: Scene) -> float:
        looks = []
        for image in footage([scene], seed=5):
            found = models.detector.detect(image)
            if found and found[0].box[2] > 50:
                looks.append(edges_around(image, found[0].landmarks, models.spec.landmarks))
        return held_frame(looks[:24:2])

    assert shown(Scene(walker, 4.0, held=held)) > shown(Scene(walker, 4.0)) + 3
