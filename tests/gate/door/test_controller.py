import pytest

from gate.door.controller import Controller, Heard
from gate.door.hardware import RelayFault
from gate.door.machine import Answer, Mode
from gate.door.settings import DoorSettings
from gate.store.residents import Resident
from gate.vocabulary import Claim, Reason

RESIDENT = Resident(1, "r1", "Wang Fang", None, "2026-01-01", 2)
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
    residents = {"r1": RESIDENT}
    return Controller(SETTINGS, relay, lambda who: Heard(residents.get(who)), record.append), relay, record


def claim(number=1, resident="r1", taken=100.0, reason=None):
    return Claim(f"c{number}", 1, taken, resident, reason, 3, 0.8)


def test_a_grant_is_one_pulse_and_on_record_with_what_was_done(door):
    controller, relay, record = door
    verdict, on = controller.claim(claim(), 100.2)
    assert verdict.granted
    assert on == 100.25
    assert relay.told == [("on", 3)]
    assert record[0].kind == "granted"
    assert record[0].personal == {"resident": "r1", "name": "Wang Fang"}
    assert record[0].details["frame_to_relay_ms"] == 250
    assert record[0].details["frame_age_ms"] == 200


def test_nothing_pulses_again_while_one_runs_or_the_gate_moves(door):
    controller, relay, record = door
    controller.claim(claim(1), 100.2)
    for number, now in ((2, 101.0), (3, 104.0)):
        verdict, on = controller.claim(claim(number, taken=now), now)
        assert (verdict.reason, on) == (Reason.BUSY, None)
    assert not controller.command("uid 0", 104.5).granted
    assert relay.told == [("on", 3), ("off",)]
    assert controller.claim(claim(4, taken=106.0), 106.0)[0].granted
    kinds = [event.kind for event in record if event.kind != "passage"]
    assert kinds == ["granted", "denied", "denied", "denied", "granted"]


def test_the_same_claim_is_granted_once(door):
    controller, relay, _record = door
    assert controller.claim(claim(), 100.2)[0].granted
    controller.tick(103.2)
    controller.tick(105.2)
    verdict, _ = controller.claim(claim(taken=105.3), 105.4)
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
    verdict, on = controller.claim(given, now, peer_is_vision=vision)
    assert (verdict.granted, verdict.reason, on) == (False, reason, None)
    assert relay.told == []
    assert record[0].kind == "denied"
    assert record[0].details["reason"] == reason.value


def test_rex_and_command_open_with_nobody_enrolled():
    relay, record = BenchRelay(), []
    controller = Controller(SETTINGS, relay, lambda _: Heard(None), record.append)
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
    controller = Controller(SETTINGS, Broken(), lambda _: Heard(RESIDENT), record.append)
    with pytest.raises(RelayFault):
        controller.claim(claim(), 100.1)
    assert record == []
    assert controller.mode is Mode.NORMAL


def test_stop_releases(door):
    controller, relay, _ = door
    controller.claim(claim(), 100.2)
    controller.stop(100.3)
    assert relay.told[-2:] == [("off",), ("hold", False)]
    assert controller.mode is Mode.NORMAL
