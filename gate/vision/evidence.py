"""From several sightings of one track to one belief, or to none yet. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from gate.vocabulary import Reason, Sighting

# Two faces of one person in neighbouring frames are far more alike than this; below it someone else took the place.
SAME_PERSON = 0.25


@dataclass(frozen=True, slots=True)
class Rule:
    """What a belief needs: mean similarity, lead over the second person, sightings; and how long to wait for it."""

    threshold: float
    margin: float
    frames: int
    patience: int


@dataclass(frozen=True, slots=True)
class Belief:
    """Whom the sightings show: a resident, or nobody known (`resident` None, with the reason)."""

    resident: str | None
    reason: Reason | None
    similarity: float | None
    frames: int


def gather(sightings: Sequence[Sighting], newest: Sighting, patience: int) -> tuple[Sighting, ...]:
    """The track's sightings with one more; begun anew when the newest shows someone else than the last did."""
    if sightings and not float(sightings[-1].template @ newest.template) >= SAME_PERSON:
        return (newest,)
    return (*sightings, newest)[-patience:]


def weigh(sightings: Sequence[Sighting], rule: Rule) -> Belief | None:
    """A belief once the sightings suffice for one, else None.

    The resident must be among the candidates of every sighting, their mean similarity reach the threshold, and lead
    every other person's by the margin; a person missing from a sighting counts there as its weakest candidate,
    which is at least what they would have had.
    """
    count = len(sightings)
    if count < rule.frames:
        return None
    means = _mean_by_person(sightings)
    ranked = sorted(means.items(), key=lambda item: (-item[1], item[0]))
    if ranked:
        best, similarity = ranked[0]
        second = ranked[1][1] if len(ranked) > 1 else -1.0
        in_all = all(any(c.resident == best for c in sighting.candidates) for sighting in sightings)
        alike = similarity >= rule.threshold
        if in_all and alike and similarity - second >= rule.margin:
            return Belief(best, None, similarity, count)
        if count >= rule.patience:
            return Belief(None, Reason.AMBIGUOUS if alike else Reason.UNKNOWN, None, count)
    return Belief(None, Reason.UNKNOWN, None, count) if count >= rule.patience else None


def _mean_by_person(sightings: Sequence[Sighting]) -> dict[str, float]:
    scores = [{c.resident: c.similarity for c in sighting.candidates} for sighting in sightings]
    people = set().union(*scores)
    return {
        person: sum(score.get(person, min(score.values(), default=-1.0)) for score in scores) / len(scores)
        for person in people
    }
