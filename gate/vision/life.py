"""Whether somebody is there in the flesh: their face is looked at, judged, and asked to turn where it raises a doubt.

What looks show is `gate.vision.liveness`, what a request is `gate.vision.turn_request`; this asks the models for both.
One person is asked at a time, since light and screen speak to all. Owns no clock and opens nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from gate.vision.evidence import Belief
from gate.vision.infrared import shows_face
from gate.vision.liveness import MOST_PASSIVE, Liveness, Look, judge
from gate.vision.straight_edges import edges_around
from gate.vision.turn_request import Before, Choose, Request, looked, looked_before, request
from gate.vocabulary import Frame, Level, Track
from models.faces import Face
from models.liveness import LivenessCheck, evidence_of
from models.pack import Models

# Frames of two cameras are of one moment when nobody moved by more than a part of a face between them.
_ONE_MOMENT_S = 0.15
_MOST_LOOKS = 30


@dataclass(slots=True)
class Signs:
    """What one track has shown of life since it was last judged, and what it is asked."""

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
        if self._level is Level.OFF:
            return
        asked = sum(look.passive is not None for look in signs.looks)
        passive = None
        if asked < MOST_PASSIVE and (not signs.looks or signs.looks[-1].passive is None):
            passive = evidence_of(self._checks, frame.image, face.box)
        edges = edges_around(frame.image, face.landmarks, self._models.spec.landmarks)
        warm = None
        if infrared is not None and abs(frame.taken_mono - infrared.taken_mono) <= _ONE_MOMENT_S:
            warm = shows_face(self._models.detector, infrared.image, face.box, frame.image)
        signs.looks = (*signs.looks, Look(frame.taken_mono, edges, passive, warm))[-_MOST_LOOKS:]
        if self._choose is not None and signs.request is None:
            signs.before = looked_before(signs.before, frame.image, face, frame.taken_mono)

    def follow(self, signs: Signs, frame: Frame, track: Track) -> bool:
        """Look at what somebody does who is asked something; False where the request is void."""
        if signs.request is None or self._choose is None:
            return True
        now = frame.taken_mono
        signs.request = looked(signs.request, frame.image, track.face, now, self._level, self._choose)
        return signs.request is not None

    def judge(self, signs: Signs) -> Liveness:
        """What the looks show; whoever cannot be asked for more is not there where there is a doubt."""
        found = judge(signs.looks, self._level, infrared=self._infrared)
        return Liveness.NOT_LIVE if found is Liveness.DOUBTFUL and self._choose is None else found

    def ask(self, signs: Signs, belief: Belief, track: Track) -> None:
        """Ask whoever raised a doubt; where they do not look straight ahead, at a later picture."""
        if self._choose is not None:
            signs.request = request(belief, signs.before, track.face, track.seen_mono, self._level, self._choose)
