"""The page of areas at a centre: which gates each has, and who has it."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Form, Query
from fastapi.responses import Response

from api.early_refusal import EarlyRefusal
from api.pages.gates import refuse_where_no_centre
from api.pages.settings.as_shown import refuse_another, shown_as
from api.pages.settings.desk import Desk, RegistrarsDesk, Text
from gate.errors import Sentence
from gate.fleet.centre_status import read_status
from gate.fleet.messages import LIMITED
from gate.names import clean_name
from gate.store.compound import gates
from gate.store.database import transaction
from gate.store.site import areas

router = APIRouter(route_class=EarlyRefusal, include_in_schema=False, prefix="/settings/areas")

_NOTHING: dict[str, Any] = {"changed": "", "name": "", "gates": ()}


def _shown(desk: Desk, typed: dict[str, Any] | None = None, **said: Any) -> Response:
    """The page, with what is `typed` in its form."""
    doors = gates.doors(desk.connection, desk.context.gate)
    status = read_status(desk.context.state)
    heard = {} if status is None else status.gates
    old = [name for gate, name in doors.items() if gate in heard and heard[gate].reader < LIMITED]
    known, typed = _known(desk), _NOTHING | (typed or {})
    if typed["changed"] not in known:
        typed["changed"] = ""
    return desk.page(
        "areas", areas=areas.every(desk.connection), doors=doors, old=old, typed=typed,
        known_as=known.get(typed["changed"], ""), **said,
    )  # fmt: skip


def _known(desk: Desk) -> dict[str, str]:
    return {one.name: shown_as(areas.as_kept(one.gates)) for one in areas.every(desk.connection)}


@router.get("")
def show_areas(desk: RegistrarsDesk, change: Annotated[str, Query(max_length=60)] = "") -> Response:
    """All areas; with `change` one of them in the form."""
    refuse_where_no_centre(desk.context)
    found = next((one for one in areas.every(desk.connection) if change and one.name == change), None)
    if found is None:
        return _shown(desk)
    return _shown(desk, {"changed": found.name, "name": found.name, "gates": found.gates})


@router.post("")
def put_area(
    desk: RegistrarsDesk, name: Text, gate: Annotated[list[str] | None, Form()] = None,
    changed: Annotated[str, Form(max_length=60)] = "", known_as: Annotated[str, Form(max_length=64)] = "",
) -> Response:  # fmt: skip
    """Add an area, or give the one that is `known_as` it is other gates. A gate that was taken away meanwhile is not
    among them."""
    refuse_where_no_centre(desk.context)
    doors = gates.doors(desk.connection, desk.context.gate)
    chosen = {one: doors[one] for one in gate or () if one in doors}

    def put() -> None:
        called = clean_name(name, most=60)
        with transaction(desk.connection):
            was = _known(desk)
            areas.put(desk.connection, called, chosen, desk.actor.label)
            refuse_another(called, known_as, was.get(called), _known(desk)[called])

    return desk.after(put, Sentence("Saved."), _shown, {"changed": changed, "name": name, "gates": chosen})


@router.post("/removal")
def remove_area(desk: RegistrarsDesk, name: Text) -> Response:
    """Remove an area that nobody has."""
    refuse_where_no_centre(desk.context)
    return desk.after(lambda: areas.remove(desk.connection, name, desk.actor.label), Sentence("Removed."), _shown)
