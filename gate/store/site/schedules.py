"""Schedules, the groups that have one, and the schedule in which the gate itself is free."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from dataclasses import dataclass

from gate.errors import Refusal, Sentence
from gate.schedule import parse, written
from gate.schedule_words import read
from gate.store.database import transaction
from gate.store.ids import new_id
from gate.store.record import audit
from gate.store.site import areas
from gate.vocabulary import AuditEvent, Kind

NO_SCHEDULE = Sentence("There is no schedule {name}. Make it first, in the settings or with: facegate schedules put")

NO_RELAY = Sentence("This gate has no relay that keeps it open (the setting door.hold_pin), so it cannot stand open.")


@dataclass(frozen=True, slots=True)
class Named:
    """A schedule or a group: its name, and the words of its windows."""

    name: str
    windows: str | None
    used_by: int
    schedule: str | None = None
    """The schedule that a group has; None: at any time."""
    holidays: int = 0
    """How many are of this schedule alone, those that are over among them."""
    area: str | None = None
    """The area that a group has; None: all gates."""


def every(connection: sqlite3.Connection) -> list[Named]:
    """All schedules by name."""
    rows = connection.execute(
        "SELECT s.name, s.windows, (SELECT count(*) FROM residents WHERE schedule_id = s.id)"
        " + (SELECT count(*) FROM groups WHERE schedule_id = s.id)"
        " + (SELECT count(*) FROM passes WHERE schedule_id = s.id)"
        " + (SELECT count(*) FROM gate WHERE free_access_schedule_id = s.id),"
        " (SELECT count(*) FROM holidays WHERE schedule_id = s.id) FROM schedules s ORDER BY s.name"
    )
    return [Named(name, windows, used_by, holidays=holidays) for name, windows, used_by, holidays in rows]


def groups(connection: sqlite3.Connection) -> list[Named]:
    """All groups by name."""
    rows = connection.execute(
        "SELECT g.name, s.windows, (SELECT count(*) FROM residents WHERE group_id = g.id), s.name, a.name FROM groups g"
        " LEFT JOIN schedules s ON s.id = g.schedule_id LEFT JOIN areas a ON a.id = g.area_id ORDER BY g.name"
    )
    return [Named(name, windows, used_by, schedule, area=area) for name, windows, used_by, schedule, area in rows]


def of_resident(connection: sqlite3.Connection, resident: str) -> str | None:
    """The name of the schedule by which a resident is let in, their own or their group's; None: at any time."""
    row = connection.execute(
        "SELECT s.name FROM residents r LEFT JOIN groups g ON g.id = r.group_id"
        " JOIN schedules s ON s.id = coalesce(r.schedule_id, g.schedule_id) WHERE r.id = ?",
        (resident,),
    ).fetchone()
    return None if row is None else str(row[0])


def has_group(connection: sqlite3.Connection, name: str) -> bool:
    """Whether there is a group of this name."""
    return connection.execute("SELECT 1 FROM groups WHERE name = ?", (name,)).fetchone() is not None


def put(connection: sqlite3.Connection, name: str, windows: str, by: str, groups: Iterable[str] = ()) -> str:
    """Add a schedule or change its windows, and give it to `groups`, which are made where there is none of that name.

    Returns the windows as they are kept. Raises Refusal with one sentence when they are no schedule.
    """
    windows = _as_the_door_reads_it(windows)
    with transaction(connection):
        connection.execute(
            "INSERT INTO schedules (id, name, windows) VALUES (?, ?, ?)"
            " ON CONFLICT (name) DO UPDATE SET windows = excluded.windows",
            (new_id(), name, windows),
        )
        audit.append(connection, AuditEvent(Kind.SCHEDULE_CHANGED, {"schedule": name, "windows": windows, "by": by}))
        for group in groups:
            put_group(connection, group, name, by)
    return windows


def _as_the_door_reads_it(words: str) -> str:
    """Hours as somebody typed them, in the words that are kept: their own where the door takes them for the same."""
    meant = read(words)
    try:
        return words if parse(words) == meant else written(meant)
    except Refusal:
        return written(meant)


def remove(connection: sqlite3.Connection, name: str, by: str) -> None:
    """Raises Refusal when there is no such schedule, or someone has it, or a holiday is of it alone."""
    with transaction(connection):
        found = next((one for one in every(connection) if one.name == name), None)
        if found is None:
            raise Refusal(NO_SCHEDULE, name=name)
        if found.used_by:
            raise Refusal(
                "The schedule {name} is in use: {count}. Give those another first.", name=name, count=found.used_by
            )
        if found.holidays:
            raise Refusal(
                "The schedule {name} has holidays of its own: {count}. Remove those first.",
                name=name, count=found.holidays,
            )  # fmt: skip
        connection.execute("DELETE FROM schedules WHERE name = ?", (name,))
        audit.append(connection, AuditEvent(Kind.SCHEDULE_REMOVED, {"schedule": name, "by": by}))


def put_group(
    connection: sqlite3.Connection, name: str, schedule: str | None, by: str, *, area: str | None = None,
    keeps_hours: bool = False,
) -> str | None:  # fmt: skip
    """Add a group or give it another schedule, None: at any time; and another area, empty: all gates, None: as before.

    One that there is and that `keeps_hours` has its schedule as before. Returns the schedule that it has then. Raises
    Refusal where there is no such schedule or area.
    """
    with transaction(connection):
        if keeps_hours:
            schedule = next((one.schedule for one in groups(connection) if one.name == name), schedule)
        connection.execute(
            "INSERT INTO groups (id, name, schedule_id) VALUES (?, ?, ?)"
            " ON CONFLICT (name) DO UPDATE SET schedule_id = excluded.schedule_id",
            (new_id(), name, id_of(connection, schedule)),
        )
        details: dict[str, object] = {"group": name, "schedule": schedule, "by": by}
        if area is not None:
            given = areas.id_of(connection, area)
            connection.execute("UPDATE groups SET area_id = ?1 WHERE name = ?2 AND area_id IS NOT ?1", (given, name))
            details |= {"area": area}
        audit.append(connection, AuditEvent(Kind.GROUP_CHANGED, details))
    return schedule


def set_free_access(connection: sqlite3.Connection, schedule: str | None, by: str, *, can_hold: bool) -> None:
    """The gate stands open whenever `schedule` says so; None: never.

    Raises Refusal for hours where there is no relay that keeps it open.
    """
    if schedule is not None and not can_hold:
        raise Refusal(NO_RELAY)
    with transaction(connection):
        connection.execute("UPDATE gate SET free_access_schedule_id = ?", (id_of(connection, schedule),))
        audit.append(connection, AuditEvent(Kind.FREE_ACCESS_CHANGED, {"schedule": schedule, "by": by}))


def free_access(connection: sqlite3.Connection) -> str | None:
    """The words of the windows in which the gate stands open."""
    return _of_free_access(connection)[1]


def free_schedule(connection: sqlite3.Connection) -> str | None:
    """The name of the schedule by which the gate stands open; None: by none."""
    return _of_free_access(connection)[0]


def _of_free_access(connection: sqlite3.Connection) -> tuple[str | None, str | None]:
    row: tuple[str, str] | None = connection.execute(
        "SELECT s.name, s.windows FROM gate JOIN schedules s ON s.id = gate.free_access_schedule_id"
    ).fetchone()
    return row or (None, None)


def id_of(connection: sqlite3.Connection, name: str | None) -> str | None:
    """The id of the schedule of this name; None for None. Raises Refusal."""
    if name is None:
        return None
    found = connection.execute("SELECT id FROM schedules WHERE name = ?", (name,)).fetchone()
    if not found:
        raise Refusal(NO_SCHEDULE, name=name)
    return str(found[0])
