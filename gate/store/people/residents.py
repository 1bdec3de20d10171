"""The people who live here, and adding them. What is known of their faces is in `templates`."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from gate.errors import Refusal, ResidentRefusal
from gate.names import folded_name, name_key
from gate.store.database import transaction
from gate.store.ids import new_id
from gate.store.people import consents, templates
from gate.store.people.consents import Consent
from gate.store.people.templates import MAX_TEMPLATES, Template
from gate.store.record import audit
from gate.vocabulary import AuditEvent, Kind


@dataclass(frozen=True, slots=True)
class Resident:
    """Someone who lives here, as the store has them. `created_at` is ISO 8601, UTC."""

    number: int
    """Small, and never given twice: not after its owner is erased either."""
    id: str
    name: str
    unit: str | None
    created_at: str
    templates: int
    """How many, by whatever model. 0: no face is known."""
    extended: bool = False
    """Whether they need the gate open for longer."""
    group: str | None = None
    windows: str | None = None
    """The words of their schedule, their own or their group's; None: at any time."""
    valid_from: str | None = None
    """The first day on which they are let in, YYYY-MM-DD in the gate's zone; None: since ever."""
    valid_until: str | None = None
    """The last one; None: without end."""
    schedule: str | None = None
    """The name of a schedule of their own; None: they have their group's, or none."""
    area: str | None = None
    """The name of an area of their own; None: they have their group's, or none."""
    gates: tuple[str, ...] | None = None
    """The ids of the gates at which they are let in, by their own area or their group's; None: at all."""
    gate_names: tuple[str, ...] = ()
    """What those are called."""


_SELECT = """
    SELECT r.number, r.id, r.name, r.unit, r.created_at,
        (SELECT count(*) FROM templates WHERE resident_id = r.id), r.extended, g.name,
        coalesce(own.windows, shared.windows), r.valid_from, r.valid_until, own.name, own_area.name,
        CASE WHEN coalesce(r.area_id, g.area_id) NOTNULL THEN coalesce(own_area.gates, shared_area.gates, '{}') END
    FROM residents r
        LEFT JOIN groups g ON g.id = r.group_id
        LEFT JOIN schedules own ON own.id = r.schedule_id
        LEFT JOIN schedules shared ON shared.id = g.schedule_id
        LEFT JOIN areas own_area ON own_area.id = r.area_id
        LEFT JOIN areas shared_area ON shared_area.id = g.area_id AND r.area_id IS NULL
"""
# `gate.names.name_key` of a name as it is kept, which is normalised: without joiners. There is an index on it.
_NAME_KEY = "replace(replace(r.name, char(8204), ''), char(8205), '')"


def every(connection: sqlite3.Connection) -> list[Resident]:
    """All residents by name."""
    rows = connection.execute(f"{_SELECT} ORDER BY r.name, r.id")
    return [_resident(row) for row in rows]


def _resident(row: tuple[Any, ...]) -> Resident:
    number, identity, name, unit, created_at, templates, extended, *hours, area = row
    gates = json.loads(area or "{}")
    return Resident(
        number,
        identity,
        name,
        unit,
        created_at,
        templates,
        bool(extended),
        *(*hours, gates_in(area), tuple(sorted(gates.values()))),
    )


def gates_in(kept: str | None) -> tuple[str, ...] | None:
    """The ids of the gates of an area as it is kept; None: there is none. Raises ValueError."""
    return None if kept is None else tuple(json.loads(kept))


def get(connection: sqlite3.Connection, resident: str) -> Resident | None:
    """One resident by id."""
    row = connection.execute(f"{_SELECT} WHERE r.id = ?", (resident,)).fetchone()
    return _resident(row) if row else None


def of_ids(connection: sqlite3.Connection, ids: Collection[str]) -> list[Resident]:
    """Those of these who live here."""
    among = "WHERE r.id IN (SELECT value FROM json_each(?))"
    return [_resident(row) for row in connection.execute(f"{_SELECT} {among}", (json.dumps(list(ids)),))]


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


def homes(connection: sqlite3.Connection) -> dict[str, str]:
    """The home of everyone who has one, by their id."""
    return dict(connection.execute("SELECT id, unit FROM residents WHERE unit IS NOT NULL").fetchall())


def days(connection: sqlite3.Connection) -> dict[str, tuple[str | None, str | None]]:
    """The first and the last day of everyone who has either, by their id."""
    query = "SELECT id, valid_from, valid_until FROM residents WHERE valid_from NOTNULL OR valid_until NOTNULL"
    return {identity: (first, last) for identity, first, last in connection.execute(query)}


def home_in(personal: Mapping[str, str], today: Mapping[str, str]) -> str | None:
    """The home of whom a line of the record is about: as it was then where the line says so, else as it is today."""
    return personal.get("unit") or today.get(personal.get("resident", ""))


def units(connection: sqlite3.Connection) -> list[tuple[str | None, int, int]]:
    """Every home with how many live there, and how many of them are known by face."""
    rows = connection.execute(
        "SELECT unit, count(*), sum(EXISTS (SELECT 1 FROM templates WHERE resident_id = residents.id))"
        " FROM residents GROUP BY unit ORDER BY unit"
    )
    return rows.fetchall()


def called(connection: sqlite3.Connection, name: str) -> list[Resident]:
    """Everyone of this name, however its capitals, width, blanks, accents and joiners are typed."""
    wanted = folded_name(name)
    rows = connection.execute(f"{_SELECT} WHERE r.folded_name = ? OR r.folded_name IS NULL ORDER BY r.id", (wanted,))
    return [one for one in map(_resident, rows) if folded_name(one.name) == wanted]


def fold_names(connection: sqlite3.Connection) -> None:
    """Find everyone by the name that they have, whatever somebody else wrote beside it."""
    names = connection.execute("SELECT name, number FROM residents").fetchall()
    with transaction(connection):
        connection.executemany(
            "UPDATE residents SET folded_name = ? WHERE number = ?",
            [(folded_name(name), number) for name, number in names],
        )


def enrol(
    connection: sqlite3.Connection,
    name: str,
    unit: str | None,
    made: Sequence[Template],
    consent: Consent | None = None,
    *,
    by: str | None = None,
    overruled: int = 0,
) -> Resident:
    """Add a resident, with the templates that were made of their face if any; the record says `by` whom, and how many
    others were `overruled`: somebody said that they are not those whom they are like.

    All or nothing. Raises Refusal where there are templates and no `consent`, and for more than MAX_TEMPLATES.
    """
    identity = new_id()
    with transaction(connection):
        connection.execute(
            "INSERT INTO residents (id, name, folded_name, unit, created_at) VALUES (?, ?, ?, ?, ?)",
            (identity, name, folded_name(name), unit, _now()),
        )
        added = _there(connection, identity)
        _keep_face(connection, added, made, consent)
        return _noted(connection, AuditEvent(Kind.ENROLLED, _details(made, consent, by, overruled)), added)


def add_templates(
    connection: sqlite3.Connection,
    resident: Resident,
    made: Sequence[Template],
    consent: Consent | None = None,
    *,
    unit: str | None = None,
    by: str | None = None,
    overruled: int = 0,
) -> Resident:
    """Give a resident more templates, and a home where `unit` names one; the record says `by` whom, and how many were
    `overruled` as in `enrol`.

    All or nothing. Raises Refusal where there are templates and neither `consent` nor one that holds already, where
    they would hold more than MAX_TEMPLATES, and where they were removed in the meantime.
    """
    with transaction(connection):
        if get(connection, resident.id) is None:
            raise ResidentRefusal("{name} was removed in the meantime; enrol them again.", name=resident.name)
        if unit is not None:
            connection.execute("UPDATE residents SET unit = ? WHERE id = ?", (unit, resident.id))
        _keep_face(connection, resident, made, consent)
        return _noted(connection, AuditEvent(Kind.TEMPLATES_ADDED, _details(made, consent, by, overruled)), resident)


def _keep_face(
    connection: sqlite3.Connection, resident: Resident, made: Sequence[Template], consent: Consent | None
) -> None:
    """Write down what they agreed to and the templates. Raises Refusal."""
    now = _now()
    if consent is not None:
        consents.record(connection, resident.id, consent, now)
    elif made and not consents.standing(connection, resident.id):
        raise ResidentRefusal(
            "{name} has not agreed to a face being kept; record the consent first.", name=resident.name
        )
    templates.add(connection, resident.id, made, now)
    # What was learned from passages takes nobody's photo its place.
    if (count := templates.enrolled_count(connection, resident.id)) > MAX_TEMPLATES:
        raise ResidentRefusal(
            "{name} would have {count} templates; {most} is the most. Use fewer photos.",
            name=resident.name, count=count, most=MAX_TEMPLATES,
        )  # fmt: skip


def _details(
    made: Sequence[Template], consent: Consent | None, by: str | None, overruled: int
) -> dict[str, object]:  # fmt: skip
    details: dict[str, object] = {"templates": len(made)} | ({"by": by} if by else {})
    # A number alone: whom they are like may be erased, and nothing of them stays.
    details |= {"overruled": overruled} if overruled else {}
    if consent is not None:
        details |= {"consent": consent.text, "language": consent.language, "way": consent.way}
    return details


def _noted(connection: sqlite3.Connection, event: AuditEvent, resident: Resident) -> Resident:
    """Write the line of the record about a resident. Returns them as they are now."""
    now = _there(connection, resident.id)
    personal = {"resident": now.id, "name": now.name} | ({"unit": now.unit} if now.unit else {})
    audit.append(connection, replace(event, personal=personal, resident=now.id))
    return now


def _there(connection: sqlite3.Connection, resident: str) -> Resident:
    """A resident whom the caller's transaction has seen."""
    return _resident(connection.execute(f"{_SELECT} WHERE r.id = ?", (resident,)).fetchone())


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds")
