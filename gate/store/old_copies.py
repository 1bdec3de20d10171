"""Old copies of the database, such as the one a restore put aside: they forget whom the database forgets, and end."""

from __future__ import annotations

import logging
import os
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

from gate.errors import FacegateError
from gate.scratch import end_left
from gate.store.database import DATABASE_NAME, open_copy

_log = logging.getLogger(__name__)

_COMPANIONS = ("-wal", "-shm", "-journal")


def beside(database: Path) -> list[Path]:
    """The old copies of a state's database, the oldest first: all files whose names begin with its own."""
    if database.name != DATABASE_NAME:
        return []
    found = [
        path
        for path in database.parent.glob(f"{DATABASE_NAME}[.-]*")
        if not path.name.endswith(_COMPANIONS) and path.is_file() and not path.is_symlink()
    ]
    return sorted(found, key=lambda path: path.stat().st_mtime)


def forget(connection: sqlite3.Connection, act: Callable[[sqlite3.Connection], object]) -> None:
    """Do in each old copy what was done in the database; one in which that cannot be done ends."""
    database = _file_of(connection)
    _end_left(database)
    for path in beside(database):
        times = path.stat()
        try:
            with closing(open_copy(path)) as copy:
                act(copy)
        except (FacegateError, sqlite3.Error) as error:
            _log.warning("%s is removed: nobody can be erased from it (%s).", path, error)
            _end(path)
            continue
        # It ages from when it was put aside.
        os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))


def end_old(connection: sqlite3.Connection, before: float) -> int:
    """Remove the old copies that were last the gate's database before a time (seconds since 1970), and what is left
    beside it of one that was cut short. How many went."""
    database = _file_of(connection)
    old = [path for path in beside(database) if path.stat().st_mtime < before]
    for path in old:
        _end(path)
    return len(old) + _end_left(database)


def _end_left(database: Path) -> int:
    return end_left(database.parent) if database.name == DATABASE_NAME else 0


def _end(path: Path) -> None:
    for suffix in ("", *_COMPANIONS):
        path.with_name(path.name + suffix).unlink(missing_ok=True)


def _file_of(connection: sqlite3.Connection) -> Path:
    """The database's file; an empty path for one in memory."""
    return Path(next(file for _, name, file in connection.execute("PRAGMA database_list") if name == "main"))
