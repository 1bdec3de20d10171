"""Opening the database: WAL, synchronous=FULL, foreign keys on, migrated, and checked before it is trusted."""

from __future__ import annotations

import os
import sqlite3
import stat
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from functools import cache
from importlib import resources
from importlib.resources.abc import Traversable
from operator import itemgetter
from pathlib import Path

from gate.errors import Sentence
from gate.names import folded_name, normalised
from gate.places import folder, share
from gate.store.ids import new_id
from gate.store.troubles import DAMAGED, UnusableState
from gate.store.troubles import StoreError as StoreError
from gate.store.troubles import sentences as sentences

DATABASE_NAME = "facegate.db"
_BUSY_TIMEOUT_S = 5.0
_TRY_AGAIN_S = 0.01
# SQLite looks at the clock after so many steps of its own.
_STEPS = 1000
# Of a reader in a hurry: how much of the processor's time a question may take, of time at all, seconds; the longest
# value, and all of SQLite's memory in the process, bytes.
_THINKS_S = 0.1
_TAKES_S = 1.0
_LONGEST_VALUE = 1 << 20
_MOST_MEMORY = 16 << 20


# How a transaction begins, how it ends, and how it is undone; and the same of one within another.
_WHOLE = ("BEGIN IMMEDIATE", "COMMIT", ("ROLLBACK",))
_PART = ("SAVEPOINT part", "RELEASE part", ("ROLLBACK TO part", "RELEASE part"))

_NO_FILE = Sentence("The database {database} is not an ordinary file. Find out who put it there, and restore a backup.")


def database_of(state: Path) -> Path:
    """Where a state's database is: in a folder of its own, since SQLite writes beside it.

    A state that an earlier Facegate made has it at its top, and keeps it there.
    """
    own, top = state / "db" / DATABASE_NAME, state / DATABASE_NAME
    # What stands there may be a link to where this user may not look.
    return top if os.path.lexists(top) and not os.path.lexists(own) else own


def open_database(state: Path) -> sqlite3.Connection:
    """The state's database for reading and writing, created and migrated where needed.

    The caller owns the connection and uses it from one thread. Raises UsageError when the directory cannot be
    written or the database is from a newer Facegate, StoreError when it is damaged or the disk is full.
    """
    path = database_of(state)
    _refuse_what_is_no_file(path)
    try:
        folder(path.parent)
        if not os.access(path.parent, os.W_OK | os.X_OK):
            raise PermissionError(13, "Permission denied")
        connection = sqlite3.connect(path, timeout=_BUSY_TIMEOUT_S, isolation_level=None, check_same_thread=False)
        share(path)
    except (OSError, sqlite3.OperationalError) as error:
        why = getattr(error, "strerror", None) or str(error)
        raise UnusableState(
            "The state directory {state} cannot be written ({why}). Choose another with --state.", state=state, why=why
        ) from error
    return _prepared(connection, path)


def open_copy(path: Path) -> sqlite3.Connection:
    """An old copy of a state's database, migrated where needed; the caller owns the connection. Raises StoreError,
    UsageError."""
    with sentences(path):
        connection = sqlite3.connect(f"{path.resolve().as_uri()}?mode=rw", uri=True, isolation_level=None)
    return _prepared(connection, path)


def _prepared(connection: sqlite3.Connection, path: Path) -> sqlite3.Connection:
    try:
        with sentences(path):
            _keep_a_write_ahead_log(connection)
            connection.execute("PRAGMA synchronous = FULL")
            connection.execute("PRAGMA foreign_keys = ON")
            connection.execute("PRAGMA secure_delete = ON")
            # In KB: a gate appends and looks up single rows; a cache that grows for half a day helps neither.
            connection.execute("PRAGMA cache_size = -256")
            _migrate(connection, path)
    except BaseException:
        connection.close()
        raise
    return connection


def _keep_a_write_ahead_log(connection: sqlite3.Connection) -> None:
    """To those who make a new database do so at the same time, SQLite says at once that it is busy: they try again."""
    deadline = time.monotonic() + _BUSY_TIMEOUT_S
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
            return
        except sqlite3.OperationalError as error:
            if not error.sqlite_errorname.startswith("SQLITE_BUSY") or time.monotonic() >= deadline:
                raise
            time.sleep(_TRY_AGAIN_S)


def open_read_only(state: Path, *, busy_s: float = _BUSY_TIMEOUT_S, hurry: Hurry | None = None) -> sqlite3.Connection:
    """The state's database for reading. Raises StoreError when there is none or it cannot be read."""
    path = database_of(state)
    _refuse_what_is_no_file(path)
    with sentences(path):
        connection = sqlite3.connect(
            f"{path.resolve().as_uri()}?mode=ro",
            uri=True,
            timeout=busy_s,
            isolation_level=None,
            check_same_thread=False,
        )
        if hurry is not None:
            hurry.bind(connection)
        connection.execute("PRAGMA foreign_keys = ON")
        _refuse_newer(connection, path, schema_version())
    return connection


def is_of_before(state: Path) -> bool:
    """Whether an earlier version made the state's database, and none of today's has opened it for writing since. Raises
    as `open_read_only`."""
    with closing(open_read_only(state)) as connection:
        (version,) = connection.execute("PRAGMA user_version").fetchone()
    return int(version) < schema_version()


class Hurry:
    """Who cannot wait for a question, and has little memory: others may have put into the database what has no end, a
    view or a trigger. Such a question fails as sqlite3.Error, or MemoryError."""

    def __init__(self) -> None:
        self._thinks_until = self._takes_until = float("inf")

    def begin(self) -> None:
        """From now on this thread's time counts."""
        self._thinks_until, self._takes_until = time.thread_time() + _THINKS_S, time.monotonic() + _TAKES_S

    def bind(self, connection: sqlite3.Connection) -> None:
        """A connection that is asked so; `begin` before each question."""
        connection.set_progress_handler(self._is_late, _STEPS)
        hold_small(connection)

    def _is_late(self) -> bool:
        return time.thread_time() > self._thinks_until or time.monotonic() > self._takes_until


def hold_small(connection: sqlite3.Connection) -> None:
    """No value makes this process large: MemoryError or sqlite3.Error before that."""
    connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, _LONGEST_VALUE)
    connection.execute(f"PRAGMA hard_heap_limit = {_MOST_MEMORY}")


def migrated_up_to(path: Path, version: int) -> sqlite3.Connection:
    """A new, empty database as the schema stood at `version`. The caller owns the connection."""
    connection = sqlite3.connect(path, isolation_level=None)
    with transaction(connection):
        _run_migrations(connection, 0, version)
    return connection


def _refuse_what_is_no_file(path: Path) -> None:
    """A link would be followed, and a pipe waited at for ever."""
    # What cannot be looked at is told by whoever opens it.
    with suppress(OSError):
        if not stat.S_ISREG(path.lstat().st_mode):
            raise StoreError(_NO_FILE, database=path)


def check_integrity(connection: sqlite3.Connection, state: Path) -> None:
    """Raises StoreError unless SQLite finds every page and foreign key sound."""
    path = database_of(state)
    with sentences(path):
        (answer,) = connection.execute("PRAGMA integrity_check(1)").fetchone()
        orphans = connection.execute("PRAGMA foreign_key_check").fetchone()
    if answer != "ok" or orphans:
        raise StoreError(DAMAGED, database=path, why=answer)


@contextmanager
def transaction(connection: sqlite3.Connection) -> Iterator[None]:
    """All or nothing: the writer's lock is taken at once, and any exception rolls back.

    Within another one it is a part of that: an exception undoes the part, and what comes of the rest is the other's.
    """
    begin, end, undo = _PART if connection.in_transaction else _WHOLE
    connection.execute(begin)
    try:
        yield
        connection.execute(end)
    except BaseException:
        # SQLite may have rolled all of it back by itself, on a full disk for example.
        if connection.in_transaction:
            for statement in undo:
                connection.execute(statement)
        raise


def _migrate(connection: sqlite3.Connection, path: Path) -> None:
    newest = schema_version()
    if _refuse_newer(connection, path, newest) < newest:
        # All in one: whoever else starts now waits for one write to the disk, not for one a step.
        with transaction(connection):
            # Another process may have migrated while this one waited for the lock.
            (known,) = connection.execute("PRAGMA user_version").fetchone()
            _run_migrations(connection, known, newest)
    # Looked at first: a write would wait for whoever writes now.
    if connection.execute("SELECT 1 FROM gate").fetchone() is None:
        connection.execute("INSERT OR IGNORE INTO gate (only_row, id) VALUES (1, ?)", (new_id(),))


def _run_migrations(connection: sqlite3.Connection, after: int, upto: int) -> None:
    connection.create_function("normalised", 1, lambda text: text and normalised(text), deterministic=True)
    connection.create_function("folded_name", 1, folded_name, deterministic=True)
    for number, script in _migrations():
        if after < number <= upto:
            for statement in _statements(script.read_text("utf-8")):
                connection.execute(statement)
            connection.execute(f"PRAGMA user_version = {number}")


def _refuse_newer(connection: sqlite3.Connection, path: Path, known: int) -> int:
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    if version > known:
        raise UnusableState(
            "The database {database} is from a newer Facegate (version {version}, this one knows {known})."
            " Upgrade Facegate.",
            database=path,
            version=version,
            known=known,
        )
    return int(version)


def schema_version() -> int:
    """The newest schema this Facegate knows."""
    return _migrations()[-1][0]


@cache
def _migrations() -> tuple[tuple[int, Traversable], ...]:
    """Each step's number and script, in their order. Looked up once: the database is opened at each request."""
    scripts = [one for one in (resources.files("gate.store") / "migrations").iterdir() if one.name.endswith(".sql")]
    return tuple(sorted(((int(one.name[:4]), one) for one in scripts), key=itemgetter(0)))


def _statements(script: str) -> Iterator[str]:
    statement = ""
    for line in script.splitlines(keepends=True):
        statement += line
        if sqlite3.complete_statement(statement):
            yield statement
            statement = ""
