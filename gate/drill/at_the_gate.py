"""The gate as it runs, and whoever stands at it: what a drill that is led by hand asks and looks at."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable, Collection, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Protocol

from gate.care.health import door_status, vision_status
from gate.drill.results import CheckFailed
from gate.errors import Sentence
from gate.processes import asking
from gate.processes.addresses import socket_of
from gate.processes.client import Client
from gate.processes.requests import Do
from gate.processes.status import DoorStatus, VisionStatus
from gate.store.database import open_read_only
from gate.store.record import search
from gate.store.record.audit import Line
from gate.store.record.search import Search
from gate.store.troubles import StoreError
from gate.vocabulary import Kind

WAIT_S = 60.0


class Guide(Protocol):
    """Whoever stands at the gate and does what the drill asks for."""

    def tell(self, words: str) -> None:
        """Say what to do."""
        ...

    def agree(self, question: str) -> bool:
        """A question whose answer only eyes and ears know."""
        ...


class Gate:
    """The gate as it runs, asked and ordered over its sockets; `wait_s` is how long a person may take."""

    def __init__(self, state: Path, wait_s: float = WAIT_S) -> None:
        self._state = state
        self._wait_s = wait_s

    def door(self) -> DoorStatus:
        """How the door is. Raises CheckFailed when it does not answer."""
        found = door_status(self._state)
        if found is None:
            raise CheckFailed(Sentence("door does not answer; start the gate first"))
        return found

    def vision(self) -> VisionStatus:
        """How vision is. Raises CheckFailed when it does not answer."""
        found = vision_status(self._state)
        if found is None:
            raise CheckFailed(Sentence("recognition does not answer; start the gate first"))
        return found

    def open(self) -> bool:
        """Have the door open once; whether it does. Raises LinkDown."""
        with closing(Client(socket_of(self._state, "door"))) as client:
            return asking.order(client, Do.OPEN).granted

    def wait(self, condition: Callable[[], object], otherwise: Sentence) -> float:
        """Until something is seen; returns the seconds. Raises CheckFailed with `otherwise`."""
        began = time.monotonic()
        while not condition():
            if time.monotonic() - began > self._wait_s:
                raise CheckFailed(Sentence("{what} within {time} s", what=otherwise, time=f"{self._wait_s:g}"))
            time.sleep(0.02)
        return time.monotonic() - began

    @contextmanager
    def store(self) -> Iterator[sqlite3.Connection]:
        """The database, to be read. Raises CheckFailed where it cannot be."""
        try:
            with closing(open_read_only(self._state)) as connection:
                yield connection
        except (StoreError, sqlite3.Error) as error:
            raise CheckFailed(Sentence("the record cannot be read")) from error

    def newest(self, kinds: Collection[Kind]) -> Line | None:
        """The newest line of the record of one of these kinds. Raises CheckFailed."""
        with self.store() as connection:
            return next(iter(search.page(connection, Search(kinds=tuple(kinds)), count=1)), None)
