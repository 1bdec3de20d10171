"""Whether the people enrolled here are more alike than the calibration knew.

A promise rests on how seldom two people score high, measured on people of everywhere. Those of one gate are mostly of
one region, and to some models they look more alike: how much more, every two of them tell.
"""

from __future__ import annotations

import math
import sqlite3
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from gate.care.forecast import calibration_of, second_of
from gate.store.people import residents, templates
from gate.store.people.homes import home_key
from gate.vision.evidence import gained_by, shared_with
from gate.vision.promise import deviate
from gate.vision.settings import VisionSettings
from models.installed import Installed, read_installed
from models.manifest import Cohort

Vectors = NDArray[np.float32]

# How seldom two people score so high, the rarest first: the nearer to what a promise asks, the more it says of it.
RATES = (1e-4, 1e-3, 1e-2)
# Fewer people would tell of themselves and not of a group, and fewer pairs than this, foretold, of chance.
_LEAST_PEOPLE = 30
_LEAST_FORETOLD = 4.0
# So many times as many pairs as foretold are worth a word, and are no chance: in 2,800 galleries of people of
# everywhere it was never said of one.
_TIMES = 2.0
_CHANCE = 0.05
_ROWS_AT_ONCE = 512
_UNIT = 1e-2


@dataclass(frozen=True, slots=True)
class _Face:
    """The mean of somebody's templates, and the first of them, which is of unit length: (D,) float32."""

    mean: Vectors
    photo: Vectors


@dataclass(frozen=True, slots=True)
class Likeness:
    """How alike the `people` are whom the look of one `pack` decides about: of so many `pairs` of two homes `found`
    score as only `rate` of them should."""

    pack: str
    people: int
    pairs: int = 0
    rate: float = RATES[-1]
    found: int = 0

    @property
    def told(self) -> bool:
        """Whether they are enough to tell anything."""
        return self.people >= _LEAST_PEOPLE and self.foretold >= _LEAST_FORETOLD

    @property
    def foretold(self) -> float:
        """How many pairs the calibration foretells."""
        return self.rate * self.pairs

    @property
    def times(self) -> float:
        """So many times as many there are."""
        return self.found / self.foretold if self.foretold else 0.0

    @property
    def harder(self) -> bool:
        """Whether they are more alike than the calibration knew, and not by chance."""
        return self.told and chance_of(self.found, _TIMES * self.foretold) < _CHANCE


@dataclass(frozen=True, slots=True)
class Alike:
    """What each look says of whom it decides about. `second` is None where there is no second look."""

    first: Likeness
    second: Likeness | None = None


def chance_of(found: int, expected: float) -> float:
    """How likely so many or more are where so many are to be expected: the upper end of Poisson's distribution.

    >>> round(chance_of(3, 1.0), 4), chance_of(0, 1.0)
    (0.0803, 1.0)
    """
    if found <= expected:
        return 1.0
    # From the first term on each is smaller than the one before, by this factor and more.
    first = math.exp(found * math.log(expected) - expected - math.lgamma(found + 1))
    total, term, number = 0.0, first, found
    while term > 1e-12 * first:
        total, number = total + term, number + 1
        term *= expected / number
    return min(total, 1.0)


def count_alike(
    enrolled: Vectors, seen: Vectors, homes: NDArray[np.int64], cohort: Cohort, scores: Sequence[float]
) -> tuple[int, list[int]]:
    """(pairs of people of two homes, how many of them reach each of `scores`).

    `enrolled` (M, D) are the mean templates of whom is decided about; `seen` (N, D) one photo of each of all people, as
    they would come, of these first; `homes` (N,) says who live together.
    """
    shared, lengths = shared_with(seen, cohort), np.linalg.norm(enrolled, axis=1)
    unit, gained = enrolled / lengths[:, None], gained_by(lengths, cohort)
    pairs, found = 0, np.zeros(len(scores), np.int64)
    for start in range(0, len(enrolled), _ROWS_AT_ONCE):
        some = unit[start : start + _ROWS_AT_ONCE]
        rows = np.arange(start, start + len(some))
        # Of two people each pair once.
        two = (np.arange(len(seen)) > rows[:, None]) & (homes[rows, None] != homes)
        taken_off = shared_with(some, cohort) + gained[rows]
        reached = (some @ seen.T - taken_off[:, None] - shared)[two]
        pairs += len(reached)
        found += [int((reached >= score).sum()) for score in scores]
    return pairs, found.tolist()


def alike(connection: sqlite3.Connection, models_dir: Path, pack: str, vision: VisionSettings) -> Alike:
    """Of the residents of today. Raises PackError when a pack is not installed or has no calibration, sqlite3.Error
    when the store cannot be read."""
    first = read_installed(models_dir, pack)
    second = second_of(models_dir, first, vision)
    by_first = _faces(connection, first)
    by_second = _faces(connection, second) if second is not None else {}
    homes = residents.homes(connection)
    # First those whom no second look knows.
    ordered = sorted(by_first, key=lambda one: one in by_second)
    alone = _likeness(models_dir, first, [by_first[one] for one in ordered], _numbered(ordered, homes),
                      len(by_first.keys() - by_second.keys()))  # fmt: skip
    if second is None:
        return Alike(alone)
    again = _likeness(models_dir, second, list(by_second.values()), _numbered(by_second, homes), len(by_second))
    return Alike(alone, again)


def _faces(connection: sqlite3.Connection, installed: Installed) -> dict[str, _Face]:
    """Everyone whom a pack's model knows, by their id; damaged templates are left out."""
    rows = templates.vectors(connection, installed.model_id)
    ((length, _),) = Counter(len(vector) for *_, vector in rows).most_common(1) or [(0, 0)]
    found: dict[str, list[Vectors]] = {}
    for _, identity, vector in rows:
        template = np.frombuffer(vector, "<f4") if len(vector) == length and length % 4 == 0 else np.zeros(1, "<f4")
        if abs(float(template @ template) - 1) < _UNIT:
            found.setdefault(identity, []).append(template)
    means = {identity: np.mean(mine, axis=0) for identity, mine in found.items()}
    # Those of one face cannot cancel out.
    return {one: _Face(mean, found[one][0]) for one, mean in means.items() if np.linalg.norm(mean) > _UNIT}


def _likeness(
    models_dir: Path, installed: Installed, faces: Sequence[_Face], homes: NDArray[np.int64], decided: int
) -> Likeness:
    """How alike the first `decided` of these are, to one another and to the others."""
    if decided < _LEAST_PEOPLE:
        return Likeness(installed.pack, decided)
    calibration = calibration_of(models_dir, installed)
    strangers, cohort = calibration.strangers, calibration.faces_of_nobody(len(faces[0].mean))
    scores = [strangers.centre + deviate(rate) * strangers.spread for rate in RATES]
    enrolled, seen = np.stack([one.mean for one in faces[:decided]]), np.stack([one.photo for one in faces])
    pairs, found = count_alike(enrolled, seen, homes, cohort, scores)
    by_rate = [Likeness(installed.pack, decided, pairs, *one) for one in zip(RATES, found, strict=True)]
    return next((one for one in by_rate if one.told), by_rate[-1])


def _numbered(people: Iterable[str], homes: Mapping[str, str]) -> NDArray[np.int64]:
    """(N,): a number for each home, the same for who live together; whoever has no home lives alone."""
    numbers: dict[str, int] = {}
    keys = (home_key(homes[one]) if one in homes else f"of {one}" for one in people)
    return np.array([numbers.setdefault(key, len(numbers)) for key in keys], np.int64)
