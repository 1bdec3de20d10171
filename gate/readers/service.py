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
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from types import FrameType

from gate.processes import asking
from gate.processes.addresses import socket_of
from gate.processes.allowance import Allowance
from gate.processes.client import Client, LinkDown
from gate.processes.requests import Report
from gate.processes.starting import Watchdog, settings_from_starter, speak_as, stop_with_starter, tell_ready
from gate.readers.hid import HidReader, NoDevice
from gate.readers.keystrokes import MOST_SIGNS
from gate.readers.settings import ReadersSettings
from gate.vocabulary import Kind, Method, Presented

_log = logging.getLogger(__name__)

# How often a device that is away is looked for, seconds.
_LOOK_EVERY_S = 1.0
# Whoever types has gone on by then.
_DOOR_WITHIN_S = 1.0
# A cable that is loose while the door is away is not told of without end.
_MOST_UNTOLD = 50


class ReadersService:
    """The readers' loop: what is shown, devices that come and go, and the door that is told."""

    def __init__(self, state: Path, settings: ReadersSettings) -> None:
        named = (("keypad", Method.PIN, settings.keypad), ("card reader", Method.CARD, settings.card_reader))
        self._readers = [HidReader(name, method, path) for name, method, path in named if path is not None]
        self._allowances = {reader.name: Allowance(time.monotonic()) for reader in self._readers}
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
                for key, _ in self._selector.select(_LOOK_EVERY_S):
                    if key.data is not None:
                        self._hear(key.data, key.fd)
        finally:
            for reader in self._readers:
                reader.close()
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
                self._lose(reader, str(error))
                continue
            _log.info("%s: it is read", reader.name)
            if self._faults.pop(reader.name, None) is not None:
                self._untold.append(Report(Kind.READER_BACK, reader.name))

    def _lose(self, reader: HidReader, why: str) -> None:
        if reader.name not in self._faults:
            self._untold.append(Report(Kind.READER_LOST, f"{reader.name}: {why}"))
        if self._faults.get(reader.name) != why:
            _log.error("%s: %s", reader.name, why)
        self._faults[reader.name] = why

    def _hear(self, reader: HidReader, descriptor: int) -> None:
        try:
            shown = reader.read()
        except NoDevice as error:
            self._selector.unregister(descriptor)
            self._lose(reader, str(error))
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


def main() -> int:
    """Entry point: one line of JSON, {"state", "readers"}, on standard input."""
    speak_as("readers")
    given = settings_from_starter()
    settings = ReadersSettings(**given["readers"])
    _log.info("settings: %s", json.dumps(asdict(settings)))
    service = ReadersService(Path(given["state"]), settings)
    signal.signal(signal.SIGTERM, service.ask_to_stop)
    signal.signal(signal.SIGINT, service.ask_to_stop)
    stop_with_starter()
    tell_ready()
    service.run()
    return 0


if __name__ == "__main__":
    sys.exit(main())
