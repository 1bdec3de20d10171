"""Which of a phone's codes count, digits and pictures: those of now, and each of them once."""

import base64
import secrets
from functools import partial

from hypothesis import given
from hypothesis import strategies as st

from gate.codes import handle_bounds, handle_of, is_rolling, rolling_code, rolling_handle, rolling_picture
from gate.door.rolling import Used, step_of
from tests.oath import STEP_S, shown_by_phone

KEY = base64.b32encode(b"12345678901234567890").decode()
# Of RFC 6238, appendix B, SHA-1, the last six of eight digits.
OF_THE_RFC = {59: "287082", 1111111109: "081804", 1234567890: "005924", 20000000000: "353130"}


def test_digits_are_those_of_the_rfc_and_of_an_authenticator():
    for wall, digits in OF_THE_RFC.items():
        assert rolling_code(b"12345678901234567890", wall // STEP_S) == digits == shown_by_phone(KEY, wall)
    for wall in (0, 1_700_000_000, 4_000_000_000):
        key = secrets.token_bytes(20)
        shown = shown_by_phone(base64.b32encode(key).decode(), wall)
        assert rolling_code(key, wall // STEP_S) == shown
        assert step_of(partial(rolling_code, key), shown, wall) == wall // STEP_S


@given(st.binary(min_size=20, max_size=20), st.floats(0, 4e9), st.integers(-4, 4))
def test_digits_of_half_a_minute_before_or_after_count_and_no_others(key, wall, away):
    step = int(wall // STEP_S)
    found = step_of(partial(rolling_code, key), rolling_code(key, max(0, step + away)), wall)
    near = [
        one
        for one in range(max(0, step - 1), step + 2)
        if rolling_code(key, one) == rolling_code(key, max(0, step + away))
    ]
    assert found == (near[-1] if near else None)
    assert found is not None or abs(away) > 1


@given(st.binary(min_size=32, max_size=32), st.binary(min_size=20, max_size=20), st.floats(0, 4e9), st.integers(-4, 4))
def test_a_picture_says_whose_it_is_and_counts_for_half_a_minute_before_or_after(finder, key, wall, away):
    step, handle = int(wall // STEP_S), rolling_handle(finder)
    shown = rolling_picture(handle, key, max(0, step + away))
    assert (is_rolling(shown), handle_of(shown)) == (True, handle)
    least, greatest = (finder[:4] + one for one in handle_bounds(handle))
    assert least <= finder <= greatest
    found = step_of(partial(rolling_picture, handle, key), shown, wall)
    assert found == (max(0, step + away) if abs(max(0, step + away) - step) <= 1 else None)
    # Neither another key nor another's name makes it.
    assert step_of(partial(rolling_picture, handle, bytes([key[0] ^ 1]) + key[1:]), shown, wall) is None


@given(st.lists(st.tuples(st.sampled_from("ab"), st.integers(0, 40)), max_size=60), st.integers(0, 20))
def test_no_step_is_used_twice_nor_one_of_before_the_door_began(tries, began):
    used, taken = Used.since(began * STEP_S), []
    for identity, step in tries:
        after = used.take(identity, step)
        if after is not None:
            taken.append((identity, step))
            used = after
    assert all(step > began + 1 for _, step in taken)
    for identity in "ab":
        steps = [step for one, step in taken if one == identity]
        assert steps == sorted(set(steps))


def test_by_a_clock_that_went_back_it_waits_a_minute_and_not_until_the_clock_is_there_again():
    ahead, step = Used.since(86_400.0), 100
    used = ahead.at(step * STEP_S)
    assert used.take("a", step + 1) is None
    assert used.take("a", step + 2) is not None
    assert ahead.at(86_500.0) is ahead
    # Nor does one count again that was used before.
    later = used.take("a", step + 5)
    assert later.at((step - 50) * STEP_S).take("a", step + 5) is None
