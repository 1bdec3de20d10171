"""Finding faces: what a detector is, a closer look at one face, and YuNet, read straight from its ONNX outputs."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

from models.boxes import Box, overlap
from models.faces import Face, mean
from models.images import Image, resized, shrunk
from models.manifest import DetectorSpec
from models.runtime import Provider, open_session

_STRIDES = (8, 16, 32)
# A camera's own size, the smaller one of a search, and those of cut-outs that reach over an edge.
_SIZES_KEPT = 32
# A cut-out shows the face and half of it again to every side; with less, YuNet places the landmarks worse.
GROWN = 2.0
# A face that overlaps less than this with where it was (intersection over union) is looked for in the whole picture.
SAME_FACE = 0.2


class Detector(Protocol):
    """What finds faces in a picture. Whoever has one may have it look closer too, by `look_closer` and `look_at`."""

    cutouts: tuple[int, ...]
    """Sides of the cut-outs on which one face is looked at again, pixels; empty where that brings nothing."""

    def detect(self, image: Image) -> list[Face]:
        """Faces in `image` ((H, W, 3) uint8, BGR), best first, in its pixels."""
        ...


def find_shrunk(image: Image, detector: Detector, side: int) -> list[Face]:
    """Faces in an image (H, W, 3) uint8 BGR, best first, found on a copy with neither side above `side` pixels.

    They are in pixels of the image.
    """
    small, scale = shrunk(image, side)
    found = detector.detect(small)
    return found if scale == 1 else [face.in_whole(scale) for face in found]


def look_closer(image: Image, face: Face, detector: Detector) -> Face | None:
    """The same face in an image (H, W, 3) uint8 BGR by a closer look: the mean of what cut-outs of several sizes show.

    Landmarks from one size stray with the detector's grid; their mean lies nearer to the truth, and costs a fraction of
    looking through the whole picture. None where no cut-out shows the face, or the detector takes none.
    """
    found = [seen for side in detector.cutouts if (seen := look_at(image, face.box, detector, side)) is not None]
    return mean(found) if found else None


def look_at(image: Image, box: Box, detector: Detector, side: int) -> Face | None:
    """The face at `box` in an image (H, W, 3) uint8 BGR, by a cut-out made `side` pixels large; None where none is."""
    x, y, width, height = box
    reach = GROWN * max(width, height) / 2
    across, down = x + width / 2, y + height / 2
    left, top = max(0, int(across - reach)), max(0, int(down - reach))
    cut = image[top : max(top, int(down + reach)), left : max(left, int(across + reach))]
    if not cut.size:
        return None
    scale = side / max(cut.shape[:2])
    size = max(1, round(cut.shape[1] * scale)), max(1, round(cut.shape[0] * scale))
    faces = [face.in_whole(scale, left, top) for face in detector.detect(resized(cut, size))]
    best = max(faces, key=lambda face: overlap(face.box, box), default=None)
    return best if best is not None and overlap(best.box, box) >= SAME_FACE else None


class YuNet:
    """YuNet in ONNX Runtime. Its strides and box coding are those of libfacedetection.train (Shiqi Yu)."""

    def __init__(self, path: Path, spec: DetectorSpec, *, threads: int = 1, provider: Provider = "cpu") -> None:
        self._session = open_session(path, threads=threads, provider=provider)
        self._input = self._session.get_inputs()[0].name
        self._spec = spec
        self.cutouts = spec.cutouts
        self._anchors: dict[tuple[int, int], tuple[NDArray[np.float32], NDArray[np.float32]]] = {}

    def detect(self, image: Image) -> list[Face]:
        """See `Detector.detect`."""
        height, width = image.shape[:2]
        padded_size = tuple(-(-side // _STRIDES[-1]) * _STRIDES[-1] for side in (height, width))
        blob = np.zeros((1, 3, *padded_size), np.float32)
        blob[0, :, :height, :width] = image.transpose(2, 0, 1)
        raw = self._session.run(None, {self._input: blob})
        cls, obj, box, points = (np.concatenate(raw[i : i + 3], axis=1)[0] for i in range(0, 12, 3))
        score = np.sqrt(np.clip(cls[:, 0], 0, 1) * np.clip(obj[:, 0], 0, 1))
        keep = score >= self._spec.score_threshold
        if not keep.any():
            return []
        return self._decode(box[keep], points[keep], score[keep], *self._anchors_of(padded_size, keep))

    def _decode(
        self,
        box: NDArray[np.float32],
        points: NDArray[np.float32],
        score: NDArray[np.float32],
        corner: NDArray[np.float32],
        stride: NDArray[np.float32],
    ) -> list[Face]:
        centre = corner + box[:, :2] * stride
        size = np.exp(box[:, 2:]) * stride
        landmarks = points.reshape(-1, 5, 2) * stride[:, None] + corner[:, None]
        faces = np.hstack([centre - size / 2, size, landmarks.reshape(-1, 10), score[:, None]]).astype(np.float32)
        faces = faces[np.isfinite(faces).all(axis=1)]
        kept = cv2.dnn.NMSBoxes(
            faces[:, :4].tolist(), faces[:, 14].tolist(), self._spec.score_threshold, self._spec.nms_iou
        )
        return [Face.of(numbers) for numbers in faces[np.asarray(kept, np.intp).reshape(-1)].tolist()]

    def _anchors_of(
        self, padded_size: tuple[int, ...], keep: NDArray[np.bool_]
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        height, width = padded_size
        if (height, width) not in self._anchors:
            corners: list[NDArray[np.int64]] = []
            strides: list[NDArray[np.int64]] = []
            for step in _STRIDES:
                rows, columns = np.mgrid[0 : height // step, 0 : width // step]
                corners.append(np.stack([columns, rows], axis=-1).reshape(-1, 2) * step)
                strides.append(np.full((corners[-1].shape[0], 1), step))
            if len(self._anchors) >= _SIZES_KEPT:
                self._anchors.clear()
            self._anchors[height, width] = (
                np.concatenate(corners).astype(np.float32),
                np.concatenate(strides).astype(np.float32),
            )
        corner, stride = self._anchors[height, width]
        return corner[keep], stride[keep]
