"""Liveness checks on real photos, and the crops they are fed."""

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.errors import PackError
from models.faces import largest
from models.liveness import cut_padded, cut_shifted, evidence_of
from models.pack import open_liveness

boxes = st.tuples(st.floats(-80, 200), st.floats(-80, 200), st.floats(1, 150), st.floats(1, 150))
scales = st.floats(1, 4)
PICTURE = np.arange(120 * 160 * 3, dtype=np.uint32).reshape(120, 160, 3).astype(np.uint8)


@settings(max_examples=200)
@given(boxes, scales)
def test_a_crop_is_never_empty_and_never_fails(box, scale):
    assert min(cut_shifted(PICTURE, box, scale).shape) >= 1
    padded = cut_padded(PICTURE, box, scale)
    assert padded.shape[0] == padded.shape[1] == max(1, round(max(box[2:]) * scale))


def test_crops_are_cut_where_they_belong():
    inside = cut_shifted(PICTURE, (60, 50, 20, 20), 2.0)
    assert np.array_equal(inside, PICTURE[40:81, 50:91])
    assert np.array_equal(cut_shifted(PICTURE, (0, 0, 20, 20), 2.0), PICTURE[:41, :41])
    padded = cut_padded(PICTURE, (0, 0, 20, 20), 2.0)
    assert not padded[:10].any()
    assert np.array_equal(padded[10:, 10:], PICTURE[:30, :30])


@pytest.fixture
def faces(shared, models):
    def look(name: str):
        image = cv2.imread(str(shared / "pad" / name))
        return image, largest(models.detector.detect(image)).box

    return look


def test_a_live_face_passes_and_two_attacks_do_not(faces, liveness_dir):
    checks = open_liveness(liveness_dir, ("liveness-minifas", "liveness-celeba"))
    assert evidence_of(checks, *faces("image_T1.jpg")) > 5
    for attack in ("image_F1.jpg", "image_F2.jpg"):
        assert evidence_of(checks, *faces(attack)) < -3
        assert all(check.evidence(*faces(attack)) < 0 for check in checks)


def test_a_pack_without_a_check_or_not_installed_is_refused_in_words(liveness_dir, models_dir, tmp_path):
    with pytest.raises(PackError, match="open holds no liveness check; name another in models.liveness"):
        open_liveness(models_dir, ("open",))
    with pytest.raises(PackError, match="not installed. Run: facegate models install liveness-minifas"):
        open_liveness(tmp_path, ("liveness-minifas",))
