"""A gate as it comes, photos and telephones held up before it, and the same people there themselves.

The attacks are drawn: they prove what they simulate. People are of the second half by the hash of their names, and no
limit was chosen on them.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from itertools import chain, count, islice
from multiprocessing import get_context
from pathlib import Path

import cv2
import numpy as np
import pytest

from evaluate.demo.walkup import FPS, Held, Scene, Walker, footage
from gate.vision.gallery import Gallery
from gate.vision.recogniser import Recogniser
from gate.vision.settings import VisionSettings
from gate.vocabulary import Frame, Reason, Way
from models.images import Image
from models.pack import Models, open_liveness, open_models
from tests.actors import actor_of, gallery_of_one, photos_of
from tests.heads import FPS as HEADS_FPS
from tests.turning import Actor, walk_up

PEOPLE, SECONDS = 60, 8.0
# On the first of this half a limit was chosen last.
FROM = 60
LIVE, FLAT = "a head walks up", "a flat photo walks up"
ATTACKS = ("photo", "telephone", "photo raised late", "telephone raised late")
HELD = {"photo": Held.SHEET, "telephone": Held.SCREEN}

pytestmark = pytest.mark.soak


@dataclass(frozen=True, slots=True)
class Came:
    """How one clip ended: when it opened, seconds; whether they were asked to turn the head, and were refused."""

    opened_s: float | None
    asked: bool
    refused: bool

    @property
    def opened(self) -> bool:
        """Whether it opened."""
        return self.opened_s is not None


def test_what_is_held_up_opens_nothing_and_people_do_not_wait(shared: Path, liveness_dir: Path) -> None:
    models = open_models(liveness_dir, "open")
    people = list(islice(photos_of(shared, models, first_half=False), FROM, FROM + PEOPLE))
    kinds = [(kind, number, photo) for number, photo in enumerate(people) for kind in (LIVE, FLAT, *ATTACKS)]
    judged = partial(_judged, shared=shared, models_dir=liveness_dir)
    # A forked child would wait for ever for OpenCV's threads, which stay in the parent.
    with ProcessPoolExecutor(os.cpu_count(), get_context("spawn")) as pool:
        found = list(pool.map(judged, kinds, chunksize=4))
    table: dict[str, list[tuple[Came, Came]]] = {}
    for (kind, *_), pair in zip(kinds, found, strict=True):
        table.setdefault(kind, []).append(pair)
    for kind, pairs in table.items():
        later = [now.opened_s - off.opened_s for off, now in pairs if now.opened_s is not None and off.opened_s]
        median, most = np.quantile(later or [0], (0.5, 0.95))
        print(f"{kind:24} {len(pairs)} clips, {_count(pairs, 'opened')} open, {_count(pairs, 'asked')} asked to turn,"
              f" {_count(pairs, 'refused')} refused; without liveness {sum(off.opened for off, _ in pairs)} open"
              f"; seconds added: median {median:.2f}, 95th percentile {most:.2f}")  # fmt: skip
        if kind == LIVE:
            assert median == 0
    assert _count(table[LIVE], "opened") >= PEOPLE - 2
    assert _count(table[LIVE], "asked") <= 0.05 * PEOPLE
    assert [_count(table[kind], "opened") for kind in ATTACKS] == [0] * len(ATTACKS)


def _count(pairs: list[tuple[Came, Came]], what: str) -> int:
    return sum(getattr(now, what) for _, now in pairs)


def _judged(one: tuple[str, int, Path], *, shared: Path, models_dir: Path) -> tuple[Came, Came]:
    """The same clip with liveness off, and as a gate comes."""
    cv2.setNumThreads(1)
    kind, number, photo = one
    models = open_models(models_dir, "open")
    actor = actor_of(number, photo, shared, models)
    frames, fps = list(_clip(kind, number, actor, shared, models)), HEADS_FPS if kind == LIVE else FPS
    gallery = gallery_of_one(actor.photo, models)
    off = _watched(frames, fps, models, gallery, VisionSettings(liveness="off"), models_dir)
    return off, _watched(frames, fps, models, gallery, VisionSettings(), models_dir)


def _watched(
    frames: list[Image], fps: float, models: Models, gallery: Gallery, settings: VisionSettings, models_dir: Path
) -> Came:
    checks = open_liveness(models_dir, ("liveness-minifas",))
    ways = np.random.default_rng(len(frames))
    recogniser = Recogniser(
        models, settings, partial(next, map(str, count())), checks, lambda _: Way(ways.choice(list(Way)))
    )
    claims = [
        claim
        for number, image in enumerate(frames)
        for claim in recogniser.see(Frame(image, "c", number / fps), gallery)
    ]
    opened = next((claim.taken_mono for claim in claims if claim.resident is not None), None)
    reasons = {claim.reason for claim in claims}
    return Came(opened, Reason.ASKED_TO_TURN in reasons, Reason.NOT_LIVE in reasons)


def _clip(kind: str, number: int, actor: Actor, shared: Path, models: Models) -> Iterator[Image]:
    if kind == LIVE:
        return walk_up(actor, (640, 360), number)
    walker = Walker.of(actor.photo, actor.face)
    own = footage([Scene(walker, 4.0, varied=True)], number)
    if kind == FLAT:
        return own
    held = footage([Scene(walker, SECONDS, varied=True, held=HELD[kind.removesuffix(" raised late")])], number)
    if kind in HELD:
        return held
    # Somebody whom nobody knows comes as they are, and raises it when they are near enough to be judged.
    other = next(one for one in photos_of(shared, models, first_half=True))
    stranger = actor_of(number, other, shared, models)
    comes = footage([Scene(Walker.of(stranger.photo, stranger.face), SECONDS, varied=True)], number)
    late = round(0.28 * 0.7 * SECONDS * FPS)
    return chain(islice(comes, late), islice(held, late, None))
