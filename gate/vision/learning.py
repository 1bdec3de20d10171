"""What the gate may learn of a resident from a claim that was granted."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from gate.store.people import templates
from gate.vision.evidence import Rule, score_asked_of, track_template, weigh
from gate.vision.gallery import Gallery
from gate.vision.promise import as_seldom
from gate.vocabulary import Lesson, Sighting
from models.pack import Models


@dataclass(frozen=True, slots=True)
class Sample:
    """What a track showed, by the first look and by the second where there is one: (D,) float32 of unit length each.

    It is good enough to learn from where it scores `at_least` by the enrolment alone, or `second_at_least` by that for
    the second look where there is one; None: never.
    """

    template: NDArray[np.float32]
    at_least: float | None
    second: NDArray[np.float32] | None = None
    second_at_least: float | None = None


def score_to_learn_from(sightings: Sequence[Sighting], resident: str, gallery: Gallery, rule: Rule) -> float | None:
    """What these sightings must score by the enrolment of the `resident` alone for something to be learned. Pure.

    None where they do not suffice by the `rule`, show somebody else, or the two nearest people look alike.
    """
    candidates = gallery.search(track_template(sightings))
    alike = gallery.alike(candidates)
    belief = weigh(sightings, candidates, alike, rule)
    if belief is None or belief.resident != resident or alike >= rule.lookalike:
        return None
    return score_asked_of(sightings, rule)


def score_by_enrolment(
    connection: sqlite3.Connection, models: Models, resident: str, template: NDArray[np.float32]
) -> float:
    """How a template (D,) scores against a resident by what was enrolled of them alone; -1 where nothing was.

    Raises sqlite3.Error, and PackError without a calibration.
    """
    dimension = models.spec.dimension
    rows = templates.enrolled_vectors(connection, models.model_id, resident)
    candidates = Gallery(rows, dimension, models.calibration.faces_of_nobody(dimension)).search(template)
    return candidates[0].similarity if candidates else -1.0


def lesson_of(
    connection: sqlite3.Connection, models: Models, claim: str, resident: str, sample: Sample
) -> Lesson | None:
    """What a claim's sample teaches of its resident; None where it scores too little by what was enrolled of them.

    The second look decides of whom it was enrolled for; what was learned before has no say in it. Raises sqlite3.Error,
    and PackError without a calibration.
    """
    lesson, second = Lesson(claim, resident, models.model_id, _as_bytes(sample.template), 0.0), models.second
    if second is not None and sample.second is not None:
        lesson = replace(lesson, second_model=second.model_id, second_vector=_as_bytes(sample.second))
        if templates.enrolled_vectors(connection, second.model_id, resident):
            reached = score_by_enrolment(connection, second, resident, sample.second)
            told = min(as_seldom(reached, second.calibration.strangers, models.calibration.strangers), 1.0)
            enough = sample.second_at_least is not None and reached >= sample.second_at_least
            return replace(lesson, similarity=told) if enough else None
    reached = score_by_enrolment(connection, models, resident, sample.template)
    enough = sample.at_least is not None and reached >= sample.at_least
    return replace(lesson, similarity=reached) if enough else None


def _as_bytes(template: NDArray[np.float32]) -> bytes:
    return template.astype("<f4").tobytes()
