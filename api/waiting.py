"""Enrolments that wait until somebody has looked at whom the photos show, and said yes.

They are in memory alone, for a few minutes, and for whoever began them. No photo is among them: what waits are the
templates, and the faces they were made of; once somebody said yes, neither.
"""

from __future__ import annotations

import secrets
import threading
import time
from collections.abc import Callable, Collection
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from enroll.application import Application
from gate.store.people.residents import Resident

if TYPE_CHECKING:
    from enroll.enrolment import Prepared

LASTS_S = 300.0
# Somebody who enrols has one or two of them.
_MOST = 20


@dataclass(slots=True)
class Waiting:
    """One that waits; once somebody said yes `enrolled` is who came of it, so that nothing is done twice."""

    key: str
    """By which a form speaks of it."""
    asked: Application
    """Without its photos."""
    found: Prepared
    by: str
    request: str
    """What was sent to begin it: the same sent twice begins one."""
    until_mono: float
    far: bool = False
    """Whether another gate looked the photos over, by its own models."""
    enrolled: Resident | None = None
    turn: threading.Lock = field(default_factory=threading.Lock)

    def end(self, enrolled: Resident) -> None:
        """They are enrolled: nothing of their faces is kept here any longer."""
        self.enrolled = enrolled
        self.found = replace(self.found, templates=(), portraits=(), lookalikes=())

    @property
    def whose(self) -> str | None:
        """The id of whose photos they are; None: of somebody who is not enrolled yet."""
        person = self.enrolled or self.asked.whose
        return person.id if person is not None else None


class WaitingRoom:
    """All of one api process, by keys that nobody guesses."""

    def __init__(self) -> None:
        self._waiting: dict[str, Waiting] = {}
        self._lock = threading.Lock()
        self.beginning = threading.Lock()
        """Held from the question whether a request began one already until it has, and whom it shows is enrolled."""

    def hold(self, asked: Application, found: Prepared, by: str, request: str, *, far: bool = False) -> Waiting:
        """Let one wait that was begun `by` somebody, with a `request` of that digest. Of too many the oldest goes."""
        until = time.monotonic() + LASTS_S
        held = Waiting(secrets.token_urlsafe(16), replace(asked, photos=()), found, by, request, until, far)
        with self._lock:
            self._forget_old()
            while len(self._waiting) >= _MOST:
                del self._waiting[next(iter(self._waiting))]
            self._waiting[held.key] = held
        return held

    def of(self, key: str, by: str) -> Waiting | None:
        """The one with this key, for whoever began it; None: it is over, or never was."""
        with self._lock:
            self._forget_old()
            found = self._waiting.get(key)
        return found if found is not None and found.by == by else None

    def begun(self, request: str, by: str) -> Waiting | None:
        """The last one that was begun by a request of this digest; None: none was, or it is over."""
        with self._lock:
            self._forget_old()
            same = [one for one in self._waiting.values() if (one.request, one.by) == (request, by)]
        return same[-1] if same else None

    def drop(self, key: str, by: str) -> None:
        """Keep nothing of it."""
        if self.of(key, by) is not None:
            with self._lock:
                self._waiting.pop(key, None)

    def people(self) -> set[str]:
        """The ids of all of whom something is here."""
        with self._lock:
            held = list(self._waiting.values())
        like = {like.resident.id for one in held for like in one.found.lookalikes}
        return like | {one.whose for one in held if one.whose is not None}

    def forget(self, people: Collection[str]) -> None:
        """Keep nothing of those with these ids: they are erased."""
        with self._lock:
            self._waiting = {key: one for key, one in self._waiting.items() if one.whose not in people}
            for one in self._waiting.values():
                one.found = one.found.without(people)

    def forget_ended(self, ended: Callable[[str, frozenset[str]], bool]) -> None:
        """Keep nothing of those who agree no longer: whether a consent of a resident's `ended` that had not before."""
        with self._lock:
            held = [(one.key, one.asked.whose, one.asked.ended) for one in self._waiting.values()]
        over = {key for key, whose, before in held if whose is not None and ended(whose.id, before)}
        with self._lock:
            self._waiting = {key: one for key, one in self._waiting.items() if key not in over}

    def forget_old(self) -> None:
        """Keep nothing of what nobody came back to."""
        with self._lock:
            self._forget_old()

    def _forget_old(self) -> None:
        now = time.monotonic()
        self._waiting = {key: one for key, one in self._waiting.items() if one.until_mono > now}
