import numpy as np
import pytest

from gate.errors import Refusal
from gate.store.people import residents
from gate.store.people.consents import NO_PERSON
from gate.store.people.residents import MAX_TEMPLATES, Template
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
    assert residents.templates_of(store, resident.id)[0]["source"] == "photo a.jpg"


def test_a_person_holds_at_most_eight_templates_and_a_ninth_changes_nothing(store):
    resident = residents.enrol(store, "A", None, [template()] * MAX_TEMPLATES, NO_PERSON)
    with pytest.raises(Refusal, match="9 templates"):
        residents.enrol(store, "A", None, [template()], NO_PERSON, to=resident.id)
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


def test_erasing_leaves_neither_name_nor_template_in_any_file(store, state):
    resident = residents.enrol(store, "Wang Fang Unmistakable", None, [template()], NO_PERSON)
    everything = b"".join(path.read_bytes() for path in state.rglob("*") if path.is_file())
    assert MARK in everything
    residents.remove(store, resident, by="test")
    everything = b"".join(path.read_bytes() for path in state.rglob("*") if path.is_file())
    assert MARK not in everything
    assert b"Unmistakable" not in everything
    assert resident.id.encode() not in everything
    assert residents.every(store) == []
    assert audit.verify(store) is None
    assert [line.kind for line in audit.lines(store)] == ["enrolled", "erased"]


def test_a_number_is_never_given_twice(store):
    first = residents.enrol(store, "A", None, [])
    residents.remove(store, first, by="test")
    assert residents.enrol(store, "B", None, []).number > first.number


def test_adding_to_someone_removed_meanwhile_is_refused(store):
    with pytest.raises(Exception, match="removed|FOREIGN KEY"):
        residents.enrol(store, "A", None, [template()], NO_PERSON, to="gone")
    assert residents.every(store) == []


def test_nothing_is_added_to_nobody(store):
    with pytest.raises(Refusal, match="was removed in the meantime"):
        residents.enrol(store, "A", None, [], to="gone")
    assert audit.anchor(store) is None
