"""Readers on an RS-485 line that speak OSDP version 2 with its Secure Channel (IEC 60839-11-5), by libosdp.

A reader is never trusted further than it proves: without a session under its own key nothing it says is heard, and it
can only be given a key by `pair`, while whoever installs it has it in install mode.
"""

from __future__ import annotations

import os
import secrets
import termios
import time
import tty
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import osdp_sys
from osdp import CardFormat, CommandLEDColor, Event, LibFlag, LogLevel, PDInfo
from osdp import Command as Said

from gate.errors import FacegateError
from gate.readers.keys_file import name_of
from gate.readers.session import Change, Session
from gate.vocabulary import Method, Presented

KEY_BYTES = 16
BAUDS = {
    9600: termios.B9600,
    19200: termios.B19200,
    38400: termios.B38400,
    57600: termios.B57600,
    115200: termios.B115200,
}
# Of ISO 646, as OSDP has a keypad say # and *.
_KEYS = {0x0D: "#", 0x7F: "*"} | {ord(sign): sign for sign in "0123456789#*"}
_PAIR_STEP_S = 0.01
# The head of a frame: where it begins, its address with a bit that says that a reader answers, and its length.
_MARK, _REPLY, _HEAD, _LONGEST_FRAME = 0x53, 0x80, 4, 1440


class NoLine(FacegateError):
    """The line cannot be used; the message says why and what to do."""


@dataclass(frozen=True, slots=True)
class News:
    """What became of one reader: its session came, went (with why), or something was shown there."""

    reader: str
    came: bool = False
    why: str = ""
    shown: tuple[Presented, ...] = ()


class Replies:
    """When each reader of a line last answered, by the heads of its frames: mark, address, length.

    Whether a frame is sound is libosdp's to say; that it stopped is all that is asked here.
    """

    def __init__(self) -> None:
        self._frame = bytearray()
        self.latest_mono: dict[int, float] = {}

    def hear(self, said: bytes, now: float) -> None:
        """What came on the line; `now` is monotonic seconds."""
        self._frame += said
        while (begin := self._frame.find(_MARK)) >= 0:
            del self._frame[:begin]
            if len(self._frame) < _HEAD:
                return
            length = int.from_bytes(self._frame[2:_HEAD], "little")
            if self._frame[1] & _REPLY and length <= _LONGEST_FRAME:
                if len(self._frame) < length:
                    return
                self.latest_mono[self._frame[1] & ~_REPLY] = now
            del self._frame[: max(1, length if length <= _LONGEST_FRAME else 1)]
        self._frame.clear()


class SerialLine:
    """One serial port, as libosdp wants it. Raises NoLine where it cannot be opened."""

    def __init__(self, path: str, baud: int) -> None:
        self.id = 1
        self.fault: OSError | None = None
        self.replies = Replies()
        self._descriptor = -1
        try:
            self._descriptor = os.open(path, os.O_RDWR | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC)
            tty.setraw(self._descriptor, termios.TCSANOW)
            attributes = termios.tcgetattr(self._descriptor)
            attributes[4] = attributes[5] = BAUDS[baud]
            attributes[2] |= termios.CLOCAL | termios.CREAD
            termios.tcsetattr(self._descriptor, termios.TCSANOW, attributes)
        except (OSError, termios.error) as error:
            self.close()
            why = os.strerror(error.args[0]) if error.args and isinstance(error.args[0], int) else str(error)
            raise NoLine(f"{path} cannot be used as a serial port ({why}). See ls /dev/serial/by-id.") from error

    def read(self, most: int) -> bytes:
        """What came since, at most so many bytes."""
        try:
            said = os.read(self._descriptor, most)
        except BlockingIOError:
            return b""
        except OSError as error:
            self.fault = error
            return b""
        self.replies.hear(said, time.monotonic())
        return said

    def write(self, said: bytes) -> int:
        """Send as much as goes; how many bytes that were."""
        try:
            return os.write(self._descriptor, said)
        except BlockingIOError:
            return 0
        except OSError as error:
            self.fault = error
            return 0

    def flush(self) -> None:
        """Forget what waits in either direction."""
        try:
            termios.tcflush(self._descriptor, termios.TCIOFLUSH)
        except (OSError, termios.error) as error:
            self.fault = OSError(*error.args)

    def close(self) -> None:
        """Let the port go."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1


class OsdpLine:
    """All readers of one line, each under its key. `turn` is to be called a hundred times a second."""

    def __init__(self, path: str, baud: int, keys: Mapping[int, bytes]) -> None:
        """`keys` are the readers' own, 16 bytes each, by their addresses. Raises NoLine."""
        self._line = SerialLine(path, baud)
        self._path = path
        self._addresses = tuple(keys)
        self._said: deque[tuple[int, dict[str, Any]]] = deque(maxlen=64)
        now = time.monotonic()
        self._sessions = [Session(now) for _ in keys]
        osdp_sys.set_loglevel(LogLevel.Emergency)
        flags = [LibFlag.EnforceSecure]
        readers = [PDInfo(address, self._line, scbk=key, flags=flags).get() for address, key in keys.items()]
        self._panel = osdp_sys.ControlPanel(readers)
        self._panel.set_event_callback(self._hear)

    def turn(self, now: float) -> list[News]:
        """Go on with the line, and what came of it; nothing any more where there is a `fault`."""
        self._panel.refresh()
        if self.fault is not None:
            return []
        secured = self._panel.sc_status()
        news = [
            one for which in range(len(self._sessions)) if (one := self._follow(which, bool(secured >> which & 1), now))
        ]
        while self._said:
            which, event = self._said.popleft()
            if self._sessions[which].is_heard(now):
                news.append(News(self._name(which), shown=self._shown(which, event, now)))
        return news

    @property
    def fault(self) -> str | None:
        """Why the port cannot be used any more; None while it can."""
        fault = self._line.fault
        return None if fault is None else f"{self._path} is gone ({fault.strerror}). Plug it in again."

    def show(self, reader: str, *, granted: bool) -> None:
        """Have a reader's light and buzzer say that the gate opens, or that it does not."""
        which = [self._name(one) for one in range(len(self._sessions))].index(reader)
        if not self._sessions[which].secured:
            return
        colour = CommandLEDColor.Green if granted else CommandLEDColor.Red
        light = {"command": Said.LED, "reader": 0, "led_number": 0, "control_code": 2, "temporary": True}
        times = {"on_count": 2, "off_count": 0 if granted else 2, "on_color": colour, "off_color": 0, "timer_count": 20}
        self._panel.submit_command(which, light | times)
        beeps = {"on_count": 1, "off_count": 1, "rep_count": 1 if granted else 2}
        self._panel.submit_command(which, {"command": Said.Buzzer, "reader": 0, "control_code": 2} | beeps)

    def close(self) -> None:
        """Let the port go."""
        self._line.close()

    def _hear(self, which: int, event: dict[str, Any]) -> int:
        self._said.append((which, event))
        return 0

    def _follow(self, which: int, secured: bool, now: float) -> News | None:
        silent_s = now - self._line.replies.latest_mono.get(self._addresses[which], float("-inf"))
        self._sessions[which], change = self._sessions[which].turn(secured, silent_s, now)
        name = self._name(which)
        match change:
            case Change.CAME:
                return News(name, came=True)
            case Change.WENT:
                return News(name, why="no session under its key: its cable, its address, or it must be paired again")
            case Change.WAKE:
                self._panel.disable_pd(which)
                self._panel.refresh()
                self._panel.enable_pd(which)
        return None

    def _name(self, which: int) -> str:
        return name_of(self._addresses[which])

    def _shown(self, which: int, event: dict[str, Any], now: float) -> tuple[Presented, ...]:
        name = self._name(which)
        if event.get("event") == Event.KeyPress:
            pressed = [_KEYS[sign] for sign in event["data"] if sign in _KEYS]
            return tuple(Presented(secrets.token_hex(16), Method.PIN, name, now, key) for key in pressed)
        if event.get("event") == Event.CardRead and (number := card_of(event)) is not None:
            return (Presented(secrets.token_hex(16), Method.CARD, name, now, number),)
        return ()


def card_of(event: Mapping[str, Any]) -> str | None:
    """The number of a card that was read: its bits and their count, "26:2468ACF0", or what the reader wrote; None where
    there is none. Its count belongs to it: the same bits in another format are another card."""
    data, length = bytes(event["data"]), int(event["length"])
    if event["format"] == CardFormat.ASCII:
        return data[:length].decode("ascii", "replace").strip() or None
    if not 0 < length <= 8 * len(data):
        return None
    return f"{length}:{data[: (length + 7) // 8].hex().upper()}"


def pair(path: str, baud: int, address: int, within_s: float) -> bytes:
    """Give the reader at an address, which is in install mode, a key of its own; the key, 16 bytes.

    Raises NoLine where no reader answers there, or it is not in install mode, or has no Secure Channel.
    """
    key = secrets.token_bytes(KEY_BYTES)
    line = SerialLine(path, baud)
    try:
        # Without EnforceSecure libosdp goes over to the key of install mode, and gives the reader this one at once.
        if not _secured(line, address, key, [], within_s):
            raise NoLine(
                f"No reader at address {address} took a key within {within_s:g} s. Look at its cable and address, and"
                " put it into install mode as its maker says."
            )
        # What counts is that it holds with nothing but this key.
        if not _secured(line, address, key, [LibFlag.EnforceSecure], within_s):
            raise NoLine(f"The reader at address {address} did not come back with its new key. Pair it again.")
    finally:
        line.close()
    return key


def _secured(line: SerialLine, address: int, key: bytes, flags: list[int], within_s: float) -> bool:
    osdp_sys.set_loglevel(LogLevel.Emergency)
    panel = osdp_sys.ControlPanel([PDInfo(address, line, scbk=key, flags=flags).get()])
    panel.set_event_callback(lambda _which, _event: 0)
    until, woken_mono = time.monotonic() + within_s, time.monotonic()
    while time.monotonic() < until and line.fault is None:
        panel.refresh()
        # Online: with its own key, after what install mode asked for.
        if panel.sc_status() & 1 and panel.status() & 1:
            return True
        if time.monotonic() - woken_mono >= 1:
            woken_mono = time.monotonic()
            panel.disable_pd(0)
            panel.refresh()
            panel.enable_pd(0)
        time.sleep(_PAIR_STEP_S)
    return False
