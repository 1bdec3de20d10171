"""A face looked at again, closer. Pure but for the detector."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from gate.vocabulary import Face
from models.detector import Detector, look_closer


def closer(image: NDArray[np.uint8], face: Face, detector: Detector) -> Face | None:
    """The same face in an image (H, W, 3) uint8 BGR by a closer look; None where it is gone or none can be had."""
    row = look_closer(detector, image, face.box)
    return None if row is None else Face.from_row(row.tolist())
