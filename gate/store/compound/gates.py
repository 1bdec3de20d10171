"""The gates that follow this centre, with their keys. Who was taken away stays on the list, and may never connect again
by the key that it had."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Sequence
from dataclasses import astuple, dataclass
from datetime import UTC, datetime

from gate.errors import Refusal
from gate.store.compound import site_map
from gate.store.database import transaction
from gate.store.people import elsewhere
from gate.store.record import audit
from gate.store.site import areas
from gate.vocabulary import AuditEvent, Kind


@dataclass(frozen=True, slots=True)
class Gate:
    """One of them. Times are ISO 8601, UTC."""

    id: str
    name: str
    nkey: str
    """By which the broker knows it."""
    box: bytes
    """To which is sealed what it alone may read."""
    signer: bytes
    """By which its requests are known."""
    joined_at: str
    removed_at: str | None = None
    """Since when it follows no more."""
    second_at: str | None = None
    """Where it is reached as a second centre; None: it is none."""
    broker_at: str | None = None
    """Where the broker on its machine is reached; None: it has none."""
    broker_pin: str | None = None
    """By which the other brokers know that one: the SHA-256 of its public key, hexadecimal."""


SELECT = "SELECT id, name, nkey, box, signer, joined_at, removed_at, second_at, broker_at, broker_pin FROM gates"


_KEY = re.compile("U[A-Z2-7]{55}")


def is_key(identity: str) -> bool:
    """Whether this is the key by which a broker knows a gate, which is revoked where a gate is taken away, and no id of
    anything else; also of a gate that this store does not know."""
    return _KEY.fullmatch(identity) is not None


def every(connection: sqlite3.Connection) -> list[Gate]:
    """All that follow, by name."""
    return [Gate(*row) for row in connection.execute(f"{SELECT} WHERE removed_at IS NULL ORDER BY name, id")]


def get(connection: sqlite3.Connection, gate: str) -> Gate | None:
    """One that follows, by its id."""
    row = connection.execute(f"{SELECT} WHERE id = ? AND removed_at IS NULL", (gate,)).fetchone()
    return None if row is None else Gate(*row)


def with_brokers(gates: Sequence[Gate]) -> list[Gate]:
    """Those of them whose machines have a broker too."""
    return [one for one in gates if one.broker_at is not None]


def forget_brokers(connection: sqlite3.Connection) -> None:
    """No gate's machine has a broker that the others know; each is to be invited with one anew."""
    connection.execute("UPDATE gates SET broker_at = NULL, broker_pin = NULL")


def doors(connection: sqlite3.Connection, here: str) -> dict[str, str]:
    """What all doors of the compound are called, by the ids of their gates; this machine's own is called `here`."""
    (own,) = connection.execute("SELECT id FROM gate").fetchone()
    return {own: here} | {one.id: one.name for one in every(connection)}


def names(connection: sqlite3.Connection) -> dict[str, str]:
    """What they are called, by their ids, those that were removed too: their lines are still here."""
    return dict(connection.execute("SELECT id, name FROM gates").fetchall())


def find(connection: sqlite3.Connection, who: str, *, removed: bool = False) -> Gate:
    """The one with this name or id, where `removed` also one that was taken away, if none that follows is meant.
    Raises Refusal where there is none, or more than one."""
    found = [one for one in every(connection) if who in (one.id, one.name)]
    if not found and removed:
        rows = connection.execute(f"{SELECT} WHERE ? IN (id, name) ORDER BY removed_at", (who,))
        found = [Gate(*row) for row in rows]
    if len(found) > 1 and removed and found[0].removed_at is not None:
        which = ", ".join(f"{one.id} (taken away at {one.removed_at})" for one in found)
        raise Refusal(f"{len(found)} gates that were taken away are called {who!r}; name one by its id: {which}.")
    if len(found) != 1:
        wrong = f"{len(found)} gates are called {who!r}; name one by its id" if found else f"No gate is called {who!r}"
        raise Refusal(f"{wrong}. List them with: facegate centre gates")
    return found[0]


def names_of(connection: sqlite3.Connection, gate: Gate) -> frozenset[str]:
    """What a gate is called, and was called before it was taken away and joined under another name."""
    rows = connection.execute(
        "SELECT DISTINCT json_extract(details, '$.gate') FROM audit WHERE kind IN (?, ?)"
        " AND json_extract(details, '$.id') = ?",
        (Kind.GATE_JOINED, Kind.GATE_REMOVED, gate.id),
    )
    return frozenset({gate.name, *(str(name) for (name,) in rows)})


def add(connection: sqlite3.Connection, gate: Gate) -> None:
    """A gate was paired, anew perhaps: with the keys that it has now. Raises Refusal where it has this machine's id, or
    that of one with another name: a card that was copied would take that one's place."""
    with transaction(connection):
        known = get(connection, gate.id)
        if known is not None and known.name != gate.name:
            raise Refusal(
                "{known} has the id of this gate, which is called {name}. Where one was copied from the other, set this"
                " one up anew, without a copy; where it is that gate under another name, take {known} away first:"
                " facegate centre remove",
                known=known.name, name=gate.name,
            )  # fmt: skip
        if connection.execute("SELECT 1 FROM gate WHERE id = ?", (gate.id,)).fetchone() is not None:
            raise Refusal(
                "This gate has the id of the centre itself: it was copied from the centre's machine. Set it up"
                " anew, without a copy."
            )
        connection.execute(
            "INSERT OR REPLACE INTO gates (id, name, nkey, box, signer, joined_at, removed_at, second_at, broker_at,"
            " broker_pin) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            astuple(gate),
        )
        details: dict[str, object] = {"gate": gate.name, "id": gate.id}
        details |= {} if gate.second_at is None else {"second": True}
        details |= {} if gate.broker_at is None else {"broker": True}
        audit.append(connection, AuditEvent(Kind.GATE_JOINED, details))


def joined_since_invited(connection: sqlite3.Connection) -> list[str]:
    """The names of the gates that joined since somebody was invited last, by the record and so by no clock."""
    rows = connection.execute(
        "SELECT json_extract(details, '$.gate') FROM audit WHERE kind = ? AND sequence >"
        " (SELECT max(sequence) FROM audit WHERE kind = ?) ORDER BY sequence",
        (Kind.GATE_JOINED, Kind.GATE_INVITED),
    )
    return [str(name) for (name,) in rows]


def remove(connection: sqlite3.Connection, gate: Gate, *, by: str, stolen: bool = False) -> None:
    """A gate follows no more; where it was `stolen` the record says so, also of one that was taken away before."""
    with transaction(connection):
        connection.execute(
            "UPDATE gates SET removed_at = ? WHERE id = ? AND removed_at IS NULL",
            (datetime.now(UTC).isoformat(), gate.id),
        )
        # Whoever ends a lockdown of all gates no longer ends this one's; it is not to lock down when it joins again.
        connection.execute(
            "UPDATE door_order_gates SET outcome = 'void' WHERE gate_id = ? AND outcome IS NULL", (gate.id,)
        )
        areas.without(connection, gate.id)
        elsewhere.forget_gate(connection, gate.id)
        site_map.forget(connection, gate.id)
        # The others know it too: no backup of the centre lets it in again.
        connection.execute("INSERT INTO register_touched VALUES ('revocation', ?)", (gate.nkey,))
        details: dict[str, object] = {"gate": gate.name, "id": gate.id, "by": by} | ({"stolen": True} if stolen else {})
        audit.append(connection, AuditEvent(Kind.GATE_REMOVED, details))


def of_key(connection: sqlite3.Connection, nkey: str) -> Gate | None:
    """The one that follows by this key of the broker's."""
    row = connection.execute(f"{SELECT} WHERE nkey = ? AND removed_at IS NULL", (nkey,)).fetchone()
    return None if row is None else Gate(*row)
