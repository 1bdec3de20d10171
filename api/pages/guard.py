"""The guard's page: who stands at the gate, who was last and why, and every order to the door, on one page."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta, tzinfo
from functools import partial
from itertools import chain, islice
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, Response

from api.actors import Doorkeeper
from api.auth import Actor, Permission
from api.context import Context, Shared, Store, is_on_record
from api.early_refusal import EarlyRefusal
from api.pages.page import gate_clock, language_of, page, said_of
from api.pages.told_once import told_once
from api.problems import HttpProblem
from api.v1.live import Changes
from api.wording import reason_of
from gate.care.health import gather
from gate.clock import zone_of
from gate.errors import Sentence
from gate.store.people import residents
from gate.store.record import search as record
from gate.store.record.approaches import Approach, together
from gate.store.record.audit import Line
from gate.store.record.search import Search
from gate.vocabulary import ENTERED, Kind, Reason

router = APIRouter(route_class=EarlyRefusal, include_in_schema=False)

_LATELY = timedelta(minutes=30)
_SHOWN = 20
_AT_THE_GATE = Search(kinds=(*ENTERED, Kind.DENIED))
# Behind so many openings from the console nobody looks for who was last.
_LOOKED_THROUGH = 500
_BEFORE = Sentence("before their first day")
_AFTER = Sentence("after their last day")


@router.get("/guard")
def show_guard(
    request: Request, connection: Store, context: Shared, actor: Doorkeeper, part: str = "", look: bool = False
) -> Response:
    """The page; `look` is for a browser without scripts, which sees one picture."""
    if actor.user is None or not actor.may(Permission.LIVE):
        raise HttpProblem(403, "Only a person who is signed in can do this; a token cannot.")
    seen = is_on_record(connection, context, actor, "the guard's page", begins=part != "live")
    if part == "live":
        changes: Changes = request.app.state.changes
        key = ("guard", language_of(request).tag, actor.permissions, seen)
        live = changes.made_once(key, lambda: _live(request, connection, context, actor, seen=seen))
        return HTMLResponse(live, headers=gate_clock())
    values = _now(request, connection, context, actor, seen=seen) | said_of(request, told_once(request))
    door = context.settings.door
    keeps_inside = door.passback != "off" or door.passback_gates
    return page(request, "guard.html", actor=actor, look=look, keeps_inside=keeps_inside, **values)


def _live(request: Request, connection: Store, context: Context, actor: Actor, *, seen: bool) -> bytes:
    values = _now(request, connection, context, actor, seen=seen)
    return bytes(page(request, "guard_live.html", actor=actor, **values).body)


def _now(request: Request, connection: Store, context: Context, actor: Actor, *, seen: bool) -> dict[str, Any]:
    """What the page shows, the same for all who may see the same; of who came only where that is `seen`."""
    found = gather(context.state, by_face=context.by_face, plain=not actor.may(Permission.SITE))
    changes: Changes = request.app.state.changes
    changes.shows(found.vision)
    values: dict[str, Any] = {"door": found.door, "problems": found.problems, "unseen": not seen}
    if not seen:
        return values
    since = (datetime.now(UTC) - _LATELY).isoformat(timespec="milliseconds")
    lines = record.page(connection, replace(_AT_THE_GATE, since=since), count=_LOOKED_THROUGH)
    told = together(line for line in lines if line.kind in ENTERED or _of_somebody(line))
    came = [one for approach in told for one in _came(approach)]
    newest = record.page(connection, _AT_THE_GATE, count=_SHOWN)
    further = chain(newest, islice(record.every(connection, _AT_THE_GATE), _LOOKED_THROUGH))
    return values | {
        "last": next(filter(_of_somebody, further), None),
        "lately": came[:_SHOWN],
        "more": len(came) > _SHOWN or len(lines) == _LOOKED_THROUGH,
        "units": residents.homes(connection),
        "why": partial(_why, residents.days(connection), zone_of(context.zone)),
    }


@dataclass(frozen=True, slots=True)
class _Came:
    """Who came in, or was refused so many times while they stood there: what is told, and an id that stays with it."""

    line: Line
    times: int
    id: str


def _came(one: Approach) -> Iterator[_Came]:
    """An approach as it ended, the newest first."""
    for line in (answer.line for answer in one.answers):
        refused = line.kind == Kind.DENIED
        yield _Came(line, len(one.lines) if refused else 1, one.lines[-1].id if refused else line.id)


def _why(days: Mapping[str, tuple[str | None, str | None]], zone: tzinfo, line: Line) -> str:
    """Why somebody was refused; of a day on which they are not let in, which end of theirs, by those they have now."""
    first, last = days.get(line.personal.get("resident", ""), (None, None))
    day = datetime.fromisoformat(line.at).astimezone(zone).date().isoformat()
    if line.says.reason != Reason.OUT_OF_VALIDITY or (first or day) <= day <= (last or day):
        return reason_of(line.says)
    return _BEFORE if first and day < first else _AFTER


def _of_somebody(line: Line) -> bool:
    return line.says.method not in record.NOBODYS
