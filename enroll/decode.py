"""Photos from outside, decoded under limits: nothing is allocated for an image before its size is known to be sane."""

from __future__ import annotations

import os
import warnings
from pathlib import Path
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps, UnidentifiedImageError

from gate.errors import UsageError

MAX_BYTES = 40 << 20
MAX_PIXELS = 60_000_000
# Enough for any face that fills a photo; more only costs time.
_WORKING_SIDE = 2048
_FORMATS = ("JPEG", "MPO", "PNG", "WEBP", "BMP", "TIFF", "HEIF")


def decode_photo(path: Path) -> NDArray[np.uint8]:
    """The photo in a file, as `decode` gives it. Raises UsageError."""
    try:
        if path.is_dir():
            raise UsageError("{photo} is a directory, not a photo.", photo=path)
        with path.open("rb") as file:
            return decode(file, str(path))
    except OSError as error:
        raise UsageError("The photo {photo} cannot be read: {why}.", photo=path, why=error.strerror) from error


def decode(file: BinaryIO, name: str) -> NDArray[np.uint8]:
    """A photo as (H, W, 3) uint8 BGR, upright by its EXIF, at most 2048 pixels on its longer side.

    Raises UsageError with one sentence for anything that is not a photo of sane size.
    """
    size = file.seek(0, os.SEEK_END)
    file.seek(0)
    if size == 0:
        raise UsageError("{photo} is empty (0 bytes). Take or copy the photo again.", photo=name)
    if size > MAX_BYTES:
        raise UsageError(
            "{photo} has {size} MB; {most} MB is the most. Give a smaller photo.",
            photo=name,
            size=size >> 20,
            most=MAX_BYTES >> 20,
        )
    _accept_heic()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(file) as opened:
                return _upright(opened, name)
    except UnidentifiedImageError as error:
        raise UsageError(
            "{photo} is not a photo that can be read. Give a JPEG, PNG, WebP or HEIC file.", photo=name
        ) from error
    except (Image.DecompressionBombError, Image.DecompressionBombWarning, MemoryError) as error:
        raise _too_large(name) from error
    except (OSError, SyntaxError, ValueError, EOFError) as error:
        raise UsageError(
            "{photo} is damaged or cut short ({why}). Copy the photo again.", photo=name, why=error
        ) from error


def _upright(opened: Image.Image, name: str) -> NDArray[np.uint8]:
    if opened.format not in _FORMATS:
        raise UsageError(
            "{photo} is a {format} file; give the photo as JPEG, PNG, WebP or HEIC.", photo=name, format=opened.format
        )
    width, height = opened.size
    if width * height > MAX_PIXELS:
        raise _too_large(name)
    opened.draft("RGB", (_WORKING_SIDE, _WORKING_SIDE))
    picture = opened
    if picture.mode.startswith("I"):
        # 16-bit greyscale: Pillow would clip rather than scale.
        picture = picture.convert("I").point(lambda value: value / 256).convert("L")
    picture.thumbnail((_WORKING_SIDE, _WORKING_SIDE))
    upright = ImageOps.exif_transpose(picture).convert("RGB")
    return np.ascontiguousarray(np.asarray(upright, np.uint8)[..., ::-1])


def _too_large(name: str) -> UsageError:
    return UsageError(
        "{photo} has too many pixels; {most} million is the most. Give a smaller photo.",
        photo=name,
        most=MAX_PIXELS // 1_000_000,
    )


def _accept_heic() -> None:
    from pillow_heif import register_heif_opener

    register_heif_opener()
