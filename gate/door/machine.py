"""Theory of operation: the door's states, and everything that moves it between them, in one table.

Two things are true of a door at every moment. Its *mode* says what the lock is told: rest, one of three pulses, or
something that stands (free access, a manual hold, a tamper block, lockdown, fire). Its *leaf* says what the
contact saw: shut, open, open for too long, forced.

A credential (a resident), a command (a person at the console) and a request to exit ask for a pulse; each is answered
at once. What stands outranks what asks, but for REX, which only fire outranks: while lockdown stands, a credential is
refused and REX still opens. When a pulse ends, the door goes to the highest of what still stands, so that nothing
that began during a pulse is forgotten. No pulse follows while one runs, while the interval after it runs (REX does not
wait for that), or while the gate moves; and an operator whose pulse would close an open gate gets none. A resident who
asks while the gate opens for another by credential comes along with them, and moves nothing; at a turnstile everyone
waits for a turn of their own.

The relay follows the mode: on in the three pulses, off elsewhere. What must stay open stays open by the hold relay; a
lock without one is kept open in a fire by pulses of the maximum with a short pause between them, so that no relay is
ever on for longer than its maximum. Every grant is followed by exactly one `passage`: taken, not taken, or unknown.

`step` is a pure function of the door, what happened and the time. It never reads a clock: `now` is monotonic seconds.
What was due before `now` happens first, each at its own time, so that a late caller changes no outcome.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from enum import StrEnum

from gate.door.policy import Policy
from gate.vocabulary import Fault, Kind, Reason

# Between two pulses of the maximum in a fire, seconds: long enough for a relay to drop out.
FIRE_PAUSE_S = 0.25
# An operator that reports its movement has this long to begin it after the pulse, seconds.
START_S = 1.0
# Longer than this many travels, and a gate that reports moving is stuck or its wire is.
STUCK_TRAVELS = 3


class Mode(StrEnum):
    """What the lock is told."""

    NORMAL = "normal"
    PULSE = "pulse"
    EXTENDED_PULSE = "extended_pulse"
    EGRESS = "egress"
    FREE_ACCESS = "free_access"
    MANUAL_HOLD = "manual_hold"
    TAMPER_BLOCK = "tamper_block"
    LOCKDOWN = "lockdown"
    FIRE = "fire"
    FIRE_PAUSE = "fire_pause"


class Leaf(StrEnum):
    """What the contact saw."""

    SHUT = "shut"
    OPEN = "open"
    PRE_ALARM = "pre_alarm"
    HELD_OPEN = "held_open"
    FORCED = "forced"


class Event(StrEnum):
    """What can happen."""

    CREDENTIAL = "credential"
    EXTENDED_CREDENTIAL = "extended_credential"
    COMMAND = "command"
    REX = "rex"
    FIRE = "fire"
    FIRE_OVER = "fire_over"
    LOCKDOWN = "lockdown"
    LOCKDOWN_OVER = "lockdown_over"
    TAMPER_BLOCK = "tamper_block"
    TAMPER_BLOCK_OVER = "tamper_block_over"
    HOLD = "hold"
    HOLD_OVER = "hold_over"
    FREE_ACCESS = "free_access"
    FREE_ACCESS_OVER = "free_access_over"
    PULSE_OVER = "pulse_over"
    OPENED = "opened"
    SHUT = "shut"
    OPEN_TOO_LONG = "open_too_long"
    UNLOCKED = "unlocked"
    PASSED = "passed"
    PASSAGE_OVER = "passage_over"
    MOVES = "moves"
    RESTS = "rests"
    MOVES_TOO_LONG = "moves_too_long"
    FAULT = "fault"
    FAULT_OVER = "fault_over"
    TIME = "time"
    STOP = "stop"


class Given(StrEnum):
    """What an event finds, where that decides what follows."""

    READY = "ready"
    SETTLING = "interval running"
    ACCOMPANIED = "opens for another"
    MOVING = "gate moves"
    STANDS_OPEN = "gate stands open"
    HOLDABLE = "has a hold relay"
    UNHOLDABLE = "no hold relay"
    PERMITTED = "permitted"
    UNPERMITTED = "not permitted"
    RELOCKS = "relocks"
    STAYS = "does not relock"


class Answer(StrEnum):
    """What someone who asks is told when they are not refused."""

    GRANTED = "granted"
    OPEN_ALREADY = "open_already"
    ALONG = "along"
    WAITS = "waits"


class Place(StrEnum):
    """A target that is not one fixed state."""

    SAME = "same"
    STANDING = "standing"


_CREDENTIALS = (Event.CREDENTIAL, Event.EXTENDED_CREDENTIAL)
_ASKS = (*_CREDENTIALS, Event.COMMAND)
PULSES = (Mode.PULSE, Mode.EXTENDED_PULSE, Mode.EGRESS)
FIRES = (Mode.FIRE, Mode.FIRE_PAUSE)
OPEN_MODES = (Mode.FREE_ACCESS, Mode.MANUAL_HOLD, *FIRES)
# What can stand, highest first.
STANDING = (Mode.FIRE, Mode.LOCKDOWN, Mode.TAMPER_BLOCK, Mode.MANUAL_HOLD, Mode.FREE_ACCESS)
_BEGINS = {
    Event.FIRE: Mode.FIRE,
    Event.LOCKDOWN: Mode.LOCKDOWN,
    Event.TAMPER_BLOCK: Mode.TAMPER_BLOCK,
    Event.HOLD: Mode.MANUAL_HOLD,
    Event.FREE_ACCESS: Mode.FREE_ACCESS,
}
_ENDS = {
    Event.FIRE_OVER: Mode.FIRE,
    Event.LOCKDOWN_OVER: Mode.LOCKDOWN,
    Event.TAMPER_BLOCK_OVER: Mode.TAMPER_BLOCK,
    Event.HOLD_OVER: Mode.MANUAL_HOLD,
    Event.FREE_ACCESS_OVER: Mode.FREE_ACCESS,
}
# What the record says when something comes to stand, and when it is over.
_STANDS = {
    Event.FIRE: Kind.FIRE,
    Event.FIRE_OVER: Kind.FIRE_OVER,
    Event.LOCKDOWN: Kind.LOCKDOWN,
    Event.LOCKDOWN_OVER: Kind.LOCKDOWN_OVER,
    Event.TAMPER_BLOCK: Kind.TAMPER_BLOCK,
    Event.TAMPER_BLOCK_OVER: Kind.TAMPER_BLOCK_OVER,
    Event.HOLD: Kind.HOLD,
    Event.HOLD_OVER: Kind.HOLD_OVER,
    Event.FREE_ACCESS: Kind.FREE_ACCESS,
    Event.FREE_ACCESS_OVER: Kind.FREE_ACCESS_OVER,
}
# What it says of a leaf, when that begins and when it is over.
_LEAF_TOLD = {
    Leaf.PRE_ALARM: (Kind.DOOR_PRE_ALARM, Kind.DOOR_PRE_ALARM_OVER),
    Leaf.HELD_OPEN: (Kind.DOOR_HELD_OPEN, Kind.DOOR_HELD_OPEN_OVER),
    Leaf.FORCED: (Kind.DOOR_FORCED, Kind.DOOR_FORCED_OVER),
}

Key = tuple[Mode | Leaf, Event, Given | None]
Row = tuple[Mode | Leaf | Place, Answer | Reason | None]


def _rows(
    events: Event | tuple[Event, ...],
    at: tuple[Mode | Leaf, ...],
    to: Mode | Leaf | Place,
    answer: Answer | Reason | None = None,
    given: Given | tuple[Given, ...] | None = None,
) -> dict[Key, Row]:
    each = events if isinstance(events, tuple) else (events,)
    found = given if isinstance(given, tuple) else (given,)
    return {(state, event, condition): (to, answer) for event in each for state in at for condition in found}


_READY = (Given.READY,)
_SOON = (Given.READY, Given.SETTLING)
_ANY = (Given.READY, Given.SETTLING, Given.MOVING, Given.STANDS_OPEN)
_SAME = Place.SAME
_BARRED = (Mode.LOCKDOWN, Mode.TAMPER_BLOCK)

TABLE: dict[Key, Row] = {
    # Who asks at a door at rest.
    **_rows((Event.CREDENTIAL, Event.COMMAND), (Mode.NORMAL,), Mode.PULSE, Answer.GRANTED, Given.READY),
    **_rows(Event.EXTENDED_CREDENTIAL, (Mode.NORMAL,), Mode.EXTENDED_PULSE, Answer.GRANTED, Given.READY),
    **_rows(_ASKS, (Mode.NORMAL,), _SAME, Reason.BUSY, Given.SETTLING),
    **_rows(_ASKS, (Mode.NORMAL,), _SAME, Reason.GATE_MOVES, Given.MOVING),
    **_rows(_ASKS, (Mode.NORMAL,), _SAME, Answer.OPEN_ALREADY, Given.STANDS_OPEN),
    **_rows(_CREDENTIALS, (Mode.NORMAL, Mode.PULSE, Mode.EXTENDED_PULSE), _SAME, Answer.ALONG, Given.ACCOMPANIED),
    # Who asks at any other.
    **_rows(_ASKS, PULSES, _SAME, Reason.BUSY, _ANY),
    **_rows(_ASKS, OPEN_MODES, _SAME, Answer.OPEN_ALREADY, _ANY),
    **_rows(_ASKS, (Mode.LOCKDOWN,), _SAME, Reason.LOCKDOWN, _ANY),
    **_rows(_ASKS, (Mode.TAMPER_BLOCK,), _SAME, Reason.TAMPER, _ANY),
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
    **_rows(tuple(_ENDS), tuple(mode for mode in Mode if mode not in (*PULSES, Mode.FIRE_PAUSE)), Place.STANDING),
    **_rows(tuple(_ENDS), PULSES, _SAME),
    **_rows(Event.FIRE_OVER, (Mode.FIRE_PAUSE,), Place.STANDING),
    **_rows(tuple(event for event in _ENDS if event is not Event.FIRE_OVER), (Mode.FIRE_PAUSE,), _SAME),
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


@dataclass(frozen=True, slots=True)
class Passage:
    """A grant whose passage is awaited; `until_mono` is None while its pulse runs."""

    grant: str
    tellable: bool
    until_mono: float | None = None


_PAST = float("-inf")


@dataclass(frozen=True, slots=True)
class Door:
    """The whole state. Times are monotonic seconds; None where nothing is due.

    `party` is the id of the grant by credential for which the gate opens now.
    """

    mode: Mode = Mode.NORMAL
    until_mono: float | None = None
    standing: frozenset[Mode] = frozenset()
    tamper_until_mono: float | None = None
    quiet_until_mono: float = _PAST
    moves: bool = False
    moves_until_mono: float | None = None
    travel_until_mono: float = _PAST
    leaf: Leaf = Leaf.SHUT
    leaf_until_mono: float | None = None
    permitted_until_mono: float = _PAST
    extended: bool = False
    awaited: Passage | None = None
    party: str | None = None
    faults: frozenset[Fault] = frozenset()

    @property
    def ajar(self) -> bool:
        """Whether the contact says open."""
        return self.leaf is not Leaf.SHUT


@dataclass(frozen=True, slots=True)
class Energise:
    """The relay on, for so long."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Release:
    """The relay off."""


@dataclass(frozen=True, slots=True)
class Hold:
    """The hold relay on or off."""

    on: bool


@dataclass(frozen=True, slots=True)
class Note:
    """A line for the record."""

    kind: Kind
    details: dict[str, object]


Output = Energise | Release | Hold | Note | Answer | Reason


@dataclass(frozen=True, slots=True)
class Happening:
    """An event, with the grant's id where it asks and the fault where it is one."""

    event: Event
    grant: str = ""
    fault: Fault | None = None


def due_mono(door: Door, now: float) -> float | None:
    """When the machine next has something to do by itself."""
    ends = [when for when, _ in _timers(door)]
    ends += [when for when in (door.quiet_until_mono, door.travel_until_mono) if when > now]
    return min(ends, default=None)


def at_rest(door: Door, now: float, policy: Policy) -> bool:
    """Whether a resident who asked now would set the gate in motion, and it is known to be shut where that matters."""
    given = _given(door, Event.CREDENTIAL, now, policy)
    _, answer = TABLE[door.mode, Event.CREDENTIAL, given]
    blind = policy.toggles and not policy.contact
    return answer is Answer.GRANTED and not door.ajar and not blind


def opens_for_party(door: Door, now: float, policy: Policy) -> bool:
    """Whether the gate is still opening for whoever was let in by a credential last."""
    if door.party is None:
        return False
    in_motion = policy.operator and (door.moves or now < door.travel_until_mono)
    return door.mode in (Mode.PULSE, Mode.EXTENDED_PULSE) or (door.mode is Mode.NORMAL and in_motion)


def step(door: Door, happening: Happening, now: float, policy: Policy) -> tuple[Door, tuple[Output, ...]]:
    """The next state, and what to do, in order. What was due before `now` happens first."""
    outputs: list[Output] = []
    while (timer := _first_due(door, now)) is not None:
        due, event = timer
        door, told = _happen(door, Happening(event), due, policy)
        outputs += told
    door, told = _happen(door, happening, now, policy)
    return door, (*outputs, *told)


def _timers(door: Door) -> Iterator[tuple[float, Event]]:
    passage = door.awaited.until_mono if door.awaited else None
    for when, event in (
        (door.until_mono, Event.PULSE_OVER),
        (passage, Event.PASSAGE_OVER),
        (door.leaf_until_mono, Event.OPEN_TOO_LONG),
        (door.tamper_until_mono, Event.TAMPER_BLOCK_OVER),
        (door.moves_until_mono, Event.MOVES_TOO_LONG),
    ):
        if when is not None:
            yield when, event


def _first_due(door: Door, now: float) -> tuple[float, Event] | None:
    due = [timer for timer in _timers(door) if timer[0] <= now]
    return min(due, key=lambda timer: timer[0]) if due else None


def _happen(door: Door, happening: Happening, now: float, policy: Policy) -> tuple[Door, list[Output]]:
    given = _given(door, happening.event, now, policy)
    mode, answer = TABLE.get((door.mode, happening.event, given), (Place.SAME, None))
    outputs: list[Output] = []
    after = door
    if not isinstance(answer, Reason):
        after, notes = _remember(door, happening, now, policy)
        outputs += notes
    target = _target(mode, after)
    after, notes = _enter(after, target, happening, now, policy)
    outputs += notes
    if answer is not None:
        outputs.insert(0, answer)
    after, notes = _swing(after, happening.event, given, now, policy)
    outputs += notes
    after, notes = _account(door, after, happening, answer, now, policy)
    return _gather(after, happening, answer, now, policy), [*outputs, *notes]


def _given(door: Door, event: Event, now: float, policy: Policy) -> Given | None:
    if event in _CREDENTIALS and opens_for_party(door, now, policy):
        return Given.ACCOMPANIED
    if event in _ASKS or event is Event.REX:
        return _readiness(door, now, policy)
    if event in (Event.HOLD, Event.FREE_ACCESS):
        return Given.HOLDABLE if policy.hold_relay else Given.UNHOLDABLE
    if event is Event.OPENED:
        return Given.PERMITTED if _permitted(door, now, policy) else Given.UNPERMITTED
    if event in (Event.SHUT, Event.PASSED):
        return Given.RELOCKS if policy.relocks else Given.STAYS
    return None


def _readiness(door: Door, now: float, policy: Policy) -> Given:
    if policy.operator and (door.moves or now < door.travel_until_mono):
        return Given.MOVING
    if policy.toggles and door.ajar:
        return Given.STANDS_OPEN
    return Given.SETTLING if now < door.quiet_until_mono else Given.READY


def _permitted(door: Door, now: float, policy: Policy) -> bool:
    unlocked = door.mode in PULSES or door.mode in OPEN_MODES
    return unlocked or policy.other_keys or now < door.permitted_until_mono


def _remember(door: Door, happening: Happening, now: float, policy: Policy) -> tuple[Door, list[Output]]:
    """What stands, what moves and what is faulty, whatever the mode."""
    event, notes = happening.event, list[Output]()
    if event in _BEGINS:
        if _BEGINS[event] not in door.standing:
            notes.append(Note(_STANDS[event], {}))
        door = replace(door, standing=door.standing | {_BEGINS[event]})
        if event is Event.TAMPER_BLOCK:
            door = replace(door, tamper_until_mono=now + policy.tamper_block_s)
    elif event in _ENDS:
        if _ENDS[event] in door.standing:
            notes.append(Note(_STANDS[event], {}))
        door = replace(door, standing=door.standing - {_ENDS[event]})
        if event is Event.TAMPER_BLOCK_OVER:
            door = replace(door, tamper_until_mono=None)
    elif event is Event.STOP:
        door = replace(door, standing=frozenset(), tamper_until_mono=None)
    elif event is Event.MOVES:
        door = replace(door, moves=True, moves_until_mono=now + STUCK_TRAVELS * policy.travel_s)
    elif event is Event.RESTS:
        door = replace(door, moves=False, moves_until_mono=None, travel_until_mono=min(door.travel_until_mono, now))
    elif event is Event.MOVES_TOO_LONG:
        door = replace(door, moves=False, moves_until_mono=None)
    fault = Fault.GATE_STUCK if event in (Event.MOVES_TOO_LONG, Event.RESTS) else happening.fault
    if fault is None:
        return door, notes
    if event in (Event.FAULT, Event.MOVES_TOO_LONG) and fault not in door.faults:
        notes.append(Note(Kind.FAULT, {"fault": fault}))
        door = replace(door, faults=door.faults | {fault})
    elif event in (Event.FAULT_OVER, Event.RESTS) and fault in door.faults:
        notes.append(Note(Kind.FAULT_OVER, {"fault": fault}))
        door = replace(door, faults=door.faults - {fault})
    return door, notes


def _target(to: Mode | Leaf | Place, door: Door) -> Mode:
    if isinstance(to, Mode):
        return to
    if to is Place.SAME:
        return door.mode
    return next((mode for mode in STANDING if mode in door.standing), Mode.NORMAL)


def _enter(door: Door, mode: Mode, happening: Happening, now: float, policy: Policy) -> tuple[Door, list[Output]]:
    """Leave one mode for another: the relays follow."""
    if mode is door.mode:
        # A lock that a fire finds released by its hold relay stays so; there is nothing to tell.
        return door, []
    outputs: list[Output] = []
    seconds = _energised_s(mode, policy)
    if _energised_s(door.mode, policy) is not None:
        outputs.append(Release())
        door = _after_pulse(door, now, policy)
    if policy.hold_relay and (mode in OPEN_MODES) != (door.mode in OPEN_MODES):
        outputs.append(Hold(mode in OPEN_MODES))
    if door.mode in OPEN_MODES:
        door = replace(door, permitted_until_mono=now + policy.open_grace_s)
    lasts = FIRE_PAUSE_S if mode is Mode.FIRE_PAUSE else seconds
    door = replace(door, mode=mode, until_mono=None if lasts is None else now + lasts)
    if seconds is not None:
        outputs.append(Energise(seconds))
        if policy.operator:
            travel = seconds + START_S if policy.reports_moving else max(policy.travel_s, seconds)
            door = replace(door, travel_until_mono=now + travel)
    if mode in PULSES:
        door = replace(door, extended=happening.event is Event.EXTENDED_CREDENTIAL)
    return door, outputs


def _energised_s(mode: Mode, policy: Policy) -> float | None:
    if mode is Mode.FIRE:
        return None if policy.hold_relay else policy.max_pulse_s
    if mode is Mode.EXTENDED_PULSE:
        return policy.extended_pulse_s
    return policy.pulse_s if mode in PULSES else None


def _after_pulse(door: Door, now: float, policy: Policy) -> Door:
    opens_until = max(now, door.travel_until_mono) + policy.open_grace_s
    return replace(door, quiet_until_mono=now + policy.interval_s, permitted_until_mono=opens_until)


def _swing(door: Door, event: Event, given: Given | None, now: float, policy: Policy) -> tuple[Door, list[Output]]:
    """Move the leaf; where the lock is open for good, an open leaf is no alarm and has no time."""
    leaf = _leaf_after(door.leaf, event, given if event in (Event.OPENED, Event.SHUT) else None)
    if door.mode in OPEN_MODES:
        leaf = _leaf_after(leaf, Event.UNLOCKED, None)
    notes: list[Output] = [
        Note(_LEAF_TOLD[told][over], {})
        for told, over in ((door.leaf, True), (leaf, False))
        if leaf is not door.leaf and told in _LEAF_TOLD
    ]
    return replace(door, leaf=leaf, leaf_until_mono=_leaf_until(door, leaf, now, policy)), notes


def _leaf_after(leaf: Leaf, event: Event, given: Given | None) -> Leaf:
    to, _ = TABLE.get((leaf, event, given), (leaf, None))
    return to if isinstance(to, Leaf) else leaf


def _leaf_until(door: Door, leaf: Leaf, now: float, policy: Policy) -> float | None:
    if leaf not in (Leaf.OPEN, Leaf.PRE_ALARM) or door.mode in OPEN_MODES:
        return None
    if leaf is door.leaf and door.leaf_until_mono is not None and door.leaf_until_mono > now:
        return door.leaf_until_mono
    if leaf is Leaf.PRE_ALARM:
        return now + policy.pre_alarm_s
    return now + (policy.extended_held_open_s if door.extended else policy.held_open_s) - policy.pre_alarm_s


def _account(
    before: Door, door: Door, happening: Happening, answer: Answer | Reason | None, now: float, policy: Policy
) -> tuple[Door, list[Output]]:
    """Every grant gets one passage: taken, not taken, or unknown."""
    notes: list[Output] = []
    event, awaited = happening.event, door.awaited
    asks = event in _ASKS or event is Event.REX
    if asks and answer is Answer.OPEN_ALREADY and event is not Event.REX:
        return door, [_passage(happening.grant, "unknown")]
    if asks and answer is Answer.GRANTED:
        if awaited:
            notes.append(_passage(awaited.grant, "not_taken" if awaited.tellable else "unknown"))
        tellable = policy.counts_passages or (policy.contact and not before.ajar)
        return replace(door, awaited=Passage(happening.grant, tellable)), notes
    if awaited is None:
        return door, []
    if event is (Event.PASSED if policy.counts_passages else Event.OPENED) and awaited.tellable:
        return replace(door, awaited=None), [_passage(awaited.grant, "taken")]
    if event is Event.STOP:
        return replace(door, awaited=None), [_passage(awaited.grant, "unknown")]
    if event is Event.PASSAGE_OVER:
        return replace(door, awaited=None), [_passage(awaited.grant, "not_taken" if awaited.tellable else "unknown")]
    if awaited.until_mono is None and door.mode not in PULSES:
        ends = max(now, door.permitted_until_mono)
        return replace(door, awaited=replace(awaited, until_mono=ends)), []
    return door, []


def _gather(door: Door, happening: Happening, answer: Answer | Reason | None, now: float, policy: Policy) -> Door:
    """Whom others may come along with: whoever was let in by a credential, until the gate has opened."""
    if answer is Answer.GRANTED:
        alone = happening.event not in _CREDENTIALS or policy.counts_passages
        return replace(door, party=None if alone else happening.grant)
    return door if opens_for_party(door, now, policy) else replace(door, party=None)


def _passage(grant: str, outcome: str) -> Note:
    return Note(Kind.PASSAGE, {"grant": grant, "outcome": outcome})
