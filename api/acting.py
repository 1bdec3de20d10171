"""Who asks is asked again where something slow is written: their login may have ended meanwhile."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager

from api.auth import ROLES, Actor, Permission, is_over
from api.problems import SignInNeeded
from gate.store.database import transaction
from gate.store.site import accounts


@contextmanager
def acting(connection: sqlite3.Connection, actor: Actor) -> Iterator[None]:
    """A transaction of somebody's whose session or token is still taken. Raises SignInNeeded.

    Another role and a removal end both, so what a password's hash, a look-up or photos took time for is not carried out
    for somebody who was let go in that time.
    """
    with transaction(connection):
        if not lasts(connection, actor, time.time()):
            raise SignInNeeded
        yield


def lasts(connection: sqlite3.Connection, actor: Actor, now: float) -> bool:
    """Whether the session or the token that `actor` showed would still be taken. Nothing is written."""
    if actor.session is None:
        return any(actor.label == f"token {one.id}" for one in accounts.tokens(connection))
    session = accounts.session(connection, actor.session)
    return session is not None and not is_over(session, now)


def still_may(actor: Actor, permission: Permission, connection: sqlite3.Connection) -> bool:
    """Whether somebody may go on with what lasts longer than they are signed in: until their account is taken back."""
    if actor.user is None:
        return lasts(connection, actor, time.time())
    now = accounts.user(connection, actor.user.id)
    if now is None or now.provisional or now.password == accounts.LOCKED:
        return False
    return permission in ROLES[now.role]
