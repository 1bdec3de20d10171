"""The end of a pulse whose process is stopped, hangs or starves: the kernel kills it, and whoever sees it die lets go.

A timer of the kernel's on the monotonic clock, armed before the relay goes on and disarmed once it is off. It asks no
thread of this process, and what it sends also ends a process that is frozen. Standard library only.
"""

from __future__ import annotations

import ctypes
import os
import signal
import time

_SIGEV_SIGNAL = 0


class LastResort:
    """Kills this process unless it is disarmed in time. Raises OSError where the kernel refuses a timer."""

    def __init__(self) -> None:
        self._kernel = ctypes.CDLL(None, use_errno=True)
        self._timer = ctypes.c_void_p()
        event = _Event(None, signal.SIGKILL, _SIGEV_SIGNAL)
        self._asked(self._kernel.timer_create(time.CLOCK_MONOTONIC, ctypes.byref(event), ctypes.byref(self._timer)))

    def arm(self, seconds: float) -> None:
        """From now on, this process has so long to live. Raises OSError."""
        self._set(int(seconds * 1e9))

    def disarm(self) -> None:
        """It lives on. Raises OSError."""
        self._set(0)

    def _set(self, nanoseconds: int) -> None:
        due = _Due(0, 0, *divmod(nanoseconds, 1_000_000_000))
        self._asked(self._kernel.timer_settime(self._timer, 0, ctypes.byref(due), None))

    def _asked(self, answer: int) -> None:
        if answer < 0:
            number = ctypes.get_errno()
            raise OSError(number, os.strerror(number))


class _Event(ctypes.Structure):
    """struct sigevent of sigevent(7): 64 bytes on every 64-bit Linux."""

    _fields_ = (("value", ctypes.c_void_p), ("signal", ctypes.c_int), ("notify", ctypes.c_int),
                ("rest", ctypes.c_char * 48))  # fmt: skip


class _Due(ctypes.Structure):
    """struct itimerspec of timer_settime(2): every so often, and first in so long; each as seconds and nanoseconds."""

    _fields_ = (("every_s", ctypes.c_long), ("every_ns", ctypes.c_long),
                ("first_s", ctypes.c_long), ("first_ns", ctypes.c_long))  # fmt: skip
