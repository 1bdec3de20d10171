"""A keypad or card reader that is a keyboard to the machine (USB HID): its device held alone, and read.

Held alone (EVIOCGRAB), nothing that is typed there reaches a console, a desktop or another program.
"""

from __future__ import annotations

import errno
import fcntl
import os
import struct

from gate.errors import FacegateError, Sentence
from gate.readers.keystrokes import EVENT, Keyboard, Stroke, Swipe, key_of, strokes_of, swiped
from gate.vocabulary import Method, Presented

# Of linux/input.h, _IOW('E', 0x90, int) and _IOW('E', 0xa0, int): the same on x86 and ARM.
_EVIOCGRAB = 0x40044590
_EVIOCSCLOCKID = 0x400445A0
_CLOCK_MONOTONIC = struct.pack("i", 1)
# Some five keys: whoever floods waits in the kernel, which drops what is too much.
_EVENTS_A_READ = 16

_NOT_THERE = Sentence("{path} is not there. Plug it in, or correct the path: ls /dev/input/by-id")
_NO_INPUT_DEVICE = Sentence("{path} is no input device. Name one of those in /dev/input/by-id.")
_NOT_ALLOWED = Sentence(
    "{path} may not be read. Give it to the group facegate-input, as the rule of an installed gate does with every"
    " keyboard at a USB port."
)
_WHY = {
    errno.ENOENT: _NOT_THERE,
    errno.ENODEV: _NOT_THERE,
    errno.ENXIO: _NOT_THERE,
    errno.EACCES: _NOT_ALLOWED,
    errno.EPERM: _NOT_ALLOWED,
    errno.EBUSY: Sentence("{path} is held by another program. End that: sudo fuser -v {path}"),
    errno.ENOTTY: _NO_INPUT_DEVICE,
    errno.EINVAL: _NO_INPUT_DEVICE,
}


class NoDevice(FacegateError):
    """Nothing can be read there; the message says why and what to do."""

    def __init__(self, path: str, why: OSError) -> None:
        sentence = _WHY.get(why.errno or 0) or Sentence("{path} cannot be read ({why}).", path=path, why=why.strerror)
        super().__init__(sentence, path=path)


class HidReader:
    """One keypad (`Method.PIN`) or card reader (`Method.CARD`) by its path. It is closed until `open`."""

    def __init__(self, name: str, method: Method, path: str) -> None:
        self.name = name
        self._method = method
        self._path = path
        self._descriptor: int | None = None
        self._keyboard, self._swipe = Keyboard(), Swipe()

    @property
    def is_open(self) -> bool:
        """Whether its device is held."""
        return self._descriptor is not None

    def open(self) -> int:
        """Hold its device alone. Returns the descriptor to wait at. Raises NoDevice."""
        try:
            self._descriptor = _held_alone(self._path)
        except OSError as error:
            raise NoDevice(self._path, error) from error
        self._keyboard, self._swipe = Keyboard(), Swipe()
        return self._descriptor

    def read(self) -> list[Presented]:
        """What was shown to it since, a bounded share. Raises NoDevice where its device is gone; it is closed then."""
        if self._descriptor is None:
            return []
        try:
            events = os.read(self._descriptor, _EVENTS_A_READ * EVENT.size)
            if not events:
                raise OSError(errno.ENODEV, "has ended")
        except BlockingIOError:
            return []
        except OSError as error:
            self.close()
            raise NoDevice(self._path, error) from error
        self._keyboard, strokes = strokes_of(self._keyboard, events)
        codes = [(self._code_of(stroke), stroke.pressed_mono) for stroke in strokes]
        return [
            Presented(os.urandom(16).hex(), self._method, self.name, pressed_mono, code)
            for code, pressed_mono in codes
            if code is not None
        ]

    def close(self) -> None:
        """Let its device go."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

    def _code_of(self, stroke: Stroke) -> str | None:
        if self._method is Method.PIN:
            return key_of(stroke)
        self._swipe, number = swiped(self._swipe, stroke)
        return number


def _held_alone(path: str) -> int:
    """A descriptor of an input device whose events are this process's alone. Raises OSError, also where it is none."""
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC)
    try:
        fcntl.ioctl(descriptor, _EVIOCGRAB, 1)
        # A key is as old as the kernel says, however late it is read. What came before this is dropped.
        fcntl.ioctl(descriptor, _EVIOCSCLOCKID, _CLOCK_MONOTONIC)
    except OSError:
        os.close(descriptor)
        raise
    return descriptor
