"""Where and when to look: in which picture, where in it, and whose face is to be judged now.

A picture in which nothing changes is looked at once a second. The whole picture is searched five times a second;
between searches whoever is in view is followed on cut-outs, and where nobody is in view the picture is searched small.
Of those in view whoever stands in the zone, near enough and among the nearest is judged, once, until they may be judged
again. Owns no clock and opens nothing; the detector is all it asks.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import combinations

import cv2
import numpy as np
from numpy.typing import NDArray

from gate.vision.quality import EYES_PER_BOX, Bounds, Zone, nearness, not_at_gate
from gate.vision.retry import Answer, DoorNews, Judged, awaits_door, may_be_judged_again
from gate.vision.settings import VisionSettings
from gate.vision.tracker import Tracks, follow
from gate.vocabulary import Frame, Track
from models.boxes import Box, overlap
from models.detector import Detector, find_shrunk, look_closer
from models.faces import Face, largest
from models.images import Image

# A face with eyes nearer together than this share of what is asked at the gate is too small to be told from another.
_COMES_FROM = 0.6
# A quiet picture is still looked at this often, in case the motion was too small to see.
_LOOK_ANYWAY_S = 1.0
# Who is in view is followed from frame to frame; whoever else has come is found by searching the whole picture.
_SEARCH_EVERY_S = 0.2
# More than so many are found sooner by one search.
_MOST_FOLLOWED = 4
# Two tracks on one face are one person.
_ONE_FACE = 0.5
# Where nobody is in view, the picture is searched so small that the least face that counts is so many pixels wide.
_LEAST_FACE = 24.0
_THUMBNAIL = (64, 36)
# Mean grey levels: on the walk-up footage noise stays below 0.5 on a thumbnail; a person entering gives above 7.
_MOTION_LEVEL = 1.0


@dataclass(frozen=True, slots=True)
class Waiting:
    """Somebody at the gate who has no answer yet, since `since_mono`.

    `shut`: a liveness check has just failed in this place, so that nobody's face is looked at there for a while.
    """

    track: Track
    since_mono: float
    shut: bool


@dataclass(slots=True)
class _Presence:
    """Since when somebody in view is at the gate (None: they are not), and how they were judged, if they were."""

    near_since: float | None = None
    judged: Judged | None = None


class Attention:
    """What one camera's eye is turned to: who is in view, and who of them is to be judged."""

    def __init__(self, detector: Detector, settings: VisionSettings) -> None:
        self._detector = detector
        self._detect_side = settings.detect_side
        self._bounds = Bounds.of(settings)
        self._set_zone = Zone.of(settings.zone)
        self._zone = self._set_zone
        self.tracks = Tracks()
        """Who is in view."""
        self.nearest: tuple[float, float, float, float] | None = None
        """Where the nearest face is, for the screen at the gate, in heights of the picture: how far right of its middle
        and below its upper edge the face's middle lies, and its width and height."""
        self._present: dict[int, _Presence] = {}
        self._shut: list[tuple[Box, float]] = []
        self._door: DoorNews | None = None
        self._seen_thumbnail: NDArray[np.int16] | None = None
        self._looked = self._searched = self._followed = float("-inf")

    def let_count(self, zone: tuple[float, float, float, float] | None) -> None:
        """Judge only faces inside this zone (left, top, right, bottom as fractions); None: that of the settings."""
        self._zone = Zone(*zone) if zone else self._set_zone

    def look(self, frame: Frame) -> list[Waiting]:
        """Who of those in this frame waits to be judged; nobody where the frame is not worth a look."""
        now = frame.taken_mono
        if not self._worth_a_look(frame.image, now):
            return []
        faces = self._faces(frame.image, now)
        size = (frame.image.shape[1], frame.image.shape[0])
        self.nearest = _nearest(faces, size)
        self.tracks = follow(self.tracks, faces, now)
        self._present = {track.number: self._present.get(track.number, _Presence()) for track in self.tracks.active}
        self._shut = [(box, until) for box, until in self._shut if now < until]
        seen = [track for track in self.tracks.active if track.seen_mono == now]
        at_gate = [track for track in seen if self._is_at_gate(track, faces, size)]
        return [waiting for track in at_gate if (waiting := self._waiting(track)) is not None]

    def comes(self, now: float) -> Track | None:
        """The nearest of those in the picture of now who have no answer yet, at the gate or on their way to it."""
        open_ = [
            track for track in self.tracks.active
            if track.seen_mono == now and self._present[track.number].judged is None
            and nearness(track.face) >= _COMES_FROM * self._bounds.min_eye_distance and not self._is_shut(track)
        ]  # fmt: skip
        return max(open_, key=lambda track: nearness(track.face), default=None)

    def judged(self, track: Track, again_mono: float | None) -> None:
        """Somebody has their answer; unless the door says more, another from `again_mono` on, or none (None)."""
        self._present[track.number].judged = Judged(track.face.box, again_mono)

    def begin_anew(self, track: Track) -> None:
        """Somebody else may stand there now, who is at the gate since this picture."""
        self._present[track.number].near_since = track.seen_mono

    def shut(self, box: Box, until_mono: float) -> None:
        """Close a place of the picture, around `box`: nobody's face is judged there until then (monotonic seconds)."""
        self._shut.append((box, until_mono))

    def answered(self, track: int, answer: Answer | None) -> None:
        """What the door answered to the claim of a track; None where it only said again what the claim says."""
        # What the door said of itself before is of the past now.
        self._door = None
        presence = self._present.get(track)
        if presence is not None and presence.judged is not None and answer is not None:
            presence.judged = replace(presence.judged, answer=answer)

    def hear(self, news: DoorNews) -> None:
        """Take in what the door says of itself now: whether the gate is at rest, and who went through."""
        self._door = news

    @property
    def awaits_door(self) -> bool:
        """Whether somebody in view may be judged again as soon as the gate is at rest."""
        judged = (presence.judged for presence in self._present.values())
        return any(one is not None and one.answer is not None and awaits_door(one.answer) for one in judged)

    def _worth_a_look(self, image: Image, now: float) -> bool:
        undecided = any(one.near_since is not None and one.judged is None for one in self._present.values())
        # Whoever waits for an answer is looked at in every picture, and pays for no comparison of pictures.
        thumbnail = None if undecided else _thumbnail(image)
        before = self._seen_thumbnail
        still = thumbnail is not None and before is not None and _motion(thumbnail - before) < _MOTION_LEVEL
        if still and now - self._looked < _LOOK_ANYWAY_S:
            return False
        self._seen_thumbnail, self._looked = thumbnail, now
        return True

    def _faces(self, image: Image, now: float) -> list[Face]:
        followed = [track.face for track in self.tracks.active if track.seen_mono == self._followed]
        self._followed = now
        if self._detector.cutouts and now - self._searched < _SEARCH_EVERY_S:
            if not followed:
                return self._search(image, self._least_side(image))
            again = [look_closer(image, face, self._detector) for face in followed[:_MOST_FOLLOWED]]
            faces = [face for face in again if face is not None]
            if len(faces) == len(followed) and not _coincide(faces):
                return faces
        self._searched = now
        return self._search(image, self._detect_side)

    def _search(self, image: Image, side: int) -> list[Face]:
        faces = find_shrunk(image, self._detector, side)
        return [(self._is_near(face) and look_closer(image, face, self._detector)) or face for face in faces]

    def _is_near(self, face: Face) -> bool:
        return nearness(face) >= self._bounds.min_eye_distance

    def _least_side(self, image: Image) -> int:
        least = self._bounds.min_eye_distance / EYES_PER_BOX
        longest: int = max(image.shape[:2])
        return min(self._detect_side, max(1, round(longest * _LEAST_FACE / least)))

    def _is_at_gate(self, track: Track, faces: Sequence[Face], size: tuple[int, int]) -> bool:
        presence = self._present[track.number]
        if not_at_gate(track.face, faces, size, self._zone, self._bounds):
            presence.near_since = None
        elif presence.near_since is None:
            presence.near_since = track.seen_mono
        return presence.near_since is not None

    def _waiting(self, track: Track) -> Waiting | None:
        presence, now = self._present[track.number], track.seen_mono
        shut = self._is_shut(track)
        if presence.judged is not None:
            if shut or not may_be_judged_again(presence.judged, track.face.box, self._door, now):
                return None
            presence.judged, presence.near_since = None, now
        since = now if presence.near_since is None else presence.near_since
        return Waiting(track, since, shut)

    def _is_shut(self, track: Track) -> bool:
        return any(overlap(box, track.face.box) > 0 for box, _ in self._shut)


def _coincide(faces: Sequence[Face]) -> bool:
    return any(overlap(one.box, other.box) > _ONE_FACE for one, other in combinations(faces, 2))


def _nearest(faces: Sequence[Face], size: tuple[int, int]) -> tuple[float, float, float, float] | None:
    nearest = largest(faces)
    if nearest is None:
        return None
    (x, y, w, h), (width, height) = nearest.box, size
    right, down = (x + w / 2 - width / 2) / height, (y + h / 2) / height
    return round(right, 3), round(down, 3), round(w / height, 3), round(h / height, 3)


def _thumbnail(image: Image) -> NDArray[np.int16]:
    small = cv2.resize(image, _THUMBNAIL, interpolation=cv2.INTER_AREA)
    return cv2.cvtColor(small, cv2.COLOR_BGR2GRAY).astype(np.int16)


def _motion(change: NDArray[np.int16]) -> float:
    # A cloud changes the whole picture alike; someone who enters changes a part of it.
    return float(np.abs(change - np.median(change)).mean())
