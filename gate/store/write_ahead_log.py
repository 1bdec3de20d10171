"""What is erased goes from the write-ahead log too: at once, or where somebody still reads what was before, as soon as
they have.

SQLite empties the log for nobody while somebody reads: an export that waits in a pager, a backup, a look through the
whole record. So a mark lies beside the database from before something is erased until the log is empty; whoever comes
by empties it then, also where the one who erased was killed.
"""

from __future__ import annotations

import secrets
import sqlite3
from contextlib import suppress
from pathlib import Path

# For so long the log is waited for by whoever comes by, milliseconds: meanwhile nobody writes.
_WAITS_MS = 200
_TOKEN_BYTES = 8


def will_erase(connection: sqlite3.Connection) -> None:
    """Something is about to be erased. Part of the transaction that does."""
    path = _file_of(connection)
    if path is not None:
        # The erasure itself does not fail with it.
        with suppress(OSError):
            path.with_name(f"erasing.{secrets.token_hex(_TOKEN_BYTES)}.{path.name}").touch(0o640)


def empty(connection: sqlite3.Connection) -> bool:
    """Take out of the log whatever was erased; whether nobody reads it any more. Outside of transactions."""
    # What is marked later is erased later: that may be in the log again.
    marks = _marks(connection)
    busy, *_ = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    if busy:
        return False
    for mark in marks:
        with suppress(OSError):
            mark.unlink()
    return True


def empty_where_marked(connection: sqlite3.Connection) -> bool:
    """Do so where something was erased and the log could not be emptied then; whether it is in no log any more."""
    if not _marks(connection):
        return True
    (waits,) = connection.execute("PRAGMA busy_timeout").fetchone()
    connection.execute(f"PRAGMA busy_timeout = {_WAITS_MS}")
    try:
        return empty(connection)
    finally:
        connection.execute(f"PRAGMA busy_timeout = {int(waits)}")


def _marks(connection: sqlite3.Connection) -> list[Path]:
    """Of this database, and none of its old copies beside it."""
    path = _file_of(connection)
    return [] if path is None else list(path.parent.glob(f"erasing.{'?' * 2 * _TOKEN_BYTES}.{path.name}"))


def _file_of(connection: sqlite3.Connection) -> Path | None:
    """The database's file; None for one in memory."""
    path = next(file for _, name, file in connection.execute("PRAGMA database_list") if name == "main")
    return Path(path) if path else None
