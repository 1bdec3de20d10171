""" "That was not them": an opening by face that was somebody else raises what a face must score for that resident."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from datetime import UTC, datetime

from gate.errors import Refusal
from gate.store import audit
from gate.store.audit import Line
from gate.store.database import transaction
from gate.vocabulary import AuditEvent

# Above the score of whoever was taken for them: another day, in another light, that person scores a little more. Frames
# of one approach stray by about 0.025.
_ABOVE = 0.05


@dataclass(frozen=True, slots=True)
class Correction:
    """One such opening: its line in the record, when it was corrected, and what a face must score since."""

    event: str
    at: str
    at_least: float


def correct(connection: sqlite3.Connection, event: str, *, by: str) -> Correction:
    """The opening with this id was somebody else. Raises Refusal when it is none by face, or corrected already."""
    with transaction(connection):
        line = audit.line_of(connection, event)
        if line is None or not is_opening_by_face(line):
            raise Refusal("That is no opening by face of someone who lives here.")
        resident, name = line.personal["resident"], line.personal.get("name", "")
        similarity, at = float(line.details["similarity"]), datetime.now(UTC).isoformat(timespec="milliseconds")
        added = connection.execute(
            "INSERT OR IGNORE INTO corrections (event_id, resident_id, similarity, at)"
            " SELECT ?, id, ?, ? FROM residents WHERE id = ?",
            (event, similarity, at, resident),
        )
        if not added.rowcount:
            raise Refusal("It is corrected already, or the person is no longer here.")
        personal = {"resident": resident, "name": name}
        audit.append(connection, AuditEvent("corrected", {"event": event, "by": by}, personal, resident))
    return Correction(event, at, similarity + _ABOVE)


def take_back(connection: sqlite3.Connection, event: str, *, by: str) -> None:
    """It was them after all. Raises Refusal where nothing was corrected."""
    with transaction(connection):
        found = connection.execute(
            "DELETE FROM corrections WHERE event_id = ? RETURNING resident_id", (event,)
        ).fetchone()
        if found is None:
            raise Refusal("That opening was not corrected.")
        (resident,) = found
        (name,) = connection.execute("SELECT name FROM residents WHERE id = ?", (resident,)).fetchone()
        personal = {"resident": resident, "name": name}
        audit.append(connection, AuditEvent("correction_taken_back", {"event": event, "by": by}, personal, resident))


def of(connection: sqlite3.Connection, resident: str) -> list[Correction]:
    """What was corrected of one resident, the oldest first."""
    rows = connection.execute(
        "SELECT event_id, at, similarity FROM corrections WHERE resident_id = ? ORDER BY at, event_id", (resident,)
    )
    return [Correction(event, at, similarity + _ABOVE) for event, at, similarity in rows]


def at_least(connection: sqlite3.Connection) -> dict[int, float]:
    """What a face must score, whatever the promise asks, by the numbers of those of whom anything was corrected."""
    rows = connection.execute(
        "SELECT r.number, max(c.similarity) FROM corrections c JOIN residents r ON r.id = c.resident_id GROUP BY r.id"
    )
    return {number: similarity + _ABOVE for number, similarity in rows}


def is_opening_by_face(line: Line) -> bool:
    """Whether a line says that a face opened the gate, of someone the record still names."""
    by_face = line.kind == "granted" and line.details.get("method") == "face"
    return by_face and "similarity" in line.details and "resident" in line.personal
