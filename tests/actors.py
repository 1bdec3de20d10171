"""People of photos as heads that can be drawn (`tests/heads.py`): which photos are fit for it, and whose head it is."""

from __future__ import annotations

from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

import numpy as np

from enroll.upright import find_faces, main_face
from gate.vision.gallery import Gallery
from gate.vision.quality import roll, yaw
from models.align import align
from models.faces import Face
from models.images import Image
from models.pack import Models
from tests.enrolling import picture_in
from tests.heads import canonical_face, head_of
from tests.turning import Actor

SEED = 77
# Photos that look straight ahead, upright, and are large enough to be put on a head.
MOST_YAW, MOST_ROLL, LEAST_FACE = 0.08, 6.0, 70


def actor_of(number: int, photo: Path, shared: Path, models: Models) -> Actor:
    """The person on a photo, their nose shortened or lengthened."""
    image = picture_in(photo)
    face = main_face(find_faces(image, models), image)
    depth = np.random.default_rng(SEED + number).uniform(0.8, 1.1)
    return Actor(image, face.box, head_of(image, np.array(face.landmarks), canonical_face(shared), depth))


def photos_of(shared: Path, models: Models, *, first_half: bool) -> Iterator[Path]:
    """Fit photos of people whose names' hashes fall in one half, one of each."""
    photos = sorted((shared / "faces" / "lfw").glob("*/*_0001.jpg"))
    np.random.default_rng(SEED).shuffle(photos)
    for photo in photos:
        if (sha256(photo.parent.name.encode()).digest()[0] < 128) is not first_half:
            continue
        if can_be_head(picture_in(photo), models):
            yield photo


def can_be_head(image: Image, models: Models) -> bool:
    """Whether a picture's face looks straight ahead, upright, and is large enough."""
    faces = find_faces(image, models)
    return bool(faces) and _is_plain(main_face(faces, image))


def _is_plain(face: Face) -> bool:
    return abs(yaw(face)) <= MOST_YAW and abs(roll(face)) <= MOST_ROLL and face.box[2] >= LEAST_FACE


def gallery_of_one(photo: Image, models: Models) -> Gallery:
    """A gallery, judged by scores, of whoever is on a photo."""
    face = main_face(find_faces(photo, models), photo)
    dimension = models.spec.dimension
    vector = models.embedder.embed(align(photo, face, models.spec)[None])[0].astype("<f4").tobytes()
    return Gallery([(1, "someone", vector)], dimension, models.calibration.faces_of_nobody(dimension))
