"""What the door remembers whatever its mode: what stands, what moves or is open beside it, and what is faulty. Pure.

This lies outside the table (see `gate.door.machine`): a lockdown that begins in a fire changes no mode, and is the
mode when the fire is over.
"""

from __future__ import annotations

from dataclasses import replace

from gate.door.policy import Policy
from gate.door.states import BEGINS, ENDS, Door, Event, Happening, Note
from gate.vocabulary import Fault, Kind

# Longer than this many travels, and a gate that reports moving is stuck or its wire is.
STUCK_TRAVELS = 3

# What the record says when something comes to stand, and when it is over.
_TOLD = {
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


def remember(door: Door, happening: Happening, now: float, policy: Policy) -> tuple[Door, list[Note]]:
    """The door after something happened, its mode untouched, and what the record is told of it."""
    door, notes = _stand(door, happening.event, now, policy)
    door, of_faults = _find_fault(_move(door, happening.event, now, policy), happening)
    return door, [*notes, *of_faults]


def _stand(door: Door, event: Event, now: float, policy: Policy) -> tuple[Door, list[Note]]:
    if event is Event.STOP:
        return replace(door, standing=frozenset(), tamper_until_mono=None), []
    if event in BEGINS:
        standing, tamper_until = door.standing | {BEGINS[event]}, now + policy.tamper_block_s
    elif event in ENDS:
        standing, tamper_until = door.standing - {ENDS[event]}, None
    else:
        return door, []
    notes = [Note(_TOLD[event], {})] if standing != door.standing else []
    if event in (Event.TAMPER_BLOCK, Event.TAMPER_BLOCK_OVER):
        door = replace(door, tamper_until_mono=tamper_until)
    return replace(door, standing=standing), notes


def _move(door: Door, event: Event, now: float, policy: Policy) -> Door:
    match event:
        case Event.MOVES:
            return replace(door, moves=True, moves_until_mono=now + STUCK_TRAVELS * policy.travel_s)
        case Event.RESTS:
            return replace(door, moves=False, moves_until_mono=None, travel_until_mono=min(door.travel_until_mono, now))
        case Event.MOVES_TOO_LONG:
            return replace(door, moves=False, moves_until_mono=None)
        case Event.OTHER_OPENED | Event.OTHER_SHUT:
            return replace(door, interlocked=event is Event.OTHER_OPENED)
    return door


def _find_fault(door: Door, happening: Happening) -> tuple[Door, list[Note]]:
    """Each fault is told once when it begins, and once when it is over."""
    event = happening.event
    fault = Fault.GATE_STUCK if event in (Event.MOVES_TOO_LONG, Event.RESTS) else happening.fault
    if fault is None:
        return door, []
    if event in (Event.FAULT, Event.MOVES_TOO_LONG) and fault not in door.faults:
        return replace(door, faults=door.faults | {fault}), [Note(Kind.FAULT, {"fault": fault})]
    if event in (Event.FAULT_OVER, Event.RESTS) and fault in door.faults:
        return replace(door, faults=door.faults - {fault}), [Note(Kind.FAULT_OVER, {"fault": fault})]
    return door, []
