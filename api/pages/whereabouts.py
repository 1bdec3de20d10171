"""Who is in, as far as the gate saw: a list to call over in a fire. And the buttons that have the door forget it."""

from __future__ import annotations

import time

from fastapi import APIRouter, Request
from fastapi.responses import Response

from api.actors import Doorkeeper, DoorkeeperInPerson, Registrar
from api.context import Shared, Store, door_status
from api.early_refusal import EarlyRefusal
from api.pages.page import page_of_people
from api.pages.told_once import then
from api.telling import Done
from api.v1.residents import found_resident
from api.whereabouts import forgive, muster
from gate.clock import zone_of
from gate.door.hours import LocalTime
from gate.errors import Sentence

router = APIRouter(route_class=EarlyRefusal, include_in_schema=False)


@router.get("/whereabouts")
def show_whereabouts(request: Request, connection: Store, context: Shared, actor: DoorkeeperInPerson) -> Response:
    """Who is in, who is not known to be anywhere, and how many went out; where no rule keeps it, how to have it."""
    settings, door = context.settings.door, door_status(context)
    rule, gates = settings.passback, settings.passback_gates
    if rule == "off" and not gates:
        return page_of_people(request, connection, actor, None, "whereabouts.html", kept=False, door=door)
    # A door that does not answer was right about the time when it last did.
    now = LocalTime(time.time(), zone_of(context.zone), door is None or door.clock_trusted)
    return page_of_people(
        request, connection, actor, "whereabouts", "whereabouts.html", kept=True, door=door,
        muster=muster(connection, now), made_at=now.at.isoformat(), trusted=now.trusted,
        sees_out=gates or bool(settings.readers_inside), gates=gates,
    )  # fmt: skip


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
