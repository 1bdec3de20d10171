"""Measuring the way from frame to relay beside the bare models it is made of, in one run."""

from __future__ import annotations

import json
import os
import resource
import sqlite3
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from itertools import count, pairwise
from pathlib import Path
from typing import Any

import numpy as np

from gate.config import Settings
from gate.door.controller import Controller
from gate.replay import VideoRelay, known_in_footage
from gate.store.people import residents
from gate.vision.gallery import Gallery, judging, judging_again
from gate.vision.recogniser import Recogniser
from gate.vocabulary import Frame
from models.align import align
from models.detector import look_closer
from models.images import Image
from models.liveness import LivenessCheck
from models.pack import Models

_SIZES = (1_000, 10_000, 100_000)
_LARGE = 1_000_000
# A million templates are held three times over while the gallery is built.
_LARGE_NEEDS = 6 << 30
_BATCHES = (1, 2, 4, 8)
_IDLE_FPS = 10
_FOLLOWED = ("detector", "alignment", "embedder")
_FPS = 30


def stages(models: Models, images: list[Image], rounds: int) -> dict[str, list[float]]:
    """Milliseconds of each model alone, on frames with a face.

    `search` finds faces in the whole picture, `detector` looks again at one that is followed, on its cut-outs;
    `embedder` takes one image a frame, as the gate does, which mirrors every second one. The searches come first: a
    followed face is not searched for, and a search would leave the detector's weights in the processor's cache.
    """
    found: dict[str, list[float]] = {"search": [], "detector": [], "alignment": [], "embedder": []}
    shown = [images[number % len(images)] for number in range(rounds)]
    faces = []
    for image in shown:
        began = time.perf_counter()
        faces.append(models.detector.detect(image)[0])
        found["search"].append((time.perf_counter() - began) * 1000)
    for image, searched in zip(shown, faces, strict=True):
        began = time.perf_counter()
        face = look_closer(image, searched, models.detector) or searched
        detected = time.perf_counter()
        aligned = align(image, face, models.spec)
        cut = time.perf_counter()
        models.embedder.glance(aligned[None])
        embedded = time.perf_counter()
        for name, (start, end) in zip(_FOLLOWED, pairwise((began, detected, cut, embedded)), strict=True):
            found[name].append((end - start) * 1000)
    return found


def in_turn(rounds: int, *measures: Callable[[], dict[str, list[float]]]) -> list[dict[str, list[float]]]:
    """Each measure so many times, in turn: what else the machine does falls on all of them alike."""
    found: list[dict[str, list[float]]] = [{} for _ in measures]
    for _ in range(rounds):
        for kept, measure in zip(found, measures, strict=True):
            for name, values in measure().items():
                kept.setdefault(name, []).extend(values)
    return found


def together(alone: dict[str, list[float]]) -> list[float]:
    """What the models take for one frame of a face that is followed: all of `stages` but the search."""
    return [sum(parts) for parts in zip(*(alone[name] for name in _FOLLOWED), strict=True)]


def pipeline(
    models: Models, store: sqlite3.Connection, images: list[Image], settings: Settings,
    checks: Sequence[LivenessCheck] = (), after: Callable[[Frame], object] = lambda _: None,
) -> dict[str, list[float]]:  # fmt: skip
    """Milliseconds from a frame in hand to the relay's edge, for frames that open and for every frame.

    A new person comes: frames until the claim. `decisive` is the frame on which the relay moved; `all` is every frame
    up to it. What else is done with a frame `after` it was answered is not counted itself.
    """
    gallery, live = judging(store, models).gallery, judging_again(store, models)
    again = live.gallery if live is not None else None
    resident = partial(residents.get, store)
    found: dict[str, list[float]] = {"decisive": [], "all": []}
    recogniser = Recogniser(models, settings.vision, partial(next, map(str, count())), checks)
    relay = VideoRelay(settings.door)
    controller = Controller(settings.door, relay, lambda _event: None)
    for number, image in enumerate(images):
        relay.now = t = number / _FPS
        frame = Frame(image, "bench", t)
        began = time.perf_counter()
        claims = recogniser.see(frame, gallery, again=again)
        opened = [controller.claim(claim, known_in_footage(claim, resident), t) for claim in claims]
        took = (time.perf_counter() - began) * 1000
        found["all"].append(took)
        if any(verdict.granted for verdict, _ in opened):
            found["decisive"].append(took)
            break
        after(frame)
    controller.stop(t)
    return found


def cold_start(models_dir: Path, state: Path, frames: Path, templates: int) -> dict[str, float]:
    """{"first_face_s", "memory_mb"} of a new process that recognises somebody of `state` on `frames` (an .npy file).

    So many templates of nobody are in its gallery too. Raises CalledProcessError when it does not.
    """
    given = json.dumps(
        {"models_dir": str(models_dir.absolute()), "state": str(state), "frames": str(frames), "templates": templates}
    )
    began = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-m", "evaluate.coldstart"], input=f"{given}\n", capture_output=True, text=True, check=True
    )
    return {"first_face_s": round(time.perf_counter() - began, 2), **json.loads(done.stdout)}


def batches(models: Models, face: Image, rounds: int) -> dict[str, float]:
    """Median milliseconds a face, by how many aligned faces ((size, size, 3) uint8) are embedded at once."""
    return {
        str(size): round(
            statistics.median(_timed(partial(models.embedder.glance, np.repeat(face[None], size, axis=0)), rounds))
            / size,
            2,
        )
        for size in _BATCHES
    }


def idle(models: Models, images: Iterable[Image]) -> dict[str, float]:
    """Share of a core that an empty gateway costs at 10 frames a second, and how often the embedder ran.

    Reading `images` is counted in.
    """
    recogniser = Recogniser(models, Settings().vision, partial(next, map(str, count())))
    gallery = Gallery([], models.spec.dimension)
    began, frames = _cpu_s(), 0
    for number, image in enumerate(images):
        recogniser.see(Frame(image, "bench", number / _IDLE_FPS), gallery)
        frames += 1
    return {"core_percent": round(100 * (_cpu_s() - began) * _IDLE_FPS / frames, 2), "embedded": recogniser.embedded}


def searches(dimension: int, rounds: int, largest: int = _LARGE) -> dict[str, float]:
    """Median milliseconds of one search, by the number of templates in the gallery, at most `largest`."""
    rng = np.random.default_rng(0)
    free = os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    sizes = (*_SIZES, _LARGE) if free >= _LARGE_NEEDS else _SIZES
    return {str(size): _search_ms(size, dimension, rounds, rng) for size in sizes if size <= largest}


def median_and_p95(values: list[float]) -> dict[str, float]:
    """{"p50", "p95"} of some milliseconds, to two decimals."""
    return {
        "p50": round(statistics.median(values), 2),
        "p95": round(sorted(values)[min(len(values) - 1, int(len(values) * 0.95))], 2),
    }


def machine() -> dict[str, Any]:
    """What the figures were measured on: {"cores", "load"}, the load being the average of the last minute."""
    return {"cores": os.cpu_count(), "load": round(os.getloadavg()[0], 2)}


def _search_ms(size: int, dimension: int, rounds: int, rng: np.random.Generator) -> float:
    vectors = rng.normal(size=(size, dimension)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    gallery = Gallery([(n, str(n), vector.tobytes()) for n, vector in enumerate(vectors)], dimension)
    return round(statistics.median(_timed(lambda: gallery.search(vectors[0]), rounds)), 3)


def _timed(work: Callable[[], object], rounds: int) -> list[float]:
    taken = []
    for _ in range(rounds):
        began = time.perf_counter()
        work()
        taken.append((time.perf_counter() - began) * 1000)
    return taken


def _cpu_s() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime
