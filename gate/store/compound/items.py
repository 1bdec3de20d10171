"""Which entries are on the register here, in which version; and one number for all of it, by which two are compared.

Passes are compared by themselves, those that are not over: each machine erases what is over by its own clock.
"""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Iterable
from dataclasses import dataclass

from gate.store.compound.entries import RegisterKind, Version

_BITS = 256


@dataclass(frozen=True, slots=True)
class State:
    """A whole register, but for passes: its epoch, how many entries it has, and a digest of their versions, the same in
    any order."""

    epoch: int
    entries: int
    digest: str


@dataclass(frozen=True, slots=True)
class OpenPasses:
    """All passes of the register that are not over at a moment (ISO 8601, UTC)."""

    at: str
    state: State


def version_of(connection: sqlite3.Connection, kind: RegisterKind, identity: str) -> Version | None:
    """In which version an entry is here; None: it is not."""
    row = connection.execute("SELECT epoch, version FROM register WHERE kind = ? AND id = ?", (kind, identity))
    found = row.fetchone()
    return None if found is None else Version(*found)


def note(connection: sqlite3.Connection, kind: RegisterKind, identity: str, version: Version) -> None:
    """An entry was taken in this version. Part of a transaction."""
    connection.execute(
        "INSERT OR REPLACE INTO register (kind, id, epoch, version) VALUES (?, ?, ?, ?)",
        (kind, identity, version.epoch, version.number),
    )


def residents(connection: sqlite3.Connection) -> frozenset[str]:
    """The ids of whoever is on the register here."""
    return frozenset(one for (one,) in connection.execute("SELECT id FROM register WHERE kind = 'resident'"))


def epoch(connection: sqlite3.Connection) -> int:
    """The epoch of the register, as far as this store knows."""
    return int(connection.execute("SELECT epoch FROM compound").fetchone()[0])


def state(connection: sqlite3.Connection, of: int) -> State:
    """All that is here of an epoch, but for passes, in one value."""
    query = "SELECT kind, id, epoch, version FROM register WHERE epoch = ? AND kind <> 'pass'"
    return _state(of, connection.execute(query, (of,)))


def open_passes(connection: sqlite3.Connection, of: int, at: str) -> OpenPasses:
    """The passes of an epoch that are here and not over then."""
    rows = connection.execute(
        "SELECT r.kind, r.id, r.epoch, r.version FROM register r JOIN passes p ON p.id = r.id"
        " WHERE r.kind = 'pass' AND r.epoch = ? AND p.valid_until > ?",
        (of, at),
    )
    return OpenPasses(at, _state(of, rows))


def _state(of: int, rows: Iterable[tuple[object, ...]]) -> State:
    total = count = 0
    for row in rows:
        one = hashlib.sha256("\0".join(map(str, row)).encode()).digest()
        total, count = (total + int.from_bytes(one, "big")) % (1 << _BITS), count + 1
    return State(of, count, f"{total:064x}")
