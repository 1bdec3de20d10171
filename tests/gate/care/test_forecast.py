"""What is told of a promise: whether it is kept, and for how many more."""

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
