"""From a frame to claims: who is looked at (`attention`) is judged, embedded, searched for and weighed.

Here it is concluded what somebody's sightings show: each usable face adds one, the sightings of a track are searched
together, and once they suffice a claim follows, or a reason why there is none. Owns no clock and opens nothing.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from gate.vision.attention import Attention, Waiting
from gate.vision.evidence import Belief, gather, give_up, track_template, weigh
from gate.vision.gallery import Gallery
from gate.vision.infrared import shows_face
from gate.vision.learning import Sample, score_to_learn_from
from gate.vision.liveness import MOST_PASSIVE, Liveness, Look, judge
from gate.vision.plain_face import doubt
from gate.vision.promise import FIRST_SHARE, learning_rule, looks_again, rule_of
from gate.vision.quality import Bounds, measure, unfit, weight
from gate.vision.retry import RETRY_AFTER_S, Answer, DoorNews
from gate.vision.second_look import Again, Kept, SecondLook
from gate.vision.settings import VisionSettings
from gate.vision.straight_edges import edges_around
from gate.vision.tracker import Tracks
from gate.vocabulary import Claim, Frame, Level, Reason, Sighting, Track
from models.align import align
from models.faces import Face
from models.images import Image
from models.liveness import LivenessCheck, evidence_of
from models.pack import Models

# Frames of two cameras are of one moment when nobody moved by more than a part of a face between them.
_ONE_MOMENT_S = 0.15
# A head does not turn far in so short a time; what was upright and plain then is taken to be so still.
_PLAIN_FOR_S = 0.1
# A track's evidence is what it showed last; more would only be memory.
_MOST_SIGHTINGS = 60
_MOST_LOOKS = 30


@dataclass(slots=True)
class _Shown:
    """What one track has shown since it was last judged, and when its face was last found upright and plain."""

    sightings: tuple[Sighting, ...] = ()
    unfit: Counter[Reason] = field(default_factory=Counter)
    looks: tuple[Look, ...] = ()
    again: Again = field(default_factory=Again)
    plain_mono: float = -math.inf


@dataclass(frozen=True, slots=True)
class _Probe:
    """A face fit to be judged: whose it is, its picture for the embedder, and how much it will count."""

    shown: _Shown
    face: Face
    aligned: Image
    weight: float


class Recogniser:
    """One camera's eye: keeps its tracks, and says what it believes of them."""

    def __init__(
        self,
        models: Models,
        settings: VisionSettings,
        new_id: Callable[[], str],
        checks: Sequence[LivenessCheck] = (),
        *,
        infrared: bool = False,
    ) -> None:
        """`checks` are the passive liveness checks, asked where the settings want liveness, and with `infrared` the
        pictures of an infrared camera too. Raises PackError.
        """
        self._models = models
        self._calibration = models.calibration
        self._checks = checks
        self._infrared = infrared
        self._settings = settings
        self._bounds = Bounds.of(settings)
        self._new_id = new_id
        self._attention = Attention(models.detector, settings)
        self._second = None
        if models.second is not None and looks_again(settings):
            self._second = SecondLook(models.second, self._calibration, settings)
        self._shown: dict[int, _Shown] = {}
        self._concluded: dict[str, tuple[tuple[Sighting, ...], Again]] = {}
        self.embedded = 0
        """How many faces were embedded so far."""

    def let_count(self, zone: tuple[float, float, float, float] | None) -> None:
        """Judge only faces inside this zone (left, top, right, bottom as fractions); None: that of the settings."""
        self._attention.let_count(zone)

    @property
    def tracks(self) -> Tracks:
        """Who is in view."""
        return self._attention.tracks

    @property
    def nearest(self) -> tuple[float, float, float, float] | None:
        """Where the nearest face is: see `Attention.nearest`."""
        return self._attention.nearest

    def see(
        self, frame: Frame, gallery: Gallery, infrared: Frame | None = None, again: Gallery | None = None
    ) -> list[Claim]:
        """What this frame adds: a claim for each track on which the evidence now suffices, often none.

        `infrared` is the newest frame of the infrared camera; one of another moment counts for nothing. `again` is who
        can be recognised by a second look.
        """
        self._concluded.clear()
        waiting = self._attention.look(frame)
        self._shown = {track.number: self._shown.get(track.number, _Shown()) for track in self.tracks.active}
        probes = self._probes(frame.image, waiting)
        self._embed(probes, frame.taken_mono)
        if self._settings.liveness is not Level.OFF:
            self._look_for_life(frame, probes, infrared)
        claims = [self._conclude(one, gallery, again, frame.taken_mono) for one in waiting]
        return [claim for claim in claims if claim is not None]

    def answered(self, claim: Claim, reason: Reason | None, grant: str | None = None) -> None:
        """What the door said to a claim, and by which grant they go in: whether they may ask again hangs on it."""
        told = claim.resident is not None or reason != claim.reason
        self._attention.answered(claim.track, Answer(claim.taken_mono, reason, grant) if told else None)

    def hear(self, news: DoorNews) -> None:
        """Take in what the door says of itself now: whether the gate is at rest, and who went through."""
        self._attention.hear(news)

    @property
    def awaits_door(self) -> bool:
        """Whether somebody in view may ask again as soon as the gate is at rest."""
        return self._attention.awaits_door

    def sample(self, claim: Claim, gallery: Gallery, again: Gallery | None = None) -> Sample | None:
        """What the gate may learn from a claim of the last frame; None where it is not sure enough for that.

        What was not looked at a second time is now. Of whom the second look knows, it decides.
        """
        resident, concluded = claim.resident, self._concluded.get(claim.id)
        if resident is None or concluded is None:
            return None
        sightings, shown_again = concluded
        seen_again = () if self._second is None else self._second.look_at_all(shown_again)
        evidence, among, rule = sightings, gallery, learning_rule(self._calibration, self._settings, len(gallery))
        by_second = False
        if self._second is not None and again is not None and again.knows(resident):
            by_second = True
            evidence, among, rule = seen_again, again, self._second.learning_rule(len(again))
        at_least = score_to_learn_from(evidence, resident, among, rule) if evidence else None
        if at_least is None:
            return None
        second = track_template(seen_again) if seen_again else None
        return Sample(track_template(sightings), second, at_least, by_second)

    def _probes(self, image: Image, waiting: Sequence[Waiting]) -> list[_Probe]:
        probes = [self._probe(image, one.track) for one in waiting if not one.shut]
        return [probe for probe in probes if probe is not None]

    def _probe(self, image: Image, track: Track) -> _Probe | None:
        shown = self._shown[track.number]
        try:
            aligned = align(image, track.face, self._models.spec)
        except ValueError:
            return None
        if self._models.spec.mirror and len(shown.sightings) % 2:
            # Every second sighting by its mirror image: their mean is as good as both of each, for half the work.
            aligned = np.asarray(aligned[:, ::-1], np.uint8)
        quality = measure(track.face, aligned)
        reason = unfit(quality, self._bounds) or self._doubt(image, track, shown)
        if reason is not None:
            shown.unfit[reason] += 1
            return None
        return _Probe(shown, track.face, aligned, weight(quality))

    def _doubt(self, image: Image, track: Track, shown: _Shown) -> Reason | None:
        if track.seen_mono - shown.plain_mono < _PLAIN_FOR_S:
            return None
        reason = doubt(image, track.face, self._models.detector)
        shown.plain_mono = track.seen_mono if reason is None else -math.inf
        return reason

    def _embed(self, probes: Sequence[_Probe], now: float) -> None:
        if not probes:
            return
        templates = self._models.embedder.glance(np.array([probe.aligned for probe in probes]))
        self.embedded += len(probes)
        for probe, template in zip(probes, templates, strict=True):
            if np.isfinite(template).all():
                sighting = Sighting(now, template, probe.weight)
                before = probe.shown.sightings
                probe.shown.sightings = gather(before, sighting, _MOST_SIGHTINGS)
                if before and probe.shown.sightings[0] is sighting:
                    _begin_anew(probe.shown, now)
                if self._second is not None:
                    probe.shown.again.keep(Kept(now, probe.aligned, probe.weight))

    def _look_for_life(self, frame: Frame, probes: Sequence[_Probe], infrared: Frame | None) -> None:
        if infrared is not None and not abs(frame.taken_mono - infrared.taken_mono) <= _ONE_MOMENT_S:
            infrared = None
        for probe in probes:
            looks = probe.shown.looks
            asked = sum(look.passive is not None for look in looks)
            passive = None
            if asked < MOST_PASSIVE and (not looks or looks[-1].passive is None):
                passive = evidence_of(self._checks, frame.image, probe.face.box)
            edges = edges_around(frame.image, probe.face.landmarks, self._models.spec.landmarks)
            warm = None
            if infrared is not None:
                warm = shows_face(self._models.detector, infrared.image, probe.face.box, frame.image)
            probe.shown.looks = (*looks, Look(frame.taken_mono, edges, passive, warm))[-_MOST_LOOKS:]

    def _conclude(self, waiting: Waiting, gallery: Gallery, again: Gallery | None, now: float) -> Claim | None:
        shown = self._shown[waiting.track.number]
        belief = self._believe(shown, gallery, again) or _given_up(shown, waiting, now)
        if belief is not None and belief.resident is not None:
            belief = self._believe_if_alive(belief, waiting, now)
        return None if belief is None else self._claim(waiting.track, belief, now)

    def _believe(self, shown: _Shown, gallery: Gallery, again: Gallery | None) -> Belief | None:
        if not shown.sightings:
            return None
        candidates = gallery.search(track_template(shown.sightings))
        # Whoever was enrolled before there was a second look goes by the first alone, as they did.
        seconded = again is not None and bool(candidates) and again.knows(candidates[0].resident)
        rule = rule_of(self._calibration, self._settings, len(gallery), FIRST_SHARE if seconded else 1.0)
        belief = weigh(shown.sightings, candidates, gallery.alike(candidates), rule)
        if self._second is None or again is None or len(shown.sightings) < rule.frames:
            return belief
        if belief is not None and belief.resident is not None:
            return belief
        found = self._second.believe(shown.again, again)
        return belief if found is None else replace(found, frames=len(shown.sightings))

    def _believe_if_alive(self, belief: Belief, waiting: Waiting, now: float) -> Belief | None:
        shown = self._shown[waiting.track.number]
        match judge(shown.looks, self._settings.liveness, infrared=self._infrared):
            case Liveness.LIVE:
                return belief
            case Liveness.WAIT:
                return _given_up(shown, waiting, now)
            case Liveness.BLIND:
                return Belief(None, Reason.FAULT, None, belief.frames)
            case Liveness.NOT_LIVE:
                self._attention.shut(waiting.track.face.box, now + self._settings.liveness_cooldown_s)
                return Belief(None, Reason.NOT_LIVE, None, belief.frames)

    def _claim(self, track: Track, belief: Belief, now: float) -> Claim:
        shown, identity = self._shown[track.number], self._new_id()
        if belief.resident is not None:
            self._concluded[identity] = shown.sightings, shown.again
        shown.sightings, shown.looks, shown.again = (), (), Again()
        shown.unfit.clear()
        self._attention.judged(track, self._again_mono(belief, now))
        return Claim(
            id=identity,
            track=track.number,
            taken_mono=now,
            resident=belief.resident,
            reason=belief.reason,
            frames=belief.frames,
            similarity=belief.similarity,
            nearest=belief.nearest,
        )

    def _again_mono(self, belief: Belief, now: float) -> float | None:
        if belief.resident is not None:
            return None
        return now + (self._settings.liveness_cooldown_s if belief.reason is Reason.NOT_LIVE else RETRY_AFTER_S)


def _given_up(shown: _Shown, waiting: Waiting, now: float) -> Belief | None:
    return give_up(shown.sightings, shown.unfit, now - waiting.since_mono)


def _begin_anew(shown: _Shown, now: float) -> None:
    """Someone else stands in this place: nothing that was known of it holds for them."""
    shown.looks, shown.again = (), Again()
    if shown.plain_mono < now:
        shown.sightings, shown.plain_mono = (), -math.inf
