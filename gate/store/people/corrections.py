"""Corrections: openings by face of which a person says "that was not them".

Each one raises what a face must score to be taken for that resident, to a little above what the stranger scored. A
score is a cosine similarity in [-1, 1]. Vision reads the floors (`at_least`) with the gallery.
"""

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

# So far above the score of whoever was taken for them: on another day, in another light, that person scores a little
# more. It is two standard deviations of the frames of one approach, which stray by about 0.025.
_ABOVE = 0.05


@dataclass(frozen=True, slots=True)
class Correction:
    """One opening that was somebody else.

    `event` is the id of its line in the record, `at` when it was corrected (ISO 8601, UTC), `at_least` the score that
    a face needs since to be taken for the resident.
    """

    event: str
    at: str
    at_least: float


def correct(connection: sqlite3.Connection, resident: Resident, event: str, *, by: str) -> Correction:
    """Write down that the opening whose line has the id `event`, in this resident's name, was somebody else.

    Deletes what was learned of the resident, and writes a line in the name of `by`. Its own transaction. Raises
    Refusal where that line is no opening by this resident's face, or is corrected already; sqlite3.Error.
    """
    with transaction(connection):
        line = audit.line_of(connection, event)
        similarity = line.says.similarity if line is not None and is_opening_by_face(line) else None
        if line is None or similarity is None or line.personal["resident"] != resident.id:
            raise Refusal("That is not an opening by their face.")
        at = datetime.now(UTC).isoformat(timespec="milliseconds")
        added = connection.execute(
            "INSERT OR IGNORE INTO corrections (event_id, resident_id, similarity, at) VALUES (?, ?, ?, ?)",
            (event, resident.id, similarity, at),
        )
        if not added.rowcount:
            raise Refusal("That opening is already corrected.")
        # Whether what was learned of them was them is in doubt now.
        learned.forget(connection, resident.id)
        _note(connection, Kind.CORRECTED, resident, event, by)
    return Correction(event, at, similarity + _ABOVE)


def take_back(connection: sqlite3.Connection, resident: Resident, event: str, *, by: str) -> None:
    """Delete a correction: it was the resident after all. What was learned of them before does not come back.

    Writes a line in the name of `by`. Its own transaction. Raises Refusal where that opening was not corrected;
    sqlite3.Error.
    """
    with transaction(connection):
        removed = connection.execute(
            "DELETE FROM corrections WHERE event_id = ? AND resident_id = ?", (event, resident.id)
        )
        if not removed.rowcount:
            raise Refusal("That opening was not corrected.")
        _note(connection, Kind.CORRECTION_TAKEN_BACK, resident, event, by)


def of(connection: sqlite3.Connection, resident: str) -> list[Correction]:
    """The corrections of the resident with this id, the oldest first."""
    rows = connection.execute(
        "SELECT event_id, at, similarity FROM corrections WHERE resident_id = ? ORDER BY at, event_id", (resident,)
    )
    return [Correction(event, at, similarity + _ABOVE) for event, at, similarity in rows]


def at_least(connection: sqlite3.Connection) -> dict[int, float]:
    """The least score that a face needs, whatever the promise asks, by the resident's number in the gallery.

    Only residents with a correction are in it; of several corrections the highest counts.
    """
    rows = connection.execute(
        "SELECT r.number, max(c.similarity) FROM corrections c JOIN residents r ON r.id = c.resident_id GROUP BY r.id"
    )
    return {number: similarity + _ABOVE for number, similarity in rows}


def is_opening_by_face(line: Line) -> bool:
    """Whether a line of the record is an opening by face, with its score, of a resident whom the record still names."""
    by_face = line.kind in ENTERED and line.says.method == "face"
    return by_face and line.says.similarity is not None and "resident" in line.personal


def _note(connection: sqlite3.Connection, kind: Kind, resident: Resident, event: str, by: str) -> None:
    personal = {"resident": resident.id, "name": resident.name}
    audit.append(connection, AuditEvent(kind, {"event": event, "by": by}, personal, resident.id))
