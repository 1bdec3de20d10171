"""The console's side of residents' own photos: a link drawn and shown, and what came by links confirmed or refused."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Form, Path, Query, Request
from fastapi.responses import RedirectResponse, Response

from api.acting import acting
from api.actors import Registrar, RegistrarInPerson
from api.auth import Actor, Permission, digest
from api.context import Context, Shared, Store, record_look_once
from api.early_refusal import EarlyRefusal
from api.own_photos import SHOWN_S, Sent
from api.pages.page import language_of, page, page_of_people
from api.pages.photo_words import NOT_TAKEN, TOLD_THE_STAFF
from api.pages.qr_code import qr_code
from api.photo_links import address_for_phones, draw, end, new_key
from api.problems import HttpProblem
from api.v1.residents import found_resident
from enroll.application import Application, add_without_face
from enroll.duplicates import LooksLikeAnother
from gate.errors import Sentence
from gate.store.people import homes, photo_links, residents
from gate.store.people.photo_link import NotTaken, PhotoLink
from gate.store.people.photo_links import GONE
from gate.store.people.residents import Resident

router = APIRouter(route_class=EarlyRefusal, include_in_schema=False)

Chosen = Literal[NotTaken.POOR, NotTaken.ANOTHER, NotTaken.COME]
"""What somebody may say who does not take a photo."""
# On Today and on the residents' page: a look at each costs a request.
FEW = 6
# As the record calls a look at them.
_LOOK = "photos"
_MANY = 60
_SHOWN_MINUTES = round(SHOWN_S / 60)
_Text = Annotated[str, Form(max_length=64)]
_NOT_SHOWN = Sentence("Not every face that would be kept was shown to you yet. Look at them here, and then confirm.")


@dataclass(frozen=True, slots=True)
class Waiting:
    """A photo that waits, with whose it is said to be."""

    link: PhotoLink
    person: Resident
    sent: Sent


@dataclass(frozen=True, slots=True)
class Photos:
    """Those that wait for whoever may enrol: the first of them, and how many there are."""

    shown: tuple[Waiting, ...] = ()
    count: int = 0


def photos_for(context: Context, connection: sqlite3.Connection, actor: Actor, most: int = FEW) -> dict[str, Any]:
    """What `waiting.html` needs, for whoever looks; where there are faces, it is on record."""
    if not actor.may(Permission.PEOPLE):
        return {"photos": Photos(), "not_taken": NOT_TAKEN}
    links = {one.id: one for one in photo_links.waiting(connection, datetime.now(UTC))}
    sent = [one for one in context.own_photos.waiting() if one.link in links and links[one.link].sent_at == one.at]
    found = ((one, residents.get(connection, one.resident)) for one in sent[:most])
    shown = tuple(Waiting(links[one.link], person, one) for one, person in found if person is not None)
    if shown:
        record_look_once(connection, context, actor, _LOOK, begins=True)
    return {"photos": Photos(shown, len(sent)), "not_taken": NOT_TAKEN}


def link_of(connection: sqlite3.Connection, resident: str) -> dict[str, Any]:
    """What `photo_link_card.html` needs, on the page of a resident."""
    link = photo_links.of_resident(connection, resident, datetime.now(UTC))
    return {"link": link, "link_key": new_key(), "why_not_taken": TOLD_THE_STAFF}


def add_with_link(
    context: Context, connection: sqlite3.Connection, actor: Actor, name: str, unit: str | None, key: str,
    area: str | None = None,
) -> str:  # fmt: skip
    """Somebody is added without a face, and a link is drawn for them; where it is shown. The page with this `key` adds
    the same person once. Raises UsageError, Refusal."""
    asked = Application.of(name, unit)
    with context.own_photos.drawing.taken():
        drawn_for = (residents.get(connection, one) for one in context.own_photos.shown_for(key, actor.label))
        added = next((one for one in drawn_for if one and (one.name, one.unit) == (asked.name, asked.unit)), None)
        person = added or add_without_face(connection, name, unit, area, by=actor.label)
        draw(context, connection, actor, [person], key, once=True)
    return _shown_at(person, key)


def _shown_at(person: Resident, key: str) -> str:
    return f"/residents/{person.id}/photo-link?key={key}"


@router.post("/residents/{resident}/photo-link")
def draw_link(
    connection: Store, context: Shared, actor: Registrar, resident: str, key: _Text, discarding: _Text = ""
) -> Response:
    """Draw a link; it is shown on the next page. A photo that waits is let go of where the page had said so."""
    person = found_resident(connection, resident)
    with context.own_photos.drawing.taken():
        draw(context, connection, actor, [person], key, once=True, discarding=discarding)
    return RedirectResponse(_shown_at(person, key), 303)


@router.get("/residents/{resident}/photo-link")
def show_link(
    request: Request, connection: Store, context: Shared, actor: Registrar, resident: str, key: str = ""
) -> Response:
    """The link that was just drawn, as words and as a QR code, to whoever drew it: once, or for a while of many."""
    person, shown = found_resident(connection, resident), context.own_photos.take(key, resident, actor.label)
    link = photo_links.of_resident(connection, resident, datetime.now(UTC))
    if shown is None or link is None or link.secret_sha256 != digest(shown):
        return page_of_people(request, connection, actor, "a resident", "photo_link.html", person=person, url=None)
    at, reachable = address_for_phones(request, context)
    url = f"{at}/photo/{shown}"
    request.state.shows_secret = True
    return page_of_people(
        request, connection, actor, "a resident", "photo_link.html", person=person, url=url, qr=qr_code(url),
        ends_at=link.ends_at, reachable=reachable,
        minutes=_SHOWN_MINUTES if context.own_photos.is_shown_again(key, resident) else None,
    )  # fmt: skip


@router.get("/photo-links")
def show_links(
    request: Request, connection: Store, context: Shared, actor: Registrar,
    key: Annotated[str, Query(max_length=64)] = "",
) -> Response:  # fmt: skip
    """The links that were just drawn for many, to whoever drew them: a home's beside one another."""
    at, reachable = address_for_phones(request, context)
    found = []
    for one in (person for home in homes.grouped(residents.every(connection)) for person in home.people):
        secret = context.own_photos.take(key, one.id, actor.label)
        link = photo_links.by_secret(connection, digest(secret), datetime.now(UTC)) if secret else None
        if link is not None:
            found.append((one, f"{at}/photo/{secret}", _shown_at(one, key), link.ends_at))
    return page_of_people(
        request, connection, actor, "residents", "photo_links.html", links=found, reachable=reachable,
        minutes=_SHOWN_MINUTES,
    )  # fmt: skip


@router.post("/residents/{resident}/photo-link/end")
def end_link(connection: Store, context: Shared, actor: Registrar, resident: str, discarding: _Text = "") -> Response:
    """The link ends, and what waits of it where the page had said so."""
    end(context, connection, actor, found_resident(connection, resident), discarding)
    return RedirectResponse(f"/residents/{resident}", 303)


@router.get("/waiting")
def show_waiting(request: Request, connection: Store, context: Shared, actor: Registrar) -> Response:
    """All photos that wait."""
    return _all_waiting(request, connection, context, actor)


@router.get("/waiting/{link}.jpg")
def show_picture(context: Shared, connection: Store, actor: Registrar, link: str) -> Response:
    """The face that somebody sent; of several the first."""
    return _picture(context, connection, actor, link, 0)


@router.get("/waiting/{link}/{number}.jpg")
def show_one_of_them(
    context: Shared, connection: Store, actor: Registrar, link: str, number: Annotated[int, Path(ge=0)]
) -> Response:
    """One of the faces that somebody sent, from 0: whoever confirms has seen all that would be kept."""
    return _picture(context, connection, actor, link, number)


@router.post("/waiting/{link}/confirmed")
def confirm(
    request: Request, connection: Store, context: Shared, actor: RegistrarInPerson, link: str, at: _Text,
    another_than: Annotated[list[str] | None, Form()] = None,
) -> Response:  # fmt: skip
    """It is them: they are enrolled from what they sent, by the consent they gave on their phone. Whoever says so was
    shown every face of it."""
    found = _waiting(context, connection, link, at)
    if not context.own_photos.all_served(found.sent, actor.label):
        return _all_waiting(request, connection, context, actor, problem=language_of(request)(_NOT_SHOWN))
    asked = Application.of(found.person.name, None, (), None, found.person, frozenset(another_than or ()))
    taking = _taking(connection, actor, found.link)
    try:
        context.enroller.enrol_seen(connection, asked, found.sent.found.templates, actor.label, taking)
    except LooksLikeAnother as error:
        # Somebody was enrolled since this was looked at: the question is put where the faces are shown.
        context.own_photos.found_like(found.sent, error.lookalikes)
        return RedirectResponse("/waiting", 303)
    context.own_photos.drop(link)
    return RedirectResponse(f"/residents/{found.person.id}", 303)


@router.post("/waiting/{link}/refused")
def refuse(
    connection: Store, context: Shared, actor: Registrar, link: str, at: _Text, why: Annotated[Chosen, Form()]
) -> Response:
    """It is not taken; they read why."""
    found = _waiting(context, connection, link, at)
    photo_links.refuse(connection, found.link, found.person, why, by=actor.label)
    context.own_photos.drop(link)
    return RedirectResponse("/waiting", 303)


def _all_waiting(
    request: Request, connection: sqlite3.Connection, context: Context, actor: Actor, **said: str
) -> Response:
    photos = photos_for(context, connection, actor, _MANY)
    return page(request, "waiting_page.html", 409 if "problem" in said else 200, actor=actor, **photos, **said)


@contextmanager
def _taking(connection: sqlite3.Connection, actor: Actor, link: PhotoLink) -> Iterator[None]:
    """A transaction of somebody's who is still signed in, in which what a link brought is taken."""
    with acting(connection, actor):
        photo_links.take(connection, link, datetime.now(UTC))
        yield


def _picture(context: Context, connection: sqlite3.Connection, actor: Actor, link: str, number: int) -> Response:
    sent = _waiting(context, connection, link).sent
    if number >= len(sent.found.portraits):
        raise HttpProblem(409, GONE)
    # The page on which they are shown began the look; a picture that is asked for by itself begins one.
    record_look_once(connection, context, actor, _LOOK)
    return Response(context.own_photos.serve(sent, number, actor.label), media_type="image/jpeg")


def _waiting(context: Context, connection: sqlite3.Connection, identity: str, at: str | None = None) -> Waiting:
    """What waits of a link, and came `at` that time. Raises Refusal where it does not."""
    link, sent = photo_links.get(connection, identity, datetime.now(UTC)), context.own_photos.of(identity)
    person = residents.get(connection, link.resident) if link is not None else None
    if link is None or sent is None or person is None or sent.at != link.sent_at or at not in (None, sent.at):
        raise HttpProblem(409, GONE)
    return Waiting(link, person, sent)
