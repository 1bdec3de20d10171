"""From photos to templates, and to a resident who has them: the one way for all who enrol."""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from enroll.application import Application, Photo, write
from enroll.checks import LeftOut, PhotosRefused, Portrait, examine
from enroll.duplicates import WHOSE_FACE, Lookalike, LooksLikeAnother, lookalikes
from gate.errors import FacegateError, Refusal, Sentence, together
from gate.store.database import transaction
from gate.store.people import templates
from gate.store.people.residents import Resident
from gate.store.people.templates import Template
from gate.vision.gallery import Gallery, LiveGallery, judging
from models.images import Image
from models.pack import Models

# On LFW 99.9 % of 3,098 pairs of one person's photos lie above this, and 99.0 % of pairs of two people's below.
_SAME_PERSON = 0.35


_NOT_THEIRS = Sentence(
    "The photo does not look like the {name} who is enrolled. For another person of that name, give their home."
)


class NotTheirs(Refusal):
    """A photo does not look like the resident it is for; `lookalikes` are others whom it is like."""

    def __init__(self, existing: Resident, lookalikes: Sequence[Lookalike]) -> None:
        super().__init__(_NOT_THEIRS.pattern, name=existing.name)
        self.lookalikes = tuple(lookalikes)


class NotTheirsButWhose(Refusal):
    """The same for whoever may see people, with whose face it is."""

    tells = WHOSE_FACE


@dataclass(frozen=True, slots=True)
class Prepared:
    """What photos give to enrol from: templates, the portraits they were made of ((size, size, 3) uint8 BGR), who else
    is so like them that a person must look, and the photos that will not do."""

    templates: tuple[Template, ...]
    portraits: tuple[Image, ...]
    lookalikes: tuple[Lookalike, ...]
    left_out: tuple[LeftOut, ...]

    def without(self, people: Collection[str]) -> Prepared:
        """The same, where nobody is told any more that it is like those with these ids."""
        return replace(self, lookalikes=tuple(one for one in self.lookalikes if one.resident.id not in people))


@dataclass(frozen=True, slots=True)
class Enrolled:
    """Who was enrolled, who else is so like them that somebody had to say that they are two, and the photos that were
    not taken."""

    resident: Resident
    lookalikes: tuple[Lookalike, ...]
    left_out: tuple[LeftOut, ...] = ()


def known_faces(connection: sqlite3.Connection, models: Models) -> LiveGallery:
    """Everyone's face, for whoever enrols many; it follows the store. Raises PackError without a calibration."""
    return judging(connection, models)


def enrol(
    connection: sqlite3.Connection,
    models: Models,
    asked: Application,
    by: str,
    written_in: AbstractContextManager[None] | None = None,
) -> Enrolled:
    """Enrol from the good photos of an application, and name the others; nothing is kept where it raises as `prepare`,
    `refuse_lookalikes` or `keep`. `written_in` is what the writing is a part of, entered once the photos are looked
    over."""
    known = known_faces(connection, models)
    with _openly():
        found = prepare(connection, models, asked, known)
    refuse_lookalikes(asked, found.lookalikes)
    with written_in or nullcontext():
        kept = keep(connection, models, asked, found.templates, by, known)
    return replace(kept, left_out=found.left_out)


def keep(
    connection: sqlite3.Connection, models: Models, asked: Application, made: Sequence[Template], by: str,
    known: LiveGallery,
) -> Enrolled:  # fmt: skip
    """Write who was looked over, as `write`, in one transaction with the question whose face it is already: whoever was
    enrolled since the photos were looked over, by whichever process, is among the `known` faces of this store.

    Raises LooksLikeAnother, Refusal where the templates are not like the resident they are for, and as `write`.
    """
    vectors = np.stack([np.frombuffer(one.vector, "<f4") for one in made])
    with transaction(connection):
        with _openly():
            alike = _judged(connection, models, asked, vectors, known)
        refuse_lookalikes(asked, alike)
        return Enrolled(write(connection, asked, made, by, overruled=len(alike)), alike)


def prepare(
    connection: sqlite3.Connection, models: Models, asked: Application, known: LiveGallery | None = None
) -> Prepared:
    """What the photos of an application would give; nothing is written.

    Photos are read one at a time. `known` are the faces of this store; whoever enrols many gives it, so that it is not
    read anew for each. Raises Refusal where no photo will do, or where they show different people or another than the
    resident they are for; UsageError for a single one that is none.
    """
    good, left_out = _look_over(asked.photos, models)
    faces = np.stack([portrait.aligned for _, portrait in good])
    vectors, again = models.embedder.embed(faces), second_templates(faces, models)
    if not np.isfinite(vectors).all():
        raise Refusal("Nothing could be read from the face in this photo; choose another photo.")
    _refuse_different_people(vectors, [photo.name for photo, _ in good])
    alike = _judged(connection, models, asked, vectors, known or known_faces(connection, models))
    made = tuple(
        Template(models.model_id, photo.source, portrait.quality.rounded(), vector.astype("<f4").tobytes(), *second)
        for (photo, portrait), vector, second in zip(good, vectors, again, strict=True)
    )
    return Prepared(made, tuple(portrait.aligned for _, portrait in good), alike, left_out)


def second_templates(faces: NDArray[np.uint8], models: Models) -> list[tuple[str, bytes] | tuple[None, None]]:
    """For each aligned face the model of the second look and what it makes of it; Nones where there is none."""
    if models.second is None:
        return [(None, None)] * len(faces)
    return [
        (models.second.model_id, vector.astype("<f4").tobytes()) if np.isfinite(vector).all() else (None, None)
        for vector in models.second.embedder.embed(faces)
    ]


def prepare_openly(connection: sqlite3.Connection, models: Models, asked: Application) -> Prepared:
    """As `prepare`, for whoever may see people: where the face is not theirs, the refusal says whose it is."""
    with _openly():
        return prepare(connection, models, asked)


def refuse_lookalikes(asked: Application, found: Sequence[Lookalike]) -> None:
    """Raises LooksLikeAnother for those of whom nobody said that they are another."""
    if asked.another_than is None:
        return
    unsaid = [one for one in found if one.resident.id not in asked.another_than]
    if unsaid:
        raise LooksLikeAnother(unsaid)


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
    if float(alike[one, other]) >= _SAME_PERSON:
        return
    odd = int(np.argmin(alike.sum(axis=1)))
    rest = np.delete(np.delete(alike, odd, 0), odd, 1)
    if len(names) > 2 and float(rest.min()) >= _SAME_PERSON:
        raise Refusal(
            "{one} shows another person than the other photos; leave it out, or give photos of one person.",
            one=names[odd],
        )
    raise Refusal(
        "{one} and {other} show different people; give photos of one person.", one=names[one], other=names[other]
    )


def _is_theirs(
    connection: sqlite3.Connection, models: Models, existing: Resident, vectors: NDArray[np.float32]
) -> bool:
    """Whether all the vectors are like what is known of somebody, or nothing is."""
    gallery = Gallery(templates.vectors_of(connection, models.model_id, existing.number), models.spec.dimension)
    if not len(gallery):
        return True
    found = (gallery.search(vector) for vector in vectors)
    return all(candidates and candidates[0].similarity >= _SAME_PERSON for candidates in found)


@contextmanager
def _openly() -> Iterator[None]:
    try:
        yield
    except NotTheirs as refused:
        told = together([*(one.said for one in refused.lookalikes), refused.sentence])
        raise NotTheirsButWhose(told.pattern, **told.values) from refused


def _judged(
    connection: sqlite3.Connection, models: Models, asked: Application, vectors: NDArray[np.float32],
    known: LiveGallery,
) -> tuple[Lookalike, ...]:  # fmt: skip
    """Who else is like the vectors ((count, dimension) float32). Raises NotTheirs where the resident they are for is
    not."""
    known.refresh()
    whose = asked.whose.id if asked.whose is not None else ""
    alike = lookalikes(connection, models.calibration, vectors, known.gallery, whose)
    if asked.whose is not None and not _is_theirs(connection, models, asked.whose, vectors):
        raise NotTheirs(asked.whose, alike)
    return alike
