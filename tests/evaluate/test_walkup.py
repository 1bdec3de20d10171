import cv2
import numpy as np
import pytest

from evaluate.demo.walkup import HEIGHT, WIDTH, Scene, footage, walker_from
from gate.errors import FacegateError


def test_the_same_seed_gives_the_same_footage_and_another_another(models, photos):
    scenes = [Scene(walker_from(photos / "biden.jpg", models.detector), 0.2)]
    one, same, other = (np.stack(list(footage(scenes, seed))) for seed in (1, 1, 2))
    assert one.shape == (5, HEIGHT, WIDTH, 3)
    assert np.array_equal(one, same)
    assert not np.array_equal(one, other)


def test_a_photo_that_shows_nobody_is_one_sentence(models, tmp_path):
    cv2.imwrite(str(tmp_path / "wall.png"), np.full((200, 200, 3), 90, np.uint8))
    with pytest.raises(FacegateError, match="No face is found"):
        walker_from(tmp_path / "wall.png", models.detector)
    with pytest.raises(FacegateError, match="not a picture that can be read"):
        walker_from(tmp_path / "absent.png", models.detector)
