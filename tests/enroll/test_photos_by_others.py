"""Photos as programs write them that nobody here wrote: exiftool, cwebp, avifenc, heif-enc."""

import shutil
import subprocess

import numpy as np
import pytest
from PIL import Image

from tests.enroll.test_decode import close
from tests.enrolling import picture_in

# How the sides of a stored picture lie, by the orientation that exiftool writes beside it.
STORED = {3: 180, 6: 90}


def run(*command):
    if shutil.which(command[0]) is None:
        pytest.skip(f"{command[0]} is not installed")
    subprocess.run(list(map(str, command)), check=True, capture_output=True)


@pytest.fixture
def portrait(photos):
    with Image.open(photos / "obama2.jpg") as opened:
        return opened.convert("RGB").resize((240, 320))


@pytest.fixture
def stored(portrait, tmp_path):
    """A function that writes the portrait turned, as a PNG."""

    def turned(degrees):
        portrait.rotate(degrees, expand=True).save(tmp_path / "stored.png")
        return tmp_path / "stored.png"

    return turned


@pytest.mark.parametrize("orientation", STORED)
@pytest.mark.parametrize("name", ["a.jpg", "a.tif", "a.png", "a.webp"])
def test_what_exiftool_says_of_a_photo_is_followed(portrait, stored, tmp_path, name, orientation):
    path, plain = tmp_path / name, stored(STORED[orientation])
    if name == "a.webp":
        run("cwebp", "-quiet", "-q", "90", plain, "-o", path)
    else:
        with Image.open(plain) as opened:
            opened.save(path)
    run("exiftool", "-q", "-n", "-overwrite_original", f"-Orientation={orientation}", path)
    assert close(picture_in(path), np.asarray(portrait)[..., ::-1])


def test_avif_turned_by_its_own_box_is_upright(portrait, stored, tmp_path):
    # Its box counts quarters against the clock.
    run("avifenc", "-s", "10", "--irot", "3", stored(90), tmp_path / "a.avif")
    assert close(picture_in(tmp_path / "a.avif"), np.asarray(portrait)[..., ::-1], 8)


@pytest.mark.parametrize("depth", ["8", "10"])
def test_heic_by_its_own_encoder(portrait, stored, tmp_path, depth):
    run("heif-enc", "-q", "80", "-b", depth, stored(0), "-o", tmp_path / "a.heic")
    assert close(picture_in(tmp_path / "a.heic"), np.asarray(portrait)[..., ::-1], 8)


def test_a_photo_for_print_in_four_colours(portrait, stored, tmp_path):
    run("convert", stored(0), "-colorspace", "CMYK", "-interlace", "Plane", tmp_path / "print.jpg")
    assert close(picture_in(tmp_path / "print.jpg").mean(axis=2), np.asarray(portrait).mean(axis=2), 12)
