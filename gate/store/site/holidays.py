"""Holidays: days on which one schedule or every one keeps other hours, or opens never."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, tzinfo

from gate.days import ENDS_BEFORE, day_of
from gate.errors import Refusal, Sentence
from gate.names import clean_name
from gate.schedule import NEVER_OPENS, NO_WINDOW, Holiday, Schedule, parse, written
from gate.schedule_words import read_hours
from gate.store.database import transaction
from gate.store.ids import new_id
from gate.store.record import audit
from gate.store.site.schedules import id_of
from gate.vocabulary import AuditEvent, Kind

OVER = Sentence("Its last day is over already: look whether the year is right.")
"""Said of a holiday that is added when it is over."""
_NO_HOURS = Sentence("'{hours}' are no hours; write them as 09:00-12:00, or nothing at all where it is closed.")
_LONGEST_DAYS = 366
# Of several on one day that of the schedule itself holds, and of those the newest.
_ORDER = "ORDER BY h.schedule_id IS NULL, h.id DESC"


@dataclass(frozen=True, slots=True)
class Kept:
    """A holiday as the store has it; days are YYYY-MM-DD in the gate's zone, and both count whole."""

    id: str
    name: str
    first_day: str
    last_day: str
    schedule: str | None
    """The schedule that it is for, by name; None: every one."""
    windows: str | None
    """The hours that hold instead, as `daily 09:00-12:00`; None: closed."""


@dataclass(frozen=True, slots=True)
class New:
    """A holiday as somebody gives it: an empty last day is the first, empty hours are none at all."""

    name: str
    first_day: str
    last_day: str = ""
    schedule: str | None = None
    hours: str = ""


def is_over(last_day: str, zone: tzinfo) -> bool:
    """Whether a day as the store has it is before today, where the gate's clock is in that zone."""
    return last_day < datetime.now(zone).date().isoformat()


def every(connection: sqlite3.Connection) -> list[Kept]:
    """All holidays by day."""
    rows = connection.execute(
        "SELECT h.id, h.name, h.first_day, h.last_day, s.name, h.windows"
        " FROM holidays h LEFT JOIN schedules s ON s.id = h.schedule_id ORDER BY h.first_day, h.id"
    )
    return [Kept(*row) for row in rows]


def get(connection: sqlite3.Connection, holiday: str) -> Kept | None:
    """The holiday of this id."""
    return next((one for one in every(connection) if one.id == holiday), None)


def going_before(one: Kept, every: Iterable[Kept]) -> list[Kept]:
    """Those of `every` that hold in the place of `one` on the days that both have: of a database of before, where days
    might have several holidays for the same hours, and of a schedule's own beside one for all."""
    return [other for other in every if _share_a_day(one, other) and _goes_before(other, one)]


def _share_a_day(one: Kept, other: Kept) -> bool:
    return one.first_day <= other.last_day and other.first_day <= one.last_day


def _goes_before(one: Kept, other: Kept) -> bool:
    """Whether `one` holds on the days that both have, for all or some of whom `other` is for; as `_ORDER` has it."""
    if one.schedule == other.schedule:
        return one.id > other.id
    return other.schedule is None


def add(connection: sqlite3.Connection, new: New, by: str) -> str:
    """Add a holiday; the record says `by` whom. Returns its id.

    Raises UsageError and Refusal, with one sentence, for a name, days or hours that are none, where there is no such
    schedule, where the same holiday is there already, and where another one has some of its days for the same hours.
    """
    name = clean_name(new.name, most=60)
    first, last = day_of(new.first_day), day_of(new.last_day or new.first_day)
    if last < first:
        raise Refusal(ENDS_BEFORE)
    if (last - first).days >= _LONGEST_DAYS:
        raise Refusal("A holiday lasts {most} days at most.", most=_LONGEST_DAYS)
    windows = written(_hours(new.hours)) if new.hours.strip() else None
    with transaction(connection):
        identity = new_id()
        row = (name, first.isoformat(), last.isoformat(), id_of(connection, new.schedule), windows)
        _refuse_equal(connection, row)
        _refuse_overlapping(connection, *row[1:4])
        connection.execute(
            "INSERT INTO holidays (id, name, first_day, last_day, schedule_id, windows) VALUES (?, ?, ?, ?, ?, ?)",
            (identity, *row),
        )
        details: dict[str, object] = {
            "holiday": name, "first_day": first.isoformat(), "last_day": last.isoformat(), "schedule": new.schedule,
            "windows": windows, "by": by,
        }  # fmt: skip
        audit.append(connection, AuditEvent(Kind.HOLIDAY_ADDED, details))
    return identity


def add_all(connection: sqlite3.Connection, every: Sequence[New], by: str) -> list[str]:
    """Add some holidays, all or none. Returns their ids. Raises as `add`."""
    with transaction(connection):
        return [add(connection, one, by) for one in every]


def in_the_way(one: New, every: Iterable[Kept]) -> Kept | None:
    """What of `every` has some of its days already, for the same hours; None: nothing."""
    last = one.last_day or one.first_day
    return next(
        (
            kept
            for kept in every
            if kept.schedule == one.schedule and kept.first_day <= last and one.first_day <= kept.last_day
        ),
        None,
    )


def that_fit(every: Iterable[New], kept: Iterable[Kept]) -> list[New]:
    """Those of which no day is taken: by a holiday that is there, nor by one before it."""
    there, fitting = list(kept), list[New]()
    for one in every:
        if in_the_way(one, there) is None:
            fitting.append(one)
            there.append(Kept("", one.name, one.first_day, one.last_day or one.first_day, one.schedule, None))
    return fitting


def _hours(words: str) -> Schedule:
    """The hours of every day of a holiday. Raises Refusal, which advises nothing that these hours may not have: no days
    of the week."""
    try:
        return read_hours(words)
    except Refusal as refused:
        if refused.sentence.pattern in (NO_WINDOW, NEVER_OPENS):
            raise Refusal(_NO_HOURS, hours=words.strip()) from refused
        raise


def _refuse_equal(connection: sqlite3.Connection, row: tuple[str | None, ...]) -> None:
    """A form that is sent twice, or shown again, adds nothing twice."""
    equal = "name = ? AND first_day = ? AND last_day = ? AND schedule_id IS ? AND windows IS ?"
    if connection.execute(f"SELECT 1 FROM holidays WHERE {equal}", row).fetchone():  # noqa: S608 - a constant
        raise Refusal("The holiday {name} is there already, with the same days and hours.", name=row[0])


def _refuse_overlapping(connection: sqlite3.Connection, first: str, last: str, schedule: str | None) -> None:
    """One day has one holiday for the same hours; one for a schedule goes before one for all, and may."""
    found = connection.execute(
        "SELECT name, first_day, last_day FROM holidays WHERE first_day <= ? AND last_day >= ? AND schedule_id IS ?"
        " ORDER BY first_day",
        (last, first, schedule),
    ).fetchone()
    if found is not None:
        name, begins, ends = found
        raise Refusal(
            "{name} ({first} to {last}) has some of these days already, for the same hours. Remove it first, or choose"
            " other days.", name=name, first=begins, last=ends,
        )  # fmt: skip


def remove(connection: sqlite3.Connection, holiday: str, by: str) -> bool:
    """Remove the holiday of this id; whether there was one."""
    with transaction(connection):
        row = connection.execute("DELETE FROM holidays WHERE id = ? RETURNING name", (holiday,)).fetchone()
        if row is not None:
            audit.append(connection, AuditEvent(Kind.HOLIDAY_REMOVED, {"holiday": row[0], "by": by}))
    return row is not None


def of_resident(connection: sqlite3.Connection, resident: str) -> tuple[Holiday, ...]:
    """The holidays of the schedule by which a resident is let in, their own or their group's.

    Raises Refusal and ValueError where one of them makes no sense.
    """
    return _found(
        connection,
        "SELECT coalesce(r.schedule_id, g.schedule_id) FROM residents r LEFT JOIN groups g ON g.id = r.group_id"
        " WHERE r.id = ?",
        resident,
    )


def of_pass(connection: sqlite3.Connection, visit: str) -> tuple[Holiday, ...]:
    """The holidays of the schedule of a pass. Raises as `of_resident`."""
    return _found(connection, "SELECT schedule_id FROM passes WHERE id = ?", visit)


def of_free_access(connection: sqlite3.Connection) -> tuple[Holiday, ...]:
    """The holidays of the schedule by which the gate itself stands open. Raises as `of_resident`."""
    return _found(connection, "SELECT free_access_schedule_id FROM gate")


def _found(connection: sqlite3.Connection, schedule: str, *values: str) -> tuple[Holiday, ...]:
    """The holidays of the schedule whose id this question answers, the one that holds first."""
    rows = connection.execute(
        "SELECT h.first_day, h.last_day, h.windows FROM holidays h"  # noqa: S608 - constants
        f" WHERE h.schedule_id IS NULL OR h.schedule_id = ({schedule}) {_ORDER}",
        values,
    )
    return tuple(
        Holiday(date.fromisoformat(first), date.fromisoformat(last), None if windows is None else parse(windows))
        for first, last, windows in rows
    )
