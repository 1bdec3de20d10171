"""From a frame to claims: detect, track, judge, embed, search, weigh. Owns no clock and opens nothing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

import cv2
import numpy as np
from numpy.typing import NDArray

from gate.config import VisionSettings
from gate.vision import tracker
from gate.vision.evidence import Belief, Rule, gather, weigh
from gate.vision.gallery import Gallery
from gate.vision.quality import Limits, Zone, measure, not_at_gate, unfit
from gate.vision.tracker import Tracks, follow
from gate.vocabulary import Claim, Face, Frame, Reason, Sighting, Track
from models.align import align, shrunk
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
# The door was busy with someone else, heard too late, or did not hear at all.
_RETRY_AFTER_REFUSAL_S = {Reason.BUSY: 1.0, Reason.STALE: 0.0, Reason.FAULT: 0.0}
_THUMBNAIL = (64, 36)
# Mean grey levels: on the walk-up footage noise stays below 0.5 on a thumbnail; a person entering gives above 7.
_MOTION_LEVEL = 1.0


@dataclass(slots=True)
class _Watch:
    """What is known of one track so far."""

    near_since: float | None = None
    sampled: float = float("-inf")
    sightings: tuple[Sighting, ...] = ()
    unfit: Counter[Reason] = field(default_factory=Counter)
    decided: float | None = None
    decided_box: tracker.Box | None = None
    retry_mono: float | None = None


@dataclass(frozen=True, slots=True)
class _Probe:
    track: Track
    watch: _Watch
    aligned: NDArray[np.uint8]


class Recogniser:
    """One camera's eye: keeps its tracks, and says what it believes of them."""

    def __init__(self, models: Models, settings: VisionSettings, new_id: Callable[[], str]) -> None:
        self._models = models
        self._settings = settings
        self._new_id = new_id
        self._template_points = np.asarray(models.spec.landmarks)
        calibration = models.spec.calibration
        self.rule = Rule(
            threshold=calibration.threshold if settings.threshold is None else settings.threshold,
            margin=calibration.margin if settings.margin is None else settings.margin,
            frames=settings.frames,
            patience=settings.patience,
        )
        self._limits = Limits(
            settings.min_eye_distance,
            settings.max_yaw,
            settings.min_sharpness,
            settings.min_light,
            settings.max_light,
        )
        self._set_zone = Zone(settings.zone.left, settings.zone.top, settings.zone.right, settings.zone.bottom)
        self._zone = self._set_zone
        self._tracks = Tracks()
        self._watches: dict[int, _Watch] = {}
        self._seen_thumbnail: NDArray[np.int16] | None = None
        self._looked = float("-inf")
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

    def see(self, frame: Frame, gallery: Gallery) -> list[Claim]:
        """What this frame adds: a claim for each track on which the evidence now suffices, often none."""
        now = frame.taken_mono
        if not self._worth_a_look(frame.image, now):
            return []
        faces = self._detect(frame.image)
        self.nearest = _nearest(faces, frame.image.shape[1], frame.image.shape[0])
        self._tracks = follow(self._tracks, faces, now)
        self._watches = {track.number: self._watches.get(track.number, _Watch()) for track in self._tracks.active}
        probes = self._probes(frame, faces, now)
        self._embed(probes, gallery, now)
        claims = [self._conclude(track, now) for track in self._tracks.active if track.seen_mono == now]
        return [claim for claim in claims if claim is not None]

    def answered(self, claim: Claim, reason: Reason | None) -> None:
        """What the door said to a claim: some refusals are about the moment, and the track is then judged anew."""
        watch = self._watches.get(claim.track)
        if watch is not None and reason in _RETRY_AFTER_REFUSAL_S:
            watch.retry_mono = claim.taken_mono + _RETRY_AFTER_REFUSAL_S[reason]
            watch.decided_box = None

    def _worth_a_look(self, image: NDArray[np.uint8], now: float) -> bool:
        small = cv2.resize(image, _THUMBNAIL, interpolation=cv2.INTER_AREA)
        thumbnail = cv2.cvtColor(small, cv2.COLOR_BGR2GRAY).astype(np.int16)
        before = self._seen_thumbnail
        moved = before is None or _motion(thumbnail - before) >= _MOTION_LEVEL
        undecided = any(watch.near_since is not None and watch.decided is None for watch in self._watches.values())
        if not (moved or undecided or now - self._looked >= _LOOK_ANYWAY_S):
            return False
        self._seen_thumbnail, self._looked = thumbnail, now
        return True

    def _detect(self, image: NDArray[np.uint8]) -> list[Face]:
        small, scale = shrunk(image, self._settings.detect_side)
        found = self._models.detector.detect(small)
        found[:, :14] /= scale
        return [Face.from_row(row) for row in found.tolist()]

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
            self._allow_retry(track, watch, now)
            if watch.decided is None and now - watch.sampled >= self._settings.sample_s:
                watch.sampled = now
                near.append((track, watch))
        return [probe for track, watch in near if (probe := self._probe(frame.image, track, watch)) is not None]

    def _probe(self, image: NDArray[np.uint8], track: Track, watch: _Watch) -> _Probe | None:
        size = self._models.spec.input_size
        try:
            aligned = align(image, np.asarray(track.face.landmarks), self._template_points, size)
        except ValueError:
            return None
        reason = unfit(measure(track.face, aligned), self._limits)
        if reason is not None:
            watch.unfit[reason] += 1
            return None
        return _Probe(track, watch, aligned)

    def _embed(self, probes: list[_Probe], gallery: Gallery, now: float) -> None:
        if not probes:
            return
        templates = self._models.embedder.embed(np.stack([probe.aligned for probe in probes]))
        self.embedded += len(probes)
        for probe, template, candidates in zip(probes, templates, gallery.search(templates), strict=True):
            if np.isfinite(template).all():
                sighting = Sighting(now, candidates, template)
                probe.watch.sightings = gather(probe.watch.sightings, sighting, self.rule.patience)

    def _conclude(self, track: Track, now: float) -> Claim | None:
        watch = self._watches[track.number]
        if watch.decided is not None or watch.near_since is None:
            return None
        belief = weigh(watch.sightings, self.rule)
        if belief is None:
            belief = _no_belief(watch, now - watch.near_since)
        if belief is None:
            return None
        watch.decided, watch.decided_box = now, track.face.box
        watch.retry_mono = None if belief.resident is not None else now + _RETRY_AFTER_S
        watch.sightings = ()
        watch.unfit.clear()
        return Claim(
            id=self._new_id(),
            track=track.number,
            taken_mono=now,
            resident=belief.resident,
            reason=belief.reason,
            frames=belief.frames,
            similarity=belief.similarity,
        )

    def _allow_retry(self, track: Track, watch: _Watch, now: float) -> None:
        if watch.decided is None or watch.retry_mono is None or not now >= watch.retry_mono:
            return
        if watch.decided_box is None or tracker.overlap(watch.decided_box, track.face.box) < _MOVED_BELOW_OVERLAP:
            watch.decided = None
            watch.near_since = now


def _no_belief(watch: _Watch, near_s: float) -> Belief | None:
    """What to tell someone who has stood at the gate for `near_s` without enough to judge by; None: wait."""
    if near_s < (_GIVE_UP_AFTER_S if watch.sightings else _HELP_AFTER_S):
        return None
    if watch.unfit:
        return Belief(None, watch.unfit.most_common(1)[0][0], None, len(watch.sightings))
    return Belief(None, Reason.UNKNOWN, None, len(watch.sightings)) if watch.sightings else None


def _nearest(faces: list[Face], width: int, height: int) -> tuple[float, float, float, float] | None:
    if not faces:
        return None
    x, y, w, h = max((face.box for face in faces), key=lambda box: box[2] * box[3])
    right, down = (x + w / 2 - width / 2) / height, (y + h / 2) / height
    return round(right, 3), round(down, 3), round(w / height, 3), round(h / height, 3)


def _motion(change: NDArray[np.int16]) -> float:
    # A cloud changes the whole picture alike; someone who enters changes a part of it.
    return float(np.abs(change - np.median(change)).mean())
