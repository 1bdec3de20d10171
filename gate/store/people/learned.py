"""Templates that the gate learns by itself, from passages of residents who agreed to it.

A learned template lies in the table `templates` beside those from photos, and names in `learned_from` the claim (the
id of the opening) that it came from. There are at most `MOST` for a resident, one a week, and all of a resident's are
deleted when one of their openings is said to have been somebody else (`gate.store.people.corrections`).
"""

from __future__ import annotations

import sqlite3
from datetime import UTC, datetime, timedelta

from gate.store.ids import new_id
from gate.store.people import consents, residents
from gate.store.record import audit
from gate.store.record.audit import Moment
from gate.vocabulary import AuditEvent, Kind, Lesson

# Templates a resident may have learned, so that what was enrolled keeps the greater say, and how long one waits for the
# next, so that a face of years ago gives way to one of this season.
MOST = 2
NOT_BEFORE = timedelta(days=7)


def learn(connection: sqlite3.Connection, lesson: Lesson, moment: Moment) -> bool:
    """Add the template of a lesson to its resident's, and a line to the record; returns whether it was added.

    The lesson's vectors are the template's bytes as `templates` keeps them. `moment` is the time of the line and of the
    template. Nothing is added, and nothing written, where the resident did not agree to learning, where an opening of
    theirs is corrected, where they have no enrolled template by the same model and of the same length, where those by
    the model of the second look are of another length, or where the last one was learned less than `NOT_BEFORE` ago.
    Where there are `MOST` already, the oldest are deleted.

    Must be called inside a transaction, which the caller commits. Raises sqlite3.Error.
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
        "INSERT INTO templates"
        " (id, resident_id, model, source, quality, vector, second_model, second_vector, created_at, learned_from)"
        " VALUES (?, ?, ?, 'passage', '{}', ?, ?, ?, ?, ?)",
        (
            new_id(),
            resident.id,
            lesson.model,
            lesson.vector,
            lesson.second_model,
            lesson.second_vector,
            now.isoformat(timespec="milliseconds"),
            lesson.claim,
        ),
    )
    details: dict[str, object] = {"claim": lesson.claim, "similarity": round(lesson.similarity, 4)}
    personal = {"resident": resident.id, "name": resident.name}
    audit.append(connection, AuditEvent(Kind.TEMPLATE_LEARNED, details, personal, resident.id), moment)
    return True


def forget(connection: sqlite3.Connection, resident: str) -> int:
    """Delete every template that was learned of the resident with this id; returns how many there were.

    Must be called inside a transaction, which the caller commits. Raises sqlite3.Error.
    """
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
        "SELECT count(*) FILTER (WHERE model = ? AND length(vector) = ?),"
        " count(*) FILTER (WHERE second_model = ? AND length(second_vector) <> ?)"
        " FROM templates WHERE resident_id = ? AND learned_from IS NULL",
        (lesson.model, len(lesson.vector), lesson.second_model, len(lesson.second_vector or b""), lesson.resident),
    ).fetchone()
    alike, others = row
    return bool(alike) and not others


def _doubted(connection: sqlite3.Connection, resident: str) -> bool:
    return connection.execute("SELECT 1 FROM corrections WHERE resident_id = ?", (resident,)).fetchone() is not None
