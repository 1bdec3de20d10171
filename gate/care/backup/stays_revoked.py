"""What was revoked, removed, withdrawn or changed since a backup was made stays so when the backup comes back.

Two things know of it: the database that stands in the backup's place, where it can be read and is the same gate's, and
the tombstones that both carry (`erased`, `gone`), which outlast a restore. Accounts never come back on the backup's
word alone.
"""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from gate.store.compound import requests
from gate.store.compound.role import taking
from gate.store.copy_rows import last_number, set_last_number
from gate.store.database import transaction
from gate.store.people import credentials, elsewhere, erasure, own_pages, passes, photo_links, residents
from gate.store.site import signed_in
from gate.store.site.accounts import LOCKED

_BY = "restoring a backup"


@dataclass(frozen=True, slots=True)
class Dropped:
    """What a backup held and that does not come back with it, counted."""

    sessions: int
    tokens: int
    webhooks: int
    users: int
    """Users who were removed since."""
    changed: int
    """Users who have another password or role since, and keep it."""
    locked: int
    """Users who get a new password from the owner before they sign in: nothing can tell whether they were removed."""
    erased: int
    """Residents who were erased since."""
    withdrawn: int
    """Residents whose consent ended since: their faces."""
    templates: int
    """Single templates that were erased since."""
    credentials: int
    """PINs and cards that were removed or suspended since."""
    passes: int = 0
    """Passes that were used up, taken back or erased since; all of them where nothing can tell."""


@dataclass(frozen=True, slots=True)
class Tombstones:
    """What the database that stands there says is gone, also where no more of it can be read."""

    erased: tuple[str, ...]
    """Hashes of residents' ids."""
    gone: frozenset[str]
    """Ids of templates, consents, PINs and cards."""


def keep_revoked(
    connection: sqlite3.Connection, present: sqlite3.Connection | None, tombstones: Tombstones, *, has_them: bool
) -> Dropped:
    """Take from a restored database whatever does not come back; `present` is the one it replaces, of the same gate.

    Where that cannot be read (None), every account is locked and no webhook is kept. `has_them`: the backup is from
    a time when tombstones of templates were kept.
    """
    again = erasure.erase_again(connection, tombstones.erased)
    gone = set(tombstones.gone)
    if present is not None:
        gone |= {one for (one,) in present.execute("SELECT id FROM gone")}
        gone |= set() if has_them else _missing_templates(connection, present)
    with transaction(connection):
        ended = signed_in.end_every(connection)
        photo_links.end_every(connection)
        # Where people were then says nothing of where they are.
        connection.execute("DELETE FROM whereabouts")
        elsewhere.forget(connection)
        webhooks = _keep_webhooks(connection, present)
        users, changed, locked = _keep_users(connection, present)
        if present is not None:
            # Nobody's change: a gate that follows a centre proposes none of it.
            with taking(connection):
                _take_hours(connection, present)
            _take_corrections(connection, present)
            # Of what was enrolled and revoked since the backup nobody else tells the centre.
            requests.ask_also(connection, present)
            set_last_number(connection, last_number(present))
        # Nor does it take any pass back at the other gates.
        with taking(connection):
            ended_passes = passes.end_again(connection, present, datetime.now(UTC))
    withdrawn = _withdraw_again(connection, gone)
    with transaction(connection):
        templates = _forget_again(connection, gone)
        codes = credentials.revoke_again(connection, gone)
        own_pages.end_again(connection, gone, present)
        connection.executemany("INSERT OR IGNORE INTO gone (id) VALUES (?)", [(one,) for one in gone])
    return Dropped(
        ended.sessions, ended.tokens, webhooks, users, changed, locked, again, withdrawn, templates, codes, ended_passes
    )


def tombstones_of(path: Path) -> Tombstones:
    """The tombstones in a database's file as far as it can be read, a newer Facegate's too: the erased stay so."""
    found = []
    for query in ("SELECT resident_hash FROM erased", "SELECT id FROM gone"):
        try:
            with closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)) as connection:
                found.append([str(one) for (one,) in connection.execute(query)])
        except sqlite3.Error:
            found.append([])
    return Tombstones(tuple(found[0]), frozenset(found[1]))


def same_gate(connection: sqlite3.Connection, other: sqlite3.Connection) -> bool:
    """Whether two databases are one gate's."""
    ids = [one.execute("SELECT id FROM gate").fetchone() for one in (connection, other)]
    return ids[0] is not None and ids[0] == ids[1]


def _keep_webhooks(connection: sqlite3.Connection, present: sqlite3.Connection | None) -> int:
    """Only those stay that are there now as they were; how many do not."""
    query = "SELECT id, url, secret, kinds FROM webhooks"
    now = set(present.execute(query)) if present else set()
    dropped = [one[0] for one in connection.execute(query).fetchall() if one not in now]
    connection.executemany("DELETE FROM webhooks WHERE id = ?", [(one,) for one in dropped])
    return len(dropped)


def _keep_users(connection: sqlite3.Connection, present: sqlite3.Connection | None) -> tuple[int, int, int]:
    """Users as they are now, without those who were removed; how many were, were changed, and are locked."""
    if present is None:
        return 0, 0, connection.execute("UPDATE users SET password = ?", (LOCKED,)).rowcount
    query = "SELECT id, password, role, provisional FROM users"
    now = {one[0]: one for one in present.execute(query)}
    before = connection.execute(query).fetchall()
    removed = [(one[0],) for one in before if one[0] not in now]
    changed = [now[one[0]] for one in before if one[0] in now and now[one[0]] != one]
    connection.executemany("DELETE FROM users WHERE id = ?", removed)
    connection.executemany(
        "UPDATE users SET password = ?, role = ?, provisional = ? WHERE id = ?", [(*one[1:], one[0]) for one in changed]
    )
    return len(removed), len(changed), 0


def _take_corrections(connection: sqlite3.Connection, present: sqlite3.Connection) -> None:
    """What a face must score since somebody else was taken for them."""
    connection.executemany(
        "INSERT OR IGNORE INTO corrections (event_id, resident_id, similarity, at)"
        " SELECT ?1, ?2, ?3, ?4 WHERE EXISTS (SELECT 1 FROM residents WHERE id = ?2)",
        present.execute("SELECT event_id, resident_id, similarity, at FROM corrections").fetchall(),
    )


def _withdraw_again(connection: sqlite3.Connection, gone: set[str]) -> int:
    """Of whoever's consent ended since, faces and personal fields of the record go again. How many people that were."""
    holding = connection.execute("SELECT id, resident_id FROM consents WHERE withdrawn_at IS NULL").fetchall()
    ended = {resident for consent, resident in holding if consent in gone}
    for resident in ended:
        person = residents.get(connection, resident)
        if person is not None:
            erasure.withdraw(connection, person, by=_BY)
    return len(ended)


def _forget_again(connection: sqlite3.Connection, gone: set[str]) -> int:
    back = [one for one in connection.execute("SELECT id FROM templates").fetchall() if one[0] in gone]
    connection.executemany("DELETE FROM templates WHERE id = ?", back)
    return len(back)


def _missing_templates(connection: sqlite3.Connection, present: sqlite3.Connection) -> set[str]:
    """Templates of people who are here now, and which are not: all that tells of an erasure before `gone` was kept."""
    here = {one for (one,) in present.execute("SELECT id FROM residents")}
    now = {one for (one,) in present.execute("SELECT id FROM templates")}
    before = connection.execute("SELECT id, resident_id FROM templates")
    return {template for template, resident in before if resident in here and template not in now}


def _take_hours(connection: sqlite3.Connection, present: sqlite3.Connection) -> None:
    """Who may enter when and where is as it is now, also where that is less than it was."""
    connection.execute("PRAGMA defer_foreign_keys = ON")
    schedules = _merge(connection, present, "schedules", "windows")
    areas = _merge(connection, present, "areas", "gates")
    groups = _merge(connection, present, "groups", "schedule_id", "area_id")
    for group, schedule, area in connection.execute("SELECT id, schedule_id, area_id FROM groups").fetchall():
        connection.execute(
            "UPDATE groups SET schedule_id = ?, area_id = ? WHERE id = ?",
            (schedules.get(schedule), areas.get(area), group),
        )
    hours = (
        "SELECT id, schedule_id, area_id, group_id, extended, valid_from, valid_until, valid_until_set_on"
        " FROM residents"
    )
    now = {one[0]: one[1:] for one in present.execute(hours)}
    for resident, schedule, area, group, *rest in connection.execute(hours).fetchall():
        before = schedules.get(schedule), areas.get(area), groups.get(group), *rest
        connection.execute(
            "UPDATE residents SET schedule_id = ?, area_id = ?, group_id = ?, extended = ?, valid_from = ?,"
            " valid_until = ?, valid_until_set_on = ? WHERE id = ?",
            (*now.get(resident, before), resident),
        )
    # Those of a schedule went with the table above.
    connection.execute("DELETE FROM holidays")
    days = "id, name, first_day, last_day, schedule_id, windows"
    connection.executemany(
        f"INSERT INTO holidays ({days}) VALUES (?, ?, ?, ?, ?, ?)",  # noqa: S608 - a constant
        present.execute(f"SELECT {days} FROM holidays").fetchall(),  # noqa: S608 - a constant
    )
    free = present.execute("SELECT free_access_schedule_id FROM gate").fetchone()
    connection.execute("UPDATE gate SET free_access_schedule_id = ?", free)


def _merge(connection: sqlite3.Connection, present: sqlite3.Connection, table: str, *of: str) -> dict[str, str]:
    """The rows of now, and those of the backup whose names are free; which id each id stands for."""
    columns = ", ".join(("id", "name", *of))
    query = f"SELECT {columns} FROM {table}"  # noqa: S608 - constants
    now, before = present.execute(query).fetchall(), connection.execute(query).fetchall()
    named = {name: identity for identity, name, *_ in now}
    ids = {identity for identity, *_ in now}
    kept = [row for row in before if row[0] not in ids and row[1] not in named]
    connection.execute(f"DELETE FROM {table}")  # noqa: S608 - constants
    marks = ", ".join("?" * (2 + len(of)))
    connection.executemany(f"INSERT INTO {table} ({columns}) VALUES ({marks})", now + kept)  # noqa: S608 - constants
    stands_for = {identity: identity if identity in ids else named.get(name, identity) for identity, name, *_ in before}
    return stands_for | {identity: identity for identity in ids}
