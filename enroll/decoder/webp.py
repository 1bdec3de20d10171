"""A photo from a WebP file, in half of the memory that Pillow takes, which keeps two frames as for an animation.

It calls libwebp, which Pillow brings, through ctypes; names are those of webp/decode.h.
"""

from __future__ import annotations

import ctypes
import struct

from PIL import Image, _webp

from enroll.decoder.shrinking import Canvas
from enroll.decoder.wire import NoPicture, Word

_LIBRARY = ctypes.CDLL(_webp.__file__)
# The pixels, and as much again while a lossless picture is decoded.
_BYTES_A_PIXEL = 8.5
# What Pillow takes for a picture of several frames.
_BYTES_A_PIXEL_BY_PILLOW = 16.5
_CHUNK = struct.Struct("<4sI")
_FIRST_CHUNK_AT = 12


def open_webp(content: bytes, most: int) -> Image.Image | None:
    """The photo in the bytes of a WebP file: RGBA, not yet turned, its sides divided by `shrinking.factor_of`.

    Its EXIF, which says how to turn it, is in `info["exif"]`. None where Pillow must open it: an animation, or what
    libwebp does not know. Raises NoPicture where it needs more than `most` bytes of memory.
    """
    width, height = ctypes.c_int(), ctypes.c_int()
    size = ctypes.c_size_t(len(content))
    if not _LIBRARY.WebPGetInfo(content, size, ctypes.byref(width), ctypes.byref(height)):
        return None
    pixels = width.value * height.value
    if len(content) + pixels * _BYTES_A_PIXEL > most:
        raise NoPicture(Word.TOO_LARGE)
    stride = width.value * 4
    room = ctypes.create_string_buffer(stride * height.value)
    decode = _LIBRARY.WebPDecodeRGBAInto
    decode.restype = ctypes.c_void_p
    if not decode(content, size, room, ctypes.c_size_t(len(room)), stride):
        if pixels * _BYTES_A_PIXEL_BY_PILLOW > most:
            raise NoPicture(Word.TOO_LARGE)
        return None
    canvas = Canvas(width.value, height.value, "RGBA")
    canvas.lay(ctypes.addressof(room), stride, (width.value, height.value), (0, 0))
    canvas.picture.info["exif"] = _exif(content)
    return canvas.picture


def _exif(content: bytes) -> bytes:
    at = _FIRST_CHUNK_AT
    while at + _CHUNK.size <= len(content):
        name, size = _CHUNK.unpack_from(content, at)
        at += _CHUNK.size
        if name == b"EXIF":
            return content[at : at + size]
        # Chunks begin at even places.
        at += size + size % 2
    return b""
