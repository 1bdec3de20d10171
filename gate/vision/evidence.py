"""From several sightings of one track to one belief, or to none yet. Pure."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gate.vocabulary import Candidate, Reason, Sighting
from models.manifest import Cohort

# Two faces of one person in neighbouring frames are far more alike than this; below it someone else took the place.
SAME_PERSON = 0.25
# Of the cohort only the nearest count: symmetric adaptive normalisation (Z. N. Karam, W. M. Campbell and N. Dehak,
# "Towards reduced false-alarms using cohorts", ICASSP 2011), by the mean alone.
_NEAREST_COHORT = 10
# Two people too alike by their templates must be told apart by this many margins.
_LOOKALIKE_MARGINS = 2.0
# Someone near the gate this long without one usable sighting is told why.
_HELP_AFTER_S = 1.5
# And one whose few good sightings never sufficed hears an answer after this.
_GIVE_UP_AFTER_S = 4.0


@dataclass(frozen=True, slots=True)
class Rule:
    """What a belief needs.

    Strangers score normally about `centre` with `spread`; of that, frames of one track stray by `within`, alike for
    about `within_s` seconds. A claim must lie `deviate` spreads above the centre and not below `floor`, and lead the
    second person by `margin`, by more where the two look alike from `lookalike` (cosine of their templates) on. It
    needs `frames` sightings; after `patience` sightings and `patience_s` seconds without it, nobody is known. From
    the score `near` on it is told whom nobody known came near to.
    """

    centre: float
    spread: float
    within: float
    within_s: float
    deviate: float
    floor: float
    margin: float
    lookalike: float
    frames: int
    patience: int
    patience_s: float
    near: float = math.inf


@dataclass(frozen=True, slots=True)
class Belief:
    """Whom the sightings show: a resident, or nobody known (`resident` None, with the reason).

    `similarity` is the best score there was, also of nobody known; None where there was none. `nearest` is the resident
    whom nobody known came near to.
    """

    resident: str | None
    reason: Reason | None
    similarity: float | None
    frames: int
    nearest: str | None = None


def gather(sightings: Sequence[Sighting], newest: Sighting, most: int) -> tuple[Sighting, ...]:
    """The track's sightings with one more, at most so many; begun anew when the newest shows someone else."""
    if sightings and not float(sightings[-1].template @ newest.template) >= SAME_PERSON:
        return (newest,)
    return (*sightings, newest)[-most:]


def track_template(sightings: Sequence[Sighting]) -> NDArray[np.float32]:
    """(D,) float32 of unit length: the mean of the sightings' templates by their weights."""
    weights = np.array([sighting.weight for sighting in sightings], np.float32)
    total = weights @ np.array([sighting.template for sighting in sightings])
    return np.asarray(total / math.sqrt(total @ total), np.float32)


def shared_with(templates: NDArray[np.float32], cohort: Cohort) -> NDArray[np.float32]:
    """(N,): what each template (N, D) has in common with faces of nobody, to be taken off its cosines.

    A face that resembles many resembles a resident for no reason of its own. A score is the cosine of two templates
    less the share of each.
    """
    alike = templates @ cohort.templates.T
    nearest = min(_NEAREST_COHORT, alike.shape[1])
    top = np.partition(alike, -nearest, axis=1)[:, -nearest:]
    return np.asarray(top.sum(axis=1) * (cohort.share / nearest), np.float32)


def gained_by(lengths: NDArray[np.float32], cohort: Cohort) -> NDArray[np.float32]:
    """(N,): what templates gain on everybody by being means of several, to be taken off their cosines.

    A mean of unit vectors is shorter than they are: `lengths` (N,). Scaled up to unit length, as templates are, it lies
    nearer to strangers than each of them does, by their average over that length.
    """
    return np.asarray(cohort.common * (1 / lengths - 1), np.float32)


def score_asked_of(sightings: Sequence[Sighting], rule: Rule) -> float:
    """The score these sightings together must reach.

    The likeness of a stranger to a resident stays; only what frames stray averages out, and the less the nearer in
    time they are: the variance of a weighted mean of a first-order autoregressive process.
    """
    weights = np.array([sighting.weight for sighting in sightings])
    times = np.array([sighting.taken_mono for sighting in sightings])
    alike = np.exp(-np.abs(times[:, None] - times[None, :]) / rule.within_s)
    strays = rule.within**2 * float(weights @ alike @ weights) / float(weights.sum()) ** 2
    spread = math.sqrt(rule.spread**2 - rule.within**2 + strays)
    return max(rule.floor, rule.centre + rule.deviate * spread)


def weigh(sightings: Sequence[Sighting], candidates: Sequence[Candidate], alike: float, rule: Rule) -> Belief | None:
    """A belief once the sightings suffice for one, else None.

    `candidates` are those of the sightings' `track_template`, best person first, and `alike` is the cosine of the
    first two people's own templates. Raises nothing; a score that is not a number convinces nobody.
    """
    count = len(sightings)
    if count < rule.frames:
        return None
    nearest: float | None = None
    convinces = False
    if candidates:
        best = candidates[0]
        nearest = best.similarity if math.isfinite(best.similarity) else None
        second = candidates[1].similarity if len(candidates) > 1 else -math.inf
        margin = rule.margin * (_LOOKALIKE_MARGINS if alike >= rule.lookalike else 1.0)
        convinces = best.similarity >= max(score_asked_of(sightings, rule), best.at_least)
        if convinces and best.similarity - second >= margin:
            return Belief(best.resident, None, best.similarity, count)
    if count >= rule.patience and sightings[-1].taken_mono - sightings[0].taken_mono >= rule.patience_s:
        reason = Reason.AMBIGUOUS if convinces else Reason.UNKNOWN
        return Belief(None, reason, nearest, count, _near(candidates, rule))
    return None


def _near(candidates: Sequence[Candidate], rule: Rule) -> str | None:
    """Whom a face that is nobody's came near to."""
    return candidates[0].resident if candidates and candidates[0].similarity >= rule.near else None


def give_up(sightings: Sequence[Sighting], unfit: Mapping[Reason, int], near_s: float) -> Belief | None:
    """What to believe of someone who has stood at the gate for `near_s` seconds without sightings that suffice.

    `unfit` counts why faces of theirs could not be used; the commonest reason tells them what helps. None: wait on.
    """
    if near_s < (_GIVE_UP_AFTER_S if sightings else _HELP_AFTER_S):
        return None
    if unfit:
        return Belief(None, max(unfit, key=lambda reason: unfit[reason]), None, len(sightings))
    return Belief(None, Reason.UNKNOWN, None, len(sightings)) if sightings else None
