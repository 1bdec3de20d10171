"""Enrolling at the gate's own camera: the page of whoever leads it asks for each look, and is told what is seen."""

from __future__ import annotations

import base64
import io
import math
import sqlite3
from typing import TYPE_CHECKING, Annotated, Any

from fastapi import APIRouter, Form, Request
from fastapi.responses import JSONResponse, Response

from api.actors import Registrar
from api.at_gate import Led
from api.context import Context, Shared, Store, record_look, record_look_once
from api.early_refusal import EarlyRefusal
from api.languages import Language
from api.pages.camera import picture_of
from api.pages.enrol import portrait_of
from api.pages.enrol_words import AT_THE_DESK, LOOK_FIRST
from api.pages.page import language_of
from api.problems import HttpProblem
from enroll.duplicates import WHOSE_FACE
from enroll.sitting import MOST, Prompt, Seen
from gate.errors import Refusal, Sentence, together

if TYPE_CHECKING:
    from enroll.sitting import Face

# While the prompt is one of these, all is as it should be.
_GOOD = (Prompt.BEGINS, Prompt.STRAIGHT, Prompt.LEFT, Prompt.RIGHT, Prompt.HOLD, Prompt.ENOUGH)

router = APIRouter(route_class=EarlyRefusal, include_in_schema=False, prefix="/enrol/gate")

_Key = Annotated[str, Form(max_length=64)]


@router.post("")
def begin(request: Request, connection: Store, context: Shared, actor: Registrar) -> JSONResponse:
    """Begin: {"key"}; or {"problem"} while somebody else does. It is on record as a look."""
    name = actor.user.name if actor.user is not None else actor.label
    try:
        led = context.at_gate.begin(actor.label, name)
    except Refusal as refused:
        return JSONResponse({"problem": language_of(request).error(refused)})
    record_look(connection, actor, "the camera")
    return JSONResponse({"key": led.key})


@router.post("/look")
def look(
    request: Request,
    connection: Store,
    context: Shared,
    actor: Registrar,
    key: _Key,
    have: Annotated[int, Form()] = 0,
    resident: Annotated[str, Form(max_length=64)] = "",
) -> JSONResponse:
    """One look: {"words", "good", "over", "jpeg", "photos"}, or {"problem"} where it is over.

    `photos` are those that the page does not `have` by their numbers: {"number", "jpeg", "portrait", "warning"}.
    """
    words = language_of(request)
    jpeg, seen, advice = _seen(context)
    try:
        led = context.at_gate.look(key, actor.label, seen)
    except Refusal as refused:
        return JSONResponse({"problem": words.error(refused)})
    new = [one for one in led.sitting.taken if one.number > have]
    photos = [
        {
            "number": one.number,
            "jpeg": _base64(one.jpeg),
            "portrait": portrait_of(one.face.portrait),
            "warning": _warning(context, connection, one.face, resident, words),
        }
        for one in new
    ]
    if any(one["warning"] for one in photos):
        record_look_once(connection, context, actor, WHOSE_FACE, of=led.key)
    is_somebodys = led.sitting.over and any(
        _warning(context, connection, one.face, resident, words) for one in led.sitting.taken
    )
    said = _said(led, advice, words, is_somebodys=is_somebodys)
    return JSONResponse(said | {"jpeg": _base64(jpeg) if jpeg else None, "photos": photos})


@router.post("/removal")
def remove_photo(
    request: Request, context: Shared, actor: Registrar, key: _Key, number: Annotated[int, Form()]
) -> JSONResponse:
    """Forget a photo: {}, or {"problem"} where it is over."""
    try:
        context.at_gate.remove(key, actor.label, number)
    except Refusal as refused:
        return JSONResponse({"problem": language_of(request).error(refused)})
    return JSONResponse({})


@router.post("/cancelled")
def cancel(context: Shared, actor: Registrar, key: _Key, sent: Annotated[bool, Form()] = False) -> Response:
    """End it and keep nothing; `sent`: its page was left since its form was sent, with the photos there were."""
    context.at_gate.cancel(key, actor.label, sent=sent)
    return Response(status_code=204)


def _seen(context: Context) -> tuple[bytes | None, Seen | None, Sentence | None]:
    """The picture, what is in it, and of an unfit face what would help. All None: the camera gives no picture."""
    from enroll.checks import PhotoRefused

    try:
        jpeg = picture_of(context)
    except HttpProblem:
        return None, None, None
    try:
        return jpeg, Seen(jpeg, context.enroller.look(io.BytesIO(jpeg))), None
    except PhotoRefused as refused:
        advice = Sentence(refused.sentence.pattern, **refused.sentence.values | {"photo": Sentence("The picture")})
        return jpeg, Seen(jpeg, reason=refused.reason), advice


def _said(led: Led, advice: Sentence | None, words: Language, *, is_somebodys: bool) -> dict[str, Any]:
    sitting = led.sitting
    told = AT_THE_DESK.get(sitting.prompt) or advice or AT_THE_DESK[Prompt.NOBODY]
    gaps = {"seconds": math.ceil(sitting.left_s or 0), "missing": sitting.missing, "asked": MOST}
    said = Sentence(told.pattern, **told.values | gaps)
    return {
        "words": words(together([said, LOOK_FIRST]) if is_somebodys else said),
        "good": sitting.prompt in _GOOD and not is_somebodys,
        "over": sitting.over,
    }


def _warning(context: Context, connection: sqlite3.Connection, face: Face, resident: str, words: Language) -> str:
    """Whose face it is already; empty where it is nobody's."""
    like = context.enroller.like(connection, face, resident)
    return words(together([one.said for one in like])) if like else ""


def _base64(jpeg: bytes) -> str:
    return base64.b64encode(jpeg).decode("ascii")
