"""The enrolment at this gate's own camera, look by look: led at the console here, or from the centre."""

from __future__ import annotations

import io
import sqlite3
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from api.auth import Actor
from api.context import Context, record_look_once
from enroll.duplicates import WHOSE_FACE, Lookalike
from gate.processes.client import LinkDown
from gate.processes.requests import Preview

if TYPE_CHECKING:
    from enroll.sitting import Face, Seen, Sitting, Taken
    from models.images import Image


@dataclass(frozen=True, slots=True)
class NewPhoto:
    """A photo that was taken, its face as a small JPEG, and who is enrolled and so like it that a person must look."""

    taken: Taken
    portrait: bytes
    alike: tuple[Lookalike, ...]


@dataclass(frozen=True, slots=True)
class Looked:
    """Where it stands after one more look."""

    sitting: Sitting
    jpeg: bytes | None
    """What the camera sees; None: it gives no picture."""
    age_s: float
    """How old that is."""
    pixels: int
    """Between the eyes of a face that is too small."""
    photos: tuple[NewPhoto, ...]
    """Those that whoever leads it does not have yet."""
    is_somebodys: bool
    """Whether any photo at all shows somebody who is enrolled, once it is over."""


def look(
    context: Context, connection: sqlite3.Connection, actor: Actor, key: str, have: int, resident: str
) -> Looked:  # fmt: skip
    """One more look; `have` is the number of the last photo that they have, `resident` the id of whoever gets more
    photos. That they are told whose face it is, is on record. Raises Over."""
    context.at_gate.of(key, actor.label)
    preview, seen, pixels = _seen(context)
    sitting = context.at_gate.look(key, actor.label, seen).sitting
    new = tuple(_new(context, connection, one, resident) for one in sitting.taken if one.number > have)
    if any(one.alike for one in new):
        record_look_once(connection, context, actor, WHOSE_FACE, of=key)
    is_somebodys = sitting.over and any(_alike(context, connection, one.face, resident) for one in sitting.taken)
    age_s = max(0.0, time.monotonic() - preview.taken_mono) if preview.taken_mono is not None else 0.0
    return Looked(sitting, preview.jpeg, age_s, pixels, new, is_somebodys)


def jpeg_of(portrait: Image) -> bytes:
    """A portrait ((H, W, 3) uint8 BGR) as a JPEG."""
    import cv2

    return cv2.imencode(".jpg", portrait)[1].tobytes()


def _new(context: Context, connection: sqlite3.Connection, taken: Taken, resident: str) -> NewPhoto:
    return NewPhoto(taken, jpeg_of(taken.face.portrait), tuple(_alike(context, connection, taken.face, resident)))


def _alike(context: Context, connection: sqlite3.Connection, face: Face, resident: str) -> Sequence[Lookalike]:
    return context.enroller.like(connection, face, resident)


def _seen(context: Context) -> tuple[Preview, Seen | None, int]:
    """The picture, what is in it (None: the camera gives none), and how small a face is that is too small."""
    from enroll.checks import PhotoRefused
    from enroll.sitting import Seen

    try:
        preview = context.look()
    except LinkDown:
        return Preview(), None, 0
    if preview.jpeg is None:
        return preview, None, 0
    try:
        return preview, Seen(preview.jpeg, context.enroller.look(io.BytesIO(preview.jpeg))), 0
    except PhotoRefused as refused:
        return preview, Seen(preview.jpeg, reason=refused.reason), int(str(refused.sentence.values.get("pixels", 0)))
