"""Who passed at which gate, as the gates of a compound tell each other: late, twice, in any order, by any clock."""

from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from gate.store.compound import role
from gate.store.people import elsewhere, erasure, residents, whereabouts
from gate.store.people.elsewhere import Seen
from gate.vocabulary import Direction, Moved
from tests.compound import following
from tests.stores import new_store

PEOPLE = ("Wang Fang", "Li Na")
NAMES = ("north", "east")
NOON = datetime(2026, 6, 1, 12, tzinfo=UTC).timestamp()
YEAR_S = 365 * 86400.0

deeds = st.lists(
    st.one_of(
        # Somebody passes at a gate, or nobody knows which way; the gate's clock may be off by years.
        st.tuples(
            st.just("passes"),
            st.integers(0, 2),
            st.integers(0, 1),
            st.sampled_from([*Direction, None]),
            st.sampled_from([0.0, 0.0, 1.0, -YEAR_S, YEAR_S]),
        ),
        st.tuples(st.just("tells"), st.integers(0, 1), st.booleans()),
        st.tuples(st.just("hears"), st.integers(0, 1), st.booleans()),
        st.tuples(st.just("erased"), st.integers(0, 2), st.integers(0, 1)),
        st.tuples(st.just("led anew")),
    ),
    max_size=25,
)


class Compound:
    """A centre and two gates, and what was said on the lines between them."""

    def __init__(self):
        self.centre, self.gates = new_store(), [following() for _ in NAMES]
        role.become_centre(self.centre)
        self.all = [*self.gates, self.centre]
        for one, name in zip(self.all, (*NAMES, "centre"), strict=True):
            one.execute("UPDATE gate SET id = ?", (name,))
        self.people = [residents.enrol(self.centre, name, None, []) for name in PEOPLE]
        for gate in self.gates:
            for one in self.people:
                gate.execute(
                    "INSERT INTO residents (id, name, folded_name, created_at) VALUES (?, ?, ?, '2026-01-01')",
                    (one.id, one.name, one.name),
                )
        self.seen, self.at, self.epoch = {}, NOON, 1

    def passes(self, where, who, way, off):
        self.at += 1
        moved = Moved(self.people[who].id, way, self.at + off, shared=True)
        whereabouts.note(self.all[where], moved)

    def tells(self, number, twice):
        gate = self.gates[number]
        said = elsewhere.untold(gate, self.epoch)
        if said:
            for _ in range(1 + twice):
                elsewhere.keep_of(self.centre, NAMES[number], NAMES[number], said)
            elsewhere.told(gate, self.epoch, said[-1].number)

    def hears(self, number, twice):
        gate = self.gates[number]
        said, through = elsewhere.for_gate(self.centre, NAMES[number], elsewhere.heard(gate, self.epoch))
        for _ in range(1 + twice):
            elsewhere.take(gate, said, self.epoch, through)

    def erased(self, where, who):
        person = residents.get(self.all[where], self.people[who].id)
        if person is not None:
            erasure.remove(self.all[where], person, by="test")

    def led_anew(self):
        self.epoch += 1

    def known(self, one):
        rows = one.execute("SELECT resident_id, gate_id, way, at FROM last_passages").fetchall()
        return {row[:2]: row[2:] for row in rows}


@settings(max_examples=20)
@given(deeds)
def test_all_know_the_last_of_each_gate_in_the_end_and_nothing_of_whoever_was_erased(told):
    compound = Compound()
    for what, *given_ in told:
        getattr(compound, what.replace(" ", "_"))(*given_)
    own = {one: compound.known(one) for one in compound.all}
    for _ in range(2):
        for number in range(2):
            compound.tells(number, twice=False)
            compound.hears(number, twice=False)
    there = {one: {row for (row,) in one.execute("SELECT id FROM residents")} for one in compound.all}
    for one in compound.all:
        assert {who for who, _ in compound.known(one)} <= there[one], "somebody who was erased is known"
    # Each gate's own word, as it stands there, is what every other has of it.
    for name, gate in zip((*NAMES, "centre"), compound.all, strict=True):
        mine = {key: row for key, row in own[gate].items() if key[1] == name}
        for other in compound.all:
            through = there[other] & there[compound.centre]
            expected = {key: row for key, row in mine.items() if key[0] in through}
            found = {key: row for key, row in compound.known(other).items() if key[1] == name and key[0] in there[gate]}
            assert found == expected or other is gate
    for one in compound.all:
        one.close()


def test_a_gate_speaks_for_itself_alone_and_what_has_no_time_is_not_kept():
    compound = Compound()
    who = compound.people[0].id
    said = Seen(who, "east", "East", Direction.IN, "2026-06-01T12:00:00.000+00:00", 1)
    bad = ("", "noon", "2026-06-01T12:00:00", "9999-12-31T23:00:00+00:00", "2026-06-01T12:00:00+08:00")
    elsewhere.keep_of(compound.centre, "north", "North", [replace(said, at=one) for one in bad])
    assert compound.known(compound.centre) == {}
    elsewhere.keep_of(compound.centre, "north", "North", [said, replace(said, resident="nobody")])
    assert compound.known(compound.centre) == {(who, "north"): ("in", said.at)}
    # Nor does a centre tell a gate what that one saw itself.
    assert elsewhere.for_gate(compound.centre, "north", 0)[0] == ()
    elsewhere.take(compound.gates[0], [replace(said, gate="north")], 1, 1)
    elsewhere.take(compound.gates[0], [replace(said, at=one) for one in bad], 1, 1)
    assert compound.known(compound.gates[0]) == {}


def test_what_is_told_twice_is_told_to_the_others_once():
    compound = Compound()
    compound.passes(0, 0, Direction.IN, 0.0)
    compound.tells(0, twice=True)
    assert elsewhere.newest(compound.centre) == 1


def test_another_centre_is_told_all_anew_and_asked_for_all():
    compound = Compound()
    north = compound.gates[0]
    compound.passes(0, 0, Direction.IN, 0.0)
    said = elsewhere.untold(north, 1)
    elsewhere.told(north, 1, said[-1].number)
    elsewhere.take(north, (), 1, 7)
    assert (elsewhere.untold(north, 1), elsewhere.heard(north, 1)) == ((), 7)
    assert (elsewhere.untold(north, 2), elsewhere.heard(north, 2)) == (said, 0)


def test_what_is_more_than_goes_at_once_comes_with_the_next_question():
    compound = Compound()
    most = elsewhere.MOST_AT_ONCE
    everybody = [f"r{number:03}" for number in range(most + 1)]
    compound.centre.executemany(
        "INSERT INTO residents (id, name, folded_name, created_at) VALUES (?1, ?1, ?1, '2026-01-01')",
        [(one,) for one in everybody],
    )
    at = "2026-06-01T12:00:00.000+00:00"
    told = [Seen(one, "east", "East", Direction.IN, at, 0) for one in everybody]
    elsewhere.keep_of(compound.centre, "east", "East", told)
    first, through = elsewhere.for_gate(compound.centre, "north", 0)
    rest, end = elsewhere.for_gate(compound.centre, "north", through)
    assert ([one.resident for one in (*first, *rest)], end) == (everybody, most + 1)


def test_a_gate_that_is_taken_away_and_who_is_forgiven_everywhere_are_known_no_more():
    compound = Compound()
    for number in range(2):
        compound.passes(number, number, Direction.IN, 0.0)
        compound.tells(number, twice=False)
    compound.hears(0, twice=False)
    north = compound.gates[0]
    assert {gate for _, gate in compound.known(north)} == set(NAMES)
    # Of all at once: what the others saw of anybody is nobody's any more, and what this gate saw is taken back.
    whereabouts.note(north, Moved(None, None, compound.at + 1, shared=True))
    assert {key: way for key, (way, _) in compound.known(north).items()} == {(compound.people[0].id, "north"): None}
    elsewhere.forget_gate(compound.centre, "east")
    assert {gate for _, gate in compound.known(compound.centre)} == {"north"}


def test_a_second_centre_that_leads_tells_also_what_it_had_heard_as_a_gate():
    compound = Compound()
    said = Seen(compound.people[0].id, "east", "East", Direction.IN, "2026-06-01T12:00:00.000+00:00", 1)
    promoted = compound.gates[0]
    elsewhere.take(promoted, [said], 1, 1)
    elsewhere.keep_of(promoted, "east", "East", [said])
    assert elsewhere.for_gate(promoted, "south", 0)[0] == (said,)


def test_nobody_is_kept_longer_than_the_rule_looks_back_and_a_machine_of_no_compound_keeps_nothing():
    with closing(new_store()) as alone:
        someone = residents.enrol(alone, "Wang Fang", None, [])
        whereabouts.note(alone, Moved(someone.id, Direction.IN, NOON, shared=True))
        assert elsewhere.newest(alone) == 1
        assert alone.execute("SELECT count(*) FROM last_passages").fetchone() == (0,)
    compound = Compound()
    for off in (0.0, -YEAR_S, YEAR_S):
        compound.passes(0, 0, Direction.IN, off)
        compound.tells(0, twice=False)
        elsewhere.prune(compound.centre, datetime.fromtimestamp(NOON, UTC) + timedelta(hours=11))
        assert len(compound.known(compound.centre)) == (off == 0.0)
    elsewhere.prune(compound.centre, datetime.fromtimestamp(NOON, UTC) + timedelta(hours=13))
    assert compound.known(compound.centre) == {}
    compound.passes(0, 0, Direction.IN, 0.0)
    role.leave(compound.gates[0], by="test")
    assert compound.known(compound.gates[0]) == {}
