"""Who may do what, and how they prove who they are. Pure but for random numbers."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum

from api.problems import HttpProblem
from gate.store.site.accounts import Role, Session, User


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
# Accounts, tokens, webhooks and backups are changed by whoever gave their password within so long, seconds.
CONFIRMED_S = 600.0


@dataclass(frozen=True, slots=True)
class Actor:
    """Who asks: a user, or a machine by its token."""

    label: str
    """What the record calls them."""
    permissions: frozenset[Permission]
    user: User | None = None
    session: str | None = None
    """The digest of their session, for a browser."""
    confirmed: bool = False
    """Whether they gave their password just now."""
    must_change: bool = False
    """Whether somebody else gave them their password: they may nothing until they changed it."""

    @property
    def user_id(self) -> str:
        """Of a person. Raises LookupError for a token."""
        if self.user is None:
            raise LookupError("a token is no user")
        return self.user.id

    def may(self, permission: Permission) -> bool:
        """Whether they may do that."""
        return permission in self.permissions


def is_over(session: Session, now: float) -> bool:
    """Whether a session has ended by now, seconds since 1970. One of a clock that was set back since ends as well: it
    would last for as long as that clock was ahead."""
    return abs(now - session.used_at) > IDLE_S or abs(now - session.began_at) > LONGEST_S


def refuse_more_than_own(actor: Actor, permissions: Iterable[Permission]) -> None:
    """Raises HttpProblem where somebody would give away what they do not hold."""
    if not actor.permissions.issuperset(permissions):
        raise HttpProblem(403, "You cannot allow others more than you may do yourself.")


def new_secret() -> str:
    """What a session or a token is known by: 256 random bits."""
    return secrets.token_urlsafe(32)


def digest(secret: str) -> str:
    """The hash under which a random secret is kept: no slow one is needed for 256 random bits."""
    return hashlib.sha256(secret.encode()).hexdigest()


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
