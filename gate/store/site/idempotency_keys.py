"""Writes that may be sent twice and are carried out once: what bore which idempotency key, for a day."""

from __future__ import annotations

import sqlite3

from gate.errors import Refusal
from gate.store.database import transaction

_KEPT_S = 24 * 3600.0
# One that was begun and never ended died with its process.
_CARRIED_OUT_WITHIN_S = 300.0


def begin(connection: sqlite3.Connection, asker: str, key: str, digest: str, now: float) -> str | None:
    """Begin a write, or give what came of it before. `digest` is of all that was asked.

    Raises Refusal when the key stands for something else, or the same is being carried out.
    """
    with transaction(connection):
        connection.execute("DELETE FROM requests WHERE at < ?", (now - _KEPT_S,))
        row = connection.execute(
            "SELECT digest, result, at FROM requests WHERE asker = ? AND key = ?", (asker, key)
        ).fetchone()
        if row is not None and row[0] != digest:
            raise Refusal("This idempotency key was used for another request; give each its own.")
        if row is not None and row[1] is not None:
            return str(row[1])
        if row is not None and now - row[2] < _CARRIED_OUT_WITHIN_S:
            raise Refusal("The same request is being carried out; ask again in a moment.")
        connection.execute(
            "INSERT OR REPLACE INTO requests (asker, key, digest, resident_id, at) VALUES (?, ?, ?, NULL, ?)",
            (asker, key, digest, now),
        )
    return None


def done(connection: sqlite3.Connection, asker: str, key: str, result: str, resident: str | None = None) -> None:
    """This came of it. Where it is about a resident, it is forgotten with them."""
    connection.execute(
        "UPDATE requests SET result = ?, resident_id = ? WHERE asker = ? AND key = ?", (result, resident, asker, key)
    )


def failed(connection: sqlite3.Connection, asker: str, key: str) -> None:
    """It came to nothing and may be tried again with the same key."""
    connection.execute("DELETE FROM requests WHERE asker = ? AND key = ? AND result IS NULL", (asker, key))
