"""A door's parts, joined as its process joins them, without its socket, its pins and its threads, and with a clock of
its own."""

import time
from datetime import UTC

import gate.codes
from enroll import codes
from gate.door.code_key import CodeKey
from gate.door.comings import Comings
from gate.door.controller import Controller
from gate.door.credentials import Credentials
from gate.door.doorbell import Doorbell
from gate.door.hours import LocalTime
from gate.door.knowledge import Knowledge
from gate.door.lockout import Lockout
from gate.door.register import Register
from gate.door.states import Barred, Event, Mode
from gate.door.visits import Visits
from gate.schedule import parse
from gate.store.database import open_database
from gate.store.people import changes, credentials, residents
from gate.store.people.changes import Changes
from gate.store.people.consents import NO_PERSON
from gate.store.people.templates import Template
from gate.store.site import areas, schedules
from gate.vocabulary import Direction
from tests.gate.door.test_controller import BenchRelay

ALWAYS = "daily 00:00-24:00"


class AtOnce:
    """In the place of a thread of its own: what is to be done is done."""

    def __init__(self, **_):
        pass

    def submit(self, do, *what):
        do(*what)

    def shutdown(self, wait):
        pass


class Person:
    """Somebody with every way in, and what they may not do."""

    def __init__(self, house, number, name, group=None, **more):
        store = house.store
        made = residents.enrol(store, name, f"{number}-2-502", [Template("m", "s", {}, b"")], NO_PERSON)
        self.resident = changes.change(store, made, Changes(group=group, **more), by="test")
        self.pin = codes.new_pin(store, house.seal, self.resident, by="test")
        drawn = codes.new_rolling(store, house.seal, self.resident, by="test")
        (identity,) = credentials.rolling_of(store, drawn.flat, None)
        sealed = house.seal(gate.codes.rolling_digests(identity))[1]
        self.flat, self.phone = drawn.flat, gate.codes.rolling_key(sealed)
        self.number = f"{number:07d}11"
        self.card = codes.card_of_number(store, house.seal, self.resident, self.number, None, by="test")
        self.id, self.group, self.plain = made.id, group, not more


class House:
    """A door's parts, joined as its process joins them."""

    def __init__(self, folder, settings):
        self.settings = settings
        self.mono, self.wall, self.trusted = 1000.0, time.time(), True
        self.store = open_database(folder)
        self.record, self.relay = [], BenchRelay()
        self.register = Register(folder)
        self.key = CodeKey(folder, self.register)
        schedules.put(self.store, "always", ALWAYS, "test", ["guards", "workers"])
        schedules.put(self.store, "by day", "daily 06:00-18:00", "test")
        areas.put(self.store, "elsewhere", {"another": "Another gate"}, "test")
        self.comings = Comings(settings, self.register, lambda _: None, self.local, None)
        two = None if settings.face_and_pin is None else parse(settings.face_and_pin)
        self.knowledge = Knowledge(
            self.register, lambda: self.trusted, lambda: UTC, two, self.comings.whereabouts, self.comings.is_unescorted,
            self.comings.goes_in,
        )  # fmt: skip
        self.controller = Controller(settings, self.relay, self.take)
        self.visits = Visits(folder, self.controller, lambda: None)
        self.doorbell = Doorbell(self.controller, self.take, wanted=settings.bell)
        self.credentials = Credentials(
            self.key, self.controller, self.knowledge, self.doorbell, self.take, self.visits, Lockout(),
            settings.freshness_s, lambda: None,
        )  # fmt: skip
        self.controller.begin(self.mono, Barred(False, 0.0), ajar=False)
        if settings.first_person_group is not None:
            schedules.set_free_access(self.store, "by day", "test", can_hold=True)

    def seal(self, digests):
        return [self.key.seal(one) for one in digests]

    def local(self):
        return LocalTime(self.wall, UTC, self.trusted)

    def way_at(self, reader):
        """Which way somebody goes who asks there."""
        return Direction.OUT if reader in self.settings.readers_inside else Direction.IN

    def take(self, event):
        self.record.append(event)
        self.visits.follow(event)
        self.comings.follow(event, self.knowledge.group_of)

    def turn(self):
        self.credentials.turn(self.mono)
        self.doorbell.turn(self.mono)
        self.controller.tick(self.mono)
        free = self.settings.hold_pin is not None and self.knowledge.stands_free()
        opens = self.comings.first_person.lets(free, self.local())
        if opens != (Mode.FREE_ACCESS in self.controller.door.standing):
            self.controller.tell(Event.FREE_ACCESS if opens else Event.FREE_ACCESS_OVER, self.mono)
        self.comings.whereabouts.turn(self.mono)

    def wait(self, seconds):
        self.mono, self.wall = self.mono + seconds, self.wall + seconds
        self.turn()

    def close(self):
        self.credentials.close()
        self.register.close()
        self.store.close()
