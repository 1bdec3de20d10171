import sqlite3

import cv2
import numpy as np
import pytest

from enroll.checks import PhotoRefused
from enroll.duplicates import Likeness, LooksLikeAnother
from gate.errors import Refusal, UsageError
from gate.store.people import residents, templates
from gate.store.record import audit
from gate.vision.gallery import Gallery
from gate.vocabulary import Reason
from tests.changed import in_sunglasses, masked, turned
from tests.enrolling import enrol_photos


@pytest.fixture
def spoilt(photos, tmp_path):
    """Writes a spoilt copy of a good photo."""

    def write(spoil):
        cv2.imwrite(str(tmp_path / "spoilt.png"), spoil(cv2.imread(str(photos / "obama.jpg"))))
        return tmp_path / "spoilt.png"

    return write


def test_three_photos_are_three_templates_that_find_their_owner(store, models, photos):
    names = ["obama.jpg", "obama2.jpg", "obama3.jpg"]
    enrolled = enrol_photos(store, models, "Barack Obama", [photos / name for name in names], "1-101")
    assert (enrolled.resident.templates, enrolled.resident.unit, enrolled.lookalikes) == (3, "1-101", ())
    kept = templates.of(store, enrolled.resident.id)
    assert [template.source for template in kept] == [f"photo {name}" for name in names]
    assert all(template.model == models.model_id for template in kept)
    assert set(kept[0].quality) == {"eye_distance", "yaw", "aspect", "sharpness", "light"}
    rows = templates.vectors(store, models.model_id)
    assert len(Gallery(rows, models.spec.dimension)) == 1


@pytest.mark.parametrize(
    ("spoil", "reason", "advice"),
    [
        (lambda image: np.full_like(image, 128), Reason.NO_FACE, "no face"),
        (lambda image: np.hstack([image, image]), Reason.SEVERAL_FACES, "one person alone"),
        (lambda image: cv2.resize(image, (91, 114)), Reason.TOO_FAR, "come closer"),
        (lambda image: cv2.GaussianBlur(image, (0, 0), 14), Reason.BLURRED, "blurred"),
        (lambda image: (image * 0.22).astype(np.uint8), Reason.TOO_DARK, "turn towards the light"),
        (lambda image: (255 - (255 - image) * 0.22).astype(np.uint8), Reason.TOO_BRIGHT, "glare"),
        (lambda image: 255 - image, Reason.NOT_PLAIN, "negative"),
        (lambda image: cv2.resize(image, None, fx=2, fy=1), Reason.NOT_PLAIN, "stretched"),
        (lambda image: cv2.resize(image, None, fx=1, fy=2.2), Reason.NOT_PLAIN, "stretched"),
        (lambda image: turned(cv2.resize(image, (91, 114)), 90), Reason.TOO_FAR, "cut the face out"),
    ],
)
def test_a_poor_photo_is_refused_with_the_reason_and_what_to_do(store, models, spoilt, spoil, reason, advice):
    with pytest.raises(PhotoRefused, match=advice) as refused:
        enrol_photos(store, models, "Barack Obama", [spoilt(spoil)])
    assert refused.value.reason is reason
    assert residents.every(store) == []
    assert audit.anchor(store) is None


@pytest.mark.parametrize("degrees", [20, -30, 45, 60, 90, 135, 180, 270])
def test_a_turned_photo_is_put_upright(store, models, photos, spoilt, degrees):
    enrol_photos(store, models, "A", [photos / "obama.jpg"])
    enrol_photos(store, models, "A", [spoilt(lambda image: turned(image, degrees))])
    one, other = (np.frombuffer(row[2], "<f4") for row in templates.vectors(store, models.model_id))
    assert float(one @ other) > 0.9


@pytest.mark.parametrize("cover", [in_sunglasses, masked])
def test_a_covered_face_is_refused(store, models, spoilt, cover):
    def spoil(image):
        return cover(image, models.detector.detect(image)[0])

    with pytest.raises(PhotoRefused, match="take off sunglasses or mask, or give the whole photo") as refused:
        enrol_photos(store, models, "A", [spoilt(spoil)])
    assert refused.value.reason is Reason.COVERED


def test_a_small_face_in_a_wide_photo_hears_what_would_help(store, models, spoilt):
    wide = spoilt(
        lambda image: cv2.copyMakeBorder(cv2.resize(image, (64, 80)), 900, 900, 900, 900, cv2.BORDER_CONSTANT)
    )
    with pytest.raises(PhotoRefused, match="cut the face out of the original photo") as refused:
        enrol_photos(store, models, "A", [wide])
    assert refused.value.reason is Reason.TOO_FAR


def test_a_turned_face_is_refused(shared, store, models, tmp_path):
    import av

    with av.open(str(shared / "media" / "short_hamilton_clip.mp4")) as container:
        frame = next(f for n, f in enumerate(container.decode(video=0)) if n == 30)
    cv2.imwrite(str(tmp_path / "turned.png"), frame.to_ndarray(format="bgr24")[:, 250:])
    with pytest.raises(PhotoRefused, match="look straight") as refused:
        enrol_photos(store, models, "Somebody", [tmp_path / "turned.png"])
    assert refused.value.reason is Reason.TURNED_AWAY


def test_of_several_photos_the_good_ones_are_taken_and_each_poor_one_named(store, models, photos, spoilt, tmp_path):
    (tmp_path / "torn.jpg").write_bytes((photos / "obama2.jpg").read_bytes()[:20_000])
    given = [spoilt(lambda image: image * 0), photos / "obama.jpg", tmp_path / "torn.jpg", photos / "obama3.jpg"]
    enrolled = enrol_photos(store, models, "A", given)
    assert enrolled.resident.templates == 2
    assert [(one.photo, one.reason) for one in enrolled.left_out] == [
        ("spoilt.png", Reason.NO_FACE),
        ("torn.jpg", None),
    ]
    assert "spoilt.png shows no face" in enrolled.left_out[0].why
    assert "torn.jpg is damaged" in enrolled.left_out[1].why


def test_where_no_photo_will_do_each_is_named_and_nothing_is_kept(store, models, photos, spoilt, tmp_path):
    (tmp_path / "torn.jpg").write_bytes((photos / "obama2.jpg").read_bytes()[:20_000])
    given = [spoilt(lambda image: image * 0), tmp_path / "torn.jpg"]
    with pytest.raises(Refusal, match=r"spoilt.png shows no face.*torn.jpg is damaged"):
        enrol_photos(store, models, "A", given)
    assert residents.every(store) == []
    assert audit.anchor(store) is None


def test_photos_of_different_people_are_refused(store, models, photos):
    with pytest.raises(Refusal, match=r"obama.jpg and biden.jpg show different people"):
        enrol_photos(store, models, "A", [photos / "obama.jpg", photos / "biden.jpg"])


def test_of_several_photos_the_one_of_another_person_is_named(store, models, photos):
    given = [photos / name for name in ("obama.jpg", "biden.jpg", "obama2.jpg")]
    with pytest.raises(Refusal, match=r"biden.jpg shows another person than the other photos; leave it out"):
        enrol_photos(store, models, "A", given)
    assert residents.every(store) == []


def test_a_face_enrolled_under_another_name_stops_before_anything_is_kept(store, models, photos):
    first = enrol_photos(store, models, "Barack Obama", [photos / "obama.jpg"], "1-101").resident
    with pytest.raises(LooksLikeAnother, match=r"This is the face of Barack Obama, 1-101\.") as refused:
        enrol_photos(store, models, "Somebody Else", [photos / "obama2.jpg"])
    assert [(one.resident.id, one.likeness) for one in refused.value.lookalikes] == [(first.id, Likeness.SAME)]
    assert residents.every(store) == [first]
    assert enrol_photos(store, models, "Joe Biden", [photos / "biden.jpg"]).lookalikes == ()
    again = enrol_photos(store, models, "Somebody Else", [photos / "obama2.jpg"], another_than=frozenset({first.id}))
    assert [one.resident.name for one in again.lookalikes] == ["Barack Obama"]


def test_the_same_person_gets_more_templates_and_a_namesake_needs_a_unit(store, models, photos):
    first = enrol_photos(store, models, "Barack Obama", [photos / "obama.jpg"]).resident
    more = enrol_photos(store, models, "Barack Obama", [photos / "obama2.jpg"], "1-101")
    assert (more.resident.id, more.resident.templates, more.resident.unit) == (first.id, 2, "1-101")
    assert more.lookalikes == ()
    with pytest.raises(Refusal, match="does not look like the Barack Obama"):
        enrol_photos(store, models, "Barack Obama", [photos / "biden.jpg"])
    namesake = enrol_photos(store, models, "Barack Obama", [photos / "biden.jpg"], "2-202").resident
    assert namesake.id != first.id
    with pytest.raises(Refusal, match="give their home"):
        enrol_photos(store, models, "Barack Obama", [photos / "biden.jpg"])


@pytest.mark.parametrize(
    "name", ["", "   ", "a" * 101, "tab\there", "line\nbreak", "right\u202eleft", "nul\0", "\u200b"]
)
def test_a_name_that_is_none_is_refused(store: sqlite3.Connection, models, photos, name):
    with pytest.raises(UsageError, match="name"):
        enrol_photos(store, models, name, [photos / "obama.jpg"])


def test_one_to_eight_photos(store, models, photos):
    with pytest.raises(UsageError, match="between 1 and 8"):
        enrol_photos(store, models, "A", [])
    with pytest.raises(UsageError, match="between 1 and 8"):
        enrol_photos(store, models, "A", [photos / "obama.jpg"] * 9)
