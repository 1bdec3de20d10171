"""The screen at the gate: big, calm, without a login, on the gate's own machine or with a token."""

from __future__ import annotations

import time
from functools import reduce
from typing import Annotated

from fastapi import APIRouter, Depends, Request
from fastapi.responses import JSONResponse, Response, StreamingResponse

from api.asked_first import AskedFirst
from api.auth import Actor, Permission
from api.context import Context, Shared, door_status, store_of
from api.languages import Language
from api.pages.page import language_of, page
from api.v1.live import streamed
from api.who_asks import here_or
from api.wording import SCREEN, SCREEN_REASONS
from gate.care.health import age_s, vision_status
from gate.errors import Sentence
from gate.processes.status import DoorStatus
from gate.store.people import residents

# What was seen longer ago is no longer there, seconds.
_FRESH_S = 2.0

router = APIRouter(route_class=AskedFirst, prefix="/gate", dependencies=[Depends(here_or(Permission.LIVE))])


@router.get("")
def show_screen(request: Request, context: Shared) -> Response:
    """The page that a small display shows full screen."""
    return page(request, "screen.html", now=_now(request, context))


@router.get("/now")
def show_now(request: Request, context: Shared) -> JSONResponse:
    """What the screen says: {"signal", "words", "advice"}; a name only where the settings allow it."""
    return JSONResponse(_now(request, context))


@router.get("/silhouette")
def show_silhouette(context: Shared) -> JSONResponse:
    """Where the nearest face is, and no picture: {"face": [right of the middle, down, width, height] or null}."""
    vision = vision_status(context.state)
    age = age_s(vision.last_inference_mono, time.monotonic()) if vision else None
    return JSONResponse({"face": vision.nearest if vision and age is not None and age < _FRESH_S else None})


@router.get("/live")
async def follow(
    request: Request, actor: Annotated[Actor | None, Depends(here_or(Permission.LIVE))]
) -> StreamingResponse:
    """Server-sent events named `change`."""
    return streamed(request, actor)


def _now(request: Request, context: Context) -> dict[str, str]:
    language, door = language_of(request), door_status(context)
    signal = str(door.signal) if door else "fault"
    words, advice = SCREEN.get(signal, SCREEN["ready"])
    screen = context.settings.get("screen", {})
    if signal == "deny":
        words, advice = screen.get("unknown") or words, screen.get("unknown_advice") or advice
    reason = str(door.reason) if door and signal in ("deny", "come_closer") else ""
    words, advice = SCREEN_REASONS.get(reason, (words, advice))
    if signal == "grant" and screen.get("name") and door and (name := _names_of(context, language, door)):
        words = Sentence("Welcome home, {name}", name=name)
    return {"signal": signal, "words": language(words), "advice": language(advice)}


def _names_of(context: Context, language: Language, door: DoorStatus) -> str:
    """Of all whom the gate greets, in the order in which they came; empty where it greets nobody by name."""
    with store_of(context) as connection:
        found = [residents.get(connection, one) for one in door.residents]
    names = [one.name for one in found if one is not None]
    return reduce(lambda before, name: language(Sentence("{names}, {name}", names=before, name=name)), names or [""])
