"""A backup comes back: its rows, in a database that the migrations make, without what was revoked since."""

from __future__ import annotations

import sqlite3
from array import array
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import asdict, dataclass
from datetime import date
from math import isfinite
from pathlib import Path

from gate.care.backup import Backup, archive, checked
from gate.care.backup.stays_revoked import Dropped, keep_revoked, same_gate, tombstones_of
from gate.days import day_of
from gate.errors import FacegateError, Refusal, UsageError
from gate.places import share
from gate.schedule import parse
from gate.scratch import scratch_in
from gate.store import copy_rows
from gate.store.compound import recovery
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
from gate.store.site import accounts
from gate.vocabulary import AuditEvent, Kind

_ASKS_FOR_S = 2.0
_COMPANIONS = ("-wal", "-shm", "-journal")


@dataclass(frozen=True, slots=True)
class Restored:
    """What came back."""

    backup: Backup
    sealed: bool
    """Whether this gate had made the archive."""
    vouched: bool
    """Whether the database that stood there could be read, and was the same gate's."""
    has_owner: bool
    """Whether an owner can sign in; where none can, the console's first start makes one."""
    dropped: Dropped
    recovers: bool = False
    """Whether it is a centre, which its gates give back what it lost."""


class InUse(Refusal):
    """Something of the gate has its database open."""

    def __init__(self, path: Path) -> None:
        super().__init__(
            "The gate's door is not running, but something else of it is: it has the database open. Stop all of it, on"
            " a gate with: sudo systemctl stop facegate.target. Then restore {path}.", path=path,
        )  # fmt: skip


def is_in_use(state: Path) -> bool:
    """Whether anything of a gate still has its database open, though its door does not run: it would go on with what a
    restore replaces."""
    try:
        with closing(_for_oneself(database_of(state))):
            return False
    except sqlite3.Error as error:
        return _is_busy(error)


def restore(path: Path, state: Path, *, unsealed: bool = False) -> Restored:
    """Put a backup in the place of a stopped gate's database, of which a copy is kept beside it.

    Whatever was revoked, removed, withdrawn or changed since the backup was made stays so; sessions and tokens end.
    Nobody else reads or writes the database meanwhile: what was written to the one that goes would be lost with it.
    `unsealed` takes an archive that this gate did not seal. Raises UsageError when the archive is damaged or from a
    newer Facegate, Refusal when it is not sealed or something of the gate has the database open; nothing is changed
    then.
    """
    current = database_of(state)
    current.parent.mkdir(parents=True, exist_ok=True, mode=0o750)
    with scratch_in(current.parent) as scratch, _kept_from_others(path, current) as held:
        given, new, before = scratch / "given", scratch / "new", scratch / "before"
        for folder in (given, new, before):
            folder.mkdir()
        manifest = archive.unpack(path, given, archive.known_key(state), unsealed=unsealed)
        tables = _rows(path, given / DATABASE_NAME, new / DATABASE_NAME)
        people, events = _checked(path, new)
        backup = Backup(path, manifest.made_at, people, events)
        was = before if held.copied_to(before / DATABASE_NAME) else state
        with closing(open_database(new)) as connection, _present(was, scratch / "now") as now:
            present = now if now is not None and same_gate(connection, now) else None
            residents.fold_names(connection)
            dropped = keep_revoked(connection, present, tombstones_of(database_of(was)), has_them="gone" in tables)
            recovers, vouched = recovery.begin(connection, present), present is not None
            has_owner = accounts.has_owner(connection)
            restored = Restored(backup, manifest.sealed, vouched, has_owner, dropped, recovers)
            audit.append(connection, AuditEvent(Kind.RESTORED, _details(restored, present)))
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            connection.execute("PRAGMA journal_mode = DELETE")
        if held.connection is None:
            _put_in_place(new / DATABASE_NAME, current)
        else:
            _put_aside(before / DATABASE_NAME, current)
            with sentences(current):
                _write_over(new / DATABASE_NAME, held.connection)
    return restored


@dataclass(slots=True)
class _Held:
    """The database that stands there, which nobody else opens meanwhile; None: there is none, or none that can be
    read."""

    connection: sqlite3.Connection | None

    def copied_to(self, path: Path) -> bool:
        """Copy it as it is; whether that could be done. One that cannot be read is let go. Raises StoreError where the
        disk is full."""
        if self.connection is None:
            return False
        try:
            with sentences(path), closing(sqlite3.connect(path)) as copy:
                self.connection.backup(copy)
        except StoreError as error:
            if getattr(error.__cause__, "sqlite_errorname", "") == "SQLITE_FULL":
                raise
            self.connection.close()
            self.connection = None
        return self.connection is not None


@contextmanager
def _kept_from_others(path: Path, current: Path) -> Iterator[_Held]:
    """Raises InUse where somebody has it open already."""
    try:
        held = _Held(_for_oneself(current) if current.is_file() and not current.is_symlink() else None)
    except sqlite3.Error as error:
        if _is_busy(error):
            raise InUse(path) from error
        held = _Held(None)
    try:
        yield held
    finally:
        if held.connection is not None:
            held.connection.close()


def _for_oneself(database: Path) -> sqlite3.Connection:
    """A connection beside which there is no other until it is closed. Raises sqlite3.Error, also where somebody keeps
    the database open; what opens it for a moment at a time is waited for."""
    if database.is_symlink() or not database.is_file():
        return sqlite3.connect(":memory:")
    alone = sqlite3.connect(
        f"{database.resolve().as_uri()}?mode=rw", uri=True, timeout=_ASKS_FOR_S, isolation_level=None
    )
    try:
        alone.execute("PRAGMA locking_mode = EXCLUSIVE")
        alone.execute("BEGIN IMMEDIATE")
        alone.execute("COMMIT")
    except sqlite3.Error:
        alone.close()
        raise
    return alone


def _is_busy(error: sqlite3.Error) -> bool:
    # One that is damaged may be in use too, and nothing tells; it is what is restored over.
    return getattr(error, "sqlite_errorcode", None) == sqlite3.SQLITE_BUSY


def _details(restored: Restored, present: sqlite3.Connection | None) -> dict[str, object]:
    last = audit.anchor(present) if present is not None else None
    return {
        # Which lines of the record went, for whoever has seen them.
        "kept": restored.backup.events,
        "through": last.sequence if last else None,
        "made_at": restored.backup.made_at,
        "sealed": restored.sealed,
        "vouched": restored.vouched,
        "erased_again": restored.dropped.erased,
        "dropped": asdict(restored.dropped),
    }


def _rows(path: Path, given: Path, new: Path) -> list[str]:
    try:
        return copy_rows.copy_rows(given, new)
    except StoreError as error:
        raise UsageError(f"The backup {path} is damaged or not Facegate's. {error} Take another.") from error
    except UsageError as error:
        raise UsageError(f"The backup {path} is from a newer Facegate. Upgrade Facegate first.") from error


def _checked(path: Path, new: Path) -> tuple[int, int]:
    try:
        found = checked(new)
        with closing(open_read_only(new)) as connection:
            _refuse_what_others_stumble_over(connection)
    except (StoreError, Refusal, ValueError, TypeError, RecursionError) as error:
        raise UsageError(f"The backup {path} is not whole ({error}) Take another.") from error
    return found


def _refuse_what_others_stumble_over(connection: sqlite3.Connection) -> None:
    """What the schema does not hold, and vision and the door rely on. Raises StoreError, Refusal, ValueError."""
    agreed = "SELECT 1 FROM consents c WHERE c.resident_id = t.resident_id AND c.withdrawn_at IS NULL"
    if connection.execute(f"SELECT 1 FROM templates t WHERE NOT EXISTS ({agreed})").fetchone():  # noqa: S608 - constants
        raise StoreError("It holds a face without a consent.")
    for (vector,) in connection.execute("SELECT vector FROM looks"):
        # One number that is none makes the sum none. Raises ValueError where it is no row of numbers.
        if not vector or not isfinite(sum(array("f", vector))):
            raise StoreError("It holds a template that is none.")
    _refuse_unreadable_hours(connection)


def _refuse_unreadable_hours(connection: sqlite3.Connection) -> None:
    """Days and hours as the door reads them. Raises Refusal, ValueError."""
    for (windows,) in connection.execute(
        "SELECT windows FROM schedules UNION ALL SELECT windows FROM holidays WHERE windows IS NOT NULL"
    ):
        parse(windows)
    for days in connection.execute("SELECT first_day, last_day FROM holidays"):
        for day in days:
            day_of(day)
    for days in connection.execute("SELECT valid_from, valid_until, valid_until_set_on FROM residents"):
        for day in days:
            if day is not None:
                date.fromisoformat(day)


@contextmanager
def _present(state: Path, folder: Path) -> Iterator[sqlite3.Connection | None]:
    """A copy of the database that stands there, brought up to date; None where it cannot be read or there is none."""
    folder.mkdir()
    try:
        with closing(open_read_only(state)) as source, closing(sqlite3.connect(folder / DATABASE_NAME)) as target:
            source.backup(target)
        copy = open_database(folder)
    except (FacegateError, sqlite3.Error):
        yield None
        return
    with closing(copy):
        try:
            check_integrity(copy, folder)
        except FacegateError:
            yield None
            return
        yield copy


def _put_aside(before: Path, current: Path) -> None:
    """Keep a copy of the database beside it."""
    aside = current.with_name(f"{DATABASE_NAME}.before-restore")
    for suffix in _COMPANIONS:
        aside.with_name(aside.name + suffix).unlink(missing_ok=True)
    before.replace(aside)
    share(aside)


def _write_over(new: Path, alone: sqlite3.Connection) -> None:
    """All of it in one transaction, in the same file: whoever waits to open the database finds what was restored, and
    not a file that was put aside."""
    with closing(sqlite3.connect(new)) as source:
        source.backup(alone)
    alone.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def _put_in_place(new: Path, current: Path) -> None:
    """In the place of a database that cannot be read, which is put aside as it is."""
    if current.exists():
        for suffix in ("-wal", "-shm"):
            beside = current.with_name(current.name + suffix)
            if beside.exists():
                beside.replace(current.with_name(f"{DATABASE_NAME}.before-restore{suffix}"))
        current.replace(current.with_name(f"{DATABASE_NAME}.before-restore"))
    new.replace(current)
    share(current)
