"""A face found on a part of a picture, or on a copy of another size, is told in pixels of the whole."""

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.align import align
from models.detector import find_shrunk
from models.faces import Face, largest, mean

side = st.floats(1, 500, width=32)
faces = st.builds(
    Face.of, st.lists(side, min_size=15, max_size=15).map(lambda numbers: [*numbers[:14], numbers[14] / 512])
)


@given(faces, st.sampled_from([0.25, 0.5, 2.0, 4.0]), st.integers(0, 4096), st.integers(0, 4096))
def test_what_is_found_on_an_enlarged_part_lies_in_the_whole_where_it_was_cut_from(face, scale, left, top):
    x, y, width, height = face.box
    whole = face.in_whole(scale, left, top)
    assert whole.box == pytest.approx((x / scale + left, y / scale + top, width / scale, height / scale), rel=1e-5)
    moved = [(across / scale + left, down / scale + top) for across, down in face.landmarks]
    assert np.array(whole.landmarks) == pytest.approx(np.array(moved), rel=1e-5)
    assert whole.score == face.score


@given(faces)
def test_in_the_whole_picture_itself_a_face_is_the_same_and_the_mean_of_one_is_it(face):
    assert face.in_whole(1) == face == mean([face]) == mean([face, face])


@given(st.lists(faces, min_size=1))
def test_the_largest_is_none_smaller_than_another(found):
    assert largest(found).area == max(face.area for face in found)


def test_without_faces_none_is_the_largest():
    assert largest([]) is None


def test_a_small_copy_shows_the_face_where_the_picture_has_it(models, photos):
    image = cv2.imread(str(photos / "obama.jpg"))
    (face,), (small,) = (find_shrunk(image, models.detector, side) for side in (640, 320))
    assert np.abs(np.subtract(face.landmarks, small.landmarks)).max() < 0.1 * face.box[2]
    one, other = (models.embedder.embed(align(image, seen, models.spec)[None])[0] for seen in (face, small))
    assert float(one @ other) > 0.9
