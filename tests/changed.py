"""Pictures of faces turned, as a photo that lost its orientation or a head that leans, and faces covered."""

import cv2
import numpy as np

from models.faces import Face


def turned(image: np.ndarray, degrees: float) -> np.ndarray:
    """The picture (H, W, 3) turned clockwise, all of it kept, black around it."""
    if degrees % 90 == 0:
        return np.ascontiguousarray(np.rot90(image, -round(degrees / 90)))
    height, width = image.shape[:2]
    side = round(np.hypot(height, width))
    matrix = cv2.getRotationMatrix2D((width / 2, height / 2), -degrees, 1)
    matrix[:, 2] += (side - width) / 2, (side - height) / 2
    return cv2.warpAffine(image, matrix, (side, side))


def masked(image: np.ndarray, face: Face) -> np.ndarray:
    """A surgical mask, drawn from the nose to the chin."""
    x, y, width, height = face.box
    (_, right), (_, left), (across, nose) = face.landmarks[:3]
    upper = (right + left) / 2 + 0.6 * (nose - (right + left) / 2)
    outline = [(x + 0.02 * width, upper), (across, upper - 0.04 * height), (x + 0.98 * width, upper),
               (x + 0.93 * width, y + 0.8 * height), (x + 0.62 * width, y + 1.02 * height),
               (x + 0.38 * width, y + 1.02 * height), (x + 0.07 * width, y + 0.8 * height)]  # fmt: skip
    return cv2.fillPoly(image.copy(), [np.array(outline, np.int32)], (215, 190, 150))


def in_sunglasses(image: np.ndarray, face: Face) -> np.ndarray:
    """Dark glasses, drawn."""
    eyes = np.array(face.landmarks[:2])
    apart = float(np.linalg.norm(eyes[1] - eyes[0]))
    drawn = cv2.line(image.copy(), *(tuple(eye.astype(int)) for eye in eyes), (15, 15, 15), max(1, round(0.08 * apart)))
    for x, y in eyes:
        centre, axes = (int(x), int(y + 0.03 * apart)), (int(0.4 * apart), int(0.3 * apart))
        cv2.ellipse(drawn, centre, axes, 0, 0, 360, (15, 15, 15), -1)
    return drawn
