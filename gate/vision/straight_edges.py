"""Straight edges that go along with a face: those of a sheet or a screen it is shown on. Pure.

Whatever is held before the camera carries its edges with the face from frame to frame; behind a person the straight
things of the place stay where they are while the face comes nearer.
"""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import ArrayLike, NDArray

from models.align import similarity_transform
from models.images import Image

Edges = NDArray[np.float32]
"""(2, 2, leans, 128) float32: upright and level lines, rising and falling, by lean and place; grey levels a pixel."""

# The face is laid upright into a grey patch, two of its widths to every side.
_FACE = 32
_SIDE = 4 * _FACE
_MIDDLE = _SIDE // 2
# In boxes of YuNet the eyes stand 0.47 of a face's width apart.
_EYES = 0.47
# The middle of the head lies above that of eyes, nose and mouth, in face widths.
_LOWER = 0.21
# How much finer than the patch the picture is that it is taken from.
_SPARE = 1.3
# A held thing leans with the face, give or take, degrees.
_LEANS = range(-12, 13, 4)
# A stronger edge says no more.
_FULL_EDGE = 15.0
# By how much lines may wander between frames, in leans and places: landmarks tremble, and a hand turns what it holds.
_WANDER = np.ones((3, 5), np.uint8)
# Where the edges of a held thing lie, in face widths from the middle of the face: to the sides, above, and below. Those
# of a sheet that is bent come near.
_SIDES, _ABOVE, _BELOW = (0.6, 1.6), (0.8, 1.95), (1.0, 1.95)


def edges_around(image: Image, landmarks: ArrayLike, template: ArrayLike) -> Edges:
    """The straight edges around the face with these landmarks (5, 2), in an image (H, W, 3) uint8 BGR.

    `template` (5, 2) are those of an upright face, as for alignment. Raises ValueError when the landmarks coincide.
    """
    points = np.asarray(template, np.float64)
    eyes = float(np.hypot(*(points[1] - points[0])))
    upright = (points - points.mean(axis=0)) * (_EYES * _FACE / eyes) + (_MIDDLE, _MIDDLE + _LOWER * _FACE)
    matrix = similarity_transform(landmarks, upright)
    grey, corner, scale = _cut(image, landmarks, float(np.hypot(matrix[0, 0], matrix[1, 0])))
    matrix[:, 2] += matrix[:, :2] @ corner
    matrix[:, :2] /= scale
    patches = np.stack([_patch(grey, matrix, lean) for lean in _LEANS])
    across = patches[:, _MIDDLE - _FACE : _MIDDLE + _FACE * 7 // 10]
    down = patches[:, :, _MIDDLE - _FACE * 3 // 4 : _MIDDLE + _FACE * 3 // 4]
    lines = np.zeros((2, len(_LEANS), _SIDE), np.float32)
    lines[0, :, 1:-1] = _common_rise((across[:, :, 2:] - across[:, :, :-2]) / 2, axis=1)
    lines[1, :, 1:-1] = _common_rise((down[:, 2:] - down[:, :-2]) / 2, axis=2)
    rising = [[np.maximum(sign * one, 0) for sign in (1, -1)] for one in lines]
    return np.asarray([[np.minimum(cv2.dilate(one, _WANDER), _FULL_EDGE) for one in pair] for pair in rising])


def held_frame(looks: Sequence[Edges]) -> float:
    """How clearly straight edges go along on both sides of the face and on a third side; grey levels a pixel, 0 to 30.

    The mean over the looks at one line, so that a line which stays behind counts for little.
    """
    lines = np.mean(looks, axis=0).max(axis=(1, 2))

    def strongest(direction: int, sign: int, between: tuple[float, float]) -> float:
        one, other = sorted(_MIDDLE + sign * round(share * _FACE) for share in between)
        return float(lines[direction, one:other].max())

    left, right = strongest(0, -1, _SIDES), strongest(0, 1, _SIDES)
    above, below = strongest(1, -1, _ABOVE), strongest(1, 1, _BELOW)
    return min(left, right) + sorted((left, right, above, below))[1]


def _cut(image: Image, landmarks: ArrayLike, shrink: float) -> tuple[NDArray[np.uint8], NDArray[np.float64], float]:
    """The grey part of the picture that the patch needs, its upper left corner, and by what it was made smaller."""
    height, width = image.shape[:2]
    reach = _SIDE / shrink
    x, y = np.asarray(landmarks, np.float64).mean(axis=0)
    left, top = int(np.clip(x - reach, 0, width - 1)), int(np.clip(y - reach, 0, height - 1))
    right, bottom = int(np.clip(x + reach, left + 1, width)), int(np.clip(y + reach, top + 1, height))
    grey = np.asarray(cv2.cvtColor(image[top:bottom, left:right], cv2.COLOR_BGR2GRAY), np.uint8)
    # Pixels that a smaller picture would leave out hold the thin edges of a telephone.
    scale = min(1.0, _SPARE * shrink)
    if scale < 1:
        grey = np.asarray(cv2.resize(grey, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA), np.uint8)
    return grey, np.array([left, top], np.float64), scale


def _patch(grey: NDArray[np.uint8], matrix: NDArray[np.float64], lean: int) -> NDArray[np.int16]:
    turn = cv2.getRotationMatrix2D((_MIDDLE, _MIDDLE), lean, 1.0)
    turned = turn[:, :2] @ matrix
    turned[:, 2] += turn[:, 2]
    patch = cv2.warpAffine(grey, turned, (_SIDE, _SIDE), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(cv2.GaussianBlur(patch, (3, 3), 0.65), np.int16)


def _common_rise(rise: NDArray[np.floating], axis: int) -> NDArray[np.floating]:
    """What three quarters of each line along `axis` rise by at least, or fall by (negative); 0 where they disagree."""
    quarter = rise.shape[axis] // 4
    parted = np.partition(rise, (quarter, -1 - quarter), axis=axis)
    low, high = np.take(parted, quarter, axis=axis), np.take(parted, -1 - quarter, axis=axis)
    return np.where(low > 0, low, np.where(high < 0, high, 0))
