"""The door's table: which mode, and which leaf, follows on what happens, and what whoever asks is told.

`gate.door.machine` tells its theory of operation and runs it; docs/door.md is drawn from it. Pure.
"""

from __future__ import annotations

from gate.door.states import (
    ASKS,
    CREDENTIALS,
    ENDS,
    FIRES,
    OPEN_MODES,
    PULSES,
    Answer,
    Event,
    Given,
    Leaf,
    Mode,
    Place,
)
from gate.vocabulary import Reason

# In which mode or with which leaf, what happens, and what it finds where that matters.
Key = tuple[Mode | Leaf, Event, Given | None]
# What follows: the mode or the leaf, and what is told to whoever asked.
Row = tuple[Mode | Leaf | Place, Answer | Reason | None]


def _rows(
    events: Event | tuple[Event, ...],
    at: tuple[Mode | Leaf, ...],
    to: Mode | Leaf | Place,
    answer: Answer | Reason | None = None,
    given: Given | tuple[Given, ...] | None = None,
) -> dict[Key, Row]:
    """The same row for each of these events, in each of these states, under each of these conditions."""
    each = events if isinstance(events, tuple) else (events,)
    found = given if isinstance(given, tuple) else (given,)
    return {(state, event, condition): (to, answer) for event in each for state in at for condition in found}


_SOON = (Given.READY, Given.SETTLING)
_ANY = (Given.READY, Given.SETTLING, Given.MOVING, Given.STANDS_OPEN)
_SAME = Place.SAME
_BARRED = (Mode.LOCKDOWN, Mode.TAMPER_BLOCK)

TABLE: dict[Key, Row] = {
    # Who asks at a door at rest.
    **_rows((Event.CREDENTIAL, Event.COMMAND), (Mode.NORMAL,), Mode.PULSE, Answer.GRANTED, Given.READY),
    **_rows(Event.EXTENDED_CREDENTIAL, (Mode.NORMAL,), Mode.EXTENDED_PULSE, Answer.GRANTED, Given.READY),
    **_rows(ASKS, (Mode.NORMAL,), _SAME, Reason.BUSY, Given.SETTLING),
    **_rows(ASKS, (Mode.NORMAL,), _SAME, Reason.GATE_MOVES, Given.MOVING),
    **_rows(ASKS, (Mode.NORMAL,), _SAME, Answer.OPEN_ALREADY, Given.STANDS_OPEN),
    **_rows(ASKS, (Mode.NORMAL,), _SAME, Reason.INTERLOCKED, Given.INTERLOCKED),
    **_rows(CREDENTIALS, (Mode.NORMAL, Mode.PULSE, Mode.EXTENDED_PULSE), _SAME, Answer.ALONG, Given.ACCOMPANIED),
    # Who asks at any other.
    **_rows(ASKS, PULSES, _SAME, Reason.BUSY, _ANY),
    **_rows(ASKS, OPEN_MODES, _SAME, Answer.OPEN_ALREADY, _ANY),
    **_rows(ASKS, (Mode.LOCKDOWN,), _SAME, Reason.LOCKDOWN, _ANY),
    **_rows(ASKS, (Mode.TAMPER_BLOCK,), _SAME, Reason.TAMPER, _ANY),
    # REX: nothing but fire outranks it, and only a moving gate makes it wait.
    **_rows(Event.REX, (Mode.NORMAL, *_BARRED), Mode.EGRESS, Answer.GRANTED, _SOON),
    **_rows(Event.REX, (Mode.NORMAL, *_BARRED), _SAME, Answer.WAITS, Given.MOVING),
    **_rows(Event.REX, (Mode.NORMAL, *_BARRED), _SAME, Answer.OPEN_ALREADY, Given.STANDS_OPEN),
    **_rows(Event.REX, (*PULSES, *OPEN_MODES), _SAME, Answer.OPEN_ALREADY, _ANY),
    # What stands, highest first. An exit that has begun is finished under everything but fire.
    **_rows(Event.FIRE, tuple(mode for mode in Mode if mode not in FIRES), Mode.FIRE),
    **_rows(Event.FIRE, FIRES, _SAME),
    **_rows(
        Event.LOCKDOWN,
        (Mode.NORMAL, Mode.PULSE, Mode.EXTENDED_PULSE, Mode.FREE_ACCESS, Mode.MANUAL_HOLD, *_BARRED),
        Mode.LOCKDOWN,
    ),
    **_rows(Event.LOCKDOWN, (Mode.EGRESS, *FIRES), _SAME),
    **_rows(
        Event.TAMPER_BLOCK,
        (Mode.NORMAL, Mode.PULSE, Mode.EXTENDED_PULSE, Mode.FREE_ACCESS, Mode.MANUAL_HOLD, Mode.TAMPER_BLOCK),
        Mode.TAMPER_BLOCK,
    ),
    **_rows(Event.TAMPER_BLOCK, (Mode.EGRESS, Mode.LOCKDOWN, *FIRES), _SAME),
    **_rows(
        Event.HOLD,
        (Mode.NORMAL, Mode.FREE_ACCESS, Mode.MANUAL_HOLD),
        Mode.MANUAL_HOLD,
        Answer.GRANTED,
        Given.HOLDABLE,
    ),
    **_rows(Event.HOLD, PULSES, _SAME, Answer.GRANTED, Given.HOLDABLE),
    **_rows(Event.HOLD, FIRES, _SAME, Answer.OPEN_ALREADY, Given.HOLDABLE),
    **_rows(Event.HOLD, (Mode.LOCKDOWN,), _SAME, Reason.LOCKDOWN, Given.HOLDABLE),
    **_rows(Event.HOLD, (Mode.TAMPER_BLOCK,), _SAME, Reason.TAMPER, Given.HOLDABLE),
    **_rows(Event.HOLD, (Mode.EGRESS,), _SAME, Reason.LOCKDOWN, Given.UNDER_LOCKDOWN),
    **_rows(Event.HOLD, (Mode.EGRESS,), _SAME, Reason.TAMPER, Given.UNDER_TAMPER_BLOCK),
    **_rows(Event.HOLD, tuple(Mode), _SAME, Reason.NO_HOLD_RELAY, Given.UNHOLDABLE),
    **_rows(Event.FREE_ACCESS, (Mode.NORMAL, Mode.FREE_ACCESS), Mode.FREE_ACCESS, given=Given.HOLDABLE),
    **_rows(
        Event.FREE_ACCESS,
        tuple(mode for mode in Mode if mode not in (Mode.NORMAL, Mode.FREE_ACCESS)),
        _SAME,
        given=Given.HOLDABLE,
    ),
    **_rows(Event.FREE_ACCESS, tuple(Mode), _SAME, Reason.NO_HOLD_RELAY, Given.UNHOLDABLE),
    # What stood ends: the highest of what still stands takes its place, unless a pulse runs.
    **_rows(tuple(ENDS), tuple(mode for mode in Mode if mode not in (*PULSES, Mode.FIRE_PAUSE)), Place.STANDING),
    **_rows(tuple(ENDS), PULSES, _SAME),
    **_rows(Event.FIRE_OVER, (Mode.FIRE_PAUSE,), Place.STANDING),
    **_rows(tuple(event for event in ENDS if event is not Event.FIRE_OVER), (Mode.FIRE_PAUSE,), _SAME),
    # A pulse ends, by time or because the passage is over; a fire without a hold relay begins another.
    **_rows(Event.PULSE_OVER, PULSES, Place.STANDING),
    **_rows(Event.PULSE_OVER, (Mode.FIRE,), Mode.FIRE_PAUSE),
    **_rows(Event.PULSE_OVER, (Mode.FIRE_PAUSE,), Mode.FIRE),
    **_rows((Event.SHUT, Event.PASSED), PULSES, Place.STANDING, given=Given.RELOCKS),
    # The leaf.
    **_rows(Event.OPENED, (Leaf.SHUT,), Leaf.OPEN, given=Given.PERMITTED),
    **_rows(Event.OPENED, (Leaf.SHUT,), Leaf.FORCED, given=Given.UNPERMITTED),
    **_rows(Event.SHUT, tuple(Leaf), Leaf.SHUT, given=(Given.RELOCKS, Given.STAYS)),
    **_rows(Event.OPEN_TOO_LONG, (Leaf.OPEN,), Leaf.PRE_ALARM),
    **_rows(Event.OPEN_TOO_LONG, (Leaf.PRE_ALARM,), Leaf.HELD_OPEN),
    **_rows(Event.UNLOCKED, (Leaf.OPEN, Leaf.PRE_ALARM, Leaf.HELD_OPEN), Leaf.OPEN),
    # The end: everything off, whatever stood.
    **_rows(Event.STOP, tuple(Mode), Mode.NORMAL),
}
