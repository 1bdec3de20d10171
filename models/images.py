"""Pictures in memory, and how one is made smaller."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

Image = NDArray[np.uint8]
"""(height, width, 3) uint8, its colours blue, green, red, as OpenCV has them."""
_BETWEEN = 1e-6


def shrunk(image: Image, longest: int) -> tuple[Image, float]:
    """The image with neither side above `longest` pixels, and the factor it was shrunk by (1 or less).

    It is for finding faces: some values are 1 off on some processors, for half of the time that `resized` takes.
    """
    scale = min(1.0, longest / max(image.shape[:2]))
    if scale == 1:
        return image, 1.0
    height, width = (max(1, round(side * scale)) for side in image.shape[:2])
    return np.asarray(cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA), np.uint8), scale


def resized(image: Image, size: tuple[int, int]) -> Image:
    """The image made `size`, (width, height), with the same values on every processor."""
    if max(size) >= max(image.shape[:2]):
        return np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_LINEAR), np.uint8)
    # Of whole numbers OpenCV for aarch64 makes averages that are 1 off in places, by another library. Of others the
    # last digits differ, and with them where just between two whole numbers is rounded to: everywhere up.
    smaller = cv2.resize(image.astype(np.float64), size, interpolation=cv2.INTER_AREA)
    return np.rint(np.asarray(smaller, np.float64) + _BETWEEN).astype(np.uint8)
