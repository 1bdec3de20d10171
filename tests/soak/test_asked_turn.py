"""Heads, sheets and films that are asked to turn: what the asked turn lets pass, and a chart of what it goes by.

All of it is drawn (`tests/heads.py`, `tests/turning.py`), on people whose names fall in the second half by their hash;
the first half was used to choose the limits.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from itertools import islice
from multiprocessing import get_context
from pathlib import Path

import cv2
import matplotlib as mpl
import numpy as np
import pytest
from matplotlib.figure import Figure

from evaluate.liveness import judge_clip
from gate.vision.asked_turn import (
    LOOKS,
    PRINTED,
    TURNED,
    Asked,
    Turned,
    TurnLook,
    ask,
    seen,
    towards,
    worth_fitting,
)
from gate.vision.paper import OnPaper, Straight, on_paper, straight
from gate.vision.quality import yaw
from gate.vocabulary import Level, Way
from models.detector import find_shrunk, look_closer
from models.faces import Face, largest
from models.images import Image
from models.pack import Models, open_liveness, open_models
from tests.actors import actor_of, photos_of
from tests.heads import FPS
from tests.turning import ACTS, ASKED_AT_S, clip, walk_up

PEOPLE, WALKERS = 12, 60
SIZES = ((640, 360), (1280, 720))
SEARCH_SIDE = 640
LIVE = "head turns as asked"
# A film that turns as asked is a head to a camera; paper that is bent too far is at times taken for one.
FILM, BENT_FAR = "film turns as asked", ("sheet round 8 cm, waved by 60", "sheet bending to 10 cm, before the nose")
UNJUDGED = (LIVE, FILM, "head turns a little")

pytestmark = pytest.mark.soak


@dataclass(frozen=True, slots=True)
class Watched:
    """One clip: the verdict, after how many seconds it fell, how far each picture is turned where it was asked to, and
    how well the nose of each that was fitted lies in the best sheet."""

    verdict: Turned
    seconds: float | None
    turns: tuple[float, ...]
    noses: tuple[float, ...]

    @property
    def turn(self) -> float:
        """What as many pictures reached as are asked for."""
        return sorted(self.turns)[-LOOKS] if len(self.turns) >= LOOKS else 0.0

    @property
    def printed(self) -> float:
        """How well the noses lie in the sheet, in the pictures that are turned furthest; 1 where too few are."""
        return sorted(self.noses)[LOOKS - 1] if len(self.noses) >= LOOKS else 1.0


def test_heads_turn_and_paper_does_not(shared: Path, models_dir: Path, tmp_path: Path) -> None:
    for size in SIZES:
        table = watch_all(shared, models_dir, size, PEOPLE, first_half=False)
        print(f"\n{size[0]}x{size[1]}, {PEOPLE} people")
        for name, clips in table.items():
            print(f"  {name:40} {_line(clips)}")
        draw_turns(tmp_path / f"asked_turn_{size[0]}.svg", table)
        print(f"  chart: {tmp_path / f'asked_turn_{size[0]}.svg'}")
        # By one request, told nothing further: `test_asked_whole` has what a gate lets in.
        assert _share(table[LIVE]) >= 0.7
        for name, clips in table.items():
            if name not in UNJUDGED:
                assert _share(clips) <= (0.25 if name in BENT_FAR else 0.05), name


def test_hardly_a_head_that_walks_up_is_doubted(shared: Path, liveness_dir: Path) -> None:
    models = open_models(liveness_dir, "open")
    checks = {"liveness-minifas": open_liveness(liveness_dir, ("liveness-minifas",))[0]}
    doubted = {Level.STANDARD: 0, Level.STRICT: 0}
    for number, photo in enumerate(islice(photos_of(shared, models, first_half=False), WALKERS)):
        frames = list(walk_up(actor_of(number, photo, shared, models), SIZES[0], number))
        for level in doubted:
            verdicts = judge_clip(frames, FPS, models, checks, level)
            doubted[level] += verdicts is None or not verdicts["fused"]
    print(f"\nof {WALKERS} heads that walk up, doubted: { {str(level): count for level, count in doubted.items()} }")
    assert doubted[Level.STANDARD] <= 0.05 * WALKERS


def watch_all(shared: Path, models_dir: Path, size: tuple[int, int], people: int, *, first_half: bool
              ) -> dict[str, list[Watched]]:  # fmt: skip
    """Every act by every person."""
    models = open_models(models_dir, "open")
    photos = list(islice(photos_of(shared, models, first_half=first_half), people))
    # A forked child would wait for ever for OpenCV's threads, which stay in the parent.
    with ProcessPoolExecutor(os.cpu_count(), get_context("spawn")) as pool:
        found = pool.map(partial(watch_person, shared=shared, models_dir=models_dir, size=size), enumerate(photos))
        table: dict[str, list[Watched]] = {name: [] for name in ACTS}
        for clips in found:
            for name, one in clips.items():
                table[name].append(one)
    return table


def watch_person(numbered: tuple[int, Path], *, shared: Path, models_dir: Path, size: tuple[int, int]
                 ) -> dict[str, Watched]:  # fmt: skip
    """Every act by one person."""
    cv2.setNumThreads(1)
    number, photo = numbered
    models = open_models(models_dir, "open")
    actor = actor_of(number, photo, shared, models)
    rng = np.random.default_rng(number)
    found = {}
    for kind, (name, act) in enumerate(ACTS.items()):
        way = Way(rng.choice(list(Way)))
        frames = clip(act, actor, 1 if way is Way.LEFT else -1, size, 100 * number + kind)
        found[name] = watched(frames, way, models)
    return found


def watched(frames: Iterator[Image], way: Way, models: Models) -> Watched:
    """One clip as the gate would watch it; every turned picture is fitted, after the verdict as well."""
    face: Face | None = None
    asked: Asked | None = None
    ahead: list[float] = []
    best: Straight | None = None
    fits: list[OnPaper] = []
    turns: list[float] = []
    seconds = None
    for number, image in enumerate(frames):
        time = number / FPS - ASKED_AT_S
        face = _follow(image, face, number, models)
        if face is None:
            continue
        if time < 0:
            ahead.append(yaw(face))
            looks = straight(image, face.landmarks)
            best = looks if best is None or looks.sharpness > best.sharpness else best
        elif best is not None:
            open_ = ask(Level.STANDARD, float(np.median(ahead)), time, lambda _: way)
            asked = asked or open_
            fit = None
            if worth_fitting(open_, yaw(face)):
                fit = on_paper(best, image, face.landmarks, fits[-1] if fits else None)
                fits.append(fit)
            turns.append(towards(open_, yaw(face)))
            asked = seen(asked, TurnLook(time, yaw(face), fit))
            if seconds is None and asked.verdict is not Turned.WAIT:
                seconds = time
    verdict = Turned.NOT_TURNED if asked is None or asked.verdict is Turned.WAIT else asked.verdict
    return Watched(verdict, seconds, tuple(turns), tuple(fit.nose for fit in fits))


def draw_turns(path: Path, table: dict[str, list[Watched]]) -> None:
    """How far each clip turns and how well its nose lies in a sheet, one line a kind, as SVG."""
    with mpl.rc_context({"font.size": 9, "svg.hashsalt": "facegate", "svg.fonttype": "none"}):
        figure = Figure(figsize=(9, 0.9 + 0.28 * len(table)), layout="constrained")
        for axes, what, limit in zip(figure.subplots(1, 2, sharey=True), ("turn", "printed"), (TURNED, PRINTED),
                                     strict=True):  # fmt: skip
            for row, (name, clips) in enumerate(table.items()):
                colour = "#1f5f8b" if name == LIVE else "#777"
                axes.plot([getattr(one, what) for one in clips], [row] * len(clips), "|", ms=11, color=colour)
            axes.axvline(limit, color="#c33", lw=1)
            axes.spines[["top", "right"]].set_visible(False)
            axes.set_xlabel({"turn": "turned where it was asked to, eye distances",
                             "printed": "nose found where the best sheet has it"}[what])  # fmt: skip
        figure.axes[0].set_yticks(range(len(table)), list(table))
        figure.axes[0].invert_yaxis()
        figure.savefig(path, format="svg", metadata={"Date": None})


def _follow(image: Image, face: Face | None, number: int, models: Models) -> Face | None:
    """As `Attention` does: the whole picture at times, the face's cut-outs in between."""
    closer = look_closer(image, face, models.detector) if face is not None and number % 3 else None
    if closer is not None:
        return closer
    found = largest(find_shrunk(image, models.detector, SEARCH_SIDE))
    return None if found is None else look_closer(image, found, models.detector) or found


def _share(clips: list[Watched]) -> float:
    return float(np.mean([one.verdict is Turned.TURNED for one in clips]))


def _line(clips: list[Watched]) -> str:
    turns, noses = (
        np.quantile([getattr(one, what) for one in clips], (0.05, 0.5, 0.95)) for what in ("turn", "printed")
    )
    told = {verdict: sum(one.verdict is verdict for one in clips) for verdict in Turned if verdict is not Turned.WAIT}
    waits = [one.seconds for one in clips if one.verdict is Turned.TURNED]
    return (
        f"passes {100 * _share(clips):5.1f} %  turn {turns.round(2)}  nose {noses.round(2)}"
        f"  {' '.join(f'{verdict} {count}' for verdict, count in told.items() if count)}"
        f"{f'  after {np.median(waits):.1f} s' if waits else ''}"
    )
