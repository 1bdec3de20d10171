"""Areas on the register: who is let in at which gates, at the centre, at its gates, and whatever becomes of them."""

from contextlib import closing
from dataclasses import replace
from importlib import resources

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gate.errors import Refusal
from gate.store.compound import gates, items, outbox, proposals, proposed, requests, role, taken
from gate.store.compound.entries import AreaEntry, GroupEntry, RegisterKind, Version
from gate.store.compound.proposals import Because, Proposal
from gate.store.compound.taken import Taken
from gate.store.database import database_of, migrated_up_to, open_database
from gate.store.people import changes, erasure, residents
from gate.store.record import audit
from gate.store.site import areas, schedules
from tests.compound import EVERY_GATE, FACE, answer, following, publish, rows, take
from tests.stores import new_store

NORTH, SERVICE = {"n": "North"}, {"s": "Service"}


def enrolled(at, name="Wang Fang", **limits):
    made = residents.enrol(at, name, None, [FACE], EVERY_GATE, by="test")
    return changes.change(at, made, changes.Changes(**limits), by="test")


def let_in_at(at, who):
    """The ids of the gates at which somebody is let in, by what a store says; None: at all."""
    return residents.get(at, who.id).gates


def kinds(sent):
    return [(one.kind.value, one.limited) for one in sent]


def test_an_area_its_people_and_its_groups_are_at_the_gate_as_at_the_centre_and_a_change_is_one_entry(centre, gate):
    areas.put(centre, "Tower A", NORTH, "test")
    schedules.put_group(centre, "Cleaners", None, "test", area="Tower A")
    wang, li = enrolled(centre, area="Tower A"), enrolled(centre, "Li Na", group="Cleaners")
    take(gate, *publish(centre))
    for table in ("areas", "groups", "residents"):
        assert rows(gate, table) == rows(centre, table), table
    assert let_in_at(gate, wang) == let_in_at(gate, li) == ("n",)
    areas.put(centre, "Tower A", NORTH | SERVICE, "test")
    sent = publish(centre)
    assert kinds(sent) == [("area", False)]
    take(gate, *sent)
    assert let_in_at(gate, wang) == let_in_at(gate, li) == ("n", "s")
    assert items.state(gate, 1) == outbox.state(centre)


def test_what_limits_somebody_is_for_nobody_who_does_not_know_areas(centre):
    areas.put(centre, "Tower A", NORTH, "test")
    schedules.put_group(centre, "Cleaners", None, "test", area="Tower A")
    schedules.put_group(centre, "Families", None, "test")
    enrolled(centre, area="Tower A"), enrolled(centre, "Li Na", group="Cleaners")
    enrolled(centre, "Zhao Min", group="Families"), enrolled(centre, "Sun Li")
    limited = {one.entry.name for one in publish(centre) if one.limited}
    assert limited == {"Wang Fang", "Li Na", "Cleaners"}


def test_whoever_names_an_area_that_is_not_here_yet_is_waited_for(centre, gate):
    areas.put(centre, "Tower A", NORTH, "test")
    schedules.put_group(centre, "Cleaners", None, "test", area="Tower A")
    wang = enrolled(centre, area="Tower A")
    sent = {one.kind: one for one in publish(centre)}
    assert take(gate, sent[RegisterKind.GROUP], sent[RegisterKind.RESIDENT]) == [Taken.EARLY, Taken.EARLY]
    assert residents.get(gate, wang.id) is None
    assert set(take(gate, *(sent[one] for one in (RegisterKind.AREA, RegisterKind.GROUP, RegisterKind.RESIDENT)))) == {
        Taken.DONE
    }


def test_a_gate_that_is_taken_away_is_in_no_area_any_more_and_nobody_is_let_in_elsewhere_for_it(centre, gate):
    there = gates.Gate("n", "North", "U1", b"b" * 32, b"s" * 32, "2026-01-01")
    gates.add(centre, there)
    areas.put(centre, "Tower A", NORTH, "test")
    wang = enrolled(centre, area="Tower A")
    gates.remove(centre, there, by="test")
    take(gate, *publish(centre))
    assert let_in_at(centre, wang) == let_in_at(gate, wang) == ()


def test_an_area_goes_only_where_nobody_has_it_and_stays_where_a_gate_s_own_people_do(centre, gate):
    areas.put(centre, "Tower A", NORTH, "test")
    take(gate, *publish(centre))
    own = residents.enrol(gate, "Guard", None, (), by="test")
    gate.execute("INSERT INTO stays_here VALUES ('resident', ?)", (own.id,))
    changes.change(gate, own, changes.Changes(area="Tower A"), by="test")
    areas.remove(centre, "Tower A", "test")
    take(gate, *publish(centre))
    assert let_in_at(gate, own) == ("n",)
    with pytest.raises(Refusal, match="at least one gate"):
        areas.put(centre, "Nowhere", {}, "test")
    with pytest.raises(Refusal, match="at the centre"):
        areas.put(gate, "Mine", NORTH, "test")
    with pytest.raises(Refusal, match="at the centre"):
        areas.remove(gate, "Tower A", "test")


def test_an_area_that_is_gone_waits_for_word_of_whom_it_limited(centre, gate):
    areas.put(centre, "Tower A", NORTH, "test")
    wang = enrolled(centre, area="Tower A")
    take(gate, *publish(centre))
    changes.change(centre, wang, changes.Changes(area=""), by="test")
    areas.remove(centre, "Tower A", "test")
    sent = {one.kind: one for one in publish(centre)}
    assert take(gate, sent[RegisterKind.AREA]) == [Taken.EARLY]
    assert let_in_at(gate, wang) == ("n",)
    assert take(gate, sent[RegisterKind.RESIDENT], sent[RegisterKind.AREA]) == [Taken.DONE, Taken.DONE]
    assert (let_in_at(gate, wang), areas.every(gate)) == (None, [])


def test_whoever_is_in_a_group_that_goes_is_let_in_where_they_were(centre, gate):
    areas.put(centre, "Tower A", NORTH, "test")
    schedules.put_group(centre, "Cleaners", None, "test", area="Tower A")
    wang = enrolled(centre, group="Cleaners")
    sent = publish(centre)
    take(gate, *sent)
    group = next(one.entry for one in sent if one.kind is RegisterKind.GROUP)
    assert taken.take(gate, RegisterKind.GROUP, Version(1, 9), GroupEntry(group.id)) is Taken.DONE
    assert let_in_at(gate, wang) == ("n",)


def test_an_area_is_chosen_at_a_gate_too_and_the_centre_takes_it(centre, gate):
    areas.put(centre, "Tower A", NORTH, "test")
    take(gate, *publish(centre))
    wang = enrolled(gate, area="Tower A")
    schedules.put_group(gate, "Cleaners", None, "test", area="Tower A")
    assert answer(gate, centre) == {}
    assert let_in_at(centre, wang) == ("n",)
    assert [one.area for one in schedules.groups(centre)] == ["Tower A"]


def test_a_gate_of_an_earlier_version_is_told_nothing_of_whom_an_area_limits(centre, gate):
    wang = enrolled(centre)
    take(gate, *publish(centre))
    areas.put(centre, "Tower A", NORTH, "test")
    changes.change(centre, residents.get(centre, wang.id), changes.Changes(area="Tower A"), by="test")
    changes.change(gate, residents.get(gate, wang.id), changes.Changes(name="Wang Fang Fang"), by="test")
    proposal = proposals.following(gate)
    told = proposed.judge(centre, replace(proposal, reads_areas=False), "north", by="gate north")
    assert (told.because, told.version, told.entry) == (Because.CHANGED, None, None)
    assert (residents.get(centre, wang.id).name, let_in_at(centre, wang)) == ("Wang Fang", ("n",))
    told = proposed.judge(centre, proposal, "north", by="gate north")
    assert told.entry.area is not None
    # Nor of somebody new in a group that is limited there, of whom it goes on telling that they were erased.
    schedules.put_group(centre, "Cleaners", None, "test")
    take(gate, *(one for one in publish(centre) if one.kind is not RegisterKind.RESIDENT))
    schedules.put_group(centre, "Cleaners", None, "test", area="Tower A")
    li = enrolled(gate, "Li Na", group="Cleaners")
    while (proposal := proposals.following(gate)).entry.id != li.id:
        taken.take_answer(gate, proposed.judge(centre, proposal, "north", by="gate north"), proposal)
    told = proposed.judge(centre, replace(proposal, reads_areas=False), "north", by="gate north")
    assert (told.because, told.entry, let_in_at(centre, li)) == (Because.CHANGED, None, ("n",))
    assert taken.take_answer(gate, told, proposal)
    erasure.remove(gate, residents.get(gate, li.id), by="test")
    assert li.id in [identity for _, identity in requests.waiting(gate)]


@pytest.mark.parametrize(
    "entry",
    [
        AreaEntry("a", "Tower A", {"../n": "North"}), AreaEntry("a", "Tower A", {"n" * 65: "North"}),
        AreaEntry("a", "Tower A", {"n": ""}), AreaEntry("a", "", NORTH), AreaEntry("a", "T" * 65, NORTH),
        AreaEntry("a", "Tower A", {f"n{one}": "North" for one in range(1001)}),
    ],
)  # fmt: skip
def test_what_no_area_could_be_is_taken_from_no_gate(centre, entry):
    told = proposed.judge(centre, Proposal(1, RegisterKind.AREA, None, True, entry), "north", by="gate north")
    assert told.because is Because.NONSENSE
    assert areas.every(centre) == []


def test_no_gate_changes_an_area_of_the_centre_s_or_takes_it_away(centre):
    areas.put(centre, "Tower A", NORTH, "test")
    (stands,) = areas.every(centre)
    for entry in (AreaEntry(stands.id, "Tower A", SERVICE), AreaEntry(stands.id)):
        told = proposed.judge(
            centre, Proposal(1, RegisterKind.AREA, Version(1, 99), True, entry), "north", by="gate north"
        )
        assert told.because is Because.CHANGED
    assert areas.every(centre) == [stands]


def test_a_centre_that_lost_an_area_has_it_back_from_its_gates_with_whom_it_limits(centre, gate):
    areas.put(centre, "Tower A", NORTH, "test")
    wang = enrolled(centre, area="Tower A")
    take(gate, *publish(centre))
    with closing(new_store()) as restored:
        role.become_centre(restored)
        outbox.begin_epoch(restored, 1001, "s", 0)
        proposals.give_back(gate, "r1", 1001)
        assert answer(gate, restored) == {}
        assert let_in_at(restored, wang) == ("n",)
        assert audit.verify(restored) is None


def test_a_gate_that_leaves_still_lets_in_only_whom_it_did(centre, gate):
    areas.put(centre, "Tower A", NORTH, "test")
    wang = enrolled(centre, area="Tower A")
    take(gate, *publish(centre))
    role.leave(gate, by="test")
    assert let_in_at(gate, wang) == ("n",)


deeds = st.sampled_from(["limit", "lift", "group", "ungroup", "north", "both", "limit the group", "lift the group"])


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(deeds, st.booleans()), max_size=12), st.randoms(use_true_random=False))
def test_whatever_is_done_and_however_late_it_comes_a_gate_ends_with_what_the_centre_says(done, shuffled):
    with closing(new_store()) as centre, closing(following()) as gate:
        role.become_centre(centre)
        outbox.begin_epoch(centre, 1, "s", 0)
        areas.put(centre, "Tower A", NORTH, "test")
        schedules.put_group(centre, "Cleaners", None, "test")
        wang, sent = enrolled(centre), []
        of_group = {"limit the group": "Tower A", "lift the group": ""}
        of_person = {
            "limit": {"area": "Tower A"}, "lift": {"area": ""}, "group": {"group": "Cleaners"},
            "ungroup": {"group": ""},
        }  # fmt: skip
        for deed, goes_out in done:
            if deed in of_person:
                changes.change(centre, wang, changes.Changes(**of_person[deed]), by="test")
            elif deed in of_group:
                schedules.put_group(centre, "Cleaners", None, "test", area=of_group[deed])
            else:
                areas.put(centre, "Tower A", NORTH if deed == "north" else NORTH | SERVICE, "test")
            sent += publish(centre) if goes_out else []
        sent += publish(centre)
        shuffled.shuffle(sent)
        # What came too early comes again.
        while take(gate, *sent).count(Taken.EARLY):
            pass
        assert let_in_at(gate, wang) == let_in_at(centre, wang)
        assert items.state(gate, 1) == outbox.state(centre)


def test_a_register_of_a_version_before_areas_is_kept_and_goes_on(tmp_path):
    scripts = sorted(one.name for one in (resources.files("gate.store") / "migrations").iterdir())
    before = next(number for number, name in enumerate(scripts) if name.endswith("_areas.sql"))
    with closing(migrated_up_to(database_of(folder_of(tmp_path)), before)) as old:
        old.execute("INSERT INTO gate (only_row, id) VALUES (1, 'g')")
        old.execute("UPDATE compound SET part = 'centre', epoch = 3")
        old.execute("INSERT INTO groups (id, name) VALUES ('c', 'Cleaners')")
        old.execute("INSERT INTO residents (id, name, created_at, group_id) VALUES ('r', 'Wang Fang', '2026', 'c')")
        old.execute("UPDATE compound SET part = 'gate'")
        old.execute("UPDATE residents SET unit = '1-1'")
        kept = [old.execute(f"SELECT * FROM {table}").fetchall() for table in ("register", "proposals")]
        assert all(kept)
    with closing(open_database(tmp_path)) as now:
        assert [now.execute(f"SELECT * FROM {table}").fetchall() for table in ("register", "proposals")] == kept
        assert let_in_at(now, residents.get(now, "r")) is None
        now.execute("UPDATE compound SET part = 'centre'")
        areas.put(now, "Tower A", NORTH, "test")
        schedules.put_group(now, "Cleaners", None, "test", area="Tower A")
        assert let_in_at(now, residents.get(now, "r")) == ("n",)
        assert {one.kind for one in outbox.due(now, 10)} == {"area", "group", "resident"}


def folder_of(state):
    database_of(state).parent.mkdir(parents=True)
    return state
