"""Hostile pictures: each gets a picture or one sentence; the slow ones are in tests/soak/test_hostile_photos.py."""

import pytest
from PIL import Image

from tests.faults.pictures import honest, quick, said_of


@pytest.fixture(scope="module")
def whole(photos, tmp_path_factory):
    with Image.open(photos / "obama2.jpg") as opened:
        return honest(tmp_path_factory.mktemp("honest"), opened.convert("RGB").resize((105, 200)))


def test_hostile_pictures_get_a_picture_or_one_sentence(whole):
    broken = quick(whole)
    assert len(broken) > 50
    said = [said_of(content) for content in broken.values()]
    assert all(one.startswith(("It ", "(")) for one in said)
    assert not any("\n" in one for one in said)
    assert sum(one.startswith("It ") for one in said) > len(broken) / 2
    assert [said_of(content) for content in whole.values()] == ["(200, 105, 3)"] * len(whole)
