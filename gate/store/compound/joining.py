"""People whom a gate had before it joined: who of them is on the register too, and what becomes of each.

Nothing is decided here: somebody says of each that they are the same, another, or of this gate alone.
"""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from datetime import UTC, datetime

from gate.names import folded_name
from gate.store.compound import items, outbox, proposals, requests, taken
from gate.store.compound.entries import Entry, RegisterKind, ResidentEntry, RevocationEntry, Version
from gate.store.database import transaction
from gate.store.people import consents, erasure, homes, passes, residents, templates
from gate.store.people.residents import Resident
from gate.store.record import audit
from gate.vocabulary import AuditEvent, Kind

# What others name comes before them.
_ORDER = (
    RegisterKind.REVOCATION, RegisterKind.SCHEDULE, RegisterKind.AREA, RegisterKind.GROUP, RegisterKind.HOLIDAY,
    RegisterKind.RESIDENT, RegisterKind.PASS,
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Decided:
    """What becomes of people of this gate, by their ids: `same` as whom of the register, and who is brought to it. Who
    is in neither stays at this gate alone."""

    same: tuple[tuple[str, str], ...]
    brought: tuple[str, ...]
    erased: tuple[str, ...] = ()
    """Whom the register has, and who was erased here: they are erased everywhere."""
    back: tuple[str, ...] = ()
    """The same, and they are here again."""


@dataclass(frozen=True, slots=True)
class Merged:
    """What came of somebody who is the same as one of the register."""

    name: str
    templates: int
    """How many templates of this gate they keep."""
    dropped: int
    """How many not: they would be too many, or were agreed to for this gate alone."""


@dataclass(frozen=True, slots=True)
class NotPassedOn:
    """What a former centre has and the one in its place has not, or may not have, by ids."""

    people: tuple[str, ...]
    """Who is on both registers, and stands here otherwise."""
    revoked: tuple[str, ...]


def not_passed_on(connection: sqlite3.Connection, register: sqlite3.Connection) -> NotPassedOn:
    """What this former centre took, and the register of the one in its place, in another store, does not have."""
    there = items.residents(register)
    both = sorted(items.residents(connection) & there)
    people = [one for one in both if _entry(connection, one) not in (None, _entry(register, one))]
    heard = {one for (one,) in register.execute("SELECT id FROM register WHERE kind = 'revocation'")}
    rows = connection.execute("SELECT id FROM register WHERE kind = 'revocation' ORDER BY id").fetchall()
    revoked = [one for (one,) in rows if one not in heard and not _is_suspension_over(connection, one)]
    return NotPassedOn(tuple(people), tuple(revoked))


def propose(connection: sqlite3.Connection, found: NotPassedOn, register: sqlite3.Connection) -> None:
    """Have this store, which follows now, propose that: what was added to somebody is taken there, what was changed of
    them stands as it does there. So are passes, with what was spent of them here."""
    with transaction(connection):
        for one in found.people:
            made_on = items.version_of(register, RegisterKind.RESIDENT, one) or Version(0, 0)
            connection.execute(
                "INSERT INTO proposals (kind, id, number, epoch, version, fields) VALUES ('resident', ?, 0, ?, ?, 0)",
                (one, made_on.epoch, made_on.number),
            )
            connection.execute("DELETE FROM stays_here WHERE kind = 'resident' AND id = ?", (one,))
        connection.executemany("INSERT INTO register_requests (id) VALUES (?)", [(one,) for one in found.revoked])
        proposals.bring_passes(connection, passes.text_of(datetime.now(UTC)))


def _entry(connection: sqlite3.Connection, resident: str) -> Entry | None:
    return outbox.entry_of(connection, RegisterKind.RESIDENT, resident)


def own_people(connection: sqlite3.Connection, register: sqlite3.Connection) -> list[Resident]:
    """Who is at a gate and, by their id, not on the register that is in another store."""
    there = items.residents(register)
    return [one for one in residents.every(connection) if one.id not in there]


def namesakes_of(one: Resident, there: list[Resident]) -> list[Resident]:
    """Who of the register is called the same and lives in the same home, or of whom nobody said where."""
    name = folded_name(one.name)
    called = [other for other in there if folded_name(other.name) == name]
    return [other for other in called if not (one.unit and other.unit) or homes.are_one(one.unit, other.unit)]


def erased_here(connection: sqlite3.Connection, register: sqlite3.Connection) -> list[Resident]:
    """Who is on the register that is in another store and was erased at this gate, as while it followed nobody, so
    that the centre never heard of it."""
    there = (residents.get(register, one) for one in items.residents(register))
    return [
        one for one in there
        if one is not None and erasure.was_erased(connection, one.id) and not requests.waits(connection, one.id)
    ]  # fmt: skip


def settle_erased(connection: sqlite3.Connection, register: sqlite3.Connection, decided: Decided) -> None:
    """Have the centre of this store, which follows now, hear who is erased everywhere, and let the others of them come
    back by its word. Before the register is taken: it gives back nobody who was erased."""
    with transaction(connection):
        connection.executemany("INSERT INTO register_requests (id) VALUES (?)", [(one,) for one in decided.erased])
        for one in decided.back:
            connection.execute("DELETE FROM erased WHERE resident_hash = ?", (erasure.hash_of(one),))
            entry = _entry(register, one)
            if isinstance(entry, ResidentEntry):
                parts = [part.id for part in entry.consents] + [part.id for part in entry.templates]
                parts += [part.id for part in entry.credentials]
                connection.executemany("DELETE FROM gone WHERE id = ?", [(part,) for part in parts])


def take_register(connection: sqlite3.Connection, register: sqlite3.Connection) -> None:
    """Take a whole register out of another store that follows the same centre, what was revoked first."""
    rows = register.execute("SELECT kind, id, epoch, version FROM register").fetchall()
    order = {kind: place for place, kind in enumerate(_ORDER)}
    keys = register.execute("SELECT id, key FROM register_keys").fetchall()
    with transaction(connection):
        taken.begin_epoch(connection, items.epoch(register))
        taken.keep_keys(connection, {identity: bytes(key) for identity, key in keys})
    for kind, identity, epoch, version in sorted(rows, key=lambda row: order[RegisterKind(row[0])]):
        revocation = kind == RegisterKind.REVOCATION and not _is_suspension_over(register, identity)
        person = erasure.was_erased(register, identity)
        entry = (
            RevocationEntry(identity, person=person)
            if revocation
            else outbox.entry_of(register, RegisterKind(kind), identity)
        )
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
    # A backup of this gate from before would else bring them back under the id of then.
    connection.execute("INSERT OR IGNORE INTO erased (resident_hash) VALUES (?)", (erasure.hash_of(own),))
    personal = {"resident": theirs, "name": there.name}
    audit.append(connection, AuditEvent(Kind.TEMPLATES_ADDED, {"templates": len(kept), "by": by}, personal, theirs))
    return Merged(there.name, len(kept), len(made) - len(kept))
