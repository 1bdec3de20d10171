"""How a picture is made smaller and larger."""

import cv2
import numpy as np
import pytest

from models.images import resized


def overlaps(before, after):
    """How much of each pixel of `before` lies in each of `after`, along one side: (after, before), each row 1."""
    edges = np.arange(after + 1) * before / after
    at = np.arange(before)
    inside = np.minimum(edges[1:, None], at + 1) - np.maximum(edges[:-1, None], at)
    return np.clip(inside, 0, None) * after / before


@pytest.mark.parametrize("size", [(112, 160), (97, 131), (40, 57), (111, 1)])
def test_a_smaller_picture_has_the_mean_of_each_area(size):
    image = np.random.default_rng(7).integers(0, 256, (317, 223, 3), dtype=np.uint8)
    down, across = overlaps(317, size[1]), overlaps(223, size[0])
    truth = np.einsum("yh,hwc,xw->yxc", down, image.astype(float), across, optimize=True)
    assert np.abs(resized(image, size) - truth).max() < 0.5001


def test_a_larger_picture_lies_between_its_pixels():
    image = np.random.default_rng(7).integers(0, 256, (60, 45, 3), dtype=np.uint8)
    assert np.array_equal(resized(image, (90, 120)), cv2.resize(image, (90, 120), interpolation=cv2.INTER_LINEAR))
