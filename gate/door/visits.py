"""Visitors' passes at the door: a use is spent on the disk before the relay moves, and given back where nobody passed.

The disk is waited for on a thread of its own, so that neither exit nor fire waits for it; what is older than the
freshness limit by then opens nothing. What becomes of a use when the power fails is always that it stays spent.
"""

from __future__ import annotations

import logging
import sqlite3
from collections import OrderedDict, deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol

from gate.door.rules import Known
from gate.door.states import OPEN_MODES, Mode
from gate.store.database import database_of, hold_small, open_database
from gate.store.people import passes
from gate.store.people.passes import Pass
from gate.vocabulary import AuditEvent, Kind, Presented, Reason, Verdict

_log = logging.getLogger(__name__)

# While somebody else writes for longer than this, milliseconds, a pass is refused, and nothing is spent.
_BUSY_MS = 300
_RETRY_S = 1.0
# Of one gate's grants no more than a few wait for their passage at once.
_REMEMBERED = 16


class Opens(Protocol):
    """What is asked of the door's controller."""

    @property
    def mode(self) -> Mode:
        """What the lock is told now."""

    def would_refuse(self, shown: Presented, known: Known, now: float) -> Reason | None:
        """Why this would be refused now; None: it would open."""

    def present(self, shown: Presented, known: Known, now: float) -> tuple[Verdict, float | None]:
        """Decide on it."""

    def turn_away(self, shown: Presented, visit: Pass, reason: Reason, now: float) -> None:
        """Refuse a pass of which no use is spent."""


@dataclass(frozen=True, slots=True)
class _Tried:
    """What came of spending a use: its id; None where none was left, or where the store could not be written."""

    shown: Presented
    known: Known
    visit: Pass
    look: Callable[[], Known]
    use: str | None = None
    locked: bool = False


class Visits:
    """The passes of one door. Not thread-safe, but for its own worker: the door's loop owns it."""

    def __init__(self, state: Path, controller: Opens, wake: Callable[[], None]) -> None:
        """`wake` is called from another thread when `turn` has something to do."""
        self._state = state
        self._controller = controller
        self._wake = wake
        self._tried: deque[_Tried] = deque()
        self._spending: set[str] = set()
        self._awaited: OrderedDict[str, list[str]] = OrderedDict()
        self._owed: deque[str] = deque()
        self._owed_due_mono = float("-inf")
        # Of the worker alone.
        self._connection: sqlite3.Connection | None = None
        self._worker = ThreadPoolExecutor(max_workers=1, thread_name_prefix="passes")

    def hear(self, shown: Presented, look: Callable[[], Known], now: float) -> None:
        """Take a pass, or a code that is none; `look` says what is known of it at that moment."""
        known = look()
        visit = known.visit
        if visit is None:
            self._controller.present(shown, known, now)
        elif (reason := self._bar(shown, known, visit, now)) is not None:
            self._controller.turn_away(shown, visit, reason, now)
        elif self._controller.mode in OPEN_MODES:
            # No relay moves where the gate stands open to all, and no use is spent on it.
            self._controller.present(shown, replace(known, spent=True), now)
        else:
            self._spending.add(visit.id)
            self._worker.submit(self._spend, _Tried(shown, known, visit, look))

    def turn(self, now: float) -> None:
        """Decide on the passes of which a use was spent, and try again to give back what is owed."""
        while self._tried:
            self._decide(self._tried.popleft(), now)
        if self._owed and now >= self._owed_due_mono:
            self._owed_due_mono = now + _RETRY_S
            for _ in range(len(self._owed)):
                self._worker.submit(self._give_back, self._owed.popleft())

    def follow(self, event: AuditEvent) -> None:
        """Take note of what happens at the door: where nobody passed, a use was none."""
        if event.kind == Kind.PASSAGE:
            spent = self._awaited.pop(str(event.details["grant"]), [])
            if event.details["outcome"] == "not_taken":
                for use in spent:
                    self._worker.submit(self._give_back, use)

    def close(self) -> None:
        """Let what is being spent or given back be written, what is owed among it; a use on which nobody decided is
        given back."""
        self._worker.shutdown(wait=True)
        undecided = [tried.use for tried in self._tried if tried.use is not None]
        for use in (*self._owed, *undecided):
            self._give_back(use)
        self._close()

    def _bar(self, shown: Presented, known: Known, visit: Pass, now: float) -> Reason | None:
        """Why no use of a pass is spent."""
        return Reason.BUSY if visit.id in self._spending else self._controller.would_refuse(shown, known, now)

    def _decide(self, tried: _Tried, now: float) -> None:
        shown, visit = tried.shown, tried.visit
        self._spending.discard(visit.id)
        if tried.use is None:
            reason = Reason.STORE_UNREADABLE if tried.locked else self._why_none_is_left(tried, now)
            self._controller.turn_away(shown, visit, reason, now)
            return
        verdict, _ = self._controller.present(shown, replace(tried.known, spent=True), now)
        if not verdict.granted:
            self._worker.submit(self._give_back, tried.use)
            return
        self._awaited.setdefault(verdict.along or shown.id, []).append(tried.use)
        if len(self._awaited) > _REMEMBERED:
            self._awaited.popitem(last=False)

    def _why_none_is_left(self, tried: _Tried, now: float) -> Reason:
        """Somebody was quicker: the last use is gone, or the pass was taken back."""
        return self._controller.would_refuse(tried.shown, tried.look(), now) or Reason.BUSY

    def _spend(self, tried: _Tried) -> None:
        try:
            tried = replace(tried, use=passes.spend(self._open(), tried.visit.id, datetime.now(UTC)))
        except Exception as error:
            # Whatever is wrong with the store is the store's fault, and not the worker's end.
            self._drop(error)
            tried = replace(tried, locked=True)
        self._tried.append(tried)
        self._wake()

    def _give_back(self, use: str) -> None:
        try:
            passes.give_back(self._open(), use)
        except Exception as error:
            self._drop(error)
            self._owed.append(use)
            self._wake()

    def _open(self) -> sqlite3.Connection:
        if self._connection is None:
            if not database_of(self._state).exists():
                raise sqlite3.OperationalError("there is no database")
            self._connection = open_database(self._state)
            hold_small(self._connection)
            self._connection.execute(f"PRAGMA busy_timeout = {_BUSY_MS}")
        return self._connection

    def _drop(self, error: Exception) -> None:
        _log.error("A use of a pass could not be written (%s).", error)
        self._close()

    def _close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None
