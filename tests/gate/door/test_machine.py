from hypothesis import given
from hypothesis import strategies as st

from gate.door.machine import TABLE, Action, Door, Event, Mode, Timing, step

TIMING = Timing(pulse_s=3, interval_s=2)

histories = st.lists(st.tuples(st.sampled_from(Event), st.floats(0, 4)), max_size=60)


@given(histories)
def test_the_relay_is_on_exactly_while_a_pulse_runs_and_never_twice_at_once(history):
    door, on, now, on_since = Door(), False, 0.0, 0.0
    for event, waited in history:
        now += waited
        # What the door's loop does before anything else.
        door, action = step(door, Event.ELAPSED, now, TIMING)
        on = on and action is not Action.RELEASE
        door, action = step(door, event, now, TIMING)
        if action is Action.ENERGISE:
            assert not on
            on, on_since = True, now
        elif action is Action.RELEASE:
            on = False
        assert on == (door.mode is Mode.PULSE)
        assert not on or now - on_since < TIMING.pulse_s


@given(histories)
def test_a_credential_or_command_starts_a_pulse_only_at_rest(history):
    door, now = Door(), 0.0
    for event, waited in history:
        now += waited
        before = door
        door, action = step(door, event, now, TIMING)
        if action is Action.ENERGISE:
            assert before.mode is Mode.RESTING or event is Event.EXIT


def test_an_exit_request_is_answered_in_every_mode():
    for mode in Mode:
        assert TABLE[mode, Event.EXIT][1] is not Action.REFUSE
        assert TABLE[mode, Event.EXIT][0] is Mode.PULSE


def test_stop_always_releases_and_the_table_is_whole():
    assert set(TABLE) == {(mode, event) for mode in Mode for event in Event}
    for mode in Mode:
        assert TABLE[mode, Event.STOP] == (Mode.RESTING, Action.RELEASE)


def test_the_second_credential_waits_for_pulse_and_interval():
    door, action = step(Door(), Event.CREDENTIAL, 10.0, TIMING)
    assert (door, action) == (Door(Mode.PULSE, 13.0), Action.ENERGISE)
    assert step(door, Event.CREDENTIAL, 12.9, TIMING) == (door, Action.REFUSE)
    assert step(door, Event.ELAPSED, 12.9, TIMING) == (door, Action.NOTHING)
    door, action = step(door, Event.ELAPSED, 13.0, TIMING)
    assert (door, action) == (Door(Mode.INTERVAL, 15.0), Action.RELEASE)
    assert step(door, Event.CREDENTIAL, 14.9, TIMING)[1] is Action.REFUSE
    door, _ = step(door, Event.ELAPSED, 15.0, TIMING)
    assert step(door, Event.CREDENTIAL, 15.0, TIMING)[1] is Action.ENERGISE
