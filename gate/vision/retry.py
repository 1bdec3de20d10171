"""Whether somebody who was judged, and stands there still, may be judged again. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from gate.vocabulary import Reason
from models.boxes import Box, overlap

# One who was not recognised may try again once they have moved, and not at once.
RETRY_AFTER_S = 2.0
_MOVED_BELOW_OVERLAP = 0.6

# The door could not judge: it heard the claim too late, not at all, or could not read its store; or it
# waits for a second factor or for an escort, and wants to know whether they are there still. Seconds to wait.
_UNJUDGED_S = {
    Reason.STALE: 0.0, Reason.FAULT: 0.0, Reason.STORE_UNREADABLE: 2.0, Reason.ONE_MORE: 0.5, Reason.NO_ESCORT: 2.0,
}  # fmt: skip
# The door could not open then: the gate was in motion, the other of two doors was open, or nobody at all was let in.
_OF_THE_MOMENT = (Reason.BUSY, Reason.GATE_MOVES, Reason.INTERLOCKED, Reason.LOCKDOWN, Reason.TAMPER)


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


@dataclass(frozen=True, slots=True)
class Judged:
    """Somebody who had vision's answer: their face's box in the picture then, and what is known of what follows.

    `again_mono` is from when on they may be judged again where the door has no say in it, monotonic seconds; None:
    not at all. `answer` is what the door said, where it said more than vision itself.
    """

    box: Box
    again_mono: float | None
    answer: Answer | None = None


def may_be_judged_again(judged: Judged, box: Box, news: DoorNews | None, now: float) -> bool:
    """Whether whoever was judged, their face in `box` (x, y, width, height; pixels) at `now`, may be judged anew.

    `news` is what the door last said of itself. Without an answer from the door it takes time, and that they moved.
    """
    if judged.answer is not None:
        return may_ask_again(judged.answer, news, now)
    if judged.again_mono is None or now < judged.again_mono:
        return False
    return overlap(judged.box, box) < _MOVED_BELOW_OVERLAP


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
