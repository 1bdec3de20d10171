"""How often PINs may be tried."""

import math

from hypothesis import given
from hypothesis import strategies as st

from gate.codes import PIN_DIGITS
from gate.door.lockout import RESTS_S, TRIES, Lockout

YEAR_S = 365 * 86_400


def tried(lockout, now, keypad="gate", flat=None, times=TRIES):
    for _ in range(times):
        lockout = lockout.failed(keypad, flat, now)
    return lockout


def test_each_five_wrong_ones_rest_longer_up_to_a_quarter_of_an_hour():
    lockout, now = Lockout(), 1000.0
    for rest_s in (*RESTS_S, RESTS_S[-1], RESTS_S[-1]):
        lockout = tried(lockout, now, times=TRIES - 1)
        assert lockout.resting("gate", now) is None
        lockout = tried(lockout, now, times=1)
        assert lockout.resting("gate", now) == now + rest_s
        now += rest_s
        assert lockout.resting("gate", now) is None


def test_one_keypad_does_not_rest_for_another_and_a_home_rests_at_all():
    lockout = tried(Lockout(), 0.0, "gate", "502")
    assert lockout.resting("garage", 1.0) is None
    assert lockout.until_mono("garage", "502", 1.0) == 30.0
    assert lockout.until_mono("garage", "503", 1.0) is None


def test_who_gets_in_is_forgiven_and_after_an_hour_all_is():
    lockout = tried(Lockout(), 0.0, "gate", "502", TRIES - 1).let_in("gate", "502", typed=True)
    assert tried(lockout, 1.0, "gate", "502", TRIES - 1).until_mono("gate", "502", 1.0) is None
    late = tried(tried(Lockout(), 0.0), 4000.0)
    assert late.resting("gate", 4000.0) == 4000.0 + RESTS_S[0]


def test_wrong_ones_count_for_an_hour_to_its_end_whatever_happens_elsewhere():
    almost = tried(Lockout(), 5000.0, "gate", "502", TRIES - 1)
    for now, rests in ((8600.0, True), (8600.1, False)):
        elsewhere = almost.failed("garage", "503", now)
        assert (tried(elsewhere, now, "gate", "502", 1).resting("gate", now) is not None) is rests
        assert (tried(elsewhere, now, "yard", "502", 1).until_mono("yard", "502", now) is not None) is rests
        assert (tried(almost, now, "gate", "502", 1).resting("gate", now) is not None) is rests


def test_who_is_let_in_at_one_keypad_ends_no_rest_of_another_nor_of_another_home():
    lockout = tried(tried(Lockout(), 0.0, "gate", "502"), 0.0, "garage", "503").let_in("gate", "502", typed=True)
    assert [lockout.resting(one, 1.0) for one in ("gate", "garage")] == [None, 30.0]
    assert [lockout.until_mono("yard", one, 1.0) for one in ("502", "503")] == [None, 30.0]


@given(st.lists(st.tuples(st.sampled_from(["501", "502", "503", None]), st.sampled_from(["own", "card", "no"]))))
def test_whoever_is_let_in_between_has_no_more_tries_of_other_homes(tries):
    """They are of 600, and try the others' PINs; or others are let in by card while they do."""
    lockout, unforgiven = Lockout(), 0
    for number, (flat, between) in enumerate(tries):
        now = float(number)
        lockout, unforgiven = lockout.failed("gate", flat, now), unforgiven + 1
        if unforgiven == TRIES:
            assert lockout.resting("gate", now) is not None
            unforgiven = 0
        if between == "own":
            lockout = lockout.let_in("gate", "600", typed=True)
        if between == "card":
            lockout = lockout.let_in("gate", None, typed=False)
        if between != "no":
            assert lockout.resting("gate", now) is None


def test_who_is_of_no_home_is_forgiven_one_and_a_card_forgives_none():
    almost = tried(Lockout(), 0.0, "gate", None, TRIES - 1)
    typed = almost.let_in("gate", None, typed=True)
    assert tried(typed, 1.0, "gate", None, 1).resting("gate", 1.0) is None
    assert tried(typed, 1.0, "gate", None, 2).resting("gate", 1.0) is not None
    shown = almost.let_in("gate", None, typed=False)
    assert tried(shown, 1.0, "gate", None, 1).resting("gate", 1.0) is not None


def test_pins_that_are_typed_alone_are_of_no_home():
    lockout = tried(Lockout(), 0.0, "gate", None)
    assert lockout.until_mono("garage", None, 1.0) is None
    assert tried(lockout, 1.0, "garage", None, TRIES - 1).resting("garage", 1.0) is None
    assert lockout.flats == {}


def test_of_homes_without_end_the_latest_five_hundred_are_remembered():
    lockout, homes = Lockout(), [str(1000 - number) for number in range(600)]
    for number, home in enumerate(homes):
        lockout = tried(lockout, 5000.0 + number, "gate", home, TRIES - 1)
    assert set(lockout.flats) == set(homes[-512:])
    now = 5600.0
    rests = [tried(lockout, now, "gate", home, 1).until_mono("yard", home, now) for home in (homes[-512], homes[0])]
    assert rests == [now + RESTS_S[0], None]


def tries_in(seconds, flats):
    """How many PINs a program gets looked at that knows no rest of its own, changing from home to home."""
    lockout, now, count = Lockout(), 0.0, 0
    while now < seconds:
        flat = flats[count % len(flats)]
        until = lockout.until_mono("gate", flat, now)
        if until is not None:
            now = until
            continue
        lockout, count, now = lockout.failed("gate", flat, now), count + 1, now + 3.0
    return count


def test_a_program_at_a_keypad_for_a_year_finds_hardly_anybodys_pin():
    day = tries_in(86_400, [str(number) for number in range(1000)])
    assert 400 < day < 520
    year = tries_in(YEAR_S / 12, [str(number) for number in range(1000)]) * 12
    # It must know a home and find one of a million: less than a sixth in a year without a break, all of it on record.
    assert 1 - math.exp(-year / 10**PIN_DIGITS) < 0.17


@given(st.lists(st.tuples(st.sampled_from("ab"), st.sampled_from(["1", "2", None]), st.floats(0, 200)), max_size=80))
def test_never_more_than_five_wrong_ones_without_a_rest(tries):
    lockout, now, looked_at = Lockout(), 0.0, {}
    for keypad, flat, after_s in tries:
        now += after_s
        if lockout.until_mono(keypad, flat, now) is not None:
            continue
        lockout = lockout.failed(keypad, flat, now)
        times = [one for one in looked_at.get(keypad, []) if now - one < RESTS_S[0]] + [now]
        looked_at[keypad] = times
        assert len(times) <= TRIES


@given(
    st.lists(st.tuples(st.sampled_from("ab"), st.sampled_from(["1", "2", None]), st.floats(0, 200)), max_size=40),
    st.data(),
)
def test_a_restart_gives_nobody_another_try(tries, data):
    """However often the power is cut, and whatever the machine's clock begins with then."""
    lockout, now = Lockout(), 0.0
    again, later = Lockout(), 0.0
    for keypad, flat, after_s in tries:
        now, later = now + after_s, later + after_s
        if data.draw(st.booleans()):
            kept, later = again.kept(later), data.draw(st.floats(1, 1e6))
            again = Lockout.again(kept, later)
        # Both wait as long, but for how finely a time is kept.
        (until, until_again) = (one.until_mono(keypad, flat, at) for one, at in ((lockout, now), (again, later)))
        left, left_again = ((0.0 if one is None else one - at) for one, at in ((until, now), (until_again, later)))
        assert abs(left - left_again) < 0.06 * (1 + len(tries))
        if left > 5 and left_again > 5:
            continue
        if until is None and until_again is None:
            lockout, again = lockout.failed(keypad, flat, now), again.failed(keypad, flat, later)


def test_what_was_kept_is_as_old_at_the_next_start_as_it_was():
    tried = Lockout().failed("keypad", "502", 0.0).failed("other", None, 5.04)
    kept = tried.kept(7.26)
    assert [(one.name, one.age_s) for one in kept] == [("keypad", 7.3), ("other", 2.2), ("502", 7.3)]
    # The machine was off meanwhile, and its clock begins elsewhere.
    assert Lockout.again(kept, 1000.0).kept(1000.0) == kept
    assert tried.kept(0.3)[1].age_s == 0.0
