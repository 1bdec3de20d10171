"""What taking off the likeness to faces of nobody brings, pair by pair: the same people with it and without."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from evaluate.folder import list_people, look
from evaluate.identification import Protocol, attempt, feasible, fnir_at
from evaluate.looks import by_one
from evaluate.scores import compare, fit_cohort
from gate.vision.quality import Bounds
from gate.vision.settings import VisionSettings
from models.manifest import Cohort
from models.pack import Models

HALVES = 12
FPIRS = (0.01, 0.003, 0.001)
FMRS = (1e-4, 1e-5)
PHOTOS = (1, 4)

pytestmark = pytest.mark.soak


def test_normalisation_misses_fewer_where_the_promise_asks_much(shared: Path, models: Models) -> None:
    """The cohort is fitted on one half of the people, drawn anew each time; the other half is judged."""
    faces = look(list_people(shared / "faces" / "lfw"), models, Bounds.of(VisionSettings()), lambda: None)
    differences: dict[str, list[float]] = {}
    for seed in range(HALVES):
        drawn = np.random.default_rng(seed).permutation(len(faces.people))
        fitted = np.isin(faces.person, drawn[: len(drawn) // 2])
        cohort = Cohort(fit_cohort(faces.templates[fitted], faces.person[fitted], seed))
        none = Cohort(cohort.templates, 0)
        templates, enrols = faces.templates[~fitted], faces.enrols[~fitted]
        _, person = np.unique(faces.person[~fitted], return_inverse=True)
        protocol = feasible(person, enrols, Protocol(1, 1, 300, 6, seed))
        assert protocol is not None
        found = [fnir_at(attempt(templates, person, enrols, protocol, by_one(used)), FPIRS) for used in (cohort, None)]
        for fpir in FPIRS:
            differences.setdefault(f"FNIR at FPIR {fpir:.1%}, 1 photo", []).append(
                found[0][fpir][0] - found[1][fpir][0]
            )
        for photos in PHOTOS:
            scores = [compare(templates, person, enrols, photos, used, seed) for used in (cohort, none)]
            for fmr in FMRS:
                missed = [np.mean(one.residents < np.quantile(one.strangers, 1 - fmr)) for one in scores]
                differences.setdefault(f"FNMR at FMR {fmr:g}, photos {photos}", []).append(float(missed[0] - missed[1]))
    print(f"\nwith normalisation less without it, {HALVES} drawings of two halves: points, and their standard error")
    for what, found in differences.items():
        points = 100 * np.array(found)
        print(f"  {what:28} {points.mean():+.2f}  {points.std(ddof=1) / np.sqrt(HALVES):.2f}")
    assert np.mean(differences["FNMR at FMR 1e-05, photos 1"]) < 0
    assert np.mean(differences["FNMR at FMR 1e-05, photos 4"]) < 0
