"""From photos to templates, and to a resident who has them: the one way for all who enrol."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from enroll.application import Application, Photo, write
from enroll.checks import LeftOut, PhotosRefused, Portrait, examine
from gate.errors import FacegateError, Refusal
from gate.store.people import residents, templates
from gate.store.people.residents import Resident
from gate.store.people.templates import Template
from gate.vision.gallery import Gallery, LiveGallery
from models.pack import Models

# On LFW 99.9 % of 3,480 pairs of one person's photos lie above this, and 98 % of pairs of two people's below.
_SAME_PERSON = 0.3
# Enough that everyone too alike is named.
_ALIKE = 8


@dataclass(frozen=True, slots=True)
class Prepared:
    """What photos give to enrol from: templates, the names of who else looks so alike that a person should check, and
    the photos that will not do."""

    templates: tuple[Template, ...]
    lookalikes: tuple[str, ...]
    left_out: tuple[LeftOut, ...]


@dataclass(frozen=True, slots=True)
class Enrolled:
    """Who was enrolled, the names of who else looks so alike that a person should check, and the photos that were not
    taken."""

    resident: Resident
    lookalikes: tuple[str, ...]
    left_out: tuple[LeftOut, ...] = ()


def known_faces(connection: sqlite3.Connection, models: Models) -> LiveGallery:
    """Everyone's face, for whoever enrols many; it follows the store."""
    return LiveGallery(connection, models.model_id, models.spec.dimension)


def enrol(
    connection: sqlite3.Connection,
    models: Models,
    asked: Application,
    by: str,
    written_in: AbstractContextManager[None] | None = None,
) -> Enrolled:
    """Enrol from the good photos of an application, and name the others; nothing is kept where it raises as `prepare`
    or as `write`. `written_in` is what the writing is a part of, entered once the photos are looked over."""
    found = prepare(connection, models, asked)
    with written_in or nullcontext():
        resident = write(connection, asked, found.templates, by)
    return Enrolled(resident, found.lookalikes, found.left_out)


def prepare(
    connection: sqlite3.Connection, models: Models, asked: Application, known: LiveGallery | None = None
) -> Prepared:
    """What the photos of an application would give; nothing is written.

    Photos are read one at a time. `known` are the faces of this store; whoever enrols many gives it, so that it is not
    read anew for each. Raises Refusal where no photo will do, or where they show different people or another than the
    resident they are for; UsageError for a single one that is none.
    """
    good, left_out = _look_over(asked.photos, models)
    vectors = models.embedder.embed(np.stack([portrait.aligned for _, portrait in good]))
    if not np.isfinite(vectors).all():
        raise Refusal("The embedder gave no number for a photo; choose another photo.")
    _refuse_different_people(vectors, [photo.name for photo, _ in good])
    if asked.whose is not None:
        _refuse_stranger(connection, models, asked.whose, vectors)
    made = tuple(
        Template(models.model_id, photo.source, portrait.quality.rounded(), vector.astype("<f4").tobytes())
        for (photo, portrait), vector in zip(good, vectors, strict=True)
    )
    alike = _lookalikes(models, vectors, known_faces(connection, models) if known is None else known)
    return Prepared(made, _names_of(connection, alike - {asked.whose.id if asked.whose else ""}), left_out)


def _look_over(
    photos: Sequence[Photo], models: Models
) -> tuple[list[tuple[Photo, Portrait]], tuple[LeftOut, ...]]:  # fmt: skip
    """The photos that will do with their portraits, and the others; at least one of the former, or it raises Refusal,
    or UsageError for a single photo that is none."""
    good: list[tuple[Photo, Portrait]] = []
    poor: list[FacegateError] = []
    left_out: list[LeftOut] = []
    for photo in photos:
        try:
            good.append((photo, examine(photo.read(), photo.name, models)))
        except FacegateError as error:
            poor.append(error)
            left_out.append(LeftOut.of(photo.name, error))
    if not good:
        raise poor[0] if len(poor) == 1 else PhotosRefused(left_out)
    return good, tuple(left_out)


def _refuse_different_people(vectors: NDArray[np.float32], names: Sequence[str]) -> None:
    alike = vectors @ vectors.T
    one, other = divmod(int(np.argmin(alike)), len(names))
    if not float(alike[one, other]) >= _SAME_PERSON:
        raise Refusal(
            "{one} and {other} show different people; give photos of one person.", one=names[one], other=names[other]
        )


def _refuse_stranger(
    connection: sqlite3.Connection, models: Models, existing: Resident, vectors: NDArray[np.float32]
) -> None:
    rows = [row for row in templates.vectors(connection, models.model_id) if row[1] == existing.id]
    if not rows:
        return
    gallery = Gallery(rows, models.spec.dimension)
    found = (gallery.search(vector) for vector in vectors)
    if not all(candidates and candidates[0].similarity >= _SAME_PERSON for candidates in found):
        raise Refusal(
            "The photo does not look like the {name} who is enrolled. For another person of that name, say where they"
            " live.",
            name=existing.name,
        )


def _lookalikes(models: Models, vectors: NDArray[np.float32], known: LiveGallery) -> set[str]:
    """The ids of everyone who looks like one of the vectors ((count, dimension) float32)."""
    known.refresh()
    return {
        candidate.resident
        for vector in vectors
        for candidate in known.gallery.search(vector, _ALIKE)
        if candidate.similarity >= models.calibration.lookalike
    }


def _names_of(connection: sqlite3.Connection, identities: set[str]) -> tuple[str, ...]:
    found = (residents.get(connection, identity) for identity in identities)
    return tuple(sorted(resident.name for resident in found if resident is not None))
