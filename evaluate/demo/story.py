"""The demo's story: a man is enrolled from one photo, he and a stranger walk up, three real processes do the rest."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from evaluate.demo.programs import environment, facegate, running
from evaluate.demo.sheet import Moment, draw_sheet
from evaluate.demo.walkup import Scene, footage, walker_from, write_video
from gate.care.health import vision_status
from gate.config import Settings
from gate.errors import FacegateError
from gate.replay import replay
from gate.store.record.details import details_of
from gate.vision.gallery import Gallery
from gate.vision.recordings import video_frames
from gate.vocabulary import ENTERED
from models.errors import PackError
from models.fetch import Progress
from models.install import install
from models.installed import pack_folder, read_installed
from models.pack import Models, open_models, verify

RESIDENT = "Barack Obama"

_SEED = 20250601
_ENROLLED_FROM = "obama.jpg"
# Who walks up, on which photo, for how many seconds; the resident on photos he was not enrolled from.
_WALKS = (("obama2.jpg", 4.0), ("biden.jpg", 5.5), ("obama3.jpg", 4.0))
_PAUSE_S = 2.5
_START_WITHIN_S = 60.0
_POLL_S = 0.05
_TIMED_FRAMES = 200


@dataclass(frozen=True, slots=True)
class Arrival:
    """One verdict on a face, `t` seconds into the footage."""

    granted: bool
    t: float
    resident: str | None
    reason: str | None
    frames: int
    similarity: float | None
    frame_to_relay_ms: float | None


@dataclass(frozen=True, slots=True)
class Story:
    """What happened, and how quickly: `ready_s` from the start of `run` to its first judged frame."""

    arrivals: tuple[Arrival, ...]
    relay_pulses: int
    ready_s: float
    fps: float
    model_id: str


def install_missing(models_dir: Path, progress: Progress) -> None:
    """Install the packs the demo stands on, unless they are here and sound. Raises PackError."""
    for pack in ("open", "demo-photos"):
        try:
            verify(models_dir, pack)
        except PackError:
            install(pack, models_dir, progress=progress)
    # Whoever has no network for it has a demo all the same.
    with suppress(PackError):
        second = read_installed(models_dir, "open").second
        if second is not None and not pack_folder(models_dir, second).exists():
            install(second, models_dir, progress=progress)


def tell(models_dir: Path, scratch: Path, sheet: Path, say: Callable[[str], None]) -> Story:
    """Make the footage, enrol, run the gate on it, and draw the contact sheet. Raises FacegateError."""
    photos = pack_folder(models_dir, "demo-photos")
    models = open_models(models_dir, "open")
    video, state = scratch / "walk-up.mp4", scratch / "state"
    say("Making the walk-up footage...")
    scenes = [Scene(None, 1.0)]
    for photo, seconds in _WALKS:
        scenes += [Scene(walker_from(photos / photo, models.detector), seconds), Scene(None, _PAUSE_S)]
    write_video(video, footage(scenes, _SEED))
    given = environment(models_dir) | {"FACEGATE_CAMERA__LOOP": "false"}
    say(f"Enrolling {RESIDENT} from one photo...")
    facegate(["enroll", RESIDENT, str(photos / _ENROLLED_FROM), "--state", str(state)], given)
    say(f"Running the gate on {sum(scene.seconds for scene in scenes):.0f} s of footage...")
    began, ready_s = _run_gate(state, video, given)
    record = facegate(["audit", "tail", "-n", "1000", "--state", str(state), "--json"], given)
    lines = json.loads(record)["lines"]
    arrivals = tuple(_arrival(line, began) for line in lines if line["details"].get("method") == "face")
    _draw(video, arrivals, models, sheet)
    pulses = sum(line["kind"] == "relay_pulse" for line in lines)
    return Story(arrivals, pulses, ready_s, _speed(video, models), models.model_id)


def _arrival(line: dict[str, Any], began: float) -> Arrival:
    says = details_of(line["details"])
    return Arrival(
        granted=line["kind"] in ENTERED,
        t=round(line["mono"] - (says.frame_age_ms or 0) / 1000 - began, 2),
        resident=line["personal"].get("name"),
        reason=says.reason,
        frames=says.frames or 0,
        similarity=says.similarity,
        frame_to_relay_ms=says.frame_to_relay_ms,
    )


def _run_gate(state: Path, video: Path, given: dict[str, str]) -> tuple[float, float]:
    """Run the three processes until the footage has ended: when it began (monotonic), and seconds until ready."""
    started = time.monotonic()
    with running(["run", "--source", str(video), "--state", str(state)], given) as process:
        began: float | None = None
        ready_s = 0.0
        while True:
            status = vision_status(state)
            if began is None and status and status.last_inference_mono and status.recording_began_mono:
                began = status.recording_began_mono
                ready_s = status.last_inference_mono - started
            if status and status.recording_ended and began is not None:
                return began, ready_s
            if process.poll() is not None or (began is None and time.monotonic() - started > _START_WITHIN_S):
                raise FacegateError("The gate did not start; run it by itself to see why: facegate run")
            time.sleep(_POLL_S)


def _speed(video: Path, models: Models) -> float:
    """Frames a second the whole pipeline manages on the footage, not held to its pace."""
    gallery = Gallery([], models.spec.dimension)
    frames = islice(video_frames(video), _TIMED_FRAMES)
    outcome = replay(frames, models, gallery, lambda _id: None, Settings(), video.name)
    return round(outcome.frames / outcome.elapsed_s, 1)


def _draw(video: Path, arrivals: tuple[Arrival, ...], models: Models, sheet: Path) -> None:
    pictures: dict[int, NDArray[np.uint8]] = {}
    for t, image in video_frames(video):
        for number, arrival in enumerate(arrivals):
            if number not in pictures and t >= arrival.t - 1e-3:
                pictures[number] = image
    moments = [_moment(arrivals[number], image, models) for number, image in sorted(pictures.items())]
    try:
        draw_sheet(moments, "Facegate: who walked up, and what the gate did", sheet)
    except (OSError, ValueError) as error:
        raise FacegateError(f"The picture cannot be written to {sheet}: {error}.") from error


def _moment(arrival: Arrival, image: NDArray[np.uint8], models: Models) -> Moment:
    found = models.detector.detect(image)
    box = found[0].box if found else None
    title = f"Not let in: {(arrival.reason or '').replace('_', ' ')}"
    note = f"at {arrival.t:.2f} s, on {arrival.frames} frames"
    if arrival.granted:
        title = f"{arrival.resident}: let in"
        note += f", relay after {arrival.frame_to_relay_ms:.0f} ms"
    return Moment(image, box, arrival.granted, title, note)
