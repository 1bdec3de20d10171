"""What light and buzzer show: the door's own state, or for a moment the answer to whoever asked. Pure."""

from __future__ import annotations

from dataclasses import dataclass, replace

from gate.door.signals import Signal, signal_of, signal_of_reason, signal_of_way
from gate.door.states import PULSES, Door, Mode
from gate.vocabulary import Reason, Way

# How long an answer is shown before the door's own state is again, seconds.
SHOWN_S = 3.0
# And a request, which is told again and again while it stands.
ASKED_S = 2.0
# What of the door's own state an answer may hide; an alarm, a fire and an opening door are never hidden.
_GIVES_WAY = (Signal.READY, Signal.OPEN, Signal.LOCKED, Signal.FAULT)


@dataclass(frozen=True, slots=True)
class Shown:
    """What is shown now, and the answer that is being told. Times are monotonic seconds."""

    signal: Signal | None = None
    """What light and buzzer say; None where they are to begin anew, even with the same."""
    answer: Signal | None = None
    """What whoever asked is told; None where nobody is."""
    reason: Reason | None = None
    """Why they were refused, where they were."""
    until_mono: float = float("-inf")
    """When they have been told for long enough."""
    further: bool = False
    """Whether who is asked to turn the head has begun to, and should go on."""
    visitor: bool = False
    """Whether it is a visitor who is told why their pass does not open."""
    begins_at: str | None = None
    """When the pass begins of who came too early, ISO 8601, UTC."""

    def told(self, signal: Signal, now: float) -> Shown:
        """With an answer to whoever asked, from its first beat."""
        return Shown(None, signal, None, now + SHOWN_S)

    def refused(self, reason: Reason, now: float) -> Shown:
        """With the answer to whoever was refused."""
        return Shown(None, signal_of_reason(reason), reason, now + SHOWN_S)

    def turned_away(self, reason: Reason, now: float, begins_at: str | None) -> Shown:
        """With the answer to a visitor; `begins_at` where their pass has yet to begin."""
        return replace(self.refused(reason, now), visitor=True, begins_at=begins_at)

    def asked(self, way: Way | None, further: bool, now: float) -> Shown:
        """With what somebody is asked to do; the same again goes on with its pattern."""
        return Shown(self.signal, signal_of_way(way), Reason.ASKED_TO_TURN, now + ASKED_S, further)

    def answered(self) -> Shown:
        """Without any answer: the door's own state says it."""
        return replace(self, answer=None, reason=None, further=False, visitor=False, begins_at=None)

    def at(self, now: float) -> Shown:
        """Without an answer that has been told for long enough."""
        return self if self.answer is None or now < self.until_mono else self.answered()

    def moved(self, before: Mode, after: Mode) -> Shown:
        """As the lock goes from one mode to another: whoever came in by an opening that stood, or along with another
        at whom the gate then locked, is welcomed no longer than it is so. A pulse that ends shuts nobody out."""
        if self.answer is not Signal.GRANT or before is after or (before in PULSES and after is Mode.NORMAL):
            return self
        return self.answered()

    def due_mono(self) -> float | None:
        """When the answer is over; None where there is none."""
        return None if self.answer is None else self.until_mono

    def wanted(self, door: Door, faulty: bool) -> Signal:
        """What is to be shown; `faulty` is whether anything of the gate beside the door is at fault."""
        own = signal_of(door, faulty)
        return own if self.answer is None or own not in _GIVES_WAY else self.answer
