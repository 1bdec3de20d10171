"""What a centre orders of the door of this gate: kept by the link as it comes, carried out by the api, answered by the
link. Each is carried out once, and only for moments after the centre said that it holds."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass

from gate.store.compound.door_orders import RECORDED, Answered, Came, DoorOrder, Offered
from gate.store.database import transaction
from gate.store.record import audit

# A door takes no order that was given longer ago.
HOLDS_S = 3.0
_KEPT = 200
AT_THE_CENTRE = " at the centre"
"""Stands behind whom the record names who ordered from there."""


@dataclass(frozen=True, slots=True)
class Due:
    """An order that is to be carried out now, and when the centre was asked for it (monotonic seconds)."""

    id: str
    what: DoorOrder
    by: str
    waited: bool
    taken_mono: float


def take(connection: sqlite3.Connection, offered: Sequence[Offered], asked_mono: float) -> None:
    """The centre was asked then (monotonic seconds), and these hold: each that is not known is kept, and of those that
    wait here the others are void."""
    with transaction(connection):
        for one in offered:
            connection.execute(
                "INSERT INTO centre_orders (id, what, by, name, given_at, waited, boot_id, taken_mono)"
                " VALUES (?, ?, ?, ?, ?, ?, ?, ?)"
                " ON CONFLICT (id) DO UPDATE SET boot_id = excluded.boot_id, taken_mono = excluded.taken_mono,"
                " waited = excluded.waited, told = 0",
                (
                    one.id, one.what, f"{one.by}{AT_THE_CENTRE}", one.name[:64], one.given_at, int(one.waited),
                    audit.boot_id(), asked_mono,
                ),
            )  # fmt: skip
        connection.execute(
            "UPDATE centre_orders SET outcome = ? WHERE outcome IS NULL AND id NOT IN (SELECT value FROM json_each(?))",
            (Came.VOID, json.dumps([one.id for one in offered])),
        )
        connection.execute(
            "DELETE FROM centre_orders WHERE told = 1"
            " AND id NOT IN (SELECT id FROM centre_orders ORDER BY id DESC LIMIT ?)",
            (_KEPT,),
        )


def wait(connection: sqlite3.Connection) -> bool:
    """Whether any wait to be carried out."""
    return connection.execute("SELECT 1 FROM centre_orders WHERE outcome IS NULL LIMIT 1").fetchone() is not None


def due(connection: sqlite3.Connection, now: float) -> list[Due]:
    """Those to be carried out now (monotonic seconds), the oldest first; what was taken before is asked for anew."""
    rows = connection.execute(
        "SELECT id, what, by, waited, taken_mono FROM centre_orders WHERE outcome IS NULL AND boot_id = ?"
        " AND ? - taken_mono BETWEEN 0 AND ? ORDER BY id",
        (audit.boot_id(), now, HOLDS_S),
    )
    return [Due(one, DoorOrder(what), by, bool(waited), mono) for one, what, by, waited, mono in rows]


def answer(connection: sqlite3.Connection, order: str, outcome: str) -> None:
    """What came of one."""
    connection.execute("UPDATE centre_orders SET outcome = ?, told = 0 WHERE id = ?", (outcome, order))


def untold(connection: sqlite3.Connection) -> tuple[Answered, ...]:
    """What the centre is still to hear."""
    query = "SELECT id, outcome FROM centre_orders WHERE told = 0 AND outcome IS NOT NULL ORDER BY id LIMIT 100"
    return tuple(Answered(*row) for row in connection.execute(query))


def told(connection: sqlite3.Connection, answers: Sequence[Answered]) -> None:
    """The centre has heard these."""
    with transaction(connection):
        connection.executemany(
            "UPDATE centre_orders SET told = 1 WHERE id = ? AND outcome = ?", [(one.id, one.outcome) for one in answers]
        )


def know(connection: sqlite3.Connection, by: str, name: str) -> None:
    """Keep what somebody at the centre is called who looks through the camera here, by how the record names them."""
    connection.execute(
        "INSERT INTO centre_users (by, name) VALUES (?, ?) ON CONFLICT (by) DO UPDATE SET name = excluded.name",
        (by, name[:64]),
    )


def names(connection: sqlite3.Connection) -> dict[str, str]:
    """Who ordered lately or looked through the camera: what they are called, by how the record names them."""
    rows = connection.execute(
        "SELECT by, name FROM centre_users UNION ALL SELECT by, name FROM (SELECT * FROM centre_orders ORDER BY id)"
    )
    return dict(rows.fetchall())


def is_the_centres(connection: sqlite3.Connection) -> bool:
    """Whether the last lockdown that somebody ordered here was the centre's."""
    row = connection.execute(
        "SELECT json_extract(details, '$.by') FROM audit WHERE kind = 'ordered'"
        " AND json_extract(details, '$.order') = ? AND json_extract(details, '$.reason') IS NULL"
        " ORDER BY sequence DESC LIMIT 1",
        (RECORDED[DoorOrder.LOCKDOWN],),
    ).fetchone()
    return row is not None and AT_THE_CENTRE in str(row[0])
