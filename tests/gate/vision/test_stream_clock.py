"""How old a stream's pictures are, from their stamps and arrivals: honest after stalls, unmoved by clocks that jump."""

import pytest

from gate.vision.stream_clock import ArrivalClock, StreamClock

STEP = 0.04


def ages(pairs):
    """How old each picture was when it came, by the clock."""
    clock = StreamClock()
    return [arrived - clock.taken(stamp, arrived) for stamp, arrived in pairs]


def test_what_queued_during_a_stall_is_as_old_as_it_is():
    lively = [(number * STEP, 100 + number * STEP) for number in range(50)]
    # Twenty seconds of pictures come at once when the way is free again.
    queued = [(2 + number * STEP, 122 + number * 0.001) for number in range(500)]
    seen = ages(lively + queued)
    assert max(seen[:50]) < 0.001
    # What drifts in a stall is a fiftieth of it.
    assert seen[50] == pytest.approx(20, abs=0.5)
    assert seen[-1] < 0.6


@pytest.mark.parametrize("jump", [3600.0, -3600.0, 0.5, -0.5])
def test_a_clock_that_jumps_makes_nothing_old(jump):
    pairs = [(number * STEP + (jump if number >= 50 else 0), 100 + number * STEP) for number in range(100)]
    assert max(ages(pairs)) < 0.001


def test_single_stamps_that_stray_by_hours_make_nothing_old():
    strays = {20: -9800.0, 40: 37600.0}
    pairs = [(number * STEP + strays.get(number, 0), 100 + number * STEP) for number in range(100)]
    assert max(ages(pairs)) < 0.001


def test_crystals_that_differ_are_no_lateness_even_after_a_day():
    pairs = [(number * 0.9995, 100.0 + number) for number in range(86400)]
    assert max(ages(pairs)) < 0.001


def test_without_stamps_and_after_many_wrong_ones_the_arrival_counts():
    clock = StreamClock()
    assert clock.taken(None, 7.0) == 7.0
    for number in range(3):
        clock.taken(float(number), 100.0 + 10 * number)
        clock.anchor()
    assert clock.taken(3.0, 200.0) == 200.0


def told_new(pictures):
    """Whether each picture counts as new, by when it was asked for and when its first and its last bytes came."""
    clock, found = ArrivalClock(), []
    for asked, began, ended in pictures:
        clock.came(asked, began, inside=False)
        clock.came(began, ended, inside=True)
        clock.complete(began)
        found.append(not clock.queued)
    return found


def at_rest(first, number, step=0.1):
    """Pictures that a camera sends as it makes them, each of which is waited for."""
    starts = [first + step * count for count in range(number)]
    return [(start - 0.9 * step, start, start + 0.1 * step) for start in starts]


def test_pictures_without_stamps_that_queued_in_a_stall_count_for_nothing():
    # It breaks off within a picture; twenty wait, and come one behind the other.
    stalled = [(1.01, 1.1, 6.0)]
    queued = [(6 + 0.02 * count, 6 + 0.02 * count, 6.02 + 0.02 * count) for count in range(20)]
    told = told_new(at_rest(0.1, 10) + stalled + queued + at_rest(6.5, 10))
    assert told == [True] * 10 + [False] * 21 + [False, False] + [True] * 8


def test_a_line_that_hesitates_while_it_catches_up_is_not_idle():
    queued = [(6 + 0.03 * count, 6.02 + 0.03 * count, 6.03 + 0.03 * count) for count in range(20)]
    hesitates = [(6.6, 6.75, 6.76), (6.76, 6.76, 6.77)]
    told = told_new([*at_rest(0.1, 10), (1.01, 1.1, 6.0), *queued, *hesitates])
    assert told == [True] * 10 + [False] * 23


@pytest.mark.parametrize("step", [0.03, 0.5, 3.0])
def test_a_camera_that_never_stalls_is_never_doubted_however_slow(step):
    assert all(told_new(at_rest(step, 40, step)))
