"""What is told of a promise: whether it is kept, and for how many more."""

from gate.care.forecast import forecast
from gate.vision.promise import Promise
from models.manifest import shipped_calibration

OPEN = shipped_calibration("open")


def test_a_score_set_by_hand_is_judged_by_the_years_it_keeps_and_knows_no_room():
    promise, photos = Promise(1, 2), [4] * 200
    kept = forecast(OPEN, promise, photos)
    assert kept.kept
    assert not kept.nearly_dear
    assert kept.more is not None
    low = forecast(OPEN, promise, photos, by_hand=kept.score_asked - 0.1)
    assert not low.kept
    high = forecast(OPEN, promise, photos, by_hand=kept.score_asked + 0.001)
    assert high.kept
    assert (high.more, high.nearly_dear) == (None, False)
