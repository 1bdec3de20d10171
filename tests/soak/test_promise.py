"""Years of strangers, simulated by scores: fitted on one half of the people, judged on the other."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import NormalDist

import numpy as np
import pytest

from evaluate.folder import Faces, list_people, look
from evaluate.scores import Comparisons, calibrate, compare, foretold
from gate.config import Settings
from gate.vision.evidence import Rule, score_asked_of
from gate.vision.promise import LOOKS, Promise, rule_of, score_asked, second_rule_of
from gate.vision.quality import Bounds
from gate.vision.settings import VisionSettings
from gate.vocabulary import Sighting
from models.manifest import Calibration
from models.pack import Models

PEOPLE, STRANGERS_A_DAY = 300, 2
# A compound's: how many live there, and how many strangers look into its camera every day. No set of photos here has so
# many people: the scores of those there are stand for them.
COMPOUNDS = ((300, 2), (300, 50), (1000, 50), (5000, 50), (10_000, 50))
FPS = 30
FRAMES = 30

pytestmark = pytest.mark.soak


@dataclass(frozen=True)
class Judged:
    """One look: its calibration by one half of the people, how the others score by number of photos, and what a claim
    needs of it in the settings' promise with so many people."""

    fitted: Calibration
    by_photos: list[Comparisons]
    most_looks: float
    """What an approach is worth in independent looks, at most."""
    rule: Callable[[Calibration, VisionSettings, int], Rule]
    largest: tuple[int, int]
    """Up to so many people and strangers a day it is held to the promise, and usable; beyond, it is only told."""

    def holds(self, people: int, strangers: int) -> bool:
        """Whether a compound is one of those."""
        return people <= self.largest[0] and strangers <= self.largest[1]


@pytest.fixture(scope="module")
def faces(shared: Path, models: Models) -> tuple[Faces, Faces]:
    """Both halves of the people, by both looks."""
    folder, bounds = shared / "faces" / "lfw", Bounds.of(VisionSettings())
    one, other = (look(list_people(folder, (part, 2)), models, bounds, lambda: None) for part in (1, 2))
    print(f"\nfitted on {len(one.people)} people, judged on {len(other.people)} others")
    return one, other


@pytest.fixture(scope="module", params=["first look alone", "second look"])
def judged(request: pytest.FixtureRequest, models: Models, faces: tuple[Faces, Faces]) -> Judged:
    """The look that is asked for, fitted on one half and shown the other."""
    second = request.param == "second look"
    by = models.second if second else models
    assert by is not None
    one, other = (replace(part, templates=part.again) if second else part for part in faces)
    shipped = by.calibration
    frames = (shipped.within, shipped.within_s)
    fitted = calibrate(one.templates, one.person, one.enrols, frames, "0" * 64, "half", share=shipped.share)
    cohort = fitted.faces_of_nobody(by.spec.dimension)
    print(f"\n{request.param}")
    by_photos = [compare(other.templates, other.person, other.enrols, photos, cohort, 0) for photos in (1, 2, 3, 4)]
    if second:
        return Judged(fitted, by_photos, 2.0, second_rule_of, (1000, 50))
    return Judged(fitted, by_photos, LOOKS, rule_of, COMPOUNDS[0])


def test_the_tail_is_foretold_by_a_fit_that_did_not_see_its_top(judged: Judged) -> None:
    scores = judged.by_photos[0]
    print("\nfalse match rate   its score   foretold without the top tenth of the tail")
    for rate, true, told in foretold(scores.strangers):
        print(f"{rate:16.1e}   {true:9.3f}   {told:9.3f}")
        assert abs(true - told) < 0.03


@pytest.mark.parametrize(("people", "strangers"), COMPOUNDS)
@pytest.mark.parametrize("years", [1, 5, 20])
def test_wrong_openings_stay_within_the_promise(judged: Judged, years: int, people: int, strangers: int) -> None:
    fitted, by_photos = judged.fitted, judged.by_photos
    settings = Settings(vision={"promise": {"years": years, "strangers_a_day": strangers}})
    rule = judged.rule(fitted, settings.vision, people)
    asked = [_score_asked(rule, count) for count in range(1, FRAMES + 1)]
    rng = np.random.default_rng(years)
    # What strangers truly score is taken from the half the fit has not seen; beyond its last comparison it is fitted.
    truth = by_photos[3].strangers
    rate, looks = _false_matches(truth, fitted, asked, rule.frames, rng)
    a_year = rate * people * strangers * 365.25
    print(f"\n{people} people, {strangers} strangers a day, one wrong opening in {years} years: score {asked[-1]:.3f}")
    print(f"  wrong openings to be expected in them {a_year * years:.2f}; an approach is worth {looks:.2f} looks"
          f" (counted as {LOOKS})")  # fmt: skip
    for photos, scores in enumerate(by_photos, start=1):
        first, frames = _residents(scores.residents, fitted, asked, rule.frames, rng)
        second = _second_approach(scores.residents, asked[-1])
        print(f"  {photos} photos: not let in at the first approach {100 * first:.1f} %, at neither of two"
              f" {100 * second:.1f} %, usable frames needed (median) {frames}")  # fmt: skip
        assert frames <= 3 or not judged.holds(people, strangers)
    assert a_year * years <= 1 or not judged.holds(people, strangers)
    assert looks <= judged.most_looks


def _score_asked(rule, count: int) -> float:
    return score_asked_of([Sighting(number / FPS, np.zeros(1, np.float32)) for number in range(count)], rule)


def _paths(likeness: np.ndarray, fitted: Calibration, rng: np.random.Generator, frames: int = FRAMES) -> np.ndarray:
    """(N, frames) running means of scores that stray around each likeness as measured."""
    kept = math.exp(-1 / FPS / fitted.within_s)
    stray = np.empty((len(likeness), frames))
    stray[:, 0] = rng.normal(0, fitted.within, len(likeness))
    for number in range(1, frames):
        stray[:, number] = kept * stray[:, number - 1] + math.sqrt(1 - kept**2) * rng.normal(
            0, fitted.within, len(stray)
        )
    return likeness[:, None] + np.cumsum(stray, axis=1) / np.arange(1, frames + 1)


def _false_matches(
    truth: np.ndarray, fitted: Calibration, asked: list[float], least: int, rng: np.random.Generator
) -> tuple[float, float]:
    """The chance that a stranger is let in as one certain resident in an approach, and how many looks that is worth.

    Drawn from the tail alone and weighed by its own rate, since the whole distribution would need years of computing.
    """
    ordered = np.sort(truth)
    anchor = float(ordered[int(len(ordered) * 0.99)])
    spread = _tail_spread(ordered)
    body = NormalDist(anchor - spread * NormalDist().inv_cdf(0.99), math.sqrt(spread**2 - fitted.within**2))
    start = asked[-1] - 6 * fitted.within
    share = 1 - body.cdf(start)
    likeness = np.array([body.inv_cdf(1 - share * one) for one in rng.uniform(1e-12, 1, 400_000)])
    let_in = (_paths(likeness, fitted, rng)[:, least - 1 :] >= np.array(asked[least - 1 :])).any(axis=1)
    one_look = NormalDist(body.mean, spread)
    rate = float(let_in.mean()) * share
    return rate, rate / (1 - one_look.cdf(asked[0]))


def _tail_spread(ordered: np.ndarray) -> float:
    rates = np.geomspace(1e-2, 10 / len(ordered), 30)
    at = ordered[(len(ordered) * (1 - rates)).astype(int)]
    return float(np.polyfit([-NormalDist().inv_cdf(rate) for rate in rates], at, 1)[0])


def _residents(
    scores: np.ndarray, fitted: Calibration, asked: list[float], least: int, rng: np.random.Generator
) -> tuple[float, int]:
    paths = _paths(np.repeat(scores, 20), fitted, rng)
    passed = paths[:, least - 1 :] >= np.array(asked[least - 1 :])
    needed = np.where(passed.any(axis=1), least + passed.argmax(axis=1), FRAMES + 1)
    return float(np.mean(needed > FRAMES)), int(np.median(needed))


def _second_approach(scores: np.ndarray, at: float) -> float:
    """Both of two independent photos of one person below the score asked, taking a person's photos as exchangeable."""
    missed = float(np.mean(scores < at))
    return missed**2


def test_the_score_asked_of_one_sharp_look_is_the_promise_itself(models: Models) -> None:
    settings = VisionSettings()
    promise = Promise.of(settings.promise)
    rule = rule_of(models.calibration, settings, PEOPLE)
    assert _score_asked(rule, 1) == pytest.approx(score_asked(models.calibration, promise, PEOPLE))


def test_walds_ratio_of_two_models_asks_more_for_the_same_promise(judged: Judged) -> None:
    """The sequential probability ratio test accepts at log(1 / alpha) whatever the number of frames, since a stranger's
    likeness stays from frame to frame (A. Wald, "Sequential tests of statistical hypotheses", 1945, eq. 3:33)."""
    fitted, by_photos = judged.fitted, judged.by_photos
    print("\nyears   score asked by the tail, by Wald's ratio   residents below (4 photos): tail, ratio")
    for years in (1, 5, 20):
        promise = Promise(years, STRANGERS_A_DAY)
        tail = score_asked(fitted, promise, PEOPLE)
        scores = by_photos[3].residents
        known = NormalDist(float(scores.mean()), float(scores.std()))
        unknown = NormalDist(fitted.strangers.centre, fitted.strangers.spread)
        asked = math.log(1 / promise.rate(PEOPLE))
        grid = np.linspace(unknown.mean, known.mean, 2000)
        ratio = [math.log(known.pdf(score) / unknown.pdf(score)) for score in grid]
        wald = float(grid[int(np.argmax(np.array(ratio) >= asked))])
        below = [100 * float(np.mean(scores < at)) for at in (tail, wald)]
        print(f"{years:5}   {tail:.3f}   {wald:.3f}   {below[0]:.1f} %   {below[1]:.1f} %")
        assert wald > tail
