"""The console's pages of visitors' passes: made, shown once as a picture and a number, taken back by one press."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta, tzinfo
from typing import Annotated, Any

from fastapi import APIRouter, Form, Query, Request
from fastapi.responses import Response

from api import opens, ways_in
from api.actors import Registrar
from api.auth import Actor, new_secret
from api.context import Context, Shared, Store
from api.early_refusal import EarlyRefusal
from api.idempotency import answered_once
from api.languages import Language
from api.pages.page import language_of, page_of_people
from api.pages.qr_code import qr_code, qr_files
from api.pages.told_once import then, then_again, told_once
from api.telling import Done
from api.v1.passes import found_pass
from api.v1.residents import found_resident
from enroll.codes import DrawnPass
from gate.clock import zone_of
from gate.errors import FacegateError, Refusal, Sentence
from gate.store.people import passes, residents
from gate.store.people.passes import MOST_USES, Pass, Phase, Wanted
from gate.store.people.residents import Resident
from gate.store.site import schedules

router = APIRouter(route_class=EarlyRefusal, include_in_schema=False)

# Of those that are over the list shows so many.
_MOST_OVER = 50
_HOUR_S = 3600
_Text = Annotated[str, Form(max_length=200)]
_Short = Annotated[str, Form(max_length=60)]
_Key = Annotated[str | None, Form(min_length=1, max_length=64)]
_THERE = Sentence(
    "{gate}: a pass for {name}, from {begins} to {ends}. Hold the picture up to the camera at the gate, half a"
    " metre away."
)
_EVERYWHERE = Sentence(
    "A pass for {name}, from {begins} to {ends}, at every gate. Hold the picture up to the camera at the gate, half a"
    " metre away."
)
_NO_TIME = Sentence("This is no time; choose a day and a time of day.")


@dataclass(frozen=True, slots=True)
class Span:
    """For how long a pass is made, in a word, and when it ends that begins at a moment."""

    words: Sentence
    end: Callable[[datetime], datetime]


SPANS: dict[str, Span] = {
    "today": Span(
        Sentence("until midnight"),
        lambda begins: datetime.combine(begins.date() + timedelta(days=1), time(), begins.tzinfo),
    ),
    "day": Span(Sentence("a day"), lambda begins: begins + timedelta(days=1)),
    "week": Span(Sentence("a week"), lambda begins: begins + timedelta(weeks=1)),
    "month": Span(Sentence("30 days"), lambda begins: begins + timedelta(days=30)),
}
USES = (1, 2, 5, 10, 20, MOST_USES)
LASTS = (1, 2, 4, 12, 24)
"""Hours from the first use."""
PHASES: dict[Phase, Sentence] = {
    Phase.IN_USE: Sentence("In use"),
    Phase.COMING: Sentence("Coming"),
    Phase.OVER: Sentence("Over"),
}
_NOTHING = {
    "name": "", "unit": "", "host": "", "span": "today", "uses": "1", "begins": "", "ends": "", "lasts": "",
    "schedule": "",
}  # fmt: skip


@router.get("/passes")
def show_passes(
    request: Request, connection: Store, context: Shared, actor: Registrar,
    host: Annotated[str, Query(max_length=64)] = "", unit: Annotated[str, Query(max_length=200)] = "",
) -> Response:  # fmt: skip
    """All of them, and the form that makes one, for this host or home where the way here names them."""
    done = told_once(request)
    said = {} if done.notice is None else {"notice": language_of(request)(done.notice)}
    return _list_page(request, connection, context, actor, {"host": host, "unit": unit}, **said)


@router.post("/passes")
def make_pass(
    request: Request, connection: Store, context: Shared, actor: Registrar, name: _Text = "", unit: _Text = "",
    host: _Short = "", span: _Short = "today", uses: _Short = "1", begins: _Short = "", ends: _Short = "",
    lasts: _Short = "", schedule: _Short = "", key: _Key = None,
) -> Response:  # fmt: skip
    """Make one, once however often it is sent; its picture and its number are on the page that follows."""
    typed = {
        "name": name, "unit": unit, "host": host, "span": span, "uses": uses, "begins": begins, "ends": ends,
        "lasts": lasts, "schedule": schedule,
    }  # fmt: skip
    drawn: list[DrawnPass] = []

    def make() -> str:
        visited = found_resident(connection, host) if host else None
        wanted = _wanted(typed, visited, zone_of(context.zone))
        drawn.append(ways_in.draw_pass(context, connection, wanted, by=actor.label))
        return drawn[0].made.id

    try:
        made = answered_once(connection, actor, key, (b"pass", *(one.encode() for one in typed.values())), make)
    except FacegateError as error:
        said = language_of(request).error(error)
        return _list_page(request, connection, context, actor, typed, status_code=422, problem=said)
    if not drawn:
        return then_again(request, f"/passes/{made}", Done())
    return then(request, f"/passes/{made}", Done(issued=f"{drawn[0].code} {drawn[0].typed}", about=host or None))


@router.get("/passes/{visit}")
def show_pass(request: Request, connection: Store, context: Shared, actor: Registrar, visit: str) -> Response:
    """One of them; to whoever made it just now also its picture and its number."""
    one, done = found_pass(connection, visit), told_once(request)
    code, _, typed = (done.issued or "").partition(" ")
    theirs = context.languages.chosen(context.settings.enrolment.language_else(language_of(request).tag), "")
    told = (
        {}
        if not code
        else {"qr": qr_code(code), "files": qr_files(code), "message": message_for(context, connection, theirs, one)}
    )
    return page_of_people(
        request, connection, actor, None if code else "passes", "pass.html", one=one, typed=typed, told=told,
        phase=one.phase(context.now), ends_at=passes.text_of(one.ends_in(zone_of(context.zone))), PHASES=PHASES,
        opens=opens.said(context.state, connection, one), used=opens.used(context, connection, one),
    )  # fmt: skip


@router.post("/passes/{visit}/removal")
def take_back(request: Request, connection: Store, actor: Registrar, visit: str) -> Response:
    """It opens nothing from now on."""
    one = passes.revoke(connection, found_pass(connection, visit).id, datetime.now(UTC), by=actor.label)
    said = Sentence("The pass of {name} is taken back: it opens nothing any more.", name=one.name)
    return then(request, "/passes", Done(said))


def passes_of(connection: sqlite3.Connection, resident: str) -> dict[str, Any]:
    """What a page of a resident needs to name those who visit them."""
    return {"visits": passes.of_host(connection, resident)}


def _list_page(
    request: Request, connection: sqlite3.Connection, context: Context, actor: Actor, typed: dict[str, str], **said: Any
) -> Response:
    now, every = context.now, passes.every(connection)
    shown = {phase: [one for one in every if one.phase(now) is phase] for phase in PHASES}
    shown[Phase.OVER] = shown[Phase.OVER][:_MOST_OVER]
    visited = residents.get(connection, typed["host"]) if typed.get("host") else None
    return page_of_people(
        request, connection, actor, "passes", "passes.html", shown=shown, PHASES=PHASES, SPANS=SPANS, USES=USES,
        LASTS=LASTS, typed=_NOTHING | typed, visited=visited, schedules=schedules.every(connection), key=new_secret(),
        end_of=lambda one: passes.text_of(one.ends_in(zone_of(context.zone))),
        spent=opens.SPENT if opens.is_of_several(connection) else None, **said,
    )  # fmt: skip


def _wanted(typed: dict[str, str], host: Resident | None, zone: tzinfo) -> Wanted:
    """What the form asks for. Raises Refusal where something in it is none."""
    begins = _moment(typed["begins"], zone) or datetime.now(zone)
    span = SPANS.get(typed["span"])
    ends = _moment(typed["ends"], zone) or (None if span is None else span.end(begins))
    if ends is None:
        raise Refusal(_NO_TIME)
    lasts = _number(typed["lasts"]) if typed["lasts"] else None
    return Wanted(
        typed["name"], begins, ends, _number(typed["uses"]), None if lasts is None else lasts * _HOUR_S,
        typed["schedule"] or None, host, None if host is not None else typed["unit"] or None,
    )  # fmt: skip


def _moment(text: str, zone: tzinfo) -> datetime | None:
    """A moment as a browser's field gives it, on the gate's clock; None for nothing."""
    if not text:
        return None
    try:
        moment = datetime.fromisoformat(text).replace(tzinfo=zone)
        # Of the first or the last day there may be none in UTC.
        moment.astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise Refusal(_NO_TIME) from error
    return moment


def _number(text: str) -> int:
    """A count as it is typed; one that is none opens never, which is told."""
    return int(text) if text.isascii() and text.isdigit() and len(text) < 7 else 0


def message_for(context: Context, connection: sqlite3.Connection, language: Language, one: Pass) -> str:
    """What is sent along with the picture, in the visitor's language."""
    zone = zone_of(context.zone)
    begins, ends = (language.stamp(at, zone) for at in (datetime.fromisoformat(one.valid_from), one.ends_in(zone)))
    where = opens.where_to(context, connection, one)
    if where is None:
        return language(_EVERYWHERE, name=one.name, begins=begins, ends=ends)
    return language(_THERE, gate=language.comma.join(where), name=one.name, begins=begins, ends=ends)
