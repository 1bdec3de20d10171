"""A large picture made smaller band by band, while its decoder gives it: the whole never stands in memory twice."""

from __future__ import annotations

import ctypes

from PIL import Image

from enroll.decoder.wire import WORKING_SIDE

# A picture that is larger is made smaller by whole numbers as long as so much of it is left.
LEAST_SIDE = 1920
_BAND_ROWS = 64


class Canvas:
    """What a picture of `width` x `height` becomes; parts of it are laid on where they belong."""

    def __init__(self, width: int, height: int, mode: str) -> None:
        self._factor = factor_of(width, height)
        self._mode = mode
        self.picture = Image.new(mode, (-(-width // self._factor), -(-height // self._factor)))

    def lay(self, pixels: int, stride: int, size: tuple[int, int], at: tuple[int, int]) -> None:
        """Lay on the part whose rows lie in memory from the address `pixels`, `stride` bytes each."""
        width, height = size
        for top in range(0, height, _BAND_ROWS):
            rows = min(_BAND_ROWS, height - top)
            band = ctypes.string_at(pixels + top * stride, rows * stride)
            part = Image.frombuffer(self._mode, (width, rows), band, "raw", self._mode, stride, 1)
            left, down = at
            self.picture.paste(part.reduce(self._factor), (left // self._factor, (down + top) // self._factor))


def factor_of(width: int, height: int) -> int:
    """How much smaller its sides become: 1, 2, 4 or 8."""
    longest = max(width, height)
    if longest <= WORKING_SIDE:
        return 1
    return max(factor for factor in (1, 2, 4, 8) if factor == 1 or longest >= factor * LEAST_SIDE)
