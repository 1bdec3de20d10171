"""The bell: when it rings, for how long, and who rings it without a hand."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gate.door.bell import GAP_S, RINGS_S, TOLD_S, UNKNOWN_TIMES, Bell, Rung
from gate.door.controller import Controller
from gate.door.doorbell import Doorbell
from gate.door.keys import Typed, press, rings
from gate.door.settings import DoorSettings
from gate.door.states import Event
from gate.errors import Refusal
from gate.vocabulary import Claim, Reason, Verdict
from tests.gate.door.test_controller import BenchRelay

UNKNOWN = Verdict(False, Reason.UNKNOWN)
STEP = st.tuples(st.floats(0.1, 40), st.sampled_from(["ring", "time", "open"]))


@given(st.lists(STEP, max_size=40))
def test_it_begins_no_oftener_than_every_20_seconds_and_rings_no_longer_than_30(steps):
    bell, now, began = Bell(), 100.0, []
    for number, (later_s, what) in enumerate(steps):
        now += later_s
        before = bell.at(now)
        bell = {"ring": before.rung(f"c{number}", Rung.KEYPAD, now), "time": before, "open": before.over()}[what]
        if bell.call is not None and bell.call != before.call:
            began.append(now)
        assert not bell.rings or now - began[-1] < RINGS_S
        assert bell.call is None or now - began[-1] < RINGS_S + TOLD_S
        assert what != "open" or bell.call is None
    assert all(later - earlier >= GAP_S for earlier, later in pairwise(began))


def test_it_is_rung_anew_after_the_whole_gap_and_over_it_is_as_if_nobody_had_rung():
    bell = Bell().rung("first", Rung.KEYPAD, 100.0)
    assert [bell.rung("second", Rung.FACE, 100.0 + after).call for after in (19.9, GAP_S)] == ["first", "second"]
    assert bell.over() == Bell(rung_mono=100.0)


@given(st.lists(st.integers(1, 4), max_size=30))
def test_each_track_rings_once_the_third_time(tracks):
    bell, rang = Bell(), []
    for number, track in enumerate(tracks):
        bell, rings_now = bell.saw_stranger(track, 100.0 + number)
        rang += [track] if rings_now else []
    assert sorted(rang) == sorted(track for track in set(tracks) if tracks.count(track) >= UNKNOWN_TIMES)


def test_a_track_is_theirs_for_a_minute():
    bell, told = Bell(), []
    for now in (100.0, 160.0, 220.0):
        bell, rings_now = bell.saw_stranger(1, now)
        told.append(rings_now)
    assert told == [False, False, True]


def test_a_track_of_long_ago_is_another_persons():
    bell = Bell()
    for now in (100.0, 101.0, 200.0):
        bell, rings_now = bell.saw_stranger(1, now)
        assert not rings_now


@given(st.text("0123456789#*", min_size=1, max_size=12))
def test_no_sign_behind_another_is_the_bell(keys):
    typed, now = Typed(), 100.0
    for number, key in enumerate(keys):
        now += 0.5
        assert rings(typed, key, now) is (key == "#" and number == 0)
        typed, _ = press(typed, key, now)


def test_a_sign_within_two_seconds_of_a_key_is_not_the_bell():
    typed, _ = press(Typed(), "*", 100.0)
    assert [rings(typed, "#", now) for now in (101.0, 102.0, 102.1)] == [False, False, True]


def test_behind_a_home_the_sign_is_not_the_bell_however_long_it_takes():
    typed, _ = press(Typed(), "5", 100.0)
    typed, _ = press(typed, "#", 101.0)
    assert not rings(typed, "#", 108.0)
    assert rings(typed, "#", 112.0)


@pytest.fixture
def at_bench():
    """A doorbell with its controller, its light and its record."""
    relay, record = BenchRelay(), []
    controller = Controller(DoorSettings(bell=True), relay, record.append)
    return Doorbell(controller, record.append, wanted=True), controller, relay, record


def test_that_nobody_answered_is_on_record_and_told_for_a_while(at_bench):
    bell, _, relay, record = at_bench
    bell.ring(Rung.KEYPAD, 100.0, "keypad")
    assert (relay.shown[-1], record[0].details["rung"], record[0].details["reader"]) == ("called", "keypad", "keypad")
    bell.turn(bell.due_mono() - 0.1)
    assert bell.call.rings
    bell.turn(bell.due_mono())
    assert (bell.call.rings, bell.rings) == (False, None)
    assert [(one.kind, one.details["call"]) for one in record[1:]] == [("bell_unanswered", record[0].details["call"])]
    bell.turn(bell.due_mono())
    assert (bell.call, bell.due_mono(), len(record)) == (None, None, 2)


def test_whoever_opens_answers_it(at_bench):
    bell, controller, _, record = at_bench
    bell.ring(Rung.BUTTON, 100.0)
    assert controller.command("uid 1", 101.0, bell.rings).granted
    bell.turn(101.0)
    bell.turn(200.0)
    assert [one.kind for one in record] == ["bell", "granted"]
    assert record[1].details["answers"] == record[0].details["call"]


@pytest.mark.parametrize("stands", [Event.FREE_ACCESS, Event.FIRE])
def test_a_gate_that_stands_open_calls_nobody(stands):
    record = []
    controller = Controller(DoorSettings(bell=True, hold_pin=6), BenchRelay(), record.append)
    controller.tell(stands, 100.0)
    bell = Doorbell(controller, record.append, wanted=True)
    bell.ring(Rung.BUTTON, 101.0)
    assert bell.call is None


def test_only_who_is_unknown_rings_by_standing_there(at_bench):
    bell, *_ = at_bench
    for number in range(9):
        bell.heed(Claim(f"c{number}", 1, 100.0, None, None, 3, 0.1), Verdict(False, Reason.TOO_FAR), 100.0)
    for number in range(UNKNOWN_TIMES):
        assert bell.rings is None
        bell.heed(Claim(f"u{number}", 1, 100.0, None, Reason.UNKNOWN, 3, 0.1), UNKNOWN, 100.0)
    assert (bell.call.by, bell.call.rings) == ("face", True)


def test_a_button_without_a_bell_is_refused():
    with pytest.raises((ValueError, Refusal), match="set bell = true"):
        DoorSettings(bell_pin=7)
