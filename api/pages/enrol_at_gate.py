"""Enrolling at a gate's own camera, this one's or at a centre another's: the page of whoever leads it asks for each
look, and is told what is seen."""

from __future__ import annotations

import base64
import sqlite3
from typing import Annotated, Any

from fastapi import APIRouter, Form, Request
from fastapi.responses import JSONResponse, Response

from api.actors import Registrar
from api.auth import Actor
from api.context import Context, Shared, Store, record_look, record_look_once
from api.early_refusal import EarlyRefusal
from api.far_camera import Away, FarCamera, known
from api.languages import Language
from api.pages.enrol_words import Guidance
from api.pages.page import language_of
from api.sittings import look as look_here
from enroll.duplicates import WHOSE_FACE, Lookalike
from enroll.sitting import MOST
from gate.errors import Refusal, together
from gate.fleet.cameras import Photographed

router = APIRouter(route_class=EarlyRefusal, include_in_schema=False, prefix="/enrol/gate")

_Id = Annotated[str, Form(max_length=64)]


@router.post("")
def begin(request: Request, connection: Store, context: Shared, actor: Registrar, gate: _Id = "") -> JSONResponse:
    """Begin, at the gate of this id, or without one here: {"key"}; or {"problem"} where that cannot be. It is on record
    as a look."""
    try:
        if gate:
            far = FarCamera(context, connection, actor, gate)
            key = far.begin()
            record_look(connection, actor, "the camera", gates=far.name)
        else:
            name = actor.user.name if actor.user is not None else actor.label
            key = context.at_gate.begin(actor.label, name).key
            record_look(connection, actor, "the camera")
    except Refusal as refused:
        return _problem(request, refused)
    return JSONResponse({"key": key})


@router.post("/look")
def look(
    request: Request,
    connection: Store,
    context: Shared,
    actor: Registrar,
    key: _Id,
    have: Annotated[int, Form()] = 0,
    resident: _Id = "",
    gate: _Id = "",
) -> JSONResponse:
    """One look: {"words", "good", "over", "jpeg", "age", "photos"}, or {"problem"} where it is over.

    `photos` are those that the page does not `have` by their numbers: {"number", "jpeg", "portrait", "warning"}; of
    another gate's their `jpeg` is null, since it stays there. `age` is how old the picture is, seconds.
    """
    words = language_of(request)
    try:
        if gate:
            far = FarCamera(context, connection, actor, gate)
            return JSONResponse(_look_far(context, connection, actor, far, key, have, resident, words))
        return JSONResponse(_look_here(context, connection, actor, key, have, resident, words))
    except Away as away:
        said = {"words": words.error(away), "good": False, "over": False, "jpeg": None, "age": None, "photos": []}
        return JSONResponse(said)
    except Refusal as refused:
        return _problem(request, refused)


@router.post("/removal")
def remove_photo(
    request: Request, connection: Store, context: Shared, actor: Registrar, key: _Id,
    number: Annotated[int, Form()], gate: _Id = "",
) -> JSONResponse:  # fmt: skip
    """Forget a photo: {}, or {"problem"} where it is over."""
    try:
        if gate:
            FarCamera(context, connection, actor, gate).remove(key, number)
        else:
            context.at_gate.remove(key, actor.label, number)
    except Refusal as refused:
        return _problem(request, refused)
    return JSONResponse({})


@router.post("/cancelled")
def cancel(
    connection: Store, context: Shared, actor: Registrar, key: _Id, sent: Annotated[bool, Form()] = False,
    gate: _Id = "",
) -> Response:  # fmt: skip
    """End it and keep nothing; `sent`: its page was left since its form was sent, with the photos there were."""
    if gate:
        FarCamera(context, connection, actor, gate).end(key, sent=sent)
    else:
        context.at_gate.cancel(key, actor.label, sent=sent)
    return Response(status_code=204)


def _look_here(
    context: Context, connection: sqlite3.Connection, actor: Actor, key: str, have: int, resident: str, words: Language
) -> dict[str, Any]:
    seen = look_here(context, connection, actor, key, have, resident)
    photos = [
        {
            "number": one.taken.number, "jpeg": _base64(one.taken.jpeg), "portrait": _base64(one.portrait),
            "warning": _warning(one.alike, words),
        }
        for one in seen.photos
    ]  # fmt: skip
    return _said(Guidance.here(seen), words) | {
        "jpeg": _base64(seen.jpeg) if seen.jpeg else None, "age": seen.age_s, "photos": photos
    }  # fmt: skip


def _look_far(
    context: Context, connection: sqlite3.Connection, actor: Actor, far: FarCamera, key: str, have: int, resident: str,
    words: Language,
) -> dict[str, Any]:  # fmt: skip
    seen = far.look(key, have, resident)
    if seen.over and seen.missing < MOST:
        # What comes of it is fetched while the gate has it.
        far.take(key, resident)
    photos = [
        {
            "number": one.number, "jpeg": None, "portrait": _base64(one.portrait),
            "warning": _warning_far(context, connection, actor, far, key, one, resident, words),
        }
        for one in seen.photos
    ]  # fmt: skip
    return _said(Guidance.far(seen), words) | {
        "jpeg": _base64(seen.jpeg) if seen.jpeg else None, "age": seen.age_s, "photos": photos
    }  # fmt: skip


def _warning_far(
    context: Context, connection: sqlite3.Connection, actor: Actor, far: FarCamera, key: str, one: Photographed,
    resident: str, words: Language,
) -> str:  # fmt: skip
    try:
        alike = known(connection, one.alike, far.name, resident)
    except Refusal as refused:
        return words.error(refused)
    if alike:
        record_look_once(connection, context, actor, WHOSE_FACE, of=key)
    return _warning(alike, words)


def _said(told: Guidance, words: Language) -> dict[str, Any]:
    return {"words": words(told.words), "good": told.good, "over": told.over}


def _warning(alike: tuple[Lookalike, ...], words: Language) -> str:
    """Whose face it is already; empty where it is nobody's."""
    return words(together([one.said for one in alike])) if alike else ""


def _problem(request: Request, refused: Refusal) -> JSONResponse:
    return JSONResponse({"problem": language_of(request).error(refused)})


def _base64(jpeg: bytes) -> str:
    return base64.b64encode(jpeg).decode("ascii")
