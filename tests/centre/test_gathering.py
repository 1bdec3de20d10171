"""When a centre's broker is one of a cluster, without one."""

import pytest

from centre.gathering import OWN, Gathering, Next
from gate.store.compound.gates import Gate

NORTH, EAST = (
    Gate(name, name, f"U{name}", b"b" * 32, b"s" * 32, "2026-11-27T08:00:00+00:00", broker_at=at, broker_pin="aa")
    for name, at in (("north", "10.0.0.3:7422"), ("east", "10.0.0.4:7422"))
)
BOTH = [NORTH, EAST]


@pytest.fixture
def gathering():
    return Gathering(clustered=False)


def test_it_begins_once_both_others_are_reached_and_never_with_one(gathering):
    assert gathering.look([NORTH], set(), 0, works=True) is Next.NOTHING
    assert gathering.look(BOTH, {"east"}, 5, works=True) is Next.NOTHING
    assert (gathering.away, gathering.clustered) == ((), False)
    gathering.look(BOTH, {"east"}, 10, works=True)
    assert gathering.away == ("east",)
    assert gathering.look(BOTH, set(), 15, works=True) is Next.ANEW
    assert (gathering.away, gathering.clustered) == ((), True)


def test_a_cluster_that_does_not_come_together_is_given_up_for_a_while(gathering):
    assert gathering.look(BOTH, set(), 0, works=True) is Next.ANEW
    answers = [gathering.look(BOTH, set(), at, works=False) for at in (5, 60, 65)]
    assert answers == [Next.NOTHING, Next.ELSEWHERE, Next.ANEW]
    assert (gathering.clustered, gathering.failed) == (False, True)
    # Alone it works, and what is wrong is still told.
    assert gathering.look(BOTH, set(), 300, works=True) is Next.NOTHING
    assert gathering.failed
    assert gathering.look(BOTH, set(), 366, works=True) is Next.ANEW
    assert gathering.look(BOTH, set(), 371, works=True) is Next.NOTHING
    assert (gathering.clustered, gathering.failed) == (True, False)


def test_another_broker_is_tried_before_a_cluster_is_given_up(gathering):
    gathering.look(BOTH, set(), 0, works=True)
    gathering.look(BOTH, set(), 5, works=True)
    answers = [gathering.look(BOTH, {"north", "east"}, at, works=False) for at in (10, 20, 26, 30, 42)]
    assert answers == [Next.NOTHING, Next.NOTHING, Next.ELSEWHERE, Next.NOTHING, Next.ELSEWHERE]
    assert gathering.look(BOTH, {"north", "east"}, 71, works=False) is Next.ANEW
    assert (gathering.clustered, gathering.away) == (False, ("north", "east"))
    # It is not tried again before both are reached, however long that takes.
    assert gathering.look(BOTH, {"north"}, 10_000, works=True) is Next.NOTHING
    assert gathering.look(BOTH, set(), 10_005, works=True) is Next.ANEW


def test_that_the_centres_own_broker_is_lost_is_told_too():
    gathering = Gathering(clustered=True)
    gathering.look(BOTH, {OWN}, 0, works=True)
    assert not gathering.own_away
    gathering.look(BOTH, {OWN}, 5, works=True)
    assert (gathering.own_away, gathering.away) == (True, ())
    gathering.look(BOTH, set(), 10, works=True)
    assert not gathering.own_away


def test_one_that_worked_again_in_time_is_kept(gathering):
    gathering = Gathering(clustered=True)
    assert [gathering.look(BOTH, set(), at, works=at % 50 == 0) for at in range(45, 400, 5)].count(Next.ANEW) == 0
    assert gathering.clustered


def test_a_gate_that_is_taken_away_ends_it_and_what_was_wrong(gathering):
    gathering.look(BOTH, set(), 0, works=True)
    gathering.look(BOTH, set(), 61, works=False)
    gathering.look(BOTH, set(), 62, works=False)
    gathering.know([NORTH])
    assert (gathering.clustered, gathering.failed) == (False, False)
    assert gathering.look([NORTH], set(), 63, works=True) is Next.NOTHING
    # Another in its place is tried at once.
    assert gathering.look(BOTH, set(), 64, works=True) is Next.ANEW
