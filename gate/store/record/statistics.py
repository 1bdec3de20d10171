"""How well the gate serves, from its record: who came in how, who was refused why, who needs several tries."""

from __future__ import annotations

import sqlite3
from collections import Counter, deque
from dataclasses import dataclass
from datetime import datetime

from gate.store.record import drills
from gate.store.record.drills import Drill
from gate.store.record.search import OF_SOMEBODY
from gate.vocabulary import ENTERED, Kind, Reason

# A refusal so long before an opening was the same person's try, seconds.
_SAME_TRY_S = 20.0
# Of somebody's openings this share with a refusal before is worth an invitation, and so many make a share.
_OFTEN = 0.3
_ENOUGH = 5
# A new photo helps nobody whom the gate refused for its own sake.
_NOT_THE_FACE = (
    Reason.ASKED_TO_TURN,
    Reason.BUSY,
    Reason.GATE_MOVES,
    Reason.INTERLOCKED,
    Reason.PASSBACK,
    Reason.NO_ESCORT,
    Reason.LOCKDOWN,
    Reason.TAMPER,
    Reason.STALE,
    Reason.FAULT,
    Reason.STORE_UNREADABLE,
    Reason.CLOCK_UNTRUSTED,
)
_PAIRS = {Kind.DOOR_HELD_OPEN: Kind.DOOR_HELD_OPEN_OVER, Kind.CAMERA_LOST: Kind.CAMERA_BACK}


@dataclass(frozen=True, slots=True)
class Tries:
    """Somebody whom the gate often lets in at the second try only."""

    resident: str
    name: str
    openings: int
    retried: int


@dataclass(frozen=True, slots=True)
class Services:
    """The sums of some days. Durations in seconds."""

    openings: dict[str, int]
    """By method, the most frequent first; whoever came along with another was seen by face too."""
    refusals: dict[str, int]
    """By reason, the most frequent first."""
    tries: tuple[Tries, ...]
    """Whom to invite to enrol again, the most troubled first."""
    held_open_s: float
    without_camera_s: float
    drill: Drill | None
    """The acceptance test that counts, whenever that was."""


def of(connection: sqlite3.Connection, since: str, until: str) -> Services:
    """The sums from `since` to `until` (ISO 8601, UTC)."""
    return Services(
        openings=_counted(connection, ENTERED, "method", since, until),
        refusals=_counted(connection, (Kind.DENIED,), "reason", since, until, OF_SOMEBODY),
        tries=_tries(connection, since, until),
        held_open_s=_lasted(connection, Kind.DOOR_HELD_OPEN, since, until),
        without_camera_s=_lasted(connection, Kind.CAMERA_LOST, since, until),
        drill=drills.last(connection),
    )


def openings_since(connection: sqlite3.Connection, since: str) -> dict[str, int]:
    """How often people came in by each method since a time (ISO 8601, UTC), the most frequent first."""
    return _counted(connection, ENTERED, "method", since, "9")


def _counted(
    connection: sqlite3.Connection, kinds: tuple[str, ...], field: str, since: str, until: str,
    where: str = "TRUE",
) -> dict[str, int]:  # fmt: skip
    marks = ", ".join("?" for _ in kinds)
    rows = connection.execute(
        "SELECT coalesce(json_extract(details, '$.' || ?), ''), count(*) FROM audit INDEXED BY audit_by_time"  # noqa: S608 - marks
        f" WHERE at >= ? AND at < ? AND kind IN ({marks}) AND {where} GROUP BY 1 ORDER BY 2 DESC, 1",
        (field, since, until, *kinds),
    )
    return dict(rows.fetchall())


def _tries(connection: sqlite3.Connection, since: str, until: str) -> tuple[Tries, ...]:
    rows = connection.execute(
        "SELECT a.at, a.kind, json_extract(a.details, '$.reason'), p.resident_id FROM audit a INDEXED BY audit_by_time"
        " LEFT JOIN audit_personal p ON p.event_id = a.id AND p.field = 'resident'"
        " WHERE a.at >= ? AND a.at < ? AND a.kind IN (?, ?, ?)"
        " AND json_extract(a.details, '$.method') = 'face' ORDER BY a.sequence",
        (since, until, *ENTERED, Kind.DENIED),
    )
    openings, retried = Counter[str](), Counter[str]()
    refused: deque[float] = deque(maxlen=8)
    for at, kind, reason, resident in rows:
        now = datetime.fromisoformat(at).timestamp()
        if kind == Kind.DENIED:
            if reason not in _NOT_THE_FACE:
                refused.append(now)
            continue
        if resident is not None:
            openings[resident] += 1
        if kind == Kind.CAME_ALONG:
            continue  # Whoever was refused before may have been another of them.
        if resident is not None:
            retried[resident] += any(0 <= now - before <= _SAME_TRY_S for before in refused)
        refused.clear()
    often = [one for one, count in openings.items() if count >= _ENOUGH and retried[one] >= _OFTEN * count]
    found = [Tries(one, name, openings[one], retried[one]) for one in often if (name := _name(connection, one))]
    return tuple(sorted(found, key=lambda one: (-one.retried / one.openings, one.name)))


def _name(connection: sqlite3.Connection, resident: str) -> str | None:
    row = connection.execute("SELECT name FROM residents WHERE id = ?", (resident,)).fetchone()
    return str(row[0]) if row else None


def _lasted(connection: sqlite3.Connection, begins: Kind, since: str, until: str) -> float:
    """For how long in all it was so; what has not ended lasts until `until`."""
    rows = connection.execute(
        "SELECT at, kind FROM audit INDEXED BY audit_by_time"
        " WHERE at >= ? AND at < ? AND kind IN (?, ?) ORDER BY sequence",
        (since, until, begins, _PAIRS[begins]),
    )
    total, began = 0.0, None
    for at, kind in rows:
        now = datetime.fromisoformat(at).timestamp()
        if kind == begins:
            began = now if began is None else began
        elif began is not None:
            total, began = total + max(0.0, now - began), None
    if began is not None:
        total += max(0.0, datetime.fromisoformat(until).timestamp() - began)
    return total
