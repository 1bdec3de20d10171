"""Who asks, by the cookie of a session or a bearer token, and what a route may demand of them.

A route says whom it is for by the type of its `actor`: `Watcher`, `Registrar`, `Owner` and so on. Whoever is nobody we
know gets 401, and whoever may not do this 403.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Annotated

from fastapi import Depends, Header, Request

from api.auth import CONFIRMED_S, ROLES, Actor, Permission, digest, is_over
from api.context import Context, Shared, Store, store_of
from api.front.slots import is_passed_on
from api.problems import ConfirmationNeeded, HttpProblem, PasswordChangeNeeded, SignInNeeded
from gate.store.site import accounts
from gate.store.site.accounts import Role

# When somebody was last there is written no more often, seconds.
_USED_EVERY_S = 60.0


def actor_of(request: Request, context: Shared, connection: Store) -> Actor | None:
    """Who asks, by a session's cookie or a bearer token; None: nobody we know."""
    found = _shown_by(request, context, connection)
    if found is not None:
        # Their connection has a place among those we know.
        request.state.asker, request.state.actor = found.label, found
    return found


def _shown_by(request: Request, context: Context, connection: sqlite3.Connection) -> Actor | None:
    now = time.time()
    scheme, _, secret = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer" and secret:
        return _by_token(connection, digest(secret.strip()), now, address_of(request))
    cookie = request.cookies.get(context.cookie)
    return _by_session(connection, digest(cookie), now, address_of(request)) if cookie else None


def address_of(request: Request) -> str:
    """Where a request comes from."""
    return request.client.host if request.client else ""


def _by_token(connection: sqlite3.Connection, known_by: str, now: float, address: str) -> Actor | None:
    token = accounts.token_of(connection, known_by)
    if token is None:
        return None
    if token.used_at is None or not 0 <= now - token.used_at < _USED_EVERY_S:
        # Who asks is known, also where nothing can be written, as on a full disk: they may order the door.
        with suppress(sqlite3.Error):
            accounts.use_token(connection, token.id, now, address)
    of = accounts.user(connection, token.user)
    # A token may never do more than the user it belongs to.
    allowed = ROLES[of.role] if of else frozenset[Permission]()
    return Actor(f"token {token.id}", allowed & {Permission(one) for one in token.permissions})


def _by_session(connection: sqlite3.Connection, known_by: str, now: float, address: str) -> Actor | None:
    session = accounts.session(connection, known_by)
    if session is None:
        return None
    if is_over(session, now):
        with suppress(sqlite3.Error):
            accounts.end_session(connection, known_by)
        return None
    if not 0 <= now - session.used_at < _USED_EVERY_S:
        with suppress(sqlite3.Error):
            accounts.use_session(connection, known_by, now, address)
    user = session.user
    return Actor(
        f"user {user.id}",
        frozenset() if user.provisional else ROLES[user.role],
        user,
        known_by,
        confirmed=0 <= now - session.confirmed_at < CONFIRMED_S,
        must_change=user.provisional,
    )


MaybeActor = Annotated[Actor | None, Depends(actor_of)]


def may(permission: Permission) -> Callable[..., Actor]:
    """A dependency: who asks, when they may; else 401 or 403."""

    def check(actor: MaybeActor) -> Actor:
        if actor is None:
            raise SignInNeeded
        if actor.must_change:
            raise PasswordChangeNeeded
        if not actor.may(permission):
            raise may_not(permission)
        return actor

    return check


def may_not(permission: Permission) -> HttpProblem:
    """That whoever asks may not do this, and who may."""
    if permission in ROLES[Role.MANAGER]:
        return HttpProblem(403, "You may not do this; ask a manager or an owner of the gate.")
    return HttpProblem(403, "You may not do this; ask an owner of the gate.")


def _somebody(actor: MaybeActor) -> Actor:
    if actor is None:
        raise SignInNeeded
    return actor


def _person(actor: Annotated[Actor, Depends(_somebody)]) -> Actor:
    if actor.user is None:
        raise HttpProblem(403, "Only a person who is signed in can do this; a token cannot.")
    return actor


def _registrar_in_person(actor: Annotated[Actor, Depends(may(Permission.PEOPLE))]) -> Actor:
    return _person(actor)


def _doorkeeper_in_person(actor: Annotated[Actor, Depends(may(Permission.DOOR))]) -> Actor:
    return _person(actor)


def _confirmed(actor: Annotated[Actor, Depends(may(Permission.SITE))]) -> Actor:
    if not _person(actor).confirmed:
        raise ConfirmationNeeded
    return actor


def _from_here(request: Request) -> bool:
    """Whether a program on this machine asks for itself, and not a proxy for somebody else."""
    return (
        request.client is not None and request.client.host in ("127.0.0.1", "::1") and not is_passed_on(request.headers)
    )


def here_or(permission: Permission, *, opened_as: str | None = None) -> Callable[..., Actor | None]:
    """A dependency: who asks from this machine itself (None), or may. For the former no store is needed.

    With `opened_as` this machine is trusted only where the settings open what is called so.
    """

    def check(request: Request, context: Shared) -> Actor | None:
        if _from_here(request) and (opened_as is None or opened_as in context.settings.api.open):
            return None
        with store_of(context) as connection:
            return may(permission)(actor_of(request, context, connection))

    return check


def signed_in_or_open(what: str) -> Callable[..., None]:
    """A dependency: anybody who is signed in or has a token; everybody where the settings open `what`."""

    def check(request: Request, context: Shared) -> None:
        if what in context.settings.api.open:
            return
        with store_of(context) as connection:
            if actor_of(request, context, connection) is None:
                raise SignInNeeded

    return check


def refuse_form_of_another(
    actor: Annotated[Actor, Depends(_somebody)], form_of: Annotated[str | None, Header(max_length=64)] = None
) -> None:
    """A dependency: whoever sends a form filled it in, where a page that stayed open meanwhile says whose it is."""
    if form_of is not None and (actor.user is None or actor.user.id != form_of):
        raise HttpProblem(409, "Somebody else is signed in here now, and nothing was done. Load the page anew.")


Watcher = Annotated[Actor, Depends(may(Permission.LIVE))]
Doorkeeper = Annotated[Actor, Depends(may(Permission.DOOR))]
DoorkeeperInPerson = Annotated[Actor, Depends(_doorkeeper_in_person)]
"""Who sees who is in: whoever has the desk, and no program that may open alone."""
Registrar = Annotated[Actor, Depends(may(Permission.PEOPLE))]
RegistrarInPerson = Annotated[Actor, Depends(_registrar_in_person)]
"""Who says that they looked at a face: a person, and no program."""
Reader = Annotated[Actor, Depends(may(Permission.RECORD))]
Owner = Annotated[Actor, Depends(may(Permission.SITE))]
ConfirmedOwner = Annotated[Actor, Depends(_confirmed)]
"""Who changes accounts, tokens, webhooks and backups: a person, who gave their password just now."""
AnyActor = Annotated[Actor, Depends(_somebody)]
Person = Annotated[Actor, Depends(_person)]
"""Whoever is signed in, for what is their own; also who must change their password first."""
