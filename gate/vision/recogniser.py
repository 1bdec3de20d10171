"""From a frame to claims: detect, track, judge, embed, search, weigh. Owns no clock and opens nothing."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from itertools import combinations

import cv2
import numpy as np
from numpy.typing import NDArray

from gate.vision.again import Answer, DoorNews, awaits_door, may_ask_again
from gate.vision.evidence import Belief, Rule, bar, gather, track_template, weigh
from gate.vision.gallery import Gallery
from gate.vision.infrared import shows_face
from gate.vision.liveness import MOST_PASSIVE, Finding, Look, judge
from gate.vision.plain import doubt
from gate.vision.promise import Promise, deviate
from gate.vision.quality import EYES_PER_BOX, Limits, Zone, measure, nearness, not_at_gate, unfit, weight
from gate.vision.settings import VisionSettings
from gate.vision.surround import edges_around
from gate.vision.tracker import Tracks, follow
from gate.vocabulary import Claim, Frame, Level, Reason, Sighting, Track
from models.align import align
from models.boxes import Box, overlap
from models.detector import find_shrunk, look_closer
from models.faces import Face, largest
from models.liveness import LivenessCheck, evidence_of
from models.pack import Models

# A quiet picture is still looked at this often, in case the motion was too small to see.
_LOOK_ANYWAY_S = 1.0
# Someone near the gate this long without one usable sighting is told why.
_HELP_AFTER_S = 1.5
# And one whose few good sightings never sufficed hears an answer after this.
_GIVE_UP_AFTER_S = 4.0
# One who was not recognised may try again once they have moved, and not at once.
_RETRY_AFTER_S = 2.0
_MOVED_BELOW_OVERLAP = 0.6
# Who is in view is followed from frame to frame; whoever else has come is found by searching the whole picture.
_SEARCH_EVERY_S = 0.2
# More than so many are found sooner by one search.
_MOST_FOLLOWED = 4
# Frames of two cameras are of one moment when nobody moved by more than a part of a face between them.
_ONE_MOMENT_S = 0.15
# Two tracks on one face are one person.
_ONE_FACE = 0.5
# Where nobody is in view, the picture is searched so small that the least face that counts is so many pixels wide.
_LEAST_FACE = 24.0
# What a template is added by, a stranger reaches so many times less often than what the gate opens by.
LEARNS_SELDOMER = 10.0
# A head does not turn far in so short a time; what was upright and plain then is taken to be so still.
_PLAIN_FOR_S = 0.1
# A track's evidence is what it showed last; more would only be memory.
_MOST_SIGHTINGS = 60
_MOST_LOOKS = 30
_THUMBNAIL = (64, 36)
# Mean grey levels: on the walk-up footage noise stays below 0.5 on a thumbnail; a person entering gives above 7.
_MOTION_LEVEL = 1.0


@dataclass(slots=True)
class _Watch:
    """What is known of one track so far."""

    near_since: float | None = None
    sightings: tuple[Sighting, ...] = ()
    unfit: Counter[Reason] = field(default_factory=Counter)
    decided: float | None = None
    decided_box: Box | None = None
    retry_mono: float | None = None
    answer: Answer | None = None
    looks: tuple[Look, ...] = ()
    plain_mono: float = -math.inf


@dataclass(frozen=True, slots=True)
class Sample:
    """A track's template (D,) float32, good enough to learn from where it scores `at_least` by the enrolment alone."""

    template: NDArray[np.float32]
    at_least: float


@dataclass(frozen=True, slots=True)
class _Probe:
    watch: _Watch
    face: Face
    aligned: NDArray[np.uint8]
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
        self._checks = checks
        self._infrared = infrared
        self._settings = settings
        self._new_id = new_id
        self._calibration = models.calibration
        self._promise = Promise(settings.promise.years, settings.promise.strangers_a_day)
        self._limits = limits_of(settings)
        self._set_zone = Zone(settings.zone.left, settings.zone.top, settings.zone.right, settings.zone.bottom)
        self._zone = self._set_zone
        self._tracks = Tracks()
        self._watches: dict[int, _Watch] = {}
        self._cooling: list[tuple[Box, float]] = []
        self._concluded: dict[str, tuple[Sighting, ...]] = {}
        self._door: DoorNews | None = None
        self._seen_thumbnail: NDArray[np.int16] | None = None
        self._looked = self._searched = self._followed = float("-inf")
        self.embedded = 0
        self.nearest: tuple[float, float, float, float] | None = None
        """Where the nearest face is, for the screen at the gate, in heights of the picture: how far right of its middle
        and below its upper edge the face's middle lies, and its width and height."""

    def let_count(self, zone: tuple[float, float, float, float] | None) -> None:
        """Judge only faces inside this zone (left, top, right, bottom as fractions); None: that of the settings."""
        self._zone = Zone(*zone) if zone else self._set_zone

    @property
    def tracks(self) -> Tracks:
        """Who is in view."""
        return self._tracks

    def see(self, frame: Frame, gallery: Gallery, infrared: Frame | None = None) -> list[Claim]:
        """What this frame adds: a claim for each track on which the evidence now suffices, often none.

        `infrared` is the newest frame of the infrared camera; one of another moment counts for nothing.
        """
        now = frame.taken_mono
        self._concluded.clear()
        if not self._worth_a_look(frame.image, now):
            return []
        faces = self._faces(frame.image, now)
        self.nearest = _nearest(faces, frame.image.shape[1], frame.image.shape[0])
        self._tracks = follow(self._tracks, faces, now)
        self._watches = {track.number: self._watches.get(track.number, _Watch()) for track in self._tracks.active}
        probes = self._probes(frame, faces, now)
        self._embed(probes, now)
        if self._settings.liveness is not Level.OFF:
            self._look_for_life(frame, probes, infrared)
        claims = [self._conclude(track, gallery, now) for track in self._tracks.active if track.seen_mono == now]
        return [claim for claim in claims if claim is not None]

    def answered(self, claim: Claim, reason: Reason | None, grant: str | None = None) -> None:
        """What the door said to a claim, and by which grant they go in: whether they may ask again hangs on it."""
        # What the door said of itself before is of the past now.
        self._door = None
        watch = self._watches.get(claim.track)
        if watch is not None and (claim.resident is not None or reason != claim.reason):
            watch.answer = Answer(claim.taken_mono, reason, grant)

    def hear(self, news: DoorNews) -> None:
        """What the door says of itself now."""
        self._door = news

    @property
    def awaits_door(self) -> bool:
        """Whether somebody in view may ask again as soon as the gate is at rest."""
        return any(watch.answer is not None and awaits_door(watch.answer) for watch in self._watches.values())

    def sample(self, claim: Claim, gallery: Gallery) -> Sample | None:
        """What the gate may learn from a claim of the last frame; None where it is not sure enough for that."""
        sightings = self._concluded.get(claim.id)
        if sightings is None:
            return None
        template = track_template(sightings)
        candidates = gallery.search(template)
        alike, people = gallery.alike(candidates), len(gallery)
        rule = replace(self.rule(people), deviate=deviate(self._promise.rate(people) / LEARNS_SELDOMER))
        belief = weigh(sightings, candidates, alike, rule)
        if belief is None or belief.resident != claim.resident or alike >= rule.lookalike:
            return None
        return Sample(template, bar(sightings, rule))

    def _worth_a_look(self, image: NDArray[np.uint8], now: float) -> bool:
        undecided = any(watch.near_since is not None and watch.decided is None for watch in self._watches.values())
        # Whoever waits for an answer is looked at in every picture, and pays for no comparison of pictures.
        thumbnail = None if undecided else _thumbnail(image)
        before = self._seen_thumbnail
        still = thumbnail is not None and before is not None and _motion(thumbnail - before) < _MOTION_LEVEL
        if still and now - self._looked < _LOOK_ANYWAY_S:
            return False
        self._seen_thumbnail, self._looked = thumbnail, now
        return True

    def _faces(self, image: NDArray[np.uint8], now: float) -> list[Face]:
        followed = [track.face for track in self._tracks.active if track.seen_mono == self._followed]
        self._followed = now
        if self._models.detector.cutouts and now - self._searched < _SEARCH_EVERY_S:
            if not followed:
                return self._search(image, self._least_side(image))
            again = [look_closer(image, face, self._models.detector) for face in followed[:_MOST_FOLLOWED]]
            faces = [face for face in again if face is not None]
            if len(faces) == len(followed) and not _coincide(faces):
                return faces
        self._searched = now
        return self._search(image, self._settings.detect_side)

    def _search(self, image: NDArray[np.uint8], side: int) -> list[Face]:
        faces = find_shrunk(image, self._models.detector, side)
        return [(self._near(face) and look_closer(image, face, self._models.detector)) or face for face in faces]

    def _near(self, face: Face) -> bool:
        return nearness(face) >= self._limits.min_eye_distance

    def _least_side(self, image: NDArray[np.uint8]) -> int:
        least = self._limits.min_eye_distance / EYES_PER_BOX
        longest: int = max(image.shape[:2])
        return min(self._settings.detect_side, max(1, round(longest * _LEAST_FACE / least)))

    def _probes(self, frame: Frame, faces: list[Face], now: float) -> list[_Probe]:
        height, width = frame.image.shape[:2]
        near = []
        for track in self._tracks.active:
            watch = self._watches[track.number]
            if track.seen_mono != now:
                continue
            if not_at_gate(track.face, faces, (width, height), self._zone, self._limits):
                watch.near_since = None
                continue
            if watch.near_since is None:
                watch.near_since = now
            if self._cools(track, now):
                continue
            self._allow_retry(track, watch, now)
            if watch.decided is None:
                near.append((track, watch))
        return [probe for track, watch in near if (probe := self._probe(frame.image, track, watch)) is not None]

    def _probe(self, image: NDArray[np.uint8], track: Track, watch: _Watch) -> _Probe | None:
        try:
            aligned = align(image, track.face, self._models.spec)
        except ValueError:
            return None
        if self._models.spec.mirror and len(watch.sightings) % 2:
            # Every second sighting by its mirror image: their mean is as good as both of each, for half the work.
            aligned = np.asarray(aligned[:, ::-1], np.uint8)
        quality = measure(track.face, aligned)
        reason = unfit(quality, self._limits) or self._doubt(image, track, watch)
        if reason is not None:
            watch.unfit[reason] += 1
            return None
        return _Probe(watch, track.face, aligned, weight(quality))

    def _doubt(self, image: NDArray[np.uint8], track: Track, watch: _Watch) -> Reason | None:
        if track.seen_mono - watch.plain_mono < _PLAIN_FOR_S:
            return None
        reason = doubt(image, track.face, self._models.detector)
        watch.plain_mono = track.seen_mono if reason is None else -math.inf
        return reason

    def _embed(self, probes: list[_Probe], now: float) -> None:
        if not probes:
            return
        templates = self._models.embedder.glance(np.array([probe.aligned for probe in probes]))
        self.embedded += len(probes)
        for probe, template in zip(probes, templates, strict=True):
            if np.isfinite(template).all():
                sighting = Sighting(now, template, probe.weight)
                before = probe.watch.sightings
                probe.watch.sightings = gather(before, sighting, _MOST_SIGHTINGS)
                if before and probe.watch.sightings[0] is sighting:
                    self._begin_anew(probe.watch, now)

    def _begin_anew(self, watch: _Watch, now: float) -> None:
        """Someone else stands in this place: nothing that was known of it holds for them."""
        watch.looks = ()
        if watch.plain_mono < now:
            watch.sightings, watch.plain_mono = (), -math.inf

    def _look_for_life(self, frame: Frame, probes: list[_Probe], infrared: Frame | None) -> None:
        if infrared is not None and not abs(frame.taken_mono - infrared.taken_mono) <= _ONE_MOMENT_S:
            infrared = None
        for probe in probes:
            looks = probe.watch.looks
            asked = sum(look.passive is not None for look in looks)
            passive = None
            if asked < MOST_PASSIVE and (not looks or looks[-1].passive is None):
                passive = evidence_of(self._checks, frame.image, probe.face.box)
            edges = edges_around(frame.image, probe.face.landmarks, self._models.spec.landmarks)
            shown = None
            if infrared is not None:
                shown = shows_face(self._models.detector, infrared.image, probe.face.box, frame.image)
            probe.watch.looks = (*looks, Look(frame.taken_mono, edges, passive, shown))[-_MOST_LOOKS:]

    def rule(self, people: int) -> Rule:
        """What a claim needs with so many people enrolled."""
        calibration, settings = self._calibration, self._settings
        by_hand = settings.threshold is not None
        return Rule(
            centre=calibration.strangers.centre,
            spread=calibration.strangers.spread,
            within=calibration.within,
            within_s=calibration.within_s,
            deviate=-math.inf if by_hand else deviate(self._promise.rate(people)),
            floor=calibration.floor if settings.threshold is None else settings.threshold,
            margin=calibration.margin if settings.margin is None else settings.margin,
            lookalike=calibration.lookalike,
            frames=settings.frames,
            patience=settings.patience,
            patience_s=settings.patience_s,
        )

    def _believe(self, watch: _Watch, gallery: Gallery) -> Belief | None:
        if not watch.sightings:
            return None
        candidates = gallery.search(track_template(watch.sightings))
        return weigh(watch.sightings, candidates, gallery.alike(candidates), self.rule(len(gallery)))

    def _conclude(self, track: Track, gallery: Gallery, now: float) -> Claim | None:
        watch = self._watches[track.number]
        if watch.decided is not None or watch.near_since is None:
            return None
        belief = self._believe(watch, gallery)
        if belief is None:
            belief = _no_belief(watch, now - watch.near_since)
        if belief is None:
            return None
        if belief.resident is not None:
            match judge(watch.looks, self._settings.liveness, infrared=self._infrared):
                case Finding.WAIT:
                    belief = _no_belief(watch, now - watch.near_since)
                    if belief is None:
                        return None
                case Finding.NOT_LIVE:
                    belief = Belief(None, Reason.NOT_LIVE, None, belief.frames)
                    self._cooling.append((track.face.box, now + self._settings.liveness_cooldown_s))
                case Finding.BLIND:
                    belief = Belief(None, Reason.FAULT, None, belief.frames)
                case Finding.LIVE:
                    pass
        identity = self._new_id()
        if belief.resident is not None:
            self._concluded[identity] = watch.sightings
        watch.decided, watch.decided_box = now, track.face.box
        watch.retry_mono = None if belief.resident is not None else now + self._retry_after_s(belief)
        watch.sightings, watch.looks = (), ()
        watch.unfit.clear()
        return Claim(
            id=identity,
            track=track.number,
            taken_mono=now,
            resident=belief.resident,
            reason=belief.reason,
            frames=belief.frames,
            similarity=belief.similarity,
        )

    def _cools(self, track: Track, now: float) -> bool:
        """Whether the liveness check has just failed in this place, whoever comes there next."""
        self._cooling = [(box, until) for box, until in self._cooling if now < until]
        return any(overlap(box, track.face.box) > 0 for box, _ in self._cooling)

    def _retry_after_s(self, belief: Belief) -> float:
        return self._settings.liveness_cooldown_s if belief.reason is Reason.NOT_LIVE else _RETRY_AFTER_S

    def _allow_retry(self, track: Track, watch: _Watch, now: float) -> None:
        if watch.decided is None:
            return
        if watch.answer is not None:
            again = may_ask_again(watch.answer, self._door, now)
        else:
            again = watch.retry_mono is not None and now >= watch.retry_mono and _moved(watch.decided_box, track)
        if again:
            watch.decided = watch.answer = None
            watch.near_since = now


def limits_of(settings: VisionSettings) -> Limits:
    """What a face must keep to at the gate."""
    return Limits(
        settings.min_eye_distance,
        settings.max_yaw,
        settings.min_sharpness,
        settings.min_light,
        settings.max_light,
    )


def _no_belief(watch: _Watch, near_s: float) -> Belief | None:
    """What to tell someone who has stood at the gate for `near_s` without enough to judge by; None: wait."""
    if near_s < (_GIVE_UP_AFTER_S if watch.sightings else _HELP_AFTER_S):
        return None
    if watch.unfit:
        return Belief(None, watch.unfit.most_common(1)[0][0], None, len(watch.sightings))
    return Belief(None, Reason.UNKNOWN, None, len(watch.sightings)) if watch.sightings else None


def _moved(before: Box | None, track: Track) -> bool:
    return before is None or overlap(before, track.face.box) < _MOVED_BELOW_OVERLAP


def _coincide(faces: list[Face]) -> bool:
    return any(overlap(one.box, other.box) > _ONE_FACE for one, other in combinations(faces, 2))


def _nearest(faces: list[Face], width: int, height: int) -> tuple[float, float, float, float] | None:
    nearest = largest(faces)
    if nearest is None:
        return None
    x, y, w, h = nearest.box
    right, down = (x + w / 2 - width / 2) / height, (y + h / 2) / height
    return round(right, 3), round(down, 3), round(w / height, 3), round(h / height, 3)


def _thumbnail(image: NDArray[np.uint8]) -> NDArray[np.int16]:
    small = cv2.resize(image, _THUMBNAIL, interpolation=cv2.INTER_AREA)
    return cv2.cvtColor(small, cv2.COLOR_BGR2GRAY).astype(np.int16)


def _motion(change: NDArray[np.int16]) -> float:
    # A cloud changes the whole picture alike; someone who enters changes a part of it.
    return float(np.abs(change - np.median(change)).mean())
