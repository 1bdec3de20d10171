"""Passive liveness checks: how live one face looks on one picture."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from models.boxes import Box
from models.images import Image
from models.manifest import LivenessSpec
from models.runtime import Provider, open_session

# A softmax in float32 saturates; beyond this its logarithm says nothing.
_MOST_LOGIT = 12.0


class LivenessCheck:
    """An ONNX classifier that looks at the face and its surround, cut at the sizes its manifest names."""

    def __init__(self, path: Path, spec: LivenessSpec, *, threads: int = 1, provider: Provider = "cpu") -> None:
        self._session = open_session(path, threads=threads, provider=provider)
        self._input = self._session.get_inputs()[0].name
        self.spec = spec

    def live(self, image: Image, box: Box) -> float:
        """The mean log-odds that the face in `box` (x, y, width, height) is a live one, over the crops' sizes.

        `image` (H, W, 3) uint8 BGR. NaN when the model gives no number.
        """
        cut = cut_shifted if self.spec.crop == "shifted" else cut_padded
        size = self.spec.input_size
        crops = [cv2.resize(cut(image, box, scale), (size, size)) for scale in self.spec.scales]
        batch = np.stack(crops) if self.spec.colour == "BGR" else np.stack(crops)[..., ::-1]
        blob = np.ascontiguousarray(batch.transpose(0, 3, 1, 2), np.float32) / np.float32(self.spec.divisor)
        # The published files take one picture at a time.
        outputs = np.concatenate([self._session.run(None, {self._input: one[None]})[0] for one in blob])
        return float(np.mean(_log_odds(outputs, self.spec.live_class)))

    def evidence(self, image: Image, box: Box) -> float:
        """For a live face positive, against it negative, on one scale for all checks; NaN as in `live`."""
        calibration = self.spec.calibration
        return calibration.weight * (self.live(image, box) - calibration.neutral)


def evidence_of(checks: Sequence[LivenessCheck], image: Image, box: Box) -> float:
    """What all checks together say of the face in `box` on one picture: their mean evidence, 0 without checks."""
    return sum((check.evidence(image, box) for check in checks), start=0.0) / max(len(checks), 1)


def cut_shifted(image: Image, box: Box, scale: float) -> Image:
    """The box grown `scale` times, shrunk to fit into the picture and shifted inside it (Silent-Face-Anti-Spoofing)."""
    height, width = image.shape[:2]
    x, y, box_width, box_height = box
    scale = min((height - 1) / max(box_height, 1.0), (width - 1) / max(box_width, 1.0), scale)
    half_width, half_height = box_width * scale / 2, box_height * scale / 2
    middle_x = min(max(x + box_width / 2, half_width), width - 1 - half_width)
    middle_y = min(max(y + box_height / 2, half_height), height - 1 - half_height)
    left, top = max(0, int(middle_x - half_width)), max(0, int(middle_y - half_height))
    right, bottom = int(middle_x + half_width), int(middle_y + half_height)
    return image[top : max(bottom, top) + 1, left : max(right, left) + 1]


def cut_padded(image: Image, box: Box, scale: float) -> Image:
    """A square of `scale` times the box's longer side about its centre, black outside (hairymax/Face-AntiSpoofing)."""
    x, y, width, height = box
    side = max(1, round(max(width, height) * scale))
    left, top = round(x + width / 2 - side / 2), round(y + height / 2 - side / 2)
    square = np.zeros((side, side, 3), np.uint8)
    rows = slice(max(0, top), max(0, min(image.shape[0], top + side)))
    columns = slice(max(0, left), max(0, min(image.shape[1], left + side)))
    inside = image[rows, columns]
    if inside.size:
        at_y, at_x = rows.start - top, columns.start - left
        square[at_y : at_y + inside.shape[0], at_x : at_x + inside.shape[1]] = inside
    return square


def _log_odds(outputs: NDArray[np.float32], live_class: int) -> NDArray[np.float64]:
    scores = outputs.astype(np.float64)
    if ((scores >= 0) & (scores <= 1)).all() and np.allclose(scores.sum(axis=1), 1, atol=1e-3):
        scores = np.log(np.maximum(scores, 1e-12))
    others = np.delete(scores, live_class, axis=1)
    odds = scores[:, live_class] - np.logaddexp.reduce(others, axis=1)
    return np.asarray(np.clip(odds, -_MOST_LOGIT, _MOST_LOGIT))
