"""One picture of a source: judged by its size first, then made an array, and turned as it should stand."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np

from gate.processes.camera_report import CameraError, Trouble
from gate.vision.settings import CameraSettings
from models.images import Image

MOST_PIXELS = 4096 * 4096
_TURNS = {90: cv2.ROTATE_90_CLOCKWISE, 180: cv2.ROTATE_180, 270: cv2.ROTATE_90_COUNTERCLOCKWISE}
_FLIPS = {"horizontal": 1, "vertical": 0}


@dataclass(frozen=True, slots=True)
class Shot:
    """A picture (H, W, 3) uint8 BGR and when it was taken, in seconds of its source; how it was coded, and whether it
    stands by itself (a keyframe)."""

    seconds: float
    image: Image
    codec: str = ""
    key: bool = True


def check_size(width: int, height: int) -> None:
    """Raises CameraError where a picture of so many pixels is too large to be looked at."""
    if width * height > MOST_PIXELS:
        raise CameraError(Trouble.TOO_LARGE, width=width, height=height, most=MOST_PIXELS)


def converted(frame: Any) -> Image:
    """A decoded frame of PyAV as an array, turned as the frame itself says. Raises CameraError for too large a one."""
    check_size(frame.width, frame.height)
    # It counts the other way round.
    return turned(frame.to_ndarray(format="bgr24"), -frame.rotation % 360)


def turned(image: Image, clockwise: int, flip: str = "none") -> Image:
    """`image` turned by so many degrees, a quarter turn or several, and then mirrored."""
    if clockwise in _TURNS:
        image = np.asarray(cv2.rotate(image, _TURNS[clockwise]), np.uint8)
    if flip in _FLIPS:
        image = np.asarray(cv2.flip(image, _FLIPS[flip]), np.uint8)
    return image


def as_mounted(shot: Shot, settings: CameraSettings) -> Shot:
    """The picture as it stands before the gate, whichever way its camera hangs."""
    if settings.rotate == 0 and settings.flip == "none":
        return shot
    return Shot(shot.seconds, turned(shot.image, settings.rotate, settings.flip), shot.codec, shot.key)
