"""The one way to enrol: photos in, a resident with templates out, or a reason why not."""

from __future__ import annotations

import sqlite3
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from enroll.checks import Portrait, examine
from enroll.decode import decode_photo
from gate.errors import Refusal, UsageError
from gate.store import residents
from gate.store.consents import Consent
from gate.store.residents import MAX_TEMPLATES, Resident, Template
from gate.vision.gallery import Gallery
from models.pack import Models

_LONGEST_NAME = 100
# On LFW 99.9 % of 3,480 pairs of one person's photos lie above this, and 98 % of pairs of two people's below.
_SAME_PERSON = 0.3


@dataclass(frozen=True, slots=True)
class Enrolled:
    """Who was enrolled, and who else looks so alike that a person should check."""

    resident: Resident
    lookalikes: tuple[str, ...]


def enrol_photos(
    connection: sqlite3.Connection,
    models: Models,
    name: str,
    photos: Iterable[Path],
    unit: str | None = None,
    *,
    consent: Consent,
) -> Enrolled:
    """Enrol `name`, who agreed by `consent`, from photos; someone already enrolled under this name gets more templates.

    All or nothing. Raises UsageError for files and names that are none, Refusal for photos that will not do.
    """
    name = clean_text(name, "name")
    unit = clean_text(unit, "unit") if unit is not None else None
    paths = list(photos)
    if not 0 < len(paths) <= MAX_TEMPLATES:
        raise UsageError(f"Give between 1 and {MAX_TEMPLATES} photos.")
    portraits = [examine(decode_photo(path), path.name, models) for path in paths]
    vectors = models.embedder.embed(np.stack([portrait.aligned for portrait in portraits]))
    if not np.isfinite(vectors).all():
        raise Refusal("The embedder gave no number for a photo; choose another photo.")
    _refuse_different_people(vectors, [path.name for path in paths])
    existing = _existing(connection, name, unit)
    if existing is not None:
        _refuse_stranger(connection, models, existing, vectors)
    templates = [
        _template(models, portrait, vector, path.name)
        for portrait, vector, path in zip(portraits, vectors, paths, strict=True)
    ]
    lookalikes = _lookalikes(connection, models, vectors, existing)
    resident = residents.enrol(connection, name, unit, templates, consent, to=existing.id if existing else None)
    return Enrolled(resident, lookalikes)


def add_without_face(connection: sqlite3.Connection, name: str, unit: str | None = None) -> Resident:
    """Add someone who uses other ways in. Raises UsageError for a name that is none, Refusal where they are known."""
    name = clean_text(name, "name")
    unit = clean_text(unit, "unit") if unit is not None else None
    if _existing(connection, name, unit) is not None:
        raise Refusal(f"{name} is known already; for another person of that name, say where they live with --unit.")
    return residents.enrol(connection, name, unit, [])


def clean_text(text: str, what: str) -> str:
    """A name or unit as typed, trimmed and composed. Raises UsageError for what cannot be one."""
    cleaned = " ".join(unicodedata.normalize("NFC", text).split(" ")).strip()
    if not 0 < len(cleaned) <= _LONGEST_NAME:
        raise UsageError(f"The {what} must have between 1 and {_LONGEST_NAME} characters.")
    # Cc, Cf, Cs, Co, Cn: control, direction-changing, surrogate, private and unassigned characters.
    if any(unicodedata.category(character).startswith("C") for character in cleaned):
        raise UsageError(f"The {what} holds invisible or control characters; type it again.")
    return cleaned


def _template(models: Models, portrait: Portrait, vector: NDArray[np.float32], source: str) -> Template:
    return Template(models.model_id, f"photo {source}", portrait.quality.rounded(), vector.astype("<f4").tobytes())


def _refuse_different_people(vectors: NDArray[np.float32], names: Sequence[str]) -> None:
    alike = vectors @ vectors.T
    one, other = divmod(int(np.argmin(alike)), len(names))
    if not float(alike[one, other]) >= _SAME_PERSON:
        raise Refusal(f"{names[one]} and {names[other]} show different people; give photos of one person.")


def _existing(connection: sqlite3.Connection, name: str, unit: str | None) -> Resident | None:
    namesakes = [resident for resident in residents.every(connection) if resident.name == name]
    matching = [resident for resident in namesakes if unit is None or resident.unit in (None, unit)]
    if len(matching) > 1:
        raise Refusal(f"{len(matching)} residents are called {name!r}; say which by --unit.")
    return matching[0] if matching else None


def _refuse_stranger(
    connection: sqlite3.Connection, models: Models, existing: Resident, vectors: NDArray[np.float32]
) -> None:
    rows = [row for row in residents.vectors(connection, models.model_id) if row[1] == existing.id]
    if not rows:
        return
    found = Gallery(rows, models.spec.dimension).search(vectors)
    if not all(candidates and candidates[0].similarity >= _SAME_PERSON for candidates in found):
        raise Refusal(
            f"The photo does not look like the {existing.name} who is enrolled. For another person of that name, say"
            " where they live with --unit."
        )


def _lookalikes(
    connection: sqlite3.Connection, models: Models, vectors: NDArray[np.float32], existing: Resident | None
) -> tuple[str, ...]:
    gallery = Gallery(residents.vectors(connection, models.model_id), models.spec.dimension)
    alike = {
        candidate.resident
        for candidates in gallery.search(vectors)
        for candidate in candidates
        if candidate.similarity >= models.spec.calibration.lookalike
    }
    own = existing.id if existing else None
    return tuple(
        resident.name for resident in residents.every(connection) if resident.id in alike and resident.id != own
    )
