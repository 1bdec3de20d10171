"""Codes, passwords and roles: the pure rules."""

import threading

import pytest

from api.auth import ROLES, OwnerCode, Permission, new_code
from api.passwords import Passwords
from api.problems import HttpProblem
from gate.errors import UsageError
from gate.store.site.accounts import Role
from tests.console import CHEAP


def test_the_owner_code_is_right_however_it_is_typed():
    code = OwnerCode(new_code())
    assert code.right(f" {code.code.lower().replace('-', ' ')} ")
    assert not code.right("AAAA-AAAA-AAAA")
    assert not code.right("")


def test_codes_differ_and_hold_no_letters_that_look_alike():
    codes = {new_code() for _ in range(200)}
    assert len(codes) == 200
    assert not set("".join(codes)) & set("IL01O")


@pytest.mark.parametrize(
    "password",
    [
        "short", "x" * 201, "margarethe1", "aaaaaaaaaa", "哈" * 12, "1234567890", "qwertyuiop", "password123",
        "Facegate2026", "13800138000", "abcabcabcabc", "1q2w3e4r5t",
    ],
)  # fmt: skip
def test_a_poor_password_is_refused_in_a_sentence(password):
    with pytest.raises(UsageError, match="password"):
        Passwords(CHEAP).hashed(password, "margarethe")


def test_a_password_is_kept_as_argon2id_with_the_recommended_cost():
    hashed = Passwords().hashed("correct horse battery")
    assert hashed.startswith("$argon2id$v=19$m=65536,t=3,p=4$")
    assert "correct" not in hashed


def test_whoever_comes_when_enough_are_checked_is_turned_away_at_once_and_the_known_have_a_place_of_their_own():
    begun, go_on = threading.Semaphore(0), threading.Event()

    class Slow:
        def hash(self, password):
            return password

        def verify(self, kept, password):
            begun.release()
            go_on.wait(60)
            return True

    passwords, told = Passwords(Slow()), []

    def guess(known=False):
        try:
            passwords.right(None, "x", known=known)
        except HttpProblem as error:
            told.append(error)

    guessers = [threading.Thread(target=guess) for _ in range(12)]
    for guesser in guessers:
        guesser.start()
    begun.acquire()
    while sum(guesser.is_alive() for guesser in guessers) > 3:
        guessers[-1].join(0.01)
    assert [error.status for error in told] == [503] * 9
    known = threading.Thread(target=guess, args=(True,))
    known.start()
    assert begun.acquire(timeout=10)
    go_on.set()
    for one in (*guessers, known):
        one.join()
    assert len(told) == 9


def test_each_role_may_do_its_work_and_no_more():
    assert ROLES[Role.OWNER] == frozenset(Permission)
    assert ROLES[Role.GUARD] == {Permission.LIVE, Permission.DOOR}
    assert ROLES[Role.AUDITOR] == {Permission.RECORD}
    assert Permission.SITE not in ROLES[Role.MANAGER]
    assert [role for role in Role if Permission.SCORES in ROLES[role]] == [Role.OWNER]
