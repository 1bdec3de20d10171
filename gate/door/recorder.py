"""The door's hand on the record: one thread writes, so that no disk can delay the relay."""

from __future__ import annotations

import contextlib
import logging
import queue
import sqlite3
import threading
import time
from pathlib import Path

from gate.errors import FacegateError
from gate.store import audit
from gate.store.database import open_database
from gate.vocabulary import AuditEvent

_log = logging.getLogger(__name__)

_KEPT = 10_000
_RETRY_S = 0.5


class Recorder:
    """Takes events at once, writes them in order, and keeps trying while the database cannot be written."""

    def __init__(self, state: Path) -> None:
        self._state = state
        self._events: queue.Queue[tuple[AuditEvent, float] | None] = queue.Queue(_KEPT)
        self._stopping = threading.Event()
        self._lost = 0
        self.written_mono: float | None = None
        self._thread = threading.Thread(target=self._own, name="recorder", daemon=True)
        self._thread.start()

    def put(self, event: AuditEvent) -> None:
        """Take an event, from any thread, without waiting."""
        try:
            self._events.put_nowait((event, time.monotonic()))
        except queue.Full:
            self._lost += 1
            if self._lost == 1:
                _log.error("The record cannot keep up: events are being lost. Free the disk or mend the database.")

    @property
    def waiting(self) -> int:
        """Events not yet written."""
        return self._events.qsize()

    def close(self, *, within_s: float = 2.0) -> None:
        """Write what is left, as far as the time allows."""
        self._stopping.set()
        with contextlib.suppress(queue.Full):
            self._events.put(None, timeout=within_s)
        self._thread.join(timeout=within_s)
        left = self._events.qsize()
        if left:
            _log.error(
                "%d events could not be written to the record and are lost. Mend the database or its disk.", left
            )

    def _own(self) -> None:
        connection: sqlite3.Connection | None = None
        complained = False
        while (item := self._events.get()) is not None:
            event, mono = item
            while True:
                try:
                    connection = connection or open_database(self._state)
                    audit.append(connection, event, mono=mono)
                    self.written_mono, complained = time.monotonic(), False
                    break
                except ValueError as error:
                    _log.error("An event cannot be written as it is (%s) and is left out: %s", error, event.kind)
                    break
                except (sqlite3.Error, FacegateError) as error:
                    if not complained:
                        _log.error("The record cannot be written (%s); it is kept in memory and tried again.", error)
                        complained = True
                    if self._stopping.wait(_RETRY_S):
                        self._events.put_nowait(item)
                        return
        if connection is not None:
            connection.close()
