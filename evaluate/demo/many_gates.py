"""Many gates on one machine: a man is enrolled once, at the centre, and each gate that follows it lets him in."""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TypeVar

from evaluate.demo.programs import environment, facegate, running
from evaluate.demo.walkup import Scene, footage, walker_from, write_video
from gate.care.health import vision_status
from gate.errors import FacegateError
from gate.fleet.centre_status import read_status
from gate.store.database import open_read_only
from gate.store.people import residents
from gate.store.record import audit
from gate.vocabulary import ENTERED
from models.installed import pack_folder
from models.pack import open_models

Found = TypeVar("Found")

RESIDENT = "Barack Obama"

_SEED = 20250601
_ENROLLED_FROM, _WALKS_AS = "obama.jpg", "obama2.jpg"
# Again and again, since the footage begins anew at its end.
_WALK_S, _PAUSE_S = 3.0, 1.5
# The centre and three gates are some fifteen programs, which two slow cores load in their time.
_WITHIN_S = 120.0
_POLL_S = 0.02


@dataclass(frozen=True, slots=True)
class AtGate:
    """How one gate followed, in seconds from the command at the centre: `known_s` until he was in the gate's tables,
    `let_in_s` until he had walked up there and the relay moved, and `gone_s`, from the command that erased him, until
    the gate had nothing of him."""

    name: str
    known_s: float
    let_in_s: float
    gone_s: float


@dataclass(frozen=True, slots=True)
class Followed:
    """What happened. `enrolled_s` is until the centre itself had him, which the gates cannot come before."""

    enrolled_s: float
    erased_s: float
    gates: tuple[AtGate, ...]


@dataclass(frozen=True, slots=True)
class _Gate:
    name: str
    state: Path


def follow(models_dir: Path, scratch: Path, count: int, say: Callable[[str], None]) -> Followed:
    """Run a centre and so many gates that follow it, enrol at the centre, watch the gates, and erase again.

    Raises FacegateError.
    """
    photos, video = pack_folder(models_dir, "demo-photos"), scratch / "walk-up.mp4"
    say("Making the walk-up footage...")
    walker = walker_from(photos / _WALKS_AS, open_models(models_dir, "open").detector)
    write_video(video, footage([Scene(None, _PAUSE_S), Scene(walker, _WALK_S)], _SEED))
    port, pairing_port = _free_ports()
    given = environment(models_dir) | {
        "FACEGATE_CENTRE__LISTEN": "127.0.0.1",
        "FACEGATE_CENTRE__PORT": str(port),
        "FACEGATE_CENTRE__PAIRING_PORT": str(pairing_port),
    }
    centre = scratch / "centre"
    gates = [_Gate(f"Gate {number}", scratch / f"gate-{number}") for number in range(1, count + 1)]
    states = [gate.state for gate in gates]
    with ExitStack() as stack:
        say("Starting the centre...")
        stack.enter_context(running(["centre", "run", "--source", "", "--state", str(centre)], given))
        _until(lambda: (status := read_status(centre)) is not None and status.connected, "the centre has not started")
        for gate in gates:
            say(f"{gate.name} joins the centre, and starts...")
            _start(stack, gate, centre, video, given)
        say("Waiting until he has walked up at each gate, and is nobody there...")
        for gate in gates:
            _until(partial(_looked_at_him, gate.state), f"{gate.name} has not seen anybody")
        say(f"Enrolling {RESIDENT} at the centre, from one photo...")
        enrol = ["enroll", RESIDENT, str(photos / _ENROLLED_FROM), "--state", str(centre)]
        pressed_mono, (enrolled_s, *known) = _everywhere(enrol, given, [centre, *states], has_him=True)
        let_in = [_until(partial(_let_in_mono, gate.state), f"{gate.name} let nobody in") for gate in gates]
        say("Erasing him at the centre...")
        erase = ["residents", "remove", RESIDENT, "--yes", "--state", str(centre)]
        _, (erased_s, *gone) = _everywhere(erase, given, [centre, *states], has_him=False)
    seen = zip(gates, known, let_in, gone, strict=True)
    return Followed(
        enrolled_s,
        erased_s,
        tuple(AtGate(gate.name, known_s, round(at - pressed_mono, 2), gone_s) for gate, known_s, at, gone_s in seen),
    )


def _free_ports() -> tuple[int, int]:
    with socket.create_server(("127.0.0.1", 0)) as one, socket.create_server(("127.0.0.1", 0)) as other:
        return one.getsockname()[1], other.getsockname()[1]


def _start(stack: ExitStack, gate: _Gate, centre: Path, video: Path, given: dict[str, str]) -> None:
    named = given | {"FACEGATE_GATE": gate.name}
    code = json.loads(facegate(["centre", "invite", "--json", "--state", str(centre)], given))["code"]
    facegate(["join", "127.0.0.1", code, "--yes", "--state", str(gate.state)], named)
    stack.enter_context(running(["run", "--source", str(video), "--state", str(gate.state)], named))


def _everywhere(
    command: list[str], given: dict[str, str], states: Sequence[Path], *, has_him: bool
) -> tuple[float, list[float]]:
    """Give a command at the centre: when that was (monotonic), and seconds until each state has him, or has not."""
    seconds: dict[Path, float] = {}
    with ThreadPoolExecutor(1) as beside:
        pressed_mono = time.monotonic()
        answer = beside.submit(facegate, command, given)

        def followed() -> bool:
            if answer.done():
                answer.result()
            for state in states:
                if state not in seconds and _has_him(state) is has_him:
                    seconds[state] = round(time.monotonic() - pressed_mono, 2)
            return len(seconds) == len(states)

        _until(followed, "not every gate has heard of it")
    return pressed_mono, [seconds[state] for state in states]


def _has_him(state: Path) -> bool:
    with closing(open_read_only(state)) as connection:
        return any(one.name == RESIDENT and one.templates for one in residents.every(connection))


def _looked_at_him(state: Path) -> bool:
    status = vision_status(state)
    return status is not None and status.embedded > 0


def _let_in_mono(state: Path) -> float | None:
    with closing(open_read_only(state)) as connection:
        return next((line.mono for line in audit.lines(connection) if line.kind in ENTERED), None)


def _until(found: Callable[[], Found | None], why_not: str) -> Found:
    """Whatever is found at last. Raises FacegateError where it is not within the time."""
    began = time.monotonic()
    while not (what := found()):
        if time.monotonic() - began > _WITHIN_S:
            raise FacegateError(f"After {_WITHIN_S:.0f} s {why_not}; try it on a machine with less to do.")
        time.sleep(_POLL_S)
    return what
