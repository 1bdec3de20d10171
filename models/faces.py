"""A face in a picture, as every detector gives it. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain

import numpy as np

from models.boxes import Box

Landmarks = tuple[tuple[float, float], ...]
"""Five points (x, y): right eye, left eye, nose, right and left corner of the mouth; the person's right."""


@dataclass(frozen=True, slots=True)
class Face:
    """A face as a detector found it, in pixels of the picture it was found in.

    `score` is the detector's, 0 to 1. The numbers are those of a model that computes in float32, and what is made of
    them here is computed in float32 too.
    """

    box: Box
    landmarks: Landmarks
    score: float

    @classmethod
    def of(cls, numbers: Sequence[float]) -> Face:
        """From 15 numbers: box, five landmarks, score."""
        points = tuple((numbers[i], numbers[i + 1]) for i in range(4, 14, 2))
        return cls((numbers[0], numbers[1], numbers[2], numbers[3]), points, numbers[14])

    @property
    def area(self) -> float:
        """That of the box, square pixels."""
        return self.box[2] * self.box[3]

    def in_whole(self, scale: float, left: int = 0, top: int = 0) -> Face:
        """The same face in the whole picture, where it was found on a copy of the part whose upper left corner is
        (`left`, `top`), made `scale` times as large."""
        numbers = np.array(self._numbers(), np.float32)
        numbers[:14] /= scale
        numbers[[0, *range(4, 14, 2)]] += left
        numbers[[1, *range(5, 14, 2)]] += top
        return Face.of(numbers.tolist())

    def _numbers(self) -> tuple[float, ...]:
        return (*self.box, *chain.from_iterable(self.landmarks), self.score)


def largest(faces: Sequence[Face]) -> Face | None:
    """The face with the largest box, the nearest one as a rule; None where there are no faces."""
    return max(faces, key=lambda face: face.area, default=None)


def mean(faces: Sequence[Face]) -> Face:
    """One face from several findings of it, at least one: the mean of boxes, landmarks and scores."""
    return Face.of(np.mean(np.array([face._numbers() for face in faces], np.float32), axis=0).tolist())
