"""What is told of a promise: whether it is kept, and for how many more."""

import pytest

from gate.care.forecast import forecast
from gate.vision.promise import SECOND_SHARE, Looked, Promise
from models.manifest import shipped_calibration

OPEN, SFACE = shipped_calibration("open"), shipped_calibration("opencv-zoo")


def test_a_score_set_by_hand_is_judged_by_the_years_it_keeps_and_knows_no_room():
    promise, residents = Promise(1, 2), Looked(OPEN, (4,) * 200)
    kept = forecast(promise, residents)
    assert kept.kept
    assert not kept.nearly_dear
    assert kept.more is not None
    low = forecast(promise, residents, by_hand=kept.score_asked - 0.1)
    assert not low.kept
    high = forecast(promise, residents, by_hand=kept.score_asked + 0.001)
    assert high.kept
    assert (high.more, high.nearly_dear) == (None, False)


def test_a_second_look_spares_residents_a_second_approach_and_names_who_goes_without_it():
    promise = Promise(1, 50)
    before = forecast(promise, Looked(OPEN, (3,) * 300))
    after = forecast(promise, Looked(OPEN, ()), Looked(SFACE, (3,) * 300, SECOND_SHARE))
    some = forecast(promise, Looked(OPEN, (3,) * 100), Looked(SFACE, (3,) * 200, SECOND_SHARE))
    assert after.come_twice < some.come_twice < before.come_twice
    assert (before.once_only, after.once_only, some.once_only) == (0, 0, 100)
    assert before.people == after.people == some.people == 300
    assert after.kept


def test_who_must_come_twice_is_told_by_photos_with_what_a_third_one_would_bring():
    promise = Promise(1, 50)
    found = forecast(promise, Looked(OPEN, (1,) * 30 + (5,) * 10), Looked(SFACE, (2,) * 50 + (1,) * 10, SECOND_SHARE))
    assert [(one.photos, one.people) for one in found.prices] == [(1, 40), (2, 50), (3, 10)]
    assert sum(one.people * one.come_twice for one in found.prices) / 100 == pytest.approx(found.come_twice)
    assert found.prices[1].come_twice < found.prices[0].come_twice
    assert found.with_enough < found.come_twice
    assert found.more_photos_help
    enough = forecast(promise, Looked(OPEN, ()), Looked(SFACE, (3, 4) * 50, SECOND_SHARE))
    assert (enough.more_photos_help, enough.with_enough) == (False, pytest.approx(enough.come_twice))
    nobody = forecast(promise, Looked(OPEN, ()))
    assert (nobody.prices, nobody.with_enough, nobody.more_photos_help) == ((), 0, False)
