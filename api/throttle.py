"""How long someone must wait who failed to sign in. Time is an argument."""

from __future__ import annotations

import threading
from collections import OrderedDict
from dataclasses import dataclass

from api.front.slots import network_of
from gate.store.site.accounts import folded


@dataclass(frozen=True, slots=True)
class Attempt:
    """One attempt to sign in: at which name, as it counts, and from which network or in which session."""

    name: str
    network: str
    exists: bool = False
    """Whether there is a user of this name."""
    known: bool = False
    """Whether that user got in from there before."""

    @classmethod
    def at(cls, name: str, address: str, *, exists: bool = False, known: bool = False) -> Attempt:
        """An attempt at a name as it was typed, from an address as the connection has it."""
        return cls(folded(name), network_of(address), exists, known)

    @classmethod
    def of_session(cls, name: str, session: str) -> Attempt:
        """An attempt at the password of whoever is signed in: their session, by its hash, is one place."""
        return cls(folded(name), session, exists=True, known=True)


@dataclass(slots=True)
class _Failures:
    count: int = 0
    last_mono: float = 0.0


_Counts = OrderedDict[tuple[str, ...], _Failures]


class Throttle:
    """Counts failures three ways, and says how long the next attempt must wait.

    By name and network together, so that whoever guesses locks out himself and not the person whose name he guesses
    at; by network alone, so that guessing at many names does not pay; and by name alone, so that guessing from many
    networks does not pay: past that count only those wait who never got in from where they are. Bounded in memory.
    """

    FREE = 5
    FREE_BY_NETWORK = 20
    FREE_BY_NAME = 20
    LONGEST_S = 900.0
    FORGOTTEN_S = 3600.0
    _MOST = 4096

    def __init__(self) -> None:
        self._failures: _Counts = OrderedDict()
        # No flood of made-up names pushes these out; there are as many as there are users.
        self._of_users: _Counts = OrderedDict()
        self._lock = threading.Lock()

    def wait_s(self, attempt: Attempt, now: float) -> float:
        """Seconds until the next attempt is heard; 0: at once."""
        with self._lock:
            return max(_wait_s(counts.get(key), free, now) for counts, key, free in self._counted(attempt))

    def failed(self, attempt: Attempt, now: float) -> None:
        """An attempt failed."""
        with self._lock:
            for counts, key, _ in self._counted(attempt):
                known = counts.pop(key, None)
                if known is None or now - known.last_mono > self.FORGOTTEN_S:
                    known = _Failures()
                counts[key] = _Failures(known.count + 1, now)
            while len(self._failures) > self._MOST:
                self._failures.popitem(last=False)

    def succeeded(self, attempt: Attempt) -> None:
        """An attempt, counted as failed before it was known, was right: that name is free again from there."""
        # A whole office behind one address signs in every morning: the network and the name lose this one alone.
        self.taken_back(attempt)
        with self._lock:
            self._failures.pop(("pair", attempt.name, attempt.network), None)

    def taken_back(self, attempt: Attempt) -> None:
        """An attempt, counted as failed, was not judged after all."""
        with self._lock:
            for counts, key, _ in self._counted(attempt):
                if key in counts:
                    counts[key].count -= 1

    def _counted(self, attempt: Attempt) -> list[tuple[_Counts, tuple[str, ...], int]]:
        counted = [
            (self._failures, ("pair", attempt.name, attempt.network), self.FREE),
            (self._failures, ("network", attempt.network), self.FREE_BY_NETWORK),
        ]
        if not attempt.known:
            by_name = self._of_users if attempt.exists else self._failures
            counted.append((by_name, ("name", attempt.name), self.FREE_BY_NAME))
        return counted


def _wait_s(failures: _Failures | None, free: int, now: float) -> float:
    if failures is None or failures.count < free:
        return 0.0
    pause = min(2.0 ** min(failures.count - free, 60), Throttle.LONGEST_S)
    return max(0.0, failures.last_mono + pause - now)
