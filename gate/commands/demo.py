"""facegate demo"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from gate.commands.home import Home, fetch_progress, home, json_option, print_json, print_table, state_option
from gate.errors import FacegateError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from models.pack import Models

_SEED = 20250601
_RESIDENT = "Barack Obama"
_ENROLLED_FROM = "obama.jpg"
# Who walks up, on which photo, for how many seconds; the resident on photos he was not enrolled from.
_WALKS = (("obama2.jpg", 4.0), ("biden.jpg", 5.5), ("obama3.jpg", 4.0))
_PAUSE_S = 2.5
_SHEET_NAME = "facegate-demo.png"
_START_WITHIN_S = 60.0
_POLL_S = 0.05
_TIMED_FRAMES = 200


@click.command()
@state_option
@json_option
@click.option("--headless", is_flag=True, help="Do not open the picture, even where there is a display.")
@click.option(
    "--sheet",
    type=click.Path(path_type=Path),
    default=_SHEET_NAME,
    show_default=True,
    help="Where to put it.",
)
def demo(state: Path | None, config: Path | None, as_json: bool, headless: bool, sheet: Path) -> int:
    """A resident walks up and is let in, a stranger is not: real faces, real models, three real processes.

    The demo enrols one man from one photo in a temporary state, runs the gate on walk-up footage made from other
    photos of him and of a stranger, and draws what happened.
    """
    gate = home(state, config)
    _say(as_json, "Fetching the models and photos, unless they are here already...")
    install_missing(gate)
    with tempfile.TemporaryDirectory(prefix="facegate-demo-") as scratch:
        answer, events = _show(gate, Path(scratch), sheet, as_json)
    if as_json:
        print_json(answer)
    else:
        _print(answer, events, sheet)
    if not headless and os.environ.get("DISPLAY") and (viewer := shutil.which("xdg-open")):
        subprocess.Popen([viewer, str(sheet)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    expected = {person["resident"] for person in answer["granted"]} == {_RESIDENT} and answer["denied"]
    return 0 if expected else 1


def _show(gate: Home, scratch: Path, sheet: Path, quiet: bool) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    from gate.demo.walkup import Scene, footage, write_video
    from models.pack import open_models, pack_folder

    photos = pack_folder(gate.models_dir, "demo-photos")
    models = open_models(gate.models_dir, "open")
    _say(quiet, "Making the walk-up footage...")
    scenes = [Scene(None, 1.0)]
    for photo, seconds in _WALKS:
        scenes += [Scene(walker_from(photos / photo, models), seconds), Scene(None, _PAUSE_S)]
    video = scratch / "walk-up.mp4"
    write_video(video, footage(scenes, _SEED))
    state = scratch / "state"
    environment = _environment(gate)
    _say(quiet, f"Enrolling {_RESIDENT} from one photo...")
    _facegate(["enroll", _RESIDENT, str(photos / _ENROLLED_FROM), "--state", str(state)], environment)
    _say(quiet, f"Running the gate on {sum(scene.seconds for scene in scenes):.0f} s of footage...")
    began, ready_s = _run_gate(state, video, environment)
    lines = json.loads(_facegate(["audit", "tail", "-n", "1000", "--state", str(state), "--json"], environment))[
        "lines"
    ]
    events = [_event(line, began) for line in lines if line["details"].get("method") == "face"]
    _draw(video, events, models, sheet)
    pulses = sum(line["kind"] == "relay_pulse" for line in lines)
    return _answer(events, pulses, ready_s, models, video), events


def _answer(events: list[dict[str, Any]], pulses: int, ready_s: float, models: Models, video: Path) -> dict[str, Any]:
    from gate.replay import percentiles

    granted = [event for event in events if event["granted"]]
    return {
        "granted": [{key: event[key] for key in ("resident", "t", "frames", "similarity")} for event in granted],
        "denied": [{key: event[key] for key in ("reason", "t")} for event in events if not event["granted"]],
        "relay_pulses": pulses,
        "frame_to_relay_ms": percentiles([event["frame_to_relay_ms"] for event in granted]),
        "fps": _speed(video, models),
        "models": [models.model_id],
        "ready_s": round(ready_s, 2),
    }


def _event(line: dict[str, Any], began: float) -> dict[str, Any]:
    details = line["details"]
    return {
        "granted": line["kind"] == "granted",
        "t": round(line["mono"] - details["frame_age_ms"] / 1000 - began, 2),
        "resident": line["personal"].get("name"),
        "reason": details.get("reason"),
        "frames": details["frames"],
        "similarity": details.get("similarity"),
        "frame_to_relay_ms": details.get("frame_to_relay_ms"),
    }


def _run_gate(state: Path, video: Path, environment: dict[str, str]) -> tuple[float, float]:
    """Run the three processes until the footage has ended: when it began (monotonic), and seconds until ready."""
    from gate.link import runtime_directory

    socket = runtime_directory(state) / "vision.sock"
    started = time.monotonic()
    with _running(["run", "--source", str(video), "--state", str(state)], environment) as process:
        began: float | None = None
        ready_s = 0.0
        while True:
            status = _vision_status(socket)
            if began is None and status.get("last_inference_mono") is not None:
                began = float(status["recording_began_mono"])
                ready_s = float(status["last_inference_mono"]) - started
            if status.get("recording_ended") and began is not None:
                return began, ready_s
            if process.poll() is not None or (began is None and time.monotonic() - started > _START_WITHIN_S):
                raise FacegateError("The gate did not start; run it by itself to see why: facegate run")
            time.sleep(_POLL_S)


def _vision_status(socket: Path) -> dict[str, Any]:
    from gate.link import Client, LinkDown

    client = Client(socket)
    try:
        return client.ask({"do": "status"})
    except LinkDown:
        return {}
    finally:
        client.close()


@contextmanager
def _running(arguments: list[str], environment: dict[str, str]) -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen(
        [sys.executable, "-m", "gate.cli", *arguments],
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        yield process
    finally:
        process.terminate()
        process.wait()


def _facegate(arguments: list[str], environment: dict[str, str]) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "gate.cli", *arguments],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        raise FacegateError(done.stderr.strip())
    return done.stdout.splitlines()[-1]


def _environment(gate: Home) -> dict[str, str]:
    clean = {name: value for name, value in os.environ.items() if not name.startswith("FACEGATE_")}
    return clean | {
        "FACEGATE_MODELS__DIR": str(gate.models_dir.resolve()),
        "FACEGATE_CAMERA__LOOP": "false",
        "FACEGATE_API__PORT": "0",
    }


def install_missing(gate: Home) -> None:
    """Install the packs the demo stands on, unless they are here and sound. Raises PackError."""
    from models.errors import PackError
    from models.pack import install, verify

    for pack in ("open", "demo-photos"):
        try:
            verify(gate.models_dir, pack)
        except PackError:
            with fetch_progress() as progress:
                install(pack, gate.models_dir, progress=progress)


def walker_from(photo: Path, models: Models) -> Any:
    """A walker for the footage from a photo that shows one face. Raises FacegateError when it shows none."""
    import cv2
    import numpy as np

    from gate.demo.walkup import Walker
    from models.align import shrunk

    image = cv2.imread(str(photo), cv2.IMREAD_COLOR)
    if image is None:
        raise FacegateError(f"{photo} is not a picture that can be read.")
    small, scale = shrunk(np.asarray(image, np.uint8), 800)
    found = models.detector.detect(small)
    if not len(found):
        raise FacegateError(f"No face is found in {photo}.")
    x, y, width, height = (float(side) / scale for side in max(found, key=lambda face: face[2] * face[3])[:4])
    return Walker.of(np.asarray(image, np.uint8), (x, y, width, height))


def _speed(video: Path, models: Models) -> float:
    """Frames a second the whole pipeline manages on the footage, not held to its pace."""
    from gate.config import Settings
    from gate.replay import replay
    from gate.vision.gallery import Gallery
    from gate.vision.sources import video_frames

    settings = Settings()
    gallery = Gallery([], models.spec.dimension)
    outcome = replay(
        islice(video_frames(video), _TIMED_FRAMES), models, gallery, lambda _id: None, settings, video.name
    )
    return round(outcome.frames / outcome.elapsed_s, 1)


def _draw(video: Path, events: list[dict[str, Any]], models: Models, sheet: Path) -> None:
    from gate.demo.sheet import Moment, draw_sheet
    from gate.vision.sources import video_frames
    from gate.vocabulary import Face

    pictures: dict[int, NDArray[np.uint8]] = {}
    for t, image in video_frames(video):
        for number, event in enumerate(events):
            if number not in pictures and t >= event["t"] - 1e-3:
                pictures[number] = image
    moments = []
    for number, event in enumerate(events):
        if number not in pictures:
            continue
        found = models.detector.detect(pictures[number])
        box = Face.from_row(found[0].tolist()).box if len(found) else None
        title = (
            f"{event['resident']}: let in" if event["granted"] else f"Not let in: {event['reason'].replace('_', ' ')}"
        )
        note = f"at {event['t']:.2f} s, on {event['frames']} frames"
        if event["granted"]:
            note += f", relay after {event['frame_to_relay_ms']:.0f} ms"
        moments.append(Moment(pictures[number], box, event["granted"], title, note))
    try:
        draw_sheet(moments, "Facegate: who walked up, and what the gate did", sheet)
    except OSError as error:
        raise FacegateError(f"The picture cannot be written to {sheet}: {error.strerror}.") from error


def _print(answer: dict[str, Any], events: list[dict[str, Any]], sheet: Path) -> None:
    rows = [
        (
            f"{event['t']:.2f}",
            "let in" if event["granted"] else "not let in",
            event["resident"] or event["reason"],
            event["frames"],
        )
        for event in events
    ]
    print_table(("seconds", "verdict", "who or why", "frames"), rows, "Nobody came to the gate.")
    latency = answer["frame_to_relay_ms"]
    click.echo(
        f"{answer['relay_pulses']} relay pulses; frame to relay {latency['p50']} ms (median), {latency['max']} ms"
        f" (most); ready after {answer['ready_s']} s; {answer['fps']} frames a second."
    )
    click.echo(f"The picture of it: {sheet.resolve()}")


def _say(quiet: bool, line: str) -> None:
    if not quiet:
        click.echo(line, err=True)
