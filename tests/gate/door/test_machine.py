"""The door's machine by stories: pulses and relays, what an operator's gate does, the leaf, and what is due when."""

import math
from dataclasses import replace

import pytest

from gate.door.machine import FIRE_PAUSE_S, START_S, at_rest, barred, due_mono, step
from gate.door.states import Answer, Barred, Door, Energise, Event, Happening, Hold, Leaf, Mode, Note, Release
from gate.vocabulary import Reason
from tests.gate.door.stories import HELD, MOMENTARY, POLICIES, REPORTING, STRIKE, answers, live, notes


def test_a_grant_is_one_pulse_an_interval_and_rest():
    door, out = live(STRIKE, (10, Event.CREDENTIAL))
    assert (door.mode, door.until_mono, out) == (Mode.PULSE, 13, [Answer.GRANTED, Energise(3.0)])
    door, out = live(STRIKE, (12.9, Event.COMMAND), (13, Event.TIME), (14.9, Event.COMMAND), door=door)
    assert out == [Reason.BUSY, Release(), Reason.BUSY]
    assert door.mode is Mode.NORMAL
    assert due_mono(door, 14.9) == 15
    _, out = live(STRIKE, (15, Event.EXTENDED_CREDENTIAL), door=door)
    assert Energise(11.2) in out


def test_rex_does_not_wait_for_the_interval_and_lockdown_does_not_stop_it():
    door, out = live(STRIKE, (0, Event.CREDENTIAL), (3.1, Event.REX))
    assert (door.mode, Energise(3.0) in out) == (Mode.EGRESS, True)
    assert notes(out) == [("passage", "g0", "not_taken")]
    door, out = live(STRIKE, (0, Event.LOCKDOWN), (1, Event.CREDENTIAL), (2, Event.REX), (2.5, Event.LOCKDOWN))
    assert answers(out) == [Reason.LOCKDOWN, Answer.GRANTED]
    assert door.mode is Mode.EGRESS
    door, out = live(STRIKE, (5, Event.TIME), door=door)
    assert (door.mode, out[0]) == (Mode.LOCKDOWN, Release())


def test_lockdown_cuts_a_resident_s_pulse_but_not_an_exit():
    for event, mode in ((Event.CREDENTIAL, Mode.LOCKDOWN), (Event.COMMAND, Mode.LOCKDOWN), (Event.REX, Mode.EGRESS)):
        door, out = live(STRIKE, (0, event), (1, Event.LOCKDOWN))
        assert door.mode is mode
        assert (Release() in out) == (mode is Mode.LOCKDOWN)


@pytest.mark.parametrize(("bars", "reason"), [("LOCKDOWN", Reason.LOCKDOWN), ("TAMPER_BLOCK", Reason.TAMPER)])
def test_a_hold_while_somebody_leaves_a_barred_gate_is_refused_and_not_remembered(bars, reason):
    door, out = live(HELD, (0, Event[bars]), (1, Event.REX), (2, Event.HOLD))
    assert answers(out) == [Answer.GRANTED, reason]
    assert door.standing == {Mode[bars]}
    # What nothing bars, and a fire, in which all that is ordered waits for its end, remember it.
    assert Mode.MANUAL_HOLD in live(HELD, (1, Event.REX), (2, Event.HOLD))[0].standing
    assert Mode.MANUAL_HOLD in live(HELD, (0, Event[bars]), (1, Event.FIRE), (2, Event.HOLD))[0].standing


def test_the_hold_relay_is_on_exactly_in_the_open_modes():
    _, out = live(HELD, (0, Event.HOLD), (1, Event.FREE_ACCESS), (2, Event.FIRE), (3, Event.FIRE_OVER),
                  (4, Event.HOLD_OVER), (5, Event.LOCKDOWN), (6, Event.LOCKDOWN_OVER),
                  (7, Event.FREE_ACCESS_OVER))  # fmt: skip
    assert [o.on for o in out if isinstance(o, Hold)] == [True, False, True, False]
    assert not [o for o in out if isinstance(o, Energise)]


def test_without_a_hold_relay_nothing_is_held_but_fire_by_pulses_with_pauses():
    _, out = live(STRIKE, (0, Event.HOLD), (1, Event.FREE_ACCESS))
    assert answers(out) == [Reason.NO_HOLD_RELAY] * 2
    door, out = live(STRIKE, (0, Event.FIRE), (30, Event.TIME))
    assert [o for o in out if not isinstance(o, Note)] == [Energise(12.0), Release()] * 2 + [Energise(12.0)]
    assert door.until_mono == pytest.approx(3 * 12 + 2 * FIRE_PAUSE_S)
    door, out = live(STRIKE, (30.5, Event.FIRE_OVER), door=door)
    assert (door.mode, Release() in out) == (Mode.NORMAL, True)
    door, out = live(STRIKE, (0, Event.FIRE), (12.1, Event.LOCKDOWN), (12.2, Event.LOCKDOWN_OVER))
    assert door.mode is Mode.FIRE_PAUSE


def test_fire_outranks_lockdown_and_lets_everyone_through():
    _, out = live(HELD, (0, Event.LOCKDOWN), (1, Event.FIRE), (2, Event.CREDENTIAL), (3, Event.REX))
    assert answers(out) == [Answer.OPEN_ALREADY, Answer.OPEN_ALREADY]
    assert Hold(True) in out


def test_an_operator_gets_no_second_pulse_while_its_gate_moves():
    _, out = live(MOMENTARY, (0, Event.CREDENTIAL), (0.6, Event.REX), (19.9, Event.COMMAND), (20, Event.COMMAND))
    assert answers(out) == [Answer.GRANTED, Answer.WAITS, Reason.GATE_MOVES, Answer.GRANTED]
    assert len([o for o in out if isinstance(o, Energise)]) == 2
    _, out = live(MOMENTARY, (0, Event.LOCKDOWN), (1, Event.REX), (3, Event.REX))
    assert answers(out) == [Answer.GRANTED, Answer.WAITS]


def test_an_operator_that_reports_its_movement_is_believed():
    _, out = live(REPORTING, (0, Event.CREDENTIAL), (1, Event.MOVES), (8, Event.COMMAND), (9, Event.RESTS),
                  (9.1, Event.CREDENTIAL))  # fmt: skip
    assert answers(out) == [Answer.GRANTED, Reason.GATE_MOVES, Answer.GRANTED]
    _, out = live(REPORTING, (0, Event.CREDENTIAL), (0.5 + START_S - 0.01, Event.REX), (2.6, Event.REX))
    assert answers(out) == [Answer.GRANTED, Answer.WAITS, Answer.GRANTED]
    _, out = live(REPORTING, (0, Event.MOVES), (1, Event.COMMAND))
    assert answers(out) == [Reason.GATE_MOVES]


def test_a_gate_that_is_not_known_to_be_shut_is_not_at_rest_where_a_pulse_would_shut_it():
    assert at_rest(Door(), 0, STRIKE)
    assert at_rest(Door(), 0, MOMENTARY)
    assert not at_rest(Door(), 0, replace(MOMENTARY, contact=False))
    for policy in POLICIES:
        assert not at_rest(Door(leaf=Leaf.OPEN), 0, policy)
        assert not at_rest(Door(mode=Mode.FREE_ACCESS), 0, policy)


def test_a_momentary_gate_that_stands_open_is_not_pulsed_shut():
    door, out = live(MOMENTARY, (0, Event.CREDENTIAL), (1, Event.OPENED), (25, Event.CREDENTIAL), (26, Event.REX))
    assert answers(out) == [Answer.GRANTED, Answer.OPEN_ALREADY, Answer.OPEN_ALREADY]
    assert notes(out, "passage") == [("passage", "g0", "taken"), ("passage", "g2", "unknown")]
    assert door.mode is Mode.NORMAL


def test_a_door_that_was_opened_and_shut_is_locked_at_once():
    door, out = live(STRIKE, (0, Event.CREDENTIAL), (1, Event.OPENED), (2, Event.SHUT))
    assert (door.mode, out) == (
        Mode.NORMAL,
        [Answer.GRANTED, Energise(3.0), Note("passage", {"grant": "g0", "outcome": "taken"}), Release()],
    )
    door, _ = live(replace(STRIKE, relocks=False), (0, Event.CREDENTIAL), (1, Event.OPENED), (2, Event.SHUT))
    assert door.mode is Mode.PULSE


def test_a_door_held_open_warns_and_then_alarms_until_it_is_shut():
    door, out = live(STRIKE, (0, Event.CREDENTIAL), (1, Event.OPENED))
    door, out = live(STRIKE, (20.9, Event.TIME), door=door)
    assert door.leaf is Leaf.OPEN
    door, out = live(STRIKE, (21, Event.TIME), door=door)
    assert (door.leaf, notes(out)) == (Leaf.PRE_ALARM, [("door_pre_alarm",)])
    door, out = live(STRIKE, (31, Event.TIME), door=door)
    assert (door.leaf, notes(out)) == (Leaf.HELD_OPEN, [("door_pre_alarm_over",), ("door_held_open",)])
    door, out = live(STRIKE, (99, Event.SHUT), door=door)
    assert (door.leaf, notes(out)) == (Leaf.SHUT, [("door_held_open_over",)])
    door, _ = live(STRIKE, (0, Event.EXTENDED_CREDENTIAL), (1, Event.OPENED), (80.9, Event.TIME))
    assert door.leaf is Leaf.OPEN
    assert live(STRIKE, (81, Event.TIME), door=door)[0].leaf is Leaf.PRE_ALARM


def test_free_access_ends_an_alarm_and_its_end_starts_the_time_anew():
    door, out = live(HELD, (0, Event.CREDENTIAL), (1, Event.OPENED), (40, Event.HOLD))
    assert (door.leaf, door.leaf_until_mono) == (Leaf.OPEN, None)
    assert notes(out)[-1] == ("door_held_open_over",)
    door, _ = live(HELD, (1000, Event.HOLD_OVER), (1019.9, Event.TIME), door=door)
    assert door.leaf is Leaf.OPEN
    assert live(HELD, (1020, Event.TIME), door=door)[0].leaf is Leaf.PRE_ALARM


def test_an_opening_nobody_was_granted_is_forced_until_it_is_shut():
    door, out = live(STRIKE, (0, Event.OPENED), (1000, Event.TIME))
    assert (door.leaf, notes(out)) == (Leaf.FORCED, [("door_forced",)])
    assert notes(live(STRIKE, (2000, Event.SHUT), door=door)[1]) == [("door_forced_over",)]
    assert live(HELD, (0, Event.OPENED), (1, Event.HOLD))[0].leaf is Leaf.FORCED
    assert live(replace(STRIKE, other_keys=True), (0, Event.OPENED))[0].leaf is Leaf.OPEN
    for story in ([(0, Event.REX), (4.9, Event.OPENED)], [(0, Event.FIRE), (1, Event.OPENED)]):
        assert live(STRIKE, *story)[0].leaf is Leaf.OPEN
    assert live(STRIKE, (0, Event.REX), (5, Event.OPENED))[0].leaf is Leaf.FORCED
    assert live(HELD, (0, Event.HOLD), (9, Event.HOLD_OVER), (10.9, Event.OPENED))[0].leaf is Leaf.OPEN
    assert live(HELD, (0, Event.HOLD), (9, Event.HOLD_OVER), (11, Event.OPENED))[0].leaf is Leaf.FORCED


def test_stop_turns_everything_off():
    for story in ([Event.CREDENTIAL], [Event.HOLD], [Event.FIRE], [Event.LOCKDOWN, Event.REX], [Event.TAMPER_BLOCK]):
        door, out = live(HELD, *enumerate(story), (5 - 2.5, Event.STOP))
        assert (door.mode, door.standing, door.tamper_until_mono) == (Mode.NORMAL, frozenset(), None)
        on = [o for o in out if isinstance(o, Energise | Release)]
        assert not on or on[-1] == Release()
        held = [o.on for o in out if isinstance(o, Hold)]
        assert not held or held[-1] is False


def test_no_time_that_is_no_number_moves_anything():
    door, _ = live(STRIKE, (0, Event.CREDENTIAL))
    assert step(door, Happening(Event.TIME), math.nan, STRIKE) == (door, ())


def test_the_next_thing_due_is_told():
    assert due_mono(Door(), 0) is None
    door, _ = live(REPORTING, (0, Event.CREDENTIAL))
    assert due_mono(door, 0) == 0.5
    door, _ = live(REPORTING, (0, Event.CREDENTIAL), (0.5, Event.TIME))
    assert due_mono(door, 0.5) == 0.5 + START_S
    assert due_mono(replace(Door(), quiet_until_mono=3.0), 3.0) is None


def test_what_bars_credentials_is_told_with_how_long_it_goes_on():
    assert barred(Door(), 100) == Barred(False, 0.0)
    assert barred(Door(standing=frozenset({Mode.LOCKDOWN})), 100) == Barred(True, 0.0)
    assert barred(Door(tamper_until_mono=130.5), 100) == Barred(False, 30.5)
    assert barred(Door(tamper_until_mono=99.0), 100) == Barred(False, 0.0)


@pytest.mark.parametrize("policy", POLICIES)
def test_while_the_other_door_is_open_only_who_asks_waits(policy):
    door, out = live(policy, (0, Event.OTHER_OPENED), (1, Event.CREDENTIAL), (2, Event.COMMAND))
    assert answers(out) == [Reason.INTERLOCKED, Reason.INTERLOCKED]
    assert not at_rest(door, 3, policy)
    assert Answer.GRANTED in answers(live(policy, (3, Event.REX), door=door)[1])
    assert live(policy, (3, Event.FIRE), door=door)[0].mode is Mode.FIRE
    assert answers(live(policy, (3, Event.LOCKDOWN), (4, Event.CREDENTIAL), door=door)[1]) == [Reason.LOCKDOWN]
    assert answers(live(policy, (3, Event.OTHER_SHUT), (4, Event.CREDENTIAL), door=door)[1]) == [Answer.GRANTED]


def test_whoever_comes_along_comes_along_though_the_other_door_opens_meanwhile():
    _, out = live(STRIKE, (0, Event.CREDENTIAL), (0.5, Event.OTHER_OPENED), (1, Event.CREDENTIAL))
    assert answers(out) == [Answer.GRANTED, Answer.ALONG]
