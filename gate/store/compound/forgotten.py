"""Proof that what was revoked is gone at every gate: each names the line of its own record that says so, and the centre
looks for that line in the gate's chain."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from gate.store.compound import gates
from gate.store.compound.entries import SUSPENDED
from gate.store.compound.gates import Gate
from gate.store.database import transaction
from gate.store.people import erasure
from gate.store.record.audit import Anchor

_AT_ONCE = 200
# In the place of a line's number: the line proved it, and is older than lines are kept.
_PRUNED = 0


@dataclass(frozen=True, slots=True)
class Forgotten:
    """A gate's word that a revocation was carried out there, with the line of its record by which it was."""

    id: str
    sequence: int
    hash: str


@dataclass(frozen=True, slots=True)
class Standing:
    """How far one erased resident is forgotten, by their id, which says nothing of who they were."""

    id: str
    proved: tuple[Gate, ...]
    """The gates whose records have the line that they named."""
    said: tuple[Gate, ...]
    """Those that said it, and whose line is not here."""
    missing: tuple[Gate, ...]
    """Those that have said nothing yet."""


def note(connection: sqlite3.Connection, identity: str, line: Anchor) -> None:
    """This gate carried a revocation out, by that line of its record. Part of a transaction."""
    connection.execute(
        "INSERT INTO forgotten_here (id, sequence, hash) VALUES (?, ?, ?)", (identity, line.sequence, line.hash)
    )


def waiting(connection: sqlite3.Connection) -> list[tuple[int, Forgotten]]:
    """What the centre does not know yet, each with its number here."""
    query = "SELECT number, id, sequence, hash FROM forgotten_here ORDER BY number LIMIT ?"
    return [(number, Forgotten(*rest)) for number, *rest in connection.execute(query, (_AT_ONCE,))]


def known(connection: sqlite3.Connection, upto: int) -> None:
    """The centre knows all up to this number."""
    connection.execute("DELETE FROM forgotten_here WHERE number <= ?", (upto,))


def keep(connection: sqlite3.Connection, gate: str, said: Sequence[Forgotten]) -> None:
    """Keep what a gate said, at the centre."""
    now = datetime.now(UTC).isoformat(timespec="seconds")
    with transaction(connection):
        connection.executemany(
            "INSERT OR REPLACE INTO forgotten_at (id, gate_id, sequence, hash, said_at) VALUES (?, ?, ?, ?, ?)",
            [(one.id, gate, one.sequence, one.hash, now) for one in said if one.sequence > _PRUNED],
        )


def outlast(connection: sqlite3.Connection, before: str) -> None:
    """Lines of gates from before a time (ISO 8601, UTC) are about to go: what they prove stays proved. Part of a
    transaction."""
    connection.execute(
        "UPDATE forgotten_at SET sequence = ?, hash = '' WHERE EXISTS (SELECT 1 FROM carried_lines l WHERE l.at < ?"
        " AND l.gate_id = forgotten_at.gate_id AND l.sequence = forgotten_at.sequence AND l.hash = forgotten_at.hash)",
        (_PRUNED, before),
    )


def standing(connection: sqlite3.Connection, most: int) -> list[Standing]:
    """Who was erased, the latest first, and at which gates that is proved."""
    query = "SELECT id FROM register WHERE kind = 'revocation' ORDER BY coalesce(sequence, 1 << 60) DESC"
    following, found = gates.every(connection), []
    for (identity,) in connection.execute(query).fetchall():
        # A version before took a gate that was taken away for somebody who was erased.
        if identity.endswith(SUSPENDED) or gates.is_key(identity):
            continue
        if erasure.was_erased(connection, identity):
            found.append(_standing(connection, identity, following))
        if len(found) == most:
            break
    return found


def _standing(connection: sqlite3.Connection, identity: str, following: Sequence[Gate]) -> Standing:
    rows = connection.execute(
        "SELECT f.gate_id, l.sequence IS NOT NULL OR f.sequence = ? FROM forgotten_at f LEFT JOIN carried_lines l"
        " ON l.gate_id = f.gate_id AND l.sequence = f.sequence AND l.hash = f.hash WHERE f.id = ?",
        (_PRUNED, identity),
    )
    said = {gate: bool(proved) for gate, proved in rows}
    return Standing(
        identity,
        tuple(one for one in following if said.get(one.id) is True),
        tuple(one for one in following if said.get(one.id) is False),
        tuple(one for one in following if one.id not in said),
    )
