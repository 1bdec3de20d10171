"""How many new people are stopped as somebody else, and how many who are enrolled already go unnoticed."""

from __future__ import annotations

import os
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import pytest

from enroll.checks import PhotoRefused, examine
from enroll.duplicates import Likeness, likeness_asked, probes_of
from gate.vision.evidence import shared_with
from models.embedder import Templates
from models.pack import Models, open_models
from tests.enrolling import picture_in

DRAWINGS, ENROLLED, NEW = 6, 800, 400
MOST_PHOTOS = 6

pytestmark = pytest.mark.soak


def test_few_new_people_are_stopped_and_few_who_are_enrolled_already_are_missed(
    shared: Path, models: Models, models_dir: Path
) -> None:
    people = sorted((shared / "faces" / "lfw").iterdir())
    with ProcessPoolExecutor(os.cpu_count(), get_context("spawn")) as pool:
        given = pool.map(partial(_templates, models_dir=models_dir), people, chunksize=50)
        known = {person.name: found for person, found in zip(people, given, strict=True) if len(found)}
    print(f"\n{len(known)} people on {sum(map(len, known.values()))} photos, {DRAWINGS} drawings")
    rng = np.random.default_rng(3)
    for enrolled, comes in ((1, 1), (1, 3), (3, 1), (3, 3)):
        drawn = [_drawn(known, models, rng, enrolled, comes) for _ in range(DRAWINGS)]
        new = np.mean([one[0] for one in drawn], axis=0)
        again = np.mean([one[1] for one in drawn], axis=0)
        print(f"enrolled from {enrolled}, comes with {comes}, {drawn[0][2]} people:")
        print(f"  new ones stopped {new[0]:.2%}, as the same {new[1]:.2%}")
        print(f"  enrolled already, missed {again[0]:.2%}, not as the same {again[1]:.2%}")
        assert new[0] <= 0.03
        assert new[1] <= 0.005
        assert again[0] <= 0.09


def _templates(person: Path, *, models_dir: Path) -> Templates:
    """Of the good photos of one person, cut to their middle as whoever enrols cuts others off."""
    models = open_models(models_dir, "open", threads=1)
    found = []
    for photo in sorted(person.glob("*.jpg"))[:MOST_PHOTOS]:
        whole = picture_in(photo)
        height, width = whole.shape[:2]
        cut = whole[height * 3 // 20 : height * 17 // 20, width * 3 // 20 : width * 17 // 20]
        try:
            found.append(models.embedder.embed(examine(np.ascontiguousarray(cut), "it", models).aligned[None])[0])
        except PhotoRefused:
            continue
    return np.array(found, np.float32)


def _drawn(
    known: dict[str, Templates], models: Models, rng: np.random.Generator, enrolled: int, comes: int
) -> tuple[list[float], list[float], int]:
    """Of new people the shares stopped and called the same; of enrolled ones those missed and not called the same."""
    order = list(rng.permutation(sorted(known)))
    there = [name for name in order if len(known[name]) >= enrolled][:ENROLLED]
    asked = {one: likeness_asked(models.calibration, len(there), one) for one in Likeness}
    cohort = models.calibration.faces_of_nobody(models.spec.dimension)
    means = np.array([_mean(known[name][:enrolled]) for name in there])
    shared_by = shared_with(means, cohort)

    def scores(photos: Sequence[np.ndarray]) -> np.ndarray:
        probes = np.array(list(probes_of(np.array(photos))))
        return (probes @ means.T - shared_with(probes, cohort)[:, None] - shared_by).max(axis=0)

    away = set(order) - set(there)
    new = np.array([scores(known[name][:comes]).max() for name in order if name in away][:NEW])
    again = np.array([
        scores(known[name][enrolled : enrolled + comes])[at] for at, name in enumerate(there)
        if len(known[name]) >= enrolled + min(comes, 2)
    ])  # fmt: skip
    stops, same = asked[Likeness.ALIKE], asked[Likeness.SAME]
    return [np.mean(new >= stops), np.mean(new >= same)], [np.mean(again < stops), np.mean(again < same)], len(there)


def _mean(photos: np.ndarray) -> np.ndarray:
    total = photos.sum(axis=0)
    return np.asarray(total / np.linalg.norm(total))
