import pytest

from gate.door.hours import entry_of
from gate.door.register import Register, StoreDown
from gate.errors import Refusal
from gate.schedule import parse
from gate.store.database import database_of
from gate.store.people import residents
from gate.store.people.changes import Changes, change
from gate.store.site import schedules


@pytest.fixture
def register(state, store):
    register = Register(state)
    yield register
    register.close()


def test_hours_are_one_s_own_else_the_group_s(register, store):
    schedules.put(store, "day", "Mon-Fri 07:00-19:00", "test")
    schedules.put(store, "night", "daily 22:00-02:00", "test")
    schedules.put_group(store, "cleaners", "day", "test")
    someone = residents.enrol(store, "Wang Fang", None, [])
    assert register.find(someone.id).hours is None
    change(store, someone, Changes(group="cleaners"), by="test")
    assert register.find(someone.id).hours == parse("Mon-Fri 07:00-19:00")
    change(store, someone, Changes(schedule="night"), by="test")
    assert register.find(someone.id).hours == parse("daily 22:00-02:00")


def test_an_entry_is_what_the_store_says_of_a_resident(register, store):
    someone = residents.enrol(store, "Wang Fang", None, [])
    changed = change(store, someone, Changes(valid_from="2026-11-23", valid_until=""), by="test")
    assert register.find(someone.id) == entry_of(changed)
    assert register.find("somebody else") is None


@pytest.mark.parametrize("days", [("tomorrow", ""), ("", "2026-02-30"), ("2026-11-24", "2026-11-23"), ("20261123", "")])
def test_days_that_are_none_are_refused_and_change_nothing(store, days):
    someone = residents.enrol(store, "Wang Fang", None, [])
    with pytest.raises(Refusal, match="day"):
        change(store, someone, Changes(valid_from=days[0], valid_until=days[1]), by="test")
    assert residents.get(store, someone.id) == someone


def test_free_hours_follow_the_store(register, store):
    assert register.free_hours() is None
    schedules.put(store, "day", "Mon-Fri 07:00-19:00", "test")
    schedules.set_free_access(store, "day", "test")
    assert register.free_hours() == parse("Mon-Fri 07:00-19:00")
    schedules.put(store, "day", "Sat 07:00-19:00", "test")
    assert register.free_hours() == parse("Sat 07:00-19:00")
    schedules.set_free_access(store, None, "test")
    assert register.free_hours() is None


def test_a_store_that_is_missing_is_empty_and_one_that_is_damaged_is_down(tmp_path):
    register = Register(tmp_path)
    assert register.find("anyone") is None
    assert register.fault is None
    database_of(tmp_path).parent.mkdir()
    database_of(tmp_path).write_bytes(b"no database" * 1000)
    with pytest.raises(StoreDown):
        register.find("anyone")
    assert "damaged" in register.fault
    assert register.free_hours() is None
