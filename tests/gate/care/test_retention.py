"""What is kept for how long, and that the record verifies whatever was pruned of it."""

import sqlite3
from contextlib import closing
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gate.care import retention
from gate.care.kept_for import WARNING_DAYS, Why
from gate.keep_settings import KeepSettings
from gate.store.database import database_of, migrated_up_to, open_database
from gate.store.people import residents
from gate.store.people.changes import Changes, change
from gate.store.people.consents import Consent, Way
from gate.store.people.residents import Resident
from gate.store.people.templates import Template
from gate.store.record import audit
from gate.store.record.audit import Anchor, Moment
from gate.vocabulary import AuditEvent
from tests.stores import new_store

NOW = datetime(2026, 11, 24, 3, 0, tzinfo=UTC)
KEEP = KeepSettings()
AGREED = Consent("face-1", "en", "", Way.TOLD, "test")


def happen(store, days_ago, kind="granted", resident=None, **details):
    wall = (NOW - timedelta(days=days_ago)).timestamp()
    personal = {"resident": resident.id, "name": resident.name} if resident else {}
    audit.append(store, AuditEvent(kind, details, personal, resident.id if resident else None), Moment(0.0, wall, True))


def kinds(store):
    return [line.kind for line in audit.lines(store)]


def enrolled(store, name, days_ago=0):
    at = (NOW - timedelta(days=days_ago)).isoformat()
    one = residents.enrol(store, name, None, [Template("m", "s", {}, b"\1" * 8)], AGREED)
    store.execute("UPDATE templates SET created_at = ? WHERE resident_id = ?", (at, one.id))
    return one


def tidy(store, now=NOW, keep=KEEP):
    return retention.tidy(store, keep, now, UTC)


def tidy_after_the_nights_before(store, now, since=NOW):
    """As at a gate that ran meanwhile."""
    night = since
    while (night := night + timedelta(days=7)) < now:
        tidy(store, night)
    return tidy(store, now)


def test_old_lines_go_and_the_rest_verifies(store):
    for days in (200, 91, 90, 89, 1):
        happen(store, days, f"ago_{days}")
    assert tidy(store).lines == 2
    assert kinds(store) == ["ago_90", "ago_89", "ago_1", "tidied"]
    assert audit.verify(store) is None
    assert audit.base(store).sequence == 2
    assert tidy(store, NOW + timedelta(days=1)).lines == 1
    assert audit.verify(store) is None


def test_a_line_by_a_clock_that_ran_ahead_keeps_no_old_line_and_is_pruned_with_those_around_it(store):
    for days in (200, -3650, 150, -3650, 100, -3650, 89, -3650):
        happen(store, days, f"ago_{days}")
    assert tidy(store).lines == 5
    assert kinds(store) == ["ago_-3650", "ago_89", "ago_-3650", "tidied"]
    assert audit.verify(store) is None


def test_a_face_that_opened_by_a_clock_that_ran_ahead_is_not_used_till_then(store):
    one = enrolled(store, "Wang Fang", 300)
    happen(store, 10, "granted", one, method="face")
    happen(store, -3650, "granted", one, method="face")
    tidy(store)
    assert store.execute("SELECT last_used_on FROM residents").fetchone() == ("2026-11-14",)


def test_a_line_that_was_pruned_is_still_proved_by_no_anchor_but_a_later_one_is(store):
    happen(store, 200)
    old = audit.anchor(store)
    happen(store, 1)
    new = audit.anchor(store)
    tidy(store)
    assert audit.verify(store, old) is None
    assert audit.verify(store, new) is None
    assert audit.verify(store, Anchor(new.sequence, "0" * 64)).problem.startswith("the line is not the one")


def test_lines_cut_off_the_beginning_by_another_hand_are_noticed(store):
    for days in (5, 4, 3):
        happen(store, days)
    second = store.execute("SELECT hash FROM audit WHERE sequence = 2").fetchone()[0]
    store.execute("DELETE FROM audit WHERE sequence <= 2")
    assert audit.verify(store).problem == "the line is missing"
    store.execute("UPDATE audit_base SET sequence = 2, hash = ?", (second,))
    assert "no later line says" in audit.verify(store).problem
    tidy(store)
    assert "no later line says" in audit.verify(store).problem


def test_more_cut_off_than_was_said_is_noticed(store):
    for days in (200, 100, 3, 2):
        happen(store, days)
    tidy(store)
    third = store.execute("SELECT hash FROM audit WHERE sequence = 3").fetchone()[0]
    store.execute("DELETE FROM audit WHERE sequence = 3")
    store.execute("UPDATE audit_base SET sequence = 3, hash = ?", (third,))
    assert "no later line says" in audit.verify(store).problem


@given(st.lists(st.integers(0, 200), max_size=12), st.integers(1, 4))
@settings(max_examples=60, deadline=None)
def test_pruning_that_is_cut_short_verifies_and_is_finished_the_next_night(ages, at_once):
    store = new_store()
    for days in ages:
        happen(store, days)
    expected = next((number for number, days in enumerate(ages) if days <= 90), len(ages))
    before, now = ((NOW - timedelta(days=ago)).isoformat(timespec="milliseconds") for ago in (90, 0))
    through = audit.prunable(store, before, now)
    assert (through.sequence if through else 0) == expected
    if through:
        audit.append(store, AuditEvent("tidied", {"through": through.sequence, "hash": through.hash}))
        partly = store.execute("SELECT sequence, hash FROM audit WHERE sequence = ?", (min(at_once, through.sequence),))
        audit.prune(store, Anchor(*partly.fetchone()))
        assert audit.verify(store) is None
    tidy(store)
    assert audit.verify(store) is None
    # What was put off is done: of the lines that are left the first is young.
    assert audit.base(store).sequence >= expected
    store.close()


def test_what_the_pruned_lines_said_of_people_is_gone(store, state):
    someone = residents.enrol(store, "Unmistakable Name", None, [])
    store.execute("DELETE FROM audit_personal")
    happen(store, 200, resident=someone)
    store.execute("UPDATE residents SET name = 'x'")
    store.execute("UPDATE audit SET at = '2026-01-01T00:00:00.000+00:00'")
    tidy(store)
    assert store.execute("SELECT count(*) FROM audit_personal").fetchone() == (0,)
    assert b"Unmistakable" not in b"".join(path.read_bytes() for path in state.rglob("*") if path.is_file())


def test_a_face_that_opens_nothing_for_long_is_named_first_and_erased_then(store):
    unused, used, new = enrolled(store, "Unused", 340), enrolled(store, "Used", 400), enrolled(store, "New", 1)
    happen(store, 20, resident=used)
    assert tidy(store).faces == 0
    # Its line goes, the day stays.
    assert [(one.name, one.why) for one in retention.fading(store, KEEP, NOW.date())] == [("Unused", Why.UNUSED)]
    (fading,) = retention.fading(store, KEEP, NOW.date())
    before, on = date.fromisoformat(fading.day) - timedelta(days=1), date.fromisoformat(fading.day)
    assert tidy_after_the_nights_before(store, datetime.combine(before, NOW.timetz())).faces == 0
    assert tidy(store, datetime.combine(on, NOW.timetz())).faces == 1
    kept = {one.name: one.templates for one in residents.every(store)}
    assert kept == {"Unused": 0, "Used": 1, "New": 1}
    assert audit.verify(store) is None
    line = next(line for line in audit.lines(store) if line.kind == "consent_withdrawn")
    assert line.details["by"] == "retention: unused"
    assert residents.get(store, unused.id) is not None
    assert new.templates == 1


@pytest.mark.parametrize("leap", [timedelta(days=366), timedelta(days=31), timedelta(days=-366)])
def test_where_the_days_leap_nothing_goes_before_it_was_named_for_thirty_days(store, state, leap):
    """Whoever set a clock without a network mistypes the year, and the clock that was set with it vouches for it."""
    enrolled(store, "Wang Fang", 335)
    moved_out(store, "Li Ming")
    for days in (80, 60, 1):
        happen(store, days)
    copies = state / "backups"
    copies.mkdir()
    for number in range(2):
        (copies / f"facegate-{number}.backup.tar.gz").touch()
    quiet = KeepSettings(moved_out_days=100)
    assert retention.tidy(store, quiet, NOW, UTC, copies).lines == 0
    before, wrong = store.execute("SELECT count(*) FROM audit").fetchone()[0], NOW + leap
    named = []
    for night in range(31):
        at = wrong + timedelta(days=night)
        named += [(one.name, one.day) for one in retention.fading(store, quiet, at.date())]
        done = retention.tidy(store, quiet, at, UTC, copies)
        assert (done.lines, done.faces, done.people, done.copies) == (0, 0, 0, 0), night
    assert store.execute("SELECT count(*) FROM audit").fetchone()[0] == before + 31
    assert len(list(copies.iterdir())) == 2
    day = (wrong + timedelta(days=31)).date().isoformat()
    if leap > timedelta(0):
        assert named == [("Li Ming", day), ("Wang Fang", day)] * 31
    # Where the clock is set right again they are named anew, and whoever is due goes once the days went on.
    right = NOW + timedelta(days=3)
    assert retention.tidy(store, quiet, right, UTC, copies).not_before == "2026-12-28"
    assert tidy_after_the_nights_before(store, right + timedelta(days=30), right).people == 0
    assert len(residents.every(store)) == 2
    last = retention.tidy(store, quiet, right + timedelta(days=31), UTC, copies)
    assert (last.people, last.not_before) == (1, None)
    assert audit.verify(store) is None


def test_a_use_counts_when_its_line_was_pruned_long_ago(store):
    one = enrolled(store, "Used", 500)
    happen(store, 150, resident=one)
    tidy(store)
    assert store.execute("SELECT last_used_on FROM residents").fetchone() == ("2026-06-27",)
    assert tidy_after_the_nights_before(store, NOW + timedelta(days=200)).faces == 0
    assert tidy(store, NOW + timedelta(days=210)).faces == 0
    assert tidy(store, NOW + timedelta(days=216)).faces == 1


def test_a_pin_or_a_card_is_no_use_of_a_face_but_for_one_shown_before_it(store):
    pin, both = enrolled(store, "Pin", 500), enrolled(store, "Both", 500)
    happen(store, 20, resident=pin, method="pin")
    happen(store, 20, resident=both, method="card", first="face")
    tidy(store)
    used = dict(store.execute("SELECT name, last_used_on FROM residents").fetchall())
    assert used == {"Pin": None, "Both": "2026-11-04"}


def test_who_moved_out_is_erased_some_days_after_the_last_one(store):
    one = residents.enrol(store, "Gone", None, [])
    change(store, one, Changes(valid_until="2026-11-01"), by="test")
    store.execute("UPDATE residents SET valid_until_set_on = '2026-10-01'")
    (fading,) = retention.fading(store, KEEP, NOW.date())
    assert (fading.why, fading.day) == (Why.MOVED_OUT, "2026-12-02")
    assert tidy(store, datetime(2026, 12, 1, 12, tzinfo=UTC)).people == 0
    assert tidy(store, datetime(2026, 12, 2, 12, tzinfo=UTC)).people == 1
    assert residents.every(store) == []
    assert audit.verify(store) is None


@pytest.mark.parametrize("keep", [KEEP, KeepSettings(moved_out_days=1), KeepSettings(moved_out_days=60)])
def test_a_last_day_that_is_over_when_it_is_set_erases_nobody_who_was_not_named_for_thirty_days(store, keep):
    one = residents.enrol(store, "Typed A Year Too Early", None, [])
    change(store, one, Changes(valid_until="2025-11-24"), by="test")
    noon, named = datetime.now(UTC).replace(hour=12, minute=0), 0
    for _ in range(100):
        if tidy(store, noon, keep).people:
            break
        named += len(retention.fading(store, keep, noon.date()))
        noon += timedelta(days=1)
    assert named > WARNING_DAYS
    assert residents.every(store) == []


def unused(store, name):
    enrolled(store, name, 100)


def moved_out(store, name):
    change(store, residents.enrol(store, name, None, []), Changes(valid_until="2026-08-16"), by="test")
    store.execute("UPDATE residents SET valid_until_set_on = '2026-08-01'")


@pytest.mark.parametrize("who", [unused, moved_out])
def test_a_time_that_was_made_shorter_erases_nobody_who_was_not_named_for_thirty_days(store, who):
    """A hundred days ago they moved out, or were last enrolled; they were to be kept for a year, and then for a day."""
    who(store, "Kept For A Year")
    year, day = KeepSettings(moved_out_days=365), KeepSettings(unused_face_days=1, moved_out_days=1)
    assert (tidy(store, NOW, year).people, retention.fading(store, year, NOW.date())) == (0, [])
    named = []
    for night in range(40):
        noon = NOW + timedelta(days=night)
        named += [one.day for one in retention.fading(store, day, noon.date())]
        done = tidy(store, noon, day)
        if done.people or done.faces:
            break
    assert (night, set(named)) == (31, {"2026-12-25"})
    # Whoever was to be erased anyway goes then, and longer again holds at once.
    who(store, "Another")
    assert retention.fading(store, year, NOW.date()) == []


def test_what_was_due_anyway_goes_when_it_was_due_and_other_times_are_none_of_a_new_gate(store):
    moved_out(store, "Due Soon")
    soon, sooner = KeepSettings(moved_out_days=105), KeepSettings(moved_out_days=1)
    tidy(store, NOW, soon)
    (one,) = retention.fading(store, sooner, NOW.date())
    assert one.day == "2026-11-30"
    store.execute("DELETE FROM kept_for")
    assert tidy(store, NOW, sooner).people == 1


def test_a_last_day_of_today_is_named_today_wherever_the_gate_is(store):
    for set_on in ("2026-11-23", "2026-11-24", "2026-11-25"):
        one = residents.enrol(store, f"Noted {set_on}", None, [])
        change(store, one, Changes(valid_until="2026-11-24"), by="test")
        store.execute("UPDATE residents SET valid_until_set_on = ? WHERE id = ?", (set_on, one.id))
    for_ever = residents.enrol(store, "For Ever", None, [])
    change(store, for_ever, Changes(valid_until="9999-12-31"), by="test")
    named = [one.day for one in retention.fading(store, KEEP, NOW.date())]
    assert named == ["2026-12-25", "2026-12-25", "2026-12-26"]


def test_a_damaged_day_erases_nobody_and_keeps_nobody_else_from_being_named(store):
    damaged, other = (
        residents.enrol(store, name, None, [Template("m", "s", {}, b"\1" * 8)], AGREED) for name in ("Damaged", "Other")
    )
    store.execute("UPDATE templates SET created_at = 'x' WHERE resident_id = ?", (damaged.id,))
    store.execute("UPDATE templates SET created_at = '2020-01-01' WHERE resident_id = ?", (other.id,))
    assert [one.name for one in retention.fading(store, KEEP, NOW.date())] == ["Other"]


def test_of_a_last_day_of_before_the_record_says_when_it_was_set(state):
    database_of(state).parent.mkdir(parents=True)
    with closing(migrated_up_to(database_of(state), 22)) as before:
        for number, name in enumerate(("noted", "older", "without")):
            until = None if name == "without" else "2025-11-24"
            before.execute(
                "INSERT INTO residents (number, id, name, created_at, valid_until) VALUES (?, ?, ?, '', ?)",
                (number, name, name, until),
            )
        before.execute("INSERT INTO gate (only_row, id) VALUES (1, 'g') ON CONFLICT DO NOTHING")
        happen(before, 3, "resident_changed", Resident(0, "noted", "noted", None, "", 0))
        before.execute('UPDATE audit SET details = \'{"valid_until":"2025-11-24"}\'')
    with closing(open_database(state)) as now:
        set_on = dict(now.execute("SELECT id, valid_until_set_on FROM residents"))
        assert set_on == {"noted": "2026-11-21", "older": None, "without": None}
        assert [one.resident for one in retention.fading(now, KEEP, NOW.date()) if one.day <= "2026-11-24"] == ["older"]


@pytest.mark.parametrize("days", [0, -1, 3651])
def test_days_that_are_none_are_refused(days):
    with pytest.raises(ValueError, match="record_days must be between"):
        KeepSettings(record_days=days)


def test_the_door_writes_on_while_lines_go(store, state):
    for _ in range(4_500):
        happen(store, 200)
    happen(store, 1)
    statements = []
    store.set_trace_callback(statements.append)
    assert tidy(store).lines == 4_500
    store.set_trace_callback(None)
    begun = [one for one in statements if one.startswith("BEGIN")]
    assert len(begun) >= 3
    other = sqlite3.connect(database_of(state))
    assert other.execute("SELECT count(*) FROM audit").fetchone() == (2,)
    other.close()
