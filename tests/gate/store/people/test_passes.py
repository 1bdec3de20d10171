"""Passes of visitors in the store: what may be made, how uses are counted, and what becomes of them."""

from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest

from gate.care import retention
from gate.care.backup.stays_revoked import Tombstones, keep_revoked
from gate.errors import FacegateError, Refusal
from gate.keep_settings import KeepSettings
from gate.store.database import open_database
from gate.store.people import changes, credentials, erasure, passes, residents, uses
from gate.store.people.passes import MOST_USES, Phase, Wanted
from gate.store.record import audit
from gate.store.site import schedules
from gate.vocabulary import AuditEvent, Kind, Method

NOW = datetime(2026, 5, 4, 12, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)
WANTED = Wanted("Zhao Lei", NOW, NOW + 8 * HOUR, unit="3-2-502")


def finder(number):
    return bytes([number]) * 32


def made(store, wanted=WANTED, number=1, now=NOW):
    checked = passes.checked(wanted, now)
    return passes.make(store, checked, "32502", finder(number), finder(number + 100), now, by="test")


@pytest.fixture
def wang(store):
    return residents.enrol(store, "Wang Fang", "3-2-502", [])


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"begins": NOW - 30 * HOUR, "ends": NOW - 6 * HOUR}, "would be over already"),
        ({"uses": 1000}, f"between 1 and {MOST_USES} times"),
        ({"uses": 0}, f"between 1 and {MOST_USES} times"),
        ({"name": "  "}, "must have between 1 and 100 characters"),
        ({"name": "!!"}, "punctuation alone"),
        ({"ends": NOW - HOUR}, "ends before it begins"),
        ({"ends": NOW}, "ends before it begins"),
        ({"ends": NOW + timedelta(days=93)}, "at most 92 days"),
        ({"begins": NOW + timedelta(days=400), "ends": NOW + timedelta(days=401)}, "begins within 366 days"),
        ({"lasts_s": 0}, "lasts between a minute"),
        ({"schedule": "Night"}, "There is no schedule Night"),
        ({"unit": "a" * 200}, "must have between 1 and 100 characters"),
    ],
)
def test_what_is_no_pass_is_told_in_one_sentence_and_changes_nothing(store, change, says):
    before = store.total_changes
    with pytest.raises(FacegateError, match=says):
        made(store, replace(WANTED, **change))
    assert passes.every(store) == []
    assert credentials.find(store, Method.PASS, finder(1)) is None
    assert audit.anchor(store) is None, store.total_changes - before


def test_a_pass_is_of_nobody_on_the_register_and_its_making_is_on_record(store, wang):
    one = made(store, replace(WANTED, host=wang, unit=None, name=" Zhao  Lei "))
    assert (one.name, one.host_name, one.unit, one.uses_left) == ("Zhao Lei", "Wang Fang", "3-2-502", 1)
    assert credentials.find(store, Method.PASS, finder(1)).visit == one.id
    assert credentials.find(store, Method.PIN, finder(101)).visit == one.id
    assert credentials.having(store) == {}
    line = next(line for line in audit.lines(store) if line.kind == "pass_made")
    assert line.personal == {"pass": one.id, "visitor": "Zhao Lei", "unit": "3-2-502", "host": "Wang Fang"}
    assert line.details == {"by": "test", "uses": 1, "until": one.valid_until}


def test_neither_a_pin_nor_another_pass_is_like_the_digits_of_one(store, wang):
    made(store)
    assert not credentials.is_free_but_for(store, wang, (finder(101),))
    with pytest.raises(Refusal, match="somebody's already"):
        credentials.give_pin(store, wang, "32502", finder(101), finder(102), by="test")
    with pytest.raises(Refusal, match="somebody's already"):
        made(store, number=1)
    assert len(passes.every(store)) == 1


def test_uses_are_counted_down_to_none_and_a_first_one_that_was_none_is_forgotten(store):
    one = made(store, replace(WANTED, uses=2, lasts_s=3600))
    none = passes.spend(store, one.id, NOW + HOUR)
    assert passes.get(store, one.id).ends_at == NOW + 2 * HOUR
    passes.give_back(store, none)
    assert passes.get(store, one.id) == one
    spent = [passes.spend(store, one.id, NOW + HOUR) for _ in range(3)]
    assert [use is None for use in spent] == [False, False, True]
    # One that is given back twice is given back once.
    for use in (none, spent[0], spent[0]):
        passes.give_back(store, use)
    assert passes.get(store, one.id).uses_left == 1
    passes.give_back(store, spent[1])
    assert passes.get(store, one.id) == one


def test_phases_and_taking_back(store):
    one = made(store, replace(WANTED, begins=NOW + HOUR))
    assert [one.phase(at) for at in (NOW, NOW + HOUR, NOW + 8 * HOUR)] == [Phase.COMING, Phase.IN_USE, Phase.OVER]
    back = passes.revoke(store, one.id, NOW, by="user 1")
    assert (back.phase(NOW), passes.spend(store, one.id, NOW)) == (Phase.OVER, None)
    with pytest.raises(Refusal, match="over already"):
        passes.revoke(store, one.id, NOW, by="user 1")
    with pytest.raises(Refusal, match="no such pass"):
        passes.revoke(store, "none", NOW, by="user 1")
    assert [line.kind for line in audit.lines(store)] == ["pass_made", "pass_revoked"]


def test_hours_that_a_pass_has_cannot_be_removed(store):
    schedules.put(store, "Day", "daily 07:00-19:00", "test")
    assert made(store, replace(WANTED, schedule="Day")).windows == "daily 07:00-19:00"
    with pytest.raises(Refusal, match="in use"):
        schedules.remove(store, "Day", "test")


def came(store, one):
    audit.append(store, passes.about(one, AuditEvent(Kind.GRANTED, {"method": "pass"})))


def personal(store):
    return [line.personal for line in audit.lines(store) if line.personal]


def test_erasing_the_host_erases_their_visitors_and_leaves_those_of_others(store, wang):
    li = residents.enrol(store, "Li Na", "7-1", [])
    theirs, others = (made(store, replace(WANTED, host=one, name=name), number)
                      for one, name, number in ((wang, "Zhao Lei", 1), (li, "Sun Yu", 2)))  # fmt: skip
    came(store, theirs)
    came(store, others)
    receipt = erasure.remove(store, wang, by="test")
    assert receipt.personal_fields == 3 + 4 + 4
    assert [one.id for one in passes.every(store)] == [others.id]
    assert {fields["visitor"] for fields in personal(store) if "visitor" in fields} == {"Sun Yu"}
    assert "Wang Fang" not in str(personal(store))
    assert audit.verify(store) is None


def test_a_pass_that_was_over_long_enough_goes_with_the_visitors_name_and_leaves_the_host(store, wang):
    one = made(store, replace(WANTED, host=wang))
    came(store, one)
    later = NOW + timedelta(days=31)
    assert retention.tidy(store, KeepSettings(), NOW + timedelta(days=29), UTC).passes == 0
    assert retention.tidy(store, KeepSettings(), later, UTC).passes == 1
    assert passes.every(store) == []
    assert [fields for fields in personal(store) if "visitor" in fields or "pass" in fields] == []
    assert {fields["host"] for fields in personal(store) if "host" in fields} == {"Wang Fang"}
    assert [line.details["passes"] for line in audit.lines(store) if line.kind == "tidied" and "passes" in line.details]
    assert audit.verify(store) is None


@pytest.mark.parametrize("known", [True, False])
def test_no_use_comes_back_with_a_backup(state, store, tmp_path, known):
    used, back, whole, gone = (made(store, number=number) for number in (1, 2, 3, 4))
    (tmp_path / "old" / "db").mkdir(parents=True)
    copy = open_database(tmp_path / "old")
    store.backup(copy)
    passes.spend(store, used.id, NOW)
    passes.revoke(store, back.id, NOW, by="test")
    store.execute("DELETE FROM passes WHERE id = ?", (gone.id,))
    dropped = keep_revoked(copy, store if known else None, Tombstones((), frozenset()), has_them=True)
    left = {one.id: one for one in passes.every(copy)}
    if known:
        assert left == {one.id: one for one in passes.every(store)}
        assert uses.of_pass(copy, used.id) == uses.of_pass(store, used.id) != ()
        assert (set(left), left[used.id].uses_left, left[whole.id]) == ({used.id, back.id, whole.id}, 0, whole)
    else:
        assert all(one.revoked_at for one in left.values())
    # They are over by the clock of this machine anyway.
    assert dropped.passes == 0
    copy.close()


def test_one_is_over_with_the_last_day_of_whom_they_visit_by_the_gates_own_calendar(store, wang):
    one = made(store, replace(WANTED, ends=NOW + timedelta(days=30), host=wang))
    changes.change(store, wang, changes.Changes(valid_until=NOW.date().isoformat()), by="test")
    moved_out, shanghai = passes.get(store, one.id), ZoneInfo("Asia/Shanghai")
    midnight = datetime.combine(NOW.date() + timedelta(days=1), time(), shanghai)
    assert (one.ends_in(shanghai), moved_out.ends_in(shanghai)) == (NOW + timedelta(days=30), midnight)
    moments = [midnight - timedelta(seconds=1), midnight]
    assert [moved_out.phase(at) for at in moments] == [Phase.IN_USE, Phase.OVER]
    assert moved_out.phase(midnight.astimezone(UTC)) is Phase.IN_USE
    # By that calendar the one above is no open one any more, and leaves room for another.
    last = replace(WANTED, begins=midnight, ends=midnight + timedelta(days=30), host=wang, most_open=1)
    assert passes.make(store, last, None, finder(2), finder(102), midnight, by="test")


def test_one_that_is_used_up_is_taken_back_all_the_same_since_a_use_may_be_given_back(store):
    one = made(store)
    use = passes.spend(store, one.id, NOW)
    passes.revoke(store, one.id, NOW, by="test")
    passes.give_back(store, use)
    assert passes.get(store, one.id).phase(NOW) is Phase.OVER
    assert not passes.spend(store, one.id, NOW)


def test_what_it_lasts_begins_with_the_first_use_by_which_somebody_passed(store):
    one, later = made(store, replace(WANTED, uses=3, lasts_s=3600)), NOW + timedelta(seconds=8)
    first = passes.spend(store, one.id, NOW)
    passes.spend(store, one.id, later)
    assert passes.get(store, one.id).ends_at == NOW + HOUR
    passes.give_back(store, first)
    assert passes.get(store, one.id).ends_at == later + HOUR


def test_where_nobody_passed_twice_and_the_first_use_is_given_back_after_the_next_nothing_has_begun(store):
    one = made(store, replace(WANTED, uses=3, lasts_s=3600))
    for use in (passes.spend(store, one.id, NOW), passes.spend(store, one.id, NOW + timedelta(seconds=8))):
        passes.give_back(store, use)
    assert passes.get(store, one.id) == one


def test_of_uses_by_which_nobody_passed_the_latest_alone_are_kept(store):
    one = made(store)
    for _ in range(uses.MOST_GIVEN_BACK + 5):
        passes.give_back(store, passes.spend(store, one.id, NOW))
    assert len(uses.of_pass(store, one.id)) == uses.MOST_GIVEN_BACK
    assert passes.get(store, one.id) == one


def test_a_backup_brings_no_name_back_of_a_visitor_whose_pass_was_erased(state, store, tmp_path):
    made(store)
    (tmp_path / "old" / "db").mkdir(parents=True)
    copy = open_database(tmp_path / "old")
    store.backup(copy)
    passes.erase_ended(store, NOW + timedelta(days=400))
    keep_revoked(copy, store, Tombstones((), frozenset()), has_them=True)
    assert passes.every(copy) == []
    assert [line.personal for line in audit.lines(copy)] == [{}]
    copy.close()
