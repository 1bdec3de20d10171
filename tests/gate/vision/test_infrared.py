"""A face in an infrared camera's picture, at the place where the colour camera sees one; real faces, made grey."""

import cv2
import numpy as np
import pytest

from evaluate.demo.walkup import Scene, footage, walker_from
from gate.vision.infrared import shows_face
from tests.infrared import grey


@pytest.fixture(scope="module")
def near(models, photos):
    """A picture with a face near the gate, and the face's box."""
    *_, image = footage([Scene(walker_from(photos / "obama2.jpg", models.detector), 4.0)], 5)
    return image, models.detector.detect(image)[0].box


def shifted(image: np.ndarray, across: float) -> np.ndarray:
    return cv2.warpAffine(image, np.array([[1, 0, across], [0, 1, 0]]), image.shape[1::-1])


@pytest.mark.parametrize(
    "seen",
    [
        grey,
        lambda image: cv2.resize(grey(image), (480, 270)),
        lambda image: cv2.resize(grey(image), (1280, 720)),
        lambda image: cv2.copyMakeBorder(grey(image), 140, 140, 0, 0, cv2.BORDER_CONSTANT),
        lambda image: np.ascontiguousarray(grey(image)[20:-20]),
        lambda image: np.asarray(np.clip(grey(image) * 0.5, 0, 255), np.uint8),
    ],
    ids=["as large", "smaller", "larger", "taller", "less tall", "darker"],
)
def test_a_face_is_found_where_the_other_camera_sees_it(models, near, seen):
    image, box = near
    assert shows_face(models.detector, seen(image), box, image)


def test_lenses_side_by_side_see_it_a_little_beside(models, near):
    image, box = near
    for share, shown in ((0.3, True), (-0.3, True), (1.0, False), (-1.0, False)):
        assert shows_face(models.detector, grey(shifted(image, share * box[2])), box, image) is shown


def test_where_infrared_light_shows_no_face_there_is_none(models, near):
    image, box = near
    x, y, width, height = (round(side) for side in box)
    screen = grey(image)
    cv2.rectangle(screen, (x - width, y - height), (x + 2 * width, y + 2 * height), (8, 8, 8), -1)
    assert not shows_face(models.detector, screen, box, image)
    assert not shows_face(models.detector, np.zeros_like(image), box, image)


@pytest.mark.parametrize("box", [(-500, 10, 60, 60), (630, 350, 60, 60), (1e6, 1e6, 60, 60), (10, 10, 0, 0)])
def test_a_box_at_or_past_the_edge_shows_nobody(models, near, box):
    image, _ = near
    assert not shows_face(models.detector, grey(image), box, image)
