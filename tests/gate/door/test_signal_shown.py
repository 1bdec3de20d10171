import pytest

from gate.door.signal_shown import SHOWN_S, Shown
from gate.door.signals import Signal
from gate.door.states import Door, Leaf, Mode
from gate.vocabulary import Reason

REST = Door()


@pytest.fixture
def refused():
    return Shown().refused(Reason.TOO_FAR, 100.0)


def test_an_answer_is_shown_for_a_moment_and_then_the_door_s_own_state_again(refused):
    assert refused.reason is Reason.TOO_FAR
    assert refused.wanted(REST, faulty=False) is Signal.COME_CLOSER
    assert refused.due_mono() == 100.0 + SHOWN_S
    assert refused.at(100.0 + SHOWN_S - 0.01) is refused
    over = refused.at(100.0 + SHOWN_S)
    assert (over.wanted(REST, faulty=False), over.reason, over.due_mono()) == (Signal.READY, None, None)


def test_an_answer_begins_anew_even_with_the_same():
    assert Shown(Signal.COME_CLOSER).refused(Reason.TOO_FAR, 100.0).signal is None
    assert Shown(Signal.GRANT).told(Signal.GRANT, 100.0) == Shown(None, Signal.GRANT, None, 100.0 + SHOWN_S)


def test_what_is_wrong_with_the_gate_shows_where_nothing_else_does():
    assert Shown().wanted(REST, faulty=True) is Signal.FAULT


@pytest.mark.parametrize(
    ("door", "faulty", "hidden"),
    [
        (REST, False, True), (REST, True, True), (Door(mode=Mode.LOCKDOWN), False, True),
        (Door(mode=Mode.FREE_ACCESS), False, True), (Door(mode=Mode.FIRE), False, False),
        (Door(mode=Mode.EGRESS), False, False), (Door(leaf=Leaf.FORCED), False, False),
        (Door(leaf=Leaf.PRE_ALARM), False, False),
    ],
)  # fmt: skip
def test_no_answer_hides_an_alarm_a_fire_or_an_opening_door(door, faulty, hidden, refused):
    assert (refused.wanted(door, faulty) is Signal.COME_CLOSER) == hidden
    assert refused.answered().wanted(door, faulty) is Shown().wanted(door, faulty)
