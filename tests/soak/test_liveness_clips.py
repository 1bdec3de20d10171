"""Heads that walk up and real video beside photos held up on screens and sheets: what each check refuses and lets pass.

The attacks are simulated but for the photos of real ones: they prove what they simulate.
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
import numpy as np
import pytest

from evaluate.demo.walkup import FPS, HEIGHT, WIDTH, Held, Scene, Walker, footage
from evaluate.liveness import judge_clip
from gate.vision.liveness_proofs import proofs
from gate.vision.recordings import video_frames
from gate.vocabulary import Level
from models.pack import open_liveness, open_models
from tests.actors import actor_of, photos_of
from tests.enrolling import picture_in
from tests.heads import FPS as HEADS_FPS
from tests.turning import walk_up

PEOPLE = 36
PACKS = ("liveness-minifas", "liveness-celeba")

pytestmark = pytest.mark.soak


@dataclass(frozen=True, slots=True)
class Clip:
    """What a clip shows, of which photo or video, and its seed or where it begins."""

    kind: str
    path: Path
    number: int


@pytest.mark.parametrize("packs", [PACKS[:1], PACKS], ids="+".join)
def test_attacks_over_a_track(packs: tuple[str, ...], shared: Path, liveness_dir: Path) -> None:
    models = open_models(liveness_dir, "open")
    kinds = [
        Clip(kind, photo, number)
        for number, photo in enumerate(islice(photos_of(shared, models, first_half=False), PEOPLE))
        for kind in ("head", "flat walk-up", "screen", "sheet")
    ]
    kinds += [Clip("real video", shared / "media" / "short_hamilton_clip.mp4", start) for start in range(80, 200, 20)]
    attacks = sorted((shared / "pad" / "attack").iterdir())
    kinds += [Clip("attack photo", photo, number) for number, photo in enumerate(attacks)]
    for level in (Level.STANDARD, Level.STRICT):
        judged = partial(_judge, shared=shared, models_dir=liveness_dir, packs=packs, level=level)
        # A forked child would wait for ever for OpenCV's threads, which stay in the parent.
        with ProcessPoolExecutor(os.cpu_count(), get_context("spawn")) as pool:
            verdicts = list(pool.map(judged, kinds, chunksize=4))
        table: dict[str, dict[str, list[bool]]] = {}
        for clip, verdict in zip(kinds, verdicts, strict=True):
            for name, passed in (verdict or {}).items():
                table.setdefault(clip.kind, {}).setdefault(name, []).append(passed)
        print(f"\n{level}, {' and '.join(packs)}: share that passes")
        for kind, checks in table.items():
            shares = "  ".join(f"{name} {100 * np.mean(passed):5.1f} %" for name, passed in checks.items())
            print(f"  {kind:13} {len(checks['fused']):3} clips  {shares}")
        for name in table["head"]:
            bpcer, apcer = _rates(table, name)
            print(f"  {name}: BPCER {100 * bpcer:.1f} %, APCER {100 * apcer:.1f} %")
        *_, told = proofs(liveness_dir, packs, level, infrared=False)
        bpcer, apcer = _rates(table, "fused")
        assert pytest.approx((bpcer, apcer), abs=0.001) == (told.bpcer, told.apcer), (
            "gate/vision/liveness_proofs.py tells other figures"
        )
        if level is Level.STANDARD:
            assert bpcer <= 0.05
        assert apcer <= 0.07


def _rates(table: dict[str, dict[str, list[bool]]], check: str) -> tuple[float, float]:
    """Live people refused, and attacks passed. A flat photo that walks up by itself is neither."""
    live = [passed for kind in ("head", "real video") for passed in table[kind][check]]
    attacks = [passed for kind in ("screen", "sheet", "attack photo") for passed in table[kind][check]]
    return 1 - float(np.mean(live)), float(np.mean(attacks))


def _judge(
    clip: Clip, *, shared: Path, models_dir: Path, packs: tuple[str, ...], level: Level
) -> dict[str, bool] | None:
    cv2.setNumThreads(1)
    models = open_models(models_dir, "open")
    checks = dict(zip(packs, open_liveness(models_dir, packs), strict=True))
    if clip.kind == "real video":
        frames = [image for _, image in video_frames(clip.path)][clip.number : clip.number + 40]
        return judge_clip(frames, 30, models, checks, level)
    if clip.kind == "attack photo":
        return judge_clip(_filmed(clip.path, clip.number), FPS, models, checks, level)
    actor = actor_of(clip.number, clip.path, shared, models)
    if clip.kind == "head":
        return judge_clip(walk_up(actor, (WIDTH, HEIGHT), clip.number), HEADS_FPS, models, checks, level)
    held = None if clip.kind == "flat walk-up" else Held(clip.kind)
    scene = Scene(Walker.of(actor.photo, actor.face), 4.0, varied=True, held=held)
    return judge_clip(footage([scene], clip.number), FPS, models, checks, level)


def _filmed(photo: Path, seed: int) -> Iterator[np.ndarray]:
    """A photo of a real attack as a camera sees it come nearer."""
    image = picture_in(photo)
    rng = np.random.default_rng(seed)
    fits = max(WIDTH / image.shape[1], HEIGHT / image.shape[0])
    for number in range(50):
        scale = fits * (1 + 0.35 * number / 50)
        middle = (WIDTH / 2 - scale * image.shape[1] / 2, HEIGHT / 2 - scale * image.shape[0] / 2)
        matrix = np.array([[scale, 0, middle[0]], [0, scale, middle[1]]])
        frame = cv2.warpAffine(image, matrix, (WIDTH, HEIGHT), flags=cv2.INTER_AREA, borderMode=cv2.BORDER_REPLICATE)
        yield (frame + rng.normal(0, 4, frame.shape)).clip(0, 255).astype(np.uint8)
