"""The buttons that have the door forget where somebody is, or everybody."""

from __future__ import annotations

from fastapi import APIRouter, Request
from fastapi.responses import Response

from api.actors import Doorkeeper, Registrar
from api.context import Shared, Store
from api.early_refusal import EarlyRefusal
from api.pages.told_once import then
from api.telling import Done
from api.v1.residents import found_resident
from api.whereabouts import forgive
from gate.errors import Sentence

router = APIRouter(route_class=EarlyRefusal, include_in_schema=False)


@router.post("/residents/{resident}/forgiveness")
def forgive_resident(request: Request, connection: Store, context: Shared, actor: Registrar, resident: str) -> Response:
    """They are let in again, wherever they are."""
    person = found_resident(connection, resident)
    forgive(context, connection, person, by=actor.label)
    said = Sentence("Forgiven: the gate no longer takes them for somebody who is in.")
    return then(request, f"/residents/{person.id}", Done(said, about=person.id))


@router.post("/whereabouts/forgiveness")
def forgive_everybody(request: Request, connection: Store, context: Shared, actor: Doorkeeper) -> Response:
    """Everybody is let in again, wherever they are."""
    forgive(context, connection, None, by=actor.label)
    return then(request, "/door", Done(Sentence("Forgiven: the gate no longer takes anybody for somebody who is in.")))
