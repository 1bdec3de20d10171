"""Free access that waits for somebody: who begins it, for how long, and over a restart."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gate.door.first_person import FirstPerson
from gate.door.hours import LocalTime
from gate.door.passed import Went
from gate.door.settings import DoorSettings
from gate.store.people import changes, residents
from gate.store.people.changes import Changes
from gate.store.site import schedules
from gate.vocabulary import Direction
from tests.codes import card_of_number
from tests.door import CONTACT, HOLD, door_process, drive, events, until
from tests.gate.door.test_credentials import show
from tests.running import stays, wait_for

zones = st.sampled_from(["Asia/Shanghai", "UTC", "America/New_York"])
walls = st.floats(0, 2e9)


@given(walls, zones, st.booleans(), st.booleans(), st.none() | st.dates())
def test_it_never_stands_open_longer_than_its_schedule_nor_before_somebody_came(wall, zone, free, trusted, came_on):
    now = LocalTime(wall, ZoneInfo(zone), trusted)
    assert FirstPerson(None, came_on).lets(free, now) is free
    assert FirstPerson("guards", came_on).lets(free, now) is (free and trusted and came_on == now.at.date())


@given(walls, zones, st.booleans(), st.sampled_from(["guards", "others", None]), st.sampled_from(list(Direction)),
       st.sampled_from(["taken", "not_taken", "unknown"]))  # fmt: skip
def test_only_somebody_of_the_group_who_was_seen_going_in_begins_it(wall, zone, trusted, group, way, outcome):
    now = LocalTime(wall, ZoneInfo(zone), trusted)
    after = FirstPerson("guards").after(Went("r", way, outcome), group, now)
    begins = (group, way, outcome, trusted) == ("guards", Direction.IN, "taken", True)
    assert after == FirstPerson("guards", now.at.date() if begins else None)
    assert FirstPerson(None).after(Went("r", way, outcome), group, now) == FirstPerson(None)


def test_it_waits_anew_each_day():
    came = FirstPerson("guards", date(2026, 6, 1))
    evening = datetime(2026, 6, 1, 23, 59, tzinfo=UTC)
    told = [came.lets(True, LocalTime((evening + timedelta(minutes=m)).timestamp(), UTC, True)) for m in (0, 1, 600)]
    assert told == [True, False, False]


@pytest.mark.parametrize("lacks", [{"contact_pin": CONTACT}, {"hold_pin": HOLD}])
def test_what_could_not_work_is_refused_at_the_start(lacks):
    with pytest.raises(ValueError, match="first_person_group needs"):
        DoorSettings(first_person_group="guards", **lacks)


def test_the_gate_stands_open_once_a_guard_went_in_also_after_a_restart(state, store):
    schedules.put(store, "always", "daily 00:00-24:00", "test", ["guards"])
    schedules.set_free_access(store, "always", "test", can_hold=True)
    guard, other = (residents.enrol(store, name, None, []) for name in ("Wang Fang", "Li Na"))
    changes.change(store, guard, Changes(group="guards"), by="test")
    settings = {"hold_pin": HOLD, "contact_pin": CONTACT, "first_person_group": "guards", "freshness_s": 5}
    with door_process(state, True, **settings) as (_, door):
        drive(state, CONTACT, 0)
        until(door, leaf="shut")
        for person, number in ((guard, "0004711"), (other, "0004712")):
            card_of_number(store, door, person, number, "fob", by="test")
        show(door, "0004712")
        until(door, mode="pulse")
        drive(state, CONTACT, 1)
        wait_for(lambda: any(line.details.get("outcome") == "taken" for line in events(state)))
        drive(state, CONTACT, 0)
        until(door, mode="normal", leaf="shut", at_rest=True)
        stays(lambda: door.ask({"do": "status"})["mode"] == "normal", 1.2)
        show(door, "0004711")
        until(door, mode="pulse")
        drive(state, CONTACT, 1)
        until(door, mode="free_access", hold_relay=True)
    with door_process(state, True, **settings) as (_, door):
        until(door, mode="free_access")
