"""What whoever can write the database can do to its record: write it anew from a line on, as a chain that verifies."""

import json

from gate.store.record import audit


def rewrite(store, first, change):
    """Change the lines from `first` on by `change(row)` (None takes one away), and compute all their hashes anew."""
    names = audit.COLUMNS.split(", ")
    store.execute("PRAGMA foreign_keys = OFF")
    rows = [dict(zip(names, values, strict=True)) for values in store.execute(f"SELECT {audit.COLUMNS} FROM audit")]
    rows.sort(key=lambda row: row["sequence"])
    kept = [row for row in (change(row) if row["sequence"] >= first else row for row in rows) if row]
    store.execute("DELETE FROM audit")
    previous, number = audit.base(store).hash, audit.base(store).sequence
    for row in kept:
        number += 1
        row |= {"sequence": number, "previous": previous}
        row.pop("hash")
        row["hash"] = previous = audit._hash(row)
        marks = ", ".join(f":{name}" for name in row)
        store.execute(f"INSERT INTO audit ({', '.join(row)}) VALUES ({marks})", row)
    assert audit.verify(store) is None, "by itself it verifies"


def another_time(row):
    """A line that says another time."""
    return row | {"at": "2026-01-01T00:00:00.000+00:00"}


def without(number):
    """Takes one line away."""
    return lambda row: None if row["sequence"] == number else row


def says(**details):
    """A line that says something else."""
    return lambda row: row | {"details": json.dumps(details)}
