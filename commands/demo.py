"""facegate demo"""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from commands.common import ask_for, counted, fetch_progress, home, json_option, print_json, print_table, state_option

if TYPE_CHECKING:
    from evaluate.demo.story import Story


@click.command()
@state_option
@json_option
@click.option("--headless", is_flag=True, help="Do not open the picture, even where there is a display.")
@click.option(
    "--sheet",
    type=click.Path(path_type=Path),
    default="facegate-demo.png",
    show_default=True,
    help="Where to put the picture.",
)
@click.option(
    "--gates",
    type=click.IntRange(1, 5),
    help="A centre and so many gates that follow it, each whole, instead: one enrolment, and seconds to each gate.",
)
def demo(state: Path | None, config: Path | None, as_json: bool, headless: bool, sheet: Path, gates: int | None) -> int:
    """A resident walks up and is let in, a stranger is not: real faces, real models, three real processes.

    The demo enrols one man from one photo in a temporary state, runs the gate on walk-up footage made from other
    photos of him and of a stranger, and draws what happened. With --gates he is enrolled once, at a centre, walks up
    at each gate, and is erased again; it draws nothing.
    """
    if gates is not None:
        return _many_gates(home(state, config).models_dir, gates, as_json=as_json)
    from evaluate.demo.story import RESIDENT, tell
    from gate.replay import percentiles

    gate = home(state, config)
    say = _teller(as_json)
    _fetch(gate.models_dir, say)
    with tempfile.TemporaryDirectory(prefix="facegate-demo-") as scratch:
        story = tell(gate.models_dir, Path(scratch), sheet, say)
    latency = percentiles([a.frame_to_relay_ms for a in story.arrivals if a.frame_to_relay_ms is not None])
    if as_json:
        print_json(_answer(story, latency))
    else:
        _print(story, latency, sheet)
    if not headless and os.environ.get("DISPLAY") and (viewer := shutil.which("xdg-open")):
        subprocess.Popen([viewer, str(sheet)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    let_in = {arrival.resident for arrival in story.arrivals if arrival.granted}
    refused = any(not arrival.granted for arrival in story.arrivals)
    return 0 if let_in == {RESIDENT} and refused else 1


def _many_gates(models_dir: Path, count: int, *, as_json: bool) -> int:
    ask_for("nats")
    from centre.broker_service import program
    from evaluate.demo.many_gates import follow

    program()
    say = _teller(as_json)
    _fetch(models_dir, say)
    with tempfile.TemporaryDirectory(prefix="facegate-demo-") as scratch:
        seen = follow(models_dir, Path(scratch), count, say)
    if as_json:
        print_json(asdict(seen))
        return 0
    rows = [(one.name, *(f"{s:.1f}" for s in (one.known_s, one.let_in_s, one.gone_s))) for one in seen.gates]
    print_table(("gate", "knew him after, s", "let him in after, s", "had erased him after, s"), rows, "")
    click.echo(
        f"Seconds from the command at the centre, which itself had him after {seen.enrolled_s:.1f} s and had erased"
        f" him after {seen.erased_s:.1f} s. He walks up every few seconds."
    )
    return 0


def _teller(as_json: bool) -> Callable[[str], None]:
    return (lambda _line: None) if as_json else (lambda line: click.echo(line, err=True))


def _fetch(models_dir: Path, say: Callable[[str], None]) -> None:
    from evaluate.demo.story import install_missing

    say("Fetching the models and photos, unless they are here already...")
    with fetch_progress() as progress:
        install_missing(models_dir, progress)


def _answer(story: Story, latency: dict[str, float | None]) -> dict[str, Any]:
    return {
        "granted": [
            {"resident": a.resident, "t": a.t, "frames": a.frames, "similarity": a.similarity}
            for a in story.arrivals
            if a.granted
        ],
        "denied": [{"reason": a.reason, "t": a.t} for a in story.arrivals if not a.granted],
        "relay_pulses": story.relay_pulses,
        "frame_to_relay_ms": latency,
        "fps": story.fps,
        "models": [story.model_id],
        "ready_s": round(story.ready_s, 2),
    }


def _print(story: Story, latency: dict[str, float | None], sheet: Path) -> None:
    rows = [
        (f"{a.t:.2f}", "let in" if a.granted else "not let in", a.resident or a.reason, a.frames)
        for a in story.arrivals
    ]
    print_table(("seconds", "verdict", "who or why", "frames"), rows, "Nobody came to the gate.")
    click.echo(
        f"{counted(story.relay_pulses, 'relay pulse')}; frame to relay {latency['p50']} ms (median), {latency['max']}"
        f" ms (most); ready after {story.ready_s:.2f} s; {story.fps} frames a second."
    )
    click.echo(f"The picture of it: {sheet.resolve()}")
