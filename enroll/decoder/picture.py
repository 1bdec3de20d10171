"""One photo from a file that may be anything.

The memory that it needs is reckoned from its head and its format before it is decoded, so that a file which would need
too much is refused in a sentence. Runs in the decoder's child, which has given its rights away; nobody else imports it.
"""

from __future__ import annotations

from importlib import import_module
from typing import BinaryIO

from PIL import AvifImagePlugin, ExifTags, Image, UnidentifiedImageError

from enroll.decoder.other_formats import ENOUGH, is_heic, is_webp, what_else
from enroll.decoder.shrinking import LEAST_SIDE
from enroll.decoder.webp import open_webp
from enroll.decoder.wire import WORKING_SIDE, NoPicture, Word

# What a photo may need while it is decoded; the interpreter and the decoders take the rest of shut_in.MEMORY.
MOST = 128 << 20
# What decoders take at their peak, bytes a pixel (measured with Pillow 13). Pillow itself keeps four
# bytes for each pixel in colour, and a pointer a row.
_BYTES_A_PIXEL = {
    "JPEG": 4.2, "MPO": 4.2, "PNG": 4.2, "BMP": 4.2, "TIFF": 4.5, "WEBP": 16.5, "AVIF": 9.5, "HEIF": 8.0,
}  # fmt: skip
_BYTES_A_ROW = 16
# What must be converted before it is made smaller stands in memory twice.
_PLAIN = ("L", "RGB", "CMYK", "YCbCr", "I;16")
_CONVERTED = 4.2
# What puts a photo upright, by its orientation in EXIF.
_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT, 3: Image.Transpose.ROTATE_180, 4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE, 6: Image.Transpose.ROTATE_270, 7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}  # fmt: skip


def prepare() -> None:
    """Load every decoder, and set Pillow up. To be called once, before the child may open no more files."""
    Image.preinit()
    for plugin in ("MpoImagePlugin", "TiffImagePlugin", "WebPImagePlugin"):
        import_module(f"PIL.{plugin}")
    AvifImagePlugin.DEFAULT_MAX_THREADS = 1
    try:
        pillow_heif = import_module("pillow_heif")
        import_module("enroll.decoder.heif")
    except ImportError:
        pass  # HEIC has a sentence of its own then.
    else:
        pillow_heif.options.DECODE_THREADS = 0
        pillow_heif.register_heif_opener()
    # Bytes are counted here instead.
    Image.MAX_IMAGE_PIXELS = None


def read_picture(file: BinaryIO) -> Image.Image:
    """The photo in a file: upright, in RGB, at most WORKING_SIDE pixels on its longer side.

    What is transparent is white, as people see it. Raises NoPicture, which says why there is none.
    """
    try:
        begins = file.read(ENOUGH)
        file.seek(0)
        picture = _by_its_own_library(file, begins)
        return _by_pillow(file) if picture is None else _upright(picture)
    except UnidentifiedImageError as error:
        raise what_else(begins) from error
    except MemoryError as error:
        raise NoPicture(Word.TOO_LARGE) from error
    # Whatever a decoder raises over what somebody else wrote.
    except (OSError, SyntaxError, ValueError, EOFError, ArithmeticError, LookupError, TypeError, RuntimeError) as error:
        raise NoPicture(Word.DAMAGED, str(error)) from error


def _by_its_own_library(file: BinaryIO, begins: bytes) -> Image.Image | None:
    """What Pillow would open at the price of far more memory."""
    if is_webp(begins):
        return open_webp(file.read(), MOST)
    if is_heic(begins) and "HEIF" in Image.OPEN:
        from enroll.decoder.heif import open_heic

        return open_heic(file.read(), MOST)
    return None


def _by_pillow(file: BinaryIO) -> Image.Image:
    file.seek(0)
    with Image.open(file, formats=[one for one in _BYTES_A_PIXEL if one in Image.OPEN]) as opened:
        whole = opened.size
        _draft(opened)
        if _needed(opened, whole) > MOST:
            raise NoPicture(Word.TOO_LARGE)
        opened.load()
        return _upright(opened)


def _draft(opened: Image.Image) -> None:
    """Ask a decoder that can for a smaller picture at once."""
    longest = max(opened.size)
    if longest > WORKING_SIDE:
        width, height = (max(1, side * LEAST_SIDE // longest) for side in opened.size)
        opened.draft(None, (width, height))


def _needed(opened: Image.Image, whole: tuple[int, int]) -> float:
    """The bytes of memory that decoding takes at its peak.

    `whole` has the sides in pixels that are stored; `opened.size` those to be decoded, which a draft made smaller.
    """
    width, height = opened.size
    each = _BYTES_A_PIXEL[str(opened.format)] + (0 if opened.mode in _PLAIN else _CONVERTED)
    needed = width * height * each + height * _BYTES_A_ROW
    if opened.info.get("progressive"):
        # Such a JPEG keeps each coefficient, two bytes, of the whole picture until its last scan.
        layers = [across * down for _, across, down, _ in getattr(opened, "layer", ())]
        needed += 2 * whole[0] * whole[1] * sum(layers) / max(layers, default=1)
    return needed


def _upright(picture: Image.Image) -> Image.Image:
    turn = _TURNS.get(picture.getexif().get(ExifTags.Base.Orientation, 1))
    if picture.mode in ("1", "P", "PA"):
        picture = picture.convert("RGBA" if picture.has_transparency_data else "RGB")
    picture = _smaller(picture)
    if turn is not None:
        picture = picture.transpose(turn)
    if picture.mode.startswith("I"):
        # Pillow would clip rather than scale.
        picture = picture.convert("I").point(lambda value: value / 256).convert("L")
    if picture.has_transparency_data:
        # What is judged is what people see: a pixel that is not shown may hold another face.
        white = Image.new("RGBA", picture.size, "white")
        white.alpha_composite(picture.convert("RGBA"))
        picture = white
    return picture if picture.mode == "RGB" else picture.convert("RGB")


def _smaller(picture: Image.Image) -> Image.Image:
    """At most WORKING_SIDE; what was larger is given up as soon as it can be."""
    factor = max(picture.size) // WORKING_SIDE
    # Pillow reduces no 16-bit greyscale by whole numbers.
    if factor > 1 and not picture.mode.startswith("I;"):
        reduced = picture.reduce(factor)
        picture.close()
        picture = reduced
    picture.thumbnail((WORKING_SIDE, WORKING_SIDE), reducing_gap=None)
    return picture
