"""Visitors' passes at the gates of a compound: a real broker, real doors on mock pins, real links, each in a process of
its own."""

import time
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import count

import pytest

from enroll import codes
from gate.processes.asking import present, seal
from gate.store.compound import carried, proposals, records
from gate.store.people import erasure, passes, residents, uses
from gate.store.people.passes import Phase, Wanted
from gate.store.record import audit
from gate.vocabulary import Kind, Method, Presented
from tests.door import until
from tests.fleet import command, join
from tests.gate.door.test_credentials import press
from tests.running import wait_for

pytestmark = pytest.mark.whole

HOUR = timedelta(hours=1)
_NUMBERS = count(1)


@pytest.fixture(scope="module")
def joined(centre, place):
    return [join(centre, place / name, name, trusted=True, freshness_s=5) for name in ("north", "east")]


def new_pass(where, **wanted):
    now = datetime.now(UTC)
    asked = Wanted(**{"name": "Zhao Lei", "begins": now - HOUR, "ends": now + 9 * HOUR, "unit": "3-1-502"} | wanted)
    with where.store() as store:
        return codes.new_pass(store, partial(seal, where.door), asked, now, by="the manager")


def asked_at(gate):
    with gate.store() as store:
        return [
            (line.kind, line.details.get("reason"))
            for line in audit.lines(store)
            if line.kind in (Kind.GRANTED, Kind.DENIED)
        ]


def shown(gate, one, *, typed=False):
    """What the door says to the picture of a pass, or to its number."""
    until(gate.door, at_rest=True)
    before = len(asked_at(gate))
    if typed:
        press(gate.door, one.typed)
    else:
        held_up = Presented(f"h{next(_NUMBERS)}", Method.PASS, "camera", time.monotonic(), one.code)
        assert present(gate.door, held_up).taken
    return wait_for(lambda: asked_at(gate)[before:], 10, "the door says nothing")[-1]


GRANTED = (Kind.GRANTED, None)


def stands(where, one):
    with where.store() as store:
        found = passes.get(store, one.made.id)
        return None if found is None else (found.uses_left, found.revoked_at is not None)


def everywhere(centre, gates, one, wanted, what):
    """Wait until all have it so; for how long, seconds."""
    began = time.monotonic()
    wait_for(lambda: all(stands(where, one) == wanted for where in (centre, *gates)), 20, what)
    taken_s = time.monotonic() - began
    print(f"\n{what} {taken_s:.2f} s after")
    return taken_s


def test_a_pass_made_at_the_centre_opens_at_every_gate_by_picture_and_number_as_often_as_it_says_in_all(centre, gates):
    north, east = gates
    with centre.store() as store:
        wang = residents.enrol(store, "Wang Fang", "3-1-502", [], by="the manager")
    one = new_pass(centre, host=wang, unit=None, uses=2)
    everywhere(centre, gates, one, (2, False), "a pass made at the centre was at every gate")
    assert shown(north, one) == GRANTED
    everywhere(centre, gates, one, (1, False), "a use was known everywhere")
    assert shown(east, one, typed=True) == GRANTED
    everywhere(centre, gates, one, (0, False), "a use was known everywhere")
    assert shown(north, one) == (Kind.DENIED, "spent")
    with centre.store() as store:
        assert [use.gate for use in uses.of_pass(store, one.made.id)] == [north.identity, east.identity]

        def told():
            lines = [line for line in carried.last(store, 50) if line.kind == Kind.GRANTED]
            return [(line.gate_id, line.personal.get("visitor"), line.personal.get("host")) for line in lines][-2:]

        said = [(gate.identity, "Zhao Lei", "Wang Fang") for gate in gates]
        # Of visitors of before whose passes were erased nothing is said.
        wait_for(lambda: sorted(told(), key=repr) == sorted(said, key=repr), 20, told)
        assert records.own_gate(store) not in {gate for gate, _, _ in told()}


def test_gates_that_are_cut_off_open_once_each_and_it_is_on_record_at_the_centre_afterwards(centre, gates):
    one = new_pass(centre)
    everywhere(centre, gates, one, (1, False), "a pass made at the centre was at every gate")
    for gate in gates:
        gate.link.end()
    assert [shown(gate, one) for gate in gates] == [GRANTED] * 2
    assert [shown(gate, one) for gate in gates] == [(Kind.DENIED, "spent")] * 2
    for gate in gates:
        gate.link.start()

    def overspent():
        with centre.store() as store:
            lines = [line for line in audit.lines(store) if line.kind == Kind.PASS_OVERSPENT]
            return [(line.details["uses"], line.details["spent"], line.named) for line in lines]

    wait_for(lambda: overspent() == [(1, 2, "Zhao Lei")], 20, overspent)
    centre.whole_at(gates)
    for where in (centre, *gates):
        with where.store() as store:
            assert len(uses.of_pass(store, one.made.id)) == 2


def test_what_is_taken_back_while_a_gate_is_away_opens_nothing_there_once_it_is_back(centre, gates):
    north, east = gates
    one, other = new_pass(centre, uses=9), new_pass(centre, uses=9)
    everywhere(centre, gates, other, (9, False), "a pass made at the centre was at every gate")
    east.link.end()
    with centre.store() as store:
        passes.revoke(store, one.made.id, datetime.now(UTC), by="the manager")
    # Taken back at a gate, it is so at once there, and everywhere.
    with east.store() as store:
        passes.revoke(store, other.made.id, datetime.now(UTC), by="the guard")
    assert shown(east, other) == (Kind.DENIED, "revoked")
    everywhere(centre, [north], one, (9, True), "a pass that was taken back was so")
    assert shown(north, one) == (Kind.DENIED, "revoked")
    # Who is cut off does not hear of it.
    assert shown(east, one) == GRANTED
    east.link.start()
    wait_for(lambda: stands(east, one)[1] and stands(north, other)[1], 20, "it is not taken back")
    assert shown(east, one) == (Kind.DENIED, "revoked")
    assert shown(north, other) == (Kind.DENIED, "revoked")
    centre.whole_at(gates)


def test_a_pass_made_at_a_gate_opens_there_at_once_and_everywhere_once_the_centre_took_it(centre, gates):
    north, east = gates
    centre.process.end()
    centre.broker.end()
    with north.store() as store:
        li = residents.enrol(store, "Li Na", "1-1-101", [], by="the manager")
    one = new_pass(north, host=li, unit=None, uses=3)
    assert shown(north, one) == GRANTED
    assert shown(east, one) == (Kind.DENIED, "wrong_code")
    with north.store() as store:
        assert proposals.of_pass(store, one.made.id) == (True, None)
    # What waits outlasts the link, killed meanwhile.
    north.link.end(kill=True)
    north.link.start()
    centre.broker.start()
    centre.process.start()
    everywhere(centre, gates, one, (2, False), "a pass made at a gate was everywhere")
    assert shown(east, one) == GRANTED
    everywhere(centre, gates, one, (1, False), "a use was known everywhere")
    with east.store() as store:
        assert passes.get(store, one.made.id).host_name == "Li Na"
        erasure.remove(store, residents.get(store, li.id), by="the guard")
    everywhere(centre, gates, one, None, "the pass of a visitor of somebody who was erased was gone")
    centre.whole_at(gates)


def test_a_gate_that_leaves_opens_for_no_visitor_of_the_compound_and_one_that_was_stolen_ends_what_was_made_there(
    centre, gates, place
):
    west = join(centre, place / "west", "west", trusted=True, freshness_s=5)
    one, theirs = new_pass(centre), new_pass(west)
    everywhere(centre, [*gates, west], theirs, (1, False), "a pass made at a gate was everywhere")
    west.link.end()
    command("leave", "--yes", "--state", west.state)
    with west.store() as store:
        assert {each.phase(datetime.now(UTC)) for each in passes.every(store)} == {Phase.OVER}
    told = command("centre", "remove", west.identity, "--stolen", "--yes", "--state", centre.state)
    assert told["passes"] == 1
    everywhere(centre, gates, theirs, (1, True), "a pass that was made at a stolen gate was taken back")
    centre.whole_at(gates)
    assert [shown(gate, one) for gate in gates[:1]] == [GRANTED]
