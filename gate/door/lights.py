"""The light and the buzzer of one gate: what they play is `gate.door.signals`."""

from __future__ import annotations

import threading

from gpiozero import OutputDevice

from gate.door.signals import PATTERNS, Signal


class Lights:
    """Plays the pattern of the signal last shown, from a thread of its own, so that no pattern delays the door.

    Each device is an output that is on while its lamp or buzzer is: high, through whatever drives it.
    """

    def __init__(self, devices: dict[str, OutputDevice]) -> None:
        """`devices` by the names that `gate.door.signals.Beat` has for them: red, green, amber, buzzer."""
        self._devices = devices
        self._changed = threading.Condition()
        self._signal = Signal.READY
        self._told = 0
        self._stopping = False
        self._thread = threading.Thread(target=self._play, name="lights", daemon=True)
        self._thread.start()

    def show(self, signal: Signal) -> None:
        """Play the pattern of this signal from its first beat, until told otherwise."""
        with self._changed:
            self._signal = signal
            self._told += 1
            self._changed.notify()

    def close(self) -> None:
        """Turn all of it off, and let the pins go."""
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
