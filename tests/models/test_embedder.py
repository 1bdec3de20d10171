import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models import canary
from models.align import align, similarity_transform
from models.embedder import unit_length
from models.errors import PackError
from models.images import shrunk

points = st.lists(st.tuples(st.floats(-500, 500), st.floats(-500, 500)), min_size=5, max_size=5, unique=True)


@given(points, st.floats(0.05, 20), st.floats(-3.1, 3.1), st.floats(-300, 300), st.floats(-300, 300))
def test_the_transform_finds_the_rotation_scale_and_shift_that_were_made(source, scale, angle, dx, dy):
    spread = np.ptp(np.asarray(source), axis=0).max()
    if spread < 1:
        return
    rotation = scale * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    target = np.asarray(source) @ rotation.T + (dx, dy)
    matrix = similarity_transform(np.asarray(source), target)
    assert np.allclose(matrix[:, :2], rotation, atol=1e-6 * scale)
    assert np.allclose(matrix[:, 2], (dx, dy), atol=1e-3)


def test_coinciding_landmarks_are_refused():
    with pytest.raises(ValueError, match="coincide"):
        similarity_transform(np.ones((5, 2)), np.arange(10).reshape(5, 2))


def embed(models, path):
    image, _ = shrunk(cv2.imread(str(path)), 640)
    return models.embedder.embed(align(image, models.detector.detect(image)[0], models.spec)[None])[0]


def test_one_man_is_alike_on_his_photos_and_unlike_another(models, photos):
    obama = [embed(models, photos / name) for name in ("obama.jpg", "obama2.jpg", "obama3.jpg")]
    biden = embed(models, photos / "biden.jpg")
    assert min(float(a @ b) for a in obama for b in obama) > 0.6
    assert max(float(a @ biden) for a in obama) < 0.4


def test_templates_are_unit_length_mirror_blind_and_independent_of_the_batch(models):
    face = canary.drawn_face(112)
    other = np.random.default_rng(0).integers(0, 255, (112, 112, 3), np.uint8)
    one, mirrored, together = (
        models.embedder.embed(batch) for batch in (face[None], face[None, :, ::-1], np.stack([other, face]))
    )
    assert np.linalg.norm(one[0]) == pytest.approx(1, abs=1e-5)
    assert float(one[0] @ mirrored[0]) == pytest.approx(1, abs=1e-5)
    assert float(one[0] @ together[1]) == pytest.approx(1, abs=1e-5)
    assert models.embedder.embed(np.zeros((0, 112, 112, 3), np.uint8)).shape == (0, 192)


def test_what_is_no_direction_becomes_nan():
    rows = unit_length(np.array([[3, 4], [0, 0], [np.inf, 1], [np.nan, 1]], np.float32))
    assert rows[0].tolist() == pytest.approx([0.6, 0.8])
    assert np.isnan(rows[1:]).all()


def test_the_canary_hears_a_runtime_that_computes_wrongly(models, models_dir):
    class Wrong:
        spec = models.spec

        def embed(self, faces):
            return unit_length(models.embedder.embed(faces) + 0.01)

    heard = canary.embedding_as_text(models.embedder)
    canary.check(models.embedder, heard, "open")
    with pytest.raises(PackError, match="computes wrongly"):
        canary.check(Wrong(), heard, "open")
    with pytest.raises(PackError, match="damaged"):
        canary.check(models.embedder, "not base 64!", "open")
