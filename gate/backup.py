"""Backups: one archive with the database as it was at one moment, the configuration, and a manifest of their hashes.

A backup holds templates and names: it is written for its owner alone, and belongs on a medium that is locked away.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import sqlite3
import tarfile
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import IO

from gate.errors import UsageError
from gate.store import audit, residents
from gate.store.database import (
    DATABASE_NAME,
    StoreError,
    check_integrity,
    database_of,
    open_database,
    open_read_only,
    schema_version,
    sentences,
    share,
)
from gate.vocabulary import AuditEvent, Kind

FORMAT = 1
CONFIG_NAME = "facegate.toml"
_MANIFEST = "manifest.json"
# Far above any real one; a manifest that names more is not ours.
_LARGEST = 4 << 30
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
    with TemporaryDirectory(dir=folder) as scratch:
        copy = Path(scratch) / DATABASE_NAME
        with closing(open_read_only(state)) as source, closing(sqlite3.connect(copy)) as target:
            with sentences(database_of(state)):
                source.backup(target)
            target.execute("PRAGMA journal_mode = DELETE")
        people, events = _checked(Path(scratch))
        files = {DATABASE_NAME: copy} | ({CONFIG_NAME: config} if config and config.is_file() else {})
        manifest = {
            "format": FORMAT,
            "facegate": version("facegate"),
            "made_at": made_at.isoformat(),
            "residents": people,
            "events": events,
            "sha256": {name: _sha256(file) for name, file in files.items()},
        }
        new = Path(scratch) / "new"
        with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT, 0o600), "wb") as raw:
            with tarfile.open(fileobj=raw, mode="w:gz") as archive:
                _add(archive, _MANIFEST, json.dumps(manifest, indent=1).encode())
                for name, file in files.items():
                    archive.add(file, name, recursive=False)
            raw.flush()
            os.fsync(raw.fileno())
        new.replace(path)
    with closing(open_database(state)) as connection:
        audit.append(connection, AuditEvent(Kind.BACKED_UP, {"residents": people, "events": events}))
    return Backup(path, made_at.isoformat(), people, events)


def keep_newest(folder: Path, count: int) -> int:
    """Remove all but the newest backups of a folder. Returns how many went."""
    old = sorted(folder.glob(f"{PREFIX}*{SUFFIX}"))[:-count]
    for path in old:
        path.unlink()
    return len(old)


def restore(path: Path, state: Path) -> tuple[Backup, int]:
    """Put a backup in the place of a stopped gate's database. The old one is kept beside it.

    Whoever was erased since the backup was made is erased again. Returns the backup and how many that were. Raises
    UsageError when the archive is cut short, damaged or from a newer Facegate; nothing is changed then.
    """
    current = database_of(state)
    current.parent.mkdir(parents=True, exist_ok=True, mode=0o750)
    with TemporaryDirectory(dir=current.parent) as scratch:
        manifest = _unpack(path, Path(scratch))
        people, events = _checked(Path(scratch))
        forgotten = _erased_until_now(state)
        with closing(open_database(Path(scratch))) as connection:
            again = residents.erase_again(connection, forgotten)
            details: dict[str, object] = {"made_at": manifest["made_at"], "erased_again": again}
            audit.append(connection, AuditEvent(Kind.RESTORED, details))
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            connection.execute("PRAGMA journal_mode = DELETE")
        _put_in_place(Path(scratch) / DATABASE_NAME, current)
    return Backup(path, manifest["made_at"], people, events), again


def _put_in_place(new: Path, current: Path) -> None:
    if current.exists():
        for suffix in ("-wal", "-shm"):
            beside = current.with_name(current.name + suffix)
            if beside.exists():
                beside.replace(current.with_name(f"{DATABASE_NAME}.before-restore{suffix}"))
        current.replace(current.with_name(f"{DATABASE_NAME}.before-restore"))
    new.replace(current)
    share(current)


def _erased_until_now(state: Path) -> list[str]:
    # A database from a newer Facegate is read for this too: whoever it erased stays erased.
    try:
        with closing(sqlite3.connect(f"{database_of(state).resolve().as_uri()}?mode=ro", uri=True)) as connection:
            return residents.erased(connection)
    except sqlite3.Error:
        return []


def _checked(folder: Path) -> tuple[int, int]:
    """How many residents and events a database has. Raises StoreError unless it is sound and its trail verifies."""
    with closing(open_database(folder)) as connection:
        check_integrity(connection, folder)
        finding = audit.verify(connection)
        if finding:
            raise StoreError(f"The record is not whole: line {finding.sequence}, {finding.problem}.")
        last = audit.anchor(connection)
        return len(residents.every(connection)), last.sequence if last else 0


def _unpack(path: Path, folder: Path) -> dict[str, str]:
    try:
        with tarfile.open(path, "r:gz") as archive:
            manifest = json.load(_member(archive, _MANIFEST))
            _refuse_newer(path, manifest)
            for name, expected in manifest["sha256"].items():
                if name not in (DATABASE_NAME, CONFIG_NAME):
                    raise ValueError(f"it holds {name!r}")
                target = folder / name
                target.write_bytes(_member(archive, name).read())
                if _sha256(target) != expected:
                    raise ValueError(f"{name} is not what was written")
    except FileNotFoundError as error:
        raise UsageError(f"There is no backup {path}.") from error
    except (OSError, EOFError, ValueError, KeyError, TypeError, tarfile.TarError) as error:
        raise UsageError(f"The backup {path} is damaged or cut short ({error}). Take another.") from error
    _refuse_newer_database(path, folder)
    found: dict[str, str] = manifest
    return found


def _refuse_newer_database(path: Path, folder: Path) -> None:
    if not (folder / DATABASE_NAME).exists():
        raise UsageError(f"The backup {path} holds no database. Take another.")
    with closing(sqlite3.connect(folder / DATABASE_NAME)) as connection:
        try:
            (found,) = connection.execute("PRAGMA user_version").fetchone()
        except sqlite3.DatabaseError as error:
            raise UsageError(f"The backup {path} is damaged ({error}). Take another.") from error
    if found > schema_version():
        raise UsageError(f"The backup {path} is from a newer Facegate. Upgrade Facegate first.")


def _refuse_newer(path: Path, manifest: dict[str, object]) -> None:
    form = manifest["format"]
    if not isinstance(form, int):
        raise TypeError("its format is no number")
    if form > FORMAT:
        raise UsageError(f"The backup {path} is from a newer Facegate. Upgrade Facegate first.")


def _member(archive: tarfile.TarFile, name: str) -> IO[bytes]:
    info = archive.getmember(name)
    if not info.isfile() or info.size > _LARGEST:
        raise ValueError(f"{name} is no plain file of a sensible size")
    file = archive.extractfile(info)
    if file is None:
        raise ValueError(f"{name} cannot be read")
    return file


def _add(archive: tarfile.TarFile, name: str, data: bytes) -> None:
    info = tarfile.TarInfo(name)
    info.size, info.mode = len(data), 0o600
    archive.addfile(info, io.BytesIO(data))


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
