"""The process that reads keypads and card readers and tells the door what is shown to them, until told to stop.

It decides nothing, keeps nothing and queues nothing: what is shown while the door does not answer is lost, and whoever
stands there shows it again.
"""

from __future__ import annotations

import json
import logging
import os
import selectors
import signal
import sys
import time
from collections import deque
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING

from gate.errors import UsageError
from gate.processes import asking
from gate.processes.addresses import socket_of
from gate.processes.allowance import Allowance
from gate.processes.client import Client, LinkDown
from gate.processes.requests import Report
from gate.processes.starting import (
    Watchdog,
    credential,
    settings_from_starter,
    speak_as,
    stop_with_starter,
    tell_ready,
)
from gate.readers.answer import Answer
from gate.readers.hid import HidReader, NoDevice
from gate.readers.keys_file import CREDENTIAL, keys_of, name_of, read_keys
from gate.readers.keystrokes import MOST_SIGNS
from gate.readers.settings import ReadersSettings
from gate.vocabulary import Kind, Method, Presented

if TYPE_CHECKING:
    from gate.readers.osdp import OsdpLine

_log = logging.getLogger(__name__)

# How often a device that is away is looked for, seconds.
_LOOK_EVERY_S = 1.0
# Whoever types has gone on by then.
_DOOR_WITHIN_S = 1.0
# An OSDP line is polled so often while there is one, seconds.
_LINE_EVERY_S = 0.01
# A cable that is loose while the door is away is not told of without end.
_MOST_UNTOLD = 50


class ReadersService:
    """The readers' loop: what is shown, devices that come and go, and the door that is told."""

    def __init__(self, state: Path, settings: ReadersSettings, keys: Mapping[int, bytes]) -> None:
        """`keys` are those of the OSDP readers, by their addresses."""
        named = (("keypad", Method.PIN, settings.keypad), ("card reader", Method.CARD, settings.card_reader))
        self._readers = [HidReader(name, method, path) for name, method, path in named if path is not None]
        self._port, self._baud, self._keys = settings.osdp_port, settings.osdp_baud, keys
        self._line: OsdpLine | None = None
        self._answer = Answer()
        names = [*(reader.name for reader in self._readers), *map(name_of, keys)]
        self._allowances = {name: Allowance(time.monotonic()) for name in names}
        self._faults: dict[str, str] = {}
        self._untold = deque([Report(Kind.READERS_STARTED)], maxlen=_MOST_UNTOLD)
        self._door = Client(socket_of(state, "door"), timeout_s=_DOOR_WITHIN_S)
        self._door_trouble = ""
        self._deaf_until_mono = float("-inf")
        self._said: set[str] = set()
        self._looked_mono = float("-inf")
        self._watchdog = Watchdog()
        self._stop = False
        self._selector = selectors.DefaultSelector()
        self._stop_reader, self._stop_writer = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        self._selector.register(self._stop_reader, selectors.EVENT_READ)

    def run(self) -> None:
        """Until `ask_to_stop`."""
        try:
            while not self._stop:
                self._look(time.monotonic())
                self._tell()
                self._watchdog.feed(True)
                for key, _ in self._selector.select(_LOOK_EVERY_S if self._line is None else _LINE_EVERY_S):
                    if key.data is not None:
                        self._hear(key.data, key.fd)
                self._turn_line(time.monotonic())
        finally:
            for reader in self._readers:
                reader.close()
            if self._line is not None:
                self._line.close()
            self._door.close()
            self._selector.close()
            os.close(self._stop_reader)
            os.close(self._stop_writer)

    def ask_to_stop(self, _signal: int, _frame: FrameType | None) -> None:
        """End the loop; a signal handler."""
        self._stop = True
        with suppress(BlockingIOError):
            os.write(self._stop_writer, b".")

    def _look(self, now: float) -> None:
        """Look for the devices that are away."""
        if now - self._looked_mono < _LOOK_EVERY_S:
            return
        self._looked_mono = now
        for reader in self._readers:
            if reader.is_open:
                continue
            try:
                self._selector.register(reader.open(), selectors.EVENT_READ, reader)
            except NoDevice as error:
                self._lose(reader.name, str(error))
                continue
            self._find(reader.name)
        if self._line is None and self._port is not None and self._keys:
            self._open_line(self._port)

    def _open_line(self, port: str) -> None:
        # Loaded where there is a line: it is the only library here.
        from gate.readers.osdp import NoLine, OsdpLine

        try:
            self._line = OsdpLine(port, self._baud, self._keys)
        except NoLine as error:
            for address in self._keys:
                self._lose(name_of(address), str(error))

    def _turn_line(self, now: float) -> None:
        if self._line is None:
            return
        news = self._line.turn(now)
        if self._line.fault is not None:
            for address in self._keys:
                self._lose(name_of(address), self._line.fault)
            self._line.close()
            self._line = None
            return
        for one in news:
            if one.came:
                self._find(one.reader)
            if one.why:
                self._lose(one.reader, one.why)
            for shown in one.shown:
                if self._is_taken(shown):
                    self._present(shown)
                    self._answer = Answer(shown.reader, now)
        self._show_answer(now)

    def _show_answer(self, now: float) -> None:
        """Have the reader at which something was shown say what came of it, once the door does."""
        if self._line is None or not self._answer.is_due(now):
            return
        try:
            said = asking.door_status(self._door)
        except LinkDown:
            said = None
        self._answer, granted = self._answer.after(None if said is None else said.signal, now)
        if granted is not None:
            self._line.show(self._answer.reader, granted=granted)

    def _find(self, name: str) -> None:
        _log.info("%s: it is read", name)
        if self._faults.pop(name, None) is not None:
            self._untold.append(Report(Kind.READER_BACK, name))

    def _lose(self, name: str, why: str) -> None:
        if name not in self._faults:
            self._untold.append(Report(Kind.READER_LOST, f"{name}: {why}"))
        if self._faults.get(name) != why:
            _log.error("%s: %s", name, why)
        self._faults[name] = why

    def _hear(self, reader: HidReader, descriptor: int) -> None:
        try:
            shown = reader.read()
        except NoDevice as error:
            self._selector.unregister(descriptor)
            self._lose(reader.name, str(error))
            return
        for one in shown:
            # What waited in the kernel while the door did not answer is not told it late.
            if one.taken_mono > self._deaf_until_mono and self._is_taken(one):
                self._present(one)

    def _is_taken(self, shown: Presented) -> bool:
        if len(shown.code) > MOST_SIGNS:
            self._say_once(f"{shown.reader}: a number of more than {MOST_SIGNS} signs is no card's; it is dropped.")
            return False
        if not self._allowances[shown.reader].take(time.monotonic()):
            self._say_once(f"{shown.reader}: more keys come than anybody presses; those are dropped.")
            return False
        return True

    def _present(self, shown: Presented) -> None:
        try:
            asking.present(self._door, shown)
        except asking.NotUnderstood as error:
            trouble = (
                "The door does not take what is shown here. Set door.readers_user to the user of this process, and"
                f" restart the gate ({error.sentence.values.get('why')})."
            )
        except LinkDown as error:
            trouble = f"What is shown is lost until the door answers. {error}"
            self._deaf_until_mono = time.monotonic()
        else:
            trouble = ""
        if trouble and trouble != self._door_trouble:
            _log.error("%s", trouble)
        self._door_trouble = trouble

    def _tell(self) -> None:
        try:
            while self._untold:
                # Any answer will do: it was heard.
                with suppress(asking.NotUnderstood):
                    asking.report(self._door, self._untold[0])
                self._untold.popleft()
        except LinkDown:
            return  # Kept, and told when the door is back.

    def _say_once(self, sentence: str) -> None:
        if sentence not in self._said:
            self._said.add(sentence)
            _log.warning("%s", sentence)


def _keys(file: str | None) -> dict[int, bytes]:
    """Of the OSDP readers: those of a file, else those that systemd hands over. Raises UsageError."""
    return keys_of(credential(CREDENTIAL) or "") if file is None else read_keys(Path(file))


def main() -> int:
    """Entry point: one line of JSON, {"state", "readers"}, on standard input; in development also "keys", a file."""
    speak_as("readers")
    given = settings_from_starter()
    settings = ReadersSettings(**given["readers"])
    _log.info("settings: %s", json.dumps(asdict(settings)))
    try:
        keys = _keys(given.get("keys"))
    except UsageError as error:
        _log.error("%s", error)
        return 2
    if settings.osdp_port is not None and not keys:
        _log.error("No OSDP reader has a key yet. Pair each: sudo facegate readers pair ADDRESS")
    service = ReadersService(Path(given["state"]), settings, keys)
    signal.signal(signal.SIGTERM, service.ask_to_stop)
    signal.signal(signal.SIGINT, service.ask_to_stop)
    stop_with_starter()
    tell_ready()
    service.run()
    return 0


if __name__ == "__main__":
    sys.exit(main())
