"""Photos from outside, decoded under limits: nothing is allocated for an image before its size is known to be sane."""

from __future__ import annotations

import warnings
from pathlib import Path

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
    """A photo as (H, W, 3) uint8 BGR, upright by its EXIF, at most 2048 pixels on its longer side.

    Raises UsageError with one sentence for anything that is not a photo of sane size.
    """
    try:
        if path.is_dir():
            raise UsageError(f"{path} is a directory, not a photo.")
        size = path.stat().st_size
    except OSError as error:
        raise UsageError(f"The photo {path} cannot be read: {error.strerror}.") from error
    if size == 0:
        raise UsageError(f"{path} is empty (0 bytes). Take or copy the photo again.")
    if size > MAX_BYTES:
        raise UsageError(f"{path} has {size >> 20} MB; {MAX_BYTES >> 20} MB is the most. Give a smaller photo.")
    _accept_heic()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(path) as opened:
                return _decode(opened, path)
    except UnidentifiedImageError as error:
        raise UsageError(f"{path} is not a photo that can be read. Give a JPEG, PNG, WebP or HEIC file.") from error
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise UsageError(_too_large(path, "too many")) from error
    except (OSError, SyntaxError, ValueError, EOFError) as error:
        raise UsageError(f"{path} is damaged or cut short ({error}). Copy the photo again.") from error
    except MemoryError as error:
        raise UsageError(_too_large(path, "too many")) from error


def _decode(opened: Image.Image, path: Path) -> NDArray[np.uint8]:
    if opened.format not in _FORMATS:
        raise UsageError(f"{path} is a {opened.format} file; give the photo as JPEG, PNG, WebP or HEIC.")
    width, height = opened.size
    if width * height > MAX_PIXELS:
        raise UsageError(_too_large(path, f"{width} x {height}"))
    opened.draft("RGB", (_WORKING_SIDE, _WORKING_SIDE))
    picture = opened
    if picture.mode.startswith("I"):
        # 16-bit greyscale: Pillow would clip rather than scale.
        picture = picture.convert("I").point(lambda value: value / 256).convert("L")
    picture.thumbnail((_WORKING_SIDE, _WORKING_SIDE))
    upright = ImageOps.exif_transpose(picture).convert("RGB")
    return np.ascontiguousarray(np.asarray(upright, np.uint8)[..., ::-1])


def _too_large(path: Path, size: str) -> str:
    return f"{path} has {size} pixels; {MAX_PIXELS // 1_000_000} million is the most. Give a smaller photo."


def _accept_heic() -> None:
    from pillow_heif import register_heif_opener

    register_heif_opener()
