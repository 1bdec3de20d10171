"""The page of free access: when the gate itself stands open to all, by its hours or now."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Form
from fastapi.responses import Response

from api.context import door_status
from api.early_refusal import EarlyRefusal
from api.pages.orders import given_to_door
from api.pages.settings.desk import Desk, RegistrarsDesk
from api.standing_open import refuse_without_door
from api.telling import Done
from gate.errors import Sentence
from gate.store.site import schedules

router = APIRouter(route_class=EarlyRefusal, include_in_schema=False, prefix="/settings/free-access")


def _shown(desk: Desk, **said: Any) -> Response:
    first = desk.context.settings.door.first_person_group
    return desk.page(
        "free-access", schedules=schedules.every(desk.connection), chosen=schedules.free_schedule(desk.connection),
        can_hold=desk.context.can_hold, door=door_status(desk.context), waits_for=first,
        nobody=first is not None and not schedules.has_group(desk.connection, first), **said,
    )  # fmt: skip


@router.get("")
def show_free_access(desk: RegistrarsDesk) -> Response:
    """When the gate stands open, and whether it is held open now."""
    return _shown(desk)


@router.post("")
def choose_hours(desk: RegistrarsDesk, schedule: Annotated[str, Form(max_length=60)] = "") -> Response:
    """The gate stands open whenever this schedule says so; without one never. For whoever may open it."""
    refuse_without_door(desk.actor)

    def choose() -> None:
        schedules.set_free_access(desk.connection, schedule or None, desk.actor.label, can_hold=desk.context.can_hold)

    return desk.after(choose, Sentence("Saved."), _shown)


@router.post("/{order}")
def order_door(desk: RegistrarsDesk, order: Literal["hold", "close", "release"]) -> Response:
    """Hold it open from now on, or end that alone, or all that bars or opens it."""
    refuse_without_door(desk.actor)
    told = given_to_door(desk.context, order, desk.actor)
    return desk.done(Done(told.words)) if told.good else _shown(desk, problem=told.words)
