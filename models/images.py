"""Pictures in memory, and how one is made smaller."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

Image = NDArray[np.uint8]
"""(height, width, 3) uint8, its colours blue, green, red, as OpenCV has them."""


def shrunk(image: Image, longest: int) -> tuple[Image, float]:
    """The image with neither side above `longest` pixels, and the factor it was shrunk by (1 or less)."""
    scale = min(1.0, longest / max(image.shape[:2]))
    if scale == 1:
        return image, 1.0
    height, width = (max(1, round(side * scale)) for side in image.shape[:2])
    return np.asarray(cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA), np.uint8), scale
