"""Whether a face is good enough to judge: distance, place, pose, sharpness, light. Pure."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
from numpy.typing import NDArray

from gate.vocabulary import Reason
from models.faces import Face
from models.images import Image

if TYPE_CHECKING:
    from gate.vision.settings import VisionSettings, ZoneSettings


@dataclass(frozen=True, slots=True)
class Quality:
    """Measures of one face.

    `eye_distance` in pixels of the frame; `yaw` how far the nose stands off the middle of the eyes, in eye distances,
    0 frontal; `aspect` the box's width over its height; `sharpness` the variance of the Laplacian and `light` the mean
    grey (0 to 255), both of the aligned face.
    """

    eye_distance: float
    yaw: float
    aspect: float
    sharpness: float
    light: float

    def rounded(self) -> dict[str, float]:
        """The measures by name, to three decimals: as they are kept with a template and printed."""
        return {name: round(value, 3) for name, value in asdict(self).items()}


@dataclass(frozen=True, slots=True)
class Bounds:
    """Within what a `Quality` must lie; in the units of that."""

    min_eye_distance: float
    max_yaw: float
    min_sharpness: float
    min_light: float
    max_light: float

    @classmethod
    def of(cls, settings: VisionSettings) -> Bounds:
        """Those of the gate, as the settings have them."""
        return cls(
            settings.min_eye_distance,
            settings.max_yaw,
            settings.min_sharpness,
            settings.min_light,
            settings.max_light,
        )


@dataclass(frozen=True, slots=True)
class Zone:
    """The approach zone, in which a face's middle must lie: its edges as fractions of the picture, from upper left."""

    left: float
    top: float
    right: float
    bottom: float

    @classmethod
    def of(cls, settings: ZoneSettings) -> Zone:
        """The zone an installer chose in the settings."""
        return cls(settings.left, settings.top, settings.right, settings.bottom)


def eye_distance(face: Face) -> float:
    """Pixels of the frame between the eyes."""
    (rx, ry), (lx, ly) = face.landmarks[:2]
    return math.hypot(lx - rx, ly - ry)


def nearness(face: Face) -> float:
    """Pixels between the eyes if the face were frontal."""
    # By the box as well, since turning away brings the eyes together but moves nobody.
    return max(eye_distance(face), face.box[2] * EYES_PER_BOX)


def yaw(face: Face) -> float:
    """Offset of the nose from the middle of the eyes along the line between them, in eye distances; or inf."""
    (rx, ry), (lx, ly), (nx, ny) = face.landmarks[:3]
    across, down = lx - rx, ly - ry
    length_squared = across * across + down * down
    if not length_squared > 0:
        return math.inf
    return ((nx - (rx + lx) / 2) * across + (ny - (ry + ly) / 2) * down) / length_squared


def roll(face: Face) -> float:
    """How far the line of the eyes leans clockwise, degrees in (-180, 180]."""
    (rx, ry), (lx, ly) = face.landmarks[:2]
    return math.degrees(math.atan2(ly - ry, lx - rx))


def measure(face: Face, aligned: Image) -> Quality:
    """Measures of a face and its aligned picture ((size, size, 3) uint8 BGR)."""
    grey = cv2.cvtColor(aligned, cv2.COLOR_BGR2GRAY)
    _, deviation = cv2.meanStdDev(cv2.Laplacian(grey, cv2.CV_16S))
    return Quality(
        eye_distance=eye_distance(face),
        yaw=yaw(face),
        aspect=face.box[2] / face.box[3] if face.box[3] > 0 else math.inf,
        sharpness=float(deviation[0, 0]) ** 2,
        light=cv2.sumElems(grey)[0] / grey.size,
    )


def covered(aligned: Image) -> bool:
    """Whether something dark lies over both eyes, or something smooth over the mouth, of an aligned face
    ((size, size, 3) uint8 BGR): sunglasses, a mask, a sheet of paper. What looks like skin does not show.
    """
    grey = cv2.cvtColor(aligned, cv2.COLOR_BGR2GRAY)
    edges = np.abs(cv2.Sobel(grey, cv2.CV_32F, 0, 1))
    eyes = np.median(np.concatenate([_part(grey, one).ravel() for one in _EYES]))
    cheeks = np.median(np.concatenate([_part(grey, one).ravel() for one in _CHEEKS]))
    dark_eyes = not eyes >= _DARK_EYES * cheeks
    smooth_mouth = not _part(edges, _MOUTH).mean() >= _SMOOTH_MOUTH * _part(edges, _BOTH_EYES).mean()
    return dark_eyes or smooth_mouth


def _part(picture: NDArray[Any], part: tuple[int, int, int, int]) -> NDArray[Any]:
    """A part (left, top, right, bottom) given for a picture of 112 pixels a side."""
    left, top, right, bottom = (round(side * len(picture) / 112) for side in part)
    return picture[top:bottom, left:right]


def unfit(quality: Quality, bounds: Bounds) -> Reason | None:
    """The first reason not to use the face, or None. What is not a number is unfit."""
    # First, since turning away also brings the eyes together.
    if not abs(quality.yaw) <= bounds.max_yaw:
        return Reason.TURNED_AWAY
    if not quality.eye_distance >= bounds.min_eye_distance:
        return Reason.TOO_FAR
    if not quality.light >= bounds.min_light:
        return Reason.TOO_DARK
    if not quality.light <= bounds.max_light:
        return Reason.TOO_BRIGHT
    if not quality.sharpness >= bounds.min_sharpness:
        return Reason.BLURRED
    if not MIN_ASPECT <= quality.aspect <= MAX_ASPECT:
        return Reason.NOT_PLAIN
    return None


def weight(quality: Quality) -> float:
    """How much a usable face counts among the sightings of its track: as one over the variance of its score."""
    return min(1.0, quality.eye_distance / _FULL_WEIGHT_FROM) ** 2


def not_at_gate(
    face: Face, others: Sequence[Face], picture: tuple[int, int], zone: Zone, bounds: Bounds
) -> Reason | None:
    """Why this face is a passer-by's, or None when its owner stands at the gate.

    `picture` is (width, height). Of several faces those much smaller than the nearest one wait their turn.
    """
    x, y, width, height = face.box
    across, down = (x + width / 2) / picture[0], (y + height / 2) / picture[1]
    if not (zone.left <= across <= zone.right and zone.top <= down <= zone.bottom):
        return Reason.OUT_OF_ZONE
    if not nearness(face) >= bounds.min_eye_distance:
        return Reason.TOO_FAR
    nearest = max((other.area for other in others), default=0.0)
    if not face.area >= NEAREST_SHARE * nearest:
        return Reason.NOT_NEAREST
    return None


# YuNet's boxes of plain faces are 0.63 to 0.90 times as wide as high (1,257 photos of LFW); stretched to half as much
# again a face is still its owner's, to double width or height it resembles strangers.
MIN_ASPECT, MAX_ASPECT = 0.6, 0.92
# Of an aligned face of 112 pixels: left, top, right, bottom.
_EYES, _CHEEKS = ((28, 46, 49, 58), (63, 46, 84, 58)), ((24, 66, 42, 78), (70, 66, 88, 78))
_BOTH_EYES, _MOUTH = (28, 46, 84, 58), (42, 84, 70, 104)
# Of 1,257 photos of LFW seven lie below in the eyes, all of them sunglasses, and one at the mouth, a sheet of paper.
_DARK_EYES, _SMOOTH_MOUTH = 0.2, 0.35
# Of a frontal face in YuNet's boxes the eyes stand 0.47 of its width apart (median over LFW, 3,414 faces).
EYES_PER_BOX = 0.47
# Someone half as near as the nearest (a quarter of the area) stands behind them.
NEAREST_SHARE = 0.4
# Scores stray by 0.041 at 26 pixels between the eyes, 0.032 at 34, 0.026 at 45 and 0.019 beyond 50 (181 walk-ups).
_FULL_WEIGHT_FROM = 50.0
