"""Walk-up footage: a photo comes towards the camera with sway, blur, noise and light that changes. Seeded."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
from numpy.typing import NDArray

from gate.errors import FacegateError
from models.align import shrunk
from models.detector import Detector

Image = NDArray[np.uint8]

WIDTH, HEIGHT, FPS = 640, 360, 25
_FAR, _NEAR = 38.0, 125.0
_APPROACH_SHARE = 0.7
# Photos are kept at a little more than the size they are ever shown at.
_KEPT_FACE = 160.0
_NOISES = 8
_DETECT_SIDE = 800


@dataclass(frozen=True, slots=True)
class Walker:
    """A photo ((H, W, 3) uint8 BGR), where the face is in it (x, y, width, height), and the person's soft outline."""

    photo: Image
    face: tuple[float, float, float, float]
    outline: NDArray[np.float32]

    @classmethod
    def of(cls, photo: Image, face: tuple[float, float, float, float]) -> Walker:
        """From a photo of any size."""
        scale = min(1.0, _KEPT_FACE / face[2])
        small = np.asarray(cv2.resize(photo, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA), np.uint8)
        x, y, width, height = (side * scale for side in face)
        return cls(small, (x, y, width, height), _outline(small.shape[:2], (x, y, width, height)))


def walker_from(photo: Path, detector: Detector) -> Walker:
    """A walker from a photo, by its largest face. Raises FacegateError when it shows none."""
    image = cv2.imread(str(photo), cv2.IMREAD_COLOR)
    if image is None:
        raise FacegateError(f"{photo} is not a picture that can be read.")
    picture = np.asarray(image, np.uint8)
    small, scale = shrunk(picture, _DETECT_SIDE)
    found = detector.detect(small)
    if not len(found):
        raise FacegateError(f"No face is found in {photo}.")
    x, y, width, height = (float(side) / scale for side in max(found, key=lambda face: face[2] * face[3])[:4])
    return Walker.of(picture, (x, y, width, height))


@dataclass(frozen=True, slots=True)
class Scene:
    """Someone walking up, for `seconds`; None is an empty gateway."""

    walker: Walker | None
    seconds: float


def footage(scenes: Iterable[Scene], seed: int) -> Iterator[Image]:
    """The frames of some scenes, one after the other, FPS a second, 640x360 BGR."""
    rng = np.random.default_rng(seed)
    backdrop = _backdrop(rng)
    noises = rng.normal(0, 4, (_NOISES, HEIGHT, WIDTH, 3)).astype(np.float32)
    for scene in scenes:
        yield from _scene(scene, backdrop, noises, rng)


def write_video(path: Path, frames: Iterable[Image]) -> None:
    """Frames as an MPEG-4 file of FPS frames a second."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("mpeg4", rate=Fraction(FPS))
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        stream.bit_rate = 6_000_000
        for image in frames:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(image, format="bgr24")))
        container.mux(stream.encode())


def _scene(scene: Scene, backdrop: Image, noises: NDArray[np.float32], rng: np.random.Generator) -> Iterator[Image]:
    count = max(1, round(scene.seconds * FPS))
    phase, pace = rng.uniform(0, 2 * np.pi), rng.uniform(0.9, 1.3)
    light, drift = rng.uniform(0.85, 1.1), rng.uniform(-0.15, 0.15)
    side = rng.uniform(-60, 60)
    for number in range(count):
        done = number / count
        picture = backdrop.astype(np.float32)
        if scene.walker is not None:
            walked = min(1.0, done / _APPROACH_SHARE)
            face_width = _FAR + (_NEAR - _FAR) * walked**1.5
            sway = np.sin(phase + 2 * np.pi * pace * number / FPS)
            centre = (WIDTH / 2 + side * (1 - walked) + 6 * sway, HEIGHT * 0.47 + 3 * np.cos(2 * sway))
            _lay(picture, scene.walker, centre, face_width, angle=2.5 * sway)
            moving = 0.0 if walked == 1 else 1.0
            picture = _blur(picture, moving * abs(np.cos(phase + number / 5)) * 2.2)
        picture *= light + drift * done
        picture += np.roll(noises[rng.integers(_NOISES)], int(rng.integers(WIDTH)), axis=1)
        yield picture.clip(0, 255).astype(np.uint8)


def _lay(
    picture: NDArray[np.float32], walker: Walker, centre: tuple[float, float], face_width: float, angle: float
) -> None:
    """Lay the photo over the picture, soft at its edges, its face `face_width` wide and centred on `centre`."""
    x, y, width, height = walker.face
    middle = (x + width / 2, y + height / 2)
    matrix = np.asarray(cv2.getRotationMatrix2D(middle, float(angle), face_width / width), np.float64)
    matrix[:, 2] += np.subtract(centre, middle)
    size = (WIDTH, HEIGHT)
    person = cv2.warpAffine(walker.photo, matrix, size, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    mask = cv2.warpAffine(walker.outline, matrix, size, flags=cv2.INTER_LINEAR)[..., None]
    picture *= 1 - mask
    picture += person * mask


def _outline(shape: tuple[int, ...], face: tuple[float, float, float, float]) -> NDArray[np.float32]:
    x, y, width, height = face
    middle = (round(x + width / 2), round(y + height / 2))
    mask = np.zeros(shape, np.float32)
    cv2.ellipse(mask, middle, (round(width), round(height)), 0, 0, 360, 1.0, -1)
    shoulders = (middle[0], round(middle[1] + height * 1.6))
    cv2.ellipse(mask, shoulders, (round(width * 1.5), round(height * 0.9)), 0, 0, 360, 1.0, -1)
    soft = max(3, round(width * 0.12)) | 1
    return np.asarray(cv2.GaussianBlur(mask, (soft, soft), 0), np.float32)


def _blur(picture: NDArray[np.float32], length: float) -> NDArray[np.float32]:
    if length < 0.5:
        return picture
    return np.asarray(cv2.GaussianBlur(picture, (0, 0), sigmaX=length / 2, sigmaY=0.3), np.float32)


def _backdrop(rng: np.random.Generator) -> Image:
    rows, columns = np.mgrid[0:HEIGHT, 0:WIDTH].astype(np.float32)
    sky = np.stack([150 - rows * 0.15, 150 - rows * 0.12, 145 - rows * 0.1], axis=-1)
    picture = sky + rng.normal(0, 2, (HEIGHT, WIDTH, 1))
    wall = rows > HEIGHT * 0.55
    picture[wall] = (70, 82, 90)
    bars = (columns % 44 < 6) & (rows > HEIGHT * 0.2)
    picture[bars] = (52, 50, 48)
    return np.asarray(cv2.GaussianBlur(picture.clip(0, 255).astype(np.uint8), (5, 5), 0), np.uint8)
