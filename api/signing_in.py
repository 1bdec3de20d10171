"""What the pages and the API share about signing in: sessions begun, and a user's own password asked for again."""

from __future__ import annotations

import math
import sqlite3
import time
from dataclasses import replace

from fastapi import Request
from fastapi.responses import Response

from api.actors import address_of
from api.auth import IDLE_S, LONGEST_S, Actor, digest, new_secret
from api.context import Context
from api.front.slots import network_of
from api.problems import HttpProblem
from api.throttle import Attempt
from gate.errors import Sentence
from gate.store.database import transaction
from gate.store.record import audit
from gate.store.site import accounts
from gate.store.site.accounts import User
from gate.vocabulary import AuditEvent, Kind

TOO_MANY = Sentence("Too many attempts. Try again in {seconds} s.")


def begin_session(
    request: Request, response: Response, connection: sqlite3.Connection, context: Context, user: User
) -> None:
    """Sign a browser in: its cookie goes with the response. Raises Refusal where the user was changed meanwhile."""
    secret, now, address = new_secret(), time.time(), address_of(request)
    accounts.end_old_sessions(connection, now, LONGEST_S, IDLE_S)
    accounts.begin_session(connection, digest(secret), user, now, address=address, network=network_of(address))
    for name, value in ((context.cookie, secret), (context.who_cookie, context.drafts.mark(user.id, digest(secret)))):
        response.set_cookie(
            name, value, max_age=int(LONGEST_S), path="/", secure=context.secure, httponly=True, samesite="lax"
        )


def confirm(request: Request, connection: sqlite3.Connection, context: Context, actor: Actor, password: str) -> None:
    """Whoever is signed in gives their password again: for a while they may change accounts and the like.

    Raises HttpProblem where it is wrong, or was too often.
    """
    check_own_password(request, connection, context, actor, password)
    if actor.session is not None:
        accounts.confirm_session(connection, actor.session, time.time())


def change_own_password(
    request: Request, response: Response, connection: sqlite3.Connection, context: Context, actor: Actor,
    current: str, new: str,
) -> None:  # fmt: skip
    """Everything they were signed in by ends, and this browser is signed in anew.

    Raises HttpProblem where the current password is wrong, UsageError where the new one will not do, Refusal where an
    owner was quicker: what an owner gave or took is not undone by whoever it was given to or taken from.
    """
    user = check_own_password(request, connection, context, actor, current)
    if new == current:
        raise HttpProblem(422, "This is your current password; choose another one.")
    hashed = context.passwords.hashed(new, user.name)
    with transaction(connection):
        accounts.refuse_changed(connection, user)
        accounts.change_password(connection, user, hashed, actor.label)
        begin_session(request, response, connection, context, replace(user, password=hashed, provisional=False))


def check_own_password(
    request: Request, connection: sqlite3.Connection, context: Context, actor: Actor, password: str
) -> User:
    """Who it is. Counted like attempts to sign in: whoever found a browser open must not guess either.

    By the session and not by where they come from: a copied cookie is shown from as many addresses as one likes, and
    guesses through it keep nobody waiting who signs in anew.
    """
    if actor.user is None:
        raise HttpProblem(403, "Only a person who is signed in can do this; a token cannot.")
    address, now = address_of(request), time.monotonic()
    attempt = Attempt.of_session(actor.user.name, actor.session or address)
    wait_s = context.throttle.wait_s(attempt, now)
    if wait_s > 0:
        raise HttpProblem(429, TOO_MANY, seconds=math.ceil(wait_s))
    context.throttle.failed(attempt, now)
    if not context.passwords.right(actor.user, password, known=True):
        details: dict[str, object] = {"user": actor.user.id, "from": address, "why": "confirmation"}
        audit.append(connection, AuditEvent(Kind.SIGN_IN_FAILED, details))
        raise HttpProblem(403, "The password is wrong.", reason="wrong_password")
    context.throttle.succeeded(attempt)
    return actor.user
