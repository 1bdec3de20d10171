"""From nothing to the first recognised face, as a process of its own: what `facegate bench` times and weighs."""

from __future__ import annotations

import json
import sys
from itertools import count
from pathlib import Path

import numpy as np

import gate.vision.service  # noqa: F401 - all that the vision process loads counts
from gate.store.database import open_read_only
from gate.store.people import templates
from gate.vision.gallery import Gallery
from gate.vision.recogniser import Recogniser
from gate.vision.settings import VisionSettings
from gate.vocabulary import Frame
from models.embedder import unit_length
from models.pack import open_models

# Numbers that no resident of a bench has.
_NOBODY = 1_000_000


def main() -> int:
    """{"models_dir", "state", "frames", "templates"} on standard input.

    Answers {"memory_mb"} once somebody is recognised, else exits with 1.
    """
    given = json.loads(sys.stdin.readline())
    models = open_models(Path(given["models_dir"]), "open", threads=1)
    dimension = models.spec.dimension
    rows = templates.vectors(open_read_only(Path(given["state"])), models.model_id)
    nobody = unit_length(np.random.default_rng(0).normal(size=(given["templates"], dimension)).astype(np.float32))
    rows += [(_NOBODY + number, f"nobody {number}", one.tobytes()) for number, one in enumerate(nobody)]
    gallery = Gallery(rows, dimension, models.calibration.faces_of_nobody(dimension))
    numbers = count(1)
    recogniser = Recogniser(models, VisionSettings(liveness="off"), lambda: str(next(numbers)))
    for number, image in enumerate(np.load(given["frames"])):
        if any(claim.resident for claim in recogniser.see(Frame(image, "bench", number / 30), gallery)):
            print(json.dumps({"memory_mb": _most_megabytes()}), flush=True)
            return 0
    return 1


def _most_megabytes() -> float:
    # Not by getrusage, whose figure for a new process begins with what its parent held.
    status = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text("ascii").splitlines())
    return round(int(status["VmHWM"].split()[0]) / 1024, 1)


if __name__ == "__main__":
    sys.exit(main())
