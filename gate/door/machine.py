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

What happens is taken in five steps. The table (`gate.door.table`) has a row for a mode, an event and what the event
finds (`Given`: is the door ready, does the gate move, is there a hold relay); it says which mode follows and what is
answered. Where it has no row, the mode stays and nobody is answered. Around the table, and in none of its rows, lie:

1. What the event finds. It is looked up in the door and in the policy before the table is asked.
2. What is remembered whatever the mode (`gate.door.standing`): what stands, whether the gate moves, what is faulty. A
   row only leads to "the highest of what stands"; that a lockdown ordered in a fire takes its place when the fire is
   over is remembered here. What was refused is not. A gate that moves and a fault change no mode.
3. Times and relays. Whatever ends by itself (a pulse, a passage, a pre-alarm, a tamper block, a movement) has its
   moment in `Door`, and comes back as an event when that is due. The relays are switched as a mode is entered, and by
   nothing else.
4. The leaf's alarms. An open leaf is none while the lock is open for good, and its times do not run.
5. The passage of each grant, and who comes along (`gate.door.passages`). They follow what was answered.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from gate.door.passages import follow, opens_for_party, without_late_party
from gate.door.policy import Policy
from gate.door.standing import remember
from gate.door.states import (
    ASKS,
    CREDENTIALS,
    OPEN_MODES,
    PULSES,
    STANDING,
    Answer,
    Barred,
    Door,
    Energise,
    Event,
    Given,
    Happening,
    Hold,
    Leaf,
    Mode,
    Note,
    Output,
    Place,
    Release,
)
from gate.door.table import TABLE
from gate.vocabulary import Kind, Reason

# Between two pulses of the maximum in a fire, seconds: long enough for a relay to drop out.
FIRE_PAUSE_S = 0.25
# An operator that reports its movement has this long to begin it after the pulse, seconds.
START_S = 1.0

# What it says of a leaf, when that begins and when it is over.
_LEAF_TOLD = {
    Leaf.PRE_ALARM: (Kind.DOOR_PRE_ALARM, Kind.DOOR_PRE_ALARM_OVER),
    Leaf.HELD_OPEN: (Kind.DOOR_HELD_OPEN, Kind.DOOR_HELD_OPEN_OVER),
    Leaf.FORCED: (Kind.DOOR_FORCED, Kind.DOOR_FORCED_OVER),
}
# What bars credentials while it stands, the highest first.
_BARRED = {Mode.LOCKDOWN: Given.UNDER_LOCKDOWN, Mode.TAMPER_BLOCK: Given.UNDER_TAMPER_BLOCK}


def due_mono(door: Door, now: float) -> float | None:
    """When the machine next has something to do by itself, monotonic seconds; None where nothing is due."""
    ends = [when for when, _ in _timers(door)]
    ends += [when for when in (door.quiet_until_mono, door.travel_until_mono) if when > now]
    return min(ends, default=None)


def at_rest(door: Door, now: float, policy: Policy) -> bool:
    """Whether a resident who asked now would set the gate in motion, and it is known to be shut where that matters."""
    given = _given(door, Event.CREDENTIAL, now, policy)
    _, answer = TABLE[door.mode, Event.CREDENTIAL, given]
    blind = policy.toggles and not policy.contact
    return answer is Answer.GRANTED and not door.ajar and not blind


def barred(door: Door, now: float) -> Barred:
    """What of the door bars credentials, and must outlast a restart."""
    until = door.tamper_until_mono
    return Barred(Mode.LOCKDOWN in door.standing, 0.0 if until is None else max(0.0, until - now))


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
    # A gate that begins to move later than it was to has not been opening all the while.
    door = without_late_party(door, now, policy)
    given = _given(door, happening.event, now, policy)
    mode, answer = TABLE.get((door.mode, happening.event, given), (Place.SAME, None))
    outputs: list[Output] = [] if answer is None else [answer]
    after = door
    if not isinstance(answer, Reason):
        after, notes = remember(door, happening, now, policy)
        outputs += notes
    after, orders = _enter(after, _target(mode, after), happening, now, policy)
    outputs += orders
    after, notes = _swing(after, happening.event, given, now, policy)
    outputs += notes
    after, notes = follow(door, after, happening, answer, now, policy)
    return after, [*outputs, *notes]


def _given(door: Door, event: Event, now: float, policy: Policy) -> Given | None:
    if event in CREDENTIALS and opens_for_party(door, now, policy):
        return Given.ACCOMPANIED
    if event in ASKS and door.interlocked and door.mode is Mode.NORMAL:
        return Given.INTERLOCKED
    if event in ASKS or event is Event.REX:
        return _readiness(door, now, policy)
    if event in (Event.HOLD, Event.FREE_ACCESS):
        return _holdable(door, event, policy)
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


def _holdable(door: Door, event: Event, policy: Policy) -> Given:
    if not policy.hold_relay:
        return Given.UNHOLDABLE
    if event is Event.HOLD and door.mode is Mode.EGRESS:
        # Whoever leaves under a lockdown leaves the gate as barred as it was.
        return next((given for mode, given in _BARRED.items() if mode in door.standing), Given.HOLDABLE)
    return Given.HOLDABLE


def _permitted(door: Door, now: float, policy: Policy) -> bool:
    unlocked = door.mode in PULSES or door.mode in OPEN_MODES
    return unlocked or policy.other_keys or now < door.permitted_until_mono


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


def _swing(door: Door, event: Event, given: Given | None, now: float, policy: Policy) -> tuple[Door, list[Note]]:
    """Move the leaf; where the lock is open for good, an open leaf is no alarm and has no time."""
    leaf = _leaf_after(door.leaf, event, given if event in (Event.OPENED, Event.SHUT) else None)
    if door.mode in OPEN_MODES:
        leaf = _leaf_after(leaf, Event.UNLOCKED, None)
    notes = [
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
