"""How much of its record a gate may tell its centre: what a gate can write in the time, so that a stolen one does not
fill the centre's disk. The time in which nothing came of a gate counts in full, however long it was away.
"""

from __future__ import annotations

import sqlite3
from datetime import UTC, datetime

A_DAY = 50_000
"""A passage with three lines each five seconds, day and night."""
_BYTES = 1024
_DAYS_AT_LEAST = 20
"""So much may have gathered at a gate that is heard each day: a line that is slow, a centre that was away."""
_DAYS_AT_MOST = 400
"""Of a gate of which nothing is reckoned yet: what is older is kept by no gate."""
_DAY_S = 86_400.0


def price(length: int) -> float:
    """What a line of so many letters counts: a usual one is one."""
    return 1 + length // _BYTES


def refilled(left: float, days: float) -> float:
    """Pure: what is left after so many days in which nothing came."""
    return max(left, min(left + A_DAY * days, A_DAY * _DAYS_AT_LEAST), A_DAY * days)


def left(connection: sqlite3.Connection, gate: str, now: datetime) -> float:
    """How much a gate may tell now."""
    row = connection.execute(
        "SELECT left_over, reckoned_at FROM carried_allowances WHERE gate_id = ?", (gate,)
    ).fetchone()
    if row is not None:
        return refilled(row[0], max(0.0, (now - datetime.fromisoformat(row[1])).total_seconds() / _DAY_S))
    heard, joined = connection.execute(
        "SELECT (SELECT max(at) FROM carried_lines WHERE gate_id = ?1), (SELECT joined_at FROM gates WHERE id = ?1)",
        (gate,),
    ).fetchone()
    days = (now - datetime.fromisoformat(heard or joined)).total_seconds() / _DAY_S if heard or joined else 0.0
    return refilled(A_DAY * _DAYS_AT_LEAST, min(max(0.0, days), _DAYS_AT_MOST))


def keep(connection: sqlite3.Connection, gate: str, left_over: float, now: datetime) -> None:
    """So much is left now. Part of a transaction."""
    connection.execute(
        "INSERT OR REPLACE INTO carried_allowances (gate_id, left_over, reckoned_at) VALUES (?, ?, ?)",
        (gate, left_over, now.astimezone(UTC).isoformat()),
    )
