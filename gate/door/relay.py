"""A relay that lets go by itself: a thread of its own ends each pulse by its own deadline, whatever else hangs.

Where the whole process hangs, the kernel ends it in time (`gate.door.last_resort`).
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from gpiozero import OutputDevice

from gate.door.last_resort import LastResort
from gate.door.settings import RELEASE_AFTER_DEATH_S

# The relay's thread does what it is told within this, or is stuck, seconds.
_START_WITHIN_S = 0.5
# A thread wakes late by what the scheduler takes; the maximum is kept by aiming this much before it, seconds.
SCHEDULING_SLACK_S = 0.1
# A process that has not ended a pulse by so much later hangs, seconds.
_HANGS_S = 2.0


class RelayFault(Exception):
    """The relay did not do what it was told."""


class Relay:
    """A relay that is off when made, off when closed, and never on for longer than its maximum."""

    def __init__(
        self,
        device: OutputDevice,
        max_s: float,
        released: Callable[[float, float], None],
        last_resort: LastResort | None = None,
    ) -> None:
        """`device` is on while the relay is energised; `max_s` is the longest that may ever be, seconds.

        `released(on_mono, off_mono)` is called from the relay's thread after each pulse. `last_resort` ends a process
        that cannot let go, early enough that whoever sees it die does so within the maximum.
        """
        self._device = device
        self._longest_s = max_s - SCHEDULING_SLACK_S
        self._lives_s = max_s - RELEASE_AFTER_DEATH_S
        self._last_resort = last_resort
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
        """Switch it off, and let the pin go."""
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
            if self._last_resort is not None:
                self._last_resort.arm(max(min(self._lives_s, seconds + _HANGS_S), seconds + SCHEDULING_SLACK_S))
            try:
                self._device.on()
                self._on_mono = time.monotonic()
                self._changed.notify_all()
                while not self._stopping and self._wanted_s and (left := self._deadline_mono - time.monotonic()) > 0:
                    self._changed.wait(left)
            finally:
                self._device.off()
            if self._last_resort is not None:
                self._last_resort.disarm()
            ended = time.monotonic()
            self._wanted_s = self._on_mono = None
            self._changed.notify_all()
        self._released(started, ended)
