"""A whole gate whose processes are killed one after the other while people show what they have: it opens for nobody
twice, gives nothing away afterwards, and loses no use by which it opened."""

from __future__ import annotations

import random
import subprocess
import sys
import time
from collections import Counter
from contextlib import ExitStack, contextmanager, suppress
from functools import partial
from itertools import cycle

import pytest

from evaluate.demo.walkup import Scene, footage
from gate.store.database import database_of
from tests.door import events
from tests.gate.door.test_rolling_codes import clock, set_up  # noqa: F401 - a fixture
from tests.running import stays, wait_for
from tests.soak.street import CARD, FRESH_S, Before, Gate, Street
from tests.soak.test_ways_in import pulses

pytestmark = pytest.mark.soak

PRESENTATIONS, KILLED = 200, 0.2
AT_READER = ("card", "pin", "pass typed", "code of a phone")
AT_CAMERA = ("face", "pass held up")
WAYS = (*AT_READER, *AT_CAMERA, "console")
VICTIMS = ("door", "vision", "api", "readers", "cable", "database's lock")
LOCKED = """
import sqlite3, sys, time
connection = sqlite3.connect(sys.argv[1], isolation_level=None, timeout=20)
print("ready", flush=True)
sys.stdin.readline()
connection.execute("BEGIN IMMEDIATE")
print("locked", flush=True)
time.sleep(60)
"""


class Tally:
    """What came of all presentations."""

    def __init__(self):
        self.shown, self.kills, self.opened = Counter(), Counter(), Counter()
        self.again = self.late = self.lost_while_killed = 0


def wait_for_the_moment(chance, by, opened):
    """As long as something is shown until the kill comes; whoever was let in stands before the camera no longer."""
    end = time.monotonic() + chance.uniform(0, 2.5 if by in AT_CAMERA else 0.3)
    while time.monotonic() < end and not (by in AT_CAMERA and opened()):
        time.sleep(0.01)


@contextmanager
def somebody_who_locks(state):
    """A process that locks the database once it is told to."""
    database = str(database_of(state))
    holder = subprocess.Popen([sys.executable, "-c", LOCKED, database], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    try:
        assert holder.stdout.readline() == b"ready\n"
        yield holder
    finally:
        holder.kill()
        holder.communicate()


def ended(gate, victim, holder, scene, chance):
    """End it, whatever it is doing; what brings it back."""
    if victim == "cable":
        gate.wire.is_cut = True
        scene.clear()
        # Somebody goes on trying; a reader keeps what was shown while it was cut off.
        gate.reader.card(CARD)
        time.sleep(chance.uniform(1.2, 6.0))

        def repaired():
            gate.wire.is_cut = False

        return repaired
    if victim == "database's lock":
        holder.stdin.write(b"\n")
        holder.stdin.flush()
        assert holder.stdout.readline() == b"locked\n"
        scene.clear()
        time.sleep(chance.uniform(0, 1.0))
        holder.kill()
        return lambda: None
    gate.kill(victim)

    def started():
        gate.clear_away(victim)
        gate.start(victim)

    return started


def test_a_gate_whose_parts_are_killed_opens_for_nobody_twice_nor_late_and_loses_no_use(
    state, store, models, models_dir, photos, clock  # noqa: F811
):  # fmt: skip
    chance, tally = random.Random(20), Tally()
    scene = Before(footage([Scene(None, 2.0)], 5))
    with ExitStack() as stack:
        gate = Gate(stack, state, models_dir, clock, scene)
        street = Street(gate, scene, store, models, photos, clock)
        gate.is_whole()
        order = [by for _ in range(PRESENTATIONS // len(WAYS) + 1) for by in WAYS][:PRESENTATIONS]
        victims = cycle(chance.sample(VICTIMS, len(VICTIMS)))
        chance.shuffle(order)
        for by in order:
            before, spent = pulses(state), street.spent()
            if chance.random() < KILLED:
                shown_to_a_gate_that_is_killed(gate, street, scene, next(victims), by, chance, tally)
            else:
                shown_to_a_gate(gate, street, scene, by, before, tally)
            opened = pulses(state) - before
            tally.opened[by] += opened
            if by.startswith("pass"):
                tally.lost_while_killed += account(street, spent, opened)
        wait_for(lambda: gate.client.ask({"do": "status"})["at_rest"], 5)
        on, granted = pulses(state), 0
        with suppress(AssertionError):
            wait_for(lambda: len([line for line in events(state) if line.kind == "granted"]) >= on, 10)
        granted = len([line for line in events(state) if line.kind == "granted"])
    told(tally, on, granted, street.spent())
    assert tally.late == 0
    assert min(tally.kills[one] for one in VICTIMS) >= 5
    # What the record was to be told when the door was killed is lost with it, and nothing else is.
    assert on - tally.kills["door"] <= granted <= on


def shown_to_a_gate(gate, street, scene, by, before, tally):
    """It opens once; on a machine that has much to do they may have to show it again."""
    tally.shown[by] += 1
    street.come(by)
    try:
        wait_for(lambda: pulses(gate.state) > before, 20)
    except AssertionError:
        tally.again += 1
        scene.clear()
        street.come(by)
        wait_for(
            lambda: pulses(gate.state) > before, 30, lambda: (by, [line.details for line in events(gate.state)][-5:])
        )
    scene.clear()
    wait_for(lambda: gate.client.ask({"do": "status"})["at_rest"], 5)
    assert pulses(gate.state) == before + 1, by


def shown_to_a_gate_that_is_killed(gate, street, scene, victim, by, chance, tally):
    """It opens once or not at all, and not when what was killed is there again."""
    tally.shown[by] += 1
    tally.kills[victim] += 1
    before = pulses(gate.state)
    with somebody_who_locks(gate.state) as holder:
        street.come(by)
        wait_for_the_moment(chance, by, lambda: pulses(gate.state) > before)
        back = ended(gate, victim, holder, scene, chance)
    scene.clear()
    if victim != "door":
        # What was under way, the door decides on.
        time.sleep(1.0)
    opened = pulses(gate.state)
    assert opened - before <= 1, (victim, by)
    back()
    # What was shown before must not come back by itself, for as long as it would be fresh.
    watched = time.monotonic()
    gate_is_back = partial(pulses, gate.state)
    try:
        stays(lambda: gate_is_back() == opened, FRESH_S + 0.3)
    except AssertionError:
        tally.late += gate_is_back() - opened
        print(f"late: {by}, {victim}, {time.monotonic() - watched:.2f} s after")
    if victim == "door":
        street.later()
    gate.is_whole()
    assert pulses(gate.state) - opened == 0, (victim, by)


def account(street, spent, opened):
    """How many uses were spent that opened nothing: none is missing, and what is given back is so soon."""
    with suppress(AssertionError):
        wait_for(lambda: street.spent() - spent == opened, 3)
    lost = street.spent() - spent - opened
    assert lost >= 0, "it opened without a use"
    return lost


def told(tally, on, granted, spent):
    print(f"\n{sum(tally.shown.values())} shown, {tally.again} of them twice; {sum(tally.kills.values())} kills")
    for by in WAYS:
        print(f"  {by:16} {tally.shown[by]:4} shown, opened {tally.opened[by]:4} times")
    for who in VICTIMS:
        print(f"  {who:16} killed {tally.kills[who]} times")
    print(f"{on} openings, {granted} of them on record; late, when what was killed was there again: {tally.late}")
    by_pass = tally.opened["pass typed"] + tally.opened["pass held up"]
    print(f"{by_pass} openings by the pass, {spent} uses spent, {tally.lost_while_killed} of them for nothing")
