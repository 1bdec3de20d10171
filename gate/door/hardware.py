"""The pins of one gate: two relays that let go by themselves, the inputs, the light and the buzzer."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from gpiozero import DigitalInputDevice, OutputDevice

from gate.door.pins import JournalFactory, pin_factory
from gate.door.settings import DoorSettings
from gate.door.signals import PATTERNS, Signal
from gate.errors import UsageError
from gate.vocabulary import Kind

_START_WITHIN_S = 0.5
# A thread wakes late by what the scheduler takes; the maximum is kept by aiming this much before it.
_SCHEDULING_SLACK_S = 0.1
# The hold relay lets go when the door's loop has not asked for so long.
LEASE_S = 3.0
_REX_BOUNCE_S = 0.002
# A relay's contact follows its coil within this, seconds.
READBACK_WITHIN_S = 0.2

INPUTS = ("rex", "fire", "tamper", "contact", "passage", "moving", "readback")


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
        self._deadline_mono = 0.0
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

    def renew(self, seconds: float) -> None:
        """Stay on for `seconds` from now, starting if it is off: for a lease that its holder keeps asking for."""
        with self._changed:
            if self._on_mono is not None:
                self._deadline_mono = time.monotonic() + min(seconds, self._longest_s)
                return
        self.energise(seconds)

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
    def on(self) -> bool:
        """Whether it is energised."""
        return self._on_mono is not None

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
            self._deadline_mono = started + seconds
            try:
                self._device.on()
                self._on_mono = time.monotonic()
                self._changed.notify_all()
                while not self._stopping and self._wanted_s and (left := self._deadline_mono - time.monotonic()) > 0:
                    self._changed.wait(left)
            finally:
                self._device.off()
            ended = time.monotonic()
            self._wanted_s = self._on_mono = None
            self._changed.notify_all()
        self._released(started, ended)


class Lights:
    """Light and buzzer: a thread that plays the pattern of the signal last shown."""

    def __init__(self, devices: dict[str, OutputDevice]) -> None:
        self._devices = devices
        self._changed = threading.Condition()
        self._signal = Signal.READY
        self._told = 0
        self._stopping = False
        self._thread = threading.Thread(target=self._play, name="lights", daemon=True)
        self._thread.start()

    def show(self, signal: Signal) -> None:
        """From its first beat, until told otherwise."""
        with self._changed:
            self._signal = signal
            self._told += 1
            self._changed.notify()

    def close(self) -> None:
        """Dark and silent, and let the pins go."""
        with self._changed:
            self._stopping = True
            self._changed.notify()
        self._thread.join(timeout=1.0)
        for device in self._devices.values():
            device.close()

    def _play(self) -> None:
        with self._changed:
            while not self._stopping:
                told, beats = self._told, PATTERNS[self._signal]
                for beat in beats:
                    for name, device in self._devices.items():
                        device.value = name in beat.on
                    # One beat is steady: nothing to do until another signal comes.
                    if self._wait(told, None if len(beats) == 1 else beat.seconds):
                        break

    def _wait(self, told: int, seconds: float | None) -> bool:
        return self._changed.wait_for(lambda: self._stopping or self._told != told, seconds)


class Hardware:
    """The pins of one gate, claimed safe. What `gate.door.controller.Outputs` asks for, and the inputs' edges."""

    def __init__(
        self,
        settings: DoorSettings,
        runtime: Path,
        *,
        released: Callable[[Kind, float, float], None],
        changed: Callable[[], None],
    ) -> None:
        """`released(kind, on_mono, off_mono)` is called after a relay let go, and `changed` whenever `edges` has
        something new, both from other threads.

        Raises UsageError when the pins cannot be had.
        """
        self._factory = pin_factory(settings, runtime)
        self._changed = changed
        self.edges: deque[tuple[str, bool, float]] = deque(maxlen=4096)
        device = _relay_device(settings, self._factory, settings.relay_pin)
        self.relay = Relay(device, settings.max_pulse_s, partial(released, Kind.RELAY_PULSE))
        self.holder: Relay | None = None
        if settings.hold_pin is not None:
            device = _relay_device(settings, self._factory, settings.hold_pin)
            self.holder = Relay(device, LEASE_S + _SCHEDULING_SLACK_S, partial(released, Kind.HOLD_RELAY))
        self._inputs = self._make_inputs(settings)
        pins = {name: getattr(settings, f"{name}_pin") for name in ("red", "green", "amber", "buzzer")}
        lamps = {
            name: OutputDevice(pin, initial_value=False, pin_factory=self._factory)
            for name, pin in pins.items()
            if pin is not None
        }
        self._lights = Lights(lamps) if lamps else None
        if isinstance(self._factory, JournalFactory):
            self._factory.listen()

    def energise(self, seconds: float) -> float:
        """See `Relay.energise`."""
        return self.relay.energise(seconds)

    def release(self) -> None:
        """See `Relay.release`."""
        self.relay.release()

    def hold(self, on: bool) -> None:
        """Take or renew the hold relay's lease, or end it."""
        if self.holder is None:
            return
        if on:
            self.holder.renew(LEASE_S)
        else:
            self.holder.release()

    def show(self, signal: Signal) -> None:
        """See `Lights.show`."""
        if self._lights is not None:
            self._lights.show(signal)

    def active(self, name: str) -> bool | None:
        """Whether an input says so now (an open fire loop is active); None where it has no pin."""
        device = self._inputs.get(name)
        if device is None:
            return None
        return bool(device.is_active) != self._inverted(name)

    @property
    def fault(self) -> Exception | None:
        """What went wrong with a relay's pin, if anything did."""
        return self.relay.fault or (self.holder.fault if self.holder else None)

    def close(self) -> None:
        """Relays off, lights out, pins let go."""
        self.relay.close()
        if self.holder is not None:
            self.holder.close()
        if self._lights is not None:
            self._lights.close()
        for device in self._inputs.values():
            device.close()
        self._factory.close()

    def _make_inputs(self, settings: DoorSettings) -> dict[str, Any]:
        self._opens = {"fire", "tamper"} | ({"contact"} if settings.contact_closed_when_shut else set())
        made: dict[str, Any] = {}
        for name in INPUTS:
            pin = getattr(settings, f"{name}_pin")
            if pin is not None:
                bounce = _REX_BOUNCE_S if name == "rex" else settings.debounce_s
                device = DigitalInputDevice(pin, pull_up=True, bounce_time=bounce, pin_factory=self._factory)
                device.when_activated = lambda name=name: self._edge(name, True)
                device.when_deactivated = lambda name=name: self._edge(name, False)
                made[name] = device
        return made

    def _inverted(self, name: str) -> bool:
        """Whether the input means its word when its contact to ground is open."""
        return name in self._opens

    def _edge(self, name: str, closed: bool) -> None:
        self.edges.append((name, closed != self._inverted(name), time.monotonic()))
        self._changed()


def release_relay(settings: DoorSettings, runtime: Path) -> None:
    """De-energise the relays of a door that is not running, by claiming their pins at the safe level.

    Raises UsageError when the pins cannot be had.
    """
    factory = pin_factory(settings, runtime)
    try:
        for pin in (settings.relay_pin, settings.hold_pin):
            if pin is not None:
                _relay_device(settings, factory, pin).close()
    finally:
        factory.close()


def _relay_device(settings: DoorSettings, factory: Any, pin: int) -> OutputDevice:
    try:
        return OutputDevice(pin, active_high=settings.relay_active_high, initial_value=False, pin_factory=factory)
    except OSError as error:
        raise UsageError(
            f"GPIO {pin} is held by another program or is no pin ({error}). Free it, or change it."
        ) from error
