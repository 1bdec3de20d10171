"""A photo from a HEIC file, decoded tile by tile, so that the 48 megapixels of a telephone need no more memory than 12.

It calls libheif, which pillow-heif brings, through ctypes: the Python half of pillow-heif decodes whole pictures only.
libheif decodes tiles from 1.19 on; with an older one `open_heic` gives None, and Pillow opens the file. Names, numbers
and the order of fields here are those of libheif/heif.h.
"""

from __future__ import annotations

import ctypes

import _pillow_heif
from PIL import Image

from enroll.decoder.shrinking import Canvas, factor_of
from enroll.decoder.wire import NoPicture, Word

_LIBRARY = ctypes.CDLL(_pillow_heif.__file__)
# libheif/heif.h
_RGB, _INTERLEAVED_RGB, _INTERLEAVED = 1, 10, 10
_CONVERT_TO_8_BIT_AT = 40
# What decoding a tile takes: planes of up to two bytes a value, and the interleaved pixels made of them.
_BYTES_A_PIXEL = 9.0


class _Error(ctypes.Structure):
    _fields_ = (("code", ctypes.c_int), ("detail", ctypes.c_int), ("message", ctypes.c_char_p))


class _Tiling(ctypes.Structure):
    _fields_ = (
        ("version", ctypes.c_int),
        *((name, ctypes.c_uint32) for name in ("columns", "rows", "tile_width", "tile_height", "width", "height")),
        *((name, ctypes.c_uint32) for name in ("top_offset", "left_offset")),
        ("extra_dimensions", ctypes.c_uint8),
        ("extra_sizes", ctypes.c_uint32 * 8),
    )


def open_heic(content: bytes, most: int) -> Image.Image | None:
    """The first photo in the bytes of a HEIC file: RGB, upright, its sides divided by `shrinking.factor_of`.

    None where Pillow must open it: where it is cropped or partly transparent, or libheif is too old. Raises NoPicture
    where it needs more than `most` bytes of memory, there is no decoder for it, or it is damaged.
    """
    if not hasattr(_LIBRARY, "heif_image_handle_decode_image_tile"):
        return None
    with _Heic(content) as heic:
        tiles = heic.tiles()
        if tiles is None or heic.transparent():
            return None
        factor = factor_of(tiles.width, tiles.height)
        needed = tiles.tile_width * tiles.tile_height * _BYTES_A_PIXEL + tiles.width * tiles.height * 8 / factor**2
        if len(content) + needed > most:
            raise NoPicture(Word.TOO_LARGE)
        canvas = Canvas(tiles.width, tiles.height, "RGB")
        for row in range(tiles.rows):
            for column in range(tiles.columns):
                heic.lay_tile(canvas, tiles, column, row)
        return canvas.picture


class _Heic:
    """A HEIC file opened by libheif, to be used in a `with` block, whose end frees it. Its calls raise NoPicture."""

    def __init__(self, content: bytes) -> None:
        self._call = _LIBRARY
        for name in ("heif_context_alloc", "heif_decoding_options_alloc", "heif_image_get_plane_readonly"):
            getattr(self._call, name).restype = ctypes.c_void_p
        for name in (
            "heif_context_read_from_memory_without_copy", "heif_context_get_primary_image_handle",
            "heif_image_handle_get_image_tiling", "heif_image_handle_decode_image_tile", "heif_decode_image",
        ):  # fmt: skip
            getattr(self._call, name).restype = _Error
        self._content = content
        self._context = ctypes.c_void_p(self._call.heif_context_alloc())
        self._options = ctypes.c_void_p(self._call.heif_decoding_options_alloc())
        self._handle = ctypes.c_void_p()

    def __enter__(self) -> _Heic:
        call = self._call
        ctypes.c_uint8.from_address((self._options.value or 0) + _CONVERT_TO_8_BIT_AT).value = 1
        call.heif_context_set_max_decoding_threads(self._context, 0)
        size = ctypes.c_size_t(len(self._content))
        _check(call.heif_context_read_from_memory_without_copy(self._context, self._content, size, None))
        _check(call.heif_context_get_primary_image_handle(self._context, ctypes.byref(self._handle)))
        return self

    def __exit__(self, *_: object) -> None:
        self._call.heif_image_handle_release(self._handle)
        self._call.heif_decoding_options_free(self._options)
        self._call.heif_context_free(self._context)

    def transparent(self) -> bool:
        """Whether the photo has an alpha channel, so that some of it may not be seen."""
        return bool(self._call.heif_image_handle_has_alpha_channel(self._handle))

    def tiles(self) -> _Tiling | None:
        """How the photo is cut into tiles, in pixels of the upright photo; one tile where it is in one piece.

        None where only a part of what is stored is to be seen, or the photo has more dimensions than two.
        """
        stored, seen = _Tiling(version=1), _Tiling(version=1)
        for turned, tiling in enumerate((stored, seen)):
            _check(self._call.heif_image_handle_get_image_tiling(self._handle, turned, ctypes.byref(tiling)))
        if seen.columns * seen.rows == 1:
            # The size of a tile is then that of its blocks.
            seen.width = seen.tile_width = self._call.heif_image_handle_get_width(self._handle)
            seen.height = seen.tile_height = self._call.heif_image_handle_get_height(self._handle)
            return seen
        cropped = {stored.width, stored.height} != {seen.width, seen.height}
        return None if cropped or seen.extra_dimensions else seen

    def lay_tile(self, canvas: Canvas, tiles: _Tiling, column: int, row: int) -> None:
        """Decode the tile at `column` and `row`, counted from 0 in the upright photo, on to its place on `canvas`."""
        call, image, stride = self._call, ctypes.c_void_p(), ctypes.c_int()
        how = (_RGB, _INTERLEAVED_RGB, self._options)
        if tiles.columns * tiles.rows == 1:
            _check(call.heif_decode_image(self._handle, ctypes.byref(image), *how))
        else:
            _check(call.heif_image_handle_decode_image_tile(self._handle, ctypes.byref(image), *how, column, row))
        try:
            size = (call.heif_image_get_width(image, _INTERLEAVED), call.heif_image_get_height(image, _INTERLEAVED))
            pixels = call.heif_image_get_plane_readonly(image, _INTERLEAVED, ctypes.byref(stride))
            # Where a turned picture begins with what tiles have beyond its edge; libheif 1.23 says how much wrongly.
            left = tiles.left_offset and tiles.columns * tiles.tile_width - tiles.width
            top = tiles.top_offset and tiles.rows * tiles.tile_height - tiles.height
            canvas.lay(pixels, stride.value, size, (column * tiles.tile_width - left, row * tiles.tile_height - top))
        finally:
            call.heif_image_release(image)


def _check(error: _Error) -> None:
    """Raises NoPicture for what libheif says is wrong."""
    if error.code == 0:
        return
    why = (error.message or b"").decode("utf-8", "replace")
    if "memory" in why.lower():
        raise NoPicture(Word.TOO_LARGE)
    raise NoPicture(Word.NO_DECODER if "codec" in why.lower() else Word.DAMAGED, why)
