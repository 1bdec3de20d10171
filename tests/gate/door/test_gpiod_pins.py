"""The gpiod adapter against a stand-in with gpio-sim's semantics: one holder a line, levels kept by the simulator."""

import enum
import importlib
import queue
import sys
import threading
import types
from dataclasses import dataclass
from datetime import timedelta

import pytest

from gate.door.hardware import Hardware, release_relay
from gate.door.inputs import Input
from gate.door.settings import DoorSettings
from gate.errors import UsageError

SETTINGS = DoorSettings(pin_factory="gpiod", relay_pin=105, rex_pin=106, pulse_s=0.1, max_pulse_s=0.7)


def words(name, *members):
    return enum.Enum(name, [(member, number) for number, member in enumerate(members)])


class EdgeEvent:
    Type = words("Type", "RISING_EDGE", "FALLING_EDGE")

    def __init__(self, event_type):
        self.event_type, self.timestamp_ns = event_type, 1_000_000_000


class Simulator:
    """The lines of one chip, as the kernel's gpio-sim keeps them."""

    def __init__(self):
        self.log, self.held, self.pulled = [], {}, {}

    def install(self, monkeypatch):
        line = types.ModuleType("gpiod.line")
        line.Value = words("Value", "INACTIVE", "ACTIVE")
        line.Direction = words("Direction", "AS_IS", "INPUT", "OUTPUT")
        line.Bias = words("Bias", "AS_IS", "UNKNOWN", "DISABLED", "PULL_UP", "PULL_DOWN")
        line.Edge = words("Edge", "NONE", "RISING", "FALLING", "BOTH")
        self.line = line
        gpiod = types.ModuleType("gpiod")

        @dataclass
        class LineSettings:
            direction: object = line.Direction.AS_IS
            edge_detection: object = line.Edge.NONE
            bias: object = line.Bias.AS_IS
            debounce_period: timedelta = timedelta()
            output_value: object = line.Value.INACTIVE

        gpiod.LineSettings, gpiod.line = LineSettings, line
        gpiod.Chip = lambda path: Chip(self, path)
        monkeypatch.setitem(sys.modules, "gpiod", gpiod)
        monkeypatch.setitem(sys.modules, "gpiod.line", line)
        monkeypatch.delitem(sys.modules, "gate.door.gpiod_pins", raising=False)
        return self

    def drive(self, offset, active):
        """A level from outside, as gpio-sim's `pull` attribute sets it."""
        self.pulled[offset] = active
        request = self.held[offset]
        if request.settings.edge_detection is not self.line.Edge.NONE:
            kind = EdgeEvent.Type.RISING_EDGE if active else EdgeEvent.Type.FALLING_EDGE
            request.events.put(EdgeEvent(kind))


class Chip:
    def __init__(self, simulator, path):
        if path != "/dev/gpiochip0":
            raise FileNotFoundError(2, "No such file or directory", path)
        self.simulator = simulator

    def request_lines(self, config, consumer):
        assert consumer == "facegate"
        ((offset, settings),) = config.items()
        if offset in self.simulator.held:
            raise OSError(16, "Device or resource busy")
        request = Request(self.simulator, offset)
        self.simulator.held[offset] = request
        request.reconfigure_lines({offset: settings})
        return request

    def close(self):
        self.simulator.log.append(("close",))


class Request:
    def __init__(self, simulator, offset):
        self.simulator, self.offset, self.events = simulator, offset, queue.Queue()

    def reconfigure_lines(self, config):
        self.settings = config[self.offset]
        line = self.simulator.line
        if self.settings.direction is line.Direction.OUTPUT:
            self.simulator.log.append(("output", self.offset, self.settings.output_value is line.Value.ACTIVE))
        else:
            self.simulator.log.append(("input", self.offset))
            if self.settings.bias is line.Bias.PULL_UP:
                self.simulator.pulled.setdefault(self.offset, True)

    def set_value(self, offset, value):
        assert self.settings.direction is self.simulator.line.Direction.OUTPUT
        self.simulator.log.append(("write", offset, value is self.simulator.line.Value.ACTIVE))

    def get_value(self, offset):
        active = self.simulator.pulled.get(offset, False)
        return self.simulator.line.Value.ACTIVE if active else self.simulator.line.Value.INACTIVE

    def wait_edge_events(self, timeout):
        try:
            self.waiting = [self.events.get(timeout=timeout.total_seconds())]
        except queue.Empty:
            return False
        return True

    def read_edge_events(self):
        return self.waiting

    def release(self):
        # The simulator, like upstream kernels, makes a released line an input.
        self.simulator.log.append(("released", self.offset))
        del self.simulator.held[self.offset]


@pytest.fixture
def simulator(monkeypatch):
    yield Simulator().install(monkeypatch)
    sys.modules.pop("gate.door.gpiod_pins", None)


def of_relay(simulator):
    return [entry for entry in simulator.log if len(entry) > 1 and entry[1] == 105]


@pytest.mark.parametrize(("active_high", "off"), [(True, False), (False, True)])
def test_the_relay_is_claimed_at_its_safe_level_in_one_request(simulator, tmp_path, active_high, off):
    settings = DoorSettings(
        pin_factory="gpiod", relay_pin=105, relay_active_high=active_high, pulse_s=0.1, max_pulse_s=0.7
    )
    hardware = Hardware(settings, tmp_path, released=lambda *_: None, changed=lambda: None)
    assert of_relay(simulator) == [("output", 105, off)]
    hardware.energise(0.1)
    hardware.release()
    hardware.close()
    entries = of_relay(simulator)
    assert entries[:3] == [("output", 105, off), ("write", 105, not off), ("write", 105, off)]
    assert [entry[2] for entry in entries[3:] if entry[0] in ("write", "output")] in ([], [off])
    assert entries[-1] == ("released", 105)
    assert simulator.log[-1] == ("close",)


def test_an_input_is_pulled_up_debounced_and_heard_on_its_edges(simulator, tmp_path):
    heard = threading.Event()
    hardware = Hardware(SETTINGS, tmp_path, released=lambda *_: None, changed=heard.set)
    request = simulator.held[106]
    assert request.settings.bias is simulator.line.Bias.PULL_UP
    assert request.settings.edge_detection is simulator.line.Edge.BOTH
    assert request.settings.debounce_period == timedelta(milliseconds=2)
    assert hardware.active(Input.REX) is False
    simulator.drive(106, active=False)
    assert heard.wait(2)
    assert hardware.active(Input.REX) is True
    assert [(edge.which, edge.active) for edge in hardware.edges] == [(Input.REX, True)]
    hardware.close()
    assert simulator.held == {}


def test_a_line_somebody_else_holds_is_not_taken(simulator, tmp_path):
    importlib.import_module("gpiod").Chip("/dev/gpiochip0").request_lines(
        {105: sys.modules["gpiod"].LineSettings()}, consumer="facegate"
    )
    with pytest.raises(UsageError, match="GPIO 105 is held by another program"):
        release_relay(SETTINGS, tmp_path)


def test_a_missing_chip_and_a_missing_library_are_one_sentence_each(simulator, tmp_path, monkeypatch):
    with pytest.raises(UsageError, match="GPIO chip 3 cannot be opened"):
        release_relay(DoorSettings(pin_factory="gpiod", gpio_chip=3), tmp_path)
    monkeypatch.setitem(sys.modules, "gpiod", None)
    monkeypatch.delitem(sys.modules, "gate.door.gpiod_pins", raising=False)
    with pytest.raises(UsageError, match="gpiod, but its library is missing. Install gpiod"):
        release_relay(SETTINGS, tmp_path)
