"""A photo on paper that is turned and bent, and one with a nose of its own."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from gate.vision.asked_turn import PRINTED
from gate.vision.paper import OnPaper, on_paper, straight
from models.detector import look_closer
from models.faces import Face, largest
from models.images import Image
from models.pack import Models
from tests.heads import FACE_CM, Pose, Shape, draw, sheet_of

# How far a nose stands out, and how wide it is, centimetres.
OUT, WIDE = 3.0, 2.0


def held(photo: Image, face: Face, pose: Pose, bend: float = 0.0, *, nose: bool = False) -> Image:
    """The photo on a sheet before a grey wall; with a `nose`, the sheet stands out there."""
    picture = np.full((360, 640, 3), 110, np.float32)
    sheet = sheet_of(photo, face.box, Shape(bend))
    if nose:
        x, y, width, height = face.box
        tip = (np.array(face.landmarks[2]) - (x + width / 2, y + height / 2)) * FACE_CM / width
        away = ((sheet.points[:, :2] - tip) ** 2).sum(axis=1)
        sheet = replace(sheet, points=sheet.points + np.outer(OUT * np.exp(-away / (2 * WIDE**2)), (0, 0, 1)))
    draw(picture, sheet, pose)
    noise = np.random.default_rng(3).normal(0, 3, picture.shape)
    return (picture + noise).clip(0, 255).astype(np.uint8)


def found(image: Image, models: Models) -> Face:
    """The only face of a picture."""
    face = largest(models.detector.detect(image))
    assert face is not None
    return look_closer(image, face, models.detector) or face


@pytest.fixture(scope="module")
def photo(photos: Path, models: Models) -> tuple[Image, Face]:
    """A portrait that looks straight ahead, and its face."""
    image = cv2.imread(str(photos / "obama.jpg"))
    assert image is not None
    small = np.asarray(cv2.resize(image, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA), np.uint8)
    return small, found(small, models)


def fitted(photo: tuple[Image, Face], models: Models, turn: float, bend: float = 0.0, *, nose: bool = False) -> OnPaper:
    """The best sheet for one that is turned and bent, by how it looks straight ahead."""
    ahead, now = held(*photo, Pose(), nose=nose), held(*photo, Pose(turn=turn), bend, nose=nose)
    return on_paper(straight(ahead, found(ahead, models).landmarks), now, found(now, models).landmarks)


@pytest.mark.parametrize("turn", [-40, -20, 20, 40])
@pytest.mark.parametrize("bend", [0.0, 1 / 20, 1 / 10])
def test_the_nose_of_bent_paper_lies_in_the_sheet(photo, models: Models, turn: float, bend: float) -> None:
    fit = fitted(photo, models, turn, bend)
    assert fit.nose > PRINTED


@pytest.mark.parametrize("turn", [35, -35])
def test_a_nose_that_stands_out_does_not_lie_where_the_sheet_has_it(photo, models: Models, turn: float) -> None:
    fit = fitted(photo, models, turn, nose=True)
    assert fit.nose < PRINTED


def test_the_sheet_of_the_picture_before_is_where_the_next_fit_may_begin(photo, models: Models) -> None:
    ahead = held(*photo, Pose())
    face = straight(ahead, found(ahead, models).landmarks)
    before = None
    for turn in (10, 20, 30, 40, 50):
        now = held(*photo, Pose(turn=turn), 1 / 10)
        before = on_paper(face, now, found(now, models).landmarks, before)
        assert before.nose > PRINTED


@pytest.mark.parametrize("value", [0, 255])
def test_a_picture_without_anything_in_it_fails_nothing(photo, models: Models, value: int) -> None:
    ahead = held(*photo, Pose())
    landmarks = found(ahead, models).landmarks
    empty = np.full_like(ahead, value)
    fit = on_paper(straight(ahead, landmarks), empty, landmarks)
    assert not fit.nose > PRINTED


def test_landmarks_that_coincide_are_refused(photo) -> None:
    ahead = held(*photo, Pose())
    with pytest.raises(ValueError, match="coincide"):
        straight(ahead, [(5.0, 5.0)] * 5)
