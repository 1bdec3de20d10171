"""The console's pages about the gate: today, events, statistics."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import APIRouter, Query, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from api.asked_first import AskedFirst
from api.auth import Actor, Permission
from api.context import Context, Shared, Store, door_status, record_look
from api.languages import Language
from api.pages.page import language_of, page
from api.problems import HttpProblem, SignInNeeded
from api.v1.door import Order, tell_door
from api.v1.events import people
from api.v1.live import Changes
from api.who_asks import Doorkeeper, MaybeActor, Reader
from api.wording import ACTORS, EVENTS, FAULTS, KINDS, LOOKED, METHODS, OUTCOMES, REASONS
from gate.care.health import gather
from gate.clock import zone_of
from gate.store.people import residents
from gate.store.record import search as record
from gate.store.record import statistics
from gate.store.record.audit import Line
from gate.store.record.search import Search
from gate.store.site import accounts
from gate.vocabulary import ENTERED

router = APIRouter(route_class=AskedFirst)

_ENTRIES_SHOWN = 50
_LINES_SHOWN = 50
# What a line's details hold that has words. An order is called by what it brings about.
_SAID = (
    ("reason", REASONS), ("method", METHODS), ("fault", FAULTS), ("order", EVENTS), ("outcome", OUTCOMES),
    ("what", LOOKED),
)  # fmt: skip


@router.get("/")
def show_today(request: Request, connection: Store, context: Shared, actor: MaybeActor, part: str = "") -> Response:
    """Who came, what was refused and why, and the gate now."""
    if actor is None:
        raise SignInNeeded
    if not actor.may(Permission.LIVE):
        return RedirectResponse("/events", 303)
    if part == "live":
        changes: Changes = request.app.state.changes
        key = (language_of(request).tag, actor.permissions)
        return HTMLResponse(
            changes.made_once(
                key,
                lambda: bytes(page(request, "today_live.html", actor=actor, **_now(connection, context, actor)).body),
            )
        )
    if actor.may(Permission.RECORD):
        record_look(connection, actor, "today")
    return page(request, "today.html", actor=actor, **_now(connection, context, actor))


def _now(connection: Store, context: Context, actor: Actor) -> dict[str, Any]:
    """What the page shows, the same for all who may see the same."""
    found = gather(context.state)
    camera = found.vision.cameras.get("camera") if found.vision else None
    values: dict[str, Any] = {
        "door": door_status(context),
        "problems": found.problems,
        # What is wrong with it is among the problems.
        "camera": camera.sentence if camera is not None and camera.fault is None else None,
        "entries": None,
    }
    if actor.may(Permission.RECORD):
        midnight = datetime.now(zone_of(context.zone)).replace(hour=0, minute=0, second=0, microsecond=0)
        since = midnight.astimezone(UTC).isoformat(timespec="milliseconds")
        refusals = record.refusals_since(connection, since)
        values |= {
            "entries": record.page(connection, Search(kinds=ENTERED, since=since), count=_ENTRIES_SHOWN),
            "let_in": record.count_since(connection, ENTERED, since),
            "refused": sum(one.count for one in refusals),
            "reasons": [(one.reason, one.count, one.last_at) for one in refusals],
            "units": residents.homes(connection),
        }
    return values


@router.post("/door/{order}")
def order_door(order: Order, context: Shared, actor: Doorkeeper) -> Response:
    """What the buttons do."""
    tell_door(context, order, actor)
    return RedirectResponse("/", 303)


@router.get("/events")
def show_events(
    request: Request,
    connection: Store,
    context: Shared,
    actor: Reader,
    person: Annotated[str, Query(max_length=200)] = "",
    resident: Annotated[str, Query(max_length=64)] = "",
    home: Annotated[str, Query(max_length=200)] = "",
    what: Annotated[str, Query(max_length=20)] = "",
    reason: Annotated[str, Query(max_length=40)] = "",
    since: Annotated[str, Query(max_length=30)] = "",
    until: Annotated[str, Query(max_length=30)] = "",
    before: Annotated[int | None, Query(ge=0, le=2**62)] = None,
) -> Response:
    """The record: who came in at nine?"""
    language, zone = language_of(request), zone_of(context.zone)

    def utc(typed: str) -> str | None:
        if not typed:
            return None
        try:
            moment = datetime.fromisoformat(typed).replace(tzinfo=zone).astimezone(UTC)
        except (ValueError, OverflowError) as error:
            raise HttpProblem(422, "{time} is no time; give it as 2026-05-01T09:00.", time=typed) from error
        return moment.isoformat(timespec="milliseconds")

    kinds = KINDS[what][1] if what in KINDS else ()
    asked = Search(people(connection, person, resident, home), kinds, reason or None, utc(since), utc(until))
    lines = record.page(connection, asked, before, _LINES_SHOWN)
    record_look(connection, actor, "events")
    users = {one.id: one.name for one in accounts.users(connection)}
    typed = {
        "person": person,
        "resident": resident,
        "home": home,
        "what": what,
        "reason": reason,
        "since": since,
        "until": until,
    }
    exported = [
        ("person", person),
        ("resident", resident),
        ("home", home),
        ("reason", reason),
        *(("kind", kind) for kind in kinds),
    ]
    exported += [("since", asked.since or ""), ("until", asked.until or "")]
    return page(
        request,
        "events.html",
        actor=actor,
        lines=lines,
        units=residents.homes(connection),
        asked=typed,
        query=urlencode({name: value for name, value in typed.items() if value}),
        exported=urlencode([(name, value) for name, value in exported if value]),
        next=lines[-1].sequence if len(lines) == _LINES_SHOWN else None,
        told=_teller(language, users),
    )


def _teller(language: Language, users: dict[str, str]) -> Callable[[Line], str]:
    """What there is to say about a line, in one short phrase."""

    def told(line: Line) -> str:
        says = line.says
        known = [(getattr(says, name), words) for name, words in _SAID]
        parts = [language(words.get(value, value)) for value, words in known if value]
        if says.seconds is not None:
            parts.append(f"{says.seconds:.1f} s")
        if says.why:
            parts.append(says.why)
        by = says.by or ""
        name = next((users[word] for word in by.split() if word in users), by)
        name = language(ACTORS.get(name, name))
        if name:
            parts.append(name)
        return ", ".join(parts)

    return told


@router.get("/services")
def show_services(
    request: Request, connection: Store, actor: Reader, days: Annotated[int, Query(ge=1, le=366)] = 30
) -> Response:
    """How well the gate serves, and whom it serves badly."""
    now = datetime.now(UTC)
    found = statistics.of(connection, (now - timedelta(days=days)).isoformat(), now.isoformat())
    record_look(connection, actor, "services")
    drilled = datetime.fromisoformat(found.last_drill_at) if found.last_drill_at else None
    since_drill = max(0, (now - drilled).days) if drilled else None
    return page(request, "services.html", actor=actor, found=found, days=days, since_drill=since_drill)
