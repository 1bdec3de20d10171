"""The record: found, read a page at a time, exported."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import closing
from datetime import UTC, datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Query
from fastapi.responses import StreamingResponse
from pydantic import BaseModel, BeforeValidator, Field

from api.actors import Reader
from api.auth import Actor, Permission
from api.context import Context, Shared, Store, record_look
from api.early_refusal import EarlyRefusal
from api.problems import RESPONSES
from gate.spreadsheet import csv_line
from gate.store.compound import gates as gates_of_centre
from gate.store.compound import records
from gate.store.database import open_read_only
from gate.store.people import finding, residents
from gate.store.record import audit
from gate.store.record.audit import Line
from gate.store.record.details import without_scores
from gate.store.record.search import Search, every, page
from gate.vocabulary import AuditEvent, Kind

router = APIRouter(route_class=EarlyRefusal, prefix="/api/v1", tags=["events"], responses=RESPONSES)


_LONGEST_TIME = 40


def _written_out(typed: object) -> object:
    """A number would be taken for seconds since 1970; in UTC a time of the first or last day may have no year."""
    if isinstance(typed, str):
        if len(typed) > _LONGEST_TIME:
            raise ValueError(f"a time has at most {_LONGEST_TIME} signs")
        try:
            iso(datetime.fromisoformat(typed))
        except OverflowError as error:
            raise ValueError(str(error)) from error
    return typed


Moment = Annotated[datetime, BeforeValidator(_written_out), Field(json_schema_extra={"maxLength": _LONGEST_TIME})]


class Event(BaseModel):
    """A line of the record. `resident`, `name` and `unit`, their home, are there until the person is erased; of a pass
    `visit`, its id, `visitor`, `host` and the home's `unit` until it is erased, or the host."""

    sequence: int
    id: str
    gate: str
    kind: str
    at: str
    clock_trusted: bool | None
    details: dict[str, Any]
    resident: str | None = None
    name: str | None = None
    unit: str | None = None
    visit: str | None = None
    visitor: str | None = None
    host: str | None = None
    nearest: str | None = Field(None, description="Whom a refused face came near to, for administrators alone.")
    hash: str
    gate_name: str | None = Field(None, description="What its gate is called, where `gate` was asked for.")


class Events(BaseModel):
    """A page of the record, the newest first; `next` is the `before` of the following one, with the same `gate`."""

    items: list[Event]
    next: int | None


def search_of(
    connection: Store,
    person: Annotated[str, Query(max_length=200, description="Words of a name or a unit.")] = "",
    resident: Annotated[str | None, Query(max_length=64, description="A resident's id.")] = None,
    home: Annotated[str, Query(max_length=200, description="A home, in any writing.")] = "",
    kind: Annotated[list[str] | None, Query(description="Kinds of event.", max_length=100)] = None,
    reason: Annotated[str | None, Query(max_length=40, description="Why something was refused.")] = None,
    since: Annotated[Moment | None, Query(description="Not before this time.")] = None,
    until: Annotated[Moment | None, Query(description="Before this time.")] = None,
) -> Search:
    """What a query asks for."""
    return Search(people(connection, person, resident, home), tuple(kind or ()), reason or None, iso(since), iso(until))


Asked = Annotated[Search, Depends(search_of)]
# At a centre; without it the record is this machine's own, as it always was.
ALL_GATES = "all"
OfGate = Annotated[
    str | None,
    Query(max_length=64, description="At a centre: all, or the id of one gate. Left out: this machine's own record."),
]


def names_of_gates(connection: sqlite3.Connection, own: str) -> dict[str, str]:
    """What the gates of a compound are called, by their ids, those that were removed too; `own` is this machine."""
    return {records.own_gate(connection): own} | gates_of_centre.names(connection)


def people(connection: sqlite3.Connection, person: str, resident: str | None, home: str = "") -> tuple[str, ...] | None:
    """The ids of whom a query is about: `resident`, else everyone of a home whom the words of `person` fit, visitors by
    their passes; None: anybody."""
    if resident:
        return (resident,)
    if not person.strip() and not home.strip():
        return None
    unit = home.strip() or None
    living = [one.id for one in finding.search(connection, person, unit=unit)]
    return (*living, *(one.id for one in finding.passes_of(connection, person, unit)))


@router.get("/events")
def list_events(
    connection: Store,
    context: Shared,
    actor: Reader,
    search: Asked,
    before: Annotated[int | None, Query(ge=0, le=2**62)] = None,
    count: Annotated[int, Query(ge=1, le=500)] = 100,
    gate: OfGate = None,
) -> Events:
    """The record, filtered, the newest first."""
    homes = residents.homes(connection)
    if gate is not None:
        of_gates = records.page(connection, search, None if gate == ALL_GATES else gate, before, count)
        record_look(connection, actor, "events")
        names = names_of_gates(connection, context.gate)
        return Events(items=[shown(line, actor, homes, names) for line in of_gates.lines], next=of_gates.next)
    found = page(connection, search, before, count)
    record_look(connection, actor, "events")
    more = len(found) == count
    return Events(items=[shown(line, actor, homes) for line in found], next=found[-1].sequence if more else None)


@router.get("/events/export", response_class=StreamingResponse)
def export_events(
    connection: Store,
    context: Shared,
    actor: Reader,
    search: Asked,
    format: Literal["csv", "jsonl"] = "csv",
    gate: OfGate = None,
) -> StreamingResponse:
    """What was found, whole, as a file. The export is on record."""
    audit.append(connection, AuditEvent(Kind.EXPORTED, {"format": format, "by": actor.label}))
    write = _csv if format == "csv" else _jsonl
    name = f"facegate-events-{datetime.now(UTC):%Y%m%dT%H%M%SZ}.{format}"
    names = None if gate is None else names_of_gates(connection, context.gate)
    return streamed(context, lambda reader: write(reader, lines_of(reader, search, gate), actor, names), name)


def lines_of(connection: sqlite3.Connection, search: Search, gate: str | None) -> Iterator[Line]:
    """All lines that match: of this machine's own record, where no `gate` was asked for."""
    if gate is None:
        return every(connection, search)
    return records.every(connection, search, None if gate == ALL_GATES else gate)


def streamed(context: Context, write: Callable[[sqlite3.Connection], Iterator[str]], name: str) -> StreamingResponse:
    """A file called `name`, written while it is sent, from a connection of its own that only reads."""
    kind = "text/csv; charset=utf-8" if name.endswith(".csv") else "application/jsonl"

    def stream() -> Iterator[str]:
        with closing(open_read_only(context.state)) as reader:
            yield from write(reader)

    return StreamingResponse(
        stream(), media_type=kind, headers={"Content-Disposition": f'attachment; filename="{name}"'}
    )


def shown(line: Line, actor: Actor, homes: Mapping[str, str], gates: Mapping[str, str] | None = None) -> Event:
    """A line as this actor may see it; `homes` are today's, by resident, `gates` what they are called, by their ids."""
    return Event(
        sequence=line.sequence, id=line.id, gate=line.gate_id, kind=line.kind, at=line.at,
        clock_trusted=line.clock_trusted, details=_plain(line, actor),
        resident=line.personal.get("resident"), name=line.personal.get("name"),
        unit=residents.home_in(line.personal, homes), visit=line.personal.get("pass"),
        visitor=line.personal.get("visitor"), host=line.personal.get("host"),
        nearest=_near(line, actor), hash=line.hash,
        gate_name=None if gates is None else gates.get(line.gate_id, line.gate_id),
    )  # fmt: skip


def _near(line: Line, actor: Actor) -> str | None:
    return line.personal.get("nearest") if actor.may(Permission.SCORES) else None


def _plain(line: Line, actor: Actor) -> dict[str, Any]:
    """How alike a face was is for administrators alone."""
    return line.details if actor.may(Permission.SCORES) else without_scores(line.details)


def iso(moment: datetime | None) -> str | None:
    """As the record writes times; one without a zone is taken as UTC."""
    if moment is None:
        return None
    aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return aware.astimezone(UTC).isoformat(timespec="milliseconds")


_CSV_COLUMNS = (
    "sequence", "at", "kind", "reason", "method", "name", "resident", "details", "hash", "unit",
    "visitor", "host",
)  # fmt: skip


def _csv(
    reader: sqlite3.Connection, lines: Iterable[Line], actor: Actor, gates: Mapping[str, str] | None
) -> Iterator[str]:
    # A spreadsheet takes UTF-8 for what it is when the file says so.
    yield "\ufeff" + csv_line((*_CSV_COLUMNS, *(() if gates is None else ("gate_name",))))
    homes = residents.homes(reader)
    for line in lines:
        one = shown(line, actor, homes, gates)
        yield csv_line((
            one.sequence, one.at, one.kind, line.says.reason or "", line.says.method or "", one.name or "",
            one.resident or "", json.dumps(one.details, ensure_ascii=False), one.hash, one.unit or "",
            one.visitor or "", one.host or "", *(() if gates is None else (one.gate_name or "",)),
        ))  # fmt: skip


def _jsonl(
    reader: sqlite3.Connection, lines: Iterable[Line], actor: Actor, gates: Mapping[str, str] | None
) -> Iterator[str]:
    homes = residents.homes(reader)
    for line in lines:
        yield shown(line, actor, homes, gates).model_dump_json() + "\n"
