"""The console's pages of the record: who came when, why somebody was refused, and what was done and looked at."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Annotated
from urllib.parse import urlencode

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response, StreamingResponse
from pydantic import BaseModel, Field

from api.actors import Reader
from api.auth import Actor, Permission
from api.context import Context, Shared, Store
from api.early_refusal import EarlyRefusal
from api.languages import Language
from api.pages import event_table
from api.pages.page import language_of, page_of_people
from api.pages.record_words import VIEWS, explained, teller
from api.pages.spans import PRESETS, Span, bounds, named_days, span
from api.problems import HttpProblem
from api.v1.events import ALL_GATES, lines_of, names_of_gates, people, streamed
from api.wording import KINDS
from gate.clock import zone_of
from gate.config import is_centre
from gate.store.compound import records
from gate.store.compound.carried import Verified
from gate.store.people import residents
from gate.store.people.residents import Resident
from gate.store.record import approaches, audit, times
from gate.store.record.approaches import Page
from gate.store.record.audit import Line
from gate.store.record.search import Search
from gate.store.record.times import Count
from gate.vocabulary import AuditEvent, Kind

router = APIRouter(route_class=EarlyRefusal, include_in_schema=False)

_APPROACHES_SHOWN = 50


class Asked(BaseModel):
    """What a reader of the record asks for, as it stands in the page's address."""

    person: str = Field("", max_length=200)
    resident: str = Field("", max_length=64)
    home: str = Field("", max_length=200)
    what: str = Field("", max_length=20)
    reason: str = Field("", max_length=40)
    when: str = Field("", max_length=20)
    hour: int | None = Field(None, ge=0, le=23)
    since: str = Field("", max_length=30)
    until: str = Field("", max_length=30)
    gate: str = Field("", max_length=64)
    """At a centre: of which gate; empty, or what the API calls all of them: of all."""
    before: int | None = Field(None, ge=0, le=2**62)

    @property
    def kinds(self) -> tuple[Kind, ...]:
        """The kinds of line that are meant; none: all."""
        known = VIEWS | KINDS
        return known[self.what if self.what in known else ""][1]

    @property
    def about_somebody(self) -> bool:
        """Whether not everybody is meant."""
        return bool(self.person.strip() or self.resident or self.home.strip())

    def address(self, **changes: object) -> str:
        """The address of the same with other parts changed, from its beginning."""
        values = self.model_dump() | {"before": None} | changes
        return "?" + urlencode({name: value for name, value in values.items() if value not in ("", None)})


@router.get("/events")
def show_events(
    request: Request, connection: Store, context: Shared, actor: Reader, asked: Annotated[Asked, Query()]
) -> Response:
    """The record: who came in at nine?"""
    now = datetime.now(zone_of(context.zone))
    spanned = _span(asked, now)
    search = _search(connection, asked, spanned, actor)
    gates = _gates(connection, context)
    if gates is None:
        found = approaches.page(connection, search, asked.before, _APPROACHES_SHOWN)
    else:
        of_gate = None if asked.gate in ("", ALL_GATES) else asked.gate
        found = records.approaches(connection, search, of_gate, asked.before, _APPROACHES_SHOWN)
    known = _known(connection, asked, found)
    return page_of_people(
        request, connection, actor, "events", "events.html", asked=asked, found=found, views=VIEWS, known=known,
        times=_times(language_of(request), now.date()),
        units={one.id: one.unit for one in known.values() if one.unit}, why=explained if _explains(asked) else None,
        told=teller(language_of(request), connection),
        exported=_exported(asked, search, several=gates is not None),
        strip=_strip(connection, context, asked, spanned, now, counted=gates is None), gates=gates,
        chains=_chains(connection, context, asked, gates), someone=known.get(asked.resident),
        at_hour=lambda hour: asked.address(hour=hour),
        nearest=_nearest(known) if actor.may(Permission.SCORES) else None,
    )  # fmt: skip


@router.get("/events/table")
def download_table(
    request: Request, connection: Store, context: Shared, actor: Reader, asked: Annotated[Asked, Query()]
) -> StreamingResponse:
    """The same as a table for people: whole, in the reader's language and the gate's time. It is on record."""
    zone, language = zone_of(context.zone), language_of(request)
    now = datetime.now(zone)
    search, told = _search(connection, asked, _span(asked, now), actor), teller(language, connection)
    audit.append(connection, AuditEvent(Kind.EXPORTED, {"format": "csv", "by": actor.label}))

    gates = _gates(connection, context)
    of_gate = None if gates is None else asked.gate or ALL_GATES

    def write(reader: sqlite3.Connection) -> Iterator[str]:
        return event_table.rows(lines_of(reader, search, of_gate), language, zone, told, residents.homes(reader), gates)

    return streamed(context, write, f"facegate-{now:%Y-%m-%d-%H%M}.csv")


def _search(connection: sqlite3.Connection, asked: Asked, spanned: Span, actor: Actor) -> Search:
    return Search(
        people(connection, asked.person, asked.resident, asked.home), asked.kinds, asked.reason or None,
        _written(spanned.since), _written(spanned.until), near=actor.may(Permission.SCORES),
    )  # fmt: skip


def _times(language: Language, today: date) -> dict[str, str]:
    """What stands on the page to press for a time, by its word in an address: the week's days before last week."""
    named = {key: language(name) for key, name in PRESETS.items()}
    last = {"week": named.pop("week")}
    return named | {str(day): language.weekday(day) for day in named_days(today)} | last


def _span(asked: Asked, now: datetime) -> Span:
    """The time that is meant. What was typed goes before what was pressed."""
    if asked.since or asked.until:
        since, until = (_typed(one, now) for one in (asked.since, asked.until))
        return Span(since, until)
    return span(asked.when, asked.hour, now) if asked.when else Span(None, None)


def _typed(text: str, now: datetime) -> datetime | None:
    """A time as it was typed, in the gate's zone."""
    if not text:
        return None
    try:
        moment = datetime.fromisoformat(text).replace(tzinfo=now.tzinfo)
        moment.astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise HttpProblem(422, "{time} is not a time; write it as 2026-05-01T09:00.", time=text) from error
    return moment


def _written(moment: datetime | None) -> str | None:
    return moment.astimezone(UTC).isoformat(timespec="milliseconds") if moment else None


def _explains(asked: Asked) -> bool:
    """Whether a sentence says why, where a word would do for whoever reads all."""
    return asked.about_somebody or asked.what == "refusals" or bool(asked.reason)


def _gates(connection: sqlite3.Connection, context: Context) -> dict[str, str] | None:
    """What the gates are called, by their ids, this machine first; None: it is no centre."""
    return names_of_gates(connection, context.gate) if is_centre(context.settings, context.state) else None


def _chains(
    connection: sqlite3.Connection, context: Context, asked: Asked, gates: Mapping[str, str] | None
) -> list[tuple[str, Verified]]:
    """Of the gates whose lines are asked for, how far they are verified; this machine's own are by a command."""
    own = records.own_gate(connection)
    wanted = [one for one in gates or () if one != own and asked.gate in ("", one)]
    found = [((gates or {})[one], context.chains.verified(connection, one)) for one in wanted]
    return [(name, verified) for name, verified in found if verified.last]


def _exported(asked: Asked, search: Search, *, several: bool) -> str:
    """The same as a file, in the words of the API."""
    values = [("person", asked.person), ("resident", asked.resident), ("home", asked.home), ("reason", asked.reason)]
    values += [("kind", kind) for kind in search.kinds]
    values += [("since", search.since or ""), ("until", search.until or "")]
    values += [("gate", asked.gate or ALL_GATES)] if several else []
    return urlencode([(name, value) for name, value in values if value])


@dataclass(frozen=True, slots=True)
class _Strip:
    """The hours of one day to press. `hours` counts who came in each; None: not everybody is meant, or several
    gates are."""

    day: date
    before: date
    after: date | None
    hours: Sequence[Count] | None


def _strip(
    connection: sqlite3.Connection, context: Context, asked: Asked, spanned: Span, now: datetime, *, counted: bool
) -> _Strip | None:
    """The hours of a day that is asked for; `counted` where the lines are this machine's own alone."""
    if spanned.day is None:
        return None
    zone, day = zone_of(context.zone), timedelta(days=1)
    counts = None
    if counted and not asked.about_somebody:
        counts = times.by_hour(times.quarters(connection, *bounds(spanned.day, zone)), zone)
    after = spanned.day + day if spanned.day < now.date() else None
    return _Strip(spanned.day, spanned.day - day, after, counts)


def _known(connection: sqlite3.Connection, asked: Asked, found: Page) -> dict[str, Resident]:
    """Those whom the page names who live here, by their id."""
    lines = [line for one in found.approaches for line in one.lines]
    named = {line.personal.get(part, "") for line in lines for part in ("resident", "nearest")} | {asked.resident}
    return {one.id: one for one in residents.of_ids(connection, named)}


def _nearest(known: dict[str, Resident]) -> Callable[[Line], Resident | None]:
    """Whom a refused face came nearest to, where it came near to anybody."""
    return lambda line: known.get(line.personal.get("nearest", ""))
