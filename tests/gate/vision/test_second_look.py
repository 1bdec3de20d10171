"""Whoever the first model does not let in is looked at by the second, and nobody else."""

from dataclasses import replace
from functools import partial
from itertools import count

import numpy as np
import pytest

from enroll.consent import agreed
from evaluate.demo.walkup import FPS, Scene, footage, walker_from
from gate.config import Settings
from gate.replay import replay
from gate.store.database import transaction
from gate.store.people import learned, residents, templates
from gate.store.people.consents import NO_PERSON, Way
from gate.store.record.audit import Moment
from gate.vision.gallery import judging, judging_again
from gate.vision.learning import lesson_of
from gate.vision.promise import LEARNED_SELDOMER, SECOND_SHARE, Promise, deviate
from gate.vision.recogniser import Recogniser
from gate.vision.settings import VisionSettings
from gate.vocabulary import Frame, Reason
from tests.enrolling import enrol_photos

pytestmark = pytest.mark.whole

# So much is asked of the first look that this man's other photo does not suffice for it, and does for the second.
STRICT = {"promise": {"years": 100, "strangers_a_day": 10_000}}


class Counting:
    """An embedder that counts the faces it is given."""

    def __init__(self, embedder):
        self.spec, self.faces, self._embedder = embedder.spec, 0, embedder

    def embed(self, faces):
        return self._embedder.embed(faces)

    def glance(self, faces):
        self.faces += len(faces)
        return self._embedder.glance(faces)


@pytest.fixture
def looked(models):
    """The models, with a count of the faces that were looked at a second time."""
    return replace(models, second=replace(models.second, embedder=Counting(models.second.embedder)))


@pytest.fixture
def walk(looked, photos, store):
    """Somebody's walk-up, judged by both looks."""

    def run(photo, **vision):
        frames = footage([Scene(None, 0.4), Scene(walker_from(photos / photo, looked.detector), 4.0)], 5)
        stream = ((number / FPS, image) for number, image in enumerate(frames))
        found, again = judging(store, looked).gallery, judging_again(store, looked)
        return replay(
            stream, looked, found, partial(residents.get, store), Settings(vision=vision), photo, again=again.gallery
        )

    return run


@pytest.fixture
def obama(store, models, photos):
    return enrol_photos(store, models, "Barack Obama", [photos / "obama.jpg"], consent=NO_PERSON).resident


def test_whoever_the_first_look_does_not_let_in_is_let_in_by_the_second(walk, obama, looked):
    assert not any(one.granted for one in walk("obama2.jpg", second_look=False, **STRICT).passages)
    assert looked.second.embedder.faces == 0
    outcome = walk("obama2.jpg", **STRICT)
    (passage,) = outcome.passages
    assert (passage.granted, passage.resident) == (True, "Barack Obama")
    assert 3 <= looked.second.embedder.faces <= 6


def test_a_good_face_pays_nothing_for_it(walk, obama, looked):
    (passage,) = walk("obama.jpg").passages
    assert passage.granted
    assert looked.second.embedder.faces == 0


def test_a_stranger_is_looked_at_again_and_stays_unknown(walk, obama, looked):
    passages = walk("biden.jpg").passages
    assert {(one.granted, one.reason) for one in passages} == {(False, Reason.UNKNOWN)}
    assert looked.second.embedder.faces > 0


def test_who_was_enrolled_before_there_was_a_second_look_goes_by_the_first_as_they_did(walk, store, models, photos):
    before = replace(models, second=None)
    enrol_photos(store, before, "Barack Obama", [photos / "obama.jpg"], consent=NO_PERSON)
    assert list(templates.vectors(store, models.second.model_id)) == []
    alone = walk("obama3.jpg", second_look=False).passages
    both = walk("obama3.jpg").passages
    assert [(one.granted, one.t) for one in both] == [(one.granted, one.t) for one in alone]
    assert alone[0].granted


def test_the_record_has_one_scale_and_a_correction_holds_for_both_looks(walk, obama, store, models):
    (passage,) = walk("obama2.jpg", **STRICT).passages
    assert passage.similarity <= 1
    again = judging_again(store, models)
    number = next(number for number, identity, _ in templates.vectors(store, models.model_id) if identity == obama.id)
    store.execute(
        "INSERT INTO corrections (event_id, resident_id, similarity, at) VALUES ('e', ?, ?, '2026-01-01')",
        (obama.id, passage.similarity),
    )
    again.refresh()
    first, second = models.calibration.strangers, models.second.calibration.strangers
    above = (passage.similarity + 0.05 - first.centre) / first.spread
    assert again.gallery.at_least[number] == pytest.approx(second.centre + above * second.spread)
    assert not any(one.granted for one in walk("obama2.jpg", **STRICT).passages)


def test_both_looks_are_enrolled_and_erased_together(store, models, obama):
    for model in (models.model_id, models.second.model_id):
        ((_, identity, vector),) = templates.vectors(store, model)
        assert identity == obama.id
        assert np.linalg.norm(np.frombuffer(vector, "<f4")) == pytest.approx(1, abs=1e-5)
    assert templates.counts_by_first(store, models.model_id, models.second.model_id) == []
    assert residents.get(store, obama.id).templates == 1


@pytest.fixture
def taught(models, photos, store):
    """What each opening of somebody's walk-up teaches."""

    def run(photo, **vision):
        found, again = judging(store, models).gallery, judging_again(store, models).gallery
        recogniser = Recogniser(models, VisionSettings(**vision), partial(next, map(str, count())))
        lessons = []
        for number, image in enumerate(footage([Scene(walker_from(photos / photo, models.detector), 3.0)], 5)):
            for claim in recogniser.see(Frame(image, "c", number / FPS), found, again=again):
                if claim.resident is not None:
                    sample = recogniser.sample(claim, found, again)
                    lessons.append((sample, sample and lesson_of(store, models, claim.id, claim.resident, sample)))
        return lessons

    return run


def test_who_was_enrolled_for_the_first_look_alone_learns_the_second_from_a_passage(taught, store, models, photos):
    before = replace(models, second=None)
    enrolled = enrol_photos(
        store, before, "Barack Obama", [photos / "obama.jpg"], consent=agreed(Way.PAPER).recorded("uid 1")
    ).resident
    ((sample, lesson),) = taught("obama3.jpg")
    assert sample.second_at_least is None
    assert lesson.second_model == models.second.model_id
    with transaction(store):
        assert learned.learn(store, lesson, Moment(1.0, 1_800_000_000.0, clock_trusted=True))
    assert templates.counts_by_first(store, models.model_id, models.second.model_id) == []
    assert judging_again(store, models).gallery.knows(enrolled.id)
    # What was learned has no say: the first look goes on deciding what is learned next.
    ((_, lesson),) = taught("obama3.jpg")
    assert lesson is not None


def test_of_whom_the_second_look_knows_it_decides_what_is_learned(taught, obama, models):
    ((sample, lesson),) = taught("obama2.jpg", promise={"years": 1, "strangers_a_day": 2000})
    assert lesson.similarity <= 1
    strangers = models.second.calibration.strangers
    rate = SECOND_SHARE * Promise(1, 2000).rate(1) / LEARNED_SELDOMER
    assert sample.second_at_least == pytest.approx(strangers.centre + deviate(rate) * strangers.spread, abs=0.02)
