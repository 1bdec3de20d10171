"""Residents' own pages on their phones: a link drawn, and whose page a phone holds."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TypeVar

from fastapi import Request, Response

from api.auth import Actor, digest, new_secret
from api.context import Context
from api.photo_links import address_for_phones
from gate.errors import Refusal, Sentence
from gate.store.people import own_pages, residents
from gate.store.people.own_pages import OwnPage
from gate.store.people.residents import Resident

ROOT, LINKS = "/mine", "/own"
"""Where the pages are, and the links that open them."""
# A browser keeps a cookie for no longer; each visit has it begin anew.
_COOKIE_S = 400 * 24 * 3600
# From the look at a link to the press that opens its page.
_OFFERED_S = 24 * 3600
_OFF = Sentence("This gate has no pages of residents' own; the setting enrolment.own_page turns them on.")
Answer = TypeVar("Answer", bound=Response)


@dataclass(frozen=True, slots=True)
class Held:
    """A page that somebody holds in their hand, and whose it is."""

    page: OwnPage
    person: Resident
    family: Sequence[tuple[str, str]] = ()
    """The pages that this phone has besides: their ids, and whose they are."""

    @property
    def actor(self) -> Actor:
        """Who acts on it: as the record calls them, and with no permission in the console."""
        return Actor(self.page.by, frozenset())


@dataclass(frozen=True, slots=True)
class Drawn:
    """A link that was just drawn, which is told once."""

    page: OwnPage
    secret: str


def draw(context: Context, connection: sqlite3.Connection, person: Resident, *, by: str) -> Drawn:
    """A new link to a resident's page; the one they had ends. Raises Refusal, also where pages are off."""
    if not context.settings.enrolment.own_page:
        raise Refusal(_OFF)
    secret, days = new_secret(), context.settings.enrolment.link_days
    return Drawn(own_pages.draw(connection, person, digest(secret), datetime.now(UTC), days, by=by), secret)


def url_of(request: Request, context: Context, secret: str) -> tuple[str, bool]:
    """The link with this secret, and whether phones reach the gate by it."""
    at, reachable = address_for_phones(request, context)
    return f"{at}{LINKS}/{secret}", reachable


def linked(context: Context, connection: sqlite3.Connection, secret: str) -> Held | None:
    """The page that a link opens, or opened; None: there is none, or it has ended."""
    if not context.settings.enrolment.own_page:
        return None
    return _held(context, connection, own_pages.by_secret(connection, digest(secret), datetime.now(UTC)))


def held_by(request: Request, context: Context, connection: sqlite3.Connection, page: str | None) -> Held | None:
    """The page with this id, where the phone that asks opened it; without an id the one that it opened last."""
    if not context.settings.enrolment.own_page:
        return None
    pages = [one for phone in _known_by(request, context) for one in own_pages.of_phone(connection, digest(phone))]
    every = [_held(context, connection, one) for one in pages]
    lasting = [one for one in every if one is not None]
    found = next((one for one in lasting if page in (None, one.page.id)), None)
    if found is None:
        return None
    family = [(one.page.id, one.person.name) for one in lasting if one is not found]
    return Held(found.page, found.person, family)


def _held(context: Context, connection: sqlite3.Connection, page: OwnPage | None) -> Held | None:
    person = None if page is None else residents.get(connection, page.resident)
    if page is None or person is None or (person.valid_until and person.valid_until < context.today.isoformat()):
        return None
    return Held(page, person)


def keeps_cookies(request: Request, context: Context) -> bool:
    """Whether the browser that asks brought back what it was offered when it looked at the link, or had before."""
    return bool(_known_by(request, context))


def open_here(request: Request, context: Context, connection: sqlite3.Connection, held: Held) -> str:
    """The page is this phone's from now on; what the phone is known by then, with all pages that it had besides.

    Whoever copied what it was known by before opens nothing by that. Raises Refusal where another was quicker.
    """
    before, phone = request.cookies.get(cookie_of(context)), request.cookies.get(_next(context)) or new_secret()
    own_pages.open_on(
        connection, held.page, held.person, digest(phone), datetime.now(UTC), before=digest(before) if before else None
    )  # fmt: skip
    return phone


def phone_of(request: Request, context: Context, held: Held) -> str | None:
    """What the phone that asks is known by, where it is the one that opened the page."""
    return next((one for one in _known_by(request, context) if held.page.phone_sha256 == digest(one)), None)


def offer_phone(request: Request, context: Context, response: Answer) -> Answer:
    """The same answer, which says by what the phone is known once it opens a page: so it has that also where the answer
    to its opening is lost, and where it opens the page by two presses."""
    offered = request.cookies.get(_next(context)) or new_secret()
    response.set_cookie(
        _next(context), offered, max_age=_OFFERED_S, path="/", secure=context.secure, httponly=True, samesite="lax"
    )
    return response


def keep_phone(request: Request, context: Context, response: Answer, phone: str) -> Answer:
    """The same answer, by which the phone is known for as long as browsers keep that."""
    if request.cookies.get(_next(context)) == phone:
        response.delete_cookie(_next(context), path="/", secure=context.secure, httponly=True, samesite="lax")
    # A link that is opened in a messenger comes from another site: a stricter cookie would not come along.
    response.set_cookie(
        cookie_of(context), phone, max_age=_COOKIE_S, path="/", secure=context.secure, httponly=True, samesite="lax"
    )
    return response


def cookie_of(context: Context) -> str:
    """The name of the cookie by which a phone is known; one holds for all pages of a family."""
    return "__Host-facegate-mine" if context.secure else "facegate-mine"


def _next(context: Context) -> str:
    return f"{cookie_of(context)}-next"


def _known_by(request: Request, context: Context) -> list[str]:
    """What the phone that asks may be known by: also what it was only offered, where it never heard that it opened."""
    given = (request.cookies.get(name) for name in (cookie_of(context), _next(context)))
    return list(dict.fromkeys(one for one in given if one))
