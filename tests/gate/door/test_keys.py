"""What comes of keys pressed at a keypad."""

from hypothesis import given
from hypothesis import strategies as st

from gate.codes import MOST_DIGITS, PIN_ALONE_DIGITS
from gate.door.keys import IDLE_S, Entered, Typed, awake, press


def entered(keys, *, expects_pin=False, apart_s=0.1):
    """All numbers that come of these keys."""
    typed, found, now = Typed(), [], 100.0
    for key in keys:
        now += apart_s
        typed, number = press(typed, key, now, expects_pin=expects_pin)
        found += [] if number is None else [number]
    return found


def test_a_home_and_a_pin_or_a_long_pin_alone():
    assert entered("502#123456#") == [Entered("502", "123456")]
    assert entered("12345678#") == [Entered(None, "12345678")]
    assert entered("502#12345678#") == [Entered("502", "12345678")]
    assert entered("123456#", expects_pin=True) == [Entered(None, "123456")]
    assert entered("502#123456#", expects_pin=True) == [Entered("502", "123456")]
    assert entered("502#1*502#123456#") == [Entered("502", "123456")]
    assert entered("#502##502#123456#") == [Entered("502", "123456")]


def test_whoever_walks_away_leaves_nothing_behind():
    typed, _ = press(Typed(), "5", 100.0)
    assert awake(typed, 100.0 + IDLE_S).count == 1
    assert awake(typed, 100.1 + IDLE_S) == Typed()
    assert press(typed, "#", 100.1 + IDLE_S)[1] is None
    assert entered("502#123456#", apart_s=IDLE_S + 0.1) == []


def test_what_is_too_long_becomes_no_shorter_code():
    assert entered("1" * 20 + "#") == [Entered(None, "1" * (MOST_DIGITS + 1))]


def test_a_home_stands_there_for_ten_seconds_and_is_no_pin_by_itself():
    typed, number = press(Typed(), "5", 100.0)
    typed, number = press(typed, "0", 100.0 + IDLE_S)
    assert (typed.digits, number) == ("50", None)
    for key in "1234":
        typed, number = press(typed, key, 111.0)
    typed, number = press(typed, "#", 111.0)
    assert (typed.flat, number) == ("501234", None)


@given(st.text("0123456789#*", max_size=60), st.booleans())
def test_no_number_is_empty_or_longer_than_a_code_and_one_digit(keys, expects_pin):
    for one in entered(keys, expects_pin=expects_pin):
        assert one.pin.isdigit()
        assert len(one.pin) <= MOST_DIGITS + 1
        assert one.flat is None or 0 < len(one.flat) < PIN_ALONE_DIGITS
        assert one.flat is not None or expects_pin or len(one.pin) >= PIN_ALONE_DIGITS


@given(st.text("0123456789#*", max_size=30), st.text("0123456789", min_size=1, max_size=7))
def test_after_a_star_everybody_begins_anew(before, flat):
    assert entered(f"{before}*{flat}#123456#")[-1] == Entered(flat, "123456")
