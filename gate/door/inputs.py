"""The inputs of one gate, and what happens when one of them changes. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from gate.door.states import Event, Happening
from gate.vocabulary import Fault


class Input(StrEnum):
    """The contacts and buttons at a gate, each between ground and a pin of the settings: `rex_pin` and so on.

    `readback` is a spare contact of the relay, `moving` an operator's output, `passage` a turnstile's contact,
    `interlock` the contact of the other of two doors.
    """

    REX = "rex"
    FIRE = "fire"
    TAMPER = "tamper"
    CONTACT = "contact"
    PASSAGE = "passage"
    MOVING = "moving"
    READBACK = "readback"
    INTERLOCK = "interlock"
    BELL = "bell"


@dataclass(frozen=True, slots=True)
class Edge:
    """An input changed: which, whether it says its word now, and when (monotonic seconds)."""

    which: Input
    active: bool
    mono: float


def happenings_of(which: Input, active: bool, *, tamper_blocks: bool) -> tuple[Happening, ...]:
    """What an input that says its word, or no longer does, means to the door's machine.

    `tamper_blocks` is whether an opened housing bars credentials. The exit button asks, which is no happening of this
    kind, nor is the bell, and the relay's contact is only looked at.
    """
    match which:
        case Input.FIRE:
            return (Happening(Event.FIRE if active else Event.FIRE_OVER),)
        case Input.TAMPER:
            told = Happening(Event.FAULT if active else Event.FAULT_OVER, fault=Fault.TAMPER)
            return (told, Happening(Event.TAMPER_BLOCK)) if active and tamper_blocks else (told,)
        case Input.CONTACT:
            return (Happening(Event.OPENED if active else Event.SHUT),)
        case Input.PASSAGE:
            return (Happening(Event.PASSED),) if active else ()
        case Input.INTERLOCK:
            return (Happening(Event.OTHER_OPENED if active else Event.OTHER_SHUT),)
        case Input.MOVING:
            return (Happening(Event.MOVES if active else Event.RESTS),)
    return ()
