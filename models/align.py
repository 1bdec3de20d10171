"""Five landmarks onto a template: the similarity transform, and the aligned face it cuts out."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

Matrix = NDArray[np.float64]
Image = NDArray[np.uint8]


def similarity_transform(source: NDArray[np.floating], target: NDArray[np.floating]) -> Matrix:
    """Least-squares rotation, uniform scale and shift that carries `source` onto `target`.

    Both (N, 2), in pixels. Returns the 2x3 matrix for `cv2.warpAffine`. Source: S. Umeyama, "Least-squares
    estimation of transformation parameters between two point patterns", IEEE TPAMI 13(4), 1991, eq. 40-43,
    in its closed form for the plane, where a rotation with scale is one complex factor and cannot mirror.
    Raises ValueError when the source points coincide.
    """
    z, w = (np.asarray(points, np.float64) @ (1, 1j) for points in (source, target))
    zc, wc = z - z.mean(), w - w.mean()
    spread = np.vdot(zc, zc).real
    if not spread > 0:
        raise ValueError("the landmarks coincide")
    factor = np.vdot(zc, wc) / spread
    shift = w.mean() - factor * z.mean()
    return np.array([[factor.real, -factor.imag, shift.real], [factor.imag, factor.real, shift.imag]])


def align(image: Image, landmarks: NDArray[np.floating], template: NDArray[np.floating], size: int) -> Image:
    """The face as a (size, size, 3) picture in the image's own colour order, its landmarks on `template`.

    `image` (H, W, 3) uint8; `landmarks` and `template` (5, 2) pixels in the order right eye, left eye, nose,
    right mouth corner, left mouth corner (the person's right). Outside the image is black.
    """
    matrix = similarity_transform(landmarks, template)
    return np.asarray(cv2.warpAffine(image, matrix, (size, size), flags=cv2.INTER_LINEAR), np.uint8)


def shrunk(image: Image, longest: int) -> tuple[Image, float]:
    """The image with neither side above `longest` pixels, and the factor it was shrunk by (1 or less)."""
    scale = min(1.0, longest / max(image.shape[:2]))
    if scale == 1:
        return image, 1.0
    height, width = (max(1, round(side * scale)) for side in image.shape[:2])
    return np.asarray(cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA), np.uint8), scale
