"""One built-in face that must give its stored embedding: it catches a runtime that computes wrongly."""

from __future__ import annotations

import base64
import binascii

import numpy as np
from numpy.typing import NDArray

from models.embedder import Embedder
from models.errors import PackError

# Wide enough for the rounding in which runtimes and processors differ, narrow for a kernel that computes wrongly.
TOLERANCE = 1e-3


def drawn_face(size: int) -> NDArray[np.uint8]:
    """A face drawn with whole numbers alone, the same on every machine: (size, size, 3) uint8 BGR."""
    y, x = np.mgrid[0:size, 0:size].astype(np.int64) * 1120 // size
    picture = np.stack([40 + x * 60 // 1120, 50 + y * 50 // 1120, 60 + (x + y) * 30 // 1120], axis=-1)
    shade = (x - 300) * 40 // 1120

    def paint(cx: int, cy: int, rx: int, ry: int, colour: tuple[int, int, int]) -> None:
        inside = (x - cx) ** 2 * ry**2 + (y - cy) ** 2 * rx**2 <= (rx * ry) ** 2
        picture[inside] = np.asarray(colour) + shade[inside, None]

    paint(560, 380, 470, 560, (40, 45, 50))
    paint(560, 640, 400, 520, (120, 150, 190))
    for centre in (383, 735):
        paint(centre, 430, 95, 22, (45, 55, 70))
        paint(centre, 516, 75, 34, (200, 205, 210))
        paint(centre, 516, 32, 32, (30, 40, 60))
    paint(560, 640, 42, 110, (105, 135, 175))
    paint(560, 720, 85, 36, (95, 120, 165))
    paint(560, 925, 150, 38, (80, 80, 160))
    paint(560, 915, 140, 10, (50, 45, 90))
    return picture.clip(0, 255).astype(np.uint8)


def embedding_as_text(embedder: Embedder) -> str:
    """The drawn face's embedding, to be kept: base64 of little-endian float32."""
    (template,) = embedder.embed(drawn_face(embedder.spec.input_size)[None])
    return base64.b64encode(template.astype("<f4").tobytes()).decode("ascii")


def check(embedder: Embedder, stored: str, pack: str) -> None:
    """Raises PackError unless the embedder gives the drawn face the embedding `stored` as text of `pack`."""
    try:
        expected = np.frombuffer(base64.b64decode(stored, validate=True), "<f4")
    except (binascii.Error, ValueError) as error:
        raise PackError(
            f"The stored embedding of pack {pack} is damaged. Run: facegate models install {pack}"
        ) from error
    (template,) = embedder.embed(drawn_face(embedder.spec.input_size)[None])
    if expected.shape != template.shape or not float(template @ expected) >= 1 - TOLERANCE:
        raise PackError(
            f"The embedder of pack {pack} computes wrongly on this machine: its built-in face does not give the stored"
            " embedding. Install the onnxruntime version Facegate was tested with."
        )
