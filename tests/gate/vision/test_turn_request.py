"""Whoever raises a doubt is asked to turn the head: heads and sheets before the gate's eye, which a check doubts."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache, partial
from itertools import count

import cv2
import numpy as np
import pytest

from gate.store.people import erasure, residents, templates
from gate.store.people.consents import NO_PERSON
from gate.vision.asked_turn import WITHIN_S
from gate.vision.gallery import Gallery, judging
from gate.vision.pictures import turned
from gate.vision.recogniser import Recogniser
from gate.vision.settings import VisionSettings
from gate.vocabulary import Claim, Frame, Reason, Way
from models.align import align
from models.detector import look_closer
from models.faces import largest
from models.images import Image
from models.pack import Models
from tests.heads import Pose, Shape, canonical_face, draw, head_of, sheet_of

LEFT, RIGHT = Way.LEFT, Way.RIGHT
FPS, AWAY = 10, 60.0
# Degrees that a head turns between two pictures.
STEP = 10
Draw = Callable[[float, float], Image]
"""A picture of somebody who is turned by so many degrees to their left, so many centimetres aside."""


class Doubting:
    """A check that is sure that nobody is there."""

    def evidence(self, _image, _box):
        """See `models.liveness.LivenessCheck`."""
        return -100.0


@dataclass
class Eye:
    """The gate's eye, and somebody before it who does as `does` says, which gets the way they were last told."""

    recogniser: Recogniser
    gallery: Gallery
    now: float = 0.0
    angle: float = 0.0
    told: Claim | None = None
    claims: list[Claim] = field(default_factory=list)

    def watch(
        self,
        shows: Draw,
        does: Callable[[Claim | None], float],
        seconds: float,
        *,
        aside: float = 0.0,
        infrared: Image | None = None,
        change: Callable[[Image], Image] = lambda image: image,
    ) -> list[Claim]:
        """What is claimed within so many seconds, up to the first answer that is no request."""
        before = len(self.claims)
        for _ in range(round(seconds * FPS)):
            goal = does(self.told)
            self.angle += float(np.clip(goal - self.angle, -STEP, STEP))
            self._look(change(shows(self.angle, aside)), infrared)
            if self.claims[before:] and self.claims[-1].reason is not Reason.ASKED_TO_TURN:
                break
        return self.claims[before:]

    def _look(self, image: Image, infrared: Image | None) -> None:
        beside = None if infrared is None else Frame(infrared, "infrared", self.now)
        for claim in self.recogniser.see(Frame(image, "c", self.now), self.gallery, beside):
            self.claims.append(claim)
            self.told = claim if claim.reason is Reason.ASKED_TO_TURN else None
            self.recogniser.answered(claim, claim.reason, None if claim.reason else claim.id)
        self.now += 1 / FPS


def as_asked(told: Claim | None) -> float:
    return 0.0 if told is None or told.way is None else 40.0 * (1 if told.way is LEFT else -1)


def otherwise(told: Claim | None) -> float:
    return -as_asked(told)


def still(_told: Claim | None) -> float:
    return 0.0


@pytest.fixture(scope="module")
def head(models: Models, photos, shared) -> Callable[[str], Draw]:
    """Somebody's head before a grey wall, by the name of their photo."""

    def of(name: str) -> Draw:
        photo, face = found(models, photos / name)
        whole = head_of(photo, np.array(face.landmarks), canonical_face(shared))

        @cache
        def shows(angle: float, aside: float) -> Image:
            picture = np.full((360, 640, 3), 110, np.float32)
            draw(picture, whole.body, Pose(at=(aside, 0, AWAY)))
            draw(picture, whole.head, Pose(turn=angle, at=(aside, 0, AWAY)), 0.2)
            return picture.clip(0, 255).astype(np.uint8)

        return shows

    return cache(of)


def found(models: Models, path):
    """A portrait made small, and the face in it."""
    photo = cv2.imread(str(path))
    photo = np.asarray(cv2.resize(photo, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA), np.uint8)
    face = largest(models.detector.detect(photo))
    assert face is not None
    return photo, look_closer(photo, face, models.detector) or face


@pytest.fixture
def known(models: Models, store, head) -> Gallery:
    """Whoever has Obama's head is enrolled."""
    image = head("obama.jpg")(0.0, 0.0)
    face = largest(models.detector.detect(image))
    vector = models.embedder.embed(align(image, face, models.spec)[None])[0].astype("<f4").tobytes()
    residents.enrol(store, "Barack Obama", None, [templates.Template(models.model_id, "s", {}, vector)], NO_PERSON)
    return judging(store, models).gallery


@pytest.fixture
def eye(models: Models, known: Gallery):
    """An eye that doubts everybody; `ways` are where it asks heads to turn, one after the other."""

    def looking(*ways: Way, **vision) -> Eye:
        left = list(ways)
        infrared = vision.pop("infrared", False)
        settings = VisionSettings(**{"liveness": "standard"} | vision)
        recogniser = Recogniser(
            models, settings, partial(next, map(str, count())), [Doubting()], lambda _: left.pop(0), infrared=infrared
        )
        return Eye(recogniser, known)

    return looking


def said(claims: list[Claim]) -> list[object]:
    """What was told, each thing once for as long as it stands."""
    every = [(claim.way if claim.reason is Reason.ASKED_TO_TURN else claim.reason or "in") for claim in claims]
    return [one for number, one in enumerate(every) if number == 0 or every[number - 1] != one]


@pytest.mark.parametrize("way", [LEFT, RIGHT])
def test_whoever_turns_as_asked_and_looks_ahead_again_is_let_in(eye, head, way):
    watching = eye(way)
    claims = watching.watch(head("obama.jpg"), as_asked, 8)
    assert said(claims) == [way, None, "in"]
    assert all(claim.resident is None for claim in claims[:-1])
    assert watching.recogniser.sample(claims[-1], watching.gallery) is None, "nothing is learned of who raised a doubt"


def test_strict_asks_twice(eye, head):
    claims = eye(LEFT, RIGHT, liveness="strict").watch(head("obama.jpg"), as_asked, 12)
    assert said(claims) == [LEFT, None, RIGHT, None, "in"]


def test_whoever_does_not_turn_is_asked_once_more_and_then_refused(eye, head):
    watching = eye(LEFT, RIGHT)
    claims = watching.watch(head("obama.jpg"), still, 3 + 2 * WITHIN_S)
    assert said(claims) == [LEFT, None, RIGHT, Reason.NOT_LIVE]
    assert watching.watch(head("obama.jpg"), still, 3) == [], "nobody's face is looked at there for a while"


def test_whoever_turns_the_other_way_is_refused_at_once(eye, head):
    claims = eye(LEFT).watch(head("obama.jpg"), otherwise, 8)
    assert said(claims) == [LEFT, Reason.NOT_LIVE]
    assert claims[-1].taken_mono - claims[0].taken_mono < 2


@pytest.mark.parametrize(("bend", "further"), [(0.0, 1.0), (1 / 10, 1.2)])
def test_a_sheet_that_is_turned_as_asked_opens_nothing(eye, models, photos, bend, further):
    photo, face = found(models, photos / "obama.jpg")

    @cache
    def sheet(angle: float, aside: float) -> Image:
        picture = np.full((360, 640, 3), 110, np.float32)
        bent = Shape(bend if angle else 0.0)
        draw(picture, sheet_of(photo, face.box, bent), Pose(turn=further * angle, at=(aside, 0, AWAY)), 0.2)
        return picture.clip(0, 255).astype(np.uint8)

    claims = eye(LEFT, RIGHT).watch(sheet, as_asked, 4 + 2 * WITHIN_S)
    assert said(claims)[0] is LEFT
    assert claims[-1].reason is Reason.NOT_LIVE
    assert all(claim.resident is None for claim in claims)


def until_turned(watching: Eye, shows: Draw) -> None:
    """Go on until they are told to look ahead, and are still turned."""
    while watching.told is None or watching.told.way is not None:
        watching.watch(shows, as_asked, 1 / FPS)
        assert watching.now < 8


def test_somebody_else_who_looks_ahead_after_the_turn_is_not_let_in_by_it(eye, head):
    watching = eye(LEFT)
    until_turned(watching, head("obama.jpg"))
    watching.angle = 0.0
    claims = watching.watch(head("biden.jpg"), still, 3)
    assert all(claim.resident is None for claim in claims)
    assert [claim.reason for claim in claims] == [Reason.UNKNOWN]


def test_whoever_has_turned_and_does_not_look_straight_ahead_again_is_refused(eye, head):
    watching = eye(LEFT)
    until_turned(watching, head("obama.jpg"))
    claims = watching.watch(head("obama.jpg"), lambda _: 24.0, WITHIN_S + 1)
    assert said(claims) == [None, Reason.NOT_LIVE]


@pytest.mark.parametrize(("away_s", "aside"), [(0.6, 0.0), (0.0, 7.5), (0.0, 22.0)])
def test_a_face_that_was_away_or_is_elsewhere_has_turned_for_nothing(eye, head, away_s, aside):
    watching = eye(LEFT, RIGHT)
    # Long enough to be told after so long that nobody knows them, were it not begun anew.
    watching.watch(head("obama.jpg"), still, 4.5)
    until_turned(watching, head("obama.jpg"))
    watching.watch(lambda *_: np.full((360, 640, 3), 110, np.uint8), still, away_s)
    watching.angle = 0.0
    claims = watching.watch(head("obama.jpg"), still, 2.5, aside=aside)
    assert said(claims) == [RIGHT], "they are asked anew"


def test_what_infrared_light_does_not_show_is_refused_unasked(eye, head):
    watching = eye(infrared=True)
    dark = np.full((360, 640, 3), 3, np.uint8)
    claims = watching.watch(head("obama.jpg"), as_asked, 4, infrared=dark)
    assert said(claims) == [Reason.NOT_LIVE]


def test_left_is_left_where_the_pictures_of_a_camera_that_mirrors_are_flipped(eye, head):
    mirrored = partial(turned, clockwise=0, flip="horizontal")
    flipped = eye(LEFT).watch(head("obama.jpg"), as_asked, 8, change=lambda image: mirrored(mirrored(image)))
    assert said(flipped) == [LEFT, None, "in"]
    unflipped = eye(LEFT).watch(head("obama.jpg"), as_asked, 8, change=mirrored)
    assert said(unflipped) == [LEFT, Reason.NOT_LIVE], "left taken for right lets nobody in"


def test_who_has_begun_and_does_not_go_on_is_told_to(eye, head):
    claims = eye(LEFT, LEFT).watch(head("obama.jpg"), lambda told: as_asked(told) * 0.45, 4)
    assert [(claim.way, claim.further) for claim in claims[:1]] == [(LEFT, False)]
    assert (LEFT, True) in [(claim.way, claim.further) for claim in claims]


def test_a_face_that_is_another_resident_s_after_the_turn_is_not_let_in(eye, head, models, store):
    """Whoever was erased meanwhile, and somebody enrolled by the same face."""
    watching = eye(LEFT)
    until_turned(watching, head("obama.jpg"))
    (first,) = residents.every(store)
    ((_, _, vector),) = (row[:3] for row in templates.vectors(store, models.model_id))
    erasure.remove(store, first, by="test")
    residents.enrol(store, "Double", None, [templates.Template(models.model_id, "s", {}, vector)], NO_PERSON)
    watching.gallery = judging(store, models).gallery
    claims = watching.watch(head("obama.jpg"), still, WITHIN_S + 2)
    assert said(claims) == [None, Reason.NOT_LIVE]


def test_of_two_who_raise_a_doubt_one_is_asked_after_the_other(eye, head):
    @cache
    def both(angle: float, aside: float) -> Image:
        left, right = (head("obama.jpg")(angle, aside + one) for one in (-16.0, 16.0))
        return np.hstack([left[:, :320], right[:, 320:]])

    watching = eye(LEFT, RIGHT)
    first, second = (watching.watch(both, as_asked, 8) for _ in range(2))
    assert (said(first), said(second)) == ([LEFT, None, "in"], [RIGHT, None, "in"])
    tracks = [{claim.track for claim in claims} for claims in (first, second)]
    assert [len(one) for one in tracks] == [1, 1]
    assert tracks[0] != tracks[1]


@pytest.mark.parametrize("looks", [27.0, -27.0])
def test_whoever_looks_aside_is_asked_once_they_look_straight_ahead(eye, head, looks):
    watching = eye(LEFT)
    watching.angle = looks
    assert watching.watch(head("obama.jpg"), lambda _: looks, 2) == []
    assert said(watching.watch(head("obama.jpg"), as_asked, 8)) == [LEFT, None, "in"]


def test_whoever_raises_a_doubt_and_never_looks_straight_ahead_is_told_to(eye, head):
    watching = eye()
    watching.angle = 30.0
    assert said(watching.watch(head("obama.jpg"), lambda _: 30.0, 6)) == [Reason.TURNED_AWAY]
