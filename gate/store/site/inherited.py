"""What a gate goes on doing that was there before its settings had to say so."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass

from gate.vocabulary import Level


@dataclass(frozen=True, slots=True)
class Inherited:
    """What holds where the settings say nothing; None each: as at a new gate."""

    strangers_a_day: float | None = None
    """How many strangers a day the promise counts on."""
    liveness: Level | None = None
    """How much liveness is asked for."""


def inherited(connection: sqlite3.Connection) -> Inherited:
    """What this gate does as before."""
    counted, level = connection.execute("SELECT strangers_a_day, liveness FROM gate").fetchone()
    return Inherited(None if counted is None else float(counted), None if level is None else Level(level))
