"""What a gate takes from the register into its own tables: the newer word counts, and what is `revoked` stays so.

Whatever order entries come in, and however often, the same is here in the end. What this gate has of its own, people
and hours, stays beside it.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Sequence
from datetime import UTC, datetime
from enum import Enum, auto
from functools import partial

from gate.names import folded_name
from gate.store import old_copies, write_ahead_log
from gate.store.compound import items, proposals, revoked
from gate.store.compound.entries import (
    SUSPENDED,
    AreaEntry,
    CredentialEntry,
    Entry,
    GroupEntry,
    HolidayEntry,
    PassEntry,
    RegisterKind,
    ResidentEntry,
    RevocationEntry,
    ScheduleEntry,
    Version,
)
from gate.store.compound.proposals import FIELDS, Answer, Proposal
from gate.store.compound.revoked import BY, is_gone
from gate.store.compound.revoking import ended_by, revoke
from gate.store.compound.role import taking
from gate.store.people import erasure, passes, residents, uses
from gate.store.people.residents import Resident
from gate.store.record import audit
from gate.store.site import areas
from gate.vocabulary import AuditEvent, Kind


class Taken(Enum):
    """What became of an entry."""

    DONE = auto()
    OLD = auto()
    """The same or a newer word is here already."""
    REVOKED = auto()
    """It is about somebody who was erased."""
    OVER = auto()
    """It is a pass that is over by the clock of this gate, and is not here."""
    EARLY = auto()
    """It names hours, an area or a group that are not here yet, or the centre is still to say what becomes of what was
    changed here."""


def take(connection: sqlite3.Connection, kind: RegisterKind, version: Version, entry: Entry) -> Taken:
    """Take an entry of the register, in one transaction; what it `erases` goes in others before. Raises
    sqlite3.Error."""
    if isinstance(entry, RevocationEntry):
        return Taken.DONE if revoked.take(connection, version, entry) else Taken.OLD
    known = items.version_of(connection, kind, entry.id)
    if known is not None and version <= known:
        return Taken.OLD
    if proposals.waits(connection, kind, entry.id):
        return Taken.EARLY
    for consent in ended_by(connection, entry):
        revoke(connection, consent, by=BY)
    with taking(connection):
        return _put(connection, kind, version, entry)


def erases(connection: sqlite3.Connection, entry: Entry) -> bool:
    """Whether to take an entry may erase something: that is no part of a transaction."""
    return isinstance(entry, RevocationEntry) or bool(ended_by(connection, entry))


def take_answer(connection: sqlite3.Connection, answer: Answer, sent: Proposal) -> bool:
    """Take what the centre says of a proposal as it was sent, in one transaction; whether that could be done. Nothing
    happens where the same was changed again meanwhile: then it is proposed anew. Raises sqlite3.Error."""
    if _is_answered(connection, answer):
        for consent in _ended_for_good(connection, answer.entry):
            revoke(connection, consent, by=BY)
    with taking(connection):
        row = connection.execute(
            "SELECT number, epoch, version, fields FROM proposals WHERE kind = ? AND id = ? AND refused IS NULL",
            (answer.kind, answer.id),
        ).fetchone()
        if row is None:
            return True
        number, *made_on = row
        if number != answer.number:
            if answer.because is None and answer.version is not None and _stands_as_sent(answer, sent):
                _made_on(connection, answer.kind, answer.id, answer.version)
            return True
        if _stands(connection, answer) is Taken.EARLY:
            return False
        connection.execute("DELETE FROM proposals WHERE kind = ? AND id = ?", (answer.kind, answer.id))
        if answer.because is not None:
            connection.execute(
                "INSERT INTO proposals (kind, id, number, epoch, version, fields, refused)"
                " VALUES (?, ?, ?, ?, ?, ?, ?)",
                (answer.kind, answer.id, number, *made_on, answer.because),
            )
            audit.append(connection, AuditEvent(Kind.PROPOSAL_REFUSED, {"what": answer.kind, "why": answer.because}))
    return True


def _is_answered(connection: sqlite3.Connection, answer: Answer) -> bool:
    """Whether what was proposed stands here as it was sent."""
    query = "SELECT 1 FROM proposals WHERE kind = ? AND id = ? AND number = ? AND refused IS NULL"
    return connection.execute(query, (answer.kind, answer.id, answer.number)).fetchone() is not None


def _ended_for_good(connection: sqlite3.Connection, entry: Entry | None) -> list[str]:
    """The consents that hold here and do so no more at the centre, of somebody who agreed to nothing since: who did
    may have done so here, and a withdrawal takes all."""
    if not isinstance(entry, ResidentEntry) or any(one.withdrawn_at is None for one in entry.consents):
        return []
    return ended_by(connection, entry)


def _stands(connection: sqlite3.Connection, answer: Answer) -> Taken:
    """Take what stands at the centre; it may have nothing of that id."""
    if answer.entry is None or answer.version is None:
        return Taken.DONE
    return _put(connection, answer.kind, answer.version, answer.entry)


def _stands_as_sent(answer: Answer, sent: Proposal) -> bool:
    """Whether the centre has what was sent: of whom something was added alone it may have another name by now."""
    stands, said = answer.entry, sent.entry
    if sent.fields or not isinstance(stands, ResidentEntry) or not isinstance(said, ResidentEntry):
        return True
    return all(getattr(stands, one) == getattr(said, one) for one in FIELDS)


def _made_on(connection: sqlite3.Connection, kind: RegisterKind, identity: str, version: Version) -> None:
    """What waits is from now on a change of what the centre took before."""
    items.note(connection, kind, identity, version)
    connection.execute(
        "UPDATE proposals SET epoch = ?, version = ? WHERE kind = ? AND id = ?",
        (version.epoch, version.number, kind, identity),
    )


def _put(connection: sqlite3.Connection, kind: RegisterKind, version: Version, entry: Entry) -> Taken:
    done = Taken.OLD
    match entry:
        case ResidentEntry():
            known = items.version_of(connection, kind, entry.id) is not None
            done = _resident(connection, entry, known=known)
        case ScheduleEntry():
            done = _schedule(connection, entry)
        case AreaEntry():
            done = _area(connection, entry)
        case GroupEntry():
            done = _group(connection, entry)
        case HolidayEntry():
            done = _holiday(connection, entry)
        case PassEntry():
            done = _pass(connection, entry)
    if done is Taken.DONE:
        items.note(connection, kind, entry.id, version)
        # As where this gate left, and joined again.
        connection.execute("DELETE FROM stays_here WHERE kind = ? AND id = ?", (kind, entry.id))
    return done


def begin_epoch(connection: sqlite3.Connection, epoch: int) -> None:
    """The centre began this epoch."""
    connection.execute("UPDATE compound SET epoch = max(epoch, ?)", (epoch,))


def sweep(connection: sqlite3.Connection, epoch: int) -> list[str]:
    """When all of an epoch is here: who is on the register no longer goes, and so do passes. The ids of residents."""
    rows = connection.execute("SELECT id FROM register WHERE kind = 'resident' AND epoch < ?", (epoch,)).fetchall()
    # Of whoever is just proposed the centre is still to say what becomes of them.
    left = [identity for (identity,) in rows if not proposals.waits(connection, RegisterKind.RESIDENT, identity)]
    with taking(connection):
        if left:
            write_ahead_log.will_erase(connection)
        for identity in left:
            person = residents.get(connection, identity)
            if person is not None:
                details: dict[str, object] = {"templates": person.templates, "by": BY}
                details |= {"personal_fields": audit.forget(connection, identity)}
                connection.execute("DELETE FROM residents WHERE id = ?", (identity,))
                audit.append(connection, AuditEvent(Kind.ERASED, details))
        for (visit,) in connection.execute(
            "SELECT id FROM register WHERE kind = 'pass' AND epoch < ?", (epoch,)
        ).fetchall():
            if not proposals.waits(connection, RegisterKind.PASS, visit) and _is_open(connection, visit):
                passes.erase(connection, visit)
        connection.execute("DELETE FROM register WHERE epoch < ?", (epoch,))
    if left:
        write_ahead_log.empty(connection)
        old_copies.forget(connection, partial(_sweep_there, left=left))
    return left


def _sweep_there(copy: sqlite3.Connection, left: Sequence[str]) -> None:
    people = [one for one in (residents.get(copy, identity) for identity in left) if one is not None]
    erasure.remove_all(copy, people, by=BY)


def keep_keys(connection: sqlite3.Connection, keys: dict[str, bytes]) -> None:
    """Keep what residents' messages are read with, for as long as they are here."""
    connection.executemany("INSERT OR REPLACE INTO register_keys (id, key) VALUES (?, ?)", list(keys.items()))


def drop_key(connection: sqlite3.Connection, identity: str) -> None:
    """A key that opens nothing is asked for anew."""
    connection.execute("DELETE FROM register_keys WHERE id = ?", (identity,))


def _resident(connection: sqlite3.Connection, entry: ResidentEntry, *, known: bool) -> Taken:
    if erasure.was_erased(connection, entry.id):
        return Taken.REVOKED
    if not _are_here(connection, entry):
        return Taken.EARLY
    before = residents.get(connection, entry.id)
    connection.execute(
        "INSERT INTO residents (id, name, folded_name, unit, created_at, extended, schedule_id, group_id, valid_from,"
        " valid_until, valid_until_set_on, area_id) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
        " ON CONFLICT (id) DO UPDATE SET name = excluded.name, folded_name = excluded.folded_name,"
        " unit = excluded.unit, extended = excluded.extended, schedule_id = excluded.schedule_id,"
        " group_id = excluded.group_id, valid_from = excluded.valid_from, valid_until = excluded.valid_until,"
        " valid_until_set_on = excluded.valid_until_set_on, area_id = excluded.area_id",
        (
            entry.id, entry.name, folded_name(entry.name), entry.unit, entry.created_at, int(entry.extended),
            entry.schedule, entry.group, entry.valid_from, entry.valid_until, entry.valid_until_set_on, entry.area,
        ),
    )  # fmt: skip
    put_consents(connection, entry)
    _templates(connection, entry)
    _credentials(connection, entry)
    now = residents.get(connection, entry.id)
    if now is not None and (not known or now != before):
        kind = Kind.ENROLLED if before is None else Kind.RESIDENT_CHANGED
        details: dict[str, object] = {"templates": now.templates} if before is None else {}
        _note(connection, kind, now, details)
    return Taken.DONE


def _are_here(connection: sqlite3.Connection, entry: ResidentEntry) -> bool:
    """Whether all is here that a resident's entry names."""
    named = (("schedules", entry.schedule), ("areas", entry.area), ("groups", entry.group))
    return all(_is_here(connection, table, one) for table, one in named)


def _is_here(connection: sqlite3.Connection, table: str, identity: str | None) -> bool:
    query = f"SELECT 1 FROM {table} WHERE id = ?"  # noqa: S608 - constants
    return identity is None or connection.execute(query, (identity,)).fetchone() is not None


def put_consents(connection: sqlite3.Connection, entry: ResidentEntry) -> None:
    """Write down what somebody agreed to, but for what ended. Part of a transaction."""
    for one in entry.consents:
        ended = one.withdrawn_at or (_now() if is_gone(connection, one.id) else None)
        connection.execute(
            "INSERT OR IGNORE INTO consents (id, resident_id, text, language, text_sha256, way, guardian, recorded_by,"
            " given_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                one.id,
                entry.id,
                one.text,
                one.language,
                one.sha256,
                one.way,
                one.guardian,
                one.recorded_by,
                one.given_at,
            ),
        )
        if ended is not None:
            connection.execute(
                "UPDATE consents SET withdrawn_at = coalesce(withdrawn_at, ?), guardian = NULL WHERE id = ?",
                (ended, one.id),
            )


def _templates(connection: sqlite3.Connection, entry: ResidentEntry) -> None:
    wanted = {one.id: one for one in entry.templates if not is_gone(connection, one.id)}
    held = _ids(connection, "templates", entry.id, "AND learned_from IS NULL")
    _delete(connection, "templates", held - wanted.keys())
    if not wanted:
        # What passages taught goes with what it was held against.
        connection.execute("DELETE FROM templates WHERE resident_id = ?", (entry.id,))
    agreed = connection.execute(
        "SELECT 1 FROM consents WHERE resident_id = ? AND withdrawn_at IS NULL", (entry.id,)
    ).fetchone()
    if agreed is None:
        return
    connection.executemany(
        "INSERT INTO templates (id, resident_id, model, source, quality, vector, created_at, second_model,"
        " second_vector) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        [
            (
                one.id, entry.id, one.model, one.source, one.quality, one.vector, one.created_at, one.second_model,
                one.second_vector,
            )
            for one in wanted.values() if one.id not in held
        ],
    )  # fmt: skip


def _credentials(connection: sqlite3.Connection, entry: ResidentEntry) -> None:
    wanted = {one.id: one for one in entry.credentials if not is_gone(connection, one.id)}
    held = _ids(connection, "credentials", entry.id)
    _delete(connection, "credentials", held - wanted.keys())
    for one in wanted.values():
        if one.id not in held:
            _add_credential(connection, entry.id, one)


def _add_credential(connection: sqlite3.Connection, resident: str, one: CredentialEntry) -> None:
    """The register's word counts where somebody of this gate alone has the same code: one code, one person."""
    connection.execute("DELETE FROM credentials WHERE kind = ? AND finder = ?", (one.kind, one.finder))
    lost = one.suspended_at
    if is_gone(connection, one.id + SUSPENDED):
        # Also where this gate knows it alone, as from before it joined again.
        lost = lost or _now()
    elif items.version_of(connection, RegisterKind.REVOCATION, one.id + SUSPENDED) is not None:
        # What was said of its loss by itself is newer, or comes again: a card that was found may be told as lost here.
        lost = None
    connection.execute(
        "INSERT INTO credentials (id, resident_id, kind, finder, duress, flat, label, made_at, suspended_at)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (one.id, resident, one.kind, one.finder, int(one.duress), one.flat, one.label, one.made_at, lost),
    )
    if lost is not None:
        connection.execute("INSERT OR IGNORE INTO gone (id) VALUES (?)", (one.id + SUSPENDED,))


def _schedule(connection: sqlite3.Connection, entry: ScheduleEntry) -> Taken:
    if entry.windows is None:
        # People of this gate alone may keep these hours.
        used = "SELECT 1 FROM residents WHERE schedule_id = ?1 UNION ALL SELECT 1 FROM groups WHERE schedule_id = ?1"
        used += " UNION ALL SELECT 1 FROM passes WHERE schedule_id = ?1"
        used += " UNION ALL SELECT 1 FROM gate WHERE free_access_schedule_id = ?1"
        if connection.execute(used, (entry.id,)).fetchone() is None:
            connection.execute("DELETE FROM schedules WHERE id = ?", (entry.id,))
        return Taken.DONE
    name = free_name(connection, "schedules", entry.id, entry.name)
    connection.execute(
        "INSERT INTO schedules (id, name, windows) VALUES (?1, ?2, ?3)"
        " ON CONFLICT (id) DO UPDATE SET name = ?2, windows = ?3",
        (entry.id, name, entry.windows),
    )
    return Taken.DONE


def _area(connection: sqlite3.Connection, entry: AreaEntry) -> Taken:
    if entry.name is None:
        users = connection.execute(
            "SELECT EXISTS (SELECT 1 FROM register WHERE kind = used.kind AND id = used.id)"
            " FROM (SELECT 'resident' AS kind, id FROM residents WHERE area_id = ?1"
            " UNION ALL SELECT 'group', id FROM groups WHERE area_id = ?1) used",
            (entry.id,),
        ).fetchall()
        if (1,) in users:
            # Nobody on the register has it any more: that they have none is on its way.
            return Taken.EARLY
        # People of this gate alone may have it: without it they would be let in here.
        if not users:
            connection.execute("DELETE FROM areas WHERE id = ?", (entry.id,))
        return Taken.DONE
    name = free_name(connection, "areas", entry.id, entry.name)
    connection.execute(
        "INSERT INTO areas (id, name, gates) VALUES (?1, ?2, ?3) ON CONFLICT (id) DO UPDATE SET name = ?2, gates = ?3",
        (entry.id, name, areas.as_kept(entry.gates)),
    )
    return Taken.DONE


def _group(connection: sqlite3.Connection, entry: GroupEntry) -> Taken:
    if entry.name is None:
        # Whoever was in it is let in where they were.
        connection.execute(
            "UPDATE residents SET group_id = NULL,"
            " area_id = coalesce(area_id, (SELECT area_id FROM groups WHERE id = ?1)) WHERE group_id = ?1",
            (entry.id,),
        )
        connection.execute("DELETE FROM groups WHERE id = ?", (entry.id,))
        return Taken.DONE
    if not _is_here(connection, "schedules", entry.schedule) or not _is_here(connection, "areas", entry.area):
        return Taken.EARLY
    name = free_name(connection, "groups", entry.id, entry.name)
    connection.execute(
        "INSERT INTO groups (id, name, schedule_id, area_id) VALUES (?1, ?2, ?3, ?4)"
        " ON CONFLICT (id) DO UPDATE SET name = ?2, schedule_id = ?3, area_id = ?4",
        (entry.id, name, entry.schedule, entry.area),
    )
    return Taken.DONE


def _pass(connection: sqlite3.Connection, entry: PassEntry) -> Taken:
    if items.version_of(connection, RegisterKind.REVOCATION, entry.id) is not None:
        return Taken.REVOKED
    if entry.host is not None and residents.get(connection, entry.host) is None:
        return Taken.REVOKED if erasure.was_erased(connection, entry.host) else Taken.EARLY
    if not _is_here(connection, "schedules", entry.schedule):
        return Taken.EARLY
    before = passes.get(connection, entry.id)
    if before is None and entry.valid_until <= passes.text_of(datetime.now(UTC)):
        # It was erased here since it is over, and its visitor is not brought back. Nor is it noted as here: where it is
        # this gate's clock that is ahead, the pass is asked for again until that is set.
        return Taken.OVER
    put_pass(connection, entry)
    if not is_gone(connection, entry.id):
        # As where all were taken back here until the centre had spoken.
        connection.execute("UPDATE passes SET revoked_at = NULL WHERE id = ?", (entry.id,))
    uses.keep(connection, entry.id, entry.spent)
    now = passes.get(connection, entry.id)
    if before is None and now is not None:
        audit.append(connection, passes.about(now, AuditEvent(Kind.PASS_MADE, {"by": BY, "uses": now.uses})))
    return Taken.DONE


def put_pass(connection: sqlite3.Connection, entry: PassEntry) -> None:
    """Write down a pass and its codes, where it is not here. Part of a transaction."""
    connection.execute(
        "INSERT OR IGNORE INTO passes (id, unit, host_id, name, flat, valid_from, valid_until, schedule_id, uses,"
        " uses_left, lasts_s, made_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?9, ?9, ?, ?)",
        (
            entry.id, entry.unit, entry.host, entry.name, entry.flat, entry.valid_from, entry.valid_until,
            entry.schedule, entry.uses, entry.lasts_s, entry.made_at,
        ),
    )  # fmt: skip
    for one in entry.codes:
        # The register's word counts where somebody of this gate alone has the same code.
        connection.execute(
            "DELETE FROM credentials WHERE kind = ? AND finder = ? AND pass_id IS NOT ?",
            (one.kind, one.finder, entry.id),
        )
        connection.execute(
            "INSERT OR IGNORE INTO credentials (id, pass_id, kind, finder, made_at) VALUES (?, ?, ?, ?, ?)",
            (one.id, entry.id, one.kind, one.finder, one.made_at),
        )


def _is_open(connection: sqlite3.Connection, visit: str) -> bool:
    found = passes.get(connection, visit)
    return found is not None and found.revoked_at is None and datetime.now(UTC) < found.ends_at


def _holiday(connection: sqlite3.Connection, entry: HolidayEntry) -> Taken:
    if entry.name is None:
        connection.execute("DELETE FROM holidays WHERE id = ?", (entry.id,))
        return Taken.DONE
    if not _is_here(connection, "schedules", entry.schedule):
        return Taken.EARLY
    connection.execute(
        "INSERT OR REPLACE INTO holidays (id, name, first_day, last_day, schedule_id, windows)"
        " VALUES (?, ?, ?, ?, ?, ?)",
        (entry.id, entry.name, entry.first_day, entry.last_day, entry.schedule, entry.windows),
    )
    return Taken.DONE


def free_name(connection: sqlite3.Connection, table: str, identity: str, name: str) -> str:
    """What an entry is called here: another may have the name already."""
    taken = f"SELECT 1 FROM {table} WHERE name = ? AND id <> ?"  # noqa: S608 - constants
    free, number = name, 1
    while connection.execute(taken, (free, identity)).fetchone() is not None:
        number += 1
        ending = f" ({number})"
        free = f"{name[: 60 - len(ending)]}{ending}"
    return free


def _ids(connection: sqlite3.Connection, table: str, resident: str, more: str = "") -> set[str]:
    query = f"SELECT id FROM {table} WHERE resident_id = ? {more}"  # noqa: S608 - constants
    return {identity for (identity,) in connection.execute(query, (resident,))}


def _delete(connection: sqlite3.Connection, table: str, ids: Collection[str]) -> None:
    connection.executemany(f"DELETE FROM {table} WHERE id = ?", [(one,) for one in ids])  # noqa: S608 - constants


def _note(connection: sqlite3.Connection, kind: Kind, resident: Resident, details: dict[str, object]) -> None:
    personal = {"resident": resident.id, "name": resident.name} | ({"unit": resident.unit} if resident.unit else {})
    audit.append(connection, AuditEvent(kind, details | {"by": BY}, personal, resident.id))


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds")
