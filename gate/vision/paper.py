"""How a face that turns would look if it were printed on paper, however bent, and whether its nose fits that. Pure.

A landmark model sees heads everywhere: on paper bent round a bottle it puts the nose where that of a head would be. So
the pixels are asked. The face without its nose is laid over how it looked straight ahead by a smooth warp, as a sheet
can be bent; a printed nose then lies where it lay, and one that stands out before the face does not.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import ArrayLike, NDArray

from models.align import similarity_transform
from models.images import Image

Numbers = NDArray[np.float32]

# A face that looks straight ahead is laid upright into a grey patch, its eyes so far apart at this height, pixels.
_SIDE, _EYES, _EYES_AT = 96, 36.0, 34.0
# How it looks now is cut out larger, since it may lean out of that.
_WIDE, _WIDE_MIDDLE = 144, 72.0
_WITHOUT_NOSE = np.array([0, 1, 3, 4])
# Ellipse around the nose's tip that tells nothing of the sheet: half axes, and by how much its middle lies above.
_NOSE, _NOSE_ABOVE = (15, 20), 6.0
# The nose itself, from its tip: to the sides, above and below; and by how much a fit may be wrong.
_TIP, _STRAY = (11, 14, 8), 2
# From coarse to fine, as blur in pixels and steps.
_ROUNDS = ((3.0, 5), (1.6, 4), (0.8, 4))
# How little each term of the warp is believed in: 1, x, y, xx, xy, yy, xxx, xxy.
_STIFF = np.array([0, 0, 0, 1, 1, 3, 1, 1.5]) * 2e-4
# Light is evened out over so many pixels.
_EVEN, _LEAST_VARIANCE = 9.0, 9.0
_EVERY = 3


@dataclass(frozen=True, slots=True)
class Straight:
    """How a face looks straight ahead: a grey patch (96, 96), its landmarks there (5, 2), and how sharp it is."""

    patch: Numbers
    landmarks: NDArray[np.float64]
    sharpness: float


@dataclass(frozen=True, slots=True)
class OnPaper:
    """The sheet that fits a picture best.

    `nose` is how well the nose is found where that sheet has it: a correlation, at most 1. `warp` (8, 2) is the sheet,
    where the next picture's fit may begin.
    """

    nose: float
    warp: NDArray[np.float64]


def straight(image: Image, landmarks: ArrayLike) -> Straight:
    """From an image (H, W, 3) uint8 BGR and landmarks (5, 2). Raises ValueError when they coincide."""
    points = np.asarray(landmarks, np.float64)
    matrix = similarity_transform(points[:2], np.array([[-0.5, 0], [0.5, 0]]) * _EYES + (_SIDE / 2, _EYES_AT))
    patch = _cut(image, matrix, _SIDE)
    fine = cv2.Laplacian(cv2.GaussianBlur(patch, (0, 0), 1), cv2.CV_32F)
    return Straight(patch, points @ matrix[:, :2].T + matrix[:, 2], float(fine.std()))


def on_paper(face: Straight, image: Image, landmarks: ArrayLike, before: OnPaper | None = None) -> OnPaper:
    """The best sheet for how the face looks now in an image (H, W, 3) uint8 BGR, with landmarks (5, 2).

    `before` is what was found of the picture before. Raises ValueError when the landmarks coincide.
    """
    now, points = _upright(face, image, np.asarray(landmarks, np.float64))
    terms = _terms(*np.mgrid[0:_SIDE, 0:_SIDE][::-1].reshape(2, -1))
    begins = [_flat(face.landmarks, points), *([] if before is None else [before.warp])]
    warp = min((_fitted(face, now, terms, begin) for begin in begins), key=lambda found: found[1])[0]
    places = (terms @ warp).astype(np.float32).reshape(_SIDE, _SIDE, 2)
    unbent = cv2.remap(now, places[..., 0], places[..., 1], cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    then, seen = (_evened(one, _ROUNDS[-1][0]) for one in (face.patch, np.asarray(unbent, np.float32)))
    return OnPaper(_nose(then, seen, face.landmarks[2]), warp)


def _cut(image: Image, matrix: NDArray[np.float64], side: int) -> Numbers:
    shrink = float(np.hypot(*matrix[:, 0]))
    blur = 0.4 / shrink if shrink < 1 else 0.0
    part, corner = _part(image, matrix, side, round(4 * blur) + 3)
    moved = matrix.copy()
    moved[:, 2] += matrix[:, :2] @ corner
    grey = np.asarray(cv2.cvtColor(part, cv2.COLOR_BGR2GRAY), np.float32)
    if blur:
        grey = np.asarray(cv2.GaussianBlur(grey, (0, 0), blur), np.float32)
    return np.asarray(
        cv2.warpAffine(grey, moved, (side, side), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE), np.float32
    )


def _part(image: Image, matrix: NDArray[np.float64], side: int, spare: int) -> tuple[Image, NDArray[np.float64]]:
    """What of the picture a patch is made of, and so many pixels around it; and its upper left corner."""
    back = cv2.invertAffineTransform(matrix)
    corners = np.array([(0, 0), (side, 0), (0, side), (side, side)]) @ back[:, :2].T + back[:, 2]
    most = np.array(image.shape[1::-1])
    first = np.clip(np.floor(corners.min(axis=0)) - spare, 0, most - 1).astype(int)
    last = np.clip(np.ceil(corners.max(axis=0)) + spare, first + 1, most).astype(int)
    return image[first[1] : last[1], first[0] : last[0]], first.astype(np.float64)


def _upright(face: Straight, image: Image, points: NDArray[np.float64]) -> tuple[Numbers, NDArray[np.float64]]:
    """The face cut out upright and as high as the patch has it, whatever its width; and its landmarks there."""
    eyes, across = points[:2].mean(axis=0), points[1] - points[0]
    high = float(np.hypot(*(points[3:].mean(axis=0) - eyes)))
    if not high > 0:
        raise ValueError("the landmarks coincide")
    scale = float(np.hypot(*(face.landmarks[3:].mean(axis=0) - face.landmarks[:2].mean(axis=0)))) / high
    lean = np.arctan2(across[1], across[0])
    turn = scale * np.array([[np.cos(lean), np.sin(lean)], [-np.sin(lean), np.cos(lean)]])
    matrix = np.column_stack([turn, _WIDE_MIDDLE - turn @ points.mean(axis=0)])
    return _cut(image, matrix, _WIDE), points @ turn.T + matrix[:, 2]


def _terms(x: NDArray[np.float64], y: NDArray[np.float64]) -> NDArray[np.float64]:
    across, down = (x - _SIDE / 2) / _EYES, (y - _SIDE / 2) / _EYES
    return np.stack([np.ones_like(across), across, down, across**2, across * down, down**2,
                     across**3, across**2 * down], axis=-1)  # fmt: skip


def _flat(then: NDArray[np.float64], now: NDArray[np.float64]) -> NDArray[np.float64]:
    """The warp (8, 2) of a flat sheet, by eyes and mouth."""
    terms = _terms(*then[_WITHOUT_NOSE].T)[:, :3]
    warp = np.zeros((len(_STIFF), 2))
    warp[:3] = np.linalg.lstsq(terms, now[_WITHOUT_NOSE], rcond=None)[0]
    return warp


def _fitted(face: Straight, now: Numbers, terms: NDArray[np.float64], warp: NDArray[np.float64]
            ) -> tuple[NDArray[np.float64], float]:  # fmt: skip
    """The warp that lays the picture best over the patch, by Gauss and Newton; and what it leaves, as a median."""
    chosen = np.flatnonzero(_around_nose(face.landmarks))[::_EVERY]
    terms, left = terms[chosen], np.inf
    stiff = np.tile(_STIFF, 2) * len(chosen)
    for blur, steps in _ROUNDS:
        then, seen = _evened(face.patch, blur), _evened(now, blur)
        layers = (seen, cv2.Sobel(seen, cv2.CV_32F, 1, 0, scale=1 / 8), cv2.Sobel(seen, cv2.CV_32F, 0, 1, scale=1 / 8))
        for _ in range(steps):
            places = (terms @ warp).astype(np.float32)
            value, right, down = (
                cv2.remap(one, places[:, 0], places[:, 1], cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE).ravel()
                for one in layers
            )
            off = then.ravel()[chosen] - value
            left = float(np.median(np.abs(off)))
            # What is hidden, or shines, must not bend the sheet.
            trust = 1 / (1 + (off / (2.2 * left + 0.15)) ** 2)
            rises = np.hstack([right[:, None] * terms, down[:, None] * terms])
            trusted = (rises * trust[:, None]).T
            bends = trusted @ rises + np.diag(stiff + 1e-3)
            step = np.linalg.solve(bends, trusted @ off - stiff * warp.T.ravel())
            warp = warp + step.reshape(2, -1).T
    return warp, left


def _around_nose(landmarks: NDArray[np.float64]) -> NDArray[np.bool_]:
    """The part of the patch (96, 96) that shows the face without its nose."""
    mask = np.zeros((_SIDE, _SIDE), np.uint8)
    mask[14 : int(min(_SIDE - 4, landmarks[3:, 1].mean() + 12)), 10 : _SIDE - 10] = 1
    across, down = landmarks[2]
    cv2.ellipse(mask, (round(across), round(down - _NOSE_ABOVE)), _NOSE, 0, 0, 360, 0, -1)
    return mask > 0


def _nose(then: Numbers, seen: Numbers, tip: NDArray[np.float64]) -> float:
    """How well the nose is found where it was, or next to it."""
    beside, above, below = _TIP
    across = int(np.clip(round(float(tip[0])), beside + _STRAY, _SIDE - beside - _STRAY - 1))
    down = int(np.clip(round(float(tip[1])), above + _STRAY, _SIDE - below - _STRAY))
    nose = then[down - above : down + below, across - beside : across + beside + 1]
    around = seen[
        down - above - _STRAY : down + below + _STRAY, across - beside - _STRAY : across + beside + _STRAY + 1
    ]
    return float(cv2.matchTemplate(around, nose, cv2.TM_CCOEFF_NORMED).max())


def _evened(grey: Numbers, blur: float) -> Numbers:
    """Blurred, and without the light: less the mean around each pixel, over the deviation there."""
    grey = np.asarray(cv2.GaussianBlur(grey, (0, 0), blur), np.float32)
    level = cv2.GaussianBlur(grey, (0, 0), _EVEN)
    spread = cv2.GaussianBlur((grey - level) ** 2, (0, 0), _EVEN)
    return np.asarray((grey - level) / np.sqrt(spread + _LEAST_VARIANCE), np.float32)
