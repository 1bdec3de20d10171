import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gate.vision.quality import Bounds, Quality, Zone, eye_distance, measure, not_at_gate, unfit, yaw
from gate.vocabulary import Reason
from models.faces import Face

BOUNDS = Bounds(min_eye_distance=24, max_yaw=0.45, min_sharpness=30, min_light=40, max_light=220)
WHOLE = Zone(0, 0, 1, 1)
GOOD = Quality(eye_distance=40, yaw=0.0, aspect=0.76, sharpness=100, light=120)


def frontal(x=100.0, y=100.0, width=100.0) -> Face:
    points = ((0.27, 0.4), (0.73, 0.4), (0.5, 0.6), (0.33, 0.8), (0.67, 0.8))
    landmarks = tuple((x + px * width, y + py * width) for px, py in points)
    return Face((x, y, width, width * 1.3), landmarks, 0.9)


def test_a_good_face_is_fit():
    assert unfit(GOOD, BOUNDS) is None


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"eye_distance": 23.9}, Reason.TOO_FAR),
        ({"yaw": -0.46}, Reason.TURNED_AWAY),
        ({"yaw": 0.46}, Reason.TURNED_AWAY),
        ({"light": 39}, Reason.TOO_DARK),
        ({"light": 221}, Reason.TOO_BRIGHT),
        ({"sharpness": 29}, Reason.BLURRED),
        ({"aspect": 0.59}, Reason.NOT_PLAIN),
        ({"aspect": 0.93}, Reason.NOT_PLAIN),
        ({"aspect": math.nan}, Reason.NOT_PLAIN),
        ({"eye_distance": math.nan}, Reason.TOO_FAR),
        ({"yaw": math.nan}, Reason.TURNED_AWAY),
        ({"light": math.nan}, Reason.TOO_DARK),
        ({"sharpness": math.nan}, Reason.BLURRED),
    ],
)
def test_each_measure_refuses_with_its_own_reason_and_nan_refuses(change, reason):
    assert unfit(replace(GOOD, **change), BOUNDS) is reason


@given(st.floats(0.1, 50), st.floats(-1000, 1000), st.floats(-1000, 1000))
def test_yaw_depends_neither_on_size_nor_on_place(scale, dx, dy):
    turned = Face((0, 0, 1, 1), ((0, 0), (10, 1), (8, 5), (1, 9), (9, 9)), 0.9)
    moved = tuple((x * scale + dx, y * scale + dy) for x, y in turned.landmarks)
    assert yaw(Face((0, 0, 1, 1), moved, 0.9)) == pytest.approx(yaw(turned), abs=1e-6)


def test_yaw_of_coinciding_eyes_is_infinite():
    assert yaw(Face((0, 0, 1, 1), ((5, 5),) * 5, 0.9)) == math.inf


def test_measures_of_a_drawn_picture():
    flat = np.full((112, 112, 3), 90, np.uint8)
    quality = measure(frontal(), flat)
    assert quality.light == 90
    assert quality.sharpness == 0
    assert quality.yaw == pytest.approx(0)
    assert quality.eye_distance == eye_distance(frontal()) == pytest.approx(46)


def test_only_a_near_face_inside_the_zone_is_at_the_gate():
    near = frontal()
    assert not_at_gate(near, [near], (640, 360), WHOLE, BOUNDS) is None
    assert not_at_gate(near, [near], (640, 360), Zone(0.5, 0, 1, 1), BOUNDS) is Reason.OUT_OF_ZONE
    far = frontal(width=30)
    assert not_at_gate(far, [far], (640, 360), WHOLE, BOUNDS) is Reason.TOO_FAR
    behind = frontal(x=300, width=55)
    assert not_at_gate(behind, [near, behind], (640, 360), WHOLE, BOUNDS) is Reason.NOT_NEAREST
    beside = frontal(x=300, width=80)
    assert not_at_gate(beside, [near, beside], (640, 360), WHOLE, BOUNDS) is None


@given(st.floats(0, 1), st.floats(0, 1), st.floats(0, 1), st.floats(0, 1), st.floats(0, 500), st.floats(0, 300))
def test_no_face_outside_the_zone_is_ever_at_the_gate(a, b, c, d, x, y):
    zone = Zone(min(a, b), min(c, d), max(a, b), max(c, d))
    face = frontal(x, y, 80)
    across, down = (x + 40) / 640, (y + 52) / 360
    outside = not (zone.left <= across <= zone.right and zone.top <= down <= zone.bottom)
    if outside:
        assert not_at_gate(face, [face], (640, 360), zone, BOUNDS) is Reason.OUT_OF_ZONE
