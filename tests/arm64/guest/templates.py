"""Prints the templates of the photos in a folder, as an enrolment makes them: {model: {photo: numbers}}, one JSON line.

templates.py MODELS PHOTOS

OpenCV opens them: qemu refuses the filter of system calls (seccomp) without which the gate's decoder opens nothing.
"""

import json
import sys
import time
from pathlib import Path

import cv2

from enroll.checks import examine
from models.pack import open_models


def templates(models_dir, photos):
    """Of the models of the pack `open`, its second look among them, and how long a photo took, in seconds."""
    first = open_models(models_dir, "open")
    looks = [look for look in (first, first.second) if look is not None]
    found = {look.model_id: {} for look in looks}
    began = time.monotonic()
    names = sorted(photos.iterdir())
    for path in names:
        aligned = examine(cv2.imread(str(path)), path.name, first).aligned
        for look in looks:
            (template,) = look.embedder.embed(aligned[None])
            found[look.model_id][path.name] = template.tolist()
    return {"templates": found, "seconds": (time.monotonic() - began) / len(names)}


if __name__ == "__main__":
    print(json.dumps(templates(*map(Path, sys.argv[1:]))))
