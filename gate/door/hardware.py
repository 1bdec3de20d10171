"""The relay: one thread owns it, and that thread alone ends a pulse, by its own deadline."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from gpiozero import Button, OutputDevice

from gate.door.pins import pin_factory
from gate.door.settings import DoorSettings

_START_WITHIN_S = 0.5
# A thread wakes late by what the scheduler takes; the maximum is kept by aiming this much before it.
_SCHEDULING_SLACK_S = 0.1


class RelayFault(Exception):
    """The relay did not do what it was told."""


class Relay:
    """A relay that is off when made, off when closed, and never on for longer than its maximum."""

    def __init__(self, device: OutputDevice, max_s: float, released: Callable[[float, float], None]) -> None:
        """`released(on_mono, off_mono)` is called from the relay's thread after each pulse."""
        self._device = device
        self._longest_s = max_s - _SCHEDULING_SLACK_S
        self._released = released
        self._changed = threading.Condition()
        self._wanted_s: float | None = None
        self._on_mono: float | None = None
        self._stopping = False
        self._fault: Exception | None = None
        self._thread = threading.Thread(target=self._own, name="relay", daemon=True)
        self._thread.start()

    def energise(self, seconds: float) -> float:
        """Start one pulse, at most the maximum long; return when the relay went on (monotonic).

        Raises RelayFault when a pulse is running or the relay does not follow.
        """
        with self._changed:
            if self._on_mono is not None or self._wanted_s is not None:
                raise RelayFault("a pulse is running")
            self._wanted_s = min(seconds, self._longest_s)
            self._changed.notify_all()
            if not self._changed.wait_for(lambda: self._on_mono is not None or self._fault, _START_WITHIN_S):
                self._wanted_s = None
            return self._went_on()

    def _went_on(self) -> float:
        if self._on_mono is None:
            raise RelayFault(f"the relay did not move: {self._fault or 'its thread is stuck'}")
        return self._on_mono

    def release(self) -> None:
        """End a running pulse now."""
        with self._changed:
            self._wanted_s = 0.0 if self._on_mono is not None else None
            self._changed.notify_all()
            self._changed.wait_for(lambda: self._on_mono is None or self._fault, _START_WITHIN_S)

    def close(self) -> None:
        """Off, and let the pin go."""
        with self._changed:
            self._stopping = True
            self._changed.notify_all()
        self._thread.join(timeout=1.0)
        if not self._device.closed:
            self._device.off()
            self._device.close()

    @property
    def fault(self) -> Exception | None:
        """What went wrong with the pin, if anything did; the process must then end."""
        return self._fault

    def _own(self) -> None:
        try:
            while self._wait_for_order():
                self._pulse()
        except Exception as error:
            with self._changed:
                self._fault = error
                self._on_mono = None
                self._changed.notify_all()

    def _wait_for_order(self) -> bool:
        with self._changed:
            self._changed.wait_for(lambda: self._wanted_s is not None or self._stopping)
            return not self._stopping

    def _pulse(self) -> None:
        with self._changed:
            seconds = self._wanted_s
            if seconds is None:
                return
            started = time.monotonic()
            deadline = started + seconds
            try:
                self._device.on()
                self._on_mono = time.monotonic()
                self._changed.notify_all()
                while not self._stopping and self._wanted_s and (left := deadline - time.monotonic()) > 0:
                    self._changed.wait(left)
            finally:
                self._device.off()
            ended = time.monotonic()
            self._wanted_s = self._on_mono = None
            self._changed.notify_all()
        self._released(started, ended)


class Hardware:
    """The pins of one gate, claimed safe."""

    def __init__(
        self,
        settings: DoorSettings,
        runtime: Path,
        *,
        released: Callable[[float, float], None],
        exit_asked: Callable[[], None],
    ) -> None:
        self._factory = pin_factory(settings, runtime)
        self.relay = Relay(_relay_device(settings, self._factory), settings.max_pulse_s, released)
        self._rex: Any = None
        if settings.rex_pin is not None:
            self._rex = Button(settings.rex_pin, pull_up=True, pin_factory=self._factory)
            self._rex.when_pressed = exit_asked

    @property
    def exit_pressed(self) -> bool:
        """Whether someone holds the REX button now."""
        return self._rex is not None and bool(self._rex.is_pressed)

    def close(self) -> None:
        """Relay off, pins let go."""
        self.relay.close()
        if self._rex is not None:
            self._rex.close()
        self._factory.close()


def release_relay(settings: DoorSettings, runtime: Path) -> None:
    """De-energise the relay of a door that is not running, by claiming its pin at the safe level.

    Raises UsageError when the pins cannot be had.
    """
    factory = pin_factory(settings, runtime)
    try:
        _relay_device(settings, factory).close()
    finally:
        factory.close()


def _relay_device(settings: DoorSettings, factory: Any) -> OutputDevice:
    return OutputDevice(
        settings.relay_pin, active_high=settings.relay_active_high, initial_value=False, pin_factory=factory
    )
