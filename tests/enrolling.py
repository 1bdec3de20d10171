"""People enrolled from photos, as the tests need them."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from enroll.application import Application, of_namesake
from enroll.consent import agreed
from enroll.decode import decode_photo, photo_in
from enroll.decoder.parent import Decoder
from enroll.enrolment import Enrolled, enrol, prepare
from gate.store.people import residents
from gate.store.people.consents import Consent, Way
from models.pack import Models

# One for all tests of a process: its child takes a quarter of a second to start.
DECODER = Decoder()


def picture_in(path: Path) -> NDArray[np.uint8]:
    """The photo in a file as (H, W, 3) uint8 BGR. Raises UsageError."""
    return decode_photo(path, DECODER)


def enrol_photos(
    store: sqlite3.Connection, models: Models, name: str, paths: Iterable[Path], unit: str | None = None,
    *, consent: Consent | None = None, another_than: frozenset[str] | None = frozenset(),
) -> Enrolled:  # fmt: skip
    """Enrol from files as the command does, by a consent that was told; or by any other. `another_than` as there."""
    photos = [photo_in(path, DECODER) for path in paths]
    asked = of_namesake(store, Application.of(name, unit, photos, agreed(Way.TOLD), another_than=another_than))
    if consent is None:
        return enrol(store, models, asked, "test")
    found = prepare(store, models, asked)
    resident = residents.enrol(store, asked.name, asked.unit, found.templates, consent, by="test")
    return Enrolled(resident, found.lookalikes, found.left_out)
