"""Which entries are on the register here, in which version; and one number for all of it, by which two are compared.

That number is a sum, so that what changed is taken off and added, and nobody reads all of a large register each time
the centre says where it ends. Passes are compared by themselves, those that are not over: each machine erases what is
over by its own clock.
"""

from __future__ import annotations

import hashlib
import sqlite3
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass

from gate.store.compound.entries import RegisterKind, Version
from gate.store.database import transaction

_BITS = 256
# To sum up is a write; so many entries are read in a few thousandths of a second.
_MANY = 500


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
    return _sums(connection).get(of, _Sum()).state(of)


def count(connection: sqlite3.Connection) -> int:
    """How many entries are here, passes among them."""
    (passes,) = connection.execute("SELECT count(*) FROM register WHERE kind = 'pass'").fetchone()
    return int(passes) + sum(one.entries for one in _sums(connection).values())


def has_older(connection: sqlite3.Connection, than: int) -> bool:
    """Whether anything here is of an earlier epoch."""
    passes = connection.execute("SELECT 1 FROM register WHERE kind = 'pass' AND epoch < ? LIMIT 1", (than,))
    return passes.fetchone() is not None or any(of < than for of in _sums(connection))


def sum_up(connection: sqlite3.Connection, least: int = _MANY) -> None:
    """Where so many entries are not in the sums as they stand now, count them in: whoever compares reads less then."""
    (moved,) = connection.execute("SELECT count(*) FROM register_moved").fetchone()
    if moved < max(least, 1):
        return
    with transaction(connection):
        _keep(connection, _sums(connection))


def sum_anew(connection: sqlite3.Connection) -> None:
    """Count all of the register, whatever the sums say: they may be of a file that somebody else wrote. Where they are
    right nothing is written."""
    with transaction(connection):
        found: defaultdict[int, _Sum] = defaultdict(_Sum)
        for row in connection.execute("SELECT kind, id, epoch, version FROM register WHERE kind <> 'pass'"):
            found[row[2]].add(*row)
        if found != _sums(connection):
            _keep(connection, found)


def open_passes(connection: sqlite3.Connection, of: int, at: str) -> OpenPasses:
    """The passes of an epoch that are here and not over then."""
    found = _Sum()
    for row in connection.execute(
        "SELECT r.kind, r.id, r.epoch, r.version FROM register r JOIN passes p ON p.id = r.id"
        " WHERE r.kind = 'pass' AND r.epoch = ? AND p.valid_until > ?",
        (of, at),
    ):
        found.add(*row)
    return OpenPasses(at, found.state(of))


@dataclass(slots=True)
class _Sum:
    """Entries added up, each by a digest of its own."""

    entries: int = 0
    total: int = 0

    def add(self, kind: str, identity: str, epoch: int, version: int, times: int = 1) -> None:
        said = f"{kind}\0{identity}\0{epoch}\0{version}"
        self.entries += times
        self.total = (self.total + times * int.from_bytes(hashlib.sha256(said.encode()).digest(), "big")) % (1 << _BITS)

    def state(self, of: int) -> State:
        return State(of, self.entries, f"{self.total:0{_BITS // 4}x}")


def _keep(connection: sqlite3.Connection, sums: Mapping[int, _Sum]) -> None:
    """The sums as they stand now, of everything. Part of a transaction."""
    connection.execute("DELETE FROM register_sums")
    connection.executemany(
        "INSERT INTO register_sums (epoch, entries, digest) VALUES (?, ?, ?)",
        [(of, one.entries, one.state(of).digest) for of, one in sums.items()],
    )
    connection.execute("DELETE FROM register_moved")


def _sums(connection: sqlite3.Connection) -> dict[int, _Sum]:
    """What there is of each epoch now, but for passes. In one question, so that nothing is written in between."""
    rows = connection.execute(
        "SELECT NULL, digest, epoch, entries, NULL, NULL FROM register_sums UNION ALL"
        " SELECT m.kind, m.id, m.epoch, m.version, r.epoch, r.version FROM register_moved m"
        " LEFT JOIN register r ON r.kind = m.kind AND r.id = m.id"
    )
    found: defaultdict[int, _Sum] = defaultdict(_Sum)
    for kind, said, epoch, number, epoch_now, version_now in rows:
        if kind is None:
            found[epoch].entries += number
            found[epoch].total = (found[epoch].total + int(said, 16)) % (1 << _BITS)
            continue
        if epoch is not None:
            found[epoch].add(kind, said, epoch, number, -1)
        if epoch_now is not None:
            found[epoch_now].add(kind, said, epoch_now, version_now)
    return {of: one for of, one in found.items() if one.entries}
