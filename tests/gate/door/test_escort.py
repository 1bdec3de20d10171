"""An escort: who needs one, who is one, and for how long."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.app import create_app
from gate.door.escort import Escort
from gate.door.named_groups import missing
from gate.door.settings import DoorSettings
from gate.store.people import changes, residents
from gate.store.people.changes import Changes
from gate.store.site import schedules
from tests.codes import card_of_number
from tests.console import context_on, signed_in
from tests.door import door_process, until
from tests.gate.door.test_credentials import answers, show
from tests.gate.door.test_visits import hold_up, new_pass
from tests.running import wait_for

GROUPS = ("workers", "guards", "families", None)
groups = st.sampled_from(GROUPS)


@given(st.lists(st.tuples(st.floats(0, 60), groups), max_size=20), groups, st.floats(0, 60))
def test_only_those_of_the_group_need_one_and_only_soon_after_one_are_they_let_in(came, group, later_s):
    escort, now, latest = Escort("workers", "guards", 30.0), 100.0, None
    for waited_s, one in came:
        now += waited_s
        escort = escort.after(one, now)
        latest = now if one == "guards" else latest
    now += later_s
    there = latest is not None and now - latest <= 30.0
    assert escort.is_missing(group, now) is (group == "workers" and not there)
    assert not Escort().after(group, now).is_missing(group, now)


def test_an_escort_counts_to_the_end_of_their_time_and_no_longer():
    escort = Escort("workers", "guards", 30.0).after("guards", 100.0)
    assert [escort.is_missing("workers", now) for now in (99.9, 100.0, 130.0, 130.1)] == [True, False, False, True]


@pytest.mark.parametrize(
    "chosen",
    [{"escorted_group": "a"}, {"escort_group": "a"}, {"escorted_group": "a", "escort_group": "a"},
     {"escorted_group": "a", "escort_group": "b", "escort_s": 1}],
)  # fmt: skip
def test_what_could_not_work_is_refused_at_the_start(chosen):
    with pytest.raises(ValueError, match="escort"):
        DoorSettings(**chosen)


def test_a_worker_is_let_in_behind_a_guard_and_leaves_alone(state, store):
    schedules.put(store, "always", "daily 00:00-24:00", "test", ["guards", "workers"])
    people = {}
    for number, (name, group) in enumerate((("Wang Fang", "guards"), ("Li Na", "workers"), ("Zhao Min", "")), 1):
        person = residents.enrol(store, name, None, [])
        people[f"000471{number}"] = changes.change(store, person, Changes(group=group), by="test")
    rules = {"escorted_group": "workers", "escort_group": "guards", "inside_readers": "osdp 1", "freshness_s": 5}
    with door_process(state, True, **rules) as (_, door):
        for number, person in people.items():
            card_of_number(store, door, person, number, "fob", by="test")

        def told(*shown):
            """What came of each, in their order."""
            before = len(answers(state))
            for at, (number, reader) in enumerate(shown, 1):
                show(door, number, reader)
                wait_for(lambda at=at: len(answers(state)) == before + at)
                until(door, mode="normal", at_rest=True)
            return [(kind, reason) for kind, reason, _ in answers(state)[before:]]

        guard, worker, neighbour = people
        refused, let_in = ("denied", "no_escort"), ("granted", None)
        assert told((worker, "outer"), (neighbour, "outer"), (worker, "outer")) == [refused, let_in, refused]
        # Who leaves brings nobody in, and nobody is refused the way out.
        assert told((guard, "osdp 1"), (worker, "outer"), (worker, "osdp 1")) == [let_in, refused, let_in]
        assert told((guard, "outer"), (worker, "outer"), (worker, "outer")) == [let_in, let_in, let_in]


def test_a_visitor_of_a_guard_brings_nobody_in(state, store):
    schedules.put(store, "always", "daily 00:00-24:00", "test", ["guards", "workers"])
    guard, worker = (residents.enrol(store, name, None, []) for name in ("Wang Fang", "Li Na"))
    guard = changes.change(store, guard, Changes(group="guards"), by="test")
    worker = changes.change(store, worker, Changes(group="workers"), by="test")
    with door_process(state, True, escorted_group="workers", escort_group="guards", freshness_s=5) as (_, door):
        card_of_number(store, door, worker, "0004712", "fob", by="test")
        visit = new_pass(store, door, host=guard)
        hold_up(door, visit.code)
        wait_for(lambda: len(answers(state)) == 1)
        until(door, mode="normal", at_rest=True)
        show(door, "0004712", "outer")
        wait_for(lambda: len(answers(state)) == 2)
    assert [(kind, reason) for kind, reason, _ in answers(state)] == [("granted", None), ("denied", "no_escort")]


def test_a_group_of_the_settings_that_does_not_exist_is_told_at_the_start_and_by_the_page(state, store, staff, capfd):
    rules = {"escorted_group": "workers", "escort_group": "guards"}
    schedules.put_group(store, "guards", None, "test")
    with door_process(state, **rules):
        pass
    told = "escorted_group names the group workers, which does not exist, so nobody needs an escort"
    assert told in capfd.readouterr().err
    manager = signed_in(create_app(context_on(state, settings={"door": rules})), "manager")
    assert told in manager.get("/settings/hours").text
    schedules.put_group(store, "workers", None, "test")
    assert "does not exist" not in manager.get("/settings/hours").text
    with door_process(state, **rules):
        pass
    assert "does not exist" not in capfd.readouterr().err


def test_each_setting_says_what_follows_where_its_group_is_not_there():
    settings = DoorSettings(
        first_person_group="a", escorted_group="b", escort_group="c", contact_pin=19, hold_pin=6
    )  # fmt: skip
    assert missing(settings, {"a", "b", "c"}) == []
    first, escorted, escort = missing(settings, {"d"})
    assert ("never stands open" in first, "nobody needs" in escorted, "are not let in" in escort) == (True, True, True)
    assert missing(DoorSettings(), ()) == []
