"""One-to-one comparisons of photos: false matches beside false non-matches, and the pairs that go worst. Pure."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from evaluate.looks import Scoring

# Ten million comparisons and more; all pairs of more photos would tell nothing new.
_MOST_PHOTOS = 4000
_FMRS = (1e-2, 1e-3, 1e-4, 1e-5)


@dataclass(frozen=True, slots=True)
class Pairs:
    """Scores of all pairs of photos: `mated` of one person, `strangers` of two; with the photos' indices (N, 2)."""

    mated: NDArray[np.float32]
    mated_pairs: NDArray[np.int64]
    strangers: NDArray[np.float32]
    stranger_pairs: NDArray[np.int64]


def compare_all(templates: NDArray[np.float32], person: NDArray[np.int64], scoring: Scoring, seed: int) -> Pairs:
    """Every photo compared with every other one; of more than 4,000 photos so many are drawn by `seed`.

    `templates` (N, D) of unit length, `person` (N,) whose each photo is; `scoring` compares them.
    """
    chosen = np.sort(np.random.default_rng(seed).permutation(len(person))[:_MOST_PHOTOS])
    probes = templates[chosen]
    one, other = np.triu_indices(len(chosen), 1)
    score = scoring(probes, probes)[one, other]
    same = person[chosen][one] == person[chosen][other]
    pairs = np.stack([chosen[one], chosen[other]], axis=1)
    return Pairs(score[same], pairs[same], score[~same], pairs[~same])


def fnmr_at(pairs: Pairs) -> dict[float, tuple[float, float]]:
    """{FMR: (FNMR, threshold)} for the false match rates that so many comparisons can show: at least one each."""
    ordered = np.sort(pairs.strangers)
    found = {}
    for fmr in _FMRS:
        leaves = int(fmr * len(ordered))
        if leaves >= 1 and len(pairs.mated):
            threshold = float(ordered[-leaves - 1])
            found[fmr] = (float(np.mean(pairs.mated <= threshold)), threshold)
    return found


def det_curve(pairs: Pairs, points: int = 200) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """(FMR, FNMR) at thresholds spread over the strangers' upper half, evenly in the logarithm of FMR."""
    ordered, mated = np.sort(pairs.strangers), np.sort(pairs.mated)
    fmr = np.geomspace(0.5, 1 / len(ordered), points)
    thresholds = ordered[np.clip((len(ordered) * (1 - fmr)).astype(np.int64), 0, len(ordered) - 1)]
    return fmr, np.searchsorted(mated, thresholds, side="right") / len(mated)


def worst(pairs: Pairs, count: int) -> tuple[list[tuple[int, int, float]], list[tuple[int, int, float]]]:
    """(the two people most alike, the one person least alike): photos' indices and score, worst first."""
    alike = np.argsort(-pairs.strangers)[:count]
    unlike = np.argsort(pairs.mated)[:count]
    return (
        [(int(a), int(b), float(pairs.strangers[n])) for n in alike for a, b in [pairs.stranger_pairs[n]]],
        [(int(a), int(b), float(pairs.mated[n])) for n in unlike for a, b in [pairs.mated_pairs[n]]],
    )
