"""The door's hand on the record: one thread writes, so that no disk can delay the relay."""

from __future__ import annotations

import logging
import sqlite3
import threading
import time
from collections import deque
from collections.abc import Callable
from contextlib import closing, suppress
from dataclasses import replace
from pathlib import Path

from gate.store.database import hold_small, open_database, transaction
from gate.store.people import consents, learned, passes, residents, whereabouts
from gate.store.record import audit
from gate.store.record.anchors import EVERY_S, due, said
from gate.store.record.audit import Anchor, Moment
from gate.vocabulary import AuditEvent, Kind, Lesson, Method, Moved

_log = logging.getLogger(__name__)

_KEPT = 10_000
_RETRY_S = 0.5
# Events that wait are written together: one synchronisation of the disk for all of them.
_AT_ONCE = 100
_Written = AuditEvent | Lesson | Moved


class RecordWriter:
    """Takes events at once, writes them in order, and keeps trying while the database cannot be written."""

    def __init__(self, state: Path, clock_trusted: Callable[[], bool] = lambda: False, *, lost: int = 0) -> None:
        """`lost` events of before the start were never written, which the record is to say."""
        self._state = state
        self._clock_trusted = clock_trusted
        self._changed = threading.Condition()
        self._events: deque[tuple[_Written, Moment]] = deque()
        self._stopping = False
        self._lost = lost
        self._complained = False
        self._written_mono: float | None = None
        self._said: Anchor | None = None
        self._said_mono = float("-inf")
        self.fault: str | None = None
        self._thread = threading.Thread(target=self._own, name="writer", daemon=True)
        self._thread.start()

    def put(self, event: _Written) -> None:
        """Take an event, or what was learned or who moved by one, from any thread, without waiting."""
        moment = Moment(time.monotonic(), time.time(), self._clock_trusted())
        with self._changed:
            if len(self._events) < _KEPT:
                self._events.append((event, moment))
                self._changed.notify()
                return
            self._lost += 1
            if self._lost == 1:
                _log.error("The record cannot keep up: events are being lost. Free the disk or mend the database.")

    @property
    def waiting(self) -> int:
        """How many events are not yet written."""
        return len(self._events)

    def age_s(self, now: float) -> float | None:
        """Seconds since the last write; None before the first."""
        return None if self._written_mono is None else round(now - self._written_mono, 3)

    @property
    def lost(self) -> int:
        """How many events were lost, since there was no room for them."""
        return self._lost

    @property
    def alive(self) -> bool:
        """Whether the thread that writes is still there; without it nothing is ever written."""
        return self._thread.is_alive()

    def close(self, *, within_s: float = 2.0) -> None:
        """Write what is left, as far as the time allows."""
        with self._changed:
            self._stopping = True
            self._changed.notify()
        self._thread.join(timeout=within_s)
        if self._events:
            _log.error(
                "%d events could not be written to the record and are lost. Mend the database or its disk.",
                len(self._events),
            )

    def _own(self) -> None:
        connection: sqlite3.Connection | None = None
        while (batch := self._next()) is not None:
            try:
                connection = connection or self._open()
                if batch:
                    self._write(connection, batch)
                self._say_anchor(connection)
            except Exception as error:
                # Whatever it holds that makes no sense: this thread's end would be the door's.
                self._complain(error)
                if connection is not None:
                    connection.close()
                connection = None
                with self._changed:
                    if self._stopping or self._changed.wait_for(lambda: self._stopping, _RETRY_S):
                        return
        if connection is not None:
            with closing(connection), suppress(sqlite3.Error):
                self._say_anchor(connection, at_once=True)

    def _open(self) -> sqlite3.Connection:
        connection = open_database(self._state)
        hold_small(connection)
        return connection

    def _next(self) -> list[tuple[_Written, Moment]] | None:
        """What waits to be written, nothing after a while without any, None at the end."""
        with self._changed:
            self._changed.wait_for(lambda: self._events or self._stopping, EVERY_S)
            if self._stopping and not self._events:
                return None
            return [self._events[number] for number in range(min(len(self._events), _AT_ONCE))]

    def _write(self, connection: sqlite3.Connection, batch: list[tuple[_Written, Moment]]) -> None:
        lost = self._lost
        with transaction(connection):
            for event, moment in batch:
                if isinstance(event, Lesson):
                    learned.learn(connection, event, moment)
                    continue
                if isinstance(event, Moved):
                    whereabouts.note(connection, event)
                    continue
                try:
                    audit.append(connection, _as_agreed(connection, event), moment)
                except ValueError as error:
                    _log.error("An event cannot be written as it is (%s) and is left out: %s", error, event.kind)
            if lost:
                audit.append(connection, AuditEvent(Kind.EVENTS_LOST, {"count": lost}))
        with self._changed:
            self._lost -= lost
            for _ in batch:
                self._events.popleft()
        self._written_mono, self.fault, self._complained = time.monotonic(), None, False

    def _say_anchor(self, connection: sqlite3.Connection, *, at_once: bool = False) -> None:
        """Where the door's words are kept by another hand (under systemd by the journal), the record's end is seen."""
        head, now = audit.anchor(connection), time.monotonic()
        if head is not None and head != self._said and (at_once or due(self._said, self._said_mono, head, now)):
            _log.info("%s", said(head))
            self._said, self._said_mono = head, now

    def _complain(self, error: Exception) -> None:
        self.fault = str(error) or type(error).__name__
        if not self._complained:
            _log.error("The record cannot be written (%s); it is kept in memory and tried again.", error)
            self._complained = True


def _as_agreed(connection: sqlite3.Connection, event: AuditEvent) -> AuditEvent:
    """Without a name where whoever it names was erased since, or showed their face and withdrew: it is written after
    what took their name from the record, and would bring it back.

    Whoever shows no face is named while they live here, and whoever is visited: what people agree to is about their
    face. A visitor is named while their pass is kept.
    """
    if event.visit is not None and passes.get(connection, event.visit) is None:
        event = replace(event, visitor={}, visit=None)
    if event.resident is None:
        return event
    method, first = event.details.get("method"), event.details.get("first")
    by_code = event.kind in (Kind.DURESS, Kind.DURESS_TRIED) or (
        method in (Method.PIN, Method.CARD, Method.ROLLING, Method.PASS) and first != Method.FACE
    )
    if by_code:
        named = residents.get(connection, event.resident) is not None
    else:
        named = consents.standing(connection, event.resident)
    return event if named else replace(event, personal={}, resident=None)
