"""Whether the embedder in eight-bit integers is worth it: faster by how much, and at what price in residents missed."""

import statistics
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from onnxruntime import set_default_logger_severity
from onnxruntime.quantization import CalibrationDataReader, CalibrationMethod, QuantFormat, QuantType, quantize_static

from enroll.checks import PhotoRefused, examine
from evaluate.folder import Listing, list_people, look
from evaluate.identification import Protocol, attempt, fnir_at
from gate.vision.quality import Bounds
from gate.vision.settings import VisionSettings
from models.embedder import ArcFace
from models.installed import pack_folder
from models.pack import Models
from tests.enrolling import picture_in

# Within this of the whole numbers it would be taken, percentage points of FNIR at FPIR 0.3 %.
WORTH_IT = 0.2
PICTURES = 200
ROUNDS = 60

pytestmark = pytest.mark.soak


class Pictures(CalibrationDataReader):
    """Aligned faces as the network is fed them, ten at a time."""

    def __init__(self, faces: np.ndarray, name: str) -> None:
        fed = np.ascontiguousarray((faces[..., ::-1].astype(np.float32) - 127.5).transpose(0, 3, 1, 2) / 128)
        self._given = iter([{name: fed[at : at + 10]} for at in range(0, len(fed), 10)])

    def get_next(self) -> dict[str, np.ndarray] | None:
        return next(self._given, None)


def test_eight_bits_cost_more_than_they_bring(shared: Path, models: Models, models_dir: Path, tmp_path: Path) -> None:
    # It tells of every number that it leaves out.
    set_default_logger_severity(3)
    folder = shared / "faces" / "lfw"
    whole = pack_folder(models_dir, "open") / "MobileFaceNet.onnx"
    faces = _portraits(list_people(folder, (1, 2)), models)
    quantize_static(
        whole, tmp_path / "int8.onnx", Pictures(faces, ArcFace(whole, models.spec)._input), per_channel=True,
        quant_format=QuantFormat.QDQ, activation_type=QuantType.QUInt8, weight_type=QuantType.QInt8,
        calibrate_method=CalibrationMethod.Percentile,
    )  # fmt: skip
    forms = {"float32": models.embedder, "int8": ArcFace(tmp_path / "int8.onnx", models.spec)}
    judged = list_people(folder, (2, 2))
    print(f"\nranges from {len(faces)} faces of part 1/2, judged on part 2/2")
    missed = {}
    for name, embedder in forms.items():
        seen = look(judged, replace(models, embedder=embedder), Bounds.of(VisionSettings()), lambda: None)
        found = fnir_at(attempt(seen.templates, seen.person, seen.enrols, Protocol()))
        missed[name] = 100 * found[0.003][0]
        print(f"{name:8} {_milliseconds(embedder, faces):5.2f} ms a face, FNIR at FPIR 0.3 % {missed[name]:.2f} %")
    assert missed["int8"] - missed["float32"] > WORTH_IT, "it has become worth it: take it"


def _portraits(listing: Listing, models: Models) -> np.ndarray:
    faces = []
    for _, path in listing.photos:
        try:
            faces.append(examine(picture_in(path), path.name, models).aligned)
        except PhotoRefused:
            continue
        if len(faces) == PICTURES:
            break
    return np.stack(faces)


def _milliseconds(embedder: ArcFace, faces: np.ndarray) -> float:
    taken = []
    for number in range(ROUNDS):
        began = time.perf_counter()
        embedder.glance(faces[number % len(faces)][None])
        taken.append((time.perf_counter() - began) * 1000)
    return statistics.median(taken)
