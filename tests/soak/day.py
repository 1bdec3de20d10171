"""A day of one gate in a minute: two thousand passages, alarms and faults, the time handed to the machine."""

import random
import sys
from collections import Counter
from contextlib import closing
from pathlib import Path

from gate.door.controller import Controller
from gate.door.settings import DoorSettings
from gate.door.states import Answer, Event
from gate.store.database import open_database, transaction
from gate.store.people import residents
from gate.store.record import audit
from gate.store.record.audit import Moment
from gate.vocabulary import Claim
from tests.door import known_well

HOUR, DAY = 3600.0, 86400.0
PASSAGES = 2000
MORNING = 1.8e9


class Relay:
    """Two relays that count."""

    def __init__(self):
        self.now, self.pulses = 0.0, 0

    def energise(self, _seconds):
        self.pulses += 1
        return self.now

    def release(self):
        pass

    def hold(self, on):
        pass

    def show(self, signal):
        pass


def resident_kb():
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmRSS"))


def main(state):
    rng, relay, kinds, claimed = random.Random(8), Relay(), Counter(), []
    settings = DoorSettings(hold_pin=5, contact_pin=6)
    with closing(open_database(state)) as store:
        people = [residents.enrol(store, f"Resident {number}", None, []) for number in range(300)]
        waiting = []

        def record(event):
            waiting.append(event)
            kinds[event.kind] += 1

        controller = Controller(settings, relay, record)

        def write(now):
            with transaction(store):
                for event in waiting:
                    audit.append(store, event, Moment(now, MORNING + now, clock_trusted=True))
            waiting.clear()

        def tick(until):
            while relay.now < until:
                due = controller.due_mono(relay.now)
                relay.now = min(until, relay.now + 60 if due is None else max(due, relay.now + 1e-3))
                controller.tick(relay.now)

        memory = {}
        moments = sorted(rng.uniform(0, DAY) for _ in range(PASSAGES))
        for number, moment in enumerate(moments):
            tick(max(moment, relay.now))
            happen(controller, relay, rng, people, number, claimed, tick)
            if number % 20 == 0:
                write(relay.now)
            hour = int(relay.now // HOUR)
            memory.setdefault(hour, resident_kb())
        tick(DAY + HOUR)
        write(relay.now)
        assert audit.verify(store) is None
        lines = list(audit.lines(store))
    granted = [line.details["claim"] for line in lines if line.kind == "granted"]
    outcomes = [line.details["grant"] for line in lines if line.kind == "passage"]
    assert len(granted) >= PASSAGES * 0.9, len(granted)
    assert Counter(outcomes) == Counter(granted), "a passage is missing or told twice"
    for alarm in ("door_forced", "door_held_open", "door_pre_alarm", "fault", "fire", "lockdown", "tamper_block"):
        assert kinds[alarm] > 0, alarm
        assert kinds[alarm] == kinds[f"{alarm}_over"], alarm
    first, last = memory[1], resident_kb()
    print(f"{len(lines)} lines, {len(granted)} grants with their outcome, {relay.pulses} pulses; {dict(kinds)}")
    print(f"memory after the first hour {first / 1024:.1f} MB, at the end {memory[max(memory)] / 1024:.1f} MB")
    assert memory[max(memory)] <= first * 1.05, (memory, last)


def happen(controller, relay, rng, people, number, claimed, tick):
    """Someone comes, and now and then something goes wrong."""
    now, kind = relay.now, rng.random()
    if kind < 0.01:
        controller.tell(Event.OPENED, now)
        tick(now + 20)
        controller.tell(Event.SHUT, relay.now)
    elif kind < 0.015:
        controller.order(Event.LOCKDOWN, "uid 0", now)
        controller.exit_request(now)
        tick(now + 30)
        controller.order(Event.LOCKDOWN_OVER, "uid 0", relay.now)
    elif kind < 0.02:
        controller.tell(Event.FIRE, now)
        tick(now + 60)
        controller.tell(Event.FIRE_OVER, relay.now)
    elif kind < 0.022:
        controller.tell(Event.FAULT, now, "tamper")
        controller.tell(Event.TAMPER_BLOCK, now)
        tick(now + 5)
        controller.tell(Event.FAULT_OVER, relay.now, "tamper")
        controller.order(Event.TAMPER_BLOCK_OVER, "uid 0", relay.now)
    tick(relay.now + 6)
    if kind > 0.85:
        granted = controller.exit_request(relay.now) is Answer.GRANTED
    elif kind > 0.8:
        granted = controller.command("uid 0", relay.now).granted
    else:
        person = rng.choice(people)
        claim = Claim(f"claim-{number}", number, relay.now, person.id, None, 3, 0.8)
        granted = controller.claim(claim, known_well(person), relay.now)[0].granted
    if granted and rng.random() < 0.95:
        claimed.append(number)
        tick(relay.now + rng.uniform(0.5, 2.5))
        controller.tell(Event.OPENED, relay.now)
        tick(relay.now + (100 if rng.random() < 0.02 else rng.uniform(1, 6)))
        controller.tell(Event.SHUT, relay.now)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
