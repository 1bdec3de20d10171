"""Score models recover what made the scores, and the promise follows from them."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evaluate.scores import Comparisons, calibrate, compare, fit_cohort, fit_frames, fit_tail, foretold
from gate.errors import UsageError
from gate.vision.promise import DEAR, LOOKS, Looked, Promise, deviate, missed, room, score_asked, years_kept
from models.manifest import Cohort, shipped_calibration
from tests.evaluate.test_identification import people

OPEN = shipped_calibration("open")


def test_a_normal_tail_is_found_again_and_foretold():
    scores = np.random.default_rng(3).normal(-0.1, 0.14, 400_000)
    fit = fit_tail(scores)
    assert fit.centre == pytest.approx(-0.1, abs=0.02)
    assert fit.spread == pytest.approx(0.14, abs=0.008)
    assert all(abs(true - told) < 0.03 for _, true, told in foretold(scores))


def test_pairs_under_a_wrong_name_do_not_lift_the_tail():
    rng = np.random.default_rng(3)
    clean = rng.normal(-0.1, 0.14, 400_000)
    spoilt = np.r_[clean, np.full(4, 0.9)]
    assert fit_tail(spoilt).spread == pytest.approx(fit_tail(clean).spread, abs=0.01)


def test_two_people_who_are_compared_often_count_as_often_as_others():
    templates, person = people(60, 5, 0.8)
    none = Cohort(np.zeros((1, templates.shape[1]), np.float32), 0.0)
    enrols = np.ones(len(person), bool)
    by_photos = [compare(templates, person, enrols, photos, none, 0) for photos in (1, 2, 3)]
    whole = Comparisons.together(by_photos)
    counts = whole.once_a_pair()
    assert len(whole.strangers) == sum(len(one.strangers) for one in by_photos)
    assert [counts[whole.pairs == pair].sum() for pair in set(whole.pairs.tolist())] == pytest.approx(
        np.ones(60 * 59 // 2)
    )
    often = np.tile([0.9], 4000)
    weights = np.r_[np.ones(100_000), np.full(4000, 1 / 4000)]
    scores = np.random.default_rng(3).normal(-0.1, 0.14, 100_000)
    assert fit_tail(np.r_[scores, often], weights=weights).spread == pytest.approx(fit_tail(scores).spread, abs=0.002)


def test_one_person_under_several_names_does_not_lift_what_is_asked():
    templates, person = people(240, 5, 0.8)
    frames, promise = (0.02, 0.1), Promise(1, 2)
    clean = calibrate(templates, person, np.ones(len(person), bool), frames, "0" * 64, "clean")
    renamed = templates.copy()
    # Of three at least two come into the same half.
    for name in (1, 2):
        stray = np.random.default_rng(name).normal(0, 0.06, (5, templates.shape[1]))
        other = templates[person == 0] + stray
        renamed[person == name] = other / np.linalg.norm(other, axis=1, keepdims=True)
    spoilt = calibrate(renamed, person, np.ones(len(person), bool), frames, "0" * 64, "spoilt")
    assert score_asked(spoilt, promise, 300) == pytest.approx(score_asked(clean, promise, 300), abs=0.03)


def test_how_frames_stray_is_found_again():
    rng = np.random.default_rng(5)
    tracks = []
    for _ in range(60):
        stray = [0.0]
        for _ in range(200):
            stray.append(np.exp(-0.04 / 0.2) * stray[-1] + np.sqrt(1 - np.exp(-0.08 / 0.2)) * rng.normal())
        tracks.append((np.arange(201) * 0.04, 0.6 + 0.03 * np.array(stray)))
    within, within_s = fit_frames(tracks)
    assert within == pytest.approx(0.03, rel=0.15)
    assert within_s == pytest.approx(0.2, rel=0.4)


def test_a_calibration_of_made_up_people_lets_residents_in_and_keeps_nobodys_face():
    templates, person = people(240, 4, 0.8)
    calibration = calibrate(templates, person, np.ones(len(person), bool), (0.02, 0.1), "0" * 64, "made up")
    assert len(calibration.residents) == 3
    assert calibration.floor < calibration.residents[0][6]
    cohort = calibration.faces_of_nobody(64).templates
    assert float((cohort @ templates.T).max()) < 0.8


def _alike(count: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """People who have something in common with one another, three photos each."""
    templates, person = people(count, 3, 0.5, seed)
    common = np.random.default_rng(99).normal(size=templates.shape[1])
    templates = templates + 0.3 * common / np.linalg.norm(common)
    return (templates / np.linalg.norm(templates, axis=1, keepdims=True)).astype(np.float32), person


def _calibrated_with_group(**asked: object):
    others, their_numbers = people(400, 3, 0.5)
    alike, numbers = _alike(200, 1)
    templates, person = np.concatenate([others, alike]), np.concatenate([their_numbers, numbers + 400])
    enrols = np.ones(len(person), bool)
    return calibrate(templates, person, enrols, (0.02, 0.1), "0" * 64, "made up", share=0.0, **asked)


def test_the_promise_is_kept_within_the_hardest_group_where_that_is_asked():
    of_it = np.arange(600) >= 400
    groups = {"alike": of_it, "others": ~of_it, "everybody": np.ones(600, bool)}
    over_all, within = _calibrated_with_group(), _calibrated_with_group(groups=groups)
    assert within.measured == "made up, within alike"
    assert within.residents == over_all.residents
    # People of the group whom nothing was fitted on.
    fresh, _ = _alike(400, 2)
    scores = (fresh[::3] @ fresh[1::3].T)[~np.eye(400, dtype=bool)]
    rates = {}
    for name, fitted in (("over all", over_all), ("within", within)):
        at = fitted.strangers.centre + deviate(1e-3) * fitted.strangers.spread
        rates[name] = float(np.mean(scores > at))
    assert rates["over all"] > 4e-3
    assert rates["within"] < 2e-3


def test_a_group_too_small_to_be_fitted_on_is_refused_and_one_that_is_no_harder_changes_nothing():
    with pytest.raises(UsageError, match="No group is large enough"):
        _calibrated_with_group(groups={"a few": np.arange(600) >= 570})
    unlike = _calibrated_with_group(groups={"others": np.arange(600) < 400})
    assert unlike.strangers == _calibrated_with_group().strangers


def test_too_few_people_or_photos_are_refused_in_words():
    templates, person = people(30, 3, 0.5)
    with pytest.raises(UsageError, match="at least 50 people; here are 30"):
        calibrate(templates, person, np.ones(len(person), bool), (0.02, 0.1), "0" * 64, "x")
    templates, person = people(80, 1, 0.5)
    with pytest.raises(UsageError, match="people with two photos or more"):
        calibrate(templates, person, np.ones(len(person), bool), (0.02, 0.1), "0" * 64, "x")


def test_the_cohort_is_the_same_for_the_same_seed():
    templates, person = people(200, 2, 0.5)
    assert np.array_equal(fit_cohort(templates, person, 1), fit_cohort(templates, person, 1))


@given(st.integers(1, 5000), st.floats(0.5, 50), st.floats(0.5, 200))
def test_the_promise_asks_more_of_more_people_more_strangers_and_more_years(people_enrolled, years, strangers):
    promise = Promise(years, strangers)
    at = score_asked(OPEN, promise, people_enrolled)
    assert at <= score_asked(OPEN, promise, people_enrolled + 100)
    assert at <= score_asked(OPEN, Promise(years * 2, strangers), people_enrolled)
    assert at <= score_asked(OPEN, Promise(years, strangers * 2), people_enrolled)
    assert years_kept(OPEN, at, strangers, people_enrolled) >= years * 0.999


def test_the_sum_is_the_one_on_the_back_of_an_envelope():
    rate = Promise(years=1, strangers_a_day=2).rate(300)
    assert rate == pytest.approx(1 / (300 * 2 * 365.25 * LOOKS))
    assert score_asked(OPEN, Promise(1, 2), 300) == pytest.approx(
        OPEN.strangers.centre + deviate(rate) * OPEN.strangers.spread
    )


@settings(deadline=None)
@given(st.integers(1, 400), st.floats(0.5, 5))
def test_there_is_room_exactly_until_it_is_too_dear(enrolled, strangers):
    promise, photos = Promise(1, strangers), (4,) * enrolled
    more = room([Looked(OPEN, photos)], promise)
    assert more == 0 or missed(OPEN, score_asked(OPEN, promise, enrolled + more), photos) <= DEAR
    if 0 < more < 100_000:
        assert missed(OPEN, score_asked(OPEN, promise, enrolled + more + 1), photos) > DEAR


def test_more_photos_of_a_person_cost_fewer_misses():
    at = score_asked(OPEN, Promise(1, 2), 300)
    assert missed(OPEN, at, [1]) > missed(OPEN, at, [3])
    assert missed(OPEN, at, []) == 0
    assert missed(OPEN, at, [0, 0]) == 0
