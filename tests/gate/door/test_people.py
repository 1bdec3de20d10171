from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from gate.door.controller import Standing
from gate.door.memory import Memory, Remembered, memory_of
from gate.door.people import People, StoreDown
from gate.errors import Refusal
from gate.store.database import database_of
from gate.store.people import residents
from gate.store.people.changes import Changes, change
from gate.store.site import schedules

SHANGHAI = ZoneInfo("Asia/Shanghai")
NOON = datetime(2026, 11, 23, 12, tzinfo=SHANGHAI).timestamp()
NIGHT = datetime(2026, 11, 23, 23, tzinfo=SHANGHAI).timestamp()


@pytest.fixture
def people(state, store):
    people = People(state, "Asia/Shanghai")
    yield people
    people.close()


def test_hours_are_one_s_own_else_the_group_s_in_the_gate_s_zone(people, store):
    schedules.put(store, "day", "Mon-Fri 07:00-19:00", "test")
    schedules.put(store, "night", "daily 22:00-02:00", "test")
    schedules.put_group(store, "cleaners", "day", "test")
    someone = residents.enrol(store, "Wang Fang", None, [])
    assert people.within_hours(people.find(someone.id), NIGHT, clock_trusted=False) is True
    change(store, someone, Changes(group="cleaners"), by="test")
    cleaner = people.find(someone.id)
    assert people.within_hours(cleaner, NOON, clock_trusted=True) is True
    assert people.within_hours(cleaner, NIGHT, clock_trusted=True) is False
    assert people.within_hours(cleaner, NOON, clock_trusted=False) is None
    change(store, someone, Changes(schedule="night"), by="test")
    assert people.within_hours(people.find(someone.id), NIGHT, clock_trusted=True) is True


@pytest.mark.parametrize(
    ("first", "last", "valid"),
    [
        ("", "", True), ("2026-11-23", "", True), ("2026-11-24", "", False), ("", "2026-11-23", True),
        ("", "2026-11-22", False), ("2026-11-23", "2026-11-23", True),
    ],
)  # fmt: skip
def test_days_count_whole_and_in_the_gate_s_zone(people, store, first, last, valid):
    someone = residents.enrol(store, "Wang Fang", None, [])
    change(store, someone, Changes(valid_from=first, valid_until=last), by="test")
    found = people.find(someone.id)
    # In UTC it is still the day before in the morning.
    for moment in (NIGHT, datetime(2026, 11, 23, 0, 1, tzinfo=SHANGHAI).timestamp()):
        assert people.valid(found, moment, clock_trusted=True) is valid
    bound = bool(first or last)
    assert people.valid(found, NOON, clock_trusted=False) is (None if bound else True)


@pytest.mark.parametrize("days", [("tomorrow", ""), ("", "2026-02-30"), ("2026-11-24", "2026-11-23"), ("20261123", "")])
def test_days_that_are_none_are_refused_and_change_nothing(store, days):
    someone = residents.enrol(store, "Wang Fang", None, [])
    with pytest.raises(Refusal, match="day"):
        change(store, someone, Changes(valid_from=days[0], valid_until=days[1]), by="test")
    assert residents.get(store, someone.id) == someone


def test_at_night_a_face_alone_is_not_enough_where_the_settings_say_so(state, people):
    assert people.face_suffices(NIGHT, clock_trusted=False) is True
    nightly = People(state, "Asia/Shanghai", "daily 22:00-06:00")
    assert nightly.face_suffices(NOON, clock_trusted=True) is True
    assert nightly.face_suffices(NIGHT, clock_trusted=True) is False
    assert nightly.face_suffices(NOON, clock_trusted=False) is None


def test_free_access_follows_the_store_and_needs_a_clock(people, store):
    assert not people.free_access(NOON, clock_trusted=True)
    schedules.put(store, "day", "Mon-Fri 07:00-19:00", "test")
    schedules.set_free_access(store, "day", "test")
    assert people.free_access(NOON, clock_trusted=True)
    assert not people.free_access(NIGHT, clock_trusted=True)
    assert not people.free_access(NOON, clock_trusted=False)
    schedules.set_free_access(store, None, "test")
    assert not people.free_access(NOON, clock_trusted=True)


def test_a_store_that_is_missing_is_empty_and_one_that_is_damaged_is_down(tmp_path):
    people = People(tmp_path, None)
    assert people.find("anyone") is None
    assert people.fault is None
    database_of(tmp_path).parent.mkdir()
    database_of(tmp_path).write_bytes(b"no database" * 1000)
    with pytest.raises(StoreDown):
        people.find("anyone")
    assert "damaged" in people.fault
    assert not people.free_access(NOON, clock_trusted=True)


def test_what_stood_is_remembered_and_a_damaged_memory_is_said(tmp_path, caplog):
    kept = Remembered(Standing(lockdown=True, tamper_left_s=12.5), 1.8e9)
    memory = Memory(tmp_path)
    assert memory.found == Remembered()
    memory.keep(kept)
    memory.close()
    assert Memory(tmp_path).found == kept
    memory_of(tmp_path).write_text("{")
    assert Memory(tmp_path).found == Remembered()
    assert "a lockdown that stood must be ordered again" in caplog.text
