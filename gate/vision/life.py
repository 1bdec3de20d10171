"""Whether somebody is there in the flesh: their face is looked at, judged, and asked to turn where it raises a doubt.

What looks show is `gate.vision.liveness`, what a request is `gate.vision.turn_request`; this asks the models for both.
One person is asked at a time, since light and screen speak to all. Owns no clock and opens nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import takewhile

import numpy as np
from numpy.typing import NDArray

from gate.vision.evidence import Belief
from gate.vision.infrared import shows_face
from gate.vision.liveness import MOST_PASSIVE, THRESHOLDS, Liveness, Look, judge
from gate.vision.straight_edges import edges_around
from gate.vision.turn_request import Before, Choose, Request, looked, looked_before, request
from gate.vocabulary import Frame, Level, Track
from models.align import align
from models.faces import Face
from models.images import Image
from models.liveness import LivenessCheck, evidence_of
from models.pack import Models

# Frames of two cameras are of one moment when nobody moved by more than a part of a face between them.
_ONE_MOMENT_S = 0.15
_MOST_LOOKS = 30
# Nobody waits for a look in each of the first pictures: with these they may be let in. Later ones are of other moments.
_FIRST_LOOKS, _LOOK_EVERY_S = 3, 0.1
# Who comes is looked at so often until they are near, and so much of it counts; by how many it is found out at a time
# whether it was they.
_GLIMPSE_EVERY_S, _MOST_GLIMPSES, _KNOWN_AT_A_TIME = 0.2, 6, 3
# So like one another are small and near pictures of one face at least, on walk-ups; of 60 strangers one was.
_SAME_FACE = 0.5


@dataclass(frozen=True, slots=True)
class Glimpse:
    """A look at a face that could not be judged yet, the face aligned ((size, size, 3) uint8 BGR), and once somebody is
    near its template (D,) float32 of unit length."""

    look: Look
    aligned: Image
    template: NDArray[np.float32] | None = None


@dataclass(slots=True)
class Signs:
    """What one track has shown of life since it was last judged, and what it is asked."""

    glimpses: tuple[Glimpse, ...] = ()
    looks: tuple[Look, ...] = ()
    before: Before = field(default_factory=Before)
    request: Request | None = None


class Life:
    """What one camera's eye asks of a face besides whose it is."""

    def __init__(
        self, models: Models, level: Level, checks: Sequence[LivenessCheck], choose: Choose | None, *, infrared: bool
    ) -> None:
        """`choose` draws where a head is to turn; None: nobody can be asked, as in footage, and a doubt refuses."""
        self._models, self._level, self._checks = models, level, checks
        self._choose, self._infrared = choose, infrared

    def look(self, signs: Signs, frame: Frame, face: Face, infrared: Frame | None) -> None:
        """Take one more look at a face fit to be judged; `infrared` of another moment counts for nothing."""
        now = frame.taken_mono
        if self._level is Level.OFF or not _is_due(signs.looks, now):
            return
        passive = evidence_of(self._checks, frame.image, face.box) if _asks_passive(signs.looks) else None
        edges = edges_around(frame.image, face.landmarks, self._models.spec.landmarks)
        warm = None
        if infrared is not None and abs(now - infrared.taken_mono) <= _ONE_MOMENT_S:
            warm = shows_face(self._models.detector, infrared.image, face.box, frame.image)
        signs.looks = (*signs.looks, Look(now, edges, passive, warm))[-_MOST_LOOKS:]
        self._know(signs)
        if self._choose is not None and signs.request is None:
            signs.before = looked_before(signs.before, frame.image, face, now)

    def glimpse(self, signs: Signs, frame: Frame, face: Face) -> None:
        """Look at a face that cannot be judged yet, so that whoever comes need not wait for it when they are near."""
        now = frame.taken_mono
        recent = signs.glimpses and now - signs.glimpses[-1].look.taken_mono < _GLIMPSE_EVERY_S
        counts = self._level is not Level.OFF and THRESHOLDS[self._level].at_once is not None
        if not counts or signs.looks or recent:
            return
        try:
            aligned = align(frame.image, face, self._models.spec)
            edges = edges_around(frame.image, face.landmarks, self._models.spec.landmarks)
        except ValueError:
            return
        signs.glimpses = (*signs.glimpses, Glimpse(Look(now, edges, None), aligned))[-_MOST_GLIMPSES:]

    def follow(self, signs: Signs, frame: Frame, track: Track) -> bool:
        """Look at what somebody does who is asked something; False where the request is void."""
        if signs.request is None or self._choose is None:
            return True
        now = frame.taken_mono
        signs.request = looked(signs.request, frame.image, track.face, now, self._level, self._choose)
        return signs.request is not None

    def judge(self, signs: Signs, template: NDArray[np.float32]) -> Liveness:
        """What the looks at somebody of this template (D,) show; whoever cannot be asked for more is not there where
        there is a doubt."""
        before = [one.look for one in takewhile(partial(_is_of, template), reversed(signs.glimpses))]
        found = judge(signs.looks, self._level, before=before[::-1], infrared=self._infrared)
        return Liveness.NOT_LIVE if found is Liveness.DOUBTFUL and self._choose is None else found

    def ask(self, signs: Signs, belief: Belief, track: Track) -> None:
        """Ask whoever raised a doubt; where they do not look straight ahead, at a later picture."""
        if self._choose is not None:
            signs.request = request(belief, signs.before, track.face, track.seen_mono, self._level, self._choose)

    def _know(self, signs: Signs) -> None:
        """Have some glimpses embedded, the newest first, so that no picture takes much longer for it."""
        known = [one for one in signs.glimpses if one.template is not None]
        left = [one for one in signs.glimpses if one.template is None]
        if not left:
            return
        kept, now = left[:-_KNOWN_AT_A_TIME], left[-_KNOWN_AT_A_TIME:]
        templates = self._models.embedder.glance(np.array([one.aligned for one in now]))
        found = [replace(one, template=template) for one, template in zip(now, templates, strict=True)]
        signs.glimpses = (*kept, *found, *known)


def _is_due(looks: Sequence[Look], now: float) -> bool:
    return len(looks) < _FIRST_LOOKS or now - looks[-1].taken_mono >= _LOOK_EVERY_S


def _asks_passive(looks: Sequence[Look]) -> bool:
    """In the first two looks, so that the third, by which they may be let in, does not wait for it, then in some."""
    asked = sum(look.passive is not None for look in looks)
    return asked < MOST_PASSIVE and (asked < 2 or looks[-1].passive is None)


def _is_of(template: NDArray[np.float32], glimpse: Glimpse) -> bool:
    return glimpse.template is not None and float(glimpse.template @ template) >= _SAME_FACE
