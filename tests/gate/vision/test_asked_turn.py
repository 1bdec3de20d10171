"""What is concluded of somebody who was asked to turn the head."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import pytest

from gate.vision.asked_turn import (
    LOOKS,
    PRINTED,
    TURNED,
    WITHIN_S,
    Asked,
    Turned,
    TurnLook,
    ask,
    seen,
    worth_fitting,
)
from gate.vision.paper import OnPaper
from gate.vocabulary import Level, Way

LEFT, RIGHT = Way.LEFT, Way.RIGHT
DEEP, FLAT = 0.4, 0.97


def asked(*ways: Way, level: Level = Level.STANDARD, ahead: float = 0.0) -> Asked:
    """A request for these ways, at second 0."""
    left = list(ways)
    return ask(level, ahead, 0.0, lambda _: left.pop(0))


def after(request: Asked, pictures: Iterable[tuple[float, float]], begin: float = 0.0) -> Asked:
    """The request after some pictures, ten a second, each with its yaw and how well its nose fits a sheet."""
    for number, (turn, nose) in enumerate(pictures, 1):
        fit = OnPaper(nose, np.zeros((8, 2))) if worth_fitting(request, turn) else None
        request = seen(request, TurnLook(begin + 0.1 * number, turn, fit))
    return request


@pytest.mark.parametrize(("way", "sign"), [(LEFT, 1), (RIGHT, -1)])
def test_a_head_that_turns_as_asked_has_turned(way: Way, sign: int) -> None:
    turning = [(sign * turn, DEEP) for turn in (0.0, 0.1, *[TURNED + 0.1] * LOOKS)]
    assert after(asked(way), turning).verdict is Turned.TURNED
    assert after(asked(way), turning[:-1]).verdict is Turned.WAIT


def test_a_turn_is_told_from_where_the_face_looked_before() -> None:
    assert after(asked(LEFT, ahead=0.15), [(0.25, DEEP)] * 9).verdict is Turned.WAIT
    assert after(asked(LEFT, ahead=-0.1), [(0.15, DEEP)] * LOOKS).verdict is Turned.TURNED


@pytest.mark.parametrize(("way", "sign"), [(LEFT, -1), (RIGHT, 1)])
def test_whoever_turns_the_other_way_first_is_a_film(way: Way, sign: int) -> None:
    otherwise = after(asked(way), [(sign * 0.3, DEEP)] * 3)
    assert otherwise.verdict is Turned.OTHERWISE
    assert after(otherwise, [(-sign * 0.3, DEEP)] * 9).verdict is Turned.OTHERWISE


def test_paper_that_is_turned_is_flat_at_once_or_when_the_time_is_over() -> None:
    assert after(asked(LEFT), [(0.3, FLAT)] * 25).verdict is Turned.FLAT
    late = after(asked(LEFT), [(0.3, FLAT)] * 5)
    assert after(late, [(0.0, 0.0)], begin=WITHIN_S).verdict is Turned.FLAT


def test_a_nose_that_fits_the_sheet_is_printed_however_far_it_turns() -> None:
    assert after(asked(LEFT), [(0.9, PRINTED + 0.001)] * 9).verdict is Turned.WAIT
    assert after(asked(LEFT), [(0.9, PRINTED)] * LOOKS).verdict is Turned.TURNED


def test_whoever_stays_has_not_turned() -> None:
    staying = [(0.02, 0.0)] * round(WITHIN_S * 10 + 1)
    assert after(asked(RIGHT), staying).verdict is Turned.NOT_TURNED


def test_a_picture_of_which_nothing_is_known_says_nothing() -> None:
    assert after(asked(LEFT), [(0.3, np.nan)] * 9).verdict is Turned.WAIT
    assert after(asked(LEFT), [(np.nan, DEEP)] * 9).verdict is Turned.WAIT


def test_each_request_has_its_time() -> None:
    first = after(asked(LEFT, RIGHT, level=Level.STRICT), [(0.3, DEEP)] * LOOKS, begin=WITHIN_S - 0.6)
    assert (first.verdict, first.way) == (Turned.WAIT, None)
    ahead = after(first, [(0.0, DEEP)], begin=WITHIN_S + 0.5)
    assert ahead.way is RIGHT
    assert after(ahead, [(-0.3, DEEP)] * LOOKS, begin=2 * WITHIN_S).verdict is Turned.TURNED


def test_strict_asks_twice_and_waits_until_the_head_is_straight_between() -> None:
    first = after(asked(LEFT, RIGHT, level=Level.STRICT), [(0.3, DEEP)] * LOOKS)
    assert (first.verdict, first.way) == (Turned.WAIT, None)
    still_there = after(first, [(0.3, DEEP)] * 9, begin=0.3)
    assert (still_there.verdict, still_there.way) == (Turned.WAIT, None)
    ahead = after(still_there, [(0.05, 0.0)], begin=1.2)
    assert ahead.way is RIGHT
    assert after(ahead, [(-0.3, DEEP)] * LOOKS, begin=1.3).verdict is Turned.TURNED
    assert after(ahead, [(0.3, DEEP)] * 3, begin=1.3).verdict is Turned.OTHERWISE


def test_the_same_way_twice_is_two_turns() -> None:
    request = after(asked(LEFT, LEFT, level=Level.STRICT), [(0.3, DEEP)] * 9)
    assert request.verdict is Turned.WAIT
    assert after(request, [(0.0, DEEP), *[(0.3, DEEP)] * LOOKS], begin=0.9).verdict is Turned.TURNED


def test_whoever_never_looks_ahead_again_has_not_turned() -> None:
    first = after(asked(LEFT, RIGHT, level=Level.STRICT), [(0.3, DEEP)] * LOOKS)
    assert after(first, [(0.3, DEEP)], begin=WITHIN_S + 0.6).verdict is Turned.NOT_TURNED


def test_nothing_is_asked_where_liveness_is_off() -> None:
    assert asked(level=Level.OFF).verdict is Turned.TURNED


def test_the_way_is_drawn_by_whoever_asks() -> None:
    drawn: list[tuple[Way, ...]] = []

    def choose(ways: Iterable[Way]) -> Way:
        drawn.append(tuple(ways))
        return RIGHT

    assert ask(Level.STRICT, 0.0, 0.0, choose).ways == (RIGHT, RIGHT)
    assert drawn == [(LEFT, RIGHT)] * 2
