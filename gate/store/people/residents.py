"""Residents and their templates. A template's numbers are bytes here: little-endian float32, unit length."""

from __future__ import annotations

import hashlib
import json
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

from gate.errors import Refusal, Sentence
from gate.names import name_key
from gate.store import copies
from gate.store.database import transaction
from gate.store.ids import new_id
from gate.store.people import consents
from gate.store.people.consents import Consent
from gate.store.record import audit
from gate.store.site.schedules import NO_SCHEDULE
from gate.vocabulary import AuditEvent, Kind

MAX_TEMPLATES = 8
ENDS_BEFORE = Sentence("The last day lies before the first one; mend one of them.")
NO_GROUP = Sentence("There is no group {name}. Make it first, in the settings or with: facegate groups put")


@dataclass(frozen=True, slots=True)
class Resident:
    """Someone who lives here. `number` is small and never given twice: the gallery's key."""

    number: int
    id: str
    name: str
    unit: str | None
    created_at: str
    templates: int
    extended: bool = False
    """Whether they need the gate open for longer."""
    group: str | None = None
    windows: str | None = None
    """The words of their schedule, their own or their group's; None: at any time."""
    valid_from: str | None = None
    """The first day on which they are let in, YYYY-MM-DD in the gate's zone; None: since ever."""
    valid_until: str | None = None
    """The last one; None: without end."""


@dataclass(frozen=True, slots=True)
class Template:
    """One template as kept: which model made it, from what, and how good the face was."""

    model: str
    source: str
    quality: dict[str, float]
    vector: bytes


_SELECT = """
    SELECT r.number, r.id, r.name, r.unit, r.created_at,
        (SELECT count(*) FROM templates WHERE resident_id = r.id), r.extended, g.name,
        coalesce(own.windows, shared.windows), r.valid_from, r.valid_until
    FROM residents r
        LEFT JOIN groups g ON g.id = r.group_id
        LEFT JOIN schedules own ON own.id = r.schedule_id
        LEFT JOIN schedules shared ON shared.id = g.schedule_id
"""
# `gate.names.name_key` of a name as it is kept, which is normalised: without joiners. There is an index on it.
_NAME_KEY = "replace(replace(r.name, char(8204), ''), char(8205), '')"


def every(connection: sqlite3.Connection) -> list[Resident]:
    """All residents by name."""
    rows = connection.execute(f"{_SELECT} ORDER BY r.name, r.id")
    return [_resident(row) for row in rows]


def _resident(row: tuple[Any, ...]) -> Resident:
    number, identity, name, unit, created_at, templates, extended, group, windows, valid_from, valid_until = row
    return Resident(
        number, identity, name, unit, created_at, templates, bool(extended), group, windows, valid_from, valid_until
    )


def get(connection: sqlite3.Connection, resident: str) -> Resident | None:
    """One resident by id."""
    row = connection.execute(f"{_SELECT} WHERE r.id = ?", (resident,)).fetchone()
    return _resident(row) if row else None


def find(connection: sqlite3.Connection, who: str) -> Resident:
    """The one resident with this id or this name. Raises Refusal when there is none, or more than one."""
    rows = connection.execute(f"{_SELECT} WHERE r.id = ? OR {_NAME_KEY} = ? ORDER BY r.id", (who, name_key(who)))
    found = [_resident(row) for row in rows]
    if not found:
        raise Refusal(f"No resident is called {who!r}. List them with: facegate residents list")
    if len(found) > 1:
        ids = ", ".join(resident.id for resident in found)
        raise Refusal(f"{len(found)} residents are called {who!r}; name one by its id: {ids}")
    return found[0]


def search(
    connection: sqlite3.Connection, words: str, unit: str | None = None, group: str | None = None
) -> list[Resident]:
    """Everyone whose name or unit holds all the words, by name; of one unit or group where one is given."""
    wanted = name_key(words).casefold().split()

    def matches(one: Resident) -> bool:
        text = name_key(f"{one.name} {one.unit or ''}").casefold()
        return (
            all(word in text for word in wanted)
            and (unit is None or one.unit == unit)
            and (group is None or one.group == group)
        )

    return [one for one in every(connection) if matches(one)]


def units(connection: sqlite3.Connection) -> list[tuple[str | None, int, int]]:
    """Every home with how many live there, and how many of them are known by face."""
    rows = connection.execute(
        "SELECT unit, count(*), sum(EXISTS (SELECT 1 FROM templates WHERE resident_id = residents.id))"
        " FROM residents GROUP BY unit ORDER BY unit"
    )
    return rows.fetchall()


def outdated(connection: sqlite3.Connection, model: str) -> set[str]:
    """The ids of those who have templates, and none by `model`: until they are enrolled again nobody knows them."""
    rows = connection.execute(
        "SELECT resident_id FROM templates GROUP BY resident_id HAVING sum(model = ?) = 0", (model,)
    )
    return {row[0] for row in rows}


def named(connection: sqlite3.Connection, name: str) -> list[Resident]:
    """Everyone of this name, however its blanks, accents and joiners are typed."""
    rows = connection.execute(f"{_SELECT} WHERE {_NAME_KEY} = ? ORDER BY r.id", (name_key(name),))
    return [_resident(row) for row in rows]


def templates_of(connection: sqlite3.Connection, resident: str) -> list[dict[str, Any]]:
    """What is known of a resident's templates, without their numbers."""
    rows = connection.execute(
        "SELECT id, model, source, quality, created_at, learned_from FROM templates WHERE resident_id = ?"
        " ORDER BY rowid",
        (resident,),
    )
    names = ("id", "model", "source", "quality", "created_at", "learned_from")
    return [dict(zip(names, row, strict=True)) | {"quality": json.loads(row[3])} for row in rows]


def vectors(connection: sqlite3.Connection, model: str) -> list[tuple[int, str, bytes]]:
    """Every template made by `model`, as (resident's number, resident's id, vector), by resident."""
    rows = connection.execute(
        "SELECT r.number, r.id, t.vector FROM templates t JOIN residents r ON r.id = t.resident_id"
        " WHERE t.model = ? ORDER BY r.number, t.rowid",
        (model,),
    )
    return rows.fetchall()


def template_counts(connection: sqlite3.Connection, model: str) -> list[int]:
    """How many templates by `model` each resident has who has any."""
    rows = connection.execute("SELECT count(*) FROM templates WHERE model = ? GROUP BY resident_id", (model,))
    return [count for (count,) in rows]


def vectors_of(connection: sqlite3.Connection, model: str, number: int) -> list[tuple[int, str, bytes]]:
    """The same of one resident."""
    rows = connection.execute(
        "SELECT r.number, r.id, t.vector FROM templates t JOIN residents r ON r.id = t.resident_id"
        " WHERE r.number = ? AND t.model = ? ORDER BY t.rowid",
        (number, model),
    )
    return rows.fetchall()


def enrolled_vectors(connection: sqlite3.Connection, model: str, resident: str) -> list[tuple[int, str, bytes]]:
    """The same of one resident, without what was learned from passages."""
    rows = connection.execute(
        "SELECT r.number, r.id, t.vector FROM templates t JOIN residents r ON r.id = t.resident_id"
        " WHERE r.id = ? AND t.model = ? AND t.learned_from IS NULL ORDER BY t.rowid",
        (resident, model),
    )
    return rows.fetchall()


def gallery_changes(connection: sqlite3.Connection, since: int) -> set[int] | None:
    """The numbers of whose templates came or went after a version of the gallery; None: too much did to be told."""
    (oldest,) = connection.execute("SELECT coalesce(min(version), 0) FROM gallery_changes").fetchone()
    if oldest > since + 1:
        return None
    rows = connection.execute("SELECT number FROM gallery_changes WHERE version > ?", (since,))
    return {number for (number,) in rows}


def gallery_version(connection: sqlite3.Connection) -> int:
    """Grows by one with every template that comes or goes."""
    return int(connection.execute("SELECT gallery_version FROM gate").fetchone()[0])


def enrol(
    connection: sqlite3.Connection,
    name: str,
    unit: str | None,
    templates: Sequence[Template],
    consent: Consent | None = None,
    *,
    to: str | None = None,
    by: str | None = None,
) -> Resident:
    """Add a resident with their templates, or more templates to resident `to`; the record says who did it.

    All or nothing. Raises Refusal where there are templates and neither `consent` nor one that holds already, and
    when the person would hold more than MAX_TEMPLATES.
    """
    now = _now()
    with transaction(connection):
        resident = to or new_id()
        if to is None:
            connection.execute(
                "INSERT INTO residents (id, name, unit, created_at) VALUES (?, ?, ?, ?)",
                (resident, name, unit, now),
            )
        elif unit is not None:
            connection.execute("UPDATE residents SET unit = ? WHERE id = ?", (unit, resident))
        if consent is not None:
            consents.record(connection, resident, consent, now)
        elif templates and not consents.standing(connection, resident):
            raise Refusal("{name} has not agreed to a face being kept; record the consent first.", name=name)
        connection.executemany(
            "INSERT INTO templates (id, resident_id, model, source, quality, vector, created_at)"
            " VALUES (?, ?, ?, ?, ?, ?, ?)",
            [(new_id(), resident, t.model, t.source, json.dumps(t.quality), t.vector, now) for t in templates],
        )
        enrolled = get(connection, resident)
        if enrolled is None:
            raise Refusal("{name} was removed in the meantime; enrol them again.", name=name)
        # What was learned from passages takes nobody's photo its place.
        (count,) = connection.execute(
            "SELECT count(*) FROM templates WHERE resident_id = ? AND learned_from IS NULL", (resident,)
        ).fetchone()
        if count > MAX_TEMPLATES:
            raise Refusal(
                "{name} would hold {count} templates; {most} is the most. Give fewer photos.",
                name=enrolled.name,
                count=count,
                most=MAX_TEMPLATES,
            )
        personal = {"resident": resident, "name": enrolled.name}
        if enrolled.unit:
            personal["unit"] = enrolled.unit
        kind = Kind.ENROLLED if to is None else Kind.TEMPLATES_ADDED
        details: dict[str, object] = {"templates": len(templates)} | ({"by": by} if by else {})
        if consent is not None:
            details |= {"consent": consent.text, "language": consent.language, "way": consent.way}
        audit.append(connection, AuditEvent(kind, details, personal, resident))
    return enrolled


def remove_template(connection: sqlite3.Connection, resident: Resident, template: str, *, by: str) -> None:
    """Erase one template, also from the write-ahead log. Raises Refusal where they have no such one."""
    with transaction(connection):
        found = connection.execute(
            "DELETE FROM templates WHERE id = ? AND resident_id = ? RETURNING learned_from",
            (template, resident.id),
        ).fetchone()
        if found is None:
            raise Refusal("{name} has no such template.", name=resident.name)
        details: dict[str, object] = {"by": by} | ({"claim": found[0]} if found[0] else {})
        personal = {"resident": resident.id, "name": resident.name}
        audit.append(connection, AuditEvent(Kind.TEMPLATE_REMOVED, details, personal, resident.id))
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    copies.forget(connection, lambda copy: copy.execute("DELETE FROM templates WHERE id = ?", (template,)))


@dataclass(frozen=True, slots=True)
class Receipt:
    """Proof of an erasure, without a word on who it was: what went, and the line of the record that says so."""

    id: str
    """The id of that line."""
    at: str
    templates: int
    personal_fields: int
    """Names and the like in the record."""


def remove(connection: sqlite3.Connection, resident: Resident, *, by: str) -> Receipt:
    """Erase a resident: row, templates, and the personal fields of the record, also from the write-ahead log and from
    old copies of the database."""
    with transaction(connection):
        connection.execute("DELETE FROM residents WHERE id = ?", (resident.id,))
        connection.execute("INSERT OR IGNORE INTO erased (resident_hash) VALUES (?)", (_hash(resident.id),))
        receipt = _erased(Kind.ERASED, connection, resident, by)
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    copies.forget(connection, lambda copy: remove(copy, resident, by=by))
    return receipt


def withdraw(connection: sqlite3.Connection, resident: Resident, *, by: str) -> Receipt:
    """Their consent ends: templates and the personal fields of the record are erased; they live here as before.

    Raises Refusal where no consent holds and no template is kept.
    """
    with transaction(connection):
        if not consents.standing(connection, resident.id):
            raise Refusal(
                "{name} has no consent that could be withdrawn; no template of theirs is kept.", name=resident.name
            )
        connection.execute("DELETE FROM templates WHERE resident_id = ?", (resident.id,))
        connection.execute("DELETE FROM corrections WHERE resident_id = ?", (resident.id,))
        consents.withdraw(connection, resident.id, _now())
        receipt = _erased(Kind.CONSENT_WITHDRAWN, connection, resident, by)
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    copies.forget(connection, lambda copy: _withdraw_there(copy, resident, by))
    return receipt


def _withdraw_there(copy: sqlite3.Connection, resident: Resident, by: str) -> None:
    if consents.standing(copy, resident.id):
        withdraw(copy, resident, by=by)


def _erased(kind: Kind, connection: sqlite3.Connection, resident: Resident, by: str) -> Receipt:
    forgotten = audit.forget(connection, resident.id)
    details: dict[str, object] = {"templates": resident.templates, "personal_fields": forgotten, "by": by}
    line = audit.append(connection, AuditEvent(kind, details))
    return Receipt(line, _now(), resident.templates, forgotten)


def change(
    connection: sqlite3.Connection,
    resident: Resident,
    *,
    name: str | None = None,
    extended: bool | None = None,
    schedule: str | None = None,
    group: str | None = None,
    unit: str | None = None,
    valid_from: str | None = None,
    valid_until: str | None = None,
    by: str,
) -> Resident:
    """Change what is not None; an empty text takes theirs away. The record gets its line.

    Raises Refusal when there is no such schedule or group, and for days that are none or end before they begin.
    """
    for day in filter(None, (valid_from, valid_until)):
        _refuse_no_day(day)
    with transaction(connection):
        if extended is not None:
            connection.execute("UPDATE residents SET extended = ? WHERE id = ?", (int(extended), resident.id))
        if name:
            connection.execute("UPDATE residents SET name = ? WHERE id = ?", (name, resident.id))
        if unit is not None:
            connection.execute("UPDATE residents SET unit = ? WHERE id = ?", (unit or None, resident.id))
        for column, given in (("valid_from", valid_from), ("valid_until", valid_until)):
            if given is not None:
                connection.execute(f"UPDATE residents SET {column} = ? WHERE id = ?", (given or None, resident.id))  # noqa: S608 - constants
        for column, table, wanted, absent in (
            ("schedule_id", "schedules", schedule, NO_SCHEDULE),
            ("group_id", "groups", group, NO_GROUP),
        ):
            if wanted is not None:
                found = connection.execute(f"SELECT id FROM {table} WHERE name = ?", (wanted,)).fetchone()  # noqa: S608 - constants
                if wanted and not found:
                    raise Refusal(absent, name=wanted)
                value = found[0] if found else None
                connection.execute(f"UPDATE residents SET {column} = ? WHERE id = ?", (value, resident.id))  # noqa: S608 - constants
        changes = {
            "extended": extended, "schedule": schedule, "group": group, "valid_from": valid_from,
            "valid_until": valid_until,
        }  # fmt: skip
        details: dict[str, object] = {"by": by} | {key: value for key, value in changes.items() if value is not None}
        personal = {"resident": resident.id, "name": name or resident.name} | ({"unit": unit} if unit else {})
        audit.append(connection, AuditEvent(Kind.RESIDENT_CHANGED, details, personal, resident.id))
        changed = get(connection, resident.id)
        if changed and changed.valid_from and changed.valid_until and changed.valid_until < changed.valid_from:
            raise Refusal(ENDS_BEFORE)
    if changed is None:
        raise Refusal("{name} was removed in the meantime.", name=resident.name)
    return changed


def _refuse_no_day(day: str) -> None:
    try:
        date.fromisoformat(day)
    except ValueError as error:
        raise Refusal("{day} is no day; give it as 2027-01-31.", day=day) from error
    if len(day) != 10:
        raise Refusal("{day} is no day; give it as 2027-01-31.", day=day)


def erase_again(connection: sqlite3.Connection, hashes: Sequence[str]) -> int:
    """After an old backup came back: erase whoever was erased since it was made. Returns how many."""
    known = set(hashes)
    back = [resident for resident in every(connection) if _hash(resident.id) in known]
    for resident in back:
        remove(connection, resident, by="restoring a backup")
    connection.executemany("INSERT OR IGNORE INTO erased (resident_hash) VALUES (?)", [(one,) for one in known])
    return len(back)


def erased(connection: sqlite3.Connection) -> list[str]:
    """The hashes of who was erased."""
    return [row[0] for row in connection.execute("SELECT resident_hash FROM erased")]


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds")


def _hash(resident: str) -> str:
    return hashlib.sha256(resident.encode()).hexdigest()
