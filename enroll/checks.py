"""Whether a photo is good enough to enrol from, and if not, what the person can do about it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from enroll.upright import SECOND_FACE_SHARE, View, main_face, put_upright
from gate.errors import FacegateError, Refusal, Sentence, together
from gate.vision.quality import Bounds, Quality, covered, measure, unfit
from gate.vocabulary import Reason
from models.align import align
from models.detector import look_closer
from models.images import Image
from models.pack import Models

# Stricter than at the gate: a poor template is poor for years.
BOUNDS = Bounds(min_eye_distance=30, max_yaw=0.35, min_sharpness=30, min_light=50, max_light=210)
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


def examine(image: Image, name: str, models: Models, second_face: float = SECOND_FACE_SHARE) -> Portrait:
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
