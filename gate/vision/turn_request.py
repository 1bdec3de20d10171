"""Somebody who raised a doubt and is asked to turn the head: who it is, what they do, what they are told.

What a turn is says `gate.vision.asked_turn`; this keeps a request from picture to picture. It is void as soon as the
face may be another's, and fails at the second time without a turn, or at once where the head turns the other way. Pure.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from statistics import median

import numpy as np

from gate.vision.asked_turn import (
    AHEAD,
    TURNED,
    WITHIN_S,
    Asked,
    Turned,
    TurnLook,
    ask,
    is_ahead,
    seen,
    towards,
    worth_fitting,
)
from gate.vision.evidence import Belief
from gate.vision.paper import OnPaper, Straight, on_paper, straight
from gate.vision.quality import yaw
from gate.vocabulary import Level, Way
from models.boxes import Box, overlap
from models.faces import Face
from models.images import Image

Choose = Callable[[Sequence[Way]], Way]
"""Draws one of several ways, so that nobody can foresee which."""

# How long a face is looked at before it can be asked: of that the sharpest picture, and the median of how it looked.
_BEFORE_S = 0.8
# At the edges of a picture a face that looks at the gate seems turned by so much, in eye distances.
_MOST_AHEAD = 0.12
# Unseen for longer, or elsewhere in the next picture, another may have come in their place.
_UNSEEN_S, _SAME_PLACE = 0.5, 0.4
# The door shows what it was told for a moment only.
_TELL_EVERY_S = 1.0
# Whoever is turned so far at least, in eye distances, and stays so long before it is a turn, is told to go on.
_BEGUN, _STAYS_S = 0.08, 0.7


@dataclass(frozen=True, slots=True)
class Before:
    """How a face looked of late: how far it was turned, and its sharpest pictures, the sharpest first; when."""

    yaws: tuple[tuple[float, float], ...] = ()
    views: tuple[tuple[float, Straight], ...] = ()


@dataclass(frozen=True, slots=True)
class Told:
    """What somebody is told: where to turn, None straight ahead; and whether they should go on with it."""

    way: Way | None
    further: bool = False


@dataclass(frozen=True, slots=True)
class Request:
    """A request that stands, of one track. Times are monotonic seconds.

    `belief` is whom the track showed, and `face` how they look straight ahead.
    """

    belief: Belief
    face: Straight
    asked: Asked
    box: Box
    seen_mono: float
    yaw: float
    fit: OnPaper | None = None
    second: bool = False
    """Whether it was asked once more, since there was no turn."""
    turned_mono: float | None = None
    """When all that was asked was done; from then on they should look straight ahead."""
    stays_mono: float | None = None
    """Since when they have begun to turn, and not gone on."""
    told: Told | None = None
    told_mono: float = 0.0

    @property
    def looks_ahead(self) -> bool:
        """Whether the face looks straight ahead."""
        return is_ahead(self.asked, self.yaw)

    @property
    def failed(self) -> bool:
        """Whether there is no more to wait for."""
        if self.turned_mono is not None:
            return self.seen_mono - self.turned_mono > WITHIN_S
        return self.asked.verdict not in (Turned.WAIT, Turned.TURNED)


def looked_before(before: Before, image: Image, face: Face, now: float) -> Before:
    """With one more picture (H, W, 3) uint8 BGR of a face that nothing was asked of."""
    try:
        view = straight(image, face.landmarks)
    except ValueError:
        return before
    since = now - _BEFORE_S
    yaws = (*(one for one in before.yaws if one[0] >= since), (now, yaw(face)))
    # What is older and less sharp will never be the sharpest again.
    sharper = (one for one in before.views if one[0] >= since and one[1].sharpness > view.sharpness)
    return Before(yaws, (*sharper, (now, view)))


def request(belief: Belief, before: Before, face: Face, now: float, level: Level, choose: Choose) -> Request | None:
    """A request to whoever is believed to be there; None while they do not look straight ahead, and hold it."""
    if not before.views:
        return None
    ahead = median(one for _, one in before.yaws)
    if not abs(ahead) <= _MOST_AHEAD or any(not abs(one - ahead) <= AHEAD for _, one in before.yaws):
        return None
    asked = ask(level, ahead, now, choose)
    return Request(belief, before.views[0][1], asked, face.box, now, yaw(face))


def looked(one: Request, image: Image, face: Face, now: float, level: Level, choose: Choose) -> Request | None:
    """The request after one more picture (H, W, 3) uint8 BGR of the face; None: it is void."""
    if now - one.seen_mono > _UNSEEN_S or not overlap(one.box, face.box) >= _SAME_PLACE:
        return None
    turned = yaw(face)
    fit = _fitted(one, image, face, turned)
    asked = seen(one.asked, TurnLook(now, turned, fit))
    done = now if asked.verdict is Turned.TURNED and one.turned_mono is None else one.turned_mono
    stays = (one.stays_mono or now) if asked.way is not None and _has_begun(asked, turned) else None
    after = replace(one, asked=asked, box=face.box, seen_mono=now, yaw=turned, fit=fit or one.fit, turned_mono=done,
                    stays_mono=stays)  # fmt: skip
    return _once_more(after, now, level, choose)


def told(one: Request, now: float) -> Told:
    """What whoever is asked should be told now."""
    stays = one.stays_mono is not None and now - one.stays_mono >= _STAYS_S
    return Told(one.asked.way, further=stays)


def is_due(one: Request, now: float) -> bool:
    """Whether the door is to be told what they are told: something else than before, or the same after a while."""
    return told(one, now) != one.told or now - one.told_mono >= _TELL_EVERY_S


def _fitted(one: Request, image: Image, face: Face, turned: float) -> OnPaper | None:
    if one.asked.verdict is not Turned.WAIT or not worth_fitting(one.asked, turned):
        return None
    try:
        return on_paper(one.face, image, face.landmarks, one.fit)
    except (ValueError, np.linalg.LinAlgError):
        return None


def _has_begun(asked: Asked, turned: float) -> bool:
    return _BEGUN <= towards(asked, turned) < TURNED


def _once_more(one: Request, now: float, level: Level, choose: Choose) -> Request:
    if one.second or one.asked.verdict not in (Turned.FLAT, Turned.NOT_TURNED):
        return one
    # Whoever is still turned has not turned where they are asked to now.
    asked = replace(ask(level, one.asked.ahead, now, choose), straight=False)
    return replace(one, asked=asked, second=True, fit=None, stays_mono=None)
