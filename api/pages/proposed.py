"""What was enrolled or changed at this gate, where it follows a centre: what waits, and what was not taken."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import Response

from api.actors import Registrar
from api.context import Context, Store
from api.early_refusal import EarlyRefusal
from api.pages.told_once import then
from api.telling import Done
from api.v1.residents import found_resident
from api.wording import NOT_TAKEN
from gate.errors import Sentence
from gate.fleet.status import read_status
from gate.store.compound import proposals
from gate.store.people import residents

router = APIRouter(route_class=EarlyRefusal, include_in_schema=False)

_WAITS = Sentence("Waiting for the centre. This gate has it already; the others have it once the centre took it.")
_WAITS_LONG = Sentence(
    "Waiting for the centre, which cannot be reached now. This gate has it already; the others have it once the centre"
    " took it."
)


@dataclass(frozen=True, slots=True)
class Standing:
    """How it stands with what was changed here of a resident."""

    resident: str
    name: str
    said: Sentence
    over: bool
    """Whether the centre has answered."""


def standing(context: Context, connection: sqlite3.Connection) -> list[Standing]:
    """Of everyone about whom something waits or was not taken, by name."""
    found = proposals.of_residents(connection)
    if not found:
        return []
    link = read_status(context.state)
    waits = _WAITS if link is not None and not link.cut_off else _WAITS_LONG
    told = []
    for one in residents.of_ids(connection, list(found)):
        because = found[one.id]
        said = waits if because is None else Sentence(NOT_TAKEN[because].pattern, name=one.name)
        told.append(Standing(one.id, one.name, said, because is not None))
    return sorted(told, key=lambda one: one.name)


def proposed_of(context: Context, connection: sqlite3.Connection, resident: str) -> dict[str, Any]:
    """What the page of a resident says of it."""
    return {"proposed": [one for one in standing(context, connection) if one.resident == resident]}


@router.post("/residents/{resident}/centre/read")
def be_done_with(request: Request, connection: Store, _: Registrar, resident: str) -> Response:
    """Somebody has read what the centre did not take."""
    person = found_resident(connection, resident)
    proposals.dismiss(connection, person.id)
    return then(request, f"/residents/{person.id}", Done(Sentence("Noted.")))
