"""The console's side of residents' own pages: a link drawn and shown once, and the page ended."""

from __future__ import annotations

import sqlite3
from datetime import UTC, datetime
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import Response

from api.actors import Registrar
from api.auth import digest
from api.context import Context, Shared, Store
from api.early_refusal import EarlyRefusal
from api.own_pages import draw, url_of
from api.pages.page import page_of_people
from api.pages.qr_code import qr_code
from api.pages.told_once import then, told_once
from api.telling import Done
from api.v1.residents import found_resident
from gate.errors import Sentence
from gate.store.people import own_pages

router = APIRouter(route_class=EarlyRefusal, include_in_schema=False)


def own_page_of(context: Context, connection: sqlite3.Connection, resident: str) -> dict[str, Any]:
    """What `own_page_card.html` needs, on the page of a resident."""
    return {
        "own_pages": context.settings.enrolment.own_page,
        "own_page": own_pages.of_resident(connection, resident, datetime.now(UTC)),
    }


@router.post("/residents/{resident}/own-page")
def draw_link(request: Request, connection: Store, context: Shared, actor: Registrar, resident: str) -> Response:
    """Draw a link to their own page; it is told on the page that follows, once."""
    person = found_resident(connection, resident)
    drawn = draw(context, connection, person, by=actor.label)
    return then(request, f"/residents/{person.id}/own-page", Done(issued=drawn.secret, about=person.id))


@router.get("/residents/{resident}/own-page")
def show_link(request: Request, connection: Store, context: Shared, actor: Registrar, resident: str) -> Response:
    """The link that was just drawn, as words and as a QR code, to whoever drew it."""
    person, secret = found_resident(connection, resident), told_once(request).issued
    found = own_pages.of_resident(connection, person.id, datetime.now(UTC))
    told: dict[str, Any] = {"url": None}
    # Where two were drawn at once, the earlier one opens nothing.
    if secret is not None and found is not None and found.secret_sha256 == digest(secret):
        url, reachable = url_of(request, context, secret)
        told = {"url": url, "qr": qr_code(url), "open_by": found.open_by, "reachable": reachable}
    look = None if told["url"] else "a resident"
    return page_of_people(request, connection, actor, look, "own_page_link.html", person=person, **told)


@router.post("/residents/{resident}/own-page/end")
def end_page(request: Request, connection: Store, actor: Registrar, resident: str) -> Response:
    """Their page ends, with its link and on their phone."""
    person = found_resident(connection, resident)
    own_pages.end(connection, person, by=actor.label)
    said = Sentence("The page of their own is ended: their phone shows nothing any more.")
    return then(request, f"/residents/{person.id}", Done(said, about=person.id))
