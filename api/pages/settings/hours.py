"""The page of hours: schedules, and the groups of residents that have one."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Form
from fastapi.responses import Response

from api.asked_first import AskedFirst
from api.pages.settings.desk import Desk, RegistrarsDesk, Text
from gate.errors import Sentence
from gate.names import clean_text
from gate.store.site import schedules

router = APIRouter(route_class=AskedFirst, prefix="/settings")


def _shown(desk: Desk, **said: Any) -> Response:
    return desk.page(
        "hours", schedules=schedules.every(desk.connection), groups=schedules.groups(desk.connection), **said
    )


@router.get("/hours")
def show_hours(desk: RegistrarsDesk) -> Response:
    """Schedules and groups."""
    return _shown(desk)


@router.post("/schedules")
def put_schedule(desk: RegistrarsDesk, name: Text, windows: Text) -> Response:
    """Add a schedule or change it."""
    return desk.after(
        lambda: schedules.put(desk.connection, clean_text(name, "name"), windows, desk.actor.label),
        Sentence("Saved."), _shown,
    )  # fmt: skip


@router.post("/schedules/removal")
def remove_schedule(desk: RegistrarsDesk, name: Text) -> Response:
    """Remove a schedule that nobody has."""
    return desk.after(lambda: schedules.remove(desk.connection, name, desk.actor.label), Sentence("Removed."), _shown)


@router.post("/groups")
def put_group(desk: RegistrarsDesk, name: Text, schedule: Annotated[str, Form(max_length=60)] = "") -> Response:
    """Add a group or give it other hours."""
    return desk.after(
        lambda: schedules.put_group(desk.connection, clean_text(name, "name"), schedule or None, desk.actor.label),
        Sentence("Saved."), _shown,
    )  # fmt: skip
