"""Power cuts at random moments of enrolments and openings, each followed by a start that is looked at."""

import json
import random
import time
from contextlib import contextmanager
from dataclasses import dataclass, field

from tests.board.forgetful import ForgetfulDisk
from tests.board.machine import DOOR_ALONE, NO_FACES, PYTHON, card, powered
from tests.board.wires import assert_rests, first_press

# Many openings in little time; the rules are the same.
QUICK = """
pulse_s = 0.3
min_interval_s = 0
"""
_AS_API = ("runuser", "-u", "facegate-api", "-g", "facegate", "-G", "facegate-store", "--", PYTHON)


class PlainDisk:
    """A file as a disk: what it was given is there, and only the computer's own memory is gone."""

    def __init__(self, drive):
        self.drive = drive

    def power_on(self):
        """Nothing to do: the file lies there."""

    def stand_still(self, writes, within_s):
        """A file answers always; the power goes at a moment as good as any other."""
        time.sleep(writes / 30)

    def power_off(self):
        """Nothing waited, nothing was forgotten."""
        return 0, 0

    def close(self):
        """Nothing to do."""


@dataclass
class Cuts:
    """What was acknowledged over all cuts, and what each start took."""

    enrolled: list = field(default_factory=list)
    opened: list = field(default_factory=list)
    starts_s: list = field(default_factory=list)
    cuts: int = 0
    waited: int = 0
    forgotten: int = 0
    face_s: float | None = None

    def hear(self, machine):
        """What the machine said was on record before its power went."""
        for line in machine.acknowledged:
            what, _, one = line.partition(" ")
            {"enrolled": self.enrolled, "opened": self.opened}[what].append(one)

    @property
    def figures(self):
        """For the table."""
        said = [
            f"{self.cuts} cuts, {len(self.enrolled)} enrolments and {len(self.opened)} openings acknowledged, 0 lost",
            f"{self.waited} blocks waited for a flush, {self.forgotten} forgotten" if self.waited else "",
            f"REX after {min(self.starts_s):.1f} to {max(self.starts_s):.1f} s" if self.starts_s else "",
            f"a face after {self.face_s:.0f} s" if self.face_s else "",
        ]
        return ", ".join(filter(None, said))


@contextmanager
def plain(board, folder):
    """A card whose host outlives the cut."""
    yield PlainDisk(card(board, folder))


@contextmanager
def forgetful(board, folder, seed):
    """A card with a cache that it forgets."""
    card(board, folder)
    disk = ForgetfulDisk(folder / "card.img", folder / "nbd", seed)
    try:
        yield disk
    finally:
        disk.close()


@contextmanager
def started(board, disk, folder, *, mask=DOOR_ALONE):
    """One start of the board; at its end the power is cut."""
    disk.power_on()
    with powered(board, disk.drive, folder, mask=mask) as machine:
        yield machine


def put_in(machine, fault):
    """A fault on purpose, in the code as it is installed: (file, old, new)."""
    path, old, new = fault
    found = machine.run("sh", "-c", f"echo /opt/facegate/current/lib/python3*/site-packages/{path}").out.strip()
    text = machine.run("cat", found).out
    assert text.count(old) == 1, f"{path} has no longer: {old}"
    machine.write(found, text.replace(old, new))
    # Its bytecode is taken unseen.
    folder, _, name = found.rpartition("/")
    machine.run("sh", "-c", f"rm -f {folder}/__pycache__/{name.removesuffix('.py')}.*; sync")


def lives_through(board, disk, folder, cuts, seed, *, fault=None, face=False):
    """Cut the power so many times. Raises AssertionError by the name of what did not survive."""
    chance, told = random.Random(seed), Cuts()
    for number in range(cuts + 1):
        with started(board, disk, folder, mask=DOOR_ALONE if number else NO_FACES) as machine:
            if number == 0:
                _prepare(machine, fault, face=face)
            _look(machine, told)
            # Whoever ends it early has seen how far it came.
            print(f"\n{told.figures}", flush=True)
            if number < cuts:
                machine.run("sh", "-c", "chmod 666 /dev/vport*")
                ended = machine.start(*_AS_API, "/run/board/writer.py", f"start {number},")
                # At any moment of an enrolment or an opening, and after few or many of them.
                assert machine.acknowledges(chance.randint(1, 40), 60), f"the writer has ended: {ended()}"
                disk.stand_still(chance.randint(1, 30), within_s=10)
        told.hear(machine)
        waited, forgotten = disk.power_off()
        told.waited, told.forgotten = told.waited + waited, told.forgotten + forgotten
        told.cuts += number < cuts
    if face:
        told.face_s = _face(board, disk, folder)
    return told


def _prepare(machine, fault, *, face):
    _until_door(machine)
    settings = machine.run("cat", "/etc/facegate/facegate.toml").out
    machine.write("/etc/facegate/facegate.toml", settings + QUICK)
    if face:
        machine.run("facegate", "enroll", "Wang Fang", "/opt/photos/obama.jpg", within_s=300)
    if fault:
        put_in(machine, fault)
    machine.run("sync")
    machine.run("systemctl", "restart", "facegate-settings.service", "facegate-door.service")


def _until_door(machine):
    """The door is asked until it answers."""
    assert machine.presses_until_open(120), f"the door does not start: {machine.console}"


def _look(machine, told):
    opened = machine.presses_until_open(120)
    assert opened, f"the exit does not work after a power cut: {machine.console}"
    # Before the first cut the door was started anew, and somebody enrolled.
    if told.cuts:
        told.starts_s.append(opened)
        assert_rests(machine, until=first_press(machine))
    said = json.dumps({"enrolled": told.enrolled, "opened": told.opened})
    found = json.loads(machine.run(*_AS_API, "/run/board/check.py", given=said).out)
    assert found["database"] == "ok", f"the database is damaged: {found}"
    assert found["record"] is None, f"the record does not verify: {found}"
    assert not found["enrolments_lost"], f"acknowledged enrolments are lost: {found}"
    assert not found["openings_lost"], f"acknowledged openings are lost: {found}"


def _face(board, disk, folder):
    """After a power cut, with the resident at the gate all along: when he is let in."""
    with started(board, disk, folder, mask=()) as machine:
        machine.scene("resident")
        known = machine.when("relay", True, 0.0, 150)
        assert known, "nobody is known by face after a power cut"
    disk.power_off()
    return known
