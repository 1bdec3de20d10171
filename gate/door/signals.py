"""What light and buzzer can say: a pattern for each meaning, told from the others by its rhythm, not by colour alone.

The patterns are played by `gate.door.lights`; which of them, and for how long, is `gate.door.signal_shown`. Pure.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from gate.door.states import FIRES, OPEN_MODES, PULSES, Door, Leaf, Mode
from gate.vocabulary import Fault, Reason, Way


class Signal(StrEnum):
    """What people at the gate are to understand: it is ready, it opens for them, they are refused, they should come
    closer or one at a time, turn the head to their left or right or look straight ahead, somebody was called, it stands
    open, it is locked to all, it was left open, somebody forced it, something is broken, there is a fire."""

    READY = "ready"
    GRANT = "grant"
    DENY = "deny"
    COME_CLOSER = "come_closer"
    ONE_AT_A_TIME = "one_at_a_time"
    TURN_LEFT = "turn_left"
    TURN_RIGHT = "turn_right"
    LOOK_AHEAD = "look_ahead"
    CALLED = "called"
    OPEN = "open"
    LOCKED = "locked"
    PRE_ALARM = "pre_alarm"
    ALARM = "alarm"
    FAULT = "fault"
    FIRE = "fire"


@dataclass(frozen=True, slots=True)
class Beat:
    """A moment of a pattern: which of red, green, amber and buzzer are on, for how many seconds."""

    on: frozenset[str]
    seconds: float


def _beats(*pairs: tuple[str, float]) -> tuple[Beat, ...]:
    return tuple(Beat(frozenset(names.split()), seconds) for names, seconds in pairs)


# A pattern of one beat is steady; all others repeat. Times in seconds.
PATTERNS: dict[Signal, tuple[Beat, ...]] = {
    Signal.READY: _beats(("", 1.0)),
    Signal.GRANT: _beats(("green buzzer", 0.15), ("green", 2.85)),
    Signal.DENY: _beats(("red buzzer", 0.1), ("red", 0.1), ("red buzzer", 0.1), ("red", 0.7)),
    Signal.COME_CLOSER: _beats(("amber", 0.25), ("", 0.25)),
    Signal.ONE_AT_A_TIME: _beats(("amber", 0.1), ("", 0.1), ("amber", 0.1), ("", 0.7)),
    # For whoever does not see: short and long is left, long and short is right.
    Signal.TURN_LEFT: _beats(("amber buzzer", 0.1), ("", 0.1), ("amber buzzer", 0.4), ("", 0.6)),
    Signal.TURN_RIGHT: _beats(("amber buzzer", 0.4), ("", 0.1), ("amber buzzer", 0.1), ("", 0.6)),
    Signal.LOOK_AHEAD: _beats(("amber buzzer", 0.1), ("amber", 0.9), ("", 0.2)),
    Signal.CALLED: _beats(("amber buzzer", 0.3), ("amber", 0.2), ("amber buzzer", 0.3), ("amber", 1.2)),
    Signal.OPEN: _beats(("green", 1.0), ("", 1.0)),
    Signal.LOCKED: _beats(("red", 1.0)),
    Signal.PRE_ALARM: _beats(("amber buzzer", 0.2), ("", 0.8)),
    Signal.ALARM: _beats(("red buzzer", 0.5), ("", 0.5)),
    Signal.FAULT: _beats(("amber red", 0.1), ("", 1.9)),
    Signal.FIRE: _beats(("green buzzer", 0.5), ("green", 0.25)),
}
_OF_REASON = {
    Reason.TOO_FAR: Signal.COME_CLOSER,
    Reason.OUT_OF_ZONE: Signal.COME_CLOSER,
    Reason.TURNED_AWAY: Signal.COME_CLOSER,
    Reason.NOT_UPRIGHT: Signal.COME_CLOSER,
    Reason.NOT_PLAIN: Signal.COME_CLOSER,
    Reason.COVERED: Signal.COME_CLOSER,
    Reason.BLURRED: Signal.COME_CLOSER,
    Reason.TOO_DARK: Signal.COME_CLOSER,
    Reason.TOO_BRIGHT: Signal.COME_CLOSER,
    Reason.NO_FACE: Signal.COME_CLOSER,
    Reason.SEVERAL_FACES: Signal.ONE_AT_A_TIME,
    Reason.NOT_NEAREST: Signal.ONE_AT_A_TIME,
    Reason.ASKED_TO_TURN: Signal.LOOK_AHEAD,
    Reason.ONE_MORE: Signal.COME_CLOSER,
    Reason.STORE_UNREADABLE: Signal.FAULT,
    Reason.FAULT: Signal.FAULT,
}


_OF_WAY = {Way.LEFT: Signal.TURN_LEFT, Way.RIGHT: Signal.TURN_RIGHT, None: Signal.LOOK_AHEAD}


def signal_of_way(way: Way | None) -> Signal:
    """What somebody is shown who is asked to turn the head there; None: to look straight ahead."""
    return _OF_WAY[way]


def signal_of_reason(reason: Reason) -> Signal:
    """What somebody who is refused is shown."""
    return _OF_REASON.get(reason, Signal.DENY)


def signal_of(door: Door, faulty: bool) -> Signal:
    """What the door shows by itself; `faulty` is whether anything of the gate beside the door is at fault."""
    if door.mode in FIRES:
        return Signal.FIRE
    if door.leaf in (Leaf.FORCED, Leaf.HELD_OPEN) or Fault.TAMPER in door.faults:
        return Signal.ALARM
    if door.leaf is Leaf.PRE_ALARM:
        return Signal.PRE_ALARM
    if door.mode in PULSES:
        return Signal.GRANT
    if door.mode in (Mode.LOCKDOWN, Mode.TAMPER_BLOCK):
        return Signal.LOCKED
    if door.faults or faulty:
        return Signal.FAULT
    return Signal.OPEN if door.mode in OPEN_MODES else Signal.READY
