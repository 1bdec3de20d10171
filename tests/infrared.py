"""What an infrared camera would show, as near as a colour picture comes to it."""

import cv2
import numpy as np


def grey(image: np.ndarray) -> np.ndarray:
    return cv2.cvtColor(cv2.cvtColor(image, cv2.COLOR_BGR2GRAY), cv2.COLOR_GRAY2BGR)
