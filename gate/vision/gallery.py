"""The gallery: every resident once, as the mean of their templates, searched exactly."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Mapping, Sequence
from functools import partial

import faiss
import numpy as np
from numpy.typing import NDArray

from gate.store.people import corrections, templates
from gate.vision.evidence import gained_by, shared_with
from gate.vision.promise import as_seldom
from gate.vocabulary import Candidate
from models.manifest import Cohort
from models.pack import Models

CANDIDATES = 2


class Gallery:
    """Who can be recognised: a template each, and the exact search among them for a probe's nearest people."""

    def __init__(self, rows: Sequence[tuple[int, str, bytes]], dimension: int, cohort: Cohort | None = None) -> None:
        """`rows`: (resident's number, resident's id, little-endian float32 template), sorted by number.

        With a `cohort` similarities are scores: less what probe and template share with it. A template that is not of
        `dimension` numbers, finite and of unit length is passed over: everybody else is found.
        """
        self._dimension = dimension
        self._cohort = cohort
        self._ids: dict[int, str] = {}
        self._numbers: dict[str, int] = {}
        self._damaged: dict[int, str] = {}
        self.at_least: Mapping[int, float] = {}
        """What is asked for some residents alone, by their numbers."""
        # One number more than a template has: what is taken off its cosines, so that the search ranks by scores.
        self._index = faiss.IndexIDMap2(faiss.IndexFlatIP(dimension + 1))
        self._add(rows)

    def put(self, number: int, rows: Sequence[tuple[int, str, bytes]]) -> None:
        """Let a resident be found by these templates (all of them theirs) and no others; without any, not at all."""
        self._damaged.pop(number, None)
        identity = self._ids.pop(number, None)
        if identity is not None:
            del self._numbers[identity]
            self._index.remove_ids(faiss.IDSelectorBatch(np.array([number], np.int64)))
        self._add(rows)

    @property
    def damaged(self) -> frozenset[str]:
        """The ids of the residents of whom a template was passed over."""
        return frozenset(self._damaged.values())

    def __len__(self) -> int:
        return len(self._ids)

    @property
    def people(self) -> frozenset[str]:
        """The ids of the residents who can be found."""
        return frozenset(self._ids[int(number)] for number in faiss.vector_to_array(self._index.id_map))

    def knows(self, resident: str) -> bool:
        """Whether the resident with this id can be found."""
        return resident in self._numbers

    def search(self, probe: NDArray[np.float32], count: int = CANDIDATES) -> tuple[Candidate, ...]:
        """The people most similar to a probe (D,) float32, best first; nobody for one that is no unit vector."""
        if not self._ids or not _is_unit(probe):
            return ()
        # For one probe faiss searches on one thread, yet has others help with the few ids of its answer, and waits for
        # them: on busy cores 8 ms at the 95th percentile instead of 0.01. Each thread that asks says so for itself.
        faiss.omp_set_num_threads(1)
        scores, numbers = self._index.search(np.append(probe, np.float32(1))[None], min(count, len(self)))
        if self._cohort is not None:
            scores -= shared_with(probe[None], self._cohort)
        return tuple(
            Candidate(self._ids[number], score, self.at_least.get(number, float("-inf")))
            for score, number in zip(scores[0].tolist(), numbers[0].tolist(), strict=True)
            if number >= 0
        )

    def alike(self, candidates: Sequence[Candidate]) -> float:
        """The cosine between the first two candidates' own templates; -1 where there are not two."""
        if len(candidates) < 2:
            return -1.0
        one, other = (
            self._index.reconstruct(self._numbers[found.resident])[: self._dimension] for found in candidates[:2]
        )
        return float(one @ other)

    def _add(self, rows: Sequence[tuple[int, str, bytes]]) -> None:
        vectors, sound = _vectors(rows, self._dimension)
        numbers = np.array([number for number, _, _ in rows], np.int64)
        found, means, lengths = _mean_templates(numbers[sound], vectors[sound])
        whose = {number: identity for number, identity, _ in rows}
        self._ids |= {number: whose[number] for number in found.tolist()}
        self._numbers |= {whose[number]: number for number in found.tolist()}
        bad = whose.keys() - found.tolist() | set(numbers[~sound].tolist())
        self._damaged |= {number: whose[number] for number in bad}
        if len(found):
            self._index.add_with_ids(self._entries(means, lengths), found)

    def _entries(self, templates: NDArray[np.float32], lengths: NDArray[np.float32]) -> NDArray[np.float32]:
        taken_off = np.zeros(len(templates), np.float32)
        if self._cohort is not None:
            taken_off += shared_with(templates, self._cohort) + gained_by(lengths, self._cohort)
        return np.column_stack([templates, -taken_off]).astype(np.float32)


class LiveGallery:
    """The gallery of a store: `gallery` holds the templates of `model` as they were at the last `refresh`."""

    def __init__(
        self,
        connection: sqlite3.Connection,
        model: str,
        dimension: int,
        cohort: Cohort | None = None,
        scale: Callable[[float], float] = float,
    ) -> None:
        """`scale` turns a score of the record, which is the first look's, into one of this gallery's."""
        self._scale = scale
        self._connection = connection
        self._model = model
        self._dimension = dimension
        self._cohort = cohort
        self._version = -1
        # What others have committed, as SQLite counts it, and what this connection itself has changed.
        self._commits = (-1, -1)
        self.gallery = Gallery([], dimension, cohort)
        self.refresh()

    def refresh(self) -> bool:
        """Follow the store; whether there was anything to follow. Costs microseconds when nobody wrote.

        Raises sqlite3.Error; the gallery then stays as it was.
        """
        (others,) = self._connection.execute("PRAGMA data_version").fetchone()
        commits = (others, self._connection.total_changes)
        if commits == self._commits:
            return False
        version = templates.version(self._connection)
        if version != self._version:
            self._follow()
            asked = corrections.at_least(self._connection)
            self.gallery.at_least = {number: self._scale(score) for number, score in asked.items()}
        changed = version != self._version
        self._commits, self._version = commits, version
        return changed

    def _follow(self) -> None:
        numbers = templates.changed_since(self._connection, self._version)
        if self._version < 0 or numbers is None:
            rows = templates.vectors(self._connection, self._model)
            self.gallery = Gallery(rows, self._dimension, self._cohort)
            return
        for number in sorted(numbers):
            self.gallery.put(number, templates.vectors_of(self._connection, self._model, number))


def judging(connection: sqlite3.Connection, models: Models) -> LiveGallery:
    """The gallery of a store as the gate judges by it, with scores. Raises PackError without a calibration."""
    dimension = models.spec.dimension
    return LiveGallery(connection, models.model_id, dimension, models.calibration.faces_of_nobody(dimension))


def judging_again(connection: sqlite3.Connection, models: Models) -> LiveGallery | None:
    """The gallery that the second look judges by; None where the models have none. Raises PackError as `judging`."""
    if models.second is None:
        return None
    second, dimension = models.second, models.second.spec.dimension
    scale = partial(as_seldom, of=models.calibration.strangers, to=second.calibration.strangers)
    return LiveGallery(connection, second.model_id, dimension, second.calibration.faces_of_nobody(dimension), scale)


def damaged_in(*galleries: LiveGallery | None) -> frozenset[str]:
    """The ids of the residents of whom one of these galleries passed a template over."""
    return frozenset[str]().union(*(one.gallery.damaged for one in galleries if one is not None))


def _is_unit(vectors: NDArray[np.float32]) -> NDArray[np.bool_]:
    squared = np.vecdot(vectors, vectors)
    return np.asarray(np.abs(squared - 1) <= 2 * templates.UNIT_TOLERANCE)


def _vectors(rows: Sequence[tuple[int, str, bytes]], dimension: int) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """The templates of `rows` (N, D), and which of them (N,) are whole; of the others the numbers mean nothing."""
    nothing = bytes(4 * dimension)
    whole = (vector if len(vector) == len(nothing) else nothing for _, _, vector in rows)
    vectors = np.frombuffer(b"".join(whole) or nothing, "<f4").reshape(-1, dimension)[: len(rows)]
    with np.errstate(over="ignore", invalid="ignore"):
        return vectors, _is_unit(vectors)


def _mean_templates(
    numbers: NDArray[np.int64], vectors: NDArray[np.float32]
) -> tuple[NDArray[np.int64], NDArray[np.float32], NDArray[np.float32]]:
    """For each of the residents whose `numbers` (N,) the templates (N, D) have, sorted by them: theirs, their mean
    scaled to unit length, and how long it was.

    Templates of one face cannot cancel out; whose do are of different people, and are left out.
    """
    if not len(numbers):
        return numbers, vectors, np.zeros(0, np.float32)
    starts = np.flatnonzero(np.r_[True, numbers[1:] != numbers[:-1]])
    means = np.add.reduceat(vectors, starts, axis=0) / np.diff(np.r_[starts, len(numbers)])[:, None].astype(np.float32)
    lengths = np.linalg.norm(means, axis=1)
    agree = lengths > templates.UNIT_TOLERANCE
    return numbers[starts][agree], means[agree] / lengths[agree, None], lengths[agree]
