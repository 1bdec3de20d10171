"""People whom a gate had before it joined: who of them is on the register too, and what becomes of each.

Nothing is decided here: somebody says of each that they are the same, another, or of this gate alone.
"""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass

from gate.names import folded_name
from gate.store.compound import items, outbox, proposals, taken
from gate.store.compound.entries import RegisterKind, RevocationEntry, Version
from gate.store.database import transaction
from gate.store.people import consents, homes, residents, templates
from gate.store.people.residents import Resident
from gate.store.record import audit
from gate.vocabulary import AuditEvent, Kind

_FIRST = (RegisterKind.REVOCATION, RegisterKind.SCHEDULE, RegisterKind.GROUP, RegisterKind.HOLIDAY)


@dataclass(frozen=True, slots=True)
class Decided:
    """What becomes of people of this gate, by their ids: `same` as whom of the register, and who is brought to it. Who
    is in neither stays at this gate alone."""

    same: tuple[tuple[str, str], ...]
    brought: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Merged:
    """What came of somebody who is the same as one of the register."""

    name: str
    templates: int
    """How many templates of this gate they keep."""
    dropped: int
    """How many not: they would be too many, or were agreed to for this gate alone."""


def own_people(connection: sqlite3.Connection, register: sqlite3.Connection) -> list[Resident]:
    """Who is at a gate and, by their id, not on the register that is in another store."""
    there = items.residents(register)
    return [one for one in residents.every(connection) if one.id not in there]


def namesakes_of(one: Resident, there: list[Resident]) -> list[Resident]:
    """Who of the register is called the same and lives in the same home, or of whom nobody said where."""
    name = folded_name(one.name)
    called = [other for other in there if folded_name(other.name) == name]
    return [other for other in called if not (one.unit and other.unit) or homes.are_one(one.unit, other.unit)]


def take_register(connection: sqlite3.Connection, register: sqlite3.Connection) -> None:
    """Take a whole register out of another store that follows the same centre, what was revoked first."""
    rows = register.execute("SELECT kind, id, epoch, version FROM register").fetchall()
    order = {kind: place for place, kind in enumerate(_FIRST)}
    keys = register.execute("SELECT id, key FROM register_keys").fetchall()
    with transaction(connection):
        taken.begin_epoch(connection, items.epoch(register))
        taken.keep_keys(connection, {identity: bytes(key) for identity, key in keys})
    for kind, identity, epoch, version in sorted(rows, key=lambda row: order.get(RegisterKind(row[0]), len(order))):
        revocation = kind == RegisterKind.REVOCATION and not _is_suspension_over(register, identity)
        entry = RevocationEntry(identity) if revocation else outbox.entry_of(register, RegisterKind(kind), identity)
        if entry is not None:
            taken.take(connection, RegisterKind(kind), Version(epoch, version), entry)


def decide(connection: sqlite3.Connection, decided: Decided, *, by: str) -> list[Merged]:
    """Make it so, in one transaction: nobody who was here comes in no more."""
    with transaction(connection):
        merged = [_merge(connection, own, theirs, by) for own, theirs in decided.same]
        proposals.bring(connection, decided.brought)
    return [one for one in merged if one is not None]


def _is_suspension_over(register: sqlite3.Connection, identity: str) -> bool:
    entry = outbox.entry_of(register, RegisterKind.REVOCATION, identity)
    return isinstance(entry, RevocationEntry) and entry.over


def _merge(connection: sqlite3.Connection, own: str, theirs: str, by: str) -> Merged | None:
    """They are one: what is known of them here goes to whom the register names, as far as they agreed to every gate."""
    here, there = residents.get(connection, own), residents.get(connection, theirs)
    if here is None or there is None:
        return None
    made = [one for one in templates.of(connection, own) if one.learned_from is None]
    room = templates.MAX_TEMPLATES - templates.enrolled_count(connection, theirs)
    kept = made[: max(0, room)] if consents.covers_every_gate(connection, own) else []
    if kept:
        connection.execute("UPDATE consents SET resident_id = ? WHERE resident_id = ?", (theirs, own))
        connection.executemany("UPDATE templates SET resident_id = ? WHERE id = ?", [(theirs, one.id) for one in kept])
    connection.execute("UPDATE corrections SET resident_id = ? WHERE resident_id = ?", (theirs, own))
    # What the record says of them is erased with whom they are now.
    connection.execute("UPDATE audit_personal SET resident_id = ? WHERE resident_id = ?", (theirs, own))
    connection.execute("DELETE FROM residents WHERE id = ?", (own,))
    personal = {"resident": theirs, "name": there.name}
    audit.append(connection, AuditEvent(Kind.TEMPLATES_ADDED, {"templates": len(kept), "by": by}, personal, theirs))
    return Merged(there.name, len(kept), len(made) - len(kept))
