import numpy as np
import pytest

from gate.errors import Refusal
from gate.store.people import erasure, residents, templates
from gate.store.people.consents import NO_PERSON
from gate.store.people.templates import MAX_TEMPLATES, Template
from gate.store.record import audit

MARK = np.random.default_rng(3).normal(size=64).astype("<f4").tobytes()


def template(vector: bytes = MARK) -> Template:
    return Template("m", "photo a.jpg", {"light": 100.0}, vector)


def test_enrolling_is_on_record_with_the_name_as_a_personal_field(store):
    resident = residents.enrol(store, "Wang Fang", "3-1204", [template()], NO_PERSON)
    (line,) = audit.lines(store)
    agreed = {"consent": "no person", "language": "en", "way": "none"}
    assert (line.kind, line.details) == ("enrolled", {"templates": 1} | agreed)
    assert line.personal == {"resident": resident.id, "name": "Wang Fang", "unit": "3-1204"}
    assert templates.of(store, resident.id)[0].source == "photo a.jpg"


def test_a_person_holds_at_most_eight_templates_and_a_ninth_changes_nothing(store):
    resident = residents.enrol(store, "A", None, [template()] * MAX_TEMPLATES, NO_PERSON)
    with pytest.raises(Refusal, match="9 templates"):
        residents.add_templates(store, resident, [template()], NO_PERSON)
    assert residents.get(store, resident.id).templates == MAX_TEMPLATES
    assert audit.anchor(store).sequence == 1


def test_finding_needs_exactly_one(store):
    with pytest.raises(Refusal, match="No resident"):
        residents.find(store, "A")
    first = residents.enrol(store, "A", "1", [])
    assert residents.find(store, "A") == first
    second = residents.enrol(store, "A", "2", [])
    with pytest.raises(Refusal, match=second.id):
        residents.find(store, "A")
    assert residents.find(store, second.id) == second


def test_a_number_is_never_given_twice(store):
    first = residents.enrol(store, "A", None, [])
    erasure.remove(store, first, by="test")
    assert residents.enrol(store, "B", None, []).number > first.number


@pytest.mark.parametrize("made", [[template()], []])
def test_adding_to_someone_removed_meanwhile_is_refused_and_leaves_nothing(store, made):
    gone = residents.enrol(store, "A", None, [])
    erasure.remove(store, gone, by="test")
    lines = audit.anchor(store)
    with pytest.raises(Refusal, match="A was removed in the meantime"):
        residents.add_templates(store, gone, made, NO_PERSON)
    assert residents.every(store) == []
    assert audit.anchor(store) == lines
