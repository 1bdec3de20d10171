"""Stores in memory, for what asks no disk."""

import sqlite3
from functools import cache
from pathlib import Path

from gate.store.database import migrated_up_to, schema_version


@cache
def _empty():
    """All steps of the schema, one after the other, take longer than most of what is tried on it."""
    return migrated_up_to(Path(":memory:"), schema_version())


def new_store(gate="g"):
    """An empty one of today's schema, of the gate with this id."""
    made = sqlite3.connect(":memory:", isolation_level=None)
    _empty().backup(made)
    made.execute("PRAGMA foreign_keys = ON")
    made.execute("INSERT INTO gate (only_row, id) VALUES (1, ?)", (gate,))
    return made
