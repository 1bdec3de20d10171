"""The pin factories, chosen by name and never by falling back: lgpio, gpiod, or a journal that moves nothing."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import socket
import threading
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from gpiozero.pins.mock import MockFactory, MockPin

from gate.door.board import check_buses
from gate.door.settings import DoorSettings
from gate.errors import UsageError

JOURNAL_NAME = "pins.jsonl"
DRIVE_NAME = "pins.sock"
_LONGEST_ORDER = 8192


_LIBRARIES = {"lgpio": "python3-lgpio", "gpiod": "gpiod from the package index (version 2)"}


def pin_factory(settings: DoorSettings, runtime: Path) -> Any:
    """The gpiozero factory the settings name, its pins not yet claimed.

    Raises UsageError when it cannot be had: another process holds the pins, or the library or the chip is missing.
    """
    if settings.pin_factory == "mock":
        return JournalFactory(runtime / JOURNAL_NAME, latched=settings.mock_board == "latched")
    # lgpio leaves a pipe file in its working directory.
    os.environ["LG_WD"] = str(runtime)
    factory: Any
    try:
        if settings.pin_factory == "gpiod":
            from gate.door.gpiod_pins import GpiodFactory as factory
        else:
            from gate.door.lgpio_pins import SafeLGPIOFactory as factory
    except ImportError as error:
        raise UsageError(
            f"The pin factory is {settings.pin_factory}, but its library is missing. Install"
            f" {_LIBRARIES[settings.pin_factory]}, or set door.pin_factory."
        ) from error
    check_buses(settings)
    try:
        return factory(chip=settings.gpio_chip)
    except Exception as error:
        raise UsageError(
            f"The GPIO chip {settings.gpio_chip} cannot be opened ({error}). Mend door.gpio_chip or its permissions."
        ) from error


class JournalPin(MockPin):
    """A mock pin that writes each level it takes, and remembers an output's the way its board would."""

    def __init__(self, factory: JournalFactory, info: Any) -> None:
        self._level = factory.left_level(info.name)
        self._settling: threading.Timer | None = None
        super().__init__(factory, info)

    def output_with_state(self, state: bool) -> None:
        """Claim as an output at `state`, in one step as the kernel does it."""
        self._function = "output"
        self._state = bool(state)
        self._journal(self._state)

    def _set_function(self, value: str) -> None:
        was_output = self._function == "output"
        super()._set_function(value)
        if was_output and value == "input":
            self._journal(None)

    def _change_state(self, value: bool) -> bool:
        changed = bool(super()._change_state(value))
        if changed:
            self._journal(self._state)
        return changed

    def drive(self, level: bool) -> None:
        """Put a level on an input from outside; it counts once it has been still for the pin's bounce time."""
        if self._function != "input":
            return
        if not self._bounce:
            self._settle(level)
            return
        if self._settling is not None:
            self._settling.cancel()
        self._settling = threading.Timer(self._bounce, self._settle, [level])
        self._settling.daemon = True
        self._settling.start()

    def _settle(self, level: bool) -> None:
        if level:
            self.drive_high()
        else:
            self.drive_low()

    def _journal(self, level: bool | None) -> None:
        if level is not self._level:
            self._level = level
            self.factory.write(self.info.name, level)


class JournalFactory(MockFactory):
    """Mock pins for one process at a time, every edge kept in a journal of JSON lines with its monotonic time.

    `latched`: a level outlives the process that set it, as on Raspberry Pi kernels; otherwise the line lets go.
    """

    def __init__(self, journal: Path, *, latched: bool) -> None:
        super().__init__(pin_class=JournalPin)
        self._journal = journal
        self._drives: socket.socket | None = None
        self._watched: dict[int, Callable[[int, float], None]] = {}
        self._latched = latched
        self._descriptor = os.open(journal, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o640)
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            os.close(self._descriptor)
            raise UsageError(
                "Another process holds the pins. Stop it first, or ask it: facegate door status"
            ) from error
        self._levels = {edge["pin"]: edge["level"] for edge in read_journal(journal)} if latched else {}

    def left_level(self, pin: str) -> bool | None:
        """The level the last process left on a pin; None where the line was let go."""
        return self._levels.get(pin)

    def write(self, pin: str, level: bool | None) -> None:
        """Write into the journal that a pin took this level; None where its line was let go."""
        edge = {"mono": time.monotonic(), "pin": pin, "level": level, "pid": os.getpid()}
        os.write(self._descriptor, json.dumps(edge).encode() + b"\n")

    def watch(self, pins: Iterable[int], fell: Callable[[int, float], None]) -> None:
        """Have each fall of these pins told as it comes, with its time (monotonic seconds), by another thread."""
        self._watched |= dict.fromkeys(pins, fell)

    def listen(self) -> None:
        """Let inputs be driven from outside by datagrams {"pin": number, "level": 0 or 1} on a socket by the journal,
        or by lists of such; of a pin that is watched "mono" may say when.

        Its directory is the door's own; nothing of it exists where the pins are real.
        """
        path = self._journal.with_name(DRIVE_NAME)
        path.unlink(missing_ok=True)
        self._drives = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._drives.bind(str(path))
        path.chmod(0o600)
        threading.Thread(target=self._driven, args=(self._drives,), name="pins", daemon=True).start()

    def _driven(self, drives: socket.socket) -> None:
        with drives:
            while message := drives.recv(_LONGEST_ORDER):
                said = json.loads(message)
                for order in said if isinstance(said, list) else [said]:
                    self._drive(order)

    def _drive(self, order: dict[str, Any]) -> None:
        fell = self._watched.get(order["pin"])
        if fell is None:
            self.pin(order["pin"]).drive(bool(order["level"]))
        elif not order["level"]:
            fell(order["pin"], order.get("mono", time.monotonic()))

    def close(self) -> None:
        """Let all pins go, and the journal with them."""
        if self._drives is not None:
            # Its reader hears of it and closes it: a socket that is closed here leaves a reader waiting.
            with contextlib.suppress(OSError):
                self._drives.shutdown(socket.SHUT_RDWR)
            self._drives = None
        super().close()
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1


def read_journal(journal: Path) -> list[dict[str, Any]]:
    """The edges written so far, oldest first: {"mono", "pin", "level", "pid"}; a level of None is a line let go."""
    if not journal.exists():
        return []
    return [json.loads(line) for line in journal.read_text("ascii").splitlines()]
