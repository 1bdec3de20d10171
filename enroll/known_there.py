"""Who of a gate's people is so like somebody of another register that a person must say whether they are one."""

from __future__ import annotations

import sqlite3
from collections.abc import Collection

import numpy as np
from numpy.typing import NDArray

# Above what 99 of 100 pairs of two people have on LFW, 0.35, by far; whoever is named is looked at by somebody.
_ALIKE = 0.5
_QUERY = "SELECT resident_id, model, vector FROM templates WHERE learned_from IS NULL"


def alike(
    connection: sqlite3.Connection, own: Collection[str], register: sqlite3.Connection, there: Collection[str]
) -> dict[str, list[str]]:
    """Whom of the register each of these is like by face, the likest first, by their ids."""
    found: dict[str, dict[str, float]] = {}
    theirs = _by_model(register, there)
    for model, (people, vectors) in _by_model(connection, own).items():
        if model not in theirs:
            continue
        others, known = theirs[model]
        for one, row in zip(people, vectors @ known.T, strict=True):
            for place in np.flatnonzero(row >= _ALIKE):
                best = found.setdefault(one, {})
                best[others[place]] = max(best.get(others[place], -1.0), float(row[place]))
    return {one: sorted(best, key=lambda other: -best[other]) for one, best in found.items()}


def _by_model(
    connection: sqlite3.Connection, people: Collection[str]
) -> dict[str, tuple[list[str], NDArray[np.float32]]]:
    rows: dict[str, list[tuple[str, NDArray[np.float32]]]] = {}
    wanted = frozenset(people)
    for resident, model, vector in connection.execute(_QUERY):
        numbers = np.frombuffer(vector, "<f4")
        if resident in wanted and numbers.size and np.isfinite(numbers).all():
            rows.setdefault(model, []).append((resident, numbers))
    # One model makes templates of one length.
    return {model: ([one for one, _ in some], np.stack([two for _, two in some])) for model, some in rows.items()}
