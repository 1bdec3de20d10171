"""What a user would pick instead, each installed in an environment of its own and run on the same frames."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

_INSTALL_WITHIN_S = 900
_RUN_WITHIN_S = 300

_HEAD = "import json, sys, time\nimport numpy as np\nframes, taken = np.load(sys.argv[1]), []\n"
_TAIL = "print(json.dumps(taken[1:]))\n"


@dataclass(frozen=True, slots=True)
class Peer:
    """A library: what pip installs for it, and its own documented way from a frame to a template.

    `without_dependencies` for one whose own list asks for a compiler.
    """

    requirements: tuple[str, ...]
    prepare: str
    each: str
    without_dependencies: bool = False

    @property
    def script(self) -> str:
        """Prints the milliseconds of every frame ((H, W, 3) uint8 BGR in an .npy file) but the first."""
        loop = ["for frame in frames:", "    began = time.perf_counter()", f"    {self.each}"]
        noted = "    taken.append((time.perf_counter() - began) * 1000)"
        return "\n".join([_HEAD, self.prepare, *loop, noted, _TAIL])


PEERS = {
    "face_recognition": Peer(
        ("face_recognition==1.3.0", "face_recognition_models", "dlib-bin", "numpy", "pillow", "click", "setuptools<81"),
        "import face_recognition",
        "rgb = frame[..., ::-1].copy(); face_recognition.face_encodings(rgb, face_recognition.face_locations(rgb))",
        without_dependencies=True,
    ),
    "deepface": Peer(
        ("deepface", "tf-keras"),
        "from deepface import DeepFace",
        "DeepFace.represent(frame, model_name='Facenet', detector_backend='opencv', enforce_detection=False)",
    ),
    "insightface": Peer(
        ("insightface", "onnxruntime"),
        "from insightface.app import FaceAnalysis\n"
        "app = FaceAnalysis('buffalo_s', providers=['CPUExecutionProvider'])\n"
        "app.prepare(ctx_id=-1)",
        "app.get(frame)",
    ),
}


def measure(peer: Peer, folder: Path, frames: Path) -> float | str:
    """Median milliseconds a frame, installed into `folder`; or, in words, why it could not be measured."""
    python = folder / "bin" / "python"
    try:
        if not python.exists():
            _run([sys.executable, "-m", "venv", str(folder)], _INSTALL_WITHIN_S)
        alone = ["--no-deps"] if peer.without_dependencies else []
        pip = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *alone]
        if peer.requirements:
            _run([*pip, *peer.requirements], _INSTALL_WITHIN_S)
        printed = _run([str(python), "-W", "ignore", "-c", peer.script, str(frames)], _RUN_WITHIN_S)
        return float(round(statistics.median(json.loads(printed.splitlines()[-1])), 1))
    except subprocess.TimeoutExpired:
        return "took too long"
    except subprocess.CalledProcessError as error:
        lines = [line for line in str(error.stderr).splitlines() if line.strip()]
        return lines[-1][:160] if lines else f"ended with code {error.returncode}"
    except (OSError, ValueError, IndexError, statistics.StatisticsError) as error:
        return str(error)


def measure_all(folder: Path, frames: Path, told: Callable[[str], None]) -> dict[str, float | str]:
    """Each of them, one after the other."""
    found = {}
    for name in PEERS:
        told(name)
        found[name] = measure(PEERS[name], folder / name, frames)
    return found


def _run(command: list[str], within_s: float) -> str:
    one_thread = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "TF_NUM_INTRAOP_THREADS"), "1")
    done = subprocess.run(
        command, capture_output=True, text=True, check=True, timeout=within_s, env={**os.environ, **one_thread}
    )
    return done.stdout
