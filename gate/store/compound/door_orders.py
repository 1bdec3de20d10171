"""Orders of a centre to the doors of its gates: given, offered to each gate while they hold, and answered.

To open once holds for ten seconds. A lockdown holds until it is ended from the centre: a gate that was away locks down
when it is back. Its end holds for a day. Of lockdown and end the newest counts at each gate.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from gate.store.compound.gates import Gate
from gate.store.database import transaction
from gate.store.ids import new_id
from gate.store.record import audit
from gate.vocabulary import AuditEvent, Kind

AT_ONCE_S = 10.0
"""Who has an order within that was there when it was given; to open once holds no longer."""
_END_HOLDS = timedelta(days=1)
_KEPT = 200


class DoorOrder(StrEnum):
    """What a centre may order of a door, in the words of `gate.processes.requests.Do`."""

    OPEN = "open"
    LOCKDOWN = "lockdown"
    RELEASE = "release"


# What the record calls them.
RECORDED = {
    DoorOrder.OPEN: "open", DoorOrder.LOCKDOWN: Kind.LOCKDOWN.value, DoorOrder.RELEASE: Kind.LOCKDOWN_OVER.value,
}  # fmt: skip
_STANDING = (DoorOrder.LOCKDOWN, DoorOrder.RELEASE)


class Came(StrEnum):
    """What came of an order; else it was refused, and a word of `gate.vocabulary.Reason` says why."""

    DONE = "done"
    VOID = "void"
    """It is not carried out any more: another took its place, or its time was over."""
    UNKNOWN = "unknown"
    """It was begun, and whether it was done nobody knows."""
    SILENT = "silent"
    """The door did not answer."""


@dataclass(frozen=True, slots=True)
class Offered:
    """An order as a gate is told it. `by` is who gave it, as the record names them, and `name` what they are called;
    `waited`: it was given some time ago, when the gate was not there."""

    id: str
    what: DoorOrder
    by: str
    name: str
    given_at: str
    waited: bool


@dataclass(frozen=True, slots=True)
class Answered:
    """What came of an order at a gate: a word of `Came`, or of `gate.vocabulary.Reason`."""

    id: str
    outcome: str


@dataclass(frozen=True, slots=True)
class Given:
    """An order with what came of it, by the ids of the gates it is for; None: the gate has not answered."""

    number: int
    what: DoorOrder
    by: str
    name: str
    given_at: str
    outcomes: Mapping[str, str | None]
    holds: bool
    """Whether a gate that has not answered would still carry it out."""


def give(
    connection: sqlite3.Connection, what: DoorOrder, gates: Sequence[Gate], *, by: str, name: str, here: str | None
) -> int:
    """Order this of the doors of gates, and of this machine's own where `here` is its id. Returns its number."""
    moment = audit.this_moment()
    with transaction(connection):
        number = connection.execute(
            "INSERT INTO door_orders (id, what, by, name, given_at, boot_id, given_mono) VALUES (?, ?, ?, ?, ?, ?, ?)",
            (new_id(), what, by, name, _at(moment.wall).isoformat(timespec="seconds"), audit.boot_id(), moment.mono),
        ).lastrowid
        whom = [*(one.id for one in gates), *([here] if here is not None else [])]
        if what in _STANDING:
            connection.executemany(
                "UPDATE door_order_gates SET outcome = 'void' WHERE gate_id = ? AND outcome IS NULL AND number IN"
                " (SELECT number FROM door_orders WHERE what IN ('lockdown', 'release'))",
                [(one,) for one in whom],
            )
        connection.executemany(
            "INSERT INTO door_order_gates (number, gate_id) VALUES (?, ?)", [(number, one) for one in whom]
        )
        connection.execute(
            "DELETE FROM door_orders WHERE number <= ? AND NOT (what = 'lockdown' AND number IN"
            # A gate that is away is still to lock down.
            " (SELECT number FROM door_order_gates WHERE outcome IS NULL))",
            ((number or 0) - _KEPT,),
        )
        names = ", ".join([*(one.name for one in gates), *(["this machine"] if here is not None else [])])
        audit.append(
            connection, AuditEvent(Kind.GATES_ORDERED, {"order": RECORDED[what], "gates": names, "by": by}), moment
        )
    return int(number or 0)


def void(connection: sqlite3.Connection) -> None:
    """What no gate has answered is carried out no more. Part of a transaction."""
    connection.execute("UPDATE door_order_gates SET outcome = ? WHERE outcome IS NULL", (Came.VOID,))


def newest(connection: sqlite3.Connection) -> int:
    """The number of the newest order; 0 while there is none."""
    return int(connection.execute("SELECT coalesce(max(number), 0) FROM door_orders").fetchone()[0])


def due(connection: sqlite3.Connection, gate: str) -> tuple[Offered, ...]:
    """What a gate is to do and has not answered, the oldest first."""
    moment = audit.this_moment()
    rows = connection.execute(
        "SELECT o.id, o.what, o.by, o.name, o.given_at, o.boot_id, o.given_mono FROM door_order_gates g"
        " JOIN door_orders o USING (number) WHERE g.gate_id = ? AND g.outcome IS NULL ORDER BY number",
        (gate,),
    )
    found = []
    for identity, what, by, name, given_at, boot, mono in rows:
        if _holds(what, given_at, boot, mono, moment):
            found.append(Offered(identity, DoorOrder(what), by, name, given_at, not _is_new(boot, mono, moment)))
    return tuple(found)


def keep(connection: sqlite3.Connection, gate: str, answers: Sequence[Answered]) -> None:
    """Keep what a gate says came of its orders: what it did it did, also where the order had been taken back."""
    with transaction(connection):
        connection.executemany(
            "UPDATE door_order_gates SET outcome = ? WHERE gate_id = ?"
            " AND number = (SELECT number FROM door_orders WHERE id = ?)",
            [(one.outcome[:40], gate, one.id) for one in answers],
        )


def answer(connection: sqlite3.Connection, number: int, gate: str, outcome: str) -> None:
    """What came of an order at this machine's own door."""
    connection.execute(
        "UPDATE door_order_gates SET outcome = ? WHERE number = ? AND gate_id = ?", (outcome, number, gate)
    )


def lately(connection: sqlite3.Connection, most: int) -> list[Given]:
    """The newest orders, the latest first, and before them none."""
    moment, found = audit.this_moment(), []
    rows = connection.execute(
        "SELECT number, what, by, name, given_at, boot_id, given_mono FROM door_orders ORDER BY number DESC LIMIT ?",
        (most,),
    ).fetchall()
    for number, what, by, name, given_at, boot, mono in rows:
        outcomes = connection.execute(
            "SELECT gate_id, outcome FROM door_order_gates WHERE number = ? ORDER BY gate_id", (number,)
        )
        holds = _holds(what, given_at, boot, mono, moment)
        found.append(Given(number, DoorOrder(what), by, name, given_at, dict(outcomes.fetchall()), holds))
    return found


def _holds(what: str, given_at: str, boot: str, mono: float, now: audit.Moment) -> bool:
    match what:
        case DoorOrder.OPEN:
            return _is_new(boot, mono, now)
        case DoorOrder.RELEASE:
            return abs(_at(now.wall) - datetime.fromisoformat(given_at)) <= _END_HOLDS
        case _:
            return True


def _is_new(boot: str, mono: float, now: audit.Moment) -> bool:
    return boot == audit.boot_id() and 0 <= now.mono - mono <= AT_ONCE_S


def _at(wall: float) -> datetime:
    return datetime.fromtimestamp(wall, UTC)
