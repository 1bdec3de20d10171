"""What the centre asks of a gate's camera: believed of the centre alone, for this gate alone, once, and while it is
new."""

from dataclasses import replace

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from gate.fleet import keys, messages
from gate.fleet.cameras import (
    MOST_ANSWERED,
    MOST_ASKED,
    Alike,
    Answer,
    Asked,
    Asks,
    Not,
    Photographed,
    Question,
    SentTemplate,
)
from gate.fleet.envelopes import NotGenuine
from gate.processes.fields import read, written
from gate.processes.wire import MAX_ANSWER, MAX_MESSAGE, MAX_PICTURE, encode

CENTRE, GATE, OTHER = (Ed25519PrivateKey.generate() for _ in range(3))
CENTRE_BOX, GATE_BOX, OTHER_BOX = (keys.new_seed() for _ in range(3))
QUESTION = Question(Asks.LOOK, "user 7", "李娜" * 50, "k" * 64, 3, "r" * 64)
FACE = Photographed(1, b"j" * 8000, SentTemplate("m", "{}", b"v" * 2048, "n", b"w" * 2048), (Alike("r1", "same"),) * 8)
ANSWER = Answer(key="k", prompt="hold", left_s=1.5, missing=2, photos=(FACE,) * 3, age_s=0.2)


def test_a_question_is_the_centres_and_opens_at_its_gate_alone():
    looking = messages.Looking("g1", 7, b"n" * 16, QUESTION)
    data = messages.LOOKING.data(looking, keys.box_public(GATE_BOX), CENTRE)
    assert messages.LOOKING.of(data, GATE_BOX, CENTRE.public_key()) == looking
    assert "李娜".encode() not in data
    with pytest.raises(keys.NotForUs):
        messages.LOOKING.of(data, OTHER_BOX, CENTRE.public_key())
    with pytest.raises(NotGenuine):
        messages.LOOKING.of(
            messages.LOOKING.data(looking, keys.box_public(GATE_BOX), OTHER), GATE_BOX, CENTRE.public_key()
        )


def test_an_answer_is_the_gates_and_no_question_passes_for_one():
    looked = messages.Looked("g1", b"n" * 16, ANSWER)
    data = messages.LOOKED.data(looked, keys.box_public(CENTRE_BOX), GATE)
    assert messages.LOOKED.of(data, CENTRE_BOX, GATE.public_key()) == looked
    with pytest.raises(NotGenuine):
        messages.LOOKED.of(
            messages.LOOKED.data(looked, keys.box_public(CENTRE_BOX), OTHER), CENTRE_BOX, GATE.public_key()
        )
    asked = messages.LOOKING.data(messages.Looking("g1", 7, b"n" * 16, QUESTION), keys.box_public(CENTRE_BOX), GATE)
    with pytest.raises(NotGenuine):
        messages.LOOKED.of(asked, CENTRE_BOX, GATE.public_key())


def test_the_longest_have_room_on_each_socket_and_on_the_line():
    assert len(encode(written(QUESTION))) < MAX_MESSAGE
    assert len(encode(written(ANSWER))) < MAX_ANSWER
    picture = Answer(prompt="hold", reason="too_far", pixels=20, jpeg=b"j" * (MAX_PICTURE // 4 * 3))
    assert len(encode(written(picture))) < MAX_ANSWER
    looking = messages.Looking("g" * 36, 1 << 48, b"n" * 16, QUESTION)
    assert len(messages.LOOKING.data(looking, keys.box_public(GATE_BOX), CENTRE)) < MOST_ASKED
    looked = messages.Looked("g" * 36, b"n" * 16, picture)
    assert len(messages.LOOKED.data(looked, keys.box_public(CENTRE_BOX), GATE)) < MOST_ANSWERED


def test_an_answer_of_a_later_version_is_understood():
    said = written(replace(ANSWER, prompt="dance", why_not=Not.OVER)) | {"sound": 3}
    assert read(Answer, said) == replace(ANSWER, prompt="dance", why_not=Not.OVER)


def test_nothing_is_answered_before_the_centre_was_heard_nor_twice_nor_late():
    asked = Asked()
    assert not asked.is_new(b"a" * 16, 5, None)
    assert asked.is_new(b"a" * 16, 5, 5)
    assert not asked.is_new(b"a" * 16, 5, 5)
    assert not asked.is_new(b"a" * 16, 5, 7)
    assert not asked.is_new(b"b" * 16, 4, 7)
    # What was said after a head that is on its way still.
    assert asked.is_new(b"c" * 16, 8, 7)
    assert not asked.is_new(b"c" * 16, 8, 9)
    assert not asked.is_new(b"short", 9, 9)


@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 6), st.integers(0, 3)), max_size=60))
def test_whatever_is_said_again_and_whenever_each_question_is_answered_once(said):
    asked, heard, answered = Asked(), 0, []
    for nonce, tick, on in said:
        heard += on
        name = bytes([nonce]) * 16
        if asked.is_new(name, tick, heard):
            answered.append((name, tick))
            assert tick >= heard - 2
    assert len(answered) == len(set(answered))


def test_of_too_many_the_rest_is_let_fall():
    asked = Asked()
    taken = sum(asked.is_new(number.to_bytes(16, "big"), 5, 5) for number in range(1500))
    assert taken == 1000
    # And it goes on once these are of long ago.
    assert asked.is_new(b"z" * 16, 9, 9)
