"""Pulses to cards and keys, and what is refused of them."""

from dataclasses import replace
from itertools import pairwise
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gate.codes import card_number
from gate.door.wiegand import QUIET_S, Burst, Flaw, Noise, Pulse, Told, heard, is_over, told_by
from gate.vocabulary import Method
from tests.wiegand import LAYOUTS, PACE_S, burst_of, card, key, pulses

# What the Proxmark3 client packs (RfidResearchGroup/proxmark3, client/src/wiegand_formats.c); the first two are in its
# documents, as 2006ec0c86 and 2006f623ae with the preamble of a card.
PACKED = [
    ("26", 118, 1603, 0x2EC0C86),
    ("26", 123, 4567, 0x2F623AE),
    ("26", 1, 1, 0x2020002),
    ("26", 255, 65535, 0x1FFFFFF),
    ("34", 122, 1, 0x200F40002),
    ("34", 32768, 1603, 0x300000C86),
    ("34", 65535, 4567, 0x1FFFE23AF),
    ("34", 4660, 65535, 0x22469FFFF),
    ("37-H10304", 122, 1, 0x1007A00002),
    ("37-H10304", 32768, 262144, 0x800080001),
    ("37-H10304", 65535, 524287, 0xFFFFFFFFF),
    ("37-H10304", 4660, 262145, 0x123480002),
    ("37-H10302", 0, 1234567, 0x25AD0F),
    ("37-H10302", 0, 34359738367, 0xFFFFFFFFF),
    ("37-H10302", 0, 131072, 0x1000040000),
]


def told(bits, form="26", keypad=None):
    return told_by(burst_of(pulses(bits)), form, keypad)


@pytest.mark.parametrize(("form", "facility", "number", "packed"), PACKED)
def test_a_card_that_others_packed_is_read_as_it_is_printed(form, facility, number, packed):
    bits = f"{packed:0{int(form[:2])}b}"
    printed = f"{facility},{number}" if LAYOUTS[form][0] else str(number)
    said = told(bits, form)
    assert said.method is Method.CARD
    assert card_number(said.code) == card_number(printed) == printed
    assert card(form, facility, number) == bits
    # The same bits in another format are another card, and D0 for D1 is none.
    others = set(LAYOUTS) - {form} - {other for other in LAYOUTS if other[:2] == form[:2]}
    assert {told(bits, other) for other in others} == {Flaw.LENGTH}
    assert told(bits.translate({48: "1", 49: "0"}), form) is Flaw.PARITY


@pytest.mark.parametrize("bits", [4, 8])
@pytest.mark.parametrize("sign", "0123456789*#")
def test_a_key_is_told_in_four_bits_or_in_eight(sign, bits):
    assert told(key(sign, bits), keypad=bits) == Told(Method.PIN, sign)
    assert told(key(sign, bits)) is Flaw.LENGTH
    assert told(key(sign, 12 - bits), keypad=bits) is Flaw.LENGTH


@pytest.mark.parametrize(("bits", "keypad"), [("1100", 4), ("1111", 4), ("00111100", 8), ("11110001", 8)])
def test_bits_that_are_no_key_are_none(bits, keypad):
    assert told(bits, keypad=keypad) is Flaw.KEY


def test_silence_ends_a_frame_and_nothing_else_does():
    bits = card("26", 122, 56780)
    first, second = pulses(bits), pulses(bits, 26 * PACE_S + QUIET_S)
    burst = burst_of(first)
    last = first[-1].at_mono
    assert not is_over(burst, last + QUIET_S - 0.001)
    assert is_over(burst, last + QUIET_S + 0.001)
    burst, before = heard(burst, second[0])
    assert told_by(before, "26", None) == Told(Method.CARD, "122,56780")
    assert burst.bits == bits[0]
    assert not is_over(Burst(), 1e9)
    assert is_over(Burst("1", 0.0), QUIET_S)


def test_pace_and_silence_hold_to_their_ends():
    bits, said = card("26", 122, 56780), Told(Method.CARD, "122,56780")
    assert told_by(Burst(bits, 1.0, 150e-6, 3 * 150e-6), "26", None) == said
    assert told_by(Burst(bits, 1.0, 149e-6, 400e-6), "26", None) is Flaw.SPACING
    assert told_by(Burst(bits, 1.0, 150e-6, 451e-6), "26", None) is Flaw.SPACING
    before = Burst("1", 0.0)
    assert heard(before, Pulse(0, QUIET_S)) == (Burst("0", QUIET_S), before)


def test_where_the_kernel_lost_edges_neither_frame_beside_them_counts():
    bits = card("26", 122, 56780)
    said = pulses(bits)
    said[9] = replace(said[9], after_loss=True)
    assert told_by(burst_of(said), "26", None) is Flaw.LOST
    burst, before = heard(burst_of(pulses(bits)), Pulse(1, 10.0, after_loss=True))
    assert told_by(before, "26", None) is Flaw.LOST
    assert burst.flaw is Flaw.LOST


@given(st.integers(0, 25), st.floats(1e-6, 140e-6), st.sampled_from([0, 1]))
def test_a_doubled_edge_refuses_its_frame(at, after_s, bit):
    said = pulses(card("26", 122, 56780))
    said.insert(at + 1, Pulse(bit, said[at].at_mono + after_s))
    assert told_by(burst_of(said), "26", None) is Flaw.SPACING


@given(st.randoms(use_true_random=False), st.sampled_from(sorted(LAYOUTS)), st.floats(0.0004, 0.01))
def test_a_bit_that_is_missing_and_one_of_noise_among_the_others_are_no_other_card(random, form, pace_s):
    of_facility, of_number, _ = LAYOUTS[form]
    facility, number = random.randrange(2**of_facility), random.randrange(2**of_number)
    said = pulses(card(form, facility, number), pace_s=pace_s)
    begin, end = said[0].at_mono, said[-1].at_mono
    gone = said.pop(random.randrange(1, len(said) - 1))
    said = sorted([*said, Pulse(random.randrange(2), random.uniform(begin, end))], key=lambda one: one.at_mono)
    read = told_by(burst_of(said), form, None)
    right = told_by(burst_of(pulses(card(form, facility, number))), form, None)
    assert isinstance(read, Flaw) or read == right, (gone, read)


@given(
    st.lists(st.tuples(st.integers(0, 1), st.floats(0, 1), st.booleans()), max_size=200), st.sampled_from([None, 4, 8])
)
def test_whatever_comes_is_a_card_a_key_or_refused_and_never_more_than_one_frame_long(said, keypad):
    burst, whole = Burst(), []
    for bit, at, lost in said:
        burst, before = heard(burst, Pulse(bit, at, lost))
        whole += [before] if before is not None else []
    for one in (*whole, burst) if burst.bits else whole:
        assert len(one.bits) <= 38
        assert isinstance(told_by(one, "26", keypad), Told | Flaw)


def test_noise_is_told_at_once_and_then_once_a_minute_with_how_much_it_was():
    noise, now, due = Noise(), 0.0, []
    random = Random(1)
    for _ in range(1000):
        noise, frames = noise.more(now)
        due += [(now, frames)] if frames else []
        now += random.uniform(0, 0.4)
    assert due[0] == (0.0, 1)
    assert all(later[0] - before[0] >= 60 for before, later in pairwise(due))
    assert sum(frames for _, frames in due) + noise.frames == 1000
    assert Noise(2, 100.0).more(160.0) == (Noise(0, 160.0), 3)
