"""Throttle, codes and passwords: the pure rules."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.auth import ROLES, OwnerCode, Passwords, Permission, Throttle, new_code
from gate.errors import UsageError
from gate.store.accounts import Role
from tests.console import CHEAP


def fail(throttle, name, address, times, now=0.0):
    for _ in range(times):
        throttle.failed(name, address, now)


def test_five_attempts_are_free_and_each_further_one_waits_longer():
    throttle = Throttle()
    waits = []
    for _ in range(9):
        waits.append(throttle.wait_s("ann", "10.0.0.9", 100.0))
        throttle.failed("ann", "10.0.0.9", 100.0)
    assert waits == [0, 0, 0, 0, 0, 1, 2, 4, 8]
    assert throttle.wait_s("ann", "10.0.0.9", 100.0 + 16) == 0


def test_guessing_locks_out_the_guesser_and_not_the_person():
    throttle = Throttle()
    fail(throttle, "ann", "10.0.0.9", 1000)
    assert throttle.wait_s("ann", "10.0.0.9", 1.0) > 800
    assert throttle.wait_s("ANN", "10.0.0.9", 1.0) > 800
    assert throttle.wait_s("ann", "10.0.0.5", 1.0) == 0


def test_guessing_at_many_names_does_not_pay():
    throttle = Throttle()
    for number in range(25):
        throttle.failed(f"name {number}", "10.0.0.9", 0.0)
    assert throttle.wait_s("another", "10.0.0.9", 0.0) > 0
    assert throttle.wait_s("another", "10.0.0.5", 0.0) == 0


def test_a_right_password_frees_the_name_from_there():
    throttle = Throttle()
    fail(throttle, "ann", "10.0.0.5", 6)
    throttle.succeeded("ann", "10.0.0.5")
    assert throttle.wait_s("ann", "10.0.0.5", 0.0) == 0


@given(st.lists(st.tuples(st.text(max_size=3), st.text(max_size=3), st.floats(0, 1e6)), max_size=60))
def test_nobody_waits_longer_than_the_longest(attempts):
    throttle = Throttle()
    now = 0.0
    for name, address, later in attempts:
        now += later
        assert 0 <= throttle.wait_s(name, address, now) <= Throttle.LONGEST_S
        throttle.failed(name, address, now)


def test_a_flood_of_names_takes_bounded_memory():
    throttle = Throttle()
    for number in range(10_000):
        throttle.failed(f"name {number}", f"10.{number >> 8}.{number & 255}.1", 0.0)
    assert len(throttle._failures) <= 4096


def test_an_office_behind_one_address_may_sign_in_all_day():
    throttle = Throttle()
    for number in range(200):
        assert throttle.wait_s(f"name {number}", "10.0.0.5", 0.0) == 0
        throttle.failed(f"name {number}", "10.0.0.5", 0.0)
        throttle.succeeded(f"name {number}", "10.0.0.5")


def test_the_owner_code_is_right_however_it_is_typed():
    code = OwnerCode(new_code())
    assert code.right(f" {code.code.lower().replace('-', ' ')} ")
    assert not code.right("AAAA-AAAA-AAAA")
    assert not code.right("")


def test_codes_differ_and_hold_no_letters_that_look_alike():
    codes = {new_code() for _ in range(200)}
    assert len(codes) == 200
    assert not set("".join(codes)) & set("IL01O")


@pytest.mark.parametrize("password", ["short", "x" * 201, "margarethe1"])
def test_a_poor_password_is_refused_in_a_sentence(password):
    with pytest.raises(UsageError, match="password"):
        Passwords(CHEAP).hashed(password, "margarethe")


def test_a_password_is_kept_as_argon2id_with_the_recommended_cost():
    hashed = Passwords().hashed("correct horse battery")
    assert hashed.startswith("$argon2id$v=19$m=65536,t=3,p=4$")
    assert "correct" not in hashed


def test_each_role_may_do_its_work_and_no_more():
    assert ROLES[Role.OWNER] == frozenset(Permission)
    assert ROLES[Role.GUARD] == {Permission.LIVE, Permission.DOOR}
    assert ROLES[Role.AUDITOR] == {Permission.RECORD}
    assert Permission.SITE not in ROLES[Role.MANAGER]
    assert [role for role in Role if Permission.SCORES in ROLES[role]] == [Role.OWNER]
