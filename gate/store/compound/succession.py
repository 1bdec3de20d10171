"""Which of two centres leads: a second one follows as a gate does, and is promoted by a person when the first is lost.

Both have the same keys, so that gates know both. Who leads is who says, signed, the later epoch; a former centre that
hears of one publishes nothing more.
"""

from __future__ import annotations

import hashlib
import json
import secrets
import sqlite3
from collections.abc import Sequence
from dataclasses import asdict, astuple
from datetime import UTC, datetime

from gate.errors import Refusal
from gate.store.compound import door_orders, gates, items
from gate.store.compound.gates import Gate
from gate.store.compound.items import State
from gate.store.compound.role import Part, part
from gate.store.database import transaction
from gate.store.ids import new_id
from gate.store.record import audit
from gate.vocabulary import AuditEvent, Kind

# Later than whatever the first began since, as after a backup; and two that are promoted at once never say the same.
_EPOCHS = 1_000_000


def be_second(connection: sqlite3.Connection, place: str) -> None:
    """This store, which follows, is a second centre from now on, and is reached there."""
    connection.execute("UPDATE compound SET second_at = ?", (place,))


def own_place(connection: sqlite3.Connection) -> str | None:
    """Where this machine is reached as a centre; None: it is no second one, and never was."""
    found: str | None = connection.execute("SELECT second_at FROM compound").fetchone()[0]
    return found


def is_second(connection: sqlite3.Connection) -> bool:
    """Whether this store follows as a second centre."""
    return part(connection) is Part.GATE and own_place(connection) is not None


def second(connection: sqlite3.Connection) -> Gate | None:
    """The second centre that follows this one."""
    return next((one for one in gates.every(connection) if one.second_at is not None), None)


def places(connection: sqlite3.Connection) -> tuple[str, ...]:
    """Where gates are to look for a centre, as far as this one knows: itself first."""
    other = second(connection)
    known = (own_place(connection), None if other is None else other.second_at)
    return tuple(one for one in known if one is not None)


def places_known(connection: sqlite3.Connection) -> tuple[str, ...]:
    """Where this gate is to look for a centre, as the one that led said last."""
    return tuple(one for (one,) in connection.execute("SELECT place FROM centre_places ORDER BY number"))


def know_places(connection: sqlite3.Connection, known: Sequence[str]) -> None:
    """The centre that leads says where a centre is to be looked for."""
    with transaction(connection):
        connection.execute("DELETE FROM centre_places")
        connection.executemany("INSERT OR IGNORE INTO centre_places (place) VALUES (?)", [(one,) for one in known])


def list_of_gates(connection: sqlite3.Connection) -> tuple[Gate, ...]:
    """All gates, those that were taken away too, as a second centre has them beside itself, and who has a broker."""
    return tuple(Gate(*row) for row in connection.execute(f"{gates.SELECT} ORDER BY id"))


def digest_of_gates(connection: sqlite3.Connection) -> str:
    """One text for all of them, by which two lists are compared."""
    # As a version that knows of no brokers sums it up, where there are none.
    rows = [astuple(one)[: None if one.broker_at else -2] for one in list_of_gates(connection)]
    return hashlib.sha256(json.dumps(rows, default=bytes.hex).encode()).hexdigest()


def take_gates(connection: sqlite3.Connection, listed: Sequence[Gate]) -> None:
    """Have the gates that the first centre has, and no others."""
    with transaction(connection):
        connection.execute("DELETE FROM gates")
        connection.executemany(
            "INSERT INTO gates (id, name, nkey, box, signer, joined_at, removed_at, second_at, broker_at, broker_pin)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            [astuple(one) for one in listed],
        )


def promote(connection: sqlite3.Connection, *, by: str) -> int:
    """This centre leads from now on, as a later epoch, once its gates gave back what they have and it has not. Which
    epoch that is at least. Raises Refusal where this is neither a second centre nor one that another took the place
    of."""
    with transaction(connection):
        later = superseded(connection)
        if not is_second(connection) and later is None:
            raise Refusal("This machine is no second centre, or leads already.")
        known = items.epoch(connection)
        had = items.state(connection, known)
        (others,) = connection.execute("SELECT count(*) FROM register WHERE epoch <> ?", (known,)).fetchone()
        epoch = max(known, later or 0) + _EPOCHS + secrets.randbelow(_EPOCHS // 10)
        connection.execute(
            "UPDATE compound SET part = 'centre', epoch = ?, stream = NULL, last_sequence = 0, recovery = ?,"
            " recovering = 1, superseded = NULL, had = ?",
            (epoch, new_id(), None if others else json.dumps(asdict(had))),
        )
        _lead_the_gates(connection)
        _say_what_waited(connection)
        audit.append(connection, AuditEvent(Kind.CENTRE_PROMOTED, {"by": by}))
    return epoch


def _lead_the_gates(connection: sqlite3.Connection) -> None:
    """Those on the list, but for this machine and whom the register knows to be taken away."""
    connection.execute("DELETE FROM gates WHERE id = (SELECT id FROM gate)")
    connection.execute(
        "UPDATE gates SET removed_at = ? WHERE removed_at IS NULL"
        " AND nkey IN (SELECT id FROM register WHERE kind = 'revocation')",
        (datetime.now(UTC).isoformat(),),
    )
    # What was ordered since, and ended, is not known here.
    door_orders.void(connection)


def _say_what_waited(connection: sqlite3.Connection) -> None:
    """What the first centre was still to hear of this gate is the register's own now. Who stays at this gate alone is
    not put on it."""
    connection.execute("INSERT INTO register_touched SELECT kind, id FROM proposals WHERE refused IS NULL")
    connection.execute("INSERT INTO register_touched SELECT 'revocation', id FROM register_requests")
    for table in ("proposals", "register_requests", "forgotten_here", "centre_orders", "centre_places", "stays_here"):
        connection.execute(f"DELETE FROM {table}")  # noqa: S608 - constants


def stand_down(connection: sqlite3.Connection, epoch: int) -> bool:
    """Another centre says, signed, that it leads this epoch: where that is a later one, this one publishes nothing any
    more. Whether it is."""
    with transaction(connection):
        if part(connection) is not Part.CENTRE or epoch <= max(items.epoch(connection), superseded(connection) or 0):
            return False
        new = superseded(connection) is None
        connection.execute("UPDATE compound SET superseded = ?", (epoch,))
        if new:
            audit.append(connection, AuditEvent(Kind.CENTRE_SUPERSEDED))
    return new


def superseded(connection: sqlite3.Connection) -> int | None:
    """The later epoch that another centre leads; None: this one knows of none."""
    found: int | None = connection.execute("SELECT superseded FROM compound").fetchone()[0]
    return found


def refuse_who_does_not_lead(connection: sqlite3.Connection) -> None:
    """Raises Refusal where what is said of a compound's gates is to be said at another machine: here nothing came of
    it, since a second centre, and a gate with a broker, have the list of gates from the centre that leads, and a former
    centre lets in nobody any more."""
    if part(connection) is Part.GATE:
        raise Refusal("This machine follows a centre. Nothing was changed: say it at the centre's own machine.")
    if superseded(connection) is not None:
        raise Refusal("Another centre leads in the place of this one. Nothing was changed: say it there.")


def had(connection: sqlite3.Connection) -> State | None:
    """All of the register that this centre had when it was promoted; None: it was not, or had parts of several."""
    (said,) = connection.execute("SELECT had FROM compound").fetchone()
    return None if said is None else State(**json.loads(said))
