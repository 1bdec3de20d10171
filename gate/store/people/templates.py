"""The templates of residents' faces. A template's numbers are bytes here: little-endian float32, of unit length."""

from __future__ import annotations

import json
import sqlite3
from array import array
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from math import hypot

from gate.store.ids import new_id

# How far from 1 the length of a template may be.
UNIT_TOLERANCE = 1e-3
# Of photos, for each resident; what passages taught comes on top (`learned.MOST`).
MAX_TEMPLATES = 8


@dataclass(frozen=True, slots=True)
class Template:
    """A template to keep: which model made it, from what, how good the face was, and its numbers.

    `second_vector` are the numbers that the model of the second look, `second_model`, made of the same face.
    """

    model: str
    source: str
    quality: dict[str, float]
    vector: bytes
    second_model: str | None = None
    second_vector: bytes | None = None


@dataclass(frozen=True, slots=True)
class Kept:
    """What is known of a template that is kept, without its numbers. `created_at` is ISO 8601, UTC."""

    id: str
    model: str
    source: str
    quality: dict[str, float]
    created_at: str
    learned_from: str | None
    """The claim whose passage it was learned from; None: it was enrolled."""
    damaged: bool
    """Whether its numbers are none any more, by either model: the gate passes it over."""


def add(connection: sqlite3.Connection, resident: str, made: Sequence[Template], at: str) -> None:
    """Keep templates of a resident, in the caller's transaction."""
    connection.executemany(
        "INSERT INTO templates"
        " (id, resident_id, model, source, quality, vector, created_at, second_model, second_vector)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        [
            (
                new_id(),
                resident,
                one.model,
                one.source,
                json.dumps(one.quality),
                one.vector,
                at,
                one.second_model,
                one.second_vector,
            )
            for one in made
        ],
    )


def of(connection: sqlite3.Connection, resident: str) -> list[Kept]:
    """What is known of a resident's templates, the oldest first."""
    rows = connection.execute(
        "SELECT id, model, source, quality, created_at, learned_from, vector, second_vector FROM templates"
        " WHERE resident_id = ? ORDER BY rowid",
        (resident,),
    )
    return [
        Kept(identity, model, source, json.loads(quality), created_at, learned_from, not all(map(is_whole, numbers)))
        for identity, model, source, quality, created_at, learned_from, *numbers in rows
    ]


def damaged(connection: sqlite3.Connection, people: Collection[str]) -> set[str]:
    """The ids of those among these people of whom a template is damaged."""
    return {one for one in people if any(kept.damaged for kept in of(connection, one))}


def is_whole(vector: bytes | None) -> bool:
    """Whether what lies in a row is a vector of unit length, or the second one that there need not be."""
    return vector is None or (len(vector) % 4 == 0 and abs(hypot(*array("f", vector)) - 1) <= UNIT_TOLERANCE)


def enrolled_count(connection: sqlite3.Connection, resident: str) -> int:
    """How many templates of a resident were enrolled, and not learned from passages."""
    (count,) = connection.execute(
        "SELECT count(*) FROM templates WHERE resident_id = ? AND learned_from IS NULL", (resident,)
    ).fetchone()
    return int(count)


def vectors(connection: sqlite3.Connection, model: str) -> list[tuple[int, str, bytes]]:
    """Every template made by `model`, as (resident's number, resident's id, vector), by resident."""
    rows = connection.execute(
        "SELECT r.number, r.id, l.vector FROM looks l JOIN residents r ON r.id = l.resident_id"
        " WHERE l.model = ? ORDER BY r.number, l.place",
        (model,),
    )
    return rows.fetchall()


def vectors_of(connection: sqlite3.Connection, model: str, number: int) -> list[tuple[int, str, bytes]]:
    """The templates by `model` of the resident with this number, as `vectors` gives them."""
    rows = connection.execute(
        "SELECT r.number, r.id, l.vector FROM looks l JOIN residents r ON r.id = l.resident_id"
        " WHERE r.number = ? AND l.model = ? ORDER BY l.place",
        (number, model),
    )
    return rows.fetchall()


def enrolled_vectors(connection: sqlite3.Connection, model: str, resident: str) -> list[tuple[int, str, bytes]]:
    """The templates by `model` of the resident with this id, as `vectors` gives them, but for those learned from
    passages."""
    rows = connection.execute(
        "SELECT r.number, r.id, l.vector FROM looks l JOIN residents r ON r.id = l.resident_id"
        " WHERE r.id = ? AND l.model = ? AND l.learned_from IS NULL ORDER BY l.place",
        (resident, model),
    )
    return rows.fetchall()


def counts(connection: sqlite3.Connection, model: str) -> list[int]:
    """How many templates by `model` each resident has who has any."""
    rows = connection.execute("SELECT count(*) FROM looks WHERE model = ? GROUP BY resident_id", (model,))
    return [count for (count,) in rows]


def counts_by_first(connection: sqlite3.Connection, model: str, second: str) -> list[int]:
    """The same of those who have none by the model of the second look, `second`."""
    rows = connection.execute(
        "SELECT count(*) FROM templates WHERE model = ? GROUP BY resident_id"
        " HAVING count(CASE WHEN second_model = ? THEN 1 END) = 0",
        (model, second),
    )
    return [count for (count,) in rows]


def outdated(connection: sqlite3.Connection, model: str) -> set[str]:
    """The ids of residents who have templates, and none by `model`: until they are enrolled again it knows nobody of
    them."""
    rows = connection.execute("SELECT resident_id FROM looks GROUP BY resident_id HAVING sum(model = ?) = 0", (model,))
    return {row[0] for row in rows}


def version(connection: sqlite3.Connection) -> int:
    """Grows by one with every template that comes or goes."""
    return int(connection.execute("SELECT gallery_version FROM gate").fetchone()[0])


def changed_since(connection: sqlite3.Connection, known: int) -> set[int] | None:
    """The numbers of the residents whose templates came or went after version `known`; None: that is too long ago."""
    (oldest,) = connection.execute("SELECT coalesce(min(version), 0) FROM gallery_changes").fetchone()
    if oldest > known + 1:
        return None
    rows = connection.execute("SELECT number FROM gallery_changes WHERE version > ?", (known,))
    return {number for (number,) in rows}
