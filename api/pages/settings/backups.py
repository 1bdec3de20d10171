"""The page of backups."""

from __future__ import annotations

import os
from typing import Annotated, Any

from fastapi import APIRouter, Query
from fastapi.responses import FileResponse, Response

from api.early_refusal import EarlyRefusal
from api.pages.settings.desk import ConfirmedDesk, Desk, OwnersDesk
from api.problems import HttpProblem
from api.v1.site import back_up, backups_of, name_of
from gate.errors import Sentence
from gate.store.record import audit
from gate.vocabulary import AuditEvent, Kind

router = APIRouter(route_class=EarlyRefusal, include_in_schema=False, prefix="/settings/backups")


def _shown(desk: Desk, **said: Any) -> Response:
    context = desk.context
    return desk.page("backups", backups=[name_of(context, path) for path in backups_of(context)], **said)


@router.get("")
def show_backups(desk: OwnersDesk) -> Response:
    """Those that there are, the newest first."""
    return _shown(desk)


@router.post("")
def make_backup(desk: ConfirmedDesk) -> Response:
    """Make a backup now."""
    return desk.after(lambda: back_up(desk.context), Sentence("The backup is made and verified."), _shown)


@router.get("/file")
def download_backup(desk: ConfirmedDesk, name: Annotated[str, Query(max_length=200)]) -> FileResponse:
    """One of them as a file, for another place. It is on record: it holds all that the gate knows."""
    found = next((path for path in backups_of(desk.context) if name_of(desk.context, path) == name), None)
    if found is None or found.is_symlink():
        raise HttpProblem(404, "There is no such backup.")
    if not os.access(found, os.R_OK):
        raise HttpProblem(403, "This backup was made by the machine's administrator, who alone can read it.")
    audit.append(desk.connection, AuditEvent(Kind.BACKUP_DOWNLOADED, {"file": name, "by": desk.actor.label}))
    return FileResponse(found, media_type="application/octet-stream", filename=found.name)
