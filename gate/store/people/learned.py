"""Templates learned from passages: few, seldom, of those who agreed to it, and forgotten as soon as one is in doubt."""

from __future__ import annotations

import sqlite3
from datetime import UTC, datetime, timedelta

from gate.store.ids import new_id
from gate.store.people import consents, residents
from gate.store.record import audit
from gate.store.record.audit import Moment
from gate.vocabulary import AuditEvent, Kind, Lesson

# What was enrolled keeps the greater say, and a face of years ago gives way to one of this season.
MOST = 2
NOT_BEFORE = timedelta(days=7)


def learn(connection: sqlite3.Connection, lesson: Lesson, moment: Moment) -> bool:
    """Add a lesson to its resident's templates, in the caller's transaction; whether it was added.

    It is not where they did not agree to it, where an opening of theirs was somebody else, where they are not enrolled
    with this model, or where one was learned within `NOT_BEFORE`. Beyond `MOST` the oldest is forgotten.
    """
    resident = residents.get(connection, lesson.resident)
    if resident is None or not consents.covers_learning(connection, resident.id):
        return False
    if not _enrolled(connection, lesson) or _doubted(connection, resident.id):
        return False
    now = datetime.fromtimestamp(moment.wall, UTC)
    known = _of(connection, resident.id)
    if known and now - datetime.fromisoformat(known[-1][1]) < NOT_BEFORE:
        return False
    for template, _ in known[: len(known) - MOST + 1]:
        connection.execute("DELETE FROM templates WHERE id = ?", (template,))
    connection.execute(
        "INSERT INTO templates (id, resident_id, model, source, quality, vector, created_at, learned_from)"
        " VALUES (?, ?, ?, 'passage', '{}', ?, ?, ?)",
        (new_id(), resident.id, lesson.model, lesson.vector, now.isoformat(timespec="milliseconds"), lesson.claim),
    )
    details: dict[str, object] = {"claim": lesson.claim, "similarity": round(lesson.similarity, 4)}
    personal = {"resident": resident.id, "name": resident.name}
    audit.append(connection, AuditEvent(Kind.TEMPLATE_LEARNED, details, personal, resident.id), moment)
    return True


def forget(connection: sqlite3.Connection, resident: str) -> int:
    """Forget all that was learned of a resident, in the caller's transaction. Returns how many templates went."""
    return connection.execute(
        "DELETE FROM templates WHERE resident_id = ? AND learned_from IS NOT NULL", (resident,)
    ).rowcount


def _of(connection: sqlite3.Connection, resident: str) -> list[tuple[str, str]]:
    rows = connection.execute(
        "SELECT id, created_at FROM templates WHERE resident_id = ? AND learned_from IS NOT NULL ORDER BY rowid",
        (resident,),
    )
    return rows.fetchall()


def _enrolled(connection: sqlite3.Connection, lesson: Lesson) -> bool:
    row = connection.execute(
        "SELECT 1 FROM templates WHERE resident_id = ? AND model = ? AND learned_from IS NULL AND length(vector) = ?",
        (lesson.resident, lesson.model, len(lesson.vector)),
    ).fetchone()
    return row is not None


def _doubted(connection: sqlite3.Connection, resident: str) -> bool:
    return connection.execute("SELECT 1 FROM corrections WHERE resident_id = ?", (resident,)).fetchone() is not None
