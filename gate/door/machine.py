"""Theory of operation: the door's states, and everything that moves it between them, in one table.

The door rests. A credential (a resident's claim), a command (a person at the console) or an exit request starts one
pulse; while it runs, nothing starts a second. When its time has elapsed the relay is released and an interval begins
in which credentials and commands are still refused, so that a gate that is moving is not pulsed again. An exit
request is never refused: during a pulse the gate is open already, in the interval it starts a pulse at once.

`step` is a pure function of state, event and time. It never reads a clock: `now` is monotonic seconds.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Mode(StrEnum):
    """What the door is doing."""

    RESTING = "resting"
    PULSE = "pulse"
    INTERVAL = "interval"


class Event(StrEnum):
    """What can happen to it."""

    CREDENTIAL = "credential"
    COMMAND = "command"
    EXIT = "exit"
    ELAPSED = "elapsed"
    STOP = "stop"


class Action(StrEnum):
    """What it does about it."""

    ENERGISE = "energise"
    RELEASE = "release"
    REFUSE = "refuse"
    NOTHING = "nothing"


@dataclass(frozen=True, slots=True)
class Door:
    """The whole state: a mode, and when it ends (None while resting)."""

    mode: Mode = Mode.RESTING
    until_mono: float | None = None


@dataclass(frozen=True, slots=True)
class Timing:
    """Seconds a pulse lasts, and seconds before the next."""

    pulse_s: float
    interval_s: float


TABLE: dict[tuple[Mode, Event], tuple[Mode, Action]] = {
    (Mode.RESTING, Event.CREDENTIAL): (Mode.PULSE, Action.ENERGISE),
    (Mode.RESTING, Event.COMMAND): (Mode.PULSE, Action.ENERGISE),
    (Mode.RESTING, Event.EXIT): (Mode.PULSE, Action.ENERGISE),
    (Mode.RESTING, Event.ELAPSED): (Mode.RESTING, Action.NOTHING),
    (Mode.RESTING, Event.STOP): (Mode.RESTING, Action.RELEASE),
    (Mode.PULSE, Event.CREDENTIAL): (Mode.PULSE, Action.REFUSE),
    (Mode.PULSE, Event.COMMAND): (Mode.PULSE, Action.REFUSE),
    (Mode.PULSE, Event.EXIT): (Mode.PULSE, Action.NOTHING),
    (Mode.PULSE, Event.ELAPSED): (Mode.INTERVAL, Action.RELEASE),
    (Mode.PULSE, Event.STOP): (Mode.RESTING, Action.RELEASE),
    (Mode.INTERVAL, Event.CREDENTIAL): (Mode.INTERVAL, Action.REFUSE),
    (Mode.INTERVAL, Event.COMMAND): (Mode.INTERVAL, Action.REFUSE),
    (Mode.INTERVAL, Event.EXIT): (Mode.PULSE, Action.ENERGISE),
    (Mode.INTERVAL, Event.ELAPSED): (Mode.RESTING, Action.NOTHING),
    (Mode.INTERVAL, Event.STOP): (Mode.RESTING, Action.RELEASE),
}


def step(door: Door, event: Event, now: float, timing: Timing) -> tuple[Door, Action]:
    """The next state, and what to do. ELAPSED before the mode's end changes nothing."""
    if event is Event.ELAPSED and (door.until_mono is None or now < door.until_mono):
        return door, Action.NOTHING
    mode, action = TABLE[door.mode, event]
    if mode is door.mode and action is not Action.ENERGISE:
        return door, action
    lasts = {Mode.PULSE: timing.pulse_s, Mode.INTERVAL: timing.interval_s}.get(mode)
    return Door(mode, None if lasts is None else now + lasts), action
