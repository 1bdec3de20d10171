from dataclasses import replace

import cv2
import numpy as np
import pytest

from models.detector import YuNet, look_closer
from models.faces import Face
from models.installed import pack_folder
from models.manifest import DetectorSpec


def numbers(face: Face) -> np.ndarray:
    """As OpenCV's reader gives them: box, landmarks, score."""
    return np.array([*face.box, *np.ravel(face.landmarks), face.score])


@pytest.mark.parametrize("size", [(640, 352), (320, 192), (416, 512)])
def test_it_finds_what_opencvs_own_reader_finds(models_dir, photos, size, tmp_path):
    from models.fetch import Downloads, fetch
    from models.manifest import load_manifest

    (file,) = (f for f in load_manifest("open").file if f.role == "detector")
    fetch(file, tmp_path, Downloads(tmp_path, tmp_path), lambda *_: None)
    reference = cv2.FaceDetectorYN.create(str(tmp_path / file.name), "", size, 0.7, 0.3)
    image = cv2.resize(cv2.imread(str(photos / "obama.jpg")), size)
    _, expected = reference.detect(image)
    ours = YuNet(pack_folder(models_dir, "open") / file.name, DetectorSpec(kind="yunet")).detect(image)
    assert len(ours) == len(expected)
    assert np.abs(np.array([numbers(face) for face in ours]) - expected).max() < 0.01


def test_sides_that_are_no_multiple_of_the_stride_are_fine(models, photos):
    image = cv2.imread(str(photos / "obama.jpg"))
    for size in ((333, 415), (641, 801)):
        (face,) = models.detector.detect(cv2.resize(image, size))
        scale = np.array([910 / size[0], 1137 / size[1]])
        (whole,) = models.detector.detect(cv2.resize(image, (640, 800)))
        expected = whole.box[:2] * np.array([910 / 640, 1137 / 800])
        assert np.abs(face.box[:2] * scale - expected).max() < 25


def test_a_picture_without_a_face_gives_none(models):
    assert models.detector.detect(np.zeros((360, 640, 3), np.uint8)) == []


def test_two_people_are_two_faces_best_first(models, photos):
    left, right = (cv2.resize(cv2.imread(str(photos / name)), (320, 480)) for name in ("obama.jpg", "biden.jpg"))
    faces = models.detector.detect(np.hstack([left, right]))
    assert len(faces) == 2
    assert faces[0].score >= faces[1].score
    assert {face.box[0] > 320 for face in faces} == {True, False}


def test_landmarks_of_a_closer_look_stray_less_with_where_the_face_lies(models, photos):
    image = cv2.resize(cv2.imread(str(photos / "obama.jpg")), (320, 400))
    plain, closer = [], []
    for shift in range(0, 16, 3):
        moved = cv2.copyMakeBorder(image, shift, 16 - shift, shift, 16 - shift, cv2.BORDER_REPLICATE)
        (face,) = models.detector.detect(moved)
        plain.append(np.array(face.landmarks) - shift)
        closer.append(np.array(look_closer(moved, face, models.detector).landmarks) - shift)
    assert np.std(closer, axis=0).mean() < np.std(plain, axis=0).mean()


def test_a_closer_look_follows_a_face_that_moved_and_finds_none_that_is_gone(models, photos):
    image = cv2.resize(cv2.imread(str(photos / "obama.jpg")), (320, 400))
    (face,) = models.detector.detect(image)
    x, y, width, height = face.box
    found = look_closer(image, replace(face, box=(x + 0.2 * width, y, width, height)), models.detector)
    assert np.abs(np.array(found.box) - face.box).max() < 0.1 * width
    for box in ((0.0, 0.0, 30.0, 30.0), (-500.0, -500.0, 40.0, 40.0), (x, y, 0.0, 0.0)):
        assert look_closer(image, replace(face, box=box), models.detector) is None
