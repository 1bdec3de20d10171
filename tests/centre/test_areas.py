"""Who is let in at which gates, with a real broker, real doors on mock pins and real links: refused with its reason at
the others soon after it is said, offline too."""

import time

import pytest

from gate.store.people import changes, residents
from gate.store.people.consents import Consent, Way
from gate.store.site import areas, schedules
from gate.vocabulary import Method
from tests.centre.test_many_gates import enrolled, is_here, let_in
from tests.codes import card_of_number, new_pin
from tests.door import claim, events, until
from tests.fleet import join
from tests.running import wait_for

pytestmark = pytest.mark.whole

WITHIN_S = 15.0


@pytest.fixture(scope="module")
def two(centre, place):
    gates = [join(centre, place / name, name, freshness_s=5) for name in ("north", "south")]
    with centre.store() as store:
        for gate in gates:
            areas.put(store, gate.name, {gate.identity: gate.name}, "test")
    return gates


@pytest.fixture
def gates(two):
    for gate in two:
        if gate.link.running is None:
            gate.link.start()
    return two


def reason(gate, who):
    """Why a gate refuses somebody's face now; None: it does not."""
    until(gate.door, at_rest=True)
    reason.number += 1
    return gate.door.ask(claim(who.id, 50_000 + reason.number))["reason"]


reason.number = 0


def limit(store, who, area):
    changes.change(store, residents.get(store, who.id), changes.Changes(area=area), by="test")


def limited_at(gate, who):
    with gate.store() as store:
        return residents.get(store, who.id).gates


def test_whoever_an_area_limits_is_in_at_its_gate_and_refused_at_the_others_by_every_way(centre, gates):
    north, south = gates
    with centre.store() as store:
        fang = enrolled(store, "Wang Fang", seed=11)
        pin = new_pin(store, centre.door, fang)
        card_of_number(store, centre.door, fang, "122,9911")
        limit(store, fang, "north")
    centre.whole_at(gates)
    for method, code in ((Method.FACE, None), (Method.PIN, pin.typed), (Method.CARD, "122,9911")):
        assert let_in(north, fang.id, method, code), method
        assert not let_in(south, fang.id, method, code), method
    lines = [one for one in events(south.state) if one.kind == "denied" and one.personal.get("resident") == fang.id]
    assert [(one.details["method"], one.details["reason"]) for one in lines] == [
        (one, "not_this_gate") for one in ("face", "pin", "card")
    ]
    # The centre's own door is one of the gates, and in no area of these.
    until(centre.door, at_rest=True)
    assert centre.door.ask(claim(fang.id, 60_001))["reason"] == "not_this_gate"


def test_a_change_is_told_by_the_doors_soon_and_a_gate_that_was_away_hears_it_when_it_is_back(centre, gates):
    north, south = gates
    with centre.store() as store:
        li = enrolled(store, "Li Na", seed=12)
        centre.whole_at(gates)
        assert [reason(gate, li) for gate in gates] == [None, None]
        limit(store, li, "south")
        began = time.monotonic()
        wait_for(lambda: limited_at(north, li) is not None, WITHIN_S, "the gate has not heard")
        print(f"a gate knew of the limit after {time.monotonic() - began:.2f} s")
        assert [reason(gate, li) for gate in gates] == ["not_this_gate", None]
        # North is cut off, and goes on by what it knows.
        north.link.end()
        limit(store, li, "north")
        wait_for(lambda: limited_at(south, li) == (north.identity,), WITHIN_S, "the gate has not heard")
        assert [reason(gate, li) for gate in gates] == ["not_this_gate", "not_this_gate"]
        north.link.start()
        wait_for(lambda: limited_at(north, li) == (north.identity,), 60, "the gate has not heard")
        assert [reason(gate, li) for gate in gates] == [None, "not_this_gate"]


def test_a_group_is_limited_and_freed_in_one_and_a_gate_chooses_for_somebody_new(centre, gates):
    north, south = gates
    with centre.store() as store:
        zhao = enrolled(store, "Zhao Min", seed=13)
        schedules.put_group(store, "Cleaners", None, "test", area="south")
        changes.change(store, zhao, changes.Changes(group="Cleaners"), by="test")
    centre.whole_at(gates)
    assert [reason(gate, zhao) for gate in gates] == ["not_this_gate", None]
    with centre.store() as store:
        schedules.put_group(store, "Cleaners", None, "test", area="")
    centre.whole_at(gates)
    assert [reason(gate, zhao) for gate in gates] == [None, None]
    with south.store() as store:
        sun = enrolled(store, "Sun Li", seed=14, consent=Consent("face-3", "en", "", Way.TOLD, "test"))
        limit(store, sun, "south")
    wait_for(lambda: is_here(north, sun), 30, "the centre did not take them")
    centre.whole_at(gates)
    assert [reason(gate, sun) for gate in gates] == ["not_this_gate", None]
