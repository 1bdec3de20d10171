"""What a door can be, what can happen to it, and what is then done: the words of `gate.door.machine`, and its values.

Nothing here decides. Times are monotonic seconds. Pure.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from gate.vocabulary import Fault, Kind, Reason


class Mode(StrEnum):
    """What the lock is told: to be locked (normal, tamper_block, lockdown), open for a pulse, or open for good.

    `fire_pause` lies between two pulses of a fire, where a lock has no hold relay.
    """

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
    """What the contact saw of the door's leaf. `pre_alarm` warns that `held_open` is near; `forced` is open with no
    right to be."""

    SHUT = "shut"
    OPEN = "open"
    PRE_ALARM = "pre_alarm"
    HELD_OPEN = "held_open"
    FORCED = "forced"


class Event(StrEnum):
    """What can happen: somebody asks, something comes to stand or ends, time is up, an input changes."""

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
    OTHER_OPENED = "other_opened"
    OTHER_SHUT = "other_shut"
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
    INTERLOCKED = "other door open"
    HOLDABLE = "has a hold relay"
    UNHOLDABLE = "no hold relay"
    UNDER_LOCKDOWN = "lockdown stands"
    UNDER_TAMPER_BLOCK = "tamper block stands"
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
    """Where a row of the table leads when that is not one fixed state: nowhere, or to the highest of what stands."""

    SAME = "same"
    STANDING = "standing"


# Who asks: residents, and a person at the console.
CREDENTIALS = (Event.CREDENTIAL, Event.EXTENDED_CREDENTIAL)
ASKS = (*CREDENTIALS, Event.COMMAND)
PULSES = (Mode.PULSE, Mode.EXTENDED_PULSE, Mode.EGRESS)
FIRES = (Mode.FIRE, Mode.FIRE_PAUSE)
OPEN_MODES = (Mode.FREE_ACCESS, Mode.MANUAL_HOLD, *FIRES)
# What can stand, highest first.
STANDING = (Mode.FIRE, Mode.LOCKDOWN, Mode.TAMPER_BLOCK, Mode.MANUAL_HOLD, Mode.FREE_ACCESS)
BEGINS = {
    Event.FIRE: Mode.FIRE,
    Event.LOCKDOWN: Mode.LOCKDOWN,
    Event.TAMPER_BLOCK: Mode.TAMPER_BLOCK,
    Event.HOLD: Mode.MANUAL_HOLD,
    Event.FREE_ACCESS: Mode.FREE_ACCESS,
}
ENDS = {
    Event.FIRE_OVER: Mode.FIRE,
    Event.LOCKDOWN_OVER: Mode.LOCKDOWN,
    Event.TAMPER_BLOCK_OVER: Mode.TAMPER_BLOCK,
    Event.HOLD_OVER: Mode.MANUAL_HOLD,
    Event.FREE_ACCESS_OVER: Mode.FREE_ACCESS,
}


@dataclass(frozen=True, slots=True)
class Passage:
    """A grant that somebody has yet to go through by."""

    grant: str
    """The grant's id."""
    tellable: bool
    """Whether a contact can tell that they did."""
    until_mono: float | None = None
    """When it counts as not taken; None while its pulse runs."""


_PAST = float("-inf")


@dataclass(frozen=True, slots=True)
class Door:
    """All that the machine knows. Times are monotonic seconds, and None where nothing is due."""

    mode: Mode = Mode.NORMAL
    until_mono: float | None = None
    """When the mode ends by itself."""
    standing: frozenset[Mode] = frozenset()
    """What stands, whether or not it is the mode now: each of `STANDING` that began and has not ended."""
    tamper_until_mono: float | None = None
    quiet_until_mono: float = _PAST
    """The interval after a pulse, in which no credential and no command gets another."""
    moves: bool = False
    """Whether the operator says that its gate moves."""
    moves_until_mono: float | None = None
    """When that has lasted so long that it is not believed any more."""
    travel_until_mono: float = _PAST
    """Until when a gate that was set in motion counts as moving, whatever is said."""
    interlocked: bool = False
    """Whether the other of two doors is open, of which one at most is to be."""
    leaf: Leaf = Leaf.SHUT
    leaf_until_mono: float | None = None
    """When an open leaf becomes a pre-alarm, or that an alarm."""
    permitted_until_mono: float = _PAST
    """Until when a leaf that opens was let to, after the lock was released."""
    extended: bool = False
    """Whether whoever was let in last needs more time."""
    awaited: Passage | None = None
    party: str | None = None
    """The id of the grant by credential for which the gate opens now."""
    faults: frozenset[Fault] = frozenset()

    @property
    def ajar(self) -> bool:
        """Whether the contact says open."""
        return self.leaf is not Leaf.SHUT


@dataclass(frozen=True, slots=True)
class Barred:
    """What bars credentials and must outlast a restart: a lockdown, and what is left of a tamper block (seconds)."""

    lockdown: bool = False
    tamper_left_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Energise:
    """Switch the relay on, for so many seconds."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Release:
    """Switch the relay off."""


@dataclass(frozen=True, slots=True)
class Hold:
    """Switch the hold relay on or off."""

    on: bool


@dataclass(frozen=True, slots=True)
class Note:
    """Put a line on record."""

    kind: Kind
    details: dict[str, object]


# What a step leads to, in order: what to do, and what to tell whoever asked.
Output = Energise | Release | Hold | Note | Answer | Reason


@dataclass(frozen=True, slots=True)
class Happening:
    """Something happens: an event, with the id of the grant where somebody asks, and the fault where one is told."""

    event: Event
    grant: str = ""
    fault: Fault | None = None
