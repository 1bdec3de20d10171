"""Refusals on their way to the record, where a flood of them must not fill the disk."""

from __future__ import annotations

from collections.abc import Callable

from gate.vocabulary import AuditEvent, Kind, Reason


class Refusals:
    """Lets refusals through to the record, but of a flood only so many: it would be a way to fill the disk.

    What is left out is counted, and the count is recorded as soon as there is room.
    """

    AT_ONCE = 50
    EACH_S = 10.0

    def __init__(self, put: Callable[[AuditEvent], None]) -> None:
        self._put = put
        self._room = float(self.AT_ONCE)
        self._looked_mono = float("-inf")
        self._left_out = 0

    def put(self, event: AuditEvent, now: float) -> None:
        """Record it, or count it."""
        self.flush(now)
        if self._room < 1:
            self._left_out += 1
            return
        self._room -= 1
        self._put(event)

    def flush(self, now: float, *, at_once: bool = False) -> None:
        """Record what was counted, as soon as there is room; at the end, in any case."""
        self._room = min(float(self.AT_ONCE), self._room + (now - self._looked_mono) * self.EACH_S)
        self._looked_mono = now
        if self._left_out and (self._room >= 1 or at_once):
            self._room -= 1
            self._put(
                AuditEvent(Kind.DENIED, {"method": "link", "reason": Reason.FLOOD.value, "count": self._left_out})
            )
            self._left_out = 0
