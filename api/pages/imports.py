"""The console's page for many people at once."""

from __future__ import annotations

import sqlite3
from collections import Counter
from functools import partial
from typing import Annotated

from fastapi import APIRouter, Depends, Form, Request, UploadFile
from fastapi.responses import RedirectResponse, Response

from api.acting import still_may
from api.actors import Registrar, refuse_form_of_another
from api.auth import Actor, Permission
from api.context import Context, Shared, Store, record_look_once
from api.early_refusal import EarlyRefusal
from api.imported import Phase
from api.pages.import_words import DONE, PHASES, REHEARSED
from api.pages.page import LOST, go_on, language_of, page, said_of
from api.pages.told_once import then, told_once
from api.photo_links import draw, lacking, new_key
from api.telling import Done
from api.v1.imports import LOOK, MOST_TICKED, start
from enroll import consent as texts
from enroll.tables.encodings import ENCODINGS
from gate.errors import FacegateError, Refusal, Sentence
from gate.store.people.residents import Resident
from gate.store.site import areas

router = APIRouter(route_class=EarlyRefusal, include_in_schema=False, prefix="/import")

_LINES_SHOWN = 500
_CANCELLED = Sentence("Cancelled. Nothing was changed.")
_Key = Annotated[str, Form(max_length=64)]


@router.get("")
def show_import(request: Request, context: Shared, connection: Store, actor: Registrar, part: str = "") -> Response:
    """How far the import is, or how to begin one."""
    if part == "live":
        return _page(request, context, connection, actor, "import_live.html")
    return _page(request, context, connection, actor, "import.html", **said_of(request, told_once(request)))


@router.post("", dependencies=[Depends(refuse_form_of_another)])
def start_import(
    request: Request,
    context: Shared,
    connection: Store,
    actor: Registrar,
    files: list[UploadFile] | None = None,
    encoding: Annotated[str, Form(max_length=20)] = "",
    language: Annotated[str, Form(max_length=20)] = "",
) -> Response:
    """Rehearse what was chosen."""
    try:
        chosen = [one for one in files or [] if one.filename]
        start(context, connection, actor, chosen, encoding, language or _spoken(request, context))
    except FacegateError as error:
        said = language_of(request).error(error)
        return _page(request, context, connection, actor, "import.html", said, warning=language_of(request)(LOST))
    return go_on(request, "/import")


@router.post("/run", form_limits={"max_fields": MOST_TICKED})
def run_import(
    request: Request, context: Shared, connection: Store, actor: Registrar, key: _Key = "",
    another: Annotated[list[int] | None, Form()] = None,
) -> Response:  # fmt: skip
    """Do it; on the lines `another` stand other people than those who were shown beside them."""
    try:
        context.importer.carry_out(actor.label, partial(still_may, actor, Permission.PEOPLE), another or (), key)
    except FacegateError as error:
        return _page(request, context, connection, actor, "import.html", language_of(request).error(error))
    return RedirectResponse("/import", 303)


@router.post("/stop")
def stop_import(request: Request, context: Shared, connection: Store, actor: Registrar, key: _Key = "") -> Response:
    """Stop the one that was shown, and show how far it came."""
    try:
        context.importer.stop(connection, actor.label, key)
    except Refusal as error:
        return _page(request, context, connection, actor, "import.html", language_of(request).error(error))
    return RedirectResponse("/import", 303)


@router.post("/discard")
def discard_import(request: Request, context: Shared, connection: Store, actor: Registrar, key: _Key = "") -> Response:
    """Forget the one that was shown, and what was uploaded."""
    now = context.importer.now
    try:
        context.importer.discard(connection, actor.label, key)
    except Refusal as error:
        return _page(request, context, connection, actor, "import.html", language_of(request).error(error))
    lasted = now is not None and now.is_rehearsal and now.phase is not Phase.FAILED
    return then(request, "/import", Done(_CANCELLED)) if lasted else RedirectResponse("/import", 303)


@router.post("/photo-links")
def draw_links(context: Shared, connection: Store, actor: Registrar, link_key: _Key) -> Response:
    """A link for each of the table who has neither a face nor a link; they are shown on the next page."""
    with context.own_photos.drawing.taken():
        draw(context, connection, actor, _lacking(context, connection), link_key, once=False)
    return RedirectResponse(f"/photo-links?key={link_key}", 303)


def _lacking(context: Context, connection: sqlite3.Connection) -> list[Resident]:
    now = context.importer.now
    return lacking(connection, now.people()) if now is not None and context.by_face else []


def _spoken(request: Request, context: Context) -> str:
    """In which language people here agree, as far as settings and reader tell."""
    tag = language_of(request).tag
    return context.settings.enrolment.language_else(tag if tag in texts.LANGUAGES else "en")


def _page(
    request: Request, context: Context, connection: sqlite3.Connection, actor: Actor, template: str,
    problem: str | None = None, warning: str | None = None, notice: str | None = None,
) -> Response:  # fmt: skip
    now = context.importer.now
    lines = now.lines() if now else []
    if now is not None:
        record_look_once(connection, context, actor, LOOK, begins=template == "import.html", of=now.key)
    # What needs somebody's eye comes first.
    shown = sorted(lines, key=lambda one: (one.action != "refused", not one.warns, one.line))[:_LINES_SHOWN]
    counts = Counter(one.action for one in lines)
    is_done = now is not None and not now.is_rehearsal
    return page(
        request, template, status_code=422 if problem else 200, actor=actor, job=now, lines=shown, counts=counts,
        areas=areas.every(connection),
        problem=problem, warning=warning, notice=notice, encodings=ENCODINGS, spoken=_spoken(request, context),
        language_names={one.tag: one.name for one in context.languages.all if one.tag in texts.LANGUAGES},
        lacking=len(_lacking(context, connection)), link_key=new_key(),
        warnings=sum(one.warns for one in lines), phases=PHASES, actions=DONE if is_done else REHEARSED,
    )  # fmt: skip
