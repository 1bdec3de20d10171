"""The screen at the gate: big, calm, without a login, on the gate's own machine or with a token."""

from __future__ import annotations

from fastapi import APIRouter, Depends, Request
from fastapi.responses import JSONResponse, Response, StreamingResponse

from api.auth import Permission
from api.context import Context, Shared, door_status, here_or
from api.pages import language_of, page
from api.problems import HttpProblem
from api.routes.live import Changes
from api.wording import SCREEN, SCREEN_REASONS

router = APIRouter(prefix="/gate", dependencies=[Depends(here_or(Permission.LIVE))])


@router.get("")
def show_screen(request: Request, context: Shared) -> Response:
    """The page that a small display shows full screen."""
    return page(request, "screen.html", now=_now(request, context))


@router.get("/now")
def show_now(request: Request, context: Shared) -> JSONResponse:
    """What the screen says: {"signal", "words", "advice"}. Never a name."""
    return JSONResponse(_now(request, context))


@router.get("/live")
async def follow(request: Request) -> StreamingResponse:
    """Server-sent events named `change`."""
    changes: Changes = request.app.state.changes
    if changes.full:
        raise HttpProblem(503, "Too many pages follow the gate already.")
    return StreamingResponse(changes.stream(), media_type="text/event-stream", headers={"X-Accel-Buffering": "no"})


def _now(request: Request, context: Context) -> dict[str, str]:
    language, door = language_of(request), door_status(context)
    signal = str(door["signal"]) if door else "fault"
    words, advice = SCREEN.get(signal, SCREEN["ready"])
    reason = str(door.get("reason")) if door and signal in ("deny", "come_closer") else ""
    words, advice = SCREEN_REASONS.get(reason, (words, advice))
    return {"signal": signal, "words": language(words), "advice": language(advice)}
