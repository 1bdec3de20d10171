"""Who comes is looked at on their way, so that liveness does not let them wait when they are near."""

from functools import partial
from itertools import count

import pytest

from evaluate.demo.walkup import FPS, Held, Scene, footage, walker_from
from gate.store.people.consents import NO_PERSON
from gate.vision.gallery import judging
from gate.vision.recogniser import Recogniser
from gate.vision.settings import VisionSettings
from gate.vocabulary import Frame, Reason
from tests.enrolling import enrol_photos

SEED = 5


@pytest.fixture
def walks(models, photos):
    """Somebody walks up, themselves or held up by somebody, after an empty gateway."""

    def frames(photo, held=None):
        scene = Scene(walker_from(photos / photo, models.detector), 4.0, held=held)
        return list(footage([Scene(None, 0.4), scene], SEED))

    return frames


@pytest.fixture
def first_claim(models, store, photos):
    """The first claim of a gate that knows Barack Obama, with what liveness its settings ask for."""
    enrol_photos(store, models, "Barack Obama", [photos / "obama.jpg"], consent=NO_PERSON)
    gallery = judging(store, models).gallery

    def watched(frames, **vision):
        recogniser = Recogniser(models, VisionSettings(**vision), partial(next, map(str, count())))
        seen = (recogniser.see(Frame(image, "c", number / FPS), gallery) for number, image in enumerate(frames))
        return next(claims[0] for claims in seen if claims)

    return watched


def test_whoever_walks_up_is_let_in_no_later_for_liveness_and_whoever_stands_there_at_once_is_looked_at(
    first_claim, walks
):
    comes = walks("obama2.jpg")
    assert first_claim(comes).resident is not None
    assert first_claim(comes).taken_mono == first_claim(comes, liveness="off").taken_mono
    appears = comes[45:]
    assert first_claim(appears, liveness="off").taken_mono < 0.2
    assert first_claim(appears).taken_mono >= 0.8


@pytest.mark.parametrize("held", list(Held))
def test_what_is_raised_at_the_last_moment_is_not_let_in_by_the_face_before_it(first_claim, walks, held):
    comes, raised = walks("biden.jpg"), walks("obama2.jpg", held)
    # Before the first of the pictures by which it would be let in.
    near = round(first_claim(raised, liveness="off").taken_mono * FPS) - 3
    told = first_claim(comes[:near] + raised[near:])
    assert (told.resident, told.reason) == (None, Reason.NOT_LIVE)
