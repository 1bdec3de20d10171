"""What the door reads of the store: who is enrolled, their hours, and when the gate itself is free.

Read-only, on the door's own thread, and never in its way: a store that is missing, locked or damaged is a fault that is
tried again, while exit, fire and commands work on. So is one whose contents make no sense, or have no end: the api may
write it, and shall not hold the door up.
"""

from __future__ import annotations

import logging
import os
import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from gate.clock import zone_of
from gate.schedule import parse
from gate.store.database import Hurry, database_of, open_read_only
from gate.store.people import residents
from gate.store.people.residents import Resident
from gate.store.site import schedules

_log = logging.getLogger(__name__)

_RETRY_S = 1.0
# The door's loop waits no longer than this for a reader's lock.
_BUSY_S = 0.05


class StoreDown(Exception):
    """The store cannot be read now."""


class People:
    """The door's view of the store."""

    def __init__(self, state: Path, zone: str | None, face_and_pin: str | None = None) -> None:
        """`face_and_pin`: the words of the hours in which a face alone opens nothing."""
        self._state = state
        self._database = database_of(state)
        self._zone = zone_of(zone)
        self._face_and_pin = face_and_pin
        self._connection: sqlite3.Connection | None = None
        self._hurry = Hurry()
        self._tried_mono = float("-inf")
        self._version = -1
        self._free: str | None = None
        self.fault: str | None = None

    def find(self, resident: str) -> Resident | None:
        """One resident by id. Raises StoreDown."""
        if not os.path.lexists(self._database):
            return None
        connection = self._open()
        with self._sound():
            return residents.get(connection, resident)

    def valid(self, resident: Resident, wall: float, clock_trusted: bool) -> bool | None:
        """Whether today is one of their days; None when that needs a clock that cannot be trusted. Raises StoreDown."""
        if resident.valid_from is None and resident.valid_until is None:
            return True
        if not clock_trusted:
            return None
        today = datetime.fromtimestamp(wall, UTC).astimezone(self._zone).date().isoformat()
        with self._sound():
            return (resident.valid_from or today) <= today <= (resident.valid_until or today)

    def within_hours(self, resident: Resident, wall: float, clock_trusted: bool) -> bool | None:
        """Whether their schedule lets them in; None when that needs a trusted clock. Raises StoreDown."""
        if resident.windows is None:
            return True
        with self._sound():
            return self._allows(resident.windows, wall) if clock_trusted else None

    def face_suffices(self, wall: float, clock_trusted: bool) -> bool | None:
        """Whether a face alone opens now; None when that needs a clock that cannot be trusted."""
        if self._face_and_pin is None:
            return True
        return not self._allows(self._face_and_pin, wall) if clock_trusted else None

    def free_access(self, wall: float, clock_trusted: bool) -> bool:
        """Whether the gate itself stands open now. What cannot be known is no."""
        if not os.path.lexists(self._database):
            return False
        try:
            connection = self._open()
            with self._sound():
                (version,) = connection.execute("PRAGMA data_version").fetchone()
                if version != self._version:
                    self._free, self._version = schedules.free_access(connection), version
                return clock_trusted and self._free is not None and self._allows(self._free, wall)
        except StoreDown:
            return False

    def close(self) -> None:
        """Let go."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _allows(self, windows: str, wall: float) -> bool:
        return parse(windows).allows(datetime.fromtimestamp(wall, UTC).astimezone(self._zone))

    @contextmanager
    def _sound(self) -> Iterator[None]:
        """Whatever is wrong with what the store says is the store's fault, and not the door's end."""
        try:
            yield
        except Exception as error:
            raise self._down(error) from error

    def _open(self) -> sqlite3.Connection:
        self._hurry.begin()
        if self._connection is None:
            if time.monotonic() - self._tried_mono < _RETRY_S:
                raise StoreDown(self.fault)
            self._tried_mono = time.monotonic()
            with self._sound():
                self._connection = open_read_only(self._state, busy_s=_BUSY_S, hurry=self._hurry)
            self.fault, self._version = None, -1
        return self._connection

    def _down(self, error: Exception) -> StoreDown:
        if self.fault is None:
            _log.error(
                "The store cannot be read (%s); faces are refused until it can. Exit, fire and commands work.", error
            )
        self.fault = str(error) or type(error).__name__
        self.close()
        return StoreDown(self.fault)
