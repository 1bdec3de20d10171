from datetime import date

import pytest

from gate.door.hours import entry_of
from gate.door.register import Register, StoreDown
from gate.errors import FacegateError, Refusal
from gate.schedule import Holiday, parse
from gate.store.database import database_of
from gate.store.people import residents
from gate.store.people.changes import Changes, change
from gate.store.site import areas, holidays, schedules


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


def test_gates_are_those_of_one_s_own_area_else_of_the_group_s_else_all(register, store):
    areas.put(store, "Tower A", {"a": "North", "b": "Lobby"}, "test")
    areas.put(store, "Service", {"s": "Service"}, "test")
    schedules.put_group(store, "cleaners", None, "test")
    someone = change(store, residents.enrol(store, "Wang Fang", None, []), Changes(group="cleaners"), by="test")
    assert register.find(someone.id).resident.gates is None
    schedules.put_group(store, "cleaners", None, "test", area="Service")
    assert register.find(someone.id).resident.gates == ("s",)
    # Whoever gives the group other hours, and knows of no area, leaves it as it is.
    schedules.put(store, "day", "Mon-Fri 07:00-19:00", "test", ["cleaners"])
    schedules.put_group(store, "cleaners", "day", "test")
    assert register.find(someone.id).resident.gates == ("s",)
    change(store, someone, Changes(area="Tower A"), by="test")
    assert register.find(someone.id).resident.gates == ("a", "b")
    assert register.find(someone.id).resident.gate_names == ("Lobby", "North")
    change(store, someone, Changes(area=""), by="test")
    assert register.find(someone.id).resident.gates == ("s",)
    with pytest.raises(Refusal, match="in use: 1"):
        areas.remove(store, "Service", "test")
    with pytest.raises(Refusal, match="no area Tower C"):
        change(store, someone, Changes(area="Tower C"), by="test")


def test_an_entry_is_what_the_store_says_of_a_resident(register, store):
    someone = residents.enrol(store, "Wang Fang", None, [])
    changed = change(store, someone, Changes(valid_from="2026-11-23", valid_until=""), by="test")
    (gate,) = store.execute("SELECT id FROM gate").fetchone()
    assert register.find(someone.id) == entry_of(changed, gate=gate)
    assert register.find("somebody else") is None


@pytest.mark.parametrize("days", [("tomorrow", ""), ("", "2026-02-30"), ("2026-11-24", "2026-11-23"), ("20261123", "")])
def test_days_that_are_none_are_refused_and_change_nothing(store, days):
    someone = residents.enrol(store, "Wang Fang", None, [])
    with pytest.raises(Refusal, match="day|date"):
        change(store, someone, Changes(valid_from=days[0], valid_until=days[1]), by="test")
    assert residents.get(store, someone.id) == someone


def test_free_hours_follow_the_store(register, store):
    assert register.free_hours() is None
    schedules.put(store, "day", "Mon-Fri 07:00-19:00", "test")
    schedules.set_free_access(store, "day", "test", can_hold=True)
    assert register.free_hours() == parse("Mon-Fri 07:00-19:00")
    schedules.put(store, "day", "Sat 07:00-19:00", "test")
    assert register.free_hours() == parse("Sat 07:00-19:00")
    schedules.set_free_access(store, None, "test", can_hold=True)
    assert register.free_hours() is None


def test_holidays_are_those_of_the_schedule_and_of_all_and_follow_the_store(register, store):
    schedules.put(store, "day", "daily 07:00-19:00", "test")
    schedules.put(store, "night", "daily 22:00-02:00", "test")
    schedules.set_free_access(store, "night", "test", can_hold=True)
    someone, anyone = (residents.enrol(store, name, None, []) for name in ("Wang Fang", "Li Na"))
    change(store, someone, Changes(schedule="day"), by="test")
    assert register.find(someone.id).hours.holidays == register.free_hours().holidays == ()
    everywhere = holidays.add(store, holidays.New("New year", "2027-01-01", "2027-01-03"), "test")
    holidays.add(store, holidays.New("Half a day", "2027-01-02", schedule="day", hours="9:00-12:00"), "test")
    half = Holiday(date(2027, 1, 2), date(2027, 1, 2), parse("daily 09:00-12:00"))
    closed = Holiday(date(2027, 1, 1), date(2027, 1, 3))
    # Its own goes before that of all.
    assert register.find(someone.id).hours.holidays == (half, closed)
    assert register.free_hours().holidays == (closed,)
    assert register.find(anyone.id).hours is None
    assert holidays.remove(store, everywhere, "test")
    assert register.find(someone.id).hours.holidays == (half,)
    assert register.free_hours().holidays == ()
    store.execute("UPDATE holidays SET windows = 'never'")
    with pytest.raises(StoreDown):
        register.find(someone.id)


@pytest.mark.parametrize(
    ("new", "sentence"),
    [
        (holidays.New("", "2027-01-01"), "between 1 and 60"),
        (holidays.New("x", "tomorrow"), "is not a date"),
        (holidays.New("x", "2027-01-02", "2027-01-01"), "is before the first day"),
        (holidays.New("x", "2027-01-01", "2029-01-01"), "366 days at most"),
        (holidays.New("x", "2027-01-01", hours="morning"), "are no hours"),
        (holidays.New("x", "2027-01-01", schedule="none such"), "There is no schedule none such"),
    ],
)
def test_what_is_no_holiday_is_refused_and_nothing_is_kept(store, new, sentence):
    with pytest.raises(FacegateError, match=sentence):
        holidays.add(store, new, "test")
    assert holidays.every(store) == []


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
