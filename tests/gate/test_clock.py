from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from gate.clock import ClockTrust, ClockWatch, Reading, judge, look

NOTHING = Reading(100.0, 1_000_100.0, kernel_synchronised=False, stamp_wall=None, rtc_wall=None)


def after(*looks, trust=None):
    trust = trust or ClockTrust()
    for seen in looks:
        trust = judge(trust, seen)
    return trust


def test_a_clock_nobody_vouches_for_is_not_trusted():
    assert not after(NOTHING).trusted
    assert not after(replace(NOTHING, kernel_synchronised=None)).trusted


def test_a_time_service_vouches_by_the_kernel_or_by_its_stamp():
    assert after(replace(NOTHING, kernel_synchronised=True)).trusted
    assert after(replace(NOTHING, kernel_synchronised=None, stamp_wall=1_000_090.0)).trusted


def test_a_jump_takes_the_trust_away_until_a_service_has_spoken_after_it():
    good = replace(NOTHING, stamp_wall=1_000_090.0)
    year = 365 * 86400
    for step in (year, -year):
        jumped = replace(good, mono=101.0, wall=good.wall + 1 + step)
        trust = after(good, jumped)
        assert trust.jumped
        assert not trust.trusted
        assert not judge(trust, replace(jumped, mono=102.0, wall=jumped.wall + 1)).trusted
        spoken = replace(jumped, mono=110.0, wall=jumped.wall + 9, stamp_wall=jumped.wall + 5)
        assert judge(trust, spoken).trusted
        assert not judge(trust, spoken).jumped


def test_the_kernel_s_flag_is_not_believed_in_the_look_that_saw_a_jump():
    good = replace(NOTHING, kernel_synchronised=True)
    assert not after(good, replace(good, mono=101.0, wall=2e9)).trusted


def test_a_stamp_from_another_year_vouches_for_nothing():
    for age in (365 * 86400, -365 * 86400):
        assert not after(replace(NOTHING, stamp_wall=NOTHING.wall - age)).trusted


def test_slewing_is_no_jump():
    good = replace(NOTHING, kernel_synchronised=True)
    assert after(good, replace(good, mono=200.0, wall=good.wall + 100 + 0.5)).trusted


def test_an_rtc_vouches_while_it_agrees_and_never_went_backwards():
    rtc = replace(NOTHING, rtc_wall=NOTHING.wall - 1)
    assert after(rtc).trusted
    assert not after(replace(rtc, rtc_wall=rtc.wall - 3600)).trusted
    assert not after(rtc, trust=ClockTrust(latest_wall=rtc.wall + 60)).trusted
    assert after(rtc, trust=ClockTrust(latest_wall=rtc.wall - 60)).latest_wall == rtc.wall
    # A step of clock and RTC together is still a step.
    assert not after(rtc, replace(rtc, mono=101.0, wall=rtc.wall + 9000, rtc_wall=rtc.wall + 9000)).trusted


@given(st.lists(st.tuples(st.floats(0, 100), st.floats(-1e8, 1e8)), min_size=1, max_size=20))
def test_the_latest_time_known_never_goes_back(steps):
    trust, mono, wall = ClockTrust(), 0.0, 1e9
    for waited, jump in steps:
        mono, wall = mono + waited, wall + waited + jump
        before, trust = trust, judge(trust, Reading(mono, wall, True, None, None))
        assert trust.latest_wall >= before.latest_wall


def test_this_machine_can_be_asked():
    seen = look()
    assert seen.wall > 1.7e9
    assert ClockWatch(look=lambda: seen).trust.offset == seen.wall - seen.mono
