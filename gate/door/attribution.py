"""What happens at the door, on its way to the record: whose message caused it, and how much of that is written."""

from __future__ import annotations

import os
import time
from collections.abc import Callable

from gate.door.flood_limit import FloodLimit
from gate.processes.peers import Peer
from gate.vocabulary import AuditEvent, Kind, Reason

_LONGEST_WHY = 200


class Attribution:
    """Hands on what happens at the door, in its order. Not thread-safe: the door's loop owns it."""

    def __init__(self, put: Callable[[AuditEvent], None], follow: Callable[[AuditEvent], None]) -> None:
        """`put` writes an event to the record; `follow` is told of each, whether or not it is written."""
        self._put = put
        self._follow = follow
        self._flood_limit = FloodLimit(put)
        self.asking: int | None = None
        """The user whose message is being answered, and caused what happens now; None while nobody's is."""

    def take(self, event: AuditEvent) -> None:
        """Something happened. What others may cause often is limited, so that nobody fills the disk."""
        # What opens is always on record: the machine lets nobody open often.
        if event.kind == Kind.DENIED or (self.asking is not None and event.kind != Kind.GRANTED):
            uid = os.getuid() if self.asking is None else self.asking
            self._flood_limit.put(uid, event, time.monotonic())
        else:
            self._put(event)
        self._follow(event)

    def refuse(self, reason: Reason, peer: Peer, why: str | None = None) -> None:
        """A message was refused as it came, before anybody looked at what it asks for."""
        details: dict[str, object] = {"method": "link", "reason": reason.value, "uid": peer.uid}
        if why is not None:
            details["why"] = why[:_LONGEST_WHY]
        self._flood_limit.put(peer.uid, AuditEvent(Kind.DENIED, details), time.monotonic())

    def flush(self, now: float, *, at_once: bool = False) -> None:
        """Put on record how many were left out, where there is room again; at the end, in any case."""
        self._flood_limit.flush(now, at_once=at_once)
