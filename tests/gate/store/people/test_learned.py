"""What a passage adds to a resident's templates: few, seldom, agreed to, and gone as soon as one is in doubt."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from enroll.consent import agreed
from gate.errors import Refusal
from gate.store.database import transaction
from gate.store.people import corrections, erasure, learned, residents, templates
from gate.store.people.consents import Consent, Way
from gate.store.people.templates import MAX_TEMPLATES, Template
from gate.store.record import audit
from gate.store.record.audit import Moment
from gate.vocabulary import AuditEvent, Lesson

VECTOR = np.eye(8, dtype="<f4")[0].tobytes()
AGREED = agreed(Way.PAPER).recorded("uid 1")
BEGAN = datetime(2026, 3, 1, 8, tzinfo=UTC)


@pytest.fixture
def resident(store):
    return residents.enrol(store, "Wang Fang", None, [Template("m", "photo a.jpg", {}, VECTOR)], AGREED)


@pytest.fixture
def lesson(resident):
    return Lesson("claim-1", resident.id, "m", VECTOR, 0.71)


def learn(store, lesson, days=0.0):
    moment = Moment(1.0, (BEGAN + timedelta(days=days)).timestamp(), clock_trusted=False)
    with transaction(store):
        return learned.learn(store, lesson, moment)


def sources(store, resident):
    return [one.learned_from for one in templates.of(store, resident.id)]


def test_a_passage_adds_one_with_its_provenance(store, resident, lesson):
    assert learn(store, lesson)
    assert sources(store, resident) == [None, "claim-1"]
    (line,) = [line for line in audit.lines(store) if line.kind == "template_learned"]
    assert line.details == {"claim": "claim-1", "similarity": 0.71}
    assert line.personal["name"] == "Wang Fang"
    assert audit.verify(store) is None


def test_what_the_second_look_saw_comes_with_it_and_never_one_that_cannot_be_compared(store, resident, lesson):
    again = replace(lesson, second_model="n", second_vector=np.eye(4, dtype="<f4")[1].tobytes())
    assert learn(store, again)
    ((_, identity, vector),) = templates.vectors(store, "n")
    assert (identity, vector) == (resident.id, again.second_vector)
    photo = Template("m", "photo b.jpg", {}, VECTOR, "n", np.eye(5, dtype="<f4")[1].tobytes())
    residents.add_templates(store, resident, [photo], AGREED)
    assert not learn(store, replace(again, claim="claim-2"), days=8)
    assert learn(store, replace(again, claim="claim-2", second_vector=photo.second_vector), days=8)


def test_they_are_few_and_seldom_and_the_oldest_gives_way(store, resident, lesson):
    taken = [number for number in range(30) if learn(store, replace(lesson, claim=f"claim-{number}"), days=number)]
    assert taken == [0, 7, 14, 21, 28]
    assert sources(store, resident) == [None, "claim-21", "claim-28"]
    assert not learn(store, lesson, days=27), "a clock that was put back brings no more of them"


def test_nothing_is_learned_of_whoever_did_not_agree_to_that(store, resident, lesson):
    before = Consent("face-1", "en", "", Way.PAPER, "uid 1")
    other = residents.enrol(store, "Zhao Lei", None, [Template("m", "s", {}, VECTOR)], before)
    assert not learn(store, replace(lesson, resident=other.id))
    residents.add_templates(store, other, [], AGREED)
    assert learn(store, replace(lesson, resident=other.id))
    erasure.withdraw(store, resident, by="manager")
    assert not learn(store, lesson)


@pytest.mark.parametrize(
    "changes",
    [{"resident": "nobody"}, {"model": "another"}, {"vector": VECTOR[:16]}],
)
def test_nothing_is_learned_that_does_not_belong_to_an_enrolment(store, resident, lesson, changes):
    assert not learn(store, replace(lesson, **changes))
    assert sources(store, resident) == [None]


def test_one_is_erased_alone_and_only_by_its_own_resident(store, resident, lesson):
    learn(store, lesson)
    _, one = templates.of(store, resident.id)
    other = residents.enrol(store, "Zhao Lei", None, [])
    with pytest.raises(Refusal, match="no such template"):
        erasure.remove_template(store, other, one.id, by="manager")
    erasure.remove_template(store, resident, one.id, by="manager")
    assert sources(store, resident) == [None]
    (line,) = [line for line in audit.lines(store) if line.kind == "template_removed"]
    assert line.details == {"by": "manager", "claim": "claim-1"}


def test_an_opening_that_was_somebody_else_takes_all_of_it_away_and_ends_it(store, resident, lesson):
    learn(store, lesson)
    personal = {"resident": resident.id, "name": resident.name}
    opened = AuditEvent("granted", {"method": "face", "claim": "c", "similarity": 0.6}, personal, resident.id)
    corrections.correct(store, resident, audit.append(store, opened), by="manager")
    assert sources(store, resident) == [None]
    assert not learn(store, lesson, days=60)


def test_what_was_learned_takes_no_photo_its_place(store, resident, lesson):
    learn(store, lesson)
    photos = [Template("m", "s", {}, VECTOR)] * (MAX_TEMPLATES - 1)
    assert residents.add_templates(store, resident, photos).templates == MAX_TEMPLATES + 1
    with pytest.raises(Refusal, match="is the most"):
        residents.add_templates(store, resident, photos[:1])
