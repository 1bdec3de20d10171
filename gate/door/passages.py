"""Who goes through: every grant is followed by exactly one passage, and others may come along with whoever was let in.

This lies outside the table (see `gate.door.machine`): it follows what the table answered, and changes no mode. Pure.
"""

from __future__ import annotations

from dataclasses import replace

from gate.door.policy import Policy
from gate.door.states import ASKS, CREDENTIALS, PULSES, Answer, Door, Event, Happening, Mode, Note, Passage
from gate.vocabulary import Kind, Reason


def follow(
    before: Door, door: Door, happening: Happening, answer: Answer | Reason | None, now: float, policy: Policy
) -> tuple[Door, list[Note]]:
    """The door, with who is awaited and whom others may come along with, and what the record is told of a passage.

    `before` is the door as the happening found it, `answer` what whoever asked was told.
    """
    door, notes = _account(before, door, happening, answer, now, policy)
    return _gather(door, happening, answer, now, policy), notes


def _account(
    before: Door, door: Door, happening: Happening, answer: Answer | Reason | None, now: float, policy: Policy
) -> tuple[Door, list[Note]]:
    """The passage that was awaited is taken, not taken, or unknown where nothing can tell."""
    event, awaited = happening.event, door.awaited
    if answer is Answer.OPEN_ALREADY and event in ASKS:
        return door, [_passage(happening.grant, "unknown")]
    if answer is Answer.GRANTED and (event in ASKS or event is Event.REX):
        tellable = policy.counts_passages or (policy.contact and not before.ajar)
        return replace(door, awaited=Passage(happening.grant, tellable)), [_not_taken(awaited)] if awaited else []
    if awaited is None:
        return door, []
    if event is (Event.PASSED if policy.counts_passages else Event.OPENED) and awaited.tellable:
        return replace(door, awaited=None), [_passage(awaited.grant, "taken")]
    if event is Event.STOP:
        return replace(door, awaited=None), [_passage(awaited.grant, "unknown")]
    if event is Event.PASSAGE_OVER:
        return replace(door, awaited=None), [_not_taken(awaited)]
    if awaited.until_mono is None and door.mode not in PULSES:
        ends = max(now, door.permitted_until_mono)
        return replace(door, awaited=replace(awaited, until_mono=ends)), []
    return door, []


def _gather(door: Door, happening: Happening, answer: Answer | Reason | None, now: float, policy: Policy) -> Door:
    """Whom others may come along with: whoever was let in by a credential, until the gate has opened."""
    if answer is Answer.GRANTED:
        alone = happening.event not in CREDENTIALS or policy.counts_passages
        return replace(door, party=None if alone else happening.grant)
    return without_late_party(door, now, policy)


def without_late_party(door: Door, now: float, policy: Policy) -> Door:
    """The door, with nobody to come along with once it no longer opens for them."""
    return door if opens_for_party(door, now, policy) else replace(door, party=None)


def opens_for_party(door: Door, now: float, policy: Policy) -> bool:
    """Whether the gate is still opening for whoever was let in by a credential last."""
    if door.party is None:
        return False
    in_motion = policy.operator and (door.moves or now < door.travel_until_mono)
    return door.mode in (Mode.PULSE, Mode.EXTENDED_PULSE) or (door.mode is Mode.NORMAL and in_motion)


def _not_taken(awaited: Passage) -> Note:
    return _passage(awaited.grant, "not_taken" if awaited.tellable else "unknown")


def _passage(grant: str, outcome: str) -> Note:
    return Note(Kind.PASSAGE, {"grant": grant, "outcome": outcome})
