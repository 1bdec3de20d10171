"""Many people at once: a table and photos, rehearsed, then carried out; and everyone as a table."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from functools import partial
from typing import Annotated

from fastapi import APIRouter, Form, Query, Response, UploadFile
from fastapi.responses import StreamingResponse
from pydantic import BaseModel, Field

from api.acting import still_may
from api.actors import Registrar
from api.auth import Actor, Permission
from api.context import Context, Shared, Store, record_look_once
from api.early_refusal import EarlyRefusal
from api.imported import Import as Stored
from api.imported import Phase
from api.problems import RESPONSES, HttpProblem
from enroll.consent import refuse_unknown_language
from gate.store.database import open_read_only
from gate.store.record import audit
from gate.vocabulary import AuditEvent, Kind

router = APIRouter(route_class=EarlyRefusal, prefix="/api/v1", tags=["imports"], responses=RESPONSES)

# A form has a field for each line that somebody ticks, and a table has some thousands.
MOST_TICKED = 10_000
# As the record calls a look at one: whose face it is already is told beside its lines.
LOOK = "an import"
_Key = Annotated[str | None, Form(max_length=64, description="The `key` of the table that was looked at.")]


class Line(BaseModel):
    """What became of a line of the table, or in a rehearsal would."""

    line: int
    name: str
    action: str = Field(description="added, enrolled, changed, known or refused")
    changes: str | None = Field(description="What is another of somebody who was there before.")
    why: str | None
    warns: bool = Field(description="Whether somebody should look at it, although it is not refused.")
    is_like: bool = Field(
        description="Whether it is refused until somebody says that this is not whom they look like: by yes in the"
        " column another_person, or by the line in `another` of the run."
    )


class Import(BaseModel):
    """The import as it stands; it is rehearsed first, and done when `run` is asked for."""

    key: str = Field(description="Names this table: send it with `run`, so that nothing is done of another one.")
    phase: Phase
    read_as: str = Field(description="How the table was read: its encoding and separator, or its sheet.")
    language: str = Field(description="In which language those agreed whose row names none.")
    rows: int
    done: int = Field(description="How many rows it came to, those that are refused with them.")
    warnings: int = Field(description="How many of the lines warn.")
    lines: list[Line]
    problem: str | None
    remark: str | None = Field(description="What is to be said of the whole table: that no photos came with it.")


@router.post("/imports", status_code=202)
def start_import(
    files: list[UploadFile],
    context: Shared,
    connection: Store,
    actor: Registrar,
    encoding: Annotated[str, Form(max_length=20)] = "",
    language: Annotated[str, Form(max_length=20)] = "",
) -> Import:
    """Rehearse a table (CSV, .xlsx, .ods) and a ZIP of photos, or a ZIP with both. Nothing is changed yet.

    `encoding` is that of a CSV, where it cannot be found out: utf-8, gb18030, windows-1251 and the like. `language`
    is that of the consent text which those read whose row names none; without it the setting `enrolment.language`.
    """
    start(context, connection, actor, files, encoding, language or context.settings.enrolment.language_else())
    return show_import(context, connection, actor)


@router.get("/imports/current")
def show_import(context: Shared, connection: Store, actor: Registrar) -> Import:
    """How far it is, and what becomes of each line."""
    now = context.importer.now
    if now is None:
        raise HttpProblem(404, "There is no import.")
    record_look_once(connection, context, actor, LOOK, of=now.key)
    return _shown(now)


@router.post("/imports/current/run", status_code=202, form_limits={"max_fields": MOST_TICKED})
def run_import(
    context: Shared,
    connection: Store,
    actor: Registrar,
    another: Annotated[
        list[int] | None,
        Form(
            description="The lines on which somebody looked: they are not those whom `why` names. Whoever else looks"
            " the same is asked about anew. With lines the `key` is needed."
        ),
    ] = None,
    key: _Key = None,
) -> Import:
    """Carry out what was rehearsed. Cut short, upload it again: whoever is enrolled is passed over."""
    context.importer.carry_out(actor.label, partial(still_may, actor, Permission.PEOPLE), another or (), key)
    return show_import(context, connection, actor)


@router.delete("/imports/current", status_code=204)
def discard_import(
    context: Shared, connection: Store, actor: Registrar, key: Annotated[str | None, Query(max_length=64)] = None
) -> Response:
    """Stop the import with this `key`, and forget what was uploaded. Without a key only whoever uploaded it may.

    One that was being carried out stays to be seen as `stopped`, with what became of its lines, until it is deleted
    once more or another is uploaded.
    """
    context.importer.discard(connection, actor.label, key)
    return Response(status_code=204)


@router.get("/exports/residents", response_class=StreamingResponse)
def export_residents(
    context: Shared, connection: Store, actor: Registrar, templates: bool = False
) -> StreamingResponse:
    """Everyone as a CSV that can be imported again; with templates, for owners, as JSON Lines. It is on record."""
    from enroll.export import table, with_templates

    if templates and not actor.may(Permission.SITE):
        raise HttpProblem(403, "You may not do this; ask an owner of the gate.")
    audit.append(connection, AuditEvent(Kind.PEOPLE_EXPORTED, {"templates": templates, "by": actor.label}))
    write, kind, ending = (with_templates, "application/jsonl", "jsonl") if templates else (table, "text/csv", "csv")

    def stream() -> Iterator[str]:
        with closing(open_read_only(context.state)) as reader:
            yield from write(reader)

    name = f"facegate-residents-{datetime.now(UTC):%Y%m%dT%H%M%SZ}.{ending}"
    return StreamingResponse(
        stream(), media_type=kind, headers={"Content-Disposition": f'attachment; filename="{name}"'}
    )


def start(
    context: Context,
    connection: sqlite3.Connection,
    actor: Actor,
    files: list[UploadFile],
    encoding: str,
    language: str,
) -> None:
    """Rehearse uploads, for the API and the page alike. Raises FacegateError."""
    refuse_unknown_language(language)
    sent = [(one.filename or "", one.file) for one in files]
    context.importer.start(connection, sent, actor.label, language, encoding or None)


def _shown(now: Stored) -> Import:
    lines = [
        Line(
            line=one.line,
            name=one.name,
            action=one.action,
            why=one.why,
            changes=one.changes,
            warns=one.warns,
            is_like=one.is_like,
        )
        for one in now.lines()
    ]
    return Import(
        key=now.key,
        phase=now.phase,
        read_as=now.read_as,
        language=now.language,
        rows=len(now.rows),
        done=len(now.outcomes),
        warnings=sum(one.warns for one in lines),
        lines=lines,
        problem=now.problem,
        remark=now.remark,
    )
