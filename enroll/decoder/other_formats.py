"""What a file is that people send for a photo, told by its first bytes: for the sentence that they read. Pure."""

from __future__ import annotations

from PIL import Image

from enroll.decoder.wire import NoPicture, Word

# So many of the first bytes are looked at.
ENOUGH = 64
# At which byte, which bytes, and what the file is called.
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
_UNREADABLE = "its beginning cannot be read"


def what_else(begins: bytes) -> NoPicture:
    """The reason, not yet raised, why a file that begins with these bytes, and that no decoder opened, is no picture.

    Another kind of file, a video, a damaged photo, one for which no decoder is installed, or nothing known.
    """
    if _brands(begins):
        return _by_brand(begins)
    for at, mark, called in _OTHERS:
        if begins.startswith(mark, at):
            return NoPicture(Word.OTHER, called)
    if any(begins.startswith(mark, at) for at, mark in _VIDEOS):
        return NoPicture(Word.VIDEO)
    if any(begins.startswith(mark, at) for at, mark in _PHOTOS):
        return NoPicture(Word.DAMAGED, _UNREADABLE)
    return NoPicture(Word.UNKNOWN)


def is_heic(begins: bytes) -> bool:
    """Whether a file that begins with these bytes is HEIC."""
    return _brands(begins)[:4] in _HEIC_BRANDS


def is_webp(begins: bytes) -> bool:
    """Whether a file that begins with these bytes is WebP."""
    return begins.startswith(b"RIFF") and begins.startswith(b"WEBP", 8)


def _brands(begins: bytes) -> bytes:
    """The brand of a file of boxes and those that it is compatible with, of four bytes each; else nothing."""
    return begins[8:] if begins[4:8] == b"ftyp" else b""


def _by_brand(begins: bytes) -> NoPicture:
    said = _brands(begins)
    brands = {said[at : at + 4] for at in range(0, len(said), 4)}
    if brands.intersection(_AVIF_BRANDS):
        return NoPicture(Word.DAMAGED, _UNREADABLE)
    if brands.intersection(_HEIC_BRANDS):
        return NoPicture(Word.DAMAGED if "HEIF" in Image.OPEN else Word.NO_DECODER, _UNREADABLE)
    return NoPicture(Word.VIDEO)
