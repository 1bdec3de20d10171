from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gate.clock import ClockTrust
from gate.door import monitors
from gate.door.monitors import CALM_S, CHATTER, READBACK_WITHIN_S, Button, Contact, Relay
from gate.door.states import Event
from gate.vocabulary import Fault

GAPS = st.lists(st.floats(0.001, 100), min_size=1, max_size=60)


def told(happenings):
    return [(happening.event, happening.fault) for happening in happenings]


def life(gaps, since=100.0):
    """Moments with these gaps between them."""
    now = since
    for gap in gaps:
        now += gap
        yield now


WELL = [(Event.FAULT_OVER, Fault.RELAY_STUCK_ON), (Event.FAULT_OVER, Fault.RELAY_STUCK_OFF)]


@pytest.mark.parametrize(("told_on", "fault"), [(True, Fault.RELAY_STUCK_OFF), (False, Fault.RELAY_STUCK_ON)])
def test_a_relay_that_does_not_follow_is_a_fault_after_a_moment_until_it_does(told_on, fault):
    seen, happenings = monitors.watch_relay(Relay(), told_on, not told_on, 0.0)
    assert not happenings
    seen, happenings = monitors.watch_relay(seen, told_on, not told_on, READBACK_WITHIN_S - 0.01)
    assert not happenings
    seen, happenings = monitors.watch_relay(seen, told_on, not told_on, READBACK_WITHIN_S)
    assert told(happenings) == [(Event.FAULT, fault)]
    seen, happenings = monitors.watch_relay(seen, told_on, told_on, 1.0)
    assert (seen, told(happenings)) == (Relay(), WELL)


def test_a_relay_without_a_contact_is_never_at_fault():
    assert monitors.watch_relay(Relay(99.0), True, None, 200.0) == (Relay(99.0), ())


@given(st.lists(st.tuples(st.booleans(), st.booleans(), st.floats(0.001, 0.5)), max_size=60))
def test_only_a_relay_that_differed_throughout_is_at_fault(looks):
    seen, now, since = Relay(), 100.0, None
    for told_on, contact_on, gap in looks:
        now += gap
        since = None if told_on == contact_on else now if since is None else since
        seen, happenings = monitors.watch_relay(seen, told_on, contact_on, now)
        faults = [happening.fault for happening in happenings if happening.event is Event.FAULT]
        late = since is not None and now - since >= READBACK_WITHIN_S
        assert faults == ([Fault.RELAY_STUCK_OFF if told_on else Fault.RELAY_STUCK_ON] if late else [])


def changed(gaps, since=100.0):
    seen, now = Contact(), since
    for now in life(gaps, since):
        seen = seen.changed(now)
    return seen, now


def test_a_contact_that_changes_ten_times_in_a_second_chatters_until_it_is_still_for_a_minute():
    seen, now = changed([0.1] * CHATTER)
    seen, happenings = monitors.watch_contact(seen, now)
    assert told(happenings) == [(Event.FAULT, Fault.CONTACT_CHATTER)]
    seen, happenings = monitors.watch_contact(seen, now + CALM_S)
    assert not happenings
    seen, happenings = monitors.watch_contact(seen, now + CALM_S + 0.1)
    assert (seen, told(happenings)) == (Contact(), [(Event.FAULT_OVER, Fault.CONTACT_CHATTER)])
    assert monitors.watch_contact(seen, now + 1000) == (Contact(), ())


def test_the_first_of_the_ten_counts():
    seen, now = changed([0.1, 0.95] + [0.01] * (CHATTER - 2))
    assert monitors.watch_contact(seen, now) == (seen, ())


@given(GAPS, st.floats(0, 2))
def test_only_ten_changes_within_a_second_are_chatter(gaps, after):
    seen, now = changed(gaps)
    moments = list(life(gaps))
    _, happenings = monitors.watch_contact(seen, now + after)
    chatters = len(moments) >= CHATTER and now + after - moments[-CHATTER] < 1
    assert told(happenings) == ([(Event.FAULT, Fault.CONTACT_CHATTER)] if chatters else [])
    assert len(seen.changes_mono) <= CHATTER


def test_a_button_that_never_lets_go_is_a_fault_until_it_does():
    seen, happenings = monitors.watch_button(Button(), True, 60.0, 100.0)
    assert (seen, happenings) == (Button(100.0), ())
    seen, happenings = monitors.watch_button(seen, True, 60.0, 159.9)
    assert not happenings
    seen, happenings = monitors.watch_button(seen, True, 60.0, 160.0)
    assert told(happenings) == [(Event.FAULT, Fault.REX_STUCK)]
    seen, happenings = monitors.watch_button(seen, False, 60.0, 161.0)
    assert (seen, told(happenings)) == (Button(), [(Event.FAULT_OVER, Fault.REX_STUCK)])
    assert monitors.watch_button(seen, False, 60.0, 162.0) == (Button(), ())


@given(st.lists(st.tuples(st.booleans(), st.floats(0.001, 90)), max_size=60))
def test_only_a_button_that_was_pressed_throughout_is_stuck(looks):
    seen, now, since = Button(), 100.0, None
    for pressed, gap in looks:
        now += gap
        since = None if not pressed else now if since is None else since
        seen, happenings = monitors.watch_button(seen, pressed, 60.0, now)
        stuck = since is not None and now - since >= 60
        assert (Event.FAULT in {happening.event for happening in happenings}) == stuck


def test_the_record_is_told_of_a_jump_once_and_of_trust_that_comes_and_goes():
    good = ClockTrust(trusted=True, offset=1000.0)
    jumped = ClockTrust(trusted=False, jumped=True, offset=4600.26)
    events = monitors.watch_clock(good, jumped)
    assert [(event.kind, event.details) for event in events] == [
        ("clock_jumped", {"seconds": 3600.3}), ("clock_untrusted", {}),
    ]  # fmt: skip
    assert monitors.watch_clock(jumped, jumped) == ()
    assert [event.kind for event in monitors.watch_clock(jumped, replace(good, offset=4600.0))] == ["clock_trusted"]
    assert monitors.watch_clock(good, replace(good, latest_wall=1.8e9)) == ()
