"""Areas: named sets of the gates of a compound. Who has one, or whose group has one, is let in at its gates alone."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass

from gate.errors import Refusal, Sentence
from gate.store.database import transaction
from gate.store.ids import new_id
from gate.store.record import audit
from gate.vocabulary import AuditEvent, Kind

NO_AREA = Sentence("There is no area {name}. Make it first, at the centre in the settings.")
AT_THE_CENTRE = Sentence("Areas are made and changed at the centre. Do it there.")


@dataclass(frozen=True, slots=True)
class Area:
    """One of them; `gates` are the names of its gates by their ids, as they were called when it was made."""

    id: str
    name: str
    gates: Mapping[str, str]
    used_by: int
    """How many residents and groups have it."""


def every(connection: sqlite3.Connection) -> list[Area]:
    """All areas by name."""
    rows = connection.execute(
        "SELECT a.id, a.name, a.gates, (SELECT count(*) FROM residents WHERE area_id = a.id)"
        " + (SELECT count(*) FROM groups WHERE area_id = a.id) FROM areas a ORDER BY a.name"
    )
    return [Area(identity, name, json.loads(gates), used_by) for identity, name, gates, used_by in rows]


def id_of(connection: sqlite3.Connection, name: str | None) -> str | None:
    """The id of the area of this name; None where none is named. Raises Refusal."""
    if not name:
        return None
    row = connection.execute("SELECT id FROM areas WHERE name = ?", (name,)).fetchone()
    if row is None:
        raise Refusal(NO_AREA, name=name)
    return str(row[0])


def put(connection: sqlite3.Connection, name: str, gates: Mapping[str, str], by: str) -> None:
    """Add an area, or give it other gates. Raises Refusal for one without gates, and where a centre makes them."""
    if not gates:
        raise Refusal("An area has at least one gate. Choose its gates.")
    with transaction(connection):
        _refuse_at_a_gate(connection)
        connection.execute(
            "INSERT INTO areas (id, name, gates) VALUES (?, ?, ?)"
            " ON CONFLICT (name) DO UPDATE SET gates = excluded.gates WHERE gates <> excluded.gates",
            (new_id(), name, as_kept(gates)),
        )
        said = ", ".join(sorted(gates.values()))
        audit.append(connection, AuditEvent(Kind.AREA_CHANGED, {"area": name, "gates": said, "by": by}))


def remove(connection: sqlite3.Connection, name: str, by: str) -> None:
    """Raises Refusal where there is no such area, or somebody has it, who would be let in everywhere without it."""
    with transaction(connection):
        _refuse_at_a_gate(connection)
        found = next((one for one in every(connection) if one.name == name), None)
        if found is None:
            raise Refusal(NO_AREA, name=name)
        if found.used_by:
            raise Refusal(
                "The area {name} is in use: {count}. Give those another first.", name=name, count=found.used_by
            )
        connection.execute("DELETE FROM areas WHERE id = ?", (found.id,))
        audit.append(connection, AuditEvent(Kind.AREA_REMOVED, {"area": name, "by": by}))


def without(connection: sqlite3.Connection, gate: str) -> None:
    """A gate was taken away: no area has it any more, and one that had it alone has none. Part of a transaction."""
    for one in every(connection):
        if gate in one.gates:
            left = {identity: name for identity, name in one.gates.items() if identity != gate}
            connection.execute("UPDATE areas SET gates = ? WHERE id = ?", (as_kept(left), one.id))


def as_kept(gates: Mapping[str, str]) -> str:
    """The gates of an area as one text, the same for the same gates."""
    return json.dumps(dict(sorted(gates.items())), ensure_ascii=False)


def _refuse_at_a_gate(connection: sqlite3.Connection) -> None:
    if connection.execute("SELECT part = 'gate' FROM compound").fetchone()[0]:
        raise Refusal(AT_THE_CENTRE)
