"""The pins of one gate: two relays that let go by themselves, the inputs, the light and the buzzer."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gpiozero import DigitalInputDevice, OutputDevice

from gate.door.inputs import Edge, Input
from gate.door.last_resort import LastResort
from gate.door.lights import Lights
from gate.door.pins import JournalFactory, pin_factory
from gate.door.relay import SCHEDULING_SLACK_S, Relay
from gate.door.settings import DoorSettings
from gate.door.signals import Signal
from gate.errors import UsageError
from gate.vocabulary import Kind

if TYPE_CHECKING:
    from gate.door.wiegand_lines import WiegandReader

# The hold relay lets go when the door's loop has not asked for it for so long, seconds.
LEASE_S = 3.0
_REX_BOUNCE_S = 0.002


class Hardware:
    """The pins of one gate, each output claimed at its safe level: an `Outputs` of `gate.door.outputs`.

    Inputs are pulled up by the board. "fire" and "tamper" are loops that are closed at rest, so that a cut wire is an
    alarm, and "interlock" is one, so that a cut wire lets nobody in; "contact" is one too where the settings say that
    it is closed while the door is shut. All others say their word when they close to ground. `edges` are the changes
    that nobody has taken yet, oldest first. `wiegand` is the reader on two of the pins, where there is one.
    """

    def __init__(
        self,
        settings: DoorSettings,
        runtime: Path,
        *,
        released: Callable[[Kind, float, float], None],
        changed: Callable[[], None],
        last_resort: LastResort | None = None,
    ) -> None:
        """`released(kind, on_mono, off_mono)` is called after a relay let go, and `changed` whenever `edges` has
        something new, both from other threads. `last_resort` holds the maximum of a pulse where this process hangs.

        Raises UsageError when the pins cannot be had.
        """
        self._factory = pin_factory(settings, runtime)
        self._changed = changed
        self.edges: deque[Edge] = deque(maxlen=4096)
        device = _relay_device(settings, self._factory, settings.relay_pin)
        self.relay = Relay(device, settings.max_pulse_s, partial(released, Kind.RELAY_PULSE), last_resort)
        self.holder: Relay | None = None
        if settings.hold_pin is not None:
            device = _relay_device(settings, self._factory, settings.hold_pin)
            self.holder = Relay(device, LEASE_S + SCHEDULING_SLACK_S, partial(released, Kind.HOLD_RELAY))
        self._contact_closed_when_shut = settings.contact_closed_when_shut
        self._inputs = self._make_inputs(settings)
        self._lights = self._make_lights(settings)
        self.wiegand: WiegandReader | None = None
        if settings.wiegand_d0_pin is not None:
            # Whoever lets go of a dead door's relay does not wait until this is loaded.
            from gate.door.wiegand_lines import WiegandReader, lines_of

            self.wiegand = WiegandReader(lines_of(settings, self._factory), changed)
        if isinstance(self._factory, JournalFactory):
            self._factory.listen()

    def energise(self, seconds: float) -> float:
        """Start one pulse of the door's relay; see `Relay.energise`."""
        return self.relay.energise(seconds)

    def release(self) -> None:
        """End a running pulse now; see `Relay.release`."""
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
        """Play the pattern of a signal on light and buzzer, where there are any."""
        if self._lights is not None:
            self._lights.show(signal)

    def active(self, which: Input) -> bool | None:
        """Whether an input says so now (an open fire loop is active); None where it has no pin."""
        device = self._inputs.get(which)
        if device is None:
            return None
        return bool(device.is_active) != self._inverted(which)

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
        if self.wiegand is not None:
            self.wiegand.close()
        self._factory.close()

    def _make_inputs(self, settings: DoorSettings) -> dict[Input, Any]:
        made: dict[Input, Any] = {}
        for which in Input:
            pin = getattr(settings, f"{which}_pin")
            if pin is not None:
                bounce = _REX_BOUNCE_S if which is Input.REX else settings.debounce_s
                device = DigitalInputDevice(pin, pull_up=True, bounce_time=bounce, pin_factory=self._factory)
                device.when_activated = lambda which=which: self._edge(which, True)
                device.when_deactivated = lambda which=which: self._edge(which, False)
                made[which] = device
        return made

    def _make_lights(self, settings: DoorSettings) -> Lights | None:
        pins = {name: getattr(settings, f"{name}_pin") for name in ("red", "green", "amber", "buzzer")}
        lamps = {
            name: OutputDevice(pin, initial_value=False, pin_factory=self._factory)
            for name, pin in pins.items()
            if pin is not None
        }
        return Lights(lamps) if lamps else None

    def _inverted(self, which: Input) -> bool:
        """Whether the input says its word when its contact to ground is open."""
        return which in (Input.FIRE, Input.TAMPER, Input.INTERLOCK) or (
            which is Input.CONTACT and self._contact_closed_when_shut
        )

    def _edge(self, which: Input, closed: bool) -> None:
        self.edges.append(Edge(which, closed != self._inverted(which), time.monotonic()))
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
