"""Which face in this frame is which in the last: greedy matching by overlap. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from gate.vocabulary import Track
from models.boxes import overlap
from models.faces import Face

MIN_OVERLAP = 0.2
LOST_AFTER_S = 2.0


@dataclass(frozen=True, slots=True)
class Tracks:
    """The people in view, and the number the next new one gets. Numbers are never given twice."""

    active: tuple[Track, ...] = ()
    next_number: int = 1


def follow(tracks: Tracks, faces: Sequence[Face], now: float) -> Tracks:
    """Carry the tracks on with this frame's faces: best overlap first, each face and track used once.

    A face that overlaps no track begins one; a track unseen for longer than LOST_AFTER_S ends.
    """
    overlaps = sorted(
        (
            (overlap(track.face.box, face.box), -track.number, index)
            for track in tracks.active
            for index, face in enumerate(faces)
        ),
        reverse=True,
    )
    face_of: dict[int, int] = {}
    for value, negative_number, index in overlaps:
        if value >= MIN_OVERLAP and -negative_number not in face_of and index not in face_of.values():
            face_of[-negative_number] = index
    carried = tuple(
        replace(track, face=faces[face_of[track.number]], seen_mono=now) if track.number in face_of else track
        for track in tracks.active
        if track.number in face_of or now - track.seen_mono <= LOST_AFTER_S
    )
    unmatched = [face for index, face in enumerate(faces) if index not in face_of.values()]
    begun = tuple(Track(tracks.next_number + n, now, face, now) for n, face in enumerate(unmatched))
    return Tracks(carried + begun, tracks.next_number + len(begun))
