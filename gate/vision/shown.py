"""What one track has shown since it was last judged."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass, field

from gate.vision.evidence import Belief, give_up
from gate.vision.life import Signs
from gate.vision.second_look import Again
from gate.vocabulary import Reason, Sighting
from models.faces import Face
from models.images import Image


@dataclass(slots=True)
class Shown:
    """A track's sightings and signs of life, why faces of it could not be used, and when its face was last found
    upright and plain (monotonic seconds)."""

    sightings: tuple[Sighting, ...] = ()
    unfit: Counter[Reason] = field(default_factory=Counter)
    signs: Signs = field(default_factory=Signs)
    again: Again = field(default_factory=Again)
    plain_mono: float = -math.inf

    def begin_anew(self, now: float) -> None:
        """Someone else stands in this place, by the newest sighting: nothing that was known of it holds for them."""
        self.signs, self.again = Signs(), Again()
        if self.plain_mono < now:
            self.sightings, self.plain_mono = (), -math.inf

    def forget(self) -> None:
        """Somebody was judged, or someone else may stand in this place: what is judged next comes from now on."""
        self.sightings, self.signs, self.again = (), Signs(), Again()
        self.unfit.clear()

    def given_up(self, near_s: float) -> Belief | None:
        """What to believe after so many seconds at the gate without sightings that suffice; None: wait on."""
        return give_up(self.sightings, self.unfit, near_s)


@dataclass(frozen=True, slots=True)
class Probe:
    """A face fit to be judged: whose it is, its picture for the embedder, and how much it will count."""

    shown: Shown
    face: Face
    aligned: Image
    weight: float
