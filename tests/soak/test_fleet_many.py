"""A centre with fifty gates, and with two hundred: how long one change and one revocation take, also while ten thousand
people are imported; how long a new gate takes to have them all, and one that missed two thousand changes; what broker,
centre and link take of memory and disk.

Broker and centre are the real processes on a disk, with TLS 1.3 and `sync_interval: always`, and a gate acknowledges
what its store has committed. The gates' files are in memory, since two hundred gates have two hundred disks and here
is one. All run on the machine that measures. Fifty gates are whole links with a store of their own, ten to a
process; beyond them, and for the import beyond five that have a process each, gates read and acknowledge and keep
nothing, since two cores cannot write two million people in the place of two hundred machines."""

import json
import os
import time
from contextlib import ExitStack, closing
from multiprocessing import get_context
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from gate.processes.fields import written
from gate.store.compound import outbox
from gate.store.database import database_of, open_read_only, transaction
from gate.store.people import changes, erasure, residents
from tests.conftest import MEMORY
from tests.fleet import Gate, Process, centre_running
from tests.running import wait_for
from tests.soak.fleet import (
    Links,
    disk_mb,
    enrolled,
    import_into,
    import_people,
    joined_without_pairing,
    memory_mb,
    percentile,
)

pytestmark = pytest.mark.soak

GATES = [int(one) for one in os.environ.get("SOAK_GATES", "50,200").split(",")]
PEOPLE = int(os.environ.get("SOAK_PEOPLE", "10000"))
CHANGES = int(os.environ.get("SOAK_CHANGES", "30"))
WHOLE, PRESENT, MISSED = 5, 200, 2000
LINKS, TO_A_PROCESS = int(os.environ.get("SOAK_LINKS", "50")), 10
REVOKED_EVERY_S = 1.0


@pytest.fixture
def place():
    with TemporaryDirectory(prefix="fg-") as folder:
        yield Path(folder)


@pytest.fixture
def memory():
    if not MEMORY.is_dir():
        pytest.skip(f"no files in memory here: {MEMORY}")
    with TemporaryDirectory(prefix="fg-", dir=MEMORY) as folder:
        yield Path(folder)


class Everywhere:
    """The stores of some gates, looked at by what costs them nothing."""

    def __init__(self, stack, states):
        self._stores = [stack.enter_context(closing(open_read_only(one))) for one in states]

    def until(self, query, values, began, *, there=True, within_s=120):
        """Wait until a row is at every gate, or at none; how long that took at each, seconds."""
        took, left = [], list(self._stores)
        while left:
            seen = [one for one in left if (one.execute(query, values).fetchone() is not None) is there]
            took += [time.monotonic() - began] * len(seen)
            left = [one for one in left if one not in seen]
            assert time.monotonic() - began < within_s, f"{len(left)} gates still wait"
            time.sleep(0.002)
        return took


HERE = "SELECT 1 FROM residents WHERE id = ?"
CALLED = "SELECT 1 FROM residents WHERE id = ? AND name = ?"


def begin_light(stack, reading):
    """What reads and acknowledges as these gates would, and keeps nothing."""
    for first in range(0, len(reading), 100):
        stack.callback(Links([json.dumps(written(one)) for one in reading[first : first + 100]], "--light").end)


@pytest.mark.parametrize("count", GATES)
def test_one_change_at_many_gates(place, memory, count):
    states = [memory / f"g{number}" for number in range(min(count, LINKS))]
    with centre_running(place / "c", place) as centre, ExitStack() as stack:
        with centre.store() as store:
            for number, one in enumerate(states):
                joined_without_pairing(centre, store, one, f"gate {number}")
            reading = [joined_without_pairing(centre, store, None, f"light {one}") for one in range(LINKS, count)]
            everywhere = Everywhere(stack, states)
            begin_light(stack, reading)
            for first in range(0, len(states), TO_A_PROCESS):
                stack.callback(Links(states[first : first + TO_A_PROCESS]).end)
            people, enrolments, revocations = [], [], []
            people.append(enrolled(store, "First", 0))
            everywhere.until(HERE, (people[0].id,), time.monotonic())
            for number in range(CHANGES):
                began = time.monotonic()
                people.append(enrolled(store, f"Resident {number}", number))
                enrolments += everywhere.until(HERE, (people[-1].id,), began)
            for number in range(CHANGES):
                began = time.monotonic()
                changes.change(store, people[0], changes.Changes(name=f"Renamed {number}"), by="test")
                people[0] = residents.get(store, people[0].id)
                enrolments += everywhere.until(CALLED, (people[0].id, people[0].name), began)
            for one in people:
                began = time.monotonic()
                erasure.remove(store, one, by="test")
                revocations += everywhere.until(HERE, (one.id,), began, there=False)
        print(
            f"\n{count} gates, {len(states)} of them whole links, {TO_A_PROCESS} to a process:"
            f"\n  enrolled or renamed at the centre, until at a gate: {told(enrolments)}"
            f"\n  erased at the centre, until gone at a gate: {told(revocations)}"
            f"\n  memory of the broker {memory_mb(centre.broker.running.pid):.0f} MB,"
            f" of the centre {memory_mb(centre.process.running.pid):.0f} MB"
        )


@pytest.mark.parametrize("count", GATES)
def test_many_are_imported(place, memory, count):
    with centre_running(place / "c", place) as centre, ExitStack() as stack:
        with centre.store() as store:
            states = [memory / f"g{number}" for number in range(WHOLE)]
            for number, one in enumerate(states):
                joined_without_pairing(centre, store, one, f"whole {number}")
            reading = [joined_without_pairing(centre, store, None, f"light {number}") for number in range(WHOLE, count)]
        gates = [Gate(one.name, one, None, Process(one, "link", {}, place)) for one in states]
        for one in gates:
            stack.callback(one.link.end)
        begin_light(stack, reading)
        looked = Everywhere(stack, states)
        took = revoked_meanwhile(centre, looked)
        print(f"\n{count} gates, {WHOLE} of them whole, {PEOPLE} imported:")
        print(f"  erased at the centre meanwhile, until gone at a gate: {told(took)}")
        began = time.monotonic()
        centre.whole_at(gates, within_s=600)
        print(f"  the import was at the gates {time.monotonic() - began:.0f} s after its last line was committed")
        missed(centre, gates[0])
        a_new_gate(centre, place)
        print(
            f"  memory at most: broker {memory_mb(centre.broker.running.pid):.0f} MB,"
            f" centre {memory_mb(centre.process.running.pid):.0f} MB,"
            f" link {memory_mb(gates[1].link.running.pid):.0f} MB;"
            f" disk: broker's store {disk_mb(centre.state / 'centre/broker'):.0f} MB,"
            f" centre's database {disk_mb(database_of(centre.state).parent):.0f} MB,"
            f" a gate's {disk_mb(database_of(states[1]).parent):.0f} MB"
        )
        assert percentile(took, 99) < 1.0


def revoked_meanwhile(centre, looked):
    """Import people in a process of its own, and meanwhile take somebody away every second; how long that took at each
    gate, seconds."""
    took = []
    with centre.store() as store:
        known = import_people(store, PRESENT, "Resident")
        looked.until(HERE, (known[-1],), time.monotonic())
        importing = get_context("spawn").Process(target=import_into, args=(centre.state, PEOPLE))
        importing.start()
        while known and (importing.is_alive() or outbox.are_due(store)):
            began = time.monotonic()
            gone = known.pop(0)
            erasure.remove(store, residents.get(store, gone), by="test")
            took += looked.until(HERE, (gone,), began, there=False)
            time.sleep(max(0.0, REVOKED_EVERY_S - (time.monotonic() - began)))
        importing.join()
        assert importing.exitcode == 0
    return took


def missed(centre, gate):
    """One gate is cut off while people are renamed; how long it takes then until it knows."""
    gate.link.end()
    with centre.store() as store:
        people = residents.every(store)[-MISSED:]
        for first in range(0, len(people), 100):
            with transaction(store):
                for one in people[first : first + 100]:
                    changes.change(store, one, changes.Changes(name=f"{one.name} again"), by="test")
        wait_for(lambda: not outbox.are_due(store), 120, "not all is published")
    gate.link.start()
    began = time.monotonic()
    centre.whole_at([gate], within_s=300)
    print(f"  {len(people)} missed changes were at a gate {time.monotonic() - began:.1f} s after its link was there")


def a_new_gate(centre, place):
    """A gate with an empty store, on the disk; how long it takes until it has everybody."""
    with centre.store() as store:
        joined_without_pairing(centre, store, place / "new", "new")
        (people,) = store.execute("SELECT count(*) FROM residents").fetchone()
    link = Process(place / "new", "link", {}, place)
    try:
        began = time.monotonic()
        centre.whole_at([Gate("new", place / "new", None, link)], within_s=600)
        print(
            f"  a new gate, on the disk, had {people} people {time.monotonic() - began:.1f} s after its link was there"
        )
    finally:
        link.end()


def told(took):
    return (
        f"{percentile(took, 50) * 1000:.0f} ms (p50), {percentile(took, 99) * 1000:.0f} ms (p99),"
        f" {max(took) * 1000:.0f} ms (worst)"
    )
