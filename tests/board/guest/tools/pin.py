"""Runs in the board, as the console's user: a new PIN for the resident of that name, as it is typed (`pin.py NAME`)."""

import sys
from contextlib import closing
from functools import partial
from pathlib import Path

from enroll.codes import new_pin
from gate.processes import asking
from gate.processes.addresses import socket_of
from gate.processes.client import Client
from gate.store.database import open_database
from gate.store.people import residents

STATE = Path("/var/lib/facegate")


def main():
    """Digits and `#`."""
    with closing(open_database(STATE)) as store, closing(Client(socket_of(STATE, "door"), timeout_s=10)) as door:
        resident = residents.find(store, sys.argv[1])
        print(new_pin(store, partial(asking.seal, door), resident, by="the board").typed.replace(" ", ""))


if __name__ == "__main__":
    sys.exit(main())
