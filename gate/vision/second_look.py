"""A second look: whoever the first model did not let in is judged by a stronger one, on their best frames.

Good faces pay nothing for it. It is taken from the least number of sightings on, one face a frame, the best ones that a
track showed first; the second model's scores are then the evidence, in a gallery of its own. Owns no clock and opens
nothing.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np

from gate.vision.evidence import Belief, Rule, track_template, weigh
from gate.vision.gallery import Gallery
from gate.vision.promise import as_seldom, second_learning_rule, second_rule_of
from gate.vision.settings import VisionSettings
from gate.vocabulary import Sighting
from models.images import Image
from models.manifest import Calibration
from models.pack import Models

# Faces of one track that wait to be looked at again; more would only be memory.
_MOST_KEPT = 3
_MOST_SIGHTINGS = 30


@dataclass(frozen=True, slots=True)
class Kept:
    """An aligned face ((size, size, 3) uint8 BGR) of a track, when light hit it, and how much it counts."""

    taken_mono: float
    aligned: Image
    weight: float


@dataclass(slots=True)
class Again:
    """What one track has for a second look: its best faces not yet looked at, and what the others gave."""

    kept: list[Kept] = field(default_factory=list)
    sightings: tuple[Sighting, ...] = ()

    def keep(self, face: Kept) -> None:
        """Have a face looked at too, in the place of the worst where there are many."""
        self.kept = sorted([*self.kept, face], key=lambda one: one.weight)[-_MOST_KEPT:]


class SecondLook:
    """The second model of a pack, and what its scores mean beside those of the first."""

    def __init__(self, models: Models, first: Calibration, settings: VisionSettings) -> None:
        """Raises PackError without a calibration."""
        self._models, self._calibration = models, models.calibration
        self._first, self._settings = first, settings

    def believe(self, again: Again, gallery: Gallery) -> Belief | None:
        """Whom a track's faces show, once those looked at suffice; None: nobody yet.

        One more face is looked at. The belief's `similarity` is the score of the first look that strangers reach as
        seldom, so that the record knows one scale.
        """
        self._look(again)
        rule = second_rule_of(self._calibration, self._settings, len(gallery))
        if len(again.sightings) < rule.frames:
            return None
        candidates = gallery.search(track_template(again.sightings))
        belief = weigh(again.sightings, candidates, gallery.alike(candidates), rule)
        if belief is None or belief.resident is None or belief.similarity is None:
            return None
        score = as_seldom(belief.similarity, self._calibration.strangers, self._first.strangers)
        return replace(belief, similarity=min(score, 1.0))

    def look_at_all(self, again: Again) -> tuple[Sighting, ...]:
        """What a track's faces show the second model, those too that did not have to be looked at."""
        while again.kept:
            self._look(again)
        return again.sightings

    def learning_rule(self, people: int) -> Rule:
        """What something learned needs by this look, with so many people in its gallery."""
        return second_learning_rule(self._calibration, self._settings, people)

    def _look(self, again: Again) -> None:
        if not again.kept:
            return
        best = again.kept.pop()
        (template,) = self._models.embedder.glance(best.aligned[None])
        if np.isfinite(template).all():
            seen = Sighting(best.taken_mono, template, best.weight)
            again.sightings = (*again.sightings, seen)[-_MOST_SIGHTINGS:]
