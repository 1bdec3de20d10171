""" "That was not them": an opening by face that was somebody else raises what a face must score for that resident."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from datetime import UTC, datetime

from gate.errors import Refusal
from gate.store.database import transaction
from gate.store.people import learned
from gate.store.people.residents import Resident
from gate.store.record import audit
from gate.store.record.audit import Line
from gate.vocabulary import ENTERED, AuditEvent, Kind

# Above the score of whoever was taken for them: another day, in another light, that person scores a little more. Frames
# of one approach stray by about 0.025.
_ABOVE = 0.05


@dataclass(frozen=True, slots=True)
class Correction:
    """One such opening: its line in the record, when it was corrected, and what a face must score since."""

    event: str
    at: str
    at_least: float


def correct(connection: sqlite3.Connection, resident: Resident, event: str, *, by: str) -> Correction:
    """The opening with this id, in their name, was somebody else. Raises Refusal for any other line of the record, and
    where it is said already."""
    with transaction(connection):
        line = audit.line_of(connection, event)
        similarity = line.says.similarity if line is not None and is_opening_by_face(line) else None
        if line is None or similarity is None or line.personal["resident"] != resident.id:
            raise Refusal("That is no opening by their face.")
        at = datetime.now(UTC).isoformat(timespec="milliseconds")
        added = connection.execute(
            "INSERT OR IGNORE INTO corrections (event_id, resident_id, similarity, at) VALUES (?, ?, ?, ?)",
            (event, resident.id, similarity, at),
        )
        if not added.rowcount:
            raise Refusal("That opening is corrected already.")
        # Whether what was learned of them was them is in doubt now.
        learned.forget(connection, resident.id)
        _note(connection, Kind.CORRECTED, resident, event, by)
    return Correction(event, at, similarity + _ABOVE)


def take_back(connection: sqlite3.Connection, resident: Resident, event: str, *, by: str) -> None:
    """It was them after all. Raises Refusal where nothing was corrected."""
    with transaction(connection):
        removed = connection.execute(
            "DELETE FROM corrections WHERE event_id = ? AND resident_id = ?", (event, resident.id)
        )
        if not removed.rowcount:
            raise Refusal("That opening was not corrected.")
        _note(connection, Kind.CORRECTION_TAKEN_BACK, resident, event, by)


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
    by_face = line.kind in ENTERED and line.says.method == "face"
    return by_face and line.says.similarity is not None and "resident" in line.personal


def _note(connection: sqlite3.Connection, kind: Kind, resident: Resident, event: str, by: str) -> None:
    personal = {"resident": resident.id, "name": resident.name}
    audit.append(connection, AuditEvent(kind, {"event": event, "by": by}, personal, resident.id))
