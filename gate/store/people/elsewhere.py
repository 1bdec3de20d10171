"""Which way each resident passed last at each gate of a compound, as a gate tells its centre and that the others.

What is told of a resident by a gate takes the place of what that gate told before, so that the same told twice, or
late, changes nothing. Nobody is kept here longer than the rule in `gate.door.passback` looks back.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from gate.store.database import transaction
from gate.vocabulary import Direction, Moved

KEPT = timedelta(hours=12)
MOST_AT_ONCE = 200


@dataclass(frozen=True, slots=True)
class Seen:
    """Which way a resident passed last at a gate (None: it does not know any more), and when by its clock (ISO 8601,
    UTC). `number` is that of the machine which tells it; `name` what the gate is called, None: it is the centre's."""

    resident: str
    gate: str
    name: str | None
    way: Direction | None
    at: str
    number: int = field(compare=False)


def note(connection: sqlite3.Connection, moved: Moved) -> None:
    """Write down what this gate saw, for the others; whom it forgets without a name it forgets of all gates. Part of a
    transaction."""
    if moved.resident is None:
        connection.execute("DELETE FROM last_passages WHERE gate_id <> (SELECT id FROM gate)")
        own = connection.execute(
            "SELECT resident_id FROM last_passages WHERE way NOTNULL AND gate_id = (SELECT id FROM gate)"
        )
        whom = [one for (one,) in own.fetchall()]
    else:
        whom = [moved.resident]
    at = datetime.fromtimestamp(moved.wall, UTC).isoformat(timespec="milliseconds")
    for one in whom:
        connection.execute(
            "INSERT OR REPLACE INTO last_passages (resident_id, gate_id, gate_name, way, at, number)"
            " SELECT r.id, g.id, NULL, ?2, ?3, ?4 FROM residents r, gate g, compound WHERE r.id = ?1"
            " AND part <> 'alone'",
            (one, moved.way, at, _next(connection)),
        )


def untold(connection: sqlite3.Connection, epoch: int) -> tuple[Seen, ...]:
    """What this gate saw, and has not told to the centre that leads as this epoch, the earliest first; some of it where
    it is much."""
    after, _ = _shared(connection, epoch)
    return _seen(connection, "gate_id = (SELECT id FROM gate) AND number > ?", (after,))


def told(connection: sqlite3.Connection, epoch: int, through: int) -> None:
    """The centre that leads as this epoch has what this gate saw up to this number of its own."""
    with transaction(connection):
        _, now = _shared(connection, epoch)
        _share(connection, epoch, through, now)


def heard(connection: sqlite3.Connection, epoch: int) -> int:
    """Up to which number of the centre that leads as this epoch this gate has what the others saw."""
    return _shared(connection, epoch)[1]


def keep_of(connection: sqlite3.Connection, gate: str, name: str, said: Iterable[Seen]) -> None:
    """Keep at a centre what a gate says that it saw. Of whom nobody knows nothing is kept, nor what has no time."""
    with transaction(connection):
        # What a second centre heard as a gate has no number here, by which the others would hear it.
        known = {one.resident: one for one in _seen(connection, "gate_id = ? AND number > 0", (gate,), most=-1)}
        for one in said:
            at = _time(one.at)
            if at is None:
                continue
            now = Seen(one.resident, gate, name, one.way, at, 0)
            if known.get(one.resident) != now:
                known[one.resident] = now
                _put(connection, now, _next(connection))


def newest(connection: sqlite3.Connection) -> int:
    """The newest number here."""
    return int(connection.execute("SELECT number FROM last_passages_shared").fetchone()[0])


def for_gate(connection: sqlite3.Connection, gate: str, after: int) -> tuple[tuple[Seen, ...], int]:
    """What other gates than this one saw since the centre had that number, and up to which number that is all."""
    through = newest(connection)
    found = _seen(connection, "gate_id <> ? AND number > ?", (gate, after))
    return found, (found[-1].number if len(found) == MOST_AT_ONCE else through)


def take(connection: sqlite3.Connection, said: Iterable[Seen], epoch: int, through: int) -> None:
    """Keep what the centre that leads as this epoch says that other gates saw, up to this number of its own."""
    with transaction(connection):
        (own,) = connection.execute("SELECT id FROM gate").fetchone()
        for one in said:
            at = _time(one.at)
            if one.gate != own and at is not None:
                _put(connection, Seen(one.resident, one.gate, one.name, one.way, at, 0), 0)
        now, _ = _shared(connection, epoch)
        _share(connection, epoch, now, through)


def of_others(connection: sqlite3.Connection, resident: str | None = None) -> tuple[Seen, ...]:
    """What other gates saw of a resident last, None: of everybody."""
    wanted = "gate_id <> (SELECT id FROM gate) AND (?1 IS NULL OR resident_id = ?1)"
    return _seen(connection, wanted, (resident,), most=-1)


def prune(connection: sqlite3.Connection, now: datetime) -> None:
    """Erase what says nothing any more, and what is of a clock that ran ahead."""
    first, last = ((now + side).astimezone(UTC).isoformat(timespec="milliseconds") for side in (-KEPT, KEPT))
    connection.execute("DELETE FROM last_passages WHERE NOT at BETWEEN ? AND ?", (first, last))


def forget(connection: sqlite3.Connection) -> None:
    """Erase all of it, as where this machine is of no compound any more, or of another. Part of a transaction."""
    connection.execute("DELETE FROM last_passages")
    connection.execute("UPDATE last_passages_shared SET epoch = 0, told = 0, heard = 0")


def forget_gate(connection: sqlite3.Connection, gate: str) -> None:
    """Erase what a gate saw that was taken away."""
    connection.execute("DELETE FROM last_passages WHERE gate_id = ?", (gate,))


def _seen(
    connection: sqlite3.Connection, wanted: str, given: Sequence[object], most: int = MOST_AT_ONCE
) -> tuple[Seen, ...]:
    rows = connection.execute(
        f"SELECT resident_id, gate_id, gate_name, way, at, number FROM last_passages WHERE {wanted}"  # noqa: S608 - constants
        f" ORDER BY number, resident_id LIMIT {most:d}",
        given,
    )
    return tuple(
        Seen(resident, gate, name, None if way is None else Direction(way), at, number)
        for resident, gate, name, way, at, number in rows
    )


def _shared(connection: sqlite3.Connection, epoch: int) -> tuple[int, int]:
    """Up to which number the centre was told, and this gate heard: nothing, where another epoch was known."""
    known, up_to, here = connection.execute("SELECT epoch, told, heard FROM last_passages_shared").fetchone()
    return (up_to, here) if known == epoch else (0, 0)


def _share(connection: sqlite3.Connection, epoch: int, up_to: int, here: int) -> None:
    connection.execute("UPDATE last_passages_shared SET epoch = ?, told = ?, heard = ?", (epoch, up_to, here))


def _put(connection: sqlite3.Connection, one: Seen, number: int) -> None:
    connection.execute(
        "INSERT OR REPLACE INTO last_passages (resident_id, gate_id, gate_name, way, at, number)"
        " SELECT id, ?2, ?3, ?4, ?5, ?6 FROM residents WHERE id = ?1",
        (one.resident, one.gate, None if one.name is None else one.name[:64], one.way, one.at, number),
    )


def _next(connection: sqlite3.Connection) -> int:
    query = "UPDATE last_passages_shared SET number = number + 1 RETURNING number"
    return int(connection.execute(query).fetchall()[0][0])


def _time(at: str) -> str | None:
    try:
        found = datetime.fromisoformat(at)
    except ValueError:
        return None
    if found.utcoffset() != timedelta(0) or not 1970 <= found.year < datetime.max.year:
        return None
    return found.isoformat(timespec="milliseconds")
