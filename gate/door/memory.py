"""What the door must know again after a restart, in one small file that outlives a damaged database."""

from __future__ import annotations

import json
import logging
import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field
from pathlib import Path

from gate.door.controller import Standing
from gate.places import folder

_log = logging.getLogger(__name__)

_NAME = "door.json"


def memory_of(state: Path) -> Path:
    """Where the door keeps what it must know again: in a folder of its own, in a state from before at the top."""
    own, top = state / "door" / _NAME, state / _NAME
    return top if os.path.lexists(top) and not os.path.lexists(own) else own


@dataclass(frozen=True, slots=True)
class Remembered:
    """What stood, and the latest trusted time (seconds since 1970)."""

    standing: Standing = field(default_factory=Standing)
    latest_wall: float = 0.0


class Memory:
    """Reads the file once and writes it anew, whole or not at all, from a thread of its own."""

    def __init__(self, state: Path) -> None:
        self._path = memory_of(state)
        self._writer = ThreadPoolExecutor(max_workers=1, thread_name_prefix="memory")
        self.found = self._read()
        self._kept = self.found

    def keep(self, remembered: Remembered) -> None:
        """Write it where it has changed."""
        if remembered != self._kept:
            self._kept = remembered
            self._writer.submit(self._write, remembered)

    def close(self) -> None:
        """Let the last write end."""
        self._writer.shutdown(wait=True)

    def _read(self) -> Remembered:
        try:
            found = json.loads(self._path.read_text("ascii"))
            standing = Standing(bool(found["standing"]["lockdown"]), float(found["standing"]["tamper_left_s"]))
            return Remembered(standing, float(found["latest_wall"]))
        except FileNotFoundError:
            return Remembered()
        except (OSError, ValueError, KeyError, TypeError) as error:
            _log.error("%s cannot be read (%s); a lockdown that stood must be ordered again.", self._path, error)
            return Remembered()

    def _write(self, remembered: Remembered) -> None:
        new = self._path.with_suffix(".new")
        try:
            folder(self._path.parent)
            with new.open("w", encoding="ascii") as file:
                json.dump(asdict(remembered), file)
                file.flush()
                os.fsync(file.fileno())
            new.replace(self._path)
        except OSError as error:
            _log.error("%s cannot be written (%s); a lockdown would not outlast a restart.", self._path, error)
