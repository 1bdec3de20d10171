"""Whose face it is already: who is enrolled and so like a new face that a person must say that they are two."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from gate.errors import Refusal, Sentence, together
from gate.store.people import residents
from gate.store.people.residents import Resident
from gate.vision.promise import deviate
from models.manifest import Calibration

if TYPE_CHECKING:
    from gate.vision.gallery import Gallery

# Enough that everyone too alike is named.
_MOST_NAMED = 8


class Likeness(StrEnum):
    """How like somebody else a face is."""

    SAME = "same"
    ALIKE = "alike"


# Of so many new people one is told for so like somebody who is enrolled.
_ONE_IN = {Likeness.SAME: 10_000, Likeness.ALIKE: 50}
_SAID = {
    Likeness.SAME: Sentence("This is the face of {who}."),
    Likeness.ALIKE: Sentence("This face looks very like {who}."),
}
# As the record calls a look at that.
WHOSE_FACE = "whose face it is"
_UNTIL_SAID = Sentence("Nothing is saved until somebody says that they are two people.")


@dataclass(frozen=True, slots=True)
class Lookalike:
    """Somebody who is enrolled, and whom a new face is so like."""

    resident: Resident
    likeness: Likeness

    @property
    def who(self) -> str:
        """Their name, and their home where there is one."""
        name, home = self.resident.name, self.resident.unit
        return Sentence("{name}, {home}", name=name, home=home) if home else name

    @property
    def said(self) -> Sentence:
        """The same in a sentence, for whoever may see people."""
        return Sentence(_SAID[self.likeness].pattern, who=self.who)


class LooksLikeAnother(Refusal):
    """The face is that of somebody else who is enrolled, or very like it, and nobody said that they are two people."""

    reason = "looks_like_another"
    tells = WHOSE_FACE

    def __init__(self, lookalikes: Sequence[Lookalike]) -> None:
        told = together([*(one.said for one in lookalikes), _UNTIL_SAID])
        super().__init__(told.pattern, **told.values)
        self.lookalikes = tuple(lookalikes)


def lookalikes(
    connection: sqlite3.Connection, calibration: Calibration, vectors: NDArray[np.float32], gallery: Gallery, whose: str
) -> tuple[Lookalike, ...]:
    """Everyone of the gallery, which has scores, whom one of the `vectors` (N, D) of one person or their mean is like.

    The likest first; `whose` is the id of the person themselves, or empty. Raises sqlite3.Error.
    """
    alike, same = (likeness_asked(calibration, len(gallery), one) for one in (Likeness.ALIKE, Likeness.SAME))
    best: dict[str, float] = {}
    for probe in probes_of(vectors):
        for found in gallery.search(probe, _MOST_NAMED):
            if found.similarity >= alike and found.resident != whose:
                best[found.resident] = max(found.similarity, best.get(found.resident, -1.0))
    named = ((residents.get(connection, one), best[one]) for one in sorted(best, key=lambda one: -best[one]))
    return tuple(
        Lookalike(resident, Likeness.SAME if score >= same else Likeness.ALIKE)
        for resident, score in named
        if resident is not None
    )


def likeness_asked(calibration: Calibration, people: int, likeness: Likeness) -> float:
    """The score from which somebody is told for so like one of so many people who are enrolled."""
    strangers, comparisons = calibration.strangers, max(people, 1) * _ONE_IN[likeness]
    return max(calibration.floor, strangers.centre + deviate(1 / comparisons) * strangers.spread)


def probes_of(vectors: NDArray[np.float32]) -> Iterator[NDArray[np.float32]]:
    """Each by itself, since one may be somebody else's, and what they say together, which says it more surely."""
    yield from vectors
    if len(vectors) > 1:
        total = vectors.sum(axis=0)
        yield np.asarray(total / np.linalg.norm(total), np.float32)
