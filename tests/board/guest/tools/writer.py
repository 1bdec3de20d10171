"""Runs in the board as its api would: enrols people and has the gate opened, and says each to the outside once it is on
record and not before.

What it says went out of the board: the record may never lose it.
"""

import secrets
import struct
import sys
import time
from contextlib import closing
from itertools import count
from pathlib import Path

from agent import port

from gate.processes import asking
from gate.processes.addresses import socket_of
from gate.processes.client import Client
from gate.processes.requests import Do
from gate.store.database import open_database
from gate.store.people import residents
from gate.store.people.consents import NO_PERSON
from gate.store.people.templates import Template
from gate.store.record import audit

STATE = Path("/var/lib/facegate")


def template():
    """Nobody's face."""
    numbers = [secrets.randbelow(1000) / 1000 for _ in range(192)]
    return Template("board", "photo", {}, struct.pack("<192f", *numbers))


def granted(store, after):
    """The lines of openings beyond a line of the record."""
    return [line for line in audit.lines(store, last=20) if line.sequence > after and line.kind == "granted"]


def main():
    """`writer.py NAME`: until the power goes."""
    with (
        closing(open_database(STATE)) as store,
        closing(Client(socket_of(STATE, "door"), timeout_s=10)) as door,
        open(port("acks"), "wb", buffering=0) as outside,
    ):
        for number in count():
            enrolled = residents.enrol(store, f"{sys.argv[1]} {number}", "1-1", [template()], NO_PERSON, by="board")
            outside.write(f"enrolled {enrolled.id}\n".encode())
            last = audit.anchor(store).sequence
            if asking.order(door, Do.OPEN).granted:
                while not (lines := granted(store, last)):
                    time.sleep(0.01)
                outside.write(f"opened {lines[0].id}\n".encode())


if __name__ == "__main__":
    sys.exit(main())
