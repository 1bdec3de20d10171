"""A centre that came back from a backup: it asks its gates for what it lost, and publishes nothing but revocations
until it has that. What was revoked meanwhile the gates know, and whom it took."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass

from gate.store.compound import door_orders
from gate.store.compound.role import Part, part
from gate.store.database import transaction
from gate.store.ids import new_id

# Later than whatever epoch was begun since the backup was made.
_EPOCHS = 1000


@dataclass(frozen=True, slots=True)
class Recovery:
    """Which time this is, and whether gates are still to give back what they have."""

    id: str
    waits: bool


def begin(connection: sqlite3.Connection, before: sqlite3.Connection | None) -> bool:
    """Whether a restored database is a centre's, which then begins to recover; `before` is the one in whose place it
    is. Part of no transaction."""
    if part(connection) is not Part.CENTRE:
        return False
    known = [one.execute("SELECT epoch, superseded FROM compound").fetchone() for one in (connection, before) if one]
    epoch = max(one for one, _ in known)
    # That another leads the one knows in whose place this comes; gates that are not known here would not tell.
    later = max((led for _, led in known if led is not None and led > epoch), default=None)
    with transaction(connection):
        connection.execute(
            "UPDATE compound SET recovery = ?, recovering = 1, epoch = ?, stream = NULL, last_sequence = 0, had = NULL,"
            " superseded = ?",
            (new_id(), epoch + _EPOCHS, later),
        )
        # What was ordered since, and ended, is not known here.
        door_orders.void(connection)
        removed = [] if before is None else before.execute("SELECT nkey FROM gates WHERE removed_at NOTNULL").fetchall()
        connection.executemany(
            "UPDATE gates SET removed_at = coalesce(removed_at, strftime('%Y-%m-%dT%H:%M:%S+00:00')) WHERE nkey = ?",
            removed,
        )
    return True


def state(connection: sqlite3.Connection) -> Recovery | None:
    """How it stands; None: this centre never came back from a backup."""
    identity, waits = connection.execute("SELECT recovery, recovering FROM compound").fetchone()
    return None if identity is None else Recovery(identity, bool(waits))


def waits(connection: sqlite3.Connection) -> bool:
    """Whether gates are still to give back what they have."""
    return bool(connection.execute("SELECT recovering FROM compound").fetchone()[0])


def end(connection: sqlite3.Connection) -> None:
    """All is given back, or somebody said that it goes on without: what is here is published as a later epoch. Who
    comes later gives back all the same."""
    with transaction(connection):
        connection.execute(
            "UPDATE compound SET recovering = 0, epoch = epoch + 1, stream = NULL, last_sequence = 0 WHERE recovering"
        )
