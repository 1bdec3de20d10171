"""Whether somebody who had their answer from the door, and stands there still, may ask again. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from gate.vocabulary import Reason

# The door could not judge: it heard the claim too late, not at all, or could not read its store. Seconds to wait.
_UNJUDGED_S = {Reason.STALE: 0.0, Reason.FAULT: 0.0, Reason.STORE_UNREADABLE: 2.0}
# The door could not open then: the gate was in motion, or nobody at all was let in.
_OF_THE_MOMENT = (Reason.BUSY, Reason.GATE_MOVES, Reason.LOCKDOWN, Reason.TAMPER)


@dataclass(frozen=True, slots=True)
class DoorNews:
    """What the door says of itself, asked after its last answer: whether a resident who asked now would set the gate in
    motion, and the ids of the last grants by which somebody went through."""

    at_rest: bool
    taken: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Answer:
    """What the door said to the claim of a frame: a reason, or the id of the grant by which they go in."""

    taken_mono: float
    reason: Reason | None
    grant: str | None = None


def awaits_door(answer: Answer) -> bool:
    """Whether it hangs on the door when they may ask again: it let them in, or could not at that moment."""
    return answer.reason is None or answer.reason in _OF_THE_MOMENT


def may_ask_again(answer: Answer, news: DoorNews | None, now: float) -> bool:
    """Whether a claim may be made anew at `now` (monotonic seconds), for as long as they have not left the picture.

    Whoever was let in and did not go through, or came at the wrong moment, may as soon as the gate is at rest; whoever
    went through may not, nor whoever was refused for what they are. What is not known of the door is no.
    """
    if answer.reason in _UNJUDGED_S:
        return now >= answer.taken_mono + _UNJUDGED_S[answer.reason]
    if not awaits_door(answer) or news is None:
        return False
    return news.at_rest and answer.grant not in news.taken
