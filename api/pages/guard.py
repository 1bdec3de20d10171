"""The guard's page: who stands at the gate, who was last and why, and every order to the door, on one page."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import chain, islice
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, Response

from api.actors import Doorkeeper
from api.auth import Actor, Permission
from api.context import Context, Shared, Store, record_look_once
from api.early_refusal import EarlyRefusal
from api.pages.orders import said_of
from api.pages.page import language_of, page
from api.problems import HttpProblem
from api.v1.live import Changes
from gate.care.health import gather
from gate.store.people import residents
from gate.store.record import search as record
from gate.store.record.audit import Line
from gate.store.record.search import Search
from gate.vocabulary import ENTERED, Kind

router = APIRouter(route_class=EarlyRefusal)

_LATELY = timedelta(minutes=30)
_SHOWN = 20
_AT_THE_GATE = Search(kinds=(*ENTERED, Kind.DENIED))
# Behind so many openings from the console nobody looks for who was last.
_LOOKED_THROUGH = 500
# What nobody at the gate brought about: an order of the console, and what a program asked.
_NOBODY = ("command", "link")


@router.get("/guard")
def show_guard(
    request: Request, connection: Store, context: Shared, actor: Doorkeeper, part: str = "", look: bool = False
) -> Response:
    """The page; `look` is for a browser without scripts, which sees one picture."""
    if actor.user is None or not actor.may(Permission.LIVE):
        raise HttpProblem(403, "Only a person who is signed in can do this; a token cannot.")
    record_look_once(connection, context, actor, "the guard's page", begins=part != "live")
    if part == "live":
        changes: Changes = request.app.state.changes
        key = ("guard", language_of(request).tag, actor.permissions)
        return HTMLResponse(changes.made_once(key, lambda: _live(request, connection, context, actor)))
    return page(request, "guard.html", actor=actor, look=look, **_now(connection, context, actor), **said_of(request))


def _live(request: Request, connection: Store, context: Context, actor: Actor) -> bytes:
    return bytes(page(request, "guard_live.html", actor=actor, **_now(connection, context, actor)).body)


def _now(connection: Store, context: Context, actor: Actor) -> dict[str, Any]:
    """What the page shows, the same for all who may see the same."""
    found = gather(context.state, plain=not actor.may(Permission.SITE))
    lines = record.page(connection, _AT_THE_GATE, count=_SHOWN)
    further = chain(lines, islice(record.every(connection, _AT_THE_GATE), _LOOKED_THROUGH))
    since = (datetime.now(UTC) - _LATELY).isoformat(timespec="milliseconds")
    return {
        "door": found.door,
        "problems": found.problems,
        "last": next(filter(_of_somebody, further), None),
        "lately": [line for line in lines if line.at >= since and (line.kind in ENTERED or _of_somebody(line))],
        "units": residents.homes(connection),
    }


def _of_somebody(line: Line) -> bool:
    return line.says.method not in _NOBODY
