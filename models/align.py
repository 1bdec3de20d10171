"""Five landmarks onto a template: the similarity transform, and the aligned picture of a face it cuts out."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import ArrayLike, NDArray

from models.faces import Face
from models.images import Image
from models.manifest import EmbedderSpec

Matrix = NDArray[np.float64]


def similarity_transform(source: ArrayLike, target: ArrayLike) -> Matrix:
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


def align(image: Image, face: Face, spec: EmbedderSpec) -> Image:
    """The picture of a face that an embedder takes: (size, size, 3) uint8, its landmarks on the embedder's template.

    `size` is the embedder's `input_size`. The colours are those of the image; outside of it is black. Raises ValueError
    when the face's landmarks coincide.
    """
    matrix = similarity_transform(face.landmarks, spec.landmarks)
    size = (spec.input_size, spec.input_size)
    return np.asarray(cv2.warpAffine(image, matrix, size, flags=cv2.INTER_LINEAR), np.uint8)
