"""What joins rules, machine, relay and record: one decision at a time, on values and the time it is given."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Protocol

from gate.door.machine import Action, Door, Event, Mode, Timing, step
from gate.door.rules import Known, decide
from gate.door.settings import DoorSettings
from gate.store.residents import Resident
from gate.vocabulary import AuditEvent, Claim, Reason, Verdict

# More claims than vision can make within the freshness limit; older ones are refused as stale anyway.
_REMEMBERED_CLAIMS = 1024


class RelayPort(Protocol):
    """What the controller needs of a relay."""

    def energise(self, seconds: float) -> float:
        """Start a pulse; return when the relay went on (monotonic seconds)."""
        ...

    def release(self) -> None:
        """End it."""
        ...


class Controller:
    """The door's one decider. Not thread-safe: the door's loop owns it."""

    def __init__(
        self,
        settings: DoorSettings,
        relay: RelayPort,
        resident: Callable[[str], Resident | None],
        record: Callable[[AuditEvent], None],
    ) -> None:
        self._settings = settings
        self._timing = Timing(settings.pulse_s, settings.min_interval_s)
        self._relay = relay
        self._resident = resident
        self._record = record
        self._door = Door()
        self._claims: deque[str] = deque(maxlen=_REMEMBERED_CLAIMS)

    @property
    def mode(self) -> Mode:
        """What the door is doing."""
        return self._door.mode

    @property
    def due_mono(self) -> float | None:
        """When `tick` must next be called."""
        return self._door.until_mono

    def claim(self, claim: Claim, now: float, *, peer_is_vision: bool = True) -> tuple[Verdict, float | None]:
        """Decide on a claim. Returns the verdict, and when the relay went on if it did (monotonic seconds)."""
        resident = self._resident(claim.resident) if claim.resident is not None else None
        known = Known(peer_is_vision, claim.id in self._claims, resident is not None)
        self._claims.append(claim.id)
        verdict = decide(claim, known, now, self._settings.freshness_s)
        on_mono: float | None = None
        if verdict.granted:
            verdict, on_mono = self._open(Event.CREDENTIAL, now)
        details: dict[str, object] = {
            "track": claim.track,
            "frames": claim.frames,
            "frame_age_ms": round((now - claim.taken_mono) * 1000, 2),
        }
        if claim.similarity is not None:
            details["similarity"] = round(claim.similarity, 4)
        if on_mono is not None:
            details["frame_to_relay_ms"] = round((on_mono - claim.taken_mono) * 1000, 2)
        self._put(verdict, "face", details, resident)
        return verdict, on_mono

    def command(self, who: str, now: float) -> Verdict:
        """A person asks the door to open, from the console or the machine itself."""
        verdict, _ = self._open(Event.COMMAND, now)
        self._put(verdict, "command", {"by": who})
        return verdict

    def exit_request(self, now: float) -> Verdict:
        """Someone inside presses REX."""
        was = self._door.mode
        verdict, _ = self._open(Event.EXIT, now)
        if was is not Mode.PULSE:
            self._put(verdict, "rex", {})
        return verdict

    def tick(self, now: float) -> None:
        """Time has passed."""
        self._door, action = step(self._door, Event.ELAPSED, now, self._timing)
        if action is Action.RELEASE:
            self._relay.release()

    def stop(self, now: float) -> None:
        """Everything off."""
        self._door, _ = step(self._door, Event.STOP, now, self._timing)
        self._relay.release()

    def _open(self, event: Event, now: float) -> tuple[Verdict, float | None]:
        self.tick(now)
        door, action = step(self._door, event, now, self._timing)
        if action is Action.REFUSE:
            return Verdict(False, Reason.BUSY), None
        on_mono: float | None = None
        if action is Action.ENERGISE:
            on_mono = self._relay.energise(self._timing.pulse_s)
        self._door = door
        return Verdict(True), on_mono

    def _put(self, verdict: Verdict, method: str, details: dict[str, object], resident: Resident | None = None) -> None:
        if verdict.reason is not None:
            details = {"reason": verdict.reason.value, **details}
        personal = {"resident": resident.id, "name": resident.name} if resident else {}
        kind = "granted" if verdict.granted else "denied"
        self._record(AuditEvent(kind, {"method": method, **details}, personal, resident.id if resident else None))
