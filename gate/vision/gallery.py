"""The gallery: every resident once, as the mean of their templates, searched exactly."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Mapping, Sequence
from functools import partial

import faiss
import numpy as np
from numpy.typing import NDArray

from gate.store.people import corrections, templates
from gate.vision.evidence import shared_with
from gate.vision.promise import as_seldom
from gate.vocabulary import Candidate
from models.manifest import Cohort
from models.pack import Models

CANDIDATES = 2
_UNIT_TOLERANCE = 1e-3


class Gallery:
    """Who can be recognised: a template each, and the exact search among them for a probe's nearest people."""

    def __init__(self, rows: Sequence[tuple[int, str, bytes]], dimension: int, cohort: Cohort | None = None) -> None:
        """`rows`: (resident's number, resident's id, little-endian float32 template), sorted by number.

        With a `cohort` similarities are scores: less what probe and template share with it. Raises
        ValueError when a template is not of `dimension` numbers, finite and of unit length.
        """
        self._dimension = dimension
        self._cohort = cohort
        self._ids = {number: identity for number, identity, _ in rows}
        self._numbers = {identity: number for number, identity in self._ids.items()}
        self.at_least: Mapping[int, float] = {}
        """What is asked for some residents alone, by their numbers."""
        # One number more than a template has: what is taken off its cosines, so that the search ranks by scores.
        self._index = faiss.IndexIDMap2(faiss.IndexFlatIP(dimension + 1))
        if rows:
            self._index.add_with_ids(self._entries(_mean_templates(rows, dimension)), np.fromiter(self._ids, np.int64))

    def put(self, number: int, rows: Sequence[tuple[int, str, bytes]]) -> None:
        """Let a resident be found by these templates (all of them theirs) and no others; without any, not at all.

        Raises ValueError as at the start; nothing is changed then.
        """
        means = _mean_templates(rows, self._dimension) if rows else None
        identity = self._ids.pop(number, None)
        if identity is not None:
            del self._numbers[identity]
            self._index.remove_ids(faiss.IDSelectorBatch(np.array([number], np.int64)))
        if means is not None:
            self._ids[number] = rows[0][1]
            self._numbers[rows[0][1]] = number
            self._index.add_with_ids(self._entries(means), np.array([number], np.int64))

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

    def _entries(self, templates: NDArray[np.float32]) -> NDArray[np.float32]:
        shared = np.zeros(len(templates)) if self._cohort is None else shared_with(templates, self._cohort)
        return np.column_stack([templates, -shared]).astype(np.float32)


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

        Raises sqlite3.Error, and ValueError for a damaged template; the gallery then stays as it was.
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


def score_by_enrolment(
    connection: sqlite3.Connection, models: Models, resident: str, template: NDArray[np.float32]
) -> float:
    """How a template (D,) scores against a resident by what was enrolled of them alone; -1 where nothing was.

    Raises sqlite3.Error, ValueError for a damaged template, and PackError without a calibration.
    """
    dimension = models.spec.dimension
    rows = templates.enrolled_vectors(connection, models.model_id, resident)
    candidates = Gallery(rows, dimension, models.calibration.faces_of_nobody(dimension)).search(template)
    return candidates[0].similarity if candidates else -1.0


def _is_unit(vectors: NDArray[np.float32]) -> NDArray[np.bool_]:
    squared = np.vecdot(vectors, vectors)
    return np.asarray(np.abs(squared - 1) <= 2 * _UNIT_TOLERANCE)


def _mean_templates(rows: Sequence[tuple[int, str, bytes]], dimension: int) -> NDArray[np.float32]:
    """(residents, D): for each resident of `rows`, which are sorted by them, the mean of their templates."""
    vectors = np.zeros((len(rows), dimension), np.float32)
    whole = np.array([len(vector) == 4 * dimension for _, _, vector in rows])
    if whole.all():
        vectors = np.frombuffer(b"".join(vector for _, _, vector in rows), "<f4").reshape(-1, dimension)
    bad = np.flatnonzero(~(whole & _is_unit(vectors)))
    if len(bad):
        # Of those of the wrong length the first, where there are any: the others were not looked at.
        first = int(bad[0]) if whole.all() else int(np.flatnonzero(~whole)[0])
        raise ValueError(f"a template of resident {rows[first][1]} is damaged")
    numbers = np.array([number for number, _, _ in rows])
    starts = np.flatnonzero(np.r_[True, numbers[1:] != numbers[:-1]])
    totals = np.add.reduceat(vectors, starts, axis=0)
    lengths = np.linalg.norm(totals, axis=1, keepdims=True)
    # Templates of one face cannot cancel out; these are of different people or damaged.
    if not (lengths > _UNIT_TOLERANCE).all():
        raise ValueError("the templates of one resident contradict each other")
    totals /= lengths
    return totals
