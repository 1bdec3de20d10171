"""What is kept for how long: lines of the record, faces that nobody uses, people who have moved out."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta, tzinfo
from functools import partial
from pathlib import Path

from gate.care import backup, kept_for
from gate.care.kept_for import WARNING_DAYS, Why, gone_on
from gate.errors import Refusal
from gate.keep_settings import KeepSettings
from gate.store import old_copies
from gate.store.compound import carried, items, role
from gate.store.compound.role import Part
from gate.store.people import erasure, own_pages, passes, photo_links, residents
from gate.store.record import audit
from gate.store.record.anchors import replaced_beyond
from gate.store.record.audit import Moment
from gate.vocabulary import ENTERED, AuditEvent, Kind

# A last day of today is named today: its night is the 31st from now, and where the gate's day is behind UTC's, by which
# it is noted, the 32nd.
_NAMED_DAYS = WARNING_DAYS + 2
# A gate is off for a few days, and a clock is set by some hours; where the days leap by more, nobody was named in
# between, and the year may be wrong.
_LEAP_DAYS = 14


@dataclass(frozen=True, slots=True)
class Fading:
    """On `day` (YYYY-MM-DD) a resident's face is erased, or where they moved out all of them."""

    resident: str
    name: str
    why: Why
    day: str


@dataclass(frozen=True, slots=True)
class Tidied:
    """What one night erased."""

    lines: int
    faces: int
    people: int
    passes: int
    copies: int
    """Old copies of the database, and backups in the state's own folder."""
    not_before: str | None = None
    """The day (YYYY-MM-DD) before which nothing is erased, since the days leapt; None: they did not lately."""


def fading(connection: sqlite3.Connection, keep: KeepSettings, today: date) -> list[Fading]:
    """Who is erased within the days of warning unless something changes, the first to go first."""
    rows = connection.execute(
        "SELECT r.id, r.name, r.valid_until, r.valid_until_set_on,"
        " max(coalesce(r.last_used_on, ''), substr(max(t.created_at), 1, 10))"
        " FROM residents r LEFT JOIN templates t ON t.resident_id = r.id GROUP BY r.id"
    )
    kept, found = kept_for.times(connection, keep, today), []
    part, shared = role.part(connection), items.residents(connection)
    not_before = _not_before(connection, today) or date.min
    for identity, name, valid_until, set_on, used_on in rows:
        if part is Part.GATE and identity in shared:
            # The centre's to erase: what this gate took from them it would take from them everywhere.
            continue
        if valid_until is not None:
            gone = gone_on(kept[Why.MOVED_OUT], partial(_moved_out_on, valid_until, set_on))
            found.append(Fading(identity, name, Why.MOVED_OUT, max(gone, not_before).isoformat()))
        # Of whoever comes in at several gates none knows yet when they last did at the others.
        if used_on and identity not in shared:
            gone = gone_on(kept[Why.UNUSED], partial(_day_after, used_on))
            found.append(Fading(identity, name, Why.UNUSED, max(gone, not_before).isoformat()))
    until = (today + timedelta(days=_NAMED_DAYS)).isoformat()
    return sorted((one for one in found if one.day <= until), key=lambda one: (one.day, one.name))


def _not_before(connection: sqlite3.Connection, today: date) -> date | None:
    """The day before which nothing is erased: whoever is due is named for the days of warning first, counted from where
    the nights that were tidied leap to another time. None: they do not, as far back as that matters."""
    rows = connection.execute("SELECT at FROM audit WHERE kind = ? ORDER BY sequence DESC", (Kind.TIDIED,))
    after = today
    for (at,) in rows:
        day = date.fromisoformat(at[:10])
        if abs((after - day).days) > _LEAP_DAYS:
            return after + timedelta(days=WARNING_DAYS + 1)
        if (today - day).days > WARNING_DAYS + 1:
            return None
        after = day
    return None


def _moved_out_on(valid_until: str, set_on: str | None, days: int) -> date:
    """When whoever has that last day is erased, kept for so many days. They are named for the days of warning first,
    also where it was over when it was set; then its year may be wrong."""
    gone = _day_after(valid_until, days)
    return gone if set_on is None else max(gone, _day_after(set_on, max(days, WARNING_DAYS)))


def _day_after(day: str, days: int) -> date:
    """The day after so many whole ones; the last that there is, where somebody wrote 9999 for ever, and where the day
    is damaged: nobody is erased by one that says nothing."""
    try:
        return date.fromordinal(min(date.fromisoformat(day).toordinal() + days + 1, date.max.toordinal()))
    except ValueError:
        return date.max


def tidy(
    connection: sqlite3.Connection, keep: KeepSettings, now: datetime, zone: tzinfo, backups: Path | None = None
) -> Tidied:
    """Erase what was kept long enough. The record says what went, and still verifies. Raises sqlite3.Error, OSError.

    `now` must come from a clock that is to be trusted. One that is trusted and wrong erases nothing either before
    people had the days of warning to see it. `backups` is the state's own folder of them.
    """
    today = now.astimezone(zone).date()
    not_before = _not_before(connection, today)
    if not_before is not None and today < not_before:
        return _put_off(connection, keep, now, zone, not_before)
    kept_for.note(connection, keep, today)
    _note_uses(connection, zone, now)
    photo_links.forget_ended(connection, now.astimezone(UTC))
    own_pages.forget_unopened(connection, now)
    due = [one for one in fading(connection, keep, today) if one.day <= today.isoformat()]
    erased = {Why.UNUSED: 0, Why.MOVED_OUT: 0}
    for one in due:
        person = residents.get(connection, one.resident)
        if person is None:
            continue
        act = erasure.remove if one.why is Why.MOVED_OUT else erasure.withdraw
        try:
            act(connection, person, by=f"retention: {one.why}")
        except Refusal:
            continue  # Somebody at the console was quicker.
        erased[one.why] += 1
    before = _written(now - timedelta(days=keep.record_days))
    prunable = audit.prunable(connection, before, _written(now))
    unwanted = (now - timedelta(days=keep.old_copy_days)).timestamp()
    old = old_copies.end_old(connection, unwanted) + (backup.end_old(backups, unwanted) if backups else 0)
    visits = passes.erase_ended(connection, now - timedelta(days=keep.pass_days))
    details: dict[str, object] = {"faces": erased[Why.UNUSED], "people": erased[Why.MOVED_OUT], "copies": old}
    details |= {"passes": visits} if visits else {}
    if prunable is not None:
        details |= {"through": prunable.sequence, "hash": prunable.hash}
        if replaced := replaced_beyond(connection, prunable.sequence):
            details["replaced"] = replaced
    audit.append(connection, AuditEvent(Kind.TIDIED, details), _at(now))
    lines = audit.prune(connection, prunable) if prunable is not None else 0
    carried.prune(connection, before)
    carried.forget_visitors(connection, _written(now - timedelta(days=keep.pass_days)))
    return Tidied(lines, erased[Why.UNUSED], erased[Why.MOVED_OUT], visits, old)


def _put_off(
    connection: sqlite3.Connection, keep: KeepSettings, now: datetime, zone: tzinfo, not_before: date
) -> Tidied:
    """A night in which nothing is erased, so that the next one follows it."""
    kept_for.note(connection, keep, now.astimezone(zone).date())
    _note_uses(connection, zone, now)
    details: dict[str, object] = {"faces": 0, "people": 0, "copies": 0, "not_before": not_before.isoformat()}
    audit.append(connection, AuditEvent(Kind.TIDIED, details), _at(now))
    return Tidied(0, 0, 0, 0, 0, not_before.isoformat())


def _at(now: datetime) -> Moment:
    """The moment by which it was judged is the line's."""
    return replace(audit.this_moment(), wall=now.timestamp())


def last_tidied_at(connection: sqlite3.Connection) -> str | None:
    """When that was done last, ISO 8601, UTC."""
    row = connection.execute(
        "SELECT at FROM audit WHERE kind = ? ORDER BY sequence DESC LIMIT 1", (Kind.TIDIED,)
    ).fetchone()
    return row[0] if row else None


def _written(moment: datetime) -> str:
    """As the record writes times."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds")


def _note_uses(connection: sqlite3.Connection, zone: tzinfo, now: datetime) -> None:
    """Keep the last day on which each face opened, from the lines that came since this was last done: not on which
    somebody came without their face, nor a day that is yet to come."""
    rows = connection.execute(
        "SELECT p.resident_id, max(a.at) FROM audit a JOIN audit_personal p ON p.event_id = a.id"
        " WHERE a.kind IN (?, ?) AND p.field = 'resident'"
        " AND 'face' IN (coalesce(json_extract(a.details, '$.method'), 'face'), json_extract(a.details, '$.first'))"
        " AND a.at <= ?"
        " AND a.sequence > coalesce((SELECT max(sequence) FROM audit WHERE kind = ?), 0) GROUP BY p.resident_id",
        (*ENTERED, _written(now), Kind.TIDIED),
    ).fetchall()
    for resident, at in rows:
        day = datetime.fromisoformat(at).astimezone(zone).date().isoformat()
        connection.execute(
            "UPDATE residents SET last_used_on = max(coalesce(last_used_on, ''), ?) WHERE id = ?", (day, resident)
        )
