from contextlib import closing

import numpy as np
import pytest

from gate.errors import Refusal
from gate.store.database import open_read_only
from gate.store.people import corrections, erasure, residents
from gate.store.people.consents import NO_PERSON
from gate.store.people.templates import Template
from gate.store.record import audit
from gate.vision.evidence import Rule, weigh
from gate.vision.gallery import LiveGallery
from gate.vocabulary import AuditEvent, Reason, Sighting

AXES = np.eye(8, dtype=np.float32)
# One that asks for nothing but the score itself.
RULE = Rule(centre=0.0, spread=0.1, within=0.0, within_s=0.1, deviate=-9.0, floor=0.5, margin=0.0, lookalike=2.0,
            frames=1, patience=2, patience_s=0.0)  # fmt: skip


@pytest.fixture
def resident(store):
    return residents.enrol(store, "Wang Fang", "3-1204", [Template("m", "s", {}, AXES[0].tobytes())], NO_PERSON)


@pytest.fixture
def live(state, resident):
    """The gallery as vision follows it, by a connection of its own."""
    with closing(open_read_only(state)) as reader:
        yield LiveGallery(reader, "m", 8)


def opened(store, resident, similarity=0.6):
    details = {"method": "face", "claim": "c", "similarity": similarity}
    return audit.append(
        store, AuditEvent("granted", details, {"resident": resident.id, "name": resident.name}, resident.id)
    )


def believed(gallery, score):
    probe = np.float32(score) * AXES[0] + np.float32(np.sqrt(1 - score**2)) * AXES[1]
    candidates = gallery.search(probe)
    belief = weigh([Sighting(0.0, probe), Sighting(0.1, probe)], candidates, -1.0, RULE)
    assert belief is not None
    return belief


def test_whoever_was_taken_for_a_resident_is_not_again_and_the_resident_is(store, resident, live):
    assert believed(live.gallery, 0.6).resident == resident.id
    corrections.correct(store, resident, opened(store, resident, 0.6), by="manager")
    assert live.refresh()
    assert believed(live.gallery, 0.62).reason is Reason.UNKNOWN
    assert believed(live.gallery, 0.7).resident == resident.id
    (line,) = [line for line in audit.lines(store) if line.kind == "corrected"]
    assert line.personal["name"] == "Wang Fang"
    assert line.details["by"] == "manager"


def test_it_is_taken_back_for_that_opening_alone(store, resident, live):
    first, second = opened(store, resident, 0.55), opened(store, resident, 0.7)
    for event in (first, second):
        corrections.correct(store, resident, event, by="manager")
    corrections.take_back(store, resident, second, by="manager")
    assert live.refresh()
    assert believed(live.gallery, 0.58).reason is Reason.UNKNOWN
    assert believed(live.gallery, 0.65).resident == resident.id
    assert [one.event for one in corrections.of(store, resident.id)] == [first]
    with pytest.raises(Refusal):
        corrections.take_back(store, resident, second, by="manager")
    assert audit.verify(store) is None


def test_only_an_opening_by_face_is_corrected_and_only_once(store, resident):
    command = audit.append(store, AuditEvent("granted", {"method": "command", "claim": "c"}))
    refused = audit.append(store, AuditEvent("denied", {"method": "face", "reason": "unknown"}))
    for event in (command, refused, "nothing"):
        with pytest.raises(Refusal, match="not an opening by their face"):
            corrections.correct(store, resident, event, by="manager")
    event = opened(store, resident)
    other = residents.enrol(store, "Zhao Lei", None, [])
    with pytest.raises(Refusal, match="not an opening by their face"):
        corrections.correct(store, other, event, by="manager")
    corrections.correct(store, resident, event, by="manager")
    with pytest.raises(Refusal, match="was not corrected"):
        corrections.take_back(store, other, event, by="manager")
    with pytest.raises(Refusal, match="already"):
        corrections.correct(store, resident, event, by="manager")


@pytest.mark.parametrize("end", [erasure.remove, erasure.withdraw])
def test_nothing_of_it_outlasts_the_face(store, resident, end):
    event = opened(store, resident)
    corrections.correct(store, resident, event, by="manager")
    end(store, resident, by="manager")
    assert corrections.at_least(store) == {}
    with pytest.raises(Refusal):
        corrections.correct(store, resident, event, by="manager")
