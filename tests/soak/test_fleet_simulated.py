"""A thousand gates and a hundred thousand people, simulated: what no two cores can run is counted, and said to be.

The gates are lines to a real broker with TLS 1.3 and `sync_interval: always` that read and acknowledge, and have no
store. The people are in the stores of a centre and one gate, in memory, with no broker between them: a centre tells its
broker of two hundred a second at most."""

import json
import os
import threading
import time
from collections import defaultdict
from contextlib import ExitStack, closing, nullcontext
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from gate.processes.fields import written
from gate.store.compound import items, outbox, role, taken
from gate.store.compound.entries import RegisterKind
from gate.store.database import transaction
from gate.store.people import changes, erasure, residents
from tests.compound import following
from tests.fleet import centre_running
from tests.running import wait_for
from tests.soak.fleet import Links, enrolled, joined_without_pairing, memory_mb, percentile
from tests.stores import new_store

pytestmark = pytest.mark.soak

GATES = int(os.environ.get("SOAK_GATES", "1000"))
PEOPLE = int(os.environ.get("SOAK_PEOPLE", "100000"))
CHANGES = int(os.environ.get("SOAK_CHANGES", "10"))
TO_A_PROCESS, AT_ONCE = 100, 50


class Heard:
    """At how many gates each subject came, and when."""

    def __init__(self):
        self._at, self._changed = defaultdict(list), threading.Condition()

    def listen(self, links):
        threading.Thread(target=self._listen, args=(links,), daemon=True).start()

    def _listen(self, links):
        for at, subject in links.told():
            with self._changed:
                self._at[subject].append(at)
                self._changed.notify_all()

    def everywhere(self, subject, began, within_s=120):
        """Wait until it came to every gate; after how many seconds, of each."""
        with self._changed:
            assert self._changed.wait_for(lambda: len(self._at[subject]) >= GATES, within_s), len(self._at[subject])
            return [at - began for at in self._at[subject]]


def test_a_change_reaches_a_thousand_gates():
    with TemporaryDirectory(prefix="fg-") as folder, ExitStack() as stack:
        place, heard = Path(folder), Heard()
        centre = stack.enter_context(centre_running(place / "c", place))
        with centre.store() as store:
            joined = [joined_without_pairing(centre, store, None, f"gate {one}") for one in range(GATES)]
            for first in range(0, GATES, TO_A_PROCESS):
                links = Links([json.dumps(written(one)) for one in joined[first : first + TO_A_PROCESS]],
                              "--light", "--telling")  # fmt: skip
                stack.callback(links.end)
                heard.listen(links)
            people = [enrolled(store, "First", 0)]
            heard.everywhere(f"register.resident.{people[0].id}", time.monotonic(), within_s=600)
            came, gone = [], []
            for number in range(CHANGES):
                began = time.monotonic()
                people.append(enrolled(store, f"Resident {number}", number))
                came += heard.everywhere(f"register.resident.{people[-1].id}", began)
            for one in people:
                began = time.monotonic()
                erasure.remove(store, one, by="test")
                gone += heard.everywhere(f"register.revocation.{one.id}", began)
        print(
            f"\n{GATES} gates, simulated: each a line that reads and acknowledges, {TO_A_PROCESS} to a process"
            f"\n  enrolled at the centre, until a gate read it: {told(came)}"
            f"\n  erased at the centre, until a gate read it: {told(gone)}"
            f"\n  memory of the broker {memory_mb(centre.broker.running.pid):.0f} MB,"
            f" of the centre {memory_mb(centre.process.running.pid):.0f} MB"
        )
        # It says goodbye to four thousand readers for longer than a process of ours may take to end.
        centre.broker.end(kill=True)


def test_one_change_among_a_hundred_thousand_people():
    with closing(new_store()) as centre, closing(following()) as gate:
        role.become_centre(centre)
        sequence = 0

        def passed_on():
            nonlocal sequence
            while batch := outbox.due(centre, AT_ONCE):
                outbox.published(centre, [(one, sequence := sequence + 1) for one in batch])
                # As a gate does: to erase somebody is a transaction of its own.
                revokes = any(one.kind is RegisterKind.REVOCATION for one in batch)
                with nullcontext() if revokes else transaction(gate):
                    for one in batch:
                        taken.take(gate, one.kind, one.version, one.entry)
            items.sum_up(centre)
            items.sum_up(gate)
            assert items.state(gate, items.epoch(centre)) == outbox.state(centre)

        for first in range(0, PEOPLE, 1000):
            with transaction(centre):
                people = [enrolled(centre, f"Resident {one}", one) for one in range(first, first + 1000)]
            passed_on()
        renamed, gone = [], []
        for number, one in enumerate(people[:100]):
            began = time.perf_counter()
            changes.change(centre, residents.get(centre, one.id), changes.Changes(name=f"Renamed {number}"), by="test")
            passed_on()
            renamed.append(time.perf_counter() - began)
        for one in people[:20]:
            began = time.perf_counter()
            erasure.remove(centre, residents.get(centre, one.id), by="test")
            passed_on()
            gone.append(time.perf_counter() - began)
        began = time.perf_counter()
        items.sum_anew(gate)
        anew = time.perf_counter() - began
        print(
            f"\n{PEOPLE} people, {items.count(centre)} entries, simulated: two stores in memory, no broker between them"
            f"\n  renamed at the centre, taken at the gate, both compared: {told(renamed)}"
            f"\n  erased likewise: {told(gone)}"
            f"\n  all of a register counted, where it seems to be another: {anew:.1f} s"
        )
        assert percentile(renamed, 99) < 1.0
        wait_for(lambda: not outbox.are_due(centre), 1)


def told(took):
    return f"{percentile(took, 50) * 1000:.0f} ms (p50), {percentile(took, 99) * 1000:.0f} ms (p99)"
