"""What was tried against attacks and not built in: the figures of docs/liveness.md, printed again."""

from __future__ import annotations

import os
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from multiprocessing import get_context
from pathlib import Path

import cv2
import numpy as np
import pytest

from enroll.upright import find_faces, main_face
from evaluate.demo.walkup import Held, Scene, Walker, footage
from gate.vision.quality import eye_distance
from gate.vision.recordings import video_frames
from models.detector import look_closer
from models.faces import largest
from models.pack import Models, open_models
from tests.enrolling import picture_in

PEOPLE, SEED = 24, 31
# Below so many pixels between the eyes landmarks tremble more than a face moves.
LEAST_EYES = 30
MOST_LOOKS = 30

pytestmark = pytest.mark.soak


def test_moire_tells_some_attacks_and_the_passive_models_tell_those_too(shared: Path, models: Models) -> None:
    patterns: dict[str, list[float]] = {}
    for kind in ("bona_fide", "attack"):
        for photo in sorted((shared / "pad" / kind).iterdir()):
            image = picture_in(photo)
            faces = find_faces(image, models)
            if faces:
                patterns.setdefault(kind, []).append(pattern(image, main_face(faces, image).box))
    live, attacks = np.array(patterns["bona_fide"]), np.array(patterns["attack"])
    second = np.sort(live)[-2]
    print(f"\nmoire: {int((attacks > second).sum())} of {len(attacks)} attacks show more of it than all but one of"
          f" {len(live)} live faces")  # fmt: skip
    assert (attacks > second).any()
    assert (attacks <= np.median(live)).any(), "it tells every attack: build it in"


def test_micro_motion_tells_flat_pictures_and_those_who_stand_still(shared: Path, models_dir: Path) -> None:
    photos = sorted((shared / "faces" / "lfw").glob("*/*_0001.jpg"))
    np.random.default_rng(SEED).shuffle(photos)
    kinds = [(kind, photo, n) for n, photo in enumerate(photos[:PEOPLE]) for kind in ("walk-up", "screen", "sheet")]
    video = shared / "media" / "short_hamilton_clip.mp4"
    kinds += [("real video", video, start) for start in range(80, 200, 20)]
    # A forked child would wait for ever for OpenCV's threads, which stay in the parent.
    with ProcessPoolExecutor(os.cpu_count(), get_context("spawn")) as pool:
        found = list(pool.map(partial(motion, models_dir=models_dir), kinds, chunksize=4))
    moved: dict[str, list[float]] = {}
    for (kind, *_), most in zip(kinds, found, strict=True):
        if most is not None:
            moved.setdefault(kind, []).append(most)
    print()
    for kind, values in moved.items():
        print(f"micro-motion, {kind:10} {len(values):2} clips: {min(values):.3f} to {max(values):.3f} eye distances")
    assert min(moved["real video"]) > max(moved["screen"] + moved["sheet"])
    assert max(moved["walk-up"]) < min(moved["real video"]), "still faces move enough: build it in"


def pattern(image: np.ndarray, box: tuple[float, float, float, float]) -> float:
    """The strongest regular pattern on a face: its power over what is usual at that frequency, as a logarithm."""
    x, y, width, height = box
    half = max(width, height) / 2
    across, down = x + width / 2, y + height / 2
    cut = image[max(0, int(down - half)) : int(down + half), max(0, int(across - half)) : int(across + half)]
    grey = cv2.cvtColor(cut, cv2.COLOR_BGR2GRAY).astype(np.float32)
    side = min(*grey.shape, 512)
    fine = grey[:side, :side] - cv2.GaussianBlur(grey[:side, :side], (0, 0), 2)
    power = np.abs(np.fft.fft2(fine * np.outer(np.hanning(side), np.hanning(side)))) ** 2
    rising, falling = np.meshgrid(np.fft.fftfreq(side), np.fft.fftfreq(side))
    frequency = np.hypot(rising, falling)
    ring = np.round(frequency * 50).astype(int)
    usual = np.array(
        [np.median(power[ring == number]) if (ring == number).any() else 1 for number in range(ring.max() + 1)]
    )
    excess = power / (usual[ring] + 1e-9)
    # Neither the picture's own frame nor the blocks of its compression.
    straight = (np.abs(rising) <= 0.02) | (np.abs(falling) <= 0.02)
    blocks = [np.abs(np.abs(axis) - eighth / 8) < 0.006 for axis in (rising, falling) for eighth in range(1, 5)]
    excess[(frequency <= 0.12) | (frequency >= 0.5) | straight | np.any(blocks, axis=0)] = 0
    return float(np.log10(np.sort(excess.ravel())[-8:].mean() + 1e-9))


def motion(kind: tuple[str, Path, int], *, models_dir: Path) -> float | None:
    """How far eyes, nose and mouth of a clip move against one another beyond a flat picture's; None: too few looks."""
    what, path, number = kind
    cv2.setNumThreads(1)
    models = open_models(models_dir, "open")
    looks: list[np.ndarray] = []
    for image in _clip(what, path, number, models):
        face = largest(models.detector.detect(image))
        closer = look_closer(image, face, models.detector) if face is not None else None
        if closer is not None and eye_distance(closer) >= LEAST_EYES:
            looks.append(np.array(closer.landmarks, np.float32))
    looks = looks[-MOST_LOOKS:]
    if len(looks) < 8:
        return None
    middle = looks[len(looks) // 2]
    strays = [float(np.sqrt(((fitted(look, middle) - middle) ** 2).sum(axis=1).mean())) for look in looks]
    return float(np.mean(strays) / np.hypot(*(middle[0] - middle[1])))


def fitted(points: np.ndarray, to: np.ndarray) -> np.ndarray:
    """The points, moved as a flat picture can be."""
    with_one = np.column_stack([points, np.ones(len(points))])
    matrix, *_ = np.linalg.lstsq(with_one, to, rcond=None)
    return np.asarray(with_one @ matrix)


def _clip(what, path, number, models):
    if what == "real video":
        return [image for _, image in video_frames(path)][number : number + 40]
    image = picture_in(path)
    walker = Walker.of(image, main_face(find_faces(image, models), image).box)
    held = None if what == "walk-up" else Held(what)
    return footage([Scene(walker, 4.0, varied=True, held=held)], seed=number)
