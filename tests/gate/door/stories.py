"""A door told as a story: what happens to it and when, on each kind of lock; what it then does."""

from dataclasses import replace

from gate.door.machine import step
from gate.door.policy import Policy
from gate.door.states import Answer, Door, Event, Happening, Note
from gate.vocabulary import Reason

STRIKE = Policy(contact=True)
HELD = Policy(contact=True, hold_relay=True)
MOMENTARY = Policy(pulse_s=0.5, operator=True, toggles=True, contact=True, relocks=False)
REPORTING = replace(MOMENTARY, reports_moving=True, hold_relay=True)
TURNSTILE = Policy(counts_passages=True, pulse_s=5)
BLIND = Policy()
POLICIES = (STRIKE, HELD, MOMENTARY, REPORTING, TURNSTILE, BLIND, replace(HELD, other_keys=True, relocks=False))
ASKS = (Event.CREDENTIAL, Event.EXTENDED_CREDENTIAL, Event.COMMAND)


def live(policy, *happenings, door=None):
    """Run (time, event, ...) through a door; returns it and all outputs."""
    door, outputs = door or Door(), []
    for number, (now, event, *fault) in enumerate(happenings):
        door, told = step(door, Happening(event, f"g{number}", *fault), now, policy)
        outputs += told
    return door, outputs


def notes(outputs, kind=None):
    return [(n.kind, *n.details.values()) for n in outputs if isinstance(n, Note) and kind in (None, n.kind)]


def answers(outputs):
    return [output for output in outputs if isinstance(output, Answer | Reason)]
