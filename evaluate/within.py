"""Whether a promise holds among people of one group, who look more alike than people of everywhere. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from evaluate.identification import Protocol, attempt, feasible
from evaluate.looks import Scoring

RATES = (0.01, 0.001, 0.0001)
# A rate is told where so many comparisons within the group could show it.
_LEAST_COMPARISONS = 100


@dataclass(frozen=True, slots=True)
class Photos:
    """Photos of many people: `templates` (N, D), `person` (N,) whose each is, `enrols` (N,) whether an enrolment would
    take it; `scoring` compares them, and a lead of `margin` over the second person is asked."""

    templates: NDArray[np.float32]
    person: NDArray[np.int64]
    enrols: NDArray[np.bool_]
    scoring: Scoring
    margin: float = 0.0


@dataclass(frozen=True, slots=True)
class Group:
    """How the `people` of one group fare among themselves, at the scores that are asked of all.

    `fmr` is the false match rate by the rate over all at the same score, None where the group is too small to show one.
    Of residents and strangers drawn within it: how many attempts, and which share of them is missed and let in.
    """

    people: int
    fmr: Mapping[float, float | None]
    mated: int = 0
    strangers: int = 0
    fnir: float | None = None
    fpir: float | None = None


def within_groups(
    photos: Photos, groups: Mapping[str, NDArray[np.bool_]], protocol: Protocol, threshold: float | None
) -> dict[str, Group]:
    """Each group by itself, the largest first: `groups` (people,) say who is of it. `threshold` is the score that is
    asked of all, None where nobody could be enrolled."""
    rates = _fmr_within(photos, groups, protocol.seed)
    largest = sorted((name for name, members in groups.items() if members.any()), key=lambda one: -groups[one].sum())
    return {name: _group(photos, groups[name], rates[name], protocol, threshold) for name in largest}


def _group(
    photos: Photos, members: NDArray[np.bool_], fmr: Mapping[float, float | None], asked: Protocol,
    threshold: float | None,
) -> Group:  # fmt: skip
    people, mine = int(members.sum()), members[photos.person]
    person, enrols = photos.person[mine], photos.enrols[mine]
    protocol = feasible(person, enrols, asked)
    if threshold is None or people < 2 or protocol is None:
        return Group(people, fmr)
    came = attempt(photos.templates[mine], person, enrols, protocol, photos.scoring)
    accepted = came.accepted(photos.margin) > threshold
    strangers, right = ~came.mated, accepted & came.right
    fnir = float(np.mean(~right[came.mated]))
    return Group(people, fmr, int(came.mated.sum()), int(strangers.sum()), fnir, float(np.mean(accepted[strangers])))


def _fmr_within(
    photos: Photos, groups: Mapping[str, NDArray[np.bool_]], seed: int
) -> dict[str, dict[float, float | None]]:
    """{group: {rate: false match rate within it}}, at the score that gives the `rate` over all people; one photo a
    person, drawn by `seed`."""
    rng = np.random.default_rng(seed)
    people = np.unique(photos.person)
    chosen = np.array([rng.choice(np.flatnonzero(photos.person == who)) for who in people])
    one, other = np.triu_indices(len(chosen), 1)
    scores = photos.scoring(photos.templates[chosen], photos.templates[chosen])[one, other]
    ordered = np.sort(scores)[::-1]
    found: dict[str, dict[float, float | None]] = {}
    for name, members in groups.items():
        of_group = members[people]
        inside = scores[of_group[one] & of_group[other]]
        enough = len(inside) >= _LEAST_COMPARISONS
        found[name] = {rate: float(np.mean(inside > _score_at(ordered, rate))) if enough else None for rate in RATES}
    return found


def _score_at(ordered: NDArray[np.float32], rate: float) -> float:
    """The score that no more than this share of scores, highest first, lies above."""
    return float(ordered[min(int(rate * len(ordered)), len(ordered) - 1)])
