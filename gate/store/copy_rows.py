"""The rows of a database that somebody else made, in one that the migrations make.

A database file is a program: its triggers, views and generated columns run when somebody else writes or reads. Of such
a file only plain rows of plain tables are taken.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import closing
from pathlib import Path

from gate.errors import UsageError
from gate.store.database import StoreError, migrated_up_to, schema_version, transaction

# No row of ours comes near this, bytes.
_LONGEST = 16 << 20
# What the store knows of people, and of the gate that they come to.
_PEOPLE = (
    "gate",
    "schedules",
    "areas",
    "groups",
    "residents",
    "consents",
    "templates",
    "corrections",
    "passes",
    "credentials",
    "code_salt",
)


def copy_rows(source: Path, target: Path) -> list[str]:
    """Make `target` of the rows of `source`, as the schema stood at its version. Returns the names of its tables.

    Raises UsageError where it is from a newer Facegate, StoreError where it is none of ours.
    """
    try:
        with closing(_hostile(source)) as given:
            (version,) = given.execute("PRAGMA user_version").fetchone()
            if version > schema_version():
                raise UsageError(f"The database {source.name} is from a newer Facegate. Upgrade Facegate first.")
            with closing(migrated_up_to(target, version)) as fresh:
                return _copy_tables(given, fresh)
    except (sqlite3.Error, ValueError, RecursionError, OverflowError) as error:
        raise StoreError("The database {database} is damaged ({why}).", database=source.name, why=error) from error


def last_number(connection: sqlite3.Connection) -> int:
    """The highest number that a resident ever had."""
    row = connection.execute("SELECT max(seq) FROM sqlite_sequence WHERE name = 'residents'").fetchone()
    return int(row[0] or 0)


def set_last_number(connection: sqlite3.Connection, number: int) -> None:
    """No resident gets this number or a lower one from now on."""
    highest = max(number, last_number(connection))
    connection.execute("DELETE FROM sqlite_sequence WHERE name = 'residents'")
    connection.execute("INSERT INTO sqlite_sequence (name, seq) VALUES ('residents', ?)", (highest,))


def _hostile(path: Path) -> sqlite3.Connection:
    uri = f"{path.resolve().as_uri()}?mode=ro&immutable=1"
    connection = sqlite3.connect(uri, uri=True, isolation_level=None)
    connection.execute("PRAGMA cell_size_check = ON")
    connection.set_authorizer(_read_alone)
    connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, _LONGEST)
    return connection


def _read_alone(action: int, _what: str | None, named: str | None, *_: object) -> int:
    """Rows and what is said of tables; of functions the one we use."""
    allowed = action in (sqlite3.SQLITE_SELECT, sqlite3.SQLITE_READ, sqlite3.SQLITE_PRAGMA)
    if allowed or (action == sqlite3.SQLITE_FUNCTION and named == "max"):
        return sqlite3.SQLITE_OK
    return sqlite3.SQLITE_DENY


def people_in_memory(store: sqlite3.Connection) -> sqlite3.Connection:
    """The people of a store and what is known of them, in a database of its own that lies in memory alone.

    To try out what would become of them; the record in it is empty. The caller owns the connection.
    """
    tried = migrated_up_to(Path(":memory:"), schema_version())
    store.execute("BEGIN")
    try:
        _copy(store, tried, _PEOPLE)
    finally:
        store.execute("ROLLBACK")
    tried.execute("PRAGMA foreign_keys = ON")
    return tried


def _copy_tables(given: sqlite3.Connection, fresh: sqlite3.Connection) -> list[str]:
    ours = "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'"
    tables = [name for (name,) in fresh.execute(ours)]
    if not tables:
        raise ValueError("it holds no table of ours")
    _copy(given, fresh, tables)
    return tables


def _copy(given: sqlite3.Connection, fresh: sqlite3.Connection, tables: Iterable[str]) -> None:
    triggers = fresh.execute("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'").fetchall()
    with transaction(fresh):
        # They would count what comes in as a change, and some ask for what comes in later.
        for name, _ in triggers:
            fresh.execute(f"DROP TRIGGER {name}")
        for table in tables:
            _copy_table(given, fresh, table)
        # Never given twice, also where the one who had it is gone.
        set_last_number(fresh, last_number(given))
        for _, statement in triggers:
            fresh.execute(statement)


def _copy_table(given: sqlite3.Connection, fresh: sqlite3.Connection, table: str) -> None:
    columns = [name for _, name, *_ in fresh.execute(f"PRAGMA table_info({table})")]
    _refuse_no_plain_table(given, table, columns)
    # No word of theirs is in what is asked: tables and columns are those of our own migrations.
    names, marks = ", ".join(columns), ", ".join("?" for _ in columns)
    fresh.execute(f"DELETE FROM {table}")  # noqa: S608 - our own names
    fresh.executemany(f"INSERT INTO {table} ({names}) VALUES ({marks})", _rows(given, table, names))  # noqa: S608 - ours


def _rows(given: sqlite3.Connection, table: str, names: str) -> Iterator[tuple[object, ...]]:
    """In the order they came in, as far as the table knows one."""
    # An index of theirs may be of something else.
    yield from given.execute(f"SELECT {names} FROM {table} NOT INDEXED")  # noqa: S608 - our own names


def _refuse_no_plain_table(given: sqlite3.Connection, table: str, columns: list[str]) -> None:
    found = given.execute("SELECT type, rootpage FROM sqlite_master WHERE name = ?", (table,)).fetchall()
    if len(found) != 1 or found[0][0] != "table" or not found[0][1]:
        raise ValueError(f"{table} is no plain table")
    held = {name: hidden for _, name, _, _, _, _, hidden in given.execute(f"PRAGMA table_xinfo({table})")}
    # Hidden are the columns of virtual tables, and generated ones.
    if set(held) != set(columns) or any(held.values()):
        raise ValueError(f"{table} has other columns than ours")
