"""The two lines of a Wiegand reader: one request for both, so that their edges come in one order, read by a thread.

The kernel keeps 1,024 edges with its own time stamps, so that a busy machine loses none, and counts them, so that what
it lost is known. gpiozero asks for one line at a time, which gives no common order; here gpiod is asked whatever drives
the other pins.
"""

from __future__ import annotations

import queue
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Protocol

from gate.door.wiegand import QUIET_S, Burst, Pulse, heard, is_over
from gate.errors import UsageError

if TYPE_CHECKING:
    from gate.door.pins import JournalFactory
    from gate.door.settings import DoorSettings

_KEPT_EDGES = 1024
_LOOK_EVERY_S = 0.2


class Lines(Protocol):
    """Where pulses come from."""

    def wait(self, within_s: float) -> Sequence[Pulse]:
        """Those that came, as soon as there are any; none where none came within so long. Raises OSError."""
        ...

    def close(self) -> None:
        """Let the lines go."""
        ...


class GpiodLines:
    """D0 and D1 of a board."""

    def __init__(self, chip: int, d0: int, d1: int) -> None:
        """Raises UsageError where the lines or the library cannot be had."""
        try:
            import gpiod
            from gpiod.line import Bias, Direction, Edge
        except ImportError as error:
            raise UsageError(
                "door.wiegand_d0_pin needs the library gpiod from the package index (version 2). Install it, or take"
                " the Wiegand reader out of the settings."
            ) from error
        self._bits = {d0: 0, d1: 1}
        self._seen = 0
        line = gpiod.LineSettings(direction=Direction.INPUT, bias=Bias.PULL_UP, edge_detection=Edge.FALLING)
        try:
            self._request: Any = gpiod.request_lines(
                f"/dev/gpiochip{chip}", {(d0, d1): line}, consumer="facegate", event_buffer_size=_KEPT_EDGES
            )
        except OSError as error:
            raise UsageError(
                f"The Wiegand lines {d0} and {d1} of the GPIO chip {chip} cannot be had ({error}). Free them, or change"
                " door.wiegand_d0_pin and door.wiegand_d1_pin."
            ) from error

    def wait(self, within_s: float) -> Sequence[Pulse]:
        """As in `Lines`."""
        if not self._request.wait_edge_events(timedelta(seconds=within_s)):
            return ()
        return [self._pulse(event) for event in self._request.read_edge_events(_KEPT_EDGES)]

    def close(self) -> None:
        """As in `Lines`."""
        self._request.release()

    def _pulse(self, event: Any) -> Pulse:
        lost, self._seen = event.global_seqno != self._seen + 1, event.global_seqno
        return Pulse(self._bits[event.line_offset], event.timestamp_ns / 1e9, lost)


class MockLines:
    """The same of mocked pins, driven as other inputs are; whoever drives them may say when ("mono")."""

    def __init__(self, factory: JournalFactory, d0: int, d1: int) -> None:
        self._bits = {d0: 0, d1: 1}
        self._pulses: queue.SimpleQueue[Pulse] = queue.SimpleQueue()
        factory.watch(self._bits, self._fell)

    def wait(self, within_s: float) -> Sequence[Pulse]:
        """As in `Lines`."""
        try:
            return [self._pulses.get(timeout=within_s)]
        except queue.Empty:
            return ()

    def close(self) -> None:
        """As in `Lines`."""

    def _fell(self, pin: int, at_mono: float) -> None:
        self._pulses.put(Pulse(self._bits[pin], at_mono))


class WiegandReader:
    """Reads the lines on a thread of its own. `bursts` are those that are over and that nobody has taken yet."""

    def __init__(self, lines: Lines, changed: Callable[[], None]) -> None:
        """`changed` is called from another thread whenever `bursts` has something new, or there is a `fault`."""
        self._lines = lines
        self._changed = changed
        self.bursts: deque[Burst] = deque(maxlen=64)
        self.fault: OSError | None = None
        self._ended = False
        self._thread = threading.Thread(target=self._read, name="wiegand", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Let the lines go."""
        self._ended = True
        self._thread.join()
        self._lines.close()

    def _read(self) -> None:
        burst = Burst()
        while not self._ended:
            asked_mono, within_s = time.monotonic(), QUIET_S if burst.bits else _LOOK_EVERY_S
            try:
                pulses = self._lines.wait(within_s)
            except OSError as error:
                self.fault = error
                self._changed()
                return
            for pulse in pulses:
                burst, before = heard(burst, pulse)
                self._put(before)
            # Until then surely nothing came; what came since is not seen yet.
            if not pulses and is_over(burst, asked_mono + within_s):
                self._put(burst)
                burst = Burst()

    def _put(self, burst: Burst | None) -> None:
        if burst is not None:
            self.bursts.append(burst)
            self._changed()


def lines_of(settings: DoorSettings, factory: Any) -> Lines:
    """The lines that the settings name. Raises UsageError where there are none, or they cannot be had."""
    d0, d1 = settings.wiegand_d0_pin, settings.wiegand_d1_pin
    if d0 is None or d1 is None:
        raise UsageError("The settings name no Wiegand reader: set door.wiegand_d0_pin and door.wiegand_d1_pin.")
    if settings.pin_factory == "mock":
        return MockLines(factory, d0, d1)
    return GpiodLines(settings.gpio_chip, d0, d1)
