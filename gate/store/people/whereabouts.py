"""Where residents are, as far as the door saw them pass: in or out, and since when. The door alone writes it."""

from __future__ import annotations

import sqlite3
from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from gate.store.people import elsewhere
from gate.store.people.residents import Resident
from gate.store.record import audit, search
from gate.store.record.search import Search
from gate.vocabulary import AuditEvent, Direction, Kind, Moved


@dataclass(frozen=True, slots=True)
class Passed:
    """Whom a contact saw pass last, which way, and when (ISO 8601, UTC)."""

    resident: str
    way: Direction
    at: str


@dataclass(frozen=True, slots=True)
class LetThroughBy:
    """By what somebody was let in or out, as the record says ("face", "pin", "card", "rolling"), and at which reader;
    None: before the camera."""

    method: str | None
    reader: str | None


# Whoever is let through passes within a minute or so, and a line may be written late.
_PASSED_WITHIN = timedelta(minutes=5)


def every(connection: sqlite3.Connection) -> list[Passed]:
    """All who are known to be somewhere."""
    rows = connection.execute("SELECT resident_id, way, at FROM whereabouts ORDER BY resident_id")
    return [Passed(resident, Direction(way), at) for resident, way, at in rows]


def of_resident(connection: sqlite3.Connection, resident: str) -> Passed | None:
    """Where somebody is; None where that is not known."""
    return next((one for one in every(connection) if one.resident == resident), None)


def let_through_by(connection: sqlite3.Connection, passed: Collection[Passed]) -> dict[str, LetThroughBy]:
    """By what each of them was let through before they passed, by their ids; of whom the record has no more is missing.

    The record is read once, back to the oldest of them.
    """
    wanted = {one.resident: one.at for one in passed}
    if not wanted:
        return {}
    since = datetime.fromisoformat(min(wanted.values())) - _PASSED_WITHIN
    found: dict[str, LetThroughBy] = {}
    asked = Search(kinds=(Kind.GRANTED,), since=since.isoformat(timespec="milliseconds"))
    for line in search.every(connection, asked):
        who = line.personal.get("resident", "")
        # The host of a visitor did not come themselves.
        if who in wanted and who not in found and line.at <= wanted[who] and line.says.method != "pass":
            found[who] = LetThroughBy(line.says.method, line.says.reader)
            if len(found) == len(wanted):
                break
    return found


def note(connection: sqlite3.Connection, moved: Moved) -> None:
    """Write down what the door saw. Of who was erased meanwhile nothing is kept. Within the caller's transaction."""
    if moved.resident is None:
        connection.execute("DELETE FROM whereabouts")
    elif moved.way is None:
        connection.execute("DELETE FROM whereabouts WHERE resident_id = ?", (moved.resident,))
    else:
        at = datetime.fromtimestamp(moved.wall, UTC).isoformat(timespec="milliseconds")
        connection.execute(
            "INSERT OR REPLACE INTO whereabouts (resident_id, way, at)"
            " SELECT ?1, ?2, ?3 WHERE EXISTS (SELECT 1 FROM residents WHERE id = ?1)",
            (moved.resident, moved.way, at),
        )
    if moved.shared:
        elsewhere.note(connection, moved)


def say_forgiven(connection: sqlite3.Connection, resident: Resident | None, *, by: str) -> None:
    """Put on record that the door forgot where somebody is (None: where anybody is), and who had it do so."""
    if resident is None:
        audit.append(connection, AuditEvent(Kind.FORGIVEN, {"by": by}))
        return
    personal = {"resident": resident.id, "name": resident.name} | ({"unit": resident.unit} if resident.unit else {})
    audit.append(connection, AuditEvent(Kind.FORGIVEN, {"by": by}, personal, resident.id))
