"""Open-set identification: how often a resident is missed when so many strangers are let in. Pure.

Terms as in ISO/IEC 19795-1: FNIR, the share of mated attempts in which the right person is not returned first and
above the threshold; FPIR, the share of strangers for whom anyone is.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from evaluate.looks import PLAIN, Scoring

FPIRS = (0.01, 0.003, 0.001)
_BOOTSTRAPS = 400
_CONFIDENCE = 0.95


_Columns = tuple[NDArray[np.int64], NDArray[np.bool_], NDArray[np.float64], NDArray[np.float64], NDArray[np.bool_]]


@dataclass(frozen=True, slots=True)
class Protocol:
    """`photos` enrolled a person and `frames` a decision, at most `gallery` people enrolled, in `splits` drawings."""

    photos: int = 1
    frames: int = 1
    gallery: int = 300
    splits: int = 10
    seed: int = 0


@dataclass(frozen=True, slots=True)
class Attempts:
    """Every attempt of every split: whose it was, the first person's score, whether it was them, and the second's.

    `person` (N,) indexes the people, `mated` (N,) bool, `score` and `second` (N,) float, `right` (N,) bool.
    """

    person: NDArray[np.int64]
    mated: NDArray[np.bool_]
    score: NDArray[np.float64]
    second: NDArray[np.float64]
    right: NDArray[np.bool_]
    gallery: int
    strangers: int
    splits: int

    def accepted(self, margin: float) -> NDArray[np.float64]:
        """(N,) the lowest threshold at which each attempt is no longer accepted; -inf where the lead is too small."""
        return np.where(self.score - self.second >= margin, self.score, -np.inf)


def eligible(person: NDArray[np.int64], enrols: NDArray[np.bool_], protocol: Protocol) -> NDArray[np.int64]:
    """The people (M,) with photos enough for the protocol: `photos` that enrol, and `frames` more.

    `person` (N,) says whose each photo is, `enrols` (N,) whether an enrolment would take it.
    """
    people, counts = np.unique(person, return_counts=True)
    good = np.bincount(person[enrols], minlength=int(people.max()) + 1)[people]
    return people[(good >= protocol.photos) & (counts >= protocol.photos + protocol.frames)]


def feasible(person: NDArray[np.int64], enrols: NDArray[np.bool_], asked: Protocol) -> Protocol | None:
    """The protocol with as many frames as someone has photos for, at most those asked; None: not even one."""
    for frames in range(asked.frames, 0, -1):
        protocol = replace(asked, frames=frames)
        if len(eligible(person, enrols, protocol)):
            return protocol
    return None


def attempt(
    templates: NDArray[np.float32],
    person: NDArray[np.int64],
    enrols: NDArray[np.bool_],
    protocol: Protocol,
    scoring: Scoring = PLAIN,
) -> Attempts:
    """Enrol, and let everyone else come: the residents with their other photos, the strangers once each.

    `templates` (N, D) are those of photos, `person` (N,) says whose each is, `enrols` (N,) whether an enrolment would
    take it. Half of the people at most are enrolled, so that strangers remain. `scoring` compares them. Raises
    ValueError when nobody has photos enough.
    """
    able = eligible(person, enrols, protocol)
    everyone = np.unique(person)
    size = min(protocol.gallery, len(able), len(everyone) // 2)
    if size == 0:
        raise ValueError("nobody has photos enough")
    rng = np.random.default_rng(protocol.seed)
    photos = _Photos(templates, person, enrols, scoring)
    parts = [photos.come(rng.permutation(able)[:size], protocol, rng) for _ in range(protocol.splits)]
    whose, mated, score, second, right = (np.concatenate(column) for column in zip(*parts, strict=True))
    return Attempts(whose, mated, score, second, right, size, len(everyone) - size, protocol.splits)


@dataclass(frozen=True, slots=True)
class _Photos:
    """What `attempt` was given."""

    templates: NDArray[np.float32]
    person: NDArray[np.int64]
    enrols: NDArray[np.bool_]
    scoring: Scoring

    def come(self, gallery: NDArray[np.int64], protocol: Protocol, rng: np.random.Generator) -> _Columns:
        """One split with these people enrolled: the columns of its `Attempts`, of the residents first."""
        people = np.unique(self.person)
        of_person = {int(who): rng.permutation(np.flatnonzero(self.person == who)) for who in people}
        enrolled, probes, owners = [], [], []
        for who in gallery:
            mine = of_person[int(who)]
            first = mine[self.enrols[mine]][: protocol.photos]
            rest = np.setdiff1d(mine, first, assume_unique=True)
            enrolled.append(self.templates[first].mean(axis=0))
            for start in range(0, len(rest) - protocol.frames + 1, protocol.frames):
                probes.append(_unit(self.templates[rest[start : start + protocol.frames]].mean(axis=0)))
                owners.append(int(who))
        mated = len(owners)
        for who in np.setdiff1d(people, gallery):
            probes.append(_unit(self.templates[of_person[int(who)][: protocol.frames]].mean(axis=0)))
            owners.append(int(who))
        first_scores, second, best = _two_best(self.scoring(np.stack(probes), np.stack(enrolled)))
        owner = np.array(owners)
        return owner, np.arange(len(owners)) < mated, first_scores, second, gallery[best] == owner


def _two_best(
    scores: NDArray[np.float32],
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.intp]]:
    """Of each row the best score, the second best (-1 where there is none), and where the best one is."""
    rows = np.arange(len(scores))
    best = np.argmax(scores, axis=1)
    first = scores[rows, best]
    scores[rows, best] = -1
    second = scores.max(axis=1) if scores.shape[1] > 1 else np.full(len(scores), -1.0)
    return first.astype(np.float64), second.astype(np.float64), best


def fnir_at(
    attempts: Attempts, fpirs: Sequence[float] = FPIRS, margin: float = 0.0
) -> dict[float, tuple[float, float]]:
    """{FPIR: (FNIR, threshold)}; the threshold is the lowest that lets no more strangers in."""
    accepted = attempts.accepted(margin)
    strangers = np.sort(accepted[~attempts.mated])
    mated = np.where(attempts.right, accepted, -np.inf)[attempts.mated]
    found = {}
    for fpir in fpirs:
        allowed = int(np.floor(fpir * len(strangers) + 1e-9))
        threshold = float(strangers[len(strangers) - allowed - 1])
        found[fpir] = (float(np.mean(~(mated > threshold))), threshold)
    return found


def confidence(
    attempts: Attempts, fpirs: Sequence[float] = FPIRS, margin: float = 0.0, seed: int = 0
) -> dict[float, tuple[float, float]]:
    """{FPIR: (low, high)} of FNIR at 95 %, by drawing the people anew: one person's attempts go together."""
    accepted = attempts.accepted(margin)
    order = np.argsort(-accepted[~attempts.mated], kind="stable")
    stranger_scores = accepted[~attempts.mated][order]
    stranger_people = attempts.person[~attempts.mated][order]
    mated_scores = np.where(attempts.right, accepted, -np.inf)[attempts.mated]
    mated_people = attempts.person[attempts.mated]
    rng = np.random.default_rng(seed)
    people = int(attempts.person.max()) + 1
    drawn: dict[float, list[float]] = {fpir: [] for fpir in fpirs}
    for _ in range(_BOOTSTRAPS):
        weight = rng.multinomial(people, np.full(people, 1 / people)).astype(np.float64)
        let_in = np.cumsum(weight[stranger_people])
        mated_weight = weight[mated_people]
        if not (let_in[-1] > 0 and mated_weight.sum() > 0):
            continue
        for fpir in fpirs:
            at = int(np.searchsorted(let_in, fpir * let_in[-1], side="right"))
            threshold = stranger_scores[min(at, len(stranger_scores) - 1)]
            drawn[fpir].append(float(np.average(~(mated_scores > threshold), weights=mated_weight)))
    tail = 100 * (1 - _CONFIDENCE) / 2
    return {fpir: (float(np.percentile(v, tail)), float(np.percentile(v, 100 - tail))) for fpir, v in drawn.items()}


def _unit(vector: NDArray[np.float32]) -> NDArray[np.float32]:
    return np.asarray(vector / np.linalg.norm(vector), np.float32)
