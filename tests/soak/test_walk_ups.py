"""Residents and strangers walk up in varied light, turn, distance and blur: who is let in, and who must not be.

Flat photos that walk up are no live people, and come to a gate without liveness; heads of them to one as it comes.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field, replace
from functools import partial
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import pytest

from enroll.application import Application, Photo, of_namesake
from enroll.consent import agreed
from enroll.enrolment import enrol
from enroll.upright import find_faces, main_face
from evaluate.demo.walkup import FPS, HEIGHT, WIDTH, Scene, Walker, footage
from gate.config import Settings
from gate.errors import Refusal
from gate.replay import replay
from gate.store.database import open_read_only
from gate.store.people import residents
from gate.store.people.consents import Way
from gate.vision.evidence import weigh
from gate.vision.gallery import Gallery, judging, judging_again
from gate.vision.liveness_packs import liveness_packs
from gate.vision.promise import rule_of
from gate.vocabulary import Sighting
from models.embedder import Embedder, Templates
from models.manifest import EmbedderSpec
from models.pack import Models, open_liveness, open_models
from tests.actors import actor_of, can_be_head
from tests.enrolling import picture_in
from tests.heads import FPS as HEADS_FPS
from tests.turning import walk_up

RESIDENTS, STRANGERS = 200, 600
SEED = 7
SECONDS = 3.0
WITHIN_S = 1.5

pytestmark = pytest.mark.soak


@dataclass(frozen=True)
class Walk:
    """One walk-up: seconds from its first usable frame to a grant and to whom; and whom that frame alone lets in."""

    came: bool
    granted: dict[str, float]
    sightings: int
    by_first_frame: str | None


@dataclass
class Recorded:
    """An embedder that keeps what it gave; the video's second is set from outside."""

    embedder: Embedder
    templates: list[np.ndarray] = field(default_factory=list)

    @property
    def spec(self) -> EmbedderSpec:
        return self.embedder.spec

    def embed(self, faces: np.ndarray) -> Templates:
        given = self.embedder.embed(faces)
        self.templates.extend(given)
        return given

    def glance(self, faces: np.ndarray) -> Templates:
        given = self.embedder.glance(faces)
        self.templates.extend(given)
        return given


# Two strangers a day are what a gate counts on that was there before there was a second look, fifty what new ones do.
# Heads are drawn of one photo, and resemble who wears it less than the photo does: of them 99 of 100 are wanted too.
@pytest.mark.parametrize(
    ("heads", "second_look", "strangers_a_day", "wanted"),
    [(False, False, 2, 0.98), (False, True, 2, 0.99), (False, True, 50, 0.98), (True, True, 50, 0.8)],
)
def test_residents_are_let_in_and_strangers_are_not(
    heads: bool, second_look: bool, strangers_a_day: int, wanted: float, shared: Path, models: Models,
    liveness_dir: Path, state: Path, store: sqlite3.Connection,
) -> None:  # fmt: skip
    people = sorted((shared / "faces" / "lfw").iterdir())
    np.random.default_rng(SEED).shuffle(people)
    photos = {person: sorted(person.glob("*.jpg")) for person in people}
    probes, refused = _enrol(store, models, [person for person in people if len(photos[person]) >= 5])
    strangers = [photos[person][0] for person in people if len(photos[person]) == 1][:STRANGERS]
    vision = {"second_look": second_look, "promise": {"strangers_a_day": strangers_a_day}}
    settings = Settings(vision=vision if heads else vision | {"liveness": "off"})
    if heads:
        probes = {who: photo for who, photo in probes.items() if can_be_head(picture_in(photo), models)}
        strangers = [photo for photo in strangers if can_be_head(picture_in(photo), models)]
    walk = partial(_walk, state=state, models_dir=liveness_dir, settings=settings, heads=shared if heads else None)
    # A forked child would wait for ever for OpenCV's threads, which stay in the parent.
    with ProcessPoolExecutor(os.cpu_count(), get_context("spawn")) as pool:
        home = dict(zip(probes, pool.map(walk, probes.values(), range(len(probes))), strict=True))
        away = list(pool.map(walk, strangers, range(1000, 1000 + len(strangers))))

    came = {who: one for who, one in home.items() if one.came}
    waits = {who: one.granted[who] for who, one in came.items() if who in one.granted}
    in_time = [who for who, wait in waits.items() if wait <= WITHIN_S]
    seen = sorted(came[who].sightings for who in waits)
    wrong = {who: set(one.granted) - {who} for who, one in came.items() if set(one.granted) - {who}}
    let_in = [photo.parent.name for photo, one in zip(strangers, away, strict=True) if one.granted]
    kind = "heads" if heads else "flat"
    print(f"\n{kind}: {len(probes)} enrolled with four photos each ({refused} photos refused); at"
          f" {settings.vision.promise}, second look {'on' if second_look else 'off'}")  # fmt: skip
    print(f"residents with a usable frame      {len(came)}")
    share = len(in_time) / len(came)
    print(f"let in within 1.5 s of it          {len(in_time)} = {share:.1%}; wanted: {wanted:.0%}")
    print(f"  missed                           {sorted(set(came) - set(in_time))}")
    print(f"  sightings, median and most       {seen[len(seen) // 2]}, {seen[-1]}")
    print(f"  seconds, median and most         {np.median(list(waits.values())):.2f}, {max(waits.values()):.2f}")
    print(f"taken for another                  {len(wrong)} {wrong}")
    print(f"strangers let in                   {len(let_in)} of {len([one for one in away if one.came])} {let_in}")
    first = [one.by_first_frame == who for who, one in came.items()]
    print(f"without evidence over time: let in by the first usable frame {100 * np.mean(first):.1f} %, strangers"
          f" {sum(one.by_first_frame is not None for one in away)}")  # fmt: skip
    assert share >= wanted
    assert not wrong
    assert not let_in


def _enrol(store: sqlite3.Connection, models: Models, people: Sequence[Path]) -> tuple[dict[str, Path], int]:
    """By photos cut to their middle, as whoever enrols cuts others off a photo."""
    probes: dict[str, Path] = {}
    refused = 0
    for person in people[:RESIDENTS]:
        *enrolled, last = sorted(person.glob("*.jpg"))[:5]
        for photo in enrolled:
            try:
                whole = picture_in(photo)
                height, width = whole.shape[:2]
                cut = whole[height * 3 // 20 : height * 17 // 20, width * 3 // 20 : width * 17 // 20]
                given = [Photo(photo.name, lambda cut=cut: cut)]
                asked = Application.of(person.name, None, given, agreed(Way.TOLD), another_than=None)
                enrol(store, models, of_namesake(store, asked), "test")
                probes[person.name] = last
            except Refusal:
                refused += 1
    return probes, refused


def _walk(photo: Path, seed: int, *, state: Path, models_dir: Path, settings: Settings, heads: Path | None) -> Walk:
    opened = open_models(models_dir, "open")
    recorded = Recorded(opened.embedder)
    models = replace(opened, embedder=recorded, second=opened.second if settings.vision.second_look else None)
    store = open_read_only(state)
    gallery, live = judging(store, models).gallery, judging_again(store, models)
    again = live.gallery if live is not None else None
    checks = open_liveness(models_dir, liveness_packs(models_dir, settings.vision, ("liveness-minifas",)))
    if heads is not None:
        comes, fps = walk_up(actor_of(seed, photo, heads, models), (WIDTH, HEIGHT), seed), HEADS_FPS
    else:
        image = picture_in(photo)
        faces = find_faces(image, models)
        if not faces:
            return Walk(False, {}, 0, None)
        walker = Walker.of(image, main_face(faces, image).box)
        comes, fps = footage([Scene(None, 0.4), Scene(walker, SECONDS, varied=True)], seed), FPS
    first: list[float] = []

    def timed():
        for number, image in enumerate(comes):
            yield number / fps, image
            if recorded.templates and not first:
                first.append(number / fps)

    outcome = replay(timed(), models, gallery, partial(residents.get, store), settings, photo.name, checks=checks,
                     again=again)  # fmt: skip
    if not first:
        return Walk(False, {}, 0, None)
    granted = {p.resident or "": p.t - first[0] for p in reversed(outcome.passages) if p.granted}
    sightings = next((p.frames for p in outcome.passages if p.granted), 0)
    return Walk(True, granted, sightings, _by_one_frame(recorded.templates[0], models, gallery, store, settings))


def _by_one_frame(
    template: np.ndarray, models: Models, gallery: Gallery, store: sqlite3.Connection, settings: Settings
) -> str | None:
    rule = replace(rule_of(models.calibration, settings.vision, len(gallery)), frames=1)
    candidates = gallery.search(template)
    belief = weigh([Sighting(0.0, template)], candidates, gallery.alike(candidates), rule)
    known = residents.get(store, belief.resident) if belief is not None and belief.resident else None
    return known.name if known else None
