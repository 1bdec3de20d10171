"""The figures of an evaluation, against cases whose answer is known."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evaluate.identification import FPIRS, Protocol, attempt, confidence, feasible, fnir_at
from evaluate.looks import PLAIN, by_one
from evaluate.verification import compare_all, det_curve, fnmr_at, worst
from models.manifest import Cohort


def people(count: int, photos: int, noise: float, seed: int = 0, dimension: int = 64):
    """Templates (count * photos, dimension) of people drawn at random, photos straying by `noise`; and whose."""
    rng = np.random.default_rng(seed)
    faces = np.repeat(rng.normal(size=(count, dimension)), photos, axis=0)
    templates = faces + noise * rng.normal(size=faces.shape)
    templates /= np.linalg.norm(templates, axis=1, keepdims=True)
    return templates.astype(np.float32), np.repeat(np.arange(count), photos)


def test_people_who_never_stray_are_never_missed_and_nobody_is_let_in():
    templates, person = people(60, 3, 0.0)
    attempts = attempt(templates, person, np.ones(len(person), bool), Protocol(splits=3))
    assert (attempts.gallery, attempts.strangers, int(attempts.mated.sum())) == (30, 30, 3 * 30 * 2)
    assert {fpir: fnir for fpir, (fnir, _) in fnir_at(attempts).items()} == dict.fromkeys(FPIRS, 0.0)


def test_more_photos_and_more_frames_miss_fewer():
    templates, person = people(300, 5, 2.2)
    enrols = np.ones(len(person), bool)
    missed = {
        (photos, frames): fnir_at(attempt(templates, person, enrols, Protocol(photos, frames, 100, 3)))[0.01][0]
        for photos, frames in ((1, 1), (3, 1), (3, 2))
    }
    assert missed[1, 1] > missed[3, 1] > missed[3, 2]


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 1000), st.floats(0.5, 3), st.floats(0, 0.2))
def test_no_more_strangers_are_let_in_than_allowed_and_stricter_misses_more(seed, noise, margin):
    templates, person = people(80, 2, noise, seed)
    attempts = attempt(templates, person, np.ones(len(person), bool), Protocol(gallery=30, splits=2, seed=seed))
    found = fnir_at(attempts, (0.1, 0.05, 0.02), margin)
    accepted = attempts.accepted(margin)[~attempts.mated]
    for fpir, (_, threshold) in found.items():
        assert np.mean(accepted > threshold) <= fpir + 1e-12
    rates = [fnir for fnir, _ in found.values()]
    assert rates == sorted(rates)


def test_a_resident_taken_for_another_is_missed():
    templates, person = people(40, 2, 0.0)
    swapped = person.copy()
    swapped[[1, 3]] = swapped[[3, 1]]
    attempts = attempt(templates, swapped, np.ones(len(person), bool), Protocol(gallery=20, splits=8))
    assert not attempts.right[attempts.mated].all()
    assert fnir_at(attempts, (0.01,))[0.01][0] >= float(np.mean(~attempts.right[attempts.mated]))


def test_the_confidence_interval_holds_the_figure_and_narrows_with_more_people():
    width = []
    for count in (60, 600):
        templates, person = people(count, 2, 2.2)
        attempts = attempt(templates, person, np.ones(len(person), bool), Protocol(gallery=count // 3, splits=2))
        low, high = confidence(attempts, (0.1,))[0.1]
        assert low <= fnir_at(attempts, (0.1,))[0.1][0] <= high
        width.append(high - low)
    assert width[1] < width[0]


def test_the_same_seed_gives_the_same_figures_and_another_one_others():
    templates, person = people(100, 3, 2.0)
    enrols = np.ones(len(person), bool)
    first, again, other = (
        attempt(templates, person, enrols, Protocol(splits=2, seed=seed)).score.tolist() for seed in (1, 1, 2)
    )
    assert first == again != other


def test_frames_are_lowered_to_what_the_photos_allow_and_photos_never():
    _, person = people(20, 4, 1.0)
    enrols = np.ones(len(person), bool)
    assert feasible(person, enrols, Protocol(photos=3, frames=3)).frames == 1
    assert feasible(person, enrols, Protocol(photos=4)) is None
    enrols[:] = False
    assert feasible(person, enrols, Protocol()) is None


def test_a_photo_that_no_enrolment_takes_is_never_enrolled():
    templates, person = people(30, 2, 0.0)
    enrols = np.tile([True, False], 30)
    templates[~enrols] = -templates[~enrols]
    attempts = attempt(templates, person, enrols, Protocol(splits=2))
    assert (attempts.score[attempts.mated] < 0.9).all()


def test_scores_are_cosines_less_what_both_share_with_the_cohort():
    templates, _ = people(30, 1, 0.0)
    cohort = templates[:12]
    cosines = PLAIN(templates, templates)
    normalised = by_one(Cohort(cohort))(templates, templates)
    assert np.allclose(normalised, normalised.T, atol=1e-6)
    assert (normalised[:12, 12:] < cosines[:12, 12:]).all()


def test_one_to_one_rates_and_the_worst_pairs():
    templates, person = people(50, 2, 1.0)
    templates[4] = templates[1]
    pairs = compare_all(templates, person, PLAIN, 0)
    assert len(pairs.mated) == 50
    assert len(pairs.strangers) == 100 * 99 // 2 - 50
    strangers, _ = worst(pairs, 3)
    assert strangers[0][:2] == (1, 4)
    assert strangers[0][2] == pytest.approx(1, abs=1e-5)
    fmr, fnmr = det_curve(pairs)
    assert (np.diff(fmr) < 0).all()
    assert (np.diff(fnmr) >= 0).all()
    for rate, (missed, threshold) in fnmr_at(pairs).items():
        assert np.mean(pairs.strangers > threshold) <= rate
        assert missed == pytest.approx(float(np.mean(pairs.mated <= threshold)))
