"""What others cause to be written, on its way to the record, where a flood must not fill the disk."""

from __future__ import annotations

from collections.abc import Callable

from gate.processes.allowance import Allowance
from gate.vocabulary import AuditEvent, Kind, Reason


class FloodLimit:
    """Lets what a user's messages cause through to the record, but of a flood only so many of that user's.

    What is left out is counted, and the count is recorded as soon as there is room. Nobody's flood hides what another
    did.
    """

    def __init__(self, put: Callable[[AuditEvent], None]) -> None:
        self._put = put
        self._allowances: dict[int, Allowance] = {}
        self._left_out: dict[int, int] = {}

    def put(self, uid: int, event: AuditEvent, now: float) -> None:
        """Put an event that a message of this user caused on record, or count it where there were too many."""
        self.flush(now)
        if uid not in self._left_out and self._allowance(uid, now).take(now):
            self._put(event)
        else:
            self._left_out[uid] = self._left_out.get(uid, 0) + 1

    def flush(self, now: float, *, at_once: bool = False) -> None:
        """Record what was counted, as soon as there is room; at the end, in any case."""
        for uid, count in list(self._left_out.items()):
            if self._allowance(uid, now).take(now) or at_once:
                details = {"method": "link", "reason": Reason.FLOOD.value, "uid": uid, "count": count}
                self._put(AuditEvent(Kind.DENIED, details))
                del self._left_out[uid]

    def _allowance(self, uid: int, now: float) -> Allowance:
        return self._allowances.setdefault(uid, Allowance(now))
