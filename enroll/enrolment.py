"""The one way to enrol: photos in, a resident with templates out, or a reason why not."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from enroll.checks import LeftOut, PhotosRefused, Portrait, examine
from enroll.decode import decode_photo
from enroll.people import namesake
from gate.errors import FacegateError, Refusal, UsageError
from gate.names import clean_text
from gate.store.people import residents, templates
from gate.store.people.consents import Consent
from gate.store.people.residents import Resident
from gate.store.people.templates import MAX_TEMPLATES, Template
from gate.vision.gallery import Gallery, LiveGallery
from models.pack import Models

# On LFW 99.9 % of 3,480 pairs of one person's photos lie above this, and 98 % of pairs of two people's below.
_SAME_PERSON = 0.3
# Enough that everyone too alike is named.
_ALIKE = 8


@dataclass(frozen=True, slots=True)
class Photo:
    """A photo: what to call it, how to get it ((H, W, 3) uint8 BGR, or UsageError), and where it came from."""

    name: str
    read: Callable[[], NDArray[np.uint8]]
    source: str = "photo"


@dataclass(frozen=True, slots=True)
class Prepared:
    """What photos give to enrol from: templates, who else looks so alike that a person should check, and the photos
    that will not do."""

    templates: tuple[Template, ...]
    lookalikes: tuple[str, ...]
    left_out: tuple[LeftOut, ...]


@dataclass(frozen=True, slots=True)
class Enrolled:
    """Who was enrolled, who else looks so alike that a person should check, and the photos that were not taken."""

    resident: Resident
    lookalikes: tuple[str, ...]
    left_out: tuple[LeftOut, ...] = ()


def known_faces(connection: sqlite3.Connection, models: Models) -> LiveGallery:
    """Everyone's face, for whoever enrols many; it follows the store."""
    return LiveGallery(connection, models.model_id, models.spec.dimension)


def enrol_photos(
    connection: sqlite3.Connection,
    models: Models,
    name: str,
    photos: Iterable[Path],
    unit: str | None = None,
    *,
    consent: Consent,
    by: str,
) -> Enrolled:
    """Enrol `name` from files; someone already enrolled under this name gets more templates. Raises as `enrol`."""
    known = namesake(connection, clean_text(name, "name"), clean_text(unit, "unit") if unit is not None else None)
    return enrol(connection, models, name, map(photo_in, photos), unit, consent=consent, to=known, by=by)


def photo_in(path: Path) -> Photo:
    """The photo in a file."""
    return Photo(path.name, partial(decode_photo, path), f"photo {path.name}")


def enrol(
    connection: sqlite3.Connection,
    models: Models,
    name: str,
    photos: Iterable[Photo],
    unit: str | None = None,
    *,
    consent: Consent | None,
    to: Resident | None = None,
    by: str,
    known: LiveGallery | None = None,
    written_in: AbstractContextManager[None] | None = None,
) -> Enrolled:
    """Enrol `name`, who agreed by `consent`, or give resident `to` more templates; `consent` may then stand already.

    The good photos are taken and the others named; raises as `prepare`, and nothing is kept then. `written_in` is what
    the writing is a part of, entered once the photos are looked over.
    """
    name = clean_text(name, "name")
    unit = clean_text(unit, "unit") if unit is not None else None
    found = prepare(connection, models, photos, to=to, known=known)
    with written_in or nullcontext():
        if to is None:
            resident = residents.enrol(connection, name, unit, found.templates, consent, by=by)
        else:
            resident = residents.add_templates(connection, to, found.templates, consent, unit=unit, by=by)
    return Enrolled(resident, found.lookalikes, found.left_out)


def prepare(
    connection: sqlite3.Connection,
    models: Models,
    photos: Iterable[Photo],
    *,
    to: Resident | None = None,
    known: LiveGallery | None = None,
) -> Prepared:
    """What an enrolment from these photos would do, for resident `to` where they are known; nothing is written.

    Photos are taken one at a time. `known` are the faces of this store; whoever enrols many gives it, so that it is not
    read anew for each. Raises Refusal where no photo will do, or where they show different people or another than `to`;
    UsageError for no photos, too many, or a single one that is none.
    """
    good, left_out = _look_over(photos, models)
    vectors = models.embedder.embed(np.stack([portrait.aligned for _, portrait in good]))
    if not np.isfinite(vectors).all():
        raise Refusal("The embedder gave no number for a photo; choose another photo.")
    _refuse_different_people(vectors, [photo.name for photo, _ in good])
    if to is not None:
        _refuse_stranger(connection, models, to, vectors)
    templates = tuple(
        Template(models.model_id, photo.source, portrait.quality.rounded(), vector.astype("<f4").tobytes())
        for (photo, portrait), vector in zip(good, vectors, strict=True)
    )
    return Prepared(templates, _lookalikes(connection, models, vectors, to, known), left_out)


def _look_over(
    photos: Iterable[Photo], models: Models
) -> tuple[list[tuple[Photo, Portrait]], tuple[LeftOut, ...]]:  # fmt: skip
    """The photos that will do with their portraits, and the others; at least one of the former, or it raises."""
    good: list[tuple[Photo, Portrait]] = []
    poor: list[FacegateError] = []
    left_out: list[LeftOut] = []
    for photo in photos:
        if len(good) + len(poor) == MAX_TEMPLATES:
            raise UsageError("Give between 1 and {most} photos.", most=MAX_TEMPLATES)
        try:
            good.append((photo, examine(photo.read(), photo.name, models)))
        except FacegateError as error:
            poor.append(error)
            left_out.append(LeftOut.of(photo.name, error))
    if not good and not poor:
        raise UsageError("Give between 1 and {most} photos.", most=MAX_TEMPLATES)
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


def _lookalikes(
    connection: sqlite3.Connection, models: Models, vectors: NDArray[np.float32], existing: Resident | None,
    known: LiveGallery | None,
) -> tuple[str, ...]:  # fmt: skip
    if known is None:
        known = known_faces(connection, models)
    known.refresh()
    alike = {
        candidate.resident
        for vector in vectors
        for candidate in known.gallery.search(vector, _ALIKE)
        if candidate.similarity >= models.calibration.lookalike
    }
    alike.discard(existing.id if existing else "")
    found = (residents.get(connection, identity) for identity in alike)
    return tuple(sorted(resident.name for resident in found if resident is not None))
