"""Passwords: which will do, how they are kept, and how many are checked at once."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from api.auth import new_secret
from api.problems import HttpProblem
from gate.errors import UsageError
from gate.store.site.accounts import LOCKED, User

LEAST_PASSWORD = 10
MOST_PASSWORD = 200
# At the pace the throttle allows, ten million guesses are centuries; "Facegate2026" is found within one million.
_LEAST_GUESSES = 1e7
# Beyond this many characters the estimate takes long and changes nothing.
_JUDGED = 64
_OF_THE_HOUSE = ["facegate", "gate", "wuye", "menjin"]


class _Room:
    """One at work and a few in the queue; whoever comes when the queue is full is turned away at once."""

    def __init__(self, queue: int) -> None:
        self._queue = threading.BoundedSemaphore(queue)
        self._work = threading.Lock()

    @contextmanager
    def place(self) -> Iterator[None]:
        """Held while one password is hashed. Raises HttpProblem where there is no place."""
        if not self._queue.acquire(blocking=False):
            raise HttpProblem(
                503, "The gate is busy with other sign-ins; try again in a few seconds.", headers={"Retry-After": "5"}
            )
        try:
            with self._work:
                yield
        finally:
            self._queue.release()


class Passwords:
    """Hashes and checks passwords with argon2id (RFC 9106, low-memory profile: 64 MiB, three passes).

    Two at a time at the most: one for those who are known where they come from, one for all others, so that guesses
    take neither the machine's memory, nor its other pages' time, nor the place of whoever signs in as every day.
    """

    def __init__(self, hasher: PasswordHasher | None = None) -> None:
        self._hasher = hasher or PasswordHasher()
        self._known, self._strangers = _Room(6), _Room(3)
        self._nobodys = self._hasher.hash(new_secret())

    def hashed(self, password: str, name: str = "") -> str:
        """The hash to keep. Raises UsageError for a password that will not do, HttpProblem where many are hashed."""
        refuse_poor(password, name)
        with self._known.place():
            return self._hasher.hash(password)

    def right(self, user: User | None, password: str, *, known: bool = False) -> bool:
        """Whether the password is the user's; takes as long for one who does not exist or is locked.

        `known`: the user got in before from where this comes. Raises HttpProblem where too many are checked already.
        """
        room = self._known if known else self._strangers
        with room.place():
            try:
                kept = (user.password if user else LOCKED) or self._nobodys
                self._hasher.verify(kept, password[: MOST_PASSWORD + 1])
            except (VerificationError, InvalidHashError):
                return False
        return user is not None and user.password != LOCKED


def refuse_poor(password: str, name: str = "") -> None:
    """Raises UsageError for a password that is too short, too long, the name itself, or among the first guessed."""
    if not LEAST_PASSWORD <= len(password) <= MOST_PASSWORD:
        raise UsageError("Choose a password of {least} to {most} characters.", least=LEAST_PASSWORD, most=MOST_PASSWORD)
    if name and name.casefold() in password.casefold() and len(password) < 2 * len(name):
        raise UsageError("The password contains the name; choose another one.")
    # Its lists of words are read when they are first needed: most days nobody chooses a password.
    from zxcvbn import zxcvbn

    judged = zxcvbn(password[:_JUDGED], user_inputs=[*_OF_THE_HOUSE, *name.casefold().split()])
    if judged["guesses"] < _LEAST_GUESSES:
        raise UsageError("This password is easy to guess; choose several words that do not belong together.")
