"""The console's pages about the gate: today and its statistics."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from api.actors import MaybeActor, Reader
from api.auth import Actor, Permission
from api.context import Context, Shared, Store, is_on_record
from api.early_refusal import EarlyRefusal
from api.pages.page import gate_clock, language_of, page, page_of_people, said_of
from api.pages.photo_links import photos_for
from api.pages.spans import bounds
from api.pages.told_once import told_once
from api.problems import SignInNeeded
from api.v1.live import Changes
from gate.care.health import gather
from gate.clock import zone_of
from gate.store.compound import records
from gate.store.people import residents
from gate.store.record import audit, statistics, times
from gate.store.record import search as record
from gate.store.record.audit import Line
from gate.store.record.search import Search
from gate.store.record.times import Count
from gate.store.site import first_hour
from gate.vocabulary import ENTERED, Kind

router = APIRouter(route_class=EarlyRefusal, include_in_schema=False)

_ENTRIES_SHOWN = 50
# For so long an alarm stands above all else, past midnight too.
_ALARM_STANDS = timedelta(hours=12)
_ALARMS_SHOWN = 6


@router.get("/")
def show_today(request: Request, connection: Store, context: Shared, actor: MaybeActor, part: str = "") -> Response:
    """Who came, what was refused and why, and the gate now."""
    if actor is None:
        raise SignInNeeded
    if not actor.may(Permission.LIVE):
        return RedirectResponse("/events", 303)
    if actor.may(Permission.DOOR) and not actor.may(Permission.RECORD):
        return RedirectResponse("/guard", 303)
    seen = actor.may(Permission.RECORD) and is_on_record(connection, context, actor, "today", begins=part != "live")
    if part == "live":
        changes: Changes = request.app.state.changes
        key = (language_of(request).tag, actor.permissions, seen)
        return HTMLResponse(
            changes.made_once(
                key,
                lambda: bytes(
                    page(
                        request, "today_live.html", actor=actor, **_now(request, connection, context, actor, seen=seen)
                    ).body
                ),
            ),
            headers=gate_clock(),
        )
    first = actor.may(Permission.SITE) and not first_hour.is_over(connection)
    values = photos_for(context, connection, actor) | _now(request, connection, context, actor, seen=seen)
    values |= said_of(request, told_once(request))
    return page(request, "today.html", actor=actor, first_hour=first, **values)


def _now(request: Request, connection: Store, context: Context, actor: Actor, *, seen: bool) -> dict[str, Any]:
    """What the page shows, the same for all who may see the same; of who came only where that is `seen`."""
    installer = actor.may(Permission.SITE)
    found = gather(context.state, by_face=context.by_face, plain=not installer)
    changes: Changes = request.app.state.changes
    changes.shows(found.vision)
    camera = found.vision.cameras.get("camera") if found.vision else None
    values: dict[str, Any] = {
        "door": found.door,
        "problems": found.problems,
        # What is wrong with it is among the problems.
        "camera": camera.sentence if installer and camera is not None and camera.fault is None else None,
        "entries": None,
        "unseen": actor.may(Permission.RECORD) and not seen,
        "duress": [],
    }
    if seen:
        zone = zone_of(context.zone)
        midnight, until = bounds(datetime.now(zone).date(), zone)
        since = midnight.astimezone(UTC).isoformat(timespec="milliseconds")
        refusals = record.refusals_since(connection, since)
        values |= {
            "entries": record.page(connection, Search(kinds=ENTERED, since=since), count=_ENTRIES_SHOWN),
            "duress": _forced_lately(connection),
            "by_method": statistics.openings_since(connection, since),
            "let_in": record.count_since(connection, ENTERED, since),
            "refused": sum(one.count for one in refusals),
            "reasons": [(one.reason, one.count, one.last_at) for one in refusals],
            "units": residents.homes(connection),
            "hour_today": "/events?when=today&hour={}".format,
            "hours": times.by_hour(times.quarters(connection, midnight, until), zone),
        }
    return values


def _forced_lately(connection: Store) -> list[Line]:
    """When somebody was forced lately; the newest first."""
    now = audit.this_moment()
    newest = record.page(connection, Search(kinds=(Kind.DURESS,)), count=_ALARMS_SHOWN)
    return [one for one in newest if records.is_of_the_last(one, now, _ALARM_STANDS)]


@router.get("/services")
def show_services(
    request: Request,
    connection: Store,
    context: Shared,
    actor: Reader,
    days: Annotated[int, Query(ge=1, le=366)] = 30,
) -> Response:
    """How well the gate serves, and whom it serves badly."""
    now = datetime.now(UTC)
    found = statistics.of(connection, (now - timedelta(days=days)).isoformat(), now.isoformat())
    since_drill = max(0, (now - datetime.fromisoformat(found.drill.at)).days) if found.drill else None
    by_day = _days(connection, now.astimezone(zone_of(context.zone)), days)
    return page_of_people(
        request, connection, actor, "services", "services.html", found=found, days=days, since_drill=since_drill,
        units=residents.homes(connection), by_day=list(by_day.items())[-days:][::-1],
        weeks=[one for one in times.by_week(by_day) if one.before][: _weeks_in(days)],
    )  # fmt: skip


def _days(connection: Store, now: datetime, days: int) -> dict[date, Count]:
    """How many came on each of the last days of the gate's zone, and before them as far as whole weeks are compared."""
    zone, today = now.tzinfo or UTC, now.date()
    first = today - timedelta(days)
    first -= timedelta(first.weekday()) + times.WEEK
    (since, _), (_, until) = bounds(first, zone), bounds(today, zone)
    return times.by_day(times.quarters(connection, since, until), zone, first, today)


def _weeks_in(days: int) -> int:
    return -(-days // 7)
