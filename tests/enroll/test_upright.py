"""Small faces in large photos, which are searched in parts."""

import cv2
import numpy as np
import pytest

from enroll.upright import find_faces
from tests.enrolling import picture_in


@pytest.fixture(scope="module")
def head(photos, models):
    """A face of about 30 pixels with what is around it."""
    image = picture_in(photos / "obama2.jpg")
    (face,) = find_faces(image, models)
    x, y, width, height = (round(side) for side in face.box)
    cut = image[max(0, y - height // 2) : y + 2 * height, max(0, x - width // 2) : x + 2 * width]
    scale = 30 / width
    return cv2.resize(cut, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)


# In one part, in the overlap of two, and of all four.
@pytest.mark.parametrize("at", [(100, 100), (1000, 100), (1000, 1000), (1900, 1900), (760, 1250)])
def test_one_face_is_found_once_wherever_it_is(head, models, at):
    image = np.full((2048, 2048, 3), 128, np.uint8)
    left, top = at
    image[top : top + head.shape[0], left : left + head.shape[1]] = head
    (face,) = find_faces(image, models)
    x, y, _, _ = face.box
    assert left <= x <= left + 40
    assert top <= y <= top + 40
