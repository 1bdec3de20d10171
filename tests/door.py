"""A door in a process of its own, asked over its socket, its mock pins driven and read."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from contextlib import contextmanager

from gate.door.pins import DRIVE_NAME, JOURNAL_NAME, read_journal
from gate.door.rules import Known
from gate.processes.addresses import socket_of
from gate.processes.client import Client
from gate.store.database import open_database
from gate.store.record import audit
from tests.running import wait_for

FAST = {"pulse_s": 0.2, "max_pulse_s": 1.0, "min_interval_s": 0.1}
FIRE, HOLD, REX, CONTACT, TAMPER, READBACK = 5, 6, 13, 19, 26, 16


# The door's own program, on a clock that a time service vouches for, or does not.
ON_A_CLOCK = """
import sys, time
from functools import partial
import gate.door.service as door
from gate.clock import ClockWatch, Reading
seen = lambda: Reading(time.monotonic(), time.time(), {synchronised}, None, None)
door.ClockWatch = partial(ClockWatch, look=seen)
sys.exit(door.main())
"""


@contextmanager
def door_process(state, synchronised=None, program=None, **door):
    """A running door; yields the process and a client. Its clock is the machine's unless `synchronised` says, or the
    `program`, which stands in the place of the door's own then."""
    if program is None:
        program = [sys.executable, "-m", "gate.door.service"]
        if synchronised is not None:
            program = [sys.executable, "-c", ON_A_CLOCK.format(synchronised=synchronised)]
    (state / "run" / "door").mkdir(parents=True, exist_ok=True)
    address = state / "run" / "notify.test"
    address.unlink(missing_ok=True)
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notified:
        notified.bind(str(address))
        notified.settimeout(30)
        process = subprocess.Popen(
            program,
            stdin=subprocess.PIPE, text=True, env=os.environ | {"NOTIFY_SOCKET": str(address)},
        )  # fmt: skip
        process.stdin.write(json.dumps({"state": str(state), "door": FAST | door}) + "\n")
        process.stdin.flush()
        try:
            assert b"READY=1" in notified.recv(200)
            yield process, Client(socket_of(state, "door"))
        finally:
            process.terminate()
            process.wait(10)
            process.stdin.close()


@contextmanager
def stopped(process):
    """A process that hangs meanwhile."""
    process.send_signal(signal.SIGSTOP)
    try:
        yield
    finally:
        process.send_signal(signal.SIGCONT)


def claim(who, number=1):
    return {"do": "claim", "id": f"c{number}", "track": 1, "taken_mono": time.monotonic(),
            "resident": who, "reason": None, "frames": 3, "similarity": 0.8}  # fmt: skip


def known_well(resident):
    """What the door knows when vision brings a claim of a resident whom nothing bars."""
    return Known(resident, from_its_user=True, at_this_gate=True, valid=True, within_hours=True, one_suffices=True)


def events(state):
    connection = open_database(state)
    try:
        assert audit.verify(connection) is None
        return list(audit.lines(connection))
    finally:
        connection.close()


def edges(state):
    return [edge["level"] for edge in read_journal(state / "run" / "door" / JOURNAL_NAME) if edge["pin"] == "GPIO17"]


def drive(state, pin, level):
    """Put a level on an input of the mock board; 0 is a contact to ground that closes."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as wire:
        wire.sendto(json.dumps({"pin": pin, "level": level}).encode(), str(state / "run" / "door" / DRIVE_NAME))


def until(client, within_s=5.0, **wanted):
    """Ask for the door's status until it has these values."""
    told = []

    def reached():
        told[:] = [client.ask({"do": "status"})]
        return all(told[0][name] == value for name, value in wanted.items())

    wait_for(reached, within_s, told)
    return told[0]
