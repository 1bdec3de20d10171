"""What can be wrong with the database: each told to whoever mends it, and to whoever only works with it."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from gate.errors import FacegateError, Sentence, UsageError

_LEAST_ROOM = 1 << 16

DAMAGED = Sentence("The database {database} is damaged ({why}). Stop Facegate and restore a backup.")
_FULL = Sentence("The disk of {state} is full; nothing was changed. Free some space and try again.")
_BUSY = Sentence("The database {database} is in use by another program. Try again in a moment.")
_READ_ONLY = Sentence("The database {database} cannot be written. Run this as the user Facegate runs as.")
_NO_DATABASE = Sentence("There is no readable database {database}. Enrol someone first, or correct --state.")
_FAILED = Sentence("The database {database} failed: {why}.")
# What people are told of a full disk, by whichever part of the gate.
NO_ROOM = Sentence("The gate's disk is full; nothing was changed. Tell whoever looks after the gate.")
# The same for whoever has no hand on the machine, where there is more to say than that it does not work.
_PLAIN = {
    _FULL: NO_ROOM,
    _BUSY: Sentence("The gate is busy with its records; nothing was changed. Try again in a moment."),
}
_UNUSABLE = Sentence(
    "The gate cannot use its records just now; nothing was changed. Tell whoever looks after the gate."
)


class StoreError(FacegateError):
    """The database cannot be used; the message says what to do."""

    @property
    def plain(self) -> Sentence:
        """What people are told, who cannot mend it."""
        return _PLAIN.get(Sentence(self.sentence.pattern), _UNUSABLE)


class UnusableState(UsageError):
    """What a command was pointed at cannot be used; the message says what to do."""

    @property
    def plain(self) -> Sentence:
        """What people are told, who pointed at nothing."""
        return _UNUSABLE


@contextmanager
def sentences(path: Path) -> Iterator[None]:
    """SQLite's errors as StoreError, in words that say what to do."""
    try:
        yield
    except sqlite3.Error as error:
        raise StoreError(_trouble(error, path), database=path, state=path.parent, why=error) from error


def _trouble(error: sqlite3.Error, path: Path) -> Sentence:
    code = getattr(error, "sqlite_errorname", "")
    # On a disk without room SQLite may fail at its shared memory, before it comes to write.
    if code == "SQLITE_FULL" or (code.startswith("SQLITE_IOERR") and _without_room(path.parent)):
        return _FULL
    if code in ("SQLITE_CORRUPT", "SQLITE_NOTADB"):
        return DAMAGED
    for beginning, what in (("SQLITE_BUSY", _BUSY), ("SQLITE_READONLY", _READ_ONLY), ("SQLITE_CANTOPEN", _NO_DATABASE)):
        if code.startswith(beginning):
            return what
    return _FAILED


def _without_room(directory: Path) -> bool:
    room = os.statvfs(directory)
    return room.f_bavail * room.f_frsize < _LEAST_ROOM
