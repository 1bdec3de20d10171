"""From the bytes of the kernel's input layer to keys and cards."""

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gate.readers.keystrokes import MOST_SIGNS, Keyboard, Stroke, Swipe, key_of, strokes_of, swiped

# struct input_event of a 64-bit machine, x86-64 as aarch64: include/uapi/linux/input.h.
EVENT = struct.Struct("<qqHHi")
EV_SYN, EV_KEY, EV_MSC = 0, 1, 4
SHIFT, ENTER, KP_ENTER, ESCAPE, BACKSPACE = 42, 28, 96, 1, 14
# A USB number pad's 1, in the order in which evtest shows it: its HID usage (type 4, code 4, value 70059), the key
# (type 1, code 79, KEY_KP1) down, a report; then the same with the key up.
ONE_OF_A_NUMBER_PAD = bytes.fromhex(
    "64000000000000000a00000000000000" "0400040059000700"
    "64000000000000000a00000000000000" "01004f0001000000"
    "64000000000000000a00000000000000" "0000000000000000"
    "64000000000000001a00000000000000" "0400040059000700"
    "64000000000000001a00000000000000" "01004f0000000000"
    "64000000000000001a00000000000000" "0000000000000000"
)  # fmt: skip


def event(kind, code, value, at=100.0):
    return EVENT.pack(int(at), round(at % 1 * 1e6), kind, code, value)


def pressed(*codes, at=100.0):
    """Each key down and up, with the report that ends each."""
    return b"".join(
        event(EV_KEY, code, value, at) + event(EV_SYN, 0, 0, at) for code in codes for value in (1, 0)
    )  # fmt: skip


def keys_of(events):
    return [key_of(stroke) for stroke in strokes_of(Keyboard(), events)[1]]


def cards_of(*strokes):
    swipe, numbers = Swipe(), []
    for code, at in strokes:
        swipe, number = swiped(swipe, Stroke(code, False, at))
        numbers += [number] if number is not None else []
    return numbers


def test_a_key_counts_once_as_it_goes_down_with_the_kernel_s_own_time():
    keyboard, strokes = strokes_of(Keyboard(), ONE_OF_A_NUMBER_PAD)
    assert strokes == [Stroke(79, False, 100.00001)]
    assert keyboard == Keyboard()
    held = event(EV_KEY, 79, 1) + event(EV_KEY, 79, 2) * 50 + event(EV_KEY, 79, 0)
    assert keys_of(held) == ["1"]


@pytest.mark.parametrize(
    ("codes", "keys"),
    [
        ((2, 3, 4, 5, 6, 7, 8, 9, 10, 11), "1234567890"),
        ((79, 80, 81, 75, 76, 77, 71, 72, 73, 82), "1234567890"),
        ((513, 514, 515, 516, 517, 518, 519, 520, 521, 512), "1234567890"),
        ((ENTER, KP_ENTER, 523), "###"),
        ((BACKSPACE, ESCAPE, 55, 522), "****"),
    ],
)
def test_the_row_of_digits_the_number_pad_and_a_telephone_s_keys_are_keys(codes, keys):
    assert keys_of(pressed(*codes)) == list(keys)


def test_what_is_on_no_keypad_is_no_key():
    nothing = [code for code in range(768) if key_of(Stroke(code, False, 0.0)) is None]
    # A, Tab, Space, plus and minus of the number pad, its point, its lock, F1.
    assert {30, 15, 57, 78, 74, 83, 69, 59} <= set(nothing)
    assert 768 - len(nothing) == 30 + 3 + 4


def test_a_keypad_s_own_hash_and_star_may_come_with_shift_as_a_keyboard_types_them():
    events = event(EV_KEY, SHIFT, 1) + pressed(4, 9, 2) + event(EV_KEY, SHIFT, 0) + pressed(4)
    assert keys_of(events) == ["#", "*", None, "3"]


def test_shift_is_held_from_one_read_to_the_next():
    keyboard, _ = strokes_of(Keyboard(), event(EV_KEY, SHIFT, 1))
    keyboard, strokes = strokes_of(keyboard, pressed(4))
    assert [key_of(one) for one in strokes] == ["#"]


def test_where_the_kernel_lost_events_what_was_typed_begins_anew():
    lost = event(EV_SYN, 3, 0)
    events = pressed(2) + event(EV_KEY, SHIFT, 1) + lost + event(EV_KEY, 3, 1) + event(EV_SYN, 0, 0) + pressed(4)
    assert keys_of(events) == ["1", "*", "3"]
    keyboard, _ = strokes_of(Keyboard(), lost)
    assert [key_of(one) for one in strokes_of(keyboard, pressed(2, 3))[1]] == ["2"]


def test_a_card_is_the_digits_and_letters_up_to_enter():
    typed = [(code, 100.0 + number / 100) for number, code in enumerate((11, 11, 5, 8, 2, 30, 44, ENTER, 3, KP_ENTER))]
    assert cards_of(*typed) == ["0047" + "1AZ", "2"]


def test_letters_and_colons_come_with_shift_too():
    swipe = Swipe()
    for code in (30, 39, 48):
        swipe, _ = swiped(swipe, Stroke(code, True, 100.0))
    assert swiped(swipe, Stroke(ENTER, False, 100.1))[1] == "A:B"


def test_a_card_that_is_typed_slowly_is_forgotten():
    assert cards_of((2, 100.0), (3, 100.5), (ENTER, 101.1)) == []
    # What is typed a second after the first key is a beginning again.
    assert cards_of((2, 100.0), (3, 101.5), (4, 101.6), (ENTER, 101.7)) == ["23"]
    assert cards_of((2, 100.0), (ESCAPE, 100.1), (3, 100.2), (ENTER, 100.3)) == ["2"]
    assert cards_of((ENTER, 100.0), (ENTER, 100.1)) == []


def test_a_number_that_is_too_long_stays_too_long():
    assert cards_of(*[(2, 100.0)] * MOST_SIGNS, (ENTER, 100.1)) == ["1" * MOST_SIGNS]
    (number,) = cards_of(*[(2, 100.0)] * 5000, (ENTER, 100.1))
    assert len(number) == MOST_SIGNS + 1


@given(st.lists(st.binary(min_size=24, max_size=24), max_size=40))
def test_no_event_whatever_it_holds_gives_more_than_keys_and_short_numbers(events):
    keyboard, strokes = strokes_of(Keyboard(), b"".join(events))
    assert len(strokes) <= len(events)
    assert len(keyboard.shifts) <= 2
    swipe = Swipe()
    for stroke in strokes:
        assert key_of(stroke) in {None, *"0123456789#*"}
        swipe, number = swiped(swipe, stroke)
        assert len(number or swipe.number) <= MOST_SIGNS + 1
