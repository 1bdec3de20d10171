"""Hostile pictures, made from real ones that several encoders wrote: cut, lying, looping, unfolding to far too much."""

import io
import shutil
import struct
import subprocess
import zlib

import numpy as np
import pillow_heif
from PIL import Image

from enroll.decode import decode
from gate.errors import UsageError
from tests.enrolling import DECODER

# Programs that nobody here wrote, and how each makes a picture of a PNG.
ENCODERS = {
    "cwebp.webp": ("cwebp", "-quiet", "{png}", "-o", "{out}"),
    "libheif.heic": ("heif-enc", "{png}", "-o", "{out}"),
    "avifenc.avif": ("avifenc", "-s", "10", "{png}", "{out}"),
    "magick.jpg": ("convert", "{png}", "-colorspace", "CMYK", "-interlace", "Plane", "{out}"),
    "magick.png": ("convert", "{png}", "-depth", "16", "-interlace", "PNG", "{out}"),
    "magick.tif": ("convert", "{png}", "-compress", "LZW", "{out}"),
}


def said_of(content):
    """The shape of the picture in it, or the sentence instead."""
    try:
        return f"{decode(io.BytesIO(content), 'It', DECODER).shape}"
    except UsageError as error:
        return str(error)


def chunk(kind, content):
    """One of a PNG."""
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def png(width, height, *chunks, rows=b"\0" * 1_000_000, depth=8, colours=2):
    """A PNG that says it is so large, and holds what is given."""
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, colours, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + b"".join(chunks) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


def honest(folder, portrait):
    """Pictures as they should be, by name: by Pillow, libheif, and each program that is installed."""
    made = {}
    ways = {
        "pillow.jpg": {}, "progressive.jpg": {"progressive": True}, "pillow.png": {}, "pillow.webp": {},
        "lossless.webp": {"lossless": True}, "lzw.tif": {"compression": "tiff_lzw"}, "pillow.bmp": {},
        "jpeg.tif": {"compression": "jpeg"}, "pillow.avif": {"speed": 10},
    }  # fmt: skip
    for name, how in ways.items():
        out = io.BytesIO()
        portrait.save(out, {"jpg": "JPEG", "tif": "TIFF"}.get(name[-3:], name.rsplit(".", 1)[1].upper()), **how)
        made[name] = out.getvalue()
    out = io.BytesIO()
    pillow_heif.from_pillow(portrait).save(out, format="HEIF", quality=60)
    made["pillow.heic"] = out.getvalue()
    out = io.BytesIO()
    portrait.save(out, "MPO", save_all=True, append_images=[portrait])
    made["pillow.mpo"] = out.getvalue()
    portrait.save(folder / "portrait.png")
    for name, command in ENCODERS.items():
        if shutil.which(command[0]):
            path = folder / name
            subprocess.run([part.format(png=folder / "portrait.png", out=path) for part in command], check=True,
                           capture_output=True)  # fmt: skip
            made[name] = path.read_bytes()
    return made


def hostile(whole):
    """What is made of the honest ones `whole`, and what needs none: bytes by name."""
    return dict([*_cut(whole), *_lying(whole), *_looping(), *_unfolding(), *_flipped(whole)])


def quick(whole):
    """Those that are made, and refused, at once."""
    return dict([*_cut(whole), *_lying(whole), *_looping(), *_flipped(whole)])


def _cut(whole):
    for name, content in whole.items():
        for tenth in range(1, 10):
            yield f"cut {tenth}/10 {name}", content[: len(content) * tenth // 10]


def _lying(whole):
    """Sizes and lengths that are not so."""
    for side in (65_500, 30_000):
        yield f"png {side} x {side}", png(side, side)
        for name in ("pillow.jpg", "progressive.jpg"):
            content = bytearray(whole[name])
            at = max(content.find(b"\xff\xc0"), content.find(b"\xff\xc2"))
            content[at + 5 : at + 9] = struct.pack(">HH", side, side)
            yield f"{name} says {side}", bytes(content)
    yield "png 1 x 59,000,000", png(1, 59_000_000)
    yield "png 59,000,000 x 1", png(59_000_000, 1)
    yield "png 0 x 0", png(0, 0)
    yield "png of 16 bits, 20,000 x 20,000", png(20_000, 20_000, depth=16)
    yield "png, a chunk of 2 GB", png(100, 100).replace(struct.pack(">I", 13), struct.pack(">I", 0x7FFFFFFF), 1)
    for name in ("pillow.heic", "pillow.avif"):
        content = bytearray(whole[name])
        at = content.find(b"ispe")
        content[at + 8 : at + 16] = struct.pack(">II", 30_000, 30_000)
        yield f"{name} says 30,000", bytes(content)
        for box in (b"meta", b"iloc", b"iprp", b"mdat"):
            content = bytearray(whole[name])
            at = content.find(box)
            content[at - 4 : at] = struct.pack(">I", 0x7FFFFFF0)
            yield f"{name}, {box.decode()} of 2 GB", bytes(content)
    for name in ("pillow.webp", "lossless.webp"):
        content = bytearray(whole[name])
        content[4:8] = struct.pack("<I", 0xFFFFFFF0)
        yield f"{name}, 4 GB said", bytes(content)
        content[16:20] = struct.pack("<I", 0xFFFFFFF0)
        yield f"{name}, a chunk of 4 GB", bytes(content)
    extended = b"VP8X" + struct.pack("<IB3x", 10, 2) + b"\xff\x3f\0\xff\x3f\0" + b"ANIM" + struct.pack("<I6x", 6)
    yield "webp, a canvas of 16,384", b"RIFF" + struct.pack("<I", 4 + len(extended)) + b"WEBP" + extended
    content = bytearray(whole["pillow.bmp"])
    content[18:26] = struct.pack("<ii", 100_000, -100_000)
    yield "bmp says 100,000", bytes(content)
    for tag, said in ((256, 100_000), (257, 100_000), (258, 0xFFFF), (273, 0xFFFFFFFF), (278, 1), (279, 0xFFFFFFFF)):
        yield f"tif, tag {tag} is {said}", tiff({tag: said})
    yield "tif, a tag of four thousand million values", tiff(counts={270: 0xFFFFFFFF})


def tiff(changed=None, counts=None, follows=0, more=()):
    """A TIFF of 8 x 8 grey pixels, with some of its tags as given."""
    tags = {256: 8, 257: 8, 258: 8, 259: 1, 262: 1, 270: 8, 273: 8, 277: 1, 278: 8, 279: 64} | (changed or {})
    entries = b"".join(struct.pack("<HHII", tag, 4, (counts or {}).get(tag, 1), value) for tag, value in tags.items())
    entries += b"".join(more)
    directory = struct.pack("<H", len(entries) // 12) + entries + struct.pack("<I", follows)
    return b"II*\0" + struct.pack("<I", 72) + bytes(64) + directory


def _looping():
    yield "tif that follows itself", tiff(follows=72)
    yield "tif whose directory is its own child", tiff(more=[struct.pack("<HHII", 330, 4, 1, 72)])
    yield "tif whose exif is itself", tiff(more=[struct.pack("<HHII", 34_665, 4, 1, 72)])
    yield "tif with 5,000 tags", tiff(more=[struct.pack("<HHII", 40_000 + n, 2, 64, 8) for n in range(5000)])
    exif = b"Exif\0\0" + tiff(more=[struct.pack("<HHII", 34_665, 4, 1, 72)])
    out = io.BytesIO()
    Image.new("RGB", (64, 64)).save(out, "JPEG", exif=exif)
    yield "jpg whose exif loops", out.getvalue()


def _unfolding():
    """Little that becomes much."""
    large = zlib.compress(bytes(200 << 20), 9)
    yield "png, text of 200 MB", png(8, 8, chunk(b"zTXt", b"a\0\0" + large), rows=bytes(200))
    yield "png, colours of 200 MB", png(8, 8, chunk(b"iCCP", b"a\0\0" + large), rows=bytes(200))
    yield "png, pixels of 200 MB in 8 x 8", png(8, 8, rows=bytes(200 << 20))
    out = io.BytesIO()
    Image.new("L", (12_000, 12_000)).save(out, "WEBP", method=0, quality=1)
    yield "webp 12,000 x 12,000", out.getvalue()
    out = io.BytesIO()
    Image.new("L", (16_000, 16_000)).save(out, "TIFF", compression="tiff_adobe_deflate")
    yield "tif 16,000 x 16,000", out.getvalue()
    out = io.BytesIO()
    frames = [Image.new("RGB", (500, 500), (n % 256, n // 256, 0)) for n in range(300)]
    frames[0].save(out, "WEBP", save_all=True, append_images=frames[1:], method=0)
    yield "webp of 300 frames", out.getvalue()
    out = io.BytesIO()
    frames[0].save(out, "PNG", save_all=True, append_images=frames[1:])
    yield "png of 300 frames", out.getvalue()
    yield "jpg of 5,000 scans", _scans(5000)
    out = io.BytesIO()
    Image.new("L", (14_000, 14_000), 99).save(out, "JPEG", progressive=True, quality=5)
    yield "progressive jpg 14,000 x 14,000", out.getvalue()
    pillow_heif.from_pillow(Image.new("L", (9000, 9000))).save(out := io.BytesIO(), format="HEIF", quality=1)
    yield "heic 9,000 x 9,000", out.getvalue()


def _scans(count):
    """A progressive JPEG of 4,000 x 4,000 whose last scan comes again and again: each goes over every coefficient."""
    out = io.BytesIO()
    Image.new("L", (4000, 4000), 99).save(out, "JPEG", progressive=True, quality=5)
    content = out.getvalue()
    last = content.rindex(b"\xff\xda")
    return content[:-2] + content[last:-2] * count + content[-2:]


def _flipped(whole):
    """Bytes changed by chance, most of them near the beginning."""
    chance = np.random.default_rng(1)
    for name, content in whole.items():
        for number in range(3):
            broken = bytearray(content)
            for at in chance.integers(0, len(broken) if number else min(400, len(broken)), 12):
                broken[at] = chance.integers(256)
            yield f"flipped {number} {name}", bytes(broken)
