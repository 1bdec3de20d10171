"""Live walk-ups and real video beside photos held up on screens and sheets: what each check refuses and lets pass.

The attacks are simulated but for the photos of real ones: they prove what they simulate.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from multiprocessing import get_context
from pathlib import Path

import cv2
import numpy as np
import pytest

from enroll.upright import find_faces, main_face
from evaluate.demo.walkup import FPS, HEIGHT, WIDTH, Held, Scene, Walker, footage
from evaluate.liveness import judge_clip
from gate.vision.liveness_proofs import proofs
from gate.vision.recordings import video_frames
from gate.vocabulary import Level
from models.pack import open_liveness, open_models
from tests.enrolling import picture_in

PEOPLE, SEED = 36, 31
PACKS = ("liveness-minifas", "liveness-celeba")

pytestmark = pytest.mark.soak


def test_attacks_over_a_track(shared: Path, liveness_dir: Path) -> None:
    photos = sorted((shared / "faces" / "lfw").glob("*/*_0001.jpg"))
    np.random.default_rng(SEED).shuffle(photos)
    kinds: list[tuple[str, Path, str, int]] = []
    for number, photo in enumerate(photos[:PEOPLE]):
        kinds += [(kind, photo, kind, number) for kind in ("walk-up", "screen", "sheet")]
    video = shared / "media" / "short_hamilton_clip.mp4"
    kinds += [("real video", video, "video", start) for start in range(80, 200, 20)]
    kinds += [
        ("attack photo", photo, "photo", number)
        for number, photo in enumerate(sorted((shared / "pad" / "attack").iterdir()))
    ]
    for level in (Level.STANDARD, Level.STRICT):
        # A forked child would wait for ever for OpenCV's threads, which stay in the parent.
        with ProcessPoolExecutor(os.cpu_count(), get_context("spawn")) as pool:
            verdicts = list(pool.map(partial(_judge, models_dir=liveness_dir, level=level), kinds, chunksize=4))
        table: dict[str, dict[str, list[bool]]] = {}
        for (kind, *_), verdict in zip(kinds, verdicts, strict=True):
            for name, passed in (verdict or {}).items():
                table.setdefault(kind, {}).setdefault(name, []).append(passed)
        print(f"\n{level}: share that passes")
        for kind, checks in table.items():
            shares = "  ".join(f"{name} {100 * np.mean(passed):5.1f} %" for name, passed in checks.items())
            print(f"  {kind:13} {len(checks['fused']):3} clips  {shares}")
        live = table["walk-up"]["fused"] + table["real video"]["fused"]
        attacks = [passed for kind in ("screen", "sheet", "attack photo") for passed in table[kind]["fused"]]
        bpcer, apcer = 1 - float(np.mean(live)), float(np.mean(attacks))
        print(f"  fused: BPCER {100 * bpcer:.1f} %, APCER {100 * apcer:.1f} %")
        *_, told = proofs(liveness_dir, PACKS, level, infrared=False)
        assert pytest.approx((bpcer, apcer), abs=0.001) == (told.bpcer, told.apcer), (
            "gate/vision/liveness_proofs.py tells other figures"
        )
        if level is Level.STANDARD:
            assert bpcer <= 0.05
        assert apcer <= 0.05


def _judge(kind: tuple[str, Path, str, int], *, models_dir: Path, level: Level) -> dict[str, bool] | None:
    _, path, what, number = kind
    models = open_models(models_dir, "open")
    checks = dict(zip(PACKS, open_liveness(models_dir, PACKS), strict=True))
    if what == "video":
        frames = [image for _, image in video_frames(path)][number : number + 40]
        return judge_clip(frames, 30, models, checks, level)
    if what == "photo":
        return judge_clip(_filmed(path, number), FPS, models, checks, level)
    image = picture_in(path)
    walker = Walker.of(image, main_face(find_faces(image, models), image).box)
    held = None if what == "walk-up" else Held(what)
    return judge_clip(footage([Scene(walker, 4.0, varied=True, held=held)], seed=number), FPS, models, checks, level)


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
