"""Photos of one person who stands at the gate: what is asked of them, what is counted, what is taken. Pure.

A photo is taken of a face that is as asked for a second and a half, alone, and always one person's.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from gate.vocabulary import Reason

# Whoever stands there reads what begins before anything is taken.
_BEGINS_S = 3.0
_HOLDS_S = 1.5
# At the gate faces come seconds apart, in one light. On LFW, where years lie between, 0.06 % of other people's photos
# lie above this beside the mean of two, and 99.3 % of one's own.
_SAME_PERSON = 0.5
# Whoever stands three times as far away is in view.
SECOND_FACE = 0.1
# Somebody who does not turn is enrolled from the photos there are.
_PATIENCE_S = 12.0
_LONGEST_S = 60.0


class Prompt(StrEnum):
    """What is asked of whoever stands there, or why nothing is taken."""

    BEGINS = "begins"
    STRAIGHT = "straight"
    LEFT = "left"
    RIGHT = "right"
    HOLD = "hold"
    NOBODY = "nobody"
    ALONE = "alone"
    ANOTHER = "another"
    UNFIT = "unfit"
    NO_PICTURE = "no_picture"
    ENOUGH = "enough"
    GAVE_UP = "gave_up"
    TOO_LATE = "too_late"
    LOST = "lost"
    CANCELLED = "cancelled"


# For each photo how far the nose stands off the middle of the eyes, in distances between them.
_POSES: tuple[tuple[Prompt, Callable[[float], bool]], ...] = (
    (Prompt.STRAIGHT, lambda yaw: abs(yaw) < 0.2),
    (Prompt.LEFT, lambda yaw: yaw > 0.1),
    (Prompt.RIGHT, lambda yaw: yaw < -0.1),
)
MOST = len(_POSES)
_OVER = (Prompt.ENOUGH, Prompt.GAVE_UP, Prompt.TOO_LATE, Prompt.LOST, Prompt.CANCELLED)


@dataclass(frozen=True, slots=True)
class Face:
    """A good face in a picture: its aligned portrait ((size, size, 3) uint8 BGR), its template (D,) of unit length, how
    it is turned, and how sharp it is."""

    portrait: NDArray[np.uint8]
    template: NDArray[np.float32]
    yaw: float
    sharpness: float


@dataclass(frozen=True, slots=True)
class Seen:
    """One look: the picture as a JPEG, and the one good face in it or the reason why there is none."""

    jpeg: bytes
    face: Face | None = None
    reason: Reason | None = None


@dataclass(frozen=True, slots=True)
class Taken:
    """A photo that was taken; numbers are never given twice."""

    number: int
    pose: Prompt
    jpeg: bytes
    face: Face


@dataclass(frozen=True, slots=True)
class Sitting:
    """Where it stands. `holds` is the sharpest look while somebody holds still, since `holds_since`."""

    began_mono: float
    posed_since: float
    prompt: Prompt = Prompt.BEGINS
    reason: Reason | None = None
    """Why a face is unfit."""
    left_s: float | None = _BEGINS_S
    """How long until what the prompt says; None: that is for whoever stands there to say."""
    taken: tuple[Taken, ...] = ()
    last_number: int = 0
    holds: Seen | None = None
    holds_since: float = 0.0

    @property
    def missing(self) -> int:
        """How many of the photos that are asked for were not taken."""
        return MOST - len(self.taken)

    @property
    def over(self) -> bool:
        """Whether nothing more is taken."""
        return self.prompt in _OVER


def begin(now: float) -> Sitting:
    """One that begins, seconds on the monotonic clock."""
    return Sitting(now, now + _BEGINS_S)


def look(sitting: Sitting, seen: Seen | None, now: float) -> Sitting:
    """The same after one more look at the camera; None: it gave no picture."""
    if sitting.over:
        return sitting
    if now - sitting.began_mono > _LONGEST_S or (sitting.taken and now - sitting.posed_since > _PATIENCE_S):
        return _asks(sitting, _gives_up_as(sitting, seen))
    waits_s = sitting.began_mono + _BEGINS_S - now
    if seen is None:
        return _asks(sitting, Prompt.NO_PICTURE)
    if waits_s > 0:
        return replace(_asks(sitting, Prompt.BEGINS), left_s=waits_s)
    if seen.face is None:
        return _without_a_face(sitting, seen.reason)
    if sitting.taken and not _one_person(seen.face, [one.face for one in sitting.taken]):
        return _asks(sitting, Prompt.ANOTHER)
    return _posed(sitting, seen, seen.face, now)


def remove(sitting: Sitting, number: int, now: float) -> Sitting:
    """The same without one of its photos; until it is over, another is asked for."""
    return replace(sitting, taken=tuple(one for one in sitting.taken if one.number != number), posed_since=now)


def end(sitting: Sitting, prompt: Prompt) -> Sitting:
    """The same, ended by whoever leads it; nothing of it is kept but what is told of that."""
    return replace(_asks(sitting, prompt), taken=())


def _gives_up_as(sitting: Sitting, seen: Seen | None) -> Prompt:
    if seen is None:
        return Prompt.LOST
    return Prompt.GAVE_UP if sitting.taken else Prompt.TOO_LATE


def _posed(sitting: Sitting, seen: Seen, face: Face, now: float) -> Sitting:
    """Hold, take, or ask for the next pose."""
    had = {one.pose for one in sitting.taken}
    pose, fits = next((pose, fits) for pose, fits in _POSES if pose not in had)
    if not fits(face.yaw):
        return _asks(sitting, pose)
    held = sitting.holds
    if held is None or held.face is None or not _one_person(face, [held.face]):
        return replace(_asks(sitting, Prompt.HOLD), holds=seen, holds_since=now, left_s=_HOLDS_S)
    best = seen if face.sharpness > held.face.sharpness else held
    left_s = sitting.holds_since + _HOLDS_S - now
    if left_s > 0:
        return replace(sitting, prompt=Prompt.HOLD, holds=best, left_s=left_s)
    return _took(sitting, pose, best, now)


def _took(sitting: Sitting, pose: Prompt, best: Seen, now: float) -> Sitting:
    if best.face is None:
        return sitting
    number = sitting.last_number + 1
    taken = (*sitting.taken, Taken(number, pose, best.jpeg, best.face))
    had = {one.pose for one in taken}
    following = next((pose for pose, _ in _POSES if pose not in had), Prompt.ENOUGH)
    return replace(_asks(sitting, following), taken=taken, last_number=number, posed_since=now)


def _without_a_face(sitting: Sitting, reason: Reason | None) -> Sitting:
    prompts = {None: Prompt.NOBODY, Reason.NO_FACE: Prompt.NOBODY, Reason.SEVERAL_FACES: Prompt.ALONE}
    return replace(_asks(sitting, prompts.get(reason, Prompt.UNFIT)), reason=reason)


def _asks(sitting: Sitting, prompt: Prompt) -> Sitting:
    """Nobody holds still for it any longer."""
    return replace(sitting, prompt=prompt, reason=None, left_s=None, holds=None)


def _one_person(face: Face, others: list[Face]) -> bool:
    """Whether a face is that of whoever is on the others."""
    total = np.sum([one.template for one in others], axis=0)
    return bool(face.template @ total >= _SAME_PERSON * np.linalg.norm(total))
