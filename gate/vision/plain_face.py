"""Whether a face is upright, and a plain picture of one: what the models were made for. Pure but for the detector.

A face that is turned, or a negative, does not score low: it scores anywhere, and strangers shown so resemble one
another. Landmarks do not tell (on a face turned by 30 degrees YuNet lays them level), but the detector's own score
does: nothing that is done to a plain face makes a better one of it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import cv2
import numpy as np

from gate.vision.quality import roll
from gate.vocabulary import Reason
from models.boxes import Box, overlap
from models.detector import GROWN, SAME_FACE, Detector
from models.faces import Face
from models.images import Image

# On pictures of a face and half of it again to every side. The small one answers nearly always; a grey face is at times
# seen on the larger one alone.
_SIDES = (64, 96)
_TURNS = (45, 90, 135, 180, 225, 270, 315)
# Of 160 people of LFW turned by 10 degrees or less none scored so much higher in another direction, turned by 45 and
# more all did.
_BETTER = 0.01
# A detector that is too slow to be asked again has landmarks that follow the face.
_MOST_ROLL = 25.0
# How far a face leans is told from more directions: to 3 degrees at the median, 10 in 95 of 100.
_LEAN_STEP = 15
# Of 119 faces turned by 30 degrees 112 are doubted, of 118 turned by 40 all.
_LEAST_DOUBTED = 45
# Of 5,294 faces that are not doubted, turned by 40 degrees or less, 2,028 lean by more than 15; on the small picture
# one of them by less than this. Of the upright ones 93 in 100 need no other.
_SURELY_UPRIGHT = 10.0
# Directions that score nearly as well as the best one lie about evenly on both sides of the truth.
_NEARLY = 0.06


@dataclass(frozen=True, slots=True)
class _Around:
    """What surrounds a face, shrunk to what a picture of `side` pixels needs; the face's middle in it, and the factor
    by which it is to be enlarged."""

    picture: Image
    middle: tuple[float, float]
    enlarge: float
    side: int

    @classmethod
    def of(cls, image: Image, box: Box, side: int) -> _Around:
        """From an image (H, W, 3) uint8 BGR. The corners of a turned picture show what is there."""
        x, y, width, height = box
        across, down = x + width / 2, y + height / 2
        scale = side / (GROWN * max(width, height))
        reach = side / scale / math.sqrt(2)
        left, top = max(0, int(across - reach)), max(0, int(down - reach))
        cut = image[top : max(top + 1, int(down + reach)), left : max(left + 1, int(across + reach))]
        shrink = min(1.0, scale)
        if shrink < 1:
            size = (max(1, round(cut.shape[1] * shrink)), max(1, round(cut.shape[0] * shrink)))
            cut = np.asarray(cv2.resize(cut, size, interpolation=cv2.INTER_AREA), np.uint8)
        return cls(cut, ((across - left) * shrink, (down - top) * shrink), scale / shrink, side)

    def turned(self, degrees: float) -> Image:
        """The face, (side, side, 3), turned counter-clockwise."""
        matrix = cv2.getRotationMatrix2D(self.middle, degrees, self.enlarge)
        matrix[0, 2] += self.side / 2 - self.middle[0]
        matrix[1, 2] += self.side / 2 - self.middle[1]
        return np.asarray(cv2.warpAffine(self.picture, matrix, (self.side, self.side)), np.uint8)


@dataclass(frozen=True, slots=True)
class _Turns:
    """A face in an image, and what the detector scores it turned one way or another; each is asked once."""

    image: Image
    face: Face
    detector: Detector
    arounds: dict[int, _Around] = field(default_factory=dict)
    scores: dict[tuple[int, int], float] = field(default_factory=dict)

    def around(self, side: int) -> _Around:
        """The face and its surroundings for pictures of `side` pixels."""
        if side not in self.arounds:
            self.arounds[side] = _Around.of(self.image, self.face.box, side)
        return self.arounds[side]

    def score(self, side: int, degrees: int) -> float:
        """The score of a picture of `side` pixels, turned counter-clockwise."""
        asked = (side, degrees % 360)
        if asked not in self.scores:
            self.scores[asked] = _score(self.around(side).turned(degrees), self.detector)
        return self.scores[asked]


def doubt(image: Image, face: Face, detector: Detector) -> Reason | None:
    """Why a face in an image (H, W, 3) uint8 BGR is none to judge by: not upright, no plain picture, not to be seen
    whole; None where it is both upright and plain."""
    return _doubt(_Turns(image, face, detector))


def doubt_and_lean(image: Image, face: Face, detector: Detector) -> tuple[Reason | None, float]:
    """The doubt, and how far the face leans clockwise, degrees in (-180, 180]; 0 where nothing tells.

    One that is not doubted and as good as upright on the small picture is not looked at again for its lean.
    """
    turns = _Turns(image, face, detector)
    reason = _doubt(turns)
    if not detector.cutouts:
        return reason, roll(face)
    if reason is not None or _nearly_elsewhere(turns):
        return reason, _lean(turns, _SIDES, 180)
    leans = _lean(turns, _SIDES[:1], _LEAST_DOUBTED)
    if turns.score(_SIDES[0], 0) > 0 and abs(leans) <= _SURELY_UPRIGHT:
        return None, leans
    return None, _lean(turns, _SIDES, _LEAST_DOUBTED)


def _nearly_elsewhere(turns: _Turns) -> bool:
    """Whether a face that is not doubted is one nearly as well on a side or its head, as a beard upside down may be."""
    side = next((one for one in _SIDES if turns.score(one, 0) > 0), _SIDES[-1])
    far = (at for at in _TURNS if _LEAST_DOUBTED < at < 360 - _LEAST_DOUBTED)
    return max(turns.score(side, at) for at in far) > turns.score(side, 0) - _NEARLY


def _doubt(turns: _Turns) -> Reason | None:
    if not turns.detector.cutouts:
        return _doubt_by_landmarks(turns)
    reason: Reason | None = None
    for side in _SIDES:
        reason = _doubt_at(turns, side)
        if reason is None:
            return None
    return reason


def _doubt_by_landmarks(turns: _Turns) -> Reason | None:
    side = _SIDES[-1]
    # Level eyes may be those of a face that stands on its head.
    upright = abs(roll(turns.face)) <= _MOST_ROLL and turns.score(side, 0) > turns.score(side, 180)
    return None if upright else Reason.NOT_UPRIGHT


def _doubt_at(turns: _Turns, side: int) -> Reason | None:
    upright = turns.around(side).turned(0)
    score, inverted = turns.score(side, 0), _score(255 - upright, turns.detector)
    turned = max(turns.score(side, degrees) for degrees in _TURNS)
    if score > 0 and max(turned, inverted) <= score + _BETTER:
        return None
    if max(turned, inverted) <= score:
        return Reason.COVERED
    return Reason.NOT_UPRIGHT if turned > inverted else Reason.NOT_PLAIN


def _lean(turns: _Turns, sides: tuple[int, ...], within: int) -> float:
    """By pictures of these sizes, looked for `within` so many degrees of upright; 0 where none shows the face."""
    directions = range(-within, min(within + 1, 180), _LEAN_STEP)
    scores = np.array([sum(turns.score(side, at) for side in sides) for at in directions])
    counts = np.clip(scores / len(sides) - (scores.max() / len(sides) - _NEARLY), 0, None)
    if not scores.max() > 0:
        return 0.0
    return float(np.degrees(np.angle(counts @ np.exp(1j * np.radians(directions)))))


def _score(picture: Image, detector: Detector) -> float:
    """The detector's score of the face in the middle of a square picture; 0 where it sees none."""
    side = picture.shape[0]
    wide = side / GROWN
    middle = ((side - wide) / 2, (side - wide) / 2, wide, wide)
    found = detector.detect(np.ascontiguousarray(picture))
    return max((face.score for face in found if overlap(face.box, middle) >= SAME_FACE), default=0.0)
