"""Faces that other gates' cameras took for whoever enrols at this centre, until they are enrolled.

They are in memory alone, for a few minutes, and for whoever began it. What was made of a photo came with it; the photo
stayed at the gate, where it is forgotten.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Collection
from dataclasses import dataclass

from api.waiting import LASTS_S
from gate.fleet.cameras import Alike
from gate.store.people.templates import Template

# Somebody who enrols has one or two of them.
_MOST = 20


@dataclass(frozen=True, slots=True)
class FarPhoto:
    """A photo by its number: its face as a small JPEG, and what the gate made of it."""

    number: int
    portrait: bytes
    template: Template
    alike: tuple[Alike, ...]


@dataclass(frozen=True, slots=True)
class Held:
    """All of one enrolment. `gate` is the name of the gate, and `resident` the id of whoever gets more templates,
    empty: somebody new."""

    gate: str
    resident: str
    photos: tuple[FarPhoto, ...]
    by: str
    until_mono: float


class FarPhotos:
    """All of one api process, by the ids of their gates and the keys that these gave them."""

    def __init__(self) -> None:
        self._held: dict[tuple[str, str], Held] = {}
        self._lock = threading.Lock()

    def hold(self, gate: tuple[str, str], key: str, resident: str, photos: Collection[FarPhoto], by: str) -> None:
        """Hold what a gate, known by its id and its name, took for somebody. Of too many the oldest goes."""
        identity, name = gate
        held = Held(name, resident, tuple(photos), by, time.monotonic() + LASTS_S)
        with self._lock:
            self._forget_old()
            while len(self._held) >= _MOST:
                del self._held[next(iter(self._held))]
            self._held[identity, key] = held

    def of(self, gate: str, key: str, by: str) -> Held | None:
        """What is held of an enrolment, for whoever began it; None: nothing, or not any more."""
        with self._lock:
            self._forget_old()
            found = self._held.get((gate, key))
        return found if found is not None and found.by == by else None

    def drop(self, gate: str, key: str, by: str) -> None:
        """Keep nothing of it."""
        if self.of(gate, key, by) is not None:
            with self._lock:
                self._held.pop((gate, key), None)

    def people(self) -> set[str]:
        """The ids of all who are to get more templates."""
        with self._lock:
            return {one.resident for one in self._held.values() if one.resident}

    def forget(self, people: Collection[str]) -> None:
        """Keep nothing of those with these ids: they are erased."""
        with self._lock:
            self._held = {key: one for key, one in self._held.items() if one.resident not in people}

    def forget_old(self) -> None:
        """Keep nothing of what nobody came back to."""
        with self._lock:
            self._forget_old()

    def _forget_old(self) -> None:
        now = time.monotonic()
        self._held = {key: one for key, one in self._held.items() if one.until_mono > now}
