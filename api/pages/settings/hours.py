"""The page of hours: schedules, drawn or typed, and the groups of residents that have one."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Form, Query
from fastapi.responses import JSONResponse, Response

from api.early_refusal import EarlyRefusal
from api.languages import Language
from api.languages.hours import day_names, hours_in
from api.pages.page import language_of
from api.pages.settings.as_shown import refuse_another, shown_as
from api.pages.settings.desk import Desk, RegistrarsDesk, Text
from api.standing_open import changing_hours
from gate.door.named_groups import missing
from gate.errors import Refusal, Sentence
from gate.names import clean_name, clean_text
from gate.schedule import written
from gate.schedule_words import read
from gate.store.database import transaction
from gate.store.site import areas, schedules

router = APIRouter(route_class=EarlyRefusal, include_in_schema=False, prefix="/settings")

_NOTHING: dict[str, Any] = {
    "changed": "",
    "name": "",
    "windows": "",
    "given": (),
    "new_group": False,
    "group": "",
    "regroup": "",
    "schedule": "",
    "area": "",
}
_KnownAs = Annotated[str, Form(max_length=64)]


def _shown(desk: Desk, typed: dict[str, Any] | None = None, **said: Any) -> Response:
    """The page, with what is `typed` in its forms."""
    groups, typed = schedules.groups(desk.connection), {**_NOTHING, **(typed or {})}
    known = {one.name: shown_as(one.windows) for one in schedules.every(desk.connection)}
    if typed["changed"] not in known:
        typed["changed"] = ""
    return desk.page(
        "hours", schedules=schedules.every(desk.connection), groups=groups,
        areas=areas.every(desk.connection), missing=missing(desk.context.settings.door, {one.name for one in groups}),
        typed=typed, known_as=known.get(typed["changed"], ""), words=_words(language_of(desk.request)),
        group_known_as=_groups_shown_as(desk), **said,
    )  # fmt: skip


def _groups_shown_as(desk: Desk) -> dict[str, str]:
    return {one.name: shown_as(one.schedule, one.area) for one in schedules.groups(desk.connection)}


def _words(language: Language) -> dict[str, Any]:
    """What the drawn week is put into words with."""
    return {
        "days": day_names(language),
        "every": language("every day"),
        "run": language("{first} to {last}"),
        "night": language("{start}–{end} the next day"),
        "comma": language(", "),
        "semicolon": language("; "),
    }


@router.get("/hours")
def show_hours(desk: RegistrarsDesk, change: Annotated[str, Query(max_length=60)] = "") -> Response:
    """Schedules and groups; with `change` one of them in the form."""
    found = next((one for one in schedules.every(desk.connection) if change and one.name == change), None)
    if found is None:
        return _shown(desk)
    words = hours_in(language_of(desk.request), found.windows or "")
    return _shown(desk, {"changed": found.name, "name": found.name, "windows": words})


@router.get("/hours/reading")
def read_hours(desk: RegistrarsDesk, words: Annotated[str, Query(max_length=2000)]) -> JSONResponse:
    """What typed hours are taken for: in the reader's words, and as windows of [day, first minute, last minute]."""
    language = language_of(desk.request)
    try:
        schedule = read(words)
    except Refusal as refused:
        return JSONResponse({"problem": language.error(refused)})
    windows = [[one.day, one.start, one.end] for one in schedule.windows]
    return JSONResponse({"words": hours_in(language, written(schedule)), "windows": windows})


@router.post("/schedules")
def put_schedule(
    desk: RegistrarsDesk,
    name: Text,
    windows: Text,
    changed: Annotated[str, Form(max_length=60)] = "",
    group: Annotated[list[str] | None, Form()] = None,
    new_group: Annotated[bool, Form()] = False,
    known_as: _KnownAs = "",
) -> Response:
    """Add a schedule, or change the one that is `known_as` it is, and give it to each `group` and to a new one of its
    name; what was typed stays in the form where it is none."""
    typed = {"changed": changed, "name": name, "windows": windows, "given": group or (), "new_group": new_group}

    def put() -> None:
        called = clean_name(name)
        given = [*(clean_text(one, "name") for one in group or ()), *((called,) if new_group else ())]
        with changing_hours(desk.connection, desk.actor, called):
            was = {one.name: shown_as(one.windows) for one in schedules.every(desk.connection)}
            has = {one.name: one.schedule for one in schedules.groups(desk.connection)}
            if new_group and has.get(called, called) != called:
                raise Refusal("There is a group {name} already: give it these hours by its own box.", name=called)
            kept = schedules.put(desk.connection, called, windows, desk.actor.label, given)
            refuse_another(called, known_as, was.get(called), shown_as(kept))

    return desk.after(put, Sentence("Saved."), _shown, typed, name="hours")


@router.post("/schedules/removal")
def remove_schedule(desk: RegistrarsDesk, name: Text) -> Response:
    """Remove a schedule that nobody has, and that has no holidays of its own."""

    def remove() -> None:
        with changing_hours(desk.connection, desk.actor, name):
            schedules.remove(desk.connection, name, desk.actor.label)

    return desk.after(remove, Sentence("Removed."), _shown, name="hours")


@router.post("/groups")
def put_group(
    desk: RegistrarsDesk, name: Text, schedule: Annotated[str, Form(max_length=60)] = "",
    area: Annotated[str, Form(max_length=60)] = "", known_as: _KnownAs = "",
) -> Response:  # fmt: skip
    """Add a group, or give the one that is `known_as` it is other hours or another area; all gates are "-", as the form
    says it."""

    def put() -> None:
        called = clean_name(name)
        with transaction(desk.connection):
            was = _groups_shown_as(desk)
            schedules.put_group(
                desk.connection, called, schedule or None, desk.actor.label,
                area=None if not area else area.removeprefix("-"),
            )  # fmt: skip
            refuse_another(called, known_as, was.get(called), _groups_shown_as(desk)[called])

    typed = {"regroup" if known_as else "group": name, "schedule": schedule, "area": area}
    return desk.after(put, Sentence("Saved."), _shown, typed, name="hours")
