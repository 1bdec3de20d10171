"""How many strangers look into the gate's camera a day, by its own record."""

from __future__ import annotations

import sqlite3
from datetime import UTC, datetime, timedelta

from gate.vocabulary import ENTERED, Kind, Reason

# A resident who is refused comes again at once; a stranger stays one.
COMES_AGAIN_S = 60.0
# Of so many days at most, and of so many at least: one week has its Sunday.
_DAYS = 28
_LEAST = 7


def a_day(connection: sqlite3.Connection, now: datetime) -> int | None:
    """Approaches a day of people who were not known and did not come in within the minute after; None where the record
    is younger than a week, and where hardly one came: that says more of the record than of the gate."""
    since = max(now - timedelta(days=_DAYS), _begins(connection) or now)
    days = (now - since) / timedelta(days=1)
    if days < _LEAST:
        return None
    rows = connection.execute(
        "SELECT at, kind FROM audit INDEXED BY audit_by_time WHERE at >= ? AND at < ?"
        " AND (kind IN (?, ?) OR kind = ? AND json_extract(details, '$.reason') = ?)"
        " AND json_extract(details, '$.method') = 'face' ORDER BY sequence",
        (*(moment.astimezone(UTC).isoformat(timespec="milliseconds") for moment in (since, now)), *ENTERED,
         Kind.DENIED, Reason.UNKNOWN),
    )  # fmt: skip
    strangers: list[float] = []
    for written, kind in rows:
        at = datetime.fromisoformat(written).timestamp()
        if kind == Kind.DENIED:
            strangers.append(at)
            continue
        while strangers and 0 <= at - strangers[-1] <= COMES_AGAIN_S:
            strangers.pop()
    return round(len(strangers) / days) or None


def _begins(connection: sqlite3.Connection) -> datetime | None:
    (first,) = connection.execute("SELECT min(at) FROM audit").fetchone()
    return datetime.fromisoformat(first) if first is not None else None
