"""Fitting score models: how strangers and residents score, and how far the frames of one approach stray. Pure."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from statistics import NormalDist

import faiss
import numpy as np
from numpy.typing import NDArray

from evaluate.looks import by_one
from gate.errors import UsageError
from gate.vision.evidence import shared_with
from gate.vision.promise import deviate
from models.manifest import QUANTILES, SHARE, Calibration, Cohort, Normal

Scores = NDArray[np.float64]
# Templates (N, D), whose each is (N,), and whether an enrolment would take its photo (N,).
_Part = tuple[NDArray[np.float32], NDArray[np.int64], NDArray[np.bool_]]

_COHORT = 64
_LEAST_MEMBERS = 4
_MOST_PHOTOS = 4
# The tail is fitted from here up: below it lies the body, which has another slope.
_TAIL_FROM = 0.01
# And up to the comparison that only so many exceed, since the last ones are labels gone wrong as often as likeness.
_TAIL_LEAVES = 10
# No claim is believed at a score that more than one comparison in so many of two people reaches.
_FLOOR_RATE = 1e-4
_LOOKALIKE_RATE = 1e-4
# At this lead no more residents are missed than without one; at twice as much there are.
_MARGIN_SPREADS = 0.3
_LEAST_PEOPLE = 50
# Of the pairs within a group so many must lie above its top hundredth, where its tail begins.
_LEAST_IN_TAIL = 10
_LEAST_MATED = 50


@dataclass(frozen=True, slots=True)
class Comparisons:
    """Scores of probes against templates of so many photos: of two people, and of one.

    `pairs` says of each of `strangers` which two people it compares.
    """

    strangers: Scores
    residents: Scores
    pairs: NDArray[np.int64]

    @classmethod
    def together(cls, parts: Sequence[Comparisons]) -> Comparisons:
        """All of them as one."""
        columns = zip(*((one.strangers, one.residents, one.pairs) for one in parts), strict=True)
        return cls(*(np.concatenate(column) for column in columns))

    def once_a_pair(self) -> Scores:
        """How much each of the strangers' scores counts, so that any two people count once: one label gone wrong is
        then one comparison."""
        _, which, counts = np.unique(self.pairs, return_inverse=True, return_counts=True)
        return np.asarray(1 / counts[which])


def fit_cohort(templates: NDArray[np.float32], person: NDArray[np.int64], seed: int) -> NDArray[np.float32]:
    """Faces of nobody, at most (64, D) of unit length: centres of spherical k-means over the people's mean templates.

    A centre of fewer than four people would be somebody's face, and is left out.
    """
    means = np.stack([_unit(templates[person == who].mean(axis=0)) for who in np.unique(person)])
    count = min(_COHORT, max(1, len(means) // 6))
    kmeans = faiss.Kmeans(means.shape[1], count, niter=25, spherical=True, seed=seed + 1, min_points_per_centroid=1)
    kmeans.train(np.ascontiguousarray(means, np.float32))
    centres = np.asarray(kmeans.centroids, np.float32).reshape(count, -1)
    members = np.bincount((means @ centres.T).argmax(axis=1), minlength=count)
    return np.asarray(centres[members >= min(_LEAST_MEMBERS, members.max())])


def compare(
    templates: NDArray[np.float32],
    person: NDArray[np.int64],
    enrols: NDArray[np.bool_],
    photos: int,
    cohort: Cohort,
    seed: int,
) -> Comparisons:
    """Everyone with more than so many `photos` enrolled with these, everyone's other photos compared with them.

    `templates` (N, D), `person` (N,) and `enrols` (N,) as in `calibrate`; `cohort` are faces of nobody.
    """
    rng = np.random.default_rng(seed)
    enrolled, owners, rest = [], [], []
    for who in np.unique(person):
        mine = rng.permutation(np.flatnonzero(person == who))
        first = mine[enrols[mine]][:photos]
        if len(first) == photos and len(mine) > photos:
            enrolled.append(templates[first].mean(axis=0))
            owners.append(who)
            rest.append(np.setdiff1d(mine, first))
        else:
            rest.append(mine)
    if not enrolled:
        return Comparisons(np.zeros(0), np.zeros(0), np.zeros(0, np.int64))
    probes = np.concatenate(rest)
    scores = by_one(cohort)(templates[probes], np.stack(enrolled)).astype(np.float64)
    one, other = person[probes][:, None], np.array(owners)[None]
    pairs, same = (np.minimum(one, other) << 32) + np.maximum(one, other), one == other
    return Comparisons(scores[~same], scores[same], pairs[~same])


def fit_tail(strangers: Scores, leaves: int = _TAIL_LEAVES, weights: Scores | None = None) -> Normal:
    """The normal distribution whose upper tail runs through the scores' own, from the top hundredth on.

    Least squares of the scores' quantiles on the standard normal ones, at probabilities evenly spaced in their
    logarithm. The highest `leaves` scores are left out. Each score counts by its weight, without any once.
    """
    spread, centre = np.polyfit(*_tail(strangers, leaves, weights), 1)
    return Normal(centre=round(float(centre), 5), spread=round(float(spread), 5))


def hardest(compared: Comparisons, tail: Normal, groups: Mapping[str, NDArray[np.bool_]]) -> tuple[str, Normal] | None:
    """The group whose people look most alike, and `tail` moved to where its own pairs lie; None: all are too small.

    `groups` say which people, by their number, are of it. The tail keeps its spread: a group has too few pairs to
    measure one, and is moved up or not at all, by the mean of what its quantiles lie above it.
    """
    one, other, weights = compared.pairs >> 32, compared.pairs & 0xFFFFFFFF, compared.once_a_pair()
    lifts = {}
    for name, members in groups.items():
        inside = members[one] & members[other]
        if _TAIL_FROM * weights[inside].sum() >= _LEAST_IN_TAIL:
            deviates, at = _tail(compared.strangers[inside], _LEAST_IN_TAIL, weights[inside])
            lifts[name] = float(np.mean(at - (tail.centre + deviates * tail.spread)))
    if not lifts:
        return None
    name = max(lifts, key=lifts.__getitem__)
    return name, Normal(centre=round(tail.centre + max(0.0, lifts[name]), 5), spread=tail.spread)


def _tail(strangers: Scores, leaves: int, weights: Scores | None) -> tuple[Scores, Scores]:
    """Standard normal quantiles of a tail's rates, from the top hundredth on, and the scores there."""
    from_the_top = np.argsort(-strangers)
    above = np.cumsum(np.ones(len(strangers)) if weights is None else weights[from_the_top])
    rates = np.geomspace(_TAIL_FROM, max(leaves / above[-1], 1e-9), 40)
    at = strangers[from_the_top[np.searchsorted(above, rates * above[-1]).clip(max=len(strangers) - 1)]]
    return np.array([deviate(float(rate)) for rate in rates]), at


def foretold(strangers: Scores, hidden: float = 0.1) -> list[tuple[float, float, float]]:
    """How well a fit without the tail's top part foretells it: (rate, its true score, the foretold one).

    Of the scores above the top hundredth the highest `hidden` part is hidden from the fit.
    """
    leaves = max(1, int(len(strangers) * _TAIL_FROM * hidden))
    fit = fit_tail(strangers, leaves)
    ordered = np.sort(strangers)
    told = []
    for rate in np.geomspace(leaves / len(ordered), 3 / len(ordered), 5):
        true = float(ordered[int(len(ordered) * (1 - rate))])
        told.append((float(rate), true, fit.centre + deviate(float(rate)) * fit.spread))
    return told


def fit_residents(mated: Sequence[Scores]) -> tuple[tuple[float, ...], ...]:
    """A calibration's `residents`: the scores of one person's photos at `QUANTILES`, for each number of photos."""
    return tuple(tuple(round(float(score), 5) for score in np.quantile(scores, QUANTILES)) for scores in mated)


def fit_frames(tracks: Sequence[tuple[Scores, Scores]]) -> tuple[float, float]:
    """(`within`, `within_s`) of some tracks (seconds, scores): how far frames stray from the mean, and for how long.

    The correlation of two frames so many seconds apart is taken to fall exponentially; its time is where the pooled
    correlation falls below 1/e.
    """
    strays = [scores - scores.mean() for _, scores in tracks if len(scores) >= 3]
    if not strays:
        return 0.0, 0.1
    variance = float(np.concatenate(strays).var())
    products: dict[int, list[float]] = {}
    for seconds, scores in tracks:
        stray = scores - scores.mean()
        for lag in range(1, len(scores)):
            apart = round(20 * float(np.median(np.diff(seconds))) * lag)
            products.setdefault(apart, []).extend(stray[lag:] * stray[:-lag])
    for apart in sorted(products):
        if np.mean(products[apart]) < variance / np.e:
            return variance**0.5, max(apart, 1) / 20
    return variance**0.5, max(products) / 20


def calibrate(
    templates: NDArray[np.float32],
    person: NDArray[np.int64],
    enrols: NDArray[np.bool_],
    frames: tuple[float, float],
    embedder: str,
    measured: str,
    *,
    share: float = SHARE,
    seed: int = 0,
    groups: Mapping[str, NDArray[np.bool_]] | None = None,
) -> Calibration:
    """A calibration from many people's templates (N, D); `frames` as `fit_frames` gives it.

    `person` (N,) says whose each photo is, `enrols` (N,) whether an enrolment would take it; `embedder` is the sha256
    of the published file the templates are of, and `measured` says of whose photos. `share` as in `Cohort`.
    Each half of the people is scored with the other's cohort, since a face shares more with one it is part of. With
    `groups`, as in `hardest`, strangers score as they do within the hardest of them. Raises UsageError for too few.
    """
    mated, compared, common = _fitted(templates, person, enrols, share, seed)
    strangers = fit_tail(compared.strangers, weights=compared.once_a_pair())
    if groups is not None:
        found = hardest(compared, strangers, groups)
        if found is None:
            raise UsageError(
                "No group is large enough to be fitted on: its people must make {least} pairs or more within each half"
                " of the folder, as some 70 people do.",
                least=round(_LEAST_IN_TAIL / _TAIL_FROM),
            )
        name, strangers = found
        measured = f"{measured}, within {name}"
    cohort = fit_cohort(templates, person, seed)
    return Calibration(
        embedder=embedder,
        measured=measured,
        floor=round(strangers.centre + deviate(_FLOOR_RATE) * strangers.spread, 3),
        margin=round(_MARGIN_SPREADS * strangers.spread, 3),
        lookalike=round(_lookalike(templates, person), 3),
        strangers=strangers,
        residents=fit_residents(mated),
        within=round(frames[0], 4),
        within_s=round(frames[1], 3),
        share=share,
        common=round(common, 5),
        cohort=base64.b64encode(cohort.astype("<f2").tobytes()).decode("ascii"),
    )


def _fitted(
    templates: NDArray[np.float32], person: NDArray[np.int64], enrols: NDArray[np.bool_], share: float, seed: int
) -> tuple[list[Scores], Comparisons, float]:
    """How residents score with one photo and with more, all comparisons, and what the cosines have in `common`."""
    people = np.unique(person)
    if len(people) < _LEAST_PEOPLE:
        raise UsageError(
            "A calibration needs at least {least} people; here are {people}.", least=_LEAST_PEOPLE, people=len(people)
        )
    half = np.isin(person, np.random.default_rng(seed).permutation(people)[: len(people) // 2])
    parts = [
        (
            (templates[some], person[some], enrols[some]),
            Cohort(fit_cohort(templates[~some], person[~some], seed), share),
        )
        for some in (half, ~half)
    ]
    common = float(np.mean([_in_common(part, cohort, seed) for part, cohort in parts]))
    compared = [
        [compare(*part, photos, replace(cohort, common=common), seed) for part, cohort in parts]
        for photos in range(1, _MOST_PHOTOS + 1)
    ]
    mated = [residents for part in compared
             if len(residents := np.concatenate([one.residents for one in part])) >= _LEAST_MATED]  # fmt: skip
    if not mated:
        raise UsageError("A calibration needs at least {least} people with two photos or more.", least=_LEAST_MATED)
    return mated, Comparisons.together([one for part in compared[: len(mated)] for one in part]), common


def _in_common(part: _Part, cohort: Cohort, seed: int) -> float:
    """What two strangers' cosines come to on average when the share of one of them is off: see `Cohort`."""
    strangers = compare(*part, 1, cohort, seed).strangers
    return float(strangers.mean()) + float(shared_with(part[0], cohort).mean()) if len(strangers) else 0.0


def _lookalike(templates: NDArray[np.float32], person: NDArray[np.int64]) -> float:
    """The cosine that only one pair of people's templates in ten thousand reaches."""
    means = np.stack([_unit(templates[person == who].mean(axis=0)) for who in np.unique(person)])
    alike = (means @ means.T)[np.triu_indices(len(means), 1)].astype(np.float64)
    body = NormalDist(float(alike.mean()), float(alike.std()))
    return max(body.inv_cdf(1 - _LOOKALIKE_RATE), float(np.quantile(alike, 1 - _LOOKALIKE_RATE)))


def _unit(vector: NDArray[np.float32]) -> NDArray[np.float32]:
    return np.asarray(vector / np.linalg.norm(vector), np.float32)
