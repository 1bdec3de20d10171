"""What a gate promised before its settings had to say so."""

from __future__ import annotations

import sqlite3


def strangers_before(connection: sqlite3.Connection) -> float | None:
    """How many strangers a day the promise counts on where the settings say nothing; None: as at a new gate."""
    (counted,) = connection.execute("SELECT strangers_a_day FROM gate").fetchone()
    return None if counted is None else float(counted)
