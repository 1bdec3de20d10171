"""The lgpio adapter against a recording stand-in for the lgpio module: every claim and write, in order."""

import importlib
import os
import sys
import types

import pytest

from gate.door.board import check_buses
from gate.door.hardware import Hardware, release_relay
from gate.door.settings import DoorSettings
from gate.errors import UsageError


class Recording(types.ModuleType):
    """What lgpio's functions were called with."""

    BOTH_EDGES, RISING_EDGE, FALLING_EDGE = 3, 1, 2
    SET_PULL_NONE, SET_PULL_UP, SET_PULL_DOWN = 128, 32, 64

    class error(Exception):
        pass

    def __init__(self):
        super().__init__("lgpio")
        self.calls, self.levels, self.outputs, self.chip_error = [], {}, set(), None

    def gpiochip_open(self, chip):
        if self.chip_error:
            raise self.error(self.chip_error)
        self.calls.append(("open", chip, os.environ.get("LG_WD")))
        return 7

    def gpiochip_close(self, handle):
        self.calls.append(("close", handle))

    def gpio_claim_input(self, handle, gpio, flags=0):
        self.outputs.discard(gpio)
        self.calls.append(("input", gpio))

    def gpio_claim_output(self, handle, gpio, level=0, flags=0):
        self.outputs.add(gpio)
        self.levels[gpio] = level
        self.calls.append(("output", gpio, level))

    def gpio_claim_alert(self, handle, gpio, edges, flags=0, notify=None):
        self.calls.append(("alert", gpio))

    def gpio_write(self, handle, gpio, level):
        self.levels[gpio] = int(level)
        self.calls.append(("write", gpio, int(level)))

    def gpio_read(self, handle, gpio):
        return self.levels.get(gpio, 1)

    def gpio_get_mode(self, handle, gpio):
        return 2 if gpio in self.outputs else 0

    def gpio_set_debounce_micros(self, handle, gpio, micros):
        self.calls.append(("debounce", gpio))

    def gpio_free(self, handle, gpio):
        self.calls.append(("free", gpio))

    def callback(self, handle, gpio, edges, function):
        return types.SimpleNamespace(cancel=lambda: None)


@pytest.fixture
def lgpio(monkeypatch):
    module = Recording()
    monkeypatch.setitem(sys.modules, "lgpio", module)
    for name in ("gpiozero.pins.lgpio", "gate.door.lgpio_pins"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    local = importlib.import_module("gpiozero.pins.local")
    # A Raspberry Pi 4B; the real one reads it from its device tree.
    monkeypatch.setattr(local, "get_pi_revision", lambda: 0xC03114)
    return module


def of_relay(lgpio):
    return [call for call in lgpio.calls if call[1] == 17 and call[0] in ("output", "write")]


def test_an_active_low_relay_is_claimed_at_its_safe_level_in_one_call(lgpio, tmp_path):
    settings = DoorSettings(pin_factory="lgpio", relay_active_high=False, pulse_s=0.1, max_pulse_s=0.7)
    hardware = Hardware(settings, tmp_path, released=lambda *_: None, changed=lambda: None)
    assert of_relay(lgpio) == [("output", 17, 1)]
    hardware.relay.energise(0.1)
    hardware.relay.release()
    hardware.close()
    edges = of_relay(lgpio)
    assert edges[:3] == [("output", 17, 1), ("write", 17, 0), ("write", 17, 1)]
    assert all(level == 1 for *_, level in edges[3:])
    assert lgpio.calls[-1] == ("close", 7)


def test_relay_off_claims_the_safe_level_and_never_another(lgpio, tmp_path):
    for active_high, safe in ((True, 0), (False, 1)):
        lgpio.calls.clear()
        release_relay(DoorSettings(pin_factory="lgpio", relay_active_high=active_high), tmp_path)
        assert {call[2] for call in of_relay(lgpio)} == {safe}


def test_the_pipe_file_goes_to_the_runtime_directory(lgpio, tmp_path, monkeypatch):
    monkeypatch.delenv("LG_WD", raising=False)
    release_relay(DoorSettings(pin_factory="lgpio", gpio_chip=4), tmp_path)
    assert lgpio.calls[0] == ("open", 4, str(tmp_path))


def test_a_missing_chip_is_one_sentence(lgpio, tmp_path):
    lgpio.chip_error = "can not open gpiochip"
    with pytest.raises(UsageError, match=r"GPIO chip 0 cannot be opened .*door\.gpio_chip"):
        release_relay(DoorSettings(pin_factory="lgpio"), tmp_path)


@pytest.mark.parametrize(
    ("pin", "node", "bus"),
    [(2, "i2c-1", "the I2C bus"), (10, "spidev0.0", "the SPI bus"), (14, "serial0", "the serial port")],
)
def test_a_pin_of_an_enabled_bus_is_refused(tmp_path, pin, node, bus):
    settings = DoorSettings(pin_factory="lgpio", rex_pin=pin)
    check_buses(settings, tmp_path)
    (tmp_path / node).touch()
    with pytest.raises(UsageError, match=f"door.rex_pin is GPIO {pin}, which belongs to {bus}"):
        check_buses(settings, tmp_path)
    check_buses(DoorSettings(pin_factory="mock", rex_pin=pin), tmp_path)
