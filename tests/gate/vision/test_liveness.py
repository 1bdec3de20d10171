"""What several looks at one track show."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gate.vision.liveness import THRESHOLDS, Liveness, Look, judge
from gate.vision.straight_edges import held_frame
from gate.vocabulary import Level

NOTHING = np.zeros((2, 2, 7, 128), np.float32)
CARD = np.zeros((2, 2, 7, 128), np.float32)
CARD[0, 0, 3, [30, 98]] = 15
CARD[1, 0, 3, 20] = 15

STRICT_OR_STANDARD = pytest.mark.parametrize("level", [Level.STANDARD, Level.STRICT])


def looks(count=10, every_s=0.1, edges=NOTHING, passive: float | None = 5.0, infrared=(), began=0.0) -> list[Look]:
    shown = [*infrared, *[None] * count]
    return [Look(began + number * every_s, edges, passive, shown[number]) for number in range(count)]


@STRICT_OR_STANDARD
def test_a_face_that_nothing_speaks_against_is_live(level):
    assert judge(looks(), level) is Liveness.LIVE


@STRICT_OR_STANDARD
def test_a_frame_that_goes_along_is_an_attack_however_live_the_face_looks(level):
    assert held_frame([CARD] * 8) > THRESHOLDS[level].doubt
    assert judge(looks(edges=CARD), level) is Liveness.DOUBTFUL


@STRICT_OR_STANDARD
def test_what_the_models_call_an_attack_is_one_without_a_frame_too(level):
    assert judge(looks(passive=THRESHOLDS[level].passive), level) is Liveness.LIVE
    assert judge(looks(passive=math.nextafter(THRESHOLDS[level].passive, -100)), level) is Liveness.DOUBTFUL


@STRICT_OR_STANDARD
def test_a_model_that_gives_no_number_vouches_for_nobody(level):
    assert judge(looks(passive=math.nan), level) is Liveness.NOT_LIVE
    assert judge(looks(passive=None), level) is Liveness.NOT_LIVE


def test_strict_refuses_what_standard_forgives():
    doubtful = looks(passive=-4.0)
    assert judge(doubtful, Level.STANDARD) is Liveness.LIVE
    assert judge(doubtful, Level.STRICT) is Liveness.DOUBTFUL


@given(st.integers(0, 30), st.floats(0, 0.2), st.sampled_from([Level.STANDARD, Level.STRICT]))
def test_few_looks_or_one_moment_decide_nothing(count, every_s, level):
    found = judge(looks(count, every_s), level)
    enough = count >= 6 and (count - 1) * every_s >= 0.8
    assert (found is Liveness.WAIT) == (not enough) or abs((count - 1) * every_s - 0.8) < 1e-9


def test_whoever_was_looked_at_on_their_way_does_not_wait():
    coming, near = looks(5, 0.2, passive=None), looks(3, 0.04, began=0.9)
    assert judge(near, Level.STANDARD) is Liveness.WAIT
    assert judge(near, Level.STANDARD, before=coming) is Liveness.LIVE
    assert judge(near, Level.STANDARD, before=coming[-2:]) is Liveness.WAIT, "it is of one moment"
    assert judge([], Level.STANDARD, before=looks(9, 0.2)) is Liveness.WAIT, "nobody is judged from afar"
    assert judge(near, Level.STRICT, before=coming) is Liveness.WAIT, "strict looks at near faces alone"
    infrared = judge(near, Level.STANDARD, before=coming, infrared=True)
    assert infrared is Liveness.WAIT, "nor is what infrared light does not show there at once"


@pytest.mark.parametrize("wrong", [{"edges": CARD}, {"passive": -20.0}, {"passive": math.nan}])
def test_on_the_way_nobody_is_doubted_yet(wrong):
    near = looks(3, 0.04, began=0.9, **wrong)
    assert judge(near, Level.STANDARD, before=looks(5, 0.2, wrong.get("edges", NOTHING))) is Liveness.WAIT


def test_edges_are_the_more_suspect_the_less_live_the_face_looks():
    faint = CARD * (21.0 / held_frame([CARD]))
    assert judge(looks(edges=faint), Level.STANDARD) is Liveness.LIVE
    assert judge(looks(edges=faint, passive=-1.0), Level.STANDARD) is Liveness.LIVE
    assert judge(looks(edges=faint, passive=-2.0), Level.STANDARD) is Liveness.DOUBTFUL
    assert judge(looks(passive=-2.0), Level.STANDARD) is Liveness.LIVE


def test_without_liveness_everyone_is_let_be():
    assert judge([], Level.OFF) is Liveness.LIVE


def test_an_edge_that_stays_behind_is_no_frame():
    wandering = []
    for place in range(10):
        edges = np.zeros_like(CARD)
        edges[0, 0, 3, [12 + 3 * place, 116 - 3 * place]] = 15
        wandering.append(edges)
    assert held_frame(wandering) < held_frame([CARD] * 10) / 3


@STRICT_OR_STANDARD
def test_a_face_that_infrared_light_does_not_show_is_an_attack(level):
    assert judge(looks(infrared=[True] * 10), level, infrared=True) is Liveness.LIVE
    assert judge(looks(infrared=[False] * 10), level, infrared=True) is Liveness.NOT_LIVE
    assert judge(looks(infrared=[False] * 5 + [True] * 5), level, infrared=True) is Liveness.LIVE
    assert judge(looks(infrared=[False] * 6 + [True] * 4), level, infrared=True) is Liveness.NOT_LIVE
    assert judge(looks(infrared=[True] * 10, edges=CARD), level, infrared=True) is Liveness.DOUBTFUL


@STRICT_OR_STANDARD
def test_an_infrared_camera_without_pictures_vouches_for_nobody(level):
    assert judge(looks(), level, infrared=True) is Liveness.BLIND
    assert judge(looks(infrared=[True] * 2), level, infrared=True) is Liveness.BLIND
    assert judge(looks(infrared=[True] * 3), level, infrared=True) is Liveness.LIVE
    assert judge(looks(5, infrared=[True] * 5), level, infrared=True) is Liveness.WAIT
