"""What people send for a photo, told by how it begins."""

from __future__ import annotations

from typing import BinaryIO

from enroll.decoder.wire import NoPicture, Word

_ENOUGH = 64
# Where, which bytes, and what it is called.
_OTHERS = (
    (0, b"%PDF", "PDF"), (0, b"GIF8", "GIF"), (0, b"PK\x03\x04", "ZIP"), (0, b"\xd0\xcf\x11\xe0", "Word"),
    (0, b"8BPS", "Photoshop"), (0, b"\xff\x0a", "JPEG XL"), (4, b"JXL ", "JPEG XL"), (4, b"jP  ", "JPEG 2000"),
    (0, b"<svg", "SVG"), (0, b"<!DOCTYPE", "HTML"), (0, b"<html", "HTML"), (0, b"\0\0\1\0", "ICO"),
)  # fmt: skip
_VIDEOS = ((0, b"\x1aE\xdf\xa3"), (8, b"AVI "), (0, b"\0\0\1\xba"), (0, b"FLV"), (4, b"moov"), (4, b"mdat"))
_PHOTOS = ((0, b"\xff\xd8\xff"), (0, b"\x89PNG"), (8, b"WEBP"), (0, b"BM"), (0, b"II*\0"), (0, b"MM\0*"))
# Files of boxes (ISO/IEC 14496-12) say by their brand what they hold.
_HEIC_BRANDS = (b"heic", b"heix", b"heim", b"heis", b"mif1", b"msf1", b"hevc", b"hevx")
_AVIF_BRANDS = (b"avif", b"avis")


def what_else(file: BinaryIO) -> NoPicture:
    """Why a file that no decoder knows is no picture."""
    file.seek(0)
    start = file.read(_ENOUGH)
    if start[4:8] == b"ftyp":
        return _by_brand(start[8:12])
    for at, begins, called in _OTHERS:
        if start.startswith(begins, at):
            return NoPicture(Word.OTHER, called)
    if any(start.startswith(begins, at) for at, begins in _VIDEOS):
        return NoPicture(Word.VIDEO)
    if any(start.startswith(begins, at) for at, begins in _PHOTOS):
        return NoPicture(Word.DAMAGED, "its beginning cannot be read")
    return NoPicture(Word.UNKNOWN)


def _by_brand(brand: bytes) -> NoPicture:
    if brand in _HEIC_BRANDS:
        from PIL import Image

        return NoPicture(Word.DAMAGED if "HEIF" in Image.OPEN else Word.NO_DECODER, "its beginning cannot be read")
    if brand in _AVIF_BRANDS:
        return NoPicture(Word.DAMAGED, "its beginning cannot be read")
    return NoPicture(Word.VIDEO)
