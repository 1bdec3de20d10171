"""Changing what is known of a resident besides their face: name, home, and when they are let in."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from datetime import UTC, date, datetime

from gate.days import ENDS_BEFORE, day_of
from gate.errors import Refusal, ResidentRefusal, Sentence
from gate.names import folded_name
from gate.store.database import transaction
from gate.store.people import namesakes, residents
from gate.store.people.homes import are_one
from gate.store.people.residents import Resident
from gate.store.record import audit
from gate.store.site.areas import NO_AREA
from gate.store.site.schedules import NO_SCHEDULE
from gate.vocabulary import AuditEvent, Kind

NO_GROUP = Sentence("There is no group {name}. Make it first, in the settings or with: facegate groups put")

OVER = Sentence("Their last day is over already: look whether the year is right. They are let in no more.")
"""Said of a last day that is over when it is set."""

# Of a change, what the record says in words of ours.
_TEXTS = ("schedule", "group", "area", "valid_from", "valid_until")


@dataclass(frozen=True, slots=True)
class Changes:
    """What to change of a resident; None stays as it is, an empty text takes theirs away (but for the name).

    Days are YYYY-MM-DD in the gate's zone, schedules, groups and areas are named.
    """

    name: str | None = None
    unit: str | None = None
    extended: bool | None = None
    schedule: str | None = None
    group: str | None = None
    valid_from: str | None = None
    valid_until: str | None = None
    area: str | None = None


def change(connection: sqlite3.Connection, resident: Resident, wanted: Changes, *, by: str) -> Resident:
    """Make the changes; the record says `by` whom, where anything is changed. Returns the resident as they are then.

    All or nothing. Raises Refusal where there is no such schedule, group or area, for days that are none or end before
    they begin, for another name or home as `namesakes.refuse`, and where the resident was removed in the meantime.
    """
    for day in filter(None, (wanted.valid_from, wanted.valid_until)):
        day_of(day)
    with transaction(connection):
        before = _there(connection, resident)
        for column, value in _columns(connection, wanted).items():
            connection.execute(f"UPDATE residents SET {column} = ? WHERE id = ?", (value, resident.id))  # noqa: S608 - constants
        changed = _there(connection, resident)
        if changed != before:
            if changed.valid_from and changed.valid_until and changed.valid_until < changed.valid_from:
                raise Refusal(ENDS_BEFORE)
            if not _is_called_the_same(before, changed):
                namesakes.refuse(connection, changed.name, changed.unit, besides=changed.id)
            if changed.valid_until != before.valid_until:
                _note_day_of_setting(connection, changed)
            _note(connection, before, changed, by)
    return changed


def is_over(last_day: str | None, today: date) -> bool:
    """Whether a last day, as YYYY-MM-DD, is before `today`; no day is, and neither is what is none."""
    try:
        return bool(last_day) and date.fromisoformat(last_day or "") < today
    except ValueError:
        return False


def _is_called_the_same(before: Resident, now: Resident) -> bool:
    """Whether name and home are those of before, written otherwise at most."""
    at_home = before.unit == now.unit or are_one(before.unit, now.unit)
    return at_home and folded_name(before.name) == folded_name(now.name)


def _there(connection: sqlite3.Connection, resident: Resident) -> Resident:
    found = residents.get(connection, resident.id)
    if found is None:
        raise ResidentRefusal("{name} was removed in the meantime.", name=resident.name)
    return found


def _columns(connection: sqlite3.Connection, wanted: Changes) -> dict[str, object]:
    """The columns to change, with what will stand in them. Raises Refusal."""
    found: dict[str, object] = {}
    if wanted.extended is not None:
        found["extended"] = int(wanted.extended)
    if wanted.name:
        found |= {"name": wanted.name, "folded_name": folded_name(wanted.name)}
    for column, text in (("unit", wanted.unit), ("valid_from", wanted.valid_from), ("valid_until", wanted.valid_until)):
        if text is not None:
            found[column] = text or None
    if wanted.schedule is not None:
        found["schedule_id"] = _id_of(connection, "schedules", wanted.schedule, NO_SCHEDULE)
    if wanted.group is not None:
        found["group_id"] = _id_of(connection, "groups", wanted.group, NO_GROUP)
    if wanted.area is not None:
        found["area_id"] = _id_of(connection, "areas", wanted.area, NO_AREA)
    return found


def _id_of(connection: sqlite3.Connection, table: str, name: str, absent: Sentence) -> str | None:
    """The id of what is called so; None for no name. Raises Refusal with the sentence `absent` where there is none."""
    row = connection.execute(f"SELECT id FROM {table} WHERE name = ?", (name,)).fetchone()  # noqa: S608 - constants
    if name and not row:
        raise Refusal(absent, name=name)
    return str(row[0]) if row else None


def _note_day_of_setting(connection: sqlite3.Connection, now: Resident) -> None:
    """Whoever moved out is erased some time after that, also where their last day was over by then."""
    set_on = datetime.now(UTC).date().isoformat() if now.valid_until else None
    connection.execute("UPDATE residents SET valid_until_set_on = ? WHERE id = ?", (set_on, now.id))


def _note(connection: sqlite3.Connection, before: Resident, now: Resident, by: str) -> None:
    """Write down what is another than before, whichever way it was asked for; empty: it is taken away."""
    details: dict[str, object] = {"by": by}
    details |= {key: getattr(now, key) or "" for key in _TEXTS if getattr(now, key) != getattr(before, key)}
    details |= {"extended": now.extended} if now.extended != before.extended else {}
    personal = {"resident": now.id, "name": now.name}
    personal |= {"unit": now.unit} if now.unit and now.unit != before.unit else {}
    audit.append(connection, AuditEvent(Kind.RESIDENT_CHANGED, details, personal, now.id))
