"""How liveness does on a folder of live people and attacks, photos and clips."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from enroll.decode import decode_photo
from enroll.decoder.parent import Decoder
from enroll.upright import find_faces, main_face
from evaluate.folder import photos_in
from gate.errors import UsageError
from gate.vision.liveness import MOST_PASSIVE, THRESHOLDS, Liveness, Look, judge
from gate.vision.quality import eye_distance
from gate.vision.recordings import video_frames
from gate.vision.straight_edges import edges_around, held_frame
from gate.vocabulary import Level
from models.faces import largest
from models.images import Image
from models.liveness import LivenessCheck
from models.pack import Models

_CLIPS = {".mp4", ".avi", ".mov", ".mkv"}
_MOST_LOOKS = 30
HELD = "held frame"


def list_presentations(folder: Path) -> list[tuple[bool, Path]]:
    """(whether it is live, file) for the photos and clips of `folder`. Raises UsageError."""
    found = []
    for name, live in (("bona_fide", True), ("attack", False)):
        if not (folder / name).is_dir():
            raise UsageError(
                "{folder} has no folder {name}. Put live people into bona_fide, and photos of prints and screens into"
                " attack.",
                folder=folder,
                name=name,
            )
        clips = sorted(path for path in (folder / name).iterdir() if path.suffix.lower() in _CLIPS)
        found += [(live, path) for path in (*photos_in(folder / name), *clips)]
    if len({live for live, _ in found}) < 2:
        raise UsageError("{folder} needs photos or clips in both bona_fide and attack.", folder=folder)
    return found


def evaluate_folder(
    presentations: list[tuple[bool, Path]],
    models: Models,
    checks: Mapping[str, LivenessCheck],
    level: Level,
    step: Callable[[], None] = lambda: None,
) -> dict[str, Any]:
    """{"fused": {"bpcer", "apcer"}, "checks": {name: the same}, "no_face", "bona_fide", "attacks", "level"}.

    BPCER is the share of live presentations refused, APCER that of attacks passed (ISO/IEC 30107-3); those without a
    face are counted and left out. One photo is judged by the passive checks alone, as strictly as strict does.
    """
    passed: dict[str, dict[bool, list[bool]]] = {}
    no_face = 0
    with Decoder() as decoder:
        for live, path in presentations:
            step()
            verdicts = _verdicts(path, models, checks, level, decoder)
            no_face += verdicts is None
            for name, verdict in (verdicts or {}).items():
                passed.setdefault(name, {True: [], False: []})[live].append(verdict)
    rates = {name: _rates(lives[True], lives[False]) for name, lives in passed.items()}
    fused = passed.get("fused", {True: [], False: []})
    return {
        "level": str(level),
        "bona_fide": len(fused[True]),
        "attacks": len(fused[False]),
        "no_face": no_face,
        "fused": rates.pop("fused", _rates([], [])),
        "checks": rates,
    }


def judge_clip(
    frames: Iterable[Image],
    fps: float,
    models: Models,
    checks: Mapping[str, LivenessCheck],
    level: Level,
    least_eye_distance: float = 24,
) -> dict[str, bool] | None:
    """Each check's verdict on one clip, and that of all `fused`; None where too little of a face is seen."""
    looks: list[Look] = []
    alone: dict[str, list[float]] = {name: [] for name in checks}
    for number, image in enumerate(frames):
        face = largest(models.detector.detect(image))
        if face is None or eye_distance(face) < least_eye_distance:
            continue
        asked = sum(look.passive is not None for look in looks)
        passive = None
        if asked < MOST_PASSIVE and (not looks or looks[-1].passive is None):
            for name, check in checks.items():
                alone[name].append(check.evidence(image, face.box))
            passive = float(np.mean([values[-1] for values in alone.values()]))
        looks.append(Look(number / fps, edges_around(image, face.landmarks, models.spec.landmarks), passive))
        fused = judge(looks, level)
        if fused is not Liveness.WAIT:
            held = held_frame([look.edges for look in looks]) <= THRESHOLDS[level].doubt
            verdicts = {name: float(np.mean(values)) >= THRESHOLDS[level].passive for name, values in alone.items()}
            return {"fused": fused is Liveness.LIVE, **verdicts, HELD: held}
    return None


def _verdicts(
    path: Path, models: Models, checks: Mapping[str, LivenessCheck], level: Level, decoder: Decoder
) -> dict[str, bool] | None:
    if path.suffix.lower() in _CLIPS:
        timed = list(video_frames(path))
        fps = len(timed) / max(timed[-1][0] - timed[0][0], 1e-3) if len(timed) > 1 else 25.0
        return judge_clip([image for _, image in timed], fps, models, checks, level)
    image = decode_photo(path, decoder)
    faces = find_faces(image, models)
    if not faces:
        return None
    box = main_face(faces, image).box
    evidence = {name: check.evidence(image, box) for name, check in checks.items()}
    limit = THRESHOLDS[Level.STRICT].passive
    fused = float(np.mean(list(evidence.values()))) >= limit
    return {"fused": fused, **{name: value >= 0 for name, value in evidence.items()}}


def _rates(live: list[bool], attacks: list[bool]) -> dict[str, float | None]:
    return {
        "bpcer": round(1 - sum(live) / len(live), 5) if live else None,
        "apcer": round(sum(attacks) / len(attacks), 5) if attacks else None,
    }
