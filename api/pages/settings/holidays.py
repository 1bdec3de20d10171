"""The page of holidays: days on which schedules keep other hours, or open never."""

from __future__ import annotations

from datetime import date
from functools import partial
from typing import Annotated, Any

from fastapi import APIRouter, Form, UploadFile
from fastapi.responses import Response
from pydantic import StringConstraints

from api.early_refusal import EarlyRefusal
from api.pages.settings.desk import Desk, RegistrarsDesk, Text
from api.standing_open import changing_hours
from enroll.calendar_file import MOST_BYTES, Calendar, read_calendar
from gate.clock import zone_of
from gate.errors import FacegateError, Refusal, Sentence, together
from gate.store.site import holidays, schedules

router = APIRouter(route_class=EarlyRefusal, include_in_schema=False, prefix="/settings/holidays")

_NOTHING = {"name": "", "first_day": "", "last_day": "", "schedule": "", "hours": ""}
_Day = Annotated[str, Form(max_length=10)]
# As many as a form of ours has fields, and some for the rest of it.
_OFFERED = 80
_Chosen = Annotated[str, StringConstraints(max_length=100)]


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


@router.post("/file")
def look_at_file(desk: RegistrarsDesk, file: UploadFile) -> Response:
    """What a calendar file holds, to be ticked before anything is added. Nothing of the file is kept."""
    try:
        calendar = read_calendar(file.file.read(MOST_BYTES + 1), desk.context.today)
        if not calendar.found:
            raise Refusal("The file has no holiday that is not over.")
    except FacegateError as error:
        return _shown(desk, problem=error.plain)
    return _offered(desk, calendar)


def _offered(desk: Desk, calendar: Calendar) -> Response:
    kept, marks = holidays.every(desk.connection), any(one.marked for one in calendar.found)
    offered = calendar.found[:_OFFERED]
    new = [holidays.New(one.name, one.first.isoformat(), one.last.isoformat()) for one in offered]
    meant = [one for one, found in zip(new, offered, strict=True) if found.marked or not marks]
    ticked = holidays.that_fit(meant, kept)
    rows = [(one, one in ticked, holidays.in_the_way(one, kept)) for one in new]
    return desk.page(
        "calendar", rows=rows, left_out=calendar.left_out, over=calendar.over, damaged=calendar.damaged,
        more=len(calendar.found) - len(rows), schedules=schedules.every(desk.connection), back="/settings/holidays",
        day=date.fromisoformat,
    )  # fmt: skip


@router.post("/file/added")
def add_from_file(
    desk: RegistrarsDesk, chosen: Annotated[list[_Chosen] | None, Form()] = None,
    schedule: Annotated[str, Form(max_length=60)] = "", hours: Annotated[str, Form(max_length=200)] = "",
) -> Response:  # fmt: skip
    """Add what was ticked, all or nothing."""
    new = [_new_of(one, schedule or None, hours) for one in chosen or []]

    def add() -> None:
        if not new:
            raise Refusal("No holiday was ticked; nothing was added.")
        with changing_hours(desk.connection, desk.actor, schedule or None):
            holidays.add_all(desk.connection, new, desk.actor.label)

    return desk.after(add, Sentence("Added: {count}.", count=len(new)), _shown)


def _new_of(chosen: str, schedule: str | None, hours: str) -> holidays.New:
    """A holiday as the page offered it: first day, last day, name."""
    first, _, rest = chosen.partition(" ")
    last, _, name = rest.partition(" ")
    return holidays.New(name, first, last, schedule, hours)


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
