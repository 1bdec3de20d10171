"""Whether the lines that gates carried here are as they came, as far as that was looked at: a little at each look."""

from __future__ import annotations

import sqlite3
import threading
import time

from gate.store.compound import carried
from gate.store.compound.carried import Verified

_MOST = 4_000
# From then on all is looked at anew: what was well may have been altered since.
_AGAIN_S = 600.0


class Chains:
    """All of one api process."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._known: dict[str, tuple[Verified, float]] = {}

    def verified(self, connection: sqlite3.Connection, gate: str) -> Verified:
        """How far a gate's lines are verified, after some more of them."""
        with self._lock:
            known, since_mono = self._known.get(gate, (None, time.monotonic()))
            if known is None or time.monotonic() - since_mono > _AGAIN_S or known.flaw is not None:
                known, since_mono = Verified(None, None), time.monotonic()
            found = carried.verify(connection, gate, known.through, _MOST)
            self._known[gate] = found, since_mono
            return found
