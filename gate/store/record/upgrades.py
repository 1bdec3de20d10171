"""Upgrades on the record: what came of the last one."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass

from gate.store.record.details import object_of
from gate.vocabulary import Kind


@dataclass(frozen=True, slots=True)
class Upgrade:
    """One version that took over from another, or did not come up."""

    at: str
    """ISO 8601, UTC."""
    before: str
    version: str
    failed: bool
    why: str
    """Why it failed; empty where it did not."""


def last(connection: sqlite3.Connection) -> Upgrade | None:
    """The last upgrade; None where there was none."""
    line = connection.execute(
        "SELECT at, kind, details FROM audit WHERE kind IN (?, ?) ORDER BY sequence DESC LIMIT 1",
        (Kind.VERSION_CHANGED, Kind.UPGRADE_FAILED),
    ).fetchone()
    if line is None:
        return None
    at, kind, details = line
    said = object_of(details)
    before, version, why = (str(said.get(name, "")) for name in ("from", "to", "why"))
    return Upgrade(at, before, version, kind == Kind.UPGRADE_FAILED, why)
