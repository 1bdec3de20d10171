"""Who is in or out as far as is known, where the settings have a rule against passing a credential back."""

from __future__ import annotations

from fastapi import APIRouter
from pydantic import BaseModel, Field

from api.actors import Doorkeeper, Registrar
from api.context import Shared, Store, record_look
from api.early_refusal import EarlyRefusal
from api.problems import RESPONSES
from api.v1.residents import found_resident
from api.whereabouts import forgive
from gate.store.people import residents, whereabouts
from gate.store.people.residents import Resident
from gate.store.people.whereabouts import LetThroughBy
from gate.vocabulary import Direction

router = APIRouter(route_class=EarlyRefusal, prefix="/api/v1", tags=["whereabouts"], responses=RESPONSES)


class Passed(BaseModel):
    """Whom the door saw pass last, and which way. Whoever is not told of may be anywhere."""

    resident: str
    name: str
    unit: str | None
    way: Direction
    at: str = Field(description="ISO 8601, UTC.")
    method: str | None = Field(description="By what they were let through; null where the record does not say.")
    reader: str | None = Field(description="At which reader; null for the camera, or where the record does not say.")


@router.get("/whereabouts")
def list_whereabouts(connection: Store, actor: Registrar) -> list[Passed]:
    """Who passed which way last."""
    record_look(connection, actor, "whereabouts")
    passed = whereabouts.every(connection)
    known = {one.id: one for one in residents.of_ids(connection, [one.resident for one in passed])}
    by = whereabouts.let_through_by(connection, passed)
    return [_told(one, known[one.resident], by.get(one.resident)) for one in passed if one.resident in known]


def _told(one: whereabouts.Passed, who: Resident, by: LetThroughBy | None) -> Passed:
    method, reader = (by.method, by.reader) if by else (None, None)
    return Passed(resident=who.id, name=who.name, unit=who.unit, way=one.way, at=one.at, method=method, reader=reader)


@router.post("/whereabouts/forgiveness", status_code=204)
def forgive_everybody(connection: Store, context: Shared, actor: Doorkeeper) -> None:
    """Forget where everybody is: nobody is refused for being in already until they pass again."""
    forgive(context, connection, None, by=actor.label)


@router.post("/residents/{resident}/forgiveness", status_code=204)
def forgive_resident(resident: str, connection: Store, context: Shared, actor: Registrar) -> None:
    """Forget where somebody is."""
    forgive(context, connection, found_resident(connection, resident), by=actor.label)
