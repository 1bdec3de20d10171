"""Throttle: the pure rules of who waits for how long."""

from hypothesis import given
from hypothesis import strategies as st

from api.front.slots import network_of
from api.throttle import Attempt, Throttle

ANN = "ann"


def fail(throttle, attempt, times, now=0.0):
    for _ in range(times):
        throttle.failed(attempt, now)


def at(name, address, **given):
    return Attempt.at(name, address, **given)


def test_five_attempts_are_free_and_each_further_one_waits_longer():
    throttle, attempt = Throttle(), at(ANN, "10.0.0.9")
    waits = []
    for _ in range(9):
        waits.append(throttle.wait_s(attempt, 100.0))
        throttle.failed(attempt, 100.0)
    assert waits == [0, 0, 0, 0, 0, 1, 2, 4, 8]
    assert throttle.wait_s(attempt, 100.0 + 16) == 0


def test_a_name_counts_however_it_is_typed():
    throttle = Throttle()
    typed = ["Zoë", " zoë", "ZOË ", "Zoe\u0308", "\u3000zoë\u2009"]
    waits = []
    for name in typed * 2:
        waits.append(throttle.wait_s(at(name, "10.0.0.9"), 0.0))
        throttle.failed(at(name, "10.0.0.9"), 0.0)
    assert waits == [0, 0, 0, 0, 0, 1, 2, 4, 8, 16]


def test_guessing_locks_out_the_guesser_and_not_the_person():
    throttle = Throttle()
    fail(throttle, at(ANN, "10.0.0.9", exists=True), 1000)
    assert throttle.wait_s(at(ANN, "10.0.0.9"), 1.0) > 800
    assert throttle.wait_s(at("ANN", "10.0.0.9"), 1.0) > 800
    assert throttle.wait_s(at(ANN, "10.0.0.5", exists=True, known=True), 1.0) == 0


def test_guessing_from_addresses_in_turn_does_not_pay_and_locks_no_usual_address_out():
    throttle, heard = Throttle(), 0
    for second in range(3600):
        attempt = at(ANN, f"10.1.{second >> 8}.{second & 255}", exists=True)
        if throttle.wait_s(attempt, float(second)) == 0:
            throttle.failed(attempt, float(second))
            heard += 1
    assert heard <= Throttle.FREE_BY_NAME + 14
    assert throttle.wait_s(at(ANN, "10.0.0.5", exists=True, known=True), 3600.0) == 0
    assert throttle.wait_s(at("bob", "10.0.0.5", exists=True), 3600.0) == 0


def test_one_ipv6_host_is_one_place_whatever_it_calls_itself():
    throttle, heard = Throttle(), 0
    for number in range(100):
        attempt = at(ANN, f"2001:db8::{number:x}:1")
        if throttle.wait_s(attempt, 0.0) == 0:
            throttle.failed(attempt, 0.0)
            heard += 1
    assert heard == Throttle.FREE
    assert throttle.wait_s(at(ANN, "2001:db8:0:1::1"), 0.0) == 0
    assert network_of("::ffff:10.0.0.9") == network_of("10.0.0.9")
    assert network_of("fe80::1%eth0") == "fe80::/64"


def test_guessing_at_many_names_does_not_pay():
    throttle = Throttle()
    for number in range(25):
        throttle.failed(at(f"name {number}", "10.0.0.9"), 0.0)
    assert throttle.wait_s(at("another", "10.0.0.9"), 0.0) > 0
    assert throttle.wait_s(at("another", "10.0.0.5"), 0.0) == 0


def test_a_right_password_frees_the_name_from_there():
    throttle, attempt = Throttle(), at(ANN, "10.0.0.5")
    fail(throttle, attempt, 6)
    throttle.succeeded(attempt)
    assert throttle.wait_s(attempt, 0.0) == 0


@given(st.lists(st.tuples(st.text(max_size=3), st.text(max_size=3), st.floats(0, 1e6)), max_size=60))
def test_nobody_waits_longer_than_the_longest(attempts):
    throttle = Throttle()
    now = 0.0
    for name, address, later in attempts:
        now += later
        assert 0 <= throttle.wait_s(at(name, address), now) <= Throttle.LONGEST_S
        throttle.failed(at(name, address), now)


def test_a_flood_of_names_takes_bounded_memory_and_forgets_nobodys_account():
    throttle = Throttle()
    fail(throttle, at(ANN, "10.9.9.9", exists=True), 100)
    for number in range(10_000):
        throttle.failed(at(f"name {number}", f"10.{number >> 8}.{number & 255}.1"), 0.0)
    assert len(throttle._failures) <= 4096
    assert throttle.wait_s(at(ANN, "10.3.3.3", exists=True), 0.0) == Throttle.LONGEST_S


def test_an_office_behind_one_address_may_sign_in_all_day():
    throttle = Throttle()
    for number in range(200):
        attempt = at(f"name {number}", "10.0.0.5")
        assert throttle.wait_s(attempt, 0.0) == 0
        throttle.failed(attempt, 0.0)
        throttle.succeeded(attempt)
