"""Lines of a gate's record at its centre: exactly once, in their chain, and without whoever was erased."""

from contextlib import closing
from dataclasses import asdict, replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gate.store.compound import allowance, carried, forgotten, gates, items, role
from gate.store.compound.entries import RegisterKind, Version
from gate.store.compound.forgotten import Forgotten
from gate.store.compound.gates import Gate
from gate.store.people import erasure, residents
from gate.store.record import audit
from gate.vocabulary import AuditEvent, Kind
from tests.compound import following, publish, take
from tests.stores import new_store


def granted(gate, who, name="Wang Fang"):
    audit.append(gate, AuditEvent(Kind.GRANTED, {"method": "card"}, {"resident": who, "name": name}, who))


def on_register(gate, who):
    items.note(gate, RegisterKind.RESIDENT, who, Version(1, 1))


@pytest.fixture
def gate():
    with closing(following()) as made:
        yield made


@pytest.fixture
def centre():
    with closing(new_store()) as made:
        yield made


def lines(gate, sequence=None):
    return carried.after(gate, carried.began(gate) if sequence is None else sequence, 100)


def test_lines_come_with_the_names_of_whoever_is_on_the_register_and_of_nobody_else(gate, centre):
    on_register(gate, "r1")
    granted(gate, "r1")
    granted(gate, "r2", "Li Na")
    assert carried.keep(centre, "g", lines(gate)) is None
    found = carried.last(centre, 10)
    assert [(one.kind, one.named) for one in found] == [
        ("centre_joined", None), ("granted", "Wang Fang"), ("granted", None),
    ]  # fmt: skip
    assert carried.held(centre, "g") == audit.anchor(gate)
    assert carried.is_ours(gate, audit.anchor(gate))


@settings(max_examples=30, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 12), st.integers(0, 6)), max_size=12))
def test_whatever_is_sent_again_or_lost_on_the_way_each_line_is_there_once(sent):
    with closing(following()) as gate, closing(new_store()) as centre:
        for number in range(10):
            granted(gate, f"r{number}")
        all_of_it = lines(gate)
        for first, count in sent:
            carried.keep(centre, "g", all_of_it[first : first + count])
        here = carried.held(centre, "g")
        carried.keep(centre, "g", lines(gate, None if here is None else here.sequence))
        numbers = [one.sequence for one in carried.last(centre, 100)]
        assert numbers == list(range(numbers[0], all_of_it[-1].sequence + 1))
        assert carried.held(centre, "g") == audit.anchor(gate)


def test_a_line_that_was_altered_left_out_or_is_anothers_is_not_taken_nor_what_follows(gate, centre):
    for _ in range(3):
        granted(gate, "r1")
    on_register(gate, "r1")
    first, second, third, fourth = lines(gate)
    assert carried.keep(centre, "g", [first]) is None
    forged = replace(second, kind="denied")
    assert "altered" in carried.keep(centre, "g", [forged, third]).problem
    assert "missing" in carried.keep(centre, "g", [third]).problem
    renamed = replace(second, personal=tuple(replace(one, value="Li Na") for one in second.personal))
    assert "personal field" in carried.keep(centre, "g", [renamed]).problem
    assert "another gate" in carried.keep(centre, "other", [second]).problem
    assert carried.held(centre, "g").sequence == first.sequence
    assert carried.keep(centre, "g", [second, third, fourth]) is None


def test_who_is_erased_at_the_centre_is_nameless_in_all_records_also_when_a_line_comes_late(gate, centre):
    wang = residents.enrol(centre, "Wang Fang", None, (), by="test")
    on_register(gate, wang.id)
    granted(gate, wang.id)
    granted(gate, wang.id)
    *early, late = lines(gate)
    assert carried.keep(centre, "g", early) is None
    erasure.remove(centre, wang, by="test")
    assert carried.keep(centre, "g", [late]) is None
    assert [one.named for one in carried.last(centre, 10)] == [None, None, None]
    assert centre.execute("SELECT count(*) FROM carried_personal").fetchone() == (0,)


@pytest.mark.parametrize("at", ["zzzz", "", "2026-11-27", "2026-11-27T08:00:00.000+08:00", "9999-12-31T23:59:59+00:00"])
def test_a_line_with_a_time_that_nobody_can_read_is_taken_from_no_gate(gate, centre, at):
    granted(gate, "r1")
    *first, last = lines(gate)
    row = {name: one for name, one in asdict(replace(last, at=at)).items() if name not in ("personal", "hash")}
    altered = replace(last, at=at, hash=audit._hash(row))
    flaw = carried.keep(centre, "g", [*first, altered])
    assert (flaw.sequence, flaw.problem) == (last.sequence, "its time cannot be read")
    assert carried.held(centre, "g").sequence == last.sequence - 1


NOW = datetime(2026, 11, 28, 8, 0, tzinfo=UTC)


@pytest.mark.parametrize("away", [0, 30, 200])
def test_a_gate_tells_as_much_as_it_can_have_written_however_long_it_was_away_and_no_more(
    gate, centre, monkeypatch, away
):
    monkeypatch.setattr(allowance, "A_DAY", 1)
    granted(gate, "r0")
    assert carried.keep(centre, "g", lines(gate), now=NOW) is None
    for number in range(away + 30):
        granted(gate, f"r{number}")
    back = NOW + timedelta(days=away)
    most = max(20 - 2, away)
    after = carried.held(centre, "g").sequence
    told = carried.after(gate, after, 1000)
    # In parts, and again what it was not told of: nothing of an honest gate is lost.
    assert carried.keep(centre, "g", told[:10], now=back) is None
    flaw = carried.keep(centre, "g", told, now=back)
    assert (flaw.sequence, flaw.problem) == (after + most + 1, carried.TOO_MUCH)
    assert carried.held(centre, "g").sequence == after + most
    assert carried.keep(centre, "g", told, now=back).sequence == after + most + 1
    assert carried.keep(centre, "g", told[most : most + 1], now=back + timedelta(days=1)) is None
    # A clock of the centre that goes back gives nothing and takes nothing away.
    assert carried.keep(centre, "g", told, now=back - timedelta(days=9)).problem == carried.TOO_MUCH


def test_a_line_that_is_long_counts_for_more(gate, centre, monkeypatch):
    monkeypatch.setattr(allowance, "A_DAY", 1)
    assert carried.keep(centre, "g", lines(gate), now=NOW) is None
    audit.append(gate, AuditEvent(Kind.TIDIED, {"words": "x" * 30_000}))
    assert carried.keep(centre, "g", lines(gate), now=NOW).problem == carried.TOO_MUCH


def test_old_lines_go_and_the_last_stays_without_a_name_so_that_the_next_follows(gate, centre):
    on_register(gate, "r1")
    granted(gate, "r1")
    carried.keep(centre, "g", lines(gate))
    assert [one.named for one in carried.last(centre, 1)] == ["Wang Fang"]
    assert carried.prune(centre, "9999") == 1
    assert [one.named for one in carried.last(centre, 1)] == [None]
    assert carried.verify(centre, "g", None, 10).is_whole
    granted(gate, "r1")
    assert carried.keep(centre, "g", lines(gate, carried.held(centre, "g").sequence)) is None


def test_what_a_line_proved_stays_proved_when_the_line_is_older_than_lines_are_kept(gate, centre):
    role.become_centre(centre)
    centre.execute("UPDATE gate SET id = 'c'")
    gates.add(centre, Gate("g", "North", "UN", b"b" * 32, b"s" * 32, "2026-11-27T08:00:00+00:00"))
    wang, li = (residents.enrol(centre, name, None, (), by="test") for name in ("Wang Fang", "Li Na"))
    take(gate, *publish(centre))
    for one in (wang, li):
        erasure.remove(centre, one, by="test")
    take(gate, *publish(centre))
    carried.keep(centre, "g", lines(gate))
    said = {one.id: one for _, one in forgotten.waiting(gate)}
    # Of the other it names lines that it has not.
    forgotten.keep(centre, "g", [said[wang.id], Forgotten(li.id, 1, "x"), Forgotten(li.id, 0, "")])

    def proved():
        return {one.id: len(one.proved) for one in forgotten.standing(centre, 10)}

    assert proved() == {wang.id: 1, li.id: 0}
    granted(gate, "r1")
    carried.keep(centre, "g", lines(gate, carried.held(centre, "g").sequence))
    assert carried.prune(centre, "9999") > 1
    assert proved() == {wang.id: 1, li.id: 0}


def test_what_was_pruned_before_it_was_verified_is_no_gap(gate, centre):
    for _ in range(4):
        granted(gate, "r1")
    carried.keep(centre, "g", lines(gate))
    begun = carried.verify(centre, "g", None, 2)
    assert (begun.flaw, begun.is_whole) == (None, False)
    assert carried.prune(centre, "9999") == 4
    assert carried.verify(centre, "g", begun.through, 2).is_whole


def test_a_record_that_was_put_back_is_not_the_one_that_the_centre_saw(gate, centre):
    granted(gate, "r1")
    carried.keep(centre, "g", lines(gate))
    with closing(following()) as restored:
        granted(restored, "r1")
        assert not carried.is_ours(restored, carried.held(centre, "g"))
