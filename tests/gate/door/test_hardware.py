import json
import socket
import subprocess
import sys
import threading

import pytest
from gpiozero import Device

from gate.door.hardware import LEASE_S, Hardware, release_relay
from gate.door.inputs import Input
from gate.door.pins import DRIVE_NAME, JOURNAL_NAME, read_journal
from gate.door.relay import RelayFault
from gate.door.service import SWITCH_INTERVAL_S
from gate.door.settings import DoorSettings
from gate.errors import UsageError
from tests.running import stays, wait_for

SHORT = DoorSettings(pulse_s=0.2, max_pulse_s=0.7, rex_pin=27)


@pytest.fixture
def make(tmp_path):
    made = []

    def make_hardware(settings=SHORT, changed=lambda: None):
        pulses = []
        hardware = Hardware(
            settings, tmp_path, released=lambda _kind, on, off: pulses.append(off - on), changed=changed
        )
        made.append(hardware)
        return hardware, pulses

    yield make_hardware
    for hardware in made:
        hardware.close()


def levels(tmp_path):
    return [edge["level"] for edge in read_journal(tmp_path / JOURNAL_NAME) if edge["pin"] == "GPIO17"]


def longest_on(tmp_path, active=True):
    longest, since = 0.0, None
    for edge in read_journal(tmp_path / JOURNAL_NAME):
        if edge["pin"] == "GPIO17":
            on = edge["level"] is active
            if on and since is None:
                since = edge["mono"]
            elif not on and since is not None:
                longest, since = max(longest, edge["mono"] - since), None
    assert since is None
    return longest


def drive(runtime, pin, level):
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as wire:
        wire.sendto(json.dumps({"pin": pin, "level": level}).encode(), str(runtime / DRIVE_NAME))


def test_the_relay_is_claimed_off_pulses_once_and_is_let_go(make, tmp_path):
    hardware, pulses = make()
    assert levels(tmp_path) == [False]
    hardware.relay.energise(0.1)
    wait_for(lambda: pulses)
    hardware.close()
    assert levels(tmp_path) == [False, True, False, None]
    assert 0.1 <= longest_on(tmp_path) <= 0.3


def test_a_pulse_asked_too_long_is_cut_at_the_maximum(make, tmp_path):
    hardware, pulses = make()
    hardware.relay.energise(60)
    wait_for(lambda: pulses)
    assert longest_on(tmp_path) <= SHORT.max_pulse_s


def test_no_busy_thread_delays_the_deadline(make, tmp_path):
    hardware, pulses = make()
    stop = threading.Event()
    before = sys.getswitchinterval()
    # As the door's process sets it.
    sys.setswitchinterval(SWITCH_INTERVAL_S)

    def burn():
        while not stop.is_set():
            sum(range(1000))

    burners = [threading.Thread(target=burn) for _ in range(4)]
    for burner in burners:
        burner.start()
    try:
        hardware.relay.energise(60)
        wait_for(lambda: pulses)
    finally:
        stop.set()
        for burner in burners:
            burner.join()
        sys.setswitchinterval(before)
    assert longest_on(tmp_path) <= SHORT.max_pulse_s


def test_a_second_pulse_is_refused_while_one_runs(make, tmp_path):
    hardware, pulses = make()
    hardware.relay.energise(0.2)
    with pytest.raises(RelayFault, match="is running"):
        hardware.relay.energise(0.2)
    wait_for(lambda: pulses)
    assert levels(tmp_path).count(True) == 1


def test_release_ends_a_pulse_at_once(make, tmp_path):
    hardware, pulses = make()
    hardware.relay.energise(0.25)
    hardware.relay.release()
    wait_for(lambda: pulses)
    assert pulses[0] < 0.2
    hardware.relay.release()
    assert levels(tmp_path) == [False, True, False]


def test_closing_in_a_pulse_releases(make, tmp_path):
    hardware, _ = make()
    hardware.relay.energise(0.25)
    hardware.close()
    assert levels(tmp_path)[-2:] == [False, None]


def test_a_pin_that_fails_is_a_fault_and_not_a_hang(make, monkeypatch):
    hardware, _ = make()
    monkeypatch.setattr(hardware.relay._device, "on", lambda: (_ for _ in ()).throw(OSError("no such line")))
    with pytest.raises(RelayFault, match="did not move"):
        hardware.relay.energise(0.1)
    assert isinstance(hardware.relay.fault, OSError)


def test_an_active_low_relay_is_claimed_high_and_never_blips(make, tmp_path):
    hardware, pulses = make(DoorSettings(pulse_s=0.2, max_pulse_s=0.7, relay_active_high=False))
    hardware.relay.energise(0.1)
    wait_for(lambda: pulses)
    hardware.close()
    assert levels(tmp_path) == [True, False, True, None]


def test_the_button_asks_for_exit_on_its_edge(make, tmp_path):
    asked = threading.Event()
    hardware, _ = make(changed=asked.set)
    assert not hardware.active(Input.REX)
    drive(tmp_path, 27, 0)
    assert asked.wait(1)
    assert hardware.active(Input.REX)
    assert [(edge.which, edge.active) for edge in hardware.edges] == [(Input.REX, True)]


KILLED_IN_A_PULSE = """
import os, signal, sys
from pathlib import Path
from gate.door.hardware import Hardware
from gate.door.settings import DoorSettings
board = sys.argv[2]
hardware = Hardware(DoorSettings(mock_board=board), Path(sys.argv[1]), released=print, changed=print)
hardware.relay.energise(3)
os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.parametrize(("board", "left"), [("latched", [False, True]), ("released", [False, True])])
def test_after_a_kill_relay_off_claims_the_pin_off(tmp_path, board, left):
    subprocess.run([sys.executable, "-c", KILLED_IN_A_PULSE, str(tmp_path), board], check=False, timeout=20)
    assert levels(tmp_path) == left
    release_relay(DoorSettings(mock_board=board), tmp_path)
    assert levels(tmp_path)[2:] == [False, None]


def test_pins_held_by_a_living_process_are_not_taken(make, tmp_path):
    make()
    with pytest.raises(UsageError, match="Another process holds the pins"):
        release_relay(SHORT, tmp_path)


def test_lgpio_is_never_replaced_by_another_factory(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "lgpio", None)
    monkeypatch.delitem(sys.modules, "gate.door.lgpio_pins", raising=False)
    before = Device.pin_factory
    with pytest.raises(UsageError, match="library is missing"):
        release_relay(DoorSettings(pin_factory="lgpio"), tmp_path)
    assert Device.pin_factory is before
    assert levels(tmp_path) == []


def test_the_hold_relay_lets_go_when_nobody_asks_for_it_any_more(make):
    hardware, held = make(DoorSettings(hold_pin=5))
    hardware.hold(True)

    def held_while_asked_for():
        hardware.hold(True)
        return not held

    stays(held_while_asked_for, LEASE_S + 0.5)
    wait_for(lambda: held, LEASE_S + 1)
    assert not hardware.holder.on
    assert held[0] <= 2 * LEASE_S + 1
