"""What the slow proofs of many gates stand on: people who come and go everywhere, doors that are asked meanwhile, a
disk whose power is cut."""

import fcntl
import os
import random
import struct
import subprocess
import sys
import threading
import time
from contextlib import ExitStack, closing
from datetime import UTC, datetime
from itertools import count
from pathlib import Path

import numpy as np

from centre.secrets import secrets_of
from gate.fleet import keys
from gate.fleet.joined import Joined, write_joined
from gate.fleet.nkeys import new_nkey_seed, nkey_public
from gate.processes.addresses import socket_of
from gate.processes.client import Client, LinkDown
from gate.store.compound import gates, items
from gate.store.compound.gates import Gate
from gate.store.compound.role import follow
from gate.store.database import open_database, open_read_only
from gate.store.ids import new_id
from gate.store.people import changes, credentials, erasure, residents, templates
from gate.store.people.consents import Consent, Way
from tests.door import claim
from tests.running import wait_for
from tests.soak.test_upgrade_cut import SHUT_DOWN, WITHOUT_ITS_LOG

EVERY_GATE = Consent("face-3", "en", "", Way.TOLD, "test")
_SIDE = 128
# Quicker than any model.
_LOOKED_AT_S = 0.02


def face_of(number):
    """A template of nobody's face, the same for the same number."""
    made = np.random.default_rng(number).standard_normal(_SIDE).astype(np.float32)
    return templates.Template("test", "photo", {"sharpness": 0.8}, (made / np.linalg.norm(made)).tobytes())


def enrolled(store, name, number=1, unit="3-1-502"):
    """Somebody who agreed to every gate, with one face."""
    return residents.enrol(store, name, unit, [face_of(number)], EVERY_GATE, by="test")


def import_people(store, many, name="Import"):
    """Many, one after the other; their ids."""
    return [enrolled(store, f"{name} {one}", one).id for one in range(many)]


def import_into(state, many):
    """The same as a process of its own, which looks at a photo between two of them."""
    with closing(open_database(state)) as store:
        for one in range(many):
            enrolled(store, f"Import {one}", one)
            time.sleep(_LOOKED_AT_S)


def percentile(values, of):
    """The value that so many of a hundred do not exceed."""
    return sorted(values)[min(len(values) - 1, int(len(values) * of / 100))]


class Asking:
    """People who walk up to the doors all the while: how long each door took to answer, and whether it let them in."""

    def __init__(self, gates, who, every_s=0.7):
        self.took, self.refused, self._ended = [], [], threading.Event()
        self._threads = [threading.Thread(target=self._ask, args=(one, who, every_s)) for one in gates]

    def __enter__(self):
        for one in self._threads:
            one.start()
        return self

    def __exit__(self, *_):
        self._ended.set()
        for one in self._threads:
            one.join()

    def _ask(self, gate, who, every_s):
        with closing(Client(socket_of(gate.state, "door"))) as door:
            while not self._ended.wait(every_s):
                began = time.monotonic()
                try:
                    answer = door.ask(claim(who, new_id()))
                except LinkDown as error:
                    answer = {"granted": False, "gate": gate.name, "why": str(error)}
                self.took.append(time.monotonic() - began)
                if not answer["granted"]:
                    self.refused.append(answer)

    def told(self):
        return (
            f"{len(self.took)} people at the doors meanwhile, {len(self.refused)} not let in; answered after"
            f" {percentile(self.took, 50) * 1000:.0f} ms (p50), {percentile(self.took, 99) * 1000:.0f} ms (p99),"
            f" {max(self.took) * 1000:.0f} ms at most"
        )


class Writing:
    """Somebody enrols, renames and erases at the centre, and erases at the gates, until told to stop. What was
    acknowledged is in `expected`, name by id, and in `erased`."""

    def __init__(self, centre, gates, seed, every_s=0.05, first=1):
        """Names are numbered from `first` on: two people of one name in one home are refused."""
        self._centre, self._gates, self._every_s = centre, gates, every_s
        self._chance = random.Random(seed)
        self._numbers = count(first)
        self.expected, self.erased = {}, set()
        self.deeds = 0

    def __enter__(self):
        self._ended = threading.Event()
        self._problem = None
        self._thread = threading.Thread(target=self._write)
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._ended.set()
        self._thread.join()
        assert self._problem is None, self._problem

    def _write(self):
        try:
            with ExitStack() as stack:
                store = stack.enter_context(self._centre.store())
                there = [stack.enter_context(gate.store()) for gate in self._gates]
                while not self._ended.wait(self._every_s):
                    self._deed(store, self._chance.choice(there))
                    self.deeds += 1
        except Exception as error:
            self._problem = error

    def _deed(self, store, gate):
        what = self._chance.random()
        someone = self._chance.choice(list(self.expected)) if len(self.expected) > 20 else None
        if what < 0.6 or someone is None:
            number = next(self._numbers)
            self.expected[enrolled(store, f"Resident {number}", number).id] = f"Resident {number}"
        elif what < 0.8:
            name = f"Renamed {next(self._numbers)}"
            # Somebody whom a gate erased may be gone here at any moment.
            person = residents.get(store, someone)
            if person is not None:
                changes.change(store, person, changes.Changes(name=name), by="test")
                self.expected[someone] = name
        else:
            where = store if what < 0.9 else gate
            person = residents.get(where, someone)
            if person is not None:
                erasure.remove(where, person, by="test")
                self.expected.pop(someone)
                self.erased.add(someone)


class Looking:
    """Looks at the stores of a centre and its gates, by connections of its own that only read."""

    def __init__(self, stack, centre, gates):
        self._centre, *self._gates = (
            stack.enter_context(closing(open_read_only(one.state))) for one in (centre, *gates)
        )

    def epoch(self):
        return items.epoch(self._centre)

    def until_whole(self, expected, within_s=90):
        """Wait until everybody is at the centre and at every gate as `expected` says, and the register the same; how
        long that took, seconds."""
        began = time.monotonic()
        wait_for(lambda: self._whole(expected), within_s, lambda: self._differs(expected))
        return time.monotonic() - began

    def _whole(self, expected):
        time.sleep(0.02)
        (due,) = self._centre.execute("SELECT count(due) FROM register").fetchone()
        return not due and not self._differs(expected)

    def _differs(self, expected):
        here = items.state(self._centre, self.epoch())
        for number, one in enumerate((self._centre, *self._gates)):
            there = dict(one.execute("SELECT id, name FROM residents").fetchall())
            if there != expected:
                wrong = {who for who in there.keys() | expected.keys() if there.get(who) != expected.get(who)}
                return f"store {number}: {len(wrong)} differ"
            if number and items.state(one, here.epoch) != here:
                return f"store {number}: another register"
        return None


class Disk:
    """A file system in a file, whose power can be cut: what was not handed to the disk is gone (ioctl of ext4)."""

    def __init__(self, folder, at):
        self._folder, self._at, self._numbers = folder, at, count()
        self._image = self._next()
        with self._image.open("wb") as file:
            file.truncate(512 << 20)
        subprocess.run(["mkfs.ext4", "-q", self._image], check=True)
        at.mkdir(parents=True, exist_ok=True)
        self._mount()

    def cut(self):
        """From now on nothing is written any more, whoever tries."""
        root = os.open(self._at, os.O_RDONLY | os.O_DIRECTORY)
        fcntl.ioctl(root, SHUT_DOWN, struct.pack("I", WITHOUT_ITS_LOG))
        os.close(root)

    def again(self):
        """The power is back: a copy of what the disk has, since whoever else has namespaces of mounts on this machine
        may hold the other for a while."""
        before, self._image = self._image, self._next()
        subprocess.run(["cp", "--sparse=always", before, self._image], check=True)
        self.unmount()
        self._mount()
        before.unlink()

    def unmount(self):
        """Off, for whoever looks from here."""
        subprocess.run(["umount", "--lazy", self._at], check=True)

    def _next(self):
        return self._folder / f"disk{next(self._numbers)}.img"

    def _mount(self):
        subprocess.run(["mount", "-o", "loop", self._image, self._at], check=True)


def empty(folder):
    """All that is in a folder goes, and the folder stays."""
    for one in folder.iterdir():
        if one.name != "lost+found":
            subprocess.run(["rm", "-rf", one], check=True)


def joined_without_pairing(centre, store, state, name, address="127.0.0.1"):
    """A gate that follows, as if it had been paired, and without a state where that is None: what it keeps of its
    centre. `store` is the centre's."""
    mine, nkey_seed = secrets_of(centre.state), new_nkey_seed()
    box, signer = keys.new_seed(), keys.new_seed()
    identity = new_id()
    if state is not None:
        with closing(open_database(state)) as there:
            (identity,) = there.execute("SELECT id FROM gate").fetchone()
            follow(there, credentials.salt(store), "127.0.0.1", by="test")
    joined = Joined(
        address, centre.port, identity, mine.certificate, keys.signer_public(mine.signer_seed),
        keys.box_public(mine.box_seed), nkey_seed, box, signer,
    )  # fmt: skip
    if state is not None:
        write_joined(state, joined)
    known_as = (nkey_public(nkey_seed), keys.box_public(box), keys.signer_public(signer))
    gates.add(store, Gate(identity, name, *known_as, datetime.now(UTC).isoformat()))
    return joined


class Links:
    """Links of many gates in one process (`tests.soak.links`), each with a state, or light ones with none."""

    def __init__(self, given, *options):
        # What is light stands for other machines, whose work takes nothing from the broker's.
        last = ("nice", "-n", "19") if "--light" in options else ()
        command = [*last, sys.executable, "-m", "tests.soak.links", *options]
        self._running = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self._running.stdin.write("".join(f"{one}\n" for one in given))
        self._running.stdin.close()
        assert self._running.stdout.readline() == "ready\n"
        self.pid = self._running.pid

    def told(self):
        """What gates that tell say, for ever: when, by the monotonic clock, and the subject that came to one."""
        for line in self._running.stdout:
            at, subject = line.split()
            yield float(at), subject

    def end(self):
        self._running.kill()
        self._running.wait(10)
        self._running.stdout.close()


def memory_mb(pid):
    """The most that a process ever had in memory, MB."""
    lines = Path(f"/proc/{pid}/status").read_text("ascii").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) / 1024


def disk_mb(folder):
    """How much the files of a folder take, MB."""
    done = subprocess.run(["du", "-sk", folder], capture_output=True, text=True, check=True)
    return int(done.stdout.split()[0]) / 1024
