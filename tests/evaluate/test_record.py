import dataclasses

import numpy as np
import pytest

from evaluate.record import Approaches, approaches, fit_best_of, recalibrated
from gate.errors import UsageError
from gate.store.record.audit import Line
from gate.vision.promise import Promise, score_asked

PEOPLE = 200


def line(number, kind, at_s, similarity=None, **details):
    details |= {"method": "face"} if similarity is not None else {}
    details |= {"similarity": similarity} if similarity is not None else {}
    at = f"2026-11-01T{at_s // 3600:02}:{at_s // 60 % 60:02}:{at_s % 60:02}.000+00:00"
    return Line(number, f"event-{number}", "g", "b", kind, at, 0.0, True, details, {}, "", "", {})


def test_refusals_are_strangers_unless_the_same_minute_lets_someone_in():
    seen = approaches([
        line(1, "denied", 0, 0.31, reason="unknown"),
        line(2, "denied", 1000, 0.44, reason="unknown"),
        line(3, "denied", 1010, 0.46, reason="unknown"),
        line(4, "granted", 1030, 0.61),
        line(5, "granted", 2000, 0.52),
        line(6, "denied", 3000, 0.35, reason="unknown"),
        line(7, "denied", 3100, 0.8, reason="ambiguous"),
        line(8, "denied", 3200, reason="unknown"),
        line(9, "corrected", 4000, event="event-5"),
        line(10, "granted", 5000, 0.55),
        line(11, "corrected", 5100, event="event-10"),
        line(12, "correction_taken_back", 5200, event="event-10"),
    ])  # fmt: skip
    assert seen.strangers.tolist() == [0.31, 0.35]
    assert seen.residents.tolist() == [0.61, 0.55]
    assert seen.mistaken.tolist() == [0.52]


def test_a_clock_put_back_takes_no_stranger_off_the_list():
    seen = approaches([line(1, "denied", 9000, 0.31, reason="unknown"), line(2, "granted", 5400, 0.6)])
    assert seen.strangers.tolist() == [0.31]


@pytest.mark.parametrize(("centre", "spread"), [(-0.1, 0.13), (0.0, 0.1)])
def test_one_comparison_is_found_from_the_best_of_many(centre, spread):
    best = np.random.default_rng(1).normal(centre, spread, (4000, PEOPLE)).max(axis=1)
    fitted = fit_best_of(best, PEOPLE)
    for deviation in (3.5, 5.0):
        assert fitted.centre + deviation * fitted.spread == pytest.approx(centre + deviation * spread, abs=0.02)


def test_a_few_residents_who_gave_up_do_not_move_it():
    best = np.random.default_rng(1).normal(-0.1, 0.13, (4000, PEOPLE)).max(axis=1)
    fitted = fit_best_of(np.concatenate([best, np.full(120, 0.48)]), PEOPLE)
    assert fitted.centre + 5 * fitted.spread == pytest.approx(-0.1 + 5 * 0.13, abs=0.03)


def test_where_strangers_score_higher_more_is_asked_and_the_rest_stays(models):
    shipped, promise = models.calibration, Promise(1, 2)
    best = np.random.default_rng(2).normal(-0.05, 0.14, (1000, PEOPLE)).max(axis=1)
    fitted = recalibrated(shipped, Approaches(best, np.zeros(0), np.zeros(0)), PEOPLE, "here")
    assert score_asked(fitted, promise, PEOPLE) > score_asked(shipped, promise, PEOPLE) + 0.05
    assert fitted.measured == "here"
    assert fitted.model_copy(update={"strangers": shipped.strangers, "measured": shipped.measured}) == shipped


def test_too_few_strangers_are_one_sentence(models):
    few = Approaches(np.zeros(299), np.zeros(0), np.zeros(0))
    with pytest.raises(UsageError, match="299 approaches of strangers"):
        recalibrated(models.calibration, few, PEOPLE, "here")
    enough = dataclasses.replace(few, strangers=np.linspace(0.2, 0.4, 300))
    with pytest.raises(UsageError, match="follow no curve"):
        recalibrated(models.calibration, dataclasses.replace(few, strangers=np.full(300, 0.3)), PEOPLE, "here")
    with pytest.raises(UsageError, match="two residents"):
        recalibrated(models.calibration, enough, 1, "here")
