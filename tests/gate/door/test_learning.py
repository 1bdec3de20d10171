"""A lesson is kept once its resident has passed, in whatever order the door hears of it; and over the real socket."""

import base64
from dataclasses import replace

import numpy as np
import pytest

from enroll.consent import agreed
from gate.door.learning import Lessons
from gate.store.people import residents, templates
from gate.store.people.consents import Way
from gate.store.people.templates import Template
from gate.vocabulary import AuditEvent, Lesson
from tests.door import CONTACT, claim, door_process, drive, events, until

UNIT = np.eye(8, dtype="<f4")[0]
LESSON = Lesson("c1", "r1", "m", UNIT.tobytes(), 0.7)
GRANTED = AuditEvent("granted", {"method": "face", "claim": "c1"}, {}, "r1")


def passage(outcome, grant="c1"):
    return AuditEvent("passage", {"grant": grant, "outcome": outcome})


@pytest.mark.parametrize(
    ("outcome", "tellable", "kept"),
    [
        ("taken", True, [LESSON]),
        ("unknown", True, []),
        ("not_taken", True, []),
        ("unknown", False, [LESSON]),
        ("not_taken", False, []),
    ],
)
def test_it_is_kept_of_whoever_passed_and_where_nothing_can_tell(outcome, tellable, kept):
    for passes_first in (True, False):
        taken = []
        lessons = Lessons(taken.append, tellable=tellable)
        lessons.follow(GRANTED)
        steps = [lambda: lessons.follow(passage(outcome)), lambda: lessons.hear(LESSON)]  # noqa: B023 - called within the turn
        for step in steps if passes_first else reversed(steps):
            assert taken == []
            step()
        assert taken == kept


def test_what_was_not_asked_for_is_not_taken():
    taken = []
    lessons = Lessons(taken.append, tellable=True)
    assert not lessons.hear(LESSON), "nobody was let in"
    lessons.follow(AuditEvent("granted", {"method": "command", "claim": "c1"}))
    assert not lessons.hear(LESSON), "a person opened"
    lessons.follow(AuditEvent("denied", {"method": "face", "claim": "c1"}, {}, "r1"))
    assert not lessons.hear(LESSON), "it was refused"
    lessons.follow(GRANTED)
    assert not lessons.hear(replace(LESSON, resident="r2")), "it was somebody else"
    assert lessons.hear(LESSON)
    assert not lessons.hear(LESSON), "once"
    lessons.follow(passage("taken"))
    lessons.follow(passage("taken"))
    assert taken == [LESSON]


def test_grants_whose_passage_is_never_told_do_not_pile_up():
    taken = []
    lessons = Lessons(taken.append, tellable=True)
    for number in range(1000):
        lessons.follow(replace(GRANTED, details={"method": "face", "claim": f"c{number}"}))
    assert not lessons.hear(replace(LESSON, claim="c0"))
    assert lessons.hear(replace(LESSON, claim="c999"))


@pytest.fixture
def resident(store):
    consent = agreed(Way.PAPER).recorded("uid 1")
    return residents.enrol(store, "Wang Fang", None, [Template("m", "s", {}, UNIT.tobytes())], consent)


def lesson(resident, **changes):
    vector = base64.b64encode(UNIT.tobytes()).decode()
    return {"do": "learn", "claim": "c1", "resident": resident.id, "model": "m", "vector": vector,
            "similarity": 0.7} | changes  # fmt: skip


def learned(state):
    return [line.details["claim"] for line in events(state) if line.kind == "template_learned"]


def pass_through(state, client):
    drive(state, CONTACT, 1)
    until(client, leaf="open")
    drive(state, CONTACT, 0)
    until(client, leaf="shut", mode="normal")


@pytest.mark.parametrize("passes", [True, False])
def test_the_door_learns_from_whoever_passed(state, resident, store, passes):
    with door_process(state, learn_faces=True, contact_pin=CONTACT, open_grace_s=0.1) as (_, client):
        drive(state, CONTACT, 0)
        until(client, leaf="shut")
        assert client.ask(claim(resident.id))["learn"]
        assert client.ask(lesson(resident)) == {"taken": True}
        if passes:
            pass_through(state, client)
        until(client, mode="normal")
    assert learned(state) == (["c1"] if passes else [])
    assert len(templates.of(store, resident.id)) == (2 if passes else 1)


def test_a_door_that_was_not_told_to_learn_does_not(state, resident):
    with door_process(state) as (_, client):
        assert not client.ask(claim(resident.id))["learn"]
        assert client.ask(lesson(resident)) == {"taken": False}
    assert learned(state) == []


@pytest.mark.parametrize(
    "changes",
    [
        {"vector": "not base64!"},
        {"vector": None},
        {"vector": base64.b64encode(b"abc").decode()},
        {"vector": base64.b64encode((2 * UNIT).tobytes()).decode()},
        {"vector": base64.b64encode((np.nan * UNIT).tobytes()).decode()},
        {"second_model": "n"},
        {"second_vector": base64.b64encode(UNIT.tobytes()).decode()},
        {"second_model": "n", "second_vector": base64.b64encode((2 * UNIT).tobytes()).decode()},
        {"similarity": "high"},
        {"model": ""},
        {"claim": 7},
    ],
)
def test_a_lesson_that_will_not_do_is_refused_on_record(state, resident, changes):
    with door_process(state, learn_faces=True) as (_, client):
        client.ask(claim(resident.id))
        assert client.ask(lesson(resident, **changes)) == {"granted": False, "reason": "malformed"}
    assert learned(state) == []
    assert [line.details["reason"] for line in events(state) if line.kind == "denied"] == ["malformed"]
