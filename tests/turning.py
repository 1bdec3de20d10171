"""Clips of who is asked to turn the head: heads that do or do not, sheets that are waved and bent, films on screens."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from evaluate.demo.walkup import Scene, footage
from models.images import Image
from tests.heads import FPS, Head, Pose, Shape, Surface, draw, sheet_of

ASKED_AT_S, SECONDS = 0.8, 4.0
"""When the turn is asked for, and how long a clip is."""
WALKS_S, FAR_CM = 2.5, 190.0
"""How long people walk up, and from how far."""


@dataclass(frozen=True, slots=True)
class Actor:
    """A person's photo, the face in it (x, y, width, height), and their head."""

    photo: Image
    face: tuple[float, float, float, float]
    head: Head


@dataclass(frozen=True, slots=True)
class Act:
    """What somebody does who is asked to turn the head.

    `turns` by so many degrees, between the two: the way that was asked, negative the other way. A `sheet` is waved to
    both sides; its bend comes with the turning where it is `bending`.
    """

    turns: tuple[float, float] = (0.0, 0.0)
    sheet: Shape | None = None
    bending: bool = False
    film: bool = False


ACTS = {
    "head turns as asked": Act((30, 50)),
    "head turns a little": Act((15, 25)),
    "head stays": Act(),
    "head turns otherwise": Act((-50, -30)),
    "sheet, still": Act(sheet=Shape()),
    "sheet, waved by 30": Act((30, 30), Shape()),
    "sheet, waved by 45": Act((45, 45), Shape()),
    "sheet round 20 cm": Act((30, 30), Shape(1 / 20)),
    "sheet round 12 cm": Act((30, 30), Shape(1 / 12)),
    "sheet round 10 cm": Act((30, 30), Shape(1 / 10)),
    "sheet round 10 cm, waved by 45": Act((45, 45), Shape(1 / 10)),
    "sheet round 8 cm, waved by 60": Act((60, 60), Shape(1 / 8)),
    "sheet bending to 10 cm": Act((30, 30), Shape(1 / 10), bending=True),
    "sheet bending to 10 cm, aslant": Act((30, 30), Shape(1 / 10, lean=30, aside=3), bending=True),
    "sheet bending to 10 cm, beside the nose": Act((30, 30), Shape(1 / 10, aside=5), bending=True),
    "sheet bending to 10 cm, before the nose": Act((45, 45), Shape(1 / 10, aside=-5), bending=True),
    "sheet round 10 cm, level": Act((30, 30), Shape(1 / 10, lean=90)),
    "sheet folded at the nose": Act((30, 30), Shape(fold=30)),
    "film turns as asked": Act((30, 50), film=True),
    "film turns otherwise": Act((-50, -30), film=True),
    "film stays": Act(film=True),
}


@dataclass(frozen=True, slots=True)
class _Manner:
    phase: float
    away: float
    aside: float
    own: Pose
    reaction: float
    lasts: float
    turn: float
    light: float
    drift: float
    shade: float
    blur: float
    size: float

    @classmethod
    def drawn(cls, act: Act, rng: np.random.Generator) -> _Manner:
        own = Pose(rng.uniform(-6, 6), rng.uniform(-10, 10), rng.uniform(-5, 5))
        return cls(
            phase=rng.uniform(0, 2 * np.pi), away=rng.uniform(45, 110), aside=rng.uniform(-8, 8), own=own,
            reaction=rng.uniform(0.3, 0.9), lasts=rng.uniform(0.5, 1.0), turn=rng.uniform(*act.turns),
            light=rng.uniform(0.6, 1.25), drift=rng.uniform(-0.15, 0.15), shade=rng.uniform(-0.3, 0.3),
            blur=rng.uniform(0.2, 1.2), size=rng.uniform(0.9, 1.15),
        )  # fmt: skip


def clip(act: Act, actor: Actor, asked: int, size: tuple[int, int], seed: int) -> Iterator[Image]:
    """The pictures (H, W, 3) of one act, FPS a second; `asked` 1 is to the right of the picture, -1 to the left."""
    rng = np.random.default_rng(seed)
    manner = _Manner.drawn(act, rng)
    backdrop = cv2.resize(next(footage([Scene(None, 0.04)], seed)), size).astype(np.float32)
    shade = 1 + manner.shade * np.linspace(-1, 1, size[0], dtype=np.float32)[None, :, None]
    before = 0.0
    for number in range(round(SECONDS * FPS)):
        time = number / FPS
        done = _done(act, manner, time)
        picture = backdrop.copy()
        away = manner.away * (1 - 0.02 * time)
        _stage(picture, act, actor, manner, asked, time, done, away)
        moved = abs(done - before) * abs(manner.turn) / 45 * size[0] / 640 * 6 * 50 / manner.away
        before = done
        picture = _blurred(picture, moved * 0.4, manner.blur * size[0] / 640)
        picture *= (manner.light + manner.drift * time / SECONDS) * shade
        picture += rng.normal(0, 4, picture.shape).astype(np.float32)
        yield picture.clip(0, 255).astype(np.uint8)


def _done(act: Act, manner: _Manner, time: float) -> float:
    """How far they are turned, 1 the whole way asked; a sheet swings to both sides."""
    since = time - ASKED_AT_S - manner.reaction
    if since <= 0:
        return 0.0
    if act.sheet:
        return float(np.sin(np.pi / 2 * since / manner.lasts))
    there = min(1.0, since / manner.lasts)
    return there * there * (3 - 2 * there)


def _stage(
    picture: NDArray[np.float32], act: Act, actor: Actor, manner: _Manner, asked: int, time: float, done: float,
    away: float,
) -> None:  # fmt: skip
    sway = np.sin(manner.phase + 2 * np.pi * 0.5 * time)
    at = (manner.aside + 0.6 * sway, 0.3 * np.cos(2 * manner.phase + 3 * time), away)
    still = replace(manner.own, turn=manner.own.turn + sway, at=at)
    turned = replace(still, turn=still.turn + asked * manner.turn * done)
    if act.film:
        trembling = replace(still, turn=4 * sway)
        draw(picture, _film(actor.head, manner, asked * manner.turn * done), trembling)
    elif act.sheet:
        bend = act.sheet.bend * (abs(done) if act.bending else 1)
        shape = replace(act.sheet, bend=bend, aside=asked * act.sheet.aside, size=manner.size)
        draw(picture, sheet_of(actor.photo, actor.face, shape), turned, 0.2)
    else:
        draw(picture, actor.head.body, Pose(at=at))
        draw(picture, actor.head.head, turned, 0.2)


def _film(head: Head, manner: _Manner, turn: float) -> Surface:
    """A screen that shows a head turned by so much."""
    shown = np.full((360, 640, 3), 120, np.float32)
    draw(shown, head.body, Pose(at=(0, 0, 60)))
    draw(shown, head.head, Pose(turn + manner.own.turn, -manner.own.nod / 2, at=(0, 0, 60)), 0.2)
    film = ((shown - 110) * 1.1 + 116).clip(0, 255).astype(np.uint8)
    face = (320 - 56.0, 169 - 75.0, 112.0, 150.0)
    return sheet_of(film, face, Shape(size=manner.size, margin=0.06, colour=(18, 16, 16)))


def _blurred(picture: NDArray[np.float32], along: float, evenly: float) -> NDArray[np.float32]:
    return np.asarray(cv2.GaussianBlur(picture, (0, 0), sigmaX=max(0.2, np.hypot(along, evenly)), sigmaY=evenly))


class Answering:
    """Somebody who walks up and does what they are told as their act has it: turns, waves a sheet, starts a film.

    A film that was chosen beforehand (`one_film`) turns one way, whichever is asked.
    """

    def __init__(self, act: Act, actor: Actor, size: tuple[int, int], seed: int, *, one_film: bool = False) -> None:
        self._act, self._actor, self._size = act, actor, size
        self._rng = np.random.default_rng(seed)
        self._manner = _Manner.drawn(act, self._rng)
        self._film = int(self._rng.choice([-1, 1])) if one_film else None
        self._backdrop = cv2.resize(next(footage([Scene(None, 0.04)], seed)), size).astype(np.float32)
        self._shade = 1 + self._manner.shade * np.linspace(-1, 1, size[0], dtype=np.float32)[None, :, None]
        self._told: tuple[int, bool] = (0, False)
        self._told_at = self._was = 0.0
        self._asked, self._done = 1, 0.0

    def picture(self, time: float, asked: int, *, further: bool) -> Image:
        """How they look (H, W, 3) at a second; `asked` 1 is to the right of the picture, -1 to the left, 0 ahead."""
        if (asked, further) != self._told:
            self._told, self._told_at = (asked, further), time
        self._follow(time)
        manner, walked = self._manner, min(1.0, time / WALKS_S)
        away = FAR_CM + (manner.away - FAR_CM) * walked
        picture = self._backdrop.copy()
        _stage(picture, self._act, self._actor, manner, self._film or self._asked, time, self._done, away)
        step = abs(np.sin(manner.phase + 2 * np.pi * time)) * (walked < 1)
        picture = _blurred(picture, 1.5 * step, manner.blur * self._size[0] / 640)
        picture *= manner.light * self._shade
        picture += self._rng.normal(0, 4, picture.shape).astype(np.float32)
        return picture.clip(0, 255).astype(np.uint8)

    def _follow(self, time: float) -> None:
        """What they have done of what they are told, after they have understood it."""
        passed, self._was = time - self._was, time
        since = time - self._told_at - self._manner.reaction
        asked, further = self._told
        if since < 0:
            return
        if self._act.sheet and asked:
            self._asked, self._done = asked, float(np.sin(np.pi / 2 * since / self._manner.lasts))
            return
        aim = (1.3 if further else 1.0) * asked * self._asked if asked else 0.0
        if asked and self._done == 0:
            self._asked, aim = asked, 1.3 if further else 1.0
        most = passed / self._manner.lasts
        self._done += float(np.clip(aim - self._done, -most, most))
        if aim < 0 and self._done <= 0:
            self._done = 0.0


def walk_up(actor: Actor, size: tuple[int, int], seed: int) -> Iterator[Image]:
    """The pictures of a head that walks up from 1.9 m to where people stop, as people do who know of no request."""
    rng = np.random.default_rng(seed)
    manner = _Manner.drawn(Act(), rng)
    backdrop = cv2.resize(next(footage([Scene(None, 0.04)], seed)), size).astype(np.float32)
    shade = 1 + manner.shade * np.linspace(-1, 1, size[0], dtype=np.float32)[None, :, None]
    near, looks = rng.uniform(50, 75), rng.uniform(-12, 12)
    for number in range(round(SECONDS * FPS)):
        walked = min(1.0, number / FPS / WALKS_S)
        away = FAR_CM + (near - FAR_CM) * walked
        step = np.sin(manner.phase + 2 * np.pi * number / FPS)
        at = (manner.aside + 1.5 * step * (walked < 1), 0.8 * np.cos(2 * manner.phase + 12 * number / FPS), away)
        turned = replace(manner.own, turn=manner.own.turn + looks * (1 - walked) + 2 * step, at=at)
        picture = backdrop.copy()
        draw(picture, actor.head.body, Pose(at=at))
        draw(picture, actor.head.head, turned, 0.2)
        picture = _blurred(picture, 1.5 * (walked < 1) * abs(step), manner.blur * size[0] / 640)
        picture *= (manner.light + manner.drift * number / FPS / SECONDS) * shade
        picture += rng.normal(0, 4, picture.shape).astype(np.float32)
        yield picture.clip(0, 255).astype(np.uint8)
