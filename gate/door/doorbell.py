"""What rings the bell, and what follows of it: a line of the record, light and buzzer, a call in the door's status."""

from __future__ import annotations

from collections.abc import Callable

from gate.door.bell import Bell, Rung
from gate.door.controller import Controller
from gate.door.states import OPEN_MODES, PULSES
from gate.processes.status import Call
from gate.store.ids import new_id
from gate.vocabulary import AuditEvent, Claim, Kind, Reason, Verdict


class Doorbell:
    """The bell of one gate; one that is not `wanted` never rings. Not thread-safe: the door's loop owns it."""

    def __init__(self, controller: Controller, record: Callable[[AuditEvent], None], *, wanted: bool) -> None:
        self._controller = controller
        self._record = record
        self._wanted = wanted
        self._bell = Bell()

    def ring(self, by: Rung, now: float, reader: str | None = None, by_whom: str | None = None) -> bool:
        """Somebody rings at `now` (monotonic seconds), at a reader or through a program that names them; whether that
        called anybody."""
        if not self.may_ring(now):
            return False
        self._bell = self._bell.rung(new_id(), by, now)
        self._controller.call(now)
        details: dict[str, object] = {"call": self._bell.call, "rung": by.value}
        told = {"reader": reader, "by": by_whom}
        self._record(AuditEvent(Kind.BELL, details | {name: said for name, said in told.items() if said is not None}))
        return True

    def may_ring(self, now: float) -> bool:
        """Whether somebody who rang now would call anybody: a gate that stands open calls nobody."""
        return self._wanted and not self._is_open and not self._bell.waits(now)

    def heed(self, claim: Claim, verdict: Verdict, now: float) -> None:
        """What the door said to a claim: the third time that somebody is unknown, it rings."""
        if verdict.reason is not Reason.UNKNOWN:
            return
        self._bell, rings = self._bell.saw_stranger(claim.track, now)
        if rings:
            self.ring(Rung.FACE, now)

    def turn(self, now: float) -> None:
        """End what is over: the gate opened, or nobody answered, which is on record."""
        before, self._bell = self._bell, self._bell.over() if self._is_open else self._bell.at(now)
        if before.rings and not self._bell.rings and not self._is_open:
            self._record(AuditEvent(Kind.BELL_UNANSWERED, {"call": before.call}))

    def due_mono(self) -> float | None:
        """When `turn` must next be called; None: not by itself."""
        return self._bell.due_mono()

    @property
    def rings(self) -> str | None:
        """The id of the call that waits for an answer."""
        return self._bell.call if self._bell.rings else None

    @property
    def call(self) -> Call | None:
        """The call that rings, or that nobody answered a moment ago."""
        bell = self._bell
        if bell.call is None or bell.by is None:
            return None
        return Call(bell.call, bell.by.value, bell.rings)

    @property
    def _is_open(self) -> bool:
        return self._controller.mode in (*PULSES, *OPEN_MODES)
