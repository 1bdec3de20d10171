"""How templates are scored: by one model, or by the two looks of a pack together. Pure."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from gate.vision.evidence import gained_by, shared_with
from gate.vision.promise import FIRST_SHARE, SECOND_SHARE, deviate
from models.manifest import Calibration, Cohort, Normal

Scoring = Callable[[NDArray[np.float32], NDArray[np.float32]], NDArray[np.float32]]
"""Scores (N, G) of probes (N, D) of unit length against templates (G, D), each the mean of somebody's photos."""

# Between these deviates the share of a look is looked up; beyond the upper one nothing lies.
_DEVIATES = np.linspace(-4, 14, 3601)


def by_one(cohort: Cohort | None) -> Scoring:
    """Cosines, normalised where there is a `cohort`."""

    def scores(probes: NDArray[np.float32], enrolled: NDArray[np.float32]) -> NDArray[np.float32]:
        templates, lengths = _unit_rows(enrolled), np.linalg.norm(enrolled, axis=1)
        cosines = probes @ templates.T
        if cohort is None:
            return np.asarray(cosines, np.float32)
        taken_off = shared_with(templates, cohort) + gained_by(lengths, cohort)
        return np.asarray(cosines - shared_with(probes, cohort)[:, None] - taken_off[None], np.float32)

    return scores


PLAIN = by_one(None)
"""The cosines themselves."""


def by_both(first: Calibration, second: Calibration, dimensions: tuple[int, int]) -> Scoring:
    """What either look finds, each as seldom as its share of the promise makes it.

    Templates are the first look's (N, dimensions[0]) with the second's beside them. A score is that of the first look
    which strangers reach as seldom as they reach this one by either.
    """
    one, other = (
        by_one(calibration.faces_of_nobody(dimension))
        for calibration, dimension in zip((first, second), dimensions, strict=True)
    )
    cut = dimensions[0]

    def scores(probes: NDArray[np.float32], enrolled: NDArray[np.float32]) -> NDArray[np.float32]:
        looks = [
            _as_deviates(scoring(_unit_rows(probes[:, part]), enrolled[:, part]), model, share)
            for scoring, model, share, part in (
                (one, first.strangers, FIRST_SHARE, slice(None, cut)),
                (other, second.strangers, SECOND_SHARE, slice(cut, None)),
            )
        ]
        rarest = np.maximum(*looks)
        return np.asarray(first.strangers.centre + first.strangers.spread * rarest, np.float32)

    return scores


def _as_deviates(scores: NDArray[np.float32], strangers: Normal, share: float) -> NDArray[np.float64]:
    """How seldom strangers reach these scores, as deviates, where a look may bring this `share` of the promise."""
    told = [deviate(min(0.5 * math.erfc(float(z) / math.sqrt(2)) / share, 1 - 1e-12)) for z in _DEVIATES]
    at = (scores.astype(np.float64) - strangers.centre) / strangers.spread
    return np.interp(at, _DEVIATES, told)


def _unit_rows(vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    return np.asarray(vectors / np.linalg.norm(vectors, axis=1, keepdims=True), np.float32)
