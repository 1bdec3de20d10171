"""Runs in the board: how the door is (`ask.py status`), or the newest lines of a kind on record (`ask.py KIND`).

Less than the commands do, in a fraction of their time.
"""

import json
import sys
from contextlib import closing
from dataclasses import asdict
from pathlib import Path

from gate.processes import asking
from gate.processes.addresses import socket_of
from gate.processes.client import Client, LinkDown
from gate.store.database import open_read_only
from gate.store.record import audit

STATE = Path("/var/lib/facegate")


def main():
    """One JSON value; null where the door does not answer."""
    what = sys.argv[1]
    if what == "status":
        try:
            with closing(Client(socket_of(STATE, "door"), timeout_s=10)) as door:
                said = asdict(asking.door_status(door))
        except LinkDown:
            said = None
    else:
        with closing(open_read_only(STATE)) as store:
            said = [asdict(line) for line in audit.lines(store, last=40) if line.kind == what]
    print(json.dumps(said))


if __name__ == "__main__":
    sys.exit(main())
