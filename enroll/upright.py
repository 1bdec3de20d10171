"""The faces of a photo, and the photo turned so that the one that is meant is upright.

Photos lie on their side or on their head where a program lost what the camera wrote about it, and heads lean. The
recogniser was taught on upright faces.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np

from gate.vision.plain_face import doubt, doubt_and_lean
from gate.vocabulary import Reason
from models.boxes import overlap
from models.faces import Face
from models.images import Image, shrunk
from models.pack import Models

# A face with less than this share of the largest one's area is someone in the background.
SECOND_FACE_SHARE = 0.25
_DETECT_SIDES = (640, 1280, 2048)
# The detector takes 500 MB for 2048 pixels a side; the api has less for everything.
_PART = 1280
# Of boxes that share more than this two parts saw the same face.
_ONE_FACE = 0.3
# A photo that lies on a side is searched in these turns too.
_QUARTERS = (0, 90, 270, 180)
# A head that leans less than this is as good as upright: it is told to 9 degrees in 95 of 100.
_STRAIGHT = 15.0


@dataclass(frozen=True, slots=True)
class View:
    """A photo ((H, W, 3) uint8 BGR) turned so that its main face is upright, its faces, and what is wrong with the main
    one in every turn, if anything."""

    image: Image
    faces: list[Face]
    doubt: Reason | None


def put_upright(image: Image, models: Models) -> View:
    """A photo in the first turn in which its main face is upright and plain; else as it came, with the doubt."""
    as_it_came = View(image, [], Reason.NO_FACE)
    for degrees in _QUARTERS:
        view = _straightened(_rotated(image, degrees), models)
        if view.doubt is None:
            return view
        if not as_it_came.faces:
            as_it_came = view
    return as_it_came


def _straightened(image: Image, models: Models) -> View:
    faces = find_faces(image, models)
    if not faces:
        return View(image, [], Reason.NO_FACE)
    reason, leans = doubt_and_lean(image, main_face(faces, image), models.detector)
    view = View(image, faces, reason)
    if abs(leans) <= _STRAIGHT:
        return view
    turned = _rotated(image, leans)
    found = find_faces(turned, models)
    if not found:
        return view
    straight = View(turned, found, doubt(turned, main_face(found, turned), models.detector))
    return straight if straight.doubt is None else view


def main_face(faces: list[Face], image: Image) -> Face:
    """Of the faces that are no background the one nearest the middle of the picture."""
    height, width = image.shape[:2]
    most = max(face.area for face in faces)
    near = [face for face in faces if face.area >= SECOND_FACE_SHARE * most]

    def off_middle(face: Face) -> float:
        x, y, wide, high = face.box
        return float(np.hypot(x + wide / 2 - width / 2, y + high / 2 - height / 2))

    return min(near, key=off_middle)


def _rotated(image: Image, degrees: float) -> Image:
    """The whole picture turned counter-clockwise; black where there is none of it."""
    if degrees % 90 == 0:
        return np.ascontiguousarray(np.rot90(image, round(degrees / 90)))
    height, width = image.shape[:2]
    matrix = cv2.getRotationMatrix2D((width / 2, height / 2), degrees, 1)
    across, down = abs(math.cos(math.radians(degrees))), abs(math.sin(math.radians(degrees)))
    size = (round(width * across + height * down), round(width * down + height * across))
    matrix[0, 2] += (size[0] - width) / 2
    matrix[1, 2] += (size[1] - height) / 2
    return np.asarray(cv2.warpAffine(image, matrix, size), np.uint8)


def find_faces(image: Image, models: Models) -> list[Face]:
    """The faces of a photo, in its pixels. A face that fills a large photo is found on a smaller copy, a small one on a
    larger."""
    for side in _DETECT_SIDES:
        small, scale = shrunk(image, side)
        found = _found_in_parts(small, models)
        if found or scale == 1:
            break
    return found if scale == 1 else [face.in_whole(scale) for face in found]


def _found_in_parts(image: Image, models: Models) -> list[Face]:
    """What the detector finds, best first; a large image is given in parts that overlap, each within memory's reach."""
    height, width = image.shape[:2]
    if max(height, width) <= _PART:
        return models.detector.detect(image)
    found: list[Face] = []
    for top in {0, max(0, height - _PART)}:
        for left in {0, max(0, width - _PART)}:
            part = models.detector.detect(image[top : top + _PART, left : left + _PART])
            found += [face.in_whole(1, left, top) for face in part]
    kept: list[Face] = []
    for face in sorted(found, key=lambda face: face.score, reverse=True):
        if all(overlap(face.box, other.box) < _ONE_FACE for other in kept):
            kept.append(face)
    return kept
