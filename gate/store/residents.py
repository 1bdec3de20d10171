"""Residents and their templates. A template's numbers are bytes here: little-endian float32, unit length."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from gate.errors import Refusal
from gate.store import audit
from gate.store.database import transaction
from gate.store.ids import new_id
from gate.vocabulary import AuditEvent

MAX_TEMPLATES = 8


@dataclass(frozen=True, slots=True)
class Resident:
    """Someone who lives here. `number` is small and never given twice: the gallery's key."""

    number: int
    id: str
    name: str
    unit: str | None
    created_at: str
    templates: int


@dataclass(frozen=True, slots=True)
class Template:
    """One template as kept: which model made it, from what, and how good the face was."""

    model: str
    source: str
    quality: dict[str, float]
    vector: bytes


_SELECT = """
    SELECT r.number, r.id, r.name, r.unit, r.created_at, count(t.id)
    FROM residents r LEFT JOIN templates t ON t.resident_id = r.id
"""


def every(connection: sqlite3.Connection) -> list[Resident]:
    """All residents by name."""
    rows = connection.execute(f"{_SELECT} GROUP BY r.id ORDER BY r.name, r.id")
    return [Resident(*row) for row in rows]


def get(connection: sqlite3.Connection, resident: str) -> Resident | None:
    """One resident by id."""
    row = connection.execute(f"{_SELECT} WHERE r.id = ? GROUP BY r.id", (resident,)).fetchone()
    return Resident(*row) if row else None


def find(connection: sqlite3.Connection, who: str) -> Resident:
    """The one resident with this id or this name. Raises Refusal when there is none, or more than one."""
    rows = connection.execute(f"{_SELECT} WHERE r.id = ? OR r.name = ? GROUP BY r.id ORDER BY r.id", (who, who))
    found = [Resident(*row) for row in rows]
    if not found:
        raise Refusal(f"No resident is called {who!r}. List them with: facegate residents list")
    if len(found) > 1:
        ids = ", ".join(resident.id for resident in found)
        raise Refusal(f"{len(found)} residents are called {who!r}; name one by its id: {ids}")
    return found[0]


def templates_of(connection: sqlite3.Connection, resident: str) -> list[dict[str, Any]]:
    """What is known of a resident's templates, without their numbers."""
    rows = connection.execute(
        "SELECT id, model, source, quality, created_at FROM templates WHERE resident_id = ? ORDER BY rowid",
        (resident,),
    )
    return [
        {"id": row[0], "model": row[1], "source": row[2], "quality": json.loads(row[3]), "created_at": row[4]}
        for row in rows
    ]


def vectors(connection: sqlite3.Connection, model: str) -> list[tuple[int, str, bytes]]:
    """Every template made by `model`, as (resident's number, resident's id, vector), by resident."""
    rows = connection.execute(
        "SELECT r.number, r.id, t.vector FROM templates t JOIN residents r ON r.id = t.resident_id"
        " WHERE t.model = ? ORDER BY r.number, t.rowid",
        (model,),
    )
    return rows.fetchall()


def gallery_version(connection: sqlite3.Connection) -> int:
    """Grows by one with every template that comes or goes."""
    return int(connection.execute("SELECT gallery_version FROM gate").fetchone()[0])


def enrol(
    connection: sqlite3.Connection,
    name: str,
    unit: str | None,
    templates: Sequence[Template],
    *,
    to: str | None = None,
) -> Resident:
    """Add a resident with their templates, or more templates to resident `to`; the record gets its line.

    All or nothing. Raises Refusal when the person would hold more than MAX_TEMPLATES.
    """
    now = datetime.now(UTC).isoformat(timespec="milliseconds")
    with transaction(connection):
        resident = to or new_id()
        if to is None:
            connection.execute(
                "INSERT INTO residents (id, name, unit, created_at) VALUES (?, ?, ?, ?)",
                (resident, name, unit, now),
            )
        elif unit is not None:
            connection.execute("UPDATE residents SET unit = ? WHERE id = ?", (unit, resident))
        connection.executemany(
            "INSERT INTO templates (id, resident_id, model, source, quality, vector, created_at)"
            " VALUES (?, ?, ?, ?, ?, ?, ?)",
            [(new_id(), resident, t.model, t.source, json.dumps(t.quality), t.vector, now) for t in templates],
        )
        enrolled = get(connection, resident)
        if enrolled is None:
            raise Refusal(f"{name} was removed in the meantime; enrol them again.")
        if enrolled.templates > MAX_TEMPLATES:
            raise Refusal(
                f"{enrolled.name} would hold {enrolled.templates} templates; {MAX_TEMPLATES} is the most."
                " Give fewer photos."
            )
        personal = {"resident": resident, "name": enrolled.name}
        if enrolled.unit:
            personal["unit"] = enrolled.unit
        kind = "enrolled" if to is None else "templates_added"
        audit.append(connection, AuditEvent(kind, {"templates": len(templates)}, personal, resident))
    return enrolled


def remove(connection: sqlite3.Connection, resident: Resident) -> None:
    """Erase a resident: row, templates, and the personal fields of the record, also from the write-ahead log."""
    with transaction(connection):
        connection.execute("DELETE FROM residents WHERE id = ?", (resident.id,))
        forgotten = audit.forget(connection, resident.id)
        details: dict[str, object] = {"templates": resident.templates, "personal_fields": forgotten}
        audit.append(connection, AuditEvent("erased", details))
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
