"""A copy of what is held of a resident, for themselves: what they may ask for, to read, print and hand on."""

from __future__ import annotations

from datetime import UTC, datetime

from fastapi import APIRouter, Request
from fastapi.responses import Response

from api.actors import Registrar
from api.auth import Permission
from api.context import Context, Shared, Store
from api.early_refusal import EarlyRefusal
from api.pages.page import language_of, page_of_people
from api.pages.passes import passes_of
from api.pages.record_words import teller
from api.pages.ways_in import held_of
from api.v1.residents import found_resident
from gate.care import retention
from gate.store.compound import records
from gate.store.people import consents, corrections, own_pages, photo_links, templates
from gate.store.people.residents import Resident
from gate.store.record.search import Search

router = APIRouter(route_class=EarlyRefusal, include_in_schema=False)


@router.get("/residents/{resident}/held")
def show_held(request: Request, connection: Store, context: Shared, actor: Registrar, resident: str) -> Response:
    """All of it; the record's lines for whoever may read the record. It is a look."""
    person = found_resident(connection, resident)
    reads = actor.may(Permission.RECORD)
    lines = list(records.every(connection, Search(residents=(person.id,)))) if reads else []
    return page_of_people(
        request, connection, actor, "a resident", "held.html", person=person, reads=reads, lines=lines,
        templates=templates.of(connection, person.id), agreed=consents.of(connection, person.id),
        corrected=corrections.of(connection, person.id), told=teller(language_of(request), connection),
        link=photo_links.of_resident(connection, person.id, datetime.now(UTC)), made_at=datetime.now(UTC).isoformat(),
        own_page=own_pages.of_resident(connection, person.id, datetime.now(UTC)),
        **held_of(connection, person.id), **passes_of(connection, person.id),
        fading=_fading(connection, context, person), keep=context.settings.keep,
        gates=records.names_beside(connection, context.gate),
    )  # fmt: skip


def _fading(connection: Store, context: Context, person: Resident) -> list[retention.Fading]:
    found = retention.fading(connection, context.settings.keep, context.today)
    return [one for one in found if one.resident == person.id]
