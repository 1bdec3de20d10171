"""Photos from outside: what works, and the one sentence for what does not."""

import io
import os
import struct
import tempfile
import zlib

import numpy as np
import pillow_heif
import pytest
from PIL import Image, ImageOps

from enroll.decode import MAX_BYTES, decode
from gate.errors import UsageError
from tests.enroll import heic
from tests.enrolling import DECODER, picture_in


@pytest.fixture
def portrait(photos):
    with Image.open(photos / "obama2.jpg") as opened:
        return opened.convert("RGB")


def png_bomb(path, width=60_000, height=60_000):
    """A PNG that says it is so large, in a few bytes."""

    def chunk(kind, content):
        body = kind + content
        return struct.pack(">I", len(content)) + body + struct.pack(">I", zlib.crc32(body))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    content = zlib.compress(b"\0" * 1_000_000)
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", content) + chunk(b"IEND", b""))


def close(a, b, tolerance=6.0):
    return np.abs(a.astype(float) - b.astype(float)).mean() < tolerance


def test_colour_order_is_bgr(tmp_path):
    Image.new("RGB", (40, 30), (255, 0, 0)).save(tmp_path / "red.png")
    image = picture_in(tmp_path / "red.png")
    assert image.shape == (30, 40, 3)
    assert image[0, 0].tolist() == [0, 0, 255]


@pytest.mark.parametrize("orientation", [3, 6, 8])
def test_exif_rotated_stands_upright(portrait, tmp_path, orientation):
    portrait.save(tmp_path / "plain.jpg", quality=95)
    turned = portrait.rotate({3: 180, 6: 90, 8: 270}[orientation], expand=True)
    exif = Image.Exif()
    exif[274] = orientation
    turned.save(tmp_path / "turned.jpg", exif=exif, quality=95)
    assert close(picture_in(tmp_path / "turned.jpg"), picture_in(tmp_path / "plain.jpg"))


@pytest.mark.parametrize(("mode", "name"), [("L", "g.jpg"), ("CMYK", "c.jpg"), ("RGBA", "a.png"), ("P", "p.png")])
def test_greyscale_cmyk_and_the_like_work(portrait, tmp_path, mode, name):
    portrait.convert(mode).save(tmp_path / name)
    expected = np.asarray(portrait.convert("L") if mode == "L" else portrait)
    decoded = picture_in(tmp_path / name)
    assert decoded.shape == (1200, 626, 3)
    assert close(decoded.mean(axis=2), expected if mode == "L" else expected.mean(axis=2), 12)


def test_16_bit_greyscale_works(portrait, tmp_path):
    grey = np.asarray(ImageOps.grayscale(portrait)).astype(np.uint16) * 256
    Image.fromarray(grey).save(tmp_path / "deep.png")
    assert close(picture_in(tmp_path / "deep.png")[..., 0], grey / 256)


def test_heic_works(portrait, tmp_path):
    pillow_heif.from_pillow(portrait).save(tmp_path / "phone.heic", quality=80)
    assert close(picture_in(tmp_path / "phone.heic"), np.asarray(portrait)[..., ::-1])


@pytest.mark.parametrize("orientation", [1, 2, 3, 6, 8])
def test_a_telephones_heic_of_many_tiles_is_as_its_own_library_shows_it(portrait, tmp_path, orientation):
    heic.grid(portrait.resize((700, 900)), tmp_path / "phone.heic", orientation=orientation)
    pillow_heif.register_heif_opener()
    with Image.open(tmp_path / "phone.heic") as expected:
        assert close(picture_in(tmp_path / "phone.heic"), np.asarray(expected.convert("RGB"))[..., ::-1], 1)


@pytest.mark.parametrize(
    ("name", "how"), [("a.webp", {}), ("b.webp", {"lossless": True}), ("c.tif", {}), ("d.png", {})]
)
def test_what_is_not_jpeg_stands_upright_too(portrait, tmp_path, name, how):
    exif = Image.Exif()
    exif[274] = 6
    portrait.rotate(90, expand=True).save(tmp_path / name, exif=exif, **how)
    assert close(picture_in(tmp_path / name), np.asarray(portrait)[..., ::-1])


def test_a_webp_of_several_frames_is_its_first(portrait, tmp_path):
    portrait.save(tmp_path / "moving.webp", save_all=True, append_images=[Image.new("RGB", portrait.size)])
    assert close(picture_in(tmp_path / "moving.webp"), np.asarray(portrait)[..., ::-1])


def test_an_upload_that_lies_on_no_disk_is_opened(tmp_path):
    noise = np.random.default_rng(1).integers(0, 255, (900, 900, 3), np.uint8)
    out = io.BytesIO()
    Image.fromarray(noise).save(out, "PNG")
    assert out.tell() > 1 << 20
    assert (decode(out, "upload", DECODER)[..., ::-1] == noise).all()
    with tempfile.SpooledTemporaryFile(max_size=1000) as spooled:
        spooled.write(out.getvalue())
        assert (decode(spooled, "upload", DECODER)[..., ::-1] == noise).all()


def test_avif_works(portrait, tmp_path):
    portrait.save(tmp_path / "phone.avif", quality=90)
    assert close(picture_in(tmp_path / "phone.avif"), np.asarray(portrait)[..., ::-1])


def test_what_is_not_seen_is_not_decoded(portrait, tmp_path):
    portrait.putalpha(0)
    portrait.save(tmp_path / "hidden.png")
    assert (picture_in(tmp_path / "hidden.png") == 255).all()


@pytest.mark.parametrize(
    ("size", "becomes"),
    [((6000, 4000), (1365, 2048)), ((12_000, 9000), (1536, 2048)), ((16_320, 12_240), (1530, 2040))],
)
def test_a_huge_but_honest_photo_is_made_smaller(tmp_path, size, becomes):
    Image.new("L", size, 99).save(tmp_path / "big.jpg")
    decoded = picture_in(tmp_path / "big.jpg")
    assert decoded.shape == (*becomes, 3)
    assert (decoded == 99).all()


def test_what_is_no_photo_is_refused_in_one_sentence(photos, portrait, tmp_path):
    whole = (photos / "obama2.jpg").read_bytes()
    (tmp_path / "truncated.jpg").write_bytes(whole[: len(whole) // 2])
    (tmp_path / "empty.jpg").write_bytes(b"")
    (tmp_path / "text.jpg").write_text("not a photo")
    png_bomb(tmp_path / "bomb.png")
    png_bomb(tmp_path / "firecracker.png", 9_000, 9_000)
    png_bomb(tmp_path / "thin.png", 1, 59_000_000)
    # It would keep all of its 72 million coefficients until its last scan.
    Image.new("L", (9000, 8000)).save(tmp_path / "progressive.jpg", progressive=True)
    (tmp_path / "scan.pdf").write_bytes(b"%PDF-1.7\n")
    (tmp_path / "clip.mp4").write_bytes(b"\0\0\0\x18ftypmp42\0\0\0\0")
    os.mkfifo(tmp_path / "pipe.jpg")
    portrait.save(tmp_path / "a.gif")
    with (tmp_path / "vast.jpg").open("wb") as file:
        file.truncate(MAX_BYTES + 1)
    for name, words in {
        "truncated.jpg": "damaged or cut short",
        "empty.jpg": "0 bytes",
        "text.jpg": "not a photo",
        "bomb.png": "needs more memory",
        "firecracker.png": "needs more memory",
        "progressive.jpg": "needs more memory",
        "a.gif": "is a GIF file",
        "scan.pdf": "is a PDF file",
        "clip.mp4": "is a video",
        "thin.png": "needs more memory",
        "vast.jpg": "80 MB",
        "pipe.jpg": "is not a photo",
        "absent.jpg": "No such file",
        ".": "is a directory",
    }.items():
        with pytest.raises(UsageError, match=words) as error:
            picture_in(tmp_path / name)
        assert "\n" not in str(error.value)
