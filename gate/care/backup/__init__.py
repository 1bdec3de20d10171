"""Backups: one archive with the database as it was at one moment, the configuration, and a manifest of their hashes.

A backup holds templates and names: it is written for its owner alone, and belongs on a medium that is locked away.
How an archive is written and read: gate.care.backup.archive; how it comes back: gate.care.backup.restore.
"""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from gate.care.backup import archive
from gate.scratch import end_left, scratch_in
from gate.store.database import (
    DATABASE_NAME,
    StoreError,
    check_integrity,
    database_of,
    open_database,
    open_read_only,
    sentences,
)
from gate.store.people import residents
from gate.store.record import audit
from gate.vocabulary import AuditEvent, Kind

PREFIX = "facegate-"
SUFFIX = ".backup.tar.gz"


@dataclass(frozen=True, slots=True)
class Backup:
    """What an archive holds."""

    path: Path
    made_at: str
    residents: int
    events: int


def make(state: Path, folder: Path, config: Path | None) -> Backup:
    """Write a verified backup of a gate, running or not. Raises StoreError when the database is not sound."""
    made_at = datetime.now(UTC)
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    path = folder / f"{PREFIX}{made_at:%Y%m%dT%H%M%S.%fZ}{SUFFIX}"
    with scratch_in(folder) as scratch:
        copy = scratch / DATABASE_NAME
        with closing(open_read_only(state)) as source, closing(sqlite3.connect(copy)) as target:
            with sentences(database_of(state)):
                source.backup(target)
            target.execute("PRAGMA journal_mode = DELETE")
        people, events = checked(scratch)
        files = {DATABASE_NAME: copy} | ({archive.CONFIG_NAME: config} if config and config.is_file() else {})
        said = {
            "facegate": version("facegate"),
            "made_at": made_at.isoformat(),
            "residents": people,
            "events": events,
            "anchor": _anchor_of(scratch),
        }
        new = scratch / "new"
        archive.write(new, files, said, archive.own_key(state))
        new.replace(path)
    with closing(open_database(state)) as connection:
        audit.append(connection, AuditEvent(Kind.BACKED_UP, {"residents": people, "events": events}))
    return Backup(path, made_at.isoformat(), people, events)


def of_folder(folder: Path) -> list[Path]:
    """The backups of a folder, the oldest first."""
    return sorted(folder.glob(f"{PREFIX}*{SUFFIX}"))


def own_folder(state: Path) -> Path:
    """The state's own folder of backups."""
    return state / "backups"


def end_old(folder: Path, before: float) -> int:
    """Remove a folder's backups from before a time (seconds since 1970), but for the newest, and what is left there of
    one that was cut short. Returns how many went."""
    found = [path for path in folder.rglob(f"*{SUFFIX}") if path.is_file() and not path.is_symlink()]
    by_age = sorted(found, key=lambda path: path.stat().st_mtime)
    old = [path for path in by_age[:-1] if path.stat().st_mtime < before]
    for path in old:
        path.unlink()
    return len(old) + end_left(folder)


def keep_newest(folder: Path, count: int, made: Path) -> int:
    """Remove all but the newest backups of a folder, of which `made` is the last. Returns how many went.

    What is named later was made before it as well, since then the clock was ahead, or is behind now; it goes first.
    """
    old = sorted(of_folder(folder), key=lambda path: (path.name <= made.name, path.name))[:-count]
    for path in old:
        path.unlink()
    return len(old)


def _anchor_of(folder: Path) -> dict[str, object] | None:
    """The last line of a database's record, for whoever holds the record against the backup."""
    with closing(open_read_only(folder)) as connection:
        last = audit.anchor(connection)
    return asdict(last) if last else None


def checked(folder: Path) -> tuple[int, int]:
    """How many residents and events a database has. Raises StoreError unless it is sound and its trail verifies."""
    with closing(open_database(folder)) as connection:
        check_integrity(connection, folder)
        flaw = audit.verify(connection)
        if flaw:
            raise StoreError(f"The record is not whole: line {flaw.sequence}, {flaw.problem}.")
        last = audit.anchor(connection)
        return len(residents.every(connection)), last.sequence if last else 0
