"""What a gate proposes, at its centre: taken, or refused with the reason. The centre's register is right.

What is added to somebody, a template, a consent, a card, is taken whatever else was changed meanwhile; a change of what
stands there is taken where nobody changed it since. Whoever proposes the same twice changes nothing by it.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Collection, Iterable
from datetime import UTC, datetime
from typing import TypeVar

from gate.errors import Refusal
from gate.names import folded_name
from gate.processes.fields import written
from gate.store.compound import items, outbox
from gate.store.compound.entries import (
    AreaEntry,
    CredentialEntry,
    GroupEntry,
    HolidayEntry,
    PassEntry,
    RegisterKind,
    ResidentEntry,
    ScheduleEntry,
    TemplateEntry,
    Version,
)
from gate.store.compound.proposals import FIELDS, Answer, Because, Proposal
from gate.store.compound.revoked import is_gone
from gate.store.compound.revoking import ended_by, revoke_for_ever
from gate.store.compound.sense import makes_sense
from gate.store.compound.taken import free_name, put_consents, put_pass
from gate.store.database import transaction
from gate.store.people import consents, credentials, erasure, namesakes, passes, residents, templates, uses
from gate.store.people.passes import Pass
from gate.store.people.residents import Resident
from gate.store.record import audit, search
from gate.store.record.search import Search
from gate.store.site import areas
from gate.vocabulary import AuditEvent, Kind

# What the broker would not take stands before all that is to be published after it. With eight faces of two models each
# and every consent of many years an entry has a fifth of this.
_MOST_BYTES = 256 << 10
# Of these everybody has one at most.
_SINGLE = ("pin", "rolling")
Part = TypeVar("Part", TemplateEntry, CredentialEntry)


class _TooMuch(Exception):
    """What somebody would have then is too much for one message."""


def judge(connection: sqlite3.Connection, proposal: Proposal, gate: str, *, by: str) -> Answer:
    """Take a proposal as far as it can be taken, in one transaction, of the gate with this id; the record says `by`
    which. Raises sqlite3.Error where it makes no sense here."""
    entry, kind = proposal.entry, proposal.kind
    if not makes_sense(entry):
        return refused(proposal, Because.NONSENSE)
    for consent in ended_by(connection, entry):
        revoke_for_ever(connection, consent, by=by)
    try:
        with transaction(connection):
            because = _judged(connection, proposal, gate, by)
            if because is Because.ERASED:
                # Whoever was erased before this was a centre is on no register, and would stay at the gate.
                outbox.say_revoked(connection, entry.id)
            stands = outbox.entry_of(connection, kind, entry.id)
            version = items.version_of(connection, kind, entry.id)
            if stands is not None and len(json.dumps(written(stands))) > _MOST_BYTES:
                raise _TooMuch
            if not proposal.reads_areas and stands is not None and outbox.is_limited(connection, stands):
                # It would let in whom an area limits, and go on doing so once it was upgraded. That it is told why
                # keeps it telling whom it erases.
                because, version = because or Because.CHANGED, None
    except _TooMuch:
        return refused(proposal, Because.NONSENSE)
    return Answer(proposal.number, kind, entry.id, because, version, None if version is None else stands)


def _judged(connection: sqlite3.Connection, proposal: Proposal, gate: str, by: str) -> Because | None:
    match proposal.entry:
        case ResidentEntry() as entry:
            return _resident(connection, proposal, entry, by)
        case ScheduleEntry() as entry:
            return _schedule(connection, proposal, entry, by)
        case AreaEntry() as entry:
            return _area(connection, proposal, entry, by)
        case GroupEntry() as entry:
            return _group(connection, proposal, entry, by)
        case HolidayEntry() as entry:
            return _holiday(connection, proposal, entry, by)
        case PassEntry() as entry:
            return _pass(connection, proposal, entry, gate, by)
    return Because.NONSENSE


def refused(proposal: Proposal, because: Because) -> Answer:
    """The answer to what cannot be looked at here."""
    return Answer(proposal.number, proposal.kind, proposal.entry.id, because, None, None)


def taken_from(connection: sqlite3.Connection, names: Collection[str], since: datetime) -> list[Resident]:
    """Who is here, and was enrolled or changed since then by what the gate of these names proposed; by name."""
    by, kinds = _by_gate(names), (Kind.ENROLLED.value, Kind.RESIDENT_CHANGED.value)
    lines = search.every(connection, Search(kinds=kinds, since=since.astimezone(UTC).isoformat()))
    ids = {line.personal.get("resident", "") for line in lines if line.says.by in by}
    found = [one for one in (residents.get(connection, identity) for identity in ids) if one is not None]
    return sorted(found, key=lambda one: (one.name, one.id))


def passes_of(connection: sqlite3.Connection, names: Collection[str]) -> list[Pass]:
    """The passes that are here and not taken back, and were made at the gate of these names."""
    by = _by_gate(names)
    lines = search.every(connection, Search(kinds=(Kind.PASS_MADE.value,)))
    ids = {line.personal.get("pass", "") for line in lines if line.says.by in by}
    return [one for one in passes.every(connection) if one.id in ids and one.revoked_at is None]


def _by_gate(names: Collection[str]) -> frozenset[str]:
    """As whose the record has what a gate of these names proposed."""
    return frozenset(f"gate {name}" for name in names)


def _may_change(connection: sqlite3.Connection, proposal: Proposal) -> bool:
    """Whether what stands here is what the gate changed, or older than what it gives back."""
    here = items.version_of(connection, proposal.kind, proposal.entry.id)
    if proposal.back and proposal.made_on is not None and (here is None or _number(proposal.made_on) > _number(here)):
        return True
    # Another epoch says the same anew: its versions are the same.
    return proposal.fields and (here is None or _number(proposal.made_on) >= _number(here))


def _number(version: Version | None) -> int:
    return 0 if version is None else version.number


def _resident(connection: sqlite3.Connection, proposal: Proposal, entry: ResidentEntry, by: str) -> Because | None:
    if erasure.was_erased(connection, entry.id):
        return Because.ERASED
    named = (("schedules", entry.schedule), ("areas", entry.area), ("groups", entry.group))
    if not all(_is_here(connection, table, one) for table, one in named):
        return Because.NONSENSE
    before = outbox.entry_of(connection, RegisterKind.RESIDENT, entry.id)
    known = residents.get(connection, entry.id)
    if known is None:
        if not proposal.back and _is_namesake(connection, entry):
            return Because.NAMESAKE
        _insert(connection, entry)
        because = None
    else:
        because = _fields(connection, proposal, entry, before if isinstance(before, ResidentEntry) else None)
    put_consents(connection, entry)
    # Each is taken as far as it can be; the first reason is told.
    reasons = (because, _templates(connection, entry), _credentials(connection, entry))
    now = residents.get(connection, entry.id)
    if now is not None and outbox.entry_of(connection, RegisterKind.RESIDENT, entry.id) != before:
        _note(connection, Kind.ENROLLED if known is None else Kind.RESIDENT_CHANGED, now, by)
    return next((one for one in reasons if one is not None), None)


def _fields(
    connection: sqlite3.Connection, proposal: Proposal, entry: ResidentEntry, stands: ResidentEntry | None
) -> Because | None:
    if stands is None or all(getattr(entry, one) == getattr(stands, one) for one in FIELDS):
        return None
    if not _may_change(connection, proposal):
        return Because.CHANGED if proposal.fields else None
    if (entry.name, entry.unit) != (stands.name, stands.unit) and _is_namesake(connection, entry):
        return Because.NAMESAKE
    connection.execute(
        "UPDATE residents SET name = ?, folded_name = ?, unit = ?, extended = ?, schedule_id = ?, group_id = ?,"
        " valid_from = ?, valid_until = ?, valid_until_set_on = ?, area_id = ? WHERE id = ?",
        (
            entry.name, folded_name(entry.name), entry.unit, int(entry.extended), entry.schedule, entry.group,
            entry.valid_from, entry.valid_until, entry.valid_until_set_on, entry.area, entry.id,
        ),
    )  # fmt: skip
    return None


def _insert(connection: sqlite3.Connection, entry: ResidentEntry) -> None:
    connection.execute(
        "INSERT INTO residents (id, name, folded_name, unit, created_at, extended, schedule_id, group_id, valid_from,"
        " valid_until, valid_until_set_on, area_id) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            entry.id, entry.name, folded_name(entry.name), entry.unit, entry.created_at, int(entry.extended),
            entry.schedule, entry.group, entry.valid_from, entry.valid_until, entry.valid_until_set_on, entry.area,
        ),
    )  # fmt: skip


def _is_namesake(connection: sqlite3.Connection, entry: ResidentEntry) -> bool:
    try:
        namesakes.refuse(connection, entry.name, entry.unit, besides=entry.id)
    except Refusal:
        return True
    return False


def _templates(connection: sqlite3.Connection, entry: ResidentEntry) -> Because | None:
    new = _new(connection, "templates", entry.templates)
    if not new or not consents.covers_every_gate(connection, entry.id):
        return None
    if templates.enrolled_count(connection, entry.id) + len(new) > templates.MAX_TEMPLATES:
        return Because.MOST
    connection.executemany(
        "INSERT INTO templates (id, resident_id, model, source, quality, vector, created_at, second_model,"
        " second_vector) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        [
            (
                one.id, entry.id, one.model, one.source, one.quality, one.vector, one.created_at, one.second_model,
                one.second_vector,
            )
            for one in new
        ],
    )  # fmt: skip
    return None


def _credentials(connection: sqlite3.Connection, entry: ResidentEntry) -> Because | None:
    new = _new(connection, "credentials", entry.credentials)
    kept = {one.id for one in entry.credentials}
    because = None
    for kind in sorted({one.kind for one in new}):
        some = [one for one in new if one.kind == kind]
        if any(_is_anothers(connection, entry.id, one) for one in some):
            because = Because.CODE
        elif kind == "card" and len(_held(connection, entry.id, kind)) + len(some) > credentials.MOST_CARDS:
            because = because or Because.MOST
        else:
            if kind in _SINGLE:
                gone = [(one,) for one in _held(connection, entry.id, kind) if one not in kept]
                connection.executemany("DELETE FROM credentials WHERE id = ?", gone)
            _insert_credentials(connection, entry.id, some)
    return because


def _insert_credentials(connection: sqlite3.Connection, resident: str, some: Iterable[CredentialEntry]) -> None:
    connection.executemany(
        "INSERT INTO credentials (id, resident_id, kind, finder, duress, flat, label, made_at, suspended_at)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        [
            (
                one.id,
                resident,
                one.kind,
                one.finder,
                int(one.duress),
                one.flat,
                one.label,
                one.made_at,
                one.suspended_at,
            )
            for one in some
        ],
    )


def _is_anothers(connection: sqlite3.Connection, resident: str, one: CredentialEntry) -> bool:
    query = "SELECT 1 FROM credentials WHERE kind = ? AND finder = ? AND resident_id IS NOT ?"
    return connection.execute(query, (one.kind, one.finder, resident)).fetchone() is not None


def _held(connection: sqlite3.Connection, resident: str, kind: str) -> list[str]:
    query = "SELECT id FROM credentials WHERE resident_id = ? AND kind = ?"
    return [one for (one,) in connection.execute(query, (resident, kind))]


def _new(connection: sqlite3.Connection, table: str, parts: Collection[Part]) -> list[Part]:
    """Those that are not here, and were not revoked."""
    return [one for one in parts if not is_gone(connection, one.id) and not _is_here(connection, table, one.id)]


def _schedule(connection: sqlite3.Connection, proposal: Proposal, entry: ScheduleEntry, by: str) -> Because | None:
    stands = outbox.entry_of(connection, RegisterKind.SCHEDULE, entry.id)
    if stands == entry:
        return None
    if not _may_change(connection, proposal):
        return Because.CHANGED if proposal.fields else None
    if entry.windows is None:
        if _is_used(connection, entry.id):
            return Because.IN_USE
        connection.execute("DELETE FROM schedules WHERE id = ?", (entry.id,))
        kind = Kind.SCHEDULE_REMOVED
    else:
        name = free_name(connection, "schedules", entry.id, entry.name)
        connection.execute(
            "INSERT INTO schedules (id, name, windows) VALUES (?1, ?2, ?3)"
            " ON CONFLICT (id) DO UPDATE SET name = ?2, windows = ?3",
            (entry.id, name, entry.windows),
        )
        kind = Kind.SCHEDULE_CHANGED
    said = {"schedule": entry.name or getattr(stands, "name", ""), "by": by}
    audit.append(connection, AuditEvent(kind, said | ({"windows": entry.windows} if entry.windows else {})))
    return None


def _is_used(connection: sqlite3.Connection, schedule: str) -> bool:
    used = "SELECT 1 FROM residents WHERE schedule_id = ?1 UNION ALL SELECT 1 FROM groups WHERE schedule_id = ?1"
    used += " UNION ALL SELECT 1 FROM passes WHERE schedule_id = ?1"
    used += " UNION ALL SELECT 1 FROM holidays WHERE schedule_id = ?1"
    used += " UNION ALL SELECT 1 FROM gate WHERE free_access_schedule_id = ?1"
    return connection.execute(used, (schedule,)).fetchone() is not None


def _area(connection: sqlite3.Connection, proposal: Proposal, entry: AreaEntry, by: str) -> Because | None:
    """An area that is not here, or that a gate gives back: to change one is the centre's alone."""
    if outbox.entry_of(connection, RegisterKind.AREA, entry.id) == entry:
        return None
    here = _is_here(connection, "areas", entry.id)
    if entry.name is None or (here and not (proposal.back and _may_change(connection, proposal))):
        return Because.CHANGED if proposal.fields else None
    name = free_name(connection, "areas", entry.id, entry.name)
    connection.execute(
        "INSERT INTO areas (id, name, gates) VALUES (?1, ?2, ?3) ON CONFLICT (id) DO UPDATE SET name = ?2, gates = ?3",
        (entry.id, name, areas.as_kept(entry.gates)),
    )
    said = ", ".join(sorted(entry.gates.values()))
    audit.append(connection, AuditEvent(Kind.AREA_CHANGED, {"area": name, "gates": said, "by": by}))
    return None


def _group(connection: sqlite3.Connection, proposal: Proposal, entry: GroupEntry, by: str) -> Because | None:
    if outbox.entry_of(connection, RegisterKind.GROUP, entry.id) == entry:
        return None
    named = (("schedules", entry.schedule), ("areas", entry.area))
    if entry.name is None or not all(_is_here(connection, table, one) for table, one in named):
        return Because.NONSENSE
    if not _may_change(connection, proposal):
        return Because.CHANGED if proposal.fields else None
    name = free_name(connection, "groups", entry.id, entry.name)
    connection.execute(
        "INSERT INTO groups (id, name, schedule_id, area_id) VALUES (?1, ?2, ?3, ?4)"
        " ON CONFLICT (id) DO UPDATE SET name = ?2, schedule_id = ?3, area_id = ?4",
        (entry.id, name, entry.schedule, entry.area),
    )
    audit.append(connection, AuditEvent(Kind.GROUP_CHANGED, {"group": name, "by": by}))
    return None


def _holiday(connection: sqlite3.Connection, proposal: Proposal, entry: HolidayEntry, by: str) -> Because | None:
    if outbox.entry_of(connection, RegisterKind.HOLIDAY, entry.id) == entry:
        return None
    if not _is_here(connection, "schedules", entry.schedule):
        return Because.NONSENSE
    if not _may_change(connection, proposal):
        return Because.CHANGED if proposal.fields else None
    if entry.name is None:
        connection.execute("DELETE FROM holidays WHERE id = ?", (entry.id,))
    else:
        connection.execute(
            "INSERT INTO holidays (id, name, first_day, last_day, schedule_id, windows) VALUES (?1, ?2, ?3, ?4, ?5, ?6)"
            " ON CONFLICT (id) DO UPDATE SET name = ?2, first_day = ?3, last_day = ?4, schedule_id = ?5, windows = ?6",
            (entry.id, entry.name, entry.first_day, entry.last_day, entry.schedule, entry.windows),
        )
    kind = Kind.HOLIDAY_REMOVED if entry.name is None else Kind.HOLIDAY_ADDED
    audit.append(connection, AuditEvent(kind, {"holiday": entry.name or "", "by": by}))
    return None


def _pass(
    connection: sqlite3.Connection, proposal: Proposal, entry: PassEntry, gate: str, by: str
) -> Because | None:  # fmt: skip
    known = passes.get(connection, entry.id)
    if known is None:
        because = _refused_pass(connection, entry)
        # What is over opens nothing, and was erased here when it was kept long enough.
        if because is not None or entry.valid_until <= passes.text_of(datetime.now(UTC)):
            return because
        put_pass(connection, entry)
    before = uses.of_pass(connection, entry.id)
    said = list(uses.believed_of(gate, before, entry.spent))
    if proposal.back or known is None:
        said += uses.not_older([*before, *said], entry.spent)
    uses.keep(connection, entry.id, said)
    now = passes.get(connection, entry.id)
    if now is not None and known is None:
        details: dict[str, object] = {"by": by, "uses": now.uses, "until": now.valid_until}
        audit.append(connection, passes.about(now, AuditEvent(Kind.PASS_MADE, details)))
    if now is not None:
        _note_overspent(connection, now, max(now.uses, uses.counted(before)), by)
    return None


def _refused_pass(connection: sqlite3.Connection, entry: PassEntry) -> Because | None:
    if is_gone(connection, entry.id) or any(
        one is not None and erasure.was_erased(connection, one) for one in (entry.id, entry.host)
    ):
        return Because.ERASED
    if not _is_here(connection, "residents", entry.host) or not _is_here(connection, "schedules", entry.schedule):
        return Because.NONSENSE
    held = "SELECT 1 FROM credentials WHERE kind = ? AND finder = ?"
    if any(connection.execute(held, (one.kind, one.finder)).fetchone() is not None for one in entry.codes):
        return Because.CODE
    return None


def _note_overspent(connection: sqlite3.Connection, one: Pass, most: int, by: str) -> None:
    """Gates that did not hear of one another have let in more often than was given."""
    spent = uses.counted(uses.of_pass(connection, one.id))
    if spent > most:
        details: dict[str, object] = {"by": by, "uses": one.uses, "spent": spent}
        audit.append(connection, passes.about(one, AuditEvent(Kind.PASS_OVERSPENT, details)))


def _is_here(connection: sqlite3.Connection, table: str, identity: str | None) -> bool:
    query = f"SELECT 1 FROM {table} WHERE id = ?"  # noqa: S608 - constants
    return identity is None or connection.execute(query, (identity,)).fetchone() is not None


def _note(connection: sqlite3.Connection, kind: Kind, now: Resident, by: str) -> None:
    details: dict[str, object] = {"by": by} | ({"templates": now.templates} if kind is Kind.ENROLLED else {})
    personal = {"resident": now.id, "name": now.name} | ({"unit": now.unit} if now.unit else {})
    audit.append(connection, AuditEvent(kind, details, personal, now.id))
