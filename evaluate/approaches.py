"""People of a folder walking up to the gate: how the scores of one approach stray around their mean."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import numpy as np
from numpy.typing import NDArray

from evaluate.demo.walkup import FPS, Scene, footage, walker_from
from evaluate.folder import Faces
from evaluate.looks import Scoring
from evaluate.scores import Scores
from gate.errors import FacegateError
from gate.vision.quality import Bounds, measure, unfit
from models.align import align
from models.detector import look_closer
from models.faces import largest
from models.images import Image
from models.pack import Models

_PEOPLE = 24
_SECONDS = 3.0


def walked(
    faces: Faces,
    models: Models,
    bounds: Bounds,
    scoring: Scoring,
    seed: int,
    step: Callable[[], None] = lambda: None,
) -> list[tuple[Scores, Scores]]:
    """(seconds, scores against their own other photos) of the usable frames of people walking up, one person each.

    People with two photos or more, drawn by `seed`; usable is a frame whose face lies within `bounds`. `scoring`
    compares templates.
    """
    rng = np.random.default_rng(seed)
    counts = np.bincount(faces.person)
    tracks = []
    for who in rng.permutation(np.flatnonzero(counts >= 2))[:_PEOPLE]:
        step()
        mine = np.flatnonzero(faces.person == who)
        try:
            walker = walker_from(faces.files[mine[0]], models.detector)
        except FacegateError:
            continue
        template = faces.templates[mine[1:]].mean(axis=0)
        frames = footage([Scene(walker, _SECONDS, varied=True)], seed=int(rng.integers(1 << 31)))
        seconds, probes = _probes(frames, models, bounds)
        if len(probes) >= 3:
            scores = scoring(np.stack(probes), (template / np.linalg.norm(template))[None])[:, 0]
            tracks.append((np.array(seconds), scores.astype(np.float64)))
    return tracks


def _probes(frames: Iterable[Image], models: Models, bounds: Bounds) -> tuple[list[float], list[NDArray[np.float32]]]:
    """When a usable face was seen, in seconds of the footage, and its templates (D,)."""
    seconds: list[float] = []
    probes: list[NDArray[np.float32]] = []
    for number, image in enumerate(frames):
        probe = _probe(image, models, bounds, mirrored=len(probes) % 2 == 1)
        if probe is not None:
            seconds.append(number / FPS)
            probes.append(probe)
    return seconds, probes


def _probe(image: Image, models: Models, bounds: Bounds, *, mirrored: bool) -> NDArray[np.float32] | None:
    face = largest(models.detector.detect(image))
    if face is None:
        return None
    face = look_closer(image, face, models.detector) or face
    aligned = align(image, face, models.spec)
    if unfit(measure(face, aligned), bounds) is not None:
        return None
    mirrored = mirrored and models.spec.mirror
    (template,) = models.embedder.glance((aligned[:, ::-1] if mirrored else aligned)[None])
    return template if np.isfinite(template).all() else None
