"""A large picture made smaller while it is decoded, band by band, so that the whole never stands in memory twice.

Its sides are divided by a whole number (a box filter, Pillow's `reduce`), which `factor_of` chooses.
"""

from __future__ import annotations

import ctypes

from PIL import Image

from enroll.decoder.wire import WORKING_SIDE

# Pixels that the longer side of a picture keeps at least, where it is divided by a whole number.
LEAST_SIDE = 1920
_BAND_ROWS = 64


class Canvas:
    """Where the parts of a picture of `width` x `height` pixels are put together, made smaller.

    `mode` is Pillow's, RGB or RGBA. `picture` is the whole, black (or clear) where nothing was laid on yet.
    """

    def __init__(self, width: int, height: int, mode: str) -> None:
        self._factor = factor_of(width, height)
        self._mode = mode
        self.picture = Image.new(mode, (-(-width // self._factor), -(-height // self._factor)))

    def lay(self, pixels: int, stride: int, size: tuple[int, int], at: tuple[int, int]) -> None:
        """Make one part smaller and put it where it belongs.

        Its rows lie in memory from the address `pixels` on, `stride` bytes each, of one byte a channel. `size` is its
        width and height and `at` its left upper corner, both in pixels of the picture before it is made smaller.
        """
        width, height = size
        for top in range(0, height, _BAND_ROWS):
            rows = min(_BAND_ROWS, height - top)
            band = ctypes.string_at(pixels + top * stride, rows * stride)
            part = Image.frombuffer(self._mode, (width, rows), band, "raw", self._mode, stride, 1)
            left, down = at
            self.picture.paste(part.reduce(self._factor), (left // self._factor, (down + top) // self._factor))


def factor_of(width: int, height: int) -> int:
    """By how much the sides of a picture of `width` x `height` pixels are divided: 1, 2, 4 or 8."""
    longest = max(width, height)
    if longest <= WORKING_SIDE:
        return 1
    return max(factor for factor in (1, 2, 4, 8) if factor == 1 or longest >= factor * LEAST_SIDE)
