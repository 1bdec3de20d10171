"""At most one wrong opening in N years: what a claim must score for that, and what it costs the residents. Pure."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from statistics import NormalDist
from typing import TYPE_CHECKING

import numpy as np

from gate.vision.evidence import Rule
from models.manifest import QUANTILES, Calibration, Normal

if TYPE_CHECKING:
    from gate.vision.settings import PromiseSettings, VisionSettings

_STANDARD = NormalDist()
_DAYS = 365.25
# In one approach a stranger is judged frame by frame. Simulated with frames correlated as measured, that is as good as
# this many independent looks (make soak prints it).
LOOKS = 1.6
# Beyond this nobody can be told from anybody; a rate above it is no promise.
_MOST_RATE = 0.01
# What a template is added by, a stranger reaches so many times less often than what the gate opens by.
LEARNED_SELDOMER = 10.0
# Faces that a second look is taken at before it is believed.
_SECOND_FRAMES = 3
# Of a hundred strangers one comes so near to any of the residents.
_NEAR_RATE = 0.01
# Of the wrong openings that a promise allows, the first look may bring so many where a second one follows: among people
# of one region it takes one for another ten to forty times as often as over all, the second about as often.
FIRST_SHARE = 0.01
# And the second so many. Beyond what photos can show, strangers who truly look alike are more than a normal tail
# foretells: 1.7 to 2.6 times as many at one in 100,000, of photos and of walk-ups; the rest of the promise is for them.
SECOND_SHARE = 0.25
# When more of the residents than this must come a second time, the promise has become too dear.
DEAR = 0.10


@dataclass(frozen=True, slots=True)
class Promise:
    """At most one wrong opening in `years`, with so many approaches a day of people who are not enrolled."""

    years: float
    strangers_a_day: float

    @classmethod
    def of(cls, settings: PromiseSettings) -> Promise:
        """The promise an installer chose in the settings."""
        return cls(settings.years, settings.counted)

    def rate(self, people: int) -> float:
        """The most false matches a comparison may have, with so many people enrolled."""
        comparisons = max(people, 1) * self.strangers_a_day * _DAYS * self.years * LOOKS
        return min(_MOST_RATE, 1 / comparisons)


def deviate(rate: float) -> float:
    """How many spreads above the centre of a normal distribution so small a share of it lies.

    >>> round(deviate(0.001), 2)
    3.09
    """
    return -_STANDARD.inv_cdf(rate)


def rule_of(calibration: Calibration, settings: VisionSettings, people: int, share: float = 1.0) -> Rule:
    """What a claim needs with so many people enrolled, where it may bring this `share` of the wrong openings.

    A score set by hand stands in the promise's place.
    """
    by_hand = settings.threshold is not None
    return Rule(
        centre=calibration.strangers.centre,
        spread=calibration.strangers.spread,
        within=calibration.within,
        within_s=calibration.within_s,
        deviate=-math.inf if by_hand else deviate(share * Promise.of(settings.promise).rate(people)),
        floor=calibration.floor if settings.threshold is None else settings.threshold,
        margin=calibration.margin if settings.margin is None else settings.margin,
        lookalike=calibration.lookalike,
        frames=settings.frames,
        patience=settings.patience,
        patience_s=settings.patience_s,
        near=calibration.strangers.centre + deviate(_NEAR_RATE / max(people, 1)) * calibration.strangers.spread,
    )


def looks_again(settings: VisionSettings) -> bool:
    """Whether a second look is wanted; a score set by hand is the first look's, and nothing stands beside it."""
    return settings.second_look and settings.threshold is None


def second_rule_of(calibration: Calibration, settings: VisionSettings, people: int) -> Rule:
    """What a claim needs on the second look, by what the first one left of the promise.

    More frames lower nothing of it: they are the best of a track, and are looked at until one of them suffices.
    """
    return replace(rule_of(calibration, settings, people, SECOND_SHARE), frames=_SECOND_FRAMES, within=0.0)


def as_seldom(score: float, of: Normal, to: Normal) -> float:
    """The score under one model of the strangers, `to`, that they reach as seldom as `score` under another, `of`."""
    return to.centre + (score - of.centre) / of.spread * to.spread


def learning_rule(calibration: Calibration, settings: VisionSettings, people: int) -> Rule:
    """What a template needs to be learned from: as much as a claim, and the promise's score, made much stricter."""
    rate = Promise.of(settings.promise).rate(people) / LEARNED_SELDOMER
    return replace(rule_of(calibration, settings, people), deviate=deviate(rate))


def second_learning_rule(calibration: Calibration, settings: VisionSettings, people: int) -> Rule:
    """The same by the second look."""
    rate = SECOND_SHARE * Promise.of(settings.promise).rate(people) / LEARNED_SELDOMER
    return replace(second_rule_of(calibration, settings, people), deviate=deviate(rate))


def score_asked(calibration: Calibration, promise: Promise, people: int, share: float = 1.0) -> float:
    """The score from which one sharp look at somebody is believed, with so many `people` enrolled, where it may bring
    this `share` of the wrong openings."""
    strangers = calibration.strangers
    return max(calibration.floor, strangers.centre + deviate(share * promise.rate(people)) * strangers.spread)


def years_kept(calibration: Calibration, at: float, strangers_a_day: float, people: int) -> float:
    """In how many years one wrong opening is to be expected when claims are believed from the score `at`."""
    strangers = calibration.strangers
    # As the tail itself: cdf(-z) keeps its digits where 1 - cdf(z) has none.
    rate = _STANDARD.cdf(-(at - strangers.centre) / strangers.spread)
    comparisons = max(people, 1) * strangers_a_day * _DAYS * LOOKS
    return 1 / (comparisons * rate) if rate > 0 else math.inf


def missed(calibration: Calibration, at: float, photos: Sequence[int]) -> float:
    """The share of the residents, each with so many photos, whose one look scores below `at`."""
    known = calibration.residents
    shares = [float(np.interp(at, known[min(count, len(known)) - 1], QUANTILES, left=0.0)) for count in photos if count]
    return sum(shares) / len(shares) if shares else 0.0


@dataclass(frozen=True, slots=True)
class Looked:
    """Residents whom one look decides about: how its model scores, how many `photos` each has, and the `share` of the
    wrong openings that it may bring."""

    calibration: Calibration
    photos: tuple[int, ...]
    share: float = 1.0


def come_twice(residents: Sequence[Looked], promise: Promise, people: int) -> float:
    """The share of the residents whose first approach does not let them in, were so many `people` enrolled."""
    counted = [(len(one.photos), missed(one.calibration, score_asked(one.calibration, promise, people, one.share),
                                        one.photos)) for one in residents]  # fmt: skip
    everybody = sum(count for count, _ in counted)
    return sum(count * share for count, share in counted) / everybody if everybody else 0.0


def room(residents: Sequence[Looked], promise: Promise, most: int = 100_000) -> int:
    """How many more people, like those of today, until it is too dear: `come_twice` above `DEAR`."""
    people = sum(len(one.photos) for one in residents)
    alike = residents if people else [replace(residents[-1], photos=(1,))]
    if come_twice(alike, promise, people) > DEAR:
        return 0
    low, high = people, people + most
    while low < high:
        middle = (low + high + 1) // 2
        if come_twice(alike, promise, middle) > DEAR:
            high = middle - 1
        else:
            low = middle
    return low - people
