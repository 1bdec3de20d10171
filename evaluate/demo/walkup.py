"""Walk-up footage: a photo comes towards the camera with sway, blur, noise and light that changes. Seeded.

And the same photo as an attack: flat on a telephone or a sheet of paper that a hand holds before the camera.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
from numpy.typing import NDArray

from gate.errors import FacegateError
from models.detector import Detector
from models.faces import largest
from models.images import Image, shrunk

WIDTH, HEIGHT, FPS = 640, 360, 25
_FAR, _NEAR = 38.0, 125.0
_APPROACH_SHARE = 0.7
# Photos are kept at a little more than the size they are ever shown at.
_KEPT_FACE = 160.0
_NOISES = 8
# How far away, in face widths, a camera looks at someone who is turned: what is nearer to it looks larger.
_VIEW_FROM = 6.0
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
    face = largest(detector.detect(small))
    if face is None:
        raise FacegateError(f"No face is found in {photo}.")
    x, y, width, height = (side / scale for side in face.box)
    return Walker.of(picture, (x, y, width, height))


class Held(StrEnum):
    """What an attack is held up on."""

    SCREEN = "screen"
    SHEET = "sheet"


@dataclass(frozen=True, slots=True)
class Scene:
    """Someone walking up, for `seconds`; None is an empty gateway.

    `varied` draws distance, turn, tilt, light and blur from wide ranges. With `held` it is an attack: the photo, flat.
    """

    walker: Walker | None
    seconds: float
    varied: bool = False
    held: Held | None = None


@dataclass(frozen=True, slots=True)
class _Manner:
    """How one person comes: what is drawn once a scene. Angles in degrees, `near` in pixels of face width."""

    phase: float
    pace: float
    light: float
    drift: float
    side: float
    near: float = _NEAR
    turn: float = 0.0
    tilt: float = 0.0
    shade: float = 0.0
    blur: float = 2.2

    @classmethod
    def drawn(cls, rng: np.random.Generator, *, varied: bool) -> _Manner:
        """From the seed."""
        phase, pace = rng.uniform(0, 2 * np.pi), rng.uniform(0.9, 1.3)
        light, drift = rng.uniform(0.85, 1.1), rng.uniform(-0.15, 0.15)
        side = rng.uniform(-60, 60)
        if not varied:
            return cls(phase, pace, light, drift, side)
        return cls(
            phase, pace, rng.uniform(0.6, 1.25), drift, side, near=rng.uniform(90, 150), turn=rng.uniform(-15, 15),
            tilt=rng.uniform(-8, 8), shade=rng.uniform(-0.3, 0.3), blur=rng.uniform(1.0, 3.5),
        )  # fmt: skip


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
    manner = _Manner.drawn(rng, varied=scene.varied)
    card = _card(scene.walker, scene.held, rng) if scene.walker is not None and scene.held else None
    shade = 1 + manner.shade * np.linspace(-1, 1, WIDTH, dtype=np.float32)[None, :, None]
    for number in range(count):
        done = number / count
        picture = backdrop.astype(np.float32)
        walked = min(1.0, done / _APPROACH_SHARE)
        face_width = _FAR + (manner.near - _FAR) * walked**1.5
        sway = np.sin(manner.phase + 2 * np.pi * manner.pace * number / FPS)
        centre = (WIDTH / 2 + manner.side * (1 - walked) + 6 * sway, HEIGHT * 0.47 + 3 * np.cos(2 * sway))
        tilt, turn = manner.tilt + 2.5 * sway, manner.turn + 1.5 * np.cos(manner.phase + number / 9)
        if card is not None:
            # A hand trembles and tilts what it holds, to and fro.
            tremble = np.sin(manner.phase + np.array([7.3, 8.9]) * number / FPS)
            held_at = (centre[0] + 1.5 * tremble[0], centre[1] + 1.5 * tremble[1])
            _lay_card(picture, card, held_at, face_width, tilt * 1.5, turn * 1.5)
        elif scene.walker is not None:
            _lay(picture, scene.walker, centre, face_width, tilt, turn)
        if scene.walker is not None:
            moving = 0.0 if walked == 1 else 1.0
            picture = _blur(picture, moving * abs(np.cos(manner.phase + number / 5)) * manner.blur)
        picture *= (manner.light + manner.drift * done) * shade
        picture += np.roll(noises[rng.integers(_NOISES)], int(rng.integers(WIDTH)), axis=1)
        yield picture.clip(0, 255).astype(np.uint8)


def _lay(
    picture: NDArray[np.float32], walker: Walker, centre: tuple[float, float], face_width: float, tilt: float,
    turn: float,
) -> None:  # fmt: skip
    """Lay the photo over the picture, soft at its edges, its face `face_width` wide and centred on `centre`."""
    matrix = _placed(walker.face, centre, face_width, tilt, turn)
    size = (WIDTH, HEIGHT)
    person = cv2.warpPerspective(walker.photo, matrix, size, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    mask = cv2.warpPerspective(walker.outline, matrix, size, flags=cv2.INTER_LINEAR)[..., None]
    picture *= 1 - mask
    picture += person * mask


def _placed(
    face: tuple[float, float, float, float], centre: tuple[float, float], face_width: float, tilt: float, turn: float
) -> NDArray[np.float64]:
    """The 3x3 homography that turns a flat photo about its face's upright axis, tilts it, and puts it in its place."""
    x, y, width, height = face
    scale, angle = face_width / width, np.radians(tilt)
    to_middle = np.array([[1, 0, -x - width / 2], [0, 1, -y - height / 2], [0, 0, 1]])
    turned = np.diag([np.cos(np.radians(turn)), 1, 1])
    turned[2, 0] = np.sin(np.radians(turn)) / (_VIEW_FROM * width)
    cos, sin = scale * np.cos(angle), scale * np.sin(angle)
    placed = np.array([[cos, sin, centre[0]], [-sin, cos, centre[1]], [0, 0, 1]])
    return np.asarray(placed @ turned @ to_middle)


@dataclass(frozen=True, slots=True)
class _Card:
    """A flat thing with a photo on it, the hand included: picture, outline, and where the face is in it."""

    picture: Image
    outline: NDArray[np.float32]
    face: tuple[float, float, float, float]


def _card(walker: Walker, held: Held, rng: np.random.Generator) -> _Card:
    x, y, width, height = walker.face
    tall, wide = walker.photo.shape[:2]
    left, top = max(0, int(x - 0.55 * width)), max(0, int(y - 0.5 * height))
    right, bottom = min(wide, int(x + 1.55 * width)), min(tall, int(y + 1.7 * height))
    shown = walker.photo[top:bottom, left:right].astype(np.float32)
    rows, columns = np.mgrid[0 : shown.shape[0], 0 : shown.shape[1]].astype(np.float32)
    if held is Held.SCREEN:
        # A lit display: more contrast, bluish, its grid beating with the camera's.
        shown = (shown - 110) * 1.15 + 118 + np.array([10, 2, -4], np.float32)
        pitch, lean = rng.uniform(2.2, 4.5), rng.uniform(-0.4, 0.4)
        shown += 5 * np.sin(2 * np.pi * (columns + lean * rows) / pitch)[..., None]
        edge, colour = max(3, round(0.06 * width)), (18.0, 16.0, 16.0)
    else:
        # Printed: fewer tones, yellowish paper, and a white margin.
        shown = (shown - 128) * 0.8 + 132 + np.array([-6, 0, 3], np.float32)
        edge, colour = max(4, round(0.1 * width)), (205.0, 212.0, 215.0)
    bordered = cv2.copyMakeBorder(shown, edge, edge, edge, edge, cv2.BORDER_CONSTANT, value=colour)
    fingers = round(0.16 * width)
    hand = cv2.copyMakeBorder(bordered, 0, 0, fingers, fingers, cv2.BORDER_CONSTANT, value=(90, 120, 165))
    mask = np.zeros(hand.shape[:2], np.float32)
    mask[:, fingers:-fingers] = 1
    for at in (0.62, 0.74, 0.86):
        reach = (round(fingers * 1.3), max(2, round(0.05 * hand.shape[0])))
        for side in (fingers // 2, hand.shape[1] - fingers // 2):
            middle = (side, round(at * hand.shape[0]))
            cv2.ellipse(hand, middle, reach, 0, 0, 360, (90, 120, 165), -1)
            cv2.ellipse(mask, middle, reach, 0, 0, 360, 1.0, -1)
    place = (x - left + edge + fingers, y - top + edge, width, height)
    return _Card(hand.clip(0, 255).astype(np.uint8), mask, place)


def _lay_card(
    picture: NDArray[np.float32], card: _Card, centre: tuple[float, float], face_width: float, tilt: float, turn: float
) -> None:
    matrix = _placed(card.face, centre, face_width, tilt, turn)
    size = (WIDTH, HEIGHT)
    shown = cv2.warpPerspective(card.picture, matrix, size, flags=cv2.INTER_LINEAR)
    mask = cv2.warpPerspective(card.outline, matrix, size, flags=cv2.INTER_LINEAR)[..., None]
    picture *= 1 - mask
    picture += shown * mask


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
