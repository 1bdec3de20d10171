"""The records of all gates in one search, and whether what came from a gate is still as it came."""

from contextlib import ExitStack, closing, contextmanager
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gate.store.compound import carried, items, records, role
from gate.store.compound.entries import RegisterKind, Version
from gate.store.database import open_database, transaction
from gate.store.record import audit
from gate.store.record.audit import Moment
from gate.store.record.search import Search
from gate.vocabulary import AuditEvent, Kind
from tests.stores import new_store

NINE = datetime(2026, 5, 4, 9, 0, tzinfo=UTC)


def came(store, minutes, who="r1", kind=Kind.GRANTED, **details):
    """A line that somebody came to this gate so many minutes past nine."""
    at = (NINE + timedelta(minutes=minutes)).timestamp()
    event = AuditEvent(kind, {"method": "face", **details}, {"resident": who, "name": who.upper()}, who)
    audit.append(store, event, Moment(0.0, at, True))


@contextmanager
def compound(made=new_store):
    """The stores of a centre and of two gates that follow it, each `made` by its name."""
    with ExitStack() as stack:
        centre, *gates = (stack.enter_context(closing(made(one))) for one in ("c", "n", "s"))
        for gate in gates:
            role.follow(gate, bytes(16), "centre", by="test")
        yield (centre, *gates)


@contextmanager
def with_residents(made=new_store):
    """The same, with two residents on the register."""
    with compound(made) as (centre, *gates):
        for gate in gates:
            for who in ("r1", "r2"):
                with transaction(gate):
                    items.note(gate, RegisterKind.RESIDENT, who, Version(1, 1))
        yield (centre, *gates)


@pytest.fixture
def three():
    with with_residents() as stores:
        yield stores


def carry(centre, *gates):
    for gate in gates:
        identity = records.own_gate(gate)
        here = carried.held(centre, identity)
        after = carried.began(gate) if here is None else here.sequence
        assert carried.keep(centre, identity, carried.after(gate, after, 1000)) is None


ENTRIES = Search(kinds=(Kind.GRANTED,))


def told(lines):
    """When, in minutes past nine, and who."""
    return [((datetime.fromisoformat(one.at) - NINE).total_seconds() / 60, one.named) for one in lines]


def test_lines_of_all_gates_are_one_list_by_time_and_each_gates_alone_too(three):
    centre, north, south = three
    came(centre, 1)
    came(north, 0)
    came(south, 2, "r2")
    came(north, 3)
    carry(centre, north, south)
    assert told(records.page(centre, ENTRIES).lines) == [(3, "R1"), (2, "R2"), (1, "R1"), (0, "R1")]
    own = records.own_gate(north)
    assert told(records.page(centre, ENTRIES, own).lines) == [(3, "R1"), (0, "R1")]
    assert told(records.page(centre, ENTRIES, records.own_gate(centre)).lines) == [(1, "R1")]
    assert told(records.page(centre, ENTRIES, "nobody").lines) == []


def test_a_search_finds_at_every_gate_what_it_finds_here(three):
    centre, north, south = three
    came(centre, 1)
    came(north, 2, kind=Kind.DENIED, reason="out_of_hours")
    came(south, 3, "r2")
    carry(centre, north, south)
    about = Search(residents=("r1",), kinds=(Kind.GRANTED, Kind.DENIED))
    assert told(records.page(centre, about).lines) == [(2, "R1"), (1, "R1")]
    assert told(records.page(centre, Search(reason="out_of_hours")).lines) == [(2, "R1")]
    since = (NINE + timedelta(minutes=2)).isoformat(timespec="milliseconds")
    until = (NINE + timedelta(minutes=3)).isoformat(timespec="milliseconds")
    assert told(records.page(centre, Search(kinds=about.kinds, since=since, until=until)).lines) == [(2, "R1")]
    assert records.page(centre, Search(residents=())).lines == ()
    audit.forget(centre, "r1")
    assert records.page(centre, about).lines == ()


@settings(max_examples=25, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 2), st.integers(0, 4)), max_size=25), st.integers(1, 7))
def test_page_after_page_each_line_is_shown_once_whoever_came_in_the_same_moment(came_at, count):
    with compound() as stores:
        for which, minutes in came_at:
            came(stores[which], minutes)
        centre = stores[0]
        carry(*stores)
        found, before = [], None
        while True:
            some = records.page(centre, ENTRIES, None, before, count)
            found += some.lines
            if some.next is None:
                break
            before = some.next
        assert len({(one.gate_id, one.sequence) for one in found}) == len(found) == len(came_at)
        assert [one.at for one in found] == sorted((one.at for one in found), reverse=True)
        assert [one.id for one in records.every(centre, ENTRIES)] == [one.id for one in found]


def test_a_grant_and_its_passage_are_one_approach_at_whatever_gate_and_another_gates_are_not(three):
    centre, north, south = three
    for gate in (north, south, centre):
        came(gate, 0, claim="c1", track=1)
        audit.append(
            gate, AuditEvent(Kind.PASSAGE, {"grant": "c1", "outcome": "taken"}), Moment(0.0, NINE.timestamp(), True)
        )
    carry(centre, north, south)
    shown = records.approaches(centre, ENTRIES).approaches
    assert [[line.kind for line in one.lines] for one in shown] == [["passage", "granted"]] * 3
    assert len({one.lines[0].gate_id for one in shown}) == 3


def test_a_line_that_is_altered_after_it_came_is_found_and_a_little_is_looked_at_at_once(three):
    centre, north, _ = three
    for minutes in range(6):
        came(north, minutes)
    carry(centre, north)
    gate = records.own_gate(north)
    last = carried.End(0, carried.held(centre, gate))
    some = carried.verify(centre, gate, None, 4)
    assert not some.is_whole
    assert carried.verify(centre, gate, some.through, 100) == carried.Verified(last, last)
    assert carried.verify(centre, gate, last, 100).is_whole
    assert carried.verify(centre, "nobody", None, 10).is_whole
    with transaction(centre):
        centre.execute("UPDATE carried_lines SET kind = 'denied' WHERE sequence = ?", (last.line.sequence - 1,))
    flaw = carried.verify(centre, gate, None, 100).flaw
    assert (flaw.sequence, flaw.problem) == (last.line.sequence - 1, "the line was altered")


def test_a_record_that_was_put_back_goes_on_beside_what_came_before(three, tmp_path):
    centre, north, _ = three
    identity = records.own_gate(north)
    came(north, 0)
    with closing(open_database(tmp_path / "kept")) as kept:
        north.backup(kept)
    came(north, 1, claim="c1", track=1)
    came(north, 2)
    carry(centre, north)
    with closing(open_database(tmp_path / "kept")) as back:
        audit.append(back, AuditEvent(Kind.RESTORED, {}), Moment(0.0, (NINE + timedelta(minutes=4)).timestamp(), True))
        came(back, 5, "r2", claim="c2", track=1)
        came(back, 6, "r2")
        assert not carried.is_ours(back, carried.held(centre, identity))
        lines = carried.after(back, carried.begins_anew(back), 1000)
        assert carried.keep(centre, identity, lines[:2], begins=True) is None
        # The answer was lost on the way: the same is told again, and more of it.
        assert carried.keep(centre, identity, lines, begins=True) is None
        assert carried.held(centre, identity) == audit.anchor(back)
        assert told(records.page(centre, ENTRIES).lines) == [(6, "R2"), (5, "R2"), (2, "R1"), (1, "R1"), (0, "R1")]
        assert [one.named for one in carried.last(centre, 10)].count("R2") == 2
        # Lines of one number in two records are not one approach.
        shown = records.approaches(centre, ENTRIES).approaches
        assert [{line.named for line in one.lines} for one in shown] == [{"R2"}, {"R2"}, {"R1"}, {"R1"}, {"R1"}]
        carry(centre, back)
    # And each is verified as the chain that it is.
    some = carried.verify(centre, identity, None, 3)
    assert carried.verify(centre, identity, some.through, 100).is_whole
    with transaction(centre):
        centre.execute("UPDATE carried_lines SET kind = 'denied' WHERE chain = 1 AND kind = 'granted'")
    assert carried.verify(centre, identity, None, 100).flaw.problem == "the line was altered"
    centre.execute("UPDATE carried_lines SET kind = 'granted' WHERE chain = 1 AND kind = 'denied'")
    audit.forget(centre, "r2")
    assert told(records.page(centre, ENTRIES).lines)[:3] == [(6, None), (5, None), (2, "R1")]
    # The last line of each stays, so that the next follows.
    assert carried.prune(centre, "9999") > 0
    assert len(carried.last(centre, 10)) == 2


def test_a_record_begins_anew_with_nothing_but_a_line_that_says_why_and_is_new(three, tmp_path):
    centre, north, _ = three
    identity = records.own_gate(north)
    came(north, 0)
    with closing(open_database(tmp_path / "copy")) as copy:
        north.backup(copy)
        came(north, 1)
        carry(centre, north)
        came(copy, 2)
        came(copy, 3)
        assert not carried.is_ours(copy, carried.held(centre, identity))
        joined, *others = carried.after(copy, carried.begins_anew(copy), 1000)
        assert "no record begins" in carried.keep(centre, identity, others[-2:], begins=True).problem
        # With the line that is there it is the record that is there, which this does not follow.
        assert "does not follow" in carried.keep(centre, identity, [joined, *others], begins=True).problem
        # Once it joins again it is another, of which that line is none.
        role.follow(copy, bytes(16), "centre", by="test")
        anew = carried.after(copy, carried.begins_anew(copy), 1000)
        assert carried.keep(centre, identity, anew, begins=True) is None
        assert "of before" in carried.keep(centre, identity, [joined], begins=True).problem
        assert carried.held(centre, identity) == audit.anchor(copy)
    assert told(records.page(centre, ENTRIES).lines) == [(1, "R1"), (0, "R1")]
