"""What this store is in a compound of several gates: nothing, its centre, or a gate that follows one."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from enum import StrEnum

from gate.errors import UsageError
from gate.store.database import transaction
from gate.store.people import credentials, elsewhere, erasure, residents
from gate.store.record import audit
from gate.vocabulary import AuditEvent, Kind

_HOURS = (("schedule", "schedules"), ("area", "areas"), ("group", "groups"), ("holiday", "holidays"))
_AS_NEW = "epoch = 0, recovery = NULL, recovering = 0, superseded = NULL, second_at = NULL, had = NULL"


class Part(StrEnum):
    """Which part a store plays."""

    ALONE = "alone"
    CENTRE = "centre"
    GATE = "gate"


def part(connection: sqlite3.Connection) -> Part:
    """Which part this store plays."""
    return Part(connection.execute("SELECT part FROM compound").fetchone()[0])


def become_centre(connection: sqlite3.Connection) -> None:
    """From now on this store is the register of a compound, with everybody who is in it. Raises UsageError where it
    follows another."""
    with transaction(connection):
        if part(connection) is Part.CENTRE:
            return
        if part(connection) is Part.GATE:
            raise UsageError("This gate follows a centre. Take it away first: facegate leave")
        connection.execute("DELETE FROM register")
        connection.execute("UPDATE compound SET part = 'centre', epoch = 0")
        for kind, table in _HOURS:
            connection.execute(f"INSERT INTO register_touched SELECT '{kind}', id FROM {table} ORDER BY id")  # noqa: S608 - constants
        connection.execute("INSERT INTO register_touched SELECT 'resident', id FROM residents ORDER BY number")
        connection.execute("INSERT INTO register_touched SELECT 'pass', id FROM passes WHERE revoked_at IS NULL")


def follows_already(connection: sqlite3.Connection, salt: bytes) -> bool:
    """Whether this store follows a centre of the compound whose codes are made with `salt`: that of before, or the one
    that took its place."""
    return part(connection) is Part.GATE and credentials.salt(connection) == salt


def follow(
    connection: sqlite3.Connection, salt: bytes, centre: str, *, by: str, former: bool = False, same_key: bool = False
) -> int:
    """From now on this store follows a centre, whose codes are made with `salt`; of how many residents PINs and cards
    went, which were made with another. What was revoked here and no centre has heard is told to this one, which may be
    that of before; where it is of the same compound, what waits for it does so still, and codes stay where the doors
    have the `same_key`. A `former` centre follows the one that took its place, and has its codes already. Raises
    UsageError where gates follow it itself."""
    with transaction(connection):
        again = follows_already(connection, salt)
        if not former:
            refuse_who_leads(connection)
        connection.execute("DELETE FROM register")
        connection.execute("DELETE FROM register_keys")
        connection.execute("DELETE FROM forgotten_here")
        connection.execute("DELETE FROM centre_orders")
        connection.execute("DELETE FROM proposals WHERE refused NOTNULL OR NOT ?", (again,))
        connection.execute("DELETE FROM centre_places")
        connection.execute("DELETE FROM gates")
        elsewhere.forget(connection)
        connection.execute("DELETE FROM register_erasures")
        _keep_all_here(connection)
        # Before codes go: of one that was a centre nobody is told of that.
        connection.execute(f"UPDATE compound SET part = 'gate', {_AS_NEW}")  # noqa: S608 - constants
        had = 0 if former or (again and same_key) else _take_codes(connection, by)
        connection.execute("UPDATE code_salt SET salt = ?", (salt,))
        audit.append(connection, AuditEvent(Kind.CENTRE_JOINED, {"by": by, "centre": centre}))
    return had


def refuse_who_leads(connection: sqlite3.Connection) -> None:
    """Raises UsageError where gates follow this store; a centre that none follows may follow another."""
    leads = connection.execute("SELECT 1 FROM gates WHERE removed_at IS NULL LIMIT 1").fetchone() is not None
    if part(connection) is Part.CENTRE and leads:
        raise UsageError(
            "Gates follow this centre, which so follows nobody. Join from the gate's own machine, or take them away"
            " first: facegate centre remove GATE"
        )


def _take_codes(connection: sqlite3.Connection, by: str) -> int:
    """PINs and cards that this gate had are taken from it; of how many residents. Nobody revoked them: those that a
    centre had given come back by its word."""
    held = connection.execute("SELECT id FROM credentials").fetchall()
    # Whose proposal waits would else have them revoked.
    with taking(connection):
        had = credentials.remove_all(connection, by=by)
    connection.executemany("DELETE FROM gone WHERE id = ?", held)
    return had


def _keep_all_here(connection: sqlite3.Connection) -> None:
    """Nobody and nothing of this gate that is not proposed already is, until somebody says so."""
    connection.execute("DELETE FROM stays_here")
    for kind, table in (*_HOURS, ("resident", "residents"), ("pass", "passes")):
        connection.execute(
            f"INSERT INTO stays_here SELECT '{kind}', id FROM {table}"  # noqa: S608 - constants
            f" WHERE id NOT IN (SELECT id FROM proposals WHERE kind = '{kind}')"
        )


def leave(connection: sqlite3.Connection, *, by: str) -> int:
    """This store follows nobody any more; how many residents of the register stay, as its own. Its passes open nothing
    here any more: what is spent of them elsewhere is not heard."""
    with transaction(connection):
        passes = connection.execute("SELECT id FROM register WHERE kind = 'pass'").fetchall()
        (people,) = connection.execute("SELECT count(*) FROM register WHERE kind = 'resident'").fetchone()
        connection.execute("DELETE FROM register")
        connection.execute("DELETE FROM register_keys")
        connection.execute("DELETE FROM centre_orders")
        connection.execute("DELETE FROM proposals")
        connection.execute("DELETE FROM stays_here")
        connection.execute("DELETE FROM centre_places")
        connection.execute("DELETE FROM gates")
        elsewhere.forget(connection)
        connection.executemany(
            "UPDATE passes SET revoked_at = coalesce(revoked_at, strftime('%Y-%m-%dT%H:%M:%f+00:00', 'now'))"
            " WHERE id = ?",
            passes,
        )
        connection.execute(f"UPDATE compound SET part = 'alone', {_AS_NEW}")  # noqa: S608 - constants
        audit.append(connection, AuditEvent(Kind.CENTRE_LEFT, {"by": by, "people": people}))
    return int(people)


def people_of_register(connection: sqlite3.Connection) -> list[str]:
    """The ids of the residents here who are on the register of the centre that this store follows."""
    query = "SELECT id FROM residents WHERE id IN (SELECT id FROM register WHERE kind = 'resident')"
    return [one for (one,) in connection.execute(query)]


def forget(connection: sqlite3.Connection, people: Sequence[str], *, by: str) -> int:
    """Erase these residents of a centre that was left, with a receipt on record; how many they were. They were erased
    here and nowhere else: where this gate follows the centre again, they come back."""
    known = [one for one in (residents.get(connection, identity) for identity in people) if one is not None]
    if not known:
        return 0
    gone = connection.execute("SELECT id FROM gone").fetchall()
    erasure.remove_together(connection, known, by=by)
    with transaction(connection):
        connection.executemany(
            "DELETE FROM erased WHERE resident_hash = ?", [(erasure.hash_of(one.id),) for one in known]
        )
        connection.execute(
            "DELETE FROM gone WHERE id NOT IN (SELECT value FROM json_each(?))", (json.dumps([one for (one,) in gone]),)
        )
    return len(known)


@contextmanager
def taking(connection: sqlite3.Connection) -> Iterator[None]:
    """A transaction that writes what the centre said: nothing of it is told back."""
    with transaction(connection):
        connection.execute("UPDATE compound SET taking = 1")
        yield
        connection.execute("UPDATE compound SET taking = 0")
