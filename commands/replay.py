"""facegate replay"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from commands.common import (
    Home,
    counted,
    home,
    json_option,
    print_json,
    print_table,
    progress_bar,
    record_look,
    state_option,
)

if TYPE_CHECKING:
    from gate.replay import Outcome


@click.command()
@click.argument("video", type=click.Path(path_type=Path))
@state_option
@json_option
def replay(video: Path, state: Path | None, config: Path | None, as_json: bool) -> None:
    """Every verdict of the pipeline over VIDEO (a file, or a folder of pictures), with its time in the video."""
    from gate.replay import percentiles

    outcome = replay_file(video, home(state, config))
    fps = round(outcome.frames / outcome.elapsed_s, 1)
    if as_json:
        events = [
            {
                "kind": passage.kind,
                "t": passage.t,
                "resident": passage.resident,
                "reason": passage.reason,
                "track": passage.track,
            }
            for passage in outcome.passages
        ]
        print_json(
            {
                "video": str(video),
                "frames": outcome.frames,
                "fps": fps,
                "events": events,
                "relay_pulses": outcome.relay_pulses,
                "frame_to_relay_ms": percentiles(outcome.frame_to_relay_ms),
            }
        )
        return
    rows = [(f"{p.t:.2f}", p.kind.replace("_", " "), p.resident, p.reason, p.track) for p in outcome.passages]
    print_table(("seconds", "verdict", "resident", "reason", "track"), rows, "Nobody came to the gate.")
    click.echo(f"{outcome.frames} frames, {fps} a second, {counted(outcome.relay_pulses, 'relay pulse')}")


def replay_file(video: Path, gate: Home) -> Outcome:
    """Replay a file or folder over a gate's residents and settings. Where it tells whose face is on it, that look is on
    record. Raises CameraError, PackError."""
    from functools import partial

    import cv2

    from enroll.duplicates import WHOSE_FACE
    from gate.processes.camera_report import CameraError, Trouble
    from gate.replay import replay as replay_frames
    from gate.store.people import residents
    from gate.store.site.inherited import inherited
    from gate.vision.gallery import judging, judging_again
    from gate.vision.liveness_packs import liveness_packs
    from gate.vision.promise import looks_again
    from gate.vision.recordings import recorded_frames
    from gate.vision.settings import CameraSettings
    from models.pack import open_liveness, open_models

    if not video.exists():
        raise CameraError(Trouble.RECORDING, why=f"There is no video {video}.")
    vision = gate.settings.vision
    cv2.setNumThreads(vision.threads)
    models = open_models(gate.models_dir, gate.ready_pack(), threads=vision.threads, provider=vision.provider)
    with gate.store() as connection, progress_bar(f"Replaying {video.name}") as advance:
        vision = vision.as_before(inherited(connection))
        settings = gate.settings.model_copy(update={"vision": vision})
        packs = liveness_packs(gate.models_dir, vision, settings.models.liveness)
        checks = open_liveness(gate.models_dir, packs, threads=vision.threads, provider=vision.provider)
        second = judging_again(connection, models) if looks_again(vision) else None
        outcome = replay_frames(
            recorded_frames(video, CameraSettings().fps),
            models,
            judging(connection, models).gallery,
            partial(residents.get, connection),
            settings,
            video.name,
            advance,
            checks,
            None if second is None else second.gallery,
        )
        if any(passage.resident for passage in outcome.passages):
            record_look(connection, WHOSE_FACE, gate.by)
    return outcome
