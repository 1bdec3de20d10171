"""Whether a photo is good enough to enrol from, and if not, what the person can do about it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from gate.errors import FacegateError, Refusal, Sentence, together
from gate.vision.plain_face import doubt, doubt_and_lean
from gate.vision.quality import Bounds, Quality, covered, measure, unfit
from gate.vocabulary import Reason
from models.align import align
from models.boxes import overlap
from models.detector import look_closer
from models.faces import Face
from models.images import Image, shrunk
from models.pack import Models

# Stricter than at the gate: a poor template is poor for years.
BOUNDS = Bounds(min_eye_distance=30, max_yaw=0.35, min_sharpness=30, min_light=50, max_light=210)
# A face with less than this share of the largest one's area is someone in the background.
_SECOND_FACE_SHARE = 0.25
_DETECT_SIDES = (640, 1280, 2048)
# The detector takes 500 MB for 2048 pixels a side; the api has less for everything.
_PART = 1280
# Of boxes that share more than this two parts saw the same face.
_ONE_FACE = 0.3
# A photo that lies on a side is searched in these turns too.
_QUARTERS = (0, 90, 270, 180)
# A head that leans less than this is as good as upright: it is told to 9 degrees in 95 of 100.
_STRAIGHT = 15.0

ADVICE: dict[Reason, Sentence] = {
    Reason.NO_FACE: Sentence(
        "{photo} shows no face that can be found; give a photo in which the face is large, upright and looks at the"
        " camera."
    ),
    Reason.SEVERAL_FACES: Sentence("{photo} shows several faces; give a photo of one person alone."),
    Reason.TOO_FAR: Sentence(
        "{photo} shows too small a face ({pixels} pixels between the eyes, 30 needed); come closer, or cut the face out"
        " of the original photo."
    ),
    Reason.TURNED_AWAY: Sentence("{photo} shows a face turned to the side; look straight at the camera."),
    Reason.NOT_UPRIGHT: Sentence(
        "{photo} shows a face that is not upright; turn the photo until it is, or hold the head straight."
    ),
    Reason.NOT_PLAIN: Sentence(
        "{photo} shows a face that is cut off or stretched, or a negative; give the whole photo as the camera took it."
    ),
    # A face that fills its picture to the edges is seen as little as one under a mask.
    Reason.COVERED: Sentence(
        "{photo} shows a face that is partly covered or cut off; take off sunglasses or mask, or give the whole photo"
        " as the camera took it."
    ),
    Reason.TOO_DARK: Sentence("{photo} is too dark on the face; turn towards the light."),
    Reason.TOO_BRIGHT: Sentence("{photo} is too bright on the face; step out of the glare."),
    Reason.BLURRED: Sentence("{photo} is blurred; hold still, wipe the lens, or give the original file."),
}


class PhotoRefused(Refusal):
    """A photo is not good enough; `reason` is out of the closed list, the message says what to do."""

    def __init__(self, name: str, reason: Reason, quality: Quality | None = None) -> None:
        pixels = round(quality.eye_distance) if quality else 0
        super().__init__(ADVICE[reason], photo=name, pixels=pixels)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A photo that was not taken: what it is called, why, and the reason; None where the file is no photo."""

    photo: str
    why: Sentence
    reason: Reason | None = None

    @classmethod
    def of(cls, photo: str, error: FacegateError) -> LeftOut:
        """From what was raised for it."""
        return cls(photo, error.sentence, error.reason if isinstance(error, PhotoRefused) else None)


class PhotosRefused(Refusal):
    """None of several photos will do; the message says of each why, `reason` is the first one's."""

    def __init__(self, left_out: Sequence[LeftOut]) -> None:
        told = together([one.why for one in left_out])
        super().__init__(told.pattern, **told.values)
        self.reason = left_out[0].reason


@dataclass(frozen=True, slots=True)
class Portrait:
    """The one face of a good photo: aligned ((size, size, 3) uint8 BGR), and how good it is."""

    aligned: Image
    quality: Quality


@dataclass(frozen=True, slots=True)
class View:
    """A photo ((H, W, 3) uint8 BGR) turned so that its main face is upright, its faces, and what is wrong with the main
    one in every turn, if anything."""

    image: Image
    faces: list[Face]
    doubt: Reason | None


def examine(image: Image, name: str, models: Models, second_face: float = _SECOND_FACE_SHARE) -> Portrait:
    """The portrait in a photo ((H, W, 3) uint8 BGR) called `name`, put upright where need be. Raises PhotoRefused.

    A face with less than the share `second_face` of the largest one's area is in the background.
    """
    view = put_upright(image, models)
    if not view.faces:
        raise PhotoRefused(name, Reason.NO_FACE)
    areas = sorted((face.area for face in view.faces), reverse=True)
    if len(areas) > 1 and areas[1] >= second_face * areas[0]:
        raise PhotoRefused(name, Reason.SEVERAL_FACES)
    portrait = portrait_of(view, name, models)
    if covered(portrait.aligned):
        raise PhotoRefused(name, Reason.COVERED, portrait.quality)
    return portrait


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


def portrait_of(view: View, name: str, models: Models, bounds: Bounds | None = BOUNDS) -> Portrait:
    """The portrait of a photo's main face; where there are `bounds`, good enough by them and plain.

    Raises PhotoRefused.
    """
    face = main_face(view.faces, view.image)
    face = look_closer(view.image, face, models.detector) or face
    try:
        aligned = align(view.image, face, models.spec)
    except ValueError as error:
        raise PhotoRefused(name, Reason.NO_FACE) from error
    quality = measure(face, aligned)
    reason = (unfit(quality, bounds) or view.doubt) if bounds is not None else None
    if reason is not None:
        raise PhotoRefused(name, reason, quality)
    return Portrait(aligned, quality)


def main_face(faces: list[Face], image: Image) -> Face:
    """Of the faces that are no background the one nearest the middle of the picture."""
    height, width = image.shape[:2]
    most = max(face.area for face in faces)
    near = [face for face in faces if face.area >= _SECOND_FACE_SHARE * most]

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
