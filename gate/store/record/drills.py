"""Acceptance tests on the record: which of them counts, and whether it proved the gate."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass

from gate.store.record.details import object_of
from gate.vocabulary import Kind


@dataclass(frozen=True, slots=True)
class Drill:
    """One acceptance test, as the record has it."""

    at: str
    """ISO 8601, UTC."""
    failed: int
    """How many of its checks did not pass."""
    simulated: bool
    """Whether it was beside the gate, on pins that move nothing."""

    @property
    def proves(self) -> bool:
        """Whether the gate itself passed all of it."""
        return not self.simulated and not self.failed


def last(connection: sqlite3.Connection) -> Drill | None:
    """The one that counts, whenever it was: the last at the gate itself, before any that was simulated; None: none."""
    lines = connection.execute(
        "SELECT at, details FROM audit WHERE kind = ? ORDER BY sequence DESC", (Kind.DRILLED,)
    ).fetchall()
    drills = [_drill(at, details) for at, details in lines]
    return next((one for one in drills if not one.simulated), drills[0] if drills else None)


def _drill(at: str, details: str) -> Drill:
    said = object_of(details)
    failed = said.get("failed")
    return Drill(at, len(failed) if isinstance(failed, list) else 0, said.get("simulated") is True)
