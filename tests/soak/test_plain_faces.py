"""Faces turned, covered, stretched, as negatives and off a screen: what becomes of them at enrolment and at the gate.

Photos are of people whose names fall in the second half by their hash; the first half was used to choose the limits.
"""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Callable
from functools import partial
from pathlib import Path

import cv2
import numpy as np
import pytest

from enroll.checks import PhotoRefused, examine
from enroll.upright import find_faces, main_face, put_upright
from evaluate.demo.walkup import FPS, Scene, Walker, footage
from evaluate.folder import list_people
from gate.config import Settings
from gate.replay import replay
from gate.store.people import residents, templates
from gate.store.people.consents import NO_PERSON
from gate.vision.gallery import judging
from gate.vocabulary import Reason
from models.align import align
from models.detector import look_closer
from models.faces import Face
from models.pack import Models
from tests.changed import in_sunglasses, masked, turned
from tests.enrolling import picture_in

PHOTOS, STRANGERS, GOOD, BAD = 300, 60, 7, 3
ANGLES = (0, 10, 20, 30, 45, 60, 90, 135, 180)
NOT_FACES = {Reason.NOT_UPRIGHT, Reason.NOT_PLAIN, Reason.COVERED}
# As alike as one person's photos are.
ALIKE = 0.5

pytestmark = pytest.mark.soak
Picture = np.ndarray


@pytest.fixture(scope="module")
def people(shared: Path) -> list[Picture]:
    """A photo each of people that no limit was chosen by."""
    first: dict[str, Path] = {}
    for person, photo in list_people(shared / "faces" / "lfw", (2, 2)).photos:
        first.setdefault(person, photo)
    chosen = [first[name] for name in sorted(first)]
    np.random.default_rng(15).shuffle(chosen)
    return [picture_in(photo) for photo in chosen[: PHOTOS + STRANGERS]]


def test_turned_photos_are_put_upright_and_none_becomes_a_template_as_it_is(people, models):
    print(
        "\ndegrees  as it came  put upright  refused for it  for something else  own likeness 5 %, median  others alike"
    )
    upright: dict[int, Picture] = {}
    for degrees in ANGLES:
        became: Counter[str] = Counter()
        templates: dict[int, Picture] = {}
        for number, image in enumerate(people[:PHOTOS]):
            shown = turned(image, degrees if number % 2 else -degrees)
            what, template = _enrolled(shown, models)
            became[what] += 1
            if template is not None:
                templates[number] = template
        if degrees == 0:
            upright = templates
        own = [float(one @ upright[number]) for number, one in templates.items() if number in upright]
        low, middle = np.percentile(own, (5, 50))
        counts = [became[what] for what in ("as it came", "put upright", "refused for it", "something else")]
        print(f"{degrees:7}  {counts[0]:10}  {counts[1]:11}  {counts[2]:14}  {counts[3]:18}  {low:16.2f}, {middle:6.2f}"
              f"  {100 * _alike(templates):11.2f} %")  # fmt: skip
        if degrees <= 10:
            assert became["refused for it"] <= PHOTOS / 100
        if degrees >= 45:
            assert became["as it came"] == 0
        assert low > 0.85
        assert _alike(templates) < 0.005


def test_what_is_done_to_a_face_and_what_becomes_of_it(people, models):
    print("\nkind          taken  refused for it  for something else  own likeness 5 %, median  others alike")
    plain: dict[int, Picture] = {}
    for kind, change in KINDS.items():
        templates: dict[int, Picture] = {}
        became: Counter[str] = Counter()
        for number, image in enumerate(people[:PHOTOS]):
            face = _face(image, models)
            if face is None:
                continue
            what, template = _enrolled(change(image, face), models)
            became[what] += 1
            if template is not None:
                templates[number] = template
        plain = plain or templates
        own = [float(one @ plain[number]) for number, one in templates.items() if number in plain]
        low, middle = np.percentile(own, (5, 50)) if own else (np.nan, np.nan)
        print(f"{kind:12}  {len(templates):5}  {became['refused for it']:14}  {became['something else']:18}"
              f"  {low:16.2f}, {middle:6.2f}  {100 * _alike(templates):11.2f} %")  # fmt: skip
    assert not own, "the last kind is a negative"


@pytest.mark.parametrize("situation", ["upside down", "tilted by 60", "tilted by 45", "on a side", "negative"])
def test_strangers_shown_as_a_badly_enrolled_resident_was_are_not_let_in(
    people, models: Models, store: sqlite3.Connection, situation
):
    change = SITUATIONS[situation]
    kept = [template for image in people[:GOOD] if (template := _as_found(image, models)) is not None]
    bad = (_as_found(change(image), models) for image in people[GOOD:PHOTOS])
    kept += [template for template, _ in zip((one for one in bad if one is not None), range(BAD), strict=False)]
    for number, vector in enumerate(kept):
        template = templates.Template(models.model_id, "yesterday", {}, vector.astype("<f4").tobytes())
        residents.enrol(store, f"Resident {number}", None, [template], NO_PERSON)
    gallery = judging(store, models).gallery
    came, let_in = 0, 0
    reasons: Counter[str] = Counter()
    for seed, image in enumerate(people[PHOTOS:]):
        shown = change(image)
        face = _face(shown, models)
        if face is None:
            continue
        came += 1
        pictures = footage([Scene(None, 0.4), Scene(Walker.of(shown, face.box), 2.0)], seed)
        frames = ((number / FPS, picture) for number, picture in enumerate(pictures))
        outcome = replay(frames, models, gallery, partial(residents.get, store), Settings(), "stranger")
        let_in += bool(outcome.relay_pulses)
        reasons.update(str(passage.reason) for passage in outcome.passages)
    print(f"\n{situation}: {came} strangers in whom a face is found, {let_in} let in; {dict(reasons)}")
    assert came >= STRANGERS / 4
    assert let_in == 0


def _enrolled(image: Picture, models: Models) -> tuple[str, Picture | None]:
    try:
        portrait = examine(image, "photo", models)
    except PhotoRefused as refused:
        return "refused for it" if refused.reason in NOT_FACES else "something else", None
    came = np.shares_memory(put_upright(image, models).image, image)
    return "as it came" if came else "put upright", models.embedder.embed(portrait.aligned[None])[0]


def _alike(templates: dict[int, Picture]) -> float:
    """The share of pairs of different people who are as alike as photos of one are."""
    if len(templates) < 2:
        return 0.0
    vectors = np.stack(list(templates.values()))
    return float(((vectors @ vectors.T)[np.triu_indices(len(vectors), 1)] > ALIKE).mean())


def _face(image: Picture, models: Models) -> Face | None:
    found = find_faces(image, models)
    if not found:
        return None
    face = main_face(found, image)
    return look_closer(image, face, models.detector) or face


def _as_found(image: Picture, models: Models) -> Picture | None:
    """The template of whatever face is found, as an enrolment made it before a face had to be upright and plain."""
    face = _face(image, models)
    if face is None:
        return None
    return models.embedder.embed(align(image, face, models.spec)[None])[0]


def _off_a_screen(image: Picture, _face: Face) -> Picture:
    """Photographed from a screen: its dots, its light, seen a little from the side."""
    height, width = (2 * side for side in image.shape[:2])
    down, across = np.mgrid[0:height, 0:width]
    dots = 1 + 0.12 * np.sin(1.45 * across + 0.25 * down) * np.sin(1.32 * down - 0.19 * across)
    shown = cv2.resize(image, (width, height)).astype(np.float32) * dots[..., None]
    lit = (20 + 230 * (np.clip(shown, 0, 255) / 255) ** 0.8).astype(np.uint8)
    corners = np.float32([[0, 0], [width, 0], [width, height], [0, height]])
    seen = corners + np.float32([[0.04, 0.02], [-0.02, 0.05], [-0.04, -0.03], [0.03, -0.02]]) * width
    return cv2.GaussianBlur(
        cv2.warpPerspective(lit, cv2.getPerspectiveTransform(corners, seen), (width, height)), (0, 0), 1
    )


def _stretched(across: float, down: float) -> Callable[[Picture, Face], Picture]:
    return lambda image, _face: cv2.resize(image, None, fx=across, fy=down, interpolation=cv2.INTER_AREA)


# Plain first, since the others are compared with it.
KINDS: dict[str, Callable[[Picture, Face], Picture]] = {
    "plain": lambda image, _face: image,
    "grey": lambda image, _face: cv2.cvtColor(cv2.cvtColor(image, cv2.COLOR_BGR2GRAY), cv2.COLOR_GRAY2BGR),
    "off a screen": _off_a_screen,
    "sunglasses": in_sunglasses,
    "mask": masked,
    "1.5 as wide": _stretched(1.5, 1),
    "2 as wide": _stretched(2, 1),
    "1.5 as high": _stretched(1, 1.5),
    "2 as high": _stretched(1, 2),
    "negative": lambda image, _face: 255 - image,
}
SITUATIONS: dict[str, Callable[[Picture], Picture]] = {
    "upside down": partial(turned, degrees=180),
    "tilted by 60": partial(turned, degrees=60),
    "tilted by 45": partial(turned, degrees=45),
    "on a side": partial(turned, degrees=90),
    "negative": lambda image: 255 - image,
}
