"""What is erased is in no file any more, and the record says so and verifies."""

from gate.store.people import erasure, residents
from gate.store.people.consents import NO_PERSON
from gate.store.people.templates import Template
from gate.store.record import audit

MARK = bytes(range(256))


def test_erasing_leaves_neither_name_nor_template_in_any_file(store, state):
    template = Template("m", "photo a.jpg", {}, MARK)
    resident = residents.enrol(store, "Wang Fang Unmistakable", None, [template], NO_PERSON)
    everything = b"".join(path.read_bytes() for path in state.rglob("*") if path.is_file())
    assert MARK in everything
    erasure.remove(store, resident, by="test")
    everything = b"".join(path.read_bytes() for path in state.rglob("*") if path.is_file())
    assert MARK not in everything
    assert b"Unmistakable" not in everything
    assert resident.id.encode() not in everything
    assert residents.every(store) == []
    assert audit.verify(store) is None
    assert [line.kind for line in audit.lines(store)] == ["enrolled", "erased"]
