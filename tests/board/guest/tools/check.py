"""Runs in the board after a start: what of the things that were said outside is no longer in its database."""

import json
import sqlite3
import sys
from contextlib import closing
from pathlib import Path

from gate.store.database import open_database
from gate.store.people import residents, templates
from gate.store.record import audit


def main():
    """Ids on standard input, {"enrolled": [...], "opened": [...]}; what is missing of them on standard output."""
    said = json.load(sys.stdin)
    with closing(open_database(Path("/var/lib/facegate"))) as store:
        (integrity,) = store.execute("PRAGMA integrity_check").fetchone()
        broken = store.execute("PRAGMA foreign_key_check").fetchall()
        people = {one.id for one in residents.every(store) if templates.of(store, one.id)}
        lines = {line.id for line in audit.lines(store)}
        flaw = audit.verify(store)
    print(
        json.dumps(
            {
                "enrolments_lost": sorted(set(said["enrolled"]) - people),
                "openings_lost": sorted(set(said["opened"]) - lines),
                "database": integrity if not broken else f"{len(broken)} references to nothing",
                "record": flaw and f"line {flaw.sequence}: {flaw.problem}",
                "sqlite": sqlite3.sqlite_version,
            }
        )
    )


if __name__ == "__main__":
    sys.exit(main())
