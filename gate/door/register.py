"""What the door reads of the gate's register: who is enrolled, with their hours, and when the gate itself is free.

It only reads; what follows from it is `gate.door.hours` and `gate.door.rules`. It reads on the door's own thread, and
is never in its way: a store that is missing, locked or damaged is a fault that is tried again, while exit, fire and
commands work on. So is one whose contents make no sense, or have no end: the api may write it, and shall not hold the
door up.
"""

from __future__ import annotations

import logging
import os
import sqlite3
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from pathlib import Path

from gate.door.hours import Entry, Visit, entry_of, visit_of
from gate.door.passback import Elsewhere
from gate.schedule import Schedule, parse
from gate.store.database import Hurry, database_of, open_read_only
from gate.store.people import credentials, elsewhere, passes, residents, whereabouts
from gate.store.people.credentials import Found
from gate.store.people.whereabouts import Passed
from gate.store.site import holidays, schedules
from gate.vocabulary import Method

_log = logging.getLogger(__name__)

_RETRY_S = 1.0
# The door's loop waits no longer than this for a reader's lock.
_BUSY_S = 0.05


class StoreDown(Exception):
    """The store cannot be read now, or says what makes no sense."""


class Register:
    """The door's view of the store. `fault` says why it cannot be read; None while it can."""

    def __init__(self, state: Path) -> None:
        self._state = state
        self._database = database_of(state)
        self._connection: sqlite3.Connection | None = None
        self._hurry = Hurry()
        self._tried_mono = float("-inf")
        self._version = -1
        self._free: Schedule | None = None
        self.fault: str | None = None

    def find(self, resident: str) -> Entry | None:
        """One resident by id; None where nobody has it. Raises StoreDown."""
        if not os.path.lexists(self._database):
            return None
        connection = self._open()
        with self._sound():
            found = residents.get(connection, resident)
            if found is None:
                return None
            return entry_of(
                found, holidays.of_resident(connection, found.id) if found.windows else (), _gate(connection)
            )

    def holder(self, method: Method, finders: Sequence[bytes]) -> tuple[Entry | Visit, Found] | None:
        """Whose code is found by one of these, and what is known of the code; None: nobody's. Raises StoreDown."""
        if not os.path.lexists(self._database):
            return None
        connection = self._open()
        with self._sound():
            for finder in finders:
                found = credentials.find(connection, method, finder)
                holder = None if found is None else self._holder_of(connection, found)
                if found is not None and holder is not None:
                    return holder, found
            return None

    def rolling_of(self, flat: str | None, resident: str | None) -> list[str]:
        """The ids of the rolling codes that are typed behind these digits of a home, and of this resident's. Raises
        StoreDown."""
        connection = self._open()
        with self._sound():
            return credentials.rolling_of(connection, flat, resident)

    def rolling_between(self, least: bytes, greatest: bytes) -> list[str]:
        """The ids of the rolling codes that are found by what lies between these two. Raises StoreDown."""
        if not os.path.lexists(self._database):
            return []
        connection = self._open()
        with self._sound():
            return credentials.rolling_between(connection, least, greatest)

    def _holder_of(self, connection: sqlite3.Connection, found: Found) -> Entry | Visit | None:
        if found.resident is not None:
            return self.find(found.resident)
        visit = None if found.visit is None else passes.get(connection, found.visit)
        if visit is None:
            return None
        return visit_of(visit, holidays.of_pass(connection, visit.id) if visit.windows else (), _gate(connection))

    def methods_of(self, resident: str) -> frozenset[Method]:
        """By what a resident may come beside their face. Raises StoreDown."""
        connection = self._open()
        with self._sound():
            return credentials.methods_of(connection, resident)

    def flat_of(self, resident: str) -> str | None:
        """The digits that a resident types before their PIN, of the home in which it was drawn. Raises StoreDown."""
        connection = self._open()
        with self._sound():
            return credentials.flat_of(connection, resident)

    def has_codes(self) -> bool | None:
        """Whether anybody has a PIN or a card; None where nobody can tell now."""
        if not os.path.lexists(self._database):
            return False
        try:
            connection = self._open()
            with self._sound():
                return credentials.are_there(connection)
        except StoreDown:
            return None

    def not_sealed_by(self, mark: bytes) -> int | None:
        """How many PINs and cards are found by what does not begin so; None where nobody can tell now."""
        if not os.path.lexists(self._database):
            return 0
        try:
            connection = self._open()
            with self._sound():
                return credentials.not_sealed_by(connection, mark)
        except StoreDown:
            return None

    def whereabouts(self) -> list[tuple[Passed, float]]:
        """Who passed which way last, each with when, seconds since 1970. Raises StoreDown."""
        if not os.path.lexists(self._database):
            return []
        connection = self._open()
        with self._sound():
            return [(one, datetime.fromisoformat(one.at).timestamp()) for one in whereabouts.every(connection)]

    def elsewhere(self, resident: str) -> tuple[Elsewhere, ...]:
        """What the other gates of the compound saw of a resident last. Raises StoreDown."""
        connection = self._open()
        with self._sound():
            return tuple(
                Elsewhere(one.way, datetime.fromisoformat(one.at).timestamp(), one.name or "")
                for one in elsewhere.of_others(connection, resident)
            )

    def salt(self) -> bytes | None:
        """With what this gate hashes PINs; None where nobody can tell now."""
        if not os.path.lexists(self._database):
            return None
        try:
            connection = self._open()
            with self._sound():
                return credentials.salt(connection)
        except StoreDown:
            return None

    def groups(self) -> frozenset[str]:
        """The names of the groups of residents. Raises StoreDown."""
        if not os.path.lexists(self._database):
            return frozenset()
        connection = self._open()
        with self._sound():
            return frozenset(one.name for one in schedules.groups(connection))

    def free_hours(self) -> Schedule | None:
        """When the gate itself stands open; None: never, or nobody can tell now."""
        if not os.path.lexists(self._database):
            return None
        try:
            connection = self._open()
            with self._sound():
                (version,) = connection.execute("PRAGMA data_version").fetchone()
                if version != self._version:
                    self._free, self._version = _free_hours(connection), version
                return self._free
        except StoreDown:
            return None

    def close(self) -> None:
        """Let the database go."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

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


def _gate(connection: sqlite3.Connection) -> str:
    return str(connection.execute("SELECT id FROM gate").fetchone()[0])


def _free_hours(connection: sqlite3.Connection) -> Schedule | None:
    words = schedules.free_access(connection)
    return None if words is None else replace(parse(words), holidays=holidays.of_free_access(connection))
