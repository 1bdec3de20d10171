"""The page of holidays: days on which schedules keep other hours, or open never."""

from __future__ import annotations

from datetime import date
from functools import partial
from typing import Annotated, Any

from fastapi import APIRouter, Form
from fastapi.responses import Response

from api.early_refusal import EarlyRefusal
from api.pages.settings.desk import Desk, RegistrarsDesk, Text
from api.standing_open import changing_hours
from gate.clock import zone_of
from gate.errors import Refusal, Sentence, together
from gate.store.site import holidays, schedules

router = APIRouter(route_class=EarlyRefusal, include_in_schema=False, prefix="/settings/holidays")

_NOTHING = {"name": "", "first_day": "", "last_day": "", "schedule": "", "hours": ""}
_Day = Annotated[str, Form(max_length=10)]


def _shown(desk: Desk, typed: dict[str, str] | None = None, **said: Any) -> Response:
    """The page, those that are over last, with what is `typed` in its form."""
    every = sorted(holidays.every(desk.connection), key=lambda one: _is_over(desk, one.last_day))
    shown = [(one, holidays.going_before(one, every)) for one in every]
    return desk.page(
        "holidays", holidays=shown, is_over=partial(_is_over, desk), schedules=schedules.every(desk.connection),
        typed=_NOTHING | (typed or {}), day=date.fromisoformat, **said,
    )  # fmt: skip


def _is_over(desk: Desk, last_day: str) -> bool:
    return holidays.is_over(last_day, zone_of(desk.context.zone))


@router.get("")
def show_holidays(desk: RegistrarsDesk) -> Response:
    """All of them, and the form that adds one."""
    return _shown(desk)


@router.post("")
def add_holiday(
    desk: RegistrarsDesk, name: Text, first_day: _Day, last_day: _Day = "",
    schedule: Annotated[str, Form(max_length=60)] = "", hours: Annotated[str, Form(max_length=200)] = "",
) -> Response:  # fmt: skip
    """Add one; what was typed stays in the form where something is wrong with it."""
    new = holidays.New(name, first_day, last_day, schedule or None, hours)
    typed = {"name": name, "first_day": first_day, "last_day": last_day, "schedule": schedule, "hours": hours}
    said = [Sentence("Saved."), *([holidays.OVER] if _is_over(desk, last_day or first_day) else [])]

    def add() -> None:
        with changing_hours(desk.connection, desk.actor, new.schedule):
            holidays.add(desk.connection, new, desk.actor.label)

    return desk.after(add, together(said), _shown, typed)


@router.post("/{holiday}/removal")
def remove_holiday(desk: RegistrarsDesk, holiday: str) -> Response:
    """The weekly hours hold on its days again."""

    def remove() -> None:
        found = holidays.get(desk.connection, holiday)
        if found is None:
            raise Refusal("There is no such holiday.")
        with changing_hours(desk.connection, desk.actor, found.schedule):
            holidays.remove(desk.connection, holiday, desk.actor.label)

    return desk.after(remove, Sentence("Removed."), _shown)
