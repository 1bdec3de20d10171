"""What was revoked at this gate, and its centre is still to hear. Triggers write it, whoever revokes."""

from __future__ import annotations

import sqlite3

_AT_ONCE = 100


def waiting(connection: sqlite3.Connection) -> list[tuple[int, str]]:
    """The next of them, each with its number and what was revoked."""
    return connection.execute(
        "SELECT number, id FROM register_requests ORDER BY number LIMIT ?", (_AT_ONCE,)
    ).fetchall()


def count(connection: sqlite3.Connection) -> int:
    """How many the centre is still to hear."""
    return int(connection.execute("SELECT count(*) FROM register_requests").fetchone()[0])


def waits(connection: sqlite3.Connection, identity: str) -> bool:
    """Whether the centre is still to hear of this one."""
    return connection.execute("SELECT 1 FROM register_requests WHERE id = ?", (identity,)).fetchone() is not None


def ask_also(connection: sqlite3.Connection, before: sqlite3.Connection) -> None:
    """What the centre was still to hear by the database `before` it hears from this one."""
    missing = "SELECT ?1 WHERE NOT EXISTS (SELECT 1 FROM register_requests WHERE id = ?1)"
    connection.executemany(
        f"INSERT INTO register_requests (id) {missing}",
        before.execute("SELECT id FROM register_requests ORDER BY number").fetchall(),
    )


def answered(connection: sqlite3.Connection, identity: str) -> None:
    """The centre says itself that this is revoked. Until then it is asked: whoever carries it may lose it."""
    connection.execute("DELETE FROM register_requests WHERE id = ?", (identity,))
