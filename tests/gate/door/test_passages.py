"""Who goes through a door: a passage for each grant, and who comes along with whom."""

import pytest

from gate.door.states import Answer, Energise, Event, Mode
from gate.vocabulary import Reason
from tests.gate.door.stories import BLIND, HELD, MOMENTARY, REPORTING, STRIKE, TURNSTILE, answers, live, notes


@pytest.mark.parametrize(
    ("policy", "story", "answer"),
    [
        (STRIKE, [(2.9, Event.EXTENDED_CREDENTIAL)], Answer.ALONG),
        (STRIKE, [(3.1, Event.CREDENTIAL)], Reason.BUSY),
        (STRIKE, [(1, Event.OPENED), (2, Event.SHUT), (2.5, Event.CREDENTIAL)], Reason.BUSY),
        (STRIKE, [(1, Event.COMMAND)], Reason.BUSY),
        (STRIKE, [(1, Event.LOCKDOWN), (1.5, Event.CREDENTIAL)], Reason.LOCKDOWN),
        (STRIKE, [(1, Event.LOCKDOWN), (1.5, Event.LOCKDOWN_OVER), (2, Event.CREDENTIAL)], Reason.BUSY),
        (MOMENTARY, [(19.9, Event.CREDENTIAL)], Answer.ALONG),
        (MOMENTARY, [(1, Event.OPENED), (15, Event.CREDENTIAL)], Answer.ALONG),
        (REPORTING, [(1, Event.MOVES), (8, Event.CREDENTIAL)], Answer.ALONG),
        (REPORTING, [(1, Event.MOVES), (9, Event.RESTS), (30, Event.MOVES), (31, Event.CREDENTIAL)], Reason.GATE_MOVES),
        (TURNSTILE, [(1, Event.CREDENTIAL)], Reason.BUSY),
    ],
)
def test_who_comes_while_the_gate_opens_for_a_resident_comes_along_and_moves_nothing(policy, story, answer):
    door, _ = live(policy, (0, Event.CREDENTIAL))
    _, out = live(policy, *story, door=door)
    assert answers(out) == [answer]
    assert not [o for o in out if isinstance(o, Energise)]


@pytest.mark.parametrize("event", [Event.COMMAND, Event.REX])
def test_nobody_comes_along_with_whoever_was_let_in_by_no_credential(event):
    _, out = live(STRIKE, (0, Event.CREDENTIAL), (5, event), (6, Event.CREDENTIAL))
    assert answers(out) == [Answer.GRANTED, Answer.GRANTED, Reason.BUSY]


def test_a_turnstile_locks_behind_the_one_who_passed():
    door, out = live(TURNSTILE, (0, Event.CREDENTIAL), (1, Event.PASSED))
    assert door.mode is Mode.NORMAL
    assert notes(out) == [("passage", "g0", "taken")]
    _, out = live(TURNSTILE, (0, Event.CREDENTIAL), (8, Event.TIME))
    assert notes(out) == [("passage", "g0", "not_taken")]


@pytest.mark.parametrize(
    ("policy", "story", "outcome"),
    [
        (STRIKE, [(0, Event.CREDENTIAL), (5, Event.OPENED)], "not_taken"),
        (STRIKE, [(0, Event.CREDENTIAL), (4.9, Event.OPENED)], "taken"),
        (STRIKE, [(0, Event.COMMAND), (6, Event.TIME)], "not_taken"),
        (STRIKE, [(0, Event.CREDENTIAL), (1, Event.LOCKDOWN), (3, Event.TIME)], "not_taken"),
        (STRIKE, [(0, Event.CREDENTIAL), (1, Event.STOP)], "unknown"),
        (BLIND, [(0, Event.CREDENTIAL), (9, Event.TIME)], "unknown"),
        (HELD, [(0, Event.FREE_ACCESS), (1, Event.CREDENTIAL)], "unknown"),
        (MOMENTARY, [(0, Event.CREDENTIAL), (21.9, Event.OPENED)], "taken"),
        (STRIKE, [(0, Event.REX), (3.5, Event.REX)], "not_taken"),
        (BLIND, [(0, Event.REX), (3.5, Event.REX)], "unknown"),
    ],
)
def test_a_grant_is_followed_by_its_passage(policy, story, outcome):
    _, out = live(policy, *story)
    assert [note[2] for note in notes(out, "passage")] == [outcome]


def test_a_door_that_stops_awaits_nobody():
    door, out = live(STRIKE, (0, Event.CREDENTIAL), (1, Event.STOP))
    assert (door.awaited, notes(out, "passage")) == (None, [("passage", "g0", "unknown")])


def test_a_passage_through_a_door_that_stood_open_cannot_be_told():
    _, out = live(STRIKE, (0, Event.REX), (1, Event.OPENED), (6, Event.CREDENTIAL), (7, Event.SHUT), (20, Event.TIME))
    assert notes(out, "passage") == [("passage", "g0", "taken"), ("passage", "g2", "unknown")]
