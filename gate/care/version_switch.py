"""Put on record that a version took over from another, or why it did not: called by whoever switches versions."""

from __future__ import annotations

import sys
from contextlib import closing
from pathlib import Path

from gate.errors import FacegateError
from gate.store.database import open_database
from gate.store.record import audit
from gate.vocabulary import AuditEvent, Kind


def main() -> int:
    """Entry point: the state, the version before, the one after, and why that is not in use ("" where it is)."""
    state, before, after, trouble = sys.argv[1:]
    versions: dict[str, object] = {"from": before, "to": after}
    event = AuditEvent(Kind.UPGRADE_FAILED, versions | {"why": trouble})
    if not trouble:
        event = AuditEvent(Kind.VERSION_CHANGED, versions)
    try:
        with closing(open_database(Path(state))) as connection:
            audit.append(connection, event)
    except FacegateError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
