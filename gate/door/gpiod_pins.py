"""Pins by the kernel's GPIO character device through libgpiod 2 (a Jetson, or any board gpiozero does not know).

A pin is a line's offset on its chip. Nothing is claimed before its direction is known, so that an output is an output
at its safe level from the first instant; a second claim of a line is refused by the kernel.
"""

from __future__ import annotations

import threading
import time
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import gpiod
from gpiod.line import Bias, Direction, Edge, Value
from gpiozero.pins import Factory, Pin

_CONSUMER = "facegate"
_BIAS = {"up": Bias.PULL_UP, "down": Bias.PULL_DOWN, "floating": Bias.DISABLED}
_EDGE = {"both": Edge.BOTH, "rising": Edge.RISING, "falling": Edge.FALLING, "none": Edge.NONE}


class GpiodPin(Pin):
    """One line: requested with its direction, and let go at close."""

    def __init__(self, factory: GpiodFactory, offset: int) -> None:
        super().__init__()
        self._factory = factory
        self._offset = offset
        self._info = SimpleNamespace(name=f"line {offset}", pull="")
        self._function = "input"
        self._pull = "floating"
        self._bounce: float | None = None
        self._edges = "both"
        self._when_changed: Any = None
        self._request: Any = None
        self._watcher: threading.Thread | None = None
        self._watching = threading.Event()

    def close(self) -> None:
        """Stop watching, and give the line back."""
        self.when_changed = None
        if self._request is not None:
            self._request.release()
            self._request = None

    def output_with_state(self, state: bool) -> None:
        """Claim as an output at `state`, in one request."""
        self._function = "output"
        self._claim(gpiod.LineSettings(direction=Direction.OUTPUT, output_value=_value(state)))

    def input_with_pull(self, pull: str) -> None:
        """Claim as an input, pulled "up" or "down" by the board, or left "floating"."""
        self._pull, self._function = pull, "input"
        self._claim_input()

    def _claim_input(self) -> None:
        self._claim(
            gpiod.LineSettings(
                direction=Direction.INPUT,
                bias=_BIAS[self._pull],
                edge_detection=_EDGE[self._edges] if self._when_changed else Edge.NONE,
                debounce_period=timedelta(seconds=self._bounce or 0),
            )
        )

    def _claim(self, settings: Any) -> None:
        if self._request is None:
            self._request = self._factory.chip.request_lines({self._offset: settings}, consumer=_CONSUMER)
        else:
            self._request.reconfigure_lines({self._offset: settings})

    def _get_info(self) -> Any:
        return self._info

    def _get_function(self) -> str:
        return self._function

    def _set_function(self, value: str) -> None:
        if value == "output":
            self.output_with_state(False)
        else:
            self.input_with_pull(self._pull)

    def _get_state(self) -> bool:
        return bool(self._request.get_value(self._offset) is Value.ACTIVE)

    def _set_state(self, value: bool) -> None:
        self._request.set_value(self._offset, _value(bool(value)))

    def _get_pull(self) -> str:
        return self._pull

    def _set_pull(self, value: str) -> None:
        self.input_with_pull(value)

    def _get_bounce(self) -> float | None:
        return self._bounce

    def _set_bounce(self, value: float | None) -> None:
        self._bounce = value
        self._claim_input()

    def _get_edges(self) -> str:
        return self._edges

    def _set_edges(self, value: str) -> None:
        self._edges = value
        self._claim_input()

    def _get_when_changed(self) -> Any:
        return self._when_changed

    def _set_when_changed(self, value: Any) -> None:
        self._watching.clear()
        if self._watcher is not None:
            self._watcher.join()
            self._watcher = None
        self._when_changed = value
        if value is not None:
            self._claim_input()
            self._watching.set()
            self._watcher = threading.Thread(target=self._watch, name=f"line-{self._offset}", daemon=True)
            self._watcher.start()

    def _watch(self) -> None:
        while self._watching.is_set():
            if self._request.wait_edge_events(timedelta(seconds=0.2)):
                for event in self._request.read_edge_events():
                    self._when_changed(event.timestamp_ns / 1e9, event.event_type is event.Type.RISING_EDGE)


class GpiodFactory(Factory):
    """Lines of one chip, each claimed by the kernel for this process alone."""

    def __init__(self, chip: int) -> None:
        super().__init__()
        self.chip = gpiod.Chip(f"/dev/gpiochip{chip}")
        self._pins: dict[int, GpiodPin] = {}

    def pin(self, name: int) -> GpiodPin:
        """The line at an offset."""
        return self._pins.setdefault(name, GpiodPin(self, name))

    def reserve_pins(self, requester: Any, *names: Any) -> None:
        """Nothing to do, though gpiozero asks for it: the kernel refuses a second claim by itself."""

    def release_pins(self, reserver: Any, *names: Any) -> None:
        """Nothing to do, as in `reserve_pins`."""

    def ticks(self) -> float:
        """Monotonic seconds, as the kernel stamps its edges."""
        return time.monotonic()

    def ticks_diff(self, later: float, earlier: float) -> float:
        """Seconds between two ticks."""
        return later - earlier

    def close(self) -> None:
        """Give every line back."""
        for pin in self._pins.values():
            pin.close()
        self._pins.clear()
        self.chip.close()


def _value(state: bool) -> Any:
    return Value.ACTIVE if state else Value.INACTIVE
