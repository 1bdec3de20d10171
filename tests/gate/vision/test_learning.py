"""From the camera to the resident's templates: a passage teaches a gate that was told to learn, and no other."""

import numpy as np
import pytest

from enroll.consent import agreed
from gate.store.database import transaction
from gate.store.people import erasure, templates
from gate.store.people.consents import Way
from gate.store.people.learned import learn as learn_from
from gate.store.record.audit import Moment
from gate.vocabulary import Lesson
from tests.enrolling import enrol_photos
from tests.running import gate_running, of_kind, wait_for

pytestmark = pytest.mark.whole


@pytest.mark.parametrize("learn", [True, False])
def test_a_passage_teaches_where_that_is_configured(models_dir, models, photos, state, store, walk_ups, learn):
    consent = agreed(Way.PAPER).recorded("uid 1")
    enrol_photos(store, models, "Barack Obama", [photos / "obama.jpg"], consent=consent)
    with gate_running(models_dir, state, walk_ups, FACEGATE_DOOR__LEARN_FACES=str(learn)):
        granted = wait_for(lambda: of_kind(store, "granted"), 30, "nobody was let in")
        wait_for(lambda: of_kind(store, "passage"), 10, "the passage was not told")
        if learn:
            (line,) = wait_for(lambda: of_kind(store, "template_learned"), 10, "nothing was learned")
            assert line.details["claim"] == granted[0].details["claim"]
    enrolled, *others = (np.frombuffer(row[2], "<f4") for row in templates.vectors(store, models.model_id))
    assert len(others) == (1 if learn else 0)
    assert all(float(enrolled @ other) > 0.5 for other in others)


def test_what_was_learned_has_no_say_in_what_is_learned_next(models_dir, models, photos, state, store, walk_ups):
    consent = agreed(Way.PAPER).recorded("uid 1")
    biden = enrol_photos(store, models, "Joe Biden", [photos / "biden.jpg"], consent=consent).resident
    obama = enrol_photos(store, models, "Barack Obama", [photos / "obama.jpg"], consent=consent).resident
    ((_, _, vector),) = templates.enrolled_vectors(store, models.model_id, obama.id)
    erasure.remove(store, obama, by="test")
    for day in (0, 8):
        with transaction(store):
            lesson = Lesson(f"poison {day}", biden.id, models.model_id, vector, 0.9)
            assert learn_from(store, lesson, Moment(1.0, 1_700_000_000.0 + 86400 * day, clock_trusted=True))
    with gate_running(models_dir, state, walk_ups, FACEGATE_DOOR__LEARN_FACES="true"):
        (line, *_) = wait_for(lambda: of_kind(store, "granted"), 30, "nobody was let in")
        wait_for(lambda: of_kind(store, "passage"), 10, "the passage was not told")
    assert line.personal["name"] == "Joe Biden", "what was learned decides who is let in"
    assert [one.details["claim"] for one in of_kind(store, "template_learned")] == ["poison 0", "poison 8"]
