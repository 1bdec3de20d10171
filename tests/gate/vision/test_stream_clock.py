"""How old a stream's pictures are, from their stamps and arrivals: honest after stalls, unmoved by clocks that jump."""

import pytest

from gate.vision.stream_clock import StreamClock

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
