"""Upgrades on the record: whether the last one failed."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass

from gate.store.record.details import object_of
from gate.vocabulary import Kind


@dataclass(frozen=True, slots=True)
class FailedUpgrade:
    """A version that did not come up: when, which, and why."""

    at: str
    """ISO 8601, UTC."""
    version: str
    why: str


def last_failed(connection: sqlite3.Connection) -> FailedUpgrade | None:
    """The last upgrade, where it failed; None where it did not, or there was none."""
    line = connection.execute(
        "SELECT at, kind, details FROM audit WHERE kind IN (?, ?) ORDER BY sequence DESC LIMIT 1",
        (Kind.VERSION_CHANGED, Kind.UPGRADE_FAILED),
    ).fetchone()
    if line is None or line[1] != Kind.UPGRADE_FAILED:
        return None
    said = object_of(line[2])
    return FailedUpgrade(line[0], str(said.get("to", "")), str(said.get("why", "")))
