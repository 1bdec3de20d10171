"""What was enrolled or changed at this gate, and its centre has not answered yet. Triggers write it, whoever changes.

The gate's own tables have it already, so that it opens this gate at once; the others have it when the centre took it.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Collection
from dataclasses import dataclass
from enum import StrEnum

from gate.store.compound import items, outbox
from gate.store.compound.entries import (
    Entry,
    GroupEntry,
    HolidayEntry,
    PassEntry,
    RegisterKind,
    ResidentEntry,
    Version,
)
from gate.store.compound.items import State
from gate.store.database import transaction

FIELDS = ("name", "unit", "extended", "schedule", "group", "area", "valid_from", "valid_until")
"""What stands of a resident once, and is changed; all else is added."""


class Because(StrEnum):
    """Why a centre did not take all that a gate proposed."""

    ERASED = "erased"
    """They were erased at another gate or at the centre: what was revoked stays revoked."""
    CHANGED = "changed"
    """It was changed at the centre meanwhile, and stands here as it does there; what was added to somebody is taken."""
    NAMESAKE = "namesake"
    """Somebody else of this name lives there."""
    CODE = "code"
    """A PIN or a card is somebody else's; the rest is taken."""
    MOST = "most"
    """They would have more templates or cards than anybody may; the rest is taken."""
    IN_USE = "in_use"
    """Hours that are to go are somebody's."""
    TOO_NEW = "too_new"
    """The centre is older than this gate."""
    NONSENSE = "nonsense"
    """It makes no sense there."""


@dataclass(frozen=True, slots=True)
class Proposal:
    """An entry as it stands at a gate, and on which version of the register it was made; None: it is new there.

    `fields`: more was changed than what is added to somebody. `back`: it is the centre's own word, which may have lost
    it. `number` grows with every change. `reads_areas`: the gate knows what an area is; an earlier version does not."""

    number: int
    kind: RegisterKind
    made_on: Version | None
    fields: bool
    entry: Entry
    back: bool = False
    reads_areas: bool = True


@dataclass(frozen=True, slots=True)
class Answer:
    """What became of a proposal. `because` is why not all of it was taken, `entry` what stands at the centre now, None
    where it has nothing of that id."""

    number: int
    kind: RegisterKind
    id: str
    because: Because | None
    version: Version | None
    entry: Entry | None


def following(connection: sqlite3.Connection) -> Proposal | None:
    """The next that waits for the centre; None: nothing does."""
    while True:
        row = connection.execute(
            "SELECT number, kind, id, epoch, version, fields, back FROM proposals WHERE refused IS NULL"
            # Whoever keeps hours, or an area, comes after those, and a new pass after whom they visit; a use waits for
            # nobody.
            " ORDER BY CASE kind WHEN 'schedule' THEN 1 WHEN 'area' THEN 1 WHEN 'group' THEN 2 WHEN 'holiday' THEN 3"
            " WHEN 'pass' THEN 5 * (version = 0) ELSE 4 END, number"
            " LIMIT 1"
        ).fetchone()
        if row is None:
            return None
        number, kind, identity, epoch, version, fields, back = row
        entry = outbox.entry_of(connection, RegisterKind(kind), identity)
        if entry is None:
            # They are gone, or have agreed to one gate alone.
            connection.execute(
                "DELETE FROM proposals WHERE kind = ? AND id = ? AND number = ?", (kind, identity, number)
            )
        elif not _propose_hours(connection, entry):
            made_on = Version(epoch, version) if version else None
            return Proposal(number, RegisterKind(kind), made_on, bool(fields), entry, bool(back))


def waits(connection: sqlite3.Connection, kind: RegisterKind, identity: str) -> bool:
    """Whether something of this gate about that waits for the centre."""
    query = "SELECT 1 FROM proposals WHERE kind = ? AND id = ? AND refused IS NULL"
    return connection.execute(query, (kind, identity)).fetchone() is not None


def count(connection: sqlite3.Connection) -> int:
    """How many wait for the centre."""
    return int(connection.execute("SELECT count(*) FROM proposals WHERE refused IS NULL").fetchone()[0])


def refused(connection: sqlite3.Connection) -> int:
    """Of how many residents the centre did not take all, and nobody has read why."""
    query = "SELECT count(*) FROM proposals WHERE refused NOTNULL AND kind = 'resident'"
    return int(connection.execute(query).fetchone()[0])


def of_residents(connection: sqlite3.Connection) -> dict[str, Because | None]:
    """The residents about whom something waits, None, or was not wholly taken, why, by their ids."""
    rows = connection.execute("SELECT id, refused FROM proposals WHERE kind = 'resident'")
    return {identity: Because(why) if why else None for identity, why in rows}


def of_pass(connection: sqlite3.Connection, visit: str) -> tuple[bool, Because | None]:
    """Whether something about this pass waits, and why it was not taken, where it was not."""
    row = connection.execute("SELECT refused FROM proposals WHERE kind = 'pass' AND id = ?", (visit,)).fetchone()
    return (False, None) if row is None else (row[0] is None, Because(row[0]) if row[0] else None)


def dismiss(connection: sqlite3.Connection, resident: str) -> None:
    """Somebody has read why something was not taken of a resident. Who is at this gate alone stays so."""
    with transaction(connection):
        connection.execute(
            "INSERT OR IGNORE INTO stays_here SELECT kind, id FROM proposals WHERE kind = 'resident' AND id = ?"
            " AND refused NOTNULL AND NOT EXISTS (SELECT 1 FROM register r WHERE r.kind = 'resident' AND r.id = ?)",
            (resident, resident),
        )
        connection.execute("DELETE FROM proposals WHERE kind = 'resident' AND id = ? AND refused NOTNULL", (resident,))


def bring(connection: sqlite3.Connection, residents: Collection[str]) -> None:
    """Propose people of this gate alone, with the hours that they keep."""
    with transaction(connection):
        for identity in residents:
            _propose(connection, RegisterKind.RESIDENT, identity)


def bring_passes(connection: sqlite3.Connection, now: str) -> None:
    """Propose all passes that are not over now (ISO 8601, UTC), and the uses of those that the register has."""
    with transaction(connection):
        connection.execute(
            "INSERT INTO proposals (kind, id, number, epoch, version, fields)"
            " SELECT 'pass', p.id, 0, coalesce(r.epoch, 0), coalesce(r.version, 0), 0 FROM passes p"
            " LEFT JOIN register r ON r.kind = 'pass' AND r.id = p.id WHERE revoked_at IS NULL AND valid_until > ?"
            " ON CONFLICT (kind, id) DO NOTHING",
            (now,),
        )
        connection.execute("DELETE FROM stays_here WHERE kind = 'pass'")


def give_back(connection: sqlite3.Connection, recovery: str, epoch: int, had: State | None = None) -> None:
    """The centre came back from a backup, or was promoted, and began this epoch: tell it all that is here of the
    register, and what was revoked, once, but for what it said itself since. Where just that is here which it `had`
    there is nothing to tell."""
    with transaction(connection):
        if connection.execute("SELECT recovery FROM compound").fetchone()[0] == recovery:
            return
        connection.execute("UPDATE compound SET recovery = ?", (recovery,))
        # Of passes more may have been spent than it had: they are few, and told in any case.
        all_of_it = had is not None and _is_all(connection, had)
        connection.execute(
            "INSERT INTO proposals (kind, id, number, epoch, version, fields, back)"
            " SELECT kind, id, 0, epoch, version, 0, 1 FROM register"
            " WHERE (kind = 'pass' OR kind <> 'revocation' AND NOT ?) AND epoch < ?"
            " ON CONFLICT (kind, id) DO UPDATE SET back = 1 WHERE refused IS NULL",
            (all_of_it, epoch),
        )
        if all_of_it:
            return
        connection.execute(
            "INSERT INTO register_requests (id) SELECT id FROM register WHERE kind = 'revocation' AND epoch < ?"
            " AND NOT EXISTS (SELECT 1 FROM register_requests q WHERE q.id = register.id)"
            # A card that was found again is lost no more.
            " AND (id NOT LIKE '%/suspended' OR id IN (SELECT id FROM gone)) ORDER BY id",
            (epoch,),
        )


def _is_all(connection: sqlite3.Connection, had: State) -> bool:
    others = connection.execute(
        "SELECT 1 FROM register WHERE epoch <> ? AND kind <> 'pass' LIMIT 1", (had.epoch,)
    ).fetchone()
    return others is None and items.state(connection, had.epoch) == had


def gave_back(connection: sqlite3.Connection) -> str | None:
    """For which of the centre's times all is given back; None: for none, or not all of it yet."""
    still = "SELECT 1 FROM proposals WHERE back AND refused IS NULL UNION ALL SELECT 1 FROM register_requests LIMIT 1"
    if connection.execute(still).fetchone() is not None:
        return None
    found: str | None = connection.execute("SELECT recovery FROM compound").fetchone()[0]
    return found


def _propose_hours(connection: sqlite3.Connection, entry: Entry) -> bool:
    """Whether something that an entry names had to be proposed first."""
    named: list[tuple[RegisterKind, str | None]] = []
    match entry:
        case ResidentEntry():
            named = [(RegisterKind.SCHEDULE, entry.schedule), (RegisterKind.GROUP, entry.group)]
            named += [(RegisterKind.AREA, entry.area)]
        case GroupEntry():
            named = [(RegisterKind.SCHEDULE, entry.schedule), (RegisterKind.AREA, entry.area)]
        case HolidayEntry() | PassEntry():
            named = [(RegisterKind.SCHEDULE, entry.schedule)]
    proposed = [_propose(connection, kind, one) for kind, one in named if one is not None]
    return any(proposed)


def _propose(connection: sqlite3.Connection, kind: RegisterKind, identity: str) -> bool:
    """Whether it is proposed now, and was neither before nor is on the register."""
    connection.execute("DELETE FROM stays_here WHERE kind = ? AND id = ?", (kind, identity))
    return bool(
        connection.execute(
            "INSERT OR IGNORE INTO proposals (kind, id, number, epoch, version, fields) SELECT ?1, ?2, 0, 0, 0, 1"
            " WHERE NOT EXISTS (SELECT 1 FROM register WHERE kind = ?1 AND id = ?2)",
            (kind, identity),
        ).rowcount
    )
