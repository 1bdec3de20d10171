"""The gallery of the screen at the gate: no state is missing in it, and it stays small."""

from PIL import Image

from tests.gallery import PAGE, PICTURES, page, pictures

EXTRA = {"two-languages", "outline", "upright", "touched"}


def test_the_gallery_shows_every_state_of_the_screen():
    assert PAGE.read_text("utf-8") == page(), "run: python -m tests.gallery"


def test_each_picture_is_there_and_all_of_them_are_small():
    wanted = {f"{file}.{tag}" for file, _, _ in pictures() for tag in ("en", "zh-CN")} | EXTRA
    there = {one.name.removesuffix(".webp"): one for one in PICTURES.iterdir()}
    assert set(there) == wanted, "run: python -m tests.gallery"
    assert sum(one.stat().st_size for one in there.values()) < 1_000_000
    for name, one in there.items():
        with Image.open(one) as picture:
            assert picture.size == ((216, 384) if name == "upright" else (300, 180)), name
