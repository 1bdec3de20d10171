"""Groups of residents, and the hours of people and gate."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path, Response
from pydantic import BaseModel, ConfigDict, Field

from api.actors import Registrar
from api.context import Context, Shared, Store
from api.early_refusal import EarlyRefusal
from api.gates import leads_gates
from api.problems import RESPONSES, HttpProblem
from api.standing_open import changing_hours, refuse_without_door
from gate.clock import zone_of
from gate.names import clean_name
from gate.store.compound import gates
from gate.store.site import areas, holidays, schedules

router = APIRouter(route_class=EarlyRefusal, prefix="/api/v1", tags=["schedules"], responses=RESPONSES)

Name = Annotated[str, Path(min_length=1, max_length=60)]


class Schedule(BaseModel):
    """Weekly hours, in words such as `Mon-Fri 07:00-19:00; Sat 08:00-12:00`."""

    name: str
    windows: str | None
    used_by: int


class Group(Schedule):
    """A group with its hours and its area; `area` null: all gates."""

    area: str | None


class GroupOf(BaseModel):
    """What a group has. Hours that are absent are none, but stay where an area is given; an area that is absent or null
    stays, an empty text is none."""

    model_config = ConfigDict(extra="forbid")
    schedule: str | None = Field(None, max_length=60)
    area: str | None = Field(None, max_length=60)


class Area(BaseModel):
    """A named set of gates: who has it is let in at those alone. `gates` are their names by their ids."""

    name: str
    gates: dict[str, str]
    used_by: int


class Gates(BaseModel):
    """The gates of an area, by their ids."""

    model_config = ConfigDict(extra="forbid")
    gates: list[Annotated[str, Field(max_length=64)]] = Field(min_length=1, max_length=1000)


class Windows(BaseModel):
    """The hours of a schedule."""

    model_config = ConfigDict(extra="forbid")
    windows: str = Field(max_length=2000)


class ScheduleOf(BaseModel):
    """Which schedule; null: at any time (of the gate itself: never open to all)."""

    model_config = ConfigDict(extra="forbid")
    schedule: str | None = Field(None, max_length=60)


class Holiday(BaseModel):
    """Days, both whole, on which a schedule (null: every one) keeps other hours (null: it opens never)."""

    id: str
    name: str
    first_day: str
    last_day: str
    schedule: str | None
    hours: str | None
    yields_to: list[str] = Field(description="The ids of those that hold in its place on the days that both have.")
    over: bool = Field(description="Whether its last day is before today: of one just added, most likely a slip.")


class NewHoliday(BaseModel):
    """A holiday to add. Without a last day it is the first alone; without hours nothing opens."""

    model_config = ConfigDict(extra="forbid")
    name: str = Field(min_length=1, max_length=60)
    first_day: str = Field(max_length=10)
    last_day: str | None = Field(None, max_length=10)
    schedule: str | None = Field(None, max_length=60)
    hours: str | None = Field(None, max_length=200)


@router.get("/schedules")
def list_schedules(connection: Store, _actor: Registrar) -> list[Schedule]:
    """All schedules by name."""
    return [Schedule(name=one.name, windows=one.windows, used_by=one.used_by) for one in schedules.every(connection)]


@router.put("/schedules/{name}", status_code=204)
def put_schedule(name: Name, hours: Windows, connection: Store, actor: Registrar) -> Response:
    """Add a schedule or change its hours. Where the gate itself stands open by it, this needs `door` too."""
    called = clean_name(name)
    with changing_hours(connection, actor, called):
        schedules.put(connection, called, hours.windows, actor.label)
    return Response(status_code=204)


@router.delete("/schedules/{name}", status_code=204)
def remove_schedule(name: Name, connection: Store, actor: Registrar) -> Response:
    """Remove a schedule that nobody has, and that has no holidays of its own."""
    with changing_hours(connection, actor, name):
        schedules.remove(connection, name, actor.label)
    return Response(status_code=204)


@router.get("/groups")
def list_groups(connection: Store, _actor: Registrar) -> list[Group]:
    """All groups by name, with the hours and the area of each."""
    return [
        Group(name=one.name, windows=one.windows, used_by=one.used_by, area=one.area)
        for one in schedules.groups(connection)
    ]


@router.put("/groups/{name}", status_code=204)
def put_group(name: Name, given: GroupOf, connection: Store, actor: Registrar) -> Response:
    """Add a group or give it another schedule or area."""
    keeps_hours = "schedule" not in given.model_fields_set and "area" in given.model_fields_set
    schedules.put_group(
        connection, clean_name(name), given.schedule, actor.label, area=given.area, keeps_hours=keeps_hours
    )
    return Response(status_code=204)


@router.get("/areas")
def list_areas(connection: Store, _actor: Registrar) -> list[Area]:
    """All areas by name; a gate alone has none."""
    return [Area(name=one.name, gates=dict(one.gates), used_by=one.used_by) for one in areas.every(connection)]


@router.put("/areas/{name}", status_code=204)
def put_area(name: Name, chosen: Gates, connection: Store, context: Shared, actor: Registrar) -> Response:
    """Add an area or give it other gates, at the centre."""
    _refuse_where_no_centre(context)
    doors = gates.doors(connection, context.gate)
    unknown = next((one for one in chosen.gates if one not in doors), None)
    if unknown is not None:
        raise HttpProblem(422, "No gate of this compound has the id {gate}.", gate=unknown)
    areas.put(connection, clean_name(name), {one: doors[one] for one in chosen.gates}, actor.label)
    return Response(status_code=204)


@router.delete("/areas/{name}", status_code=204)
def remove_area(name: Name, connection: Store, context: Shared, actor: Registrar) -> Response:
    """Remove an area that nobody has, at the centre."""
    _refuse_where_no_centre(context)
    areas.remove(connection, name, actor.label)
    return Response(status_code=204)


def _refuse_where_no_centre(context: Context) -> None:
    if not leads_gates(context):
        raise HttpProblem(404, "Areas are made at the centre of many gates, and this machine is none.")


@router.put("/free-access", status_code=204)
def put_free_access(hours: ScheduleOf, connection: Store, context: Shared, actor: Registrar) -> Response:
    """When the gate itself stands open: for whoever may open it (`door`)."""
    refuse_without_door(actor)
    schedules.set_free_access(connection, hours.schedule, actor.label, can_hold=context.can_hold)
    return Response(status_code=204)


@router.get("/holidays")
def list_holidays(connection: Store, context: Shared, _actor: Registrar) -> list[Holiday]:
    """All holidays by day."""
    every = holidays.every(connection)
    return [_holiday(one, every, context) for one in every]


@router.post("/holidays", status_code=201)
def add_holiday(new: NewHoliday, connection: Store, context: Shared, actor: Registrar) -> Holiday:
    """Add a holiday: a day has one for the same schedule; that of a schedule holds before one of every schedule.

    Where the gate itself stands open by the hours that it changes, this needs `door` too.
    """
    wanted = holidays.New(new.name, new.first_day, new.last_day or "", new.schedule, new.hours or "")
    with changing_hours(connection, actor, new.schedule):
        added = holidays.add(connection, wanted, actor.label)
    every = holidays.every(connection)
    return next(_holiday(one, every, context) for one in every if one.id == added)


@router.delete("/holidays/{holiday}", status_code=204)
def remove_holiday(holiday: Annotated[str, Path(max_length=64)], connection: Store, actor: Registrar) -> Response:
    """Remove a holiday: the weekly hours hold on its days again. It needs `door` where adding it would."""
    found = holidays.get(connection, holiday)
    if found is None:
        raise HttpProblem(404, "There is no such holiday.")
    with changing_hours(connection, actor, found.schedule):
        holidays.remove(connection, holiday, actor.label)
    return Response(status_code=204)


def _holiday(one: holidays.Kept, every: list[holidays.Kept], context: Context) -> Holiday:
    return Holiday(
        id=one.id, name=one.name, first_day=one.first_day, last_day=one.last_day, schedule=one.schedule,
        hours=one.windows, yields_to=[other.id for other in holidays.going_before(one, every)],
        over=holidays.is_over(one.last_day, zone_of(context.zone)),
    )  # fmt: skip
