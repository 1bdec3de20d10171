"""Who may do what, and how they prove who they are. Pure but for hashing and random numbers; time is an argument."""

from __future__ import annotations

import hashlib
import hmac
import secrets
import threading
from collections import OrderedDict
from dataclasses import dataclass, field
from enum import StrEnum

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from gate.errors import UsageError
from gate.store.accounts import Role, User


class Permission(StrEnum):
    """What somebody may do."""

    LIVE = "live"
    """See what the gate is doing now."""
    DOOR = "door"
    """Open it, lock it down, release it."""
    PEOPLE = "people"
    """Residents, their consents and faces, groups and schedules."""
    RECORD = "record"
    """Read and export the record."""
    SITE = "site"
    """Users, tokens and settings."""
    SCORES = "scores"
    """See how alike a face was to whom: an oracle for whoever wants to pass as another."""


ROLES: dict[Role, frozenset[Permission]] = {
    Role.OWNER: frozenset(Permission),
    Role.MANAGER: frozenset({Permission.LIVE, Permission.DOOR, Permission.PEOPLE, Permission.RECORD}),
    Role.AUDITOR: frozenset({Permission.RECORD}),
    Role.GUARD: frozenset({Permission.LIVE, Permission.DOOR}),
}

# A session ends when unused for so long, and at the latest after so long, seconds.
IDLE_S = 8 * 3600.0
LONGEST_S = 7 * 24 * 3600.0

LEAST_PASSWORD = 10
MOST_PASSWORD = 200


@dataclass(frozen=True, slots=True)
class Actor:
    """Who asks: a user, or a machine by its token."""

    label: str
    """What the record calls them."""
    permissions: frozenset[Permission]
    user: User | None = None
    session: str | None = None
    """The digest of their session, for a browser."""

    def may(self, permission: Permission) -> bool:
        """Whether they may."""
        return permission in self.permissions


def new_secret() -> str:
    """What a session or a token is known by: 256 random bits."""
    return secrets.token_urlsafe(32)


def digest(secret: str) -> str:
    """The hash under which a random secret is kept: no slow one is needed for 256 random bits."""
    return hashlib.sha256(secret.encode()).hexdigest()


class Passwords:
    """Hashes and checks passwords with argon2id (RFC 9106, low-memory profile: 64 MiB, three passes), two at a time."""

    def __init__(self, hasher: PasswordHasher | None = None) -> None:
        self._hasher = hasher or PasswordHasher()
        # Many logins at once must not take the machine's memory.
        self._room = threading.BoundedSemaphore(2)
        self._nobodys = self._hasher.hash(new_secret())

    def hashed(self, password: str, name: str = "") -> str:
        """The hash to keep. Raises UsageError for a password that is too short, too long or the name itself."""
        if not LEAST_PASSWORD <= len(password) <= MOST_PASSWORD:
            raise UsageError(
                "A password has between {least} and {most} characters.", least=LEAST_PASSWORD, most=MOST_PASSWORD
            )
        if name and name.casefold() in password.casefold() and len(password) < 2 * len(name):
            raise UsageError("The password holds the name; choose another one.")
        with self._room:
            return self._hasher.hash(password)

    def right(self, user: User | None, password: str) -> bool:
        """Whether the password is the user's; takes as long for a user who does not exist."""
        with self._room:
            try:
                self._hasher.verify(user.password if user else self._nobodys, password[: MOST_PASSWORD + 1])
            except (VerificationError, InvalidHashError):
                return False
        return user is not None


@dataclass(slots=True)
class _Failures:
    count: int = 0
    last_mono: float = 0.0


class Throttle:
    """How long someone must wait who failed to sign in.

    Counted by name and address together, so that whoever guesses locks out himself and not the person whose name he
    guesses at; and by address alone, so that guessing at many names does not pay. Bounded in memory.
    """

    FREE = 5
    FREE_BY_ADDRESS = 20
    LONGEST_S = 900.0
    FORGOTTEN_S = 3600.0
    _MOST = 4096

    def __init__(self) -> None:
        self._failures: OrderedDict[tuple[str, ...], _Failures] = OrderedDict()
        self._lock = threading.Lock()

    def wait_s(self, name: str, address: str, now: float) -> float:
        """Seconds until the next attempt is heard; 0: at once."""
        with self._lock:
            return max(
                self._wait_s((name.casefold(), address), self.FREE, now),
                self._wait_s((address,), self.FREE_BY_ADDRESS, now),
            )

    def failed(self, name: str, address: str, now: float) -> None:
        """An attempt failed."""
        with self._lock:
            for key in ((name.casefold(), address), (address,)):
                known = self._failures.pop(key, None)
                if known is None or now - known.last_mono > self.FORGOTTEN_S:
                    known = _Failures()
                self._failures[key] = _Failures(known.count + 1, now)
            while len(self._failures) > self._MOST:
                self._failures.popitem(last=False)

    def succeeded(self, name: str, address: str) -> None:
        """An attempt was right: that name is free again from there."""
        with self._lock:
            self._failures.pop((name.casefold(), address), None)
            # A whole office behind one address signs in every morning.
            known = self._failures.get((address,))
            if known is not None:
                known.count -= 1

    def _wait_s(self, key: tuple[str, ...], free: int, now: float) -> float:
        known = self._failures.get(key)
        if known is None or known.count < free:
            return 0.0
        pause = min(2.0 ** (known.count - free), self.LONGEST_S)
        return max(0.0, known.last_mono + pause - now)


# Without letters and digits that look alike.
_CODE_LETTERS = "ABCDEFGHJKMNPQRSTUVWXYZ23456789"


def new_code() -> str:
    """A one-time code as it is printed: 60 bits, as three groups of four.

    >>> len(new_code())
    14
    """
    letters = [secrets.choice(_CODE_LETTERS) for _ in range(12)]
    return "-".join("".join(letters[start : start + 4]) for start in (0, 4, 8))


@dataclass(frozen=True, slots=True)
class OwnerCode:
    """The code that makes the owner at the first start. Attempts at it are counted like those at a password."""

    code: str = field(default_factory=new_code)

    def right(self, given: str) -> bool:
        """Whether this is the code, however it is typed."""
        typed = "".join(letter for letter in given.upper() if letter.isalnum())
        return hmac.compare_digest(typed.encode(), self.code.replace("-", "").encode())
