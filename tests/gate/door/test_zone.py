"""The machine's own zone, where the settings name none: as it is now, and not as it was when the door was started."""

import sys
from datetime import UTC, datetime, timedelta

from gate.clock import ZoneWatch
from gate.store.site import schedules
from tests.door import HOLD, door_process, until

# The door's own program, at a machine whose zone the test sets.
AT_A_MACHINE = """
import sys, time
from functools import partial
from pathlib import Path
import gate.clock, gate.door.service as door
gate.clock._LOCAL_TIME = Path({local_time!r})
seen = lambda: gate.clock.Reading(time.monotonic(), time.time(), True, None, None)
door.ClockWatch = partial(gate.clock.ClockWatch, look=seen)
sys.exit(door.main())
"""


def set_zone(local_time, name):
    """As timedatectl does: a new link in the place of the one before."""
    new = local_time.with_suffix(".new")
    new.symlink_to(f"/usr/share/zoneinfo/{name}")
    new.replace(local_time)


def test_hours_are_of_the_zone_that_somebody_sets_while_the_door_runs(state, store, tmp_path):
    local_time, now = tmp_path / "localtime", datetime.now(UTC)
    set_zone(local_time, "Asia/Shanghai")
    hours = f"daily {now - timedelta(hours=1):%H:%M}-{now + timedelta(hours=1):%H:%M}"
    schedules.put(store, "now, by UTC", hours, "test")
    schedules.set_free_access(store, "now, by UTC", "test", can_hold=True)
    program = [sys.executable, "-c", AT_A_MACHINE.format(local_time=str(local_time))]
    with door_process(state, program=program, hold_pin=HOLD) as (_, door):
        until(door, mode="normal")
        set_zone(local_time, "UTC")
        until(door, 30, mode="free_access")
        set_zone(local_time, "Asia/Shanghai")
        until(door, 30, mode="normal")


def test_while_it_is_away_and_where_the_settings_name_one_it_stays(tmp_path, monkeypatch):
    local_time = tmp_path / "localtime"
    set_zone(local_time, "Asia/Shanghai")
    monkeypatch.setattr("gate.clock._LOCAL_TIME", local_time)
    monkeypatch.setattr("gate.clock._ZONE_EVERY_S", 0.0)
    own, named = ZoneWatch(None), ZoneWatch("Europe/Berlin")
    day = datetime(2026, 6, 1, tzinfo=UTC)
    assert (own().utcoffset(day), str(named())) == (timedelta(hours=8), "Europe/Berlin")
    local_time.unlink()
    assert own().utcoffset(day) == timedelta(hours=8)
    set_zone(local_time, "America/New_York")
    assert (own().utcoffset(day), str(named())) == (timedelta(hours=-4), "Europe/Berlin")
