from dataclasses import replace

import pytest

from gate.door.controller import Controller
from gate.door.relay import RelayFault
from gate.door.rules import Known
from gate.door.settings import DoorSettings
from gate.door.signal_shown import ASKED_S, SHOWN_S
from gate.door.signals import PATTERNS, Signal
from gate.door.states import Answer, Barred, Event, Mode
from gate.store.people.residents import Resident
from gate.vocabulary import Claim, Reason, Verdict, Way
from tests.door import known_well

RESIDENT = Resident(1, "r1", "Wang Fang", None, "2026-01-01", 2)
OTHERS = {"r1": RESIDENT, "r2": replace(RESIDENT, number=2, id="r2", name="Li Na"),
          "r3": replace(RESIDENT, number=3, id="r3", name="Chen Wei")}  # fmt: skip
SETTINGS = DoorSettings(pulse_s=3, min_interval_s=2)


class BenchRelay:
    """A relay on a bench: it keeps what it was told."""

    def __init__(self):
        self.on_at, self.told, self.shown = None, [], []

    def energise(self, seconds):
        self.told.append(("on", seconds))
        self.on_at = 100.25
        return self.on_at

    def release(self):
        self.told.append(("off",))

    def hold(self, on):
        self.told.append(("hold", on))

    def show(self, signal):
        self.shown.append(signal)


@pytest.fixture
def door():
    relay, record = BenchRelay(), []
    return Controller(SETTINGS, relay, record.append), relay, record


def claim(number=1, resident="r1", taken=100.0, reason=None):
    return Claim(f"c{number}", 1, taken, resident, reason, 3, 0.8)


def ask(controller, given, now, known=None):
    """The controller's answer to a claim, by default of somebody of whom all is well."""
    return controller.claim(given, known or known_well(OTHERS.get(given.resident)), now)


def test_a_grant_is_one_pulse_and_on_record_with_what_was_done(door):
    controller, relay, record = door
    verdict, on = ask(controller, claim(), 100.2)
    assert verdict.granted
    assert on == 100.25
    assert relay.told == [("on", 3)]
    assert record[0].kind == "granted"
    assert record[0].personal == {"resident": "r1", "name": "Wang Fang"}
    assert record[0].details["frame_to_relay_ms"] == 250
    assert record[0].details["frame_age_ms"] == 200


def home(**settings):
    """A controller that knows three residents, its relay and its record."""
    relay, record = BenchRelay(), []
    chosen = replace(SETTINGS, **settings)
    return Controller(chosen, relay, record.append), relay, record


def test_residents_who_come_with_one_who_was_let_in_come_along_once_each_by_one_pulse():
    controller, relay, record = home()
    verdicts = [
        ask(controller, claim(number, who, taken=now), now)[0]
        for number, (now, who) in enumerate([(100.0, "r1"), (100.4, "r2"), (101.0, "r3"), (102.0, "r2")])
    ]
    assert [(one.granted, one.reason, one.along) for one in verdicts] == [
        (True, None, None), (True, None, "c0"), (True, None, "c0"), (False, Reason.BUSY, "c0"),
    ]  # fmt: skip
    assert relay.told == [("on", 3)]
    came = [(event.kind, event.personal["name"], event.details.get("with")) for event in record]
    assert came == [
        ("granted", "Wang Fang", None), ("came_along", "Li Na", "c0"), ("came_along", "Chen Wei", "c0"),
        ("denied", "Li Na", None),
    ]  # fmt: skip
    assert controller.told_residents == ("r1", "r2", "r3")
    controller.tick(110.0)
    assert controller.told_residents == ()
    assert controller.exit_request(111.0) is Answer.GRANTED
    assert controller.told_residents == (), "whoever leaves is not greeted by another's name"


@pytest.mark.parametrize(
    ("begins", "ends"),
    [
        (Event.HOLD, Event.HOLD_OVER), (Event.FREE_ACCESS, Event.FREE_ACCESS_OVER), (Event.FIRE, Event.FIRE_OVER),
        (Event.HOLD, Event.LOCKDOWN),
    ],
)  # fmt: skip
def test_who_came_in_by_a_gate_that_stood_open_is_welcomed_no_longer_than_it_does(begins, ends):
    controller, relay, _ = home(hold_pin=6)
    controller.tell(begins, 99.0)
    assert ask(controller, claim(), 100.0)[0].granted
    assert controller.told_residents == (() if begins is Event.FIRE else ("r1",))
    controller.tell(ends, 100.4)
    assert relay.shown[-1] is (Signal.LOCKED if ends is Event.LOCKDOWN else Signal.READY)
    assert controller.told_residents == ()


def test_nobody_is_welcomed_at_a_gate_that_was_locked_down_since_they_came_along():
    controller, _, _ = home()
    for number, who in enumerate(("r1", "r2")):
        ask(controller, claim(number, who, taken=100.0 + number), 100.0 + number)
    controller.tell(Event.LOCKDOWN, 101.5)
    assert (controller.signal, controller.told_residents) == (Signal.LOCKED, ())


def test_a_stranger_among_them_is_on_record_and_told_nothing():
    controller, relay, record = home()
    ask(controller, claim(1), 100.0)
    ask(controller, claim(2, None, taken=102.0), 102.0)
    ask(controller, claim(3, "r2", taken=102.9), 102.9)
    controller.tick(103.1)
    assert controller.signal is Signal.GRANT, "whoever came along last is welcomed as long as anybody"
    assert [(event.kind, event.details.get("reason")) for event in record if event.kind != "passage"] == [
        ("granted", None), ("denied", "unknown"), ("came_along", None),
    ]  # fmt: skip
    controller.tick(106.0)
    assert relay.shown == [Signal.GRANT, Signal.GRANT, Signal.READY]
    ask(controller, claim(4, None, taken=107.0), 107.0)
    assert relay.shown[-1] is Signal.DENY, "alone, they are told"


def test_the_rules_hold_for_whoever_comes_along_too():
    controller, _, record = home()
    ask(controller, claim(1), 100.0)
    late = replace(known_well(OTHERS["r2"]), within_hours=False)
    for number, known, reason in ((2, late, Reason.OUT_OF_HOURS), (3, known_well(None), Reason.NOT_ENROLLED)):
        assert ask(controller, claim(number, "r2", taken=101.0), 101.0, known)[0].reason is reason
    controller.order(Event.LOCKDOWN, "uid 0", 101.5)
    assert ask(controller, claim(4, "r2", taken=101.6), 101.6)[0].reason is Reason.LOCKDOWN
    assert "came_along" not in {event.kind for event in record}


def test_it_says_when_it_is_at_rest_and_by_which_grants_somebody_went_through():
    controller, _, _ = home(contact_pin=6)
    assert controller.at_rest(100.0)
    ask(controller, claim(1), 100.0)
    assert not controller.at_rest(101.0)
    controller.tell(Event.OPENED, 101.0)
    assert controller.taken == ("c1",)
    controller.tick(106.0)
    assert not controller.at_rest(106.0), "the leaf stands open"
    controller.tell(Event.SHUT, 107.0)
    assert controller.at_rest(107.0)
    ask(controller, claim(2, taken=108.0), 108.0)
    controller.tick(120.0)
    assert controller.taken == ("c1",), "nobody went through by the second"


def test_time_never_runs_backwards_for_the_door():
    controller, relay, _ = home()
    assert ask(controller, claim(1, taken=100.0), 100.0)[0].granted
    controller.tick(110.0)
    # A recording that begins anew, its clock with it.
    controller.tick(3.0)
    assert ask(controller, claim(2, "r2", taken=3.0), 3.0)[0].reason is Reason.STALE
    assert ask(controller, claim(3, "r2", taken=109.9), 110.0)[0].granted
    # What was seen before the last that was heard comes too late, however fresh it is.
    assert ask(controller, claim(4, "r3", taken=109.8), 110.1)[0].reason is Reason.STALE
    assert ask(controller, claim(5, "r3", taken=109.9), 110.2)[0].along == "c3"
    assert relay.told.count(("on", 3)) == 2
    controller, _, _ = home()
    controller.exit_request(100.0)
    controller.tick(101.0)
    late = ask(controller, claim(1, taken=3.0), 3.0)[0]
    assert late.reason is Reason.STALE, "and not busy for as long as the clock is behind"


def test_nothing_pulses_again_while_one_runs_or_the_gate_moves(door):
    controller, relay, record = door
    ask(controller, claim(1), 100.2)
    for number, now in ((2, 101.0), (3, 104.0)):
        verdict, on = ask(controller, claim(number, taken=now), now)
        assert (verdict.reason, on) == (Reason.BUSY, None)
    assert not controller.command("uid 0", 104.5).granted
    assert relay.told == [("on", 3), ("off",)]
    assert ask(controller, claim(4, taken=106.0), 106.0)[0].granted
    kinds = [event.kind for event in record if event.kind != "passage"]
    assert kinds == ["granted", "denied", "denied", "denied", "granted"]


def test_the_same_claim_is_granted_once(door):
    controller, relay, _record = door
    assert ask(controller, claim(), 100.2)[0].granted
    controller.tick(103.2)
    controller.tick(105.2)
    verdict, _ = ask(controller, claim(taken=105.3), 105.4)
    assert verdict.reason is Reason.REPLAYED
    assert relay.told.count(("on", 3)) == 1


@pytest.mark.parametrize(
    ("given", "now", "vision", "reason"),
    [
        (claim(taken=98.0), 100.0, True, Reason.STALE),
        (claim(taken=103.0), 100.0, True, Reason.STALE),
        (claim(), 100.1, False, Reason.WRONG_PEER),
        (claim(resident="gone"), 100.1, True, Reason.NOT_ENROLLED),
        (claim(resident=None), 100.1, True, Reason.UNKNOWN),
        (claim(resident=None, reason=Reason.TOO_DARK), 100.1, True, Reason.TOO_DARK),
    ],
)
def test_what_is_refused_moves_nothing_and_is_on_record(door, given, now, vision, reason):
    controller, relay, record = door
    known = replace(known_well(OTHERS.get(given.resident)), from_its_user=vision)
    verdict, on = ask(controller, given, now, known)
    assert (verdict.granted, verdict.reason, on) == (False, reason, None)
    assert relay.told == []
    assert bool(relay.shown) is vision, "whoever stands there is not told what another process made up"
    assert record[0].kind == "denied"
    assert record[0].details["reason"] == reason.value


def test_rex_and_command_open_with_nobody_enrolled():
    relay, record = BenchRelay(), []
    controller = Controller(SETTINGS, relay, record.append)
    assert controller.exit_request(100.0) is Answer.GRANTED
    assert relay.told == [("on", 3)]
    controller.exit_request(101.0)
    controller.tick(103.0)
    assert controller.mode is Mode.NORMAL
    assert controller.exit_request(103.5) is Answer.GRANTED
    controller.tick(106.5)
    controller.tick(108.5)
    assert controller.command("uid 1000", 108.5).granted
    opened = [event.details.get("method") for event in record if event.kind == "granted"]
    assert opened == ["rex", "rex", "command"]
    assert relay.told.count(("on", 3)) == 3


def test_a_relay_that_fails_is_not_a_grant():
    class Broken(BenchRelay):
        def energise(self, seconds):
            raise RelayFault("stuck")

    record = []
    controller = Controller(SETTINGS, Broken(), record.append)
    with pytest.raises(RelayFault):
        ask(controller, claim(), 100.1)
    assert record == []
    assert controller.mode is Mode.NORMAL


def test_stop_releases(door):
    controller, relay, _ = door
    ask(controller, claim(), 100.2)
    controller.stop(100.3)
    assert relay.told[-2:] == [("off",), ("hold", False)]
    assert controller.mode is Mode.NORMAL


def wired(**settings):
    """A controller with a hold relay on a bench, and what it was told and wrote."""
    relay, record = BenchRelay(), []
    chosen = DoorSettings(hold_pin=5, pulse_s=3, min_interval_s=2, **settings)
    made = Controller(chosen, relay, record.append)
    return made, relay, record


def test_who_needs_more_time_gets_it():
    relay = BenchRelay()
    slow = replace(RESIDENT, extended=True)
    ask(Controller(SETTINGS, relay, lambda _: None), claim(), 100.2, known_well(slow))
    assert relay.told == [("on", 11.2)]


def test_hours_an_unreadable_store_and_a_clock_each_refuse_with_their_own_reason():
    well = known_well(RESIDENT)
    for known, reason in (
        (replace(well, within_hours=False), Reason.OUT_OF_HOURS),
        (replace(well, within_hours=None), Reason.CLOCK_UNTRUSTED),
        (replace(well, valid=False), Reason.OUT_OF_VALIDITY),
        (replace(well, one_suffices=False), Reason.FACE_NOT_ENOUGH),
        (Known(from_its_user=True, readable=False), Reason.STORE_UNREADABLE),
    ):
        relay = BenchRelay()
        controller = Controller(SETTINGS, relay, lambda _: None)
        assert ask(controller, claim(), 100.2, known) == (Verdict(False, reason), None)
        assert relay.told == []


def test_the_grant_is_on_record_before_its_passage():
    controller, _, record = wired()
    controller.order(Event.HOLD, "uid 0", 99.0)
    ask(controller, claim(), 100.2)
    assert [event.kind for event in record] == ["hold", "ordered", "granted", "passage"]


def test_the_hold_relay_is_asked_for_again_every_turn():
    controller, relay, _ = wired()
    controller.order(Event.HOLD, "uid 0", 99.0)
    for now in (100.0, 101.0):
        controller.tick(now)
    assert relay.told == [("hold", True)] * 3
    controller.order(Event.HOLD_OVER, "uid 0", 102.0)
    controller.tick(103.0)
    assert relay.told[-1] == ("hold", False)
    assert len(relay.told) == 4


def test_releasing_the_relay_ends_a_pulse_and_a_hold_but_no_lockdown():
    controller, relay, _ = wired()
    ask(controller, claim(), 100.2)
    controller.release_relay(100.5)
    assert controller.mode is Mode.NORMAL
    assert ("off",) in relay.told
    controller.order(Event.LOCKDOWN, "uid 0", 101.0)
    controller.release_relay(102.0)
    assert controller.mode is Mode.LOCKDOWN


def test_what_stood_before_a_restart_is_taken_up_again():
    relay = BenchRelay()
    controller = Controller(SETTINGS, relay, lambda _: None)
    controller.begin(100.0, Barred(lockdown=True, tamper_left_s=60.0), ajar=False)
    assert controller.mode is Mode.LOCKDOWN
    assert controller.barred(130.0) == Barred(True, 30.0)
    controller.order(Event.LOCKDOWN_OVER, "uid 0", 131.0)
    assert controller.mode is Mode.TAMPER_BLOCK
    controller.tick(160.0)
    assert controller.mode is Mode.NORMAL


def test_light_and_sound_answer_who_asks_and_then_show_the_door_again():
    controller, relay, _ = wired(contact_pin=6)
    controller.tick(99.0)
    ask(controller, claim(1, resident=None, reason=Reason.TOO_FAR, taken=100.0), 100.0)
    ask(controller, claim(2, resident=None, taken=100.1), 100.1)
    assert controller.due_mono(100.1) == pytest.approx(100.1 + SHOWN_S)
    controller.tick(103.2)
    ask(controller, claim(3, taken=104.0), 104.0)
    controller.tick(107.0)
    assert relay.shown == [Signal.READY, Signal.COME_CLOSER, Signal.DENY, Signal.READY, Signal.GRANT, Signal.READY]
    controller.tell(Event.OPENED, 200.0)
    ask(controller, claim(4, resident=None, taken=201.0), 201.0)
    assert relay.shown[-1] is Signal.ALARM, "an alarm is not hidden by an answer"
    controller.faulty = True
    controller.tell(Event.SHUT, 300.0)
    assert relay.shown[-1] is Signal.FAULT


def test_a_request_is_shown_while_it_is_told_again_and_goes_on_with_its_pattern():
    controller, relay, record = wired()
    controller.tick(99.0)
    asked = replace(claim(0, resident=None, reason=Reason.ASKED_TO_TURN), way=Way.LEFT)
    for number, further in enumerate((False, False, True)):
        now = 100.0 + number
        ask(controller, replace(asked, id=f"c{number}", taken_mono=now, further=further), now)
        assert (controller.told_reason, controller.told_further) == (Reason.ASKED_TO_TURN, further)
    ask(controller, replace(asked, id="ahead", taken_mono=103.0, way=None), 103.0)
    controller.tick(103.0 + ASKED_S)
    assert controller.told_reason is None
    assert relay.shown == [Signal.READY, Signal.TURN_LEFT, Signal.LOOK_AHEAD, Signal.READY]
    assert relay.told == []
    assert [event.details["reason"] for event in record] == ["asked_to_turn"]


def test_each_who_is_asked_and_each_request_is_one_line_of_the_record():
    controller, _, record = wired()
    asked = claim(0, resident=None, reason=Reason.ASKED_TO_TURN)
    given = [(1, 100.0), (1, 101.0), (2, 102.0), (2, 103.0), (2, 120.0)]
    for number, (track, now) in enumerate(given):
        ask(controller, replace(asked, id=f"c{number}", track=track, taken_mono=now), now)
    assert [event.details["claim"] for event in record] == ["c0", "c2", "c4"]
    ask(controller, replace(asked, id="no", track=2, taken_mono=121.0, reason=Reason.NOT_LIVE), 121.0)
    ask(controller, replace(asked, id="anew", track=2, taken_mono=122.0), 122.0)
    assert [event.details["claim"] for event in record][3:] == ["no", "anew"]


def test_every_signal_differs_from_every_other_in_its_rhythm():
    rhythms = {tuple((bool(beat.on), beat.seconds) for beat in beats) for beats in PATTERNS.values() if len(beats) > 1}
    assert len(rhythms) == sum(len(beats) > 1 for beats in PATTERNS.values())
