"""The screen at the gate: big, calm, without a login, on the gate's own machine or with a token."""

from __future__ import annotations

import json
import math
import time
from contextlib import suppress
from dataclasses import replace
from datetime import datetime
from functools import cache, reduce
from hashlib import sha256
from pathlib import Path
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request
from fastapi.responses import FileResponse, JSONResponse, Response, StreamingResponse

from api.actors import here_or
from api.auth import Actor, Permission
from api.context import Context, Shared, store_of
from api.early_refusal import EarlyRefusal
from api.languages import Language
from api.pages.enrol_words import said_at_the_gate
from api.pages.page import language_of, page
from api.pages.screen_words import (
    CAMERA_GONE,
    GREETED,
    REASONS,
    RING,
    SCREEN_GONE,
    TYPING,
    Look,
    Said,
    said_by,
    without_camera,
)
from api.v1.live import streamed
from gate.care.health import age_s, door_status, sees, statuses, vision_status
from gate.clock import zone_of
from gate.errors import Sentence
from gate.processes.client import LinkDown
from gate.processes.status import DoorStatus
from gate.store.people import residents
from gate.vocabulary import Reason

# What was seen longer ago is no longer there, seconds.
_FRESH_S = 2.0
# What is less urgent than what whoever is being enrolled should do.
_GIVES_WAY = (Look.CALM, Look.NO, Look.HELP, Look.WAIT)

_STATIC = Path(__file__).parent.parent / "static"

router = APIRouter(
    route_class=EarlyRefusal, include_in_schema=False, prefix="/gate", dependencies=[Depends(here_or(Permission.LIVE))]
)


@router.get("")
def show_screen(request: Request, context: Shared) -> Response:
    """The page that a small display shows full screen."""
    return _page(request, context, _now(context, _tongues(request, context)))


@router.get("/gone")
def show_gone(request: Request, context: Shared) -> Response:
    """The same page as it is while nobody answers it; a browser keeps it, so it knows of nobody."""
    return _page(request, context, _gone(context, _tongues(request, context)) | {"version": _version(context)})


@router.get("/worker.js")
def show_worker() -> FileResponse:
    """The script that keeps it there: a browser lets it do so for this page, and no other."""
    return FileResponse(
        _STATIC / "screen_worker.js", media_type="text/javascript", headers={"Service-Worker-Allowed": "/gate"}
    )


@router.get("/now")
def show_now(request: Request, context: Shared) -> JSONResponse:
    """What the screen says: {"signal", "look", "symbol", "words", "advice", "second", "bell", "version"}.

    `second` is {"words", "advice"} in the second language, null without one. A name only where the settings allow it.
    `bell` says whether its button is there to ring with.
    While somebody is enrolled at the gate's camera the signal is "enrol", with "left_s" where seconds are counted.
    While somebody types a PIN "typed" is how many digits, and never which.
    """
    return JSONResponse(_now(context, _tongues(request, context)))


@router.get("/silhouette")
def show_silhouette(context: Shared) -> JSONResponse:
    """Where the nearest face is, and no picture: {"face": [right of the middle, down, width, height] or null}."""
    vision = vision_status(context.state) if context.by_face else None
    age = age_s(vision.last_inference_mono, time.monotonic()) if vision else None
    return JSONResponse({"face": vision.nearest if vision and age is not None and age < _FRESH_S else None})


@router.post("/bell")
def ring(
    request: Request, context: Shared, actor: Annotated[Actor | None, Depends(here_or(Permission.LIVE))]
) -> JSONResponse:
    """Somebody touches the button that rings; what the screen says then, as `/gate/now`."""
    if context.settings.screen.bell_button:
        with suppress(LinkDown):
            context.ring(actor)
    return show_now(request, context)


@router.get("/live")
async def follow(
    request: Request, actor: Annotated[Actor | None, Depends(here_or(Permission.LIVE))]
) -> StreamingResponse:
    """Server-sent events named `change`."""
    return streamed(request, actor)


def _now(context: Context, tongues: tuple[Language, ...]) -> dict[str, Any]:
    door, vision = statuses(context.state) if context.by_face else (door_status(context.state), None)
    said, signal = said_by(door), str(door.signal) if door else "fault"
    if not context.by_face:
        said = without_camera(said)
    elif said.by_face and not sees(vision, time.monotonic()):
        said, signal = CAMERA_GONE, "fault"
    said = _by_the_site(said, context, door, tongues[0])
    sitting = context.at_gate.now() if said.look in _GIVES_WAY else None
    if sitting is not None:
        said, signal = said_at_the_gate(sitting), "enrol"
    left = {"left_s": math.ceil(sitting.left_s)} if sitting is not None and sitting.left_s is not None else {}
    typed = {"typed": door.typed} if said is TYPING and door is not None else {}
    rings = context.settings.screen.bell_button and sitting is None and door is not None and door.may_ring
    return _told(said, signal, tongues) | left | typed | {"bell": rings, "version": _version(context)}


def _page(request: Request, context: Context, now: dict[str, Any]) -> Response:
    tongues = _tongues(request, context)
    gone, settings = json.dumps(_gone(context, tongues)), context.settings.screen
    # Both say the same where somebody set one language for both.
    ring = list(dict.fromkeys(tongue(RING) for tongue in tongues))
    return page(
        request, "screen.html", now=now, gone=gone, tongues=tongues, sound=settings.sound,
        ring=ring if settings.bell_button else None,
    )  # fmt: skip


def _gone(context: Context, tongues: tuple[Language, ...]) -> dict[str, Any]:
    return _told(SCREEN_GONE if context.by_face else without_camera(SCREEN_GONE), "fault", tongues)


def _told(said: Said, signal: str, tongues: tuple[Language, ...]) -> dict[str, Any]:
    first, *others = ({"words": one(said.words), "advice": one(said.advice)} for one in tongues)
    # What the site worded itself is the same in both.
    second = next((other for other in others if other != first), None)
    return {"signal": signal, "look": said.look, "symbol": said.symbol, **first, "second": second}


def _by_the_site(said: Said, context: Context, door: DoorStatus | None, language: Language) -> Said:
    """With the site's own words for somebody unknown, the names of whom it greets, where the settings say so, and when
    a pass begins."""
    settings = context.settings.screen
    if said is REASONS[Reason.UNKNOWN]:
        words, advice = Sentence(settings.unknown), Sentence(settings.unknown_advice)
        return replace(said, words=words or said.words, advice=advice or said.advice)
    if said is REASONS[Reason.TOO_EARLY] and door and (when := _begins(context, door.begins_at)):
        return replace(said, advice=Sentence("Your pass begins {when}", when=when))
    if said.words is GREETED.words and settings.name and door and (name := _names_of(context, language, door)):
        return replace(said, words=Sentence("Welcome home, {name}", name=name))
    return said


def _begins(context: Context, at: str | None) -> str | None:
    """When a pass begins, as it is read in any language: the time of day, with the day where that is another."""
    try:
        begins = datetime.fromisoformat(at or "").astimezone(zone_of(context.zone))
    except ValueError:
        return None
    return f"{begins:%H:%M}" if begins.date() == context.today else f"{begins:%Y-%m-%d %H:%M}"


def _names_of(context: Context, language: Language, door: DoorStatus) -> str:
    """Of all whom the gate greets, in the order in which they came; empty where it greets nobody by name."""
    with store_of(context) as connection:
        found = [residents.get(connection, one) for one in door.residents]
    names = [one.name for one in found if one is not None]
    return reduce(lambda before, name: language(Sentence("{names}, {name}", names=before, name=name)), names or [""])


def _tongues(request: Request, context: Context) -> tuple[Language, ...]:
    """The languages it says everything in, the first above: those of the settings, else the browser's."""
    settings, known = context.settings.screen, {one.tag: one for one in context.languages.all}
    chosen = tuple(known[tag] for tag in (settings.language, settings.second_language) if tag)
    return chosen or (language_of(request),)


def _version(context: Context) -> str:
    """Of the page: one that is open is fetched again once it differs."""
    said = f"{context.settings.screen.model_dump_json()}{context.by_face}"
    return sha256(_look_of_page() + said.encode()).hexdigest()[:12]


@cache
def _look_of_page() -> bytes:
    rooms = (_STATIC, _STATIC.parent / "pages", _STATIC.parent / "languages")
    files = (
        one for room in rooms for one in sorted(room.iterdir()) if one.name.startswith("screen") or one.suffix == ".po"
    )
    return b"".join(sha256(one.read_bytes()).digest() for one in files)
