"""Packs of the insightface library: it finds, downloads and opens them; its models answer through our two protocols."""

from __future__ import annotations

import contextlib
import io
import shutil
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.embedder import Templates, unit_length
from models.errors import PackError
from models.extras import lacks
from models.faces import Face
from models.images import Image
from models.manifest import EmbedderSpec

PREFIX = "insightface:"
TERMS = (
    "insightface's models are for non-commercial research only: do not run a gate on them without a licence from"
    " insightface.ai."
)

# insightface's own alignment template at 112x112 (insightface/utils/face_align.py, arcface_dst).
_LANDMARKS = (
    (38.2946, 51.6963),
    (73.5318, 51.5014),
    (56.0252, 71.7366),
    (41.5493, 92.3655),
    (70.7299, 92.2041),
)
_SCORE_THRESHOLD = 0.5


class Scrfd:
    """A detector of the library behind `models.detector.Detector`; its input has one size, so cut-outs cost as much."""

    cutouts: tuple[int, ...] = ()

    def __init__(self, model: Any) -> None:
        self._model = model

    def detect(self, image: Image) -> list[Face]:
        """See `models.detector.Detector.detect`."""
        boxes, landmarks = self._model.detect(image, input_size=(640, 640))
        faces = np.empty((len(boxes), 15), np.float32)
        faces[:, :2] = boxes[:, :2]
        faces[:, 2:4] = boxes[:, 2:4] - boxes[:, :2]
        # The library's order is the image's left first; the person's right eye is on the image's left.
        faces[:, 4:14] = np.asarray(landmarks, np.float32).reshape(-1, 10)
        faces[:, 14] = boxes[:, 4]
        return [Face.of(numbers) for numbers in faces[np.argsort(-faces[:, 14])].tolist()]


class Recognition:
    """An embedder of the library behind `models.embedder.Embedder`."""

    def __init__(self, model: Any, spec: EmbedderSpec) -> None:
        self._model = model
        self.spec = spec

    def embed(self, faces: NDArray[np.uint8]) -> Templates:
        """See `models.embedder.Embedder.embed`."""
        if len(faces) == 0:
            return np.zeros((0, self.spec.dimension), np.float32)
        return unit_length(np.asarray(self._model.get_feat(list(faces)), np.float32))

    def glance(self, faces: NDArray[np.uint8]) -> Templates:
        """See `models.embedder.Embedder.glance`; these models are never fed the mirror image."""
        return self.embed(faces)


def stage(pack: str, folder: Path, source: Path | None) -> tuple[Path, Path, EmbedderSpec]:
    """Put the pack's detector and embedder into `folder`, from `source` or through the library's own download.

    Returns their paths and how the embedder is fed. Raises PackError.
    """
    name = pack.removeprefix(PREFIX)
    if not name:
        raise PackError("Name the insightface pack, for example insightface:buffalo_s.")
    origin = source if source is not None else _download(name, folder)
    analysis = _open(origin, threads=1)
    try:
        detection, recognition = analysis.models["detection"], analysis.models["recognition"]
    except KeyError as error:
        raise PackError(
            f"The insightface pack {name} needs a detection and a recognition model; it has no {error}."
        ) from error
    paths = []
    for model in (detection, recognition):
        target = folder / Path(model.model_file).name
        if target != Path(model.model_file):
            shutil.copyfile(model.model_file, target)
        paths.append(target)
    return paths[0], paths[1], _spec(recognition)


def open_models(detector: Path, embedder: Path, spec: EmbedderSpec, threads: int) -> tuple[Scrfd, Recognition]:
    """The detector and the embedder of an installed pack, by the paths of their files, on the CPU with so many threads.

    Raises PackError when the library cannot open them.
    """
    analysis = _open(detector.parent, threads)
    try:
        opened = analysis.models["detection"], analysis.models["recognition"]
    except KeyError as error:
        raise PackError(f"The folder {embedder.parent} lacks its {error} model; install the pack again.") from error
    return Scrfd(opened[0]), Recognition(opened[1], spec)


def _open(folder: Path, threads: int) -> Any:
    _ask_for_library()
    import onnxruntime as ort
    from insightface.app import FaceAnalysis

    options = ort.SessionOptions()
    options.intra_op_num_threads = threads
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    try:
        # The library talks on standard output, which belongs to our own answers.
        with contextlib.redirect_stdout(io.StringIO()):
            analysis = FaceAnalysis(
                name=str(folder),
                allowed_modules=["detection", "recognition"],
                providers=["CPUExecutionProvider"],
                sess_options=options,
            )
            analysis.prepare(ctx_id=-1, det_thresh=_SCORE_THRESHOLD, det_size=(640, 640))
    except Exception as error:
        raise PackError(f"insightface cannot open the models in {folder}: {error or type(error).__name__}.") from error
    return analysis


def _download(name: str, folder: Path) -> Path:
    _ask_for_library()
    from insightface.utils import ensure_available

    try:
        with contextlib.redirect_stdout(io.StringIO()):
            return Path(ensure_available("models", name, root=str(folder.parent)))
    except Exception as error:
        raise PackError(
            f"insightface could not download {name} ({error}). Give a folder that holds it with --from."
        ) from error


def _ask_for_library() -> None:
    if why := lacks("insightface"):
        raise PackError(why)


def _spec(recognition: Any) -> EmbedderSpec:
    return EmbedderSpec(
        kind="arcface",
        input_size=int(recognition.input_size[0]),
        mean=float(recognition.input_mean),
        scale=float(recognition.input_std),
        dimension=int(recognition.output_shape[-1]),
        landmarks=_LANDMARKS,
    )
