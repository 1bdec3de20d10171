"""ArcFace-type embedders: an aligned face becomes a unit-length template."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from models.manifest import EmbedderSpec
from models.runtime import Provider, open_session

Templates = NDArray[np.float32]


class Embedder(Protocol):
    """What turns aligned faces (see `models.align`) into templates that compare by cosine similarity."""

    spec: EmbedderSpec

    def embed(self, faces: NDArray[np.uint8]) -> Templates:
        """Aligned faces (N, size, size, 3) uint8 BGR to unit-length templates (N, dimension) float32.

        A face whose output is not finite gets a row of NaN, which no comparison accepts.
        """
        ...

    def glance(self, faces: NDArray[np.uint8]) -> Templates:
        """As `embed`, without the mirror image: half the work, for whoever averages many frames of one face.

        Every second frame mirrored by the caller brings the mean what `embed` of each would.
        """
        ...


class ArcFace:
    """An embedder in ONNX Runtime: any ArcFace-type file, fed as its manifest says.

    One whose batch is fixed to a single picture is asked once for each.
    """

    def __init__(self, path: Path, spec: EmbedderSpec, *, threads: int = 1, provider: Provider = "cpu") -> None:
        self._session = open_session(path, threads=threads, provider=provider)
        given = self._session.get_inputs()[0]
        self._input, self._one_by_one = given.name, given.shape[0] == 1
        self.spec = spec

    def embed(self, faces: NDArray[np.uint8]) -> Templates:
        """See `Embedder.embed`. With `mirror`, the mirrored face's output is added before normalising."""
        if not self.spec.mirror:
            return self.glance(faces)
        output = self._run(np.concatenate([faces, faces[:, :, ::-1]]))
        return unit_length(output[: len(faces)] + output[len(faces) :])

    def glance(self, faces: NDArray[np.uint8]) -> Templates:
        """See `Embedder.glance`."""
        return unit_length(self._run(faces))

    def _run(self, faces: NDArray[np.uint8]) -> NDArray[np.float32]:
        if len(faces) == 0:
            return np.zeros((0, self.spec.dimension), np.float32)
        batch = faces if self.spec.colour == "BGR" else faces[..., ::-1]
        blob = (batch.astype(np.float32) - self.spec.mean) / self.spec.scale
        if self.spec.layout == "NCHW":
            blob = blob.transpose(0, 3, 1, 2)
        parts = np.split(blob, len(blob)) if self._one_by_one else [blob]
        outputs = [self._session.run(None, {self._input: np.ascontiguousarray(part)})[0] for part in parts]
        return np.concatenate(outputs).astype(np.float32, copy=False)


def unit_length(vectors: NDArray[np.float32]) -> Templates:
    """Vectors (N, D) scaled to length 1 each; one that is zero or not finite becomes NaN, all of it."""
    with np.errstate(all="ignore"):
        length = np.linalg.norm(vectors, axis=1, keepdims=True)
        scaled = vectors / length
    scaled[~np.isfinite(scaled).all(axis=1)] = np.nan
    return np.asarray(scaled, np.float32)
