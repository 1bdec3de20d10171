"""What the door must know again after a restart, in one small file that outlives a damaged database."""

from __future__ import annotations

import json
import logging
import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field
from datetime import date
from pathlib import Path

from gate.door.lockout import RESTS_S, KeptTries
from gate.door.states import Barred
from gate.places import folder, write_over, write_whole

_log = logging.getLogger(__name__)

_NAME = "door.json"
# What is left of a tamper block and of a keypad's rest changes while one stands, and the time always; they are written
# this often, seconds.
# The time is only held against a clock that lags far behind, and each write wears the card.
_BLOCK_EVERY_S, _TIME_EVERY_S = 60.0, 900.0
# What could not be written is tried again.
_AGAIN_S = 5.0


def memory_of(state: Path) -> Path:
    """Where the door keeps what it must know again: in a folder of its own, in a state from before at the top."""
    own, top = state / "door" / _NAME, state / _NAME
    return top if os.path.lexists(top) and not os.path.lexists(own) else own


@dataclass(frozen=True, slots=True)
class Remembered:
    """What barred credentials when the door was last seen, the latest trusted time (seconds since 1970), and the day on
    which whoever free access waits for was last seen going in."""

    barred: Barred = field(default_factory=Barred)
    latest_wall: float = 0.0
    first_person_on: date | None = None
    first_person_group: str | None = None
    """The group of whoever that was."""
    tries: tuple[KeptTries, ...] = ()
    """The wrong PINs at each keypad and for each home."""
    lost: int = 0
    """How many events the record has to say that it lacks: they were never written."""

    def came_on(self, group: str | None) -> date | None:
        """The day on which somebody of this group came last; None where it was another's."""
        return self.first_person_on if group is not None and group == self.first_person_group else None


class RestartMemory:
    """Reads the file once and writes it anew from a thread of its own, whole or not at all; on a disk without room in
    the place of what it held. `fault` says why it cannot be written; None while it can."""

    def __init__(self, state: Path) -> None:
        self._path = memory_of(state)
        self._writer = ThreadPoolExecutor(max_workers=1, thread_name_prefix="memory")
        self.fault: str | None = None
        found = self._read()
        self.found = found or Remembered()
        # A file that is there has room for a lockdown when the disk has none any more.
        self._kept = found
        self._kept_mono = float("-inf")

    def keep(self, remembered: Remembered, now: float, *, at_once: bool = False) -> None:
        """Write it where it has changed: at once where a lockdown or a tamper block came or went, somebody came who was
        waited for, or a PIN was wrong, else now and then.

        `now` is monotonic seconds; `at_once` is for the end.
        """
        changed = self._kept is None or _at_once(remembered) != _at_once(self._kept)
        runs_off = remembered.barred.tamper_left_s > 0 or any(one.left_s > 0 for one in remembered.tries)
        failed = self.fault is not None
        every_s = _AGAIN_S if failed else _BLOCK_EVERY_S if runs_off else _TIME_EVERY_S
        if not (changed or at_once or now - self._kept_mono >= every_s):
            return
        self._kept_mono = now
        if failed or remembered != self._kept:
            self._kept = remembered
            self._writer.submit(self._write, remembered)

    def close(self) -> None:
        """Let the last write end."""
        self._writer.shutdown(wait=True)

    def _read(self) -> Remembered | None:
        """None where there is no such file."""
        try:
            found = json.loads(self._path.read_text("ascii"))
            barred = Barred(bool(found["standing"]["lockdown"]), float(found["standing"]["tamper_left_s"]))
            day = found.get("first_person_on")
            group = found.get("first_person_group")
            came_on = None if day is None else date.fromisoformat(day)
            tries = self._tries(found.get("tries", ()))
            waited_for = None if group is None else str(group)
            lost = found.get("lost", 0)
            known = lost if isinstance(lost, int) and lost > 0 else 0
            return Remembered(barred, float(found["latest_wall"]), came_on, waited_for, tries, known)
        except FileNotFoundError:
            return None
        except (OSError, ValueError, KeyError, TypeError) as error:
            _log.error("%s cannot be read (%s); a lockdown that stood must be ordered again.", self._path, error)
            return Remembered()

    def _tries(self, found: object) -> tuple[KeptTries, ...]:
        """Wrong tries that make no sense are none: a lockdown that stands beside them stands."""
        try:
            return tuple(_tries_of(one) for one in found) if isinstance(found, list | tuple) else ()
        except (ValueError, KeyError, TypeError) as error:
            _log.error("%s: the wrong tries in it cannot be read (%s); they are counted anew.", self._path, error)
            return ()

    def _write(self, remembered: Remembered) -> None:
        day, group = remembered.first_person_on, remembered.first_person_group
        first = {} if day is None else {"first_person_on": day.isoformat(), "first_person_group": group}
        tries = {"tries": [asdict(one) for one in remembered.tries]} if remembered.tries else {}
        lost = {"lost": remembered.lost} if remembered.lost else {}
        kept = {"standing": asdict(remembered.barred), "latest_wall": remembered.latest_wall, **first, **tries, **lost}
        content = json.dumps(kept).encode("ascii")
        try:
            folder(self._path.parent)
            write_whole(self._path, content)
            self.fault = None
        except OSError as error:
            self._write_over(content, error)

    def _write_over(self, content: bytes, why: OSError) -> None:
        try:
            write_over(self._path, content)
            self.fault = None
        except OSError:
            if self.fault is None:
                _log.error("%s cannot be written (%s); a lockdown would not outlast a restart.", self._path, why)
            self.fault = f"A lockdown would not outlast a restart: {why.strerror} ({self._path})."


def _at_once(remembered: Remembered) -> tuple[object, ...]:
    barred, tries = remembered.barred, [(one.at_keypad, one.name, one.wrong, one.rests) for one in remembered.tries]
    return barred.lockdown, barred.tamper_left_s > 0, remembered.first_person_on, tries, remembered.lost > 0


def _tries_of(found: dict[str, object]) -> KeptTries:
    """Raises KeyError, TypeError or ValueError where it is none."""
    wrong, rests = int(str(found["wrong"])), int(str(found["rests"]))
    left_s, age_s = (float(str(found[name])) for name in ("left_s", "age_s"))
    if not (wrong >= 0 and rests >= 0 and 0 <= left_s <= RESTS_S[-1] and age_s >= 0):
        raise ValueError("tries out of range")
    return KeptTries(found["at_keypad"] is True, str(found["name"]), wrong, rests, left_s, age_s)
