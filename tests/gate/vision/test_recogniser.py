"""From frames to claims, on real photos walking up to the gate."""

from dataclasses import dataclass, field, replace
from functools import partial
from itertools import count

import cv2
import numpy as np
import pytest

from evaluate.demo.walkup import FPS, HEIGHT, WIDTH, Held, Scene, footage, walker_from
from gate.config import Settings
from gate.replay import replay
from gate.store.people import residents, templates
from gate.store.people.consents import NO_PERSON
from gate.vision.gallery import Gallery, judging
from gate.vision.learning import score_by_enrolment
from gate.vision.promise import rule_of
from gate.vision.recogniser import Recogniser
from gate.vision.settings import VisionSettings
from gate.vocabulary import Frame, Reason
from models.align import align
from models.detector import Detector
from models.pack import open_liveness
from tests.enrolling import enrol_photos
from tests.infrared import grey

PACKS = ("liveness-minifas", "liveness-celeba")


@pytest.fixture
def walk(models, photos, store):
    """Replays someone's walk-up over the store's residents."""

    def run(photo, seconds=4.0, seed=5, frames=None, liveness_dir=None, **vision):
        gallery = judging(store, models).gallery
        if frames is None:
            frames = footage([Scene(None, 0.4), Scene(walker_from(photos / photo, models.detector), seconds)], seed)
        settings = Settings(vision=vision)
        stream = ((number / FPS, image) for number, image in enumerate(frames))
        checks = open_liveness(liveness_dir, PACKS) if liveness_dir else ()
        return replay(stream, models, gallery, partial(residents.get, store), settings, photo, checks=checks)

    return run


@pytest.fixture
def obama(store, models, photos):
    return enrol_photos(store, models, "Barack Obama", [photos / "obama.jpg"], consent=NO_PERSON).resident


def test_a_resident_is_let_in_once_and_a_stranger_is_unknown(walk, obama):
    (passage,) = walk("obama2.jpg").passages
    assert (passage.granted, passage.resident, passage.reason) == (True, "Barack Obama", None)
    strangers = walk("biden.jpg").passages
    assert strangers
    assert all(p.reason is Reason.UNKNOWN and not p.granted for p in strangers)


def test_with_nobody_enrolled_everyone_is_unknown(walk):
    outcome = walk("obama2.jpg")
    assert {p.reason for p in outcome.passages} == {Reason.UNKNOWN}
    assert outcome.relay_pulses == 0


def test_the_threshold_and_the_margin_in_the_settings_move_the_decision(walk, obama, store, models, photos):
    assert not any(p.granted for p in walk("obama2.jpg", threshold=0.99).passages)
    assert any(p.granted for p in walk("biden.jpg", threshold=-0.5, margin=0.0).passages)
    residents.enrol(
        store,
        "Double",
        None,
        [templates.Template(models.model_id, "s", {}, templates.vectors(store, models.model_id)[0][2])],
        NO_PERSON,
    )
    assert {p.reason for p in walk("obama2.jpg").passages} == {Reason.AMBIGUOUS}


@pytest.fixture
def samples(models, photos, store):
    """What the gate may learn from each claim of someone's walk-up for a resident."""

    def run(photo, **vision):
        gallery = judging(store, models).gallery
        recogniser = Recogniser(models, VisionSettings(**vision), partial(next, map(str, count())))
        found = []
        for number, image in enumerate(footage([Scene(walker_from(photos / photo, models.detector), 2.0)], 5)):
            for claim in recogniser.see(Frame(image, "c", number / FPS), gallery):
                if claim.resident is not None:
                    found.append(recogniser.sample(claim, gallery))
        return found

    return run


def test_what_a_resident_shows_clearly_may_be_learned(samples, obama, store, models):
    (sample,) = samples("obama2.jpg")
    assert np.linalg.norm(sample.template) == pytest.approx(1)
    assert score_by_enrolment(store, models, obama.id, sample.template) >= sample.at_least


def test_what_is_learned_takes_a_surer_score_than_the_gate_opens_by(samples, obama, models):
    once_in = {years: {"years": years, "strangers_a_day": 20} for years in (10, 100)}
    (sample,) = samples("obama2.jpg", promise=once_in[10])
    opens, as_sure = (rule_of(models.calibration, VisionSettings(promise=one), 1) for one in once_in.values())
    assert opens.centre + opens.deviate * opens.spread > opens.floor, "the promise asks, and not the floor"
    assert sample.at_least == pytest.approx(as_sure.centre + as_sure.deviate * as_sure.spread, abs=0.02)
    assert samples("biden.jpg", threshold=-0.5, margin=0.0) == [None]


def test_nothing_is_learned_of_two_who_look_alike(samples, obama, store, models):
    (vector,) = (row[2] for row in templates.vectors(store, models.model_id))
    residents.enrol(store, "Double", None, [templates.Template(models.model_id, "s", {}, vector)], NO_PERSON)
    assert samples("obama2.jpg", margin=0.0) == [None]


def test_someone_outside_the_zone_or_too_far_is_never_embedded(models, photos):
    scenes = [Scene(walker_from(photos / "obama2.jpg", models.detector), 2.0)]
    for vision in ({"zone": {"left": 0.9}}, {"min_eye_distance": 200}):
        recogniser = Recogniser(models, VisionSettings(**vision), partial(next, map(str, count())))
        for number, image in enumerate(footage(scenes, 5)):
            assert recogniser.see(Frame(image, "c", number / FPS), Gallery([], 192)) == []
        assert recogniser.tracks.next_number > 1
        assert recogniser.embedded == 0


def test_nothing_is_embedded_while_nothing_moves(models):
    seen = Seen(models.detector)
    recogniser = Recogniser(replace(models, detector=seen), VisionSettings(), partial(next, map(str, count())))
    for number, image in enumerate(footage([Scene(None, 4.0)], 1)):
        recogniser.see(Frame(image, "c", number / FPS), Gallery([], 192))
    assert recogniser.embedded == 0
    assert 0 < len(seen.sides) <= 6


def test_whoever_stands_still_is_looked_at_until_there_is_an_answer(walk, obama, models, photos):
    *_, near = footage([Scene(walker_from(photos / "obama2.jpg", models.detector), 4.0)], 5)
    (passage,) = walk("obama2.jpg", frames=[near] * 20, liveness="off").passages
    assert passage.granted
    assert passage.t <= 5 / FPS
    refused = walk("obama2.jpg", frames=[near] * 40, threshold=0.99).passages
    assert [p.reason for p in refused] == [Reason.UNKNOWN]
    assert refused[0].t <= 1.0


@dataclass
class Seen:
    """A detector that notes the sides of the pictures it was given."""

    detector: Detector
    sides: list[int] = field(default_factory=list)

    @property
    def cutouts(self):
        return self.detector.cutouts

    def detect(self, image):
        self.sides.append(max(image.shape[:2]))
        return self.detector.detect(image)


def test_the_whole_picture_is_searched_now_and_then_and_who_is_in_view_is_followed_between(models, photos):
    seen = Seen(models.detector)
    recogniser = Recogniser(replace(models, detector=seen), VisionSettings(), partial(next, map(str, count())))
    for number, image in enumerate(footage([Scene(walker_from(photos / "biden.jpg", models.detector), 3.0)], 5)):
        recogniser.see(Frame(image, "c", number / FPS), Gallery([], 192))
    assert recogniser.tracks.next_number == 2, "one person is one track"
    assert seen.sides.count(WIDTH) <= 3.0 / 0.2 + 1
    assert set(models.detector.cutouts) <= set(seen.sides)


def test_someone_who_joins_is_found_while_another_is_followed(models, photos):
    one, other = (
        cv2.resize(cv2.imread(str(photos / name)), (WIDTH // 2, HEIGHT)) for name in ("obama.jpg", "biden.jpg")
    )
    alone, both = np.hstack([one, np.zeros_like(other)]), np.hstack([one, other])
    recogniser = Recogniser(models, VisionSettings(), partial(next, map(str, count())))
    for number in range(30):
        recogniser.see(Frame(alone if number < 12 else both, "c", number / FPS), Gallery([], 192))
        if len(recogniser.tracks.active) == 2:
            break
    assert (number - 12) / FPS <= 0.2
    recogniser.see(Frame(np.hstack([np.zeros_like(one), other]), "c", 31 / FPS), Gallery([], 192))
    assert [track.seen_mono == 31 / FPS for track in recogniser.tracks.active] == [False, True]


def test_every_second_sighting_is_the_mirror_image(models, photos):
    given = []

    class Noting:
        spec = models.spec

        def glance(self, faces):
            given.extend(faces)
            return models.embedder.glance(faces)

    recogniser = Recogniser(replace(models, embedder=Noting()), VisionSettings(), partial(next, map(str, count())))
    still = cv2.resize(cv2.imread(str(photos / "obama.jpg")), (HEIGHT, HEIGHT))
    for number in range(4):
        recogniser.see(Frame(still, "c", number / FPS), Gallery([], 192))
    upright, mirrored = given[0].astype(int), given[0][:, ::-1].astype(int)
    nearer_mirrored = [np.abs(one - mirrored).mean() < np.abs(one - upright).mean() for one in given]
    assert nearer_mirrored == [False, True, False, True]


def test_a_face_that_cannot_be_used_is_told_why(walk, models, photos, obama):
    dark = (np.asarray(image * 0.12, np.uint8) for image in footage(
        [Scene(walker_from(photos / "obama2.jpg", models.detector), 4.0)], 5))  # fmt: skip
    outcome = walk("obama2.jpg", frames=dark)
    assert {p.reason for p in outcome.passages} == {Reason.TOO_DARK}
    blurred = (cv2.GaussianBlur(image, (0, 0), 6) for image in footage(
        [Scene(walker_from(photos / "obama2.jpg", models.detector), 4.0)], 5))  # fmt: skip
    assert {p.reason for p in walk("obama2.jpg", frames=blurred).passages} == {Reason.BLURRED}


def test_one_who_looks_once_and_turns_away_hears_an_answer(walk, models, photos):
    frames = list(footage([Scene(walker_from(photos / "obama2.jpg", models.detector), 6.0)], 5))
    dark = (np.asarray(image * (1 if 70 <= number < 76 else 0.12), np.uint8) for number, image in enumerate(frames))
    (passage, *_) = walk("obama2.jpg", frames=dark).passages
    assert passage.reason is Reason.TOO_DARK


def test_two_residents_side_by_side_are_both_recognised(walk, store, models, photos):
    enrol_photos(store, models, "Barack Obama", [photos / "obama.jpg"], consent=NO_PERSON)
    enrol_photos(store, models, "Joe Biden", [photos / "biden.jpg"], consent=NO_PERSON)
    walkers = [walker_from(photos / name, models.detector) for name in ("obama2.jpg", "biden.jpg")]
    left, right = (footage([Scene(walker, 5.0)], 5) for walker in walkers)
    quarter = WIDTH // 4
    both = (np.hstack([a[:, quarter:-quarter], b[:, quarter:-quarter]]) for a, b in zip(left, right, strict=True))
    outcome = walk("both", frames=both, min_eye_distance=24)
    claimed = {p.resident for p in outcome.passages if p.resident}
    assert claimed == {"Barack Obama", "Joe Biden"}
    assert outcome.relay_pulses == 1
    assert [p.kind for p in outcome.passages] == ["granted", "came_along"]


def test_a_claim_the_door_did_not_hear_is_made_again(models, photos, obama, store):
    gallery = judging(store, models).gallery
    recogniser = Recogniser(models, VisionSettings(), partial(next, map(str, count())))
    claims = []
    for number, image in enumerate(footage([Scene(walker_from(photos / "obama2.jpg", models.detector), 4.0)], 5)):
        for claim in recogniser.see(Frame(image, "c", number / FPS), gallery):
            claims.append(claim)
            recogniser.answered(claim, Reason.FAULT if len(claims) < 3 else None)
    assert [claim.resident for claim in claims] == [obama.id] * 3
    assert len({claim.id for claim in claims}) == 3


@pytest.mark.parametrize("held", [Held.SCREEN, Held.SHEET])
def test_a_photo_held_up_opens_nothing_where_liveness_is_asked_for(walk, obama, models, photos, liveness_dir, held):
    walker = walker_from(photos / "obama2.jpg", models.detector)
    attack = list(footage([Scene(None, 0.4), Scene(walker, 4.0, varied=True, held=held)], 5))
    assert any(p.granted for p in walk("obama2.jpg", frames=attack, liveness="off").passages)
    checked = walk("obama2.jpg", frames=attack, liveness_dir=liveness_dir, liveness="standard")
    assert {p.reason for p in checked.passages} == {Reason.NOT_LIVE}
    assert checked.relay_pulses == 0
    lively = walk("obama2.jpg", liveness_dir=liveness_dir, liveness="standard")
    assert lively.relay_pulses == 1


@pytest.mark.parametrize(
    ("lamp", "late_s", "resident", "reason"),
    [
        ("shows them", 0.0, True, None),
        ("shows them", 0.14, True, None),
        ("shows them", 0.5, False, Reason.FAULT),
        ("shows nobody", 0.0, False, Reason.NOT_LIVE),
        ("is out", 0.0, False, Reason.FAULT),
    ],
)
def test_an_infrared_camera_joins_its_evidence(
    obama, models, photos, store, liveness_dir, lamp, late_s, resident, reason
):
    gallery = judging(store, models).gallery
    settings = Settings(vision={"liveness": "standard"})
    checks = open_liveness(liveness_dir, PACKS)
    recogniser = Recogniser(models, settings.vision, partial(next, map(str, count())), checks, infrared=True)
    images = list(footage([Scene(walker_from(photos / "obama2.jpg", models.detector), 4.0)], 5))
    lit = map(grey, images if lamp == "shows them" else footage([Scene(None, 4.0)], 5))
    claims = []
    for number, (image, shown) in enumerate(zip(images, lit, strict=True)):
        beside = Frame(shown, "infrared", number / FPS - late_s) if lamp != "is out" else None
        claims += recogniser.see(Frame(image, "c", number / FPS), gallery, beside)
    assert [(claim.resident == obama.id, claim.reason) for claim in claims][:1] == [(resident, reason)]
    assert resident or all(claim.resident is None for claim in claims)


def test_after_a_failed_check_the_place_is_closed_to_every_face_for_a_while(walk, obama, models, photos, liveness_dir):
    walker = walker_from(photos / "obama2.jpg", models.detector)
    scenes = [Scene(walker, 3.0, varied=True, held=Held.SHEET), Scene(None, 2.5), Scene(walker, 4.0)]
    frames = list(footage(scenes, 5))
    for cooldown_s, pulses in ((60, 0), (1, 1)):
        outcome = walk(
            "obama2.jpg", frames=frames, liveness_dir=liveness_dir, liveness="standard", liveness_cooldown_s=cooldown_s
        )
        assert outcome.relay_pulses == pulses
        assert Reason.NOT_LIVE in {p.reason for p in outcome.passages}


def test_a_camera_of_160_by_120_recognises_whoever_fills_its_picture(walk, obama, models, photos):
    walker = walker_from(photos / "obama2.jpg", models.detector)
    large = list(footage([Scene(walker, 3.0)], 5))
    small = [cv2.resize(image[:, 80:560], (160, 120), interpolation=cv2.INTER_AREA) for image in large]
    assert walk("obama2.jpg", frames=small).passages == [], "whose eyes are so near together is not at the gate"
    assert any(p.granted for p in walk("obama2.jpg", frames=small, min_eye_distance=12).passages)


def test_someone_known_whose_liveness_cannot_be_seen_is_told_so_in_time(walk, obama, models, photos, liveness_dir):
    walker = walker_from(photos / "obama2.jpg", models.detector)
    near = list(footage([Scene(walker, 7.0)], 5))[125:]
    blurred = [cv2.GaussianBlur(image, (0, 0), 5) for image in near * 3]
    outcome = walk("obama2.jpg", frames=near[:4] + blurred, liveness_dir=liveness_dir, liveness="standard")
    assert outcome.relay_pulses == 0
    assert outcome.passages[0].reason is Reason.BLURRED
    assert outcome.passages[0].t <= 5


@pytest.fixture
def shown(photos, models):
    """Frames of somebody's photo, walking up; each picture of them changed."""

    def frames(photo, change, seconds=3.0):
        for image in footage([Scene(walker_from(photos / photo, models.detector), seconds)], 5):
            yield change(image)

    return frames


def upside_down(image):
    return np.ascontiguousarray(image[::-1, ::-1])


def enrolled_as_found(store, models, image):
    """Enrols whatever face is found in a picture, as no enrolment does any more."""
    aligned = align(image, models.detector.detect(image)[0], models.spec)
    vector = models.embedder.embed(aligned[None])[0].astype("<f4").tobytes()
    template = templates.Template(models.model_id, "s", {}, vector)
    return residents.enrol(store, "Joe Biden", None, [template], NO_PERSON)


@pytest.mark.parametrize(
    ("change", "reason"),
    [(upside_down, Reason.NOT_UPRIGHT), (lambda image: 255 - image, Reason.NOT_PLAIN)],
    ids=["upside down", "negative"],
)
def test_a_face_that_is_not_plain_opens_nothing_even_where_such_a_template_is_enrolled(
    walk, shown, store, models, photos, change, reason
):
    enrolled_as_found(store, models, change(cv2.imread(str(photos / "biden.jpg"))))
    outcome = walk("", frames=shown("biden.jpg", change))
    assert outcome.relay_pulses == 0
    assert {passage.reason for passage in outcome.passages} == {reason}


def test_who_holds_a_face_upright_and_then_turns_it_is_not_judged_by_what_is_turned(models, shown):
    settings = VisionSettings(patience=60, patience_s=10)
    recogniser = Recogniser(models, settings, partial(next, map(str, count())))
    pictures = list(shown("obama2.jpg", lambda image: image))[45:75]
    for number, image in enumerate(pictures):
        recogniser.see(Frame(image, "c", number / FPS), Gallery([], 192))
    upright = recogniser.embedded
    for number, image in enumerate(pictures, len(pictures)):
        recogniser.see(Frame(upside_down(image), "c", number / FPS), Gallery([], 192))
    assert upright > 20
    assert recogniser.embedded - upright <= 3
