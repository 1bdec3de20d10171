"""The door's table: for each mode, what follows on what happens, and what whoever asks is told."""

import pytest

from gate.door.states import FIRES, OPEN_MODES, PULSES, Answer, Event, Given, Mode, Place
from gate.door.table import TABLE
from gate.vocabulary import Reason
from tests.gate.door.stories import ASKS


def test_every_question_has_its_answer_in_every_mode():
    ready = (Given.READY, Given.SETTLING, Given.MOVING, Given.STANDS_OPEN)
    for mode in Mode:
        for event in (*ASKS, Event.REX):
            for condition in ready:
                assert TABLE[mode, event, condition][1] is not None, (mode, event, condition)
        for event in (Event.HOLD, Event.FREE_ACCESS):
            for condition in (Given.HOLDABLE, Given.UNHOLDABLE):
                assert (mode, event, condition) in TABLE
        for event in (Event.FIRE, Event.LOCKDOWN, Event.TAMPER_BLOCK, Event.STOP, Event.FIRE_OVER, Event.HOLD_OVER):
            assert (mode, event, None) in TABLE


@pytest.mark.parametrize("mode", Mode)
def test_rex_is_refused_in_no_mode_and_opens_in_each_that_is_not_open(mode):
    for condition in (Given.READY, Given.SETTLING):
        to, answer = TABLE[mode, Event.REX, condition]
        if mode in PULSES or mode in OPEN_MODES:
            assert (to, answer) == (Place.SAME, Answer.OPEN_ALREADY)
        else:
            assert (to, answer) == (Mode.EGRESS, Answer.GRANTED)


@pytest.mark.parametrize("mode", Mode)
def test_fire_takes_every_mode(mode):
    assert TABLE[mode, Event.FIRE, None][0] in (Mode.FIRE, Place.SAME)
    assert (TABLE[mode, Event.FIRE, None][0] is Place.SAME) == (mode in FIRES)


def test_lockdown_and_tamper_refuse_every_credential_with_their_own_reason():
    for event in ASKS:
        for condition in (Given.READY, Given.SETTLING, Given.MOVING, Given.STANDS_OPEN):
            assert TABLE[Mode.LOCKDOWN, event, condition] == (Place.SAME, Reason.LOCKDOWN)
            assert TABLE[Mode.TAMPER_BLOCK, event, condition] == (Place.SAME, Reason.TAMPER)


# Highest first. A pulse of a credential gives way to what bars credentials, and outlasts what only holds open.
RANKS = (
    FIRES, (Mode.EGRESS,), (Mode.LOCKDOWN,), (Mode.TAMPER_BLOCK,), (Mode.PULSE, Mode.EXTENDED_PULSE),
    (Mode.MANUAL_HOLD,), (Mode.FREE_ACCESS,), (Mode.NORMAL,),
)  # fmt: skip
BEGINS = {Event.FIRE: Mode.FIRE, Event.LOCKDOWN: Mode.LOCKDOWN, Event.TAMPER_BLOCK: Mode.TAMPER_BLOCK}
HOLDS = {Event.HOLD: Mode.MANUAL_HOLD, Event.FREE_ACCESS: Mode.FREE_ACCESS}
ENDS = {Event.FIRE_OVER, Event.LOCKDOWN_OVER, Event.TAMPER_BLOCK_OVER, Event.HOLD_OVER, Event.FREE_ACCESS_OVER}


def rank(mode):
    return next(place for place, modes in enumerate(RANKS) if mode in modes)


@pytest.mark.parametrize("mode", Mode)
def test_what_begins_takes_the_place_of_all_that_ranks_below(mode):
    for event, to in BEGINS.items():
        takes = rank(to) <= rank(mode) and not (event is Event.FIRE and mode in FIRES)
        assert TABLE[mode, event, None] == (to if takes else Place.SAME, None)
    for event, to in HOLDS.items():
        takes = rank(to) <= rank(mode)
        assert TABLE[mode, event, Given.HOLDABLE][0] is (to if takes else Place.SAME)
        assert TABLE[mode, event, Given.UNHOLDABLE] == (Place.SAME, Reason.NO_HOLD_RELAY)


@pytest.mark.parametrize("mode", Mode)
def test_what_ends_leaves_the_highest_of_what_stands_but_no_pulse_is_cut_by_it(mode):
    for event in ENDS:
        waits = mode in PULSES or (mode is Mode.FIRE_PAUSE and event is not Event.FIRE_OVER)
        assert TABLE[mode, event, None] == (Place.SAME if waits else Place.STANDING, None)
    assert TABLE[mode, Event.STOP, None] == (Mode.NORMAL, None)


@pytest.mark.parametrize("mode", Mode)
def test_each_mode_has_one_word_for_whoever_may_not(mode):
    barred = {Mode.LOCKDOWN: Reason.LOCKDOWN, Mode.TAMPER_BLOCK: Reason.TAMPER}
    held = Answer.OPEN_ALREADY if mode in FIRES else barred.get(mode, Answer.GRANTED)
    assert TABLE[mode, Event.HOLD, Given.HOLDABLE][1] is held
    if mode is Mode.NORMAL:
        return
    word = Reason.BUSY if mode in PULSES else Answer.OPEN_ALREADY if mode in OPEN_MODES else barred[mode]
    for condition in (Given.READY, Given.SETTLING, Given.MOVING, Given.STANDS_OPEN):
        for event in ASKS:
            assert TABLE[mode, event, condition] == (Place.SAME, word)
        if condition in (Given.MOVING, Given.STANDS_OPEN):
            waits = condition is Given.MOVING and mode in barred
            assert TABLE[mode, Event.REX, condition] == (
                Place.SAME,
                Answer.WAITS if waits else Answer.OPEN_ALREADY,
            )


def test_nobody_holds_a_gate_open_that_is_barred_once_somebody_has_left():
    for given, reason in ((Given.UNDER_LOCKDOWN, Reason.LOCKDOWN), (Given.UNDER_TAMPER_BLOCK, Reason.TAMPER)):
        assert TABLE[Mode.EGRESS, Event.HOLD, given] == (Place.SAME, reason)


def test_while_the_other_door_is_open_whoever_asks_is_refused_and_nobody_else():
    rows = {key: row for key, row in TABLE.items() if key[2] is Given.INTERLOCKED}
    assert rows == {(Mode.NORMAL, event, Given.INTERLOCKED): (Place.SAME, Reason.INTERLOCKED) for event in ASKS}
