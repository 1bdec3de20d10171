"""Typed values cross the wire whole, and whatever else was said is refused by one error."""

import json
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, fields

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gate.door.messages import asker, claim_from, lesson_from
from gate.processes.camera_report import TROUBLES, CameraFault, CameraReport, Gives, Trouble
from gate.processes.fields import Malformed, read, written
from gate.processes.peers import Peer
from gate.processes.requests import OF_DOOR, OF_VISION, ClaimReply, Do, Order, Preview, Reply, Report, Taken, asked
from gate.processes.status import DoorStatus, VisionStatus
from gate.processes.wire import decode, encode
from gate.vocabulary import Claim, Kind, Lesson, Reason
from tests.said import door_says, vision_says

SPOKEN = (Claim, ClaimReply, DoorStatus, Lesson, Order, Preview, Reply, Report, Taken, VisionStatus)

anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=8,
)
HALF = "\ud800"
numbers = st.floats(-1e14, 1e14)
texts = st.text(st.characters(exclude_categories=["Cs"]))
values = st.dictionaries(texts, texts | st.integers(-(2**40), 2**40) | numbers, max_size=3)
GAPS = ("host", "port", "scheme", "shown", "transport", "why", "kind", "seconds", "width", "height", "most", "name")
faults = st.builds(
    lambda trouble, said: CameraFault(trouble, dict.fromkeys(GAPS, "x") | said), st.sampled_from(Trouble), values
)
reports = st.builds(
    CameraReport,
    st.none() | st.builds(Gives, st.integers(0, 9999), st.integers(0, 9999), numbers, texts, st.none() | numbers),
    st.none() | faults,
)
spoken = st.one_of(
    st.builds(
        Claim, texts, st.integers(0, 9**9), numbers, st.none() | texts, st.none() | st.sampled_from(Reason),
        st.integers(0, 99), st.none() | numbers,
    ),
    st.builds(Lesson, texts, texts, texts, st.binary(max_size=64), numbers),
    st.builds(Report, st.sampled_from(Kind), texts),
    st.builds(Order, st.none() | texts),
    st.builds(Reply, st.booleans(), st.none() | st.sampled_from(Reason)),
    st.builds(ClaimReply, st.booleans(), st.none() | st.sampled_from(Reason), st.none() | numbers, st.booleans()),
    st.builds(Taken, st.booleans()),
    st.builds(Preview, st.none() | st.binary(max_size=64), st.none() | numbers),
    st.builds(
        door_says, mode=texts, standing=st.lists(texts).map(tuple), reason=st.none() | st.sampled_from(Reason),
        inputs=st.dictionaries(texts, st.booleans()), last_write_age_s=st.none() | numbers,
    ),
    st.builds(
        vision_says, cameras=st.dictionaries(texts, reports, max_size=2),
        nearest=st.none() | st.tuples(numbers, numbers, numbers, numbers),
    ),
)  # fmt: skip


@given(spoken)
def test_what_is_said_is_what_is_heard(value):
    assert read(type(value), decode(encode(written(value)))) == value


@st.composite
def nearly(draw):
    """A message with some fields of something else, some missing, and some that nobody knows."""
    value = draw(spoken)
    message = written(value)
    for name in draw(st.lists(st.sampled_from([field.name for field in fields(value)]))):
        if draw(st.booleans()):
            message[name] = draw(anything)
        else:
            message.pop(name, None)
    return type(value), message | draw(st.dictionaries(texts, anything, max_size=2))


@given(nearly() | st.tuples(st.sampled_from(SPOKEN), anything))
def test_of_any_json_either_the_value_comes_or_the_one_error(said):
    kind, message = said
    with suppress(Malformed):
        value = read(kind, message)
        assert read(kind, json.loads(json.dumps(written(value)))) == value
        # Whatever came through can be told to people.
        for camera in getattr(value, "cameras", {}).values():
            assert camera.sentence


@given(nearly() | st.tuples(st.none(), st.dictionaries(texts, anything)))
def test_the_door_hears_any_json_or_refuses_it_by_the_one_error(said):
    _, message = said
    for heard in (claim_from, lesson_from, lambda one: asker(one, Peer(1, 2)), lambda one: asked(one, OF_DOOR)):
        with suppress(Malformed):
            heard(message)


@given(st.dictionaries(st.just("do") | texts, anything | st.sampled_from(Do)))
def test_only_what_a_process_knows_can_be_asked_of_it(message):
    for known in (OF_DOOR, OF_VISION):
        try:
            assert asked(message, known) in known
        except Malformed:
            assert message.get("do") not in [one.value for one in known]


@pytest.mark.parametrize("kind", SPOKEN)
def test_a_field_of_a_later_version_is_passed_over_and_one_without_default_is_missed(kind):
    required = {
        DoorStatus: (written(door_says()), "pid"), VisionStatus: (written(vision_says()), "last_frame_mono"),
        Claim: (written(Claim("c", 1, 2.0, None, None, 3, None)), "id"),
        Lesson: (written(Lesson("c", "r", "m", b"", 0.5)), "vector"), Report: ({"event": "camera_lost"}, "event"),
        Reply: ({"granted": True}, "granted"), ClaimReply: ({"granted": True}, "granted"),
        Taken: ({"taken": True}, "taken"),
    }  # fmt: skip
    message, missing = required.get(kind, ({}, None))
    assert read(kind, message | {"of_tomorrow": [1]}) == read(kind, message)
    if missing:
        del message[missing]
        with pytest.raises(Malformed, match=f"^{missing} is missing"):
            read(kind, message)


@dataclass(frozen=True)
class Sample:
    number: float = 0.0
    count: int = 0
    text: str = ""
    true: bool = False
    raw: bytes = b""
    several: tuple[int, ...] = ()
    pair: tuple[int, int] = (0, 0)


@pytest.mark.parametrize(
    "wrong",
    [
        {"number": True}, {"number": "1"}, {"number": 10**20}, {"number": None}, {"count": 1.0}, {"count": False},
        {"text": 1}, {"text": None}, {"true": 1}, {"raw": "ä"}, {"raw": 7}, {"several": 1}, {"several": ["1"]},
        {"pair": [1]},
    ],
    ids=str,
)  # fmt: skip
def test_a_field_of_another_kind_is_refused_by_its_name(wrong):
    (name,) = wrong
    with pytest.raises(Malformed, match=f"^{name} is "):
        read(Sample, wrong)


def test_a_whole_number_is_a_number_and_a_picture_comes_back_as_bytes():
    assert read(Sample, {"number": 1, "raw": "AAE=", "several": [1, 2]}) == Sample(1.0, raw=b"\0\1", several=(1, 2))


def test_each_trouble_fills_its_sentence_or_is_refused():
    for trouble, sentence in TROUBLES.items():
        if "{" in sentence:
            with pytest.raises(Malformed):
                read(CameraFault, {"trouble": trouble.value, "values": {}})


@dataclass(frozen=True)
class Named:
    """A text, and texts by their names."""

    name: str
    others: Mapping[str, str]


@pytest.mark.parametrize(
    "said", [{"name": HALF, "others": {}}, {"name": "x", "others": {"x": HALF}}, {"name": "x", "others": {HALF: "x"}}]
)
def test_half_a_pair_of_surrogates_is_no_text(said):
    """It comes through JSON, and no file and no database takes it."""
    with pytest.raises(Malformed):
        read(Named, json.loads(json.dumps(said)))
