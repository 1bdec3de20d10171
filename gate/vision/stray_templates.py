"""Templates that are none: damaged where they lie, or given by no plain face, made before the gate asked for one from a
turned picture or a negative."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from gate.store.people import residents, templates
from gate.vision.gallery import damaged_in, judging, judging_again
from models.pack import Models

Vectors = NDArray[np.float32]

# Near to so many other people, and to this share of all, lies nobody's face: of 900 people of LFW none was near to more
# than two.
_MANY, _SHARE = 3, 0.02
_ROWS_AT_ONCE = 1024
_GREY = 128


def stray_residents(connection: sqlite3.Connection, models: Models) -> tuple[str, ...]:
    """Names of the residents with a template that no plain face gave. Raises sqlite3.Error, and PackError without a
    calibration; a damaged template is told by `damaged_residents`."""
    rows = [row for row in templates.vectors(connection, models.model_id) if templates.is_whole(row[2])]
    rows = [row for row in rows if len(row[2]) == 4 * models.spec.dimension]
    if not rows:
        return ()
    vectors = np.frombuffer(b"".join(vector for _, _, vector in rows), "<f4").reshape(len(rows), -1)
    people = np.array([number for number, _, _ in rows])
    found = near_nothing(vectors, nothing(models), models.calibration.faces_of_nobody(models.spec.dimension).templates)
    found |= near_many(vectors, people, models.calibration.lookalike)
    return _names(connection, dict.fromkeys(rows[index][1] for index in np.flatnonzero(found)))


def damaged_residents(connection: sqlite3.Connection, models: Models) -> tuple[str, ...]:
    """Names of the residents of whom the gate passes a template over, since it is damaged. Raises as the other."""
    whose = damaged_in(judging(connection, models), judging_again(connection, models))
    return _names(connection, whose)


def _names(connection: sqlite3.Connection, whose: Iterable[str]) -> tuple[str, ...]:
    found = (residents.get(connection, identity) for identity in whose)
    return tuple(sorted(resident.name for resident in found if resident is not None))


def nothing(models: Models) -> Vectors:
    """(D,): what the embedder makes of pictures that show no face at all, plain grey and noise."""
    size = models.spec.input_size
    noise = np.random.default_rng(0).integers(0, 256, (size, size, 3)).astype(np.uint8)
    seen = models.embedder.embed(np.stack([np.full_like(noise, _GREY), noise])).sum(axis=0)
    return np.asarray(seen / np.linalg.norm(seen), np.float32)


def near_nothing(vectors: Vectors, empty: Vectors, cohort: Vectors) -> NDArray[np.bool_]:
    """(N,): which templates (N, D) are more like a picture without a face (D,) than like any face of nobody (K, D).

    What an embedder was not made for it puts where it puts pictures that show nothing: 88 in 100 turned faces and 96
    in 100 negatives, and none of 900 upright ones.
    """
    return np.asarray(vectors @ empty > (vectors @ cohort.T).max(axis=1))


def near_many(vectors: Vectors, people: Sequence[int] | NDArray[np.int64], near: float) -> NDArray[np.bool_]:
    """(N,): which templates (N, D) lie in a heap: within the cosine `near` of many other people's, exactly.

    `people` (N,) are their numbers, each person's templates together. 10,000 take about two seconds.
    """
    numbers = np.asarray(people)
    starts = np.flatnonzero(np.r_[True, numbers[1:] != numbers[:-1]])
    own = np.searchsorted(starts, np.arange(len(vectors)), "right") - 1
    found = np.zeros(len(vectors), bool)
    for first in range(0, len(vectors), _ROWS_AT_ONCE):
        rows = slice(first, first + _ROWS_AT_ONCE)
        alike = np.logical_or.reduceat(vectors[rows] @ vectors.T >= near, starts, axis=1)
        alike[np.arange(len(alike)), own[rows]] = False
        found[rows] = alike.sum(axis=1) >= max(_MANY, _SHARE * len(starts))
    return found
